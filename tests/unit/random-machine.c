/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "random-machine.h"

#include <inttypes.h>
#include <string.h>

#include "rows.h"

/* xorshift64*: the same machines everywhere. */
unsigned int roll(struct machine *m, unsigned int sides)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (unsigned int)((m->random * UINT64_C(0x2545f4914f6cdd1d)) >> 40) % sides;
}

static int add_node(
	struct machine *m, int parent, unsigned int device, bool bridge, const char *port)
{
	if (m->n == MAX_NODES)
		return -1;
	m->nodes[m->n] = (struct node){ .parent = parent,
		.device = device,
		.bridge = bridge,
		.hotplug = bridge && roll(m, 2),
		.port = port,
		.extra = "" };
	return m->n++;
}

static void add_bars(struct machine *m, struct node *n, bool dead)
{
	static const char *const extras[] = { "", "", "driver=e1000e",
		"driver=nvme user=mount:/srv" };

	n->space[MEM] = (struct space){ .size = (4 * K) << roll(m, 9), .dead = dead && roll(m, 2) };
	if (roll(m, 2) || dead)
		n->space[PREF] =
			(struct space){ .size = M << roll(m, dead ? 10 : 7), .dead = dead };
	if (roll(m, 4) == 0)
		n->space[IO] = (struct space){ .size = 32, .dead = dead && roll(m, 2) };
	n->extra = dead ? "" : extras[roll(m, ARRAY_SIZE(extras))];
	if (!dead && roll(m, 25) == 0)
		n->extra = "driver=vfio-pci";
}

static void add_card(struct machine *m, int port)
{
	int card = roll(m, 4) ? add_node(m, port, 0, false, NULL) : -1;

	if (card >= 0)
		add_bars(m, &m->nodes[card], false);
}

static void add_switch(struct machine *m, int port)
{
	int up = add_node(m, port, 0, true, "upstream");
	unsigned int n = 1 + roll(m, 3);

	for (unsigned int i = 0; up >= 0 && i < n; i++) {
		int down = add_node(m, up, i, true, "downstream hotplug");

		if (down >= 0 && roll(m, 8) == 0)
			add_switch(m, down);
		else if (down >= 0)
			add_card(m, down);
	}
}

/* @n_dead endpoints lose their BARs; false when there are too few. */
static bool kill_cards(struct machine *m, unsigned int n_dead)
{
	for (int tries = 0; tries < 50 && n_dead > 0; tries++) {
		struct node *n = &m->nodes[roll(m, (unsigned int)m->n)];

		if (n->bridge || n->space[PREF].dead)
			continue;
		memset(n->space, 0, sizeof(n->space));
		add_bars(m, n, true);
		n_dead--;
	}
	return n_dead == 0;
}

static unsigned int number_buses(struct machine *m, int parent, unsigned int bus, unsigned int last)
{
	for (int i = 0; i < m->n; i++) {
		struct node *n = &m->nodes[i];

		if (n->parent != parent)
			continue;
		n->bus = bus;
		if (!n->bridge)
			continue;
		n->secondary = last + 1;
		last = n->subordinate = number_buses(m, i, last + 1, last + 1);
	}
	return last;
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return align ? (value + align - 1) / align * align : value;
}

/* Largest alignment first, as firmware does; offsets into @base, the end is returned. */
static uint64_t lay_out(
	struct machine *m, int parent, enum kind kind, uint64_t offset, uint64_t *ret_align)
{
	for (uint64_t align = UINT64_C(1) << 40; align > 0; align >>= 1) {
		for (int i = 0; i < m->n; i++) {
			struct space *s = &m->nodes[i].space[kind];

			if (m->nodes[i].parent != parent || s->dead || s->size == 0 ||
				s->align != align)
				continue;
			offset = align_up(offset, align);
			s->base = offset;
			offset += s->size;
			if (*ret_align < align)
				*ret_align = align;
		}
	}
	return offset;
}

/* Children come after their parents in the array, so that sizes are known from the end. */
static void size_nodes(struct machine *m)
{
	for (int i = m->n - 1; i >= 0; i--) {
		struct node *n = &m->nodes[i];

		for (unsigned int kind = 0; kind < N_KINDS; kind++) {
			uint64_t unit = kind == IO ? 4 * K : M, slack = 0;
			struct space *s = &n->space[kind];

			s->align = s->size;
			if (!n->bridge)
				continue;
			s->align = unit;
			s->size = align_up(lay_out(m, i, (enum kind)kind, 0, &s->align), unit);
			if (roll(m, 3) == 0 || (n->hotplug && roll(m, 2)))
				slack = unit << roll(m, kind == IO ? 1 : 7);
			s->size += slack;
		}
	}
}

/* Tight or ample, so that room can end at any level. */
static void choose_apertures(struct machine *m)
{
	m->apertures[MEM] =
		(struct pr_range){ 0xc0000000, 0xc0000000 + ((64 * M) << roll(m, 3)) - 1 };
	m->apertures[PREF] = (struct pr_range){ UINT64_C(1) << 32,
		(UINT64_C(1) << 32) + ((192 * M) << roll(m, 4)) - 1 };
	m->apertures[IO] = (struct pr_range){ 0x2000, roll(m, 3) ? 0x7fff : 0x3fff };
}

static bool place_nodes(struct machine *m)
{
	for (unsigned int kind = 0; kind < N_KINDS; kind++) {
		uint64_t align = 0, end;

		end = lay_out(m, -1, (enum kind)kind, m->apertures[kind].first, &align);
		if (end > m->apertures[kind].last)
			return false;
		for (int i = 0; i < m->n; i++)
			if (m->nodes[i].parent >= 0)
				m->nodes[i].space[kind].base +=
					m->nodes[m->nodes[i].parent].space[kind].base;
	}
	return true;
}

static void add(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct machine *m, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(m->text + m->length, sizeof(m->text) - m->length, format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(m->text) - m->length);
	m->length += (size_t)n;
}

static void print_bridge(struct machine *m, const struct node *n)
{
	static const char *const names[N_KINDS] = { "mem", "pref64", "io" };

	add(m, "%02x:%02x.0 bridge %02x-%02x %s%s driver=pcieport", n->bus, n->device, n->secondary,
		n->subordinate, n->port,
		n->hotplug && !strstr(n->port, "hotplug") ? " hotplug" : "");
	for (unsigned int kind = 0; kind < N_KINDS; kind++)
		if (n->space[kind].size > 0)
			add(m, " %s=%" PRIx64 "-%" PRIx64, names[kind], n->space[kind].base,
				n->space[kind].base + n->space[kind].size - 1);
	add(m, "\n");
}

static void print_card(struct machine *m, const struct node *n)
{
	static const char *const types[N_KINDS] = { "bar0=mem", "bar2=pref64", "bar1=io" };

	add(m, "%02x:%02x.0 dev 8086:10d3 class=020000 %s", n->bus, n->device, n->extra);
	for (unsigned int kind = 0; kind < N_KINDS; kind++) {
		const struct space *s = &n->space[kind];

		if (s->size > 0 && s->dead)
			add(m, " %s:%" PRIx64 "@forgotten", types[kind], s->size);
		else if (s->size > 0)
			add(m, " %s:%" PRIx64 "@%" PRIx64, types[kind], s->size, s->base);
	}
	add(m, "\n");
}

bool make_machine(struct machine *m, const char *release, unsigned int n_dead)
{
	unsigned int ports = 1 + roll(m, 2);

	m->n = 0;
	for (unsigned int i = 0; i < ports; i++) {
		int port = add_node(m, -1, 2 + i, true, "root-port");

		if (roll(m, 4))
			add_switch(m, port);
		else
			add_card(m, port);
	}
	if (!kill_cards(m, n_dead))
		return false;
	(void)number_buses(m, -1, 0, 0);
	size_nodes(m);
	choose_apertures(m);
	if (!place_nodes(m))
		return false;

	m->length = 0;
	add(m, "kernel %s\nroot 0000:00-ff", release);
	add(m, " io=%" PRIx64 "-%" PRIx64, m->apertures[IO].first, m->apertures[IO].last);
	add(m, " mem=%" PRIx64 "-%" PRIx64, m->apertures[MEM].first, m->apertures[MEM].last);
	add(m, " mem=%" PRIx64 "-%" PRIx64, m->apertures[PREF].first, m->apertures[PREF].last);
	add(m, " mem=e0000000-e00fffff\n");
	add(m, "00:1f.2 dev 8086:2922 bar5=mem:1000@e0000000 driver=ahci user=mount:/\n");
	for (int i = 0; i < m->n; i++) {
		if (m->nodes[i].bridge)
			print_bridge(m, &m->nodes[i]);
		else
			print_card(m, &m->nodes[i]);
	}
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wild.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_NODES  16
#define K          UINT64_C(1024)
#define M          (K * K)
#define N_OF(list) ((unsigned int)(sizeof(list) / sizeof((list)[0])))

enum kind {
	MEM = 0,
	PREF,
	IO,
	N_KINDS
};
enum sort {
	IN_TROUBLE = 0,
	HEALTHY,
	VIRTUAL
};
struct space {
	uint64_t size, align, base;
	const char *dead; /* state in which it has no addresses, or NULL */
};
struct node {
	int parent; /* -1: root bus */
	bool bridge, hotplug;
	const char *port, *extra, *mem;
	unsigned int bus, device, function, secondary, subordinate;
	struct space space[N_KINDS];
};
struct half { /* one host bridge */
	struct node nodes[MAX_NODES];
	int n;
	unsigned int bus;
	uint64_t first[N_KINDS], last[N_KINDS];
};
struct making {
	uint64_t random;
	struct wild *w;
	size_t length;
	enum sort sort;
};

static unsigned int roll(struct making *g, unsigned int sides)
{
	/* xorshift64* */
	g->random ^= g->random >> 12;
	g->random ^= g->random << 25;
	g->random ^= g->random >> 27;
	return (unsigned int)((g->random * UINT64_C(0x2545f4914f6cdd1d)) >> 40) % sides;
}

static void add(struct making *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct making *g, const char *format, ...)
{
	size_t left = sizeof(g->w->text) - g->length;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(g->w->text + g->length, left, format, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < left);
	g->length += (size_t)n;
}

/* ---- what is there ---- */

static int add_node(struct half *h, int parent, unsigned int device, const char *port)
{
	if (h->n == MAX_NODES)
		return -1;
	h->nodes[h->n] = (struct node){ .parent = parent,
		.device = device,
		.bridge = port != NULL,
		.port = port,
		.extra = "",
		.mem = "mem" };
	return h->n++;
}

static int add_bridge(
	struct making *g, struct half *h, int parent, unsigned int device, const char *port)
{
	static const char *const drivers[] = { "driver=pcieport", "driver=pcieport",
		"driver=pcieport", "driver=pcieport", "driver=pcieport", "enabled=1", "enabled=0" };
	int i = add_node(h, parent, device, port);

	if (i >= 0) {
		h->nodes[i].hotplug = roll(g, 2) || strstr(port, "hotplug");
		h->nodes[i].extra = drivers[roll(g, N_OF(drivers))];
	}
	return i;
}

static void add_bars(struct making *g, struct node *n, const char *dead)
{
	static const char *const extras[] = { "", "", "", "driver=e1000e", "driver=e1000e",
		"driver=nvme user=mount:/srv", "user=net:eth0 driver=igb" };

	n->space[MEM] = (struct space){ .size = (4 * K) << roll(g, 11),
		.dead = dead && roll(g, 2) ? dead : NULL };
	if (roll(g, 6) == 0)
		n->mem = "mem64";
	if (roll(g, 2) || dead)
		n->space[PREF] =
			(struct space){ .size = M << roll(g, dead ? 10 : 8), .dead = dead };
	if (roll(g, 3) == 0)
		n->space[IO] = (struct space){ .size = UINT64_C(32) << roll(g, 4),
			.dead = dead && roll(g, 2) ? dead : NULL };
	n->extra = dead && roll(g, 4) ? "" : extras[roll(g, N_OF(extras))];
	if (!dead && roll(g, 30) == 0)
		n->extra = "driver=vfio-pci";
}

static void add_card(struct making *g, struct half *h, int port)
{
	unsigned int n = roll(g, 4) == 0 ? 0 : 1 + (roll(g, 6) == 0);

	for (unsigned int i = 0; i < n; i++) {
		int card = add_node(h, port, 0, NULL);

		if (card < 0)
			return;
		h->nodes[card].function = i;
		add_bars(g, &h->nodes[card], NULL);
	}
}

static void add_switch(struct making *g, struct half *h, int port)
{
	int up = add_bridge(g, h, port, 0, "upstream");
	unsigned int n = 1 + roll(g, 4);

	for (unsigned int i = 0; up >= 0 && i < n; i++) {
		int down =
			add_bridge(g, h, up, i, roll(g, 3) ? "downstream hotplug" : "downstream");

		if (down >= 0 && roll(g, 8) == 0)
			add_switch(g, h, down);
		else if (down >= 0)
			add_card(g, h, down);
	}
}

static void add_tree(struct making *g, struct half *h)
{
	unsigned int ports = 1 + roll(g, 3);

	for (unsigned int i = 0; i < ports; i++) {
		int port = add_bridge(g, h, -1, 2 + i, "root-port");

		if (port >= 0 && roll(g, 5) < 3)
			add_switch(g, h, port);
		else if (port >= 0)
			add_card(g, h, port);
	}
}

static bool kill_cards(struct making *g, struct half *h, unsigned int n_dead)
{
	static const char *const states[] = { "forgotten", "forgotten", "forgotten", "unassigned",
		"released" };

	for (int tries = 0; tries < 30 && n_dead > 0; tries++) {
		struct node *n = &h->nodes[roll(g, (unsigned int)h->n)];

		if (n->bridge || n->space[PREF].dead)
			continue;
		memset(n->space, 0, sizeof(n->space));
		add_bars(g, n, states[roll(g, N_OF(states))]);
		n_dead--;
	}
	return n_dead == 0;
}

/* ---- where it is ---- */

static unsigned int number_buses(struct half *h, int parent, unsigned int bus, unsigned int last)
{
	for (int i = 0; i < h->n; i++) {
		struct node *n = &h->nodes[i];

		if (n->parent != parent)
			continue;
		n->bus = bus;
		if (!n->bridge)
			continue;
		n->secondary = last + 1;
		last = n->subordinate = number_buses(h, i, last + 1, last + 1);
	}
	return last;
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) / align * align;
}

/* Largest alignment first, as firmware does; the end is returned. */
static uint64_t lay_out(
	struct half *h, int parent, enum kind kind, uint64_t offset, uint64_t *ret_align)
{
	for (uint64_t align = UINT64_C(1) << 40; align > 0; align >>= 1) {
		for (int i = 0; i < h->n; i++) {
			struct space *s = &h->nodes[i].space[kind];

			if (h->nodes[i].parent != parent || s->dead || s->size == 0 ||
				s->align != align)
				continue;
			s->base = align_up(offset, align);
			offset = s->base + s->size;
			if (*ret_align < align)
				*ret_align = align;
		}
	}
	return offset;
}

static void size_nodes(struct making *g, struct half *h)
{
	for (int i = h->n - 1; i >= 0; i--) {
		struct node *n = &h->nodes[i];

		for (unsigned int kind = 0; kind < N_KINDS; kind++) {
			uint64_t unit = kind == IO ? 4 * K : M;
			struct space *s = &n->space[kind];

			s->align = s->size;
			if (!n->bridge)
				continue;
			s->align = unit;
			s->size = align_up(lay_out(h, i, (enum kind)kind, 0, &s->align), unit);
			if (roll(g, 4) == 0 || (n->hotplug && roll(g, 3) == 0))
				s->size += unit << roll(g, kind == IO ? 1 : 8);
		}
	}
}

/* Tight or ample, so that room can end at any level. */
static void choose_apertures(struct making *g, struct half *h)
{
	bool second = h->bus != 0;

	h->first[MEM] = second ? 0xa0000000 : 0xc0000000;
	h->last[MEM] = h->first[MEM] + ((32 * M) << roll(g, 5)) - 1;
	h->first[PREF] = UINT64_C(1) << (second ? 38 : 32);
	h->last[PREF] = h->first[PREF] + ((96 * M) << roll(g, 6)) - 1;
	h->first[IO] = second ? 0xa000 : 0x2000;
	h->last[IO] = h->first[IO] + (UINT64_C(0x2000) << roll(g, 3)) - 1;
	if (h->last[IO] > 0xffff)
		h->last[IO] = 0xffff;
}

static bool place_nodes(struct half *h)
{
	for (unsigned int kind = 0; kind < N_KINDS; kind++) {
		uint64_t align = 0;

		if (lay_out(h, -1, (enum kind)kind, h->first[kind], &align) > h->last[kind] + 1)
			return false;
		for (int i = 0; i < h->n; i++)
			if (h->nodes[i].parent >= 0)
				h->nodes[i].space[kind].base +=
					h->nodes[h->nodes[i].parent].space[kind].base;
	}
	return true;
}

/* ---- as text ---- */

static void print_bridge(struct making *g, const struct node *n)
{
	static const char *const names[N_KINDS] = { "mem", "pref64", "io" };

	add(g, "%02x:%02x.0 bridge %02x-%02x %s%s %s", n->bus, n->device, n->secondary,
		n->subordinate, n->port,
		n->hotplug && !strstr(n->port, "hotplug") ? " hotplug" : "", n->extra);
	for (unsigned int kind = 0; kind < N_KINDS; kind++)
		if (n->space[kind].size > 0)
			add(g, " %s=%" PRIx64 "-%" PRIx64, names[kind], n->space[kind].base,
				n->space[kind].base + n->space[kind].size - 1);
	add(g, "\n");
}

static void print_bar(struct making *g, const char *name, const char *type, const struct space *s,
	const char *where)
{
	if (s->size == 0)
		return;
	add(g, " %s=%s:%" PRIx64 "@", name, type, s->size);
	if (where || s->dead)
		add(g, "%s", where ? where : s->dead);
	else
		add(g, "%" PRIx64, s->base);
}

/* PCIe 7.8.6: BAR 2 of that size, and bits for 1 MiB to 8 GiB. */
static void print_rebar(struct making *g, const struct space *s)
{
	unsigned int order = 0;

	while (M << order < s->size)
		order++;
	add(g, " config=100:15000100f0ff030022%02x0000", order);
}

/*
 * The BAR is that of its virtual functions.  As a rule a driver is there that can enable them, and
 * the kernel knows their size still.
 */
static void print_virtual(struct making *g, const struct node *n)
{
	static const char *const states[] = { "unassigned", "released" };
	const unsigned int order = roll(g, 5);
	struct space one = n->space[PREF];

	if (one.size == 0)
		return;
	one.size >>= order;
	if (one.dead && roll(g, 8))
		one.dead = states[roll(g, N_OF(states))];
	if (one.dead && !strstr(n->extra, "driver=") && roll(g, 8))
		add(g, " driver=igb");
	add(g, " vfs=%u", 1u << order);
	print_bar(g, "vfbar0", "pref64", &one, NULL);
}

static void print_card(struct making *g, const struct node *n)
{
	add(g, "%02x:%02x.%x dev 8086:10d3 class=020000 %s", n->bus, n->device, n->function,
		n->extra);
	print_bar(g, "bar0", n->mem, &n->space[MEM], NULL);
	if (g->sort == VIRTUAL)
		print_virtual(g, n);
	else
		print_bar(g, "bar2", "pref64", &n->space[PREF], NULL);
	print_bar(g, "bar4", "io", &n->space[IO], NULL);
	if (g->sort == HEALTHY && n->space[PREF].size > 0)
		print_rebar(g, &n->space[PREF]);
	add(g, "\n");
}

static void print_half(struct making *g, struct half *h)
{
	add(g, "root 0000:%02x-%02x", h->bus, h->bus + 0x7f);
	add(g, " io=%" PRIx64 "-%" PRIx64, h->first[IO], h->last[IO]);
	add(g, " mem=%" PRIx64 "-%" PRIx64, h->first[MEM], h->last[MEM]);
	add(g, " mem=%" PRIx64 "-%" PRIx64, h->first[PREF], h->last[PREF]);
	if (h->bus == 0)
		add(g, " mem=fe000000-fe0fffff\n00:1f.2 dev 8086:2922 bar5=mem:1000@fe000000 "
		       "driver=ahci user=mount:/");
	add(g, "\n");
	for (int i = 0; i < h->n; i++) {
		if (h->nodes[i].bridge)
			print_bridge(g, &h->nodes[i]);
		else
			print_card(g, &h->nodes[i]);
	}
}

/* ---- trouble ---- */

static const struct node *empty_port(struct making *g, const struct half *h)
{
	for (int tries = 0; tries < 30; tries++) {
		unsigned int i = roll(g, (unsigned int)h->n);
		const struct node *n = &h->nodes[i];
		bool empty = n->bridge && n->hotplug && strcmp(n->port, "upstream") != 0;

		for (int k = 0; k < h->n; k++)
			empty &= h->nodes[k].parent != (int)i;
		if (empty)
			return n;
	}
	return NULL;
}

static void print_new_card(struct making *g, const char *address, const char *parent)
{
	struct node n = { .mem = "mem", .extra = "" };

	add_bars(g, &n, roll(g, 3) ? "none" : NULL);
	add(g, "%s dev 1b36:0005 newcomer parent=%s", address, parent);
	print_bar(g, "bar0", n.mem, &n.space[MEM], "none");
	print_bar(g, "bar2", "pref64", &n.space[PREF], "none");
	print_bar(g, "bar4", "io", &n.space[IO], "none");
	add(g, "\n");
}

static bool plug(struct making *g, const struct half *h)
{
	const struct node *port = empty_port(g, h);
	char *parent = g->w->port;

	if (!port)
		return false;
	(void)snprintf(parent, sizeof(g->w->port), "%02x:%02x.0", port->bus, port->device);
	if (roll(g, 4) > 0) {
		print_new_card(g, "70:00.0", parent);
		return true;
	}
	add(g, "70:00.0 bridge none upstream newcomer parent=%s\n", parent);
	add(g, "71:00.0 bridge none downstream hotplug newcomer parent=70:00.0\n");
	print_new_card(g, "72:00.0", "71:00.0");
	return true;
}

static void choose_policy(struct making *g, const struct half *h)
{
	const struct node *n = &h->nodes[roll(g, (unsigned int)h->n)];

	g->w->limit = roll(g, 3);
	if (roll(g, 5) == 0)
		(void)snprintf(g->w->pin, sizeof(g->w->pin), "0000:%02x:%02x.%x", n->bus, n->device,
			n->function);
}

static bool make_half(struct making *g, struct half *h, unsigned int bus, unsigned int n_dead)
{
	h->bus = bus;
	add_tree(g, h);
	if (!kill_cards(g, h, n_dead))
		return false;
	(void)number_buses(h, -1, bus, bus);
	size_nodes(g, h);
	choose_apertures(g, h);
	if (!place_nodes(h))
		return false;
	print_half(g, h);
	return true;
}

static bool make(struct wild *w, uint64_t seed, enum sort sort)
{
	static const char *const releases[] = { "6.1.0", "6.12.0", "6.18.0", "7.1.0", "7.2.0",
		"7.3.0" };
	static const char *const options[] = { "", "", "",
		"cmdline pci=hpmmiosize=4M,hpmmioprefsize=16M\n", "cmdline pci=hpiosize=8192\n",
		"cmdline pci=hpbussize=4\n" };
	struct making g = {
		.random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15), .w = w, .sort = sort
	};
	struct half first = { 0 }, second = { 0 };
	unsigned int n_dead;
	bool plugs;

	memset(w, 0, sizeof(*w));
	w->release = releases[roll(&g, N_OF(releases))];
	add(&g, "kernel %s\n%s", w->release, options[roll(&g, N_OF(options))]);
	plugs = roll(&g, 3) == 0 && sort != VIRTUAL;
	n_dead = plugs ? roll(&g, 6) == 0 : 1 + roll(&g, 8) / 4;
	if (!make_half(&g, &first, 0, sort == HEALTHY ? 0 : n_dead))
		return false;
	if (roll(&g, 8) == 0 && !make_half(&g, &second, 0x80, sort != HEALTHY))
		return false;
	choose_policy(&g, &first);
	return sort == HEALTHY || !plugs || plug(&g, &first);
}

bool wild_make(struct wild *w, uint64_t seed)
{
	return make(w, seed, IN_TROUBLE);
}

bool wild_make_healthy(struct wild *w, uint64_t seed)
{
	return make(w, seed, HEALTHY);
}

bool wild_make_virtual(struct wild *w, uint64_t seed)
{
	return make(w, seed, VIRTUAL);
}

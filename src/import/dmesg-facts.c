/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that a kernel log proves, for the builder: configuration bytes with
 * holes where the log is silent, masks of BAR sizes, the kernel's table.
 * Capabilities lie at offsets of our own: a log names none.
 */
#include <errno.h>
#include <string.h>

#include "import/dmesg.h"

#define CAP_PCIE  0x40
#define CAP_SRIOV 0x100
#define MORE_CAPS 0xfc /* a hole: there may be more capabilities */

#define HEADER_BYTES   0x100
#define EXTENDED_BYTES 0x200

/* Bytes of one function while they are put together. */
struct bytes {
	uint8_t config[EXTENDED_BYTES], holes[EXTENDED_BYTES];
};

static void put(struct bytes *b, size_t at, unsigned int width, uint64_t value)
{
	for (unsigned int i = 0; i < width; i++, value >>= 8) {
		b->config[at + i] = (uint8_t)value;
		b->holes[at + i] = 0;
	}
}

/* ---- header ---- */

static void put_header(struct bytes *b, const struct pr_dmesg_function *f)
{
	put(b, 0x00, 2, f->found->vendor);
	put(b, 0x02, 2, f->found->device);
	put(b, 0x09, 3, f->found->class_code);
	put(b, 0x0e, 1, f->found->header_type | (f->multifunction ? 0x80u : 0u));
}

static uint32_t bar_type(uint32_t flags)
{
	if (flags & PR_IORES_IO)
		return 1;
	return (flags & PR_IORES_MEM_64 ? 4u : 0u) | (flags & PR_IORES_PREFETCH ? 8u : 0u);
}

/* @n registers from @base; those that the log does not name read zero: there is no such BAR. */
static void put_bars(struct bytes *b, size_t base, unsigned int n, const struct pr_dmesg_bar *bars,
	const uint64_t *registers)
{
	for (unsigned int i = 0; i < n; i++) {
		put(b, base + i * 4, 4, bars[i].flags ? registers[i] | bar_type(bars[i].flags) : 0);
		if (!(bars[i].flags & PR_IORES_MEM_64) || i + 1 == n)
			continue;
		put(b, base + i * 4 + 4, 4, registers[i] >> 32);
		i++;
	}
}

static uint16_t io_nibbles(const struct pr_resource_line *line)
{
	/* wide also at 0, so that an open window there is told from registers that are absent */
	unsigned int type = line->end > 0xffff || line->start == 0;

	return (uint16_t)((line->start >> 8 & 0xf0) | type | (line->end & 0xf000) | type << 8);
}

static void put_io_window(struct bytes *b, const struct pr_dmesg_function *f)
{
	const struct pr_resource_line *line = &f->lines[PR_WINDOW_IO];

	put(b, 0x1c, 2, f->window_seen[0] ? 0x00f0 : 0);
	put(b, 0x30, 4, 0);
	if (line->end == 0 || line->end > UINT32_MAX)
		return;
	put(b, 0x1c, 2, io_nibbles(line));
	if (line->end > 0xffff)
		put(b, 0x30, 4, line->start >> 16 | (line->end >> 16) << 16);
}

static void put_mem_window(struct bytes *b, const struct pr_dmesg_function *f)
{
	const struct pr_resource_line *line = &f->lines[PR_WINDOW_MEM];

	put(b, 0x20, 4, 0x0000fff0);
	if (line->end != 0 && line->end <= UINT32_MAX)
		put(b, 0x20, 4, (line->start >> 16 & 0xfff0) | (line->end & 0xfff00000));
}

static void put_pref_window(struct bytes *b, const struct pr_dmesg_function *f)
{
	const struct pr_resource_line *line = &f->lines[PR_WINDOW_PREF];
	bool wide = (f->window_flags[2] & PR_IORES_MEM_64) != 0;
	uint32_t type = wide ? 0x00010001 : 0;

	put(b, 0x24, 4, f->window_seen[2] ? 0x0000fff0 | type : 0);
	put(b, 0x28, 8, 0);
	if (line->end == 0 || (!wide && line->end > UINT32_MAX))
		return;
	put(b, 0x24, 4, (line->start >> 16 & 0xfff0) | (line->end & 0xfff00000) | type);
	if (wide)
		put(b, 0x28, 8, line->start >> 32 | (line->end >> 32) << 32);
}

/*
 * The primary bus is the one that it sits on: the kernel takes no other, or
 * writes it.
 */
static void put_bridge(struct bytes *b, const struct pr_dmesg_function *f)
{
	if (!f->buses_known)
		return;
	put(b, 0x18, 1, f->address.bus);
	put(b, 0x19, 1, f->secondary);
	put(b, 0x1a, 1, f->subordinate);
	if (f->found->header_type != 1)
		return;
	put_io_window(b, f);
	put_mem_window(b, f);
	put_pref_window(b, f);
}

/* ---- capabilities ---- */

static bool leads_down(enum pr_port_type port)
{
	return port == PR_PORT_ROOT || port == PR_PORT_DOWNSTREAM;
}

/*
 * Kernels before 6.8 do not name the type; a hot-plug slot of pciehp is a
 * root port's on a root bus, and a switch's otherwise.
 */
static enum pr_port_type port_type(const struct pr_dmesg_function *f, bool on_root_bus)
{
	if (f->found->express != PR_UNKNOWN || !f->hotplug)
		return f->found->port;
	return on_root_bus ? PR_PORT_ROOT : PR_PORT_DOWNSTREAM;
}

static void put_express(
	struct bytes *b, const struct pr_dmesg_function *f, bool on_root_bus, bool occupied)
{
	enum pr_port_type port = port_type(f, on_root_bus);

	if (port == PR_PORT_NONE)
		return;
	put(b, 0x06, 2, 0x0010); /* capability list */
	put(b, 0x34, 1, CAP_PCIE);
	put(b, CAP_PCIE, 2, 0x10 | MORE_CAPS << 8);
	put(b, CAP_PCIE + 2, 2, 2u | (unsigned int)port << 4 | (f->hotplug ? 0x100u : 0u));
	if (f->hotplug && leads_down(port)) {
		put(b, CAP_PCIE + 0x14, 4, 1u << 6);
		put(b, CAP_PCIE + 0x1a, 2, occupied ? 1u << 6 : 0u);
	}
}

static void put_sriov(struct bytes *b, const struct pr_dmesg_function *f)
{
	put(b, CAP_SRIOV, 4, 0x0010 | 1u << 16 | (uint32_t)(EXTENDED_BYTES + CAP_SRIOV) << 20);
	put(b, CAP_SRIOV + 8, 2, 0);
	put(b, CAP_SRIOV + 0x0e, 2, f->vfs);
	put_bars(b, CAP_SRIOV + 0x24, 6, &f->bars[PR_VF_BAR0], &f->registers[PR_VF_BAR0]);
}

/* ---- sizes ---- */

static bool is_pow2_size(uint64_t size)
{
	return size >= 4 && pr_is_pow2(size);
}

bool pr_dmesg_mask(unsigned int index, uint64_t size, uint32_t flags, struct pr_bar_mask *ret)
{
	uint64_t mask = ~(size - 1);
	bool wide = (flags & PR_IORES_MEM_64) != 0;

	if (flags == 0 || !is_pow2_size(size) || (size > UINT32_MAX && !wide))
		return false;
	*ret = (struct pr_bar_mask){ .index = (uint8_t)index,
		.low = (uint32_t)mask | (index == PR_ROM ? 0 : bar_type(flags)),
		.high = wide ? (uint32_t)(mask >> 32) : 0 };
	return true;
}

size_t pr_dmesg_masks(const struct pr_dmesg_function *f, struct pr_bar_mask *ret)
{
	size_t n = 0;

	for (unsigned int i = 0; i < PR_WINDOW_IO; i++)
		n += pr_dmesg_mask(i, f->bars[i].size, f->bars[i].flags, &ret[n]);
	return n;
}

/* ---- functions ---- */

static bool has_functions_below(const struct pr_dmesg_fold *fold, const struct pr_dmesg_function *f)
{
	for (size_t i = 0; i < fold->n; i++) {
		const struct pr_dmesg_function *c = &fold->functions[i];

		if (c->present && c->address.domain == f->address.domain && f->buses_known &&
			c->address.bus == f->secondary)
			return true;
	}
	return false;
}

static bool is_on_root_bus(const struct pr_dmesg *log, const struct pr_address *a)
{
	for (size_t i = 0; i < log->n; i++) {
		const struct pr_dmesg_entry *e = &log->entries[i];

		if (e->kind == PR_DMESG_ROOT && e->address.domain == a->domain &&
			e->address.bus == a->bus)
			return true;
	}
	return false;
}

static void fill(struct bytes *b, const struct pr_dmesg *log, const struct pr_dmesg_fold *fold,
	const struct pr_dmesg_function *f)
{
	memset(b->config, 0, sizeof(b->config));
	memset(b->holes, 1, sizeof(b->holes));
	put_header(b, f);
	if (fold->tells_bars)
		put_bars(b, 0x10,
			f->found->header_type == 0   ? 6
			: f->found->header_type == 1 ? 2
						     : 1,
			f->bars, f->registers);
	if (f->found->header_type != 0)
		put_bridge(b, f);
	put_express(b, f, is_on_root_bus(log, &f->address), has_functions_below(fold, f));
	if (f->vfs > 0)
		put_sriov(b, f);
}

/* The facts of @f, borrowed from @b, @masks and @f. */
static struct pr_facts facts_of(
	const struct pr_dmesg_function *f, const struct bytes *b, struct pr_bar_mask *masks)
{
	return (struct pr_facts){
		.address = f->address,
		.order = f->order,
		.config = b->config,
		.config_holes = b->holes,
		.config_length = f->vfs > 0 ? EXTENDED_BYTES : HEADER_BYTES,
		.masks = masks,
		.n_masks = pr_dmesg_masks(f, masks),
		.driver = f->port_driver ? "pcieport" : NULL,
		.numa_node = -1,
		.iommu_group = -1,
		.sriov_numvfs = -1,
		.enabled = -1,
	};
}

static int add_function(const struct pr_dmesg *log, const struct pr_dmesg_fold *fold,
	const struct pr_dmesg_function *f, struct pr_builder *builder)
{
	struct pr_bar_mask masks[PR_WINDOW_IO];
	struct pr_facts facts;
	struct bytes b;
	int r;

	fill(&b, log, fold, f);
	facts = facts_of(f, &b, masks);
	if (fold->tells_bars) {
		facts.lines = f->lines;
		/* without a bus below it no windows are shown (resource_show) */
		facts.n_lines = f->buses_known && f->secondary > f->address.bus ? PR_RESOURCE_MAX
										: PR_WINDOW_IO;
	}
	r = pr_builder_add_function(builder, &facts);
	return r == -EEXIST ? 0 : r; /* what the builder has stays */
}

/* ---- the whole ---- */

static int add_all(
	const struct pr_dmesg *log, size_t until, struct pr_arena *arena, struct pr_builder *b)
{
	const struct pr_dmesg_roots roots = { .log = log, .arena = arena };
	struct pr_dmesg_fold fold;
	int r;

	r = pr_dmesg_fold(log, until, arena, &fold);
	for (size_t i = 0; i < fold.n && r == 0; i++)
		if (fold.functions[i].present)
			r = add_function(log, &fold, &fold.functions[i], b);
	if (r == 0)
		r = pr_dmesg_each_root(&roots, b, pr_builder_add_root);
	return r == 0 ? pr_builder_set_machine(b, &log->machine) : r;
}

int pr_dmesg_add_facts(const struct pr_dmesg *log, size_t until, struct pr_builder *b)
{
	struct pr_arena *arena = pr_arena_new();
	int r;

	if (!arena)
		return -ENOMEM;
	r = add_all(log, until, arena, b);
	pr_arena_free(arena);
	return r;
}

/*
 * The first words about a bridge after it is found are what its registers read:
 * no bus numbers after power-on, or what firmware has set up behind the kernel's back.
 */
static const struct pr_dmesg_entry *first_words(
	const struct pr_dmesg *log, const struct pr_dmesg_function *f)
{
	const struct pr_dmesg_entry *end = log->entries + log->n;

	for (const struct pr_dmesg_entry *e = f->found + 1; e < end; e++) {
		if (pr_address_compare(&e->address, &f->address) != 0)
			continue;
		if (e->kind == PR_DMESG_FOUND)
			return NULL;
		if (e->kind == PR_DMESG_BUSES)
			return e->first_bus > f->address.bus ? e : NULL;
	}
	return NULL;
}

static void set_windows(
	const struct pr_dmesg *log, struct pr_dmesg_function *f, const struct pr_dmesg_entry *words)
{
	static const uint64_t lowest[] = { 0xfff, 0xfffff, 0xfffff };

	for (unsigned int i = 0; i < 3; i++)
		f->lines[PR_WINDOW_IO + i] =
			(struct pr_resource_line){ .end = !words && f->window_seen[i] ? lowest[i]
										      : 0 };
	for (const struct pr_dmesg_entry *e = words ? words + 1 : NULL;
		e && e < log->entries + log->n && e->kind == PR_DMESG_WINDOW &&
		e->index <= PR_WINDOW_PREF;
		e++)
		f->lines[e->index] =
			(struct pr_resource_line){ .start = e->range.first, .end = e->range.last };
}

/* As it was before the kernel wrote to it. */
static void power_on(const struct pr_dmesg *log, struct pr_dmesg_function *f)
{
	const struct pr_dmesg_entry *words = first_words(log, f);

	f->buses_known = true;
	f->secondary = words ? words->first_bus : 0;
	f->subordinate = words ? words->last_bus : 0;
	set_windows(log, f, words);
}

static bool find_parent(
	const struct pr_dmesg_fold *fold, const struct pr_address *a, struct pr_address *ret)
{
	for (size_t i = 0; i < fold->n; i++) {
		const struct pr_dmesg_function *f = &fold->functions[i];

		if (!f->present || !f->buses_known || f->address.domain != a->domain ||
			f->secondary != a->bus || f->secondary <= f->address.bus)
			continue;
		*ret = f->address;
		return true;
	}
	return false;
}

int pr_dmesg_newcomer(const struct pr_dmesg *log, size_t from, size_t until,
	const struct pr_address *a, struct pr_arena *arena, struct pr_facts *ret)
{
	struct pr_bar_mask *masks = pr_new_array(arena, PR_WINDOW_IO, struct pr_bar_mask);
	struct bytes *b = pr_new(arena, struct bytes);
	struct pr_dmesg_function *f;
	struct pr_dmesg_fold fold;
	int r;

	if (!masks || !b)
		return -ENOMEM;
	r = pr_dmesg_fold(log, until, arena, &fold);
	if (r < 0)
		return r;
	f = pr_dmesg_find(&fold, a);
	if (!f || !f->present || f->found < &log->entries[from])
		return 1;
	power_on(log, f);
	fill(b, log, &fold, f);
	*ret = facts_of(f, b, masks);
	ret->is_newcomer = true;
	ret->has_parent = find_parent(&fold, a, &ret->parent);
	return 0;
}

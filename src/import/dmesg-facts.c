/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts that a kernel log proves, for the builder: configuration bytes with
 * holes where the log is silent, masks of BAR sizes, the kernel's table,
 * host bridges.  Capabilities lie at offsets of our own: a log names none.
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

static size_t put_masks(const struct pr_dmesg_function *f, struct pr_bar_mask *ret)
{
	size_t n = 0;

	for (unsigned int i = 0; i < PR_WINDOW_IO; i++) {
		const struct pr_dmesg_bar *bar = &f->bars[i];
		uint64_t mask = ~(bar->size - 1);
		bool wide = (bar->flags & PR_IORES_MEM_64) != 0;

		if (bar->flags == 0 || !is_pow2_size(bar->size) ||
			(bar->size > UINT32_MAX && !wide))
			continue;
		ret[n++] = (struct pr_bar_mask){ .index = (uint8_t)i,
			.low = (uint32_t)mask | (i == PR_ROM ? 0 : bar_type(bar->flags)),
			.high = wide ? (uint32_t)(mask >> 32) : 0 };
	}
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
		.n_masks = put_masks(f, masks),
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

/* ---- host bridges ---- */

struct ranges {
	struct pr_range *at;
	size_t n;
};
struct roots {
	const struct pr_dmesg *log;
	struct pr_arena *arena;
	bool by_processor; /* addresses are the processor's, as in tables of the kernel */
};

static bool is_given_back(const struct pr_dmesg *log, const struct pr_dmesg_entry *reserved)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->entries[i].kind == PR_DMESG_UNRESERVED &&
			pr_range_contains(&log->entries[i].range, &reserved->range))
			return true;
	return false;
}

/* Where the processor sees it, or where it is on the bus. */
static struct pr_range seen(const struct pr_dmesg_entry *e, bool by_processor)
{
	uint64_t more = by_processor ? e->translation : 0;

	return (struct pr_range){ e->range.first + more, e->range.last + more };
}

static struct ranges collect(const struct roots *x, const struct pr_dmesg_entry *root,
	enum pr_dmesg_kind kind, uint32_t type)
{
	const struct pr_dmesg *log = x->log;
	struct ranges r = { .at = pr_new_array(x->arena, log->n + 1, struct pr_range) };

	for (size_t i = 0; i < log->n && r.at; i++) {
		const struct pr_dmesg_entry *e = &log->entries[i];

		if (e->kind != kind || !(e->flags & type))
			continue;
		if (kind == PR_DMESG_RESERVED ? !is_given_back(log, e)
					      : e->address.domain == root->address.domain &&
							e->address.bus == root->address.bus)
			r.at[r.n++] = seen(e, x->by_processor);
	}
	return r;
}

/* What is reserved inside of the apertures @of. */
static void clip(struct ranges *busy, const struct ranges *of)
{
	size_t n = 0;

	for (size_t i = 0; i < busy->n; i++)
		for (size_t k = 0; k < of->n; k++)
			if (pr_range_contains(&of->at[k], &busy->at[i])) {
				busy->at[n++] = busy->at[i];
				break;
			}
	busy->n = pr_ranges_merge(busy->at, n);
}

static int last_bus(const struct pr_dmesg *log, const struct pr_address *a)
{
	for (size_t i = log->n; i-- > 0;) {
		const struct pr_dmesg_entry *e = &log->entries[i];

		if (e->kind == PR_DMESG_ROOT && e->last_bus >= e->address.bus &&
			e->first_bus == e->address.bus && e->last_bus != 0 &&
			e->address.domain == a->domain && e->address.bus == a->bus)
			return e->last_bus;
	}
	return -1;
}

/* False: memory is short. */
static bool root_facts(
	const struct roots *x, const struct pr_dmesg_entry *root, struct pr_root_facts *ret)
{
	struct ranges io = collect(x, root, PR_DMESG_APERTURE, PR_IORES_IO);
	struct ranges mem = collect(x, root, PR_DMESG_APERTURE, PR_IORES_MEM);
	struct ranges busy_io = collect(x, root, PR_DMESG_RESERVED, PR_IORES_IO);
	struct ranges busy_mem = collect(x, root, PR_DMESG_RESERVED, PR_IORES_MEM);

	if (!io.at || !mem.at || !busy_io.at || !busy_mem.at)
		return false;
	clip(&busy_io, &io);
	clip(&busy_mem, &mem);
	*ret = (struct pr_root_facts){
		.domain = root->address.domain,
		.bus = root->address.bus,
		.last_bus = last_bus(x->log, &root->address),
		.io = io.at,
		.n_io = io.n,
		.mem = mem.at,
		.n_mem = mem.n,
		.busy_io = busy_io.at,
		.n_busy_io = busy_io.n,
		.busy_mem = busy_mem.at,
		.n_busy_mem = busy_mem.n,
		.io_known = io.n + mem.n > 0,
		.mem_known = io.n + mem.n > 0,
	};
	return true;
}

/* Each host bridge once: what is said of it again is -EEXIST. */
static int each_root(const struct roots *x, struct pr_builder *b,
	int (*add)(struct pr_builder *b, const struct pr_root_facts *facts))
{
	const struct pr_dmesg *log = x->log;
	struct pr_address done = { .domain = UINT32_MAX };
	struct pr_root_facts facts;
	int r = 0;

	for (size_t i = 0; i < log->n && r == 0; i++) {
		const struct pr_dmesg_entry *e = &log->entries[i];

		if (e->kind != PR_DMESG_ROOT || pr_address_compare(&e->address, &done) == 0)
			continue;
		done = e->address;
		r = root_facts(x, e, &facts) ? add(b, &facts) : -ENOMEM;
		if (r == -EEXIST)
			r = 0;
	}
	return r;
}

/* ---- the whole ---- */

static int add_all(
	const struct pr_dmesg *log, size_t until, struct pr_arena *arena, struct pr_builder *b)
{
	const struct roots roots = { .log = log, .arena = arena };
	struct pr_dmesg_fold fold;
	int r;

	r = pr_dmesg_fold(log, until, arena, &fold);
	for (size_t i = 0; i < fold.n && r == 0; i++)
		if (fold.functions[i].present)
			r = add_function(log, &fold, &fold.functions[i], b);
	if (r == 0)
		r = each_root(&roots, b, pr_builder_add_root);
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

/* @f, that the log found last at this address, as far as @b knows less of it. */
static int supplement_function(const struct pr_dmesg_function *f, struct pr_builder *b)
{
	const struct pr_resource_line io = { 0, f->io_asked - 1, PR_IORES_IO | PR_IORES_UNSET };
	const struct pr_dmesg_entry *e = f->found;
	struct pr_bar_mask masks[PR_WINDOW_IO];
	int r;

	if (!e)
		return 0;
	r = pr_builder_supplement_masks(
		b, &f->address, e->vendor, e->device, masks, put_masks(f, masks));
	if (r < 0 || f->io_asked == 0)
		return r;
	return pr_builder_supplement_line(b, &f->address, e->vendor, e->device, PR_WINDOW_IO, &io);
}

int pr_dmesg_supplement_functions(const struct pr_dmesg *log, struct pr_builder *b)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_dmesg_fold fold;
	int r;

	if (!arena)
		return -ENOMEM;
	r = pr_dmesg_fold(log, log->n, arena, &fold);
	for (size_t i = 0; r == 0 && i < fold.n; i++)
		r = supplement_function(&fold.functions[i], b);
	pr_arena_free(arena);
	return r;
}

int pr_dmesg_supplement(const struct pr_dmesg *log, struct pr_builder *b)
{
	struct pr_arena *arena = pr_arena_new();
	const struct roots roots = { .log = log, .arena = arena, .by_processor = true };
	int r;

	if (!arena)
		return -ENOMEM;
	r = pr_dmesg_supplement_functions(log, b);
	if (r == 0)
		r = each_root(&roots, b, pr_builder_supplement_root);
	if (r == 0)
		r = pr_builder_supplement_machine(b, &log->machine);
	pr_arena_free(arena);
	return r;
}

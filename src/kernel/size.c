/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of the windows below a bus, from the leaves up: what is required, and
 * what is asked for on top of it.  Source: __pci_bus_size_bridges,
 * pbus_size_io, pbus_size_mem and what they call (drivers/pci/setup-bus.c).
 */
#include "kernel/model.h"

#define KIB UINT64_C(0x400)
#define MIB UINT64_C(0x100000)

#define IO_GRANULARITY  (4 * KIB) /* PCI-to-PCI Bridge 1.2, 3.2.5.6 */
#define MEM_GRANULARITY MIB       /* the same, 3.2.5.8 */
#define MEM_SHIFT       20
#define MAX_ORDERS      28

/* Sums of sizes that do not fit in 64 bits fit in no window either. */
static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t round_up(uint64_t value, uint64_t align)
{
	uint64_t rounded;

	return pr_align_up(value, align, &rounded) ? rounded : UINT64_MAX;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t k_alignment(const struct k_res *r)
{
	if (r->window)
		return r->flags & PR_IORES_STARTALIGN ? r->start : 0;
	if (pr_is_vf_bar(r->index))
		return r->r->align;
	return r->size;
}

bool k_is_optional(const struct k_model *m, const struct k_res *r)
{
	if (pr_is_vf_bar(r->index))
		return true;
	if (m->profile->optional_rom && r->index == PR_ROM && !(r->flags & PR_IORES_ROM_ENABLE))
		return true;
	return m->profile->optional_window && r->window && r->size == 0;
}

/*
 * pdev_resources_assignable: no class, host bridges, and interrupt controllers
 * that firmware has enabled.
 */
bool k_dev_assignable(const struct k_dev *d)
{
	uint32_t class = d->f->header.class_code >> 8;

	if (class == 0x0000 || class == 0x0600)
		return false;
	return class != 0x0800 || !(d->f->header.command & 3);
}

void k_list_add(struct k_model *m, struct k_res *r, uint64_t size, uint64_t align)
{
	if (!r->listed) {
		m->n_listed++;
		r->list_next = m->list;
		m->list = r;
	}
	r->listed = true;
	r->list_order = m->list_order++;
	r->list_flags = r->flags;
	r->add_size = size;
	r->add_align = align;
}

void k_list_remove(struct k_model *m, struct k_res *r)
{
	if (!r->listed)
		return;
	r->listed = false;
	r->add_size = r->add_align = 0;
	m->n_listed--;
}

/* On a root bus the first that the firmware gave (find_bus_resource_of_type). */
static struct k_res *first_aperture(const struct k_bus *bus, uint32_t type)
{
	for (unsigned int i = 0; i < bus->n_windows; i++)
		if (type != 0 && (bus->windows[i]->flags & type) == type)
			return bus->windows[i];
	return NULL;
}

/* pbus_select_window_for_type; up to 6.12 the masks of __pci_bus_size_bridges. */
struct k_res *k_window_for(const struct k_bus *bus, uint32_t flags)
{
	struct k_res *io, *mem, *pref;

	if (!bus->self)
		return first_aperture(bus, flags & (PR_IORES_IO | PR_IORES_MEM));
	io = k_window(bus->self, PR_WINDOW_IO);
	mem = k_window(bus->self, PR_WINDOW_MEM);
	pref = k_window(bus->self, PR_WINDOW_PREF);
	if (flags & PR_IORES_IO)
		return io->flags & PR_IORES_IO ? io : NULL;
	if (!(flags & PR_IORES_MEM))
		return NULL;
	if (!(flags & PR_IORES_PREFETCH) || !(pref->flags & PR_IORES_MEM))
		return mem;
	if ((flags & PR_IORES_MEM_64) || !(pref->flags & PR_IORES_MEM_64))
		return pref;
	return mem;
}

/* A resource that wants room in @window. */
static bool counts(const struct k_model *m, const struct k_res *r, const struct k_res *window)
{
	if (r->placed || !(r->flags & (PR_IORES_IO | PR_IORES_MEM)))
		return false;
	if (k_window_for(r->dev->bus, r->flags) != window)
		return false;
	if (r->flags & PR_IORES_IO)
		return !(r->window && (r->flags & PR_IORES_DISABLED));
	if (r->flags & PR_IORES_PCI_FIXED)
		return false;
	if (m->profile->forget_failed)
		return true;
	return k_dev_assignable(r->dev) && !(r->window && (r->flags & PR_IORES_DISABLED));
}

bool k_size_known(struct k_model *m, const struct k_res *r)
{
	if (r->size != PR_SIZE_UNKNOWN && (r->window || k_alignment(r) != PR_SIZE_UNKNOWN))
		return true;
	k_doubt(m, r->dev->f, "the size of %s %u is not known", r->index == PR_ROM ? "ROM" : "BAR",
		r->index);
	return false;
}

/* Nothing below needs the window. */
static void disable(const struct k_model *m, struct k_res *w)
{
	if (m->profile->forget_failed)
		w->flags = 0;
	else
		w->flags |= PR_IORES_DISABLED;
}

static void ask_for(struct k_model *m, struct k_res *w, uint64_t align, uint64_t size)
{
	if (m->kernel->aligns_windows) /* pcibios_window_alignment, arch/powerpc */
		k_doubt(m, w->dev->f, "how this machine's firmware aligns windows is not known");
	w->start = align;
	w->size = size;
	w->flags &= ~PR_IORES_DISABLED;
	w->flags |= PR_IORES_STARTALIGN;
}

struct io_sum {
	uint64_t small, large, children, align;
	bool at_least;
};

static uint64_t io_size(
	const struct io_sum *s, uint64_t large, uint64_t reserve, uint64_t children, uint64_t old)
{
	uint64_t size = add(larger(add(s->small, large), reserve), children);

	return round_up(larger(size, old), s->align);
}

static void sum_io(struct k_model *m, struct k_bus *bus, const struct k_res *w, struct io_sum *s)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		for (unsigned int i = 0; i < d->n_res; i++) {
			const struct k_res *r = &d->res[i];

			if (!(r->flags & PR_IORES_IO) || !counts(m, r, w))
				continue;
			if (!k_size_known(m, r))
				return;
			if (r->size < KIB)
				s->small = add(s->small, r->size);
			else
				s->large = add(s->large, r->size);
			s->align = larger(s->align, k_alignment(r));
			s->children = add(s->children, r->add_size);
			s->at_least |= r->at_least;
		}
	}
}

static void size_io(struct k_model *m, struct k_bus *bus, uint64_t reserve)
{
	struct k_res *w = k_window(bus->self, PR_WINDOW_IO);
	struct io_sum s = { .align = IO_GRANULARITY };
	uint64_t required, wanted, old = w->size;

	if (w->placed || !(w->flags & PR_IORES_IO))
		return;
	w->orphan = false;

	sum_io(m, bus, w, &s);
	w->at_least |= s.at_least;
	if (m->all_required) {
		s.small = larger(s.small, reserve);
		reserve = 0;
	}
	required = wanted = io_size(&s, s.large, 0, 0, old);
	if (reserve > 0 || s.children > 0)
		wanted = io_size(&s, m->profile->io_counts_twice ? required : s.large, reserve,
			s.children, old);
	if (required == 0 && wanted == 0) {
		disable(m, w);
		return;
	}

	ask_for(m, w, s.align, required);
	if (wanted > required)
		k_list_add(m, w, wanted - required, s.align);
}

struct mem_sum {
	uint64_t size, children, add_align;
	uint64_t floor;              /* the least that is required, whatever is below */
	uint64_t aligns[MAX_ORDERS]; /* bytes by alignment, from 1 MiB */
	unsigned int max_order;
};

static unsigned int order_of(uint64_t align)
{
	unsigned int shift = align ? (unsigned int)__builtin_ctzll(align) : 0;

	return shift > MEM_SHIFT ? shift - MEM_SHIFT : 0;
}

/*
 * calculate_mem_align, up to 6.12: small enough that the smaller resources
 * fill the gap before the larger.
 */
static uint64_t align_by_sum(const struct mem_sum *s)
{
	uint64_t sum = 0, align = 0;

	for (unsigned int order = 0; order <= s->max_order; order++) {
		uint64_t step = MIB << order;

		if (sum == 0)
			align = step;
		else if (round_up(add(sum, align), align) < step)
			align = step >> 1;
		sum = add(sum, s->aligns[order]);
	}
	return align;
}

/*
 * calculate_head_align, since 6.18: halved as often as the smaller resources
 * can fill the head room.
 */
static uint64_t align_by_head(const struct mem_sum *s)
{
	uint64_t align = MIB << s->max_order, rest = 0;

	for (unsigned int order = s->max_order; order-- > 0;) {
		rest = add(rest, s->aligns[order]);
		while (align > MIB << order && rest >= align / 2) {
			align /= 2;
			rest -= align;
		}
	}
	return align;
}

/* True when @r is wholly optional; its size then is an addition to the window. */
static bool sum_optional(struct k_model *m, struct k_res *r, uint64_t align, struct mem_sum *s)
{
	bool listed = r->listed;

	if (m->all_required)
		return false;
	if (m->profile->optional_window && r->window && listed) {
		s->children = add(s->children, r->add_size);
		s->add_align = larger(s->add_align, r->add_align);
	}
	if (!k_is_optional(m, r))
		return false;

	s->add_align = larger(s->add_align, align);
	s->children = add(s->children, r->size);
	if (!m->profile->optional_keeps_size) {
		k_list_add(m, r, r->size, 0);
		r->size = 0;
	} else if (!listed) {
		k_list_add(m, r, 0, m->profile->optional_window ? align : 0);
	}
	return true;
}

static void sum_required(struct k_model *m, struct k_res *r, uint64_t align, struct mem_sum *s)
{
	unsigned int order = order_of(align);

	if (order >= m->profile->max_orders) {
		r->flags = 0;
		return;
	}
	s->size = add(s->size, larger(r->size, align));
	if (m->profile->head_all || r->size <= align)
		s->aligns[order] = add(s->aligns[order], align);
	if (order > s->max_order)
		s->max_order = order;
	if (!m->profile->optional_window) {
		s->children = add(s->children, r->add_size);
		s->add_align = larger(s->add_align, r->add_align);
	}
}

static void sum_mem(struct k_model *m, struct k_bus *bus, const struct k_res *w, struct mem_sum *s)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		for (unsigned int i = 0; i < d->n_res; i++) {
			struct k_res *r = &d->res[i];
			uint64_t align;

			if (!(r->flags & PR_IORES_MEM) || !counts(m, r, w))
				continue;
			if (!k_size_known(m, r))
				return;
			align = k_alignment(r);
			if (!sum_optional(m, r, align, s))
				sum_required(m, r, align, s);
		}
	}
}

static uint64_t mem_size(const struct k_model *m, const struct mem_sum *s, uint64_t reserve,
	uint64_t children, uint64_t old, uint64_t align)
{
	uint64_t size;

	if (m->kernel->old_size_first)
		size = add(larger(larger(s->size, reserve), old), children);
	else if (m->profile->minimum_after_sum)
		size = larger(add(s->size, children), reserve);
	else
		size = add(larger(s->size, reserve), children);
	if (m->profile->window_minimum)
		size = larger(size, old);
	return round_up(size, align);
}

static bool same_kind(const struct k_res *a, const struct k_res *b, uint32_t mask)
{
	return ((a->flags ^ b->flags) & mask) == 0;
}

/*
 * pbus_upstream_space_available: the nearest bus above, the root bus apart,
 * with a window of this kind that is in place decides.
 */
static bool fits_above(const struct k_model *m, const struct k_bus *bus, const struct k_res *w,
	uint64_t size, uint64_t align)
{
	const struct k_res *pref = k_window(bus->self, PR_WINDOW_PREF);
	uint32_t mask =
		PR_IORES_IO | PR_IORES_MEM | PR_IORES_PREFETCH | (pref->flags & PR_IORES_MEM_64);

	for (bus = bus->parent; bus && bus->self; bus = bus->parent) {
		for (unsigned int i = 0; i < bus->n_windows; i++) {
			struct k_res *above = bus->windows[i];

			if (above->placed && same_kind(above, w, mask))
				return pr_range_size(&above->at) >= size &&
				       k_space_has(above, size, align);
		}
		if (m->profile->relax_unplaced && bus->parent && bus->parent->self)
			return false;
	}
	return true;
}

/* Alignment and required size, of memory windows. */
static void require_mem(struct k_model *m, struct k_bus *bus, struct k_res *w, struct mem_sum *s,
	uint64_t *ret_align, uint64_t *ret_required)
{
	uint64_t old = w->size, align;

	align = m->profile->head_align ? align_by_head(s) : align_by_sum(s);
	align = larger(align, MEM_GRANULARITY);
	*ret_align = align;
	if (m->profile->head_align) {
		*ret_required = mem_size(m, s, s->floor, 0, old, MEM_GRANULARITY);
		return;
	}

	*ret_required = mem_size(m, s, s->floor, 0, old, align);
	s->add_align = larger(s->add_align, align);
	if (m->profile->relax && *ret_required &&
		!fits_above(m, bus, w, *ret_required, s->add_align)) {
		if (!m->profile->relax_unplaced || align > MIB << s->max_order)
			*ret_align = larger(MIB << s->max_order, MEM_GRANULARITY);
		*ret_required = mem_size(m, s, s->floor, 0, old, MEM_GRANULARITY);
	}
}

static void size_mem(struct k_model *m, struct k_bus *bus, struct k_res *w, uint64_t reserve)
{
	uint64_t align, required, wanted, old = w->size;
	bool more, new_rules = m->profile->head_align;
	struct mem_sum s = { 0 };

	if (w->placed)
		return;
	w->orphan = false;
	if (m->all_required) {
		s.floor = reserve;
		reserve = 0;
	}

	sum_mem(m, bus, w, &s);
	more = reserve > 0 || s.children > 0;
	require_mem(m, bus, w, &s, &align, &required);
	if (more)
		s.add_align = larger(s.add_align, align);
	wanted = required;
	if (more)
		wanted = mem_size(
			m, &s, reserve, s.children, old, new_rules ? MEM_GRANULARITY : s.add_align);
	if (more && m->profile->relax_unplaced && wanted &&
		!fits_above(m, bus, w, wanted, s.add_align))
		wanted = mem_size(m, &s, reserve, s.children, old, MEM_GRANULARITY);
	if (required == 0 && wanted == 0) {
		disable(m, w);
		return;
	}

	ask_for(m, w, align, required);
	if (wanted > required || (new_rules && s.add_align > align))
		k_list_add(m, w, wanted > required ? wanted - required : 0, s.add_align);
}

/*
 * What the hardware implements (pci_bridge_check_ranges); a failed window gets
 * its type back here.
 */
static void check_ranges(struct k_dev *bridge)
{
	const struct pr_facts *facts = bridge->f->facts;
	const struct pr_window *registers = bridge->f->bridge->registers;

	k_window(bridge, PR_WINDOW_MEM)->flags |= PR_IORES_MEM;
	for (unsigned int i = PR_WINDOW_IO; i <= PR_WINDOW_PREF; i += 2) {
		struct k_res *w = k_window(bridge, i);
		bool in_table = facts->lines && i < facts->n_lines &&
				(facts->lines[i].flags & (PR_IORES_IO | PR_IORES_MEM));

		if (registers[i - PR_WINDOW_IO].implemented == PR_YES || in_table)
			w->flags |= w->r->flags & (PR_IORES_IO | PR_IORES_MEM | PR_IORES_PREFETCH |
							  PR_IORES_MEM_64);
	}
}

static void size_own_windows(struct k_model *m, struct k_bus *bus)
{
	const struct pr_kernel *k = m->kernel;
	bool hotplug = bus->self->f->bridge->hotplug;
	uint64_t mem_reserve = hotplug ? k->hp_mem_size : 0;
	uint64_t pref_reserve = hotplug ? k->hp_pref_size : 0;
	struct k_res *pref = k_window(bus->self, PR_WINDOW_PREF);

	check_ranges(bus->self);
	size_io(m, bus, hotplug ? k->hp_io_size : 0);
	if (pref->flags & PR_IORES_PREFETCH)
		size_mem(m, bus, pref, pref_reserve);
	else if (m->profile->pref_joins_mem)
		mem_reserve = add(mem_reserve, pref_reserve);
	size_mem(m, bus, k_window(bus->self, PR_WINDOW_MEM), mem_reserve);
}

void k_size_bridges(struct k_model *m, struct k_bus *bus)
{
	for (struct k_dev *d = bus->first; d; d = d->next)
		if (d->subordinate)
			k_size_bridges(m, d->subordinate);
	if (bus->self)
		size_own_windows(m, bus);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resource tree: what lies in a window, first fit from the lowest gap, and
 * which windows of a bus a resource may go to.  Sources: __find_resource and
 * reallocate_resource (kernel/resource.c), pci_bus_alloc_resource
 * (drivers/pci/bus.c), __pci_assign_resource (drivers/pci/setup-res.c),
 * pcibios_align_resource (arch/x86/pci/i386.c).
 */
#include "kernel/model.h"

#define TYPE_BITS (PR_IORES_IO | PR_IORES_MEM)
#define MIB       UINT64_C(0x100000)
#define GIB4      UINT64_C(0x100000000)
#define IO_MIN    UINT64_C(0x1000) /* PCIBIOS_MIN_IO */

static const struct pr_range below_4g = { 0, GIB4 - 1 };
static const struct pr_range above_4g = { GIB4, UINT64_MAX };
static const struct pr_range everywhere = { 0, UINT64_MAX };

void k_space_insert(struct k_res *parent, struct k_res *r)
{
	struct k_res **p = &parent->child;

	while (*p && (*p)->at.first < r->at.first)
		p = &(*p)->next;
	r->next = *p;
	*p = r;
	r->parent = parent;
	r->placed = true;
}

void k_space_release(struct k_res *r)
{
	if (r->parent) {
		struct k_res **p = &r->parent->child;

		while (*p && *p != r)
			p = &(*p)->next;
		if (*p)
			*p = r->next;
	}
	r->parent = r->next = NULL;
	r->placed = false;
}

/* What is in the way in a window, by address: its children and the busy ranges that lie in it. */
struct obstacles {
	const struct k_res *window, *self, *child;
	const struct pr_range *busy, *busy_end;
	bool opaque; /* the last one returned has an unknown end */
};

static size_t first_busy(const struct pr_range *busy, size_t n, uint64_t from)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (busy[middle].last < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct obstacles obstacles_of(
	const struct k_model *m, const struct k_res *window, const struct k_res *self)
{
	struct obstacles o = { .window = window, .self = self, .child = window->child };
	const struct pr_range *busy;
	size_t n;

	if (!m)
		return o;
	busy = window->flags & PR_IORES_IO ? m->busy_io : m->busy_mem;
	n = window->flags & PR_IORES_IO ? m->n_busy_io : m->n_busy_mem;
	o.busy = n ? busy + first_busy(busy, n, window->at.first) : NULL;
	o.busy_end = n ? busy + n : NULL;
	return o;
}

/* A busy range around a whole bridge window holds the window: it is no obstacle inside of it. */
static void skip_surrounding(struct obstacles *o)
{
	while (o->busy < o->busy_end && o->window->dev &&
		pr_range_contains(o->busy, &o->window->at))
		o->busy++;
}

static bool next_obstacle(struct obstacles *o, struct pr_range *ret)
{
	if (o->child && o->child == o->self)
		o->child = o->child->next;
	skip_surrounding(o);

	if (o->busy < o->busy_end && o->busy->first <= o->window->at.last &&
		(!o->child || o->busy->first <= o->child->at.first)) {
		o->opaque = false;
		*ret = *o->busy++;
		return true;
	}
	if (!o->child)
		return false;
	o->opaque = o->child->opaque;
	*ret = o->child->at;
	o->child = o->child->next;
	return true;
}

/*
 * x86 takes the BIOS area out of a gap, and leaves the larger part
 * (resource_clip, arch/x86/kernel/resource.c).  False: nothing is left.
 */
static bool clip_bios(struct pr_range *gap)
{
	static const struct pr_range bios = { 0xffe00000, 0xffffffff };
	uint64_t low, high;

	if (!pr_range_overlaps(gap, &bios))
		return true;
	low = gap->first < bios.first ? bios.first - gap->first : 0;
	high = gap->last > bios.last ? gap->last - bios.last : 0;
	if (low == 0 && high == 0)
		return false;
	if (low > high)
		gap->last = bios.first - 1;
	else
		gap->first = bios.last + 1;
	return true;
}

/*
 * pci_align_resource: what the size has beyond a multiple of its alignment
 * goes below the aligned address.
 */
static uint64_t move_tail_below(
	uint64_t base, const struct pr_range *gap, uint64_t size, uint64_t align)
{
	uint64_t tail = size - pr_align_down(size, align);

	if (tail == 0 || tail % MIB != 0 || base < tail || gap->first > base - tail)
		return base;
	return base - tail;
}

/* Address for @r in a gap whose lowest aligned address is @base; false when it wraps. */
static bool adjust_base(const struct k_model *m, const struct k_res *r, const struct pr_range *gap,
	uint64_t size, uint64_t align, uint64_t *base)
{
	if (r->flags & PR_IORES_IO) {
		/* Cards that decode ten bits repeat 100h-3ffh every 400h. */
		if (m->kernel->reads_windows && (*base & 0x300))
			return pr_align_up(*base, 0x400, base);
		return true;
	}
	if (m->profile->tail_below)
		*base = move_tail_below(*base, gap, size, align);
	if (m->kernel->reads_windows && *base < MIB)
		*base = MIB;
	return true;
}

static bool fit_gap(const struct k_model *m, const struct k_res *r, struct pr_range gap,
	uint64_t size, uint64_t align, struct pr_range *ret)
{
	struct pr_range at;
	uint64_t base;

	if (m && m->kernel->reads_windows && (r->flags & PR_IORES_MEM) && !clip_bios(&gap))
		return false;
	if (!pr_align_up(gap.first, align, &base) || base > gap.last)
		return false;
	if (m && !adjust_base(m, r, &gap, size, align, &base))
		return false;
	if (!pr_range_make(&at, base, size) || !pr_range_contains(&gap, &at))
		return false;

	*ret = at;
	return true;
}

/* Tries each gap of @window from the lowest; @m NULL: without the rules for devices. */
static bool find_gap(struct k_model *m, struct k_res *window, const struct k_res *r,
	const struct pr_range *limit, uint64_t size, uint64_t align, struct pr_range *ret)
{
	struct obstacles o = obstacles_of(m, window, r);
	struct pr_range gap = { .first = window->at.first }, part, taken;

	while (next_obstacle(&o, &taken)) {
		if (taken.first > gap.first) {
			gap.last = taken.first - 1;
			if (pr_range_intersect(&part, &gap, limit) &&
				fit_gap(m, r, part, size, align, ret))
				return true;
		}
		if (o.opaque && m)
			k_doubt(m, window->dev ? window->dev->f : r->dev->f,
				"a resource at %#llx in the way has an unknown size",
				(unsigned long long)taken.first);
		if (taken.last >= window->at.last)
			return false;
		if (taken.last >= gap.first)
			gap.first = taken.last + 1;
	}
	gap.last = window->at.last;
	return pr_range_intersect(&part, &gap, limit) && fit_gap(m, r, part, size, align, ret);
}

bool k_space_find(struct k_model *m, struct k_res *window, const struct k_res *r,
	const struct pr_range *limit, uint64_t size, uint64_t align, struct pr_range *ret)
{
	return find_gap(m, window, r, limit, size, align, ret);
}

bool k_space_has(struct k_res *window, uint64_t size, uint64_t align)
{
	struct pr_range ret;

	return find_gap(NULL, window, NULL, &everywhere, size, align, &ret);
}

/* Gives @r the range @at in @window.  A window that holds something cannot move, only grow. */
static bool take(struct k_res *window, struct k_res *r, const struct pr_range *at)
{
	bool grows = r->placed && r->parent == window && pr_range_contains(at, &r->at);

	if (r->placed && r->child && !grows)
		return false;
	if (r->placed)
		k_space_release(r);
	r->at = *at;
	r->size = pr_range_size(at);
	k_space_insert(window, r);
	return true;
}

/*
 * Up to 6.12 a window that was taken away still gives out what it had, as if it
 * began at 0: nobody asks whether it is in place (pci_bus_alloc_from_region).
 */
static bool window_takes(const struct k_res *window, const struct k_res *r, uint32_t mask)
{
	if (!(window->placed || window->orphan) || window == r)
		return false;
	if ((window->flags ^ r->flags) & (mask | TYPE_BITS))
		return false;
	return !(window->flags & PR_IORES_PREFETCH) || (r->flags & PR_IORES_PREFETCH);
}

/*
 * A window that begins at 0 gives nothing below PCIBIOS_MIN_*; for memory that
 * is a fact of the boot.
 */
static bool window_limit(struct k_model *m, const struct k_res *window, const struct k_res *r,
	const struct pr_range *region, struct pr_range *ret)
{
	if (!pr_range_intersect(ret, &window->at, region))
		return false;
	if (ret->first != 0)
		return true;
	if (!(r->flags & PR_IORES_IO) && window->orphan)
		return false; /* RAM is there, and PCI memory begins above it */
	if (!(r->flags & PR_IORES_IO)) {
		k_doubt(m, r->dev->f,
			"memory below this host bridge begins at 0: where Linux "
			"starts to use it is not known");
		return false;
	}
	ret->first = IO_MIN;
	return ret->last >= IO_MIN;
}

static bool assign_in(struct k_model *m, struct k_bus *bus, struct k_res *r, uint64_t size,
	uint64_t align, uint32_t mask, const struct pr_range *region)
{
	struct pr_range limit, at;

	for (unsigned int i = 0; i < bus->n_windows; i++) {
		struct k_res *window = bus->windows[i];

		if (!window_takes(window, r, mask) || !window_limit(m, window, r, region, &limit))
			continue;
		if (k_space_find(m, window, r, &limit, size, align, &at) && take(window, r, &at))
			return true;
	}
	return false;
}

static bool assign_masked(struct k_model *m, struct k_bus *bus, struct k_res *r, uint64_t size,
	uint64_t align, uint32_t mask)
{
	if (!(r->flags & PR_IORES_MEM_64))
		return assign_in(m, bus, r, size, align, mask, &below_4g);
	return assign_in(m, bus, r, size, align, mask, &above_4g) ||
	       assign_in(m, bus, r, size, align, mask, &everywhere);
}

static bool are_apertures_known(const struct k_model *m, const struct k_res *r)
{
	const struct pr_root_facts *host = &m->root->facts;

	return r->flags & PR_IORES_IO ? host->io_known : host->mem_known;
}

/* The exact kind of window first, then a 32-bit prefetchable one, then any. */
static bool assign_on(
	struct k_model *m, struct k_bus *bus, struct k_res *r, uint64_t size, uint64_t align)
{
	const uint32_t pref64 = PR_IORES_PREFETCH | PR_IORES_MEM_64;

	if (!bus->self && !are_apertures_known(m, r)) {
		k_doubt(m, r->dev->f, "the address ranges of its host bridge are not known");
		return false;
	}
	if (assign_masked(m, bus, r, size, align, pref64))
		return true;
	if ((r->flags & pref64) == pref64 &&
		assign_masked(m, bus, r, size, align, PR_IORES_PREFETCH))
		return true;
	return (r->flags & pref64) && assign_masked(m, bus, r, size, align, 0);
}

bool k_space_assign(struct k_model *m, struct k_res *r, uint64_t size, uint64_t align)
{
	struct k_bus *bus = r->dev->bus;

	if (size == 0 || size == PR_SIZE_UNKNOWN || !pr_is_pow2(align))
		return false;
	for (;;) {
		if (assign_on(m, bus, r, size, align))
			return true;
		if (!bus->self || !bus->self->f->bridge || !bus->self->f->bridge->subtractive)
			return false;
		bus = bus->parent;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the functions of a topology to the buses, devices and resources that
 * Linux would have in memory, and back.  Only what a rescan can touch is
 * built: the bus, everything below, and the direct neighbours on the way up.
 */
#include "kernel/model.h"

#include <errno.h>
#include <stdlib.h>

#define N_WINDOWS      3
#define IO_GRANULARITY 0x1000
#define IO_BAR_SIZE    0x100 /* the largest that PCI 3.0, 6.2.5.1, allows on a PC */
#define TYPE_FLAGS                                                                               \
	(PR_IORES_IO | PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64 | PR_IORES_PCI_FIXED | \
		PR_IORES_ROM_ENABLE)

struct k_res *k_window(struct k_dev *d, unsigned int index)
{
	return &d->res[d->n_res - N_WINDOWS + (index - PR_WINDOW_IO)];
}

static void *allocate(struct k_model *m, size_t n, size_t size)
{
	void *p = pr_arena_alloc_array(m->arena, n, size);

	if (!p)
		m->status = -ENOMEM;
	return p;
}

/* ---- resources of a device ---- */

/* A window that was taken away is still in the table (pci_bridge_release_resources). */
static bool is_orphan(const struct k_model *m, const struct pr_resource *r)
{
	return m->profile->forget_failed && r->state == PR_RES_CLOSED && r->kept > 0 &&
	       !(r->flags & PR_IORES_UNSET);
}

/*
 * Size that the kernel remembers of an I/O window it has closed, since 6.18.
 * The table prints zeros (KERNEL 1.11), but a window that is wanted and closed
 * has failed, and kept the size it then asked for: of what is below, reserves
 * of hot-plug ports included.
 */
static uint64_t remembered_io(const struct k_model *m, const struct pr_function *f)
{
	uint64_t sum = 0, reserve = f->bridge->hotplug ? m->kernel->hp_io_size : 0;

	pr_for_each_child (c, f->first_child) {
		if (c->facts->is_newcomer && c->removed)
			continue; /* was not there when it asked */
		if (c->bridge)
			sum += remembered_io(m, c);
		for (unsigned int i = 0; i < c->n_resources; i++) {
			const struct pr_resource *r = &c->resources[i];

			if (r->index < PR_ROM && pr_resource_is_io(r))
				sum += r->size == PR_SIZE_UNKNOWN ? IO_BAR_SIZE : r->size;
		}
	}
	if (sum < reserve)
		sum = reserve;
	return pr_align_up(sum, IO_GRANULARITY, &sum) ? sum : 0;
}

uint64_t k_remembered_size(
	const struct k_model *m, const struct pr_function *f, const struct pr_resource *r)
{
	if (m->profile->forget_failed)
		return is_orphan(m, r) ? r->kept : 0;
	if (r->index != PR_WINDOW_IO)
		return 0;
	return f->predicted || r->kept > 0 ? r->kept : remembered_io(m, f);
}

/* The kernel may remember more: of what was below once, or was written to the registers. */
static bool remembers_more(
	const struct k_model *m, const struct pr_function *f, const struct pr_resource *r)
{
	if (m->profile->forget_failed || r->index != PR_WINDOW_IO)
		return false;
	return f->predicted ? r->kept_least : r->kept == 0;
}

/*
 * A window of a bridge just found, from its registers (pci_read_bridge_bases,
 * drivers/pci/probe.c).
 */
static void read_window(const struct k_model *m, struct k_res *w, const struct pr_window *reg)
{
	bool io = w->index == PR_WINDOW_IO;

	w->size = 0;
	w->flags = 0;
	if (!m->kernel->reads_windows)
		return;
	if (reg->implemented != PR_YES) {
		if (!m->profile->minimum_from_zero)
			return;
		w->size = io ? 0x1000 : 0x100000;
	} else if (reg->open == PR_YES) {
		w->size = pr_range_size(&reg->range);
	} else if (m->profile->forget_failed) {
		return;
	} else {
		w->flags = PR_IORES_DISABLED;
	}
	w->flags |= w->r->flags & TYPE_FLAGS;
}

/*
 * The table has no lines for the windows of a bridge without a bus: what the
 * registers say is nothing to Linux.
 */
static bool not_in_table(const struct pr_function *f, unsigned int index)
{
	return f->facts->lines && index >= f->facts->n_lines && !f->predicted;
}

/*
 * Linux closes the windows of a bridge when it has made a bus for it, and then
 * registers that still read zero are absent; before that nobody can tell.  A
 * newcomer has the windows that its description shows.
 */
static void check_implemented(struct k_model *m, const struct k_res *w, const struct pr_function *f)
{
	bool never_set = f->facts->lines && f->facts->n_lines <= PR_WINDOW_IO;
	/* nobody asks for a window of it: there is nothing behind it, and no reserve for it */
	bool unused = m->kernel->unseen_is_empty && !f->first_child && !f->bridge->hotplug;

	if (never_set && !unused && w->index != PR_WINDOW_MEM &&
		f->bridge->registers[w->index - PR_WINDOW_IO].implemented == PR_UNKNOWN)
		k_doubt(m, f, "whether it has %s window is not known",
			w->index == PR_WINDOW_IO ? "an I/O" : "a prefetchable");
}

/*
 * Since 6.18 a prefetchable window that found no room is still one: what is prefetchable below
 * looks for room in it, and not in the other (reset_resource, pbus_select_window_for_type,
 * setup-bus.c).
 */
static uint32_t closed_type(
	const struct k_model *m, const struct pr_function *f, const struct pr_resource *r)
{
	const struct pr_window *reg = &f->bridge->registers[r->index - PR_WINDOW_IO];

	if (m->profile->forget_failed || r->index != PR_WINDOW_PREF || reg->implemented != PR_YES)
		return 0;
	return (r->flags & TYPE_FLAGS) | PR_IORES_UNSET;
}

static void set_window(struct k_model *m, struct k_res *w, const struct pr_function *f)
{
	const struct pr_resource *r = w->r;

	w->window = true;
	if (r->state == PR_RES_ASSIGNED && !not_in_table(f, w->index)) {
		w->flags = r->flags & TYPE_FLAGS;
		w->at = r->range;
		w->size = pr_range_size(&r->range);
	} else if (m->new_bus[f - m->root->functions]) {
		check_implemented(m, w, f);
		read_window(m, w, &f->bridge->registers[w->index - PR_WINDOW_IO]);
	} else if (k_is_fresh(m, f)) {
		return; /* without a bus nobody reads its registers */
	} else if (is_orphan(m, r)) {
		w->orphan = true;
		w->flags = r->flags & TYPE_FLAGS;
		w->at = (struct pr_range){ .last = r->kept - 1 };
		w->size = r->kept;
	} else {
		w->flags = closed_type(m, f, r);
		w->size = k_remembered_size(m, f, r);
		w->at_least = remembers_more(m, f, r);
	}
}

/*
 * Without a measurement the largest that an I/O BAR may be is a sound bound: windows
 * come in 4 KiB, so that above the function's own bus nothing depends on it.
 */
static uint64_t bar_size(const struct pr_resource *r)
{
	bool unmeasured = r->size == PR_SIZE_UNKNOWN && r->state != PR_RES_ASSIGNED;

	return unmeasured && r->index < PR_ROM && pr_resource_is_io(r) ? IO_BAR_SIZE : r->size;
}

static void set_bar(struct k_res *b)
{
	const struct pr_resource *r = b->r;

	b->flags = r->flags & TYPE_FLAGS;
	if (b->index == PR_ROM)
		b->flags |= PR_IORES_MEM | PR_IORES_PREFETCH;
	b->at = r->range;
	b->size = bar_size(r);
	b->opaque = r->state == PR_RES_ASSIGNED && r->size == PR_SIZE_UNKNOWN;
	if (b->opaque)
		b->size = 1;
}

/*
 * What was forgotten, or is not known, the kernel does not see; VFs live
 * inside of their PF's BARs.
 */
static bool is_seen(const struct pr_function *f, const struct pr_resource *r)
{
	if (f->facts->is_vf)
		return false;
	if (f->bridge && pr_resource_is_window(r))
		return true;
	return r->state == PR_RES_ASSIGNED || r->state == PR_RES_UNASSIGNED;
}

static void add_resources(struct k_model *m, struct k_dev *d)
{
	struct pr_function *f = d->f;

	d->res = allocate(m, f->n_resources, sizeof(*d->res));
	if (!d->res)
		return;
	for (unsigned int i = 0; i < f->n_resources; i++) {
		struct k_res *r = &d->res[d->n_res];

		if (!is_seen(f, &f->resources[i]))
			continue;
		d->n_res++;
		r->dev = d;
		r->r = &f->resources[i];
		r->index = r->r->index;
		if (f->bridge && pr_resource_is_window(r->r))
			set_window(m, r, f);
		else
			set_bar(r);
	}
	d->bus->n_res += d->n_res;
}

static bool add_device(struct k_model *m, struct k_bus *bus, struct pr_function *f)
{
	struct k_dev *d = allocate(m, 1, sizeof(*d));

	if (!d)
		return false;
	d->f = f;
	d->bus = bus;
	if (bus->last)
		bus->last->next = d;
	else
		bus->first = d;
	bus->last = d;
	add_resources(m, d);
	return m->status == 0;
}

/* ---- windows of a bus ---- */

static void add_apertures(struct k_model *m, struct k_bus *bus, const struct pr_range *ranges,
	size_t n, uint32_t flags)
{
	struct k_res *w = allocate(m, n, sizeof(*w));

	if (!w)
		return;
	for (size_t i = 0; i < n; i++) {
		w[i].window = w[i].placed = true;
		w[i].flags = flags;
		w[i].at = ranges[i];
		w[i].size = pr_range_size(&ranges[i]);
		bus->windows[bus->n_windows++] = &w[i];
	}
}

static void add_root_windows(struct k_model *m, struct k_bus *bus)
{
	const struct pr_root_facts *facts = &m->root->facts;

	bus->windows = allocate(m, facts->n_io + facts->n_mem, sizeof(*bus->windows));
	if (!bus->windows)
		return;
	if (facts->io_known)
		add_apertures(m, bus, facts->io, facts->n_io, PR_IORES_IO);
	if (facts->mem_known)
		add_apertures(m, bus, facts->mem, facts->n_mem, PR_IORES_MEM);
}

/*
 * A subtractive bridge forwards what its parent does, after its own windows
 * (pci_read_bridge_bases).
 */
static void add_bridge_windows(struct k_model *m, struct k_bus *bus)
{
	bool subtractive = bus->self->f->bridge->subtractive;
	unsigned int above = subtractive ? bus->parent->n_windows : 0;

	bus->windows = allocate(m, N_WINDOWS + above, sizeof(*bus->windows));
	if (!bus->windows)
		return;
	for (unsigned int i = PR_WINDOW_IO; i <= PR_WINDOW_PREF; i++)
		bus->windows[bus->n_windows++] = k_window(bus->self, i);
	for (unsigned int i = 0; i < above; i++)
		bus->windows[bus->n_windows++] = bus->parent->windows[i];
}

static int compare_descending(const void *a, const void *b)
{
	const struct k_res *x = *(struct k_res *const *)a, *y = *(struct k_res *const *)b;

	return x->at.first > y->at.first ? -1 : x->at.first < y->at.first;
}

static void put_into_window(struct k_bus *bus, struct k_res *r)
{
	r->placed = true; /* even where its window is not known */
	for (unsigned int i = 0; i < bus->n_windows; i++) {
		struct k_res *w = bus->windows[i];

		if ((w->placed || w->orphan) &&
			((w->flags ^ r->flags) & (PR_IORES_IO | PR_IORES_MEM)) == 0 &&
			pr_range_contains(&w->at, &r->at)) {
			k_space_insert(w, r);
			return;
		}
	}
}

/* From the highest address down, so that each insertion is at the head of its list. */
static void place_assigned(struct k_model *m, struct k_bus *bus)
{
	struct k_res **list = allocate(m, bus->n_res, sizeof(struct k_res *));
	size_t n = 0;

	if (!list)
		return;
	for (struct k_dev *d = bus->first; d; d = d->next)
		for (unsigned int i = 0; i < d->n_res; i++)
			if (d->res[i].r->state == PR_RES_ASSIGNED && d->res[i].flags != 0)
				list[n++] = &d->res[i];
	if (n > 1)
		qsort(list, n, sizeof(*list), compare_descending);
	for (size_t i = 0; i < n; i++)
		put_into_window(bus, list[i]);
}

/* ---- buses ---- */

static struct k_bus *build_bus(struct k_model *m, struct k_dev *self, struct k_bus *parent)
{
	struct k_bus *bus = allocate(m, 1, sizeof(*bus));
	struct pr_function *first = self ? self->f->first_child : m->root->first_child;

	if (!bus)
		return NULL;
	bus->self = self;
	bus->parent = parent;
	if (self)
		add_bridge_windows(m, bus);
	else
		add_root_windows(m, bus);

	pr_for_each_child (f, first) {
		if (!f->removed && m->status == 0 && !add_device(m, bus, f))
			break;
	}
	if (m->status == 0)
		place_assigned(m, bus);
	if (self)
		self->subordinate = bus;
	return m->status == 0 ? bus : NULL;
}

static void build_below(struct k_model *m, struct k_bus *bus, bool whole)
{
	for (struct k_dev *d = bus->first; d && m->status == 0; d = d->next) {
		struct k_bus *below = NULL;

		if (k_has_bus(m, d->f) && (whole || !k_is_settled(m, d->f)))
			below = build_bus(m, d, bus);
		if (below)
			build_below(m, below, whole);
	}
}

static struct k_bus *build_above(struct k_model *m, struct pr_function *bridge)
{
	struct k_bus *parent;
	struct k_dev *d;

	if (!bridge)
		return build_bus(m, NULL, NULL);
	parent = build_above(m, bridge->parent);
	if (!parent)
		return NULL;
	for (d = parent->first; d->f != bridge; d = d->next)
		;
	return build_bus(m, d, parent);
}

struct k_bus *k_tree_build(struct k_model *m, struct pr_function *bridge, bool whole)
{
	struct k_bus *bus = build_above(m, bridge);

	if (bus)
		build_below(m, bus, whole);
	return m->status == 0 ? bus : NULL;
}

/* ---- and back ---- */

static void store_window(const struct k_model *m, const struct k_res *from)
{
	struct pr_resource *r = from->r;
	bool remembers = from->orphan || !m->profile->forget_failed;

	r->state = from->placed ? PR_RES_ASSIGNED : PR_RES_CLOSED;
	r->range = from->placed ? from->at : (struct pr_range){ 0 };
	r->size = from->placed ? pr_range_size(&from->at) : 0;
	r->kept = !from->placed && remembers ? from->size : 0;
	r->kept_least = !from->placed && from->at_least;
}

static void store_bar(const struct k_res *from)
{
	struct pr_resource *r = from->r;

	if (from->placed) {
		r->state = PR_RES_ASSIGNED;
		r->range = from->at;
	} else if (from->flags == 0) {
		r->state = PR_RES_FORGOTTEN;
		r->range = (struct pr_range){ 0 };
	} else if (r->state == PR_RES_ASSIGNED) { /* taken away */
		r->state = PR_RES_UNASSIGNED;
		r->range = (struct pr_range){ 0 };
	}
}

static void store_device(const struct k_model *m, struct k_dev *d)
{
	for (unsigned int i = 0; i < d->n_res; i++) {
		if (d->res[i].window)
			store_window(m, &d->res[i]);
		else
			store_bar(&d->res[i]);
	}
	d->f->predicted = true;
}

static void store_below(const struct k_model *m, struct k_bus *bus)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		store_device(m, d);
		if (d->subordinate)
			store_below(m, d->subordinate);
	}
}

void k_tree_store(const struct k_model *m, struct k_bus *bus)
{
	if (bus->self)
		store_device(m, bus->self);
	store_below(m, bus);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Resizable BAR gets another size through resourceN_resize, in place: BARs
 * beside it and the windows above give up their addresses as far as nothing
 * else lies in them, and all is placed anew with the new size; where that
 * fails, everything goes back.  Sources: resource_resize_store
 * (drivers/pci/pci-sysfs.c), pci_do_resource_release_and_resize,
 * pci_reassign_bridge_resources, since 6.18 pbus_reassign_bridge_resources
 * (setup-bus.c); doc/experiments.md.
 */
#include "kernel/model.h"

#include <errno.h>

#define TYPE_MASK (PR_IORES_IO | PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64)

/* What a resource was before it was released. */
struct saved {
	struct k_res *r, *parent;
	struct pr_range at;
	uint64_t size;
	uint32_t flags;
	bool placed, orphan;
	bool unclaimed; /* back in its range, and its own obstacle to be claimed there */
};
struct resizing {
	struct k_model *m;
	struct k_dev *d;
	struct k_res *bar;
	struct saved *saved;
	size_t n_saved;
	uint32_t type;
	uint64_t old, new; /* bytes */
};

/* ---- release ---- */

static void release(struct resizing *z, struct k_res *r)
{
	z->saved[z->n_saved++] = (struct saved){ .r = r,
		.parent = r->parent,
		.at = r->at,
		.size = r->size,
		.flags = r->flags,
		.placed = r->placed,
		.orphan = r->orphan };
	if (r->placed)
		k_space_release(r);
	r->orphan = false;
}

/* Where @r is, or would be. */
static const struct k_res *place_of(const struct k_res *r)
{
	return r->placed ? r->parent : k_window_for(r->dev->bus, r->flags);
}

/* BARs up to 6.17 that look alike, since 6.18 that share the window. */
static bool goes_with(const struct k_model *m, const struct k_res *r, const struct k_res *bar)
{
	if (r->index >= PR_WINDOW_IO || r->size == 0)
		return false;
	return m->profile->resizes_by_window ? place_of(r) == place_of(bar)
					     : r->flags == bar->flags;
}

static void release_bars(struct resizing *z)
{
	const struct k_res *bar = z->bar;
	const struct k_res was = *bar;

	for (unsigned int i = 0; i < z->d->n_res; i++) {
		struct k_res *r = &z->d->res[i];

		if (r == bar || goes_with(z->m, r, &was))
			release(z, r);
	}
}

/* Up to 6.17: the first window of exactly this type that is empty. */
static bool release_same_type(struct resizing *z, struct k_dev *bridge, uint32_t type)
{
	for (unsigned int i = PR_WINDOW_IO; i <= PR_WINDOW_PREF; i++) {
		struct k_res *w = k_window(bridge, i);

		if (((w->flags ^ type) & TYPE_MASK) != 0 || w->child)
			continue;
		release(z, w);
		w->size = 0;
		return true;
	}
	return false;
}

/* From the device up; the outermost bridge whose windows are looked at. */
static struct k_dev *release_by_type(struct resizing *z)
{
	struct k_dev *bridge = z->d->bus->self;

	while (release_same_type(z, bridge, z->bar->flags) && bridge->bus->self)
		bridge = bridge->bus->self;
	return bridge;
}

static struct k_dev *release_by_window(struct resizing *z)
{
	struct k_dev *bridge = NULL;
	const struct k_res *r = z->bar;

	for (struct k_bus *bus = z->d->bus; bus->self; bus = bus->parent) {
		struct k_res *w = r->placed ? r->parent : k_window_for(bus, r->flags);

		bridge = bus->self;
		if (!w)
			break;
		if (!w->child) {
			release(z, w);
			w->flags |= PR_IORES_UNSET;
		}
		r = w;
	}
	return bridge;
}

/* ---- place, or put back ---- */

static bool failed(const struct resizing *z)
{
	for (const struct k_res *r = z->m->failed; r; r = r->failed_next) {
		if (!z->m->profile->resizes_by_window)
			return true;
		if (((r->failed_flags ^ z->type) & TYPE_MASK) == 0 && !k_is_optional(z->m, r))
			return true;
	}
	return false;
}

/*
 * pci_claim_resource: there is a window around it (none is seen where a failed
 * resize of 6.1 has hidden it), and nobody was given room in it meanwhile.
 */
static bool is_free(const struct saved *s)
{
	if (!s->parent || (s->parent->window && !s->parent->placed))
		return false;
	for (const struct k_res *r = s->parent->child; r; r = r->next)
		if (r != s->r && pr_range_overlaps(&r->at, &s->at))
			return false;
	return true;
}

/* As it was, but for its place in the tree. */
static void restore(const struct saved *s)
{
	s->r->at = s->at;
	s->r->size = s->size;
	s->r->flags = s->flags;
	s->r->orphan = s->orphan;
}

static void put_back(const struct resizing *z, const struct saved *s)
{
	struct k_res *r = s->r;

	if (r->placed) {
		k_release_children(z->m, r);
		k_space_release(r);
	}
	restore(s);
	if (s->placed && is_free(s))
		k_space_insert(s->parent, r);
}

/* 6.1 leaves it where the try has put it, or unplaced, to the assignment that follows. */
static void keep_bar(const struct saved *s)
{
	const uint64_t first = s->r->at.first;

	restore(s);
	if (s->r->placed)
		s->r->at = (struct pr_range){ first, first + s->size - 1 };
}

/*
 * request_resource with @r where the try has put it: the first neighbour that
 * reaches beyond the old range decides, and @r itself is one.
 */
static bool claims_beside_itself(const struct saved *s)
{
	const struct k_res *r = s->parent->child;

	while (r && r != s->r && r->at.last < s->at.first)
		r = r->next;
	return r != s->r && (!r || r->at.first > s->at.last);
}

/*
 * 6.1: what the try has placed was not taken out of the tree, and is in its own
 * way there unless its old range was elsewhere, or lower.  What was placed in it
 * meanwhile stays.
 */
static void claim_window(struct saved *s)
{
	struct k_res *r = s->r, *parent = r->parent;
	const bool claimed = s->placed && is_free(s) && claims_beside_itself(s);

	s->unclaimed = parent && !claimed;
	if (parent)
		k_space_release(r);
	restore(s);
	if (claimed)
		k_space_insert(s->parent, r);
	else if (parent)
		k_space_insert(parent, r);
}

static void put_back_one(const struct resizing *z, struct saved *s)
{
	if (!z->m->profile->resize_forgets)
		put_back(z, s);
	else if (s->r->window)
		claim_window(s);
	else
		keep_bar(s);
}

/* From the outermost window to the BARs. */
static void undo(struct resizing *z)
{
	for (size_t i = z->n_saved; i-- > 0;)
		put_back_one(z, &z->saved[i]);
	for (size_t i = 0; i < z->n_saved; i++)
		if (z->saved[i].r->window && z->saved[i].r->placed)
			k_program(z->saved[i].r->dev);
}

/* pci_claim_resource: IORESOURCE_UNSET, which hides it from the table and from nothing else. */
static void hide_unclaimed(struct resizing *z)
{
	for (size_t i = 0; i < z->n_saved; i++)
		if (z->saved[i].unclaimed)
			k_space_release(z->saved[i].r);
}

static void begin_try(struct k_model *m)
{
	for (struct k_res *r = m->failed; r; r = r->failed_next)
		r->failed = false;
	m->list = m->failed = NULL;
	m->n_listed = 0;
}

/* Where nothing is released it gives up (ENOENT), 6.1 where no window is, whether there is room or not. */
static bool place_below(struct resizing *z)
{
	const size_t n_bars = z->m->profile->resize_forgets ? z->n_saved : 0;
	struct k_dev *bridge =
		z->m->profile->resizes_by_window ? release_by_window(z) : release_by_type(z);

	if (z->n_saved == n_bars)
		return false;
	k_size_bridges(z->m, bridge->subordinate);
	if (z->m->status == 0)
		k_assign_bridge(z->m, bridge);
	if (z->m->status != 0 || failed(z))
		return false;
	for (size_t i = 0; i < z->n_saved; i++)
		if (z->saved[i].r->window && z->saved[i].r->dev != bridge)
			k_program(z->saved[i].r->dev);
	return true;
}

/* Up to 6.17 it is left to the assignment that follows, and nobody looks whether it worked. */
static bool place_on_root(struct resizing *z)
{
	if (!z->m->profile->resizes_by_window)
		return true;
	k_assign(z->m, z->d->bus);
	for (size_t i = 0; i < z->n_saved; i++)
		if (!z->saved[i].r->placed)
			return false;
	return true;
}

static bool place(struct resizing *z)
{
	if (z->bar->flags == 0 && !z->m->profile->resizes_forgotten)
		return false;
	return z->d->bus->self ? place_below(z) : place_on_root(z);
}

static void resize(struct resizing *z)
{
	bool done;

	release_bars(z);
	z->bar->size = z->new;
	z->bar->r->size = z->bar->r->align = z->new;
	begin_try(z->m);
	done = place(z);
	if (z->m->status != 0)
		return;
	if (!done) {
		z->bar->r->size = z->bar->r->align = z->old;
		undo(z);
	}
	begin_try(z->m);
	k_assign_unassigned(z->m, z->d->bus);
	hide_unclaimed(z);
}

/* ---- the device ---- */

static size_t count_bridges(const struct k_dev *d)
{
	size_t n = 0;

	for (const struct k_bus *bus = d->bus; bus->self; bus = bus->parent)
		n++;
	return n;
}

static struct k_dev *find_device(const struct k_bus *root, const struct pr_function *f)
{
	const struct k_bus *bus = root;
	struct k_dev *d;

	if (f->parent) {
		d = find_device(root, f->parent);
		bus = d ? d->subordinate : NULL;
	}
	for (d = bus ? bus->first : NULL; d && d->f != f; d = d->next)
		;
	return d;
}

/* One that was forgotten is in no tree: the kernel goes by its type, which is none. */
static struct k_res *find_bar(struct k_model *m, struct k_dev *d, struct pr_resource *r)
{
	struct k_res *bar;

	for (unsigned int i = 0; d && i < d->n_res; i++)
		if (d->res[i].index == r->index)
			return &d->res[i];
	if (!d || r->state != PR_RES_FORGOTTEN)
		return NULL;
	bar = pr_new_array(m->arena, 1, struct k_res);
	if (bar)
		*bar = (struct k_res){ .dev = d, .r = r, .index = r->index, .size = r->size };
	else
		m->status = -ENOMEM;
	return bar;
}

/* Below a bridge it is not known, and no session in a guest has met it. */
static bool is_taken_away(const struct resizing *z)
{
	return z->d->bus->self && !z->bar->placed && z->bar->flags != 0;
}

static void resize_in(
	struct k_model *m, struct pr_function *f, struct pr_resource *r, uint64_t size)
{
	struct resizing z = { .m = m, .new = size };
	struct k_bus *bus = k_tree_build(m, NULL, true);

	if (!bus)
		return;
	k_check_modelled(m, bus);
	z.d = find_device(bus, f);
	z.bar = find_bar(m, z.d, r);
	if (m->status == 0 && (!z.bar || z.bar->size == PR_SIZE_UNKNOWN || is_taken_away(&z)))
		k_doubt(m, f, "what a resize does to a BAR without addresses is not known");
	if (m->status != 0)
		return;
	z.old = z.bar->size;
	z.type = z.bar->flags;
	z.saved = pr_new_array(m->arena, z.d->n_res + count_bridges(z.d), struct saved);
	if (!z.saved)
		m->status = -ENOMEM;
	if (m->status == 0)
		resize(&z);
	if (m->status == 0)
		k_tree_store(m, bus);
}

int k_resize(struct k_model *m, struct pr_function *f, unsigned int index, uint64_t size)
{
	struct pr_resource *r = pr_function_resource(f, index);
	const struct pr_rebar_entry *rebar = r ? pr_function_rebar(f, r) : NULL;

	if (f->removed || index >= PR_ROM || !rebar || !pr_rebar_has(rebar, size))
		return -EINVAL;
	if (k_has_vfs(f))
		return -EBUSY;
	if (k_begin(m, f->root) == 0)
		resize_in(m, f, r, size);
	return k_end(m);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Placing what a bus wants: sorted, first with everything optional, then only
 * what is required, then expanded as far as it goes; bridges are programmed on
 * the way up.  Source: __pci_bus_assign_resources, __assign_resources_sorted
 * and what they call (drivers/pci/setup-bus.c).
 */
#include "kernel/model.h"

#include <errno.h>
#include <stdlib.h>

#define TYPE_BITS (PR_IORES_IO | PR_IORES_MEM | PR_IORES_PREFETCH)

/* The resources of one bus that want addresses, in the order in which they are tried. */
struct queue {
	struct k_res **items;
	size_t n;
	bool failed;
	uint32_t failed_types;
	bool required_failed;
};

static bool wants(const struct k_model *m, const struct k_res *r)
{
	if (r->placed || r->flags == 0 || (r->flags & PR_IORES_PCI_FIXED))
		return false;
	return m->profile->forget_failed || !(r->window && (r->flags & PR_IORES_DISABLED));
}

static int compare_wants(const void *a, const void *b)
{
	const struct k_res *x = *(struct k_res *const *)a, *y = *(struct k_res *const *)b;

	if (x->sort_align != y->sort_align)
		return x->sort_align > y->sort_align ? -1 : 1;
	return x->sort_order < y->sort_order ? -1 : x->sort_order > y->sort_order;
}

static void collect(struct k_model *m, struct k_dev *d, struct queue *q)
{
	for (unsigned int i = 0; i < d->n_res && k_dev_assignable(d); i++) {
		struct k_res *r = &d->res[i];

		if (!wants(m, r))
			continue;
		if (!k_size_known(m, r))
			return;
		r->sort_align = k_alignment(r);
		r->sort_order = (uint32_t)q->n;
		if (r->sort_align != 0)
			q->items[q->n++] = r;
	}
}

/* By descending alignment, ties in the order of discovery (pdev_sort_resources). */
static void sort(struct queue *q)
{
	if (q->n > 1)
		qsort(q->items, q->n, sizeof(*q->items), compare_wants);
}

/* pci_assign_resource */
static bool assign(struct k_model *m, struct k_res *r)
{
	if (!k_space_assign(m, r, r->size, k_alignment(r)))
		return false;
	r->flags &= ~(PR_IORES_STARTALIGN | PR_IORES_DISABLED | PR_IORES_UNSET);
	return true;
}

/* reset_resource: a BAR is forgotten for good, a window since 6.18 only for now. */
static void reset(const struct k_model *m, struct k_res *r)
{
	if (r->window && !m->profile->forget_failed) {
		r->flags |= PR_IORES_UNSET;
		return;
	}
	r->flags = 0;
	r->size = r->start = 0;
}

static bool is_disabled_rom(const struct k_res *r)
{
	return r->index == PR_ROM && !(r->flags & PR_IORES_ROM_ENABLE);
}

static void note_failure(struct k_model *m, struct queue *q, const struct k_res *r)
{
	/* A ROM that is not enabled was no failure, before it became optional. */
	if (m->profile->forget_failed && is_disabled_rom(r))
		return;
	q->failed = true;
	q->failed_types |= r->flags & TYPE_BITS;
	if (!k_is_optional(m, r))
		q->required_failed = true;
}

/* assign_requested_resources_sorted */
static void assign_all(struct k_model *m, struct queue *q, bool optional)
{
	for (size_t i = 0; i < q->n && m->status == 0; i++) {
		struct k_res *r = q->items[i];

		if (r->size == 0)
			continue;
		if (!optional && !m->profile->forget_failed && k_is_optional(m, r))
			continue;
		if (assign(m, r))
			continue;
		note_failure(m, q, r);
		if (!m->profile->forget_failed)
			continue;
		if (!optional && !is_disabled_rom(r))
			k_fail(m, r);
		reset(m, r);
	}
}

static void move_before_smaller(struct queue *q, struct k_res *r, uint64_t align)
{
	size_t from = 0, to = 0;

	while (q->items[from] != r)
		from++;
	while (to < q->n && k_alignment(q->items[to]) >= align)
		to++;
	if (to == q->n)
		return;

	for (; from > to; from--)
		q->items[from] = q->items[from - 1];
	for (; from + 1 < to; from++)
		q->items[from] = q->items[from + 1];
	q->items[from] = r;
}

/*
 * Adds what is optional; a window whose optional part needs more alignment
 * moves up in the queue.
 */
static void add_optional(struct k_model *m, struct queue *q)
{
	struct k_res **order = pr_arena_memdup(m->arena, q->items, q->n * sizeof(struct k_res *));

	if (!order) {
		m->status = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < q->n; i++) {
		struct k_res *r = order[i];
		uint64_t sum;

		if (!r->listed)
			continue;
		r->size = __builtin_add_overflow(r->size, r->add_size, &sum) ? UINT64_MAX : sum;
		if (!(r->flags & PR_IORES_STARTALIGN) || r->add_align <= r->start)
			continue;
		r->start = r->add_align;
		move_before_smaller(q, r, r->add_align);
	}
}

static void save(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++) {
		struct k_res *r = q->items[i];

		r->saved_size = r->size;
		r->saved_start = r->start;
		r->saved_flags = r->flags;
	}
}

/* pci_need_to_release: a failure of one type takes back what could be in its way. */
static bool must_release(const struct k_res *r, uint32_t failed)
{
	if (r->flags & PR_IORES_IO)
		return failed & PR_IORES_IO;
	if (!(r->flags & PR_IORES_PREFETCH))
		return failed & PR_IORES_MEM;
	if (failed & PR_IORES_PREFETCH)
		return true;
	return (failed & PR_IORES_MEM) && r->parent && !(r->parent->flags & PR_IORES_PREFETCH);
}

/* What may stay leaves the queue, the rest goes back to what it was before the try. */
static void take_back(struct k_model *m, struct queue *q)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n; i++) {
		struct k_res *r = q->items[i];

		if (r->placed && !must_release(r, q->failed_types)) {
			k_list_remove(m, r);
			continue;
		}
		q->items[n++] = r;
	}
	q->n = n;

	for (size_t i = 0; i < q->n; i++) {
		struct k_res *r = q->items[i];

		if (r->placed)
			k_space_release(r);
		r->size = r->saved_size;
		r->start = r->saved_start;
		r->flags = r->saved_flags;
	}
}

static int compare_listed(const void *a, const void *b)
{
	const struct k_res *x = *(struct k_res *const *)a, *y = *(struct k_res *const *)b;

	return x->list_order > y->list_order ? -1 : x->list_order < y->list_order;
}

static void place_optional(struct k_model *m, struct k_res *r)
{
	r->start = r->add_align;
	r->size += r->add_size;
	if (!assign(m, r) && m->profile->forget_failed)
		reset(m, r);
}

/* pci_reassign_resource: larger, in place or elsewhere; it stays what it is when that fails. */
static void expand(struct k_model *m, struct k_res *r)
{
	bool aligned = r->add_align != 0 && r->at.first % r->add_align == 0;
	uint64_t size;

	if (!m->profile->forget_failed && r->add_size == 0 && aligned)
		return;
	if (__builtin_add_overflow(r->size, r->add_size, &size))
		return;
	if (k_space_assign(m, r, size, r->add_align))
		r->flags &= ~PR_IORES_STARTALIGN;
}

static bool is_hopeless(const struct k_model *m, const struct k_res *r)
{
	if (m->profile->forget_failed && !m->profile->drops_deeper)
		return r->flags == 0;
	return !r->placed && r->size != 0 && !k_is_optional(m, r);
}

static void drop_hopeless(struct k_model *m)
{
	for (struct k_res *r = m->list; r; r = r->list_next)
		if (r->listed && is_hopeless(m, r))
			k_list_remove(m, r);
}

/* reassign_resources_sorted: the list of optional requests, the newest first. */
static void reassign(struct k_model *m, struct queue *q)
{
	size_t n = 0;

	if (m->profile->drops_deeper)
		drop_hopeless(m);
	for (size_t i = 0; i < q->n; i++)
		if (q->items[i]->listed)
			q->items[n++] = q->items[i];
	if (n > 1)
		qsort(q->items, n, sizeof(*q->items), compare_listed);

	for (size_t i = 0; i < n && m->status == 0; i++) {
		struct k_res *r = q->items[i];
		bool hopeless = is_hopeless(m, r);

		if (!hopeless && r->placed)
			expand(m, r);
		else if (!hopeless)
			place_optional(m, r);
		k_list_remove(m, r);
	}
}

static void unlist(struct k_model *m, const struct queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		k_list_remove(m, q->items[i]);
}

/* First try.  True when that was all there is to do. */
static bool try_with_optional(struct k_model *m, struct queue *q)
{
	bool listed = m->n_listed > 0;

	if (listed)
		add_optional(m, q);
	if (m->status != 0)
		return true;
	assign_all(m, q, true);
	if (!q->failed) {
		unlist(m, q);
		return true;
	}
	return m->profile->first_try_always && !q->required_failed && m->n_listed == 0;
}

/* __assign_resources_sorted */
static void assign_queue(struct k_model *m, struct queue *q)
{
	bool done = false;

	save(q);
	if (m->profile->first_try_always || m->n_listed > 0) {
		done = try_with_optional(m, q);
		if (!done)
			take_back(m, q);
	}
	if (!done) {
		assign_all(m, q, false);
		reassign(m, q);
	}
}

/* Since 6.18 whatever of the queue has no place in the end has failed, optional or not. */
static void fail_unplaced(struct k_model *m, struct k_res *const *items, size_t n)
{
	for (size_t i = 0; i < n && !m->profile->forget_failed; i++) {
		if (items[i]->placed || (items[i]->refused && m->refused_fits))
			continue;
		k_fail(m, items[i]);
		reset(m, items[i]);
	}
}

static bool is_io(const struct k_res *r)
{
	return r->saved_flags & PR_IORES_IO;
}

/* Whether another size of one of @items would change which of them get I/O addresses. */
static bool is_io_unclear(const struct k_model *m, struct k_res *const *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_io(items[i]) &&
			(m->root->io_unclear || (items[i]->at_least && items[i]->placed)))
			return true;
	return false;
}

/*
 * A window that may ask for more than is known found room for what is known.  Whether Linux
 * finds it, and what it leaves to the others, nobody can tell: none of them is promised any.
 */
static void refuse_io(struct k_model *m, struct k_res *const *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct k_res *r = items[i];

		if (!is_io(r))
			continue;
		r->refused = m->has_refused = true;
		if (r->placed)
			k_space_release(r);
		r->size = r->saved_size;
		r->start = r->saved_start;
		r->flags = r->saved_flags;
		k_list_remove(m, r);
	}
	if (m->profile->drops_deeper) /* what the failure of a window would do */
		drop_hopeless(m);
	m->root->io_unclear = true;
}

static bool begin_queue(struct k_model *m, struct queue *q, unsigned int n)
{
	*q = (struct queue){ .items = pr_new_array(m->arena, n, struct k_res *) };
	if (!q->items)
		m->status = -ENOMEM;
	return q->items != NULL;
}

static void place_queue(struct k_model *m, struct queue *q)
{
	struct k_res **all;
	size_t n = q->n;

	if (m->status != 0 || n == 0)
		return;
	sort(q);
	all = pr_arena_memdup(m->arena, q->items, n * sizeof(struct k_res *));
	if (!all) {
		m->status = -ENOMEM;
		return;
	}
	assign_queue(m, q);
	if (is_io_unclear(m, all, n))
		refuse_io(m, all, n);
	fail_unplaced(m, all, n);
}

/* pbus_assign_resources_sorted */
static void place_bus(struct k_model *m, struct k_bus *bus)
{
	struct queue q;

	if (!begin_queue(m, &q, bus->n_res))
		return;
	for (struct k_dev *d = bus->first; d && m->status == 0; d = d->next)
		collect(m, d, &q);
	place_queue(m, &q);
}

/* pdev_assign_resources_sorted */
static void place_device(struct k_model *m, struct k_dev *d)
{
	struct queue q;

	if (!begin_queue(m, &q, d->n_res))
		return;
	collect(m, d, &q);
	place_queue(m, &q);
}

static bool same_type(const struct k_res *a, const struct k_res *b)
{
	return ((a->flags ^ b->flags) & TYPE_BITS) == 0;
}

static bool is_free(const struct k_res *window, const struct pr_range *at)
{
	for (const struct k_res *r = window->child; r; r = r->next)
		if (pr_range_overlaps(&r->at, at))
			return false;
	return true;
}

/*
 * Fixed resources go where they are, in the nearest window that holds them
 * (pdev_assign_fixed_resources).
 */
static void place_fixed(struct k_res *r)
{
	for (struct k_bus *bus = r->dev->bus; bus; bus = bus->parent) {
		for (unsigned int i = 0; i < bus->n_windows; i++) {
			struct k_res *w = bus->windows[i];

			if (w->placed && same_type(w, r) && pr_range_contains(&w->at, &r->at) &&
				is_free(w, &r->at)) {
				k_space_insert(w, r);
				return;
			}
		}
	}
}

static void place_fixed_of(struct k_dev *d)
{
	for (unsigned int i = 0; i < d->n_res; i++) {
		struct k_res *r = &d->res[i];

		if (!r->placed && (r->flags & PR_IORES_PCI_FIXED) && pr_range_size(&r->at) > 1)
			place_fixed(r);
	}
}

/* A bridge that was just discovered is not; one with a driver is. */
bool k_is_enabled(const struct k_model *m, const struct pr_function *f)
{
	if (k_is_fresh(m, f))
		return false;
	if (f->facts->is_newcomer) /* found earlier: a port or hot-plug driver has bound to it */
		return true;
	if (f->facts->enabled > 0 || f->facts->driver)
		return true;
	return f->facts->enabled < 0 && (f->header.command & 7);
}

/* pci_setup_bridge: the windows go to the registers. */
void k_program(struct k_dev *d)
{
	for (unsigned int i = PR_WINDOW_IO; i <= PR_WINDOW_PREF; i++) {
		struct pr_window *reg = &d->f->bridge->registers[i - PR_WINDOW_IO];
		const struct k_res *w = k_window(d, i);

		if (reg->implemented != PR_YES && i != PR_WINDOW_MEM)
			continue;
		reg->implemented = PR_YES;
		reg->open = w->placed ? PR_YES : PR_NO;
		reg->range = w->placed ? w->at : (struct pr_range){ 0 };
	}
}

void k_assign(struct k_model *m, struct k_bus *bus)
{
	place_bus(m, bus);
	for (struct k_dev *d = bus->first; d && m->status == 0; d = d->next) {
		place_fixed_of(d);
		if (!d->subordinate)
			continue;
		k_assign(m, d->subordinate);
		if (d->f->bridge && !k_is_enabled(m, d->f)) /* KERNEL 1.10 */
			k_program(d);
	}
}

void k_assign_bridge(struct k_model *m, struct k_dev *bridge)
{
	place_device(m, bridge);
	if (m->status == 0)
		k_assign(m, bridge->subordinate);
	k_program(bridge);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boxes into boxes: who contains whom is read from the ranges alone, so that
 * what lies where it should not is drawn where it is.  Between the boxes, what
 * is free.
 */
#include "picture/scene.h"

#include <errno.h>
#include <stdlib.h>

/* By first address, the one around before what is in it. */
static int compare_boxes(const void *a, const void *b)
{
	const struct pr_box *x = a, *y = b;

	if (x->range.first != y->range.first)
		return x->range.first < y->range.first ? -1 : 1;
	if (x->range.last != y->range.last)
		return x->range.last > y->range.last ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->function != y->function)
		return pr_address_compare(&x->function->address, &y->function->address);
	return x->resource ? (int)x->resource->index - (int)y->resource->index : 0;
}

struct pr_box *pr_box_next(const struct pr_box *box)
{
	if (box->first)
		return box->first;
	return pr_box_past(box);
}

struct pr_box *pr_box_past(const struct pr_box *box)
{
	while (box && !box->next)
		box = box->parent;
	return box ? box->next : NULL;
}

void pr_area_visit(const struct pr_area *area, const struct pr_visitor *v)
{
	struct pr_box *box = area->first;
	unsigned int depth = 0;

	while (box) {
		v->enter(v->userdata, box, depth);
		if (box->first) {
			box = box->first;
			depth++;
			continue;
		}
		while (box && !box->next) {
			if (v->leave)
				v->leave(v->userdata, box, depth);
			box = box->parent;
			depth--;
		}
		if (box && v->leave)
			v->leave(v->userdata, box, depth);
		box = box ? box->next : NULL;
	}
}

static bool wants_it_alone(const struct pr_box *box)
{
	return box->kind == PR_BOX_WINDOW || box->kind == PR_BOX_RESERVE ||
	       box->kind == PR_BOX_CLAIM;
}

/* BARs of virtual functions lie in what the physical one has for all of them. */
static bool is_lent(const struct pr_box *around, const struct pr_box *box)
{
	return around->resource->index >= PR_VF_BAR0 && box->function->facts->is_vf;
}

/*
 * @box, and the one before it or around it, have addresses that each wants alone.  What others
 * than PCI have is often told too coarsely to say so, and windows are made to be lain in.
 */
static bool collides(const struct pr_box *box, const struct pr_box *before)
{
	const struct pr_box *around = box->parent;

	if (!wants_it_alone(box))
		return false;
	return (before && wants_it_alone(before) &&
		       pr_range_overlaps(&before->range, &box->range)) ||
	       (around && around->kind == PR_BOX_CLAIM && !is_lent(around, box));
}

static void append(struct pr_box *parent, struct pr_box *box, struct pr_area *area)
{
	struct pr_box **first = parent ? &parent->first : &area->first;
	struct pr_box **last = parent ? &parent->last : &area->last;

	box->parent = parent;
	box->clash = collides(box, *last);
	if (*last)
		(*last)->next = box;
	else
		*first = box;
	*last = box;
}

struct filler {
	struct pr_arena *arena;
	struct pr_area *area;
	struct pr_box *around;
	struct pr_box **link; /* where the next box of @around hangs */
	uint64_t next;        /* first address that nobody has had yet */
	bool full;            /* there is none: the last address was had */
};

/* From the filler's place to @last. */
static int add_hole(struct filler *x, uint64_t last)
{
	struct pr_box *hole = pr_new(x->arena, struct pr_box);

	if (!hole)
		return -ENOMEM;
	*hole = (struct pr_box){ .kind = PR_BOX_FREE,
		.range = { x->next, last },
		.parent = x->around,
		.next = *x->link };
	*x->link = hole;
	x->link = &hole->next;
	x->area->n_holes++;
	return 0;
}

static int fill(struct pr_arena *arena, struct pr_area *area, struct pr_box *around)
{
	struct filler x = { .arena = arena,
		.area = area,
		.around = around,
		.link = &around->first,
		.next = around->range.first };
	int r = 0;

	while (*x.link && r == 0) {
		struct pr_box *box = *x.link;

		if (!x.full && box->range.first > x.next)
			r = add_hole(&x, box->range.first - 1);
		if (box->range.last >= x.next) {
			x.full = box->range.last == UINT64_MAX;
			x.next = box->range.last + 1;
		}
		x.link = &box->next;
	}
	if (r == 0 && !x.full && x.next <= around->range.last)
		r = add_hole(&x, around->range.last);
	return r;
}

/* Between what is in a box there may be holes; a window that nothing is in says so itself. */
static bool has_holes(const struct pr_box *box, const struct pr_area *area)
{
	if (box->kind == PR_BOX_APERTURE)
		return !box->unknown || area->kind == PR_AREA_BUSES;
	return box->kind == PR_BOX_WINDOW && box->first;
}

int pr_area_nest(struct pr_arena *arena, struct pr_area *area)
{
	struct pr_box *around = NULL;
	int r = 0;

	if (area->n_boxes == 0)
		return 0;
	qsort(area->boxes, area->n_boxes, sizeof(*area->boxes), compare_boxes);
	for (size_t i = 0; i < area->n_boxes; i++) {
		struct pr_box *box = &area->boxes[i];

		while (around && !pr_range_contains(&around->range, &box->range))
			around = around->parent;
		append(around, box, area);
		around = box;
	}
	for (size_t i = 0; i < area->n_boxes && r == 0; i++)
		if (has_holes(&area->boxes[i], area))
			r = fill(arena, area, &area->boxes[i]);
	return r;
}

/* ---- a part of it ---- */

static bool is_asked_for(const struct pr_box *box, const struct pr_function *const *focus, size_t n)
{
	for (size_t i = 0; box->function && i < n; i++)
		if (pr_function_below(box->function, focus[i]))
			return true;
	return box->parent && box->parent->matters;
}

void pr_area_focus(struct pr_area *area, const struct pr_function *const *focus, size_t n_focus)
{
	pr_area_for_each_box (box, area) {
		box->matters = is_asked_for(box, focus, n_focus);
		box->apart = !box->matters;
		if (box->matters)
			for (struct pr_box *b = box->parent; b && b->apart; b = b->parent)
				b->apart = false;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fewer boxes: what matters is drawn first, then what is large; who is inside
 * of a box that is not drawn is not drawn either.  What is left out is counted
 * where it was.
 */
#include "picture/scene.h"

#include <errno.h>
#include <stdlib.h>

/* A box matters no less, and is no smaller, than what is inside of it: it always comes first. */
static int compare_weights(const void *a, const void *b)
{
	const struct pr_box *x = *(struct pr_box *const *)a, *y = *(struct pr_box *const *)b;
	uint64_t n = pr_range_size(&x->range), m = pr_range_size(&y->range);

	if (x->matters != y->matters)
		return x->matters ? -1 : 1;
	if (n != m)
		return n > m ? -1 : 1;
	if (x->kind != y->kind) /* free boxes are the last of their size */
		return (int)x->kind - (int)y->kind;
	return x < y ? -1 : x > y; /* boxes are in the order of addresses, the outer one first */
}

static bool weigh_the_same(const struct pr_box *a, const struct pr_box *b)
{
	return a->matters == b->matters && pr_range_size(&a->range) == pr_range_size(&b->range);
}

/*
 * How many of @all, which is sorted: of those of one size all or none, so that what looks alike is
 * drawn alike; unless next to nothing would be left.
 */
static size_t cut(struct pr_box *const *all, size_t most)
{
	size_t n = most;

	while (n > 0 && weigh_the_same(all[n - 1], all[most]))
		n--;
	return n > most / 4 ? n : most;
}

static void choose(struct pr_box **all, size_t n, size_t most)
{
	if (n > most) {
		qsort(all, n, sizeof(*all), compare_weights);
		n = cut(all, most);
	}
	for (size_t i = 0; i < n; i++)
		all[i]->shown = true;
}

/* All that may be drawn of @area into @all; those that matter say so to those around them. */
static size_t collect(struct pr_area *area, struct pr_box **all)
{
	size_t n = 0;

	pr_area_for_each_box (box, area)
		if (box->matters)
			for (struct pr_box *b = box->parent; b && !b->matters; b = b->parent)
				b->matters = true;
	pr_area_for_each_box (box, area)
		if (!box->apart)
			all[n++] = box;
	return n;
}

/* ---- what is left out ---- */

/* Of each function: the last sum that it was counted in. */
struct census {
	const struct pr_root *root;
	size_t *last;
	size_t n;
};

/* Adds @box and all that is inside of it to @sum, which is where they are not drawn. */
static void count(struct census *c, const struct pr_box *box, struct pr_box *sum)
{
	const struct pr_box *end = pr_box_past(box);

	for (const struct pr_box *b = box; b != end; b = pr_box_next(b)) {
		if (b->kind == PR_BOX_FREE) {
			sum->free += pr_range_size(&b->range);
			continue;
		}
		sum->n_boxes++;
		if (b->function) {
			size_t position = (size_t)(b->function - c->root->functions);

			sum->n_functions += c->last[position] != c->n;
			c->last[position] = c->n;
		} else {
			sum->n_functions += b->n_functions;
		}
	}
}

static size_t left_out(const struct pr_box *box, const struct pr_box *end)
{
	size_t n = 0;

	for (; box != end && !box->shown; box = box->next)
		n += box->first ? 2 : 1;
	return n;
}

/* A box that is left out alone, and has nothing in it, takes no more room than a sum of one. */
static void show_singles(struct pr_box *first)
{
	struct pr_box *before = NULL;

	for (struct pr_box *box = first; box; before = box, box = box->next)
		if ((!box->apart || box->kind == PR_BOX_FREE) && (!before || before->shown) &&
			left_out(box, NULL) == 1)
			box->shown = true;
}

/* Runs of what is not drawn, in the list at @link, each become one REST. */
static int sum_up(struct pr_arena *arena, struct census *c, struct pr_box **link)
{
	while (*link) {
		struct pr_box *box = *link, *rest;

		if (box->shown) {
			link = &box->next;
			continue;
		}
		rest = pr_new(arena, struct pr_box);
		if (!rest)
			return -ENOMEM;
		*rest = (struct pr_box){ .kind = PR_BOX_REST,
			.range = box->range,
			.parent = box->parent,
			.shown = true };
		c->n++;
		for (; box && !box->shown; box = box->next) {
			count(c, box, rest);
			if (box->range.last > rest->range.last)
				rest->range.last = box->range.last;
		}
		rest->next = box;
		*link = rest;
		link = &rest->next;
	}
	return 0;
}

/*
 * Nothing inside of @box is drawn, or of a window only what is free of it: it says itself what that
 * is.  Where the holes of a host bridge are, is what pictures are looked at for.
 */
static bool is_closed(const struct pr_box *box)
{
	for (const struct pr_box *b = box->first; b; b = b->next)
		if (b->shown && (b->kind != PR_BOX_FREE || box->kind == PR_BOX_APERTURE))
			return false;
	return true;
}

static void close_box(struct census *c, struct pr_box *box)
{
	c->n++;
	for (const struct pr_box *b = box->first; b; b = b->next)
		count(c, b, box);
	box->first = NULL;
}

static int reduce_list(struct pr_arena *arena, struct census *c, struct pr_box **first)
{
	show_singles(*first);
	return sum_up(arena, c, first);
}

int pr_area_reduce(struct pr_arena *arena, struct pr_area *area, size_t boxes)
{
	struct census c = { .root = area->root };
	struct pr_box **all = calloc(area->n_boxes + area->n_holes + 1, sizeof(struct pr_box *));
	int r = 0;

	c.last = calloc(area->root->n_functions + 1, sizeof(*c.last));
	if (all && c.last) {
		choose(all, collect(area, all), boxes);
		r = reduce_list(arena, &c, &area->first);
		for (struct pr_box *b = area->first; b && r == 0; b = pr_box_next(b)) {
			if (b->first && is_closed(b))
				close_box(&c, b);
			else if (b->first)
				r = reduce_list(arena, &c, &b->first);
		}
	} else {
		r = -ENOMEM;
	}
	free(all);
	free(c.last);
	return r;
}

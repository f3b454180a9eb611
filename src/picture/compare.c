/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two machines, one before and one after: which boxes are of the same thing,
 * and what became of it.  Things are the same by their position (topology.h).
 */
#include "picture/scene.h"

#include <errno.h>
#include <stdlib.h>

#define INDEX_BUSES (PR_RESOURCE_MAX + 1u) /* of a bridge's bus numbers */

/* What a box of one side is of, whatever its addresses are. */
struct key {
	const struct pr_function *function;
	unsigned int index;
};

static struct key key_of(const struct pr_box *box)
{
	return (struct key){ box->function, box->resource ? box->resource->index : INDEX_BUSES };
}

static int compare_keys(const struct key *x, const struct key *y)
{
	const uintptr_t a = (uintptr_t)x->function, b = (uintptr_t)y->function;

	if (a != b)
		return a < b ? -1 : 1;
	return (int)x->index - (int)y->index;
}

static int compare_entries(const void *a, const void *b)
{
	struct key x = key_of(*(struct pr_box *const *)a), y = key_of(*(struct pr_box *const *)b);

	return compare_keys(&x, &y);
}

static int compare_to_key(const void *key, const void *entry)
{
	struct key of = key_of(*(struct pr_box *const *)entry);

	return compare_keys(key, &of);
}

static bool has_key(const struct pr_box *box)
{
	return box->function != NULL;
}

static int make_index(struct pr_scene *s, struct pr_side *side)
{
	const size_t n_areas = side->topology->n_roots * _PR_AREA_MAX;
	size_t n = 0;

	for (size_t i = 0; i < n_areas; i++)
		n += side->areas[i].n_boxes;
	side->index = pr_new_array(s->arena, n, struct pr_box *);
	if (!side->index)
		return -ENOMEM;
	for (size_t i = 0; i < n_areas; i++)
		for (size_t j = 0; j < side->areas[i].n_boxes; j++)
			if (has_key(&side->areas[i].boxes[j]))
				side->index[side->n_index++] = &side->areas[i].boxes[j];
	qsort(side->index, side->n_index, sizeof(struct pr_box *), compare_entries);
	return 0;
}

struct pr_box *pr_scene_other(const struct pr_scene *s, size_t side, const struct pr_box *box)
{
	const struct pr_side *other = &s->sides[1 - side];
	struct pr_box **found;
	struct key key;

	if (s->n_sides < 2 || !has_key(box))
		return NULL;
	key = key_of(box);
	key.function = pr_topology_same(other->topology, box->function);
	found = bsearch(&key, other->index, other->n_index, sizeof(*found), compare_to_key);
	return found ? *found : NULL;
}

static void mark(const struct pr_scene *s, size_t side, struct pr_box *box)
{
	const struct pr_box *other = pr_scene_other(s, side, box);

	if (!has_key(box))
		return;
	if (!other)
		box->mark = side == 0 ? PR_MARK_GONE : PR_MARK_NEW;
	else if (pr_range_size(&other->range) != pr_range_size(&box->range))
		box->mark = PR_MARK_RESIZED;
	else if (other->range.first != box->range.first)
		box->mark = PR_MARK_MOVED;
	if (other)
		box->other = other->range;
}

static bool moves(const struct pr_box *box)
{
	return box->mark == PR_MARK_MOVED || box->mark == PR_MARK_RESIZED;
}

/* The next window around it that moves goes the same way. */
static bool is_carried(const struct pr_box *box)
{
	const struct pr_box *around = box->parent;

	if (box->mark != PR_MARK_MOVED)
		return false;
	while (around && !moves(around))
		around = around->parent;
	return around &&
	       around->other.first - around->range.first == box->other.first - box->range.first;
}

static void mark_moved(struct pr_box *box)
{
	box->carried = is_carried(box);
	if (box->mark != PR_MARK_NONE && !box->carried && !box->apart)
		box->matters = true;
}

static enum pr_mark mark_of_missing(
	const struct pr_side *other, const struct pr_missing *m, enum pr_mark mark)
{
	const struct pr_function *f = pr_topology_same(other->topology, m->function);
	const struct pr_resource *r;

	if (!f)
		return PR_MARK_NONE;
	if (!m->resource)
		return f->no_bus ? PR_MARK_NONE : mark;
	r = pr_function_resource(f, m->resource->index);
	return r && r->state == PR_RES_ASSIGNED ? mark : PR_MARK_NONE;
}

static void mark_missings(struct pr_scene *s, size_t side)
{
	for (size_t i = 0; i < s->sides[side].topology->n_roots; i++)
		for (size_t j = 0; j < s->sides[side].missings[i].n; j++) {
			struct pr_missing *m = &s->sides[side].missings[i].entries[j];

			m->mark = mark_of_missing(
				&s->sides[1 - side], m, side == 0 ? PR_MARK_NEW : PR_MARK_GONE);
		}
}

static void mark_area(struct pr_area *area)
{
	for (size_t i = 0; i < area->n_boxes; i++)
		if (area->boxes[i].mark != PR_MARK_NONE)
			area->changes = true;
}

int pr_scene_compare(struct pr_scene *s)
{
	int r = 0;

	for (size_t i = 0; i < s->n_sides && r == 0; i++)
		r = make_index(s, &s->sides[i]);
	if (r < 0 || s->n_sides < 2)
		return r;
	for (size_t i = 0; i < s->n_sides; i++) {
		for (size_t j = 0; j < s->sides[i].n_index; j++)
			mark(s, i, s->sides[i].index[j]);
		for (size_t j = 0; j < s->sides[i].n_index; j++)
			mark_moved(s->sides[i].index[j]);
		for (size_t j = 0; j < s->sides[i].topology->n_roots * _PR_AREA_MAX; j++)
			mark_area(&s->sides[i].areas[j]);
		mark_missings(s, i);
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one or two topologies to a scene: what each step of making one is given. */
#include "picture/scene.h"

#include <errno.h>
#include <stdlib.h>

/* However many areas share the boxes, each is more than a headline. */
#define BOXES_LEAST 8

/* What was asked for, of each side. */
struct focus {
	const struct pr_function **functions;
	size_t n;
};

static int make_focus(const struct pr_scene *s, size_t side, struct focus *ret)
{
	const struct pr_picture_options *o = s->options;
	struct focus focus = { .functions = pr_new_array(
				       s->arena, o->n_focus, const struct pr_function *) };

	if (!focus.functions)
		return -ENOMEM;
	for (size_t i = 0; i < o->n_focus; i++) {
		const struct pr_function *f =
			pr_topology_same(s->sides[side].topology, o->focus[i]);

		if (f)
			focus.functions[focus.n++] = f;
	}
	*ret = focus;
	return 0;
}

/* ---- what has no addresses ---- */

/* Nobody misses a ROM. */
static bool is_missing(const struct pr_resource *r)
{
	return r->index != PR_ROM &&
	       (r->state == PR_RES_UNASSIGNED || r->state == PR_RES_FORGOTTEN);
}

static bool is_asked_for(
	const struct pr_scene *s, const struct focus *focus, const struct pr_function *f)
{
	for (size_t i = 0; i < focus->n; i++)
		if (pr_function_below(f, focus->functions[i]))
			return true;
	return s->options->n_focus == 0;
}

static bool wants_area(const struct pr_scene *s, enum pr_area_kind kind)
{
	return !s->options->areas || s->options->areas & 1u << kind;
}

static bool wants_missing(const struct pr_scene *s, const struct pr_resource *r)
{
	if (!r)
		return wants_area(s, PR_AREA_BUSES);
	if (pr_resource_is_io(r))
		return wants_area(s, PR_AREA_IO);
	return wants_area(s, PR_AREA_MEM32) || wants_area(s, PR_AREA_MEM64);
}

/* Into @ret, or only counted where that is NULL. */
static size_t find_missing(const struct pr_scene *s, const struct focus *focus,
	const struct pr_root *root, struct pr_missing *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < root->n_functions; i++) {
		const struct pr_function *f = &root->functions[i];

		if (f->removed || !is_asked_for(s, focus, f))
			continue;
		for (size_t j = 0; j < f->n_resources; j++) {
			const struct pr_resource *r = &f->resources[j];

			if (!is_missing(r) || !wants_missing(s, r))
				continue;
			if (ret)
				ret[n] = (struct pr_missing){ .function = f, .resource = r };
			n++;
		}
		if (!f->no_bus || !wants_missing(s, NULL))
			continue;
		if (ret)
			ret[n] = (struct pr_missing){ .function = f };
		n++;
	}
	return n;
}

static int make_missings(const struct pr_scene *s, const struct focus *focus,
	const struct pr_root *root, struct pr_missings *ret)
{
	size_t n = find_missing(s, focus, root, NULL);

	ret->entries = pr_new_array(s->arena, n, struct pr_missing);
	if (!ret->entries)
		return -ENOMEM;
	ret->n = find_missing(s, focus, root, ret->entries);
	return 0;
}

/* ---- areas ---- */

static int make_area(struct pr_scene *s, const struct focus *focus, const struct pr_root *root,
	enum pr_area_kind kind, struct pr_area *ret)
{
	int r;

	*ret = (struct pr_area){ .kind = kind, .root = root };
	if (!wants_area(s, kind))
		return 0;
	r = pr_area_gather(s->arena, root, kind, ret);
	if (r == 0)
		r = pr_area_nest(s->arena, ret);
	if (r == 0 && s->options->n_focus > 0)
		pr_area_focus(ret, focus->functions, focus->n);
	return r;
}

static int make_side(struct pr_scene *s, size_t i, const struct pr_topology *t)
{
	struct pr_side *side = &s->sides[i];
	struct focus focus;
	int r;

	side->topology = t;
	side->areas = pr_new_array(s->arena, t->n_roots * _PR_AREA_MAX, struct pr_area);
	side->missings = pr_new_array(s->arena, t->n_roots, struct pr_missings);
	if (!side->areas || !side->missings)
		return -ENOMEM;
	r = make_focus(s, i, &focus);
	for (size_t j = 0; j < t->n_roots && r == 0; j++) {
		r = make_missings(s, &focus, t->roots[j], &side->missings[j]);
		for (unsigned int k = 0; k < _PR_AREA_MAX && r == 0; k++)
			r = make_area(
				s, &focus, t->roots[j], k, &side->areas[j * _PR_AREA_MAX + k]);
	}
	return r;
}

static size_t boxes_of(const struct pr_area *area)
{
	return area->n_boxes + area->n_holes;
}

/* Its share of the boxes that a side may have. */
static size_t share(const struct pr_scene *s, const struct pr_area *area, size_t all)
{
	size_t most = s->options->boxes;

	if (most == 0 || all <= most)
		return SIZE_MAX;
	return BOXES_LEAST + (size_t)((double)most * (double)boxes_of(area) / (double)all);
}

static int reduce_side(struct pr_scene *s, struct pr_side *side)
{
	const size_t n = side->topology->n_roots * _PR_AREA_MAX;
	size_t all = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		all += boxes_of(&side->areas[i]);
	for (size_t i = 0; i < n && r == 0; i++)
		r = pr_area_reduce(s->arena, &side->areas[i], share(s, &side->areas[i], all));
	return r;
}

/* ---- looking ---- */

const struct pr_area *pr_side_area(const struct pr_side *s, size_t root, enum pr_area_kind kind)
{
	return root < s->topology->n_roots ? &s->areas[root * _PR_AREA_MAX + kind] : NULL;
}

static bool is_empty(const struct pr_area *area)
{
	if (area)
		for (const struct pr_box *box = area->first; box; box = box->next)
			if (box->kind != PR_BOX_REST)
				return false;
	return true;
}

static bool is_empty_there(const struct pr_scene *s, size_t root, enum pr_area_kind kind)
{
	for (size_t i = 0; i < s->n_sides; i++)
		if (!is_empty(pr_side_area(&s->sides[i], root, kind)))
			return false;
	return true;
}

bool pr_scene_is_unchanged(const struct pr_scene *s, size_t root, enum pr_area_kind kind)
{
	if (s->n_sides < 2 || is_empty_there(s, root, kind))
		return false;
	if (s->options->boxes == 0 || s->options->areas != 0)
		return false; /* who asks for everything, or for these addresses, gets them */
	for (size_t i = 0; i < s->n_sides; i++)
		if (s->sides[i].areas[root * _PR_AREA_MAX + kind].changes)
			return false;
	return true;
}

bool pr_scene_is_left_out(const struct pr_scene *s, size_t root, enum pr_area_kind kind)
{
	return is_empty_there(s, root, kind) || pr_scene_is_unchanged(s, root, kind);
}

bool pr_scene_root_is_empty(const struct pr_scene *s, size_t root)
{
	for (unsigned int k = 0; k < _PR_AREA_MAX; k++)
		if (!is_empty_there(s, root, k))
			return false;
	for (unsigned int i = 0; i < s->n_sides; i++)
		if (s->sides[i].missings[root].n > 0)
			return false;
	return true;
}

/* ---- all ---- */

static int make(
	struct pr_scene *s, const struct pr_topology *before, const struct pr_topology *after)
{
	int r = make_side(s, 0, before);

	s->n_sides = after ? 2 : 1;
	if (r == 0 && after)
		r = make_side(s, 1, after);
	if (r == 0)
		r = pr_scene_compare(s);
	for (size_t i = 0; i < s->n_sides && r == 0; i++)
		r = reduce_side(s, &s->sides[i]);
	return r;
}

int pr_scene_make(const struct pr_topology *before, const struct pr_topology *after,
	const struct pr_picture_options *options, struct pr_scene **ret)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_scene *s = arena ? pr_new(arena, struct pr_scene) : NULL;
	int r = -ENOMEM;

	if (s) {
		*s = (struct pr_scene){ .arena = arena, .options = options };
		r = make(s, before, after);
	}
	if (r < 0) {
		pr_arena_free(arena);
		return r;
	}
	*ret = s;
	return 0;
}

void pr_scene_free(struct pr_scene *s)
{
	if (s)
		pr_arena_free(s->arena);
}

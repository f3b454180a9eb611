/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boxes of a picture as JSON: what a drawing of it shows, for programs.
 * Keys and enumerations are a promise (schema version in "schema").
 */
#include "cli/input.h"
#include "cli/map.h"
#include "picture/scene.h"

struct writing {
	struct pr_json *j;
	const struct pr_picture_options *options;
};

static const char *const mark_names[] = {
	[PR_MARK_NONE] = NULL,
	[PR_MARK_MOVED] = "moved",
	[PR_MARK_RESIZED] = "resized",
	[PR_MARK_GONE] = "gone",
	[PR_MARK_NEW] = "new",
};
static const char *const area_names[_PR_AREA_MAX] = {
	[PR_AREA_IO] = "io",
	[PR_AREA_MEM32] = "mem32",
	[PR_AREA_MEM64] = "mem64",
	[PR_AREA_BUSES] = "buses",
};

/* Whose it is, and which of its resources. */
static void json_owner(
	struct pr_json *j, const struct pr_function *f, const struct pr_resource *resource)
{
	if (f) {
		pr_json_identity(j, f);
	} else {
		pr_json_null(j, "address");
		pr_json_null(j, "path");
	}
	if (resource)
		pr_json_u64(j, "index", resource->index);
	else
		pr_json_null(j, "index");
	pr_json_string(j, "name", resource ? pr_resource_name(resource->index) : NULL);
}

static void json_other(struct pr_json *j, const struct pr_box *box)
{
	if (box->mark != PR_MARK_MOVED && box->mark != PR_MARK_RESIZED) {
		pr_json_null(j, "other");
		return;
	}
	pr_json_object(j, "other");
	pr_json_range(j, &box->other);
	pr_json_object_end(j);
}

static void enter(void *userdata, struct pr_box *box, unsigned int depth)
{
	const struct writing *w = userdata;
	struct pr_json *j = w->j;

	(void)depth;
	pr_json_object(j, NULL);
	pr_json_string(j, "kind", pr_box_kind_name(box->kind));
	pr_json_range(j, &box->range);
	json_owner(j, box->function, box->resource);
	pr_json_string(j, "disruption",
		box->kind == PR_BOX_CLAIM
			? pr_disruption_name(pr_box_disruption(box, w->options->policy))
			: NULL);
	pr_json_bool(j, "recorded", !box->unknown);
	pr_json_bool(j, "clash", box->clash);
	pr_json_bool(j, "astray", box->astray);
	pr_json_string(j, "mark", mark_names[box->mark]);
	json_other(j, box);
	pr_json_u64(j, "functions", box->n_functions);
	pr_json_u64(j, "ranges", box->n_boxes);
	pr_json_hex(j, "free", box->free);
	pr_json_array(j, "inside");
}

static void leave(void *userdata, struct pr_box *box, unsigned int depth)
{
	const struct writing *w = userdata;

	(void)box;
	(void)depth;
	pr_json_array_end(w->j);
	pr_json_object_end(w->j);
}

static void json_missing(struct pr_json *j, const struct pr_missing *m)
{
	pr_json_object(j, NULL);
	json_owner(j, m->function, m->resource);
	pr_json_size(j, "size", m->resource ? m->resource->size : PR_SIZE_UNKNOWN);
	pr_json_string(j, "mark", mark_names[m->mark]);
	pr_json_object_end(j);
}

static void json_root(struct writing *w, const struct pr_side *side, size_t root)
{
	const struct pr_visitor visitor = { .enter = enter, .leave = leave, .userdata = w };
	const struct pr_missings *missings = &side->missings[root];
	char name[PR_ROOT_NAME_MAX];

	pr_json_object(w->j, NULL);
	pr_json_string(w->j, "path", pr_root_name(side->topology->roots[root], name));
	for (unsigned int kind = 0; kind < _PR_AREA_MAX; kind++) {
		pr_json_array(w->j, area_names[kind]);
		pr_area_visit(pr_side_area(side, root, kind), &visitor);
		pr_json_array_end(w->j);
	}
	pr_json_array(w->j, "missing");
	for (size_t i = 0; i < missings->n; i++)
		json_missing(w->j, &missings->entries[i]);
	pr_json_array_end(w->j);
	pr_json_object_end(w->j);
}

static void json_side(struct writing *w, const char *key, const struct pr_side *side)
{
	pr_json_array(w->j, key);
	for (size_t i = 0; i < side->topology->n_roots; i++)
		json_root(w, side, i);
	pr_json_array_end(w->j);
}

int pr_render_map_json(struct pr_json *j, const struct pr_map *map)
{
	struct writing w = { .j = j, .options = &map->options };
	struct pr_scene *s;
	int r = pr_scene_make(map->before, map->after, &map->options, &s);

	if (r < 0)
		return r;
	pr_json_object(j, NULL);
	pr_json_string(j, "schema", "pciroom.map/1");
	pr_json_string(j, "kernel", map->before->machine.release);
	pr_json_notes(j, map->notes);
	json_side(&w, "before", &s->sides[0]);
	if (s->n_sides > 1)
		json_side(&w, "after", &s->sides[1]);
	else
		pr_json_null(j, "after");
	pr_json_string(j, "why", map->why);
	pr_json_object_end(j);
	pr_scene_free(s);
	return 0;
}

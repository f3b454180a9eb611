/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrows from where things were to where they will be, between the two columns of an SVG. */
#include "picture/svg.h"

enum {
	TIP = 5,
	BEND = 40,
};

/* What is around it has an arrow, though perhaps another way. */
static bool is_inner(const struct pr_box *box)
{
	const struct pr_box *around = box->parent;

	return around && (around->mark == PR_MARK_MOVED || around->mark == PR_MARK_RESIZED);
}

static void arrow(struct pr_svg *g, const struct pr_area *from, const struct pr_box *box,
	const struct pr_area *to, const struct pr_box *other)
{
	int x = from->x + from->width, y = from->y + box->top + SVG_LINE / 2;
	int end = to->x - (int)to->digits * SVG_GLYPH / 100 - 12;
	int at = to->y + other->top + SVG_LINE / 2;

	pr_text_printf(g->t,
		"<path class=\"arrow%s\" d=\"M%d %dC%d %d %d %d %d %d\"/>"
		"<path class=\"tip\" d=\"M%d %dl%d %dl0 %dz\"/>\n",
		is_inner(box) ? " inner" : "", x, y, x + BEND, y, end - TIP - BEND, at, end - TIP,
		at, end, at, -2 * TIP, -TIP, 2 * TIP);
}

static enum pr_area_kind kind_of(const struct pr_box *box)
{
	if (!box->resource)
		return PR_AREA_BUSES;
	if (pr_resource_is_io(box->resource))
		return PR_AREA_IO;
	return box->range.first > UINT32_MAX ? PR_AREA_MEM64 : PR_AREA_MEM32;
}

static void arrows_of(struct pr_svg *g, const struct pr_area *area)
{
	const struct pr_side *after = &g->scene->sides[1];

	pr_area_for_each_box (box, area) {
		const struct pr_box *other = pr_scene_other(g->scene, 0, box);

		if ((box->mark != PR_MARK_MOVED && box->mark != PR_MARK_RESIZED) || !other->shown ||
			box->carried)
			continue;
		arrow(g, area, box,
			pr_side_area(after,
				pr_root_position(after->topology, other->function->root),
				kind_of(other)),
			other);
	}
}

void pr_svg_arrows(struct pr_svg *g)
{
	const struct pr_side *side = &g->scene->sides[0];

	for (size_t i = 0; i < side->topology->n_roots * _PR_AREA_MAX; i++)
		arrows_of(g, &side->areas[i]);
}

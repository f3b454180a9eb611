/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page of an SVG: headline, what the colours mean, and the areas of each
 * host bridge; those of one machine in two columns, those of two side by side.
 */
#include "picture/svg.h"

#include <errno.h>
#include <stdio.h>

/* So many of what has no addresses are named. */
#define MISSING_MOST 24
/* The headline is larger than what the width of a character is known of: 16 px, not 11. */
#define TITLE_ROOM ((SVG_WIDTH - 2 * SVG_MARGIN) * 11 / 16)

/* ---- what the colours mean ---- */

static const struct {
	const char *class, *text;
	bool compares; /* only said where two machines are */
} legend[] = {
	{ "aperture", "host bridge", false },
	{ "window", "bridge window", false },
	{ "may-free", "may move", false },
	{ "may-restart", "driver restarts", false },
	{ "may-in-use", "in use", false },
	{ "may-pinned", "must stay", false },
	{ "reserve", "kept for a slot", false },
	{ "free", "free", false },
	{ "busy", "not PCI", false },
	{ "rest", "summed up", false },
	{ "free wrong", "in conflict", false },
	{ "free moved", "moves", true },
	{ "free new", "gets addresses", true },
	{ "free gone", "loses them", true },
};

static void add_legend(struct pr_svg *g)
{
	const size_t n = sizeof(legend) / sizeof(legend[0]);
	int x = SVG_MARGIN;

	for (size_t i = 0; i < n; i++) {
		int width = (int)pr_glyphs_width(legend[i].text) * SVG_GLYPH / 100;

		if (legend[i].compares && g->scene->n_sides < 2)
			continue;
		if (x + width + 18 > SVG_WIDTH - SVG_MARGIN) {
			x = SVG_MARGIN;
			g->y += SVG_LINE + 4;
		}
		pr_text_printf(g->t,
			"<g class=\"%s\"><rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\"/></g>",
			legend[i].class, x, g->y);
		pr_svg_text(g, "quiet", x + 17, g->y + 10, 0, legend[i].text);
		x += width + 34;
	}
	pr_text_add(g->t, "\n");
	g->y += SVG_LINE + 8;
}

/* ---- what has no addresses ---- */

static int missings_height(const struct pr_missings *m)
{
	size_t n = m->n > MISSING_MOST ? MISSING_MOST + 1 : m->n;

	return n == 0 ? 0 : (int)(n + 1) * SVG_LINE + 4;
}

static void add_missings(struct pr_svg *g, const struct pr_missings *m, int x, int y, int width,
	const char *headline)
{
	char label[PR_LABEL_MAX];

	if (m->n == 0)
		return;
	y += SVG_LINE - 4;
	pr_svg_text(g, "head", x, y, 0, headline);
	for (size_t i = 0; i < m->n && i < MISSING_MOST; i++) {
		y += SVG_LINE;
		pr_missing_label(&m->entries[i], label);
		pr_svg_text(g, m->entries[i].mark == PR_MARK_NEW ? "mended" : "missing", x + 8, y,
			width - 8, label);
	}
	if (m->n > MISSING_MOST) {
		(void)snprintf(label, sizeof(label), "and %zu more", m->n - MISSING_MOST);
		pr_svg_text(g, "missing", x + 8, y + SVG_LINE, 0, label);
	}
	pr_text_add(g->t, "\n");
}

/* ---- one machine: two columns, the shorter one gets the next area ---- */

static void add_single(struct pr_svg *g, size_t root)
{
	const int width = (SVG_WIDTH - 2 * SVG_MARGIN - SVG_GAP) / 2;
	const struct pr_missings *missings = &g->scene->sides[0].missings[root];
	int ys[2] = { g->y, g->y }, column;

	for (unsigned int k = 0; k < _PR_AREA_MAX; k++) {
		struct pr_area *area = &g->scene->sides[0].areas[root * _PR_AREA_MAX + k];

		if (pr_scene_is_left_out(g->scene, root, k))
			continue;
		column = ys[1] < ys[0];
		(void)pr_svg_layout(area);
		pr_svg_area(g, 0, area, SVG_MARGIN + column * (width + SVG_GAP), ys[column], width,
			pr_area_name(k));
		ys[column] += area->height + SVG_LINE;
	}
	column = ys[1] < ys[0];
	add_missings(g, missings, SVG_MARGIN + column * (width + SVG_GAP), ys[column], width,
		"without addresses");
	ys[column] += missings_height(missings);
	g->y = ys[0] > ys[1] ? ys[0] : ys[1];
}

/* ---- two machines: before on the left, after on the right ---- */

static void add_pair(struct pr_svg *g, size_t root, enum pr_area_kind kind)
{
	static const char *const when[] = { "now", "afterwards" };
	const int width = (SVG_WIDTH - 2 * SVG_MARGIN - SVG_ARROWS) / 2;
	int height = 0;
	char headline[PR_LABEL_MAX];

	if (pr_scene_is_left_out(g->scene, root, kind))
		return;
	for (size_t i = 0; i < 2; i++) {
		struct pr_area *area = &g->scene->sides[i].areas[root * _PR_AREA_MAX + kind];

		(void)snprintf(headline, sizeof(headline), "%s, %s", pr_area_name(kind), when[i]);
		if (pr_svg_layout(area) > height)
			height = area->height;
		pr_svg_area(g, i, area, SVG_MARGIN + (int)i * (width + SVG_ARROWS), g->y, width,
			headline);
	}
	g->y += height + SVG_LINE;
}

static void add_double(struct pr_svg *g, size_t root)
{
	static const char *const headlines[] = { "without addresses now",
		"without addresses afterwards" };
	const int width = (SVG_WIDTH - 2 * SVG_MARGIN - SVG_ARROWS) / 2;
	int height = 0;

	for (unsigned int k = 0; k < _PR_AREA_MAX; k++)
		add_pair(g, root, k);
	for (size_t i = 0; i < 2; i++) {
		const struct pr_missings *m = &g->scene->sides[i].missings[root];

		add_missings(g, m, SVG_MARGIN + (int)i * (width + SVG_ARROWS), g->y, width,
			headlines[i]);
		if (missings_height(m) > height)
			height = missings_height(m);
	}
	g->y += height;
}

/* ---- all ---- */

static void add_headline(struct pr_svg *g, size_t root)
{
	const struct pr_scene *s = g->scene;
	char label[PR_LABEL_MAX];

	pr_root_label(s->sides[0].topology->roots[root], label);
	pr_svg_text(g, "root", SVG_MARGIN, g->y + 14, 0, label);
	g->y += 24;
	pr_scene_unchanged(s, root, label);
	if (!*label)
		return;
	pr_svg_text(g, "quiet", SVG_MARGIN, g->y + 10, 0, label);
	g->y += SVG_LINE + 4;
}

static void add_page(struct pr_svg *g)
{
	const struct pr_scene *s = g->scene;

	if (s->options->title) {
		pr_svg_text(g, "title", SVG_MARGIN, g->y + 14, TITLE_ROOM, s->options->title);
		g->y += 28;
	}
	add_legend(g);
	for (size_t i = 0; i < s->sides[0].topology->n_roots; i++) {
		if (pr_scene_root_is_empty(s, i))
			continue;
		add_headline(g, i);
		if (s->n_sides > 1)
			add_double(g, i);
		else
			add_single(g, i);
		g->y += SVG_LINE;
	}
	if (s->n_sides > 1)
		pr_svg_arrows(g);
}

int pr_picture_svg(struct pr_text *t, const struct pr_topology *before,
	const struct pr_topology *after, const struct pr_picture_options *options)
{
	struct pr_text body = { 0 };
	struct pr_svg g = { .t = &body, .y = SVG_MARGIN };
	struct pr_scene *s;
	int r = pr_scene_make(before, after, options, &s);

	if (r < 0)
		return r;
	g.scene = s;
	add_page(&g);
	pr_text_printf(t,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pr-map\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\">\n<style>\n%s</style>\n",
		SVG_WIDTH, g.y + SVG_MARGIN, SVG_WIDTH, g.y + SVG_MARGIN, pr_svg_style);
	if (!body.failed)
		pr_text_add_n(t, body.data, body.length);
	pr_text_add(t, "</svg>\n");
	r = body.failed || t->failed ? -ENOMEM : 0;
	pr_text_deinit(&body);
	pr_scene_free(s);
	return r;
}

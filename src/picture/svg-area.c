/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One kind of addresses as boxes in boxes, low addresses on top.  Heights grow
 * with the logarithm of sizes: a BAR of 4 KiB is a line, one of 64 GiB four.
 */
#include "picture/svg.h"

#include <string.h>

enum {
	FOOT = 3,      /* of a box, below what is in it */
	GROWTH = 2,    /* for each doubling of the size */
	DEPTH_MAX = 9, /* further in, boxes are indented no more */
	ZIGZAG = 5,
};

/* ---- heights ---- */

/* Sizes up to this power of two are a line. */
static unsigned int least_bits(enum pr_area_kind kind)
{
	return kind == PR_AREA_BUSES ? 0 : kind == PR_AREA_IO ? 5 : 14;
}

static int height_of(const struct pr_box *box, enum pr_area_kind kind)
{
	uint64_t units = pr_range_size(&box->range) >> least_bits(kind);
	int height = SVG_LINE;

	for (; units > 1; units >>= 1)
		height += GROWTH;
	return height;
}

struct layout {
	struct pr_area *area;
	int y;
};

static void enter(void *userdata, struct pr_box *box, unsigned int depth)
{
	struct layout *l = userdata;

	(void)depth;
	box->top = l->y;
	l->y += box->first ? SVG_LINE : height_of(box, l->area->kind);
}

static void leave(void *userdata, struct pr_box *box, unsigned int depth)
{
	struct layout *l = userdata;

	(void)depth;
	if (box->first)
		l->y += FOOT;
	box->height = l->y - box->top;
	l->y++; /* between boxes */
}

int pr_svg_layout(struct pr_area *area)
{
	struct layout l = { .area = area, .y = SVG_LINE + 4 };
	const struct pr_visitor v = { .enter = enter, .leave = leave, .userdata = &l };

	pr_area_visit(area, &v);
	area->height = l.y;
	return l.y;
}

/* ---- boxes ---- */

struct drawing {
	struct pr_svg *g;
	size_t side;
	const struct pr_area *area;
	int x, right;     /* of the boxes; addresses are left of them */
	uint64_t address; /* the last one written */
	bool any;
};

static void add_class(
	struct pr_text *t, const struct drawing *d, const struct pr_box *box, unsigned int depth)
{
	static const char *const marks[] = {
		[PR_MARK_NONE] = "",
		[PR_MARK_MOVED] = " moved",
		[PR_MARK_RESIZED] = " moved",
		[PR_MARK_GONE] = " gone",
		[PR_MARK_NEW] = " new",
	};

	pr_text_add(t, pr_box_kind_name(box->kind));
	if (box->kind == PR_BOX_CLAIM)
		pr_text_printf(t, " may-%s",
			pr_disruption_name(pr_box_disruption(box, d->g->scene->options->policy)));
	else if (box->kind == PR_BOX_WINDOW && depth % 2 == 0)
		pr_text_add(t, " deep");
	pr_text_add(t, marks[box->mark]);
	if (box->astray || box->clash)
		pr_text_add(t, " wrong");
}

static void add_title(const struct drawing *d, const struct pr_box *box)
{
	const struct pr_glyphs how = { .columns = SIZE_MAX, .utf8 = true, .xml = true };
	struct pr_text details = { 0 };

	pr_box_details(&details, d->g->scene, d->side, box, d->area);
	pr_text_add(d->g->t, "<title>");
	for (char *line = details.data, *end; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		pr_glyphs_add(d->g->t, &how, line);
		pr_text_add(d->g->t, end ? "\n" : "");
	}
	pr_text_add(d->g->t, "</title>");
	d->g->t->failed = d->g->t->failed || details.failed;
	pr_text_deinit(&details);
}

void pr_svg_text(struct pr_svg *g, const char *class, int x, int y, int width, const char *text)
{
	const struct pr_glyphs how = { .columns = width > 0 ? (size_t)width * 100 / SVG_GLYPH
							    : SIZE_MAX,
		.utf8 = true,
		.xml = true };

	pr_text_printf(g->t, "<text x=\"%d\" y=\"%d\"", x, y);
	if (*class)
		pr_text_printf(g->t, " class=\"%s\"", class);
	pr_text_add(g->t, ">");
	pr_glyphs_add(g->t, &how, text);
	pr_text_add(g->t, "</text>");
}

/* What is higher than its text is not to scale, and free: it says so. */
static void add_break(struct pr_svg *g, int x, int right, int y)
{
	pr_text_printf(g->t, "<path class=\"break\" d=\"M%d %d", x, y);
	for (int at = x; at + 2 * ZIGZAG <= right; at += 2 * ZIGZAG)
		pr_text_printf(g->t, "l%d %dl%d %d", ZIGZAG, ZIGZAG, ZIGZAG, -ZIGZAG);
	pr_text_add(g->t, "\"/>");
}

static void add_words(const struct drawing *d, const struct pr_box *box, int x, int right, int y)
{
	char text[PR_LABEL_MAX];
	int size_width;

	pr_box_size(box, d->area, text);
	size_width = (int)pr_glyphs_width(text) * SVG_GLYPH / 100 + 1;
	pr_svg_text(d->g, "size", right - 5, y, 0, text);
	pr_box_label(box, d->area, text);
	pr_svg_text(d->g, "", x + 5, y, right - x - size_width - 18, text);
}

static void add_address(struct drawing *d, const struct pr_box *box, int y)
{
	char text[PR_LABEL_MAX];

	if (d->any && d->address == box->range.first)
		return;
	d->any = true;
	d->address = box->range.first;
	pr_area_address(d->area, box->range.first, text);
	pr_svg_text(d->g, "address", d->x - 6, y, 0, text);
}

static void draw(void *userdata, struct pr_box *box, unsigned int depth)
{
	struct drawing *d = userdata;
	struct pr_svg *g = d->g;
	int in = (int)(depth < DEPTH_MAX ? depth : DEPTH_MAX);
	int x = d->x + in * SVG_INDENT, right = d->right - in * SVG_INDENT / 2;
	int y = d->area->y + box->top;

	pr_text_add(g->t, "<g class=\"");
	add_class(g->t, d, box, depth);
	pr_text_add(g->t, "\">");
	add_title(d, box);
	pr_text_printf(g->t, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"2\"/>", x, y,
		right - x, box->height);
	if (box->kind == PR_BOX_FREE && box->height > 2 * SVG_LINE)
		add_break(g, x, right, y + SVG_LINE + (box->height - SVG_LINE) / 2 - ZIGZAG / 2);
	add_words(d, box, x, right, y + SVG_LINE - 4);
	add_address(d, box, y + SVG_LINE - 4);
	pr_text_add(g->t, "</g>\n");
}

void pr_svg_area(struct pr_svg *g, size_t side, struct pr_area *area, int x, int y, int width,
	const char *headline)
{
	struct drawing d = { .g = g, .side = side, .area = area, .right = x + width };
	const struct pr_visitor v = { .enter = draw, .userdata = &d };

	d.x = x + (int)area->digits * SVG_GLYPH / 100 + 8;
	area->x = d.x;
	area->y = y;
	area->width = d.right - d.x;
	pr_svg_text(g, "head", d.x, y + SVG_LINE - 4, 0, headline);
	pr_text_add(g->t, "\n");
	pr_area_visit(area, &v);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One kind of addresses as lines of text: boxes in boxes, low addresses on
 * top, a line a box whatever its size is.
 */
#include "picture/terminal.h"

#include <string.h>

#define DEPTH_MAX 12 /* further in, boxes are indented no more */

/* ---- pieces of a line ---- */

void pr_lines_repeat(struct pr_text *t, const char *s, size_t n)
{
	while (n-- > 0)
		pr_text_add(t, s);
}

/* SGR parameters (ECMA-48): who may be moved, as the SVG has it; what is nobody's, faint. */
static const char *color_of(const struct pr_box *box, const struct pr_policy *policy)
{
	static const char *const disruptions[] = {
		[PR_DISRUPTION_FREE] = "32",
		[PR_DISRUPTION_RESTART] = "33",
		[PR_DISRUPTION_IN_USE] = "35",
		[PR_DISRUPTION_PINNED] = "31",
	};

	switch (box->kind) {
	case PR_BOX_CLAIM:
		return disruptions[pr_box_disruption(box, policy)];
	case PR_BOX_FREE:
	case PR_BOX_RESERVE:
	case PR_BOX_BUSY:
	case PR_BOX_REST:
		return "2";
	case PR_BOX_APERTURE:
		return "1";
	case PR_BOX_WINDOW:
	case PR_BOX_BUS:
		break;
	}
	return NULL;
}

void pr_lines_paint(
	const struct pr_lines *p, struct pr_text *t, const char *color, const char *text)
{
	if (p->how->color && color)
		pr_text_printf(t, "\033[%sm%s\033[0m", color, text);
	else
		pr_text_add(t, text);
}

/* One character beside the address: what became of the box, or what is wrong with it. */
static void add_mark(const struct pr_lines *p, struct pr_text *t, const struct pr_box *box)
{
	static const struct {
		const char *ascii, *unicode, *color;
	} marks[] = {
		[PR_MARK_NONE] = { " ", " ", NULL },
		[PR_MARK_MOVED] = { ">", "\xe2\x86\x92", "36" },
		[PR_MARK_RESIZED] = { "*", "\xe2\x86\x95", "36" },
		[PR_MARK_GONE] = { "-", "-", "31" },
		[PR_MARK_NEW] = { "+", "+", "32" },
	};

	if (box->astray || box->clash)
		pr_lines_paint(p, t, "31", "!");
	else
		pr_lines_paint(p, t, marks[box->mark].color,
			p->how->utf8 ? marks[box->mark].unicode : marks[box->mark].ascii);
}

/* ---- boxes ---- */

struct drawing {
	const struct pr_lines *page;
	struct pr_text *t;
	size_t side;
	const struct pr_area *area;
	uint64_t address; /* the last one written */
	bool any;
};

static size_t indent(unsigned int depth)
{
	return depth < DEPTH_MAX ? depth : DEPTH_MAX;
}

/* The address, once, and the mark. */
static void begin_line(struct drawing *d, const struct pr_box *box)
{
	char address[PR_LABEL_MAX];

	if (d->any && d->address == box->range.first) {
		pr_lines_repeat(d->t, " ", d->area->digits);
	} else {
		pr_area_address(d->area, box->range.first, address);
		pr_lines_paint(d->page, d->t, "2", address);
	}
	d->any = true;
	d->address = box->range.first;
	add_mark(d->page, d->t, box);
}

static void add_label(const struct drawing *d, const struct pr_box *box, struct pr_text *t)
{
	char text[PR_LABEL_MAX];

	pr_box_label(box, d->area, text);
	pr_text_add(t, text);
	if (d->side == 0 || (box->mark != PR_MARK_MOVED && box->mark != PR_MARK_RESIZED))
		return;
	pr_area_address(d->area, box->other.first, text);
	pr_text_printf(t, ", was at %s", text);
	if (box->mark == PR_MARK_MOVED)
		return;
	pr_box_size(&(struct pr_box){ .range = box->other }, d->area, text);
	pr_text_printf(t, ", %s", text);
}

/* Label on the left, size on the right, what @fill is between them; @width columns in all. */
static void add_words(
	const struct drawing *d, const struct pr_box *box, size_t width, const char *fill)
{
	const struct pr_lines *p = d->page;
	struct pr_text label = { 0 }, cut = { 0 };
	char size[PR_LABEL_MAX];
	size_t room, used;

	pr_box_size(box, d->area, size);
	room = width > strlen(size) + 2 ? width - strlen(size) - 2 : 0;
	add_label(d, box, &label);
	if (!label.failed)
		pr_glyphs_add(&cut, &(struct pr_glyphs){ .columns = room, .utf8 = p->how->utf8 },
			label.data);
	if (!cut.failed && cut.data) {
		used = pr_glyphs_width(cut.data);
		pr_lines_paint(p, d->t, color_of(box, p->scene->options->policy), cut.data);
		pr_text_add(d->t, " ");
		pr_lines_repeat(d->t, fill, room > used ? room - used : 0);
		pr_text_printf(d->t, " %s", size);
	}
	d->t->failed = d->t->failed || label.failed || cut.failed;
	pr_text_deinit(&label);
	pr_text_deinit(&cut);
}

static void enter(void *userdata, struct pr_box *box, unsigned int depth)
{
	struct drawing *d = userdata;
	const struct pr_strokes *s = d->page->strokes;
	size_t in = indent(depth), taken = d->area->digits + 1 + 2 * in;
	/* a stroke and a blank on either side; what is not around others has blanks alone */
	size_t width = d->page->width > taken + 4 ? d->page->width - taken - 4 : 0;

	begin_line(d, box);
	pr_lines_repeat(d->t, s->side, in);
	pr_text_printf(d->t, "%s ", box->first ? s->top_left : " ");
	add_words(d, box, width, box->first ? s->line : " ");
	pr_text_printf(d->t, " %s", box->first ? s->top_right : " ");
	pr_lines_repeat(d->t, s->side, in);
	pr_text_add(d->t, "\n");
}

static void leave(void *userdata, struct pr_box *box, unsigned int depth)
{
	struct drawing *d = userdata;
	const struct pr_strokes *s = d->page->strokes;
	size_t in = indent(depth), taken = d->area->digits + 1 + 2 * in + 2;

	if (!box->first)
		return;
	pr_lines_repeat(d->t, " ", d->area->digits + 1);
	pr_lines_repeat(d->t, s->side, in);
	pr_text_add(d->t, s->bottom_left);
	pr_lines_repeat(d->t, s->line, d->page->width > taken ? d->page->width - taken : 0);
	pr_text_add(d->t, s->bottom_right);
	pr_lines_repeat(d->t, s->side, in);
	pr_text_add(d->t, "\n");
}

void pr_lines_area(
	const struct pr_lines *p, size_t side, const struct pr_area *area, struct pr_text *t)
{
	struct drawing d = { .page = p, .t = t, .side = side, .area = area };
	const struct pr_visitor v = { .enter = enter, .leave = leave, .userdata = &d };

	pr_area_visit(area, &v);
}

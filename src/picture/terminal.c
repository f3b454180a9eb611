/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scene as lines of text, host bridge by host bridge.  Two machines stand
 * side by side where there is room, else below each other.
 */
#include "picture/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	WIDTH_LEAST = 40,  /* a column is never narrower, whatever the terminal says */
	WIDTH_MOST = 120,  /* nor wider: labels would be far from their sizes */
	PAIR_LEAST = 110,  /* two columns need so much */
	BETWEEN = 3,       /* them */
	MISSING_MOST = 24, /* so many of what has no addresses are named */
};

static const struct pr_strokes ascii = { "-", "|", "+", "+", "+", "+" };
static const struct pr_strokes unicode = { "\xe2\x94\x80", "\xe2\x94\x82", "\xe2\x94\x8c",
	"\xe2\x94\x90", "\xe2\x94\x94", "\xe2\x94\x98" };

/* ---- what has no addresses ---- */

/* @text after two blanks and a mark, as wide as the column. */
static void add_missing(const struct pr_lines *p, struct pr_text *t, const char *mark,
	const char *color, const char *text)
{
	const size_t room = p->width - 4;
	const size_t used = pr_glyphs_width(text);

	pr_text_add(t, "  ");
	pr_lines_paint(p, t, color, mark);
	pr_text_add(t, " ");
	pr_glyphs_add(t, &(struct pr_glyphs){ .columns = room, .utf8 = p->how->utf8 }, text);
	pr_lines_repeat(t, " ", room > used ? room - used : 0);
	pr_text_add(t, "\n");
}

static void draw_missings(const struct pr_lines *p, const struct pr_missings *m, struct pr_text *t)
{
	char label[PR_LABEL_MAX];

	for (size_t i = 0; i < m->n && i < MISSING_MOST; i++) {
		const bool mended = m->entries[i].mark == PR_MARK_NEW;

		pr_missing_label(&m->entries[i], label);
		add_missing(p, t, mended ? "+" : "!", mended ? "32" : "31", label);
	}
	if (m->n <= MISSING_MOST)
		return;
	(void)snprintf(label, sizeof(label), "and %zu more", m->n - MISSING_MOST);
	add_missing(p, t, " ", NULL, label);
}

/* ---- side by side ---- */

/* The line at *@at without its newline and the blanks at its end; *@at is the next one's then. */
static size_t next_line(const char **at, const char **ret)
{
	const char *end = strchrnul(*at, '\n');
	size_t n = (size_t)(end - *at);

	*ret = *at;
	*at = *end ? end + 1 : end;
	return n;
}

static void add_trimmed(struct pr_text *t, const char *line, size_t n)
{
	while (n > 0 && line[n - 1] == ' ')
		n--;
	pr_text_add_n(t, line, n);
}

/* Lines of @left, each as wide as the column, with those of @right ("": none) beside them. */
static void join(const struct pr_lines *p, const char *left, const char *right)
{
	const char *line;
	size_t n;

	while (*left || *right) {
		n = next_line(&left, &line);
		if (*right) {
			pr_text_add_n(p->t, line, n);
			pr_lines_repeat(p->t, " ", n > 0 ? BETWEEN : p->width + BETWEEN);
			n = next_line(&right, &line);
		}
		add_trimmed(p->t, line, n);
		pr_text_add(p->t, "\n");
	}
}

static bool is_wide(const struct pr_lines *p)
{
	return p->scene->n_sides == 2 && (p->how->width == 0 || p->how->width >= PAIR_LEAST);
}

/* The texts of both sides, or of one, below the headline @name. */
static void add_pair(const struct pr_lines *p, const char *name, const char *const texts[2])
{
	static const char *const when[] = { "now", "afterwards" };
	const size_t n = p->scene->n_sides;
	struct pr_text headline = { 0 };

	if (is_wide(p)) {
		pr_text_printf(&headline, "%s, %s", name, when[0]);
		if (!headline.failed)
			pr_text_printf(p->t, "\n%-*s%s, %s\n", (int)(p->width + BETWEEN),
				headline.data, name, when[1]);
		join(p, texts[0], texts[1]);
	} else {
		for (size_t i = 0; i < n; i++) {
			if (!*texts[i])
				continue;
			pr_text_printf(
				p->t, "\n%s%s%s\n", name, n > 1 ? ", " : "", n > 1 ? when[i] : "");
			join(p, texts[i], "");
		}
	}
	p->t->failed = p->t->failed || headline.failed;
	pr_text_deinit(&headline);
}

/* ---- host bridges ---- */

/* What was drawn of each side, if anything was; lets go of it. */
static void add_texts(const struct pr_lines *p, const char *name, struct pr_text texts[2])
{
	const char *data[2] = { "", "" };

	for (size_t i = 0; i < p->scene->n_sides; i++) {
		if (texts[i].failed)
			p->t->failed = true;
		else if (texts[i].data)
			data[i] = texts[i].data;
	}
	if (*data[0] || *data[1])
		add_pair(p, name, data);
	for (size_t i = 0; i < p->scene->n_sides; i++)
		pr_text_deinit(&texts[i]);
}

static void add_root(const struct pr_lines *p, size_t root)
{
	const struct pr_scene *s = p->scene;
	struct pr_text texts[2] = { 0 };

	for (unsigned int k = 0; k < _PR_AREA_MAX; k++) {
		if (pr_scene_is_left_out(s, root, k))
			continue;
		for (size_t i = 0; i < s->n_sides; i++)
			pr_lines_area(p, i, pr_side_area(&s->sides[i], root, k), &texts[i]);
		add_texts(p, pr_area_name(k), texts);
	}
	for (size_t i = 0; i < s->n_sides; i++)
		draw_missings(p, &s->sides[i].missings[root], &texts[i]);
	add_texts(p, "without addresses", texts);
}

static void add_headline(const struct pr_lines *p, size_t root)
{
	const size_t width = p->how->width > 0 ? p->how->width : SIZE_MAX;
	char label[PR_LABEL_MAX];

	pr_root_label(p->scene->sides[0].topology->roots[root], label);
	pr_lines_paint(p, p->t, "1", label);
	pr_text_add(p->t, "\n");
	pr_scene_unchanged(p->scene, root, label);
	if (!*label)
		return;
	pr_glyphs_add(p->t, &(struct pr_glyphs){ .columns = width, .utf8 = p->how->utf8 }, label);
	pr_text_add(p->t, "\n");
}

static void add_roots(const struct pr_lines *p)
{
	const struct pr_scene *s = p->scene;
	bool any = false;

	for (size_t i = 0; i < s->sides[0].topology->n_roots; i++) {
		if (pr_scene_root_is_empty(s, i))
			continue;
		pr_text_add(p->t, any ? "\n" : "");
		any = true;
		add_headline(p, i);
		add_root(p, i);
	}
	if (s->n_sides > 1)
		pr_text_add(p->t,
			p->how->utf8
				? "\n\xe2\x86\x92 moves  \xe2\x86\x95 gets another size  "
				  "+ gets addresses  - loses them\n"
				: "\n> moves  * gets another size  + gets addresses  - loses them\n");
}

static size_t column_width(const struct pr_lines *p)
{
	size_t width = p->how->width > 0 ? p->how->width : WIDTH_MOST;

	if (is_wide(p))
		width = (width - BETWEEN) / 2;
	return width < WIDTH_LEAST ? WIDTH_LEAST : width > WIDTH_MOST ? WIDTH_MOST : width;
}

int pr_picture_text(struct pr_text *t, const struct pr_picture_lines *lines,
	const struct pr_topology *before, const struct pr_topology *after,
	const struct pr_picture_options *options)
{
	struct pr_lines p = { .t = t, .how = lines, .strokes = lines->utf8 ? &unicode : &ascii };
	struct pr_scene *s;
	int r = pr_scene_make(before, after, options, &s);

	if (r < 0)
		return r;
	p.scene = s;
	p.width = column_width(&p);
	add_roots(&p);
	pr_scene_free(s);
	return t->failed ? -ENOMEM : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/html.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/utf8.h"

/* ---- text ---- */

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	}
	return NULL;
}

/* Controls may not even be referred to (HTML 13.2.3.5), and nobody misses them. */
static bool is_control(const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];

	return (n == 1 && (c < 0x20 || c == 0x7f) && c != '\n' && c != '\t') ||
	       (n == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

static void add_escaped(struct pr_text *t, const char *s, size_t left)
{
	while (left > 0) {
		size_t n = pr_utf8_length(s, left);
		const char *replaced = n == 0 || is_control(s, n) ? "\357\277\275" : entity(*s);

		if (replaced)
			pr_text_add(t, replaced);
		else
			pr_text_add_n(t, s, n);
		n = n > 0 ? n : 1;
		s += n;
		left -= n;
	}
}

void pr_html_text(struct pr_text *t, const char *text)
{
	add_escaped(t, text, strlen(text));
}

/* ---- colours (ECMA-48 SGR), as words.c and libsmartcols write them ---- */

static const struct {
	const char *code, *class;
} colors[] = {
	{ "\033[1m", "strong" },
	{ "\033[1;32m", "good" },
	{ "\033[32m", "good" },
	{ "\033[1;33m", "warn" },
	{ "\033[33m", "warn" },
	{ "\033[1;31m", "bad" },
	{ "\033[31m", "bad" },
};
static const char reset[] = "\033[0m";

/* The class of the colour that @s begins with; NULL: none.  @ret_n: how long its code is. */
static const char *color_class(const char *s, size_t *ret_n)
{
	for (size_t i = 0; i < ARRAY_SIZE(colors); i++) {
		*ret_n = strlen(colors[i].code);
		if (strncmp(s, colors[i].code, *ret_n) == 0)
			return colors[i].class;
	}
	return NULL;
}

/* One line, or a part of it, of @n bytes. */
static void add_colored(struct pr_text *t, const char *s, size_t n)
{
	const char *end = s + n, *code, *stop, *class;
	size_t length;

	while (s < end) {
		code = memchr(s, '\033', (size_t)(end - s));
		if (!code)
			break;
		class = color_class(code, &length);
		stop = class ? strstr(code, reset) : NULL;
		add_escaped(t, s, (size_t)(code - s));
		if (!stop || stop >= end) {
			add_escaped(t, code, 1);
			s = code + 1;
			continue;
		}
		code += length;
		pr_text_printf(t, "<span class=\"%s\">", class);
		add_escaped(t, code, (size_t)(stop - code));
		pr_text_add(t, "</span>");
		s = stop + strlen(reset);
	}
	add_escaped(t, s, (size_t)(end - s));
}

/* All of it is one bold piece. */
static bool is_headline(const char *line, size_t n)
{
	const size_t begin = strlen(colors[0].code), end = strlen(reset);

	return n > begin + end && memcmp(line, colors[0].code, begin) == 0 &&
	       memcmp(line + n - end, reset, end) == 0 &&
	       memchr(line + begin, '\033', n - begin - end) == NULL;
}

static void add_line(struct pr_text *t, const char *line, size_t n)
{
	size_t indent = 0;

	if (is_headline(line, n)) {
		pr_text_add(t, "<h3>");
		add_escaped(t, line + strlen(colors[0].code),
			n - strlen(colors[0].code) - strlen(reset));
		pr_text_add(t, "</h3>\n");
		return;
	}
	while (indent < n && line[indent] == ' ')
		indent++;
	pr_text_printf(t, "<div style=\"--indent:%zuch\">", indent);
	add_colored(t, line + indent, n - indent);
	pr_text_add(t, "</div>\n");
}

void pr_html_lines(struct pr_text *t, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n > 0)
			add_line(t, text, n);
		else
			pr_text_add(t, "<div class=\"gap\"></div>\n");
		text += n + (text[n] == '\n');
	}
}

/* ---- tables ---- */

static size_t depth(const struct libscols_line *line)
{
	size_t n = 0;

	while ((line = scols_line_get_parent(line)))
		n++;
	return n;
}

static void add_cell(struct pr_text *t, struct libscols_line *line, struct libscols_column *column)
{
	struct libscols_cell *cell = scols_line_get_column_cell(line, column);
	const char *data = cell ? scols_cell_get_data(cell) : NULL;
	const char *color = cell ? scols_cell_get_color(cell) : NULL;
	const char *class;
	size_t n;

	pr_text_add(t, scols_column_is_right(column) ? "<td class=\"right\"" : "<td");
	if (scols_column_is_tree(column))
		pr_text_printf(t, " style=\"--depth:%zu\"", depth(line));
	pr_text_add(t, ">");
	class = color ? color_class(color, &n) : NULL;
	if (class)
		pr_text_printf(t, "<span class=\"%s\">", class);
	if (data)
		pr_html_text(t, data);
	pr_text_add(t, class ? "</span></td>" : "</td>");
}

/* Columns that are shown; @line NULL: their names. */
static int add_row(struct pr_text *t, struct libscols_table *table, struct libscols_iter *columns,
	struct libscols_line *line)
{
	struct libscols_column *c;
	int r;

	pr_text_add(t, "<tr>");
	scols_reset_iter(columns, SCOLS_ITER_FORWARD);
	while ((r = scols_table_next_column(table, columns, &c)) == 0) {
		if (scols_column_is_hidden(c))
			continue;
		if (line) {
			add_cell(t, line, c);
			continue;
		}
		pr_text_add(t, scols_column_is_right(c) ? "<th class=\"right\">" : "<th>");
		pr_html_text(t, scols_cell_get_data(scols_column_get_header(c)));
		pr_text_add(t, "</th>");
	}
	pr_text_add(t, "</tr>\n");
	return r < 0 ? r : 0;
}

static int add_rows(struct pr_text *t, struct libscols_table *table, struct libscols_iter *lines,
	struct libscols_iter *columns)
{
	struct libscols_line *line;
	int r = 0, end = 0;

	pr_text_add(t, "<div class=\"wide\"><table><thead>");
	r = add_row(t, table, columns, NULL);
	pr_text_add(t, "</thead><tbody>\n");
	while (r == 0 && (end = scols_table_next_line(table, lines, &line)) == 0)
		r = add_row(t, table, columns, line);
	pr_text_add(t, "</tbody></table></div>\n");
	return end < 0 ? end : r;
}

int pr_html_table(struct pr_text *t, struct libscols_table *table)
{
	struct libscols_iter *lines = scols_new_iter(SCOLS_ITER_FORWARD);
	struct libscols_iter *columns = scols_new_iter(SCOLS_ITER_FORWARD);
	int r = lines && columns ? add_rows(t, table, lines, columns) : -ENOMEM;

	scols_free_iter(lines);
	scols_free_iter(columns);
	return r;
}

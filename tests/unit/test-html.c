/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command line prints as HTML: nothing of a machine's names becomes a tag. */
#include <string.h>

#include "base/text.h"
#include "cli/html.h"
#include "cli/table.h"
#include "rows.h"

#define BAD "\357\277\275" /* U+FFFD */

static const struct html_case {
	const char *name, *text, *html;
} text_cases[] = {
	{ "plain text stays", "root port 8086:3420", "root port 8086:3420" },
	{ "a tag is text", "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;" },
	{ "quotes end no attribute", "\"'", "&quot;&#39;" },
	{ "an ampersand begins no entity", "&lt;", "&amp;lt;" },
	{ "UTF-8 stays", "\303\244\342\202\254", "\303\244\342\202\254" },
	{ "a byte that is no UTF-8", "a\377b", "a" BAD "b" },
	{ "a character that is cut", "a\342\202", "a" BAD BAD },
	{ "a control character", "a\001b\177", "a" BAD "b" BAD },
	{ "a control character of two bytes", "\302\205", BAD },
	{ "the first that is none", "\302\240", "\302\240" },
	{ "tab and newline stay", "a\tb\nc", "a\tb\nc" },
	{ "an escape sequence is no colour here", "\033[1mx", BAD "[1mx" },
};

static const struct html_case line_cases[] = {
	{ "an indented line", "  one\n", "<div style=\"--indent:2ch\">one</div>\n" },
	{ "an empty line is a gap", "a\n\nb\n",
		"<div style=\"--indent:0ch\">a</div>\n<div class=\"gap\"></div>\n"
		"<div style=\"--indent:0ch\">b</div>\n" },
	{ "the last line without its newline", "a", "<div style=\"--indent:0ch\">a</div>\n" },
	{ "a bold line is a headline", "\033[1mWhat <if>\033[0m\n", "<h3>What &lt;if&gt;</h3>\n" },
	{ "a bold word is none", "\033[1mWhat\033[0m if\n",
		"<div style=\"--indent:0ch\"><span class=\"strong\">What</span> if</div>\n" },
	{ "two bold words are none", "\033[1ma\033[0m\033[1mb\033[0m\n",
		"<div style=\"--indent:0ch\"><span class=\"strong\">a</span>"
		"<span class=\"strong\">b</span></div>\n" },
	{ "colours have classes", "\033[1;32ma\033[0m \033[1;33mb\033[0m \033[1;31mc\033[0m",
		"<div style=\"--indent:0ch\"><span class=\"good\">a</span> "
		"<span class=\"warn\">b</span> <span class=\"bad\">c</span></div>\n" },
	{ "what is painted is text as well", "\033[1;31m<b>\033[0m",
		"<div style=\"--indent:0ch\"><span class=\"bad\">&lt;b&gt;</span></div>\n" },
	{ "a colour that does not end in its line", "\033[1;31ma\nb\033[0m",
		"<div style=\"--indent:0ch\">" BAD "[1;31ma</div>\n"
		"<div style=\"--indent:0ch\">b" BAD "[0m</div>\n" },
	{ "a sequence that nobody here writes", "\033[4ma\033[0m",
		"<div style=\"--indent:0ch\">" BAD "[4ma" BAD "[0m</div>\n" },
};

static void test_text(void **state)
{
	const struct html_case *c = *state;
	struct pr_text t = { 0 };

	pr_html_text(&t, c->text);
	assert_string_equal(t.data, c->html);
	pr_text_deinit(&t);
}

static void test_lines(void **state)
{
	const struct html_case *c = *state;
	struct pr_text t = { 0 };

	pr_html_lines(&t, c->text);
	assert_string_equal(t.data, c->html);
	pr_text_deinit(&t);
}

static void test_table(void **state)
{
	static const struct pr_style style = { .width = 20 };
	static const struct pr_column columns[] = {
		{ "DEVICE", 1, SCOLS_FL_TREE },
		{ "<HID>", 1, SCOLS_FL_HIDDEN },
		{ "SIZE", 1, SCOLS_FL_RIGHT },
	};
	struct libscols_line *top, *below;
	struct libscols_table *table;
	struct pr_text t = { 0 };

	(void)state;
	assert_int_equal(pr_table_new(&style, columns, ARRAY_SIZE(columns), &table), 0);
	assert_int_equal(pr_table_line(table, NULL, (const char *const[]){ "<a>" }, 1, &top), 0);
	assert_int_equal(pr_table_line(table, top,
				 (const char *const[]){ "a long name that is not cut", "x", "1" },
				 3, &below),
		0);
	assert_int_equal(scols_cell_set_color(scols_line_get_cell(below, 2), "red"), 0);
	assert_int_equal(pr_html_table(&t, table), 0);
	assert_string_equal(t.data,
		"<div class=\"wide\"><table><thead><tr><th>DEVICE</th>"
		"<th class=\"right\">SIZE</th></tr>\n</thead><tbody>\n"
		"<tr><td style=\"--depth:0\">&lt;a&gt;</td><td class=\"right\"></td></tr>\n"
		"<tr><td style=\"--depth:1\">a long name that is not cut</td>"
		"<td class=\"right\"><span class=\"bad\">1</span></td></tr>\n"
		"</tbody></table></div>\n");
	pr_text_deinit(&t);
	scols_unref_table(table);
}

int main(void)
{
	static struct rows rows;

	ADD_ROWS(&rows, text_cases, test_text);
	ADD_ROWS(&rows, line_cases, test_lines);
	rows_add(&rows, "a table: depth, hidden columns, colours, nothing cut", test_table, NULL);
	return rows_run(&rows, "html");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of the command line. */
#include <errno.h>
#include <stdlib.h>

#include "cli/table.h"

static void set_style(struct libscols_table *table, const struct pr_style *s)
{
	(void)scols_table_enable_colors(table, s->color); /* setters of plain members */
	(void)scols_table_enable_ascii(table, !s->utf8);
	(void)scols_table_enable_nowrap(table, 0);
	(void)scols_table_set_termforce(
		table, s->width > 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (s->width > 0)
		(void)scols_table_set_termwidth(table, s->width);
}

int pr_table_new(const struct pr_style *s, const struct pr_column *columns, size_t n,
	struct libscols_table **ret)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!scols_table_new_column(
			    table, columns[i].name, columns[i].width, columns[i].flags)) {
			scols_unref_table(table);
			return -ENOMEM;
		}
	}
	set_style(table, s);
	*ret = table;
	return 0;
}

int pr_table_line(struct libscols_table *table, struct libscols_line *parent,
	const char *const *cells, size_t n, struct libscols_line **ret)
{
	struct libscols_line *line = scols_table_new_line(table, parent);
	int r = line ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		if (cells[i])
			r = scols_line_set_data(line, i, cells[i]);
	*ret = line;
	return r;
}

int pr_table_cell(struct libscols_line *line, size_t column, struct pr_text *text)
{
	char *data;
	int r = pr_text_take(text, &data, NULL);

	if (r < 0)
		return r;
	return scols_line_refer_data(line, column, data); /* the table owns it now */
}

int pr_table_print(struct libscols_table *table, struct pr_text *t)
{
	char *text = NULL;
	int r;

	r = scols_print_table_to_string(table, &text);
	if (r == 0 && text) {
		pr_text_add(t, text);
		pr_text_add(t, "\n");
	}
	free(text);
	return r;
}

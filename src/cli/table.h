/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables and trees of the command line, all of one look: libsmartcols set up
 * from a pr_style.  Knows nothing of what is in them.
 */
#pragma once

#include <libsmartcols.h>

#include "cli/words.h"

struct pr_column {
	const char *name;
	double width; /* hint: share of the terminal */
	int flags;    /* SCOLS_FL_* */
};

/* 0 and a table for scols_unref_table(), or -ENOMEM. */
int pr_table_new(const struct pr_style *s, const struct pr_column *columns, size_t n,
	struct libscols_table **ret);
/* One more line, below @parent (NULL: at the top), with @n cells; NULL: an empty one. */
int pr_table_line(struct libscols_table *table, struct libscols_line *parent,
	const char *const *cells, size_t n, struct libscols_line **ret);
/* Moves @text into a cell; -ENOMEM when it could not be made. */
int pr_table_cell(struct libscols_line *line, size_t column, struct pr_text *text);
/* Appends the drawn table to @t; 0 or negative errno. */
int pr_table_print(struct libscols_table *table, struct pr_text *t);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command line prints, as HTML: text, sentences with colours, tables.
 * What comes from a machine never becomes a tag.  Knows nothing of PCI.
 */
#pragma once

#include <libsmartcols.h>

#include "base/text.h"

/* @text with the five characters that mean something to HTML, and what is no character, replaced. */
void pr_html_text(struct pr_text *t, const char *text);
/*
 * Lines as a style with colours makes them: each a <div>, indented as it is, one that is all bold a
 * <h3>; colours become spans of the classes good, warn and bad.
 */
void pr_html_lines(struct pr_text *t, const char *text);
/* The whole table, whatever its width was meant to be; a tree's depth becomes indentation. */
int pr_html_table(struct pr_text *t, struct libscols_table *table);

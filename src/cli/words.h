/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of the command line: what classes, kinds, states and sizes are
 * called.  One place, so that tree, explain and plan say the same thing.
 */
#pragma once

#include "base/text.h"
#include "pciroom/topology.h"

/* How output looks; from the options and the terminal. */
struct pr_style {
	bool bytes;   /* sizes as plain numbers of bytes */
	bool color;   /* escape sequences are welcome */
	bool utf8;    /* line drawing beyond ASCII is welcome */
	bool verbose; /* everything, not only what matters */
	size_t width; /* columns of the terminal; 0: not a terminal, no limit */
};

enum pr_paint {
	PR_PAINT_NONE = 0,
	PR_PAINT_BOLD,
	PR_PAINT_GOOD,
	PR_PAINT_WARN,
	PR_PAINT_BAD
};

/* What passes through a PR_WINDOW_*: "I/O ports", "memory", "prefetchable memory". */
const char *pr_window_content(unsigned int window);

/* "256 MiB", or "268435456 bytes"; "of unknown size" for PR_SIZE_UNKNOWN. */
#define PR_WORD_MAX 40
const char *pr_size_text(const struct pr_style *s, uint64_t bytes, char ret[PR_WORD_MAX]);

/* "0000:00" */
#define PR_ROOT_NAME_MAX 16
const char *pr_root_name(const struct pr_root *root, char ret[PR_ROOT_NAME_MAX]);

/* Address of @f into a buffer of its own; a short way to say pr_address_format(). */
struct pr_name {
	char text[PR_ADDRESS_MAX];
};
struct pr_name pr_name_of(const struct pr_address *a);

/* "1 function", "2 functions". */
void pr_text_count(struct pr_text *t, size_t n, const char *noun);
/* @text in the colour of @paint, when @s has colours. */
void pr_text_paint(
	struct pr_text *t, const struct pr_style *s, enum pr_paint paint, const char *text);
/* "Ethernet controller 8086:10d3, driver e1000e", "root port 8086:3420, driver pcieport" */
void pr_text_function(struct pr_text *t, const struct pr_function *f);

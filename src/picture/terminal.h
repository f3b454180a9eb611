/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a scene: what their page and their boxes share. */
#pragma once

#include "picture/scene.h"

struct pr_strokes {
	const char *line, *side, *top_left, *top_right, *bottom_left, *bottom_right;
};

struct pr_lines {
	struct pr_text *t; /* the page */
	const struct pr_scene *scene;
	const struct pr_picture_lines *how;
	const struct pr_strokes *strokes;
	size_t width; /* of a column */
};

void pr_lines_repeat(struct pr_text *t, const char *s, size_t n);
/* @text in a colour (parameters of SGR, ECMA-48; NULL: none), if there are colours. */
void pr_lines_paint(
	const struct pr_lines *p, struct pr_text *t, const char *color, const char *text);
/* The boxes of @area as lines, each as wide as a column; what is behind the last ink are blanks. */
void pr_lines_area(
	const struct pr_lines *p, size_t side, const struct pr_area *area, struct pr_text *t);

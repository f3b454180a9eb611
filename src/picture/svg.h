/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SVG of a scene: what its page and its boxes share. */
#pragma once

#include "picture/scene.h"

/* Of SVG's user units, which are pixels until somebody scales them. */
enum {
	SVG_WIDTH = 1040,
	SVG_MARGIN = 16,
	SVG_GAP = 24,    /* between columns */
	SVG_ARROWS = 90, /* between before and after */
	SVG_LINE = 16,
	SVG_INDENT = 8, /* of boxes in boxes, on their left */
};
/* A monospace font of 11 px has characters this wide, in hundredths. */
#define SVG_GLYPH 663

struct pr_svg {
	struct pr_text *t;
	const struct pr_scene *scene;
	int y; /* next free line of the page */
};

/* The styles, all under the class pr-map. */
extern const char pr_svg_style[];

/* Places the boxes of @area, and returns how high it is with its headline. */
int pr_svg_layout(struct pr_area *area);
/* Draws @area, which has been laid out, at @x and @y. */
void pr_svg_area(struct pr_svg *g, size_t side, struct pr_area *area, int x, int y, int width,
	const char *headline);
/* Arrows from the boxes of the first side to those of the second. */
void pr_svg_arrows(struct pr_svg *g);

/* @text at @x, @y, of class @class; at most @width wide, 0: as it is. */
void pr_svg_text(struct pr_svg *g, const char *class, int x, int y, int width, const char *text);

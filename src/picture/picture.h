/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures of the address space and of the bus numbers: host bridges, the
 * windows in them, who lies in those, and what is free.  Topologies in, text
 * out; nothing here prints, reads or decides.
 */
#pragma once

#include "base/text.h"
#include "pciroom/plan.h"

enum pr_area_kind {
	PR_AREA_IO = 0,
	PR_AREA_MEM32, /* memory below 4 GiB */
	PR_AREA_MEM64, /* memory above it */
	PR_AREA_BUSES,
	_PR_AREA_MAX,
};

struct pr_picture_options {
	const char *title; /* headline of an SVG; NULL: none */
	/* 1 << enum pr_area_kind, or'ed; 0: all */
	unsigned int areas;
	/* bridges and devices, of @before, that alone are drawn; none: the whole machine */
	const struct pr_function *const *focus;
	size_t n_focus;
	/* about how many boxes to draw at most, what is smaller is summed up; 0: all of them */
	size_t boxes;
	/* says what may be moved, for the colours; NULL: no pins */
	const struct pr_policy *policy;
};
/* Enough to see a machine by, few enough to look at. */
#define PR_PICTURE_BOXES 240

/*
 * Appends an <svg> element that needs nothing else: no script, no font, no file; it may stand in
 * an HTML page as it is (its styles are of class pr-map).  @after, NULL or a topology predicted
 * from @before (or one that both were predicted from), is drawn beside it, with arrows from where
 * things were.  0, or -ENOMEM.
 */
int pr_picture_svg(struct pr_text *t, const struct pr_topology *before,
	const struct pr_topology *after, const struct pr_picture_options *options);

/* How a terminal's lines look. */
struct pr_picture_lines {
	size_t width; /* columns; 0: no limit */
	bool utf8;    /* line drawing beyond ASCII; the locale's characters are UTF-8 */
	bool color;
};
/* The same as lines of text; @after stands to the right of @before, or below where that is narrow. */
int pr_picture_text(struct pr_text *t, const struct pr_picture_lines *lines,
	const struct pr_topology *before, const struct pr_topology *after,
	const struct pr_picture_options *options);

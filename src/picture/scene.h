/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is drawn, before it is known how: boxes in boxes, in the order of
 * addresses, for each host bridge and kind of addresses, of one machine or of
 * two.  Knows no columns, pixels or colours.
 */
#pragma once

#include "picture/picture.h"

enum pr_box_kind {
	PR_BOX_APERTURE = 0, /* of a host bridge */
	PR_BOX_WINDOW,       /* of a bridge */
	PR_BOX_CLAIM,        /* BAR, ROM, BARs of virtual functions */
	PR_BOX_BUS,          /* one bus number in use */
	PR_BOX_BUSY,         /* somebody's who is not PCI */
	PR_BOX_FREE,
	PR_BOX_RESERVE, /* window of an empty slot: only a card that comes can use it */
	PR_BOX_REST,    /* boxes side by side that are not drawn one by one */
};

const char *pr_box_kind_name(enum pr_box_kind kind); /* one word, for programs */

/* What became of a box, or what it was made of. */
enum pr_mark {
	PR_MARK_NONE = 0, /* the same on both sides, or there is only one */
	PR_MARK_MOVED,
	PR_MARK_RESIZED,
	PR_MARK_GONE, /* has no addresses any more */
	PR_MARK_NEW,  /* had none */
};

struct pr_box {
	enum pr_box_kind kind;
	enum pr_mark mark;
	struct pr_range range, other;       /* @other: on the other side, for MOVED and RESIZED */
	const struct pr_function *function; /* NULL: the host bridge's, or nobody's */
	const struct pr_resource *resource; /* NULL: bus numbers, or nobody's */
	struct pr_box *parent, *first, *next;
	struct pr_box *last; /* while it is filled */
	unsigned int rank;   /* of boxes of one range, who is inside of whom */
	bool unknown;        /* APERTURE: not recorded, drawn around what is in use */
	bool clash;          /* somebody else has the same addresses */
	bool astray;         /* a window above does not pass these addresses down */
	bool matters;        /* drawn before others: changed by itself, or asked for */
	bool carried;        /* moves along with what is around it */
	bool apart;          /* never drawn by itself: others were asked for */
	bool shown;
	/* BUS, WINDOW of a single bus: functions on it; else functions in it that are not drawn */
	size_t n_functions;
	size_t n_boxes;  /* boxes in it that are not drawn, the free ones left out */
	uint64_t free;   /* addresses in it that are free, in boxes that are not drawn */
	int top, height; /* for who draws it */
};

/* One kind of addresses of one host bridge. */
struct pr_area {
	enum pr_area_kind kind;
	const struct pr_root *root;
	struct pr_box *first, *last; /* by address; @last while it is filled */
	struct pr_box *boxes;        /* all that are not free, in an array */
	size_t n_boxes, n_holes;
	bool changes;            /* something in it is marked */
	unsigned int digits;     /* of its addresses */
	int x, y, width, height; /* for who draws it */
};

/* What has no place to be drawn in. */
struct pr_missing {
	const struct pr_function *function;
	const struct pr_resource *resource; /* NULL: bus numbers */
	enum pr_mark mark;
};
struct pr_missings {
	struct pr_missing *entries;
	size_t n;
};

struct pr_side {
	const struct pr_topology *topology;
	struct pr_area *areas;        /* _PR_AREA_MAX for each host bridge */
	struct pr_missings *missings; /* one for each host bridge */
	struct pr_box **index;        /* by function, where they lie in memory, and resource */
	size_t n_index;
};
struct pr_scene {
	struct pr_arena *arena;
	const struct pr_picture_options *options;
	struct pr_side sides[2]; /* before, after */
	size_t n_sides;
};

/* 0 and a scene, or -ENOMEM. */
int pr_scene_make(const struct pr_topology *before, const struct pr_topology *after,
	const struct pr_picture_options *options, struct pr_scene **ret);
void pr_scene_free(struct pr_scene *s);

/* Next box of an area, what is inside of @box first; NULL at the end. */
struct pr_box *pr_box_next(const struct pr_box *box);
/* The same, but nothing that is inside of @box. */
struct pr_box *pr_box_past(const struct pr_box *box);
#define pr_area_for_each_box(box, area) \
	for (struct pr_box *box = (area)->first; box; box = pr_box_next(box))
/* Box of the same thing on the other side; NULL when there is none. */
struct pr_box *pr_scene_other(const struct pr_scene *s, size_t side, const struct pr_box *box);
const struct pr_area *pr_side_area(const struct pr_side *s, size_t root, enum pr_area_kind kind);
/* Neither side has anything to draw there, or nothing that differs from the other one. */
bool pr_scene_is_left_out(const struct pr_scene *s, size_t root, enum pr_area_kind kind);
/* There is something, it is the same on both sides, and nobody asked for it by name. */
bool pr_scene_is_unchanged(const struct pr_scene *s, size_t root, enum pr_area_kind kind);
/* Neither side has anything of that host bridge. */
bool pr_scene_root_is_empty(const struct pr_scene *s, size_t root);

/* ---- the steps of making one, in this order; each 0 or -ENOMEM ---- */

/* The boxes of all ranges of @root, each by itself. */
int pr_area_gather(struct pr_arena *arena, const struct pr_root *root, enum pr_area_kind kind,
	struct pr_area *ret);
/* Puts them into each other, and free boxes between them. */
int pr_area_nest(struct pr_arena *arena, struct pr_area *area);
/* What is at or below @focus matters, what is neither that nor around it is apart. */
void pr_area_focus(struct pr_area *area, const struct pr_function *const *focus, size_t n_focus);
/* Marks what differs between the two sides. */
int pr_scene_compare(struct pr_scene *s);
/* Keeps @boxes of them, all for SIZE_MAX, and puts REST in the place of others. */
int pr_area_reduce(struct pr_arena *arena, struct pr_area *area, size_t boxes);

/* ---- drawing ---- */

/* Called for each box in the order of addresses, @depth boxes around it; @leave after what is in it. */
struct pr_visitor {
	void (*enter)(void *userdata, struct pr_box *box, unsigned int depth);
	void (*leave)(
		void *userdata, struct pr_box *box, unsigned int depth); /* NULL: not called */
	void *userdata;
};
void pr_area_visit(const struct pr_area *area, const struct pr_visitor *v);

/* ---- words ---- */

/* Longest text that is made of a box, and its NUL. */
#define PR_LABEL_MAX 192
/* "00:1c.0 root port, memory window" */
void pr_box_label(const struct pr_box *box, const struct pr_area *area, char ret[PR_LABEL_MAX]);
/* "256 MiB", "17 buses" */
void pr_box_size(const struct pr_box *box, const struct pr_area *area, char ret[PR_LABEL_MAX]);
/* An address as wide as the area's are: "000f0000". */
void pr_area_address(const struct pr_area *area, uint64_t address, char ret[PR_LABEL_MAX]);
/* All that is known of a box of @side, a line each; not escaped. */
void pr_box_details(struct pr_text *t, const struct pr_scene *s, size_t side,
	const struct pr_box *box, const struct pr_area *area);
/* "memory below 4 GiB" */
const char *pr_area_name(enum pr_area_kind kind);
/* "01:00.0 BAR 2, 256 MiB of 64-bit memory, VGA controller" */
void pr_missing_label(const struct pr_missing *m, char ret[PR_LABEL_MAX]);
/* "host bridge 0000:00, 43 functions" */
void pr_root_label(const struct pr_root *root, char ret[PR_LABEL_MAX]);
/* "nothing changes in I/O ports" of what is left out for that; else "". */
void pr_scene_unchanged(const struct pr_scene *s, size_t root, char ret[PR_LABEL_MAX]);

/* What moving the owner of a box would disturb; FREE for what has no owner. */
enum pr_disruption pr_box_disruption(const struct pr_box *box, const struct pr_policy *policy);

/* ---- foreign text ---- */

/* Columns that @text takes; what pr_glyphs_add() would replace takes one. */
size_t pr_glyphs_width(const char *text);
/*
 * @text, cut to @columns with an ellipsis at its end; what is no character, or none that can be
 * shown, is replaced, beyond ASCII too unless @utf8.  @xml: with entities.
 */
struct pr_glyphs {
	size_t columns; /* SIZE_MAX: as long as it is */
	bool utf8, xml;
};
void pr_glyphs_add(struct pr_text *t, const struct pr_glyphs *g, const char *text);

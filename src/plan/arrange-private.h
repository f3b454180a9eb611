/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to arrange*.c: the question on one host bridge, and what has to be
 * packed where.  A window that stays and is open is a place of its own; every
 * other window is an item of the bus above.  Where prefetchable memory may go
 * to two windows of which one is an item, each way is a packing of its own.
 */
#pragma once

#include "plan/arrange.h"
#include "plan/pack.h"

/* Kinds of gaps; I/O has the first alone, and a host bridge too. */
#define GAP_PLAIN 1u
#define GAP_PREF  2u
#define GAP_ANY   (GAP_PLAIN | GAP_PREF)

/* One question on one host bridge. */
struct asking {
	const struct pr_arrange_question *q;
	const struct pr_root *root;
	/* by position: placed anew; a target; a target is below it */
	bool *moved, *wanted, *path;
	bool io;
	bool doubtful; /* a fact is missing: an arrangement found may not be one */
	bool loose;    /* more may be possible than is tried: a failure proves nothing */
};

struct piece {
	struct pr_pack_item item; /* first: the packer knows this alone */
	const struct pr_function *function;
	uint8_t index;
	struct piece *next; /* in the order of making */
};
struct pieces {
	struct pr_pack_item **items;
	size_t n, max;
};
/* What has to lie in the windows of a bridge that stays, or in the apertures. */
struct place {
	const struct pr_function *bridge; /* NULL: host bridge */
	struct pieces pieces;
	struct place *next;
};

enum build_mode {
	BUILD_CHOSEN = 0, /* prefetchable memory as the choices say */
	BUILD_FORCED,     /* what has a choice is left out: less is asked for */
	BUILD_LOOSE,      /* without the windows in between: less is asked for */
};
struct build {
	struct asking *a;
	struct pr_arena *arena;
	enum build_mode mode;
	uint64_t choices;       /* bit n: the n-th choice is not the usual one */
	unsigned int n_choices; /* met on the way */
	bool void_choice;       /* a choice about nothing: the same as without it */
	bool nested;            /* more than one place: LOOSE would mix them */
	struct place *places;
	struct piece *pieces;
};

/* ---- arrange-build.c ---- */

/* The highest bus that matters to @target: everything above it stays. */
const struct pr_function *arrange_top(const struct asking *a, const struct pr_function *target);
/* All that has to be placed on and below the bus under @top; 0 or -ENOMEM. */
int arrange_build(struct build *b, const struct pr_function *top);

/* ---- arrange-room.c ---- */

struct room {
	struct pr_pack_gap *gaps;
	size_t n_gaps;
};
bool arrange_window_fixed(
	const struct asking *a, const struct pr_function *bridge, unsigned int kind);
/* What is free under @bridge (NULL: host bridge); 0 or -ENOMEM. */
int arrange_room(struct asking *a, struct pr_arena *arena, const struct pr_function *bridge,
	struct room *ret);
/* Totals and blockers of the gaps that @p is about. */
int arrange_room_describe(const struct asking *a, struct pr_arena *arena,
	const struct pr_function *bridge, const struct pr_pack_proof *p,
	struct pr_certificate *ret);

/* ---- arrange-witness.c ---- */

/* Does what may move lie where an arrangement could put it?  0 or -ENOMEM. */
int arrange_witness(struct asking *a, const struct pr_function *top, bool *ret);

/* ---- arrange-bus.c ---- */

/* The same for bus numbers, for the targets that have none. */
int arrange_buses(struct asking *a, struct pr_arena *arena, struct pr_certificate *ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to pack*.c: items sorted into groups of equal ones, and the parts of
 * the proof.  In any arrangement read by address, each thing can be moved down
 * to the lowest place behind the one before it; so an arrangement is an order,
 * and of two orders of the same things the one that ends lower is as good.
 */
#pragma once

#include "plan/pack.h"

struct pack_shape;

/* Equal items: which of them comes first does not matter. */
struct pack_group {
	struct pack_shape **members;
	size_t n;
	size_t stride; /* in the number of a set of items: one more of this group */
};

#define PACK_CACHE 64

/* An item, and what is derived from it. */
struct pack_shape {
	struct pr_pack_item *item;
	uint64_t last;      /* of the item; of all in a window the same, */
	unsigned int kinds; /* since there they do not count */
	bool natural;       /* a block that is a power of two, aligned to its size */
	uint64_t min_size;  /* bytes: wherever it lies, it is not smaller */
	uint64_t period;    /* largest alignment in it: what repeats when it moves by this much */
	/* a window's content */
	struct pack_group *groups;
	size_t n_groups;
	bool all_natural;
	/* sizes computed, by place within the period; places are remembered plus one */
	uint64_t *cache_place, *cache_size;
};

struct pack_work {
	struct pr_arena *arena;
	uint64_t budget, tried;
	bool gave_up; /* some window may be larger than it has to be: a failure proves nothing */
	bool short_of_memory;
};

/* Where things may go. */
struct pack_room {
	const struct pr_pack_gap *gaps;
	size_t n_gaps;
};

/* Orders of groups, by dynamic programming over the sets of items placed so far. */
struct pack_chain {
	struct pack_group *groups;
	size_t n_groups;
	struct pack_room room;
	const struct pack_bound *bound; /* NULL: do not prune */
	size_t n_states;
	uint64_t *next; /* by set: lowest address above all of it; wraps to 0 at the very end */
	uint16_t *from; /* by set: group of the last item, plus one; 0: not reached */
};

/* ---- pack.c ---- */

/*
 * @items in groups: what may go to fewer places first, then the largest alignment; @inner: in a
 * window.  False when memory is short.
 */
bool pack_groups_make(struct pack_work *w, struct pr_pack_item *const *items, size_t n, bool inner,
	struct pack_group **ret, size_t *ret_n);

/* ---- pack-window.c ---- */

/* Lowest place of @s in @room. */
bool pack_fit(struct pack_work *w, struct pack_shape *s, const struct pr_range *room,
	struct pr_range *ret);
/* Writes the places of everything in the window @s, which lies at @at. */
void pack_settle(struct pack_work *w, struct pack_shape *s, const struct pr_range *at);

/* ---- pack-order.c ---- */

/* Sets up @c for its groups; false when there are too many sets for the budget. */
bool pack_chain_start(struct pack_work *w, struct pack_chain *c);
/* True when all can be placed. */
bool pack_chain_run(struct pack_work *w, struct pack_chain *c);
/* Writes the places of the order found. */
void pack_chain_settle(struct pack_work *w, const struct pack_chain *c);
/*
 * Upwards, always what leaves the smallest hole, of those the first group; true when all have a
 * place, which is written with @settle.  @ret_end: what they end below.
 */
bool pack_least_waste(struct pack_work *w, const struct pack_group *groups, size_t n_groups,
	const struct pack_room *room, bool settle, uint64_t *ret_end);
/* Largest first, each at its lowest place; writes the places when all have one. */
bool pack_first_fit(struct pack_work *w, const struct pack_group *groups, size_t n_groups,
	const struct pack_room *room);

/* ---- pack-bound.c ---- */

struct pack_bound;

/* NULL when memory is short. */
struct pack_bound *pack_bound_new(
	struct pack_work *w, const struct pr_pack *pack, struct pack_group *groups, size_t n);
/* Everything in all gaps: true when an inequality is violated. */
bool pack_bound_refutes(const struct pack_bound *b, struct pr_pack_proof *ret);
/* Demand and supply of volume, the scarcest class first. */
void pack_bound_volume(const struct pack_bound *b, struct pr_pack_proof *ret);
/* What is not in @set, at @next and above: true when an inequality is violated. */
bool pack_bound_prunes(const struct pack_bound *b, size_t set, uint64_t next);

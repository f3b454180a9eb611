/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exact packing: do these items fit into these gaps in any order at all?  An
 * item is a block of a size and an alignment, or a window: a block that holds
 * other items and is as large as they need where it lies.  Knows addresses
 * only; no kernel, no order of placement, no PCI.
 */
#pragma once

#include "pciroom/arena.h"
#include "pciroom/range.h"

/* Room between what cannot move. */
struct pr_pack_gap {
	struct pr_range range;
	unsigned int kind; /* one bit */
};

struct pr_pack_item {
	uint64_t size;      /* bytes; of a window: what it came to, written when it fits */
	uint64_t align;     /* bytes, a power of two; of a window: the unit of base and size */
	uint64_t last;      /* highest address that it may reach; UINT64_MAX: any */
	unsigned int kinds; /* gaps that take it */
	/* a window when not empty; `last` and `kinds` of what is in a window do not count */
	struct pr_pack_item *const *content;
	size_t n_content;
	uint64_t base; /* written when it fits */
};

enum pr_pack_answer {
	PR_PACK_FITS = 0,   /* base (and a window's size) of every item is written */
	PR_PACK_IMPOSSIBLE, /* proven; see the proof */
	PR_PACK_BUDGET,     /* neither found nor excluded within the budget */
};

/* What proves that nothing fits. */
enum pr_pack_reason {
	PR_PACK_VOLUME = 0, /* more bytes are wanted than there are */
	/* more aligned blocks of `unit` bytes are filled wherever things lie than there are */
	PR_PACK_BLOCKS,
	/* more things have to begin at multiples of `unit` than there are multiples */
	PR_PACK_STARTS,
	PR_PACK_EXHAUSTED, /* every order was tried: `tried` placements */
};
struct pr_pack_proof {
	enum pr_pack_reason reason;
	uint64_t unit;           /* bytes; 1 for VOLUME */
	uint64_t demand, supply; /* bytes, multiples of `unit`; of VOLUME for EXHAUSTED */
	unsigned int kinds;      /* the gaps that it is about, */
	uint64_t last;           /* up to this address */
	uint64_t tried;          /* placements computed, for every answer */
};

struct pr_pack {
	const struct pr_pack_gap *gaps; /* sorted by address, disjoint */
	size_t n_gaps;
	struct pr_pack_item *const *items;
	size_t n_items;
	/*
	 * placements that may be computed in the search for an order; 0: only the inequalities,
	 * and one try by descending alignment
	 */
	uint64_t budget;
};

/*
 * Positive enum pr_pack_answer, or -ENOMEM.  Deterministic.  @arena holds the
 * working memory.  Sizes add up to less than 2^62 (else PR_PACK_BUDGET, unless
 * the gaps are smaller still).  A block of one byte is not put at 2^64 - 1.
 */
int pr_pack_solve(struct pr_arena *arena, const struct pr_pack *pack, struct pr_pack_proof *ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrangements: could the targets get their addresses and bus numbers if what
 * may move is placed anew, in whatever order?  Independent of what a kernel
 * would do; so "no" holds for every sequence of removes and rescans, and "yes"
 * promises none.
 */
#pragma once

#include "plan/plan.h"

struct pr_arrange_question {
	const struct pr_topology *topology;
	const struct pr_policy *policy; /* its pins; the limit is @limit */
	const struct pr_kernel *kernel;
	const struct pr_function *const *targets;
	size_t n_targets;
	enum pr_tier tier;               /* how much of the targets must be met */
	const struct pr_bus_wish *buses; /* bus numbers asked for */
	size_t n_buses;
	/*
	 * What is placed anew: @exactly these subtrees, whatever they hold (none: what has no
	 * addresses only); or else every subtree without a function worse than @limit.  With
	 * PINNED as limit, everything that the hardware lets move.
	 */
	bool exactly;
	const struct pr_function *const *removed;
	size_t n_removed;
	enum pr_disruption limit;
	/* placements that may be computed; 0: inequalities only, which are quick */
	uint64_t budget;
};
#define PR_ARRANGE_BUDGET 20000

/*
 * What stays keeps its addresses and windows, as Linux leaves them (KERNEL 8,
 * 4); what is placed anew gets all that it had, with windows as its bridges
 * implement them; prefetchable memory may go to either kind of memory window.
 * For the search: NONE with @exactly is a proof that removing these subtrees,
 * with any rescans and in any order, cannot meet @tier.  NONE without it is
 * one for every set of subtrees that @limit allows; it is not given where what
 * may move lies outside of these rules to begin with.  Lists are allocated in
 * @arena.  0 or -ENOMEM.
 */
int pr_arrange(
	struct pr_arena *arena, const struct pr_arrange_question *q, struct pr_certificate *ret);
/* "host bridge 0000:00", "0000:00:1c.0": where a certificate is about. */
#define PR_PLACE_TEXT_MAX 40
const char *pr_place_text(const struct pr_certificate *c, char ret[PR_PLACE_TEXT_MAX]);

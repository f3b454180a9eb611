/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planning by trying everything: every set of subtrees that the kernel could
 * be made to enumerate again, wherever it lies.  As simple as can be, and
 * without a line of the search: it exists to catch it out.
 */
#pragma once

#include "pciroom/plan.h"

struct brute_answer {
	enum pr_verdict verdict;
	struct pr_cost cost; /* of a plan */
	size_t n_targets;    /* mended by it */
	bool closes;         /* windows, first */
	unsigned long n_simulated;
	char set[400]; /* what is removed, for people */
};
/*
 * @asked: it alone is to have all that it lacks; NULL: all that is dead is to be mended.
 * @ret: the least within the space that src/plan/search.c defines, the rules written down a second
 * time.  @ret_outer: the least of all sets, without any rule: where a rescan elsewhere happens to
 * be a second try, or makes the kernel forget what was in the way, it can be less.
 * False: more than @max simulations would be needed, or there are too many targets.
 */
bool brute_force(const struct pr_topology *t, const struct pr_policy *policy,
	const struct pr_function *asked, unsigned long max, struct brute_answer *ret,
	struct brute_answer *ret_outer);
/* Better is less: the order of verdicts that plans of several host bridges are joined by. */
size_t brute_rank(enum pr_verdict v);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing but the addresses of its VF BARs keeps a function with a driver from having virtual
 * functions: bus numbers are numbers.c's.  Where it has them, nothing moves.  Steps are not compared,
 * since enabling them is not part of any set.
 */
#include "virtual.h"

#include <stdio.h>

#include "brute-private.h"
#include "wild.h"
#include "../unit/machine.h"

/* Every fourth time it need not lack anything. */
static const struct pr_function *choose(
	const struct pr_topology *t, uint64_t seed, struct pr_vf_wish *ret)
{
	const struct pr_function *able[64], *f;
	size_t n = 0;

	pr_for_each_root (t, i) {
		for (size_t k = 0; k < t->roots[i]->n_functions && n < 64; k++) {
			f = &t->roots[i]->functions[k];
			if (f->caps->sriov.present == PR_YES &&
				(seed % 4 == 0 || brute_lacks(f, PR_TIER_ALL)))
				able[n++] = f;
		}
	}
	if (n == 0)
		return NULL;
	f = able[seed / 4 % n];
	ret->function = f->address;
	ret->vfs = 1 + (unsigned int)(seed / 4 / n % f->caps->sriov.total_vfs);
	return f;
}

/* False: too many sets. */
static bool answer(const struct pr_topology *t, const struct pr_function *f,
	const struct pr_policy *policy, struct brute_answer *ret, struct brute_answer *ret_outer)
{
	if (!brute_has_driver(f)) {
		*ret = *ret_outer = (struct brute_answer){ .verdict = PR_VERDICT_INFEASIBLE };
		return true;
	}
	if (!brute_force(t, policy, f, MAX_SIMULATIONS, ret, ret_outer))
		return false;
	if (ret->verdict == PR_VERDICT_NOTHING)
		*ret = *ret_outer = (struct brute_answer){ .verdict = PR_VERDICT_OK };
	return true;
}

static enum oracle_result compare(const struct wild *w, const struct pr_topology *t,
	const struct pr_function *f, const struct pr_vf_wish *wish, struct oracle_tally *tally,
	char *text, size_t size)
{
	const char *pin;
	const struct pr_policy policy = oracle_policy(w, &pin);
	const struct pr_request request = {
		.budget = UINT64_MAX, .no_numbers = true, .vfs = wish, .n_vfs = 1
	};
	char address[PR_ADDRESS_MAX], what[64];
	struct brute_answer a, outer;

	if (!answer(t, f, &policy, &a, &outer))
		return ORACLE_SKIPPED;
	pr_address_format(&wish->function, address);
	(void)snprintf(what, sizeof(what), "%s: %u virtual functions\n", address, wish->vfs);
	return oracle_ask(&(struct oracle_question){ w, t, &policy, &request, &a, &outer, what },
		tally, text, size);
}

enum oracle_result virtual_compare(
	uint64_t seed, struct oracle_tally *tally, char *text, size_t size)
{
	enum oracle_result result = ORACLE_SKIPPED;
	const struct pr_function *f;
	struct pr_vf_wish wish;
	struct pr_topology *t;
	struct wild w;

	if (!wild_make_virtual(&w, seed))
		return ORACLE_SKIPPED;
	t = machine_build(w.text);
	f = choose(t, seed, &wish);
	if (f)
		result = compare(&w, t, f, &wish, tally, text, size);
	pr_topology_free(t);
	return result;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who forbids a plan that would work: whoever pins a function that it would
 * take away.  Decides nothing.
 */
#include "plan/search.h"

const char *pr_vetoed(const struct pr_plan *plan)
{
	const struct pr_affected *first = NULL;
	char address[PR_ADDRESS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < plan->n_affected; i++) {
		if (plan->affected[i].disruption != PR_DISRUPTION_PINNED)
			continue;
		n++;
		if (!first)
			first = &plan->affected[i];
	}
	if (!first)
		return pr_arena_strdup(plan->arena, "a way was only found when pins did not count");

	pr_address_format(&first->function->address, address);
	if (n == 1)
		return pr_arena_printf(plan->arena,
			"%s would have to be taken away for a moment, and must not: %s", address,
			first->reason);
	return pr_arena_printf(plan->arena,
		"%s and %zu more would have to be taken away for a moment, and must not: %s",
		address, n - 1, first->reason);
}

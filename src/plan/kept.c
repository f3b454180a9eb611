/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a function has left after a hot-add elsewhere, in which Linux may rob it (KERNEL 1.9). */
#include "plan/plan.h"

bool pr_resource_kept(
	const struct pr_function *was, const struct pr_resource *r, const struct pr_function *is)
{
	const struct pr_resource *now = pr_function_resource(is, r->index);

	if (r->state != PR_RES_ASSIGNED)
		return true;
	return now->state == PR_RES_ASSIGNED && pr_range_equal(&r->range, &now->range) &&
	       (!pr_resource_forwarded(was, r) || pr_resource_forwarded(is, now));
}

bool pr_function_kept(const struct pr_function *was, const struct pr_function *is)
{
	for (size_t i = 0; i < was->n_resources; i++)
		if (!pr_resource_is_window(&was->resources[i]) &&
			!pr_resource_kept(was, &was->resources[i], is))
			return false;
	return !is->removed && is->no_bus == was->no_bus &&
	       (pr_bridge_broken(was) || !pr_bridge_broken(is));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the machine still the one that was planned on?  Private to the runner. */
#pragma once

#include "pciroom/exec.h"

/*
 * True, and @why, when @plan is not for @now: another layout, or the same one with a function that
 * has got another driver, or a user, since, and would cost more.
 */
bool pr_plan_is_stale(
	const struct pr_plan *plan, const struct pr_topology *now, char *why, size_t size);

/*
 * A function of @now that the plan knows nothing of: somebody has plugged it meanwhile.  NULL: there is
 * none.  What is found below a target is no surprise.
 */
const struct pr_function *pr_plan_newcomer(
	const struct pr_plan *plan, const struct pr_topology *now);

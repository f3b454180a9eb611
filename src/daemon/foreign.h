/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which hot-plug events a plan that is carried out makes itself. */
#pragma once

#include "pciroom/plan.h"

/*
 * Is the coming (@added) or going of @a explained by @plan, of which @begun steps have been begun?
 * Events come late and never early.
 */
bool pr_plan_expects(
	const struct pr_plan *plan, size_t begun, bool added, const struct pr_address *a);

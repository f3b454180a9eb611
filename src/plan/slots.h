/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to what is said of slots: how long it may take, and its parts. */
#pragma once

#include "pciroom/slots.h"
#include "plan/plan.h"

/*
 * How long one card or size is planned for, in host bridges simulated: what helps is tried early,
 * and a slot has dozens of sizes that do not fit.
 */
#define PR_SIMULATIONS_A_PLAN 24

/* ---- slot.c ---- */

/* Fills the largest cards of @kind for @slot of @all.  0 or -ENOMEM. */
int pr_slot_find_largest(struct pr_slots *all, const struct pr_policy *policy,
	const struct pr_kernel *kernel, struct pr_slot *slot, enum pr_card_kind kind);

/* ---- resizable.c ---- */

/* Fills @all->resizable for what @request names.  0 or -ENOMEM. */
int pr_slots_find_resizable(struct pr_slots *all, const struct pr_policy *policy,
	const struct pr_slots_request *request);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the independent check: what check.c, check-buses.c and check-reserve.c share.
 * Neither includes a header of the search.
 */
#pragma once

#include "plan/plan.h"

/* Whether @range may be written to a window of @bridge while everything else is at work. */
bool pr_may_open(const struct pr_plan *p, const struct pr_function *bridge, unsigned int window,
	const struct pr_range *range);
/* It is what the request asks for, at most twice, and may be opened. */
bool pr_is_asked_for(const struct pr_plan *p, const struct pr_function *bridge, unsigned int window,
	const struct pr_range *range);

/* A WRITE step of the registers that hold a bridge's bus numbers. */
bool pr_writes_numbers(const struct pr_step *step);
/*
 * The bus numbers that the steps write: each is written when nobody is below
 * any more, by a step that knows what was there; all that is on a bus in the
 * end shares it without overlap, inside of what the bridge above forwards;
 * the prediction has just these.  0 good, 1 not (@why), -ENOMEM.
 */
int pr_check_numbers(const struct pr_plan *p, struct pr_arena *arena, char *why, size_t size);

/* ---- check-sizes.c ---- */

/* @s writes the size of a Resizable BAR. */
bool pr_writes_size(const struct pr_plan *p, const struct pr_step *s);
/* A step lets the kernel resize a BAR of @f. */
bool pr_resized_in_place(const struct pr_plan *p, const struct pr_function *f);
/* 0 good, 1 not (@why, a sentence). */
int pr_check_sizes(
	const struct pr_plan *plan, const struct pr_policy *policy, char *why, size_t size);

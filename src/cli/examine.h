/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What doctor and report tell of a machine as it is. */
#pragma once

#include "cli/plan.h"
#include "cli/render.h"

struct pr_examination {
	struct pr_doctor *doctor;
	struct pr_disarm *disarms;
	struct pr_plan *plan;          /* NULL: none was asked for */
	struct pr_diagnosis diagnosis; /* of all these */
};

/*
 * The machine of @s, under the policy of @q; with @plan what mends all that is dead, or does what
 * @q asks for.  An enum pr_exit, told.
 */
int pr_examine(const struct pr_source *s, const struct pr_question *q, bool plan,
	struct pr_examination *ret);
void pr_examination_deinit(struct pr_examination *x);

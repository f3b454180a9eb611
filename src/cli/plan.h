/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Planning as the verbs explain, plan and apply share it. */
#pragma once

#include "cli/source.h"

/* Exit codes of answers. */
int pr_verdict_exit(enum pr_verdict v);

/* The question that was asked: devices and policy, resolved on a topology. */
struct pr_question {
	const struct pr_function **devices;
	size_t n_devices;
	char **pins, **movable;
	struct pr_policy policy;    /* with these pins */
	struct pr_address *targets; /* addresses of the devices */
	struct pr_bus_wish *buses;
	struct pr_reserve *reserves;
	struct pr_vf_wish *vfs;
	struct pr_resize *resizes;
	struct pr_request request;
};
/* An enum pr_exit, told. */
int pr_question_init(
	const struct pr_cli *cli, const struct pr_topology *t, struct pr_question *ret);
void pr_question_deinit(struct pr_question *q);
/* Adds what the options --reserve ask for to @q, which has all else.  An enum pr_exit, told. */
int pr_question_reserve(
	const struct pr_cli *cli, const struct pr_topology *t, struct pr_question *q);

/*
 * A verb that answers one question on one look: opens the machine, resolves what was asked and
 * calls @answer, whose exit code it hands on.
 */
int pr_question_answer(
	const struct pr_cli *cli, int (*answer)(const struct pr_cli *cli, const struct pr_source *s,
					  const struct pr_question *q));

/*
 * Plans, and verifies what the planner says.  With @remote the daemon has to
 * come to the same plan.  PR_EXIT_OK and a plan of any verdict, else told.
 */
int pr_question_plan(const struct pr_question *q, const struct pr_topology *t,
	struct pr_remote *remote, struct pr_plan **ret);

/* PR_EXIT_OK when @p, which @policy was given for, holds; else told: a fault of ours. */
int pr_plan_verify(struct pr_plan *p, const struct pr_policy *policy);

/* What new addresses change on the machine, if @p is for a machine that can be looked at. */
int pr_plan_look_around(const struct pr_source *s, struct pr_plan *p);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Examining a machine; prints nothing. */
#include "cli/examine.h"

static int examine(
	const struct pr_source *s, const struct pr_question *q, bool plan, struct pr_examination *x)
{
	int r = pr_doctor_make(s->topology, &x->doctor);

	if (r == 0)
		r = pr_disarms_make(x->doctor, &q->policy, &x->disarms);
	if (r < 0)
		return pr_cli_failed(r, "cannot examine the machine");
	return plan ? pr_question_plan(q, s->topology, s->remote, &x->plan) : PR_EXIT_OK;
}

int pr_examine(const struct pr_source *s, const struct pr_question *q, bool plan,
	struct pr_examination *ret)
{
	struct pr_examination x = { 0 };
	int r = examine(s, q, plan, &x);

	if (r != PR_EXIT_OK) {
		pr_examination_deinit(&x);
		return r;
	}
	x.diagnosis = (struct pr_diagnosis){ .topology = s->topology,
		.explanation = &x.doctor->explanation,
		.plan = x.plan,
		.notes = pr_source_notes(s),
		.disarms = x.disarms };
	*ret = x;
	return PR_EXIT_OK;
}

void pr_examination_deinit(struct pr_examination *x)
{
	pr_plan_free(x->plan);
	pr_disarms_free(x->doctor, x->disarms);
	pr_doctor_free(x->doctor);
	*x = (struct pr_examination){ 0 };
}

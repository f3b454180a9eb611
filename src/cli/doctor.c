/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb doctor: all that is wrong, or would be after a hot-add, with the plan that mends it. */
#include "cli/plan.h"

static bool print_findings(
	const struct pr_cli *cli, const struct pr_doctor *d, const struct pr_diagnosis *diagnosis)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (cli->json) {
		pr_json_init(&j, &t);
		pr_render_doctor_json(&j, d, diagnosis);
	} else {
		pr_render_doctor(&t, &cli->style, d, diagnosis);
	}
	return pr_cli_print(&t);
}

/* That a port is armed needs no plan: what is dead decides, and then what may become so. */
static int finding_exit(const struct pr_doctor *d, const struct pr_plan *p)
{
	const struct pr_explanation *e = &d->explanation;

	if (p->verdict != PR_VERDICT_NOTHING)
		return pr_verdict_exit(p->verdict);
	return d->n_armed + d->n_damage + e->n_shortages + e->n_disagreeing > 0 ? PR_EXIT_OK
										: PR_EXIT_NOTHING;
}

static int examine(const struct pr_cli *cli, const struct pr_source *s, const struct pr_question *q)
{
	struct pr_diagnosis diagnosis = { .topology = s->topology, .notes = pr_source_notes(s) };
	struct pr_disarm *disarms = NULL;
	struct pr_doctor *d;
	struct pr_plan *p;
	int r;

	r = pr_doctor_make(s->topology, &d);
	if (r < 0)
		return pr_cli_failed(r, "cannot examine the machine");
	r = pr_question_plan(q, s->topology, s->remote, &p);
	if (r == PR_EXIT_OK) {
		diagnosis.explanation = &d->explanation;
		diagnosis.plan = p;
		r = pr_disarms_make(d, &q->policy, &disarms);
		diagnosis.disarms = disarms;
		if (r < 0)
			r = pr_cli_failed(r, "cannot examine the machine");
		else
			r = print_findings(cli, d, &diagnosis) ? finding_exit(d, p) : PR_EXIT_ERROR;
		pr_disarms_free(d, disarms);
		pr_plan_free(p);
	}
	pr_doctor_free(d);
	return r;
}

int pr_verb_doctor(const struct pr_cli *cli)
{
	return pr_question_answer(cli, examine);
}

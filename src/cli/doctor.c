/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb doctor: all that is wrong, or would be after a hot-add, with the plan that mends it. */
#include <errno.h>
#include <stdlib.h>

#include "cli/plan.h"

static void free_disarms(const struct pr_doctor *d, struct pr_disarm *disarms)
{
	for (size_t i = 0; disarms && i < d->n_armed; i++)
		pr_disarm_deinit(&disarms[i]);
	free(disarms);
}

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

/* How each armed port would get its windows, within the policy; NULL when memory is short. */
static struct pr_disarm *find_disarms(const struct pr_doctor *d, const struct pr_policy *policy)
{
	struct pr_disarm *disarms = calloc(d->n_armed + 1, sizeof(*disarms));

	for (size_t i = 0; disarms && i < d->n_armed; i++) {
		if (pr_disarm_find(d->topology, d->armed[i].port, policy, &disarms[i]) < 0) {
			free_disarms(d, disarms);
			disarms = NULL;
		}
	}
	return disarms;
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
	struct pr_disarm *disarms;
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
		diagnosis.disarms = disarms = find_disarms(d, &q->policy);
		if (!disarms)
			r = pr_cli_failed(-ENOMEM, "cannot examine the machine");
		else
			r = print_findings(cli, d, &diagnosis) ? finding_exit(d, p) : PR_EXIT_ERROR;
		free_disarms(d, disarms);
		pr_plan_free(p);
	}
	pr_doctor_free(d);
	return r;
}

int pr_verb_doctor(const struct pr_cli *cli)
{
	return pr_question_answer(cli, examine);
}

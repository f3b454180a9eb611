/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb doctor: all that is wrong, or would be after a hot-add, with the plan that mends it. */
#include "cli/examine.h"

static bool print_findings(const struct pr_cli *cli, const struct pr_examination *x)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (cli->json) {
		pr_json_init(&j, &t);
		pr_render_doctor_json(&j, x->doctor, &x->diagnosis);
	} else {
		pr_render_doctor(&t, &cli->style, x->doctor, &x->diagnosis);
	}
	return pr_cli_print(&t);
}

/* That a port is armed needs no plan: what is dead decides, and then what may become so. */
static int finding_exit(const struct pr_doctor *d, const struct pr_plan *p)
{
	const struct pr_explanation *e = &d->explanation;

	if (p->verdict != PR_VERDICT_NOTHING)
		return pr_verdict_exit(p->verdict);
	return d->n_armed + e->n_damage + e->n_shortages + e->n_disagreeing > 0 ? PR_EXIT_OK
										: PR_EXIT_NOTHING;
}

static int examine(const struct pr_cli *cli, const struct pr_source *s, const struct pr_question *q)
{
	struct pr_examination x;
	int r = pr_examine(s, q, true, &x);

	if (r != PR_EXIT_OK)
		return r;
	r = print_findings(cli, &x) ? finding_exit(x.doctor, x.plan) : PR_EXIT_ERROR;
	pr_examination_deinit(&x);
	return r;
}

int pr_verb_doctor(const struct pr_cli *cli)
{
	return pr_question_answer(cli, examine);
}

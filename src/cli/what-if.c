/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb what-if: a machine with cards added and removed, perhaps under
 * another kernel, and what becomes of it.  Touches nothing.
 */
#include "cli/what-if.h"

#include "cli/changes.h"

static bool print_answer(const struct pr_cli *cli, const struct pr_what_if_answer *a)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (cli->json) {
		pr_json_init(&j, &t);
		pr_render_what_if_json(&j, a);
	} else {
		pr_render_what_if(&t, &cli->style, a);
	}
	return pr_cli_print(&t);
}

static int exit_of(const struct pr_cli *cli, const struct pr_what_if *w)
{
	if (pr_what_if_suffices(cli, w))
		return PR_EXIT_OK;
	return w->plan ? pr_verdict_exit(w->plan->verdict) : PR_EXIT_INFEASIBLE;
}

static int answer(
	const struct pr_changes *x, const struct pr_question *q, const struct pr_source *s)
{
	struct pr_what_if_answer a = {
		.additions = x->additions,
		.n_additions = x->n,
		.removed = x->cli->removed.name,
		.n_removed = x->cli->removed.n,
		.release = x->cli->kernel,
		.cmdline = x->cli->cmdline,
		.wishes = &q->request,
		.notes = pr_source_notes(s),
	};
	struct pr_what_if *w;
	int r = pr_changes_answer(x, q, &w);

	if (r != PR_EXIT_OK)
		return r;
	a.what_if = w;
	r = w->plan ? pr_plan_verify(w->plan, &q->policy) : PR_EXIT_OK;
	if (r == PR_EXIT_OK)
		r = print_answer(x->cli, &a) ? exit_of(x->cli, w) : PR_EXIT_ERROR;
	pr_what_if_free(w);
	return r;
}

/* What comes can be named by all other options, what was taken out cannot. */
static int ask(const struct pr_cli *cli, const struct pr_source *s)
{
	struct pr_question q = { 0 };
	struct pr_changes x;
	int r = pr_changes_make(cli, s->topology, cli->added.name, cli->added.n, &x);

	if (r != PR_EXIT_OK)
		return r;
	r = pr_question_init(cli, x.machine, &q);
	if (r == PR_EXIT_OK)
		r = answer(&x, &q, s);
	pr_question_deinit(&q);
	pr_changes_deinit(&x);
	return r;
}

int pr_verb_what_if(const struct pr_cli *cli)
{
	struct pr_source s;
	int r = pr_source_open(cli, false, &s);

	if (r != PR_EXIT_OK)
		return r;
	r = ask(cli, &s);
	pr_source_close(&s);
	return r;
}

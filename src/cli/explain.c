/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb explain: what is wrong, why, and whether it can be mended. */
#include <errno.h>

#include "base/macros.h"
#include "cli/plan.h"

/*
 * A plan for what is wrong with the named devices (for all that is dead when
 * none is named); NULL when there is nothing to plan for.
 */
static int plan_remedy(const struct pr_question *q, const struct pr_topology *t,
	const struct pr_explanation *e, struct pr_plan **ret)
{
	struct pr_address *targets;
	size_t n = 0;
	int r;

	*ret = NULL;
	if (e->n_shortages == 0 && e->n_no_bus == 0)
		return 0;

	targets = calloc(e->n_shortages + e->n_no_bus, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; q->n_devices > 0 && i < e->n_shortages; i++)
		if (i == 0 || e->shortages[i].function != e->shortages[i - 1].function)
			targets[n++] = e->shortages[i].function->address;
	for (size_t i = 0; q->n_devices > 0 && i < e->n_no_bus; i++)
		targets[n++] = e->no_bus[i]->address;

	r = pr_plan_make(
		t, &(struct pr_request){ .targets = targets, .n_targets = n }, &q->policy, ret);
	free(targets);
	return r;
}

static bool print_diagnosis(const struct pr_cli *cli, const struct pr_diagnosis *d)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (cli->json) {
		pr_json_init(&j, &t);
		pr_render_explain_json(&j, d);
	} else {
		pr_render_moved(&t, &cli->style, d->explanation);
		pr_render_explain(&t, &cli->style, d);
	}
	return pr_cli_print(&t);
}

static int explain(const struct pr_cli *cli, const struct pr_source *s, const struct pr_question *q)
{
	const struct pr_topology *t = s->topology;
	struct pr_arena *arena = pr_arena_new();
	struct pr_explanation e;
	struct pr_plan *p = NULL;
	bool printed;
	int r;

	r = arena ? pr_explain(t, q->devices, q->n_devices, arena, &e) : -ENOMEM;
	if (r == 0)
		r = plan_remedy(q, t, &e, &p);
	if (r < 0) {
		pr_arena_free(arena);
		return pr_cli_failed(r, "cannot explain");
	}

	printed = print_diagnosis(cli, &(struct pr_diagnosis){ .topology = t,
					       .explanation = &e,
					       .named = q->devices,
					       .n_named = q->n_devices,
					       .plan = p,
					       .notes = pr_source_notes(s) });
	pr_plan_free(p);
	pr_arena_free(arena);
	return printed ? PR_EXIT_OK : PR_EXIT_ERROR;
}

int pr_verb_explain(const struct pr_cli *cli)
{
	return pr_question_answer(cli, explain);
}

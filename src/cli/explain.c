/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb explain: what is wrong, why, and whether it can be mended. */
#include <errno.h>

#include "base/macros.h"
#include "cli/plan.h"

static bool add_shortages(
	struct pr_explanation *all, const struct pr_explanation *e, struct pr_arena *arena)
{
	struct pr_shortage *s =
		pr_new_array(arena, all->n_shortages + e->n_shortages, struct pr_shortage);
	size_t n = all->n_shortages;

	if (!s)
		return false;
	for (size_t i = 0; i < n; i++)
		s[i] = all->shortages[i];
	for (size_t i = 0; i < e->n_shortages; i++) {
		size_t k = 0;

		while (k < all->n_shortages && s[k].resource != e->shortages[i].resource)
			k++;
		if (k == all->n_shortages)
			s[n++] = e->shortages[i];
	}
	all->shortages = s;
	all->n_shortages = n;
	return true;
}

static bool add_damage(
	struct pr_explanation *all, const struct pr_explanation *e, struct pr_arena *arena)
{
	struct pr_damage *d = pr_new_array(arena, all->n_damage + e->n_damage, struct pr_damage);
	size_t n = all->n_damage;

	if (!d)
		return false;
	for (size_t i = 0; i < n; i++)
		d[i] = all->damage[i];
	for (size_t i = 0; i < e->n_damage; i++) {
		size_t k = 0;

		while (k < n && d[k].function != e->damage[i].function)
			k++;
		if (k == n)
			d[n++] = e->damage[i];
	}
	all->damage = d;
	all->n_damage = n;
	return true;
}

static bool add_functions(const struct pr_function *const **all, size_t *n_all,
	const struct pr_function *const *more, size_t n_more, struct pr_arena *arena)
{
	const struct pr_function **f =
		pr_new_array(arena, *n_all + n_more, const struct pr_function *);
	size_t n = *n_all;

	if (!f)
		return false;
	for (size_t i = 0; i < n; i++)
		f[i] = (*all)[i];
	for (size_t i = 0; i < n_more; i++) {
		size_t k = 0;

		while (k < n && f[k] != more[i])
			k++;
		if (k == n)
			f[n++] = more[i];
	}
	*all = f;
	*n_all = n;
	return true;
}

/* What is wrong at and below each of the devices, once; the whole machine when there are none. */
static int explain_all(const struct pr_question *q, const struct pr_topology *t,
	struct pr_arena *arena, struct pr_explanation *ret)
{
	struct pr_explanation all = { 0 }, e;
	int r;

	if (q->n_devices == 0)
		return pr_explain(t, NULL, arena, ret);

	for (size_t i = 0; i < q->n_devices; i++) {
		r = pr_explain(t, q->devices[i], arena, &e);
		if (r < 0)
			return r;
		if (!add_shortages(&all, &e, arena) || !add_damage(&all, &e, arena) ||
			!add_functions(&all.no_bus, &all.n_no_bus, e.no_bus, e.n_no_bus, arena) ||
			!add_functions(&all.disagreeing, &all.n_disagreeing, e.disagreeing,
				e.n_disagreeing, arena))
			return -ENOMEM;
		all.n_unseen += e.n_unseen;
	}

	*ret = all;
	return 0;
}

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

	r = arena ? explain_all(q, t, arena, &e) : -ENOMEM;
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A card that is taken away and comes back as another: an FPGA gets a new
 * design.  What is planned is the way there and back for the card as it is;
 * what it will ask for afterwards, nobody knows before.
 */
#include "plan/search.h"

#include <errno.h>

static bool is_in(const struct pr_unit *u, const struct pr_function *f)
{
	for (size_t i = 0; i < u->n_along; i++)
		if (u->along[i] == f)
			return true;
	return pr_unit_has(u, f);
}

/* The card of @f; false: it is none that can be removed by itself. */
static int find_card(struct pr_search *s, const struct pr_function *f, struct pr_move *ret)
{
	const struct pr_unit *card;
	struct pr_move m = { .root = f->root, .parent = f->parent };
	struct pr_unit *units;
	size_t n, at;
	int r;

	r = pr_units_make(s, s->arena, f->root, f->parent, &units, &n);
	if (r < 0)
		return r;
	at = pr_unit_of(units, n, f);
	if (at == n)
		return -ENOENT;
	card = &units[at];
	m.tops = pr_new_array(s->arena, card->n_tops + card->n_along, const struct pr_function *);
	if (!m.tops)
		return -ENOMEM;
	pr_for_each_child (top, f->parent ? f->parent->first_child : f->root->first_child)
		if (is_in(card, top))
			m.tops[m.n_tops++] = top;
	*ret = m;
	return 0;
}

/* False: somebody forbids it. */
static bool price(const struct pr_search *s, const struct pr_move *m, struct pr_cost *ret)
{
	bool allowed = true;

	for (size_t i = 0; i < m->n_tops; i++)
		for (const struct pr_function *f = m->tops[i]; f;
			f = pr_function_walk(f, m->tops[i])) {
			if (f->removed)
				continue;
			ret->removed++;
			allowed &= pr_cost_disturb(s, f, ret);
		}
	return allowed;
}

static enum pr_verdict judge(const struct pr_search *s, const struct pr_cost *cost, bool allowed)
{
	if (!allowed)
		return PR_VERDICT_VETOED;
	if ((cost->in_use > 0 && s->policy->limit < PR_DISRUPTION_IN_USE) ||
		(cost->restarted > 0 && s->policy->limit < PR_DISRUPTION_RESTART))
		return PR_VERDICT_TOO_DISRUPTIVE;
	return PR_VERDICT_OK;
}

/* The model has to know the way back. */
static int try_model(struct pr_search *s, const struct pr_candidate *c)
{
	struct pr_topology *after;
	struct pr_action *actions;
	struct pr_doubt doubt = { 0 };
	size_t n;
	int r;

	r = pr_candidate_actions(s->arena, c, &actions, &n);
	if (r == 0)
		r = pr_kernel_apply(s->kernel, s->topology, actions, n, &after, &doubt);
	if (r == 0)
		pr_topology_free(after);
	if (r > 0)
		s->doubt = pr_doubt_text(s->arena, &doubt);
	return r;
}

int pr_replug_choose(struct pr_search *s, const struct pr_function *f, struct pr_choice *ret)
{
	struct pr_choice choice = { .proven = true };
	struct pr_move *m = pr_new(s->arena, struct pr_move);
	bool allowed;
	int r;

	r = m ? find_card(s, f, m) : -ENOMEM;
	if (r == 0)
		r = pr_move_prepare(s, m);
	if (r < 0)
		return r;
	choice.candidate = (struct pr_candidate){ .moves = m, .n_moves = 1 };
	allowed = price(s, m, &choice.cost);
	choice.cost.steps = pr_candidate_n_steps(&choice.candidate, NULL, 0);
	choice.bound = choice.cost;
	r = try_model(s, &choice.candidate);
	choice.verdict = r > 0 ? PR_VERDICT_UNKNOWN : judge(s, &choice.cost, allowed);
	if (r < 0)
		return r;
	*ret = choice;
	return 0;
}

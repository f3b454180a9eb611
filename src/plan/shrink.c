/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans in which an idle device gives up room: where there is no plan without,
 * the Resizable BAR of a function that nobody drives or uses gets smaller, as
 * little as does it.  Only where the request allows it: its next driver finds
 * less than it could have had.
 */
#include "plan/search.h"

#include <errno.h>

struct shrinking {
	const struct pr_topology *topology;
	const struct pr_policy *policy;
	struct pr_request request; /* with targets by name */
	struct pr_plan *best;
};

static bool is_asked_for(const struct shrinking *s, const struct pr_function *f)
{
	for (size_t i = 0; i < s->request.n_targets; i++)
		if (pr_address_compare(&s->request.targets[i], &f->address) == 0)
			return true;
	return false;
}

static bool is_idle(const struct shrinking *s, const struct pr_function *f)
{
	return !f->removed && !f->facts->is_vf && !is_asked_for(s, f) &&
	       pr_policy_allows_sizes(s->policy, f) &&
	       pr_function_disruption(f, s->policy, NULL) == PR_DISRUPTION_FREE;
}

/* Takes the plan for @z when it costs less than the best so far; whether there was one. */
static int try_size(struct shrinking *s, const struct pr_resize *z, bool *ret_done)
{
	struct pr_plan *p;
	int r;

	s->request.resizes = z;
	s->request.n_resizes = 1;
	r = pr_plan_resize(s->topology, &s->request, s->policy, &p);
	if (r < 0)
		return r;
	*ret_done = p->verdict == PR_VERDICT_OK;
	if (!*ret_done || (s->best && pr_cost_compare(&p->cost, &s->best->cost) >= 0)) {
		pr_plan_free(p);
		return 0;
	}
	pr_plan_free(s->best);
	s->best = p;
	return 0;
}

static int try_bar(struct shrinking *s, const struct pr_function *f, const struct pr_resource *r)
{
	const struct pr_rebar_entry *e = pr_function_rebar(f, r);
	struct pr_resize z = { .function = f->address, .index = r->index };
	bool done = false;
	int k = 0;

	if (!e || r->index >= PR_ROM || r->state != PR_RES_ASSIGNED)
		return 0;
	for (unsigned int n = PR_REBAR_SIZES; n-- > 0 && !done && k == 0;) {
		if (!(e->sizes >> n & 1) || PR_REBAR_SIZE(n) >= r->size)
			continue;
		z.size = PR_REBAR_SIZE(n);
		k = try_size(s, &z, &done);
	}
	return k;
}

static int try_all(struct shrinking *s, const struct pr_root *root)
{
	int r = 0;

	for (size_t i = 0; i < root->n_functions && r == 0; i++) {
		const struct pr_function *f = &root->functions[i];

		for (unsigned int k = 0; k < f->n_resources && r == 0 && is_idle(s, f); k++)
			r = try_bar(s, f, &f->resources[k]);
	}
	return r;
}

/* What is wanted, by name: a request for sizes means nobody else. */
static int name_targets(struct shrinking *s, const struct pr_plan *p)
{
	struct pr_address *targets = pr_new_array(p->arena, p->n_targets, struct pr_address);

	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_targets; i++)
		targets[i] = p->targets[i]->address;
	s->request.targets = targets;
	s->request.n_targets = p->n_targets;
	return 0;
}

static bool has_target(const struct pr_plan *p, const struct pr_root *root)
{
	for (size_t i = 0; i < p->n_targets; i++)
		if (p->targets[i]->root == root)
			return true;
	return false;
}

int pr_plan_shrink(const struct pr_topology *t, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_plan **ret)
{
	struct shrinking s = { .topology = t, .policy = policy, .request = *request };
	struct pr_plan *p;
	int r;

	r = pr_plan_search(t, request, policy, &p);
	if (r < 0)
		return r;
	if (p->verdict == PR_VERDICT_OK || p->verdict == PR_VERDICT_NOTHING) {
		*ret = p;
		return 0;
	}
	s.request.brief = true;
	r = name_targets(&s, p);
	pr_for_each_root (t, i)
		if (r == 0 && has_target(p, t->roots[i]))
			r = try_all(&s, t->roots[i]);
	if (r < 0 || s.best)
		pr_plan_free(p);
	if (r < 0) {
		pr_plan_free(s.best);
		return r;
	}
	*ret = s.best ? s.best : p;
	return 0;
}

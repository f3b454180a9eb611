/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The choice among plans; see choose.h. */
#include "daemon/choose.h"

#include <errno.h>

#include "base/macros.h"

void pr_choice_deinit(struct pr_choice *c)
{
	pr_wish_deinit(&c->wish);
	pr_plan_free(c->plan);
	*c = (struct pr_choice){ 0 };
}

void pr_question_deinit(struct pr_question *q)
{
	pr_wish_deinit(&q->base);
	free(q->wanted);
	*q = (struct pr_question){ 0 };
}

/* Plans for @targets; none: for everything that is dead. */
static int plan_for(const struct pr_question *q, const struct pr_address *targets, size_t n,
	struct pr_choice *ret)
{
	int r = 0;

	ret->wish.limit = q->base.limit;
	for (size_t i = 0; r == 0 && i < q->base.n_pinned; i++)
		r = pr_wish_add_pinned(&ret->wish, q->base.pinned[i]);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = pr_wish_add_target(&ret->wish, &targets[i]);
	if (r == 0)
		r = pr_wish_plan(&ret->wish, q->topology, &ret->plan);
	if (r < 0)
		pr_choice_deinit(ret);
	return r;
}

static bool is_better(const struct pr_choice *a, const struct pr_choice *b)
{
	if (a->plan->verdict != PR_VERDICT_OK)
		return false;
	return b->plan->verdict != PR_VERDICT_OK ||
	       pr_cost_compare(&a->plan->cost, &b->plan->cost) < 0;
}

/* One device that cannot be helped must not keep the others dead: try them one by one. */
static int choose_single(const struct pr_question *q, struct pr_choice *best)
{
	struct pr_choice c;
	int r;

	for (size_t i = 0; i < q->n_wanted; i++) {
		c = (struct pr_choice){ 0 };
		r = plan_for(q, &q->wanted[i], 1, &c);
		if (r < 0)
			return r;
		if (is_better(&c, best)) {
			pr_choice_deinit(best);
			*best = c;
		} else {
			pr_choice_deinit(&c);
		}
	}
	return 0;
}

int pr_choose(const struct pr_question *q, struct pr_choice *ret)
{
	int r;

	/* without targets the planner also mends siblings that lost a BAR to the newcomer */
	r = plan_for(q, q->wanted, q->only_wanted ? q->n_wanted : 0, ret);
	if (r < 0 || ret->plan->verdict == PR_VERDICT_OK || q->n_wanted < 2)
		return r;
	r = choose_single(q, ret);
	if (r < 0)
		pr_choice_deinit(ret);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The choice among plans; see choose.h. */
#include "daemon/choose.h"

#include <errno.h>
#include <stdlib.h>

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
	free(q->lacks);
	*q = (struct pr_question){ 0 };
}

/* What every wish has, whatever it is for. */
static int begin_wish(const struct pr_question *q, struct pr_wish *w)
{
	int r = 0;

	w->limit = q->base.limit;
	for (size_t i = 0; r == 0 && i < q->base.n_pinned; i++)
		r = pr_wish_add_pinned(w, q->base.pinned[i]);
	for (size_t i = 0; r == 0 && i < q->base.n_slots; i++)
		r = pr_wish_add_slot(w, q->base.slots[i].slot, &q->base.slots[i]);
	return r;
}

static int ask_target(const struct pr_question *q, size_t nth, struct pr_wish *w)
{
	return pr_wish_add_target(w, &q->wanted[nth]);
}

static int ask_room(const struct pr_question *q, size_t nth, struct pr_wish *w)
{
	const struct pr_slot_lack *lack = &q->lacks[nth];
	int r = 0;

	for (size_t i = 0; r == 0 && i < lack->n_reserves; i++)
		r = pr_wish_add_reserve(w, &lack->reserves[i]);
	return r == 0 && lack->n_buses > 0 ? pr_wish_add_buses(w, &lack->buses) : r;
}

/* Has @w ask for the @nth of what the question is about. */
typedef int ask_fn(const struct pr_question *q, size_t nth, struct pr_wish *w);

/* Plans for @n of them, from @first on; none: for everything that is dead. */
static int plan_for(
	const struct pr_question *q, ask_fn *ask, size_t first, size_t n, struct pr_choice *ret)
{
	int r = begin_wish(q, &ret->wish);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = ask(q, first + i, &ret->wish);
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

/* One that cannot be helped must not keep the others from it: tries them one by one. */
static int choose_single(const struct pr_question *q, ask_fn *ask, size_t n, struct pr_choice *best)
{
	struct pr_choice c;
	int r;

	for (size_t i = 0; i < n; i++) {
		c = (struct pr_choice){ 0 };
		r = plan_for(q, ask, i, 1, &c);
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

/* @n of them at once, which may stand for everything; else the best of @n_single. */
static int choose(
	const struct pr_question *q, ask_fn *ask, size_t n, size_t n_single, struct pr_choice *ret)
{
	int r;

	r = plan_for(q, ask, 0, n, ret);
	if (r < 0 || ret->plan->verdict == PR_VERDICT_OK || n_single < 2)
		return r;
	r = choose_single(q, ask, n_single, ret);
	if (r < 0)
		pr_choice_deinit(ret);
	return r;
}

int pr_choose(const struct pr_question *q, struct pr_choice *ret)
{
	if (q->only_wanted && q->n_wanted == 0)
		return 0;
	/* without targets the planner also mends siblings that lost a BAR to the newcomer */
	return choose(q, ask_target, q->only_wanted ? q->n_wanted : 0, q->n_wanted, ret);
}

int pr_choose_room(const struct pr_question *q, struct pr_choice *ret)
{
	return q->n_lacks > 0 ? choose(q, ask_room, q->n_lacks, q->n_lacks, ret) : 0;
}

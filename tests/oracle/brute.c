/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All sets, and the best of them. */
#include "brute-private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- the best sets ---- */

static void keep_class(struct brute *b, const struct outcome *o, struct best *best)
{
	if (best->found && pr_cost_compare(&best->cost, &o->cost) <= 0)
		return;
	best->found = true;
	best->cost = o->cost;
	brute_name(b, best->set, sizeof(best->set));
}

static bool betters(
	const struct outcome *o, const struct best best[N_CLASSES][_PR_TIER_MAX], unsigned int tier)
{
	return !best[o->class][tier].found ||
	       pr_cost_compare(&o->cost, &best[o->class][tier].cost) < 0;
}

static void keep_tier(
	struct brute *b, const struct outcome *o, unsigned int subset, unsigned int tier)
{
	struct best(*inner)[_PR_TIER_MAX] = b->best[0][b->closes][subset];
	struct best(*outer)[_PR_TIER_MAX] = b->best[1][b->closes][subset];

	if (betters(o, outer, tier))
		for (unsigned int c = o->class; c < N_CLASSES; c++)
			keep_class(b, o, &outer[c][tier]);
	if (betters(o, inner, tier) && brute_in_space(b, subset, tier, o))
		for (unsigned int c = o->class; c < N_CLASSES; c++)
			keep_class(b, o, &inner[c][tier]);
}

static void keep(struct brute *b, const struct outcome *o)
{
	for (unsigned int subset = 1; subset < 1u << b->n_targets; subset++)
		for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++)
			if (brute_met(b, o, subset, tier))
				keep_tier(b, o, subset, tier);
}

static void try_set(struct brute *b)
{
	struct pr_action actions[MAX_ACTIONS];
	struct outcome o;

	b->n_simulated++;
	if (b->counting || brute_actions(b, actions) == 0)
		return;
	if (brute_simulate(b, &o) == 0)
		keep(b, &o);
}

/* ---- all sets ---- */

static bool same_card(const struct pr_function *a, const struct pr_function *b)
{
	return a->parent == b->parent && a->address.bus == b->address.bus &&
	       a->address.device == b->address.device;
}

/* An endpoint is removed with its whole card: the functions of a slot share what they are. */
static bool cards_whole(const struct brute *b)
{
	for (size_t i = 0; i < b->n; i++)
		for (size_t j = 0; b->top[i] && !b->order[i]->bridge && j < b->n; j++)
			if (same_card(b->order[i], b->order[j]) && !b->top[j] &&
				brute_on_bus(b->order[j], b->order[i]->parent))
				return false;
	return true;
}

static bool can_go(const struct brute *b, size_t i)
{
	if (b->order[i]->removed || b->order[i]->facts->is_vf)
		return false;
	for (size_t j = i; j < b->end[i]; j++)
		if (!pr_function_can_move(b->order[j]))
			return false;
	return true;
}

/* The set by itself, and with one or two buses that are only scanned. */
static void try_buses(struct brute *b, size_t first, unsigned int n_more)
{
	try_set(b);
	for (size_t i = first; b->rescan_may_help && n_more > 0 && i <= b->n; i++) {
		const struct pr_function *parent = i < b->n ? b->order[i] : NULL;

		if ((parent && (!parent->first_child || parent->bridge->secondary == 0 ||
				       brute_is_gone(b, parent))) ||
			brute_has_top(b, parent))
			continue;
		b->scan[i] = true;
		if (brute_scans_have_reason(b, (1u << b->n_targets) - 1))
			try_buses(b, i + 1, n_more - 1);
		b->scan[i] = false;
	}
}

static void try_from(struct brute *b, size_t i)
{
	if (b->n_simulated > b->max)
		return;
	if (i >= b->n) {
		if (cards_whole(b))
			try_buses(b, 0, b->n_targets > 1 ? 2 : 1);
		return;
	}
	try_from(b, i + 1);
	if (!can_go(b, i))
		return;
	b->top[i] = true;
	try_from(b, b->end[i]);
	b->top[i] = false;
}

/* ---- the answer ---- */

static bool disturbs_more(const struct pr_cost *a, const struct pr_cost *b)
{
	return a->in_use != b->in_use ? a->in_use > b->in_use : a->restarted > b->restarted;
}

/* What is mended, by how much may be disturbed: see the man page, "pciroom plan". */
static const struct best *choose(
	const struct brute *b, bool closes, unsigned int subset, unsigned int class)
{
	const struct best *best = b->best[b->outer][closes][subset][class];
	bool lost = false;

	if (b->asked)
		return best[PR_TIER_ALL].found ? &best[PR_TIER_ALL] : NULL;
	for (size_t i = 0; i < b->n_targets; i++)
		lost |= (subset & 1u << i) && brute_lacks(b->targets[i], PR_TIER_LOST);
	if (lost && !best[PR_TIER_LOST].found)
		return best[PR_TIER_MEMORY].found ? &best[PR_TIER_MEMORY] : NULL;
	if (best[PR_TIER_ALL].found &&
		(!lost || !disturbs_more(&best[PR_TIER_ALL].cost, &best[PR_TIER_LOST].cost)))
		return &best[PR_TIER_ALL];
	return lost ? &best[PR_TIER_LOST] : NULL;
}

/* One after the other, as long as all taken can be mended together. */
static unsigned int take_some(const struct brute *b, bool closes, unsigned int class)
{
	unsigned int taken = 0;

	for (size_t i = 0; i < b->n_targets; i++)
		if (choose(b, closes, taken | 1u << i, class))
			taken |= 1u << i;
	return taken;
}

/* All, or else some; either with windows closed only where it cannot be done without. */
static bool answer_class(const struct brute *b, unsigned int class, enum pr_verdict verdict,
	struct brute_answer *ret)
{
	const unsigned int all = (1u << b->n_targets) - 1;
	const unsigned int subsets[] = { all, all, take_some(b, false, class),
		take_some(b, true, class) };

	for (size_t i = 0; i < 4; i++) {
		const struct best *best = subsets[i] ? choose(b, i % 2, subsets[i], class) : NULL;

		if (!best)
			continue;
		ret->verdict = verdict;
		ret->cost = best->cost;
		ret->closes = i % 2;
		ret->n_targets = (size_t)__builtin_popcount(subsets[i]);
		(void)snprintf(ret->set, sizeof(ret->set), "%s", best->set);
		return true;
	}
	return false;
}

static void answer(const struct brute *b, struct brute_answer *ret)
{
	*ret = (struct brute_answer){ .n_simulated = b->n_simulated, .n_targets = b->n_targets };
	if (answer_class(b, b->policy->limit, PR_VERDICT_OK, ret) ||
		answer_class(b, PR_DISRUPTION_IN_USE, PR_VERDICT_TOO_DISRUPTIVE, ret) ||
		answer_class(b, PR_DISRUPTION_PINNED, PR_VERDICT_VETOED, ret))
		return;
	ret->verdict = b->doubt ? PR_VERDICT_UNKNOWN : PR_VERDICT_INFEASIBLE;
}

static void walk(struct brute *b, const struct pr_function *first)
{
	for (const struct pr_function *f = first; f; f = f->next) {
		size_t i = b->n++;

		assert(b->n <= MAX_FUNCTIONS);
		b->order[i] = f;
		walk(b, f->first_child);
		b->end[i] = b->n;
	}
}

/* This kernel takes the size of a window from its register (pbus_size_mem(), up to 6.12; x86). */
static bool may_close(const struct brute *b)
{
	const struct pr_machine *machine = &b->t->machine;

	return b->kernel.reads_windows && b->kernel.generation <= PR_GENERATION_6_12 &&
	       (!machine->lockdown || strcmp(machine->lockdown, "none") == 0);
}

static bool is_target(const struct brute *b, const struct pr_function *f)
{
	return b->asked ? f == b->asked && brute_lacks(f, PR_TIER_ALL)
			: brute_lacks(f, PR_TIER_LOST);
}

static bool force_root(struct brute *b, struct brute_answer *ret, struct brute_answer *ret_outer)
{
	unsigned long n;

	walk(b, b->root->first_child);
	for (size_t i = 0; i < b->root->n_functions; i++) {
		const struct pr_function *f = &b->root->functions[i];

		if (f->removed || !is_target(b, f))
			continue;
		if (b->n_targets == MAX_TARGETS)
			return false;
		b->targets[b->n_targets++] = f;
		for (size_t k = 0; k < f->n_resources; k++)
			b->rescan_may_help |= brute_wants(&f->resources[k]) &&
					      f->resources[k].state == PR_RES_UNASSIGNED;
	}
	if (b->n_targets == 0) {
		*ret = *ret_outer = (struct brute_answer){ .verdict = PR_VERDICT_NOTHING };
		return true;
	}
	b->counting = true;
	try_from(b, 0);
	if (b->n_simulated > b->max)
		return false;
	b->counting = false;
	b->n_simulated = 0;
	try_from(b, 0);
	if (may_close(b)) {
		n = b->n_simulated;
		b->closes = true;
		b->n_simulated = 0;
		try_from(b, 0);
		b->n_simulated += n;
	}
	answer(b, ret);
	b->outer = true;
	answer(b, ret_outer);
	return true;
}

/* Better is first; host bridges are planned by themselves, and plans of one kind joined. */
static const enum pr_verdict ranks[] = { PR_VERDICT_OK, PR_VERDICT_TOO_DISRUPTIVE,
	PR_VERDICT_VETOED, PR_VERDICT_UNKNOWN, PR_VERDICT_INFEASIBLE, PR_VERDICT_NOTHING };

size_t brute_rank(enum pr_verdict v)
{
	size_t i = 0;

	while (ranks[i] != v)
		i++;
	return i;
}

static void join(struct brute_answer *sum, const struct brute_answer *a)
{
	unsigned long n = sum->n_simulated + a->n_simulated;

	if (brute_rank(a->verdict) < brute_rank(sum->verdict)) {
		*sum = *a;
	} else if (a->verdict == sum->verdict) {
		sum->cost.in_use += a->cost.in_use;
		sum->cost.restarted += a->cost.restarted;
		sum->cost.renumbered += a->cost.renumbered;
		sum->cost.armed += a->cost.armed;
		sum->cost.removed += a->cost.removed;
		sum->cost.steps += a->cost.steps - 1;
		sum->n_targets += a->n_targets;
		sum->closes |= a->closes;
	}
	sum->n_simulated = n;
}

bool brute_force(const struct pr_topology *t, const struct pr_policy *policy,
	const struct pr_function *asked, unsigned long max, struct brute_answer *ret,
	struct brute_answer *ret_outer)
{
	struct brute_answer sum = { .verdict = PR_VERDICT_NOTHING }, outer = sum, a, o;
	static struct brute b; /* large; nothing is kept from call to call */

	pr_for_each_root (t, i) {
		memset(&b, 0, sizeof(b));
		b.t = t;
		b.root = t->roots[i];
		b.policy = policy;
		b.asked = asked;
		b.max = max;
		if (pr_kernel_select(&t->machine, &b.kernel) != 0)
			return false;
		b.kernel.unseen_is_empty = true; /* as in every plan */
		if (!force_root(&b, &a, &o))
			return false;
		join(&sum, &a);
		join(&outer, &o);
	}
	*ret = sum;
	*ret_outer = outer;
	return true;
}

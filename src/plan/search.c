/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search as a whole: host bridges by themselves, what has to be mended at
 * least, how much may be disturbed, and which of many targets when not all
 * can be mended.  One bus at a time is searched in bus.c.
 *
 * The space.  A candidate picks for each target one bus on its way up to the
 * host bridge.  There the branch that leads to the target is removed, or, if
 * the kernel still knows what the target lacks, only a rescan is done.  Any
 * other units of a bus picked (bridges with what is below them, whole cards)
 * may go along.  Buses are done one after the other, the deepest first.  What
 * is done below a bridge that stays is good by itself, unless the bus above
 * is scanned by it too or the bridge's windows may still open (bus.c).  Not
 * in the space: removing or scanning where no target is served.  Windows of
 * bridges that stay keep their addresses, so that could only help by a second
 * try, or by making the kernel forget what would else be in the way; neither
 * is to be counted on.  tests/oracle compares with all sets.
 *
 * Bus numbers.  Where a bridge has none, each candidate is also looked at
 * with numbers written for all that it removes (renumber.h).  Numbers decide
 * nothing else, so that the numbering which changes the fewest addresses is
 * the only one to try.
 *
 * Repair.  Where nothing is wrong but window registers that do not say what the
 * kernel's table does, writing them is a candidate too (mend.c).
 *
 * Steering.  On kernels that keep the sizes of windows, the same space once
 * more, with all memory windows of what is removed closed before (close.c):
 * only where no candidate does without, even where it would disturb less,
 * since registers are written and windows lose what firmware has reserved.
 *
 * The order.  Costs are compared by struct pr_cost; what only the simulation
 * shows (renumbered, armed, drivers that must let go) counts nothing before.
 * The search ends when nothing left can cost less than the best found.  Of
 * equals the first found stays: the deepest bus, what was likely to do it
 * first, then by cost and place on the bus.
 */
#include "plan/search.h"

#include <errno.h>
#include <limits.h>

static const struct pr_cost no_limit = { UINT_MAX, UINT_MAX, UINT_MAX, UINT_MAX, UINT_MAX,
	UINT_MAX };

int pr_cost_compare(const struct pr_cost *a, const struct pr_cost *b)
{
	const unsigned int pairs[][2] = {
		{ a->in_use, b->in_use },
		{ a->restarted, b->restarted },
		{ a->renumbered, b->renumbered },
		{ a->armed, b->armed },
		{ a->removed, b->removed },
		{ a->steps, b->steps },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i][0] != pairs[i][1])
			return pairs[i][0] < pairs[i][1] ? -1 : 1;
	return 0;
}

/* ---- one host bridge, one tier ---- */

bool pr_wants_numbers(
	const struct pr_search *s, const struct pr_function *f, const struct pr_function *then)
{
	return pr_wished_numbers(s->buses, s->n_buses, f) > pr_numbers_of(then ? then : f);
}

bool pr_wants_reserve(
	const struct pr_search *s, const struct pr_function *f, const struct pr_function *then)
{
	return pr_missing_reserve(s->reserves, s->n_reserves, f, then ? then : f) != NULL;
}

bool pr_target_needs(const struct pr_search *s, const struct pr_function *f, enum pr_tier tier)
{
	return pr_function_needs(f, tier) || pr_wants_numbers(s, f, NULL) ||
	       pr_wants_reserve(s, f, NULL);
}

static int filter_targets(struct pr_search *s, const struct pr_targets *targets, enum pr_tier tier,
	struct pr_targets *ret)
{
	struct pr_targets some = { 0 };

	some.functions = pr_new_array(s->arena, targets->n, const struct pr_function *);
	if (!some.functions)
		return -ENOMEM;
	for (size_t i = 0; i < targets->n; i++)
		if (pr_target_needs(s, targets->functions[i], tier))
			some.functions[some.n++] = targets->functions[i];
	*ret = some;
	return 0;
}

/* Least candidate below @upper; first a good one soon, then the proof that none is better. */
static int solve_tier(struct pr_search *s, const struct pr_targets *targets, enum pr_tier tier,
	const struct pr_cost *upper, struct pr_solution *ret)
{
	struct pr_targets some;
	struct pr_bus_task task = {
		.root = targets->functions[0]->root, .targets = &some, .tier = tier, .dive = true
	};
	struct pr_solution better;
	int r;

	*ret = (struct pr_solution){ 0 };
	r = filter_targets(s, targets, tier, &some);
	if (r < 0 || some.n == 0)
		return r; /* a tier that asks for nothing is not met by doing nothing */
	task.upper = *upper;
	r = pr_bus_solve(s, &task, ret);
	if (r == 0) {
		task.dive = false;
		task.upper = ret->found ? ret->cost : *upper;
		r = pr_bus_solve(s, &task, &better);
	}
	if (r == 0 && better.found)
		*ret = better;
	return r;
}

bool pr_targets_ask(const struct pr_search *s, const struct pr_targets *targets, enum pr_tier tier)
{
	for (size_t i = 0; i < targets->n; i++)
		if (pr_target_needs(s, targets->functions[i], tier))
			return true;
	return false;
}

/*
 * More mended is better, but what was never there (an I/O BAR of a new card)
 * is not worth the restart of a driver.
 */
static int solve_all(struct pr_search *s, const struct pr_targets *targets,
	const struct pr_cost *upper, struct pr_solution *ret)
{
	struct pr_solution lost = { 0 }, all;
	struct pr_cost as_much = *upper;
	int r;

	if (!s->everything && pr_targets_ask(s, targets, PR_TIER_LOST)) {
		r = solve_tier(s, targets, PR_TIER_LOST, upper, &lost);
		if (r < 0)
			return r;
		if (!lost.found)
			return solve_tier(s, targets, PR_TIER_MEMORY, upper, ret);
		as_much = (struct pr_cost){ .in_use = lost.cost.in_use,
			.restarted = lost.cost.restarted + 1 };
	}
	r = solve_tier(s, targets, PR_TIER_ALL, &as_much, &all);
	*ret = all.found ? all : lost;
	return r;
}

/* ---- how much may be disturbed ---- */

/* The least cost that is too much. */
static struct pr_cost upper_of(enum pr_disruption limit)
{
	if (limit >= PR_DISRUPTION_IN_USE)
		return no_limit;
	if (limit == PR_DISRUPTION_RESTART)
		return (struct pr_cost){ .in_use = 1 };
	return (struct pr_cost){ .restarted = 1 };
}

static void take(struct pr_choice *choice, enum pr_verdict verdict,
	const struct pr_targets *targets, const struct pr_solution *found)
{
	choice->verdict = verdict;
	choice->targets = *targets;
	choice->candidate = found->candidate;
	choice->cost = found->cost;
}

static bool any_unsized(const struct pr_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++)
		if (pr_function_unsized(targets->functions[i]))
			return true;
	return false;
}

/* Where only registers are wrong: better than @found, or what it has not found. */
static int mend(struct pr_search *s, const struct pr_targets *targets, const struct pr_cost *upper,
	struct pr_solution *found)
{
	struct pr_solution mended = { .found = true };
	struct pr_trial trial;
	int r;

	r = pr_mend_make(s, targets, &mended.candidate);
	if (r != 0)
		return r < 0 ? r : 0;
	r = pr_trial_run(s, &mended.candidate, targets, &trial);
	mended.cost = trial.cost;
	if (r == 0 && trial.met[PR_TIER_ALL] &&
		pr_cost_compare(&mended.cost, found->found ? &found->cost : upper) < 0)
		*found = mended;
	return r;
}

/* One try at all of @targets with what @verdict stands for; the verdict stays when it fails. */
static int try_all(struct pr_search *s, const struct pr_targets *targets, enum pr_verdict verdict,
	struct pr_choice *choice)
{
	const bool cut = s->cut;
	struct pr_cost upper =
		upper_of(verdict == PR_VERDICT_OK ? s->policy->limit : PR_DISRUPTION_IN_USE);
	struct pr_solution found;
	int r;

	if (any_unsized(targets))
		return 0;
	s->ignores_vetoes = verdict == PR_VERDICT_VETOED;
	if (s->ignores_vetoes)
		s->memo = NULL; /* prices are other ones */
	s->cut = false;
	r = solve_all(s, targets, &upper, &found);
	if (r == 0)
		r = mend(s, targets, &upper, &found);
	s->ignores_vetoes = false;
	if (r == 0 && found.found) {
		take(choice, verdict, targets, &found);
		choice->proven = !s->cut && !cut;
		choice->bound = s->cut ? s->bound : found.cost;
	}
	s->cut |= cut;
	return r;
}

/*
 * Some cannot be mended, and must not keep the others from it: takes one
 * after the other as long as all taken can be mended together.
 */
static int try_some(struct pr_search *s, const struct pr_targets *targets, enum pr_verdict verdict,
	struct pr_choice *choice)
{
	struct pr_targets taken = { 0 };
	int r;

	for (size_t i = 0; i < targets->n; i++) {
		struct pr_targets more = { .n = taken.n + 1 };
		struct pr_choice one = { .verdict = PR_VERDICT_INFEASIBLE };

		more.functions = pr_new_array(s->arena, more.n, const struct pr_function *);
		if (!more.functions)
			return -ENOMEM;
		for (size_t j = 0; j < taken.n; j++)
			more.functions[j] = taken.functions[j];
		more.functions[taken.n] = targets->functions[i];

		r = try_all(s, &more, verdict, &one);
		if (r < 0)
			return r;
		if (one.verdict != verdict)
			continue;
		taken = more;
		*choice = one;
	}
	return 0;
}

/* What is tried, in this order, until one does it. */
static bool is_tried(const struct pr_search *s, enum pr_verdict verdict)
{
	switch (verdict) {
	case PR_VERDICT_OK:
		return true;
	case PR_VERDICT_VETOED:
		return !s->brief;
	case PR_VERDICT_TOO_DISRUPTIVE:
		return !s->brief && s->policy->limit < PR_DISRUPTION_IN_USE;
	case PR_VERDICT_NOTHING:
	case PR_VERDICT_INFEASIBLE:
	case PR_VERDICT_UNKNOWN:
	case _PR_VERDICT_MAX:
		break;
	}
	return false;
}

typedef int try_fn(struct pr_search *s, const struct pr_targets *targets, enum pr_verdict verdict,
	struct pr_choice *choice);

/* @try, and where it does not do it, the same with windows closed first. */
static int steer(struct pr_search *s, const struct pr_targets *targets, enum pr_verdict verdict,
	struct pr_choice *choice, try_fn *try)
{
	struct pr_cost left_out;
	uint64_t spent;
	int r;

	r = try(s, targets, verdict, choice);
	if (r < 0 || choice->verdict == verdict || !pr_closing_helps(s))
		return r;

	left_out = s->cut ? s->bound : no_limit;
	spent = s->spent;
	s->spent = 0;
	s->closes = true;
	r = try(s, targets, verdict, choice);
	s->closes = false;
	s->spent = spent;
	if (r == 0 && choice->verdict == verdict && pr_cost_compare(&left_out, &choice->bound) < 0)
		choice->bound = left_out;
	return r;
}

static int try_way(struct pr_search *s, const struct pr_targets *targets, bool partly,
	enum pr_verdict verdict, struct pr_choice *choice);

/* A window that begins anywhere holds an aligned block when it is almost twice as large. */
static int try_roomy(struct pr_search *s, const struct pr_targets *targets, bool partly,
	enum pr_verdict verdict, struct pr_choice *choice)
{
	int r;

	s->roomy = true;
	s->memo = NULL;
	r = try_way(s, targets, partly, verdict, choice);
	s->roomy = false;
	s->memo = NULL;
	return r;
}

/* As many as asked for, with what @verdict stands for. */
static int try_way(struct pr_search *s, const struct pr_targets *targets, bool partly,
	enum pr_verdict verdict, struct pr_choice *choice)
{
	int r;

	s->spent = 0;
	r = steer(s, targets, verdict, choice, try_all);
	if (r == 0 && choice->verdict != verdict && partly && targets->n > 1)
		r = steer(s, targets, verdict, choice, try_some);
	if (r == 0 && choice->verdict != verdict && s->n_reserves > 0 && !s->roomy)
		r = try_roomy(s, targets, partly, verdict, choice);
	return r;
}

/* @a is what was tried for. */
static bool is_better(const struct pr_choice *a, const struct pr_choice *b)
{
	if (a->verdict != b->verdict)
		return true;
	if (a->targets.n != b->targets.n)
		return a->targets.n > b->targets.n;
	return pr_cost_compare(&a->cost, &b->cost) < 0;
}

/* The same with bus numbers written; of two that cost the same, the one without. */
static int try_numbers(struct pr_search *s, const struct pr_targets *targets, bool partly,
	enum pr_verdict verdict, struct pr_choice *choice)
{
	struct pr_choice other = { .targets = *targets, .verdict = PR_VERDICT_INFEASIBLE };
	int r;

	s->renumbers = true;
	s->memo = NULL;
	r = try_way(s, targets, partly, verdict, &other);
	s->renumbers = false;
	s->memo = NULL;
	if (r < 0 || other.verdict != verdict || !is_better(&other, choice))
		return r;
	other.proven &= choice->verdict != verdict || choice->proven;
	*choice = other;
	return 0;
}

/* Does a plan fail only because the kernel lets nobody write registers? */
static int find_lock(struct pr_search *s, const struct pr_targets *targets, bool partly)
{
	struct pr_choice choice = { .targets = *targets, .verdict = PR_VERDICT_INFEASIBLE };
	int r;

	r = try_numbers(s, targets, partly, PR_VERDICT_VETOED, &choice);
	s->locked_out |= choice.verdict == PR_VERDICT_VETOED;
	return r;
}

/* All below one host bridge. */
static int choose(
	struct pr_search *s, const struct pr_targets *targets, bool partly, struct pr_choice *ret)
{
	static const enum pr_verdict order[] = { PR_VERDICT_OK, PR_VERDICT_TOO_DISRUPTIVE,
		PR_VERDICT_VETOED };
	const bool lacks = !s->no_writes && !s->no_numbers && pr_lacks_any_numbers(s, targets);
	const bool writes = pr_registers_writable(&s->topology->machine);
	struct pr_choice choice = { .targets = *targets, .verdict = PR_VERDICT_INFEASIBLE };
	int r = 0;

	s->memo = NULL;
	s->cut = false;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!is_tried(s, order[i]))
			continue;
		if (!(lacks && writes && pr_wants_exact_numbers(s, targets)))
			r = try_way(s, targets, partly, order[i], &choice);
		if (r == 0 && lacks && writes)
			r = try_numbers(s, targets, partly, order[i], &choice);
		if (r < 0)
			return r;
		if (choice.verdict == order[i]) {
			*ret = choice;
			return 0;
		}
	}
	r = lacks && !writes ? find_lock(s, targets, partly) : 0;
	if (r < 0)
		return r;
	/* that a plan would write registers is an answer; what is in doubt without it is no plan */
	if (any_unsized(targets) || (s->doubt && !s->locked_out))
		choice.verdict = PR_VERDICT_UNKNOWN;
	choice.proven = !s->cut && !(s->doubt && s->locked_out);
	*ret = choice;
	return 0;
}

/* ---- several host bridges ---- */

/* What stands for the whole: with @partly the best of it, else the worst. */
static unsigned int rank(enum pr_verdict v, bool partly)
{
	static const unsigned int ranks[_PR_VERDICT_MAX] = {
		[PR_VERDICT_OK] = 4,
		[PR_VERDICT_TOO_DISRUPTIVE] = 3,
		[PR_VERDICT_VETOED] = 2,
		[PR_VERDICT_UNKNOWN] = 1,
		[PR_VERDICT_INFEASIBLE] = 0,
	};

	return partly ? ranks[v] : _PR_VERDICT_MAX - ranks[v];
}

static void add_cost(struct pr_cost *sum, const struct pr_cost *cost)
{
	pr_cost_add(sum, cost);
	if (sum->steps > cost->steps)
		sum->steps--; /* one expectation for all */
}

static int append(struct pr_search *s, struct pr_choice *sum, const struct pr_choice *c)
{
	size_t n_moves = sum->candidate.n_moves + c->candidate.n_moves, n = 0;
	size_t n_targets = sum->targets.n + c->targets.n;
	struct pr_move *moves = pr_new_array(s->arena, n_moves, struct pr_move);
	const struct pr_function **functions =
		pr_new_array(s->arena, n_targets, const struct pr_function *);

	if (!moves || !functions)
		return -ENOMEM;
	for (size_t i = 0; i < sum->candidate.n_moves; i++)
		moves[n++] = sum->candidate.moves[i];
	for (size_t i = 0; i < c->candidate.n_moves; i++)
		moves[n++] = c->candidate.moves[i];
	for (size_t i = 0; i < n_targets; i++)
		functions[i] = i < sum->targets.n ? sum->targets.functions[i]
						  : c->targets.functions[i - sum->targets.n];
	sum->candidate = (struct pr_candidate){ .moves = moves, .n_moves = n };
	sum->targets = (struct pr_targets){ .functions = functions, .n = n_targets };
	add_cost(&sum->cost, &c->cost);
	add_cost(&sum->bound, &c->bound);
	sum->proven &= c->proven;
	return 0;
}

/* Targets of the host bridge of the first one; what is left in @rest. */
static size_t one_root(const struct pr_targets *targets, struct pr_targets *rest)
{
	size_t n = 0;

	while (n < targets->n && targets->functions[n]->root == targets->functions[0]->root)
		n++;
	*rest = (struct pr_targets){ targets->functions + n, targets->n - n };
	return n;
}

static size_t count_roots(const struct pr_targets *targets)
{
	struct pr_targets rest = *targets;
	size_t n = 0;

	for (; rest.n > 0; n++)
		(void)one_root(&rest, &rest);
	return n;
}

static bool is_plan(enum pr_verdict v)
{
	return v == PR_VERDICT_OK || v == PR_VERDICT_TOO_DISRUPTIVE || v == PR_VERDICT_VETOED;
}

/* The verdict of the whole, and every part of it that belongs to that. */
static int combine(struct pr_search *s, const struct pr_choice *parts, size_t n,
	const struct pr_targets *targets, bool partly, struct pr_choice *ret)
{
	struct pr_choice sum = { .verdict = parts[0].verdict, .proven = true };
	int r = 0;

	for (size_t i = 1; i < n; i++)
		if (rank(parts[i].verdict, partly) > rank(sum.verdict, partly))
			sum.verdict = parts[i].verdict;
	if (!is_plan(sum.verdict)) {
		sum.targets = *targets;
		for (size_t i = 0; i < n; i++)
			sum.proven &= parts[i].proven || is_plan(parts[i].verdict);
		*ret = sum;
		return 0;
	}
	for (size_t i = 0; i < n && r == 0; i++)
		if (!partly || parts[i].verdict == sum.verdict)
			r = append(s, &sum, &parts[i]);
	*ret = sum;
	return r;
}

int pr_search_run(
	struct pr_search *s, const struct pr_targets *targets, bool partly, struct pr_choice *ret)
{
	size_t n = count_roots(targets);
	struct pr_choice *parts = pr_new_array(s->arena, n, struct pr_choice);
	struct pr_targets rest = *targets;
	int r;

	if (!parts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct pr_targets some = { .functions = rest.functions };

		some.n = one_root(&rest, &rest);
		r = choose(s, &some, partly, &parts[i]);
		if (r < 0)
			return r;
	}
	return combine(s, parts, n, targets, partly, ret);
}

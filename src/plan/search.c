/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search: simulate candidates, keep the least good one.  Branches of the
 * tree with targets of their own are solved apart and joined, and compared
 * with what mends them together.  Knows nothing of steps and sentences.
 */
#include "plan/search.h"

#include <errno.h>
#include <stdio.h>

/* The least good candidate so far, by how much it mends. */
struct best {
	bool found;
	struct pr_candidate candidate;
	struct pr_cost cost;
};

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

/* ---- one candidate ---- */

static int grow_attempts(struct pr_search *s)
{
	size_t max = s->max_attempts ? 2 * s->max_attempts : 16;
	struct pr_attempt *grown = pr_new_array(s->arena, max, struct pr_attempt);

	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_attempts; i++)
		grown[i] = s->attempts[i];
	s->attempts = grown;
	s->max_attempts = max;
	return 0;
}

static size_t count_tops(const struct pr_candidate *c, const struct pr_function **ret_first)
{
	size_t n = 0;

	for (size_t i = c->n_moves; i-- > 0;) {
		n += c->moves[i].n_tops;
		if (c->moves[i].n_tops > 0)
			*ret_first = c->moves[i].tops[0];
	}
	return n;
}

/* Lists a candidate that removes something; @why NULL: it is good. */
static int note_attempt(struct pr_search *s, const struct pr_candidate *c, const char *why)
{
	const struct pr_function *top = NULL;
	size_t n = count_tops(c, &top);
	struct pr_attempt *a;
	int r;

	if (s->quiet || n == 0)
		return 0;
	r = s->n_attempts == s->max_attempts ? grow_attempts(s) : 0;
	if (r < 0)
		return r;

	a = &s->attempts[s->n_attempts++];
	*a = (struct pr_attempt){ .top = top, .good = why == NULL };
	if (!why)
		return 0;
	a->why = n == 1 ? pr_arena_strdup(s->arena, why)
			: pr_arena_printf(s->arena, "together with %zu other%s: %s", n - 1,
				  n == 2 ? "" : "s", why);
	return a->why ? 0 : -ENOMEM;
}

static void add_class(struct pr_cost *cost, enum pr_disruption d)
{
	cost->in_use += d == PR_DISRUPTION_IN_USE;
	cost->restarted += d == PR_DISRUPTION_RESTART;
}

/* Cost as far as it is known before the simulation; false when something in it is pinned. */
static bool price(const struct pr_search *s, const struct pr_candidate *c, struct pr_cost *ret,
	const struct pr_function **ret_pinned, const char **ret_reason)
{
	struct pr_cost cost = { .steps = pr_candidate_n_steps(c, NULL, 0) };

	for (size_t i = 0; i < c->n_moves; i++) {
		for (size_t j = 0; j < c->moves[i].n_tops; j++) {
			const struct pr_function *top = c->moves[i].tops[j];

			for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
				enum pr_disruption d =
					pr_function_disruption(f, s->policy, ret_reason);

				*ret_pinned = f;
				if (d == PR_DISRUPTION_PINNED)
					return false;
				add_class(&cost, d);
				cost.removed++;
			}
		}
	}
	*ret = cost;
	return true;
}

/* Adds what only the prediction shows. */
static bool price_prediction(const struct pr_search *s, const struct pr_candidate *c,
	const struct pr_judgement *j, struct pr_cost *cost)
{
	for (size_t i = 0; i < j->n_rescued; i++) {
		enum pr_disruption d = pr_function_disruption(j->rescued[i], s->policy, NULL);

		if (d == PR_DISRUPTION_PINNED)
			return false;
		add_class(cost, d);
	}
	cost->renumbered = j->renumbered;
	cost->armed = j->armed;
	cost->steps = pr_candidate_n_steps(c, j->rescued, j->n_rescued);
	return true;
}

static void say_doubt(const struct pr_doubt *doubt, char *ret, size_t size)
{
	char address[PR_ADDRESS_MAX];

	if (!doubt->function) {
		(void)snprintf(ret, size, "%s", doubt->text);
		return;
	}
	pr_address_format(&doubt->function->address, address);
	(void)snprintf(ret, size, "%s: %s", address, doubt->text);
}

/* 0, 1 when the model cannot know (the attempt says what), negative errno. */
static int simulate(struct pr_search *s, const struct pr_candidate *c,
	const struct pr_targets *targets, struct pr_judgement *ret)
{
	struct pr_topology *after;
	struct pr_doubt doubt = { 0 };
	struct pr_action *actions;
	size_t n;
	int r;

	r = pr_candidate_actions(s->arena, c, &actions, &n);
	if (r < 0)
		return r;
	r = pr_kernel_apply(s->kernel, s->topology, actions, n, &after, &doubt);
	if (r < 0)
		return r;
	if (r > 0) {
		say_doubt(&doubt, ret->why, sizeof(ret->why));
		if (!s->doubt)
			s->doubt = pr_arena_strdup(s->arena, ret->why);
		return 1;
	}
	r = pr_judge(s, c, after, targets, ret);
	pr_topology_free(after);
	return r;
}

static void keep_best(struct best best[_PR_TIER_MAX], const struct pr_candidate *c,
	const struct pr_cost *cost, const struct pr_judgement *j)
{
	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++)
		if (j->met[tier] &&
			(!best[tier].found || pr_cost_compare(cost, &best[tier].cost) < 0))
			best[tier] = (struct best){ .found = true, .candidate = *c, .cost = *cost };
}

static int note_pinned(struct pr_search *s, const struct pr_candidate *c,
	const struct pr_function *f, const char *reason)
{
	char address[PR_ADDRESS_MAX];
	const char *why;

	pr_address_format(&f->address, address);
	why = pr_arena_printf(s->arena, "%s is pinned: %s", address, reason);
	return why ? note_attempt(s, c, why) : -ENOMEM;
}

static int consider(struct pr_search *s, const struct pr_targets *targets,
	const struct pr_candidate *c, struct best best[_PR_TIER_MAX])
{
	struct pr_judgement j = { 0 };
	const struct pr_function *pinned;
	const char *reason;
	struct pr_cost cost;
	bool good;
	int r;

	if (!price(s, c, &cost, &pinned, &reason))
		return note_pinned(s, c, pinned, reason);
	/* the price can only grow; what mends everything is the dearest of the three */
	if (best[PR_TIER_ALL].found && pr_cost_compare(&cost, &best[PR_TIER_ALL].cost) >= 0)
		return 0;

	r = simulate(s, c, targets, &j);
	if (r != 0)
		return r < 0 ? r : note_attempt(s, c, j.why);
	if (!price_prediction(s, c, &j, &cost))
		return note_attempt(s, c, "a pinned function would get other addresses");
	good = j.met[PR_TIER_ALL] || j.met[PR_TIER_LOST] || j.met[PR_TIER_MEMORY];
	if (good)
		keep_best(best, c, &cost, &j);
	return note_attempt(s, c, good ? NULL : j.why);
}

/* ---- many targets ---- */

static int solve(
	struct pr_search *s, const struct pr_targets *targets, struct best best[_PR_TIER_MAX]);

static bool one_root(const struct pr_targets *targets)
{
	return targets->functions[0]->root == targets->functions[targets->n - 1]->root;
}

/*
 * What tells apart the branches that @targets fall into: host bridges, or children of their common
 * parent.
 */
static const void *branch_key(const struct pr_targets *targets, size_t i)
{
	const struct pr_function *f = targets->functions[i];

	if (!one_root(targets))
		return f->root;
	return pr_branch_of(f, pr_common_parent(targets));
}

/* The targets of the branch that starts at @first; n is 0 when the branch was seen before. */
static int branch_targets(struct pr_search *s, const struct pr_targets *targets, const void **keys,
	size_t first, struct pr_targets *ret)
{
	struct pr_targets branch = { 0 };

	for (size_t i = 0; i < first; i++) {
		if (keys[i] == keys[first]) {
			*ret = branch;
			return 0;
		}
	}
	branch.functions = pr_new_array(s->arena, targets->n, const struct pr_function *);
	if (!branch.functions)
		return -ENOMEM;
	for (size_t i = first; i < targets->n; i++)
		if (keys[i] == keys[first])
			branch.functions[branch.n++] = targets->functions[i];
	*ret = branch;
	return 0;
}

static bool any_needs(const struct pr_targets *targets, enum pr_tier tier)
{
	for (size_t i = 0; i < targets->n; i++)
		if (pr_function_needs(targets->functions[i], tier))
			return true;
	return false;
}

/* Adds the best of one branch to the joined candidate of each tier. */
static int join_branch(struct pr_search *s, const struct pr_targets *branch,
	const struct best found[_PR_TIER_MAX], struct best joined[_PR_TIER_MAX])
{
	int r;

	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++) {
		if (!any_needs(branch, (enum pr_tier)tier))
			continue;
		if (!found[tier].found)
			joined[tier].found = false;
		if (!joined[tier].found)
			continue;
		r = pr_candidate_join(s->arena, &joined[tier].candidate, &found[tier].candidate,
			&joined[tier].candidate);
		if (r < 0)
			return r;
	}
	return 0;
}

static int solve_branches(
	struct pr_search *s, const struct pr_targets *targets, struct best joined[_PR_TIER_MAX])
{
	const void **keys = pr_new_array(s->arena, targets->n, const void *);
	int r;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < targets->n; i++)
		keys[i] = branch_key(targets, i);

	for (size_t i = 0; i < targets->n; i++) {
		struct best found[_PR_TIER_MAX] = { 0 };
		struct pr_targets branch;

		r = branch_targets(s, targets, keys, i, &branch);
		if (r < 0)
			return r;
		if (branch.n == 0)
			continue;
		if (branch.n == targets->n) {
			joined[0].found = joined[1].found = joined[2].found = false;
			return 0; /* one branch: nothing to join */
		}
		r = solve(s, &branch, found);
		if (r == 0)
			r = join_branch(s, &branch, found, joined);
		if (r < 0)
			return r;
	}
	return 0;
}

static int consider_branches(
	struct pr_search *s, const struct pr_targets *targets, struct best best[_PR_TIER_MAX])
{
	const bool quiet = s->quiet;
	struct best joined[_PR_TIER_MAX] = { { .found = true }, { .found = true },
		{ .found = true } };
	int r;

	if (targets->n < 2)
		return 0;
	/* below one host bridge the same candidates were tried for all, and are listed */
	s->quiet = quiet || one_root(targets);
	r = solve_branches(s, targets, joined);
	s->quiet = quiet;
	for (unsigned int tier = 0; tier < _PR_TIER_MAX && r == 0; tier++)
		if (joined[tier].found && joined[tier].candidate.n_moves > 0)
			r = consider(s, targets, &joined[tier].candidate, best);
	return r;
}

/* Least good candidates for all of @targets together, one a tier. */
static int solve(
	struct pr_search *s, const struct pr_targets *targets, struct best best[_PR_TIER_MAX])
{
	struct pr_candidate *candidates;
	size_t n = 0;
	int r = 0;

	if (one_root(targets))
		r = pr_candidates_make(s, targets, &candidates, &n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = consider(s, targets, &candidates[i], best);
	return r < 0 ? r : consider_branches(s, targets, best);
}

/* ---- less of it ---- */

/* Takes the place of @b when it mends as much for less. */
static int try_smaller(struct pr_search *s, const struct pr_targets *targets, enum pr_tier tier,
	const struct pr_candidate *c, struct best *b)
{
	struct pr_judgement j = { 0 };
	const struct pr_function *pinned;
	const char *reason;
	struct pr_cost cost;
	int r;

	if (!price(s, c, &cost, &pinned, &reason))
		return 0;
	r = simulate(s, c, targets, &j);
	if (r != 0)
		return r < 0 ? r : 0;
	if (j.met[tier] && price_prediction(s, c, &j, &cost) &&
		pr_cost_compare(&cost, &b->cost) < 0)
		*b = (struct best){ .found = true, .candidate = *c, .cost = cost };
	return 0;
}

/* Siblings go along by class, all or none; here each of them has to show that it must. */
static int shrink(
	struct pr_search *s, const struct pr_targets *targets, enum pr_tier tier, struct best *b)
{
	int r;

	for (size_t i = 0; i < b->candidate.n_moves; i++) {
		for (size_t j = b->candidate.moves[i].n_tops; j-- > 0;) {
			const struct pr_move *m = &b->candidate.moves[i];
			struct pr_candidate smaller;

			if (m->n_tops < 2 || j >= m->n_tops)
				continue;
			r = pr_candidate_without(s->arena, &b->candidate, i, m->tops[j], &smaller);
			if (r == 0)
				r = try_smaller(s, targets, tier, &smaller, b);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int shrink_all(
	struct pr_search *s, const struct pr_targets *targets, struct best best[_PR_TIER_MAX])
{
	int r = 0;

	for (unsigned int tier = 0; tier < _PR_TIER_MAX && r == 0; tier++)
		if (best[tier].found)
			r = shrink(s, targets, (enum pr_tier)tier, &best[tier]);
	return r;
}

/* ---- the choice ---- */

static bool within_limit(const struct pr_search *s, const struct pr_cost *cost)
{
	if (cost->in_use > 0)
		return s->policy->limit >= PR_DISRUPTION_IN_USE;
	return cost->restarted == 0 || s->policy->limit >= PR_DISRUPTION_RESTART;
}

static bool disturbs_less(const struct pr_cost *a, const struct pr_cost *b)
{
	return a->in_use != b->in_use ? a->in_use < b->in_use : a->restarted < b->restarted;
}

/*
 * More mended is better, but what was never there (an I/O BAR of a new card)
 * is not worth the restart of a driver.  NULL: nothing is good.
 */
static const struct best *choose(const struct pr_search *s, const struct best best[_PR_TIER_MAX])
{
	const struct best *all = &best[PR_TIER_ALL], *lost = &best[PR_TIER_LOST];

	if (all->found && lost->found && disturbs_less(&lost->cost, &all->cost))
		all = lost;
	if (all->found && within_limit(s, &all->cost))
		return all;
	for (unsigned int tier = PR_TIER_LOST; tier < _PR_TIER_MAX; tier++)
		if (best[tier].found && within_limit(s, &best[tier].cost))
			return &best[tier];

	for (unsigned int tier = PR_TIER_ALL; tier < _PR_TIER_MAX; tier++)
		if (best[tier].found)
			return &best[tier];
	return NULL;
}

static int choose_for(struct pr_search *s, const struct pr_targets *targets, struct pr_choice *ret)
{
	struct best best[_PR_TIER_MAX] = { 0 };
	const struct best *chosen;
	int r;

	*ret = (struct pr_choice){ .verdict = PR_VERDICT_INFEASIBLE, .targets = *targets };
	for (size_t i = 0; i < targets->n; i++) {
		if (pr_function_unsized(targets->functions[i])) {
			ret->verdict = PR_VERDICT_UNKNOWN;
			return 0;
		}
	}

	r = solve(s, targets, best);
	if (r == 0)
		r = shrink_all(s, targets, best);
	if (r < 0)
		return r;
	chosen = choose(s, best);
	if (chosen) {
		ret->candidate = chosen->candidate;
		ret->cost = chosen->cost;
		ret->verdict =
			within_limit(s, &chosen->cost) ? PR_VERDICT_OK : PR_VERDICT_TOO_DISRUPTIVE;
	} else if (s->doubt) {
		ret->verdict = PR_VERDICT_UNKNOWN;
	}
	return 0;
}

/*
 * Some cannot be mended, and must not keep the others from it: takes one
 * after the other as long as all taken can be mended together.
 */
static int choose_some(struct pr_search *s, const struct pr_targets *targets, struct pr_choice *ret)
{
	struct pr_targets taken = { 0 };
	int r;

	for (size_t i = 0; i < targets->n; i++) {
		const struct pr_function **functions =
			pr_new_array(s->arena, taken.n + 1, const struct pr_function *);
		struct pr_targets more = { .functions = functions, .n = taken.n + 1 };
		struct pr_choice choice;

		if (!functions)
			return -ENOMEM;
		for (size_t j = 0; j < taken.n; j++)
			functions[j] = taken.functions[j];
		functions[taken.n] = targets->functions[i];

		r = choose_for(s, &more, &choice);
		if (r < 0)
			return r;
		if (choice.verdict == PR_VERDICT_OK) {
			taken = more;
			*ret = choice;
		} else if (choice.verdict == PR_VERDICT_TOO_DISRUPTIVE && taken.n == 0 &&
			   ret->verdict != PR_VERDICT_TOO_DISRUPTIVE) {
			*ret = choice; /* better than no plan, if nothing else is found */
		}
	}
	return 0;
}

int pr_search_run(
	struct pr_search *s, const struct pr_targets *targets, bool partly, struct pr_choice *ret)
{
	int r;

	r = choose_for(s, targets, ret);
	if (r < 0 || !partly || targets->n < 2)
		return r;
	if (ret->verdict == PR_VERDICT_OK)
		return 0;

	s->quiet = s->n_attempts > 0;
	return choose_some(s, targets, ret);
}

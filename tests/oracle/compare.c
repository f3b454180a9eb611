/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compare.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "../unit/machine.h"

static void say_cost(const struct pr_cost *c, char *text, size_t size)
{
	(void)snprintf(text, size,
		"%u in use, %u restarted, %u renumbered, %u armed, %u removed, "
		"%u steps",
		c->in_use, c->restarted, c->renumbered, c->armed, c->removed, c->steps);
}

bool oracle_is_plan(enum pr_verdict v)
{
	return v == PR_VERDICT_OK || v == PR_VERDICT_TOO_DISRUPTIVE || v == PR_VERDICT_VETOED;
}

bool oracle_same_cost_but_steps(const struct pr_cost *a, const struct pr_cost *b)
{
	struct pr_cost x = *a, y = *b;

	x.steps = y.steps = 0;
	return pr_cost_compare(&x, &y) == 0;
}

bool oracle_same_but_steps(const struct pr_plan *p, const struct brute_answer *a)
{
	/* a doubt that no candidate of the search meets */
	if (a->verdict == PR_VERDICT_UNKNOWN && p->verdict == PR_VERDICT_INFEASIBLE)
		return true;
	return p->verdict == a->verdict &&
	       (!oracle_is_plan(p->verdict) || oracle_same_cost_but_steps(&p->cost, &a->cost));
}

static bool same_answer(const struct pr_plan *p, const struct brute_answer *a)
{
	return oracle_same_but_steps(p, a) &&
	       (!oracle_is_plan(p->verdict) ||
		       (p->n_targets == a->n_targets && p->closes == a->closes &&
			       p->cost.steps == a->cost.steps));
}

/*
 * The space and all sets differ where a rescan elsewhere is a second try; the planner may find
 * some of these, and is never worse than the space and never better than all sets.
 */
static bool between(
	const struct pr_plan *p, const struct brute_answer *space, const struct brute_answer *all)
{
	size_t rank = brute_rank(p->verdict);

	if (rank > brute_rank(space->verdict) || rank < brute_rank(all->verdict))
		return false;
	if (!oracle_is_plan(p->verdict) || p->n_targets != space->n_targets ||
		p->n_targets != all->n_targets)
		return true;
	return (p->verdict != space->verdict || pr_cost_compare(&p->cost, &space->cost) <= 0) &&
	       (p->verdict != all->verdict || pr_cost_compare(&p->cost, &all->cost) >= 0);
}

static bool same_answers(const struct brute_answer *a, const struct brute_answer *b)
{
	return a->verdict == b->verdict && a->n_targets == b->n_targets &&
	       pr_cost_compare(&a->cost, &b->cost) == 0;
}

bool oracle_passes(const struct pr_plan *p, const struct pr_policy *policy, char *why, size_t size)
{
	struct pr_policy loose = *policy;
	struct pr_plan allowed = *p;

	if (p->verdict == PR_VERDICT_TOO_DISRUPTIVE) {
		loose.limit = PR_DISRUPTION_IN_USE;
		allowed.verdict = PR_VERDICT_OK;
	} else if (p->verdict != PR_VERDICT_OK) {
		return true;
	}
	return pr_plan_check(&allowed, &loose, why, size) == 0;
}

static void say_set(const struct pr_plan *p, char *text, size_t size)
{
	size_t n = 0;
	char address[PR_ADDRESS_MAX];

	text[0] = '\0';
	for (size_t i = 0; i < p->n_removed && n + PR_ADDRESS_MAX + 1 < size; i++) {
		pr_address_format(&p->removed[i]->address, address);
		n += (size_t)snprintf(text + n, size - n, "%s ", address);
	}
}

static void say_difference(const struct wild *w, const char *what, const struct pr_plan *p,
	const struct brute_answer *a, const char *why, char *text, size_t size)
{
	char mine[160], theirs[160], set[400];

	say_cost(&p->cost, mine, sizeof(mine));
	say_cost(&a->cost, theirs, sizeof(theirs));
	say_set(p, set, sizeof(set));
	(void)snprintf(text, size,
		"%splanner: %s, %zu targets, %s%s: %s(%s)\nbrute force: %s, %zu targets, %s%s: %s\n"
		"check: %s\nlimit %s, pin \"%s\", plug \"%s\"\n%s",
		what, pr_verdict_name(p->verdict), p->n_targets, mine, p->closes ? ", closing" : "",
		set, p->why ? p->why : "", pr_verdict_name(a->verdict), a->n_targets, theirs,
		a->closes ? ", closing" : "", a->set, why,
		pr_disruption_name((enum pr_disruption)w->limit), w->pin, w->port, w->text);
}

static size_t count_buses(const struct pr_plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_steps; i++)
		n += p->steps[i].kind == PR_STEP_RESCAN;
	return n;
}

void oracle_count(struct oracle_tally *tally, const struct pr_plan *p, const struct brute_answer *a)
{
	tally->verdicts[p->verdict]++;
	tally->in_place +=
		oracle_is_plan(p->verdict) && p->verdict != PR_VERDICT_VETOED && p->n_removed == 0;
	tally->several_dead += p->n_targets > 1;
	tally->several_tops += p->n_removed > 1;
	tally->several_buses += count_buses(p) > 1;
	tally->closing += p->closes;
	tally->renumbered += p->cost.renumbered > 0;
	tally->not_proven += !p->proven;
	tally->by_brute += a->n_simulated;
	tally->by_planner += p->n_simulated;
}

struct pr_policy oracle_policy(const struct wild *w, const char **ret_pin)
{
	*ret_pin = w->pin;
	return (struct pr_policy){ .limit = (enum pr_disruption)w->limit,
		.pinned = ret_pin,
		.n_pinned = w->pin[0] != '\0' };
}

enum oracle_result oracle_ask(
	const struct oracle_question *q, struct oracle_tally *tally, char *text, size_t size)
{
	char why[256] = "passed";
	struct pr_plan *p;
	bool same;

	if (pr_plan_make(q->t, q->request, q->policy, &p) < 0)
		return ORACLE_DIFFERS;
	same = (oracle_same_but_steps(p, q->a) || oracle_same_but_steps(p, q->outer)) &&
	       oracle_passes(p, q->policy, why, sizeof(why));
	if (!same)
		say_difference(q->w, q->what, p, q->a, why, text, size);
	oracle_count(tally, p, q->a);
	pr_plan_free(p);
	return same ? ORACLE_SAME : ORACLE_DIFFERS;
}

static enum oracle_result compare(const struct wild *w, const struct pr_topology *t,
	struct oracle_tally *tally, char *text, size_t size)
{
	const char *pin;
	const struct pr_policy policy = oracle_policy(w, &pin);
	const struct pr_request request = { .budget = UINT64_MAX, .no_numbers = true };
	enum oracle_result result = ORACLE_SAME;
	struct brute_answer a, all;
	struct pr_plan *p;
	char why[256] = "passed";

	if (!brute_force(t, &policy, NULL, MAX_SIMULATIONS, &a, &all) ||
		a.verdict == PR_VERDICT_NOTHING)
		return ORACLE_SKIPPED;
	if (pr_plan_make(t, &request, &policy, &p) < 0)
		return ORACLE_DIFFERS;
	tally->second_try += !same_answers(&a, &all);
	if (!same_answer(p, &a) && !same_answers(&a, &all) && between(p, &a, &all))
		tally->between++;
	else if (!same_answer(p, &a))
		result = ORACLE_DIFFERS;
	if (!oracle_passes(p, &policy, why, sizeof(why)))
		result = ORACLE_DIFFERS;
	if (result == ORACLE_DIFFERS)
		say_difference(w, "", p, &a, why, text, size);
	tally->plugged += w->port[0] != '\0';
	oracle_count(tally, p, &a);
	pr_plan_free(p);
	return result;
}

enum oracle_result oracle_compare(
	uint64_t seed, struct oracle_tally *tally, char *text, size_t size)
{
	struct pr_topology *t, *damaged = NULL;
	enum oracle_result result;
	struct pr_kernel kernel;
	struct pr_doubt doubt;
	struct wild w;

	if (!wild_make(&w, seed))
		return ORACLE_SKIPPED;
	t = machine_build(w.text);
	if (w.port[0] == '\0') {
		result = compare(&w, t, tally, text, size);
		pr_topology_free(t);
		return result;
	}
	{
		const struct pr_function *port = machine_function(t, w.port);
		const struct pr_action action = {
			.kind = PR_ACTION_PLUG, .function = port, .root = port->root
		};

		result = ORACLE_SKIPPED;
		if (pr_kernel_select(&t->machine, &kernel) == 0 &&
			pr_kernel_apply(&kernel, t, &action, 1, &damaged, &doubt) == 0)
			result = compare(&w, damaged, tally, text, size);
	}
	pr_topology_free(damaged);
	pr_topology_free(t);
	return result;
}

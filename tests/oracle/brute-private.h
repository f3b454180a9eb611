/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to brute*.c: the machine as a list, one set of what is done to it, and the best sets. */
#pragma once

#include "brute.h"
#include "plan/plan.h" /* tiers, and pr_function_can_move: part of the policy */

#define MAX_FUNCTIONS 64
#define MAX_TARGETS   6
#define N_SUBSETS     (1u << MAX_TARGETS)
#define N_CLASSES     4 /* free, restart, in use, what somebody pins */
#define MAX_ACTIONS   (6 * MAX_FUNCTIONS)

struct best {
	bool found;
	struct pr_cost cost;
	char set[400];
};
struct brute {
	const struct pr_topology *t;
	const struct pr_root *root;
	const struct pr_policy *policy;
	const struct pr_function *asked; /* NULL: who is dead */
	struct pr_kernel kernel;
	const struct pr_function *order[MAX_FUNCTIONS]; /* parents before children */
	size_t end[MAX_FUNCTIONS];                      /* behind the subtree */
	size_t n;
	bool top[MAX_FUNCTIONS];
	bool scan[MAX_FUNCTIONS + 1]; /* bus below it; the last one: the root bus */
	const struct pr_function *targets[MAX_TARGETS];
	size_t n_targets;
	bool rescan_may_help;
	unsigned long n_simulated, max;
	bool doubt, counting;
	bool outer;  /* which of the two is asked for */
	bool closes; /* memory windows of what is removed are closed first */
	/* within the rules of the space, and without any; as things are, and with windows closed */
	struct best best[2][2][N_SUBSETS][N_CLASSES][_PR_TIER_MAX];
};

/* What becomes of the machine when one set is done. */
struct outcome {
	struct pr_cost cost;
	unsigned int class;
	bool removed_whole
		[_PR_TIER_MAX]; /* what was removed lacks nothing that the tier asks for */
	bool target_met[MAX_TARGETS][_PR_TIER_MAX];
};

/* ---- brute-judge.c: what is lacking, and what an outcome is worth ---- */

bool brute_wants(const struct pr_resource *r);
bool brute_lacks(const struct pr_function *f, unsigned int tier);
bool brute_has_driver(const struct pr_function *f);
/* It is in a subtree that the set removes. */
bool brute_is_gone(const struct brute *b, const struct pr_function *f);
/* False: it is bad whatever was asked for. */
bool brute_judge(const struct brute *b, const struct pr_topology *after, struct outcome *o);
/* What @o has for those of @subset, as far as @tier asks; false when nobody asks for anything. */
bool brute_met(
	const struct brute *b, const struct outcome *o, unsigned int subset, unsigned int tier);

/* ---- brute-set.c: one set ---- */

bool brute_on_bus(const struct pr_function *f, const struct pr_function *parent);
/* The set removes something from the bus. */
bool brute_has_top(const struct brute *b, const struct pr_function *parent);
/* @actions: MAX_ACTIONS; returns how many. */
size_t brute_actions(const struct brute *b, struct pr_action *actions);
/* For people. */
void brute_name(const struct brute *b, char *text, size_t size);
/*
 * A bus that is only scanned is scanned for a target on or below it.  Without this rule a rescan
 * that must fail could make the kernel forget what would else be in the way.
 */
bool brute_scans_have_reason(const struct brute *b, unsigned int subset);
/* 0 and the outcome; 1 when it is bad, or the model cannot know. */
int brute_simulate(struct brute *b, struct outcome *o);
/* The set follows the rules of the space, for these targets. */
bool brute_in_space(
	struct brute *b, unsigned int subset, unsigned int tier, const struct outcome *o);

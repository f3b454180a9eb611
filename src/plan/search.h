/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the search: candidates (what to re-enumerate), their judgement
 * and the choice among them.  check.c and compare.c must not include this.
 */
#pragma once

#include "plan/plan.h"

/* One bus that is enumerated again: what is removed from it, and then a rescan. */
struct pr_move {
	const struct pr_root *root;
	const struct pr_function *parent; /* bridge above the bus; NULL: the root bus */
	const struct pr_function **tops;  /* children of @parent, in the order of its list */
	size_t n_tops;                    /* 0: rescan only */
};
/* Moves done one after the other; none lies inside a subtree that another removes. */
struct pr_candidate {
	const struct pr_move *moves;
	size_t n_moves;
};

struct pr_targets {
	const struct pr_function **functions; /* in the topology's order, no duplicates */
	size_t n;
};

struct pr_search {
	const struct pr_topology *topology;
	const struct pr_policy *policy;
	const struct pr_kernel *kernel;
	struct pr_arena *arena;
	bool *const *inside; /* by root and function: removed by the candidate being judged */
	struct pr_attempt *attempts;
	size_t n_attempts, max_attempts;
	bool quiet;        /* attempts are not listed: they repeat earlier ones */
	const char *doubt; /* first fact that the model missed */
};

/* ---- candidate.c ---- */

/*
 * What might mend @targets, all below one host bridge, seen from the lowest
 * bus that has all of them below it upwards.  The one place where candidates
 * are invented: a better search replaces this function.
 */
int pr_candidates_make(const struct pr_search *s, const struct pr_targets *targets,
	struct pr_candidate **ret, size_t *ret_n);
/* Lowest bridge with all of @targets strictly below; NULL: only the root bus has. */
const struct pr_function *pr_common_parent(const struct pr_targets *targets);
/* The child of @parent (NULL: function on the root bus) that @f is or is below. */
const struct pr_function *pr_branch_of(
	const struct pr_function *f, const struct pr_function *parent);
/* Both; a move inside a subtree that the other removes disappears. */
int pr_candidate_join(struct pr_arena *arena, const struct pr_candidate *a,
	const struct pr_candidate *b, struct pr_candidate *ret);
/* @c without @top (and the rest of its card), which is one of the tops of move @move. */
int pr_candidate_without(struct pr_arena *arena, const struct pr_candidate *c, size_t move,
	const struct pr_function *top, struct pr_candidate *ret);

/* ---- judge.c ---- */

struct pr_judgement {
	bool met[_PR_TIER_MAX]; /* good, as far as the tier asks */
	unsigned int renumbered, armed;
	/*
	 * functions that stay, whose bound driver must let go because the rescan hands them
	 * addresses
	 */
	const struct pr_function **rescued;
	size_t n_rescued;
	char why[200]; /* what is wrong, when no tier is met */
};
/* G1 to G3 of DESIGN section 4 on a prediction.  0 or -ENOMEM. */
int pr_judge(struct pr_search *s, const struct pr_candidate *c, const struct pr_topology *after,
	const struct pr_targets *targets, struct pr_judgement *ret);

/* ---- search.c ---- */

struct pr_choice {
	enum pr_verdict verdict; /* OK, TOO_DISRUPTIVE, UNKNOWN or INFEASIBLE */
	struct pr_candidate candidate;
	struct pr_cost cost;
	struct pr_targets targets; /* those that the candidate mends */
};
/* Least good candidate for all of @targets, or, with @partly, for as many as can be mended. */
int pr_search_run(
	struct pr_search *s, const struct pr_targets *targets, bool partly, struct pr_choice *ret);

/* ---- steps.c ---- */

int pr_candidate_actions(struct pr_arena *arena, const struct pr_candidate *c,
	struct pr_action **ret, size_t *ret_n);
unsigned int pr_candidate_n_steps(
	const struct pr_candidate *c, const struct pr_function **rescued, size_t n_rescued);
int pr_candidate_steps(struct pr_arena *arena, const struct pr_candidate *c,
	const struct pr_function **rescued, size_t n_rescued, struct pr_step **ret, size_t *ret_n);
/* Fills @plan->id from generation and steps. */
void pr_plan_sign(struct pr_plan *plan);

/* ---- refuse.c: sentences in @plan's arena; NULL when memory is short ---- */

/* Why nothing helps, with numbers. */
const char *pr_refusal(const struct pr_plan *plan);
/* What is in the way of a plan that the policy does not allow. */
const char *pr_too_disruptive(const struct pr_plan *plan, const struct pr_policy *policy);
/* The fact that is missing; @doubt is the model's, or NULL. */
const char *pr_not_known(const struct pr_plan *plan, const char *doubt);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One random machine, planned both ways. */
#pragma once

#include "brute.h"
#include "wild.h"

/* Of one machine by brute force: more sets than that are too many. */
#define MAX_SIMULATIONS 1000

enum oracle_result {
	ORACLE_SAME = 0,
	ORACLE_DIFFERS,
	ORACLE_SKIPPED /* the seed gives no machine, nothing is dead, or too many sets */
};
struct oracle_tally {
	unsigned long verdicts[_PR_VERDICT_MAX];
	unsigned long plugged, several_dead, several_tops, several_buses, closing, renumbered,
		not_proven, in_place;
	unsigned long for_vfs;             /* plans that give bus numbers to virtual functions */
	unsigned long second_try, between; /* see brute.h; the planner's cost is neither */
	unsigned long by_brute, by_planner;
};
/* There is a plan, whoever has to allow it. */
bool oracle_is_plan(enum pr_verdict v);
/* Where a step is no part of what brute force tries. */
bool oracle_same_cost_but_steps(const struct pr_cost *a, const struct pr_cost *b);
bool oracle_same_but_steps(const struct pr_plan *p, const struct brute_answer *a);
/* The independent check of a plan; one that is only forbidden is checked where it is allowed. */
bool oracle_passes(const struct pr_plan *p, const struct pr_policy *policy, char *why, size_t size);
void oracle_count(
	struct oracle_tally *tally, const struct pr_plan *p, const struct brute_answer *a);
/* The limit and the pin of @w; @ret_pin: where the policy keeps the latter. */
struct pr_policy oracle_policy(const struct wild *w, const char **ret_pin);

/* A request that brute force has answered, within the rules of the space and without any. */
struct oracle_question {
	const struct wild *w;
	const struct pr_topology *t;
	const struct pr_policy *policy;
	const struct pr_request *request;
	const struct brute_answer *a, *outer;
	const char *what; /* a line for people */
};
/* Asks the planner: where the two answers differ it may find either; steps are not compared. */
enum oracle_result oracle_ask(
	const struct oracle_question *q, struct oracle_tally *tally, char *text, size_t size);

/* @text: what differs, with the machine. */
typedef enum oracle_result oracle_function(
	uint64_t seed, struct oracle_tally *tally, char *text, size_t size);
oracle_function oracle_compare;

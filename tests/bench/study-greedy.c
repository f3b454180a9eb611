/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often does the kernel's order of placing fail where an arrangement
 * exists?  On random trees with one dead card each (M15's kind): the root port
 * above it is removed and its bus rescanned, by the model of each kernel; the
 * packer says whether it could have worked; and then the planner has a try.
 * make study; study-greedy [TREES [SEED]]; study-greedy show RELEASE SEED prints
 * one tree.  Prints a table, decides nothing.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"
#include "opinions.h"
#include "random-machine.h"

static unsigned long n_trees = 2000;
static uint64_t first_seed = 1;

static const char *const releases[] = { "6.1.0", "6.12.0", "6.18.0", "7.2.0", "7.3.0" };

enum column {
	TREES = 0,
	NO_ARRANGEMENT, /* not even in theory below the root port */
	UNSETTLED,
	WORKS,    /* the kernel's own order does it */
	FAILS,    /* an arrangement exists, and it does not */
	NEWCOMER, /* of these: the dead card stays dead */
	SIBLING,  /* a neighbour loses something */
	SMALLER,  /* of the failures, rescued: by less than the root port, */
	LARGER,   /* by more, */
	STAGED,   /* by several rescans, */
	STEERED,  /* with windows closed first */
	LOST,     /* not at all; */
	TWICE,    /* of these: two rounds of remove and rescan would, says the model; */
	CLOSED,   /* the root port alone would, with all windows below it closed before */
	N_COLUMNS
};
static const char *const titles[N_COLUMNS] = { "trees", "no room", "open", "works", "FAILS",
	"newcomer", "sibling", "smaller", "larger", "staged", "steered", "lost", "twice",
	"closed" };

/* The smallest tree of a kind. */
struct example {
	uint64_t seed; /* 0: none */
	size_t n_functions;
};
struct tally {
	unsigned long n[N_COLUMNS];
	struct example rescued, lost;
};

/* SMALLER, LARGER, STAGED, STEERED or LOST. */
static enum column planner_says(const struct pr_topology *t, const struct pr_function *top)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	const struct pr_request request = { 0 };
	unsigned int rescans = 0;
	enum column c = LOST;
	struct pr_plan *p;

	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	if (p->verdict == PR_VERDICT_OK) {
		c = SMALLER;
		for (size_t i = 0; i < p->n_removed; i++)
			if (p->removed[i] == top || !pr_function_below(p->removed[i], top))
				c = LARGER;
		for (size_t i = 0; i < p->n_steps; i++)
			rescans += p->steps[i].kind == PR_STEP_RESCAN;
		if (rescans > 1)
			c = STAGED;
		if (p->closes)
			c = STEERED;
	}
	pr_plan_free(p);
	return c;
}

static bool can_go(const struct pr_function *f)
{
	return pr_subtree_disruption(f, NULL, NULL, NULL) < PR_DISRUPTION_PINNED;
}

/* A function beside or above @top, to rescan its bus by. */
static struct pr_action rescan_of(const struct pr_function *top)
{
	const struct pr_function *f =
		top->parent ? top->parent->first_child : top->root->first_child;

	while (f == top)
		f = f->next;
	return (struct pr_action){
		.kind = PR_ACTION_RESCAN, .function = f ? f : top->parent, .root = top->root
	};
}

/* One subtree after the other: every pair. */
static bool two_rounds_help(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_function *target)
{
	const struct pr_root *root = t->roots[0];

	for (size_t i = 0; i < root->n_functions * root->n_functions; i++) {
		const struct pr_function *a = &root->functions[i / root->n_functions],
					 *b = &root->functions[i % root->n_functions];
		const struct pr_action actions[] = {
			{ .kind = PR_ACTION_REMOVE, .function = a, .root = root },
			rescan_of(a),
			{ .kind = PR_ACTION_REMOVE, .function = b, .root = root },
			rescan_of(b),
		};

		if (can_go(a) && can_go(b) &&
			outcome_of(t, kernel, actions, 4, target) == OUTCOME_WORKS)
			return true;
	}
	return false;
}

/* ---- the table ---- */

static void keep_smaller(struct example *e, uint64_t seed, const struct pr_topology *t)
{
	if (e->seed == 0 || t->n_functions < e->n_functions)
		*e = (struct example){ .seed = seed, .n_functions = t->n_functions };
}

static void add_tree(const struct pr_topology *t, uint64_t seed, struct tally *tally)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	const struct pr_function *target = find_dead(t), *top;
	struct pr_kernel kernel;
	enum pr_arrangement room;
	enum outcome outcome;
	enum column planners;

	assert_non_null(target);
	top = root_port_of(target);
	if (pr_subtree_disruption(top, &policy, NULL, NULL) == PR_DISRUPTION_PINNED)
		return;
	assert_int_equal(pr_kernel_select(&t->machine, &kernel), 0);
	room = packer_says(t, &kernel, top, target);
	outcome = kernel_says(t, &kernel, top, target);
	tally->n[TREES]++;
	if (outcome == OUTCOME_WORKS) {
		if (room == PR_ARRANGEMENT_NONE) {
			(void)fprintf(
				stderr, "seed %" PRIu64 ": the packer denies what works\n", seed);
			exit(1);
		}
		tally->n[WORKS]++;
		return;
	}
	if (room != PR_ARRANGEMENT_EXISTS) {
		tally->n[room == PR_ARRANGEMENT_NONE ? NO_ARRANGEMENT : UNSETTLED]++;
		return;
	}
	tally->n[FAILS]++;
	tally->n[outcome == OUTCOME_NEWCOMER ? NEWCOMER : SIBLING]++;
	planners = planner_says(t, top);
	tally->n[planners]++;
	tally->n[TWICE] += planners == LOST && two_rounds_help(t, &kernel, target);
	tally->n[CLOSED] +=
		planners == LOST && closed_says(t, &kernel, top, target) == OUTCOME_WORKS;
	keep_smaller(planners == LOST ? &tally->lost : &tally->rescued, seed, t);
}

static void study(const char *release)
{
	struct tally tally = { 0 };
	unsigned long n = 0;

	for (uint64_t seed = first_seed; n < n_trees; seed++) {
		struct machine m = { .random = seed * UINT64_C(0x9e3779b97f4a7c15) };
		struct pr_topology *t;

		if (!make_machine(&m, release, 1))
			continue;
		t = machine_build(m.text);
		add_tree(t, seed, &tally);
		pr_topology_free(t);
		n++;
	}
	printf("%-8s", release);
	for (size_t i = 0; i < N_COLUMNS; i++)
		printf(" %8lu", tally.n[i]);
	printf("  %" PRIu64 " %" PRIu64 "\n", tally.rescued.seed, tally.lost.seed);
}

/* The text of one tree, to make a row of it. */
static int show(const char *release, uint64_t seed)
{
	struct machine m = { .random = seed * UINT64_C(0x9e3779b97f4a7c15) };

	if (!make_machine(&m, release, 1))
		return 1;
	printf("%s", m.text);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4)
		return show(argv[2], strtoull(argv[3], NULL, 10)); /* show RELEASE SEED */
	if (argc > 1)
		n_trees = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);

	printf("%-8s", "kernel");
	for (size_t i = 0; i < N_COLUMNS; i++)
		printf(" %8s", titles[i]);
	printf("  seeds of the smallest that are rescued or lost (show RELEASE SEED)\n");
	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++)
		study(releases[i]);
	return 0;
}

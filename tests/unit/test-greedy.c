/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines on which the kernel's order of placing fails although an
 * arrangement exists: found by tests/bench/study-greedy, kept as rows.  What
 * the planner makes of them is part of each.
 */
#include <string.h>

#include "greedy-machines.h"
#include "machine.h"
#include "opinions.h"
#include "rows.h"

static const struct greedy_case {
	const char *name, *machine;
	enum outcome root_port, closed; /* removed as it is; with its windows closed before */
	bool may_write;                 /* registers */
	enum pr_verdict verdict;
	const char *why; /* part of the reason; NULL: none */
} cases[] = {
	{ .name = "6.1 rounds 258 MiB up to 512: an arrangement exists, and is not made",
		.machine = "kernel 6.1.0\n" BESIDE_A_RESERVE,
		.root_port = OUTCOME_NEWCOMER,
		.closed = OUTCOME_WORKS, /* the old registers are the least it takes */
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "an arrangement exists, but no set of subtrees that is enumerated again makes "
		       "this kernel (6.1) produce it: " },
	{ .name = "6.1 makes it when the windows are closed first",
		.machine = "kernel 6.1.0\n" BESIDE_A_RESERVE,
		.root_port = OUTCOME_NEWCOMER,
		.closed = OUTCOME_WORKS,
		.may_write = true },
	{ .name = "6.12 rounds, too",
		.machine = "kernel 6.12.0\n" BESIDE_A_RESERVE,
		.root_port = OUTCOME_NEWCOMER,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "makes this kernel (6.12) produce it: " },
	{ .name = "6.12 makes it with closed windows, too",
		.machine = "kernel 6.12.0\n" BESIDE_A_RESERVE,
		.root_port = OUTCOME_NEWCOMER,
		.may_write = true },
	{ .name = "nobody writes a register in lockdown",
		.machine = "kernel 6.12.0\nlockdown integrity\n" BESIDE_A_RESERVE,
		.root_port = OUTCOME_NEWCOMER,
		.may_write = true,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "closing windows first might, but in lockdown no register can be written" },
	{ .name = "a port's own registers are not shut off while its driver is there",
		.machine =
			"kernel 6.12.0\n" BESIDE_A_RESERVE
			"02:02.0 bridge 05-05 downstream bar0=mem:4000@c0200000 driver=pcieport\n",
		.root_port = OUTCOME_NEWCOMER,
		.closed = OUTCOME_WORKS,
		.may_write = true },
	{ .name = "6.18 sizes windows in MiB",
		.machine = "kernel 6.18.0\n" BESIDE_A_RESERVE,
		.root_port = OUTCOME_WORKS },
	{ .name = "6.18 fails where the last byte is needed",
		.machine = "kernel 6.18.0\n" TO_THE_LAST_BYTE,
		.root_port = OUTCOME_NEWCOMER,
		.closed = OUTCOME_NEWCOMER,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "an arrangement exists, but no set" },
	{ .name = "7.2 does not",
		.machine = "kernel 7.2.0\n" TO_THE_LAST_BYTE,
		.root_port = OUTCOME_WORKS },
	{ .name = "7.2 fails with the root port alone, and the planner takes another set",
		.machine = "kernel 7.2.0\n" NEXT_TO_AN_EMPTY_PORT,
		.root_port = OUTCOME_NEWCOMER,
		.closed = OUTCOME_NEWCOMER },
};

static void test_greedy(void **state)
{
	const struct greedy_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	const struct pr_request request = { .no_writes = !c->may_write };
	const struct pr_function *target = find_dead(t), *top = root_port_of(target);
	struct pr_kernel kernel;
	struct pr_plan *p;

	assert_int_equal(pr_kernel_select(&t->machine, &kernel), 0);
	assert_int_equal(packer_says(t, &kernel, top, target), PR_ARRANGEMENT_EXISTS);
	assert_int_equal(kernel_says(t, &kernel, top, target), c->root_port);
	assert_int_equal(closed_says(t, &kernel, top, target), c->closed);

	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	assert_int_equal(p->verdict, c->verdict);
	if (c->why && !strstr(p->why, c->why))
		fail_msg("\"%s\" is not in \"%s\"", c->why, p->why);
	assert_int_equal(p->closes, c->may_write && c->verdict == PR_VERDICT_OK);
	if (c->verdict == PR_VERDICT_OK && c->root_port != OUTCOME_WORKS && !p->closes)
		assert_true(p->n_removed != 1 || p->removed[0] != top);
	if (c->verdict == PR_VERDICT_OK)
		assert_int_equal(pr_plan_check(p, &policy, (char[160]){ 0 }, 160), 0);
	pr_plan_free(p);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_greedy);

	return rows_run(&tests, "greedy");
}

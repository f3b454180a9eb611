/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines on which the kernel's order of placing fails although an
 * arrangement exists: found by tests/bench/study-greedy, kept as rows.  What
 * the planner makes of them is part of each.
 */
#include <string.h>

#include "machine.h"
#include "opinions.h"
#include "rows.h"

/* 256 MiB and the reserve of a hot-plug port beside it, in 384 MiB. */
#define BESIDE_A_RESERVE                                                                 \
	"root 0000:00-ff io=2000-7fff mem=c0000000-cfffffff mem=100000000-117ffffff "    \
	"mem=e0000000-e00fffff\n"                                                        \
	"00:1f.2 dev 8086:2922 bar5=mem:1000@e0000000 driver=ahci user=mount:/\n"        \
	"00:02.0 bridge 01-04 root-port hotplug driver=pcieport mem=c0000000-c03fffff "  \
	"pref64=100000000-1002fffff io=2000-2fff\n"                                      \
	"01:00.0 bridge 02-04 upstream driver=pcieport mem=c0000000-c03fffff "           \
	"pref64=100000000-1001fffff io=2000-2fff\n"                                      \
	"02:00.0 bridge 03-03 downstream hotplug driver=pcieport mem=c0000000-c03fffff " \
	"pref64=100000000-1001fffff io=2000-2fff\n"                                      \
	"02:01.0 bridge 04-04 downstream hotplug driver=pcieport\n"                      \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@forgotten "                   \
	"bar2=pref64:10000000@forgotten\n"

/* 128 and 64 MiB in 192 MiB: the last byte is needed. */
#define TO_THE_LAST_BYTE                                                                 \
	"root 0000:00-ff io=2000-7fff mem=c0000000-c7ffffff mem=100000000-10bffffff "    \
	"mem=e0000000-e00fffff\n"                                                        \
	"00:1f.2 dev 8086:2922 bar5=mem:1000@e0000000 driver=ahci user=mount:/\n"        \
	"00:02.0 bridge 01-05 root-port driver=pcieport mem=c0000000-c44fffff "          \
	"pref64=100000000-103ffffff io=2000-4fff\n"                                      \
	"01:00.0 bridge 02-05 upstream driver=pcieport mem=c0000000-c44fffff "           \
	"pref64=100000000-103ffffff io=2000-4fff\n"                                      \
	"02:00.0 bridge 03-03 downstream hotplug driver=pcieport mem=c0000000-c3ffffff " \
	"io=2000-2fff\n"                                                                 \
	"03:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@forgotten "                   \
	"bar2=pref64:8000000@forgotten\n"                                                \
	"02:01.0 bridge 04-04 downstream hotplug driver=pcieport mem=c4000000-c44fffff " \
	"pref64=100000000-103ffffff io=3000-4fff\n"                                      \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:4000@c4000000 "                     \
	"bar2=pref64:4000000@100000000 bar1=io:20@3000\n"                                \
	"02:02.0 bridge 05-05 downstream hotplug driver=pcieport\n"

/* The empty port beside the root port lies where the new window would have to. */
#define NEXT_TO_AN_EMPTY_PORT                                                            \
	"root 0000:00-ff io=2000-7fff mem=c0000000-c3ffffff mem=100000000-10bffffff "    \
	"mem=e0000000-e00fffff\n"                                                        \
	"00:1f.2 dev 8086:2922 bar5=mem:1000@e0000000 driver=ahci user=mount:/\n"        \
	"00:02.0 bridge 01-04 root-port driver=pcieport mem=c0000000-c0dfffff "          \
	"pref64=100000000-1047fffff io=2000-3fff\n"                                      \
	"01:00.0 bridge 02-04 upstream hotplug driver=pcieport mem=c0000000-c0dfffff "   \
	"pref64=100000000-1047fffff io=2000-3fff\n"                                      \
	"02:00.0 bridge 03-03 downstream hotplug driver=pcieport mem=c0000000-c00fffff " \
	"pref64=102000000-1027fffff io=2000-2fff\n"                                      \
	"03:00.0 dev 8086:10d3 class=020000 bar0=mem:4000@c0000000 "                     \
	"bar2=pref64:4000000@forgotten\n"                                                \
	"02:01.0 bridge 04-04 downstream hotplug driver=pcieport mem=c0100000-c09fffff " \
	"pref64=100000000-101ffffff\n"                                                   \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:80000@c0100000 "                    \
	"bar2=pref64:2000000@100000000\n"                                                \
	"00:03.0 bridge 05-05 root-port hotplug driver=pcieport mem=c0e00000-c10fffff "  \
	"pref64=104800000-1087fffff io=4000-4fff\n"                                      \
	"05:00.0 dev 8086:10d3 class=020000 bar0=mem:40000@c0e00000\n"

static const struct greedy_case {
	const char *name, *machine;
	enum outcome root_port, closed; /* removed as it is; with its windows closed before */
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
	{ .name = "6.12 does so, too",
		.machine = "kernel 6.12.0\n" BESIDE_A_RESERVE,
		.root_port = OUTCOME_NEWCOMER,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "makes this kernel (6.12) produce it: " },
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
	const struct pr_request request = { 0 };
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
	if (c->verdict == PR_VERDICT_OK && c->root_port != OUTCOME_WORKS)
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

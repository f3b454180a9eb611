/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reserves: a machine, the room that a slot is to have, and how it gets it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/plan.h"
#include "rows.h"

#define M    UINT64_C(0x100000)
#define G    (1024 * M)
#define HOST "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
#define SWITCH                                                                                     \
	"00:02.0 bridge 01-05 root-port hotplug mem=fe000000-fe5fffff pref64=fe800000-fedfffff\n"  \
	"01:00.0 bridge 02-05 upstream mem=fe000000-fe5fffff pref64=fe800000-fedfffff\n"           \
	"02:00.0 bridge 03-03 downstream hotplug mem=fe000000-fe1fffff pref64=fe800000-fe9fffff\n" \
	"02:01.0 bridge 04-04 downstream hotplug mem=fe200000-fe3fffff pref64=fea00000-febfffff\n" \
	"02:02.0 bridge 05-05 downstream hotplug mem=fe400000-fe5fffff pref64=fec00000-fedfffff\n"
#define DISK(driver) "03:00.0 dev 1b36:0010 class=010802 bar0=mem64:4000@fe000000 " driver "\n"

static const struct reserve_case {
	const char *name, *machine;
	struct pr_reserve asked;
	enum pr_disruption limit;
	enum pr_verdict verdict;
	const char *advice; /* its setting; NULL: none */
	const char *why;    /* a part of it */
} cases[] = {
	{ .name = "6.1: the size is written, and kept",
		.machine = "kernel 6.1.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(""),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_PREF, G } },
	{ .name = "6.12: the same for the window below 4 GiB",
		.machine = "kernel 6.12.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(""),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_MEM, 64 * M } },
	{ .name = "a root port itself",
		.machine = "kernel 6.12.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(""),
		.asked = { { 0, 0, 2, 0 }, PR_WINDOW_PREF, 2 * G } },
	{ .name = "6.12: I/O ports",
		.machine = "kernel 6.12.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(""),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_IO, 0x3000 } },
	{ .name = "7.2 keeps what an I/O window asks for",
		.machine = "kernel 7.2.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(""),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_IO, 0x3000 } },
	{ .name = "a window with 32-bit I/O addresses",
		.machine = "kernel 7.2.0\ncmdline quiet\nlockdown none\n"
			   "root 0000:00-ff io=1000-1fff io=20000-2ffff mem=c0000000-febfffff\n"
			   "00:02.0 bridge 01-01 root-port hotplug io=20000-20fff\n",
		.asked = { { 0, 0, 2, 0 }, PR_WINDOW_IO, 0x4000 } },
	{ .name = "in lockdown I/O ports come from a boot as well",
		.machine = "kernel 7.2.0\ncmdline quiet\nlockdown integrity\n" HOST SWITCH DISK(""),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_IO, 0x3000 },
		.verdict = PR_VERDICT_INFEASIBLE,
		.advice = "pci=resource_alignment=0000:00:02.0,hpiosize=12K",
		.why = "in lockdown" },
	{ .name = "what is there already is not done again",
		.machine = "kernel 6.12.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(""),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_MEM, 2 * M },
		.verdict = PR_VERDICT_NOTHING },
	{ .name = "a driver that would be restarted is asked for first, and the boot is the other way",
		.machine = "kernel 6.12.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(
			"driver=nvme"),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_PREF, G },
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.advice = "pci=resource_alignment=0000:00:02.0,hpmmioprefsize=1G" },
	{ .name = "7.2 forgets sizes: only a boot gives room",
		.machine = "kernel 7.2.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(""),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_PREF, G },
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.advice = "pci=resource_alignment=0000:00:02.0,hpmmioprefsize=1G",
		.why = "forgets what its register asks for" },
	{ .name = "who has booted by an advice is not told to name the port twice",
		.machine =
			"kernel 7.2.0\ncmdline pci=resource_alignment=0000:00:02.0\nlockdown none\n" HOST
				SWITCH DISK(""),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_PREF, G },
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.advice = "pci=resource_alignment=0000:00:02.0,hpmmioprefsize=1G" },
	{ .name = "room that must not depend on where firmware has the windows begin",
		.machine = "kernel 7.2.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(
			"") "00:04.0 dev 8086:0001 class=ff0000 bar0=mem:1000@c0000000\n",
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_MEM, 32 * M },
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.advice = "pci=resource_alignment=0000:00:02.0,hpmmiosize=64M",
		.why = "forgets what its register asks for" },
	{ .name = "in lockdown too",
		.machine =
			"kernel 6.12.0\ncmdline quiet\nlockdown integrity\n" HOST SWITCH DISK(""),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_PREF, G },
		.verdict = PR_VERDICT_INFEASIBLE,
		.advice = "pci=resource_alignment=0000:00:02.0,hpmmioprefsize=1G",
		.why = "in lockdown" },
	{ .name = "what others have is not given away",
		.machine = "kernel 6.12.0\ncmdline quiet\nlockdown none\n"
			   "root 0000:00-ff io=1000-ffff mem=fe000000-fedfffff\n" SWITCH DISK(""),
		.asked = { { 0, 2, 1, 0 }, PR_WINDOW_MEM, 12 * M },
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE },
};

static void check_good(
	const struct reserve_case *c, struct pr_plan *p, const struct pr_policy *policy)
{
	const struct pr_function *f = pr_topology_find(p->prediction, &c->asked.bridge);
	const struct pr_resource *w = pr_function_resource(f, c->asked.window);
	const uint64_t block = c->asked.window == PR_WINDOW_IO ? 0x1000 : c->asked.size;
	char why[256] = "";
	uint64_t base;
	size_t n = 0;

	if (pr_plan_check(p, policy, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	assert_true(w->state == PR_RES_ASSIGNED && w->size >= c->asked.size);
	assert_true(pr_align_up(w->range.first, block, &base));
	assert_true(base + c->asked.size - 1 <= w->range.last);
	for (size_t i = 0; i < p->n_steps; i++)
		n += p->steps[i].kind == PR_STEP_WRITE;
	assert_true(n > 0);
}

static void test_reserve(void **state)
{
	const struct reserve_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	const struct pr_policy policy = { .limit = c->limit };
	const struct pr_request request = {
		.reserves = &c->asked, .n_reserves = 1, .advise = true
	};
	struct pr_plan *p;

	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	if (p->why)
		print_message("%s\n", p->why);
	assert_string_equal(pr_verdict_name(p->verdict), pr_verdict_name(c->verdict));
	if (c->verdict == PR_VERDICT_OK)
		check_good(c, p, &policy);
	assert_int_equal(p->n_advice, c->advice != NULL);
	if (c->advice)
		assert_string_equal(p->advice[0].setting, c->advice);
	if (c->why)
		assert_non_null(strstr(p->why, c->why));
	pr_plan_free(p);
	pr_topology_free(t);
}

static void a_window_is_opened_only_where_nobody_is(void **state)
{
	static const struct pr_reserve asked = { { 0, 2, 1, 0 }, PR_WINDOW_PREF, G };
	const struct pr_request request = { .reserves = &asked, .n_reserves = 1 };
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	struct pr_topology *t =
		machine_build("kernel 6.12.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(
			"") "00:04.0 dev 8086:0001 class=020000 bar0=pref64:40000000@100000000\n");
	struct pr_plan *p;
	char why[256];

	(void)state;
	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	assert_int_equal(pr_plan_check(p, &policy, why, sizeof(why)), 0);
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].kind == PR_STEP_WRITE && p->steps[i].offset == 0x24)
			p->steps[i].value = p->steps[i].value == 0x1fff1 ? 0x1fff1 : 0x3ff00001;
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].kind == PR_STEP_WRITE && p->steps[i].offset >= 0x28 &&
			p->steps[i].value != 0)
			p->steps[i].value = 1;
	assert_int_equal(pr_plan_check(p, &policy, why, sizeof(why)), 1);
	pr_plan_free(p);
	pr_topology_free(t);
}

static void what_is_no_reserve_is_refused(void **state)
{
	static const struct pr_reserve bad[] = {
		{ { 0, 2, 1, 0 }, PR_WINDOW_IO, 0x800 },
		{ { 0, 2, 1, 0 }, PR_WINDOW_IO - 1, M },
		{ { 0, 2, 1, 0 }, PR_WINDOW_PREF, 0 },
		{ { 0, 2, 1, 0 }, PR_WINDOW_PREF, M + 1 },
		{ { 0, 3, 0, 0 }, PR_WINDOW_PREF, M },
	};
	struct pr_topology *t =
		machine_build("kernel 6.12.0\ncmdline quiet\nlockdown none\n" HOST SWITCH DISK(""));
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	struct pr_plan *p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct pr_request request = { .reserves = &bad[i], .n_reserves = 1 };

		assert_int_equal(pr_plan_make(t, &request, &policy, &p), -EINVAL);
	}
	pr_topology_free(t);
}

/* ---- what slots are to have in any case ---- */

/* A dead card beside a slot that has 64 MiB, and 2 MiB, and one bus. */
#define KEEPING(kernel)                                                        \
	"kernel " kernel "\ncmdline quiet\nlockdown none\n" HOST               \
	"00:02.0 bridge 01-04 root-port hotplug pref64=100000000-107ffffff\n"  \
	"01:00.0 bridge 02-04 upstream pref64=100000000-107ffffff\n"           \
	"02:00.0 bridge 03-03 downstream hotplug pref64=100000000-1001fffff\n" \
	"02:01.0 bridge 04-04 downstream hotplug pref64=104000000-107ffffff\n" \
	"03:00.0 dev 1234:1111 class=038000 bar2=pref64:10000000@forgotten\n"

static const struct standing_case {
	const char *name, *machine;
	struct pr_slot_reserve want;
	enum pr_verdict verdict;
	const char *why;
} standing[] = {
	{ .name = "6.12 keeps the room of a slot that moves along",
		.machine = KEEPING("6.12.0"),
		.want = { .slot = "0000:02:01.0", .pref = 64 * M } },
	{ .name = "7.2 does not: there is a plan, and it is not taken",
		.machine = KEEPING("7.2.0"),
		.want = { .slot = "0000:02:01.0", .pref = 64 * M },
		.verdict = PR_VERDICT_VETOED,
		.why = "0000:02:01.0 is to keep 64 MiB in its prefetchable window" },
	{ .name = "a slot is named by its path as well",
		.machine = KEEPING("7.2.0"),
		.want = { .slot = "0000:00/02.0/00.0/01.0", .pref = 64 * M },
		.verdict = PR_VERDICT_VETOED,
		.why = "is to keep 64 MiB" },
	{ .name = "what a slot does not have it cannot lose",
		.machine = KEEPING("7.2.0"),
		.want = { .slot = "0000:02:01.0", .pref = 128 * M } },
	{ .name = "a slot that is not there holds nobody up",
		.machine = KEEPING("7.2.0"),
		.want = { .slot = "0000:09:01.0", .pref = 64 * M } },
	{ .name = "what comes back as large as it is to be is no loss",
		.machine = KEEPING("7.2.0"),
		.want = { .slot = "0000:02:01.0", .pref = 2 * M, .buses = 1 } },
};

static void test_standing(void **state)
{
	const struct standing_case *c = *state;
	const struct pr_policy policy = {
		.limit = PR_DISRUPTION_IN_USE, .reserves = &c->want, .n_reserves = 1
	};
	const struct pr_policy without = { .limit = PR_DISRUPTION_IN_USE };
	struct pr_topology *t = machine_build(c->machine);
	struct pr_plan *p;
	char why[256] = "";

	assert_int_equal(pr_plan_make(t, &(struct pr_request){ 0 }, &policy, &p), 0);
	assert_string_equal(pr_verdict_name(p->verdict), pr_verdict_name(c->verdict));
	if (c->why)
		assert_non_null(strstr(p->why, c->why));
	else if (pr_plan_check(p, &policy, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	pr_plan_free(p);

	/* whoever asks briefly does not ask who is in the way */
	assert_int_equal(pr_plan_make(t, &(struct pr_request){ .brief = true }, &policy, &p), 0);
	assert_int_equal(p->verdict, c->why ? PR_VERDICT_INFEASIBLE : PR_VERDICT_OK);
	assert_null(p->why);
	pr_plan_free(p);

	/* the check sees it by itself */
	assert_int_equal(pr_plan_make(t, &(struct pr_request){ 0 }, &without, &p), 0);
	assert_int_equal(pr_plan_check(p, &policy, why, sizeof(why)), c->why != NULL);
	pr_plan_free(p);
	pr_topology_free(t);
}

static void what_a_slot_lacks_can_be_asked_for(void **state)
{
	static const struct pr_slot_reserve want = {
		.slot = "0000:02:01.0", .io = 0x2000, .mem = 4 * M, .pref = 64 * M, .buses = 3
	};
	const struct pr_policy policy = {
		.limit = PR_DISRUPTION_IN_USE, .reserves = &want, .n_reserves = 1
	};
	struct pr_topology *t = machine_build(KEEPING("6.12.0"));
	struct pr_slot_lack lack;
	struct pr_request request;
	struct pr_plan *p;
	char why[256] = "";

	(void)state;
	assert_true(pr_slot_lacks(t, &want, &lack));
	assert_int_equal(lack.n_reserves, 2);
	assert_int_equal(lack.reserves[0].window, PR_WINDOW_IO);
	assert_int_equal(lack.reserves[1].window, PR_WINDOW_MEM);
	assert_int_equal(lack.n_buses, 1);
	request = (struct pr_request){ .reserves = lack.reserves,
		.n_reserves = lack.n_reserves,
		.buses = &lack.buses,
		.n_buses = lack.n_buses };
	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	if (pr_plan_check(p, &policy, why, sizeof(why)) != 0)
		fail_msg("%s %s", p->why, why);
	assert_false(pr_slot_lacks(p->prediction,
		&(struct pr_slot_reserve){ .slot = "0000:00/02.0/00.0/01.0",
			.io = want.io,
			.mem = want.mem,
			.pref = want.pref,
			.buses = want.buses },
		&lack));
	pr_plan_free(p);
	pr_topology_free(t);
}

/* A bridge without numbers beside two empty slots: what is left over is spread. */
#define SPREAD                                                      \
	"kernel 7.2.0\ncmdline quiet\nlockdown none\n"              \
	"root 0000:00-10 io=1000-ffff mem=c0000000-febfffff\n"      \
	"00:02.0 bridge 01-10 root-port driver=pcieport\n"          \
	"01:00.0 bridge 02-10 upstream driver=pcieport\n"           \
	"02:00.0 bridge 03-0e downstream hotplug driver=pcieport\n" \
	"02:01.0 bridge 0f-0f downstream hotplug driver=pcieport\n" \
	"02:02.0 bridge 10-10 downstream hotplug driver=pcieport\n" \
	"10:00.0 bridge none upstream\n"

static unsigned int spread_to(const struct pr_slot_reserve *want, const char *address)
{
	const struct pr_policy policy = {
		.limit = PR_DISRUPTION_IN_USE, .reserves = want, .n_reserves = want != NULL
	};
	struct pr_topology *t = machine_build(SPREAD);
	const struct pr_function *now;
	struct pr_plan *p;
	char why[256] = "";
	unsigned int n;

	assert_int_equal(pr_plan_make(t, &(struct pr_request){ 0 }, &policy, &p), 0);
	if (pr_plan_check(p, &policy, why, sizeof(why)) != 0)
		fail_msg("%s %s", p->why ? p->why : "", why);
	now = pr_topology_same(p->prediction, machine_function(t, address));
	n = now->bridge->subordinate - now->bridge->secondary + 1u;
	pr_plan_free(p);
	pr_topology_free(t);
	return n;
}

static void a_slot_gets_the_spare_numbers_that_the_policy_wishes_for(void **state)
{
	static const struct pr_slot_reserve nine = { .slot = "0000:02:00.0", .buses = 9 };
	static const struct pr_slot_reserve hundred = { .slot = "0000:02:00.0", .buses = 100 };
	const unsigned int evenly = spread_to(NULL, "02:00.0");

	(void)state;
	assert_in_range(evenly, 1, 8);
	assert_in_range(spread_to(&nine, "02:00.0"), 9, 14);
	assert_int_equal(spread_to(&hundred, "02:00.0"), evenly);
}

int main(void)
{
	struct rows rows = { 0 };

	ADD_ROWS(&rows, cases, test_reserve);
	ADD_ROWS(&rows, standing, test_standing);
	ADD_TEST(&rows, what_a_slot_lacks_can_be_asked_for);
	ADD_TEST(&rows, a_slot_gets_the_spare_numbers_that_the_policy_wishes_for);
	ADD_TEST(&rows, a_window_is_opened_only_where_nobody_is);
	ADD_TEST(&rows, what_is_no_reserve_is_refused);
	return rows_run(&rows, "reserve");
}

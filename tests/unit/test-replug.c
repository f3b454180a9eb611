/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A card away and back: what is planned, what may be missing afterwards, and what is refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/plan.h"
#include "plan-machines.h"
#include "rows.h"

static const struct replug_case {
	const char *name, *machine, *card, *pin;
	enum pr_disruption limit;
	enum pr_verdict verdict;
	const char *steps, *why; /* @why: part of it */
	unsigned int removed, restarted, in_use;
} cases[] = {
	{ .name = "a card with a driver goes, and its port is scanned",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.card = "0000:04:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_OK,
		.steps = "unbind 0000:04:00.0\nremove 0000:04:00.0\nrescan 0000:02:01.0\n"
			 "expect\n",
		.removed = 1,
		.restarted = 1 },
	{ .name = "a card without a driver goes where none may be restarted",
		.machine = PACKED("6.12.0", "", ""),
		.card = "0000:04:00.0",
		.limit = PR_DISRUPTION_FREE,
		.verdict = PR_VERDICT_OK,
		.steps = "remove 0000:04:00.0\nrescan 0000:02:01.0\nexpect\n",
		.removed = 1 },
	{ .name = "a driver is not restarted when none may be",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.card = "0000:04:00.0",
		.limit = PR_DISRUPTION_FREE,
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.why = "0000:04:00.0",
		.removed = 1,
		.restarted = 1 },
	{ .name = "who pins it is told",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.card = "0000:04:00.0",
		.pin = "0000:04:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_VETOED,
		.why = "0000:04:00.0",
		.removed = 1,
		.in_use = 1 },
	{ .name = "a disk that is mounted",
		.machine = PACKED("6.12.0", "", "driver=nvme user=mount:/srv"),
		.card = "0000:04:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.why = "/srv",
		.removed = 1,
		.in_use = 1 },
	{ .name = "a disk that is mounted, where that is allowed",
		.machine = PACKED("6.12.0", "", "driver=nvme user=mount:/srv"),
		.card = "0000:04:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_OK,
		.steps = "unbind 0000:04:00.0\nremove 0000:04:00.0\nrescan 0000:02:01.0\n"
			 "expect\n",
		.removed = 1,
		.in_use = 1 },
	{ .name = "nobody knows what the kernel would do when it comes back",
		.machine = "arch ppc64le\n" PACKED("6.12.0", "", "driver=e1000e"),
		.card = "0000:04:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_UNKNOWN,
		.why = "firmware aligns windows" },
	{ .name = "a switch goes with all below it",
		.machine = PACKED("6.12.0", "", "driver=e1000e"),
		.card = "0000:01:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_OK,
		.steps = "unbind 0000:04:00.0\nremove 0000:01:00.0\nrescan 0000:00:02.0\n"
			 "expect\n",
		.removed = 5,
		.restarted = 1 },
};

static struct pr_plan *plan_of(const struct replug_case *c, const struct pr_topology *t,
	struct pr_policy *policy, const char *const *pins)
{
	struct pr_address a;
	struct pr_plan *p;

	*policy =
		(struct pr_policy){ .limit = c->limit, .pinned = pins, .n_pinned = c->pin ? 1 : 0 };
	assert_true(pr_address_parse(c->card, &a));
	assert_int_equal(pr_plan_make(t, &(struct pr_request){ .replug = &a }, policy, &p), 0);
	return p;
}

static void test_plan(void **state)
{
	const struct replug_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	char steps[512] = "", address[PR_ADDRESS_MAX], why[200] = "";
	const char *const pins[] = { c->pin };
	struct pr_policy policy;
	struct pr_plan *p = plan_of(c, t, &policy, pins);
	size_t n = 0;

	assert_int_equal(p->verdict, c->verdict);
	assert_int_equal(p->n_targets, 0);
	if (c->verdict != PR_VERDICT_UNKNOWN) {
		assert_int_equal(p->cost.removed, c->removed);
		assert_int_equal(p->cost.restarted, c->restarted);
		assert_int_equal(p->cost.in_use, c->in_use);
	}
	for (size_t i = 0; c->steps && i < p->n_steps; i++) {
		pr_address_format(&p->steps[i].address, address);
		n += (size_t)snprintf(steps + n, sizeof(steps) - n, "%s%s%s\n",
			pr_step_name(p->steps[i].kind),
			p->steps[i].kind == PR_STEP_EXPECT ? "" : " ",
			p->steps[i].kind == PR_STEP_EXPECT ? "" : address);
	}
	if (c->steps) {
		assert_string_equal(steps, c->steps);
		if (pr_plan_check(p, &policy, why, sizeof(why)) != 0)
			fail_msg("%s", why);
	}
	if (c->why && (!p->why || !strstr(p->why, c->why)))
		fail_msg("%s", p->why ? p->why : "no reason");
	pr_plan_free(p);
	pr_topology_free(t);
}

/* Another card may be there, or none; for everybody else the rule is the usual one. */
static void test_outcome(void **state)
{
	struct pr_topology *t = machine_build(PACKED("6.12.0", "", "driver=e1000e"));
	struct pr_topology *now = machine_build(PACKED("6.12.0", "", "driver=e1000e"));
	struct pr_policy policy;
	struct pr_plan *p = plan_of(&cases[0], t, &policy, NULL);
	char why[200] = "";

	(void)state;
	machine_function(now, "0000:04:00.0")->removed = true;
	assert_false(pr_nothing_lost(t, now, why, sizeof(why)));
	assert_true(pr_plan_lost_nothing(p, now, why, sizeof(why)));
	machine_function(now, "0000:03:00.0")->removed = true;
	assert_false(pr_plan_lost_nothing(p, now, why, sizeof(why)));
	pr_plan_free(p);
	pr_topology_free(now);
	pr_topology_free(t);
}

static void test_absent(void **state)
{
	struct pr_topology *t = machine_build(PACKED("6.12.0", "", ""));
	const struct pr_address nobody = { .bus = 9 };
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	struct pr_plan *p;

	(void)state;
	assert_int_equal(
		pr_plan_make(t, &(struct pr_request){ .replug = &nobody }, &policy, &p), -ENOENT);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_plan);
	ADD_TEST(&tests, test_outcome);
	ADD_TEST(&tests, test_absent);

	return rows_run(&tests, "replug");
}

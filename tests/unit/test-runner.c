/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runner on the simulator: the good run, every operation failing once and
 * from then on, stale plans, stopping, and what the journal says of each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "base/macros.h"
#include "machine.h"
#include "rows.h"

struct bench {
	struct scene scene;
	struct pr_backend simulator;
	struct failing failing;
	struct pr_journal *journal;
};

static void bench_init(struct bench *b)
{
	scene_setup(&b->scene);
	assert_int_equal(pr_backend_simulator_new(b->scene.machine, &b->simulator), 0);
	failing_init(&b->failing, &b->simulator);
	b->journal = scene_journal(&b->scene);
}

static void bench_deinit(struct bench *b)
{
	pr_journal_close(b->journal);
	pr_backend_simulator_free(&b->simulator);
	scene_teardown(&b->scene);
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct bench));
	assert_non_null(*state);
	bench_init(*state);
	return 0;
}

static int teardown(void **state)
{
	bench_deinit(*state);
	free(*state);
	return 0;
}

static struct pr_report run(struct bench *b, const struct pr_progress *progress)
{
	struct pr_report report;

	assert_int_equal(
		pr_run(&b->scene.plan, &b->failing.outer, b->journal, progress, &report), 0);
	return report;
}

static void assert_journal_says(struct bench *b, const char *line)
{
	char *text = scene_journal_text(&b->scene);

	if (!strstr(text, line))
		fail_msg("no \"%s\" in the journal:\n%s", line, text);
	free(text);
}

/* ---- the good run ---- */

static void test_done(void **state)
{
	struct bench *b = *state;
	struct pr_report report = run(b, NULL);

	assert_string_equal(report.text, "done as predicted, nothing was lost");
	assert_int_equal(report.outcome, PR_OUTCOME_DONE);
	assert_int_equal(report.error, 0);
	assert_int_equal(report.step, SCENE_STEPS);
	assert_true(scene_is_whole(&b->scene, &b->simulator));
	assert_true(scene_is_mended(&b->scene, &b->simulator));
	assert_string_equal(b->failing.log,
		"unbind 0000:01:00.0; read 0000:00:02.0; write 0000:00:02.0; remove 0000:00:02.0; read 0000:00:02.0; rescan 0000:00:01.0; ");
	assert_false(pr_journal_pending(b->journal));
	assert_journal_says(b, "\nend done\n");
}

static void test_journal_comes_first(void **state)
{
	static const char *const lines[] = {
		"begin 0123456789abcdef ",
		"\nroster 0000:00/02.0/00.0 0000:01:00.0 1 e1000e\n",
		"\nroster 0000:00/02.0/01.0 0000:01:01.0 1 -\n",
		"\nstep 0 unbind 0000:01:00.0 from e1000e\n",
		"\nstep 1 write 0000:00:02.0 3e/1=02, was 00\ninverse 1 0000:00/02.0 write 3e 1 2 0\n",
		"\nstep 2 remove 0000:00:02.0\ninverse 2 0000:00/02.0 rescan 0000:00:01.0\n",
		"\nstep 3 rescan 0000:00:01.0\nstep 4 expect ",
		"\ndoing 0\ndone 0\ndoing 1\ndone 1\ndoing 2\ndone 2\ndoing 3\ndone 3\ndoing 4\ndone 4\nend done\n",
	};
	struct bench *b = *state;

	(void)run(b, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_journal_says(b, lines[i]);
}

/* ---- failures ---- */

struct failure {
	const char *name;
	enum failing_how how;
	int error;
	bool forever, looks_fail;
};

static const struct failure failures[] = {
	{ "any one operation fails and was not done", FAIL_BEFORE, -EIO, false, false },
	{ "any one operation is done and its reply is lost", FAIL_AFTER, -ECONNRESET, false,
		false },
	{ "any one operation hangs until its deadline, and is done", FAIL_AFTER, -ETIMEDOUT, false,
		false },
	{ "from any operation on nothing is done", FAIL_BEFORE, -EIO, true, false },
	{ "from any operation on the machine cannot be looked at either", FAIL_BEFORE, -ECONNRESET,
		true, true },
	{ "from any operation on all is done and no reply comes", FAIL_AFTER, -ECONNRESET, true,
		true },
};

/* Nothing is lost; or it is reported, or still in the journal, and then recovery brings it back. */
static void check_after(struct bench *b, const struct failure *f, const struct pr_report *report)
{
	bool whole = scene_is_whole(&b->scene, &b->simulator);

	if (report->outcome == PR_OUTCOME_ROLLED_BACK || report->outcome == PR_OUTCOME_DONE)
		assert_true(whole);
	else
		assert_int_equal(report->outcome, PR_OUTCOME_LOST);
	if (!f->forever) {
		assert_true(whole);
		assert_int_equal(scene_register(&b->simulator), 0);
	}
	if (!whole)
		assert_true(pr_journal_pending(b->journal));
	if (!pr_journal_pending(b->journal))
		assert_journal_says(b, "\nend ");
}

static void recover_after(struct bench *b)
{
	struct pr_report report;

	pr_journal_close(b->journal);
	b->journal = scene_journal(&b->scene);
	b->failing.at = 0;
	assert_int_equal(pr_recover(&b->failing.outer, b->journal, &report), 0);
	assert_int_equal(report.error, 0);
	assert_true(scene_is_whole(&b->scene, &b->simulator));
	assert_int_equal(scene_register(&b->simulator), 0);
	assert_true(report.outcome == PR_OUTCOME_ROLLED_BACK || report.outcome == PR_OUTCOME_DONE);
	assert_false(pr_journal_pending(b->journal));
}

static void test_failure(void **state)
{
	const struct failure *f = *state;
	struct pr_report report;
	unsigned int at, n_failed = 0;

	for (at = 1;; at++) {
		struct bench b;

		bench_init(&b);
		b.failing.at = at;
		b.failing.until = f->forever ? UINT32_MAX : at;
		b.failing.how = f->how;
		b.failing.error = f->error;
		b.failing.looks_fail = f->looks_fail;
		report = run(&b, NULL);
		if (b.failing.operations < at) {
			bench_deinit(&b);
			break;
		}
		n_failed++;
		if (report.error != f->error)
			fail_msg("operation %u: error %d, %s", at, report.error, report.text);
		check_after(&b, f, &report);
		recover_after(&b);
		bench_deinit(&b);
	}
	assert_int_equal(report.outcome, PR_OUTCOME_DONE);
	assert_int_equal(n_failed, 6);
}

/* ---- back ends that lie, and drivers that do not come back ---- */

static int fail_bind(void *instance, const struct pr_address *a, const char *driver)
{
	(void)instance;
	(void)a;
	(void)driver;
	return -ENODEV;
}

static void test_driver_refuses(void **state)
{
	struct bench *b = *state;
	struct pr_backend_ops ops = *b->failing.outer.ops;
	struct pr_report report;

	/* the remove fails, so the unbound driver is bound again; and will not */
	ops.bind = fail_bind;
	b->failing.outer.ops = &ops;
	b->failing.at = b->failing.until = 4;
	report = run(b, NULL);
	assert_int_equal(report.outcome, PR_OUTCOME_LOST);
	assert_int_equal(report.error, -EIO);
	assert_string_equal(report.text,
		"step 3 (remove 0000:00:02.0) failed: Input/output error; lost: 0000:01:00.0 is without its driver e1000e");
	assert_false(pr_journal_pending(b->journal)); /* known and told: nothing left to undo */
	assert_journal_says(b, "\nend lost\n");
}

static int forget_rescan(void *instance, const struct pr_address *a)
{
	(void)instance;
	(void)a;
	return 0; /* a write to rescan always succeeds, whatever came of it */
}

static void test_rescan_does_nothing(void **state)
{
	struct bench *b = *state;
	struct pr_backend_ops ops = *b->failing.outer.ops;
	struct pr_report report;

	ops.rescan = forget_rescan;
	b->failing.outer.ops = &ops;
	report = run(b, NULL);
	assert_int_equal(
		report.outcome, PR_OUTCOME_ROLLED_BACK); /* the root bus was rescanned instead */
	assert_non_null(strstr(report.text, "0000:00:02.0 is gone"));
	assert_true(scene_is_whole(&b->scene, &b->simulator));
	assert_non_null(strstr(b->failing.log, "rescan-root 0000:00:00.0; "));
}

/* The helper dies in the removal, and the one started for the undoing dies too. */
static void assert_survives_death(struct bench *b, unsigned int first, unsigned int last)
{
	struct pr_report report;

	b->failing.at = first;
	b->failing.until = last;
	b->failing.how = FAIL_BEFORE;
	b->failing.error = -ECONNRESET;
	report = run(b, NULL);
	assert_int_equal(report.outcome, PR_OUTCOME_ROLLED_BACK);
	assert_int_equal(report.error, -ECONNRESET);
	assert_false(pr_journal_pending(b->journal));
	assert_true(scene_is_whole(&b->scene, &b->simulator));
	assert_int_equal(scene_register(&b->simulator), 0);
}

static void test_dies_at_register(void **state)
{
	assert_survives_death(
		*state, 4, 5); /* remove, then the read before the register is put back */
}

static void test_dies_at_rescan(void **state)
{
	struct bench *b = *state;

	b->scene.plan.n_steps = SCENE_STEPS - 1; /* without the write */
	memmove(b->scene.steps + 1, b->scene.steps + 2, 3 * sizeof(b->scene.steps[0]));
	assert_survives_death(b, 2, 4); /* remove, then both ways to rescan */
}

static int forget_root(void *instance, uint32_t domain, uint8_t bus)
{
	(void)instance;
	(void)domain;
	(void)bus;
	return 0;
}

static void test_lost(void **state)
{
	struct bench *b = *state;
	struct pr_backend_ops ops = *b->failing.outer.ops;
	struct pr_report report;

	ops.rescan = forget_rescan;
	ops.rescan_root = forget_root;
	b->failing.outer.ops = &ops;
	report = run(b, NULL);
	assert_int_equal(report.outcome, PR_OUTCOME_LOST);
	assert_non_null(strstr(report.text, "0000:00:02.0 is gone, 0000:01:00.0 is gone"));
	assert_journal_says(b, "\nend lost\n");
}

static void test_differs(void **state)
{
	struct bench *b = *state;
	struct pr_report report;
	struct pr_function *f = machine_function(b->scene.plan.prediction, SCENE_DEAD);
	struct pr_resource *bar = pr_function_resource(f, 2);

	assert_true(pr_range_make(&bar->range, 0x700000000, bar->size));
	report = run(b, NULL);
	assert_int_equal(report.outcome, PR_OUTCOME_DIFFERS);
	assert_true(scene_is_mended(&b->scene, &b->simulator));
	assert_journal_says(b, "\nend differs\n");
}

/* Nothing is placed anew then. */
static void leave_out_remove(struct bench *b)
{
	b->scene.steps[2] = b->scene.steps[3];
	b->scene.steps[3] = b->scene.steps[4];
	b->scene.plan.n_steps = 4;
}

static void test_did_not_help(void **state)
{
	struct bench *b = *state;
	struct pr_report report;

	leave_out_remove(b);
	report = run(b, NULL);
	assert_int_equal(report.outcome, PR_OUTCOME_ROLLED_BACK);
	assert_non_null(strstr(report.text, "it did not help: "));
	assert_journal_says(b, "\nend rolled-back\n");
}

/* ---- stale plans ---- */

static void assert_stale(struct bench *b, const char *text)
{
	struct pr_report report = run(b, NULL);
	char *journal;

	assert_int_equal(report.outcome, PR_OUTCOME_STALE);
	if (!strstr(report.text, text))
		fail_msg("\"%s\"", report.text);
	assert_int_equal(b->failing.operations, 0);
	journal = scene_journal_text(&b->scene);
	assert_string_equal(journal, "");
	free(journal);
}

static void test_stale_generation(void **state)
{
	struct bench *b = *state;

	b->scene.plan.generation++;
	assert_stale(b, "the machine has changed since the plan was made");
}

static void test_stale_vanished(void **state)
{
	struct bench *b = *state;
	struct pr_address card;

	assert_true(pr_address_parse(SCENE_CARD, &card));
	assert_int_equal(b->simulator.ops->remove(b->simulator.instance, &card), 0);
	assert_stale(b, "0000:01:00.0 has vanished since the plan was made; nothing was touched");
}

static void test_stale_driver(void **state)
{
	struct bench *b = *state;
	struct pr_address card;

	assert_true(pr_address_parse(SCENE_CARD, &card));
	assert_int_equal(b->simulator.ops->unbind(b->simulator.instance, &card), 0);
	assert_stale(
		b, "0000:01:00.0 was planned with e1000e and 0 users, it has no driver and 0 now");
}

static int look_with_user(void *instance, struct pr_topology **ret)
{
	static const struct pr_user mount = { "mount", "/srv" };
	static struct pr_facts facts;
	struct failing *f = instance;
	struct pr_function *card;
	int r;

	r = f->inner.ops->look(f->inner.instance, ret);
	assert_int_equal(r, 0);
	card = machine_function(*ret, SCENE_CARD);
	facts = *card->facts;
	facts.users = &mount;
	facts.n_users = 1;
	card->facts = &facts;
	return 0;
}

static void test_stale_user(void **state)
{
	struct bench *b = *state;
	struct pr_backend_ops ops = *b->failing.outer.ops;

	ops.look = look_with_user;
	b->failing.outer.ops = &ops;
	assert_stale(
		b, "0000:01:00.0 was planned with e1000e and 0 users, it has e1000e and 1 now");
}

/* Somebody has written the register since: it is not ours any more. */
static void test_register_changed(void **state)
{
	struct bench *b = *state;
	struct pr_report report;

	b->scene.steps[1].old = 0x07;
	report = run(b, NULL);
	assert_int_equal(report.outcome, PR_OUTCOME_STALE);
	assert_int_equal(report.error, -ESTALE);
	assert_int_equal(report.step, 1);
	assert_null(strstr(b->failing.log, "write"));
	assert_true(scene_is_whole(&b->scene, &b->simulator));
}

/* ---- others ---- */

/* The removal is undone behind our back, before the next one. */
static int remove_and_rescan(void *instance, const struct pr_address *a)
{
	struct failing *f = instance;
	const struct pr_backend *inner = &f->inner;
	struct pr_address neighbour;
	int r;

	assert_true(pr_address_parse("0000:00:01.0", &neighbour));
	r = inner->ops->remove(inner->instance, a);
	return r < 0 ? r : inner->ops->rescan(inner->instance, &neighbour);
}

static void test_rescan_by_others(void **state)
{
	struct bench *b = *state;
	struct pr_backend_ops ops = *b->failing.outer.ops;
	struct pr_report report;

	ops.remove = remove_and_rescan;
	b->failing.outer.ops = &ops;
	report = run(b, NULL);
	assert_int_equal(report.outcome, PR_OUTCOME_STALE);
	assert_int_equal(report.step, 3);
	assert_string_equal(report.text,
		"step 4 (rescan 0000:00:01.0) failed: somebody else has changed the machine; everything that was there is there");
	assert_true(scene_is_whole(&b->scene, &b->simulator));
}

/* What the plan knew of: the port and what is below it, so that 00:01.0 has come since. */
static struct pr_topology *known_before(void)
{
	return machine_build("kernel 6.1.0-50-amd64\n"
			     "root 0000:00-ff\n"
			     "00:02.0 bridge 01-01 root-port hotplug\n"
			     "00:03.0 bridge 02-02 root-port\n"
			     "01:00.0 dev 8086:10d3 class=020000\n"
			     "01:01.0 dev 1b36:0005 class=ff0000\n"
			     "02:00.0 dev 1b36:0010 class=010802\n");
}

static void test_plugged_no_help(void **state)
{
	struct pr_topology *before = known_before();
	struct bench *b = *state;
	struct pr_report report;

	leave_out_remove(b);
	b->scene.plan.topology = before;
	report = run(b, NULL);
	assert_int_equal(report.outcome, PR_OUTCOME_STALE);
	assert_non_null(strstr(report.text, "it did not help: "));
	assert_non_null(strstr(report.text,
		"; 0000:00:01.0 was plugged meanwhile; everything that was there is there"));
	pr_topology_free(before);
}

static void test_plugged_failed(void **state)
{
	struct pr_topology *before = known_before();
	struct bench *b = *state;
	struct pr_report report;

	b->scene.plan.topology = before;
	b->failing.at = b->failing.until = 4;
	report = run(b, NULL);
	assert_int_equal(report.outcome, PR_OUTCOME_STALE);
	assert_string_equal(report.text,
		"step 3 (remove 0000:00:02.0) failed: Input/output error; 0000:00:01.0 was plugged meanwhile; everything that was there is there");
	assert_true(scene_is_whole(&b->scene, &b->simulator));
	pr_topology_free(before);
}

/* Who was behind a port without bus numbers is seen when the port is mended. */
static void test_found_below_target(void **state)
{
	struct pr_topology *before = machine_build("kernel 6.1.0-50-amd64\n"
						   "root 0000:00-ff\n"
						   "00:01.0 dev 1234:1111 class=030000\n"
						   "00:02.0 bridge 01-01 root-port hotplug\n"
						   "00:03.0 bridge none root-port\n"
						   "01:00.0 dev 8086:10d3 class=020000\n"
						   "01:01.0 dev 1b36:0005 class=ff0000\n");
	struct bench *b = *state;

	b->scene.plan.topology = before;
	b->scene.targets[0] = machine_function(before, "0000:00:03.0");
	b->failing.at = b->failing.until = 4;
	assert_int_equal(run(b, NULL).outcome, PR_OUTCOME_ROLLED_BACK);
	pr_topology_free(before);
}

static unsigned int looks;

/* The card beside the target is there when the plan begins, and no more afterwards. */
static int look_without_card(void *instance, struct pr_topology **ret)
{
	struct failing *f = instance;
	int r;

	r = f->inner.ops->look(f->inner.instance, ret);
	if (r == 0 && ++looks > 1)
		machine_function(*ret, SCENE_CARD)->removed = true;
	return r;
}

static void test_card_pulled(void **state)
{
	struct bench *b = *state;
	struct pr_backend_ops ops = *b->failing.outer.ops;
	struct pr_report report;

	looks = 0;
	ops.look = look_without_card;
	b->failing.outer.ops = &ops;
	b->failing.at = b->failing.until = 4; /* the removal fails, so all is undone */
	report = run(b, NULL);
	assert_int_equal(report.outcome, PR_OUTCOME_STALE);
	assert_string_equal(report.text,
		"step 3 (remove 0000:00:02.0) failed: Input/output error; 0000:01:00.0 was pulled meanwhile; everything else is there");
	assert_journal_says(b, "\nend stale\n");
}

static int say_changed(void *userdata, const struct pr_plan *plan, size_t step, bool done)
{
	(void)userdata;
	return plan->steps[step].kind == PR_STEP_REMOVE && done ? PR_PROGRESS_CHANGED
								: PR_PROGRESS_GO;
}

static void test_told_of_others(void **state)
{
	const struct pr_progress progress = { .step = say_changed };
	struct bench *b = *state;
	struct pr_report report = run(b, &progress);

	assert_int_equal(report.outcome, PR_OUTCOME_STALE);
	assert_string_equal(report.text,
		"somebody else is changing the machine; everything that was there is there");
	assert_true(scene_is_whole(&b->scene, &b->simulator));
	assert_false(pr_journal_pending(b->journal));
}

/* ---- stopping ---- */

struct stop {
	size_t step;
	bool done;
	unsigned int calls;
};

static int stop_at(void *userdata, const struct pr_plan *plan, size_t step, bool done)
{
	struct stop *s = userdata;

	assert_true(step < plan->n_steps);
	s->calls++;
	return step == s->step && done == s->done;
}

static void test_cancel(void **state)
{
	for (size_t step = 0; step < SCENE_STEPS; step++) {
		for (int done = 0; done < 2; done++) {
			struct stop stop = { .step = step, .done = done };
			struct pr_progress progress = { .step = stop_at, .userdata = &stop };
			struct pr_report report;
			struct bench b;

			bench_init(&b);
			report = run(&b, &progress);
			if (done && step == SCENE_STEPS - 1)
				assert_int_equal(report.outcome, PR_OUTCOME_DONE); /* too late */
			else
				assert_int_equal(report.outcome, PR_OUTCOME_CANCELLED);
			assert_int_equal(stop.calls, 2 * step + (done ? 2 : 1));
			assert_true(scene_is_whole(&b.scene, &b.simulator));
			assert_false(pr_journal_pending(b.journal));
			bench_deinit(&b);
		}
	}
	(void)state;
}

/* ---- refusals ---- */

static void test_refuses(void **state)
{
	struct bench *b = *state;
	struct pr_report report;
	struct pr_topology *prediction = b->scene.plan.prediction;

	b->scene.plan.n_steps = 0;
	assert_int_equal(
		pr_run(&b->scene.plan, &b->failing.outer, b->journal, NULL, &report), -EINVAL);
	b->scene.plan.n_steps = SCENE_STEPS;
	b->scene.plan.prediction = NULL;
	assert_int_equal(
		pr_run(&b->scene.plan, &b->failing.outer, b->journal, NULL, &report), -EINVAL);
	b->scene.plan.prediction = prediction;
	b->scene.plan.verdict = PR_VERDICT_TOO_DISRUPTIVE;
	assert_int_equal(
		pr_run(&b->scene.plan, &b->failing.outer, b->journal, NULL, &report), -EINVAL);
	b->scene.plan.verdict = PR_VERDICT_OK;
	b->scene.plan.checked = false;
	assert_int_equal(
		pr_run(&b->scene.plan, &b->failing.outer, b->journal, NULL, &report), -EINVAL);
	assert_int_equal(b->failing.operations, 0);
}

static void test_refuses_pending(void **state)
{
	struct bench *b = *state;
	struct pr_report report;

	b->failing.at = 4;
	b->failing.until = UINT32_MAX;
	b->failing.how = FAIL_AFTER; /* removed, and nothing can be undone */
	(void)run(b, NULL);
	assert_true(pr_journal_pending(b->journal));
	assert_int_equal(
		pr_run(&b->scene.plan, &b->failing.outer, b->journal, NULL, &report), -EBUSY);
}

#define ON_BENCH(name, f)                      \
	{                                      \
		name, f, setup, teardown, NULL \
	}

static const struct CMUnitTest fixed[] = {
	ON_BENCH("somebody else's rescan in the middle stops the plan, and all is there",
		test_rescan_by_others),
	ON_BENCH("told of somebody else's changes it stops, and all is there", test_told_of_others),
	ON_BENCH("a card that is pulled meanwhile is told of, and is no loss of ours",
		test_card_pulled),
	ON_BENCH("a plan that works is done as predicted", test_done),
	ON_BENCH("the journal has the roster, the steps, their inverses and every mark",
		test_journal_comes_first),
	ON_BENCH("a driver that will not come back is named", test_driver_refuses),
	ON_BENCH("a rescan that finds nothing is followed by one of the root bus",
		test_rescan_does_nothing),
	ON_BENCH("a back end that dies again at a register is tried once more",
		test_dies_at_register),
	ON_BENCH("a back end that dies again at a rescan is tried once more", test_dies_at_rescan),
	ON_BENCH("what does not come back is named", test_lost),
	ON_BENCH("other addresses than predicted are told apart", test_differs),
	ON_BENCH("a plan that does not help is rolled back", test_did_not_help),
	ON_BENCH("a plan that does not help, as a card was plugged meanwhile, is stale",
		test_plugged_no_help),
	ON_BENCH("a plan that fails, as a card was plugged meanwhile, is stale",
		test_plugged_failed),
	ON_BENCH("what is found below a target was not plugged meanwhile", test_found_below_target),
	ON_BENCH("a plan for another generation touches nothing", test_stale_generation),
	ON_BENCH("a plan whose card has vanished touches nothing", test_stale_vanished),
	ON_BENCH("a plan whose card has another driver touches nothing", test_stale_driver),
	ON_BENCH("a plan whose card has got a user touches nothing", test_stale_user),
	ON_BENCH("a register that somebody else has written is not overwritten",
		test_register_changed),
	{ "stopping is possible before and after every step", test_cancel, NULL, NULL, NULL },
	ON_BENCH("a plan without steps, prediction or good verdict is refused", test_refuses),
	ON_BENCH("a plan is refused while another is pending", test_refuses_pending),
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, failures, test_failure);
	ADD_TESTS(&tests, fixed);

	return rows_run(&tests, "runner");
}

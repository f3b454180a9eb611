/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A runner that is killed, for real, before or after each of its operations;
 * what it left is brought back from the journal alone.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backends.h"
#include "base/macros.h"
#include "machine.h"

#define N_OPERATIONS 5 /* unbind, read, write, remove, rescan */

static struct pr_address at(const char *text)
{
	struct pr_address a;

	assert_true(pr_address_parse(text, &a));
	return a;
}

/*
 * The first @n operations of the scene's plan, as the killed runner has done them to its machine.
 */
static void repeat(const struct pr_backend *b, unsigned int n)
{
	struct pr_address card = at(SCENE_CARD), port = at(SCENE_PORT), stays = at("0000:00:01.0");

	if (n >= 1)
		assert_int_equal(b->ops->unbind(b->instance, &card), 0);
	if (n >= 3)
		assert_int_equal(b->ops->write(b->instance, &port, 0x3e, 1, 2), 0);
	if (n >= 4)
		assert_int_equal(b->ops->remove(b->instance, &port), 0);
	if (n >= 5)
		assert_int_equal(b->ops->rescan(b->instance, &stays), 0);
}

/* ---- dying ---- */

struct dying {
	struct failing failing;
	const struct pr_backend_ops *ops;
	unsigned int at; /* dies before this operation, counted from 1 */
	unsigned int seen;
};

static void maybe_die(struct dying *d)
{
	if (++d->seen == d->at)
		(void)raise(SIGKILL);
}

static int dying_unbind(void *instance, const struct pr_address *a)
{
	struct dying *d = instance;

	maybe_die(d);
	return d->ops->unbind(d->failing.inner.instance, a);
}

static int dying_remove(void *instance, const struct pr_address *a)
{
	struct dying *d = instance;

	maybe_die(d);
	return d->ops->remove(d->failing.inner.instance, a);
}

static int dying_rescan(void *instance, const struct pr_address *a)
{
	struct dying *d = instance;

	maybe_die(d);
	return d->ops->rescan(d->failing.inner.instance, a);
}

static int dying_read(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret)
{
	struct dying *d = instance;

	maybe_die(d);
	return d->ops->read(d->failing.inner.instance, a, offset, width, ret);
}

static int dying_write(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t value)
{
	struct dying *d = instance;

	maybe_die(d);
	return d->ops->write(d->failing.inner.instance, a, offset, width, value);
}

static int dying_look(void *instance, struct pr_topology **ret)
{
	struct dying *d = instance;

	return d->ops->look(d->failing.inner.instance, ret);
}

static const struct pr_backend_ops dying_ops = {
	.name = "dying",
	.help = "kills its process",
	.unbind = dying_unbind,
	.remove = dying_remove,
	.rescan = dying_rescan,
	.read = dying_read,
	.write = dying_write,
	.look = dying_look,
};

static int die_at_end(void *userdata, const struct pr_plan *plan, size_t step, bool done)
{
	(void)userdata;
	if (step + 1 == plan->n_steps && done)
		(void)raise(SIGKILL);
	return 0;
}

/*
 * Runs the plan in a child that is killed before operation @at; beyond the last: before the end is
 * written.
 */
static void run_and_die(struct scene *s, unsigned int killed_at)
{
	struct pr_progress progress = { .step = die_at_end };
	struct dying d = { .at = killed_at };
	struct pr_backend backend = { .ops = &dying_ops, .instance = &d };
	struct pr_report report;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (pr_backend_simulator_new(s->machine, &d.failing.inner) < 0)
			_exit(2);
		d.ops = d.failing.inner.ops;
		(void)pr_run(&s->plan, &backend, scene_journal(s), &progress, &report);
		_exit(3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- recovering ---- */

static struct pr_report recover(
	struct scene *s, const struct pr_backend *backend, bool *ret_pending)
{
	struct pr_journal *journal = scene_journal(s);
	struct pr_report report;

	assert_true(pr_journal_pending(journal));
	assert_int_equal(pr_recover(backend, journal, &report), 0);
	*ret_pending = pr_journal_pending(journal);
	pr_journal_close(journal);
	return report;
}

static void assert_recovers(struct scene *s, const struct pr_backend *backend)
{
	struct pr_report report;
	bool pending;
	char *text;

	report = recover(s, backend, &pending);
	if (report.outcome != PR_OUTCOME_ROLLED_BACK)
		fail_msg("%s: %s", pr_outcome_name(report.outcome), report.text);
	assert_int_equal(report.error, 0);
	assert_false(pending);
	assert_true(scene_is_whole(s, backend));
	assert_int_equal(scene_register(backend), 0);
	text = scene_journal_text(s);
	assert_non_null(strstr(text, "\nend rolled-back\n"));
	free(text);
}

static void test_killed(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= N_OPERATIONS + 1; i++) {
		/* killed before the operation, or in it: then it may have been done */
		for (unsigned int done = i - 1; done <= i && done <= N_OPERATIONS; done++) {
			struct pr_backend simulator;
			struct scene s;

			scene_setup(&s);
			run_and_die(&s, i);
			assert_int_equal(pr_backend_simulator_new(s.machine, &simulator), 0);
			repeat(&simulator, done);
			assert_recovers(&s, &simulator);
			pr_backend_simulator_free(&simulator);
			scene_teardown(&s);
		}
	}
}

/* Recovery itself fails from some operation on; it stays pending until one succeeds. */
static void test_recovery_fails(void **state)
{
	unsigned int n_pending = 0;

	(void)state;
	for (unsigned int i = 1; i <= N_OPERATIONS; i++) {
		for (unsigned int broken = 1; broken <= 4; broken++) {
			struct pr_backend simulator;
			struct failing failing;
			struct pr_report report;
			struct scene s;
			bool pending, whole;

			scene_setup(&s);
			run_and_die(&s, i);
			assert_int_equal(pr_backend_simulator_new(s.machine, &simulator), 0);
			repeat(&simulator, i - 1);
			failing_init(&failing, &simulator);
			failing.at = broken;
			failing.until = UINT32_MAX;
			failing.error = -ECONNRESET;
			report = recover(&s, &failing.outer, &pending);
			whole = scene_is_whole(&s, &simulator);
			assert_true(whole || pending);
			assert_true(whole || report.outcome == PR_OUTCOME_LOST);
			if (pending)
				assert_recovers(&s, &simulator);
			n_pending += pending;
			pr_backend_simulator_free(&simulator);
			scene_teardown(&s);
		}
	}
	assert_true(n_pending > 5);
}

static int read_written(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret)
{
	(void)instance;
	(void)a;
	(void)offset;
	(void)width;
	*ret = 2;
	return 0;
}

/*
 * Once a rescan was begun the kernel may have taken the written value over: the register is its
 * own now.
 */
static void test_no_write_after_rescan(void **state)
{
	struct pr_backend simulator;
	struct pr_backend_ops ops;
	struct failing failing;
	struct scene s;
	bool pending;

	(void)state;
	for (unsigned int killed_at = 4; killed_at <= 6; killed_at++) {
		scene_setup(&s);
		run_and_die(&s, killed_at);
		assert_int_equal(pr_backend_simulator_new(s.machine, &simulator), 0);
		repeat(&simulator, killed_at == 4 ? 3 : 5);
		failing_init(&failing, &simulator);
		ops = *failing.outer.ops;
		ops.read = read_written;
		failing.outer.ops = &ops;
		assert_int_equal(
			recover(&s, &failing.outer, &pending).outcome, PR_OUTCOME_ROLLED_BACK);
		assert_int_equal(strstr(failing.log, "write") != NULL, killed_at == 4);
		pr_backend_simulator_free(&simulator);
		scene_teardown(&s);
	}
}

static void test_nothing_pending(void **state)
{
	struct pr_backend simulator;
	struct pr_journal *journal;
	struct pr_report report;
	struct scene s;

	(void)state;
	scene_setup(&s);
	assert_int_equal(pr_backend_simulator_new(s.machine, &simulator), 0);
	journal = scene_journal(&s);
	assert_int_equal(pr_recover(&simulator, journal, &report), 0);
	assert_int_equal(report.outcome, PR_OUTCOME_DONE);
	assert_string_equal(report.text, "nothing was pending");
	pr_journal_close(journal);
	pr_backend_simulator_free(&simulator);
	scene_teardown(&s);
}

static int rescan_nothing(void *instance, uint32_t domain, uint8_t bus)
{
	(void)instance;
	(void)domain;
	(void)bus;
	return 0;
}

static int rescan_nobody(void *instance, const struct pr_address *a)
{
	(void)instance;
	(void)a;
	return 0;
}

static int rescan_no_root(void *instance, uint32_t domain, uint8_t bus)
{
	(void)instance;
	(void)domain;
	(void)bus;
	return -ENODEV;
}

static void assert_gone(int (*rescan_root)(void *instance, uint32_t domain, uint8_t bus))
{
	struct pr_address disk = at(SCENE_DISK);
	struct pr_backend simulator, pulled;
	struct pr_backend_ops ops;
	struct pr_report report;
	struct scene s;
	bool pending;

	scene_setup(&s);
	run_and_die(&s, 4);
	assert_int_equal(pr_backend_simulator_new(s.machine, &simulator), 0);
	repeat(&simulator, 4);
	assert_int_equal(simulator.ops->remove(simulator.instance, &disk), 0);
	/* the plan's own rescan would find it again in the simulator */
	ops = *simulator.ops;
	ops.rescan_root = rescan_root;
	ops.rescan = NULL;
	pulled = simulator;
	pulled.ops = &ops;
	report = recover(&s, &pulled, &pending);
	assert_int_equal(report.outcome, PR_OUTCOME_LOST);
	assert_non_null(strstr(report.text, "0000:02:00.0 is gone"));
	assert_false(pending);
	pr_backend_simulator_free(&simulator);
	scene_teardown(&s);
}

/* A disk that was pulled meanwhile: told once, not for ever. */
static void test_gone(void **state)
{
	(void)state;
	assert_gone(rescan_nothing);
}

static void test_root_gone(void **state)
{
	(void)state;
	assert_gone(rescan_no_root);
}

/* What was lost may be asked for once more, as the messages promise. */
static void test_lost_again(void **state)
{
	struct pr_backend simulator, blind;
	struct pr_backend_ops ops;
	struct pr_journal *journal;
	struct pr_report report;
	struct scene s;
	bool pending;

	(void)state;
	scene_setup(&s);
	run_and_die(&s, 5);
	assert_int_equal(pr_backend_simulator_new(s.machine, &simulator), 0);
	repeat(&simulator, 4);
	ops = *simulator.ops;
	ops.rescan_root = rescan_nothing;
	ops.rescan = rescan_nobody;
	blind = simulator;
	blind.ops = &ops;
	assert_int_equal(recover(&s, &blind, &pending).outcome, PR_OUTCOME_LOST);
	assert_false(pending);
	journal = scene_journal(&s);
	assert_int_equal(pr_recover(&simulator, journal, &report), 0);
	assert_int_equal(report.outcome, PR_OUTCOME_ROLLED_BACK);
	assert_true(scene_is_whole(&s, &simulator));
	pr_journal_close(journal);
	journal = scene_journal(&s);
	assert_int_equal(pr_recover(&simulator, journal, &report), 0);
	assert_string_equal(report.text, "nothing was pending");
	pr_journal_close(journal);
	pr_backend_simulator_free(&simulator);
	scene_teardown(&s);
}

/* The neighbour that the rescan goes through was itself unplugged: the root bus is rescanned. */
static void test_neighbour_gone(void **state)
{
	struct pr_address neighbour = at("0000:00:01.0");
	struct pr_backend simulator;
	struct failing failing;
	struct pr_report report;
	struct scene s;
	bool pending;

	(void)state;
	scene_setup(&s);
	run_and_die(&s, 5);
	assert_int_equal(pr_backend_simulator_new(s.machine, &simulator), 0);
	repeat(&simulator, 4);
	assert_int_equal(simulator.ops->remove(simulator.instance, &neighbour), 0);
	failing_init(&failing, &simulator);
	report = recover(&s, &failing.outer, &pending);
	assert_int_equal(
		report.outcome, PR_OUTCOME_ROLLED_BACK); /* the simulator finds both again */
	assert_int_equal(report.error, 0);
	assert_string_equal(failing.log, "rescan 0000:00:01.0; rescan-root 0000:00:00.0; ");
	assert_true(scene_is_whole(&s, &simulator));
	pr_backend_simulator_free(&simulator);
	scene_teardown(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{ "killed before or in any operation, everything comes back", test_killed, NULL,
			NULL, NULL },
		{ "a recovery that fails stays pending until one succeeds", test_recovery_fails,
			NULL, NULL, NULL },
		{ "a register is not put back once a rescan was begun", test_no_write_after_rescan,
			NULL, NULL, NULL },
		{ "nothing pending, nothing done", test_nothing_pending, NULL, NULL, NULL },
		{ "what is gone for good is named, once", test_gone, NULL, NULL, NULL },
		{ "so is what its host bridge took along", test_root_gone, NULL, NULL, NULL },
		{ "what was lost is looked for again when asked", test_lost_again, NULL, NULL,
			NULL },
		{ "a neighbour that is gone is replaced by the root bus", test_neighbour_gone, NULL,
			NULL, NULL },
	};

	return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}

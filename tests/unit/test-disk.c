/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal's own disk fails, and the process or the machine ends, at every
 * write, sync and rename of a run.  Nothing is done before the journal has it;
 * afterwards the machine is as at the start or as the plan has it, and the
 * journal says which, also when all that was not synced is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "disk.h"
#include "fault-bench.h"
#include "plan-machines.h"
#include "rows.h"

#define GROWN (1 << 20)

static const struct fault {
	const char *name;
	enum disk_how how;
	int error;
	bool forever, power;
} faults[] = {
	{ "a call of the journal fails, once", DISK_FAILS, -EIO, false, false },
	{ "the disk is full for one call", DISK_FAILS_HALF, -ENOSPC, false, false },
	{ "the disk is full from one call on", DISK_FAILS_HALF, -ENOSPC, true, false },
	{ "the file system is read-only from one call on", DISK_FAILS, -EROFS, true, false },
	{ "the runner is killed before a call of the journal", DISK_KILL_BEFORE, 0, false, false },
	{ "the runner is killed in the middle of a line", DISK_KILL_HALF, 0, false, false },
	{ "the runner is killed after a call of the journal", DISK_KILL_AFTER, 0, false, false },
	{ "the power is cut before a call of the journal", DISK_KILL_BEFORE, 0, false, true },
	{ "the power is cut in the middle of a line", DISK_KILL_HALF, 0, false, true },
	{ "the power is cut after a call of the journal", DISK_KILL_AFTER, 0, false, true },
};

/* ---- one run, in a process of its own ---- */

/* Plans that ended, as many as make the next one begin another file. */
static void fill_journal(const struct bench *b)
{
	static const char ended[] = "begin 0123456789abcdef 00000000deadbeef\nend done\n";
	int fd = open(b->journal, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (size_t n = 0; n < GROWN; n += sizeof(ended) - 1)
		assert_int_equal(pr_write_all(fd, ended, sizeof(ended) - 1), 0);
	assert_int_equal(close(fd), 0);
}

/* What the plan may have left; 0 and @ret, or the error with which nothing was begun. */
static int run(struct bench *b, struct pr_report *ret)
{
	struct pr_journal *journal;
	int r;

	r = pr_journal_open(b->directory, &journal);
	if (r < 0)
		return r;
	r = pr_run(b->plan, &b->faults.outer, journal, NULL, ret);
	pr_journal_close(journal);
	return r;
}

static void recover(struct bench *b, const char *when)
{
	struct pr_journal *journal;
	struct pr_report report;

	assert_int_equal(pr_journal_open(b->directory, &journal), 0);
	assert_int_equal(pr_recover(&b->faults.outer, journal, &report), 0);
	pr_journal_close(journal);
	if (report.pending || report.outcome != PR_OUTCOME_ROLLED_BACK)
		fail_msg("%s: recovery: %s", when, report.text);
	bench_check_end(b, PR_OUTCOME_ROLLED_BACK, when);
}

static bool plan_is_in_journal(const struct bench *b)
{
	char *text, line[40];
	bool is;

	bench_read_journal(b, &text);
	(void)snprintf(line, sizeof(line), "begin %s ", b->plan->id);
	is = strstr(text, line) != NULL;
	free(text);
	return is;
}

static void check(
	struct bench *b, bool died, int r, const struct pr_report *report, const char *when)
{
	if (bench_is_pending(b))
		recover(b, when);
	else if (r < 0 || (died && !plan_is_in_journal(b)))
		bench_check_unbegun(b, when);
	else
		bench_check_end(b, died ? PR_OUTCOME_DONE : report->outcome, when);
}

/* What a process that ends leaves open, and locked, is closed. */
static void close_from(int first)
{
	for (int fd = first; fd < first + 16; fd++)
		(void)close(fd);
}

/* True when the fault came. */
static bool strike(struct bench *b, struct disk *d, const char *when)
{
	struct pr_report report = { 0 };
	volatile bool died = true;
	volatile int r = 0;
	int first = dup(STDIN_FILENO);

	assert_true(first >= 0);
	(void)close(first);
	bench_simulate(b);
	disk_use(d);
	if (setjmp(d->dead) == 0) {
		r = run(b, &report);
		died = false;
	}
	disk_use(NULL);
	close_from(first);
	check(b, died, r, &report, when);
	if (r == -ENOSPC || r == -EROFS)
		assert_true(pr_run_lacked_journal(r));
	return d->calls >= d->at;
}

/* True when the fault came. */
static bool run_forked(struct bench *b, const struct fault *f, unsigned int at, bool grown)
{
	char old[80], when[120];
	struct disk d = { .directory = b->directory,
		.file = b->journal,
		.old = old,
		.at = at,
		.until = f->forever ? UINT32_MAX : at,
		.how = f->how,
		.error = -f->error,
		.power = f->power };
	int status;
	pid_t pid;

	(void)snprintf(old, sizeof(old), "%s.old", b->journal);
	(void)snprintf(when, sizeof(when), "%s, call %u", f->name, at);
	(void)unlink(b->journal); /* left by the one before */
	(void)unlink(old);
	if (grown)
		fill_journal(b);
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)setenv("CMOCKA_TEST_ABORT", "1", 1); /* cannot fail but for want of memory */
		_exit(strike(b, &d, when) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("%s", when);
	(void)unlink(old);
	return WEXITSTATUS(status) == 1;
}

static void test_fault(void **state)
{
	const struct fault *f = *state;
	unsigned int runs = 0, at;
	struct bench b;

	assert_true(bench_init(&b, PACKED("7.2.0", DEAD_256M, "driver=e1000e"), NULL));
	for (int grown = 0; grown < 2; grown++) {
		for (at = 1; run_forked(&b, f, at, grown != 0); at++)
			runs++;
		/* the beginning, two marks a step, the end: each written and synced */
		assert_true(at - 1 >= 2 * (1 + 2 * b.plan->n_steps + 1));
	}
	print_message("# %s: %u runs\n", f->name, runs);
	bench_deinit(&b);
}

int main(void)
{
	static struct rows tests;

	ADD_ROWS(&tests, faults, test_fault);
	return rows_run(&tests, "disk");
}

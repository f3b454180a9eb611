/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every plan, with every operation failing and every process killed at every
 * boundary: afterwards, and after a recovery where one is pending, the machine
 * is as at the start or as the plan has it, with all drivers and settings, and
 * the journal says which.  The machines are those of the planner's tests.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "fault-bench.h"
#include "greedy-machines.h"
#include "machine.h"
#include "plan-machines.h"
#include "random-machine.h"
#include "rows.h"

/* PCIROOM_FAULT_PLANS in the environment for more */
#define RANDOM_PLANS 12

/* ---- runs ---- */

static void on_kill(void *userdata)
{
	struct bench *b = userdata;

	if (access(b->journal, F_OK) == 0)
		bench_read_journal(b, &b->left);
}

/* What the dead process wrote into the journal after its death never was. */
static void rewind_journal(struct bench *b)
{
	bench_put_journal(b, b->left ? b->left : "", b->left ? strlen(b->left) : 0);
	free(b->left);
	b->left = NULL;
}

static struct pr_report recover(struct bench *b)
{
	struct pr_journal *journal;
	struct pr_report report;

	assert_int_equal(pr_journal_open(b->directory, &journal), 0);
	assert_int_equal(pr_recover(&b->faults.outer, journal, &report), 0);
	pr_journal_close(journal);
	return report;
}

/* The run with the fault; 0 and @ret, or the error with which nothing was begun. */
static int run(struct bench *b, struct pr_report *ret)
{
	struct pr_journal *journal;
	int r;

	(void)unlink(b->journal); /* each run with a new one; there may be none */
	assert_int_equal(pr_journal_open(b->directory, &journal), 0);
	r = pr_run(b->plan, &b->faults.outer, journal, b->progress, ret);
	pr_journal_close(journal);
	b->runs++;
	return r;
}

static const struct fault {
	const char *name;
	enum fault_how how;
	int error;
	bool forever;
} faults[] = {
	{ "one operation fails and is not done", FAULT_BEFORE, -EIO, false },
	{ "one operation hangs to its deadline and is never done", FAULT_BEFORE, -ETIMEDOUT,
		false },
	{ "one operation hangs to its deadline and is done", FAULT_AFTER, -ETIMEDOUT, false },
	{ "the helper dies before one operation", FAULT_BEFORE, -ECONNRESET, false },
	{ "the helper dies after one operation", FAULT_AFTER, -ECONNRESET, false },
	{ "from one operation on all fail and none is done", FAULT_BEFORE, -EIO, true },
	{ "from one operation on the helper is gone", FAULT_BEFORE, -ECONNRESET, true },
	{ "from one operation on all is done and no reply comes", FAULT_AFTER, -ECONNRESET, true },
	{ "the runner is killed before one operation", FAULT_KILL_BEFORE, 0, false },
	{ "the runner is killed while one operation is done", FAULT_KILL_AFTER, 0, false },
};

static bool is_kill(const struct fault *f)
{
	return f->how == FAULT_KILL_BEFORE || f->how == FAULT_KILL_AFTER;
}

static void arm(struct bench *b, const struct fault *f, unsigned int at)
{
	faults_heal(&b->faults);
	b->faults.at = at;
	b->faults.until = f->forever ? UINT32_MAX : at;
	b->faults.how = f->how;
	b->faults.error = f->error;
	b->faults.killed = on_kill;
	b->faults.userdata = b;
}

/* The next process, with a back end that works. */
static void recover_and_check(struct bench *b, const char *when)
{
	struct pr_report report;

	faults_heal(&b->faults);
	report = recover(b);
	if (report.pending || report.outcome != PR_OUTCOME_ROLLED_BACK)
		fail_msg("%s: recovery: %s", when, report.text);
	bench_check_end(b, PR_OUTCOME_ROLLED_BACK, when);
	b->runs++;
}

/*
 * One run; false when it ended before the fault came.  @ret_pending: a recovery is due, and was not
 * made.
 */
static bool run_fault(struct bench *b, const struct fault *f, unsigned int at, const char *when,
	bool *ret_pending)
{
	struct pr_report report;
	bool came;
	int r;

	arm(b, f, at);
	r = run(b, &report);
	came = b->faults.operations >= at;
	if (is_kill(f) && came)
		rewind_journal(b);
	*ret_pending = bench_is_pending(b);
	if (!came) {
		assert_int_equal(r, 0);
		assert_int_equal(
			report.outcome, b->progress ? PR_OUTCOME_ROLLED_BACK : PR_OUTCOME_DONE);
		bench_check_end(b, report.outcome, when);
	} else if (r < 0 || (is_kill(f) && !*ret_pending)) {
		bench_check_unbegun(b, when);
	} else if (!*ret_pending) {
		bench_check_end(b, report.outcome, when);
	} else if (!is_kill(f)) {
		assert_true(report.pending);
	}

	return came;
}

static void run_all(struct bench *b)
{
	char when[160];
	bool pending, came = true;

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++, came = true) {
		for (unsigned int at = 1; came; at++) {
			(void)snprintf(when, sizeof(when), "%s, operation %u", faults[i].name, at);
			bench_simulate(b);
			came = run_fault(b, &faults[i], at, when, &pending);
			if (pending)
				recover_and_check(b, when);
			pr_backend_simulator_free(&b->simulator);
		}
	}
}

/* ---- the recovery is hit as well ---- */

static bool recover_with_fault(
	struct bench *b, const struct fault *f, unsigned int at, const char *when)
{
	struct pr_report report;
	bool came;

	arm(b, f, at);
	report = recover(b);
	b->runs++;
	came = b->faults.operations >= at;
	if (is_kill(f) && came)
		rewind_journal(b);
	if (bench_is_pending(b))
		recover_and_check(b, when);
	else
		bench_check_end(b, report.outcome, when);

	return came;
}

static void run_twice(struct bench *b, const struct fault *second)
{
	const struct fault *first = &faults[ARRAY_SIZE(faults) - 1];
	char when[200];
	bool pending, came = true, again;

	for (unsigned int at = 1; came; at++) {
		again = true;
		for (unsigned int k = 1; again; k++) {
			(void)snprintf(when, sizeof(when), "killed at %u; in the recovery: %s, %u",
				at, second->name, k);
			bench_simulate(b);
			came = run_fault(b, first, at, when, &pending);
			again = pending && recover_with_fault(b, second, k, when);
			pr_backend_simulator_free(&b->simulator);
		}
	}
}

/* ---- the table ---- */

static const struct machine_row {
	const char *name, *text, *target;
} machines[] = {
	{ "packed switch, 6.1", PACKED("6.1.0", DEAD_256M, "driver=e1000e"), NULL },
	{ "packed switch, 6.12", PACKED("6.12.0", DEAD_256M, "driver=e1000e"), NULL },
	{ "packed switch, 6.18", PACKED("6.18.0", DEAD_256M, "driver=e1000e"), NULL },
	{ "packed switch, 7.2", PACKED("7.2.0", DEAD_256M, "driver=e1000e"), NULL },
	{ "a card in use", PACKED("6.1.0", DEAD_256M, "driver=e1000e user=net:enp4s0"), NULL },
	{ "room below the switch", ROOMY(DEAD_256M, "driver=e1000e"), NULL },
	{ "a sibling's I/O comes back", ROBBED(""), NULL },
	{ "a second I/O window", ROBBED("bar1=io:100@forgotten"), NULL },
	{ "I/O left", ROOMY(DEAD_256M " bar1=io:100@forgotten", "driver=e1000e"), NULL },
	{ "I/O asked for by name", ROOMY("bar1=io:100@forgotten", "driver=e1000e"),
		"0000:03:00.0" },
	{ "a rescan is enough",
		SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@unassigned"),
		NULL },
	{ "a rescan, and a driver that lets go",
		SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@unassigned driver=x"),
		NULL },
	{ "the last function of a bus",
		SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@forgotten"),
		NULL },
	{ "two functions of a card",
		SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@forgotten\n"
			"01:00.1 dev 1b36:0005 bar0=mem:1000@fe001000 driver=snd_hda_intel"),
		NULL },
	{ "nobody stays on the root bus",
		"kernel 6.1.0\nroot 0000:00-ff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
		"00:02.0 bridge 01-01 root-port hotplug mem=fe000000-fe0fffff driver=pcieport\n"
		"01:00.0 dev 1b36:0005 bar0=mem:1000000@forgotten\n",
		NULL },
	{ "several dead cards", PACKED("6.12.0", DEAD_256M, "bar4=pref64:8000000@forgotten"),
		NULL },
	{ "dead cards below two root ports",
		"kernel 7.2.0\n" ROOT DISK
		"00:02.0 bridge 01-01 root-port hotplug mem=fe000000-fe1fffff driver=pcieport\n"
		"01:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 bar2=pref64:10000000@forgotten\n"
		"00:03.0 bridge 02-03 root-port hotplug mem=fe400000-fe7fffff driver=pcieport\n"
		"02:00.0 dev 1b36:0005 bar0=mem:1000@fe400000 bar1=mem:1000000@forgotten\n"
		"02:00.1 dev 8086:10d3 bar0=mem:20000@fe420000 driver=e1000e\n",
		NULL },
	{ "virtual functions: of one the driver was taken off, of none the other is",
		WITH_VFS("7.2.0", "driver=nvme", "driver=nvme", "override=none"), NULL },
	{ "virtual functions, and drivers that come whether they may or not",
		WITH_VFS("6.1.0", "driver=nvme", "driver=nvme", "driver=other override=other"),
		NULL },
	{ "virtual functions that are asked for, and room for them", CRAMPED_VFS("driver=nvme"),
		"0000:01:00.0=3" },
	{ "virtual functions that are asked for, and buses for them", VFS_ON_TWO_BUSES,
		"0000:01:00.0=300" },
	{ "idle ports in the way",
		"kernel 6.12.0\n" ROOT DISK
		"00:02.0 bridge 01-05 root-port mem=fe000000-fe2fffff driver=pcieport\n"
		"01:00.0 bridge 02-05 upstream mem=fe000000-fe2fffff driver=pcieport\n"
		"02:00.0 bridge 03-03 downstream mem=fe000000-fe0fffff driver=pcieport\n"
		"02:01.0 bridge 04-04 downstream mem=fe100000-fe1fffff driver=pcieport\n"
		"02:02.0 bridge 05-05 downstream mem=fe200000-fe2fffff driver=pcieport\n"
		"03:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@forgotten\n"
		"05:00.0 dev 8086:10d3 bar0=mem:20000@fe200000 driver=e1000e\n",
		NULL },
	{ "bus numbers: a dead switch, and a port that grows around it", DEAD_SWITCH("0f"), NULL },
	{ "bus numbers: a card beside it moves", DEAD_SWITCH("04"), NULL },
	/* not for hot-plug: a slot without presence says that its card was pulled */
	{ "bus numbers: a switch with cards changes places",
		"kernel 7.2.0\nroot 0000:00-0e mem=c0000000-febfffff\n" DISK
		"00:02.0 bridge 01-05 root-port mem=fe000000-fe2fffff driver=pcieport\n"
		"01:00.0 bridge 02-05 upstream mem=fe000000-fe2fffff driver=pcieport\n"
		"02:00.0 bridge 03-03 downstream mem=fe000000-fe0fffff driver=pcieport\n"
		"02:01.0 bridge 04-04 downstream mem=fe100000-fe1fffff driver=pcieport\n"
		"02:02.0 bridge 05-05 downstream mem=fe200000-fe2fffff driver=pcieport\n"
		"03:00.0 bridge none upstream\n"
		"04:00.0 dev 8086:10d3 bar0=mem:20000@fe100000 driver=e1000e\n"
		"05:00.0 dev 8086:10d3 bar0=mem:20000@fe200000 driver=e1000e\n"
		"00:03.0 bridge 06-07 root-port mem=fe300000-fe3fffff driver=pcieport\n"
		"06:00.0 dev 8086:10d3 bar0=mem:20000@fe300000 driver=e1000e\n",
		NULL },
};

/* BAR 2 of 16 MiB to 8 GiB, of 64 MiB now */
#define REBAR " config=100:1500010000ff030022060000"
#define REBARS                                                                            \
	"root 0000:00-ff mem=c0000000-febfffff mem=100000000-8ffffffff\n" DISK            \
	"00:02.0 bridge 01-04 root-port mem=fe000000-fe1fffff pref64=f0000000-f7ffffff "  \
	"driver=pcieport\n"                                                               \
	"01:00.0 bridge 02-04 upstream mem=fe000000-fe1fffff pref64=f0000000-f7ffffff "   \
	"driver=pcieport\n"                                                               \
	"02:00.0 bridge 03-03 downstream pref64=f0000000-f3ffffff driver=pcieport\n"      \
	"02:01.0 bridge 04-04 downstream mem=fe000000-fe1fffff pref64=f4000000-f7ffffff " \
	"driver=pcieport\n"                                                               \
	"03:00.0 dev 1234:7e5a bar2=pref64:4000000@f0000000 driver=xe" REBAR "\n"         \
	"04:00.0 dev 1234:7e5a bar0=mem:1000@fe000000 bar2=pref64:4000000@f4000000 "      \
	"driver=e1000e" REBAR "\n"
static const struct machine_row sizes[] = {
	{ "a BAR shrinks in place, 6.1", "kernel 6.1.0\n" REBARS, "resize 0000:03:00.0 1000000" },
	{ "a BAR shrinks in place, 7.2", "kernel 7.2.0\n" REBARS, "resize 0000:03:00.0 1000000" },
	{ "a BAR grows, and others move, 6.12", "kernel 6.12.0\n" REBARS,
		"resize 0000:04:00.0 40000000" },
	{ "a BAR grows, and others move, 7.2", "kernel 7.2.0\n" REBARS,
		"resize 0000:04:00.0 40000000" },
	{ "a BAR gives up room for another card",
		"kernel 7.2.0\nroot 0000:00-ff mem=c0000000-c7ffffff\n"
		"00:02.0 bridge 01-01 root-port pref64=c0000000-c3ffffff driver=pcieport\n"
		"01:00.0 dev 1234:7e5a bar2=pref64:4000000@c0000000 driver=xe" REBAR "\n"
		"00:03.0 bridge 02-02 root-port mem=c4000000-c41fffff "
		"pref64=c4200000-c43fffff driver=pcieport\n"
		"02:00.0 dev 1b36:0005 bar2=pref64:4000000@forgotten\n",
		"resize 0000:01:00.0 1000000 0000:02:00.0" },
};

/* The same rows, where nobody confirms what was done. */
static const char *const unconfirmed_sizes[] = {
	"nobody confirms: a BAR shrinks in place, 6.1",
	"nobody confirms: a BAR shrinks in place, 7.2",
	"nobody confirms: a BAR grows, and others move, 6.12",
	"nobody confirms: a BAR grows, and others move, 7.2",
	"nobody confirms: a BAR gives up room for another card",
};

static const struct machine_row closing = { "windows closed first",
	"kernel 6.1.0\n" BESIDE_A_RESERVE
	"03:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@c0000000 driver=e1000e\n",
	NULL };

static const struct machine_row unconfirmed[] = {
	{ "nobody confirms", PACKED("7.2.0", DEAD_256M, "driver=e1000e"), NULL },
	{ "nobody confirms: two functions of a card",
		SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@forgotten\n"
			"01:00.1 dev 1b36:0005 bar0=mem:1000@fe001000 driver=snd_hda_intel"),
		NULL },
	{ "nobody confirms: virtual functions that are asked for", CRAMPED_VFS("driver=nvme"),
		"0000:01:00.0=8" },
	{ "nobody confirms: virtual functions",
		WITH_VFS("6.12.0", "driver=nvme", "driver=nvme", ""), NULL },
	{ "nobody confirms: windows closed first",
		"kernel 6.1.0\n" BESIDE_A_RESERVE
		"03:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@c0000000 driver=e1000e\n",
		NULL },
};

static void test_machine(void **state)
{
	const struct machine_row *row = *state;
	struct bench b;

	assert_true(bench_init(&b, row->text, row->target));
	assert_int_equal(b.plan->closes, row == &closing);
	run_all(&b);
	print_message("# %s: %zu steps, %lu runs\n", row->name, b.plan->n_steps, b.runs);
	assert_true(b.runs > ARRAY_SIZE(faults) * b.plan->n_steps);
	bench_deinit(&b);
}

static int go_on(void *userdata, const struct pr_plan *plan, size_t step, bool done)
{
	(void)userdata;
	(void)plan;
	(void)step;
	(void)done;
	return PR_PROGRESS_GO;
}

static bool say_nothing(void *userdata, const struct pr_plan *plan)
{
	(void)userdata;
	(void)plan;
	return false;
}

/* All is done and then undone; a kill after the last step is one of him who waits for an answer. */
static void test_unconfirmed(void **state)
{
	static const struct pr_progress silence = { .step = go_on, .confirm = say_nothing };
	const struct machine_row *row = *state;
	struct bench b;

	assert_true(bench_init(&b, row->text, row->target));
	b.progress = &silence;
	run_all(&b);
	print_message(
		"# nobody confirms: %s: %zu steps, %lu runs\n", row->name, b.plan->n_steps, b.runs);
	bench_deinit(&b);
}

static void test_recovery(void **state)
{
	const struct fault *second = *state;
	struct bench b;

	assert_true(bench_init(&b, PACKED("7.2.0", DEAD_256M, "driver=e1000e"), NULL));
	run_twice(&b, second);
	print_message("# in the recovery, %s: %lu runs\n", second->name, b.runs);
	bench_deinit(&b);
}

/* Bytes before the first mark. */
static size_t beginning(const char *text)
{
	const char *mark = strstr(text, "\ndoing ");

	assert_non_null(mark);
	return strlen(text) - strlen(mark) + 1;
}

/* Power is cut while the beginning is written: nothing was done yet, whatever of it is on disk. */
static void test_torn_beginning(void **state)
{
	const struct fault *kill = &faults[ARRAY_SIZE(faults) - 1];
	struct bench b;
	bool pending;
	char *text;
	size_t n;

	(void)state;
	assert_true(bench_init(&b, PACKED("7.2.0", DEAD_256M, "driver=e1000e"), NULL));
	bench_simulate(&b);
	(void)run_fault(&b, kill, UINT32_MAX, "no fault", &pending);
	pr_backend_simulator_free(&b.simulator);
	bench_read_journal(&b, &text);
	n = beginning(text);

	bench_simulate(&b);
	for (size_t cut = 0; cut <= n; cut++) {
		bench_put_journal(&b, text, cut);
		(void)recover(&b);
		b.runs++;
		bench_check_unbegun(&b, "torn");
	}
	print_message("# torn beginnings: %lu\n", b.runs);
	pr_backend_simulator_free(&b.simulator);
	free(text);
	bench_deinit(&b);
}

static void test_random(void **state)
{
	static const char *const releases[] = { "6.1.0", "6.12.0", "6.18.0", "7.2.0" };
	const char *wanted = getenv("PCIROOM_FAULT_PLANS");
	unsigned long n = 0, runs = 0, max = wanted ? strtoul(wanted, NULL, 10) : RANDOM_PLANS;
	struct bench b;

	(void)state;
	for (uint64_t seed = 1; n < max; seed++) {
		struct machine m = { .random = seed * UINT64_C(0x9e3779b97f4a7c15) };

		if (!make_machine(&m, releases[seed % 4], 1 + seed % 2))
			continue;
		if (bench_init(&b, m.text, NULL)) {
			run_all(&b);
			runs += b.runs;
			n++;
		}
		bench_deinit(&b);
	}
	print_message("# random machines: %lu plans, %lu runs\n", n, runs);
}

int main(void)
{
	static struct rows tests;

	ADD_ROWS(&tests, machines, test_machine);
	rows_add(&tests, closing.name, test_machine, &closing);
	ADD_ROWS(&tests, sizes, test_machine);
	ADD_ROWS(&tests, unconfirmed, test_unconfirmed);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		rows_add(&tests, unconfirmed_sizes[i], test_unconfirmed, &sizes[i]);
	ADD_ROWS(&tests, faults, test_recovery);
	rows_add(&tests, "the beginning of the journal cut off at any byte", test_torn_beginning,
		NULL);
	rows_add(&tests, "random machines", test_random, NULL);
	return rows_run(&tests, "faults");
}

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
#include "faults.h"
#include "greedy-machines.h"
#include "machine.h"
#include "plan-machines.h"
#include "random-machine.h"
#include "rows.h"

/* PCIROOM_FAULT_PLANS in the environment for more */
#define RANDOM_PLANS 12
#define JOURNAL_MAX  (1 << 20)

/* ---- a machine with settings, and a plan for it ---- */

struct bench {
	struct pr_topology *machine, *start;
	struct pr_plan *plan;
	char **attributes; /* of every function at the start, in the order of walking */
	char directory[40], journal[60];
	struct pr_backend simulator;
	struct faults faults;
	char *left; /* the journal at the moment of a kill */
	unsigned long runs;
};

/* Ports with AER, and drivers that are there because of an override, as the text has none. */
static void add_words(const char *text, char *ret, size_t size)
{
	unsigned int line_number = 0;

	*ret = '\0';
	for (const char *line = text, *end; *line; line = end) {
		size_t used = strlen(ret);
		int n;

		end = line + strcspn(line, "\n");
		n = (int)(end - line);
		(void)snprintf(ret + used, size - used, "%.*s%s%s\n", n, line,
			memmem(line, (size_t)n, " bridge ", 8) ? " config=100:01000200" : "",
			line_number++ % 2 && memmem(line, (size_t)n, "=e1000e", 7)
				? " override=e1000e"
				: "");
		end += *end == '\n';
	}
	assert_true(strlen(ret) + 1 < size);
}

static void set(struct bench *b, const struct pr_function *f, size_t n)
{
	const struct pr_backend *s = &b->simulator;
	uint32_t value;

	if (n % 3 != 2)
		assert_int_equal(
			s->ops->set_attribute(s->instance, &f->address, "power/control", "on"), 0);
	if (f->caps->pcie.present != PR_YES || n % 2)
		return;
	assert_int_equal(
		s->ops->read(s->instance, &f->address, f->caps->pcie.offset + 8, 2, &value), 0);
	assert_int_equal(s->ops->write(s->instance, &f->address, f->caps->pcie.offset + 8, 2,
				 (value & 0x0fff) | 0x3000),
		0);
}

/* As an administrator has left it; every third card that works is unbound. */
static void set_up(struct bench *b)
{
	size_t n = 0;

	pr_for_each_root (b->machine, i)
		for (size_t k = 0; k < b->machine->roots[i]->n_functions; k++, n++) {
			const struct pr_function *f = &b->machine->roots[i]->functions[k];

			set(b, f, n);
			if (n % 5 == 4 && !f->bridge && f->facts->driver && !f->facts->n_users)
				assert_int_equal(b->simulator.ops->unbind(
							 b->simulator.instance, &f->address),
					0);
		}
}

static void simulate(struct bench *b)
{
	assert_int_equal(pr_backend_simulator_new(b->machine, &b->simulator), 0);
	set_up(b);
	faults_init(&b->faults, &b->simulator);
}

static char *attributes_of(const struct bench *b, const struct pr_function *f)
{
	char text[4096];

	assert_int_equal(b->simulator.ops->attributes(
				 b->simulator.instance, &f->address, text, sizeof(text)),
		0);
	return strdup(text);
}

static void remember(struct bench *b)
{
	size_t n = 0;

	b->attributes = calloc(b->start->n_functions, sizeof(char *));
	assert_non_null(b->attributes);
	pr_for_each_root (b->start, i)
		for (size_t k = 0; k < b->start->roots[i]->n_functions; k++)
			b->attributes[n++] = attributes_of(b, &b->start->roots[i]->functions[k]);
}

/* False when there is nothing to carry out. */
static bool bench_init(struct bench *b, const char *text, const char *targets)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	struct pr_address target;
	struct pr_request request = { .targets = &target, .n_targets = 1 };
	char all[12288], why[200];

	add_words(text, all, sizeof(all));
	*b = (struct bench){ .machine = machine_build(all), .directory = "/tmp/pr-faults-XXXXXX" };
	/* thousands of journals, each line of which is synced */
	if (access("/dev/shm", W_OK) == 0)
		strcpy(b->directory, "/dev/shm/pr-faults-XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	(void)snprintf(b->journal, sizeof(b->journal), "%s/journal", b->directory);
	simulate(b);
	assert_int_equal(b->simulator.ops->look(b->simulator.instance, &b->start), 0);
	remember(b);
	if (targets)
		assert_true(pr_address_parse(targets, &target));
	else
		request.n_targets = 0;
	assert_int_equal(pr_plan_make(b->start, &request, &policy, &b->plan), 0);
	pr_backend_simulator_free(&b->simulator);
	if (b->plan->verdict != PR_VERDICT_OK)
		return false;
	if (pr_plan_check(b->plan, &policy, why, sizeof(why)) != 0)
		fail_msg("the plan is not good: %s", why);
	return true;
}

static void bench_deinit(struct bench *b)
{
	for (size_t i = 0; i < b->start->n_functions; i++)
		free(b->attributes[i]);
	free(b->attributes);
	(void)unlink(b->journal); /* a bench without a run has none */
	assert_int_equal(rmdir(b->directory), 0);
	pr_plan_free(b->plan);
	pr_topology_free(b->start);
	pr_topology_free(b->machine);
}

/* ---- what has to be true afterwards ---- */

/* By the registers, which somebody may have closed, not only by the kernel's table. */
static bool is_passed_on(const struct pr_function *f, const struct pr_resource *r)
{
	for (const struct pr_function *p = f->parent; p; p = p->parent)
		for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++) {
			const struct pr_resource *w = pr_function_resource(p, kind);

			if (w && w->state == PR_RES_ASSIGNED &&
				pr_resource_is_io(w) == pr_resource_is_io(r) &&
				pr_range_contains(&w->range, &r->range) &&
				pr_window_disagrees(p, kind))
				return false;
		}

	return true;
}

static bool resources_are_there(const struct pr_function *was, const struct pr_function *is)
{
	for (unsigned int i = 0; i < PR_WINDOW_IO; i++) {
		const struct pr_resource *a = pr_function_resource(was, i),
					 *c = pr_function_resource(is, i);

		if (i != PR_ROM && a && a->state == PR_RES_ASSIGNED && is_passed_on(was, a) &&
			(!c || c->state != PR_RES_ASSIGNED || !is_passed_on(is, c)))
			return false;
	}

	return true;
}

/* Judged by hand, not by what the runner itself uses. */
static void check_function(const struct bench *b, const struct pr_topology *now,
	const struct pr_function *was, const char *attributes, const char *when)
{
	const struct pr_function *is;
	char path[512], *text;

	assert_int_equal(pr_function_path(was, path, sizeof(path)), 0);
	is = pr_topology_find_path(now, path);
	if (!is || is->removed)
		fail_msg("%s: %s is gone", when, path);
	if ((was->facts->driver != NULL) != (is->facts->driver != NULL) ||
		(was->facts->driver && strcmp(was->facts->driver, is->facts->driver) != 0))
		fail_msg(
			"%s: %s had %s, has %s", when, path, was->facts->driver, is->facts->driver);
	if (!resources_are_there(was, is))
		fail_msg("%s: %s lost a BAR", when, path);
	if (memcmp(was->facts->config + 0x3e, is->facts->config + 0x3e,
		    was->facts->config_length - 0x3e) != 0)
		fail_msg("%s: %s has other registers", when, path);
	text = attributes_of(b, is);
	if (strcmp(text, attributes) != 0)
		fail_msg("%s: %s was\n%sis\n%s", when, path, attributes, text);
	free(text);
}

static void check_machine(const struct bench *b, const struct pr_topology *now, const char *when)
{
	size_t n = 0;

	pr_for_each_root (b->start, i)
		for (size_t k = 0; k < b->start->roots[i]->n_functions; k++, n++)
			check_function(
				b, now, &b->start->roots[i]->functions[k], b->attributes[n], when);
}

static void read_journal(const struct bench *b, char **ret)
{
	assert_int_equal(pr_read_file_at(AT_FDCWD, b->journal, JOURNAL_MAX, ret, NULL), 0);
}

/* The start or the plan, and the journal knows. */
static void check_end(const struct bench *b, enum pr_outcome outcome, const char *when)
{
	char *text, end[40], why[200] = "";
	struct pr_topology *now;
	size_t n, m;

	read_journal(b, &text);
	n = strlen(text);
	assert_int_equal(b->simulator.ops->look(b->simulator.instance, &now), 0);
	check_machine(b, now, when);
	if (outcome == PR_OUTCOME_DONE && !pr_targets_work(b->plan, now, why, sizeof(why)))
		fail_msg("%s: done, and %s", when, why);
	m = (size_t)snprintf(end, sizeof(end), "end %s\n", pr_outcome_name(outcome));
	if (n < m || strcmp(text + n - m, end) != 0)
		fail_msg("%s: no \"%s\" in\n%s", when, end, text);
	free(text);
	pr_topology_free(now);
}

/* ---- runs ---- */

static void on_kill(void *userdata)
{
	struct bench *b = userdata;

	if (access(b->journal, F_OK) == 0)
		read_journal(b, &b->left);
}

static void put_journal(const struct bench *b, const char *text, size_t n)
{
	int fd = open(b->journal, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pr_write_all(fd, text, n), 0);
	(void)close(fd);
}

/* What the dead process wrote into the journal after its death never was. */
static void rewind_journal(struct bench *b)
{
	put_journal(b, b->left ? b->left : "", b->left ? strlen(b->left) : 0);
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
	r = pr_run(b->plan, &b->faults.outer, journal, NULL, ret);
	pr_journal_close(journal);
	b->runs++;
	return r;
}

static bool is_pending(const struct bench *b)
{
	struct pr_journal *journal;
	bool pending;

	assert_int_equal(pr_journal_open(b->directory, &journal), 0);
	pending = pr_journal_pending(journal);
	pr_journal_close(journal);
	return pending;
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
	check_end(b, PR_OUTCOME_ROLLED_BACK, when);
	b->runs++;
}

static void check_unbegun(const struct bench *b, const char *when)
{
	struct pr_topology *now;

	assert_int_equal(b->simulator.ops->look(b->simulator.instance, &now), 0);
	check_machine(b, now, when);
	assert_false(is_pending(b));
	pr_topology_free(now);
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
	*ret_pending = is_pending(b);
	if (!came) {
		assert_int_equal(r, 0);
		assert_int_equal(report.outcome, PR_OUTCOME_DONE);
		check_end(b, PR_OUTCOME_DONE, when);
	} else if (r < 0 || (is_kill(f) && !*ret_pending)) {
		check_unbegun(b, when);
	} else if (!*ret_pending) {
		check_end(b, report.outcome, when);
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
			simulate(b);
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
	if (is_pending(b))
		recover_and_check(b, when);
	else
		check_end(b, report.outcome, when);

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
			simulate(b);
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
};

static const struct machine_row closing = { "windows closed first",
	"kernel 6.1.0\n" BESIDE_A_RESERVE
	"03:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@c0000000 driver=e1000e\n",
	NULL };

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
	simulate(&b);
	(void)run_fault(&b, kill, UINT32_MAX, "no fault", &pending);
	pr_backend_simulator_free(&b.simulator);
	read_journal(&b, &text);
	n = beginning(text);

	simulate(&b);
	for (size_t cut = 0; cut <= n; cut++) {
		put_journal(&b, text, cut);
		(void)recover(&b);
		b.runs++;
		check_unbegun(&b, "torn");
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
	ADD_ROWS(&tests, faults, test_recovery);
	rows_add(&tests, "the beginning of the journal cut off at any byte", test_torn_beginning,
		NULL);
	rows_add(&tests, "random machines", test_random, NULL);
	return rows_run(&tests, "faults");
}

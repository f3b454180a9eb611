/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans for a switch behind which nobody has looked, on machines where there
 * is something: it is not in the topology that is planned on, and the kernel
 * meets it at the rescan.  What it leaves to others decides what becomes of
 * the plan.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "pciroom/exec.h"
#include "rows.h"

/* The range ends at 04, so that the card beside the switch goes along, and gets another bus. */
#define SEEN                                                                     \
	"kernel 6.1.0-50-amd64\nlockdown none\n"                                 \
	"root 0000:00-04 mem=c0000000-c0ffffff\n"                                \
	"00:00.0 dev 8086:29c0 class=060000\n"                                   \
	"00:02.0 bridge 01-01 root-port driver=pcieport\n"                       \
	"01:00.0 bridge none upstream\n"                                         \
	"00:03.0 bridge 02-02 root-port mem=c0000000-c07fffff driver=pcieport\n" \
	"02:00.0 dev 8086:10d3 class=020000 bar0=mem:800000@c0000000 driver=e1000e\n"
#define CARD     "0000:00/03.0/00.0"
#define BEHIND   "0000:00/02.0/00.0/00.0"
#define NEWCOMER "80:00.0 dev 1b36:0005 newcomer parent=01:00.0 bar0=mem:"

static const struct unseen_case {
	const char *name, *hidden; /* line of the machine; "": nothing is there */
	enum pr_outcome outcome;
	bool works; /* what is behind has its BAR */
} cases[] = {
	{ .name = "nothing is behind the switch", .hidden = "", .outcome = PR_OUTCOME_DONE },
	{ .name = "what is behind it finds room, and takes nobody's",
		.hidden = NEWCOMER "100000@none\n",
		.outcome = PR_OUTCOME_DIFFERS,
		.works = true },
	{ .name = "what is behind it takes the room that a card had: all is put back",
		.hidden = NEWCOMER "1000000@none\n",
		.outcome = PR_OUTCOME_ROLLED_BACK },
};

struct bench {
	struct pr_topology *seen, *machine, *after;
	struct pr_plan *plan;
	struct pr_backend simulator;
	char directory[40];
};

static void bench_init(struct bench *b, const char *hidden)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	const struct pr_request request = { 0 };
	char text[2048], why[200];

	(void)snprintf(text, sizeof(text), SEEN "%s", hidden);
	*b = (struct bench){ .seen = machine_build(SEEN),
		.machine = machine_build(text),
		.directory = "/tmp/pr-unseen-XXXXXX" };
	assert_non_null(mkdtemp(b->directory));
	assert_int_equal(pr_backend_simulator_new(b->machine, &b->simulator), 0);
	assert_int_equal(pr_plan_make(b->seen, &request, &policy, &b->plan), 0);
	if (pr_plan_check(b->plan, &policy, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	assert_int_equal(b->plan->n_unseen, 1);
	/* what the kernel does not know is in no look at the machine */
	b->plan->generation = b->machine->generation;
}

static void bench_run(struct bench *b, struct pr_report *ret)
{
	struct pr_journal *journal;

	assert_int_equal(pr_journal_open(b->directory, &journal), 0);
	assert_int_equal(pr_run(b->plan, &b->simulator, journal, NULL, ret), 0);
	if (pr_journal_pending(journal))
		fail_msg("pending: %s", ret->text);
	pr_journal_close(journal);
	assert_int_equal(b->simulator.ops->look(b->simulator.instance, &b->after), 0);
}

static void bench_deinit(struct bench *b)
{
	char journal[60];

	(void)snprintf(journal, sizeof(journal), "%s/journal", b->directory);
	assert_int_equal(unlink(journal), 0);
	assert_int_equal(rmdir(b->directory), 0);
	pr_topology_free(b->after);
	pr_plan_free(b->plan);
	pr_backend_simulator_free(&b->simulator);
	pr_topology_free(b->machine);
	pr_topology_free(b->seen);
}

static bool has_bar(const struct pr_topology *t, const char *path)
{
	const struct pr_function *f = pr_topology_find_path(t, path);

	return f && !f->removed && f->resources[0].state == PR_RES_ASSIGNED;
}

static unsigned int bus_of(const struct pr_topology *t, const char *path)
{
	const struct pr_function *f = pr_topology_find_path(t, path);

	assert_non_null(f);
	return f->address.bus;
}

static void test_unseen(void **state)
{
	const struct unseen_case *c = *state;
	struct pr_report report;
	struct bench b;
	bool back;

	bench_init(&b, c->hidden);
	bench_run(&b, &report);
	if (report.outcome != c->outcome)
		fail_msg("%s: %s", pr_outcome_name(report.outcome), report.text);
	back = c->outcome == PR_OUTCOME_ROLLED_BACK;
	assert_true(has_bar(b.after, CARD));
	assert_string_equal(pr_topology_find_path(b.after, CARD)->facts->driver, "e1000e");
	assert_int_equal(has_bar(b.after, BEHIND), c->works);
	assert_int_equal(bus_of(b.after, CARD) == 2, back);
	assert_int_equal(machine_function(b.after, "0000:00:02.0")->bridge->subordinate == 1, back);
	bench_deinit(&b);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_unseen);

	return rows_run(&tests, "unseen");
}

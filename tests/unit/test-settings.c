/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings carried over a move, on the simulator, which forgets them as the
 * kernel does: what the administrator set is set afterwards, or named.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "exec/journal.h"
#include "machine.h"
#include "pciroom/exec.h"
#include "rows.h"

#define PORT "0000:00:02.0"
#define CARD "0000:04:00.0"
#define DEAD "0000:03:00.0"

/*
 * A root port with room, a switch without: the switch is removed, the port stays and is its guard.
 * PCI Express capabilities are at 40h, AER of the port at 100h.
 */
static const char machine_text[] =
	"arch x86_64\n"
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"
	"00:01.0 dev 1234:1111 class=030000 bar0=pref:16M@fd000000\n"
	"00:02.0 bridge 01-04 root-port io=closed mem=fe400000-fe7fffff"
	" pref64=100000000-1ffffffff driver=pcieport config=100:01000200\n"
	"01:00.0 bridge 02-04 upstream io=closed mem=fe400000-fe5fffff"
	" pref64=100000000-1001fffff driver=pcieport\n"
	"02:00.0 bridge 03-03 downstream hotplug io=closed mem=fe400000-fe4fffff"
	" pref64=100000000-1001fffff driver=pcieport\n"
	"02:01.0 bridge 04-04 downstream io=closed mem=fe500000-fe5fffff driver=pcieport\n"
	"03:00.0 dev 1b36:0005 class=ff0000 bar0=mem:4K@fe400000 bar2=pref64:256M@forgotten\n"
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:128K@fe500000 driver=e1000e%s\n";

struct bench {
	struct pr_topology *machine, *start;
	struct pr_backend simulator, wrapped;
	struct pr_backend_ops ops;
	struct pr_plan *plan;
	struct pr_journal *journal;
	char directory[40];
};

static struct pr_address address(const char *text)
{
	struct pr_address a;

	assert_true(pr_address_parse(text, &a));
	return a;
}

/* "attribute ADDRESS NAME=VALUE", "register ADDRESS OFFSET/WIDTH=VALUE", "driver ADDRESS NAME" */
struct line {
	char verb[16], where[20], what[40], value[40];
};

static struct line parse(const char *text)
{
	struct line l = { .value = "" };
	char rest[80];

	assert_true(sscanf(text, "%15s %19s %79[^\n]", l.verb, l.where, rest) == 3);
	assert_true(sscanf(rest, "%39[^=]=%39[^\n]", l.what, l.value) >= 1);
	return l;
}

static void apply(const struct pr_backend *b, const char *text)
{
	const struct line l = parse(text);
	struct pr_address a = address(l.where);
	unsigned int offset, width;

	if (strcmp(l.verb, "attribute") == 0) {
		assert_int_equal(b->ops->set_attribute(b->instance, &a, l.what, l.value), 0);
	} else if (strcmp(l.verb, "register") == 0) {
		assert_int_equal(sscanf(l.what, "%x/%u", &offset, &width), 2);
		assert_int_equal(b->ops->write(b->instance, &a, (uint16_t)offset, (uint8_t)width,
					 (uint32_t)strtoul(l.value, NULL, 16)),
			0);
	} else {
		assert_int_equal(b->ops->unbind(b->instance, &a), 0);
	}
}

static void assert_attribute(const struct pr_backend *b, const struct line *l)
{
	struct pr_address a = address(l->where);
	char text[4096], wanted[100];

	assert_int_equal(b->ops->attributes(b->instance, &a, text, sizeof(text)), 0);
	(void)snprintf(wanted, sizeof(wanted), "%s=%s\n", l->what, l->value);
	if (!strstr(text, wanted))
		fail_msg("%s: no %s in %s", l->where, wanted, text);
}

static void assert_driver(const struct pr_backend *b, const struct line *l)
{
	struct pr_topology *now;
	const struct pr_function *f;
	const char *driver;

	assert_int_equal(b->ops->look(b->instance, &now), 0);
	f = machine_function(now, l->where);
	driver = f->facts->driver ? f->facts->driver : "none";
	assert_string_equal(driver, l->what);
	pr_topology_free(now);
}

static void assert_line(const struct pr_backend *b, const char *text)
{
	const struct line l = parse(text);
	struct pr_address a = address(l.where);
	unsigned int offset, width;
	uint32_t value;

	if (strcmp(l.verb, "attribute") == 0) {
		assert_attribute(b, &l);
	} else if (strcmp(l.verb, "register") == 0) {
		assert_int_equal(sscanf(l.what, "%x/%u", &offset, &width), 2);
		assert_int_equal(
			b->ops->read(b->instance, &a, (uint16_t)offset, (uint8_t)width, &value), 0);
		if (value != strtoul(l.value, NULL, 16))
			fail_msg("%s: the register holds %x", text, value);
	} else {
		assert_driver(b, &l);
	}
}

static void make_plan(struct bench *b)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	const struct pr_address target = address(DEAD);
	const struct pr_request request = { .targets = &target, .n_targets = 1 };

	assert_int_equal(b->simulator.ops->look(b->simulator.instance, &b->start), 0);
	assert_int_equal(pr_plan_make(b->start, &request, &policy, &b->plan), 0);
	assert_int_equal(pr_plan_check(b->plan, &policy, (char[160]){ 0 }, 160), 0);
	assert_int_equal(b->plan->n_removed, 1);
	assert_string_equal("0000:00/02.0/00.0", b->plan->steps[b->plan->n_steps - 3].path);
}

static void bench_init(
	struct bench *b, const char *kernel, const char *words, const char *const before[4])
{
	char text[2048];
	int n;

	n = snprintf(text, sizeof(text), "kernel %s\n", kernel);
	(void)snprintf(text + n, sizeof(text) - (size_t)n, machine_text, words ? words : "");
	*b = (struct bench){ .machine = machine_build(text),
		.directory = "/tmp/pr-settings-XXXXXX" };
	assert_int_equal(pr_backend_simulator_new(b->machine, &b->simulator), 0);
	for (size_t i = 0; i < 4 && before[i]; i++)
		apply(&b->simulator, before[i]);
	b->ops = *b->simulator.ops;
	b->wrapped = b->simulator;
	b->wrapped.ops = &b->ops;
	make_plan(b);
	assert_non_null(mkdtemp(b->directory));
	assert_int_equal(pr_journal_open(b->directory, &b->journal), 0);
}

static void bench_deinit(struct bench *b)
{
	char path[60];

	pr_journal_close(b->journal);
	(void)snprintf(path, sizeof(path), "%s/journal", b->directory);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(b->directory), 0);
	pr_plan_free(b->plan);
	pr_topology_free(b->start);
	pr_backend_simulator_free(&b->simulator);
	pr_topology_free(b->machine);
}

static void assert_journal(const struct bench *b, const char *line)
{
	char path[60], *text;

	(void)snprintf(path, sizeof(path), "%s/journal", b->directory);
	assert_int_equal(pr_read_file_at(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
	if (!strstr(text, line))
		fail_msg("no %s in the journal:\n%s", line, text);
	free(text);
}

/* ---- what is put back ---- */

static const struct row {
	const char *name, *kernel;
	const char *words; /* of the card */
	const char *before[4], *after[4];
	const char *journal;
	const char *report; /* NULL: as predicted, and no more */
} rows[] = {
	{ .name = "power/control is as it was",
		.kernel = "7.2.0",
		.before = { "attribute " CARD " power/control=on" },
		.after = { "attribute " CARD " power/control=on", "driver " CARD " e1000e" },
		.journal = "\nsetting 0000:00/02.0/00.0/01.0/00.0 power/control=on\n" },
	{ .name = "several attributes of one function, and of a bridge",
		.kernel = "6.1.0",
		.before = { "attribute " CARD " d3cold_allowed=0", "attribute " CARD " msi_bus=0",
			"attribute 0000:02:01.0 power/control=on" },
		.after = { "attribute " CARD " d3cold_allowed=0", "attribute " CARD " msi_bus=0",
			"attribute 0000:02:01.0 power/control=on" },
		.journal = "msi_bus=0\n" },
	{ .name = "a node of memory is set before the driver works",
		.kernel = "6.1.0",
		.before = { "attribute " CARD " numa_node=1" },
		.after = { "attribute " CARD " numa_node=1", "driver " CARD " e1000e" },
		.journal = "numa_node=1\n" },
	{ .name = "a driver by override: 6.1 takes the first match, which is taken off again",
		.kernel = "6.1.0",
		.words = " override=e1000e",
		.before = { "attribute " CARD " driver_override=e1000e" },
		.after = { "attribute " CARD " driver_override=e1000e", "driver " CARD " e1000e" },
		.journal = "driver_override=e1000e\n" },
	{ .name = "a driver by override: 7.2 is held off, and never takes another",
		.kernel = "7.2.0",
		.words = " override=e1000e",
		.before = { "attribute " CARD " driver_override=e1000e" },
		.after = { "attribute " CARD " driver_override=e1000e", "driver " CARD " e1000e",
			"attribute " CARD " drivers_autoprobe=1" },
		.journal = "\nhold\n" },
	{ .name = "unbound on purpose stays unbound on 6.1",
		.kernel = "6.1.0",
		.before = { "driver " CARD " none" },
		.after = { "driver " CARD " none" },
		.journal = " 1 !\n" },
	{ .name = "unbound on purpose stays unbound on 7.2, and the others get their drivers",
		.kernel = "7.2.0",
		.before = { "driver " CARD " none" },
		.after = { "driver " CARD " none", "driver 0000:02:01.0 pcieport",
			"attribute " CARD " drivers_autoprobe=1" },
		.journal = " 1 !\n" },
	{ .name = "read request size and ordering are as they were",
		.kernel = "6.1.0",
		.before = { "register " CARD " 48/2=5810" },
		.after = { "register " CARD " 48/2=5810" },
		.journal = " device-control=5810\n" },
	{ .name = "bits that are no setting are the kernel's",
		.kernel = "6.1.0",
		.before = { "register " CARD " 48/2=5910" },
		.after = { "register " CARD " 48/2=5810" },
		.journal = " device-control=5810\n" },
	{ .name = "the largest payload stays what the device above takes",
		.kernel = "6.1.0",
		.before = { "register " CARD " 48/2=0020" },
		.after = { "register " CARD " 48/2=0000" },
		.journal = " max-payload=20\n",
		.report = "; not as it was set before: 0000:04:00.0 max-payload" },
	{ .name = "masks of the port above, which stays, are as they were",
		.kernel = "6.1.0",
		.before = { "register " PORT " 108/4=00400000" },
		.after = { "register " PORT " 108/4=00400000", "register " PORT " 114/4=0" },
		.journal = "\nsetting 0000:00/02.0 aer-uncorrectable-mask=400000\n" },
};

static struct pr_report run(struct bench *b, const struct pr_progress *progress)
{
	struct pr_report report;

	assert_int_equal(pr_run(b->plan, &b->wrapped, b->journal, progress, &report), 0);
	return report;
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct pr_report report;
	struct bench b;

	bench_init(&b, row->kernel, row->words, row->before);
	report = run(&b, NULL);
	if (row->report)
		assert_non_null(strstr(report.text, row->report));
	else
		assert_null(strstr(report.text, "not as it was set"));
	assert_int_equal(report.outcome, PR_OUTCOME_DONE);
	for (size_t i = 0; i < ARRAY_SIZE(row->after) && row->after[i]; i++)
		assert_line(&b.simulator, row->after[i]);
	assert_journal(&b, row->journal);
	bench_deinit(&b);
}

/* ---- while the subtree is away ---- */

static int on_step(void *userdata, const struct pr_plan *plan, size_t step, bool done)
{
	struct bench *b = userdata;

	if (plan->steps[step].kind != PR_STEP_REMOVE || !done)
		return 0;
	assert_line(&b->simulator, "register " PORT " 108/4=0051c020");
	assert_line(&b->simulator, "register " PORT " 114/4=000031c1");
	return 0;
}

static void test_errors_are_masked(void **state)
{
	const char *const before[4] = { "register " PORT " 108/4=00400000" };
	struct pr_progress progress = { .step = on_step };
	struct bench b;

	(void)state;
	bench_init(&b, "6.1.0", NULL, before);
	progress.userdata = &b;
	assert_int_equal(run(&b, &progress).outcome, PR_OUTCOME_DONE);
	assert_line(&b.simulator, "register " PORT " 108/4=00400000");
	bench_deinit(&b);
}

static int on_step_of_firmware(void *userdata, const struct pr_plan *plan, size_t step, bool done)
{
	struct bench *b = userdata;

	(void)plan;
	(void)step;
	(void)done;
	assert_line(&b->simulator, "register " PORT " 108/4=0");
	assert_line(&b->simulator, "register " PORT " 114/4=0");
	return 0;
}

static int attributes_of_firmware(
	void *instance, const struct pr_address *a, char *ret, size_t size)
{
	(void)instance;
	(void)a;
	(void)snprintf(ret, size, "drivers_autoprobe=1\naer=firmware\n"); /* fits */
	return 0;
}

static void test_errors_are_the_firmwares(void **state)
{
	const char *const before[4] = { NULL };
	struct pr_progress progress = { .step = on_step_of_firmware };
	struct bench b;

	(void)state;
	bench_init(&b, "6.1.0", NULL, before);
	b.ops.attributes = attributes_of_firmware;
	progress.userdata = &b;
	assert_int_equal(run(&b, &progress).outcome, PR_OUTCOME_DONE);
	bench_deinit(&b);
}

/* ---- refusals, and processes that die ---- */

static int refuses(void *instance, const struct pr_address *a, const char *name, const char *value)
{
	(void)instance;
	(void)a;
	(void)name;
	(void)value;
	return -EPERM;
}

static void test_refused_is_named(void **state)
{
	const char *const before[4] = { "attribute " CARD " power/control=on" };
	struct pr_report report;
	struct bench b;

	(void)state;
	bench_init(&b, "6.1.0", NULL, before);
	b.ops.set_attribute = refuses;
	report = run(&b, NULL);
	assert_string_equal(report.text,
		"done as predicted, nothing was lost; not as it was set before: 0000:04:00.0 power/control");
	assert_false(report.pending);
	bench_deinit(&b);
}

static int is_gone(void *instance, const struct pr_address *a, const char *name, const char *value)
{
	(void)refuses(instance, a, name, value);
	return -ECONNRESET;
}

static void test_without_helper_it_stays_pending(void **state)
{
	const char *const before[4] = { "attribute " CARD " power/control=on" };
	struct pr_report report;
	struct bench b;

	(void)state;
	bench_init(&b, "6.1.0", NULL, before);
	b.ops.set_attribute = is_gone;
	report = run(&b, NULL);
	assert_true(report.pending);
	assert_true(pr_journal_pending(b.journal));

	b.ops.set_attribute = b.simulator.ops->set_attribute;
	assert_int_equal(pr_recover(&b.wrapped, b.journal, &report), 0);
	assert_int_equal(report.outcome, PR_OUTCOME_ROLLED_BACK);
	assert_line(&b.simulator, before[0]);
	assert_false(pr_journal_pending(b.journal));
	bench_deinit(&b);
}

static int cannot_read(void *instance, const struct pr_address *a, char *ret, size_t size)
{
	(void)instance;
	(void)a;
	(void)ret;
	(void)size;
	return -EIO;
}

static void test_unread_is_not_begun(void **state)
{
	const char *const before[4] = { NULL };
	struct pr_report report;
	struct bench b;

	(void)state;
	bench_init(&b, "6.1.0", NULL, before);
	b.ops.attributes = cannot_read;
	assert_int_equal(pr_run(b.plan, &b.wrapped, b.journal, NULL, &report), -EIO);
	assert_false(pr_journal_pending(b.journal));
	bench_deinit(&b);
}

int main(void)
{
	static struct rows all;

	ADD_ROWS(&all, rows, test_row);
	rows_add(&all, "errors of the port above are masked while the subtree is away",
		test_errors_are_masked, NULL);
	rows_add(&all, "errors that the firmware handles are not masked",
		test_errors_are_the_firmwares, NULL);
	rows_add(&all, "a setting that is refused is named", test_refused_is_named, NULL);
	rows_add(&all, "without a helper settings stay pending until recovery",
		test_without_helper_it_stays_pending, NULL);
	rows_add(&all, "settings that cannot be read: nothing is begun", test_unread_is_not_begun,
		NULL);
	return rows_run(&all, "settings");
}

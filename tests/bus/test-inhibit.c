/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inhibitors: who holds one is planned around or waited for, for as long as the
 * descriptor is open, also over a restart of the daemon, and within limits.
 */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../unit/rows.h"
#include "base/clock.h"

#define PORT_PATH PR_BUS_DEVICES "/0000_00/02_0"
#define CARD_PATH PORT_PATH "/00_0"

static sd_bus_message *inhibit(
	struct stage *s, const char *device, const char *mode, const char *why)
{
	sd_bus_message *m = client_manager_call(s, "Inhibit");

	assert_true(sd_bus_message_append(m, "s", "rebalance") >= 0);
	assert_true(sd_bus_message_append(m, "ao", device ? 1 : 0, device) >= 0);
	assert_true(sd_bus_message_append(m, "sss", "backup", why, mode) >= 0);
	return client_call(s, m);
}

/* The lease: a descriptor of the test's own. */
static int lease(struct stage *s, const char *device, const char *mode)
{
	sd_bus_message *m = inhibit(s, device, mode, "it copies");
	int fd = -1;

	if (sd_bus_message_is_method_error(m, NULL))
		fail_msg("%s", sd_bus_message_get_error(m)->message);
	assert_true(sd_bus_message_read(m, "h", &fd) > 0);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	assert_true(fd >= 0);
	sd_bus_message_unref(m);
	return fd;
}

static void let_go(struct stage *s, int fd)
{
	assert_int_equal(close(fd), 0);
	stage_rest(s);
}

static void apply(struct stage *s, const char *plan)
{
	char job[PR_BUS_PATH_MAX];

	client_assert_path(
		client_apply(s, plan, client_get_u64(s, plan, PR_BUS_PLAN, "Generation"), 0), job);
}

static void test_pin(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct stage s;
	int fd;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	fd = lease(&s, PORT_PATH, "pin");
	client_plan(&s, &(struct asked){ 0 }, plan);
	client_assert_text(
		&s, plan, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_VETOED));
	let_go(&s, fd);
	assert_int_equal(pr_inhibitors_count(s.inhibitors), 0);
	client_plan(&s, &(struct asked){ 0 }, plan);
	client_assert_text(&s, plan, PR_BUS_PLAN, "VerdictName", "ok");
	stage_close(&s);
}

/* Without a device it is about all of them. */
static void test_pin_all(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct stage s;
	int fd;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_AUTO);
	fd = -1;
	s.machine = machine_healthy;
	stage_start(&s);
	fd = lease(&s, NULL, "pin");
	stage_look_again(&s, machine_dead);
	assert_null(strstr(stage_heard(&s), "JobNew"));
	client_plan(&s, &(struct asked){ 0 }, plan);
	client_assert_text(
		&s, plan, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_VETOED));
	/* and when he lets go, auto does what it could not */
	s.machine_after = machine_mended;
	let_go(&s, fd);
	assert_heard(&s, "JobNew 1", "JobRemoved 1 done");
	stage_close(&s);
}

static void test_pin_after_plan(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	uint64_t generation;
	struct stage s;
	int fd;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	generation = client_get_u64(&s, plan, PR_BUS_PLAN, "Generation");
	fd = lease(&s, PORT_PATH, "pin");
	client_assert_refused(client_apply(&s, plan, generation, 0), "org.pciroom1.Error.Inhibited",
		"backup keeps 0000:00:02.0: it copies");
	let_go(&s, fd);
	stage_close(&s);
}

/* Who has a say in job 1, a line each. */
static void assert_vetoes(struct stage *s, const char *expected)
{
	sd_bus_message *m = client_get(s, PR_BUS_JOBS "/1", PR_BUS_JOB, "Vetoes");
	const char *device, *mode, *who, *why;
	struct pr_text seen = { 0 };

	assert_true(sd_bus_message_enter_container(m, 'v', "a(osss)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(osss)") > 0);
	while (sd_bus_message_read(m, "(osss)", &device, &mode, &who, &why) > 0)
		pr_text_printf(&seen, "%s %s %s %s\n", device, mode, who, why);
	assert_string_equal(seen.data ? seen.data : "", expected);
	pr_text_deinit(&seen);
	sd_bus_message_unref(m);
}

/* A job begins when the last one who delays it is ready, and everybody hears of both ends. */
static void test_delay(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct stage s;
	int first, second;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	s.machine_after = machine_mended;
	stage_start(&s);
	first = lease(&s, PORT_PATH, "delay");
	second = lease(&s, NULL, "delay");
	client_plan(&s, &(struct asked){ 0 }, plan);
	apply(&s, plan);
	client_assert_text(&s, PR_BUS_JOBS "/1", PR_BUS_JOB, "Phase", "preparing");
	assert_vetoes(
		&s, PORT_PATH " delay backup it copies\n" PORT_PATH " delay backup it copies\n");
	client_assert_text(&s, plan, PR_BUS_PLAN, "State", "applying");
	assert_int_equal(close(first), 0);
	while (pr_inhibitors_count(s.inhibitors) > 1)
		stage_turn(&s);
	client_assert_text(&s, PR_BUS_JOBS "/1", PR_BUS_JOB, "Phase", "preparing");
	assert_vetoes(&s, PORT_PATH " delay backup it copies\n");
	let_go(&s, second);
	assert_heard(&s, "JobNew 1", "PrepareForRebalance start " PORT_PATH " " CARD_PATH,
		"PropertiesChanged " PR_BUS_JOBS "/1 " PR_BUS_JOB " Vetoes\n",
		"PrepareForRebalance end " PORT_PATH " " CARD_PATH, "JobRemoved 1 done");
	stage_close(&s);
}

/* There is an end to waiting. */
static void test_delay_maximum(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	uint64_t began, until;
	struct stage s;
	int fd;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	s.machine_after = machine_mended;
	stage_start(&s);
	stage_configure(&s, "delay: 60s");
	fd = lease(&s, PORT_PATH, "delay");
	client_plan(&s, &(struct asked){ 0 }, plan);
	began = pr_now_usec();
	apply(&s, plan);
	assert_non_null(s.prepared);
	assert_true(sd_event_source_get_time(s.prepared, &until) >= 0);
	assert_in_range(until, began + 60000000, pr_now_usec() + 60000000);
	/* now is the deadline */
	assert_true(sd_event_source_set_time(s.prepared, 1) >= 0);
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 done");
	let_go(&s, fd);
	stage_close(&s);
}

/* He who has the time to look pins: nothing is begun, and the next plan goes around. */
static void test_veto(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct stage s;
	int delay, pin;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	delay = lease(&s, PORT_PATH, "delay");
	client_plan(&s, &(struct asked){ 0 }, plan);
	apply(&s, plan);
	pin = lease(&s, CARD_PATH, "pin");
	let_go(&s, delay);
	assert_heard(&s, "PropertiesChanged " PR_BUS_JOBS "/1 " PR_BUS_JOB " Vetoes\n",
		"JobReport 0 stale backup keeps 0000:01:00.0: it copies; nothing was begun",
		"JobRemoved 1 stale");
	assert_int_equal(pr_job_pending(s.state), 0);
	client_plan(&s, &(struct asked){ 0 }, plan);
	client_assert_text(
		&s, plan, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_VETOED));
	let_go(&s, pin);
	stage_close(&s);
}

static void test_cancel_while_preparing(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	sd_bus_message *m = NULL;
	struct stage s;
	int fd;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	fd = lease(&s, PORT_PATH, "delay");
	client_plan(&s, &(struct asked){ 0 }, plan);
	apply(&s, plan);
	assert_int_equal(sd_bus_message_new_method_call(
				 s.client, &m, NULL, PR_BUS_JOBS "/1", PR_BUS_JOB, "Cancel"),
		0);
	m = client_call(&s, m);
	assert_false(sd_bus_message_is_method_error(m, NULL));
	sd_bus_message_unref(m);
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 cancelled");
	let_go(&s, fd);
	stage_close(&s);
}

static void test_stop_while_preparing(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct stage s;
	int fd;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	fd = lease(&s, PORT_PATH, "delay");
	client_plan(&s, &(struct asked){ 0 }, plan);
	apply(&s, plan);
	pr_service_stop(s.service);
	assert_null(pr_service_job(s.service));
	assert_int_equal(close(fd), 0);
	stage_close(&s);
}

/* The lease outlives the daemon that gave it; one that was let go meanwhile does not. */
static void test_restart(void **state)
{
	const struct pr_inhibitor *i;
	struct stage s;
	int held, gone;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	gone = lease(&s, NULL, "delay");
	held = lease(&s, PORT_PATH, "pin");
	pr_inhibitors_free(s.inhibitors);
	assert_int_equal(close(gone), 0);
	stage_open_inhibitors(&s);
	assert_int_equal(pr_inhibitors_count(s.inhibitors), 1);
	i = pr_inhibitors_get(s.inhibitors, 0);
	assert_int_equal(i->mode, PR_INHIBIT_PIN);
	assert_string_equal(i->who, "backup");
	assert_string_equal(i->why, "it copies");
	assert_int_equal(i->uid, geteuid());
	assert_int_equal(i->n_paths, 1);
	assert_string_equal(i->paths[0], "0000:00/02.0");
	let_go(&s, held);
	assert_int_equal(pr_inhibitors_count(s.inhibitors), 0);
	stage_close(&s);
}

static void test_list(void **state)
{
	const char *what, *device, *who, *why, *mode;
	sd_bus_message *m;
	struct stage s;
	uint32_t uid, pid;
	int fd;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	fd = lease(&s, CARD_PATH, "delay");
	m = client_call(&s, client_manager_call(&s, "ListInhibitors"));
	assert_true(sd_bus_message_enter_container(m, 'a', "(saosssuu)") > 0);
	assert_true(sd_bus_message_read(
			    m, "(saosssuu)", &what, 1, &device, &who, &why, &mode, &uid, &pid) > 0);
	assert_string_equal(what, "rebalance");
	assert_string_equal(device, CARD_PATH);
	assert_string_equal(mode, "delay");
	assert_int_equal(uid, geteuid());
	sd_bus_message_unref(m);
	let_go(&s, fd);
	stage_close(&s);
}

static const struct refused {
	const char *name, *device, *mode, *why, *error, *text;
} refused[] = {
	{ "Inhibit: a device that is not there", PORT_PATH "/07_0", "pin", "x",
		"org.pciroom1.Error.NoSuchDevice", "07_0" },
	{ "Inhibit: an object that is no device", PR_BUS_PATH, "pin", "x",
		"org.pciroom1.Error.NoSuchDevice", PR_BUS_PATH },
	{ "Inhibit: a mode that is none", NULL, "block", "x", SD_BUS_ERROR_INVALID_ARGS, "block" },
	{ "Inhibit: no reason", NULL, "pin", "", SD_BUS_ERROR_INVALID_ARGS, "one line" },
	{ "Inhibit: a reason of two lines", NULL, "pin", "a\nmode delay", SD_BUS_ERROR_INVALID_ARGS,
		"one line" },
};

static void test_refused(void **state)
{
	const struct refused *c = *state;
	struct stage s;

	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_refused(inhibit(&s, c->device, c->mode, c->why), c->error, c->text);
	assert_int_equal(pr_inhibitors_count(s.inhibitors), 0);
	stage_close(&s);
}

/* ---- without a bus ---- */

/* A user has a share, and all together do not leave root without. */
static void test_limits(void **state)
{
	int fds[PR_INHIBITORS_USER_MAX + 2];
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct pr_inhibitor wanted = { .mode = PR_INHIBIT_DELAY,
			.uid = i == 0 ? 0 : 1000,
			.who = strdup("x"),
			.why = strdup("y"),
			.fd = -1 };

		fds[i] = -1;
		assert_int_equal(pr_inhibitors_add(s.inhibitors, &wanted, &fds[i]),
			i <= PR_INHIBITORS_USER_MAX ? 0 : -EUSERS);
	}
	for (size_t i = 0; i + 1 < ARRAY_SIZE(fds); i++)
		assert_int_equal(close(fds[i]), 0);
	stage_close(&s);
}

static const char *const broken[] = { "", "mode pin\nuid 0\npid 1\nwho a\n",
	"mode pin\nuid 0\npid 1\nwho a\nwhy b", "mode loud\nuid 0\npid 1\nwho a\nwhy b\n",
	"mode pin\nuid x\npid 1\nwho a\nwhy b\n", "mode pin\nwho a\nwho b\nwhy c\n",
	"colour red\nwho a\nwhy b\n" };

/* A lease that cannot be read is dropped, and the daemon starts. */
static void test_broken(void **state)
{
	char path[128];
	struct stage s;
	FILE *f;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	for (unsigned int i = 0; i < ARRAY_SIZE(broken); i++) {
		int fd;

		(void)snprintf(path, sizeof(path), "%s/inhibit/9.lease", s.state);
		f = fopen(path, "we");
		assert_non_null(f);
		assert_true(fputs(broken[i], f) >= 0);
		assert_int_equal(fclose(f), 0);
		(void)snprintf(path, sizeof(path), "%s/inhibit/9", s.state);
		assert_int_equal(mkfifo(path, 0600), 0);
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		pr_inhibitors_free(s.inhibitors);
		stage_open_inhibitors(&s);
		if (pr_inhibitors_count(s.inhibitors) != 0)
			fail_msg("taken for a lease: %s", broken[i]);
		assert_int_equal(close(fd), 0);
	}
	stage_close(&s);
}

static const struct CMUnitTest plain[] = {
	{ "a pin is planned around for as long as the descriptor is open", test_pin, NULL, NULL,
		NULL },
	{ "a pin without devices is about all, and auto waits for its end", test_pin_all, NULL,
		NULL, NULL },
	{ "a pin that came after the plan refuses it, and says whose it is", test_pin_after_plan,
		NULL, NULL, NULL },
	{ "a job begins when the last delay is released", test_delay, NULL, NULL, NULL },
	{ "a delay has a maximum", test_delay_maximum, NULL, NULL, NULL },
	{ "a pin during a delay ends the job before it began", test_veto, NULL, NULL, NULL },
	{ "a job that waits can be cancelled", test_cancel_while_preparing, NULL, NULL, NULL },
	{ "a service that stops does not wait for a delay", test_stop_while_preparing, NULL, NULL,
		NULL },
	{ "a lease outlives a restart, unless it was let go", test_restart, NULL, NULL, NULL },
	{ "ListInhibitors tells of all of them", test_list, NULL, NULL, NULL },
	{ "a user's inhibitors are limited, root's share is not touched", test_limits, NULL, NULL,
		NULL },
	{ "a lease that cannot be read is dropped", test_broken, NULL, NULL, NULL },
};

int main(void)
{
	static struct rows tests;

	ADD_TESTS(&tests, plain);
	ADD_ROWS(&tests, refused, test_refused);
	return rows_run(&tests, "inhibit");
}

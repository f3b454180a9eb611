/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A card that a client makes another while it is away: his lease says when that
 * is done, and its end, or that of his time, brings the card back as it is.
 */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "../unit/rows.h"

#define CARD "0000:01:00.0"
#define JOB  PR_BUS_JOBS "/1"

static sd_bus_message *replug(struct stage *s, const char *plan, uint32_t seconds, uint64_t flags)
{
	sd_bus_message *m = client_manager_call(s, "Replug");
	uint64_t generation = client_get_u64(s, plan, PR_BUS_PLAN, "Generation");

	assert_true(sd_bus_message_append(m, "otut", plan, generation, seconds, flags) >= 0);
	return client_call(s, m);
}

/* The client's end of what the job waits at. */
static int take_lease(sd_bus_message *m)
{
	const char *job;
	int fd = -1;

	if (sd_bus_message_is_method_error(m, NULL))
		fail_msg("%s", sd_bus_message_get_error(m)->message);
	assert_true(sd_bus_message_read(m, "oh", &job, &fd) > 0);
	assert_string_equal(job, JOB);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	assert_true(fd >= 0);
	sd_bus_message_unref(m);
	return fd;
}

/* The card of a plan that replaces one is away, for @seconds. */
static int card_away(struct stage *s, uint32_t seconds)
{
	char plan[PR_BUS_PATH_MAX];
	int lease;

	stage_open(s, machine_mended, PR_MODE_ADVISE);
	stage_start(s);
	client_plan(s, &(struct asked){ .replug = CARD }, plan);
	lease = take_lease(replug(s, plan, seconds, 0));
	while (!pr_service_job(s->service)->changing)
		stage_turn(s);
	return lease;
}

static void test_changed(void **state)
{
	struct stage s;
	int lease = card_away(&s, 3600);

	(void)state;
	client_assert_text(&s, JOB, PR_BUS_JOB, "Phase", "changing");
	assert_true(client_get_u64(&s, JOB, PR_BUS_JOB, "ConfirmDeadlineUSec") > 0);
	assert_int_equal(write(lease, "1", 1), 1);
	stage_rest(&s);
	assert_int_equal(close(lease), 0);
	assert_heard(&s, "JobNew 1",
		"PropertiesChanged " JOB " " PR_BUS_JOB " Phase ConfirmDeadlineUSec\n",
		"JobReport 0 done", "JobRemoved 1 done");
	assert_story(&s, "apply-started device=" CARD " plan=yes job=1");
	stage_close(&s);
}

static void test_client_gone(void **state)
{
	struct stage s;
	int lease = card_away(&s, 3600);

	(void)state;
	assert_int_equal(close(lease), 0);
	stage_rest(&s);
	assert_heard(&s, "JobReport 0 cancelled", "JobRemoved 1 cancelled");
	stage_close(&s);
}

static void test_too_slow(void **state)
{
	struct stage s;
	int lease = card_away(&s, 1);

	(void)state;
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 cancelled");
	assert_true(write(lease, "1", 1) < 0 && errno == EPIPE);
	assert_int_equal(close(lease), 0);
	stage_close(&s);
}

static void test_more_time(void **state)
{
	struct pr_why why;
	struct stage s;
	int lease = card_away(&s, 60);
	uint64_t first = client_get_u64(&s, JOB, PR_BUS_JOB, "ConfirmDeadlineUSec");

	(void)state;
	assert_int_equal(pr_service_extend(s.service, 1, 3600, &why), 0);
	assert_true(client_get_u64(&s, JOB, PR_BUS_JOB, "ConfirmDeadlineUSec") > first);
	/* nobody has to confirm that the card is another */
	assert_int_equal(pr_service_confirm(s.service, &why), PR_REFUSAL_NOTHING_TO_CONFIRM);
	assert_int_equal(write(lease, "1", 1), 1);
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 done");
	assert_int_equal(close(lease), 0);
	stage_close(&s);
}

static void test_cancelled(void **state)
{
	struct pr_why why;
	struct stage s;
	int lease = card_away(&s, 3600);

	(void)state;
	assert_int_equal(pr_service_cancel(s.service, 1, &why), 0);
	stage_rest(&s);
	assert_heard(&s, "JobRemoved 1 cancelled");
	assert_int_equal(close(lease), 0);
	stage_close(&s);
}

static const struct refused_case {
	const char *name;
	const char *card; /* NULL: a plan that replaces none */
	uint32_t seconds;
	uint64_t flags;
	bool apply; /* ApplyPlan is called instead */
	const char *error, *text;
} refused[] = {
	{ .name = "a plan that replaces a card is not for ApplyPlan",
		.card = CARD,
		.apply = true,
		.error = "org.pciroom1.Error.NotSupported",
		.text = "carried out by Replug" },
	{ .name = "another plan is not for Replug",
		.seconds = 60,
		.error = "org.pciroom1.Error.NotSupported",
		.text = "replaces no card" },
	{ .name = "a card is not away for ever",
		.card = CARD,
		.error = SD_BUS_ERROR_INVALID_ARGS,
		.text = "seconds are wanted" },
	{ .name = "nor for more than a day",
		.card = CARD,
		.seconds = 86401,
		.error = SD_BUS_ERROR_INVALID_ARGS,
		.text = "at most 86400" },
	{ .name = "an unknown flag is refused",
		.card = CARD,
		.seconds = 60,
		.flags = 2,
		.error = "org.pciroom1.Error.NotSupported",
		.text = "a flag" },
};

static void test_refused(void **state)
{
	const struct refused_case *c = *state;
	char plan[PR_BUS_PATH_MAX];
	struct stage s;
	sd_bus_message *m;

	stage_open(&s, c->card ? machine_mended : machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ .replug = c->card }, plan);
	m = c->apply
		    ? client_apply(&s, plan, client_get_u64(&s, plan, PR_BUS_PLAN, "Generation"), 0)
		    : replug(&s, plan, c->seconds, c->flags);
	client_assert_refused(m, c->error, c->text);
	assert_null(strstr(stage_heard(&s), "Job"));
	stage_close(&s);
}

static void test_no_card(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_mended, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_refused(client_create_plan(&s, &(struct asked){ .replug = "0000:7f:00.0" }),
		"org.pciroom1.Error.NoSuchDevice", "0000:7f:00.0");
	stage_close(&s);
}

static const struct CMUnitTest plain[] = {
	{ "a byte brings the card back as another", test_changed, NULL, NULL, NULL },
	{ "a client that dies gets it back as it is", test_client_gone, NULL, NULL, NULL },
	{ "so does one who takes too long, and he is told", test_too_slow, NULL, NULL, NULL },
	{ "he may ask for more time", test_more_time, NULL, NULL, NULL },
	{ "somebody else may end it", test_cancelled, NULL, NULL, NULL },
	{ "a card that is not there is not replaced", test_no_card, NULL, NULL, NULL },
};

int main(void)
{
	static struct rows tests;
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGPIPE);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return 1;
	ADD_TESTS(&tests, plain);
	ADD_ROWS(&tests, refused, test_refused);
	return rows_run(&tests, "replug");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slots that have less room than the configuration gives them: told, asked for, not tried twice. */
#include "stage.h"

#include <string.h>

#include "../unit/rows.h"
#include "../unit/two-slots.h"
#include "daemon/say.h"

#define SLOT "0000:00/02.0/00.0/00.0"

/* The same with 64 MiB in the slot's prefetchable window. */
#define ROOMY \
	TWO_SLOTS_PREF("6.1.0", "100000000-1041fffff", "100000000-103ffffff", "104000000-1041fffff")

/* The service on @machine, and then with a rule that gives the slot 64 MiB.  @after: see stage.h. */
static void configure(struct stage *s, const char *machine, const char *after, const char *head)
{
	char text[256];

	stage_open(s, machine, PR_MODE_ADVISE);
	s->machine_after = after;
	stage_start(s);
	(void)snprintf(text, sizeof(text),
		"%s\nrules: [{ match: { path: " SLOT " }, reserve: { prefetchable: 64M } }]\n",
		head);
	stage_configure(s, text);
}

static size_t count_story(const struct stage *s, const char *part)
{
	size_t n = 0;

	for (const char *at = stage_story(s); (at = strstr(at, part)); at++)
		n++;
	return n;
}

static void test_advise(void **state)
{
	struct stage s;

	(void)state;
	configure(&s, TWO_SLOTS("6.1.0"), NULL, "disruption: restart");
	assert_ports(&s, "Lacking", SLOT);
	assert_heard(&s, "PropertiesChanged " PR_BUS_PATH " " PR_BUS_MANAGER " Lacking");
	assert_story(&s, "lacks device=0000:02:00.0",
		"lacks what the configuration gives it: 64 MiB in its prefetchable window\n",
		"plan-found device=0000:02:00.0", "gives 0000:02:00.0 what is asked for",
		"\"pciroom apply --reserve=0000:02:00.0=pref:64M\" carries it out");
	assert_null(strstr(stage_story(&s), "apply-started"));
	/* the same machine is not told of again, another that has it is */
	stage_look_again(&s, TWO_SLOTS("6.1.0"));
	stage_look_again(&s, ROOMY);
	assert_ports(&s, "Lacking", NULL);
	assert_story(&s, "0000:02:00.0 has what the configuration gives it\n");
	assert_int_equal(count_story(&s, "0000:02:00.0 lacks"), 1);
	assert_int_equal(count_story(&s, "plan-found"), 1);
	stage_close(&s);
}

/* Half a command would be another one. */
static void test_long_command(void **state)
{
	const size_t most = sizeof(((struct pr_sentence *)0)->text) / strlen(" --reserve=");
	const struct pr_function *targets[64];
	struct pr_reserve reserves[64];
	struct pr_function ports[64] = { 0 };
	struct pr_plan p = { .targets = targets, .reserves = reserves };

	(void)state;
	assert_true(most < ARRAY_SIZE(ports));
	for (size_t i = 0; i < most; i++) {
		ports[i].address = (struct pr_address){ .bus = (uint8_t)i };
		targets[i] = &ports[i];
		reserves[i] = (struct pr_reserve){ ports[i].address, PR_WINDOW_PREF, 1u << 20 };
	}
	p.n_targets = p.n_reserves = 2;
	assert_string_equal(pr_say_command(&p).text,
		"pciroom apply --reserve=0000:00:00.0=pref:1M --reserve=0000:01:00.0=pref:1M");
	p.n_targets = p.n_reserves = most;
	assert_string_equal(pr_say_command(&p).text, "");
}

static void test_auto(void **state)
{
	struct stage s;

	(void)state;
	configure(&s, TWO_SLOTS("6.1.0"), ROOMY, "mode: auto\ndisruption: restart");
	while (pr_service_lacking(s.service, 0))
		stage_turn(&s);
	stage_rest(&s);
	assert_story(&s, "lacks", "plan-found", "apply-started", "by itself", "applied",
		"has what the configuration gives it\n");
	assert_int_equal(count_story(&s, "apply-started"), 1);
	stage_close(&s);
}

/* Whatever the job says of its end: drivers are not restarted again and again. */
static void test_once(void **state)
{
	struct stage s;

	(void)state;
	configure(&s, TWO_SLOTS("6.1.0"), NULL, "mode: auto\ndisruption: restart");
	while (count_story(&s, "applied device") == 0)
		stage_turn(&s);
	stage_rest(&s);
	stage_look_again(&s, TWO_SLOTS("6.1.0"));
	assert_int_equal(count_story(&s, "apply-started"), 1);
	/* that it had it meanwhile is another chance */
	stage_look_again(&s, ROOMY);
	stage_look_again(&s, TWO_SLOTS("6.1.0"));
	while (count_story(&s, "applied device") < 2)
		stage_turn(&s);
	stage_close(&s);
}

static void test_limit(void **state)
{
	struct stage s;

	(void)state;
	configure(&s, TWO_SLOTS("6.1.0"), ROOMY, "mode: auto\ndisruption: free");
	assert_story(&s, "plan-found", "gives 0000:02:00.0", "that is beyond \"disruption: free\"");
	assert_ports(&s, "Lacking", SLOT);
	assert_int_equal(count_story(&s, "apply-started"), 0);
	stage_close(&s);
}

/* The kernel forgets the sizes of windows: told once, and what to boot with. */
static void test_forgetful_kernel(void **state)
{
	struct stage s;

	(void)state;
	configure(&s, TWO_SLOTS("7.2.0"), ROOMY, "mode: auto\ndisruption: restart");
	stage_look_again(&s, TWO_SLOTS("7.2.0") "00:1e.0 dev 8086:2918 class=060100\n");
	assert_story(&s, "plan-refused device=0000:02:00.0", "forgets", "hpmmioprefsize=64M");
	assert_int_equal(count_story(&s, "plan-refused"), 1);
	assert_int_equal(count_story(&s, "apply-started"), 0);
	stage_close(&s);
}

/* A card that nothing can help does not keep a slot from its room. */
static void test_beside_hopeless(void **state)
{
	static const char machine[] =
		TWO_SLOTS("6.1.0") "00:1e.0 dev 1b36:0005 bar2=pref64:1000000000@forgotten\n";
	struct stage s;

	(void)state;
	configure(&s, machine, ROOMY, "mode: auto\ndisruption: restart");
	while (pr_service_lacking(s.service, 0))
		stage_turn(&s);
	stage_rest(&s);
	assert_story(&s, "plan-refused device=0000:00:1e.0", "plan-found device=0000:02:00.0",
		"applied");
	stage_close(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{ .name = "a slot that lacks room is told of, with the command that asks for it",
			.test_func = test_advise },
		{ .name = "or without it, when it is too long to be told whole",
			.test_func = test_long_command },
		{ .name = "auto asks for it by itself", .test_func = test_auto },
		{ .name = "and not again before the slot has had it", .test_func = test_once },
		{ .name = "but not beyond what the policy allows", .test_func = test_limit },
		{ .name = "where the kernel forgets sizes it is told what to boot with, once",
			.test_func = test_forgetful_kernel },
		{ .name = "a card that nothing can help keeps no slot from its room",
			.test_func = test_beside_hopeless },
	};
	static struct rows rows;

	ADD_TESTS(&rows, tests);
	return rows_run(&rows, "lacking");
}

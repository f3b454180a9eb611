/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guarded slot: what it shows, and what is done about it, operation by operation. */
#include <errno.h>
#include <string.h>

#include "exec/guard.h"
#include "rows.h"

#define P       "0000:02:00.0"
#define C(n)    "0000:03:00." #n
#define ENTRIES 24

/* Registers of the slot: Capabilities with power controller and indicator, Control, Status. */
#define STATUS(v)                         \
	{                                 \
		"read " P " 5a/2", 0, (v) \
	}
#define CAPS                               \
	{                                  \
		"read " P " 54/2", 0, 0x1b \
	}
#define CONTROL(v)                        \
	{                                 \
		"read " P " 58/2", 0, (v) \
	}
#define KNOWN(n)                                \
	{                                       \
		"read " C(n) " 00/2", 0, 0x1b36 \
	}
#define UNKNOWN(n)                               \
	{                                        \
		"read " C(n) " 00/2", -ENODEV, 0 \
	}
#define OTHERS UNKNOWN(7), UNKNOWN(6), UNKNOWN(5), UNKNOWN(4), UNKNOWN(3), UNKNOWN(2)
#define SWITCHED_OFF                          \
	CAPS, CONTROL(0x0100),                \
	{                                     \
		"write " P " 58/2=0700", 0, 0 \
	}

static const struct guard_case {
	const char *name;
	struct pr_guarded before;
	bool scan; /* pr_guard_scan() is called; else pr_guard_look() */
	struct pr_script_entry script[ENTRIES];
	int result;
	bool off;
	unsigned int tries;
} cases[] = {
	{ .name = "an empty slot", .script = { STATUS(0), UNKNOWN(0) }, .result = PR_GUARD_QUIET },
	{ .name = "a card that works",
		.script = { STATUS(0x40), KNOWN(0) },
		.result = PR_GUARD_QUIET },
	{ .name = "once it works, rescans are counted anew",
		.before = { .tries = 2 },
		.script = { STATUS(0x40), KNOWN(0) },
		.result = PR_GUARD_QUIET },
	{ .name = "once the slot is empty, too",
		.before = { .tries = 2 },
		.script = { STATUS(0), UNKNOWN(0) },
		.result = PR_GUARD_QUIET },
	{ .name = "what is latched is cleared",
		.script = { STATUS(0x108), { "write " P " 5a/2=0108", 0, 0 }, UNKNOWN(0) },
		.result = PR_GUARD_QUIET },
	{ .name = "a card that came gets power, and time",
		.script = { STATUS(0x49), { "write " P " 5a/2=0009", 0, 0 }, UNKNOWN(0), CAPS,
			CONTROL(0x0700), { "write " P " 58/2=0100", 0, 0 } },
		.result = PR_GUARD_QUIET },
	{ .name = "a card with power waits to be looked for",
		.script = { STATUS(0x40), UNKNOWN(0), CAPS, CONTROL(0x0100) },
		.result = PR_GUARD_WAITS },
	{ .name = "a slot without a power controller has power",
		.script = { STATUS(0x40), UNKNOWN(0), { "read " P " 54/2", 0, 0 },
			CONTROL(0x0400) },
		.result = PR_GUARD_WAITS },
	{ .name = "a card that was pulled is removed, the last function first",
		.script = { STATUS(0x08), { "write " P " 5a/2=0008", 0, 0 }, KNOWN(0), OTHERS,
			KNOWN(1), { "remove " C(1), 0, 0 }, KNOWN(0), { "remove " C(0), 0, 0 },
			SWITCHED_OFF },
		.result = PR_GUARD_WENT },
	{ .name = "a button that is pressed takes a card out, and it stays out",
		.script = { STATUS(0x41), { "write " P " 5a/2=0001", 0, 0 }, KNOWN(0), OTHERS,
			UNKNOWN(1), KNOWN(0), { "remove " C(0), 0, 0 }, SWITCHED_OFF },
		.result = PR_GUARD_WENT,
		.off = true },
	{ .name = "a card that was taken out is left alone",
		.before = { .off = true },
		.script = { STATUS(0x40), UNKNOWN(0) },
		.result = PR_GUARD_QUIET,
		.off = true },
	{ .name = "until its button is pressed again",
		.before = { .off = true },
		.script = { STATUS(0x41), { "write " P " 5a/2=0001", 0, 0 }, UNKNOWN(0), CAPS,
			CONTROL(0x0700), { "write " P " 58/2=0100", 0, 0 } },
		.result = PR_GUARD_QUIET },
	{ .name = "or it is gone",
		.before = { .off = true },
		.script = { STATUS(0), UNKNOWN(0) },
		.result = PR_GUARD_QUIET },
	{ .name = "a removal that fails is told of, and the power stays",
		.script = { STATUS(0), KNOWN(0), OTHERS, UNKNOWN(1), KNOWN(0),
			{ "remove " C(0), -EBUSY, 0 } },
		.result = -EBUSY },
	{ .name = "a port that is away",
		.script = { { "read " P " 5a/2", -ENODEV, 0 } },
		.result = -ENODEV },
	{ .name = "a card is found",
		.scan = true,
		.before = { .tries = 2 },
		.script = { { "rescan " P, 0, 0 }, KNOWN(0) },
		.result = PR_GUARD_CAME },
	{ .name = "a card that does not answer yet",
		.scan = true,
		.script = { { "rescan " P, 0, 0 }, UNKNOWN(0) },
		.result = PR_GUARD_QUIET,
		.tries = 1 },
	{ .name = "a card that never answers is given up",
		.scan = true,
		.before = { .tries = 4 },
		.script = { { "rescan " P, 0, 0 }, UNKNOWN(0) },
		.result = PR_GUARD_MUTE,
		.tries = 5 },
	{ .name = "and left alone",
		.before = { .tries = 5 },
		.script = { STATUS(0x40), UNKNOWN(0) },
		.result = PR_GUARD_QUIET,
		.tries = 5 },
};

static void test_guard(void **state)
{
	const struct guard_case *c = *state;
	const struct pr_looker nobody = { 0 };
	struct pr_guarded g = c->before;
	struct pr_backend b;
	char why[200] = "";
	size_t n = 0;
	int r;

	while (c->script[n].operation)
		n++;
	g.port = (struct pr_address){ .bus = 2 };
	g.secondary = 3;
	g.express = 0x40;
	assert_int_equal(pr_backend_scripted_new(c->script, n, &nobody, &b), 0);
	r = c->scan ? pr_guard_scan(&b, &g) : pr_guard_look(&b, &g);
	if (pr_backend_scripted_left(&b, why, sizeof(why)) > 0)
		fail_msg("%s", why);
	assert_int_equal(r, c->result);
	assert_int_equal(g.off, c->off);
	assert_int_equal(g.tries, c->tries);
	pr_backend_scripted_free(&b);
}

static void test_take_and_give(void **state)
{
	static const struct pr_script_entry script[] = { { "hotplug " P " off", 0, 0 },
		{ "hotplug " P " on", -EIO, 0 } };
	const struct pr_guarded g = { .port = { .bus = 2 } };
	const struct pr_looker nobody = { 0 };
	struct pr_backend b;

	(void)state;
	assert_int_equal(pr_backend_scripted_new(script, 2, &nobody, &b), 0);
	assert_int_equal(pr_guard_take(&b, &g), 0);
	assert_int_equal(pr_guard_give(&b, &g), -EIO);
	pr_backend_scripted_free(&b);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_guard);
	ADD_TEST(&tests, test_take_and_give);

	return rows_run(&tests, "guard");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port above a card that is replaced, operation by operation, and what the journal keeps of it. */
#include <errno.h>
#include <string.h>

#include "exec/swap.h"
#include "machine.h"
#include "plan-machines.h"
#include "rows.h"

#define P       "0000:02:00.0"
#define ENTRIES 10

#define LINK(v)                           \
	{                                 \
		"read " P " 50/2", 0, (v) \
	}
#define DISABLE                               \
	{                                     \
		"write " P " 50/2=0051", 0, 0 \
	}
#define ENABLE                                \
	{                                     \
		"write " P " 50/2=0041", 0, 0 \
	}
#define CARD(r)                                     \
	{                                           \
		"read 0000:03:00.0 00/2", (r), 0xff \
	}
/* pr_guard_look() at a slot whose card has power and is not known */
#define WAITS                                                                       \
	{ "read " P " 5a/2", 0, 0x40 }, CARD(-ENODEV), { "read " P " 54/2", 0, 0 }, \
	{                                                                           \
		"read " P " 58/2", 0, 0                                             \
	}

static int change(const struct pr_record *record, const struct pr_backend *b);
static int refuse(const struct pr_record *record, const struct pr_backend *b);

static const struct swap_case {
	const char *name;
	int (*act)(const struct pr_record *record, const struct pr_backend *b);
	struct pr_script_entry script[ENTRIES];
	bool link_only; /* the port is no slot */
	bool guarded;   /* or one that was taken before */
	int result;
} cases[] = {
	{ .name = "a slot is taken",
		.act = pr_swap_take,
		.script = { { "hotplug " P " off", 0, 0 } } },
	{ .name = "that no driver has it is no failure",
		.act = pr_swap_take,
		.script = { { "hotplug " P " off", -EOPNOTSUPP, 0 } } },
	{ .name = "that it was taken before is told",
		.act = pr_swap_take,
		.script = { { "hotplug " P " off", 1, 0 } },
		.result = 1 },
	{ .name = "a port that is gone with its card need not be",
		.act = pr_swap_take,
		.script = { { "hotplug " P " off", -ENODEV, 0 } } },
	{ .name = "a port that is no slot is not taken", .act = pr_swap_take, .link_only = true },
	{ .name = "a driver that does not let go is a failure",
		.act = pr_swap_take,
		.script = { { "hotplug " P " off", -EBUSY, 0 } },
		.result = -EBUSY },
	{ .name = "the link is off while the card is changed, then the card is waited for",
		.act = change,
		.script = { LINK(0x41), DISABLE, LINK(0x51), ENABLE, WAITS } },
	{ .name = "a card that is not changed gets its link back all the same",
		.act = refuse,
		.script = { LINK(0x41), DISABLE, LINK(0x51), ENABLE, WAITS },
		.result = PR_PROGRESS_CANCEL },
	{ .name = "a link that cannot be switched off leaves the card alone",
		.act = change,
		.script = { LINK(0x41), { "write " P " 50/2=0051", -EPERM, 0 } },
		.result = -EPERM },
	{ .name = "a link that stayed off is switched on, and the card waited for",
		.act = pr_swap_connect,
		.script = { CARD(-ENODEV), LINK(0x51), ENABLE, WAITS } },
	{ .name = "a slot's card is waited for where the link is on already",
		.act = pr_swap_connect,
		.script = { CARD(-ENODEV), LINK(0x41), WAITS } },
	{ .name = "no other is",
		.act = pr_swap_connect,
		.script = { CARD(-ENODEV), LINK(0x41) },
		.link_only = true },
	{ .name = "a card that is there waits for nothing",
		.act = pr_swap_connect,
		.script = { CARD(0) } },
	{ .name = "nor does a port that is gone",
		.act = pr_swap_connect,
		.script = { CARD(-ENODEV), { "read " P " 50/2", -ENODEV, 0 } } },
	{ .name = "a slot is given back",
		.act = pr_swap_give,
		.script = { { "hotplug " P " on", 0, 0 } } },
	{ .name = "one that was taken before stays so", .act = pr_swap_give, .guarded = true },
	{ .name = "one that somebody else has given back is",
		.act = pr_swap_give,
		.script = { { "hotplug " P " on", 1, 0 } } },
	{ .name = "a slot that is gone need not be",
		.act = pr_swap_give,
		.script = { { "hotplug " P " on", -ENODEV, 0 } } },
	{ .name = "a driver that does not take it is a failure",
		.act = pr_swap_give,
		.script = { { "hotplug " P " on", -EIO, 0 } },
		.result = -EIO },
};

static int say_go(void *userdata, const struct pr_plan *plan)
{
	(void)userdata;
	(void)plan;
	return PR_PROGRESS_GO;
}

static int say_cancel(void *userdata, const struct pr_plan *plan)
{
	(void)userdata;
	(void)plan;
	return PR_PROGRESS_CANCEL;
}

static int change(const struct pr_record *record, const struct pr_backend *b)
{
	const struct pr_progress progress = { .change = say_go, .link_off = true };

	return pr_swap_change(record, b, &progress, NULL);
}

static int refuse(const struct pr_record *record, const struct pr_backend *b)
{
	const struct pr_progress progress = { .change = say_cancel, .link_off = true };

	return pr_swap_change(record, b, &progress, NULL);
}

static void test_swap(void **state)
{
	const struct swap_case *c = *state;
	const struct pr_looker nobody = { 0 };
	const struct pr_record record = { .swap = {
						  .slot = { .port = { .bus = 2 },
							  .secondary = 3,
							  .express = 0x40 },
						  .linked = true,
						  .slotted = !c->link_only,
						  .guarded = c->guarded,
					  } };
	struct pr_backend b;
	char why[200] = "";
	size_t n = 0;
	int r;

	while (c->script[n].operation)
		n++;
	assert_int_equal(pr_backend_scripted_new(c->script, n, &nobody, &b), 0);
	r = c->act(&record, &b);
	if (pr_backend_scripted_left(&b, why, sizeof(why)) > 0)
		fail_msg("%s", why);
	assert_int_equal(r, c->result);
	pr_backend_scripted_free(&b);
}

static const struct note_case {
	const char *name, *machine, *card;
	bool keeps; /* the plan replaces no card */
	struct pr_swap expect;
} note_cases[] = {
	{ .name = "a slot is noted with its link",
		.machine = PACKED("6.12.0", "", ""),
		.card = "04:00.0",
		.expect = { .slot = { .port = { .bus = 2, .device = 1 },
				    .secondary = 4,
				    .express = 0x40 },
			.linked = true,
			.slotted = true } },
	{ .name = "of a port that is no slot, the link",
		.machine = CRAMPED_VFS(""),
		.card = "01:00.0",
		.expect = { .slot = { .port = { .device = 2 }, .secondary = 1, .express = 0x40 },
			.linked = true } },
	{ .name = "on the root bus there is no link",
		.machine = PACKED("6.12.0", "", ""),
		.card = "00:1f.2" },
	{ .name = "of a plan that replaces no card, nothing",
		.machine = PACKED("6.12.0", "", ""),
		.card = "04:00.0",
		.keeps = true },
};

static void test_note(void **state)
{
	const struct note_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	const struct pr_function *removed[] = { machine_function(t, c->card) };
	const struct pr_plan plan = { .replugs = !c->keeps, .removed = removed, .n_removed = 1 };
	struct pr_record *record = pr_record_alloc();

	assert_non_null(record);
	pr_swap_note(record, &plan, t);
	assert_int_equal(record->swap.linked, c->expect.linked);
	assert_int_equal(record->swap.slotted, c->expect.slotted);
	assert_false(record->swap.guarded);
	assert_int_equal(pr_address_compare(&record->swap.slot.port, &c->expect.slot.port), 0);
	assert_int_equal(record->swap.slot.secondary, c->expect.slot.secondary);
	assert_int_equal(record->swap.slot.express, c->expect.slot.express);
	pr_record_free(record);
	pr_topology_free(t);
}

/* What a process that was killed leaves is all that the next one knows. */
static void test_journal(void **state)
{
	struct pr_record *record = pr_record_alloc(), *again = NULL;
	struct pr_record_function roster[] = {
		{ .path = "0000:00/02.0", .address = { .bus = 2 } },
		{ .path = "0000:00/02.0/00.0", .address = { .bus = 3 }, .replaced = true },
	};
	struct pr_text out = { 0 };
	unsigned int line = 0;

	(void)state;
	assert_non_null(record);
	memcpy(record->id, "0123456789abcdef", sizeof(record->id));
	record->functions = roster;
	record->n_functions = 2;
	record->swap = (struct pr_swap){
		.slot = { .port = { .bus = 2 }, 3, 0x40, false, 0 }, .linked = true, .slotted = true
	};
	pr_record_write(record, &out);
	assert_int_equal(pr_record_parse(out.data, out.length, &again, &line), 0);
	assert_memory_equal(&again->swap, &record->swap, sizeof(record->swap));
	assert_false(again->functions[0].replaced);
	assert_true(again->functions[1].replaced);
	pr_text_deinit(&out);
	pr_record_free(again);
	pr_record_free(record);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_swap);
	ADD_ROWS(&tests, note_cases, test_note);
	ADD_TEST(&tests, test_journal);

	return rows_run(&tests, "swap");
}

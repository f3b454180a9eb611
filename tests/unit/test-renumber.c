/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans that write bus numbers: a machine with a bridge that has none; which
 * registers are written in which order, and what each bridge has in the end.
 * Every plan that is made is checked by pr_plan_check as well.
 */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/plan.h"
#include "rows.h"

#define ROOT(last)                         \
	"kernel 6.1.0\nroot 0000:00-" last \
	" io=1000-ffff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
#define DISK            "00:1f.2 dev 8086:2922 class=010601 bar5=mem:1000@febf0000 driver=ahci user=mount:/\n"
#define PORT(at, buses) at " bridge " buses " root-port hotplug driver=pcieport\n"

#define DOWN(at, buses) at " bridge " buses " downstream hotplug driver=pcieport\n"
#define IDLE(at)        at " dev 8086:10d3 class=020000\n"
#define BUSY(at)        at " dev 8086:10d3 class=020000 driver=e1000e\n"

/* A switch in a slot that has one bus number. */
#define DEAD_SWITCH PORT("00:02.0", "01-01") "01:00.0 bridge none upstream\n"

struct renumber_case {
	const char *name, *machine, *pin;
	struct pr_bus_wish buses[2];    /* of the request; the first without a number ends it */
	struct pr_slot_reserve reserve; /* of the policy; none without a slot */
	enum pr_disruption limit;
	enum pr_verdict verdict;
	/* "unbind A; write A REGISTER=VALUE; remove A; rescan A; expect" */
	const char *steps;
	const char *numbers; /* "A SECONDARY-SUBORDINATE; " of all bridges, at their old places */
	unsigned int renumbered;
	const char *unseen, *why;
};

static const struct renumber_case cases[] = {
	{ .name = "a dead switch gets all that is free, the port grows around it",
		.machine = ROOT("0f") DISK DEAD_SWITCH,
		.steps = "write 01:00.0 18=0201; write 01:00.0 1a=0f; remove 01:00.0; "
			 "write 00:02.0 1a=0f; remove 00:02.0; rescan 00:1f.2; expect",
		.numbers = "00:02.0 01-0f; 01:00.0 02-0f; ",
		.unseen = "01:00.0; " },
	{ .name = "a port beside it leaves its part free",
		.machine = ROOT("0f") DISK DEAD_SWITCH PORT("00:03.0", "0f-0f"),
		.steps = "write 01:00.0 18=0201; write 01:00.0 1a=08; remove 01:00.0; "
			 "write 00:02.0 1a=08; remove 00:02.0; rescan 00:03.0; expect",
		.numbers = "00:02.0 01-08; 00:03.0 0f-0f; 01:00.0 02-08; ",
		.unseen = "01:00.0; " },
	{ .name = "an empty port in the way moves, and shares what is left",
		.machine = ROOT("0f") DISK DEAD_SWITCH PORT("00:03.0", "02-02"),
		.steps = "write 01:00.0 18=0201; write 01:00.0 1a=08; remove 01:00.0; "
			 "write 00:02.0 1a=08; remove 00:02.0; write 00:03.0 18=0900; "
			 "write 00:03.0 1a=0e; remove 00:03.0; rescan 00:1f.2; expect",
		.numbers = "00:02.0 01-08; 00:03.0 09-0e; 01:00.0 02-08; ",
		.unseen = "01:00.0; " },
	{ .name = "an idle card in the way stays, the dead switch's port moves",
		.machine = ROOT("0f") DISK DEAD_SWITCH PORT("00:03.0", "02-02") IDLE("02:00.0"),
		.steps = "write 01:00.0 18=0403; write 01:00.0 1a=0a; remove 01:00.0; "
			 "write 00:02.0 18=0300; write 00:02.0 1a=0a; remove 00:02.0; "
			 "rescan 00:03.0; expect",
		.numbers = "00:02.0 03-0a; 00:03.0 02-02; 01:00.0 04-0a; ",
		.renumbered = 1,
		.unseen = "01:00.0; " },
	{ .name = "a driver in the way is not restarted for it",
		.machine = ROOT("0f") DISK DEAD_SWITCH PORT("00:03.0", "02-02") BUSY("02:00.0"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "write 01:00.0 18=0403; write 01:00.0 1a=0a; remove 01:00.0; "
			 "write 00:02.0 18=0300; write 00:02.0 1a=0a; remove 00:02.0; "
			 "rescan 00:03.0; expect",
		.numbers = "00:02.0 03-0a; 00:03.0 02-02; 01:00.0 04-0a; ",
		.renumbered = 1,
		.unseen = "01:00.0; " },
	{ .name = "a driver that goes along anyway keeps its address, if that is free",
		.machine = ROOT("0f") DISK PORT("00:02.0",
			"01-05") "01:00.0 bridge 02-05 upstream driver=pcieport\n" DOWN("02:00.0",
			"03-03") DOWN("02:01.0", "04-04") DOWN("02:02.0",
			"05-05") "03:00.0 bridge none upstream\n" BUSY("04:00.0") BUSY("05:00.0"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; unbind 05:00.0; remove 02:01.0; remove 05:00.0; "
			 "write 03:00.0 18=0a09; write 03:00.0 1a=0e; remove 03:00.0; "
			 "write 02:00.0 18=0902; write 02:00.0 1a=0e; remove 02:00.0; "
			 "write 02:02.0 1a=08; remove 02:02.0; write 01:00.0 1a=0f; "
			 "remove 01:00.0; write 00:02.0 1a=0f; remove 00:02.0; "
			 "rescan 00:1f.2; expect",
		.numbers = "00:02.0 01-0f; 01:00.0 02-0f; 02:00.0 09-0e; 02:01.0 04-04; "
			   "02:02.0 05-08; 03:00.0 0a-0e; ",
		.renumbered = 1,
		.unseen = "03:00.0; " },
	{ .name = "where nothing else is free, a driver is restarted and its card renumbered",
		.machine = ROOT("04") DISK DEAD_SWITCH PORT("00:03.0", "02-02") BUSY("02:00.0"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 02:00.0; remove 02:00.0; write 01:00.0 18=0201; "
			 "write 01:00.0 1a=03; remove 01:00.0; write 00:02.0 1a=03; "
			 "remove 00:02.0; write 00:03.0 18=0400; write 00:03.0 1a=04; "
			 "remove 00:03.0; rescan 00:1f.2; expect",
		.numbers = "00:02.0 01-03; 00:03.0 04-04; 01:00.0 02-03; ",
		.renumbered = 1,
		.unseen = "01:00.0; " },
	{ .name = "the same is too disruptive where no driver may be restarted",
		.machine = ROOT("04") DISK DEAD_SWITCH PORT("00:03.0", "02-02") BUSY("02:00.0"),
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.steps = "unbind 02:00.0; remove 02:00.0; write 01:00.0 18=0201; "
			 "write 01:00.0 1a=03; remove 01:00.0; write 00:02.0 1a=03; "
			 "remove 00:02.0; write 00:03.0 18=0400; write 00:03.0 1a=04; "
			 "remove 00:03.0; rescan 00:1f.2; expect",
		.numbers = "00:02.0 01-03; 00:03.0 04-04; 01:00.0 02-03; ",
		.renumbered = 1,
		.unseen = "01:00.0; ",
		.why = "a driver is bound" },
	{ .name = "the nearest bus that has room is enough",
		.machine = ROOT("0f") DISK PORT("00:02.0",
			"01-08") "01:00.0 bridge 02-08 upstream driver=pcieport\n" DOWN("02:00.0",
			"03-03") DOWN("02:01.0", "04-04")
			BUSY("04:00.0") "03:00.0 bridge none upstream\n",
		.steps = "write 03:00.0 18=0605; write 03:00.0 1a=08; remove 03:00.0; "
			 "write 02:00.0 18=0502; write 02:00.0 1a=08; remove 02:00.0; "
			 "rescan 02:01.0; expect",
		.numbers = "00:02.0 01-08; 01:00.0 02-08; 02:00.0 05-08; 02:01.0 04-04; "
			   "03:00.0 06-08; ",
		.renumbered = 1,
		.unseen = "03:00.0; " },
	{ .name = "a chassis of eleven numbers asks for more than the nearest has",
		.machine = ROOT("1f") DISK PORT("00:02.0",
			"01-08") "01:00.0 bridge 02-08 upstream driver=pcieport\n" DOWN("02:00.0",
			"03-03") DOWN("02:01.0", "04-04")
			BUSY("04:00.0") "03:00.0 bridge none upstream\n",
		.limit = PR_DISRUPTION_RESTART,
		.buses = { { .bridge = { .bus = 3 }, .buses = 11 } },
		.steps = "unbind 04:00.0; remove 04:00.0; write 03:00.0 18=0d0c; "
			 "write 03:00.0 1a=1e; remove 03:00.0; write 02:00.0 18=0c02; "
			 "write 02:00.0 1a=1e; remove 02:00.0; write 02:01.0 1a=0b; "
			 "remove 02:01.0; write 01:00.0 1a=1f; remove 01:00.0; "
			 "write 00:02.0 1a=1f; remove 00:02.0; rescan 00:1f.2; expect",
		.numbers = "00:02.0 01-1f; 01:00.0 02-1f; 02:00.0 0c-1e; 02:01.0 04-0b; "
			   "03:00.0 0d-1e; ",
		.renumbered = 1,
		.unseen = "03:00.0; " },
	{ .name = "a port that works gets the numbers asked for, and is all that is removed",
		.machine = ROOT("0f") DISK PORT("00:02.0", "01-01") PORT("00:03.0", "08-08")
			BUSY("08:00.0"),
		.buses = { { .bridge = { .device = 2 }, .buses = 4 } },
		.steps = "write 00:02.0 1a=07; remove 00:02.0; rescan 00:03.0; expect",
		.numbers = "00:02.0 01-07; 00:03.0 08-08; " },
	{ .name = "a port that has the numbers asked for is left alone",
		.machine = ROOT("0f") DISK PORT("00:02.0", "01-04"),
		.buses = { { .bridge = { .device = 2 }, .buses = 4 } },
		.verdict = PR_VERDICT_NOTHING },
	{ .name = "more numbers than the host bridge has are refused with what it lacks",
		.machine = ROOT("0f") DISK PORT("00:02.0", "01-01") PORT("00:03.0", "08-08")
			BUSY("08:00.0"),
		.limit = PR_DISRUPTION_IN_USE,
		.buses = { { .bridge = { .device = 2 }, .buses = 15 } },
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "0000:00:02.0 has 1 bus number, and is to have 15; even a perfect numbering "
		       "lacks 1 of them at host bridge 0000:00: 16 are wanted, its range has 15" },
	{ .name = "numbers asked for where nobody may write registers",
		.machine = "lockdown integrity\n" ROOT("0f") DISK PORT("00:02.0", "01-01"),
		.buses = { { .bridge = { .device = 2 }, .buses = 4 } },
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "locked down (integrity)" },
	{ .name = "in lockdown, what is in doubt without writing is no reason for no answer",
		.machine = "lockdown integrity\n" ROOT("0f") DISK PORT(
			"00:02.0", "01-01") "01:00.0 bridge 02-02 upstream\n" PORT("00:03.0",
			"02-02") "02:00.0 dev 8086:10d3 class=020000 driver=e1000e parent=00:03.0\n",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "locked down (integrity)" },
	{ .name = "a host bridge that has no number to spare",
		.machine = ROOT("02") DISK DEAD_SWITCH PORT("00:03.0", "02-02") BUSY("02:00.0"),
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "even a perfect numbering lacks 1 of them at host bridge 0000:00: 3 are wanted, "
		       "its range has 2" },
	{ .name = "a kernel that is locked down",
		.machine = "lockdown integrity\n" ROOT("0f") DISK DEAD_SWITCH,
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "locked down (integrity)" },
	{ .name = "without lockdown by name",
		.machine = "lockdown none\n" ROOT("03") DISK DEAD_SWITCH,
		.steps = "write 01:00.0 18=0201; write 01:00.0 1a=03; remove 01:00.0; "
			 "write 00:02.0 1a=03; remove 00:02.0; rescan 00:1f.2; expect",
		.numbers = "00:02.0 01-03; 01:00.0 02-03; ",
		.unseen = "01:00.0; " },
	{ .name = "a switch gets all that its port has left, not what the kernel would give it",
		.machine =
			ROOT("0f") DISK PORT("00:02.0", "01-05") "01:00.0 bridge none upstream\n",
		.steps = "write 01:00.0 18=0201; write 01:00.0 1a=05; remove 01:00.0; "
			 "rescan 00:02.0; expect",
		.numbers = "00:02.0 01-05; 01:00.0 02-05; ",
		.unseen = "01:00.0; " },
	{ .name = "a bridge of one bus needs no register written where its port has numbers left",
		.machine = ROOT("0f")
			DISK PORT("00:02.0", "01-05") "01:00.0 bridge none pcie-to-pci\n",
		.steps = "remove 01:00.0; rescan 00:02.0; expect",
		.numbers = "00:02.0 01-05; 01:00.0 02-02; ",
		.unseen = "01:00.0; " },
	{ .name = "who asks for a part of the virtual functions needs no numbers for the others",
		.machine = ROOT("02") DISK PORT("00:02.0",
			"01-01") "01:00.0 dev 8086:10d3 class=020000 vfs=600 driver=igb\n",
		.buses = { { .bridge = { .device = 2 }, .buses = 2 } },
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 01:00.0; remove 01:00.0; write 00:02.0 1a=02; remove 00:02.0; "
			 "rescan 00:1f.2; expect",
		.numbers = "00:02.0 01-02; " },
	{ .name = "a reserve of some numbers takes none from virtual functions",
		.machine = ROOT("0f") DISK "00:02.0 bridge 08-08 root-port driver=pcieport\n"
					   "08:00.0 dev 8086:10d3 class=020000 vfs=600\n"
					   "00:03.0 bridge 01-01 root-port driver=pcieport\n",
		.reserve = { .slot = "0000:00:02.0", .buses = 2 },
		.buses = { { .bridge = { .device = 3 }, .buses = 12 } },
		.steps = "remove 08:00.0; write 00:02.0 18=0100; write 00:02.0 1a=03; "
			 "remove 00:02.0; write 00:03.0 18=0400; write 00:03.0 1a=0f; "
			 "remove 00:03.0; rescan 00:1f.2; expect",
		.numbers = "00:02.0 01-03; 00:03.0 04-0f; ",
		.renumbered = 1 },
	{ .name = "a bridge beside virtual functions begins behind all of them, whoever asks for less",
		.machine = ROOT("0f") DISK "00:02.0 bridge 01-01 root-port driver=pcieport\n"
					   "01:00.0 dev 8086:10d3 class=020000 vfs=600\n"
					   "01:01.0 bridge none upstream\n",
		.buses = { { .bridge = { .device = 2 }, .buses = 2 } },
		.steps = "remove 01:00.0; write 01:01.0 18=0401; write 01:01.0 1a=0f; "
			 "remove 01:01.0; write 00:02.0 1a=0f; remove 00:02.0; "
			 "rescan 00:1f.2; expect",
		.numbers = "00:02.0 01-0f; 01:01.0 04-0f; ",
		.unseen = "01:01.0; " },
};

struct text {
	char data[2048];
	size_t n;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->data + t->n, sizeof(t->data) - t->n, format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(t->data) - t->n);
	t->n += (size_t)n;
}

/* Without the domain: the machines have one. */
static void add_address(struct text *t, const struct pr_address *a)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(a, address);
	add(t, "%s", address + strlen("0000:"));
}

static void add_step(struct text *t, const struct pr_step *s)
{
	add(t, "%s%s", t->n > 0 ? "; " : "", pr_step_name(s->kind));
	if (s->kind == PR_STEP_EXPECT)
		return;
	add(t, " ");
	add_address(t, &s->address);
	if (s->kind == PR_STEP_WRITE)
		add(t, " %x=%0*x", (unsigned int)s->offset, s->width * 2, (unsigned int)s->value);
}

static void assert_steps(const struct pr_plan *p, const char *expect)
{
	struct text text = { 0 };

	for (size_t i = 0; i < p->n_steps; i++)
		add_step(&text, &p->steps[i]);
	assert_string_equal(text.data, expect ? expect : "");
}

static void assert_numbers(const struct pr_plan *p, const char *expect)
{
	struct text text = { 0 };

	for (size_t i = 0; p->prediction && i < p->topology->roots[0]->n_functions; i++) {
		const struct pr_function *f = &p->prediction->roots[0]->functions[i];

		if (!f->bridge)
			continue;
		add_address(&text, &p->topology->roots[0]->functions[i].address);
		add(&text, " %02x-%02x; ", f->bridge->secondary, f->bridge->subordinate);
	}
	assert_string_equal(text.data, expect ? expect : "");
}

static void assert_unseen(const struct pr_plan *p, const char *expect)
{
	struct text text = { 0 };

	for (size_t i = 0; i < p->n_unseen; i++) {
		add_address(&text, &p->unseen[i]->address);
		add(&text, "; ");
	}
	assert_string_equal(text.data, expect ? expect : "");
}

static void assert_why(const char *why, const char *expect)
{
	if (!expect) {
		assert_null(why);
		return;
	}
	assert_non_null(why);
	if (!strstr(why, expect))
		fail_msg("\"%s\" is not in \"%s\"", expect, why);
}

static void test_renumber(void **state)
{
	const struct renumber_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	const struct pr_policy policy = {
		.limit = c->limit,
		.pinned = &c->pin,
		.n_pinned = c->pin != NULL,
		.reserves = &c->reserve,
		.n_reserves = c->reserve.slot != NULL,
	};
	struct pr_request request = { .buses = c->buses };
	char why[256] = "";
	struct pr_plan *p;

	while (request.n_buses < ARRAY_SIZE(c->buses) && c->buses[request.n_buses].buses > 0)
		request.n_buses++;
	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	if (p->verdict != c->verdict)
		fail_msg("%s: %s", pr_verdict_name(p->verdict), p->why ? p->why : "no reason");
	assert_steps(p, c->steps);
	assert_numbers(p, c->numbers);
	assert_unseen(p, c->unseen);
	assert_why(p->why, c->why);
	assert_int_equal(p->cost.renumbered, c->renumbered);
	if (c->verdict == PR_VERDICT_OK && pr_plan_check(p, &policy, why, sizeof(why)) != 0)
		fail_msg("check: %s", why);

	pr_plan_free(p);
	pr_topology_free(t);
}

/* A crate: a switch below a switch with eleven slots, and cards in five more root ports. */
static void write_crate(struct text *t)
{
	add(t, "%s", ROOT("ff") DISK);
	add(t, "%s",
		"00:01.0 bridge 01-13 root-port driver=pcieport\n"
		"01:00.0 bridge 02-13 upstream driver=pcieport\n"
		"02:08.0 bridge 03-0f downstream driver=pcieport\n"
		"03:00.0 bridge 04-0f upstream driver=pcieport\n");
	for (unsigned int i = 0; i < 11; i++)
		add(t, "04:%02x.0 bridge %02x-%02x downstream hotplug driver=pcieport\n", i, i + 5,
			i + 5);
	for (unsigned int i = 0; i < 4; i++)
		add(t, "02:%02x.0 bridge %02x-%02x downstream hotplug driver=pcieport\n", i + 9,
			i + 0x10, i + 0x10);
	for (unsigned int i = 0; i < 5; i++)
		add(t,
			"00:1c.%x bridge %02x-%02x root-port driver=pcieport\n"
			"%02x:00.0 dev 8086:10d3 class=020000 driver=e1000e\n",
			i, i + 0x14, i + 0x14, i + 0x14);
}

/* Where a slot grows all behind it moves; that nothing else is better needs no search of orders. */
static void two_dozen_bridges_are_numbered_without_trying_their_orders(void **state)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	struct pr_bus_wish wish = { .buses = 224 };
	const struct pr_request request = { .buses = &wish, .n_buses = 1 };
	struct text text = { 0 };
	struct pr_topology *t;
	struct pr_plan *p;

	(void)state;
	write_crate(&text);
	t = machine_build(text.data);
	wish.bridge = machine_function(t, "04:03.0")->address;
	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	assert_int_equal(p->verdict, PR_VERDICT_OK);
	assert_int_equal(p->cost.renumbered, 5);
	assert_true(p->proven);
	pr_plan_free(p);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_renumber);
	ADD_TEST(&tests, two_dozen_bridges_are_numbered_without_trying_their_orders);

	return rows_run(&tests, "renumber");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of the search by themselves: the judge on pairs of machines that no
 * kernel model has to produce.
 */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "plan/search.h"
#include "rows.h"

#define MAX_TOPS 4

#define ROOT "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff\n"
#define A(windows, bars) \
	"00:02.0 bridge 01-01 root-port hotplug " windows "\n01:00.0 dev 8086:10d3 " bars "\n"
#define B(windows, bars) \
	"00:03.0 bridge 02-02 root-port hotplug " windows "\n02:00.0 dev 8086:10d3 " bars "\n"

/* A has a dead card, B a healthy one. */
#define WINDOW_A "mem=fe000000-fe0fffff"
#define WINDOW_B "io=c000-cfff mem=fe100000-fe1fffff"
#define DEAD_A   "bar0=mem:20000@forgotten bar1=mem:20000@fe000000"
#define ALIVE_A  "bar0=mem:20000@fe020000 bar1=mem:20000@fe000000"
#define CARD_B   "bar0=mem:20000@fe100000 bar2=io:20@c000 driver=e1000e"
#define BEFORE   ROOT A(WINDOW_A, DEAD_A) B(WINDOW_B, CARD_B)

struct judge_case {
	const char *name, *before, *after;
	const char *removed; /* top */
	const char *target;
	bool met[_PR_TIER_MAX];
	unsigned int renumbered, armed, rescued;
	const char *why; /* NULL: some tier is met */
};

#define ALL_MET .met = { true, true, true }

static const struct judge_case judge_cases[] = {
	{ .name = "the dead card has what it lacked",
		.before = BEFORE,
		.after = ROOT A(WINDOW_A, ALIVE_A) B(WINDOW_B, CARD_B),
		.removed = "00:02.0",
		.target = "01:00.0",
		ALL_MET },
	{ .name = "the dead card lacks it still",
		.before = BEFORE,
		.after = BEFORE,
		.removed = "00:02.0",
		.target = "01:00.0",
		.why = "BAR 0 of 0000:01:00.0 (128 KiB) would still have no addresses" },
	{ .name = "what is removed may move",
		.before = BEFORE,
		.after = ROOT A("mem=fd000000-fd0fffff",
			"bar0=mem:20000@fd020000 bar1=mem:20000@fd000000") B(WINDOW_B, CARD_B),
		.removed = "00:02.0",
		.target = "01:00.0",
		ALL_MET },
	{ .name = "what stays may not move",
		.before = BEFORE,
		.after = ROOT A(WINDOW_A, ALIVE_A)
			B(WINDOW_B, "bar0=mem:20000@fe120000 bar2=io:20@c000 driver=e1000e"),
		.removed = "00:02.0",
		.target = "01:00.0",
		.why = "BAR 0 of 0000:02:00.0 (128 KiB) would move under its user" },
	{ .name = "what stays may not lose a BAR",
		.before = BEFORE,
		.after = ROOT A(WINDOW_A, ALIVE_A)
			B(WINDOW_B, "bar0=mem:20000@fe100000 bar2=io:20@released driver=e1000e"),
		.removed = "00:02.0",
		.target = "01:00.0",
		.why = "BAR 2 of 0000:02:00.0 (32 bytes of I/O ports) would lose its addresses" },
	{ .name = "a window that stays may not grow",
		.before = BEFORE,
		.after = ROOT A(WINDOW_A, ALIVE_A) B("io=c000-cfff mem=fe100000-fe2fffff", CARD_B),
		.removed = "00:02.0",
		.target = "01:00.0",
		.why = "memory window of 0000:00:03.0 (1 MiB) would move" },
	{ .name = "a window that stays may be opened",
		.before = ROOT A(WINDOW_A, DEAD_A) "00:03.0 bridge 02-02 root-port hotplug\n",
		.after = ROOT A(WINDOW_A,
			ALIVE_A) "00:03.0 bridge 02-02 root-port hotplug mem=fe100000-fe1fffff\n",
		.removed = "00:02.0",
		.target = "01:00.0",
		ALL_MET },
	{ .name = "what stays keeps its bus numbers",
		.before = BEFORE,
		.after =
			ROOT A(WINDOW_A, ALIVE_A) "00:03.0 bridge 02-03 root-port hotplug " WINDOW_B
						  "\n02:00.0 dev 8086:10d3 " CARD_B "\n",
		.removed = "00:02.0",
		.target = "01:00.0",
		.why = "0000:00:03.0 would get other bus numbers although it stays" },
	{ .name = "what is removed may be renumbered, and is counted",
		.before = BEFORE,
		.after = ROOT "00:02.0 bridge 01-01 root-port hotplug " WINDOW_A
			      "\n01:00.0 dev 8086:10d3 " ALIVE_A
			      "\n00:03.0 bridge 05-05 root-port hotplug " WINDOW_B
			      "\n05:00.0 dev 8086:10d3 " CARD_B "\n",
		.removed = "00:02.0 00:03.0",
		.target = "01:00.0",
		ALL_MET,
		.renumbered = 1 },
	{ .name = "a sibling that goes along must not lose its I/O",
		.before = BEFORE,
		.after = ROOT A(WINDOW_A, ALIVE_A)
			B(WINDOW_B, "bar0=mem:20000@fe100000 bar2=io:20@forgotten driver=e1000e"),
		.removed = "00:02.0 00:03.0",
		.target = "01:00.0",
		.why = "BAR 2 of 0000:02:00.0 (32 bytes of I/O ports) would be lost" },
	{ .name = "I/O of the target that was never there is missed by the highest tier only",
		.before = ROOT A(WINDOW_A, DEAD_A " bar2=io:20@forgotten") B(WINDOW_B, CARD_B),
		.after = ROOT A(WINDOW_A, ALIVE_A " bar2=io:20@forgotten") B(WINDOW_B, CARD_B),
		.removed = "00:02.0",
		.target = "01:00.0",
		.met = { false, true, true } },
	{ .name = "I/O of the target that the kernel took is missed by two tiers",
		.before = ROOT A(WINDOW_A, DEAD_A " bar2=io:20@released") B(WINDOW_B, CARD_B),
		.after = ROOT A(WINDOW_A, ALIVE_A " bar2=io:20@released") B(WINDOW_B, CARD_B),
		.removed = "00:02.0",
		.target = "01:00.0",
		.met = { false, false, true } },
	{ .name = "what a sibling that goes along lacks counts the same",
		.before = ROOT A(WINDOW_A, DEAD_A)
			B(WINDOW_B, "bar0=mem:20000@fe100000 bar2=io:20@released"),
		.after = ROOT A(WINDOW_A, ALIVE_A)
			B(WINDOW_B, "bar0=mem:20000@fe100000 bar2=io:20@forgotten"),
		.removed = "00:02.0 00:03.0",
		.target = "01:00.0",
		.met = { false, false, true } },
	{ .name = "what a sibling that stays lacks does not count",
		.before = ROOT A(WINDOW_A, DEAD_A)
			B(WINDOW_B, "bar0=mem:20000@fe100000 bar2=io:20@released"),
		.after = ROOT A(WINDOW_A, ALIVE_A)
			B(WINDOW_B, "bar0=mem:20000@fe100000 bar2=io:20@released"),
		.removed = "00:02.0",
		.target = "01:00.0",
		ALL_MET },
	{ .name = "a driver that stays is handed addresses: it has to let go",
		.before = ROOT A(WINDOW_A, DEAD_A)
			B(WINDOW_B, "bar0=mem:20000@fe100000 bar2=io:20@released driver=e1000e"),
		.after = ROOT A(WINDOW_A, ALIVE_A)
			B(WINDOW_B, "bar0=mem:20000@fe100000 bar2=io:20@c000 driver=e1000e"),
		.removed = "00:02.0",
		.target = "01:00.0",
		ALL_MET,
		.rescued = 1 },
	{ .name = "without a driver nobody has to let go",
		.before = ROOT A(WINDOW_A, DEAD_A)
			B(WINDOW_B, "bar0=mem:20000@fe100000 bar2=io:20@released"),
		.after = ROOT A(WINDOW_A, ALIVE_A)
			B(WINDOW_B, "bar0=mem:20000@fe100000 bar2=io:20@c000"),
		.removed = "00:02.0",
		.target = "01:00.0",
		ALL_MET },
	{ .name = "an empty hot-plug port without its window is armed, and counted",
		.before = ROOT A(
			WINDOW_A, DEAD_A) "00:03.0 bridge 02-02 root-port hotplug " WINDOW_B "\n",
		.after = ROOT A(WINDOW_A,
			ALIVE_A) "00:03.0 bridge 02-02 root-port hotplug mem=fe100000-fe1fffff\n",
		.removed = "00:02.0 00:03.0",
		.target = "01:00.0",
		ALL_MET,
		.armed = 1 },
	{ .name = "a port without hot-plug cannot be armed",
		.before = ROOT A(WINDOW_A, DEAD_A) "00:03.0 bridge 02-02 root-port " WINDOW_B "\n",
		.after = ROOT A(
			WINDOW_A, ALIVE_A) "00:03.0 bridge 02-02 root-port mem=fe100000-fe1fffff\n",
		.removed = "00:02.0 00:03.0",
		.target = "01:00.0",
		ALL_MET },
	{ .name = "a bridge above the target must forward what is behind it",
		.before = ROOT A(WINDOW_A, DEAD_A),
		.after = ROOT A(WINDOW_A " regs-mem=closed", ALIVE_A),
		.removed = "01:00.0",
		.target = "01:00.0",
		.why = "0000:00:02.0 would not forward" },
	{ .name = "so must one that did not before",
		.before = ROOT A(WINDOW_A " regs-mem=closed", DEAD_A),
		.after = ROOT A(WINDOW_A " regs-mem=closed", ALIVE_A),
		.removed = "01:00.0",
		.target = "01:00.0",
		.why = "0000:00:02.0 would still not forward" },
	{ .name = "a sibling's bridge must not stop to forward",
		.before = BEFORE,
		.after = ROOT A(WINDOW_A, ALIVE_A) B(WINDOW_B " regs-io=closed", CARD_B),
		.removed = "00:02.0",
		.target = "01:00.0",
		.why = "0000:00:03.0 would not forward" },
	{ .name = "a reserve that nobody uses need not be forwarded",
		.before = ROOT A(WINDOW_A, DEAD_A) "00:03.0 bridge 02-03 root-port\n"
						   "02:00.0 bridge 03-03 downstream hotplug\n",
		.after = ROOT A(WINDOW_A,
			ALIVE_A) "00:03.0 bridge 02-03 root-port mem=fd000000-fd1fffff regs-mem=closed\n"
				 "02:00.0 bridge 03-03 downstream hotplug mem=fd000000-fd1fffff "
				 "regs-mem=closed\n",
		.removed = "00:02.0",
		.target = "01:00.0",
		ALL_MET },
	{ .name = "one level down it is just as dead",
		.before =
			ROOT A(WINDOW_A, DEAD_A) "00:03.0 bridge 02-03 root-port\n"
						 "02:00.0 bridge 03-03 downstream hotplug\n"
						 "03:00.0 dev 8086:10d3 bar0=mem:1000@unassigned\n",
		.after = ROOT A(WINDOW_A,
			ALIVE_A) "00:03.0 bridge 02-03 root-port mem=fd000000-fd1fffff regs-mem=closed\n"
				 "02:00.0 bridge 03-03 downstream hotplug mem=fd000000-fd1fffff\n"
				 "03:00.0 dev 8086:10d3 bar0=mem:1000@fd000000\n",
		.removed = "00:02.0",
		.target = "01:00.0",
		.why = "0000:00:03.0 would not forward" },
	{ .name = "a bridge that asked for bus numbers must have them",
		.before = ROOT "00:02.0 bridge none root-port\n" B(WINDOW_B, CARD_B),
		.after = ROOT "00:02.0 bridge none root-port\n" B(WINDOW_B, CARD_B),
		.removed = "00:02.0",
		.target = "00:02.0",
		.why = "0000:00:02.0 would still have no bus numbers" },
	{ .name = "and is content with them",
		.before = ROOT "00:02.0 bridge none root-port\n" B(WINDOW_B, CARD_B),
		.after = ROOT "00:02.0 bridge 03-03 root-port\n" B(WINDOW_B, CARD_B),
		.removed = "00:02.0",
		.target = "00:02.0",
		ALL_MET },
};

/* A search over @t with what the judge needs of it. */
static void start_search(struct pr_search *s, const struct pr_topology *t)
{
	static const struct pr_policy anything = { .limit = PR_DISRUPTION_IN_USE };
	bool **marks;

	*s = (struct pr_search){ .topology = t, .policy = &anything, .arena = pr_arena_new() };
	assert_non_null(s->arena);
	marks = pr_new_array(s->arena, t->n_roots, bool *);
	pr_for_each_root (t, i)
		marks[i] = pr_new_array(s->arena, t->roots[i]->n_functions, bool);
	s->inside = marks;
}

/* One move at the parent of the first of @tops, addresses separated by blanks. */
static struct pr_move make_move(
	const struct pr_topology *t, const char *tops, const struct pr_function **storage)
{
	char copy[64], *save = NULL;
	struct pr_move m = { .root = t->roots[0], .tops = storage };

	(void)snprintf(copy, sizeof(copy), "%s", tops);
	for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
		assert_true(m.n_tops < MAX_TOPS);
		storage[m.n_tops++] = machine_function(t, s);
	}
	m.parent = storage[0]->parent;
	return m;
}

static void assert_judgement(const struct pr_judgement *j, const struct judge_case *c)
{
	if (c->why) {
		if (!strstr(j->why, c->why))
			fail_msg("\"%s\" is not in \"%s\"", c->why, j->why);
	} else {
		assert_string_equal(j->why, "");
		assert_int_equal(j->renumbered, c->renumbered);
		assert_int_equal(j->armed, c->armed);
		assert_int_equal(j->n_rescued, c->rescued);
	}
	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++)
		assert_int_equal(j->met[tier], c->met[tier]);
}

static void test_judge(void **state)
{
	const struct judge_case *c = *state;
	struct pr_topology *before = machine_build(c->before), *after = machine_build(c->after);
	const struct pr_function *tops[MAX_TOPS], *target = machine_function(before, c->target);
	const struct pr_targets targets = { .functions = &target, .n = 1 };
	const struct pr_move move = make_move(before, c->removed, tops);
	const struct pr_candidate candidate = { .moves = &move, .n_moves = 1 };
	struct pr_judgement j;
	struct pr_search s;

	start_search(&s, before);
	assert_int_equal(pr_judge(&s, s.arena, &candidate, after, &targets, &j), 0);
	assert_judgement(&j, c);
	/* marks are taken back: a second judgement is the same */
	assert_int_equal(pr_judge(&s, s.arena, &candidate, after, &targets, &j), 0);
	assert_judgement(&j, c);

	pr_arena_free(s.arena);
	pr_topology_free(before);
	pr_topology_free(after);
}

/* ---- the frontier ---- */

/* By key, and among equals in the order of arrival. */
static void test_frontier(void **state)
{
	static const unsigned int removed[] = { 5, 1, 3, 1, 4, 1, 5, 0 };
	static const unsigned int expect[] = { 7, 1, 3, 5, 2, 4, 0, 6 };
	struct pr_arena *arena = pr_arena_new();
	struct pr_frontier f = { 0 };
	const struct pr_node *node;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(removed); i++) {
		const struct pr_node n = { .key = { .removed = removed[i] }, .unit = i };

		assert_int_equal(pr_frontier_push(arena, &f, &n), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(expect); i++) {
		node = pr_frontier_pop(&f);
		assert_non_null(node);
		assert_int_equal(node->unit, expect[i]);
	}
	assert_null(pr_frontier_pop(&f));
	pr_arena_free(arena);
}

/* ---- room ---- */

/* A switch with three ports, MEM windows of 1 MiB each and 1 MiB free; the first has the target. */
#define ROOMS(bar)                                                              \
	ROOT "00:02.0 bridge 01-05 root-port mem=fe000000-fe3fffff enabled=1\n" \
	     "01:00.0 bridge 02-05 upstream mem=fe000000-fe3fffff enabled=1\n"  \
	     "02:00.0 bridge 03-03 downstream mem=fe000000-fe0fffff\n"          \
	     "02:01.0 bridge 04-04 downstream mem=fe100000-fe1fffff\n"          \
	     "02:02.0 bridge 05-05 downstream mem=fe300000-fe3fffff\n"          \
	     "03:00.0 dev 8086:10d3 " bar "\n"                                  \
	     "05:00.0 dev 8086:10d3 bar0=mem:80000@fe300000\n"

struct room_case {
	const char *name, *bar;
	enum pr_fate fates[3]; /* of the ports */
	bool suffices;
};

static const struct room_case room_cases[] = {
	{ "a window of two MiB has no aligned place between the neighbours",
		"bar0=mem:200000@forgotten", { PR_FATE_GOES, PR_FATE_STAYS, PR_FATE_STAYS },
		false },
	{ "with the neighbour gone it has", "bar0=mem:200000@forgotten",
		{ PR_FATE_GOES, PR_FATE_GOES, PR_FATE_STAYS }, true },
	{ "a neighbour that has to come back takes a whole MiB", "bar0=mem:200000@forgotten",
		{ PR_FATE_GOES, PR_FATE_STAYS, PR_FATE_GOES }, true },
	{ "four MiB are too many beside what must come back", "bar0=mem:400000@forgotten",
		{ PR_FATE_GOES, PR_FATE_GOES, PR_FATE_GOES }, false },
	{ "who may go asks for no more than it had", "bar0=mem:400000@forgotten",
		{ PR_FATE_MAY_GO, PR_FATE_MAY_GO, PR_FATE_MAY_GO }, true },
	{ "nobody asks for I/O when only memory is missed",
		"bar0=mem:1000@fe000000 bar1=io:20@forgotten",
		{ PR_FATE_GOES, PR_FATE_STAYS, PR_FATE_STAYS }, true },
	{ "prefetchable memory may lie in the other window", "bar0=pref64:100000@forgotten",
		{ PR_FATE_GOES, PR_FATE_STAYS, PR_FATE_STAYS }, true },
};

static void test_room(void **state)
{
	const struct room_case *c = *state;
	char text[2048];
	struct pr_topology *t;
	const struct pr_function *target, *parent;
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	struct pr_search s;
	struct pr_unit *units;
	struct pr_room *room;
	size_t n;

	(void)snprintf(text, sizeof(text), ROOMS("%s"), c->bar);
	t = machine_build(text);
	start_search(&s, t);
	s.policy = &policy;
	target = machine_function(t, "03:00.0");
	parent = machine_function(t, "01:00.0");
	assert_int_equal(pr_units_make(&s, s.arena, t->roots[0], parent, &units, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(pr_room_new(s.arena, t->roots[0], parent, units, n,
				 &(struct pr_targets){ &target, 1 }, PR_TIER_MEMORY, &room),
		0);
	assert_int_equal(pr_room_suffices(room, c->fates), c->suffices);
	assert_int_equal(pr_room_lack(room, c->fates, s.arena) == NULL, c->suffices);
	pr_arena_free(s.arena);
	pr_topology_free(t);
}

/* ---- bus numbers on one bus ---- */

/* Ten numbers; the first port has two of them and asks for three, as a switch is behind it. */
#define NUMBERS                                             \
	"root 0000:00-0a\n00:02.0 bridge 01-02 root-port\n" \
	"00:03.0 bridge 03-05 root-port\n"                  \
	"00:04.0 bridge 06-0a root-port\n"                  \
	"01:00.0 bridge none upstream\n"

static const struct number_room_case {
	const char *name;
	unsigned int wished; /* for the first port; 0: nothing */
	enum pr_fate fates[3];
	bool suffices;
} number_room_cases[] = {
	{ "three numbers are not to be had where those who stay leave two", 0,
		{ PR_FATE_GOES, PR_FATE_STAYS, PR_FATE_STAYS }, false },
	{ "a neighbour that goes gives up what it does not need", 0,
		{ PR_FATE_GOES, PR_FATE_GOES, PR_FATE_STAYS }, true },
	{ "so may one that may go", 0, { PR_FATE_GOES, PR_FATE_MAY_GO, PR_FATE_STAYS }, true },
	{ "all but one for each neighbour", 8, { PR_FATE_GOES, PR_FATE_GOES, PR_FATE_GOES }, true },
	{ "whoever may go, they take one each", 9, { PR_FATE_GOES, PR_FATE_MAY_GO, PR_FATE_MAY_GO },
		false },
	{ "who waits keeps what it has", 6, { PR_FATE_GOES, PR_FATE_GOES, PR_FATE_WAITS }, false },
	{ "nobody is numbered anew where nobody who goes lacks a number", 11,
		{ PR_FATE_STAYS, PR_FATE_GOES, PR_FATE_GOES }, true },
};

static void test_number_room(void **state)
{
	const struct number_room_case *c = *state;
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	struct pr_topology *t = machine_build(NUMBERS);
	const struct pr_bus_wish wish = { machine_function(t, "00:02.0")->address, c->wished };
	const struct pr_number_question bus = {
		.root = t->roots[0], .buses = &wish, .n_buses = c->wished > 0
	};
	struct pr_search s;
	struct pr_unit *units;
	struct pr_number_room *room;
	size_t n;

	start_search(&s, t);
	s.policy = &policy;
	assert_int_equal(pr_units_make(&s, s.arena, t->roots[0], NULL, &units, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(pr_number_room_new(s.arena, &bus, units, n, &room), 0);
	assert_int_equal(pr_number_room_suffices(room, c->fates), c->suffices);
	pr_arena_free(s.arena);
	pr_topology_free(t);
}

/* ---- memory ---- */

#define PORTS 24u
#define CARDS 8u

/* Ports with full windows and one dead card each, below a host bridge of which nothing is known. */
static void describe_many(char *text, size_t size)
{
	size_t n = (size_t)snprintf(text, size, "root 0000:00-ff\n");

	for (unsigned int p = 1; p <= PORTS; p++) {
		unsigned int mem = 0x80000000u + p * 0x100000u;

		n += (size_t)snprintf(text + n, size - n,
			"00:%02x.0 bridge %02x-%02x root-port mem=%x-%x\n"
			"%02x:00.0 dev 8086:10d3 class=020000 bar0=mem:100000@forgotten\n",
			p, p, p, mem, mem + 0xfffff, p);
		for (unsigned int i = 1; i <= CARDS; i++)
			n += (size_t)snprintf(text + n, size - n,
				"%02x:%02x.0 dev 8086:10d3 class=020000 bar0=mem:10000@%x\n", p, i,
				mem + i * 0x10000);
	}
	assert_true(n < size);
}

static void test_memory(void **state)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_FREE };
	const struct pr_request request = { 0 };
	static char text[32 * 1024];
	struct pr_topology *t;
	struct pr_plan *plan;

	(void)state;
	describe_many(text, sizeof(text));
	t = machine_build(text);
	assert_int_equal(pr_plan_make(t, &request, &policy, &plan), 0);
	assert_true(plan->n_simulated > PORTS);
	assert_true(pr_arena_used(plan->arena) < 64u * 1024);
	pr_plan_free(plan);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, judge_cases, test_judge);
	ADD_ROWS(&tests, room_cases, test_room);
	ADD_ROWS(&tests, number_room_cases, test_number_room);
	rows_add(
		&tests, "a search keeps what it found, not what it looked with", test_memory, NULL);
	rows_add(&tests, "the frontier gives the cheapest, then the oldest", test_frontier, NULL);

	return rows_run(&tests, "search");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of the search by themselves: the judge on pairs of machines that no
 * kernel model has to produce, and the joining of candidates.
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
	bool **marks;

	*s = (struct pr_search){ .topology = t, .arena = pr_arena_new() };
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
	assert_int_equal(pr_judge(&s, &candidate, after, &targets, &j), 0);
	assert_judgement(&j, c);
	/* marks are taken back: a second judgement is the same */
	assert_int_equal(pr_judge(&s, &candidate, after, &targets, &j), 0);
	assert_judgement(&j, c);

	pr_arena_free(s.arena);
	pr_topology_free(before);
	pr_topology_free(after);
}

/* ---- joining ---- */

#define TREE                                     \
	ROOT "00:02.0 bridge 01-04 root-port\n"  \
	     "00:03.0 bridge 05-05 root-port\n"  \
	     "01:00.0 bridge 02-04 upstream\n"   \
	     "02:00.0 bridge 03-03 downstream\n" \
	     "02:01.0 bridge 04-04 downstream\n" \
	     "03:00.0 dev 8086:10d3\n"           \
	     "03:00.1 dev 8086:10d3\n"

struct join_case {
	const char *name, *a, *b;
	const char *expect; /* tops by move; moves separated by "; " */
};

static const struct join_case join_cases[] = {
	{ "different buses are done one after the other", "02:00.0", "00:03.0",
		"02:00.0; 00:03.0" },
	{ "one bus is done once", "02:01.0", "02:00.0", "02:00.0 02:01.0" },
	{ "the same is the same", "02:00.0", "02:00.0", "02:00.0" },
	{ "what lies below another's removal disappears", "02:00.0", "00:02.0", "00:02.0" },
	{ "whichever comes first", "00:02.0", "02:00.0", "00:02.0" },
	{ "a function below a removed port goes with it", "03:00.0", "02:00.0", "02:00.0" },
	{ "only what lies below disappears", "02:00.0", "00:02.0 00:03.0", "00:02.0 00:03.0" },
};

static void format_candidate(const struct pr_candidate *c, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < c->n_moves; i++) {
		for (size_t j = 0; j < c->moves[i].n_tops; j++) {
			char address[PR_ADDRESS_MAX];

			pr_address_format(&c->moves[i].tops[j]->address, address);
			n += (size_t)snprintf(text + n, size - n, "%s%s",
				j > 0 ? " " : (i > 0 ? "; " : ""), address + strlen("0000:"));
			assert_true(n < size);
		}
	}
}

static void test_join(void **state)
{
	const struct join_case *c = *state;
	struct pr_topology *t = machine_build(TREE);
	const struct pr_function *tops_a[MAX_TOPS], *tops_b[MAX_TOPS];
	const struct pr_move a = make_move(t, c->a, tops_a), b = make_move(t, c->b, tops_b);
	const struct pr_candidate one = { .moves = &a, .n_moves = 1 },
				  two = { .moves = &b, .n_moves = 1 };
	struct pr_arena *arena = pr_arena_new();
	struct pr_candidate joined;
	char text[128];

	assert_int_equal(pr_candidate_join(arena, &one, &two, &joined), 0);
	format_candidate(&joined, text, sizeof(text));
	assert_string_equal(text, c->expect);
	pr_arena_free(arena);
	pr_topology_free(t);
}

/* Taking one away takes its card away, and nothing else. */
static void test_without(void **state)
{
	struct pr_topology *t = machine_build(TREE);
	const struct pr_function *ports[MAX_TOPS], *functions[MAX_TOPS];
	const struct pr_move moves[] = { make_move(t, "02:00.0 02:01.0", ports),
		make_move(t, "03:00.0 03:00.1", functions) };
	const struct pr_candidate c = { .moves = moves, .n_moves = 2 };
	struct pr_arena *arena = pr_arena_new();
	struct pr_candidate less;

	(void)state;
	assert_int_equal(pr_candidate_without(arena, &c, 0, ports[0], &less), 0);
	assert_int_equal(less.moves[0].n_tops, 1);
	assert_ptr_equal(less.moves[0].tops[0], ports[1]);
	assert_int_equal(less.moves[1].n_tops, 2);
	assert_int_equal(pr_candidate_without(arena, &c, 1, functions[1], &less), 0);
	assert_int_equal(less.moves[0].n_tops, 2);
	assert_int_equal(less.moves[1].n_tops, 0);
	assert_int_equal(c.moves[0].n_tops, 2);
	pr_arena_free(arena);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, judge_cases, test_judge);
	ADD_ROWS(&tests, join_cases, test_join);
	rows_add(
		&tests, "a sibling that need not go along is taken away whole", test_without, NULL);

	return rows_run(&tests, "search");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The planner against brute force: a share of the random machines that `make
 * oracle` goes through, and those on which the two once disagreed.
 */
#include "../oracle/numbers.h"
#include "../oracle/sizes.h"
#include "../oracle/virtual.h"
#include "rows.h"

struct oracle_case {
	const char *name;
	uint64_t seed;
	unsigned int n; /* seeds from there on */
};

static struct oracle_tally compare_all(const struct oracle_case *c, oracle_function *compare)
{
	struct oracle_tally tally = { 0 };
	static char text[20000];

	for (uint64_t seed = c->seed; seed < c->seed + c->n; seed++)
		if (compare(seed, &tally, text, sizeof(text)) == ORACLE_DIFFERS)
			fail_msg("seed %llu: %s", (unsigned long long)seed, text);
	return tally;
}

static const struct oracle_case cases[] = {
	{ "random machines, first share", 100000, 500 },
	{ "random machines, second share", 200000, 500 },
	{ "random machines, third share", 300000, 500 },
	{ "random machines, fourth share", 400000, 500 },
	{ "the rescan of an emptied bus serves its neighbours too", 151, 1 },
	{ "a window that is not enabled opens while another branch makes room", 310, 1 },
	{ "an emptied bus is scanned from above, and another branch is open to that", 677, 1 },
	{ "the same one level down", 6078, 1 },
	{ "moves of different branches are done from the deepest up", 7757, 1 },
	{ "the same with a port that is not enabled", 11144, 1 },
	{ "addresses in a window that is closed further up are none", 10625, 1 },
	{ "nor for a newcomer without bus numbers", 3144, 1 },
	{ "a second try elsewhere heals what a cheaper set would arm", 300230, 1 },
	{ "I/O in a window that is closed further up is left, not promised", 1156113, 1 },
	{ "below a neighbour the second best leaves no port armed", 218481, 1 },
	{ "so does one of several dearer ones", 10056, 1 },
	{ "so does another of the same cost", 175331, 1 },
	{ "a bus that was scanned from below is scanned again, and no port is armed", 268198, 1 },
	{ "where a rescan mends the target, a neighbour removed spares another window", 319023, 1 },
	{ "so it does in use", 329625, 1 },
	{ "so it does beside two other branches", 436923, 1 },
	{ "what was never enumerated is not removed, and costs nothing", 4844, 1 },
	{ "what nobody asked for does not have to come back", 1739, 1 },
};

static void test_oracle(void **state)
{
	const struct oracle_case *c = *state;
	const struct oracle_tally tally = compare_all(c, oracle_compare);

	/* an oracle that sees one kind of machine only proves nothing */
	if (c->n > 1) {
		assert_true(tally.verdicts[PR_VERDICT_OK] > c->n / 20);
		assert_true(tally.verdicts[PR_VERDICT_INFEASIBLE] > c->n / 200);
		assert_true(tally.plugged > c->n / 200);
		assert_true(tally.several_tops > c->n / 200);
	}
}

static const struct oracle_case number_cases[] = {
	{ "bus numbers, first share", 100000, 300 },
	{ "bus numbers, second share", 200000, 300 },
};

static void test_numbers(void **state)
{
	const struct oracle_case *c = *state;
	const struct oracle_tally tally = compare_all(c, numbers_compare);

	if (c->n > 1) {
		assert_true(tally.verdicts[PR_VERDICT_OK] > c->n / 20);
		assert_true(tally.verdicts[PR_VERDICT_TOO_DISRUPTIVE] > 0);
		assert_true(tally.several_tops > c->n / 50);
		assert_true(tally.renumbered > c->n / 20);
		assert_true(tally.for_vfs > c->n / 50);
	}
}

static const struct oracle_case size_cases[] = {
	{ "sizes of BARs, first share", 100000, 150 },
	{ "sizes of BARs, second share", 200000, 150 },
	{ "an empty port gets a window while a BAR gets smaller in place", 7, 1 },
	{ "nobody is restarted for a BAR that can grow in place", 107, 1 },
};

static void test_sizes(void **state)
{
	const struct oracle_case *c = *state;
	const struct oracle_tally tally = compare_all(c, sizes_compare);

	if (c->n > 1) {
		assert_true(tally.verdicts[PR_VERDICT_INFEASIBLE] > 0);
		assert_true(tally.in_place > c->n / 20);
		assert_true(
			tally.verdicts[PR_VERDICT_OK] + tally.verdicts[PR_VERDICT_TOO_DISRUPTIVE] >
			tally.in_place);
	}
}

static const struct oracle_case virtual_cases[] = {
	{ "virtual functions, first share", 100000, 150 },
	{ "virtual functions, second share", 200000, 150 },
};

static void test_virtual(void **state)
{
	const struct oracle_case *c = *state;
	const struct oracle_tally tally = compare_all(c, virtual_compare);

	assert_true(tally.verdicts[PR_VERDICT_INFEASIBLE] > 0);
	assert_true(tally.verdicts[PR_VERDICT_TOO_DISRUPTIVE] > 0);
	assert_true(tally.in_place > 0);
	assert_true(tally.verdicts[PR_VERDICT_OK] > tally.in_place);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_oracle);
	ADD_ROWS(&tests, number_cases, test_numbers);
	ADD_ROWS(&tests, size_cases, test_sizes);
	ADD_ROWS(&tests, virtual_cases, test_virtual);

	return rows_run(&tests, "plan-oracle");
}

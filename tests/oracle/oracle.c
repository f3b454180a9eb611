/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The planner against brute force on random machines: oracle COUNT [SEED [JOBS [KIND]]], with sets that
 * are removed, or KIND: numbers (of buses), sizes (of BARs) or vfs.
 * Costs and refusals must be the same, and each plan must pass the independent
 * check.  What differs is printed as a machine that a test can be made of.  A
 * long run that meets no plan of a sort that it is for has failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "numbers.h"
#include "sizes.h"
#include "virtual.h"

struct counts {
	unsigned long n, skipped, differing;
	struct oracle_tally tally;
};

static void run(oracle_function *compare, uint64_t seed, unsigned long count, unsigned long step,
	struct counts *ret)
{
	char text[20000];

	for (; ret->n < count; seed += step) {
		switch (compare(seed, &ret->tally, text, sizeof(text))) {
		case ORACLE_SAME:
			ret->n++;
			break;
		case ORACLE_DIFFERS:
			ret->n++;
			ret->differing++;
			(void)printf("seed %llu: %s\n", (unsigned long long)seed, text);
			(void)fflush(stdout);
			break;
		case ORACLE_SKIPPED:
			ret->skipped++;
			break;
		}
	}
}

static void add(unsigned long *sum, const unsigned long *more, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += more[i];
}

static bool collect(int *pipes, struct counts *sum)
{
	struct counts c;
	int status;

	if (read(*pipes, &c, sizeof(c)) != (ssize_t)sizeof(c))
		return false;
	/* all members are unsigned long */
	add((unsigned long *)(void *)sum, (const unsigned long *)(const void *)&c,
		sizeof(c) / sizeof(unsigned long));
	return wait(&status) > 0 && status == 0;
}

static int fork_job(
	oracle_function *compare, uint64_t seed, unsigned long count, unsigned long step)
{
	struct counts c = { 0 };
	int pipes[2];

	if (pipe(pipes) < 0)
		return -1;
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		run(compare, seed, count, step, &c);
		_exit(write(pipes[1], &c, sizeof(c)) == (ssize_t)sizeof(c) ? 0 : 1);
	default:
		(void)close(pipes[1]);
		return pipes[0];
	}
}

static void print(const struct counts *c)
{
	const struct oracle_tally *t = &c->tally;

	(void)printf(
		"%lu machines: %lu differ; %lu skipped (none, nothing dead, or too many sets)\n",
		c->n, c->differing, c->skipped);
	for (unsigned int v = 0; v < _PR_VERDICT_MAX; v++)
		if (t->verdicts[v] > 0)
			(void)printf("  %-15s %lu\n", pr_verdict_name((enum pr_verdict)v),
				t->verdicts[v]);
	(void)printf(
		"  %lu after a hot-add, %lu with several dead, %lu plans with several "
		"subtrees, %lu on several buses, %lu that close windows first, %lu that renumber, "
		"%lu for virtual functions' numbers, %lu in place, %lu not proven\n",
		t->plugged, t->several_dead, t->several_tops, t->several_buses, t->closing,
		t->renumbered, t->for_vfs, t->in_place, t->not_proven);
	(void)printf("  on %lu some set outside of the space is cheaper (a second try); on %lu the "
		     "planner found part of that\n",
		t->second_try, t->between);
	(void)printf("  %lu simulations by brute force, %lu by the planner\n", t->by_brute,
		t->by_planner);
}

/* A few machines are somebody's question, and prove nothing. */
static bool is_whole(const struct counts *c, oracle_function *compare)
{
	const struct oracle_tally *t = &c->tally;

	if (c->n < 200)
		return true;
	return t->verdicts[PR_VERDICT_OK] > 0 && (compare != numbers_compare || t->for_vfs > 0);
}

static oracle_function *find(const char *name)
{
	static const struct {
		const char *name;
		oracle_function *compare;
	} kinds[] = { { "sets", oracle_compare }, { "numbers", numbers_compare },
		{ "sizes", sizes_compare }, { "vfs", virtual_compare } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].compare;
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned long jobs = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
	oracle_function *compare = find(argc > 4 ? argv[4] : "sets");
	struct counts sum = { 0 };
	int pipes[64];

	if (!compare || count == 0 || jobs == 0 || jobs > 64) {
		(void)fprintf(stderr,
			"usage: oracle COUNT [SEED [JOBS [numbers | sizes | vfs]]]; at most 64 jobs\n");
		return 2;
	}
	for (unsigned long i = 0; i < jobs; i++)
		pipes[i] = fork_job(compare, seed + i, (count + jobs - 1) / jobs, jobs);
	for (unsigned long i = 0; i < jobs; i++) {
		if (pipes[i] < 0 || !collect(&pipes[i], &sum)) {
			(void)fprintf(stderr, "oracle: a job has failed\n");
			return 2;
		}
	}
	print(&sum);
	if (!is_whole(&sum, compare)) {
		(void)fprintf(stderr, "oracle: no plan, or none of a sort that this is for\n");
		return 1;
	}
	return sum.differing > 0;
}

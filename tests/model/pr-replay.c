/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recorded cases against the kernel model.  Without arguments it is a test: each
 * file of tests/model/cases is a row, which passes when the verdict is at least
 * as good as the file says.  With "--judge FILE..." it tells the verdicts, with
 * "--chain FILE..." those of a session that is predicted from its predictions.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "chain.h"

#define CASES "tests/model/cases"

static int is_case(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".case") == 0;
}

/* The verdict's name, "error" for a file that cannot be read. */
static const char *judge_file(const char *file, struct recorded_case *c, char why[CASE_TEXT])
{
	struct case_judgement judgement;

	if (case_read(file, c, why) < 0)
		return "error";
	case_judge(c, c->before, c->actions, &judgement);
	pr_topology_free(judgement.predicted);
	snprintf(why, CASE_TEXT, "%s", judgement.why);
	return case_verdict_names[judgement.verdict];
}

static int judge_files(char **files, int n)
{
	for (int i = 0; i < n; i++) {
		char why[CASE_TEXT] = "";
		struct recorded_case c;

		printf("%s\t%s\t", files[i], judge_file(files[i], &c, why));
		printf("%s\n", why);
		case_free(&c);
	}
	return EXIT_SUCCESS;
}

static void judge_next(struct chain *chain, const char *file)
{
	struct case_judgement judgement;
	struct recorded_case c;
	char why[CASE_TEXT] = "";
	bool linked;

	if (case_read(file, &c, why) < 0) {
		printf("%s\terror\t%s\n", file, why);
		chain_break(chain);
		case_free(&c);
		return;
	}
	linked = chain_judge(chain, &c, &judgement);
	printf("%s\t%s\t%s%s\n", file, case_verdict_names[judgement.verdict],
		linked ? "chained: " : "", judgement.why);
}

/* The cases of a session in order; "-" where one between them is missing. */
static int judge_chain(char **files, int n)
{
	struct chain *chain = chain_new();

	if (!chain)
		return EXIT_FAILURE;
	for (int i = 0; i < n; i++) {
		if (strcmp(files[i], "-") == 0)
			chain_break(chain);
		else
			judge_next(chain, files[i]);
	}
	chain_free(chain);
	return EXIT_SUCCESS;
}

/* Exact is better than different, different better than a doubt; nothing excuses the rest. */
static bool good_enough(const char *verdict, const char *expected)
{
	for (size_t i = 0; i < CASE_UNSOUND; i++) {
		if (strcmp(case_verdict_names[i], verdict) == 0)
			return true;
		if (strcmp(case_verdict_names[i], expected) == 0)
			return false;
	}
	return false;
}

static bool row(int number, const char *directory, const char *name)
{
	char file[PATH_MAX], why[CASE_TEXT] = "";
	struct recorded_case c;
	const char *verdict;
	bool good;

	if (snprintf(file, sizeof(file), "%s/%s", directory, name) >= (int)sizeof(file))
		return false;
	verdict = judge_file(file, &c, why);
	good = good_enough(verdict, c.expect);
	printf("%s %d - %s on %s, case %s\n", good ? "ok" : "not ok", number, c.kind, c.kernel,
		name);
	if (!good)
		printf("# %s instead of %s: %s\n", verdict, c.expect, why);
	case_free(&c);
	return good;
}

static int test(void)
{
	const char *source = getenv("PCIROOM_SRCDIR");
	char directory[PATH_MAX];
	struct dirent **names;
	bool good = true;
	int n;

	snprintf(directory, sizeof(directory), "%s/" CASES, source ? source : ".");
	n = scandir(directory, &names, is_case, alphasort);
	if (n <= 0) {
		fprintf(stderr, "%s: no cases: %s\n", directory,
			n < 0 ? strerror(errno) : "it is empty");
		return EXIT_FAILURE;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		good &= row(i + 1, directory, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--judge") == 0)
		return judge_files(argv + 2, argc - 2);
	if (argc > 2 && strcmp(argv[1], "--chain") == 0)
		return judge_chain(argv + 2, argc - 2);
	if (argc > 1) {
		fprintf(stderr, "usage: pr-replay [--judge|--chain FILE...]\n");
		return EXIT_FAILURE;
	}
	return test();
}

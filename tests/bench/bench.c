/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The benchmark: planning on recordings, on made-up machines of growing size,
 * and loading dumps beside lspci.  It reports; nothing fails because of a time.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef BENCH_COMPILER
#define BENCH_COMPILER "unknown"
#endif

double bench_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* cannot fail */
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- samples ---- */

bool bench_wants_more(const struct bench_samples *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += s->ms[i];
	return s->n < 5 || (s->n < SAMPLES_MAX && sum < 1000);
}

void bench_sample(struct bench_samples *s, double ms)
{
	if (s->n < SAMPLES_MAX)
		s->ms[s->n++] = ms;
}

static int compare(const void *pa, const void *pb)
{
	const double *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

double bench_median(struct bench_samples *s)
{
	if (s->n == 0)
		return 0;
	qsort(s->ms, s->n, sizeof(s->ms[0]), compare);
	return s->ms[s->n / 2];
}

double bench_worst(const struct bench_samples *s)
{
	double worst = 0;

	for (size_t i = 0; i < s->n; i++)
		worst = s->ms[i] > worst ? s->ms[i] : worst;
	return worst;
}

/* ---- a case in a child ---- */

void bench_child(void (*run)(const void *arg, struct bench_result *ret), const void *arg,
	struct bench_result *ret)
{
	struct bench_result result = { .good = false };
	struct rusage usage = { 0 };
	int ends[2], status = 0;
	pid_t child;

	*ret = result;
	(void)fflush(stdout);
	if (pipe(ends) < 0)
		return;
	child = fork();
	if (child == 0) {
		run(arg, &result);
		_exit(write(ends[1], &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 1);
	}
	(void)close(ends[1]);
	if (child > 0 && read(ends[0], &result, sizeof(result)) == (ssize_t)sizeof(result))
		*ret = result;
	(void)close(ends[0]);
	if (child > 0 && wait4(child, &status, 0, &usage) == child)
		ret->peak_kib = usage.ru_maxrss;
	ret->good = ret->good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const char *bench_verdict(double value, double target)
{
	static char text[48];

	if (value <= target)
		return "met";
	(void)snprintf(text, sizeof(text), "missed by a factor of %.1f", value / target);
	return text;
}

/* ---- the machine ---- */

static void print_cpu(void)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		printf("cpu       %s\n", colon + 2);
		break;
	}
	if (f)
		(void)fclose(f); /* only read from */
}

static double load_average(void)
{
	double load = 0;

	return getloadavg(&load, 1) == 1 ? load : 0;
}

static void print_facts(void)
{
	struct utsname name = { .release = "unknown" };

	(void)uname(&name);
	print_cpu();
	printf("cores     %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
	printf("memory    %.1f GiB\n",
		(double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / (1 << 30));
	printf("kernel    %s %s\n", name.release, name.machine);
	printf("compiler  %s\n", BENCH_COMPILER);
	printf("load      %.1f (times are of the processor)\n", load_average());
}

/* usage: bench RECORDINGS PCIROOM */
int main(int argc, char **argv)
{
	if (argc != 3) {
		(void)fprintf(stderr, "usage: bench RECORDINGS PCIROOM\n");
		return 1;
	}
	print_facts();
	bench_recordings(argv[1]);
	bench_generated();
	bench_loading(argv[1], argv[2]);
	bench_trees(argv[1], argv[2]);
	return 0;
}

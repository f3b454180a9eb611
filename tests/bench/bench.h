/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the benchmark share: clocks, medians, cases in children, the table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SAMPLES_MAX 101

/*
 * Milliseconds of processor time of this process: what others do on the
 * machine does not count, and on an idle one it is the time that passes.
 */
double bench_now(void);

struct bench_samples {
	double ms[SAMPLES_MAX];
	size_t n;
};
/* False when there are enough: some, and a second's worth or as many as fit. */
bool bench_wants_more(const struct bench_samples *s);
void bench_sample(struct bench_samples *s, double ms);
double bench_median(struct bench_samples *s);
double bench_worst(const struct bench_samples *s);

/* What a case has to say; goes through a pipe. */
struct bench_result {
	bool good;
	size_t functions, tried, planned; /* tried: ports; planned: with a plan that is allowed */
	double build, explain, plan, plan_worst, load; /* milliseconds, medians but for the worst */
	char note[96];
	long peak_kib; /* filled in by bench_child() */
};
/* @run in a child of its own, so that its memory can be told; @ret->good false when it dies. */
void bench_child(void (*run)(const void *arg, struct bench_result *ret), const void *arg,
	struct bench_result *ret);

/* "met", or by how much it was missed; both in milliseconds. */
const char *bench_verdict(double value, double target);

/* Milliseconds of processor time of a program, of its start and its end too; negative when it fails. */
double bench_process(char *const argv[]);
/* Medians of two programs that are run in turns; false when one of them fails. */
bool bench_turns(char *const ours[], char *const other[], double *ret_ours, double *ret_other);

void bench_recordings(const char *directory);
void bench_generated(void);
void bench_loading(const char *directory, char *pciroom);
void bench_trees(const char *directory, char *pciroom);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine as an administrator has left it, a plan for it, and what has to be
 * true of both after whatever happened.  For tests of the runner; fails the
 * test that asks, with the moment that it was told of.
 */
#pragma once

#include "faults.h"

struct bench {
	struct pr_topology *machine, *start;
	struct pr_plan *plan;
	char **attributes; /* of every function at the start, in the order of walking */
	char directory[40], journal[60];
	struct pr_backend simulator;
	struct faults faults;
	const struct pr_progress *progress; /* of the runs, NULL: none */
	char *left;                         /* the journal at the moment of a kill */
	unsigned long runs;
};

/*
 * A machine in text and its target (NULL: what is dead); or "ADDRESS=N", virtual functions; or "resize
 * ADDRESS SIZE [TARGET]", of its BAR 2, the size in hexadecimal.  False when there is nothing to carry
 * out.
 */
bool bench_init(struct bench *b, const char *text, const char *target);
void bench_deinit(struct bench *b);

/* A simulated machine in that state, behind faults that are healed; freed by the caller. */
void bench_simulate(struct bench *b);

/* The journal as it is on disk; the caller frees. */
void bench_read_journal(const struct bench *b, char **ret);
void bench_put_journal(const struct bench *b, const char *text, size_t n);
bool bench_is_pending(const struct bench *b);

/* Everything is there and set as at the start.  @when is for the message of a failure. */
void bench_check_machine(const struct bench *b, const struct pr_topology *now, const char *when);
/* The same, and nothing is pending. */
void bench_check_unbegun(const struct bench *b, const char *when);
/* The same, or the plan has been carried out; and the journal knows which. */
void bench_check_end(const struct bench *b, enum pr_outcome outcome, const char *when);

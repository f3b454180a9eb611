/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many pieces of work, some at a time, each in a process of its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pr_job_end {
	int status;   /* as waitpid() has it */
	char *output; /* what it wrote to its descriptor; malloc'ed, NUL-terminated */
	size_t n_output;
	char *errors; /* what it said on standard error */
};

struct pr_jobs {
	size_t n, parallel; /* at least 1 */
	void *userdata;
	/* In the child; returns its exit status.  Ends with us when we end. */
	int (*work)(void *userdata, size_t job, int fd);
	/* In the order of the jobs, whichever ended first; false: no more of them. */
	bool (*done)(void *userdata, size_t job, const struct pr_job_end *end);
};

/* Processors that this process may use. */
size_t pr_processors(void);
/* 0; 1 when done() stopped it; negative errno.  No child is left. */
int pr_jobs_run(const struct pr_jobs *jobs);

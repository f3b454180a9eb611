/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child for each job, so that one that crashes takes no other with it.  What
 * children write goes into memory files: nobody waits for a reader.
 */
#include "cli/jobs.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/macros.h"

struct job {
	pid_t pid; /* 0: does not run */
	int output, errors;
	bool ended;
	struct pr_job_end end;
};
struct run {
	const struct pr_jobs *jobs;
	struct job *job;
	size_t started, running, reported;
};

size_t pr_processors(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (size_t)CPU_COUNT(&set);
	n = sysconf(_SC_NPROCESSORS_ONLN); /* more of them than a cpu_set_t can say */
	return n > 0 ? (size_t)n : 1;
}

static void close_files(struct job *j)
{
	(void)close(j->output); /* memory */
	(void)close(j->errors);
}

static _Noreturn void be_child(const struct pr_jobs *jobs, size_t i, const struct job *j)
{
	/* a parent that is gone already hears nothing of us either way */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(j->errors, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	_exit(jobs->work(jobs->userdata, i, j->output));
}

static int start(struct run *x)
{
	struct job *j = &x->job[x->started];
	pid_t pid = -1;
	int r;

	j->output = memfd_create("output", MFD_CLOEXEC);
	j->errors = memfd_create("errors", MFD_CLOEXEC);
	if (j->output >= 0 && j->errors >= 0) {
		(void)fflush(NULL); /* the child must not print it a second time */
		pid = fork();
		if (pid == 0)
			be_child(x->jobs, x->started, j);
	}
	if (pid < 0) {
		r = -errno;
		close_files(j);
		return r;
	}
	j->pid = pid;
	x->started++;
	x->running++;
	return 0;
}

/* The whole of memory file @fd; NULL when memory is short. */
static char *read_all(int fd, size_t *ret)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return NULL;
	n = pread(fd, text, (size_t)st.st_size, 0); /* of memory: all of it */
	*ret = n < 0 ? 0 : (size_t)n;
	text[*ret] = '\0';
	return text;
}

static int collect(struct run *x, struct job *j, int status)
{
	size_t n;

	j->pid = 0;
	x->running--;
	j->ended = true;
	j->end.status = status;
	j->end.output = read_all(j->output, &j->end.n_output);
	j->end.errors = read_all(j->errors, &n);
	close_files(j);
	return j->end.output && j->end.errors ? 0 : -ENOMEM;
}

/* One child's end. */
static int wait_one(struct run *x)
{
	int status;
	pid_t pid;

	do
		pid = waitpid(-1, &status, 0);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return -errno;
	for (size_t i = x->reported; i < x->started; i++)
		if (x->job[i].pid == pid)
			return collect(x, &x->job[i], status);
	return 0; /* nobody's of ours: inherited over an exec */
}

static void forget(struct job *j)
{
	free(j->end.output);
	free(j->end.errors);
	j->end.output = j->end.errors = NULL;
}

/* As many as can be told in their order; 1 when no more of them are wanted. */
static int report(struct run *x)
{
	for (; x->reported < x->jobs->n && x->job[x->reported].ended; x->reported++) {
		struct job *j = &x->job[x->reported];

		if (!x->jobs->done(x->jobs->userdata, x->reported, &j->end))
			return 1;
		forget(j);
	}
	return 0;
}

/* Starts what may run beside the others; that no process can be made matters only when none runs. */
static int fill(struct run *x)
{
	while (x->started < x->jobs->n && x->running < x->jobs->parallel) {
		int r = start(x);

		if (r < 0)
			return x->running > 0 ? 0 : r;
	}
	return 0;
}

static void clean_up(struct run *x)
{
	for (size_t i = 0; i < x->started; i++) {
		struct job *j = &x->job[i];

		if (j->pid > 0) {
			(void)kill(j->pid, SIGKILL);
			while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
				;
			close_files(j);
		}
		forget(j);
	}
	free(x->job);
}

int pr_jobs_run(const struct pr_jobs *jobs)
{
	struct run x = { .jobs = jobs, .job = calloc(jobs->n + 1, sizeof(struct job)) };
	int r = x.job ? 0 : -ENOMEM;

	while (r == 0 && x.reported < jobs->n) {
		r = fill(&x);
		if (r == 0)
			r = wait_one(&x);
		if (r == 0)
			r = report(&x);
	}
	clean_up(&x);
	return r;
}

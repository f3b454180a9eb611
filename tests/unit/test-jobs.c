/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs: what each of them says comes in order, and a death is that job's alone. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/jobs.h"
#include "rows.h"

static const struct jobs_case {
	const char *name;
	/*
	 * of each job: "=" says its number, "!" says something on standard error and fails, "x" is
	 * killed, "." ends and says nothing, "<" ends only when the job behind it has
	 */
	const char *jobs;
	size_t parallel;
	const char *told; /* "0:0;" output 0 and exit status 0; "-9" a signal */
	size_t stop;      /* done() wants no more after so many; 0: never */
	int result;
} jobs_cases[] = {
	{ .name = "no jobs", .jobs = "", .parallel = 2, .told = "" },
	{ .name = "one job", .jobs = "=", .parallel = 2, .told = "0:0;" },
	{ .name = "more jobs than may run at a time",
		.jobs = "=====",
		.parallel = 2,
		.told = "0:0;1:0;2:0;3:0;4:0;" },
	{ .name = "one at a time", .jobs = "===", .parallel = 1, .told = "0:0;1:0;2:0;" },
	{ .name = "more room than jobs", .jobs = "==", .parallel = 64, .told = "0:0;1:0;" },
	{ .name = "the first ends after the second, and is told first",
		.jobs = "<=",
		.parallel = 2,
		.told = "0:0;1:0;" },
	{ .name = "a job that is killed takes no other with it",
		.jobs = "=x=",
		.parallel = 2,
		.told = "0:0;:-9;2:0;" },
	{ .name = "what a job says on standard error is kept",
		.jobs = "!=",
		.parallel = 2,
		.told = ":3 no;1:0;" },
	{ .name = "a job that says nothing", .jobs = ".=", .parallel = 2, .told = ":0;1:0;" },
	{ .name = "no more after the second",
		.jobs = "====",
		.parallel = 2,
		.told = "0:0;1:0;",
		.stop = 2,
		.result = 1 },
};

struct table {
	const struct jobs_case *c;
	int pipe[2]; /* who ends says so here */
	struct pr_text told;
	size_t n;
};

static int work(void *userdata, size_t job, int fd)
{
	struct table *x = userdata;
	char c = x->c->jobs[job], other;

	if (c == '<')
		(void)!read(x->pipe[0], &other, 1);
	else
		(void)!write(x->pipe[1], "x", 1);
	if (c == 'x')
		(void)raise(SIGKILL);
	if (c == '!')
		(void)!write(STDERR_FILENO, "no", 2);
	else if (c != '.')
		(void)dprintf(fd, "%zu", job);
	return c == '!' ? 3 : 0;
}

static bool done(void *userdata, size_t job, const struct pr_job_end *end)
{
	struct table *x = userdata;

	assert_int_equal(job, x->n++);
	assert_int_equal(strlen(end->output), end->n_output);
	pr_text_printf(&x->told, "%s:%d%s%s;", end->output,
		WIFSIGNALED(end->status) ? -WTERMSIG(end->status) : WEXITSTATUS(end->status),
		*end->errors ? " " : "", end->errors);
	return x->n != x->c->stop;
}

static void test_jobs(void **state)
{
	const struct jobs_case *c = *state;
	struct table x = { .c = c };
	const struct pr_jobs jobs = { .n = strlen(c->jobs),
		.parallel = c->parallel,
		.userdata = &x,
		.work = work,
		.done = done };

	assert_int_equal(pipe(x.pipe), 0);
	assert_int_equal(pr_jobs_run(&jobs), c->result);
	assert_string_equal(x.told.data ? x.told.data : "", c->told);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
	pr_text_deinit(&x.told);
	(void)close(x.pipe[0]);
	(void)close(x.pipe[1]);
}

int main(void)
{
	static struct rows rows;

	ADD_ROWS(&rows, jobs_cases, test_jobs);
	return rows_run(&rows, "jobs");
}

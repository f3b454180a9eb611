/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading in a child that can be left behind; knows files, and nothing of what they say. */
#include "base/patient.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/macros.h"

/* For a child that is not in the kernel: the machine is busy, and it will come to it. */
#define PATIENCE_OF_SLOW 10
/* A process that is not in the kernel for good is gone this long after SIGKILL. */
#define GRACE_MS 200

/* Smaller than PIPE_BUF, so that each is written, and read, whole (pipe(7)). */
struct answer {
	int32_t error; /* negative errno of the file */
	char line[PR_PATIENT_LINE];
};

struct pr_patient {
	int directory;
	size_t n, next;
	pr_patient_path_fn *path;
	void *userdata;
	unsigned int patience_ms;
	pid_t pid; /* 0: none runs */
	int answers;
	size_t ahead; /* the file that the child's next answer is for */
};

/* ---- in the child, if there is one ---- */

static void read_file(const struct pr_patient *p, size_t i, struct answer *ret)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	ssize_t n;

	memset(ret, 0, sizeof(*ret));
	p->path(p->userdata, i, path, sizeof(path));
	fd = openat(p->directory, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	n = fd < 0 ? -1 : read(fd, ret->line, sizeof(ret->line) - 1);
	ret->error = n < 0 ? -errno : 0;
	ret->line[strcspn(ret->line, "\n")] = '\0';
}

/* The standard descriptors too: whoever reads our output would wait for a child that hangs. */
static _Noreturn void run_child(const struct pr_patient *p, int answers, pid_t parent)
{
	int keep[] = { p->directory, answers };
	struct answer answer;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	pr_close_others(0, keep, ARRAY_SIZE(keep));
	for (size_t i = p->next; i < p->n; i++) {
		read_file(p, i, &answer);
		if (pr_write_all(answers, &answer, sizeof(answer)) < 0)
			_exit(1);
	}
	_exit(0);
}

/* ---- in the parent ---- */

static int start(struct pr_patient *p)
{
	pid_t parent = getpid();
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	p->pid = fork();
	if (p->pid == 0)
		run_child(p, pair[1], parent);
	(void)close(pair[1]); /* only the child holds it now, so its end is seen */
	if (p->pid < 0) {
		int r = -errno;

		(void)close(pair[0]); /* nothing was read */
		p->pid = 0;
		return r;
	}

	p->answers = pair[0];
	p->ahead = p->next;
	return 0;
}

bool pr_child_gone(pid_t pid, unsigned int milliseconds)
{
	int64_t deadline = pr_now_ms() + milliseconds;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (pr_now_ms() >= deadline)
			return false;
		pr_pause_ms(5);
	}

	return true;
}

/* One that hangs in the kernel dies when it comes out of it; the next parent reaps it. */
static void leave(struct pr_patient *p)
{
	if (p->pid == 0)
		return;
	(void)close(p->answers); /* only read from */
	if (p->ahead == p->n) {
		(void)waitpid(p->pid, NULL, 0); /* it has read all, and ends */
	} else {
		(void)kill(
			p->pid, SIGKILL); /* it is our child and not reaped: the process exists */
		(void)pr_child_gone(p->pid, GRACE_MS);
	}
	p->pid = 0;
}

/* Waiting for what no signal ends, by the third field of /proc/PID/stat (proc(5)). */
static bool is_in_kernel(pid_t pid)
{
	_cleanup_free_ char *stat = NULL;
	const char *state;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (pr_read_line_at(AT_FDCWD, path, &stat) < 0)
		return false;
	state = strrchr(stat, ')');
	return state && strncmp(state, ") D", 3) == 0;
}

/* 0 when there is an answer or an end of the child, -ETIMEDOUT. */
static int wait_answer(const struct pr_patient *p)
{
	struct pollfd fd = { .fd = p->answers, .events = POLLIN };
	int64_t slow = pr_now_ms() + (int64_t)p->patience_ms * PATIENCE_OF_SLOW;
	int r;

	do {
		r = poll(&fd, 1, (int)p->patience_ms);
		if (r < 0 && errno != EINTR)
			return -errno;
	} while (r <= 0 && !(r == 0 && is_in_kernel(p->pid)) && pr_now_ms() < slow);

	return r > 0 ? 0 : -ETIMEDOUT;
}

static int take_answer(struct pr_patient *p, struct answer *ret)
{
	int r;

	if (p->patience_ms == 0) {
		read_file(p, p->ahead++, ret);
		return 0;
	}
	r = p->pid == 0 ? start(p) : 0;
	if (r == 0)
		r = wait_answer(p);
	if (r < 0)
		return r;
	if (read(p->answers, ret, sizeof(*ret)) != sizeof(*ret))
		return -ECHILD; /* it was killed */
	p->ahead++;
	return 0;
}

int pr_patient_line(struct pr_patient *p, char ret[PR_PATIENT_LINE])
{
	struct answer answer;
	int r;

	assert(p->next < p->n);
	do
		r = take_answer(p, &answer);
	while (r == 0 && p->ahead <= p->next); /* of files that were left out */
	p->next++;
	if (r < 0) {
		leave(p);
		return r;
	}
	if (answer.error < 0)
		return 1;

	memcpy(ret, answer.line, sizeof(answer.line));
	return 0;
}

void pr_patient_skip(struct pr_patient *p)
{
	assert(p->next < p->n);
	p->next++;
}

int pr_patient_new(int directory, size_t n, pr_patient_path_fn *path, void *userdata,
	unsigned int patience_ms, struct pr_patient **ret)
{
	struct pr_patient *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*p = (struct pr_patient){ .directory = directory,
		.n = n,
		.path = path,
		.userdata = userdata,
		.patience_ms = patience_ms };
	*ret = p;
	return 0;
}

void pr_patient_free(struct pr_patient *p)
{
	if (!p)
		return;
	leave(p);
	free(p);
}

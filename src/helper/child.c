/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One write in a child of its own, and a deadline. Knows paths only as a
 * directory and a name; what they mean is its caller's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/macros.h"
#include "base/patient.h"
#include "helper/beneath.h"
#include "helper/child.h"

/* A process that is not in the kernel for good is gone this long after SIGKILL. */
#define KILL_GRACE_MS 500

static int write_attribute(int directory, const char *file, const char *text)
{
	_cleanup_close_ int fd = pr_open_beneath(directory, file, O_WRONLY);

	if (fd < 0)
		return fd;

	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* What may not be interrupted dies by SIGKILL alone, and only its own helper sends that. */
static bool prepare_child(const struct pr_write *w, pid_t parent)
{
	sigset_t all;

	if (w->lasting)
		return sigfillset(&all) == 0 && sigprocmask(SIG_SETMASK, &all, NULL) == 0;

	/* a helper that was killed must not have writes done behind its successor's back */
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

static _Noreturn void child_run(const struct pr_write *w, int report, pid_t parent)
{
	int keep[] = { w->directory, report, w->lasting ? w->lock : -1 };
	int result;

	if (!prepare_child(w, parent))
		_exit(1);
	/*
	 * The standard ones too: a child that hangs would keep the connections of clients, or the pipe
	 * that reads a command line's output, open after the helper died, and they would never see it.
	 */
	pr_close_others(0, keep, ARRAY_SIZE(keep));

	result = write_attribute(w->directory, w->file, w->text);
	_exit(write(report, &result, sizeof(result)) == sizeof(result) ? 0 : 1);
}

/* The result that the child reports until @deadline; -EIO when it ends without one. */
static int wait_report(int report, int64_t deadline)
{
	struct pollfd p = { .fd = report, .events = POLLIN };
	int64_t left;
	int result, r;

	do {
		left = deadline - pr_now_ms();
		r = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	if (r == 0)
		return -ETIMEDOUT;

	return read(report, &result, sizeof(result)) == sizeof(result) ? result : -EIO;
}

int pr_write_lock(int state)
{
	_cleanup_close_ int fd =
		openat(state, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EINTR ? -EWOULDBLOCK : -errno;

	r = fd;
	fd = -1;
	return r;
}

void pr_children_add(struct pr_children *c, pid_t pid, const struct pr_target *t)
{
	if (c->n == PR_CHILDREN_MAX)
		return; /* pr_child_write() starts none in this state */

	c->stuck[c->n].pid = pid;
	c->stuck[c->n].target = *t;
	c->n++;
}

void pr_children_reap(struct pr_children *c)
{
	for (size_t i = 0; i < c->n;) {
		if (waitpid(c->stuck[i].pid, NULL, WNOHANG) == 0)
			i++;
		else
			c->stuck[i] = c->stuck[--c->n];
	}
}

static bool target_equal(const struct pr_target *a, const struct pr_target *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->device == b->device &&
	       a->function == b->function;
}

bool pr_children_busy(const struct pr_children *c, const struct pr_target *t)
{
	if (c->n == PR_CHILDREN_MAX)
		return true;

	for (size_t i = 0; i < c->n; i++)
		if (target_equal(&c->stuck[i].target, t))
			return true;

	return false;
}

int pr_child_write(struct pr_children *c, const struct pr_write *w)
{
	pid_t parent = getpid(), pid;
	int report[2], r;

	pr_children_reap(c);
	if (pr_children_busy(c, &w->target))
		return -EBUSY;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child_run(w, report[1], parent);
	r = pid < 0 ? -errno : 0;
	(void)close(report[1]); /* only the child holds it now, so its end is seen */
	if (r == 0)
		r = wait_report(report[0], pr_now_ms() + w->deadline_ms);
	(void)close(report[0]);
	if (pid < 0)
		return r;

	if (r == -ETIMEDOUT)
		(void)kill(pid, SIGKILL); /* it is our child and not reaped: the process exists */
	if (!pr_child_gone(pid, KILL_GRACE_MS))
		pr_children_add(c, pid, &w->target);

	return r;
}

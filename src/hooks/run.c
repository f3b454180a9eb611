/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One hook: its process group, its input, its first line of output, its deadline. */
#include "hooks/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/macros.h"

const char *pr_hook_answer_name(enum pr_hook_answer a)
{
	static const char *const names[] = { "agree", "pin", "not-mine" };

	return names[a];
}

/* A file, and no pipe: a hook that does not read must not stop us. */
static int make_input(const char *text, size_t size)
{
	int fd = memfd_create("hook", MFD_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = pr_write_all(fd, text, size);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r < 0) {
		(void)close(fd); /* the first failure is the one that is told */
		return r;
	}

	return fd;
}

static _Noreturn void child(const struct pr_hook *hook, const char *phase, int input, int output)
{
	char *const arguments[] = { (char *)(uintptr_t)hook->path, (char *)(uintptr_t)phase, NULL };
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		    locale[] = "LC_ALL=C.UTF-8";
	char *const environment[] = { path, locale, NULL };
	int keep[] = { -1 };
	sigset_t none;

	(void)setpgid(0, 0); /* cannot fail for a child that has executed nothing */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0)
		_exit(127);
	pr_close_others(STDERR_FILENO + 1, keep, ARRAY_SIZE(keep));
	execve(hook->path, arguments, environment);
	_exit(127);
}

struct reading {
	char *text;
	size_t length;
	bool line_over, ended;
};

/* Keeps the first line, and reads on: a hook must not be stopped by its own words. */
static void read_some(struct reading *r, int fd)
{
	char buffer[1024];
	ssize_t n = read(fd, buffer, sizeof(buffer));

	if (n <= 0 && !(n < 0 && errno == EINTR)) {
		r->ended = true;
		return;
	}
	for (ssize_t i = 0; i < n && !r->line_over; i++) {
		if (buffer[i] == '\n' || r->length + 1 == PR_HOOK_TEXT_MAX)
			r->line_over = true;
		else
			r->text[r->length++] = buffer[i] < 0x20 ? '?' : buffer[i];
	}
	r->text[r->length] = '\0';
}

/* False at the deadline. */
static bool wait_end(int process, int output, int64_t deadline, char *text)
{
	struct reading reading = { .text = text };
	struct pollfd p[] = { { .fd = process, .events = POLLIN },
		{ .fd = output, .events = POLLIN } };
	int64_t left;

	for (;;) {
		left = deadline - pr_now_ms();
		if (left <= 0)
			return false;
		p[1].fd = reading.ended ? -1 : output;
		if (poll(p, ARRAY_SIZE(p), (int)left) < 0 && errno != EINTR)
			return false;
		if (p[1].revents)
			read_some(&reading, output);
		/* what it said before it ended has been read: else the pipe would be readable */
		else if (p[0].revents)
			return true;
	}
}

static enum pr_hook_answer judge(int status, char text[PR_HOOK_TEXT_MAX])
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return PR_HOOK_AGREE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return PR_HOOK_NOT_MINE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return PR_HOOK_PIN;

	if (WIFEXITED(status))
		(void)snprintf(
			text, PR_HOOK_TEXT_MAX, "it ended with status %d", WEXITSTATUS(status));
	else
		(void)snprintf(
			text, PR_HOOK_TEXT_MAX, "it was killed by signal %d", WTERMSIG(status));
	return PR_HOOK_PIN;
}

static enum pr_hook_answer supervise(
	pid_t pid, int process, int output, int64_t deadline, char text[PR_HOOK_TEXT_MAX])
{
	bool ended = wait_end(process, output, deadline, text);
	int status = 0;

	/* what it left in the background goes with it */
	(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL); /* the group may not be there yet */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (ended)
		return judge(status, text);

	(void)snprintf(text, PR_HOOK_TEXT_MAX, "it did not answer in time");
	return PR_HOOK_PIN;
}

int pr_hook_run(const struct pr_hook *hook, const char *phase, const char *text, size_t size,
	unsigned int deadline_ms, enum pr_hook_answer *ret, char ret_text[PR_HOOK_TEXT_MAX])
{
	_cleanup_close_ int input = make_input(text, size), process = -1;
	int output[2], r = 0;
	pid_t pid;

	*ret_text = '\0';
	if (input < 0)
		return input;
	if (pipe2(output, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child(hook, phase, input, output[1]);
	if (pid < 0)
		r = -errno;
	(void)close(output[1]); /* the hook has it */
	if (r == 0)
		process = pidfd_open(pid, 0);
	if (r == 0)
		*ret = supervise(pid, process, output[0], pr_now_ms() + deadline_ms, ret_text);

	(void)close(output[0]);
	return r;
}

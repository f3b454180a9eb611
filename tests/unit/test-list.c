/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list over a socket: whole, cut short, and nobody there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/macros.h"
#include "base/processes.h"
#include "daemon/list.h"
#include "fixture.h"
#include "rows.h"

static const struct ask_case {
	const char *name, *answer; /* NULL: nobody listens */
	int expect;
} ask_cases[] = {
	{ "a whole list", "process\t7\tx\t\nopen\t-\t/dev/sda\nunread\t0\n", 0 },
	{ "a list of nothing but its end", "unread\tall\n", 0 },
	{ "an end that is cut short", "process\t7\tx\t\nunread\t1", -EBADMSG },
	{ "a list without its end", "process\t7\tx\t\nopen\t-\t/dev/sda\n", -EBADMSG },
	{ "an end that is not the last line", "unread\t0\nprocess\t7\tx\t\n", -EBADMSG },
	{ "no answer at all", "", -EBADMSG },
	{ "nobody listens", NULL, -ENOENT },
};

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && strlen(path) < sizeof(address.sun_path));
	(void)strcpy(address.sun_path, path); /* fits: tested above */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Answers one connection and ends. */
static pid_t serve(int fd, const char *answer)
{
	pid_t pid = fork();
	int client;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	client = accept(fd, NULL, NULL);
	_exit(client < 0 || write(client, answer, strlen(answer)) != (ssize_t)strlen(answer));
}

static void test_ask(void **state)
{
	const struct ask_case *c = *state;
	struct fixture *f = fixture_new();
	const char *path = fixture_path(f, "socket");
	_cleanup_free_ char *list = NULL;
	_cleanup_close_ int fd = c->answer ? listen_at(path) : -1;
	pid_t pid = c->answer ? serve(fd, c->answer) : 0;
	size_t size = 0;
	int status = 0;

	assert_int_equal(pr_list_ask(path, PR_PROCESSES_END, &list, &size), c->expect);
	if (c->expect == 0) {
		assert_string_equal(list, c->answer);
		assert_int_equal(size, strlen(c->answer));
	} else {
		assert_null(list);
	}
	if (pid > 0)
		assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fixture_free(f);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, ask_cases, test_ask);

	return rows_run(&tests, "asking for processes");
}

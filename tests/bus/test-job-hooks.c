/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hooks around jobs: the real pciroom-hooks behind a socket, as systemd starts
 * it, and what the service makes of their answers.
 */
#include "stage.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../unit/rows.h"
#include "base/io.h"

struct hooked {
	struct stage stage;
	char directory[64], hook[80], log[80], socket[80];
	const char *directories[1];
	struct pr_hooks_place place;
	pid_t server;
};

static void write_hook(struct hooked *h, const char *end)
{
	char text[400];
	int fd;

	(void)snprintf(
		text, sizeof(text), "#!/bin/sh\n{ echo \"$1\"; cat; } >>%s\n%s\n", h->log, end);
	fd = open(h->hook, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(pr_write_all(fd, text, strlen(text)), 0);
	(void)close(fd);
}

static _Noreturn void exec_hooks(const char *directory, int connection)
{
	const char *build = getenv("PCIROOM_BUILDDIR");
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/pciroom-hooks", build ? build : ".");
	if (dup2(connection, STDIN_FILENO) < 0 || dup2(connection, STDOUT_FILENO) < 0)
		_exit(1);
	(void)execl(path, path, "--directory", directory, (char *)NULL);
	_exit(1);
}

/* As a socket unit with Accept=yes: a process for each connection. */
static _Noreturn void serve(const char *directory, int listening)
{
	/* a test that failed must not leave it behind */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(1);
	for (;;) {
		int connection = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

		if (connection < 0)
			_exit(1);
		if (fork() == 0)
			exec_hooks(directory, connection);
		(void)close(connection);
	}
}

static void start_server(struct hooked *h)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	assert_true(fd >= 0);
	strcpy(address.sun_path, h->socket);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	h->server = fork();
	assert_true(h->server >= 0);
	if (h->server == 0)
		serve(h->directory, fd);
	(void)close(fd);
}

static void hooked_open(struct hooked *h, enum pr_mode mode, const char *end)
{
	struct pr_conf conf;

	*h = (struct hooked){ .directory = "/tmp/pciroom-test-hooks-XXXXXX" };
	assert_non_null(mkdtemp(h->directory));
	(void)snprintf(h->hook, sizeof(h->hook), "%s/10-test", h->directory);
	(void)snprintf(h->log, sizeof(h->log), "%s.log", h->directory);
	(void)snprintf(h->socket, sizeof(h->socket), "%s.sock", h->directory);
	write_hook(h, end);
	start_server(h);
	h->directories[0] = h->directory;
	h->place = (struct pr_hooks_place){ .socket = h->socket,
		.directories = h->directories,
		.n_directories = 1,
		.untold = pr_hooks_untold };
	stage_open(&h->stage, machine_dead_beside_idle, mode);
	h->stage.world.hooks = &h->place;
	pr_conf_init(&conf);
	conf.mode = mode;
	conf.disruption = PR_DISRUPTION_RESTART;
	pr_service_configure(h->stage.service, &conf);
}

static void hooked_close(struct hooked *h)
{
	stage_close(&h->stage); /* which fails when a note of who was asked is left */
	assert_int_equal(kill(h->server, SIGKILL), 0);
	assert_int_equal(waitpid(h->server, NULL, 0), h->server);
	(void)unlink(h->log); /* a hook that was never called has none */
	assert_int_equal(unlink(h->hook), 0);
	assert_int_equal(unlink(h->socket), 0);
	assert_int_equal(rmdir(h->directory), 0);
}

static void assert_log(struct hooked *h, const char *const *parts)
{
	char *text;

	assert_int_equal(pr_read_file_at(AT_FDCWD, h->log, 1 << 20, &text, NULL), 0);
	assert_tells(text, parts);
	free(text);
}
#define assert_hook_heard(h, ...) assert_log(h, (const char *const[]){ __VA_ARGS__, NULL })

static void test_agrees(void **state)
{
	struct hooked h;

	(void)state;
	hooked_open(&h, PR_MODE_ADVISE, "exit 0");
	stage_start(&h.stage);
	client_plan_and_apply(&h.stage);
	assert_heard(&h.stage, "JobRemoved 1 done");
	assert_hook_heard(&h, "pre\n", "\"schema\": \"pciroom.hook/1\"", "\"reason\": \"pause\"",
		"\"path\": \"0000:00/02.0/00.1\"", "\"address\": \"0000:01:00.1\"",
		"\"driver\": \"nvme\"", "post\n", "\"path\": \"0000:00/02.0/00.1\"",
		"\"present\": true", "\"outcome\": \"done\"");
	hooked_close(&h);
}

static void test_pins(void **state)
{
	struct hooked h;

	(void)state;
	hooked_open(&h, PR_MODE_ADVISE, "[ \"$1\" = post ] || { echo a backup runs; exit 1; }");
	stage_start(&h.stage);
	client_plan_and_apply(&h.stage);
	assert_heard(&h.stage,
		"JobReport 0 stale hook 10-test pins 0000:01:00.1: a backup runs; nothing was begun");
	assert_hook_heard(&h, "pre\n", "post\n", "\"outcome\": \"cancelled\"");
	assert_int_equal(pr_job_pending(h.stage.state), 0);
	hooked_close(&h);
}

/* Auto plans around what a hook pins, and says so where there is no way around. */
static void test_pins_auto(void **state)
{
	struct hooked h;

	(void)state;
	hooked_open(&h, PR_MODE_AUTO, "[ \"$1\" = post ] || exit 1");
	stage_start(&h.stage);
	stage_rest(&h.stage);
	assert_story(&h.stage, "apply-started", "not-applied", "forbids that: 0000:01:00.1");
	assert_null(strstr(stage_heard(&h.stage), "JobNew 2"));
	hooked_close(&h);
}

static void test_not_mine(void **state)
{
	struct hooked h;

	(void)state;
	hooked_open(&h, PR_MODE_ADVISE, "exit 2");
	stage_start(&h.stage);
	client_plan_and_apply(&h.stage);
	assert_heard(&h.stage, "JobRemoved 1 done");
	hooked_close(&h);
}

/* The process that asked dies in its plan: the next tells the hooks how it ended. */
static void test_told_after_crash(void **state)
{
	struct hooked h;

	(void)state;
	hooked_open(&h, PR_MODE_ADVISE, "exit 0");
	h.stage.fault = CHILD_DIES;
	stage_start(&h.stage);
	client_plan_and_apply(&h.stage);
	assert_heard(&h.stage, "JobRemoved 1 rolled-back");
	assert_hook_heard(&h, "pre\n", "post\n", "\"outcome\": \"rolled-back\"");
	hooked_close(&h);
}

/* As on a command line without the service. */
static void test_by_child(void **state)
{
	const char *build = getenv("PCIROOM_BUILDDIR");
	char binary[100], text[700];
	struct hooked h;
	int fd;

	(void)state;
	hooked_open(&h, PR_MODE_ADVISE, "exit 0");
	(void)snprintf(binary, sizeof(binary), "%s.run", h.directory);
	(void)snprintf(text, sizeof(text), "#!/bin/sh\nexec %s/pciroom-hooks --directory %s\n",
		build ? build : ".", h.directory);
	fd = open(binary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(pr_write_all(fd, text, strlen(text)), 0);
	(void)close(fd);
	h.place.socket = NULL;
	h.place.binary = binary;
	stage_start(&h.stage);
	client_plan_and_apply(&h.stage);
	assert_heard(&h.stage, "JobRemoved 1 done");
	assert_hook_heard(&h, "pre\n", "post\n", "\"outcome\": \"done\"");
	assert_int_equal(unlink(binary), 0);
	hooked_close(&h);
}

/* There is a hook, and nobody to run it: it was not asked, so nothing is touched. */
static void test_cannot_ask(void **state)
{
	struct hooked h;

	(void)state;
	hooked_open(&h, PR_MODE_ADVISE, "exit 0");
	h.place.socket = "/nonexistent";
	stage_start(&h.stage);
	client_plan_and_apply(&h.stage);
	assert_heard(&h.stage, "JobReport 0 cancelled hooks cannot be asked: No such file");
	hooked_close(&h);
}

static const struct CMUnitTest plain[] = {
	{ "a hook agrees, and is told of the end", test_agrees, NULL, NULL, NULL },
	{ "a hook pins: nothing is begun, and its reason is told", test_pins, NULL, NULL, NULL },
	{ "auto plans around what a hook pins", test_pins_auto, NULL, NULL, NULL },
	{ "a hook whose device it is not changes nothing", test_not_mine, NULL, NULL, NULL },
	{ "hooks are told of the end after a crash", test_told_after_crash, NULL, NULL, NULL },
	{ "a child of ours runs hooks where there is no service for it", test_by_child, NULL, NULL,
		NULL },
	{ "hooks that cannot be asked have not agreed", test_cannot_ask, NULL, NULL, NULL },
};

int main(void)
{
	static struct rows tests;

	ADD_TESTS(&tests, plain);
	return rows_run(&tests, "job-hooks");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client with the real helper, as a process of its own over a fake tree;
 * and with a peer that answers wrongly, late or never.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "exec/helper-client.h"
#include "children.h"
#include "fixture.h"
#include "rows.h"

struct place {
	struct fixture *files;
	struct pr_helper *helper;
};
static const struct pr_address card = { 0, 1, 0, 0 };
#define REMOVE "sys/bus/pci/devices/0000:01:00.0/remove"

static const char *binary(void)
{
	const char *build = getenv("PCIROOM_BUILDDIR");
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/pciroom-helper", build ? build : ".");
	return path;
}

static struct fixture *make_files(void)
{
	struct fixture *f = fixture_new();
	uint8_t config[64] = { 0 };

	fixture_put32(config, 0, 0x10d38086);
	fixture_put16(config, 4, 0x0400);
	fixture_put32(config, 0x10, 0xfe600000);
	fixture_function(f, &(struct fixture_function){ .path = "pci0000:00/0000:01:00.0",
				    .config = config,
				    .config_length = sizeof(config) });
	fixture_file(f, REMOVE, "");
	fixture_file(f, "sys/bus/pci/drivers/e1000e/bind", "");
	fixture_file(f, "proc/iomem", "00000000-00000fff : Reserved\n");
	return f;
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	const char *arguments[] = { "--quiet", "--root", NULL, "--state", NULL, "--log", NULL,
		NULL };

	assert_non_null(p);
	p->files = make_files();
	arguments[2] = fixture_root(p->files);
	arguments[4] = fixture_path(p->files, "state");
	arguments[6] = fixture_path(p->files, "log");
	assert_int_equal(pr_helper_spawn(binary(), arguments, &p->helper), 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	pr_helper_free(p->helper);
	fixture_free(p->files);
	free(p);
	return 0;
}

/* ---- the real helper ---- */

static int no_look(void *userdata, struct pr_topology **ret)
{
	(void)userdata;
	(void)ret;
	return -ENOSYS;
}

static void test_prober(void **state)
{
	struct pr_bar_mask masks[7];
	struct place *p = *state;
	uint8_t config[4096];
	size_t n;
	char *text;

	assert_int_equal(pr_helper_config(p->helper, &card, config, sizeof(config), &n), 0);
	assert_int_equal(n, 64);
	assert_int_equal(config[0], 0x86);
	assert_int_equal(pr_helper_config(p->helper, &card, config, 2, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(pr_helper_file(p->helper, "iomem", &text, &n), 0);
	assert_string_equal(text, "00000000-00000fff : Reserved\n");
	assert_int_equal(n, strlen(text));
	free(text);
	assert_int_equal(pr_helper_file(p->helper, "shadow", &text, &n), -EINVAL);
	assert_int_equal(pr_helper_measure(p->helper, &card, masks, ARRAY_SIZE(masks), &n), 0);
	assert_true(n > 0); /* a file keeps every bit that is written */
	assert_int_equal(masks[0].index, 0);
	assert_int_equal(masks[0].low, UINT32_MAX);
	assert_int_equal(pr_helper_measure(p->helper, &card, masks, 1, &n), -EPROTO);
}

static void test_backend(void **state)
{
	struct pr_looker looker = { no_look, NULL };
	struct pr_address nobody = { 0, 9, 0, 0 };
	struct place *p = *state;
	struct pr_backend b;
	uint32_t value;

	assert_int_equal(pr_backend_helper_new(p->helper, &looker, &b), 0);
	assert_true(b.settle_ms > 0);
	assert_int_equal(b.ops->read(b.instance, &card, 0, 4, &value), 0);
	assert_int_equal(value, 0x10d38086);
	assert_int_equal(b.ops->read(b.instance, &card, 62, 4, &value), -EIO);
	assert_int_equal(b.ops->write(b.instance, &card, 4, 2, 0x0406), 0);
	assert_int_equal(b.ops->read(b.instance, &card, 4, 2, &value), 0);
	assert_int_equal(value, 0x0406);
	assert_int_equal(b.ops->write(b.instance, &card, 0x10, 4, 0), -EPERM);
	assert_int_equal(b.ops->bind(b.instance, &card, "e1000e"), 0);
	assert_int_equal(b.ops->unbind(b.instance, &card), -ENOENT);
	assert_int_equal(b.ops->remove(b.instance, &card), 0);
	assert_int_equal(b.ops->rescan(b.instance, &nobody), -ENODEV);
	assert_int_equal(b.ops->rescan_root(b.instance, 0, 0), -ENODEV);
	assert_int_equal(b.ops->look(b.instance, NULL), -ENOSYS);
	assert_string_equal(fixture_read(p->files, REMOVE, NULL), "1");
	assert_string_equal(
		fixture_read(p->files, "sys/bus/pci/drivers/e1000e/bind", NULL), "0000:01:00.0");
	pr_backend_helper_free(&b);
}

static void test_deadline(void **state)
{
	struct pr_looker looker = { no_look, NULL };
	struct place *p = *state;
	struct pr_backend b;

	fixture_unlink(p->files, REMOVE);
	assert_int_equal(mkfifo(fixture_path(p->files, REMOVE), 0600), 0);
	assert_int_equal(pr_backend_helper_new(p->helper, &looker, &b), 0);
	pr_helper_set_deadline(p->helper, 50);
	assert_int_equal(b.ops->remove(b.instance, &card), -ETIMEDOUT);
	pr_backend_helper_free(&b);
}

/* Killed between two requests, and in the middle of one. */
static void test_killed(void **state)
{
	struct pr_helper_request q = pr_helper_request_for(PR_HELPER_REMOVE, &card);
	struct pr_helper_reply reply;
	struct place *p = *state;
	uint8_t config[64];
	pid_t first, killer;
	size_t n;
	int fifo;

	first = pr_helper_pid(p->helper);
	assert_true(first > 0);
	assert_int_equal(kill(first, SIGKILL), 0);
	assert_int_equal(
		pr_helper_config(p->helper, &card, config, sizeof(config), &n), -ECONNRESET);
	assert_int_equal(pr_helper_config(p->helper, &card, config, sizeof(config), &n), 0);
	assert_int_not_equal(pr_helper_pid(p->helper), first);

	fixture_unlink(p->files, REMOVE);
	assert_int_equal(mkfifo(fixture_path(p->files, REMOVE), 0600), 0);
	killer = fork();
	assert_true(killer >= 0);
	if (killer == 0) {
		while (child_of(pr_helper_pid(p->helper)) == 0)
			(void)usleep(1000);
		(void)kill(pr_helper_pid(p->helper), SIGKILL);
		_exit(0);
	}
	assert_int_equal(pr_helper_call(p->helper, &q, &reply, NULL), -ECONNRESET);
	assert_int_equal(waitpid(killer, NULL, 0), killer);
	/* its writer goes on, and ends as soon as the kernel, here a FIFO, lets it */
	fifo = open(fixture_path(p->files, REMOVE), O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fifo, config, 1), 1);
	assert_int_equal(config[0], '1');
	(void)close(fifo);
	assert_int_equal(pr_helper_config(p->helper, &card, config, sizeof(config), &n), 0);
}

static void test_ends_with_connection(void **state)
{
	struct place *p = *state;
	pid_t pid = pr_helper_pid(p->helper);

	pr_helper_free(p->helper);
	p->helper = NULL;
	assert_int_equal(kill(pid, 0), -1); /* reaped */
	assert_int_equal(errno, ESRCH);
}

static void test_no_binary(void **state)
{
	struct pr_helper *h = NULL;

	(void)state;
	assert_int_equal(pr_helper_spawn("/nonexistent/pciroom-helper", NULL, &h), -ENOENT);
	assert_int_equal(pr_helper_connect("/nonexistent/socket", &h), -ENOENT);
	assert_null(h);
}

/* A socket unit's view: another process listens, dies, and is started again. */
static pid_t start_listening(struct place *p)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execl(binary(), "pciroom-helper", "--quiet", "--root", fixture_root(p->files),
			"--state", fixture_path(p->files, "state"), "--socket",
			fixture_path(p->files, "socket"), NULL);
		_exit(127);
	}
	return pid;
}

/* As soon as @listening listens, if it does not end instead. */
static int connect_soon(struct place *p, pid_t listening, struct pr_helper **ret)
{
	int r;

	do {
		(void)usleep(20000);
		r = pr_helper_connect(fixture_path(p->files, "socket"), ret);
	} while ((r == -ENOENT || r == -ECONNREFUSED) && waitpid(listening, NULL, WNOHANG) == 0);
	return r;
}

static void test_connects_again(void **state)
{
	struct place *p = *state;
	struct pr_helper *h;
	uint8_t config[64];
	pid_t pid;
	size_t n;

	pid = start_listening(p);
	assert_int_equal(connect_soon(p, pid, &h), 0);
	assert_int_equal(pr_helper_pid(h), 0);
	assert_int_equal(pr_helper_config(h, &card, config, sizeof(config), &n), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(pr_helper_config(h, &card, config, sizeof(config), &n), -ECONNRESET);
	pid = start_listening(p);
	assert_int_equal(
		pr_helper_config(h, &card, config, sizeof(config), &n), 0); /* waits for it */
	pr_helper_free(h);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- a peer that misbehaves ---- */

struct answer {
	const char *name;
	struct pr_helper_reply replies[2];
	size_t size, n;
	bool hang_up;
	int result;
};

#define GOOD .version = PR_HELPER_VERSION, .sequence = 1, .length = 4

static const struct answer answers[] = {
	{ "a proper reply", { { GOOD } }, sizeof(struct pr_helper_reply), 1, false, 0 },
	{ "a refusal", { { GOOD, .error = -EBUSY } }, sizeof(struct pr_helper_reply), 1, false,
		-EBUSY },
	{ "a late reply to an earlier request is skipped",
		{ { .version = PR_HELPER_VERSION, .error = -EIO }, { GOOD } },
		sizeof(struct pr_helper_reply), 2, false, 0 },
	{ "a reply of another version", { { .version = PR_HELPER_VERSION + 1, .sequence = 1 } },
		sizeof(struct pr_helper_reply), 1, false, -EPROTO },
	{ "a short reply", { { GOOD } }, 16, 1, false, -EPROTO },
	{ "a length beyond the data",
		{ { .version = PR_HELPER_VERSION,
			.sequence = 1,
			.length = PR_HELPER_DATA_MAX + 1 } },
		sizeof(struct pr_helper_reply), 1, false, -EPROTO },
	{ "a positive error", { { GOOD, .error = 1 } }, sizeof(struct pr_helper_reply), 1, false,
		-EPROTO },
	{ "more data than were asked for",
		{ { .version = PR_HELPER_VERSION, .sequence = 1, .length = 5 } },
		sizeof(struct pr_helper_reply), 1, false, -EPROTO },
	{ "the end of the connection", { { 0 } }, 0, 0, true, -ECONNRESET },
};

static void test_answer(void **state)
{
	const struct answer *answer = *state;
	struct pr_helper *h;
	uint8_t config[4];
	size_t n = 99;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pr_helper_new(pair[0], &h), 0);
	for (size_t i = 0; i < answer->n; i++)
		assert_int_equal(send(pair[1], &answer->replies[i], answer->size, 0), answer->size);
	if (answer->hang_up)
		assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
	assert_int_equal(pr_helper_config(h, &card, config, sizeof(config), &n), answer->result);
	assert_int_equal(n, answer->result == 0 ? 4 : 99);
	if (answer->hang_up) /* it was given a connection, not a way to make one */
		assert_int_equal(pr_helper_config(h, &card, config, sizeof(config), &n), -ENOTCONN);
	pr_helper_free(h);
	(void)close(pair[1]);
}

#define PLACED(name, f)                        \
	{                                      \
		name, f, setup, teardown, NULL \
	}

static const struct CMUnitTest fixed[] = {
	PLACED("the prober reads, fetches and sizes", test_prober),
	PLACED("each operation of the back end is a request", test_backend),
	PLACED("a write that hangs ends at its deadline", test_deadline),
	PLACED("a helper that was killed is started again, and its writes die with it",
		test_killed),
	PLACED("the helper ends with its connection", test_ends_with_connection),
	PLACED("a helper that is not there is told as such", test_no_binary),
	PLACED("a helper behind a socket is connected to again", test_connects_again),
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, answers, test_answer);
	ADD_TESTS(&tests, fixed);

	return rows_run(&tests, "helper client");
}

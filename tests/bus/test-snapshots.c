/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots that clients hand in: good ones, bad ones, and ones that kill their reader. */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "../unit/machine.h"
#include "../unit/rows.h"
#include "base/io.h"

#define INVALID "org.pciroom1.Error.SnapshotInvalid"

static sd_bus_message *open_fd(struct stage *s, int fd)
{
	sd_bus_message *m = client_manager_call(s, "OpenSnapshot");

	assert_true(sd_bus_message_append(m, "ha{sv}", fd, 0) >= 0);
	return client_call(s, m);
}

static sd_bus_message *open_text(struct stage *s, const char *text, size_t size)
{
	int fd = memfd_create("handed-in", MFD_CLOEXEC);
	sd_bus_message *m;

	assert_true(fd >= 0);
	assert_int_equal(pr_write_all(fd, text, size), 0);
	m = open_fd(s, fd);
	assert_int_equal(close(fd), 0);
	return m;
}

static sd_bus_message *open_machine(struct stage *s, const char *machine)
{
	struct pr_topology *t = machine_build(machine);
	sd_bus_message *m;
	char *text;
	size_t size;

	assert_int_equal(pr_snapshot_write(t, &text, &size), 0);
	m = open_text(s, text, size);
	free(text);
	pr_topology_free(t);
	return m;
}

static sd_bus_message *snapshot_call(struct stage *s, const char *path, const char *method)
{
	sd_bus_message *m = NULL;

	assert_int_equal(
		sd_bus_message_new_method_call(s->client, &m, NULL, path, PR_BUS_SNAPSHOT, method),
		0);
	return m;
}

static sd_bus_message *plan(struct stage *s, const char *path, const char *target)
{
	sd_bus_message *m = snapshot_call(s, path, "Plan");

	if (target)
		assert_true(sd_bus_message_append(m, "a{sv}", 1, "targets", "as", 1, target) >= 0);
	else
		assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
	assert_true(sd_bus_message_append(m, "t", UINT64_C(0)) >= 0);
	return client_call(s, m);
}

static uint32_t count(struct stage *s, const char *path, const char *property)
{
	sd_bus_message *m = client_get(s, path, PR_BUS_SNAPSHOT, property);
	uint32_t n;

	assert_true(sd_bus_message_read(m, "v", "u", &n) > 0);
	sd_bus_message_unref(m);
	return n;
}

/* What another machine would need is answered here, and this one's state stays what it is. */
static void test_plan(void **state)
{
	char snapshot[PR_BUS_PATH_MAX], path[40], *text;
	const char *verdict;
	sd_bus_message *m;
	struct stage s;
	size_t size;
	int fd;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_path(open_machine(&s, machine_dead), snapshot);
	assert_string_equal(snapshot, PR_BUS_SNAPSHOTS "/1");
	assert_int_equal(count(&s, snapshot, "Functions"), 3);
	assert_int_equal(count(&s, snapshot, "UnassignedCount"), 1);
	assert_int_equal(count(&s, snapshot, "OwnerUID"), geteuid());
	m = plan(&s, snapshot, "0000:01:00.0");
	if (sd_bus_message_is_method_error(m, NULL))
		fail_msg("%s", sd_bus_message_get_error(m)->message);
	assert_true(sd_bus_message_read(m, "sh", &verdict, &fd) > 0);
	assert_string_equal(verdict, "ok");
	assert_true(fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(pr_read_file_at(AT_FDCWD, path, 1 << 20, &text, &size), 0);
	assert_tells(
		text, (const char *const[]){ "pciroom.plan-of-snapshot/1", "\"verdict\": \"ok\"",
			      "remove 0000:00:02.0", "\"health\": \"ok\"", NULL });
	free(text);
	sd_bus_message_unref(m);
	client_assert_refused(plan(&s, snapshot, "0000:44:00.0"), "org.pciroom1.Error.NoSuchDevice",
		"0000:44:00.0");
	assert_int_equal(client_get_unassigned(&s), 0);
	stage_close(&s);
}

static void test_close(void **state)
{
	char snapshot[PR_BUS_PATH_MAX];
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_path(open_machine(&s, machine_dead), snapshot);
	m = client_call(&s, snapshot_call(&s, snapshot, "Close"));
	assert_false(sd_bus_message_is_method_error(m, NULL));
	sd_bus_message_unref(m);
	stage_rest(&s);
	assert_heard(&s, "InterfacesAdded " PR_BUS_SNAPSHOTS "/1",
		"InterfacesRemoved " PR_BUS_SNAPSHOTS "/1");
	client_assert_refused(
		plan(&s, snapshot, NULL), SD_BUS_ERROR_UNKNOWN_OBJECT, PR_BUS_SNAPSHOTS "/1");
	stage_close(&s);
}

static const struct broken {
	const char *name, *text, *why;
} broken[] = {
	{ "OpenSnapshot: nothing at all", "", "bytes" },
	{ "OpenSnapshot: a text that is none", "hello", "line" },
	{ "OpenSnapshot: a key that is not known", "pciroom: 1\ncolour: red\n", "line" },
	{ "OpenSnapshot: YAML that does not end", "pciroom: {a: [", "line" },
};

static void test_broken(void **state)
{
	const struct broken *c = *state;
	struct stage s;

	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_refused(open_text(&s, c->text, strlen(c->text)), INVALID, c->why);
	assert_int_equal(pr_uploads_count(s.uploads), 0);
	stage_close(&s);
}

/* A file of any size costs nothing: it is not even read. */
static void test_oversize(void **state)
{
	int fd = memfd_create("large", MFD_CLOEXEC);
	struct stage s;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_refused(open_fd(&s, fd), INVALID, "from 1 to");
	assert_int_equal(close(fd), 0);
	stage_close(&s);
}

/* A pipe that nobody writes to would be waited for for ever. */
static void test_pipe(void **state)
{
	struct stage s;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_refused(open_fd(&s, fds[0]), INVALID, "as a file");
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
	stage_close(&s);
}

static int crash(
	const char *text, size_t size, struct pr_topology **ret, struct pr_import_error *error)
{
	(void)text;
	(void)size;
	(void)ret;
	(void)error;
	(void)signal(SIGSEGV, SIG_DFL); /* cmocka has a handler of its own */
	(void)raise(SIGSEGV);
	return 0;
}

#ifndef PR_ARENA_DEBUG
static int devour(
	const char *text, size_t size, struct pr_topology **ret, struct pr_import_error *error)
{
	void *volatile p = malloc((size_t)600 << 20); /* a compiler must not leave it out */

	(void)text;
	(void)size;
	(void)ret;
	(void)error;
	if (!p)
		return -ENOMEM;
	free(p);
	return 0; /* without a limit it would be there, and a topology is not */
}
#endif

/* No privilege is left, whoever runs the daemon. */
static int look_around(
	const char *text, size_t size, struct pr_topology **ret, struct pr_import_error *error)
{
	(void)text;
	(void)size;
	(void)ret;
	(void)snprintf(error->text, sizeof(error->text), "uid %u fork %d", (unsigned int)geteuid(),
		fork() < 0 ? errno : 0);
	return 1;
}

static const struct bad_parser {
	const char *name;
	pr_upload_parser *parser;
	const char *why;
} bad_parsers[] = {
	{ "a parser that crashes is an error and nothing more", crash, "ended without an answer" },
#ifndef PR_ARENA_DEBUG
	{ "a parser that devours memory is stopped", devour, "Cannot allocate memory" },
#endif
	{ "a parser runs as nobody, and cannot fork", look_around, "uid 65534 fork 11" },
};

static void test_bad_parser(void **state)
{
	const struct bad_parser *c = *state;
	char snapshot[PR_BUS_PATH_MAX];
	struct stage s;

	if (c->parser == look_around && geteuid() != 0)
		skip(); /* he who is nobody in particular stays it */
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	pr_uploads_set_parser(s.uploads, c->parser);
	client_assert_refused(open_machine(&s, machine_dead), INVALID, c->why);
	pr_uploads_set_parser(s.uploads, pr_snapshot_read);
	client_assert_path(open_machine(&s, machine_dead), snapshot);
	stage_close(&s);
}

static void test_limit(void **state)
{
	char snapshot[PR_BUS_PATH_MAX];
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	for (unsigned int i = 0; i < PR_UPLOADS_USER_MAX; i++)
		client_assert_path(open_machine(&s, machine_dead), snapshot);
	client_assert_refused(
		open_machine(&s, machine_dead), SD_BUS_ERROR_LIMITS_EXCEEDED, "open already");
	m = client_call(&s, snapshot_call(&s, snapshot, "Close"));
	sd_bus_message_unref(m);
	client_assert_path(open_machine(&s, machine_dead), snapshot);
	stage_close(&s);
}

static const struct CMUnitTest plain[] = {
	{ "a plan on a snapshot is a sealed file", test_plan, NULL, NULL, NULL },
	{ "a snapshot that is closed is gone", test_close, NULL, NULL, NULL },
	{ "OpenSnapshot: a file of a terabyte", test_oversize, NULL, NULL, NULL },
	{ "OpenSnapshot: a pipe", test_pipe, NULL, NULL, NULL },
	{ "a user has four snapshots open at most", test_limit, NULL, NULL, NULL },
};

int main(void)
{
	static struct rows tests;
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGCHLD); /* as sd-event wants it */
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return 1;
	ADD_TESTS(&tests, plain);
	ADD_ROWS(&tests, broken, test_broken);
	ADD_ROWS(&tests, bad_parsers, test_bad_parser);
	return rows_run(&tests, "snapshots");
}

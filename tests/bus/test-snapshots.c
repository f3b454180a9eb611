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
#include "base/macros.h"

#define INVALID "org.pciroom1.Error.SnapshotInvalid"

static sd_bus_message *open_call(struct stage *s, int fd)
{
	sd_bus_message *m = client_manager_call(s, "OpenSnapshot");

	assert_true(sd_bus_message_append(m, "ha{sv}", fd, 0) >= 0);
	return m;
}

static sd_bus_message *open_fd(struct stage *s, int fd)
{
	return client_call(s, open_call(s, fd));
}

/* For open_fd() and its like; the caller closes it. */
static int file_of_text(const char *text, size_t size)
{
	int fd = memfd_create("handed-in", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pr_write_all(fd, text, size), 0);
	return fd;
}

static int file_of(const char *machine)
{
	struct pr_topology *t = machine_build(machine);
	char *text;
	size_t size;
	int fd;

	assert_int_equal(pr_snapshot_write(t, &text, &size), 0);
	fd = file_of_text(text, size);
	free(text);
	pr_topology_free(t);
	return fd;
}

static sd_bus_message *open_once(struct stage *s, int fd)
{
	sd_bus_message *m = open_fd(s, fd);

	assert_int_equal(close(fd), 0);
	return m;
}

static sd_bus_message *open_text(struct stage *s, const char *text, size_t size)
{
	return open_once(s, file_of_text(text, size));
}

static sd_bus_message *open_machine(struct stage *s, const char *machine)
{
	return open_once(s, file_of(machine));
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

static char *read_file_of(struct stage *s, const char *path, const char *method)
{
	sd_bus_message *m = NULL;
	char name[40], *text;
	size_t size;
	int fd;

	assert_int_equal(
		sd_bus_message_new_method_call(s->client, &m, NULL, path, PR_BUS_PLAN, method), 0);
	m = client_call(s, m);
	if (sd_bus_message_is_method_error(m, NULL))
		fail_msg("%s", sd_bus_message_get_error(m)->message);
	assert_true(sd_bus_message_read(m, "h", &fd) > 0);
	assert_true(fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE);
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	assert_int_equal(pr_read_file_at(AT_FDCWD, name, 1 << 20, &text, &size), 0);
	sd_bus_message_unref(m);
	return text;
}

static void assert_file_tells(
	struct stage *s, const char *path, const char *method, const char *const *parts)
{
	char *text = read_file_of(s, path, method);

	assert_tells(text, parts);
	free(text);
}

/* What another machine would need is answered here, and this one's state stays what it is. */
static void test_plan(void **state)
{
	char snapshot[PR_BUS_PATH_MAX], path[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_path(open_machine(&s, machine_dead), snapshot);
	assert_string_equal(snapshot, PR_BUS_SNAPSHOTS "/1");
	assert_int_equal(count(&s, snapshot, "Functions"), 3);
	assert_int_equal(count(&s, snapshot, "UnassignedCount"), 1);
	assert_int_equal(count(&s, snapshot, "OwnerUID"), geteuid());
	client_assert_path(plan(&s, snapshot, "0000:01:00.0"), path);
	assert_string_equal(path, PR_BUS_SNAPSHOTS "/1/plan/1");
	client_assert_text(&s, path, PR_BUS_PLAN, "VerdictName", "ok");
	client_assert_text(&s, path, PR_BUS_PLAN, "State", "ready");
	client_assert_text(&s, path, PR_BUS_PLAN, "Disruption", "free");
	assert_file_tells(&s, path, "GetPrediction",
		(const char *const[]){ "pciroom.prediction/1", "\"health\": \"ok\"", NULL });
	assert_file_tells(&s, path, "GetScript",
		(const char *const[]){ "#!/bin/sh", "0000:00:02.0/remove", NULL });
	client_assert_refused(plan(&s, snapshot, "0000:44:00.0"), "org.pciroom1.Error.NoSuchDevice",
		"0000:44:00.0");
	assert_int_equal(client_get_unassigned(&s), 0);
	stage_rest(&s);
	assert_heard(&s, "InterfacesAdded " PR_BUS_SNAPSHOTS "/1/plan/1");
	stage_close(&s);
}

/* The machine's own plan and that of its snapshot are one plan, however they came about. */
static void test_same_plan(void **state)
{
	static const char *const properties[] = { "Id", "VerdictName", "Why", "Disruption" };
	char snapshot[PR_BUS_PATH_MAX], path[PR_BUS_PATH_MAX], own[PR_BUS_PATH_MAX];
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead_beside_idle, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, own);
	client_assert_path(open_machine(&s, machine_dead_beside_idle), snapshot);
	client_assert_path(plan(&s, snapshot, NULL), path);
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
		const char *expected;

		m = client_get(&s, own, PR_BUS_PLAN, properties[i]);
		assert_true(sd_bus_message_read(m, "v", "s", &expected) > 0);
		client_assert_text(&s, path, PR_BUS_PLAN, properties[i], expected);
		sd_bus_message_unref(m);
	}
	m = client_get(&s, path, PR_BUS_PLAN, "Affected");
	assert_true(sd_bus_message_enter_container(m, 'v', "a(osss)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(osss)") > 0);
	{
		const char *device, *address, *disruption, *reason;

		assert_true(sd_bus_message_read(
				    m, "(osss)", &device, &address, &disruption, &reason) > 0);
		assert_string_equal(device, PR_BUS_SNAPSHOTS "/1/device/0000_00/02_0");
		assert_string_equal(address, "0000:00:02.0");
	}
	sd_bus_message_unref(m);
	stage_close(&s);
}

static sd_bus_message *plan_call(struct stage *s, const char *path, const char *method)
{
	sd_bus_message *m = NULL;

	assert_int_equal(
		sd_bus_message_new_method_call(s->client, &m, NULL, path, PR_BUS_PLAN, method), 0);
	return client_call(s, m);
}

/* A plan on a snapshot is not for this machine; it is forgotten on request, with its snapshot, or for newer ones. */
static void test_plan_goes(void **state)
{
	char snapshot[PR_BUS_PATH_MAX], path[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_path(open_machine(&s, machine_hopeless), snapshot);
	client_assert_path(plan(&s, snapshot, NULL), path);
	client_assert_text(&s, path, PR_BUS_PLAN, "State", "refused");
	client_assert_refused(
		plan_call(&s, path, "GetScript"), "org.pciroom1.Error.Infeasible", "no steps");
	client_assert_refused(client_apply(&s, path, pr_service_generation(s.service), 0),
		SD_BUS_ERROR_INVALID_ARGS, "not a plan of this machine");
	sd_bus_message_unref(plan_call(&s, path, "Discard"));
	client_assert_refused(
		plan_call(&s, path, "Discard"), SD_BUS_ERROR_UNKNOWN_OBJECT, "/plan/1");
	for (unsigned int i = 0; i <= PR_UPLOAD_PLANS_MAX; i++)
		client_assert_path(plan(&s, snapshot, NULL), path);
	sd_bus_message_unref(client_call(&s, snapshot_call(&s, snapshot, "Close")));
	stage_rest(&s);
	assert_heard(&s, "InterfacesRemoved " PR_BUS_SNAPSHOTS "/1/plan/1",
		"InterfacesRemoved " PR_BUS_SNAPSHOTS "/1/plan/2",
		"InterfacesRemoved " PR_BUS_SNAPSHOTS "/1/plan/6",
		"InterfacesRemoved " PR_BUS_SNAPSHOTS "/1\n");
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

static int on_opened(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	unsigned int *opened = userdata;

	(void)error;
	*opened += sd_bus_message_is_method_error(m, NULL) ? 0x100 : 1;
	return 0;
}

/* Who is not patient has no more of them open. */
static void test_limit_at_once(void **state)
{
	const unsigned int most = PR_UPLOADS_USER_MAX;
	const int fd = file_of(machine_dead);
	unsigned int opened = 0;
	char snapshot[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_path(open_machine(&s, machine_dead), snapshot);
	for (unsigned int i = 0; i < most; i++) {
		sd_bus_message *m = open_call(&s, fd);

		assert_true(sd_bus_call_async(s.client, NULL, m, on_opened, &opened, 0) >= 0);
		sd_bus_message_unref(m);
	}
	while ((opened & 0xff) + (opened >> 8) < most)
		stage_turn(&s);
	assert_int_equal(opened, 0x100 + most - 1);
	assert_int_equal(close(fd), 0);
	stage_close(&s);
}

static void on_read(void *userdata, const struct pr_upload_result *result)
{
	unsigned int *n = userdata;

	*n += result->end == PR_UPLOAD_DONE;
}

/* Who has many read at once keeps nobody else from having one read. */
static void test_children_of_a_user(void **state)
{
	const int fd = file_of(machine_dead);
	unsigned int n = 0;
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	for (unsigned int i = 0; i < PR_UPLOAD_USER_CHILDREN; i++)
		assert_int_equal(pr_uploads_open(s.uploads, fd, 1000, on_read, &n), 0);
	assert_int_equal(pr_uploads_open(s.uploads, fd, 1000, on_read, &n), -EBUSY);
	for (unsigned int i = PR_UPLOAD_USER_CHILDREN; i < PR_UPLOAD_CHILDREN; i++)
		assert_int_equal(pr_uploads_open(s.uploads, fd, 0, on_read, &n), 0);
	assert_int_equal(pr_uploads_open(s.uploads, fd, 0, on_read, &n), -EBUSY);
	while (n < PR_UPLOAD_CHILDREN)
		stage_turn(&s);
	assert_int_equal(close(fd), 0);
	stage_close(&s);
}

static sd_bus_message *add_device(
	struct stage *s, const char *snapshot, const char *port, const char *key, const char *value)
{
	sd_bus_message *m = snapshot_call(s, snapshot, "AddDevice");

	assert_true(sd_bus_message_append(m, "sa{sv}", port, 1, key, "s", value) >= 0);
	return client_call(s, m);
}

/* A card with one BAR, as a template. */
#define CARD(size)                                                                          \
	"format: pciroom-template/1\nname: card\ntext: a card\nfunctions:\n- place: 00.0\n" \
	"  id: 1b36:0005\n  class: 0x050000\n  port: endpoint\n  bars:\n"                   \
	"    - {bar: 0, kind: pref64, size: " size "}\n...\n"
static const char machine_empty_port[] = HEAD PORT REST;
/* A switch whose windows are packed: one port is empty, a network card is behind the other. */
static const char machine_packed[] =
	"kernel 6.12.0\nroot 0000:00-ff io=1000-ffff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
	"00:02.0 bridge 01-04 root-port hotplug io=c000-cfff mem=fe000000-fe5fffff "
	"pref64=800000000-8005fffff driver=pcieport\n"
	"01:00.0 bridge 02-04 upstream io=c000-cfff mem=fe000000-fe5fffff "
	"pref64=800000000-8005fffff driver=pcieport\n"
	"02:00.0 bridge 03-03 downstream hotplug mem=fe000000-fe1fffff "
	"pref64=800000000-8001fffff driver=pcieport\n"
	"02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe200000-fe5fffff "
	"pref64=800200000-8005fffff driver=pcieport\n"
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe200000 bar2=io:20@c000 "
	"driver=e1000e\n";

/* What the kernel finds room for needs no plan; what it does not gets one; older plans are stale. */
static void test_add_device(void **state)
{
	char snapshot[PR_BUS_PATH_MAX], first[PR_BUS_PATH_MAX], path[PR_BUS_PATH_MAX];
	const char *device;
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_path(open_machine(&s, machine_packed), snapshot);
	client_assert_path(plan(&s, snapshot, NULL), first);
	client_assert_text(&s, first, PR_BUS_PLAN, "VerdictName", "nothing");
	m = add_device(&s, snapshot, "0000:02:00.0", "yaml", CARD("256M"));
	if (sd_bus_message_is_method_error(m, NULL))
		fail_msg("%s", sd_bus_message_get_error(m)->message);
	assert_true(sd_bus_message_read(m, "s", &device) > 0);
	assert_string_equal(device, "0000:00/02.0/00.0/00.0/00.0");
	sd_bus_message_unref(m);
	assert_int_equal(count(&s, snapshot, "Functions"), 6);
	client_assert_text(&s, first, PR_BUS_PLAN, "State", "stale");
	client_assert_path(plan(&s, snapshot, NULL), path);
	client_assert_text(&s, path, PR_BUS_PLAN, "VerdictName", "ok");
	client_assert_text(&s, path, PR_BUS_PLAN, "State", "ready");
	assert_file_tells(&s, path, "GetPrediction",
		(const char *const[]){
			"0000:00/02.0/00.0/00.0/00.0", "\"state\": \"assigned\"", NULL });
	stage_rest(&s);
	assert_heard(&s,
		"PropertiesChanged " PR_BUS_SNAPSHOTS "/1 " PR_BUS_SNAPSHOT
		" Functions UnassignedCount Generation\n",
		"PropertiesChanged " PR_BUS_SNAPSHOTS "/1/plan/1 " PR_BUS_PLAN " State\n");
	stage_close(&s);
}

static void test_add_small_device(void **state)
{
	char snapshot[PR_BUS_PATH_MAX], path[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_path(open_machine(&s, machine_empty_port), snapshot);
	sd_bus_message_unref(add_device(&s, snapshot, "0000:00/02.0", "yaml", CARD("1M")));
	client_assert_path(plan(&s, snapshot, NULL), path);
	client_assert_text(&s, path, PR_BUS_PLAN, "VerdictName", "nothing");
	stage_close(&s);
}

static const struct add_case {
	const char *name, *port, *key, *value, *error, *text;
} add_cases[] = {
	{ "AddDevice: a port that is not there", "0000:44:00.0", "yaml", CARD("1M"),
		"org.pciroom1.Error.NoSuchDevice", "0000:44:00.0" },
	{ "AddDevice: what is no port", "0000:04:00.0", "yaml", CARD("1M"),
		"org.pciroom1.Error.NoSuchDevice", "no bridge 0000:04:00.0" },
	{ "AddDevice: no slot is behind an upstream port", "0000:01:00.0", "yaml", CARD("1M"),
		"org.pciroom1.Error.NoSuchDevice", "no slot behind 0000:01:00.0" },
	{ "AddDevice: a text that is no template", "0000:00:02.0", "yaml", "format: none\n...\n",
		INVALID, "template, line 1" },
	{ "AddDevice: a template that is not installed", "0000:00:02.0", "name", "unheard-of",
		INVALID, "unheard-of" },
	{ "AddDevice: a file is no name", "0000:00:02.0", "name", "/etc/shadow",
		SD_BUS_ERROR_INVALID_ARGS, "one text" },
	{ "AddDevice: a key that is not known", "0000:00:02.0", "colour", "red",
		SD_BUS_ERROR_INVALID_ARGS, "one text" },
};

static void test_add_refused(void **state)
{
	const struct add_case *c = *state;
	char snapshot[PR_BUS_PATH_MAX];
	struct stage s;

	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_path(open_machine(&s, machine_packed), snapshot);
	client_assert_refused(
		add_device(&s, snapshot, c->port, c->key, c->value), c->error, c->text);
	assert_int_equal(count(&s, snapshot, "Functions"), 5);
	stage_close(&s);
}

static void test_add_to_occupied(void **state)
{
	char snapshot[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_path(open_machine(&s, machine_dead), snapshot);
	client_assert_refused(add_device(&s, snapshot, "0000:00:02.0", "yaml", CARD("1M")), INVALID,
		"something behind 0000:00:02.0 already");
	stage_close(&s);
}

/* What a child that was taken over might say: no view that was cut or changed does more than fail. */
static void test_broken_views(void **state)
{
	struct pr_topology *t = machine_build(machine_dead_beside_idle);
	struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	struct pr_plan_view v, again;
	struct pr_text text = { 0 }, copy = { 0 };
	struct pr_request request = { 0 };
	struct pr_plan *p = NULL;

	(void)state;
	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	assert_int_equal(pr_plan_view_make(p, &v), 0);
	pr_plan_view_encode(&v, &text);
	assert_int_equal(pr_plan_view_decode(text.data, text.length, &again), 0);
	pr_plan_view_encode(&again, &copy);
	assert_int_equal(copy.length, text.length);
	assert_memory_equal(copy.data, text.data, text.length);
	pr_plan_view_deinit(&again);
	for (size_t n = 0; n < text.length; n++)
		assert_int_equal(pr_plan_view_decode(text.data, n, &again), -EBADMSG);
	for (size_t i = 0; i < text.length; i++) {
		char was = text.data[i];

		text.data[i] = was == '9' ? '\0' : '9';
		if (pr_plan_view_decode(text.data, text.length, &again) == 0)
			pr_plan_view_deinit(&again);
		text.data[i] = was;
	}
	pr_text_add_n(&text, "", 1);
	assert_int_equal(pr_plan_view_decode(text.data, text.length, &again), -EBADMSG);
	pr_text_deinit(&text);
	pr_text_deinit(&copy);
	pr_plan_view_deinit(&v);
	pr_plan_free(p);
	pr_topology_free(t);
}

static const struct CMUnitTest plain[] = {
	{ "a plan on a snapshot is an object", test_plan, NULL, NULL, NULL },
	{ "a plan on the machine's own snapshot is the machine's plan", test_same_plan, NULL, NULL,
		NULL },
	{ "a plan on a snapshot goes on request, with it, or for newer ones", test_plan_goes, NULL,
		NULL, NULL },
	{ "AddDevice: a card is plugged in, and the plan makes room for it", test_add_device, NULL,
		NULL, NULL },
	{ "AddDevice: what the kernel finds room for needs no plan", test_add_small_device, NULL,
		NULL, NULL },
	{ "AddDevice: a slot that is taken", test_add_to_occupied, NULL, NULL, NULL },
	{ "a view of a plan that was cut or changed is refused", test_broken_views, NULL, NULL,
		NULL },
	{ "a snapshot that is closed is gone", test_close, NULL, NULL, NULL },
	{ "OpenSnapshot: a file of a terabyte", test_oversize, NULL, NULL, NULL },
	{ "OpenSnapshot: a pipe", test_pipe, NULL, NULL, NULL },
	{ "a user has four snapshots open at most", test_limit, NULL, NULL, NULL },
	{ "nor more by opening them all at once", test_limit_at_once, NULL, NULL, NULL },
	{ "a user who is not root has two of them read at once", test_children_of_a_user, NULL,
		NULL, NULL },
};

int main(void)
{
	static struct rows tests;

	ADD_TESTS(&tests, plain);
	ADD_ROWS(&tests, broken, test_broken);
	ADD_ROWS(&tests, add_cases, test_add_refused);
	ADD_ROWS(&tests, bad_parsers, test_bad_parser);
	return rows_run(&tests, "snapshots");
}

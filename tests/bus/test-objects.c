/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices, bridges, plans and jobs as objects: what they show, what is
 * announced of them and what is not, and that their descriptions are right.
 */
#include "stage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../unit/machine.h"
#include "../unit/rows.h"
#include "base/io.h"
#include "daemon/log.h"

#define PORT_PATH PR_BUS_DEVICES "/0000_00/02_0"
#define CARD_PATH PORT_PATH "/00_0"

/* The machine that is dead, with its buses renumbered. */
static const char machine_renumbered[] =
	HEAD "00:02.0 bridge 40-4f root-port hotplug io=closed mem=80000000-801fffff "
	     "pref64=100000000-1001fffff driver=pcieport\n"
	     "40:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:10000000@forgotten\n" REST;

static char *client_text(struct stage *s, const char *path, const char *interface, const char *name)
{
	sd_bus_message *m = client_get(s, path, interface, name);
	const char *text;
	char *copy;

	assert_true(sd_bus_message_read(m, "v", "s", &text) > 0);
	copy = strdup(text);
	assert_non_null(copy);
	sd_bus_message_unref(m);
	return copy;
}

static bool is_there(struct stage *s, const char *path, const char *interface)
{
	sd_bus_message *m = NULL;
	bool there;

	assert_int_equal(sd_bus_message_new_method_call(s->client, &m, NULL, path,
				 "org.freedesktop.DBus.Properties", "GetAll"),
		0);
	assert_true(sd_bus_message_append(m, "s", interface) >= 0);
	m = client_call(s, m);
	there = !sd_bus_message_is_method_error(m, NULL);
	sd_bus_message_unref(m);
	return there;
}

static void show(struct stage *s, const char *machine)
{
	pr_text_deinit(&s->signals);
	stage_look_again(s, machine);
}

static void test_device(void **state)
{
	struct stage s;
	sd_bus_message *m;
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class_code;
	const char *kind, *is;
	uint64_t start, size;
	uint8_t index;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_text(&s, CARD_PATH, PR_BUS_DEVICE, "Address", "0000:01:00.0");
	client_assert_text(&s, CARD_PATH, PR_BUS_DEVICE, "Path", "0000:00/02.0/00.0");
	client_assert_text(&s, CARD_PATH, PR_BUS_DEVICE, "Health", "unassigned");
	client_assert_text(&s, CARD_PATH, PR_BUS_DEVICE, "Movable", "free");
	client_assert_text(&s, PORT_PATH, PR_BUS_DEVICE, "Driver", "pcieport");
	m = client_get(&s, CARD_PATH, PR_BUS_DEVICE, "Ids");
	assert_true(sd_bus_message_read(m, "v", "(qqqqu)", &vendor, &device, &subvendor, &subdevice,
			    &class_code) > 0);
	assert_int_equal(vendor, 0x1b36);
	assert_int_equal(device, 0x0005);
	sd_bus_message_unref(m);
	m = client_get(&s, CARD_PATH, PR_BUS_DEVICE, "Resources");
	assert_true(sd_bus_message_enter_container(m, 'v', "a(ysstt)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(ysstt)") > 0);
	assert_true(sd_bus_message_read(m, "(ysstt)", &index, &kind, &is, &start, &size) > 0);
	assert_int_equal(index, 0);
	assert_string_equal(kind, "mem");
	assert_string_equal(is, "assigned");
	assert_int_equal(start, 0x80000000);
	assert_int_equal(size, 0x1000);
	assert_true(sd_bus_message_read(m, "(ysstt)", &index, &kind, &is, &start, &size) > 0);
	assert_int_equal(index, 2);
	assert_string_equal(is, "forgotten");
	assert_int_equal(start, 0);
	sd_bus_message_unref(m);
	assert_false(is_there(&s, CARD_PATH, PR_BUS_BRIDGE));
	assert_false(is_there(&s, PR_BUS_DEVICES "/0000_00/03_0", PR_BUS_DEVICE));
	assert_false(is_there(&s, PR_BUS_DEVICES "/0000_00", PR_BUS_DEVICE));
	stage_close(&s);
}

static void test_trust(void **state)
{
	static const char text[] = "rules: [{match: {id: '1b36:0005'}, trust: no}]";
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_text(&s, CARD_PATH, PR_BUS_DEVICE, "Trust", "yes");
	client_assert_text(&s, CARD_PATH, PR_BUS_DEVICE, "Location", "unknown");
	stage_configure(&s, text);
	client_assert_text(&s, CARD_PATH, PR_BUS_DEVICE, "Trust", "no");
	client_assert_text(&s, PORT_PATH, PR_BUS_DEVICE, "Trust", "yes");
	assert_true(is_there(&s, CARD_PATH, PR_BUS_DEVICE));
	stage_rest(&s);
	stage_close(&s);
}

static void assert_backends(struct stage *s, const char *const *names, const char *why)
{
	sd_bus_message *m = client_get(s, PR_BUS_PATH, PR_BUS_MANAGER, "Backends");
	const char *name, *reason;

	assert_true(sd_bus_message_enter_container(m, 'v', "as") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "s") > 0);
	for (; *names; names++) {
		assert_true(sd_bus_message_read(m, "s", &name) > 0);
		assert_string_equal(name, *names);
	}
	assert_int_equal(sd_bus_message_at_end(m, false), 1);
	sd_bus_message_unref(m);
	m = client_get(s, PR_BUS_PATH, PR_BUS_MANAGER, "Unavailable");
	assert_true(sd_bus_message_enter_container(m, 'v', "a(ss)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(ss)") > 0);
	assert_true(sd_bus_message_read(m, "(ss)", &name, &reason) > 0);
	assert_non_null(strstr(reason, why));
	sd_bus_message_unref(m);
}

/* The stage has nobody who guards slots. */
static void test_backends(void **state)
{
	static const char *const all[] = { "rescan", "registers", "window-sizes", "prediction",
		"users", "inhibitors", NULL };
	static const char *const locked[] = { "rescan", "prediction", "users", "inhibitors", NULL };
	char text[4096];
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	assert_heard(&s, PR_BUS_MANAGER " Backends Unavailable");
	assert_backends(&s, all, "guarded slots");
	(void)snprintf(text, sizeof(text), "lockdown integrity\n%s", machine_healthy);
	show(&s, text);
	assert_heard(&s, PR_BUS_MANAGER " Backends Unavailable");
	assert_backends(&s, locked, "in lockdown no register");
	show(&s, text);
	assert_null(strstr(stage_heard(&s), "Backends"));
	stage_close(&s);
}

static void test_users(void **state)
{
	const char *address, *kind, *what;
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead_in_use, PR_MODE_ADVISE);
	stage_start(&s);
	m = client_get(&s, PORT_PATH, PR_BUS_DEVICE, "Users"); /* of all that is behind the port */
	assert_true(sd_bus_message_enter_container(m, 'v', "a(sss)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(sss)") > 0);
	assert_true(sd_bus_message_read(m, "(sss)", &address, &kind, &what) > 0);
	assert_string_equal(address, "0000:01:00.1");
	assert_string_equal(kind, "mount");
	assert_true(sd_bus_message_at_end(m, false) > 0);
	sd_bus_message_unref(m);
	stage_close(&s);
}

static void test_bridge(void **state)
{
	uint8_t primary, secondary, subordinate;
	const char *child, *kind, *is;
	uint64_t start, size;
	sd_bus_message *m;
	struct stage s;
	uint32_t buses;

	(void)state;
	stage_open(&s, machine_renumbered, PR_MODE_ADVISE);
	stage_start(&s);
	m = client_get(&s, PORT_PATH, PR_BUS_BRIDGE, "BusRange");
	assert_true(sd_bus_message_read(m, "v", "(yyy)", &primary, &secondary, &subordinate) > 0);
	assert_int_equal(secondary, 0x40);
	assert_int_equal(subordinate, 0x4f);
	sd_bus_message_unref(m);
	m = client_get(&s, PORT_PATH, PR_BUS_BRIDGE, "FreeBuses");
	assert_true(sd_bus_message_read(m, "v", "u", &buses) > 0);
	assert_int_equal(buses, 15);
	sd_bus_message_unref(m);
	m = client_get(&s, PORT_PATH, PR_BUS_BRIDGE, "Windows");
	assert_true(sd_bus_message_enter_container(m, 'v', "a(sstt)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(sstt)") > 0);
	assert_true(sd_bus_message_read(m, "(sstt)", &kind, &is, &start, &size) > 0);
	assert_string_equal(kind, "io");
	assert_string_equal(is, "closed");
	assert_true(sd_bus_message_read(m, "(sstt)", &kind, &is, &start, &size) > 0);
	assert_string_equal(kind, "mem");
	assert_int_equal(start, 0x80000000);
	assert_int_equal(size, 0x200000);
	sd_bus_message_unref(m);
	m = client_get(&s, PORT_PATH, PR_BUS_BRIDGE, "Children");
	assert_true(sd_bus_message_read(m, "v", "ao", 1, &child) > 0);
	assert_string_equal(child, CARD_PATH);
	sd_bus_message_unref(m);
	stage_close(&s);
}

/* Identity survives renumbering: same objects, another address, and nothing else is announced. */
static void test_renumbered(void **state)
{
	struct stage s;
	char *address;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	show(&s, machine_renumbered);
	address = client_text(&s, CARD_PATH, PR_BUS_DEVICE, "Address");
	assert_string_equal(address, "0000:40:00.0");
	free(address);
	assert_null(strstr(stage_heard(&s), "Interfaces"));
	assert_heard(&s, "PropertiesChanged " PORT_PATH " " PR_BUS_BRIDGE " BusRange FreeBuses\n",
		"PropertiesChanged " CARD_PATH " " PR_BUS_DEVICE " Address\n");
	assert_null(strstr(stage_heard(&s), "1f_0"));
	stage_close(&s);
}

/* Looks that see the same say nothing. */
static void test_silent(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	show(&s, machine_dead);
	show(&s, machine_dead);
	assert_null(strstr(stage_heard(&s), PR_BUS_DEVICES));
	assert_null(strstr(stage_heard(&s), "Interfaces"));
	stage_close(&s);
}

static void test_comes_and_goes(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, HEAD PORT REST, PR_MODE_ADVISE);
	stage_start(&s);
	assert_heard(&s, "InterfacesAdded " PORT_PATH,
		"InterfacesAdded " PR_BUS_DEVICES "/0000_00/1f_0");
	show(&s, machine_healthy);
	assert_heard(&s, "InterfacesAdded " CARD_PATH);
	assert_heard(&s, "PropertiesChanged " PORT_PATH " " PR_BUS_BRIDGE " Children\n");
	assert_true(is_there(&s, CARD_PATH, PR_BUS_DEVICE));
	/* another card in the same place is another object of the same name */
	show(&s, HEAD PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000\n" REST);
	assert_heard(&s, "InterfacesRemoved " CARD_PATH, "InterfacesAdded " CARD_PATH);
	show(&s, HEAD PORT REST);
	assert_heard(&s, "InterfacesRemoved " CARD_PATH);
	assert_false(is_there(&s, CARD_PATH, PR_BUS_DEVICE));
	stage_close(&s);
}

/* A driver, a user: what no layout shows is announced too, and only that. */
static void test_small_changes(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead_beside_idle, PR_MODE_ADVISE);
	stage_start(&s);
	show(&s, machine_dead_in_use);
	assert_heard(&s, "PropertiesChanged " PORT_PATH " " PR_BUS_DEVICE " Users\n",
		"PropertiesChanged " PORT_PATH "/00_1 " PR_BUS_DEVICE " Movable Users\n");
	assert_null(strstr(stage_heard(&s), CARD_PATH " "));
	stage_close(&s);
}

static void test_managed(void **state)
{
	static const char *const expected[] = { PR_BUS_PLANS "/1", PORT_PATH, CARD_PATH };
	char plan[PR_BUS_PATH_MAX];
	sd_bus_message *m = NULL;
	const char *path;
	struct stage s;
	size_t found = 0;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	assert_heard(&s, "InterfacesAdded " PR_BUS_PLANS "/1");
	assert_int_equal(sd_bus_message_new_method_call(s.client, &m, NULL, PR_BUS_PATH,
				 "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"),
		0);
	m = client_call(&s, m);
	assert_true(sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}") > 0);
	while (sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}") > 0) {
		assert_true(sd_bus_message_read(m, "o", &path) > 0);
		for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
			found += strcmp(path, expected[i]) == 0;
		assert_true(sd_bus_message_skip(m, "a{sa{sv}}") >= 0);
		assert_true(sd_bus_message_exit_container(m) >= 0);
	}
	assert_int_equal(found, ARRAY_SIZE(expected));
	sd_bus_message_unref(m);
	stage_close(&s);
}

static const struct find_case {
	const char *name, *selector;
	size_t n;
	const char *first;
} find_cases[] = {
	{ "FindDevices: nothing said is everything", "", 3, PORT_PATH },
	{ "FindDevices: an address", "0000:01:00.0", 1, CARD_PATH },
	{ "FindDevices: a path", "0000:00/02.0/00.0", 1, CARD_PATH },
	{ "FindDevices: a driver", "driver=pcieport", 1, PORT_PATH },
	{ "FindDevices: what is dead", "health=unassigned", 1, CARD_PATH },
	{ "FindDevices: ids", "id=1b36:0005", 1, CARD_PATH },
	{ "FindDevices: what is not there is no error", "0000:77:00.0", 0, NULL },
};

static void test_find(void **state)
{
	const struct find_case *c = *state;
	const char *path, *first = NULL;
	sd_bus_message *m;
	struct stage s;
	size_t n = 0;

	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	m = client_manager_call(&s, "FindDevices");
	assert_true(sd_bus_message_append(m, "s", c->selector) >= 0);
	m = client_call(&s, m);
	assert_true(sd_bus_message_enter_container(m, 'a', "o") > 0);
	while (sd_bus_message_read(m, "o", &path) > 0)
		if (n++ == 0)
			first = path;
	assert_int_equal(n, c->n);
	if (c->first)
		assert_string_equal(first, c->first);
	sd_bus_message_unref(m);
	stage_close(&s);
}

static void test_find_nonsense(void **state)
{
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	m = client_manager_call(&s, "FindDevices");
	assert_true(sd_bus_message_append(m, "s", "colour=red") >= 0);
	client_assert_refused(client_call(&s, m), SD_BUS_ERROR_INVALID_ARGS, "colour=red");
	stage_close(&s);
}

static sd_bus_message *object_call(
	struct stage *s, const char *path, const char *interface, const char *method)
{
	sd_bus_message *m = NULL;

	assert_int_equal(
		sd_bus_message_new_method_call(s->client, &m, NULL, path, interface, method), 0);
	return m;
}

static void test_explain(void **state)
{
	const char *key, *text = NULL;
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	m = object_call(&s, CARD_PATH, PR_BUS_DEVICE, "Explain");
	assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
	m = client_call(&s, m);
	assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		assert_true(sd_bus_message_read(m, "s", &key) > 0);
		if (strcmp(key, "Text") == 0)
			assert_true(sd_bus_message_read(m, "v", "s", &text) > 0);
		else
			assert_true(sd_bus_message_skip(m, "v") >= 0);
		assert_true(sd_bus_message_exit_container(m) >= 0);
	}
	assert_non_null(text);
	assert_tells(text, (const char *const[]){ "256 MiB", "0000:00:02.0", NULL });
	sd_bus_message_unref(m);
	stage_close(&s);
}

/* ---- plans ---- */

/* What @method of the plan gives: sealed text. */
static char *plan_file(struct stage *s, const char *plan, const char *method)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	sd_bus_message *m = client_call(s, object_call(s, plan, PR_BUS_PLAN, method));
	char *text = NULL, path[40];
	size_t size;
	int fd;

	if (sd_bus_message_is_method_error(m, NULL))
		fail_msg("%s", sd_bus_message_get_error(m)->message);
	assert_true(sd_bus_message_read(m, "h", &fd) > 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS), seals);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(pr_read_file_at(AT_FDCWD, path, 1 << 20, &text, &size), 0);
	sd_bus_message_unref(m);
	return text;
}

static void test_plan_files(void **state)
{
	char plan[PR_BUS_PATH_MAX], *text;
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	text = plan_file(&s, plan, "GetPrediction");
	assert_tells(text, (const char *const[]){ "pciroom.prediction/1", "0000:00/02.0/00.0",
				   "\"health\": \"ok\"", "\"assigned\"", NULL });
	free(text);
	text = plan_file(&s, plan, "GetScript");
	assert_tells(text, (const char *const[]){ "#!/bin/sh", "set -eu",
				   "echo 1 > /sys/bus/pci/devices/0000:00:02.0/remove",
				   "/sys/bus/pci/devices/0000:00:1f.0/rescan", NULL });
	free(text);
	stage_close(&s);
}

static void test_plan_without_steps(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_hopeless, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	client_assert_refused(client_call(&s, object_call(&s, plan, PR_BUS_PLAN, "GetPrediction")),
		"org.pciroom1.Error.Infeasible", "nothing is predicted");
	client_assert_refused(client_call(&s, object_call(&s, plan, PR_BUS_PLAN, "GetScript")),
		"org.pciroom1.Error.Infeasible", "nothing to be done");
	stage_close(&s);
}

static void test_discard(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	m = client_call(&s, object_call(&s, plan, PR_BUS_PLAN, "Discard"));
	assert_false(sd_bus_message_is_method_error(m, NULL));
	sd_bus_message_unref(m);
	stage_rest(&s);
	assert_heard(&s, "InterfacesRemoved " PR_BUS_PLANS "/1");
	assert_false(is_there(&s, plan, PR_BUS_PLAN));
	stage_close(&s);
}

/* A plan that the machine left behind says so by itself. */
static void test_plan_state(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	show(&s, machine_dead);
	assert_null(strstr(stage_heard(&s), PR_BUS_PLANS));
	show(&s, machine_renumbered);
	assert_heard(&s, "PropertiesChanged " PR_BUS_PLANS "/1 " PR_BUS_PLAN " State\n");
	client_assert_text(&s, plan, PR_BUS_PLAN, "State", "stale");
	stage_close(&s);
}

/* ---- jobs ---- */

static void test_cancel(void **state)
{
	char plan[PR_BUS_PATH_MAX], job[PR_BUS_PATH_MAX];
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_dead, PR_MODE_ADVISE);
	stage_start(&s);
	client_plan(&s, &(struct asked){ 0 }, plan);
	client_assert_path(
		client_apply(&s, plan, client_get_u64(&s, plan, PR_BUS_PLAN, "Generation"), 0),
		job);
	m = client_call(&s, object_call(&s, job, PR_BUS_JOB, "Cancel"));
	/* the job may be quicker than the message */
	if (!sd_bus_message_is_method_error(m, NULL)) {
		stage_rest(&s);
		assert_heard(&s, "InterfacesAdded " PR_BUS_JOBS "/1", "JobRemoved 1",
			"InterfacesRemoved " PR_BUS_JOBS "/1");
	}
	sd_bus_message_unref(m);
	stage_rest(&s);
	stage_close(&s);
}

/* ---- configuration and log ---- */

static void test_reload(void **state)
{
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_AUTO);
	stage_start(&s);
	s.conf_mistake = "a.yaml:3:1: unknown key \"colour\"";
	client_assert_refused(client_call(&s, client_manager_call(&s, "Reload")),
		SD_BUS_ERROR_FAILED, "a.yaml:3:1");
	client_assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "Mode", "auto");
	s.conf_mistake = NULL;
	m = client_call(&s, client_manager_call(&s, "Reload"));
	assert_false(sd_bus_message_is_method_error(m, NULL));
	sd_bus_message_unref(m);
	client_assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "Mode", "advise");
	stage_rest(&s);
	stage_close(&s);
}

#define LOG_PATH      "/org/freedesktop/LogControl1"
#define LOG_INTERFACE "org.freedesktop.LogControl1"

static sd_bus_message *set_log(struct stage *s, const char *property, const char *value)
{
	sd_bus_message *m = object_call(s, LOG_PATH, "org.freedesktop.DBus.Properties", "Set");

	assert_true(sd_bus_message_append(m, "ssv", LOG_INTERFACE, property, "s", value) >= 0);
	return client_call(s, m);
}

static void test_log_control(void **state)
{
	sd_bus_message *m;
	struct stage s;

	(void)state;
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	client_assert_text(&s, LOG_PATH, LOG_INTERFACE, "LogLevel", "info");
	client_assert_text(&s, LOG_PATH, LOG_INTERFACE, "SyslogIdentifier", "pciroomd");
	m = set_log(&s, "LogLevel", "err");
	assert_false(sd_bus_message_is_method_error(m, NULL));
	sd_bus_message_unref(m);
	show(&s, machine_dead); /* a warning and a notice that are not told */
	assert_null(strstr(stage_story(&s), "dead"));
	sd_bus_message_unref(set_log(&s, "LogLevel", "info"));
	client_assert_refused(set_log(&s, "LogLevel", "loud"), SD_BUS_ERROR_INVALID_ARGS, "loud");
	client_assert_refused(set_log(&s, "LogTarget", "moon"), SD_BUS_ERROR_INVALID_ARGS, "moon");
	client_assert_text(&s, LOG_PATH, LOG_INTERFACE, "LogTarget", "auto");
	stage_close(&s);
}

/* ---- descriptions ---- */

/* The interface's element in what sd-bus tells of an object. */
static char *element_of(const char *xml, const char *interface)
{
	char start[80], *at, *end;

	(void)snprintf(start, sizeof(start), " <interface name=\"%s\">", interface);
	at = strstr(xml, start);
	assert_non_null(at);
	end = strstr(at, " </interface>\n");
	assert_non_null(end);
	return strndup(at, (size_t)(end - at) + strlen(" </interface>\n"));
}

static char *describe(struct stage *s, const struct pr_bus_interface *i)
{
	sd_bus_slot *slot = NULL;
	sd_bus_message *m;
	const char *xml;
	char *element;

	assert_true(sd_bus_add_object_vtable(
			    s->server, &slot, "/described", i->name, i->vtable, &s->objects) >= 0);
	m = client_call(s,
		object_call(s, "/described", "org.freedesktop.DBus.Introspectable", "Introspect"));
	assert_true(sd_bus_message_read(m, "s", &xml) > 0);
	element = element_of(xml, i->name);
	sd_bus_message_unref(m);
	sd_bus_slot_unref(slot);
	return element;
}

#define XML_HEAD                                                                             \
	"<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n" \
	" \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n"               \
	"<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n"                               \
	"<node>\n"

/* PCIROOM_UPDATE=1 writes the installed descriptions anew. */
static void test_descriptions(void **state)
{
	const char *top = getenv("PCIROOM_SRCDIR");
	struct stage s;

	(void)state;
	if (!top)
		skip();
	stage_open(&s, machine_healthy, PR_MODE_ADVISE);
	stage_start(&s);
	for (size_t i = 0; i < pr_n_bus_interfaces; i++) {
		char *element = describe(&s, &pr_bus_interfaces[i]), *file = NULL, *expected = NULL;
		char path[512];
		size_t size;

		(void)snprintf(path, sizeof(path), "%s/conf/interfaces/%s.xml", top,
			pr_bus_interfaces[i].name);
		assert_true(asprintf(&expected, "%s%s</node>\n", XML_HEAD, element) > 0);
		if (getenv("PCIROOM_UPDATE")) {
			FILE *f = fopen(path, "we");

			assert_non_null(f);
			assert_true(fputs(expected, f) >= 0);
			assert_int_equal(fclose(f), 0);
		}
		assert_int_equal(pr_read_file_at(AT_FDCWD, path, 1 << 20, &file, &size), 0);
		assert_string_equal(file, expected);
		free(file);
		free(expected);
		free(element);
	}
	stage_close(&s);
}

/* Each method, property and signal has its line in the interface's page. */
static void test_pages(void **state)
{
	const char *top = getenv("PCIROOM_SRCDIR");

	(void)state;
	if (!top)
		skip();
	for (size_t i = 0; i < pr_n_bus_interfaces; i++) {
		const struct pr_bus_interface *in = &pr_bus_interfaces[i];
		char path[512], *page = NULL;
		size_t size;

		(void)snprintf(path, sizeof(path), "%s/doc/%s.5", top, in->name);
		if (pr_read_file_at(AT_FDCWD, path, 1 << 20, &page, &size) != 0)
			fail_msg("%s is missing", path);
		for (const sd_bus_vtable *v = in->vtable; v->type != _SD_BUS_VTABLE_END; v++) {
			const char *member = v->type == _SD_BUS_VTABLE_PROPERTY
						     ? v->x.property.member
					     : v->type == _SD_BUS_VTABLE_METHOD ? v->x.method.member
					     : v->type == _SD_BUS_VTABLE_SIGNAL ? v->x.signal.member
										: "";

			if (!strstr(page, member))
				fail_msg("%s lacks %s", path, member);
		}
		free(page);
	}
}

static const struct CMUnitTest plain[] = {
	{ "a device shows address, ids and resources", test_device, NULL, NULL, NULL },
	{ "Trust is what the rules say, Location where it is plugged", test_trust, NULL, NULL,
		NULL },
	{ "Backends says what can be done, and why not the rest", test_backends, NULL, NULL, NULL },
	{ "a bridge shows the users of all behind it", test_users, NULL, NULL, NULL },
	{ "a bridge shows buses, windows and children", test_bridge, NULL, NULL, NULL },
	{ "an object keeps its path when bus numbers change", test_renumbered, NULL, NULL, NULL },
	{ "looks that see the same announce nothing", test_silent, NULL, NULL, NULL },
	{ "cards that come and go are announced, also in the same place", test_comes_and_goes, NULL,
		NULL, NULL },
	{ "a new user is announced, and nothing else", test_small_changes, NULL, NULL, NULL },
	{ "GetManagedObjects has devices and plans", test_managed, NULL, NULL, NULL },
	{ "FindDevices: a selector that is none", test_find_nonsense, NULL, NULL, NULL },
	{ "Explain names the window that is too small", test_explain, NULL, NULL, NULL },
	{ "prediction and script of a plan are sealed files", test_plan_files, NULL, NULL, NULL },
	{ "a plan without steps has neither", test_plan_without_steps, NULL, NULL, NULL },
	{ "a plan that is discarded is gone", test_discard, NULL, NULL, NULL },
	{ "a plan announces that it is stale", test_plan_state, NULL, NULL, NULL },
	{ "Cancel ends a job", test_cancel, NULL, NULL, NULL },
	{ "Reload keeps the old configuration on a mistake", test_reload, NULL, NULL, NULL },
	{ "LogControl1 sets the level", test_log_control, NULL, NULL, NULL },
	{ "the installed descriptions are what the objects say", test_descriptions, NULL, NULL,
		NULL },
	{ "every member is in its interface's page", test_pages, NULL, NULL, NULL },
};

int main(void)
{
	static struct rows tests;

	ADD_TESTS(&tests, plain);
	ADD_ROWS(&tests, find_cases, test_find);
	return rows_run(&tests, "objects");
}

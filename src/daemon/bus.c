/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager object.  Handlers read, and send a call on its way (bus-call.h);
 * when it may, and the look is fresh, the service is asked and the answer sent.
 */
#include "daemon/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "daemon/bus-abilities.h"
#include "daemon/bus-call.h"
#include "daemon/bus-guard.h"
#include "daemon/bus-request.h"

/* Properties of one interface that may change. */
#define BITS_MAX 8

/* ---- methods ---- */

static int answer_topology(struct pr_call *c, sd_bus_error *error)
{
	_cleanup_close_ int fd = pr_look_open(pr_service_last_look(c->bus->service));

	(void)error;
	if (fd < 0)
		return fd;
	return sd_bus_reply_method_return(c->m, "h", fd); /* which takes a duplicate */
}

static int method_get_topology(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_call *c;
	int r;

	r = pr_options_read(m, error);
	if (r < 0)
		return r;
	r = pr_call_new(userdata, m, answer_topology, &c, error);
	if (r < 0)
		return r;
	c->fresh = true;
	pr_call_need(c, PR_ACTION_INSPECT);
	return pr_call_start(c, error);
}

static void on_planned(void *userdata, int error_number, const struct pr_kept *kept)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct pr_call *c = userdata;
	char path[PR_BUS_PATH_MAX];
	int r = error_number;

	if (r == 0) {
		pr_bus_plan_path(kept->number, path);
		r = sd_bus_reply_method_return(c->m, "o", path);
	}
	pr_call_end(c, r, &error);
}

static int answer_plan(struct pr_call *c, sd_bus_error *error)
{
	struct pr_why why = { "" };
	int r;

	r = pr_service_plan(c->bus->service, &c->asked, c->uid, on_planned, c, &why);
	return r == 0 ? PR_CALL_WAITS : pr_bus_refuse(error, r, &why);
}

static int method_create_plan(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_call *c;
	int r;

	r = pr_call_new(userdata, m, answer_plan, &c, error);
	if (r < 0)
		return r;
	c->fresh = true;
	pr_call_need(c, PR_ACTION_PLAN);
	r = pr_asked_read(m, &c->asked, error);
	if (r >= 0)
		r = pr_flags_read(m, error);
	if (r < 0) {
		pr_call_free(c);
		return r;
	}
	return pr_call_start(c, error);
}

/* ---- FindDevices ---- */

/* "driver=nvme", "slot=3", "health=unassigned", "id=8086:10d3": a key and how its value matches. */
static bool driver_is(const struct pr_function *f, const char *value)
{
	return f->facts->driver && strcmp(f->facts->driver, value) == 0;
}

static bool slot_is(const struct pr_function *f, const char *value)
{
	return f->facts->slot && strcmp(f->facts->slot, value) == 0;
}

static bool health_is(const struct pr_function *f, const char *value)
{
	return strcmp(pr_health_name(pr_function_health(f)), value) == 0;
}

static bool id_is(const struct pr_function *f, const char *value)
{
	char id[16];

	(void)snprintf(id, sizeof(id), "%04x:%04x", f->header.vendor, f->header.device);
	return strcmp(id, value) == 0;
}

static const struct {
	const char *key;
	bool (*matches)(const struct pr_function *f, const char *value);
} selectors[] = {
	{ "driver=", driver_is },
	{ "slot=", slot_is },
	{ "health=", health_is },
	{ "id=", id_is },
};

static int append_device(sd_bus_message *reply, const struct pr_function *f)
{
	char path[PR_BUS_DEVICE_PATH_MAX];

	if (!f || f->removed)
		return 0;
	pr_bus_device_path(f, path);
	return sd_bus_message_append(reply, "o", path);
}

static int append_matching(sd_bus_message *reply, const struct pr_topology *t,
	bool (*matches)(const struct pr_function *f, const char *value), const char *value)
{
	int r = 0;

	pr_for_each_root (t, i) {
		const struct pr_root *root = t->roots[i];

		for (size_t j = 0; r >= 0 && j < root->n_functions; j++)
			if (!matches || matches(&root->functions[j], value))
				r = append_device(reply, &root->functions[j]);
	}
	return r;
}

/* A key and a value; an address or a path; "": every device.  -EINVAL for any other key. */
static int append_found(sd_bus_message *reply, const struct pr_topology *t, const char *selector)
{
	for (size_t i = 0; i < ARRAY_SIZE(selectors); i++) {
		size_t n = strlen(selectors[i].key);

		if (strncmp(selector, selectors[i].key, n) == 0)
			return append_matching(reply, t, selectors[i].matches, selector + n);
	}
	if (strchr(selector, '='))
		return -EINVAL;
	if (!*selector)
		return append_matching(reply, t, NULL, NULL);
	return append_device(reply, pr_topology_find_named(t, selector));
}

static int method_find_devices(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const struct pr_bus *b = userdata;
	const struct pr_look *look = pr_service_last_look(b->service);
	const char *selector;
	int r;

	r = sd_bus_message_read(m, "s", &selector);
	if (r >= 0)
		r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "o");
	if (r >= 0 && look)
		r = append_found(reply, look->topology, selector);
	if (r == -EINVAL)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
			"\"%s\": driver=, slot=, health=, id=, an address or a path is known",
			selector);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int answer_reload(struct pr_call *c, sd_bus_error *error)
{
	struct pr_why why = { "" };
	int r;

	r = pr_service_reload(c->bus->service, &why);
	if (r < 0)
		return r;
	if (r > 0)
		return pr_bus_error_set(error, SD_BUS_ERROR_FAILED, why.text);
	return sd_bus_reply_method_return(c->m, "");
}

static int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_call *c;
	int r;

	r = pr_call_new(userdata, m, answer_reload, &c, error);
	if (r < 0)
		return r;
	pr_call_need(c, PR_ACTION_CONFIGURE);
	return pr_call_start(c, error);
}

/* ---- properties ---- */

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const char *text = "";

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	if (strcmp(property, "Version") == 0)
		text = PCIROOM_VERSION;
	else if (strcmp(property, "Mode") == 0)
		text = pr_mode_name(pr_service_mode(b->service));
	else if (strcmp(property, "State") == 0)
		text = pr_state_name(pr_service_state(b->service));
	else if (strcmp(property, "Lockdown") == 0)
		text = pr_service_lockdown(b->service);
	return sd_bus_message_append(reply, "s", text);
}

static int get_generation(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "t", pr_service_generation(b->service));
}

static int get_unassigned(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "u", pr_service_unassigned(b->service));
}

static int get_ports(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const bool armed = strcmp(property, "Armed") == 0;
	const struct pr_bus *b = userdata;
	const char *port;
	int r;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "s");
	for (size_t i = 0; r >= 0; i++) {
		port = armed ? pr_service_armed(b->service, i) : pr_service_lacking(b->service, i);
		if (!port)
			break;
		r = sd_bus_message_append(reply, "s", port);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

const sd_bus_vtable pr_bus_manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Mode", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("State", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Generation", "t", get_generation, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Lockdown", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY(
		"Backends", "as", pr_bus_get_backends, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Unavailable", "a(ss)", pr_bus_get_unavailable, 0,
		SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY(
		"UnassignedCount", "u", get_unassigned, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY(
		"Guarded", "as", pr_bus_get_guarded, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Armed", "as", get_ports, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Lacking", "as", get_ports, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_METHOD_WITH_ARGS("GetTopology", SD_BUS_ARGS("a{sv}", options),
		SD_BUS_RESULT("h", snapshot), method_get_topology, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("CreatePlan", SD_BUS_ARGS("a{sv}", request, "t", flags),
		SD_BUS_RESULT("o", plan), method_create_plan, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("FindDevices", SD_BUS_ARGS("s", selector),
		SD_BUS_RESULT("ao", devices), method_find_devices, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Inhibit",
		SD_BUS_ARGS("s", what, "ao", devices, "s", who, "s", why, "s", mode),
		SD_BUS_RESULT("h", lease), pr_bus_method_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("OpenSnapshot", SD_BUS_ARGS("h", file, "a{sv}", options),
		SD_BUS_RESULT("o", snapshot), pr_bus_method_open_snapshot,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("ListInhibitors", SD_BUS_NO_ARGS,
		SD_BUS_RESULT("a(saosssuu)", inhibitors), pr_bus_method_list_inhibitors,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Guard", SD_BUS_ARGS("s", slot), SD_BUS_NO_RESULT,
		pr_bus_method_guard, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_ARGS("s", slot), SD_BUS_NO_RESULT,
		pr_bus_method_release, SD_BUS_VTABLE_UNPRIVILEGED),
	/* Whether the caller may is polkit's to say, not sd-bus's. */
	SD_BUS_METHOD_WITH_ARGS("ApplyPlan",
		SD_BUS_ARGS("o", plan, "t", generation, "u", confirm_s, "t", flags),
		SD_BUS_RESULT("o", job), pr_bus_method_apply_plan, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Replug",
		SD_BUS_ARGS("o", plan, "t", generation, "u", change_s, "t", flags),
		SD_BUS_RESULT("o", job, "h", lease), pr_bus_method_replug,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Rollback", SD_BUS_NO_ARGS, SD_BUS_RESULT("o", job),
		pr_bus_method_rollback, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Confirm", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, pr_bus_method_confirm,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("PrepareForRebalance",
		SD_BUS_ARGS("o", job, "b", start, "ao", devices, "t", deadline_usec), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobNew", SD_BUS_ARGS("u", id, "o", job), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobReport", SD_BUS_ARGS("o", job, "s", result, "s", text), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobRemoved", SD_BUS_ARGS("u", id, "o", job, "s", result), 0),
	SD_BUS_VTABLE_END,
};

/* ---- announcing ---- */

void pr_bus_emit_changed(struct pr_bus *b, const char *path, const char *interface,
	const struct pr_bus_bit *bits, size_t n_bits, unsigned int what)
{
	char *list[BITS_MAX + 1] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < n_bits; i++)
		if (what & bits[i].bit)
			list[n++] = (char *)bits[i].property; /* sd-bus does not write */
	/* a bus that cannot take a signal is about to be lost, and the loop ends with it */
	if (b->bus && n > 0)
		(void)sd_bus_emit_properties_changed_strv(b->bus, path, interface, list);
}

void pr_bus_changed(struct pr_bus *b, unsigned int what)
{
	static const struct pr_bus_bit names[] = {
		{ PR_CHANGED_STATE, "State" },
		{ PR_CHANGED_GENERATION, "Generation" },
		{ PR_CHANGED_UNASSIGNED, "UnassignedCount" },
		{ PR_CHANGED_MODE, "Mode" },
		{ PR_CHANGED_LOCKDOWN, "Lockdown" },
		{ PR_CHANGED_ARMED, "Armed" },
		{ PR_CHANGED_LACKING, "Lacking" },
	};

	pr_bus_emit_changed(b, PR_BUS_PATH, PR_BUS_MANAGER, names, ARRAY_SIZE(names), what);
}

const struct pr_bus_interface pr_bus_interfaces[] = {
	{ PR_BUS_MANAGER, pr_bus_manager_vtable },
	{ PR_BUS_DEVICE, pr_bus_device_vtable },
	{ PR_BUS_BRIDGE, pr_bus_bridge_vtable },
	{ PR_BUS_PLAN, pr_bus_plan_vtable },
	{ PR_BUS_JOB, pr_bus_job_vtable },
	{ PR_BUS_SNAPSHOT, pr_bus_snapshot_vtable },
};
const size_t pr_n_bus_interfaces = ARRAY_SIZE(pr_bus_interfaces);

int pr_bus_register(struct pr_bus *b, sd_bus *bus, struct pr_service *service)
{
	int r;

	*b = (struct pr_bus){ .bus = bus, .service = service };
	r = sd_bus_add_object_vtable(
		bus, pr_bus_slot(b), PR_BUS_PATH, PR_BUS_MANAGER, pr_bus_manager_vtable, b);
	if (r >= 0)
		r = sd_bus_add_object_manager(bus, pr_bus_slot(b), PR_BUS_PATH);
	if (r >= 0)
		r = pr_bus_register_devices(b);
	if (r >= 0)
		r = pr_bus_register_plans(b);
	if (r >= 0)
		r = pr_bus_register_jobs(b);
	if (r >= 0)
		r = pr_bus_register_snapshots(b);
	return r < 0 ? r : pr_bus_register_log(b);
}

void pr_bus_unregister(struct pr_bus *b)
{
	for (size_t i = 0; i < b->n_slots; i++)
		b->slots[i] = sd_bus_slot_unref(b->slots[i]);
	while (b->calls)
		pr_call_free(b->calls); /* those that polkit has not answered */
	pr_bus_forget_owners(b);
	b->bus = NULL;
}

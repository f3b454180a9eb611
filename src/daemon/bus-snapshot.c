/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshot objects: recordings that a client handed in.  Each belongs to its
 * client's connection, and goes when that goes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "daemon/bus-call.h"
#include "daemon/bus-request.h"

void pr_bus_snapshot_path(uint64_t number, char ret[PR_BUS_PATH_MAX])
{
	(void)snprintf(ret, PR_BUS_PATH_MAX, PR_BUS_SNAPSHOTS "/%" PRIu64, number);
}

#define PLANS "/plan"

static void plan_path(uint64_t snapshot, uint64_t plan, char ret[PR_BUS_PATH_MAX])
{
	(void)snprintf(ret, PR_BUS_PATH_MAX, PR_BUS_SNAPSHOTS "/%" PRIu64 PLANS "/%" PRIu64,
		snapshot, plan);
}

bool pr_bus_snapshot_plan_of(const char *path, uint64_t *ret_snapshot, uint64_t *ret_plan)
{
	const char *plans = strstr(path, PLANS "/");
	char snapshot[PR_BUS_PATH_MAX];

	if (!plans || (size_t)(plans - path) >= sizeof(snapshot))
		return false;
	(void)snprintf(snapshot, sizeof(snapshot), "%.*s", (int)(plans - path), path);
	return pr_bus_number_of(snapshot, PR_BUS_SNAPSHOTS, ret_snapshot) &&
	       pr_bus_number_of(plans, PLANS, ret_plan);
}

int pr_bus_snapshot_check(sd_bus_message *m, const struct pr_upload *up, sd_bus_error *error)
{
	uid_t uid;
	int r;

	r = pr_bus_sender_uid(m, &uid);
	if (r < 0)
		return r;
	if (uid != 0 && uid != up->uid)
		return sd_bus_error_set(
			error, SD_BUS_ERROR_ACCESS_DENIED, "this snapshot is another user's");
	return 0;
}

/* ---- whose they are ---- */

struct pr_owner {
	struct pr_bus *bus;
	uint64_t number;
	sd_bus_track *track; /* NULL: on a connection without a bus, which has one client */
	struct pr_owner *next;
};

static void tell_plan_gone(struct pr_bus *b, uint64_t snapshot, uint64_t plan)
{
	char path[PR_BUS_PATH_MAX];

	plan_path(snapshot, plan, path);
	(void)sd_bus_emit_interfaces_removed(b->bus, path, PR_BUS_PLAN, NULL);
}

static void close_snapshot(struct pr_bus *b, uint64_t number)
{
	const struct pr_upload *up;
	struct pr_owner **at = &b->owners, *o;
	char path[PR_BUS_PATH_MAX];

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	o = *at;
	if (o) {
		*at = o->next;
		sd_bus_track_unref(o->track);
		free(o);
	}
	up = pr_uploads_find(b->uploads, number);
	for (size_t i = 0; up && i < up->n_plans; i++)
		tell_plan_gone(b, number, up->plans[i]->number);
	pr_uploads_close(b->uploads, number);
	pr_bus_snapshot_path(number, path);
	(void)sd_bus_emit_interfaces_removed(b->bus, path, PR_BUS_SNAPSHOT, NULL);
}

static int on_client_gone(sd_bus_track *track, void *userdata)
{
	struct pr_owner *o = userdata;

	(void)track;
	close_snapshot(o->bus, o->number);
	return 0;
}

static int add_owner(struct pr_call *c, uint64_t number)
{
	struct pr_owner *o = calloc(1, sizeof(*o));
	int r = 0;

	if (!o)
		return -ENOMEM;
	*o = (struct pr_owner){ .bus = c->bus, .number = number, .next = c->bus->owners };
	if (sd_bus_message_get_sender(c->m))
		r = sd_bus_track_new(c->bus->bus, &o->track, on_client_gone, o);
	if (r >= 0 && o->track)
		r = sd_bus_track_add_sender(o->track, c->m);
	if (r < 0) {
		sd_bus_track_unref(o->track);
		free(o);
		return r;
	}
	c->bus->owners = o;
	return 0;
}

void pr_bus_forget_owners(struct pr_bus *b)
{
	while (b->owners) {
		struct pr_owner *o = b->owners;

		b->owners = o->next;
		sd_bus_track_unref(o->track);
		free(o);
	}
}

/* ---- OpenSnapshot ---- */

/* The error for how a child ended, when it did not end well. */
static int set_upload_error(sd_bus_error *error, const struct pr_upload_result *result)
{
	static const char *const names[] = {
		[PR_UPLOAD_INVALID] = "org.pciroom1.Error.SnapshotInvalid",
		[PR_UPLOAD_NO_DEVICE] = "org.pciroom1.Error.NoSuchDevice",
		[PR_UPLOAD_DIED] = "org.pciroom1.Error.SnapshotInvalid",
	};

	return pr_bus_error_set(error, names[result->end], result->text);
}

static void on_opened(void *userdata, const struct pr_upload_result *result)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct pr_call *c = userdata;
	char path[PR_BUS_PATH_MAX];
	int r;

	if (result->end != PR_UPLOAD_DONE) {
		pr_call_end(c, set_upload_error(&error, result), &error);
		return;
	}
	r = add_owner(c, result->upload->number);
	if (r < 0) {
		pr_uploads_close(c->bus->uploads, result->upload->number);
		pr_call_end(c, r, &error);
		return;
	}
	pr_bus_snapshot_path(result->upload->number, path);
	(void)sd_bus_emit_interfaces_added(c->bus->bus, path, PR_BUS_SNAPSHOT, NULL);
	r = sd_bus_reply_method_return(c->m, "o", path);
	pr_call_end(c, r, &error);
}

/* What the answer is when a child was to be started. */
static int started(int r, sd_bus_error *error)
{
	if (r == -EUSERS)
		return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
			"%u snapshots are open already", PR_UPLOADS_USER_MAX);
	if (r == -EBUSY)
		return sd_bus_error_set(
			error, "org.pciroom1.Error.Busy", "too many snapshots are being read");
	return r < 0 ? r : PR_CALL_WAITS;
}

static int answer_open(struct pr_call *c, sd_bus_error *error)
{
	int fd, r;

	r = sd_bus_message_rewind(c->m, true);
	if (r >= 0)
		r = sd_bus_message_read(c->m, "h", &fd); /* belongs to the message */
	if (r >= 0)
		r = pr_uploads_open(c->bus->uploads, fd, c->uid, on_opened, c);
	return started(r, error);
}

int pr_bus_method_open_snapshot(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_bus *b = userdata;
	struct pr_call *c;
	int fd, r;

	r = sd_bus_message_read(m, "h", &fd);
	if (r >= 0)
		r = pr_options_read(m, error);
	if (r >= 0)
		r = pr_call_new(b, m, answer_open, &c, error);
	if (r < 0)
		return r;
	pr_call_need(c, PR_ACTION_PLAN);
	return pr_call_start(c, error);
}

/* ---- the objects ---- */

static struct pr_upload *upload_at(const struct pr_bus *b, const char *path)
{
	uint64_t number;

	if (!pr_bus_number_of(path, PR_BUS_SNAPSHOTS, &number))
		return NULL;
	return pr_uploads_find(b->uploads, number);
}

static int find_snapshot(sd_bus *bus, const char *path, const char *interface, void *userdata,
	void **ret, sd_bus_error *error)
{
	(void)bus;
	(void)interface;
	(void)error;
	if (!upload_at(userdata, path))
		return 0;
	*ret = userdata;
	return 1;
}

static int get_count(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_upload *up = upload_at(userdata, path);

	(void)bus;
	(void)interface;
	(void)error;
	if (strcmp(property, "Generation") == 0)
		return sd_bus_message_append(reply, "t", up->generation);
	return sd_bus_message_append(reply, "u",
		strcmp(property, "Functions") == 0  ? up->functions
		: strcmp(property, "OwnerUID") == 0 ? (uint32_t)up->uid
						    : up->unassigned);
}

static int new_call(struct pr_bus *b, sd_bus_message *m,
	int (*answer)(struct pr_call *c, sd_bus_error *error), struct pr_call **ret,
	sd_bus_error *error)
{
	const struct pr_upload *up = upload_at(b, sd_bus_message_get_path(m));
	int r;

	r = pr_bus_snapshot_check(m, up, error);
	if (r >= 0)
		r = pr_call_new(b, m, answer, ret, error);
	if (r < 0)
		return r;
	(*ret)->number = up->number;
	return 0;
}

static void on_planned(void *userdata, const struct pr_upload_result *result)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct pr_call *c = userdata;
	char path[PR_BUS_PATH_MAX];
	int r;

	if (result->end != PR_UPLOAD_DONE) {
		pr_call_end(c, set_upload_error(&error, result), &error);
		return;
	}
	if (result->gone)
		tell_plan_gone(c->bus, result->upload->number, result->gone);
	plan_path(result->upload->number, result->plan->number, path);
	(void)sd_bus_emit_interfaces_added(c->bus->bus, path, PR_BUS_PLAN, NULL);
	r = sd_bus_reply_method_return(c->m, "o", path);
	pr_call_end(c, r, &error);
}

static int answer_snapshot_plan(struct pr_call *c, sd_bus_error *error)
{
	const struct pr_upload *up = pr_uploads_find(c->bus->uploads, c->number);
	int r;

	r = pr_uploads_plan(c->bus->uploads, up, &c->asked, on_planned, c);
	return started(r, error);
}

static int method_plan(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_call *c;
	int r;

	r = new_call(userdata, m, answer_snapshot_plan, &c, error);
	if (r < 0)
		return r;
	r = pr_asked_read(m, &c->asked, error);
	if (r >= 0 && c->asked.replug)
		r = pr_bus_not_supported(error, "replacing a card of a recording");
	if (r >= 0)
		r = pr_flags_read(m, error);
	if (r < 0) {
		pr_call_free(c);
		return r;
	}
	return pr_call_start(c, error); /* who opened it may plan on it */
}

/* ---- AddDevice ---- */

static void on_added(void *userdata, const struct pr_upload_result *result)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct pr_call *c = userdata;
	char path[PR_BUS_PATH_MAX];
	int r;

	if (result->end != PR_UPLOAD_DONE) {
		pr_call_end(c, set_upload_error(&error, result), &error);
		return;
	}
	pr_bus_snapshot_path(result->upload->number, path);
	(void)sd_bus_emit_properties_changed(c->bus->bus, path, PR_BUS_SNAPSHOT, "Functions",
		"UnassignedCount", "Generation", NULL);
	for (size_t i = 0; i < result->upload->n_plans; i++) {
		plan_path(result->upload->number, result->upload->plans[i]->number, path);
		(void)sd_bus_emit_properties_changed(c->bus->bus, path, PR_BUS_PLAN, "State", NULL);
	}
	r = sd_bus_reply_method_return(c->m, "s", result->text);
	pr_call_end(c, r, &error);
}

static int answer_add(struct pr_call *c, sd_bus_error *error)
{
	struct pr_upload *up = pr_uploads_find(c->bus->uploads, c->number);
	int r;

	r = pr_uploads_add(c->bus->uploads, up, &c->added, on_added, c);
	return started(r, error);
}

/* What would be a file's name, see pr_template_load(). */
static bool ends_in_yaml(const char *name)
{
	size_t n = strlen(name);

	return n >= 5 && strcmp(name + n - 5, ".yaml") == 0;
}

/* An installed template by its name, or one as text; nothing else, so that no file is read for a stranger. */
static int read_template(sd_bus_message *m, struct pr_upload_addition *ret, sd_bus_error *error)
{
	const char *key = "", *value = "";
	int r;

	r = sd_bus_message_read(m, "a{sv}", 1, &key, "s", &value);
	if (r >= 0 && strcmp(key, "name") == 0 && *value && !strchr(value, '/') &&
		!ends_in_yaml(value))
		ret->name = value;
	else if (r >= 0 && strcmp(key, "yaml") == 0)
		ret->yaml = value;
	else
		return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
			"a template is one text: \"name\" of one that is installed, or \"yaml\"");
	return 0;
}

static int method_add(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_upload_addition added = { 0 };
	struct pr_call *c;
	int r;

	r = sd_bus_message_read(m, "s", &added.parent);
	if (r >= 0)
		r = read_template(m, &added, error);
	if (r >= 0)
		r = new_call(userdata, m, answer_add, &c, error);
	if (r < 0)
		return r;
	c->added = added; /* lives as long as the message does */
	return pr_call_start(c, error);
}

static int answer_close(struct pr_call *c, sd_bus_error *error)
{
	(void)error;
	close_snapshot(c->bus, c->number);
	return sd_bus_reply_method_return(c->m, "");
}

static int method_close(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_call *c;
	int r;

	r = new_call(userdata, m, answer_close, &c, error);
	return r < 0 ? r : pr_call_start(c, error);
}

const sd_bus_vtable pr_bus_snapshot_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Functions", "u", get_count, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("UnassignedCount", "u", get_count, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Generation", "t", get_count, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("OwnerUID", "u", get_count, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_METHOD_WITH_ARGS("Plan", SD_BUS_ARGS("a{sv}", request, "t", flags),
		SD_BUS_RESULT("o", plan), method_plan, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("AddDevice", SD_BUS_ARGS("s", parent, "a{sv}", template),
		SD_BUS_RESULT("s", path), method_add, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Close", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_close,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static int enumerate(
	sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	size_t uploads = pr_uploads_count(b->uploads), n = 0;
	char path[PR_BUS_PATH_MAX], **nodes;

	(void)bus;
	(void)prefix;
	(void)error;
	nodes = calloc(uploads * (1 + PR_UPLOAD_PLANS_MAX) + 1, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; i < uploads; i++) {
		const struct pr_upload *up = pr_uploads_get(b->uploads, i);

		pr_bus_snapshot_path(up->number, path);
		nodes[n] = strdup(path);
		n += nodes[n] != NULL;
		for (size_t k = 0; k < up->n_plans; k++) {
			plan_path(up->number, up->plans[k]->number, path);
			nodes[n] = strdup(path);
			n += nodes[n] != NULL;
		}
	}
	*ret = nodes; /* sd-bus frees it, and the strings */
	return 0;
}

int pr_bus_register_snapshots(struct pr_bus *b)
{
	int r;

	r = sd_bus_add_fallback_vtable(b->bus, pr_bus_slot(b), PR_BUS_SNAPSHOTS, PR_BUS_SNAPSHOT,
		pr_bus_snapshot_vtable, find_snapshot, b);
	return r < 0 ? r
		     : sd_bus_add_node_enumerator(
			       b->bus, pr_bus_slot(b), PR_BUS_SNAPSHOTS, enumerate, b);
}

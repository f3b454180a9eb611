/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plan objects: read-only views of what the service keeps, found by the number in their path.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/text.h"
#include "daemon/bus-call.h"
#include "daemon/bus-policy.h"
#include "daemon/write-plan.h"

void pr_bus_plan_path(uint64_t number, char ret[PR_BUS_PATH_MAX])
{
	(void)snprintf(ret, PR_BUS_PATH_MAX, PR_BUS_PLANS "/%" PRIu64, number);
}

bool pr_bus_number_of(const char *path, const char *prefix, uint64_t *ret)
{
	size_t length = strlen(prefix);

	return strncmp(path, prefix, length) == 0 && path[length] == '/' &&
	       path[length + 1] != '0' && pr_parse_u64(path + length + 1, 10, ret) == 0;
}

/* ---- plans ---- */

/* One plan, of this machine or of a snapshot. */
struct found {
	const struct pr_plan_view *view;
	const struct pr_kept *kept;        /* of this machine; else NULL, and: */
	const struct pr_upload *upload;    /* the snapshot */
	const struct pr_upload_plan *plan; /* on it */
};

/* False: that is no plan's object. */
static bool find_at(const struct pr_bus *b, const char *path, struct found *ret)
{
	uint64_t number, of;

	*ret = (struct found){ 0 };
	if (pr_bus_number_of(path, PR_BUS_PLANS, &number)) {
		ret->kept = pr_keep_find(pr_service_plans(b->service), number);
		ret->view = ret->kept ? &ret->kept->view : NULL;
	} else if (pr_bus_snapshot_plan_of(path, &of, &number)) {
		ret->upload = pr_uploads_find(b->uploads, of);
		ret->plan = ret->upload ? pr_upload_plan(ret->upload, number) : NULL;
		ret->view = ret->plan ? &ret->plan->view : NULL;
	}
	return ret->view != NULL;
}

static int find_plan(sd_bus *bus, const char *path, const char *interface, void *userdata,
	void **ret, sd_bus_error *error)
{
	struct found found;

	(void)bus;
	(void)interface;
	(void)error;
	if (!find_at(userdata, path, &found))
		return 0;
	*ret = userdata;
	return 1;
}

/* sd-bus has just found the object by find_plan(): it is there. */
static struct found plan_at(const struct pr_bus *b, const char *path)
{
	struct found found;

	(void)find_at(b, path, &found);
	return found;
}

static const char *state_of(const struct pr_bus *b, const struct found *f)
{
	if (f->kept)
		return pr_kept_state(f->kept, pr_service_generation(b->service));
	if (f->plan->made_on != f->upload->generation)
		return "stale"; /* a card was added since */
	return strcmp(f->view->verdict, pr_verdict_name(PR_VERDICT_OK)) == 0 ? "ready" : "refused";
}

static int get_plan_text(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct found f = plan_at(userdata, path);
	const char *text = "";

	(void)bus;
	(void)interface;
	(void)error;
	if (strcmp(property, "Id") == 0)
		text = f.view->id;
	else if (strcmp(property, "State") == 0)
		text = state_of(userdata, &f);
	else if (strcmp(property, "VerdictName") == 0)
		text = f.view->verdict;
	else if (strcmp(property, "Why") == 0)
		text = f.view->why;
	else if (strcmp(property, "Disruption") == 0)
		text = f.view->disruption;
	else if (strcmp(property, "EffectsUnseen") == 0)
		text = f.view->effects_unseen;
	return sd_bus_message_append(reply, "s", text);
}

static int get_plan_generation(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "t", plan_at(userdata, path).view->generation);
}

static int get_plan_feasible(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "b", (int)plan_at(userdata, path).view->feasible);
}

static int get_plan_steps(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_plan_view *v = plan_at(userdata, path).view;
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(sss)");
	for (size_t i = 0; r >= 0 && i < v->n_steps; i++)
		r = sd_bus_message_append(
			reply, "(sss)", v->steps[i].kind, v->steps[i].address, v->steps[i].text);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* A device of a snapshot is no object; its name must not be that of one of this machine. */
static void name_device(const struct found *f, const char *path, char ret[PR_BUS_DEVICE_PATH_MAX])
{
	char top[PR_BUS_PATH_MAX] = PR_BUS_PATH;

	if (f->upload)
		pr_bus_snapshot_path(f->upload->number, top);
	pr_bus_device_name(top, path, ret);
}

static int get_plan_affected(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct found f = plan_at(userdata, path);
	char device[PR_BUS_DEVICE_PATH_MAX];
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(osss)");
	for (size_t i = 0; r >= 0 && i < f.view->n_affected; i++) {
		const struct pr_view_affected *a = &f.view->affected[i];

		name_device(&f, a->path, device);
		r = sd_bus_message_append(
			reply, "(osss)", device, a->address, a->disruption, a->reason);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_plan_renames(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct found f = plan_at(userdata, path);
	char device[PR_BUS_DEVICE_PATH_MAX];
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(oss)");
	for (size_t i = 0; r >= 0 && i < f.view->n_renames; i++) {
		const struct pr_view_rename *n = &f.view->renames[i];

		name_device(&f, n->path, device);
		r = sd_bus_message_append(reply, "(oss)", device, n->before, n->after);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* What follows from other addresses. */
static int get_plan_effects(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct found f = plan_at(userdata, path);
	char device[PR_BUS_DEVICE_PATH_MAX];
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(sossssu)");
	for (size_t i = 0; r >= 0 && i < f.view->n_effects; i++) {
		const struct pr_view_effect *e = &f.view->effects[i];

		name_device(&f, e->path, device);
		r = sd_bus_message_append(reply, "(sossssu)", e->kind, device, e->before, e->after,
			e->text, e->file, (uint32_t)e->line);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Bridges behind which nobody has looked yet, and the bus numbers that are kept for that. */
static int get_plan_unseen(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct found f = plan_at(userdata, path);
	char device[PR_BUS_DEVICE_PATH_MAX];
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(oyy)");
	for (size_t i = 0; r >= 0 && i < f.view->n_unseen; i++) {
		const struct pr_view_unseen *u = &f.view->unseen[i];

		name_device(&f, u->path, device);
		r = sd_bus_message_append(
			reply, "(oyy)", device, (uint8_t)u->secondary, (uint8_t)u->subordinate);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_plan_advice(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_plan_view *v = plan_at(userdata, path).view;
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(sbss)");
	for (size_t i = 0; r >= 0 && i < v->n_advice; i++)
		r = sd_bus_message_append(reply, "(sbss)", v->advice[i].kind,
			(int)v->advice[i].later, v->advice[i].setting, v->advice[i].text);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_plan_verdict(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_plan_view *v = plan_at(userdata, path).view;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "a{sv}", 7, "Name", "s", v->verdict, "Why", "s", v->why,
		"Proven", "b", (int)v->proven, "InUse", "u", (uint32_t)v->in_use, "Restarted", "u",
		(uint32_t)v->restarted, "Renumbered", "u", (uint32_t)v->renumbered, "Removed", "u",
		(uint32_t)v->removed);
}

/* What was asked, what is configured, and what hooks and inhibitors pin: all that it was made with. */
static int get_plan_policy(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct found f = plan_at(userdata, path);
	struct pr_policy policy;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	if (!f.kept)
		return pr_bus_append_policy(reply, NULL);
	policy = pr_wish_policy(&f.kept->wish);
	return pr_bus_append_policy(reply, &policy);
}

/* ---- what a plan is in full ---- */

/* A sealed memory file of @text, which is emptied. */
static int reply_text(sd_bus_message *m, const char *name, struct pr_text *text)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_close_ int fd = -1;
	size_t size;
	int r;

	r = pr_text_take(text, &data, &size);
	if (r < 0)
		return r;
	fd = pr_sealed_file(name, data, size);
	if (fd < 0)
		return fd;
	return sd_bus_reply_method_return(m, "h", fd); /* which takes a duplicate */
}

/* A sealed memory file of what @write makes of a plan of this machine. */
static int reply_kept(sd_bus_message *m, const struct pr_plan *p, const char *name,
	void (*write)(struct pr_text *t, const struct pr_plan *p))
{
	_cleanup_(pr_text_deinit) struct pr_text text = { 0 };

	write(&text, p);
	return reply_text(m, name, &text);
}

static int reply_uploaded(sd_bus_message *m, const struct pr_upload_plan *p, bool script)
{
	_cleanup_close_ int fd = pr_upload_plan_open(p, script);

	return fd < 0 ? fd : sd_bus_reply_method_return(m, "h", fd);
}

static int reply_in_full(
	sd_bus_message *m, const struct pr_bus *b, bool script, sd_bus_error *error)
{
	const struct found f = plan_at(b, sd_bus_message_get_path(m));
	int r;

	if (f.upload) {
		r = pr_bus_snapshot_check(m, f.upload, error);
		if (r < 0)
			return r;
	}
	if (!f.view->feasible)
		return sd_bus_error_set(error, "org.pciroom1.Error.Infeasible",
			script ? "there is nothing to be done: this plan has no steps"
			       : "nothing is predicted: this plan has no steps");
	if (f.upload)
		return reply_uploaded(m, f.plan, script);
	return script ? reply_kept(m, f.kept->plan, "pciroom-script", pr_write_script)
		      : reply_kept(m, f.kept->plan, "pciroom-prediction", pr_write_prediction);
}

static int method_get_prediction(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return reply_in_full(m, userdata, false, error);
}

static int method_get_script(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return reply_in_full(m, userdata, true, error);
}

static int answer_discard(struct pr_call *c, sd_bus_error *error)
{
	struct pr_why why = { "" };
	int r;

	r = pr_service_discard(c->bus->service, c->number, &why);
	return r != 0 ? pr_bus_refuse(error, r, &why) : sd_bus_reply_method_return(c->m, "");
}

static int discard_uploaded(
	sd_bus_message *m, struct pr_bus *b, const struct found *f, sd_bus_error *error)
{
	int r;

	r = pr_bus_snapshot_check(m, f->upload, error);
	if (r < 0)
		return r;
	pr_uploads_discard(b->uploads, f->upload->number, f->plan->number);
	(void)sd_bus_emit_interfaces_removed(b->bus, sd_bus_message_get_path(m), PR_BUS_PLAN, NULL);
	return sd_bus_reply_method_return(m, "");
}

/* Whoever had it made may; others have to be allowed to carry it out. */
static int method_discard(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct found f = plan_at(userdata, sd_bus_message_get_path(m));
	struct pr_call *c;
	int r;

	if (f.upload)
		return discard_uploaded(m, userdata, &f, error);
	r = pr_call_new(userdata, m, answer_discard, &c, error);
	if (r < 0)
		return r;
	c->number = f.kept->number;
	if (c->uid != f.kept->uid)
		pr_call_need(c, PR_ACTION_APPLY_SAFE);
	return pr_call_start(c, error);
}

const sd_bus_vtable pr_bus_plan_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "s", get_plan_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Generation", "t", get_plan_generation, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("State", "s", get_plan_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Feasible", "b", get_plan_feasible, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("VerdictName", "s", get_plan_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Why", "s", get_plan_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Disruption", "s", get_plan_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Verdict", "a{sv}", get_plan_verdict, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Policy", "a{sv}", get_plan_policy, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Affected", "a(osss)", get_plan_affected, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Renames", "a(oss)", get_plan_renames, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Effects", "a(sossssu)", get_plan_effects, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("EffectsUnseen", "s", get_plan_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Unseen", "a(oyy)", get_plan_unseen, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Advice", "a(sbss)", get_plan_advice, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Steps", "a(sss)", get_plan_steps, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_METHOD_WITH_ARGS("GetPrediction", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", json),
		method_get_prediction, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("GetScript", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", script),
		method_get_script, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Discard", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_discard,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

/* ---- what there is ---- */

static int enumerate(
	sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const struct pr_keep *k = pr_service_plans(b->service);
	char path[PR_BUS_PATH_MAX], **nodes;
	size_t n = 0;

	(void)bus;
	(void)prefix;
	(void)error;
	nodes = calloc(k->n + 1, sizeof(*nodes)); /* sd-bus frees it, and the strings */
	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; i < k->n; i++) {
		pr_bus_plan_path(k->plans[i]->number, path);
		nodes[n] = strdup(path);
		n += nodes[n] != NULL;
	}
	*ret = nodes;
	return 0;
}

void pr_bus_plan_news(struct pr_bus *b, uint64_t number, enum pr_plan_news news)
{
	char path[PR_BUS_PATH_MAX];

	if (!b->bus)
		return;
	pr_bus_plan_path(number, path);
	switch (news) {
	case PR_PLAN_NEW:
		(void)sd_bus_emit_interfaces_added(b->bus, path, PR_BUS_PLAN, NULL);
		break;
	case PR_PLAN_STATE:
		(void)sd_bus_emit_properties_changed(b->bus, path, PR_BUS_PLAN, "State", NULL);
		break;
	case PR_PLAN_GONE:
		(void)sd_bus_emit_interfaces_removed(b->bus, path, PR_BUS_PLAN, NULL);
		break;
	}
}

int pr_bus_register_plans(struct pr_bus *b)
{
	int r;

	r = sd_bus_add_fallback_vtable(b->bus, pr_bus_slot(b), PR_BUS_PLANS, PR_BUS_PLAN,
		pr_bus_plan_vtable, find_plan, b);
	if (r < 0)
		return r;
	r = sd_bus_add_fallback_vtable(b->bus, pr_bus_slot(b), PR_BUS_SNAPSHOTS, PR_BUS_PLAN,
		pr_bus_plan_vtable, find_plan, b);
	if (r < 0)
		return r;
	return sd_bus_add_node_enumerator(b->bus, pr_bus_slot(b), PR_BUS_PLANS, enumerate, b);
}

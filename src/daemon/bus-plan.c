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
#include "daemon/say.h"
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

static int find_plan(sd_bus *bus, const char *path, const char *interface, void *userdata,
	void **ret, sd_bus_error *error)
{
	struct pr_bus *b = userdata;
	uint64_t number;

	(void)bus;
	(void)interface;
	(void)error;
	if (!pr_bus_number_of(path, PR_BUS_PLANS, &number) ||
		!pr_keep_find(pr_service_plans(b->service), number))
		return 0;
	*ret = b;
	return 1;
}

/* sd-bus has just found the object by find_plan(): it is there. */
static const struct pr_kept *plan_at(const struct pr_bus *b, const char *path)
{
	uint64_t number = 0;

	(void)pr_bus_number_of(path, PR_BUS_PLANS, &number);
	return pr_keep_find(pr_service_plans(b->service), number);
}

static int get_plan_text(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const struct pr_kept *kept = plan_at(b, path);
	const struct pr_plan *p = kept->plan;
	const char *text = "";

	(void)bus;
	(void)interface;
	(void)error;
	if (strcmp(property, "Id") == 0)
		text = p->id;
	else if (strcmp(property, "State") == 0)
		text = pr_kept_state(kept, pr_service_generation(b->service));
	else if (strcmp(property, "VerdictName") == 0)
		text = pr_verdict_name(p->verdict);
	else if (strcmp(property, "Why") == 0)
		text = p->why ? p->why : "";
	else if (strcmp(property, "Disruption") == 0)
		text = pr_disruption_name(pr_plan_disruption(p));
	else if (strcmp(property, "EffectsUnseen") == 0)
		text = p->effects_unseen ? p->effects_unseen : "";
	return sd_bus_message_append(reply, "s", text);
}

static int get_plan_generation(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "t", plan_at(userdata, path)->plan->generation);
}

static int get_plan_feasible(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	enum pr_verdict v = plan_at(userdata, path)->plan->verdict;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "b",
		v == PR_VERDICT_OK || v == PR_VERDICT_TOO_DISRUPTIVE || v == PR_VERDICT_VETOED);
}

static int get_plan_steps(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_plan *p = plan_at(userdata, path)->plan;
	char address[PR_ADDRESS_MAX];
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(sss)");
	for (size_t i = 0; r >= 0 && i < p->n_steps; i++) {
		const struct pr_step *step = &p->steps[i];

		pr_address_format(&step->address, address);
		r = sd_bus_message_append(reply, "(sss)", pr_step_name(step->kind),
			step->kind == PR_STEP_EXPECT ? "" : address, pr_say_step(step).text);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_plan_affected(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_plan *p = plan_at(userdata, path)->plan;
	char device[PR_BUS_DEVICE_PATH_MAX], address[PR_ADDRESS_MAX];
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(osss)");
	for (size_t i = 0; r >= 0 && i < p->n_affected; i++) {
		const struct pr_affected *a = &p->affected[i];

		pr_bus_device_path(a->function, device);
		pr_address_format(&a->function->address, address);
		r = sd_bus_message_append(reply, "(osss)", device, address,
			pr_disruption_name(a->disruption), a->reason ? a->reason : "");
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Functions that have another address afterwards. */
static int get_plan_renames(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_plan *p = plan_at(userdata, path)->plan;
	char device[PR_BUS_DEVICE_PATH_MAX], before[PR_ADDRESS_MAX], after[PR_ADDRESS_MAX];
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(oss)");
	for (size_t i = 0; r >= 0 && i < p->n_renumbered; i++) {
		pr_bus_device_path(p->renumbered[i].before, device);
		pr_address_format(&p->renumbered[i].before->address, before);
		pr_address_format(&p->renumbered[i].after->address, after);
		r = sd_bus_message_append(reply, "(oss)", device, before, after);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_effect(sd_bus_message *reply, const struct pr_effect *e)
{
	char device[PR_BUS_DEVICE_PATH_MAX];

	pr_bus_device_path(e->function, device);
	return sd_bus_message_append(reply, "(sossssu)", pr_effect_name(e->kind), device,
		e->before ? e->before : "", e->after ? e->after : "", e->text ? e->text : "",
		e->file ? e->file : "", e->line);
}

/* What follows from other addresses. */
static int get_plan_effects(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_plan *p = plan_at(userdata, path)->plan;
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(sossssu)");
	for (size_t i = 0; r >= 0 && i < p->n_effects; i++)
		r = append_effect(reply, &p->effects[i]);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Bridges behind which nobody has looked yet, and the bus numbers that are kept for that. */
static int get_plan_unseen(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_plan *p = plan_at(userdata, path)->plan;
	char device[PR_BUS_DEVICE_PATH_MAX];
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(oyy)");
	for (size_t i = 0; r >= 0 && i < p->n_unseen; i++) {
		const struct pr_bridge *b = pr_topology_same(p->prediction, p->unseen[i])->bridge;

		pr_bus_device_path(p->unseen[i], device);
		r = sd_bus_message_append(reply, "(oyy)", device, b->secondary, b->subordinate);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_plan_advice(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_plan *p = plan_at(userdata, path)->plan;
	int r;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(sbss)");
	for (size_t i = 0; r >= 0 && i < p->n_advice; i++) {
		const struct pr_advice *a = &p->advice[i];

		r = sd_bus_message_append(reply, "(sbss)", pr_advice_kind_name(a->kind),
			(int)a->later, a->setting, a->text);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_plan_verdict(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_plan *p = plan_at(userdata, path)->plan;
	const struct pr_cost *c = &p->cost;

	(void)bus;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "a{sv}", 7, "Name", "s", pr_verdict_name(p->verdict),
		"Why", "s", p->why ? p->why : "", "Proven", "b", (int)p->proven, "InUse", "u",
		c->in_use, "Restarted", "u", c->restarted, "Renumbered", "u", c->renumbered,
		"Removed", "u", c->removed);
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

static int method_get_prediction(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct pr_plan *p = plan_at(userdata, sd_bus_message_get_path(m))->plan;
	_cleanup_(pr_text_deinit) struct pr_text text = { 0 };

	if (!p->prediction)
		return sd_bus_error_set(error, "org.pciroom1.Error.Infeasible",
			"nothing is predicted: this plan has no steps");
	pr_write_prediction(&text, p);
	return reply_text(m, "pciroom-prediction", &text);
}

static int method_get_script(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct pr_plan *p = plan_at(userdata, sd_bus_message_get_path(m))->plan;
	_cleanup_(pr_text_deinit) struct pr_text text = { 0 };

	if (!p->prediction)
		return sd_bus_error_set(error, "org.pciroom1.Error.Infeasible",
			"there is nothing to be done: this plan has no steps");
	pr_write_script(&text, p);
	return reply_text(m, "pciroom-script", &text);
}

static int answer_discard(struct pr_call *c, sd_bus_error *error)
{
	struct pr_why why = { "" };
	int r;

	r = pr_service_discard(c->bus->service, c->number, &why);
	return r != 0 ? pr_bus_refuse(error, r, &why) : sd_bus_reply_method_return(c->m, "");
}

/* Whoever had it made may; others have to be allowed to carry it out. */
static int method_discard(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct pr_kept *kept = plan_at(userdata, sd_bus_message_get_path(m));
	struct pr_call *c;
	int r;

	r = pr_call_new(userdata, m, answer_discard, &c, error);
	if (r < 0)
		return r;
	c->number = kept->number;
	if (c->uid != kept->uid)
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
	return sd_bus_add_node_enumerator(b->bus, pr_bus_slot(b), PR_BUS_PLANS, enumerate, b);
}

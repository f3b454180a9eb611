/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plan and job objects: read-only views of what the service keeps, found by the number in their
 * path.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "daemon/bus.h"
#include "daemon/say.h"

void pr_bus_plan_path(uint64_t number, char ret[PR_BUS_PATH_MAX])
{
	(void)snprintf(ret, PR_BUS_PATH_MAX, PR_BUS_PLANS "/%" PRIu64, number);
}

void pr_bus_job_path(uint32_t id, char ret[PR_BUS_PATH_MAX])
{
	(void)snprintf(ret, PR_BUS_PATH_MAX, PR_BUS_JOBS "/%" PRIu32, id);
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

static const sd_bus_vtable plan_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "s", get_plan_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Generation", "t", get_plan_generation, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("State", "s", get_plan_text, 0, 0),
	SD_BUS_PROPERTY("Feasible", "b", get_plan_feasible, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("VerdictName", "s", get_plan_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Why", "s", get_plan_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Disruption", "s", get_plan_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Steps", "a(sss)", get_plan_steps, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_VTABLE_END,
};

/* ---- jobs ---- */

static int find_job(sd_bus *bus, const char *path, const char *interface, void *userdata,
	void **ret, sd_bus_error *error)
{
	struct pr_bus *b = userdata;
	const struct pr_job *job = pr_service_job(b->service);
	uint64_t number;

	(void)bus;
	(void)interface;
	(void)error;
	if (!job || !pr_bus_number_of(path, PR_BUS_JOBS, &number) || number != job->id)
		return 0;
	*ret = b;
	return 1;
}

static int get_job_plan(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const struct pr_job *job = pr_service_job(b->service);
	char plan[PR_BUS_PATH_MAX] = "/"; /* an interrupted run: its plan is not known any more */

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	if (job->plan)
		pr_bus_plan_path(job->plan->number, plan);
	return sd_bus_message_append(reply, "o", plan);
}

static int get_job_phase(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "s", pr_state_name(pr_service_state(b->service)));
}

static int get_job_step(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const struct pr_job *job = pr_service_job(b->service);

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "(uu)", (uint32_t)job->step,
		job->plan ? (uint32_t)job->plan->plan->n_steps : 0u);
}

static const sd_bus_vtable job_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Plan", "o", get_job_plan, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Phase", "s", get_job_phase, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Step", "(uu)", get_job_step, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_VTABLE_END,
};

/* ---- both, for introspection ---- */

static int enumerate(
	sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const struct pr_keep *k = pr_service_plans(b->service);
	const struct pr_job *job = pr_service_job(b->service);
	char path[PR_BUS_PATH_MAX], **nodes;
	size_t n = 0;

	(void)bus;
	(void)prefix;
	(void)error;
	nodes = calloc(k->n + 2, sizeof(*nodes)); /* sd-bus frees it, and the strings */
	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; i < k->n; i++) {
		pr_bus_plan_path(k->plans[i]->number, path);
		nodes[n] = strdup(path);
		n += nodes[n] != NULL;
	}
	if (job) {
		pr_bus_job_path(job->id, path);
		nodes[n] = strdup(path);
	}
	*ret = nodes;
	return 0;
}

int pr_bus_register_plans(struct pr_bus *b)
{
	int r;

	r = sd_bus_add_fallback_vtable(
		b->bus, &b->slots[1], PR_BUS_PLANS, PR_BUS_PLAN, plan_vtable, find_plan, b);
	if (r < 0)
		return r;
	r = sd_bus_add_fallback_vtable(
		b->bus, &b->slots[2], PR_BUS_JOBS, PR_BUS_JOB, job_vtable, find_job, b);
	if (r < 0)
		return r;
	return sd_bus_add_node_enumerator(b->bus, &b->slots[3], PR_BUS_PATH, enumerate, b);
}

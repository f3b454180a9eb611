/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans of the service: what it is asked for, what it goes by, and whether it comes to the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/remote-private.h"
#include "cli/words.h"

/* Opens an array of @type behind @key of a{sv}. */
static int open_list(sd_bus_message *m, const char *key, const char *type)
{
	char array[16] = "a";
	int r;

	(void)strncat(array, type, sizeof(array) - 2); /* types here are short */
	r = sd_bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", key);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', array);
	return r < 0 ? r : sd_bus_message_open_container(m, 'a', type);
}

/* @r < 0: what went wrong since then. */
static int close_list(sd_bus_message *m, int r)
{
	for (unsigned int i = 0; r >= 0 && i < 3; i++)
		r = sd_bus_message_close_container(m);
	return r;
}

static int append_targets(sd_bus_message *m, const struct pr_request *request)
{
	int r = open_list(m, "targets", "s");

	for (size_t i = 0; r >= 0 && i < request->n_targets; i++)
		r = sd_bus_message_append(m, "s", pr_name_of(&request->targets[i]).text);
	return close_list(m, r);
}

static int append_pins(sd_bus_message *m, const struct pr_policy *policy)
{
	int r = open_list(m, "pinned", "s");

	for (size_t i = 0; r >= 0 && i < policy->n_pinned; i++)
		r = sd_bus_message_append(m, "s", policy->pinned[i]);
	return close_list(m, r);
}

/* The following append nothing when nobody asks for any, so that an older service need not know it. */
static int append_buses(sd_bus_message *m, const struct pr_request *request)
{
	int r;

	if (request->n_buses == 0)
		return 0;
	r = open_list(m, "buses", "{su}");
	for (size_t i = 0; r >= 0 && i < request->n_buses; i++)
		r = sd_bus_message_append(m, "{su}", pr_name_of(&request->buses[i].bridge).text,
			request->buses[i].buses);
	return close_list(m, r);
}

static int append_vfs(sd_bus_message *m, const struct pr_request *request)
{
	int r;

	if (request->n_vfs == 0)
		return 0;
	r = open_list(m, "vfs", "{su}");
	for (size_t i = 0; r >= 0 && i < request->n_vfs; i++)
		r = sd_bus_message_append(
			m, "{su}", pr_name_of(&request->vfs[i].function).text, request->vfs[i].vfs);
	return close_list(m, r);
}

static int append_reserves(sd_bus_message *m, const struct pr_request *request)
{
	int r;

	if (request->n_reserves == 0)
		return 0;
	r = open_list(m, "reserves", "(sst)");
	for (size_t i = 0; r >= 0 && i < request->n_reserves; i++) {
		const struct pr_reserve *want = &request->reserves[i];

		r = sd_bus_message_append(m, "(sst)", pr_name_of(&want->bridge).text,
			pr_window_name(want->window), want->size);
	}
	return close_list(m, r);
}

static int append_resizes(sd_bus_message *m, const struct pr_request *request)
{
	int r;

	if (request->n_resizes == 0)
		return 0;
	r = open_list(m, "resize", "(syt)");
	for (size_t i = 0; r >= 0 && i < request->n_resizes; i++) {
		const struct pr_resize *want = &request->resizes[i];

		r = sd_bus_message_append(
			m, "(syt)", pr_name_of(&want->function).text, want->index, want->size);
	}
	return close_list(m, r);
}

static int append_replug(sd_bus_message *m, const struct pr_request *request)
{
	if (!request->replug)
		return 0;
	return sd_bus_message_append(m, "{sv}", "replug", "s", pr_name_of(request->replug).text);
}

static int append_shrink(sd_bus_message *m, const struct pr_request *request)
{
	return request->shrink ? sd_bus_message_append(m, "{sv}", "shrink", "b", 1) : 0;
}

static int append_request(
	sd_bus_message *call, const struct pr_request *request, const struct pr_policy *policy)
{
	int r = sd_bus_message_open_container(call, 'a', "{sv}");

	if (r >= 0)
		r = append_targets(call, request);
	if (r >= 0)
		r = sd_bus_message_append(
			call, "{sv}", "disruption", "s", pr_disruption_name(policy->limit));
	if (r >= 0)
		r = append_pins(call, policy);
	if (r >= 0)
		r = append_buses(call, request);
	if (r >= 0)
		r = append_vfs(call, request);
	if (r >= 0)
		r = append_reserves(call, request);
	if (r >= 0)
		r = append_resizes(call, request);
	if (r >= 0)
		r = append_shrink(call, request);
	if (r >= 0)
		r = append_replug(call, request);
	if (r >= 0)
		r = sd_bus_message_close_container(call);
	return r < 0 ? r : sd_bus_message_append(call, "t", UINT64_C(0));
}

static int create_plan(
	struct pr_remote *m, const struct pr_request *request, const struct pr_policy *policy)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	const char *path;
	int r;

	r = sd_bus_message_new_method_call(m->bus, &call, NAME, OBJECT, MANAGER, "CreatePlan");
	if (r >= 0)
		r = append_request(call, request, policy);
	if (r < 0)
		return pr_cli_failed(r, "cannot ask pciroomd");

	r = pr_remote_call(m, call, "pciroomd does not plan", &reply);
	if (r != PR_EXIT_OK)
		return r;
	r = sd_bus_message_read(reply, "o", &path);
	if (r < 0)
		return pr_cli_failed(r, "answer of pciroomd");

	free(m->plan);
	m->plan = strdup(path);
	return m->plan ? PR_EXIT_OK : pr_cli_failed(-ENOMEM, "cannot remember the plan");
}

/* ---- what it goes by ---- */

static int keep_name(char ***list, size_t *n, const char *device)
{
	char **grown = reallocarray(*list, *n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[*n] = strdup(device);
	return grown[*n] ? ((*n)++, 0) : -ENOMEM;
}

static int keep_reserve(struct pr_remote_policy *p, const struct pr_slot_reserve *reserve)
{
	struct pr_slot_reserve *grown =
		reallocarray(p->reserves, p->n_reserves + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	p->reserves = grown;
	grown[p->n_reserves] = *reserve;
	grown[p->n_reserves].slot = strdup(reserve->slot);
	return grown[p->n_reserves].slot ? (int)(p->n_reserves++, 0) : -ENOMEM;
}

void pr_remote_policy_deinit(struct pr_remote_policy *p)
{
	for (size_t i = 0; i < p->n_pinned; i++)
		free(p->pinned[i]);
	for (size_t i = 0; i < p->n_sized; i++)
		free(p->sized[i]);
	for (size_t i = 0; i < p->n_reserves; i++)
		free((char *)p->reserves[i].slot); /* ours, see keep_reserve() */
	free(p->pinned);
	free(p->sized);
	free(p->reserves);
	*p = (struct pr_remote_policy){ 0 };
}

static int read_names(sd_bus_message *m, char ***list, size_t *n)
{
	const char *device;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "s");
	while (r >= 0 && (r = sd_bus_message_read(m, "s", &device)) > 0)
		r = keep_name(list, n, device);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_pinned(sd_bus_message *m, struct pr_remote_policy *ret)
{
	return read_names(m, &ret->pinned, &ret->n_pinned);
}

static int read_sized(sd_bus_message *m, struct pr_remote_policy *ret)
{
	return read_names(m, &ret->sized, &ret->n_sized);
}

static int read_reserves(sd_bus_message *m, struct pr_remote_policy *ret)
{
	struct pr_slot_reserve s;
	uint32_t buses;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(stttu)");
	while (r >= 0 && (r = sd_bus_message_read(
				  m, "(stttu)", &s.slot, &s.io, &s.mem, &s.pref, &buses)) > 0) {
		s.buses = buses;
		r = keep_reserve(ret, &s);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_limit(sd_bus_message *m, struct pr_remote_policy *ret)
{
	const char *name;
	int r;

	r = sd_bus_message_read(m, "s", &name);
	if (r < 0)
		return r;
	return pr_disruption_parse(name, &ret->limit) ? 0 : -EBADMSG;
}

static int read_entry(sd_bus_message *m, struct pr_remote_policy *ret)
{
	static const struct {
		const char *key, *type;
		int (*read)(sd_bus_message *m, struct pr_remote_policy *ret);
	} rows[] = { { "Disruption", "s", read_limit }, { "Pinned", "as", read_pinned },
		{ "Sized", "as", read_sized }, { "Reserves", "a(stttu)", read_reserves } };
	const char *key;
	int r;

	r = sd_bus_message_read(m, "s", &key);
	for (size_t i = 0; i < ARRAY_SIZE(rows) && r >= 0; i++) {
		if (strcmp(key, rows[i].key) != 0)
			continue;
		r = sd_bus_message_enter_container(m, 'v', rows[i].type);
		if (r >= 0)
			r = rows[i].read(m, ret);
		return r < 0 ? r : sd_bus_message_exit_container(m);
	}
	/* of a newer service: the comparison of the plans tells what it means */
	return r < 0 ? r : sd_bus_message_skip(m, "v");
}

static int read_policy(sd_bus_message *m, struct pr_remote_policy *ret)
{
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = read_entry(m, ret);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

int pr_remote_plan(struct pr_remote *m, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_remote_policy *ret)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct pr_remote_policy p = { 0 };
	int r;

	r = create_plan(m, request, policy);
	if (r != PR_EXIT_OK)
		return r;

	r = sd_bus_get_property(m->bus, NAME, m->plan, PLAN, "Policy", &error, &reply, "a{sv}");
	if (r < 0)
		return pr_remote_failed(m, r, &error, "cannot read the plan of pciroomd");
	r = read_policy(reply, &p);
	if (r < 0) {
		pr_remote_policy_deinit(&p);
		return pr_cli_failed(r, "answer of pciroomd");
	}
	*ret = p;
	return PR_EXIT_OK;
}

/* ---- whether it comes to the same ---- */

struct plan_facts {
	char *id, *verdict, *why;
	uint64_t generation;
};

static void plan_facts_deinit(struct plan_facts *f)
{
	free(f->id);
	free(f->verdict);
	free(f->why);
}

static int read_plan(struct pr_remote *m, struct plan_facts *ret)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	const struct {
		const char *name;
		char **ret;
	} strings[] = { { "Id", &ret->id }, { "VerdictName", &ret->verdict },
		{ "Why", &ret->why } };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(strings) && r >= 0; i++)
		r = sd_bus_get_property_string(
			m->bus, NAME, m->plan, PLAN, strings[i].name, &error, strings[i].ret);
	if (r >= 0)
		r = sd_bus_get_property_trivial(
			m->bus, NAME, m->plan, PLAN, "Generation", &error, 't', &ret->generation);

	return r < 0 ? pr_remote_failed(m, r, &error, "cannot read the plan of pciroomd")
		     : PR_EXIT_OK;
}

int pr_remote_agrees(struct pr_remote *m, const struct pr_plan *plan)
{
	_cleanup_(plan_facts_deinit) struct plan_facts theirs = { 0 };
	int r;

	r = read_plan(m, &theirs);
	if (r != PR_EXIT_OK)
		return r;

	if (theirs.generation != plan->generation)
		return pr_cli_error("the machine changed while the plan was made; try again");
	if (strcmp(theirs.verdict, pr_verdict_name(plan->verdict)) == 0 &&
		(plan->verdict != PR_VERDICT_OK || strcmp(theirs.id, plan->id) == 0))
		return PR_EXIT_OK;

	return pr_cli_error("pciroomd plans otherwise than this command, so it may be of another "
			    "version: %s%s%s",
		theirs.verdict, *theirs.why ? ": " : "", theirs.why);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager object.  Handlers read, ask the service, answer; whoever changes
 * the machine has to be root, which sd-bus checks for every method without the
 * UNPRIVILEGED flag.  Answers that need a fresh look wait for it, the loop does not.
 */
#include "daemon/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

/* Devices that one request may name. */
#define ASKED_MAX 256u

/* Every way the service can say no, as clients see it; test-bus walks it for holes. */
static const char *const refusal_names[_PR_REFUSAL_MAX] = {
	[PR_REFUSAL_NO_SUCH_DEVICE] = "org.pciroom1.Error.NoSuchDevice",
	[PR_REFUSAL_STALE_PLAN] = "org.pciroom1.Error.StalePlan",
	[PR_REFUSAL_INFEASIBLE] = "org.pciroom1.Error.Infeasible",
	[PR_REFUSAL_IN_USE] = "org.pciroom1.Error.InUse",
	[PR_REFUSAL_BUSY] = "org.pciroom1.Error.Busy",
	[PR_REFUSAL_NOT_SUPPORTED] = "org.pciroom1.Error.NotSupported",
};

static int set_failure(sd_bus_error *error, int r, const struct pr_why *why)
{
	if (r < 0)
		return sd_bus_error_set_errno(error, r);
	return sd_bus_error_set(error, refusal_names[r], why->text);
}

static int not_supported(sd_bus_error *error, const char *what)
{
	return sd_bus_error_setf(error, refusal_names[PR_REFUSAL_NOT_SUPPORTED],
		"%s is not supported by this version", what);
}

/* ---- reading requests ---- */

static void strings_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void asked_deinit(struct pr_asked *a)
{
	strings_free(a->targets, a->n_targets);
	strings_free(a->pinned, a->n_pinned);
	*a = (struct pr_asked){ 0 };
}

/* The variant at hand, an array of strings. */
static int read_strings(sd_bus_message *m, char ***ret, size_t *ret_n)
{
	const char *s;
	char **grown;
	int r;

	r = sd_bus_message_enter_container(m, 'v', "as");
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'a', "s");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "s", &s)) > 0) {
		if (*ret_n == ASKED_MAX)
			return -E2BIG;
		grown = reallocarray(*ret, *ret_n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		*ret = grown;
		grown[*ret_n] = strdup(s);
		if (!grown[*ret_n])
			return -ENOMEM;
		(*ret_n)++;
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_disruption(sd_bus_message *m, enum pr_disruption *ret, sd_bus_error *error)
{
	enum pr_disruption d;
	const char *s;
	int r;

	r = sd_bus_message_read(m, "v", "s", &s);
	if (r < 0)
		return r;
	if (!pr_disruption_parse(s, &d) || d > PR_DISRUPTION_IN_USE)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
			"\"disruption\" is \"free\", \"restart\" or \"in-use\", not \"%s\"", s);
	*ret = d;
	return 0;
}

static int read_key(sd_bus_message *m, const char *key, struct pr_asked *ret, sd_bus_error *error)
{
	if (strcmp(key, "disruption") == 0)
		return read_disruption(m, &ret->limit, error);
	if (strcmp(key, "targets") == 0 && !ret->targets)
		return read_strings(m, &ret->targets, &ret->n_targets);
	if (strcmp(key, "pinned") == 0 && !ret->pinned)
		return read_strings(m, &ret->pinned, &ret->n_pinned);
	return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
		"unknown or repeated key \"%s\": targets, disruption and pinned are known", key);
}

/* a{sv} into @ret; sd-bus answers a negative errno with the error that goes with it. */
static int read_asked(sd_bus_message *m, struct pr_asked *ret, sd_bus_error *error)
{
	const char *key;
	int r;

	ret->limit = PR_DISRUPTION_RESTART;
	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r >= 0)
			r = read_key(m, key, ret, error);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_no_flags(sd_bus_message *m, sd_bus_error *error)
{
	uint64_t flags;
	int r;

	r = sd_bus_message_read(m, "t", &flags);
	if (r < 0)
		return r;
	return flags == 0 ? 0 : not_supported(error, "a flag of this call");
}

/* ---- calls that wait for a look ---- */

struct call {
	struct pr_bus *bus;
	sd_bus_message *m;
	struct pr_asked asked;
	int (*answer)(struct call *c, sd_bus_error *error); /* sends a reply, or returns an error */
};

static void call_free(struct call *c)
{
	sd_bus_message_unref(c->m);
	asked_deinit(&c->asked);
	free(c);
}

static void on_fresh(void *userdata, int error_number, const char *why)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct call *c = userdata;
	int r;

	if (error_number == -EBUSY)
		r = sd_bus_error_set(&error, refusal_names[PR_REFUSAL_BUSY], why);
	else if (error_number < 0)
		r = sd_bus_error_setf(
			&error, SD_BUS_ERROR_FAILED, "the machine cannot be read: %s", why);
	else
		r = c->answer(c, &error);
	if (r < 0)
		(void)sd_bus_reply_method_errno(c->m, r, &error); /* the client may be gone */
	call_free(c);
}

static struct call *call_new(
	struct pr_bus *b, sd_bus_message *m, int (*answer)(struct call *c, sd_bus_error *error))
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->bus = b;
	c->m = sd_bus_message_ref(m);
	c->answer = answer;
	return c;
}

/* Takes @c over. */
static int call_when_fresh(struct call *c, sd_bus_error *error)
{
	struct pr_why why = { "" };
	int r;

	r = pr_service_freshen(c->bus->service, on_fresh, c, &why);
	if (r == 0)
		return 1; /* answered, or will be */
	call_free(c);
	return set_failure(error, r, &why);
}

static int answer_topology(struct call *c, sd_bus_error *error)
{
	_cleanup_close_ int fd = pr_look_open(pr_service_last_look(c->bus->service));

	(void)error;
	if (fd < 0)
		return fd;
	return sd_bus_reply_method_return(c->m, "h", fd); /* which takes a duplicate */
}

static int method_get_topology(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct call *c;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	if (sd_bus_message_at_end(m, false) == 0)
		return not_supported(error, "an option of this call");
	c = call_new(userdata, m, answer_topology);
	return c ? call_when_fresh(c, error) : -ENOMEM;
}

static int sender_uid(sd_bus_message *m, uid_t *ret)
{
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
	int r;

	r = sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds);
	if (r < 0)
		return r;
	return sd_bus_creds_get_euid(creds, ret);
}

static int answer_plan(struct call *c, sd_bus_error *error)
{
	const struct pr_kept *kept = NULL;
	struct pr_why why = { "" };
	char path[PR_BUS_PATH_MAX];
	uid_t uid;
	int r;

	r = sender_uid(c->m, &uid);
	if (r < 0)
		return r;
	r = pr_service_plan(c->bus->service, &c->asked, uid, &kept, &why);
	if (r != 0)
		return set_failure(error, r, &why);
	pr_bus_plan_path(kept->number, path);
	return sd_bus_reply_method_return(c->m, "o", path);
}

static int method_create_plan(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct call *c = call_new(userdata, m, answer_plan);
	int r;

	if (!c)
		return -ENOMEM;
	r = read_asked(m, &c->asked, error);
	if (r >= 0)
		r = read_no_flags(m, error);
	if (r < 0) {
		call_free(c);
		return r;
	}
	return call_when_fresh(c, error);
}

/* ---- calls that change the machine ---- */

static int reply_job(sd_bus_message *m, const struct pr_job *job)
{
	char path[PR_BUS_PATH_MAX];

	pr_bus_job_path(job->id, path);
	return sd_bus_reply_method_return(m, "o", path);
}

static int method_apply_plan(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_bus *b = userdata;
	const struct pr_job *job = NULL;
	struct pr_why why = { "" };
	uint64_t generation, number;
	uint32_t confirm;
	const char *path;
	int r;

	r = sd_bus_message_read(m, "otu", &path, &generation, &confirm);
	if (r < 0)
		return r;
	r = read_no_flags(m, error);
	if (r < 0)
		return r;
	if (confirm != 0)
		return not_supported(error, "waiting for a confirmation");
	if (!pr_bus_number_of(path, PR_BUS_PLANS, &number))
		return sd_bus_error_setf(
			error, SD_BUS_ERROR_INVALID_ARGS, "%s is not a plan", path);
	r = pr_service_apply(b->service, number, generation, &job, &why);
	return r != 0 ? set_failure(error, r, &why) : reply_job(m, job);
}

static int method_rollback(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_bus *b = userdata;
	const struct pr_job *job = NULL;
	struct pr_why why = { "" };
	int r;

	r = pr_service_rollback(b->service, &job, &why);
	return r != 0 ? set_failure(error, r, &why) : reply_job(m, job);
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

static const sd_bus_vtable manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Mode", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("State", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Generation", "t", get_generation, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Lockdown", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY(
		"UnassignedCount", "u", get_unassigned, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_METHOD_WITH_ARGS("GetTopology", SD_BUS_ARGS("a{sv}", options),
		SD_BUS_RESULT("h", snapshot), method_get_topology, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("CreatePlan", SD_BUS_ARGS("a{sv}", request, "t", flags),
		SD_BUS_RESULT("o", plan), method_create_plan, SD_BUS_VTABLE_UNPRIVILEGED),
	/* These write hardware: no UNPRIVILEGED flag, so sd-bus turns away anyone but root. */
	SD_BUS_METHOD_WITH_ARGS("ApplyPlan",
		SD_BUS_ARGS("o", plan, "t", generation, "u", confirm_s, "t", flags),
		SD_BUS_RESULT("o", job), method_apply_plan, 0),
	SD_BUS_METHOD_WITH_ARGS(
		"Rollback", SD_BUS_NO_ARGS, SD_BUS_RESULT("o", job), method_rollback, 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobNew", SD_BUS_ARGS("u", id, "o", job), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobReport", SD_BUS_ARGS("o", job, "s", result, "s", text), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobRemoved", SD_BUS_ARGS("u", id, "o", job, "s", result), 0),
	SD_BUS_VTABLE_END,
};

/*
 * ---- announcing; a bus that cannot take a signal is about to be lost, and the loop ends with it
 * ----
 */

void pr_bus_changed(struct pr_bus *b, unsigned int what)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {
		{ PR_CHANGED_STATE, "State" },
		{ PR_CHANGED_GENERATION, "Generation" },
		{ PR_CHANGED_UNASSIGNED, "UnassignedCount" },
		{ PR_CHANGED_MODE, "Mode" },
		{ PR_CHANGED_LOCKDOWN, "Lockdown" },
	};
	char *list[ARRAY_SIZE(names) + 1] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (what & names[i].bit)
			list[n++] = (char *)names[i]
					    .name; /* sd-bus takes char **, and does not write */
	if (b->bus && n > 0)
		(void)sd_bus_emit_properties_changed_strv(
			b->bus, PR_BUS_PATH, PR_BUS_MANAGER, list);
}

void pr_bus_job_new(struct pr_bus *b, const struct pr_job *job)
{
	char path[PR_BUS_PATH_MAX];

	pr_bus_job_path(job->id, path);
	if (b->bus)
		(void)sd_bus_emit_signal(
			b->bus, PR_BUS_PATH, PR_BUS_MANAGER, "JobNew", "uo", job->id, path);
}

void pr_bus_job_step(struct pr_bus *b, const struct pr_job *job)
{
	char path[PR_BUS_PATH_MAX];

	pr_bus_job_path(job->id, path);
	if (b->bus)
		(void)sd_bus_emit_properties_changed(
			b->bus, path, PR_BUS_JOB, "Phase", "Step", NULL);
}

void pr_bus_job_removed(struct pr_bus *b, const struct pr_job *job, const struct pr_report *report)
{
	const char *result = pr_outcome_name(report->outcome);
	char path[PR_BUS_PATH_MAX];

	pr_bus_job_path(job->id, path);
	if (!b->bus)
		return;
	(void)sd_bus_emit_signal(b->bus, PR_BUS_PATH, PR_BUS_MANAGER, "JobReport", "oss", path,
		result, report->text);
	(void)sd_bus_emit_signal(
		b->bus, PR_BUS_PATH, PR_BUS_MANAGER, "JobRemoved", "uos", job->id, path, result);
}

int pr_bus_register(struct pr_bus *b, sd_bus *bus, struct pr_service *service)
{
	int r;

	*b = (struct pr_bus){ .bus = bus, .service = service };
	r = sd_bus_add_object_vtable(
		bus, &b->slots[0], PR_BUS_PATH, PR_BUS_MANAGER, manager_vtable, b);
	if (r < 0)
		return r;
	return pr_bus_register_plans(b);
}

void pr_bus_unregister(struct pr_bus *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(b->slots); i++)
		b->slots[i] = sd_bus_slot_unref(b->slots[i]);
	b->bus = NULL;
}

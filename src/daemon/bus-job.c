/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Job objects: the one plan that is being carried out, and what is announced of it.  There is an
 * object as long as the job runs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/utf8.h"
#include "daemon/bus-call.h"

void pr_bus_job_path(uint32_t id, char ret[PR_BUS_PATH_MAX])
{
	(void)snprintf(ret, PR_BUS_PATH_MAX, PR_BUS_JOBS "/%" PRIu32, id);
}

/* ---- the object ---- */

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
	const struct pr_job *job = pr_service_job(b->service);

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "s",
		job->preparing  ? "preparing"
		: job->changing ? "changing"
				: pr_state_name(pr_service_state(b->service)));
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

static int get_job_uid(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "u", (uint32_t)pr_service_job(b->service)->uid);
}

static int get_job_deadline(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "t", pr_service_job(b->service)->confirm_usec);
}

static int get_job_vetoes(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	char device[PR_BUS_DEVICE_PATH_MAX];
	struct pr_veto v;
	int r;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	r = sd_bus_message_open_container(reply, 'a', "(osss)");
	for (size_t i = 0; r >= 0 && pr_service_veto(b->service, i, &v); i++) {
		pr_bus_device_path(v.function, device);
		r = sd_bus_message_append(reply, "(osss)", device, v.mode, v.who, v.why);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int answer_cancel(struct pr_call *c, sd_bus_error *error)
{
	struct pr_why why = { "" };
	int r;

	r = pr_service_cancel(c->bus->service, (uint32_t)c->number, &why);
	return r != 0 ? pr_bus_refuse(error, r, &why) : sd_bus_reply_method_return(c->m, "");
}

static int answer_extend(struct pr_call *c, sd_bus_error *error)
{
	struct pr_why why = { "" };
	int r;

	r = pr_service_extend(c->bus->service, (uint32_t)c->number, c->confirm_s, &why);
	return r != 0 ? pr_bus_refuse(error, r, &why) : sd_bus_reply_method_return(c->m, "");
}

/* Whoever started the job may; others have to be allowed to start one. */
static int new_call(struct pr_bus *b, sd_bus_message *m,
	int (*answer)(struct pr_call *c, sd_bus_error *error), struct pr_call **ret,
	sd_bus_error *error)
{
	const struct pr_job *job = pr_service_job(b->service);
	int r;

	r = pr_call_new(b, m, answer, ret, error);
	if (r < 0)
		return r;
	(*ret)->number = job->id;
	if ((*ret)->uid != job->uid)
		pr_call_need(*ret, PR_ACTION_APPLY_SAFE);
	return 0;
}

static int method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_call *c;
	int r;

	r = new_call(userdata, m, answer_cancel, &c, error);
	return r < 0 ? r : pr_call_start(c, error);
}

static int method_extend(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_call *c;
	uint32_t seconds;
	int r;

	r = sd_bus_message_read(m, "u", &seconds);
	if (r < 0)
		return r;
	if (seconds < 1 || seconds > PR_CONFIRM_MAX_S)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
			"seconds from 1 to %u are wanted, not %" PRIu32, PR_CONFIRM_MAX_S, seconds);
	r = new_call(userdata, m, answer_extend, &c, error);
	if (r < 0)
		return r;
	c->confirm_s = seconds;
	return pr_call_start(c, error);
}

const sd_bus_vtable pr_bus_job_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Plan", "o", get_job_plan, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("StartedByUID", "u", get_job_uid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Phase", "s", get_job_phase, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Step", "(uu)", get_job_step, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("ConfirmDeadlineUSec", "t", get_job_deadline, 0,
		SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY(
		"Vetoes", "a(osss)", get_job_vetoes, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_METHOD_WITH_ARGS("ExtendTimeout", SD_BUS_ARGS("u", seconds), SD_BUS_NO_RESULT,
		method_extend, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_cancel,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static int enumerate(
	sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const struct pr_job *job = pr_service_job(b->service);
	char path[PR_BUS_PATH_MAX], **nodes = calloc(2, sizeof(*nodes));

	(void)bus;
	(void)prefix;
	(void)error;
	if (!nodes)
		return -ENOMEM;
	if (job) {
		pr_bus_job_path(job->id, path);
		nodes[0] = strdup(path);
	}
	*ret = nodes; /* sd-bus frees it, and the string */
	return 0;
}

int pr_bus_register_jobs(struct pr_bus *b)
{
	int r;

	r = sd_bus_add_fallback_vtable(
		b->bus, pr_bus_slot(b), PR_BUS_JOBS, PR_BUS_JOB, pr_bus_job_vtable, find_job, b);
	if (r < 0)
		return r;
	return sd_bus_add_node_enumerator(b->bus, pr_bus_slot(b), PR_BUS_JOBS, enumerate, b);
}

/* ---- announcing; a bus that cannot take a signal is about to be lost, and the loop ends with it ---- */

void pr_bus_job_new(struct pr_bus *b, const struct pr_job *job)
{
	char path[PR_BUS_PATH_MAX];

	pr_bus_job_path(job->id, path);
	if (!b->bus)
		return;
	(void)sd_bus_emit_interfaces_added(b->bus, path, PR_BUS_JOB, NULL);
	(void)sd_bus_emit_signal(
		b->bus, PR_BUS_PATH, PR_BUS_MANAGER, "JobNew", "uo", job->id, path);
}

void pr_bus_job_changed(struct pr_bus *b, const struct pr_job *job, unsigned int what)
{
	static const struct pr_bus_bit bits[] = {
		{ PR_JOB_PHASE, "Phase" },
		{ PR_JOB_STEPS, "Step" },
		{ PR_JOB_DEADLINE, "ConfirmDeadlineUSec" },
		{ PR_JOB_VETOES, "Vetoes" },
	};
	char path[PR_BUS_PATH_MAX];

	pr_bus_job_path(job->id, path);
	pr_bus_emit_changed(b, path, PR_BUS_JOB, bits, ARRAY_SIZE(bits), what);
}

void pr_bus_job_removed(struct pr_bus *b, const struct pr_job *job, const struct pr_report *report)
{
	const char *result = pr_outcome_name(report->outcome);
	char path[PR_BUS_PATH_MAX], text[sizeof(report->text)];

	pr_bus_job_path(job->id, path);
	if (!b->bus)
		return;
	memcpy(text, report->text, sizeof(text));
	pr_utf8_mend(text); /* it may be cut off anywhere */
	(void)sd_bus_emit_signal(
		b->bus, PR_BUS_PATH, PR_BUS_MANAGER, "JobReport", "oss", path, result, text);
	(void)sd_bus_emit_signal(
		b->bus, PR_BUS_PATH, PR_BUS_MANAGER, "JobRemoved", "uos", job->id, path, result);
	(void)sd_bus_emit_interfaces_removed(b->bus, path, PR_BUS_JOB, NULL);
}

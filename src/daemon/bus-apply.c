/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods of the manager that start a job or end its wait, and what one has to be allowed for them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/bus-call.h"
#include "daemon/bus-request.h"

/* Flags of Replug. */
#define REPLUG_LINK_OFF UINT64_C(1)

/* ---- ApplyPlan ---- */

static int reply_job(sd_bus_message *m, const struct pr_job *job)
{
	char path[PR_BUS_PATH_MAX];

	pr_bus_job_path(job->id, path);
	return sd_bus_reply_method_return(m, "o", path);
}

static int answer_apply(struct pr_call *c, sd_bus_error *error)
{
	const struct pr_terms terms = { .confirm_s = c->confirm_s, .lease = -1 };
	const struct pr_job *job = NULL;
	struct pr_why why = { "" };
	int r;

	r = pr_service_apply(c->bus->service, c->number, c->generation, c->uid, &terms, &job, &why);
	return r != 0 ? pr_bus_refuse(error, r, &why) : reply_job(c->m, job);
}

/* What rules may look at, and prompts show. */
static void add_details(struct pr_call *c, const struct pr_plan *p)
{
	struct pr_text list = { 0 };
	char address[PR_ADDRESS_MAX], *devices = NULL;

	pr_call_detail(c, "plan", strdup(p->id));
	pr_call_detail(c, "disruption", strdup(pr_disruption_name(pr_plan_disruption(p))));
	for (size_t i = 0; i < p->n_affected; i++) {
		pr_address_format(&p->affected[i].function->address, address);
		pr_text_printf(&list, "%s%s", i > 0 ? " " : "", address);
	}
	(void)pr_text_take(&list, &devices, NULL); /* NULL is told */
	pr_call_detail(c, "devices", devices);
}

/*
 * What a plan does to others decides what its caller has to be allowed.  A plan never changes and
 * its number is never given again, so that the answer is good for what is applied.
 */
static void need_for_plan(struct pr_call *c, const struct pr_plan *p)
{
	bool disruptive = pr_plan_disruption(p) >= PR_DISRUPTION_IN_USE;

	if (p->cost.renumbered > 0)
		pr_call_need(c, PR_ACTION_RENUMBER);
	if (disruptive)
		pr_call_need(c, PR_ACTION_APPLY_DISRUPTIVE);
	else if (p->cost.renumbered == 0)
		pr_call_need(c, PR_ACTION_APPLY_SAFE);
	add_details(c, p);
}

/* "otut": plan, generation, seconds, of @known_flags some. */
static int read_arguments(struct pr_call *c, uint64_t known_flags, sd_bus_error *error)
{
	const char *path;
	int r;

	r = sd_bus_message_read(c->m, "otut", &path, &c->generation, &c->confirm_s, &c->flags);
	if (r < 0)
		return r;
	if (c->flags & ~known_flags)
		return pr_bus_not_supported(error, "a flag of this call");
	if (c->confirm_s > PR_CONFIRM_MAX_S)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
			"a job waits for somebody for at most %u seconds", PR_CONFIRM_MAX_S);
	if (!pr_bus_number_of(path, PR_BUS_PLANS, &c->number))
		return sd_bus_error_setf(
			error, SD_BUS_ERROR_INVALID_ARGS, "%s is not a plan of this machine", path);
	return 0;
}

static int new_call(struct pr_bus *b, sd_bus_message *m, uint64_t known_flags,
	int (*answer)(struct pr_call *c, sd_bus_error *error), struct pr_call **ret,
	sd_bus_error *error)
{
	struct pr_call *c;
	int r;

	r = pr_call_new(b, m, answer, &c, error);
	if (r < 0)
		return r;
	r = read_arguments(c, known_flags, error);
	if (r < 0) {
		pr_call_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

int pr_bus_method_apply_plan(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_bus *b = userdata;
	const struct pr_kept *kept;
	struct pr_call *c;
	int r;

	r = new_call(b, m, 0, answer_apply, &c, error);
	if (r < 0)
		return r;
	kept = pr_keep_find(pr_service_plans(b->service), c->number);
	if (kept)
		need_for_plan(c, kept->plan);
	else
		pr_call_need(c, PR_ACTION_APPLY_SAFE); /* to be told that it is not there */
	return pr_call_start(c, error);
}

/* ---- Replug ---- */

static int replug(struct pr_call *c, const int lease[2], sd_bus_error *error)
{
	const struct pr_terms terms = {
		.lease = lease[0], .change_s = c->confirm_s, .link_off = c->flags & REPLUG_LINK_OFF
	};
	const struct pr_job *job = NULL;
	struct pr_why why = { "" };
	char path[PR_BUS_PATH_MAX];
	int r;

	r = pr_service_apply(c->bus->service, c->number, c->generation, c->uid, &terms, &job, &why);
	if (r != 0) {
		(void)close(lease[0]); /* nobody reads it */
		return pr_bus_refuse(error, r, &why);
	}
	pr_bus_job_path(job->id, path);
	return sd_bus_reply_method_return(c->m, "oh", path, lease[1]); /* which takes a duplicate */
}

static int answer_replug(struct pr_call *c, sd_bus_error *error)
{
	int lease[2], r;

	if (pipe2(lease, O_CLOEXEC) < 0)
		return -errno;
	r = replug(c, lease, error);
	(void)close(lease[1]); /* the client's is another descriptor */
	return r;
}

/* A card is gone for as long as a program takes: that disturbs, whoever uses it. */
int pr_bus_method_replug(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_bus *b = userdata;
	const struct pr_kept *kept;
	struct pr_call *c;
	int r;

	r = new_call(b, m, REPLUG_LINK_OFF, answer_replug, &c, error);
	if (r < 0)
		return r;
	if (c->confirm_s == 0) {
		pr_call_free(c);
		return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
			"a card is not away for ever: seconds are wanted");
	}
	pr_call_need(c, PR_ACTION_APPLY_DISRUPTIVE);
	kept = pr_keep_find(pr_service_plans(b->service), c->number);
	if (kept)
		add_details(c, kept->plan);
	return pr_call_start(c, error);
}

/* ---- Rollback, Confirm ---- */

static int answer_rollback(struct pr_call *c, sd_bus_error *error)
{
	const struct pr_job *job = NULL;
	struct pr_why why = { "" };
	int r;

	r = pr_service_rollback(c->bus->service, c->uid, &job, &why);
	return r != 0 ? pr_bus_refuse(error, r, &why) : reply_job(c->m, job);
}

int pr_bus_method_rollback(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_call *c;
	int r;

	r = pr_call_new(userdata, m, answer_rollback, &c, error);
	if (r < 0)
		return r;
	pr_call_need(c, PR_ACTION_APPLY_SAFE);
	return pr_call_start(c, error);
}

static int answer_confirm(struct pr_call *c, sd_bus_error *error)
{
	struct pr_why why = { "" };
	int r;

	r = pr_service_confirm(c->bus->service, &why);
	return r != 0 ? pr_bus_refuse(error, r, &why) : sd_bus_reply_method_return(c->m, NULL);
}

int pr_bus_method_confirm(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct pr_call *c;
	int r;

	r = pr_call_new(userdata, m, answer_confirm, &c, error);
	if (r < 0)
		return r;
	pr_call_need(c, PR_ACTION_APPLY_SAFE);
	return pr_call_start(c, error);
}

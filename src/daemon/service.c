/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service's state, and what is asked about it.  Looks are service-look.c's, jobs
 * service-job.c's, what is decided decide.c's, what clients want requests.c's.
 */
#include "daemon/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "daemon/log.h"
#include "daemon/say.h"
#include "daemon/service-private.h"

static const char *const state_names[_PR_STATE_MAX] = {
	[PR_STATE_IDLE] = "idle",
	[PR_STATE_SETTLING] = "settling",
	[PR_STATE_PLANNING] = "planning",
	[PR_STATE_APPLYING] = "applying",
	[PR_STATE_CONFIRM_WAIT] = "confirm-wait",
	[PR_STATE_ROLLING_BACK] = "rolling-back",
	[PR_STATE_DEGRADED] = "degraded",
};

const char *pr_state_name(enum pr_state s)
{
	return state_names[s];
}

int pr_service_new(const struct pr_service_ops *ops, void *userdata, struct pr_service **ret)
{
	struct pr_service *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->ops = ops;
	s->userdata = userdata;
	pr_conf_init(&s->conf);
	*ret = s;
	return 0;
}

void pr_service_set_root(struct pr_service *s, const char *root)
{
	s->root = root;
}

void pr_service_free(struct pr_service *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_waiters; i++)
		s->waiters[i].done(s->waiters[i].userdata, -ESHUTDOWN, "the service stops");
	if (s->job.id)
		pr_closep(&s->job.terms.lease);
	pr_keep_deinit(&s->keep);
	pr_look_unref(s->look);
	pr_service_forget(s);
	pr_told_deinit(&s->dead);
	pr_told_deinit(&s->armed);
	pr_told_deinit(&s->lacking);
	free(s->told_note);
	pr_conf_deinit(&s->conf);
	free(s);
}

enum pr_state pr_service_state(const struct pr_service *s)
{
	if (s->job.id && (s->job.recovering || s->job.undoing))
		return PR_STATE_ROLLING_BACK;
	if (s->job.id)
		return s->job.waiting ? PR_STATE_CONFIRM_WAIT : PR_STATE_APPLYING;
	if (s->looking || s->deciding)
		return PR_STATE_PLANNING;
	if (s->settling)
		return PR_STATE_SETTLING;
	return s->look_bad || s->lost || s->recovery_wanted ? PR_STATE_DEGRADED : PR_STATE_IDLE;
}

void pr_service_notify(struct pr_service *s, enum pr_state before, unsigned int what)
{
	if (pr_service_state(s) != before)
		what |= PR_CHANGED_STATE;
	if (what)
		s->ops->changed(s->userdata, what);
}

void pr_service_configure(struct pr_service *s, struct pr_conf *conf)
{
	unsigned int what = conf->mode != s->conf.mode ? PR_CHANGED_MODE : 0;

	pr_conf_deinit(&s->conf);
	s->conf = *conf;
	pr_conf_init(conf);
	pr_service_forget(s);
	pr_service_notify(s, pr_service_state(s), what);
	if (s->look)
		pr_service_look(s);
}

/* Whose state is another than what was told last. */
void pr_service_tell_plans(struct pr_service *s)
{
	for (size_t i = 0; i < s->keep.n; i++) {
		struct pr_kept *p = s->keep.plans[i];
		const char *state = pr_kept_state(p, pr_service_generation(s));

		if (strcmp(state, p->told_state) == 0)
			continue;
		p->told_state = state;
		s->ops->plan(s->userdata, p->number, PR_PLAN_STATE);
	}
}

int pr_service_keep(struct pr_service *s, struct pr_look *look, struct pr_wish *wish,
	struct pr_plan *plan, uid_t uid, struct pr_kept **ret)
{
	uint64_t gone;
	int r;

	r = pr_keep_add(&s->keep, look, wish, plan, uid, ret, &gone);
	if (r < 0)
		return r;
	(*ret)->told_state = pr_kept_state(*ret, pr_service_generation(s));
	if (gone)
		s->ops->plan(s->userdata, gone, PR_PLAN_GONE);
	s->ops->plan(s->userdata, (*ret)->number, PR_PLAN_NEW);
	return 0;
}

void pr_service_retry(struct pr_service *s)
{
	if (s->recovery_wanted && !s->job.id && pr_service_run(s, NULL, PR_UID_NOBODY, NULL) < 0)
		s->ops->retry(s->userdata);
	if (s->look_failures > 0 && !s->looking && !s->stopping)
		pr_service_look(s);
}

void pr_service_journal_damaged(struct pr_service *s, const char *name)
{
	s->lost = true;
	pr_log(PR_EVENT_LOST, LOG_CRIT, NULL,
		"The journal is damaged and kept as \"%s\": if a plan was interrupted, look for devices that are missing",
		name);
}

void pr_service_start(struct pr_service *s, bool pending)
{
	s->recovery_wanted = pending;
	if (!pending)
		pr_service_look(s);
	else
		pr_service_retry(s);
}

void pr_service_stop(struct pr_service *s)
{
	s->stopping = true;
	if (s->job.id && s->job.preparing)
		pr_service_finish(s, &(struct pr_report){ .outcome = PR_OUTCOME_CANCELLED,
					     .text = "the service stops; nothing was begun" });
}

/* ---- questions ---- */

enum pr_mode pr_service_mode(const struct pr_service *s)
{
	return s->conf.mode;
}

uint64_t pr_service_generation(const struct pr_service *s)
{
	return s->look ? s->look->topology->generation : 0;
}

uint32_t pr_service_unassigned(const struct pr_service *s)
{
	return s->unassigned;
}

const char *pr_service_lockdown(const struct pr_service *s)
{
	return s->look ? pr_say_lockdown(s->look->topology) : "unknown";
}

const struct pr_job *pr_service_job(const struct pr_service *s)
{
	return s->job.id ? &s->job : NULL;
}

const struct pr_keep *pr_service_plans(const struct pr_service *s)
{
	return &s->keep;
}

const struct pr_look *pr_service_last_look(const struct pr_service *s)
{
	return s->look;
}

const struct pr_conf *pr_service_conf(const struct pr_service *s)
{
	return &s->conf;
}

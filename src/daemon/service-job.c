/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service's jobs, from their beginning to what follows from their ends:
 * steps, waiting, recovery.  Before the beginning is prepare.c's.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/macros.h"
#include "daemon/foreign.h"
#include "daemon/log.h"
#include "daemon/say.h"
#include "daemon/service-private.h"

/* Children that may try to finish one interrupted run before the service gives up. */
#define RECOVERY_ATTEMPTS 3
/* Retries of a recovery whose back end fails; then an administrator has to ask for the next. */
#define UNFINISHED_MAX 30

static struct pr_log_fields job_fields(const struct pr_job *job)
{
	return (struct pr_log_fields){
		.job = job->id,
		.plan = job->plan ? job->plan->plan->id : NULL,
		.device = job->device[0] ? job->device : NULL,
	};
}

static void init_job(
	struct pr_service *s, struct pr_kept *plan, uid_t uid, const struct pr_terms *terms)
{
	const struct pr_plan *p = plan ? plan->plan : NULL;

	s->job = (struct pr_job){
		.id = ++s->last_job,
		.plan = plan,
		.uid = uid,
		.automatic = uid == PR_UID_NOBODY,
		.recovering = !plan,
		.terms = terms ? *terms : (struct pr_terms){ .lease = -1 },
	};
	if (p && p->n_targets > 0)
		pr_address_format(&p->targets[0]->address, s->job.device);
	else if (p && p->replugs && p->n_removed > 0)
		pr_address_format(&p->removed[0]->address, s->job.device);
}

static void log_start(const struct pr_job *job)
{
	struct pr_log_fields f = job_fields(job);

	if (job->plan)
		pr_log(PR_EVENT_APPLY_STARTED, LOG_NOTICE, &f, "Carrying out plan %s%s: %s", f.plan,
			job->automatic ? " by itself" : "", pr_say_plan(job->plan->plan).text);
	else
		pr_log(PR_EVENT_RECOVERY, LOG_WARNING, &f,
			"Looking for a run that was interrupted, to bring back what it removed");
}

int pr_service_begin(struct pr_service *s)
{
	int r;

	r = s->ops->run(s->userdata, &s->job);
	if (r < 0)
		return r;
	s->look_torn = s->looking;
	log_start(&s->job);
	return 0;
}

int pr_service_run(
	struct pr_service *s, struct pr_kept *plan, uid_t uid, const struct pr_terms *terms)
{
	enum pr_state before = pr_service_state(s);
	int r;

	if (s->stopping)
		return -ESHUTDOWN;
	init_job(s, plan, uid, terms);
	if (plan)
		plan->running = true;
	r = plan ? pr_service_prepare(s) : pr_service_begin(s);
	if (r < 0) {
		if (plan)
			plan->running = false;
		s->job.id = 0;
		return r;
	}
	pr_service_tell_plans(s);
	s->ops->job_new(s->userdata, &s->job);
	if (plan)
		s->ops->prepare(s->userdata, &s->job, true, s->prepared_usec);
	pr_service_notify(s, before, 0);
	return 0;
}

void pr_service_job_changing(struct pr_service *s)
{
	struct pr_log_fields f = job_fields(&s->job);

	if (!s->job.plan || s->job.recovering)
		return; /* news of a child that has died since */
	s->job.changing = true;
	s->job.confirm_usec = pr_boot_usec() + s->job.terms.change_s * UINT64_C(1000000);
	pr_log(PR_EVENT_STEP, LOG_NOTICE, &f,
		"The card is away and may be changed; it comes back as it is after %u s",
		s->job.terms.change_s);
	s->ops->job_changed(s->userdata, &s->job, PR_JOB_PHASE | PR_JOB_DEADLINE);
}

static void end_change(struct pr_service *s)
{
	s->job.changing = false;
	s->job.confirm_usec = 0;
	s->ops->job_changed(s->userdata, &s->job, PR_JOB_PHASE | PR_JOB_DEADLINE);
}

void pr_service_job_step(struct pr_service *s, size_t step, bool done)
{
	struct pr_job *job = &s->job;
	struct pr_log_fields f = job_fields(job);

	if (!job->plan || step >= job->plan->plan->n_steps)
		return;
	if (job->changing)
		end_change(s);
	job->step = done ? step + 1 : step;
	job->begun = step + 1;
	if (!done)
		pr_log(PR_EVENT_STEP, LOG_INFO, &f, "Step %zu of %zu: %s", step + 1,
			job->plan->plan->n_steps, pr_say_step(&job->plan->plan->steps[step]).text);
	s->ops->job_changed(s->userdata, job, PR_JOB_STEPS);
}

void pr_service_job_waiting(struct pr_service *s)
{
	enum pr_state before = pr_service_state(s);
	struct pr_log_fields f = job_fields(&s->job);

	if (!s->job.plan || s->job.recovering)
		return; /* news of a child that has died since */
	s->job.waiting = true;
	s->job.confirm_usec = pr_boot_usec() + s->job.terms.confirm_s * UINT64_C(1000000);
	pr_log(PR_EVENT_STEP, LOG_NOTICE, &f,
		"All is done; undone in %u s, unless \"pciroom confirm\" keeps it",
		s->job.terms.confirm_s);
	s->ops->job_changed(s->userdata, &s->job, PR_JOB_PHASE | PR_JOB_DEADLINE);
	pr_service_notify(s, before, 0);
}

void pr_service_job_undoing(struct pr_service *s)
{
	enum pr_state before = pr_service_state(s);

	if (!s->job.plan || s->job.recovering)
		return; /* news of a child that has died since */
	s->job.undoing = true;
	s->job.changing = false;
	s->job.confirm_usec = 0;
	s->ops->job_changed(s->userdata, &s->job, PR_JOB_PHASE | PR_JOB_DEADLINE);
	pr_service_notify(s, before, 0);
}

void pr_service_device(struct pr_service *s, bool added, const char *name)
{
	struct pr_job *job = &s->job;
	struct pr_log_fields f = job_fields(job);
	struct pr_address a;

	if (!job->id || !job->plan || job->recovering || job->waiting || job->undoing ||
		job->interrupted || !pr_address_parse(name, &a) ||
		pr_plan_expects(job->plan->plan, job->begun, added, &a))
		return;
	job->interrupted = true;
	f.device = name;
	pr_log(PR_EVENT_STEP, LOG_WARNING, &f,
		"%s has %s, which is none of this plan: it stops after the step at hand", name,
		added ? "come" : "gone");
	s->ops->interrupt(s->userdata);
}

static void log_outcome(const struct pr_job *job, const struct pr_report *report)
{
	static const struct {
		enum pr_event event;
		int priority;
	} rows[_PR_OUTCOME_MAX] = {
		[PR_OUTCOME_DONE] = { PR_EVENT_APPLIED, LOG_NOTICE },
		[PR_OUTCOME_DIFFERS] = { PR_EVENT_APPLIED, LOG_WARNING },
		[PR_OUTCOME_ROLLED_BACK] = { PR_EVENT_NOT_APPLIED, LOG_WARNING },
		[PR_OUTCOME_LOST] = { PR_EVENT_LOST, LOG_CRIT },
		[PR_OUTCOME_STALE] = { PR_EVENT_NOT_APPLIED, LOG_NOTICE },
		[PR_OUTCOME_CANCELLED] = { PR_EVENT_NOT_APPLIED, LOG_WARNING },
	};
	struct pr_log_fields f = job_fields(job);

	f.outcome = pr_outcome_name(report->outcome);
	pr_log(rows[report->outcome].event, rows[report->outcome].priority, &f, "%s %s (%s): %s",
		job->plan ? "Plan" : "Bringing back", job->plan ? f.plan : "ended", f.outcome,
		report->text);
}

/*
 * What is pending is tried again, by itself while there is hope; after a job that could not be
 * begun (no helper, somebody else at work), for ever.  Not after a Rollback on suspicion.
 */
static void judge_recovery(
	struct pr_service *s, const struct pr_job *job, const struct pr_report *report)
{
	if (report->pending) {
		s->recovery_wanted = ++s->unfinished < UNFINISHED_MAX;
	} else if (report->outcome != PR_OUTCOME_CANCELLED) {
		s->recovery_wanted = false;
		s->unfinished = 0;
	} else if (job->recovering && (job->plan || job->automatic)) {
		s->recovery_wanted = true;
	}
}

/* A loss is one until a run ends well, or a recovery: what was undone has brought nothing back. */
static bool is_lost(
	const struct pr_service *s, const struct pr_job *job, const struct pr_report *report)
{
	const bool well = report->outcome == PR_OUTCOME_DONE ||
			  report->outcome == PR_OUTCOME_DIFFERS ||
			  (!job->plan && report->outcome == PR_OUTCOME_ROLLED_BACK);

	return report->outcome == PR_OUTCOME_LOST || report->pending || (s->lost && !well);
}

void pr_service_finish(struct pr_service *s, const struct pr_report *report)
{
	enum pr_state before = pr_service_state(s);
	struct pr_job job = s->job;

	log_outcome(&job, report);
	s->job.id = 0;
	pr_closep(&job.terms.lease);
	if (job.preparing)
		s->ops->wait_until(s->userdata, 0);
	if (job.plan)
		s->ops->prepare(s->userdata, &job, false, 0);
	s->lost = is_lost(s, &job, report);
	judge_recovery(s, &job, report);
	if (s->recovery_wanted && !s->stopping)
		s->ops->retry(s->userdata);
	pr_service_remember(s, &job, report);
	s->ops->job_removed(s->userdata, &job, report);
	if (job.plan) {
		job.plan->running = false;
		job.plan->applied =
			report->outcome == PR_OUTCOME_DONE || report->outcome == PR_OUTCOME_DIFFERS;
		pr_service_tell_plans(s);
	}
	if (!s->stopping)
		pr_service_look(s);
	pr_service_notify(s, before, 0);
}

/* The child died: what it began is finished by another, as the same job. */
static bool recover_job(struct pr_service *s)
{
	enum pr_state before = pr_service_state(s);
	bool waited = s->job.waiting || s->job.changing;
	struct pr_log_fields f = job_fields(&s->job);

	if (s->stopping || s->job.attempts == RECOVERY_ATTEMPTS)
		return false;
	s->job.attempts++;
	s->job.recovering = true;
	s->job.waiting = s->job.changing = false;
	s->job.confirm_usec = 0;
	pr_log(PR_EVENT_RECOVERY, LOG_ERR, &f,
		"The process that carried out the plan died; what it removed is brought back");
	if (s->ops->run(s->userdata, &s->job) < 0)
		return false;
	s->ops->job_changed(
		s->userdata, &s->job, waited ? PR_JOB_PHASE | PR_JOB_DEADLINE : PR_JOB_PHASE);
	pr_service_notify(s, before, 0);
	return true;
}

void pr_service_job_ended(struct pr_service *s, const struct pr_report *report)
{
	static const struct pr_report died = {
		.outcome = PR_OUTCOME_LOST,
		.text = "the processes that carried it out died; run \"pciroom rollback\"",
	};
	/* what the recovery calls done is that it had nothing to do, not that the plan was carried out */
	static const struct pr_report unfinished = {
		.outcome = PR_OUTCOME_ROLLED_BACK,
		.text = "the process that carried it out died; nothing was left to be brought back",
	};

	if (report && s->job.plan && s->job.recovering && report->outcome == PR_OUTCOME_DONE)
		pr_service_finish(s, &unfinished);
	else if (report)
		pr_service_finish(s, report);
	else if (!recover_job(s))
		pr_service_finish(s, &died);
}

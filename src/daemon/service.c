/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service's state: looks, jobs and what follows from their ends.  What is
 * decided about what was seen is decide.c's, what clients want is requests.c's.
 */
#include "daemon/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "daemon/foreign.h"
#include "daemon/log.h"
#include "daemon/say.h"
#include "daemon/service-private.h"
#include "daemon/worker.h"

/* Children that may try to finish one interrupted run before the service gives up. */
#define RECOVERY_ATTEMPTS 3
/* Looks that are tried again by themselves after one that failed. */
#define LOOK_RETRIES 30
/* Retries of a recovery whose back end fails; then an administrator has to ask for the next. */
#define UNFINISHED_MAX 30

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
	free(s->told_note);
	pr_conf_deinit(&s->conf);
	free(s);
}

enum pr_state pr_service_state(const struct pr_service *s)
{
	if (s->job.id && s->job.recovering)
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

/* ---- looks ---- */

/* With an error all of them; else those who have heard of nothing that the last look did not see. */
static void answer_waiters(struct pr_service *s, int error, const char *why)
{
	struct pr_waiter waiters[PR_WAITERS_MAX];
	size_t n = 0, kept = 0;

	/* An answer may bring a new waiter; that one waits for the next look. */
	for (size_t i = 0; i < s->n_waiters; i++) {
		if (error == 0 && s->waiters[i].settlings > s->look_settlings)
			s->waiters[kept++] = s->waiters[i];
		else
			waiters[n++] = s->waiters[i];
	}
	s->n_waiters = kept;
	for (size_t i = 0; i < n; i++)
		waiters[i].done(waiters[i].userdata, error, why);
}

/* Looks now; in the middle of a job or of another look, after it. */
void pr_service_look(struct pr_service *s)
{
	enum pr_state before = pr_service_state(s);
	int r;

	if (s->job.id || s->looking) {
		s->look_again = true;
		return;
	}
	s->look_again = false;
	s->look_torn = false;
	s->looking = true;
	s->look_settlings = s->settlings;
	r = s->ops->look(s->userdata);
	if (r < 0) {
		pr_service_look_failed(s, strerror(-r));
		return;
	}
	pr_service_notify(s, before, 0);
}

void pr_service_look_failed(struct pr_service *s, const char *why)
{
	enum pr_state before = pr_service_state(s);

	s->looking = false;
	s->look_bad = true;
	/* an event may never come: tried again, told once */
	if (s->look_failures++ == 0)
		pr_log(PR_EVENT_LOOK_FAILED, LOG_ERR, NULL, "The machine cannot be read: %s", why);
	if (s->look_failures <= LOOK_RETRIES && !s->stopping)
		s->ops->retry(s->userdata);
	answer_waiters(s, -EIO, why);
	pr_service_notify(s, before, 0);
	if (s->look_again)
		pr_service_look(s);
}

static uint32_t count_unassigned(const struct pr_topology *t)
{
	enum pr_health h;
	uint32_t n = 0;

	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions; j++) {
			h = pr_function_health(&t->roots[i]->functions[j]);
			n += h == PR_HEALTH_UNASSIGNED || h == PR_HEALTH_NO_BUS;
		}
	}
	return n;
}

/* The new look in place of the old one; what a client can see of the difference. */
static unsigned int replace_look(struct pr_service *s, struct pr_look *taken)
{
	struct pr_look *old = s->look;
	uint64_t generation = pr_service_generation(s);
	uint32_t unassigned = s->unassigned;
	unsigned int what = 0;

	if (!old || strcmp(pr_say_lockdown(old->topology), pr_say_lockdown(taken->topology)) != 0)
		what |= PR_CHANGED_LOCKDOWN;
	s->look = taken;
	s->unassigned = count_unassigned(taken->topology);
	if (pr_service_generation(s) != generation)
		what |= PR_CHANGED_GENERATION;
	if (s->unassigned != unassigned)
		what |= PR_CHANGED_UNASSIGNED;
	s->ops->looked(s->userdata, old ? old->topology : NULL);
	pr_look_unref(old);
	pr_service_tell_plans(s);
	return what;
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

/* What could not be seen, once and not at every look. */
static void tell_note(struct pr_service *s, const char *note)
{
	s->look_bad = note[0] != '\0';
	if (s->told_note && strcmp(s->told_note, note) == 0)
		return;
	if (note[0])
		pr_log(PR_EVENT_LOOK_FAILED, LOG_WARNING, NULL,
			"Not all of the machine is seen: %s", note);
	free(s->told_note);
	s->told_note = strdup(note); /* NULL: it will be told again, no more */
}

void pr_service_looked(struct pr_service *s, struct pr_look *taken, const char *note)
{
	enum pr_state before = pr_service_state(s);
	unsigned int what;

	s->looking = false;
	/* it saw the machine in pieces; there will be another when the job has ended */
	if (s->job.id) {
		pr_look_unref(taken);
		answer_waiters(s, -EBUSY, "a plan is being carried out");
		return;
	}
	if (s->look_torn) {
		pr_look_unref(taken);
		pr_service_look(s);
		pr_service_notify(s, before, 0);
		return;
	}
	s->look_failures = 0;
	tell_note(s, note);
	what = replace_look(s, taken);
	if (!s->stopping) {
		pr_service_decide(s);
		pr_service_examine(s);
	}
	pr_service_notify(s, before, what);
	answer_waiters(s, 0, "");
	if (s->look_again)
		pr_service_look(s);
}

int pr_service_freshen(struct pr_service *s, bool trusted, pr_service_fresh_fn *done,
	void *userdata, struct pr_why *why)
{
	const uint64_t fresh_usec = trusted ? 2000000 : 15000000;

	if (s->job.id || s->recovery_wanted) {
		(void)snprintf(why->text, sizeof(why->text), "%s",
			s->job.id ? "a plan is being carried out"
				  : "an interrupted run has to be finished first");
		return PR_REFUSAL_BUSY;
	}
	if (!s->looking && !s->settling && s->look &&
		pr_now_usec() - s->look->began_usec < fresh_usec) {
		done(userdata, 0, "");
		return 0;
	}
	if (s->n_waiters == PR_WAITERS_MAX) {
		(void)snprintf(why->text, sizeof(why->text), "too many requests wait");
		return PR_REFUSAL_BUSY;
	}
	/* something has happened: the look that sees it comes when all is quiet */
	s->waiters[s->n_waiters++] =
		(struct pr_waiter){ done, userdata, s->settlings + (s->settling ? 1 : 0) };
	if (!s->looking && !s->settling)
		pr_service_look(s);
	return 0;
}

/* ---- hot-plug ---- */

void pr_service_unsettled(struct pr_service *s)
{
	enum pr_state before = pr_service_state(s);

	s->settling = true;
	if (!s->job.id)
		pr_told_deinit(&s->hook_pins); /* who pinned may think otherwise of it now */
	pr_service_notify(s, before, 0);
}

void pr_service_settled(struct pr_service *s)
{
	enum pr_state before = pr_service_state(s);

	s->settling = false;
	s->settlings++;
	pr_service_look(s);
	pr_service_notify(s, before, 0);
}

/* ---- jobs ---- */

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

void pr_service_device(struct pr_service *s, bool added, const char *name)
{
	struct pr_job *job = &s->job;
	struct pr_log_fields f = job_fields(job);
	struct pr_address a;

	if (!job->id || !job->plan || job->recovering || job->waiting || job->interrupted ||
		!pr_address_parse(name, &a) ||
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
	s->lost = report->outcome == PR_OUTCOME_LOST || report->pending;
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

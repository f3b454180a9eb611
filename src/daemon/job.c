/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child plans once more before it acts: a mount or an interface that came
 * up since leaves no trace in the generation, but another plan, or a refusal.
 */
#include "daemon/job.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "exec/hooks.h"
#include "daemon/log.h"

enum {
	JOB_STEP = 1,
	JOB_WAITING,
	JOB_CHANGING,
	JOB_UNDOING,
	JOB_PINNED, /* text: path of a device that a hook pins */
	JOB_REPORT,
	JOB_REPORT_PENDING
};

struct pr_running {
	sd_event *event;
	const struct pr_world *world;
	const char *state;
	struct pr_job_events events;
	const struct pr_kept *plan;
	struct pr_terms terms;
	struct pr_worker *worker;
	struct pr_report report;
	bool reported;
};

/* ---- in the child ---- */

static void journal_closep(struct pr_journal **j)
{
	pr_journal_close(*j);
}

static void topology_freep(struct pr_topology **t)
{
	pr_topology_free(*t);
}

static void plan_freep(struct pr_plan **p)
{
	pr_plan_free(*p);
}

__attribute__((format(printf, 3, 4))) static void report(
	struct pr_report *ret, enum pr_outcome outcome, const char *format, ...)
{
	va_list ap;

	ret->outcome = outcome;
	va_start(ap, format);
	(void)vsnprintf(ret->text, sizeof(ret->text), format, ap);
	va_end(ap);
}

static int look_again(void *userdata, struct pr_topology **ret)
{
	const struct pr_world *world = userdata;
	struct pr_import_error error = { 0 };
	int r;

	r = world->look(world->userdata, ret, &error);
	return r > 0 ? -EBADMSG : r;
}

struct channel {
	int fd;
	const struct pr_running *run;
	const struct pr_backend *backend;
};

static int on_progress(void *userdata, const struct pr_plan *plan, size_t step, bool done)
{
	const struct channel *c = userdata;
	struct pr_message m = { .kind = JOB_STEP, .a = (int32_t)step, .b = done };

	(void)plan;
	pr_worker_send(c->fd, &m);
	if (pr_worker_stopping())
		return PR_PROGRESS_CANCEL;
	return pr_worker_changed() ? PR_PROGRESS_CHANGED : PR_PROGRESS_GO;
}

/*
 * Plans on the machine as it is now.  True when that is the plan that was asked for; else @ret
 * tells why not.
 */
static bool plan_again(const struct pr_kept *kept, const struct pr_topology *now,
	struct pr_plan **ret_plan, struct pr_report *ret)
{
	_cleanup_(plan_freep) struct pr_plan *again = NULL;
	char why[200] = "";
	int r;

	r = pr_wish_plan(&kept->wish, now, &again);
	if (r < 0)
		report(ret, PR_OUTCOME_STALE, "planning once more failed: %s",
			r == -ENOENT ? "a device is gone" : strerror(-r));
	else if (again->verdict != PR_VERDICT_OK && again->generation == kept->plan->generation)
		report(ret, PR_OUTCOME_STALE, "the machine is used in another way by now: %s",
			again->why ? again->why : pr_verdict_name(again->verdict));
	else if (again->verdict != PR_VERDICT_OK || strcmp(again->id, kept->plan->id) != 0)
		report(ret, PR_OUTCOME_STALE,
			"the machine has changed since this was planned; nothing was touched");
	else if (pr_wish_check(&kept->wish, again, why, sizeof(why)) != 0)
		report(ret, PR_OUTCOME_STALE, "the plan does not stand up to verification: %s",
			why);
	else
		*ret_plan = pr_take(again);
	return *ret_plan != NULL;
}

/* True when every hook agrees. */
static bool ask_hooks(const struct pr_running *run, const struct pr_plan *plan,
	struct channel *channel, struct pr_report *ret)
{
	struct pr_message m = { .kind = JOB_PINNED };
	struct pr_hooks_pin pin;
	int r;

	r = pr_hooks_pre(run->world->hooks, run->state, plan, &pin);
	if (r < 0)
		report(ret, PR_OUTCOME_CANCELLED, "hooks cannot be asked: %s; nothing was begun",
			strerror(-r));
	if (r <= 0)
		return r == 0;

	(void)snprintf(m.text, sizeof(m.text), "%s", pin.path);
	pr_worker_send(channel->fd, &m);
	report(ret, PR_OUTCOME_STALE, "%s; nothing was begun", pin.text);
	return false;
}

static void tell_hooks(const struct pr_running *run, const struct pr_backend *backend,
	const struct pr_report *report)
{
	_cleanup_(topology_freep) struct pr_topology *now = NULL;

	if (!pr_hooks_pending(run->state))
		return;
	/* without a look they are told less */
	(void)backend->ops->look(backend->instance, &now);
	pr_hooks_post(run->world->hooks, run->state, now, report);
}

/* The hooks come first: they may be what makes the network work that the confirmation comes over. */
static bool on_done(void *userdata, const struct pr_plan *plan)
{
	static const struct pr_report waiting = { .outcome = PR_OUTCOME_DONE,
		.text = "all is done, and waits to be confirmed" };
	_cleanup_(topology_freep) struct pr_topology *now = NULL;
	struct pr_message m = { .kind = JOB_WAITING };
	const struct channel *c = userdata;

	(void)plan;
	/* without a look they are told less */
	(void)c->backend->ops->look(c->backend->instance, &now);
	pr_hooks_tell(c->run->world->hooks, c->run->state, now, &waiting);
	pr_worker_send(c->fd, &m);
	return pr_worker_wait_confirmed(c->run->terms.confirm_s, -1);
}

/* Whoever asked for it need not tell the daemon: he holds the other end of what is waited on here. */
static int on_change(void *userdata, const struct pr_plan *plan)
{
	struct pr_message m = { .kind = JOB_CHANGING };
	const struct channel *c = userdata;
	const struct pr_terms *terms = &c->run->terms;

	(void)plan;
	pr_worker_send(c->fd, &m);
	return pr_worker_wait_confirmed(terms->change_s, terms->lease) ? PR_PROGRESS_GO
								       : PR_PROGRESS_CANCEL;
}

static void on_undoing(void *userdata)
{
	struct pr_message m = { .kind = JOB_UNDOING };
	const struct channel *c = userdata;

	pr_worker_send(c->fd, &m);
}

static void run_plan(const struct pr_running *run, const struct pr_backend *backend,
	struct pr_journal *journal, struct channel *channel, struct pr_report *ret)
{
	const struct pr_kept *kept = run->plan;
	struct pr_progress progress = {
		.step = on_progress,
		.confirm = run->terms.confirm_s ? on_done : NULL,
		.change = run->terms.lease >= 0 ? on_change : NULL,
		.undoing = on_undoing,
		.link_off = run->terms.link_off,
		.userdata = channel,
	};
	_cleanup_(topology_freep) struct pr_topology *now = NULL;
	_cleanup_(plan_freep) struct pr_plan *plan = NULL;
	int r;

	channel->backend = backend;
	r = backend->ops->look(backend->instance, &now);
	if (r < 0) {
		report(ret, PR_OUTCOME_CANCELLED,
			"the machine cannot be read: %s; nothing was begun", strerror(-r));
		return;
	}
	if (!plan_again(kept, now, &plan, ret) || !ask_hooks(run, plan, channel, ret))
		return;
	r = pr_run(plan, backend, journal, &progress, ret);
	if (r < 0)
		report(ret, PR_OUTCOME_CANCELLED, "%s%s; nothing was begun",
			pr_run_lacked_journal(r) ? "the journal cannot be written: " : "",
			strerror(-r));
	tell_hooks(run, backend, ret);
}

static void recover(
	const struct pr_backend *backend, struct pr_journal *journal, struct pr_report *ret)
{
	int r;

	r = pr_recover(backend, journal, ret);
	if (r < 0)
		report(ret, PR_OUTCOME_LOST, "an interrupted run could not be finished: %s",
			strerror(-r));
}

static void run_job(const struct pr_running *run, const struct pr_backend *backend,
	struct pr_journal *journal, struct channel *channel, struct pr_report *ret)
{
	if (!run->plan || pr_journal_pending(journal)) {
		recover(backend, journal, ret);
		tell_hooks(run, backend, ret);
		/* the text tells of the run that was finished instead */
		if (run->plan && ret->outcome != PR_OUTCOME_LOST)
			ret->outcome = PR_OUTCOME_STALE;
		return;
	}
	run_plan(run, backend, journal, channel, ret);
}

/* A damaged journal is kept, and told of; what it had pending cannot be known. */
static int open_journal(const char *state, struct pr_journal **ret)
{
	char name[PR_JOURNAL_NAME_MAX];
	int r;

	r = pr_journal_open(state, ret);
	if (r != -EBADMSG)
		return r;
	r = pr_journal_set_aside(state, name);
	if (r < 0)
		return r;
	pr_log(PR_EVENT_LOST, LOG_CRIT, NULL, "The journal is damaged and kept as \"%s\"", name);
	return pr_journal_open(state, ret);
}

static void open_and_run(
	const struct pr_running *run, struct channel *channel, struct pr_report *ret)
{
	struct pr_looker looker = { .look = look_again, .userdata = (void *)run->world };
	_cleanup_(journal_closep) struct pr_journal *journal = NULL;
	struct pr_backend backend = { 0 };
	int r;

	r = open_journal(run->state, &journal);
	if (r < 0) {
		report(ret, PR_OUTCOME_CANCELLED, "the journal in %s cannot be opened: %s",
			run->state,
			r == -EBUSY ? "another process carries out a plan" : strerror(-r));
		return;
	}
	r = run->world->backend(run->world->userdata, &looker, &backend);
	if (r < 0) {
		report(ret, PR_OUTCOME_CANCELLED,
			"pciroom-helper cannot be reached: %s; nothing was begun", strerror(-r));
		return;
	}
	run_job(run, &backend, journal, channel, ret);
	run->world->backend_free(run->world->userdata, &backend);
}

static int job_child(void *userdata, int channel)
{
	const struct pr_running *run = userdata;
	struct channel c = { .fd = channel, .run = run };
	struct pr_report ret = { 0 };
	struct pr_message m = { .kind = JOB_REPORT };

	open_and_run(run, &c, &ret);
	if (ret.pending)
		m.kind = JOB_REPORT_PENDING;
	m.a = (int32_t)ret.outcome;
	m.b = ret.error;
	m.c = (uint32_t)ret.step;
	(void)snprintf(m.text, sizeof(m.text), "%s", ret.text);
	pr_worker_send(channel, &m);
	return 0;
}

/* ---- in the daemon ---- */

static void on_message(void *userdata, const struct pr_message *m)
{
	struct pr_running *run = userdata;

	if (m->kind == JOB_STEP) {
		run->events.step(run->events.userdata, (size_t)m->a, m->b != 0);
		return;
	}
	if (m->kind == JOB_WAITING) {
		run->events.waiting(run->events.userdata);
		return;
	}
	if (m->kind == JOB_CHANGING) {
		run->events.changing(run->events.userdata);
		return;
	}
	if (m->kind == JOB_UNDOING) {
		run->events.undoing(run->events.userdata);
		return;
	}
	if (m->kind == JOB_PINNED) {
		run->events.pinned(run->events.userdata, m->text);
		return;
	}
	if (m->a < 0 || m->a >= _PR_OUTCOME_MAX)
		return; /* not of this program: as good as no report */
	run->report = (struct pr_report){ .outcome = (enum pr_outcome)m->a,
		.error = m->b,
		.step = m->c,
		.pending = m->kind == JOB_REPORT_PENDING };
	(void)snprintf(run->report.text, sizeof(run->report.text), "%.479s", m->text);
	run->reported = true;
}

static void on_ended(void *userdata, bool clean)
{
	struct pr_running *run = userdata;
	struct pr_report last = run->report;
	bool reported = run->reported;

	(void)clean; /* a report that was sent is true however the child ended after it */
	pr_worker_free(run->worker);
	run->worker = NULL;
	run->events.ended(run->events.userdata, reported ? &last : NULL);
}

int pr_running_start(struct pr_running *run, const struct pr_job *job)
{
	struct pr_worker_task task = {
		.child = job_child,
		.message = on_message,
		.ended = on_ended,
		.userdata = run,
		.keep = job->terms.lease,
		.whole = true,
	};

	if (run->worker)
		return -EBUSY;
	run->plan = job->recovering ? NULL : job->plan;
	run->terms = job->terms;
	run->reported = false;
	return pr_worker_start(run->event, &task, &run->worker);
}

void pr_running_stop(struct pr_running *run)
{
	if (run->worker)
		pr_worker_stop(run->worker);
}

void pr_running_confirm(struct pr_running *run)
{
	if (run->worker)
		pr_worker_tell_confirmed(run->worker);
}

void pr_running_extend(struct pr_running *run, unsigned int seconds)
{
	if (run->worker)
		pr_worker_tell_time(run->worker, seconds);
}

void pr_running_changed(struct pr_running *run)
{
	if (run->worker)
		pr_worker_tell_changed(run->worker);
}

int pr_running_new(sd_event *event, const struct pr_world *world, const char *state,
	const struct pr_job_events *events, struct pr_running **ret)
{
	struct pr_running *run = calloc(1, sizeof(*run));

	if (!run)
		return -ENOMEM;
	*run = (struct pr_running){
		.event = sd_event_ref(event), .world = world, .state = state, .events = *events
	};
	*ret = run;
	return 0;
}

void pr_running_free(struct pr_running *run)
{
	if (!run)
		return;
	pr_worker_free(run->worker);
	sd_event_unref(run->event);
	free(run);
}

int pr_job_pending(const char *state)
{
	_cleanup_(journal_closep) struct pr_journal *journal = NULL;
	int r;

	r = pr_journal_open(state, &journal);
	if (r == -EBUSY)
		return 1; /* whoever holds it may die in the middle: looked at again when it is free */
	return r < 0 ? r : pr_journal_pending(journal);
}

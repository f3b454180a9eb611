/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a plan on a back end.  Every step is in the journal before it is done;
 * from the first step on there is no way out of here but through a look at the
 * machine that says what is there.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "exec/journal.h"
#include "exec/resize.h"
#include "exec/settings.h"
#include "exec/stale.h"
#include "exec/swap.h"

struct run {
	const struct pr_plan *plan;
	const struct pr_backend *backend;
	struct pr_journal *journal;
	const struct pr_progress *progress;
	struct pr_record *record; /* the journal's */
	bool changed;             /* the card, by who asked for it */
	struct pr_report report;
};

static const char *const outcome_names[_PR_OUTCOME_MAX] = {
	[PR_OUTCOME_DONE] = "done",
	[PR_OUTCOME_DIFFERS] = "differs",
	[PR_OUTCOME_ROLLED_BACK] = "rolled-back",
	[PR_OUTCOME_LOST] = "lost",
	[PR_OUTCOME_STALE] = "stale",
	[PR_OUTCOME_CANCELLED] = "cancelled",
};

const char *pr_outcome_name(enum pr_outcome o)
{
	return outcome_names[o];
}

static void pr_topology_freep(struct pr_topology **t)
{
	pr_topology_free(*t);
}

static void report(struct run *run, enum pr_outcome outcome, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void report(struct run *run, enum pr_outcome outcome, const char *format, ...)
{
	va_list ap;

	run->report.outcome = outcome;
	va_start(ap, format);
	(void)vsnprintf(run->report.text, sizeof(run->report.text), format, ap);
	va_end(ap);
}

/* ---- steps ---- */

/* The register must hold what was planned with; another value means another owner. */
static int do_write(const struct pr_backend *b, const struct pr_step *s)
{
	uint32_t value;
	int r;

	if (!b->ops->read || !b->ops->write)
		return -EOPNOTSUPP;
	r = b->ops->read(b->instance, &s->address, s->offset, s->width, &value);
	if (r < 0)
		return r;
	if (value != s->old)
		return -ESTALE;
	r = pr_is_size_register(s->offset) ? pr_decode_off(b, &s->address) : 0;
	if (r < 0)
		return r;

	return b->ops->write(b->instance, &s->address, s->offset, s->width, s->value);
}

/*
 * What was removed since the last rescan has to be away still: somebody else's rescan has placed it
 * without the room that this one makes.
 */
static int check_away(const struct run *run, size_t step)
{
	const struct pr_backend *b = run->backend;
	uint32_t value;
	int r;

	for (size_t i = step; b->ops->read && i-- > 0;) {
		const struct pr_step *s = &run->plan->steps[i];

		if (s->kind == PR_STEP_RESCAN)
			break;
		if (s->kind != PR_STEP_REMOVE)
			continue;
		r = b->ops->read(b->instance, &s->address, 0, 2, &value);
		if (r != -ENODEV)
			return r < 0 ? r : -ESTALE;
	}

	return 0;
}

static int do_rescan(const struct pr_backend *b, const struct pr_step *s)
{
	if (s->root_bus)
		return b->ops->rescan_root
			       ? b->ops->rescan_root(b->instance, s->address.domain, s->address.bus)
			       : -EOPNOTSUPP;

	return b->ops->rescan ? b->ops->rescan(b->instance, &s->address) : -EOPNOTSUPP;
}

/* What was moved is brought back before: it is the driver that is asked. */
static int enable_vfs(const struct run *run, const struct pr_step *s)
{
	const struct pr_function *f;
	struct pr_restored restored;
	int r = -ENODEV;

	pr_restore_settle(run->backend, run->record, &restored);
	f = restored.now ? pr_topology_find_path(restored.now, s->path) : NULL;
	if (!restored.now)
		r = restored.error;
	else if (f && !f->removed)
		r = pr_settings_set_vfs(run->backend, &f->address, s->old, s->value);
	pr_topology_free(restored.now);

	return r;
}

static int do_step(const struct run *run, size_t step)
{
	const struct pr_step *s = &run->plan->steps[step];
	const struct pr_backend *b = run->backend;
	int r;

	switch (s->kind) {
	case PR_STEP_UNBIND:
		return b->ops->unbind ? b->ops->unbind(b->instance, &s->address) : -EOPNOTSUPP;
	case PR_STEP_WRITE:
		return do_write(b, s);
	case PR_STEP_RESIZE:
		return pr_resize_bar(b, &s->address, s->index, s->size);
	case PR_STEP_REMOVE:
		return b->ops->remove ? b->ops->remove(b->instance, &s->address) : -EOPNOTSUPP;
	case PR_STEP_RESCAN:
		r = check_away(run, step);
		return r < 0 ? r : do_rescan(b, s);
	case PR_STEP_VFS:
		return s->value > 0 ? enable_vfs(run, s)
				    : pr_settings_set_vfs(b, &s->address, s->old, s->value);
	case PR_STEP_EXPECT:
		return 0; /* the verification that ends every run */
	case _PR_STEP_MAX:
		break;
	}

	return -EINVAL;
}

static int ask(const struct run *run, size_t step, bool done)
{
	const struct pr_progress *p = run->progress;

	return p ? p->step(p->userdata, run->plan, step, done) : PR_PROGRESS_GO;
}

/* A card that is to be replaced is away when the first rescan is at hand. */
static int change_card(struct run *run, size_t step)
{
	const struct pr_progress *p = run->progress;

	if (!run->plan->replugs || run->plan->steps[step].kind != PR_STEP_RESCAN || run->changed ||
		!p || !p->change)
		return PR_PROGRESS_GO;
	run->changed = true;
	return pr_swap_change(run->record, run->backend, p, run->plan);
}

static int journalled_step(struct run *run, size_t step)
{
	int r;

	r = pr_journal_doing(run->journal, step);
	if (r < 0)
		return r;
	r = do_step(run, step);
	if (r < 0)
		return r;

	return pr_journal_done(run->journal, step);
}

/* 0, negative errno of a step, or an answer that means to stop; report.step says where. */
static int do_steps(struct run *run)
{
	size_t n = run->plan->n_steps;
	int r;

	for (size_t i = 0; i < n; i++) {
		run->report.step = i;
		r = ask(run, i, false);
		if (r == PR_PROGRESS_GO)
			r = change_card(run, i);
		if (r != PR_PROGRESS_GO)
			return r;
		r = journalled_step(run, i);
		if (r < 0)
			return r;
		r = ask(run, i, true);
		if (r != PR_PROGRESS_GO && i + 1 < n)
			return r;
	}

	run->report.step = n;
	return 0;
}

/* ---- the machine afterwards ---- */

/* True when everything that was there before is there; else @why. */
static bool all_there(
	const struct run *run, const struct pr_restored *restored, char *why, size_t size)
{
	if (!restored->now) {
		(void)snprintf(why, size, "the machine could not be looked at: %s",
			strerror(-restored->error));
		return false;
	}
	if (restored->n_missing > 0) {
		(void)snprintf(why, size, "%s", restored->text);
		return false;
	}

	if (restored->n_pulled > 0)
		return true; /* the roster has the others */

	return pr_plan_lost_nothing(run->plan, restored->now, why, size);
}

/*
 * The end is written only when the state is known: a run whose undoing the
 * back end did not do stays pending, for the next start.
 */
static void finish(struct run *run, bool known)
{
	size_t used = strlen(run->report.text);
	int r = known ? pr_swap_give(run->record, run->backend) : 0;

	if (r < 0) {
		(void)snprintf(run->report.text + used, sizeof(run->report.text) - used,
			"; the slot is not given back to the kernel yet: %s", strerror(-r));
		known = false;
	}
	run->report.pending = !known;
	if (known)
		r = pr_journal_end(run->journal, run->report.outcome);
	if (r < 0 && run->report.error == 0)
		run->report.error = r; /* recovery will look once more, and find all there */
}

/* Added to the sentence of a run that ends with everything there. */
static void report_unrestored(struct run *run, const struct pr_restored *restored)
{
	size_t used = strlen(run->report.text);

	if (restored->n_unrestored > 0)
		(void)snprintf(run->report.text + used, sizeof(run->report.text) - used,
			"; not as it was set before: %s", restored->unrestored);
}

/* What was undone is compared with the start; @outcome when all is there, with @cause as the reason. */
static void conclude(struct run *run, enum pr_outcome outcome, const char *cause,
	const struct pr_restored *restored)
{
	char why[224];

	if (!all_there(run, restored, why, sizeof(why)))
		report(run, PR_OUTCOME_LOST, "%s; lost: %s", cause, why);
	else if (restored->n_pulled > 0)
		report(run, PR_OUTCOME_STALE, "%s; %s; everything else is there", cause,
			restored->text);
	else
		report(run, outcome, "%s; everything that was there is there", cause);
	report_unrestored(run, restored);
	if (restored->error != 0 && run->report.error == 0)
		run->report.error = restored->error;

	finish(run, restored->error == 0 && !restored->refused);
}

/*
 * The plan may well have been good for the machine that it was made on: what somebody has plugged
 * since makes a failure of it a plan that is stale.  Names it behind @cause.
 */
static enum pr_outcome judge_failure(
	const struct run *run, const struct pr_topology *now, char *cause, size_t size)
{
	const struct pr_function *newcomer = now ? pr_plan_newcomer(run->plan, now) : NULL;
	size_t used = strlen(cause);
	char address[PR_ADDRESS_MAX];

	if (!newcomer)
		return PR_OUTCOME_ROLLED_BACK;
	pr_address_format(&newcomer->address, address);
	(void)snprintf(cause + used, size - used, "; %s was plugged meanwhile", address);
	return PR_OUTCOME_STALE;
}

static void tell_undoing(const struct run *run)
{
	const struct pr_progress *p = run->progress;

	if (p && p->undoing)
		p->undoing(p->userdata);
}

static void roll_back(struct run *run, enum pr_outcome outcome, const char *cause)
{
	struct pr_restored restored;
	char why[300];

	tell_undoing(run);
	pr_restore(run->backend, run->record, &restored);
	(void)snprintf(why, sizeof(why), "%s", cause);
	if (outcome == PR_OUTCOME_ROLLED_BACK)
		outcome = judge_failure(run, restored.now, why, sizeof(why));
	conclude(run, outcome, why, &restored);
	pr_topology_free(restored.now);
}

/* Until this is answered the journal says that the plan is to be undone, should we die. */
static bool is_confirmed(struct run *run)
{
	const struct pr_progress *p = run->progress;

	if (!p || !p->confirm)
		return true;

	return pr_journal_waiting(run->journal) == 0 && p->confirm(p->userdata, run->plan);
}

static void undo(struct run *run)
{
	struct pr_restored restored;

	tell_undoing(run);
	pr_undo(run->backend, run->record, &restored);
	conclude(run, PR_OUTCOME_ROLLED_BACK, "nobody confirmed it", &restored);
	pr_topology_free(restored.now);
}

static void fail_step(struct run *run, int r)
{
	const struct pr_step *s = &run->plan->steps[run->report.step];
	char address[PR_ADDRESS_MAX], cause[160];

	pr_address_format(&s->address, address);
	run->report.error = r;
	(void)snprintf(cause, sizeof(cause), "step %zu (%s %s) failed: %s", run->report.step + 1,
		pr_step_name(s->kind), address,
		r == -ESTALE ? "somebody else has changed the machine" : strerror(-r));
	roll_back(run, r == -ESTALE ? PR_OUTCOME_STALE : PR_OUTCOME_ROLLED_BACK, cause);
}

static bool is_predicted(
	const struct run *run, const struct pr_topology *now, char *why, size_t size)
{
	const struct pr_topology *prediction = run->plan->prediction;

	return run->plan->n_vfs > 0 ? pr_layout_within(prediction, now, why, size)
				    : pr_layout_equal(prediction, now, why, size);
}

static void report_success(struct run *run, const struct pr_topology *now)
{
	char why[160];

	if (is_predicted(run, now, why, sizeof(why)))
		report(run, PR_OUTCOME_DONE, "done as predicted, nothing was lost");
	else
		report(run, PR_OUTCOME_DIFFERS,
			"the targets work and nothing was lost; not as predicted: %s", why);
}

static void report_no_help(struct run *run, const struct pr_restored *restored, const char *why)
{
	char cause[300];

	(void)snprintf(cause, sizeof(cause), "it did not help: %s", why);
	if (restored->n_pulled > 0)
		report(run, PR_OUTCOME_STALE, "carried out, but %s; everything else is there",
			restored->text);
	else
		report(run, judge_failure(run, restored->now, cause, sizeof(cause)),
			"%s; everything that was there is there", cause);
}

static bool vfs_are_there(
	const struct run *run, const struct pr_topology *now, char *why, size_t size)
{
	for (size_t i = 0; i < run->plan->n_steps; i++) {
		const struct pr_step *s = &run->plan->steps[i];
		const struct pr_function *f;
		char address[PR_ADDRESS_MAX];

		if (s->kind != PR_STEP_VFS || s->value == 0)
			continue;
		f = pr_topology_find_path(now, s->path);
		if (f && !f->removed && f->facts->sriov_numvfs == (int)s->value)
			continue;
		pr_address_format(&s->address, address);
		(void)snprintf(
			why, size, "%s does not have %u virtual functions", address, s->value);
		return false;
	}

	return true;
}

/* All steps are done: compares the machine with what was promised. */
static void verify(struct run *run)
{
	struct pr_restored restored;
	char why[224], cause[256];

	pr_restore_settle(run->backend, run->record, &restored);
	if (!all_there(run, &restored, why, sizeof(why))) {
		(void)snprintf(cause, sizeof(cause), "after the last step: %s", why);
		roll_back(run, PR_OUTCOME_ROLLED_BACK, cause);
	} else if (!pr_targets_work(run->plan, restored.now, why, sizeof(why)) ||
		   !vfs_are_there(run, restored.now, why, sizeof(why))) {
		report_no_help(run, &restored, why);
		report_unrestored(run, &restored);
		finish(run, !restored.unfinished && !restored.refused);
	} else if (!is_confirmed(run)) {
		undo(run);
	} else {
		report_success(run, restored.now);
		report_unrestored(run, &restored);
		finish(run, !restored.unfinished && !restored.refused);
	}

	pr_topology_free(restored.now);
}

/* The journal has all that is needed to come back, before anything is written. */
static int begin(struct run *run, const struct pr_topology *now)
{
	int r;

	r = pr_record_new(run->plan, now, &run->record);
	if (r < 0)
		return r;
	r = pr_settings_save(run->record, run->plan, now, run->backend);
	if (r < 0) {
		pr_record_free(run->record);
		return r;
	}

	return pr_journal_begin(run->journal, run->record);
}

static void fail_taking(struct run *run, int r)
{
	char cause[160];

	run->report.error = r;
	(void)snprintf(
		cause, sizeof(cause), "the slot cannot be taken from the kernel: %s", strerror(-r));
	roll_back(run, PR_OUTCOME_CANCELLED, cause);
}

static void execute(struct run *run, const struct pr_topology *now)
{
	int r;

	r = pr_swap_take(run->record, run->backend);
	if (r > 0)
		r = pr_journal_guarded(run->journal);
	if (r < 0) {
		fail_taking(run, r);
		return;
	}
	pr_settings_guard(run->record, now, run->backend);
	pr_settings_hold(run->record, run->backend);
	r = do_steps(run);
	if (r < 0)
		fail_step(run, r);
	else if (r == PR_PROGRESS_CHANGED)
		roll_back(run, PR_OUTCOME_STALE, "somebody else is changing the machine");
	else if (r > 0)
		roll_back(run, PR_OUTCOME_CANCELLED, "stopped on request");
	else
		verify(run);
}

int pr_run(const struct pr_plan *plan, const struct pr_backend *backend, struct pr_journal *journal,
	const struct pr_progress *progress, struct pr_report *ret)
{
	_cleanup_(pr_topology_freep) struct pr_topology *now = NULL;
	struct run run = {
		.plan = plan, .backend = backend, .journal = journal, .progress = progress
	};
	char why[200];
	int r;

	if (plan->n_steps == 0 || !plan->prediction || plan->verdict != PR_VERDICT_OK ||
		!plan->checked)
		return -EINVAL;
	if (pr_journal_pending(journal))
		return -EBUSY;

	r = backend->ops->look(backend->instance, &now);
	if (r != 0)
		return r < 0 ? r : -EBADMSG; /* 1 is the import's answer for a contradiction */
	if (pr_plan_is_stale(plan, now, why, sizeof(why))) {
		report(&run, PR_OUTCOME_STALE, "%s", why);
	} else {
		r = begin(&run, now);
		if (r < 0)
			return r;
		execute(&run, now);
	}

	*ret = run.report;
	return 0;
}

/* A full disk is nobody else's: before the first step the machine is only read. */
bool pr_run_lacked_journal(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EFBIG || r == -EROFS;
}

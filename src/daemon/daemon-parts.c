/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts that the daemon is made of, and what they tell the service.  Each is connected when it
 * is built, so that nothing that it has to say is lost.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon-private.h"
#include "daemon/log.h"

/* ---- what the service is told ---- */

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	const struct daemon *d = userdata;

	(void)source;
	(void)usec;
	pr_service_retry(d->service);
	return 0;
}

static int on_prepared(sd_event_source *source, uint64_t usec, void *userdata)
{
	const struct daemon *d = userdata;

	(void)source;
	(void)usec;
	pr_service_prepared(d->service);
	return 0;
}

static void tell_inhibitors(void *userdata, enum pr_inhibit_mode mode)
{
	const struct daemon *d = userdata;

	pr_service_inhibitors_changed(d->service, mode);
}

static void tell_looked(void *userdata, struct pr_look *taken, const char *note)
{
	const struct daemon *d = userdata;

	pr_service_looked(d->service, taken, note);
	/* reading it took many times what is kept of it, in pieces that the allocator would sit on */
	(void)malloc_trim(0);
}

static void tell_look_failed(void *userdata, const char *why)
{
	const struct daemon *d = userdata;

	pr_service_look_failed(d->service, why);
}

static void tell_step(void *userdata, size_t step, bool done)
{
	const struct daemon *d = userdata;

	pr_service_job_step(d->service, step, done);
}

static void tell_waiting(void *userdata)
{
	const struct daemon *d = userdata;

	pr_service_job_waiting(d->service);
}

static void tell_changing(void *userdata)
{
	const struct daemon *d = userdata;

	pr_service_job_changing(d->service);
}

static void tell_undoing(void *userdata)
{
	const struct daemon *d = userdata;

	pr_service_job_undoing(d->service);
}

static void tell_pinned(void *userdata, const char *path)
{
	const struct daemon *d = userdata;

	pr_service_pinned(d->service, path);
}

static void tell_ended(void *userdata, const struct pr_report *report)
{
	struct daemon *d = userdata;

	pr_service_job_ended(d->service, report);
	if (d->stopping)
		daemon_finish(d);
}

static void tell_guarded(void *userdata)
{
	struct daemon *d = userdata;

	pr_bus_guarded(&d->objects);
}

static void tell_given_back(void *userdata)
{
	const struct daemon *d = userdata;

	(void)sd_event_exit(d->event, d->status);
}

static void tell_device(void *userdata, bool added, const char *name)
{
	const struct daemon *d = userdata;

	pr_service_device(d->service, added, name);
}

static void tell_unsettled(void *userdata)
{
	const struct daemon *d = userdata;

	pr_service_unsettled(d->service);
}

static void tell_settled(void *userdata)
{
	const struct daemon *d = userdata;

	pr_service_settled(d->service);
}

/* ---- building ---- */

int daemon_build_timers(struct daemon *d)
{
	int r;

	r = sd_event_add_time(d->event, &d->retry, CLOCK_MONOTONIC, 0, 0, on_retry, d);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->retry, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(
			d->event, &d->prepared, CLOCK_MONOTONIC, 0, 1000, on_prepared, d);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->prepared, SD_EVENT_OFF);
	return r;
}

int daemon_build_children(struct daemon *d)
{
	const struct pr_look_events look_events = {
		.looked = tell_looked, .failed = tell_look_failed, .userdata = d
	};
	const struct pr_job_events job_events = { .step = tell_step,
		.waiting = tell_waiting,
		.changing = tell_changing,
		.undoing = tell_undoing,
		.pinned = tell_pinned,
		.ended = tell_ended,
		.userdata = d };
	int r;

	pr_service_set_root(d->service, d->options.root);
	d->real.root = d->options.root;
	d->real.helper_path = d->options.helper;
	d->real.processes_path = d->options.processes;
	d->real.log_path = d->options.log;
	d->real.state = d->options.state;
	d->world = pr_world_real(&d->real);
	r = pr_uploads_new(d->event, &d->uploads);
	if (r < 0)
		return r;
	r = pr_planner_new(d->event, &d->planner);
	if (r < 0)
		return r;
	r = pr_looking_new(d->event, &d->world, &look_events, &d->looking);
	if (r < 0)
		return r;
	return pr_running_new(d->event, &d->world, d->options.state, &job_events, &d->running);
}

int daemon_build_hotplug(struct daemon *d, uint64_t settle_usec)
{
	const struct pr_hotplug_events events = { .device = tell_device,
		.unsettled = tell_unsettled,
		.settled = tell_settled,
		.userdata = d };

	return pr_hotplug_new(d->event, &events, settle_usec, &d->hotplug);
}

/* Without a place to keep them nobody can inhibit; everything else works. */
void daemon_build_inhibitors(struct daemon *d)
{
	int r;

	r = pr_inhibitors_new(d->event, d->options.runtime, tell_inhibitors, d, &d->inhibitors);
	if (r < 0)
		pr_log(PR_EVENT_STATE, LOG_WARNING, NULL,
			"Nobody can inhibit: leases cannot be kept in %s: %s", d->options.runtime,
			strerror(-r));
	else
		pr_service_set_inhibitors(d->service, d->inhibitors);
}

/* The same of a list that cannot be read: what was taken stays taken until it can. */
void daemon_build_guarding(struct daemon *d)
{
	const struct pr_guard_events events = {
		.changed = tell_guarded, .ended = tell_given_back, .userdata = d
	};
	int r;

	r = pr_guarding_new(d->event, &d->world, d->options.state, &events, &d->guarding);
	if (r < 0)
		pr_log(PR_EVENT_GUARD, LOG_ERR, NULL,
			"No slot is guarded: the list \"guarded\" in %s cannot be read: %s",
			d->options.state, strerror(-r));
}

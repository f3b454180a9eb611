/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service asks for, handed to the part of the daemon that does it. */
#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "daemon/daemon-private.h"

#define RETRY_USEC (10 * 1000000ull)

static int ask_look(void *userdata)
{
	const struct daemon *d = userdata;

	return pr_looking_start(d->looking);
}

static int ask_run(void *userdata, const struct pr_job *job)
{
	const struct daemon *d = userdata;

	return pr_running_start(d->running, job);
}

static void ask_confirm(void *userdata)
{
	const struct daemon *d = userdata;

	pr_running_confirm(d->running);
}

static void ask_extend(void *userdata, unsigned int seconds)
{
	const struct daemon *d = userdata;

	pr_running_extend(d->running, seconds);
}

static void ask_interrupt(void *userdata)
{
	const struct daemon *d = userdata;

	pr_running_changed(d->running);
}

static void ask_cancel(void *userdata)
{
	const struct daemon *d = userdata;

	pr_running_stop(d->running);
}

static void ask_retry(void *userdata)
{
	const struct daemon *d = userdata;

	/* neither fails on a source of this loop with a time in range */
	(void)sd_event_source_set_time_relative(d->retry, RETRY_USEC);
	(void)sd_event_source_set_enabled(d->retry, SD_EVENT_ONESHOT);
}

static void wait_until(void *userdata, uint64_t usec)
{
	const struct daemon *d = userdata;

	/* neither fails on a source of this loop with a time in range */
	(void)sd_event_source_set_time(d->prepared, usec);
	(void)sd_event_source_set_enabled(d->prepared, usec ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void announce_prepare(
	void *userdata, const struct pr_job *job, bool start, uint64_t deadline_usec)
{
	struct daemon *d = userdata;

	pr_bus_prepare(&d->objects, job, start, deadline_usec);
}

static void ask_work(void *userdata, struct pr_work *w)
{
	const struct daemon *d = userdata;

	pr_planner_add(d->planner, w);
}

static void announce_change(void *userdata, unsigned int what)
{
	struct daemon *d = userdata;

	pr_bus_changed(&d->objects, what);
	if (!d->stopping)
		(void)sd_notifyf(0, "STATUS=%s, mode %s, %" PRIu32 " without room",
			pr_state_name(pr_service_state(d->service)),
			pr_mode_name(pr_service_mode(d->service)),
			pr_service_unassigned(d->service));
}

static void announce_job_new(void *userdata, const struct pr_job *job)
{
	struct daemon *d = userdata;

	pr_bus_job_new(&d->objects, job);
}

static void announce_job_change(void *userdata, const struct pr_job *job, unsigned int what)
{
	struct daemon *d = userdata;

	pr_bus_job_changed(&d->objects, job, what);
}

static void announce_job_removed(
	void *userdata, const struct pr_job *job, const struct pr_report *report)
{
	struct daemon *d = userdata;

	pr_bus_job_removed(&d->objects, job, report);
}

/* What is to be guarded, by what was seen last. */
static void guard_anew(void *userdata)
{
	const struct daemon *d = userdata;
	const struct pr_look *look = pr_service_last_look(d->service);

	if (d->guarding && look)
		pr_guarding_looked(d->guarding, look->topology, pr_service_conf(d->service));
}

static void announce_look(void *userdata, const struct pr_topology *before)
{
	struct daemon *d = userdata;

	pr_bus_looked(&d->objects, before);
	guard_anew(d);
}

static void announce_plan(void *userdata, uint64_t number, enum pr_plan_news news)
{
	struct daemon *d = userdata;

	pr_bus_plan_news(&d->objects, number, news);
}

static void announce_armed(void *userdata, const char *path)
{
	struct daemon *d = userdata;

	pr_bus_armed(&d->objects, path);
}

static int ask_reload(void *userdata, struct pr_why *why)
{
	return daemon_conf_reload(userdata, why);
}

const struct pr_service_ops daemon_service_ops = {
	.look = ask_look,
	.run = ask_run,
	.interrupt = ask_interrupt,
	.cancel = ask_cancel,
	.prepare = announce_prepare,
	.wait_until = wait_until,
	.confirm = ask_confirm,
	.extend = ask_extend,
	.retry = ask_retry,
	.work = ask_work,
	.examine = ask_work,
	.armed = announce_armed,
	.changed = announce_change,
	.looked = announce_look,
	.plan = announce_plan,
	.reload = ask_reload,
	.job_new = announce_job_new,
	.job_changed = announce_job_change,
	.job_removed = announce_job_removed,
};

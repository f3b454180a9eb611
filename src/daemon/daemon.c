/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: builds the parts in an order that leaves no gap (objects before
 * the name, monitor before the first look), connects them, and runs the loop.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/macros.h"
#include "daemon/bus.h"
#include "daemon/guard.h"
#include "daemon/hotplug.h"
#include "daemon/job.h"
#include "daemon/log.h"
#include "daemon/options.h"

#define RETRY_USEC (10 * 1000000ull)

struct daemon {
	struct pr_daemon_options options;
	struct pr_real_world real;
	struct pr_world world;
	sd_event *event;
	sd_bus *bus;
	struct pr_bus objects;
	struct pr_service *service;
	struct pr_hotplug *hotplug;
	struct pr_looking *looking;
	struct pr_running *running;
	struct pr_planner *planner;
	struct pr_uploads *uploads;
	struct pr_inhibitors *inhibitors; /* NULL: they cannot be kept */
	struct pr_guarding *guarding;     /* NULL: slots cannot be guarded */
	sd_event_source *retry, *prepared;
	bool stopping, giving_back;
	int status; /* to exit with, when stopping */
};

/* ---- what the service asks for ---- */

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

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	const struct daemon *d = userdata;

	(void)source;
	(void)usec;
	pr_service_retry(d->service);
	return 0;
}

static void ask_retry(void *userdata)
{
	const struct daemon *d = userdata;

	/* neither fails on a source of this loop with a time in range */
	(void)sd_event_source_set_time_relative(d->retry, RETRY_USEC);
	(void)sd_event_source_set_enabled(d->retry, SD_EVENT_ONESHOT);
}

static int on_prepared(sd_event_source *source, uint64_t usec, void *userdata)
{
	const struct daemon *d = userdata;

	(void)source;
	(void)usec;
	pr_service_prepared(d->service);
	return 0;
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

static void tell_inhibitors(void *userdata, enum pr_inhibit_mode mode)
{
	const struct daemon *d = userdata;

	pr_service_inhibitors_changed(d->service, mode);
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

static int reload(void *userdata, struct pr_why *why);

static const struct pr_service_ops service_ops = {
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
	.changed = announce_change,
	.looked = announce_look,
	.plan = announce_plan,
	.reload = reload,
	.job_new = announce_job_new,
	.job_changed = announce_job_change,
	.job_removed = announce_job_removed,
};

/* ---- what the service is told ---- */

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

static void tell_pinned(void *userdata, const char *path)
{
	const struct daemon *d = userdata;

	pr_service_pinned(d->service, path);
}

static void tell_ended(void *userdata, const struct pr_report *report)
{
	const struct daemon *d = userdata;

	pr_service_job_ended(d->service, report);
	if (d->stopping && !d->giving_back)
		(void)sd_event_exit(d->event, d->status);
}

static void tell_guarded(void *userdata)
{
	struct daemon *d = userdata;

	pr_bus_guarded(&d->objects);
}

static void tell_given_back(void *userdata)
{
	struct daemon *d = userdata;

	d->giving_back = false;
	if (!pr_service_job(d->service))
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

/* ---- configuration ---- */

static void take_conf(struct daemon *d, struct pr_conf *c)
{
	char summary[PR_CONF_SUMMARY_MAX];

	d->real.deadline_ms = (unsigned int)(c->deadline_usec / 1000);
	if (d->hotplug)
		pr_hotplug_set_settle(d->hotplug, c->settle_usec);
	pr_log(PR_EVENT_CONF_LOADED, LOG_INFO, NULL, "Configuration: %s",
		pr_conf_summary(c, summary));
	pr_service_configure(d->service, c);
}

/* 0, or 1 when what is wrong was logged, and is in @error. */
static int load_conf(struct daemon *d, struct pr_conf *ret, struct pr_conf_error *error)
{
	*error = (struct pr_conf_error){ "out of memory" };
	if (pr_conf_load(d->options.conf, d->options.n_conf, ret, error) == 0)
		return 0;
	pr_log(PR_EVENT_CONF_ERROR, LOG_ERR, NULL, "%s", error->text);
	return 1;
}

static int reload(void *userdata, struct pr_why *why)
{
	struct pr_conf_error error;
	struct daemon *d = userdata;
	struct pr_conf c;
	int r;

	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, pr_now_usec());
	r = load_conf(d, &c, &error);
	if (r == 0)
		take_conf(d, &c);
	else
		pr_log(PR_EVENT_CONF_ERROR, LOG_ERR, NULL, "The configuration in use is kept");
	(void)snprintf(why->text, sizeof(why->text), "%s", r == 0 ? "" : error.text);
	(void)sd_notify(0, "READY=1");
	return r;
}

/* --check: for people and scripts, so that nothing of it goes to the journal. */
static int check_conf(const struct pr_daemon_options *o)
{
	struct pr_conf_error error = { "out of memory" };
	char summary[PR_CONF_SUMMARY_MAX];
	struct pr_conf c;
	int r;

	r = o->n_files > 0 ? pr_conf_load_files(o->files, o->n_files, &c, &error)
			   : pr_conf_load(o->conf, o->n_conf, &c, &error);
	if (r != 0) {
		(void)fprintf(stderr, "%s\n", error.text);
		return EX_CONFIG;
	}
	r = printf("%s\n", pr_conf_summary(&c, summary));
	pr_conf_deinit(&c);
	return r < 0 || fflush(stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	struct pr_why why;

	(void)source;
	(void)si;
	(void)reload(userdata, &why); /* what is wrong was logged */
	return 0;
}

/* ---- the end ---- */

/*
 * A job that runs is asked to stop between two steps, and its end is waited for: the machine is
 * left whole.
 */
static int stop(struct daemon *d, int status)
{
	d->stopping = true;
	d->status = status;
	pr_service_stop(d->service);
	(void)sd_notify(0, "STOPPING=1\nSTATUS=stopping");
	d->giving_back = d->guarding && pr_guarding_stop(d->guarding);
	if (pr_service_job(d->service))
		pr_running_stop(d->running);
	else if (!d->giving_back)
		return sd_event_exit(d->event, status);
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	(void)source;
	(void)si;
	return stop(userdata, 0);
}

/* Without a bus nobody can ask for anything, and a manager will start another; a job ends first. */
static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m;
	(void)error;
	pr_log(PR_EVENT_STATE, LOG_ERR, NULL, "The connection to the bus is lost");
	return stop(userdata, EXIT_FAILURE);
}

/* ---- building ---- */

static int open_bus(struct daemon *d)
{
	int r;

	if (d->options.session)
		return sd_bus_open_user(&d->bus);
	if (!d->options.address)
		return sd_bus_open_system(&d->bus);
	r = sd_bus_new(&d->bus);
	if (r >= 0)
		r = sd_bus_set_address(d->bus, d->options.address);
	if (r >= 0)
		r = sd_bus_set_bus_client(d->bus, true);
	if (r >= 0)
		r = sd_bus_start(d->bus);
	return r;
}

static int build_loop(struct daemon *d)
{
	sigset_t mask;
	int r;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGINT);
	(void)sigaddset(&mask, SIGHUP);
	(void)sigaddset(&mask, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	r = sd_event_default(&d->event);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGTERM, on_stop, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, on_stop, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGHUP, on_reload, d);
	if (r >= 0)
		r = sd_event_add_time(d->event, &d->retry, CLOCK_MONOTONIC, 0, 0, on_retry, d);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->retry, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(
			d->event, &d->prepared, CLOCK_MONOTONIC, 0, 1000, on_prepared, d);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->prepared, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_set_watchdog(d->event, true);
	return r;
}

static int build_children(struct daemon *d)
{
	const struct pr_look_events look_events = {
		.looked = tell_looked, .failed = tell_look_failed, .userdata = d
	};
	const struct pr_job_events job_events = { .step = tell_step,
		.waiting = tell_waiting,
		.changing = tell_changing,
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

static int build_hotplug(struct daemon *d, uint64_t settle_usec)
{
	const struct pr_hotplug_events events = { .device = tell_device,
		.unsettled = tell_unsettled,
		.settled = tell_settled,
		.userdata = d };

	return pr_hotplug_new(d->event, &events, settle_usec, &d->hotplug);
}

/* Without a place to keep them nobody can inhibit; everything else works. */
static void build_inhibitors(struct daemon *d)
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
static void build_guarding(struct daemon *d)
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

static int build_bus(struct daemon *d)
{
	int r;

	r = open_bus(d);
	if (r < 0)
		return r;
	/* the library's own signal (sd_bus_set_exit_on_disconnect(3)): exiting at once is not for us */
	r = sd_bus_match_signal(d->bus, NULL, "org.freedesktop.DBus.Local",
		"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected",
		on_disconnected, d);
	if (r >= 0)
		r = pr_bus_register(&d->objects, d->bus, d->service);
	d->objects.inhibitors = d->inhibitors;
	d->objects.guarding = d->guarding;
	d->objects.uploads = d->uploads;
	if (r >= 0)
		r = sd_bus_attach_event(d->bus, d->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_request_name(d->bus, PR_BUS_NAME, 0);
	return r;
}

__attribute__((format(printf, 2, 3))) static int fail(int r, const char *format, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	pr_log(PR_EVENT_STATE, LOG_ERR, NULL, "%s: %s", what, strerror(-r));
	return EXIT_FAILURE;
}

/* As pr_job_pending(); a damaged journal must not keep the service down for good. */
static int look_for_pending(struct daemon *d)
{
	char name[PR_JOURNAL_NAME_MAX];
	int r;

	r = pr_job_pending(d->options.state);
	if (r != -EBADMSG)
		return r;
	r = pr_journal_set_aside(d->options.state, name);
	if (r < 0)
		return r;
	pr_service_journal_damaged(d->service, name);
	return pr_job_pending(d->options.state);
}

static int run(struct daemon *d)
{
	int pending, r;

	pending = look_for_pending(d);
	/* on a disk that is full or read-only nothing can be carried out, but watched and told of */
	if (pending == -EROFS || pending == -ENOSPC || pending == -EDQUOT)
		pr_log(PR_EVENT_STATE, LOG_ERR, NULL,
			"No plan can be carried out: the journal in %s cannot be written: %s",
			d->options.state, strerror(-pending));
	else if (pending < 0)
		return fail(pending, "The journal in %s cannot be read", d->options.state);
	pr_service_start(d->service, pending == 1);
	(void)sd_notify(0, "READY=1");
	pr_log(PR_EVENT_STATE, LOG_INFO, NULL, "pciroomd %s watches", PCIROOM_VERSION);
	r = sd_event_loop(d->event);
	if (r < 0)
		return fail(r, "The event loop failed");
	return r;
}

static int build_and_run(struct daemon *d)
{
	struct pr_conf_error error;
	struct pr_conf c;
	uint64_t settle_usec;
	int r;

	r = pr_service_new(&service_ops, d, &d->service);
	if (r < 0)
		return fail(r, "The service cannot start");
	if (load_conf(d, &c, &error) != 0)
		return EX_CONFIG;
	settle_usec = c.settle_usec;
	take_conf(d, &c);
	r = build_loop(d);
	if (r >= 0)
		r = build_children(d);
	if (r < 0)
		return fail(r, "The event loop cannot start");
	r = build_hotplug(d, settle_usec);
	if (r < 0)
		return fail(r, "Hot-plug events cannot be received");
	build_inhibitors(d);
	build_guarding(d);
	r = build_bus(d);
	if (r == -EEXIST)
		return fail(r, PR_BUS_NAME " is taken: another pciroomd runs");
	if (r < 0)
		return fail(r, "The bus cannot be used");
	return run(d);
}

static void tear_down(struct daemon *d)
{
	pr_running_free(d->running);
	pr_looking_free(d->looking);
	pr_hotplug_free(d->hotplug);
	pr_planner_free(d->planner);
	pr_service_free(d->service); /* answers who still waits */
	pr_uploads_free(d->uploads);
	pr_bus_unregister(&d->objects);
	pr_inhibitors_free(d->inhibitors);
	pr_guarding_free(d->guarding);
	sd_bus_flush_close_unref(d->bus);
	sd_event_source_disable_unref(d->retry);
	sd_event_source_disable_unref(d->prepared);
	sd_event_unref(d->event);
}

int pr_daemon_main(int argc, char *argv[])
{
	struct daemon d = { 0 };
	int r;

	r = pr_daemon_options_parse(argc, argv, &d.options);
	if (r != 0)
		return r < 0 ? EX_USAGE : EXIT_SUCCESS;
	if (d.options.check)
		return check_conf(&d.options);
	/* one heap for all threads: what another thread had needed for a moment would stay with it */
	(void)mallopt(M_ARENA_MAX, 1);
	r = build_and_run(&d);
	tear_down(&d);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon from its start to its end: the parts are built in an order that
 * leaves no gap (objects before the name, monitor before the first look), and
 * the loop runs.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "daemon/daemon-private.h"
#include "daemon/log.h"

/* ---- the end ---- */

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	struct pr_why why;

	(void)source;
	(void)si;
	(void)daemon_conf_reload(userdata, &why); /* what is wrong was logged */
	return 0;
}

/*
 * A job that runs is asked to stop between two steps, and its end is waited for: the machine is
 * left whole.
 */
static int stop(struct daemon *d, int status)
{
	if (d->stopping)
		return 0;
	d->stopping = true;
	d->status = status;
	pr_service_stop(d->service);
	(void)sd_notify(0, "STOPPING=1\nSTATUS=stopping");
	if (pr_service_job(d->service))
		pr_running_stop(d->running);
	else
		daemon_finish(d);
	return 0;
}

/* Slots are given back last: a job may be at a card in one of them until its end. */
void daemon_finish(struct daemon *d)
{
	if (!d->guarding || !pr_guarding_stop(d->guarding))
		(void)sd_event_exit(d->event, d->status);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	(void)source;
	(void)si;
	return stop(userdata, 0);
}

/*
 * Without a bus nobody can ask for anything, and a manager will start another; a job ends first.
 * One that goes while the service stops changes nothing about that.
 */
static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct daemon *d = userdata;

	(void)m;
	(void)error;
	if (d->stopping)
		return 0;
	pr_log(PR_EVENT_STATE, LOG_ERR, NULL, "The connection to the bus is lost");
	return stop(d, EXIT_FAILURE);
}

/* ---- loop and bus ---- */

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
		r = daemon_build_timers(d);
	if (r >= 0)
		r = sd_event_set_watchdog(d->event, true);
	return r;
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

/* ---- the whole ---- */

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

	r = pr_service_new(&daemon_service_ops, d, &d->service);
	if (r < 0)
		return fail(r, "The service cannot start");
	if (daemon_conf_load(d, &c, &error) != 0)
		return EX_CONFIG;
	settle_usec = c.settle_usec;
	daemon_conf_take(d, &c);
	r = build_loop(d);
	if (r >= 0)
		r = daemon_build_children(d);
	if (r < 0)
		return fail(r, "The event loop cannot start");
	r = daemon_build_hotplug(d, settle_usec);
	if (r < 0)
		return fail(r, "Hot-plug events cannot be received");
	daemon_build_inhibitors(d);
	daemon_build_guarding(d);
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
		return daemon_conf_check(&d.options);
	/* one heap for all threads: what another thread had needed for a moment would stay with it */
	(void)mallopt(M_ARENA_MAX, 1);
	r = build_and_run(&d);
	tear_down(&d);
	return r;
}

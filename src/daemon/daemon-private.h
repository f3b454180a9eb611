/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Insides of the daemon: daemon.c (the loop, from start to end), daemon-parts.c (its parts, and
 * what they tell the service), daemon-ask.c (what the service asks of them), daemon-conf.c.
 */
#pragma once

#include "daemon/bus.h"
#include "daemon/guard.h"
#include "daemon/hotplug.h"
#include "daemon/job.h"
#include "daemon/options.h"

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
	bool stopping;
	int status; /* to exit with, when stopping */
};

/* daemon.c: what is left to do when the service stops and no job runs any more. */
void daemon_finish(struct daemon *d);

/* daemon-ask.c */
extern const struct pr_service_ops daemon_service_ops;

/* daemon-parts.c; 0 or negative errno, unless the daemon can do without. */
int daemon_build_timers(struct daemon *d);
int daemon_build_children(struct daemon *d);
int daemon_build_hotplug(struct daemon *d, uint64_t settle_usec);
void daemon_build_inhibitors(struct daemon *d);
void daemon_build_guarding(struct daemon *d);

/* daemon-conf.c */
/* 0, or 1 when what is wrong was logged, and is in @error. */
int daemon_conf_load(struct daemon *d, struct pr_conf *ret, struct pr_conf_error *error);
/* Takes @c over. */
void daemon_conf_take(struct daemon *d, struct pr_conf *c);
/* 0, or 1 with @why when the old one is kept. */
int daemon_conf_reload(struct daemon *d, struct pr_why *why);
/* --check: for people and scripts, so that nothing of it goes to the journal.  An exit status. */
int daemon_conf_check(const struct pr_daemon_options *o);

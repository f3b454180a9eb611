/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carrying out: the body of a job, in a child that talks to the helper and
 * writes the journal, and the daemon's end of it.  Decides nothing: the service
 * says what to run and hears how it went.
 */
#pragma once

#include "daemon/service.h"
#include "daemon/worker.h"
#include "daemon/world.h"

struct pr_job_events {
	/* Before (@done false) and after step @step. */
	void (*step)(void *userdata, size_t step, bool done);
	/* All is done, and waits to be confirmed. */
	void (*waiting)(void *userdata);
	/* The card is away that somebody makes another. */
	void (*changing)(void *userdata);
	/* It goes no further: what was done is being undone. */
	void (*undoing)(void *userdata);
	/* A hook will not have the device at @path touched. */
	void (*pinned)(void *userdata, const char *path);
	/* Once, last.  @report is NULL when the child ended without one. */
	void (*ended)(void *userdata, const struct pr_report *report);
	void *userdata;
};

/* One job after the other: a runner that is busy refuses with -EBUSY. */
struct pr_running;
/* @state: directory of the journal.  @world and @state are borrowed. */
int pr_running_new(sd_event *event, const struct pr_world *world, const char *state,
	const struct pr_job_events *events, struct pr_running **ret);
/*
 * Carries the job's plan out by its terms, or finishes what an interrupted run left when the job is
 * recovering.  What the job points to is borrowed until ended().
 */
int pr_running_start(struct pr_running *r, const struct pr_job *job);
/* Somebody confirms what it did; for one that is waiting. */
void pr_running_confirm(struct pr_running *r);
/* Whoever is to confirm it has so many seconds from now; for one that is waiting. */
void pr_running_extend(struct pr_running *r, unsigned int seconds);
/* Asks it to stop between two steps; ended() still comes. */
void pr_running_stop(struct pr_running *r);
/* The same, because somebody else changes the machine. */
void pr_running_changed(struct pr_running *r);
/* NULL is fine.  A job that runs is stopped between two steps, and undoes what it did by itself. */
void pr_running_free(struct pr_running *r);

/*
 * True when the journal in @state tells of a run that was begun and not finished, or when another
 * process is at it; -EBADMSG when it is damaged.
 */
int pr_job_pending(const char *state);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by remote.c and remote-job.c; sd-bus types end here. */
#pragma once

#include <systemd/sd-bus.h>

#include "base/macros.h"
#include "cli/remote.h"

#define NAME    "org.pciroom1"
#define OBJECT  "/org/pciroom1"
#define MANAGER "org.pciroom1.Manager"
#define PLAN    "org.pciroom1.Plan"
#define JOB     "org.pciroom1.Job"
#define JOBS    OBJECT "/job/"

struct job_end {
	char *job, *result, *text; /* NULL: not seen yet */
};

struct pr_remote {
	sd_bus *bus;
	char *plan;                  /* object of the plan made last */
	const struct pr_plan *shown; /* whose steps the job does */
	unsigned int confirm_s;      /* time to confirm what it did */
	uint32_t next_step;          /* the first that was not told yet */
	char *job; /* object of the job waited for; NULL until its name is known */
	struct job_end *ends;
	size_t n_ends;
	const struct pr_card_change *change; /* of the card that the job replaces; NULL: none */
	bool away;                           /* that card is */
	int lease;                           /* on it; -1: none */
	bool subscribed;                     /* to what is said of jobs */
	bool gone;                           /* the daemon left the bus */
	char absence[160];                   /* why it is not there */
};

static inline void pr_message_unrefp(sd_bus_message **m)
{
	(void)sd_bus_message_unref(*m); /* gives NULL */
}
#define _cleanup_message_ _cleanup_(pr_message_unrefp)
#define _cleanup_error_   _cleanup_(sd_bus_error_free)

/*
 * What a failed call of a method means, as an enum pr_exit; tells it, unless it is
 * PR_REMOTE_ABSENT.
 */
int pr_remote_failed(struct pr_remote *m, int r, const sd_bus_error *error, const char *what);
/*
 * A call that polkit may want to ask somebody for a password about, however long that takes.  An enum pr_exit, or
 * PR_REMOTE_ABSENT; told as by pr_remote_failed().
 */
int pr_remote_call(
	struct pr_remote *m, sd_bus_message *call, const char *what, sd_bus_message **ret);
/* The descriptor in @reply as one of the caller's; an enum pr_exit. */
int pr_remote_take_lease(sd_bus_message *reply, int *ret);
void pr_remote_forget_jobs(struct pr_remote *m);

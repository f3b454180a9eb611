/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking an administrator's hooks before the devices of a plan are paused, and
 * telling them afterwards.  It waits.  The hooks themselves are run by
 * pciroom-hooks, as root: behind a socket in a unit of its own for the
 * service, as a child of ours for a command line without it.
 */
#pragma once

#include "pciroom/exec.h"

struct pr_hooks_place {
	const char *socket; /* NULL: @binary is started */
	const char *binary;
	const char *const *directories; /* when all are empty nobody is asked */
	size_t n_directories;
	/* hooks could not be told of the end for the device at @path; @error: negative errno */
	void (*untold)(const char *path, int error);
};

/* Where pciroom-hooks looks if it is not told otherwise. */
#define PR_HOOKS_DIRECTORIES 2
extern const char *const pr_hooks_directories[PR_HOOKS_DIRECTORIES];

struct pr_hooks_pin {
	char path[320]; /* of the device, see pr_function_path() */
	char text[300]; /* sentence: which hook, why */
};

/*
 * Asks about every function of @plan that has a driver or a user.  0: all agree; 1: @ret_pin; the
 * others are told of the end already.  Negative errno when they cannot be asked.  @state: directory
 * in which it is noted who was asked, for pr_hooks_recover().
 */
int pr_hooks_pre(const struct pr_hooks_place *place, const char *state, const struct pr_plan *plan,
	struct pr_hooks_pin *ret_pin);

/* Somebody was asked and waits to hear of an end. */
bool pr_hooks_pending(const char *state);

/*
 * Tells about those that were asked and did not hear of an end yet: after a run, or after a crash.
 * @now may be NULL.
 */
void pr_hooks_post(const struct pr_hooks_place *place, const char *state,
	const struct pr_topology *now, const struct pr_report *report);
/* The same, and they will be told once more. */
void pr_hooks_tell(const struct pr_hooks_place *place, const char *state,
	const struct pr_topology *now, const struct pr_report *report);

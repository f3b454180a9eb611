/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of org.pciroom1 on the system bus.  Functions return an enum pr_exit
 * and tell failures, or PR_REMOTE_ABSENT (nothing told) when nobody answers
 * to the name.
 */
#pragma once

#include "cli/card-change.h"
#include "cli/cli.h"
#include "pciroom/exec.h"

#define PR_REMOTE_ABSENT (-1)

struct pr_remote;

int pr_remote_open(struct pr_remote **ret);
void pr_remote_close(struct pr_remote *m); /* NULL is fine */
/* Why the last answer was PR_REMOTE_ABSENT; NULL, what is left of a failed open, is fine. */
const char *pr_remote_absence(const struct pr_remote *m);

/* GetTopology: the machine as the daemon sees it. */
int pr_remote_look(struct pr_remote *m, struct pr_topology **ret);
/* What the service's plan goes by: what was asked, and what it is configured or told to leave alone. */
struct pr_remote_policy {
	enum pr_disruption limit;
	char **pinned;
	size_t n_pinned;
	char **sized;
	size_t n_sized;
	struct pr_slot_reserve *reserves;
	size_t n_reserves;
};
void pr_remote_policy_deinit(struct pr_remote_policy *p);
/* CreatePlan; a plan that is made with @ret is the service's. */
int pr_remote_plan(struct pr_remote *m, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_remote_policy *ret);
/* @plan is, step by step, else what is shown would not be what is done. */
int pr_remote_agrees(struct pr_remote *m, const struct pr_plan *plan);
/*
 * ApplyPlan of that plan, and waits for the end of the job.  @confirm_s: undone when nobody confirms
 * it in so many seconds; 0: nobody has to.
 */
int pr_remote_apply(struct pr_remote *m, const struct pr_plan *plan, unsigned int confirm_s,
	struct pr_report *ret);
/* Replug of that plan, and waits for the end of the job. */
int pr_remote_replug(struct pr_remote *m, const struct pr_plan *plan,
	const struct pr_card_change *change, struct pr_report *ret);
int pr_remote_confirm(struct pr_remote *m);
/* The job that waits for a confirmation does so for @seconds from now on. */
int pr_remote_extend(struct pr_remote *m, unsigned int seconds);
/*
 * Has @devices (none: all) left alone (@mode "pin"), or waited for ("delay"), for as long as @ret, a
 * descriptor of the caller's, is open.
 */
int pr_remote_inhibit(struct pr_remote *m, const char *const *devices, size_t n, const char *why,
	const char *mode, int *ret);
/* Has the slot @device guarded, or given back. */
int pr_remote_guard(struct pr_remote *m, const char *device, bool on);
/* Paths of the slots that are; NULL-terminated, pr_paths_free() frees. */
int pr_remote_guarded(struct pr_remote *m, char ***ret);
int pr_remote_rollback(struct pr_remote *m, struct pr_report *ret);

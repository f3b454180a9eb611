/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that takes long, reads nothing and asks nobody: a thread does it, one
 * piece after the other, while the loop goes on.  Planning is that: pure, on a
 * topology that never changes.  Knows nothing of plans.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

/* The beginning of a struct that holds what the work is about. */
struct pr_work {
	/* In the thread.  Touches what the work owns, and what never changes. */
	void (*run)(struct pr_work *w);
	/* In the loop, once, and owns @w.  @ran: false when there was no time for it any more. */
	void (*done)(struct pr_work *w, bool ran);
	struct pr_work *next;
};

struct pr_planner;
/* Signals are blocked in the caller, and so in the thread. */
int pr_planner_new(sd_event *event, struct pr_planner **ret);
/* Does @w after what was added before it. */
void pr_planner_add(struct pr_planner *p, struct pr_work *w);
/*
 * What waits is not run any more.  What runs is left alone until the process ends: it holds
 * nothing that others wait for, and its done() is not called.  NULL is fine.
 */
void pr_planner_free(struct pr_planner *p);

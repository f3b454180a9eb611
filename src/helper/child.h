/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes that may never return (a driver's unbind can block for ever) happen in
 * a child that can be killed.  One that survives SIGKILL is remembered, and
 * its function is left alone from then on.
 */
#pragma once

#include "helper/access.h"

#define PR_CHILDREN_MAX 32

/* Zero-initialised is empty. */
struct pr_children {
	struct {
		pid_t pid;
		struct pr_target target;
	} stuck[PR_CHILDREN_MAX];
	size_t n;
};

struct pr_write {
	struct pr_target target;
	int directory; /* borrowed */
	const char *file, *text;
	unsigned int deadline_ms;
	/*
	 * For remove and rescan, which probe drivers: the kernel refuses threads and interrupts to a
	 * task that is being killed, and ports come back without their services.  Such a write
	 * goes on when the helper dies; until it is done it holds @lock (from pr_write_lock(), or
	 * -1), so that the next helper's writes wait for it.
	 */
	bool lasting;
	int lock;
};

/*
 * A descriptor that holds the lock of lasting writes in the directory @state, for pr_write.lock; the
 * caller closes it.  -EWOULDBLOCK while another write has it: asking again is the caller's.
 */
int pr_write_lock(int state);

/*
 * 0, the errno of open or write, -ETIMEDOUT, or -EBUSY when an earlier write to this function
 * hangs.
 */
int pr_child_write(struct pr_children *c, const struct pr_write *w);

/* A child of this process that did not end when it was killed. */
void pr_children_add(struct pr_children *c, pid_t pid, const struct pr_target *t);
/* Forgets those that ended by now. */
void pr_children_reap(struct pr_children *c);
bool pr_children_busy(const struct pr_children *c, const struct pr_target *t);

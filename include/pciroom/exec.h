/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Execution: one runner, several back ends (a const table of operations and an
 * instance).  Each step is journalled before it is done; whatever happens,
 * what was removed is brought back.
 */
#pragma once

#include <sys/types.h>

#include "pciroom/plan.h"

/*
 * 0 or negative errno; a NULL operation means that the back end cannot. -ETIMEDOUT: the deadline
 * passed, the kernel may still be at it.
 */
struct pr_backend_ops {
	const char *name, *help;
	int (*unbind)(void *instance, const struct pr_address *a);
	int (*bind)(void *instance, const struct pr_address *a, const char *driver);
	int (*remove)(void *instance, const struct pr_address *a);
	int (*rescan)(void *instance, const struct pr_address *a);
	int (*rescan_root)(void *instance, uint32_t domain, uint8_t bus);
	int (*read)(void *instance, const struct pr_address *a, uint16_t offset, uint8_t width,
		uint32_t *ret);
	int (*write)(void *instance, const struct pr_address *a, uint16_t offset, uint8_t width,
		uint32_t value);
	/* BAR @bar, 0 to 5, gets 2^@order MiB in place; -ENOSPC: there is no room, all is as it was. */
	int (*resize)(
		void *instance, const struct pr_address *a, unsigned int bar, unsigned int order);
	/*
	 * Settings of a function: "NAME=VALUE" lines into @ret (NUL-terminated, at most @size), and
	 * drivers_autoprobe, which is the whole bus's.  A line "aer=firmware" says that the registers of
	 * errors are not ours to write.
	 */
	int (*attributes)(void *instance, const struct pr_address *a, char *ret, size_t size);
	int (*set_attribute)(
		void *instance, const struct pr_address *a, const char *name, const char *value);
	/* Whether drivers are tried on functions that are found. */
	int (*autoprobe)(void *instance, bool on);
	/* Tries the drivers that match on a function that has none. */
	int (*probe)(void *instance, const struct pr_address *a);
	/* Whether pciehp works with the slot of a port.  1: it was so already. */
	int (*hotplug)(void *instance, const struct pr_address *a, bool on);
	/* Looks at the machine as it is now; the caller frees. */
	int (*look)(void *instance, struct pr_topology **ret);
};
struct pr_backend {
	const struct pr_backend_ops *ops;
	void *instance;
	unsigned int settle_ms; /* patience with drivers after a rescan, and cards in slots */
};

/* ---- journal ---- */

/*
 * Renames a journal that pr_journal_open() calls damaged, so that the next can begin; @ret_name: its
 * name in @directory from now on.  What was pending in it stays undone.
 */
#define PR_JOURNAL_NAME_MAX 32
int pr_journal_set_aside(const char *directory, char ret_name[PR_JOURNAL_NAME_MAX]);

/*
 * One file, `journal` in a directory (0700), lines appended with fsync; locked
 * while open: one writer a machine.  A torn last line is ignored on reading.
 */
struct pr_journal;
/*
 * Creates the directory (and what is missing above it).  -EBUSY: another process runs a plan;
 * -EBADMSG: the file is damaged, and what is pending in it cannot be told.
 */
int pr_journal_open(const char *directory, struct pr_journal **ret);
void pr_journal_close(struct pr_journal *j); /* NULL is fine */
/* True when the last plan in it was begun and not finished: pr_recover() comes first. */
bool pr_journal_pending(const struct pr_journal *j);

/* ---- runner ---- */

enum pr_outcome {
	PR_OUTCOME_DONE = 0, /* as predicted */
	/* the targets work and nothing is lost; addresses are not those predicted */
	PR_OUTCOME_DIFFERS,
	PR_OUTCOME_ROLLED_BACK, /* a step or the verification failed; what was there is there */
	PR_OUTCOME_LOST,        /* something did not come back; the report names it */
	/* the machine is not the one planned on, or is being changed by others; all is as it was */
	PR_OUTCOME_STALE,
	PR_OUTCOME_CANCELLED, /* asked to stop between steps; what was there is there */
	_PR_OUTCOME_MAX,
};
const char *pr_outcome_name(enum pr_outcome o);

struct pr_report {
	enum pr_outcome outcome;
	int error;      /* negative errno of the step that failed, or 0 */
	size_t step;    /* step that failed, or n_steps */
	bool pending;   /* not all was undone: pr_recover() is to be called again */
	char text[480]; /* one sentence */
};
enum pr_progress_answer {
	PR_PROGRESS_GO = 0,
	PR_PROGRESS_CANCEL,
	PR_PROGRESS_CHANGED, /* somebody else is changing the machine */
};
struct pr_progress {
	/* Before each step and at its end.  Anything but GO stops before the next one. */
	int (*step)(void *userdata, const struct pr_plan *plan, size_t step, bool done);
	/*
	 * All is done, and nothing was lost: waits for somebody to confirm it.  False when nobody
	 * did in time: then all of it is undone.  NULL: nobody is asked.
	 */
	bool (*confirm)(void *userdata, const struct pr_plan *plan);
	/*
	 * Of a plan that replaces a card: it is away, and is to be made another now; anything but GO
	 * brings it back as it is.  NULL: it comes back as what it is then.
	 */
	int (*change)(void *userdata, const struct pr_plan *plan);
	/* It goes no further, and what was done is undone from now on.  NULL: nobody is told. */
	void (*undoing)(void *userdata);
	bool link_off; /* the card's link is off meanwhile */
	void *userdata;
};

/*
 * Runs @plan (verdict OK, found good by pr_plan_check).  @progress may be NULL.
 * 0 and a report, or negative errno when nothing was begun: -EBUSY when the
 * journal has a pending plan, -EINVAL for a plan without steps or prediction, or unchecked.
 * A plan that could not be undone for want of a working back end stays pending.
 */
int pr_run(const struct pr_plan *plan, const struct pr_backend *backend, struct pr_journal *journal,
	const struct pr_progress *progress, struct pr_report *ret);

/* Was it for want of a journal that pr_run() began nothing, and returned @r? */
bool pr_run_lacked_journal(int r);

/*
 * Finishes what a killed run left: restores registers, rescans, checks that
 * every function of the journalled roster is back with its driver.  0 and a report;
 * outcome ROLLED_BACK (all there), LOST, or DONE when nothing was pending.
 */
int pr_recover(const struct pr_backend *backend, struct pr_journal *journal, struct pr_report *ret);

/* ---- back ends ---- */

/*
 * Simulator: the kernel model, starting from @t, which must outlive it and what it lets one look
 * at.
 */
int pr_backend_simulator_new(const struct pr_topology *t, struct pr_backend *ret);
void pr_backend_simulator_free(struct pr_backend *b);

/*
 * Connection to pciroom-helper.  When the helper dies, the request at hand gets
 * -ECONNRESET and the next one connects (or starts the helper) again.
 */
struct pr_helper;
/* To the listening socket @path. */
int pr_helper_connect(const char *path, struct pr_helper **ret);
/*
 * Starts @binary with @arguments (NULL-terminated, may be NULL; no program
 * name) and a private connection.  It is out of reach of the terminal's
 * signals, and ends when the connection is closed.
 */
int pr_helper_spawn(const char *binary, const char *const *arguments, struct pr_helper **ret);
/* On a connected SOCK_SEQPACKET @fd, which it owns from now on; never connects again. */
int pr_helper_new(int fd, struct pr_helper **ret);
/* Closes, and waits for a helper that was started.  NULL is fine. */
void pr_helper_free(struct pr_helper *h);
/* Process of a helper that was started, 0 otherwise. */
pid_t pr_helper_pid(const struct pr_helper *h);
/* Deadline of each blocking write from now on; 0: the helper's default. */
void pr_helper_set_deadline(struct pr_helper *h, unsigned int milliseconds);

/* The functions of a struct pr_prober (import.h); its userdata is the struct pr_helper. */
struct pr_bar_mask;
int pr_helper_config(
	void *helper, const struct pr_address *a, uint8_t *buffer, size_t size, size_t *ret);
int pr_helper_file(void *helper, const char *name, char **ret, size_t *ret_size);
int pr_helper_measure(void *helper, const struct pr_address *a, struct pr_bar_mask *ret, size_t max,
	size_t *ret_n);

/*
 * Helper back end on @helper (borrowed).  @look is called for the look operation (import is not
 * exec's).
 */
struct pr_looker {
	int (*look)(void *userdata, struct pr_topology **ret);
	void *userdata;
};
int pr_backend_helper_new(
	struct pr_helper *helper, const struct pr_looker *look, struct pr_backend *ret);
void pr_backend_helper_free(struct pr_backend *b);

/* Scripted: expected operations and the results to give, for tests. */
struct pr_script_entry {
	/*
	 * "remove 0000:00:02.0", "bind 0000:04:00.0 nvme", "rescan-root 0000:00",
	 * "hotplug 0000:02:00.0 off", "read 0000:00:02.0 1a/1", "write 0000:00:02.0 1a/1=07"; read gives value, when result is 0
	 */
	const char *operation;
	int result;
	uint32_t value;
};
int pr_backend_scripted_new(const struct pr_script_entry *entries, size_t n,
	const struct pr_looker *look, struct pr_backend *ret);
/* Entries not consumed, plus one when an unexpected operation was seen (@why names it). */
size_t pr_backend_scripted_left(const struct pr_backend *b, char *why, size_t size);
void pr_backend_scripted_free(struct pr_backend *b);

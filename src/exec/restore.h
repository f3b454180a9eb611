/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bringing back what a run took away, and telling whether all of it is there.
 * The same after a failed step and after a crash; works from the record alone.
 */
#pragma once

#include "exec/record.h"

struct pr_restored {
	struct pr_topology *now; /* last look; owned by the caller; NULL when looking failed */
	size_t n_missing;        /* functions of the roster that are gone, unbound, or lost a BAR */
	size_t n_pulled;         /* functions of cards that somebody has pulled meanwhile */
	int error;               /* first failure of the back end that leaves the state in doubt */
	char text[192];          /* names of the first that are missing */
	bool unfinished; /* settings were not put back for want of a back end: to be tried again */
	bool refused;    /* or the kernel failed at it, twice: worth another process, not more */
	size_t n_unrestored;  /* settings that are not as they were */
	char unrestored[160]; /* names of the first of them */
};

/*
 * Looks until every function of the roster is there with its driver, or the
 * back end's settle time is over; then binds the drivers that are missing.
 */
void pr_restore_settle(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret);

/* Looks once more, into @ret->now; NULL when that failed, which is noted. */
void pr_restore_look(const struct pr_backend *backend, struct pr_restored *ret);
/* The first failure is the one that is told; @r may be none. */
void pr_restored_note(struct pr_restored *ret, int r);
/*
 * A driver that refuses is an answer, seen in the next look; a back end that does not work leaves the
 * state in doubt.
 */
bool pr_restore_unanswered(int r);

/* Once more when it fails: a helper that died is started again.  0 too when it is gone already. */
int pr_restore_remove(const struct pr_backend *backend, const struct pr_function *f);

/*
 * Undoes a plan that was carried out to its end: the same once more, with the registers that it wrote
 * put back.  What it moved has its addresses from the kernel then, as before.
 */
void pr_undo(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret);

/* Undoes the steps that were begun: registers, then rescans, then settles. */
void pr_restore(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret);

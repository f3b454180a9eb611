/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing a look at the machine with the functions that a record names.  Private to restore*.c. */
#pragma once

#include "exec/restore.h"

enum pr_missing {
	PR_MISSING_NOT = 0,
	PR_MISSING_DEVICE,
	PR_MISSING_BAR,
	PR_MISSING_DRIVER,
	PR_MISSING_UNKNOWN,
	PR_MISSING_CARD /* somebody has pulled it: nothing of ours, and not to be brought back */
};

/* The function at @path; NULL when it is not there, or away. */
const struct pr_function *pr_roster_present(const struct pr_topology *now, const char *path);
bool pr_roster_driven(const struct pr_function *f, const char *driver);
/* The slot that the function is in, or was, says that nobody is in it. */
bool pr_roster_pulled(const struct pr_topology *now, const char *path);

/* What @entry lacks on @now, which may be NULL. */
enum pr_missing pr_roster_missing(
	const struct pr_topology *now, const struct pr_record_function *entry);
/* A function, or its driver, may still come. */
bool pr_roster_waits(const struct pr_record *record, const struct pr_topology *now);
/* A function or a BAR is missing; false when nothing is known. */
bool pr_roster_lost(const struct pr_record *record, const struct pr_topology *now);
/* Counts and names what is missing on the look in @ret. */
void pr_roster_count(const struct pr_record *record, struct pr_restored *ret);

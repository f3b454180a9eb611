/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing side of the journal: private to exec/. */
#pragma once

#include "exec/record.h"

/* The plan begun last, or the one pending; NULL when none is.  Marks are kept in it. */
struct pr_record *pr_journal_record(struct pr_journal *j);

/* Takes @record over in any case.  Each of these is on disk when it returns 0. */
int pr_journal_begin(struct pr_journal *j, struct pr_record *record);
int pr_journal_doing(struct pr_journal *j, size_t step);
int pr_journal_done(struct pr_journal *j, size_t step);
/* The slot of the record's port was taken before, and is left so at the end. */
int pr_journal_guarded(struct pr_journal *j);
/* From now on until the end, an interrupted run is undone as one that nobody confirmed. */
int pr_journal_waiting(struct pr_journal *j);
int pr_journal_end(struct pr_journal *j, enum pr_outcome outcome);

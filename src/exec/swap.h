/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port above a card that is made another while it is away: taken from
 * pciehp, which would take that for news of its own, and given back.  Works
 * from the record, so that a run that was killed ends the same way.
 */
#pragma once

#include "exec/record.h"

/* Notes the port in @record; nothing where @plan replaces no card, or there is no link. */
void pr_swap_note(
	struct pr_record *record, const struct pr_plan *plan, const struct pr_topology *now);

/*
 * 1: it was taken before, and is not ours to give back; 0 too where no hot-plug driver has the
 * slot, or the port is gone.
 */
int pr_swap_take(const struct pr_record *record, const struct pr_backend *b);
/*
 * Has the card changed, its link off meanwhile where @progress says so, and waits until one answers.
 * An enum pr_progress_answer or negative errno.
 */
int pr_swap_change(const struct pr_record *record, const struct pr_backend *b,
	const struct pr_progress *progress, const struct pr_plan *plan);
/* The link of a run that was killed in the middle is there again, as far as there is a card. */
int pr_swap_connect(const struct pr_record *record, const struct pr_backend *b);
/* 0 too when it stays taken, there is nobody to give it to, or the port is gone. */
int pr_swap_give(const struct pr_record *record, const struct pr_backend *b);

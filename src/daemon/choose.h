/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which plan mends the most of what is dead: pure, and long; for the planner's thread. */
#pragma once

#include "daemon/kept.h"

struct pr_choice {
	struct pr_wish wish;
	struct pr_plan *plan;
};
void pr_choice_deinit(struct pr_choice *c);

struct pr_question {
	const struct pr_topology *topology;
	struct pr_wish base;       /* limit and pins; no targets */
	struct pr_address *wanted; /* what is dead and worth a plan */
	size_t n_wanted;
	bool only_wanted;           /* something else is dead, and left alone */
	struct pr_slot_lack *lacks; /* room that slots are to have and do not */
	size_t n_lacks;
};
void pr_question_deinit(struct pr_question *q);

/*
 * One plan for all that is dead, or the cheapest for one of them.  0 and any verdict, or no plan
 * where all that is dead is left alone; or negative errno.
 */
int pr_choose(const struct pr_question *q, struct pr_choice *ret);
/* The same for all slots that lack room; no plan where none does. */
int pr_choose_room(const struct pr_question *q, struct pr_choice *ret);

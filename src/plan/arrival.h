/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to src/plan: a card arrives, on the model of the kernel.  What slots
 * and what-if have in common.
 */
#pragma once

#include "plan/plan.h"

/* How the kernel is told of the card behind @port. */
struct pr_action pr_arrival_of(const struct pr_function *port);

/* All that came behind @port has its bus numbers and memory in @after. */
bool pr_card_works(const struct pr_function *port, const struct pr_topology *after);

/* A failed hot-add can take addresses from running devices (KERNEL 1.9). */
bool pr_others_kept(const struct pr_root *before, const struct pr_topology *after);

/*
 * Addresses, in @after, of the newcomers of @before that are on the bus now, and of what their
 * arrival has killed.  In @arena.  0 or -ENOMEM.
 */
int pr_arrival_targets(const struct pr_root *before, const struct pr_topology *after,
	struct pr_arena *arena, struct pr_address **ret, size_t *ret_n);

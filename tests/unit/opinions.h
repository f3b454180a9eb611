/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the packer and the kernel model each think of one repair: the root port
 * above a dead card is removed, and its bus rescanned.
 */
#pragma once

#include "plan/arrange.h"

/* First function without memory on the first host bridge; NULL: none. */
const struct pr_function *find_dead(const struct pr_topology *t);
const struct pr_function *root_port_of(const struct pr_function *f);

/* Is there an arrangement, whatever the order? */
enum pr_arrangement packer_says(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_function *top, const struct pr_function *target);

enum outcome {
	OUTCOME_WORKS = 0,
	OUTCOME_NEWCOMER, /* the dead card stays dead */
	OUTCOME_SIBLING,  /* a neighbour loses something */
};
/* Of @actions; any that cannot be done or foreseen counts as NEWCOMER. */
enum outcome outcome_of(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_action *actions, size_t n, const struct pr_function *target);
/* Of removing @top. */
enum outcome kernel_says(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_function *top, const struct pr_function *target);
/*
 * Of removing @top when the memory windows in it are written closed before: up to 6.12 what a
 * register holds is the least that the kernel takes (KERNEL 1.6).
 */
enum outcome closed_says(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_function *top, const struct pr_function *target);

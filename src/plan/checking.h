/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The independent check while it goes through the steps of one plan: check.c, and the rooms for
 * single kinds of steps.  None of them includes a header of the search.
 */
#pragma once

#include "plan/plan.h"

enum pr_checked {
	PR_CHECKED_STAYS = 0,
	PR_CHECKED_UNBOUND,
	PR_CHECKED_GONE,   /* removed, and no rescan since */
	PR_CHECKED_REMOVED /* and enumerated again */
};

struct pr_checking {
	const struct pr_plan *plan;
	const struct pr_policy *policy;
	struct pr_arena *arena;
	uint8_t **fates; /* enum pr_checked, by root and function */
	struct pr_action *actions;
	size_t n_actions;
	char *why;
	size_t size;
};

/* All say why in @why and return 1. */
int pr_checking_bad(struct pr_checking *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int pr_checking_bad_function(struct pr_checking *c, const struct pr_function *f, const char *what);
int pr_checking_bad_step(struct pr_checking *c, size_t i, const char *what);

uint8_t *pr_checking_fate(const struct pr_checking *c, const struct pr_function *f);
/* The function that a step names, by address and path alike; or NULL. */
const struct pr_function *pr_checking_function(
	const struct pr_checking *c, const struct pr_step *step);
void pr_checking_add(struct pr_checking *c, enum pr_action_kind kind, const struct pr_function *f,
	const struct pr_root *root);

/* 0 good, 1 not (@why): step @i, before those behind it are looked at. */
int pr_check_vfs(struct pr_checking *c, size_t i);
int pr_check_write(struct pr_checking *c, size_t i);
int pr_check_size(struct pr_checking *c, size_t i); /* whether it is right is pr_check_sizes()'s */

/* Likewise, when all steps were gone through. */
int pr_check_written(struct pr_checking *c);
int pr_check_vfs_return(struct pr_checking *c);
int pr_check_vfs_room(
	struct pr_checking *c, const struct pr_step *step, const struct pr_topology *now);

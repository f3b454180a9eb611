/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans that were made and can be asked for, or be carried out: a plan, what
 * was wished, the look it was made on and who wished.  Bounded: whoever holds
 * the most, or his share, loses his oldest, so that no user can push out another's.
 */
#pragma once

#include <sys/types.h>

#include "daemon/look.h"
#include "daemon/plan-view.h"
#include "pciroom/plan.h"

#define PR_KEPT_MAX      64u
#define PR_KEPT_USER_MAX 16u /* of one user who is not root */

/* A request and its policy as one owned value. */
struct pr_wish {
	struct pr_address *targets; /* none: everything that is dead */
	size_t n_targets;
	enum pr_disruption limit;
	char **pinned;
	size_t n_pinned;
	char **sized; /* whose BARs keep their sizes */
	size_t n_sized;
	struct pr_slot_reserve
		*slots; /* that are to keep what they have of it; named by their path */
	size_t n_slots;
	struct pr_bus_wish *buses;
	size_t n_buses;
	struct pr_reserve *reserves;
	size_t n_reserves;
	struct pr_vf_wish *vfs;
	size_t n_vfs;
	struct pr_resize *resizes;
	size_t n_resizes;
	bool shrink;
	bool replugs; /* a card is replaced, by @replug */
	struct pr_address replug;
};
void pr_wish_deinit(struct pr_wish *w);
int pr_wish_add_target(struct pr_wish *w, const struct pr_address *a);
int pr_wish_add_pinned(struct pr_wish *w, const char *device);
int pr_wish_add_sized(struct pr_wish *w, const char *device);
int pr_wish_add_slot(struct pr_wish *w, const char *path, const struct pr_slot_reserve *reserve);
int pr_wish_add_buses(struct pr_wish *w, const struct pr_bus_wish *b);
int pr_wish_add_reserve(struct pr_wish *w, const struct pr_reserve *reserve);
int pr_wish_add_vfs(struct pr_wish *w, const struct pr_vf_wish *v);
int pr_wish_add_resize(struct pr_wish *w, const struct pr_resize *z);
/* It as the planner takes it; both borrow from @w. */
struct pr_request pr_wish_request(const struct pr_wish *w);
struct pr_policy pr_wish_policy(const struct pr_wish *w);
/* pr_plan_make() with it. */
int pr_wish_plan(const struct pr_wish *w, const struct pr_topology *t, struct pr_plan **ret);
/* pr_plan_check() with its policy. */
int pr_wish_check(const struct pr_wish *w, struct pr_plan *p, char *why, size_t size);

struct pr_kept {
	uint64_t number; /* counts from 1; names the object on the bus */
	uid_t uid;       /* who wished */
	struct pr_look *look;
	struct pr_wish wish;
	struct pr_plan *plan;
	struct pr_plan_view view; /* of it */
	bool running, applied;
	const char *told_state; /* by who tells of plans, see pr_kept_state() */
};

struct pr_keep {
	struct pr_kept *plans[PR_KEPT_MAX]; /* oldest first */
	size_t n;
	uint64_t last_number;
};
void pr_keep_deinit(struct pr_keep *k);
/*
 * Keeps @plan, made on @look for @wish; takes @plan and @wish over, whatever happens.
 * @ret_gone: number of the plan that made room for it, 0: none.  0, -ENOMEM.
 */
int pr_keep_add(struct pr_keep *k, struct pr_look *look, struct pr_wish *wish, struct pr_plan *plan,
	uid_t uid, struct pr_kept **ret, uint64_t *ret_gone);
void pr_keep_remove(struct pr_keep *k, struct pr_kept *p);
/* NULL when it was never made, or discarded. */
struct pr_kept *pr_keep_find(const struct pr_keep *k, uint64_t number);

/* "ready", "refused", "stale" (the machine is another one by now), "applying", "applied". */
const char *pr_kept_state(const struct pr_kept *p, uint64_t generation);
/* The worst class that it disturbs. */
enum pr_disruption pr_plan_disruption(const struct pr_plan *p);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong, and what a hot-add would make wrong: ports at which it would
 * damage running neighbours (armed ones).
 */
#pragma once

#include "pciroom/slots.h"

/* What a hot-add would do to one function that runs. */
struct pr_harm {
	const struct pr_function *function;
	bool memory; /* it loses memory, or cannot be reached any more; false: I/O ports alone */
};
/*
 * A hot-plug port that is empty, or holds only what is dead: when @card comes, the kernel fails,
 * and takes addresses away from @victims (KERNEL 1.9).  It is the smallest card tried that costs
 * somebody memory, or, where none does, I/O ports.
 */
struct pr_armed {
	const struct pr_function *port;
	struct pr_card card;
	const struct pr_harm *victims;
	size_t n_victims;
};
/*
 * Whether @port is armed, by the model of the kernel: cards with one memory BAR of each size that
 * the host bridge could place, with and without an I/O BAR.  1 and @ret when it is, 0 when no card
 * tried does harm, -ENOMEM.  What the model does not know (@ret_doubt, a sentence in @arena, else
 * left alone) counts as harmless.  Allocated in @arena.
 */
int pr_armed_find(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_function *port, struct pr_arena *arena, struct pr_armed *ret,
	const char **ret_doubt);

/* How an armed port gets the windows that it lacks, while it is empty. */
#define PR_DISARM_MAX 3
struct pr_disarm {
	struct pr_reserve wishes[PR_DISARM_MAX]; /* what there is a plan for */
	size_t n_wishes, n_lacking;              /* windows; those without a wish stay away */
	struct pr_plan *plan;                    /* NULL: there is none, for any of them */
};
/*
 * Plans within @policy for @port, which is armed on @t.  0, or negative errno.  pr_disarm_deinit()
 * frees; the plan borrows @t.
 */
int pr_disarm_find(const struct pr_topology *t, const struct pr_function *port,
	const struct pr_policy *policy, struct pr_disarm *ret);
void pr_disarm_deinit(struct pr_disarm *d);

/*
 * Would a rescan at @port, by the model of the kernel, give or take addresses under a driver
 * elsewhere, because something there waits for some?  1 and @ret (NULL: the model lacks a fact that
 * is no function's); 0: it would not; negative errno.
 */
int pr_scan_touches(const struct pr_topology *t, const struct pr_function *port,
	const struct pr_function **ret);

struct pr_doctor {
	struct pr_arena *arena;
	const struct pr_topology *topology; /* borrowed: must outlive this */
	struct pr_armed *armed;
	size_t n_armed;
	struct pr_explanation explanation; /* of the whole machine */
	/*
	 * The first fact that was missing, a sentence: what a hot-add does was not tried everywhere.
	 * NULL: none
	 */
	const char *doubt;
};
/* @t as imported.  0; -EINVAL when a pci= option cannot be understood; -ENOMEM.  Deterministic. */
int pr_doctor_make(const struct pr_topology *t, struct pr_doctor **ret);
void pr_doctor_free(struct pr_doctor *d); /* NULL is fine */
/* @f is one of the armed ports of @d; NULL has none. */
bool pr_doctor_found_armed(const struct pr_doctor *d, const struct pr_function *f);

/* One for each armed port of @d, in their order; 0 or negative errno. */
int pr_disarms_make(
	const struct pr_doctor *d, const struct pr_policy *policy, struct pr_disarm **ret);
void pr_disarms_free(const struct pr_doctor *d, struct pr_disarm *disarms); /* NULL is fine */

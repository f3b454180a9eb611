/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What-if: machines with cards in their slots that nobody has bought yet, and
 * what becomes of them.  The kernel acts first, the planner after it.
 */
#pragma once

#include "pciroom/plan.h"
#include "pciroom/template.h"

/* ---- the machine, changed; each takes a topology as imported and gives another one ---- */

/*
 * @template in the slot of @port, in the place of what is in it; powered, and not yet enumerated.
 * @port may be of a template that was inserted before.  0; 1 when no bus number is left to name
 * its functions by; -ENOMEM.
 */
int pr_refit_insert(const struct pr_topology *t, const struct pr_function *port,
	const struct pr_template *template, struct pr_topology **ret);
/*
 * Without the card that @f is a function of: what is in the same slot of PCI Express, or has the
 * same device number.  0, or -ENOMEM.
 */
int pr_refit_remove(
	const struct pr_topology *t, const struct pr_function *f, struct pr_topology **ret);
/* Another kernel, another command line; NULL: as it is.  0, or -ENOMEM. */
int pr_refit_kernel(const struct pr_topology *t, const char *release, const char *cmdline,
	struct pr_topology **ret);

/* ---- what becomes of it ---- */

struct pr_what_if_request {
	/* whose cards come, in this order; a port of a card counts as part of it */
	const struct pr_address *ports;
	size_t n_ports;
	/* the machine boots first: as after pr_refit_kernel() */
	bool boots;
	/*
	 * without targets: the cards, and what their arrival has killed; addresses are those of the
	 * machine before it, and may name what comes
	 */
	struct pr_request plan;
};

/* What a function of the machine had before the cards came, and has no more. */
struct pr_lost {
	const struct pr_function *function; /* of @before */
	const struct pr_resource *resource; /* NULL: its bus numbers, or it is gone */
};

struct pr_what_if {
	struct pr_arena *arena;
	const struct pr_topology *machine; /* borrowed: must outlive this */
	/* machine and predictions own what they do not share with the one before; freed together */
	struct pr_topology *booted, *arrived; /* NULL: did not boot; it cannot be said */
	const struct pr_topology *before;     /* @booted or @machine */
	/* of @booted: dead before the boot and not after it, and the other way round */
	const struct pr_function **mended, **broken;
	size_t n_mended, n_broken;
	const char *doubt;                /* why @arrived is NULL, a sentence */
	const struct pr_function **cards; /* of @machine: the functions that come, in walk order */
	size_t n_cards;
	struct pr_lost *lost;
	size_t n_lost;
	bool works; /* after the kernel alone: no memory BAR or bus number lacks, nothing is lost */
	bool complete; /* and nothing else that the cards ask for lacks */
	bool suffices; /* what works at once needs no plan: nothing is asked for but cards */
	/* of @machine: what @plan is asked for, and nobody finds after the arrival; NULL: none */
	const struct pr_function *unreached;
	/*
	 * what mends it, and does what is asked for beside; NULL when there is nothing to do, when
	 * @arrived is NULL, or with @unreached
	 */
	struct pr_plan *plan;
	/* the end: the plan's prediction, or @arrived, or @before */
	const struct pr_topology *end;
};

/*
 * Deterministic.  0; -EINVAL when a pci= option of the kernel cannot be understood; -ENOENT when a
 * port is not there or is none, or what the plan is asked for is not there; -ENOMEM.
 */
int pr_what_if_make(const struct pr_topology *machine, const struct pr_what_if_request *request,
	const struct pr_policy *policy, struct pr_what_if **ret);
void pr_what_if_free(struct pr_what_if *w); /* NULL is fine */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to advice: one boot after the other on the model, and what must come of it. */
#pragma once

#include "plan/plan.h"

#define PR_ADVICE_MAX 3

struct pr_adviser {
	struct pr_plan *plan;
	/* what boots: the machine planned on, or a copy of it with other apertures */
	const struct pr_topology *topology;
	struct pr_kernel now; /* by the command line alone */
	/*
	 * what lacks most sits in its slot; NULL: in none that the kernel watches, or the room is for
	 * cards to come
	 */
	const struct pr_function *port;
	const struct pr_function **bridges; /* above every target, the nearest first */
	size_t n_bridges;
	enum pr_tier tier, least; /* @least: the last that will do */
	bool whole;               /* host bridges that no target is below boot as well */
	struct pr_action *actions;
	const char *doubt;
	uint64_t spent;
	struct pr_advice *advice; /* room for PR_ADVICE_MAX */
};

/* Options of pci=, and how much each hot-plug port is to have spare; 0: as it is. */
struct pr_boot_options {
	const char *text;
	uint64_t io, mem, pref;
	unsigned int buses;
};

/*
 * The first options with which @a->topology boots into what was asked for, the card in its slot.
 * @ret_after: what the machine is then; untouched when there are none.  0 or -ENOMEM.
 */
int pr_advise_present(
	struct pr_adviser *a, struct pr_boot_options *ret, struct pr_topology **ret_after);

/* Whether the machine boots with @o into what was asked for, and nobody loses anything.  0 or -ENOMEM. */
int pr_advise_try(struct pr_adviser *a, const struct pr_boot_options *o, bool later, bool *ret);
/*
 * "@name=1G" behind @text, with a comma; @text when @size is 0; NULL when memory is short, or @text
 * is.
 */
const char *pr_advise_size(
	struct pr_arena *arena, const char *text, const char *name, uint64_t size);
/* Adds it to the plan's advice.  0 or -ENOMEM. */
int pr_advise_boot(struct pr_adviser *a, const struct pr_boot_options *o, bool later);

/* ---- advice-buses.c ---- */

/* Who asks for bus numbers.  0 or -ENOMEM. */
int pr_advise_buses(struct pr_adviser *a);

/* ---- advice-qemu.c ---- */

/* What a root port of QEMU's can ask for, where a boot was found to give it.  0 or -ENOMEM. */
int pr_advise_qemu(struct pr_adviser *a);

/* ---- advice-aperture.c ---- */

/* A host bridge with more room, where that is what is missing.  0 or -ENOMEM. */
int pr_advise_apertures(struct pr_adviser *a);

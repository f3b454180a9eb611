/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hot-plug slot in our hands instead of pciehp's: taking it, watching it,
 * giving it back.  One step at a time, on any back end; when to look, and
 * whether a card may be brought in now, is the caller's.
 */
#pragma once

#include "pciroom/exec.h"

struct pr_guarded {
	struct pr_address port;
	uint8_t secondary;
	uint16_t express;   /* place of the port's PCI Express capability */
	bool off;           /* its card was taken out on request, and is there still */
	unsigned int tries; /* rescans that have not found the card */
};
/* False: @port has no slot of PCI Express, or nothing is known of it. */
bool pr_guard_init(const struct pr_function *port, struct pr_guarded *ret);

/* Both do nothing where it is so already, which is 1; else 0 or negative errno. */
int pr_guard_take(const struct pr_backend *b, const struct pr_guarded *g);
/* What the slot has latched is cleared before. */
int pr_guard_give(const struct pr_backend *b, const struct pr_guarded *g);

/* 1: the kernel knows function @function of the card; 0: it does not; or negative errno. */
int pr_guard_knows(const struct pr_backend *b, const struct pr_guarded *g, uint8_t function);

enum pr_guard_news {
	PR_GUARD_QUIET = 0,
	PR_GUARD_WAITS, /* a card has power, and the kernel does not know it: pr_guard_scan() */
	PR_GUARD_CAME,
	PR_GUARD_WENT, /* the card was pulled, or its button pressed: it is removed, without power */
	PR_GUARD_MUTE, /* a card is there, and nothing answers: it is left alone from now on */
};
/*
 * What pciehp would do, but for the scan: gives a card power, removes one that was pulled.  An enum
 * pr_guard_news or negative errno.  Looks are at least as far apart as a link may take to come up.
 */
int pr_guard_look(const struct pr_backend *b, struct pr_guarded *g);
/* A rescan at the port, which takes nothing from anybody (KERNEL 1.1).  As pr_guard_look(). */
int pr_guard_scan(const struct pr_backend *b, struct pr_guarded *g);

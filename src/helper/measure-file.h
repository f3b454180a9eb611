/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The save before a sizing, on disk: a helper that is killed in the middle
 * leaves it behind, and the next one puts the registers back.  The directory
 * must not survive a reboot (/run), as the registers do not.
 */
#pragma once

#include "helper/access.h"
#include "helper/audit.h"
#include "helper/measure.h"

/* Sizes the function behind the directory @function; @state is the directory of the saves. */
int pr_measure_journalled(int state, int function, const struct pr_target *t,
	struct pr_helper_mask *ret, size_t *ret_n);

/*
 * Puts back what earlier helpers left, one audit line each.  Negative errno when @state cannot be
 * read.
 */
int pr_measure_recover(int state, const struct pr_access *access, const struct pr_audit *audit);

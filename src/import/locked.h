/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes that the kernel shows only under the device's lock: driver_override and sriov_numvfs.  A
 * driver that hangs in its probe or its unbind has the lock for as long.
 */
#pragma once

#include "base/patient.h"
#include "import/pci-access.h"
#include "import/sysfs.h"

struct pr_locked;

/* For @functions in their order; all is borrowed.  @patience_ms: as of pr_patient_new(). */
int pr_locked_new(const struct pr_sysfs *s, const struct pr_pci_function *functions, size_t n,
	unsigned int patience_ms, struct pr_locked **ret);
void pr_locked_free(struct pr_locked *l); /* NULL is fine */

/*
 * Those of the next function into @facts.  0; 1 when it does not answer, and nothing of them is known;
 * negative errno when nobody could ask.
 */
int pr_locked_next(struct pr_locked *l, struct pr_facts *facts);

/*
 * Has it a driver that has begun to leave it, and not come to an end?  Then the link to the driver is
 * gone, and what the driver has set up is not.
 */
bool pr_locked_leaving(const struct pr_sysfs *s, const struct pr_facts *facts);

/* Says so as a user of the function, of kind PR_LOCKED, as it must not be taken away then. */
#define PR_LOCKED "locked"
int pr_locked_tell(const struct pr_sysfs *s, struct pr_facts *facts);

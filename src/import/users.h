/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses a function: mounted file systems, swap, network interfaces that are up, VFIO. */
#pragma once

#include "import/sysfs.h"

/* Kinds, as disruption classes know them: "root", "mount", "swap", "net", "vfio". */
struct pr_found_user {
	struct pr_found_user *next;
	struct pr_address address;
	struct pr_user user;
};

/*
 * Users of all functions below the root of @s; @root is its path.  A table
 * that is not there has no users; one that cannot be parsed is an error.
 * 0, or negative errno with the error.
 */
int pr_users_find(const struct pr_sysfs *s, const char *root, struct pr_found_user **ret);
/*
 * Those of the function of @facts into it; its driver counts (VFIO).  0, or -ENOMEM with the
 * error.
 */
int pr_users_assign(
	const struct pr_sysfs *s, const struct pr_found_user *found, struct pr_facts *facts);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who uses a function: file systems, swap and pools through every layer of
 * block devices, network interfaces, open nodes and mappings, consoles,
 * watchdogs, VFIO.  Finding nothing proves nothing: callers treat a bound
 * driver as a user unknown.
 */
#pragma once

#include "import/sysfs.h"
#include "import/users-net.h"

struct pr_found_user {
	struct pr_address address;
	size_t order; /* of discovery: what matters most comes first */
	struct pr_user user;
};

/* Where to look, besides sysfs. */
struct pr_users_source {
	const struct pr_sysfs *sysfs;
	const char *root;  /* path of the root of @sysfs */
	const char *state; /* directory of our own journal; NULL: not known */
	/* text of base/processes.h, whoever took it; NULL: not known.  Writable: it is cut up. */
	char *processes;
	const struct pr_net_tables *net; /* NULL: not known */
};

struct pr_users {
	struct pr_found_user *found; /* by address, then order */
	size_t n;
	const char *unseen; /* sentence: what could not be looked at; NULL: nothing */
};

/*
 * Users of all functions below the root.  A table that is not there has no
 * users; one that cannot be parsed is an error.  0, or negative errno with the
 * error.
 */
int pr_users_find(const struct pr_users_source *source, struct pr_users *ret);
/*
 * Those of the function of @facts into it; its driver counts (VFIO).  0, or -ENOMEM with the
 * error.
 */
int pr_users_assign(const struct pr_sysfs *s, const struct pr_users *users, struct pr_facts *facts);

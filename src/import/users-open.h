/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes of devices, and those that stand for groups of functions: for users-open.c. */
#pragma once

#include "import/users-finder.h"

/* ---- users-node.c: character devices that sysfs knows ---- */

struct pr_node {
	unsigned int major, minor;
	const char *name, *link; /* of its device in sysfs */
};
/* Loaded when the first one is asked for. */
struct pr_nodes {
	struct pr_node *by_number, **by_name;
	size_t n, max;
	bool loaded;
};

/*
 * By its number ("c226:0"), or where that is not known ("-") by the name of its
 * path; *@ret NULL: there is none.  0, or negative errno with the error.
 */
int pr_node_find(struct pr_finder *f, struct pr_nodes *nodes, const char *number, const char *path,
	const struct pr_node **ret);
/* Kind of its users. */
const char *pr_node_kind(const struct pr_node *node);

/* ---- users-group.c: VFIO groups, NVIDIA ---- */

/*
 * 1: @path is such a node, and its functions have their user now; 0: it is none; negative errno
 * with the error.
 */
int pr_group_use(struct pr_finder *f, const char *path, const char *names);

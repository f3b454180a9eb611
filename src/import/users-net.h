/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and routes of interfaces, apart from where they come from: the
 * kernel's answers (rtnetlink) on a live machine, a table in tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "pciroom/arena.h"

struct pr_net_address {
	int interface;    /* index */
	const char *text; /* "192.0.2.1/24" */
};
/* Virtual functions of one interface, as its driver tells of them. */
struct pr_net_vfs {
	int interface;       /* index */
	unsigned int n;      /* that are told of */
	unsigned int number; /* of the first on which something is set, and what; NULL: none is */
	const char *what;
};
struct pr_net_tables {
	struct pr_net_address *addresses; /* those that others can reach: no link-local ones */
	size_t n_addresses, max_addresses;
	int *default_routes; /* indexes of interfaces */
	size_t n_default_routes, max_default_routes;
	struct pr_net_vfs *vfs;
	size_t n_vfs, max_vfs;
};

/* Answers of the kernel, one after the other, added to @tables.  0, -ENOMEM, -EBADMSG. */
int pr_net_parse(
	const void *answers, size_t size, struct pr_arena *arena, struct pr_net_tables *tables);
/* Asks the kernel, in the network namespace of this process.  0, or negative errno. */
int pr_net_read(struct pr_arena *arena, struct pr_net_tables *ret);

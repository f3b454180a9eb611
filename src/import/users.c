/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search for users: from room to room, what matters most first. */
#include <string.h>

#include "import/users-finder.h"

static int (*const rooms[])(struct pr_finder *f) = { pr_blocks_load, pr_mounts_find, pr_swap_find,
	pr_own_find, pr_pools_find, pr_exports_find, pr_net_find, pr_device_find, pr_open_find,
	pr_blocks_rest, pr_found_finish };

int pr_users_find(const struct pr_users_source *source, struct pr_users *ret)
{
	struct pr_users users = { 0 };
	struct pr_finder f = { .source = source, .sysfs = source->sysfs, .result = &users };
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		r = rooms[i](&f);
		if (r < 0)
			return r;
	}

	*ret = users;
	return 0;
}

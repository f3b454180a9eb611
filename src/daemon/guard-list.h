/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of leases on slots: paths of ports, in a file with a line for each.  Knows no port. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pr_guard_list {
	char **paths;
	size_t n;
};
/* A file that is not there is an empty list.  0, -EBADMSG, other negative errno. */
int pr_guard_list_read(const char *directory, struct pr_guard_list *ret);
/* All of it or nothing, also over a power cut. */
int pr_guard_list_write(const char *directory, const struct pr_guard_list *l);
void pr_guard_list_deinit(struct pr_guard_list *l);
bool pr_guard_list_has(const struct pr_guard_list *l, const char *path);
int pr_guard_list_add(struct pr_guard_list *l, const char *path); /* 0 or -ENOMEM */
void pr_guard_list_drop(struct pr_guard_list *l, const char *path);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a function in sysfs that a client may read and write, and what may be written to each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pr_attribute {
	const char *name; /* path below the function's directory */
	bool (*valid)(const char *value);
	bool lasting; /* the write probes drivers: see child.h */
};

/* NULL when it is not on the list. */
const struct pr_attribute *pr_attribute_find(const char *name);

/*
 * "NAME=VALUE" lines of those that the function has, into @ret (NUL-terminated).  0, or -ENOSPC when
 * they are more than @size.
 */
int pr_attributes_read(int function, char *ret, size_t size);

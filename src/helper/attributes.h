/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a function in sysfs that a client may read and write, and what may be written to each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "helper/access.h"

struct pr_attribute {
	const char *name; /* path below the function's directory */
	bool (*valid)(const char *value);
	bool lasting; /* the write probes drivers, or assigns a bus anew: see child.h */
	bool deed;    /* no setting: pr_attributes_read() leaves it out */
};

/* NULL when it is not on the list. */
const struct pr_attribute *pr_attribute_find(const char *name);

/*
 * The directory that it is in, to be closed by the caller, and the file there: most are the
 * function's own.  0, or negative errno.
 */
int pr_attribute_open(const struct pr_access *a, int function, const struct pr_attribute *attribute,
	int *ret, const char **ret_file);

/*
 * "NAME=VALUE" lines of those that the function has, into @ret (NUL-terminated).  0, -ENOSPC when they
 * are more than @size, -EBUSY when the function does not answer: its driver hangs.
 */
int pr_attributes_read(const struct pr_access *a, int function, char *ret, size_t size);

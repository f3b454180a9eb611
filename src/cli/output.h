/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that verbs make. */
#pragma once

#include <stddef.h>

/*
 * A regular file appears under its name only when it is complete and on disk; into anything else
 * (a pipe, /dev/stdout) is written.  0 or negative errno.
 */
int pr_output_write(const char *file, const char *text, size_t size);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that verbs make. */
#pragma once

#include <stddef.h>

#include "cli/cli.h"

/*
 * A regular file appears under its name only when it is complete and on disk; into anything else
 * (a pipe, /dev/stdout) is written.  0 or negative errno.
 */
int pr_output_write(const char *file, const char *text, size_t size);
/* Empties @t to where --output says, or standard output.  An enum pr_exit, told. */
int pr_output_text(const struct pr_cli *cli, struct pr_text *t);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -H: the command on another machine. */
#pragma once

#include "cli/cli.h"

/* One more option of the command that is run there; @argument may be NULL. */
void pr_host_option(struct pr_text *command, const char *name, const char *argument);
/* Becomes ssh with the command: its options, then verb and arguments of @cli.  An enum pr_exit when that fails. */
int pr_host_run(const struct pr_cli *cli, struct pr_text *command);

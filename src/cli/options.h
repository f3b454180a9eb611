/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the command line, from arguments into struct pr_cli. */
#pragma once

#include "cli/cli.h"

/*
 * Options into @cli, which has defaults, and what is left as its arguments; as words of a shell into
 * @command, but for --host.  An enum pr_exit, told; pr_cli_options_free() in any case.
 */
int pr_cli_options_read(struct pr_cli *cli, int argc, char **argv, struct pr_text *command);
void pr_cli_options_free(struct pr_cli *cli);
/* That the verb has a use for all of them, and for its arguments.  An enum pr_exit, told. */
int pr_cli_options_check(const struct pr_cli *cli);
/* Those of @verb; NULL: all. */
void pr_cli_options_help(struct pr_text *t, const struct pr_verb *verb);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of the user's own that a verb runs for him. */
#pragma once

/*
 * Runs @command (NULL-terminated) with our input and output, and waits for it; Ctrl-C is its own
 * from now on.  What a shell would say of its end, or an enum pr_exit, told, when it cannot be run.
 */
int pr_cli_command(char **command);

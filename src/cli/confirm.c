/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb confirm: what a plan did shall stay, or there shall be more time to say so. */
#include "cli/source.h"

int pr_verb_confirm(const struct pr_cli *cli)
{
	struct pr_remote *m = NULL;
	int r;

	r = pr_remote_open(&m);
	if (r == PR_EXIT_OK)
		r = cli->extend_s > 0 ? pr_remote_extend(m, cli->extend_s) : pr_remote_confirm(m);
	if (r == PR_REMOTE_ABSENT)
		r = pr_cli_error("pciroomd does not run (%s): nothing waits to be confirmed",
			pr_remote_absence(m));
	pr_remote_close(m);
	return r;
}

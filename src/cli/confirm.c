/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb confirm: what a plan did shall stay. */
#include "cli/source.h"

int pr_verb_confirm(const struct pr_cli *cli)
{
	struct pr_remote *m = NULL;
	int r;

	(void)cli;
	r = pr_remote_open(&m);
	if (r == PR_EXIT_OK)
		r = pr_remote_confirm(m);
	if (r == PR_REMOTE_ABSENT)
		r = pr_cli_error("pciroomd does not run (%s): nothing waits to be confirmed",
			pr_remote_absence(m));
	pr_remote_close(m);
	return r;
}

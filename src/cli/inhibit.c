/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb inhibit: devices are left alone while a command runs. */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/remote.h"

#define WHY_MAX 200u

/* The command line, as far as it goes, as the reason that others read. */
static char *reason(const struct pr_cli *cli)
{
	struct pr_text t = { 0 };
	char *text;

	for (size_t i = 0; i < cli->n_arguments; i++)
		pr_text_printf(&t, "%s%s", i > 0 ? " " : "", cli->arguments[i]);
	if (pr_text_take(&t, &text, NULL) < 0)
		return NULL;
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = '?'; /* one line of text that any terminal can show */
	if (strlen(text) > WHY_MAX)
		text[WHY_MAX] = '\0';
	return text;
}

int pr_verb_inhibit(const struct pr_cli *cli)
{
	_cleanup_free_ char *why = NULL;
	struct pr_remote *m = NULL;
	int lease = -1, r;

	if (cli->n_arguments == 0)
		return pr_cli_error("inhibit: which command? pciroom inhibit -- COMMAND");
	why = reason(cli);
	if (!why)
		return pr_cli_failed(-ENOMEM, "cannot start");
	r = pr_remote_open(&m);
	if (r == PR_EXIT_OK)
		r = pr_remote_inhibit(
			m, cli->pins.name, cli->pins.n, why, cli->delay ? "delay" : "pin", &lease);
	if (r == PR_REMOTE_ABSENT)
		r = pr_cli_error("pciroomd does not run (%s): there is nobody to inhibit",
			pr_remote_absence(m));
	pr_remote_close(m); /* the lease is kept without it */
	if (r != PR_EXIT_OK)
		return r;
	r = pr_cli_command(cli->arguments); /* which has no part in the lease */
	(void)close(lease);                 /* released, one way or the other */
	return r;
}

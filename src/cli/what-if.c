/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb what-if: a machine with cards added and removed, perhaps under
 * another kernel, and what becomes of it.  Touches nothing.
 */
#include "cli/what-if.h"

#include "cli/changes.h"

static bool print_answer(const struct pr_cli *cli, const struct pr_what_if_answer *a)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (cli->json) {
		pr_json_init(&j, &t);
		pr_render_what_if_json(&j, a);
	} else {
		pr_render_what_if(&t, &cli->style, a);
	}
	return pr_cli_print(&t);
}

static int show(const struct pr_cli *cli, const struct pr_source *s, const struct pr_changes *x,
	const struct pr_what_if *w)
{
	const struct pr_what_if_answer a = {
		.what_if = w, .changes = x, .notes = pr_source_notes(s)
	};

	return print_answer(cli, &a) ? pr_what_if_exit(w) : PR_EXIT_ERROR;
}

int pr_verb_what_if(const struct pr_cli *cli)
{
	return pr_changes_show(cli, show);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb vfs: how many virtual functions can be enabled, and what stops more. */
#include <errno.h>

#include "base/macros.h"
#include "cli/plan.h"

static bool print_vfs(
	const struct pr_cli *cli, const struct pr_vfs_list *l, const struct pr_import_notes *notes)
{
	struct pr_text t = { 0 };
	struct pr_json j;
	int r = 0;

	if (cli->json) {
		pr_json_init(&j, &t);
		pr_render_vfs_json(&j, l, notes);
	} else {
		r = pr_render_vfs(&t, &cli->style, l);
	}
	if (r < 0) {
		pr_text_deinit(&t);
		(void)pr_cli_failed(r, "cannot draw the virtual functions");
		return false;
	}
	return pr_cli_print(&t);
}

static int show(const struct pr_cli *cli, const struct pr_source *s, const struct pr_question *q)
{
	struct pr_vfs_list *l;
	int r;

	r = pr_vfs_make(s->topology, &q->policy, q->devices, q->n_devices, &l);
	if (r < 0)
		return pr_cli_failed(r, "cannot count virtual functions");
	if (l->n == 0 && !cli->json) {
		pr_cli_note(q->n_devices > 0 ? "none of these has virtual functions"
					     : "no device has virtual functions");
		r = PR_EXIT_NOTHING;
	} else {
		r = print_vfs(cli, l, pr_source_notes(s)) ? PR_EXIT_OK : PR_EXIT_ERROR;
	}
	pr_vfs_free(l);
	return r;
}

int pr_verb_vfs(const struct pr_cli *cli)
{
	return pr_question_answer(cli, show);
}

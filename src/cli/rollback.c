/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb rollback: brings back what an interrupted run removed. */
#include "cli/source.h"

/* Unlike for apply, back as it was is success, and nothing pending is nothing to do. */
static int rollback_exit(enum pr_outcome o)
{
	if (o == PR_OUTCOME_ROLLED_BACK)
		return PR_EXIT_OK;

	return o == PR_OUTCOME_DONE ? PR_EXIT_NOTHING : PR_EXIT_ROLLED_BACK;
}

static bool print_report(const struct pr_cli *cli, const struct pr_report *report)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (!cli->json) {
		pr_text_printf(&t, "%s\n",
			report->text[0] ? report->text : pr_outcome_name(report->outcome));
		return pr_cli_print(&t);
	}

	pr_json_init(&j, &t);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "schema", "pciroom.rollback/1");
	pr_json_string(&j, "outcome", pr_outcome_name(report->outcome));
	pr_json_string(&j, "text", report->text);
	pr_json_object_end(&j);
	return pr_cli_print(&t);
}

static int rollback_local(const struct pr_cli *cli, struct pr_report *ret)
{
	struct pr_local *l = NULL;
	bool pending;
	int r;

	r = pr_local_open(cli, true, &l);
	if (r == PR_EXIT_OK)
		r = pr_local_lock(l, &pending);
	if (r == PR_EXIT_OK)
		r = pr_local_recover(l, ret);
	pr_local_close(l);
	return r;
}

static int rollback_remote(struct pr_report *ret)
{
	struct pr_remote *m = NULL;
	int r;

	r = pr_remote_open(&m);
	if (r == PR_EXIT_OK)
		r = pr_remote_rollback(m, ret);
	if (r == PR_REMOTE_ABSENT)
		r = pr_cli_error(
			"pciroomd does not run (%s): start it (systemctl start pciroomd; it "
			"rolls back by itself), or give --local as root",
			pr_remote_absence(m));
	pr_remote_close(m);
	return r;
}

int pr_verb_rollback(const struct pr_cli *cli)
{
	struct pr_report report = { 0 };
	int r = cli->local ? rollback_local(cli, &report) : rollback_remote(&report);

	if (r != PR_EXIT_OK)
		return r;
	return print_report(cli, &report) ? rollback_exit(report.outcome) : PR_EXIT_ERROR;
}

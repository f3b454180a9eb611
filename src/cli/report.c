/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb report: all that is to be said of a machine, on one page for somebody else. */
#include "cli/report.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "cli/output.h"

#define WHEN_MAX 40

/* As reproducible-builds.org has it: who sets that variable wants the same bytes again. */
static void now(char ret[WHEN_MAX])
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	uint64_t seconds;
	time_t t = time(NULL);
	struct tm tm;

	if (epoch && pr_parse_u64(epoch, 10, &seconds) == 0)
		t = (time_t)seconds;
	if (!gmtime_r(&t, &tm) || strftime(ret, WHEN_MAX, "%F %R UTC", &tm) == 0)
		ret[0] = '\0';
}

/* The recording's name and its directory's, which often says more; or that of the machine. */
static const char *title(const struct pr_cli *cli, char *buffer, size_t size)
{
	unsigned int slashes = 0;

	if (cli->input) {
		for (const char *s = cli->input + strlen(cli->input); s > cli->input; s--)
			if (s[-1] == '/' && ++slashes == 2)
				return s;
		return cli->input;
	}
	if (gethostname(buffer, size) < 0)
		return "this machine";
	buffer[size - 1] = '\0'; /* a longer name is cut */
	return buffer;
}

/* @answer: what if; NULL: the machine as it is. */
static int print_page(const struct pr_cli *cli, const struct pr_policy *policy,
	const struct pr_examination *x, const struct pr_what_if_answer *answer)
{
	char name[256], when[WHEN_MAX];
	struct pr_report_page page = { .title = title(cli, name, sizeof(name)),
		.when = when,
		.style = &cli->style,
		.examination = x,
		.what_if = answer,
		.policy = policy };
	struct pr_text t = { 0 };
	struct pr_slots *slots;
	int r = pr_slots_make(
		x->diagnosis.topology, policy, &(struct pr_slots_request){ 0 }, &slots);

	if (r < 0)
		return pr_cli_failed(r, "cannot try the slots");
	now(when);
	page.slots = slots;
	r = pr_render_report(&t, &page);
	r = r < 0 ? pr_cli_failed(r, "cannot make the page") : pr_output_text(cli, &t);
	pr_text_deinit(&t);
	pr_slots_free(slots);
	return r;
}

static int report(const struct pr_cli *cli, const struct pr_source *s, const struct pr_question *q)
{
	struct pr_examination x;
	int r = pr_examine(s, q, true, &x);

	if (r != PR_EXIT_OK)
		return r;
	r = pr_plan_look_around(s, x.plan);
	if (r == PR_EXIT_OK)
		r = print_page(cli, &q->policy, &x, NULL);
	pr_examination_deinit(&x);
	return r;
}

static int report_changes(const struct pr_cli *cli, const struct pr_source *s,
	const struct pr_changes *changes, const struct pr_what_if *w)
{
	const struct pr_question *q = &changes->question;
	const struct pr_what_if_answer answer = {
		.what_if = w, .changes = changes, .notes = pr_source_notes(s)
	};
	struct pr_examination x;
	int r = pr_examine(s, q, false, &x);

	if (r != PR_EXIT_OK)
		return r;
	r = print_page(cli, &q->policy, &x, &answer);
	pr_examination_deinit(&x);
	return r;
}

int pr_verb_report(const struct pr_cli *cli)
{
	if (cli->json)
		return pr_cli_error(
			"a report is a page of HTML; doctor, plan and what-if have the same as --json");
	return pr_changes_any(cli) ? pr_changes_show(cli, report_changes)
				   : pr_question_answer(cli, report);
}

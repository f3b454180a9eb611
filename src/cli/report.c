/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb report: all that is to be said of a machine, on one page for somebody else. */
#include "cli/report.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "cli/output.h"
#include "cli/plan.h"

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

static int print_page(const struct pr_cli *cli, const struct pr_question *q,
	const struct pr_doctor *d, const struct pr_diagnosis *diagnosis)
{
	char name[256], when[WHEN_MAX];
	struct pr_report_page page = { .title = title(cli, name, sizeof(name)),
		.when = when,
		.style = &cli->style,
		.doctor = d,
		.diagnosis = diagnosis,
		.policy = &q->policy };
	struct pr_text t = { 0 };
	struct pr_slots *slots;
	int r = pr_slots_make(
		diagnosis->topology, &q->policy, &(struct pr_slots_request){ 0 }, &slots);

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

static int plan_and_print(const struct pr_cli *cli, const struct pr_source *s,
	const struct pr_question *q, const struct pr_doctor *d)
{
	struct pr_diagnosis diagnosis = {
		.topology = s->topology, .explanation = &d->explanation, .notes = pr_source_notes(s)
	};
	struct pr_disarm *disarms = NULL;
	struct pr_plan *p;
	int r = pr_question_plan(q, s->topology, s->remote, &p);

	if (r != PR_EXIT_OK)
		return r;
	diagnosis.plan = p;
	r = pr_disarms_make(d, &q->policy, &disarms);
	diagnosis.disarms = disarms;
	r = r < 0 ? pr_cli_failed(r, "cannot examine the machine") : pr_plan_look_around(s, p);
	if (r == PR_EXIT_OK)
		r = print_page(cli, q, d, &diagnosis);
	pr_disarms_free(d, disarms);
	pr_plan_free(p);
	return r;
}

static int report(const struct pr_cli *cli, const struct pr_source *s, const struct pr_question *q)
{
	struct pr_doctor *d;
	int r = pr_doctor_make(s->topology, &d);

	if (r < 0)
		return pr_cli_failed(r, "cannot examine the machine");
	r = plan_and_print(cli, s, q, d);
	pr_doctor_free(d);
	return r;
}

int pr_verb_report(const struct pr_cli *cli)
{
	if (cli->json)
		return pr_cli_error(
			"a report is a page of HTML; doctor and plan have the same as --json");
	return pr_question_answer(cli, report);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb apply: plan, ask, carry out, say what came of it. */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "cli/apply.h"
#include "cli/plan.h"

int pr_outcome_exit(enum pr_outcome o)
{
	switch (o) {
	case PR_OUTCOME_DONE:
	case PR_OUTCOME_DIFFERS:
		return PR_EXIT_OK;
	case PR_OUTCOME_ROLLED_BACK:
	case PR_OUTCOME_LOST:
		return PR_EXIT_ROLLED_BACK;
	case PR_OUTCOME_STALE:
	case PR_OUTCOME_CANCELLED:
	case _PR_OUTCOME_MAX:
		break;
	}
	return PR_EXIT_ERROR;
}

/* An answer of apply: JSON with the plan, or a sentence after the plan was shown. */
static bool print_answer(const struct pr_cli *cli, const struct pr_plan *p, const char *outcome,
	const char *text, bool good)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (!cli->json) {
		pr_text_add(&t, "\n");
		pr_text_paint(&t, &cli->style, good ? PR_PAINT_GOOD : PR_PAINT_WARN, outcome);
		/* the runner's sentence may begin with the same word: it need not stand twice */
		if (strncmp(text, outcome, strlen(outcome)) == 0)
			text += strlen(outcome);
		else if (*text)
			pr_text_add(&t, ": ");
		pr_text_printf(&t, "%s\n", text);
		return pr_cli_print(&t);
	}

	pr_json_init(&j, &t);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "schema", "pciroom.apply/1");
	pr_json_string(&j, "outcome", outcome);
	pr_json_string(&j, "text", text);
	pr_json_object(&j, "plan");
	pr_render_plan_json(&j, p);
	pr_json_object_end(&j);
	pr_json_object_end(&j);
	return pr_cli_print(&t);
}

static bool show_plan(const struct pr_cli *cli, const struct pr_plan *p)
{
	struct pr_text t = { 0 };

	if (cli->json)
		return true; /* is part of the answer */
	pr_render_plan(&t, &cli->style, p);
	return pr_cli_print(&t);
}

static int refuse(const struct pr_cli *cli, const struct pr_plan *p)
{
	if (cli->json &&
		!print_answer(cli, p, "refused", p->why ? p->why : "nothing is to be done", false))
		return PR_EXIT_ERROR;

	return pr_verdict_exit(p->verdict);
}

/*
 * The answer may have taken its time, and the generation that the runner looks
 * at does not tell who uses what: plans once more.  (The daemon does the same.)
 */
static int check_again(const struct pr_cli *cli, struct pr_source *s, const struct pr_plan *p)
{
	struct pr_question q = { 0 };
	struct pr_topology *now = NULL;
	struct pr_plan *again = NULL;
	int r;

	if (!s->local)
		return PR_EXIT_OK;
	r = pr_local_look(s->local, &now);
	if (r == PR_EXIT_OK)
		r = pr_question_init(cli, now, &q);
	if (r == PR_EXIT_OK)
		r = pr_question_plan(&q, now, NULL, &again);
	if (r == PR_EXIT_OK && (again->verdict != p->verdict || strcmp(again->id, p->id) != 0))
		r = pr_cli_error(
			"the machine has changed since the plan was made; nothing was touched");

	pr_plan_free(again);
	pr_question_deinit(&q);
	pr_topology_free(now);
	return r;
}

static int run(const struct pr_cli *cli, struct pr_source *s, const struct pr_plan *p)
{
	struct pr_report report;
	int r;

	r = check_again(cli, s, p);
	if (r != PR_EXIT_OK)
		return r;
	r = s->remote ? pr_remote_apply(s->remote, p, cli->confirm_s, &report)
		      : pr_local_run(s->local, p, cli->confirm_s, &report);
	if (r != PR_EXIT_OK)
		return r == PR_REMOTE_ABSENT ? pr_cli_error("pciroomd went away") : r;

	r = pr_outcome_exit(report.outcome);
	if (!print_answer(cli, p, pr_outcome_name(report.outcome), report.text, r == PR_EXIT_OK) &&
		r == PR_EXIT_OK)
		r = PR_EXIT_ERROR;
	return r;
}

/* Nobody said yes, and nobody can be asked. */
static bool is_dry_run(const struct pr_cli *cli)
{
	return !cli->yes && (cli->json || !pr_cli_interactive());
}

static int carry_out(const struct pr_cli *cli, struct pr_source *s, const struct pr_plan *p)
{
	if (!show_plan(cli, p))
		return PR_EXIT_ERROR;
	if (p->verdict != PR_VERDICT_OK)
		return refuse(cli, p);
	if (is_dry_run(cli))
		return print_answer(cli, p, cli->json ? "dry-run" : "dry run",
			       "nothing was changed; --yes carries the plan out", true)
			       ? PR_EXIT_OK
			       : PR_EXIT_ERROR;
	if (!cli->yes && !pr_cli_ask("Carry out this plan?")) {
		pr_cli_note("nothing was changed");
		return PR_EXIT_ERROR;
	}

	return run(cli, s, p);
}

/* What an interrupted run left comes first: planning on half a machine would be wrong. */
static int finish_interrupted(const struct pr_cli *cli, struct pr_source *s)
{
	struct pr_report report;
	int r;

	if (is_dry_run(cli))
		return pr_cli_error("an earlier run was interrupted; pciroom rollback --local "
				    "brings back what it removed");
	if (!cli->yes && !pr_cli_ask("An earlier run was interrupted. Bring back what it removed?"))
		return pr_cli_error("cannot plan before that");

	r = pr_local_recover(s->local, &report);
	if (r != PR_EXIT_OK)
		return r;
	pr_cli_note("an earlier run was interrupted: %s", report.text);
	if (report.outcome == PR_OUTCOME_LOST)
		return PR_EXIT_ROLLED_BACK;

	return pr_source_look(s);
}

static int prepare(const struct pr_cli *cli, struct pr_source *s)
{
	bool pending;
	int r;

	if (!s->local)
		return PR_EXIT_OK; /* the daemon does this when it starts */
	r = pr_local_lock(s->local, &pending);
	if (r != PR_EXIT_OK || !pending)
		return r;

	return finish_interrupted(cli, s);
}

int pr_verb_apply(const struct pr_cli *cli)
{
	struct pr_question q = { 0 };
	struct pr_plan *p = NULL;
	struct pr_source s;
	int r;

	r = pr_source_open(cli, true, &s);
	if (r != PR_EXIT_OK)
		return r;

	r = prepare(cli, &s);
	if (r == PR_EXIT_OK)
		r = pr_question_init(cli, s.topology, &q);
	if (r == PR_EXIT_OK)
		r = pr_question_plan(&q, s.topology, s.remote, &p);
	if (r == PR_EXIT_OK)
		r = pr_plan_look_around(&s, p);
	if (r == PR_EXIT_OK)
		r = carry_out(cli, &s, p);

	pr_plan_free(p);
	pr_question_deinit(&q);
	pr_source_close(&s);
	return r;
}

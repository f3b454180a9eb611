/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb replug: a card is taken away, changed by a command, and brought back as what it is then. */
#include "base/macros.h"
#include "cli/apply.h"
#include "cli/command.h"
#include "cli/plan.h"

/* Time for the command when none is given; who holds no lease any more has none left anyway. */
#define CHANGE_S 3600u

struct replug {
	const struct pr_cli *cli;
	struct pr_source *source;
	const struct pr_question *question;
	bool ran;
	int status; /* of the command */
};

/* While the card is away.  True when it is to be brought back as another. */
static bool change_card(void *userdata)
{
	struct replug *p = userdata;

	p->ran = true;
	p->status = pr_cli_command(p->cli->arguments + 1);
	if (p->status != 0)
		(void)pr_cli_error("%s failed (%d)", p->cli->arguments[1], p->status);
	return p->status == 0;
}

static int run(struct replug *p, const struct pr_plan *plan, struct pr_report *ret)
{
	const struct pr_card_change change = { .run = change_card,
		.userdata = p,
		.seconds = p->cli->timeout_s ? p->cli->timeout_s : CHANGE_S,
		.link_off = p->cli->link_off };
	struct pr_local *local = p->source->local;
	int r;

	if (!local)
		return pr_remote_replug(p->source->remote, plan, &change, ret);
	pr_local_set_change(local, &change);
	r = pr_local_run(local, plan, 0, ret);
	pr_local_set_change(local, NULL);
	return r;
}

/* ---- what came back ---- */

static int run_room(const struct replug *p, const struct pr_plan *plan)
{
	struct pr_report report;
	int r;

	r = p->source->local ? pr_local_run(p->source->local, plan, 0, &report)
			     : pr_remote_apply(p->source->remote, plan, 0, &report);
	return r == PR_EXIT_OK ? pr_outcome_exit(report.outcome) : r;
}

static int plan_room(const struct replug *p, const struct pr_topology *now)
{
	struct pr_question question = *p->question;
	struct pr_plan *plan;
	int r;

	if (!pr_topology_find(now, &question.targets[0]))
		return pr_cli_error(
			"nothing came back at %s", pr_name_of(&question.targets[0]).text);
	r = pr_question_plan(&question, now, p->source->remote, &plan);
	if (r != PR_EXIT_OK)
		return r;
	if (plan->verdict == PR_VERDICT_OK) {
		r = run_room(p, plan);
	} else if (plan->verdict != PR_VERDICT_NOTHING) {
		(void)pr_cli_error("it came back, and has no room: %s", plan->why);
		r = pr_verdict_exit(plan->verdict);
	}
	pr_plan_free(plan);
	return r;
}

/* The card may ask for more than there was: a plan like any other, for whatever came back. */
static int make_room(const struct replug *p)
{
	struct pr_topology *now;
	int r;

	r = p->source->local ? pr_local_look(p->source->local, &now)
			     : pr_remote_look(p->source->remote, &now);
	if (r != PR_EXIT_OK)
		return r;
	r = plan_room(p, now);
	pr_topology_free(now);
	return r;
}

/* ---- all of it ---- */

static int plan_it(const struct replug *p, struct pr_plan **ret)
{
	struct pr_question question = *p->question;
	const struct pr_function *port = question.devices[0]->parent;

	question.request = (struct pr_request){ .replug = &question.targets[0] };
	if (p->cli->link_off && !(port && port->caps->pcie.present == PR_YES))
		return pr_cli_error("--link-off: there is no link of PCI Express above it");
	return pr_question_plan(&question, p->source->topology, p->source->remote, ret);
}

static bool show_steps(const struct pr_cli *cli, const struct pr_plan *plan)
{
	struct pr_text t = { 0 };

	if (cli->json)
		return true;
	for (size_t i = 0; i < plan->n_steps; i++) {
		if (plan->steps[i].kind == PR_STEP_RESCAN)
			pr_text_printf(&t, "  run %s\n", cli->arguments[1]);
		pr_text_add(&t, "  ");
		pr_render_step(&t, plan, &plan->steps[i]);
		pr_text_add(&t, "\n");
	}
	return pr_cli_print(&t);
}

static bool print_answer(const struct replug *p, const struct pr_report *report)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (!p->cli->json) {
		pr_text_printf(&t, "%s\n", report->text);
		return pr_cli_print(&t);
	}
	pr_json_init(&j, &t);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "schema", "pciroom.replug/1");
	pr_json_string(&j, "outcome", pr_outcome_name(report->outcome));
	pr_json_string(&j, "text", report->text);
	if (p->ran)
		pr_json_u64(&j, "status", (uint64_t)p->status);
	else
		pr_json_null(&j, "status");
	pr_json_object_end(&j);
	return pr_cli_print(&t);
}

static int carry_out(struct replug *p, const struct pr_plan *plan)
{
	struct pr_report report;
	int r;

	r = run(p, plan, &report);
	if (r != PR_EXIT_OK)
		return r;
	r = pr_outcome_exit(report.outcome);
	if (!print_answer(p, &report) && r == PR_EXIT_OK)
		r = PR_EXIT_ERROR;
	if (r == PR_EXIT_OK)
		return make_room(p);
	return report.outcome == PR_OUTCOME_CANCELLED && p->ran && p->status != 0 ? p->status : r;
}

static int ask_and_do(struct replug *p)
{
	struct pr_plan *plan;
	int r;

	r = plan_it(p, &plan);
	if (r != PR_EXIT_OK)
		return r;
	if (plan->verdict != PR_VERDICT_OK) {
		(void)pr_cli_error("%s", plan->why);
		r = pr_verdict_exit(plan->verdict);
	} else if (!show_steps(p->cli, plan)) {
		r = PR_EXIT_ERROR;
	} else if (!p->cli->yes && !pr_cli_interactive()) {
		pr_cli_note("nothing was changed; --yes carries it out");
	} else if (!p->cli->yes && !pr_cli_ask("Carry it out?")) {
		pr_cli_note("nothing was changed");
		r = PR_EXIT_ERROR;
	} else {
		r = carry_out(p, plan);
	}
	pr_plan_free(plan);
	return r;
}

/* The service finishes by itself what was interrupted. */
static int lock(const struct pr_source *s)
{
	bool pending = false;
	int r = s->local ? pr_local_lock(s->local, &pending) : PR_EXIT_OK;

	return pending ? pr_cli_error("an earlier run was interrupted; pciroom rollback --local "
				      "brings back what it removed")
		       : r;
}

int pr_verb_replug(const struct pr_cli *cli)
{
	struct pr_cli device =
		*cli; /* the first argument alone names one; the others are the command */
	struct pr_question q = { 0 };
	struct pr_source s;
	struct replug p = { .cli = cli, .source = &s, .question = &q };
	int r;

	if (cli->n_arguments < 2)
		return pr_cli_error("replug: which device, and which command? "
				    "pciroom replug DEVICE -- COMMAND");
	r = pr_source_open(cli, true, &s);
	if (r != PR_EXIT_OK)
		return r;
	device.n_arguments = 1;
	r = lock(&s);
	if (r == PR_EXIT_OK)
		r = pr_question_init(&device, s.topology, &q);
	if (r == PR_EXIT_OK)
		r = ask_and_do(&p);
	pr_question_deinit(&q);
	pr_source_close(&s);
	return r == PR_REMOTE_ABSENT ? pr_cli_error("pciroomd went away") : r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb replug: a card is taken away, changed by a command, and brought back as what it is then. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "cli/apply.h"
#include "cli/command.h"
#include "cli/plan.h"
#include "exec/guard.h"

#define LINK_CONTROL 0x10
#define LINK_DISABLE 0x0010u /* PCI Express Base 6.0, 7.5.3.7 */
/* Between two looks at the slot, and how many: a card that is configuring itself takes its time. */
#define LOOK_NS   500000000L
#define LOOKS_MAX 20u

struct replug {
	const struct pr_cli *cli;
	struct pr_local *local;
	const struct pr_function *port; /* of the look planned on; NULL: the root bus */
	struct pr_guarded slot;
	bool has_slot, taken;
	bool ran;
	int status; /* of the command */
};

static const struct pr_backend *backend_of(const struct replug *p)
{
	return pr_local_backend(p->local);
}

/* ---- between removal and rescan ---- */

static int set_link(const struct replug *p, bool on)
{
	const struct pr_backend *b = backend_of(p);
	uint16_t offset;
	uint32_t value;
	int r;

	if (!p->cli->link_off)
		return 0;
	offset = (uint16_t)(p->port->caps->pcie.offset + LINK_CONTROL);
	r = b->ops->read(b->instance, &p->port->address, offset, 2, &value);
	if (r < 0)
		return r;
	value = on ? value & ~LINK_DISABLE : value | LINK_DISABLE;
	return b->ops->write(b->instance, &p->port->address, offset, 2, value);
}

/* A slot that was switched off meanwhile is switched on; all others only get the time. */
static void wait_for_card(struct replug *p)
{
	const struct timespec between = { .tv_nsec = LOOK_NS };
	int r = PR_GUARD_QUIET;

	for (unsigned int i = 0; i < LOOKS_MAX && r == PR_GUARD_QUIET; i++) {
		(void)nanosleep(&between, NULL); /* woken early, it looks again early */
		r = p->taken ? pr_guard_look(backend_of(p), &p->slot) : PR_GUARD_WAITS;
	}
	if (r < 0)
		pr_cli_note("the slot cannot be looked at: %s", strerror(-r));
}

/* True when the card is to be brought back as another. */
static bool change_card(void *userdata)
{
	struct replug *p = userdata;
	int r;

	r = set_link(p, false);
	if (r < 0) {
		(void)pr_cli_error("the link cannot be switched off: %s", strerror(-r));
		return false;
	}
	p->ran = true;
	p->status = pr_cli_command(p->cli->arguments + 1);
	r = set_link(p, true);
	if (r < 0)
		(void)pr_cli_error("the link cannot be switched on again: %s", strerror(-r));
	wait_for_card(p);
	if (p->status != 0)
		(void)pr_cli_error("%s failed (%d)", p->cli->arguments[1], p->status);
	return p->status == 0;
}

/* ---- all of it ---- */

/* pciehp would take what the command does to the card for news of its own. */
static int take_slot(struct replug *p)
{
	int r;

	p->has_slot = p->port && p->port->bridge->hotplug && pr_guard_init(p->port, &p->slot);
	r = p->has_slot ? pr_guard_take(backend_of(p), &p->slot) : 0;
	p->taken = p->has_slot && r == 0;
	if (r < 0 && r != -EOPNOTSUPP)
		return pr_cli_failed(r, "the slot cannot be taken from the kernel");
	return PR_EXIT_OK;
}

static void give_slot(const struct replug *p)
{
	int r = p->taken ? pr_guard_give(backend_of(p), &p->slot) : 0;

	if (r < 0)
		(void)pr_cli_error("the slot cannot be given back to the kernel: %s "
				   "(pciroom guard --local --release %s)",
			strerror(-r), pr_name_of(&p->slot.port).text);
}

static int plan_it(const struct replug *p, const struct pr_question *q, const struct pr_topology *t,
	struct pr_plan **ret)
{
	struct pr_question question = *q;

	question.request = (struct pr_request){ .replug = &q->targets[0] };
	if (p->cli->link_off && !(p->port && p->port->caps->pcie.present == PR_YES))
		return pr_cli_error("--link-off: there is no link of PCI Express above it");
	return pr_question_plan(&question, t, NULL, ret);
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

static int run(struct replug *p, const struct pr_plan *plan, struct pr_report *ret)
{
	int r = take_slot(p);

	if (r != PR_EXIT_OK)
		return r;
	pr_local_set_between(p->local, change_card, p);
	r = pr_local_run(p->local, plan, 0, ret);
	pr_local_set_between(p->local, NULL, NULL);
	return r;
}

/* The card asks for more than there was: a plan like any other, for whatever came back. */
static int make_room(const struct replug *p, const struct pr_question *q)
{
	struct pr_question question = *q;
	struct pr_topology *now;
	struct pr_report report;
	struct pr_plan *plan = NULL;
	int r;

	r = pr_local_look(p->local, &now);
	if (r != PR_EXIT_OK)
		return r;
	if (!pr_topology_find(now, &q->targets[0]))
		r = pr_cli_error("nothing came back at %s", pr_name_of(&q->targets[0]).text);
	if (r == PR_EXIT_OK)
		r = pr_question_plan(&question, now, NULL, &plan);
	if (r == PR_EXIT_OK && plan->verdict == PR_VERDICT_OK)
		r = pr_local_run(p->local, plan, 0, &report);
	if (r == PR_EXIT_OK && plan->verdict == PR_VERDICT_OK)
		r = pr_outcome_exit(report.outcome);
	else if (r == PR_EXIT_OK && plan->verdict != PR_VERDICT_NOTHING) {
		(void)pr_cli_error("it came back, and has no room: %s", plan->why);
		r = pr_verdict_exit(plan->verdict);
	}
	pr_plan_free(plan);
	pr_topology_free(now);
	return r;
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

static int carry_out(struct replug *p, const struct pr_question *q, const struct pr_plan *plan)
{
	struct pr_report report;
	int r;

	r = run(p, plan, &report);
	if (r == PR_EXIT_OK) {
		r = pr_outcome_exit(report.outcome);
		if (!print_answer(p, &report) && r == PR_EXIT_OK)
			r = PR_EXIT_ERROR;
		if (r == PR_EXIT_OK)
			r = make_room(p, q);
		else if (report.outcome == PR_OUTCOME_CANCELLED && p->ran && p->status != 0)
			r = p->status;
	}
	give_slot(p);
	return r;
}

static int ask_and_do(struct replug *p, const struct pr_question *q, const struct pr_topology *t)
{
	struct pr_plan *plan;
	int r;

	r = plan_it(p, q, t, &plan);
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
		r = carry_out(p, q, plan);
	}
	pr_plan_free(plan);
	return r;
}

/* The first argument alone names a device; the others are the command. */
static int replug_local(const struct pr_cli *cli)
{
	struct pr_cli device = *cli;
	struct replug p = { .cli = cli };
	struct pr_question q = { 0 };
	struct pr_source s;
	bool pending = false;
	int r;

	device.n_arguments = 1;
	r = pr_source_open(cli, true, &s);
	if (r != PR_EXIT_OK)
		return r;
	p.local = s.local;
	r = pr_local_lock(s.local, &pending);
	if (r == PR_EXIT_OK && pending)
		r = pr_cli_error("an earlier run was interrupted; pciroom rollback --local brings "
				 "back what it removed");
	if (r == PR_EXIT_OK)
		r = pr_question_init(&device, s.topology, &q);
	if (r == PR_EXIT_OK) {
		p.port = q.devices[0]->parent;
		r = ask_and_do(&p, &q, s.topology);
	}
	pr_question_deinit(&q);
	pr_source_close(&s);
	return r;
}

int pr_verb_replug(const struct pr_cli *cli)
{
	if (cli->n_arguments < 2)
		return pr_cli_error("replug: which device, and which command? "
				    "pciroom replug DEVICE -- COMMAND");
	if (!cli->local)
		return pr_cli_error("replug works with --local only, as root");
	return replug_local(cli);
}

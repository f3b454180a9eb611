/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The question of a survey to one machine.  A card whose slot is not said is
 * tried in each empty one, after those that were placed before it.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "cli/survey.h"

/* The cards as they are placed so far, and what becomes of the machine. */
struct state {
	const struct pr_cli *cli;
	const struct pr_topology *machine;
	char **added; /* TEMPLATE@SLOT; room for all options --add */
	size_t n_added, tried;
	struct pr_changes changes;
	struct pr_what_if *what_if; /* NULL: none was made yet, or none can be */
	enum pr_survey_answer answer;
};

static void drop_answer(struct state *x)
{
	pr_what_if_free(x->what_if);
	pr_changes_deinit(&x->changes);
	x->what_if = NULL;
}

static void deinit(struct state *x)
{
	drop_answer(x);
	for (size_t i = 0; i < x->n_added; i++)
		free(x->added[i]);
	free(x->added);
}

/* ---- what an answer amounts to ---- */

static enum pr_survey_answer by_cost(const struct pr_cost *cost)
{
	switch (pr_when_of(cost)) {
	case PR_WHEN_NOW:
	case PR_WHEN_FREE:
		return PR_SURVEY_FREE;
	case PR_WHEN_RESTART:
		return PR_SURVEY_RESTART;
	case PR_WHEN_IN_USE:
		return PR_SURVEY_IN_USE;
	case PR_WHEN_BOOT:
	case _PR_WHEN_MAX:
		break;
	}
	return PR_SURVEY_NO;
}

static enum pr_survey_answer by_plan(const struct pr_plan *p)
{
	switch (p->verdict) {
	case PR_VERDICT_OK:
	case PR_VERDICT_TOO_DISRUPTIVE:
		return by_cost(&p->cost);
	case PR_VERDICT_NOTHING:
		return PR_SURVEY_NOW;
	case PR_VERDICT_INFEASIBLE:
		return p->n_advice > 0 ? PR_SURVEY_BOOT : PR_SURVEY_NO;
	case PR_VERDICT_VETOED:
		return PR_SURVEY_VETOED;
	case PR_VERDICT_UNKNOWN:
	case _PR_VERDICT_MAX:
		break;
	}
	return PR_SURVEY_UNKNOWN;
}

static enum pr_survey_answer judge(const struct pr_what_if *w)
{
	if (w->suffices)
		return PR_SURVEY_NOW;
	return w->plan ? by_plan(w->plan) : PR_SURVEY_UNKNOWN;
}

/* Less is better. */
static int compare(const struct state *a, const struct state *b)
{
	const struct pr_plan *p = a->what_if ? a->what_if->plan : NULL;
	const struct pr_plan *q = b->what_if ? b->what_if->plan : NULL;

	if (a->answer != b->answer)
		return a->answer < b->answer ? -1 : 1;
	return p && q ? pr_cost_compare(&p->cost, &q->cost) : 0;
}

/* ---- placing ---- */

/* What becomes of the machine with the first @n cards. */
static int answer(struct state *x, size_t n)
{
	int r = pr_changes_make(x->cli, x->machine, (const char *const *)x->added, n, &x->changes);

	x->answer = PR_SURVEY_NO;
	if (r == PR_EXIT_INFEASIBLE)
		return PR_EXIT_OK; /* no number to name it by */
	if (r == PR_EXIT_OK)
		r = pr_changes_answer(&x->changes, &x->what_if);
	if (r == PR_EXIT_OK)
		x->answer = judge(x->what_if);
	return r;
}

static bool is_candidate(const struct pr_cli *cli, const struct pr_function *f)
{
	return pr_is_slot_port(f) && !f->first_child && (f->bridge->hotplug || cli->style.verbose);
}

/* "TEMPLATE@SLOT"; a port of a card that comes has no address that means anything. */
static char *name_slot(const char *template, const struct pr_function *port)
{
	char path[512], *text;

	if (port->facts->is_newcomer && pr_function_path(port, path, sizeof(path)) < 0)
		return NULL;
	return asprintf(&text, "%s@%s", template,
		       port->facts->is_newcomer ? path : pr_name_of(&port->address).text) < 0
		       ? NULL
		       : text;
}

/* The card in that slot; the better of this answer and the one before stays in @x. */
static int try_slot(struct state *x, const char *template, const struct pr_function *port)
{
	struct state trial = *x;
	char *before = x->added[x->n_added], *name = name_slot(template, port);
	int r;

	if (!name)
		return pr_cli_failed(-ENOMEM, "cannot name a slot");
	trial.changes = (struct pr_changes){ 0 };
	trial.what_if = NULL;
	x->added[x->n_added] = name;
	r = answer(&trial, x->n_added + 1);
	x->tried++;
	if (r == PR_EXIT_OK && (!before || compare(&trial, x) < 0)) {
		drop_answer(x);
		x->changes = trial.changes;
		x->what_if = trial.what_if;
		x->answer = trial.answer;
		free(before);
		return r;
	}
	drop_answer(&trial);
	x->added[x->n_added] = before;
	free(name);
	return r;
}

/* Nothing better than that can come. */
static bool is_best(const struct state *x)
{
	return x->answer == PR_SURVEY_NOW && x->what_if && x->what_if->complete;
}

static int try_slots(struct state *x, const char *template, const struct pr_topology *t)
{
	drop_answer(x);
	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions && !is_best(x); j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];
			int r = is_candidate(x->cli, f) ? try_slot(x, template, f) : PR_EXIT_OK;

			if (r != PR_EXIT_OK)
				return r;
		}
	}
	if (x->added[x->n_added])
		x->n_added++;
	else
		x->answer = PR_SURVEY_NO_SLOT;
	return PR_EXIT_OK;
}

/* In the slot of its own choice. */
static int place(struct state *x, const char *template)
{
	struct pr_changes before;
	int r = pr_changes_make(
		x->cli, x->machine, (const char *const *)x->added, x->n_added, &before);

	if (r != PR_EXIT_OK)
		return r;
	r = try_slots(x, template, before.machine);
	pr_changes_deinit(&before);
	return r;
}

static int place_all(struct state *x)
{
	for (size_t i = 0; i < x->cli->added.n; i++) {
		const char *card = x->cli->added.name[i];
		int r = PR_EXIT_OK;

		if (x->answer == PR_SURVEY_NO_SLOT || x->answer == PR_SURVEY_NO)
			return PR_EXIT_OK; /* more cards do not make it better */
		if (strrchr(card, '@')) {
			x->added[x->n_added] = strdup(card);
			if (!x->added[x->n_added++])
				return pr_cli_failed(-ENOMEM, "cannot add a card");
			drop_answer(x);
		} else {
			r = place(x, card);
		}
		if (r != PR_EXIT_OK)
			return r;
	}
	if (!x->what_if && x->answer != PR_SURVEY_NO_SLOT && x->answer != PR_SURVEY_NO)
		return answer(x, x->n_added);
	return PR_EXIT_OK;
}

/* ---- telling ---- */

static const char *why(const struct state *x)
{
	const struct pr_what_if *w = x->what_if;

	if (x->answer == PR_SURVEY_NO_SLOT)
		return pr_survey_answer_text(x->answer);
	if (!w)
		return "no bus number is left to name its functions by";
	if (w->doubt)
		return w->doubt;
	if (x->answer == PR_SURVEY_NOW)
		return w->n_cards > 0 && !w->complete ? "it works without its I/O ports or ROM"
						      : NULL;
	return w->plan ? w->plan->why : NULL;
}

/* What one has to know beside the answer: the price, the setting, or the reason. */
static void add_remark(struct pr_text *t, const struct state *x, const char *reason)
{
	const struct pr_plan *p = x->what_if ? x->what_if->plan : NULL;

	if (p && x->answer == PR_SURVEY_BOOT)
		pr_text_add(t, p->advice[0].text);
	else if (p && x->answer >= PR_SURVEY_FREE && x->answer <= PR_SURVEY_IN_USE)
		pr_render_cost(t, p);
	else if (reason)
		pr_text_add(t, reason);
	if (p && p->verdict == PR_VERDICT_TOO_DISRUPTIVE)
		pr_text_add(t, ", which is not allowed");
}

static void add_slots(struct pr_text *t, const struct state *x)
{
	for (size_t i = 0; i < x->n_added; i++)
		pr_text_printf(t, "%s%s", i > 0 ? ", " : "", strrchr(x->added[i], '@') + 1);
}

/* As much of it as there is room for. */
static void copy(char *to, size_t size, struct pr_text *from)
{
	(void)snprintf(to, size, "%s", from->failed || !from->data ? "" : from->data);
	pr_text_deinit(from);
}

static void fill_row(const struct state *x, const char *reason, struct pr_survey_row *ret)
{
	const char *release = x->machine->machine.release;
	const struct pr_plan *p = x->what_if ? x->what_if->plan : NULL;
	struct pr_text where = { 0 }, remark = { 0 };

	*ret = (struct pr_survey_row){ .answer = x->answer,
		.forbidden = p && (p->verdict == PR_VERDICT_TOO_DISRUPTIVE ||
					  p->verdict == PR_VERDICT_VETOED) };
	(void)snprintf(ret->kernel, sizeof(ret->kernel), "%s", release ? release : "?");
	add_slots(&where, x);
	copy(ret->where, sizeof(ret->where), &where);
	add_remark(&remark, x, reason);
	copy(ret->text, sizeof(ret->text), &remark);
}

static int ask(struct state *x)
{
	x->added = calloc(x->cli->added.n + 1, sizeof(*x->added));
	return x->added ? place_all(x) : pr_cli_failed(-ENOMEM, "cannot start");
}

int pr_survey_ask(const struct pr_cli *cli, const char *file, size_t number,
	struct pr_survey_row *ret_row, struct pr_text *t)
{
	struct state x = { .cli = cli };
	struct pr_survey_line line = { .file = file, .number = number };
	struct pr_source s;
	int r = pr_source_open(cli, false, &s);

	if (r != PR_EXIT_OK)
		return r;
	x.machine = line.machine = s.topology;
	r = ask(&x);
	if (r == PR_EXIT_OK) {
		line.notes = pr_source_notes(&s);
		line.added = (const char *const *)x.added;
		line.n_added = x.n_added;
		line.tried = x.tried;
		line.answer = x.answer;
		line.what_if = x.what_if;
		line.why = why(&x);
		pr_render_survey_line(t, &line);
		fill_row(&x, line.why, ret_row);
	}
	deinit(&x);
	pr_source_close(&s);
	return r;
}

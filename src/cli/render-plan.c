/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan as sentences: the verdict first, then what is done, whom it disturbs,
 * and what comes out of it.
 */
#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "cli/render.h"

/* The function of the topology planned on that a step names; NULL for none. */
static const struct pr_function *step_function(const struct pr_plan *p, const struct pr_step *step)
{
	return pr_topology_find(p->topology, &step->address);
}

static size_t count_below(const struct pr_function *top)
{
	size_t n = 0;

	for (const struct pr_function *f = pr_function_walk(top, top); f;
		f = pr_function_walk(f, top))
		n++;

	return n;
}

static void add_remove(struct pr_text *t, const struct pr_plan *p, const struct pr_step *step)
{
	const struct pr_function *f = step_function(p, step);
	size_t n = f ? count_below(f) : 0;

	pr_text_printf(t, "remove %s", pr_name_of(&step->address).text);
	if (n > 0) {
		pr_text_add(t, " and the ");
		pr_text_count(t, n, "function");
		pr_text_add(t, " below it");
	}
}

void pr_render_cost(struct pr_text *t, const struct pr_plan *p)
{
	const struct pr_cost *c = &p->cost;

	if (c->in_use == 0 && c->restarted == 0) {
		pr_text_add(t, "nobody is disturbed");
		return;
	}
	if (c->in_use > 0) {
		pr_text_count(t, c->in_use, "function");
		pr_text_add(t, " in use will be interrupted");
	}
	if (c->restarted > 0) {
		pr_text_add(t, c->in_use > 0 ? ", " : "");
		pr_text_count(t, c->restarted, "driver");
		pr_text_add(t, " will be restarted");
	}
}

/* PCI-to-PCI Bridge 1.2, 3.2.5.6 to 3.2.5.10 */
static const char *window_written(const struct pr_step *step)
{
	if ((step->width == 2 && step->offset == 0x1c) ||
		(step->width == 4 && step->offset == 0x30))
		return "I/O";
	if (step->width != 4 || step->offset < 0x20 || step->offset > 0x2c)
		return NULL;
	return step->offset == 0x20 ? "memory" : "prefetchable";
}

static unsigned int window_at(uint16_t offset)
{
	if (offset == 0x1c || offset == 0x30)
		return PR_WINDOW_IO;
	return offset == 0x20 ? PR_WINDOW_MEM : PR_WINDOW_PREF;
}

/* A larger window is asked for by writing it. */
static bool is_reserve(const struct pr_plan *p, const struct pr_step *step)
{
	for (size_t i = 0; i < p->n_reserves; i++)
		if (pr_address_compare(&p->reserves[i].bridge, &step->address) == 0 &&
			p->reserves[i].window == window_at(step->offset))
			return true;
	return false;
}

/* A window that the kernel believes open gets what its table has; others are closed. */
static bool is_opened(const struct pr_plan *p, const struct pr_step *step)
{
	const struct pr_function *f = pr_topology_find(p->topology, &step->address);

	return f && pr_window_disagrees(f, window_at(step->offset));
}

static void add_write(struct pr_text *t, const struct pr_plan *p, const struct pr_step *step)
{
	const struct pr_name name = pr_name_of(&step->address);
	const char *window = window_written(step);

	if (window && is_reserve(p, step))
		pr_text_printf(t, "ask for room in the %s window of %s: ", window, name.text);
	else if (window && is_opened(p, step))
		pr_text_printf(t, "open the %s window of %s again: ", window, name.text);
	else if (window)
		pr_text_printf(t, "close the %s window of %s first: ", window, name.text);
	pr_text_printf(t, "write 0x%0*" PRIx32 " to register 0x%02x", 2 * step->width, step->value,
		step->offset);
	if (!window)
		pr_text_printf(t, " of %s", name.text);
	pr_text_printf(t, " (now 0x%0*" PRIx32 ")", 2 * step->width, step->old);
}

static void add_vfs(struct pr_text *t, const struct pr_name *name, const struct pr_step *step)
{
	const char *s = (step->value > 0 ? step->value : step->old) == 1 ? "" : "s";

	if (step->value > 0) {
		pr_text_printf(t,
			"enable %" PRIu32 " virtual function%s of %s (sriov_numvfs %" PRIu32 ")",
			step->value, s, name->text, step->value);
		return;
	}
	pr_text_printf(t,
		"take the %" PRIu32
		" virtual function%s of %s away for the moment (sriov_numvfs 0)",
		step->old, s, name->text);
}

static void add_resize(struct pr_text *t, const struct pr_step *step)
{
	static const struct pr_style plain = { 0 };
	char from[PR_WORD_MAX], to[PR_WORD_MAX];

	pr_text_printf(t, "resize %s of %s in place, from %s to %s", pr_resource_name(step->index),
		pr_name_of(&step->address).text, pr_size_text(&plain, step->old_size, from),
		pr_size_text(&plain, step->size, to));
}

void pr_render_step(struct pr_text *t, const struct pr_plan *p, const struct pr_step *step)
{
	const struct pr_name name = pr_name_of(&step->address);

	switch (step->kind) {
	case PR_STEP_UNBIND:
		pr_text_printf(t, "unbind %s from %s", step->driver ? step->driver : "the driver",
			name.text);
		return;
	case PR_STEP_WRITE:
		add_write(t, p, step);
		return;
	case PR_STEP_RESIZE:
		add_resize(t, step);
		return;
	case PR_STEP_REMOVE:
		add_remove(t, p, step);
		return;
	case PR_STEP_RESCAN:
		if (step->root_bus)
			pr_text_printf(t, "rescan the root bus %04" PRIx32 ":%02x",
				step->address.domain, step->address.bus);
		else
			pr_text_printf(t, "rescan the bus of %s", name.text);
		return;
	case PR_STEP_VFS:
		add_vfs(t, &name, step);
		return;
	case PR_STEP_EXPECT:
		pr_text_add(t, "check that the machine is as predicted");
		return;
	case _PR_STEP_MAX:
		return;
	}
}

static void add_steps(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	pr_text_add(t, "\n");
	pr_text_paint(t, s, PR_PAINT_BOLD, "What will be done");
	pr_text_add(t, "\n");
	for (size_t i = 0; i < p->n_steps; i++) {
		pr_text_printf(t, "  %zu. ", i + 1);
		pr_render_step(t, p, &p->steps[i]);
		pr_text_add(t, "\n");
	}
}

/* "restart" is the longest. */
#define NAME_WIDTH 7

static void add_affected(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	static const enum pr_paint paints[_PR_DISRUPTION_MAX] = {
		[PR_DISRUPTION_RESTART] = PR_PAINT_WARN,
		[PR_DISRUPTION_IN_USE] = PR_PAINT_BAD,
		[PR_DISRUPTION_PINNED] = PR_PAINT_BAD,
	};
	size_t n_free = 0;
	const char *name;

	pr_text_add(t, "\n");
	pr_text_paint(t, s, PR_PAINT_BOLD, "What is disturbed");
	pr_text_add(t, "\n");
	for (size_t i = 0; i < p->n_affected; i++) {
		const struct pr_affected *a = &p->affected[i];

		if (a->disruption == PR_DISRUPTION_FREE && !s->verbose) {
			n_free++;
			continue;
		}
		pr_text_printf(t, "  %-14s ", pr_name_of(&a->function->address).text);
		name = pr_disruption_name(a->disruption);
		pr_text_paint(t, s, paints[a->disruption], name);
		pr_text_printf(t, "%*s ", NAME_WIDTH - (int)strlen(name), "");
		pr_text_function(t, a->function);
		if (a->reason)
			pr_text_printf(t, ": %s", a->reason);
		pr_text_add(t, "\n");
	}
	if (p->n_affected == 0)
		pr_text_add(t, "  nothing\n");
	if (n_free > 0) {
		pr_text_add(t, "  ");
		pr_text_count(t, n_free, "function");
		pr_text_add(t, " that nobody uses (bridges, devices without a driver)\n");
	}
}

/* Resources of the target @f that get addresses by the plan. */
static size_t add_gains(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p,
	const struct pr_function *f)
{
	const struct pr_function *now = pr_topology_same(p->prediction, f);
	size_t n = 0;
	char a[PR_WORD_MAX];

	for (size_t i = 0; now && i < now->n_resources; i++) {
		const struct pr_resource *r = &now->resources[i];
		const struct pr_resource *was = pr_function_resource(f, r->index);

		if (r->state != PR_RES_ASSIGNED || pr_resource_is_window(r) ||
			(was && was->state == PR_RES_ASSIGNED))
			continue;
		pr_text_printf(t, "  %-14s gets %s, %s at 0x%" PRIx64 "\n",
			pr_name_of(&f->address).text, pr_resource_name(r->index),
			pr_size_text(s, r->size, a), r->range.first);
		n++;
	}

	return n;
}

static bool is_target(const struct pr_plan *p, const struct pr_function *f)
{
	for (size_t i = 0; i < p->n_targets; i++)
		if (p->targets[i] == f)
			return true;

	return false;
}

static void add_renumbered(struct pr_text *t, const struct pr_plan *p)
{
	for (size_t i = 0; i < p->n_renumbered; i++)
		pr_text_printf(t, "  %-14s becomes %s: its names in the system change\n",
			pr_name_of(&p->renumbered[i].before->address).text,
			pr_name_of(&p->renumbered[i].after->address).text);
}

static void add_mention(struct pr_text *t, const struct pr_effect *e)
{
	pr_text_printf(t, "  %s", e->file);
	if (e->line > 0)
		pr_text_printf(t, ":%u", e->line);
	pr_text_printf(t, " %s %s", e->line > 0 ? "names" : "is called after", e->before);
	if (e->after)
		pr_text_printf(t, ", which will be %s", e->after);
	pr_text_add(t, "\n");
}

/* What new addresses change beyond the machine's layout. */
static void add_effects(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	if (p->n_effects == 0 && !p->effects_unseen)
		return;
	pr_text_add(t, "\n");
	pr_text_paint(t, s, PR_PAINT_BOLD, "What new addresses change");
	pr_text_add(t, "\n");
	for (size_t i = 0; i < p->n_effects; i++) {
		const struct pr_effect *e = &p->effects[i];

		if (e->kind == PR_EFFECT_MENTION)
			add_mention(t, e);
		else
			pr_text_printf(
				t, "  %-14s %s\n", pr_name_of(&e->function->address).text, e->text);
	}
	if (p->effects_unseen)
		pr_text_printf(t, "  There may be more: %s.\n", p->effects_unseen);
}

static void add_left(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	char a[PR_WORD_MAX];

	for (size_t i = 0; i < p->n_left; i++) {
		const struct pr_left *l = &p->left[i];

		pr_text_printf(t, "  %-14s stays without %s (%s of %s)\n",
			pr_name_of(&l->function->address).text,
			pr_resource_name(l->resource->index), pr_size_text(s, l->resource->size, a),
			pr_resource_kind_text(l->resource));
	}
}

static void add_reserves(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	for (size_t i = 0; i < p->n_reserves; i++) {
		const struct pr_reserve *r = &p->reserves[i];
		const struct pr_function *f = pr_topology_find(p->topology, &r->bridge);
		const struct pr_resource *w =
			pr_function_resource(pr_topology_same(p->prediction, f), r->window);
		char a[PR_WORD_MAX];

		pr_text_printf(t, "  %-14s has %s in its %s\n", pr_name_of(&r->bridge).text,
			pr_size_text(s, w->size, a), pr_resource_name(r->window));
	}
}

static void add_enabled(struct pr_text *t, const struct pr_plan *p)
{
	for (size_t i = 0; i < p->n_vfs; i++) {
		const struct pr_function *f = pr_topology_find(p->topology, &p->vfs[i].function);

		pr_text_printf(t, "  %-14s has %u virtual function%s\n",
			pr_name_of(&pr_topology_same(p->prediction, f)->address).text,
			p->vfs[i].vfs, p->vfs[i].vfs == 1 ? "" : "s");
	}
}

static void add_unseen(struct pr_text *t, const struct pr_plan *p)
{
	for (size_t i = 0; i < p->n_unseen; i++) {
		const struct pr_function *now = pr_topology_same(p->prediction, p->unseen[i]);

		pr_text_printf(t,
			"  %-14s gets buses %02x to %02x; what is behind it will be seen then, "
			"and may need a plan of its own\n",
			pr_name_of(&p->unseen[i]->address).text, now->bridge->secondary,
			now->bridge->subordinate);
	}
}

static void add_result(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	pr_text_add(t, "\n");
	pr_text_paint(t, s, PR_PAINT_BOLD, "What comes out of it");
	pr_text_add(t, "\n");
	for (size_t i = 0; i < p->n_targets; i++)
		(void)add_gains(t, s, p, p->targets[i]); /* a bridge has none to show */
	for (size_t i = 0; i < p->n_affected; i++)
		if (!is_target(p, p->affected[i].function))
			(void)add_gains(t, s, p, p->affected[i].function);
	add_renumbered(t, p);
	add_unseen(t, p);
	add_reserves(t, s, p);
	add_enabled(t, p);
	add_left(t, s, p);
	if (p->closes)
		pr_text_add(t,
			"  Windows that are closed first come back as large as is needed: what "
			"firmware had\n  reserved in them is given up.\n");
	if (p->n_affected > 0)
		pr_text_add(t,
			"  Everything that worked before works again; addresses may be others.\n");
}

static void add_attempt(struct pr_text *t, const struct pr_attempt *a)
{
	if (a->top)
		pr_text_printf(t, "  re-enumerating %s: ", pr_name_of(&a->top->address).text);
	else
		pr_text_add(t, "  a rescan alone: ");
	pr_text_printf(t, "%s\n", a->good ? "works" : a->why ? a->why : "does not work");
}

/* The same candidate comes up for several targets, and fails for the same reason. */
static bool was_told(const struct pr_plan *p, size_t i)
{
	const struct pr_attempt *a = &p->attempts[i];

	for (size_t k = 0; k < i; k++) {
		const struct pr_attempt *b = &p->attempts[k];

		if (a->top == b->top && a->good == b->good &&
			(a->why == b->why || (a->why && b->why && strcmp(a->why, b->why) == 0)))
			return true;
	}

	return false;
}

#define ATTEMPTS_MAX 10 /* unless everything is wanted */

static void add_attempts(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	size_t n = 0;

	if (p->n_attempts == 0)
		return;

	pr_text_add(t, "\n");
	pr_text_paint(t, s, PR_PAINT_BOLD, "What was considered");
	pr_text_add(t, "\n");
	for (size_t i = 0; i < p->n_attempts; i++)
		if (!was_told(p, i) && (n++ < ATTEMPTS_MAX || s->verbose))
			add_attempt(t, &p->attempts[i]);
	if (n > ATTEMPTS_MAX && !s->verbose)
		pr_text_printf(t, "  and %zu more (--verbose shows them)\n", n - ATTEMPTS_MAX);
}

static void add_targets(struct pr_text *t, const struct pr_plan *p)
{
	for (size_t i = 0; i < p->n_targets; i++)
		pr_text_printf(t, "%s%s",
			i == 0                  ? ""
			: i + 1 == p->n_targets ? " and "
						: ", ",
			pr_name_of(&p->targets[i]->address).text);
}

/* A limit that would have allowed @p; none for what is pinned. */
static void add_limit_hint(struct pr_text *t, const struct pr_plan *p)
{
	enum pr_disruption worst = PR_DISRUPTION_FREE;

	for (size_t i = 0; i < p->n_affected; i++)
		if (p->affected[i].disruption > worst)
			worst = p->affected[i].disruption;
	if (worst <= PR_DISRUPTION_IN_USE)
		pr_text_printf(t, "--disruption=%s would allow it.\n", pr_disruption_name(worst));
}

static void add_verdict(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	const char *why = p->why ? p->why : "no reason was given";
	bool asked = p->n_reserves + p->n_resizes + p->n_vfs > 0;

	switch (p->verdict) {
	case PR_VERDICT_OK:
		pr_text_paint(
			t, s, PR_PAINT_GOOD, asked ? "It can be done: " : "It can be mended: ");
		add_targets(t, p);
		pr_text_add(t, asked ? " will have what was asked for; " : " will work; ");
		pr_render_cost(t, p);
		pr_text_add(t, ".\n");
		return;
	case PR_VERDICT_NOTHING:
		pr_text_paint(t, s, PR_PAINT_GOOD, "Nothing to do: ");
		pr_text_add(t, "nothing in question lacks addresses or bus numbers.\n");
		return;
	case PR_VERDICT_INFEASIBLE:
		pr_text_paint(t, s, PR_PAINT_BAD, "It cannot be mended while the machine runs: ");
		pr_text_printf(t, "%s.\n", why);
		return;
	case PR_VERDICT_TOO_DISRUPTIVE:
		pr_text_paint(
			t, s, PR_PAINT_WARN, "It could be mended, but not within the limit: ");
		pr_text_printf(t, "%s.\n", why);
		add_limit_hint(t, p);
		return;
	case PR_VERDICT_VETOED:
		pr_text_paint(t, s, PR_PAINT_WARN, "It could be mended, but somebody forbids it: ");
		pr_text_printf(t, "%s.\n", why);
		return;
	case PR_VERDICT_UNKNOWN:
		pr_text_paint(t, s, PR_PAINT_WARN, "No answer: ");
		pr_text_printf(t, "%s.\n", why);
		return;
	case _PR_VERDICT_MAX:
		return;
	}
}

static void add_proof(struct pr_text *t, const struct pr_plan *p)
{
	if (p->proven || p->verdict == PR_VERDICT_UNKNOWN)
		return;
	if (!p->prediction) {
		pr_text_printf(t,
			"Not proven: not every way was judged in %" PRIu64
			" simulations, so one may have been missed.\n",
			p->n_simulated);
		return;
	}
	pr_text_printf(t,
		"Not proven minimal: the search ended at its limit after %" PRIu64
		" simulations; no plan costs less than %u in use, %u restarted, %u removed.\n",
		p->n_simulated, p->bound.in_use, p->bound.restarted, p->bound.removed);
}

/* The arrangement that the hardware would accept and this kernel does not make. */
static void add_arrangement(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	const struct pr_certificate *c = p->certificate;

	if (!c || c->n_placed == 0)
		return;
	pr_text_add(t, "\n");
	pr_text_paint(t, s, PR_PAINT_BOLD, "An arrangement that the hardware would accept");
	pr_text_add(t, "\n");
	for (size_t i = 0; i < c->n_placed; i++)
		pr_text_printf(t, "  %s %s at %#" PRIx64 "-%#" PRIx64 "\n",
			pr_name_of(&c->placed[i].function->address).text,
			pr_resource_name(c->placed[i].index), c->placed[i].range.first,
			c->placed[i].range.last);
}

/*
 * Why the next boot could do nothing, a sentence; NULL: nobody asks.  Who wants room to spare looks for
 * the parameter that gives it, and would not know that none was found.
 */
static const char *no_advice(const struct pr_style *s, const struct pr_plan *p)
{
	const bool asked = p->advice && p->n_reserves > 0;

	if (p->no_advice)
		return s->verbose || asked ? p->no_advice : NULL;
	return asked ? "no kernel parameter that was tried gives this room and costs nobody anything"
		     : NULL;
}

static void add_advice(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	const char *none = p->n_advice == 0 ? no_advice(s, p) : NULL;

	if (p->n_advice == 0 && !none)
		return;
	pr_text_add(t, "\n");
	pr_text_paint(t, s, PR_PAINT_BOLD, "What the next boot could do");
	pr_text_add(t, "\n");
	for (size_t i = 0; i < p->n_advice; i++)
		pr_text_printf(t, "  %s%s\n", i > 0 ? "or " : "", p->advice[i].text);
	if (none)
		pr_text_printf(
			t, "  nothing%s: %s\n", p->no_advice ? " that can be said" : "", none);
	else
		pr_text_add(t, "  Simulated for a firmware that leaves the machine as it is now; "
			       "nobody loses anything.\n");
}

void pr_render_plan(struct pr_text *t, const struct pr_style *s, const struct pr_plan *p)
{
	bool found = p->prediction != NULL;

	add_verdict(t, s, p);
	add_proof(t, p);
	add_advice(t, s, p);
	if (found) {
		add_steps(t, s, p);
		add_affected(t, s, p);
		add_result(t, s, p);
		add_effects(t, s, p);
	}
	if (s->verbose || p->verdict == PR_VERDICT_INFEASIBLE)
		add_attempts(t, s, p);
	if (s->verbose)
		add_arrangement(t, s, p);
	if (found)
		pr_text_printf(t, "\nPlan %s, predicted for Linux %s%s.\n", p->id,
			p->topology->machine.release ? p->topology->machine.release
						     : pr_generation_name(p->kernel.generation),
			p->kernel.newer   ? ", which is newer than what pciroom knows"
			: p->kernel.older ? ", which is older than what pciroom knows"
					  : "");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Independent verification of a plan from its steps alone.  Shares no code
 * with the search: it simulates the steps again and judges by compare.c; bus
 * numbers, sizes, windows and virtual functions have rooms of their own (check-*.c).  Must not
 * include search.h.
 */
#include "plan/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan/checking.h"

int pr_checking_bad(struct pr_checking *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(c->why, c->size, format, ap);
	va_end(ap);
	return 1;
}

int pr_checking_bad_function(struct pr_checking *c, const struct pr_function *f, const char *what)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&f->address, address);
	return pr_checking_bad(c, "%s %s", address, what);
}

int pr_checking_bad_step(struct pr_checking *c, size_t i, const char *what)
{
	return pr_checking_bad(
		c, "step %zu (%s): %s", i + 1, pr_step_name(c->plan->steps[i].kind), what);
}

uint8_t *pr_checking_fate(const struct pr_checking *c, const struct pr_function *f)
{
	size_t root = pr_root_position(c->plan->topology, f->root);

	return &c->fates[root][f - f->root->functions];
}

const struct pr_function *pr_checking_function(
	const struct pr_checking *c, const struct pr_step *step)
{
	const struct pr_function *f = pr_topology_find(c->plan->topology, &step->address);

	if (!f || !step->path || pr_topology_find_path(c->plan->topology, step->path) != f)
		return NULL;
	return f;
}

static bool driver_is(const struct pr_function *f, const char *driver)
{
	return f->facts->driver && driver && strcmp(f->facts->driver, driver) == 0;
}

/* ---- steps ---- */

static int check_unbind(struct pr_checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *f = pr_checking_function(c, step);

	if (!f)
		return pr_checking_bad_step(c, i, "no such function");
	if (*pr_checking_fate(c, f) != PR_CHECKED_STAYS)
		return pr_checking_bad_step(c, i, "the function was unbound or removed before");
	if (!driver_is(f, step->driver))
		return pr_checking_bad_step(c, i, "this driver is not bound");
	if (pr_function_disruption(f, c->policy, NULL) > c->policy->limit)
		return pr_checking_bad_step(c, i, "the policy does not allow it");
	*pr_checking_fate(c, f) = PR_CHECKED_UNBOUND;
	return 0;
}

/* Is one of them there still? */
static bool has_vfs(const struct pr_checking *c, const struct pr_function *pf)
{
	for (const struct pr_function *vf = NULL; (vf = pr_function_next_vf(pf, vf));)
		if (*pr_checking_fate(c, vf) < PR_CHECKED_GONE)
			return true;
	return false;
}

static int check_removed(struct pr_checking *c, size_t i, const struct pr_function *f)
{
	enum pr_disruption d = pr_function_disruption(f, c->policy, NULL);
	uint8_t *fate = pr_checking_fate(c, f);

	if (*fate >= PR_CHECKED_GONE)
		return pr_checking_bad_step(c, i, "part of it was removed before");
	if (has_vfs(c, f))
		return pr_checking_bad_function(
			c, f, "would be removed under its virtual functions");
	if (d == PR_DISRUPTION_PINNED || d > c->policy->limit)
		return pr_checking_bad_function(c, f, "would be removed against the policy");
	if (!f->bridge && f->facts->driver && *fate != PR_CHECKED_UNBOUND)
		return pr_checking_bad_function(c, f, "would be removed with its driver bound");
	*fate = PR_CHECKED_GONE;
	return 0;
}

void pr_checking_add(struct pr_checking *c, enum pr_action_kind kind, const struct pr_function *f,
	const struct pr_root *root)
{
	c->actions[c->n_actions++] =
		(struct pr_action){ .kind = kind, .function = f, .root = root };
}

static int check_remove(struct pr_checking *c, size_t i)
{
	const struct pr_function *top = pr_checking_function(c, &c->plan->steps[i]);
	int r;

	if (!top)
		return pr_checking_bad_step(c, i, "no such function");
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
		if (f != top && *pr_checking_fate(c, f) == PR_CHECKED_GONE)
			continue; /* one after the other, from the leaves; virtual functions before */
		r = check_removed(c, i, f);
		if (r != 0)
			return r;
	}
	pr_checking_add(c, PR_ACTION_REMOVE, top, top->root);
	return 0;
}

static const struct pr_root *step_root(const struct pr_checking *c, const struct pr_step *step)
{
	pr_for_each_root (c->plan->topology, i) {
		const struct pr_root_facts *facts = &c->plan->topology->roots[i]->facts;

		if (facts->domain == step->address.domain && facts->bus == step->address.bus)
			return c->plan->topology->roots[i];
	}
	return NULL;
}

static int check_rescan(struct pr_checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *f = step->root_bus ? NULL : pr_checking_function(c, step);
	const struct pr_root *root = step->root_bus ? step_root(c, step) : (f ? f->root : NULL);

	if (!root)
		return pr_checking_bad_step(c, i, "no such function or bus");
	if (f && *pr_checking_fate(c, f) >= PR_CHECKED_GONE)
		return pr_checking_bad_step(c, i, "the function is not there any more");
	pr_checking_add(c, PR_ACTION_RESCAN, f, root);
	for (size_t k = 0; k < root->n_functions; k++)
		if (*pr_checking_fate(c, &root->functions[k]) == PR_CHECKED_GONE)
			*pr_checking_fate(c, &root->functions[k]) = PR_CHECKED_REMOVED;
	return 0;
}

/* ---- all steps ---- */

static int check_step(struct pr_checking *c, size_t i)
{
	switch (c->plan->steps[i].kind) {
	case PR_STEP_UNBIND:
		return check_unbind(c, i);
	case PR_STEP_REMOVE:
		return check_remove(c, i);
	case PR_STEP_RESCAN:
		return check_rescan(c, i);
	case PR_STEP_VFS:
		return pr_check_vfs(c, i);
	case PR_STEP_EXPECT:
		return i + 1 == c->plan->n_steps ? 0
						 : pr_checking_bad_step(c, i, "it must come last");
	case PR_STEP_WRITE:
		return pr_check_write(c, i);
	case PR_STEP_RESIZE:
		return pr_check_size(c, i);
	case _PR_STEP_MAX:
		break;
	}
	return pr_checking_bad_step(c, i, "this planner makes no such step");
}

static int check_steps(struct pr_checking *c)
{
	const struct pr_plan *p = c->plan;
	int r;

	if (p->n_steps == 0 || p->steps[p->n_steps - 1].kind != PR_STEP_EXPECT)
		return pr_checking_bad(c, "the plan does not end with an expectation");
	for (size_t i = 0; i < p->n_steps; i++) {
		r = check_step(c, i);
		if (r != 0)
			return r;
	}
	r = pr_check_vfs_return(c);
	return r != 0 ? r : pr_check_written(c);
}

/* ---- outcome ---- */

static bool gains(const struct pr_function *before, const struct pr_function *after)
{
	for (size_t i = 0; i < before->n_resources; i++) {
		const struct pr_resource *was = &before->resources[i];
		const struct pr_resource *is = pr_function_resource(after, was->index);

		if (was->index < PR_WINDOW_IO && was->state != PR_RES_ASSIGNED && is &&
			is->state == PR_RES_ASSIGNED)
			return true;
	}
	return false;
}

/* @windows: those of a bridge count too. */
static bool layout_kept(
	const struct pr_function *before, const struct pr_function *after, bool windows)
{
	if (after->removed || pr_address_compare(&before->address, &after->address) != 0)
		return false;
	if (before->bridge && (before->bridge->secondary != after->bridge->secondary ||
				      before->bridge->subordinate != after->bridge->subordinate))
		return false;
	for (size_t i = 0; i < before->n_resources; i++) {
		const struct pr_resource *was = &before->resources[i];
		const struct pr_resource *is = pr_function_resource(after, was->index);

		if (was->state == PR_RES_ASSIGNED && (windows || !pr_resource_is_window(was)) &&
			(!is || is->state != PR_RES_ASSIGNED ||
				!pr_range_equal(&was->range, &is->range)))
			return false;
	}
	return true;
}

static bool is_above_resized(const struct pr_checking *c, const struct pr_function *bridge)
{
	for (size_t i = 0; i < c->plan->n_steps; i++)
		if (c->plan->steps[i].kind == PR_STEP_RESIZE &&
			pr_function_below(pr_checking_function(c, &c->plan->steps[i]), bridge))
			return true;
	return false;
}

/*
 * Nothing that stays may move (G2), nor be handed addresses while an endpoint's driver is at work.
 */
static int check_staying(struct pr_checking *c, const struct pr_topology *now)
{
	const struct pr_topology *t = c->plan->topology;

	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions; j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];
			const struct pr_function *after = pr_topology_same(now, f);
			uint8_t fate = c->fates[i][j];

			if (f->removed || fate >= PR_CHECKED_GONE ||
				pr_resized_in_place(c->plan, f))
				continue; /* that nothing of it is lost is looked at later */
			if (!layout_kept(f, after, !is_above_resized(c, f)))
				return pr_checking_bad_function(c, f, "stays, and would change");
			if (fate == PR_CHECKED_STAYS && !f->bridge && f->facts->driver &&
				gains(f, after))
				return pr_checking_bad_function(
					c, f, "would get addresses under its driver");
		}
	}
	return 0;
}

static int check_standing(struct pr_checking *c, const struct pr_topology *now)
{
	char text[PR_STANDING_TEXT_MAX];
	unsigned int kind;
	const struct pr_slot_reserve *lost =
		pr_standing_lost(c->policy, c->plan->topology, now, &kind);

	return lost ? pr_checking_bad(c, "%s would lose %s, which it is to keep", lost->slot,
			      pr_standing_text(lost, kind, text))
		    : 0;
}

static int check_outcome(struct pr_checking *c, const struct pr_topology *now)
{
	const struct pr_plan *p = c->plan;
	int r;

	r = check_staying(c, now);
	if (r == 0)
		r = check_standing(c, now);
	for (size_t i = 0; i < p->n_steps && r == 0; i++)
		if (p->steps[i].kind == PR_STEP_VFS && p->steps[i].value > 0)
			r = pr_check_vfs_room(c, &p->steps[i], now);
	if (r != 0)
		return r;
	if (!pr_nothing_lost(p->topology, now, c->why, c->size) ||
		!pr_targets_work(p, now, c->why, c->size))
		return 1;
	if (!p->prediction || !pr_layout_equal(p->prediction, now, c->why, c->size))
		return pr_checking_bad(c, "the steps do not lead to the layout predicted");
	return 0;
}

/* Where sizes are asked for, @topology has them already: what is done is done to the machine. */
static const struct pr_topology *start_of(struct pr_checking *c)
{
	const struct pr_topology *machine = c->plan->machine;

	if (!machine)
		return c->plan->topology;
	for (size_t i = 0; i < c->n_actions; i++) {
		struct pr_action *a = &c->actions[i];

		a->root = machine->roots[pr_root_position(c->plan->topology, a->root)];
		if (a->function)
			a->function = pr_topology_same(machine, a->function);
	}
	return machine;
}

static int check_simulated(struct pr_checking *c)
{
	struct pr_doubt doubt = { 0 };
	struct pr_topology *now;
	int r;

	r = pr_kernel_apply(&c->plan->kernel, start_of(c), c->actions, c->n_actions, &now, &doubt);
	if (r == -EINVAL)
		return pr_checking_bad(c, "the steps cannot be done in this order");
	if (r != 0)
		return r < 0 ? r : pr_checking_bad(c, "%s", doubt.text);
	r = check_outcome(c, now);
	pr_topology_free(now);
	return r;
}

static int check_all(struct pr_checking *c)
{
	const struct pr_topology *t = c->plan->topology;
	int r;

	c->fates = pr_new_array(c->arena, t->n_roots, uint8_t *);
	/* twice: what is taken away comes again */
	c->actions = pr_new_array(c->arena, 2 * c->plan->n_steps, struct pr_action);
	if (!c->fates || !c->actions)
		return -ENOMEM;
	pr_for_each_root (t, i) {
		c->fates[i] = pr_new_array(c->arena, t->roots[i]->n_functions, uint8_t);
		if (!c->fates[i])
			return -ENOMEM;
	}

	r = check_steps(c);
	if (r == 0)
		r = pr_check_numbers(c->plan, c->arena, c->why, c->size);
	if (r == 0)
		r = pr_check_sizes(c->plan, c->policy, c->why, c->size);
	return r != 0 ? r : check_simulated(c);
}

int pr_plan_check(struct pr_plan *p, const struct pr_policy *policy, char *why, size_t size)
{
	struct pr_checking c = { .plan = p, .policy = policy, .why = why, .size = size };
	int r;

	p->checked = false;
	if (p->verdict != PR_VERDICT_OK)
		return pr_checking_bad(&c, "there is nothing to carry out: the verdict is %s",
			pr_verdict_name(p->verdict));
	if ((p->n_targets == 0) != p->replugs || p->generation != p->topology->generation)
		return pr_checking_bad(&c, "the plan is not one for this machine");

	c.arena = pr_arena_new();
	if (!c.arena)
		return -ENOMEM;
	r = check_all(&c);
	pr_arena_free(c.arena);
	p->checked = r == 0;
	return r;
}

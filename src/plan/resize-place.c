/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of BARs in place: who uses them lets go, and the kernel makes them
 * larger or smaller where the model says that it will.  What else is on the
 * machine has what it had then.
 */
#include "plan/resize.h"

#include <errno.h>

static bool is_resized(const struct pr_resizing *z, const struct pr_function *f)
{
	for (size_t i = 0; i < z->n; i++)
		if (pr_address_compare(&z->list[i].function, &f->address) == 0)
			return true;
	return false;
}

static bool is_above_resized(const struct pr_resizing *z, const struct pr_function *f)
{
	for (size_t i = 0; i < z->n; i++)
		if (pr_function_below(pr_resized_function(z->asked, &z->list[i]), f))
			return true;
	return false;
}

static bool same_place(const struct pr_resource *a, const struct pr_resource *b)
{
	return a->state == b->state &&
	       (a->state != PR_RES_ASSIGNED || pr_range_equal(&a->range, &b->range));
}

/* Its other BARs may be elsewhere. */
static bool is_whole(const struct pr_function *was, const struct pr_function *is)
{
	for (size_t i = 0; i < was->n_resources; i++)
		if (was->resources[i].state == PR_RES_ASSIGNED &&
			(is->resources[i].state != PR_RES_ASSIGNED ||
				!pr_resource_forwarded(is, &is->resources[i])))
			return false;
	return true;
}

/*
 * What is not asked for has what it had, and nothing more; windows above may be others, and a
 * port may get one that it had no room for, as at any rescan.
 */
static bool is_untouched(
	const struct pr_resizing *z, const struct pr_function *was, const struct pr_function *is)
{
	for (size_t i = 0; i < was->n_resources; i++) {
		const struct pr_resource *r = &was->resources[i];

		if (pr_resource_is_window(r) && was->bridge &&
			(is_above_resized(z, was) || r->state != PR_RES_ASSIGNED))
			continue;
		if (!same_place(r, &is->resources[i]))
			return false;
	}
	return true;
}

static bool all_good(const struct pr_resizing *z, const struct pr_topology *after)
{
	unsigned int kind;

	if (pr_standing_lost(z->policy, z->machine, after, &kind))
		return false;
	for (size_t i = 0; i < z->n; i++) {
		const struct pr_function *f =
			pr_topology_same(after, pr_resized_function(z->machine, &z->list[i]));
		const struct pr_resource *r = pr_function_resource(f, z->list[i].index);

		if (r->state != PR_RES_ASSIGNED || r->size != z->list[i].size ||
			!pr_resource_forwarded(f, r))
			return false;
	}
	pr_for_each_root (z->asked, i) {
		const struct pr_root *root = z->asked->roots[i];

		for (size_t k = 0; k < root->n_functions; k++) {
			const struct pr_function *f = &root->functions[k];
			const struct pr_function *is = pr_topology_same(after, f);

			if (f->removed)
				continue;
			if (is_resized(z, f) ? !is_whole(f, is) : !is_untouched(z, f, is))
				return false;
		}
	}
	return true;
}

static bool can_be_in_place(const struct pr_resizing *z, const struct pr_kernel *k)
{
	if (k->older || pr_resizing_asks_for_more(z))
		return false;
	for (size_t i = 0; i < z->n; i++)
		if (z->list[i].index >= PR_ROM)
			return false; /* the kernel has no file for VF BARs */
	return true;
}

/* 0 and what the kernel makes of it, 1 when it is not to be had in place. */
static int resize_in_place(const struct pr_resizing *z, const struct pr_kernel *k,
	struct pr_arena *arena, struct pr_topology **ret)
{
	struct pr_action *actions = pr_new_array(arena, z->n, struct pr_action);
	int r;

	if (!actions)
		return -ENOMEM;
	for (size_t i = 0; i < z->n; i++)
		actions[i] = (struct pr_action){ .kind = PR_ACTION_RESIZE,
			.function = pr_resized_function(z->machine, &z->list[i]),
			.index = z->list[i].index,
			.size = z->list[i].size };
	r = pr_kernel_apply(k, z->machine, actions, z->n, ret, NULL);
	if (r != 0)
		return r == -ENOMEM ? r : 1;
	if (all_good(z, *ret))
		return 0;
	pr_topology_free(*ret);
	*ret = NULL;
	return 1;
}

static int add_in_place(struct pr_plan *p, const struct pr_resize *z, const struct pr_function *f,
	const struct pr_resource *was)
{
	const struct pr_step resize = {
		.kind = PR_STEP_RESIZE, .index = z->index, .size = z->size, .old_size = was->size
	};

	return pr_resizing_add_step(p, &resize, f);
}

static void add_affected(
	struct pr_plan *p, const struct pr_policy *policy, const struct pr_function *f)
{
	struct pr_affected *a = &p->affected[p->n_affected++];

	a->function = f;
	a->disruption = pr_function_disruption(f, policy, &a->reason);
	p->cost.in_use += a->disruption >= PR_DISRUPTION_IN_USE;
	p->cost.restarted += a->disruption == PR_DISRUPTION_RESTART;
	p->targets[p->n_targets++] = f;
}

/* Who lets go of it, then the sizes. */
static int write_down(struct pr_plan *p, const struct pr_resizing *z)
{
	int r = 0;

	p->steps = pr_new_array(p->arena, 2 * z->n + 1, struct pr_step);
	p->affected = pr_new_array(p->arena, z->n, struct pr_affected);
	p->targets = pr_new_array(p->arena, z->n, const struct pr_function *);
	if (!p->steps || !p->affected || !p->targets)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < z->n; i++) {
		const struct pr_function *f = pr_resized_function(z->asked, &z->list[i]);

		if (pr_resized_before(z, i))
			continue;
		add_affected(p, z->policy, f);
		if (f->facts->driver)
			r = pr_resizing_add_step(p,
				&(struct pr_step){
					.kind = PR_STEP_UNBIND, .driver = f->facts->driver },
				f);
	}
	for (size_t i = 0; r == 0 && i < z->n; i++)
		r = add_in_place(p, &z->list[i], pr_resized_function(z->asked, &z->list[i]),
			pr_function_resource(
				pr_resized_function(z->machine, &z->list[i]), z->list[i].index));
	if (r == 0)
		r = pr_resizing_add_step(p, &(struct pr_step){ .kind = PR_STEP_EXPECT }, NULL);
	p->cost.steps = (unsigned int)p->n_steps;
	return r;
}

static enum pr_verdict verdict_of(const struct pr_plan *p, const struct pr_policy *policy)
{
	enum pr_disruption worst = PR_DISRUPTION_FREE;

	for (size_t i = 0; i < p->n_affected; i++)
		if (p->affected[i].disruption > worst)
			worst = p->affected[i].disruption;
	if (worst == PR_DISRUPTION_PINNED)
		return PR_VERDICT_VETOED;
	return worst > policy->limit ? PR_VERDICT_TOO_DISRUPTIVE : PR_VERDICT_OK;
}

/* Nobody can do with less than that who has the BAR lets go of it. */
static int plan_in_place(struct pr_resizing *z, struct pr_plan *p)
{
	int r = write_down(p, z);

	if (r < 0)
		return r;
	p->verdict = verdict_of(p, z->policy);
	p->proven = true;
	p->bound = p->cost;
	p->n_simulated = 1;
	pr_plan_sign(p);
	if (z->request->brief || p->verdict == PR_VERDICT_OK)
		return 0;
	p->why = p->verdict == PR_VERDICT_VETOED ? pr_vetoed(p) : pr_too_disruptive(p, z->policy);
	return p->why ? 0 : -ENOMEM;
}

int pr_resize_in_place(struct pr_resizing *z, struct pr_plan **ret)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_plan *p = arena ? pr_new(arena, struct pr_plan) : NULL;
	int r;

	if (!p) {
		pr_arena_free(arena);
		return -ENOMEM;
	}
	p->arena = arena;
	p->topology = z->asked;
	p->generation = z->machine->generation;
	r = pr_kernel_select(&z->machine->machine, &p->kernel);
	if (r < 0 || !can_be_in_place(z, &p->kernel))
		r = 1;
	else
		r = resize_in_place(z, &p->kernel, arena, &p->prediction);
	if (r == 0)
		r = plan_in_place(z, p);
	if (r != 0)
		pr_plan_free(p);
	else
		*ret = p;
	return r;
}

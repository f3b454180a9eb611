/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine lacks, and what the kernel's answer to a set of removals is worth. */
#include "brute-private.h"

#include <string.h>

/* ---- what is lacking ---- */

bool brute_wants(const struct pr_resource *r)
{
	return r->index != PR_ROM && r->index < PR_WINDOW_IO &&
	       (r->state == PR_RES_UNASSIGNED || r->state == PR_RES_FORGOTTEN);
}

static bool asked_for(const struct pr_resource *r, unsigned int tier)
{
	bool io = r->flags & PR_IORES_IO;

	if (!brute_wants(r) || (r->index < PR_ROM && !io))
		return brute_wants(r);
	return tier == PR_TIER_ALL ||
	       (tier == PR_TIER_LOST && r->index < PR_ROM && r->state == PR_RES_UNASSIGNED);
}

static bool bar_inside(const struct pr_function *f, const struct pr_resource *w)
{
	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		if (r->index < PR_WINDOW_IO && r->state == PR_RES_ASSIGNED &&
			((r->flags ^ w->flags) & PR_IORES_IO) == 0 &&
			pr_range_contains(&w->range, &r->range))
			return true;
	}
	return false;
}

static bool deaf(const struct pr_function *bridge)
{
	for (unsigned int kind = PR_WINDOW_IO; bridge->bridge && kind <= PR_WINDOW_PREF; kind++) {
		const struct pr_resource *w = pr_function_resource(bridge, kind);

		if (!w || w->state != PR_RES_ASSIGNED || !pr_window_disagrees(bridge, kind))
			continue;
		for (const struct pr_function *f = pr_function_walk(bridge, bridge); f;
			f = pr_function_walk(f, bridge))
			if (!f->removed && bar_inside(f, w))
				return true;
	}
	return false;
}

bool brute_lacks(const struct pr_function *f, unsigned int tier)
{
	for (size_t i = 0; i < f->n_resources; i++)
		if (asked_for(&f->resources[i], tier))
			return true;
	return f->no_bus || deaf(f);
}

static bool works(const struct pr_function *f, const struct pr_resource *r)
{
	return r && r->state == PR_RES_ASSIGNED && pr_resource_forwarded(f, r);
}

/* ---- one outcome ---- */

/* False: it may not be touched whatever is allowed. */
static bool disturb(const struct brute *b, const struct pr_function *f, struct outcome *o)
{
	enum pr_disruption d = pr_function_disruption(f, b->policy, NULL);

	if (d == PR_DISRUPTION_PINNED && !pr_function_can_move(f))
		return false;
	o->cost.restarted += d == PR_DISRUPTION_RESTART;
	o->cost.in_use += d == PR_DISRUPTION_IN_USE || d == PR_DISRUPTION_PINNED;
	if ((unsigned int)d > o->class)
		o->class = d;
	return true;
}

bool brute_has_driver(const struct pr_function *f)
{
	return f->facts->driver && *f->facts->driver;
}

static bool came_back(const struct brute *b, const struct pr_function *was,
	const struct pr_function *is, struct outcome *o)
{
	if (is->removed || (is->no_bus && !was->no_bus) || !disturb(b, was, o))
		return false;
	o->cost.removed++;
	o->cost.renumbered += pr_address_compare(&was->address, &is->address) != 0;
	o->cost.steps += !was->bridge && brute_has_driver(was);

	for (size_t i = 0; i < was->n_resources; i++) {
		const struct pr_resource *r = &was->resources[i];
		const struct pr_resource *now = pr_function_resource(is, r->index);

		for (unsigned int tier = 0; tier < PR_TIER_MEMORY; tier++)
			if (asked_for(r, tier) && !works(is, now))
				o->removed_whole[tier] = false;
		if (r->index >= PR_WINDOW_IO || !works(was, r) ||
			(r->index == PR_ROM && was->header.class_code >> 16 != 3))
			continue;
		if (!works(is, now) || now->size < r->size)
			return false;
	}
	return true;
}

static bool is_armed(const struct pr_function *was, const struct pr_function *is)
{
	for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++) {
		const struct pr_resource *w = pr_function_resource(was, kind);
		const struct pr_resource *now = pr_function_resource(is, kind);

		if (w && now && w->state == PR_RES_ASSIGNED && now->state != PR_RES_ASSIGNED)
			return true;
	}
	return false;
}

static bool stayed(const struct brute *b, const struct pr_function *was,
	const struct pr_function *is, struct outcome *o)
{
	bool gained = false;

	if (is->removed || pr_address_compare(&was->address, &is->address) != 0)
		return false;
	if (was->bridge && (was->bridge->secondary != is->bridge->secondary ||
				   was->bridge->subordinate != is->bridge->subordinate))
		return false;
	for (size_t i = 0; i < was->n_resources; i++) {
		const struct pr_resource *r = &was->resources[i];
		const struct pr_resource *now = pr_function_resource(is, r->index);
		bool placed = now && now->state == PR_RES_ASSIGNED;

		if (r->state == PR_RES_ASSIGNED &&
			(!placed || !pr_range_equal(&r->range, &now->range)))
			return false;
		gained |= r->state != PR_RES_ASSIGNED && placed && r->index < PR_WINDOW_IO;
	}
	if (!gained || !brute_has_driver(was) ||
		(was->bridge && strcmp(was->facts->driver, "pcieport") == 0))
		return true;
	o->cost.steps += !was->bridge;
	return disturb(b, was, o);
}

bool brute_is_gone(const struct brute *b, const struct pr_function *f)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->top[i] && pr_function_below(f, b->order[i]))
			return true;
	return false;
}

static void judge_target(const struct brute *b, size_t i, const struct pr_function *now, bool met[])
{
	const struct pr_function *was = b->targets[i];
	bool reached = !now->no_bus;

	for (const struct pr_function *p = now; p; p = p->parent)
		reached &= !deaf(p);
	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++) {
		met[tier] = reached;
		for (size_t k = 0; k < was->n_resources; k++)
			if (asked_for(&was->resources[k], tier) &&
				!works(now, pr_function_resource(now, was->resources[k].index)))
				met[tier] = false;
	}
}

bool brute_judge(const struct brute *b, const struct pr_topology *after, struct outcome *o)
{
	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++)
		o->removed_whole[tier] = true;
	for (size_t i = 0; i < b->n; i++) {
		const struct pr_function *was = b->order[i], *is = pr_topology_same(after, was);

		if (was->removed)
			continue;
		if (brute_is_gone(b, was) ? !came_back(b, was, is, o) : !stayed(b, was, is, o))
			return false;
		if (deaf(is) && !deaf(was))
			return false;
		o->cost.armed += brute_is_gone(b, was) && was->bridge && was->bridge->hotplug &&
				 !was->first_child && is_armed(was, is);
	}
	for (size_t i = 0; i < b->n_targets; i++)
		judge_target(b, i, pr_topology_same(after, b->targets[i]), o->target_met[i]);
	return true;
}

bool brute_met(
	const struct brute *b, const struct outcome *o, unsigned int subset, unsigned int tier)
{
	bool met = o->removed_whole[tier], asked = false;

	for (size_t i = 0; i < b->n_targets; i++) {
		if (!(subset & 1u << i))
			continue;
		/* memory is asked for by all that ask for anything less */
		met &= o->target_met[i][tier] && o->target_met[i][PR_TIER_MEMORY];
		asked |= brute_lacks(b->targets[i], tier);
	}
	return met && asked;
}

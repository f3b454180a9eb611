/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of a machine: nothing lost, targets working.  The rule that
 * judges outcomes, and predictions a second time.  Must share nothing with
 * the search, which has its own judge: each is to see the other's mistakes.
 */
#include "plan/plan.h"

#include <stdio.h>

#define CUT_OFF "has addresses that no window above it passes on"

/* Fixed-length sentence; cut short rather than refused. */
static bool say(char *why, size_t size, const struct pr_function *f, const char *what)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&f->address, address);
	(void)snprintf(why, size, "%s %s", address, what);
	return false;
}

static bool say_resource(char *why, size_t size, const struct pr_function *f,
	const struct pr_resource *r, const char *what)
{
	char text[PR_RESOURCE_TEXT_MAX];

	(void)snprintf(why, size, "%s %s", pr_resource_text(f, r, text), what);
	return false;
}

/*
 * ROMs count for display adapters only: their drivers read firmware from it,
 * others never look.  Windows serve what is below, and that is looked at.
 */
static bool matters(const struct pr_function *f, const struct pr_resource *r)
{
	if (r->state != PR_RES_ASSIGNED || r->index >= PR_WINDOW_IO)
		return false;
	return r->index != PR_ROM || f->header.class_code >> 16 == 0x03;
}

static bool same_kind(const struct pr_resource *a, const struct pr_resource *b)
{
	return pr_resource_is_io(a) == pr_resource_is_io(b);
}

static bool resources_kept(
	const struct pr_function *before, const struct pr_function *now, char *why, size_t size)
{
	for (size_t i = 0; i < before->n_resources; i++) {
		const struct pr_resource *was = &before->resources[i];
		const struct pr_resource *is = pr_function_resource(now, was->index);

		if (!matters(before, was) || !pr_resource_forwarded(before, was))
			continue;
		if (!is || is->state != PR_RES_ASSIGNED || !same_kind(was, is))
			return say_resource(why, size, before, was, "has lost its addresses");
		if (!pr_resource_forwarded(now, is))
			return say_resource(why, size, before, was, CUT_OFF);
		if (was->size != PR_SIZE_UNKNOWN && is->size != PR_SIZE_UNKNOWN &&
			is->size < was->size)
			return say_resource(why, size, before, was, "has become smaller");
	}
	return true;
}

static bool has_bar_in(const struct pr_function *f, const struct pr_resource *window)
{
	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		if (r->index < PR_WINDOW_IO && r->state == PR_RES_ASSIGNED &&
			same_kind(r, window) && pr_range_overlaps(&window->range, &r->range))
			return true;
	}
	return false;
}

/* Some BAR behind the bridge lies in a window that the register does not have. */
static bool deaf_window(const struct pr_function *bridge, unsigned int kind)
{
	const struct pr_resource *window = pr_function_resource(bridge, kind);

	if (!window || window->state != PR_RES_ASSIGNED || !pr_window_disagrees(bridge, kind))
		return false;
	for (const struct pr_function *f = pr_function_walk(bridge, bridge); f;
		f = pr_function_walk(f, bridge))
		if (!f->removed && has_bar_in(f, window))
			return true;
	return false;
}

static bool is_deaf(const struct pr_function *bridge)
{
	return bridge && bridge->bridge &&
	       (deaf_window(bridge, PR_WINDOW_IO) || deaf_window(bridge, PR_WINDOW_MEM) ||
		       deaf_window(bridge, PR_WINDOW_PREF));
}

static bool function_kept(
	const struct pr_function *before, const struct pr_function *now, char *why, size_t size)
{
	if (!now || now->removed)
		return say(why, size, before, "has not come back");
	if (now->no_bus && !before->no_bus)
		return say(why, size, before, "has lost its bus numbers");
	if (is_deaf(now) && !is_deaf(before))
		return say(why, size, now, "does not forward what the kernel placed behind it");
	return resources_kept(before, now, why, size);
}

/* By path, which survives renumbering and a fresh import. */
static const struct pr_function *find_now(
	const struct pr_topology *now, const struct pr_function *before)
{
	char path[4096];

	if (pr_function_path(before, path, sizeof(path)) < 0)
		return NULL;
	return pr_topology_find_path(now, path);
}

/* @plan NULL: nothing is let off. */
static bool nothing_lost(const struct pr_topology *before, const struct pr_topology *now,
	const struct pr_plan *plan, char *why, size_t size)
{
	pr_for_each_root (before, i) {
		const struct pr_root *root = before->roots[i];

		if (i < now->n_roots && now->roots[i] == root)
			continue; /* shared: the prediction did not touch it */
		for (size_t j = 0; j < root->n_functions; j++) {
			const struct pr_function *f = &root->functions[j];

			if (!f->removed && !(plan && pr_plan_replaces(plan, f)) &&
				!function_kept(f, find_now(now, f), why, size))
				return false;
		}
	}
	return true;
}

bool pr_nothing_lost(
	const struct pr_topology *before, const struct pr_topology *now, char *why, size_t size)
{
	return nothing_lost(before, now, NULL, why, size);
}

bool pr_plan_replaces(const struct pr_plan *plan, const struct pr_function *f)
{
	for (size_t i = 0; plan->replugs && i < plan->n_removed; i++)
		if (pr_function_below(f, plan->removed[i]))
			return true;
	return false;
}

bool pr_plan_lost_nothing(
	const struct pr_plan *plan, const struct pr_topology *now, char *why, size_t size)
{
	return nothing_lost(plan->topology, now, plan, why, size);
}

static bool is_left(const struct pr_plan *plan, const struct pr_resource *r)
{
	for (size_t i = 0; i < plan->n_left; i++)
		if (plan->left[i].resource == r)
			return true;
	return false;
}

static bool promised(const struct pr_plan *plan, const struct pr_resource *r)
{
	return (r->state == PR_RES_UNASSIGNED || r->state == PR_RES_FORGOTTEN) &&
	       r->index < PR_WINDOW_IO && r->index != PR_ROM && !is_left(plan, r);
}

static bool target_works(const struct pr_plan *plan, const struct pr_function *target,
	const struct pr_function *now, char *why, size_t size)
{
	if (!now || now->removed)
		return say(why, size, target, "is gone");
	if (now->no_bus)
		return say(why, size, target, "has no bus numbers");
	if (pr_numbers_of(now) < pr_wished_numbers(plan->buses, plan->n_buses, target))
		return say(why, size, target, "has fewer bus numbers than were asked for");

	if (pr_missing_reserve(plan->reserves, plan->n_reserves, target, now))
		return say(why, size, target, "has a smaller window than was asked for");

	for (size_t i = 0; i < target->n_resources; i++) {
		const struct pr_resource *was = &target->resources[i];
		const struct pr_resource *is = pr_function_resource(now, was->index);

		if (!promised(plan, was))
			continue;
		if (!is || is->state != PR_RES_ASSIGNED)
			return say_resource(why, size, target, was, "still has no addresses");
		if (!pr_resource_forwarded(now, is))
			return say_resource(why, size, target, was, CUT_OFF);
		if (was->size != PR_SIZE_UNKNOWN && is->size != PR_SIZE_UNKNOWN &&
			is->size < was->size)
			return say_resource(why, size, target, was, "is smaller than it should be");
	}
	for (const struct pr_function *p = now; p; p = p->parent)
		if (is_deaf(p))
			return say(
				why, size, p, "does not forward what the kernel placed behind it");
	return true;
}

bool pr_targets_work(
	const struct pr_plan *plan, const struct pr_topology *now, char *why, size_t size)
{
	for (size_t i = 0; i < plan->n_targets; i++) {
		const struct pr_function *target = plan->targets[i];

		if (!target_works(plan, target, find_now(now, target), why, size))
			return false;
	}
	return true;
}

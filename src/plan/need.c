/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a function lacks: addresses, bus numbers, or a bridge that forwards
 * what the kernel believes it forwards.  Says nothing of how to get it.
 */
#include "plan/plan.h"

bool pr_resource_wanting(const struct pr_resource *r)
{
	return r->index != PR_ROM && !pr_resource_is_window(r) &&
	       (r->state == PR_RES_UNASSIGNED || r->state == PR_RES_FORGOTTEN);
}

bool pr_resource_needed(const struct pr_resource *r, enum pr_tier tier)
{
	if (!pr_resource_wanting(r))
		return false;
	if (r->index < PR_ROM && !pr_resource_is_io(r))
		return true;

	switch (tier) {
	case PR_TIER_ALL:
		return true;
	case PR_TIER_LOST: /* the kernel still knows the size: it worked once */
		return r->index < PR_ROM && r->state == PR_RES_UNASSIGNED;
	case PR_TIER_MEMORY:
	case _PR_TIER_MAX:
		break;
	}
	return false;
}

static bool window_used(const struct pr_function *bridge, const struct pr_resource *window);

/* A BAR is use; a window is used by what is behind it, and may be a reserve that nobody misses. */
static bool resource_used(const struct pr_function *f, const struct pr_resource *r)
{
	if (r->state != PR_RES_ASSIGNED)
		return false;
	return !pr_resource_is_window(r) || !f->bridge || window_used(f, r);
}

static bool window_used(const struct pr_function *bridge, const struct pr_resource *window)
{
	pr_for_each_child (f, bridge->first_child) {
		for (size_t i = 0; i < f->n_resources && !f->removed; i++) {
			const struct pr_resource *r = &f->resources[i];

			if (pr_resource_is_io(r) == pr_resource_is_io(window) &&
				pr_range_contains(&window->range, &r->range) && resource_used(f, r))
				return true;
		}
	}
	return false;
}

bool pr_bridge_broken(const struct pr_function *bridge)
{
	if (!bridge->bridge || bridge->removed)
		return false;
	for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++) {
		const struct pr_resource *window = pr_function_resource(bridge, kind);

		if (window && window->state == PR_RES_ASSIGNED &&
			pr_window_disagrees(bridge, kind) && window_used(bridge, window))
			return true;
	}
	return false;
}

bool pr_function_needs(const struct pr_function *f, enum pr_tier tier)
{
	for (size_t i = 0; i < f->n_resources; i++)
		if (pr_resource_needed(&f->resources[i], tier))
			return true;
	return f->no_bus || pr_bridge_broken(f);
}

bool pr_function_dead(const struct pr_function *f)
{
	return !f->removed && pr_function_needs(f, PR_TIER_LOST);
}

unsigned int pr_wished_numbers(
	const struct pr_bus_wish *wishes, size_t n, const struct pr_function *f)
{
	for (size_t i = 0; i < n; i++)
		if (pr_address_compare(&wishes[i].bridge, &f->address) == 0)
			return wishes[i].buses;
	return 0;
}

unsigned int pr_numbers_of(const struct pr_function *f)
{
	const struct pr_bridge *b = f->bridge;

	return b && !f->no_bus && b->secondary != 0 && b->secondary <= b->subordinate
		       ? b->subordinate - b->secondary + 1u
		       : 0;
}

uint64_t pr_window_unit(unsigned int window)
{
	return window == PR_WINDOW_IO ? 0x1000 : 0x100000;
}

/* No BAR asks for more I/O ports than any window begins with (PCI 3.0, 6.2.5.1). */
uint64_t pr_reserve_block(const struct pr_reserve *r)
{
	return r->window == PR_WINDOW_IO ? pr_window_unit(r->window)
					 : UINT64_C(1) << (63 - __builtin_clzll(r->size));
}

bool pr_reserve_missing(const struct pr_reserve *r, const struct pr_function *bridge)
{
	const struct pr_resource *w = pr_function_resource(bridge, r->window);
	uint64_t block = pr_reserve_block(r), base;

	return !w || w->state != PR_RES_ASSIGNED || w->size < r->size ||
	       !pr_range_fit(&w->range, NULL, 0, block, block, &base);
}

const struct pr_reserve *pr_missing_reserve(const struct pr_reserve *reserves, size_t n,
	const struct pr_function *before, const struct pr_function *now)
{
	for (size_t i = 0; i < n; i++)
		if (pr_address_compare(&reserves[i].bridge, &before->address) == 0 &&
			pr_reserve_missing(&reserves[i], now))
			return &reserves[i];
	return NULL;
}

const struct pr_resource *pr_function_unsized(const struct pr_function *f)
{
	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		/* the model knows a bound for I/O, which is as good as the size */
		if (pr_resource_wanting(r) && r->index < PR_ROM && !pr_resource_is_io(r) &&
			r->size == PR_SIZE_UNKNOWN)
			return r;
	}
	return NULL;
}

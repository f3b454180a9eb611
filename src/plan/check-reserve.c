/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows that a plan opens by a register, to ask for room: only those that
 * the request names, as large as it says, and where nobody is, as everything
 * on the way there still works.  Must not include search.h.
 */
#include "plan/check.h"

static bool overlaps_any(const struct pr_range *ranges, size_t n, const struct pr_range *range)
{
	for (size_t i = 0; i < n; i++)
		if (pr_range_overlaps(&ranges[i], range))
			return true;
	return false;
}

static bool is_taken(const struct pr_root *root, const struct pr_range *range, bool io)
{
	for (size_t i = 0; i < root->n_functions; i++) {
		const struct pr_function *f = &root->functions[i];

		for (unsigned int k = 0; k < f->n_resources; k++)
			if (f->resources[k].state == PR_RES_ASSIGNED &&
				pr_resource_is_io(&f->resources[k]) == io &&
				pr_range_overlaps(&f->resources[k].range, range))
				return true;
	}
	return io ? overlaps_any(root->facts.busy_io, root->facts.n_busy_io, range)
		  : overlaps_any(root->facts.busy_mem, root->facts.n_busy_mem, range);
}

static bool in_aperture(const struct pr_root *root, const struct pr_range *range, bool io)
{
	const struct pr_range *apertures = io ? root->facts.io : root->facts.mem;
	const size_t n = io ? root->facts.n_io : root->facts.n_mem;

	for (size_t i = 0; i < n; i++)
		if (pr_range_contains(&apertures[i], range))
			return true;
	return false;
}

static const struct pr_reserve *find_reserve(
	const struct pr_plan *p, const struct pr_function *bridge, unsigned int window)
{
	for (size_t i = 0; i < p->n_reserves; i++)
		if (p->reserves[i].window == window &&
			pr_address_compare(&p->reserves[i].bridge, &bridge->address) == 0)
			return &p->reserves[i];
	return NULL;
}

bool pr_may_open(const struct pr_plan *p, const struct pr_function *bridge, unsigned int window,
	const struct pr_range *range)
{
	const bool io = window == PR_WINDOW_IO;

	return find_reserve(p, bridge, window) && in_aperture(bridge->root, range, io) &&
	       !is_taken(bridge->root, range, io);
}

bool pr_is_asked_for(const struct pr_plan *p, const struct pr_function *bridge, unsigned int window,
	const struct pr_range *range)
{
	const struct pr_reserve *r = find_reserve(p, bridge, window);

	return r && pr_range_size(range) >= r->size && pr_range_size(range) / 2 < r->size &&
	       pr_may_open(p, bridge, window, range);
}

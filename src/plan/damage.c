/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage done to what runs: addresses that were taken away, that no bridge
 * forwards any more, or that the device has others of.  Found in what was read
 * of the machine alone: nothing is predicted here.
 */
#include "plan/plan.h"

const char *pr_damage_name(enum pr_damage_kind k)
{
	static const char *const names[_PR_DAMAGE_KIND_MAX] = {
		[PR_DAMAGE_TAKEN] = "taken",
		[PR_DAMAGE_UNREACHED] = "unreached",
		[PR_DAMAGE_MOVED] = "moved",
	};

	return names[k];
}

static const struct pr_function *broken_above(const struct pr_function *f)
{
	const struct pr_function *found = NULL;

	for (const struct pr_function *p = f->parent; p; p = p->parent)
		if (pr_bridge_broken(p))
			found = p;
	return found;
}

/* A BAR whose size the kernel still knows has worked: what never did is forgotten (KERNEL 1.11). */
static const struct pr_resource *taken_from(const struct pr_function *f)
{
	for (size_t i = 0; i < f->n_resources; i++)
		if (f->resources[i].index < PR_ROM && f->resources[i].state == PR_RES_UNASSIGNED &&
			!pr_resource_misplaced(&f->resources[i]))
			return &f->resources[i];
	return NULL;
}

/* I/O ports, memory below 4 GiB and memory above, on the bus: each is translated, or none of it. */
static unsigned int space_of(const struct pr_resource *r, uint64_t address)
{
	return pr_resource_is_io(r) ? 0 : address <= UINT32_MAX ? 1 : 2;
}

/* Some BAR behind the host bridge has in its register what the kernel's table says. */
static bool any_agrees(const struct pr_root *root, unsigned int space)
{
	uint64_t address;

	for (size_t i = 0; i < root->n_functions; i++) {
		const struct pr_function *f = &root->functions[i];

		for (size_t k = 0; k < f->n_resources; k++)
			if (pr_bar_agrees(f, &f->resources[k], &address) == PR_YES &&
				space_of(&f->resources[k], address) == space)
				return true;
	}
	return false;
}

/* A BAR that is elsewhere than the kernel believes; @ret: where. */
static const struct pr_resource *moved_of(const struct pr_function *f, uint64_t *ret)
{
	for (size_t i = 0; i < f->n_resources; i++)
		if (pr_bar_agrees(f, &f->resources[i], ret) == PR_NO &&
			any_agrees(f->root, space_of(&f->resources[i], *ret)))
			return &f->resources[i];
	return NULL;
}

bool pr_damage_of(const struct pr_function *f, struct pr_damage *ret)
{
	*ret = (struct pr_damage){ .function = f };
	if (f->removed || f->facts->is_newcomer)
		return false;
	ret->kind = PR_DAMAGE_TAKEN;
	ret->resource = taken_from(f);
	if (ret->resource || f->bridge)
		return ret->resource != NULL;
	ret->kind = PR_DAMAGE_MOVED;
	ret->resource = moved_of(f, &ret->address);
	if (ret->resource)
		return true;
	ret->kind = PR_DAMAGE_UNREACHED;
	ret->bridge = broken_above(f);
	return ret->bridge != NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What slots are to have for cards to come, by the policy: what is there of it
 * is not given away by any plan, and what is missing can be asked for as any
 * other reserve.  Shared by the search and its check, as words are.
 */
#include "plan/plan.h"

#include <stdio.h>

#define FIRST_KIND PR_WINDOW_IO

static uint64_t wished(const struct pr_slot_reserve *want, unsigned int kind)
{
	switch (kind) {
	case PR_WINDOW_IO:
		return want->io;
	case PR_WINDOW_MEM:
		return want->mem;
	case PR_WINDOW_PREF:
		return want->pref;
	default:
		return want->buses;
	}
}

static const struct pr_function *port_of(
	const struct pr_topology *t, const struct pr_slot_reserve *want)
{
	const struct pr_function *f = pr_topology_find_named(t, want->slot);

	return f && f->bridge && !f->removed ? f : NULL;
}

static bool has(
	const struct pr_function *port, const struct pr_slot_reserve *want, unsigned int kind)
{
	const struct pr_reserve r = {
		.bridge = port->address, .window = (uint8_t)kind, .size = wished(want, kind)
	};

	if (r.size == 0)
		return true;
	if (kind == PR_STANDING_BUSES)
		return pr_numbers_of(port) >= want->buses;
	return !pr_reserve_missing(&r, port);
}

bool pr_slot_lacks(
	const struct pr_topology *t, const struct pr_slot_reserve *want, struct pr_slot_lack *ret)
{
	const struct pr_function *port = port_of(t, want);

	*ret = (struct pr_slot_lack){ 0 };
	if (!port)
		return false;
	for (unsigned int kind = FIRST_KIND; kind < PR_STANDING_BUSES; kind++)
		if (!has(port, want, kind))
			ret->reserves[ret->n_reserves++] = (struct pr_reserve){ port->address,
				(uint8_t)kind, wished(want, kind) };
	if (!has(port, want, PR_STANDING_BUSES)) {
		ret->buses = (struct pr_bus_wish){ port->address, want->buses };
		ret->n_buses = 1;
	}
	return ret->n_reserves + ret->n_buses > 0;
}

const struct pr_slot_reserve *pr_standing_lost(const struct pr_policy *policy,
	const struct pr_topology *before, const struct pr_topology *after, unsigned int *ret_kind)
{
	for (size_t i = 0; i < policy->n_reserves; i++) {
		const struct pr_slot_reserve *want = &policy->reserves[i];
		const struct pr_function *port = port_of(before, want);

		for (unsigned int kind = FIRST_KIND; port && kind <= PR_STANDING_BUSES; kind++) {
			if (!has(port, want, kind) ||
				has(pr_topology_same(after, port), want, kind))
				continue;
			*ret_kind = kind;
			return want;
		}
	}
	return NULL;
}

const struct pr_bus_wish *pr_standing_buses(const struct pr_policy *policy,
	const struct pr_topology *t, struct pr_arena *arena, const struct pr_bus_wish *wishes,
	size_t *n)
{
	struct pr_bus_wish *all = pr_new_array(arena, *n + policy->n_reserves, struct pr_bus_wish);
	const size_t n_asked = *n;

	for (size_t i = 0; all && i < n_asked; i++)
		all[i] = wishes[i];
	for (size_t i = 0; all && i < policy->n_reserves; i++) {
		const struct pr_slot_reserve *want = &policy->reserves[i];
		const struct pr_function *port = port_of(t, want);

		if (port && want->buses > 0 && pr_wished_numbers(wishes, n_asked, port) == 0)
			all[(*n)++] = (struct pr_bus_wish){ port->address, want->buses };
	}
	return all;
}

const char *pr_standing_text(
	const struct pr_slot_reserve *want, unsigned int kind, char ret[PR_STANDING_TEXT_MAX])
{
	char size[PR_BYTES_MAX];

	if (kind == PR_STANDING_BUSES)
		(void)snprintf(ret, PR_STANDING_TEXT_MAX, "%u bus numbers", want->buses);
	else
		(void)snprintf(ret, PR_STANDING_TEXT_MAX, "%s in its %s",
			pr_bytes_text(wished(want, kind), size), pr_resource_name(kind));
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a card's arrival does, read from the prediction: to the card, and to
 * those that were there before it.
 */
#include "plan/arrival.h"

#include <errno.h>

/* A port without a hot-plug slot tells nobody that a card has come: its bus is scanned. */
struct pr_action pr_arrival_of(const struct pr_function *port)
{
	return (struct pr_action){
		.kind = port->bridge->hotplug ? PR_ACTION_PLUG : PR_ACTION_RESCAN,
		.function = port,
	};
}

static bool has_memory(const struct pr_function *f)
{
	for (unsigned int i = 0; i < f->n_resources; i++) {
		const struct pr_resource *bar = &f->resources[i];

		if (bar->index >= PR_ROM || pr_resource_is_io(bar))
			continue;
		if (bar->state != PR_RES_ASSIGNED || !pr_resource_forwarded(f, bar))
			return false;
	}
	return true;
}

bool pr_card_works(const struct pr_function *port, const struct pr_topology *after)
{
	const struct pr_function *top = pr_topology_same(after, port);

	for (const struct pr_function *f = pr_function_walk(top, top); f;
		f = pr_function_walk(f, top))
		if (f->removed || f->no_bus || pr_bridge_broken(f) || !has_memory(f))
			return false;
	return true;
}

bool pr_others_kept(const struct pr_root *before, const struct pr_topology *after)
{
	for (size_t i = 0; i < before->n_functions; i++) {
		const struct pr_function *f = &before->functions[i];

		if (!f->removed && !pr_function_kept(f, pr_topology_same(after, f)))
			return false;
	}
	return true;
}

int pr_arrival_targets(const struct pr_root *before, const struct pr_topology *after,
	struct pr_arena *arena, struct pr_address **ret, size_t *ret_n)
{
	struct pr_address *targets = pr_new_array(arena, before->n_functions, struct pr_address);
	size_t n = 0;

	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < before->n_functions; i++) {
		const struct pr_function *f = &before->functions[i];
		const struct pr_function *now = pr_topology_same(after, f);

		if (!now->removed &&
			(f->facts->is_newcomer || (pr_function_dead(now) && !pr_function_dead(f))))
			targets[n++] = now->address;
	}
	*ret = targets;
	*ret_n = n;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slots: which there are, and what may be disturbed for each; slot.c looks at one of them. */
#include "plan/slots.h"

#include <errno.h>

const char *pr_when_name(enum pr_when w)
{
	static const char *const names[_PR_WHEN_MAX] = {
		[PR_WHEN_NOW] = "now",
		[PR_WHEN_FREE] = "free",
		[PR_WHEN_RESTART] = "restart",
		[PR_WHEN_IN_USE] = "in-use",
		[PR_WHEN_BOOT] = "boot",
	};

	return names[w];
}

enum pr_when pr_when_of(const struct pr_cost *cost)
{
	if (cost->in_use > 0)
		return PR_WHEN_IN_USE;
	return cost->restarted > 0 ? PR_WHEN_RESTART : PR_WHEN_FREE;
}

bool pr_port_is_mute(const struct pr_function *f)
{
	const struct pr_pcie *pcie = &f->caps->pcie;

	return f->bridge && !f->bridge->hotplug &&
	       (pcie->present == PR_UNKNOWN ||
		       (pcie->slot_implemented && pcie->slot_known != PR_YES));
}

bool pr_slots_looked_for(const struct pr_slots *s, enum pr_when when)
{
	return when == PR_WHEN_NOW || when == PR_WHEN_BOOT ||
	       when - PR_WHEN_FREE <= (unsigned int)s->limit;
}

static bool is_port(const struct pr_function *f)
{
	const struct pr_pcie *pcie = &f->caps->pcie;

	if (f->removed || !f->bridge || f->no_bus || f->bridge->busless)
		return false;
	return f->bridge->hotplug ||
	       (pcie->present == PR_YES &&
		       (pcie->port == PR_PORT_ROOT || pcie->port == PR_PORT_DOWNSTREAM));
}

static bool is_wanted(const struct pr_function *f, const struct pr_slots_request *request)
{
	if (!is_port(f))
		return false;
	for (size_t i = 0; i < request->n_ports; i++)
		if (request->ports[i] == f)
			return true;
	return request->n_ports == 0 && (request->all || f->bridge->hotplug);
}

static bool is_in_slot(const struct pr_topology *t, const char *pin, const struct pr_function *port)
{
	const struct pr_function *f = pr_topology_find_named(t, pin);

	return f && f != port && pr_function_below(f, port);
}

/* Without the pins of what counts as pulled: the card in its place would have them. */
static int policy_for(struct pr_slots *all, const struct pr_policy *policy,
	const struct pr_function *port, struct pr_policy *ret)
{
	const char **pinned = pr_new_array(all->arena, policy->n_pinned, const char *);

	if (!pinned)
		return -ENOMEM;
	*ret = (struct pr_policy){ .limit = policy->limit,
		.pinned = pinned,
		.reserves = policy->reserves,
		.n_reserves = policy->n_reserves };
	for (size_t i = 0; i < policy->n_pinned; i++)
		if (!is_in_slot(all->topology, policy->pinned[i], port))
			pinned[ret->n_pinned++] = policy->pinned[i];
	return 0;
}

static int look_at(struct pr_slots *all, const struct pr_policy *policy,
	const struct pr_kernel *kernel, struct pr_slot *slot)
{
	struct pr_policy own;
	int r;

	r = policy_for(all, policy, slot->port, &own);
	for (unsigned int kind = 0; kind < _PR_CARD_KIND_MAX && r == 0; kind++)
		r = pr_slot_find_largest(all, &own, kernel, slot, (enum pr_card_kind)kind);
	return r;
}

static int look_at_all(struct pr_slots *all, const struct pr_policy *policy,
	const struct pr_kernel *kernel, const struct pr_slots_request *request)
{
	const struct pr_topology *t = all->topology;
	int r = 0;

	all->slots = pr_new_array(all->arena, t->n_functions, struct pr_slot);
	if (!all->slots)
		return -ENOMEM;
	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions && r == 0; j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];
			struct pr_slot *slot = &all->slots[all->n];

			if (!is_wanted(f, request))
				continue;
			slot->port = f;
			all->n++;
			r = look_at(all, policy, kernel, slot);
		}
	}
	return r;
}

int pr_slots_make(const struct pr_topology *t, const struct pr_policy *policy,
	const struct pr_slots_request *request, struct pr_slots **ret)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_kernel kernel;
	struct pr_slots *all;
	int r;

	if (!arena)
		return -ENOMEM;
	all = pr_new(arena, struct pr_slots);
	if (!all) {
		pr_arena_free(arena);
		return -ENOMEM;
	}
	all->arena = arena;
	all->topology = t;
	all->limit = policy->limit;
	r = pr_kernel_select(&t->machine, &kernel);
	r = r < 0 ? r : look_at_all(all, policy, &kernel, request);
	r = r < 0 ? r : pr_slots_find_resizable(all, policy, request);
	if (r < 0) {
		pr_slots_free(all);
		return r;
	}
	*ret = all;
	return 0;
}

void pr_slots_free(struct pr_slots *s)
{
	if (s)
		pr_arena_free(s->arena); /* @s lives in it */
}

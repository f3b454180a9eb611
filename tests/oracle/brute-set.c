/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One set of subtrees: as actions, simulated, and by the rules of the space. */
#include "brute-private.h"

#include <stdio.h>
#include <stdlib.h>

/* A rescan may still open a window of it, and program it: it is not enabled (KERNEL 1.10). */
static bool may_open(const struct pr_function *bridge)
{
	const struct pr_facts *facts = bridge->facts;

	if (brute_has_driver(bridge) || facts->enabled > 0 ||
		(facts->enabled < 0 && (bridge->header.command & 7)))
		return false;
	for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++) {
		const struct pr_resource *w = pr_function_resource(bridge, kind);

		if (!w || w->state != PR_RES_ASSIGNED)
			return true;
	}
	return false;
}

static size_t depth_of(const struct pr_function *f)
{
	size_t depth = 0;

	for (; f; f = f->parent)
		depth++;
	return depth;
}

bool brute_on_bus(const struct pr_function *f, const struct pr_function *parent)
{
	return f->parent == parent && !f->removed && !f->facts->is_vf;
}

bool brute_has_top(const struct brute *b, const struct pr_function *parent)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->top[i] && b->order[i]->parent == parent)
			return true;
	return false;
}

/* Who stays on the bus, a bridge if there is one; else the bridge above. */
static const struct pr_function *scanner(const struct brute *b, const struct pr_function *parent)
{
	const struct pr_function *found = NULL;

	for (size_t i = 0; i < b->n; i++)
		if (brute_on_bus(b->order[i], parent) && !b->top[i] && (!found || !found->bridge) &&
			(!found || b->order[i]->bridge))
			found = b->order[i];
	return found ? found : parent;
}

static size_t add_write(
	const struct pr_function *f, uint16_t offset, uint32_t value, struct pr_action *ret)
{
	*ret = (struct pr_action){ .kind = PR_ACTION_WRITE,
		.function = f,
		.root = f->root,
		.offset = offset,
		.width = 4,
		.value = value };
	return 1;
}

/* A port below has registers of its own in memory, and its driver stays to the end. */
static bool port_needs_it(const struct brute *b, size_t bridge)
{
	for (size_t i = bridge + 1; i < b->end[bridge]; i++)
		for (unsigned int k = 0; b->order[i]->bridge && k < PR_ROM; k++) {
			const struct pr_resource *r = pr_function_resource(b->order[i], k);

			if (brute_has_driver(b->order[i]) && r && r->state == PR_RES_ASSIGNED &&
				!(r->flags & PR_IORES_IO))
				return true;
		}
	return false;
}

/* Base above limit, the upper halves zero: what is not so already is written. */
static size_t close_below(const struct brute *b, size_t top, struct pr_action *actions, size_t n)
{
	for (size_t i = top; i < b->end[top]; i++) {
		const struct pr_function *f = b->order[i];
		const struct pr_window *w;

		if (!f->bridge || f->removed || port_needs_it(b, i))
			continue;
		w = f->bridge->registers;
		if (w[1].open == PR_YES)
			n += add_write(f, 0x20, 0xfff0, &actions[n]);
		if (w[2].open == PR_YES && w[2].range.last > UINT32_MAX)
			n += add_write(f, 0x2c, 0, &actions[n]);
		if (w[2].open == PR_YES)
			n += add_write(f, 0x24, 0xfff0, &actions[n]);
		if (w[2].open == PR_YES && w[2].range.first > UINT32_MAX)
			n += add_write(f, 0x28, 0, &actions[n]);
	}
	return n;
}

static size_t add_bus(const struct brute *b, const struct pr_function *parent,
	struct pr_action *actions, size_t n)
{
	for (size_t i = 0; b->closes && i < b->n; i++)
		if (b->top[i] && b->order[i]->parent == parent)
			n = close_below(b, i, actions, n);
	for (size_t i = 0; i < b->n; i++)
		if (b->top[i] && b->order[i]->parent == parent)
			actions[n++] = (struct pr_action){
				.kind = PR_ACTION_REMOVE, .function = b->order[i], .root = b->root
			};
	actions[n++] = (struct pr_action){
		.kind = PR_ACTION_RESCAN, .function = scanner(b, parent), .root = b->root
	};
	return n;
}

/* Buses from the deepest up. */
size_t brute_actions(const struct brute *b, struct pr_action *actions)
{
	size_t n = 0;

	for (size_t depth = MAX_FUNCTIONS; depth-- > 0;) {
		for (size_t i = 0; i <= b->n; i++) {
			const struct pr_function *parent = i < b->n ? b->order[i] : NULL;

			if (depth_of(parent) == depth && (brute_has_top(b, parent) || b->scan[i]))
				n = add_bus(b, parent, actions, n);
		}
	}
	return n;
}

void brute_name(const struct brute *b, char *text, size_t size)
{
	size_t n = 0;
	char address[PR_ADDRESS_MAX];

	text[0] = '\0';
	for (size_t i = 0; i < b->n && n + 2 * PR_ADDRESS_MAX < size; i++) {
		if (!b->top[i] && !b->scan[i])
			continue;
		pr_address_format(&b->order[i]->address, address);
		n += (size_t)snprintf(
			text + n, size - n, "%s%s ", b->top[i] ? "" : "scan below ", address);
	}
}

bool brute_scans_have_reason(const struct brute *b, unsigned int subset)
{
	for (size_t i = 0; i <= b->n; i++) {
		const struct pr_function *parent = i < b->n ? b->order[i] : NULL;
		bool reason = !b->scan[i];

		for (size_t k = 0; k < b->n_targets; k++)
			reason |= (subset & 1u << k) && !brute_is_gone(b, b->targets[k]) &&
				  (!parent || (b->targets[k] != parent &&
						      pr_function_below(b->targets[k], parent)));
		if (!reason)
			return false;
	}
	return true;
}

/*
 * A bus that is emptied or scanned serves a target that no other bus serves:
 * its branch is removed there, or it stays and waits for the scan.
 */
static bool serves(const struct brute *b, size_t bus, size_t target)
{
	const struct pr_function *parent = bus < b->n ? b->order[bus] : NULL;
	const struct pr_function *f = b->targets[target];

	if (parent && (f == parent || !pr_function_below(f, parent)))
		return false;
	if (!brute_is_gone(b, f))
		return true;
	while (f->parent != parent)
		f = f->parent;
	for (size_t i = 0; i < b->n; i++)
		if (b->order[i] == f)
			return b->top[i];
	return false;
}

/* A target of its own for each bus from @bus on, of those in @free. */
static bool each_serves(const struct brute *b, size_t bus, unsigned int free)
{
	while (bus <= b->n && !b->scan[bus] && !brute_has_top(b, bus < b->n ? b->order[bus] : NULL))
		bus++;
	if (bus > b->n)
		return true;
	for (size_t k = 0; k < b->n_targets; k++)
		if ((free & 1u << k) && serves(b, bus, k) &&
			each_serves(b, bus + 1, free & ~(1u << k)))
			return true;
	return false;
}

int brute_simulate(struct brute *b, struct outcome *o)
{
	struct pr_action actions[MAX_ACTIONS];
	size_t n = brute_actions(b, actions);
	struct pr_topology *after;
	struct pr_doubt doubt;
	char set[400];
	bool good;
	int r;

	*o = (struct outcome){ .cost = { .steps = 1 + (unsigned int)n } };
	r = pr_kernel_apply(&b->kernel, b->t, actions, n, &after, &doubt);
	if (r < 0) {
		brute_name(b, set, sizeof(set));
		(void)fprintf(stderr, "cannot be done (%d): %s\n", r, set);
		abort();
	}
	if (r > 0) {
		b->doubt = true;
		return 1;
	}
	good = brute_judge(b, after, o);
	pr_topology_free(after);
	return good ? 0 : 1;
}

static bool bus_below(const struct brute *b, size_t bus, const struct pr_function *bridge)
{
	return bus < b->n && pr_function_below(b->order[bus], bridge);
}

static bool is_done(const struct brute *b, size_t bus)
{
	return b->scan[bus] || brute_has_top(b, bus < b->n ? b->order[bus] : NULL);
}

/* Only the bus below @bridge, only what leads to targets, and it is scanned from the bus above. */
static bool acts_above(const struct brute *b, const struct pr_function *bridge, unsigned int subset)
{
	for (size_t i = 0; i <= b->n; i++)
		if (is_done(b, i) && bus_below(b, i, bridge) &&
			(b->order[i] != bridge || b->scan[i]))
			return false;
	for (size_t i = 0; i < b->n; i++) {
		bool leads = false;

		for (size_t k = 0; k < b->n_targets; k++)
			leads |=
				(subset & 1u << k) && pr_function_below(b->targets[k], b->order[i]);
		if (b->order[i]->parent == bridge && b->top[i] && !leads && b->order[i]->bridge)
			return false;
	}
	return scanner(b, bridge) == bridge || may_open(bridge);
}

/* What is done below one bridge, and nothing else, is good for the targets there. */
static bool part_good(struct brute *b, const struct pr_function *bridge, unsigned int subset,
	unsigned int tier, const struct outcome *whole)
{
	static struct brute part; /* large */
	struct outcome o;
	bool good;

	part = *b;
	for (size_t i = 0; i < b->n; i++)
		if (!pr_function_below(b->order[i], bridge))
			part.top[i] = false;
	for (size_t i = 0; i <= b->n; i++)
		if (!bus_below(b, i, bridge))
			part.scan[i] = false;
	for (size_t k = 0; k < b->n_targets; k++)
		if (!pr_function_below(b->targets[k], bridge))
			subset &= ~(1u << k);
	good = brute_simulate(&part, &o) == 0 && brute_met(b, &o, subset, tier);
	return good && o.cost.renumbered <= whole->cost.renumbered &&
	       o.cost.armed <= whole->cost.armed;
}

/*
 * Below each bridge that stays the plan is good by itself, and does not count
 * on a second scan that something elsewhere happens to bring.
 */
static bool parts_good(
	struct brute *b, unsigned int subset, unsigned int tier, const struct outcome *whole)
{
	for (size_t c = 0; c < b->n; c++) {
		const struct pr_function *bridge = b->order[c];
		bool below = false, elsewhere = false;

		if (!bridge->bridge || brute_is_gone(b, bridge))
			continue;
		for (size_t i = 0; i <= b->n; i++) {
			below |= is_done(b, i) && bus_below(b, i, bridge);
			elsewhere |= is_done(b, i) && !bus_below(b, i, bridge);
		}
		if (below && elsewhere && !acts_above(b, bridge, subset) &&
			!part_good(b, bridge, subset, tier, whole))
			return false;
	}
	return true;
}

bool brute_in_space(
	struct brute *b, unsigned int subset, unsigned int tier, const struct outcome *o)
{
	return brute_scans_have_reason(b, subset) && each_serves(b, 0, subset) &&
	       parts_good(b, subset, tier, o);
}

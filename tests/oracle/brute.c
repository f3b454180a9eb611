/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "brute.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h" /* pr_function_can_move, part of the policy */

#define MAX_FUNCTIONS 64
#define MAX_TARGETS   6
#define N_SUBSETS     (1u << MAX_TARGETS)
#define N_CLASSES     4 /* free, restart, in use, what somebody pins */
#define MAX_ACTIONS   (6 * MAX_FUNCTIONS)

struct best {
	bool found;
	struct pr_cost cost;
	char set[400];
};
struct brute {
	const struct pr_topology *t;
	const struct pr_root *root;
	const struct pr_policy *policy;
	struct pr_kernel kernel;
	const struct pr_function *order[MAX_FUNCTIONS]; /* parents before children */
	size_t end[MAX_FUNCTIONS];                      /* behind the subtree */
	size_t n;
	bool top[MAX_FUNCTIONS];
	bool scan[MAX_FUNCTIONS + 1]; /* bus below it; the last one: the root bus */
	const struct pr_function *targets[MAX_TARGETS];
	size_t n_targets;
	bool rescan_may_help;
	unsigned long n_simulated, max;
	bool doubt, counting;
	bool outer;  /* which of the two is asked for */
	bool closes; /* memory windows of what is removed are closed first */
	/* within the rules of the space, and without any; as things are, and with windows closed */
	struct best best[2][2][N_SUBSETS][N_CLASSES][_PR_TIER_MAX];
};

/* ---- what is lacking ---- */

static bool wants(const struct pr_resource *r)
{
	return r->index != PR_ROM && r->index < PR_WINDOW_IO &&
	       (r->state == PR_RES_UNASSIGNED || r->state == PR_RES_FORGOTTEN);
}

static bool asked_for(const struct pr_resource *r, unsigned int tier)
{
	bool io = r->flags & PR_IORES_IO;

	if (!wants(r) || (r->index < PR_ROM && !io))
		return wants(r);
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

static bool lacks(const struct pr_function *f, unsigned int tier)
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

struct outcome {
	struct pr_cost cost;
	unsigned int class;
	bool removed_whole
		[_PR_TIER_MAX]; /* what was removed lacks nothing that the tier asks for */
	bool target_met[MAX_TARGETS][_PR_TIER_MAX];
};

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

static bool has_driver(const struct pr_function *f)
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
	o->cost.steps += !was->bridge && has_driver(was);

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
	if (!gained || !has_driver(was) ||
		(was->bridge && strcmp(was->facts->driver, "pcieport") == 0))
		return true;
	o->cost.steps += !was->bridge;
	return disturb(b, was, o);
}

static bool is_gone(const struct brute *b, const struct pr_function *f)
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

static bool judge(const struct brute *b, const struct pr_topology *after, struct outcome *o)
{
	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++)
		o->removed_whole[tier] = true;
	for (size_t i = 0; i < b->n; i++) {
		const struct pr_function *was = b->order[i], *is = pr_topology_same(after, was);

		if (was->removed)
			continue;
		if (is_gone(b, was) ? !came_back(b, was, is, o) : !stayed(b, was, is, o))
			return false;
		if (deaf(is) && !deaf(was))
			return false;
		o->cost.armed += is_gone(b, was) && was->bridge && was->bridge->hotplug &&
				 !was->first_child && is_armed(was, is);
	}
	for (size_t i = 0; i < b->n_targets; i++)
		judge_target(b, i, pr_topology_same(after, b->targets[i]), o->target_met[i]);
	return true;
}

/* ---- one set ---- */

/* A rescan may still open a window of it, and program it: it is not enabled (KERNEL 1.10). */
static bool may_open(const struct pr_function *bridge)
{
	const struct pr_facts *facts = bridge->facts;

	if (has_driver(bridge) || facts->enabled > 0 ||
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

static bool on_bus(const struct pr_function *f, const struct pr_function *parent)
{
	return f->parent == parent && !f->removed && !f->facts->is_vf;
}

static bool has_top(const struct brute *b, const struct pr_function *parent)
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
		if (on_bus(b->order[i], parent) && !b->top[i] && (!found || !found->bridge) &&
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

			if (has_driver(b->order[i]) && r && r->state == PR_RES_ASSIGNED &&
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
static size_t make_actions(const struct brute *b, struct pr_action *actions)
{
	size_t n = 0;

	for (size_t depth = MAX_FUNCTIONS; depth-- > 0;) {
		for (size_t i = 0; i <= b->n; i++) {
			const struct pr_function *parent = i < b->n ? b->order[i] : NULL;

			if (depth_of(parent) == depth && (has_top(b, parent) || b->scan[i]))
				n = add_bus(b, parent, actions, n);
		}
	}
	return n;
}

static void name_set(const struct brute *b, char *text, size_t size)
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

/*
 * A bus that is only scanned is scanned for a target on or below it.  Without this rule a rescan
 * that must fail could make the kernel forget what would else be in the way.
 */
static bool scans_have_reason(const struct brute *b, unsigned int subset)
{
	for (size_t i = 0; i <= b->n; i++) {
		const struct pr_function *parent = i < b->n ? b->order[i] : NULL;
		bool reason = !b->scan[i];

		for (size_t k = 0; k < b->n_targets; k++)
			reason |= (subset & 1u << k) && !is_gone(b, b->targets[k]) &&
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
	if (!is_gone(b, f))
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
	while (bus <= b->n && !b->scan[bus] && !has_top(b, bus < b->n ? b->order[bus] : NULL))
		bus++;
	if (bus > b->n)
		return true;
	for (size_t k = 0; k < b->n_targets; k++)
		if ((free & 1u << k) && serves(b, bus, k) &&
			each_serves(b, bus + 1, free & ~(1u << k)))
			return true;
	return false;
}

/* What @o has for those of @subset, as far as @tier asks; false when nobody asks for anything. */
static bool met_by(
	const struct brute *b, const struct outcome *o, unsigned int subset, unsigned int tier)
{
	bool met = o->removed_whole[tier], asked = false;

	for (size_t i = 0; i < b->n_targets; i++) {
		if (!(subset & 1u << i))
			continue;
		/* memory is asked for by all that ask for anything less */
		met &= o->target_met[i][tier] && o->target_met[i][PR_TIER_MEMORY];
		asked |= lacks(b->targets[i], tier);
	}
	return met && asked;
}

/* 0 and the outcome; 1 when it is bad, or the model cannot know. */
static int simulate(struct brute *b, struct outcome *o)
{
	struct pr_action actions[MAX_ACTIONS];
	size_t n = make_actions(b, actions);
	struct pr_topology *after;
	struct pr_doubt doubt;
	char set[400];
	bool good;
	int r;

	*o = (struct outcome){ .cost = { .steps = 1 + (unsigned int)n } };
	r = pr_kernel_apply(&b->kernel, b->t, actions, n, &after, &doubt);
	if (r < 0) {
		name_set(b, set, sizeof(set));
		(void)fprintf(stderr, "cannot be done (%d): %s\n", r, set);
		abort();
	}
	if (r > 0) {
		b->doubt = true;
		return 1;
	}
	good = judge(b, after, o);
	pr_topology_free(after);
	return good ? 0 : 1;
}

static bool bus_below(const struct brute *b, size_t bus, const struct pr_function *bridge)
{
	return bus < b->n && pr_function_below(b->order[bus], bridge);
}

static bool is_done(const struct brute *b, size_t bus)
{
	return b->scan[bus] || has_top(b, bus < b->n ? b->order[bus] : NULL);
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
	good = simulate(&part, &o) == 0 && met_by(b, &o, subset, tier);
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

		if (!bridge->bridge || is_gone(b, bridge))
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

static void keep_class(struct brute *b, const struct outcome *o, struct best *best)
{
	if (best->found && pr_cost_compare(&best->cost, &o->cost) <= 0)
		return;
	best->found = true;
	best->cost = o->cost;
	name_set(b, best->set, sizeof(best->set));
}

static bool betters(
	const struct outcome *o, const struct best best[N_CLASSES][_PR_TIER_MAX], unsigned int tier)
{
	return !best[o->class][tier].found ||
	       pr_cost_compare(&o->cost, &best[o->class][tier].cost) < 0;
}

static bool in_space(
	struct brute *b, unsigned int subset, unsigned int tier, const struct outcome *o)
{
	return scans_have_reason(b, subset) && each_serves(b, 0, subset) &&
	       parts_good(b, subset, tier, o);
}

static void keep_tier(
	struct brute *b, const struct outcome *o, unsigned int subset, unsigned int tier)
{
	struct best(*inner)[_PR_TIER_MAX] = b->best[0][b->closes][subset];
	struct best(*outer)[_PR_TIER_MAX] = b->best[1][b->closes][subset];

	if (betters(o, outer, tier))
		for (unsigned int c = o->class; c < N_CLASSES; c++)
			keep_class(b, o, &outer[c][tier]);
	if (betters(o, inner, tier) && in_space(b, subset, tier, o))
		for (unsigned int c = o->class; c < N_CLASSES; c++)
			keep_class(b, o, &inner[c][tier]);
}

static void keep(struct brute *b, const struct outcome *o)
{
	for (unsigned int subset = 1; subset < 1u << b->n_targets; subset++)
		for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++)
			if (met_by(b, o, subset, tier))
				keep_tier(b, o, subset, tier);
}

static void try_set(struct brute *b)
{
	struct pr_action actions[MAX_ACTIONS];
	struct outcome o;

	b->n_simulated++;
	if (b->counting || make_actions(b, actions) == 0)
		return;
	if (simulate(b, &o) == 0)
		keep(b, &o);
}

/* ---- all sets ---- */

static bool same_card(const struct pr_function *a, const struct pr_function *b)
{
	return a->parent == b->parent && a->address.bus == b->address.bus &&
	       a->address.device == b->address.device;
}

/* An endpoint is removed with its whole card: the functions of a slot share what they are. */
static bool cards_whole(const struct brute *b)
{
	for (size_t i = 0; i < b->n; i++)
		for (size_t j = 0; b->top[i] && !b->order[i]->bridge && j < b->n; j++)
			if (same_card(b->order[i], b->order[j]) && !b->top[j] &&
				on_bus(b->order[j], b->order[i]->parent))
				return false;
	return true;
}

static bool can_go(const struct brute *b, size_t i)
{
	if (b->order[i]->removed || b->order[i]->facts->is_vf)
		return false;
	for (size_t j = i; j < b->end[i]; j++)
		if (!pr_function_can_move(b->order[j]))
			return false;
	return true;
}

/* The set by itself, and with one or two buses that are only scanned. */
static void try_buses(struct brute *b, size_t first, unsigned int n_more)
{
	try_set(b);
	for (size_t i = first; b->rescan_may_help && n_more > 0 && i <= b->n; i++) {
		const struct pr_function *parent = i < b->n ? b->order[i] : NULL;

		if ((parent && (!parent->first_child || parent->bridge->secondary == 0 ||
				       is_gone(b, parent))) ||
			has_top(b, parent))
			continue;
		b->scan[i] = true;
		if (scans_have_reason(b, (1u << b->n_targets) - 1))
			try_buses(b, i + 1, n_more - 1);
		b->scan[i] = false;
	}
}

static void try_from(struct brute *b, size_t i)
{
	if (b->n_simulated > b->max)
		return;
	if (i >= b->n) {
		if (cards_whole(b))
			try_buses(b, 0, b->n_targets > 1 ? 2 : 1);
		return;
	}
	try_from(b, i + 1);
	if (!can_go(b, i))
		return;
	b->top[i] = true;
	try_from(b, b->end[i]);
	b->top[i] = false;
}

/* ---- the answer ---- */

static bool disturbs_more(const struct pr_cost *a, const struct pr_cost *b)
{
	return a->in_use != b->in_use ? a->in_use > b->in_use : a->restarted > b->restarted;
}

/* What is mended, by how much may be disturbed: see the man page, "pciroom plan". */
static const struct best *choose(
	const struct brute *b, bool closes, unsigned int subset, unsigned int class)
{
	const struct best *best = b->best[b->outer][closes][subset][class];
	bool lost = false;

	for (size_t i = 0; i < b->n_targets; i++)
		lost |= (subset & 1u << i) && lacks(b->targets[i], PR_TIER_LOST);
	if (lost && !best[PR_TIER_LOST].found)
		return best[PR_TIER_MEMORY].found ? &best[PR_TIER_MEMORY] : NULL;
	if (best[PR_TIER_ALL].found &&
		(!lost || !disturbs_more(&best[PR_TIER_ALL].cost, &best[PR_TIER_LOST].cost)))
		return &best[PR_TIER_ALL];
	return lost ? &best[PR_TIER_LOST] : NULL;
}

/* One after the other, as long as all taken can be mended together. */
static unsigned int take_some(const struct brute *b, bool closes, unsigned int class)
{
	unsigned int taken = 0;

	for (size_t i = 0; i < b->n_targets; i++)
		if (choose(b, closes, taken | 1u << i, class))
			taken |= 1u << i;
	return taken;
}

/* All, or else some; either with windows closed only where it cannot be done without. */
static bool answer_class(const struct brute *b, unsigned int class, enum pr_verdict verdict,
	struct brute_answer *ret)
{
	const unsigned int all = (1u << b->n_targets) - 1;
	const unsigned int subsets[] = { all, all, take_some(b, false, class),
		take_some(b, true, class) };

	for (size_t i = 0; i < 4; i++) {
		const struct best *best = subsets[i] ? choose(b, i % 2, subsets[i], class) : NULL;

		if (!best)
			continue;
		ret->verdict = verdict;
		ret->cost = best->cost;
		ret->closes = i % 2;
		ret->n_targets = (size_t)__builtin_popcount(subsets[i]);
		(void)snprintf(ret->set, sizeof(ret->set), "%s", best->set);
		return true;
	}
	return false;
}

static void answer(const struct brute *b, struct brute_answer *ret)
{
	*ret = (struct brute_answer){ .n_simulated = b->n_simulated, .n_targets = b->n_targets };
	if (answer_class(b, b->policy->limit, PR_VERDICT_OK, ret) ||
		answer_class(b, PR_DISRUPTION_IN_USE, PR_VERDICT_TOO_DISRUPTIVE, ret) ||
		answer_class(b, PR_DISRUPTION_PINNED, PR_VERDICT_VETOED, ret))
		return;
	ret->verdict = b->doubt ? PR_VERDICT_UNKNOWN : PR_VERDICT_INFEASIBLE;
}

static void walk(struct brute *b, const struct pr_function *first)
{
	for (const struct pr_function *f = first; f; f = f->next) {
		size_t i = b->n++;

		assert(b->n <= MAX_FUNCTIONS);
		b->order[i] = f;
		walk(b, f->first_child);
		b->end[i] = b->n;
	}
}

/* This kernel takes the size of a window from its register (pbus_size_mem(), up to 6.12; x86). */
static bool may_close(const struct brute *b)
{
	const struct pr_machine *machine = &b->t->machine;

	return b->kernel.reads_windows && b->kernel.generation <= PR_GENERATION_6_12 &&
	       (!machine->lockdown || strcmp(machine->lockdown, "none") == 0);
}

static bool force_root(struct brute *b, struct brute_answer *ret, struct brute_answer *ret_outer)
{
	unsigned long n;

	walk(b, b->root->first_child);
	for (size_t i = 0; i < b->root->n_functions; i++) {
		const struct pr_function *f = &b->root->functions[i];

		if (f->removed || !lacks(f, PR_TIER_LOST))
			continue;
		if (b->n_targets == MAX_TARGETS)
			return false;
		b->targets[b->n_targets++] = f;
		for (size_t k = 0; k < f->n_resources; k++)
			b->rescan_may_help |= wants(&f->resources[k]) &&
					      f->resources[k].state == PR_RES_UNASSIGNED;
	}
	if (b->n_targets == 0) {
		*ret = *ret_outer = (struct brute_answer){ .verdict = PR_VERDICT_NOTHING };
		return true;
	}
	b->counting = true;
	try_from(b, 0);
	if (b->n_simulated > b->max)
		return false;
	b->counting = false;
	b->n_simulated = 0;
	try_from(b, 0);
	if (may_close(b)) {
		n = b->n_simulated;
		b->closes = true;
		b->n_simulated = 0;
		try_from(b, 0);
		b->n_simulated += n;
	}
	answer(b, ret);
	b->outer = true;
	answer(b, ret_outer);
	return true;
}

/* Better is first; host bridges are planned by themselves, and plans of one kind joined. */
static const enum pr_verdict ranks[] = { PR_VERDICT_OK, PR_VERDICT_TOO_DISRUPTIVE,
	PR_VERDICT_VETOED, PR_VERDICT_UNKNOWN, PR_VERDICT_INFEASIBLE, PR_VERDICT_NOTHING };

size_t brute_rank(enum pr_verdict v)
{
	size_t i = 0;

	while (ranks[i] != v)
		i++;
	return i;
}

static void join(struct brute_answer *sum, const struct brute_answer *a)
{
	unsigned long n = sum->n_simulated + a->n_simulated;

	if (brute_rank(a->verdict) < brute_rank(sum->verdict)) {
		*sum = *a;
	} else if (a->verdict == sum->verdict) {
		sum->cost.in_use += a->cost.in_use;
		sum->cost.restarted += a->cost.restarted;
		sum->cost.renumbered += a->cost.renumbered;
		sum->cost.armed += a->cost.armed;
		sum->cost.removed += a->cost.removed;
		sum->cost.steps += a->cost.steps - 1;
		sum->n_targets += a->n_targets;
		sum->closes |= a->closes;
	}
	sum->n_simulated = n;
}

bool brute_force(const struct pr_topology *t, const struct pr_policy *policy, unsigned long max,
	struct brute_answer *ret, struct brute_answer *ret_outer)
{
	struct brute_answer sum = { .verdict = PR_VERDICT_NOTHING }, outer = sum, a, o;
	static struct brute b; /* large; nothing is kept from call to call */

	pr_for_each_root (t, i) {
		memset(&b, 0, sizeof(b));
		b.t = t;
		b.root = t->roots[i];
		b.policy = policy;
		b.max = max;
		if (pr_kernel_select(&t->machine, &b.kernel) != 0)
			return false;
		if (!force_root(&b, &a, &o))
			return false;
		join(&sum, &a);
		join(&outer, &o);
	}
	*ret = sum;
	*ret_outer = outer;
	return true;
}

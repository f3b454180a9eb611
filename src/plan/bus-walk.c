/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The best at and below one bus: vectors are looked at in the order of what
 * they cost at least, after those that are likely to do it.
 */
#include "plan/bus-private.h"

#include <errno.h>

#define ROOT_NODE UINT32_MAX

/* ---- what is likely to do it ---- */

/* How many go along with those on the way: the class of the worst, or nobody. */
enum company {
	NOBODY = 0,
	THE_FREE,
	EVERYBODY
};

static bool is_free(const struct pr_cost *cost)
{
	return cost->in_use == 0 && cost->restarted == 0;
}

static unsigned int going_option(const struct way *w)
{
	for (unsigned int i = 0; i < w->n_options; i++)
		if (w->options[i].fate == PR_FATE_GOES)
			return i;
	return 0;
}

static unsigned int inside_option(const struct way *w)
{
	for (unsigned int i = 0; i < w->n_options; i++)
		if (w->options[i].inside)
			return i;
	return 0;
}

static int dive(struct bus *b)
{
	int r;

	/* of two that cost the same, the one that reaches less far */
	for (size_t i = 0; i < b->n_ways; i++)
		b->vector[i] = inside_option(&b->ways[i]);
	r = bus_evaluate(b);
	for (size_t i = 0; i < b->n_ways; i++)
		b->vector[i] = 0;
	if (r == 0)
		r = bus_evaluate(b);
	for (enum company company = NOBODY; r == 0 && company <= EVERYBODY; company++) {
		for (size_t i = 0; i < b->n_ways; i++) {
			const struct way *w = &b->ways[i];
			bool along = i < b->n_on_way || company == EVERYBODY ||
				     (company == THE_FREE && is_free(&w->unit->cost));

			b->vector[i] = along ? going_option(w) : 0;
		}
		r = bus_evaluate(b);
	}
	return r;
}

/* ---- everything ---- */

static void read_vector(struct bus *b, const struct pr_node *node)
{
	for (size_t i = 0; i < b->n_ways; i++)
		b->vector[i] = UINT32_MAX;
	for (; node->unit != ROOT_NODE; node = node->parent)
		if (b->vector[node->unit] == UINT32_MAX)
			b->vector[node->unit] = node->option;
	for (size_t i = 0; i < b->n_ways; i++)
		if (b->vector[i] == UINT32_MAX)
			b->vector[i] = 0;
}

/* Room for what is decided, when all from @first on may still go.  For all of a family or none. */
static bool family_has_room(struct bus *b, size_t first)
{
	bus_set_fates(b);
	for (size_t i = first; i < b->n_ways; i++) {
		const struct way *w = &b->ways[i];
		bool may_go = w->options[going_option(w)].fate == PR_FATE_GOES;

		b->fates[w->unit - b->units] = may_go ? PR_FATE_MAY_GO : PR_FATE_STAYS;
	}
	return (!b->numbers || pr_number_room_suffices(b->numbers, b->fates)) &&
	       pr_room_suffices(b->room, b->fates);
}

static int push(struct bus *b, struct pr_frontier *f, const struct pr_node *parent, size_t way,
	unsigned int option)
{
	const struct way *w = &b->ways[way];
	struct pr_node node = { .parent = parent, .unit = (unsigned int)way, .option = option };

	node.key = parent->key;
	pr_cost_add(&node.key, &w->options[option].cost);
	/* the one it replaces was in the parent's key; the sums wrap back */
	node.key.in_use -= w->options[option - 1].cost.in_use;
	node.key.restarted -= w->options[option - 1].cost.restarted;
	node.key.renumbered -= w->options[option - 1].cost.renumbered;
	node.key.armed -= w->options[option - 1].cost.armed;
	node.key.removed -= w->options[option - 1].cost.removed;
	node.key.steps -= w->options[option - 1].cost.steps;
	if (pr_cost_compare(&node.key, &b->upper) >= 0)
		return 0;
	return pr_frontier_push(b->scratch, f, &node);
}

/* Ways on the way change from left to right, each by one option; so each vector comes up once. */
static int push_on_way(struct bus *b, struct pr_frontier *f, const struct pr_node *node)
{
	size_t first = node->unit == ROOT_NODE ? 0 : node->unit;
	int r = 0;

	for (size_t i = first; i < b->n_on_way && r == 0; i++) {
		unsigned int next = b->vector[i] + 1;

		if (next < b->ways[i].n_options && family_has_room(b, i))
			r = push(b, f, node, i, next);
	}
	return r;
}

/* Companions are sorted by cost: one more, or the last one replaced by the next. */
static int push_companions(struct bus *b, struct pr_frontier *f, const struct pr_node *node)
{
	bool last_is_companion = node->unit != ROOT_NODE && node->unit >= b->n_on_way;
	size_t next = last_is_companion ? node->unit + 1u : b->n_on_way;
	int r = 0;

	if (next == b->n_ways || !bus_helps(b))
		return 0;
	if (family_has_room(b, next))
		r = push(b, f, node, next, 1);
	if (r < 0 || !last_is_companion)
		return r;
	b->vector[node->unit] = 0;
	return family_has_room(b, next) ? push(b, f, node->parent, next, 1) : 0;
}

static int expand(struct bus *b, struct pr_frontier *f, const struct pr_node *node)
{
	int r = 0;

	if (node->unit == ROOT_NODE || node->unit < b->n_on_way)
		r = push_on_way(b, f, node);
	return r < 0 ? r : push_companions(b, f, node);
}

static void cut_short(struct pr_search *s, const struct pr_cost *key)
{
	if (!s->cut || pr_cost_compare(key, &s->bound) < 0)
		s->bound = *key;
	s->cut = true;
}

static int enumerate(struct bus *b)
{
	struct pr_frontier f = { 0 };
	struct pr_node root = { .unit = ROOT_NODE, .key = { .steps = 1 } };
	const struct pr_node *node;
	int r;

	for (size_t i = 0; i < b->n_ways; i++)
		pr_cost_add(&root.key, &b->ways[i].options[0].cost);
	r = pr_frontier_push(b->scratch, &f, &root);

	while (r == 0 && (node = pr_frontier_pop(&f))) {
		if (pr_cost_compare(&node->key, &b->upper) >= 0)
			break;
		if (b->s->spent >= b->s->budget) {
			cut_short(b->s, &node->key);
			break;
		}
		b->s->spent += 1 + b->n_units / 8;
		read_vector(b, node);
		r = bus_evaluate(b);
		if (r == 0)
			r = expand(b, &f, node);
	}
	return r;
}

/* Somebody on the way can neither go nor stay. */
static bool is_blocked(const struct bus *b)
{
	for (size_t i = 0; i < b->n_on_way; i++)
		if (b->ways[i].n_options == 0)
			return true;
	return b->n_on_way == 0;
}

static int make_rooms(struct bus *b)
{
	const struct pr_number_question numbers = {
		.root = b->root,
		.parent = b->parent,
		.buses = b->s->buses,
		.n_buses = b->s->n_buses,
		.n_asked = b->s->n_buses,
	};
	int r;

	r = pr_room_new(b->scratch, b->root, b->parent, b->units, b->n_units, b->targets, b->tier,
		&b->room);
	if (r < 0 || !b->s->renumbers)
		return r;
	return pr_number_room_new(b->scratch, &numbers, b->units, b->n_units, &b->numbers);
}

static int solve(struct bus *b)
{
	int r = bus_make_ways(b);

	if (r < 0 || is_blocked(b))
		return r;
	r = make_rooms(b);
	if (r == 0)
		r = dive(b);
	return r < 0 || b->dive ? r : enumerate(b);
}

int pr_bus_solve(struct pr_search *s, const struct pr_bus_task *task, struct pr_solution *ret)
{
	struct bus b = {
		.s = s,
		.scratch = pr_arena_new(),
		.root = task->root,
		.parent = task->parent,
		.targets = task->targets,
		.tier = task->tier,
		.upper = task->upper,
		.known = task->known,
		.n_known = task->n_known,
		.dive = task->dive,
	};
	int r = b.scratch ? solve(&b) : -ENOMEM;

	pr_arena_free(b.scratch);
	*ret = b.best;
	return r;
}

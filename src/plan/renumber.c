/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbering as a whole: which bridges need numbers, what is free, and which
 * registers differ in the end.  The order is renumber-order.c's business, what
 * is left over renumber-spread.c's.
 */
#include "plan/plan.h"
#include "plan/renumber.h"

#include <errno.h>

#define LAST_BUS 255u
#define FUNCTION 0x10000u /* a host bridge has no more */

/* ---- what is asked for ---- */

/*
 * Numbers beyond its own bus that the virtual functions of @f would be on
 * (PCIe 9.3.3.9 and 9.3.3.10: routing IDs from the first offset on, by stride).
 */
static unsigned int virtual_buses(const struct pr_function *f)
{
	const struct pr_sriov *s = &f->caps->sriov;
	unsigned int devfn = f->address.device * 8u + f->address.function;

	if (f->facts->is_vf || s->present != PR_YES || s->total_vfs == 0)
		return 0;
	return (devfn + s->first_offset + (s->total_vfs - 1u) * s->stride) >> 8;
}

static unsigned int most_virtual_buses(struct pr_function *first)
{
	unsigned int most = 0;

	pr_for_each_child (f, first)
		if (!f->removed && virtual_buses(f) > most)
			most = virtual_buses(f);
	return most;
}

bool pr_lacks_numbers(const struct pr_function *f)
{
	unsigned int virtual;

	if (!f->bridge || f->removed || f->caps->ea.present == PR_YES)
		return false;
	if (pr_numbers_of(f) == 0)
		return true;
	virtual = most_virtual_buses(f->first_child);
	return virtual > 0 && f->bridge->subordinate < f->bridge->secondary + virtual;
}

bool pr_hides_functions(const struct pr_function *bridge)
{
	return bridge->bridge && bridge->no_bus && !bridge->first_child;
}

/* A switch has ports behind its upstream port, and each of them has a bus. */
bool pr_is_hidden_switch(const struct pr_function *bridge)
{
	const struct pr_pcie *pcie = &bridge->caps->pcie;

	return pr_hides_functions(bridge) && pcie->present == PR_YES &&
	       pcie->port == PR_PORT_UPSTREAM;
}

/* Bridges below @f that the kernel has not met: it gives them numbers itself. */
static unsigned int newcomers(const struct pr_function *f)
{
	unsigned int n = 0;

	pr_for_each_child (child, f->first_child)
		if (child->bridge && child->removed && !child->unplugged)
			n += 1 + most_virtual_buses(child->first_child) + newcomers(child);
	return n;
}

static bool is_numbered(const struct pr_function *f)
{
	return f->bridge && !f->removed;
}

static size_t count_bridges(const struct pr_function *top)
{
	size_t n = 0;

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		n += is_numbered(f);
	return n;
}

/* Of as many addresses that change, the better are those that no driver works at. */
static unsigned int weight_of(const struct pr_function *f)
{
	return f->removed ? 0 : FUNCTION + pr_function_is_driven(f);
}

/* What is asked for beyond what is known stays free behind the rest. */
static void grow_to(struct number_node *n, unsigned int size)
{
	if (n->size >= size)
		return;
	n->tail += size - n->size;
	n->size = size;
}

/*
 * For all virtual functions; less is enough where the request says how much, but no less than it
 * has.  A bridge beside them begins behind the last of them in any case.
 */
static unsigned int own_numbers(const struct pr_number_question *q, const struct pr_function *f)
{
	unsigned int all = 1 + most_virtual_buses(f->first_child);
	unsigned int enough = pr_wished_numbers(q->buses, q->n_asked, f);

	if (enough == 0 || count_bridges(f) > is_numbered(f))
		return all;
	if (enough < pr_numbers_of(f))
		enough = pr_numbers_of(f);
	return enough < all ? enough : all;
}

static void add_node(const struct pr_number_question *q, struct number_tree *t, int parent,
	const struct pr_function *f)
{
	size_t at = t->n++;
	struct number_node *node = &t->nodes[at];

	*node = (struct number_node){ .bridge = f, .parent = parent };
	node->own = own_numbers(q, f);
	node->tail = pr_is_hidden_switch(f) + newcomers(f);
	node->old = pr_numbers_of(f) > 0 ? f->bridge->secondary : 0;
	node->size = node->own + node->tail;
	pr_for_each_child (child, f->first_child) {
		node->weight += weight_of(child);
		if (is_numbered(child))
			add_node(q, t, (int)at, child);
	}
	grow_to(node, pr_wished_numbers(q->buses, q->n_buses, f));
	node->end = t->n;
	if (parent >= 0)
		t->nodes[parent].size += node->size;
}

static int make_nodes(
	struct pr_arena *arena, const struct pr_number_question *q, struct number_tree *t)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_tops; i++)
		n += count_bridges(q->tops[i]);
	t->nodes = pr_new_array(arena, n, struct number_node);
	if (!t->nodes)
		return -ENOMEM;
	for (size_t i = 0; i < q->n_tops; i++)
		if (is_numbered(q->tops[i]))
			add_node(q, t, -1, q->tops[i]);
	return 0;
}

static bool any_lacks(const struct pr_number_question *q, const struct number_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct pr_function *f = t->nodes[i].bridge;

		if (pr_lacks_numbers(f) ||
			pr_wished_numbers(q->buses, q->n_buses, f) > pr_numbers_of(f))
			return true;
	}
	return false;
}

int pr_numbers_asked(struct pr_arena *arena, const struct pr_number_question *q, unsigned int *ret,
	bool *ret_lacks)
{
	struct number_tree t = { 0 };
	int r = make_nodes(arena, q, &t);

	if (r < 0)
		return r;
	*ret = 0;
	for (size_t i = 0; i < t.n; i = t.nodes[i].end)
		*ret += t.nodes[i].size;
	*ret_lacks = any_lacks(q, &t);
	return 0;
}

/* ---- what is free ---- */

static bool is_top(const struct pr_number_question *q, const struct pr_function *f)
{
	for (size_t i = 0; i < q->n_tops; i++)
		if (q->tops[i] == f)
			return true;
	return false;
}

/* Registers count whether the kernel uses them or not. */
bool pr_numbers_claimed(const struct pr_function *f, struct pr_range *ret)
{
	if (f->bridge && f->bridge->secondary != 0 &&
		f->bridge->subordinate >= f->bridge->secondary) {
		*ret = (struct pr_range){ f->bridge->secondary, f->bridge->subordinate };
		return true;
	}
	*ret = (struct pr_range){ f->address.bus, f->address.bus };
	return f->facts->is_vf;
}

bool pr_numbers_span(const struct pr_number_question *q, struct pr_range *ret)
{
	const struct pr_function *p = q->parent;
	unsigned int bus = p ? p->bridge->secondary : q->root->facts.bus;
	unsigned int last = p ? p->bridge->subordinate : q->root->last_bus;

	bus += most_virtual_buses(p ? p->first_child : q->root->first_child);
	if (bus >= last || last > LAST_BUS)
		return false;
	*ret = (struct pr_range){ bus + 1, last };
	return true;
}

static size_t find_taken(const struct pr_number_question *q, const struct pr_range *span,
	struct number_tree *t, struct pr_range *taken)
{
	struct pr_function *first = q->parent ? q->parent->first_child : q->root->first_child;
	struct pr_range part;
	size_t n = 0;

	pr_for_each_child (f, first) {
		if (f->removed || is_top(q, f) || !pr_numbers_claimed(f, &part) ||
			!pr_range_intersect(&taken[n], &part, span))
			continue;
		n++;
		t->stayers += f->bridge && f->bridge->hotplug;
	}
	return pr_ranges_merge(taken, n);
}

static int find_gaps(
	struct pr_arena *arena, const struct pr_number_question *q, struct number_tree *t)
{
	struct pr_function *first = q->parent ? q->parent->first_child : q->root->first_child;
	struct pr_range span, *taken;
	size_t n = 0;

	pr_for_each_child (f, first)
		n++;
	taken = pr_new_array(arena, n, struct pr_range);
	t->gaps = pr_new_array(arena, n + 1, struct pr_range);
	if (!taken || !t->gaps)
		return -ENOMEM;
	if (!pr_numbers_span(q, &span))
		return 0;
	n = find_taken(q, &span, t, taken);
	for (size_t i = 0; i < n; i++) {
		if (taken[i].first > span.first)
			t->gaps[t->n_gaps++] = (struct pr_range){ span.first, taken[i].first - 1 };
		span.first = taken[i].last + 1;
	}
	if (span.first <= span.last)
		t->gaps[t->n_gaps++] = span;
	return 0;
}

/* ---- what has to be written ---- */

static bool differs(const struct pr_numbers *n)
{
	const struct pr_bridge *b = n->bridge->bridge;

	return n->bridge->no_bus || b->primary != n->primary || b->secondary != n->secondary ||
	       b->subordinate != n->subordinate;
}

static int make_list(struct pr_arena *arena, const struct pr_number_question *q,
	const struct number_tree *t, struct pr_numbering *ret)
{
	uint8_t bus = q->parent ? q->parent->bridge->secondary : q->root->facts.bus;

	ret->list = pr_new_array(arena, t->n, struct pr_numbers);
	if (!ret->list)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		const struct number_node *node = &t->nodes[i];
		struct pr_numbers n = { .bridge = node->bridge,
			.primary = node->parent < 0 ? bus : (uint8_t)t->nodes[node->parent].first,
			.secondary = (uint8_t)node->first,
			.subordinate = (uint8_t)node->last };

		if (n.bridge->bridge->primary == 0 && !n.bridge->no_bus)
			n.primary = 0; /* hard-wired, or a bridge that Linux does not mind */
		if (differs(&n))
			ret->list[ret->n++] = n;
		if (node->old != node->first)
			ret->renumbered += node->weight / FUNCTION;
	}
	return 0;
}

int pr_renumber(
	struct pr_arena *arena, const struct pr_number_question *q, struct pr_numbering *ret)
{
	struct pr_numbering numbering = { .proven = true };
	struct number_tree t = { 0 };
	int r;

	r = make_nodes(arena, q, &t);
	if (r == 0 && any_lacks(q, &t)) {
		r = find_gaps(arena, q, &t);
		if (r == 0)
			r = number_order(arena, &t, &numbering.proven);
		if (r != 0)
			return r;
		number_spread(&t);
		r = make_list(arena, q, &t, &numbering);
	}
	if (r == 0)
		*ret = numbering;
	return r;
}

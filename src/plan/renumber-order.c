/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which bridges keep their numbers, and in which order the others follow.
 *
 * Read from the lowest number up, a numbering is a preorder of the tree: each
 * bridge comes before those below it, and nothing of another branch between
 * them.  Who does not keep its number can as well have the lowest one that is
 * left (moving it down disturbs nobody), so orders with a choice of keepers are
 * all there is to look at.  Branches are left when they cannot beat the best.
 */
#include "plan/renumber.h"

#include <errno.h>
#include <string.h>

#define TOP    (-1)
#define BUDGET 50000u /* bridges placed; trees of a dozen bridges need a few hundred */

struct order {
	struct number_tree *t;
	bool *placed, *moved; /* moved: nobody in the subtree, as placed, has kept its number */
	unsigned int *first, *last, *best_first, *best_last;
	unsigned int cost, best;
	unsigned int pending; /* numbers that the top being placed still needs */
	unsigned int rest;    /* numbers that tops which are not placed need */
	unsigned int n_steps;
	bool dense; /* any solution, soon */
	bool found, cut;
};

static void go_on(struct order *o, int parent, unsigned int at, size_t gap);

/* ---- what no order can beat ---- */

static unsigned int room_from(const struct order *o, unsigned int at, size_t gap)
{
	unsigned int room = 0;

	for (size_t i = gap; i < o->t->n_gaps; i++) {
		const struct pr_range *g = &o->t->gaps[i];
		uint64_t first = i == gap && at > g->first ? at : g->first;

		room += first <= g->last ? (unsigned int)(g->last - first + 1) : 0;
	}
	return room;
}

/*
 * Numbers below @at are gone, and whoever had one has to move.  What is outside of a bridge that is
 * open comes when that has all that it needs: fewer numbers still are left for it.
 */
static unsigned int at_least(const struct order *o, int open, unsigned int at)
{
	const struct number_node *nodes = o->t->nodes;
	unsigned int cost = o->cost;
	size_t begin = 0, end = 0; /* of the bridge further in, done with */

	for (;; open = nodes[open].parent) {
		const size_t first = open == TOP ? 0 : (size_t)open;
		const size_t last = open == TOP ? o->t->n : nodes[open].end;
		unsigned int need = open == TOP ? 0 : nodes[open].tail;

		for (size_t i = first; i < last; i++) {
			if (o->placed[i] || (i >= begin && i < end))
				continue;
			cost += nodes[i].old < at ? nodes[i].weight : 0;
			need += nodes[i].own + nodes[i].tail;
		}
		if (open == TOP)
			return cost;
		at += need;
		begin = first;
		end = last;
	}
}

static bool is_hopeless(const struct order *o, int parent, unsigned int at, size_t gap)
{
	if (o->pending + o->rest > room_from(o, at, gap))
		return true;
	return o->found && (o->dense || at_least(o, parent, at) >= o->best);
}

/* ---- one bridge ---- */

static bool is_open(const struct order *o, size_t i, int parent)
{
	return !o->placed[i] && o->t->nodes[i].parent == parent;
}

static void place(struct order *o, size_t i, unsigned int at, size_t gap)
{
	const struct number_node *n = &o->t->nodes[i];
	const unsigned int pending = o->pending, rest = o->rest;
	const unsigned int cost = n->old == at ? 0 : n->weight;

	if (n->parent == TOP) {
		o->pending = n->size;
		o->rest -= n->size;
	}
	o->pending -= n->own;
	o->cost += cost;
	o->placed[i] = true;
	o->first[i] = at;
	if (at + n->own + o->pending <= o->t->gaps[gap].last + 1)
		go_on(o, (int)i, at + n->own, gap);
	o->placed[i] = false;
	o->cost -= cost;
	o->pending = pending;
	o->rest = rest;
}

static size_t gap_of(const struct order *o, unsigned int number, size_t from)
{
	while (from < o->t->n_gaps && o->t->gaps[from].last < number)
		from++;
	return from < o->t->n_gaps && o->t->gaps[from].first <= number ? from : o->t->n_gaps;
}

/* It keeps its number, if that lies ahead. */
static void keep(struct order *o, size_t i, unsigned int at, size_t gap)
{
	const struct number_node *n = &o->t->nodes[i];
	size_t there = n->parent == TOP ? gap_of(o, n->old, gap) : gap;

	if (n->old > at && there < o->t->n_gaps && n->old <= o->t->gaps[there].last)
		place(o, i, n->old, there);
}

/* From the lowest number up: who is passed over cannot keep its own any more. */
static void keep_each(struct order *o, int parent, unsigned int at, size_t gap)
{
	unsigned int passed = at;

	for (;;) {
		size_t next = o->t->n;

		for (size_t i = 0; i < o->t->n; i++)
			if (is_open(o, i, parent) && o->t->nodes[i].old > passed &&
				(next == o->t->n || o->t->nodes[i].old < o->t->nodes[next].old))
				next = i;
		if (next == o->t->n)
			return;
		passed = o->t->nodes[next].old;
		keep(o, next, at, gap);
	}
}

static void move_each(struct order *o, int parent, unsigned int at, size_t gap)
{
	for (size_t i = 0; i < o->t->n; i++)
		if (is_open(o, i, parent))
			place(o, i, at, gap);
}

/* ---- the end of a bridge, and of all ---- */

static bool all_moved(const struct order *o, size_t i)
{
	for (size_t k = i; k < o->t->nodes[i].end; k++)
		if (o->first[k] == o->t->nodes[k].old)
			return false;
	return true;
}

/* Two neighbours that both move could change places: one order of them is enough. */
static bool is_twin(const struct order *o, size_t i)
{
	for (size_t k = 0; k < o->t->n; k++)
		if (k > i && o->placed[k] && o->t->nodes[k].parent == o->t->nodes[i].parent &&
			o->last[k] + 1 == o->first[i] && o->moved[k])
			return true;
	return false;
}

static void close_bridge(struct order *o, size_t i, unsigned int at, size_t gap)
{
	const struct number_node *n = &o->t->nodes[i];
	const unsigned int pending = o->pending;

	o->last[i] = at + n->tail - 1;
	o->moved[i] = all_moved(o, i);
	if (o->moved[i] && is_twin(o, i))
		return;
	o->pending -= n->tail;
	go_on(o, n->parent, at + n->tail, gap);
	o->pending = pending;
}

static void remember(struct order *o)
{
	const size_t size = o->t->n * sizeof(*o->first);

	if (o->found && o->cost >= o->best)
		return;
	o->found = true;
	o->best = o->cost;
	memcpy(o->best_first, o->first, size);
	memcpy(o->best_last, o->last, size);
}

static bool has_open(const struct order *o, int parent)
{
	for (size_t i = 0; i < o->t->n; i++)
		if (is_open(o, i, parent))
			return true;
	return false;
}

/* Numbers below @at are given away; next comes something below @parent. */
static void go_on(struct order *o, int parent, unsigned int at, size_t gap)
{
	if (!has_open(o, parent)) {
		if (parent == TOP)
			remember(o);
		else
			close_bridge(o, (size_t)parent, at, gap);
		return;
	}
	if (is_hopeless(o, parent, at, gap))
		return;
	if (++o->n_steps > BUDGET) {
		o->cut = true;
		return;
	}
	if (!o->dense)
		keep_each(o, parent, at, gap);
	move_each(o, parent, at, gap);
	if (parent == TOP && gap + 1 < o->t->n_gaps)
		go_on(o, TOP, (unsigned int)o->t->gaps[gap + 1].first, gap + 1);
}

/* ---- all of it ---- */

static int make_order(struct pr_arena *arena, struct number_tree *t, struct order *ret)
{
	struct order o = { .t = t };

	o.placed = pr_new_array(arena, t->n, bool);
	o.moved = pr_new_array(arena, t->n, bool);
	o.first = pr_new_array(arena, t->n, unsigned int);
	o.last = pr_new_array(arena, t->n, unsigned int);
	o.best_first = pr_new_array(arena, t->n, unsigned int);
	o.best_last = pr_new_array(arena, t->n, unsigned int);
	if (!o.placed || !o.moved || !o.first || !o.last || !o.best_first || !o.best_last)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i = t->nodes[i].end)
		o.rest += t->nodes[i].size;
	*ret = o;
	return 0;
}

static void search(struct order *o, bool dense)
{
	o->dense = dense;
	o->n_steps = 0;
	o->cut = false;
	if (o->t->n_gaps > 0)
		go_on(o, TOP, (unsigned int)o->t->gaps[0].first, 0);
}

int number_order(struct pr_arena *arena, struct number_tree *t, bool *ret_proven)
{
	struct order o;
	int r;

	r = make_order(arena, t, &o);
	if (r < 0)
		return r;
	search(&o, true); /* where room is short, few orders have any */
	search(&o, false);
	*ret_proven = !o.cut;
	if (!o.found)
		return 1;
	for (size_t i = 0; i < t->n; i++) {
		t->nodes[i].first = o.best_first[i];
		t->nodes[i].last = o.best_last[i];
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bus numbers: each bridge wants one for its bus and those of the bridges
 * below it, in one piece (KERNEL 6.4.5).  Packing without alignment, between
 * what keeps its numbers.
 */
#include "plan/arrange-private.h"

#include <errno.h>

#define LAST_BUS 255

static bool is_moved(const struct asking *a, const struct pr_function *f)
{
	return a->moved[f - a->root->functions];
}

static bool lacks_bus(const struct asking *a, const struct pr_function *f)
{
	return f->bridge && a->wanted[f - a->root->functions] &&
	       (f->no_bus || pr_wished_numbers(a->q->buses, a->q->n_buses, f) > pr_numbers_of(f));
}

/* Of the bridges that have numbers. */
static uint64_t least_demand(const struct pr_function *f)
{
	uint64_t n = 1;

	if (!f->bridge || f->removed || f->no_bus)
		return 0;
	pr_for_each_child (child, f->first_child)
		n += least_demand(child);
	return n;
}

/* Bus numbers that the subtree of @f needs; of what is behind a bridge without one at least its own. */
static uint64_t demand(struct asking *a, const struct pr_function *f)
{
	uint64_t n = 1, wished;

	if (!f->bridge || f->removed)
		return 0;
	wished = pr_wished_numbers(a->q->buses, a->q->n_buses, f);
	a->doubtful |= f->no_bus;
	pr_for_each_child (child, f->first_child)
		n += f->no_bus ? 0 : demand(a, child);
	return n > wished ? n : wished;
}

/* ---- one bus ---- */

struct span {
	const struct pr_function *bridge;
	struct pr_function *first;
	struct pr_range range; /* numbers for what is below it */
	bool empty;
};

static struct span span_of(const struct asking *a, const struct pr_function *bridge)
{
	struct span s = { .bridge = bridge };

	if (bridge) {
		s.first = bridge->first_child;
		s.range = (struct pr_range){ bridge->bridge->secondary + 1u,
			bridge->bridge->subordinate };
	} else {
		s.first = a->root->first_child;
		s.range = (struct pr_range){ a->root->facts.bus + 1u, a->root->known_bus };
	}
	s.empty = s.range.first > s.range.last || s.range.first > LAST_BUS;
	return s;
}

/* What keeps its numbers: bridges, and virtual functions that lie on a bus of their own. */
static bool keeps(const struct asking *a, const struct pr_function *f, struct pr_range *ret)
{
	if (f->removed || is_moved(a, f))
		return false;
	if (f->bridge && !f->no_bus && f->bridge->subordinate >= f->bridge->secondary) {
		*ret = (struct pr_range){ f->bridge->secondary, f->bridge->subordinate };
		return true;
	}
	*ret = (struct pr_range){ f->address.bus, f->address.bus };
	return f->facts->is_vf;
}

/* Numbers that are taken for good, sorted, and by whom. */
struct taken {
	struct pr_range *ranges;
	size_t n;
};

static int find_taken(const struct asking *a, struct pr_arena *arena, const struct span *s,
	struct taken *ret, struct pr_certificate *c)
{
	const struct pr_function **blockers;
	struct pr_range part;
	size_t n = 0;

	pr_for_each_child (f, s->first)
		n++;
	ret->ranges = pr_new_array(arena, n, struct pr_range);
	blockers = pr_new_array(arena, n, const struct pr_function *);
	if (!ret->ranges || !blockers)
		return -ENOMEM;
	c->blockers = blockers;
	c->n_blockers = 0;
	pr_for_each_child (f, s->first) {
		if (s->empty || !keeps(a, f, &part) ||
			!pr_range_intersect(&ret->ranges[ret->n], &part, &s->range))
			continue;
		ret->n++;
		blockers[c->n_blockers++] = f;
	}
	ret->n = pr_ranges_merge(ret->ranges, ret->n);
	return 0;
}

static int find_room(struct asking *a, struct pr_arena *arena, const struct span *s,
	struct room *ret, struct pr_certificate *c)
{
	struct taken taken = { 0 };
	uint64_t at = s->range.first;
	int r;

	r = find_taken(a, arena, s, &taken, c);
	if (r < 0)
		return r;
	ret->gaps = pr_new_array(arena, taken.n + 1, struct pr_pack_gap);
	if (!ret->gaps)
		return -ENOMEM;
	c->total = s->empty ? 0 : pr_range_size(&s->range);
	for (size_t i = 0; i < taken.n; i++) {
		const struct pr_range *t = &taken.ranges[i];

		c->immovable += pr_range_size(t);
		if (t->first > at)
			ret->gaps[ret->n_gaps++] =
				(struct pr_pack_gap){ { at, t->first - 1 }, GAP_PLAIN };
		at = t->last + 1;
	}
	if (!s->empty && at <= s->range.last)
		ret->gaps[ret->n_gaps++] = (struct pr_pack_gap){ { at, s->range.last }, GAP_PLAIN };
	return 0;
}

/* As in arrange-witness.c: who need not move may have numbers that nobody would give it. */
static bool is_within(const struct asking *a, const struct span *s)
{
	pr_for_each_child (f, s->first) {
		const struct pr_bridge *b = f->bridge;
		struct pr_range buses;

		if (!b || f->removed || f->no_bus || !is_moved(a, f))
			continue;
		buses = (struct pr_range){ b->secondary, b->subordinate };
		if (s->empty || buses.first > buses.last || !pr_range_contains(&s->range, &buses) ||
			pr_range_size(&buses) < least_demand(f))
			return false;
	}
	return true;
}

static int find_pieces(
	struct asking *a, struct pr_arena *arena, const struct span *s, struct pieces *ret)
{
	size_t n = 0;

	pr_for_each_child (f, s->first)
		n++;
	ret->items = pr_new_array(arena, n, struct pr_pack_item *);
	if (!ret->items)
		return -ENOMEM;
	pr_for_each_child (f, s->first) {
		uint64_t size = is_moved(a, f) || lacks_bus(a, f) ? demand(a, f) : 0;
		struct pr_pack_item *item;

		if (size == 0)
			continue;
		item = pr_new(arena, struct pr_pack_item);
		if (!item)
			return -ENOMEM;
		*item = (struct pr_pack_item){
			.size = size, .align = 1, .last = UINT64_MAX, .kinds = GAP_PLAIN
		};
		ret->items[ret->n++] = item;
	}
	return 0;
}

static void describe(const struct asking *a, const struct span *s, const struct pr_pack_proof *p,
	struct pr_certificate *c)
{
	c->arrangement = PR_ARRANGEMENT_NONE;
	c->root = a->root;
	c->bridge = s->bridge;
	c->space = PR_SPACE_BUSES;
	c->proof = p->reason == PR_PACK_VOLUME ? PR_PROOF_VOLUME : PR_PROOF_SEARCH;
	c->unit = 1;
	c->wanted = p->demand;
	c->best = p->supply;
}

static int solve_bus(struct asking *a, struct pr_arena *arena, const struct pr_function *bridge,
	struct pr_certificate *ret)
{
	struct span s = span_of(a, bridge);
	struct pr_certificate c = *ret;
	struct pr_pack_proof proof;
	struct pieces pieces = { 0 };
	struct room room = { 0 };
	struct pr_pack pack;
	int r;

	r = find_room(a, arena, &s, &room, &c);
	if (r == 0)
		r = find_pieces(a, arena, &s, &pieces);
	if (r < 0)
		return r;
	pack = (struct pr_pack){ .gaps = room.gaps,
		.n_gaps = room.n_gaps,
		.items = pieces.items,
		.n_items = pieces.n,
		.budget = a->q->budget };
	r = pr_pack_solve(arena, &pack, &proof);
	if (r < 0)
		return r;
	ret->tried += proof.tried;
	if (r == PR_PACK_FITS)
		ret->arrangement = a->doubtful ? PR_ARRANGEMENT_UNKNOWN : ret->arrangement;
	else if (r == PR_PACK_BUDGET)
		ret->arrangement = PR_ARRANGEMENT_UNKNOWN;
	else {
		a->loose |= !a->q->exactly && !is_within(a, &s);
		describe(a, &s, &proof, &c);
		c.tried = ret->tried;
		*ret = c;
	}
	return 0;
}

int arrange_buses(struct asking *a, struct pr_arena *arena, struct pr_certificate *ret)
{
	struct pr_certificate all = *ret;

	all.arrangement = PR_ARRANGEMENT_EXISTS;
	for (size_t i = 0; i < a->q->n_targets && all.arrangement != PR_ARRANGEMENT_NONE; i++) {
		const struct pr_function *target = a->q->targets[i], *p = target->parent;
		int r;

		if (target->root != a->root || !lacks_bus(a, target))
			continue;
		while (p && is_moved(a, p))
			p = p->parent;
		if (p && p->no_bus) {
			all.arrangement = PR_ARRANGEMENT_UNKNOWN;
			continue;
		}
		r = solve_bus(a, arena, p, &all);
		if (r < 0)
			return r;
	}
	*ret = all;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inequalities that every arrangement meets; violated, they are a proof that a
 * person can follow.  For blocks of each unit: what is filled wherever things
 * lie, against the aligned blocks there are (KERNEL 6.2); what must begin at a
 * multiple of the unit, against the multiples there are.  Volume is the former
 * with a unit of one byte.
 */
#include "plan/pack-private.h"

#define MAX_UNITS 65

enum measure {
	BLOCKS = 0,
	STARTS,
	N_MEASURES
};

/* Items that may use no other gaps than these. */
struct class
{
	unsigned int kinds;
	uint64_t last;
};

struct pack_bound {
	const struct pr_pack *pack;
	struct pack_group *groups;
	size_t n_groups;
	struct class *classes;
	size_t n_classes;
	uint64_t units[MAX_UNITS];
	size_t n_units;
	/* what one item of a group takes, and what the gaps from one on have, in units */
	uint64_t *demand, *supply;
};

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- demand ---- */

/* Whole blocks of @unit that @size bytes fill, whichever multiple of @align they begin at. */
static uint64_t filled(uint64_t size, uint64_t align, uint64_t unit)
{
	uint64_t lost = align < unit ? unit - align : 0;

	return size > lost ? (size - lost) / unit : 0;
}

static uint64_t started(uint64_t size, uint64_t align, uint64_t unit)
{
	return align < unit ? 0 : size / unit + (size % unit != 0);
}

/* Of an item itself, or of all that it holds, whichever is more. */
static uint64_t demand_of(const struct pack_shape *s, enum measure m, uint64_t unit)
{
	uint64_t own = m == BLOCKS ? filled(s->min_size, s->item->align, unit)
				   : started(s->min_size, s->item->align, unit);
	uint64_t inside = 0;

	for (size_t i = 0; i < s->n_groups; i++)
		inside = add(
			inside, times(s->groups[i].n, demand_of(s->groups[i].members[0], m, unit)));
	return larger(own, inside);
}

/* ---- supply ---- */

static uint64_t supply_in(const struct pr_range *room, enum measure m, uint64_t unit)
{
	uint64_t first, past;

	if (!pr_align_up(room->first, unit, &first) || first > room->last)
		return 0;
	if (m == STARTS)
		return add((room->last - first) / unit, 1);
	past = pr_align_down(room->last, unit);
	/* the block that holds the last byte counts when it ends there */
	return add((past - first) / unit, room->last - past == unit - 1);
}

static uint64_t supply_of(const struct pr_pack_gap *gap, const struct class *c, uint64_t from,
	enum measure m, uint64_t unit)
{
	const struct pr_range allowed = { from, c->last };
	struct pr_range room;

	if (!(gap->kind & c->kinds) || allowed.first > allowed.last ||
		!pr_range_intersect(&room, &gap->range, &allowed))
		return 0;
	return supply_in(&room, m, unit);
}

/* ---- tables ---- */

static size_t demand_at(
	const struct pack_bound *b, size_t group, size_t class, size_t unit, enum measure m)
{
	return ((group * b->n_classes + class) * b->n_units + unit) * N_MEASURES + m;
}

static size_t supply_at(
	const struct pack_bound *b, size_t gap, size_t class, size_t unit, enum measure m)
{
	return ((gap * b->n_classes + class) * b->n_units + unit) * N_MEASURES + m;
}

static bool belongs(const struct pack_shape *s, const struct class *c)
{
	return !(s->kinds & ~c->kinds) && s->last <= c->last;
}

static void add_class(struct pack_bound *b, unsigned int kinds, uint64_t last)
{
	for (size_t i = 0; i < b->n_classes; i++)
		if (b->classes[i].kinds == kinds && b->classes[i].last == last)
			return;
	b->classes[b->n_classes++] = (struct class){ .kinds = kinds, .last = last };
}

/* Each kind of gaps that some item is bound to, and all gaps. */
static void find_classes(struct pack_bound *b)
{
	struct class all = { 0 };

	for (size_t i = 0; i < b->n_groups; i++) {
		const struct pr_pack_item *item = b->groups[i].members[0]->item;

		add_class(b, item->kinds, item->last);
		all.kinds |= item->kinds;
		all.last = larger(all.last, item->last);
	}
	add_class(b, all.kinds, all.last);
}

static uint64_t units_of(const struct pack_shape *s)
{
	uint64_t units = s->item->align;

	for (size_t i = 0; i < s->n_groups; i++)
		units |= units_of(s->groups[i].members[0]);
	return units;
}

/* Between two alignments the inequalities say nothing new: powers of two are met at both or none. */
static void find_units(struct pack_bound *b)
{
	uint64_t units = 1;

	for (size_t i = 0; i < b->n_groups; i++)
		units |= units_of(b->groups[i].members[0]);
	for (; units; units &= units - 1)
		b->units[b->n_units++] = units & (~units + 1);
}

static void fill_demand(struct pack_bound *b)
{
	for (size_t g = 0; g < b->n_groups; g++) {
		const struct pack_shape *s = b->groups[g].members[0];

		for (size_t u = 0; u < b->n_units; u++) {
			for (unsigned int m = 0; m < N_MEASURES; m++) {
				uint64_t demand = demand_of(s, (enum measure)m, b->units[u]);

				for (size_t c = 0; c < b->n_classes; c++)
					b->demand[demand_at(b, g, c, u, (enum measure)m)] =
						belongs(s, &b->classes[c]) ? demand : 0;
			}
		}
	}
}

/* From the last gap down, so that each entry is the sum of what is there and above. */
static void fill_supply(struct pack_bound *b)
{
	for (size_t g = b->pack->n_gaps; g-- > 0;)
		for (size_t c = 0; c < b->n_classes; c++)
			for (size_t u = 0; u < b->n_units; u++)
				for (unsigned int m = 0; m < N_MEASURES; m++)
					b->supply[supply_at(b, g, c, u, (enum measure)m)] =
						add(b->supply[supply_at(
							    b, g + 1, c, u, (enum measure)m)],
							supply_of(&b->pack->gaps[g], &b->classes[c],
								0, (enum measure)m, b->units[u]));
}

struct pack_bound *pack_bound_new(
	struct pack_work *w, const struct pr_pack *pack, struct pack_group *groups, size_t n)
{
	struct pack_bound *b = pr_new(w->arena, struct pack_bound);
	size_t cells;

	if (!b)
		return NULL;
	*b = (struct pack_bound){ .pack = pack, .groups = groups, .n_groups = n };
	b->classes = pr_new_array(w->arena, n + 1, struct class);
	if (!b->classes)
		return NULL;
	find_classes(b);
	find_units(b);

	cells = b->n_classes * b->n_units * N_MEASURES;
	b->demand = pr_new_array(w->arena, n * cells, uint64_t);
	b->supply = pr_new_array(w->arena, (pack->n_gaps + 1) * cells, uint64_t);
	if (!b->demand || !b->supply)
		return NULL;
	fill_demand(b);
	fill_supply(b);
	return b;
}

/* ---- asking ---- */

static uint64_t left_of(const struct pack_bound *b, size_t set, size_t group)
{
	const struct pack_group *g = &b->groups[group];

	return set == 0 ? g->n : g->n - set / g->stride % (g->n + 1);
}

static uint64_t demand(
	const struct pack_bound *b, size_t set, size_t class, size_t unit, enum measure m)
{
	uint64_t sum = 0;

	for (size_t g = 0; g < b->n_groups; g++)
		sum = add(
			sum, times(left_of(b, set, g), b->demand[demand_at(b, g, class, unit, m)]));
	return sum;
}

static void state(const struct pack_bound *b, size_t class, size_t unit, enum measure m,
	struct pr_pack_proof *ret)
{
	uint64_t bytes = b->units[unit];

	ret->reason = m == STARTS ? PR_PACK_STARTS : bytes == 1 ? PR_PACK_VOLUME : PR_PACK_BLOCKS;
	ret->unit = bytes;
	ret->kinds = b->classes[class].kinds;
	ret->last = b->classes[class].last;
	ret->demand = times(demand(b, 0, class, unit, m), bytes);
	ret->supply = times(b->supply[supply_at(b, 0, class, unit, m)], bytes);
}

static bool violated(const struct pack_bound *b, size_t class, size_t unit, enum measure m)
{
	return demand(b, 0, class, unit, m) > b->supply[supply_at(b, 0, class, unit, m)];
}

void pack_bound_volume(const struct pack_bound *b, struct pr_pack_proof *ret)
{
	struct pr_pack_proof p;

	state(b, 0, 0, BLOCKS, ret);
	for (size_t c = 1; c < b->n_classes; c++) {
		state(b, c, 0, BLOCKS, &p);
		/* margins may be negative: compare the sums crosswise */
		if (add(p.supply, ret->demand) < add(ret->supply, p.demand))
			*ret = p;
	}
}

/* Volume says most, then the largest blocks. */
bool pack_bound_refutes(const struct pack_bound *b, struct pr_pack_proof *ret)
{
	for (size_t c = 0; c < b->n_classes; c++) {
		if (violated(b, c, 0, BLOCKS)) {
			state(b, c, 0, BLOCKS, ret);
			return true;
		}
	}
	for (unsigned int m = 0; m < N_MEASURES; m++) {
		for (size_t u = b->n_units; u-- > 1;) {
			for (size_t c = 0; c < b->n_classes; c++) {
				if (violated(b, c, u, (enum measure)m)) {
					state(b, c, u, (enum measure)m, ret);
					return true;
				}
			}
		}
	}
	return false;
}

bool pack_bound_prunes(const struct pack_bound *b, size_t set, uint64_t next)
{
	const struct pr_pack *p = b->pack;
	size_t gap = 0;

	while (gap < p->n_gaps && p->gaps[gap].range.last < next)
		gap++;
	for (size_t c = 0; c < b->n_classes; c++) {
		for (size_t u = 0; u < b->n_units; u++) {
			for (unsigned int i = 0; i < N_MEASURES; i++) {
				enum measure m = (enum measure)i;
				uint64_t supply = 0;

				if (gap < p->n_gaps)
					supply = add(supply_of(&p->gaps[gap], &b->classes[c], next,
							     m, b->units[u]),
						b->supply[supply_at(b, gap + 1, c, u, m)]);
				if (demand(b, set, c, u, m) > supply)
					return true;
			}
		}
	}
	return false;
}

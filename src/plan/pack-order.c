/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orders: for every set of items the lowest address at which it can end when
 * the items are placed one above the other.  Whatever goes above fits no worse
 * there, so that one number a set is enough and nothing is tried twice.
 */
#include "plan/pack-private.h"

#include <string.h>

#define MAX_STATES ((size_t)1 << 20)

/* Room from @from on in one gap, as far as @s may use it. */
static bool usable(const struct pack_room *room, size_t gap, const struct pack_shape *s,
	uint64_t from, struct pr_range *ret)
{
	const struct pr_pack_gap *g = &room->gaps[gap];
	const struct pr_range allowed = { from, s->last };

	if (!(g->kind & s->kinds))
		return false;
	return allowed.first <= allowed.last && pr_range_intersect(ret, &g->range, &allowed);
}

/* First gap that reaches @from. */
static size_t first_gap(const struct pack_room *room, uint64_t from)
{
	size_t low = 0, high = room->n_gaps;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (room->gaps[middle].range.last < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Lowest place of @s at @from or above. */
static bool place(struct pack_work *w, const struct pack_room *room, struct pack_shape *s,
	uint64_t from, struct pr_range *ret)
{
	struct pr_range part;

	for (size_t i = first_gap(room, from); i < room->n_gaps; i++) {
		w->tried++;
		if (usable(room, i, s, from, &part) && pack_fit(w, s, &part, ret))
			return true;
	}
	return false;
}

/* ---- every order ---- */

bool pack_chain_start(struct pack_work *w, struct pack_chain *c)
{
	size_t n = 1;

	for (size_t i = 0; i < c->n_groups; i++) {
		c->groups[i].stride = n;
		if (__builtin_mul_overflow(n, c->groups[i].n + 1, &n) || n > MAX_STATES)
			return false;
	}
	if (c->n_groups >= UINT16_MAX || w->tried >= w->budget || n > w->budget - w->tried)
		return false;

	c->n_states = n;
	c->next = pr_new_array(w->arena, n, uint64_t);
	c->from = pr_new_array(w->arena, n, uint16_t);
	if (!c->next || !c->from)
		w->short_of_memory = true;
	return !w->short_of_memory;
}

static size_t count_in(const struct pack_chain *c, size_t set, size_t group)
{
	return set / c->groups[group].stride % (c->groups[group].n + 1);
}

/* One more of @group above @set: kept when it ends lower than other orders of the same things. */
static void extend(struct pack_work *w, struct pack_chain *c, size_t set, size_t group)
{
	size_t more = set + c->groups[group].stride;
	struct pr_range at;

	if (!place(w, &c->room, c->groups[group].members[0], c->next[set], &at))
		return;
	/* less one: an end that wrapped to 0 is the highest */
	if (c->from[more] == 0 || at.last < c->next[more] - 1) {
		c->next[more] = at.last + 1;
		c->from[more] = (uint16_t)(group + 1);
	}
}

static bool is_dead_end(const struct pack_chain *c, size_t set)
{
	if (set == 0)
		return false;
	if (c->from[set] == 0 || c->next[set] == 0)
		return true;
	return c->bound && pack_bound_prunes(c->bound, set, c->next[set]);
}

bool pack_chain_run(struct pack_work *w, struct pack_chain *c)
{
	size_t full = c->n_states - 1;

	if (c->room.n_gaps > 0)
		c->next[0] = c->room.gaps[0].range.first;
	/* one more thing makes a larger number: whatever leads to a set was seen before it */
	for (size_t set = 0; set < full; set++) {
		if (is_dead_end(c, set))
			continue;
		if (w->tried > w->budget) {
			w->gave_up = true;
			return false;
		}
		for (size_t i = 0; i < c->n_groups; i++)
			if (count_in(c, set, i) < c->groups[i].n)
				extend(w, c, set, i);
	}
	return c->from[full] != 0;
}

void pack_chain_settle(struct pack_work *w, const struct pack_chain *c)
{
	for (size_t set = c->n_states - 1; set > 0;) {
		size_t group = c->from[set] - 1u;
		const struct pack_group *g = &c->groups[group];
		struct pack_shape *s = g->members[count_in(c, set, group) - 1];
		struct pr_range at = { 0 };

		set -= g->stride;
		(void)place(w, &c->room, s, c->next[set], &at); /* did succeed before */
		pack_settle(w, s, &at);
	}
}

/* ---- one order ---- */

struct holes {
	struct pr_pack_gap *gaps;
	size_t n;
};

static void take_out(struct holes *h, size_t i, const struct pr_range *at)
{
	const struct pr_pack_gap gap = h->gaps[i];
	bool below = gap.range.first < at->first, above = at->last < gap.range.last;
	size_t parts = (size_t)below + (size_t)above;

	memmove(&h->gaps[i + parts], &h->gaps[i + 1], (h->n - i - 1) * sizeof(gap));
	h->n = h->n - 1 + parts;
	if (below) {
		h->gaps[i] = gap;
		h->gaps[i].range.last = at->first - 1;
	}
	if (above) {
		h->gaps[i + parts - 1] = gap;
		h->gaps[i + parts - 1].range.first = at->last + 1;
	}
}

static bool place_lowest(struct pack_work *w, struct holes *h, struct pack_shape *s)
{
	const struct pack_room room = { .gaps = h->gaps, .n_gaps = h->n };
	struct pr_range part, at;

	for (size_t i = 0; i < h->n; i++) {
		w->tried++;
		if (!usable(&room, i, s, 0, &part) || !pack_fit(w, s, &part, &at))
			continue;
		take_out(h, i, &at);
		pack_settle(w, s, &at);
		return true;
	}
	return false;
}

bool pack_first_fit(struct pack_work *w, const struct pack_group *groups, size_t n_groups,
	const struct pack_room *room)
{
	struct holes h = { .n = room->n_gaps };
	size_t n = 0;

	for (size_t i = 0; i < n_groups; i++)
		n += groups[i].n;
	h.gaps = pr_new_array(w->arena, room->n_gaps + n, struct pr_pack_gap);
	if (!h.gaps) {
		w->short_of_memory = true;
		return false;
	}
	memcpy(h.gaps, room->gaps, room->n_gaps * sizeof(*h.gaps));
	for (size_t i = 0; i < n_groups; i++)
		for (size_t k = 0; k < groups[i].n; k++)
			if (!place_lowest(w, &h, groups[i].members[k]))
				return false;
	return true;
}

/* Group whose next member begins lowest from @from on; n_groups: none fits. */
static size_t least_hole(struct pack_work *w, const struct pack_group *groups, size_t n_groups,
	const size_t *left, const struct pack_room *room, uint64_t from, struct pr_range *ret)
{
	struct pr_range at = { 0 };
	size_t chosen = n_groups;

	for (size_t i = 0; i < n_groups; i++) {
		if (left[i] == 0 || !place(w, room, groups[i].members[0], from, &at))
			continue;
		if (chosen < n_groups && at.first >= ret->first)
			continue;
		*ret = at;
		chosen = i;
	}
	return chosen;
}

bool pack_least_waste(struct pack_work *w, const struct pack_group *groups, size_t n_groups,
	const struct pack_room *room, bool settle, uint64_t *ret_end)
{
	size_t *left = pr_new_array(w->arena, n_groups, size_t), n = 0;
	uint64_t from = room->n_gaps > 0 ? room->gaps[0].range.first : 0;

	if (!left) {
		w->short_of_memory = true;
		return false;
	}
	for (size_t i = 0; i < n_groups; i++)
		n += left[i] = groups[i].n;
	for (; n > 0; n--) {
		struct pr_range at = { 0 };
		size_t i = least_hole(w, groups, n_groups, left, room, from, &at);

		if (i == n_groups)
			return false;
		left[i]--;
		if (settle)
			pack_settle(w, groups[i].members[left[i]], &at);
		if (at.last == UINT64_MAX && n > 1)
			return false;
		from = at.last + 1;
	}
	*ret_end = from;
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packing, from the question to the answer: equal items into groups, the
 * inequalities, one try by descending alignment, then every order.
 */
#include "plan/pack-private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define MAX_VOLUME (UINT64_C(1) << 62)

/* ---- groups ---- */

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int compare_shapes(const struct pack_shape *a, const struct pack_shape *b);

static int compare_groups(const struct pack_shape *a, const struct pack_shape *b)
{
	int order = compare(a->n_groups, b->n_groups);

	for (size_t i = 0; order == 0 && i < a->n_groups; i++) {
		order = compare(a->groups[i].n, b->groups[i].n);
		if (order == 0)
			order = compare_shapes(a->groups[i].members[0], b->groups[i].members[0]);
	}
	return order;
}

/*
 * The order in which first fit does best: who may go to fewer places first,
 * then the largest alignment, then the largest size.
 */
static int compare_shapes(const struct pack_shape *a, const struct pack_shape *b)
{
	const uint64_t keys[][2] = {
		{ b->last, a->last },
		{ b->kinds, a->kinds },
		{ a->period, b->period },
		{ a->min_size, b->min_size },
		{ a->item->align, b->item->align },
	};
	int order = 0;

	for (size_t i = 0; order == 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
		order = compare(keys[i][0], keys[i][1]);
	return order ? order : compare_groups(a, b);
}

static int by_shape(const void *a, const void *b)
{
	return compare_shapes(*(struct pack_shape *const *)a, *(struct pack_shape *const *)b);
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > MAX_VOLUME || b > MAX_VOLUME ? MAX_VOLUME + 1 : a + b;
}

static uint64_t round_up(uint64_t size, uint64_t align)
{
	uint64_t rounded;

	return pr_align_up(size, align, &rounded) ? rounded : MAX_VOLUME + 1;
}

/* What follows from the content of a window. */
static void derive_window(struct pack_shape *s)
{
	s->all_natural = true;
	s->period = s->item->align;
	for (size_t i = 0; i < s->n_groups; i++) {
		const struct pack_shape *m = s->groups[i].members[0];

		for (size_t k = 0; k < s->groups[i].n; k++)
			s->min_size = add(s->min_size, m->min_size);
		if (m->period > s->period)
			s->period = m->period;
		s->all_natural &= m->natural;
	}
	s->min_size = round_up(s->min_size, s->item->align);
}

static struct pack_shape *new_shape(struct pack_work *w, struct pr_pack_item *item, bool inner)
{
	struct pack_shape *s = pr_new(w->arena, struct pack_shape);

	assert(pr_is_pow2(item->align));
	if (!s)
		return NULL;
	s->item = item;
	s->last = inner ? UINT64_MAX : item->last;
	s->kinds = inner ? ~0u : item->kinds;
	if (item->n_content == 0) {
		assert(item->size > 0);
		s->natural = item->size == item->align;
		s->min_size = item->size;
		s->period = item->align;
		return s;
	}

	s->cache_place = pr_new_array(w->arena, PACK_CACHE, uint64_t);
	s->cache_size = pr_new_array(w->arena, PACK_CACHE, uint64_t);
	if (!s->cache_place || !s->cache_size ||
		!pack_groups_make(
			w, item->content, item->n_content, true, &s->groups, &s->n_groups))
		return NULL;
	derive_window(s);
	return s;
}

/* @shapes is sorted: a run of equal ones is a group. */
static size_t cut_groups(struct pack_shape **shapes, size_t n, struct pack_group *groups)
{
	size_t n_groups = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || compare_shapes(shapes[i - 1], shapes[i]) != 0)
			groups[n_groups++].members = &shapes[i];
		groups[n_groups - 1].n++;
	}
	return n_groups;
}

bool pack_groups_make(struct pack_work *w, struct pr_pack_item *const *items, size_t n, bool inner,
	struct pack_group **ret, size_t *ret_n)
{
	struct pack_shape **shapes = pr_new_array(w->arena, n, struct pack_shape *);
	struct pack_group *groups = pr_new_array(w->arena, n, struct pack_group);

	w->short_of_memory = true;
	if (!shapes || !groups)
		return false;
	for (size_t i = 0; i < n; i++) {
		shapes[i] = new_shape(w, items[i], inner);
		if (!shapes[i])
			return false;
	}
	w->short_of_memory = false;

	qsort(shapes, n, sizeof(*shapes), by_shape);
	*ret_n = cut_groups(shapes, n, groups);
	*ret = groups;
	return true;
}

/* ---- the answer ---- */

static bool too_large(const struct pack_group *groups, size_t n_groups)
{
	uint64_t volume = 0;

	for (size_t i = 0; i < n_groups; i++) {
		if (groups[i].members[0]->period > MAX_VOLUME)
			return true;
		for (size_t k = 0; k < groups[i].n; k++)
			volume = add(volume, groups[i].members[0]->min_size);
	}
	return volume > MAX_VOLUME;
}

/* Same gaps for all, and powers of two: then the inequalities alone decide (KERNEL 6.2). */
static bool all_alike(const struct pack_group *groups, size_t n_groups)
{
	for (size_t i = 0; i < n_groups; i++) {
		const struct pack_shape *s = groups[i].members[0];

		if (!s->natural || s->last != groups[0].members[0]->last ||
			s->kinds != groups[0].members[0]->kinds)
			return false;
	}
	return true;
}

static int solve(struct pack_work *w, const struct pr_pack *pack, struct pack_group *groups,
	size_t n_groups, struct pr_pack_proof *ret)
{
	struct pack_chain c = { .groups = groups,
		.n_groups = n_groups,
		.room = { .gaps = pack->gaps, .n_gaps = pack->n_gaps } };
	struct pack_bound *bound = pack_bound_new(w, pack, groups, n_groups);
	uint64_t end;
	bool found;

	if (!bound)
		return -ENOMEM;
	pack_bound_volume(bound, ret);
	if (pack_bound_refutes(bound, ret))
		return PR_PACK_IMPOSSIBLE;
	if (too_large(groups, n_groups))
		return PR_PACK_BUDGET;
	if (pack_first_fit(w, groups, n_groups, &c.room))
		return w->short_of_memory ? -ENOMEM : PR_PACK_FITS;
	assert(!all_alike(groups, n_groups) || w->short_of_memory);

	if (!w->short_of_memory && pack->budget > 0 &&
		pack_least_waste(w, groups, n_groups, &c.room, true, &end))
		return w->short_of_memory ? -ENOMEM : PR_PACK_FITS;

	c.bound = bound;
	if (w->short_of_memory || !pack_chain_start(w, &c))
		return w->short_of_memory ? -ENOMEM : PR_PACK_BUDGET;
	found = pack_chain_run(w, &c);
	if (found)
		pack_chain_settle(w, &c);
	if (w->short_of_memory)
		return -ENOMEM;
	ret->reason = PR_PACK_EXHAUSTED;
	return found ? PR_PACK_FITS : w->gave_up ? PR_PACK_BUDGET : PR_PACK_IMPOSSIBLE;
}

int pr_pack_solve(struct pr_arena *arena, const struct pr_pack *pack, struct pr_pack_proof *ret)
{
	struct pack_work w = { .arena = arena, .budget = pack->budget };
	struct pr_pack_proof proof = { .unit = 1 };
	struct pack_group *groups;
	size_t n_groups;
	int r;

	if (pack->n_items == 0) {
		*ret = proof;
		return PR_PACK_FITS;
	}
	if (!pack_groups_make(&w, pack->items, pack->n_items, false, &groups, &n_groups))
		return -ENOMEM;
	r = solve(&w, pack, groups, n_groups, &proof);
	if (r < 0)
		return r;
	proof.tried = w.tried;
	*ret = proof;
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows: how small one can be that begins at a given address.  The answer
 * repeats with the largest alignment inside, and is computed once a place.
 */
#include "plan/pack-private.h"

/* Inside of a window addresses count from a multiple of its period. */
#define INNER_LAST (UINT64_MAX >> 1)

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/* Bytes of what is aligned to @align or more. */
static uint64_t volume_from(const struct pack_shape *s, uint64_t align)
{
	uint64_t volume = 0;

	for (size_t i = 0; i < s->n_groups; i++)
		if (s->groups[i].members[0]->period >= align)
			volume += s->groups[i].n * s->groups[i].members[0]->min_size;
	return volume;
}

/*
 * Powers of two from @place up to an end: by KERNEL 6.2 the end is far enough
 * when for each size the blocks of that size hold all that is as large.
 */
static uint64_t natural_end(const struct pack_shape *s, uint64_t place)
{
	uint64_t end = place;

	for (size_t i = 0; i < s->n_groups; i++) {
		uint64_t align = s->groups[i].members[0]->period;
		uint64_t least = round_up(place, align) + volume_from(s, align);

		if (least > end)
			end = least;
	}
	return end;
}

static uint64_t any_end(struct pack_work *w, struct pack_shape *s, uint64_t place, bool settle)
{
	const struct pr_pack_gap gap = { .range = { place, INNER_LAST }, .kind = 1 };
	struct pack_chain c = {
		.groups = s->groups, .n_groups = s->n_groups, .room = { .gaps = &gap, .n_gaps = 1 }
	};

	uint64_t end = place;

	if (pack_chain_start(w, &c) && pack_chain_run(w, &c)) {
		if (settle)
			pack_chain_settle(w, &c);
		return c.next[c.n_states - 1];
	}
	/* too many sets for the budget: some size, and perhaps not the least */
	w->gave_up = true;
	(void)pack_least_waste(w, s->groups, s->n_groups, &c.room, settle, &end);
	return end;
}

/* Least size of the window @s at @place, which is less than its period. */
static uint64_t window_size(struct pack_work *w, struct pack_shape *s, uint64_t place)
{
	size_t slot = (size_t)(place / s->item->align) % PACK_CACHE;
	uint64_t end;

	if (s->cache_place[slot] == place + 1)
		return s->cache_size[slot];
	end = s->all_natural ? natural_end(s, place) : any_end(w, s, place, false);
	s->cache_place[slot] = place + 1;
	s->cache_size[slot] = round_up(end, s->item->align) - place;
	return s->cache_size[slot];
}

bool pack_fit(struct pack_work *w, struct pack_shape *s, const struct pr_range *room,
	struct pr_range *ret)
{
	uint64_t first, size = s->min_size;
	struct pr_range at;

	if (!pr_align_up(room->first, s->item->align, &first))
		return false;
	/* what cannot be that small is not looked at more closely */
	if (!pr_range_make(&at, first, size) || at.last > room->last)
		return false;
	if (s->item->n_content > 0)
		size = window_size(w, s, first & (s->period - 1));
	if (!pr_range_make(&at, first, size) || at.last > room->last)
		return false;
	*ret = at;
	return true;
}

/* The content was placed from the multiple of the period below the window. */
static void lift(struct pr_pack_item *item, uint64_t base)
{
	for (size_t i = 0; i < item->n_content; i++) {
		item->content[i]->base += base;
		lift(item->content[i], base);
	}
}

void pack_settle(struct pack_work *w, struct pack_shape *s, const struct pr_range *at)
{
	uint64_t place = at->first & (s->period - 1);
	struct pr_pack_gap gap = { .kind = 1 };
	const struct pack_room room = { .gaps = &gap, .n_gaps = 1 };

	s->item->base = at->first;
	if (s->item->n_content == 0)
		return;

	s->item->size = pr_range_size(at);
	gap.range = (struct pr_range){ place, place + (s->item->size - 1) };
	if (!s->all_natural)
		(void)any_end(w, s, place, true); /* the place is known, the order is wanted */
	else
		(void)pack_first_fit(
			w, s->groups, s->n_groups, &room); /* cannot fail: KERNEL 6.2 */
	lift(s->item, at->first - place);
}

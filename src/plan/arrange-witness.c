/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whoever may move need not: what nobody removes keeps even addresses that no
 * packing would give it (above 4 GiB by the firmware's grace, outside of the
 * apertures that were recorded).  So "everything that may move does not fit"
 * is about every set only where all of it lies within the rules to begin with.
 */
#include "plan/arrange-private.h"

#include <errno.h>
#include <stdlib.h>

static const struct pr_resource *placed_now(const struct piece *p)
{
	const struct pr_resource *r = pr_function_resource(p->function, p->index);

	return r && r->state == PR_RES_ASSIGNED ? r : NULL;
}

static bool lies_within(const struct room *room, const struct piece *p, const struct pr_range *at)
{
	for (size_t i = 0; i < room->n_gaps; i++)
		if ((room->gaps[i].kind & p->item.kinds) &&
			pr_range_contains(&room->gaps[i].range, at))
			return at->last <= p->item.last;
	return false;
}

static int by_first(const void *pa, const void *pb)
{
	const struct pr_range *a = pa, *b = pb;

	return a->first < b->first ? -1 : a->first > b->first;
}

static int check(struct build *b, const struct room *room, bool *ret)
{
	struct pr_range *ranges;
	size_t n = 0;

	for (const struct piece *p = b->pieces; p; p = p->next)
		n++;
	ranges = pr_new_array(b->arena, n, struct pr_range);
	if (!ranges)
		return -ENOMEM;
	n = 0;
	*ret = false;
	for (const struct piece *p = b->pieces; p; p = p->next) {
		const struct pr_resource *r = placed_now(p);

		if (r && !lies_within(room, p, &r->range))
			return 0;
		if (r)
			ranges[n++] = r->range;
	}
	qsort(ranges, n, sizeof(*ranges), by_first);
	*ret = pr_ranges_sorted(ranges, n);
	return 0;
}

int arrange_witness(struct asking *a, const struct pr_function *top, bool *ret)
{
	struct build b = { .a = a, .arena = pr_arena_new(), .mode = BUILD_LOOSE };
	struct room room;
	int r;

	if (!b.arena)
		return -ENOMEM;
	r = arrange_build(&b, top);
	if (r == 0)
		r = arrange_room(a, b.arena, top, &room);
	if (r == 0)
		r = check(&b, &room, ret);
	pr_arena_free(b.arena);
	return r;
}

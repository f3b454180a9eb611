/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address arithmetic.  The only place where an end is computed from a start
 * and a size; everybody else uses these, so that nothing wraps at 2^64.
 */
#include "pciroom/range.h"

#include <assert.h>
#include <stdlib.h>

bool pr_is_pow2(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

bool pr_range_make(struct pr_range *ret, uint64_t first, uint64_t size)
{
	uint64_t last;

	if (size == 0 || __builtin_add_overflow(first, size - 1, &last))
		return false;

	*ret = (struct pr_range){ .first = first, .last = last };
	return true;
}

uint64_t pr_range_size(const struct pr_range *r)
{
	uint64_t span = r->last - r->first;

	return span == UINT64_MAX ? span : span + 1;
}

bool pr_range_equal(const struct pr_range *a, const struct pr_range *b)
{
	return a->first == b->first && a->last == b->last;
}

bool pr_range_contains(const struct pr_range *outer, const struct pr_range *inner)
{
	return outer->first <= inner->first && inner->last <= outer->last;
}

bool pr_range_overlaps(const struct pr_range *a, const struct pr_range *b)
{
	return a->first <= b->last && b->first <= a->last;
}

bool pr_range_intersect(struct pr_range *ret, const struct pr_range *a, const struct pr_range *b)
{
	if (!pr_range_overlaps(a, b))
		return false;

	*ret = (struct pr_range){
		.first = a->first > b->first ? a->first : b->first,
		.last = a->last < b->last ? a->last : b->last,
	};
	return true;
}

bool pr_align_up(uint64_t value, uint64_t align, uint64_t *ret)
{
	uint64_t up;

	assert(pr_is_pow2(align));

	if (__builtin_add_overflow(value, align - 1, &up))
		return false;

	*ret = up & ~(align - 1);
	return true;
}

uint64_t pr_align_down(uint64_t value, uint64_t align)
{
	assert(pr_is_pow2(align));

	return value & ~(align - 1);
}

bool pr_range_next(const struct pr_range *r, uint64_t align, uint64_t *ret)
{
	return r->last != UINT64_MAX && pr_align_up(r->last + 1, align, ret);
}

static int range_compare(const void *pa, const void *pb)
{
	const struct pr_range *a = pa, *b = pb;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

size_t pr_ranges_merge(struct pr_range *ranges, size_t n)
{
	size_t out = 0;

	if (n == 0)
		return 0;

	qsort(ranges, n, sizeof(*ranges), range_compare);
	for (size_t i = 1; i < n; i++) {
		struct pr_range *top = &ranges[out];

		/* the first test keeps last + 1 from wrapping */
		if (top->last != UINT64_MAX && ranges[i].first > top->last + 1)
			ranges[++out] = ranges[i];
		else if (ranges[i].last > top->last)
			top->last = ranges[i].last;
	}
	return out + 1;
}

bool pr_ranges_sorted(const struct pr_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ranges[i].first > ranges[i].last)
			return false;
		if (i > 0 && ranges[i].first <= ranges[i - 1].last)
			return false;
	}
	return true;
}

bool pr_range_fit(const struct pr_range *win, const struct pr_range *busy, size_t n_busy,
	uint64_t size, uint64_t align, uint64_t *ret)
{
	struct pr_range at;
	uint64_t base;

	assert(size > 0);
	assert(pr_ranges_sorted(busy, n_busy));

	if (!pr_align_up(win->first, align, &base))
		return false;

	for (size_t i = 0;; i++) {
		if (!pr_range_make(&at, base, size) || at.last > win->last)
			return false;
		while (i < n_busy && busy[i].last < at.first)
			i++;
		if (i == n_busy || busy[i].first > at.last)
			break;
		/* busy[i] is in the way; false when nothing aligned lies above it */
		if (!pr_range_next(&busy[i], align, &base))
			return false;
	}

	*ret = at.first;
	return true;
}

/* Largest power of two of which an aligned block lies inside of @hole. */
static uint64_t largest_aligned(const struct pr_range *hole)
{
	uint64_t size = pr_range_size(hole);

	for (int bit = 63 - __builtin_clzll(size); bit >= 0; bit--) {
		struct pr_range block;
		uint64_t base, want = UINT64_C(1) << bit;

		if (pr_align_up(hole->first, want, &base) && pr_range_make(&block, base, want) &&
			block.last <= hole->last)
			return want;
	}
	return 0;
}

static void count_hole(struct pr_free_space *space, uint64_t first, uint64_t last)
{
	struct pr_range hole = { .first = first, .last = last };
	uint64_t size = pr_range_size(&hole), aligned = largest_aligned(&hole);

	if (__builtin_add_overflow(space->total, size, &space->total))
		space->total = UINT64_MAX;
	if (size > space->largest)
		space->largest = size;
	if (aligned > space->largest_aligned)
		space->largest_aligned = aligned;
}

void pr_range_free_space(const struct pr_range *win, const struct pr_range *busy, size_t n_busy,
	struct pr_free_space *ret)
{
	struct pr_free_space space = { 0 };
	uint64_t at = win->first;
	bool full = false; /* busy up to the last address of the window */

	assert(pr_ranges_sorted(busy, n_busy));

	for (size_t i = 0; i < n_busy && !full; i++) {
		if (busy[i].last < at)
			continue;
		if (busy[i].first > win->last)
			break;
		if (busy[i].first > at)
			count_hole(&space, at, busy[i].first - 1);
		full = busy[i].last >= win->last;
		at = full ? at : busy[i].last + 1;
	}
	if (!full)
		count_hole(&space, at, win->last);

	*ret = space;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address ranges.  Inclusive, because an exclusive end cannot name the last
 * byte of a 64-bit space.  All arithmetic on addresses lives behind these.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pr_range {
	uint64_t first;
	uint64_t last;
};

/* A size that is not known; never a valid size (only the whole space, plus one, has it). */
#define PR_SIZE_UNKNOWN UINT64_MAX

bool pr_is_pow2(uint64_t n);

/* [first, first + size - 1] into @ret; false, and @ret untouched, when size is 0 or it wraps. */
bool pr_range_make(struct pr_range *ret, uint64_t first, uint64_t size);

/* Bytes in @r; the whole 64-bit space saturates to UINT64_MAX. */
uint64_t pr_range_size(const struct pr_range *r);

bool pr_range_equal(const struct pr_range *a, const struct pr_range *b);
bool pr_range_contains(const struct pr_range *outer, const struct pr_range *inner);
bool pr_range_overlaps(const struct pr_range *a, const struct pr_range *b);

/* Common part of @a and @b; false, and @ret untouched, when there is none. */
bool pr_range_intersect(struct pr_range *ret, const struct pr_range *a, const struct pr_range *b);

/* Next multiple of @align (a power of two) at or above @value; false when it wraps. */
bool pr_align_up(uint64_t value, uint64_t align, uint64_t *ret);
uint64_t pr_align_down(uint64_t value, uint64_t align);

/* First multiple of @align above the last byte of @r; false when none is left. */
bool pr_range_next(const struct pr_range *r, uint64_t align, uint64_t *ret);

/* Sorts by first; then merges what overlaps or touches.  Returns the new count. */
size_t pr_ranges_merge(struct pr_range *ranges, size_t n);
bool pr_ranges_sorted(const struct pr_range *ranges, size_t n);

/*
 * Lowest base aligned to @align inside @win such that [base, base + size - 1]
 * touches nothing in @busy (sorted by first, disjoint).  False, and @ret
 * untouched, when there is none.  @size > 0, @align a power of two.
 */
bool pr_range_fit(const struct pr_range *win, const struct pr_range *busy, size_t n_busy,
	uint64_t size, uint64_t align, uint64_t *ret);

/* Free space of @win with @busy (sorted, disjoint) taken out. */
struct pr_free_space {
	uint64_t total;           /* bytes free */
	uint64_t largest;         /* largest contiguous hole, bytes */
	uint64_t largest_aligned; /* largest power of two that fits naturally aligned; 0 = none */
};
void pr_range_free_space(const struct pr_range *win, const struct pr_range *busy, size_t n_busy,
	struct pr_free_space *ret);

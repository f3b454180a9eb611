/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges: a row a test, and twins that count address by address in a small space. */
#include "pciroom/range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

#define M         UINT64_C(0x100000)
#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)
#define TOP       UINT64_MAX

/* ---- making ---- */

static const struct make_case {
	const char *name;
	uint64_t first, size;
	bool ok;
	uint64_t last;
} make_cases[] = {
	{ "make: one byte at zero", 0, 1, true, 0 },
	{ "make: no bytes are no range", 0x1000, 0, false, 0 },
	{ "make: up to the last 64-bit address", TOP - M + 1, M, true, TOP },
	{ "make: one byte beyond the last address wraps", TOP - M + 2, M, false, 0 },
	{ "make: the last byte alone", TOP, 1, true, TOP },
	{ "make: largest size from zero", 0, TOP, true, TOP - 1 },
	{ "make: largest size from one", 1, TOP, true, TOP },
	{ "make: largest size from two wraps", 2, TOP, false, 0 },
};

static void test_make(void **state)
{
	const struct make_case *c = *state;
	struct pr_range r = { UNTOUCHED, UNTOUCHED };

	assert_int_equal(pr_range_make(&r, c->first, c->size), c->ok);
	assert_int_equal(r.first, c->ok ? c->first : UNTOUCHED);
	assert_int_equal(r.last, c->ok ? c->last : UNTOUCHED);
	if (c->ok)
		assert_int_equal(pr_range_size(&r), c->size);
}

/* ---- aligning ---- */

static const struct align_case {
	const char *name;
	uint64_t value, align;
	bool ok;
	uint64_t up, down;
} align_cases[] = {
	{ "align: zero stays", 0, M, true, 0, 0 },
	{ "align: a multiple stays", 4 * M, M, true, 4 * M, 4 * M },
	{ "align: one above goes up a whole step", 4 * M + 1, M, true, 5 * M, 4 * M },
	{ "align: one below goes up by one", 4 * M - 1, M, true, 4 * M, 3 * M },
	{ "align: to one byte changes nothing", 12345, 1, true, 12345, 12345 },
	{ "align: the last multiple below 2^64 stays", TOP - M + 1, M, true, TOP - M + 1,
		TOP - M + 1 },
	{ "align: above the last multiple there is none", TOP - M + 2, M, false, 0, TOP - M + 1 },
	{ "align: to 2^63", 1, UINT64_C(1) << 63, true, UINT64_C(1) << 63, 0 },
	{ "align: above 2^63 to 2^63", (UINT64_C(1) << 63) + 1, UINT64_C(1) << 63, false, 0,
		UINT64_C(1) << 63 },
};

static void test_align(void **state)
{
	const struct align_case *c = *state;
	uint64_t up = UNTOUCHED;

	assert_int_equal(pr_align_up(c->value, c->align, &up), c->ok);
	assert_int_equal(up, c->ok ? c->up : UNTOUCHED);
	assert_int_equal(pr_align_down(c->value, c->align), c->down);
}

/* ---- two ranges ---- */

static const struct pair_case {
	const char *name;
	struct pr_range a, b;
	bool contains, overlaps;
	struct pr_range common;
} pair_cases[] = {
	{ "pair: equal ranges contain each other", { 5, 9 }, { 5, 9 }, true, true, { 5, 9 } },
	{ "pair: inner range at the first byte", { 5, 9 }, { 5, 5 }, true, true, { 5, 5 } },
	{ "pair: inner range at the last byte", { 5, 9 }, { 9, 9 }, true, true, { 9, 9 } },
	{ "pair: neighbour below touches, does not overlap", { 5, 9 }, { 1, 4 }, false, false,
		{ 0, 0 } },
	{ "pair: neighbour above touches, does not overlap", { 5, 9 }, { 10, 12 }, false, false,
		{ 0, 0 } },
	{ "pair: one byte in common below", { 5, 9 }, { 1, 5 }, false, true, { 5, 5 } },
	{ "pair: one byte in common above", { 5, 9 }, { 9, 12 }, false, true, { 9, 9 } },
	{ "pair: the smaller one does not contain the larger", { 5, 9 }, { 4, 10 }, false, true,
		{ 5, 9 } },
	{ "pair: the whole space contains its last byte", { 0, TOP }, { TOP, TOP }, true, true,
		{ TOP, TOP } },
};

static void test_pair(void **state)
{
	const struct pair_case *c = *state;
	struct pr_range common = { UNTOUCHED, UNTOUCHED }, back = common;

	assert_int_equal(pr_range_contains(&c->a, &c->b), c->contains);
	assert_int_equal(pr_range_overlaps(&c->a, &c->b), c->overlaps);
	assert_int_equal(pr_range_overlaps(&c->b, &c->a), c->overlaps);
	assert_int_equal(pr_range_intersect(&common, &c->a, &c->b), c->overlaps);
	assert_int_equal(pr_range_intersect(&back, &c->b, &c->a), c->overlaps);
	assert_true(pr_range_equal(&common, &back));
	assert_int_equal(common.first, c->overlaps ? c->common.first : UNTOUCHED);
	assert_int_equal(common.last, c->overlaps ? c->common.last : UNTOUCHED);
}

/* ---- next aligned address behind a range ---- */

static const struct next_case {
	const char *name;
	struct pr_range r;
	uint64_t align;
	bool ok;
	uint64_t next;
} next_cases[] = {
	{ "next: directly behind when that is aligned", { 0, M - 1 }, M, true, M },
	{ "next: rounds up", { 0, M }, M, true, 2 * M },
	{ "next: nothing is behind the last address", { 0, TOP }, 1, false, 0 },
	{ "next: no multiple is left", { 0, TOP - 1 }, M, false, 0 },
	{ "next: the last address itself is left", { 0, TOP - 1 }, 1, true, TOP },
};

static void test_next(void **state)
{
	const struct next_case *c = *state;
	uint64_t next = UNTOUCHED;

	assert_int_equal(pr_range_next(&c->r, c->align, &next), c->ok);
	assert_int_equal(next, c->ok ? c->next : UNTOUCHED);
}

/* ---- merging ---- */

static const struct merge_case {
	const char *name;
	struct pr_range in[4];
	size_t n_in;
	struct pr_range out[4];
	size_t n_out;
} merge_cases[] = {
	{ "merge: nothing stays nothing", { { 0 } }, 0, { { 0 } }, 0 },
	{ "merge: sorts", { { 20, 29 }, { 0, 9 } }, 2, { { 0, 9 }, { 20, 29 } }, 2 },
	{ "merge: joins what touches", { { 10, 19 }, { 0, 9 } }, 2, { { 0, 19 } }, 1 },
	{ "merge: one free byte keeps two apart", { { 0, 9 }, { 11, 19 } }, 2,
		{ { 0, 9 }, { 11, 19 } }, 2 },
	{ "merge: a range inside of another vanishes", { { 0, 99 }, { 10, 19 }, { 50, 60 } }, 3,
		{ { 0, 99 } }, 1 },
	{ "merge: the last address does not wrap around", { { 0, TOP }, { 5, 6 } }, 2,
		{ { 0, TOP } }, 1 },
	{ "merge: two that end at the last address", { { 7, TOP }, { 9, TOP }, { 0, 1 } }, 3,
		{ { 0, 1 }, { 7, TOP } }, 2 },
};

static void test_merge(void **state)
{
	const struct merge_case *c = *state;
	struct pr_range work[4];
	size_t n;

	memcpy(work, c->in, sizeof(work));
	n = pr_ranges_merge(work, c->n_in);
	assert_int_equal(n, c->n_out);
	assert_true(pr_ranges_sorted(work, n));
	for (size_t i = 0; i < n; i++)
		assert_true(pr_range_equal(&work[i], &c->out[i]));
}

static const struct sorted_case {
	const char *name;
	struct pr_range in[2];
	bool sorted;
} sorted_cases[] = {
	{ "sorted: touching ranges are", { { 0, 9 }, { 10, 19 } }, true },
	{ "sorted: ranges that share a byte are not", { { 0, 10 }, { 10, 19 } }, false },
	{ "sorted: falling ranges are not", { { 10, 19 }, { 0, 9 } }, false },
	{ "sorted: a range that ends before it begins is not", { { 9, 0 }, { 10, 19 } }, false },
};

static void test_sorted(void **state)
{
	const struct sorted_case *c = *state;

	assert_int_equal(pr_ranges_sorted(c->in, 2), c->sorted);
}

/* ---- fitting ---- */

static const struct fit_case {
	const char *name;
	struct pr_range win, busy[4];
	size_t n_busy;
	uint64_t size, align;
	bool fits;
	uint64_t base;
} fit_cases[] = {
	{ .name = "fit: empty window gives its lowest aligned address",
		.win = { 0x1000, 8 * M - 1 },
		.size = M,
		.align = M,
		.fits = true,
		.base = M },
	{ .name = "fit: one busy byte at the candidate's first address",
		.win = { 0, 4 * M - 1 },
		.busy = { { 0, 0 } },
		.n_busy = 1,
		.size = M,
		.align = M,
		.fits = true,
		.base = M },
	{ .name = "fit: one busy byte at the candidate's last address",
		.win = { 0, 4 * M - 1 },
		.busy = { { M - 1, M - 1 } },
		.n_busy = 1,
		.size = M,
		.align = M,
		.fits = true,
		.base = M },
	{ .name = "fit: busy byte right behind the candidate does not matter",
		.win = { 0, 4 * M - 1 },
		.busy = { { M, M } },
		.n_busy = 1,
		.size = M,
		.align = M,
		.fits = true,
		.base = 0 },
	{ .name = "fit: a gap exactly as large as the request",
		.win = { 0, 4 * M - 1 },
		.busy = { { 0, M - 1 }, { 2 * M, 4 * M - 1 } },
		.n_busy = 2,
		.size = M,
		.align = M,
		.fits = true,
		.base = M },
	{ .name = "fit: a gap one byte too small",
		.win = { 0, 4 * M - 1 },
		.busy = { { 0, M }, { 2 * M, 4 * M - 1 } },
		.n_busy = 2,
		.size = M,
		.align = 1,
		.fits = false },
	{ .name = "fit: the window's end cuts the request off",
		.win = { 0, 4 * M - 2 },
		.busy = { { 0, 3 * M - 1 } },
		.n_busy = 1,
		.size = M,
		.align = M,
		.fits = false },
	{ .name = "fit: busy up to the last 64-bit address does not wrap to zero",
		.win = { TOP - M + 1, TOP },
		.busy = { { TOP - M + 1, TOP } },
		.n_busy = 1,
		.size = M,
		.align = M,
		.fits = false },
	{ .name = "fit: the last 64-bit address is usable",
		.win = { TOP - M + 1, TOP },
		.size = M,
		.align = M,
		.fits = true,
		.base = TOP - M + 1 },
	{ .name = "fit: busy ranges below the window are passed over",
		.win = { 4 * M, 8 * M - 1 },
		.busy = { { 0, M }, { 2 * M, 3 * M } },
		.n_busy = 2,
		.size = M,
		.align = M,
		.fits = true,
		.base = 4 * M },
	{ .name = "fit: a window above the last multiple has none",
		.win = { TOP - 5, TOP },
		.size = 1,
		.align = 16,
		.fits = false },
	{ .name = "fit: not a power of two in size",
		.win = { 0, 4 * M - 1 },
		.busy = { { 0, 0 } },
		.n_busy = 1,
		.size = 3 * M,
		.align = M,
		.fits = true,
		.base = M },
};

static void test_fit(void **state)
{
	const struct fit_case *c = *state;
	uint64_t base = UNTOUCHED;

	assert_int_equal(
		pr_range_fit(&c->win, c->busy, c->n_busy, c->size, c->align, &base), c->fits);
	assert_int_equal(base, c->fits ? c->base : UNTOUCHED);
}

/* ---- free space ---- */

static const struct free_case {
	const char *name;
	struct pr_range win, busy[3];
	size_t n_busy;
	struct pr_free_space want;
} free_cases[] = {
	{ "free: an empty window is all free", { 0, 4 * M - 1 }, { { 0 } }, 0,
		{ 4 * M, 4 * M, 4 * M } },
	{ "free: a full window has nothing", { 0, 4 * M - 1 }, { { 0, 4 * M - 1 } }, 1,
		{ 0, 0, 0 } },
	{ "free: busy beyond both ends", { M, 2 * M - 1 }, { { 0, 4 * M - 1 } }, 1, { 0, 0, 0 } },
	{ "free: the largest hole holds only a smaller aligned block", { 1, 4 * M - 1 }, { { 0 } },
		0, { 4 * M - 1, 4 * M - 1, 2 * M } },
	{ "free: two holes", { 0, 4 * M - 1 }, { { M, 2 * M - 1 } }, 1, { 3 * M, 2 * M, 2 * M } },
	{ "free: one byte left at the end", { 0, 9 }, { { 0, 8 } }, 1, { 1, 1, 1 } },
	{ "free: the whole space saturates", { 0, TOP }, { { 0 } }, 0,
		{ TOP, TOP, UINT64_C(1) << 63 } },
	{ "free: the last byte of the space", { 0, TOP }, { { 0, TOP - 1 } }, 1, { 1, 1, 1 } },
	{ "free: busy up to the last byte does not wrap", { 0, TOP }, { { 1, TOP } }, 1,
		{ 1, 1, 1 } },
	{ "free: busy ranges outside are passed over", { 10, 19 }, { { 0, 9 }, { 20, 30 } }, 2,
		{ 10, 10, 4 } },
};

static void test_free_space(void **state)
{
	const struct free_case *c = *state;
	struct pr_free_space got;

	pr_range_free_space(&c->win, c->busy, c->n_busy, &got);
	assert_int_equal(got.total, c->want.total);
	assert_int_equal(got.largest, c->want.largest);
	assert_int_equal(got.largest_aligned, c->want.largest_aligned);
}

/* ---- twins: the same answers by counting addresses, over a random space of 64 bytes ---- */

#define SPACE 64

struct small {
	struct pr_range win, busy[8];
	size_t n_busy;
	bool taken[SPACE]; /* busy, or outside of the window */
};

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static struct small random_small(uint32_t *seed)
{
	struct small s = { 0 };
	uint64_t a = next_random(seed) % SPACE, b = next_random(seed) % SPACE;

	s.win = (struct pr_range){ a < b ? a : b, a < b ? b : a };
	s.n_busy = next_random(seed) % 6;
	for (size_t i = 0; i < s.n_busy; i++) {
		uint64_t first = next_random(seed) % SPACE, last = first + next_random(seed) % 9;

		s.busy[i] = (struct pr_range){ first, last < SPACE ? last : SPACE - 1 };
	}
	s.n_busy = pr_ranges_merge(s.busy, s.n_busy);
	for (uint64_t at = 0; at < SPACE; at++) {
		s.taken[at] = at < s.win.first || at > s.win.last;
		for (size_t i = 0; i < s.n_busy; i++)
			s.taken[at] |= at >= s.busy[i].first && at <= s.busy[i].last;
	}
	return s;
}

static bool block_free(const struct small *s, uint64_t base, uint64_t size)
{
	for (uint64_t at = base; at < base + size; at++)
		if (at >= SPACE || s->taken[at])
			return false;
	return true;
}

static void test_fit_twin(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		struct small s = random_small(&seed);
		uint64_t size = 1 + next_random(&seed) % 17, align = 1u << next_random(&seed) % 5;
		uint64_t want = UNTOUCHED, got = UNTOUCHED;

		for (uint64_t at = 0; at < SPACE && want == UNTOUCHED; at += align)
			if (block_free(&s, at, size))
				want = at;
		assert_int_equal(pr_range_fit(&s.win, s.busy, s.n_busy, size, align, &got),
			want != UNTOUCHED);
		assert_int_equal(got, want);
	}
}

static void test_free_twin(void **state)
{
	uint32_t seed = 2;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		struct small s = random_small(&seed);
		struct pr_free_space want = { 0 }, got;
		uint64_t run = 0;

		for (uint64_t at = 0; at < SPACE; at++) {
			run = s.taken[at] ? 0 : run + 1;
			want.total += !s.taken[at];
			want.largest = run > want.largest ? run : want.largest;
		}
		for (uint64_t size = 1; size <= SPACE; size *= 2)
			for (uint64_t at = 0; at < SPACE; at += size)
				if (block_free(&s, at, size))
					want.largest_aligned = size;
		pr_range_free_space(&s.win, s.busy, s.n_busy, &got);
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, make_cases, test_make);
	ADD_ROWS(&tests, align_cases, test_align);
	ADD_ROWS(&tests, pair_cases, test_pair);
	ADD_ROWS(&tests, next_cases, test_next);
	ADD_ROWS(&tests, merge_cases, test_merge);
	ADD_ROWS(&tests, sorted_cases, test_sorted);
	ADD_ROWS(&tests, fit_cases, test_fit);
	ADD_ROWS(&tests, free_cases, test_free_space);
	rows_add(&tests, "fit: same as trying every address", test_fit_twin, NULL);
	rows_add(&tests, "free: same as counting every address", test_free_twin, NULL);

	return rows_run(&tests, "range");
}

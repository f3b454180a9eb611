/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packing, row by row: items and gaps as text, the answer and what proves it.
 * Items: SIZE@ALIGN, with "<LAST" a highest address, with "p" in front only in
 * the second kind of gaps too; ALIGN[ITEM ITEM] is a window.  Hexadecimal.
 */
#include <string.h>

#include "plan/pack.h"
#include "rows.h"

#define MAX_ITEMS 64
#define K         UINT64_C(1024)
#define M         (K * K)

struct pack_case {
	const char *name;
	struct pr_pack_gap gaps[4];
	const char *items;
	uint64_t budget;
	int answer;
	enum pr_pack_reason reason;
	uint64_t unit, demand, supply; /* not looked at when the unit is 0 */
};

static const struct pack_case cases[] = {
	{ .name = "nothing fits into anything", .items = "" },
	{ .name = "one block into a gap of its size",
		.gaps = { { { 0x100, 0x1ff }, 1 } },
		.items = "100@100" },
	{ .name = "one block and no gap is a matter of volume",
		.items = "100@100",
		.answer = PR_PACK_IMPOSSIBLE,
		.reason = PR_PACK_VOLUME,
		.unit = 1,
		.demand = 0x100,
		.supply = 0 },
	{ .name = "large enough, but not aligned: no block of that size",
		.gaps = { { { 0x080, 0x1fe }, 1 } },
		.items = "100@100",
		.answer = PR_PACK_IMPOSSIBLE,
		.reason = PR_PACK_BLOCKS,
		.unit = 0x100,
		.demand = 0x100,
		.supply = 0 },
	{ .name = "two blocks of 256, and one gap for each",
		.gaps = { { { 0x100, 0x1ff }, 1 }, { { 0x300, 0x3ff }, 1 } },
		.items = "100@100 100@100" },
	{ .name = "two blocks of 256, one hole of 256, and smaller ones",
		.gaps = { { { 0x100, 0x1ff }, 1 }, { { 0x280, 0x37f }, 1 } },
		.items = "100@100 100@100",
		.answer = PR_PACK_IMPOSSIBLE,
		.reason = PR_PACK_BLOCKS,
		.unit = 0x100,
		.demand = 0x200,
		.supply = 0x100 },
	{ .name = "a tail of odd size leaves no room for the next beginning",
		.gaps = { { { 0x000, 0x2ff }, 1 } },
		.items = "180@100 180@100",
		.answer = PR_PACK_IMPOSSIBLE,
		.reason = PR_PACK_STARTS,
		.unit = 0x100,
		.demand = 0x400,
		.supply = 0x300 },
	{ .name = "small before large fills the head of the gap",
		.gaps = { { { 0x0c0, 0x1ff }, 1 } },
		.items = "100@100 40@40" },
	{ .name = "two windows of 64 and 1 in 192: the small one goes below in the second",
		.gaps = { { { 0 * M, 192 * M - 1 }, 1 } },
		.budget = 100,
		.items = "100000[4000000@4000000 100000@100000] "
			 "100000[4000000@4000000 100000@100000]" },
	{ .name = "the same in one byte less",
		.gaps = { { { 0 * M, 192 * M - 2 }, 1 } },
		.budget = 100,
		.items = "100000[4000000@4000000 100000@100000] "
			 "100000[4000000@4000000 100000@100000]",
		.answer = PR_PACK_IMPOSSIBLE,
		.reason = PR_PACK_EXHAUSTED },
	{ .name = "138 MiB before 64 MiB fails in 202 MiB, behind it does not",
		.gaps = { { { 0, 202 * M - 1 }, 1 } },
		.budget = 100,
		.items = "8a00000@4000000 4000000@4000000" },
	{ .name = "where first fit fails and there is no budget, it stays open",
		.gaps = { { { 0x80, 0x29f }, 1 } },
		.items = "120@80 100@40",
		.answer = PR_PACK_BUDGET },
	{ .name = "where first fit fails, an order is found",
		.gaps = { { { 0x80, 0x29f }, 1 } },
		.items = "120@80 100@40",
		.budget = 100 },
	{ .name = "what must lie low gets the low gap",
		.gaps = { { { 0x100, 0x1ff }, 1 }, { { 0x1000, 0x10ff }, 1 } },
		.budget = 100,
		.items = "100@100 100@100<fff" },
	{ .name = "two that must lie low, and room for one",
		.gaps = { { { 0x100, 0x1ff }, 1 }, { { 0x1000, 0x1fff }, 1 } },
		.items = "100@100<fff 100@100<fff",
		.answer = PR_PACK_IMPOSSIBLE,
		.reason = PR_PACK_VOLUME,
		.unit = 1,
		.demand = 0x200,
		.supply = 0x100 },
	{ .name = "a limit in the middle of a gap",
		.gaps = { { { 0x100, 0x2ff }, 1 } },
		.items = "100@100<1fe",
		.answer = PR_PACK_IMPOSSIBLE,
		.reason = PR_PACK_VOLUME },
	{ .name = "the second kind of gap is for some only",
		.gaps = { { { 0x100, 0x1ff }, 2 } },
		.items = "100@100",
		.answer = PR_PACK_IMPOSSIBLE,
		.reason = PR_PACK_VOLUME },
	{ .name = "and these may use both",
		.gaps = { { { 0x100, 0x1ff }, 2 }, { { 0x200, 0x2ff }, 1 } },
		.items = "p100@100 100@100",
		.budget = 100 },
	{ .name = "up to the last byte of all",
		.gaps = { { { UINT64_MAX - 0x1ff, UINT64_MAX }, 1 } },
		.items = "100@100 100@100" },
	{ .name = "one more than up to the last byte",
		.gaps = { { { UINT64_MAX - 0x1ff, UINT64_MAX }, 1 } },
		.items = "100@100 100@100 1@1",
		.answer = PR_PACK_IMPOSSIBLE,
		.reason = PR_PACK_VOLUME },
	{ .name = "more than 2^62 bytes are not searched",
		.gaps = { { { 0, UINT64_MAX }, 1 } },
		.items = "4000000000000000@4000000000000000 3@1",
		.answer = PR_PACK_BUDGET },
	{ .name = "a window in a window, each in its own units",
		.gaps = { { { 0x1000, 0x2fff }, 1 } },
		.items = "1000[1000[100@100] 100@100]" },
	{ .name = "two windows in a window take a unit each",
		.gaps = { { { 0x1000, 0x1fff }, 1 } },
		.items = "1000[1000[100@100] 1000[100@100]]",
		.answer = PR_PACK_IMPOSSIBLE,
		.reason = PR_PACK_VOLUME,
		.unit = 1,
		.demand = 0x2000,
		.supply = 0x1000 },
	{ .name = "forty equal blocks are one group",
		.gaps = { { { 0x10, 0x78f }, 1 } },
		.budget = 2000,
		.items = "30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 "
			 "30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 "
			 "30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 "
			 "30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10 30@10" },
};

struct parsed {
	const char *at;
	struct pr_pack_item pool[MAX_ITEMS], *lists[2 * MAX_ITEMS];
	size_t n_pool, n_lists;
};

static uint64_t number(struct parsed *p)
{
	char *end;
	uint64_t n = strtoull(p->at, &end, 16);

	assert_true(end > p->at);
	p->at = end;
	return n;
}

static bool eat(struct parsed *p, char c)
{
	if (*p->at != c)
		return false;
	p->at++;
	return true;
}

static size_t parse_items(struct parsed *p, struct pr_pack_item **ret, size_t max);

static void parse_item(struct parsed *p, struct pr_pack_item *item)
{
	item->kinds = eat(p, 'p') ? 3 : 1;
	item->size = item->align = number(p);
	item->last = UINT64_MAX;
	if (eat(p, '[')) {
		struct pr_pack_item **list = &p->lists[p->n_lists];

		p->n_lists += 8;
		item->content = list;
		item->n_content = parse_items(p, list, 8);
		assert_true(eat(p, ']'));
	} else {
		assert_true(eat(p, '@'));
		item->align = number(p);
	}
	if (eat(p, '<'))
		item->last = number(p);
}

static size_t parse_items(struct parsed *p, struct pr_pack_item **ret, size_t max)
{
	size_t n = 0;

	while (*p->at && *p->at != ']') {
		assert_true(n < max && p->n_pool < MAX_ITEMS);
		ret[n] = &p->pool[p->n_pool++];
		parse_item(p, ret[n++]);
		(void)eat(p, ' ');
	}
	return n;
}

static void assert_apart(struct pr_pack_item *const *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct pr_range a, b;

		assert_true(pr_range_make(&a, items[i]->base, items[i]->size));
		assert_int_equal(items[i]->base % items[i]->align, 0);
		for (size_t k = 0; k < i; k++) {
			assert_true(pr_range_make(&b, items[k]->base, items[k]->size));
			assert_false(pr_range_overlaps(&a, &b));
		}
		for (size_t k = 0; k < items[i]->n_content; k++) {
			const struct pr_pack_item *c = items[i]->content[k];

			assert_true(pr_range_make(&b, c->base, c->size));
			assert_true(pr_range_contains(&a, &b));
		}
		assert_apart(items[i]->content, items[i]->n_content);
	}
}

static void test_pack(void **state)
{
	const struct pack_case *c = *state;
	struct pr_arena *arena = pr_arena_new();
	struct parsed p = { .at = c->items };
	struct pr_pack_item *items[MAX_ITEMS];
	struct pr_pack pack = { .gaps = c->gaps, .items = items, .budget = c->budget };
	struct pr_pack_proof proof;

	pack.n_items = parse_items(&p, items, MAX_ITEMS);
	while (pack.n_gaps < ARRAY_SIZE(c->gaps) && c->gaps[pack.n_gaps].kind)
		pack.n_gaps++;

	assert_int_equal(pr_pack_solve(arena, &pack, &proof), c->answer);
	if (c->answer == PR_PACK_FITS)
		assert_apart(items, pack.n_items);
	if (c->answer == PR_PACK_IMPOSSIBLE)
		assert_int_equal(proof.reason, c->reason);
	if (c->unit > 0) {
		assert_int_equal(proof.unit, c->unit);
		assert_int_equal(proof.demand, c->demand);
		assert_int_equal(proof.supply, c->supply);
	}
	pr_arena_free(arena);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_pack);

	return rows_run(&tests, "pack");
}

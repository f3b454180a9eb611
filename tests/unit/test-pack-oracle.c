/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packing against brute force: random items and gaps in 32 addresses, every
 * place of everything tried.  The answers must be equal, and what is said to
 * fit must lie where it may.  test-pack-oracle [COUNT [SEED]]
 */
#include <inttypes.h>
#include <string.h>

#include "plan/pack.h"
#include "rows.h"

#define SPACE     32
#define MAX_ITEMS 8
#define MAX_GAPS  5
#define MAX_INNER 12

static unsigned long count = 6000;
static uint64_t first_seed = 1;

struct instance {
	uint64_t random;
	struct pr_pack_gap gaps[MAX_GAPS];
	size_t n_gaps;
	struct pr_pack_item pool[MAX_ITEMS + MAX_INNER], *items[MAX_ITEMS], *inner[MAX_INNER];
	size_t n_items, n_pool, n_inner;
};

/* xorshift64*: the same instances everywhere. */
static unsigned int roll(struct instance *p, unsigned int sides)
{
	p->random ^= p->random >> 12;
	p->random ^= p->random << 25;
	p->random ^= p->random >> 27;
	return (unsigned int)((p->random * UINT64_C(0x2545f4914f6cdd1d)) >> 40) % sides;
}

/* ---- instances ---- */

static struct pr_pack_item *new_block(struct instance *p, bool natural)
{
	struct pr_pack_item *item = &p->pool[p->n_pool++];

	item->align = UINT64_C(1) << roll(p, 4);
	item->size = natural || roll(p, 2) ? item->align : 1 + roll(p, 9);
	return item;
}

static struct pr_pack_item *new_window(struct instance *p, unsigned int depth)
{
	struct pr_pack_item *item = &p->pool[p->n_pool++];
	size_t n = 1 + roll(p, 3), first = p->n_inner;

	item->align = UINT64_C(1) << roll(p, 3);
	p->n_inner += n;
	for (size_t i = first; i < first + n; i++)
		p->inner[i] = depth > 0 && p->n_inner + 3 <= MAX_INNER && roll(p, 3) == 0
				      ? new_window(p, depth - 1)
				      : new_block(p, false);
	item->content = &p->inner[first];
	item->n_content = n;
	return item;
}

static void make_gaps(struct instance *p)
{
	unsigned int at = roll(p, 4), n = 1 + roll(p, MAX_GAPS - 1);

	while (p->n_gaps < n && at < SPACE - 2) {
		unsigned int size = 1 + roll(p, SPACE / n);

		if (at + size > SPACE)
			size = SPACE - at;
		p->gaps[p->n_gaps++] = (struct pr_pack_gap){ .range = { at, at + size - 1 },
			.kind = 1u << roll(p, 2) };
		at += size + roll(p, 5);
	}
}

/* Powers of two only, blocks of any size, or windows among them. */
static void make_instance(struct instance *p)
{
	unsigned int n = 1 + roll(p, 5), flavour = roll(p, 3), alike = roll(p, 2);

	make_gaps(p);
	for (unsigned int i = 0; i < n; i++) {
		struct pr_pack_item *item =
			flavour == 2 && roll(p, 2) && p->n_inner + 3 <= MAX_INNER
				? new_window(p, 1)
				: new_block(p, flavour == 0);

		item->kinds = alike || roll(p, 2) ? 3 : 1;
		item->last = alike || roll(p, 3) ? UINT64_MAX : 8 + roll(p, 22);
		p->items[p->n_items++] = item;
	}
}

/* ---- brute force ---- */

static uint64_t cells(unsigned int first, unsigned int size)
{
	return (size == 64 ? ~UINT64_C(0) : (UINT64_C(1) << size) - 1) << first;
}

static bool may_lie(const struct instance *p, const struct pr_pack_item *item, unsigned int first,
	unsigned int size)
{
	for (size_t i = 0; i < p->n_gaps; i++)
		if ((p->gaps[i].kind & item->kinds) && p->gaps[i].range.first <= first &&
			first + size - 1 <= p->gaps[i].range.last && first + size - 1 <= item->last)
			return true;
	return false;
}

/* @p NULL: @free says all about where the items may lie. */
static bool brute(
	const struct instance *p, struct pr_pack_item *const *items, size_t n, uint64_t free)
{
	const struct pr_pack_item *item = items[0];

	if (n == 0)
		return true;
	for (unsigned int first = 0; first < SPACE; first += (unsigned int)item->align) {
		unsigned int size = (unsigned int)(item->n_content ? item->align : item->size);

		for (; first + size <= SPACE; size += (unsigned int)item->align) {
			uint64_t taken = cells(first, size);

			if ((taken & ~free) == 0 && (!p || may_lie(p, item, first, size)) &&
				(item->n_content == 0 ||
					brute(NULL, item->content, item->n_content, taken)) &&
				brute(p, items + 1, n - 1, free & ~taken))
				return true;
			if (item->n_content == 0)
				break;
		}
	}
	return false;
}

/* ---- what is said to fit ---- */

static uint64_t check_placed(struct pr_pack_item *const *items, size_t n, uint64_t free)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t taken = cells((unsigned int)items[i]->base, (unsigned int)items[i]->size);

		assert_true(items[i]->base + items[i]->size <= SPACE);
		assert_int_equal(items[i]->base % items[i]->align, 0);
		assert_true((taken & ~free) == 0);
		if (items[i]->n_content > 0) {
			assert_int_equal(items[i]->size % items[i]->align, 0);
			(void)check_placed(items[i]->content, items[i]->n_content, taken);
		}
		free &= ~taken;
	}
	return free;
}

static void check_answer(
	const struct instance *p, int answer, const struct pr_pack_proof *proof, uint64_t free)
{
	if (answer == PR_PACK_FITS) {
		(void)check_placed(p->items, p->n_items, free);
		for (size_t i = 0; i < p->n_items; i++)
			assert_true(may_lie(p, p->items[i], (unsigned int)p->items[i]->base,
				(unsigned int)p->items[i]->size));
	} else if (proof->reason != PR_PACK_EXHAUSTED) {
		assert_true(proof->demand > proof->supply);
	}
}

struct tally {
	unsigned long fits, impossible, reasons[PR_PACK_EXHAUSTED + 1];
};

static void run_seed(uint64_t seed, struct tally *tally)
{
	struct instance p = { .random = seed * UINT64_C(0x9e3779b97f4a7c15) };
	struct pr_arena *arena = pr_arena_new();
	struct pr_pack pack = { .gaps = p.gaps, .items = p.items, .budget = 1000000 };
	struct pr_pack_proof proof;
	uint64_t free = 0;
	bool expected;
	int answer;

	assert_non_null(arena);
	make_instance(&p);
	pack.n_gaps = p.n_gaps;
	pack.n_items = p.n_items;
	for (size_t i = 0; i < p.n_gaps; i++)
		free |= cells((unsigned int)p.gaps[i].range.first,
			(unsigned int)pr_range_size(&p.gaps[i].range));

	expected = brute(&p, p.items, p.n_items, free);
	answer = pr_pack_solve(arena, &pack, &proof);
	if (answer != (expected ? PR_PACK_FITS : PR_PACK_IMPOSSIBLE))
		fail_msg("seed %" PRIu64 ": %d, brute force says %s", seed, answer,
			expected ? "fits" : "impossible");
	check_answer(&p, answer, &proof, free);
	tally->fits += expected;
	if (!expected) {
		tally->impossible++;
		tally->reasons[proof.reason]++;
	}
	pr_arena_free(arena);
}

static void test_oracle(void **state)
{
	struct tally t = { 0 };

	(void)state;
	for (unsigned long i = 0; i < count; i++)
		run_seed(first_seed + i, &t);
	print_message("# %lu fit, %lu do not: %lu by volume, %lu by blocks, %lu by starts, %lu by "
		      "search\n",
		t.fits, t.impossible, t.reasons[PR_PACK_VOLUME], t.reasons[PR_PACK_BLOCKS],
		t.reasons[PR_PACK_STARTS], t.reasons[PR_PACK_EXHAUSTED]);
	/* an oracle that sees one kind of instance only proves nothing */
	assert_true(t.fits > count / 10 && t.impossible > count / 10);
	for (size_t i = 0; i < ARRAY_SIZE(t.reasons); i++)
		assert_true(t.reasons[i] > count / 1000);
}

int main(int argc, char **argv)
{
	struct rows tests = { 0 };

	if (argc > 1)
		count = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	rows_add(&tests, "packing decides as brute force does", test_oracle, NULL);

	return rows_run(&tests, "pack-oracle");
}

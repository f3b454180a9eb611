/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The condition of room.c for bus numbers: what is numbered anew gets no number of those who stay.
 * Necessary only, since it sees neither gaps nor orders.  Without it every set of companions would
 * be numbered where there is room for none.
 */
#include "plan/search.h"

#include <errno.h>

#define N_WORDS 4 /* of 64 numbers */

struct numbers {
	uint64_t words[N_WORDS];
};

/* What one unit has of the bus's numbers, by the registers of its bridges, and is to have. */
struct share {
	struct numbers claimed;
	unsigned int asked;
	unsigned int sure; /* it takes as many whether it goes or stays */
	bool lacks;        /* if it goes, numbers are given */
};
struct pr_number_room {
	size_t n_units;
	struct numbers all; /* that are the units', or nobody's */
	struct share *shares;
};

static void add_range(struct numbers *n, const struct pr_range *range)
{
	for (uint64_t i = range->first; i <= range->last; i++)
		n->words[i / 64] |= UINT64_C(1) << i % 64;
}

static void remove_numbers(struct numbers *n, const struct numbers *less)
{
	for (unsigned int i = 0; i < N_WORDS; i++)
		n->words[i] &= ~less->words[i];
}

static unsigned int count(const struct numbers *n)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < N_WORDS; i++)
		for (uint64_t left = n->words[i]; left != 0; left &= left - 1)
			sum++;
	return sum;
}

static void find_claims(struct pr_number_room *room, const struct pr_number_question *bus,
	const struct pr_unit *units)
{
	struct pr_range span, held, part;

	if (!pr_numbers_span(bus, &span))
		return;
	add_range(&room->all, &span);
	for (const struct pr_function *f = pr_bus_first(bus->root, bus->parent); f; f = f->next) {
		size_t unit = pr_unit_of(units, room->n_units, f);
		struct numbers claimed = { 0 };

		if (f->removed || !pr_numbers_claimed(f, &held) ||
			!pr_range_intersect(&part, &held, &span))
			continue;
		add_range(unit < room->n_units ? &room->shares[unit].claimed : &claimed, &part);
		remove_numbers(&room->all, &claimed);
	}
}

/* Where two claim a number, it may well be free when one of them goes. */
static void find_sure(struct pr_number_room *room)
{
	struct numbers once = { 0 }, twice = { 0 };

	for (size_t i = 0; i < room->n_units; i++) {
		for (unsigned int k = 0; k < N_WORDS; k++) {
			twice.words[k] |= once.words[k] & room->shares[i].claimed.words[k];
			once.words[k] |= room->shares[i].claimed.words[k];
		}
	}
	for (size_t i = 0; i < room->n_units; i++) {
		struct share *share = &room->shares[i];
		struct numbers own = share->claimed;

		remove_numbers(&own, &twice);
		share->sure = count(&own) < share->asked ? count(&own) : share->asked;
	}
}

int pr_number_room_new(struct pr_arena *arena, const struct pr_number_question *bus,
	const struct pr_unit *units, size_t n_units, struct pr_number_room **ret)
{
	struct pr_number_room *room = pr_new(arena, struct pr_number_room);
	int r = 0;

	if (room)
		room->shares = pr_new_array(arena, n_units, struct share);
	if (!room || !room->shares)
		return -ENOMEM;
	room->n_units = n_units;
	find_claims(room, bus, units);
	for (size_t i = 0; i < n_units && r == 0; i++) {
		struct pr_number_question q = *bus;

		q.tops = units[i].tops;
		q.n_tops = units[i].n_tops;
		r = pr_numbers_asked(arena, &q, &room->shares[i].asked, &room->shares[i].lacks);
	}
	find_sure(room);
	*ret = room;
	return r;
}

bool pr_number_room_suffices(const struct pr_number_room *room, const enum pr_fate *fates)
{
	struct numbers free = room->all;
	unsigned int asked = 0;
	bool given = false;

	for (size_t i = 0; i < room->n_units; i++) {
		const struct share *share = &room->shares[i];

		if (fates[i] == PR_FATE_GOES) {
			asked += share->asked;
			given |= share->lacks;
		} else if (fates[i] == PR_FATE_MAY_GO) {
			asked += share->sure;
		} else {
			remove_numbers(&free, &share->claimed);
		}
	}
	return !given || asked <= count(&free);
}

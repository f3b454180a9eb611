/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is left over of the bus numbers, for what will be plugged in one day.
 * As the kernel does it at boot: on each bus the ports for hot-plug share
 * evenly (KERNEL 1.4).  Ports that keep their numbers count too, and leave
 * their part to whoever needs it later.  No address changes that had not to.
 */
#include "plan/renumber.h"

#define TOP       (-1)
#define MAX_BUSES 256 /* no more bridges than that have been placed */

/* Something may be plugged in below it, or is there and not known. */
static bool wants(const struct number_tree *t, size_t i)
{
	for (size_t k = i; k < t->nodes[i].end; k++)
		if (t->nodes[k].bridge->bridge->hotplug || pr_hides_functions(t->nodes[k].bridge))
			return true;
	return false;
}

/* Somebody in its subtree keeps its number, so that it cannot be shifted. */
static bool is_rigid(const struct number_tree *t, size_t i)
{
	for (size_t k = i; k < t->nodes[i].end; k++)
		if (t->nodes[k].first == t->nodes[k].old)
			return true;
	return false;
}

/* The next below @parent from number @at on, by number; n when there is none. */
static size_t next_from(const struct number_tree *t, int parent, unsigned int at)
{
	size_t next = t->n;

	for (size_t i = 0; i < t->n; i++)
		if (t->nodes[i].parent == parent && t->nodes[i].first >= at &&
			(next == t->n || t->nodes[i].first < t->nodes[next].first))
			next = i;
	return next;
}

static void shift(struct number_tree *t, size_t i, unsigned int by)
{
	for (size_t k = i; k < t->nodes[i].end; k++) {
		t->nodes[k].first += by;
		t->nodes[k].last += by;
	}
}

/* Those below one bridge, or on the bus in one gap, by number. */
struct row {
	unsigned int last; /* number that they may use */
	unsigned int quota;
	size_t n;
	uint8_t nodes[MAX_BUSES];
};

static void make_row(const struct number_tree *t, int parent, unsigned int first, struct row *row)
{
	row->n = 0;
	for (size_t i = next_from(t, parent, first); i < t->n && t->nodes[i].first <= row->last;
		i = next_from(t, parent, t->nodes[i].last + 1))
		row->nodes[row->n++] = (uint8_t)i;
}

/* From @begin on up to the next one that cannot be shifted: what each of them gets. */
static unsigned int share_of(const struct number_tree *t, const struct row *row, size_t begin)
{
	unsigned int takers = 0, end = row->last + 1, tight = 0, share;

	for (size_t k = begin; k < row->n; k++) {
		const struct number_node *node = &t->nodes[row->nodes[k]];

		if (k != begin && is_rigid(t, row->nodes[k])) {
			end = node->first;
			break;
		}
		tight = node->last + 1;
		takers += wants(t, row->nodes[k]);
	}
	share = takers > 0 ? (end - tight) / takers : 0;
	return share < row->quota ? share : row->quota;
}

static void spread_row(struct number_tree *t, const struct row *row)
{
	unsigned int share = 0, by = 0;

	for (size_t k = 0; k < row->n; k++) {
		size_t i = row->nodes[k];

		if (k == 0 || is_rigid(t, i)) {
			share = share_of(t, row, k);
			by = 0;
		}
		shift(t, i, by);
		if (wants(t, i)) {
			t->nodes[i].last += share;
			by += share;
		}
	}
}

static unsigned int used_by(const struct number_tree *t, const struct row *row)
{
	unsigned int used = 0;

	for (size_t k = 0; k < row->n; k++)
		used += t->nodes[row->nodes[k]].last - t->nodes[row->nodes[k]].first + 1;
	return used;
}

static unsigned int count_takers(const struct number_tree *t)
{
	unsigned int n = t->stayers;

	for (size_t i = 0; i < t->n; i = t->nodes[i].end)
		n += wants(t, i);
	return n;
}

static void spread_tops(struct number_tree *t)
{
	unsigned int takers = count_takers(t), free = 0;
	struct row row;

	for (size_t i = 0; i < t->n_gaps; i++) {
		row.last = (unsigned int)t->gaps[i].last;
		make_row(t, TOP, (unsigned int)t->gaps[i].first, &row);
		free += (unsigned int)pr_range_size(&t->gaps[i]) - used_by(t, &row);
	}
	row.quota = takers > 0 ? free / takers : 0;
	for (size_t i = 0; i < t->n_gaps; i++) {
		row.last = (unsigned int)t->gaps[i].last;
		make_row(t, TOP, (unsigned int)t->gaps[i].first, &row);
		spread_row(t, &row);
	}
}

/* What one bridge has got goes to those below it: all of it, as far as it can be divided. */
static void spread_below(struct number_tree *t, size_t i)
{
	const struct number_node *n = &t->nodes[i];
	struct row row = { .last = n->last - n->tail, .quota = MAX_BUSES };

	make_row(t, (int)i, n->first + n->own, &row);
	spread_row(t, &row);
}

void number_spread(struct number_tree *t)
{
	spread_tops(t);
	for (size_t i = 0; i < t->n; i++) /* parents come first */
		spread_below(t, i);
}

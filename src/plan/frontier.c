/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Priority queue of the search.  Equal keys leave it in the order in which
 * they came, so that the same machine gives the same plan everywhere.
 */
#include "plan/search.h"

#include <errno.h>

static bool before(const struct pr_node *a, const struct pr_node *b)
{
	int r = pr_cost_compare(&a->key, &b->key);

	return r != 0 ? r < 0 : a->order < b->order;
}

static int grow(struct pr_arena *arena, struct pr_frontier *f)
{
	size_t max = f->max > 0 ? 2 * f->max : 32;
	struct pr_node **nodes = pr_new_array(arena, max, struct pr_node *);

	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++)
		nodes[i] = f->nodes[i];
	f->nodes = nodes;
	f->max = max;
	return 0;
}

int pr_frontier_push(struct pr_arena *arena, struct pr_frontier *f, const struct pr_node *node)
{
	struct pr_node *copy = pr_arena_memdup(arena, node, sizeof(*node));
	size_t i = f->n;

	if (!copy || (f->n == f->max && grow(arena, f) < 0))
		return -ENOMEM;
	copy->order = f->n_arrived++;
	for (f->n++; i > 0 && before(copy, f->nodes[(i - 1) / 2]); i = (i - 1) / 2)
		f->nodes[i] = f->nodes[(i - 1) / 2];
	f->nodes[i] = copy;
	return 0;
}

const struct pr_node *pr_frontier_pop(struct pr_frontier *f)
{
	struct pr_node *top, *last;
	size_t i = 0, child;

	if (f->n == 0)
		return NULL;
	top = f->nodes[0];
	last = f->nodes[--f->n];
	while ((child = 2 * i + 1) < f->n) {
		if (child + 1 < f->n && before(f->nodes[child + 1], f->nodes[child]))
			child++;
		if (!before(f->nodes[child], last))
			break;
		f->nodes[i] = f->nodes[child];
		i = child;
	}
	f->nodes[i] = last;
	return top;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opinions on removing the root port; opinions.h has the question. */
#include "opinions.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

const struct pr_function *find_dead(const struct pr_topology *t)
{
	for (size_t i = 0; i < t->roots[0]->n_functions; i++)
		if (pr_function_health(&t->roots[0]->functions[i]) == PR_HEALTH_UNASSIGNED)
			return &t->roots[0]->functions[i];
	return NULL;
}

const struct pr_function *root_port_of(const struct pr_function *f)
{
	while (f->parent)
		f = f->parent;
	return f;
}

enum pr_arrangement packer_says(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_function *top, const struct pr_function *target)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	const struct pr_arrange_question q = {
		.topology = t,
		.policy = &policy,
		.kernel = kernel,
		.targets = &target,
		.n_targets = 1,
		.tier = PR_TIER_MEMORY,
		.exactly = true,
		.removed = &top,
		.n_removed = 1,
		.budget = 200000,
	};
	struct pr_arena *arena = pr_arena_new();
	struct pr_certificate c;

	assert_non_null(arena);
	assert_int_equal(pr_arrange(arena, &q, &c), 0);
	pr_arena_free(arena);
	return c.arrangement;
}

static bool has_memory(const struct pr_topology *after, const struct pr_function *target)
{
	const struct pr_function *now = pr_topology_same(after, target);

	for (size_t i = 0; i < target->n_resources; i++) {
		const struct pr_resource *was = &target->resources[i], *is;

		if (!pr_resource_needed(was, PR_TIER_MEMORY))
			continue;
		is = pr_function_resource(now, was->index);
		if (!is || is->state != PR_RES_ASSIGNED || !pr_resource_forwarded(now, is))
			return false;
	}
	return true;
}

enum outcome outcome_of(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_action *actions, size_t n, const struct pr_function *target)
{
	enum outcome outcome = OUTCOME_WORKS;
	struct pr_topology *after;
	struct pr_doubt doubt;
	char why[160];
	int r;

	r = pr_kernel_apply(kernel, t, actions, n, &after, &doubt);
	assert_int_not_equal(r, -ENOMEM);
	if (r != 0)
		return OUTCOME_NEWCOMER;
	if (!has_memory(after, target))
		outcome = OUTCOME_NEWCOMER;
	else if (!pr_nothing_lost(t, after, why, sizeof(why)))
		outcome = OUTCOME_SIBLING;
	pr_topology_free(after);
	return outcome;
}

enum outcome kernel_says(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_function *top, const struct pr_function *target)
{
	const struct pr_action actions[] = {
		{ .kind = PR_ACTION_REMOVE, .function = top, .root = top->root },
		{ .kind = PR_ACTION_RESCAN, .root = top->root },
	};

	return outcome_of(t, kernel, actions, 2, target);
}

#define MAX_ACTIONS 128

/* Base above limit, as Linux closes a window; memory and prefetchable (PCI-to-PCI Bridge 1.2). */
static size_t close_windows(const struct pr_function *bridge, struct pr_action *ret)
{
	static const struct {
		uint16_t offset;
		uint32_t value;
	} closed[] = { { 0x20, 0x0000fff0 }, { 0x24, 0x0000fff0 }, { 0x28, 0 }, { 0x2c, 0 } };
	size_t n = sizeof(closed) / sizeof(closed[0]);

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct pr_action){ .kind = PR_ACTION_WRITE,
			.function = bridge,
			.root = bridge->root,
			.offset = closed[i].offset,
			.width = 4,
			.value = closed[i].value };
	return n;
}

enum outcome closed_says(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_function *top, const struct pr_function *target)
{
	struct pr_action actions[MAX_ACTIONS];
	size_t n = 0;

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
		assert_true(n < MAX_ACTIONS - 8);
		if (f->bridge)
			n += close_windows(f, &actions[n]);
	}
	actions[n++] =
		(struct pr_action){ .kind = PR_ACTION_REMOVE, .function = top, .root = top->root };
	actions[n++] = (struct pr_action){ .kind = PR_ACTION_RESCAN, .root = top->root };
	return outcome_of(t, kernel, actions, n, target);
}

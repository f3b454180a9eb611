/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cheapest repair: windows that the kernel's table has and the bridge's
 * register has not (KERNEL 1.10) are written to agree with the table, while the
 * drivers behind them let go.  Nothing is removed, nothing scanned.
 */
#include "plan/search.h"

#include <errno.h>

/* Upper halves first: until the last write the window stays closed (PCI-to-PCI Bridge 1.2, 3.2.5). */
static const struct {
	uint8_t offset, width;
} registers[] = { { 0x30, 4 }, { 0x1c, 2 }, { 0x20, 4 }, { 0x28, 4 }, { 0x2c, 4 }, { 0x24, 4 } };
#define N_REGISTERS (sizeof(registers) / sizeof(registers[0]))

static uint32_t value_at(const uint8_t header[64], size_t i)
{
	uint32_t value = 0;

	for (unsigned int n = registers[i].width; n-- > 0;)
		value = value << 8 | header[registers[i].offset + n];
	return value;
}

/* The registers of @f as its table has them; false: one is open elsewhere, and somebody uses that. */
static bool agree(const struct pr_function *f, struct pr_bridge *ret)
{
	*ret = *f->bridge;
	for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++) {
		const struct pr_resource *table = pr_function_resource(f, kind);
		struct pr_window *window = &ret->registers[kind - PR_WINDOW_IO];

		if (!table || table->state != PR_RES_ASSIGNED || !pr_window_disagrees(f, kind))
			continue;
		if (window->open != PR_NO || window->implemented != PR_YES)
			return false;
		window->open = PR_YES;
		window->range = table->range;
	}
	return true;
}

static bool lacks_agreement_alone(const struct pr_function *f)
{
	if (!pr_bridge_broken(f) || f->no_bus)
		return false;
	for (size_t i = 0; i < f->n_resources; i++)
		if (pr_resource_needed(&f->resources[i], PR_TIER_ALL))
			return false;
	return true;
}

static size_t add_writes(
	const struct pr_function *f, const struct pr_bridge *wanted, struct pr_deed *deeds)
{
	uint8_t held[64], table[64];
	size_t n = 0;

	pr_bridge_encode(f->bridge, held);
	pr_bridge_encode(wanted, table);
	for (size_t i = 0; i < N_REGISTERS; i++)
		if (value_at(held, i) != value_at(table, i))
			deeds[n++] = (struct pr_deed){ .kind = PR_STEP_WRITE,
				.function = f,
				.offset = registers[i].offset,
				.width = registers[i].width,
				.value = value_at(table, i),
				.old = value_at(held, i) };
	return n;
}

/* Nobody is behind it, so nobody missed it; but the next card would. */
static bool is_closed_empty(const struct pr_function *f, struct pr_bridge *ret)
{
	return f->bridge && !f->removed && !f->no_bus && !f->first_child && agree(f, ret);
}

static int new_deeds(struct pr_search *s, const struct pr_root *root, struct pr_move **ret,
	struct pr_deed **ret_deeds)
{
	size_t n = 0;

	for (size_t i = 0; i < root->n_functions; i++)
		n += root->functions[i].bridge != NULL;
	*ret = pr_new(s->arena, struct pr_move);
	*ret_deeds = pr_new_array(s->arena, N_REGISTERS * n, struct pr_deed);
	return *ret && *ret_deeds ? 0 : -ENOMEM;
}

static bool lack_agreement_alone(const struct pr_targets *targets, const struct pr_root *root)
{
	struct pr_bridge wanted;

	for (size_t i = 0; i < targets->n; i++) {
		const struct pr_function *f = targets->functions[i];

		if (!lacks_agreement_alone(f) || f->root != root || !agree(f, &wanted))
			return false;
	}
	return true;
}

int pr_mend_make(struct pr_search *s, const struct pr_targets *targets, struct pr_candidate *ret)
{
	const struct pr_root *root = targets->functions[0]->root;
	struct pr_bridge wanted;
	struct pr_deed *deeds;
	struct pr_move *m;

	if (s->closes || s->renumbers || !pr_windows_writable(s) ||
		!lack_agreement_alone(targets, root))
		return 1;
	if (new_deeds(s, root, &m, &deeds) < 0)
		return -ENOMEM;
	*m = (struct pr_move){ .root = root, .agrees = true, .deeds = deeds };
	for (size_t i = 0; i < targets->n; i++)
		if (agree(targets->functions[i], &wanted))
			m->n_deeds +=
				add_writes(targets->functions[i], &wanted, deeds + m->n_deeds);
	for (size_t i = 0; i < root->n_functions; i++)
		if (is_closed_empty(&root->functions[i], &wanted))
			m->n_deeds += add_writes(&root->functions[i], &wanted, deeds + m->n_deeds);
	*ret = (struct pr_candidate){ .moves = m, .n_moves = 1 };
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done on one bus before it is scanned: windows are closed if the
 * candidate says so (close.c), subtrees are removed, and if bridges get other
 * bus numbers, their registers are written from the leaves upwards, each when
 * all below it is gone (KERNEL 2.2).  Until then the old numbers lead to who
 * is still there.
 */
#include "plan/search.h"

#include <errno.h>
#include <string.h>

#define REG_IO 0x1c /* PCI-to-PCI Bridge 1.2, 3.2.5.6: a byte each of base and limit */

/* PCI-to-PCI Bridge 1.2, 3.2.5.1 to 3.2.5.3; the latency timer behind them is left alone */
#define REG_PRIMARY     0x18
#define REG_SUBORDINATE 0x1a

struct script {
	const struct pr_search *search;
	const struct pr_move *m;
	const struct pr_numbering *numbering;
	bool *opened; /* by function of the root: removed by itself, its children before it */
	struct pr_deed *deeds;
	size_t n;
};

static bool is_opened(const struct script *s, const struct pr_function *f)
{
	return s->opened && s->opened[f - s->m->root->functions];
}

static void remove_one(struct script *s, const struct pr_function *f)
{
	s->deeds[s->n++] = (struct pr_deed){ .kind = PR_STEP_REMOVE, .function = f };
}

/* Virtual functions go with their physical one. */
static bool can_remove(const struct pr_function *f)
{
	return !f->removed && !f->facts->is_vf;
}

/* Subtrees in which no register changes go as a whole. */
static void remove_unopened(struct script *s, const struct pr_function *f)
{
	if (!can_remove(f))
		return;
	if (!is_opened(s, f)) {
		remove_one(s, f);
		return;
	}
	pr_for_each_child (child, f->first_child)
		remove_unopened(s, child);
}

static void write_one(struct script *s, const struct pr_function *f, uint16_t offset, uint8_t width,
	uint32_t value, uint32_t old)
{
	if (value != old)
		s->deeds[s->n++] = (struct pr_deed){ .kind = PR_STEP_WRITE,
			.function = f,
			.offset = offset,
			.width = width,
			.value = value,
			.old = old };
}

static void write_numbers(struct script *s, const struct pr_function *f)
{
	const struct pr_bridge *b = f->bridge;

	for (size_t i = 0; i < s->numbering->n; i++) {
		const struct pr_numbers *n = &s->numbering->list[i];

		if (n->bridge != f)
			continue;
		write_one(s, f, REG_PRIMARY, 2, (uint32_t)(n->primary | n->secondary << 8),
			(uint32_t)(b->primary | b->secondary << 8));
		write_one(s, f, REG_SUBORDINATE, 1, n->subordinate, b->subordinate);
	}
}

static size_t depth_of(const struct pr_function *f)
{
	size_t depth = 0;

	for (; f->parent; f = f->parent)
		depth++;
	return depth;
}

/* Of all tops alike: what one of them used to forward may be another one's from now on. */
static void close_opened(struct script *s, size_t depth)
{
	for (size_t i = 0; i < s->m->n_tops; i++) {
		const struct pr_function *top = s->m->tops[i];

		for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
			if (!is_opened(s, f) || depth_of(f) != depth)
				continue;
			write_numbers(s, f);
			remove_one(s, f);
		}
	}
}

/* Marks what changes, and all above it up to the bus; returns how deep that goes. */
static size_t open_changed(struct script *s)
{
	size_t deepest = 0;

	for (size_t i = 0; i < s->numbering->n; i++) {
		const struct pr_function *f = s->numbering->list[i].bridge;

		if (depth_of(f) > deepest)
			deepest = depth_of(f);
		for (; f != s->m->parent; f = f->parent)
			s->opened[f - s->m->root->functions] = true;
	}
	return deepest;
}

static void close_windows(struct script *s, const struct pr_function *top)
{
	struct pr_closing writes[PR_CLOSING_MAX];

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
		unsigned int n = 0;

		if (!pr_wants_reserve(s->search, f, NULL))
			n = pr_closing_of(f, writes);
		for (unsigned int i = 0; i < n; i++)
			write_one(s, f, writes[i].offset, 4, writes[i].value, writes[i].old);
	}
}

static int widen_windows(struct script *s, const struct pr_function *top)
{
	struct pr_closing writes[PR_RESERVE_WRITES_MAX];
	unsigned int n;
	int r = 0;

	for (const struct pr_function *f = top; f && r == 0; f = pr_function_walk(f, top)) {
		r = pr_reserve_writes(s->search, f, writes, &n);
		for (unsigned int i = 0; r == 0 && i < n; i++)
			write_one(s, f, writes[i].offset, writes[i].offset == REG_IO ? 2 : 4,
				writes[i].value, writes[i].old);
	}
	return r;
}

static size_t count_functions(const struct pr_move *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_tops; i++)
		for (const struct pr_function *f = m->tops[i]; f;
			f = pr_function_walk(f, m->tops[i]))
			n++;
	return n;
}

static int write_script(struct pr_arena *arena, struct script *s)
{
	const bool changes = s->numbering->n > 0;
	size_t n = s->m->n_tops, depth = 0;
	int r = 0;

	if (changes) {
		n = count_functions(s->m) + 2 * s->numbering->n;
		s->opened = pr_new_array(arena, s->m->root->n_functions, bool);
	}
	n += pr_count_closings(s->m) + s->search->n_reserves * PR_RESERVE_WRITES_MAX;
	s->deeds = pr_new_array(arena, n, struct pr_deed);
	if (!s->deeds || (changes && !s->opened))
		return -ENOMEM;
	if (changes)
		depth = open_changed(s);
	for (size_t i = 0; s->m->closes && i < s->m->n_tops; i++)
		close_windows(s, s->m->tops[i]);
	for (size_t i = 0; s->search->n_reserves > 0 && i < s->m->n_tops && r == 0; i++)
		r = widen_windows(s, s->m->tops[i]);
	for (size_t i = 0; i < s->m->n_tops; i++)
		remove_unopened(s, s->m->tops[i]);
	for (size_t d = depth + 1; changes && d-- > 0;)
		close_opened(s, d);
	return r;
}

/* The order of numbers was not searched to its end: something better may be left out. */
static void note_unproven(struct pr_search *s)
{
	s->cut = true;
	s->bound = (struct pr_cost){ 0 };
}

/*
 * Where numbers are written anyway, slots get what the policy wishes for them, as long as that
 * changes nobody's address: what is left over is shared evenly else (renumber-spread.c).
 */
static int number_standing(
	struct pr_search *s, const struct pr_number_question *asked, struct pr_numbering *ret)
{
	struct pr_number_question q = *asked;
	struct pr_numbering more;
	int r;

	if (s->policy->n_reserves == 0 || ret->n == 0)
		return 0;
	q.buses = pr_standing_buses(s->policy, s->topology, s->arena, asked->buses, &q.n_buses);
	if (!q.buses)
		return -ENOMEM;
	if (q.n_buses == asked->n_buses)
		return 0;
	r = pr_renumber(s->arena, &q, &more);
	if (r < 0)
		return r;
	if (r == 0 && more.renumbered <= ret->renumbered) {
		more.proven |= ret->proven;
		*ret = more;
	}
	return 0;
}

static int number(struct pr_search *s, const struct pr_move *m, struct pr_numbering *ret)
{
	const struct pr_number_question q = {
		.root = m->root,
		.parent = m->parent,
		.tops = m->tops,
		.n_tops = m->n_tops,
		.buses = s->buses,
		.n_buses = s->n_buses,
		.n_asked = s->n_buses,
	};
	int r;

	r = pr_renumber(s->arena, &q, ret);
	if (r == 0)
		r = number_standing(s, &q, ret);
	if (r == 0 && !ret->proven)
		note_unproven(s);
	return r;
}

int pr_move_prepare(struct pr_search *s, struct pr_move *m)
{
	struct pr_numbering numbering = { 0 };
	struct script script = { .search = s, .m = m, .numbering = &numbering };
	int r = 0;

	if (s->renumbers && m->n_tops > 0)
		r = number(s, m, &numbering);
	if (r == 0)
		r = write_script(s->arena, &script);
	if (r != 0)
		return r;
	m->deeds = script.deeds;
	m->n_deeds = script.n;
	return 0;
}

bool pr_lacks_any_numbers(const struct pr_search *s, const struct pr_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++)
		if (pr_lacks_numbers(targets->functions[i]) ||
			pr_wants_numbers(s, targets->functions[i], NULL))
			return true;
	return false;
}

bool pr_wants_exact_numbers(const struct pr_search *s, const struct pr_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		const struct pr_function *f = targets->functions[i];
		unsigned int wished = pr_wished_numbers(s->buses, s->n_buses, f);

		if (wished > 0 ? wished > 1 && wished > pr_numbers_of(f) : pr_is_hidden_switch(f))
			return true;
	}
	return false;
}

bool pr_registers_writable(const struct pr_machine *machine)
{
	return !machine->lockdown || strcmp(machine->lockdown, "none") == 0;
}

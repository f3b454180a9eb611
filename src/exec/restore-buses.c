/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Undoing a plan that was writing bus numbers.  A bridge that was removed with
 * new numbers in its registers cannot be reached any more, and with half of
 * the numbers new a rescan could find two bridges for one bus.  So there is a
 * point from which on the way out is forward: the rest is written and removed
 * too, and all is found together, as was computed.  Before that point, and
 * where something is missing in the end, the old numbers are put back.  Who
 * holds new ones may have been found again with them, which nobody can tell:
 * it is always taken away for that.
 */
#include <errno.h>
#include <string.h>

#include "exec/restore-buses.h"
#include "exec/roster.h"

/* PCI-to-PCI Bridge 1.2, 3.2.5.1 to 3.2.5.3: primary, secondary, subordinate */
#define FIRST_NUMBER 0x18
#define LAST_NUMBER  0x1a

bool pr_restores_numbers(const struct pr_record_step *s)
{
	return s->inverse == PR_INVERSE_WRITE && s->offset >= FIRST_NUMBER &&
	       s->offset + s->width <= LAST_NUMBER + 1;
}

/* @from to @to, where the register holds @from; anything else is newer. */
static int change_once(const struct pr_backend *backend, const struct pr_function *f,
	const struct pr_record_step *s, uint32_t from, uint32_t to)
{
	uint32_t value;
	int r;

	if (!backend->ops->read || !backend->ops->write)
		return -EOPNOTSUPP;
	r = backend->ops->read(backend->instance, &f->address, s->offset, s->width, &value);
	if (r < 0 || value != from)
		return r;
	return backend->ops->write(backend->instance, &f->address, s->offset, s->width, to);
}

static int change(const struct pr_backend *backend, const struct pr_function *f,
	const struct pr_record_step *s, uint32_t from, uint32_t to)
{
	int r = change_once(backend, f, s, from, to);

	return r < 0 ? change_once(backend, f, s, from, to) : r;
}

/* ---- forward ---- */

/* Whatever it holds: nobody is below it any more, and it goes next. */
static int force(const struct pr_backend *backend, const struct pr_function *f,
	const struct pr_record_step *s)
{
	int r;

	if (!backend->ops->write)
		return -EOPNOTSUPP;
	r = backend->ops->write(backend->instance, &f->address, s->offset, s->width, s->value);
	return r < 0 ? backend->ops->write(
			       backend->instance, &f->address, s->offset, s->width, s->value)
		     : r;
}

/* The next rescan behind @step; n_steps when there is none. */
static size_t next_rescan(const struct pr_record *record, size_t step)
{
	while (step < record->n_steps && record->steps[step].kind != PR_STEP_RESCAN)
		step++;
	return step;
}

bool pr_restore_waits(const struct pr_record *record)
{
	for (size_t i = 0; i < record->n_steps; i++) {
		size_t end = next_rescan(record, i);

		if (pr_restores_numbers(&record->steps[i]) && record->steps[i].doing &&
			end < record->n_steps && !record->steps[end].doing)
			return true;
	}
	return false;
}

/*
 * The first rescan that was never begun, of a bus on which a bridge is away with new numbers;
 * n_steps: none.
 */
static size_t find_half_done(const struct pr_record *record, const struct pr_topology *now)
{
	for (size_t i = 0; i < record->n_steps; i++) {
		const struct pr_record_step *s = &record->steps[i];
		size_t end = next_rescan(record, i);

		if (pr_restores_numbers(s) && s->doing && !pr_roster_present(now, s->path) &&
			end < record->n_steps && !record->steps[end].doing)
			return end;
	}
	return record->n_steps;
}

bool pr_restore_forward(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	size_t end = find_half_done(record, ret->now);
	int r = 0;

	if (end == record->n_steps)
		return false;
	for (size_t i = 0; i < end && r >= 0; i++) {
		struct pr_record_step *s = &record->steps[i];
		const struct pr_function *f = s->path ? pr_roster_present(ret->now, s->path) : NULL;

		if (!f || !(s->kind == PR_STEP_REMOVE || pr_restores_numbers(s)))
			continue;
		s->doing = true;
		r = s->kind == PR_STEP_REMOVE ? pr_restore_remove(backend, f)
					      : force(backend, f, s);
	}
	pr_restored_note(ret, r);
	return true;
}

/* ---- back ---- */

bool pr_restore_misfits(const struct pr_record *record, const struct pr_topology *now)
{
	for (size_t i = 0; i < record->n_steps; i++) {
		const struct pr_record_step *s = &record->steps[i];
		const struct pr_function *f;

		if (!pr_restores_numbers(s) || !s->doing)
			continue;
		f = pr_roster_present(now, s->path);
		if (f && f->bridge && f->parent && f->parent->bridge &&
			(f->bridge->secondary <= f->parent->bridge->secondary ||
				f->bridge->subordinate > f->parent->bridge->subordinate))
			return true;
	}
	return false;
}

/* It is there, with numbers of the plan. */
static bool is_renumbered(const struct pr_backend *backend, const struct pr_record *record,
	const struct pr_function *f)
{
	char path[PR_FUNCTION_PATH_MAX];
	uint32_t value;

	if (!f->bridge || f->removed || pr_function_path(f, path, sizeof(path)) < 0)
		return false;
	for (size_t i = 0; backend->ops->read && i < record->n_steps; i++) {
		const struct pr_record_step *s = &record->steps[i];

		if (pr_restores_numbers(s) && s->doing && strcmp(s->path, path) == 0 &&
			backend->ops->read(
				backend->instance, &f->address, s->offset, s->width, &value) == 0 &&
			value == s->value)
			return true;
	}
	return false;
}

struct going_back {
	const struct pr_backend *backend;
	const struct pr_record *record;
	struct pr_restored *ret;
	unsigned int n; /* bridges that got their old numbers */
};

static bool any_renumbered(const struct going_back *g, const struct pr_function *top)
{
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		if (is_renumbered(g->backend, g->record, f))
			return true;
	return false;
}

/* A host bridge begins with it, or somebody forwards it, did or would have. */
static bool is_used(const struct going_back *g, const struct pr_root *root, unsigned int bus)
{
	if (bus == root->facts.bus)
		return true;
	for (size_t i = 0; i < root->n_functions; i++) {
		const struct pr_bridge *b = root->functions[i].bridge;

		if (b && b->secondary <= bus && bus <= b->subordinate)
			return true;
	}
	for (size_t i = 0; i < g->record->n_steps; i++) {
		const struct pr_record_step *s = &g->record->steps[i];

		if (pr_restores_numbers(s) && s->offset == LAST_NUMBER &&
			(bus <= s->value || bus <= s->old))
			return true;
	}
	return false;
}

static bool is_used_in(const struct going_back *g, uint32_t domain, unsigned int bus)
{
	pr_for_each_root (g->ret->now, i)
		if (g->ret->now->roots[i]->facts.domain == domain &&
			is_used(g, g->ret->now->roots[i], bus))
			return true;
	return false;
}

/* The host bridge's own numbers first; one of nobody's, or of another's, leads nowhere either. */
static unsigned int free_bus(const struct going_back *g, const struct pr_function *f)
{
	unsigned int bus = f->root->last_bus;

	while (bus > f->address.bus && is_used(g, f->root, bus))
		bus--;
	if (bus > f->address.bus)
		return bus;
	bus = UINT8_MAX;
	while (bus > f->address.bus && is_used_in(g, f->address.domain, bus))
		bus--;
	return bus;
}

/*
 * What a bridge that had no numbers gets: had it none again, the kernel would give it some of a
 * neighbour that is not found again yet, and take the neighbour's card for its own.  A bus that
 * nobody forwards has nothing on it.
 */
static uint32_t parking(
	const struct going_back *g, const struct pr_function *f, const struct pr_record_step *s)
{
	unsigned int bus = free_bus(g, f);

	if (bus == f->address.bus)
		return s->old;
	return s->offset == LAST_NUMBER ? bus : f->address.bus | bus << 8;
}

static bool had_none(const struct pr_record_step *s)
{
	return s->offset == LAST_NUMBER ? s->old == 0 : s->old >> 8 == 0;
}

static void write_old(struct going_back *g, const struct pr_function *f)
{
	char path[PR_FUNCTION_PATH_MAX];

	if (pr_function_path(f, path, sizeof(path)) < 0)
		return; /* it would not have been found by its path either */
	for (size_t i = g->record->n_steps; i-- > 0;) {
		const struct pr_record_step *s = &g->record->steps[i];

		if (pr_restores_numbers(s) && s->doing && strcmp(s->path, path) == 0)
			pr_restored_note(g->ret, change(g->backend, f, s, s->value,
							 had_none(s) ? parking(g, f, s) : s->old));
	}
	g->n++;
}

/* What is behind bridges that change goes before any of them does: numbers may lead to two places. */
static void clear_below(struct going_back *g, const struct pr_function *f)
{
	pr_for_each_child (child, f->first_child) {
		if (child->removed || child->facts->is_vf)
			continue;
		if (any_renumbered(g, child))
			clear_below(g, child);
		else
			pr_restored_note(g->ret, pr_restore_remove(g->backend, child));
	}
}

/* From the leaves upwards, each renumbered bridge with its old numbers. */
static void take_away(struct going_back *g, const struct pr_function *f)
{
	if (any_renumbered(g, f))
		pr_for_each_child (child, f->first_child)
			if (child->bridge && !child->removed)
				take_away(g, child);
	if (is_renumbered(g->backend, g->record, f))
		write_old(g, f);
	pr_restored_note(g->ret, pr_restore_remove(g->backend, f));
}

/* The bridge that step @s removes, if it is there with numbers of the plan. */
static const struct pr_function *find_renumbered(
	const struct going_back *g, const struct pr_record_step *s)
{
	const struct pr_function *f =
		s->kind == PR_STEP_REMOVE ? pr_roster_present(g->ret->now, s->path) : NULL;

	return f && is_renumbered(g->backend, g->record, f) ? f : NULL;
}

bool pr_restore_numbers(
	const struct pr_backend *backend, const struct pr_record *record, struct pr_restored *ret)
{
	struct going_back g = { .backend = backend, .record = record, .ret = ret };
	const struct pr_function *f;

	for (size_t i = record->n_steps; i-- > 0;) {
		f = find_renumbered(&g, &record->steps[i]);
		if (f)
			clear_below(&g, f);
	}
	for (size_t i = record->n_steps; i-- > 0;) {
		f = find_renumbered(&g, &record->steps[i]);
		if (!f)
			continue;
		record->steps[i].doing = true;
		take_away(&g, f);
	}
	return g.n > 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan needs to be undone, from the plan and the machine that it is about to change. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "exec/swap.h"

uint32_t pr_record_assigned(const struct pr_function *f)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		if (r->state == PR_RES_ASSIGNED && r->index < PR_WINDOW_IO && r->index != PR_ROM)
			bits |= UINT32_C(1) << r->index;
	}

	return bits;
}

struct pr_record *pr_record_alloc(void)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_record *record = arena ? pr_new(arena, struct pr_record) : NULL;

	if (!record) {
		pr_arena_free(arena);
		return NULL;
	}

	record->arena = arena;
	return record;
}

void pr_record_free(struct pr_record *record)
{
	if (record)
		pr_arena_free(record->arena);
}

static void pr_record_freep(struct pr_record **record)
{
	pr_record_free(*record);
}

bool pr_record_removes(const struct pr_record *record, const char *path)
{
	for (size_t i = 0; i < record->n_steps; i++) {
		const struct pr_record_step *s = &record->steps[i];
		size_t n = s->kind == PR_STEP_REMOVE && s->path ? strlen(s->path) : 0;

		if (n > 0 && strncmp(path, s->path, n) == 0 && (path[n] == '/' || !path[n]))
			return true;
	}

	return false;
}

/* ---- from a plan ---- */

/*
 * Has never worked: the kernel forgets what it could not place at the first try, and remembers what it
 * took from somebody (KERNEL 1.11).
 */
static bool is_newcomer(const struct pr_plan *plan, const struct pr_function *f)
{
	if (plan->asked && pr_topology_same(plan->asked, f) == f)
		f = pr_topology_same(plan->machine, f); /* without the sizes that are asked for */
	for (size_t i = 0; i < f->n_resources; i++)
		if (f->resources[i].index < PR_ROM && f->resources[i].state == PR_RES_FORGOTTEN)
			return true;

	return f->no_bus;
}

/* Functions of one card: what is dead in one of them may be why another has no driver. */
static bool is_with_newcomer(const struct pr_plan *plan, const struct pr_function *f)
{
	for (size_t i = 0; i < plan->n_targets; i++) {
		const struct pr_address *t = &plan->targets[i]->address;

		if (!is_newcomer(plan, plan->targets[i]))
			continue;
		if (f->address.domain == t->domain && f->address.bus == t->bus &&
			f->address.device == t->device)
			return true;
		for (const struct pr_function *up = f->parent; up; up = up->parent)
			if (pr_address_compare(&up->address, t) == 0)
				return true;
	}

	return false;
}

/*
 * It has worked, though a failed hot-add may have taken its addresses (KERNEL 1.9), and has no driver,
 * which nobody but an administrator takes off: unbound by hand, or nobody's.
 */
static bool stays_unbound(const struct pr_plan *plan, const struct pr_function *f)
{
	return !f->bridge && !(f->facts && f->facts->driver) && !is_newcomer(plan, f) &&
	       !is_with_newcomer(plan, f);
}

/* By path: @f is of a newer look than the plan. */
static bool is_replaced(const struct pr_plan *plan, const char *path)
{
	const struct pr_function *f =
		plan->replugs ? pr_topology_find_path(plan->topology, path) : NULL;

	return f && pr_plan_replaces(plan, f);
}

static int add_function(
	struct pr_record *record, const struct pr_plan *plan, const struct pr_function *f)
{
	struct pr_record_function *entry = &record->functions[record->n_functions];
	const char *driver = f->facts ? f->facts->driver : NULL;
	char path[PR_FUNCTION_PATH_MAX];
	int r;

	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;

	*entry = (struct pr_record_function){
		.path = pr_arena_strdup(record->arena, path),
		.address = f->address,
		.driver = pr_arena_strdup(record->arena, driver),
		.stays_unbound = stays_unbound(plan, f),
		.replaced = is_replaced(plan, path),
		.assigned = pr_record_assigned(f),
	};
	if (!entry->path || (driver && !entry->driver))
		return -ENOMEM;
	if (driver && strchr(driver, '\n'))
		return -EINVAL;

	record->n_functions++;
	return 0;
}

/* Parents before what is below them, so that binding in this order works. */
static int add_roster(
	struct pr_record *record, const struct pr_plan *plan, const struct pr_topology *now)
{
	int r;

	record->functions =
		pr_new_array(record->arena, now->n_functions, struct pr_record_function);
	if (!record->functions)
		return -ENOMEM;

	pr_for_each_root (now, i) {
		pr_for_each_child (top, now->roots[i]->first_child) {
			for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
				if (f->removed)
					continue;
				r = add_function(record, plan, f);
				if (r < 0)
					return r;
			}
		}
	}

	return 0;
}

static const char *step_text(struct pr_arena *arena, const struct pr_step *s)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&s->address, address);
	if (s->kind == PR_STEP_EXPECT)
		return pr_arena_strdup(arena, "the layout predicted");
	if (s->kind == PR_STEP_RESCAN && s->root_bus)
		return pr_arena_printf(
			arena, "root bus %04x:%02x", s->address.domain, s->address.bus);
	if (s->kind == PR_STEP_UNBIND)
		return pr_arena_printf(arena, "%s from %s", address, s->driver);
	if (s->kind == PR_STEP_VFS)
		return pr_arena_printf(arena, "%s %u, was %u", address, s->value, s->old);
	if (s->kind == PR_STEP_WRITE)
		return pr_arena_printf(arena, "%s %02x/%u=%0*x, was %0*x", address, s->offset,
			s->width, 2 * s->width, s->value, 2 * s->width, s->old);
	if (s->kind == PR_STEP_RESIZE)
		return pr_arena_printf(arena, "%s BAR %u to %#" PRIx64 ", was %#" PRIx64, address,
			s->index - PR_BAR0, s->size, s->old_size);

	return pr_arena_strdup(arena, address);
}

/*
 * What is removed comes back by the plan's own next rescan; a plan without one gets its root bus
 * rescanned.
 */
static void inverse_of_remove(const struct pr_plan *plan, size_t n, struct pr_record_step *ret)
{
	const struct pr_function *f = pr_topology_find(plan->topology, &plan->steps[n].address);

	for (size_t i = n + 1; i < plan->n_steps; i++) {
		const struct pr_step *s = &plan->steps[i];

		if (s->kind != PR_STEP_RESCAN || s->address.domain != plan->steps[n].address.domain)
			continue;
		ret->inverse = s->root_bus ? PR_INVERSE_RESCAN_ROOT : PR_INVERSE_RESCAN;
		ret->address = s->address;
		return;
	}

	ret->inverse = PR_INVERSE_RESCAN_ROOT;
	ret->address = (struct pr_address){ .domain = plan->steps[n].address.domain };
	if (f)
		ret->address.bus = f->root->facts.bus;
}

static int add_step(struct pr_record *record, const struct pr_plan *plan, size_t n)
{
	const struct pr_step *s = &plan->steps[n];
	struct pr_record_step *entry = &record->steps[n];

	entry->kind = s->kind;
	entry->path = pr_arena_strdup(record->arena, s->path);
	entry->text = step_text(record->arena, s);
	if (!entry->text || (s->path && !entry->path))
		return -ENOMEM;

	if (s->kind == PR_STEP_REMOVE) {
		inverse_of_remove(plan, n, entry);
	} else if (s->kind == PR_STEP_VFS) {
		entry->inverse = PR_INVERSE_VFS;
		entry->address = s->address;
		entry->value = s->value;
		entry->old = s->old;
	} else if (s->kind == PR_STEP_WRITE) {
		entry->inverse = PR_INVERSE_WRITE;
		entry->address = s->address;
		entry->offset = s->offset;
		entry->width = s->width;
		entry->value = s->value;
		entry->old = s->old;
	} else if (s->kind == PR_STEP_RESIZE) {
		entry->inverse = PR_INVERSE_RESIZE;
		entry->address = s->address;
		entry->index = s->index;
		entry->size = s->size;
		entry->old_size = s->old_size;
	}

	return entry->inverse != PR_INVERSE_NONE && !entry->path ? -EINVAL : 0;
}

int pr_record_new(const struct pr_plan *plan, const struct pr_topology *now, struct pr_record **ret)
{
	_cleanup_(pr_record_freep) struct pr_record *record = pr_record_alloc();
	int r;

	if (!record)
		return -ENOMEM;
	memcpy(record->id, plan->id, sizeof(record->id));
	record->generation = plan->generation;
	r = add_roster(record, plan, now);
	if (r < 0)
		return r;
	pr_swap_note(record, plan, now);

	record->steps = pr_new_array(record->arena, plan->n_steps, struct pr_record_step);
	if (!record->steps)
		return -ENOMEM;
	record->n_steps = plan->n_steps;
	for (size_t i = 0; i < plan->n_steps; i++) {
		r = add_step(record, plan, i);
		if (r < 0)
			return r;
	}

	*ret = pr_take(record);
	return 0;
}

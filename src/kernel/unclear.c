/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hot-add while nobody knows how much I/O a window asks for.  What fails
 * there has windows taken away before the second try, but only windows for I/O
 * (pci_assign_unassigned_bridge_resources, drivers/pci/setup-bus.c): all that
 * memory notices is whether there is a second try.  So it is done with that I/O
 * failing and with it placed, and what both agree on is certain.
 */
#include "kernel/model.h"

#include <errno.h>
#include <string.h>

struct registers {
	struct pr_window windows[3];
};

/* Of bridges, by position; NULL when memory is short. */
static struct registers *save(struct k_model *m)
{
	struct registers *saved = pr_new_array(m->arena, m->root->n_functions, struct registers);

	for (size_t i = 0; saved && i < m->root->n_functions; i++)
		if (m->root->functions[i].bridge)
			memcpy(saved[i].windows, m->root->functions[i].bridge->registers,
				sizeof(saved[i].windows));
	if (!saved)
		m->status = -ENOMEM;
	return saved;
}

static void restore(const struct k_model *m, const struct registers *saved)
{
	for (size_t i = 0; i < m->root->n_functions; i++)
		if (m->root->functions[i].bridge)
			memcpy(m->root->functions[i].bridge->registers, saved[i].windows,
				sizeof(saved[i].windows));
}

static bool same_register(const struct pr_window *a, const struct pr_window *b)
{
	return a->open == b->open && a->implemented == b->implemented &&
	       (a->open != PR_YES || pr_range_equal(&a->range, &b->range));
}

/* Of memory windows. */
static bool same_registers(const struct k_model *m, const struct registers *saved)
{
	for (size_t i = 0; i < m->root->n_functions; i++) {
		const struct pr_bridge *b = m->root->functions[i].bridge;

		for (unsigned int w = 1; b && w < 3; w++)
			if (!same_register(&saved[i].windows[w], &b->registers[w]))
				return false;
	}
	return true;
}

static bool is_io(const struct k_res *r)
{
	return pr_resource_is_io(r->r);
}

/* What @fails has @fits has, and of memory nothing else. */
static bool same_resource(const struct k_res *fails, const struct k_res *fits)
{
	if (is_io(fails) && !fails->placed)
		return true;
	if (fails->placed != fits->placed)
		return false;
	if (fails->placed)
		return pr_range_equal(&fails->at, &fits->at);
	return fails->size == fits->size && (fails->flags == 0) == (fits->flags == 0);
}

static bool same_device(const struct k_dev *fails, const struct k_dev *fits)
{
	for (unsigned int i = 0; i < fails->n_res; i++)
		if (!same_resource(&fails->res[i], &fits->res[i]))
			return false;
	return true;
}

/* Built from the same functions, so that they have the same devices. */
static bool same_below(const struct k_bus *fails, const struct k_bus *fits)
{
	const struct k_dev *other = fits->first;

	for (const struct k_dev *d = fails->first; d; d = d->next, other = other->next) {
		if (!same_device(d, other))
			return false;
		if (d->subordinate && !same_below(d->subordinate, other->subordinate))
			return false;
	}
	return !fails->self || same_device(fails->self, fits->self);
}

static struct k_bus *assign_once(
	struct k_model *m, struct pr_function *port, k_assign_fn *assign, bool fits)
{
	struct k_bus *bus = k_tree_build(m, port->parent, true);

	m->refused_fits = fits;
	m->has_refused = false;
	if (bus)
		assign(m, bus, port);
	return m->status == 0 ? bus : NULL;
}

/* Once more, with the other outcome; @fits is what came of the first. */
static struct k_bus *assign_again(struct k_model *m, struct pr_function *port, k_assign_fn *assign,
	const struct k_bus *fits, const struct registers *before)
{
	const struct registers *fitting = save(m);
	struct k_bus *bus;

	if (!fitting)
		return NULL;
	restore(m, before);
	bus = assign_once(m, port, assign, false);
	if (bus && !(same_below(bus, fits) && same_registers(m, fitting)))
		k_doubt(m, port, "what Linux remembers of an I/O window is not known");
	return bus;
}

void k_assign_unclear(struct k_model *m, struct pr_function *port, k_assign_fn *assign)
{
	const struct registers *before = save(m);
	const bool unclear = m->root->io_unclear;
	struct k_bus *bus;

	if (!before)
		return;
	bus = assign_once(m, port, assign, true);
	if (bus && m->has_refused) {
		m->root->io_unclear = unclear;
		bus = assign_again(m, port, assign, bus, before);
	}
	if (bus && m->status == 0)
		k_tree_store(m, bus);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One rescan: what the domain looks like before, the scan, the assignment, and
 * the arena that lives as long.  Sources: dev_rescan_store, bus_rescan_store
 * (drivers/pci/pci-sysfs.c), pci_rescan_bus (probe.c),
 * pci_assign_unassigned_bus_resources (setup-bus.c); KERNEL 1.1.
 */
#include "kernel/model.h"

#include <errno.h>

#define N_BUSES 256

/* Of two bridges with one bus number, the bus is behind the one with devices. */
static void own_bus(struct k_model *m, struct pr_function *f)
{
	struct pr_function **owner = &m->bus_owner[f->bridge->secondary];

	m->bus_exists[f->bridge->secondary] = true;
	if (f->root == m->root && (!*owner || (!(*owner)->first_child && f->first_child)))
		*owner = f;
}

static void mark_buses(struct k_model *m)
{
	pr_for_each_root (m->t, i) {
		const struct pr_root *root = m->t->roots[i];

		if (root->facts.domain != m->root->facts.domain)
			continue;
		m->bus_exists[root->facts.bus] = true;
		for (size_t k = 0; k < root->n_functions; k++) {
			const struct pr_function *f = &root->functions[k];

			if (f->removed)
				continue;
			m->bus_exists[f->address.bus] = true;
			if (f->bridge && f->bridge->secondary != 0 && !f->bridge->busless)
				own_bus(m, &root->functions[k]);
		}
	}
}

void k_check_modelled(struct k_model *m, struct k_bus *bus)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		if (d->f->header.type == PR_HEADER_CARDBUS && k_is_fresh(m, d->f))
			k_doubt(m, d->f, "how Linux sets up a CardBus bridge is not modelled");
		if (m->kernel->changes_wants && k_is_fresh(m, d->f))
			k_doubt(m, d->f,
				"what it asks for is changed by an option of pci= that is not modelled");
		if (d->subordinate)
			k_check_modelled(m, d->subordinate);
	}
}

void k_assign_unassigned(struct k_model *m, struct k_bus *bus)
{
	for (struct k_dev *d = bus->first; d && m->status == 0; d = d->next)
		if (d->subordinate)
			k_size_bridges(m, d->subordinate);
	if (m->status == 0)
		k_assign(m, bus);
}

static void assign_resources(struct k_model *m, struct pr_function *bridge)
{
	struct k_bus *bus = k_tree_build(m, bridge, false);

	if (!bus)
		return;
	k_check_modelled(m, bus);
	k_assign_unassigned(m, bus);
	if (m->status == 0)
		k_tree_store(m, bus);
}

static bool sort_busy(struct k_model *m, const struct pr_range *from, size_t n,
	struct pr_range **ret, size_t *ret_n)
{
	*ret = pr_arena_memdup(m->arena, from, n * sizeof(*from));
	if (n > 0 && !*ret) {
		m->status = -ENOMEM;
		return false;
	}
	*ret_n = n > 0 ? pr_ranges_merge(*ret, n) : 0;
	return true;
}

static bool prepare(struct k_model *m)
{
	const struct pr_root_facts *facts = &m->root->facts;

	m->fresh = pr_new_array(m->arena, m->root->n_functions, bool);
	m->settled = pr_new_array(m->arena, m->root->n_functions, enum k_settled);
	m->new_bus = pr_new_array(m->arena, m->root->n_functions, bool);
	m->bus_exists = pr_new_array(m->arena, N_BUSES, bool);
	m->bus_owner = pr_new_array(m->arena, N_BUSES, struct pr_function *);
	if (!m->fresh || !m->settled || !m->new_bus || !m->bus_exists || !m->bus_owner) {
		m->status = -ENOMEM;
		return false;
	}
	mark_buses(m);
	return sort_busy(m, facts->busy_io, facts->n_busy_io, &m->busy_io, &m->n_busy_io) &&
	       sort_busy(m, facts->busy_mem, facts->n_busy_mem, &m->busy_mem, &m->n_busy_mem);
}

int k_begin(struct k_model *m, struct pr_root *root)
{
	m->root = root;
	m->writes = NULL;
	m->list = m->failed = NULL;
	m->list_order = 0;
	m->refused_fits = false;
	m->n_listed = 0;
	m->arena = pr_arena_new();
	if (!m->arena)
		m->status = -ENOMEM;
	else
		(void)prepare(m); /* the status says it */
	return m->status;
}

int k_end(struct k_model *m)
{
	pr_arena_free(m->arena);
	m->arena = NULL;
	return m->status;
}

/* pci_rescan_bus */
int k_rescan(struct k_model *m, struct pr_root *root, struct pr_function *bridge)
{
	if (bridge && (bridge->removed || bridge->bridge->secondary == 0))
		return -EINVAL;
	if (k_begin(m, root) == 0)
		k_scan(m, bridge);
	if (m->status == 0)
		assign_resources(m, bridge);
	return k_end(m);
}

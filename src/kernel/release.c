/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between two tries of pci_assign_unassigned_bridge_resources: windows that were
 * too small are taken away, with everything that lies in them, whoever it
 * belongs to (KERNEL 1.9).  Sources: pci_bus_release_bridge_resources,
 * pci_bridge_release_resources, pci_prepare_next_assign_round
 * (drivers/pci/setup-bus.c), release_child_resources (kernel/resource.c).
 */
#include "kernel/model.h"

#define CLASS_PCI_BRIDGE 0x0604

void k_fail(struct k_model *m, struct k_res *r)
{
	if (r->failed)
		return;
	r->failed = true;
	r->failed_size = r->size;
	r->failed_start = r->start;
	r->failed_flags = r->flags;
	r->failed_next = m->failed;
	m->failed = r;
}

/* What lies in a window loses its place, down to the BARs; its flags and registers stay. */
void k_release_children(const struct k_model *m, struct k_res *parent)
{
	struct k_res *next;

	for (struct k_res *r = parent->child; r; r = next) {
		next = r->next;
		k_release_children(m, r);
		r->parent = r->next = NULL;
		r->placed = false;
		r->at = (struct pr_range){ 0, r->size - 1 };
		r->orphan = r->window && m->profile->forget_failed;
	}
	parent->child = NULL;
}

/* The register is closed at once. */
static void release_window(const struct k_model *m, struct k_res *w)
{
	struct pr_window *reg = &w->dev->f->bridge->registers[w->index - PR_WINDOW_IO];

	if (!w->placed)
		return;
	k_release_children(m, w);
	k_space_release(w);
	w->at = (struct pr_range){ 0, w->size - 1 };
	if (m->profile->forget_failed)
		w->orphan = true;
	else
		w->flags |= PR_IORES_UNSET;
	if (reg->implemented == PR_YES) {
		reg->open = PR_NO;
		reg->range = (struct pr_range){ 0 };
	}
}

static bool is_pci_bridge(const struct k_dev *d)
{
	return d->subordinate && d->f->header.class_code >> 8 == CLASS_PCI_BRIDGE;
}

static bool is_leaf(const struct k_bus *bus)
{
	for (const struct k_dev *d = bus->first; d; d = d->next)
		if (d->subordinate)
			return false;
	return true;
}

static bool may_release(const struct k_bus *bus, enum k_release how)
{
	return bus->self && is_pci_bridge(bus->self) && (how == K_RELEASE_SUBTREE || is_leaf(bus));
}

/* Up to 6.12: which window of a bridge a resource of type @type would be in. */
static struct k_res *window_of_type(struct k_dev *bridge, uint32_t type)
{
	struct k_res *pref = k_window(bridge, PR_WINDOW_PREF);

	if (type & PR_IORES_IO)
		return k_window(bridge, PR_WINDOW_IO);
	if (!(type & PR_IORES_PREFETCH))
		return k_window(bridge, PR_WINDOW_MEM);
	if ((type & pref->flags & PR_IORES_MEM_64) ||
		(!(pref->flags & PR_IORES_MEM_64) && (pref->flags & PR_IORES_PREFETCH)))
		return pref;
	return k_window(bridge, PR_WINDOW_MEM);
}

static void release_of_type(struct k_model *m, struct k_bus *bus, uint32_t type, enum k_release how)
{
	for (struct k_dev *d = bus->first; d && how == K_RELEASE_SUBTREE; d = d->next)
		if (is_pci_bridge(d))
			release_of_type(m, d->subordinate, type, how);
	if (may_release(bus, how))
		release_window(m, window_of_type(bus->self, type));
}

/* Since 6.18: @window, and first the windows below that lie in it. */
static void release_inside(
	struct k_model *m, struct k_bus *bus, struct k_res *window, enum k_release how)
{
	for (struct k_dev *d = bus->first; d && how == K_RELEASE_SUBTREE; d = d->next) {
		for (unsigned int i = PR_WINDOW_IO; i <= PR_WINDOW_PREF && is_pci_bridge(d); i++)
			if (k_window(d, i)->placed && k_window(d, i)->parent == window)
				release_inside(m, d->subordinate, k_window(d, i), how);
	}
	if (may_release(bus, how) && window->dev == bus->self)
		release_window(m, window);
}

static void release_for(struct k_model *m, const struct k_res *failed, enum k_release how)
{
	struct k_bus *bus = failed->dev->bus;
	struct k_res *window;

	if (!m->profile->releases_inside) {
		release_of_type(m, bus, failed->failed_flags, how);
		return;
	}
	window = k_window_for(bus, failed->failed_flags);
	if (window)
		release_inside(m, bus, window, how);
}

/* It asks for what it asked for; up to 6.12 a window also has to find its type again. */
static void ask_again(const struct k_model *m, struct k_res *r)
{
	r->failed = false;
	if (r->placed)
		return;
	r->size = r->failed_size;
	r->start = r->failed_start;
	r->flags = r->window && m->profile->forget_failed ? 0 : r->failed_flags;
}

void k_release_failed(struct k_model *m, enum k_release how)
{
	for (struct k_res *r = m->failed; r; r = r->failed_next)
		release_for(m, r, how);
	for (struct k_res *r = m->failed; r; r = r->failed_next)
		ask_again(m, r);
	m->failed = NULL;
}

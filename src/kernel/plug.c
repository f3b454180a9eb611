/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A card comes or goes: what pciehp and acpiphp do of themselves, before anybody
 * is told (KERNEL 1.2).  Sources: pciehp_configure_device,
 * pciehp_unconfigure_device (drivers/pci/hotplug/pciehp_pci.c),
 * shpchp_configure_device (hotplug/shpchp_pci.c), enable_slot,
 * disable_slot (hotplug/acpiphp_glue.c), bus_rescan_store (pci-sysfs.c),
 * pci_assign_unassigned_bridge_resources (setup-bus.c).
 */
#include "kernel/model.h"

#include <errno.h>

#define ALL_DEVICES -1

static bool is_in_slot(const struct pr_function *f, int device)
{
	return device == ALL_DEVICES || f->address.device == device;
}

static struct pr_function *first_of(struct pr_root *root, struct pr_function *bridge)
{
	return bridge ? bridge->first_child : root->first_child;
}

static bool has_bus(const struct pr_function *bridge)
{
	return !bridge || (bridge->bridge && !bridge->removed && bridge->bridge->secondary != 0);
}

/* ---- the card itself ---- */

static void power_on(struct pr_function *first, int device)
{
	pr_for_each_child (top, first) {
		if (!is_in_slot(top, device))
			continue;
		for (struct pr_function *f = top; f; f = pr_function_walk(f, top))
			f->unplugged = false;
	}
}

int k_unplug_below(struct pr_root *root, struct pr_function *bridge, int device)
{
	int r = 0;

	if (!has_bus(bridge))
		return -EINVAL;
	pr_for_each_child (f, first_of(root, bridge)) {
		if (is_in_slot(f, device) && !f->facts->is_vf && r == 0)
			r = k_unplug(f);
	}
	return r;
}

/* ---- pci_assign_unassigned_bridge_resources ---- */

static struct k_dev *device_of(struct k_bus *bus, const struct pr_function *f)
{
	struct k_dev *d = bus->first;

	while (d && d->f != f)
		d = d->next;
	return d;
}

static void try_assign(struct k_model *m, struct k_dev *port)
{
	m->list = m->failed = NULL;
	m->n_listed = 0;
	k_size_bridges(m, port->subordinate);
	if (m->status == 0)
		k_distribute(m, port);
	if (m->status == 0)
		k_assign_bridge(m, port);
}

static void assign_twice(struct k_model *m, struct k_bus *bus, struct pr_function *port)
{
	struct k_dev *d = device_of(bus, port);

	if (!d)
		return;
	if (!d->subordinate) {
		k_doubt(m, port, "another bridge has its bus number");
		return;
	}
	k_check_modelled(m, bus);
	if (m->status == 0)
		try_assign(m, d);
	if (m->status == 0 && m->failed) {
		k_release_failed(m, K_RELEASE_SUBTREE);
		try_assign(m, d);
	}
}

/* From the bus that the port sits on: the second try may take windows away there too. */
static void assign_below(struct k_model *m, struct pr_function *port)
{
	k_assign_unclear(m, port, assign_twice);
}

/* ---- pciehp and shpchp ---- */

/* The controller looks at function 0 only. */
static bool is_occupied(const struct pr_function *port, uint8_t device)
{
	pr_for_each_child (f, port->first_child) {
		if (!f->removed && f->address.device == device && f->address.function == 0)
			return true;
	}
	return false;
}

/* A port of PCI Express has one slot, and functions beyond 7 look like devices (ARI). */
static int slot_of(const struct pr_function *port, uint8_t device)
{
	enum pr_port_type type = port->caps->pcie.port;

	return type == PR_PORT_ROOT || type == PR_PORT_DOWNSTREAM ? ALL_DEVICES : device;
}

static void configure(struct k_model *m, struct pr_function *port, int slot)
{
	if (k_scan_slot(m, port, slot) == 0 || m->status != 0)
		return;
	pr_for_each_child (f, port->first_child) {
		if (f->bridge && !f->removed && is_in_slot(f, slot) && m->status == 0)
			k_add_bridge(m, f);
	}
	if (m->status == 0)
		assign_below(m, port);
}

int k_plug(struct k_model *m, struct pr_function *port, uint8_t device)
{
	int slot;

	if (!port || !has_bus(port))
		return -EINVAL;
	slot = slot_of(port, device);
	power_on(port->first_child, slot);
	if (is_occupied(port, slot == ALL_DEVICES ? 0 : device))
		return 0;
	if (k_begin(m, port->root) == 0)
		configure(m, port, slot);
	return k_end(m);
}

int k_unplug_slot(struct pr_function *port, uint8_t device)
{
	return k_unplug_below(port->root, port, slot_of(port, device));
}

/* ---- class/pci_bus/B/rescan ---- */

static bool is_empty(const struct pr_function *bridge)
{
	pr_for_each_child (f, bridge->first_child)
		if (!f->removed)
			return false;
	return true;
}

int k_rescan_bus(struct k_model *m, struct pr_root *root, struct pr_function *bridge)
{
	if (!has_bus(bridge))
		return -EINVAL;
	if (!bridge || !is_empty(bridge))
		return k_rescan(m, root, bridge);
	if (k_begin(m, root) == 0) {
		k_scan(m, bridge);
		if (m->status == 0)
			assign_below(m, bridge);
	}
	return k_end(m);
}

/* ---- acpiphp ---- */

/*
 * check_hotplug_bridge.  That the firmware describes function 0 is what makes a
 * slot; whether it describes others cannot be seen.
 */
static void mark_hotplug(struct k_model *m, struct pr_function *f)
{
	if (f->bridge->hotplug ||
		(!m->profile->acpi_upstream && f->caps->pcie.port == PR_PORT_UPSTREAM))
		return;
	if (f->address.function != 0)
		k_doubt(m, f, "whether the firmware describes it is not known");
	f->bridge->hotplug = true;
}

/* What was there before may have kept an address in its registers since it was removed. */
static void survey_registers(struct k_model *m, const struct k_bus *bus)
{
	for (const struct k_dev *d = bus->first; d; d = d->next) {
		if (k_is_fresh(m, d->f) && !d->f->facts->is_newcomer)
			k_doubt(m, d->f,
				"whether acpiphp finds addresses in its registers is not known");
		if (d->subordinate)
			survey_registers(m, d->subordinate);
	}
}

/* pcibios_resource_survey_bus (arch/x86/pci/i386.c); elsewhere it does nothing. */
static void survey(struct k_model *m, struct k_bus *bus)
{
	if (!m->kernel->reads_windows)
		return;
	k_claim_registers(bus);
	survey_registers(m, bus);
}

static void assign_slot(struct k_model *m, struct pr_function *bridge, uint8_t device)
{
	struct k_bus *bus = k_tree_build(m, bridge, true);

	if (!bus)
		return;
	k_check_modelled(m, bus);
	for (struct k_dev *d = bus->first; d && m->status == 0; d = d->next) {
		if (!d->subordinate || d->f->address.device != device)
			continue;
		survey(m, d->subordinate);
		k_size_bridges(m, d->subordinate);
	}
	if (m->status == 0)
		k_assign(m, bus);
	if (m->status == 0)
		k_tree_store(m, bus);
}

static bool is_unplaced(const struct pr_resource *r)
{
	return r->index < PR_WINDOW_IO && r->state == PR_RES_UNASSIGNED &&
	       !(r->flags & PR_IORES_PCI_FIXED);
}

/* acpiphp_sanitize_bus: who has a BAR without a place is removed, newcomer or not. */
static int sanitize(struct pr_function *first)
{
	int r = 0;

	pr_for_each_child (f, first) {
		bool lacks = false;

		for (unsigned int i = 0; i < f->n_resources; i++)
			lacks |= is_unplaced(&f->resources[i]);
		if (lacks && !f->removed && !f->facts->is_vf && r == 0)
			r = k_remove(f);
	}
	return r;
}

static void enable_slot(struct k_model *m, struct pr_function *bridge, uint8_t device)
{
	(void)k_scan_slot(m, bridge, device); /* how many does not matter */
	k_scan_slot_bridges(m, bridge, device);
	pr_for_each_child (f, first_of(m->root, bridge)) {
		if (f->bridge && !f->removed && f->address.device == device && k_has_bus(m, f))
			mark_hotplug(m, f);
	}
	if (m->status == 0)
		assign_slot(m, bridge, device);
}

int k_plug_acpi(struct k_model *m, struct pr_root *root, struct pr_function *bridge, uint8_t device)
{
	int r;

	if (!has_bus(bridge))
		return -EINVAL;
	power_on(first_of(root, bridge), device);
	if (k_begin(m, root) == 0)
		enable_slot(m, bridge, device);
	r = k_end(m);
	return r == 0 ? sanitize(first_of(root, bridge)) : r;
}

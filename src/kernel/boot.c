/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel makes of one host bridge at boot: it claims what firmware has
 * placed, as far as that nests, and places the rest.  Sources:
 * pcibios_resource_survey and what it calls (arch/x86/pci/i386.c; other
 * architectures claim nothing), pci_claim_resource (drivers/pci/setup-res.c),
 * pci_assign_unassigned_root_bus_resources (drivers/pci/setup-bus.c); KERNEL
 * 1.5 and 1.9.
 */
#include "kernel/model.h"

#include <string.h>

#define TYPE_BITS (PR_IORES_IO | PR_IORES_MEM)

#define COMMAND_IO     1u
#define COMMAND_MEMORY 2u

/* ---- claiming ---- */

/* Firmware has given it an address: what the topology has as assigned is only that before boot. */
static bool has_address(const struct k_res *r)
{
	return r->r->state == PR_RES_ASSIGNED && r->at.first != 0;
}

static void forget_places(struct k_bus *bus)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		for (unsigned int i = 0; i < d->n_res; i++)
			if (d->res[i].placed)
				k_space_release(&d->res[i]);
		if (d->subordinate)
			forget_places(d->subordinate);
	}
}

/*
 * pci_find_parent_resource (drivers/pci/pci.c): the first that holds it; a
 * prefetchable one holds nothing else.
 */
static struct k_res *window_around(const struct k_bus *bus, const struct k_res *r)
{
	for (unsigned int i = 0; i < bus->n_windows; i++) {
		struct k_res *w = bus->windows[i];

		if (!w->placed || ((w->flags ^ r->flags) & TYPE_BITS) ||
			!pr_range_contains(&w->at, &r->at))
			continue;
		if ((w->flags & PR_IORES_PREFETCH) && !(r->flags & PR_IORES_PREFETCH))
			return NULL;
		return w;
	}
	return NULL;
}

static bool claim(const struct k_bus *bus, struct k_res *r)
{
	struct k_res *w = window_around(bus, r);

	if (!w)
		return false;
	for (const struct k_res *other = w->child; other; other = other->next)
		if (pr_range_overlaps(&other->at, &r->at))
			return false;
	k_space_insert(w, r);
	return true;
}

/*
 * pci_bus_clip_resource (drivers/pci/bus.c): a window that reaches beyond the
 * one above is cut down to what both have.
 */
static bool clip(const struct k_bus *bus, struct k_res *r)
{
	for (unsigned int i = 0; i < bus->n_windows; i++) {
		const struct k_res *w = bus->windows[i];
		struct pr_range both;

		if (!w->placed || ((w->flags ^ r->flags) & TYPE_BITS) ||
			!pr_range_intersect(&both, &w->at, &r->at))
			continue;
		if (pr_range_equal(&both, &r->at))
			return false;
		r->at = both;
		r->size = pr_range_size(&both);
		return true;
	}
	return false;
}

static void forget_window(struct k_res *w)
{
	w->flags = 0;
	w->size = w->start = 0;
	w->orphan = false;
}

/* pcibios_allocate_bridge_resources: a window that does not nest is forgotten. */
static void claim_windows(struct k_dev *d)
{
	for (unsigned int i = PR_WINDOW_IO; i <= PR_WINDOW_PREF; i++) {
		struct k_res *w = k_window(d, i);

		if (has_address(w) && (claim(d->bus, w) || (clip(d->bus, w) && claim(d->bus, w))))
			continue;
		forget_window(w);
	}
}

/* pcibios_allocate_bus_resources */
static void claim_bridges(struct k_bus *bus)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		if (!d->subordinate)
			continue;
		claim_windows(d);
		claim_bridges(d->subordinate);
	}
}

enum pass {
	PASS_ENABLED, /* BARs that decode */
	PASS_DISABLED,
	PASS_ROM,
};

static enum pass pass_of(const struct k_res *r)
{
	unsigned int bit = r->flags & PR_IORES_IO ? COMMAND_IO : COMMAND_MEMORY;

	if (r->index == PR_ROM)
		return PASS_ROM;
	return r->dev->f->header.command & bit ? PASS_ENABLED : PASS_DISABLED;
}

/* pcibios_allocate_dev_resources, pcibios_allocate_rom_resources */
static void claim_bars(struct k_bus *bus, enum pass pass)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		for (unsigned int i = 0; i < d->n_res; i++) {
			struct k_res *r = &d->res[i];

			if (!r->window && !r->placed && has_address(r) && pass_of(r) == pass)
				(void)claim(bus, r); /* or it is placed below */
		}
		if (d->subordinate)
			claim_bars(d->subordinate, pass);
	}
}

/* The address that a register holds, for who has no place in the table yet. */
static bool read_register(struct k_res *r)
{
	const struct pr_function *f = r->dev->f;
	const struct pr_config config = { .bytes = f->facts->config,
		.length = f->facts->config_length,
		.holes = f->facts->config_holes };
	struct pr_bar bar;

	if (r->window) {
		const struct pr_window *w = &f->bridge->registers[r->index - PR_WINDOW_IO];

		r->at = w->range;
		r->size = pr_range_size(&w->range);
		return w->open == PR_YES && w->range.first != 0;
	}
	return r->index < PR_ROM && pr_config_bar(&config, r->index, &bar) && bar.address != 0 &&
	       pr_range_make(&r->at, bar.address, r->size);
}

static void claim_registers_of(struct k_dev *d)
{
	for (unsigned int i = 0; i < d->n_res; i++) {
		struct k_res *r = &d->res[i];

		if (r->placed || (read_register(r) && claim(d->bus, r)))
			continue;
		if (r->window)
			forget_window(r);
	}
}

static void claim_registers_below(struct k_bus *bus)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		claim_registers_of(d);
		if (d->subordinate)
			claim_registers_below(d->subordinate);
	}
}

/* pcibios_resource_survey_bus: firmware may have set up what was plugged in. */
void k_claim_registers(struct k_bus *bus)
{
	claim_registers_of(bus->self);
	claim_registers_below(bus);
}

/* Elsewhere window registers are not read, and nothing has a place. */
static void forget_windows(struct k_bus *bus)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		if (!d->subordinate)
			continue;
		for (unsigned int i = PR_WINDOW_IO; i <= PR_WINDOW_PREF; i++) {
			forget_window(k_window(d, i));
		}
		forget_windows(d->subordinate);
	}
}

static void survey(const struct pr_kernel *k, struct k_bus *bus)
{
	forget_places(bus);
	if (!k->reads_windows) {
		forget_windows(bus);
		return;
	}
	claim_bridges(bus);
	claim_bars(bus, PASS_ENABLED);
	claim_bars(bus, PASS_DISABLED);
	claim_bars(bus, PASS_ROM);
}

/* ---- assigning ---- */

/* pci_bridge_resources_not_assigned: the kernel sizes all of its windows itself. */
static bool sizes_itself(struct k_dev *d)
{
	for (unsigned int i = PR_WINDOW_IO; i <= PR_WINDOW_PREF; i++) {
		const struct k_res *w = k_window(d, i);

		if (w->flags != 0 && !(w->flags & PR_IORES_STARTALIGN))
			return false;
	}
	return true;
}

/* pci_root_bus_distribute_available_resources: from the second level on. */
static void distribute(struct k_model *m, struct k_bus *bus)
{
	enum pr_boot_shares shares = m->kernel->boot_shares;

	if (shares == PR_BOOT_SHARES_NONE)
		return;
	for (struct k_dev *d = bus->first; d && m->status == 0; d = d->next) {
		if (!d->subordinate)
			continue;
		if (bus->self && sizes_itself(d))
			k_distribute(m, shares == PR_BOOT_SHARES_PORT ? bus->self : d);
		else
			distribute(m, d->subordinate);
	}
}

/* iov_resources_unassigned */
static bool lacks_vf_bars(const struct k_bus *bus)
{
	for (const struct k_dev *d = bus->first; d; d = d->next) {
		for (unsigned int i = 0; i < d->n_res; i++) {
			const struct k_res *r = &d->res[i];

			if (r->index >= PR_VF_BAR0 && r->index < PR_WINDOW_IO && !r->placed)
				return true;
		}
		if (d->subordinate && lacks_vf_bars(d->subordinate))
			return true;
	}
	return false;
}

static unsigned int depth(const struct k_bus *bus)
{
	unsigned int most = 0;

	for (const struct k_dev *d = bus->first; d; d = d->next) {
		unsigned int n = d->subordinate ? depth(d->subordinate) + 1 : 0;

		most = n > most ? n : most;
	}
	return most;
}

static unsigned int count_tries(const struct pr_kernel *k, const struct k_bus *bus)
{
	bool again = k->realloc == PR_REALLOC_ON ||
		     (k->realloc == PR_REALLOC_AUTO && lacks_vf_bars(bus));

	return again ? depth(bus) + 1 : 1;
}

static void try_root(struct k_model *m, struct k_bus *bus)
{
	m->list = m->failed = NULL;
	m->n_listed = 0;
	k_size_bridges(m, bus);
	if (m->status == 0)
		distribute(m, bus);
	if (m->status == 0)
		k_assign(m, bus);
}

/* Until the last try what is good to have counts as needed, so that windows grow. */
static void assign_root(struct k_model *m, struct k_bus *bus)
{
	unsigned int tries = count_tries(m->kernel, bus);

	for (unsigned int i = 1; i <= tries && m->status == 0; i++) {
		m->all_required = i < tries;
		try_root(m, bus);
		if (!m->failed || i == tries)
			return;
		k_release_failed(m, i == 1 ? K_RELEASE_LEAF : K_RELEASE_SUBTREE);
	}
}

/*
 * PowerPC claims as x86 does or not at all, by platform, and PowerNV widens
 * windows to the segments of its host bridges (pcibios_resource_survey,
 * pcibios_window_alignment; arch/powerpc).
 */
static void check_platform(struct k_model *m, const struct pr_root *root)
{
	const char *arch = m->t->machine.arch;

	if (arch && strncmp(arch, "ppc", 3) == 0)
		k_doubt(m, root->first_child, "how Linux on PowerPC boots is not modelled");
}

int k_boot(struct k_model *m, struct pr_root *root)
{
	struct k_bus *bus = NULL;

	check_platform(m, root);
	if (k_begin(m, root) == 0) {
		for (size_t i = 0; i < root->n_functions; i++) {
			m->fresh[i] = !root->functions[i].removed;
			if (k_asked_alignment(m, &root->functions[i]) > 0)
				k_doubt(m, &root->functions[i],
					"what resource_alignment= did at boot is not modelled");
		}
		bus = k_tree_build(m, NULL, true);
	}
	if (bus && m->status == 0) {
		k_check_modelled(m, bus);
		survey(m->kernel, bus);
	}
	if (m->status == 0)
		assign_root(m, bus);
	if (m->status == 0)
		k_tree_store(m, bus);
	return k_end(m);
}

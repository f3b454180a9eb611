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

/*
 * pcibios_allocate_bridge_resources: a window that does not nest is forgotten,
 * and memory windows that resource_alignment= had closed before.
 */
static void claim_windows(struct k_model *m, struct k_dev *d)
{
	bool closed = k_asked_alignment(m, d->f) > 0;

	for (unsigned int i = PR_WINDOW_IO; i <= PR_WINDOW_PREF; i++) {
		struct k_res *w = k_window(d, i);

		if (has_address(w) && !(closed && i != PR_WINDOW_IO) &&
			(claim(d->bus, w) || (clip(d->bus, w) && claim(d->bus, w))))
			continue;
		forget_window(w);
	}
}

/* pcibios_allocate_bus_resources */
static void claim_bridges(struct k_model *m, struct k_bus *bus)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		if (!d->subordinate)
			continue;
		claim_windows(m, d);
		claim_bridges(m, d->subordinate);
	}
}

enum pass {
	PASS_ENABLED, /* BARs that decode */
	PASS_DISABLED,
	PASS_ROM,
};

/* resource_alignment= has switched the decoding of memory off. */
static enum pass pass_of(struct k_model *m, const struct k_res *r)
{
	const struct pr_function *f = r->dev->f;
	bool io = r->flags & PR_IORES_IO;

	if (r->index == PR_ROM)
		return PASS_ROM;
	return f->header.command & (io ? COMMAND_IO : COMMAND_MEMORY) &&
			       (io || k_asked_alignment(m, f) == 0)
		       ? PASS_ENABLED
		       : PASS_DISABLED;
}

/* pcibios_allocate_dev_resources, pcibios_allocate_rom_resources */
static void claim_bars(struct k_model *m, struct k_bus *bus, enum pass pass)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		for (unsigned int i = 0; i < d->n_res; i++) {
			struct k_res *r = &d->res[i];

			if (!r->window && !r->placed && has_address(r) && pass_of(m, r) == pass)
				(void)claim(bus, r); /* or it is placed below */
		}
		if (d->subordinate)
			claim_bars(m, d->subordinate, pass);
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

static void survey(struct k_model *m, struct k_bus *bus)
{
	forget_places(bus);
	if (!m->kernel->reads_windows) {
		forget_windows(bus);
		return;
	}
	claim_bridges(m, bus);
	claim_bars(m, bus, PASS_ENABLED);
	claim_bars(m, bus, PASS_DISABLED);
	claim_bars(m, bus, PASS_ROM);
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

			if (pr_is_vf_bar(r->index) && !r->placed)
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

/* ---- finding ---- */

static unsigned int devfn_of(const struct pr_function *f)
{
	return f->address.device * 8u + f->address.function;
}

/* Whatever came later: at boot devices are found in the order of the bus. */
static void sort_bus(struct pr_function **first, struct pr_function **last)
{
	struct pr_function *sorted = NULL, *f = *first;

	while (f) {
		struct pr_function *next = f->next, **p = &sorted;

		while (*p && devfn_of(*p) <= devfn_of(f))
			p = &(*p)->next;
		f->next = *p;
		*p = f;
		f = next;
	}
	*first = sorted;
	for (f = sorted; f; f = f->next)
		*last = f;
}

/* What the kernel had given up, or was told to remove, is there again. */
static void find_again(struct k_model *m, struct pr_function *f)
{
	if (!f->unplugged && !f->facts->is_vf)
		f->removed = false;
	if (f->removed)
		return;
	m->fresh[f - m->root->functions] = true;
	for (unsigned int i = 0; i < f->n_resources; i++)
		if (f->resources[i].state == PR_RES_FORGOTTEN)
			f->resources[i].state = PR_RES_UNASSIGNED;
	if (k_raises_bars(m, f))
		k_doubt(m, f, "what resource_alignment= does to its BARs at boot is not modelled");
}

static void find_all(struct k_model *m)
{
	struct pr_root *root = m->root;

	sort_bus(&root->first_child, &root->last_child);
	for (size_t i = 0; i < root->n_functions; i++) {
		struct pr_function *f = &root->functions[i];

		sort_bus(&f->first_child, &f->last_child);
		find_again(m, f);
	}
}

int k_boot(struct k_model *m, struct pr_root *root)
{
	struct k_bus *bus = NULL;

	check_platform(m, root);
	if (k_begin(m, root) == 0) {
		find_all(m);
		if (m->kernel->assign_busses)
			k_number_all(m);
	}
	if (m->status == 0)
		bus = k_tree_build(m, NULL, true);
	if (bus && m->status == 0) {
		k_check_modelled(m, bus);
		survey(m, bus);
	}
	if (m->status == 0)
		assign_root(m, bus);
	if (m->status == 0)
		k_tree_store(m, bus);
	return k_end(m);
}

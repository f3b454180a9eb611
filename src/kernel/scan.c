/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Discovery: which devices a rescan finds, in which order, and the bus numbers
 * of the bridges among them.  Source: pci_scan_child_bus_extend and
 * pci_scan_bridge_extend (drivers/pci/probe.c); KERNEL 1.4.
 */
#include "kernel/model.h"

#include <errno.h>
#include <stdlib.h>

#define N_BUSES 256

/* A bus while it is scanned. */
struct scan {
	struct pr_function *self; /* bridge above; NULL: root bus */
	unsigned int number, end;
	bool reachable; /* configuration cycles get there */
	bool one_slot;  /* look at device number @device only */
	uint8_t device;
};

static unsigned int scan_bus(struct k_model *m, const struct scan *bus, unsigned int available);

bool k_is_fresh(const struct k_model *m, const struct pr_function *f)
{
	return m->fresh[f - m->root->functions];
}

static void set_fresh(struct k_model *m, struct pr_function *f)
{
	m->fresh[f - m->root->functions] = true;
}

static struct pr_function **children_of(struct k_model *m, const struct scan *bus)
{
	return bus->self ? &bus->self->first_child : &m->root->first_child;
}

static struct pr_function **last_child_of(struct k_model *m, const struct scan *bus)
{
	return bus->self ? &bus->self->last_child : &m->root->last_child;
}

/* ---- devices ---- */

/* A VF appears when its PF's driver asks for it. */
static bool is_found(const struct pr_function *f, const struct scan *bus)
{
	return f->removed && !f->unplugged && !f->facts->is_vf &&
	       (!bus->one_slot || f->address.device == bus->device);
}

static int compare_devfn(const void *a, const void *b)
{
	const struct pr_function *x = *(struct pr_function *const *)a;
	const struct pr_function *y = *(struct pr_function *const *)b;
	int order = x->address.device - y->address.device;

	return order != 0 ? order : x->address.function - y->address.function;
}

/* What it fixes itself is read anew, and has forgotten what was done to it. */
static void read_fixed(const struct pr_function *f, struct pr_resource *r)
{
	const struct pr_ea_entry *e = pr_ea_find(&f->caps->ea, r->index);

	if (!(r->flags & PR_IORES_EA_BEI) || !e)
		return;
	r->flags &= ~PR_IORES_UNSET;
	r->range = e->range;
}

/*
 * All that it asks for is open again; addresses in registers are read and
 * thrown away (KERNEL 1.5).
 */
static void rediscover(struct k_model *m, struct pr_function *f, const struct scan *bus)
{
	set_fresh(m, f);
	f->removed = false;
	f->predicted = true;
	f->address.bus = (uint8_t)bus->number;
	for (unsigned int i = 0; i < f->n_resources; i++) {
		f->resources[i].state = f->bridge && pr_resource_is_window(&f->resources[i])
						? PR_RES_CLOSED
						: PR_RES_UNASSIGNED;
		read_fixed(f, &f->resources[i]);
	}
	k_raise_alignment(m, f);
}

static size_t count_found(struct pr_function *first, const struct scan *bus)
{
	size_t n = 0;

	pr_for_each_child (f, first)
		n += is_found(f, bus);
	return n;
}

/* Unlinks what is found into @found, in the order of the list. */
static void take_found(const struct scan *bus, struct pr_function **first,
	struct pr_function **last, struct pr_function **found)
{
	struct pr_function **p = first;

	*last = NULL;
	while (*p) {
		struct pr_function *f = *p;

		if (is_found(f, bus)) {
			*p = f->next;
			f->next = NULL;
			*found++ = f;
			continue;
		}
		*last = f;
		p = &f->next;
	}
}

/*
 * New devices come after those that were there, by device and function number.
 * Returns how many.
 */
static size_t discover(struct k_model *m, const struct scan *bus)
{
	struct pr_function **first = children_of(m, bus), **last = last_child_of(m, bus);
	size_t n = bus->reachable ? count_found(*first, bus) : 0;
	struct pr_function **found;

	if (n == 0)
		return 0;
	found = pr_new_array(m->arena, n, struct pr_function *);
	if (!found) {
		m->status = -ENOMEM;
		return 0;
	}
	take_found(bus, first, last, found);
	qsort(found, n, sizeof(struct pr_function *), compare_devfn);
	for (size_t i = 0; i < n; i++) {
		if (*last)
			(*last)->next = found[i];
		else
			*first = found[i];
		*last = found[i];
		rediscover(m, found[i], bus);
	}
	return n;
}

/*
 * Buses beyond its own that the VFs of a function need at most
 * (pci_iov_bus_range, drivers/pci/iov.c).
 */
static unsigned int iov_buses(const struct pr_function *f)
{
	const struct pr_sriov *s = &f->caps->sriov;
	unsigned int devfn = f->address.device * 8u + f->address.function;

	if (s->present != PR_YES || s->total_vfs == 0)
		return 0;
	return (devfn + s->first_offset + (s->total_vfs - 1u) * s->stride) >> 8;
}

unsigned int k_virtual_buses(struct pr_function *first)
{
	unsigned int most = 0;

	pr_for_each_child (f, first) {
		unsigned int n = f->removed ? 0 : iov_buses(f);

		if (n > most)
			most = n;
	}
	return most;
}

/* ---- where configuration cycles go ---- */

static bool claims(const struct pr_function *g, unsigned int number)
{
	return g->bridge && !g->unplugged && g->bridge->secondary != 0 &&
	       number >= g->bridge->secondary && number <= g->bridge->subordinate;
}

/* Something below @top would be found, if the scan of bus @number got there. */
static bool hides(const struct pr_function *top, unsigned int number)
{
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		if (f != top && f->removed && !f->unplugged && !f->facts->is_vf &&
			f->parent->bridge && f->parent->bridge->secondary == number)
			return true;
	return false;
}

/* Something there is that could answer on bus @number, if @top alone forwarded it. */
static bool answers(const struct pr_function *top, unsigned int number)
{
	if (top->bridge->secondary == number)
		return top->first_child != NULL;
	pr_for_each_child (f, top->first_child)
		if (claims(f, number) && answers(f, number))
			return true;
	return false;
}

/*
 * The bridge on one bus that forwards bus @number.  Where two do, which one answers
 * is the hardware's choice, even when one leads nowhere: *ret_unclear, unless nothing
 * new is behind them.
 */
static struct pr_function *claimant(
	struct pr_function *first, unsigned int number, bool *ret_unclear)
{
	struct pr_function *found = NULL;

	pr_for_each_child (g, first) {
		if (!claims(g, number))
			continue;
		if (found)
			*ret_unclear |= hides(found, number) || hides(g, number);
		if (!found || (!answers(found, number) &&
				      (answers(g, number) || g->bridge->secondary == number)))
			found = g;
	}
	return found;
}

/* The bridge whose secondary bus answers to @number; the registers decide, not the kernel. */
static struct pr_function *route(const struct k_model *m, unsigned int number, bool *ret_unclear)
{
	struct pr_function *f = NULL, *first = m->root->first_child;

	if (number < m->root->facts.bus || number > m->root->last_bus)
		return NULL;
	do {
		f = claimant(first, number, ret_unclear);
		first = f ? f->first_child : NULL;
	} while (f && f->bridge->secondary != number);
	return f;
}

static bool has_place(const struct pr_function *f, const struct pr_function *place)
{
	pr_for_each_child (c, f->first_child)
		if (!c->removed && c->address.device == place->address.device &&
			c->address.function == place->address.function)
			return true;
	return false;
}

/* A card behind @to would be found on the bus below @f, where its place is free. */
static bool shows(const struct pr_function *to, const struct pr_function *f)
{
	pr_for_each_child (c, to->first_child)
		if (c->removed && !c->unplugged && !c->facts->is_vf && !has_place(f, c))
			return true;
	return false;
}

/* What was removed has been seen on this bus, whatever the registers say. */
static bool was_seen(const struct pr_function *f, unsigned int number)
{
	pr_for_each_child (c, f->first_child)
		if (c->removed && !c->unplugged && !c->facts->is_newcomer && !c->facts->is_vf &&
			c->facts->address.bus == number)
			return true;
	return false;
}

/* Nobody has written bus numbers since the machine was looked at: the same answers again. */
static bool has_old_numbers(const struct pr_root *root)
{
	for (size_t i = 0; i < root->n_functions; i++) {
		const struct pr_function *f = &root->functions[i];
		const uint8_t *raw = f->facts->config;

		if (!f->bridge || f->facts->is_newcomer)
			continue;
		if (f->facts->config_length <= 0x1a || raw[0x19] != f->bridge->secondary ||
			raw[0x1a] != f->bridge->subordinate)
			return false;
	}
	return true;
}

/* Does a scan of bus @number find what is behind @f? */
static bool is_reachable(struct k_model *m, struct pr_function *f, unsigned int number)
{
	bool unclear = false;
	const struct pr_function *to = route(m, number, &unclear);

	if ((to != f || unclear) && was_seen(f, number) && has_old_numbers(m->root))
		return true;
	if (unclear)
		k_doubt(m, f, "bus %02x is forwarded by two bridges beside each other", number);
	else if (to && to != f && (shows(to, f) || was_seen(f, number)))
		k_doubt(m, f, "bus %02x leads to what is behind another bridge", number);
	return to == f;
}

/* ---- bridges ---- */

/* The numbers in its registers make sense on this bus, and may be kept. */
static bool numbers_sensible(
	const struct k_model *m, const struct pr_function *f, const struct scan *bus)
{
	const struct pr_bridge *b = f->bridge;
	unsigned int primary = b->primary;

	if (m->kernel->assign_busses)
		return false;
	if (primary == 0 && b->secondary != 0 && b->subordinate != 0)
		primary = bus->number; /* hard-wired to 0 */
	return primary == bus->number && b->secondary > bus->number &&
	       b->secondary <= b->subordinate;
}

bool k_has_bus(const struct k_model *m, const struct pr_function *f)
{
	return f->bridge && f->bridge->secondary != 0 && m->bus_owner[f->bridge->secondary] == f;
}

static void give_bus(struct k_model *m, struct pr_function *f, const struct scan *child)
{
	m->bus_exists[child->number] = true;
	m->bus_owner[child->number] = f;
	m->new_bus[f - m->root->functions] = true;
	f->bridge->busless = false;
	f->no_bus = !child->reachable;
}

/* What a scan of a bus below another host bridge returns: the highest number in use there. */
static unsigned int highest_elsewhere(const struct k_model *m, unsigned int number)
{
	unsigned int highest = number;

	pr_for_each_root (m->t, i) {
		const struct pr_root *root = m->t->roots[i];

		if (root->facts.domain != m->root->facts.domain)
			continue;
		for (size_t k = 0; k < root->n_functions; k++) {
			const struct pr_function *f = &root->functions[k];

			if (f->bridge && !f->removed && f->address.bus == number &&
				f->bridge->subordinate > highest)
				highest = f->bridge->subordinate;
		}
	}
	return highest;
}

/*
 * The number belongs to another bus: the kernel scans that one once more, and
 * the bridge has none of its own (pci_find_bus).
 */
static unsigned int scan_foreign(struct k_model *m, struct pr_function *f, unsigned int number)
{
	struct pr_function *owner = m->bus_owner[number];
	struct scan bus = { .self = owner, .number = number };

	f->no_bus = f->bridge->busless = true;
	if (!owner)
		return highest_elsewhere(m, number);
	bus.end = owner->bridge->subordinate;
	bus.reachable = is_reachable(m, owner, number);
	return scan_bus(m, &bus, 0);
}

/* The bus that the owner of bus @number is on; that of a root bus is 0 (pci_bus.primary). */
static uint8_t primary_of(const struct k_model *m, unsigned int number)
{
	const struct pr_function *owner = m->bus_owner[number];

	return owner ? owner->address.bus : 0;
}

/* What was never seen behind a bridge cannot be predicted when it gets a bus. */
static void check_unseen(struct k_model *m, const struct pr_function *f, bool reachable)
{
	const struct pr_pcie *pcie = &f->caps->pcie;

	if ((!f->no_bus && !f->bridge->busless) || !reachable || f->first_child ||
		m->kernel->unseen_is_empty)
		return;
	if (pcie->slot_known == PR_YES && pcie->slot_implemented && !pcie->slot_presence)
		return;
	k_doubt(m, f, "it had no bus numbers, so that what is behind it is not known");
}

/* Beyond its own numbers the host bridge may have none, and what Linux then does is not known. */
static void check_own(struct k_model *m, const struct pr_function *f, unsigned int number)
{
	if (number > m->root->known_bus && number <= m->root->last_bus)
		k_doubt(m, f, "whether bus %02x belongs to its host bridge is not known", number);
}

/* A bridge that keeps the numbers of its registers, first pass. */
static unsigned int scan_configured(struct k_model *m, struct pr_function *f, unsigned int max)
{
	struct pr_bridge *b = f->bridge;
	struct scan child = {
		.self = f,
		.number = b->secondary,
		.end = b->subordinate,
	};
	unsigned int end = b->subordinate, highest;

	if (m->bus_exists[b->secondary] && m->bus_owner[b->secondary] != f) {
		(void)scan_foreign(m, f, b->secondary);
		return end > max ? end : max;
	}
	child.reachable = is_reachable(m, f, child.number);
	if (!k_has_bus(m, f)) {
		check_unseen(m, f, child.reachable);
		check_own(m, f, end);
		give_bus(m, f, &child);
	}
	highest = scan_bus(m, &child, end - child.number);
	if (!m->kernel->reads_windows && k_is_fresh(m, f) &&
		(child.number != max + 1 || highest != end))
		k_doubt(m, f, "whether this machine's host bridge keeps bus numbers is not known");
	return end > max ? end : max;
}

/* It is in use on bus numbers that are not @number. */
static bool had_other_bus(const struct k_model *m, const struct pr_function *f, unsigned int number)
{
	for (unsigned int i = 0; i < N_BUSES; i++)
		if (i != number && m->bus_owner[i] == f)
			return true;
	return false;
}

/* A bridge that gets numbers, second pass. */
static unsigned int scan_unconfigured(struct k_model *m, const struct scan *bus,
	struct pr_function *f, unsigned int max, unsigned int available)
{
	const struct pr_ea *ea = &f->caps->ea;
	bool fixed = ea->present == PR_YES && ea->fixed_secondary != 0 &&
		     ea->fixed_subordinate >= ea->fixed_secondary;
	struct scan child = { .self = f, .end = bus->end };

	child.number = fixed ? ea->fixed_secondary : max + 1;
	if (child.number >= N_BUSES) {
		f->no_bus = f->bridge->busless = true;
		return max;
	}
	f->bridge->primary = (uint8_t)bus->number;
	f->bridge->secondary = (uint8_t)child.number;
	if (m->kernel->assign_busses && had_other_bus(m, f, child.number))
		k_doubt(m, f, "pci=assign-busses gives it another bus while it is in use");
	if (m->bus_exists[child.number] && m->bus_owner[child.number] != f) {
		f->bridge->primary = primary_of(m, child.number);
		max = scan_foreign(m, f, child.number);
		f->bridge->subordinate = (uint8_t)max;
		return max;
	}
	f->bridge->subordinate = (uint8_t)bus->end; /* while its bus is scanned */
	child.reachable = is_reachable(m, f, child.number);
	if (m->bus_owner[child.number] != f) {
		check_unseen(m, f, child.reachable);
		give_bus(m, f, &child);
	}

	max = scan_bus(m, &child, available > 0 ? available - 1 : 0);
	if (fixed)
		max = ea->fixed_subordinate;
	f->bridge->subordinate = (uint8_t)max;
	check_own(m, f, max);
	return max;
}

struct bridge_count {
	unsigned int hotplug, normal;
};

static struct bridge_count count_bridges(struct pr_function *first)
{
	struct bridge_count n = { 0 };

	pr_for_each_child (f, first) {
		if (f->removed)
			continue;
		if (f->bridge && f->bridge->hotplug)
			n.hotplug++;
		else if (f->bridge || f->header.type == PR_HEADER_CARDBUS)
			n.normal++;
	}
	return n;
}

/* Spare bus numbers for a bridge of the second pass. */
static unsigned int share(const struct pr_function *f, const struct bridge_count *n,
	unsigned int available, unsigned int used)
{
	unsigned int part, rest;

	if (n->hotplug == 0 && n->normal == 1)
		return available;
	if (!f->bridge->hotplug)
		return 0;
	part = available / n->hotplug;
	rest = available - used + 1; /* wraps as in the kernel: no limit then */
	return part < rest ? part : rest;
}

static bool is_removed_or_plain(const struct pr_function *f)
{
	return f->removed || !f->bridge;
}

/* First pass keeps what is configured, second pass numbers the rest. */
static unsigned int scan_bridges(struct k_model *m, const struct scan *bus, unsigned int max,
	unsigned int available, unsigned int used)
{
	struct pr_function *first = *children_of(m, bus);
	struct bridge_count n = count_bridges(first);
	unsigned int before;

	pr_for_each_child (f, first) {
		if (is_removed_or_plain(f))
			continue;
		before = max;
		if (numbers_sensible(m, f, bus))
			max = scan_configured(m, f, max);
		else
			f->bridge->secondary = f->bridge->subordinate = 0;
		used++;
		if (max - before > 1)
			used += max - before - 1;
	}
	pr_for_each_child (f, first) {
		if (is_removed_or_plain(f) || f->bridge->secondary != 0)
			continue;
		before = max;
		max = scan_unconfigured(m, bus, f, before, share(f, &n, available, used));
		if (max - before > 1)
			used += max - before - 1;
	}
	return max;
}

/* Returns the highest bus number in use below. */
static unsigned int scan_bus(struct k_model *m, const struct scan *bus, unsigned int available)
{
	unsigned int max = bus->number, used, least;

	(void)discover(m, bus); /* how many does not matter */
	if (m->status != 0)
		return max;
	used = k_virtual_buses(*children_of(m, bus));
	max = scan_bridges(m, bus, max + used, available, used);

	if (bus->self && bus->self->bridge->hotplug) {
		least = m->kernel->hp_bus_size > 0 ? m->kernel->hp_bus_size - 1 : 0;
		if (least < available)
			least = available;
		if (max - bus->number < least) {
			max = bus->number + least;
			if (max > bus->end)
				max = bus->end;
		}
	}
	return max;
}

static struct scan bus_below(struct k_model *m, struct pr_function *bridge)
{
	struct scan bus = {
		.self = bridge,
		.number = bridge ? bridge->bridge->secondary : m->root->facts.bus,
		.end = bridge ? bridge->bridge->subordinate : m->root->last_bus,
	};

	bus.reachable = !bridge || is_reachable(m, bridge, bus.number);
	return bus;
}

void k_scan(struct k_model *m, struct pr_function *bridge)
{
	struct scan bus = bus_below(m, bridge);

	(void)scan_bus(m, &bus, 0);
}

/* ---- one slot, when a card comes ---- */

size_t k_scan_slot(struct k_model *m, struct pr_function *bridge, int device)
{
	struct scan bus = bus_below(m, bridge);

	bus.one_slot = device >= 0;
	bus.device = (uint8_t)device;
	return discover(m, &bus);
}

/* What pci_scan_bridge does to one bridge in its two passes; returns the highest number. */
static unsigned int scan_one_bridge(struct k_model *m, const struct scan *bus,
	struct pr_function *f, unsigned int max, unsigned int pass, unsigned int available)
{
	bool configured = f->bridge->secondary != 0;

	if (pass == 1)
		return configured ? max : scan_unconfigured(m, bus, f, max, available);
	if (numbers_sensible(m, f, bus))
		return scan_configured(m, f, max);
	f->bridge->secondary = f->bridge->subordinate = 0;
	return max;
}

void k_add_bridge(struct k_model *m, struct pr_function *f)
{
	struct scan bus = bus_below(m, f->parent);
	unsigned int max = bus.number;

	while (max <= bus.end && m->bus_exists[max])
		max++;
	if (max > bus.end) {
		f->no_bus = f->bridge->busless = true;
		if (f->caps->shpc.present == PR_YES) /* KERNEL 1.4, K12 */
			k_doubt(m, f,
				"no bus number is left for it, and its hot-plug driver crashes Linux then");
		return;
	}
	max = scan_one_bridge(m, &bus, f, max - 1, 0, 0);
	(void)scan_one_bridge(m, &bus, f, max, 1, bus.end - max);
}

/* acpiphp_max_busnr */
static unsigned int highest_bus(
	const struct k_model *m, struct pr_function *first, unsigned int max)
{
	pr_for_each_child (f, first) {
		if (f->removed || !k_has_bus(m, f))
			continue;
		if (f->bridge->subordinate > max)
			max = f->bridge->subordinate;
		max = highest_bus(m, f->first_child, max);
	}
	return max;
}

void k_scan_slot_bridges(struct k_model *m, struct pr_function *bridge, uint8_t device)
{
	struct scan bus = bus_below(m, bridge);
	struct pr_function *first = *children_of(m, &bus);
	unsigned int max = highest_bus(m, first, bus.number);

	for (unsigned int pass = 0; pass < 2; pass++) {
		pr_for_each_child (f, first) {
			if (f->bridge && !f->removed && f->address.device == device)
				max = scan_one_bridge(m, &bus, f, max, pass, 0);
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Actions on a topology, one after the other, on a copy of the host bridges
 * they touch: remove, rescan, and register writes.  Sources: remove_store and
 * dev_rescan_store (drivers/pci/pci-sysfs.c), pci_rescan_bus (probe.c); KERNEL
 * 1.1 and 1.3.
 */
#include "kernel/model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define N_BUSES 256

void k_doubt(struct k_model *m, const struct pr_function *f, const char *format, ...)
{
	va_list args;

	if (m->status != 0)
		return;
	m->status = 1;
	m->doubt->function = f;
	va_start(args, format);
	(void)vsnprintf(m->doubt->text, sizeof(m->doubt->text), format, args); /* may be cut */
	va_end(args);
}

/* ---- remove ---- */

static void mark_removed(struct pr_function *f)
{
	f->removed = true;
	for (unsigned int i = 0; i < f->n_resources; i++) {
		struct pr_resource *r = &f->resources[i];

		if (r->flags & PR_IORES_PCI_FIXED) {
			r->state = PR_RES_UNASSIGNED; /* its range is where it will be again */
			continue;
		}
		r->range = (struct pr_range){ 0 };
		if (f->bridge && pr_resource_is_window(r)) {
			r->state = PR_RES_CLOSED;
			r->size = 0;
		} else {
			r->state = PR_RES_UNASSIGNED;
		}
	}
}

/* VFs go with their PF, wherever they are. */
static void remove_vfs(const struct pr_function *pf)
{
	struct pr_root *root = pf->root;

	for (size_t i = 0; i < root->n_functions; i++) {
		struct pr_function *f = &root->functions[i];

		if (f->facts->is_vf && !f->removed &&
			pr_address_compare(&f->facts->physfn, &pf->facts->address) == 0)
			mark_removed(f);
	}
}

static bool has_vfs(const struct pr_function *f)
{
	return f->facts->sriov_numvfs > 0 ||
	       (f->caps->sriov.present == PR_YES && f->caps->sriov.enabled);
}

static int apply_remove(struct pr_function *top)
{
	if (top->removed || top->facts->is_vf)
		return -EINVAL;
	for (struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
		if (!f->removed)
			mark_removed(f);
		if (has_vfs(f))
			remove_vfs(f);
	}
	return 0;
}

/* ---- write ---- */

static void put(uint8_t *p, unsigned int width, uint64_t value)
{
	for (unsigned int i = 0; i < width; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

/* Window registers: PCI-to-PCI Bridge 1.2, 3.2.5.6 to 3.2.5.10; closed as Linux writes it. */
static void encode_io(const struct pr_window *w, uint8_t *raw)
{
	bool open = w->open == PR_YES;
	uint8_t type = w->width == 32;

	if (w->implemented != PR_YES)
		return;
	raw[0x1c] = (uint8_t)((open ? w->range.first >> 8 & 0xf0 : 0xf0) | type);
	raw[0x1d] = (uint8_t)((open ? w->range.last >> 8 & 0xf0 : 0) | type);
	put(raw + 0x30, 2, open ? w->range.first >> 16 : 0);
	put(raw + 0x32, 2, open ? w->range.last >> 16 : 0);
}

static void encode_mem(const struct pr_window *w, uint8_t *raw, unsigned int offset)
{
	bool open = w->open == PR_YES;
	uint8_t type = w->width == 64;

	if (w->implemented != PR_YES)
		return;
	put(raw + offset, 2, (open ? w->range.first >> 16 & 0xfff0 : 0xfff0) | type);
	put(raw + offset + 2, 2, (open ? w->range.last >> 16 & 0xfff0 : 0) | type);
	if (type) {
		put(raw + 0x28, 4, open ? w->range.first >> 32 : 0);
		put(raw + 0x2c, 4, open ? w->range.last >> 32 : 0);
	}
}

static void encode_bridge(const struct pr_bridge *b, uint8_t raw[64])
{
	raw[0x0e] = 1; /* header type */
	raw[0x18] = b->primary;
	raw[0x19] = b->secondary;
	raw[0x1a] = b->subordinate;
	encode_io(&b->registers[0], raw);
	encode_mem(&b->registers[1], raw, 0x20);
	encode_mem(&b->registers[2], raw, 0x24);
	put(raw + 0x3e, 2, b->control);
}

static bool is_read_only(const struct pr_bridge *b, unsigned int offset)
{
	bool io = offset == 0x1c || offset == 0x1d || (offset >= 0x30 && offset <= 0x33);
	bool pref = offset >= 0x24 && offset <= 0x2f;

	return (io && b->registers[0].implemented != PR_YES) ||
	       (pref && b->registers[2].implemented != PR_YES);
}

/* The low bits of the window registers say how wide they are and cannot be written. */
static uint8_t merge_byte(uint8_t old, uint8_t new, unsigned int offset)
{
	bool typed = offset == 0x1c || offset == 0x1d || offset == 0x20 || offset == 0x22 ||
		     offset == 0x24 || offset == 0x26;

	return typed ? (uint8_t)((new & 0xf0) | (old & 0x0f)) : new;
}

static struct k_header *header_of(struct k_model *m, const struct pr_function *f)
{
	struct k_header *h = m->writes;

	while (h && h->f != f)
		h = h->next;
	if (h)
		return h;
	h = pr_new(m->writes_arena, struct k_header);
	if (!h)
		return NULL;
	h->f = f;
	h->next = m->writes;
	encode_bridge(f->bridge, h->raw);
	m->writes = h;
	return h;
}

static int write_bridge(struct k_model *m, const struct pr_function *f, const struct pr_action *a)
{
	struct k_header *h = header_of(m, f);
	struct pr_bridge *b = f->bridge;
	struct pr_bridge_header header;

	if (!h)
		return -ENOMEM;
	for (unsigned int i = 0; i < a->width; i++) {
		unsigned int offset = a->offset + i;

		if (!is_read_only(b, offset))
			h->raw[offset] =
				merge_byte(h->raw[offset], (uint8_t)(a->value >> (8 * i)), offset);
	}
	if (!pr_config_bridge(&(struct pr_config){ h->raw, sizeof(h->raw) }, &header))
		return -EINVAL;

	b->primary = header.primary;
	b->secondary = header.secondary;
	b->subordinate = header.subordinate;
	b->control = header.control;
	b->registers[0] = header.io;
	b->registers[1] = header.mem;
	b->registers[2] = header.pref;
	return 0;
}

static bool touches(const struct pr_action *a, unsigned int first, unsigned int last)
{
	return a->offset <= last && a->offset + a->width > first;
}

static bool changes_rebar(const struct pr_function *f, const struct pr_action *a)
{
	const struct pr_rebar *rebar = &f->caps->rebar;
	unsigned int first = rebar->offset;

	return rebar->present == PR_YES && touches(a, first, first + 3 + 8u * rebar->n_entries);
}

/* Registers that decide nothing here may be written too. */
static int apply_write(struct k_model *m, struct pr_function *f, const struct pr_action *a)
{
	if (f->removed || (a->width != 1 && a->width != 2 && a->width != 4) ||
		a->offset % a->width != 0 || a->offset + a->width > 4096)
		return -EINVAL;
	if (changes_rebar(f, a))
		k_doubt(m, f, "what a write to its Resizable BAR registers does is not known");
	if (m->status != 0)
		return m->status;
	if (!f->bridge || !touches(a, 0x18, 0x33) || a->offset >= 0x34)
		return 0;
	return write_bridge(m, f, a);
}

/* ---- rescan ---- */

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
			if (f->bridge && f->bridge->secondary != 0)
				own_bus(m, &root->functions[k]);
		}
	}
}

/* Cases that the model leaves out, for every function that the scan has found or seen again. */
static void check_modelled(struct k_model *m, struct k_bus *bus)
{
	for (struct k_dev *d = bus->first; d; d = d->next) {
		if (d->f->header.type == PR_HEADER_CARDBUS && k_is_fresh(m, d->f))
			k_doubt(m, d->f, "how Linux sets up a CardBus bridge is not modelled");
		if (d->f->bridge && m->kernel->assign_busses)
			k_doubt(m, d->f,
				"how Linux numbers buses with pci=assign-busses is not modelled");
		if (d->subordinate)
			check_modelled(m, d->subordinate);
	}
}

/* pci_assign_unassigned_bus_resources: the windows of the bus itself stay what they are. */
static void assign_resources(struct k_model *m, struct pr_function *bridge)
{
	struct k_bus *bus = k_tree_build(m, bridge);

	if (!bus)
		return;
	check_modelled(m, bus);
	for (struct k_dev *d = bus->first; d && m->status == 0; d = d->next)
		if (d->subordinate)
			k_size_bridges(m, d->subordinate);
	if (m->status == 0)
		k_assign(m, bus);
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
	m->bus_exists = pr_new_array(m->arena, N_BUSES, bool);
	m->bus_owner = pr_new_array(m->arena, N_BUSES, struct pr_function *);
	if (!m->fresh || !m->bus_exists || !m->bus_owner) {
		m->status = -ENOMEM;
		return false;
	}
	mark_buses(m);
	return sort_busy(m, facts->busy_io, facts->n_busy_io, &m->busy_io, &m->n_busy_io) &&
	       sort_busy(m, facts->busy_mem, facts->n_busy_mem, &m->busy_mem, &m->n_busy_mem);
}

static int apply_rescan(struct k_model *m, struct pr_root *root, struct pr_function *f)
{
	struct pr_function *bridge = f ? f->parent : NULL;

	if (f && (f->removed || f->root != root))
		return -EINVAL;
	if (bridge && bridge->bridge->secondary == 0)
		return -EINVAL;

	m->root = root;
	m->writes = NULL;
	m->arena = pr_arena_new();
	if (!m->arena)
		return -ENOMEM;
	m->list = NULL;
	m->list_order = 0;
	m->n_listed = 0;
	if (prepare(m))
		k_scan(m, bridge);
	if (m->status == 0)
		assign_resources(m, bridge);
	pr_arena_free(m->arena);
	m->arena = NULL;
	return m->status;
}

/* ---- actions ---- */

static const struct pr_root *root_of(const struct pr_action *a)
{
	return a->function ? a->function->root : a->root;
}

/*
 * Bus numbers written to a bridge that is not removed before the next rescan
 * give it a second bus (KERNEL 1.4).
 */
static bool writes_live_bus(const struct pr_action *actions, size_t n)
{
	const struct pr_action *w = &actions[0];

	if (w->kind != PR_ACTION_WRITE || !w->function->bridge || !touches(w, 0x18, 0x1a))
		return false;
	for (size_t i = 1; i < n; i++) {
		if (actions[i].kind == PR_ACTION_REMOVE &&
			pr_function_below(w->function, actions[i].function))
			return false;
		if (actions[i].kind == PR_ACTION_RESCAN)
			return root_of(&actions[i]) == w->function->root;
	}
	return false;
}

static int apply_one(struct k_model *m, const struct pr_action *actions, size_t n)
{
	const struct pr_action *a = &actions[0];
	struct pr_function *f = a->function ? pr_topology_same(m->t, a->function) : NULL;
	size_t root;

	switch (a->kind) {
	case PR_ACTION_REMOVE:
		return apply_remove(f);
	case PR_ACTION_WRITE:
		if (writes_live_bus(actions, n))
			k_doubt(m, f, "its bus numbers are written while it is in use");
		return m->status != 0 ? m->status : apply_write(m, f, a);
	case PR_ACTION_RESCAN:
		root = pr_root_position(m->t, root_of(a));
		return apply_rescan(m, m->t->roots[root], f);
	}
	return -EINVAL;
}

static int check_action(const struct pr_topology *t, const struct pr_action *a)
{
	if (!a->function && (a->kind != PR_ACTION_RESCAN || !a->root))
		return -EINVAL;
	return pr_root_position(t, root_of(a)) < t->n_roots ? 0 : -EINVAL;
}

static int copy_touched(const struct pr_topology *t, const struct pr_action *actions, size_t n,
	struct pr_topology **ret)
{
	struct pr_arena *arena = pr_arena_new();
	bool *touch;
	int r = 0;

	if (!arena)
		return -ENOMEM;
	touch = pr_new_array(arena, t->n_roots, bool);
	if (!touch)
		r = -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		r = check_action(t, &actions[i]);
		if (r == 0)
			touch[pr_root_position(t, root_of(&actions[i]))] = true;
	}
	if (r == 0)
		r = pr_topology_copy(t, touch, ret);
	pr_arena_free(arena);
	return r;
}

static int apply_all(struct k_model *m, const struct pr_action *actions, size_t n)
{
	int r = 0;

	m->writes_arena = pr_arena_new();
	if (!m->writes_arena)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++)
		r = apply_one(m, &actions[i], n - i);
	pr_arena_free(m->writes_arena);
	return r;
}

int pr_kernel_apply(const struct pr_kernel *k, const struct pr_topology *t,
	const struct pr_action *actions, size_t n, struct pr_topology **ret, struct pr_doubt *doubt)
{
	struct pr_doubt unwanted;
	struct k_model m = {
		.kernel = k,
		.profile = k_profile_of(k),
		.doubt = doubt ? doubt : &unwanted,
	};
	int r;

	r = copy_touched(t, actions, n, &m.t);
	if (r < 0)
		return r;
	r = apply_all(&m, actions, n);
	if (r == 1 && m.doubt->function)
		m.doubt->function = pr_topology_same(t, m.doubt->function);
	if (r != 0) {
		pr_topology_free(m.t);
		return r;
	}

	m.t->generation = pr_topology_digest(m.t);
	*ret = m.t;
	return 0;
}

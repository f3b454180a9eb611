/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From facts to a topology: decodes every function, finds its parent and its
 * host bridge, links the tree.  Facts may contradict each other; then it says
 * where.  Does not know where facts come from.
 */
#include "core/building.h"
#include "core/decode.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int pr_building_contradiction(
	struct pr_building *x, const struct pr_address *a, const char *format, ...)
{
	va_list ap;

	x->error->address = *a;
	va_start(ap, format);
	(void)vsnprintf(x->error->text, sizeof(x->error->text), format, ap); /* cut is fine */
	va_end(ap);
	return 1;
}

static int compare_address_to_node(const void *pa, const void *pb)
{
	const struct pr_building_node *n = pb;

	return pr_address_compare(pa, &n->f.address);
}

struct pr_building_node *pr_building_find(struct pr_building *x, const struct pr_address *a)
{
	return bsearch(a, x->nodes, x->n, sizeof(*x->nodes), compare_address_to_node);
}

static int compare_facts(const void *pa, const void *pb)
{
	const struct pr_facts *const *a = pa, *const *b = pb;

	return pr_address_compare(&(*a)->address, &(*b)->address);
}

/*
 * Hot-Plug Capable in an implemented slot.  A Standard Hot-Plug Controller does
 * not count: the kernel keeps no reserves for it (drivers/pci/probe.c,
 * set_pcie_hotplug_bridge() is the only one to set is_hotplug_bridge).
 */
static bool is_hotplug(const struct pr_caps *caps)
{
	return caps->pcie.slot_known == PR_YES && caps->pcie.slot_hotplug;
}

/*
 * After power-on a window may read zero, whether it is there or not; the kernel
 * writes to see (pci_read_bridge_windows, drivers/pci/probe.c), and so did who
 * measured.  Base and limit of zero forward the lowest block.
 */
static void apply_window_mask(struct pr_window *w, const struct pr_bar_mask *mask, bool io)
{
	if (w->implemented == PR_YES)
		return;
	w->implemented = mask->low != 0 ? PR_YES : PR_NO;
	w->open = w->implemented;
	if (w->open == PR_YES)
		w->range = (struct pr_range){ 0, io ? 0xfff : 0xfffff };
	if (w->open == PR_YES && mask->high != 0)
		w->width = io ? 32 : 64;
}

static void measure_windows(struct pr_bridge *b, const struct pr_facts *facts)
{
	for (size_t i = 0; i < facts->n_masks; i++) {
		unsigned int index = facts->masks[i].index;

		if (index == PR_WINDOW_IO || index == PR_WINDOW_PREF)
			apply_window_mask(&b->registers[index - PR_WINDOW_IO], &facts->masks[i],
				index == PR_WINDOW_IO);
	}
}

/*
 * sysfs shows a bridge's windows only if the kernel made a bus for it
 * (pci-sysfs.c, resource_show).  Some chipset bridges keep zeroes in their
 * registers and have one.
 */
static bool kernel_has_bus(const struct pr_function *bridge)
{
	return pr_facts_line(bridge->facts, PR_WINDOW_IO) != NULL;
}

static bool decode_bridge(struct pr_arena *arena, struct pr_function *f, const struct pr_config *c)
{
	struct pr_bridge_header h = { 0 };

	if (f->header.type != PR_HEADER_BRIDGE)
		return true;
	f->bridge = pr_new(arena, struct pr_bridge);
	if (!f->bridge)
		return false;

	(void)pr_config_bridge(c, &h); /* not known: all zero, and the windows say so */
	*f->bridge = (struct pr_bridge){
		.primary = h.primary,
		.secondary = h.secondary,
		.subordinate = h.subordinate,
		.registers = { h.io, h.mem, h.pref },
		.hotplug = is_hotplug(f->caps),
		.subtractive = f->header.class_code == 0x060401,
		.control = h.control,
	};
	f->bridge->busless = f->facts->lines && !kernel_has_bus(f);
	measure_windows(f->bridge, f->facts);
	return true;
}

/*
 * Functions of one kind often follow each other (virtual functions, the many
 * parts of a processor): equal capabilities are kept once.  @before may be NULL.
 */
static const struct pr_caps *keep_caps(
	struct pr_arena *arena, const struct pr_caps *caps, const struct pr_caps *before)
{
	if (before && memcmp(caps, before, sizeof(*caps)) == 0)
		return before;
	return pr_arena_memdup(arena, caps, sizeof(*caps));
}

static bool decode_function(
	struct pr_arena *arena, struct pr_function *f, const struct pr_caps *before)
{
	struct pr_config config = pr_facts_config(f->facts);
	struct pr_resource resources[PR_RESOURCE_MAX + 1] = { 0 };
	struct pr_caps caps;

	f->address = f->facts->address;
	f->removed = f->facts->is_newcomer;
	(void)pr_config_header(&config, &f->header); /* type stays unknown */
	pr_config_caps(&config, &caps);
	f->caps = keep_caps(arena, &caps, before);
	if (!f->caps || !decode_bridge(arena, f, &config))
		return false;

	f->n_resources = (uint8_t)pr_resources_decode(f, resources);
	f->resources = pr_arena_memdup(arena, resources, f->n_resources * sizeof(*resources));
	return f->resources != NULL;
}

/* Recordings come in order; a directory does not. */
static void sort_facts(struct pr_builder *b)
{
	for (size_t i = 1; i < b->n_facts; i++) {
		if (compare_facts(&b->facts[i - 1], &b->facts[i]) < 0)
			continue;
		qsort(b->facts, b->n_facts, sizeof(*b->facts), compare_facts);
		return;
	}
}

static int make_nodes(struct pr_building *x)
{
	struct pr_builder *b = x->b;

	x->n = b->n_facts;
	x->nodes = calloc(x->n + 1, sizeof(*x->nodes));
	if (!x->nodes)
		return -ENOMEM;

	for (size_t i = 0; i < x->n; i++) {
		const struct pr_caps *before = i > 0 ? x->nodes[i - 1].f.caps : NULL;

		x->nodes[i].root = PR_NO_ROOT;
		x->nodes[i].f.facts = b->facts[i];
		if (!decode_function(x->arena, &x->nodes[i].f, before))
			return -ENOMEM;
	}
	return 0;
}

/* The kernel's discovery order where it was recorded, else by address; newcomers come last. */
static unsigned int rank(const struct pr_function *f)
{
	return f->facts->is_newcomer ? UINT_MAX : f->facts->order;
}

static void link_child(struct pr_root *root, struct pr_function *f)
{
	struct pr_function **first = f->parent ? &f->parent->first_child : &root->first_child;
	struct pr_function **last = f->parent ? &f->parent->last_child : &root->last_child;
	struct pr_function **at = first;

	if (*last && rank(*last) <= rank(f))
		at = &(*last)->next;
	while (*at && rank(*at) <= rank(f))
		at = &(*at)->next;
	f->next = *at;
	*at = f;
	if (!f->next)
		*last = f;
}

/* Two functions cannot be in one place. */
static int check_place(struct pr_building *x, const struct pr_function *f)
{
	struct pr_function *first = f->parent ? f->parent->first_child : f->root->first_child;
	char name[PR_ADDRESS_MAX];

	pr_for_each_child (other, first) {
		if (other == f || other->address.device != f->address.device ||
			other->address.function != f->address.function || other->facts->is_vf)
			continue;
		pr_address_format(&other->address, name);
		return pr_building_contradiction(
			x, &f->address, "it is a newcomer in the place of %s", name);
	}
	return 0;
}

static int check_newcomers(struct pr_building *x)
{
	int r = 0;

	for (size_t i = 0; i < x->n && r == 0; i++)
		if (x->nodes[i].f.facts->is_newcomer)
			r = check_place(x, x->nodes[i].placed);
	return r;
}

static int place_functions(struct pr_building *x, struct pr_topology *t)
{
	pr_for_each_root (t, i) {
		struct pr_root *root = t->roots[i];

		root->functions = pr_new_array(x->arena, root->n_functions, struct pr_function);
		if (!root->functions)
			return -ENOMEM;
		root->n_functions = 0; /* counts again while they come in */
	}
	for (size_t i = 0; i < x->n; i++) {
		struct pr_root *root = t->roots[x->nodes[i].root];

		x->nodes[i].placed = &root->functions[root->n_functions++];
		*x->nodes[i].placed = x->nodes[i].f;
		x->nodes[i].placed->root = root;
	}
	for (size_t i = 0; i < x->n; i++) {
		struct pr_function *f = x->nodes[i].placed;

		f->parent = x->nodes[i].parent ? x->nodes[i].parent->placed : NULL;
		link_child(f->root, f);
	}
	return 0;
}

/* ---- bus numbers ---- */

static bool buses_known(const struct pr_function *bridge)
{
	return bridge->bridge->registers[1].width != 0; /* the same read told both */
}

/* Can configuration cycles reach its secondary bus? */
static bool buses_usable(const struct pr_function *f)
{
	const struct pr_bridge *b = f->bridge, *above = f->parent ? f->parent->bridge : NULL;

	if (b->secondary == 0 && b->subordinate == 0)
		return kernel_has_bus(f);
	if (b->secondary <= f->address.bus || b->subordinate < b->secondary)
		return false;
	if (!f->parent)
		return b->secondary <= f->root->last_bus;
	if (!above || !buses_known(f->parent) || above->secondary == 0)
		return true; /* CardBus, or not known */
	return b->secondary >= above->secondary && b->secondary <= above->subordinate;
}

/* Who has functions behind it has buses, whatever its registers say. */
static void find_busless(struct pr_topology *t)
{
	pr_for_each_root (t, i) {
		struct pr_root *root = t->roots[i];

		for (size_t k = 0; k < root->n_functions; k++) {
			struct pr_function *f = &root->functions[k];

			f->no_bus = f->bridge && !f->first_child && !f->facts->is_newcomer &&
				    buses_known(f) && !buses_usable(f);
		}
	}
}

/*
 * Whether the kernel has claimed what a device fixes its table does not say.  It cannot where no window
 * leads (pdev_assign_fixed_resources, drivers/pci/setup-bus.c).
 */
static void find_misplaced(struct pr_function *f)
{
	for (size_t i = 0; i < f->n_resources; i++) {
		struct pr_resource *r = &f->resources[i];

		if ((r->flags & PR_IORES_EA_BEI) && r->state == PR_RES_ASSIGNED &&
			!pr_resource_forwarded(f, r))
			r->state = PR_RES_UNASSIGNED;
	}
}

static int build(struct pr_building *x, struct pr_topology *t)
{
	struct pr_builder *b = x->b;
	int r;

	if (b->n_roots > 1)
		qsort(b->roots, b->n_roots, sizeof(*b->roots), pr_building_compare_roots);
	x->n_known_roots = b->n_roots;
	sort_facts(b);
	r = pr_building_translate(x);
	if (r == 0)
		r = make_nodes(x);
	if (r == 0)
		r = pr_building_find_parents(x);
	if (r == 0)
		r = pr_building_check_cycles(x);
	if (r == 0)
		r = pr_building_add_roots(x);
	if (r == 0)
		r = pr_building_make_roots(x, t);
	if (r != 0)
		return r;

	pr_building_find_roots(x, t);
	r = place_functions(x, t);
	if (r == 0)
		r = check_newcomers(x);
	if (r != 0)
		return r;
	find_busless(t);
	for (size_t i = 0; i < t->n_roots; i++)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			find_misplaced(&t->roots[i]->functions[k]);
	t->machine = b->machine;
	for (size_t i = 0; i < t->n_roots; i++)
		t->roots[i]->known_bus = pr_building_known_bus(t, i);
	t->n_functions = x->n;
	pr_topology_sign(t, NULL);
	return 0;
}

int pr_builder_finish(struct pr_builder *b, struct pr_topology **ret, struct pr_build_error *error)
{
	struct pr_building x = { .b = b, .arena = b->arena, .error = error };
	struct pr_topology *t;
	int r = -ENOMEM;

	t = b->failed ? NULL : pr_new(b->arena, struct pr_topology);
	if (t) {
		t->arena = b->arena;
		r = build(&x, t);
	}
	free(x.nodes);
	if (r == 0) {
		b->arena = NULL; /* the topology's now */
		*ret = t;
	}
	pr_builder_free(b);
	return r;
}

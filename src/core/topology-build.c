/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From facts to a topology: decodes every function, finds its parent and its
 * host bridge, links the tree.  Facts may contradict each other; then it says
 * where.  Does not know where facts come from.
 */
#include "core/builder.h"
#include "core/decode.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_ROOT SIZE_MAX

/*
 * Functions in one array by address while parents and roots are found; then they go to their
 * roots.
 */
struct node {
	struct pr_function f;
	struct node *parent;
	size_t root;    /* index, or NO_ROOT until it is known */
	size_t pending; /* mark of the walk up that is going on: meeting it again is a cycle */
	bool on_root_bus;
	struct pr_function *placed; /* where it went */
};

struct finish {
	struct pr_builder *b;
	struct pr_arena *arena;
	struct pr_build_error *error;
	struct node *nodes;
	size_t n;
	size_t n_known_roots; /* host bridges that were given, sorted; made ones come behind */
	size_t domain_end;    /* one behind the nodes of the domain that the tables below are of */
	struct node
		*by_secondary[256]; /* innermost bridge of the domain whose secondary bus it is */
	bool ambiguous[256];
	struct node *covering[256]; /* innermost bridge of the domain in whose range it is */
};

__attribute__((format(printf, 3, 4))) static int contradiction(
	struct finish *x, const struct pr_address *a, const char *format, ...)
{
	va_list ap;

	x->error->address = *a;
	va_start(ap, format);
	(void)vsnprintf(x->error->text, sizeof(x->error->text), format, ap); /* cut is fine */
	va_end(ap);
	return 1;
}

static int compare_facts(const void *pa, const void *pb)
{
	const struct pr_facts *const *a = pa, *const *b = pb;

	return pr_address_compare(&(*a)->address, &(*b)->address);
}

static int compare_root_facts(const void *pa, const void *pb)
{
	const struct pr_root_facts *a = pa, *b = pb;

	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	return (int)a->bus - (int)b->bus;
}

static int compare_address_to_node(const void *pa, const void *pb)
{
	const struct node *n = pb;

	return pr_address_compare(pa, &n->f.address);
}

static struct node *find_node(struct finish *x, const struct pr_address *a)
{
	return bsearch(a, x->nodes, x->n, sizeof(*x->nodes), compare_address_to_node);
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

static int make_nodes(struct finish *x)
{
	struct pr_builder *b = x->b;

	sort_facts(b);
	x->n = b->n_facts;
	x->nodes = calloc(x->n + 1, sizeof(*x->nodes));
	if (!x->nodes)
		return -ENOMEM;

	for (size_t i = 0; i < x->n; i++) {
		const struct pr_caps *before = i > 0 ? x->nodes[i - 1].f.caps : NULL;

		x->nodes[i].root = NO_ROOT;
		x->nodes[i].f.facts = b->facts[i];
		if (!decode_function(x->arena, &x->nodes[i].f, before))
			return -ENOMEM;
	}
	return 0;
}

/* ---- parents ---- */

/* Bus numbers of a bridge; CardBus bridges have them at the same place (PC Card Standard 8). */
static bool bus_range(const struct pr_function *f, uint8_t *ret_secondary, uint8_t *ret_last)
{
	struct pr_config c = pr_facts_config(f->facts);

	if (f->header.type != PR_HEADER_BRIDGE && f->header.type != PR_HEADER_CARDBUS)
		return false;
	return pr_config_u8(&c, 0x19, ret_secondary) && pr_config_u8(&c, 0x1a, ret_last) &&
	       *ret_secondary > f->address.bus && *ret_last >= *ret_secondary;
}

/*
 * Nodes come by bus, so that a bridge nearer to the functions overrides those
 * further up.  Two on one bus cannot both be right.
 */
static void note_bridge(struct finish *x, struct node *n)
{
	uint8_t secondary, last;
	struct node *other;

	if (n->f.facts->is_newcomer || !bus_range(&n->f, &secondary, &last))
		return;

	other = x->by_secondary[secondary];
	x->ambiguous[secondary] = other && other->f.address.bus == n->f.address.bus;
	x->by_secondary[secondary] = n;
	for (unsigned int bus = secondary; bus <= last; bus++)
		x->covering[bus] = n;
}

static void enter_domain(struct finish *x, size_t first)
{
	uint32_t domain = x->nodes[first].f.address.domain;
	size_t i;

	memset(x->by_secondary, 0, sizeof(x->by_secondary));
	memset(x->covering, 0, sizeof(x->covering));
	memset(x->ambiguous, 0, sizeof(x->ambiguous));
	for (i = first; i < x->n && x->nodes[i].f.address.domain == domain; i++)
		note_bridge(x, &x->nodes[i]);
	x->domain_end = i;
}

static int parent_as_recorded(struct finish *x, struct node *n)
{
	const struct pr_facts *facts = n->f.facts;
	char name[PR_ADDRESS_MAX];

	pr_address_format(&facts->parent, name);
	n->parent = find_node(x, &facts->parent);
	if (!n->parent)
		return contradiction(x, &facts->address, "its parent %s is not there", name);
	if (n->parent->f.header.type == PR_HEADER_NORMAL)
		return contradiction(x, &facts->address, "its parent %s is not a bridge", name);
	if (n->parent->f.address.domain != facts->address.domain)
		return contradiction(
			x, &facts->address, "its parent %s is in another domain", name);
	if (n->parent->f.facts->is_newcomer && !facts->is_newcomer)
		return contradiction(x, &facts->address,
			"its parent %s is a newcomer that the kernel does not know", name);
	return 0;
}

static bool is_root_bus(const struct finish *x, const struct pr_address *a)
{
	struct pr_root_facts key = { .domain = a->domain, .bus = a->bus };

	return x->n_known_roots > 0 &&
	       bsearch(&key, x->b->roots, x->n_known_roots, sizeof(key), compare_root_facts);
}

/*
 * Nothing recorded: the bridge whose secondary bus it is, or the nearest one whose range holds it.
 */
static int parent_by_bus(struct finish *x, struct node *n)
{
	uint8_t bus = n->f.address.bus;
	char one[PR_ADDRESS_MAX];

	if (is_root_bus(x, &n->f.address))
		return 0;
	if (n->f.facts->is_newcomer)
		return contradiction(x, &n->f.address, "it is a newcomer without a parent");
	if (x->ambiguous[bus]) {
		pr_address_format(&x->by_secondary[bus]->f.address, one);
		return contradiction(x, &n->f.address,
			"bus %02x is the secondary bus of %s and of another bridge beside it", bus,
			one);
	}
	n->parent = x->by_secondary[bus] ? x->by_secondary[bus] : x->covering[bus];
	return 0;
}

/* Buses that only virtual functions use have no bridge of their own (KERNEL 3). */
static int parent_of_vf(struct finish *x, struct node *n)
{
	struct node *pf = find_node(x, &n->f.facts->physfn);
	char name[PR_ADDRESS_MAX];

	if (!pf || pf == n || pf->f.facts->is_vf) {
		pr_address_format(&n->f.facts->physfn, name);
		return contradiction(
			x, &n->f.address, "its physical function %s is not there", name);
	}
	n->parent = pf->parent;
	n->on_root_bus = !pf->parent;
	return 0;
}

static int find_parents(struct finish *x)
{
	int r;

	for (size_t i = 0; i < x->n; i++) {
		struct node *n = &x->nodes[i];

		if (i >= x->domain_end)
			enter_domain(x, i);
		if (n->f.facts->has_parent)
			r = parent_as_recorded(x, n);
		else if (n->f.facts->is_vf)
			continue; /* after the physical functions */
		else
			r = parent_by_bus(x, n);
		if (r != 0)
			return r;
	}
	for (size_t i = 0; i < x->n; i++) {
		struct node *n = &x->nodes[i];

		if (!n->f.facts->is_vf || n->f.facts->has_parent)
			continue;
		r = parent_of_vf(x, n);
		if (r != 0)
			return r;
	}
	return 0;
}

static int check_cycles(struct finish *x)
{
	for (size_t i = 0; i < x->n; i++) {
		struct node *n = &x->nodes[i];

		/* a walk ends at a root bus or at what an earlier walk has marked */
		for (; n && n->pending == 0; n = n->parent)
			n->pending = i + 1;
		if (n && n->pending == i + 1)
			return contradiction(
				x, &n->f.address, "it is below itself: its parents form a ring");
	}
	return 0;
}

/* ---- host bridges ---- */

/* The bus whose host bridge @n is on: its own if it has no parent, a VF its physical function's. */
static const struct pr_address *root_bus_of(struct finish *x, const struct node *n)
{
	const struct node *pf;

	while (n->parent)
		n = n->parent;
	if (!n->f.facts->is_vf || n->f.facts->has_parent)
		return &n->f.address;
	pf = find_node(x, &n->f.facts->physfn);
	return pf ? &pf->f.address : &n->f.address;
}

/* Nodes come by bus: a bus that has none was seen last, or never. */
static int add_missing_roots(struct finish *x)
{
	struct pr_builder *b = x->b;
	const struct pr_address *seen = NULL;

	for (size_t i = 0; i < x->n; i++) {
		const struct node *n = &x->nodes[i];
		const struct pr_address *a = &n->f.address;
		struct pr_root_facts facts = { .last_bus = -1 };
		int r;

		if (n->parent || n->on_root_bus || is_root_bus(x, a))
			continue;
		if (seen && seen->domain == a->domain && seen->bus == a->bus)
			continue;
		facts.domain = a->domain;
		facts.bus = a->bus;
		r = pr_builder_add_root(b, &facts);
		if (r < 0)
			return r;
		seen = a;
	}
	if (b->n_roots > 1)
		qsort(b->roots, b->n_roots, sizeof(*b->roots), compare_root_facts);
	return 0;
}

static uint8_t last_bus(const struct pr_builder *b, size_t i)
{
	const struct pr_root_facts *f = &b->roots[i], *next = &b->roots[i + 1];
	int last = f->last_bus >= 0 ? f->last_bus : 0xff;

	if (i + 1 < b->n_roots && next->domain == f->domain && next->bus <= last)
		last = next->bus - 1;
	return (uint8_t)last;
}

/*
 * Firmware divides all numbers among the host bridges, as in every recording; a hypervisor gives
 * a further one those that it needs at boot (QEMU: pxb-pcie).
 */
static uint8_t known_bus(const struct pr_topology *t, size_t i)
{
	const struct pr_root *root = t->roots[i];
	unsigned int known = root->facts.bus;

	if (root->facts.last_bus >= 0 || !t->machine.is_guest || i == 0 ||
		t->roots[i - 1]->facts.domain != root->facts.domain)
		return root->last_bus;
	for (size_t k = 0; k < root->n_functions; k++) {
		const struct pr_function *f = &root->functions[k];

		if (f->facts->is_newcomer)
			continue;
		if (f->address.bus > known)
			known = f->address.bus;
		if (f->bridge && f->bridge->subordinate > known)
			known = f->bridge->subordinate;
	}
	return (uint8_t)(known < root->last_bus ? known : root->last_bus);
}

static int make_roots(struct finish *x, struct pr_topology *t)
{
	struct pr_builder *b = x->b;

	t->n_roots = b->n_roots;
	t->roots = pr_new_array(x->arena, b->n_roots, struct pr_root *);
	if (!t->roots)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_roots; i++) {
		t->roots[i] = pr_new(x->arena, struct pr_root);
		if (!t->roots[i])
			return -ENOMEM;
		t->roots[i]->facts = b->roots[i];
		t->roots[i]->last_bus = last_bus(b, i);
	}
	return 0;
}

static size_t root_index(const struct finish *x, const struct pr_address *bus)
{
	struct pr_root_facts key = { .domain = bus->domain, .bus = bus->bus };
	const struct pr_root_facts *found =
		bsearch(&key, x->b->roots, x->b->n_roots, sizeof(key), compare_root_facts);

	return (size_t)(found - x->b->roots);
}

/* Every function gets its host bridge; ancestors first, so that each walk up is one step long. */
static void find_roots(struct finish *x, struct pr_topology *t)
{
	for (size_t i = 0; i < x->n; i++) {
		struct node *n = &x->nodes[i];
		size_t root;

		if (n->parent && n->parent->root != NO_ROOT)
			root = n->parent->root;
		else
			root = root_index(x, root_bus_of(x, n));
		n->root = root;
		t->roots[root]->n_functions++;
	}
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
static int check_place(struct finish *x, const struct pr_function *f)
{
	struct pr_function *first = f->parent ? f->parent->first_child : f->root->first_child;
	char name[PR_ADDRESS_MAX];

	pr_for_each_child (other, first) {
		if (other == f || other->address.device != f->address.device ||
			other->address.function != f->address.function || other->facts->is_vf)
			continue;
		pr_address_format(&other->address, name);
		return contradiction(x, &f->address, "it is a newcomer in the place of %s", name);
	}
	return 0;
}

static int check_newcomers(struct finish *x)
{
	int r = 0;

	for (size_t i = 0; i < x->n && r == 0; i++)
		if (x->nodes[i].f.facts->is_newcomer)
			r = check_place(x, x->nodes[i].placed);
	return r;
}

static int place_functions(struct finish *x, struct pr_topology *t)
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

static int build(struct finish *x, struct pr_topology *t)
{
	struct pr_builder *b = x->b;
	int r;

	if (b->n_roots > 1)
		qsort(b->roots, b->n_roots, sizeof(*b->roots), compare_root_facts);
	x->n_known_roots = b->n_roots;
	r = make_nodes(x);
	if (r == 0)
		r = find_parents(x);
	if (r == 0)
		r = check_cycles(x);
	if (r == 0)
		r = add_missing_roots(x);
	if (r == 0)
		r = make_roots(x, t);
	if (r != 0)
		return r;

	find_roots(x, t);
	r = place_functions(x, t);
	if (r == 0)
		r = check_newcomers(x);
	if (r != 0)
		return r;
	find_busless(t);
	t->machine = b->machine;
	for (size_t i = 0; i < t->n_roots; i++)
		t->roots[i]->known_bus = known_bus(t, i);
	t->n_functions = x->n;
	pr_topology_sign(t, NULL);
	return 0;
}

int pr_builder_finish(struct pr_builder *b, struct pr_topology **ret, struct pr_build_error *error)
{
	struct finish x = { .b = b, .arena = b->arena, .error = error };
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

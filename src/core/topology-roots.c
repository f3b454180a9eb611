/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host bridges: those that were given, those that must be there, and which one a function is below. */
#include "core/building.h"

#include <errno.h>
#include <stdlib.h>

int pr_building_compare_roots(const void *pa, const void *pb)
{
	const struct pr_root_facts *a = pa, *b = pb;

	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	return (int)a->bus - (int)b->bus;
}

bool pr_building_is_root_bus(const struct pr_building *x, const struct pr_address *a)
{
	struct pr_root_facts key = { .domain = a->domain, .bus = a->bus };

	return x->n_known_roots > 0 &&
	       bsearch(&key, x->b->roots, x->n_known_roots, sizeof(key), pr_building_compare_roots);
}

/* ---- host bridges ---- */

/* The bus whose host bridge @n is on: its own if it has no parent, a VF its physical function's. */
static const struct pr_address *root_bus_of(struct pr_building *x, const struct pr_building_node *n)
{
	const struct pr_building_node *pf;

	while (n->parent)
		n = n->parent;
	if (!n->f.facts->is_vf || n->f.facts->has_parent)
		return &n->f.address;
	pf = pr_building_find(x, &n->f.facts->physfn);
	return pf ? &pf->f.address : &n->f.address;
}

/* Nodes come by bus: a bus that has none was seen last, or never. */
int pr_building_add_roots(struct pr_building *x)
{
	struct pr_builder *b = x->b;
	const struct pr_address *seen = NULL;

	for (size_t i = 0; i < x->n; i++) {
		const struct pr_building_node *n = &x->nodes[i];
		const struct pr_address *a = &n->f.address;
		struct pr_root_facts facts = { .last_bus = -1 };
		int r;

		if (n->parent || n->on_root_bus || pr_building_is_root_bus(x, a))
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
		qsort(b->roots, b->n_roots, sizeof(*b->roots), pr_building_compare_roots);
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
uint8_t pr_building_known_bus(const struct pr_topology *t, size_t i)
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

int pr_building_make_roots(struct pr_building *x, struct pr_topology *t)
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

static size_t root_index(const struct pr_building *x, const struct pr_address *bus)
{
	struct pr_root_facts key = { .domain = bus->domain, .bus = bus->bus };
	const struct pr_root_facts *found =
		bsearch(&key, x->b->roots, x->b->n_roots, sizeof(key), pr_building_compare_roots);

	return (size_t)(found - x->b->roots);
}

/* Every function gets its host bridge; ancestors first, so that each walk up is one step long. */
void pr_building_find_roots(struct pr_building *x, struct pr_topology *t)
{
	for (size_t i = 0; i < x->n; i++) {
		struct pr_building_node *n = &x->nodes[i];
		size_t root;

		if (n->parent && n->parent->root != PR_NO_ROOT)
			root = n->parent->root;
		else
			root = root_index(x, root_bus_of(x, n));
		n->root = root;
		t->roots[root]->n_functions++;
	}
}

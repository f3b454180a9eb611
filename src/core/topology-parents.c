/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is below whom: as it was recorded, else by the bus numbers in bridges' registers. */
#include "core/building.h"

#include <string.h>

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
static void note_bridge(struct pr_building *x, struct pr_building_node *n)
{
	uint8_t secondary, last;
	struct pr_building_node *other;

	if (n->f.facts->is_newcomer || !bus_range(&n->f, &secondary, &last))
		return;

	other = x->by_secondary[secondary];
	x->ambiguous[secondary] = other && other->f.address.bus == n->f.address.bus;
	x->by_secondary[secondary] = n;
	for (unsigned int bus = secondary; bus <= last; bus++)
		x->covering[bus] = n;
}

static void enter_domain(struct pr_building *x, size_t first)
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

static int parent_as_recorded(struct pr_building *x, struct pr_building_node *n)
{
	const struct pr_facts *facts = n->f.facts;
	char name[PR_ADDRESS_MAX];

	pr_address_format(&facts->parent, name);
	n->parent = pr_building_find(x, &facts->parent);
	if (!n->parent)
		return pr_building_contradiction(
			x, &facts->address, "its parent %s is not there", name);
	if (n->parent->f.header.type == PR_HEADER_NORMAL)
		return pr_building_contradiction(
			x, &facts->address, "its parent %s is not a bridge", name);
	if (n->parent->f.address.domain != facts->address.domain)
		return pr_building_contradiction(
			x, &facts->address, "its parent %s is in another domain", name);
	if (n->parent->f.facts->is_newcomer && !facts->is_newcomer)
		return pr_building_contradiction(x, &facts->address,
			"its parent %s is a newcomer that the kernel does not know", name);
	return 0;
}

/*
 * Nothing recorded: the bridge whose secondary bus it is, or the nearest one whose range holds it.
 */
static int parent_by_bus(struct pr_building *x, struct pr_building_node *n)
{
	uint8_t bus = n->f.address.bus;
	char one[PR_ADDRESS_MAX];

	if (pr_building_is_root_bus(x, &n->f.address))
		return 0;
	if (n->f.facts->is_newcomer)
		return pr_building_contradiction(
			x, &n->f.address, "it is a newcomer without a parent");
	if (x->ambiguous[bus]) {
		pr_address_format(&x->by_secondary[bus]->f.address, one);
		return pr_building_contradiction(x, &n->f.address,
			"bus %02x is the secondary bus of %s and of another bridge beside it", bus,
			one);
	}
	n->parent = x->by_secondary[bus] ? x->by_secondary[bus] : x->covering[bus];
	return 0;
}

/* Buses that only virtual functions use have no bridge of their own (KERNEL 3). */
static int parent_of_vf(struct pr_building *x, struct pr_building_node *n)
{
	struct pr_building_node *pf = pr_building_find(x, &n->f.facts->physfn);
	char name[PR_ADDRESS_MAX];

	if (!pf || pf == n || pf->f.facts->is_vf) {
		pr_address_format(&n->f.facts->physfn, name);
		return pr_building_contradiction(
			x, &n->f.address, "its physical function %s is not there", name);
	}
	n->parent = pf->parent;
	n->on_root_bus = !pf->parent;
	return 0;
}

int pr_building_find_parents(struct pr_building *x)
{
	int r;

	for (size_t i = 0; i < x->n; i++) {
		struct pr_building_node *n = &x->nodes[i];

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
		struct pr_building_node *n = &x->nodes[i];

		if (!n->f.facts->is_vf || n->f.facts->has_parent)
			continue;
		r = parent_of_vf(x, n);
		if (r != 0)
			return r;
	}
	return 0;
}

int pr_building_check_cycles(struct pr_building *x)
{
	for (size_t i = 0; i < x->n; i++) {
		struct pr_building_node *n = &x->nodes[i];

		/* a walk ends at a root bus or at what an earlier walk has marked */
		for (; n && n->pending == 0; n = n->parent)
			n->pending = i + 1;
		if (n && n->pending == i + 1)
			return pr_building_contradiction(
				x, &n->f.address, "it is below itself: its parents form a ring");
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which functions a plan gives other addresses, and what follows from that as
 * far as the topology tells.  What the machine calls after an address is for
 * who can look at it (import/mentions.c).
 */
#include "plan/renumber.h"

#include <errno.h>
#include <string.h>

/* Each renumbered function: its group, the domain behind it, twice a collector's range. */
#define EFFECTS_EACH 4

const char *pr_effect_name(enum pr_effect_kind k)
{
	static const char *const names[_PR_EFFECT_MAX] = { "interface", "link", "mention",
		"iommu-group", "event-collector", "domain" };

	return names[k];
}

static int note_renumbered(struct pr_plan *p)
{
	p->renumbered = pr_new_array(p->arena, p->n_affected, struct pr_renumbered);
	if (!p->renumbered)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_affected; i++) {
		const struct pr_function *f = p->affected[i].function;
		const struct pr_function *then = pr_topology_same(p->prediction, f);

		if (then->removed || pr_address_compare(&f->address, &then->address) == 0)
			continue;
		p->renumbered[p->n_renumbered++] =
			(struct pr_renumbered){ .before = f, .after = then };
	}
	return 0;
}

static int add(
	struct pr_plan *p, enum pr_effect_kind kind, const struct pr_function *f, const char *text)
{
	if (!text)
		return -ENOMEM;
	p->effects[p->n_effects++] =
		(struct pr_effect){ .kind = kind, .function = f, .text = text };
	return 0;
}

/* ---- IOMMU groups: by requester, which is bus, device and function ---- */

static bool is_first_of_group(const struct pr_plan *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (p->renumbered[k].before->facts->iommu_group ==
			p->renumbered[i].before->facts->iommu_group)
			return false;
	return true;
}

static size_t count_members(const struct pr_topology *t, int group)
{
	size_t n = 0;

	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			n += !t->roots[i]->functions[k].removed &&
			     t->roots[i]->functions[k].facts->iommu_group == group;
	return n;
}

static int note_group(struct pr_plan *p, size_t i)
{
	const struct pr_function *f = p->renumbered[i].before;
	const int group = f->facts->iommu_group;
	size_t n;

	if (group < 0 || !is_first_of_group(p, i))
		return 0;
	n = count_members(p->topology, group);
	return add(p, PR_EFFECT_IOMMU_GROUP, f,
		n == 1 ? pr_arena_printf(p->arena,
				 "IOMMU group %d is made anew, perhaps with another number", group)
		       : pr_arena_printf(p->arena,
				 "leaves IOMMU group %d, which has %zu members, and is put into a "
				 "group anew",
				 group, n));
}

/* ---- Root Complex Event Collectors: what is on a range of buses reports to them (PCIe 7.9.10) ---- */

static bool is_served(const struct pr_rcec *r, const struct pr_function *f)
{
	return r->next_bus <= f->address.bus && f->address.bus <= r->last_bus;
}

static int note_range(
	struct pr_plan *p, const struct pr_function *collector, const struct pr_renumbered *moved)
{
	const struct pr_rcec *r = &collector->caps->rcec;
	char address[PR_ADDRESS_MAX];

	if (!r->has_bus_range || r->next_bus > r->last_bus ||
		is_served(r, moved->before) == is_served(r, moved->after))
		return 0;
	pr_address_format(&collector->address, address);
	return add(p, PR_EFFECT_COLLECTOR, moved->before,
		pr_arena_printf(p->arena,
			"%s the buses %02x to %02x that are associated with the event collector %s",
			is_served(r, moved->before) ? "leaves" : "comes onto", r->next_bus,
			r->last_bus, address));
}

static int note_collectors(struct pr_plan *p, const struct pr_renumbered *moved)
{
	const struct pr_root *root = moved->before->root;
	unsigned int n = 0;
	int r = 0;

	/* a machine has one or two; more are not looked at */
	for (size_t i = 0; i < root->n_functions && n < 2 && r == 0; i++) {
		if (root->functions[i].removed || root->functions[i].caps->rcec.present != PR_YES)
			continue;
		n++;
		r = note_range(p, &root->functions[i], moved);
	}
	return r;
}

/* ---- domains behind a function ---- */

static int note_domain(struct pr_plan *p, const struct pr_function *f)
{
	if (!f->facts->driver || strcmp(f->facts->driver, "vmd") != 0)
		return 0;
	return add(p, PR_EFFECT_DOMAIN, f,
		"the PCI domain behind this VMD is made anew, perhaps with another number");
}

int pr_plan_note_effects(struct pr_plan *p)
{
	int r = note_renumbered(p);

	if (r < 0)
		return r;
	p->effects = pr_new_array(p->arena, EFFECTS_EACH * p->n_renumbered, struct pr_effect);
	if (!p->effects)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_renumbered && r == 0; i++) {
		r = note_group(p, i);
		if (r == 0)
			r = note_collectors(p, &p->renumbered[i]);
		if (r == 0)
			r = note_domain(p, p->renumbered[i].before);
	}
	return r;
}

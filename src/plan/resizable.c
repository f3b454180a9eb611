/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resizable BARs: for each the largest size that there is room for, and who
 * else has to move for it.  Sizes are planned for one by one from the largest
 * down, because Linux is not monotone.
 */
#include "plan/slots.h"

#include <errno.h>

#define N_SIZES_WHEN PR_WHEN_BOOT /* firmware chooses sizes at boot: that is not predicted */

/* One size is no choice. */
static bool is_resizable(const struct pr_function *f, const struct pr_resource *r)
{
	const struct pr_rebar_entry *e = pr_function_rebar(f, r);

	return e && (e->sizes & (e->sizes - 1)) != 0;
}

static bool is_wanted(const struct pr_function *f, const struct pr_slots_request *request)
{
	if (f->removed || f->facts->is_vf)
		return false;
	for (size_t i = 0; i < request->n_ports; i++)
		if (pr_function_below(f, request->ports[i]))
			return true;
	return request->n_ports == 0;
}

/* That the function lets go of the BAR itself goes without saying. */
static enum pr_when when_of_others(const struct pr_plan *p, const struct pr_function *f)
{
	struct pr_cost others = p->cost;
	bool alone = true;

	for (size_t i = 0; i < p->n_affected; i++) {
		const struct pr_affected *a = &p->affected[i];

		if (pr_address_compare(&a->function->address, &f->address) != 0) {
			alone = false;
			continue;
		}
		others.in_use -= a->disruption == PR_DISRUPTION_IN_USE;
		others.restarted -= a->disruption == PR_DISRUPTION_RESTART;
	}
	return alone ? PR_WHEN_NOW : pr_when_of(&others);
}

static int make_plan(const struct pr_slots *all, const struct pr_policy *policy,
	const struct pr_resizable *z, uint64_t size, struct pr_plan **ret)
{
	const struct pr_resize resize = {
		.function = z->function->address, .index = z->bar->index, .size = size
	};
	const struct pr_request request = {
		.resizes = &resize,
		.n_resizes = 1,
		.budget = PR_SIMULATIONS_A_PLAN * z->function->root->n_functions,
		.brief = true,
	};

	return pr_plan_make(all->topology, &request, policy, ret);
}

/* The first doubt is kept. */
static int note_doubt(struct pr_slots *all, struct pr_resizable *z, const struct pr_plan *p)
{
	if (!z->doubt)
		z->doubt = pr_arena_strdup(all->arena, p->why);
	return z->doubt ? 0 : -ENOMEM;
}

/* The class of the least plan within @policy that gives the BAR @size; N_SIZES_WHEN: none does. */
static int try_size(struct pr_slots *all, const struct pr_policy *policy, struct pr_resizable *z,
	uint64_t size, enum pr_when *ret)
{
	struct pr_plan *p;
	char why[256];
	int r;

	*ret = N_SIZES_WHEN;
	r = make_plan(all, policy, z, size, &p);
	if (r < 0)
		return r;
	if (p->verdict == PR_VERDICT_UNKNOWN)
		r = note_doubt(all, z, p);
	else if (p->verdict == PR_VERDICT_OK)
		r = pr_plan_check(p, policy, why, sizeof(why));
	if (r == 0 && p->verdict == PR_VERDICT_OK)
		*ret = when_of_others(p, z->function);
	pr_plan_free(p);
	return r < 0 ? r : 0;
}

static void found(struct pr_resizable *z, enum pr_when when, uint64_t size, enum pr_when *least)
{
	for (unsigned int i = when; i < *least; i++)
		z->largest[i] = size;
	if (when < *least)
		*least = when;
}

/* Where no plan gives more than there is without one, and a fact is missing: it may yet be. */
static void settle(struct pr_resizable *z)
{
	for (unsigned int i = N_SIZES_WHEN; z->doubt && i-- > 0;)
		if (z->largest[i] == (i == PR_WHEN_NOW ? PR_ROOM_NONE : z->largest[PR_WHEN_NOW]))
			z->largest[i] = PR_ROOM_UNKNOWN;
}

static int find_sizes(struct pr_slots *all, const struct pr_policy *policy, struct pr_resizable *z)
{
	const bool placed = z->bar->state == PR_RES_ASSIGNED;
	enum pr_when least = N_SIZES_WHEN, when;
	int r;

	for (unsigned int n = PR_REBAR_SIZES; n-- > 0 && least > PR_WHEN_NOW;) {
		if (!(z->sizes >> n & 1))
			continue;
		if (placed && PR_REBAR_SIZE(n) <= z->size)
			break;
		r = try_size(all, policy, z, PR_REBAR_SIZE(n), &when);
		if (r < 0)
			return r;
		found(z, when, PR_REBAR_SIZE(n), &least);
	}
	if (placed)
		found(z, PR_WHEN_NOW, z->size, &least);
	settle(z);
	return 0;
}

static size_t count_resources(const struct pr_topology *t)
{
	size_t n = 0;

	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			for (size_t l = 0; l < t->roots[i]->functions[k].n_resources; l++)
				n += is_resizable(&t->roots[i]->functions[k],
					&t->roots[i]->functions[k].resources[l]);
	return n;
}

static int add_function(
	struct pr_slots *all, const struct pr_policy *policy, const struct pr_function *f)
{
	int r = 0;

	for (size_t i = 0; i < f->n_resources && r == 0; i++) {
		const struct pr_resource *bar = &f->resources[i];
		struct pr_resizable *z = &all->resizable[all->n_resizable];

		if (!is_resizable(f, bar))
			continue;
		all->n_resizable++;
		z->function = f;
		z->bar = bar;
		z->sizes = pr_function_rebar(f, bar)->sizes;
		z->size = bar->index >= PR_VF_BAR0 ? bar->align : bar->size;
		r = find_sizes(all, policy, z);
	}
	return r;
}

int pr_slots_find_resizable(struct pr_slots *all, const struct pr_policy *policy,
	const struct pr_slots_request *request)
{
	const struct pr_topology *t = all->topology;
	int r = 0;

	all->resizable = pr_new_array(all->arena, count_resources(t), struct pr_resizable);
	if (!all->resizable)
		return -ENOMEM;
	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions && r == 0; k++)
			if (is_wanted(&t->roots[i]->functions[k], request))
				r = add_function(all, policy, &t->roots[i]->functions[k]);
	return r;
}

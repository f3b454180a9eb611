/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions: the conditions of sriov_enable() (drivers/pci/iov.c), one
 * after the other.  The room of VF BARs is for all VFs together, so that it is
 * there for all of them or for none.
 */
#include "pciroom/vfs.h"
#include "plan/search.h"

#include <errno.h>

const char *pr_vf_stop_name(enum pr_vf_stop s)
{
	static const char *const names[_PR_VF_STOP_MAX] = {
		[PR_VF_STOP_NONE] = "none",
		[PR_VF_STOP_BAR] = "bar",
		[PR_VF_STOP_BUS] = "bus",
		[PR_VF_STOP_UNKNOWN] = "unknown",
	};

	return names[s];
}

/* Addresses that no window passes on are none. */
static bool is_placed(const struct pr_function *f, const struct pr_resource *r)
{
	return r->state == PR_RES_ASSIGNED && pr_resource_forwarded(f, r);
}

static const struct pr_resource *find_missing(const struct pr_function *f)
{
	for (size_t i = 0; i < f->n_resources; i++)
		if (pr_is_vf_bar(f->resources[i].index) && !is_placed(f, &f->resources[i]))
			return &f->resources[i];
	return NULL;
}

/* Where the buses end that the kernel lets a function's VFs be on (its bus's busn_res). */
static unsigned int last_bus(const struct pr_function *f)
{
	return f->parent ? f->parent->bridge->subordinate : f->root->last_bus;
}

/* pci_iov_virtfn_bus(): First VF Offset and VF Stride count routing ids (PCIe 9.3.3.9, .10). */
static unsigned int bus_of(const struct pr_function *f, unsigned int nth)
{
	const struct pr_sriov *s = &f->caps->sriov;
	unsigned int devfn = (unsigned int)f->address.device << 3 | f->address.function;

	return f->address.bus + ((devfn + s->first_offset + s->stride * nth) >> 8);
}

/* VF Stride means nothing for one VF, and the offset nothing for none. */
static bool ids_known(const struct pr_sriov *s, unsigned int vfs)
{
	return s->first_offset != 0 && (vfs < 2 || s->stride != 0);
}

/* How many of @vfs are on buses up to @last. */
static unsigned int count_to(const struct pr_function *f, unsigned int vfs, unsigned int last)
{
	while (vfs > 0 && bus_of(f, vfs - 1) > last)
		vfs--;
	return vfs;
}

/* By bus numbers alone. */
static unsigned int most_by_bus(struct pr_vfs *v)
{
	const struct pr_sriov *s = &v->function->caps->sriov;
	unsigned int most;

	if (!ids_known(s, v->total)) {
		v->stop = PR_VF_STOP_UNKNOWN;
		return 0;
	}
	most = count_to(v->function, v->total, last_bus(v->function));
	if (most < v->total) {
		v->stop = PR_VF_STOP_BUS;
		v->bus = bus_of(v->function, most);
		v->last_bus = last_bus(v->function);
	}
	return most;
}

/* ---- after a plan ---- */

static bool is_left(const struct pr_plan *p, const struct pr_function *f)
{
	for (size_t i = 0; i < p->n_left; i++)
		if (p->left[i].function == f && pr_is_vf_bar(p->left[i].resource->index))
			return true;
	return false;
}

/* Does a plan give addresses to all VF BARs, and bus numbers to @most? */
static int plan_for(struct pr_vfs *v, const struct pr_topology *t, const struct pr_policy *policy,
	unsigned int most)
{
	struct pr_bus_wish buses;
	const struct pr_request request = {
		.targets = &v->function->address,
		.n_targets = 1,
		.buses = &buses,
		.n_buses = pr_enable_buses(v->function, most, &buses),
		.brief = true,
	};
	struct pr_plan *p;
	char why[256];
	int r;

	r = pr_plan_make(t, &request, policy, &p);
	if (r < 0)
		return r;
	if (p->verdict == PR_VERDICT_OK && !is_left(p, v->function) &&
		pr_plan_check(p, policy, why, sizeof(why)) == 0) {
		v->planned = most;
		v->when = pr_when_of(&p->cost);
	}
	pr_plan_free(p);
	return 0;
}

/*
 * The most that a plan makes possible: all, or a bus fewer each time.  @most, for which there are buses
 * already, wants one for the sake of addresses alone.
 */
static int find_planned(struct pr_vfs *v, const struct pr_topology *t,
	const struct pr_policy *policy, unsigned int most)
{
	const unsigned int least = v->bar ? most : most + 1;
	unsigned int n = v->total;
	int r = 0;

	while (r == 0 && v->planned == 0 && n > 0 && n >= least) {
		r = plan_for(v, t, policy, n);
		n = count_to(v->function, n, bus_of(v->function, n - 1) - 1);
	}
	return r;
}

/* ---- all of them ---- */

static int look_at(struct pr_vfs *v, const struct pr_topology *t, const struct pr_policy *policy)
{
	unsigned int most = most_by_bus(v);
	const bool located = v->stop != PR_VF_STOP_UNKNOWN;

	v->bar = find_missing(v->function);
	if (v->bar)
		v->stop = PR_VF_STOP_BAR;
	else
		v->now = most;
	if (!located || v->stop == PR_VF_STOP_NONE || (v->bar && v->bar->size == PR_SIZE_UNKNOWN))
		return 0;
	return find_planned(v, t, policy, most);
}

static bool is_wanted(
	const struct pr_function *f, const struct pr_function *const *functions, size_t n)
{
	const struct pr_sriov *s = &f->caps->sriov;

	if (f->removed || f->facts->is_vf || s->present != PR_YES || s->total_vfs == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (functions[i] == f)
			return true;
	return n == 0;
}

static int look_at_all(struct pr_vfs_list *l, const struct pr_topology *t,
	const struct pr_policy *policy, const struct pr_function *const *functions, size_t n)
{
	int r = 0;

	l->items = pr_new_array(l->arena, t->n_functions, struct pr_vfs);
	if (!l->items)
		return -ENOMEM;
	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions && r == 0; j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];

			if (!is_wanted(f, functions, n))
				continue;
			l->items[l->n] = (struct pr_vfs){
				.function = f,
				.total = f->caps->sriov.total_vfs,
				.enabled = f->caps->sriov.enabled ? f->caps->sriov.num_vfs : 0,
			};
			r = look_at(&l->items[l->n++], t, policy);
		}
	}
	return r;
}

int pr_vfs_make(const struct pr_topology *t, const struct pr_policy *policy,
	const struct pr_function *const *functions, size_t n, struct pr_vfs_list **ret)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_vfs_list *l = arena ? pr_new(arena, struct pr_vfs_list) : NULL;
	int r = -ENOMEM;

	if (l) {
		l->arena = arena;
		r = look_at_all(l, t, policy, functions, n);
	}
	if (r < 0) {
		pr_arena_free(arena);
		return r;
	}
	*ret = l;
	return 0;
}

void pr_vfs_free(struct pr_vfs_list *l)
{
	if (l)
		pr_arena_free(l->arena); /* @l lives in it */
}

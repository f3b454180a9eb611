/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions that a request asks for: what forbids them whatever room
 * is made, the bus numbers that they take, and the step that enables them,
 * the last one.  The search makes the room: for the BARs of all that the
 * device has, as Linux does (sriov_init() of drivers/pci/iov.c).
 */
#include "plan/search.h"

#include <errno.h>

static const struct pr_function *function_of(const struct pr_plan *p, const struct pr_vf_wish *w)
{
	return pr_topology_find(p->topology, &w->function);
}

/* Buses behind its own that the first @n are on (PCIe 9.3.3.9, .10: offset and stride of routing ids). */
static unsigned int buses_behind(const struct pr_function *f, unsigned int n)
{
	const struct pr_sriov *s = &f->caps->sriov;
	unsigned int devfn = (unsigned int)f->address.device << 3 | f->address.function;

	return (devfn + s->first_offset + s->stride * (n - 1)) >> 8;
}

static bool ids_known(const struct pr_sriov *s, unsigned int n)
{
	return s->first_offset != 0 && (n < 2 || s->stride != 0);
}

static const struct pr_resource *find_unsized(const struct pr_function *f)
{
	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		if (pr_is_vf_bar(r->index) && r->state != PR_RES_ASSIGNED &&
			r->size == PR_SIZE_UNKNOWN)
			return r;
	}
	return NULL;
}

/* Nothing recorded says whether it has addresses. */
static const struct pr_resource *find_unseen(const struct pr_function *f)
{
	for (size_t i = 0; i < f->n_resources; i++)
		if (pr_is_vf_bar(f->resources[i].index) && f->resources[i].state == PR_RES_UNKNOWN)
			return &f->resources[i];
	return NULL;
}

/* ---- what forbids it ---- */

static const char *refuse(struct pr_plan *p, enum pr_verdict verdict, const char *why)
{
	p->verdict = verdict;
	p->why = why;
	return why;
}

/* What is not known of @f, and would decide; NULL: nothing, or memory is short. */
static const char *forbid_unknown(
	struct pr_plan *p, const struct pr_function *f, unsigned int n, const char *name)
{
	const struct pr_resource *unsized = find_unsized(f), *unseen = find_unseen(f);

	if (!ids_known(&f->caps->sriov, n))
		return refuse(p, PR_VERDICT_UNKNOWN,
			pr_arena_printf(
				p->arena, "%s does not say where its virtual functions are", name));
	if (unsized)
		return refuse(p, PR_VERDICT_UNKNOWN,
			pr_arena_printf(p->arena, "the size of %s of %s is not known",
				pr_resource_name(unsized->index), name));
	if (unseen)
		return refuse(p, PR_VERDICT_UNKNOWN,
			pr_arena_printf(p->arena, "whether %s of %s has addresses is not known",
				pr_resource_name(unseen->index), name));
	return NULL;
}

/* What keeps @f from ever having @n virtual functions as it is; NULL likewise. */
static const char *forbid_unable(
	struct pr_plan *p, const struct pr_function *f, unsigned int n, const char *name)
{
	const struct pr_sriov *s = &f->caps->sriov;
	unsigned int has = pr_function_vfs(f);

	if (!f->facts->is_vf && s->present == PR_UNKNOWN)
		return refuse(p, PR_VERDICT_UNKNOWN,
			pr_arena_printf(p->arena,
				"whether %s can have virtual functions is not known", name));
	if (f->facts->is_vf || s->present != PR_YES || s->total_vfs == 0)
		return refuse(p, PR_VERDICT_INFEASIBLE,
			pr_arena_printf(p->arena, "%s has no virtual functions", name));
	if (n > s->total_vfs)
		return refuse(p, PR_VERDICT_INFEASIBLE,
			pr_arena_printf(p->arena, "%s has %u virtual functions, and is to have %u",
				name, s->total_vfs, n));
	if (!f->facts->driver && !f->facts->is_newcomer) /* a card's comes with it */
		return refuse(p, PR_VERDICT_INFEASIBLE,
			pr_arena_printf(p->arena,
				"no driver is bound to %s that could enable virtual functions",
				name));
	if (has > 0 && has != n)
		return refuse(p, PR_VERDICT_INFEASIBLE,
			pr_arena_printf(p->arena,
				"%s has %u virtual functions in service, and Linux goes to another "
				"number by way of none (set its sriov_numvfs to 0 first)",
				name, has));
	return NULL;
}

static const char *forbid(struct pr_plan *p, const struct pr_function *f, unsigned int n)
{
	char name[PR_ADDRESS_MAX];
	const char *why;

	pr_address_format(&f->address, name);
	why = forbid_unable(p, f, n, name);
	if (!why)
		why = forbid_unknown(p, f, n, name);
	if (!why && !f->parent && f->address.bus + buses_behind(f, n) > f->root->last_bus)
		why = refuse(p, PR_VERDICT_INFEASIBLE,
			pr_arena_printf(p->arena,
				"the virtual functions of %s go on to bus %02x, and those of its "
				"host bridge end at %02x",
				name, f->address.bus + buses_behind(f, n), f->root->last_bus));
	return why;
}

bool pr_enable_forbidden(struct pr_plan *p)
{
	for (size_t i = 0; i < p->n_vfs; i++)
		if (forbid(p, function_of(p, &p->vfs[i]), p->vfs[i].vfs))
			return true;
	return false;
}

/* ---- what they take ---- */

bool pr_enable_buses(const struct pr_function *f, unsigned int n, struct pr_bus_wish *ret)
{
	if (!f->parent || f->caps->sriov.present != PR_YES || !ids_known(&f->caps->sriov, n) ||
		buses_behind(f, n) < pr_numbers_of(f->parent))
		return false;
	*ret = (struct pr_bus_wish){
		.bridge = f->parent->address,
		.buses = 1 + buses_behind(f, n),
	};
	return true;
}

static bool is_pending(const struct pr_plan *p, const struct pr_vf_wish *w)
{
	return pr_function_vfs(function_of(p, w)) != w->vfs;
}

bool pr_enable_pending(const struct pr_plan *p)
{
	for (size_t i = 0; i < p->n_vfs; i++)
		if (is_pending(p, &p->vfs[i]))
			return true;
	return false;
}

/* ---- what is done ---- */

static bool is_target(const struct pr_plan *p, const struct pr_function *f)
{
	for (size_t i = 0; i < p->n_targets; i++)
		if (p->targets[i] == f)
			return true;
	return false;
}

/* Who gets virtual functions is what the plan is for, whether it lacks something or not. */
static int add_targets(struct pr_plan *p)
{
	const struct pr_function **targets =
		pr_new_array(p->arena, p->n_targets + p->n_vfs, const struct pr_function *);

	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_targets; i++)
		targets[i] = p->targets[i];
	p->targets = targets;
	for (size_t i = 0; i < p->n_vfs; i++)
		if (is_pending(p, &p->vfs[i]) && !is_target(p, function_of(p, &p->vfs[i])))
			targets[p->n_targets++] = function_of(p, &p->vfs[i]);
	return 0;
}

static int add_enabling(struct pr_plan *p, struct pr_step *step, const struct pr_vf_wish *w)
{
	*step = (struct pr_step){
		.kind = PR_STEP_VFS,
		.address = w->function,
		.path = pr_path_new(p->arena, function_of(p, w)),
		.value = w->vfs,
	};
	return step->path ? 0 : -ENOMEM;
}

int pr_enable_steps(struct pr_plan *p)
{
	struct pr_step *steps = pr_new_array(p->arena, p->n_steps + p->n_vfs + 1, struct pr_step);
	size_t n = p->n_steps > 0 ? p->n_steps - 1 : 0;
	int r;

	if (!steps)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		steps[i] = p->steps[i];
	for (size_t i = 0; i < p->n_vfs; i++) {
		if (!is_pending(p, &p->vfs[i]))
			continue;
		r = add_enabling(p, &steps[n++], &p->vfs[i]);
		if (r < 0)
			return r;
	}
	steps[n++].kind = PR_STEP_EXPECT;
	p->cost.steps += (unsigned int)(n - p->n_steps);
	p->bound.steps += (unsigned int)(n - p->n_steps);
	p->steps = steps;
	p->n_steps = n;
	return add_targets(p);
}

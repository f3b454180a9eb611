/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/foreign.h"

static bool has_begun(const struct pr_plan *plan, size_t begun, enum pr_step_kind kind)
{
	for (size_t i = 0; i < begun && i < plan->n_steps; i++)
		if (plan->steps[i].kind == kind)
			return true;

	return false;
}

static bool is_moved(
	const struct pr_plan *plan, const struct pr_topology *t, const struct pr_address *a)
{
	const struct pr_function *f = pr_topology_find(t, a);
	char path[PR_FUNCTION_PATH_MAX];

	if (!f || pr_function_path(f, path, sizeof(path)) < 0)
		return false;
	f = pr_topology_find_path(plan->topology, path);
	/* virtual functions lie beside the one that they go with */
	for (size_t i = 0; f && i < plan->n_affected; i++)
		if (plan->affected[i].function == f && f->facts->is_vf)
			return true;
	for (size_t i = 0; f && i < plan->n_removed; i++)
		if (pr_function_below(f, plan->removed[i]))
			return true;

	return false;
}

static bool is_behind(const struct pr_function *bridge, const struct pr_address *a)
{
	return bridge && bridge->bridge && bridge->address.domain == a->domain &&
	       a->bus >= bridge->bridge->secondary && a->bus <= bridge->bridge->subordinate;
}

/* A plan may be asked to find what was not there: any address below what it removes. */
static bool is_below(const struct pr_plan *plan, const struct pr_address *a)
{
	for (size_t i = 0; i < plan->n_removed; i++)
		if (is_behind(pr_topology_same(plan->prediction, plan->removed[i]), a))
			return true;

	return false;
}

/* What comes back in the place of a card may have other functions; all below its port are its. */
static bool is_replacement(const struct pr_plan *plan, const struct pr_address *a)
{
	for (size_t i = 0; plan->replugs && i < plan->n_removed; i++)
		if (is_behind(plan->removed[i]->parent, a))
			return true;

	return false;
}

/* Virtual functions that the plan enables, where they will be (PCIe 9.3.3.9, .10). */
static bool is_enabled(const struct pr_plan *plan, size_t begun, const struct pr_address *a)
{
	unsigned int id = (unsigned int)a->bus << 8 | (unsigned int)a->device << 3 | a->function;

	for (size_t i = 0; i < begun && i < plan->n_steps; i++) {
		const struct pr_step *s = &plan->steps[i];
		const struct pr_function *pf = pr_topology_find(plan->topology, &s->address);
		unsigned int first;

		if (s->kind != PR_STEP_VFS || s->value == 0 || !pf)
			continue;
		pf = pr_topology_same(plan->prediction, pf);
		first = ((unsigned int)pf->address.bus << 8 |
				(unsigned int)pf->address.device << 3 | pf->address.function) +
			pf->caps->sriov.first_offset;
		if (a->domain == pf->address.domain && id >= first &&
			id <= first + (s->value - 1) * pf->caps->sriov.stride)
			return true;
	}

	return false;
}

bool pr_plan_expects(
	const struct pr_plan *plan, size_t begun, bool added, const struct pr_address *a)
{
	const struct pr_function *f = pr_topology_find(plan->topology, a);
	bool known = f && !f->removed, moved;

	/* late news of what the plan was made on */
	if (known == added)
		return true;
	if (is_enabled(plan, begun, a))
		return true;
	if (!has_begun(plan, begun, added ? PR_STEP_RESCAN : PR_STEP_REMOVE) &&
		!has_begun(plan, begun, PR_STEP_VFS))
		return false;

	moved = is_moved(plan, plan->topology, a) || is_moved(plan, plan->prediction, a);
	return moved || (added && (is_below(plan, a) || is_replacement(plan, a)));
}

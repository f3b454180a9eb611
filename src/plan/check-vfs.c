/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a plan that take virtual functions away, and those that make them. */
#include "plan/checking.h"

static int check_vf_gone(struct pr_checking *c, size_t i, const struct pr_function *vf)
{
	enum pr_disruption d = pr_function_disruption(vf, c->policy, NULL);

	if (d == PR_DISRUPTION_PINNED || d > c->policy->limit)
		return pr_checking_bad_function(c, vf, "would be taken away against the policy");
	if (vf->facts->driver && *pr_checking_fate(c, vf) != PR_CHECKED_UNBOUND)
		return pr_checking_bad_function(c, vf, "would be taken away with its driver bound");
	if (*pr_checking_fate(c, vf) >= PR_CHECKED_GONE)
		return pr_checking_bad_step(c, i, "they were taken away before");
	*pr_checking_fate(c, vf) = PR_CHECKED_GONE;
	return 0;
}

static int check_taken_away(struct pr_checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *pf = pr_checking_function(c, step);
	unsigned int n = 0;
	int r;

	if (!pf || !pf->facts->driver || *pr_checking_fate(c, pf) != PR_CHECKED_STAYS)
		return pr_checking_bad_step(c, i, "no driver is there that could do it");
	if (pr_function_disruption(pf, c->policy, NULL) > c->policy->limit)
		return pr_checking_bad_step(c, i, "the policy does not allow it");
	for (const struct pr_function *vf = NULL; (vf = pr_function_next_vf(pf, vf)); n++) {
		r = check_vf_gone(c, i, vf);
		if (r != 0)
			return r;
	}
	if (n == 0 || step->old != n)
		return pr_checking_bad_step(c, i, "it does not have that many virtual functions");
	pr_checking_add(c, PR_ACTION_VFS, pf, pf->root);
	return 0;
}

static bool is_wished(const struct pr_checking *c, const struct pr_step *step)
{
	for (size_t i = 0; i < c->plan->n_vfs; i++)
		if (pr_address_compare(&c->plan->vfs[i].function, &step->address) == 0 &&
			c->plan->vfs[i].vfs == step->value)
			return true;
	return false;
}

/* They come last, when nothing moves any more; and the driver asked is the one that was there, or comes with a card. */
static int check_enabled(struct pr_checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *pf = pr_checking_function(c, step);

	if (!pf || (!pf->facts->driver && !pf->facts->is_newcomer))
		return pr_checking_bad_step(c, i, "no driver is there that could do it");
	if (!is_wished(c, step) || pf->caps->sriov.present != PR_YES ||
		step->value > pf->caps->sriov.total_vfs)
		return pr_checking_bad_step(c, i, "nobody asks for that many, or there are fewer");
	if (step->old != 0 || pr_function_next_vf(pf, NULL))
		return pr_checking_bad_step(c, i, "it has virtual functions");
	for (size_t k = i + 1; k < c->plan->n_steps; k++)
		if (c->plan->steps[k].kind != PR_STEP_EXPECT &&
			(c->plan->steps[k].kind != PR_STEP_VFS || c->plan->steps[k].value == 0))
			return pr_checking_bad_step(c, i, "something is done after it");
	return 0;
}

int pr_check_vfs(struct pr_checking *c, size_t i)
{
	return c->plan->steps[i].value > 0 ? check_enabled(c, i) : check_taken_away(c, i);
}

/* What Linux asks for before it enables them (sriov_enable() of drivers/pci/iov.c). */
int pr_check_vfs_room(
	struct pr_checking *c, const struct pr_step *step, const struct pr_topology *now)
{
	const struct pr_function *pf = pr_topology_same(now, pr_checking_function(c, step));
	const struct pr_sriov *s = &pf->caps->sriov;
	unsigned int id = (unsigned int)pf->address.bus << 8 |
			  (unsigned int)pf->address.device << 3 | pf->address.function;
	unsigned int last = pf->parent ? pf->parent->bridge->subordinate : pf->root->last_bus;

	for (size_t i = 0; i < pf->n_resources; i++) {
		const struct pr_resource *r = &pf->resources[i];

		if (!pr_is_vf_bar(r->index))
			continue;
		if (r->state != PR_RES_ASSIGNED || !pr_resource_forwarded(pf, r))
			return pr_checking_bad_function(
				c, pf, "would have no room for virtual functions");
	}
	if (s->first_offset == 0 || (step->value > 1 && s->stride == 0) ||
		(id + s->first_offset + s->stride * (step->value - 1)) >> 8 > last)
		return pr_checking_bad_function(c, pf, "would have no buses for virtual functions");
	return 0;
}

/* What the runner does when all else is done. */
int pr_check_vfs_return(struct pr_checking *c)
{
	for (size_t i = 0; i < c->plan->n_steps; i++) {
		const struct pr_step *step = &c->plan->steps[i];
		const struct pr_function *pf;

		if (step->kind != PR_STEP_VFS || step->value != 0)
			continue;
		pf = pr_checking_function(c, step);
		if (*pr_checking_fate(c, pf) == PR_CHECKED_GONE)
			return pr_checking_bad_function(c, pf, "would not be found again");
		pr_checking_add(c, PR_ACTION_VFS, pf, pf->root);
		c->actions[c->n_actions - 1].value = step->old;
	}
	return 0;
}

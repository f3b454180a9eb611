/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions that were made: all that were asked for or none, at the
 * routing ids that the physical function's registers say (PCIe 9.3.3.9, .10),
 * in slices of its VF BARs (PCIe 9.2.1.1.1).  Shares no code with the model.
 */
#include "judge-private.h"

#include "base/macros.h"

static const struct pr_action *last_enabling(const struct comparison *x)
{
	const struct pr_action *a = x->c->n_actions > 0 ? &x->actions[x->c->n_actions - 1] : NULL;

	return a && case_makes_vfs(a) ? a : NULL;
}

static unsigned int routing_id(const struct pr_function *pf, unsigned int nth)
{
	const struct pr_address *a = &pf->address;
	const struct pr_sriov *s = &pf->caps->sriov;

	return (a->bus * 256u + a->device * 8u + a->function) + s->first_offset + nth * s->stride;
}

static bool is_at(const struct pr_address *a, uint32_t domain, unsigned int id)
{
	return a->domain == domain && a->bus * 256u + a->device * 8u + a->function == id;
}

static struct case_range slice(const struct pr_function *pf, unsigned int index, unsigned int nth)
{
	const struct pr_resource *all = pr_function_resource(pf, PR_VF_BAR0 + index);
	struct case_range range = { .open = false };
	uint64_t one = all ? all->size / pf->caps->sriov.total_vfs : 0;

	if (one > 0 && all->state == PR_RES_ASSIGNED)
		range.open = pr_range_make(&range.at, all->range.first + nth * one, one);
	return range;
}

static bool all_come(const struct pr_function *pf, unsigned int n)
{
	const unsigned int last = pf->parent ? pf->parent->bridge->subordinate : pf->root->last_bus;

	for (unsigned int i = 0; i < PR_ROM; i++) {
		const struct pr_resource *r = pr_function_resource(pf, PR_VF_BAR0 + i);

		if (r && r->state != PR_RES_ASSIGNED)
			return false;
	}
	return routing_id(pf, n - 1) / 256 <= last;
}

static void compare_bars(struct comparison *x, const struct pr_function *pf, unsigned int nth,
	const struct case_function *real)
{
	char have[RANGE_TEXT], want[RANGE_TEXT];

	for (unsigned int i = 0; i < PR_ROM; i++) {
		struct case_range mine = slice(pf, i, nth);

		if (judge_same(&mine, &real->resources[i]))
			continue;
		judge_show(&mine, want);
		judge_show(&real->resources[i], have);
		judge_note(x, CASE_UNSOUND, pf, "BAR %u of virtual function %u is %s, predicted %s",
			i, nth, have, want);
	}
}

static const struct case_function *find(
	const struct recorded_case *c, uint32_t domain, unsigned int id)
{
	for (size_t i = 0; i < c->n_after; i++)
		if (is_at(&c->after[i].address, domain, id))
			return &c->after[i];
	return NULL;
}

void judge_new_vfs(struct comparison *x, const struct pr_topology *predicted)
{
	const struct pr_action *a = last_enabling(x);
	const struct pr_function *pf = a ? pr_topology_same(predicted, a->function) : NULL;
	bool come = pf && all_come(pf, a->value);

	for (unsigned int i = 0; pf && i < a->value; i++) {
		const struct case_function *real =
			find(x->c, pf->address.domain, routing_id(pf, i));

		if (real && come)
			compare_bars(x, pf, i, real);
		else if (come)
			judge_note(x, CASE_UNSOUND, pf,
				"virtual function %u was predicted, and is not there", i);
		else if (real)
			judge_note(x, CASE_DIFFERENT, pf,
				"virtual function %u is there, and was not predicted", i);
	}
}

bool judge_is_new_vf(const struct comparison *x, const struct pr_topology *predicted,
	const struct pr_address *address)
{
	const struct pr_action *a = last_enabling(x);
	const struct pr_function *pf = a ? pr_topology_same(predicted, a->function) : NULL;

	for (unsigned int i = 0; pf && i < a->value; i++)
		if (is_at(address, pf->address.domain, routing_id(pf, i)))
			return true;
	return false;
}

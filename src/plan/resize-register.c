/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of BARs by their control registers: written when the drivers have let
 * go, so that what the search removes is found again with them.
 */
#include "plan/resize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REBAR_CONTROL 8u /* first of the control registers; 8 bytes a BAR (PCIe 7.8.6, 7.8.7) */
#define REBAR_SIZE    0x3f00u
#define SIZE_SHIFT    8

static int search(const struct pr_resizing *z, struct pr_plan **ret)
{
	struct pr_request request = *z->request;
	struct pr_address *targets = calloc(request.n_targets + z->n, sizeof(*targets));
	int r;

	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < request.n_targets; i++)
		targets[i] = request.targets[i];
	for (size_t i = 0; i < z->n; i++)
		if (!pr_resized_before(z, i))
			targets[request.n_targets++] = z->list[i].function;
	request.targets = targets;
	r = pr_plan_search(z->asked, &request, z->policy, ret);
	free(targets);
	return r;
}

/* The control register of a BAR, and what it holds. */
static bool find_control(
	const struct pr_function *f, unsigned int index, uint16_t *ret_offset, uint32_t *ret_value)
{
	const struct pr_config config = { .bytes = f->facts->config,
		.length = f->facts->config_length };
	const bool vf = index >= PR_VF_BAR0;
	const struct pr_rebar *rebar = vf ? &f->caps->vf_rebar : &f->caps->rebar;

	for (unsigned int i = 0; i < rebar->n_entries; i++) {
		if (rebar->entries[i].bar != index - (vf ? PR_VF_BAR0 : PR_BAR0))
			continue;
		*ret_offset = (uint16_t)(rebar->offset + REBAR_CONTROL + 8 * i);
		return pr_config_u32(&config, *ret_offset, ret_value);
	}
	return false;
}

static uint32_t order_of(uint64_t size)
{
	uint32_t n = 0;

	while (n + 1 < PR_REBAR_SIZES && PR_REBAR_SIZE(n) != size)
		n++;
	return n;
}

static size_t count_unbinds(const struct pr_plan *p)
{
	size_t n = 0;

	while (n < p->n_steps && p->steps[n].kind == PR_STEP_UNBIND)
		n++;
	return n;
}

/* Behind the drivers that let go, before anything is removed.  1: a register is not known. */
static int add_writes(struct pr_plan *p, const struct pr_resizing *z)
{
	const struct pr_step *old = p->steps;
	const size_t n_old = p->n_steps, n_first = count_unbinds(p);
	int r;

	p->steps = pr_new_array(p->arena, n_old + z->n, struct pr_step);
	if (!p->steps)
		return -ENOMEM;
	memcpy(p->steps, old, n_first * sizeof(*old));
	p->n_steps = n_first;
	for (size_t i = 0; i < z->n; i++) {
		const struct pr_function *f = pr_resized_function(z->asked, &z->list[i]);
		struct pr_step write = { .kind = PR_STEP_WRITE, .width = 4 };

		if (!find_control(f, z->list[i].index, &write.offset, &write.old))
			return 1;
		write.value = (write.old & ~REBAR_SIZE) | order_of(z->list[i].size) << SIZE_SHIFT;
		r = write.value != write.old ? pr_resizing_add_step(p, &write, f) : 0;
		if (r < 0)
			return r;
	}
	memcpy(p->steps + p->n_steps, old + n_first, (n_old - n_first) * sizeof(*old));
	p->n_steps += n_old - n_first;
	p->cost.steps = (unsigned int)p->n_steps;
	return 0;
}

static int refuse(struct pr_plan *p, enum pr_verdict verdict, const char *why)
{
	pr_topology_free(p->prediction);
	p->prediction = NULL;
	p->n_steps = p->n_removed = p->n_affected = p->n_left = p->n_unseen = 0;
	p->cost = (struct pr_cost){ 0 };
	p->verdict = verdict;
	p->why = why;
	return 0;
}

int pr_resize_by_register(struct pr_resizing *z, struct pr_plan **ret)
{
	struct pr_plan *p;
	int r;

	r = search(z, &p);
	if (r < 0)
		return r;
	if (p->verdict != PR_VERDICT_OK && p->verdict != PR_VERDICT_TOO_DISRUPTIVE &&
		p->verdict != PR_VERDICT_VETOED) {
		*ret = p;
		return 0;
	}
	if (z->request->no_writes || !pr_registers_writable(&z->machine->machine))
		r = refuse(p, PR_VERDICT_INFEASIBLE,
			"there is no room in place, and the register with the size of a BAR cannot be "
			"written in lockdown");
	else
		r = add_writes(p, z);
	if (r == 1)
		r = refuse(p, PR_VERDICT_UNKNOWN,
			"what the control register of its Resizable BAR holds is not known");
	if (r < 0) {
		pr_plan_free(p);
		return r;
	}
	p->bound = p->proven ? p->cost : p->bound;
	pr_plan_sign(p);
	*ret = p;
	return 0;
}

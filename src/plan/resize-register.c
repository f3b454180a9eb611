/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of BARs by their control registers: written when the drivers have let
 * go, so that what the search removes is found again with them.
 */
#include "plan/resize.h"

#include <errno.h>
#include <stdlib.h>

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

/* Whether the removals that begin with step @i of @steps take @f away. */
static bool goes_from(const struct pr_plan *p, const struct pr_step *steps, size_t n, size_t i,
	const struct pr_function *f)
{
	for (; i < n && steps[i].kind == PR_STEP_REMOVE; i++)
		if (pr_function_below(f, pr_topology_find(p->topology, &steps[i].address)))
			return true;
	return false;
}

/* The step that writes the size of @size.  1: what is there is not known; 2: it is that size. */
static int make_write(
	const struct pr_function *f, const struct pr_resize *size, struct pr_step *ret)
{
	*ret = (struct pr_step){ .kind = PR_STEP_WRITE, .width = 4 };
	if (!find_control(f, size->index, &ret->offset, &ret->old))
		return 1;
	ret->value = (ret->old & ~REBAR_SIZE) | pr_rebar_order(size->size) << SIZE_SHIFT;
	return ret->value != ret->old ? 0 : 2;
}

static bool is_written(const struct pr_plan *p, const struct pr_function *f, uint16_t offset)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].kind == PR_STEP_WRITE && p->steps[i].offset == offset &&
			pr_address_compare(&p->steps[i].address, &f->address) == 0)
			return true;
	return false;
}

/* Behind the drivers that let go, before anything of the same bus is removed. */
static int add_writes_at(struct pr_plan *p, const struct pr_resizing *z,
	const struct pr_step *steps, size_t n, size_t i)
{
	if (steps[i].kind != PR_STEP_REMOVE || (i > 0 && steps[i - 1].kind == PR_STEP_REMOVE))
		return 0;
	for (size_t k = 0; k < z->n; k++) {
		const struct pr_function *f = pr_resized_function(z->asked, &z->list[k]);
		struct pr_step write;
		int r;

		if (!goes_from(p, steps, n, i, f))
			continue;
		r = make_write(f, &z->list[k], &write);
		if (r == 0 && !is_written(p, f, write.offset))
			r = pr_resizing_add_step(p, &write, f);
		if (r < 0 || r == 1)
			return r;
	}
	return 0;
}

/* 0; 1 when a register is not known; negative errno. */
static int add_writes(struct pr_plan *p, const struct pr_resizing *z)
{
	const struct pr_step *old = p->steps;
	const size_t n = p->n_steps;

	p->steps = pr_new_array(p->arena, n + z->n, struct pr_step);
	if (!p->steps)
		return -ENOMEM;
	p->n_steps = 0;
	for (size_t i = 0; i < n; i++) {
		int r = add_writes_at(p, z, old, n, i);

		if (r != 0)
			return r;
		p->steps[p->n_steps++] = old[i];
	}
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of BARs in a plan, verified from its steps alone: each that is asked for
 * is given once, to a function that nobody drives, by the kernel or by a
 * register that it reads again.  Shares no code with the search.
 */
#include "plan/check.h"

#include <stdio.h>
#include <string.h>

/* PCIe 7.8.6.3, 7.8.7 */
#define FIRST_CONTROL 8u
#define CONTROL_BYTES 8u
#define SIZE_FIELD    0x3f00u
#define SIZE_SHIFT    8
#define BAR_FIELD     7u

struct sizes {
	const struct pr_plan *plan;
	const struct pr_policy *policy;
	char *why;
	size_t size;
};

static int bad(const struct sizes *c, const struct pr_address *a, const char *what)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(a, address);
	(void)snprintf(c->why, c->size, "%s: %s", address, what);
	return 1;
}

static bool is_of(const struct pr_step *s, const struct pr_function *f)
{
	return pr_address_compare(&s->address, &f->address) == 0;
}

static bool in(uint16_t offset, const struct pr_rebar *r)
{
	return r->present == PR_YES && offset >= r->offset + FIRST_CONTROL &&
	       offset < r->offset + FIRST_CONTROL + CONTROL_BYTES * r->n_entries;
}

bool pr_writes_size(const struct pr_plan *p, const struct pr_step *s)
{
	const struct pr_function *f =
		s->kind == PR_STEP_WRITE ? pr_topology_find(p->topology, &s->address) : NULL;

	return f && (in(s->offset, &f->caps->rebar) || in(s->offset, &f->caps->vf_rebar));
}

bool pr_resized_in_place(const struct pr_plan *p, const struct pr_function *f)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].kind == PR_STEP_RESIZE && is_of(&p->steps[i], f))
			return true;
	return false;
}

/* ---- one step ---- */

/* Index of the resource whose size the register has, from what it holds. */
static unsigned int index_written(const struct pr_function *f, const struct pr_step *s)
{
	return (in(s->offset, &f->caps->rebar) ? PR_BAR0 : PR_VF_BAR0) + (s->value & BAR_FIELD);
}

static bool gives(const struct sizes *c, const struct pr_step *s, const struct pr_resize *z,
	const struct pr_function *f)
{
	if (!is_of(s, f))
		return false;
	if (s->kind == PR_STEP_RESIZE)
		return s->index == z->index && s->size == z->size;
	return pr_writes_size(c->plan, s) && index_written(f, s) == z->index &&
	       ((s->value & SIZE_FIELD) >> SIZE_SHIFT) < PR_REBAR_SIZES &&
	       PR_REBAR_SIZE((s->value & SIZE_FIELD) >> SIZE_SHIFT) == z->size;
}

static bool is_driven(const struct sizes *c, size_t step, const struct pr_function *f)
{
	for (size_t i = 0; i < step; i++)
		if (c->plan->steps[i].kind == PR_STEP_UNBIND && is_of(&c->plan->steps[i], f))
			return false;
	return f->facts->driver != NULL;
}

/* Only what is found again is read again. */
static bool is_found_again(const struct sizes *c, size_t step, const struct pr_function *f)
{
	bool removed = false;

	for (size_t i = step + 1; i < c->plan->n_steps; i++) {
		const struct pr_step *s = &c->plan->steps[i];

		if (removed && s->kind == PR_STEP_RESCAN)
			return true;
		if (s->kind == PR_STEP_REMOVE &&
			pr_function_below(f, pr_topology_find(c->plan->topology, &s->address)))
			removed = true;
	}
	return false;
}

static int check_write(const struct sizes *c, size_t i, const struct pr_function *f)
{
	const struct pr_step *s = &c->plan->steps[i];
	const struct pr_config config = { .bytes = f->facts->config,
		.length = f->facts->config_length };
	const char *lockdown = c->plan->topology->machine.lockdown;
	uint32_t now;

	if (lockdown && strcmp(lockdown, "none") != 0)
		return bad(c, &s->address, "no register can be written in lockdown");
	if (s->width != 4 || !pr_config_u32(&config, s->offset, &now) || now != s->old)
		return bad(
			c, &s->address, "the register does not hold what it would be set back to");
	if ((s->value ^ s->old) & ~SIZE_FIELD)
		return bad(c, &s->address, "more than the size of a BAR would be written");
	if (!is_found_again(c, i, f))
		return bad(c, &s->address, "a size is written, and the function stays");
	return 0;
}

static int check_resize(const struct sizes *c, size_t i, const struct pr_function *f)
{
	const struct pr_step *s = &c->plan->steps[i];
	const struct pr_resource *was =
		pr_function_resource(pr_topology_same(c->plan->machine, f), s->index);

	if (!was || was->size != s->old_size)
		return bad(
			c, &s->address, "the BAR does not have the size it would be set back to");
	return 0;
}

static int check_step(const struct sizes *c, size_t i)
{
	const struct pr_step *s = &c->plan->steps[i];
	const struct pr_function *f;

	if (s->kind != PR_STEP_RESIZE && !pr_writes_size(c->plan, s))
		return 0;
	f = pr_topology_find(c->plan->topology, &s->address);
	if (!f || c->plan->n_resizes == 0)
		return bad(c, &s->address, "nobody asked for another size");
	if (is_driven(c, i, f))
		return bad(c, &s->address, "would be resized under its driver");
	for (size_t k = 0; k < c->plan->n_resizes; k++)
		if (gives(c, s, &c->plan->resizes[k], f))
			return s->kind == PR_STEP_RESIZE ? check_resize(c, i, f)
							 : check_write(c, i, f);
	return bad(c, &s->address, "this size is not the one asked for");
}

/* ---- what was asked for ---- */

static int check_asked(const struct sizes *c, const struct pr_resize *z)
{
	const struct pr_function *f = pr_topology_find(c->plan->topology, &z->function);
	const struct pr_function *is = f ? pr_topology_same(c->plan->prediction, f) : NULL;
	const struct pr_resource *was, *r;
	size_t n = 0;

	if (!is)
		return bad(c, &z->function, "a BAR of nobody was to be resized");
	if (!pr_policy_allows_sizes(c->policy, f))
		return bad(c, &z->function, "would be resized against the policy");
	was = pr_function_resource(pr_topology_same(c->plan->machine, f), z->index);
	r = pr_function_resource(is, z->index);
	for (size_t i = 0; i < c->plan->n_steps; i++)
		n += gives(c, &c->plan->steps[i], z, f);
	if (n > 1 || (n == 0 && (z->index < PR_VF_BAR0 ? was->size : was->align) != z->size))
		return bad(c, &z->function, "the size asked for is not given once");
	if (!r || r->state != PR_RES_ASSIGNED ||
		(z->index < PR_VF_BAR0 ? r->size : r->align) != z->size)
		return bad(c, &z->function, "the size asked for is not predicted");
	return 0;
}

int pr_check_sizes(
	const struct pr_plan *plan, const struct pr_policy *policy, char *why, size_t size)
{
	const struct sizes c = { .plan = plan, .policy = policy, .why = why, .size = size };
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_steps; i++)
		r = check_step(&c, i);
	for (size_t i = 0; r == 0 && i < plan->n_resizes; i++)
		r = check_asked(&c, &plan->resizes[i]);
	return r;
}

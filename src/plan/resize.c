/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans that give Resizable BARs other sizes.  In place, through the kernel's
 * own file, where that has room (resize-place.c); else the size is written to
 * the control register, and what the search removes is found again with it
 * (resize-register.c).  The search knows nothing of sizes: it plans on the
 * machine as asked for, where such a BAR has the new size and no addresses.
 */
#include "plan/resize.h"

#include <errno.h>

const struct pr_function *pr_resized_function(
	const struct pr_topology *t, const struct pr_resize *r)
{
	const struct pr_function *f = pr_topology_find(t, &r->function);

	return f && !f->removed ? f : NULL;
}

static uint64_t size_of_one(const struct pr_resource *r)
{
	return r->index >= PR_VF_BAR0 ? r->align : r->size;
}

/* ---- what both ways share ---- */

bool pr_resized_before(const struct pr_resizing *z, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (pr_address_compare(&z->list[k].function, &z->list[i].function) == 0)
			return true;
	return false;
}

bool pr_resizing_asks_for_more(const struct pr_resizing *z)
{
	const struct pr_request *r = z->request;

	return r->n_targets > 0 || r->n_buses > 0 || r->n_vfs > 0 || r->n_reserves > 0;
}

int pr_resizing_add_step(struct pr_plan *p, const struct pr_step *step, const struct pr_function *f)
{
	struct pr_step *s = &p->steps[p->n_steps];

	*s = *step;
	if (f) {
		s->address = f->address;
		s->path = pr_path_new(p->arena, f);
		if (!s->path)
			return -ENOMEM;
	}
	p->n_steps++;
	return 0;
}

/* ---- the machine as asked for ---- */

static void ask_for(
	struct pr_topology *asked, const struct pr_function *of, const struct pr_resize *z)
{
	struct pr_function *f = pr_topology_same(asked, of);
	struct pr_resource *r = pr_function_resource(f, z->index);

	r->align = r->size = z->size;
	if (z->index >= PR_VF_BAR0)
		r->size *= f->caps->sriov.total_vfs;
	r->state = PR_RES_FORGOTTEN;
	r->range = (struct pr_range){ 0 };
}

static int make_asked(struct pr_resizing *z, struct pr_arena *arena)
{
	bool *touch = pr_new_array(arena, z->machine->n_roots, bool);
	int r;

	if (!touch)
		return -ENOMEM;
	for (size_t i = 0; i < z->n; i++)
		touch[pr_root_position(
			z->machine, pr_resized_function(z->machine, &z->list[i])->root)] = true;
	r = pr_topology_copy(z->machine, touch, &z->asked);
	if (r < 0)
		return r;
	for (size_t i = 0; i < z->n; i++)
		ask_for(z->asked, pr_resized_function(z->machine, &z->list[i]), &z->list[i]);
	z->asked->generation = z->machine->generation; /* it is the same machine that is changed */
	return 0;
}

/* ---- one plan ---- */

static bool is_so_already(const struct pr_resizing *z)
{
	for (size_t i = 0; i < z->n; i++) {
		const struct pr_function *f = pr_resized_function(z->machine, &z->list[i]);
		const struct pr_resource *r = pr_function_resource(f, z->list[i].index);

		if (size_of_one(r) != z->list[i].size || r->state != PR_RES_ASSIGNED)
			return false;
	}
	return !pr_resizing_asks_for_more(z);
}

static int note_resizes(struct pr_plan *p, const struct pr_resizing *z)
{
	p->resizes = pr_arena_memdup(p->arena, z->list, z->n * sizeof(*z->list));
	p->n_resizes = z->n;
	p->machine = z->machine;
	p->asked = z->asked;
	return p->resizes ? 0 : -ENOMEM;
}

/* Every size is one that the BAR can have. */
static int plan_sizes(struct pr_resizing *z, struct pr_plan **ret)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_plan *p = NULL;
	int r;

	r = arena ? make_asked(z, arena) : -ENOMEM;
	pr_arena_free(arena);
	if (r < 0)
		return r;
	r = pr_resize_in_place(z, &p);
	if (r == 1)
		r = pr_resize_by_register(z, &p);
	if (r < 0) {
		pr_topology_free(z->asked);
		return r;
	}
	r = note_resizes(p, z);
	if (r < 0)
		pr_plan_free(p);
	else
		*ret = p;
	return r;
}

/* A plan without steps. */
static int plan_verdict(const struct pr_resizing *z, enum pr_verdict verdict, struct pr_plan **ret)
{
	struct pr_plan *p = pr_plan_new(z->machine);

	if (!p)
		return -ENOMEM;
	p->verdict = verdict;
	p->proven = true;
	(void)pr_kernel_select(&z->machine->machine, &p->kernel); /* for show */
	pr_plan_sign(p);
	*ret = p;
	return 0;
}

/* From the largest down to what it has; the last refusal is of the next size that it could have. */
static int plan_largest(struct pr_resizing *z, struct pr_plan **ret)
{
	const struct pr_function *f = pr_resized_function(z->machine, &z->list[0]);
	const struct pr_resource *r = pr_function_resource(f, z->list[0].index);
	const struct pr_rebar_entry *e = pr_function_rebar(f, r);
	struct pr_plan *p = NULL;
	int k;

	for (unsigned int n = PR_REBAR_SIZES; n-- > 0 && PR_REBAR_SIZE(n) > size_of_one(r);) {
		if (!(e->sizes >> n & 1))
			continue;
		pr_plan_free(p);
		z->list[0].size = PR_REBAR_SIZE(n);
		k = plan_sizes(z, &p);
		if (k < 0 || p->verdict == PR_VERDICT_OK) {
			*ret = p;
			return k;
		}
	}
	if (!p)
		return plan_verdict(z, PR_VERDICT_NOTHING, ret);
	*ret = p;
	return 0;
}

/* The first that by the policy keeps its sizes; NULL: none of them. */
static const struct pr_function *find_kept(const struct pr_resizing *z)
{
	for (size_t i = 0; i < z->n; i++) {
		const struct pr_function *f = pr_resized_function(z->machine, &z->list[i]);

		if (!pr_policy_allows_sizes(z->policy, f))
			return f;
	}
	return NULL;
}

static int plan_veto(
	const struct pr_resizing *z, const struct pr_function *kept, struct pr_plan **ret)
{
	char address[PR_ADDRESS_MAX];
	struct pr_plan *p;
	int r;

	r = plan_verdict(z, PR_VERDICT_VETOED, &p);
	if (r < 0)
		return r;
	pr_address_format(&kept->address, address);
	p->why =
		pr_arena_printf(p->arena, "by the policy the BARs of %s keep their sizes", address);
	if (!p->why) {
		pr_plan_free(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

/* All of it is possible, and allowed. */
static int plan_allowed(struct pr_resizing *z, struct pr_plan **ret)
{
	if (z->list[0].size == PR_RESIZE_LARGEST)
		return plan_largest(z, ret);
	return is_so_already(z) ? plan_verdict(z, PR_VERDICT_NOTHING, ret) : plan_sizes(z, ret);
}

bool pr_resize_is_possible(const struct pr_topology *t, const struct pr_resize *z)
{
	const struct pr_function *f = pr_resized_function(t, z);
	const struct pr_resource *r = f ? pr_function_resource(f, z->index) : NULL;
	const struct pr_rebar_entry *e = r ? pr_function_rebar(f, r) : NULL;

	return e && (z->size == PR_RESIZE_LARGEST || pr_rebar_has(e, z->size));
}

static int check_request(const struct pr_resizing *z)
{
	for (size_t i = 0; i < z->n; i++) {
		if (!pr_resized_function(z->machine, &z->list[i]))
			return -ENOENT;
		if (!pr_resize_is_possible(z->machine, &z->list[i]) ||
			(z->list[i].size == PR_RESIZE_LARGEST && z->n > 1))
			return -EINVAL;
	}
	return 0;
}

int pr_plan_resize(const struct pr_topology *t, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_plan **ret)
{
	struct pr_resizing z = { .machine = t, .request = request, .policy = policy };
	struct pr_arena *arena = pr_arena_new();
	const struct pr_function *kept;
	int r = -ENOMEM;

	if (arena)
		z.list = pr_arena_memdup(
			arena, request->resizes, request->n_resizes * sizeof(*z.list));
	z.n = request->n_resizes;
	if (z.list)
		r = check_request(&z);
	if (r == 0) {
		kept = find_kept(&z);
		r = kept ? plan_veto(&z, kept, ret) : plan_allowed(&z, ret);
	}
	pr_arena_free(arena);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans that give Resizable BARs other sizes.  In place, through the kernel's
 * own file, where that has room; else the size is written to the control
 * register, and what the search removes is found again with it.  The search
 * knows nothing of sizes: it plans on the machine as asked for, where such a
 * BAR has the new size and no addresses.
 */
#include "plan/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REBAR_CONTROL 8u /* first of the control registers; 8 bytes a BAR (PCIe 7.8.6, 7.8.7) */
#define REBAR_SIZE    0x3f00u
#define SIZE_SHIFT    8

struct resizing {
	const struct pr_topology *machine; /* as it is */
	struct pr_topology *asked;         /* as asked for */
	const struct pr_request *request;
	const struct pr_policy *policy;
	struct pr_resize *list; /* the request's, no size is "the largest" */
	size_t n;
};

static const struct pr_function *function_of(const struct pr_topology *t, const struct pr_resize *r)
{
	const struct pr_function *f = pr_topology_find(t, &r->function);

	return f && !f->removed ? f : NULL;
}

static uint64_t size_of_one(const struct pr_resource *r)
{
	return r->index >= PR_VF_BAR0 ? r->align : r->size;
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

static int make_asked(struct resizing *z, struct pr_arena *arena)
{
	bool *touch = pr_new_array(arena, z->machine->n_roots, bool);
	int r;

	if (!touch)
		return -ENOMEM;
	for (size_t i = 0; i < z->n; i++)
		touch[pr_root_position(z->machine, function_of(z->machine, &z->list[i])->root)] =
			true;
	r = pr_topology_copy(z->machine, touch, &z->asked);
	if (r < 0)
		return r;
	for (size_t i = 0; i < z->n; i++)
		ask_for(z->asked, function_of(z->machine, &z->list[i]), &z->list[i]);
	z->asked->generation = z->machine->generation; /* it is the same machine that is changed */
	return 0;
}

/* ---- in place ---- */

static bool is_resized(const struct resizing *z, const struct pr_function *f)
{
	for (size_t i = 0; i < z->n; i++)
		if (pr_address_compare(&z->list[i].function, &f->address) == 0)
			return true;
	return false;
}

static bool is_above_resized(const struct resizing *z, const struct pr_function *f)
{
	for (size_t i = 0; i < z->n; i++)
		if (pr_function_below(function_of(z->asked, &z->list[i]), f))
			return true;
	return false;
}

static bool same_place(const struct pr_resource *a, const struct pr_resource *b)
{
	return a->state == b->state &&
	       (a->state != PR_RES_ASSIGNED || pr_range_equal(&a->range, &b->range));
}

/* Its other BARs may be elsewhere. */
static bool is_whole(const struct pr_function *was, const struct pr_function *is)
{
	for (size_t i = 0; i < was->n_resources; i++)
		if (was->resources[i].state == PR_RES_ASSIGNED &&
			(is->resources[i].state != PR_RES_ASSIGNED ||
				!pr_resource_forwarded(is, &is->resources[i])))
			return false;
	return true;
}

/* What is not asked for has what it had, and nothing more; windows above may be others. */
static bool is_untouched(
	const struct resizing *z, const struct pr_function *was, const struct pr_function *is)
{
	for (size_t i = 0; i < was->n_resources; i++) {
		const struct pr_resource *r = &was->resources[i];

		if (pr_resource_is_window(r) && was->bridge && is_above_resized(z, was))
			continue;
		if (!same_place(r, &is->resources[i]))
			return false;
	}
	return true;
}

static bool all_good(const struct resizing *z, const struct pr_topology *after)
{
	unsigned int kind;

	if (pr_standing_lost(z->policy, z->machine, after, &kind))
		return false;
	for (size_t i = 0; i < z->n; i++) {
		const struct pr_function *f =
			pr_topology_same(after, function_of(z->machine, &z->list[i]));
		const struct pr_resource *r = pr_function_resource(f, z->list[i].index);

		if (r->state != PR_RES_ASSIGNED || r->size != z->list[i].size ||
			!pr_resource_forwarded(f, r))
			return false;
	}
	pr_for_each_root (z->asked, i) {
		const struct pr_root *root = z->asked->roots[i];

		for (size_t k = 0; k < root->n_functions; k++) {
			const struct pr_function *f = &root->functions[k];
			const struct pr_function *is = pr_topology_same(after, f);

			if (f->removed)
				continue;
			if (is_resized(z, f) ? !is_whole(f, is) : !is_untouched(z, f, is))
				return false;
		}
	}
	return true;
}

/* The request has more than sizes. */
static bool asks_for_more(const struct resizing *z)
{
	const struct pr_request *r = z->request;

	return r->n_targets > 0 || r->n_buses > 0 || r->n_vfs > 0 || r->n_reserves > 0;
}

static bool can_be_in_place(const struct resizing *z, const struct pr_kernel *k)
{
	if (k->older || asks_for_more(z))
		return false;
	for (size_t i = 0; i < z->n; i++)
		if (z->list[i].index >= PR_ROM)
			return false; /* the kernel has no file for VF BARs */
	return true;
}

/* 0 and what the kernel makes of it, 1 when it is not to be had in place. */
static int resize_in_place(const struct resizing *z, const struct pr_kernel *k,
	struct pr_arena *arena, struct pr_topology **ret)
{
	struct pr_action *actions = pr_new_array(arena, z->n, struct pr_action);
	int r;

	if (!actions)
		return -ENOMEM;
	for (size_t i = 0; i < z->n; i++)
		actions[i] = (struct pr_action){ .kind = PR_ACTION_RESIZE,
			.function = function_of(z->machine, &z->list[i]),
			.index = z->list[i].index,
			.size = z->list[i].size };
	r = pr_kernel_apply(k, z->machine, actions, z->n, ret, NULL);
	if (r != 0)
		return r == -ENOMEM ? r : 1;
	if (all_good(z, *ret))
		return 0;
	pr_topology_free(*ret);
	*ret = NULL;
	return 1;
}

static int add_step(struct pr_plan *p, const struct pr_step *step, const struct pr_function *f)
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

static int add_in_place(struct pr_plan *p, const struct pr_resize *z, const struct pr_function *f,
	const struct pr_resource *was)
{
	const struct pr_step resize = {
		.kind = PR_STEP_RESIZE, .index = z->index, .size = z->size, .old_size = was->size
	};

	return add_step(p, &resize, f);
}

/* Each function once, however many of its BARs get another size. */
static bool seen_before(const struct resizing *z, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (pr_address_compare(&z->list[k].function, &z->list[i].function) == 0)
			return true;
	return false;
}

static void add_affected(
	struct pr_plan *p, const struct pr_policy *policy, const struct pr_function *f)
{
	struct pr_affected *a = &p->affected[p->n_affected++];

	a->function = f;
	a->disruption = pr_function_disruption(f, policy, &a->reason);
	p->cost.in_use += a->disruption >= PR_DISRUPTION_IN_USE;
	p->cost.restarted += a->disruption == PR_DISRUPTION_RESTART;
	p->targets[p->n_targets++] = f;
}

/* Who lets go of it, then the sizes. */
static int write_down(struct pr_plan *p, const struct resizing *z)
{
	int r = 0;

	p->steps = pr_new_array(p->arena, 2 * z->n + 1, struct pr_step);
	p->affected = pr_new_array(p->arena, z->n, struct pr_affected);
	p->targets = pr_new_array(p->arena, z->n, const struct pr_function *);
	if (!p->steps || !p->affected || !p->targets)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < z->n; i++) {
		const struct pr_function *f = function_of(z->asked, &z->list[i]);

		if (seen_before(z, i))
			continue;
		add_affected(p, z->policy, f);
		if (f->facts->driver)
			r = add_step(p,
				&(struct pr_step){
					.kind = PR_STEP_UNBIND, .driver = f->facts->driver },
				f);
	}
	for (size_t i = 0; r == 0 && i < z->n; i++)
		r = add_in_place(p, &z->list[i], function_of(z->asked, &z->list[i]),
			pr_function_resource(
				function_of(z->machine, &z->list[i]), z->list[i].index));
	if (r == 0)
		r = add_step(p, &(struct pr_step){ .kind = PR_STEP_EXPECT }, NULL);
	p->cost.steps = (unsigned int)p->n_steps;
	return r;
}

static enum pr_verdict verdict_of(const struct pr_plan *p, const struct pr_policy *policy)
{
	enum pr_disruption worst = PR_DISRUPTION_FREE;

	for (size_t i = 0; i < p->n_affected; i++)
		if (p->affected[i].disruption > worst)
			worst = p->affected[i].disruption;
	if (worst == PR_DISRUPTION_PINNED)
		return PR_VERDICT_VETOED;
	return worst > policy->limit ? PR_VERDICT_TOO_DISRUPTIVE : PR_VERDICT_OK;
}

/* Nobody can do with less than that who has the BAR lets go of it. */
static int plan_in_place(struct resizing *z, struct pr_plan *p)
{
	int r = write_down(p, z);

	if (r < 0)
		return r;
	p->verdict = verdict_of(p, z->policy);
	p->proven = true;
	p->bound = p->cost;
	p->n_simulated = 1;
	pr_plan_sign(p);
	if (z->request->brief || p->verdict == PR_VERDICT_OK)
		return 0;
	p->why = p->verdict == PR_VERDICT_VETOED ? pr_vetoed(p) : pr_too_disruptive(p, z->policy);
	return p->why ? 0 : -ENOMEM;
}

/* 1: not in place. */
static int try_in_place(struct resizing *z, struct pr_plan **ret)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_plan *p = arena ? pr_new(arena, struct pr_plan) : NULL;
	int r;

	if (!p) {
		pr_arena_free(arena);
		return -ENOMEM;
	}
	p->arena = arena;
	p->topology = z->asked;
	p->generation = z->machine->generation;
	r = pr_kernel_select(&z->machine->machine, &p->kernel);
	if (r < 0 || !can_be_in_place(z, &p->kernel))
		r = 1;
	else
		r = resize_in_place(z, &p->kernel, arena, &p->prediction);
	if (r == 0)
		r = plan_in_place(z, p);
	if (r != 0)
		pr_plan_free(p);
	else
		*ret = p;
	return r;
}

/* ---- by register ---- */

static int search(const struct resizing *z, struct pr_plan **ret)
{
	struct pr_request request = *z->request;
	struct pr_address *targets = calloc(request.n_targets + z->n, sizeof(*targets));
	int r;

	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < request.n_targets; i++)
		targets[i] = request.targets[i];
	for (size_t i = 0; i < z->n; i++)
		if (!seen_before(z, i))
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
static int add_writes(struct pr_plan *p, const struct resizing *z)
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
		const struct pr_function *f = function_of(z->asked, &z->list[i]);
		struct pr_step write = { .kind = PR_STEP_WRITE, .width = 4 };

		if (!find_control(f, z->list[i].index, &write.offset, &write.old))
			return 1;
		write.value = (write.old & ~REBAR_SIZE) | order_of(z->list[i].size) << SIZE_SHIFT;
		r = write.value != write.old ? add_step(p, &write, f) : 0;
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

static int plan_by_register(struct resizing *z, struct pr_plan **ret)
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

/* ---- one plan ---- */

static bool is_so_already(const struct resizing *z)
{
	for (size_t i = 0; i < z->n; i++) {
		const struct pr_function *f = function_of(z->machine, &z->list[i]);
		const struct pr_resource *r = pr_function_resource(f, z->list[i].index);

		if (size_of_one(r) != z->list[i].size || r->state != PR_RES_ASSIGNED)
			return false;
	}
	return !asks_for_more(z);
}

static int note_resizes(struct pr_plan *p, const struct resizing *z)
{
	p->resizes = pr_arena_memdup(p->arena, z->list, z->n * sizeof(*z->list));
	p->n_resizes = z->n;
	p->machine = z->machine;
	p->asked = z->asked;
	return p->resizes ? 0 : -ENOMEM;
}

/* Every size is one that the BAR can have. */
static int plan_sizes(struct resizing *z, struct pr_plan **ret)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_plan *p = NULL;
	int r;

	r = arena ? make_asked(z, arena) : -ENOMEM;
	pr_arena_free(arena);
	if (r < 0)
		return r;
	r = try_in_place(z, &p);
	if (r == 1)
		r = plan_by_register(z, &p);
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

static int plan_nothing(const struct resizing *z, struct pr_plan **ret)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_plan *p = arena ? pr_new(arena, struct pr_plan) : NULL;

	if (!p) {
		pr_arena_free(arena);
		return -ENOMEM;
	}
	p->arena = arena;
	p->topology = z->machine;
	p->generation = z->machine->generation;
	p->verdict = PR_VERDICT_NOTHING;
	p->proven = true;
	(void)pr_kernel_select(&z->machine->machine, &p->kernel); /* for show */
	pr_plan_sign(p);
	*ret = p;
	return 0;
}

/* From the largest down to what it has; the last refusal is of the next size that it could have. */
static int plan_largest(struct resizing *z, struct pr_plan **ret)
{
	const struct pr_function *f = function_of(z->machine, &z->list[0]);
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
		return plan_nothing(z, ret);
	*ret = p;
	return 0;
}

bool pr_resize_is_possible(const struct pr_topology *t, const struct pr_resize *z)
{
	const struct pr_function *f = function_of(t, z);
	const struct pr_resource *r = f ? pr_function_resource(f, z->index) : NULL;
	const struct pr_rebar_entry *e = r ? pr_function_rebar(f, r) : NULL;

	return e && (z->size == PR_RESIZE_LARGEST || pr_rebar_has(e, z->size));
}

static int check_request(const struct resizing *z)
{
	for (size_t i = 0; i < z->n; i++) {
		if (!function_of(z->machine, &z->list[i]))
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
	struct resizing z = { .machine = t, .request = request, .policy = policy };
	struct pr_arena *arena = pr_arena_new();
	int r = -ENOMEM;

	if (arena)
		z.list = pr_arena_memdup(
			arena, request->resizes, request->n_resizes * sizeof(*z.list));
	z.n = request->n_resizes;
	if (z.list)
		r = check_request(&z);
	if (r == 0 && z.list[0].size == PR_RESIZE_LARGEST)
		r = plan_largest(&z, ret);
	else if (r == 0)
		r = is_so_already(&z) ? plan_nothing(&z, ret) : plan_sizes(&z, ret);
	pr_arena_free(arena);
	return r;
}

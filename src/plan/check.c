/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Independent verification of a plan from its steps alone.  Shares no code
 * with the search: it simulates the steps again and judges by compare.c; bus
 * numbers are check-buses.c's.  Must not include search.h.
 */
#include "plan/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum fate {
	STAYS = 0,
	UNBOUND,
	GONE,   /* removed, and no rescan since */
	REMOVED /* and enumerated again */
};

struct checking {
	const struct pr_plan *plan;
	const struct pr_policy *policy;
	struct pr_arena *arena;
	uint8_t **fates; /* enum fate, by root and function */
	struct pr_action *actions;
	size_t n_actions;
	char *why;
	size_t size;
};

static int bad(struct checking *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int bad(struct checking *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(c->why, c->size, format, ap);
	va_end(ap);
	return 1;
}

static int bad_function(struct checking *c, const struct pr_function *f, const char *what)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&f->address, address);
	return bad(c, "%s %s", address, what);
}

static int bad_step(struct checking *c, size_t i, const char *what)
{
	return bad(c, "step %zu (%s): %s", i + 1, pr_step_name(c->plan->steps[i].kind), what);
}

static uint8_t *fate_of(const struct checking *c, const struct pr_function *f)
{
	size_t root = pr_root_position(c->plan->topology, f->root);

	return &c->fates[root][f - f->root->functions];
}

/* The function that a step names, by address and path alike. */
static const struct pr_function *step_function(const struct checking *c, const struct pr_step *step)
{
	const struct pr_function *f = pr_topology_find(c->plan->topology, &step->address);

	if (!f || !step->path || pr_topology_find_path(c->plan->topology, step->path) != f)
		return NULL;
	return f;
}

static bool driver_is(const struct pr_function *f, const char *driver)
{
	return f->facts->driver && driver && strcmp(f->facts->driver, driver) == 0;
}

/* ---- steps ---- */

static int check_unbind(struct checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *f = step_function(c, step);

	if (!f)
		return bad_step(c, i, "no such function");
	if (*fate_of(c, f) != STAYS)
		return bad_step(c, i, "the function was unbound or removed before");
	if (!driver_is(f, step->driver))
		return bad_step(c, i, "this driver is not bound");
	if (pr_function_disruption(f, c->policy, NULL) > c->policy->limit)
		return bad_step(c, i, "the policy does not allow it");
	*fate_of(c, f) = UNBOUND;
	return 0;
}

/* Is one of them there still? */
static bool has_vfs(const struct checking *c, const struct pr_function *pf)
{
	for (const struct pr_function *vf = NULL; (vf = pr_function_next_vf(pf, vf));)
		if (*fate_of(c, vf) < GONE)
			return true;
	return false;
}

static int check_removed(struct checking *c, size_t i, const struct pr_function *f)
{
	enum pr_disruption d = pr_function_disruption(f, c->policy, NULL);
	uint8_t *fate = fate_of(c, f);

	if (*fate >= GONE)
		return bad_step(c, i, "part of it was removed before");
	if (has_vfs(c, f))
		return bad_function(c, f, "would be removed under its virtual functions");
	if (d == PR_DISRUPTION_PINNED || d > c->policy->limit)
		return bad_function(c, f, "would be removed against the policy");
	if (!f->bridge && f->facts->driver && *fate != UNBOUND)
		return bad_function(c, f, "would be removed with its driver bound");
	*fate = GONE;
	return 0;
}

static void add_action(struct checking *c, enum pr_action_kind kind, const struct pr_function *f,
	const struct pr_root *root)
{
	c->actions[c->n_actions++] =
		(struct pr_action){ .kind = kind, .function = f, .root = root };
}

static int check_remove(struct checking *c, size_t i)
{
	const struct pr_function *top = step_function(c, &c->plan->steps[i]);
	int r;

	if (!top)
		return bad_step(c, i, "no such function");
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
		if (f != top && *fate_of(c, f) == GONE)
			continue; /* one after the other, from the leaves; virtual functions before */
		r = check_removed(c, i, f);
		if (r != 0)
			return r;
	}
	add_action(c, PR_ACTION_REMOVE, top, top->root);
	return 0;
}

/* ---- virtual functions ---- */

static int check_vf_gone(struct checking *c, size_t i, const struct pr_function *vf)
{
	enum pr_disruption d = pr_function_disruption(vf, c->policy, NULL);

	if (d == PR_DISRUPTION_PINNED || d > c->policy->limit)
		return bad_function(c, vf, "would be taken away against the policy");
	if (vf->facts->driver && *fate_of(c, vf) != UNBOUND)
		return bad_function(c, vf, "would be taken away with its driver bound");
	if (*fate_of(c, vf) >= GONE)
		return bad_step(c, i, "they were taken away before");
	*fate_of(c, vf) = GONE;
	return 0;
}

static int check_taken_away(struct checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *pf = step_function(c, step);
	unsigned int n = 0;
	int r;

	if (!pf || !pf->facts->driver || *fate_of(c, pf) != STAYS)
		return bad_step(c, i, "no driver is there that could do it");
	if (pr_function_disruption(pf, c->policy, NULL) > c->policy->limit)
		return bad_step(c, i, "the policy does not allow it");
	for (const struct pr_function *vf = NULL; (vf = pr_function_next_vf(pf, vf)); n++) {
		r = check_vf_gone(c, i, vf);
		if (r != 0)
			return r;
	}
	if (n == 0 || step->old != n)
		return bad_step(c, i, "it does not have that many virtual functions");
	add_action(c, PR_ACTION_VFS, pf, pf->root);
	return 0;
}

static bool is_wished(const struct checking *c, const struct pr_step *step)
{
	for (size_t i = 0; i < c->plan->n_vfs; i++)
		if (pr_address_compare(&c->plan->vfs[i].function, &step->address) == 0 &&
			c->plan->vfs[i].vfs == step->value)
			return true;
	return false;
}

/* They come last, when nothing moves any more; and the driver asked is the one that was there. */
static int check_enabled(struct checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *pf = step_function(c, step);

	if (!pf || !pf->facts->driver)
		return bad_step(c, i, "no driver is there that could do it");
	if (!is_wished(c, step) || pf->caps->sriov.present != PR_YES ||
		step->value > pf->caps->sriov.total_vfs)
		return bad_step(c, i, "nobody asks for that many, or there are fewer");
	if (step->old != 0 || pr_function_next_vf(pf, NULL))
		return bad_step(c, i, "it has virtual functions");
	for (size_t k = i + 1; k < c->plan->n_steps; k++)
		if (c->plan->steps[k].kind != PR_STEP_EXPECT &&
			(c->plan->steps[k].kind != PR_STEP_VFS || c->plan->steps[k].value == 0))
			return bad_step(c, i, "something is done after it");
	return 0;
}

/* What Linux asks for before it enables them (sriov_enable() of drivers/pci/iov.c). */
static int check_room_for_vfs(
	struct checking *c, const struct pr_step *step, const struct pr_topology *now)
{
	const struct pr_function *pf = pr_topology_same(now, step_function(c, step));
	const struct pr_sriov *s = &pf->caps->sriov;
	unsigned int id = (unsigned int)pf->address.bus << 8 |
			  (unsigned int)pf->address.device << 3 | pf->address.function;
	unsigned int last = pf->parent ? pf->parent->bridge->subordinate : pf->root->last_bus;

	for (size_t i = 0; i < pf->n_resources; i++) {
		const struct pr_resource *r = &pf->resources[i];

		if (r->index < PR_VF_BAR0 || r->index >= PR_WINDOW_IO)
			continue;
		if (r->state != PR_RES_ASSIGNED || !pr_resource_forwarded(pf, r))
			return bad_function(c, pf, "would have no room for virtual functions");
	}
	if (s->first_offset == 0 || (step->value > 1 && s->stride == 0) ||
		(id + s->first_offset + s->stride * (step->value - 1)) >> 8 > last)
		return bad_function(c, pf, "would have no buses for virtual functions");
	return 0;
}

/* What the runner does when all else is done. */
static int return_vfs(struct checking *c)
{
	for (size_t i = 0; i < c->plan->n_steps; i++) {
		const struct pr_step *step = &c->plan->steps[i];
		const struct pr_function *pf;

		if (step->kind != PR_STEP_VFS || step->value != 0)
			continue;
		pf = step_function(c, step);
		if (*fate_of(c, pf) == GONE)
			return bad_function(c, pf, "would not be found again");
		add_action(c, PR_ACTION_VFS, pf, pf->root);
		c->actions[c->n_actions - 1].value = step->old;
	}
	return 0;
}

static const struct pr_root *step_root(const struct checking *c, const struct pr_step *step)
{
	pr_for_each_root (c->plan->topology, i) {
		const struct pr_root_facts *facts = &c->plan->topology->roots[i]->facts;

		if (facts->domain == step->address.domain && facts->bus == step->address.bus)
			return c->plan->topology->roots[i];
	}
	return NULL;
}

static int check_rescan(struct checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *f = step->root_bus ? NULL : step_function(c, step);
	const struct pr_root *root = step->root_bus ? step_root(c, step) : (f ? f->root : NULL);

	if (!root)
		return bad_step(c, i, "no such function or bus");
	if (f && *fate_of(c, f) >= GONE)
		return bad_step(c, i, "the function is not there any more");
	add_action(c, PR_ACTION_RESCAN, f, root);
	for (size_t k = 0; k < root->n_functions; k++)
		if (*fate_of(c, &root->functions[k]) == GONE)
			*fate_of(c, &root->functions[k]) = REMOVED;
	return 0;
}

/* ---- registers that are written ---- */

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* PCI-to-PCI Bridge 1.2, 3.2.5.6 to 3.2.5.9: the low bits of base and limit are read-only. */
static void put(uint8_t *header, const struct pr_step *s)
{
	uint32_t fixed = s->offset == 0x1c ? 0x0f0f : s->offset <= 0x24 ? 0x000f000f : 0;
	uint32_t value = (s->value & ~fixed) | (get_u32(header + s->offset) & fixed);

	for (unsigned int i = 0; i < s->width; i++)
		header[s->offset + i] = (uint8_t)(value >> (8 * i));
}

/* The header of @bridge when the first @n steps are done. */
static void header_after(
	const struct checking *c, const struct pr_function *bridge, size_t n, uint8_t ret[64])
{
	pr_bridge_encode(bridge->bridge, ret);
	for (size_t i = 0; i < n; i++) {
		const struct pr_step *s = &c->plan->steps[i];

		if (s->kind == PR_STEP_WRITE && !pr_writes_numbers(s) &&
			pr_address_compare(&s->address, &bridge->address) == 0)
			put(ret, s);
	}
}

static bool read_windows(const uint8_t raw[64], struct pr_window ret[2])
{
	const struct pr_config config = { .bytes = raw, .length = 64 };
	struct pr_bridge_header header;

	if (!pr_config_bridge(&config, &header))
		return false;
	ret[0] = header.mem;
	ret[1] = header.pref;
	return true;
}

/* No window passes on what it did not pass on before, unless that is nobody's and asked for. */
static bool opens_nothing(
	const struct checking *c, const struct pr_function *bridge, const uint8_t raw[64])
{
	const struct pr_window *before = &bridge->bridge->registers[1];
	struct pr_window after[2];

	if (!read_windows(raw, after))
		return false;
	for (size_t i = 0; i < 2; i++)
		if (after[i].open == PR_YES &&
			(before[i].open != PR_YES ||
				!pr_range_contains(&before[i].range, &after[i].range)) &&
			!pr_may_open(
				c->plan, bridge, PR_WINDOW_MEM + (unsigned int)i, &after[i].range))
			return false;
	return true;
}

static bool in_lockdown(const struct checking *c)
{
	const char *lockdown = c->plan->topology->machine.lockdown;

	return lockdown && strcmp(lockdown, "none") != 0;
}

/* A driver that still works with @f, and reaches it through the windows above. */
static bool is_reached(const struct checking *c, const struct pr_function *f)
{
	if (f->removed || !f->facts->driver || *fate_of(c, f) != STAYS)
		return false;
	for (size_t i = 0; f->bridge && i < f->n_resources; i++)
		if (f->resources[i].index < PR_ROM && f->resources[i].state == PR_RES_ASSIGNED)
			return true;
	return !f->bridge;
}

/* Written by steps, and then what the kernel believes: window @kind, of a bridge that stays. */
static bool agrees(const struct checking *c, const struct pr_function *bridge, unsigned int kind)
{
	const struct pr_resource *table = pr_function_resource(bridge, kind);
	const struct pr_window *window;
	struct pr_bridge_header header;
	uint8_t raw[64];

	if (!table || table->state != PR_RES_ASSIGNED || !pr_window_disagrees(bridge, kind))
		return false;
	header_after(c, bridge, c->plan->n_steps, raw);
	if (!pr_config_bridge(&(struct pr_config){ .bytes = raw, .length = sizeof(raw) }, &header))
		return false;
	window = kind == PR_WINDOW_IO    ? &header.io
		 : kind == PR_WINDOW_MEM ? &header.mem
					 : &header.pref;
	return window->open == PR_YES && pr_range_equal(&window->range, &table->range);
}

static unsigned int window_at(uint16_t offset)
{
	if (offset == 0x1c || offset == 0x30)
		return PR_WINDOW_IO;
	return offset == 0x20 ? PR_WINDOW_MEM : PR_WINDOW_PREF;
}

static int check_window_write(struct checking *c, size_t i, const struct pr_function *bridge)
{
	const struct pr_step *step = &c->plan->steps[i];
	const bool io = step->offset == 0x30 || (step->offset == 0x1c && step->width == 2);
	const bool mem = step->offset >= 0x20 && step->offset <= 0x2c && step->offset % 4 == 0;
	uint8_t raw[64];
	uint32_t held;

	if (step->width != (step->offset == 0x1c ? 2 : 4) || (!io && !mem))
		return bad_step(c, i, "only windows are written");
	header_after(c, bridge, i, raw);
	held = get_u32(raw + step->offset) & (step->width == 2 ? 0xffff : UINT32_MAX);
	if (held != step->old)
		return bad_step(c, i, "the register does not hold what it would be set back to");
	if (agrees(c, bridge, window_at(step->offset)))
		return 0;
	header_after(c, bridge, i + 1, raw);
	if (io || !opens_nothing(c, bridge, raw))
		return bad_step(c, i,
			"windows are written only to close them, or to ask for room that is nobody's");
	return 0;
}

static void add_write(struct checking *c, const struct pr_step *step, const struct pr_function *f)
{
	add_action(c, PR_ACTION_WRITE, f, f->root);
	c->actions[c->n_actions - 1].offset = step->offset;
	c->actions[c->n_actions - 1].width = step->width;
	c->actions[c->n_actions - 1].value = step->value;
}

/* Whether the size is right is pr_check_sizes()'s. */
static int check_size(struct checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *f = step_function(c, step);
	enum pr_disruption d = f ? pr_function_disruption(f, c->policy, NULL) : 0;

	if (!f || *fate_of(c, f) >= GONE)
		return bad_step(c, i, "no such function");
	if (d == PR_DISRUPTION_PINNED || d > c->policy->limit)
		return bad_step(c, i, "the policy does not allow it");
	if (step->kind == PR_STEP_WRITE) {
		add_write(c, step, f);
		return 0;
	}
	add_action(c, PR_ACTION_RESIZE, f, f->root);
	c->actions[c->n_actions - 1].index = step->index;
	c->actions[c->n_actions - 1].size = step->size;
	return 0;
}

static int check_write(struct checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *bridge = step_function(c, step);
	int r;

	if (pr_writes_size(c->plan, step))
		return check_size(c, i);

	if (!bridge || !bridge->bridge || *fate_of(c, bridge) >= GONE)
		return bad_step(c, i, "no such bridge");
	if (in_lockdown(c))
		return bad_step(c, i, "no register can be written in lockdown");
	r = pr_writes_numbers(step) ? 0 : check_window_write(c, i, bridge);
	if (r != 0)
		return r;
	for (const struct pr_function *f = pr_function_walk(bridge, bridge); f;
		f = pr_function_walk(f, bridge))
		if (is_reached(c, f))
			return bad_function(c, f, "would lose its window with its driver bound");

	add_write(c, step, bridge);
	return 0;
}

/*
 * Nobody but the rescan that finds the bridge again opens a window that was closed; what is opened
 * is as large as was asked for.
 */
static bool is_settled(const struct checking *c, const struct pr_function *bridge,
	const uint8_t raw[64], bool pref)
{
	struct pr_window windows[2];

	return read_windows(raw, windows) &&
	       (windows[pref].open != PR_YES ||
		       pr_is_asked_for(
			       c->plan, bridge, PR_WINDOW_MEM + pref, &windows[pref].range));
}

static int check_written(struct checking *c)
{
	for (size_t i = 0; i < c->plan->n_steps; i++) {
		const struct pr_step *step = &c->plan->steps[i];
		const struct pr_function *bridge;
		uint8_t raw[64];

		if (step->kind != PR_STEP_WRITE || pr_writes_numbers(step) ||
			pr_writes_size(c->plan, step))
			continue;
		bridge = step_function(c, step);
		if (*fate_of(c, bridge) < GONE && agrees(c, bridge, window_at(step->offset)))
			continue;
		if (*fate_of(c, bridge) < GONE)
			return bad_step(c, i, "the bridge is not removed afterwards");
		header_after(c, bridge, c->plan->n_steps, raw);
		if (!is_settled(c, bridge, raw, step->offset > 0x20))
			return bad_step(c, i,
				"the window does not get closed, or as large as was asked for");
	}
	return 0;
}

/* ---- all steps ---- */

static int check_step(struct checking *c, size_t i)
{
	switch (c->plan->steps[i].kind) {
	case PR_STEP_UNBIND:
		return check_unbind(c, i);
	case PR_STEP_REMOVE:
		return check_remove(c, i);
	case PR_STEP_RESCAN:
		return check_rescan(c, i);
	case PR_STEP_VFS:
		return c->plan->steps[i].value > 0 ? check_enabled(c, i) : check_taken_away(c, i);
	case PR_STEP_EXPECT:
		return i + 1 == c->plan->n_steps ? 0 : bad_step(c, i, "it must come last");
	case PR_STEP_WRITE:
		return check_write(c, i);
	case PR_STEP_RESIZE:
		return check_size(c, i);
	case _PR_STEP_MAX:
		break;
	}
	return bad_step(c, i, "this planner makes no such step");
}

static int check_steps(struct checking *c)
{
	const struct pr_plan *p = c->plan;
	int r;

	if (p->n_steps == 0 || p->steps[p->n_steps - 1].kind != PR_STEP_EXPECT)
		return bad(c, "the plan does not end with an expectation");
	for (size_t i = 0; i < p->n_steps; i++) {
		r = check_step(c, i);
		if (r != 0)
			return r;
	}
	r = return_vfs(c);
	return r != 0 ? r : check_written(c);
}

/* ---- outcome ---- */

static bool gains(const struct pr_function *before, const struct pr_function *after)
{
	for (size_t i = 0; i < before->n_resources; i++) {
		const struct pr_resource *was = &before->resources[i];
		const struct pr_resource *is = pr_function_resource(after, was->index);

		if (was->index < PR_WINDOW_IO && was->state != PR_RES_ASSIGNED && is &&
			is->state == PR_RES_ASSIGNED)
			return true;
	}
	return false;
}

/* @windows: those of a bridge count too. */
static bool layout_kept(
	const struct pr_function *before, const struct pr_function *after, bool windows)
{
	if (after->removed || pr_address_compare(&before->address, &after->address) != 0)
		return false;
	if (before->bridge && (before->bridge->secondary != after->bridge->secondary ||
				      before->bridge->subordinate != after->bridge->subordinate))
		return false;
	for (size_t i = 0; i < before->n_resources; i++) {
		const struct pr_resource *was = &before->resources[i];
		const struct pr_resource *is = pr_function_resource(after, was->index);

		if (was->state == PR_RES_ASSIGNED && (windows || !pr_resource_is_window(was)) &&
			(!is || is->state != PR_RES_ASSIGNED ||
				!pr_range_equal(&was->range, &is->range)))
			return false;
	}
	return true;
}

static bool is_above_resized(const struct checking *c, const struct pr_function *bridge)
{
	for (size_t i = 0; i < c->plan->n_steps; i++)
		if (c->plan->steps[i].kind == PR_STEP_RESIZE &&
			pr_function_below(step_function(c, &c->plan->steps[i]), bridge))
			return true;
	return false;
}

/*
 * Nothing that stays may move (G2), nor be handed addresses while an endpoint's driver is at work.
 */
static int check_staying(struct checking *c, const struct pr_topology *now)
{
	const struct pr_topology *t = c->plan->topology;

	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions; j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];
			const struct pr_function *after = pr_topology_same(now, f);
			uint8_t fate = c->fates[i][j];

			if (f->removed || fate >= GONE || pr_resized_in_place(c->plan, f))
				continue; /* that nothing of it is lost is looked at later */
			if (!layout_kept(f, after, !is_above_resized(c, f)))
				return bad_function(c, f, "stays, and would change");
			if (fate == STAYS && !f->bridge && f->facts->driver && gains(f, after))
				return bad_function(c, f, "would get addresses under its driver");
		}
	}
	return 0;
}

static int check_outcome(struct checking *c, const struct pr_topology *now)
{
	const struct pr_plan *p = c->plan;
	int r;

	r = check_staying(c, now);
	for (size_t i = 0; i < p->n_steps && r == 0; i++)
		if (p->steps[i].kind == PR_STEP_VFS && p->steps[i].value > 0)
			r = check_room_for_vfs(c, &p->steps[i], now);
	if (r != 0)
		return r;
	if (!pr_nothing_lost(p->topology, now, c->why, c->size) ||
		!pr_targets_work(p, now, c->why, c->size))
		return 1;
	if (!p->prediction || !pr_layout_equal(p->prediction, now, c->why, c->size))
		return bad(c, "the steps do not lead to the layout predicted");
	return 0;
}

/* Where sizes are asked for, @topology has them already: what is done is done to the machine. */
static const struct pr_topology *start_of(struct checking *c)
{
	const struct pr_topology *machine = c->plan->machine;

	if (!machine)
		return c->plan->topology;
	for (size_t i = 0; i < c->n_actions; i++) {
		struct pr_action *a = &c->actions[i];

		a->root = machine->roots[pr_root_position(c->plan->topology, a->root)];
		if (a->function)
			a->function = pr_topology_same(machine, a->function);
	}
	return machine;
}

static int check_simulated(struct checking *c)
{
	struct pr_doubt doubt = { 0 };
	struct pr_topology *now;
	int r;

	r = pr_kernel_apply(&c->plan->kernel, start_of(c), c->actions, c->n_actions, &now, &doubt);
	if (r == -EINVAL)
		return bad(c, "the steps cannot be done in this order");
	if (r != 0)
		return r < 0 ? r : bad(c, "%s", doubt.text);
	r = check_outcome(c, now);
	pr_topology_free(now);
	return r;
}

static int check_all(struct checking *c)
{
	const struct pr_topology *t = c->plan->topology;
	int r;

	c->fates = pr_new_array(c->arena, t->n_roots, uint8_t *);
	/* twice: what is taken away comes again */
	c->actions = pr_new_array(c->arena, 2 * c->plan->n_steps, struct pr_action);
	if (!c->fates || !c->actions)
		return -ENOMEM;
	pr_for_each_root (t, i) {
		c->fates[i] = pr_new_array(c->arena, t->roots[i]->n_functions, uint8_t);
		if (!c->fates[i])
			return -ENOMEM;
	}

	r = check_steps(c);
	if (r == 0)
		r = pr_check_numbers(c->plan, c->arena, c->why, c->size);
	if (r == 0)
		r = pr_check_sizes(c->plan, c->why, c->size);
	return r != 0 ? r : check_simulated(c);
}

int pr_plan_check(struct pr_plan *p, const struct pr_policy *policy, char *why, size_t size)
{
	struct checking c = { .plan = p, .policy = policy, .why = why, .size = size };
	int r;

	p->checked = false;
	if (p->verdict != PR_VERDICT_OK)
		return bad(&c, "there is nothing to carry out: the verdict is %s",
			pr_verdict_name(p->verdict));
	if ((p->n_targets == 0) != p->replugs || p->generation != p->topology->generation)
		return bad(&c, "the plan is not one for this machine");

	c.arena = pr_arena_new();
	if (!c.arena)
		return -ENOMEM;
	r = check_all(&c);
	pr_arena_free(c.arena);
	p->checked = r == 0;
	return r;
}

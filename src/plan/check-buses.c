/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bus numbers of a plan, verified from its steps alone: replays what the
 * registers hold, and looks at what they hold in the end.  Shares no code with
 * the search, which has its own idea of what fits.
 */
#include "plan/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* PCI-to-PCI Bridge 1.2, 3.2.5.1 to 3.2.5.3 */
#define REG_NUMBERS     0x18 /* primary, and secondary behind it */
#define REG_SUBORDINATE 0x1a

/* One bridge while the steps are replayed. */
struct bridge {
	unsigned int primary, secondary, subordinate;
	bool gone, written;
	bool usable; /* the kernel follows these numbers */
};
struct replay {
	const struct pr_plan *plan;
	struct bridge **bridges; /* by root and function */
	bool any;                /* something was written */
	char *why;
	size_t size;
};

static int bad(struct replay *r, const struct pr_function *f, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int bad(struct replay *r, const struct pr_function *f, const char *format, ...)
{
	char address[PR_ADDRESS_MAX], text[160];
	va_list ap;

	pr_address_format(&f->address, address);
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)snprintf(r->why, r->size, "%s: %s", address, text);
	return 1;
}

static struct bridge *state_of(const struct replay *r, const struct pr_function *f)
{
	size_t root = pr_root_position(r->plan->topology, f->root);

	return &r->bridges[root][f - f->root->functions];
}

bool pr_writes_numbers(const struct pr_step *step)
{
	return (step->offset == REG_NUMBERS && step->width == 2) ||
	       (step->offset == REG_SUBORDINATE && step->width == 1);
}

/* ---- the steps ---- */

static int replay_write(struct replay *r, const struct pr_step *step, const struct pr_function *f)
{
	struct bridge *b = state_of(r, f);
	unsigned int old =
		step->offset == REG_SUBORDINATE ? b->subordinate : b->primary | b->secondary << 8;

	if (!f->bridge)
		return bad(r, f, "bus numbers are written to what is no bridge");
	if (step->old != old)
		return bad(r, f, "what its registers hold is not what the plan takes them for");
	for (const struct pr_function *g = pr_function_walk(f, f); g; g = pr_function_walk(g, f))
		if (!g->removed && !g->facts->is_vf && !state_of(r, g)->gone)
			return bad(r, f, "its bus numbers are written with somebody below it");
	if (step->offset == REG_SUBORDINATE) {
		b->subordinate = step->value;
	} else {
		b->primary = step->value & 0xff;
		b->secondary = step->value >> 8;
	}
	b->written = b->usable = r->any = true;
	return 0;
}

static void replay_remove(const struct replay *r, const struct pr_function *top)
{
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		state_of(r, f)->gone = true;
}

/* A rescan that finds new numbers in a bridge that it knows makes a second bus for it. */
static int replay_rescan(struct replay *r)
{
	pr_for_each_root (r->plan->topology, i) {
		const struct pr_root *root = r->plan->topology->roots[i];

		for (size_t k = 0; k < root->n_functions; k++)
			if (r->bridges[i][k].written && !r->bridges[i][k].gone)
				return bad(r, &root->functions[k],
					"its bus numbers change while the kernel uses it");
	}
	return 0;
}

static int replay_step(struct replay *r, const struct pr_step *step)
{
	const struct pr_function *f = pr_topology_find(r->plan->topology, &step->address);

	switch (step->kind) {
	case PR_STEP_WRITE:
		return pr_writes_numbers(step) ? replay_write(r, step, f) : 0;
	case PR_STEP_REMOVE:
		replay_remove(r, f);
		return 0;
	case PR_STEP_RESCAN:
		return replay_rescan(r);
	case PR_STEP_UNBIND:
	case PR_STEP_VFS:
	case PR_STEP_RESIZE:
	case PR_STEP_EXPECT:
	case _PR_STEP_MAX:
		break;
	}
	return 0;
}

/* ---- what is there in the end ---- */

/* The highest bus that virtual functions of @f may be on. */
static unsigned int last_virtual_bus(const struct pr_function *f, unsigned int bus)
{
	const struct pr_sriov *s = &f->caps->sriov;
	unsigned int id = bus << 8 | f->address.device << 3 | f->address.function;

	if (f->facts->is_vf || s->present != PR_YES || s->total_vfs == 0)
		return bus;
	return (id + s->first_offset + (s->total_vfs - 1u) * s->stride) >> 8;
}

/* Numbers of @bus that its own bridges must leave alone. */
static unsigned int last_own_bus(const struct pr_function *on_bus, unsigned int bus)
{
	unsigned int last = bus;

	for (const struct pr_function *f = on_bus; f; f = f->next)
		if (!f->removed && last_virtual_bus(f, bus) > last)
			last = last_virtual_bus(f, bus);
	return last;
}

static const struct pr_function *first_beside(const struct pr_function *f)
{
	return f->parent ? f->parent->first_child : f->root->first_child;
}

static int check_nested(struct replay *r, const struct pr_function *f)
{
	const struct bridge *b = state_of(r, f), *above = f->parent ? state_of(r, f->parent) : NULL;
	unsigned int bus = above ? above->secondary : f->root->facts.bus;
	unsigned int last = above ? above->subordinate : f->root->last_bus;

	if (b->primary != bus && b->primary != 0)
		return bad(r, f, "its primary bus would be %02x and not %02x", b->primary, bus);
	if (b->secondary <= last_own_bus(first_beside(f), bus) || b->secondary > b->subordinate ||
		b->subordinate > last)
		return bad(r, f, "buses %02x to %02x are not within those of the bridge above",
			b->secondary, b->subordinate);
	/* who asks for fewer numbers than all of them take has them: check_targets() sees to that */
	if (pr_wished_numbers(r->plan->buses, r->plan->n_buses, f) == 0 &&
		last_own_bus(f->first_child, b->secondary) > b->subordinate)
		return bad(r, f, "virtual functions below it would have no bus");
	return 0;
}

static bool overlap(const struct bridge *a, const struct bridge *b)
{
	return a->secondary <= b->subordinate && b->secondary <= a->subordinate;
}

static int check_beside(struct replay *r, const struct pr_function *f)
{
	const struct bridge *b = state_of(r, f);

	for (const struct pr_function *g = first_beside(f); g; g = g->next) {
		const struct bridge *other = state_of(r, g);

		if (g == f || g->removed)
			continue;
		if (g->bridge && other->secondary != 0 && overlap(b, other))
			return bad(r, f, "buses %02x to %02x are another bridge's too",
				b->secondary, b->subordinate);
		if (g->facts->is_vf && g->address.bus >= b->secondary &&
			g->address.bus <= b->subordinate)
			return bad(r, f, "a virtual function is on bus %02x", g->address.bus);
	}
	return 0;
}

/* The numbers that the kernel would read are those that it follows. */
static int check_predicted(struct replay *r, const struct pr_function *f)
{
	const struct pr_function *after = pr_topology_same(r->plan->prediction, f);
	const struct bridge *b = state_of(r, f);

	if (after->no_bus || after->bridge->secondary != b->secondary ||
		after->bridge->subordinate != b->subordinate)
		return bad(r, f, "buses %02x to %02x are not what is predicted", b->secondary,
			b->subordinate);
	return 0;
}

/* Bridges that were written, and those right below them: they have to agree. */
static int check_bridge(struct replay *r, const struct pr_function *f)
{
	const bool written = state_of(r, f)->written;
	int bad;

	if (!written && !(f->parent && state_of(r, f->parent)->written))
		return 0;
	if (!state_of(r, f)->usable)
		return 0;
	bad = check_nested(r, f);
	if (bad == 0)
		bad = check_beside(r, f);
	if (bad == 0 && written && r->plan->prediction)
		bad = check_predicted(r, f);
	return bad;
}

static int check_end(struct replay *r)
{
	pr_for_each_root (r->plan->topology, i) {
		const struct pr_root *root = r->plan->topology->roots[i];

		for (size_t k = 0; k < root->n_functions; k++) {
			const struct pr_function *f = &root->functions[k];
			int bad = f->bridge && !f->removed ? check_bridge(r, f) : 0;

			if (bad != 0)
				return bad;
		}
	}
	return 0;
}

static int read_bridges(struct replay *r, struct pr_arena *arena)
{
	const struct pr_topology *t = r->plan->topology;

	r->bridges = pr_new_array(arena, t->n_roots, struct bridge *);
	if (!r->bridges)
		return -ENOMEM;
	pr_for_each_root (t, i) {
		const struct pr_root *root = t->roots[i];

		r->bridges[i] = pr_new_array(arena, root->n_functions, struct bridge);
		if (!r->bridges[i])
			return -ENOMEM;
		for (size_t k = 0; k < root->n_functions; k++) {
			const struct pr_bridge *b = root->functions[k].bridge;

			if (b)
				r->bridges[i][k] = (struct bridge){ .primary = b->primary,
					.secondary = b->secondary,
					.subordinate = b->subordinate,
					.usable = !root->functions[k].no_bus && b->secondary != 0 };
		}
	}
	return 0;
}

int pr_check_numbers(const struct pr_plan *p, struct pr_arena *arena, char *why, size_t size)
{
	struct replay r = { .plan = p, .why = why, .size = size };
	int bad = read_bridges(&r, arena);

	for (size_t i = 0; i < p->n_steps && bad == 0; i++)
		bad = replay_step(&r, &p->steps[i]);
	return bad != 0 || !r.any ? bad : check_end(&r);
}

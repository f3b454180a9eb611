/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A candidate as actions for the kernel model and as steps for the runner.
 * Both say the same: drivers are let go first (if one hangs, nothing has been
 * removed yet), then bus after bus is emptied (move.c) and rescanned.
 */
#include "plan/search.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_top(const struct pr_move *m, const struct pr_function *f)
{
	for (size_t i = 0; i < m->n_tops; i++)
		if (m->tops[i] == f)
			return true;
	return false;
}

static bool can_anchor(const struct pr_move *m, const struct pr_function *f)
{
	uint8_t bus = m->parent ? m->parent->bridge->secondary : m->root->facts.bus;

	return !f->removed && !f->facts->is_vf && f->address.bus == bus && !is_top(m, f);
}

/*
 * Whose `rescan` file scans the bus of @m: somebody who stays there, a bridge
 * if there is one (it has no driver that could go away).  On an emptied bus
 * nobody is left; then the bridge above, which scans its own bus and thereby
 * this one: the class file of an empty bus releases windows (KERNEL 1.9).
 * NULL: the root bus itself.
 */
const struct pr_function *pr_move_anchor(const struct pr_move *m)
{
	const struct pr_function *best = NULL;

	pr_for_each_child (f, m->parent ? m->parent->first_child : m->root->first_child) {
		if (!can_anchor(m, f))
			continue;
		if (f->bridge)
			return f;
		if (!best)
			best = f;
	}
	return best ? best : m->parent;
}

static struct pr_action action_of(const struct pr_move *m, const struct pr_deed *deed)
{
	return (struct pr_action){
		.kind = deed->kind == PR_STEP_WRITE ? PR_ACTION_WRITE : PR_ACTION_REMOVE,
		.function = deed->function,
		.root = m->root,
		.offset = deed->offset,
		.width = deed->width,
		.value = deed->value,
	};
}

/* Asks for what the runner has again at the end: the virtual functions of all that is removed. */
static size_t add_vfs(const struct pr_candidate *c, struct pr_action *actions)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_moves; i++) {
		for (size_t j = 0; j < c->moves[i].n_tops; j++) {
			const struct pr_function *top = c->moves[i].tops[j];

			for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
				if (pr_function_vfs(f) == 0)
					continue;
				if (actions)
					actions[n] = (struct pr_action){ .kind = PR_ACTION_VFS,
						.function = f,
						.root = f->root,
						.value = pr_function_vfs(f) };
				n++;
			}
		}
	}
	return n;
}

static size_t count_unscanned(const struct pr_candidate *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_moves; i++)
		n += c->moves[i].agrees;
	return n;
}

int pr_candidate_actions(
	struct pr_arena *arena, const struct pr_candidate *c, struct pr_action **ret, size_t *ret_n)
{
	struct pr_action *actions;
	size_t n = c->n_moves + add_vfs(c, NULL), k = 0;

	for (size_t i = 0; i < c->n_moves; i++)
		n += c->moves[i].n_deeds;
	actions = pr_new_array(arena, n, struct pr_action);
	if (!actions)
		return -ENOMEM;

	for (size_t i = 0; i < c->n_moves; i++) {
		const struct pr_move *m = &c->moves[i];

		for (size_t j = 0; j < m->n_deeds; j++)
			actions[k++] = action_of(m, &m->deeds[j]);
		if (!m->agrees)
			actions[k++] = (struct pr_action){ .kind = PR_ACTION_RESCAN,
				.function = pr_move_anchor(m),
				.root = m->root };
	}
	n -= count_unscanned(c);
	(void)add_vfs(c, actions + k); /* counted above */
	*ret = actions;
	*ret_n = n;
	return 0;
}

/* A bridge's driver goes with its removal; below it, drivers are asked one by one. */
static bool wants_unbind(const struct pr_function *f)
{
	return !f->removed && !f->bridge && f->facts->driver && *f->facts->driver;
}

unsigned int pr_count_stops(const struct pr_function *top)
{
	unsigned int n = 0;

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		n += wants_unbind(f) + (pr_function_vfs(f) > 0);
	return n;
}

unsigned int pr_candidate_n_steps(
	const struct pr_candidate *c, const struct pr_function **rescued, size_t n_rescued)
{
	unsigned int n = 1; /* the expectation */

	n -= (unsigned int)count_unscanned(c);
	for (size_t i = 0; i < c->n_moves; i++) {
		n += 1 + (unsigned int)c->moves[i].n_deeds;
		for (size_t j = 0; j < c->moves[i].n_tops; j++)
			n += pr_count_stops(c->moves[i].tops[j]);
	}
	for (size_t i = 0; i < n_rescued; i++)
		n += wants_unbind(rescued[i]);
	return n;
}

struct step_list {
	struct pr_arena *arena;
	struct pr_step *steps;
	size_t n;
};

static int add_step(struct step_list *l, enum pr_step_kind kind, const struct pr_function *f)
{
	struct pr_step *step = &l->steps[l->n++];

	step->kind = kind;
	if (!f)
		return 0;
	step->address = f->address;
	if (kind == PR_STEP_UNBIND)
		step->driver = f->facts->driver;
	step->path = pr_path_new(l->arena, f);
	return step->path ? 0 : -ENOMEM;
}

static size_t depth_of(const struct pr_function *f)
{
	size_t depth = 0;

	for (const struct pr_function *p = f->parent; p; p = p->parent)
		depth++;
	return depth;
}

typedef bool wants_fn(const struct pr_function *f);

static bool wants_unbind_first(const struct pr_function *f)
{
	return wants_unbind(f) && f->facts->is_vf;
}

static bool wants_unbind_then(const struct pr_function *f)
{
	return wants_unbind(f) && !f->facts->is_vf;
}

static bool wants_no_vfs(const struct pr_function *f)
{
	return pr_function_vfs(f) > 0;
}

static int add_stop(struct step_list *l, enum pr_step_kind kind, const struct pr_function *f)
{
	if (kind == PR_STEP_VFS)
		l->steps[l->n].old = pr_function_vfs(f);
	return add_step(l, kind, f);
}

/* From the leaves upwards: a function beside a switch may serve those below it. */
static int add_stops(
	struct step_list *l, const struct pr_function *top, enum pr_step_kind kind, wants_fn *wants)
{
	size_t deepest = 0;
	int r = 0;

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		if (wants(f) && depth_of(f) > deepest)
			deepest = depth_of(f);
	for (size_t depth = deepest + 1; depth-- > 0;)
		for (const struct pr_function *f = top; f && r == 0; f = pr_function_walk(f, top))
			if (wants(f) && depth_of(f) == depth)
				r = add_stop(l, kind, f);
	return r;
}

/* Virtual functions are let go of and taken away while the driver is there that can do it. */
static int add_move_stops(struct step_list *l, const struct pr_move *m)
{
	static const struct {
		enum pr_step_kind kind;
		wants_fn *wants;
	} order[] = {
		{ PR_STEP_UNBIND, wants_unbind_first },
		{ PR_STEP_VFS, wants_no_vfs },
		{ PR_STEP_UNBIND, wants_unbind_then },
	};
	int r;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		for (size_t j = 0; j < m->n_tops; j++) {
			r = add_stops(l, m->tops[j], order[i].kind, order[i].wants);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int add_deed(struct step_list *l, const struct pr_deed *deed)
{
	struct pr_step *step = &l->steps[l->n];

	step->offset = deed->offset;
	step->width = deed->width;
	step->value = deed->value;
	step->old = deed->old;
	return add_step(l, deed->kind, deed->function);
}

static int add_move(struct step_list *l, const struct pr_move *m)
{
	const struct pr_function *at = pr_move_anchor(m);
	int r;

	for (size_t i = 0; i < m->n_deeds; i++) {
		r = add_deed(l, &m->deeds[i]);
		if (r < 0)
			return r;
	}
	if (m->agrees)
		return 0;
	r = add_step(l, PR_STEP_RESCAN, at);
	if (r < 0 || at)
		return r;

	l->steps[l->n - 1].root_bus = true;
	l->steps[l->n - 1].address.domain = m->root->facts.domain;
	l->steps[l->n - 1].address.bus = m->root->facts.bus;
	return 0;
}

int pr_candidate_steps(struct pr_arena *arena, const struct pr_candidate *c,
	const struct pr_function **rescued, size_t n_rescued, struct pr_step **ret, size_t *ret_n)
{
	size_t n = pr_candidate_n_steps(c, rescued, n_rescued);
	struct step_list l = { .arena = arena, .steps = pr_new_array(arena, n, struct pr_step) };
	int r;

	if (!l.steps)
		return -ENOMEM;
	for (size_t i = 0; i < n_rescued; i++) {
		r = wants_unbind(rescued[i]) ? add_step(&l, PR_STEP_UNBIND, rescued[i]) : 0;
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < c->n_moves; i++) {
		r = add_move_stops(&l, &c->moves[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < c->n_moves; i++) {
		r = add_move(&l, &c->moves[i]);
		if (r < 0)
			return r;
	}
	r = add_step(&l, PR_STEP_EXPECT, NULL);
	if (r < 0)
		return r;

	*ret = l.steps;
	*ret_n = l.n;
	return 0;
}

static uint64_t digest_bytes(uint64_t digest, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
	return digest;
}

static uint64_t digest_u32(uint64_t digest, uint32_t value)
{
	uint8_t bytes[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
		(uint8_t)(value >> 24) };

	return digest_bytes(digest, bytes, sizeof(bytes));
}

static uint64_t digest_u64(uint64_t digest, uint64_t value)
{
	return digest_u32(digest_u32(digest, (uint32_t)value), (uint32_t)(value >> 32));
}

static uint64_t digest_text(uint64_t digest, const char *text)
{
	return text ? digest_bytes(digest, text, strlen(text) + 1) : digest_u32(digest, 0);
}

/* Member by member: padding has no defined value, and the digest is the same on every machine. */
static uint64_t digest_step(uint64_t digest, const struct pr_step *s)
{
	digest = digest_u32(digest, (uint32_t)s->kind | (uint32_t)s->root_bus << 8);
	digest = digest_u32(digest, s->address.domain);
	digest = digest_u32(digest, (uint32_t)s->address.bus << 16 |
					    (uint32_t)s->address.device << 8 | s->address.function);
	digest = digest_text(digest, s->path);
	digest = digest_text(digest, s->driver);
	digest = digest_u32(digest, (uint32_t)s->offset << 8 | s->width);
	digest = digest_u32(digest, s->value);
	digest = digest_u32(digest, s->old);
	if (s->kind != PR_STEP_RESIZE)
		return digest;
	digest = digest_u32(digest, s->index);
	digest = digest_u64(digest, s->size);
	return digest_u64(digest, s->old_size);
}

void pr_plan_sign(struct pr_plan *plan)
{
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	digest = digest_u64(digest, plan->generation);
	for (size_t i = 0; i < plan->n_steps; i++)
		digest = digest_step(digest, &plan->steps[i]);
	(void)snprintf(plan->id, sizeof(plan->id), "%016" PRIx64, digest);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Candidates: which subtrees could be enumerated again so that the targets
 * get room.  Proposes, never judges: the kernel is not monotone, so each is
 * simulated by the caller.
 */
#include "plan/search.h"

#include <errno.h>

#define MAX_PAIRS 64 /* functions on a bus of which each sibling is tried by itself */

/* How many siblings go along: none, and those of each class up to in use.  Pinned ones never do. */
enum company {
	ALONE = 0,
	WITH_FREE,
	WITH_RESTARTED,
	WITH_IN_USE,
	N_COMPANY
};

static struct pr_function *first_on_bus(
	const struct pr_root *root, const struct pr_function *parent)
{
	return parent ? parent->first_child : root->first_child;
}

static size_t n_on_bus(const struct pr_root *root, const struct pr_function *parent)
{
	size_t n = 0;

	pr_for_each_child (f, first_on_bus(root, parent))
		n++;
	return n;
}

static bool strictly_below_all(const struct pr_targets *targets, const struct pr_function *p)
{
	for (size_t i = 0; i < targets->n; i++)
		if (targets->functions[i] == p || !pr_function_below(targets->functions[i], p))
			return false;
	return true;
}

const struct pr_function *pr_common_parent(const struct pr_targets *targets)
{
	const struct pr_function *p = targets->functions[0]->parent;

	while (p && !strictly_below_all(targets, p))
		p = p->parent;
	return p;
}

const struct pr_function *pr_branch_of(
	const struct pr_function *f, const struct pr_function *parent)
{
	while (f->parent != parent)
		f = f->parent;
	return f;
}

/*
 * Functions of one card: they come and go together.  With ARI the device
 * number is part of the function's (PCIe 6.13).
 */
static bool same_slot(const struct pr_function *a, const struct pr_function *b)
{
	const struct pr_function *port = a->parent;

	if (b->parent != port || b->address.bus != a->address.bus || b->facts->is_vf)
		return false;
	return a->address.device == b->address.device ||
	       (port && port->caps && port->caps->pcie.present == PR_YES &&
		       port->caps->pcie.ari_forwarding);
}

/* @f goes when @top goes: itself, or of the same card. */
static bool goes_with(const struct pr_function *f, const struct pr_function *top)
{
	return f == top || (!top->bridge && same_slot(top, f));
}

/*
 * The class of what goes when @f goes: a bridge with what is below it, an endpoint with its whole
 * card.
 */
static enum pr_disruption company_class(const struct pr_search *s, const struct pr_function *f)
{
	enum pr_disruption worst = pr_subtree_disruption(f, s->policy, NULL, NULL);

	if (f->bridge)
		return worst;
	pr_for_each_child (mate, first_on_bus(f->root, f->parent)) {
		enum pr_disruption d;

		if (mate == f || !same_slot(f, mate))
			continue;
		d = pr_subtree_disruption(mate, s->policy, NULL, NULL);
		if (d > worst)
			worst = d;
	}
	return worst;
}

/* @f leads to a target, or belongs to a card that does. */
static bool is_base(const struct pr_targets *base, const struct pr_function *f)
{
	for (size_t i = 0; i < base->n; i++)
		if (base->functions[i] == f ||
			(!base->functions[i]->bridge && same_slot(base->functions[i], f)))
			return true;
	return false;
}

/* Who goes along on one bus: by class, or one sibling by itself. */
struct escort {
	enum company company;
	const struct pr_function *one;
};

static bool goes_along(const struct pr_search *s, const struct pr_targets *base,
	const struct pr_function *f, const struct escort *escort)
{
	if (f->removed || f->facts->is_vf)
		return false;
	if (is_base(base, f))
		return true;
	if (escort->one)
		return goes_with(f, escort->one);
	/* ALONE is 0, WITH_FREE is one more than PR_DISRUPTION_FREE, and so on */
	return (unsigned int)company_class(s, f) < (unsigned int)escort->company;
}

static int make_move(const struct pr_search *s, const struct pr_function *parent,
	const struct pr_targets *base, const struct escort *escort, struct pr_move *ret)
{
	struct pr_move m = { .root = base->functions[0]->root, .parent = parent };

	m.tops = pr_new_array(s->arena, n_on_bus(m.root, parent), const struct pr_function *);
	if (!m.tops)
		return -ENOMEM;

	pr_for_each_child (f, first_on_bus(m.root, parent)) {
		if (goes_along(s, base, f, escort))
			m.tops[m.n_tops++] = f;
	}
	*ret = m;
	return 0;
}

struct candidate_list {
	struct pr_candidate *candidates;
	size_t n;
};

static int add_candidate(
	const struct pr_search *s, struct candidate_list *l, const struct pr_move *move)
{
	struct pr_move *copy = pr_arena_memdup(s->arena, move, sizeof(*move));

	if (!copy)
		return -ENOMEM;
	l->candidates[l->n++] = (struct pr_candidate){ .moves = copy, .n_moves = 1 };
	return 0;
}

/* With one sibling at a time; on a very wide bus the classes have to do. */
static int add_pairs(const struct pr_search *s, struct candidate_list *l,
	const struct pr_function *parent, const struct pr_targets *base)
{
	const struct pr_root *root = base->functions[0]->root;
	int r = 0;

	if (n_on_bus(root, parent) > MAX_PAIRS)
		return 0;
	pr_for_each_child (f, first_on_bus(root, parent)) {
		const struct escort escort = { .one = f };
		struct pr_move m;

		if (f->removed || is_base(base, f) || company_class(s, f) == PR_DISRUPTION_PINNED)
			continue;
		r = make_move(s, parent, base, &escort, &m);
		if (r == 0)
			r = add_candidate(s, l, &m);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One surviving bus: what leads to the targets, alone and with more and more of its siblings. */
static int add_level(const struct pr_search *s, struct candidate_list *l,
	const struct pr_function *parent, const struct pr_targets *base)
{
	size_t n_before = 0;

	for (unsigned int company = ALONE; company < N_COMPANY; company++) {
		const struct escort escort = { .company = (enum company)company };
		struct pr_move m;
		int r = make_move(s, parent, base, &escort, &m);

		if (r == 0 && m.n_tops > n_before)
			r = add_candidate(s, l, &m);
		if (r == 0 && company == ALONE)
			r = add_pairs(s, l, parent, base);
		if (r < 0)
			return r;
		n_before = m.n_tops;
	}
	return 0;
}

/*
 * A rescan alone tries what the kernel has not forgotten (KERNEL 1.11), and changes no bus
 * numbers.
 */
static bool rescan_may_help(const struct pr_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		const struct pr_function *f = targets->functions[i];

		if (f->no_bus || pr_bridge_broken(f))
			return false;
		for (size_t j = 0; j < f->n_resources; j++)
			if (pr_resource_needed(&f->resources[j], PR_TIER_LOST) &&
				f->resources[j].state == PR_RES_FORGOTTEN)
				return false;
	}
	return true;
}

static int make_base(const struct pr_search *s, const struct pr_targets *targets,
	const struct pr_function *parent, struct pr_targets *ret)
{
	struct pr_targets base = { 0 };

	base.functions = pr_new_array(s->arena, targets->n + 1, const struct pr_function *);
	if (!base.functions)
		return -ENOMEM;
	for (size_t i = 0; i < targets->n; i++) {
		const struct pr_function *branch = pr_branch_of(targets->functions[i], parent);

		if (!is_base(&base, branch))
			base.functions[base.n++] = branch;
	}
	*ret = base;
	return 0;
}

static size_t max_candidates(const struct pr_targets *targets)
{
	const struct pr_root *root = targets->functions[0]->root;
	size_t n = 1;

	for (const struct pr_function *p = pr_common_parent(targets); p; p = p->parent)
		n += N_COMPANY + n_on_bus(root, p);
	return n + N_COMPANY + n_on_bus(root, NULL);
}

int pr_candidates_make(const struct pr_search *s, const struct pr_targets *targets,
	struct pr_candidate **ret, size_t *ret_n)
{
	const struct pr_function *parent = pr_common_parent(targets);
	struct candidate_list l = { 0 };
	struct pr_targets base;
	int r;

	l.candidates = pr_new_array(s->arena, max_candidates(targets), struct pr_candidate);
	if (!l.candidates)
		return -ENOMEM;

	if (rescan_may_help(targets)) {
		r = add_candidate(s, &l,
			&(struct pr_move){ .root = targets->functions[0]->root, .parent = parent });
		if (r < 0)
			return r;
	}

	r = make_base(s, targets, parent, &base);
	for (; r == 0; parent = parent->parent) {
		r = add_level(s, &l, parent, &base);
		if (r < 0 || !parent)
			break;
		base.functions[0] = parent;
		base.n = 1;
	}
	*ret = l.candidates;
	*ret_n = l.n;
	return r;
}

/* ---- taking apart ---- */

static int leave_out(struct pr_arena *arena, const struct pr_move *m, const struct pr_function *top,
	struct pr_move *ret)
{
	*ret = *m;
	ret->n_tops = 0;
	ret->tops = pr_new_array(arena, m->n_tops, const struct pr_function *);
	if (!ret->tops)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_tops; i++)
		if (!goes_with(m->tops[i], top))
			ret->tops[ret->n_tops++] = m->tops[i];
	return 0;
}

int pr_candidate_without(struct pr_arena *arena, const struct pr_candidate *c, size_t move,
	const struct pr_function *top, struct pr_candidate *ret)
{
	struct pr_move *moves = pr_arena_memdup(arena, c->moves, c->n_moves * sizeof(*c->moves));

	if (!moves)
		return -ENOMEM;
	*ret = (struct pr_candidate){ .moves = moves, .n_moves = c->n_moves };
	return leave_out(arena, &c->moves[move], top, &moves[move]);
}

/* ---- joining ---- */

static bool removes_above(const struct pr_candidate *c, const struct pr_function *parent)
{
	for (size_t i = 0; parent && i < c->n_moves; i++)
		for (size_t j = 0; j < c->moves[i].n_tops; j++)
			if (pr_function_below(parent, c->moves[i].tops[j]))
				return true;
	return false;
}

static bool has_top(const struct pr_move *m, const struct pr_function *f)
{
	for (size_t i = 0; i < m->n_tops; i++)
		if (m->tops[i] == f)
			return true;
	return false;
}

static int merge_moves(struct pr_arena *arena, struct pr_move *into, const struct pr_move *m)
{
	const struct pr_function **tops =
		pr_new_array(arena, into->n_tops + m->n_tops, const struct pr_function *);
	size_t n = 0;

	if (!tops)
		return -ENOMEM;
	pr_for_each_child (f, first_on_bus(m->root, m->parent)) {
		if (has_top(into, f) || has_top(m, f))
			tops[n++] = f;
	}
	into->tops = tops;
	into->n_tops = n;
	return 0;
}

static int add_move(
	struct pr_arena *arena, struct pr_move *moves, size_t *n, const struct pr_move *m)
{
	for (size_t i = 0; i < *n; i++)
		if (moves[i].root == m->root && moves[i].parent == m->parent)
			return merge_moves(arena, &moves[i], m);
	moves[(*n)++] = *m;
	return 0;
}

int pr_candidate_join(struct pr_arena *arena, const struct pr_candidate *a,
	const struct pr_candidate *b, struct pr_candidate *ret)
{
	const struct pr_candidate *both[] = { a, b };
	struct pr_move *moves = pr_new_array(arena, a->n_moves + b->n_moves, struct pr_move);
	size_t n = 0;
	int r;

	if (!moves)
		return -ENOMEM;
	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < both[k]->n_moves; i++) {
			const struct pr_move *m = &both[k]->moves[i];

			if (removes_above(both[1 - k], m->parent))
				continue;
			r = add_move(arena, moves, &n, m);
			if (r < 0)
				return r;
		}
	}
	*ret = (struct pr_candidate){ .moves = moves, .n_moves = n };
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the question to the certificate: what may move, what has to be placed,
 * and the packer's answer on each.  An arrangement is looked for in the usual
 * way first; a proof, where less is asked for than in truth, so that it holds
 * for every choice; and only then choice by choice.
 */
#include "plan/arrange-private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BUILD_COST  8  /* placements that take as long as building one piece */
#define MAX_CHOICES 12 /* 4096 ways to spread prefetchable memory over windows */

const char *pr_arrangement_name(enum pr_arrangement r)
{
	static const char *const names[_PR_ARRANGEMENT_MAX] = { "unknown", "exists", "none" };

	return names[r];
}

const char *pr_space_name(enum pr_space s)
{
	static const char *const names[_PR_SPACE_MAX] = { "mem32", "mem", "io", "buses" };

	return names[s];
}

const char *pr_proof_name(enum pr_proof p)
{
	static const char *const names[_PR_PROOF_MAX] = { "volume", "blocks", "starts", "search" };

	return names[p];
}

const char *pr_place_text(const struct pr_certificate *c, char ret[PR_PLACE_TEXT_MAX])
{
	if (c->bridge)
		pr_address_format(&c->bridge->address, ret);
	else
		(void)snprintf(ret, PR_PLACE_TEXT_MAX, "host bridge %04x:%02x",
			(unsigned int)c->root->facts.domain, (unsigned int)c->root->facts.bus);
	return ret;
}

/* ---- what may move ---- */

static void move_subtree(struct asking *a, const struct pr_function *top)
{
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		a->moved[f - a->root->functions] = true;
}

static bool can_move(const struct asking *a, const struct pr_function *top)
{
	if (a->q->limit < PR_DISRUPTION_PINNED)
		return pr_subtree_disruption(top, a->q->policy, NULL, NULL) <= a->q->limit;
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		if (!pr_function_can_move(f))
			return false;
	return true;
}

/* Every subtree that holds nothing worse than the limit, the largest first. */
static void move_allowed(struct asking *a, const struct pr_function *first)
{
	for (const struct pr_function *f = first; f; f = f->next) {
		if (can_move(a, f))
			move_subtree(a, f);
		else
			move_allowed(a, f->first_child);
	}
}

static int mark(struct asking *a, struct pr_arena *arena)
{
	const struct pr_arrange_question *q = a->q;
	size_t n = a->root->n_functions;

	a->moved = pr_new_array(arena, n, bool);
	a->wanted = pr_new_array(arena, n, bool);
	a->path = pr_new_array(arena, n, bool);
	if (!a->moved || !a->wanted || !a->path)
		return -ENOMEM;
	if (!q->exactly)
		move_allowed(a, a->root->first_child);
	for (size_t i = 0; i < q->n_removed && q->exactly; i++)
		if (q->removed[i]->root == a->root)
			move_subtree(a, q->removed[i]);
	for (size_t i = 0; i < q->n_targets; i++) {
		if (q->targets[i]->root != a->root)
			continue;
		a->wanted[q->targets[i] - a->root->functions] = true;
		for (const struct pr_function *p = q->targets[i]->parent; p; p = p->parent)
			a->path[p - a->root->functions] = true;
	}
	return 0;
}

/* ---- one way ---- */

struct way {
	int answer; /* enum pr_pack_answer */
	const struct pr_function *bridge;
	struct pr_pack_proof proof; /* of the place that is too small, or the last one */
	uint64_t tried;
};

static int solve_places(struct build *b, uint64_t budget, struct way *ret)
{
	struct way way = { .answer = PR_PACK_FITS };

	for (const struct place *p = b->places; p; p = p->next) {
		struct pr_pack pack = { .items = p->pieces.items, .n_items = p->pieces.n };
		struct pr_pack_proof proof;
		struct room room;
		int r;

		r = arrange_room(b->a, b->arena, p->bridge, &room);
		if (r < 0)
			return r;
		pack.gaps = room.gaps;
		pack.n_gaps = room.n_gaps;
		pack.budget = budget > way.tried ? budget - way.tried : 0;
		r = pr_pack_solve(b->arena, &pack, &proof);
		if (r < 0)
			return r;
		way.tried += proof.tried;
		/* one place that is too small decides, however open the others are */
		if (way.answer != PR_PACK_IMPOSSIBLE && r != PR_PACK_FITS) {
			way.answer = r;
			way.bridge = p->bridge;
			way.proof = proof;
		}
	}
	*ret = way;
	return 0;
}

/* Builds and packs; the arena of @b is new.  1 when there is nothing to be learnt from it. */
static int try_way(struct build *b, const struct pr_function *top, uint64_t budget, struct way *ret)
{
	int r;

	b->arena = pr_arena_new();
	if (!b->arena)
		return -ENOMEM;
	r = arrange_build(b, top);
	if (r < 0)
		return r;
	if (b->void_choice || (b->mode == BUILD_LOOSE && b->nested))
		return 1;
	return solve_places(b, b->mode == BUILD_LOOSE ? 0 : budget, ret);
}

/* ---- one top ---- */

struct top {
	struct asking *a;
	struct pr_arena *arena; /* the caller's */
	const struct pr_function *bridge;
	uint64_t budget;
	struct pr_certificate *ret;
};

static void charge(struct top *t, uint64_t placements)
{
	t->budget -= placements < t->budget ? placements : t->budget;
}

static uint64_t n_pieces(const struct build *b)
{
	uint64_t n = 0;

	for (const struct piece *p = b->pieces; p; p = p->next)
		n++;
	return n;
}

static int keep_placed(struct top *t, const struct build *b)
{
	struct pr_placed *placed;
	size_t n = t->ret->n_placed;

	for (const struct piece *p = b->pieces; p; p = p->next)
		n++;
	placed = pr_new_array(t->arena, n, struct pr_placed);
	if (!placed)
		return -ENOMEM;
	if (t->ret->n_placed > 0)
		memcpy(placed, t->ret->placed, t->ret->n_placed * sizeof(*placed));
	n = t->ret->n_placed;
	for (const struct piece *p = b->pieces; p; p = p->next) {
		placed[n] = (struct pr_placed){ .function = p->function, .index = p->index };
		if (pr_range_make(&placed[n].range, p->item.base, p->item.size))
			n++;
	}
	t->ret->placed = placed;
	t->ret->n_placed = n;
	return 0;
}

static enum pr_space space_of(const struct top *t, const struct way *w)
{
	if (t->a->io)
		return PR_SPACE_IO;
	return w->proof.last <= UINT32_MAX || (w->bridge && w->proof.kinds == GAP_PLAIN)
		       ? PR_SPACE_MEM32
		       : PR_SPACE_MEM;
}

/* @search: every choice was tried, this is the usual one. */
static int note_none(struct top *t, const struct way *w, bool search)
{
	static const enum pr_proof proofs[] = {
		[PR_PACK_VOLUME] = PR_PROOF_VOLUME,
		[PR_PACK_BLOCKS] = PR_PROOF_BLOCKS,
		[PR_PACK_STARTS] = PR_PROOF_STARTS,
		[PR_PACK_EXHAUSTED] = PR_PROOF_SEARCH,
	};
	struct pr_certificate *c = t->ret;

	c->arrangement = PR_ARRANGEMENT_NONE;
	c->root = t->a->root;
	c->bridge = w->bridge;
	c->space = space_of(t, w);
	c->proof = search ? PR_PROOF_SEARCH : proofs[w->proof.reason];
	c->unit = c->proof == PR_PROOF_SEARCH ? 1 : w->proof.unit;
	c->wanted = w->proof.demand;
	c->best = w->proof.supply;
	return arrange_room_describe(t->a, t->arena, w->bridge, &w->proof, c);
}

static int settle(struct top *t, const struct build *b, const struct way *w)
{
	t->ret->tried += w->tried;
	charge(t, w->tried);
	if (w->answer != PR_PACK_FITS)
		return 0;
	t->ret->arrangement = t->a->doubtful ? PR_ARRANGEMENT_UNKNOWN : PR_ARRANGEMENT_EXISTS;
	return keep_placed(t, b);
}

/* What holds when less is asked for holds in truth. */
static int ask_less(struct top *t, enum build_mode mode)
{
	struct build b = { .a = t->a, .mode = mode };
	struct way w = { 0 };
	int r;

	r = try_way(&b, t->bridge, t->budget, &w);
	t->ret->tried += w.tried;
	charge(t, w.tried);
	if (r == 0 && w.answer == PR_PACK_IMPOSSIBLE)
		r = note_none(t, &w, false);
	pr_arena_free(b.arena);
	return r < 0 ? r : 0;
}

/* Each choice but the usual ones; NONE when all fail. */
static int choose_otherwise(struct top *t, unsigned int n_choices, const struct way *usual)
{
	bool proven = usual->answer == PR_PACK_IMPOSSIBLE;

	if (n_choices > MAX_CHOICES)
		return 0;
	for (uint64_t bits = 1; bits < UINT64_C(1) << n_choices; bits++) {
		struct build b = { .a = t->a, .choices = bits };
		struct way w = { 0 };
		int r;

		if (t->budget == 0)
			return 0;
		r = try_way(&b, t->bridge, t->budget, &w);
		charge(t, BUILD_COST * n_pieces(&b)); /* what is refuted at once is not free */
		if (r == 0) {
			proven &= w.answer == PR_PACK_IMPOSSIBLE;
			r = settle(t, &b, &w);
		}
		pr_arena_free(b.arena);
		if (r < 0 || t->ret->arrangement == PR_ARRANGEMENT_EXISTS ||
			(r == 0 && w.answer == PR_PACK_FITS))
			return r < 0 ? r : 0;
	}
	return proven ? note_none(t, usual, true) : 0;
}

static int solve_top(struct top *t)
{
	struct build b = { .a = t->a };
	struct way usual;
	int r;

	r = try_way(&b, t->bridge, t->budget, &usual);
	if (r == 0)
		r = settle(t, &b, &usual);
	pr_arena_free(b.arena);
	if (r < 0 || usual.answer == PR_PACK_FITS)
		return r;
	if (b.n_choices == 0)
		return usual.answer == PR_PACK_IMPOSSIBLE ? note_none(t, &usual, false) : 0;

	r = ask_less(t, BUILD_LOOSE);
	if (r == 0 && t->ret->arrangement == PR_ARRANGEMENT_UNKNOWN)
		r = ask_less(t, BUILD_FORCED);
	if (r < 0 || t->ret->arrangement == PR_ARRANGEMENT_NONE)
		return r;
	return choose_otherwise(t, b.n_choices, &usual);
}

/* ---- a host bridge ---- */

static bool asks_for(const struct asking *a, const struct pr_function *target)
{
	if (target->root != a->root)
		return false;
	for (size_t i = 0; i < target->n_resources; i++)
		if (pr_resource_is_io(&target->resources[i]) == a->io &&
			pr_resource_needed(&target->resources[i], a->q->tier))
			return true;
	return false;
}

static bool was_solved(const struct asking *a, const struct pr_function *top, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (asks_for(a, a->q->targets[i]) && arrange_top(a, a->q->targets[i]) == top)
			return true;
	return false;
}

static bool apertures_missing(const struct asking *a, const struct pr_function *top)
{
	return !top && !(a->io ? a->root->facts.io_known : a->root->facts.mem_known);
}

/*
 * Joins the answer about one part: NONE anywhere is NONE, and EXISTS needs all
 * of them.  @loose: more may be possible than was tried.
 */
static bool join(struct pr_certificate *all, struct pr_certificate *part, bool loose)
{
	if (part->arrangement == PR_ARRANGEMENT_NONE && loose)
		part->arrangement = PR_ARRANGEMENT_UNKNOWN;
	part->tried += all->tried;
	if (part->arrangement == PR_ARRANGEMENT_EXISTS && all->arrangement != PR_ARRANGEMENT_EXISTS)
		part->arrangement = all->arrangement;
	*all = *part;
	return all->arrangement != PR_ARRANGEMENT_NONE;
}

/* Of a given set all has to move; of all that may, only when it lies within the rules. */
static int doubt_proof(struct asking *a, const struct pr_function *top)
{
	bool within = true;
	int r = a->q->exactly ? 0 : arrange_witness(a, top, &within);

	a->loose |= !within;
	return r;
}

/* True in @ret_more: the other parts may still decide. */
static int solve_space(
	struct asking *a, struct pr_arena *arena, struct pr_certificate *all, bool *ret_more)
{
	const struct pr_arrange_question *q = a->q;
	bool more = true;

	for (size_t i = 0; i < q->n_targets && more; i++) {
		const struct pr_function *top;
		struct pr_certificate part = { .placed = all->placed, .n_placed = all->n_placed };
		struct top t = { .a = a, .arena = arena, .budget = q->budget, .ret = &part };
		int r = 0;

		if (!asks_for(a, q->targets[i]))
			continue;
		top = t.bridge = arrange_top(a, q->targets[i]);
		if (was_solved(a, top, i))
			continue;
		a->loose = a->doubtful = false;
		if (!apertures_missing(a, top))
			r = solve_top(&t);
		if (r == 0 && part.arrangement == PR_ARRANGEMENT_NONE)
			r = doubt_proof(a, top);
		if (r < 0)
			return r;
		more = join(all, &part, a->loose);
	}
	*ret_more = more;
	return 0;
}

static int solve_root(const struct pr_arrange_question *q, const struct pr_root *root,
	struct pr_arena *arena, struct pr_certificate *all, bool *ret_more)
{
	struct asking a = { .q = q, .root = root };
	struct pr_certificate buses = { .placed = all->placed, .n_placed = all->n_placed };
	bool more = true;
	int r;

	r = mark(&a, arena);
	if (r == 0)
		r = solve_space(&a, arena, all, &more);
	a.io = true;
	if (r == 0 && more)
		r = solve_space(&a, arena, all, &more);
	if (r < 0 || !more) {
		*ret_more = false;
		return r;
	}
	buses.placed = all->placed;
	buses.n_placed = all->n_placed;
	a.loose = a.doubtful = false;
	r = arrange_buses(&a, arena, &buses);
	if (r == 0)
		*ret_more = join(all, &buses, a.loose);
	return r;
}

int pr_arrange(
	struct pr_arena *arena, const struct pr_arrange_question *q, struct pr_certificate *ret)
{
	struct pr_certificate all = { .arrangement = PR_ARRANGEMENT_EXISTS };
	bool more = true;

	pr_for_each_root (q->topology, i) {
		const struct pr_root *root = q->topology->roots[i];
		bool concerned = false;
		int r;

		for (size_t k = 0; k < q->n_targets; k++)
			concerned |= q->targets[k]->root == root;
		if (!concerned || !more)
			continue;
		r = solve_root(q, root, arena, &all, &more);
		if (r < 0)
			return r;
	}
	if (all.arrangement == PR_ARRANGEMENT_EXISTS)
		all.unit = 1;
	else
		all.n_placed = 0;
	*ret = all;
	return 0;
}

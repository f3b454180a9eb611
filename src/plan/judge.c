/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search's own judgement of a prediction: what was asked for is there
 * (G1), nothing that stays has changed (G2), everything removed is back with
 * what it had (G3).  compare.c judges the same by other code.
 */
#include "plan/search.h"

#include <errno.h>
#include <stdio.h>

struct judging {
	const struct pr_search *s;
	struct pr_arena *arena;
	struct pr_judgement *j;
	bool bad; /* no tier can be met any more */
};

static void reject(struct judging *g, const struct pr_function *f, const char *what)
{
	char address[PR_ADDRESS_MAX];

	if (g->bad)
		return;
	g->bad = true;
	pr_address_format(&f->address, address);
	(void)snprintf(g->j->why, sizeof(g->j->why), "%s %s", address, what);
}

static void reject_resource(struct judging *g, const struct pr_function *f,
	const struct pr_resource *r, const char *what)
{
	char text[PR_RESOURCE_TEXT_MAX];

	if (g->bad)
		return;
	g->bad = true;
	(void)snprintf(g->j->why, sizeof(g->j->why), "%s %s", pr_resource_text(f, r, text), what);
}

/* ---- what stays (G2) ---- */

static bool same_numbers(const struct pr_function *before, const struct pr_function *after)
{
	if (pr_address_compare(&before->address, &after->address) != 0)
		return false;
	return !before->bridge ||
	       (before->bridge->secondary == after->bridge->secondary &&
		       before->bridge->subordinate == after->bridge->subordinate);
}

/* A driver is at work on addresses that it remembers: it has to let go before they change. */
static int add_rescued(struct judging *g, const struct pr_function *f)
{
	struct pr_judgement *j = g->j;
	const struct pr_function **grown;

	for (size_t i = 0; i < j->n_rescued; i++)
		if (j->rescued[i] == f)
			return 0;
	grown = pr_new_array(g->arena, j->n_rescued + 1, const struct pr_function *);
	if (!grown)
		return -ENOMEM;

	for (size_t i = 0; i < j->n_rescued; i++)
		grown[i] = j->rescued[i];
	grown[j->n_rescued++] = f;
	j->rescued = grown;
	return 0;
}

static int judge_staying_resource(struct judging *g, const struct pr_function *before,
	const struct pr_resource *was, const struct pr_resource *is)
{
	bool assigned = is && is->state == PR_RES_ASSIGNED;

	if (was->state == PR_RES_ASSIGNED) {
		if (!assigned)
			reject_resource(
				g, before, was, "would lose its addresses although it stays");
		else if (!pr_range_equal(&was->range, &is->range))
			reject_resource(g, before, was, "would move under its user");
		return 0;
	}
	if (!assigned || pr_resource_is_window(was) || !pr_function_is_driven(before))
		return 0;
	if (pr_function_vfs(before) == 0)
		return add_rescued(g, before);
	reject_resource(g, before, was, "would get addresses under its virtual functions");
	return 0;
}

static int judge_staying(
	struct judging *g, const struct pr_function *before, const struct pr_function *after)
{
	int r;

	if (after->removed)
		reject(g, before, "would disappear");
	else if (!same_numbers(before, after))
		reject(g, before, "would get other bus numbers although it stays");

	for (size_t i = 0; !g->bad && i < before->n_resources; i++) {
		const struct pr_resource *was = &before->resources[i];

		r = judge_staying_resource(g, before, was, pr_function_resource(after, was->index));
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- what comes back (G3) ---- */

/* Addresses that no window passes on are none. */
static bool is_reached(const struct pr_function *f, const struct pr_resource *r)
{
	return r && r->state == PR_RES_ASSIGNED && pr_resource_forwarded(f, r);
}

/* Of ROMs only a display adapter's is read by its driver. */
bool pr_resource_held(const struct pr_function *f, const struct pr_resource *r)
{
	if (pr_resource_is_window(r) || !is_reached(f, r))
		return false;
	return r->index != PR_ROM || f->header.class_code >> 16 == 0x03;
}

/* An empty hot-plug port without a window makes the next hot-add harm its siblings (KERNEL 1.9). */
static bool gets_armed(const struct pr_function *before, const struct pr_function *after)
{
	if (!before->bridge || !before->bridge->hotplug || before->first_child)
		return false;
	for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++) {
		const struct pr_resource *was = pr_function_resource(before, kind);
		const struct pr_resource *is = pr_function_resource(after, kind);

		if (was && was->state == PR_RES_ASSIGNED && is && is->state != PR_RES_ASSIGNED)
			return true;
	}
	return false;
}

static void judge_returning_resource(struct judging *g, const struct pr_function *before,
	const struct pr_resource *was, const struct pr_function *after)
{
	const struct pr_resource *is = pr_function_resource(after, was->index);
	bool assigned = is_reached(after, is);

	if (pr_resource_held(before, was) && (!assigned || is->size < was->size))
		reject_resource(g, before, was, "would be lost");
	if (assigned)
		return;
	for (unsigned int tier = 0; tier < PR_TIER_MEMORY; tier++)
		if (pr_resource_needed(was, (enum pr_tier)tier))
			g->j->met[tier] = false;
}

static void judge_returning(
	struct judging *g, const struct pr_function *before, const struct pr_function *after)
{
	if (after->removed)
		reject(g, before, "would not come back");
	else if (after->no_bus && !before->no_bus)
		reject(g, before, "would come back without bus numbers");

	g->j->renumbered += pr_address_compare(&before->address, &after->address) != 0;
	g->j->armed += gets_armed(before, after);
	for (size_t i = 0; !g->bad && i < before->n_resources; i++) {
		const struct pr_resource *was = &before->resources[i];

		judge_returning_resource(g, before, was, after);
	}
}

static int judge_root(struct judging *g, size_t root, const struct pr_topology *after)
{
	const struct pr_root *was = g->s->topology->roots[root], *is = after->roots[root];
	int r = 0;

	if (was == is)
		return 0; /* shared: nothing was done to it */
	for (size_t i = 0; i < was->n_functions && r == 0 && !g->bad; i++) {
		const struct pr_function *before = &was->functions[i], *now = &is->functions[i];

		if (before->removed)
			continue;
		if (g->s->inside[root][i])
			judge_returning(g, before, now);
		else
			r = judge_staying(g, before, now);
		if (!g->bad && pr_bridge_broken(now) && !pr_bridge_broken(before))
			reject(g, now, "would not forward what the kernel places behind it");
	}
	return r;
}

/* ---- what was asked for (G1) ---- */

/* Said when no tier is met in the end. */
static void note_missing(
	struct judging *g, const struct pr_function *target, const struct pr_resource *r)
{
	char text[PR_RESOURCE_TEXT_MAX];

	if (g->j->why[0] == '\0' && pr_resource_needed(r, PR_TIER_ALL))
		(void)snprintf(g->j->why, sizeof(g->j->why), "%s would still have no addresses",
			pr_resource_text(target, r, text));
}

static void judge_target_resource(struct judging *g, const struct pr_function *target,
	const struct pr_resource *was, const struct pr_function *now)
{
	if (is_reached(now, pr_function_resource(now, was->index)))
		return;
	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++)
		if (pr_resource_needed(was, (enum pr_tier)tier))
			g->j->met[tier] = false;
	if (pr_resource_needed(was, PR_TIER_MEMORY))
		reject_resource(g, target, was, "would still have no addresses");
	note_missing(g, target, was);
}

static void judge_target(
	struct judging *g, const struct pr_function *target, const struct pr_function *now)
{
	if (now->no_bus)
		reject(g, target, "would still have no bus numbers");
	else if (pr_wants_numbers(g->s, target, now))
		reject(g, target, "would still have too few bus numbers");
	else if (pr_wants_reserve(g->s, target, now))
		reject(g, target, "would still have too small a window");
	for (const struct pr_function *p = now; p; p = p->parent)
		if (pr_bridge_broken(p))
			reject(g, p, "would still not forward what the kernel places behind it");

	for (size_t i = 0; i < target->n_resources; i++) {
		const struct pr_resource *was = &target->resources[i];

		judge_target_resource(g, target, was, now);
	}
}

static void mark(const struct pr_search *s, const struct pr_candidate *c, bool inside)
{
	for (size_t i = 0; i < c->n_moves; i++) {
		const struct pr_move *m = &c->moves[i];
		bool *marks = s->inside[pr_root_position(s->topology, m->root)];

		for (size_t j = 0; j < m->n_tops; j++)
			for (const struct pr_function *f = m->tops[j]; f;
				f = pr_function_walk(f, m->tops[j]))
				marks[f - m->root->functions] = inside;
	}
}

static void judge_standing(struct judging *g, const struct pr_topology *after)
{
	char text[PR_STANDING_TEXT_MAX];
	const struct pr_slot_reserve *lost;
	unsigned int kind;

	if (g->bad)
		return;
	lost = pr_standing_lost(g->s->policy, g->s->topology, after, &kind);
	if (!lost)
		return;
	g->bad = true;
	(void)snprintf(g->j->why, sizeof(g->j->why), "%s would lose %s, which it is to keep",
		lost->slot, pr_standing_text(lost, kind, text));
}

/* What is wrong is only said when it decides. */
static void settle(struct pr_judgement *j, bool bad)
{
	bool met = false;

	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++) {
		j->met[tier] = j->met[tier] && !bad;
		met |= j->met[tier];
	}
	if (met)
		j->why[0] = '\0';
	else if (j->why[0] == '\0')
		(void)snprintf(j->why, sizeof(j->why), "%s",
			"what a sibling has lost would still be missing");
}

/* Whoever is reached through a window that opens lets go of it meanwhile. */
static int add_reached(struct judging *g, const struct pr_move *m)
{
	int r = 0;

	for (size_t i = 0; m->agrees && i < m->n_deeds; i++) {
		const struct pr_function *top = m->deeds[i].function;

		for (const struct pr_function *f = top; f && r == 0; f = pr_function_walk(f, top))
			if (!f->removed && pr_function_is_driven(f))
				r = add_rescued(g, f);
	}
	return r;
}

int pr_judge(const struct pr_search *s, struct pr_arena *arena, const struct pr_candidate *c,
	const struct pr_topology *after, const struct pr_targets *targets, struct pr_judgement *ret)
{
	struct pr_judgement j = { 0 };
	struct judging g = { .s = s, .arena = arena, .j = &j };
	int r = 0;

	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++)
		j.met[tier] = pr_targets_ask(s, targets, (enum pr_tier)tier);

	mark(s, c, true);
	for (size_t i = 0; i < s->topology->n_roots && r == 0 && !g.bad; i++)
		r = judge_root(&g, i, after);
	mark(s, c, false);
	for (size_t i = 0; i < c->n_moves && r == 0; i++)
		r = add_reached(&g, &c->moves[i]);
	if (r < 0)
		return r;

	for (size_t i = 0; i < targets->n && !g.bad; i++)
		judge_target(
			&g, targets->functions[i], pr_topology_same(after, targets->functions[i]));
	if (s->n_reserves > 0 && j.armed > 0)
		reject(&g, targets->functions[0],
			"would have its room from what an empty port has now");
	judge_standing(&g, after);
	settle(&j, g.bad);
	*ret = j;
	return 0;
}

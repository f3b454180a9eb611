/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be done at and below one bus that stays.  Each child that leads to a
 * target is removed here, or mended by what is best below it, or waits for
 * the rescan; any other unit of the bus may go along.  What is done below a
 * child that stays does not reach beyond it (its windows stay), so the best
 * of each child is enough; only where this bus is scanned as well may another
 * be better with the whole.  A vector has such an option for each unit.
 */
#include "plan/bus-private.h"

#include <errno.h>
#include <stdlib.h>

/* ---- targets ---- */

/* The kernel tries it again at a rescan (KERNEL 1.11), and no bus numbers change. */
static bool rescan_may_help(
	const struct pr_search *s, const struct pr_function *f, enum pr_tier tier)
{
	if (f->no_bus || pr_bridge_broken(f) || pr_wants_numbers(s, f, NULL) ||
		pr_wants_reserve(s, f, NULL))
		return false;
	for (size_t i = 0; i < f->n_resources; i++)
		if (pr_resource_needed(&f->resources[i], tier) &&
			f->resources[i].state == PR_RES_FORGOTTEN)
			return false;
	return true;
}

static bool is_below(const struct pr_function *f, const struct pr_unit *u)
{
	for (size_t i = 0; i < u->n_tops; i++)
		if (f != u->tops[i] && pr_function_below(f, u->tops[i]))
			return true;
	return false;
}

/* Sorts out which targets are the unit's own, and which lie below it. */
static int find_targets(struct bus *b, struct way *w)
{
	size_t n = 0;

	for (size_t i = 0; i < b->targets->n; i++) {
		w->is_target |= pr_unit_has(w->unit, b->targets->functions[i]);
		n += is_below(b->targets->functions[i], w->unit);
	}
	/* trials remember which ones they were about */
	w->below.functions = pr_new_array(b->s->arena, n, const struct pr_function *);
	if (!w->below.functions)
		return -ENOMEM;
	for (size_t i = 0; i < b->targets->n && w->below.n < n; i++)
		if (is_below(b->targets->functions[i], w->unit))
			w->below.functions[w->below.n++] = b->targets->functions[i];
	return 0;
}

static bool leads_to(const struct pr_unit *u, const struct pr_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++)
		if (pr_unit_has(u, targets->functions[i]) || is_below(targets->functions[i], u))
			return true;
	return false;
}

static size_t count_on_bus(const struct pr_function *bridge)
{
	size_t n = 0;

	for (const struct pr_function *f = bridge->first_child; f; f = f->next)
		n++;
	return n;
}

static bool can_wait(const struct bus *b, const struct way *w, bool all)
{
	for (size_t i = 0; i < b->targets->n; i++) {
		const struct pr_function *f = b->targets->functions[i];

		if ((pr_unit_has(w->unit, f) || (all && is_below(f, w->unit))) &&
			!rescan_may_help(b->s, f, b->tier))
			return false;
	}
	return true;
}

/*
 * Room on this bus serves what is missing on it, and what is below a bridge
 * whose windows the rescan may still open.
 */
static bool may_gain(const struct way *w)
{
	const struct pr_function *f = w->unit->tops[0];

	if (w->is_target)
		return true;
	for (unsigned int kind = PR_WINDOW_IO; f->bridge && kind <= PR_WINDOW_PREF; kind++) {
		const struct pr_resource *window = pr_function_resource(f, kind);

		if (pr_window_may_open(f, window))
			return true;
	}
	return false;
}

/* ---- options ---- */

static void add_option(const struct bus *b, struct way *w, const struct option *o)
{
	unsigned int i = w->n_options;

	if (pr_cost_compare(&o->cost, &b->upper) >= 0)
		return;
	for (; i > 0 && pr_cost_compare(&o->cost, &w->options[i - 1].cost) < 0; i--)
		w->options[i] = w->options[i - 1];
	w->options[i] = *o;
	w->n_options++;
}

static int note_pinned(struct bus *b, const struct pr_unit *u)
{
	char address[PR_ADDRESS_MAX];
	const char *why;

	for (size_t i = 0; i < b->s->n_attempts; i++)
		if (b->s->attempts[i].top == u->tops[0])
			return 0;
	pr_address_format(&u->pinned->address, address);
	why = pr_arena_printf(b->s->arena, "%s cannot be taken away: %s", address, u->reason);
	return why ? pr_attempt_note(b->s, u->tops[0], why) : -ENOMEM;
}

static int add_going(struct bus *b, struct way *w)
{
	if (w->unit->pinned)
		return note_pinned(b, w->unit);
	add_option(b, w, &(struct option){ .fate = PR_FATE_GOES, .cost = w->unit->cost });
	return 0;
}

static void add_inside_option(struct bus *b, struct way *w, unsigned int which)
{
	struct option o = {
		.fate = w->is_target ? PR_FATE_WAITS : PR_FATE_STAYS,
		.inside = which,
		.rescan = w->is_target,
		.cost = w->inside[which - 1].cost,
	};

	o.cost.steps--; /* the expectation is counted once, by the whole */
	add_option(b, w, &o);
}

/*
 * The best below it; and where targets elsewhere can have this bus scanned too, the next ones
 * after it: what the scan of all decides anew may be worse with the best.
 */
static int add_inside(struct bus *b, struct way *w)
{
	const bool all = w->below.n == b->targets->n && !w->is_target;
	const unsigned int n = b->dive || all ? 1 : MAX_INSIDE;
	struct pr_bus_task task = { .root = b->root,
		.parent = w->unit->tops[0],
		.targets = &w->below,
		.tier = b->tier,
		.upper = b->upper,
		.known = all ? b->known : w->inside,
		.n_known = all ? b->n_known : 0,
		.dive = b->dive };
	int r;

	if (w->below.n == 0 || !can_wait(b, w, false))
		return 0;
	for (unsigned int i = 0; i < n; i++) {
		r = pr_bus_solve(b->s, &task, &w->inside[i]);
		if (r < 0 || !w->inside[i].found)
			return r;
		add_inside_option(b, w, i + 1);
		task.n_known++;
	}
	return 0;
}

/* What leads to its targets is removed from the bus below it, good or not by itself. */
static int make_raw(struct bus *b, struct way *w)
{
	const struct pr_function *bridge = w->unit->tops[0];
	struct pr_move *move = pr_new(b->s->arena, struct pr_move);
	struct pr_cost cost = { .steps = 1 };
	const struct pr_function *at;
	struct pr_unit *units;
	size_t n_units;
	int r;

	r = pr_units_make(b->s, b->scratch, b->root, bridge, &units, &n_units);
	if (r < 0 || !move)
		return -ENOMEM;
	*move = (struct pr_move){ .root = b->root, .parent = bridge, .closes = b->s->closes };
	move->tops = pr_new_array(b->s->arena, count_on_bus(bridge), const struct pr_function *);
	if (!move->tops)
		return -ENOMEM;
	for (size_t i = 0; i < n_units; i++) {
		if (!leads_to(&units[i], &w->below))
			continue;
		if (units[i].pinned || units[i].n_along > 0)
			return 0;
		pr_cost_add(&cost, &units[i].cost);
		for (size_t j = 0; j < units[i].n_tops; j++)
			move->tops[move->n_tops++] = units[i].tops[j];
	}
	at = pr_move_anchor(move);
	if (!may_gain(w) && !(at && at->parent == b->parent))
		return 0;
	r = pr_move_prepare(b->s, move);
	if (r != 0)
		return r < 0 ? r : 0;
	w->raw = (struct pr_candidate){ .moves = move, .n_moves = 1 };
	add_option(b, w,
		&(struct option){
			.fate = PR_FATE_STAYS, .raw = true, .rescan = true, .cost = cost });
	return 0;
}

/*
 * What is removed below a bridge need not be good by itself where it acts on
 * this bus as well: the rescan may still open the bridge's windows, or goes
 * through the bridge because its bus is emptied.
 */
static int add_raw(struct bus *b, struct way *w)
{
	return w->below.n == 0 || w->is_target ? 0 : make_raw(b, w);
}

static int add_options(struct bus *b, struct way *w, const struct pr_unit *u)
{
	int r;

	w->unit = u;
	r = find_targets(b, w);
	if (r < 0)
		return r;
	if (!w->is_target && w->below.n == 0) {
		add_option(b, w, &(struct option){ .fate = PR_FATE_STAYS });
		if (!u->pinned)
			add_option(b, w, &(struct option){ .fate = PR_FATE_GOES, .cost = u->cost });
		return 0;
	}

	r = add_inside(b, w);
	if (r == 0)
		r = add_raw(b, w);
	if (r == 0 && can_wait(b, w, true))
		add_option(b, w, &(struct option){ .fate = PR_FATE_WAITS, .rescan = true });
	return r < 0 ? r : add_going(b, w);
}

static bool is_on_way(const struct way *w)
{
	return w->is_target || w->below.n > 0;
}

/* Companions by cost, then by place; whoever leads to a target before them, by place. */
static int compare_ways(const void *a, const void *b)
{
	const struct way *x = a, *y = b;
	int r = (int)is_on_way(y) - (int)is_on_way(x);

	if (r == 0 && !is_on_way(x))
		r = pr_cost_compare(&x->unit->cost, &y->unit->cost);
	return r != 0 ? r : (x->unit > y->unit) - (x->unit < y->unit);
}

int bus_make_ways(struct bus *b)
{
	int r;

	r = pr_units_make(b->s, b->scratch, b->root, b->parent, &b->units, &b->n_units);
	if (r < 0)
		return r;
	b->ways = pr_new_array(b->scratch, b->n_units, struct way);
	b->vector = pr_new_array(b->scratch, b->n_units, unsigned int);
	b->fates = pr_new_array(b->scratch, b->n_units, enum pr_fate);
	if (!b->ways || !b->vector || !b->fates)
		return -ENOMEM;

	for (size_t i = 0; i < b->n_units; i++) {
		struct way *w = &b->ways[b->n_ways];

		r = add_options(b, w, &b->units[i]);
		if (r < 0)
			return r;
		b->n_on_way += is_on_way(w);
		/* who can only stay is no way */
		if (is_on_way(w) || w->n_options > 1)
			b->n_ways++;
		else
			*w = (struct way){ 0 };
	}
	qsort(b->ways, b->n_ways, sizeof(*b->ways), compare_ways);
	return 0;
}

/* ---- one vector ---- */

static const struct option *chosen(const struct bus *b, size_t way)
{
	return &b->ways[way].options[b->vector[way]];
}

/* What the vector does below a unit. */
static const struct pr_candidate *done_below(const struct bus *b, size_t way)
{
	static const struct pr_candidate nothing;

	const unsigned int inside = chosen(b, way)->inside;

	if (inside > 0)
		return &b->ways[way].inside[inside - 1].candidate;
	return chosen(b, way)->raw ? &b->ways[way].raw : &nothing;
}

void bus_set_fates(struct bus *b)
{
	for (size_t i = 0; i < b->n_units; i++)
		b->fates[i] = PR_FATE_STAYS;
	for (size_t i = 0; i < b->n_ways; i++)
		b->fates[b->ways[i].unit - b->units] = chosen(b, i)->fate;
}

static bool goes(const struct bus *b, const struct pr_function *f)
{
	size_t unit = pr_unit_of(b->units, b->n_units, f);

	return unit < b->n_units && b->fates[unit] == PR_FATE_GOES;
}

/* The bridges of a card that goes have to go. */
static bool cards_whole(const struct bus *b)
{
	for (size_t i = 0; i < b->n_units; i++)
		for (size_t j = 0; b->fates[i] == PR_FATE_GOES && j < b->units[i].n_along; j++)
			if (!goes(b, b->units[i].along[j]))
				return false;
	return true;
}

/* What is done on the bus itself: nothing, a rescan, or more. */
struct deed {
	bool scans, helps;
	bool waits;  /* somebody on the bus waits for the rescan */
	bool spared; /* its rescan: what is done below scans the bus */
	size_t n_tops, n_moves;
	struct pr_cost cost;
};

/*
 * What is done below scans this bus too: where a bus is emptied, the rescan
 * goes through the bridge above it.
 */
static bool scanned_from_below(const struct bus *b)
{
	for (size_t i = 0; i < b->n_on_way; i++) {
		const struct pr_candidate *below = done_below(b, i);

		for (size_t j = 0; j < below->n_moves; j++) {
			const struct pr_function *at = pr_move_anchor(&below->moves[j]);

			if (at && at->parent == b->parent)
				return true;
		}
	}
	return false;
}

static struct deed deed_of(const struct bus *b)
{
	struct deed d = { .cost = { .steps = 1 } };

	for (size_t i = 0; i < b->n_ways; i++) {
		const struct option *o = chosen(b, i);
		bool gone = o->fate == PR_FATE_GOES;

		pr_cost_add(&d.cost, &o->cost);
		d.scans |= gone || o->rescan;
		d.waits |= o->fate == PR_FATE_WAITS;
		d.helps |= i < b->n_on_way && o->fate != PR_FATE_STAYS;
		d.n_tops += gone ? b->ways[i].unit->n_tops : 0;
		d.n_moves += done_below(b, i)->n_moves;
	}
	d.spared = d.n_tops == 0 && d.scans && scanned_from_below(b);
	d.scans &= !d.spared;
	d.n_moves += d.scans;
	d.cost.steps += d.scans;
	return d;
}

bool bus_helps(const struct bus *b)
{
	return deed_of(b).helps;
}

static int make_move(const struct bus *b, size_t n_tops, struct pr_move *ret)
{
	struct pr_move m = { .root = b->root, .parent = b->parent, .closes = b->s->closes };

	m.tops = pr_new_array(b->s->arena, n_tops, const struct pr_function *);
	if (!m.tops)
		return -ENOMEM;
	for (const struct pr_function *f = pr_bus_first(b->root, b->parent); f; f = f->next)
		if (goes(b, f))
			m.tops[m.n_tops++] = f;
	*ret = m;
	return pr_move_prepare(b->s, ret);
}

static size_t depth_of(const struct pr_function *f)
{
	size_t depth = 0;

	for (; f; f = f->parent)
		depth++;
	return depth;
}

/* The deepest bus first; what is done on it is then not undone by a wider rescan. */
static void sort_moves(struct pr_move *moves, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct pr_move m = moves[i];
		size_t j = i;

		for (; j > 0 && depth_of(moves[j - 1].parent) < depth_of(m.parent); j--)
			moves[j] = moves[j - 1];
		moves[j] = m;
	}
}

/* 1: there are no bus numbers for it. */
static int make_candidate(const struct bus *b, const struct deed *d, struct pr_candidate *ret)
{
	struct pr_move *moves = pr_new_array(b->s->arena, d->n_moves, struct pr_move);
	size_t n = 0;
	int r = 0;

	if (!moves)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_on_way; i++) {
		const struct pr_candidate *below = done_below(b, i);

		for (size_t j = 0; j < below->n_moves; j++)
			moves[n++] = below->moves[j];
	}
	if (d->scans)
		r = make_move(b, d->n_tops, &moves[n++]);
	sort_moves(moves, n);
	*ret = (struct pr_candidate){ .moves = moves, .n_moves = n };
	return r;
}

/* Who goes, of those that lead to a target, if nothing was said of it yet. */
static const struct pr_function *not_noted(const struct bus *b)
{
	const struct pr_function *top = NULL;

	for (size_t i = b->n_on_way; i-- > 0;)
		if (chosen(b, i)->fate == PR_FATE_GOES)
			top = b->ways[i].unit->tops[0];
	for (size_t i = 0; top && i < b->s->n_attempts; i++)
		if (b->s->attempts[i].top == top)
			return NULL;
	return top;
}

/* Said once a child, for the first vector that fails. */
static int note_lack(struct bus *b)
{
	const struct pr_function *top = not_noted(b);
	const char *why;

	if (!top)
		return 0;
	why = pr_room_lack(b->room, b->fates, b->s->arena);
	return why ? pr_attempt_note(b->s, top, why) : -ENOMEM;
}

static bool is_known(const struct bus *b, const struct pr_candidate *c)
{
	for (unsigned int i = 0; i < b->n_known; i++)
		if (pr_candidate_same(&b->known[i].candidate, c))
			return true;
	return false;
}

static int note_no_numbers(struct bus *b)
{
	const struct pr_function *top = not_noted(b);

	return top ? pr_attempt_note(b->s, top, "its bus has no bus numbers left to give") : 0;
}

/* @ret_best: it is good, and costs no more than was to be seen before. */
static int try_deed(struct bus *b, const struct deed *d, bool *ret_best)
{
	struct pr_candidate c;
	struct pr_trial trial;
	int r;

	r = make_candidate(b, d, &c);
	if (r > 0)
		return note_no_numbers(b);
	if (r == 0)
		r = pr_trial_run(b->s, &c, b->targets, &trial);
	if (r < 0)
		return r;

	*ret_best = trial.met[b->tier] && pr_cost_compare(&trial.cost, &d->cost) <= 0;
	if (trial.met[b->tier] && pr_cost_compare(&trial.cost, &b->upper) < 0 && !is_known(b, &c)) {
		b->best = (struct pr_solution){ true, c, trial.cost };
		b->upper = trial.cost;
	}
	return 0;
}

/*
 * Simulates the vector unless it cannot be good, or not better.  Where what is done below scans
 * the bus, a rescan of its own may still be a second one that helps who waits for it.
 */
int bus_evaluate(struct bus *b)
{
	struct deed d = deed_of(b);
	bool best = false;
	int r;

	bus_set_fates(b);
	if (d.n_moves == 0 || (d.n_tops > 0 && !d.helps) || !cards_whole(b) ||
		pr_cost_compare(&d.cost, &b->upper) >= 0)
		return 0;
	if (!pr_room_suffices(b->room, b->fates))
		return note_lack(b);
	if (b->numbers && !pr_number_room_suffices(b->numbers, b->fates))
		return note_no_numbers(b);
	r = try_deed(b, &d, &best);
	if (r < 0 || best || !d.spared || !d.waits)
		return r;

	d.scans = true;
	d.n_moves++;
	d.cost.steps++;
	return pr_cost_compare(&d.cost, &b->upper) < 0 ? try_deed(b, &d, &best) : 0;
}

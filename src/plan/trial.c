/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One candidate on the kernel model: simulated, judged, priced, remembered.
 * The kernel is not monotone, so nothing is inferred from another candidate;
 * only the very same one is not simulated twice.
 */
#include "plan/search.h"

#include <errno.h>
#include <stdio.h>

#define MAX_ATTEMPTS 64 /* listed for people */

struct entry {
	const struct pr_candidate *candidate; /* NULL: free slot */
	struct pr_targets targets;
	struct pr_trial trial;
	uint64_t hash;
};
struct pr_memo {
	struct entry *entries; /* open addressing, a power of two of them */
	size_t n, max;
};

/* ---- memory ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

/* Position in the host bridge, not the address in memory: the same everywhere. */
static uint64_t position(const struct pr_function *f)
{
	return f ? (uint64_t)(f - f->root->functions) + 1 : 0;
}

static uint64_t hash_of(const struct pr_candidate *c, const struct pr_targets *targets)
{
	uint64_t hash = mix(targets->n, position(targets->functions[0]));

	for (size_t i = 0; i < c->n_moves; i++) {
		hash = mix(hash, position(c->moves[i].parent) << 2 | c->moves[i].agrees << 1 |
					 c->moves[i].closes);
		for (size_t j = 0; j < c->moves[i].n_tops; j++)
			hash = mix(hash, position(c->moves[i].tops[j]));
	}
	return hash;
}

static bool same_move(const struct pr_move *a, const struct pr_move *b)
{
	if (a->root != b->root || a->parent != b->parent || a->n_tops != b->n_tops ||
		a->closes != b->closes || a->agrees != b->agrees)
		return false;
	for (size_t i = 0; i < a->n_tops; i++)
		if (a->tops[i] != b->tops[i])
			return false;
	return true;
}

bool pr_candidate_same(const struct pr_candidate *a, const struct pr_candidate *b)
{
	if (a->n_moves != b->n_moves)
		return false;
	for (size_t i = 0; i < a->n_moves; i++)
		if (!same_move(&a->moves[i], &b->moves[i]))
			return false;
	return true;
}

static bool same_targets(const struct pr_targets *a, const struct pr_targets *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->functions[i] != b->functions[i])
			return false;
	return true;
}

static struct entry *find_slot(const struct pr_memo *memo, uint64_t hash,
	const struct pr_candidate *c, const struct pr_targets *targets)
{
	for (size_t i = hash & (memo->max - 1);; i = (i + 1) & (memo->max - 1)) {
		struct entry *e = &memo->entries[i];

		if (!e->candidate || (e->hash == hash && pr_candidate_same(e->candidate, c) &&
					     same_targets(&e->targets, targets)))
			return e;
	}
}

static int grow_memo(struct pr_search *s)
{
	struct pr_memo *memo = s->memo, bigger = { .max = memo ? 2 * memo->max : 64 };

	bigger.entries = pr_new_array(s->arena, bigger.max, struct entry);
	if (!memo)
		memo = pr_new(s->arena, struct pr_memo);
	if (!memo || !bigger.entries)
		return -ENOMEM;
	for (size_t i = 0; i < memo->max; i++) {
		const struct entry *e = &memo->entries[i];

		if (e->candidate)
			*find_slot(&bigger, e->hash, e->candidate, &e->targets) = *e;
	}
	bigger.n = memo->n;
	*memo = bigger;
	s->memo = memo;
	return 0;
}

/* ---- what is listed ---- */

static int grow_attempts(struct pr_search *s)
{
	size_t max = s->max_attempts ? 2 * s->max_attempts : 16;
	struct pr_attempt *grown = pr_new_array(s->arena, max, struct pr_attempt);

	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_attempts; i++)
		grown[i] = s->attempts[i];
	s->attempts = grown;
	s->max_attempts = max;
	return 0;
}

static int add_attempt(struct pr_search *s, const struct pr_attempt *a)
{
	int r;

	if (s->n_attempts == MAX_ATTEMPTS || s->ignores_vetoes || s->closes)
		return 0;
	r = s->n_attempts == s->max_attempts ? grow_attempts(s) : 0;
	if (r == 0)
		s->attempts[s->n_attempts++] = *a;
	return r;
}

int pr_attempt_note(struct pr_search *s, const struct pr_function *top, const char *why)
{
	const struct pr_attempt a = { .top = top, .why = why, .obstacle = why };

	for (size_t i = 0; i < s->n_attempts; i++)
		if (s->attempts[i].top == top && s->attempts[i].why == why)
			return 0;
	return add_attempt(s, &a);
}

static size_t count_tops(const struct pr_candidate *c, const struct pr_function **ret_outermost)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_moves; i++) {
		n += c->moves[i].n_tops;
		if (c->moves[i].n_tops > 0)
			*ret_outermost = c->moves[i].tops[0];
	}
	return n;
}

/* Lists a candidate that removes something; @why NULL: it is good. */
static int note_trial(struct pr_search *s, const struct pr_candidate *c, const char *why)
{
	const struct pr_function *top = NULL;
	size_t n = count_tops(c, &top);
	struct pr_attempt a = { .top = top, .good = why == NULL };

	if (n == 0 || s->n_attempts == MAX_ATTEMPTS)
		return 0;
	if (why) {
		a.obstacle = pr_arena_strdup(s->arena, why);
		a.why = n == 1 ? a.obstacle
			       : pr_arena_printf(s->arena, "together with %zu other%s: %s", n - 1,
					 n == 2 ? "" : "s", why);
		if (!a.obstacle || !a.why)
			return -ENOMEM;
	}
	return add_attempt(s, &a);
}

/* ---- the trial ---- */

static int note_doubt(struct pr_search *s, const struct pr_doubt *doubt, char *ret, size_t size)
{
	char address[PR_ADDRESS_MAX];

	if (doubt->function) {
		pr_address_format(&doubt->function->address, address);
		(void)snprintf(ret, size, "%s: %s", address, doubt->text);
	} else {
		(void)snprintf(ret, size, "%s", doubt->text);
	}
	if (!s->doubt)
		s->doubt = pr_arena_strdup(s->arena, ret);
	return s->doubt ? 0 : -ENOMEM;
}

/* False when somebody who may not be disturbed would be. */
static bool price(const struct pr_search *s, const struct pr_candidate *c,
	const struct pr_judgement *j, struct pr_cost *ret)
{
	struct pr_cost cost = { .renumbered = j->renumbered, .armed = j->armed };

	for (size_t i = 0; i < c->n_moves; i++) {
		for (size_t k = 0; k < c->moves[i].n_tops; k++) {
			const struct pr_function *top = c->moves[i].tops[k];

			for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
				if (f->removed)
					continue;
				cost.removed++;
				if (!pr_cost_disturb(s, f, &cost))
					return false;
			}
		}
	}
	for (size_t i = 0; i < j->n_rescued; i++)
		if (!pr_cost_disturb(s, j->rescued[i], &cost))
			return false;
	cost.steps = pr_candidate_n_steps(c, j->rescued, j->n_rescued);
	*ret = cost;
	return true;
}

static int judge(struct pr_search *s, struct pr_arena *scratch, const struct pr_candidate *c,
	const struct pr_targets *targets, const struct pr_topology *after, struct pr_trial *ret)
{
	struct pr_judgement j;
	bool good;
	int r;

	r = pr_judge(s, scratch, c, after, targets, &j);
	if (r < 0)
		return r;
	good = j.met[PR_TIER_ALL] || j.met[PR_TIER_LOST] || j.met[PR_TIER_MEMORY];
	if (good && !price(s, c, &j, &ret->cost))
		return note_trial(
			s, c, "a function that may not be disturbed would get other addresses");
	for (unsigned int tier = 0; tier < _PR_TIER_MAX; tier++)
		ret->met[tier] = j.met[tier];
	return note_trial(s, c, good ? NULL : j.why);
}

static int simulate(struct pr_search *s, struct pr_arena *scratch, const struct pr_candidate *c,
	const struct pr_targets *targets, struct pr_trial *ret)
{
	struct pr_topology *after;
	struct pr_doubt doubt = { 0 };
	struct pr_action *actions;
	char why[200];
	size_t n;
	int r;

	r = pr_candidate_actions(scratch, c, &actions, &n);
	if (r < 0)
		return r;
	r = pr_kernel_apply(s->kernel, s->topology, actions, n, &after, &doubt);
	if (r < 0)
		return r;
	if (r > 0) {
		r = note_doubt(s, &doubt, why, sizeof(why));
		return r < 0 ? r : note_trial(s, c, why);
	}
	r = judge(s, scratch, c, targets, after, ret);
	pr_topology_free(after);
	return r;
}

static int run(struct pr_search *s, const struct pr_candidate *c, const struct pr_targets *targets,
	struct pr_trial *ret)
{
	struct pr_arena *scratch = pr_arena_new();
	int r;

	if (!scratch)
		return -ENOMEM;
	r = simulate(s, scratch, c, targets, ret);
	pr_arena_free(scratch);
	s->n_simulated++;
	for (size_t i = 0; i < c->n_moves; i++)
		if (i == 0 || c->moves[i].root != c->moves[i - 1].root)
			s->spent += c->moves[i].root->n_functions;
	return r;
}

int pr_trial_run(struct pr_search *s, const struct pr_candidate *c,
	const struct pr_targets *targets, struct pr_trial *ret)
{
	uint64_t hash = hash_of(c, targets);
	struct pr_trial trial = { 0 };
	struct entry *e;
	int r;

	if (!s->memo || 2 * s->memo->n >= s->memo->max) {
		r = grow_memo(s);
		if (r < 0)
			return r;
	}
	e = find_slot(s->memo, hash, c, targets);
	if (e->candidate) {
		*ret = e->trial;
		return 0;
	}
	r = run(s, c, targets, &trial);
	if (r < 0)
		return r;

	e->candidate = pr_arena_memdup(s->arena, c, sizeof(*c));
	if (!e->candidate)
		return -ENOMEM;
	e->targets = *targets;
	e->trial = trial;
	e->hash = hash;
	s->memo->n++;
	*ret = trial;
	return 0;
}

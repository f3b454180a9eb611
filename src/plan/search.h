/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the search: candidates (what to re-enumerate), their trial on the
 * kernel model, and the choice among them.  The space that is searched is
 * defined in search.c.  check.c and compare.c must not include this.
 */
#pragma once

#include "plan/plan.h"
#include "plan/renumber.h"

/* One thing that is done to a function before its bus is scanned: PR_STEP_WRITE or _REMOVE. */
struct pr_deed {
	enum pr_step_kind kind;
	const struct pr_function *function;
	uint16_t offset; /* WRITE */
	uint8_t width;
	uint32_t value, old;
};
/* One bus that is enumerated again: what is removed from it, and then a rescan. */
struct pr_move {
	const struct pr_root *root;
	const struct pr_function *parent; /* bridge above the bus; NULL: the root bus */
	/* children of @parent, in the order of its list; virtual functions go with theirs */
	const struct pr_function **tops;
	size_t n_tops; /* 0: rescan only */
	bool closes;   /* memory windows of what is removed are closed before (close.c) */
	bool agrees;   /* windows are written, and that is all: no rescan (mend.c) */
	const struct pr_deed *deeds; /* all that is done before the rescan (move.c) */
	size_t n_deeds;
};
/*
 * Moves done one after the other, a bus below another one before it; none lies inside a subtree
 * that another removes.
 */
struct pr_candidate {
	const struct pr_move *moves;
	size_t n_moves;
};

struct pr_targets {
	const struct pr_function **functions; /* in the topology's order, no duplicates */
	size_t n;
};

struct pr_memo;

struct pr_search {
	const struct pr_topology *topology;
	const struct pr_policy *policy;
	const struct pr_kernel *kernel;
	struct pr_arena *arena;
	bool *const *inside; /* by root and function: removed by the candidate being judged */
	struct pr_attempt *attempts;
	size_t n_attempts, max_attempts;
	const char *doubt; /* first fact that the model missed */
	struct pr_memo *memo;
	bool everything;     /* what was never there is asked for as what was lost is */
	bool brief;          /* plans beyond the policy are of no interest */
	bool ignores_vetoes; /* what somebody pins counts as in use */
	bool closes;         /* candidates close windows before they remove */
	bool renumbers;      /* moves give bus numbers to bridges that have none */
	bool locked_out;     /* registers cannot be written, and that would have helped */
	bool no_writes;      /* no register may be written */
	bool no_numbers;     /* none that holds bus numbers */
	const struct pr_bus_wish *buses; /* asked for; an address is that of before */
	size_t n_buses;
	const struct pr_reserve *reserves; /* the same */
	size_t n_reserves;
	bool roomy; /* and so large that wherever they begin an aligned block is in them */
	uint64_t budget, spent;
	uint64_t n_simulated;
	bool cut;             /* the budget ended a search before its end */
	struct pr_cost bound; /* when cut: no candidate left out costs less */
};

/* ---- unit.c: what goes together ---- */

/* Functions of one bus that are removed together: a bridge, or all endpoints of a card. */
struct pr_unit {
	const struct pr_function **tops; /* in bus order */
	size_t n_tops;
	const struct pr_function **along; /* bridges of the card, units of their own: go too */
	size_t n_along;
	struct pr_cost cost;              /* of removing it; renumbered and armed are not known */
	const struct pr_function *pinned; /* forbids it, with @reason; NULL: it may go */
	const char *reason;
};
const struct pr_function *pr_bus_first(
	const struct pr_root *root, const struct pr_function *parent);
/* Units of a bus in bus order; each function that can be removed by itself is in one. */
int pr_units_make(const struct pr_search *s, struct pr_arena *arena, const struct pr_root *root,
	const struct pr_function *parent, struct pr_unit **ret, size_t *ret_n);
bool pr_unit_has(const struct pr_unit *u, const struct pr_function *top);
/* The one that has @f; @n: none. */
size_t pr_unit_of(const struct pr_unit *units, size_t n, const struct pr_function *f);
void pr_cost_add(struct pr_cost *cost, const struct pr_cost *more);
/* Adds one function that is disturbed; false when that is forbidden. */
bool pr_cost_disturb(const struct pr_search *s, const struct pr_function *f, struct pr_cost *cost);

/* ---- close.c: windows closed before they are removed ---- */

#define PR_CLOSING_MAX 4
struct pr_closing {
	uint16_t offset; /* of four bytes; of the I/O window's base and limit two */
	uint32_t value, old;
};
/* Registers of windows may be written. */
bool pr_windows_writable(const struct pr_search *s);
/* They may, and this kernel would keep the sizes of memory windows. */
bool pr_closing_helps(const struct pr_search *s);
/* Somebody below @bridge, or it itself, has a driver that reaches through its windows. */
bool pr_serves_a_driver(const struct pr_function *bridge);
/* Writes that close the memory windows of @bridge, in this order; returns how many. */
unsigned int pr_closing_of(const struct pr_function *bridge, struct pr_closing ret[PR_CLOSING_MAX]);
/* Of everything that @m removes. */
unsigned int pr_count_closings(const struct pr_move *m);

/* ---- reserve.c: windows that are to be larger ---- */

#define PR_RESERVE_WRITES_MAX 9
/*
 * Writes of the registers of @bridge, in this order; none where this kernel would not heed them, or
 * no place is left for them.  0 or -ENOMEM.
 */
int pr_reserve_writes(const struct pr_search *s, const struct pr_function *bridge,
	struct pr_closing ret[PR_RESERVE_WRITES_MAX], unsigned int *ret_n);

/* ---- room.c: necessary conditions ---- */

enum pr_fate {
	PR_FATE_STAYS = 0,
	PR_FATE_GOES,
	PR_FATE_MAY_GO, /* its addresses are free, and it asks for no more than it had */
	PR_FATE_WAITS,  /* stays, and is to get what it lacks itself */
};
struct pr_room;
/* Room on a bus for its units; @targets ask for what @tier says. */
int pr_room_new(struct pr_arena *arena, const struct pr_root *root,
	const struct pr_function *parent, const struct pr_unit *units, size_t n_units,
	const struct pr_targets *targets, enum pr_tier tier, struct pr_room **ret);
/*
 * False: no allocator whatever gives everybody room.  Monotone: what has room
 * has room when a unit may go that stays.
 */
bool pr_room_suffices(const struct pr_room *room, const enum pr_fate *fates);
/* What does not suffice, a sentence; NULL when all does, or memory is short. */
const char *pr_room_lack(
	const struct pr_room *room, const enum pr_fate *fates, struct pr_arena *arena);
/* A rescan may open that window of a bridge that stays, and program it. */
bool pr_window_may_open(const struct pr_function *bridge, const struct pr_resource *window);

/* ---- room-numbers.c: the same of bus numbers ---- */

struct pr_number_room;
/* On @bus, whose tops do not matter. */
int pr_number_room_new(struct pr_arena *arena, const struct pr_number_question *bus,
	const struct pr_unit *units, size_t n_units, struct pr_number_room **ret);
/*
 * False: there are not enough for those who go, whoever goes of those who may.  True where nobody
 * who goes is numbered anew.
 */
bool pr_number_room_suffices(const struct pr_number_room *room, const enum pr_fate *fates);

/* ---- move.c: what is done on one bus ---- */

/*
 * Fills deeds of a move that has all else.  0; 1 when there are no bus numbers for what asks for
 * some; -ENOMEM.
 */
int pr_move_prepare(struct pr_search *s, struct pr_move *m);
bool pr_lacks_any_numbers(const struct pr_search *s, const struct pr_targets *targets);
/* One is to have more of them than the one that the kernel gives by itself. */
bool pr_wants_exact_numbers(const struct pr_search *s, const struct pr_targets *targets);

/* ---- frontier.c: candidates not looked at yet, cheapest first ---- */

struct pr_node {
	struct pr_cost key; /* no candidate that comes from here costs less */
	const struct pr_node *parent;
	unsigned int unit, option, order;
};
struct pr_frontier {
	struct pr_node **nodes; /* binary heap by key, then by order of arrival */
	size_t n, max;
	unsigned int n_arrived;
};
int pr_frontier_push(struct pr_arena *arena, struct pr_frontier *f, const struct pr_node *node);
/* NULL when empty. */
const struct pr_node *pr_frontier_pop(struct pr_frontier *f);

/* ---- bus.c: the best at and below one bus ---- */

struct pr_solution {
	bool found;
	struct pr_candidate candidate;
	struct pr_cost cost;
};
/* What is looked for: @targets mended as far as @tier asks, all of them at or below the bus. */
struct pr_bus_task {
	const struct pr_root *root;
	const struct pr_function *parent; /* bridge above the bus; NULL: the root bus */
	const struct pr_targets *targets;
	enum pr_tier tier;
	struct pr_cost upper;            /* it costs less than this */
	bool dive;                       /* only what is likely to do it; never proves anything */
	const struct pr_solution *known; /* and is none of these */
	unsigned int n_known;
};
/* Least candidate for @task. */
int pr_bus_solve(struct pr_search *s, const struct pr_bus_task *task, struct pr_solution *ret);

/* ---- trial.c: one candidate on the kernel model ---- */

bool pr_candidate_same(const struct pr_candidate *a, const struct pr_candidate *b);

struct pr_trial {
	bool met[_PR_TIER_MAX];
	struct pr_cost cost;
};
/* From memory when the same was tried before. */
int pr_trial_run(struct pr_search *s, const struct pr_candidate *c,
	const struct pr_targets *targets, struct pr_trial *ret);
/* Lists what was not tried, and why. */
int pr_attempt_note(struct pr_search *s, const struct pr_function *top, const char *why);

/* ---- judge.c ---- */

struct pr_judgement {
	bool met[_PR_TIER_MAX]; /* good, as far as the tier asks */
	unsigned int renumbered, armed;
	/*
	 * functions that stay, whose bound driver must let go because the rescan hands them
	 * addresses
	 */
	const struct pr_function **rescued;
	size_t n_rescued;
	char why[200]; /* what is wrong, when no tier is met */
};
/* G1 to G3 of DESIGN section 4 on a prediction; lists are made in @arena.  0 or -ENOMEM. */
int pr_judge(const struct pr_search *s, struct pr_arena *arena, const struct pr_candidate *c,
	const struct pr_topology *after, const struct pr_targets *targets,
	struct pr_judgement *ret);
/* What a function has and must have again when it is removed. */
bool pr_resource_held(const struct pr_function *f, const struct pr_resource *r);

/* ---- search.c ---- */

/* @f lacks something that @tier or the request asks for. */
bool pr_target_needs(const struct pr_search *s, const struct pr_function *f, enum pr_tier tier);
/* The request asks for more bus numbers than @f has now or, with @then, will have. */
bool pr_wants_reserve(
	const struct pr_search *s, const struct pr_function *f, const struct pr_function *then);
bool pr_wants_numbers(
	const struct pr_search *s, const struct pr_function *f, const struct pr_function *then);

struct pr_choice {
	enum pr_verdict verdict; /* all but NOTHING */
	struct pr_candidate candidate;
	struct pr_cost cost;
	struct pr_targets targets; /* those that the candidate mends */
	bool proven;
	struct pr_cost bound; /* when not proven */
};
/* Somebody lacks what @tier is about: a tier that asks for nothing is not met by doing nothing. */
bool pr_targets_ask(const struct pr_search *s, const struct pr_targets *targets, enum pr_tier tier);
/* Least good candidate for all of @targets, or, with @partly, for as many as can be mended. */
int pr_search_run(
	struct pr_search *s, const struct pr_targets *targets, bool partly, struct pr_choice *ret);

/* ---- mend.c: registers that agree with the kernel's table again ---- */

/*
 * 0; 1 when @targets lack something else too, or registers cannot be written; -ENOMEM.  Not for
 * several host bridges.
 */
int pr_mend_make(struct pr_search *s, const struct pr_targets *targets, struct pr_candidate *ret);

/* ---- replug.c ---- */

/*
 * The card of @f away and back, whatever it costs.  0 and a choice without targets (OK,
 * TOO_DISRUPTIVE, VETOED, or UNKNOWN with @s->doubt), -ENOENT when @f cannot be removed by itself,
 * -ENOMEM.
 */
int pr_replug_choose(struct pr_search *s, const struct pr_function *f, struct pr_choice *ret);

/* ---- plan.c, resize.c ---- */

/* An empty one of @t, with an arena of its own; NULL when memory is short. */
struct pr_plan *pr_plan_new(const struct pr_topology *t);
/* A plan for a request without sizes of BARs; the same contract as pr_plan_make(). */
int pr_plan_search(const struct pr_topology *t, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_plan **ret);
/* For one with them. */
int pr_plan_resize(const struct pr_topology *t, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_plan **ret);
/* For one without, that lets idle functions give up room. */
int pr_plan_shrink(const struct pr_topology *t, const struct pr_request *request,
	const struct pr_policy *policy, struct pr_plan **ret);

/* ---- steps.c ---- */

int pr_candidate_actions(struct pr_arena *arena, const struct pr_candidate *c,
	struct pr_action **ret, size_t *ret_n);
/* The function whose bus is scanned; NULL: the root bus. */
const struct pr_function *pr_move_anchor(const struct pr_move *m);
/* Drivers that let go, and virtual functions taken away, before @top is removed. */
unsigned int pr_count_stops(const struct pr_function *top);
unsigned int pr_candidate_n_steps(
	const struct pr_candidate *c, const struct pr_function **rescued, size_t n_rescued);
int pr_candidate_steps(struct pr_arena *arena, const struct pr_candidate *c,
	const struct pr_function **rescued, size_t n_rescued, struct pr_step **ret, size_t *ret_n);
/* Fills @plan->id from generation and steps. */
void pr_plan_sign(struct pr_plan *plan);

/* ---- enable.c: virtual functions that are asked for; all that @plan's wishes name is there ---- */

/* Whatever room is made: the verdict, and why.  NULL in @plan->why: memory was short. */
bool pr_enable_forbidden(struct pr_plan *plan);
/* Bus numbers that the port above @f lacks for @n of them. */
bool pr_enable_buses(const struct pr_function *f, unsigned int n, struct pr_bus_wish *ret);
/* Some of them are not enabled yet. */
bool pr_enable_pending(const struct pr_plan *plan);
/* Adds the steps that enable them to those that @plan has, if any, and the functions to its targets. */
int pr_enable_steps(struct pr_plan *plan);

/* ---- refuse.c, veto.c: sentences in @plan's arena; NULL when memory is short ---- */

/* Fills @plan->certificate, for the target that lacks most.  0 or -ENOMEM. */
int pr_plan_certify(struct pr_plan *plan, const struct pr_policy *policy);
/* Why a plan that writes registers cannot be. */
const char *pr_locked_out(const struct pr_plan *plan);
/* Why nothing helps, with numbers. */
const char *pr_refusal(const struct pr_plan *plan, const struct pr_policy *policy);
/* What is in the way of a plan that the policy does not allow. */
const char *pr_too_disruptive(const struct pr_plan *plan, const struct pr_policy *policy);
/* Who forbids the plan. */
const char *pr_vetoed(const struct pr_plan *plan);
/* The fact that is missing; @doubt is the model's, or NULL. */
const char *pr_not_known(const struct pr_plan *plan, const char *doubt);

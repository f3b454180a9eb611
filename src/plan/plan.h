/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to src/plan: words, needs and small questions about one function
 * that several of its files ask.  check.c and compare.c use the words only:
 * they must be able to see a mistake made here.
 */
#pragma once

#include "pciroom/plan.h"

/* ---- names.c: words for people ---- */

#define PR_BYTES_MAX 24
/* "256 MiB", "30.2 GiB"; rounded down, so that free space is never overstated. */
const char *pr_bytes_text(uint64_t bytes, char ret[PR_BYTES_MAX]);
/* "64-bit prefetchable memory", "32-bit memory", "I/O ports": what a resource is made of. */
const char *pr_kind_text(const struct pr_resource *r);
/* "BAR 2 of 0000:04:00.0 (256 MiB)" */
#define PR_RESOURCE_TEXT_MAX 96
const char *pr_resource_text(
	const struct pr_function *f, const struct pr_resource *r, char ret[PR_RESOURCE_TEXT_MAX]);
/* Topological path in @arena, NULL when memory is short. */
char *pr_path_new(struct pr_arena *arena, const struct pr_function *f);

/* A fact that the model missed, with the function, in @arena; NULL when memory is short. */
const char *pr_doubt_text(struct pr_arena *arena, const struct pr_doubt *doubt);

/* ---- kept.c: what others have after a card has come ---- */

/* @is, the same function as @was, has the addresses that @was had in @r, and is reached there. */
bool pr_resource_kept(
	const struct pr_function *was, const struct pr_resource *r, const struct pr_function *is);
/* All of them, and bus numbers; a bridge forwards as it did. */
bool pr_function_kept(const struct pr_function *was, const struct pr_function *is);

/* ---- disruption.c ---- */

/*
 * The worst class in the subtree of @top; @ret_function (may be NULL) is the
 * first function that has it, @ret_reason (may be NULL) its reason.
 */
enum pr_disruption pr_subtree_disruption(const struct pr_function *top,
	const struct pr_policy *policy, const struct pr_function **ret_function,
	const char **ret_reason);
/* False: what it is forbids to take it away, not somebody who uses it. */
bool pr_function_can_move(const struct pr_function *f);
/*
 * Virtual functions in service on @f, which are enabled as long as it is there: they are taken away
 * before it is, and belong to what is disturbed.  0: none, or @f is no physical function.
 */
unsigned int pr_function_vfs(const struct pr_function *f);
bool pr_function_is_vf_of(const struct pr_function *f, const struct pr_function *pf);
/* The one behind @after (NULL: the first); NULL: no more. */
const struct pr_function *pr_function_next_vf(
	const struct pr_function *pf, const struct pr_function *after);
/* A driver that a user would miss: a port's own driver is not one. */
bool pr_function_is_driven(const struct pr_function *f);

/* ---- explain.c ---- */

/* As pr_explain, for the functions that @wanted says yes to. */
struct pr_filter {
	bool (*wanted)(const struct pr_function *f, const void *data);
	const void *data;
};
/*
 * What is wrong with @f is part of what is wrong with @top: at or below it, or a broken bridge
 * above.
 */
bool pr_function_concerns(const struct pr_function *f, const struct pr_function *top);
int pr_explain_filtered(const struct pr_topology *t, const struct pr_filter *filter,
	struct pr_arena *arena, struct pr_explanation *ret);

/* ---- advice.c: what helps where no plan does ---- */

/* Fills advice of a plan that is none within its policy.  0 or -ENOMEM. */
int pr_plan_advise(struct pr_plan *p);

/* ---- need.c: what a function lacks ---- */

/*
 * How much must be mended.  Each asks for less than the one before it: what
 * meets ALL meets the others.
 */
enum pr_tier {
	PR_TIER_ALL = 0, /* everything unassigned on the targets and in the subtrees removed */
	PR_TIER_LOST,    /* memory of the targets, and what the kernel took away (KERNEL 1.9) */
	PR_TIER_MEMORY,  /* memory of the targets */
	_PR_TIER_MAX,
};

/* Wants addresses and has none; ROMs are not missed. */
bool pr_resource_wanting(const struct pr_resource *r);
bool pr_resource_needed(const struct pr_resource *r, enum pr_tier tier);
/*
 * True when a window that something behind @bridge uses is not what the
 * bridge's register says (KERNEL 1.10): what is behind it is dead.
 */
bool pr_bridge_broken(const struct pr_function *bridge);
/* What was done to @f while it ran, if anything was; @ret is written to in any case. */
bool pr_damage_of(const struct pr_function *f, struct pr_damage *ret);
/* @f lacks something that @tier asks for. */
bool pr_function_needs(const struct pr_function *f, enum pr_tier tier);
/* Dead without being asked: what a request without targets is about. */
bool pr_function_dead(const struct pr_function *f);
/* Numbers that @wishes ask for @f to have; 0: none do. */
unsigned int pr_wished_numbers(
	const struct pr_bus_wish *wishes, size_t n, const struct pr_function *f);
/* Those that @bridge has: its own bus, and what it may give to others; 0: none. */
unsigned int pr_numbers_of(const struct pr_function *bridge);
/* What has to be aligned in it: of memory the largest power of two in its size. */
uint64_t pr_reserve_block(const struct pr_reserve *r);
/* @bridge has less than that. */
bool pr_reserve_missing(const struct pr_reserve *r, const struct pr_function *bridge);
/* The first of @reserves that @before names and @now misses; NULL: none. */
const struct pr_reserve *pr_missing_reserve(const struct pr_reserve *reserves, size_t n,
	const struct pr_function *before, const struct pr_function *now);
/* ---- standing.c: what slots are to have in any case ---- */

/* A kind of wish: PR_WINDOW_*, or this. */
#define PR_STANDING_BUSES (PR_WINDOW_PREF + 1u)
/*
 * The first of @policy's wishes that @before fulfils and @after does not, of one kind; NULL: none.
 * @after is predicted from @before.
 */
const struct pr_slot_reserve *pr_standing_lost(const struct pr_policy *policy,
	const struct pr_topology *before, const struct pr_topology *after, unsigned int *ret_kind);
/*
 * @wishes, and the bus numbers that @policy wishes for on top of them, in @arena; NULL when memory is
 * short.
 */
const struct pr_bus_wish *pr_standing_buses(const struct pr_policy *policy,
	const struct pr_topology *t, struct pr_arena *arena, const struct pr_bus_wish *wishes,
	size_t *n);
/* "1 GiB in its prefetchable window" */
#define PR_STANDING_TEXT_MAX 80
const char *pr_standing_text(
	const struct pr_slot_reserve *want, unsigned int kind, char ret[PR_STANDING_TEXT_MAX]);

/* First resource of @f that wants addresses and whose size is not known, or NULL. */
const struct pr_resource *pr_function_unsized(const struct pr_function *f);

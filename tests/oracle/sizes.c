/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another size for one BAR.  Either the kernel gives it in place and nothing
 * else changes, or the size is written, and a set of subtrees is enumerated
 * again that takes the device along: brute force tries all of them.  Steps are
 * not compared, since writing the size is not part of any set.
 */
#include "sizes.h"

#include <stdio.h>
#include <string.h>

#include "wild.h"
#include "../unit/machine.h"

#define M UINT64_C(0x100000)

static const struct pr_resource *resizable(const struct pr_function *f)
{
	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		if (r->index < PR_ROM && r->state == PR_RES_ASSIGNED && pr_function_rebar(f, r))
			return r;
	}
	return NULL;
}

/* The BAR that the seed chooses, and a size from 1 MiB to 8 GiB that it does not have. */
static const struct pr_function *choose(
	const struct pr_topology *t, uint64_t seed, struct pr_resize *ret)
{
	const struct pr_function *able[64], *f;
	size_t n = 0;

	pr_for_each_root (t, i) {
		for (size_t k = 0; k < t->roots[i]->n_functions && n < 64; k++)
			if (resizable(&t->roots[i]->functions[k]))
				able[n++] = &t->roots[i]->functions[k];
	}
	if (n == 0)
		return NULL;
	f = able[seed % n];
	ret->function = f->address;
	ret->index = resizable(f)->index;
	ret->size = M << (seed / n % 14);
	return ret->size != resizable(f)->size ? f : NULL;
}

/* ---- in place ---- */

static bool same_range(const struct pr_resource *a, const struct pr_resource *b)
{
	return b && a->state == b->state &&
	       (a->state != PR_RES_ASSIGNED || pr_range_equal(&a->range, &b->range));
}

/* Nobody but the device and the windows above it has changed, and the device lacks nothing. */
static bool is_as_before(const struct pr_function *was, const struct pr_function *is,
	const struct pr_function *resized)
{
	for (size_t i = 0; i < was->n_resources; i++) {
		const struct pr_resource *r = &was->resources[i];
		const struct pr_resource *now = pr_function_resource(is, r->index);
		bool worked = r->state == PR_RES_ASSIGNED && pr_resource_forwarded(was, r);

		if (pr_resource_is_window(r) ? pr_function_below(resized, was) && was != resized
					     : was == resized) {
			if (worked && !(now && now->state == PR_RES_ASSIGNED &&
					      pr_resource_forwarded(is, now)))
				return false;
		} else if (!same_range(r, now) &&
			   (r->state == PR_RES_ASSIGNED || !pr_resource_is_window(r))) {
			return false;
		}
	}
	return true;
}

static bool in_place(const struct pr_topology *t, const struct pr_function *f,
	const struct pr_resize *z, const struct pr_kernel *kernel)
{
	const struct pr_action action = {
		.kind = PR_ACTION_RESIZE, .function = f, .index = z->index, .size = z->size
	};
	struct pr_topology *after;
	const struct pr_resource *r;
	bool good;

	if (pr_kernel_apply(kernel, t, &action, 1, &after, NULL) != 0)
		return false;
	r = pr_function_resource(pr_topology_same(after, f), z->index);
	good = r->size == z->size && r->state == PR_RES_ASSIGNED;
	for (size_t i = 0; i < f->root->n_functions && good; i++)
		good = is_as_before(
			&f->root->functions[i], pr_topology_same(after, &f->root->functions[i]), f);
	pr_topology_free(after);
	return good;
}

static void answer_in_place(
	const struct pr_function *f, const struct pr_policy *policy, struct brute_answer *ret)
{
	const enum pr_disruption d = pr_function_disruption(f, policy, NULL);

	*ret = (struct brute_answer){ .verdict = d == PR_DISRUPTION_PINNED ? PR_VERDICT_VETOED
						 : d > policy->limit ? PR_VERDICT_TOO_DISRUPTIVE
								     : PR_VERDICT_OK,
		.set = "in place" };
	ret->cost.restarted = d == PR_DISRUPTION_RESTART;
	ret->cost.in_use = d == PR_DISRUPTION_IN_USE || d == PR_DISRUPTION_PINNED;
}

/* ---- by register ---- */

/* The machine on which the BAR has the size, and no addresses. */
static struct pr_topology *asked_for(
	const struct pr_topology *t, const struct pr_function *f, const struct pr_resize *z)
{
	bool touch[64] = { false };
	struct pr_topology *asked;
	struct pr_resource *r;

	for (size_t i = 0; i < t->n_roots; i++)
		touch[i] = true;
	if (pr_topology_copy(t, touch, &asked) < 0)
		return NULL;
	r = pr_function_resource(pr_topology_same(asked, f), z->index);
	r->size = r->align = z->size;
	r->state = PR_RES_FORGOTTEN;
	r->range = (struct pr_range){ 0 };
	return asked;
}

static bool answer_by_register(const struct pr_topology *t, const struct pr_function *f,
	const struct pr_resize *z, const struct pr_policy *policy, struct brute_answer *ret,
	struct brute_answer *ret_outer)
{
	struct pr_topology *asked = asked_for(t, f, z);
	bool done = asked && brute_force(asked, policy, NULL, MAX_SIMULATIONS, ret, ret_outer);

	pr_topology_free(asked);
	return done && ret->verdict != PR_VERDICT_NOTHING;
}

/* ---- both ---- */

static enum oracle_result compare(const struct wild *w, const struct pr_topology *t,
	const struct pr_function *f, const struct pr_resize *z, struct oracle_tally *tally,
	char *text, size_t size)
{
	const char *pin;
	const struct pr_policy policy = oracle_policy(w, &pin);
	const struct pr_request request = {
		.budget = UINT64_MAX, .no_numbers = true, .resizes = z, .n_resizes = 1
	};
	char address[PR_ADDRESS_MAX], what[64];
	struct brute_answer a, outer;
	struct pr_kernel kernel;

	if (pr_kernel_select(&t->machine, &kernel) != 0)
		return ORACLE_SKIPPED;
	if (in_place(t, f, z, &kernel)) {
		answer_in_place(f, &policy, &a);
		outer = a;
	} else if (!answer_by_register(t, f, z, &policy, &a, &outer)) {
		return ORACLE_SKIPPED;
	}
	pr_address_format(&z->function, address);
	(void)snprintf(what, sizeof(what), "%s: BAR %u to %llu MiB\n", address, z->index,
		(unsigned long long)(z->size / M));
	return oracle_ask(&(struct oracle_question){ w, t, &policy, &request, &a, &outer, what },
		tally, text, size);
}

enum oracle_result sizes_compare(uint64_t seed, struct oracle_tally *tally, char *text, size_t size)
{
	enum oracle_result result = ORACLE_SKIPPED;
	const struct pr_function *f;
	struct pr_resize z;
	struct pr_topology *t;
	struct wild w;

	if (!wild_make_healthy(&w, seed))
		return ORACLE_SKIPPED;
	t = machine_build(w.text);
	f = choose(t, seed, &z);
	if (f)
		result = compare(&w, t, f, &z, tally, text, size);
	pr_topology_free(t);
	return result;
}

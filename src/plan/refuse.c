/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refusals as an administrator reads them: what is needed, where the room
 * ends, and what stands in the way.  Says that nothing can help only where the
 * exact packing has proven it.
 */
#include "plan/arrange.h"
#include "plan/search.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "host bridge 0000:00" */
#define ROOT_TEXT_MAX 40
static const char *root_text(const struct pr_root *root, char ret[ROOT_TEXT_MAX])
{
	(void)snprintf(ret, ROOT_TEXT_MAX, "host bridge %04x:%02x",
		(unsigned int)root->facts.domain, (unsigned int)root->facts.bus);
	return ret;
}

/* Largest aperture that serves; what a resource may use of it is in the level's numbers. */
static uint64_t largest_aperture(const struct pr_root_facts *facts, bool io, bool below_4g)
{
	const struct pr_range limit = { .last = below_4g && !io ? UINT32_MAX : UINT64_MAX };
	struct pr_range room;
	uint64_t largest = 0;

	for (size_t i = 0; i < (io ? facts->n_io : facts->n_mem); i++)
		if (pr_range_intersect(&room, io ? &facts->io[i] : &facts->mem[i], &limit) &&
			pr_range_size(&room) > largest)
			largest = pr_range_size(&room);
	return largest;
}

/* Anything on the way up that must lie below 4 GiB (KERNEL 1.6). */
static bool must_be_low(const struct pr_shortage *s)
{
	if (!(s->resource->flags & PR_IORES_MEM_64))
		return true;
	for (size_t i = 0; i < s->n_levels; i++)
		if (s->levels[i].bridge && s->levels[i].window == PR_WINDOW_MEM)
			return true;
	return false;
}

static const char *needs(const struct pr_shortage *s, char *text, size_t size)
{
	char address[PR_ADDRESS_MAX], bytes[PR_BYTES_MAX];

	pr_address_format(&s->function->address, address);
	(void)snprintf(text, size, "%s of %s needs %s of %s", pr_resource_name(s->resource->index),
		address, pr_bytes_text(s->resource->size, bytes),
		must_be_low(s) && !pr_resource_is_io(s->resource) &&
				(s->resource->flags & PR_IORES_MEM_64)
			? "memory below 4 GiB"
			: pr_kind_text(s->resource));
	return text;
}

static size_t depth_of(const struct pr_function *f)
{
	size_t depth = 0;

	for (const struct pr_function *p = f->parent; p; p = p->parent)
		depth++;
	return depth;
}

/* Why the candidate that removes the most does not help: the outermost, and the last of those. */
static const char *last_obstacle(const struct pr_plan *plan)
{
	const struct pr_attempt *last = NULL;

	for (size_t i = 0; i < plan->n_attempts; i++) {
		const struct pr_attempt *a = &plan->attempts[i];

		if (!a->good && (!last || depth_of(a->top) <= depth_of(last->top)))
			last = a;
	}
	return last ? last->obstacle : "nothing above it can be enumerated again";
}

/*
 * What is free now is not all that could be: where the aperture is large
 * enough, the obstacle belongs to the reason.
 */
static const char *host_bridge_too_small(const struct pr_plan *plan, const struct pr_shortage *s)
{
	const struct pr_root *root = s->function->root;
	uint64_t aperture =
		largest_aperture(&root->facts, pr_resource_is_io(s->resource), must_be_low(s));
	char what[160], name[ROOT_TEXT_MAX], size[PR_BYTES_MAX], total[PR_BYTES_MAX],
		hole[PR_BYTES_MAX];

	(void)needs(s, what, sizeof(what));
	(void)root_text(root, name);
	if (aperture == 0)
		return pr_arena_printf(plan->arena, "%s; %s has no aperture for it", what, name);
	return pr_arena_printf(plan->arena,
		"%s; %s has %s in its largest aperture, %s free, the largest hole is %s%s%s", what,
		name, pr_bytes_text(aperture, size), pr_bytes_text(s->choke->space.total, total),
		pr_bytes_text(s->choke->space.largest, hole),
		aperture < s->resource->size ? "" : ", and making it larger does not work out: ",
		aperture < s->resource->size ? "" : last_obstacle(plan));
}

static const char *window_too_small(const struct pr_plan *plan, const struct pr_shortage *s)
{
	char what[160], address[PR_ADDRESS_MAX], size[PR_BYTES_MAX], total[PR_BYTES_MAX];
	const struct pr_level *choke = s->choke;

	(void)needs(s, what, sizeof(what));
	pr_address_format(&choke->bridge->address, address);
	if (!choke->open)
		return pr_arena_printf(plan->arena,
			"%s; the %s of %s is closed, and opening it does not work out: %s", what,
			pr_resource_name(choke->window), address, last_obstacle(plan));
	return pr_arena_printf(plan->arena,
		"%s; the %s of %s has %s, %s free, and making it larger does not work out: %s",
		what, pr_resource_name(choke->window), address, pr_bytes_text(choke->size, size),
		pr_bytes_text(choke->space.total, total), last_obstacle(plan));
}

/* The outermost choke point tells most; memory before I/O. */
static unsigned int weight(const struct pr_shortage *s)
{
	unsigned int w = pr_resource_is_io(s->resource) ? 0 : 4;

	if (s->resource->index > PR_ROM)
		w = 0;
	if (!s->choke)
		return w;
	return w + (s->choke->bridge ? 1 : 2);
}

static const struct pr_shortage *worst_shortage(const struct pr_explanation *e)
{
	const struct pr_shortage *worst = NULL;

	for (size_t i = 0; i < e->n_shortages; i++)
		if (!worst || weight(&e->shortages[i]) > weight(worst))
			worst = &e->shortages[i];
	return worst;
}

/* ---- what is proven ---- */

/* What the certificate is about: the function with the worst shortage, or the first target. */
static const struct pr_function *subject(const struct pr_plan *plan)
{
	const struct pr_explanation *e = &plan->explanation;
	const struct pr_shortage *s = worst_shortage(e);

	for (size_t i = 0; i < plan->n_targets; i++)
		if (s ? plan->targets[i] == s->function
		      : e->n_no_bus > 0 && plan->targets[i] == e->no_bus[0])
			return plan->targets[i];
	return plan->targets[0];
}

static int certify(struct pr_plan *plan, const struct pr_policy *policy, enum pr_disruption limit,
	const struct pr_certificate **ret)
{
	struct pr_certificate *c = pr_new(plan->arena, struct pr_certificate);
	const struct pr_function *target = subject(plan);
	const struct pr_arrange_question q = {
		.topology = plan->topology,
		.policy = policy,
		.kernel = &plan->kernel,
		.targets = &target,
		.n_targets = 1,
		.tier = PR_TIER_MEMORY,
		.buses = plan->buses,
		.n_buses = plan->n_buses,
		.limit = limit,
		.budget = PR_ARRANGE_BUDGET,
	};
	int r;

	if (!c)
		return -ENOMEM;
	r = pr_arrange(plan->arena, &q, c);
	if (r < 0)
		return r;
	c->target = target;
	*ret = c;
	return 0;
}

/* What is impossible however much may be taken away says more than what pins make so. */
int pr_plan_certify(struct pr_plan *plan, const struct pr_policy *policy)
{
	const struct pr_certificate *at_most;
	int r;

	r = certify(plan, policy, PR_DISRUPTION_IN_USE, &plan->certificate);
	if (r < 0 || plan->certificate->arrangement != PR_ARRANGEMENT_NONE)
		return r;
	if (plan->n_targets == 1)
		plan->proven = true; /* whether the search came to its end or not */
	r = certify(plan, policy, PR_DISRUPTION_PINNED, &at_most);
	if (r == 0 && at_most->arrangement == PR_ARRANGEMENT_NONE)
		plan->certificate = at_most;
	return r;
}

/* "64 MiB", "3" bus numbers. */
static const char *amount(const struct pr_certificate *c, uint64_t n, char ret[PR_BYTES_MAX])
{
	if (c->space != PR_SPACE_BUSES)
		return pr_bytes_text(n, ret);
	(void)snprintf(ret, PR_BYTES_MAX, "%llu", (unsigned long long)n);
	return ret;
}

static const char *space_text(enum pr_space s)
{
	static const char *const texts[_PR_SPACE_MAX] = { "memory below 4 GiB", "memory",
		"I/O ports", "bus numbers" };

	return texts[s];
}

static const char *holders(const struct pr_certificate *c)
{
	return c->bridge ? "windows" : "apertures";
}

/* What stays is said when it could make the difference. */
static bool decides(const struct pr_certificate *c)
{
	return c->immovable > 0 &&
	       (c->proof == PR_PROOF_SEARCH || c->immovable >= c->wanted - c->best);
}

/* Why @blocker stays: "0000:04:00.0: swap on nvme0n1p2", or NULL. */
#define BECAUSE_MAX 200
static const char *because(
	const struct pr_function *blocker, const struct pr_policy *policy, char ret[BECAUSE_MAX])
{
	const struct pr_function *f;
	char address[PR_ADDRESS_MAX];
	const char *reason;

	if (pr_subtree_disruption(blocker, policy, &f, &reason) != PR_DISRUPTION_PINNED)
		return NULL;
	pr_address_format(&f->address, address);
	(void)snprintf(ret, BECAUSE_MAX, "%s%s%s", f == blocker ? "" : address,
		f == blocker ? "" : ": ", reason);
	return ret;
}

/* ", of which 16 MiB stay with 0000:00:1f.2 and 2 others (mounted /)" */
#define STAYING_MAX 320
static const char *staying(
	const struct pr_certificate *c, const struct pr_policy *policy, char ret[STAYING_MAX])
{
	char bytes[PR_BYTES_MAX], address[PR_ADDRESS_MAX], others[40] = "", why[BECAUSE_MAX];
	const char *reason;

	ret[0] = '\0';
	if (!decides(c))
		return ret;
	(void)amount(c, c->immovable, bytes);
	if (c->n_blockers == 0) {
		(void)snprintf(ret, STAYING_MAX, ", of which %s are not for PCI", bytes);
		return ret;
	}
	pr_address_format(&c->blockers[0]->address, address);
	if (c->n_blockers > 1)
		(void)snprintf(others, sizeof(others), " and %zu other%s", c->n_blockers - 1,
			c->n_blockers == 2 ? "" : "s");
	reason = because(c->blockers[0], policy, why);
	(void)snprintf(ret, STAYING_MAX, ", of which %s stay%s with %s%s%s%s%s", bytes,
		c->space == PR_SPACE_BUSES && c->immovable == 1 ? "s" : "", address, others,
		reason ? " (" : "", reason ? reason : "", reason ? ")" : "");
	return ret;
}

/* "2 aligned blocks of 256 MiB are wanted and 1 is there" */
#define COUNT_MAX 160
static const char *counted(const struct pr_certificate *c, char ret[COUNT_MAX])
{
	char unit[PR_BYTES_MAX], wanted[PR_BYTES_MAX];
	unsigned long long n = c->wanted / c->unit, there = c->best / c->unit;

	(void)amount(c, c->unit, unit);
	switch (c->proof) {
	case PR_PROOF_VOLUME:
	case _PR_PROOF_MAX:
		(void)snprintf(ret, COUNT_MAX, "%s are wanted", amount(c, c->wanted, wanted));
		break;
	case PR_PROOF_BLOCKS:
		(void)snprintf(ret, COUNT_MAX,
			"%llu aligned block%s of %s %s wanted and %llu %s there", n,
			n == 1 ? "" : "s", unit, n == 1 ? "is" : "are", there,
			there == 1 ? "is" : "are");
		break;
	case PR_PROOF_STARTS:
		(void)snprintf(ret, COUNT_MAX,
			"%llu multiple%s of %s %s wanted to begin at and %llu %s free", n,
			n == 1 ? "" : "s", unit, n == 1 ? "is" : "are", there,
			there == 1 ? "is" : "are");
		break;
	case PR_PROOF_SEARCH:
		(void)snprintf(ret, COUNT_MAX, "%s are wanted and fit in no order",
			amount(c, c->wanted, wanted));
		break;
	}
	return ret;
}

static const char *lacking(const struct pr_certificate *c, char ret[COUNT_MAX])
{
	char bytes[PR_BYTES_MAX];

	if (c->proof == PR_PROOF_SEARCH)
		(void)snprintf(
			ret, COUNT_MAX, "no arrangement of the %s exists", space_text(c->space));
	else
		(void)snprintf(ret, COUNT_MAX, "even a perfect arrangement lacks %s of %s",
			amount(c, c->wanted - c->best, bytes), space_text(c->space));
	return ret;
}

static const char *proven_none(
	const struct pr_plan *plan, const char *what, const struct pr_policy *policy)
{
	const struct pr_certificate *c = plan->certificate;
	char lack[COUNT_MAX], count[COUNT_MAX], stay[STAYING_MAX];
	char place[PR_PLACE_TEXT_MAX], total[PR_BYTES_MAX];

	if (c->space == PR_SPACE_BUSES)
		return pr_arena_printf(plan->arena,
			"%s; even a perfect numbering lacks %llu of them %s %s: %s, its range has %s%s",
			what, (unsigned long long)(c->wanted - c->best), c->bridge ? "below" : "at",
			pr_place_text(c, place), counted(c, count), amount(c, c->total, total),
			staying(c, policy, stay));
	return pr_arena_printf(plan->arena, "%s; %s %s %s: %s, its %s have %s%s", what,
		lacking(c, lack), c->bridge ? "below" : "at", pr_place_text(c, place),
		counted(c, count), holders(c), amount(c, c->total, total),
		staying(c, policy, stay));
}

static bool short_of_numbers(const struct pr_plan *plan, const struct pr_function *f,
	const char *address, char *text, size_t size)
{
	unsigned int has = pr_numbers_of(f);
	unsigned int wished = pr_wished_numbers(plan->buses, plan->n_buses, f);

	if (has >= wished)
		return false;
	(void)snprintf(text, size, "%s has %u bus number%s, and is to have %u", address, has,
		has == 1 ? "" : "s", wished);
	return true;
}

static const struct pr_reserve *missing_reserve(const struct pr_plan *plan)
{
	return pr_missing_reserve(
		plan->reserves, plan->n_reserves, plan->targets[0], plan->targets[0]);
}

/* Why a window cannot be made larger than what is behind it asks for. */
static const char *no_reserve(const struct pr_plan *plan, const struct pr_reserve *r)
{
	char address[PR_ADDRESS_MAX], size[PR_BYTES_MAX];
	const char *why = last_obstacle(plan);

	pr_address_format(&r->bridge, address);
	if (!(r->window == PR_WINDOW_IO ? plan->kernel.reads_windows
					: plan->kernel.keeps_window_sizes))
		why = pr_arena_printf(plan->arena,
			"this kernel (%s) gives a window what is behind it and forgets what its "
			"register asks for",
			pr_generation_name(plan->kernel.generation));
	else if (!pr_registers_writable(&plan->topology->machine))
		why = "in lockdown no register can be written";
	if (!why)
		return NULL;
	return pr_arena_printf(plan->arena, "%s is to have %s in its %s: %s", address,
		pr_bytes_text(r->size, size), pr_resource_name(r->window), why);
}

static const char *what_is_needed(const struct pr_plan *plan, char *text, size_t size)
{
	const struct pr_explanation *e = &plan->explanation;
	const struct pr_shortage *s = worst_shortage(e);
	char address[PR_ADDRESS_MAX];

	if (s)
		return needs(s, text, size);
	pr_address_format(
		e->n_no_bus > 0 ? &e->no_bus[0]->address : &plan->targets[0]->address, address);
	if (e->n_no_bus == 0 && short_of_numbers(plan, plan->targets[0], address, text, size))
		return text;
	(void)snprintf(text, size, "%s %s", address,
		e->n_no_bus > 0 ? "has no bus numbers" : "does not forward what is behind it");
	return text;
}

static bool is_about(const struct pr_plan *plan, const struct pr_shortage *s)
{
	return !s || s->function == plan->certificate->target;
}

/* ---- refusals ---- */

static bool way_is_known(const struct pr_shortage *s)
{
	for (size_t i = 0; i < s->n_levels; i++)
		if (!s->levels[i].known)
			return false;
	return true;
}

/* Nothing is proven: what is seen, and what the attempts ran into. */
static const char *unproven(const struct pr_plan *plan, const struct pr_shortage *s)
{
	char what[160];

	if (s && s->choke)
		return s->choke->bridge ? window_too_small(plan, s)
					: host_bridge_too_small(plan, s);
	if (s)
		return pr_arena_printf(plan->arena, "%s; %s: %s", needs(s, what, sizeof(what)),
			way_is_known(s)
				? "there is room for it, but the kernel would not use it"
				: "whether there is room is not known, nor would the kernel use it",
			last_obstacle(plan));
	return pr_arena_printf(plan->arena, "%s: %s", what_is_needed(plan, what, sizeof(what)),
		last_obstacle(plan));
}

/* A lever that was not there to be tried. */
static const char *not_tried(const struct pr_plan *plan)
{
	const char *lockdown = plan->topology->machine.lockdown;

	if (!plan->kernel.keeps_window_sizes || !lockdown || strcmp(lockdown, "none") == 0)
		return "";
	return "; closing windows first might, but in lockdown no register can be written";
}

static const char *fixed_elsewhere(const struct pr_plan *plan, const struct pr_shortage *s)
{
	char what[160];

	return pr_arena_printf(plan->arena,
		"%s; the device fixes it at 0x%" PRIx64 ", and no window above leads there",
		needs(s, what, sizeof(what)), s->resource->range.first);
}

const char *pr_refusal(const struct pr_plan *plan, const struct pr_policy *policy)
{
	const struct pr_shortage *s = worst_shortage(&plan->explanation);
	const struct pr_certificate *c = plan->certificate;
	const struct pr_reserve *reserve = s ? NULL : missing_reserve(plan);
	char what[160];

	if (reserve)
		return no_reserve(plan, reserve);
	if (s && pr_resource_misplaced(s->resource))
		return fixed_elsewhere(plan, s);
	if (!c || c->arrangement == PR_ARRANGEMENT_UNKNOWN || !is_about(plan, s))
		return unproven(plan, s);
	(void)what_is_needed(plan, what, sizeof(what));
	if (c->arrangement == PR_ARRANGEMENT_NONE)
		return proven_none(plan, what, policy);
	if (c->n_placed == 0)
		return unproven(plan, s); /* nothing but registers has to change */
	return pr_arena_printf(plan->arena,
		"%s; an arrangement exists, but %s makes this kernel (%s) produce it: %s%s", what,
		plan->proven ? "no set of subtrees that is enumerated again"
			     : "nothing that was tried",
		pr_generation_name(plan->kernel.generation), last_obstacle(plan), not_tried(plan));
}

const char *pr_locked_out(const struct pr_plan *plan)
{
	char what[160];

	return pr_arena_printf(plan->arena,
		"%s; there are enough for it after other bridges have been renumbered, but this kernel is "
		"locked down (%s) and lets nobody write their registers",
		what_is_needed(plan, what, sizeof(what)), plan->topology->machine.lockdown);
}

const char *pr_too_disruptive(const struct pr_plan *plan, const struct pr_policy *policy)
{
	const struct pr_affected *a = plan->affected;
	char address[PR_ADDRESS_MAX];

	for (size_t i = 0; i < plan->n_affected; i++)
		if (plan->affected[i].disruption > a->disruption)
			a = &plan->affected[i];
	pr_address_format(&a->function->address, address);
	return pr_arena_printf(plan->arena,
		"%s would be interrupted: %s; \"%s\" is the most allowed", address,
		a->reason ? a->reason : "no reason known", pr_disruption_name(policy->limit));
}

const char *pr_not_known(const struct pr_plan *plan, const char *doubt)
{
	char address[PR_ADDRESS_MAX];

	for (size_t i = 0; i < plan->n_targets; i++) {
		const struct pr_function *f = plan->targets[i];
		const struct pr_resource *r = pr_function_unsized(f);

		if (!r)
			continue;
		pr_address_format(&f->address, address);
		return pr_arena_printf(plan->arena,
			"the size of %s of %s is not known: bind no driver and let pciroom measure it",
			pr_resource_name(r->index), address);
	}
	return pr_arena_strdup(plan->arena, doubt ? doubt : "a fact that decides is missing");
}

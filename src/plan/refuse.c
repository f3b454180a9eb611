/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refusals as an administrator reads them: what is needed, where the room
 * ends, and what stands in the way.  Decides nothing.
 */
#include "plan/search.h"

#include <stdio.h>

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
	return last ? last->why : "nothing above it can be enumerated again";
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

const char *pr_refusal(const struct pr_plan *plan)
{
	const struct pr_explanation *e = &plan->explanation;
	const struct pr_shortage *s = worst_shortage(e);
	char address[PR_ADDRESS_MAX], what[160];

	if (s && s->choke)
		return s->choke->bridge ? window_too_small(plan, s)
					: host_bridge_too_small(plan, s);
	if (s)
		return pr_arena_printf(plan->arena,
			"%s; there is room for it, but the kernel would not use it: %s",
			needs(s, what, sizeof(what)), last_obstacle(plan));

	pr_address_format(
		e->n_no_bus > 0 ? &e->no_bus[0]->address : &plan->targets[0]->address, address);
	return pr_arena_printf(plan->arena, "%s %s: %s", address,
		e->n_no_bus > 0 ? "has no bus numbers" : "does not forward what is behind it",
		last_obstacle(plan));
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

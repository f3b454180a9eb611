/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Units: what is removed together from one bus, and what that costs before
 * anything is simulated.  Knows nothing of targets and layouts.
 */
#include "plan/search.h"

#include <errno.h>

const struct pr_function *pr_bus_first(const struct pr_root *root, const struct pr_function *parent)
{
	return parent ? parent->first_child : root->first_child;
}

/*
 * Functions of one card: they come and go together.  With ARI the device
 * number is part of the function's (PCIe 6.13).
 */
static bool same_slot(const struct pr_function *a, const struct pr_function *b)
{
	const struct pr_function *port = a->parent;

	if (b->address.bus != a->address.bus)
		return false;
	return a->address.device == b->address.device ||
	       (port && port->caps && port->caps->pcie.present == PR_YES &&
		       port->caps->pcie.ari_forwarding);
}

/* Virtual functions go with their physical one. */
static bool can_be_top(const struct pr_function *f)
{
	return !f->removed && !f->facts->is_vf;
}

/* A bridge goes by itself, an endpoint with the other endpoints of its card. */
static bool is_of_card(const struct pr_function *f, const struct pr_function *top)
{
	return f == top || (can_be_top(f) && !top->bridge && !f->bridge && same_slot(top, f));
}

/* So do the virtual functions of all these. */
static bool goes_with(const struct pr_function *f, const struct pr_function *top)
{
	const struct pr_function *first = pr_bus_first(top->root, top->parent);

	if (!f->facts->is_vf || f->removed || top->bridge)
		return is_of_card(f, top);
	for (const struct pr_function *pf = first; pf; pf = pf->next)
		if (pr_function_is_vf_of(f, pf))
			return is_of_card(pf, top);
	return false;
}

/* A bridge that is a function of the same card: it has to go too. */
static bool goes_along(const struct pr_function *f, const struct pr_function *top)
{
	return can_be_top(f) && !top->bridge && f->bridge && same_slot(top, f);
}

bool pr_unit_has(const struct pr_unit *u, const struct pr_function *top)
{
	for (size_t i = 0; i < u->n_tops; i++)
		if (u->tops[i] == top)
			return true;
	return false;
}

void pr_cost_add(struct pr_cost *cost, const struct pr_cost *more)
{
	cost->in_use += more->in_use;
	cost->restarted += more->restarted;
	cost->renumbered += more->renumbered;
	cost->armed += more->armed;
	cost->removed += more->removed;
	cost->steps += more->steps;
}

bool pr_cost_disturb(const struct pr_search *s, const struct pr_function *f, struct pr_cost *cost)
{
	switch (pr_function_disruption(f, s->policy, NULL)) {
	case PR_DISRUPTION_FREE:
		return true;
	case PR_DISRUPTION_RESTART:
		cost->restarted++;
		return true;
	case PR_DISRUPTION_IN_USE:
		cost->in_use++;
		return true;
	case PR_DISRUPTION_PINNED:
		cost->in_use++;
		return s->ignores_vetoes && pr_function_can_move(f);
	case _PR_DISRUPTION_MAX:
		break;
	}
	return false;
}

static void price(const struct pr_search *s, struct pr_unit *u)
{
	for (size_t i = 0; i < u->n_tops; i++) {
		const struct pr_function *top = u->tops[i];

		for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
			if (f->removed)
				continue;
			u->cost.removed++;
			if (pr_cost_disturb(s, f, &u->cost) || u->pinned)
				continue;
			u->pinned = f;
			(void)pr_function_disruption(f, s->policy, &u->reason);
		}
		u->cost.steps += can_be_top(top) + pr_count_stops(top);
	}
}

static int make_unit(const struct pr_search *s, struct pr_arena *arena,
	const struct pr_function *first, const struct pr_function *top, struct pr_unit *ret)
{
	struct pr_unit u = { 0 };
	size_t n = 0;

	for (const struct pr_function *f = first; f; f = f->next)
		n += goes_with(f, top) || goes_along(f, top);
	u.tops = pr_new_array(arena, n, const struct pr_function *);
	u.along = pr_new_array(arena, n, const struct pr_function *);
	if (!u.tops || !u.along)
		return -ENOMEM;
	for (const struct pr_function *f = first; f; f = f->next) {
		if (goes_with(f, top))
			u.tops[u.n_tops++] = f;
		else if (goes_along(f, top))
			u.along[u.n_along++] = f;
	}
	price(s, &u);
	*ret = u;
	return 0;
}

size_t pr_unit_of(const struct pr_unit *units, size_t n, const struct pr_function *f)
{
	size_t i = 0;

	while (i < n && !pr_unit_has(&units[i], f))
		i++;
	return i;
}

int pr_units_make(const struct pr_search *s, struct pr_arena *arena, const struct pr_root *root,
	const struct pr_function *parent, struct pr_unit **ret, size_t *ret_n)
{
	const struct pr_function *first = pr_bus_first(root, parent);
	struct pr_unit *units;
	size_t n = 0;
	int r;

	for (const struct pr_function *f = first; f; f = f->next)
		n += can_be_top(f);
	units = pr_new_array(arena, n, struct pr_unit);
	if (!units)
		return -ENOMEM;

	n = 0;
	for (const struct pr_function *f = first; f; f = f->next) {
		if (!can_be_top(f) || pr_unit_of(units, n, f) < n)
			continue;
		r = make_unit(s, arena, first, f, &units[n++]);
		if (r < 0)
			return r;
	}
	*ret = units;
	*ret_n = n;
	return 0;
}

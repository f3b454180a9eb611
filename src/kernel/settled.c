/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a rescan cannot change: a bridge below which everything has a place or
 * asks for nothing.  Linux walks it and does nothing; the model does not even
 * build it.  A machine has thousands of functions and a rescan is about few.
 */
#include "kernel/model.h"

static bool has_wants(const struct pr_function *f)
{
	for (unsigned int i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		if (!(f->bridge && pr_resource_is_window(r)) && r->state == PR_RES_UNASSIGNED)
			return true;
	}
	return false;
}

static uint64_t reserve_of(const struct k_model *m, unsigned int window)
{
	if (window == PR_WINDOW_IO)
		return m->kernel->hp_io_size;
	return window == PR_WINDOW_MEM ? m->kernel->hp_mem_size : m->kernel->hp_pref_size;
}

/* A closed window stays closed when nobody asks for it and the kernel remembers nothing of it. */
static bool stays_closed(
	const struct k_model *m, const struct pr_function *f, const struct pr_resource *r)
{
	if (r->state != PR_RES_CLOSED || k_remembered_size(m, f, r) > 0)
		return false;
	return !f->bridge->hotplug || reserve_of(m, r->index) == 0;
}

/*
 * A bridge that is not in use has its registers written; below a subtractive one
 * lie things that take room above it.
 */
static bool is_settled_bridge(const struct k_model *m, const struct pr_function *f)
{
	if (!k_is_enabled(m, f) || f->bridge->busless || f->bridge->subtractive)
		return false;
	for (unsigned int i = PR_WINDOW_IO; i <= PR_WINDOW_PREF; i++) {
		const struct pr_resource *r = pr_function_resource(f, i);

		if (!r || (r->state != PR_RES_ASSIGNED && !stays_closed(m, f, r)))
			return false;
	}
	return true;
}

static bool look(struct k_model *m, struct pr_function *f)
{
	if (k_is_fresh(m, f) || m->new_bus[f - m->root->functions] || has_wants(f))
		return false;
	if (!f->bridge)
		return f->header.type != PR_HEADER_CARDBUS;
	if (!is_settled_bridge(m, f))
		return false;
	pr_for_each_child (c, f->first_child) {
		if (!c->removed && !c->facts->is_vf && !k_is_settled(m, c))
			return false;
	}
	return true;
}

bool k_is_settled(struct k_model *m, struct pr_function *f)
{
	enum k_settled *known = &m->settled[f - m->root->functions];

	if (*known == K_NOT_LOOKED_AT)
		*known = look(m, f) ? K_SETTLED : K_UNSETTLED;
	return *known == K_SETTLED;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to src/plan: a machine that somebody has worked on with the power
 * on or off, built anew from its facts.  Works on topologies as imported, not
 * on predictions.
 */
#pragma once

#include "pciroom/template.h"
#include "pciroom/what-if.h"

/*
 * As pr_refit_insert(), which see, for what @functions describe.  @alone: only @port's host bridge
 * with what is on it; of the others of the domain, what bounds their bus numbers.
 */
int pr_refit_card(const struct pr_topology *t, const struct pr_function *port, bool alone,
	const struct pr_template_function *functions, size_t n, struct pr_topology **ret);

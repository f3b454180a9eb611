/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a rescan for the card in one slot would touch anybody else (KERNEL 1.1, 1.10). */
#include "pciroom/doctor.h"
#include "plan/plan.h"

/* Addresses change under a driver, or a bridge forwards less than the kernel then believes. */
static bool is_touched(const struct pr_function *was, const struct pr_function *is)
{
	if (!pr_function_kept(was, is))
		return true;
	for (size_t i = 0; i < was->n_resources; i++) {
		const struct pr_resource *r = &was->resources[i];

		if (r->index < PR_ROM && r->state != PR_RES_ASSIGNED &&
			pr_function_resource(is, r->index)->state == PR_RES_ASSIGNED &&
			pr_function_is_driven(was))
			return true;
	}
	return false;
}

int pr_scan_touches(
	const struct pr_topology *t, const struct pr_function *port, const struct pr_function **ret)
{
	const struct pr_action rescan = { .kind = PR_ACTION_RESCAN, .function = port };
	const struct pr_root *root = port->root;
	struct pr_topology *after;
	struct pr_kernel kernel;
	struct pr_doubt doubt;
	int r;

	r = pr_kernel_select(&t->machine, &kernel);
	if (r >= 0)
		r = pr_kernel_apply(&kernel, t, &rescan, 1, &after, &doubt);
	if (r != 0) {
		*ret = r > 0 ? doubt.function : NULL;
		return r;
	}
	for (size_t i = 0; i < root->n_functions && r == 0; i++) {
		const struct pr_function *f = &root->functions[i];

		if (!f->removed && is_touched(f, pr_topology_same(after, f))) {
			*ret = f;
			r = 1;
		}
	}
	pr_topology_free(after);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows in advance: what an armed port lacks, given to it while nobody is in
 * it.  A card that finds no room then costs nobody else anything, as the window that
 * the kernel takes away at its second try is the port's own (KERNEL 1.9).
 */
#include "pciroom/doctor.h"

#include <errno.h>
#include <stdlib.h>

/* What the kernel gives an empty slot of memory by itself (pci_hotplug_mmio_size, drivers/pci/pci.c). */
#define SPARE UINT64_C(0x200000)

static bool lacks(const struct pr_function *port, uint8_t kind)
{
	const struct pr_resource *w = pr_function_resource(port, kind);

	return port->bridge->registers[kind - PR_WINDOW_IO].implemented == PR_YES &&
	       !(w && w->state == PR_RES_ASSIGNED);
}

/* 1: @d has its plan; 0: there is none for its wishes. */
static int try_wishes(
	const struct pr_topology *t, const struct pr_policy *policy, struct pr_disarm *d)
{
	const struct pr_request request = {
		.reserves = d->wishes, .n_reserves = d->n_wishes, .brief = true
	};
	struct pr_plan *p;
	char why[200];
	int r;

	r = pr_plan_make(t, &request, policy, &p);
	if (r < 0)
		return r;
	r = p->verdict == PR_VERDICT_OK ? pr_plan_check(p, policy, why, sizeof(why)) : 1;
	if (r == 0)
		d->plan = p;
	else
		pr_plan_free(p);
	return r < 0 ? r : r == 0;
}

int pr_disarm_find(const struct pr_topology *t, const struct pr_function *port,
	const struct pr_policy *policy, struct pr_disarm *ret)
{
	/* what hurts most first: the last is given up where there is no plan for all */
	static const uint8_t kinds[PR_DISARM_MAX] = { PR_WINDOW_MEM, PR_WINDOW_PREF, PR_WINDOW_IO };
	struct pr_disarm d = { 0 };
	int r = 0;

	for (size_t i = 0; i < PR_DISARM_MAX; i++)
		if (lacks(port, kinds[i]))
			d.wishes[d.n_wishes++] = (struct pr_reserve){ .bridge = port->address,
				.window = kinds[i],
				.size = kinds[i] == PR_WINDOW_IO ? pr_window_unit(kinds[i])
								 : SPARE };
	d.n_lacking = d.n_wishes;
	while (d.n_wishes > 0 && r == 0) {
		r = try_wishes(t, policy, &d);
		if (r == 0)
			d.n_wishes--;
	}
	if (r < 0)
		return r;
	*ret = d;
	return 0;
}

void pr_disarm_deinit(struct pr_disarm *d)
{
	pr_plan_free(d->plan);
	*d = (struct pr_disarm){ 0 };
}

void pr_disarms_free(const struct pr_doctor *d, struct pr_disarm *disarms)
{
	for (size_t i = 0; disarms && i < d->n_armed; i++)
		pr_disarm_deinit(&disarms[i]);
	free(disarms);
}

int pr_disarms_make(
	const struct pr_doctor *d, const struct pr_policy *policy, struct pr_disarm **ret)
{
	struct pr_disarm *disarms = calloc(d->n_armed + 1, sizeof(*disarms));
	int r = disarms ? 0 : -ENOMEM;

	for (size_t i = 0; i < d->n_armed && r >= 0; i++)
		r = pr_disarm_find(d->topology, d->armed[i].port, policy, &disarms[i]);
	if (r < 0) {
		pr_disarms_free(d, disarms);
		return r;
	}
	*ret = disarms;
	return 0;
}

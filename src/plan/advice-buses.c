/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Advice where bus numbers are what is missing.  Linux keeps those of firmware
 * unless pci=assign-busses makes it count anew, with hpbussize= numbers for each
 * hot-plug port (KERNEL 1.4).
 */
#include "plan/advice.h"
#include "plan/renumber.h"

/* The most that one of them is to have; 0: as many as are found. */
static unsigned int most_wished(const struct pr_plan *p)
{
	unsigned int most = 0;

	for (size_t i = 0; i < p->n_buses; i++)
		if (p->buses[i].buses > most)
			most = p->buses[i].buses;
	return most;
}

static bool lacks_numbers(const struct pr_plan *p, const struct pr_function *f)
{
	return pr_lacks_numbers(f) || pr_wished_numbers(p->buses, p->n_buses, f) > pr_numbers_of(f);
}

static bool is_about_numbers(const struct pr_plan *p)
{
	for (size_t i = 0; i < p->n_targets; i++)
		if (lacks_numbers(p, p->targets[i]))
			return true;
	return false;
}

static int try_options(struct pr_adviser *a, bool *ret)
{
	const struct pr_boot_options o = {
		.text = "assign-busses",
		.buses = most_wished(a->plan),
	};
	int r = pr_advise_try(a, &o, false, ret);

	return r == 0 && *ret ? pr_advise_boot(a, &o, o.buses > 0) : r;
}

int pr_advise_buses(struct pr_adviser *a)
{
	bool good = false;
	int r;

	if (!is_about_numbers(a->plan))
		return 0;
	r = try_options(a, &good);
	/* there are enough for every port, so there are for one */
	return r == 0 && good ? pr_advise_qemu(a) : r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Advice where bus numbers are what is missing.  Linux keeps those of firmware
 * unless pci=assign-busses makes it count anew, with hpbussize= numbers for each
 * hot-plug port (KERNEL 1.4).  A root port of QEMU's asks its firmware for
 * numbers by a capability of its own (docs/pcie.txt there).
 */
#include "plan/advice.h"
#include "plan/search.h"

#include <errno.h>

#define QEMU_VENDOR    0x1b36
#define QEMU_ROOT_PORT 0x000c

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

/* The port whose firmware could be asked: one wish, and it is for that port. */
static const struct pr_function *find_qemu_port(const struct pr_plan *p)
{
	const struct pr_function *f;

	if (!p->topology->machine.is_guest || p->n_buses != 1)
		return NULL;
	f = pr_topology_find(p->topology, &p->buses[0].bridge);
	return f && f->header.vendor == QEMU_VENDOR && f->header.device == QEMU_ROOT_PORT ? f
											  : NULL;
}

/* Its own bus is not counted there. */
static int tell_qemu(struct pr_adviser *a, const struct pr_function *port)
{
	struct pr_plan *p = a->plan;
	struct pr_advice *advice = &a->advice[p->n_advice];
	const unsigned int more = p->buses[0].buses - 1;
	char address[PR_ADDRESS_MAX];

	pr_address_format(&port->address, address);
	*advice = (struct pr_advice){ .kind = PR_ADVICE_HYPERVISOR, .later = true };
	advice->setting = pr_arena_printf(p->arena, "bus-reserve=%u", more);
	advice->text = pr_arena_printf(p->arena,
		"give the root port %s bus-reserve=%u on QEMU's command line "
		"(-device pcie-root-port,...), and start the guest anew",
		address, more);
	if (!advice->setting || !advice->text)
		return -ENOMEM;
	p->n_advice++;
	return 0;
}

static int try_options(struct pr_adviser *a, bool *ret)
{
	struct pr_boot_options o = { .text = "assign-busses" };
	const unsigned int most = most_wished(a->plan);
	int r;

	if (most == 0) {
		r = pr_advise_try(a, &o, false, ret);
		return r == 0 && *ret ? pr_advise_boot(a, &o, false) : r;
	}
	o.buses = most;
	r = pr_advise_try(a, &o, false, ret);
	return r == 0 && *ret ? pr_advise_boot(a, &o, true) : r;
}

int pr_advise_buses(struct pr_adviser *a)
{
	const struct pr_function *port;
	bool good = false;
	int r;

	if (!is_about_numbers(a->plan))
		return 0;
	r = try_options(a, &good);
	if (r < 0 || !good)
		return r;
	/* there are enough for every port, so there are for one */
	port = find_qemu_port(a->plan);
	return port ? tell_qemu(a, port) : 0;
}

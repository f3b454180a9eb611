/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Advice for a guest of QEMU's: its root port tells the guest's firmware, by a
 * capability of its own, what to leave behind the port (docs/pcie.txt there).
 * Kernels keep that, as they do all that firmware leaves.
 */
#include "plan/advice.h"

#include <errno.h>

#define QEMU_VENDOR    0x1b36
#define QEMU_ROOT_PORT 0x000c

/* The only bridge that the request has wishes for. */
static const struct pr_function *find_bridge(const struct pr_plan *p)
{
	const struct pr_address *a = NULL;
	bool several = false;

	for (size_t i = 0; i < p->n_buses; i++) {
		several |= a && pr_address_compare(a, &p->buses[i].bridge) != 0;
		a = &p->buses[i].bridge;
	}
	for (size_t i = 0; i < p->n_reserves; i++) {
		several |= a && pr_address_compare(a, &p->reserves[i].bridge) != 0;
		a = &p->reserves[i].bridge;
	}
	return a && !several ? pr_topology_find(p->topology, a) : NULL;
}

static bool can_be_told(const struct pr_plan *p, const struct pr_function *port)
{
	return p->topology->machine.is_guest && port && port->header.vendor == QEMU_VENDOR &&
	       port->header.device == QEMU_ROOT_PORT;
}

/* A 64-bit prefetchable window: the port has no other one. */
static const char *name_of(unsigned int window)
{
	if (window == PR_WINDOW_IO)
		return "io-reserve";
	return window == PR_WINDOW_MEM ? "mem-reserve" : "pref64-reserve";
}

static const char *settings(const struct pr_plan *p)
{
	const char *text = "";

	for (size_t i = 0; i < p->n_buses && text; i++) /* its own bus is not counted */
		text = pr_arena_printf(p->arena, "%s%sbus-reserve=%u", text, *text ? "," : "",
			p->buses[i].buses - 1);
	for (size_t i = 0; i < p->n_reserves; i++)
		text = pr_advise_size(
			p->arena, text, name_of(p->reserves[i].window), p->reserves[i].size);
	return text;
}

int pr_advise_qemu(struct pr_adviser *a)
{
	struct pr_plan *p = a->plan;
	const struct pr_function *port = find_bridge(p);
	struct pr_advice *advice = &a->advice[p->n_advice];
	char address[PR_ADDRESS_MAX];

	if (!can_be_told(p, port))
		return 0;
	pr_address_format(&port->address, address);
	*advice = (struct pr_advice){ .kind = PR_ADVICE_HYPERVISOR, .later = true };
	advice->setting = settings(p);
	if (advice->setting)
		advice->text = pr_arena_printf(p->arena,
			"give the root port %s %s on QEMU's command line "
			"(-device pcie-root-port,...; libvirt: as properties in a <qemu:override> of "
			"that controller), and start the guest anew",
			address, advice->setting);
	if (!advice->text)
		return -ENOMEM;
	p->n_advice++;
	return 0;
}

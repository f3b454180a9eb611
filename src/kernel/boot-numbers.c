/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bus numbers of a boot with pci=assign-busses: what firmware gave is thrown
 * away, and every bridge gets the next number in the order of the bus.  Spare
 * ones go to hot-plug ports only, as many as hpbussize= says.  Sources:
 * pci_scan_bridge_extend and pci_scan_child_bus_extend (drivers/pci/probe.c),
 * which start with no number to give away; KERNEL 1.4.
 */
#include "kernel/model.h"

static void forget_numbers(struct k_model *m)
{
	for (unsigned int i = m->root->facts.bus + 1u; i <= m->root->last_bus; i++) {
		m->bus_owner[i] = NULL;
		m->bus_exists[i] = false;
	}
}

/* Numbers that the device has for good are the hardware's to give. */
static bool is_numbered(struct k_model *m, const struct pr_function *f)
{
	if (f->removed || !f->bridge)
		return false;
	if (f->caps->ea.present == PR_YES && f->caps->ea.fixed_secondary != 0)
		k_doubt(m, f, "its bus numbers are fixed by the device");
	else if (f->no_bus && !f->first_child && !m->kernel->unseen_is_empty)
		k_doubt(m, f, "it had no bus numbers, so that what is behind it is not known");
	return m->status == 0;
}

static unsigned int number_bus(struct k_model *m, struct pr_function *above,
	struct pr_function *first, unsigned int number);

static unsigned int number_bridge(struct k_model *m, struct pr_function *f, unsigned int max)
{
	struct pr_bridge *b = f->bridge;
	const unsigned int number = max + 1;

	b->primary = f->address.bus;
	if (number > m->root->last_bus) {
		b->secondary = b->subordinate = 0;
		f->no_bus = b->busless = true;
		return max;
	}
	m->bus_exists[number] = true;
	m->bus_owner[number] = f;
	b->secondary = (uint8_t)number;
	f->no_bus = b->busless = false;
	max = number_bus(m, f, f->first_child, number);
	b->subordinate = (uint8_t)max;
	return max;
}

/* Returns the highest number in use below. */
static unsigned int number_bus(struct k_model *m, struct pr_function *above,
	struct pr_function *first, unsigned int number)
{
	const unsigned int spare = m->kernel->hp_bus_size > 0 ? m->kernel->hp_bus_size - 1 : 0;
	unsigned int max;

	pr_for_each_child (f, first)
		f->address.bus = (uint8_t)number;
	max = number + k_virtual_buses(first);
	pr_for_each_child (f, first)
		if (is_numbered(m, f))
			max = number_bridge(m, f, max);
	if (above && above->bridge->hotplug && max - number < spare)
		max = number + spare;
	return max < m->root->last_bus ? max : m->root->last_bus;
}

void k_number_all(struct k_model *m)
{
	forget_numbers(m);
	if (m->root->known_bus != m->root->last_bus)
		k_doubt(m, m->root->first_child, "how many buses its host bridge has is not known");
	if (m->status == 0)
		(void)number_bus(m, NULL, m->root->first_child, m->root->facts.bus);
}

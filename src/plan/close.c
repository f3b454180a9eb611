/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steering a kernel that keeps old sizes: up to 6.12 the size that a memory
 * window register holds is the least that the window gets when its bridge is
 * found again (M9; pbus_size_mem(), drivers/pci/setup-bus.c).  An
 * arrangement that needs smaller ones exists and is not made.  So the windows
 * of what will be removed are closed, after every driver below has let go.
 */
#include "plan/search.h"

/* PCI-to-PCI Bridge 1.2, 3.2.5.8 to 3.2.5.10 */
#define REG_MEM       0x20
#define REG_PREF      0x24
#define REG_PREF_BASE 0x28
#define REG_PREF_LAST 0x2c
#define CLOSED        UINT32_C(0x0000fff0) /* base above limit */

bool pr_windows_writable(const struct pr_search *s)
{
	return !s->no_writes && pr_registers_writable(&s->topology->machine);
}

bool pr_closing_helps(const struct pr_search *s)
{
	return s->kernel->keeps_window_sizes && pr_windows_writable(s);
}

static bool is_open(const struct pr_bridge *b, unsigned int kind)
{
	return b->registers[kind - PR_WINDOW_IO].open == PR_YES;
}

/*
 * A port's driver stays until the port is removed, and reaches for the port's
 * own registers (MSI-X) when it goes.
 */
bool pr_serves_a_driver(const struct pr_function *bridge)
{
	for (const struct pr_function *f = bridge; f; f = pr_function_walk(f, bridge)) {
		if (f == bridge || !f->bridge || !f->facts->driver)
			continue;
		for (size_t i = 0; i < f->n_resources && f->resources[i].index < PR_ROM; i++)
			if (f->resources[i].state == PR_RES_ASSIGNED &&
				!pr_resource_is_io(&f->resources[i]))
				return true;
	}
	return false;
}

static void add(struct pr_closing *list, unsigned int *n, uint16_t offset, uint32_t value,
	const uint8_t held[64])
{
	const uint8_t *p = held + offset;
	uint32_t old = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

	if (old != value)
		list[(*n)++] = (struct pr_closing){ offset, value, old };
}

/*
 * The upper half of the limit goes first: between two writes too a window is a part of what it
 * was, or closed.
 */
unsigned int pr_closing_of(const struct pr_function *bridge, struct pr_closing ret[PR_CLOSING_MAX])
{
	const struct pr_bridge *b = bridge->bridge;
	uint8_t held[64];
	unsigned int n = 0;

	if (!b || bridge->removed || pr_serves_a_driver(bridge))
		return 0;
	pr_bridge_encode(b, held);
	if (is_open(b, PR_WINDOW_MEM))
		add(ret, &n, REG_MEM, CLOSED, held);
	if (is_open(b, PR_WINDOW_PREF)) {
		/* the low bits say how wide it is, and are read-only */
		uint32_t type =
			b->registers[PR_WINDOW_PREF - PR_WINDOW_IO].width == 64 ? 0x10001 : 0;

		add(ret, &n, REG_PREF_LAST, 0, held);
		add(ret, &n, REG_PREF, CLOSED | type, held);
		add(ret, &n, REG_PREF_BASE, 0, held);
	}
	return n;
}

unsigned int pr_count_closings(const struct pr_move *m)
{
	struct pr_closing writes[PR_CLOSING_MAX];
	unsigned int n = 0;

	for (size_t i = 0; m->closes && i < m->n_tops; i++)
		for (const struct pr_function *f = m->tops[i]; f;
			f = pr_function_walk(f, m->tops[i]))
			n += pr_closing_of(f, writes);
	return n;
}

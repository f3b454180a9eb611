/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slot registers: PCI Express Base 6.0, 7.5.3.9 to 7.5.3.11. */
#include "exec/guard.h"

#include <errno.h>

#define SLOT_CAP     0x14
#define SLOT_CONTROL 0x18
#define SLOT_STATUS  0x1a

#define HAS_POWER      0x0002u
#define HAS_INDICATOR  0x0010u
#define INDICATOR      0x0300u
#define INDICATOR_ON   0x0100u
#define INDICATOR_OFF  0x0300u
#define POWER_OFF      0x0400u
#define STATUS_LATCHED 0x011fu
#define STATUS_BUTTON  0x0001u
#define STATUS_PRESENT 0x0040u

#define TRIES_MAX 5u

bool pr_guard_init(const struct pr_function *port, struct pr_guarded *ret)
{
	const struct pr_pcie *pcie = &port->caps->pcie;

	if (!port->bridge || pcie->present != PR_YES || !pcie->slot_implemented)
		return false;
	*ret = (struct pr_guarded){
		.port = port->address, .secondary = port->bridge->secondary, .express = pcie->offset
	};
	return ret->secondary != 0;
}

int pr_guard_take(const struct pr_backend *b, const struct pr_guarded *g)
{
	return b->ops->hotplug ? b->ops->hotplug(b->instance, &g->port, false) : -EOPNOTSUPP;
}

int pr_guard_give(const struct pr_backend *b, const struct pr_guarded *g)
{
	return b->ops->hotplug ? b->ops->hotplug(b->instance, &g->port, true) : -EOPNOTSUPP;
}

/* ---- the slot ---- */

static int read_slot(
	const struct pr_backend *b, const struct pr_guarded *g, uint16_t offset, uint32_t *ret)
{
	return b->ops->read(b->instance, &g->port, (uint16_t)(g->express + offset), 2, ret);
}

static int write_slot(
	const struct pr_backend *b, const struct pr_guarded *g, uint16_t offset, uint32_t value)
{
	return b->ops->write(b->instance, &g->port, (uint16_t)(g->express + offset), 2, value);
}

/* Slot Control with power @on; 1: it was so already, or the slot has no such control. */
static int set_power(const struct pr_backend *b, const struct pr_guarded *g, bool on)
{
	uint32_t has, control, wanted;
	int r;

	r = read_slot(b, g, SLOT_CAP, &has);
	if (r == 0)
		r = read_slot(b, g, SLOT_CONTROL, &control);
	if (r < 0)
		return r;
	wanted = control;
	if (has & HAS_POWER)
		wanted = on ? wanted & ~POWER_OFF : wanted | POWER_OFF;
	if (has & HAS_INDICATOR)
		wanted = (wanted & ~INDICATOR) | (on ? INDICATOR_ON : INDICATOR_OFF);
	if (((wanted ^ control) & POWER_OFF) == 0)
		return 1;
	return write_slot(b, g, SLOT_CONTROL, wanted);
}

/* ---- the card ---- */

static struct pr_address function_of(const struct pr_guarded *g, uint8_t function)
{
	return (struct pr_address){
		.domain = g->port.domain, .bus = g->secondary, .function = function
	};
}

int pr_guard_knows(const struct pr_backend *b, const struct pr_guarded *g, uint8_t function)
{
	const struct pr_address a = function_of(g, function);
	uint32_t value;
	int r = b->ops->read(b->instance, &a, 0, 2, &value);

	return r == -ENODEV ? 0 : r < 0 ? r : 1;
}

static int take_out(const struct pr_backend *b, struct pr_guarded *g, bool present)
{
	int r;

	for (uint8_t n = 8; n-- > 0;) {
		const struct pr_address a = function_of(g, n);

		r = pr_guard_knows(b, g, n);
		if (r == 1)
			r = b->ops->remove(b->instance, &a);
		if (r < 0 && r != -ENODEV)
			return r;
	}
	r = set_power(b, g, false);
	g->off = present;
	return r < 0 ? r : PR_GUARD_WENT;
}

/* A card that nobody has given power gets some, and time until the next look. */
static int bring_in(const struct pr_backend *b, struct pr_guarded *g)
{
	int r;

	if (g->tries == TRIES_MAX)
		return PR_GUARD_QUIET;
	g->off = false;
	r = set_power(b, g, true);
	return r < 0 ? r : r == 1 ? PR_GUARD_WAITS : PR_GUARD_QUIET;
}

int pr_guard_look(const struct pr_backend *b, struct pr_guarded *g)
{
	uint32_t status;
	bool present, pressed;
	int r;

	r = read_slot(b, g, SLOT_STATUS, &status);
	if (r == 0 && (status & STATUS_LATCHED))
		r = write_slot(b, g, SLOT_STATUS, status & STATUS_LATCHED);
	if (r < 0)
		return r;
	present = status & STATUS_PRESENT;
	pressed = status & STATUS_BUTTON;
	r = pr_guard_knows(b, g, 0);
	if (r < 0)
		return r;
	if (r == 1 && (!present || pressed))
		return take_out(b, g, present);
	if (r == 1 || !present || pressed)
		g->tries = 0;
	if (!present)
		g->off = false;
	return r == 1 || !present || (g->off && !pressed) ? PR_GUARD_QUIET : bring_in(b, g);
}

int pr_guard_scan(const struct pr_backend *b, struct pr_guarded *g)
{
	int r = b->ops->rescan(b->instance, &g->port);

	if (r == 0)
		r = pr_guard_knows(b, g, 0);
	if (r < 0)
		return r;
	g->tries = r == 1 ? 0 : g->tries + 1;
	if (r == 1)
		return PR_GUARD_CAME;
	return g->tries == TRIES_MAX ? PR_GUARD_MUTE : PR_GUARD_QUIET;
}

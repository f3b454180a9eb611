/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Link registers: PCI Express Base 6.0, 7.5.3.7. */
#include "exec/swap.h"

#include <errno.h>

#include "base/clock.h"

#define LINK_CONTROL 0x10
#define LINK_DISABLE 0x0010u
/* Between two looks at the slot: a card that is configuring itself takes its time. */
#define LOOK_MS 500u

void pr_swap_note(
	struct pr_record *record, const struct pr_plan *plan, const struct pr_topology *now)
{
	const struct pr_function *card = NULL, *port;
	struct pr_swap *s = &record->swap;

	if (plan->replugs && plan->n_removed > 0)
		card = pr_topology_same(now, plan->removed[0]);
	port = card ? card->parent : NULL;
	if (!port || port->caps->pcie.present != PR_YES)
		return;
	s->linked = true;
	s->slotted = port->bridge->hotplug && pr_guard_init(port, &s->slot);
	s->slot.port = port->address;
	s->slot.secondary = port->bridge->secondary;
	s->slot.express = port->caps->pcie.offset;
}

int pr_swap_take(const struct pr_record *record, const struct pr_backend *b)
{
	int r = record->swap.slotted ? pr_guard_take(b, &record->swap.slot) : 0;

	return r == -EOPNOTSUPP || r == -ENODEV ? 0 : r;
}

/* 1: it was so already. */
static int set_link(const struct pr_swap *s, const struct pr_backend *b, bool on)
{
	uint16_t offset = (uint16_t)(s->slot.express + LINK_CONTROL);
	uint32_t value, wanted;
	int r;

	r = b->ops->read(b->instance, &s->slot.port, offset, 2, &value);
	if (r < 0)
		return r;
	wanted = on ? value & ~LINK_DISABLE : value | LINK_DISABLE;
	return wanted == value ? 1 : b->ops->write(b->instance, &s->slot.port, offset, 2, wanted);
}

/* A slot that was switched off meanwhile is switched on; all others only get the time. */
static void wait_for_card(const struct pr_swap *s, const struct pr_backend *b)
{
	const int64_t deadline = pr_now_ms() + b->settle_ms;
	struct pr_guarded slot = s->slot;
	int r;

	do {
		pr_pause_ms(LOOK_MS);
		r = s->slotted ? pr_guard_look(b, &slot) : PR_GUARD_WAITS;
	} while (r == PR_GUARD_QUIET && pr_now_ms() < deadline);
}

int pr_swap_change(const struct pr_record *record, const struct pr_backend *b,
	const struct pr_progress *progress, const struct pr_plan *plan)
{
	const struct pr_swap *s = &record->swap;
	bool off = progress->link_off && s->linked;
	int answer, r;

	r = off ? set_link(s, b, false) : 0;
	if (r < 0)
		return r;
	answer = progress->change(progress->userdata, plan);
	r = off ? set_link(s, b, true) : 0;
	if (r < 0)
		return r;
	wait_for_card(s, b);
	return answer;
}

int pr_swap_connect(const struct pr_record *record, const struct pr_backend *b)
{
	const struct pr_swap *s = &record->swap;
	int r;

	/* a card that the kernel knows was not away yet, or is back */
	if (!s->linked || pr_guard_knows(b, &s->slot, 0) == 1)
		return 0;
	r = set_link(s, b, true);
	if (r >= 0 && (r == 0 || s->slotted))
		wait_for_card(s, b);
	return r < 0 && r != -ENODEV ? r : 0;
}

int pr_swap_give(const struct pr_record *record, const struct pr_backend *b)
{
	const struct pr_swap *s = &record->swap;
	int r = s->slotted && !s->guarded ? pr_guard_give(b, &s->slot) : 0;

	return r == -EOPNOTSUPP || r == -ENODEV || r > 0 ? 0 : r;
}

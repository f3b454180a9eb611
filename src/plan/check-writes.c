/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of a plan that write windows, and those that give a BAR another size: what they take
 * from whom.  Bus numbers are check-buses.c's.
 */
#include <string.h>

#include "plan/check.h"
#include "plan/checking.h"

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* PCI-to-PCI Bridge 1.2, 3.2.5.6 to 3.2.5.9: the low bits of base and limit are read-only. */
static void put(uint8_t *header, const struct pr_step *s)
{
	uint32_t fixed = s->offset == 0x1c ? 0x0f0f : s->offset <= 0x24 ? 0x000f000f : 0;
	uint32_t value = (s->value & ~fixed) | (get_u32(header + s->offset) & fixed);

	for (unsigned int i = 0; i < s->width; i++)
		header[s->offset + i] = (uint8_t)(value >> (8 * i));
}

/* The header of @bridge when the first @n steps are done. */
static void header_after(
	const struct pr_checking *c, const struct pr_function *bridge, size_t n, uint8_t ret[64])
{
	pr_bridge_encode(bridge->bridge, ret);
	for (size_t i = 0; i < n; i++) {
		const struct pr_step *s = &c->plan->steps[i];

		if (s->kind == PR_STEP_WRITE && !pr_writes_numbers(s) &&
			pr_address_compare(&s->address, &bridge->address) == 0)
			put(ret, s);
	}
}

/* I/O, memory, prefetchable. */
static bool read_windows(const uint8_t raw[64], struct pr_window ret[3])
{
	const struct pr_config config = { .bytes = raw, .length = 64 };
	struct pr_bridge_header header;

	if (!pr_config_bridge(&config, &header))
		return false;
	ret[0] = header.io;
	ret[1] = header.mem;
	ret[2] = header.pref;
	return true;
}

/* No window passes on what it did not pass on before, unless that is nobody's and asked for. */
static bool opens_nothing(
	const struct pr_checking *c, const struct pr_function *bridge, const uint8_t raw[64])
{
	const struct pr_window *before = bridge->bridge->registers;
	struct pr_window after[3];

	if (!read_windows(raw, after))
		return false;
	for (size_t i = 0; i < 3; i++)
		if (after[i].open == PR_YES &&
			(before[i].open != PR_YES ||
				!pr_range_contains(&before[i].range, &after[i].range)) &&
			!pr_may_open(
				c->plan, bridge, PR_WINDOW_IO + (unsigned int)i, &after[i].range))
			return false;
	return true;
}

static bool in_lockdown(const struct pr_checking *c)
{
	const char *lockdown = c->plan->topology->machine.lockdown;

	return lockdown && strcmp(lockdown, "none") != 0;
}

/* A driver that still works with @f, and reaches it through the windows above. */
static bool is_reached(const struct pr_checking *c, const struct pr_function *f)
{
	if (f->removed || !f->facts->driver || *pr_checking_fate(c, f) != PR_CHECKED_STAYS)
		return false;
	for (size_t i = 0; f->bridge && i < f->n_resources; i++)
		if (f->resources[i].index < PR_ROM && f->resources[i].state == PR_RES_ASSIGNED)
			return true;
	return !f->bridge;
}

/* Written by steps, and then what the kernel believes: window @kind, of a bridge that stays. */
static bool agrees(const struct pr_checking *c, const struct pr_function *bridge, unsigned int kind)
{
	const struct pr_resource *table = pr_function_resource(bridge, kind);
	const struct pr_window *window;
	struct pr_window windows[3];
	uint8_t raw[64];

	if (!table || table->state != PR_RES_ASSIGNED || !pr_window_disagrees(bridge, kind))
		return false;
	header_after(c, bridge, c->plan->n_steps, raw);
	if (!read_windows(raw, windows))
		return false;
	window = &windows[kind - PR_WINDOW_IO];
	return window->open == PR_YES && pr_range_equal(&window->range, &table->range);
}

static unsigned int window_at(uint16_t offset)
{
	if (offset == 0x1c || offset == 0x30)
		return PR_WINDOW_IO;
	return offset == 0x20 ? PR_WINDOW_MEM : PR_WINDOW_PREF;
}

static int check_window_write(struct pr_checking *c, size_t i, const struct pr_function *bridge)
{
	const struct pr_step *step = &c->plan->steps[i];
	const bool io = step->offset == 0x30 || (step->offset == 0x1c && step->width == 2);
	const bool mem = step->offset >= 0x20 && step->offset <= 0x2c && step->offset % 4 == 0;
	uint8_t raw[64];
	uint32_t held;

	if (step->width != (step->offset == 0x1c ? 2 : 4) || (!io && !mem))
		return pr_checking_bad_step(c, i, "only windows are written");
	header_after(c, bridge, i, raw);
	held = get_u32(raw + step->offset) & (step->width == 2 ? 0xffff : UINT32_MAX);
	if (held != step->old)
		return pr_checking_bad_step(
			c, i, "the register does not hold what it would be set back to");
	if (agrees(c, bridge, window_at(step->offset)))
		return 0;
	header_after(c, bridge, i + 1, raw);
	if (!opens_nothing(c, bridge, raw))
		return pr_checking_bad_step(c, i,
			"windows are written only to close them, or to ask for room that is nobody's");
	return 0;
}

static void add_write(
	struct pr_checking *c, const struct pr_step *step, const struct pr_function *f)
{
	pr_checking_add(c, PR_ACTION_WRITE, f, f->root);
	c->actions[c->n_actions - 1].offset = step->offset;
	c->actions[c->n_actions - 1].width = step->width;
	c->actions[c->n_actions - 1].value = step->value;
}

int pr_check_size(struct pr_checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *f = pr_checking_function(c, step);
	enum pr_disruption d = f ? pr_function_disruption(f, c->policy, NULL) : 0;

	if (!f || *pr_checking_fate(c, f) >= PR_CHECKED_GONE)
		return pr_checking_bad_step(c, i, "no such function");
	if (d == PR_DISRUPTION_PINNED || d > c->policy->limit)
		return pr_checking_bad_step(c, i, "the policy does not allow it");
	if (step->kind == PR_STEP_WRITE) {
		add_write(c, step, f);
		return 0;
	}
	pr_checking_add(c, PR_ACTION_RESIZE, f, f->root);
	c->actions[c->n_actions - 1].index = step->index;
	c->actions[c->n_actions - 1].size = step->size;
	return 0;
}

int pr_check_write(struct pr_checking *c, size_t i)
{
	const struct pr_step *step = &c->plan->steps[i];
	const struct pr_function *bridge = pr_checking_function(c, step);
	int r;

	if (pr_writes_size(c->plan, step))
		return pr_check_size(c, i);

	if (!bridge || !bridge->bridge || *pr_checking_fate(c, bridge) >= PR_CHECKED_GONE)
		return pr_checking_bad_step(c, i, "no such bridge");
	if (in_lockdown(c))
		return pr_checking_bad_step(c, i, "no register can be written in lockdown");
	r = pr_writes_numbers(step) ? 0 : check_window_write(c, i, bridge);
	if (r != 0)
		return r;
	for (const struct pr_function *f = pr_function_walk(bridge, bridge); f;
		f = pr_function_walk(f, bridge))
		if (is_reached(c, f))
			return pr_checking_bad_function(
				c, f, "would lose its window with its driver bound");

	add_write(c, step, bridge);
	return 0;
}

/*
 * Nobody but the rescan that finds the bridge again opens a window that was closed; what is opened
 * is as large as was asked for.
 */
static bool is_settled(const struct pr_checking *c, const struct pr_function *bridge,
	const uint8_t raw[64], unsigned int kind)
{
	struct pr_window windows[3];
	const struct pr_window *w = &windows[kind - PR_WINDOW_IO];

	return read_windows(raw, windows) &&
	       (w->open != PR_YES || pr_is_asked_for(c->plan, bridge, kind, &w->range));
}

int pr_check_written(struct pr_checking *c)
{
	for (size_t i = 0; i < c->plan->n_steps; i++) {
		const struct pr_step *step = &c->plan->steps[i];
		const struct pr_function *bridge;
		uint8_t raw[64];

		if (step->kind != PR_STEP_WRITE || pr_writes_numbers(step) ||
			pr_writes_size(c->plan, step))
			continue;
		bridge = pr_checking_function(c, step);
		if (*pr_checking_fate(c, bridge) < PR_CHECKED_GONE &&
			agrees(c, bridge, window_at(step->offset)))
			continue;
		if (*pr_checking_fate(c, bridge) < PR_CHECKED_GONE)
			return pr_checking_bad_step(c, i, "the bridge is not removed afterwards");
		header_after(c, bridge, c->plan->n_steps, raw);
		if (!is_settled(c, bridge, raw, window_at(step->offset)))
			return pr_checking_bad_step(c, i,
				"the window does not get closed, or as large as was asked for");
	}
	return 0;
}

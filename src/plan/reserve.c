/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room to spare behind a port.  The size that a window's register holds is the
 * least that the window gets when its bridge is found again, of memory up to
 * 6.12 and of I/O on every x86 kernel (M9, KERNEL 1.6; pbus_size_mem() and
 * calculate_iosize(), drivers/pci/setup-bus.c): so a larger one is written
 * before the port is removed.  Where it lies does not outlive that, but must
 * hurt nobody meanwhile: it is in an aperture where nothing else is.
 */
#include "plan/search.h"

#include <errno.h>

/* PCI-to-PCI Bridge 1.2, 3.2.5.6 to 3.2.5.11 */
#define REG_IO        0x1c /* two bytes; what is behind them is not written */
#define REG_IO_UPPER  0x30
#define REG_MEM       0x20
#define REG_PREF      0x24
#define REG_PREF_BASE 0x28
#define REG_PREF_LAST 0x2c
#define CLOSED        UINT32_C(0x0000fff0) /* base above limit */
#define IO_CLOSED     UINT32_C(0x00f0)

static uint64_t size_of(const struct pr_search *s, const struct pr_reserve *r)
{
	return s->roomy ? r->size + pr_reserve_block(r) - pr_window_unit(r->window) : r->size;
}

static const struct pr_window *register_of(const struct pr_function *bridge, unsigned int window)
{
	return &bridge->bridge->registers[window - PR_WINDOW_IO];
}

static size_t note_bus(const struct pr_root *root, bool io, struct pr_range *taken)
{
	size_t n = 0;

	pr_for_each_child (f, root->first_child)
		for (size_t i = 0; i < f->n_resources; i++)
			if (f->resources[i].state == PR_RES_ASSIGNED &&
				pr_resource_is_io(&f->resources[i]) == io)
				taken[n++] = f->resources[i].range;
	return n;
}

static size_t count_bus(const struct pr_root *root)
{
	size_t n = 0;

	pr_for_each_child (f, root->first_child)
		n += f->n_resources;
	return n;
}

/* Apertures of a host bridge that a window may lie in, and what nobody names there. */
struct ground {
	const struct pr_range *apertures, *busy;
	size_t n, n_busy;
};

static struct ground ground_of(const struct pr_root_facts *f, bool io)
{
	return io ? (struct ground){ f->io, f->busy_io, f->n_io, f->n_busy_io }
		  : (struct ground){ f->mem, f->busy_mem, f->n_mem, f->n_busy_mem };
}

/* Addresses that the registers of the window can hold. */
static struct pr_range reach_of(const struct pr_function *bridge, unsigned int window)
{
	const uint64_t last = window == PR_WINDOW_MEM                    ? UINT32_MAX
			      : register_of(bridge, window)->width == 64 ? UINT64_MAX
			      : register_of(bridge, window)->width == 16 ? UINT16_MAX
									 : UINT32_MAX;

	return (struct pr_range){ .last = last };
}

static bool find_hole(const struct ground *g, const struct pr_range *taken, size_t n,
	const struct pr_range *reach, uint64_t size, uint64_t unit, struct pr_range *ret)
{
	struct pr_range room;
	uint64_t base;

	for (size_t i = 0; i < g->n; i++)
		if (pr_range_intersect(&room, &g->apertures[i], reach) &&
			pr_range_fit(&room, taken, n, size, unit, &base))
			return pr_range_make(ret, base, size);
	return false;
}

/* Each reserve of @root has a place of its own: the one before it is taken.  1: there is none. */
static int find_place(
	const struct pr_search *s, const struct pr_root *root, size_t nth, struct pr_range *ret)
{
	const bool io = s->reserves[nth].window == PR_WINDOW_IO;
	const struct ground ground = ground_of(&root->facts, io);
	size_t max = count_bus(root) + ground.n_busy + s->n_reserves, n;
	struct pr_range *taken = pr_new_array(s->arena, max, struct pr_range), place;

	if (!taken)
		return -ENOMEM;
	n = note_bus(root, io, taken);
	for (size_t i = 0; i < ground.n_busy; i++)
		taken[n++] = ground.busy[i];
	for (size_t i = 0; i <= nth; i++) {
		const struct pr_reserve *r = &s->reserves[i];
		const struct pr_function *f = pr_topology_find(s->topology, &r->bridge);
		const struct pr_range reach = reach_of(f, r->window);

		if (f->root != root || (r->window == PR_WINDOW_IO) != io)
			continue;
		n = pr_ranges_merge(taken, n);
		if (!find_hole(&ground, taken, n, &reach, size_of(s, r), pr_window_unit(r->window),
			    &place))
			return 1;
		taken[n++] = place;
	}
	*ret = place;
	return 0;
}

/* ---- writes ---- */

static uint32_t held(const uint8_t header[64], uint16_t offset)
{
	const uint8_t *p = header + offset;

	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void add(
	struct pr_closing *list, unsigned int *n, uint16_t offset, uint32_t value, uint32_t old)
{
	list[(*n)++] = (struct pr_closing){ offset, value, old };
}

/* Base and limit as the lower registers hold them. */
static uint32_t encode(const struct pr_range *r)
{
	return ((uint32_t)r->first >> 16 & 0xfff0) | ((uint32_t)r->last & 0xfff00000);
}

/* Closed while the halves do not belong together. */
static unsigned int write_pref(const struct pr_window *w, const uint8_t header[64],
	const struct pr_range *to, struct pr_closing *ret)
{
	uint32_t type = w->width == 64 ? 0x00010001 : 0;
	unsigned int n = 0;

	if (w->width == 64) {
		add(ret, &n, REG_PREF_LAST, 0, held(header, REG_PREF_LAST));
		add(ret, &n, REG_PREF, CLOSED | type, held(header, REG_PREF));
		add(ret, &n, REG_PREF_BASE, (uint32_t)(to->first >> 32),
			held(header, REG_PREF_BASE));
		add(ret, &n, REG_PREF_LAST, (uint32_t)(to->last >> 32), 0);
		add(ret, &n, REG_PREF, encode(to) | type, CLOSED | type);
	} else {
		add(ret, &n, REG_PREF, encode(to), held(header, REG_PREF));
	}
	return n;
}

/* Closed while the halves do not belong together. */
static unsigned int write_io(const struct pr_window *w, const uint8_t header[64],
	const struct pr_range *to, struct pr_closing *ret)
{
	const uint32_t lower = ((uint32_t)to->first >> 8 & 0xf0) | ((uint32_t)to->last & 0xf000);
	const uint32_t upper = (uint32_t)to->first >> 16 | ((uint32_t)to->last & 0xffff0000);
	const uint32_t type = w->width == 32 ? 0x0101 : 0;
	uint32_t old = held(header, REG_IO) & 0xffff;
	unsigned int n = 0;

	if (w->width == 32 && upper != held(header, REG_IO_UPPER)) {
		add(ret, &n, REG_IO, IO_CLOSED | type, old);
		add(ret, &n, REG_IO_UPPER, upper, held(header, REG_IO_UPPER));
		old = IO_CLOSED | type;
	}
	add(ret, &n, REG_IO, lower | type, old);
	return n;
}

static bool is_kept(const struct pr_search *s, unsigned int window)
{
	return window == PR_WINDOW_IO ? s->kernel->reads_windows : s->kernel->keeps_window_sizes;
}

static bool is_possible(
	const struct pr_search *s, const struct pr_function *f, const struct pr_reserve *r)
{
	return is_kept(s, r->window) && pr_windows_writable(s) && pr_reserve_missing(r, f) &&
	       !pr_serves_a_driver(f) && register_of(f, r->window)->implemented == PR_YES;
}

static unsigned int write_window(const struct pr_function *bridge, unsigned int window,
	const uint8_t header[64], const struct pr_range *to, struct pr_closing *ret)
{
	const struct pr_window *w = register_of(bridge, window);
	unsigned int n = 0;

	if (window == PR_WINDOW_IO)
		return write_io(w, header, to, ret);
	if (window == PR_WINDOW_PREF)
		return write_pref(w, header, to, ret);
	add(ret, &n, REG_MEM, encode(to), held(header, REG_MEM));
	return n;
}

int pr_reserve_writes(const struct pr_search *s, const struct pr_function *bridge,
	struct pr_closing ret[PR_RESERVE_WRITES_MAX], unsigned int *ret_n)
{
	uint8_t header[64];
	struct pr_range to;
	unsigned int n = 0;
	int r = 0;

	for (size_t i = 0; i < s->n_reserves && r == 0; i++) {
		const struct pr_reserve *want = &s->reserves[i];

		if (pr_address_compare(&want->bridge, &bridge->address) != 0 ||
			!is_possible(s, bridge, want))
			continue;
		r = find_place(s, bridge->root, i, &to);
		if (r != 0)
			break;
		pr_bridge_encode(bridge->bridge, header);
		n += write_window(bridge, want->window, header, &to, ret + n);
	}
	*ret_n = n;
	return r < 0 ? r : 0;
}

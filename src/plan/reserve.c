/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room to spare behind a port.  Up to 6.12 the size that a memory window
 * register holds is the least that the window gets when its bridge is found
 * again (M9; pbus_size_mem(), drivers/pci/setup-bus.c): so a larger one is
 * written before the port is removed.  Where it lies does not outlive that,
 * but must hurt nobody meanwhile: it is in an aperture where nothing else is.
 */
#include "plan/search.h"

#include <errno.h>

#define MIB UINT64_C(0x100000) /* PCI-to-PCI Bridge 1.2, 3.2.5.8: windows come in this */

/* PCI-to-PCI Bridge 1.2, 3.2.5.8 to 3.2.5.10 */
#define REG_MEM       0x20
#define REG_PREF      0x24
#define REG_PREF_BASE 0x28
#define REG_PREF_LAST 0x2c
#define CLOSED        UINT32_C(0x0000fff0) /* base above limit */

static uint64_t size_of(const struct pr_search *s, const struct pr_reserve *r)
{
	uint64_t block = pr_reserve_block(r);

	return s->roomy && block > MIB ? r->size + block - MIB : r->size;
}

static const struct pr_window *register_of(const struct pr_function *bridge, unsigned int window)
{
	return &bridge->bridge->registers[window - PR_WINDOW_IO];
}

static size_t note_bus(const struct pr_root *root, struct pr_range *taken)
{
	size_t n = 0;

	pr_for_each_child (f, root->first_child)
		for (size_t i = 0; i < f->n_resources; i++)
			if (f->resources[i].state == PR_RES_ASSIGNED &&
				!pr_resource_is_io(&f->resources[i]))
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

static bool find_hole(const struct pr_root *root, const struct pr_range *taken, size_t n, bool low,
	uint64_t size, struct pr_range *ret)
{
	const struct pr_range limit = { .last = low ? UINT32_MAX : UINT64_MAX };
	struct pr_range room;
	uint64_t base;

	for (size_t i = 0; i < root->facts.n_mem; i++)
		if (pr_range_intersect(&room, &root->facts.mem[i], &limit) &&
			pr_range_fit(&room, taken, n, size, MIB, &base))
			return pr_range_make(ret, base, size);
	return false;
}

/* Each reserve of @root has a place of its own: the one before it is taken.  1: there is none. */
static int find_place(
	const struct pr_search *s, const struct pr_root *root, size_t nth, struct pr_range *ret)
{
	const struct pr_root_facts *facts = &root->facts;
	size_t max = count_bus(root) + facts->n_busy_mem + s->n_reserves, n;
	struct pr_range *taken = pr_new_array(s->arena, max, struct pr_range), place;

	if (!taken)
		return -ENOMEM;
	n = note_bus(root, taken);
	for (size_t i = 0; i < facts->n_busy_mem; i++)
		taken[n++] = facts->busy_mem[i];
	for (size_t i = 0; i <= nth; i++) {
		const struct pr_reserve *r = &s->reserves[i];
		const struct pr_function *f = pr_topology_find(s->topology, &r->bridge);
		bool low = r->window == PR_WINDOW_MEM || register_of(f, r->window)->width != 64;

		if (f->root != root)
			continue;
		n = pr_ranges_merge(taken, n);
		if (!find_hole(root, taken, n, low, size_of(s, r), &place))
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

static bool is_possible(
	const struct pr_search *s, const struct pr_function *f, const struct pr_reserve *r)
{
	return pr_closing_helps(s) && pr_reserve_missing(r, f) && !pr_serves_a_driver(f) &&
	       register_of(f, r->window)->implemented == PR_YES;
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
		if (want->window == PR_WINDOW_MEM)
			add(ret, &n, REG_MEM, encode(&to), held(header, REG_MEM));
		else
			n += write_pref(register_of(bridge, PR_WINDOW_PREF), header, &to, ret + n);
	}
	*ret_n = n;
	return r < 0 ? r : 0;
}

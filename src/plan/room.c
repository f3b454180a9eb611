/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Necessary conditions on one bus that stays: without volume enough for each
 * power of two, no order of placing things helps (KERNEL 6.2, 6.5).  Spares
 * simulations, and says why not.  Never says that something works.
 *
 * The windows of the bridge above keep their addresses (nothing at run time
 * enlarges them: KERNEL 1.1), and so does what stays on the bus.  A resource
 * of size s aligned to a covers s / 2^k whole slots of 2^k bytes for each
 * 2^k <= a, and these must be free.  What is removed must have again what it
 * had, and those slots lay side by side in its old place: removing more never
 * makes the condition false.
 */
#include "plan/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N_ORDERS 48
#define IO_UNIT  12 /* PCI-to-PCI Bridge 1.2, 3.2.5.6 */
#define MEM_UNIT 20 /* the same, 3.2.5.8 */

/* Each resource belongs to all classes that it must satisfy (KERNEL 1.6). */
enum class {
	ANY_IO = 0,
	ANY_MEMORY,
	LOW_MEMORY,       /* below 4 GiB: all but 64-bit prefetchable */
	NOT_PREFETCHABLE, /* never in a prefetchable window */
	N_CLASSES
};

/* Bytes in whole slots of 1 << k, by k. */
struct volume {
	uint64_t bytes[N_ORDERS];
};
struct owned {
	struct pr_range range;
	size_t unit; /* n_units: nobody's, always there */
};
struct need {
	struct volume held, missing, own; /* own: what the tops themselves lack */
};

struct pr_room {
	size_t n_units;
	bool open[N_CLASSES]; /* there may be more room than is known */
	struct pr_range *rooms[N_CLASSES];
	size_t n_rooms[N_CLASSES];
	struct owned *taken[2]; /* I/O, memory; sorted */
	size_t n_taken[2];
	struct need *needs[N_CLASSES]; /* by unit */
};

/* ---- volumes ---- */

static unsigned int order_of(uint64_t align)
{
	unsigned int k = 0;

	while (k + 1 < N_ORDERS && align >> (k + 1) != 0)
		k++;
	return k;
}

static void add_resource(struct volume *v, uint64_t size, uint64_t align)
{
	unsigned int last = order_of(align);

	for (unsigned int k = 0; k <= last; k++)
		v->bytes[k] += size >> k << k;
}

static void add_volume(struct volume *v, const struct volume *more)
{
	for (unsigned int k = 0; k < N_ORDERS; k++)
		v->bytes[k] += more->bytes[k];
}

/* What a bridge passes on lies in a window of whole units. */
static void round_window(struct volume *v, unsigned int unit)
{
	uint64_t whole = ((v->bytes[0] + (UINT64_C(1) << unit) - 1) >> unit) << unit;

	for (unsigned int k = 0; k <= unit; k++)
		v->bytes[k] = whole;
}

/* ---- what is asked for ---- */

/* On the root bus only the aperture limits a function itself. */
static bool in_class(enum class c, const struct pr_function *f, const struct pr_resource *r)
{
	bool prefetchable = r->flags & PR_IORES_PREFETCH, wide = r->flags & PR_IORES_MEM_64;

	if (!f->parent && c > ANY_MEMORY)
		return false;
	switch (c) {
	case ANY_IO:
		return pr_resource_is_io(r);
	case ANY_MEMORY:
		return !pr_resource_is_io(r);
	case LOW_MEMORY:
		return !pr_resource_is_io(r) && !(prefetchable && wide);
	case NOT_PREFETCHABLE:
		return !pr_resource_is_io(r) && !prefetchable;
	case N_CLASSES:
		break;
	}
	return false;
}

static bool is_target(const struct pr_targets *targets, const struct pr_function *f)
{
	for (size_t i = 0; i < targets->n; i++)
		if (targets->functions[i] == f)
			return true;
	return false;
}

static bool sized(const struct pr_resource *r)
{
	return r->size != PR_SIZE_UNKNOWN && r->align != PR_SIZE_UNKNOWN && r->align != 0;
}

/* Where it is now is part of the room: then its slots come free when it goes. */
static bool lies_in(const struct pr_room *room, enum class c, const struct pr_resource *r)
{
	for (size_t i = 0; i < room->n_rooms[c]; i++)
		if (pr_range_contains(&room->rooms[c][i], &r->range))
			return true;
	return false;
}

/* Who asks, and for what. */
struct asking {
	const struct pr_room *room;
	const struct pr_targets *targets;
	enum pr_tier tier;
	enum class class;
};

static void add_function(
	const struct asking *a, struct need *n, const struct pr_function *f, bool top)
{
	bool target = is_target(a->targets, f);
	enum class c = a->class;

	/* virtual functions live in their physical one's BARs */
	for (size_t i = 0; i < f->n_resources && !f->facts->is_vf; i++) {
		const struct pr_resource *r = &f->resources[i];

		if (pr_resource_is_window(r) || !in_class(c, f, r) || !sized(r))
			continue;
		if (pr_resource_held(f, r)) {
			if (lies_in(a->room, c, r))
				add_resource(&n->held, r->size, r->align);
		} else if (target && pr_resource_needed(r, a->tier)) {
			add_resource(&n->missing, r->size, r->align);
			if (top)
				add_resource(&n->own, r->size, r->align);
		}
	}
}

/* Missing comes to held, so that the rounding is right for both. */
static void add_top(const struct asking *a, struct need *n, const struct pr_function *top)
{
	unsigned int unit = a->class == ANY_IO ? IO_UNIT : MEM_UNIT;
	struct need below = { 0 };

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		add_function(a, &below, f, f == top);
	add_volume(&below.missing, &below.held);
	if (top->bridge) {
		round_window(&below.held, unit);
		round_window(&below.missing, unit);
	}
	add_volume(&n->held, &below.held);
	add_volume(&n->missing, &below.missing);
	add_volume(&n->own, &below.own);
}

/* ---- what there is ---- */

static int compare_owned(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;

	return x->range.first < y->range.first ? -1 : x->range.first > y->range.first;
}

static int find_taken(struct pr_room *room, struct pr_arena *arena, const struct pr_function *first,
	const struct pr_unit *units, bool io, const struct pr_range *busy, size_t n_busy)
{
	size_t n = n_busy;
	struct owned *taken;

	for (const struct pr_function *f = first; f; f = f->next)
		n += f->n_resources;
	taken = pr_new_array(arena, n, struct owned);
	if (!taken)
		return -ENOMEM;

	n = 0;
	for (size_t i = 0; i < n_busy; i++)
		taken[n++] = (struct owned){ busy[i], room->n_units };
	for (const struct pr_function *f = first; f; f = f->next) {
		size_t unit = pr_unit_of(units, room->n_units, f);

		for (size_t i = 0; i < f->n_resources && !f->removed && !f->facts->is_vf; i++)
			if (f->resources[i].state == PR_RES_ASSIGNED &&
				pr_resource_is_io(&f->resources[i]) == io)
				taken[n++] = (struct owned){ f->resources[i].range, unit };
	}
	qsort(taken, n, sizeof(*taken), compare_owned);
	room->taken[io ? 0 : 1] = taken;
	room->n_taken[io ? 0 : 1] = n;
	return 0;
}

static void add_room(struct pr_room *room, enum class c, const struct pr_range *range)
{
	room->rooms[c][room->n_rooms[c]++] = *range;
}

static void find_apertures(struct pr_room *room, const struct pr_root_facts *facts)
{
	const struct pr_range limit = { .last = UINT32_MAX };
	struct pr_range low;

	for (unsigned int c = 0; c < N_CLASSES; c++)
		room->open[c] = !(c == ANY_IO ? facts->io_known : facts->mem_known);
	for (size_t i = 0; i < facts->n_io; i++)
		add_room(room, ANY_IO, &facts->io[i]);
	for (size_t i = 0; i < facts->n_mem; i++) {
		add_room(room, ANY_MEMORY, &facts->mem[i]);
		if (!pr_range_intersect(&low, &facts->mem[i], &limit))
			continue;
		add_room(room, LOW_MEMORY, &low);
		add_room(room, NOT_PREFETCHABLE, &low);
	}
}

/* The kernel programs a window that it opens only on a bridge not yet enabled (KERNEL 1.10). */
static bool is_enabled(const struct pr_function *bridge)
{
	const struct pr_facts *facts = bridge->facts;

	if (facts->enabled > 0 || (facts->driver && *facts->driver))
		return true;
	return facts->enabled < 0 && (bridge->header.command & 7);
}

bool pr_window_may_open(const struct pr_function *bridge, const struct pr_resource *window)
{
	/* a subtractive bridge passes on what its parent does */
	if (bridge->bridge->subtractive || (window && window->state == PR_RES_UNKNOWN))
		return true;
	return !is_enabled(bridge) && !(window && window->state == PR_RES_ASSIGNED);
}

static void find_window(struct pr_room *room, const struct pr_function *bridge, unsigned int kind)
{
	const struct pr_resource *w = pr_function_resource(bridge, kind);
	bool io = kind == PR_WINDOW_IO, pref = kind == PR_WINDOW_PREF;

	for (unsigned int c = 0; c < N_CLASSES; c++) {
		if (io != (c == ANY_IO) || (pref && c == NOT_PREFETCHABLE))
			continue;
		room->open[c] |= pr_window_may_open(bridge, w);
		if (w && w->state == PR_RES_ASSIGNED &&
			(c != LOW_MEMORY || w->range.last <= UINT32_MAX))
			add_room(room, (enum class)c, &w->range);
	}
}

static int find_rooms(struct pr_room *room, struct pr_arena *arena, const struct pr_root *root,
	const struct pr_function *parent)
{
	size_t n = 3 + root->facts.n_io + root->facts.n_mem;

	for (unsigned int c = 0; c < N_CLASSES; c++) {
		room->rooms[c] = pr_new_array(arena, n, struct pr_range);
		if (!room->rooms[c])
			return -ENOMEM;
	}
	if (parent)
		for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++)
			find_window(room, parent, kind);
	else
		find_apertures(room, &root->facts);
	return 0;
}

int pr_room_new(struct pr_arena *arena, const struct pr_root *root,
	const struct pr_function *parent, const struct pr_unit *units, size_t n_units,
	const struct pr_targets *targets, enum pr_tier tier, struct pr_room **ret)
{
	const struct pr_root_facts *facts = &root->facts;
	const struct pr_function *first = pr_bus_first(root, parent);
	struct pr_room *room = pr_new(arena, struct pr_room);
	int r;

	if (!room)
		return -ENOMEM;
	room->n_units = n_units;
	r = find_rooms(room, arena, root, parent);
	if (r == 0)
		r = find_taken(room, arena, first, units, true, parent ? NULL : facts->busy_io,
			parent ? 0 : facts->n_busy_io);
	if (r == 0)
		r = find_taken(room, arena, first, units, false, parent ? NULL : facts->busy_mem,
			parent ? 0 : facts->n_busy_mem);
	if (r < 0)
		return r;

	for (unsigned int c = 0; c < N_CLASSES; c++) {
		const struct asking a = { room, targets, tier, (enum class)c };

		room->needs[c] = pr_new_array(arena, n_units, struct need);
		if (!room->needs[c])
			return -ENOMEM;
		for (size_t i = 0; i < n_units; i++)
			for (size_t j = 0; j < units[i].n_tops; j++)
				add_top(&a, &room->needs[c][i], units[i].tops[j]);
	}
	*ret = room;
	return 0;
}

/* ---- the condition ---- */

static uint64_t slots_between(uint64_t first, uint64_t last, unsigned int k)
{
	uint64_t base, size = UINT64_C(1) << k;

	if (!pr_align_up(first, size, &base) || base > last || last - base < size - 1)
		return 0;
	return ((last - base - (size - 1)) >> k) + 1;
}

/* Whole free slots of 1 << @k in @win. */
static uint64_t free_slots(const struct pr_room *room, const struct pr_range *win, bool io,
	const enum pr_fate *fates, unsigned int k)
{
	const struct owned *taken = room->taken[io ? 0 : 1];
	uint64_t at = win->first, n = 0;

	for (size_t i = 0; i < room->n_taken[io ? 0 : 1]; i++) {
		const struct owned *t = &taken[i];

		if (t->unit < room->n_units &&
			(fates[t->unit] == PR_FATE_GOES || fates[t->unit] == PR_FATE_MAY_GO))
			continue;
		if (t->range.last < at)
			continue;
		if (t->range.first > win->last)
			break;
		if (t->range.first > at)
			n += slots_between(at, t->range.first - 1, k);
		if (t->range.last >= win->last)
			return n;
		at = t->range.last + 1;
	}
	return n + slots_between(at, win->last, k);
}

static void sum_needs(
	const struct pr_room *room, enum class c, const enum pr_fate *fates, struct volume *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < room->n_units; i++) {
		const struct need *n = &room->needs[c][i];

		if (fates[i] == PR_FATE_GOES)
			add_volume(ret, &n->missing);
		else if (fates[i] == PR_FATE_MAY_GO)
			add_volume(ret, &n->held);
		else if (fates[i] == PR_FATE_WAITS)
			add_volume(ret, &n->own);
	}
}

/* What is missing in one class. */
struct lack {
	uint64_t wanted, free;
	unsigned int order;
};

static bool class_suffices(
	const struct pr_room *room, enum class c, const enum pr_fate *fates, struct lack *ret)
{
	struct volume wanted;

	if (room->open[c])
		return true;
	sum_needs(room, c, fates, &wanted);
	for (unsigned int k = N_ORDERS; k-- > 0;) {
		uint64_t slots = 0, more = k + 1 < N_ORDERS ? wanted.bytes[k + 1] : 0;

		/* nothing of this very order: decided by the one above */
		if (wanted.bytes[k] == more)
			continue;
		for (size_t i = 0; i < room->n_rooms[c]; i++)
			slots += free_slots(room, &room->rooms[c][i], c == ANY_IO, fates, k);
		if (slots < wanted.bytes[k] >> k) {
			*ret = (struct lack){ wanted.bytes[k], slots << k, k };
			return false;
		}
	}
	return true;
}

bool pr_room_suffices(const struct pr_room *room, const enum pr_fate *fates)
{
	struct lack lack;

	for (unsigned int c = 0; c < N_CLASSES; c++)
		if (!class_suffices(room, (enum class)c, fates, &lack))
			return false;
	return true;
}

const char *pr_room_lack(
	const struct pr_room *room, const enum pr_fate *fates, struct pr_arena *arena)
{
	static const char *const names[N_CLASSES] = {
		[ANY_IO] = "I/O ports",
		[ANY_MEMORY] = "memory",
		[LOW_MEMORY] = "memory below 4 GiB",
		[NOT_PREFETCHABLE] = "memory that is not prefetchable",
	};
	char wanted[PR_BYTES_MAX], free[PR_BYTES_MAX], piece[PR_BYTES_MAX];
	struct lack lack;

	for (unsigned int c = 0; c < N_CLASSES; c++) {
		if (class_suffices(room, (enum class)c, fates, &lack))
			continue;
		return pr_arena_printf(arena,
			"its bus would need %s of %s in aligned pieces of %s or more, and has %s",
			pr_bytes_text(lack.wanted, wanted), names[c],
			pr_bytes_text(UINT64_C(1) << lack.order, piece),
			lack.free == 0 ? "none" : pr_bytes_text(lack.free, free));
	}
	return NULL;
}

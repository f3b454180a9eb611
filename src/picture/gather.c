/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a host bridge to boxes, each by itself: what it was given, what its
 * bridges and functions have of it, what others have.  Knows nothing of how
 * they lie in each other.
 */
#include "picture/scene.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Who is inside of whom where ranges are equal; a window's rank is its depth on the way down. */
enum {
	RANK_APERTURE = 0,
	RANK_WINDOW = 1,
	RANK_CLAIM = 0x10000,
	RANK_VIRTUAL, /* of a virtual function: in the BARs that the physical one has for them */
	RANK_BUSY,
};

/* Grows by doubling; what is in it has no pointers to others yet. */
struct list {
	struct pr_box *boxes;
	size_t n, capacity;
	struct pr_range bounds; /* of the area */
	bool failed;
};

static struct pr_box *list_add(struct list *l)
{
	size_t capacity = l->capacity ? 2 * l->capacity : 64;
	struct pr_box *boxes = l->boxes;

	if (l->n == l->capacity) {
		boxes = realloc(l->boxes, capacity * sizeof(*boxes));
		if (!boxes) {
			l->failed = true;
			return NULL;
		}
		l->boxes = boxes;
		l->capacity = capacity;
	}
	return &l->boxes[l->n++];
}

/* The part of @range that is in the area. */
static void add(struct list *l, const struct pr_box *what, const struct pr_range *range)
{
	struct pr_range part;
	struct pr_box *box;

	if (!pr_range_intersect(&part, range, &l->bounds))
		return;
	box = list_add(l);
	if (!box)
		return;
	*box = *what;
	box->range = part;
}

static void add_ranges(struct list *l, enum pr_box_kind kind, unsigned int rank,
	const struct pr_range *ranges, size_t n)
{
	const struct pr_box what = { .kind = kind, .rank = rank };

	for (size_t i = 0; i < n; i++)
		add(l, &what, &ranges[i]);
}

static unsigned int depth(const struct pr_function *f)
{
	unsigned int n = 0;

	for (const struct pr_function *b = f->parent; b; b = b->parent)
		n++;
	return n;
}

/* Room that only a card can use that is not there yet. */
static bool is_empty_slot(const struct pr_function *f)
{
	return f->bridge && f->bridge->hotplug && !f->first_child;
}

static void add_resource(struct list *l, const struct pr_function *f, const struct pr_resource *r)
{
	bool window = pr_resource_is_window(r);
	const struct pr_box what = {
		.kind = !window            ? PR_BOX_CLAIM
			: is_empty_slot(f) ? PR_BOX_RESERVE
					   : PR_BOX_WINDOW,
		.rank = window            ? RANK_WINDOW + depth(f)
			: f->facts->is_vf ? RANK_VIRTUAL
					  : RANK_CLAIM,
		.function = f,
		.resource = r,
		.astray = !pr_resource_forwarded(f, r),
	};

	if (r->state == PR_RES_ASSIGNED)
		add(l, &what, &r->range);
}

static void gather_addresses(struct list *l, const struct pr_root *root, bool io)
{
	const struct pr_root_facts *facts = &root->facts;

	add_ranges(l, PR_BOX_APERTURE, RANK_APERTURE, io ? facts->io : facts->mem,
		io ? facts->n_io : facts->n_mem);
	add_ranges(l, PR_BOX_BUSY, RANK_BUSY, io ? facts->busy_io : facts->busy_mem,
		io ? facts->n_busy_io : facts->n_busy_mem);
	for (size_t i = 0; i < root->n_functions; i++) {
		const struct pr_function *f = &root->functions[i];

		for (size_t j = 0; j < f->n_resources && !f->removed; j++)
			if (pr_resource_is_io(&f->resources[j]) == io)
				add_resource(l, f, &f->resources[j]);
	}
}

/* Where apertures are not recorded: one around all that is in use. */
static void surround(struct list *l)
{
	struct pr_box *box;
	struct pr_range hull;

	if (l->n == 0)
		return;
	hull = l->boxes[0].range;
	for (size_t i = 1; i < l->n; i++) {
		const struct pr_range *r = &l->boxes[i].range;

		hull.first = r->first < hull.first ? r->first : hull.first;
		hull.last = r->last > hull.last ? r->last : hull.last;
	}
	box = list_add(l);
	if (box)
		*box = (struct pr_box){ .kind = PR_BOX_APERTURE, .range = hull, .unknown = true };
}

/* ---- bus numbers ---- */

struct buses {
	size_t functions[256];
	bool used[256];  /* somebody's, functions or not */
	bool drawn[256]; /* by the window of a bridge: it has no other, or is empty */
};

static void add_bridge_buses(struct list *l, const struct pr_function *f, struct buses *buses)
{
	const struct pr_range range = { f->bridge->secondary, f->bridge->subordinate };
	const bool slot = is_empty_slot(f);
	struct pr_box what = { .kind = slot ? PR_BOX_RESERVE : PR_BOX_WINDOW,
		.rank = RANK_WINDOW + depth(f),
		.function = f };

	if (range.first > range.last)
		return;
	buses->used[range.first] = true;
	if (range.first == range.last || slot) {
		buses->drawn[range.first] = true;
		what.n_functions = buses->functions[range.first];
	}
	add(l, &what, &range);
}

static void gather_buses(struct list *l, const struct pr_root *root)
{
	const struct pr_range range = { root->facts.bus, root->last_bus };
	struct pr_box what = {
		.kind = PR_BOX_APERTURE, .rank = RANK_APERTURE, .unknown = root->facts.last_bus < 0
	};
	struct buses buses = { 0 };

	buses.used[root->facts.bus] = true;
	add(l, &what, &range);
	for (size_t i = 0; i < root->n_functions; i++) {
		const struct pr_function *f = &root->functions[i];

		if (f->removed)
			continue;
		buses.functions[f->address.bus]++;
		buses.used[f->address.bus] = true;
	}
	for (size_t i = 0; i < root->n_functions; i++) {
		const struct pr_function *f = &root->functions[i];

		if (f->bridge && !f->removed && !f->no_bus && !f->bridge->busless)
			add_bridge_buses(l, f, &buses);
	}
	for (uint64_t bus = 0; bus < 256; bus++) {
		what = (struct pr_box){
			.kind = PR_BOX_BUS, .rank = RANK_CLAIM, .n_functions = buses.functions[bus]
		};
		if (buses.used[bus] && !buses.drawn[bus])
			add(l, &what, &(struct pr_range){ bus, bus });
	}
}

/* ---- all ---- */

static unsigned int digits_of(const struct pr_area *area)
{
	static const unsigned int least[] = {
		[PR_AREA_IO] = 4, [PR_AREA_MEM32] = 8, [PR_AREA_MEM64] = 9, [PR_AREA_BUSES] = 2
	};
	unsigned int digits = least[area->kind];

	for (size_t i = 0; i < area->n_boxes; i++)
		while (digits < 16 && area->boxes[i].range.last >> (4 * digits) != 0)
			digits++;
	return digits;
}

static struct pr_range bounds_of(enum pr_area_kind kind)
{
	switch (kind) {
	case PR_AREA_MEM32:
		return (struct pr_range){ 0, UINT32_MAX };
	case PR_AREA_MEM64:
		return (struct pr_range){ UINT64_C(1) << 32, UINT64_MAX };
	case PR_AREA_IO:
	case PR_AREA_BUSES:
	case _PR_AREA_MAX:
		break;
	}
	return (struct pr_range){ 0, UINT64_MAX };
}

int pr_area_gather(struct pr_arena *arena, const struct pr_root *root, enum pr_area_kind kind,
	struct pr_area *ret)
{
	struct list l = { .bounds = bounds_of(kind) };
	int r = 0;

	if (kind == PR_AREA_BUSES)
		gather_buses(&l, root);
	else
		gather_addresses(&l, root, kind == PR_AREA_IO);
	if (kind != PR_AREA_BUSES &&
		!(kind == PR_AREA_IO ? root->facts.io_known : root->facts.mem_known))
		surround(&l);

	*ret = (struct pr_area){ .kind = kind, .root = root, .n_boxes = l.n };
	if (l.n > 0)
		ret->boxes = pr_arena_memdup(arena, l.boxes, l.n * sizeof(*l.boxes));
	if (l.failed || (l.n > 0 && !ret->boxes))
		r = -ENOMEM;
	else
		ret->digits = digits_of(ret);
	free(l.boxes);
	return r;
}

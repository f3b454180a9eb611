/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where there is room: windows and apertures, without what stays in them.
 */
#include "plan/arrange-private.h"

#include <errno.h>
#include <string.h>

struct list {
	struct pr_range *ranges;
	size_t n, max;
	bool short_of_memory;
};

static void add_range(struct pr_arena *arena, struct list *l, const struct pr_range *range)
{
	if (l->n == l->max) {
		size_t max = l->max ? 2 * l->max : 16;
		struct pr_range *grown = pr_new_array(arena, max, struct pr_range);

		if (!grown) {
			l->short_of_memory = true;
			return;
		}
		if (l->n > 0)
			memcpy(grown, l->ranges, l->n * sizeof(*grown));
		l->ranges = grown;
		l->max = max;
	}
	l->ranges[l->n++] = *range;
}

bool arrange_window_fixed(
	const struct asking *a, const struct pr_function *bridge, unsigned int kind)
{
	const struct pr_resource *w = pr_function_resource(bridge, kind);

	return !a->moved[bridge - a->root->functions] && w && w->state == PR_RES_ASSIGNED;
}

static struct pr_function *first_on_bus(const struct asking *a, const struct pr_function *bridge)
{
	return bridge ? bridge->first_child : a->root->first_child;
}

/* Has addresses of this space, and keeps them. */
static bool stays(const struct asking *a, const struct pr_function *f, const struct pr_resource *r)
{
	return !f->removed && !a->moved[f - a->root->functions] && r->state == PR_RES_ASSIGNED &&
	       pr_resource_is_io(r) == a->io;
}

/* ---- what is in the way ---- */

/*
 * Addresses that the machine uses for other things; Linux on x86 keeps clear of
 * the BIOS below 4 GiB (arch/x86/kernel/resource.c), of the first MiB and of
 * the first I/O ports.
 */
static void add_legacy(const struct asking *a, struct pr_arena *arena, struct list *busy)
{
	static const struct pr_range bios = { 0xffe00000, 0xffffffff }, low = { 0, 0xfffff },
				     ports = { 0, 0xfff };
	const struct pr_root_facts *facts = &a->root->facts;

	if (a->io) {
		/* an aperture that begins higher is used from its beginning */
		for (size_t i = 0; i < facts->n_io; i++)
			if (facts->io[i].first == 0)
				add_range(arena, busy, &ports);
	} else if (a->q->kernel->reads_windows) {
		add_range(arena, busy, &bios);
		add_range(arena, busy, &low);
	}
}

/* A busy range around the whole of @window holds it, and is no obstacle in it. */
static void add_busy(const struct asking *a, struct pr_arena *arena, const struct pr_range *window,
	struct list *busy)
{
	const struct pr_root_facts *facts = &a->root->facts;
	const struct pr_range *ranges = a->io ? facts->busy_io : facts->busy_mem;

	for (size_t i = 0; i < (a->io ? facts->n_busy_io : facts->n_busy_mem); i++)
		if (!window || !pr_range_contains(&ranges[i], window))
			add_range(arena, busy, &ranges[i]);
}

static void add_staying(struct asking *a, struct pr_arena *arena, const struct pr_function *bridge,
	struct list *busy)
{
	pr_for_each_child (f, first_on_bus(a, bridge)) {
		for (size_t i = 0; i < f->n_resources; i++) {
			const struct pr_resource *r = &f->resources[i];

			if (!stays(a, f, r))
				continue;
			a->doubtful |= r->size == PR_SIZE_UNKNOWN;
			add_range(arena, busy, &r->range);
		}
	}
}

/* ---- gaps ---- */

static int add_gaps(struct pr_arena *arena, const struct pr_range *window, const struct list *busy,
	unsigned int kind, struct room *room)
{
	struct pr_pack_gap *gaps =
		pr_new_array(arena, room->n_gaps + busy->n + 1, struct pr_pack_gap);
	uint64_t at = window->first;
	size_t n = room->n_gaps;

	if (!gaps)
		return -ENOMEM;
	if (n > 0)
		memcpy(gaps, room->gaps, n * sizeof(*gaps));
	*room = (struct room){ .gaps = gaps, .n_gaps = n };
	for (size_t i = 0; i < busy->n; i++) {
		const struct pr_range *b = &busy->ranges[i];

		if (b->last < at || b->first > window->last)
			continue;
		if (b->first > at)
			gaps[room->n_gaps++] = (struct pr_pack_gap){ { at, b->first - 1 }, kind };
		if (b->last >= window->last)
			return 0;
		at = b->last + 1;
	}
	gaps[room->n_gaps++] = (struct pr_pack_gap){ { at, window->last }, kind };
	return 0;
}

static void sort_gaps(struct room *room)
{
	for (size_t i = 1; i < room->n_gaps; i++) {
		struct pr_pack_gap gap = room->gaps[i];
		size_t k = i;

		for (; k > 0 && room->gaps[k - 1].range.first > gap.range.first; k--)
			room->gaps[k] = room->gaps[k - 1];
		room->gaps[k] = gap;
	}
}

/* Windows that stay, or apertures; of a bridge at most two. */
struct spans {
	struct pr_range *ranges;
	unsigned int kinds[2]; /* of a bridge's */
	size_t n;
};

static int bridge_spans(const struct asking *a, struct pr_arena *arena,
	const struct pr_function *bridge, struct spans *ret)
{
	const unsigned int windows[] = { a->io ? PR_WINDOW_IO : PR_WINDOW_MEM, PR_WINDOW_PREF };
	struct spans s = { .ranges = pr_new_array(arena, 2, struct pr_range) };

	if (!s.ranges)
		return -ENOMEM;
	for (size_t i = 0; i < (a->io ? 1 : 2); i++) {
		if (!arrange_window_fixed(a, bridge, windows[i]))
			continue;
		s.kinds[s.n] = i == 0 ? GAP_PLAIN : GAP_PREF;
		s.ranges[s.n++] = pr_function_resource(bridge, windows[i])->range;
	}
	*ret = s;
	return 0;
}

static int find_spans(const struct asking *a, struct pr_arena *arena,
	const struct pr_function *bridge, struct spans *ret)
{
	const struct pr_root_facts *facts = &a->root->facts;
	struct list l = { 0 };

	if (bridge)
		return bridge_spans(a, arena, bridge, ret);
	for (size_t i = 0; i < (a->io ? facts->n_io : facts->n_mem); i++)
		add_range(arena, &l, a->io ? &facts->io[i] : &facts->mem[i]);
	if (l.short_of_memory)
		return -ENOMEM;
	*ret = (struct spans){ .ranges = l.ranges, .n = pr_ranges_merge(l.ranges, l.n) };
	return 0;
}

int arrange_room(struct asking *a, struct pr_arena *arena, const struct pr_function *bridge,
	struct room *ret)
{
	struct room room = { 0 };
	struct spans spans;
	int r = find_spans(a, arena, bridge, &spans);

	for (size_t i = 0; i < (r < 0 ? 0 : spans.n); i++) {
		struct list busy = { 0 };

		add_legacy(a, arena, &busy);
		add_busy(a, arena, bridge ? &spans.ranges[i] : NULL, &busy);
		add_staying(a, arena, bridge, &busy);
		if (busy.short_of_memory)
			return -ENOMEM;
		busy.n = pr_ranges_merge(busy.ranges, busy.n);
		r = add_gaps(
			arena, &spans.ranges[i], &busy, bridge ? spans.kinds[i] : GAP_PLAIN, &room);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	sort_gaps(&room);
	*ret = room;
	return 0;
}

/* ---- for people ---- */

static uint64_t sum(uint64_t a, uint64_t b)
{
	uint64_t total;

	return __builtin_add_overflow(a, b, &total) ? UINT64_MAX : total;
}

static bool concerns(const struct spans *s, const struct pr_function *bridge, size_t i,
	const struct pr_pack_proof *p, struct pr_range *ret)
{
	const struct pr_range allowed = { 0, p->last };

	return (!bridge || (s->kinds[i] & p->kinds)) &&
	       pr_range_intersect(ret, &s->ranges[i], &allowed);
}

static bool is_blocker(const struct asking *a, const struct pr_function *f,
	const struct spans *spans, const struct pr_function *bridge, const struct pr_pack_proof *p)
{
	struct pr_range part;

	for (size_t i = 0; i < f->n_resources; i++)
		for (size_t k = 0; k < spans->n; k++)
			if (stays(a, f, &f->resources[i]) && concerns(spans, bridge, k, p, &part) &&
				pr_range_overlaps(&part, &f->resources[i].range))
				return true;
	return false;
}

static int find_blockers(const struct asking *a, struct pr_arena *arena, const struct spans *spans,
	const struct pr_function *bridge, const struct pr_pack_proof *p, struct pr_certificate *ret)
{
	const struct pr_function **blockers;
	size_t n = 0;

	pr_for_each_child (f, first_on_bus(a, bridge))
		n++;
	blockers = pr_new_array(arena, n, const struct pr_function *);
	if (!blockers)
		return -ENOMEM;
	ret->blockers = blockers;
	ret->n_blockers = 0;
	pr_for_each_child (f, first_on_bus(a, bridge)) {
		if (is_blocker(a, f, spans, bridge, p))
			blockers[ret->n_blockers++] = f;
	}
	return 0;
}

int arrange_room_describe(const struct asking *a, struct pr_arena *arena,
	const struct pr_function *bridge, const struct pr_pack_proof *p, struct pr_certificate *ret)
{
	struct asking copy = *a; /* doubts were noted before */
	struct spans spans;
	struct room room;
	uint64_t free = 0;
	int r = find_spans(a, arena, bridge, &spans);

	if (r == 0)
		r = arrange_room(&copy, arena, bridge, &room);
	if (r < 0)
		return r;

	ret->total = 0;
	for (size_t i = 0; i < spans.n; i++) {
		struct pr_range part;

		if (concerns(&spans, bridge, i, p, &part))
			ret->total = sum(ret->total, pr_range_size(&part));
	}
	for (size_t i = 0; i < room.n_gaps; i++) {
		const struct pr_range allowed = { 0, p->last };
		struct pr_range part;

		if ((room.gaps[i].kind & p->kinds) &&
			pr_range_intersect(&part, &room.gaps[i].range, &allowed))
			free = sum(free, pr_range_size(&part));
	}
	ret->immovable = ret->total - free;
	return find_blockers(a, arena, &spans, bridge, p, ret);
}

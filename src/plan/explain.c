/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnosis: which resources have no addresses, and on the way from each up
 * to the host bridge, where the room ends.  Looks at what is, not at what
 * could be done.
 */
#include "plan/plan.h"

#include <errno.h>

#define MEM_32_LAST UINT32_MAX
#define IO_UNIT     UINT64_C(0x1000)   /* PCI-to-PCI Bridge 1.2, 3.2.5.6 */
#define MEM_UNIT    UINT64_C(0x100000) /* the same, 3.2.5.8 */

/* A BAR on its way up: what it would ask for at this level. */
struct climb {
	struct pr_resource asked; /* window kind of the level below, or the BAR itself */
	bool below_4g;
	uint64_t size, align;
};

struct busy {
	struct pr_range *ranges;
	size_t n;
};

static void add_busy(struct busy *busy, struct pr_function *first, bool io)
{
	pr_for_each_child (f, first) {
		for (size_t i = 0; i < f->n_resources && !f->removed; i++)
			if (f->resources[i].state == PR_RES_ASSIGNED &&
				pr_resource_is_io(&f->resources[i]) == io)
				busy->ranges[busy->n++] = f->resources[i].range;
	}
}

/* Everything that takes addresses on one bus; @extra more is taken by other things. */
static int busy_on_bus(struct pr_arena *arena, struct pr_function *first, bool io,
	const struct pr_range *extra, size_t n_extra, struct busy *ret)
{
	struct busy busy = { 0 };
	size_t n = n_extra;

	pr_for_each_child (f, first)
		n += f->n_resources;
	busy.ranges = pr_new_array(arena, n + 1, struct pr_range);
	if (!busy.ranges)
		return -ENOMEM;

	add_busy(&busy, first, io);
	for (size_t i = 0; i < n_extra; i++)
		busy.ranges[busy.n++] = extra[i];
	busy.n = pr_ranges_merge(busy.ranges, busy.n);
	*ret = busy;
	return 0;
}

/* Adds one window or aperture to what @level has. */
static void add_room(struct pr_level *level, const struct pr_range *room, const struct busy *busy)
{
	struct pr_free_space space;
	uint64_t base;

	pr_range_free_space(room, busy->ranges, busy->n, &space);
	level->open = true;
	level->size += pr_range_size(room);
	level->space.total += space.total;
	if (space.largest > level->space.largest)
		level->space.largest = space.largest;
	if (space.largest_aligned > level->space.largest_aligned)
		level->space.largest_aligned = space.largest_aligned;
	if (level->wanted != PR_SIZE_UNKNOWN &&
		pr_range_fit(room, busy->ranges, busy->n, level->wanted, level->align, &base))
		level->fits = true;
}

static int bridge_level(
	struct pr_arena *arena, const struct pr_function *bridge, struct pr_level *level)
{
	const struct pr_resource *window = pr_function_resource(bridge, level->window);
	struct busy busy;
	int r;

	level->known = true;
	if (!window || window->state != PR_RES_ASSIGNED)
		return 0;

	r = busy_on_bus(arena, bridge->first_child, pr_resource_is_io(window), NULL, 0, &busy);
	if (r < 0)
		return r;
	add_room(level, &window->range, &busy);
	return 0;
}

static int root_level(
	struct pr_arena *arena, const struct pr_root *root, bool below_4g, struct pr_level *level)
{
	const struct pr_root_facts *facts = &root->facts;
	bool io = level->window == PR_WINDOW_IO;
	struct pr_range limit = { .last = below_4g && !io ? MEM_32_LAST : UINT64_MAX }, room;
	struct busy busy;
	int r;

	level->known = io ? facts->io_known : facts->mem_known;
	if (!level->known)
		return 0;
	r = busy_on_bus(arena, root->first_child, io, io ? facts->busy_io : facts->busy_mem,
		io ? facts->n_busy_io : facts->n_busy_mem, &busy);
	if (r < 0)
		return r;

	for (size_t i = 0; i < (io ? facts->n_io : facts->n_mem); i++)
		if (pr_range_intersect(&room, io ? &facts->io[i] : &facts->mem[i], &limit))
			add_room(level, &room, &busy);
	return 0;
}

static bool pref_is_64bit(const struct pr_function *bridge)
{
	const struct pr_resource *pref = pr_function_resource(bridge, PR_WINDOW_PREF);

	return (pref && (pref->flags & PR_IORES_MEM_64)) ||
	       bridge->bridge->registers[2].width == 64;
}

static uint64_t round_up(uint64_t size, uint64_t unit)
{
	uint64_t rounded;

	return pr_align_up(size, unit, &rounded) ? rounded : size;
}

/* What the window of kind @window in @bridge asks for in the bridge above it (KERNEL 1.6). */
static void climb_to(struct climb *c, const struct pr_function *bridge, unsigned int window)
{
	uint64_t unit = window == PR_WINDOW_IO ? IO_UNIT : MEM_UNIT;

	c->asked = (struct pr_resource){ .index = (uint8_t)window };
	if (window == PR_WINDOW_IO)
		c->asked.flags = PR_IORES_IO;
	else
		c->asked.flags = PR_IORES_MEM;
	if (window == PR_WINDOW_PREF)
		c->asked.flags |= PR_IORES_PREFETCH;

	if (window == PR_WINDOW_PREF && pref_is_64bit(bridge))
		c->asked.flags |= PR_IORES_MEM_64;
	else
		c->below_4g = true;
	if (c->size != PR_SIZE_UNKNOWN)
		c->size = round_up(c->size, unit);
	if (c->align < unit)
		c->align = unit;
}

static size_t depth(const struct pr_function *f)
{
	size_t n = 1;

	for (const struct pr_function *p = f->parent; p; p = p->parent)
		n++;
	return n;
}

static void start_level(struct pr_level *level, const struct climb *c, const struct pr_function *at)
{
	level->bridge = at;
	level->window = pr_resource_window(&c->asked, at);
	level->wanted = c->size;
	level->align = c->align;
}

static int climb_levels(struct pr_arena *arena, const struct pr_function *f, struct climb *c,
	struct pr_level *levels)
{
	size_t n = 0;
	int r;

	for (const struct pr_function *p = f->parent; p; p = p->parent, n++) {
		start_level(&levels[n], c, p);
		r = bridge_level(arena, p, &levels[n]);
		if (r < 0)
			return r;
		climb_to(c, p, levels[n].window);
	}

	start_level(&levels[n], c, NULL);
	return root_level(arena, f->root, c->below_4g, &levels[n]);
}

/*
 * Seen from the resource, the first level with a hole decides: nothing above
 * it has to give way, and the level below it is where the room ends.  What is
 * not known counts as room.
 */
static const struct pr_level *find_choke(const struct pr_shortage *s)
{
	size_t i = 0;

	if (!s->size_known)
		return NULL;
	while (i < s->n_levels && s->levels[i].known && !s->levels[i].fits)
		i++;
	return i == 0 ? NULL : &s->levels[i - 1];
}

static int explain_resource(struct pr_arena *arena, const struct pr_function *f,
	const struct pr_resource *resource, struct pr_shortage *ret)
{
	struct pr_shortage s = {
		.function = f,
		.resource = resource,
		.size_known = resource->size != PR_SIZE_UNKNOWN,
		.n_levels = depth(f),
	};
	struct climb c = {
		.asked = *resource,
		.below_4g = !(resource->flags & PR_IORES_MEM_64),
		.size = resource->size,
		.align = resource->align == PR_SIZE_UNKNOWN || resource->align == 0
				 ? 1
				 : resource->align,
	};
	struct pr_level *levels = pr_new_array(arena, s.n_levels, struct pr_level);
	int r;

	if (!levels)
		return -ENOMEM;
	r = climb_levels(arena, f, &c, levels);
	if (r < 0)
		return r;

	s.levels = levels;
	s.choke = find_choke(&s);
	*ret = s;
	return 0;
}

static bool any_disagrees(const struct pr_function *f)
{
	return f->bridge && !f->removed &&
	       (pr_window_disagrees(f, PR_WINDOW_IO) || pr_window_disagrees(f, PR_WINDOW_MEM) ||
		       pr_window_disagrees(f, PR_WINDOW_PREF));
}

/* What is counted is what is filled in later, by the same walk. */
struct lists {
	struct pr_shortage *shortages;
	const struct pr_function **no_bus, **disagreeing;
	size_t n_shortages, n_no_bus, n_disagreeing, n_unseen;
};

/* Neither the kernel's table nor a base address register, as in a bare list of devices. */
static bool is_unseen(const struct pr_function *f)
{
	struct pr_config config = pr_facts_config(f->facts);
	struct pr_bar bar;

	return !f->facts->lines && !f->bridge && !f->facts->is_vf &&
	       !pr_config_bar(&config, 0, &bar);
}

static int explain_function(struct pr_arena *arena, const struct pr_function *f, struct lists *l)
{
	bool fill = l->shortages != NULL;
	int r;

	for (size_t i = 0; i < f->n_resources; i++) {
		if (!pr_resource_wanting(&f->resources[i]))
			continue;
		if (fill) {
			r = explain_resource(
				arena, f, &f->resources[i], &l->shortages[l->n_shortages]);
			if (r < 0)
				return r;
		}
		l->n_shortages++;
	}
	l->n_unseen += is_unseen(f);
	if (f->no_bus && fill)
		l->no_bus[l->n_no_bus] = f;
	l->n_no_bus += f->no_bus;
	if (any_disagrees(f)) {
		if (fill)
			l->disagreeing[l->n_disagreeing] = f;
		l->n_disagreeing++;
	}
	return 0;
}

static int explain_walk(const struct pr_topology *t, const struct pr_filter *filter,
	struct pr_arena *arena, struct lists *l)
{
	int r;

	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions; j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];

			if (f->removed || (filter->wanted && !filter->wanted(f, filter->data)))
				continue;
			r = explain_function(arena, f, l);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int pr_explain_filtered(const struct pr_topology *t, const struct pr_filter *filter,
	struct pr_arena *arena, struct pr_explanation *ret)
{
	struct lists count = { 0 }, l = { 0 };
	int r;

	r = explain_walk(t, filter, arena, &count);
	if (r < 0)
		return r;

	l.shortages = pr_new_array(arena, count.n_shortages, struct pr_shortage);
	l.no_bus = pr_new_array(arena, count.n_no_bus, const struct pr_function *);
	l.disagreeing = pr_new_array(arena, count.n_disagreeing, const struct pr_function *);
	if (!l.shortages || !l.no_bus || !l.disagreeing)
		return -ENOMEM;
	r = explain_walk(t, filter, arena, &l);
	if (r < 0)
		return r;

	*ret = (struct pr_explanation){
		.shortages = l.shortages,
		.n_shortages = l.n_shortages,
		.no_bus = l.no_bus,
		.n_no_bus = l.n_no_bus,
		.disagreeing = l.disagreeing,
		.n_disagreeing = l.n_disagreeing,
		.n_unseen = l.n_unseen,
	};
	return 0;
}

bool pr_function_concerns(const struct pr_function *f, const struct pr_function *top)
{
	return pr_function_below(f, top) || (pr_function_below(top, f) && pr_bridge_broken(f));
}

static int find_damage(const struct pr_topology *t, const struct pr_filter *filter,
	struct pr_arena *arena, struct pr_explanation *ret)
{
	struct pr_damage *list = pr_new_array(arena, t->n_functions, struct pr_damage);

	if (!list)
		return -ENOMEM;
	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions; j++) {
			const struct pr_function *f = &t->roots[i]->functions[j];

			if (!filter->wanted || filter->wanted(f, filter->data))
				ret->n_damage += pr_damage_of(f, &list[ret->n_damage]);
		}
	}
	ret->damage = list;
	return 0;
}

struct tops {
	const struct pr_function *const *list;
	size_t n;
};

static bool concerns_any(const struct pr_function *f, const void *data)
{
	const struct tops *tops = data;

	for (size_t i = 0; i < tops->n; i++)
		if (pr_function_concerns(f, tops->list[i]))
			return true;
	return false;
}

int pr_explain(const struct pr_topology *t, const struct pr_function *const *tops, size_t n,
	struct pr_arena *arena, struct pr_explanation *ret)
{
	const struct tops wanted = { tops, n };
	struct pr_filter filter = { .wanted = n > 0 ? concerns_any : NULL, .data = &wanted };
	int r = pr_explain_filtered(t, &filter, arena, ret);

	return r < 0 ? r : find_damage(t, &filter, arena, ret);
}

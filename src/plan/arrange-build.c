/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to be placed, and in what: from the highest bus that matters down
 * to the resources, and back up with a window for each bridge that gets one.
 * Types follow the kernel's rules (KERNEL 1.6, 1.8), of which it uses more in
 * placing than in sizing: a prefetchable resource may go to either window.
 */
#include "plan/arrange-private.h"
#include "plan/search.h"

#include <errno.h>
#include <string.h>

#define MEM_UNIT    UINT64_C(0x100000) /* PCI-to-PCI Bridge 1.2, 3.2.5.8 */
#define IO_UNIT     UINT64_C(0x1000)   /* the same, 3.2.5.6 */
#define VF_PAGE     UINT64_C(0x1000)   /* SR-IOV 1.1, 3.3.12: the smallest page */
#define LEAST_MEM   16
#define LEAST_IO    4
#define LAST_16     UINT64_C(0xffff)
#define LAST_32     UINT64_C(0xffffffff)
#define MAX_CHOICES 63

/* One bus, and where its resources go. */
struct bus {
	const struct pr_function *bridge;
	bool plain_fixed, pref_fixed; /* windows that stay as they are */
	enum pr_known has_pref;       /* the bridge implements one */
	bool wide;                    /* it can lie above 4 GiB */
	struct pieces plain, pref;    /* of windows that are placed anew */
	struct place *place;          /* of windows that stay */
};

enum type {
	TYPE_PLAIN = 0, /* I/O, or memory that is not prefetchable */
	TYPE_PREF,
};

/* ---- what is required ---- */

/*
 * A set of subtrees that is given has to bring back what they lack as far as
 * the tier says; of all that could be removed nobody says that it is.
 */
static bool is_required(
	const struct asking *a, const struct pr_function *f, const struct pr_resource *r)
{
	size_t i = (size_t)(f - a->root->functions);

	if (pr_resource_is_window(r) || pr_resource_is_io(r) != a->io || f->facts->is_vf)
		return false;
	if (a->wanted[i] && pr_resource_needed(r, a->q->tier))
		return true;
	if (!a->moved[i])
		return false;
	return pr_resource_held(f, r) ||
	       (a->q->exactly && a->q->tier < PR_TIER_MEMORY && pr_resource_needed(r, a->q->tier));
}

/* ---- pieces ---- */

static int add_item(struct pr_arena *arena, struct pieces *l, struct pr_pack_item *item)
{
	if (l->n == l->max) {
		size_t max = l->max ? 2 * l->max : 8;
		struct pr_pack_item **grown = pr_new_array(arena, max, struct pr_pack_item *);

		if (!grown)
			return -ENOMEM;
		if (l->n > 0)
			memcpy(grown, l->items, l->n * sizeof(*grown));
		l->items = grown;
		l->max = max;
	}
	l->items[l->n++] = item;
	return 0;
}

static struct piece *new_piece(struct build *b, const struct pr_function *f, unsigned int index)
{
	struct piece *p = pr_new(b->arena, struct piece);

	if (!p)
		return NULL;
	p->function = f;
	p->index = (uint8_t)index;
	p->item.last = UINT64_MAX;
	p->item.kinds = GAP_ANY;
	p->next = b->pieces;
	b->pieces = p;
	return p;
}

/* What is not known is as small as it may be: then a proof holds, and a find may not. */
static void size_block(struct asking *a, const struct pr_resource *r, struct pr_pack_item *item)
{
	bool vf = r->index >= PR_VF_BAR0;

	item->size = r->size;
	item->align = r->align;
	if (r->size == PR_SIZE_UNKNOWN || r->size == 0) {
		a->doubtful = true;
		item->size = item->align = a->io ? LEAST_IO : LEAST_MEM;
	} else if (!pr_is_pow2(r->align)) {
		a->doubtful = true;
		item->align = vf ? VF_PAGE : item->size & (~item->size + 1);
	}
}

/* ---- where a piece goes ---- */

static int put_in_place(struct build *b, struct bus *bus, struct piece *p, unsigned int kinds)
{
	if (!bus->place) {
		struct place *place = pr_new(b->arena, struct place);

		if (!place)
			return -ENOMEM;
		place->bridge = bus->bridge;
		place->next = b->places;
		b->nested |= b->places != NULL;
		b->places = place;
		bus->place = place;
	}
	p->item.kinds = kinds;
	return add_item(b->arena, &bus->place->pieces, &p->item);
}

/* The window of @bus that takes what is not prefetchable, or the other one. */
static int put_in_window(struct build *b, struct bus *bus, struct piece *p, bool pref)
{
	if (pref ? bus->pref_fixed : bus->plain_fixed)
		return put_in_place(b, bus, p, pref ? GAP_PREF : GAP_PLAIN);
	if (pref && bus->has_pref == PR_UNKNOWN)
		b->a->doubtful = true;
	return add_item(b->arena, pref ? &bus->pref : &bus->plain, &p->item);
}

/*
 * The usual way is the one in which the kernel sizes windows.  Returns what is
 * chosen by the bits; @ret_skip: what has a choice is not asked for.
 */
static bool choose(struct build *b, bool usual, bool *ret_skip)
{
	unsigned int nth = b->n_choices++;

	*ret_skip = b->mode == BUILD_FORCED;
	return nth <= MAX_CHOICES && (b->choices >> nth & 1) ? !usual : usual;
}

static int put(struct build *b, struct bus *bus, struct piece *p, enum type type)
{
	bool usual, pref, skip;

	if (!bus->bridge)
		return put_in_place(b, bus, p, GAP_ANY);
	if (type == TYPE_PLAIN || bus->has_pref == PR_NO)
		return put_in_window(b, bus, p, false);
	if (bus->plain_fixed && bus->pref_fixed)
		return put_in_place(b, bus, p, GAP_ANY);

	usual = p->item.last > LAST_32 || !bus->wide;
	pref = choose(b, usual, &skip);
	return skip ? 0 : put_in_window(b, bus, p, pref);
}

/* Without windows in between: the bus at the top takes it, by the rules of all on the way. */
static int put_loose(
	struct build *b, struct bus *top, const struct bus *bus, struct piece *p, enum type type)
{
	if (bus != top && type == TYPE_PLAIN && p->item.last > LAST_32)
		p->item.last = LAST_32;
	return put_in_place(b, top, p, top->bridge && type == TYPE_PLAIN ? GAP_PLAIN : GAP_ANY);
}

/* ---- down and up ---- */

static struct bus bus_below(const struct asking *a, const struct pr_function *bridge)
{
	const struct pr_resource *pref;
	struct bus bus = { .bridge = bridge };

	if (!bridge)
		return bus;
	bus.plain_fixed = arrange_window_fixed(a, bridge, a->io ? PR_WINDOW_IO : PR_WINDOW_MEM);
	if (a->io)
		return bus;
	bus.pref_fixed = arrange_window_fixed(a, bridge, PR_WINDOW_PREF);
	pref = pr_function_resource(bridge, PR_WINDOW_PREF);
	bus.wide = (pref && (pref->flags & PR_IORES_MEM_64)) ||
		   bridge->bridge->registers[2].width == 64;
	bus.has_pref = bridge->bridge->registers[2].implemented;
	if (pref && pref->state == PR_RES_ASSIGNED)
		bus.has_pref = PR_YES;
	return bus;
}

/* Everything above the bus below @bridge is as it was. */
static bool is_settled(const struct asking *a, const struct pr_function *bridge)
{
	if (a->moved[bridge - a->root->functions])
		return false;
	if (a->io)
		return arrange_window_fixed(a, bridge, PR_WINDOW_IO);
	return arrange_window_fixed(a, bridge, PR_WINDOW_MEM) &&
	       (arrange_window_fixed(a, bridge, PR_WINDOW_PREF) ||
		       bridge->bridge->registers[2].implemented == PR_NO);
}

const struct pr_function *arrange_top(const struct asking *a, const struct pr_function *target)
{
	const struct pr_function *p = target->parent;

	while (p && !is_settled(a, p))
		p = p->parent;
	return p;
}

static bool enters(const struct asking *a, const struct pr_function *f)
{
	size_t i = (size_t)(f - a->root->functions);

	return f->bridge && (a->moved[i] || (a->path[i] && !is_settled(a, f)));
}

static int add_window(struct build *b, struct bus *bus, const struct pr_function *bridge,
	unsigned int kind, struct pieces *content)
{
	bool pref = kind == PR_WINDOW_PREF;
	struct piece *p;

	if (content->n == 0) {
		/* its place would be chosen all the same: later choices keep their numbers */
		unsigned int before = b->n_choices;

		if (pref && bus->bridge && bus->has_pref != PR_NO &&
			!(bus->plain_fixed && bus->pref_fixed)) {
			b->n_choices++;
			b->void_choice |= before <= MAX_CHOICES && (b->choices >> before & 1);
		}
		return 0;
	}
	p = new_piece(b, bridge, kind);
	if (!p)
		return -ENOMEM;
	p->item.align = b->a->io ? IO_UNIT : MEM_UNIT;
	p->item.content = content->items;
	p->item.n_content = content->n;
	for (size_t i = 0; i < content->n; i++)
		if (content->items[i]->last < p->item.last)
			p->item.last = content->items[i]->last;
	return put(b, bus, p, pref ? TYPE_PREF : TYPE_PLAIN);
}

static void limit(struct pieces *content, uint64_t last)
{
	for (size_t i = 0; i < content->n; i++)
		if (content->items[i]->last > last)
			content->items[i]->last = last;
}

static int close_bus(struct build *b, struct bus *above, struct bus *bus)
{
	const struct pr_bridge *bridge = bus->bridge->bridge;
	int r;

	if (b->a->io) {
		if (bridge->registers[0].implemented == PR_NO && bus->plain.n > 0)
			b->a->doubtful = true; /* Linux would say so, too, and fail */
		limit(&bus->plain, bridge->registers[0].width == 16 ? LAST_16 : LAST_32);
		return add_window(b, above, bus->bridge, PR_WINDOW_IO, &bus->plain);
	}
	limit(&bus->plain, LAST_32);
	if (!bus->wide)
		limit(&bus->pref, LAST_32);
	r = add_window(b, above, bus->bridge, PR_WINDOW_MEM, &bus->plain);
	return r < 0 ? r : add_window(b, above, bus->bridge, PR_WINDOW_PREF, &bus->pref);
}

static int add_block(struct build *b, struct bus *top, struct bus *bus, const struct pr_function *f,
	const struct pr_resource *r)
{
	enum type type = r->flags & PR_IORES_PREFETCH ? TYPE_PREF : TYPE_PLAIN;
	struct piece *p = new_piece(b, f, r->index);

	if (!p)
		return -ENOMEM;
	size_block(b->a, r, &p->item);
	if (!(r->flags & PR_IORES_MEM_64))
		p->item.last = LAST_32;
	return b->mode == BUILD_LOOSE ? put_loose(b, top, bus, p, type) : put(b, bus, p, type);
}

static int add_function(
	struct build *b, struct bus *top, struct bus *bus, const struct pr_function *f)
{
	int r = 0;

	for (size_t i = 0; i < f->n_resources && r == 0; i++)
		if (is_required(b->a, f, &f->resources[i]))
			r = add_block(b, top, bus, f, &f->resources[i]);
	return r;
}

static int fill_bus(struct build *b, struct bus *top, struct bus *bus)
{
	const struct asking *a = b->a;
	int r = 0;

	/* what Linux cannot place behind such a bridge it places in front of it */
	b->a->loose |= bus->bridge && bus->bridge->bridge->subtractive;
	pr_for_each_child (f, bus->bridge ? bus->bridge->first_child : a->root->first_child) {
		struct bus below;

		if (f->removed)
			continue;
		r = add_function(b, top, bus, f);
		if (r == 0 && enters(a, f)) {
			below = bus_below(a, f);
			b->nested |= below.plain_fixed || below.pref_fixed;
			r = fill_bus(b, top, &below);
			if (r == 0 && b->mode != BUILD_LOOSE)
				r = close_bus(b, bus, &below);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int arrange_build(struct build *b, const struct pr_function *top)
{
	struct bus bus = bus_below(b->a, top);

	return fill_bus(b, &bus, &bus);
}

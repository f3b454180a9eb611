/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a hot-plug port has beyond the needs below it is divided equally among
 * the hot-plug bridges there, whatever each of them needs (KERNEL 1.7).
 * Source: pci_bus_distribute_available_resources and what it calls
 * (drivers/pci/setup-bus.c).  Arithmetic is the kernel's, wrapping included:
 * ranges here are exclusive of nothing and may be empty (end below start).
 */
#include "kernel/model.h"

#define N_WINDOWS 3

struct space {
	uint64_t start, end;
};

struct available {
	struct space of[N_WINDOWS];
};

static uint64_t size_of(const struct space *s)
{
	return s->end - s->start + 1;
}

static uint64_t up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A window that nothing was ever read for or asked of is [0, 0]: one byte. */
static uint64_t kernel_size(const struct k_model *m, const struct k_res *r)
{
	bool zeroed = r->window && !r->placed && r->size == 0 &&
		      !(r->flags & PR_IORES_STARTALIGN) &&
		      (m->profile->forget_failed || r->flags == 0);

	return zeroed ? 1 : r->size;
}

static struct space space_of(const struct k_model *m, const struct k_res *w)
{
	uint64_t start = 0;

	if (w->placed)
		start = w->at.first;
	else if (w->flags & PR_IORES_STARTALIGN)
		start = w->start;
	return (struct space){ start, start + kernel_size(m, w) - 1 };
}

/* adjust_bridge_window of 7.x: less than it asked for comes off the optional part. */
static void shrink_optional(struct k_model *m, struct k_res *w, uint64_t size, uint64_t less)
{
	const struct pr_kernel *k = m->kernel;
	uint64_t reserves[] = { k->hp_io_size, k->hp_mem_size, k->hp_pref_size };

	if (size > reserves[w->index - PR_WINDOW_IO])
		return;
	if (!w->listed)
		k_doubt(m, w->dev->f, "Linux looks for the reserve of a window that has none");
	else if (less < w->add_size)
		w->add_size -= less;
	else
		k_list_remove(m, w);
}

static void adjust(struct k_model *m, struct k_res *w, uint64_t new_size)
{
	uint64_t size = kernel_size(m, w);

	if (w->placed || new_size == 0 || new_size == size)
		return;
	if (new_size < size && !m->profile->shrinks_needs) {
		shrink_optional(m, w, size, size - new_size);
		return;
	}
	w->size = new_size;
	k_list_remove(m, w);
}

/* The window of @bus whose space @r takes, as an index; -1: none. */
static int window_taken(const struct k_model *m, const struct k_bus *bus, const struct k_res *r,
	const struct k_res *own_pref)
{
	const struct k_res *w;

	if (!(r->flags & (PR_IORES_IO | PR_IORES_MEM)))
		return -1;
	if (!m->profile->releases_inside) {
		if (r->flags & PR_IORES_IO)
			return 0;
		return (r->flags & PR_IORES_PREFETCH) &&
				       !((r->flags ^ own_pref->flags) & PR_IORES_MEM_64)
			       ? 2
			       : 1;
	}
	w = r->placed ? r->parent : k_window_for(bus, r->flags);
	return w && w->dev == bus->self ? w->index - PR_WINDOW_IO : -1;
}

static void take_space(struct space *s, uint64_t size, uint64_t align)
{
	uint64_t gap = align != 0 ? up(s->start, align) - s->start : 0;

	if (size != 0)
		s->start = smaller(s->start + gap + size, s->end + 1);
}

/* What the devices on the bus need themselves. */
static void take_devices(struct k_model *m, struct k_bus *bus, struct available *a)
{
	const struct k_res *pref = k_window(bus->self, PR_WINDOW_PREF);

	for (struct k_dev *d = bus->first; d; d = d->next) {
		for (unsigned int i = 0; i < d->n_res; i++) {
			const struct k_res *r = &d->res[i];
			int which = window_taken(m, bus, r, pref);

			if (which < 0)
				continue;
			if (!k_size_known(m, r))
				return;
			take_space(&a->of[which], kernel_size(m, r), k_alignment(r));
		}
	}
}

struct counts {
	unsigned int hotplug, normal;
};

static struct counts count_bridges(const struct k_bus *bus)
{
	struct counts n = { 0 };

	for (const struct k_dev *d = bus->first; d; d = d->next) {
		if (d->f->bridge && d->f->bridge->hotplug)
			n.hotplug++;
		else if (d->f->bridge || d->f->header.type == PR_HEADER_CARDBUS)
			n.normal++;
	}
	return n;
}

/* The windows of the bridge above take all there is. */
static void fill_own(struct k_model *m, struct k_dev *bridge, struct available *a)
{
	for (unsigned int i = 0; i < N_WINDOWS; i++) {
		struct k_res *w = k_window(bridge, PR_WINDOW_IO + i);
		uint64_t align = k_alignment(w);

		if (!w->placed && align != 0)
			a->of[i].start = smaller(up(a->of[i].start, align), a->of[i].end + 1);
		adjust(m, w, size_of(&a->of[i]));
	}
}

static void distribute(struct k_model *m, struct k_bus *bus, struct available a);

static void give_share(
	struct k_model *m, struct k_dev *d, struct available *a, const uint64_t share[N_WINDOWS])
{
	for (unsigned int i = 0; i < N_WINDOWS; i++) {
		const struct k_res *w = k_window(d, PR_WINDOW_IO + i);
		uint64_t align = k_alignment(w);
		uint64_t size = align != 0 ? share[i] & ~(align - 1) : share[i];

		a->of[i].end = a->of[i].start + size - 1;
		a->of[i].start -= kernel_size(m, w);
	}
	distribute(m, d->subordinate, *a);
	for (unsigned int i = 0; i < N_WINDOWS; i++)
		a->of[i].start += a->of[i].end + 1;
}

static void distribute(struct k_model *m, struct k_bus *bus, struct available a)
{
	struct counts n = count_bridges(bus);
	uint64_t share[N_WINDOWS];

	fill_own(m, bus->self, &a);
	if (n.hotplug + n.normal == 0)
		return;
	take_devices(m, bus, &a);
	for (unsigned int i = 0; i < N_WINDOWS; i++)
		share[i] = size_of(&a.of[i]) / (n.hotplug > 0 ? n.hotplug : n.normal);

	for (struct k_dev *d = bus->first; d && m->status == 0; d = d->next)
		if (d->subordinate && (n.hotplug == 0 || d->f->bridge->hotplug))
			give_share(m, d, &a, share);
}

void k_distribute(struct k_model *m, struct k_dev *port)
{
	struct available a;

	if (!port->f->bridge->hotplug)
		return;
	for (unsigned int i = 0; i < N_WINDOWS; i++)
		a.of[i] = space_of(m, k_window(port, PR_WINDOW_IO + i));
	distribute(m, port->subordinate, a);
}

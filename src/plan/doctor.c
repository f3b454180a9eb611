/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Armed ports.  A port is judged by plugging hypothetical cards in on the model
 * of the kernel and looking at who else loses what; what to do about it is not
 * this file's matter.
 */
#include "pciroom/doctor.h"
#include "plan/plan.h"

#include <errno.h>

#define SMALLEST_BAR UINT64_C(0x100000) /* windows come in steps of this */
#define IO_BAR       UINT64_C(0x100)    /* the most that PCI allows: windows come in 4 KiB */

/* ---- one card at one port ---- */

struct trial {
	const struct pr_kernel *kernel;
	struct pr_arena *arena;
	const struct pr_topology *t;
	const struct pr_function *port;
	const char **doubt;
	struct pr_armed *found;
};

/* It loses memory when it loses more than I/O ports. */
static bool loses_memory(const struct pr_function *was, const struct pr_function *is)
{
	for (size_t i = 0; i < was->n_resources; i++) {
		const struct pr_resource *before = &was->resources[i];

		if (!pr_resource_is_window(before) && !pr_resource_is_io(before) &&
			!pr_resource_kept(was, before, is))
			return true;
	}
	return false;
}

static bool loses_any(const struct pr_function *was, const struct pr_function *is)
{
	for (size_t i = 0; i < was->n_resources; i++)
		if (!pr_resource_is_window(&was->resources[i]) &&
			!pr_resource_kept(was, &was->resources[i], is))
			return true;
	return is->removed;
}

/* What runs in the machine with the card, before it is enumerated, and does not after it. */
static int note_victims(struct trial *w, const struct pr_root *with_card,
	const struct pr_topology *after, struct pr_armed *a)
{
	struct pr_harm *victims = pr_new_array(w->arena, with_card->n_functions, struct pr_harm);

	if (!victims)
		return -ENOMEM;
	for (size_t i = 0; i < with_card->n_functions; i++) {
		const struct pr_function *was = &with_card->functions[i];
		const struct pr_function *is = pr_topology_same(after, was);

		if (was->removed || !loses_any(was, is))
			continue;
		victims[a->n_victims++] = (struct pr_harm){
			.function = pr_topology_find(w->t, &was->address),
			.memory = is->removed || loses_memory(was, is),
		};
	}
	a->victims = victims;
	return 0;
}

static bool costs_memory(const struct pr_armed *a)
{
	for (size_t i = 0; i < a->n_victims; i++)
		if (a->victims[i].memory)
			return true;
	return false;
}

/* The card in @machine comes.  1 when somebody else loses memory: there is nothing worse to find. */
static int try_card(struct trial *w, const struct pr_topology *machine, const struct pr_card *card)
{
	const struct pr_function *port = pr_topology_find(machine, &w->port->address);
	const struct pr_action plug = { .kind = PR_ACTION_PLUG, .function = port };
	struct pr_armed a = { .port = w->port, .card = *card };
	struct pr_topology *after;
	struct pr_doubt doubt = { 0 };
	int r;

	r = pr_kernel_apply(w->kernel, machine, &plug, 1, &after, &doubt);
	if (r > 0 && !*w->doubt)
		*w->doubt = pr_doubt_text(w->arena, &doubt);
	if (r != 0)
		return r < 0 ? r : 0;
	r = note_victims(w, port->root, after, &a);
	pr_topology_free(after);
	if (r < 0 || a.n_victims == 0)
		return r;
	r = costs_memory(&a);
	if (r == 1 || w->found->n_victims == 0)
		*w->found = a;
	return r;
}

static int insert_and_try(struct trial *w, const struct pr_card *card)
{
	struct pr_topology *machine;
	int r;

	r = pr_card_insert(w->t, w->port, card, &machine);
	if (r != 0)
		return r < 0 ? r : 0; /* no bus number left to name a card by */
	r = try_card(w, machine, card);
	pr_topology_free(machine);
	return r;
}

/*
 * What is taken away in the second try is the window of the bus on which something failed that was
 * not a card (KERNEL 1.9): the port's own window, on a bus below another bridge.
 */
static bool can_be_armed(const struct pr_function *port)
{
	if (!port->parent || port->no_bus || port->bridge->busless)
		return false;
	for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++) {
		const struct pr_resource *window = pr_function_resource(port, kind);

		if (!window || window->state != PR_RES_ASSIGNED)
			return true;
	}
	return false;
}

/* @what is not known of @port; 0, -ENOMEM.  The first of a machine is told. */
static int note_doubt(struct pr_arena *arena, const char **doubt, const char *what,
	const struct pr_function *port)
{
	char address[PR_ADDRESS_MAX];

	if (*doubt)
		return 0;
	pr_address_format(&port->address, address);
	*doubt = pr_arena_printf(arena, "%s %s", address, what);
	return *doubt ? 0 : -ENOMEM;
}

int pr_armed_find(const struct pr_topology *t, const struct pr_kernel *kernel,
	const struct pr_function *port, struct pr_arena *arena, struct pr_armed *ret,
	const char **ret_doubt)
{
	static const struct pr_card kinds[] = {
		{ .kind = PR_CARD_MEM32 },
		{ .kind = PR_CARD_PREF64 },
		{ .kind = PR_CARD_MEM32, .io = IO_BAR },
		{ .kind = PR_CARD_PREF64, .io = IO_BAR },
	};
	struct pr_armed found = { 0 };
	struct trial w = { .kernel = kernel,
		.arena = arena,
		.t = t,
		.port = port,
		.doubt = ret_doubt,
		.found = &found };
	uint64_t largest = pr_largest_aperture(&port->root->facts, PR_CARD_PREF64);
	int r = 0;

	if (!can_be_armed(port))
		return 0;
	if (!port->root->facts.mem_known)
		return note_doubt(arena, ret_doubt,
			"is below a host bridge whose apertures are not known", port);
	for (uint64_t size = SMALLEST_BAR; r == 0 && size > 0 && size <= largest; size *= 2) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && r == 0; i++) {
			struct pr_card card = kinds[i];

			card.size = size;
			if (size <= pr_largest_aperture(&port->root->facts, card.kind))
				r = insert_and_try(&w, &card);
		}
	}
	if (r < 0 || found.n_victims == 0)
		return r < 0 ? r : 0;
	*ret = found;
	return 1;
}

/* ---- all ports ---- */

/* Nothing behind it works: were it a slot, a card could be plugged in, or pulled and plugged in again. */
static bool is_open(const struct pr_function *f)
{
	if (f->removed || !f->bridge)
		return false;
	pr_for_each_child (card, f->first_child)
		if (!card->removed && !pr_health_is_dead(pr_function_health(card)))
			return false;
	return true;
}

static int find_armed(struct pr_doctor *d, const struct pr_kernel *kernel, struct pr_function *f)
{
	int r;

	if (!is_open(f))
		return 0;
	if (pr_port_is_mute(f) && can_be_armed(f))
		return note_doubt(
			d->arena, &d->doubt, "may be a hot-plug slot, which is not known", f);
	if (!f->bridge->hotplug)
		return 0;
	r = pr_armed_find(d->topology, kernel, f, d->arena, &d->armed[d->n_armed], &d->doubt);
	if (r == 1)
		d->n_armed++;
	return r < 0 ? r : 0;
}

/* ---- all of it ---- */

static int examine(struct pr_doctor *d)
{
	const struct pr_topology *t = d->topology;
	struct pr_kernel kernel;
	int r;

	d->armed = pr_new_array(d->arena, t->n_functions, struct pr_armed);
	if (!d->armed)
		return -ENOMEM;
	r = pr_kernel_select(&t->machine, &kernel);
	if (r >= 0)
		r = pr_explain(t, NULL, 0, d->arena, &d->explanation);
	pr_for_each_root (t, i) {
		for (size_t j = 0; j < t->roots[i]->n_functions && r == 0; j++) {
			r = find_armed(d, &kernel, &t->roots[i]->functions[j]);
		}
	}
	return r;
}

int pr_doctor_make(const struct pr_topology *t, struct pr_doctor **ret)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_doctor *d;
	int r;

	if (!arena)
		return -ENOMEM;
	d = pr_new(arena, struct pr_doctor);
	if (!d) {
		pr_arena_free(arena);
		return -ENOMEM;
	}
	d->arena = arena;
	d->topology = t;
	r = examine(d);
	if (r < 0) {
		pr_doctor_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

void pr_doctor_free(struct pr_doctor *d)
{
	if (d)
		pr_arena_free(d->arena); /* @d lives in it */
}

bool pr_doctor_found_armed(const struct pr_doctor *d, const struct pr_function *f)
{
	for (size_t i = 0; d && i < d->n_armed; i++)
		if (d->armed[i].port == f)
			return true;
	return false;
}

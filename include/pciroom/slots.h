/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What could be hot-added where: each slot is tried with hypothetical cards on
 * the model of the kernel, and with the planner where the kernel alone fails.
 */
#pragma once

#include "pciroom/plan.h"

/* What a hypothetical card asks for, and nothing else. */
enum pr_card_kind {
	PR_CARD_MEM32 = 0, /* one 32-bit memory BAR; size in bytes */
	PR_CARD_PREF64,    /* one 64-bit prefetchable memory BAR; size in bytes */
	/*
	 * a switch without hot-plug ports; size is how many bus numbers it takes: one behind the
	 * upstream port and one behind each of the others
	 */
	PR_CARD_SWITCH,
	_PR_CARD_KIND_MAX,
};
struct pr_card {
	enum pr_card_kind kind;
	uint64_t size;
	uint64_t io; /* bytes of an I/O BAR beside the memory BAR; 0: none */
};

/* The least that has to happen until the card works.  In this order. */
enum pr_when {
	PR_WHEN_NOW = 0, /* nothing: the kernel finds room when the card is plugged in */
	PR_WHEN_FREE,    /* a plan that restarts no driver */
	PR_WHEN_RESTART, /* a plan that restarts drivers nobody is seen to use */
	PR_WHEN_IN_USE,  /* a plan that interrupts users */
	PR_WHEN_BOOT,    /* the kernel boots with the card in its slot and pci=realloc */
	_PR_WHEN_MAX,
};
const char *pr_when_name(enum pr_when w);
/* What a plan of that cost is. */
enum pr_when pr_when_of(const struct pr_cost *cost);

/* No card of that kind, whatever its size; and: it cannot be said. */
#define PR_ROOM_NONE    0
#define PR_ROOM_UNKNOWN UINT64_MAX

struct pr_slot {
	const struct pr_function *port;
	/*
	 * Largest card of each kind, at most what is asked for under "when": a power of two of
	 * bytes from 1 MiB up, or a number of buses.  What is printed was simulated and works;
	 * nothing larger was found to (Linux is not monotone, KERNEL 1.7: a smaller one need
	 * not).  A later column is never less than one before it.
	 */
	uint64_t largest[_PR_CARD_KIND_MAX][_PR_WHEN_MAX];
	const char *doubt; /* the first fact that was missing, a sentence; NULL: none */
};
/* A BAR that can have several sizes, or the VF BAR of one virtual function. */
struct pr_resizable {
	const struct pr_function *function;
	const struct pr_resource *bar;
	uint64_t sizes; /* bit n: it can be PR_REBAR_SIZE(n) */
	uint64_t size;  /* bytes, of one, that it asks for now */
	/*
	 * The largest size for which there is a plan, by what happens to others; the function itself
	 * lets go of it in any case.  PR_WHEN_NOW: nothing.  At least what it has; PR_ROOM_NONE,
	 * PR_ROOM_UNKNOWN.
	 */
	uint64_t largest[PR_WHEN_BOOT];
	const char *doubt; /* the first fact that was missing, a sentence; NULL: none */
};
struct pr_slots {
	struct pr_arena *arena;
	const struct pr_topology *topology; /* borrowed: must outlive this */
	enum pr_disruption limit;
	struct pr_slot *slots; /* in the order of the topology */
	size_t n;
	struct pr_resizable *resizable; /* the same */
	size_t n_resizable;
};
/* Plans of that effort are within the policy's limit; PR_WHEN_NOW and PR_WHEN_BOOT are no plans. */
bool pr_slots_looked_for(const struct pr_slots *s, enum pr_when when);

struct pr_slots_request {
	/* only these, as far as they are ports, and the Resizable BARs at and below them */
	const struct pr_function *const *ports;
	size_t n_ports;
	/* without @ports: every port of PCI Express that leads down, not the hot-plug slots alone */
	bool all;
};
/*
 * A card that is in a slot counts as pulled before.  Ports without bus numbers have no room for
 * anything, and are left out.  Columns beyond @policy's limit are not looked for, but for
 * PR_WHEN_BOOT.  @t as imported, not predicted.
 * 0; -EINVAL when a pci= option of the kernel cannot be understood; -ENOMEM.  Deterministic.
 */
int pr_slots_make(const struct pr_topology *t, const struct pr_policy *policy,
	const struct pr_slots_request *request, struct pr_slots **ret);
void pr_slots_free(struct pr_slots *s); /* NULL is fine */
/* @f is a port, and what was read of it does not tell whether it is a hot-plug slot. */
bool pr_port_is_mute(const struct pr_function *f);

/*
 * The machine of @port's host bridge, with @card in the slot instead of what is in it, not yet
 * enumerated.  0; 1 when the card cannot be described there (no bus number is left to name it by);
 * -ENOMEM.
 */
int pr_card_insert(const struct pr_topology *t, const struct pr_function *port,
	const struct pr_card *card, struct pr_topology **ret);

/* The largest BAR of a card of @kind that the apertures could place; 0: none, or not known. */
uint64_t pr_largest_aperture(const struct pr_root_facts *f, enum pr_card_kind kind);

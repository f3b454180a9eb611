/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random small machines with dead cards, as text (machine.h): the same from a seed everywhere. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pciroom/range.h"

#define MAX_NODES 24
#define K         UINT64_C(1024)
#define M         (K * K)

enum kind {
	MEM = 0,
	PREF,
	IO,
	N_KINDS
};

struct space {
	uint64_t size, align, base; /* size 0: none */
	bool dead;
};
struct node {
	int parent; /* -1: root bus */
	bool bridge, hotplug;
	const char *port, *extra;
	unsigned int bus, device, secondary, subordinate;
	struct space space[N_KINDS]; /* windows of a bridge, BARs of an endpoint */
};
struct machine {
	uint64_t random;
	struct node nodes[MAX_NODES];
	int n;
	struct pr_range apertures[N_KINDS];
	char text[8192];
	size_t length;
};

/* A number below @sides; m->random is the seed, and not 0. */
unsigned int roll(struct machine *m, unsigned int sides);
/* Into m->text; false when this seed gives none with @n_dead dead cards. */
bool make_machine(struct machine *m, const char *release, unsigned int n_dead);

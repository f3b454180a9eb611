/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A topology while it is made of facts: topology-build.c, and the rooms for parents and host bridges. */
#pragma once

#include "core/builder.h"

#define PR_NO_ROOT SIZE_MAX

/*
 * Functions in one array by address while parents and roots are found; then they go to their
 * roots.
 */
struct pr_building_node {
	struct pr_function f;
	struct pr_building_node *parent;
	size_t root;    /* index, or PR_NO_ROOT until it is known */
	size_t pending; /* mark of the walk up that is going on: meeting it again is a cycle */
	bool on_root_bus;
	struct pr_function *placed; /* where it went */
};

struct pr_building {
	struct pr_builder *b;
	struct pr_arena *arena;
	struct pr_build_error *error;
	struct pr_building_node *nodes;
	size_t n;
	size_t n_known_roots; /* host bridges that were given, sorted; made ones come behind */
	size_t domain_end;    /* one behind the nodes of the domain that the tables below are of */
	struct pr_building_node
		*by_secondary[256]; /* innermost bridge of the domain whose secondary bus it is */
	bool ambiguous[256];
	struct pr_building_node
		*covering[256]; /* innermost bridge of the domain in whose range it is */
};

/* Says where facts contradict each other; 1. */
__attribute__((format(printf, 3, 4))) int pr_building_contradiction(
	struct pr_building *x, const struct pr_address *a, const char *format, ...);
struct pr_building_node *pr_building_find(struct pr_building *x, const struct pr_address *a);

/* topology-translate.c: facts are sorted, and nothing is decoded yet; 0 or -ENOMEM */
int pr_building_translate(struct pr_building *x);

/* topology-parents.c: 0, or 1 after a contradiction */
int pr_building_find_parents(struct pr_building *x);
int pr_building_check_cycles(struct pr_building *x);

/* topology-roots.c, in the order in which they are to be called; 0 or -ENOMEM */
int pr_building_compare_roots(const void *pa, const void *pb); /* by domain and bus, for qsort() */
bool pr_building_is_root_bus(const struct pr_building *x, const struct pr_address *a);
int pr_building_add_roots(struct pr_building *x);
int pr_building_make_roots(struct pr_building *x, struct pr_topology *t);
void pr_building_find_roots(struct pr_building *x, struct pr_topology *t);
/* The last bus of host bridge @i that is known to be its own. */
uint8_t pr_building_known_bus(const struct pr_topology *t, size_t i);

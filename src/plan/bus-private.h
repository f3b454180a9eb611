/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the search of one bus: what can become of each unit (bus.c), and
 * the order in which vectors of that are looked at (bus-walk.c).
 */
#pragma once

#include "plan/search.h"

#define MAX_INSIDE  8
#define MAX_OPTIONS (3 + MAX_INSIDE)

struct option {
	enum pr_fate fate;
	unsigned int inside; /* which of the best below it is done, from 1; 0: none */
	bool raw;            /* something is done below it, for which this bus has to make room */
	bool rescan;         /* this bus has to be scanned */
	struct pr_cost cost;
};

/* A unit and what can become of it, the cheapest first. */
struct way {
	const struct pr_unit *unit;
	struct option options[MAX_OPTIONS];
	unsigned int n_options;
	struct pr_targets below; /* targets strictly below it; part of @all */
	bool is_target;
	struct pr_solution inside[MAX_INSIDE]; /* none costs less than the one before */
	struct pr_candidate raw;
};

struct bus {
	struct pr_search *s;
	struct pr_arena *scratch; /* gone with this bus; the search's own has what outlives it */
	const struct pr_root *root;
	const struct pr_function *parent;
	const struct pr_targets *targets;
	enum pr_tier tier;
	struct pr_cost upper;            /* only what costs less is of interest, */
	const struct pr_solution *known; /* and is none of these */
	unsigned int n_known;
	bool dive;
	struct pr_unit *units;
	size_t n_units;
	struct way *ways; /* those on the way to a target first, then by cost */
	size_t n_ways, n_on_way;
	struct pr_room *room;
	struct pr_number_room *numbers; /* NULL: nobody is numbered anew */
	unsigned int *vector;           /* an option each, by way */
	enum pr_fate *fates;            /* by unit */
	struct pr_solution best;
};

/* What can become of each unit of the bus.  0 or -ENOMEM. */
int bus_make_ways(struct bus *b);
/* A target is mended by what is done on this bus: others may go along. */
bool bus_helps(const struct bus *b);
/* The fate of each unit by the vector. */
void bus_set_fates(struct bus *b);
/* Simulates the vector unless it cannot be good, or not better; keeps it when it is the best. */
int bus_evaluate(struct bus *b);

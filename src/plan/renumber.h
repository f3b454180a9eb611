/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the search: bus numbers for what one bus loses for a moment, so
 * that bridges without any get some.  Linux takes what it finds in the
 * registers of a bridge, if primary, secondary and subordinate make sense
 * (KERNEL 1.4, K9, M10).  Knows nothing of memory.  check.c must not include this.
 */
#pragma once

#include "pciroom/plan.h"

/* Registers of a bridge, as they are to be. */
struct pr_numbers {
	const struct pr_function *bridge;
	uint8_t primary, secondary, subordinate;
};
struct pr_numbering {
	/* those that differ from what the registers hold; a bridge after those above it */
	struct pr_numbers *list;
	size_t n;
	unsigned int renumbered; /* functions that get another address */
	bool proven;             /* no numbering changes fewer */
};

/* What the numbers are for. */
struct pr_number_question {
	const struct pr_root *root;
	const struct pr_function
		*parent; /* bridge above the bus, which stays; NULL: the root bus */
	const struct pr_function *const *tops; /* on that bus, removed with all below them */
	size_t n_tops;
	const struct pr_bus_wish *buses; /* asked for; behind the first @n_asked: by the policy */
	size_t n_buses, n_asked;
};

/* True when @f is a bridge that asks for numbers: it has none, or virtual functions lack some. */
bool pr_lacks_numbers(const struct pr_function *f);
/* It is without numbers, and what is behind it will need more than its own. */
bool pr_is_hidden_switch(const struct pr_function *bridge);
/* Nobody has seen yet what is behind it, because it has no numbers. */
bool pr_hides_functions(const struct pr_function *bridge);
/*
 * The numbering that changes the fewest addresses.  0 and a numbering (without any bridge when
 * nobody asks for numbers), 1 when the bus has no room for one, -ENOMEM.
 */
int pr_renumber(
	struct pr_arena *arena, const struct pr_number_question *q, struct pr_numbering *ret);

/* ---- what numbers are there, and who asks for them ---- */

/*
 * Numbers that @q's tops ask for together; @ret_lacks: some do not have theirs, so that all are
 * numbered anew.  0 or -ENOMEM.
 */
int pr_numbers_asked(struct pr_arena *arena, const struct pr_number_question *q, unsigned int *ret,
	bool *ret_lacks);
/* Numbers behind that of @q's bus, and behind those of its virtual functions; false: none. */
bool pr_numbers_span(const struct pr_number_question *q, struct pr_range *ret);
/* What @f claims of them while it stays; false: nothing, and the range is that of its own bus. */
bool pr_numbers_claimed(const struct pr_function *f, struct pr_range *ret);

/* ---- renumber-effects.c ---- */

/* Fills @p->renumbered, and effects as far as the topology tells of them.  0 or -ENOMEM. */
int pr_plan_note_effects(struct pr_plan *p);

/* ---- between its files ---- */

/* A bridge that needs numbers: its bus, then those of the bridges below it. */
struct number_node {
	const struct pr_function *bridge;
	int parent;          /* index; -1: one of the tops */
	unsigned int own;    /* its bus, and the numbers behind it that virtual functions take */
	unsigned int tail;   /* for what is behind it and not in the tree */
	unsigned int size;   /* of the whole subtree */
	unsigned int old;    /* secondary; 0: none */
	unsigned int weight; /* of the functions on its bus: their addresses change with it */
	size_t end;          /* behind its subtree */
	unsigned int first, last; /* the answer */
};
/* Nodes are in preorder. */
struct number_tree {
	struct number_node *nodes;
	size_t n;
	struct pr_range *gaps; /* of numbers to give away, sorted */
	size_t n_gaps;
	unsigned int stayers; /* hot-plug ports on the bus that keep what they have */
};
/* Fills first and last, as tight as may be, with the least weight.  0; 1: no room; -ENOMEM. */
int number_order(struct pr_arena *arena, struct number_tree *t, bool *ret_proven);
/* Spreads what is left over among the hot-plug ports; whoever keeps its number keeps it. */
void number_spread(struct number_tree *t);

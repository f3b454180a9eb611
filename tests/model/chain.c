/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds every topology of a chain until it breaks: predictions share host bridges with those before. */
#include "chain.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST     64 /* links, then the chain is broken */
#define MAX_ACTIONS 256

struct chain {
	struct recorded_case first;
	struct pr_topology *links[LONGEST];
	size_t n;
};

struct chain *chain_new(void)
{
	return calloc(1, sizeof(struct chain));
}

void chain_break(struct chain *c)
{
	while (c->n > 0)
		pr_topology_free(c->links[--c->n]);
	case_free(&c->first);
	c->first = (struct recorded_case){ .text = NULL };
}

void chain_free(struct chain *c)
{
	if (!c)
		return;
	chain_break(c);
	free(c);
}

static bool brings_something(const struct recorded_case *c)
{
	for (size_t i = 0; i < c->n_actions; i++)
		if (c->actions[i].kind == PR_ACTION_PLUG || case_makes_vfs(&c->actions[i]))
			return true;
	return false;
}

/* The prediction does not have them. */
static bool leaves_vfs(const struct recorded_case *c)
{
	return c->n_actions > 0 && case_makes_vfs(&c->actions[c->n_actions - 1]);
}

/* A file that the kernel reads when it finds a device was written in between; no action says so. */
static bool writes_alignments(const struct pr_topology *last, const struct pr_topology *next)
{
	const char *a = last->machine.alignments, *b = next->machine.alignments;

	return strcmp(a ? a : "", b ? b : "") != 0;
}

static bool judge_linked(struct chain *c, struct recorded_case *next, struct case_judgement *ret)
{
	struct pr_action actions[MAX_ACTIONS];
	const struct pr_topology *last = c->n > 0 ? c->links[c->n - 1] : NULL;

	if (!last || c->n == LONGEST || brings_something(next) ||
		writes_alignments(last, next->before) || !case_resolve(next, last, actions))
		return false;
	case_judge(next, last, actions, ret);
	return true;
}

bool chain_judge(struct chain *c, struct recorded_case *next, struct case_judgement *ret)
{
	bool linked = judge_linked(c, next, ret);

	if (!linked) {
		chain_break(c);
		case_judge(next, next->before, next->actions, ret);
		c->first = *next;
	}
	if (ret->predicted)
		c->links[c->n++] = ret->predicted;
	ret->predicted = NULL;
	if (ret->verdict != CASE_EXACT || (!linked && leaves_vfs(&c->first)))
		chain_break(c);
	if (linked)
		case_free(next);
	return linked;
}

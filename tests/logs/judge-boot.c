/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boots: each host bridge from the first decision about it to the table that
 * the kernel prints at the end.  Before is what firmware left and the kernel
 * could claim, as logged.
 */
#include <stdio.h>
#include <string.h>

#include "judge-private.h"

/* Nothing of the kind is said before the kernel assigns. */
static bool opens_assignment(const struct pr_dmesg_entry *e)
{
	return judge_is_decision(e) || e->kind == PR_DMESG_OPTIONAL || e->kind == PR_DMESG_TRIES ||
	       e->kind == PR_DMESG_NOT_GROWN;
}

/* False: nothing was to be assigned below @root at boot. */
static bool find_part(const struct pr_dmesg *log, const struct pr_root *root, struct part *ret)
{
	struct part p = { .root = { .domain = root->facts.domain, .bus = root->facts.bus } };
	const struct pr_dmesg_entry *e = log->entries, *end = e + log->n;

	while (e < end && !(judge_is_of(e, root) && opens_assignment(e))) {
		if (judge_is_of(e, root) && e->kind == PR_DMESG_TABLE)
			return false;
		e++;
	}
	p.begin = (size_t)(e - log->entries);
	while (e < end &&
		!(judge_is_of(e, root) && (e->kind == PR_DMESG_TABLE || e->kind == PR_DMESG_FOUND)))
		e++;
	p.end = (size_t)(e - log->entries);
	*ret = p;
	return p.begin < log->n;
}

/* Whether "auto" means yes is the kernel's configuration; the log says what came of it. */
static bool was_retried(const struct judge *j, const struct part *p, const struct pr_root *root)
{
	for (size_t i = p->begin; i < p->end; i++)
		if (j->log->entries[i].kind == PR_DMESG_TRIES &&
			judge_is_of(&j->log->entries[i], root))
			return true;
	return false;
}

static int judge_part(const struct judge *j, const struct part *p, struct verdict *v)
{
	struct pr_action action = { .kind = PR_ACTION_BOOT };
	struct pr_build_error error;
	struct pr_topology *before;
	struct pr_kernel kernel;
	int r;

	r = judge_build(j, p->begin, NULL, NULL, &before, &error);
	if (r == 1)
		judge_cannot(j, p, v, error.text);
	if (r != 0)
		return r < 0 ? r : 0;
	action.root = judge_root(before, p);
	r = pr_kernel_select(&j->machine, &kernel);
	if (r >= 0 && action.root) {
		kernel.realloc = was_retried(j, p, action.root) ? PR_REALLOC_ON : PR_REALLOC_OFF;
		r = judge_action(j, p, before, &kernel, &action, v);
	}
	pr_topology_free(before);
	return r < 0 ? r : 0;
}

int judge_boot(const struct judge *j, struct verdict *v)
{
	struct pr_build_error error;
	struct pr_topology *last;
	struct part p;
	int r;

	r = judge_build(j, j->log->n, NULL, NULL, &last, &error);
	if (r == 1)
		(void)snprintf(v->why, sizeof(v->why), "%s", error.text);
	if (r != 0)
		return r < 0 ? r : 0;
	for (size_t i = 0; r == 0 && i < last->n_roots; i++)
		if (find_part(j->log, last->roots[i], &p))
			r = judge_part(j, &p, v);
	pr_topology_free(last);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search for what new addresses change: its order, and where it puts what it finds. */
#include "import/mentions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "pciroom/import.h"

const struct pr_renumbered *pr_renumbered_find(
	const struct pr_plan *plan, const struct pr_address *address)
{
	for (size_t i = 0; i < plan->n_renumbered; i++)
		if (pr_address_compare(&plan->renumbered[i].before->address, address) == 0)
			return &plan->renumbered[i];
	return NULL;
}

static bool is_known(const struct pr_plan *p, const struct pr_effect *e)
{
	for (size_t i = 0; i < p->n_effects && e->file; i++) {
		const struct pr_effect *o = &p->effects[i];

		if (o->file && o->line == e->line && strcmp(o->file, e->file) == 0 &&
			strcmp(o->before, e->before) == 0)
			return true;
	}
	return false;
}

static int grow(struct pr_effects_search *s)
{
	struct pr_plan *p = s->plan;
	struct pr_effect *more;

	if (p->n_effects < s->max_effects)
		return 0;
	s->max_effects = 2 * p->n_effects + 16;
	more = pr_new_array(p->arena, s->max_effects, struct pr_effect);
	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_effects; i++)
		more[i] = p->effects[i];
	p->effects = more;
	return 0;
}

int pr_effect_add(struct pr_effects_search *s, const struct pr_effect *effect)
{
	int r;

	if (is_known(s->plan, effect))
		return 0;
	if (s->plan->n_effects >= PR_EFFECTS_MAX) {
		s->full = true;
		return 0;
	}
	r = grow(s);
	if (r == 0)
		s->plan->effects[s->plan->n_effects++] = *effect;
	return r;
}

int pr_effects_note_unseen(struct pr_effects_search *s, const char *what)
{
	struct pr_plan *p = s->plan;

	if (what && p->effects_unseen)
		what = pr_arena_printf(p->arena, "%s; %s", p->effects_unseen, what);
	if (!what)
		return -ENOMEM;
	p->effects_unseen = what;
	return 0;
}

/* Directories have no order. */
static int compare(const void *a, const void *b)
{
	const struct pr_effect *x = a, *y = b;
	int r = (x->kind > y->kind) - (x->kind < y->kind);

	if (r == 0 && x->file && y->file)
		r = strcmp(x->file, y->file);
	if (r == 0)
		r = (x->line > y->line) - (x->line < y->line);
	if (r == 0)
		r = pr_address_compare(&x->function->address, &y->function->address);
	if (r == 0 && x->before && y->before)
		r = strcmp(x->before, y->before);
	return r;
}

static int find(struct pr_effects_search *s)
{
	int r;

	r = pr_effects_find_interfaces(s);
	if (r == 0)
		r = pr_effects_find_links(s);
	if (r == 0)
		r = pr_effects_find_files(s);
	if (r == 0 && s->full)
		r = pr_effects_note_unseen(s, "there is more than is listed");
	return r;
}

int pr_effects_find(struct pr_plan *plan, const char *root)
{
	struct pr_effects_search s = { .plan = plan, .max_effects = plan->n_effects };
	struct pr_import_error error; /* nobody reads it: memory is all that may be short */
	int r;

	if (plan->n_renumbered == 0)
		return 0;
	s.sysfs = (struct pr_sysfs){ .arena = plan->arena, .error = &error };
	s.sysfs.root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.sysfs.root < 0)
		return pr_effects_note_unseen(
			&s, pr_arena_printf(plan->arena, "%s cannot be opened", root));
	r = find(&s);
	(void)close(s.sysfs.root); /* only read from */
	if (plan->n_effects > 0)
		qsort(plan->effects, plan->n_effects, sizeof(*plan->effects), compare);
	return r;
}

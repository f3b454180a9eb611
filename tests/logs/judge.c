/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparing: the machine before an event and after it as the log has it, and
 * the model's action between.  After an event the last word about a resource
 * counts: kernels say "failed" of sizes that they place a line later.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "judge-private.h"

static bool decides(const struct pr_dmesg_entry *e)
{
	return e->index < PR_RESOURCE_MAX &&
	       (e->kind == PR_DMESG_ASSIGNED || e->kind == PR_DMESG_FAILED ||
		       e->kind == PR_DMESG_RELEASED || e->kind == PR_DMESG_CLOSED);
}

bool judge_is_decision(const struct pr_dmesg_entry *e)
{
	return e->speaker != PR_DMESG_DRIVER && decides(e);
}

static bool counts(const struct part *p, const struct pr_dmesg_entry *e)
{
	return p->drivers ? decides(e) : judge_is_decision(e);
}

bool judge_is_of(const struct pr_dmesg_entry *e, const struct pr_root *root)
{
	return e->address.domain == root->facts.domain && e->address.bus >= root->facts.bus &&
	       e->address.bus <= root->last_bus;
}

struct pr_root *judge_root(const struct pr_topology *t, const struct part *p)
{
	pr_for_each_root (t, i)
		if (t->roots[i]->facts.domain == p->root.domain &&
			t->roots[i]->facts.bus == p->root.bus)
			return t->roots[i];
	return NULL;
}

/* ---- building ---- */

static int add_newcomer(const struct judge *j, const struct part *p, const struct pr_address *a,
	struct pr_arena *arena, struct pr_builder *b)
{
	struct pr_facts facts;
	int r = pr_dmesg_newcomer(j->log, p->begin, p->end, a, arena, &facts);

	if (r != 0)
		return r < 0 ? r : 0; /* gone again before the event was over */
	r = pr_builder_add_function(b, &facts);
	return r == -EEXIST ? 0 : r;
}

static int add_newcomers(
	const struct judge *j, const struct part *p, struct pr_arena *arena, struct pr_builder *b)
{
	int r = 0;

	for (size_t i = p->begin; i < p->end && r == 0; i++)
		if (j->log->entries[i].kind == PR_DMESG_FOUND)
			r = add_newcomer(j, p, &j->log->entries[i].address, arena, b);
	return r;
}

/* Newcomers first: that they were removed before, the log need not have said. */
static int add_all(const struct judge *j, size_t until, const struct part *newcomers,
	const struct pr_facts *known, struct pr_builder *b)
{
	struct pr_arena *arena = pr_arena_new();
	int r = arena ? 0 : -ENOMEM;

	if (r == 0 && known)
		r = pr_builder_add_function(b, known);
	if (r == 0 && newcomers)
		r = add_newcomers(j, newcomers, arena, b);
	if (r == 0)
		r = pr_dmesg_add_facts(j->log, until, b);
	if (r == 0)
		r = pr_builder_set_machine(b, &j->machine);
	pr_arena_free(arena);
	return r;
}

int judge_build(const struct judge *j, size_t until, const struct part *newcomers,
	const struct pr_facts *known, struct pr_topology **ret, struct pr_build_error *error)
{
	struct pr_builder *b = pr_builder_new();
	int r = b ? add_all(j, until, newcomers, known, b) : -ENOMEM;

	if (r == 0)
		return pr_builder_finish(b, ret, error);
	pr_builder_free(b);
	return r;
}

/* ---- counting ---- */

static bool was_decided(
	const struct judge *j, const struct part *p, const struct pr_address *a, unsigned int index)
{
	for (size_t i = p->begin; i < p->end; i++) {
		const struct pr_dmesg_entry *e = &j->log->entries[i];

		if (counts(p, e) && e->index == index && pr_address_compare(&e->address, a) == 0)
			return true;
	}
	return false;
}

void judge_cannot(const struct judge *j, const struct part *p, struct verdict *v, const char *why)
{
	if (v->why[0] == '\0')
		(void)snprintf(v->why, sizeof(v->why), "%s", why);
	for (size_t i = p->begin; i < p->end; i++) {
		const struct pr_dmesg_entry *e = &j->log->entries[i];
		const struct part before = { .begin = p->begin, .end = i, .drivers = p->drivers };

		if (counts(p, e) && e->address.domain == p->root.domain &&
			!was_decided(j, &before, &e->address, e->index))
			v->unjudged++;
	}
}

/* ---- comparing ---- */

__attribute__((format(printf, 2, 3))) static void say(
	const struct judge *j, const char *format, ...)
{
	char text[256];
	va_list ap;

	if (!j->wrong)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap); /* cut is fine */
	va_end(ap);
	j->wrong(j->userdata, text);
}

static bool is_placed(const struct pr_resource *r)
{
	return r && r->state == PR_RES_ASSIGNED;
}

static bool same_place(const struct pr_resource *a, const struct pr_resource *b)
{
	if (is_placed(a) != is_placed(b))
		return false;
	return !is_placed(a) || pr_range_equal(&a->range, &b->range);
}

#define PLACE_MAX 40

static const char *place(const struct pr_resource *r, char ret[PLACE_MAX])
{
	if (is_placed(r))
		(void)snprintf(
			ret, PLACE_MAX, "%" PRIx64 "-%" PRIx64, r->range.first, r->range.last);
	else
		(void)snprintf(ret, PLACE_MAX, "no place");
	return ret;
}

static const char *resource_name(unsigned int index)
{
	static const char *const names[] = { "BAR 0", "BAR 1", "BAR 2", "BAR 3", "BAR 4", "BAR 5",
		"ROM", "VF BAR 0", "VF BAR 1", "VF BAR 2", "VF BAR 3", "VF BAR 4", "VF BAR 5",
		"I/O window", "memory window", "prefetchable window", "window 16" };

	return names[index];
}

/* Registers of a bridge are printed when it is found, and mean nothing outside of x86. */
static bool is_only_read(const struct judge *j, unsigned int index)
{
	return index >= PR_WINDOW_IO && j->machine.arch && strcmp(j->machine.arch, "x86_64") != 0;
}

/* @model NULL: the model does not have the function there. */
static void compare_resource(const struct judge *j, const struct part *p,
	const struct pr_function *logged, const struct pr_function *model, unsigned int index,
	struct verdict *v)
{
	const struct pr_resource *a = pr_function_resource(logged, index);
	const struct pr_resource *b = model ? pr_function_resource(model, index) : NULL;
	bool decided = was_decided(j, p, &logged->address, index);
	bool same = model && same_place(a, b);
	char address[PR_ADDRESS_MAX], was[PLACE_MAX], is[PLACE_MAX];

	if (!decided && (same || !model || (is_only_read(j, index) && !is_placed(b))))
		return;
	v->right += same;
	v->wrong += !same;
	if (same)
		return;
	pr_address_format(&logged->address, address);
	say(j, "%s: %s: the kernel gave %s, the model %s%s", address, resource_name(index),
		place(a, was), model ? place(b, is) : "other bus numbers",
		decided ? "" : " (the log does not mention it)");
}

static void compare(const struct judge *j, const struct part *p, const struct pr_topology *logged,
	const struct pr_topology *model, struct verdict *v)
{
	const struct pr_root *root = judge_root(logged, p);

	for (size_t i = 0; root && i < root->n_functions; i++) {
		const struct pr_function *f = &root->functions[i];
		const struct pr_function *g = NULL;

		pr_for_each_root (model, k)
			for (size_t n = 0; n < model->roots[k]->n_functions && !g; n++)
				if (!model->roots[k]->functions[n].removed &&
					pr_address_compare(&model->roots[k]->functions[n].address,
						&f->address) == 0)
					g = &model->roots[k]->functions[n];
		for (unsigned int index = 0; index < PR_RESOURCE_MAX; index++)
			compare_resource(j, p, f, g, index, v);
	}
	v->events++;
}

int judge_action(const struct judge *j, const struct part *p, const struct pr_topology *before,
	const struct pr_kernel *kernel, const struct pr_action *action, struct verdict *v)
{
	struct pr_topology *model, *logged;
	struct pr_build_error error;
	struct pr_doubt doubt = { 0 };
	int r;

	r = pr_kernel_apply(kernel, before, action, 1, &model, &doubt);
	if (r == 1)
		judge_cannot(j, p, v, doubt.text);
	if (r != 0)
		return r < 0 ? r : 0;
	r = judge_build(j, p->end, NULL, NULL, &logged, &error);
	if (r == 1)
		judge_cannot(j, p, v, error.text);
	if (r == 0) {
		compare(j, p, logged, model, v);
		pr_topology_free(logged);
	}
	pr_topology_free(model);
	return r < 0 ? r : 0;
}

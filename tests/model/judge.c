/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A prediction against what a kernel did.  Sound: whatever the model says is
 * there and can be reached, is; and what it says stays has not moved.  Exact:
 * everything is equal, windows, registers and bus numbers included.
 */
#include "judge-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_TEXT 256

const char *const case_verdict_names[_CASE_VERDICT_MAX] = {
	[CASE_EXACT] = "exact",
	[CASE_DIFFERENT] = "different",
	[CASE_DOUBT] = "doubt",
	[CASE_UNSOUND] = "UNSOUND",
};

void judge_note(struct comparison *x, enum case_verdict verdict, const struct pr_function *f,
	const char *format, ...)
{
	char address[PR_ADDRESS_MAX];
	va_list args;
	int n;

	if (verdict <= x->verdict)
		return;
	x->verdict = verdict;
	pr_address_format(&f->address, address);
	n = snprintf(x->why, CASE_TEXT, "%s: ", address);
	va_start(args, format);
	(void)vsnprintf(x->why + n, CASE_TEXT - (size_t)n, format, args);
	va_end(args);
}

void judge_show(const struct case_range *r, char ret[RANGE_TEXT])
{
	if (r->open)
		snprintf(ret, RANGE_TEXT, "%" PRIx64 "-%" PRIx64, r->at.first, r->at.last);
	else
		snprintf(ret, RANGE_TEXT, "none");
}

bool judge_same(const struct case_range *a, const struct case_range *b)
{
	return a->open == b->open && (!a->open || pr_range_equal(&a->at, &b->at));
}

/* ---- the prediction in the same form ---- */

/* The table says where a device fixes its BAR, claimed or not; a kernel that has booted says "unset". */
static bool is_shown(const struct pr_resource *r)
{
	return pr_resource_misplaced(r) && !(r->flags & PR_IORES_UNSET);
}

/* A bridge without a bus has no lines for its windows, whatever its registers say. */
static struct case_range predicted_resource(const struct pr_function *f, unsigned int index)
{
	const struct pr_resource *r = pr_function_resource(f, index);
	struct case_range range = { .open = false };

	if (r && (r->state == PR_RES_ASSIGNED || is_shown(r)) &&
		(f->predicted || !f->facts->lines || index < f->facts->n_lines)) {
		range.open = true;
		range.at = r->range;
	}
	return range;
}

/* A window that starts at 0 was never set. */
static struct case_range predicted_register(const struct pr_function *f, unsigned int kind)
{
	const struct pr_window *w = &f->bridge->registers[kind];

	return (struct case_range){ .open = w->open == PR_YES && w->range.first != 0,
		.at = w->range };
}

/* ---- can it be reached ---- */

static unsigned int first_window(const struct pr_resource *r)
{
	return pr_resource_is_io(r) ? 0 : 1;
}

static unsigned int last_window(const struct pr_resource *r)
{
	return pr_resource_is_io(r) ? 0 : 2;
}

static bool passes(
	const struct case_range *windows, const struct pr_resource *r, const struct pr_range *at)
{
	for (unsigned int k = first_window(r); k <= last_window(r); k++)
		if (windows[k].open && pr_range_contains(&windows[k].at, at))
			return true;
	return false;
}

/* Registers decide, not the kernel's table (KERNEL 1.10). */
static bool promised(const struct pr_function *f, const struct pr_resource *r)
{
	for (const struct pr_function *b = f->parent; b; b = b->parent) {
		struct case_range windows[CASE_WINDOWS];

		for (unsigned int k = 0; k < CASE_WINDOWS; k++)
			windows[k] = predicted_register(b, k);
		if (!b->bridge->subtractive && !passes(windows, r, &r->range))
			return false;
	}
	return true;
}

static bool kept(const struct comparison *x, const struct pr_function *f,
	const struct pr_resource *r, const struct case_range *at)
{
	char path[PATH_TEXT];

	for (const struct pr_function *b = f->parent; b; b = b->parent) {
		const struct case_function *real;

		if (b->bridge->subtractive || pr_function_path(b, path, sizeof(path)) < 0)
			continue;
		real = case_find(x->c, path);
		if (!real || !passes(real->registers, r, &at->at))
			return false;
	}
	return true;
}

static bool was_removed(const struct comparison *x, const struct pr_function *f)
{
	const struct pr_function *old = pr_topology_same(x->before, f);

	if (old->removed)
		return true;
	for (size_t i = 0; i < x->c->n_actions; i++)
		if (x->actions[i].kind == PR_ACTION_REMOVE &&
			pr_function_below(old, x->actions[i].function))
			return true;
	return false;
}

/* ---- one function ---- */

/* A ROM is not missed, and a window is worth what is in it. */
static void check_promise(struct comparison *x, const struct pr_function *f,
	const struct case_function *real, const struct pr_resource *r,
	const struct case_range *mine)
{
	const struct case_range *now = &real->resources[r->index];
	char have[RANGE_TEXT], want[RANGE_TEXT];

	if (r->index == PR_ROM || r->index >= PR_WINDOW_IO || !mine->open || !promised(f, r))
		return;
	judge_show(mine, want);
	judge_show(now, have);
	if (!now->open)
		judge_note(x, CASE_UNSOUND, f, "resource %u has no addresses, predicted %s",
			r->index, want);
	else if (!kept(x, f, r, now))
		judge_note(x, CASE_UNSOUND, f, "resource %u at %s is not forwarded, predicted %s",
			r->index, have, want);
	else if (!judge_same(mine, now) && !was_removed(x, f))
		judge_note(x, CASE_UNSOUND, f, "resource %u was to stay at %s and is at %s",
			r->index, want, have);
}

static void compare_resources(
	struct comparison *x, const struct pr_function *f, const struct case_function *real)
{
	char have[RANGE_TEXT], want[RANGE_TEXT];

	for (unsigned int i = 0; i < PR_RESOURCE_MAX; i++) {
		const struct pr_resource *r = pr_function_resource(f, i);
		struct case_range mine = predicted_resource(f, i);

		if (r)
			check_promise(x, f, real, r, &mine);
		if (judge_same(&mine, &real->resources[i]))
			continue;
		judge_show(&mine, want);
		judge_show(&real->resources[i], have);
		judge_note(x, CASE_DIFFERENT, f, "resource %u is %s, predicted %s", i, have, want);
	}
}

static void compare_bridge(
	struct comparison *x, const struct pr_function *f, const struct case_function *real)
{
	static const char *const names[] = { "I/O", "memory", "prefetchable" };
	const struct pr_bridge *b = f->bridge;
	char have[RANGE_TEXT], want[RANGE_TEXT];

	if (b->primary != real->primary || b->secondary != real->secondary ||
		b->subordinate != real->subordinate)
		judge_note(x, CASE_DIFFERENT, f,
			"buses are %02x,%02x,%02x, predicted %02x,%02x,%02x", real->primary,
			real->secondary, real->subordinate, b->primary, b->secondary,
			b->subordinate);
	for (unsigned int k = 0; k < CASE_WINDOWS; k++) {
		struct case_range mine = predicted_register(f, k);

		if (judge_same(&mine, &real->registers[k]))
			continue;
		judge_show(&mine, want);
		judge_show(&real->registers[k], have);
		judge_note(x, CASE_DIFFERENT, f, "%s window register is %s, predicted %s", names[k],
			have, want);
	}
}

static void compare_function(struct comparison *x, const struct pr_function *f)
{
	const struct case_function *real;
	char path[PATH_TEXT], address[PR_ADDRESS_MAX];

	if (pr_function_path(f, path, sizeof(path)) < 0)
		return;
	real = case_find(x->c, path);
	if (f->removed && real)
		judge_note(x, CASE_DIFFERENT, f, "is there, and was not predicted");
	else if (!f->removed && !real)
		judge_note(x, CASE_UNSOUND, f, "was predicted, and is not there");
	if (f->removed || !real)
		return;

	pr_address_format(&real->address, address);
	if (pr_address_compare(&f->address, &real->address) != 0)
		judge_note(x, CASE_DIFFERENT, f, "is at %s", address);
	compare_resources(x, f, real);
	if (f->bridge)
		compare_bridge(x, f, real);
}

/* ---- all of it ---- */

static bool is_predicted(const struct pr_topology *t, const struct case_function *real)
{
	return pr_topology_find_path(t, real->path) != NULL;
}

static void compare(struct comparison *x, const struct pr_topology *predicted)
{
	pr_for_each_root (predicted, i)
		for (size_t k = 0; k < predicted->roots[i]->n_functions; k++)
			compare_function(x, &predicted->roots[i]->functions[k]);
	judge_new_vfs(x, predicted);
	for (size_t i = 0; i < x->c->n_after && x->verdict == CASE_EXACT; i++) {
		if (is_predicted(predicted, &x->c->after[i]) ||
			judge_is_new_vf(x, predicted, &x->c->after[i].address))
			continue;
		x->verdict = CASE_DIFFERENT;
		snprintf(x->why, CASE_TEXT, "%s: the model knows no such function",
			x->c->after[i].path);
	}
}

void case_judge(const struct recorded_case *c, const struct pr_topology *before,
	const struct pr_action *actions, struct case_judgement *ret)
{
	struct comparison x = { .c = c, .before = before, .actions = actions, .why = ret->why };
	struct pr_doubt doubt = { .text = "" };
	struct pr_kernel kernel;
	int r;

	*ret = (struct case_judgement){ .verdict = CASE_DOUBT };
	r = pr_kernel_select(&before->machine, &kernel);
	if (r == 0)
		r = pr_kernel_apply(
			&kernel, before, actions, c->n_actions, &ret->predicted, &doubt);
	if (r < 0)
		snprintf(ret->why, CASE_TEXT, "the model refuses: %s", strerror(-r));
	else if (r > 0)
		snprintf(ret->why, CASE_TEXT, "%.160s", doubt.text);
	if (r != 0)
		return;

	compare(&x, ret->predicted);
	ret->verdict = x.verdict;
}

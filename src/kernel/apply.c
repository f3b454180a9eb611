/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Actions on a topology, one after the other, on a copy of the host bridges
 * they touch.  Which file or event does what: KERNEL 1.1 to 1.3.
 */
#include "kernel/model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void k_doubt(struct k_model *m, const struct pr_function *f, const char *format, ...)
{
	va_list args;

	if (m->status != 0)
		return;
	m->status = 1;
	m->doubt->function = f;
	va_start(args, format);
	(void)vsnprintf(m->doubt->text, sizeof(m->doubt->text), format, args); /* may be cut */
	va_end(args);
}

static const struct pr_root *root_of(const struct pr_action *a)
{
	return a->function ? a->function->root : a->root;
}

/* Buses are scanned, at or around what @a names. */
static bool scans(const struct pr_action *a)
{
	return a->kind != PR_ACTION_REMOVE && a->kind != PR_ACTION_WRITE &&
	       a->kind != PR_ACTION_RESIZE && a->kind != PR_ACTION_VFS &&
	       a->kind != PR_ACTION_UNPLUG && a->kind != PR_ACTION_UNPLUG_ACPI;
}

/* What it writes to is not removed before anything is assigned. */
static bool stays_until_rescan(const struct pr_action *actions, size_t n)
{
	const struct pr_action *w = &actions[0];

	for (size_t i = 1; i < n; i++) {
		const struct pr_action *a = &actions[i];

		if (a->kind == PR_ACTION_REMOVE && pr_function_below(w->function, a->function))
			return false;
		if (scans(a) || a->kind == PR_ACTION_RESIZE)
			return a->kind == PR_ACTION_RESCAN_ALL || root_of(a) == w->function->root;
	}
	return false;
}

/*
 * Bus numbers written to a bridge that is in use give it a second bus (KERNEL 1.4); the size
 * of a BAR that is in use changes behind the kernel's back.
 */
static bool writes_live(const struct pr_function *f, const struct pr_action *w)
{
	return (f->bridge && k_action_touches(w, 0x18, 0x1a)) || k_writes_size(f, w);
}

static int apply_write(
	struct k_model *m, struct pr_function *f, const struct pr_action *actions, size_t n)
{
	if (writes_live(f, &actions[0]) && stays_until_rescan(actions, n))
		k_doubt(m, f, "its %s written while it is in use",
			f->bridge ? "bus numbers are" : "BAR sizes are");
	return m->status != 0 ? m->status : k_write(m, f, &actions[0]);
}

static int rescan_all(struct k_model *m)
{
	int r = 0;

	for (size_t i = 0; i < m->t->n_roots && r == 0; i++)
		r = k_rescan(m, m->t->roots[i], NULL);
	return r;
}

static int rescan_at(struct k_model *m, struct pr_root *root, struct pr_function *f)
{
	if (f && f->removed)
		return -EINVAL;
	return k_rescan(m, root, f ? f->parent : NULL);
}

static int apply_one(struct k_model *m, const struct pr_action *actions, size_t n)
{
	const struct pr_action *a = &actions[0];
	struct pr_function *f = a->function ? pr_topology_same(m->t, a->function) : NULL;
	struct pr_root *root = NULL;

	if (a->kind != PR_ACTION_RESCAN_ALL)
		root = m->t->roots[pr_root_position(m->t, root_of(a))];
	switch (a->kind) {
	case PR_ACTION_REMOVE:
		return k_remove(f);
	case PR_ACTION_WRITE:
		return apply_write(m, f, actions, n);
	case PR_ACTION_RESIZE:
		return k_resize(m, f, a->index, a->size);
	case PR_ACTION_RESCAN:
		return rescan_at(m, root, f);
	case PR_ACTION_RESCAN_ALL:
		return rescan_all(m);
	case PR_ACTION_RESCAN_BUS:
		return k_rescan_bus(m, root, f);
	case PR_ACTION_PLUG:
		return k_plug(m, f, a->device);
	case PR_ACTION_UNPLUG:
		return f->bridge ? k_unplug_slot(f, a->device) : -EINVAL;
	case PR_ACTION_PLUG_ACPI:
		return k_plug_acpi(m, root, f, a->device);
	case PR_ACTION_UNPLUG_ACPI:
		return k_unplug_below(root, f, a->device);
	case PR_ACTION_BOOT:
		return k_boot(m, root);
	case PR_ACTION_VFS:
		return k_set_vfs(m, f, a->value);
	}
	return -EINVAL;
}

/* What names no function has to name a host bridge, where there is a choice. */
static int check_action(const struct pr_topology *t, const struct pr_action *a)
{
	bool needs_function = a->kind == PR_ACTION_REMOVE || a->kind == PR_ACTION_WRITE ||
			      a->kind == PR_ACTION_RESIZE || a->kind == PR_ACTION_PLUG ||
			      a->kind == PR_ACTION_UNPLUG || a->kind == PR_ACTION_VFS;

	if (a->kind == PR_ACTION_RESCAN_ALL)
		return 0;
	if (!a->function && (needs_function || !a->root))
		return -EINVAL;
	return pr_root_position(t, root_of(a)) < t->n_roots ? 0 : -EINVAL;
}

static void mark_touched(const struct pr_topology *t, const struct pr_action *a, bool *touch)
{
	if (a->kind != PR_ACTION_RESCAN_ALL) {
		touch[pr_root_position(t, root_of(a))] = true;
		return;
	}
	pr_for_each_root (t, i)
		touch[i] = true;
}

static int copy_touched(const struct pr_topology *t, const struct pr_action *actions, size_t n,
	struct pr_topology **ret)
{
	struct pr_arena *arena = pr_arena_new();
	bool *touch;
	int r = 0;

	if (!arena)
		return -ENOMEM;
	touch = pr_new_array(arena, t->n_roots, bool);
	if (!touch)
		r = -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		r = check_action(t, &actions[i]);
		if (r == 0)
			mark_touched(t, &actions[i], touch);
	}
	if (r == 0)
		r = pr_topology_copy(t, touch, ret);
	pr_arena_free(arena);
	return r;
}

static int apply_all(struct k_model *m, const struct pr_action *actions, size_t n)
{
	int r = 0;

	m->writes_arena = pr_arena_new();
	if (!m->writes_arena)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++)
		r = apply_one(m, &actions[i], n - i);
	pr_arena_free(m->writes_arena);
	return r;
}

int pr_kernel_apply(const struct pr_kernel *k, const struct pr_topology *t,
	const struct pr_action *actions, size_t n, struct pr_topology **ret, struct pr_doubt *doubt)
{
	struct pr_doubt unwanted;
	struct k_model m = {
		.kernel = k,
		.profile = k_profile_of(k),
		.doubt = doubt ? doubt : &unwanted,
	};
	int r;

	r = copy_touched(t, actions, n, &m.t);
	if (r < 0)
		return r;
	r = apply_all(&m, actions, n);
	if (r == 1 && m.doubt->function)
		m.doubt->function = pr_topology_same(t, m.doubt->function);
	if (r != 0) {
		pr_topology_free(m.t);
		return r;
	}

	pr_topology_sign(m.t, t);
	*ret = m.t;
	return 0;
}

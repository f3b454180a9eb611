/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel model as a back end: what-if and dry run are the same runner on
 * it.  Adds what the model leaves out: drivers, which the kernel binds when it
 * finds a function, registers, which keep what was written until the function
 * is found anew, and settings, which are forgotten then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/resize.h"
#include "exec/simulator.h"

/* ---- functions ---- */

/* Counts functions over all host bridges; positions do not change from one topology to the next. */
size_t pr_simulator_index(const struct pr_topology *t, const struct pr_function *f)
{
	size_t n = (size_t)(f - f->root->functions);

	for (size_t i = 0; i < t->n_roots && t->roots[i] != f->root; i++)
		n += t->roots[i]->n_functions;

	return n;
}

struct pr_function *pr_simulator_find(const struct pr_simulator *s, const struct pr_address *a)
{
	struct pr_function *f = pr_topology_find(s->now, a);

	return f && !f->removed ? f : NULL;
}

const char *pr_simulator_driver(const struct pr_simulator *s, const struct pr_function *f)
{
	return s->driver[pr_simulator_index(s->now, f)];
}

/* ---- the model ---- */

/*
 * The kernel makes a new device: settings are forgotten, and who unbound it.  Up to 6.18 it tries
 * drivers whatever drivers_autoprobe says (pci_bus_add_device() of drivers/pci/bus.c).
 */
static void found(struct pr_simulator *s, const struct pr_function *f)
{
	size_t i = pr_simulator_index(s->now, f);
	char path[PR_FUNCTION_PATH_MAX];

	if (pr_function_path(f, path, sizeof(path)) < 0)
		return; /* longer than any path that bus numbers allow */
	s->reborn[i] = true;
	pr_simulator_forget_bytes(s, f, path);
	pr_simulator_forget_settings(s, path);
	s->driver[i] = (s->autoprobe || !s->honours_autoprobe) && pr_simulator_may_bind(s, f)
			       ? pr_simulator_match(s, f, path)
			       : NULL;
}

static void all_found(struct pr_simulator *s, const struct pr_topology *before)
{
	for (size_t i = 0; i < before->n_roots; i++) {
		const struct pr_root *was = before->roots[i], *is = s->now->roots[i];

		for (size_t k = 0; k < was->n_functions; k++)
			if (was->functions[k].removed && !is->functions[k].removed)
				found(s, &is->functions[k]);
	}
}

static int act_all(struct pr_simulator *s, const struct pr_action *actions, size_t n)
{
	const struct pr_topology *before = s->now;
	struct pr_topology **chain, *next;
	struct pr_doubt doubt;
	int r;

	chain = reallocarray(s->chain, s->n_chain + 1, sizeof(*chain));
	if (!chain)
		return -ENOMEM;
	s->chain = chain;

	r = pr_kernel_apply(&s->kernel, s->now, actions, n, &next, &doubt);
	if (r != 0)
		return r < 0 ? r : -ENODATA; /* a fact that decides is missing */

	s->chain[s->n_chain++] = next;
	s->now = next;
	all_found(s, before);
	return 0;
}

int pr_simulator_act(struct pr_simulator *s, const struct pr_action *action)
{
	return act_all(s, action, 1);
}

/* ---- operations ---- */

static int simulator_autoprobe(void *instance, bool on)
{
	struct pr_simulator *s = instance;

	s->autoprobe = on;
	return 0;
}

static int simulator_probe(void *instance, const struct pr_address *a)
{
	struct pr_simulator *s = instance;
	const struct pr_function *f = pr_simulator_find(s, a);
	char path[PR_FUNCTION_PATH_MAX];
	int r;

	if (!f)
		return -ENODEV;
	if (pr_simulator_driver(s, f))
		return -EBUSY;
	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;

	s->driver[pr_simulator_index(s->now, f)] = pr_simulator_match(s, f, path);
	return 0;
}

static int simulator_unbind(void *instance, const struct pr_address *a)
{
	struct pr_simulator *s = instance;
	const struct pr_function *f = pr_simulator_find(s, a);

	if (!f)
		return -ENODEV;
	if (!pr_simulator_driver(s, f))
		return -ENOENT;

	s->driver[pr_simulator_index(s->now, f)] = NULL;
	return 0;
}

static int simulator_bind(void *instance, const struct pr_address *a, const char *driver)
{
	struct pr_simulator *s = instance;
	const struct pr_function *f = pr_simulator_find(s, a);

	if (!f)
		return -ENODEV;
	if (pr_simulator_driver(s, f))
		return -EBUSY;
	if (!f->facts->driver || strcmp(f->facts->driver, driver) != 0 ||
		!pr_simulator_may_bind(s, f))
		return -ENODEV; /* another driver does not match it */

	s->driver[pr_simulator_index(s->now, f)] = f->facts->driver;
	return 0;
}

static int simulator_rescan(void *instance, const struct pr_address *a)
{
	struct pr_simulator *s = instance;
	struct pr_action action = { .kind = PR_ACTION_RESCAN, .function = pr_simulator_find(s, a) };

	return action.function ? pr_simulator_act(s, &action) : -ENODEV;
}

static int simulator_rescan_root(void *instance, uint32_t domain, uint8_t bus)
{
	struct pr_simulator *s = instance;
	struct pr_action action = { .kind = PR_ACTION_RESCAN };

	pr_for_each_root (s->now, i) {
		const struct pr_root_facts *f = &s->now->roots[i]->facts;

		if (f->domain == domain && f->bus == bus)
			action.root = s->now->roots[i];
	}

	return action.root ? pr_simulator_act(s, &action) : -ENODEV;
}

static int simulator_remove(void *instance, const struct pr_address *a)
{
	struct pr_simulator *s = instance;
	const struct pr_function *top = pr_simulator_find(s, a);
	struct pr_action *actions;
	size_t n = 0, max = 1;
	int r;

	if (!top)
		return -ENODEV;
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
		if (!f->removed && pr_simulator_vfs(s, f) > 0)
			return -EBUSY; /* as the helper does: they would be left behind */
		max += PR_SIMULATOR_SIZES_MAX;
	}
	actions = calloc(max, sizeof(*actions));
	if (!actions)
		return -ENOMEM;
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		if (!f->removed)
			n += pr_simulator_sizes(s, f, actions + n);
	actions[n++] = (struct pr_action){ .kind = PR_ACTION_REMOVE, .function = top };
	r = act_all(s, actions, n);
	free(actions);
	return r;
}

/* As the kernel does: it refuses what it has no room for, and what a driver has. */
static int simulator_resize(
	void *instance, const struct pr_address *a, unsigned int bar, unsigned int order)
{
	struct pr_simulator *s = instance;
	const struct pr_action action = {
		.kind = PR_ACTION_RESIZE,
		.function = pr_simulator_find(s, a),
		.index = (uint8_t)(PR_BAR0 + bar),
		.size = PR_REBAR_SIZE(order),
	};
	int r;

	if (!action.function)
		return -ENODEV;
	if (s->driver[pr_simulator_index(s->now, action.function)])
		return -EBUSY;
	r = pr_simulator_act(s, &action);
	if (r < 0)
		return r;
	if (pr_function_resource(pr_simulator_find(s, a), action.index)->size != action.size)
		return -ENOSPC;
	return pr_simulator_set_size(s, pr_simulator_find(s, a), bar, order);
}

/* ---- looking ---- */

/* As an import would see it: drivers, settings and registers as they are now. */
static int bring_up_to_date(
	const struct pr_simulator *s, struct pr_topology *t, struct pr_function *f)
{
	size_t n = pr_simulator_index(t, f);
	struct pr_facts *facts;
	char path[PR_FUNCTION_PATH_MAX];
	int r;

	if (s->n_written == 0 && !s->reborn[n] && s->driver[n] == f->facts->driver &&
		!(pr_simulator_has_vfs(f) && !f->removed))
		return 0;
	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;
	facts = pr_arena_memdup(t->arena, f->facts, sizeof(*facts));
	if (!facts)
		return -ENOMEM;

	facts->driver = s->driver[n];
	facts->driver_override =
		pr_arena_strdup(t->arena, pr_simulator_setting(s, f, n, path, "driver_override"));
	if (facts->driver_override && !*facts->driver_override)
		facts->driver_override = NULL;
	if (pr_simulator_has_vfs(f) && !f->removed)
		facts->sriov_numvfs = (int)pr_simulator_vfs(s, pr_topology_same(s->now, f));
	facts->config = pr_simulator_config(s, t, f->facts, path);
	f->facts = facts;
	return 0;
}

static int simulator_look(void *instance, struct pr_topology **ret)
{
	struct pr_simulator *s = instance;
	struct pr_topology *t;
	int r;

	r = pr_topology_copy(s->now, NULL, &t);
	if (r < 0)
		return r;
	pr_for_each_root (t, i)
		for (size_t k = 0; r == 0 && k < t->roots[i]->n_functions; k++)
			r = bring_up_to_date(s, t, &t->roots[i]->functions[k]);
	if (r < 0) {
		pr_topology_free(t);
		return r;
	}

	*ret = t;
	return 0;
}

static const struct pr_backend_ops simulator_ops = {
	.name = "simulator",
	.help = "the kernel model, nothing is touched",
	.unbind = simulator_unbind,
	.bind = simulator_bind,
	.remove = simulator_remove,
	.rescan = simulator_rescan,
	.rescan_root = simulator_rescan_root,
	.read = pr_simulator_read,
	.write = pr_simulator_write,
	.resize = simulator_resize,
	.attributes = pr_simulator_attributes,
	.set_attribute = pr_simulator_set_attribute,
	.autoprobe = simulator_autoprobe,
	.probe = simulator_probe,
	.look = simulator_look,
};

/* ---- life ---- */

static void instance_free(struct pr_simulator *s)
{
	if (!s)
		return;

	while (s->n_chain > 0)
		pr_topology_free(s->chain[--s->n_chain]);
	free(s->chain);
	free(s->driver);
	free(s->reborn);
	free(s->attributes);
	free(s->written);
	pr_arena_free(s->arena);
	free(s);
}

static bool honours_autoprobe(const char *release)
{
	unsigned int major, minor;

	return !release || sscanf(release, "%u.%u", &major, &minor) != 2 || major > 6 ||
	       (major == 6 && minor >= 19);
}

static int instance_init(struct pr_simulator *s, const struct pr_topology *t)
{
	size_t n = 0;
	int r;

	s->now = t;
	s->autoprobe = true;
	s->honours_autoprobe = honours_autoprobe(t->machine.release);
	/* an empty machine is one too */
	s->driver = calloc(t->n_functions + 1, sizeof(*s->driver));
	s->reborn = calloc(t->n_functions + 1, sizeof(*s->reborn));
	s->arena = pr_arena_new();
	if (!s->driver || !s->reborn || !s->arena)
		return -ENOMEM;
	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			s->driver[n++] = t->roots[i]->functions[k].facts->driver;

	r = pr_kernel_select(&t->machine, &s->kernel);
	s->kernel.unseen_is_empty = true; /* what is not in the topology is not there */
	return r;
}

int pr_backend_simulator_new(const struct pr_topology *t, struct pr_backend *ret)
{
	struct pr_simulator *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = instance_init(s, t);
	if (r < 0) {
		instance_free(s);
		return r;
	}

	*ret = (struct pr_backend){ .ops = &simulator_ops, .instance = s };
	return 0;
}

void pr_backend_simulator_free(struct pr_backend *b)
{
	instance_free(b->instance);
	*b = (struct pr_backend){ 0 };
}

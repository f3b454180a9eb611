/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel model as a back end: what-if and dry run are the same runner on
 * it.  Adds what the model leaves out: drivers, which the kernel binds when it
 * finds a function, and registers, which keep what was written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "pciroom/exec.h"

/* One byte written to configuration space. */
struct written {
	const char *path;
	uint16_t offset;
	uint8_t value;
};

struct instance {
	struct pr_kernel kernel;
	const struct pr_topology *now; /* borrowed at the start, then the last of the chain */
	struct pr_topology **chain;    /* each shares host bridges with the one before */
	size_t n_chain;
	bool *unbound; /* by index_of() */
	struct written *written;
	size_t n_written;
	struct pr_arena *arena;
};

/* ---- functions ---- */

/* Counts functions over all host bridges; positions do not change from one topology to the next. */
static size_t index_of(const struct pr_topology *t, const struct pr_function *f)
{
	size_t n = (size_t)(f - f->root->functions);

	for (size_t i = 0; i < t->n_roots && t->roots[i] != f->root; i++)
		n += t->roots[i]->n_functions;

	return n;
}

static struct pr_function *find(const struct instance *s, const struct pr_address *a)
{
	struct pr_function *f = pr_topology_find(s->now, a);

	return f && !f->removed ? f : NULL;
}

static const char *driver_of(const struct instance *s, const struct pr_function *f)
{
	return s->unbound[index_of(s->now, f)] ? NULL : f->facts->driver;
}

/* ---- the model ---- */

/* The kernel has numbered a bridge that it finds, whatever was written there before. */
static void forget_written(struct instance *s, const struct pr_function *f)
{
	char path[1024];
	size_t kept = 0;

	if (s->n_written == 0 || pr_function_path(f, path, sizeof(path)) < 0)
		return;
	for (size_t i = 0; i < s->n_written; i++)
		if (strcmp(s->written[i].path, path) != 0)
			s->written[kept++] = s->written[i];
	s->n_written = kept;
}

/*
 * The kernel probes drivers for what it finds, and what was removed has forgotten who unbound it.
 */
static void bind_found(struct instance *s, const struct pr_topology *before)
{
	for (size_t i = 0; i < before->n_roots; i++) {
		const struct pr_root *was = before->roots[i], *is = s->now->roots[i];

		for (size_t k = 0; k < was->n_functions; k++) {
			if (!was->functions[k].removed || is->functions[k].removed)
				continue;
			s->unbound[index_of(s->now, &is->functions[k])] = false;
			forget_written(s, &is->functions[k]);
		}
	}
}

static int act(struct instance *s, const struct pr_action *action)
{
	const struct pr_topology *before = s->now;
	struct pr_topology **chain, *next;
	struct pr_doubt doubt;
	int r;

	chain = reallocarray(s->chain, s->n_chain + 1, sizeof(*chain));
	if (!chain)
		return -ENOMEM;
	s->chain = chain;

	r = pr_kernel_apply(&s->kernel, s->now, action, 1, &next, &doubt);
	if (r != 0)
		return r < 0 ? r : -ENODATA; /* a fact that decides is missing */

	s->chain[s->n_chain++] = next;
	s->now = next;
	bind_found(s, before);
	return 0;
}

/* ---- operations ---- */

static int simulator_unbind(void *instance, const struct pr_address *a)
{
	struct instance *s = instance;
	const struct pr_function *f = find(s, a);

	if (!f)
		return -ENODEV;
	if (!driver_of(s, f))
		return -ENOENT;

	s->unbound[index_of(s->now, f)] = true;
	return 0;
}

static int simulator_bind(void *instance, const struct pr_address *a, const char *driver)
{
	struct instance *s = instance;
	const struct pr_function *f = find(s, a);

	if (!f)
		return -ENODEV;
	if (driver_of(s, f))
		return -EBUSY;
	if (!f->facts->driver || strcmp(f->facts->driver, driver) != 0)
		return -ENODEV; /* another driver does not match it */

	s->unbound[index_of(s->now, f)] = false;
	return 0;
}

static int simulator_remove(void *instance, const struct pr_address *a)
{
	struct instance *s = instance;
	struct pr_action action = { .kind = PR_ACTION_REMOVE, .function = find(s, a) };

	return action.function ? act(s, &action) : -ENODEV;
}

static int simulator_rescan(void *instance, const struct pr_address *a)
{
	struct instance *s = instance;
	struct pr_action action = { .kind = PR_ACTION_RESCAN, .function = find(s, a) };

	return action.function ? act(s, &action) : -ENODEV;
}

static int simulator_rescan_root(void *instance, uint32_t domain, uint8_t bus)
{
	struct instance *s = instance;
	struct pr_action action = { .kind = PR_ACTION_RESCAN };

	pr_for_each_root (s->now, i) {
		const struct pr_root_facts *f = &s->now->roots[i]->facts;

		if (f->domain == domain && f->bus == bus)
			action.root = s->now->roots[i];
	}

	return action.root ? act(s, &action) : -ENODEV;
}

/* ---- registers ---- */

/* The last value written there; false when none was. */
static bool find_written(const struct instance *s, const char *path, uint32_t offset, uint8_t *ret)
{
	for (size_t i = s->n_written; i-- > 0;) {
		if (s->written[i].offset != offset || strcmp(s->written[i].path, path) != 0)
			continue;
		*ret = s->written[i].value;
		return true;
	}

	return false;
}

/* Bus numbers are the bridge's as the model has them; the rest is what was written, or recorded. */
static bool read_byte(const struct instance *s, const struct pr_function *f, const char *path,
	uint32_t offset, uint8_t *ret)
{
	const struct pr_config config = { f->facts->config, f->facts->config_length };

	if (find_written(s, path, offset, ret))
		return true;
	if (f->bridge && offset >= 0x18 && offset <= 0x1a) {
		const uint8_t numbers[] = { f->bridge->primary, f->bridge->secondary,
			f->bridge->subordinate };

		*ret = numbers[offset - 0x18];
		return true;
	}

	return pr_config_u8(&config, offset, ret);
}

static int simulator_read(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret)
{
	struct instance *s = instance;
	const struct pr_function *f = find(s, a);
	uint32_t value = 0;
	char path[1024];
	uint8_t byte;
	int r;

	if (!f)
		return -ENODEV;
	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;

	for (uint32_t i = width; i-- > 0;) {
		if (!read_byte(s, f, path, offset + i, &byte))
			return -EIO;
		value = value << 8 | byte;
	}

	*ret = value;
	return 0;
}

static int remember(
	struct instance *s, const char *path, uint16_t offset, uint8_t width, uint32_t value)
{
	struct written *written = reallocarray(s->written, s->n_written + width, sizeof(*written));
	const char *copy = pr_arena_strdup(s->arena, path);

	if (written)
		s->written = written;
	if (!written || !copy)
		return -ENOMEM;

	for (uint8_t i = 0; i < width; i++)
		s->written[s->n_written++] = (struct written){ copy, (uint16_t)(offset + i),
			(uint8_t)(value >> (8 * i)) };

	return 0;
}

static int simulator_write(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t value)
{
	struct instance *s = instance;
	struct pr_action action = {
		.kind = PR_ACTION_WRITE,
		.function = find(s, a),
		.offset = offset,
		.width = width,
		.value = value,
	};
	char path[1024];
	int r;

	if (!action.function)
		return -ENODEV;
	r = pr_function_path(action.function, path, sizeof(path));
	if (r < 0)
		return r;
	r = act(s, &action);
	if (r < 0)
		return r;

	return remember(s, path, offset, width, value);
}

/* ---- looking ---- */

/* As an import would see it: functions that were unbound have no driver. */
static int without_drivers(const struct instance *s, struct pr_topology *t)
{
	size_t n = 0;

	pr_for_each_root (t, i) {
		for (size_t k = 0; k < t->roots[i]->n_functions; k++, n++) {
			struct pr_function *f = &t->roots[i]->functions[k];
			struct pr_facts *facts;

			if (!s->unbound[n])
				continue;
			facts = pr_arena_memdup(t->arena, f->facts, sizeof(*facts));
			if (!facts)
				return -ENOMEM;
			facts->driver = NULL;
			f->facts = facts;
		}
	}

	return 0;
}

static int simulator_look(void *instance, struct pr_topology **ret)
{
	struct instance *s = instance;
	struct pr_topology *t;
	int r;

	r = pr_topology_copy(s->now, NULL, &t);
	if (r < 0)
		return r;
	r = without_drivers(s, t);
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
	.read = simulator_read,
	.write = simulator_write,
	.look = simulator_look,
};

/* ---- life ---- */

static void instance_free(struct instance *s)
{
	if (!s)
		return;

	while (s->n_chain > 0)
		pr_topology_free(s->chain[--s->n_chain]);
	free(s->chain);
	free(s->unbound);
	free(s->written);
	pr_arena_free(s->arena);
	free(s);
}

int pr_backend_simulator_new(const struct pr_topology *t, struct pr_backend *ret)
{
	struct instance *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->now = t;
	s->unbound =
		calloc(t->n_functions + 1, sizeof(*s->unbound)); /* an empty machine is one too */
	s->arena = pr_arena_new();
	r = s->unbound && s->arena ? pr_kernel_select(&t->machine, &s->kernel) : -ENOMEM;
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

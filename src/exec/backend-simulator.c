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

#include "base/macros.h"
#include "exec/resize.h"
#include "pciroom/exec.h"

/* One byte written to configuration space. */
struct written {
	const char *path;
	uint16_t offset;
	uint8_t value;
};

/* A setting that differs from what it is by default. */
struct attribute {
	const char *path, *name, *value;
};

struct instance {
	struct pr_kernel kernel;
	const struct pr_topology *now; /* borrowed at the start, then the last of the chain */
	struct pr_topology **chain;    /* each shares host bridges with the one before */
	size_t n_chain;
	const char **driver; /* bound now; by index_of() */
	bool *reborn;        /* found anew: settings of the facts are forgotten; the same */
	struct written *written;
	size_t n_written;
	struct attribute *attributes;
	size_t n_attributes;
	bool autoprobe, honours_autoprobe;
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
	return s->driver[index_of(s->now, f)];
}

/* ---- settings ---- */

static const struct {
	const char *name, *value;
} defaults[] = {
	{ "driver_override", "" },
	{ "power/control", "auto" },
	{ "d3cold_allowed", "1" },
	{ "msi_bus", "1" },
	{ "numa_node", "-1" },
};

static bool has_vfs(const struct pr_function *f)
{
	return !f->facts->is_vf && f->caps->sriov.present == PR_YES && f->caps->sriov.total_vfs > 0;
}

/* Its virtual functions are away when it is found, and drivers may be tried on those to come. */
static const char *virtual_attribute(
	const struct instance *s, const struct pr_function *f, size_t index, const char *name)
{
	int n = s->reborn[index] ? 0 : f->facts->sriov_numvfs;

	if (!has_vfs(f))
		return NULL;
	if (strcmp(name, "sriov_drivers_autoprobe") == 0)
		return "1";
	if (strcmp(name, "sriov_numvfs") == 0)
		return pr_arena_printf(s->arena, "%d", n > 0 ? n : 0);

	return NULL;
}

static void forget_attributes(struct instance *s, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_attributes; i++)
		if (strcmp(s->attributes[i].path, path) != 0)
			s->attributes[kept++] = s->attributes[i];
	s->n_attributes = kept;
}

/*
 * The value now; NULL when the function has no such setting.  @f: of any topology, at the position
 * @index of each.
 */
static const char *attribute_of(const struct instance *s, const struct pr_function *f, size_t index,
	const char *path, const char *name)
{
	for (size_t i = s->n_attributes; i-- > 0;)
		if (strcmp(s->attributes[i].path, path) == 0 &&
			strcmp(s->attributes[i].name, name) == 0)
			return s->attributes[i].value;
	if (strcmp(name, "driver_override") == 0 && f->facts->driver_override && !s->reborn[index])
		return f->facts->driver_override;
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (strcmp(defaults[i].name, name) == 0)
			return defaults[i].value;

	return virtual_attribute(s, f, index, name);
}

/* The same of a function that is there. */
static const char *attribute_now(
	const struct instance *s, const struct pr_function *f, const char *name)
{
	char path[1024];

	return pr_function_path(f, path, sizeof(path)) < 0
		       ? NULL
		       : attribute_of(s, f, index_of(s->now, f), path, name);
}

static unsigned int numvfs_of(const struct instance *s, const struct pr_function *f)
{
	const char *value = has_vfs(f) ? attribute_now(s, f, "sriov_numvfs") : NULL;

	return value ? (unsigned int)atoi(value) : 0;
}

static bool is_vf_of(const struct pr_function *f, const struct pr_function *pf)
{
	return f->facts->is_vf && pr_address_compare(&f->facts->physfn, &pf->facts->address) == 0;
}

/* pci_device_can_probe() of drivers/pci/pci-driver.c */
static bool may_be_bound(const struct instance *s, const struct pr_function *f)
{
	const char *override = attribute_now(s, f, "driver_override"), *autoprobe = NULL;

	for (size_t i = 0; f->facts->is_vf && i < f->root->n_functions; i++)
		if (is_vf_of(f, &f->root->functions[i]))
			autoprobe =
				attribute_now(s, &f->root->functions[i], "sriov_drivers_autoprobe");

	return !autoprobe || strcmp(autoprobe, "0") != 0 || (override && *override);
}

/*
 * The driver that the kernel takes: one that was there because of an override is not the one that
 * matches by itself.
 */
static const char *matching_driver(
	const struct instance *s, const struct pr_function *f, const char *path)
{
	const char *override = attribute_of(s, f, index_of(s->now, f), path, "driver_override");
	const char *facts = f->facts->driver_override;

	if (*override)
		return f->facts->driver && strcmp(override, f->facts->driver) == 0 ? override
										   : NULL;
	if (f->facts->driver && facts && strcmp(facts, f->facts->driver) == 0)
		return "first-match";

	return f->facts->driver;
}

static int simulator_attributes(void *instance, const struct pr_address *a, char *ret, size_t size)
{
	struct instance *s = instance;
	const struct pr_function *f = find(s, a);
	size_t used;
	char path[1024];
	int r;

	if (!f)
		return -ENODEV;
	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;

	used = (size_t)snprintf(ret, size, "drivers_autoprobe=%d\n", s->autoprobe);
	for (size_t i = 0; i < ARRAY_SIZE(defaults) && used < size; i++)
		used += (size_t)snprintf(ret + used, size - used, "%s=%s\n", defaults[i].name,
			attribute_of(s, f, index_of(s->now, f), path, defaults[i].name));
	if (has_vfs(f) && used < size)
		used += (size_t)snprintf(ret + used, size - used,
			"sriov_drivers_autoprobe=%s\nsriov_numvfs=%u\n",
			attribute_now(s, f, "sriov_drivers_autoprobe"), numvfs_of(s, f));

	return used < size ? 0 : -ENOSPC;
}

static int keep_attribute(
	struct instance *s, const struct pr_function *f, const char *name, const char *value)
{
	struct attribute *grown;
	char path[1024];
	int r;

	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;
	if (!attribute_of(s, f, index_of(s->now, f), path, name))
		return -ENOENT;

	grown = reallocarray(s->attributes, s->n_attributes + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->attributes = grown;
	grown[s->n_attributes] = (struct attribute){ pr_arena_strdup(s->arena, path),
		pr_arena_strdup(s->arena, name), pr_arena_strdup(s->arena, value) };
	if (!grown[s->n_attributes].path || !grown[s->n_attributes].name ||
		!grown[s->n_attributes].value)
		return -ENOMEM;

	s->n_attributes++;
	return 0;
}

static int simulator_autoprobe(void *instance, bool on)
{
	struct instance *s = instance;

	s->autoprobe = on;
	return 0;
}

static int simulator_probe(void *instance, const struct pr_address *a)
{
	struct instance *s = instance;
	const struct pr_function *f = find(s, a);
	char path[1024];
	int r;

	if (!f)
		return -ENODEV;
	if (driver_of(s, f))
		return -EBUSY;
	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;

	s->driver[index_of(s->now, f)] = matching_driver(s, f, path);
	return 0;
}

/* ---- the model ---- */

static bool is_control(const struct pr_rebar *r, uint16_t offset)
{
	return r->present == PR_YES && offset >= r->offset + 8 &&
	       offset < r->offset + 8 + 8 * r->n_entries;
}

/*
 * The kernel has numbered a bridge that it finds, whatever was written there before; sizes of BARs
 * are the device's.
 */
static void forget_written(struct instance *s, const struct pr_function *f, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_written; i++)
		if (strcmp(s->written[i].path, path) != 0 ||
			is_control(&f->caps->rebar, s->written[i].offset) ||
			is_control(&f->caps->vf_rebar, s->written[i].offset))
			s->written[kept++] = s->written[i];
	s->n_written = kept;
}

/*
 * The kernel makes a new device: settings are forgotten, and who unbound it.  Up to 6.18 it tries
 * drivers whatever drivers_autoprobe says (pci_bus_add_device() of drivers/pci/bus.c).
 */
static void found(struct instance *s, const struct pr_function *f)
{
	size_t i = index_of(s->now, f);
	char path[1024];

	if (pr_function_path(f, path, sizeof(path)) < 0)
		return; /* longer than any path that bus numbers allow */
	s->reborn[i] = true;
	forget_written(s, f, path);
	forget_attributes(s, path);
	s->driver[i] = (s->autoprobe || !s->honours_autoprobe) && may_be_bound(s, f)
			       ? matching_driver(s, f, path)
			       : NULL;
}

static void all_found(struct instance *s, const struct pr_topology *before)
{
	for (size_t i = 0; i < before->n_roots; i++) {
		const struct pr_root *was = before->roots[i], *is = s->now->roots[i];

		for (size_t k = 0; k < was->n_functions; k++)
			if (was->functions[k].removed && !is->functions[k].removed)
				found(s, &is->functions[k]);
	}
}

static int act_all(struct instance *s, const struct pr_action *actions, size_t n)
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

static int act(struct instance *s, const struct pr_action *action)
{
	return act_all(s, action, 1);
}

/* ---- virtual functions ---- */

/* Those that the machine had; of others nothing is known. */
static bool any_virtual(const struct pr_function *pf, bool there)
{
	for (size_t i = 0; i < pf->root->n_functions; i++) {
		const struct pr_function *f = &pf->root->functions[i];

		if (is_vf_of(f, pf) && !(there && f->removed))
			return true;
	}

	return false;
}

/* sriov_enable() of drivers/pci/iov.c: those of all that the device has, or none */
static bool has_room_for_vfs(const struct pr_function *f)
{
	for (unsigned int i = 0; i < f->n_resources; i++)
		if (f->resources[i].index >= PR_VF_BAR0 && f->resources[i].index < PR_WINDOW_IO &&
			f->resources[i].state != PR_RES_ASSIGNED)
			return false;

	return true;
}

/* sriov_numvfs_store() of drivers/pci/iov.c */
static int set_numvfs(struct instance *s, const struct pr_function *f, const char *value)
{
	struct pr_action action = {
		.kind = PR_ACTION_VFS, .function = f, .value = (uint32_t)atoi(value)
	};
	char path[1024];
	int r;

	if (!has_vfs(f) || !driver_of(s, f))
		return -ENOENT;
	if (action.value > f->caps->sriov.total_vfs)
		return -ERANGE;
	if (action.value == numvfs_of(s, f))
		return 0;
	if (action.value > 0 && numvfs_of(s, f) > 0)
		return -EBUSY;
	if (action.value > 0 && !has_room_for_vfs(f))
		return -ENOMEM;
	r = pr_function_path(f, path, sizeof(path));
	if (r == 0)
		r = act(s, &action);
	if (r < 0)
		return r;

	f = pr_topology_find_path(s->now, path);
	if (action.value > 0 && any_virtual(f, false) && !any_virtual(f, true))
		return -ENOMEM;

	return keep_attribute(s, f, "sriov_numvfs", value);
}

static int simulator_set_attribute(
	void *instance, const struct pr_address *a, const char *name, const char *value)
{
	struct instance *s = instance;
	const struct pr_function *f = find(s, a);

	if (!f)
		return -ENODEV;
	if (strcmp(name, "sriov_numvfs") == 0)
		return set_numvfs(s, f, value);

	return keep_attribute(s, f, name, value);
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

	s->driver[index_of(s->now, f)] = NULL;
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
	if (!f->facts->driver || strcmp(f->facts->driver, driver) != 0 || !may_be_bound(s, f))
		return -ENODEV; /* another driver does not match it */

	s->driver[index_of(s->now, f)] = f->facts->driver;
	return 0;
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
	const struct pr_config config = { .bytes = f->facts->config,
		.length = f->facts->config_length,
		.holes = f->facts->config_holes };

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
	/* the layout is in the header; sizes of BARs are read when the function is found again */
	r = offset < 0x40 ? act(s, &action) : 0;
	if (r < 0 || (action.function->bridge && offset >= 0x18 && offset <= 0x1a))
		return r; /* the model has bus numbers, and a rescan may change them */

	return remember(s, path, offset, width, value);
}

/* ---- sizes of BARs ---- */

#define REBARS_MAX 12 /* of one function: BARs, and those of its virtual functions */

/* What was written to the control registers of @f, for the kernel that finds it again. */
static size_t sizes_written(
	const struct instance *s, const struct pr_function *f, struct pr_action *ret)
{
	const struct pr_rebar *const kinds[] = { &f->caps->rebar, &f->caps->vf_rebar };
	char path[1024];
	size_t n = 0;

	if (pr_function_path(f, path, sizeof(path)) < 0)
		return 0;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (unsigned int i = 0; i < kinds[k]->n_entries; i++) {
			uint16_t offset = (uint16_t)(kinds[k]->offset + 8 + 8 * i);
			uint8_t bytes[4];

			if (!find_written(s, path, offset + 1u, &bytes[1]))
				continue;
			for (uint32_t b = 0; b < 4; b++)
				if (!read_byte(s, f, path, offset + b, &bytes[b]))
					return n;
			ret[n++] = (struct pr_action){ .kind = PR_ACTION_WRITE,
				.function = f,
				.offset = offset,
				.width = 4,
				.value = (uint32_t)(bytes[0] | bytes[1] << 8 | bytes[2] << 16) |
					 (uint32_t)bytes[3] << 24 };
		}
	return n;
}

static int simulator_remove(void *instance, const struct pr_address *a)
{
	struct instance *s = instance;
	const struct pr_function *top = find(s, a);
	struct pr_action *actions;
	size_t n = 0, max = 1;
	int r;

	if (!top)
		return -ENODEV;
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
		if (!f->removed && numvfs_of(s, f) > 0)
			return -EBUSY; /* as the helper does: they would be left behind */
		max += REBARS_MAX;
	}
	actions = calloc(max, sizeof(*actions));
	if (!actions)
		return -ENOMEM;
	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top))
		if (!f->removed)
			n += sizes_written(s, f, actions + n);
	actions[n++] = (struct pr_action){ .kind = PR_ACTION_REMOVE, .function = top };
	r = act_all(s, actions, n);
	free(actions);
	return r;
}

/* The kernel writes the size to the register, too. */
static int set_register(
	struct instance *s, const struct pr_function *f, unsigned int bar, unsigned int order)
{
	char path[1024];
	int r;

	r = pr_function_path(f, path, sizeof(path));
	for (unsigned int i = 0; r >= 0 && i < f->caps->rebar.n_entries; i++)
		if (f->caps->rebar.entries[i].bar == bar)
			return remember(
				s, path, (uint16_t)(f->caps->rebar.offset + 9 + 8 * i), 1, order);
	return r < 0 ? r : -EINVAL;
}

/* As the kernel does: it refuses what it has no room for, and what a driver has. */
static int simulator_resize(
	void *instance, const struct pr_address *a, unsigned int bar, unsigned int order)
{
	struct instance *s = instance;
	const struct pr_action action = {
		.kind = PR_ACTION_RESIZE,
		.function = find(s, a),
		.index = (uint8_t)(PR_BAR0 + bar),
		.size = PR_REBAR_SIZE(order),
	};
	int r;

	if (!action.function)
		return -ENODEV;
	if (s->driver[index_of(s->now, action.function)])
		return -EBUSY;
	r = act(s, &action);
	if (r < 0)
		return r;
	if (pr_function_resource(find(s, a), action.index)->size != action.size)
		return -ENOSPC;
	return set_register(s, find(s, a), bar, order);
}

/* ---- looking ---- */

static const uint8_t *config_now(const struct instance *s, struct pr_topology *t,
	const struct pr_facts *facts, const char *path)
{
	uint8_t *bytes = NULL;

	for (size_t i = 0; i < s->n_written; i++) {
		const struct written *w = &s->written[i];

		if (strcmp(w->path, path) != 0 || w->offset >= facts->config_length)
			continue;
		if (!bytes)
			bytes = pr_arena_memdup(t->arena, facts->config, facts->config_length);
		if (bytes)
			bytes[w->offset] = w->value;
	}

	return bytes ? bytes : facts->config;
}

/* As an import would see it: drivers, settings and registers as they are now. */
static int bring_up_to_date(const struct instance *s, struct pr_topology *t, struct pr_function *f)
{
	size_t n = index_of(t, f);
	struct pr_facts *facts;
	char path[1024];
	int r;

	if (s->n_written == 0 && !s->reborn[n] && s->driver[n] == f->facts->driver &&
		!(has_vfs(f) && !f->removed))
		return 0;
	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;
	facts = pr_arena_memdup(t->arena, f->facts, sizeof(*facts));
	if (!facts)
		return -ENOMEM;

	facts->driver = s->driver[n];
	facts->driver_override =
		pr_arena_strdup(t->arena, attribute_of(s, f, n, path, "driver_override"));
	if (facts->driver_override && !*facts->driver_override)
		facts->driver_override = NULL;
	if (has_vfs(f) && !f->removed)
		facts->sriov_numvfs = (int)numvfs_of(s, pr_topology_same(s->now, f));
	facts->config = config_now(s, t, f->facts, path);
	f->facts = facts;
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
	.read = simulator_read,
	.write = simulator_write,
	.resize = simulator_resize,
	.attributes = simulator_attributes,
	.set_attribute = simulator_set_attribute,
	.autoprobe = simulator_autoprobe,
	.probe = simulator_probe,
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

static int instance_init(struct instance *s, const struct pr_topology *t)
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
	struct instance *s = calloc(1, sizeof(*s));
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

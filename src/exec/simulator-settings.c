/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of simulated functions, and drivers and virtual functions, which follow from them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "exec/simulator.h"

static const struct {
	const char *name, *value;
} defaults[] = {
	{ "driver_override", "" },
	{ "power/control", "auto" },
	{ "d3cold_allowed", "1" },
	{ "msi_bus", "1" },
	{ "numa_node", "-1" },
};

bool pr_simulator_has_vfs(const struct pr_function *f)
{
	return !f->facts->is_vf && f->caps->sriov.present == PR_YES && f->caps->sriov.total_vfs > 0;
}

/* Its virtual functions are away when it is found, and drivers may be tried on those to come. */
static const char *virtual_attribute(
	const struct pr_simulator *s, const struct pr_function *f, size_t index, const char *name)
{
	int n = s->reborn[index] ? 0 : f->facts->sriov_numvfs;

	if (!pr_simulator_has_vfs(f))
		return NULL;
	if (strcmp(name, "sriov_drivers_autoprobe") == 0)
		return "1";
	if (strcmp(name, "sriov_numvfs") == 0)
		return pr_arena_printf(s->arena, "%d", n > 0 ? n : 0);

	return NULL;
}

void pr_simulator_forget_settings(struct pr_simulator *s, const char *path)
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
const char *pr_simulator_setting(const struct pr_simulator *s, const struct pr_function *f,
	size_t index, const char *path, const char *name)
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
	const struct pr_simulator *s, const struct pr_function *f, const char *name)
{
	char path[PR_FUNCTION_PATH_MAX];

	return pr_function_path(f, path, sizeof(path)) < 0
		       ? NULL
		       : pr_simulator_setting(s, f, pr_simulator_index(s->now, f), path, name);
}

unsigned int pr_simulator_vfs(const struct pr_simulator *s, const struct pr_function *f)
{
	const char *value = pr_simulator_has_vfs(f) ? attribute_now(s, f, "sriov_numvfs") : NULL;

	return value ? (unsigned int)atoi(value) : 0;
}

static bool is_vf_of(const struct pr_function *f, const struct pr_function *pf)
{
	return f->facts->is_vf && pr_address_compare(&f->facts->physfn, &pf->facts->address) == 0;
}

/* pci_device_can_probe() of drivers/pci/pci-driver.c */
bool pr_simulator_may_bind(const struct pr_simulator *s, const struct pr_function *f)
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
const char *pr_simulator_match(
	const struct pr_simulator *s, const struct pr_function *f, const char *path)
{
	const char *override =
		pr_simulator_setting(s, f, pr_simulator_index(s->now, f), path, "driver_override");
	const char *facts = f->facts->driver_override;

	if (*override)
		return f->facts->driver && strcmp(override, f->facts->driver) == 0 ? override
										   : NULL;
	if (f->facts->driver && facts && strcmp(facts, f->facts->driver) == 0)
		return "first-match";

	return f->facts->driver;
}

int pr_simulator_attributes(void *instance, const struct pr_address *a, char *ret, size_t size)
{
	struct pr_simulator *s = instance;
	const struct pr_function *f = pr_simulator_find(s, a);
	size_t used;
	char path[PR_FUNCTION_PATH_MAX];
	int r;

	if (!f)
		return -ENODEV;
	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;

	used = (size_t)snprintf(ret, size, "drivers_autoprobe=%d\n", s->autoprobe);
	for (size_t i = 0; i < ARRAY_SIZE(defaults) && used < size; i++)
		used += (size_t)snprintf(ret + used, size - used, "%s=%s\n", defaults[i].name,
			pr_simulator_setting(
				s, f, pr_simulator_index(s->now, f), path, defaults[i].name));
	if (pr_simulator_has_vfs(f) && used < size)
		used += (size_t)snprintf(ret + used, size - used,
			"sriov_drivers_autoprobe=%s\nsriov_numvfs=%u\n",
			attribute_now(s, f, "sriov_drivers_autoprobe"), pr_simulator_vfs(s, f));

	return used < size ? 0 : -ENOSPC;
}

static int keep_attribute(
	struct pr_simulator *s, const struct pr_function *f, const char *name, const char *value)
{
	struct pr_simulated_setting *grown;
	char path[PR_FUNCTION_PATH_MAX];
	int r;

	r = pr_function_path(f, path, sizeof(path));
	if (r < 0)
		return r;
	if (!pr_simulator_setting(s, f, pr_simulator_index(s->now, f), path, name))
		return -ENOENT;

	grown = reallocarray(s->attributes, s->n_attributes + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->attributes = grown;
	grown[s->n_attributes] = (struct pr_simulated_setting){ pr_arena_strdup(s->arena, path),
		pr_arena_strdup(s->arena, name), pr_arena_strdup(s->arena, value) };
	if (!grown[s->n_attributes].path || !grown[s->n_attributes].name ||
		!grown[s->n_attributes].value)
		return -ENOMEM;

	s->n_attributes++;
	return 0;
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
		if (pr_is_vf_bar(f->resources[i].index) && f->resources[i].state != PR_RES_ASSIGNED)
			return false;

	return true;
}

/* sriov_numvfs_store() of drivers/pci/iov.c */
static int set_numvfs(struct pr_simulator *s, const struct pr_function *f, const char *value)
{
	struct pr_action action = {
		.kind = PR_ACTION_VFS, .function = f, .value = (uint32_t)atoi(value)
	};
	char path[PR_FUNCTION_PATH_MAX];
	int r;

	if (!pr_simulator_has_vfs(f) || !pr_simulator_driver(s, f))
		return -ENOENT;
	if (action.value > f->caps->sriov.total_vfs)
		return -ERANGE;
	if (action.value == pr_simulator_vfs(s, f))
		return 0;
	if (action.value > 0 && pr_simulator_vfs(s, f) > 0)
		return -EBUSY;
	if (action.value > 0 && !has_room_for_vfs(f))
		return -ENOMEM;
	r = pr_function_path(f, path, sizeof(path));
	if (r == 0)
		r = pr_simulator_act(s, &action);
	if (r < 0)
		return r;

	f = pr_topology_find_path(s->now, path);
	if (action.value > 0 && any_virtual(f, false) && !any_virtual(f, true))
		return -ENOMEM;

	return keep_attribute(s, f, "sriov_numvfs", value);
}

int pr_simulator_set_attribute(
	void *instance, const struct pr_address *a, const char *name, const char *value)
{
	struct pr_simulator *s = instance;
	const struct pr_function *f = pr_simulator_find(s, a);

	if (!f)
		return -ENODEV;
	if (strcmp(name, "sriov_numvfs") == 0)
		return set_numvfs(s, f, value);

	return keep_attribute(s, f, name, value);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the machine with the one that was planned on; touches neither. */
#include "exec/stale.h"

#include <stdio.h>
#include <string.h>

static const char *driver_of(const struct pr_function *f)
{
	return f->facts && f->facts->driver ? f->facts->driver : "no driver";
}

static size_t users_of(const struct pr_function *f)
{
	return f->facts ? f->facts->n_users : 0;
}

static bool has_changed(
	const struct pr_function *f, const struct pr_topology *now, char *why, size_t size)
{
	const struct pr_function *g = pr_topology_find(now, &f->address);
	char address[PR_ADDRESS_MAX];

	pr_address_format(&f->address, address);
	if (!g || g->removed) {
		(void)snprintf(why, size,
			"%s has vanished since the plan was made; nothing was touched", address);
		return true;
	}
	if (strcmp(driver_of(f), driver_of(g)) == 0 && users_of(g) <= users_of(f))
		return false;

	(void)snprintf(why, size,
		"%s was planned with %s and %zu users, it has %s and %zu now; nothing was touched",
		address, driver_of(f), users_of(f), driver_of(g), users_of(g));
	return true;
}

bool pr_plan_is_stale(
	const struct pr_plan *plan, const struct pr_topology *now, char *why, size_t size)
{
	for (size_t i = 0; i < plan->n_affected; i++)
		if (has_changed(plan->affected[i].function, now, why, size))
			return true;
	if (now->generation == plan->generation)
		return false;

	(void)snprintf(why, size,
		"the machine has changed since the plan was made (generation %016llx, now %016llx); nothing was touched",
		(unsigned long long)plan->generation, (unsigned long long)now->generation);
	return true;
}

/* The targets' own children may never have been seen before. */
static bool is_below_target(const struct pr_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n_targets; i++) {
		char target[PR_FUNCTION_PATH_MAX];
		size_t n;

		if (pr_function_path(plan->targets[i], target, sizeof(target)) < 0)
			continue;
		n = strlen(target);
		if (strncmp(path, target, n) == 0 && path[n] == '/')
			return true;
	}

	return false;
}

static bool is_newcomer(const struct pr_plan *plan, const struct pr_function *f)
{
	char path[PR_FUNCTION_PATH_MAX];

	return !f->removed && pr_function_path(f, path, sizeof(path)) == 0 &&
	       !pr_topology_find_path(plan->topology, path) && !is_below_target(plan, path);
}

const struct pr_function *pr_plan_newcomer(
	const struct pr_plan *plan, const struct pr_topology *now)
{
	pr_for_each_root (now, i)
		for (size_t k = 0; k < now->roots[i]->n_functions; k++)
			if (is_newcomer(plan, &now->roots[i]->functions[k]))
				return &now->roots[i]->functions[k];

	return NULL;
}

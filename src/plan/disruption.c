/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it costs to take a function away for a moment, by what is known of it
 * and by policy.  Finding nothing is not proof that nobody uses it: a bound
 * driver is never free.  Knows nothing of searches and layouts.
 */
#include "plan/plan.h"

#include <string.h>

#define CLASS_INFINIBAND 0x0207 /* PCI Code and ID Assignment, 1.3 */

/*
 * Kinds of users (src/import/users*.c), and what taking their device away does.
 * Pinned: the machine, a guest or pciroom itself would not survive it, however
 * much is allowed.  In use: who uses it loses it.  A kind of a later version
 * counts as in use.
 */
static const struct {
	const char *kind;
	enum pr_disruption class;
} user_kinds[] = {
	{ "root", PR_DISRUPTION_PINNED },     /* the root file system */
	{ "own", PR_DISRUPTION_PINNED },      /* pciroom's journal, its program */
	{ "swap", PR_DISRUPTION_PINNED },     /* memory of processes */
	{ "console", PR_DISRUPTION_PINNED },  /* where the kernel's last words go */
	{ "watchdog", PR_DISRUPTION_PINNED }, /* runs, and resets a machine that stops feeding it */
	{ "tpm", PR_DISRUPTION_PINNED },      /* measurements cannot be made again */
	{ "vfio", PR_DISRUPTION_PINNED },     /* a guest has it */
	{ "mdev", PR_DISRUPTION_PINNED },     /* guests have parts of it */
	{ "locked", PR_DISRUPTION_PINNED },   /* whoever removes it waits, with the bus locked */
	{ "vf", PR_DISRUPTION_PINNED }, /* what is set on its virtual functions would be lost */
	{ "mount", PR_DISRUPTION_IN_USE },
	{ "stack", PR_DISRUPTION_IN_USE },  /* an array or volume without a known user */
	{ "pool", PR_DISRUPTION_IN_USE },   /* a member of a pool, by its label */
	{ "export", PR_DISRUPTION_IN_USE }, /* other machines have it */
	{ "net", PR_DISRUPTION_IN_USE },
	{ "open", PR_DISRUPTION_IN_USE },
	{ "map", PR_DISRUPTION_IN_USE },
	{ "display", PR_DISRUPTION_IN_USE },
	{ "sound", PR_DISRUPTION_IN_USE },
	{ "input", PR_DISRUPTION_IN_USE },
	{ "serial", PR_DISRUPTION_IN_USE },
};

static enum pr_disruption class_of_user(const struct pr_user *user)
{
	for (size_t i = 0; i < sizeof(user_kinds) / sizeof(user_kinds[0]); i++)
		if (strcmp(user->kind, user_kinds[i].kind) == 0)
			return user_kinds[i].class;
	return PR_DISRUPTION_IN_USE;
}

static bool pin_matches(const struct pr_function *f, const char *pin)
{
	struct pr_address address;
	char path[PR_FUNCTION_PATH_MAX];

	if (pr_address_parse(pin, &address))
		return pr_address_compare(&address, &f->address) == 0;
	return strchr(pin, '/') && pr_function_path(f, path, sizeof(path)) >= 0 &&
	       strcmp(path, pin) == 0;
}

static bool is_named(const struct pr_function *f, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pin_matches(f, names[i]))
			return true;
	return false;
}

bool pr_policy_allows_sizes(const struct pr_policy *policy, const struct pr_function *f)
{
	return !is_named(f, policy->sized, policy->n_sized);
}

static const char *pinned_by_policy(const struct pr_function *f, const struct pr_policy *policy)
{
	return policy && is_named(f, policy->pinned, policy->n_pinned)
		       ? "pinned by the administrator"
		       : NULL;
}

static bool has_fixed_resource(const struct pr_function *f)
{
	for (size_t i = 0; i < f->n_resources; i++)
		if ((f->resources[i].flags & PR_IORES_PCI_FIXED) &&
			f->resources[i].state == PR_RES_ASSIGNED)
			return true;
	return false;
}

bool pr_function_is_vf_of(const struct pr_function *f, const struct pr_function *pf)
{
	return !f->removed && f->facts->is_vf &&
	       pr_address_compare(&f->facts->physfn, &pf->facts->address) == 0;
}

/* They lie beside it, whatever bus they are on (src/core/topology-build.c). */
const struct pr_function *pr_function_next_vf(
	const struct pr_function *pf, const struct pr_function *after)
{
	const struct pr_function *f = after        ? after->next
				      : pf->parent ? pf->parent->first_child
						   : pf->root->first_child;

	while (f && !pr_function_is_vf_of(f, pf))
		f = f->next;
	return f;
}

unsigned int pr_function_vfs(const struct pr_function *f)
{
	const struct pr_caps *caps = f->caps;

	if (f->removed || f->facts->is_vf)
		return 0;
	if (f->facts->sriov_numvfs > 0)
		return (unsigned int)f->facts->sriov_numvfs;
	return caps && caps->sriov.present == PR_YES && caps->sriov.enabled ? caps->sriov.num_vfs
									    : 0;
}

/* Only the driver of the physical function takes them away, and can be asked to have them again. */
static const char *pinned_by_vfs(const struct pr_function *f)
{
	unsigned int wanted = pr_function_vfs(f), seen = 0;

	if (wanted == 0)
		return NULL;
	if (f->facts->sriov_numvfs <= 0 || !f->facts->driver)
		return "has virtual functions in service, and no driver that would take them away";
	for (const struct pr_function *vf = NULL; (vf = pr_function_next_vf(f, vf));)
		seen++;
	return seen == wanted ? NULL : "has virtual functions in service that cannot be seen";
}

/* What the hardware says of itself (KERNEL 3). */
static const char *pinned_by_hardware(const struct pr_function *f)
{
	const struct pr_caps *caps = f->caps;

	if (!f->parent && !f->bridge)
		return "sits directly on the host bridge";
	if (caps && caps->pcie.present == PR_YES &&
		(caps->pcie.port == PR_PORT_RC_ENDPOINT ||
			caps->pcie.port == PR_PORT_RC_EVENT_COLLECTOR))
		return "is integrated in the root complex";
	if (caps && caps->ea.present == PR_YES)
		return "has addresses fixed by Enhanced Allocation";
	if (has_fixed_resource(f))
		return "has addresses that cannot move";
	return pinned_by_vfs(f);
}

bool pr_function_can_move(const struct pr_function *f)
{
	return pinned_by_hardware(f) == NULL;
}

static const char *pinned_by_user(const struct pr_function *f)
{
	for (size_t i = 0; i < f->facts->n_users; i++)
		if (class_of_user(&f->facts->users[i]) == PR_DISRUPTION_PINNED)
			return f->facts->users[i].what;
	if (f->header.class_code >> 8 == CLASS_INFINIBAND && pr_function_vfs(f) > 0)
		return "has virtual functions, whose GUIDs would be lost";
	if (f->facts->driver && strstr(f->facts->driver, "vfio"))
		return "is handed to a virtual machine or a user-space driver by VFIO";
	return NULL;
}

bool pr_function_is_driven(const struct pr_function *f)
{
	const char *driver = f->facts->driver;

	if (!driver || !*driver)
		return false;
	/* a port's own driver serves what is below it, which is judged by itself */
	return !f->bridge || (strcmp(driver, "pcieport") != 0 && strcmp(driver, "shpchp") != 0);
}

enum pr_disruption pr_function_disruption(
	const struct pr_function *f, const struct pr_policy *policy, const char **ret_reason)
{
	bool movable = policy && is_named(f, policy->movable, policy->n_movable);
	enum pr_disruption d = PR_DISRUPTION_PINNED;
	const char *reason = pinned_by_policy(f, policy);

	if (!reason)
		reason = pinned_by_hardware(f);
	if (!reason && !movable)
		reason = pinned_by_user(f);
	if (!reason) {
		d = PR_DISRUPTION_FREE;
		if (f->facts->n_users > 0 && !movable) {
			d = PR_DISRUPTION_IN_USE;
			reason = f->facts->users[0].what;
		} else if (pr_function_is_driven(f)) {
			d = PR_DISRUPTION_RESTART;
			reason = "a driver is bound";
		}
	}
	if (ret_reason)
		*ret_reason = reason;
	return d;
}

enum pr_disruption pr_subtree_disruption(const struct pr_function *top,
	const struct pr_policy *policy, const struct pr_function **ret_function,
	const char **ret_reason)
{
	enum pr_disruption worst = PR_DISRUPTION_FREE;

	for (const struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
		const char *reason;
		enum pr_disruption d = pr_function_disruption(f, policy, &reason);

		if (f != top && d <= worst)
			continue;
		worst = d;
		if (ret_function)
			*ret_function = f;
		if (ret_reason)
			*ret_reason = reason;
		if (worst == PR_DISRUPTION_PINNED)
			break;
	}
	return worst;
}

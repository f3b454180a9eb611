/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions: how many of them Linux enables on a physical function as
 * things are, what stops it from more, and whether a plan would help.
 */
#pragma once

#include "pciroom/slots.h"

enum pr_vf_stop {
	PR_VF_STOP_NONE = 0, /* all that the device has can be enabled */
	PR_VF_STOP_BAR,      /* a VF BAR has no addresses: "not enough MMIO resources for SR-IOV" */
	PR_VF_STOP_BUS,      /* the next one would be on a bus number that is not forwarded */
	PR_VF_STOP_UNKNOWN,  /* a register that decides is not known, or says nothing while idle */
	_PR_VF_STOP_MAX,
};
const char *pr_vf_stop_name(enum pr_vf_stop s);

struct pr_vfs {
	const struct pr_function *function;
	unsigned int total;            /* that the device has */
	unsigned int enabled;          /* now */
	unsigned int now;              /* most that can be enabled; 0 for UNKNOWN */
	enum pr_vf_stop stop;          /* of more than @now */
	const struct pr_resource *bar; /* STOP_BAR: the first one */
	unsigned int bus, last_bus;    /* STOP_BUS: wanted, and where the bus range ends */
	/*
	 * STOP_BAR, _BUS: the most after a plan, and how disruptive it is; 0: no plan within the
	 * policy gives all VF BARs addresses, or more of them buses, or their sizes are not known
	 */
	unsigned int planned;
	enum pr_when when;
};
struct pr_vfs_list {
	struct pr_arena *arena;
	struct pr_vfs *items; /* in the order of the topology */
	size_t n;
};

/*
 * Every physical function that can have VFs; of @functions alone, when there are any.  0 or
 * -ENOMEM.
 */
int pr_vfs_make(const struct pr_topology *t, const struct pr_policy *policy,
	const struct pr_function *const *functions, size_t n, struct pr_vfs_list **ret);
void pr_vfs_free(struct pr_vfs_list *l); /* NULL is fine */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a function was told by its administrator and forgets when it is removed:
 * the table, and where each setting is found.  Private to exec/.
 */
#pragma once

#include "pciroom/exec.h"

enum pr_setting_when {
	PR_WHEN_NO_DRIVER, /* not while a driver works with the function */
	PR_WHEN_ANY,       /* before the driver, and again if the driver changed it */
	PR_WHEN_DRIVER,    /* the driver is asked for it */
};

enum pr_setting_place {
	PR_PLACE_ATTRIBUTE, /* file of the function in sysfs, under the setting's name */
	PR_PLACE_PCIE,      /* register of a capability, at `offset` in it */
	PR_PLACE_AER,
	PR_PLACE_ACS,
	PR_PLACE_LTR,
	PR_PLACE_BRIDGE, /* register of a bridge's header */
};

struct pr_setting {
	const char *name; /* in the journal and in reports */
	enum pr_setting_place place;
	enum pr_setting_when when;
	uint16_t offset;
	uint8_t width;
	uint32_t mask; /* bits that are the setting; the others are left as they are */
	/* masks errors: set in the port above while its subtree is away */
	uint32_t guard;
	const char *absent; /* value of a function that has no such attribute; NULL: none */
};

size_t pr_settings_count(void);
const struct pr_setting *pr_setting_at(size_t i);
/* NULL for a name that is not in the table. */
const struct pr_setting *pr_setting_find(const char *name);

/* The register of @s in @f, as @f's configuration space was read.  False: it has none, or unknown. */
bool pr_setting_register(const struct pr_setting *s, const struct pr_function *f,
	uint16_t *ret_offset, uint32_t *ret_value);

/* Value of the line "NAME=VALUE" in @text; malloc'ed, NULL when there is none (or no memory). */
char *pr_setting_attribute(const struct pr_setting *s, const char *text);

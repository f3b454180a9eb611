/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the language of configuration files is described, and what reads it; see conf.c for the language itself. */
#pragma once

#include "daemon/conf.h"

enum pr_conf_shape {
	PR_CONF_ONE = 0, /* a value, or a mapping */
	PR_CONF_LIST,    /* of values, or of mappings */
};
struct pr_conf_table;
struct pr_conf_key {
	const char *name, *noun;
	enum pr_conf_shape shape;
	/* One value: 0, 1 with @why (what a good one looks like), -ENOMEM. */
	int (*set)(void *target, const char *value, const char **why);
	/* Keys of a mapping; NULL: values.  @begin makes what they are set on (NULL: the same), @end looks for what is
	 * missing (NULL: nothing can be).  Both return as @set does. */
	const struct pr_conf_table *inside;
	int (*begin)(void *target, void **ret, const char **why);
	int (*end)(void *target, const char **why);
};
struct pr_conf_table {
	const struct pr_conf_key *keys;
	size_t n; /* at most 64 */
};

/* Reads one file's @text into @target.  Returns as pr_conf_parse(). */
int pr_conf_read(const struct pr_conf_table *table, void *target, const char *name,
	const char *text, size_t size, struct pr_conf_error *error);

/* "0000:00/02.0/00.0": domain, root bus, then device and function of each port on the way. */
bool pr_conf_is_path(const char *s);

/* ---- conf-rule-keys.c: set on a struct pr_conf_rule ---- */

extern const struct pr_conf_table pr_conf_rule_table;
/* When all was set, see struct pr_conf_key. */
int pr_conf_rule_end(void *target, const char **why);
void pr_conf_rule_deinit(struct pr_conf_rule *r);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of core/ share while they decode one function; nobody else includes this. */
#pragma once

#include "pciroom/topology.h"

/*
 * BAR @index of @n_bars registers from offset @base (header or SR-IOV
 * capability).  The upper half of a 64-bit BAR decodes as not implemented.
 */
bool pr_config_bar_at(const struct pr_config *c, size_t base, unsigned int n_bars,
	unsigned int index, struct pr_bar *ret);

/*
 * Resources of @f, from its facts, header, bridge and caps, which are set:
 * kernel's table, registers and measured masks joined.  @ret has room for
 * PR_RESOURCE_MAX; returns how many exist, by index.
 */
size_t pr_resources_decode(const struct pr_function *f, struct pr_resource *ret);

/* The kernel's line of resource @index (enum pr_resource_index); NULL when it is not recorded. */
const struct pr_resource_line *pr_facts_line(const struct pr_facts *facts, unsigned int index);

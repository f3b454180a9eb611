/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of what resources are made of and of what became of them: for programs, and for people. */
#include "pciroom/topology.h"

#include <stddef.h>
#include <string.h>

const char *pr_resource_state_name(enum pr_resource_state s)
{
	switch (s) {
	case PR_RES_UNKNOWN:
		return "unknown";
	case PR_RES_ASSIGNED:
		return "assigned";
	case PR_RES_UNASSIGNED:
		return "unassigned";
	case PR_RES_FORGOTTEN:
		return "forgotten";
	case PR_RES_CLOSED:
		return "closed";
	}
	return "unknown";
}

/* The combinations of type flags that exist, with both of their names. */
static const struct {
	uint32_t flags;
	const char *name, *text;
} kinds[] = {
	{ PR_IORES_IO, "io", "I/O ports" },
	{ PR_IORES_MEM, "mem", "32-bit memory" },
	{ PR_IORES_MEM | PR_IORES_MEM_64, "mem64", "64-bit memory" },
	{ PR_IORES_MEM | PR_IORES_PREFETCH, "pref", "32-bit prefetchable memory" },
	{ PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64, "pref64",
		"64-bit prefetchable memory" },
};
#define N_KINDS   (sizeof(kinds) / sizeof(kinds[0]))
#define KIND_MASK (PR_IORES_IO | PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64)

const char *pr_resource_kind(const struct pr_resource *r)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if ((r->flags & KIND_MASK) == kinds[i].flags)
			return kinds[i].name;

	return NULL;
}

const char *pr_resource_kind_text(const struct pr_resource *r)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if ((r->flags & KIND_MASK) == kinds[i].flags)
			return kinds[i].text;

	return "addresses";
}

const char *pr_window_name(unsigned int window)
{
	return window == PR_WINDOW_IO ? "io" : window == PR_WINDOW_MEM ? "mem" : "pref";
}

uint8_t pr_window_parse(const char *name)
{
	for (uint8_t window = PR_WINDOW_IO; window <= PR_WINDOW_PREF; window++)
		if (strcmp(name, pr_window_name(window)) == 0)
			return window;

	return 0;
}

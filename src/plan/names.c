/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words: names of the planner's enums for machines, and the few phrases that
 * its sentences are made of for people.  Knows nothing of plans.
 */
#include "plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const disruption_names[_PR_DISRUPTION_MAX] = {
	[PR_DISRUPTION_FREE] = "free",
	[PR_DISRUPTION_RESTART] = "restart",
	[PR_DISRUPTION_IN_USE] = "in-use",
	[PR_DISRUPTION_PINNED] = "pinned",
};

static const char *const verdict_names[_PR_VERDICT_MAX] = {
	[PR_VERDICT_OK] = "ok",
	[PR_VERDICT_NOTHING] = "nothing",
	[PR_VERDICT_INFEASIBLE] = "infeasible",
	[PR_VERDICT_TOO_DISRUPTIVE] = "too-disruptive",
	[PR_VERDICT_UNKNOWN] = "unknown",
	[PR_VERDICT_VETOED] = "vetoed",
};

static const char *const step_names[_PR_STEP_MAX] = {
	[PR_STEP_UNBIND] = "unbind",
	[PR_STEP_WRITE] = "write",
	[PR_STEP_REMOVE] = "remove",
	[PR_STEP_RESIZE] = "resize",
	[PR_STEP_RESCAN] = "rescan",
	[PR_STEP_VFS] = "vfs",
	[PR_STEP_EXPECT] = "expect",
};

/* By Linux's resource number (enum pr_resource_index). */
static const char *const resource_names[PR_RESOURCE_MAX] = {
	"BAR 0",
	"BAR 1",
	"BAR 2",
	"BAR 3",
	"BAR 4",
	"BAR 5",
	"expansion ROM",
	"VF BAR 0",
	"VF BAR 1",
	"VF BAR 2",
	"VF BAR 3",
	"VF BAR 4",
	"VF BAR 5",
	"I/O window",
	"memory window",
	"prefetchable window",
	"window 3",
};

const char *pr_disruption_name(enum pr_disruption d)
{
	return (unsigned int)d < _PR_DISRUPTION_MAX ? disruption_names[d] : "invalid";
}

bool pr_disruption_parse(const char *name, enum pr_disruption *ret)
{
	for (unsigned int i = 0; name && i < _PR_DISRUPTION_MAX; i++) {
		if (strcmp(disruption_names[i], name) != 0)
			continue;
		*ret = (enum pr_disruption)i;
		return true;
	}
	return false;
}

const char *pr_advice_kind_name(enum pr_advice_kind k)
{
	static const char *const names[_PR_ADVICE_KIND_MAX] = {
		[PR_ADVICE_BOOT] = "boot",
		[PR_ADVICE_FIRMWARE] = "firmware",
		[PR_ADVICE_HYPERVISOR] = "hypervisor",
	};

	return (unsigned int)k < _PR_ADVICE_KIND_MAX ? names[k] : "invalid";
}

const char *pr_verdict_name(enum pr_verdict v)
{
	return (unsigned int)v < _PR_VERDICT_MAX ? verdict_names[v] : "invalid";
}

const char *pr_step_name(enum pr_step_kind k)
{
	return (unsigned int)k < _PR_STEP_MAX ? step_names[k] : "invalid";
}

const char *pr_resource_name(unsigned int index)
{
	return index < PR_RESOURCE_MAX ? resource_names[index] : "invalid resource";
}

const char *pr_bytes_text(uint64_t bytes, char ret[PR_BYTES_MAX])
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int unit = 0, shift, tenths;

	while (unit < 6 && bytes >> (10 * (unit + 1)) != 0)
		unit++;
	shift = 10 * unit;
	if (unit == 0) {
		(void)snprintf(ret, PR_BYTES_MAX, "%u %s", (unsigned int)bytes,
			bytes == 1 ? "byte" : units[0]);
		return ret;
	}

	/* ten bits of fraction are enough for one decimal, and cannot overflow */
	tenths = (unsigned int)((bytes >> (shift - 10)) & 0x3ff) * 10 / 1024;
	if (tenths == 0)
		(void)snprintf(
			ret, PR_BYTES_MAX, "%u %s", (unsigned int)(bytes >> shift), units[unit]);
	else
		(void)snprintf(ret, PR_BYTES_MAX, "%u.%u %s", (unsigned int)(bytes >> shift),
			tenths, units[unit]);
	return ret;
}

const char *pr_kind_text(const struct pr_resource *r)
{
	bool prefetchable = r->flags & PR_IORES_PREFETCH, wide = r->flags & PR_IORES_MEM_64;

	if (pr_resource_is_io(r))
		return "I/O ports";
	if (prefetchable)
		return wide ? "64-bit prefetchable memory" : "32-bit prefetchable memory";
	return wide ? "64-bit memory" : "32-bit memory";
}

const char *pr_resource_text(
	const struct pr_function *f, const struct pr_resource *r, char ret[PR_RESOURCE_TEXT_MAX])
{
	char address[PR_ADDRESS_MAX], bytes[PR_BYTES_MAX];

	pr_address_format(&f->address, address);
	(void)snprintf(ret, PR_RESOURCE_TEXT_MAX, "%s of %s (%s%s)", pr_resource_name(r->index),
		address,
		r->size == PR_SIZE_UNKNOWN ? "unknown size" : pr_bytes_text(r->size, bytes),
		pr_resource_is_io(r) ? " of I/O ports" : "");
	return ret;
}

char *pr_path_new(struct pr_arena *arena, const struct pr_function *f)
{
	char small[128], *big;

	if (pr_function_path(f, small, sizeof(small)) >= 0)
		return pr_arena_strdup(arena, small);

	/* 256 buses below each other at most, eight characters a level */
	big = pr_arena_alloc(arena, 4096);
	if (!big || pr_function_path(f, big, 4096) < 0)
		return NULL;
	return big;
}

const char *pr_doubt_text(struct pr_arena *arena, const struct pr_doubt *doubt)
{
	char address[PR_ADDRESS_MAX];

	if (!doubt->function)
		return pr_arena_strdup(arena, doubt->text);
	pr_address_format(&doubt->function->address, address);
	return pr_arena_printf(arena, "%s: %s", address, doubt->text);
}

const char *pr_reserve_text(const struct pr_reserve *r, char ret[PR_RESERVE_TEXT_MAX])
{
	const bool io = r->window == PR_WINDOW_IO;

	(void)snprintf(ret, PR_RESERVE_TEXT_MAX, "%s:%" PRIu64 "%s", pr_window_name(r->window),
		r->size >> (io ? 10 : 20), io ? "K" : "M");
	return ret;
}

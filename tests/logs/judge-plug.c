/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After the boot: functions that appear, and what the kernel then decides.  A
 * slot that said that a card is present was pciehp's; what appears otherwise
 * was found by a rescan, or by acpiphp, which the log does not tell apart.
 */
#include <stdio.h>
#include <string.h>

#include "judge-private.h"

/* Behind the tables that only boots print. */
static size_t boot_end(const struct pr_dmesg *log)
{
	size_t n = log->n;

	while (n > 0 && log->entries[n - 1].kind != PR_DMESG_TABLE)
		n--;
	return n;
}

/*
 * Found, then decided; what comes next belongs to another event.  So does what is
 * found elsewhere while no bridge was: drivers look at hidden functions of chipsets.
 */
static size_t part_end(const struct pr_dmesg *log, size_t begin)
{
	const struct pr_dmesg_entry *first = &log->entries[begin];
	bool decided = false, bridge = false;

	for (size_t i = begin; i < log->n; i++) {
		const struct pr_dmesg_entry *e = &log->entries[i];
		bool next = e->kind == PR_DMESG_FOUND || e->kind == PR_DMESG_PLUGGED ||
			    e->kind == PR_DMESG_UNPLUGGED || e->kind == PR_DMESG_BUS_GONE;
		bool elsewhere = e->kind == PR_DMESG_FOUND && !bridge &&
				 e->address.bus != first->address.bus;

		if ((decided && next) || elsewhere || e->kind == PR_DMESG_UNPLUGGED ||
			(e->speaker == PR_DMESG_DRIVER && e->index < PR_RESOURCE_MAX))
			return i;
		bridge |= e->kind == PR_DMESG_FOUND && e->header_type != 0;
		decided |= judge_is_decision(e);
	}
	return log->n;
}

static bool decides(const struct pr_dmesg *log, const struct part *p)
{
	for (size_t i = p->begin; i < p->end; i++)
		if (judge_is_decision(&log->entries[i]))
			return true;
	return false;
}

/* Has the slot announced a card since the last one went? */
static bool was_announced(
	const struct pr_dmesg *log, size_t from, size_t begin, const struct pr_address *port)
{
	for (size_t i = begin; i-- > from;) {
		const struct pr_dmesg_entry *e = &log->entries[i];

		if (pr_address_compare(&e->address, port) != 0)
			continue;
		if (e->kind == PR_DMESG_PLUGGED || e->kind == PR_DMESG_UNPLUGGED)
			return e->kind == PR_DMESG_PLUGGED;
	}
	return false;
}

/* acpiphp's slots are those that firmware describes: right below the root ports. */
static struct pr_action plug_acpi(const struct pr_function *f)
{
	while (f->parent->parent)
		f = f->parent;
	return (struct pr_action){
		.kind = PR_ACTION_PLUG_ACPI, .function = f->parent, .device = f->address.device
	};
}

static struct pr_action action_for(
	const struct judge *j, size_t from, const struct part *p, const struct pr_function *first)
{
	const struct pr_function *port = first->parent;

	if (!port)
		return (struct pr_action){ .kind = PR_ACTION_RESCAN, .root = first->root };
	if (was_announced(j->log, from, p->begin, &port->address))
		return (struct pr_action){ .kind = PR_ACTION_PLUG, .function = port };
	return plug_acpi(first);
}

static int judge_part(const struct judge *j, size_t from, struct part *p, struct verdict *v)
{
	const struct pr_address *found = &j->log->entries[p->begin].address;
	const struct pr_function *first;
	struct pr_build_error error;
	struct pr_topology *before;
	struct pr_action action;
	struct pr_kernel kernel;
	int r;

	r = judge_build(j, p->begin, p, NULL, &before, &error);
	if (r == 1)
		judge_cannot(j, p, v,
			strstr(error.text, "without a parent")
				? "the bridge above is not in the log"
				: error.text);
	if (r != 0)
		return r < 0 ? r : 0;
	first = pr_topology_find(before, found);
	r = pr_kernel_select(&j->machine, &kernel);
	if (first && r >= 0) {
		p->root = (struct pr_address){ .domain = first->root->facts.domain,
			.bus = first->root->facts.bus };
		action = action_for(j, from, p, first);
		r = judge_action(j, p, before, &kernel, &action, v);
	}
	pr_topology_free(before);
	return r < 0 ? r : 0;
}

int judge_plug(const struct judge *j, struct verdict *v)
{
	size_t from = boot_end(j->log);
	int r = 0;

	for (size_t i = from; i < j->log->n && r == 0; i++) {
		struct part p = { .root = j->log->entries[i].address, .begin = i };

		if (j->log->entries[i].kind != PR_DMESG_FOUND)
			continue;
		p.end = part_end(j->log, i);
		if (decides(j->log, &p))
			r = judge_part(j, from, &p, v);
		i = p.end - 1;
	}
	return r;
}

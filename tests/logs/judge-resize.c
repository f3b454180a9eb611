/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resizes: a driver releases BARs of its device and asks for another size of
 * one (pci_resize_resource).  Refused, it tries the next size, and a refusal
 * leaves what was there before: the last one counts.  That the BAR can have
 * that size the log proves, so it is added to what is known of the device.
 */
#include <string.h>

#include "base/macros.h"
#include "judge-private.h"

#define REBAR_AT 0x100u /* the first extended capability */
#define REBAR_ID 0x0015u
#define LENGTH   (REBAR_AT + 12)

static bool is_released(const struct pr_dmesg_entry *e)
{
	return e->speaker == PR_DMESG_DRIVER && e->kind == PR_DMESG_RELEASED && e->index < PR_ROM;
}

static bool is_outcome(const struct pr_dmesg_entry *e)
{
	return e->index < PR_RESOURCE_MAX &&
	       (e->kind == PR_DMESG_ASSIGNED || e->kind == PR_DMESG_FAILED);
}

/* Released, then decided; who releases a BAR then begins anew. */
static size_t part_end(const struct pr_dmesg *log, size_t begin)
{
	bool decided = false;

	for (size_t i = begin; i < log->n; i++) {
		const struct pr_dmesg_entry *e = &log->entries[i];

		if (e->kind == PR_DMESG_FOUND || e->kind == PR_DMESG_PLUGGED ||
			e->kind == PR_DMESG_UNPLUGGED || (decided && is_released(e)))
			return i;
		decided |= is_outcome(e);
	}
	return log->n;
}

static uint64_t size_of(const struct pr_dmesg_entry *e)
{
	return e->placed ? pr_range_size(&e->range) : e->size;
}

/* The last BAR of @f of which another size than it had was placed or was not. */
static const struct pr_resource *find_asked(const struct judge *j, const struct part *p,
	const struct pr_function *f, struct pr_action *ret)
{
	const struct pr_resource *found = NULL;

	for (size_t i = p->begin; i < p->end; i++) {
		const struct pr_dmesg_entry *e = &j->log->entries[i];
		const struct pr_resource *r = pr_function_resource(f, e->index);

		if (!is_outcome(e) || e->index >= PR_ROM || !r || size_of(e) == 0 ||
			pr_address_compare(&e->address, &f->address) != 0 || size_of(e) == r->size)
			continue;
		found = r;
		ret->index = e->index;
		ret->size = size_of(e);
	}
	return found;
}

/* ---- the device as one that can have that size (PCIe 7.8.6) ---- */

static void put32(uint8_t *at, uint64_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void add_rebar(struct pr_facts *facts, uint8_t config[LENGTH], uint8_t holes[LENGTH],
	const struct pr_resource *r, uint64_t asked)
{
	const unsigned int have = pr_rebar_order(r->size);
	const uint64_t sizes = UINT64_C(1) << have | UINT64_C(1) << pr_rebar_order(asked);
	const size_t n = facts->config_length < REBAR_AT ? facts->config_length : REBAR_AT;

	memset(config, 0, LENGTH);
	memset(holes, 1, REBAR_AT);
	memset(holes + REBAR_AT, 0, LENGTH - REBAR_AT);
	memcpy(config, facts->config, n);
	if (facts->config_holes)
		memcpy(holes, facts->config_holes, n);
	put32(config + REBAR_AT, 1u << 16 | REBAR_ID);
	put32(config + REBAR_AT + 4, sizes << 4);
	put32(config + REBAR_AT + 8, r->index | 1u << 5 | have << 8 | sizes >> 28 << 16);
	facts->config = config;
	facts->config_holes = holes;
	facts->config_length = LENGTH;
}

/* ---- one event ---- */

static int resize(const struct judge *j, const struct part *p, const struct pr_topology *able,
	struct pr_action *action, struct verdict *v)
{
	struct pr_kernel kernel;
	int r;

	action->function = pr_topology_find(able, &j->log->entries[p->begin].address);
	r = pr_kernel_select(&j->machine, &kernel);
	return r < 0 ? r : judge_action(j, p, able, &kernel, action, v);
}

static int judge_known(
	const struct judge *j, const struct part *p, const struct pr_function *f, struct verdict *v)
{
	struct pr_action action = { .kind = PR_ACTION_RESIZE };
	const struct pr_resource *asked = find_asked(j, p, f, &action);
	struct pr_facts facts = *f->facts;
	uint8_t config[LENGTH], holes[LENGTH];
	struct pr_build_error error;
	struct pr_topology *able;
	int r;

	if (!asked) {
		judge_cannot(j, p, v, "which size was asked for is not in the log");
		return 0;
	}
	if (asked->state == PR_RES_FORGOTTEN) {
		judge_cannot(j, p, v,
			"whether Linux has forgotten the BAR or the driver let go of it is not in the log");
		return 0;
	}
	add_rebar(&facts, config, holes, asked, action.size);
	r = judge_build(j, p->begin, NULL, &facts, &able, &error);
	if (r == 1)
		judge_cannot(j, p, v, error.text);
	if (r != 0)
		return r < 0 ? r : 0;
	r = resize(j, p, able, &action, v);
	pr_topology_free(able);
	return r;
}

static int judge_part(const struct judge *j, struct part *p, struct verdict *v)
{
	const struct pr_function *f;
	struct pr_build_error error;
	struct pr_topology *before;
	int r;

	r = judge_build(j, p->begin, NULL, NULL, &before, &error);
	if (r == 1)
		judge_cannot(j, p, v, error.text);
	if (r != 0)
		return r < 0 ? r : 0;
	f = pr_topology_find(before, &p->root);
	if (f) {
		p->root = (struct pr_address){ .domain = f->root->facts.domain,
			.bus = f->root->facts.bus };
		r = judge_known(j, p, f, v);
	} else {
		judge_cannot(j, p, v, "the device is not in the log");
	}
	pr_topology_free(before);
	return r;
}

int judge_resize(const struct judge *j, struct verdict *v)
{
	int r = 0;

	for (size_t i = 0; i < j->log->n && r == 0; i++) {
		struct part p = { .root = j->log->entries[i].address, .begin = i, .drivers = true };

		if (!is_released(&j->log->entries[i]))
			continue;
		p.end = part_end(j->log, i);
		r = judge_part(j, &p, v);
		i = p.end - 1;
	}
	return r;
}

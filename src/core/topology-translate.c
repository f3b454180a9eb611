/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines whose processor sees memory elsewhere than it is on the bus (POWER, Loongson, boards with
 * ARM and RISC-V): the kernel's table, /proc/iomem and lspci have the processor's addresses, registers
 * the bus's.  It is the bus that decides what a 32-bit BAR can have and a window passes on, so what
 * the others say is made the bus's too.  Memory below 4 GiB alone: what is above is seen where it is.
 */
#include "core/building.h"
#include "core/decode.h"

#include <errno.h>

/* Host bridges translate megabytes; another difference is that of a register that is stale. */
#define STEP 0x100000u

/* Functions [@first, @end) of the facts are those of one domain. */
struct translation {
	size_t first, end;
	uint64_t offset; /* from an address on the bus to the processor's; may wrap */
	bool any, none;
	bool sure; /* no register could have held the processor's address */
};

static bool is_placed(const struct pr_resource_line *line)
{
	return line && line->flags & PR_IORES_MEM && !(line->flags & PR_IORES_UNSET) &&
	       line->start != 0 && line->end > line->start;
}

/* Every BAR has to show the same: one that shows none is of a machine that does not translate. */
static void learn_bars(struct translation *t, const struct pr_facts *f)
{
	const struct pr_config config = pr_facts_config(f);
	struct pr_bar bar;

	for (unsigned int i = 0; i < 6 && !f->is_vf; i++) {
		const struct pr_resource_line *line = pr_facts_line(f, i);
		uint64_t offset;

		if (!is_placed(line) || !pr_config_bar(&config, i, &bar) || bar.io ||
			bar.address == 0 || bar.address > UINT32_MAX)
			continue;
		offset = line->start - bar.address;
		t->sure |= line->start > UINT32_MAX;
		t->none = t->none || offset % STEP != 0 || offset == 0 ||
			  line->end - offset > UINT32_MAX || (t->any && offset != t->offset);
		t->offset = offset;
		t->any = true;
	}
}

/* The processor's @first to @last on the bus; false when that is not below 4 GiB. */
static bool translate(const struct translation *t, uint64_t *first, uint64_t *last)
{
	uint64_t a = *first - t->offset, b = *last - t->offset;

	if (a > b || b > UINT32_MAX)
		return false;
	*first = a;
	*last = b;
	return true;
}

/* lspci has windows from registers, unless it is a new one: line @i is the bus's already. */
static bool is_of_register(const struct pr_facts *f, size_t i)
{
	const struct pr_config config = pr_facts_config(f);
	const uint64_t start = f->lines[i].start;
	struct pr_bridge_header h;

	return i > PR_ROM && pr_config_bridge(&config, &h) &&
	       (h.mem.range.first == start || h.pref.range.first == start);
}

static int translate_lines(struct pr_building *x, const struct translation *t, struct pr_facts *f)
{
	struct pr_resource_line *lines =
		pr_arena_memdup(x->arena, f->lines, f->n_lines * sizeof(*lines));

	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_lines; i++)
		if (lines[i].flags != PR_LINE_UNKNOWN && is_placed(&lines[i]) &&
			!is_of_register(f, i))
			(void)translate(t, &lines[i].start, &lines[i].end);
	f->lines = lines;
	return 0;
}

static int translate_ranges(struct pr_building *x, const struct translation *t,
	const struct pr_range **ranges, size_t *n)
{
	struct pr_range *copy = pr_arena_memdup(x->arena, *ranges, *n * sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < *n; i++)
		(void)translate(t, &copy[i].first, &copy[i].last);
	*n = pr_ranges_merge(copy, *n);
	*ranges = copy;
	return 0;
}

static int translate_domain(struct pr_building *x, const struct translation *t)
{
	struct pr_builder *b = x->b;
	int r = 0;

	for (size_t i = t->first; i < t->end && r == 0; i++)
		if (b->facts[i]->lines)
			r = translate_lines(x, t, b->facts[i]);
	for (size_t i = 0; i < b->n_roots && r == 0; i++) {
		struct pr_root_facts *root = &b->roots[i];

		if (root->domain != b->facts[t->first]->address.domain)
			continue;
		r = translate_ranges(x, t, &root->mem, &root->n_mem);
		if (r == 0)
			r = translate_ranges(x, t, &root->busy_mem, &root->n_busy_mem);
	}
	return r;
}

/* x86 has one address for both, but for the domains that Intel VMD makes in a guest (vmd.c). */
static bool may_translate(const struct pr_builder *b, uint32_t domain)
{
	return domain > 0xffff || !b->machine.arch || !pr_arch_is_x86(b->machine.arch);
}

int pr_building_translate(struct pr_building *x)
{
	const struct pr_builder *b = x->b;
	int r = 0;

	for (size_t i = 0; i < b->n_facts && r == 0;) {
		struct translation t = { .first = i };
		const uint32_t domain = b->facts[i]->address.domain;

		for (; i < b->n_facts && b->facts[i]->address.domain == domain; i++)
			if (!t.none)
				learn_bars(&t, b->facts[i]);
		t.end = i;
		if (t.sure && !t.none && may_translate(b, domain))
			r = translate_domain(x, &t);
	}
	return r;
}

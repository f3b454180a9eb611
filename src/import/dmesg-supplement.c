/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kernel log knows of the machine of another recording, and that one does not. */
#include <errno.h>

#include "import/dmesg.h"

/* @f, that the log found last at this address, as far as @b knows less of it. */
static int supplement_function(const struct pr_dmesg_function *f, struct pr_builder *b)
{
	const struct pr_resource_line io = { 0, f->io_asked - 1, PR_IORES_IO | PR_IORES_UNSET };
	const struct pr_dmesg_entry *e = f->found;
	struct pr_bar_mask masks[PR_WINDOW_IO];
	int r;

	if (!e)
		return 0;
	r = pr_builder_supplement_masks(
		b, &f->address, e->vendor, e->device, masks, pr_dmesg_masks(f, masks));
	if (r < 0 || f->io_asked == 0)
		return r;
	return pr_builder_supplement_line(b, &f->address, e->vendor, e->device, PR_WINDOW_IO, &io);
}

static int supplement_found(const struct pr_dmesg_fold *fold, struct pr_builder *b)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < fold->n; i++)
		r = supplement_function(&fold->functions[i], b);
	return r;
}

/*
 * BARs that failed of functions that @log does not find: somebody shows the end of a log, or the
 * kernel kept no more of it.  The last word on each counts.
 */
static int supplement_failed(
	const struct pr_dmesg *log, const struct pr_dmesg_fold *fold, struct pr_builder *b)
{
	struct pr_bar_mask mask;
	int r = 0;

	for (size_t i = log->n; r == 0 && i-- > 0;) {
		const struct pr_dmesg_entry *e = &log->entries[i];

		if (e->kind == PR_DMESG_FAILED && e->index < PR_VF_BAR0 &&
			!pr_dmesg_find(fold, &e->address) &&
			pr_dmesg_mask(e->index, e->size, e->flags, &mask))
			r = pr_builder_supplement_masks(
				b, &e->address, PR_ID_ANY, PR_ID_ANY, &mask, 1);
	}
	return r;
}

/* What @log says of functions; @all: and of everything else. */
static int supplement(const struct pr_dmesg *log, struct pr_builder *b, bool all)
{
	struct pr_arena *arena = pr_arena_new();
	const struct pr_dmesg_roots roots = { .log = log, .arena = arena, .by_processor = true };
	struct pr_dmesg_fold fold;
	int r;

	if (!arena)
		return -ENOMEM;
	r = pr_dmesg_fold(log, log->n, arena, &fold);
	if (r == 0)
		r = supplement_found(&fold, b);
	if (r == 0 && all)
		r = supplement_failed(log, &fold, b);
	if (r == 0 && all)
		r = pr_dmesg_each_root(&roots, b, pr_builder_supplement_root);
	if (r == 0 && all)
		r = pr_builder_supplement_machine(b, &log->machine);
	pr_arena_free(arena);
	return r;
}

int pr_dmesg_supplement_functions(const struct pr_dmesg *log, struct pr_builder *b)
{
	return supplement(log, b, false);
}

int pr_dmesg_supplement(const struct pr_dmesg *log, struct pr_builder *b)
{
	return supplement(log, b, true);
}

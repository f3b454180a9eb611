/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A subtree goes: out of the kernel's tables, or out of the machine.  Registers
 * stay as they are at a remove (KERNEL 1.3); a card without power forgets them.
 */
#include "kernel/model.h"

#include <errno.h>

/* All ones: nothing answers any more (PCI 3.0, 6.1), as after a surprise removal. */
static bool is_silent(const struct pr_function *f)
{
	return f->facts->config_length >= 4 && f->header.vendor == 0xffff && !f->facts->is_vf;
}

void k_mark_removed(struct pr_function *f)
{
	f->removed = true;
	f->unplugged |= is_silent(f);
	for (unsigned int i = 0; i < f->n_resources; i++) {
		struct pr_resource *r = &f->resources[i];

		if (r->flags & PR_IORES_PCI_FIXED) {
			r->state = PR_RES_UNASSIGNED; /* its range is where it will be again */
			continue;
		}
		r->range = (struct pr_range){ 0 };
		if (f->bridge && pr_resource_is_window(r)) {
			r->state = PR_RES_CLOSED;
			r->size = r->kept = 0;
		} else {
			r->state = PR_RES_UNASSIGNED;
		}
	}
}

bool k_has_vfs(const struct pr_function *f)
{
	return f->facts->sriov_numvfs > 0 ||
	       (f->caps->sriov.present == PR_YES && f->caps->sriov.enabled);
}

int k_remove(struct pr_function *top)
{
	if (top->removed || top->facts->is_vf)
		return -EINVAL;
	for (struct pr_function *f = top; f; f = pr_function_walk(f, top)) {
		if (!f->removed)
			k_mark_removed(f);
		if (k_has_vfs(f))
			k_remove_vfs(f); /* wherever they are */
	}
	return 0;
}

/* What a bridge's registers read after power-on; the windows forward the lowest block or nothing. */
static void reset_bridge(struct pr_bridge *b)
{
	b->primary = b->secondary = b->subordinate = 0;
	b->control = 0;
	for (unsigned int i = 0; i < 3; i++) {
		struct pr_window *w = &b->registers[i];

		w->open = w->implemented;
		w->range = (struct pr_range){ 0, i == 0 ? 0xfff : 0xfffff };
		if (w->open != PR_YES)
			w->range = (struct pr_range){ 0 };
	}
}

int k_unplug(struct pr_function *top)
{
	int r = top->removed ? 0 : k_remove(top);

	for (struct pr_function *f = top; f && r == 0; f = pr_function_walk(f, top)) {
		f->unplugged = true;
		if (f->bridge)
			reset_bridge(f->bridge);
	}
	return r;
}

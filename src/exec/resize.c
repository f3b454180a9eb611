/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of Resizable BARs: set by the kernel or by register, and put back from
 * a record.  Whoever drives the function lets go of it first; it is bound again
 * with the rest of the roster.  Knows neither plans nor the journal's file.
 */
#include <errno.h>

#include "exec/resize.h"

#define REG_COMMAND    0x04
#define COMMAND_MEMORY 0x02u
#define HEADER_END     0x100 /* no other step writes beyond it */

int pr_resize_bar(
	const struct pr_backend *b, const struct pr_address *a, uint8_t index, uint64_t size)
{
	return b->ops->resize
		       ? b->ops->resize(b->instance, a, index - PR_BAR0, pr_rebar_order(size))
		       : -EOPNOTSUPP;
}

bool pr_is_size_register(uint16_t offset)
{
	return offset >= HEADER_END;
}

/* The function must not answer while its BARs change (PCIe 7.8.6.3); a driver switches it on again. */
int pr_decode_off(const struct pr_backend *b, const struct pr_address *a)
{
	uint32_t command;
	int r;

	r = b->ops->read(b->instance, a, REG_COMMAND, 2, &command);
	if (r < 0 || !(command & COMMAND_MEMORY))
		return r;
	return b->ops->write(b->instance, a, REG_COMMAND, 2, command & ~COMMAND_MEMORY);
}

/* ---- back ---- */

static int let_go(const struct pr_backend *b, const struct pr_function *f)
{
	if (!f->facts || !f->facts->driver)
		return 0;
	return b->ops->unbind ? b->ops->unbind(b->instance, &f->address) : -EOPNOTSUPP;
}

/* 1: it was not what the step had made of it. */
static int put_back_register(
	const struct pr_backend *b, const struct pr_function *f, const struct pr_record_step *s)
{
	uint32_t value;
	int r;

	if (!b->ops->read || !b->ops->write)
		return -EOPNOTSUPP;
	r = b->ops->read(b->instance, &f->address, s->offset, s->width, &value);
	if (r < 0 || value != s->value)
		return r < 0 ? r : 1;
	r = let_go(b, f);
	if (r == 0)
		r = pr_decode_off(b, &f->address);
	return r < 0 ? r : b->ops->write(b->instance, &f->address, s->offset, s->width, s->old);
}

static int put_back_bar(
	const struct pr_backend *b, const struct pr_function *f, const struct pr_record_step *s)
{
	const struct pr_resource *r = pr_function_resource(f, s->index);
	int k;

	if (!r || r->size != s->size)
		return 1;
	k = let_go(b, f);
	return k < 0 ? k : pr_resize_bar(b, &f->address, s->index, s->old_size);
}

/* The kernel has found the function with the size that @s wrote (PCIe 7.8.6.3, 7.8.7). */
static bool has_taken_over(const struct pr_function *f, const struct pr_record_step *s)
{
	const struct pr_rebar *vf = &f->caps->vf_rebar;
	const bool of_vf = vf->present == PR_YES && s->offset > vf->offset &&
			   s->offset < vf->offset + 8u + 8u * vf->n_entries;
	const struct pr_resource *r =
		pr_function_resource(f, (of_vf ? PR_VF_BAR0 : PR_BAR0) + (s->value & 7u));
	const unsigned int n = s->value >> 8 & 0x3fu;

	return r && n < PR_REBAR_SIZES && (of_vf ? r->align : r->size) == PR_REBAR_SIZE(n);
}

bool pr_restores_size(const struct pr_record_step *s)
{
	return s->inverse == PR_INVERSE_RESIZE ||
	       (s->inverse == PR_INVERSE_WRITE && pr_is_size_register(s->offset));
}

int pr_restore_size(const struct pr_backend *b, const struct pr_function *f,
	const struct pr_record_step *s, bool *ret_again)
{
	int r = s->inverse == PR_INVERSE_RESIZE ? put_back_bar(b, f, s)
						: put_back_register(b, f, s);

	if (r == -ECONNRESET) /* the helper died; another is started */
		r = s->inverse == PR_INVERSE_RESIZE ? put_back_bar(b, f, s)
						    : put_back_register(b, f, s);
	*ret_again |= r == 0 && s->inverse == PR_INVERSE_WRITE && has_taken_over(f, s);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register writes to a device: what of them decides a layout later on.  A
 * bridge's header is kept as bytes between writes (PCI-to-PCI Bridge 1.2,
 * chapter 3).
 */
#include "kernel/model.h"

#include <errno.h>

bool k_action_touches(const struct pr_action *a, unsigned int first, unsigned int last)
{
	return a->offset <= last && a->offset + a->width > first;
}

static bool is_read_only(const struct pr_bridge *b, unsigned int offset)
{
	bool io = offset == 0x1c || offset == 0x1d || (offset >= 0x30 && offset <= 0x33);
	bool pref = offset >= 0x24 && offset <= 0x2f;

	return (io && b->registers[0].implemented != PR_YES) ||
	       (pref && b->registers[2].implemented != PR_YES);
}

/* The low bits of the window registers say how wide they are and cannot be written. */
static uint8_t merge_byte(uint8_t old, uint8_t new, unsigned int offset)
{
	bool typed = offset == 0x1c || offset == 0x1d || offset == 0x20 || offset == 0x22 ||
		     offset == 0x24 || offset == 0x26;

	return typed ? (uint8_t)((new & 0xf0) | (old & 0x0f)) : new;
}

static struct k_header *header_of(struct k_model *m, const struct pr_function *f)
{
	struct k_header *h = m->writes;

	while (h && h->f != f)
		h = h->next;
	if (h)
		return h;
	h = pr_new(m->writes_arena, struct k_header);
	if (!h)
		return NULL;
	h->f = f;
	h->next = m->writes;
	pr_bridge_encode(f->bridge, h->raw);
	m->writes = h;
	return h;
}

static int write_bridge(struct k_model *m, const struct pr_function *f, const struct pr_action *a)
{
	struct k_header *h = header_of(m, f);
	struct pr_bridge *b = f->bridge;
	struct pr_bridge_header header;

	if (!h)
		return -ENOMEM;
	for (unsigned int i = 0; i < a->width; i++) {
		unsigned int offset = a->offset + i;

		if (!is_read_only(b, offset))
			h->raw[offset] =
				merge_byte(h->raw[offset], (uint8_t)(a->value >> (8 * i)), offset);
	}
	if (!pr_config_bridge(
		    &(struct pr_config){ .bytes = h->raw, .length = sizeof(h->raw) }, &header))
		return -EINVAL;

	b->primary = header.primary;
	b->secondary = header.secondary;
	b->subordinate = header.subordinate;
	b->control = header.control;
	b->registers[0] = header.io;
	b->registers[1] = header.mem;
	b->registers[2] = header.pref;
	return 0;
}

/* Registers that read zero may be absent (config-space.h). */
static bool meets_unknown(const struct pr_bridge *b, const struct pr_action *a)
{
	bool io = k_action_touches(a, 0x1c, 0x1d) || k_action_touches(a, 0x30, 0x33);

	return (io && b->registers[0].implemented == PR_UNKNOWN) ||
	       (k_action_touches(a, 0x24, 0x2f) && b->registers[2].implemented == PR_UNKNOWN);
}

static bool touches_rebar(const struct pr_rebar *rebar, const struct pr_action *a)
{
	unsigned int first = rebar->offset;

	return rebar->present == PR_YES &&
	       k_action_touches(a, first, first + 3 + 8u * rebar->n_entries);
}

/*
 * A control register: the BAR has that size when it is found again (PCIe 7.8.6.3, 7.8.7).  Of
 * virtual functions the size is that of one.
 */
static void write_size(struct k_model *m, struct pr_function *f, const struct pr_rebar *rebar,
	unsigned int bar0, const struct pr_action *a)
{
	const unsigned int first = rebar->offset + 8u, n = a->value >> 8 & 0x3f;
	const struct pr_rebar_entry *e = NULL;
	struct pr_resource *r = NULL;

	if (a->width == 4 && a->offset >= first && (a->offset - first) % 8 == 0 &&
		(a->offset - first) / 8 < rebar->n_entries)
		e = &rebar->entries[(a->offset - first) / 8];
	if (e && n < PR_REBAR_SIZES && e->sizes >> n & 1)
		r = pr_function_resource(f, bar0 + e->bar);
	if (!r) {
		k_doubt(m, f, "what a write to its Resizable BAR registers does is not known");
		return;
	}
	r->align = PR_REBAR_SIZE(n);
	r->size = bar0 == PR_VF_BAR0 ? r->align * f->caps->sriov.total_vfs : r->align;
}

bool k_writes_size(const struct pr_function *f, const struct pr_action *a)
{
	return touches_rebar(&f->caps->rebar, a) || touches_rebar(&f->caps->vf_rebar, a);
}

/* Registers that decide nothing here may be written too. */
int k_write(struct k_model *m, struct pr_function *f, const struct pr_action *a)
{
	if (f->removed || (a->width != 1 && a->width != 2 && a->width != 4) ||
		a->offset % a->width != 0 || a->offset + a->width > 4096)
		return -EINVAL;
	if (f->bridge && meets_unknown(f->bridge, a))
		k_doubt(m, f, "whether it has the window that is written is not known");
	if (touches_rebar(&f->caps->rebar, a))
		write_size(m, f, &f->caps->rebar, PR_BAR0, a);
	if (touches_rebar(&f->caps->vf_rebar, a))
		write_size(m, f, &f->caps->vf_rebar, PR_VF_BAR0, a);
	if (m->status != 0)
		return m->status;
	if (!f->bridge || !k_action_touches(a, 0x18, 0x33) || a->offset >= 0x34)
		return 0;
	return write_bridge(m, f, a);
}

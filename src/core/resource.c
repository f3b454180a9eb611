/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resources of one function: what it has, what it wants.  Joins the kernel's
 * table (`resource` lines), the registers and the measured masks; each of them
 * may be missing.  The states are explained in include/pciroom/topology.h.
 */
#include "core/decode.h"

#define TYPE_FLAGS (PR_IORES_IO | PR_IORES_MEM)

bool pr_resource_is_window(const struct pr_resource *r)
{
	return r->index >= PR_WINDOW_IO;
}

bool pr_is_vf_bar(unsigned int index)
{
	return index >= PR_VF_BAR0 && index < PR_WINDOW_IO;
}

bool pr_resource_is_io(const struct pr_resource *r)
{
	return (r->flags & PR_IORES_IO) != 0;
}

bool pr_resource_misplaced(const struct pr_resource *r)
{
	return r->state == PR_RES_UNASSIGNED && (r->flags & PR_IORES_EA_BEI) && r->range.first != 0;
}

/* Lowest set bit: what a base that is a multiple of @size is aligned to at least. */
static uint64_t natural_align(uint64_t size)
{
	return size == PR_SIZE_UNKNOWN ? PR_SIZE_UNKNOWN : size & (~size + 1);
}

/*
 * Kernels without SR-IOV support have no lines for VF BARs: the windows of a
 * bridge follow its ROM, and it has 11 or 12 lines in all.
 */
#define LINES_WITHOUT_IOV 12

static const struct pr_resource_line *find_line(const struct pr_facts *facts, unsigned int index)
{
	if (facts->n_lines <= LINES_WITHOUT_IOV && index >= PR_VF_BAR0) {
		if (index < PR_WINDOW_IO)
			return NULL;
		index -= PR_WINDOW_IO - PR_VF_BAR0;
	}
	return facts->lines && index < facts->n_lines ? &facts->lines[index] : NULL;
}

const struct pr_resource_line *pr_facts_line(const struct pr_facts *facts, unsigned int index)
{
	const struct pr_resource_line *line = find_line(facts, index);

	return line && line->flags != PR_LINE_UNKNOWN ? line : NULL;
}

struct pr_config pr_facts_config(const struct pr_facts *facts)
{
	return (struct pr_config){
		.bytes = facts->config,
		.length = facts->config_length,
		.holes = facts->config_holes,
	};
}

static const struct pr_bar_mask *find_mask(const struct pr_facts *facts, unsigned int index)
{
	for (size_t i = 0; i < facts->n_masks; i++)
		if (facts->masks[i].index == index)
			return &facts->masks[i];
	return NULL;
}

static bool line_empty(const struct pr_resource_line *line)
{
	return line->start == 0 && line->end == 0 && line->flags == 0;
}

static void set_size(struct pr_resource *r, uint64_t size)
{
	r->size = size;
	r->align = natural_align(size);
}

/*
 * A line that says something (KERNEL 1.11).  Start 0 with an end is a resource
 * whose addresses were taken away, with or without UNSET: no BAR lies at 0.
 */
static void resource_from_line(struct pr_resource *r, const struct pr_resource_line *line)
{
	struct pr_range range = { .first = line->start, .last = line->end };

	r->flags = (uint32_t)line->flags;
	if (line->end < line->start || (line->start == 0 && line->end == 0)) {
		r->state = PR_RES_UNASSIGNED;
		set_size(r, PR_SIZE_UNKNOWN);
		return;
	}

	set_size(r, pr_range_size(&range));
	r->state = (line->flags & PR_IORES_UNSET) || line->start == 0 ? PR_RES_UNASSIGNED
								      : PR_RES_ASSIGNED;
	if (r->state == PR_RES_ASSIGNED || ((line->flags & PR_IORES_EA_BEI) && line->start != 0))
		r->range = range;
}

/* What the device fixes, as the kernel reads it (drivers/pci/pci.c, pci_ea_read). */
static bool resource_from_ea(struct pr_resource *r, const struct pr_function *f)
{
	static const uint32_t types[] = { [PR_EA_MEM] = PR_IORES_MEM,
		[PR_EA_PREF] = PR_IORES_MEM | PR_IORES_PREFETCH,
		[PR_EA_IO] = PR_IORES_IO };
	const struct pr_ea_entry *e = pr_ea_find(&f->caps->ea, r->index);

	if (!e)
		return false;
	r->flags = types[e->properties] | PR_IORES_PCI_FIXED | PR_IORES_EA_BEI |
		   (e->range.last > UINT32_MAX ? PR_IORES_MEM_64 : 0);
	r->state = f->facts->is_newcomer ? PR_RES_UNASSIGNED : PR_RES_ASSIGNED;
	r->range = e->range;
	set_size(r, pr_range_size(&e->range));
	return true;
}

static uint32_t flags_from_bar(const struct pr_bar *bar)
{
	if (bar->io)
		return PR_IORES_IO;
	return PR_IORES_MEM | (bar->prefetchable ? PR_IORES_PREFETCH : 0) |
	       (bar->is_64bit ? PR_IORES_MEM_64 : 0);
}

static uint32_t flags_from_mask(const struct pr_bar_mask *mask)
{
	if (mask->index == PR_ROM)
		return PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_READONLY;
	if (mask->low & 1)
		return PR_IORES_IO;
	return PR_IORES_MEM | (mask->low & 8 ? PR_IORES_PREFETCH : 0) |
	       ((mask->low & 6) == 4 ? PR_IORES_MEM_64 : 0);
}

/*
 * Functions whose base address registers hold something else; Linux does not
 * read them (arch/x86/pci/fixup.c, pci_invalid_bar).
 */
static bool has_other_bars(const struct pr_header *h)
{
	static const uint16_t intel[] = { 0x2fc0, 0x6f60, 0x6fa0, 0x6fc0, 0xa1ec, 0xa1ed, 0xa26c,
		0xa26d };

	if (h->vendor != 0x8086)
		return false;
	for (size_t i = 0; i < sizeof(intel) / sizeof(intel[0]); i++)
		if (intel[i] == h->device)
			return true;
	return false;
}

/* The size that was measured, or PR_SIZE_UNKNOWN; 0: measured, and there is no such BAR. */
static uint64_t measured_size(const struct pr_bar_mask *mask)
{
	return mask ? pr_bar_size_from_mask(mask->low, mask->high, mask->index == PR_ROM)
		    : PR_SIZE_UNKNOWN;
}

/* A register alone decides what has addresses where a kernel ran before, not after power-on. */
static void resource_of_newcomer(struct pr_resource *r, uint64_t size)
{
	r->state = PR_RES_UNASSIGNED;
	set_size(r, size);
}

/* No kernel table, as in an lspci dump: an address means that it was assigned; @size bytes of it. */
static void resource_from_register(struct pr_resource *r, const struct pr_bar *bar, uint64_t size)
{
	if (bar->address == 0)
		return;

	r->state = PR_RES_ASSIGNED;
	if (size == PR_SIZE_UNKNOWN || !pr_range_make(&r->range, bar->address, size))
		r->range = (struct pr_range){ .first = bar->address, .last = bar->address };
}

/*
 * The kernel's line is empty or not recorded: what do register and mask say?  False: there is
 * nothing.
 */
static bool resource_without_line(
	struct pr_resource *r, const struct pr_function *f, const struct pr_bar *bar, bool recorded)
{
	const struct pr_bar_mask *mask = find_mask(f->facts, r->index);
	uint64_t size = measured_size(mask);

	if (size == 0 || (!mask && !bar->implemented) || has_other_bars(&f->header))
		return false;

	r->flags = mask ? flags_from_mask(mask) : flags_from_bar(bar);
	if (f->facts->is_newcomer) {
		resource_of_newcomer(r, size);
		return true;
	}
	set_size(r, size);
	if (recorded)
		r->state = PR_RES_FORGOTTEN;
	else
		resource_from_register(r, bar, size);
	return true;
}

/*
 * Virtual functions take their addresses from the physical function's VF BARs: nothing of theirs
 * is ever to be placed.
 */
static bool decode_bar(const struct pr_function *f, unsigned int index, struct pr_resource *ret)
{
	struct pr_config config = pr_facts_config(f->facts);
	const struct pr_resource_line *line = pr_facts_line(f->facts, index);
	struct pr_resource r = { .index = (uint8_t)index };
	struct pr_bar bar = { 0 };

	(void)pr_config_bar(&config, index, &bar); /* not known: nothing to add */
	if (line && !line_empty(line)) {
		resource_from_line(&r, line);
		if (!(line->flags & TYPE_FLAGS)) { /* a resize gives it an end, nothing else */
			r.flags = flags_from_bar(&bar);
			r.state = PR_RES_FORGOTTEN;
		}
	} else if (line || !resource_from_ea(&r, f)) {
		if (!resource_without_line(&r, f, &bar, line != NULL))
			return false;
	}
	if (f->facts->is_vf && r.state != PR_RES_ASSIGNED)
		return false;

	*ret = r;
	return true;
}

/*
 * The ROM's register tells little (firmware leaves addresses in it), so that
 * without a line or a measurement there is none.  A shadow is RAM.
 */
static bool decode_rom(const struct pr_function *f, struct pr_resource *ret)
{
	struct pr_config config = pr_facts_config(f->facts);
	const struct pr_resource_line *line = pr_facts_line(f->facts, PR_ROM);
	struct pr_resource r = { .index = PR_ROM };
	struct pr_bar rom = { 0 };

	if (line && !line_empty(line)) {
		if (line->flags & PR_IORES_ROM_SHADOW)
			return false;
		resource_from_line(&r, line);
	} else {
		if (!line)
			(void)pr_config_rom(&config, &rom); /* not known: nothing to add */
		rom.implemented = rom.address != 0;
		rom.address = rom.enabled ? rom.address : 0; /* firmware leaves old ones behind */
		if (!resource_without_line(&r, f, &rom, line != NULL))
			return false;
		r.flags |= PR_IORES_PREFETCH | PR_IORES_READONLY;
	}
	if (f->facts->is_vf && r.state != PR_RES_ASSIGNED)
		return false;

	*ret = r;
	return true;
}

/* Size and alignment of the VF BAR of a card that was only measured; false: it has none. */
static bool measured_vf_bar(struct pr_resource *r, const struct pr_bar_mask *mask, uint16_t vfs)
{
	uint64_t size = measured_size(mask);

	if (size == 0)
		return false;
	r->flags = flags_from_mask(mask);
	r->align = natural_align(size);
	if (__builtin_mul_overflow(size, vfs, &r->size))
		r->size = PR_SIZE_UNKNOWN;
	return true;
}

/*
 * Size for all VFs together, alignment of one of them (drivers/pci/iov.c,
 * pci_iov_resource_set_size).
 */
static bool decode_vf_bar(const struct pr_function *f, unsigned int nth, struct pr_resource *ret)
{
	const struct pr_sriov *s = &f->caps->sriov;
	const struct pr_resource_line *line = pr_facts_line(f->facts, PR_VF_BAR0 + nth);
	const struct pr_bar_mask *mask = find_mask(f->facts, PR_VF_BAR0 + nth);
	struct pr_resource r = { .index = (uint8_t)(PR_VF_BAR0 + nth) };
	uint16_t vfs = s->present == PR_YES ? s->total_vfs : 0;

	if (line && !line_empty(line)) {
		resource_from_line(&r, line);
		r.align = PR_SIZE_UNKNOWN;
		if (r.size != PR_SIZE_UNKNOWN && vfs != 0 && r.size % vfs == 0)
			r.align = natural_align(r.size / vfs);
	} else {
		if (vfs == 0 || (!mask && !s->bars[nth].implemented))
			return false;
		r.flags = flags_from_bar(&s->bars[nth]);
		set_size(&r, PR_SIZE_UNKNOWN);
		if (mask && !measured_vf_bar(&r, mask, vfs))
			return false;
		if (f->facts->is_newcomer)
			r.state = PR_RES_UNASSIGNED;
		else if (line)
			r.state = PR_RES_FORGOTTEN;
		else
			resource_from_register(&r, &s->bars[nth], r.size);
	}

	*ret = r;
	return true;
}

static uint32_t window_flags(unsigned int kind, const struct pr_window *w)
{
	if (kind == PR_WINDOW_IO)
		return PR_IORES_IO | PR_IORES_WINDOW;
	if (kind == PR_WINDOW_MEM)
		return PR_IORES_MEM | PR_IORES_WINDOW;
	return PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_WINDOW |
	       (w->width == 64 ? PR_IORES_MEM_64 : 0);
}

static void close_window(struct pr_resource *r)
{
	r->state = PR_RES_CLOSED;
	r->range = (struct pr_range){ 0 };
	r->size = 0;
	r->kept = 0;
}

/*
 * Up to 6.12 the table shows a window that was taken away: from 0, with its size (KERNEL 1.9).
 * Later such a line comes from a log (pciroom-snapshot(5)); with PR_IORES_UNSET it always does.
 */
static uint64_t kept_size(const struct pr_resource_line *line)
{
	return line->start == 0 && line->end > 0 ? line->end + 1 : 0;
}

static void window_from_register(struct pr_resource *r, const struct pr_window *w)
{
	if (w->open != PR_YES) {
		close_window(r);
		r->state = w->open == PR_NO ? PR_RES_CLOSED : PR_RES_UNKNOWN;
		return;
	}
	r->state = PR_RES_ASSIGNED;
	r->range = w->range;
	r->size = pr_range_size(&w->range);
}

/* A window is there even when it is closed: the bridge may get one at the next assignment. */
static void decode_window(const struct pr_function *f, unsigned int kind, struct pr_resource *ret)
{
	const struct pr_window *w = &f->bridge->registers[kind - PR_WINDOW_IO];
	const struct pr_resource_line *line = pr_facts_line(f->facts, kind);
	struct pr_resource r = { .index = (uint8_t)kind };

	if ((f->facts->lines && !find_line(f->facts, kind)) || f->facts->is_newcomer) {
		/* a bridge without a bus below it has no lines for windows (resource_show) */
		close_window(&r);
	} else if (!line) {
		window_from_register(&r, w);
	} else if (line_empty(line)) {
		close_window(&r);
	} else {
		resource_from_line(&r, line);
		if (r.state != PR_RES_ASSIGNED) {
			close_window(&r);
			r.kept = kept_size(line);
		}
	}
	if (!(r.flags & TYPE_FLAGS))
		r.flags |= window_flags(kind, w);
	r.align = kind == PR_WINDOW_IO ? 0x1000 : 0x100000;

	*ret = r;
}

/*
 * A CardBus bridge's windows (two of I/O, two of memory) take room above it, like BARs;
 * so do those of a bridge that does not answer any more.
 */
static size_t decode_other_windows(const struct pr_function *f, struct pr_resource *ret)
{
	size_t n = 0;

	for (unsigned int i = PR_WINDOW_IO; i < PR_RESOURCE_MAX; i++) {
		const struct pr_resource_line *line = pr_facts_line(f->facts, i);
		struct pr_resource r = { .index = (uint8_t)i };

		if (!line || line_empty(line))
			continue;
		resource_from_line(&r, line);
		r.align = pr_resource_is_io(&r) ? 4 : 0x1000;
		if (r.state == PR_RES_ASSIGNED)
			ret[n++] = r;
	}
	return n;
}

static bool is_64bit(const struct pr_resource *r)
{
	return (r->flags & PR_IORES_MEM_64) != 0;
}

/*
 * True when register @index is the upper half of the 64-bit BAR @before (NULL: no BAR decoded
 * there).
 */
static bool is_upper_half(
	const struct pr_function *f, unsigned int index, const struct pr_resource *before)
{
	struct pr_config config = pr_facts_config(f->facts);
	struct pr_bar bar;

	if (index == 0)
		return false;
	if (before && before->index + 1u == index && is_64bit(before))
		return true;
	return pr_config_bar(&config, index - 1, &bar) && bar.is_64bit;
}

static unsigned int n_bars(const struct pr_function *f)
{
	switch (f->header.type) {
	case PR_HEADER_BRIDGE:
		return 2;
	case PR_HEADER_CARDBUS:
		return 1;
	case PR_HEADER_NORMAL:
	case PR_HEADER_UNKNOWN:
	case PR_HEADER_OTHER:
		break;
	}
	return 6;
}

size_t pr_resources_decode(const struct pr_function *f, struct pr_resource *ret)
{
	size_t n = 0;

	for (unsigned int i = 0; i < n_bars(f); i++)
		if (!is_upper_half(f, i, n > 0 ? &ret[n - 1] : NULL) && decode_bar(f, i, &ret[n]))
			n++;
	if (decode_rom(f, &ret[n]))
		n++;
	for (unsigned int i = 0; i < 6; i++)
		if (!f->facts->is_vf && decode_vf_bar(f, i, &ret[n]))
			n++;
	if (f->bridge)
		for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++)
			decode_window(f, kind, &ret[n++]);
	else if (f->header.type != PR_HEADER_NORMAL)
		n += decode_other_windows(f, &ret[n]);
	return n;
}

unsigned int pr_resource_window(const struct pr_resource *r, const struct pr_function *bridge)
{
	const struct pr_resource *pref;

	if (pr_resource_is_io(r))
		return PR_WINDOW_IO;
	if (!(r->flags & PR_IORES_PREFETCH))
		return PR_WINDOW_MEM;
	if (!bridge || !bridge->bridge)
		return PR_WINDOW_PREF;

	/* a 64-bit window may lie above 4 GiB, where a 32-bit BAR cannot follow */
	pref = pr_function_resource(bridge, PR_WINDOW_PREF);
	if (!pref || (is_64bit(pref) && !is_64bit(r)))
		return PR_WINDOW_MEM;
	return PR_WINDOW_PREF;
}

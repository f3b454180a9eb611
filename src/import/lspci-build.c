/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what was read of lspci's output to facts: bytes that text implies fill
 * the holes of an image, regions and windows become lines of the kernel's
 * table (lspci prints the kernel's addresses where it can), and what neither
 * says stays unknown.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "import/lspci.h"

#define CLASS_BRIDGE  0x0604
#define CLASS_CARDBUS 0x0607
#define N_BARS        6
#define PREF_BASE     0x24 /* prefetchable memory base: the low bits are its width */

static void builder_freep(struct pr_builder **b)
{
	pr_builder_free(*b);
}

/* ---- header ---- */

/* Does the device have other functions?  Then its header says so. */
static bool has_siblings(const struct pr_lspci *p, const struct pr_address *a)
{
	struct pr_address other = *a;

	for (other.function = 0; other.function < 8; other.function++)
		if (other.function != a->function && pr_lspci_find(p, &other))
			return true;

	return false;
}

/* Header type by the line of bus numbers; a bare list has the class alone. */
static int header_type(const struct pr_lspci *p)
{
	const struct pr_lspci_text *t = &p->current->text;
	bool known = p->origin[0x0b] != PR_BYTE_UNKNOWN;
	unsigned int class = known ? (unsigned int)p->bytes[0x0b] << 8 | p->bytes[0x0a] : 0;

	if (t->verbose && t->bridge)
		return class == CLASS_CARDBUS ? 2 : 1;
	if (t->verbose)
		return 0;
	if (!known)
		return -1;
	if (class == CLASS_BRIDGE)
		return 1;
	return class == CLASS_CARDBUS ? 2 : 0;
}

static void imply_header(struct pr_lspci *p)
{
	const struct pr_lspci_text *t = &p->current->text;
	unsigned int command = (t->io_on ? 1u : 0) | (t->memory_on ? 2u : 0) | (t->master ? 4u : 0);
	int type = header_type(p);

	if (type >= 0)
		pr_lspci_put(p, 0x0e, 1,
			(unsigned int)type | (has_siblings(p, &p->current->address) ? 0x80u : 0),
			PR_BYTE_IMPLIED);
	if (!t->verbose)
		return;
	/* zero is not printed */
	pr_lspci_or(p, 0x08, 2, 0);
	if (!t->has_control)
		pr_lspci_or(p, 0x04, 2, command);
	if (p->origin[0x06] == PR_BYTE_UNKNOWN)
		pr_lspci_or(p, 0x06, 2, t->last_standard != 0 || t->list_hidden ? 0x10 : 0);
	pr_lspci_capabilities_end(p);
}

/* ---- base address registers ---- */

static bool register_matches(
	const struct pr_lspci *p, unsigned int index, const struct pr_lspci_region *r)
{
	unsigned int at = 0x10 + 4 * index;

	return p->origin[at] == PR_BYTE_DUMPED && (p->bytes[at] & 0xf0) == (r->address & 0xf0) &&
	       ((p->bytes[at] & 1) != 0) == r->io &&
	       (p->bytes[at] || p->bytes[at + 1] || p->bytes[at + 2] || p->bytes[at + 3]);
}

/* -v prints no numbers: bytes may tell, else regions are counted. */
static unsigned int region_index(const struct pr_lspci *p, size_t nth, unsigned int from)
{
	const struct pr_lspci_text *t = &p->current->text;

	if (t->numbers[nth] >= 0)
		return (unsigned int)t->numbers[nth];
	for (unsigned int i = from; i < N_BARS; i++)
		if (register_matches(p, i, &t->regions[nth]))
			return i;
	return from;
}

static uint64_t region_flags(const struct pr_lspci_region *r)
{
	if (r->io)
		return PR_IORES_IO | PR_IORES_SIZEALIGN;
	return PR_IORES_MEM | PR_IORES_SIZEALIGN | (r->prefetchable ? PR_IORES_PREFETCH : 0) |
	       (r->is_64bit ? PR_IORES_MEM_64 : 0) |
	       (r->enhanced ? PR_IORES_EA_BEI | PR_IORES_PCI_FIXED : 0);
}

/*
 * The line of the kernel's table that lspci printed @r from.  Where sizes are
 * printed at all, a region without one is a BAR that the kernel forgot.
 */
static struct pr_resource_line region_line(
	const struct pr_lspci *p, const struct pr_lspci_region *r)
{
	struct pr_resource_line line = { .flags = PR_LINE_UNKNOWN };
	struct pr_range range;

	if (!p->sizes || (r->size == 0 && r->has_address))
		return line;
	if (r->size == 0)
		return (struct pr_resource_line){ 0 };
	if (!pr_range_make(&range, r->has_address ? r->address : 0, r->size))
		return line;
	return (struct pr_resource_line){ range.first, range.last, region_flags(r) };
}

/*
 * It holds an address that is not printed: the kernel does not use it, or the processor sees the
 * region elsewhere than it is on the bus.
 */
static bool is_silent(const struct pr_lspci_region *r)
{
	return r->ignored || (!r->io && !r->is_64bit && r->address > UINT32_MAX);
}

static void imply_register(struct pr_lspci *p, unsigned int index, const struct pr_lspci_region *r)
{
	uint64_t value = r->has_address && !r->virtual ? r->address : 0;
	unsigned int n = r->is_64bit && index + 1 < N_BARS ? 8 : 4;

	if (is_silent(r))
		return;
	if (r->io)
		value |= 1;
	else if (!r->virtual)
		value |= (r->is_64bit ? 4u : 0) | (r->prefetchable ? 8u : 0);
	pr_lspci_put(p, 0x10 + 4 * index, n, r->virtual ? 0 : value, PR_BYTE_IMPLIED);
}

static void place_regions(struct pr_lspci *p, unsigned int n_bars, struct pr_resource_line *lines)
{
	const struct pr_lspci_text *t = &p->current->text;
	unsigned int next = 0, index;
	bool silent[N_BARS + 1] = { false };

	for (size_t i = 0; i < t->n_regions; i++) {
		index = region_index(p, i, next);
		if (index >= n_bars)
			continue;
		lines[index] = region_line(p, &t->regions[i]);
		imply_register(p, index, &t->regions[i]);
		silent[index] = is_silent(&t->regions[i]);
		silent[index + 1] = silent[index] && t->regions[i].is_64bit;
		next = index + 1 + t->regions[i].is_64bit;
	}
	/* a register that holds something is printed */
	for (index = 0; index < n_bars; index++)
		if (p->origin[0x10 + 4 * index] == PR_BYTE_UNKNOWN && !silent[index])
			pr_lspci_put(p, 0x10 + 4 * index, 4, 0, PR_BYTE_IMPLIED);
}

static void place_rom(struct pr_lspci *p, unsigned int offset, struct pr_resource_line *line)
{
	const struct pr_lspci_text *t = &p->current->text;
	struct pr_lspci_region rom = t->rom;

	rom.prefetchable = true;
	if (rom.present)
		*line = region_line(p, &rom);
	if (rom.present && line->flags != PR_LINE_UNKNOWN && line->flags != 0)
		line->flags |= PR_IORES_READONLY | (t->rom_off ? 0 : PR_IORES_ROM_ENABLE) |
			       (t->rom_shadow ? PR_IORES_ROM_SHADOW : 0);
	if (!rom.ignored)
		pr_lspci_put(p, offset, 4,
			rom.virtual || !rom.has_address ? 0 : rom.address | !t->rom_off,
			PR_BYTE_IMPLIED);
}

/* ---- windows ---- */

static uint64_t window_flags(unsigned int kind, const struct pr_lspci_window *w)
{
	if (kind == PR_WINDOW_IO)
		return PR_IORES_IO | PR_IORES_WINDOW;
	if (kind == PR_WINDOW_MEM)
		return PR_IORES_MEM | PR_IORES_WINDOW;
	return PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_WINDOW |
	       (w->width == 64 ? PR_IORES_MEM_64 : 0);
}

/* The registers (bridge specification 1.2, 3.2.5) of a window that is open. */
static void imply_open(struct pr_lspci *p, unsigned int kind, const struct pr_lspci_window *w)
{
	uint64_t first = w->range.first, last = w->range.last;
	bool wide = w->width == 64 || (kind == PR_WINDOW_IO && (w->width == 32 || last > 0xffff));

	if (kind == PR_WINDOW_IO) {
		pr_lspci_put(p, 0x1c, 1, (first >> 8 & 0xf0) | wide, PR_BYTE_IMPLIED);
		pr_lspci_put(p, 0x1d, 1, (last >> 8 & 0xf0) | wide, PR_BYTE_IMPLIED);
		pr_lspci_put(p, 0x30, 2, first >> 16, PR_BYTE_IMPLIED);
		pr_lspci_put(p, 0x32, 2, last >> 16, PR_BYTE_IMPLIED);
		return;
	}
	pr_lspci_put(p, kind == PR_WINDOW_MEM ? 0x20 : 0x24, 2, (first >> 16 & 0xfff0) | wide,
		PR_BYTE_IMPLIED);
	pr_lspci_put(p, kind == PR_WINDOW_MEM ? 0x22 : 0x26, 2, (last >> 16 & 0xfff0) | wide,
		PR_BYTE_IMPLIED);
	if (kind == PR_WINDOW_MEM)
		return;
	pr_lspci_put(p, 0x28, 4, first >> 32, PR_BYTE_IMPLIED);
	pr_lspci_put(p, 0x2c, 4, last >> 32, PR_BYTE_IMPLIED);
}

/*
 * Of a closed one.  That it exists at all is certain for memory, and where the
 * printed width comes from type bits that are set.
 */
static void imply_closed(struct pr_lspci *p, unsigned int kind, const struct pr_lspci_window *w)
{
	if (kind == PR_WINDOW_MEM) {
		pr_lspci_put(p, 0x20, 4, 0x0000fff0, PR_BYTE_IMPLIED);
	} else if (kind == PR_WINDOW_IO && w->width == 32) {
		pr_lspci_put(p, 0x1c, 2, 0x01f1, PR_BYTE_IMPLIED);
		pr_lspci_put(p, 0x30, 4, 0, PR_BYTE_IMPLIED);
	} else if (kind == PR_WINDOW_PREF && w->width == 64) {
		pr_lspci_put(p, 0x24, 4, 0x0001fff1, PR_BYTE_IMPLIED);
		pr_lspci_put(p, 0x28, 8, 0, PR_BYTE_IMPLIED);
	}
}

/* The width that is printed is the kernel's, which forgets it where it placed the window itself. */
static void place_windows(struct pr_lspci *p, struct pr_resource_line *lines)
{
	for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++) {
		struct pr_lspci_window *w = &p->current->text.windows[kind - PR_WINDOW_IO];

		if (w->state != PR_SHOWN_OPEN) {
			imply_closed(p, kind, w);
			continue;
		}
		if (kind == PR_WINDOW_PREF && p->origin[PREF_BASE] == PR_BYTE_DUMPED)
			w->width = (p->bytes[PREF_BASE] & 0xf) == 1 ? 64 : 32;
		imply_open(p, kind, w);
		lines[kind] = (struct pr_resource_line){ w->range.first, w->range.last,
			window_flags(kind, w) };
	}
}

/* ---- one function ---- */

/*
 * Fills in lines of the kernel's table from verbose text; returns how many.
 * Sizes of VF BARs are never printed, nor are the kernel's windows of CardBus.
 */
static size_t imply_table(struct pr_lspci *p, struct pr_resource_line lines[PR_RESOURCE_MAX])
{
	unsigned int type = p->bytes[0x0e] & 0x7f;
	static const unsigned int n_bars[] = { N_BARS, 2, 1 };

	if (!p->current->text.verbose || type > 2)
		return 0;
	for (unsigned int i = 0; i < PR_RESOURCE_MAX; i++)
		if (!p->sizes || pr_is_vf_bar(i))
			lines[i].flags = PR_LINE_UNKNOWN;
	place_regions(p, n_bars[type], lines);
	if (type == 0) {
		place_rom(p, 0x30, &lines[PR_ROM]);
		return PR_WINDOW_IO;
	}
	if (type == 1) {
		place_rom(p, 0x38, &lines[PR_ROM]);
		for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++)
			lines[kind].flags = 0;
		place_windows(p, lines);
		return PR_RESOURCE_MAX;
	}
	for (unsigned int i = PR_WINDOW_IO; i < PR_RESOURCE_MAX; i++)
		lines[i].flags = PR_LINE_UNKNOWN;
	return PR_RESOURCE_MAX;
}

static int keep_lines(
	struct pr_lspci *p, const struct pr_resource_line *lines, size_t n, struct pr_facts *facts)
{
	if (n == 0)
		return 0;
	facts->lines = pr_arena_memdup(p->arena, lines, n * sizeof(*lines));
	facts->n_lines = n;
	return facts->lines ? 0 : pr_import_no_memory(p->error);
}

static int keep_bytes(struct pr_lspci *p, const struct pr_lspci_function *f, struct pr_facts *facts)
{
	uint8_t *holes = NULL;

	facts->config = f->bytes;
	facts->config_length = f->length;
	if (!memchr(f->origin, PR_BYTE_UNKNOWN, f->length))
		return 0;

	holes = pr_arena_memdup(p->arena, f->origin, f->length);
	if (!holes)
		return pr_import_no_memory(p->error);
	for (size_t i = 0; i < f->length; i++)
		holes[i] = f->origin[i] == PR_BYTE_UNKNOWN;
	facts->config_holes = holes;
	return 0;
}

static bool all_dumped(const struct pr_lspci_function *f)
{
	for (size_t i = 0; i < f->length && i < 0x40; i++)
		if (f->origin[i] != PR_BYTE_DUMPED)
			return false;

	return f->length >= 0x40;
}

static int make_facts(struct pr_lspci *p, struct pr_lspci_function *f, struct pr_facts *ret)
{
	struct pr_resource_line lines[PR_RESOURCE_MAX] = { 0 };
	struct pr_facts facts = { .address = f->address,
		.driver = f->text.driver,
		.slot = f->text.slot,
		.label = f->text.label,
		.numa_node = f->text.numa_node,
		.iommu_group = f->text.iommu_group,
		.sriov_numvfs = -1,
		.enabled = -1 };
	size_t n_lines = 0;
	int r = 0;

	if (f->text.verbose || !all_dumped(f)) {
		pr_lspci_resume(p, f);
		imply_header(p);
		n_lines = imply_table(p, lines);
		r = pr_lspci_keep(p);
	}
	if (r == 0)
		r = keep_lines(p, lines, n_lines, &facts);
	if (r == 0)
		r = keep_bytes(p, f, &facts);
	if (r == 0)
		*ret = facts;
	return r;
}

/* ---- virtual functions ---- */

/* Routing ids count on over bus boundaries (PCIe 9.2.1.2). */
static bool vf_address(const struct pr_address *pf, unsigned int distance, struct pr_address *ret)
{
	unsigned int id = (unsigned int)pf->bus << 8 | (unsigned int)pf->device << 3 | pf->function;

	id += distance;
	*ret = (struct pr_address){ pf->domain, (uint8_t)(id >> 8), id >> 3 & 0x1f, id & 7 };
	return id <= UINT16_MAX;
}

static void mark_vfs(const struct pr_lspci *p, struct pr_facts *all, const struct pr_facts *pf)
{
	struct pr_config config = pr_facts_config(pf);
	struct pr_lspci_function *f;
	struct pr_address a;
	struct pr_caps caps;

	if (config.length <= 0x100)
		return;
	pr_config_caps(&config, &caps);
	if (caps.sriov.present != PR_YES || !caps.sriov.enabled)
		return;
	for (unsigned int i = 0; i < caps.sriov.num_vfs; i++) {
		if (!vf_address(&pf->address, caps.sriov.first_offset + i * caps.sriov.stride, &a))
			break;
		f = pr_lspci_find(p, &a);
		if (!f || &all[f - p->functions] == pf)
			continue;
		all[f - p->functions].is_vf = true;
		all[f - p->functions].physfn = pf->address;
	}
}

/* ---- all of it ---- */

static int add_functions(struct pr_lspci *p, const struct pr_facts *all, struct pr_builder *builder)
{
	char address[PR_ADDRESS_MAX];
	int r;

	for (size_t i = 0; i < p->n_functions; i++) {
		r = pr_builder_add_function(builder, &all[i]);
		if (r == -ENOMEM)
			return pr_import_no_memory(p->error);
		pr_address_format(&all[i].address, address);
		if (r < 0)
			return pr_import_fail_at(p->error, -EINVAL, p->functions[i].line, 0,
				"%s: %s", address, strerror(-r));
	}

	return 0;
}

/* @bare NULL: the host bridges are not known yet. */
static int make_topology(struct pr_lspci *p, const struct pr_facts *all,
	const struct pr_companions *companions, const struct pr_topology *bare,
	struct pr_topology **ret)
{
	_cleanup_(builder_freep) struct pr_builder *builder = pr_builder_new();
	struct pr_build_error why = { .text = "" };
	struct pr_lspci_function *f;
	int r;

	if (!builder)
		return pr_import_no_memory(p->error);
	r = add_functions(p, all, builder);
	if (r >= 0 && bare)
		r = pr_companions_roots(companions, bare, builder, p->arena, p->error);
	if (r >= 0)
		r = pr_companions_supplement(companions, builder, p->error);
	if (r < 0)
		return r;

	r = pr_builder_finish(pr_take(builder), ret, &why);
	if (r < 0)
		return pr_import_no_memory(p->error);
	if (r > 0) {
		(void)pr_import_contradiction(p->error, &why);
		f = pr_lspci_find(p, &why.address);
		p->error->line = f ? f->line : 0;
	}
	return r;
}

static bool has_companions(const struct pr_companions *c)
{
	return c && (c->iomem || c->ioports);
}

/*
 * Text has the processor's addresses of BARs and mostly the bus's of windows: where those differ, and
 * no bytes tell by how much, 32-bit memory seems to be above 4 GiB, or in no window.
 */
static bool is_elsewhere(const struct pr_function *f, const struct pr_resource *r)
{
	return !pr_resource_is_window(r) && r->state == PR_RES_ASSIGNED &&
	       r->range.first > UINT32_MAX && !(r->flags & PR_IORES_PREFETCH) &&
	       (!(r->flags & PR_IORES_MEM_64) || !pr_resource_forwarded(f, r));
}

static size_t count_elsewhere(const struct pr_root *root)
{
	size_t n = 0;

	for (size_t i = 0; i < root->n_functions; i++)
		for (size_t j = 0; j < root->functions[i].n_resources; j++)
			n += is_elsewhere(&root->functions[i], &root->functions[i].resources[j]);
	return n;
}

static void note_translation(const struct pr_topology *t, struct pr_import_notes *notes)
{
	size_t n = 0;

	pr_for_each_root (t, i)
		n += count_elsewhere(t->roots[i]);
	if (n > 0)
		pr_note(notes,
			"text has the processor's addresses, and which window they are in cannot be judged",
			"where %zu BARs are on the bus (lspci -xxxx)", n);
}

static void note_functions(const struct pr_lspci *p, struct pr_import_notes *notes)
{
	size_t bare = 0, text = 0;

	for (size_t i = 0; i < p->n_functions; i++) {
		const struct pr_lspci_function *f = &p->functions[i];
		bool dumped = f->length > 0x0e && f->origin[0x0e] == PR_BYTE_DUMPED;

		bare += !dumped && !f->text.verbose;
		text += !dumped && f->text.verbose;
	}
	if (bare > 0)
		pr_note(notes, "they count as present, and ask for nothing",
			"everything but address and class of %zu of %zu functions (lspci -vvv -xxxx "
			"as root has it)",
			bare, p->n_functions);
	if (text > 0)
		pr_note(notes, "what its text does not show of them stays unknown",
			"configuration bytes of %zu of %zu functions (lspci -xxxx)", text,
			p->n_functions);
	pr_note(notes, "whoever has a driver counts as restarted, not as in use",
		"users of the functions");
}

int pr_lspci_build(struct pr_lspci *p, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes)
{
	struct pr_facts *all = pr_new_array(p->arena, p->n_functions, struct pr_facts);
	struct pr_topology *bare;
	int r = 0;

	if (!all)
		return pr_import_no_memory(p->error);
	for (size_t i = 0; r == 0 && i < p->n_functions; i++)
		r = make_facts(p, &p->functions[i], &all[i]);
	for (size_t i = 0; r == 0 && i < p->n_functions; i++)
		mark_vfs(p, all, &all[i]);
	if (r == 0)
		r = make_topology(
			p, all, has_companions(companions) ? NULL : companions, NULL, &bare);
	if (r != 0)
		return r;

	if (has_companions(companions)) {
		r = make_topology(p, all, companions, bare, ret);
		pr_topology_free(bare);
	} else {
		*ret = bare;
	}
	if (r == 0)
		note_functions(p, notes);
	if (r == 0)
		note_translation(*ret, notes);
	if (r == 0)
		pr_note_topology(notes, *ret);
	return r;
}

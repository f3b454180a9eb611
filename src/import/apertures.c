/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parser of /proc/iomem and /proc/ioports: which entry is the aperture of
 * which host bridge, and what in it is neither window nor BAR.  Works on
 * buffers; knows no paths.  A line is indentation (two blanks a level),
 * "first-last : name" (r_show() in kernel/resource.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import/apertures.h"

#define NONE SIZE_MAX

struct entry {
	struct pr_range range;
	const char *name;
	size_t parent; /* entry around this one, or NONE */
	size_t root;   /* host bridge whose aperture this is, or NONE */
	unsigned int indent;
};

struct list {
	struct entry *entries;
	size_t n;
};

/* ---- lines ---- */

/*
 * Hexadecimal digits at @p, at most 16 of them; returns what follows, NULL when there are none or
 * too many.
 */
static const char *parse_hex(const char *p, const char *end, uint64_t *ret)
{
	const char *start = p;
	uint64_t value = 0;

	for (; p < end; p++) {
		if (*p >= '0' && *p <= '9')
			value = value << 4 | (uint64_t)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			value = value << 4 | (uint64_t)(*p - 'a' + 10);
		else
			break;
	}
	if (p == start || p - start > 16)
		return NULL;

	*ret = value;
	return p;
}

static const char *skip_text(const char *p, const char *end, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(end - p) >= n && memcmp(p, text, n) == 0 ? p + n : NULL;
}

/* One line without its newline; @ret_name points behind the colon.  False: not such a line. */
static bool parse_line(const char *p, const char *end, struct entry *ret, const char **ret_name)
{
	const char *start = p;

	while (p < end && *p == ' ')
		p++;
	ret->indent = (unsigned int)(p - start);
	p = parse_hex(p, end, &ret->range.first);
	p = p ? skip_text(p, end, "-") : NULL;
	p = p ? parse_hex(p, end, &ret->range.last) : NULL;
	p = p ? skip_text(p, end, " : ") : NULL;
	if (!p || ret->range.first > ret->range.last)
		return false;

	*ret_name = p;
	return true;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t n = 1;

	for (size_t i = 0; i < size; i++)
		n += text[i] == '\n';
	return n;
}

static const char *line_end(const char *p, const char *end)
{
	const char *newline = memchr(p, '\n', (size_t)(end - p));

	return newline ? newline : end;
}

static char *copy_name(struct pr_arena *arena, const char *name, const char *end)
{
	size_t n = (size_t)(end - name);
	char *copy = pr_arena_alloc(arena, n + 1);

	if (copy)
		memcpy(copy, name, n);
	return copy;
}

/* The entry around entry @i: the last one before it that is indented less. */
static size_t find_parent(const struct entry *entries, size_t i)
{
	size_t p = i == 0 ? NONE : i - 1;

	while (p != NONE && entries[p].indent >= entries[i].indent)
		p = entries[p].parent;
	return p;
}

static int parse_list(const struct pr_resource_text *source, struct pr_arena *arena,
	struct list *ret, struct pr_import_error *error)
{
	const char *p = source->text, *end = source->text + source->size, *name, *stop;
	struct list list = { 0 };

	list.entries = pr_new_array(arena, count_lines(p, source->size), struct entry);
	if (!list.entries)
		return pr_import_no_memory(error);

	for (unsigned int line = 1; p < end; line++, p = stop + (stop < end)) {
		struct entry *e = &list.entries[list.n];

		stop = line_end(p, end);
		if (stop == p || *p == '#')
			continue; /* people put comments into copies of the file */
		if (!parse_line(p, stop, e, &name))
			return pr_import_fail_at(error, -EINVAL, line, 0,
				"%s: line is not \"first-last : name\"", source->name);
		e->name = copy_name(arena, name, stop);
		if (!e->name)
			return pr_import_no_memory(error);
		e->root = NONE;
		e->parent = find_parent(list.entries, list.n++);
	}

	*ret = list;
	return 0;
}

bool pr_resource_text_masked(const char *text, size_t size)
{
	const char *end = text + size, *stop, *name;
	struct entry e;

	for (const char *p = text; p < end; p = stop + (stop < end)) {
		stop = line_end(p, end);
		if (parse_line(p, stop, &e, &name) && (e.range.first != 0 || e.range.last != 0))
			return false;
	}

	return true;
}

/* ---- names ---- */

/* "PCI Bus 0000:20": a bus of a domain, nothing behind it. */
static bool parse_bus(const char *name, uint32_t *ret_domain, uint8_t *ret_bus)
{
	const char *end = name + strlen(name), *p = skip_text(name, end, "PCI Bus ");
	uint64_t domain, bus;

	p = p ? parse_hex(p, end, &domain) : NULL;
	p = p ? skip_text(p, end, ":") : NULL;
	p = p ? parse_hex(p, end, &bus) : NULL;
	if (p != end || domain > UINT32_MAX || bus > UINT8_MAX)
		return false;

	*ret_domain = (uint32_t)domain;
	*ret_bus = (uint8_t)bus;
	return true;
}

static size_t find_root(
	const struct pr_aperture_root *roots, size_t n, uint32_t domain, uint8_t bus)
{
	for (size_t i = 0; i < n; i++)
		if (roots[i].facts.domain == domain && roots[i].facts.bus == bus)
			return i;

	return NONE;
}

/* The host bridge of @domain when it has exactly one. */
static size_t only_root(const struct pr_aperture_root *roots, size_t n, uint32_t domain)
{
	size_t found = NONE;

	for (size_t i = 0; i < n; i++) {
		if (roots[i].facts.domain != domain)
			continue;
		if (found != NONE)
			return NONE;
		found = i;
	}

	return found;
}

/*
 * x86 and every other ACPI machine: apertures carry the name of the root bus
 * (drivers/acpi/pci_root.c).
 */
static size_t root_by_bus(const struct entry *e, const struct pr_aperture_root *roots, size_t n)
{
	uint32_t domain;
	uint8_t bus;

	return parse_bus(e->name, &domain, &bus) ? find_root(roots, n, domain, bus) : NONE;
}

/*
 * VMD: "VMD MEMBAR1" inside the BAR of the endpoint that owns the domain
 * (drivers/pci/controller/vmd.c).
 */
static size_t root_by_host(const struct list *list, const struct entry *e,
	const struct pr_aperture_root *roots, size_t n)
{
	struct pr_address host;

	if (strncmp(e->name, "VMD MEMBAR", 10) != 0 || e->parent == NONE ||
		!pr_address_parse(list->entries[e->parent].name, &host))
		return NONE;
	for (size_t i = 0; i < n; i++)
		if (roots[i].nested && pr_address_compare(&roots[i].host, &host) == 0)
			return i;

	return NONE;
}

/* Device tree: the node's name ("pcie@40000000", "600c3c0000000.pcie") or a plain "MEM". */
static bool is_node_name(const char *name)
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	return (at && strncmp(name, "pci", 3) == 0) || (dot && strncmp(dot, ".pci", 4) == 0) ||
	       strcmp(name, "MEM") == 0 || strcmp(name, "IO") == 0;
}

/* Domain of a window or BAR. */
static bool pci_domain(const char *name, uint32_t *ret)
{
	struct pr_address address;
	uint8_t bus;

	if (parse_bus(name, ret, &bus))
		return true;
	if (!pr_address_parse(name, &address))
		return false;

	*ret = address.domain;
	return true;
}

/*
 * A device tree name says nothing of its domain, but the windows and BARs
 * directly inside entries of that name do.  Unknown unless they all name one
 * domain, and that has one host bridge.
 */
static size_t root_by_content(const struct list *list, const struct entry *e,
	const struct pr_aperture_root *roots, size_t n)
{
	uint32_t domain = 0, other;
	bool found = false;

	if (!is_node_name(e->name))
		return NONE;
	for (size_t i = 0; i < list->n; i++) {
		const struct entry *c = &list->entries[i];

		if (c->parent == NONE || !pci_domain(c->name, &other) ||
			strcmp(list->entries[c->parent].name, e->name) != 0)
			continue;
		if (found && other != domain)
			return NONE;
		found = true;
		domain = other;
	}

	return found ? only_root(roots, n, domain) : NONE;
}

static void find_apertures(struct list *list, const struct pr_aperture_root *roots, size_t n)
{
	for (size_t i = 0; i < list->n; i++) {
		struct entry *e = &list->entries[i];

		e->root = root_by_bus(e, roots, n);
		if (e->root == NONE)
			e->root = root_by_host(list, e, roots, n);
		if (e->root == NONE)
			e->root = root_by_content(list, e, roots, n);
	}
}

/* ---- ranges of one host bridge ---- */

/* An aperture of @root that is not merely repeated inside of another one. */
static bool is_aperture(const struct list *list, size_t i, size_t root)
{
	if (list->entries[i].root != root)
		return false;
	for (size_t p = list->entries[i].parent; p != NONE; p = list->entries[p].parent)
		if (list->entries[p].root == root)
			return false;

	return true;
}

/* Directly in an aperture, and neither window nor BAR: the kernel's allocator goes around it. */
static bool is_busy(const struct list *list, size_t i, size_t root)
{
	const struct entry *e = &list->entries[i];
	struct pr_address address;
	uint32_t domain;
	uint8_t bus;

	if (e->parent == NONE || list->entries[e->parent].root != root || e->root == root)
		return false;
	if (e->root != NONE)
		return true; /* another host bridge's */

	return !parse_bus(e->name, &domain, &bus) && !pr_address_parse(e->name, &address) &&
	       strncmp(e->name, "PCI CardBus ", 12) != 0;
}

typedef bool (*entry_test)(const struct list *list, size_t i, size_t root);

/* Ranges of the entries that pass @test, in the order of the list, which is that of addresses. */
static int collect(const struct list *list, size_t root, entry_test test, struct pr_arena *arena,
	const struct pr_range **ret, size_t *ret_n)
{
	struct pr_range *ranges;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += test(list, i, root);
	ranges = pr_new_array(arena, n, struct pr_range);
	if (!ranges)
		return -ENOMEM;

	n = 0;
	for (size_t i = 0; i < list->n; i++)
		if (test(list, i, root))
			ranges[n++] = list->entries[i].range;

	*ret_n = test == is_busy ? pr_ranges_merge(ranges, n) : n;
	*ret = ranges;
	return 0;
}

static int collect_mem(
	const struct list *iomem, size_t root, struct pr_root_facts *facts, struct pr_arena *arena)
{
	int r;

	r = collect(iomem, root, is_aperture, arena, &facts->mem, &facts->n_mem);
	if (r < 0)
		return r;

	return collect(iomem, root, is_busy, arena, &facts->busy_mem, &facts->n_busy_mem);
}

static int collect_io(const struct list *ioports, size_t root, struct pr_root_facts *facts,
	struct pr_arena *arena)
{
	int r;

	r = collect(ioports, root, is_aperture, arena, &facts->io, &facts->n_io);
	if (r < 0)
		return r;

	return collect(ioports, root, is_busy, arena, &facts->busy_io, &facts->n_busy_io);
}

/*
 * A host bridge that is not in the lists has no aperture, as those of
 * processor-internal buses, where its domain's are named after buses.
 * Otherwise it may be there under a name not understood here.
 */
static bool has_none(const struct list *iomem, const struct pr_aperture_root *roots, size_t root)
{
	uint32_t domain;
	uint8_t bus;

	for (size_t i = 0; i < iomem->n; i++)
		if (iomem->entries[i].root != NONE &&
			parse_bus(iomem->entries[i].name, &domain, &bus) &&
			domain == roots[root].facts.domain)
			return true;

	return false;
}

/* ---- bus ranges ---- */

/* "PCI ECAM 0000 [bus 00-ff]", older: "PCI MMCONFIG 0000 [bus 00-ff]". */
static bool parse_ecam(
	const char *name, uint64_t *ret_domain, uint64_t *ret_first, uint64_t *ret_last)
{
	const char *end = name + strlen(name), *p = skip_text(name, end, "PCI ECAM ");

	if (!p)
		p = skip_text(name, end, "PCI MMCONFIG ");
	p = p ? parse_hex(p, end, ret_domain) : NULL;
	p = p ? skip_text(p, end, " [bus ") : NULL;
	p = p ? parse_hex(p, end, ret_first) : NULL;
	p = p ? skip_text(p, end, "-") : NULL;
	p = p ? parse_hex(p, end, ret_last) : NULL;
	p = p ? skip_text(p, end, "]") : NULL;

	return p == end && *ret_last <= UINT8_MAX;
}

/* One ECAM region may serve several host bridges of a domain; each ends before the next begins. */
static uint8_t bound_bus(
	const struct pr_aperture_root *roots, size_t n, const struct pr_root_facts *f, uint8_t last)
{
	for (size_t i = 0; i < n; i++) {
		const struct pr_root_facts *other = &roots[i].facts;

		if (other->domain == f->domain && other->bus > f->bus && other->bus <= last)
			last = (uint8_t)(other->bus - 1);
	}

	return last;
}

static void find_last_bus(
	const struct list *iomem, struct pr_aperture_root *roots, size_t n, size_t i)
{
	struct pr_root_facts *facts = &roots[i].facts;
	uint64_t domain, first, last;

	facts->last_bus = -1;
	for (size_t e = 0; e < iomem->n; e++) {
		if (!parse_ecam(iomem->entries[e].name, &domain, &first, &last) ||
			domain != facts->domain || facts->bus < first || facts->bus > last)
			continue;
		facts->last_bus = bound_bus(roots, n, facts, (uint8_t)last);
	}
}

/* ---- all of it ---- */

static int parse_known(const struct pr_resource_text *source, const struct pr_aperture_root *roots,
	size_t n, struct pr_arena *arena, struct list *ret, struct pr_import_error *error)
{
	int r;

	*ret = (struct list){ 0 };
	if (!source->text)
		return 0;

	r = parse_list(source, arena, ret, error);
	if (r < 0)
		return r;

	find_apertures(ret, roots, n);
	return 0;
}

int pr_apertures_parse(const struct pr_resource_text *iomem, const struct pr_resource_text *ioports,
	struct pr_aperture_root *roots, size_t n, struct pr_arena *arena,
	struct pr_import_error *error)
{
	struct list mem, io;
	bool mem_readable, io_readable;
	int r;

	r = parse_known(iomem, roots, n, arena, &mem, error);
	if (r < 0)
		return r;
	r = parse_known(ioports, roots, n, arena, &io, error);
	if (r < 0)
		return r;

	/*
	 * an empty list of ports is one of a machine without ports; an empty list of memory is a
	 * hidden one
	 */
	mem_readable = mem.n > 0 && !pr_resource_text_masked(iomem->text, iomem->size);
	io_readable =
		ioports->text &&
		(io.n > 0 ? !pr_resource_text_masked(ioports->text, ioports->size) : mem_readable);
	for (size_t i = 0; i < n; i++) {
		struct pr_root_facts *facts = &roots[i].facts;
		bool listed;

		find_last_bus(&mem, roots, n, i);
		r = mem_readable ? collect_mem(&mem, i, facts, arena) : 0;
		if (r == 0 && io_readable)
			r = collect_io(&io, i, facts, arena);
		if (r < 0)
			return pr_import_no_memory(error);
		listed = facts->n_mem > 0 || facts->n_io > 0 || has_none(&mem, roots, i);
		facts->mem_known = mem_readable && listed;
		facts->io_known = io_readable && listed;
	}

	return 0;
}

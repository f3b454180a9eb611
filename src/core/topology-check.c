/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds in every topology that hardware can decode: windows nest,
 * neighbours keep apart, bases are aligned, bus numbers nest.  Applied to
 * imports and to predictions alike; knows no kernel.
 */
#include "core/decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A resource as its neighbours on the bus meet it. */
struct claim {
	const struct pr_function *function;
	const struct pr_resource *resource;
};

struct check {
	struct pr_finding *findings;
	size_t max, n;
	struct claim *claims; /* of one bus */
	size_t max_claims, n_claims;
};

__attribute__((format(printf, 3, 4))) static void found(
	struct check *c, const struct pr_function *f, const char *format, ...)
{
	struct pr_finding *finding;
	char name[PR_ADDRESS_MAX];
	va_list ap;
	int n;

	if (c->n++ >= c->max)
		return;

	finding = &c->findings[c->n - 1];
	finding->function = f;
	pr_address_format(&f->address, name);
	n = snprintf(finding->text, sizeof(finding->text), "%s: ", name);
	va_start(ap, format);
	(void)vsnprintf(finding->text + n, sizeof(finding->text) - (size_t)n, format, ap);
	va_end(ap);
}

/* ---- nesting and alignment ---- */

static bool in_ranges(const struct pr_range *r, const struct pr_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pr_range_contains(&ranges[i], r))
			return true;
	return false;
}

static bool in_apertures(const struct pr_root *root, const struct pr_resource *r)
{
	const struct pr_root_facts *f = &root->facts;

	if (pr_resource_is_io(r))
		return !f->io_known || in_ranges(&r->range, f->io, f->n_io);
	return !f->mem_known || in_ranges(&r->range, f->mem, f->n_mem);
}

enum passage {
	PASSES = 0,
	BLOCKED,
	NOT_KNOWN
};

/* Whether one bridge passes the addresses of @r on, by its own windows. */
static enum passage passage_of(const struct pr_function *bridge, const struct pr_resource *r)
{
	if (!bridge->bridge)
		return NOT_KNOWN; /* CardBus, or a header that is not known */
	for (unsigned int kind = PR_WINDOW_IO; kind <= PR_WINDOW_PREF; kind++) {
		const struct pr_resource *w = pr_function_resource(bridge, kind);

		if (!w || w->state == PR_RES_UNKNOWN)
			return NOT_KNOWN;
		if (w->state == PR_RES_ASSIGNED && pr_resource_is_io(w) == pr_resource_is_io(r) &&
			pr_range_contains(&w->range, &r->range))
			return PASSES;
	}
	return BLOCKED;
}

/* In a window of the bridge above, or, where that passes on everything, of the one above it. */
static bool in_next_window(const struct pr_function *f, const struct pr_resource *r)
{
	for (const struct pr_function *bridge = f->parent; bridge; bridge = bridge->parent) {
		enum passage p = passage_of(bridge, r);

		if (p != BLOCKED || !bridge->bridge->subtractive)
			return p != BLOCKED;
	}
	return in_apertures(f->root, r);
}

bool pr_resource_forwarded(const struct pr_function *f, const struct pr_resource *r)
{
	if (!f->parent)
		return in_apertures(f->root, r);
	for (const struct pr_function *bridge = f->parent; bridge; bridge = bridge->parent) {
		enum passage p = passage_of(bridge, r);

		if (p == NOT_KNOWN)
			return true;
		if (p == BLOCKED && !bridge->bridge->subtractive)
			return false;
	}
	return true;
}

/* Fixed by an older standard (IDE, VGA) or by the device (EA): it lies where it lies. */
static bool is_fixed(const struct pr_resource *r)
{
	return (r->flags & (PR_IORES_PCI_FIXED | PR_IORES_EA_BEI)) != 0;
}

static const char *kind_name(const struct pr_resource *r)
{
	if (pr_resource_is_window(r))
		return r->index == PR_WINDOW_IO     ? "I/O window"
		       : r->index == PR_WINDOW_MEM  ? "memory window"
		       : r->index == PR_WINDOW_PREF ? "prefetchable window"
						    : "window";
	if (r->index == PR_ROM)
		return "expansion ROM";
	return r->index < PR_ROM ? "BAR" : "VF BAR";
}

static unsigned int kind_number(const struct pr_resource *r)
{
	return r->index >= PR_VF_BAR0 && !pr_resource_is_window(r) ? r->index - PR_VF_BAR0
								   : r->index;
}

static void check_place(struct check *c, const struct pr_function *f, const struct pr_resource *r)
{
	if (r->range.first > r->range.last) {
		found(c, f, "%s %u ends before it begins", kind_name(r), kind_number(r));
		return;
	}
	if (is_fixed(r))
		return;
	if (!in_next_window(f, r))
		found(c, f, "%s %u at %llx-%llx lies in no window above it", kind_name(r),
			kind_number(r), (unsigned long long)r->range.first,
			(unsigned long long)r->range.last);
	/* an align that is no power of two is a bad fact and not a bad place */
	if (r->align != PR_SIZE_UNKNOWN && pr_is_pow2(r->align) &&
		pr_align_down(r->range.first, r->align) != r->range.first)
		found(c, f, "%s %u at %llx is not aligned to %llx", kind_name(r), kind_number(r),
			(unsigned long long)r->range.first, (unsigned long long)r->align);
}

/* ---- neighbours ---- */

static int compare_claims(const void *pa, const void *pb)
{
	const struct claim *a = pa, *b = pb;
	bool io_a = pr_resource_is_io(a->resource), io_b = pr_resource_is_io(b->resource);
	uint64_t first_a = a->resource->range.first, first_b = b->resource->range.first;

	if (io_a != io_b)
		return io_a ? -1 : 1;
	if (first_a != first_b)
		return first_a < first_b ? -1 : 1;
	return a->function < b->function ? -1 : a->function > b->function;
}

static bool add_claim(struct check *c, const struct pr_function *f, const struct pr_resource *r)
{
	if (c->n_claims == c->max_claims) {
		size_t more = c->max_claims ? c->max_claims * 2 : 256;
		struct claim *bigger = realloc(c->claims, more * sizeof(*bigger));

		if (!bigger)
			return false;
		c->claims = bigger;
		c->max_claims = more;
	}
	c->claims[c->n_claims++] = (struct claim){ .function = f, .resource = r };
	return true;
}

/* Both sorted into one space, the furthest end so far tells whether the next one keeps apart. */
static void check_neighbours(struct check *c)
{
	const struct claim *furthest = NULL;
	char other[PR_ADDRESS_MAX];

	if (c->n_claims > 1)
		qsort(c->claims, c->n_claims, sizeof(*c->claims), compare_claims);

	for (size_t i = 0; i < c->n_claims; i++) {
		const struct claim *at = &c->claims[i];
		const struct pr_resource *r = at->resource;
		bool same_space =
			furthest && pr_resource_is_io(furthest->resource) == pr_resource_is_io(r);

		if (same_space && pr_range_overlaps(&furthest->resource->range, &r->range)) {
			pr_address_format(&furthest->function->address, other);
			found(c, at->function, "%s %u at %llx-%llx overlaps %s %u of %s",
				kind_name(r), kind_number(r), (unsigned long long)r->range.first,
				(unsigned long long)r->range.last, kind_name(furthest->resource),
				kind_number(furthest->resource), other);
		}
		if (!same_space || r->range.last > furthest->resource->range.last)
			furthest = at;
	}
}

/*
 * Virtual functions live inside of their physical function's VF BARs, and
 * fixed ranges may lie over each other (two IDE functions in legacy mode).
 */
static void check_bus(struct check *c, struct pr_function *first)
{
	c->n_claims = 0;
	pr_for_each_child (f, first) {
		if (f->removed || f->facts->is_vf)
			continue;
		for (size_t i = 0; i < f->n_resources; i++) {
			const struct pr_resource *r = &f->resources[i];

			if (r->state != PR_RES_ASSIGNED)
				continue;
			check_place(c, f, r);
			if (is_fixed(r) || r->range.first > r->range.last)
				continue;
			if (!add_claim(c, f, r)) {
				found(c, f, "its bus was not checked: memory is short");
				return;
			}
		}
	}
	check_neighbours(c);
}

/* ---- bus numbers ---- */

static bool has_buses(const struct pr_function *f)
{
	return f->bridge && !f->removed && !f->no_bus && f->bridge->secondary != 0;
}

static void check_bus_range(struct check *c, const struct pr_function *f)
{
	const struct pr_bridge *b = f->bridge;
	uint8_t first = f->root->facts.bus, last = f->root->last_bus;

	if (f->parent && !f->parent->bridge)
		return;
	if (f->parent) {
		first = f->parent->bridge->secondary;
		last = f->parent->bridge->subordinate;
	}
	if (b->secondary <= f->address.bus || b->subordinate < b->secondary)
		found(c, f, "buses %02x-%02x do not lie behind its own bus %02x", b->secondary,
			b->subordinate, f->address.bus);
	else if (b->secondary <= first || b->subordinate > last)
		found(c, f, "buses %02x-%02x do not lie within %02x-%02x above it", b->secondary,
			b->subordinate, first, last);
}

/* Bus numbers of the bridges on one bus keep apart: a table of 256 owners tells. */
static void check_buses(struct check *c, struct pr_function *first)
{
	const struct pr_function *owner[256] = { 0 };
	char other[PR_ADDRESS_MAX];

	pr_for_each_child (f, first) {
		const struct pr_function *clash = NULL;

		if (!has_buses(f))
			continue;
		check_bus_range(c, f);
		for (unsigned int bus = f->bridge->secondary; bus <= f->bridge->subordinate;
			bus++) {
			clash = clash ? clash : owner[bus];
			owner[bus] = f;
		}
		if (!clash)
			continue;
		pr_address_format(&clash->address, other);
		found(c, f, "buses %02x-%02x overlap those of %s", f->bridge->secondary,
			f->bridge->subordinate, other);
	}
}

static void check_children(struct check *c, struct pr_function *first)
{
	if (!first)
		return;
	check_bus(c, first);
	check_buses(c, first);
}

size_t pr_topology_check(const struct pr_topology *t, struct pr_finding *ret, size_t n)
{
	struct check c = { .findings = ret, .max = n };

	pr_for_each_root (t, i) {
		const struct pr_root *root = t->roots[i];

		check_children(&c, root->first_child);
		for (size_t k = 0; k < root->n_functions; k++)
			if (!root->functions[k].removed)
				check_children(&c, root->functions[k].first_child);
	}
	free(c.claims);
	return c.n;
}

/* ---- register against table ---- */

bool pr_window_disagrees(const struct pr_function *bridge, unsigned int kind)
{
	const struct pr_resource *table;
	const struct pr_window *w;

	if (!bridge->bridge || bridge->removed || kind < PR_WINDOW_IO || kind > PR_WINDOW_PREF)
		return false;

	table = pr_function_resource(bridge, kind);
	w = &bridge->bridge->registers[kind - PR_WINDOW_IO];
	if (!table || !bridge->facts->lines || w->width == 0)
		return false; /* one of them is not known */
	if (table->state == PR_RES_ASSIGNED)
		return w->open != PR_YES || !pr_range_equal(&w->range, &table->range);
	return table->state == PR_RES_CLOSED && w->open == PR_YES;
}

/*
 * A channel of IDE in compatibility mode has the ports of a PC/AT, whatever its two registers hold
 * (PCI IDE Controller Specification 1.0; pci_setup_device(), drivers/pci/probe.c).
 */
static bool is_compatible_ide(const struct pr_function *f, const struct pr_resource *r)
{
	const unsigned int native = r->index < 2 ? 0x1 : 0x4;

	return f->header.class_code >> 8 == 0x0101 && r->index < 4 &&
	       !(f->header.class_code & native);
}

/* What is fixed has none that counts. */
static bool has_register(const struct pr_function *f, const struct pr_resource *r)
{
	return !f->removed && !f->facts->is_vf && !f->facts->is_newcomer && r->index < PR_ROM &&
	       !(r->flags & PR_IORES_PCI_FIXED) && f->caps->ea.present != PR_YES &&
	       !is_compatible_ide(f, r);
}

enum pr_known pr_bar_agrees(const struct pr_function *f, const struct pr_resource *r, uint64_t *ret)
{
	const struct pr_config config = pr_facts_config(f->facts);
	struct pr_bar bar;

	if (!has_register(f, r) || r->state != PR_RES_ASSIGNED || !f->header.has_ids ||
		!pr_facts_line(f->facts, r->index) || !pr_config_bar(&config, r->index, &bar))
		return PR_UNKNOWN;
	*ret = bar.address;
	return bar.address == r->range.first ? PR_YES : PR_NO;
}

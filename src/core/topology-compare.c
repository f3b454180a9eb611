/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two topologies side by side, and the digest that stands for one.  Layout is
 * what a kernel decides: bus numbers, states, addresses.  Facts are what was
 * read.  The first difference comes out as a sentence.
 */
#include "pciroom/topology.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- digest ---- */

/*
 * FNV-1a on 64-bit words; the fold lets high bits reach low ones, which bytes would do by
 * themselves.
 */
static uint64_t mix(uint64_t digest, uint64_t word)
{
	digest = (digest ^ word) * UINT64_C(0x100000001b3);
	return digest ^ digest >> 32;
}

static uint64_t mix_address(uint64_t digest, const struct pr_address *a)
{
	return mix(digest, (uint64_t)a->domain << 32 | (uint64_t)a->bus << 16 |
				   (uint64_t)a->device << 8 | a->function);
}

static uint64_t mix_bridge(uint64_t digest, const struct pr_bridge *b)
{
	digest = mix(
		digest, (uint64_t)b->primary << 16 | (uint64_t)b->secondary << 8 | b->subordinate);
	for (size_t i = 0; i < 3; i++) {
		const struct pr_window *w = &b->registers[i];

		digest = mix(digest, (uint64_t)w->open << 8 | w->width);
		digest = mix(digest, w->range.first);
		digest = mix(digest, w->range.last);
	}
	return digest;
}

static uint64_t mix_resource(uint64_t digest, const struct pr_resource *r)
{
	digest = mix(digest, (uint64_t)r->flags << 32 | (uint64_t)r->index << 8 | r->state);
	digest = mix(digest, r->range.first);
	digest = mix(digest, r->range.last);
	digest = mix(digest, r->size);
	return mix(digest, r->align);
}

static uint64_t mix_function(uint64_t digest, const struct pr_function *f)
{
	digest = mix_address(digest, &f->address);
	digest = mix(digest, f->parent ? (uint64_t)(f->parent - f->root->functions) + 1 : 0);
	digest = mix(digest, (uint64_t)f->header.vendor << 48 | (uint64_t)f->header.device << 32 |
				     f->header.class_code);
	digest = mix(digest, (uint64_t)f->unplugged << 2 | (uint64_t)f->removed << 1 | f->no_bus);
	if (f->bridge)
		digest = mix_bridge(digest, f->bridge);
	for (size_t i = 0; i < f->n_resources; i++)
		digest = mix_resource(digest, &f->resources[i]);
	return digest;
}

static uint64_t mix_ranges(uint64_t digest, const struct pr_range *ranges, size_t n)
{
	digest = mix(digest, n);
	for (size_t i = 0; i < n; i++)
		digest = mix(mix(digest, ranges[i].first), ranges[i].last);
	return digest;
}

#define NO_DIGEST UINT64_C(0xcbf29ce484222325) /* FNV-1a begins with it */

static uint64_t root_digest(const struct pr_root *root)
{
	const struct pr_root_facts *f = &root->facts;
	uint64_t digest = mix(NO_DIGEST, (uint64_t)f->domain << 32 | (uint64_t)f->bus << 16 |
						 (uint64_t)root->last_bus << 8 |
						 (f->io_known ? 2u : 0) | f->mem_known);
	digest = mix_ranges(digest, f->io, f->n_io);
	digest = mix_ranges(digest, f->mem, f->n_mem);
	digest = mix_ranges(digest, f->busy_io, f->n_busy_io);
	digest = mix_ranges(digest, f->busy_mem, f->n_busy_mem);
	digest = mix(digest, root->n_functions);
	for (size_t i = 0; i < root->n_functions; i++)
		digest = mix_function(digest, &root->functions[i]);
	return digest;
}

void pr_topology_sign(struct pr_topology *t, const struct pr_topology *before)
{
	t->generation = NO_DIGEST;
	pr_for_each_root (t, i) {
		if (!before || t->roots[i] != before->roots[i])
			t->roots[i]->digest = root_digest(t->roots[i]);
		t->generation = mix(t->generation, t->roots[i]->digest);
	}
}

/* ---- comparison ---- */

struct compare {
	char *why;
	size_t size;
	const struct pr_function *function; /* compared now; NULL: the machine or a host bridge */
	bool facts;                         /* compare what was read too, not the layout alone */
	bool more_vfs; /* the other may have virtual functions that this one has not */
};

__attribute__((format(printf, 2, 3))) static bool differs(
	struct compare *c, const char *format, ...)
{
	char name[PR_ADDRESS_MAX];
	size_t used = 0;
	va_list ap;
	int n;

	if (c->size == 0)
		return false;
	if (c->function) {
		pr_address_format(&c->function->address, name);
		n = snprintf(c->why, c->size, "%s: ", name);
		used = n < 0 || (size_t)n >= c->size ? c->size - 1 : (size_t)n;
	}
	va_start(ap, format);
	(void)vsnprintf(c->why + used, c->size - used, format, ap); /* cut is fine */
	va_end(ap);
	return false;
}

static bool same_number(struct compare *c, const char *what, int64_t a, int64_t b)
{
	return a == b || differs(c, "%s is %lld and %lld", what, (long long)a, (long long)b);
}

static bool same_flag(struct compare *c, const char *what, bool a, bool b)
{
	return a == b || differs(c, "%s in the %s alone", what, a ? "first" : "second");
}

static bool same_string(struct compare *c, const char *what, const char *a, const char *b)
{
	if (!a || !b)
		return a == b || differs(c, "%s is %s and %s", what, a ? a : "not known",
					 b ? b : "not known");
	return strcmp(a, b) == 0 || differs(c, "%s is \"%s\" and \"%s\"", what, a, b);
}

static bool same_machine(struct compare *c, const struct pr_machine *a, const struct pr_machine *b)
{
	return same_string(c, "kernel release", a->release, b->release) &&
	       same_string(c, "kernel command line", a->cmdline, b->cmdline) &&
	       same_string(c, "resource_alignment", a->alignments, b->alignments) &&
	       same_string(c, "lockdown", a->lockdown, b->lockdown) &&
	       same_string(c, "architecture", a->arch, b->arch) &&
	       same_string(c, "vendor", a->vendor, b->vendor) &&
	       same_string(c, "product", a->product, b->product) &&
	       same_flag(c, "a hypervisor is visible", a->is_guest, b->is_guest) &&
	       same_string(c, "what could not be looked at", a->unseen, b->unseen);
}

static bool same_ranges(struct compare *c, const char *what, const struct pr_range *a, size_t n_a,
	const struct pr_range *b, size_t n_b)
{
	if (!same_number(c, what, (int64_t)n_a, (int64_t)n_b))
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (!pr_range_equal(&a[i], &b[i]))
			return differs(c, "%s: number %zu is %llx-%llx and %llx-%llx", what, i + 1,
				(unsigned long long)a[i].first, (unsigned long long)a[i].last,
				(unsigned long long)b[i].first, (unsigned long long)b[i].last);
	return true;
}

static bool same_root_facts(struct compare *c, const struct pr_root *ra, const struct pr_root *rb)
{
	const struct pr_root_facts *a = &ra->facts, *b = &rb->facts;

	return same_number(c, "recorded last bus of a host bridge", a->last_bus, b->last_bus) &&
	       same_flag(c, "I/O apertures are known", a->io_known, b->io_known) &&
	       same_flag(c, "memory apertures are known", a->mem_known, b->mem_known) &&
	       same_ranges(c, "I/O apertures", a->io, a->n_io, b->io, b->n_io) &&
	       same_ranges(c, "memory apertures", a->mem, a->n_mem, b->mem, b->n_mem) &&
	       same_ranges(
		       c, "busy I/O ranges", a->busy_io, a->n_busy_io, b->busy_io, b->n_busy_io) &&
	       same_ranges(c, "busy memory ranges", a->busy_mem, a->n_busy_mem, b->busy_mem,
		       b->n_busy_mem);
}

static const char *state_name(enum pr_resource_state s)
{
	switch (s) {
	case PR_RES_UNKNOWN:
		return "not known";
	case PR_RES_ASSIGNED:
		return "assigned";
	case PR_RES_UNASSIGNED:
		return "unassigned";
	case PR_RES_FORGOTTEN:
		return "forgotten";
	case PR_RES_CLOSED:
		return "closed";
	}
	return "invalid";
}

static bool same_resource_layout(
	struct compare *c, const struct pr_resource *a, const struct pr_resource *b)
{
	if (a->index != b->index)
		return differs(c, "resource %u stands where the other has %u", a->index, b->index);
	if (a->state != b->state)
		return differs(c, "resource %u is %s and %s", a->index, state_name(a->state),
			state_name(b->state));
	if (a->state == PR_RES_ASSIGNED && !pr_range_equal(&a->range, &b->range))
		return differs(c, "resource %u is at %llx-%llx and %llx-%llx", a->index,
			(unsigned long long)a->range.first, (unsigned long long)a->range.last,
			(unsigned long long)b->range.first, (unsigned long long)b->range.last);
	return true;
}

static bool same_resource_demand(
	struct compare *c, const struct pr_resource *a, const struct pr_resource *b)
{
	if (a->flags != b->flags)
		return differs(c, "resource %u has flags %x and %x", a->index, a->flags, b->flags);
	if (a->size != b->size)
		return differs(c, "resource %u has %llx and %llx bytes", a->index,
			(unsigned long long)a->size, (unsigned long long)b->size);
	if (a->align != b->align)
		return differs(c, "resource %u is aligned to %llx and %llx", a->index,
			(unsigned long long)a->align, (unsigned long long)b->align);
	return true;
}

static bool same_resources(
	struct compare *c, const struct pr_function *a, const struct pr_function *b)
{
	if (!same_number(c, "the number of resources", a->n_resources, b->n_resources))
		return false;
	for (size_t i = 0; i < a->n_resources; i++) {
		if (!same_resource_layout(c, &a->resources[i], &b->resources[i]))
			return false;
		if (c->facts && !same_resource_demand(c, &a->resources[i], &b->resources[i]))
			return false;
	}
	return true;
}

static bool same_window(
	struct compare *c, size_t kind, const struct pr_window *a, const struct pr_window *b)
{
	static const char *const names[] = { "I/O", "memory", "prefetchable" };

	if (a->implemented == b->implemented && a->open == b->open && a->width == b->width &&
		(a->open != PR_YES || pr_range_equal(&a->range, &b->range)))
		return true;
	return differs(c, "the %s window register is %llx-%llx (%s) and %llx-%llx (%s)",
		names[kind], (unsigned long long)a->range.first, (unsigned long long)a->range.last,
		a->open == PR_YES ? "open" : "closed", (unsigned long long)b->range.first,
		(unsigned long long)b->range.last, b->open == PR_YES ? "open" : "closed");
}

static bool same_bridge(struct compare *c, const struct pr_bridge *a, const struct pr_bridge *b)
{
	if (!a || !b)
		return same_flag(c, "it is a bridge", a != NULL, b != NULL);
	if (a->secondary != b->secondary || a->subordinate != b->subordinate)
		return differs(c, "its buses are %02x-%02x and %02x-%02x", a->secondary,
			a->subordinate, b->secondary, b->subordinate);
	if (!c->facts)
		return true;

	for (size_t i = 0; i < 3; i++)
		if (!same_window(c, i, &a->registers[i], &b->registers[i]))
			return false;
	return same_number(c, "the primary bus", a->primary, b->primary) &&
	       same_number(c, "bridge control", a->control, b->control) &&
	       same_flag(c, "it is a hot-plug port", a->hotplug, b->hotplug) &&
	       same_flag(c, "it decodes subtractively", a->subtractive, b->subtractive);
}

static bool is_hole(const struct pr_facts *f, size_t offset)
{
	return f->config_holes && f->config_holes[offset];
}

static bool same_bytes(struct compare *c, const struct pr_facts *a, const struct pr_facts *b)
{
	if (!same_number(c, "the number of configuration bytes", (int64_t)a->config_length,
		    (int64_t)b->config_length))
		return false;
	for (size_t i = 0; i < a->config_length; i++)
		if (is_hole(a, i) != is_hole(b, i))
			return differs(c, "configuration byte %zx is known in one", i);
		else if (!is_hole(a, i) && a->config[i] != b->config[i])
			return differs(c, "configuration byte %zx is %02x and %02x", i,
				a->config[i], b->config[i]);
	return true;
}

static bool same_lines(struct compare *c, const struct pr_facts *a, const struct pr_facts *b)
{
	if (!same_flag(c, "resource lines are recorded", a->lines != NULL, b->lines != NULL) ||
		!same_number(c, "the number of resource lines", (int64_t)a->n_lines,
			(int64_t)b->n_lines))
		return false;
	for (size_t i = 0; i < a->n_lines; i++)
		if (a->lines[i].start != b->lines[i].start || a->lines[i].end != b->lines[i].end ||
			a->lines[i].flags != b->lines[i].flags)
			return differs(c, "resource line %zu is not the same", i + 1);
	return true;
}

static bool same_masks(struct compare *c, const struct pr_facts *a, const struct pr_facts *b)
{
	if (!same_number(
		    c, "the number of measured BARs", (int64_t)a->n_masks, (int64_t)b->n_masks))
		return false;
	for (size_t i = 0; i < a->n_masks; i++)
		if (a->masks[i].index != b->masks[i].index || a->masks[i].low != b->masks[i].low ||
			a->masks[i].high != b->masks[i].high)
			return differs(c, "measured BAR number %zu is not the same", i + 1);
	return true;
}

static bool same_users(struct compare *c, const struct pr_facts *a, const struct pr_facts *b)
{
	if (!same_number(c, "the number of users", (int64_t)a->n_users, (int64_t)b->n_users))
		return false;
	for (size_t i = 0; i < a->n_users; i++)
		if (!same_string(c, "the kind of a user", a->users[i].kind, b->users[i].kind) ||
			!same_string(c, "a user", a->users[i].what, b->users[i].what))
			return false;
	return true;
}

static bool same_links(struct compare *c, const struct pr_facts *a, const struct pr_facts *b)
{
	if (!same_flag(c, "a parent is recorded", a->has_parent, b->has_parent) ||
		!same_flag(c, "it is a virtual function", a->is_vf, b->is_vf) ||
		!same_flag(c, "it is a newcomer", a->is_newcomer, b->is_newcomer) ||
		!same_number(c, "the place in the discovery order", a->order, b->order))
		return false;
	if (a->has_parent && pr_address_compare(&a->parent, &b->parent) != 0)
		return differs(c, "the recorded parent is not the same");
	if (a->is_vf && pr_address_compare(&a->physfn, &b->physfn) != 0)
		return differs(c, "the physical function is not the same");
	return true;
}

static bool same_attributes(struct compare *c, const struct pr_facts *a, const struct pr_facts *b)
{
	return same_string(c, "driver", a->driver, b->driver) &&
	       same_string(c, "driver_override", a->driver_override, b->driver_override) &&
	       same_string(c, "slot", a->slot, b->slot) &&
	       same_string(c, "label", a->label, b->label) &&
	       same_string(c, "removable", a->removable, b->removable) &&
	       same_number(c, "numa_node", a->numa_node, b->numa_node) &&
	       same_number(c, "iommu_group", a->iommu_group, b->iommu_group) &&
	       same_number(c, "sriov_numvfs", a->sriov_numvfs, b->sriov_numvfs) &&
	       same_number(c, "enabled", a->enabled, b->enabled);
}

static bool same_facts(struct compare *c, const struct pr_facts *a, const struct pr_facts *b)
{
	if (a == b)
		return true;
	return same_bytes(c, a, b) && same_lines(c, a, b) && same_masks(c, a, b) &&
	       same_users(c, a, b) && same_links(c, a, b) && same_attributes(c, a, b);
}

static size_t position(const struct pr_function *f)
{
	return f ? (size_t)(f - f->root->functions) + 1 : 0;
}

/* With functions that come in between, positions say nothing. */
static bool same_parent(
	const struct compare *c, const struct pr_function *a, const struct pr_function *b)
{
	if (c->more_vfs && a && b)
		return pr_address_compare(&a->address, &b->address) == 0;
	return position(a) == position(b);
}

static bool same_function(
	struct compare *c, const struct pr_function *a, const struct pr_function *b)
{
	char name[PR_ADDRESS_MAX];

	c->function = a;
	if (pr_address_compare(&a->address, &b->address) != 0) {
		pr_address_format(&b->address, name);
		return differs(c, "the other has %s in its place", name);
	}
	if (!same_parent(c, a->parent, b->parent))
		return differs(c, "it sits below another bridge");
	return same_flag(c, "it is removed", a->removed, b->removed) &&
	       same_flag(c, "it is unplugged", a->unplugged, b->unplugged) &&
	       same_flag(c, "it has no bus numbers", a->no_bus, b->no_bus) &&
	       same_bridge(c, a->bridge, b->bridge) && same_resources(c, a, b) &&
	       (!c->facts || same_facts(c, a->facts, b->facts));
}

/* A virtual function that @a does not have. */
static bool is_more(const struct compare *c, const struct pr_root *a, const struct pr_function *f)
{
	if (!c->more_vfs || !f->facts->is_vf)
		return false;
	for (size_t i = 0; i < a->n_functions; i++)
		if (pr_address_compare(&a->functions[i].address, &f->address) == 0)
			return false;
	return true;
}

static size_t count_more(const struct compare *c, const struct pr_root *a, const struct pr_root *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_functions; i++)
		n += is_more(c, a, &b->functions[i]);
	return n;
}

static bool same_root(struct compare *c, const struct pr_root *a, const struct pr_root *b)
{
	c->function = NULL;
	if (a == b)
		return true;
	if (a->facts.domain != b->facts.domain || a->facts.bus != b->facts.bus)
		return differs(c, "host bridge %04x:%02x stands where the other has %04x:%02x",
			a->facts.domain, a->facts.bus, b->facts.domain, b->facts.bus);
	if (!same_number(c, "the last bus of a host bridge", a->last_bus, b->last_bus) ||
		!same_number(c, "the number of functions of a host bridge", (int64_t)a->n_functions,
			(int64_t)b->n_functions - (int64_t)count_more(c, a, b)))
		return false;
	if (c->facts && !same_root_facts(c, a, b))
		return false;

	for (size_t i = 0, k = 0; i < a->n_functions; i++, k++) {
		while (is_more(c, a, &b->functions[k]))
			k++;
		if (!same_function(c, &a->functions[i], &b->functions[k]))
			return false;
	}
	return true;
}

static bool same_roots(struct compare *c, const struct pr_topology *a, const struct pr_topology *b)
{
	if (!same_number(c, "the number of host bridges", (int64_t)a->n_roots, (int64_t)b->n_roots))
		return false;
	for (size_t i = 0; i < a->n_roots; i++)
		if (!same_root(c, a->roots[i], b->roots[i]))
			return false;
	return true;
}

bool pr_topology_equal(
	const struct pr_topology *a, const struct pr_topology *b, char *why, size_t size)
{
	struct compare c = { .why = why, .size = size, .facts = true };

	return same_machine(&c, &a->machine, &b->machine) && same_roots(&c, a, b);
}

bool pr_layout_equal(
	const struct pr_topology *a, const struct pr_topology *b, char *why, size_t size)
{
	struct compare c = { .why = why, .size = size };

	return same_roots(&c, a, b);
}

bool pr_layout_within(
	const struct pr_topology *a, const struct pr_topology *b, char *why, size_t size)
{
	struct compare c = { .why = why, .size = size, .more_vfs = true };

	return same_roots(&c, a, b);
}

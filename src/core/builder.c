/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes facts, one function and one host bridge at a time, as copies.  Refuses
 * what is impossible by itself; what contradicts something else comes out when
 * topology-build.c joins them.
 */
#include "core/builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct pr_builder *pr_builder_new(void)
{
	struct pr_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->arena = pr_arena_new();
	if (!b->arena) {
		free(b);
		return NULL;
	}
	return b;
}

void pr_builder_free(struct pr_builder *b)
{
	if (!b)
		return;
	pr_arena_free(b->arena);
	free(b->facts);
	free(b->roots);
	free(b->seen);
	free(b);
}

static int fail(struct pr_builder *b)
{
	b->failed = true;
	return -ENOMEM;
}

/*
 * The array with room for one more than @n; NULL, and the old one as it was, when memory is short.
 */
static void *reserve(void *array, size_t n, size_t *max, size_t size)
{
	size_t bytes, more = *max ? *max * 2 : 64;
	void *bigger;

	if (n < *max)
		return array;
	if (__builtin_mul_overflow(more, size, &bytes))
		return NULL;
	bigger = realloc(array, bytes);
	if (bigger)
		*max = more;
	return bigger;
}

static bool reserve_facts(struct pr_builder *b)
{
	struct pr_facts **facts =
		reserve(b->facts, b->n_facts, &b->max_facts, sizeof(struct pr_facts *));

	if (facts)
		b->facts = facts;
	return facts != NULL;
}

static bool reserve_roots(struct pr_builder *b)
{
	struct pr_root_facts *roots =
		reserve(b->roots, b->n_roots, &b->max_roots, sizeof(*b->roots));

	if (roots)
		b->roots = roots;
	return roots != NULL;
}

static size_t hash_address(const struct pr_address *a)
{
	uint64_t key = (uint64_t)a->domain << 16 | (uint64_t)a->bus << 8 |
		       (uint64_t)a->device << 3 | a->function;

	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 24);
}

/* The slot that holds @a, or the free one where it belongs. */
static uint32_t *seen_slot(const struct pr_builder *b, const struct pr_address *a)
{
	size_t mask = b->n_seen - 1;

	for (size_t at = hash_address(a) & mask;; at = (at + 1) & mask) {
		uint32_t index = b->seen[at];

		if (index == 0 || pr_address_compare(&b->facts[index - 1]->address, a) == 0)
			return &b->seen[at];
	}
}

static bool grow_seen(struct pr_builder *b)
{
	size_t more = b->n_seen ? b->n_seen * 2 : 256;

	if (b->n_facts * 2 < b->n_seen)
		return true;
	free(b->seen);
	b->n_seen = more;
	b->seen = calloc(more, sizeof(*b->seen));
	if (!b->seen) {
		b->n_seen = 0;
		return false;
	}
	for (size_t i = 0; i < b->n_facts; i++)
		*seen_slot(b, &b->facts[i]->address) = (uint32_t)i + 1;
	return true;
}

/* Copies into one arena; @ok turns false, and stays so, when memory is short. */
struct copier {
	struct pr_arena *arena;
	bool ok;
};

/* NULL stays NULL, also with a count of 0: "not recorded" and "none" differ. */
static void *copy_array(struct copier *c, const void *array, size_t n, size_t size)
{
	void *copy;

	if (!array)
		return NULL;
	copy = pr_arena_memdup(c->arena, array, n * size);
	if (!copy)
		c->ok = false;
	return copy;
}

static const char *copy_string(struct copier *c, const char *s)
{
	return s ? copy_array(c, s, strlen(s) + 1, 1) : NULL;
}

static const struct pr_user *copy_users(struct copier *c, const struct pr_facts *f)
{
	struct pr_user *users = copy_array(c, f->users, f->n_users, sizeof(*users));

	for (size_t i = 0; users && i < f->n_users; i++) {
		users[i].kind = copy_string(c, users[i].kind);
		users[i].what = copy_string(c, users[i].what);
	}
	return users;
}

static struct pr_facts *copy_facts(struct pr_arena *arena, const struct pr_facts *facts)
{
	struct copier c = { .arena = arena, .ok = true };
	struct pr_facts *f = copy_array(&c, facts, 1, sizeof(*facts));

	if (!f)
		return NULL;
	f->config = copy_array(&c, f->config, f->config_length, 1);
	f->config_holes = copy_array(&c, f->config_holes, f->config_length, 1);
	f->lines = copy_array(&c, f->lines, f->n_lines, sizeof(*f->lines));
	f->masks = copy_array(&c, f->masks, f->n_masks, sizeof(*f->masks));
	f->driver = copy_string(&c, f->driver);
	f->driver_override = copy_string(&c, f->driver_override);
	f->slot = copy_string(&c, f->slot);
	f->label = copy_string(&c, f->label);
	f->removable = copy_string(&c, f->removable);
	f->users = copy_users(&c, f);
	return c.ok ? f : NULL;
}

static bool address_valid(const struct pr_address *a)
{
	return a->device <= 0x1f && a->function <= 7;
}

static bool facts_valid(const struct pr_facts *f)
{
	return address_valid(&f->address) && !(f->is_newcomer && (f->lines || f->is_vf)) &&
	       (!f->has_parent || address_valid(&f->parent)) && f->config_length <= 4096 &&
	       (f->config || f->config_length == 0) && (f->lines || f->n_lines == 0) &&
	       f->n_lines <= PR_RESOURCE_MAX && (f->masks || f->n_masks == 0) &&
	       (f->users || f->n_users == 0);
}

int pr_builder_add_function(struct pr_builder *b, const struct pr_facts *facts)
{
	struct pr_facts *copy;
	uint32_t *slot;

	if (!facts_valid(facts))
		return -EINVAL;
	if (!grow_seen(b) || !reserve_facts(b))
		return fail(b);
	slot = seen_slot(b, &facts->address);
	if (*slot != 0)
		return -EEXIST;
	copy = copy_facts(b->arena, facts);
	if (!copy)
		return fail(b);

	b->facts[b->n_facts++] = copy;
	*slot = (uint32_t)b->n_facts;
	return 0;
}

static bool ranges_valid(const struct pr_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ranges[i].first > ranges[i].last)
			return false;
	return ranges || n == 0;
}

static bool root_valid(const struct pr_root_facts *f)
{
	return f->last_bus <= 0xff && (f->last_bus < 0 || f->last_bus >= f->bus) &&
	       ranges_valid(f->io, f->n_io) && ranges_valid(f->mem, f->n_mem) &&
	       ranges_valid(f->busy_io, f->n_busy_io) && ranges_valid(f->busy_mem, f->n_busy_mem);
}

int pr_builder_add_root(struct pr_builder *b, const struct pr_root_facts *facts)
{
	struct copier c = { .arena = b->arena, .ok = true };
	struct pr_root_facts f = *facts;

	if (!root_valid(facts))
		return -EINVAL;
	for (size_t i = 0; i < b->n_roots; i++)
		if (b->roots[i].domain == f.domain && b->roots[i].bus == f.bus)
			return -EEXIST;

	f.io = copy_array(&c, f.io, f.n_io, sizeof(*f.io));
	f.mem = copy_array(&c, f.mem, f.n_mem, sizeof(*f.mem));
	f.busy_io = copy_array(&c, f.busy_io, f.n_busy_io, sizeof(*f.busy_io));
	f.busy_mem = copy_array(&c, f.busy_mem, f.n_busy_mem, sizeof(*f.busy_mem));
	if (!c.ok || !reserve_roots(b))
		return fail(b);

	b->roots[b->n_roots++] = f;
	return 0;
}

int pr_builder_set_machine(struct pr_builder *b, const struct pr_machine *machine)
{
	struct copier c = { .arena = b->arena, .ok = true };
	struct pr_machine m = *machine;

	m.release = copy_string(&c, m.release);
	m.cmdline = copy_string(&c, m.cmdline);
	m.alignments = copy_string(&c, m.alignments);
	m.lockdown = copy_string(&c, m.lockdown);
	m.arch = copy_string(&c, m.arch);
	m.vendor = copy_string(&c, m.vendor);
	m.product = copy_string(&c, m.product);
	m.unseen = copy_string(&c, m.unseen);
	if (!c.ok)
		return fail(b);

	b->machine = m;
	return 0;
}

/* ---- beside what was added ---- */

static struct pr_facts *find_facts(const struct pr_builder *b, const struct pr_address *a)
{
	uint32_t slot = b->n_seen > 0 ? *seen_slot(b, a) : 0;

	return slot > 0 ? b->facts[slot - 1] : NULL;
}

static bool is_function(const struct pr_facts *f, uint16_t vendor, uint16_t device)
{
	struct pr_config c = {
		.bytes = f->config, .length = f->config_length, .holes = f->config_holes
	};
	uint16_t v, d;

	return vendor == PR_ID_ANY ||
	       (pr_config_u16(&c, 0, &v) && pr_config_u16(&c, 2, &d) && v == vendor && d == device);
}

/* What is in the kernel's table has its size there. */
static bool has_line(const struct pr_facts *f, unsigned int index)
{
	return index < f->n_lines && (f->lines[index].start != 0 || f->lines[index].end != 0);
}

static bool has_mask(const struct pr_facts *f, unsigned int index)
{
	for (size_t i = 0; i < f->n_masks; i++)
		if (f->masks[i].index == index)
			return true;
	return false;
}

int pr_builder_supplement_masks(struct pr_builder *b, const struct pr_address *a, uint16_t vendor,
	uint16_t device, const struct pr_bar_mask *masks, size_t n)
{
	struct pr_facts *f = find_facts(b, a);
	struct pr_bar_mask *all;
	size_t n_all;

	if (!f || n == 0 || f->is_vf || !is_function(f, vendor, device))
		return 0;
	all = pr_new_array(b->arena, f->n_masks + n, struct pr_bar_mask);
	if (!all)
		return fail(b);
	for (n_all = 0; n_all < f->n_masks; n_all++)
		all[n_all] = f->masks[n_all];
	for (size_t i = 0; i < n; i++)
		if (!has_mask(f, masks[i].index) && !has_line(f, masks[i].index))
			all[n_all++] = masks[i];
	f->masks = all;
	f->n_masks = n_all;
	return 0;
}

int pr_builder_supplement_line(struct pr_builder *b, const struct pr_address *a, uint16_t vendor,
	uint16_t device, unsigned int index, const struct pr_resource_line *line)
{
	struct pr_facts *f = find_facts(b, a);
	struct pr_resource_line *lines;

	if (!f || index >= f->n_lines || has_line(f, index) || !is_function(f, vendor, device))
		return 0;
	lines = pr_arena_memdup(b->arena, f->lines, f->n_lines * sizeof(*lines));
	if (!lines)
		return fail(b);
	lines[index] = *line;
	f->lines = lines;
	return 0;
}

static struct pr_root_facts *find_root(const struct pr_builder *b, uint32_t domain, uint8_t bus)
{
	for (size_t i = 0; i < b->n_roots; i++)
		if (b->roots[i].domain == domain && b->roots[i].bus == bus)
			return &b->roots[i];
	return NULL;
}

static void take_io(struct pr_root_facts *to, const struct pr_root_facts *from)
{
	to->io_known = from->io_known;
	to->io = from->io;
	to->n_io = from->n_io;
	to->busy_io = from->busy_io;
	to->n_busy_io = from->n_busy_io;
}

static void take_mem(struct pr_root_facts *to, const struct pr_root_facts *from)
{
	to->mem_known = from->mem_known;
	to->mem = from->mem;
	to->n_mem = from->n_mem;
	to->busy_mem = from->busy_mem;
	to->n_busy_mem = from->n_busy_mem;
}

int pr_builder_supplement_root(struct pr_builder *b, const struct pr_root_facts *facts)
{
	struct pr_root_facts *f = find_root(b, facts->domain, facts->bus), both;

	if (!f)
		return pr_builder_add_root(b, facts);
	if (!root_valid(facts))
		return -EINVAL;
	if (f->last_bus >= 0 && f->io_known && f->mem_known)
		return 0; /* nothing of it is missing */
	both = *f;
	if (f->last_bus < 0)
		both.last_bus = facts->last_bus;
	if (!f->io_known)
		take_io(&both, facts);
	if (!f->mem_known)
		take_mem(&both, facts);
	*f = b->roots[--b->n_roots]; /* the order is found at the end */
	return pr_builder_add_root(b, &both);
}

int pr_builder_supplement_machine(struct pr_builder *b, const struct pr_machine *machine)
{
	struct pr_machine m = b->machine;

	if (!m.release)
		m.release = machine->release;
	if (!m.cmdline)
		m.cmdline = machine->cmdline;
	if (!m.lockdown)
		m.lockdown = machine->lockdown;
	if (!m.arch)
		m.arch = machine->arch;
	if (!m.vendor && !m.product) {
		m.vendor = machine->vendor;
		m.product = machine->product;
	}
	return pr_builder_set_machine(b, &m);
}

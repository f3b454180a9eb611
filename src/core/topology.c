/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking at a topology and copying it.  A prediction keeps every function at
 * its position, whatever becomes of its address: position is identity.
 */
#include "pciroom/topology.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- finding ---- */

/* Index of the host bridge with this domain and first bus; n_roots when there is none. */
static size_t find_root(const struct pr_topology *t, uint32_t domain, uint8_t bus)
{
	size_t low = 0, high = t->n_roots;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct pr_root_facts *f = &t->roots[middle]->facts;

		if (f->domain == domain && f->bus == bus)
			return middle;
		if (f->domain < domain || (f->domain == domain && f->bus < bus))
			low = middle + 1;
		else
			high = middle;
	}
	return t->n_roots;
}

size_t pr_root_position(const struct pr_topology *t, const struct pr_root *root)
{
	return find_root(t, root->facts.domain, root->facts.bus);
}

struct pr_function *pr_topology_same(const struct pr_topology *t, const struct pr_function *f)
{
	size_t root = pr_root_position(t, f->root);
	size_t position = (size_t)(f - f->root->functions);

	if (root == t->n_roots || position >= t->roots[root]->n_functions)
		return NULL;
	return &t->roots[root]->functions[position];
}

/* By the address at import, by which the array is sorted and stays so. */
static struct pr_function *find_imported(const struct pr_root *root, const struct pr_address *a)
{
	size_t low = 0, high = root->n_functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = pr_address_compare(&root->functions[middle].facts->address, a);

		if (order == 0)
			return &root->functions[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool is_now_at(const struct pr_function *f, const struct pr_address *a)
{
	return pr_address_compare(&f->address, a) == 0;
}

/* Every function, for those that were renumbered; one that is there beats one that was removed. */
static struct pr_function *find_renumbered(const struct pr_topology *t, const struct pr_address *a)
{
	struct pr_function *removed = NULL;

	pr_for_each_root (t, i) {
		struct pr_root *root = t->roots[i];

		if (root->facts.domain != a->domain)
			continue;
		for (size_t k = 0; k < root->n_functions; k++) {
			if (!is_now_at(&root->functions[k], a))
				continue;
			if (!root->functions[k].removed)
				return &root->functions[k];
			removed = &root->functions[k];
		}
	}
	return removed;
}

struct pr_function *pr_topology_find(const struct pr_topology *t, const struct pr_address *address)
{
	pr_for_each_root (t, i) {
		struct pr_function *f;

		if (t->roots[i]->facts.domain != address->domain)
			continue;
		f = find_imported(t->roots[i], address);
		if (f && !f->removed && is_now_at(f, address))
			return f;
	}
	return find_renumbered(t, address);
}

struct pr_resource *pr_function_resource(const struct pr_function *f, unsigned int index)
{
	for (size_t i = 0; i < f->n_resources; i++)
		if (f->resources[i].index == index)
			return &f->resources[i];
	return NULL;
}

bool pr_arch_is_x86(const char *arch)
{
	static const char *const names[] = { "x86_64", "i386", "i486", "i586", "i686", "amd64" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(arch, names[i]) == 0)
			return true;
	return false;
}

/* An entry names a BAR by its number (PCIe 7.8.6.3, 7.8.7). */
const struct pr_rebar_entry *pr_function_rebar(
	const struct pr_function *f, const struct pr_resource *r)
{
	bool vf = r->index >= PR_VF_BAR0;
	const struct pr_rebar *rebar = vf ? &f->caps->vf_rebar : &f->caps->rebar;

	if (r->index == PR_ROM || pr_resource_is_window(r) || rebar->present != PR_YES)
		return NULL;
	for (size_t i = 0; i < rebar->n_entries; i++)
		if (rebar->entries[i].bar == r->index - (vf ? PR_VF_BAR0 : PR_BAR0))
			return &rebar->entries[i];
	return NULL;
}

bool pr_rebar_has(const struct pr_rebar_entry *e, uint64_t size)
{
	const unsigned int n = pr_rebar_order(size);

	return PR_REBAR_SIZE(n) == size && (e->sizes >> n & 1);
}

unsigned int pr_rebar_order(uint64_t size)
{
	unsigned int n = 0;

	while (n + 1 < PR_REBAR_SIZES && PR_REBAR_SIZE(n) < size)
		n++;
	return n;
}

bool pr_function_below(const struct pr_function *f, const struct pr_function *ancestor)
{
	for (; f; f = f->parent)
		if (f == ancestor)
			return true;
	return false;
}

struct pr_function *pr_function_walk(const struct pr_function *f, const struct pr_function *top)
{
	if (f->first_child)
		return f->first_child;

	while (f != top) {
		if (f->next)
			return f->next;
		f = f->parent;
	}
	return NULL;
}

/* ---- paths ---- */

/*
 * One component of a path.  A virtual function may lie on a bus behind the
 * one of its physical function; the distance tells it apart: "00.0+1".
 */
static int format_component(const struct pr_function *f, char *buffer, size_t size)
{
	const struct pr_facts *facts = f->facts;
	int distance = facts->is_vf ? facts->address.bus - facts->physfn.bus : 0;

	if (distance != 0)
		return snprintf(buffer, size, "/%02x.%x+%x", f->address.device, f->address.function,
			(unsigned int)distance & 0xff);
	return snprintf(buffer, size, "/%02x.%x", f->address.device, f->address.function);
}

static int format_path(const struct pr_function *f, char *buffer, size_t size, size_t *ret_used)
{
	size_t used = 0;
	int n, r;

	if (f->parent) {
		r = format_path(f->parent, buffer, size, &used);
		if (r < 0)
			return r;
	} else {
		n = snprintf(buffer, size, "%04x:%02x", f->root->facts.domain, f->root->facts.bus);
		if (n < 0 || (size_t)n >= size)
			return -ENOSPC;
		used = (size_t)n;
	}

	n = format_component(f, buffer + used, size - used);
	if (n < 0 || (size_t)n >= size - used)
		return -ENOSPC;
	*ret_used = used + (size_t)n;
	return 0;
}

int pr_function_path(const struct pr_function *f, char *buffer, size_t size)
{
	size_t used;
	int r;

	r = format_path(f, buffer, size, &used);
	if (r < 0 && size > 0)
		buffer[0] = '\0'; /* no path is better than half of one */
	return r;
}

/* The child that the path goes on to; one that is there beats one that was removed. */
static struct pr_function *find_component(struct pr_function *first, const char *path, size_t *ret)
{
	struct pr_function *removed = NULL;
	char component[16];

	pr_for_each_child (f, first) {
		size_t n = (size_t)format_component(f, component, sizeof(component));

		if (strncmp(path, component, n) != 0 || (path[n] != '/' && path[n] != '\0'))
			continue;
		*ret = n;
		if (!f->removed)
			return f;
		removed = f;
	}
	return removed;
}

struct pr_function *pr_topology_find_path(const struct pr_topology *t, const char *path)
{
	char name[16];

	pr_for_each_root (t, i) {
		const struct pr_root *root = t->roots[i];
		struct pr_function *f = NULL, *children = root->first_child;
		const char *rest;
		size_t n;

		n = (size_t)snprintf(
			name, sizeof(name), "%04x:%02x", root->facts.domain, root->facts.bus);
		if (strncmp(path, name, n) != 0 || path[n] != '/')
			continue;

		for (rest = path + n; *rest != '\0'; rest += n) {
			f = find_component(children, rest, &n);
			if (!f)
				return NULL;
			children = f->first_child;
		}
		return f;
	}
	return NULL;
}

struct pr_function *pr_topology_find_named(const struct pr_topology *t, const char *name)
{
	struct pr_address a;

	return pr_address_parse(name, &a) ? pr_topology_find(t, &a)
					  : pr_topology_find_path(t, name);
}

/* ---- health ---- */

static bool wants_room(const struct pr_resource *r)
{
	return r->state == PR_RES_UNASSIGNED || r->state == PR_RES_FORGOTTEN;
}

enum pr_health pr_function_health(const struct pr_function *f)
{
	enum pr_health health = PR_HEALTH_OK;

	if (f->removed)
		return PR_HEALTH_GONE;
	if (f->no_bus)
		return PR_HEALTH_NO_BUS;

	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		/* a ROM is not missed: drivers run without, and Linux calls it optional */
		if (pr_resource_is_window(r) || r->index == PR_ROM || !wants_room(r))
			continue;
		if (r->index < PR_ROM && !pr_resource_is_io(r))
			return PR_HEALTH_UNASSIGNED;
		health = PR_HEALTH_PARTIAL;
	}
	return health;
}

bool pr_health_is_dead(enum pr_health h)
{
	return h == PR_HEALTH_UNASSIGNED || h == PR_HEALTH_NO_BUS;
}

size_t pr_topology_count_dead(const struct pr_topology *t)
{
	size_t n = 0;

	pr_for_each_root (t, i)
		for (size_t j = 0; j < t->roots[i]->n_functions; j++)
			n += pr_health_is_dead(pr_function_health(&t->roots[i]->functions[j]));
	return n;
}

const char *pr_health_name(enum pr_health h)
{
	switch (h) {
	case PR_HEALTH_OK:
		return "ok";
	case PR_HEALTH_PARTIAL:
		return "partial";
	case PR_HEALTH_UNASSIGNED:
		return "unassigned";
	case PR_HEALTH_NO_BUS:
		return "no-bus";
	case PR_HEALTH_GONE:
		return "gone";
	}
	return "invalid";
}

/* ---- copying ---- */

static struct pr_function *moved(
	struct pr_function *f, const struct pr_root *from, const struct pr_root *to)
{
	return f ? to->functions + (f - from->functions) : NULL;
}

struct copy_sizes {
	size_t resources, bridges;
};

static struct copy_sizes count_parts(const struct pr_root *root)
{
	struct copy_sizes n = { 0 };

	for (size_t i = 0; i < root->n_functions; i++) {
		n.resources += root->functions[i].n_resources;
		n.bridges += root->functions[i].bridge != NULL;
	}
	return n;
}

static void relink(struct pr_root *to, const struct pr_root *from, struct pr_resource *resources,
	struct pr_bridge *bridges)
{
	for (size_t i = 0; i < to->n_functions; i++) {
		struct pr_function *f = &to->functions[i];

		f->root = to;
		f->parent = moved(f->parent, from, to);
		f->first_child = moved(f->first_child, from, to);
		f->last_child = moved(f->last_child, from, to);
		f->next = moved(f->next, from, to);
		if (f->n_resources > 0)
			memcpy(resources, f->resources, f->n_resources * sizeof(*resources));
		f->resources = resources;
		resources += f->n_resources;
		if (f->bridge) {
			*bridges = *f->bridge;
			f->bridge = bridges++;
		}
	}
	to->first_child = moved(from->first_child, from, to);
	to->last_child = moved(from->last_child, from, to);
}

/* Facts and caps do not change: the copy points to the original's. */
static struct pr_root *copy_root(struct pr_arena *arena, const struct pr_root *from)
{
	struct copy_sizes n = count_parts(from);
	struct pr_resource *resources = pr_new_array(arena, n.resources, struct pr_resource);
	struct pr_bridge *bridges = pr_new_array(arena, n.bridges, struct pr_bridge);
	struct pr_root *to = pr_arena_memdup(arena, from, sizeof(*from));

	if (!resources || !bridges || !to)
		return NULL;
	to->functions = pr_arena_memdup(
		arena, from->functions, from->n_functions * sizeof(*from->functions));
	if (!to->functions)
		return NULL;

	relink(to, from, resources, bridges);
	return to;
}

static struct pr_topology *copy_topology(
	struct pr_arena *arena, const struct pr_topology *t, const bool *touch)
{
	struct pr_topology *copy = pr_arena_memdup(arena, t, sizeof(*t));

	if (!copy)
		return NULL;
	copy->arena = arena;
	copy->roots = pr_arena_memdup(arena, t->roots, t->n_roots * sizeof(*t->roots));
	if (!copy->roots)
		return NULL;

	for (size_t i = 0; i < t->n_roots; i++) {
		if (touch && !touch[i])
			continue;
		copy->roots[i] = copy_root(arena, t->roots[i]);
		if (!copy->roots[i])
			return NULL;
	}
	return copy;
}

int pr_topology_copy(const struct pr_topology *t, const bool *touch, struct pr_topology **ret)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_topology *copy;

	if (!arena)
		return -ENOMEM;
	copy = copy_topology(arena, t, touch);
	if (!copy) {
		pr_arena_free(arena);
		return -ENOMEM;
	}

	*ret = copy;
	return 0;
}

void pr_topology_free(struct pr_topology *t)
{
	if (t)
		pr_arena_free(t->arena); /* @t itself lies in it */
}

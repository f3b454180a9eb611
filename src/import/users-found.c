/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results of the search: gathered as they come, sorted once, looked up by function. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "import/users-finder.h"

int pr_users_grow(const struct pr_sysfs *s, void *array, size_t size, size_t n, size_t *max)
{
	void **old = array, *more;

	if (n < *max)
		return 0;
	more = pr_arena_alloc_array(s->arena, *max ? 2 * *max : 64, size);
	if (!more)
		return pr_import_no_memory(s->error);
	if (n > 0)
		memcpy(more, *old, n * size);
	*old = more;
	*max = *max ? 2 * *max : 64;
	return 0;
}

static int add_entry(struct pr_finder *f, const struct pr_address *a, const struct pr_user *user)
{
	int r;

	r = pr_users_grow(f->sysfs, &f->found, sizeof(*f->found), f->n_found, &f->max_found);
	if (r < 0)
		return r;

	f->found[f->n_found] =
		(struct pr_found_user){ .address = *a, .order = f->n_found, .user = *user };
	f->n_found++;
	return 0;
}

int pr_found_add(struct pr_finder *f, const struct pr_address *a, const char *kind, char *what)
{
	const struct pr_user user = { .kind = kind, .what = what };

	if (!what)
		return pr_import_no_memory(f->sysfs->error);
	pr_text_clean(what);
	return add_entry(f, a, &user);
}

int pr_found_unseen(struct pr_finder *f, char *what)
{
	char *both = what;

	if (what && f->result->unseen)
		both = pr_arena_printf(f->sysfs->arena, "%s; %s", f->result->unseen, what);
	if (!both)
		return pr_import_no_memory(f->sysfs->error);

	pr_text_clean(both);
	f->result->unseen = both;
	return 0;
}

/* ---- order ---- */

static int compare_order(const void *a, const void *b)
{
	const struct pr_found_user *u = a, *v = b;
	int r = pr_address_compare(&u->address, &v->address);

	return r ? r : (u->order > v->order) - (u->order < v->order);
}

static int compare_saying(const void *a, const void *b)
{
	const struct pr_found_user *u = a, *v = b;
	int r = pr_address_compare(&u->address, &v->address);

	r = r ? r : strcmp(u->user.kind, v->user.kind);
	r = r ? r : strcmp(u->user.what, v->user.what);
	return r ? r : compare_order(a, b);
}

static bool says_the_same(const struct pr_found_user *u, const struct pr_found_user *v)
{
	return pr_address_compare(&u->address, &v->address) == 0 &&
	       strcmp(u->user.kind, v->user.kind) == 0 && strcmp(u->user.what, v->user.what) == 0;
}

/* A mirror leads to the same function twice: said once. */
static void sort(struct pr_finder *f)
{
	size_t n = 0;

	if (f->n_found == 0)
		return;
	qsort(f->found, f->n_found, sizeof(*f->found), compare_saying);
	for (size_t i = 0; i < f->n_found; i++)
		if (n == 0 || !says_the_same(&f->found[n - 1], &f->found[i]))
			f->found[n++] = f->found[i];
	f->n_found = n;
	qsort(f->found, n, sizeof(*f->found), compare_order);
}

/* ---- virtual functions ---- */

static bool physical_of(
	const struct pr_finder *f, const struct pr_address *a, struct pr_address *ret)
{
	char path[PR_USERS_PATH_SIZE], address[PR_ADDRESS_MAX];
	_cleanup_free_ char *base = NULL;

	pr_address_format(a, address);
	return pr_path_format(path, "sys/bus/pci/devices/%s/physfn", address) &&
	       pr_readlink_base_at(f->sysfs->root, path, &base) == 0 && pr_address_parse(base, ret);
}

/* The physical function takes its virtual ones down with it. */
static int add_physical(struct pr_finder *f)
{
	const size_t n = f->n_found;
	struct pr_address physical;
	char address[PR_ADDRESS_MAX];
	bool is_virtual = false;
	int r;

	for (size_t i = 0; i < n; i++) {
		const struct pr_found_user u = f->found[i];

		if (i == 0 || pr_address_compare(&f->found[i - 1].address, &u.address) != 0)
			is_virtual = physical_of(f, &u.address, &physical);
		if (!is_virtual)
			continue;
		pr_address_format(&u.address, address);
		r = pr_found_add(f, &physical, u.user.kind,
			pr_arena_printf(
				f->sysfs->arena, "%s (virtual function %s)", u.user.what, address));
		if (r < 0)
			return r;
		f->found[f->n_found - 1].order = SIZE_MAX - n + u.order; /* behind its own */
	}

	return 0;
}

int pr_found_finish(struct pr_finder *f)
{
	int r;

	sort(f);
	r = add_physical(f);
	if (r < 0)
		return r;

	sort(f);
	f->result->found = f->found;
	f->result->n = f->n_found;
	return 0;
}

/* ---- looking up ---- */

/* Index of the first user at or behind @a. */
static size_t first_of(const struct pr_users *users, const struct pr_address *a)
{
	size_t low = 0, high = users->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pr_address_compare(&users->found[middle].address, a) < 0)
			low = middle + 1;
		else
			high = middle;
	}

	return low;
}

/* Bound for a program that has not come yet; one that has is named instead. */
static bool waits_for_vfio(
	const struct pr_facts *facts, const struct pr_users *users, size_t from, size_t n)
{
	if (!facts->driver || !strstr(facts->driver, "vfio"))
		return false;
	for (size_t i = from; i < from + n; i++)
		if (strcmp(users->found[i].user.kind, "vfio") == 0)
			return false;

	return true;
}

/* What only the function itself tells; at most one of them is true. */
static const struct pr_user *find_implied(const struct pr_sysfs *s, const struct pr_facts *facts,
	const struct pr_users *users, size_t from, size_t n)
{
	static const struct pr_user vfio = { .kind = "vfio",
		.what = "bound to VFIO, for a virtual machine or a program" };
	static const struct pr_user vf = { .kind = "vf",
		.what = "network interface in another network namespace, and virtual functions" };
	static const struct pr_user net = { .kind = "net",
		.what = "network interface in another network namespace" };

	if (waits_for_vfio(facts, users, from, n))
		return &vfio;
	if (!facts->driver || !pr_net_is_elsewhere(s, facts))
		return NULL;
	return facts->sriov_numvfs > 0 ? &vf : &net;
}

int pr_users_assign(const struct pr_sysfs *s, const struct pr_users *users, struct pr_facts *facts)
{
	size_t first = first_of(users, &facts->address), n = 0, extra;
	const struct pr_user *implied;
	struct pr_user *list;

	while (first + n < users->n &&
		pr_address_compare(&users->found[first + n].address, &facts->address) == 0)
		n++;
	implied = find_implied(s, facts, users, first, n);
	extra = implied != NULL;
	if (n + extra == 0)
		return 0;
	list = pr_new_array(s->arena, n + extra, struct pr_user);
	if (!list)
		return pr_import_no_memory(s->error);

	if (implied)
		list[0] = *implied;
	for (size_t i = 0; i < n; i++)
		list[extra + i] = users->found[first + i].user;
	facts->users = list;
	facts->n_users = n + extra;
	return 0;
}

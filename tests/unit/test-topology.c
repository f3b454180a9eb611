/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topologies: looking at them, copying them, and memory that runs short on the way. */
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

#define ROOT "root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"

/* A root port, a switch with a full port and an empty one, a card beside it all. */
#define SWITCH                                                                                 \
	ROOT "00:02.0 bridge 01-05 root-port io=c000-cfff mem=fe400000-fe5fffff "              \
	     "pref64=100000000-1001fffff driver=pcieport\n"                                    \
	     "01:00.0 bridge 02-05 upstream io=c000-cfff mem=fe400000-fe5fffff "               \
	     "pref64=100000000-1001fffff driver=pcieport\n"                                    \
	     "02:00.0 bridge 03-03 downstream hotplug mem=fe500000-fe5fffff driver=pcieport\n" \
	     "02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe400000-fe4fffff "     \
	     "pref64=100100000-1001fffff driver=pcieport\n"                                    \
	     "04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe440000 bar2=io:20@c000 "     \
	     "bar4=pref64:4000@100100000 driver=e1000e\n"                                      \
	     "00:1f.0 dev 8086:2918 class=060100\n"

#define CARD "00:05.0 dev 1:2\n"

/* ---- looking ---- */

static void walks_visit_a_subtree_once_in_order(void **state)
{
	struct pr_topology *t = machine_build(SWITCH);
	const char *const order[] = { "01:00.0", "02:00.0", "02:01.0", "04:00.0" };
	struct pr_function *top = machine_function(t, "01:00.0"), *f = top;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		assert_ptr_equal(f, machine_function(t, order[i]));
		assert_true(pr_function_below(f, top));
		f = pr_function_walk(f, top);
	}
	assert_null(f);
	assert_false(pr_function_below(machine_function(t, "00:1f.0"), top));
	assert_false(pr_function_below(machine_function(t, "00:02.0"), top));
	f = machine_function(t, "04:00.0");
	assert_null(pr_function_walk(f, f)); /* a leaf is a subtree */
	pr_topology_free(t);
}

static const struct path_case {
	const char *function, *path;
} path_cases[] = {
	{ "00:1f.0", "0000:00/1f.0" },
	{ "00:02.0", "0000:00/02.0" },
	{ "04:00.0", "0000:00/02.0/00.0/01.0/00.0" },
	{ "06:00.1", "0000:00/03.0/00.1" },
	{ "07:00.0", "0000:00/03.0/00.0+1" },
	{ "08:00.0", "0000:00/03.0/00.0+2" },
	{ "80:00.0", "0000:80/00.0" },
};

static void paths_lead_back_to_their_functions(void **state)
{
	struct pr_topology *t =
		machine_build(SWITCH "00:03.0 bridge 06-08 root-port\n06:00.0 dev 1:2 vfs=600\n"
				     "06:00.1 dev 1:2\n07:00.0 dev 1:3 vf-of=06:00.0\n"
				     "08:00.0 dev 1:3 vf-of=06:00.0\n80:00.0 dev 1:2\n");
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(path_cases); i++) {
		struct pr_function *f = machine_function(t, path_cases[i].function);

		assert_int_equal(pr_function_path(f, path, sizeof(path)), 0);
		assert_string_equal(path, path_cases[i].path);
		assert_ptr_equal(pr_topology_find_path(t, path), f);
	}
	assert_null(pr_topology_find_path(t, "0000:00"));
	assert_null(pr_topology_find_path(t, "0000:00/"));
	assert_null(pr_topology_find_path(t, "0000:00/02.0/"));
	assert_null(pr_topology_find_path(t, "0000:00/02.00"));
	assert_null(pr_topology_find_path(t, "0000:00/02.0/00.0/09.0"));
	assert_null(pr_topology_find_path(t, "0000:01/02.0"));
	assert_null(pr_topology_find_path(t, ""));
	pr_topology_free(t);
}

static void a_name_is_an_address_or_a_path(void **state)
{
	struct pr_topology *t = machine_build(SWITCH);
	struct pr_function *f = machine_function(t, "01:00.0");

	(void)state;
	assert_ptr_equal(pr_topology_find_named(t, "0000:01:00.0"), f);
	assert_ptr_equal(pr_topology_find_named(t, "01:00.0"), f);
	assert_ptr_equal(pr_topology_find_named(t, "0000:00/02.0/00.0"), f);
	assert_null(pr_topology_find_named(t, "01:00.1"));
	assert_null(pr_topology_find_named(t, "0000:00/02.0/00.1"));
	assert_null(pr_topology_find_named(t, ""));
	pr_topology_free(t);
}

static void a_path_fits_whole_or_not_at_all(void **state)
{
	struct pr_topology *t = machine_build(SWITCH);
	const struct pr_function *f = machine_function(t, "04:00.0");
	const size_t need = strlen("0000:00/02.0/00.0/01.0/00.0") + 1;
	char path[64];

	(void)state;
	for (size_t n = 0; n < need; n++) {
		memset(path, 'x', sizeof(path));
		assert_int_equal(pr_function_path(f, path, n), -ENOSPC);
		if (n > 0)
			assert_string_equal(path, "");
		assert_int_equal(path[n], 'x');
	}
	assert_int_equal(pr_function_path(f, path, need), 0);
	pr_topology_free(t);
}

static void renumbered_functions_are_found_where_they_are(void **state)
{
	struct pr_topology *t = machine_build(SWITCH), *next;
	struct pr_function *f, *other;
	struct pr_address old = { 0, 4, 0, 0 }, new = { 0, 9, 0, 0 };

	(void)state;
	assert_int_equal(pr_topology_copy(t, NULL, &next), 0);
	f = machine_function(next, "04:00.0");
	f->address.bus = 9;
	assert_ptr_equal(pr_topology_find(next, &new), f);
	assert_null(pr_topology_find(next, &old));
	/* a removed function is found while no other has its address */
	f->removed = true;
	assert_ptr_equal(pr_topology_find(next, &new), f);
	other = machine_function(next, "00:1f.0");
	other->address = new;
	assert_ptr_equal(pr_topology_find(next, &new), other);
	/* and the topology that was copied has not noticed */
	assert_non_null(pr_topology_find(t, &old));
	pr_topology_free(next);
	pr_topology_free(t);
}

static const struct health_case {
	const char *name, *device;
	enum pr_health health;
} health_cases[] = {
	{ "health: everything assigned", "dev 1:2 bar0=mem:1000@fe000000 bar1=io:20@c000",
		PR_HEALTH_OK },
	{ "health: nothing wanted", "dev 1:2", PR_HEALTH_OK },
	{ "health: a forgotten memory BAR", "dev 1:2 bar0=mem:1000@forgotten",
		PR_HEALTH_UNASSIGNED },
	{ "health: a memory BAR of unknown size", "dev 1:2 bar0=pref64:1000@forgotten?",
		PR_HEALTH_UNASSIGNED },
	{ "health: a released memory BAR", "dev 1:2 bar0=mem:1000@released", PR_HEALTH_UNASSIGNED },
	{ "health: an I/O BAR lost", "dev 1:2 bar0=mem:1000@fe000000 bar1=io:20@released",
		PR_HEALTH_PARTIAL },
	{ "health: memory weighs more than I/O",
		"dev 1:2 bar0=io:20@forgotten bar1=mem:1000@forgotten", PR_HEALTH_UNASSIGNED },
	{ "health: a ROM is not missed", "dev 1:2 bar0=mem:1000@fe000000 rom=40000@none",
		PR_HEALTH_OK },
	{ "health: VF BARs", "dev 1:2 bar0=mem:1000@fe000000 vfs=4 vfbar0=mem:1000@forgotten",
		PR_HEALTH_OK }, /* a 32-bit VF BAR of zero cannot be seen */
	{ "health: 64-bit VF BARs",
		"dev 1:2 bar0=mem:1000@fe000000 vfs=4 vfbar0=mem64:1000@forgotten",
		PR_HEALTH_PARTIAL },
	{ "health: closed windows are no failure", "bridge 01-01", PR_HEALTH_OK },
	{ "health: a bridge's own BAR", "bridge 01-01 bar0=mem:1000@forgotten",
		PR_HEALTH_UNASSIGNED },
	{ "health: no bus numbers", "bridge none", PR_HEALTH_NO_BUS },
	{ "health: not recorded is not dead", "dev 1:2 bar0=pref64:1000@forgotten? nolines",
		PR_HEALTH_OK },
};

static void test_health(void **state)
{
	const struct health_case *c = *state;
	struct pr_topology *t;
	char text[256];

	(void)snprintf(text, sizeof(text), ROOT "00:05.0 %s\n", c->device);
	t = machine_build(text);
	assert_string_equal(pr_health_name(pr_function_health(machine_function(t, "00:05.0"))),
		pr_health_name(c->health));
	machine_function(t, "00:05.0")->removed = true;
	assert_int_equal(pr_function_health(machine_function(t, "00:05.0")), PR_HEALTH_GONE);
	pr_topology_free(t);
}

static const struct window_case {
	const char *name, *bar, *bridge; /* NULL: on the root bus */
	unsigned int window;
} window_cases[] = {
	{ "window: I/O", "io:20@forgotten", "pref64=closed", PR_WINDOW_IO },
	{ "window: memory", "mem:1000@forgotten", "pref64=closed", PR_WINDOW_MEM },
	{ "window: 64-bit memory that is not prefetchable", "mem64:1000@forgotten", "pref64=closed",
		PR_WINDOW_MEM },
	{ "window: 64-bit prefetchable below a 64-bit window", "pref64:1000@forgotten",
		"pref64=closed", PR_WINDOW_PREF },
	{ "window: 32-bit prefetchable below a 64-bit window", "pref:1000@forgotten",
		"pref64=closed", PR_WINDOW_MEM },
	{ "window: 32-bit prefetchable below a 32-bit window", "pref:1000@forgotten",
		"pref=90000000-900fffff", PR_WINDOW_PREF },
	{ "window: 64-bit prefetchable below a 32-bit window", "pref64:1000@forgotten",
		"pref=90000000-900fffff", PR_WINDOW_PREF },
	{ "window: 32-bit prefetchable on the root bus", "pref:1000@forgotten", NULL,
		PR_WINDOW_PREF },
	{ "window: memory on the root bus", "mem64:1000@forgotten", NULL, PR_WINDOW_MEM },
};

static void test_window(void **state)
{
	const struct window_case *c = *state;
	struct pr_topology *t;
	char text[256];

	(void)snprintf(text, sizeof(text),
		ROOT "00:02.0 bridge 01-01 %s\n01:00.0 dev 1:2 bar0=%s\n",
		c->bridge ? c->bridge : "", c->bar);
	t = machine_build(text);
	assert_int_equal(pr_resource_window(machine_resource(t, "01:00.0", 0),
				 c->bridge ? machine_function(t, "00:02.0") : NULL),
		c->window);
	pr_topology_free(t);
}

/* ---- copying ---- */

static void check_links(const struct pr_topology *t)
{
	size_t n = 0;

	pr_for_each_root (t, i) {
		const struct pr_root *root = t->roots[i];
		const struct pr_function *end = root->functions + root->n_functions;

		for (struct pr_function *f = root->functions; f < end; f++, n++) {
			const struct pr_function *first =
				f->parent ? f->parent->first_child : root->first_child;
			bool linked = false;

			assert_ptr_equal(f->root, root);
			assert_true(
				!f->parent || (f->parent >= root->functions && f->parent < end));
			for (; first; first = first->next)
				linked |= first == f;
			assert_true(linked);
			assert_ptr_equal(pr_topology_same(t, f), f);
		}
	}
	assert_int_equal(n, t->n_functions);
}

static void a_copy_owns_what_was_touched_and_shares_the_rest(void **state)
{
	struct pr_topology *t = machine_build(SWITCH "80:00.0 bridge 81-81\n81:00.0 dev 1:2\n");
	const bool touch[] = { false, true };
	struct pr_topology *all, *part;
	struct pr_function *f;
	char why[160];

	(void)state;
	assert_int_equal(pr_topology_copy(t, NULL, &all), 0);
	assert_int_equal(pr_topology_copy(t, touch, &part), 0);
	check_links(t);
	check_links(all);
	check_links(part);
	assert_ptr_equal(part->roots[0], t->roots[0]);
	assert_ptr_not_equal(part->roots[1], t->roots[1]);
	assert_true(pr_topology_equal(t, all, why, sizeof(why)));
	assert_true(pr_topology_equal(t, part, why, sizeof(why)));
	assert_int_equal(all->generation, t->generation);

	/* what is written to a copy stays there */
	f = machine_function(all, "02:01.0");
	assert_ptr_equal(pr_topology_same(all, machine_function(t, "02:01.0")), f);
	assert_ptr_equal(pr_topology_same(t, f), machine_function(t, "02:01.0"));
	f->bridge->secondary = 0x77;
	f->resources[0].state = PR_RES_FORGOTTEN;
	assert_int_equal(machine_function(t, "02:01.0")->bridge->secondary, 4);
	assert_false(pr_layout_equal(t, all, why, sizeof(why)));
	pr_topology_free(all);
	pr_topology_free(part);
	check_links(t);
	pr_topology_free(t);
}

static void another_import_may_not_have_the_function(void **state)
{
	struct pr_topology *large = machine_build(SWITCH), *small = machine_build(ROOT CARD),
			   *elsewhere = machine_build("root 0001:00-ff\n");
	const struct pr_root *root = large->roots[0];

	(void)state;
	assert_non_null(pr_topology_same(small, &root->functions[0]));
	assert_null(pr_topology_same(small, &root->functions[1]));
	assert_null(pr_topology_same(elsewhere, &root->functions[0]));
	assert_int_equal(pr_root_position(elsewhere, root), elsewhere->n_roots);
	pr_topology_free(large);
	pr_topology_free(small);
	pr_topology_free(elsewhere);
}

/* ---- memory that runs short, at every allocation ---- */

static size_t allocations_left = SIZE_MAX;

static bool may_allocate(void)
{
	if (allocations_left == SIZE_MAX)
		return true;
	if (allocations_left == 0)
		return false;
	allocations_left--;
	return true;
}

/* The linker puts these in front of the C library's (--wrap). */
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	return may_allocate() ? __real_calloc(n, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
	return may_allocate() ? __real_realloc(old, size) : NULL;
}

static int build_from(const struct pr_topology *t, struct pr_topology **ret)
{
	const struct pr_root *root = t->roots[0];
	struct pr_builder *b = pr_builder_new();
	struct pr_build_error error;

	if (!b)
		return -ENOMEM;
	/* failures here are told again at the end */
	(void)pr_builder_set_machine(b, &t->machine);
	(void)pr_builder_add_root(b, &root->facts);
	for (size_t i = 0; i < root->n_functions; i++)
		(void)pr_builder_add_function(b, root->functions[i].facts);
	return pr_builder_finish(b, ret, &error);
}

static void building_fails_whole_when_memory_is_short(void **state)
{
	struct pr_topology *t = machine_build(SWITCH "00:05.0 dev 1:2 user=mount:/srv slot=7\n"),
			   *again;
	char why[160];
	size_t n = 0;
	int r;

	(void)state;
	do {
		allocations_left = n++;
		r = build_from(t, &again);
		allocations_left = SIZE_MAX;
		assert_true(r == 0 || r == -ENOMEM);
	} while (r != 0);
	assert_true(n > 4);
	if (!pr_topology_equal(t, again, why, sizeof(why)))
		fail_msg("%s", why);
	pr_topology_free(again);
	pr_topology_free(t);
}

static void copying_fails_whole_when_memory_is_short(void **state)
{
	struct pr_topology *t = machine_build(SWITCH), *copy = NULL;
	size_t n = 0;
	int r;

	(void)state;
	do {
		allocations_left = n++;
		r = pr_topology_copy(t, NULL, &copy);
		allocations_left = SIZE_MAX;
		assert_int_equal(copy != NULL, r == 0);
	} while (r == -ENOMEM);
	assert_int_equal(r, 0);
	assert_true(n > 2);
	pr_topology_free(copy);
	pr_topology_free(t);
}

static void a_check_without_memory_says_so(void **state)
{
	struct pr_topology *t = machine_build(ROOT "00:05.0 dev 1:2 bar0=mem:1000@fe000000\n");
	struct pr_finding finding;

	(void)state;
	allocations_left = 0;
	assert_int_equal(pr_topology_check(t, &finding, 1), 1);
	allocations_left = SIZE_MAX;
	assert_non_null(strstr(finding.text, "memory is short"));
	pr_topology_free(t);
}

static void sizes_of_a_resizable_bar_are_those_of_its_own_entry(void **state)
{
	const struct pr_caps caps = {
		.rebar = { .present = PR_YES,
			.n_entries = 2,
			.entries = { { .bar = 0, .sizes = 0x300 }, { .bar = 2, .sizes = 0x7 } } },
		.vf_rebar = { .present = PR_YES,
			.n_entries = 1,
			.entries = { { .bar = 2, .sizes = 0xf } } },
	};
	const struct pr_function f = { .caps = &caps };
	const struct {
		uint8_t index;
		uint64_t sizes; /* 0: not resizable */
	} wanted[] = { { PR_BAR0, 0x300 }, { PR_BAR0 + 1, 0 }, { PR_BAR0 + 2, 0x7 }, { PR_ROM, 0 },
		{ PR_VF_BAR0, 0 }, { PR_VF_BAR0 + 2, 0xf }, { PR_WINDOW_IO, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const struct pr_rebar_entry *rebar =
			pr_function_rebar(&f, &(struct pr_resource){ .index = wanted[i].index });

		assert_int_equal(rebar ? rebar->sizes : 0, wanted[i].sizes);
	}
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_TEST(&tests, walks_visit_a_subtree_once_in_order);
	ADD_TEST(&tests, paths_lead_back_to_their_functions);
	ADD_TEST(&tests, a_name_is_an_address_or_a_path);
	ADD_TEST(&tests, a_path_fits_whole_or_not_at_all);
	ADD_TEST(&tests, renumbered_functions_are_found_where_they_are);
	ADD_ROWS(&tests, health_cases, test_health);
	ADD_ROWS(&tests, window_cases, test_window);
	ADD_TEST(&tests, a_copy_owns_what_was_touched_and_shares_the_rest);
	ADD_TEST(&tests, another_import_may_not_have_the_function);
	ADD_TEST(&tests, building_fails_whole_when_memory_is_short);
	ADD_TEST(&tests, copying_fails_whole_when_memory_is_short);
	ADD_TEST(&tests, a_check_without_memory_says_so);
	ADD_TEST(&tests, sizes_of_a_resizable_bar_are_those_of_its_own_entry);

	return rows_run(&tests, "topology");
}

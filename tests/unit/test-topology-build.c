/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From facts to a topology: resources, parents, host bridges, and facts that contradict each
 * other.
 */
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

/* ---- what one function's lines, registers and masks say ---- */

/* An Enhanced Allocation entry (PCIe 7.8.5.3) for BAR 2, of 1 MiB: prefetchable, at @high GiB times 4. */
#define FIXED_AT(high)                                                               \
	" config=06:10 config=34:e0 config=e0:140001002401ff8002000000feff0f00" high \
	"00000000000000"

static const struct resource_case {
	const char *name, *device; /* behind "00:05.0" */
	unsigned int index;
	bool exists;
	enum pr_resource_state state;
	uint64_t size, first, align;
	uint32_t flags; /* these are set */
} resource_cases[] = {
	{ "resource: an assigned BAR", "dev 1:2 bar0=mem:20000@fe440000", 0, true, PR_RES_ASSIGNED,
		0x20000, 0xfe440000, 0x20000, PR_IORES_MEM },
	{ "resource: a forgotten BAR has the size that was measured",
		"dev 1:2 bar2=pref64:10000000@forgotten", 2, true, PR_RES_FORGOTTEN, 0x10000000, 0,
		0x10000000, PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64 },
	{ "resource: a forgotten 32-bit BAR is seen by its measurement alone",
		"dev 1:2 bar0=mem:4000000@forgotten", 0, true, PR_RES_FORGOTTEN, 0x4000000, 0,
		0x4000000, PR_IORES_MEM },
	{ "resource: forgotten and not measured, its type bits remain",
		"dev 1:2 bar2=pref64:10000000@forgotten?", 2, true, PR_RES_FORGOTTEN,
		PR_SIZE_UNKNOWN, 0, PR_SIZE_UNKNOWN,
		PR_IORES_MEM | PR_IORES_PREFETCH | PR_IORES_MEM_64 },
	{ "resource: forgotten I/O not measured", "dev 1:2 bar1=io:20@forgotten?", 1, true,
		PR_RES_FORGOTTEN, PR_SIZE_UNKNOWN, 0, PR_SIZE_UNKNOWN, PR_IORES_IO },
	{ "resource: a zero register without a measurement is nothing",
		"dev 1:2 bar0=mem:4000000@forgotten?", 0, false, 0, 0, 0, 0, 0 },
	{ "resource: UNSET is unassigned, and its size is known",
		"dev 1:2 bar0=mem:1000@unassigned", 0, true, PR_RES_UNASSIGNED, 0x1000, 0, 0x1000,
		PR_IORES_UNSET },
	{ "resource: released by the kernel, without UNSET", "dev 1:2 bar0=mem:1000@released", 0,
		true, PR_RES_UNASSIGNED, 0x1000, 0, 0x1000, PR_IORES_MEM },
	{ "resource: the upper half of a 64-bit BAR is none", "dev 1:2 bar2=mem64:4000@fe000000", 3,
		false, 0, 0, 0, 0, 0 },
	{ "resource: neither is it while the BAR is forgotten",
		"dev 1:2 bar2=pref64:4000@forgotten config=1c:01000000", 3, false, 0, 0, 0, 0, 0 },
	{ "resource: fixed by an older standard", "dev 1:2 class=01018a bar0=io:8@1f0!", 0, true,
		PR_RES_ASSIGNED, 8, 0x1f0, 8, PR_IORES_PCI_FIXED },
	{ "resource: an assigned ROM", "dev 1:2 rom=40000@fe480000", PR_ROM, true, PR_RES_ASSIGNED,
		0x40000, 0xfe480000, 0x40000, PR_IORES_READONLY },
	{ "resource: a measured ROM without addresses", "dev 1:2 rom=40000@none", PR_ROM, true,
		PR_RES_FORGOTTEN, 0x40000, 0, 0x40000, PR_IORES_READONLY },
	{ "resource: a ROM that only its register knows is nothing", "dev 1:2 config=30:000048fe",
		PR_ROM, false, 0, 0, 0, 0, 0 },
	{ "resource: registers alone: a ROM that is disabled is unknown",
		"dev 1:2 config=30:000048fe nolines", PR_ROM, true, PR_RES_UNKNOWN, PR_SIZE_UNKNOWN,
		0, PR_SIZE_UNKNOWN, PR_IORES_READONLY },
	{ "resource: registers alone: a ROM that is enabled lies there",
		"dev 1:2 config=30:010048fe nolines", PR_ROM, true, PR_RES_ASSIGNED,
		PR_SIZE_UNKNOWN, 0xfe480000, PR_SIZE_UNKNOWN, PR_IORES_READONLY },
	{ "resource: VF BARs are as large as all VFs, aligned as one",
		"dev 1:2 vfs=7 vfbar0=pref64:4000@100000000", PR_VF_BAR0, true, PR_RES_ASSIGNED,
		0x1c000, 0x100000000, 0x4000, PR_IORES_MEM_64 },
	{ "resource: a forgotten VF BAR", "dev 1:2 vfs=7 vfbar0=pref64:4000@forgotten", PR_VF_BAR0,
		true, PR_RES_FORGOTTEN, PR_SIZE_UNKNOWN, 0, PR_SIZE_UNKNOWN, PR_IORES_MEM_64 },
	{ "resource: without VFs there are no VF BARs", "dev 1:2", PR_VF_BAR0, false, 0, 0, 0, 0,
		0 },
	{ "resource: an open window", "bridge 01-01 mem=fe400000-fe4fffff", PR_WINDOW_MEM, true,
		PR_RES_ASSIGNED, 0x100000, 0xfe400000, 0x100000, PR_IORES_MEM },
	{ "resource: a closed I/O window is still there", "bridge 01-01", PR_WINDOW_IO, true,
		PR_RES_CLOSED, 0, 0, 0x1000, PR_IORES_IO },
	{ "resource: a closed prefetchable window knows that it is 64-bit",
		"bridge 01-01 pref64=closed", PR_WINDOW_PREF, true, PR_RES_CLOSED, 0, 0, 0x100000,
		PR_IORES_PREFETCH | PR_IORES_MEM_64 },
	{ "resource: devices have no windows", "dev 1:2", PR_WINDOW_MEM, false, 0, 0, 0, 0, 0 },
	{ "resource: the third register of a bridge is no BAR", "bridge 01-01", 2, false, 0, 0, 0,
		0, 0 },
	{ "resource: registers alone: an address is assigned, its size unknown",
		"dev 1:2 bar0=mem:20000@fe440000 nolines", 0, true, PR_RES_ASSIGNED,
		PR_SIZE_UNKNOWN, 0xfe440000, PR_SIZE_UNKNOWN, PR_IORES_MEM },
	{ "resource: registers alone: type bits without an address are unknown",
		"dev 1:2 bar0=pref64:20000@forgotten? nolines", 0, true, PR_RES_UNKNOWN,
		PR_SIZE_UNKNOWN, 0, PR_SIZE_UNKNOWN, PR_IORES_MEM },
	{ "resource: registers alone: a window is what the register says",
		"bridge 01-01 mem=fe400000-fe4fffff nolines", PR_WINDOW_MEM, true, PR_RES_ASSIGNED,
		0x100000, 0xfe400000, 0x100000, PR_IORES_MEM },
	{ "resource: registers alone: a closed window", "bridge 01-01 nolines", PR_WINDOW_MEM, true,
		PR_RES_CLOSED, 0, 0, 0x100000, PR_IORES_MEM },
	{ "resource: registers of performance counters are no BARs",
		"dev 8086:6fa0 config=10:0c000010", 0, false, 0, 0, 0, 0, 0 },
	{ "resource: registers of other functions of that vendor are",
		"dev 8086:10d3 bar0=mem:1000@forgotten", 0, true, PR_RES_FORGOTTEN, 0x1000, 0,
		0x1000, PR_IORES_MEM },
	{ "resource: registers alone: Enhanced Allocation says where",
		"dev 1:2 nolines" FIXED_AT("01"), 2, true, PR_RES_ASSIGNED, 0x100000, 0x100000000,
		0x100000,
		PR_IORES_PREFETCH | PR_IORES_MEM_64 | PR_IORES_PCI_FIXED | PR_IORES_EA_BEI },
	{ "resource: a newcomer's Enhanced Allocation is where it will be",
		"dev 1:2 newcomer" FIXED_AT("01"), 2, true, PR_RES_UNASSIGNED, 0x100000,
		0x100000000, 0x100000, PR_IORES_PCI_FIXED | PR_IORES_EA_BEI },
	{ "resource: Enhanced Allocation where no window leads", "dev 1:2 nolines" FIXED_AT("7f"),
		2, true, PR_RES_UNASSIGNED, 0x100000, 0x7f00000000, 0x100000,
		PR_IORES_PCI_FIXED | PR_IORES_EA_BEI },
	{ "resource: no bytes and no lines are nothing", "dev 1:2 bytes=0 nolines", 0, false, 0, 0,
		0, 0, 0 },
	{ "resource: lines without bytes", "dev 1:2 bytes=0 bar0=mem:1000@fe000000", 0, true,
		PR_RES_ASSIGNED, 0x1000, 0xfe000000, 0x1000, PR_IORES_MEM },
};

static void test_resource(void **state)
{
	const struct resource_case *c = *state;
	char text[512];
	struct pr_topology *t;
	struct pr_resource *r;

	(void)snprintf(text, sizeof(text), ROOT "00:05.0 %s\n", c->device);
	t = machine_build(text);
	r = pr_function_resource(machine_function(t, "00:05.0"), c->index);
	assert_int_equal(r != NULL, c->exists);
	if (r) {
		assert_int_equal(r->index, c->index);
		assert_int_equal(r->state, c->state);
		assert_int_equal(r->size, c->size);
		assert_int_equal(r->align, c->align);
		assert_int_equal(r->flags & c->flags, c->flags);
		assert_int_equal(r->range.first, c->first);
	}
	pr_topology_free(t);
}

static void an_address_and_a_measurement_make_a_range(void **state)
{
	struct pr_builder *b = pr_builder_new();
	const uint8_t config[64] = { [0x10] = 0x0c, [0x13] = 0xf0, [0x14] = 0x38 };
	const struct pr_bar_mask mask = { 0, 0xf000000c, 0xffffffff };
	struct pr_facts facts = { .address = { 0, 0, 2, 0 },
		.config = config,
		.config_length = sizeof(config),
		.masks = &mask,
		.n_masks = 1 };
	struct pr_build_error error;
	struct pr_topology *t;
	struct pr_resource *r;

	(void)state;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	assert_int_equal(pr_builder_finish(b, &t, &error), 0);
	r = machine_resource(t, "00:02.0", 0);
	assert_int_equal(r->state, PR_RES_ASSIGNED);
	assert_int_equal(r->range.first, UINT64_C(0x38f0000000));
	assert_int_equal(r->range.last, UINT64_C(0x38ffffffff));
	pr_topology_free(t);
}

/* As lspci shows it, with a kernel log beside that has the size. */
static void so_do_those_of_a_vf_bar(void **state)
{
	struct pr_topology *shown =
		machine_build(ROOT "00:05.0 dev 1:2 vfs=7 vfbar0=mem64:4000@fe100000 nolines\n");
	const struct pr_bar_mask mask = { PR_VF_BAR0, 0xffffc004, 0xffffffff };
	struct pr_facts facts = *machine_function(shown, "00:05.0")->facts;
	struct pr_builder *b = pr_builder_new();
	struct pr_build_error error;
	struct pr_topology *t;
	struct pr_resource *r;

	(void)state;
	facts.masks = &mask;
	facts.n_masks = 1;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	assert_int_equal(pr_builder_finish(b, &t, &error), 0);
	r = machine_resource(t, "00:05.0", PR_VF_BAR0);
	assert_int_equal(r->state, PR_RES_ASSIGNED);
	assert_int_equal(r->range.first, 0xfe100000);
	assert_int_equal(r->range.last, 0xfe11bfff);
	assert_int_equal(r->align, 0x4000);
	pr_topology_free(t);
	pr_topology_free(shown);
}

static void a_shadowed_rom_is_memory_and_no_resource(void **state)
{
	struct pr_builder *b = pr_builder_new();
	struct pr_resource_line lines[7] = { [PR_ROM] = { 0xc0000, 0xdffff,
						     PR_IORES_MEM | PR_IORES_ROM_SHADOW } };
	struct pr_facts facts = { .address = { 0, 0, 2, 0 }, .lines = lines, .n_lines = 7 };
	struct pr_build_error error;
	struct pr_topology *t;

	(void)state;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	facts.address.device = 3;
	lines[PR_ROM].flags = PR_IORES_MEM | PR_IORES_ROM_ENABLE;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	assert_int_equal(pr_builder_finish(b, &t, &error), 0);
	assert_int_equal(machine_function(t, "00:02.0")->n_resources, 0);
	assert_int_equal(machine_resource(t, "00:03.0", PR_ROM)->state, PR_RES_ASSIGNED);
	pr_topology_free(t);
}

static void a_virtual_function_wants_nothing(void **state)
{
	struct pr_topology *t = machine_build(ROOT
		"00:05.0 dev 1:2 vfs=2 numvfs=2 vfbar0=mem64:4000@fe000000\n"
		"00:05.1 dev 1:3 vf-of=00:05.0 bar0=mem64:4000@fe000000 bar2=mem:1000@unassigned "
		"rom=800@unassigned\n");

	(void)state;
	assert_int_equal(machine_resource(t, "00:05.1", 0)->state, PR_RES_ASSIGNED);
	assert_null(pr_function_resource(machine_function(t, "00:05.1"), 2));
	assert_null(pr_function_resource(machine_function(t, "00:05.1"), PR_ROM));
	pr_topology_free(t);
}

/* ---- the tree ---- */

static const struct parent_case {
	const char *name, *text, *function;
	const char *parent; /* NULL: on the root bus */
	const char *root;   /* path of the host bridge */
} parent_cases[] = {
	{ "parent: the bridge whose secondary bus it is", SWITCH, "04:00.0", "02:01.0", "0000:00" },
	{ "parent: none on the root bus", SWITCH, "00:1f.0", NULL, "0000:00" },
	{ "parent: recorded beats bus number",
		ROOT "00:01.0 bridge 01-01\n00:02.0 bridge 02-02\n01:00.0 dev 1:2 parent=00:02.0\n",
		"01:00.0", "00:02.0", "0000:00" },
	{ "parent: recorded ones settle what bus numbers cannot",
		ROOT "00:01.0 bridge 01-01\n00:02.0 bridge 01-01\n01:00.0 dev 1:2 parent=00:02.0\n",
		"01:00.0", "00:02.0", "0000:00" },
	{ "parent: of two the innermost",
		ROOT "00:01.0 bridge 01-05\n01:00.0 bridge 05-05\n00:02.0 bridge 05-05\n"
		     "05:00.0 dev 1:2\n",
		"05:00.0", "01:00.0", "0000:00" },
	{ "parent: a bus without a bridge belongs to the range around it",
		ROOT "00:01.0 bridge 01-05\n03:00.0 dev 1:2\n", "03:00.0", "00:01.0", "0000:00" },
	{ "parent: a virtual function on a later bus sits beside its physical function",
		ROOT "00:01.0 bridge 01-02\n01:00.0 dev 1:2 vfs=300\n"
		     "02:00.0 dev 1:3 vf-of=01:00.0\n",
		"02:00.0", "00:01.0", "0000:00" },
	{ "parent: a virtual function of a function on the root bus",
		ROOT "00:05.0 dev 1:2 vfs=300\n01:00.0 dev 1:3 vf-of=00:05.0\n", "01:00.0", NULL,
		"0000:00" },
	{ "root: a bus that nobody owns gets a host bridge", ROOT "7f:08.0 dev 1:2\n", "7f:08.0",
		NULL, "0000:7f" },
	{ "root: another domain gets its own", ROOT "0001:00:00.0 dev 1:2\n", "0001:00:00.0", NULL,
		"0001:00" },
	{ "root: nothing recorded at all", "00:01.0 bridge 01-01\n01:00.0 dev 1:2\n", "01:00.0",
		"00:01.0", "0000:00" },
	{ "root: the host bridge's bus beats a bridge that claims it",
		"root 0000:00-ff\nroot 0000:80-ff\n00:01.0 bridge 01-ff\n80:01.0 dev 1:2\n",
		"80:01.0", NULL, "0000:80" },
};

static void test_parent(void **state)
{
	const struct parent_case *c = *state;
	struct pr_topology *t = machine_build(c->text);
	struct pr_function *f = machine_function(t, c->function);
	bool linked = false;
	char root[16];

	(void)snprintf(root, sizeof(root), "%04x:%02x", f->root->facts.domain, f->root->facts.bus);
	assert_string_equal(root, c->root);
	assert_ptr_equal(f->parent, c->parent ? machine_function(t, c->parent) : NULL);
	pr_for_each_child (child, f->parent ? f->parent->first_child : f->root->first_child)
		linked |= child == f;
	assert_true(linked);
	pr_topology_free(t);
}

/* ---- order of discovery, newcomers ---- */

static const struct order_case {
	const char *name, *text, *order; /* of the root bus */
} order_cases[] = {
	{ "order: by address when nothing is recorded", ROOT "00:02.0 dev 1:2\n00:01.0 dev 1:2\n",
		"01.0 02.0 " },
	{ "order: as the kernel found them",
		ROOT "00:01.0 dev 1:2 order=3\n00:02.0 dev 1:2 order=1\n00:03.0 dev 1:2 order=2\n",
		"02.0 03.0 01.0 " },
	{ "order: newcomers come last",
		ROOT "00:01.0 dev 1:2 newcomer\n00:02.0 dev 1:2\n00:03.0 dev 1:2 order=9\n",
		"02.0 03.0 01.0 " },
};

static void test_order(void **state)
{
	const struct order_case *c = *state;
	struct pr_topology *t = machine_build(c->text);
	char order[64] = "", place[8];

	pr_for_each_child (f, t->roots[0]->first_child) {
		(void)snprintf(
			place, sizeof(place), "%02x.%x ", f->address.device, f->address.function);
		strncat(order, place, sizeof(order) - strlen(order) - 1);
		if (!f->next)
			assert_ptr_equal(f, t->roots[0]->last_child);
	}
	assert_string_equal(order, c->order);
	pr_topology_free(t);
}

static const struct newcomer_case {
	const char *name, *device; /* behind "00:05.0" */
	unsigned int index;
	uint64_t size, align;
} newcomer_cases[] = {
	{ "newcomer: a BAR has the size that was measured",
		"dev 1:2 newcomer bar2=pref64:10000000@none", 2, 0x10000000, 0x10000000 },
	{ "newcomer: so has a ROM", "dev 1:2 newcomer rom=40000@none", PR_ROM, 0x40000, 0x40000 },
	{ "newcomer: VF BARs are as large as all VFs, aligned as one",
		"dev 1:2 newcomer vfs=7 vfbar0=pref64:4000@none", PR_VF_BAR0, 0x1c000, 0x4000 },
};

static void test_newcomer(void **state)
{
	const struct newcomer_case *c = *state;
	char text[256];
	struct pr_topology *t;
	struct pr_resource *r;

	(void)snprintf(text, sizeof(text), ROOT "00:05.0 %s\n", c->device);
	t = machine_build(text);
	r = machine_resource(t, "00:05.0", c->index);
	assert_true(machine_function(t, "00:05.0")->removed);
	assert_int_equal(r->state, PR_RES_UNASSIGNED);
	assert_true(r->size == c->size);
	assert_true(r->align == c->align);
	pr_topology_free(t);
}

static const struct refused_case {
	const char *name, *text, *function, *why;
} refused_cases[] = {
	{ "refused: two bridges beside each other with one secondary bus",
		ROOT "00:01.0 bridge 01-01\n00:02.0 bridge 01-01\n01:00.0 dev 1:2\n",
		"0000:01:00.0", "secondary bus of 0000:00:02.0" },
	{ "refused: a parent that is not there", ROOT "01:00.0 dev 1:2 parent=00:01.0\n",
		"0000:01:00.0", "parent 0000:00:01.0 is not there" },
	{ "refused: a parent that is no bridge",
		ROOT "00:01.0 dev 1:2\n01:00.0 dev 1:2 parent=00:01.0\n", "0000:01:00.0",
		"not a bridge" },
	{ "refused: a parent in another domain",
		ROOT "0001:00:01.0 bridge 01-01\n01:00.0 dev 1:2 parent=0001:00:01.0\n",
		"0000:01:00.0", "another domain" },
	{ "refused: a function below itself", ROOT "01:00.0 bridge 02-02 parent=01:00.0\n",
		"0000:01:00.0", "ring" },
	{ "refused: a ring of three",
		ROOT "01:00.0 bridge 02-02 parent=03:00.0\n02:00.0 bridge 03-03 parent=01:00.0\n"
		     "03:00.0 bridge 01-01 parent=02:00.0\n",
		"0000:01:00.0", "ring" },
	{ "refused: a virtual function without its physical one",
		ROOT "00:05.1 dev 1:3 vf-of=00:05.0\n", "0000:00:05.1",
		"physical function 0000:00:05.0 is not there" },
	{ "refused: a virtual function of itself", ROOT "00:05.1 dev 1:3 vf-of=00:05.1\n",
		"0000:00:05.1", "is not there" },
	{ "refused: a newcomer whose parent nobody names", ROOT "99:00.0 dev 1:2 newcomer\n",
		"0000:99:00.0", "newcomer without a parent" },
	{ "refused: a newcomer in the place of another function",
		ROOT "00:01.0 bridge 01-01\n01:00.0 dev 1:2\n"
		     "99:00.0 dev 1:2 newcomer parent=00:01.0\n",
		"0000:99:00.0", "in the place of 0000:01:00.0" },
	{ "refused: a function that the kernel knows below one that it does not know",
		ROOT "00:01.0 bridge 01-01\n99:00.0 bridge none upstream newcomer parent=00:01.0\n"
		     "9a:00.0 dev 1:2 parent=99:00.0\n",
		"0000:9a:00.0", "newcomer that the kernel does not know" },
};

static void test_refused(void **state)
{
	const struct refused_case *c = *state;
	struct pr_build_error error;
	char name[PR_ADDRESS_MAX];

	machine_build_error(c->text, &error);
	pr_address_format(&error.address, name);
	assert_string_equal(name, c->function);
	if (!strstr(error.text, c->why))
		fail_msg("\"%s\" does not say \"%s\"", error.text, c->why);
}

static void impossible_facts_are_refused_one_by_one(void **state)
{
	struct pr_builder *b = pr_builder_new();
	const struct pr_facts good = { .address = { 0, 1, 2, 3 } };
	struct pr_facts facts = good;
	struct pr_range backwards = { 9, 1 }, one_byte = { 9, 9 };
	struct pr_root_facts root = { .last_bus = -1 };

	(void)state;
	assert_int_equal(pr_builder_add_function(b, &good), 0);
	assert_int_equal(pr_builder_add_function(b, &good), -EEXIST);
	facts.address.device = 32;
	assert_int_equal(pr_builder_add_function(b, &facts), -EINVAL);
	facts = good;
	facts.address.function = 8;
	assert_int_equal(pr_builder_add_function(b, &facts), -EINVAL);
	facts = good;
	facts.config_length = 1; /* of nothing */
	assert_int_equal(pr_builder_add_function(b, &facts), -EINVAL);
	facts = good;
	facts.n_masks = 1;
	assert_int_equal(pr_builder_add_function(b, &facts), -EINVAL);

	assert_int_equal(pr_builder_add_root(b, &root), 0);
	assert_int_equal(pr_builder_add_root(b, &root), -EEXIST);
	root = (struct pr_root_facts){ .bus = 5, .last_bus = 4 };
	assert_int_equal(pr_builder_add_root(b, &root), -EINVAL);
	root = (struct pr_root_facts){ .bus = 5, .last_bus = 256 };
	assert_int_equal(pr_builder_add_root(b, &root), -EINVAL);
	root = (struct pr_root_facts){ .bus = 5, .last_bus = -1, .mem = &backwards, .n_mem = 1 };
	assert_int_equal(pr_builder_add_root(b, &root), -EINVAL);
	root.mem = &one_byte;
	assert_int_equal(pr_builder_add_root(b, &root), 0);
	pr_builder_free(b);
	pr_builder_free(NULL);
}

static void an_empty_machine_is_a_topology(void **state)
{
	struct pr_topology *t = machine_build("");

	(void)state;
	assert_int_equal(t->n_roots, 0);
	assert_int_equal(t->n_functions, 0);
	assert_int_equal(pr_topology_check(t, NULL, 0), 0);
	pr_topology_free(t);
	pr_topology_free(NULL);
}

static void a_hypervisor_gives_a_further_host_bridge_few_buses(void **state)
{
	struct pr_topology *t = machine_build("guest\nroot 0000:00-?\nroot 0000:40-?\n"
					      "root 0000:80-8f\n40:00.0 bridge 41-44 root-port\n"
					      "41:00.0 dev 1:2\n45:01.0 dev 1:2 newcomer "
					      "parent=40:00.0 bar0=mem:1000@none\n");

	(void)state;
	assert_int_equal(t->roots[0]->known_bus, 0x3f);
	assert_int_equal(t->roots[1]->known_bus, 0x44);
	assert_int_equal(t->roots[1]->last_bus, 0x7f);
	assert_int_equal(t->roots[2]->known_bus, 0x8f);
	pr_topology_free(t);
}

static void host_bridges_end_where_the_next_begins(void **state)
{
	struct pr_topology *t = machine_build("root 0000:40-80\nroot 0001:00-0f\nroot 0000:00-ff\n"
					      "80:00.0 dev 1:2\n");

	(void)state;
	assert_int_equal(t->n_roots, 4);
	assert_int_equal(t->roots[0]->last_bus, 0x3f);
	assert_int_equal(t->roots[1]->last_bus, 0x7f);
	assert_int_equal(t->roots[2]->last_bus, 0xff); /* 80, found by its function */
	assert_int_equal(t->roots[3]->facts.domain, 1);
	assert_int_equal(t->roots[3]->last_bus, 0x0f);
	assert_int_equal(t->roots[2]->known_bus, 0xff);
	assert_false(t->roots[2]->facts.io_known);
	assert_false(t->roots[2]->facts.mem_known);
	for (size_t i = 0; i < t->n_roots; i++)
		assert_int_equal(pr_root_position(t, t->roots[i]), i);
	pr_topology_free(t);
}

static const struct bridge_case {
	const char *name, *bridge;
	bool no_bus, hotplug;
} bridge_cases[] = {
	{ "bridge: with buses", "bridge 01-05", false, false },
	{ "bridge: secondary zero", "bridge none root-port hotplug", true, true },
	{ "bridge: secondary not above its own bus", "bridge 00-05", true, false },
	{ "bridge: subordinate below secondary", "bridge 05-04", true, false },
	{ "bridge: hot-plug capable slot", "bridge 01-01 downstream hotplug", false, true },
	{ "bridge: no slot", "bridge 01-01 downstream", false, false },
	{ "bridge: a slot that is not hot-plug capable",
		"bridge 01-01 downstream hotplug config=54:00000000", false, false },
	{ "bridge: standard hot-plug controller", "bridge 01-01 conventional hotplug", false,
		false },
	{ "bridge: registers not known", "bridge 01-05 bytes=16", false, false },
	{ "bridge: zero in its registers, but the kernel shows its windows", "bridge 00-00", false,
		false },
};

static void test_bridge(void **state)
{
	const struct bridge_case *c = *state;
	struct pr_topology *t;
	struct pr_function *f;
	char text[256];

	(void)snprintf(text, sizeof(text), ROOT "00:02.0 %s\n", c->bridge);
	t = machine_build(text);
	f = machine_function(t, "00:02.0");
	assert_non_null(f->bridge);
	assert_int_equal(f->no_bus, c->no_bus);
	assert_int_equal(f->bridge->hotplug, c->hotplug);
	assert_int_equal(pr_function_health(f), c->no_bus ? PR_HEALTH_NO_BUS : PR_HEALTH_OK);
	pr_topology_free(t);
}

static const struct reach_case {
	const char *name, *text; /* behind the host bridge; it is about 01:00.0 */
	bool no_bus;
} reach_cases[] = {
	{ "reach: within what the parent forwards", "00:02.0 bridge 01-02\n01:00.0 bridge 02-02\n",
		false },
	{ "reach: above what the parent forwards", "00:02.0 bridge 01-01\n01:00.0 bridge 02-02\n",
		true },
	{ "reach: partly above still has its first bus",
		"00:02.0 bridge 01-02\n01:00.0 bridge 02-03\n", false },
	{ "reach: functions behind it prove the registers wrong",
		"00:02.0 bridge 01-01\n01:00.0 bridge 02-02\n02:00.0 dev 1:2 parent=01:00.0\n",
		false },
	{ "reach: the parent's buses are not known",
		"00:02.0 bridge 01-01 bytes=16\n01:00.0 bridge 02-02 parent=00:02.0\n", false },
	{ "reach: behind the host bridge's last bus",
		"root 0001:00-00\n0001:00:02.0 bridge 01-01\n"
		"00:02.0 bridge 01-01\n01:00.0 bridge none\n",
		true },
};

static void test_reach(void **state)
{
	const struct reach_case *c = *state;
	struct pr_topology *t;
	struct pr_address other = { 1, 0, 2, 0 };
	char text[512];

	(void)snprintf(text, sizeof(text), ROOT "%s", c->text);
	t = machine_build(text);
	assert_int_equal(machine_function(t, "01:00.0")->no_bus, c->no_bus);
	if (pr_topology_find(t, &other))
		assert_true(pr_topology_find(t, &other)->no_bus);
	pr_topology_free(t);
}

static void without_sriov_support_windows_follow_the_rom(void **state)
{
	struct pr_builder *b = pr_builder_new();
	uint8_t config[64] = { [0x0e] = 1, [0x19] = 1, [0x1a] = 1 };
	struct pr_resource_line lines[12] = {
		[7] = { 0x2000, 0x2fff, PR_IORES_IO },
		[8] = { 0xee100000, 0xee1fffff, PR_IORES_MEM },
		[9] = { 0xd0000000, 0xdfffffff, PR_IORES_MEM | PR_IORES_PREFETCH },
	};
	struct pr_facts facts = { .address = { 0, 0, 1, 0 },
		.config = config,
		.config_length = sizeof(config),
		.lines = lines,
		.n_lines = 12 };
	struct pr_build_error error;
	struct pr_topology *t;

	(void)state;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	assert_int_equal(pr_builder_finish(b, &t, &error), 0);
	assert_int_equal(machine_function(t, "00:01.0")->n_resources, 3);
	assert_int_equal(machine_resource(t, "00:01.0", PR_WINDOW_IO)->range.first, 0x2000);
	assert_int_equal(machine_resource(t, "00:01.0", PR_WINDOW_MEM)->range.first, 0xee100000);
	assert_int_equal(machine_resource(t, "00:01.0", PR_WINDOW_PREF)->range.first, 0xd0000000);
	pr_topology_free(t);
}

static void cardbus_windows_take_room_like_bars(void **state)
{
	struct pr_builder *b = pr_builder_new();
	uint8_t config[64] = { [0x0e] = 2, [0x19] = 3, [0x1a] = 6 };
	struct pr_resource_line lines[PR_RESOURCE_MAX] = {
		[0] = { 0xe4300000, 0xe4300fff, PR_IORES_MEM },
		[13] = { 0x4000, 0x40ff, PR_IORES_IO },
		[16] = { 0xe8000000, 0xebffffff, PR_IORES_MEM },
	};
	struct pr_facts facts = { .address = { 0, 2, 0, 0 },
		.config = config,
		.config_length = sizeof(config),
		.lines = lines,
		.n_lines = PR_RESOURCE_MAX };
	struct pr_facts card = { .address = { 0, 3, 0, 0 } };
	struct pr_build_error error;
	struct pr_topology *t;

	(void)state;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	assert_int_equal(pr_builder_add_function(b, &card), 0);
	assert_int_equal(pr_builder_finish(b, &t, &error), 0);
	assert_null(machine_function(t, "02:00.0")->bridge);
	assert_int_equal(machine_function(t, "02:00.0")->n_resources, 3);
	assert_int_equal(machine_resource(t, "02:00.0", 16)->size, 0x4000000);
	assert_ptr_equal(machine_function(t, "03:00.0")->parent, machine_function(t, "02:00.0"));
	pr_topology_free(t);
}

/* ---- many ---- */

/*
 * Full segments: a root bus of 32 bridges, eight functions of eight devices... until @n are there.
 */
static void a_full_segment_builds_and_links(void **state)
{
	struct pr_builder *b = pr_builder_new();
	struct pr_build_error error;
	struct pr_topology *t;
	size_t n = 0;

	(void)state;
	for (unsigned int bus = 255; bus > 0; bus--) {
		uint8_t config[64] = { [0x0e] = 1, [0x19] = (uint8_t)bus, [0x1a] = 255 };
		struct pr_facts bridge = { .address = { 0, (uint8_t)(bus - 1), 0, 0 },
			.config = config,
			.config_length = sizeof(config) };

		assert_int_equal(pr_builder_add_function(b, &bridge), 0);
		n++;
		for (unsigned int fn = 1; fn < 256; fn++, n++) {
			struct pr_facts f = { .address = { 0, (uint8_t)bus, (uint8_t)(fn >> 3),
						      fn & 7 } };

			assert_int_equal(pr_builder_add_function(b, &f), 0);
		}
	}
	assert_int_equal(pr_builder_finish(b, &t, &error), 0);
	assert_int_equal(t->n_functions, n);
	assert_int_equal(t->n_roots, 1);
	for (struct pr_function *f = t->roots[0]->first_child; f; f = pr_function_walk(f, NULL))
		n--;
	assert_int_equal(n, 0);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, resource_cases, test_resource);
	ADD_TEST(&tests, an_address_and_a_measurement_make_a_range);
	ADD_TEST(&tests, so_do_those_of_a_vf_bar);
	ADD_TEST(&tests, a_shadowed_rom_is_memory_and_no_resource);
	ADD_TEST(&tests, a_virtual_function_wants_nothing);
	ADD_ROWS(&tests, parent_cases, test_parent);
	ADD_ROWS(&tests, order_cases, test_order);
	ADD_ROWS(&tests, newcomer_cases, test_newcomer);
	ADD_ROWS(&tests, refused_cases, test_refused);
	ADD_TEST(&tests, impossible_facts_are_refused_one_by_one);
	ADD_TEST(&tests, an_empty_machine_is_a_topology);
	ADD_TEST(&tests, host_bridges_end_where_the_next_begins);
	ADD_TEST(&tests, a_hypervisor_gives_a_further_host_bridge_few_buses);
	ADD_ROWS(&tests, bridge_cases, test_bridge);
	ADD_ROWS(&tests, reach_cases, test_reach);
	ADD_TEST(&tests, without_sriov_support_windows_follow_the_rom);
	ADD_TEST(&tests, cardbus_windows_take_room_like_bars);
	ADD_TEST(&tests, a_full_segment_builds_and_links);

	return rows_run(&tests, "topology-build");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold in a topology, and what tells two of them apart. */
#include "machine.h"

#include <stdio.h>
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

/* ---- checking ---- */

static const struct check_case {
	const char *name, *text;
	size_t n;
	const char *first; /* part of the first finding */
} check_cases[] = {
	{ "check: a good machine", SWITCH, 0, NULL },
	{ "check: a BAR outside of its window",
		ROOT "00:02.0 bridge 01-01 mem=fe400000-fe4fffff\n"
		     "01:00.0 dev 1:2 bar0=mem:1000@fe500000\n",
		1, "0000:01:00.0: BAR 0 at fe500000-fe500fff lies in no window above it" },
	{ "check: a BAR half outside",
		ROOT "00:02.0 bridge 01-01 mem=fe400000-fe4fffff\n"
		     "01:00.0 dev 1:2 bar0=mem:200000@fe400000\n",
		1, "lies in no window" },
	{ "check: a memory BAR in the prefetchable window is fine",
		ROOT "00:02.0 bridge 01-01 pref=fe400000-fe4fffff\n"
		     "01:00.0 dev 1:2 bar0=mem:1000@fe400000\n",
		0, NULL },
	{ "check: an I/O BAR does not fit in a memory window",
		ROOT "00:02.0 bridge 01-01 mem=80000000-800fffff io=1000-1fff\n"
		     "01:00.0 dev 1:2 bar0=io:20@2000\n",
		1, "0000:01:00.0: BAR 0" },
	{ "check: a BAR outside of the apertures", ROOT "00:05.0 dev 1:2 bar0=mem:1000@fec00000\n",
		1, "0000:00:05.0: BAR 0" },
	{ "check: unknown apertures hold everything",
		"root 0000:00-ff\n00:05.0 dev 1:2 bar0=mem:1000@fec00000\n", 0, NULL },
	{ "check: a window outside of its parent's",
		ROOT "00:02.0 bridge 01-02 mem=fe400000-fe4fffff\n"
		     "01:00.0 bridge 02-02 mem=fe400000-fe5fffff\n",
		1, "0000:01:00.0: memory window 14" },
	{ "check: a closed window holds nothing",
		ROOT "00:02.0 bridge 01-01\n01:00.0 dev 1:2 bar0=mem:1000@fe500000\n", 1,
		"lies in no window" },
	{ "check: a subtractive bridge passes on its parent's windows",
		ROOT "00:1e.0 bridge 01-01 class=060401\n01:00.0 dev 1:2 bar0=mem:1000@fe500000\n",
		0, NULL },
	{ "check: siblings that share one byte",
		ROOT "00:05.0 dev 1:2 bar0=mem:1000@fe000000\n"
		     "00:06.0 dev 1:2 bar0=mem:10@fe000ff0\n",
		1, "0000:00:06.0: BAR 0 at fe000ff0-fe000fff overlaps BAR 0 of 0000:00:05.0" },
	{ "check: siblings that touch",
		ROOT "00:05.0 dev 1:2 bar0=mem:1000@fe000000\n"
		     "00:06.0 dev 1:2 bar0=mem:10@fe001000\n",
		0, NULL },
	{ "check: a sibling inside of a window",
		ROOT "00:02.0 bridge 01-01 mem=fe400000-fe4fffff\n"
		     "00:05.0 dev 1:2 bar0=mem:1000@fe4ff000\n",
		1, "0000:00:05.0: BAR 0" },
	{ "check: I/O and memory at equal addresses do not meet",
		ROOT "00:05.0 dev 1:2 bar0=mem:1000@80000000 bar1=io:20@c000\n"
		     "00:06.0 dev 1:2 bar0=io:20@c020\n",
		0, NULL },
	{ "check: an overlap behind a small neighbour",
		ROOT "00:05.0 dev 1:2 bar0=mem:10000@fe000000\n"
		     "00:06.0 dev 1:2 bar0=mem:10@fe001000\n"
		     "00:07.0 dev 1:2 bar0=mem:10@fe00fff0\n",
		2, "overlaps BAR 0 of 0000:00:05.0" },
	{ "check: a base that is not aligned", ROOT "00:05.0 dev 1:2 bar0=mem:100000@80080000\n", 1,
		"0000:00:05.0: BAR 0 at 80080000 is not aligned to 100000" },
	{ "check: VF BARs are aligned to one of them",
		ROOT "00:05.0 dev 1:2 vfs=3 vfbar0=mem:1000@80001000\n", 0, NULL },
	{ "check: virtual functions lie inside of the VF BARs",
		ROOT "00:05.0 dev 1:2 vfs=2 numvfs=2 vfbar0=mem:1000@80000000\n"
		     "00:05.1 dev 1:3 vf-of=00:05.0 bar0=mem:1000@80000000\n",
		0, NULL },
	{ "check: fixed addresses lie where they lie",
		ROOT "00:1f.1 dev 1:2 bar0=io:8@1f0!\n00:1f.2 dev 1:2 bar0=io:8@1f0!\n", 0, NULL },
	{ "check: buses that overlap a sibling's",
		ROOT "00:02.0 bridge 01-05\n00:03.0 bridge 05-06\n", 1,
		"0000:00:03.0: buses 05-06 overlap those of 0000:00:02.0" },
	{ "check: buses outside of the parent's",
		ROOT "00:02.0 bridge 01-02\n01:00.0 bridge 02-03\n", 1,
		"0000:01:00.0: buses 02-03 do not lie within 01-02" },
	{ "check: buses that begin with the bridge's own",
		ROOT "00:02.0 bridge 01-05\n01:00.0 bridge 01-05\n02:00.0 dev 1:2 parent=01:00.0\n",
		1, "0000:01:00.0: buses 01-05 do not lie behind" },
	{ "check: buses beyond the host bridge's",
		"root 0000:00-0f\n00:02.0 bridge 10-1f\n10:00.0 dev 1:2 parent=00:02.0\n", 1,
		"0000:00:02.0: buses 10-1f" },
};

static void test_check(void **state)
{
	const struct check_case *c = *state;
	struct pr_topology *t = machine_build(c->text);
	struct pr_finding findings[2] = { 0 };
	size_t n = pr_topology_check(t, findings, 1);

	if (n > 0 && (!c->first || !strstr(findings[0].text, c->first)))
		fail_msg("found: %s", findings[0].text);
	assert_int_equal(n, c->n);
	assert_null(findings[1].function); /* not more than asked for */
	pr_topology_free(t);
}

static void removed_functions_claim_nothing(void **state)
{
	struct pr_topology *t = machine_build(ROOT "00:02.0 bridge 01-05 mem=fe000000-fe0fffff\n"
						   "01:00.0 dev 1:2 bar0=mem:10@fe000800\n"
						   "00:03.0 bridge 05-06 mem=fe000000-fe0fffff\n");

	(void)state;
	assert_int_equal(pr_topology_check(t, NULL, 0), 2);
	machine_function(t, "00:02.0")->removed = true;
	machine_function(t, "01:00.0")->removed = true;
	assert_int_equal(pr_topology_check(t, NULL, 0), 0);
	pr_topology_free(t);
}

static const struct disagree_case {
	const char *name, *bridge;
	unsigned int kind;
	bool disagrees;
} disagree_cases[] = {
	{ "registers: agree", "mem=fe400000-fe4fffff", PR_WINDOW_MEM, false },
	{ "registers: both closed", "mem=closed", PR_WINDOW_MEM, false },
	{ "registers: closed under an open table", "mem=fe400000-fe4fffff regs-mem=closed",
		PR_WINDOW_MEM, true },
	{ "registers: open under a closed table", "mem=closed regs-mem=fe400000-fe4fffff",
		PR_WINDOW_MEM, true },
	{ "registers: shorter than the table", "mem=fe400000-fe5fffff regs-mem=fe400000-fe4fffff",
		PR_WINDOW_MEM, true },
	{ "registers: another kind does not matter", "mem=fe400000-fe4fffff regs-mem=closed",
		PR_WINDOW_PREF, false },
	{ "registers: I/O", "io=c000-cfff regs-io=closed", PR_WINDOW_IO, true },
	{ "registers: I/O that reads zero under an open table",
		"io=c000-cfff config=1c:0000 config=30:00000000", PR_WINDOW_IO, true },
	{ "registers: prefetchable above 4 GiB",
		"pref64=100000000-1000fffff regs-pref=200000000-2000fffff", PR_WINDOW_PREF, true },
	{ "registers: nothing to compare with", "mem=fe400000-fe4fffff regs-mem=closed nolines",
		PR_WINDOW_MEM, false },
	{ "registers: not known", "mem=fe400000-fe4fffff regs-mem=closed bytes=16", PR_WINDOW_MEM,
		false },
};

static void test_disagree(void **state)
{
	const struct disagree_case *c = *state;
	struct pr_topology *t;
	char text[256];

	(void)snprintf(text, sizeof(text), ROOT "00:02.0 bridge 01-01 %s\n", c->bridge);
	t = machine_build(text);
	assert_int_equal(
		pr_window_disagrees(machine_function(t, "00:02.0"), c->kind), c->disagrees);
	pr_topology_free(t);
}

static void devices_have_no_windows_to_disagree(void **state)
{
	struct pr_topology *t = machine_build(SWITCH);

	(void)state;
	assert_false(pr_window_disagrees(machine_function(t, "04:00.0"), PR_WINDOW_MEM));
	assert_false(pr_window_disagrees(machine_function(t, "02:00.0"), PR_BAR0));
	assert_false(pr_window_disagrees(machine_function(t, "02:00.0"), 16));
	pr_topology_free(t);
}

/* ---- comparing ---- */

#define CARD "00:05.0 dev 1:2 "

static const struct compare_case {
	const char *name, *a, *b;
	bool same_layout, same_digest;
	const char *why; /* part of the sentence; NULL: equal */
} compare_cases[] = {
	{ "compare: the same text", SWITCH, SWITCH, true, true, NULL },
	{ "compare: another order of lines", ROOT CARD "\n00:06.0 dev 1:2\n",
		"00:06.0 dev 1:2\n" CARD "\n" ROOT, true, true, NULL },
	{ "compare: a BAR that moved", ROOT CARD "bar0=mem:1000@80000000\n",
		ROOT CARD "bar0=mem:1000@80001000\n", false, false,
		"0000:00:05.0: resource 0 is at 80000000-80000fff and 80001000-80001fff" },
	{ "compare: a BAR that lost its place", ROOT CARD "bar0=mem:1000@80000000\n",
		ROOT CARD "bar0=mem:1000@forgotten\n", false, false,
		"resource 0 is assigned and forgotten" },
	{ "compare: a BAR of another size", ROOT CARD "bar0=mem:1000@forgotten\n",
		ROOT CARD "bar0=mem:2000@forgotten\n", true, false, "bytes" },
	{ "compare: a BAR of another type", ROOT CARD "bar0=mem:1000@80000000\n",
		ROOT CARD "bar0=pref:1000@80000000\n", true, false, "flags" },
	{ "compare: one BAR more", ROOT CARD "bar0=mem:1000@80000000\n",
		ROOT CARD "bar0=mem:1000@80000000 bar1=mem:1000@80001000\n", false, false,
		"number of resources" },
	{ "compare: other bus numbers", ROOT "00:02.0 bridge 01-05\n",
		ROOT "00:02.0 bridge 01-06\n", false, false, "its buses are 01-05 and 01-06" },
	{ "compare: another register under the same table",
		ROOT "00:02.0 bridge 01-05 mem=80000000-800fffff\n",
		ROOT "00:02.0 bridge 01-05 mem=80000000-800fffff regs-mem=closed\n", true, false,
		"memory window register" },
	{ "compare: a hot-plug slot", ROOT "00:02.0 bridge 01-05 root-port hotplug\n",
		ROOT "00:02.0 bridge 01-05 root-port\n", true, true, "hot-plug" },
	{ "compare: one function more", ROOT CARD "\n", ROOT CARD "\n00:06.0 dev 1:2\n", false,
		false, "number of functions of a host bridge is 1 and 2" },
	{ "compare: a function elsewhere", ROOT CARD "\n", ROOT "00:06.0 dev 1:2\n", false, false,
		"0000:00:05.0: the other has 0000:00:06.0" },
	{ "compare: another device in its place", ROOT CARD "\n", ROOT "00:05.0 dev 1:3\n", true,
		false, "configuration byte 2" },
	{ "compare: another host bridge", "root 0000:00-7f\n", "root 0000:00-ff\n", false, false,
		"last bus" },
	{ "compare: other apertures", "root 0000:00-ff mem=80000000-8fffffff\n",
		"root 0000:00-ff mem=80000000-9fffffff\n", true, false, "memory apertures" },
	{ "compare: one aperture more", "root 0000:00-ff mem=80000000-8fffffff\n",
		"root 0000:00-ff mem=80000000-8fffffff mem=90000000-9fffffff\n", true, false,
		"memory apertures is 1 and 2" },
	{ "compare: other busy ranges", "root 0000:00-ff mem=1-f busy=2-3\n",
		"root 0000:00-ff mem=1-f busy=2-4\n", true, false, "busy memory ranges" },
	{ "compare: another kernel", "kernel 6.1\n", "kernel 6.12\n", true, true,
		"kernel release" },
	{ "compare: another command line", "cmdline quiet\n", "cmdline quiet pci=realloc\n", true,
		true, "command line" },
	{ "compare: another driver", ROOT CARD "driver=a\n", ROOT CARD "driver=b\n", true, true,
		"driver is \"a\" and \"b\"" },
	{ "compare: no driver", ROOT CARD "driver=a enabled=0\n", ROOT CARD "enabled=0\n", true,
		true, "driver is a and not known" },
	{ "compare: another user", ROOT CARD "user=mount:/srv\n", ROOT CARD "user=mount:/var\n",
		true, true, "a user" },
	{ "compare: a user of another kind", ROOT CARD "user=mount:/srv\n",
		ROOT CARD "user=swap:/srv\n", true, true, "the kind of a user" },
	{ "compare: one user more", ROOT CARD "user=mount:/srv\n",
		ROOT CARD "user=mount:/srv user=mount:/var\n", true, true, "number of users" },
	{ "compare: slot", ROOT CARD "slot=1\n", ROOT CARD "slot=2\n", true, true, "slot" },
	{ "compare: label", ROOT CARD "label=1\n", ROOT CARD "label=2\n", true, true, "label" },
	{ "compare: removable", ROOT CARD "removable=fixed\n", ROOT CARD "removable=unknown\n",
		true, true, "removable" },
	{ "compare: override", ROOT CARD "override=a\n", ROOT CARD "override=b\n", true, true,
		"driver_override" },
	{ "compare: NUMA node", ROOT CARD "numa=0\n", ROOT CARD "numa=1\n", true, true,
		"numa_node" },
	{ "compare: IOMMU group", ROOT CARD "group=0\n", ROOT CARD "group=1\n", true, true,
		"iommu_group" },
	{ "compare: enabled", ROOT CARD "enabled=1\n", ROOT CARD "enabled=2\n", true, true,
		"enabled" },
	{ "compare: lines recorded or not", ROOT CARD "\n", ROOT CARD "nolines\n", true, true,
		"resource lines are recorded in the first alone" },
	{ "compare: fewer bytes", ROOT CARD "\n", ROOT CARD "bytes=64\n", true, true,
		"number of configuration bytes" },
	{ "compare: one byte", ROOT CARD "config=f0:00\n", ROOT CARD "config=f0:01\n", true, true,
		"configuration byte f0 is 00 and 01" },
	{ "compare: a measurement", ROOT CARD "bar0=mem64:1000@forgotten\n",
		ROOT CARD "bar0=mem64:1000@forgotten?\n", true, false, "resource 0 has" },
};

static void test_compare(void **state)
{
	const struct compare_case *c = *state;
	struct pr_topology *a = machine_build(c->a), *b = machine_build(c->b);
	char why[160] = "", small[1] = "x";

	assert_int_equal(pr_topology_equal(a, b, why, sizeof(why)), c->why == NULL);
	if (c->why && !strstr(why, c->why))
		fail_msg("says: %s", why);
	assert_int_equal(pr_topology_equal(b, a, small, 0), c->why == NULL);
	assert_int_equal(small[0], 'x');
	assert_int_equal(pr_layout_equal(a, b, small, sizeof(small)), c->same_layout);
	assert_int_equal(a->generation == b->generation, c->same_digest);
	pr_topology_free(a);
	pr_topology_free(b);
}

/* Facts of one function, for what a machine's text cannot say. */
static struct pr_topology *build_one(const struct pr_facts *facts)
{
	struct pr_builder *b = pr_builder_new();
	struct pr_build_error error;
	struct pr_topology *t;

	assert_int_equal(pr_builder_add_function(b, facts), 0);
	assert_int_equal(pr_builder_finish(b, &t, &error), 0);
	return t;
}

static void lines_and_measurements_compare_field_by_field(void **state)
{
	const struct pr_resource_line lines[] = { { 1, 2, 0 }, { 2, 2, 0 }, { 1, 3, 0 },
		{ 1, 2, 4 } };
	const struct pr_bar_mask masks[] = { { 0, 0xffffff00, 0 }, { 1, 0xffffff00, 0 },
		{ 0, 0xfffffe00, 0 }, { 0, 0xffffff00, 1 } };
	struct pr_facts facts = { .address = { 0, 0, 5, 0 }, .n_lines = 1, .n_masks = 1 };
	char why[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct pr_topology *a, *b;

		facts.lines = &lines[0], facts.masks = &masks[0];
		a = build_one(&facts);
		facts.lines = &lines[i];
		b = build_one(&facts);
		assert_int_equal(pr_topology_equal(a, b, why, sizeof(why)), i == 0);
		pr_topology_free(b);
		facts.lines = &lines[0], facts.masks = &masks[i];
		b = build_one(&facts);
		assert_int_equal(pr_topology_equal(a, b, why, sizeof(why)), i == 0);
		pr_topology_free(b);
		pr_topology_free(a);
	}
}

static void recorded_parents_compare(void **state)
{
	const char *const text[] = {
		ROOT "00:01.0 bridge 01-01\n00:02.0 bridge 01-01\n01:00.0 dev 1:2 parent=00:01.0\n",
		ROOT "00:01.0 bridge 01-01\n00:02.0 bridge 01-01\n01:00.0 dev 1:2 parent=00:02.0\n",
	};
	struct pr_topology *a = machine_build(text[0]), *b = machine_build(text[1]);
	char why[160];

	(void)state;
	assert_false(pr_layout_equal(a, b, why, sizeof(why)));
	assert_string_equal(why, "0000:01:00.0: it sits below another bridge");
	assert_true(a->generation != b->generation);
	pr_topology_free(a);
	pr_topology_free(b);
}

static void a_removed_function_is_another_layout(void **state)
{
	struct pr_topology *t = machine_build(SWITCH), *next;
	char why[160];

	(void)state;
	assert_int_equal(pr_topology_copy(t, NULL, &next), 0);
	machine_function(next, "04:00.0")->removed = true;
	assert_false(pr_layout_equal(t, next, why, sizeof(why)));
	assert_string_equal(why, "0000:04:00.0: it is removed in the second alone");
	pr_topology_sign(next, NULL);
	assert_true(next->generation != t->generation);
	machine_function(next, "04:00.0")->removed = false;
	pr_topology_sign(next, NULL);
	assert_int_equal(next->generation, t->generation);
	pr_topology_free(next);
	pr_topology_free(t);
}

static void a_shared_host_bridge_counts_as_it_was(void **state)
{
	const bool touch[] = { false, true };
	struct pr_topology *t = machine_build("root 0000:00-7f\nroot 0000:80-ff\n"
					      "00:01.0 dev 1:2\n80:01.0 dev 1:2\n"),
			   *next;
	uint64_t of_all;

	(void)state;
	assert_int_equal(pr_topology_copy(t, touch, &next), 0);
	machine_function(next, "80:01.0")->removed = true;
	pr_topology_sign(next, t);
	of_all = next->generation;
	assert_true(of_all != t->generation);
	pr_topology_sign(next, NULL);
	assert_int_equal(next->generation, of_all);
	pr_topology_free(next);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, check_cases, test_check);
	ADD_TEST(&tests, removed_functions_claim_nothing);
	ADD_ROWS(&tests, disagree_cases, test_disagree);
	ADD_TEST(&tests, devices_have_no_windows_to_disagree);
	ADD_ROWS(&tests, compare_cases, test_compare);
	ADD_TEST(&tests, lines_and_measurements_compare_field_by_field);
	ADD_TEST(&tests, recorded_parents_compare);
	ADD_TEST(&tests, a_removed_function_is_another_layout);
	ADD_TEST(&tests, a_shared_host_bridge_counts_as_it_was);

	return rows_run(&tests, "topology-check");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boots: what firmware left in a machine, to what the kernel makes of it.  That
 * kernels do so is shown by logs of real machines (tests/logs); rows here are
 * the smallest machine for each rule.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/kernel.h"
#include "rows.h"

#define ROOT "root 0000:00-ff io=1000-ffff mem=80000000-8fffffff mem=100000000-1ffffffff\n"
#define CHAIN                                                                               \
	"00:01.0 bridge 01-03 root-port mem=80000000-800fffff pref64=100000000-1000fffff\n" \
	"01:00.0 bridge 02-03 upstream mem=80000000-800fffff pref64=100000000-1000fffff\n"  \
	"02:00.0 bridge 03-03 downstream mem=80000000-800fffff pref64=100000000-1000fffff\n"

static const struct boot_case {
	const char *name, *machine;
	const char *expect; /* "ADDRESS INDEX FIRST-LAST" or "ADDRESS INDEX none", each on a line */
} boot_cases[] = {
	{ "what nests is claimed, and the rest goes to the lowest gap",
		"kernel 6.1.0\n" ROOT "00:01.0 bridge 01-01 root-port mem=80000000-800fffff\n"
		"00:02.0 dev 8086:0001 class=020000 bar0=mem:1000@unassigned\n"
		"01:00.0 dev 8086:0002 class=020000 bar0=mem:1000@80080000 bar1=mem:1000@unassigned\n",
		"00:01.0 14 80000000-800fffff\n"
		"00:02.0 0 80100000-80100fff\n"
		"01:00.0 0 80080000-80080fff\n"
		"01:00.0 1 80000000-80000fff\n" },
	{ "a window outside of the one above is forgotten, and what is below placed anew",
		"kernel 6.1.0\n" ROOT "00:01.0 bridge 01-01 root-port mem=70000000-700fffff\n"
		"01:00.0 dev 8086:0002 class=020000 bar0=mem:1000@70080000\n",
		"00:01.0 14 80000000-800fffff\n"
		"01:00.0 0 80000000-80000fff\n" },
	{ "a window that reaches beyond the one above is clipped",
		"kernel 6.1.0\n" ROOT "00:01.0 bridge 01-01 root-port mem=7ff00000-801fffff\n"
		"01:00.0 dev 8086:0002 class=020000 bar0=mem:1000@80180000 "
		"bar1=mem:1000@7ff00000\n",
		"00:01.0 14 80000000-801fffff\n"
		"01:00.0 0 80180000-80180fff\n"
		"01:00.0 1 80000000-80000fff\n" },
	{ "of two BARs at one address the one that decodes keeps it",
		"kernel 6.1.0\n" ROOT
		"00:02.0 dev 8086:0001 class=020000 bar0=mem:1000@80001000 config=04:0000\n"
		"00:03.0 dev 8086:0001 class=020000 bar0=mem:1000@80001000 config=04:0200\n",
		"00:02.0 0 80000000-80000fff\n"
		"00:03.0 0 80001000-80001fff\n" },
	{ "a BAR that is not prefetchable is not claimed in a prefetchable window",
		"kernel 6.1.0\n" ROOT "00:01.0 bridge 01-01 root-port mem=80000000-800fffff "
		"pref64=100000000-1000fffff\n"
		"01:00.0 dev 8086:0002 class=020000 bar0=mem64:1000@100000000\n",
		"00:01.0 14 80000000-800fffff\n"
		"00:01.0 15 100000000-1000fffff\n"
		"01:00.0 0 80000000-80000fff\n" },
	{ "a ROM keeps what firmware gave if nobody else has it",
		"kernel 6.1.0\n" ROOT
		"00:02.0 dev 8086:0001 class=020000 bar0=mem:1000@80100000 rom=10000@80200000\n"
		"00:03.0 dev 8086:0001 class=020000 rom=10000@80100000\n",
		"00:02.0 0 80100000-80100fff\n"
		"00:02.0 6 80200000-8020ffff\n"
		"00:03.0 6 80000000-8000ffff\n" },
	{ "other architectures claim nothing",
		"kernel 6.1.0\narch aarch64\n" ROOT
		"00:01.0 bridge 01-01 root-port mem=80f00000-80ffffff\n"
		"01:00.0 dev 8086:0002 class=020000 bar0=mem:1000@80f80000\n",
		"00:01.0 14 80000000-800fffff\n"
		"01:00.0 0 80000000-80000fff\n" },
	{ "without realloc VF BARs do without when the window is too small",
		"kernel 6.1.0\ncmdline pci=realloc=off\n" ROOT CHAIN
		"03:00.0 dev 8086:0003 class=020000 bar0=pref64:100000@100000000 vfs=4 "
		"vfbar0=pref64:100000@unassigned\n",
		"00:01.0 15 100000000-1000fffff\n"
		"03:00.0 0 100000000-1000fffff\n"
		"03:00.0 7 none\n" },
	{ "VF BARs without addresses make the windows grow, from the leaf to the root",
		"kernel 6.1.0\n" ROOT CHAIN
		"03:00.0 dev 8086:0003 class=020000 bar0=pref64:100000@100000000 vfs=4 "
		"vfbar0=pref64:100000@unassigned\n",
		"00:01.0 15 100000000-1004fffff\n"
		"01:00.0 15 100000000-1004fffff\n"
		"02:00.0 15 100000000-1004fffff\n"
		"03:00.0 0 100000000-1000fffff\n"
		"03:00.0 7 100100000-1004fffff\n" },
	{ "5.4: VFs come on top of what the windows had when they were needed before",
		"kernel 5.4.0\n" ROOT CHAIN
		"03:00.0 dev 8086:0003 class=020000 bar0=pref64:100000@100000000 vfs=4 "
		"vfbar0=pref64:100000@unassigned\n",
		"00:01.0 15 100000000-1008fffff\n"
		"02:00.0 15 100000000-1008fffff\n"
		"03:00.0 7 100100000-1004fffff\n" },
	{ "with realloc a reserve that does not fit makes windows grow",
		"kernel 6.1.0\ncmdline pci=realloc,hpmmiosize=4M\n" ROOT
		"00:01.0 bridge 01-03 root-port mem=80000000-801fffff\n"
		"01:00.0 bridge 02-03 upstream mem=80000000-801fffff\n"
		"02:00.0 bridge 03-03 downstream hotplug\n",
		"00:01.0 14 80000000-803fffff\n"
		"02:00.0 14 80000000-803fffff\n" },
	{ "without it the reserve is left out",
		"kernel 6.1.0\ncmdline pci=hpmmiosize=4M\n" ROOT
		"00:01.0 bridge 01-03 root-port mem=80000000-801fffff\n"
		"01:00.0 bridge 02-03 upstream mem=80000000-801fffff\n"
		"02:00.0 bridge 03-03 downstream hotplug\n",
		"00:01.0 14 80000000-801fffff\n"
		"02:00.0 14 none\n" },
	{ "resource_alignment closes the memory windows of a bridge, and what nests in them is sized anew",
		"kernel 6.1.0\ncmdline pci=resource_alignment=00:01.0,hpmmioprefsize=16M\n" ROOT
		"00:01.0 bridge 01-03 root-port io=c000-cfff mem=80000000-801fffff "
		"pref64=100000000-1000fffff\n"
		"01:00.0 bridge 02-03 upstream mem=80000000-801fffff "
		"pref64=100000000-1000fffff\n"
		"02:00.0 bridge 03-03 downstream hotplug mem=80000000-801fffff pref64=closed\n",
		"00:01.0 13 c000-cfff\n"
		"00:01.0 15 100000000-1010fffff\n"
		"02:00.0 14 80000000-801fffff\n"
		"02:00.0 15 100000000-100ffffff\n" },
	{ "7.2: the same",
		"kernel 7.2.0\ncmdline pci=resource_alignment=00:01.0,hpmmioprefsize=16M\n" ROOT
		"00:01.0 bridge 01-03 root-port io=c000-cfff mem=80000000-801fffff "
		"pref64=100000000-1000fffff\n"
		"01:00.0 bridge 02-03 upstream mem=80000000-801fffff "
		"pref64=100000000-1000fffff\n"
		"02:00.0 bridge 03-03 downstream hotplug mem=80000000-801fffff pref64=closed\n",
		"00:01.0 13 c000-cfff\n"
		"00:01.0 15 100000000-100ffffff\n"
		"02:00.0 15 100000000-100ffffff\n" },
	{ "what the kernel had given up it finds again, in the order of the bus",
		"kernel 6.1.0\n" ROOT
		"00:03.0 dev 8086:0001 class=020000 bar0=mem:1000@unassigned order=1\n"
		"00:02.0 dev 8086:0001 class=020000 bar0=mem:1000@forgotten order=2\n",
		"00:02.0 0 80000000-80000fff\n"
		"00:03.0 0 80001000-80001fff\n" },
	{ "6.8: a switch below a hot-plug port gets all that firmware gave the port",
		"kernel 6.8.6\n" ROOT
		"00:01.0 bridge 01-04 root-port hotplug mem=80000000-80ffffff\n"
		"01:00.0 bridge 02-04 upstream pref64=closed\n"
		"02:00.0 bridge 03-03 downstream pref64=closed\n"
		"02:01.0 bridge 04-04 downstream hotplug pref64=closed\n"
		"03:00.0 dev 8086:0003 class=020000 bar0=mem:1000@unassigned\n",
		"01:00.0 14 80000000-80ffffff\n"
		"02:00.0 14 80000000-800fffff\n"
		"02:01.0 14 80100000-80ffffff\n" },
	{ "6.12: it gets what it needs",
		"kernel 6.12.40\n" ROOT
		"00:01.0 bridge 01-04 root-port hotplug mem=80000000-80ffffff\n"
		"01:00.0 bridge 02-04 upstream pref64=closed\n"
		"02:00.0 bridge 03-03 downstream pref64=closed\n"
		"02:01.0 bridge 04-04 downstream hotplug pref64=closed\n"
		"03:00.0 dev 8086:0003 class=020000 bar0=mem:1000@unassigned\n",
		"02:00.0 14 80000000-800fffff\n"
		"02:01.0 14 80100000-802fffff\n" },
};

static void place(const struct pr_topology *t, const char *address, unsigned int index, char *ret,
	size_t size)
{
	const struct pr_resource *r = pr_function_resource(machine_function(t, address), index);

	if (r && r->state == PR_RES_ASSIGNED)
		(void)snprintf(ret, size, "%" PRIx64 "-%" PRIx64, r->range.first, r->range.last);
	else
		(void)snprintf(ret, size, "none");
}

static void check(const struct pr_topology *t, const char *expect)
{
	char address[16], where[48], got[48];
	unsigned int index;
	int n;

	for (; *expect; expect += n) {
		assert_int_equal(sscanf(expect, "%15s %u %47s\n%n", address, &index, where, &n), 3);
		place(t, address, index, got, sizeof(got));
		if (strcmp(got, where) != 0)
			fail_msg("%s %u: %s, expected %s", address, index, got, where);
	}
}

static void test_boot(void **state)
{
	const struct boot_case *c = *state;
	struct pr_topology *t = machine_build(c->machine), *booted;
	const struct pr_action action = { .kind = PR_ACTION_BOOT, .root = t->roots[0] };
	struct pr_doubt doubt;
	struct pr_kernel k;
	int r;

	assert_int_equal(pr_kernel_select(&t->machine, &k), 0);
	r = pr_kernel_apply(&k, t, &action, 1, &booted, &doubt);
	if (r == 1)
		fail_msg("%s", doubt.text);
	assert_int_equal(r, 0);
	check(booted, c->expect);
	pr_topology_free(booted);
	pr_topology_free(t);
}

/* ---- pci=assign-busses ---- */

/* @expect: "ADDRESS SECONDARY SUBORDINATE" for each bridge, in the order of the machine. */
static const struct number_case {
	const char *name, *machine, *expect;
} number_cases[] = {
	{ "what firmware gave is thrown away, and the next number is taken",
		"cmdline pci=assign-busses\nkernel 7.3.4\n" ROOT
		"00:01.0 bridge 20-3f root-port\n20:00.0 bridge 30-3f upstream\n"
		"30:00.0 bridge 31-31 downstream\n30:01.0 bridge 38-3f downstream hotplug\n"
		"00:02.0 bridge 10-1f root-port hotplug\n10:00.0 dev 1:2\n",
		"00:01.0 01 04\n00:02.0 05 05\n01:00.0 02 04\n02:00.0 03 03\n02:01.0 04 04\n" },
	{ "hot-plug ports get what hpbussize= says, and what is below them counts",
		"cmdline pci=assign-busses,hpbussize=4\nkernel 6.1.0\n" ROOT
		"00:01.0 bridge 01-01 root-port hotplug\n"
		"00:02.0 bridge 02-04 root-port hotplug\n02:00.0 bridge 03-04 upstream\n"
		"03:00.0 bridge 04-04 downstream\n"
		"00:03.0 bridge 05-05 root-port\n",
		"00:01.0 01 04\n00:02.0 05 08\n00:03.0 09 09\n05:00.0 06 07\n06:00.0 07 07\n" },
	{ "virtual functions come before the bridges",
		"cmdline pci=assign-busses\nkernel 6.12.0\n" ROOT
		"00:01.0 bridge 01-01 root-port mem=80000000-801fffff\n"
		"00:02.0 bridge 02-02 root-port\n"
		"01:00.0 dev 8086:1 vfs=300 vfbar0=mem64:1000@80000000\n",
		"00:01.0 01 02\n00:02.0 03 03\n" },
	{ "the last numbers",
		"cmdline pci=assign-busses,hpbussize=200\nkernel 7.3.4\n"
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-01 root-port hotplug\n00:02.0 bridge 02-02 root-port\n",
		"00:01.0 01 0f\n00:02.0 none\n" },
};

static void test_numbers(void **state)
{
	const struct number_case *c = *state;
	struct pr_topology *t = machine_build(c->machine), *booted;
	const struct pr_action action = { .kind = PR_ACTION_BOOT, .root = t->roots[0] };
	char said[512] = "", address[PR_ADDRESS_MAX];
	struct pr_doubt doubt;
	struct pr_kernel k;
	size_t n = 0;

	assert_int_equal(pr_kernel_select(&t->machine, &k), 0);
	if (pr_kernel_apply(&k, t, &action, 1, &booted, &doubt) != 0)
		fail_msg("%s", doubt.text);
	for (size_t i = 0; i < booted->roots[0]->n_functions; i++) {
		const struct pr_function *f = &booted->roots[0]->functions[i];

		if (!f->bridge)
			continue;
		pr_address_format(&f->address, address);
		n += (size_t)(f->no_bus ? snprintf(said + n, sizeof(said) - n, "%s none\n",
						  address + strlen("0000:"))
					: snprintf(said + n, sizeof(said) - n, "%s %02x %02x\n",
						  address + strlen("0000:"), f->bridge->secondary,
						  f->bridge->subordinate));
	}
	assert_string_equal(said, c->expect);
	pr_topology_free(booted);
	pr_topology_free(t);
}

static void acpiphp_keeps_what_firmware_set_up(void **state)
{
	struct pr_topology *t = machine_build(
		"kernel 6.12.40\n" ROOT "00:01.0 bridge 01-04 root-port mem=80000000-803fffff\n"
		"01:00.0 bridge 02-04 upstream newcomer parent=00:01.0 config=20:20803080\n"
		"02:00.0 bridge 03-04 downstream newcomer parent=01:00.0 config=20:30803080\n"
		"03:00.0 dev 8086:0003 class=020000 newcomer parent=02:00.0 bar0=mem:1000@none\n");
	const struct pr_action action = { .kind = PR_ACTION_PLUG_ACPI,
		.function = machine_function(t, "00:01.0") };
	struct pr_topology *plugged;
	struct pr_doubt doubt;
	struct pr_kernel k;

	(void)state;
	assert_int_equal(pr_kernel_select(&t->machine, &k), 0);
	assert_int_equal(pr_kernel_apply(&k, t, &action, 1, &plugged, &doubt), 0);
	check(plugged, "01:00.0 14 80200000-803fffff\n"
		       "02:00.0 14 80300000-803fffff\n"
		       "03:00.0 0 80300000-80300fff\n");
	pr_topology_free(plugged);
	pr_topology_free(t);
}

int main(void)
{
	struct rows rows = { 0 };

	ADD_ROWS(&rows, number_cases, test_numbers);
	ADD_TEST(&rows, acpiphp_keeps_what_firmware_set_up);

	ADD_ROWS(&rows, boot_cases, test_boot);
	return rows_run(&rows, "boot");
}

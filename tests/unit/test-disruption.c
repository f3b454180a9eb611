/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classes of functions: one line of a machine, one policy, one class and its reason. */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/plan.h"
#include "rows.h"

#define PORT                                                   \
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff\n" \
	"00:02.0 bridge 01-01 root-port hotplug mem=80000000-800fffff driver=pcieport\n"

struct disruption_case {
	const char *name, *machine, *function, *pin, *movable;
	enum pr_disruption expect;
	const char *reason; /* NULL: none */
};

static const struct disruption_case cases[] = {
	{ .name = "an endpoint without a driver is free",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_FREE },
	{ .name = "a bound driver is never free",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000 driver=e1000e\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_RESTART,
		.reason = "a driver is bound" },
	{ .name = "a port's own driver does not count",
		.machine = PORT,
		.function = "00:02.0",
		.expect = PR_DISRUPTION_FREE },
	{ .name = "another driver on a bridge counts",
		.machine = PORT "01:00.0 bridge 02-02 pcie-to-pci driver=i3000_edac\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_RESTART,
		.reason = "a driver is bound" },
	{ .name = "a user that was found is named",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000 driver=nvme "
				"user=mount:/srv\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_IN_USE,
		.reason = "/srv" },
	{ .name = "swap pins its device",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000 driver=nvme "
				"user=mount:/srv user=swap:nvme0n1p2\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "nvme0n1p2" },
	{ .name = "users of what is movable do not count, its driver does",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000 driver=nvme "
				"user=mount:/srv user=swap:nvme0n1p2\n",
		.function = "01:00.0",
		.movable = "0000:01:00.0",
		.expect = PR_DISRUPTION_RESTART,
		.reason = "a driver is bound" },
	{ .name = "a pin counts more than that",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000\n",
		.function = "01:00.0",
		.pin = "0000:01:00.0",
		.movable = "0000:01:00.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "pinned by the administrator" },
	{ .name = "vfio-pci pins its device",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000 driver=vfio-pci\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "is handed to a virtual machine or a user-space driver by VFIO" },
	{ .name = "the administrator pins by address",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000\n",
		.function = "01:00.0",
		.pin = "0000:01:00.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "pinned by the administrator" },
	{ .name = "the administrator pins by path",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000\n",
		.function = "01:00.0",
		.pin = "0000:00/02.0/00.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "pinned by the administrator" },
	{ .name = "a pin on the port above leaves the card alone",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000\n",
		.function = "01:00.0",
		.pin = "0000:00:02.0",
		.expect = PR_DISRUPTION_FREE },
	{ .name = "a pin that begins like the path is another function's",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000\n",
		.function = "01:00.0",
		.pin = "0000:00/02.0",
		.expect = PR_DISRUPTION_FREE },
	{ .name = "an endpoint on the root bus never moves",
		.machine = "root 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"
			   "00:03.0 dev 8086:10d3 bar0=mem:1000@80000000\n",
		.function = "00:03.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "sits directly on the host bridge" },
	{ .name = "a fixed BAR pins",
		.machine = PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000!\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "has addresses that cannot move" },
	{ .name = "virtual functions that cannot be seen pin their physical one",
		.machine = PORT "01:00.0 dev 8086:1572 bar0=mem:1000@80000000 driver=i40e vfs=8 "
				"numvfs=2 vfbar0=mem:1000@80010000\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "has virtual functions in service that cannot be seen" },
	{ .name = "virtual functions that no driver would take away do too",
		.machine = PORT "01:00.0 dev 8086:1572 bar0=mem:1000@80000000 vfs=8 numvfs=1 "
				"vfbar0=mem:1000@80010000\n"
				"01:00.1 dev 8086:154c vf-of=01:00.0\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "has virtual functions in service, and no driver that would take "
			  "them away" },
	{ .name = "those that can be taken away do not",
		.machine = PORT "01:00.0 dev 8086:1572 bar0=mem:1000@80000000 driver=i40e vfs=8 "
				"numvfs=1 vfbar0=mem:1000@80010000\n"
				"01:00.1 dev 8086:154c vf-of=01:00.0 driver=vfio-pci\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_RESTART,
		.reason = "a driver is bound" },
	{ .name = "possible virtual functions do not",
		.machine = PORT "01:00.0 dev 8086:1572 bar0=mem:1000@80000000 driver=i40e vfs=8 "
				"numvfs=0 vfbar0=mem:1000@80010000\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_RESTART,
		.reason = "a driver is bound" },
	{ .name = "those of an InfiniBand card have GUIDs that nobody could give them again",
		.machine = PORT "01:00.0 dev 15b3:101b class=020700 bar0=mem:1000@80000000 "
				"driver=i40e vfs=8 numvfs=1 vfbar0=mem:1000@80010000\n"
				"01:00.1 dev 8086:154c vf-of=01:00.0\n",
		.function = "01:00.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "has virtual functions, whose GUIDs would be lost" },
	{ .name = "a virtual function without a driver is free",
		.machine = PORT "01:00.0 dev 8086:1572 bar0=mem:1000@80000000 driver=i40e vfs=8 "
				"numvfs=2 vfbar0=mem:1000@80010000\n"
				"01:01.0 dev 8086:154c vf-of=01:00.0\n",
		.function = "01:01.0",
		.expect = PR_DISRUPTION_FREE },
	{ .name = "one that a guest has is pinned",
		.machine = PORT "01:00.0 dev 8086:1572 bar0=mem:1000@80000000 driver=i40e vfs=8 "
				"numvfs=2 vfbar0=mem:1000@80010000\n"
				"01:01.0 dev 8086:154c vf-of=01:00.0 driver=vfio-pci\n",
		.function = "01:01.0",
		.expect = PR_DISRUPTION_PINNED,
		.reason = "is handed to a virtual machine or a user-space driver by VFIO" },
};

static void test_disruption(void **state)
{
	const struct disruption_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART,
		.pinned = &c->pin,
		.n_pinned = c->pin ? 1 : 0,
		.movable = &c->movable,
		.n_movable = c->movable ? 1 : 0 };
	const char *reason = "untouched";

	assert_int_equal(pr_function_disruption(machine_function(t, c->function), &policy, &reason),
		c->expect);
	if (c->reason) {
		assert_non_null(reason);
		assert_string_equal(reason, c->reason);
	} else {
		assert_null(reason);
	}
	assert_int_equal(
		pr_function_disruption(machine_function(t, c->function), &policy, NULL), c->expect);
	pr_topology_free(t);
}

/* Each kind of user, beside one that is only in use: pinned ones decide, whatever the order. */
static const struct kind_case {
	const char *name, *kind;
	enum pr_disruption expect;
} kind_cases[] = {
	{ "the root file system pins", "root", PR_DISRUPTION_PINNED },
	{ "our own journal pins", "own", PR_DISRUPTION_PINNED },
	{ "swap pins", "swap", PR_DISRUPTION_PINNED },
	{ "a console pins", "console", PR_DISRUPTION_PINNED },
	{ "a watchdog pins", "watchdog", PR_DISRUPTION_PINNED },
	{ "a TPM pins", "tpm", PR_DISRUPTION_PINNED },
	{ "a guest's VFIO pins", "vfio", PR_DISRUPTION_PINNED },
	{ "what is set on virtual functions pins", "vf", PR_DISRUPTION_PINNED },
	{ "a mediated device pins", "mdev", PR_DISRUPTION_PINNED },
	{ "a mounted file system is in use", "mount", PR_DISRUPTION_IN_USE },
	{ "an array is in use", "stack", PR_DISRUPTION_IN_USE },
	{ "a member of a pool is in use", "pool", PR_DISRUPTION_IN_USE },
	{ "a disk served to others is in use", "export", PR_DISRUPTION_IN_USE },
	{ "an interface is in use", "net", PR_DISRUPTION_IN_USE },
	{ "an open node is in use", "open", PR_DISRUPTION_IN_USE },
	{ "a mapped BAR is in use", "map", PR_DISRUPTION_IN_USE },
	{ "a display is in use", "display", PR_DISRUPTION_IN_USE },
	{ "a kind that nobody knows is in use", "novelty", PR_DISRUPTION_IN_USE },
};

static void test_kind(void **state)
{
	const struct kind_case *c = *state;
	const char *reason = NULL;
	struct pr_topology *t;
	char machine[512];

	(void)snprintf(machine, sizeof(machine),
		PORT "01:00.0 dev 8086:10d3 bar0=mem:1000@80000000 user=net:eth0 user=%s:it\n",
		c->kind);
	t = machine_build(machine);
	assert_int_equal(
		pr_function_disruption(machine_function(t, "01:00.0"), NULL, &reason), c->expect);
	assert_string_equal(reason, c->expect == PR_DISRUPTION_PINNED ? "it" : "eth0");
	pr_topology_free(t);
}

/* Every name parses back to its value, and nothing else parses. */
static void test_names(void **state)
{
	enum pr_disruption d;

	(void)state;
	for (unsigned int i = 0; i < _PR_DISRUPTION_MAX; i++) {
		assert_true(pr_disruption_parse(pr_disruption_name((enum pr_disruption)i), &d));
		assert_int_equal(d, i);
	}
	assert_false(pr_disruption_parse("", &d));
	assert_false(pr_disruption_parse("Free", &d));
	assert_false(pr_disruption_parse("restarts", &d));
	assert_int_equal(d, PR_DISRUPTION_PINNED);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_disruption);
	ADD_ROWS(&tests, kind_cases, test_kind);
	rows_add(&tests, "names parse back", test_names, NULL);

	return rows_run(&tests, "disruption");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual functions: a machine, and what is said of each physical function. */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/vfs.h"
#include "rows.h"

#define HOST        "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
#define PORT(buses) "00:02.0 bridge " buses " root-port mem=fe000000-fe3fffff driver=pcieport\n"
/* Four megabytes of window, and VFs that want eight. */
#define CRAMPED(driver)                                                                       \
	"kernel 6.12.0\n" HOST "00:1f.2 dev 8086:2922 bar5=mem:1000@febf0000\n" PORT(         \
		"01-01") "01:00.0 dev 1b36:0010 class=010802 bar0=mem64:4000@fe000000 vfs=8 " \
			 "vfbar0=mem64:100000@unassigned driver=" driver "\n"

/* @said: "ADDRESS possible/total STOP", with ", plan POSSIBLE WHEN" where there is one; a line each. */
static const struct vfs_case {
	const char *name, *machine, *only;
	enum pr_disruption limit;
	const char *said;
} cases[] = {
	{ .name = "VF BARs with addresses and buses enough: all of them",
		.machine = HOST PORT("01-01") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=8 "
					      "vfbar0=mem64:4000@fe100000 driver=nvme\n",
		.said = "0000:01:00.0 8/8 none\n" },
	{ .name = "the first bus has room for 255 behind the physical function",
		.machine =
			HOST PORT("01-01") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=300 "
					   "vfbar0=mem64:1000@fe100000 driver=nvme\n",
		.said = "0000:01:00.0 255/300 bus 02 after 01\n" },
	{ .name = "a plan gives the port the numbers that are lacking",
		.machine = "kernel 6.12.0\n" HOST PORT(
			"01-01") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=300 "
				 "vfbar0=mem64:1000@fe100000 driver=nvme\n",
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:01:00.0 255/300 bus 02 after 01, plan 300 restart\n" },
	{ .name = "where there are not numbers for all, as many as there are numbers for",
		.machine = "kernel 6.12.0\nroot 0000:00-02 mem=c0000000-febfffff\n" PORT(
			"01-01") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=600 "
				 "vfbar0=mem64:1000@fe100000 driver=nvme\n",
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:01:00.0 255/600 bus 02 after 01, plan 511 restart\n" },
	{ .name = "and a port that forwards the next one, for all",
		.machine =
			HOST PORT("01-02") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=300 "
					   "vfbar0=mem64:1000@fe100000 driver=nvme\n",
		.said = "0000:01:00.0 300/300 none\n" },
	{ .name = "a function of the root bus counts to the end of the host bridge's buses",
		.machine = "root 0000:00-00 mem=c0000000-febfffff\n"
			   "00:1f.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=16 "
			   "vfbar0=mem64:4000@fe100000 driver=nvme\n",
		.said = "0000:00:1f.0 7/16 bus 01 after 00\n" },
	{ .name = "a device that says nothing of where its VFs are",
		.machine = HOST PORT(
			"01-01") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=8 "
				 "vfbar0=mem64:4000@fe100000 driver=nvme config=114:00000000\n",
		.said = "0000:01:00.0 0/8 unknown\n" },
	{ .name = "a VF BAR without addresses: none, and what a plan would give",
		.machine = CRAMPED("nvme"),
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:01:00.0 0/8 bar, plan 8 restart\n" },
	{ .name = "no plan where no driver may be restarted",
		.machine = CRAMPED("nvme"),
		.limit = PR_DISRUPTION_FREE,
		.said = "0000:01:00.0 0/8 bar\n" },
	{ .name = "no plan for a size that is not known",
		.machine = HOST PORT("01-01") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=8 "
					      "vfbar0=mem64:4000@forgotten? driver=nvme\n",
		.limit = PR_DISRUPTION_RESTART,
		.said = "0000:01:00.0 0/8 bar\n" },
	{ .name = "no plan for more than there is",
		.machine = "kernel 6.12.0\n" HOST PORT(
			"01-01") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=8 "
				 "vfbar0=mem64:10000000@unassigned driver=nvme\n",
		.limit = PR_DISRUPTION_IN_USE,
		.said = "0000:01:00.0 0/8 bar\n" },
	{ .name = "addresses that the window above does not pass on are none",
		.machine = "kernel 6.12.0\n" HOST PORT(
			"01-01") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=8 "
				 "vfbar0=mem64:4000@c0000000 driver=nvme\n",
		.limit = PR_DISRUPTION_FREE,
		.said = "0000:01:00.0 0/8 bar\n" },
	{ .name = "a virtual function and a card without any are not told of",
		.machine = HOST PORT(
			"01-01") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=8 numvfs=1 "
				 "vfbar0=mem64:4000@fe100000 driver=nvme\n"
				 "01:00.1 dev 1b36:0010 vf-of=01:00.0\n"
				 "00:03.0 dev 8086:10d3 bar0=mem:20000@fe400000\n",
		.said = "0000:01:00.0 8/8 none, 1 enabled\n" },
	{ .name = "only who is named",
		.machine = HOST PORT("01-01") "01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=8 "
					      "vfbar0=mem64:4000@fe100000 driver=nvme\n"
					      "00:03.0 dev 1b36:0010 bar0=mem:4000@fe400000 vfs=4 "
					      "vfbar0=mem64:4000@fe500000 driver=nvme\n",
		.only = "00:03.0",
		.said = "0000:00:03.0 4/4 none\n" },
};

static size_t say(char *text, size_t size, const struct pr_vfs *v)
{
	char address[PR_ADDRESS_MAX];
	int n;

	pr_address_format(&v->function->address, address);
	n = snprintf(
		text, size, "%s %u/%u %s", address, v->now, v->total, pr_vf_stop_name(v->stop));
	if (v->stop == PR_VF_STOP_BUS)
		n += snprintf(text + n, size - (size_t)n, " %02x after %02x", v->bus, v->last_bus);
	if (v->planned > 0)
		n += snprintf(text + n, size - (size_t)n, ", plan %u %s", v->planned,
			pr_when_name(v->when));
	if (v->enabled > 0)
		n += snprintf(text + n, size - (size_t)n, ", %u enabled", v->enabled);
	return (size_t)n + (size_t)snprintf(text + n, size - (size_t)n, "\n");
}

static void test_vfs(void **state)
{
	const struct vfs_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	const struct pr_function *only = c->only ? machine_function(t, c->only) : NULL;
	const struct pr_policy policy = { .limit = c->limit };
	struct pr_vfs_list *l;
	char text[512] = "";
	size_t n = 0;

	assert_int_equal(pr_vfs_make(t, &policy, &only, only ? 1 : 0, &l), 0);
	for (size_t i = 0; i < l->n; i++)
		n += say(text + n, sizeof(text) - n, &l->items[i]);
	assert_string_equal(text, c->said);
	pr_vfs_free(l);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_vfs);

	return rows_run(&tests, "vfs");
}

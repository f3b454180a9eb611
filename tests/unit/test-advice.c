/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Advice for the next boot: a machine with something dead, and what is said to help. */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/plan.h"
#include "rows.h"

#define HOST "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
/* A switch in windows that firmware has packed, a disk behind it, and a card whose hot-add failed. */
#define SWITCH                                                                                     \
	"00:02.0 bridge 01-05 root-port hotplug mem=fe000000-fe5fffff pref64=fe800000-fedfffff\n"  \
	"01:00.0 bridge 02-05 upstream mem=fe000000-fe5fffff pref64=fe800000-fedfffff\n"           \
	"02:00.0 bridge 03-03 downstream hotplug mem=fe000000-fe1fffff pref64=fe800000-fe9fffff\n" \
	"02:01.0 bridge 04-04 downstream hotplug mem=fe200000-fe3fffff\n"                          \
	"02:02.0 bridge 05-05 downstream hotplug mem=fe400000-fe5fffff pref64=fec00000-fedfffff\n" \
	"03:00.0 dev 1b36:0010 class=010802 bar0=mem64:4000@fe000000 driver=nvme\n"
#define CARD(size) "04:00.0 dev 1b36:0005 class=00ff00 bar2=pref64:" size "@forgotten\n"

#define TOO_LARGE CARD("20000000000")
/* The host bridge of a machine of QEMU's. */
#define Q35 "00:00.0 dev 8086:29c0 class=060000 config=2c:f41a0011\n"

/* @said: "present SETTING" or "later SETTING", or "KIND SETTING" where no option helps; a line each. */
static const struct advice_case {
	const char *name, *machine, *pin;
	enum pr_disruption limit;
	enum pr_verdict verdict;
	const char *said;
	bool silent;      /* and why nothing is said */
	unsigned int vfs; /* that 00:02.0 is to have */
} cases[] = {
	{ .name = "6.1: all windows above the slot are sized anew, with what the card needs to spare",
		.machine = "kernel 6.1.0\ncmdline quiet\n" HOST SWITCH CARD("40000000"),
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.said = "present pci=realloc\n"
			"later pci=resource_alignment=0000:00:02.0,hpmmioprefsize=1G\n" },
	{ .name = "7.2: the same",
		.machine = "kernel 7.2.0\ncmdline quiet\n" HOST SWITCH CARD("40000000"),
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.said = "present pci=realloc\n"
			"later pci=resource_alignment=0000:00:02.0,hpmmioprefsize=1G\n" },
	{ .name = "what resource_alignment= says already is kept, as the last one counts",
		.machine =
			"kernel 6.12.0\ncmdline pci=resource_alignment=pci:1234:5678\n" HOST SWITCH
				CARD("40000000"),
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.said = "present pci=realloc\n"
			"later pci=resource_alignment=pci:1234:5678;0000:00:02.0,hpmmioprefsize=1G\n" },
	{ .name = "what was written to sysfs does not outlive a boot",
		.machine = "kernel 6.12.0\ncmdline quiet\nalignments 26@0000:02:01.0\n" HOST SWITCH
			CARD("40000000"),
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.said = "present pci=realloc\n"
			"later pci=resource_alignment=0000:00:02.0,hpmmioprefsize=1G\n" },
	{ .name = "who pins a neighbour is asked for a boot instead",
		.machine = "kernel 6.12.0\ncmdline quiet\n" HOST SWITCH CARD("40000000"),
		.pin = "0000:03:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_VETOED,
		.said = "present pci=realloc\n"
			"later pci=resource_alignment=0000:00:02.0,hpmmioprefsize=1G\n" },
	{ .name = "what the host bridge cannot hold takes more room above 4 GiB",
		.machine = "kernel 6.12.0\ncmdline quiet\n" HOST SWITCH TOO_LARGE,
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.said = "firmware mmio-high=4096G\n" },
	{ .name = "or any, where firmware maps nothing there",
		.machine = "kernel 7.2.0\ncmdline quiet\n"
			   "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff\n" SWITCH CARD(
				   "100000000"),
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.said = "firmware above-4g=4G\n" },
	{ .name = "QEMU is told how large its 64-bit hole is to be",
		.machine = "kernel 6.12.0\ncmdline quiet\nguest\n" HOST Q35 SWITCH TOO_LARGE,
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.said = "hypervisor -global q35-pcihost.pci-hole64-size=4096G\n" },
	{ .name = "what other hypervisors could do nobody knows",
		.machine = "kernel 6.12.0\ncmdline quiet\nguest\n" HOST SWITCH TOO_LARGE,
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.said = "" },
	{ .name = "no room above 4 GiB helps a BAR of 32 bits",
		.machine = "kernel 6.12.0\ncmdline quiet\n"
			   "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff "
			   "mem=100000000-8ffffffff\n" SWITCH
			   "04:00.0 dev 1b36:0005 class=00ff00 bar0=mem:40000000@forgotten\n",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.said = "firmware mmio-low=2028M\n" },
	{ .name = "virtual functions want all of their BARs: a boot that leaves one out is no advice",
		.machine = "kernel 6.12.0\ncmdline quiet\n"
			   "root 0000:00-ff mem=40000000-bfffffff\n"
			   "00:02.0 dev 8086:46a6 class=030000 bar0=mem64:1000000@41000000 vfs=7 "
			   "vfbar2=pref64:20000000@unassigned driver=i915\n",
		.vfs = 7,
		.verdict = PR_VERDICT_INFEASIBLE,
		.said = "firmware above-4g=4G\n" },
	{ .name = "where a plan will do nothing is advised",
		.machine = "kernel 6.12.0\ncmdline quiet\n" HOST SWITCH CARD("40000000"),
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_OK,
		.said = "" },
	{ .name = "a card on the root bus has no windows to size: only a larger aperture helps",
		.machine =
			"kernel 6.12.0\ncmdline quiet\n"
			"root 0000:00-ff mem=c0000000-c01fffff\n"
			"00:03.0 dev 8086:0001 class=020000 bar0=mem:100000@c0000000 driver=e1000e\n"
			"00:04.0 dev 8086:0001 class=020000 bar0=mem:100000@c0100000 driver=e1000e\n"
			"00:05.0 dev 8086:0001 class=020000 bar0=mem:100000@forgotten\n",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.said = "firmware mmio-low=1026M\n" },
	{ .name = "a machine that Linux would not boot into tells nothing of its next boot",
		.machine = "kernel 6.12.0\ncmdline quiet\n" HOST SWITCH CARD(
			"40000000") "00:05.0 dev 8086:0001 class=020000 bar0=mem:1000000@c1000000 driver=e1000e\n"
				    "00:06.0 bridge 06-06 root-port mem=c0000000-fdffffff\n"
				    "06:00.0 dev 8086:0001 class=020000 bar0=mem:1000000@c0000000 driver=e1000e\n",
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.said = "",
		.silent = true },
	{ .name = "nor one whose command line changes what devices ask for in a way nobody modelled",
		.machine = "kernel 6.12.0\ncmdline pci=resource_alignment=26@0000:03:00.0\n" HOST
			SWITCH CARD("40000000"),
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.said = "",
		.silent = true },
};

static void say(const struct pr_plan *p, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < p->n_advice; i++) {
		const struct pr_advice *a = &p->advice[i];
		size_t length = strlen(text);

		assert_non_null(a->text);
		(void)snprintf(text + length, size - length, "%s %s\n",
			a->kind != PR_ADVICE_BOOT ? pr_advice_kind_name(a->kind)
			: a->later                ? "later"
						  : "present",
			a->setting);
	}
}

static void test_advice(void **state)
{
	const struct advice_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	const struct pr_policy policy = {
		.limit = c->limit, .pinned = &c->pin, .n_pinned = c->pin != NULL
	};
	const struct pr_vf_wish vfs = { .function = { .device = 2 }, .vfs = c->vfs };
	const struct pr_request request = { .vfs = &vfs, .n_vfs = c->vfs > 0, .advise = true };
	struct pr_plan *p;
	char said[400];

	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	assert_string_equal(pr_verdict_name(p->verdict), pr_verdict_name(c->verdict));
	say(p, said, sizeof(said));
	assert_string_equal(said, c->said);
	assert_int_equal(p->no_advice != NULL, c->silent);
	pr_plan_free(p);
	pr_topology_free(t);
}

static void nobody_who_does_not_ask_is_advised(void **state)
{
	struct pr_topology *t =
		machine_build("kernel 6.1.0\ncmdline quiet\n" HOST SWITCH CARD("40000000"));
	const struct pr_policy policy = { .limit = PR_DISRUPTION_FREE };
	struct pr_plan *p;

	(void)state;
	assert_int_equal(pr_plan_make(t, &(struct pr_request){ 0 }, &policy, &p), 0);
	assert_int_equal(p->verdict, PR_VERDICT_TOO_DISRUPTIVE);
	assert_int_equal(p->n_advice, 0);
	pr_plan_free(p);
	pr_topology_free(t);
}

/* ---- bus numbers ---- */

#define LOCKED "kernel 7.3.4\nlockdown integrity\n"
/* A root port of QEMU's with one number, and a network card behind another port. */
#define TIGHT                                                                              \
	"00:02.0 bridge 01-01 root-port hotplug mem=fe000000-fe1fffff config=0:361b0c00\n" \
	"00:03.0 bridge 02-02 root-port hotplug mem=fe200000-fe3fffff driver=pcieport\n"   \
	"02:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe200000 driver=e1000e\n"

static const struct buses_case {
	const char *name, *machine;
	unsigned int buses; /* that 00:02.0 is to have; 0 and no @pref: what is dead is to work */
	uint64_t pref;      /* bytes that it is to have in its prefetchable window */
	const char *said;
} buses_cases[] = {
	{ .name = "in lockdown a boot counts anew, with as many to spare as are asked for",
		.machine = LOCKED "cmdline quiet\n" HOST TIGHT,
		.buses = 8,
		.said = "later pci=assign-busses,hpbussize=8\n" },
	{ .name = "a guest of QEMU's is told what its root port may ask for",
		.machine = LOCKED "cmdline quiet\nguest\n" HOST TIGHT,
		.buses = 8,
		.said = "later pci=assign-busses,hpbussize=8\nhypervisor bus-reserve=7\n" },
	{ .name = "and of memory as well, where the kernel forgets the sizes of windows",
		.machine = LOCKED "cmdline quiet\nguest\n" HOST TIGHT,
		.pref = UINT64_C(0x40000000),
		.said = "later pci=resource_alignment=0000:00:02.0,hpmmioprefsize=1G\n"
			"hypervisor pref64-reserve=1G\n" },
	{ .name = "the last one gets what is left",
		.machine = LOCKED "cmdline quiet\n" HOST TIGHT,
		.buses = 254,
		.said = "later pci=assign-busses,hpbussize=254\n" },
	{ .name = "but at the cost of nobody's own number",
		.machine = LOCKED "cmdline quiet\n" HOST TIGHT,
		.buses = 255,
		.said = "" },
	{ .name = "a dead bridge gets a number when it is there at boot",
		.machine = LOCKED "cmdline quiet\n" HOST
				  "00:02.0 bridge 01-01 root-port hotplug mem=fe000000-fe1fffff\n"
				  "01:00.0 bridge none pcie-to-pci\n",
		.said = "present pci=assign-busses\n" },
	{ .name = "what the command line has is not enough",
		.machine = LOCKED "cmdline pci=hpbussize=4\n" HOST TIGHT,
		.buses = 8,
		.said = "later pci=assign-busses,hpbussize=8\n" },
	{ .name = "elsewhere than on x86 the option does nothing",
		.machine = LOCKED "cmdline quiet\narch aarch64\n" HOST TIGHT,
		.buses = 8,
		.said = "" },
};

static void test_buses(void **state)
{
	const struct buses_case *c = *state;
	const struct pr_bus_wish wish = { .bridge = { .device = 2 }, .buses = c->buses };
	const struct pr_reserve reserve = { { .device = 2 }, PR_WINDOW_PREF, c->pref };
	const struct pr_request request = { .buses = &wish,
		.n_buses = c->buses > 0,
		.reserves = &reserve,
		.n_reserves = c->pref > 0,
		.advise = true };
	const struct pr_policy policy = { .limit = PR_DISRUPTION_IN_USE };
	struct pr_topology *t = machine_build(c->machine);
	struct pr_plan *p;
	char said[400];

	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	assert_string_equal(pr_verdict_name(p->verdict), "infeasible");
	say(p, said, sizeof(said));
	assert_string_equal(said, c->said);
	for (size_t i = 0; i < p->n_advice; i++)
		if (c->buses > 0 && p->advice[i].kind == PR_ADVICE_BOOT)
			assert_non_null(strstr(p->advice[i].text, "another number"));
	pr_plan_free(p);
	pr_topology_free(t);
}

int main(void)
{
	struct rows rows = { 0 };

	ADD_ROWS(&rows, cases, test_advice);
	ADD_ROWS(&rows, buses_cases, test_buses);
	ADD_TEST(&rows, nobody_who_does_not_ask_is_advised);
	return rows_run(&rows, "advice");
}

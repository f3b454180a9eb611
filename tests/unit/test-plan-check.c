/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The independent check: a good plan passes, and each way of spoiling it is
 * found.  And the rule by which outcomes are judged, on pairs of machines.
 */
#include <stdio.h>
#include <string.h>

#include "greedy-machines.h"
#include "machine.h"
#include "pciroom/plan.h"
#include "rows.h"

#define ROOT "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff mem=100000000-8ffffffff\n"

/* Planned as: unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect. */
#define PACKED                                                                          \
	"kernel 6.1.0\n" ROOT                                                           \
	"00:1f.2 dev 8086:2922 bar5=mem:1000@febf0000 driver=ahci user=mount:/\n"       \
	"00:02.0 bridge 01-04 root-port hotplug io=c000-cfff mem=fe000000-fe5fffff "    \
	"pref64=800000000-8005fffff driver=pcieport\n"                                  \
	"01:00.0 bridge 02-04 upstream io=c000-cfff mem=fe000000-fe5fffff "             \
	"pref64=800000000-8005fffff driver=pcieport\n"                                  \
	"02:00.0 bridge 03-03 downstream hotplug mem=fe000000-fe1fffff "                \
	"pref64=800000000-8001fffff driver=pcieport\n"                                  \
	"02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe200000-fe5fffff "   \
	"pref64=800200000-8005fffff driver=pcieport\n"                                  \
	"03:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 bar2=pref64:10000000@forgotten\n" \
	"04:00.0 dev 8086:10d3 bar0=mem:20000@fe200000 bar2=io:20@c000 driver=e1000e\n"

struct spoil_case {
	const char *name;
	void (*spoil)(struct pr_plan *p, struct pr_policy *policy);
	const char *why;     /* NULL: the plan is still good */
	const char *machine; /* NULL: PACKED */
};

static void drop_step(struct pr_plan *p, size_t i)
{
	memmove(&p->steps[i], &p->steps[i + 1], (p->n_steps - i - 1) * sizeof(*p->steps));
	p->n_steps--;
}

static void swap_steps(struct pr_plan *p, size_t i, size_t j)
{
	struct pr_step step = p->steps[i];

	p->steps[i] = p->steps[j];
	p->steps[j] = step;
}

static void aim_step(struct pr_plan *p, size_t i, const char *address, const char *path)
{
	assert_true(pr_address_parse(address, &p->steps[i].address));
	p->steps[i].path = path;
}

static void leave_alone(struct pr_plan *p, struct pr_policy *policy)
{
	(void)p;
	(void)policy;
}

static void drop_unbind(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	drop_step(p, 0);
}

static void drop_rescan(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	drop_step(p, 2);
}

static void drop_expect(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	drop_step(p, 3);
}

static void drop_everything(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->n_steps = 0;
}

static void rescan_first(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	swap_steps(p, 1, 2);
}

static void expect_early(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[0].kind = PR_STEP_EXPECT;
}

static void unbind_twice(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[2] = p->steps[0];
}

static void unbind_another_driver(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[0].driver = "igb";
}

static void unbind_the_disk(struct pr_plan *p, struct pr_policy *policy)
{
	policy->limit = PR_DISRUPTION_IN_USE;
	aim_step(p, 0, "00:1f.2", "0000:00/1f.2");
	p->steps[0].driver = "ahci";
}

static void remove_too_little(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	aim_step(p, 1, "01:00.0", "0000:00/02.0/00.0");
}

static void remove_nobody(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	aim_step(p, 1, "00:05.0", "0000:00/05.0");
}

static void remove_by_wrong_path(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[1].path = "0000:00/02.0/00.0";
}

static void remove_without_path(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[1].path = NULL;
}

static void remove_the_disk(struct pr_plan *p, struct pr_policy *policy)
{
	policy->limit = PR_DISRUPTION_IN_USE;
	aim_step(p, 1, "00:1f.2", "0000:00/1f.2");
}

static void remove_twice(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[2] = p->steps[1];
}

static void rescan_what_is_gone(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	aim_step(p, 2, "01:00.0", "0000:00/02.0/00.0");
}

static void rescan_another_root(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[2].root_bus = true;
	p->steps[2].address.bus = 0x80;
}

static void rescan_the_root_bus(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[2].root_bus = true;
	p->steps[2].address = (struct pr_address){ 0 };
}

static void write_to_a_card(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[0].kind = PR_STEP_WRITE;
}

/* The unbind becomes a write to the bridge that is removed next. */
static void write_early(struct pr_plan *p, uint16_t offset, uint32_t value, uint32_t old)
{
	p->steps[0] = p->steps[1];
	p->steps[0].kind = PR_STEP_WRITE;
	p->steps[0].offset = offset;
	p->steps[0].width = 4;
	p->steps[0].value = value;
	p->steps[0].old = old;
}

static void close_above_a_driver(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	write_early(p, 0x20, 0x0000fff0, 0xfe50fe00);
}

static void widen_a_window(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	write_early(p, 0x20, 0xfff0fe00, 0xfe50fe00);
}

static void write_bus_numbers(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	write_early(p, 0x18, 0, 0x00040100);
}

/* The kernel believes the port's window open, its register is closed. */
#define BROKEN                                                                  \
	"kernel 7.2.0\n" ROOT                                                   \
	"00:02.0 bridge 01-01 root-port mem=fe000000-fe0fffff regs-mem=closed " \
	"driver=pcieport\n01:00.0 dev 8086:10d3 bar0=mem:20000@fe000000 driver=e1000e\n"

/* ---- plans that close windows ---- */

/*
 * Planned as: unbind 03:00.0; for 00:02.0, 01:00.0 and 02:00.0 write memory window, limit's upper
 * half, window, base's upper half; remove 00:02.0; rescan; expect.
 */
#define CLOSING                           \
	"kernel 6.1.0\n" BESIDE_A_RESERVE \
	"03:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@c0000000 driver=e1000e\n"

static void set_back_to_another_value(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[3].old ^= 0x00100000;
}

static void keep_the_upper_limit(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	drop_step(p, 2);
}

static void close_half(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[1].value = 0xc020c000;
}

/* One MiB further than the table has it. */
static void open_elsewhere(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[1].value += 0x00100010;
}

static void write_half_a_register(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[1].width = 2;
}

static void close_what_stays(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	aim_step(p, 13, "01:00.0", "0000:00/02.0/00.0");
}

static void close_what_is_gone(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	swap_steps(p, 12, 13);
}

static void lock_down(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	((struct pr_topology *)(uintptr_t)p->topology)->machine.lockdown = "integrity";
}

static void allow_nothing(struct pr_plan *p, struct pr_policy *policy)
{
	(void)p;
	policy->limit = PR_DISRUPTION_FREE;
}

static void pin_the_switch(struct pr_plan *p, struct pr_policy *policy)
{
	static const char *const pins[] = { "0000:01:00.0" };

	(void)p;
	policy->pinned = pins;
	policy->n_pinned = 1;
}

static void age(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->generation++;
}

static void forget_targets(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->n_targets = 0;
}

static void forget_prediction(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	pr_topology_free(p->prediction);
	p->prediction = NULL;
}

static void predict_no_change(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	pr_topology_free(p->prediction);
	assert_int_equal(pr_topology_copy(p->topology, NULL, &p->prediction), 0);
}

static void change_verdict(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->verdict = PR_VERDICT_TOO_DISRUPTIVE;
}

/* A rescan is enough, but a driver has to let go of what it remembers. */
#define RESCUE                                                                                 \
	"kernel 6.1.0\n" ROOT "00:02.0 bridge 01-01 root-port hotplug mem=fe000000-fe3fffff\n" \
	"01:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@unassigned driver=nvme\n"

/*
 * Planned as: write 01:00.0 18=0201, 1a=07; remove 01:00.0; write 00:02.0 1a=07; remove 00:02.0;
 * rescan 00:03.0; expect.
 */
#define NO_BUS                                                                   \
	"kernel 6.1.0\nroot 0000:00-0c mem=c0000000-febfffff\n"                  \
	"00:02.0 bridge 01-01 root-port hotplug\n01:00.0 bridge none upstream\n" \
	"00:03.0 bridge 0b-0b root-port hotplug\n03:00.0 dev 8086:10d3 parent=00:03.0\n"

static void write_above(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[1].value = 0x0a;
}

static void write_beside(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[3].value = 0x0b;
}

static void write_another_primary(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[0].value = 0x0203;
}

static void write_fewer(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[1].value = 0x03;
}

static void write_over_another(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[3].old = 0x02;
}

static void write_first(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	swap_steps(p, 2, 3);
}

static void write_and_stay(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	drop_step(p, 4);
}

static void write_what_is_gone(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	swap_steps(p, 1, 2);
}

/* Planned as: unbind 01:00.1; vfs 01:00.0; unbind 01:00.0; remove 01:00.0, 01:01.0; rescan; expect. */
#define VIRTUAL                                                                      \
	"kernel 6.12.0\n" ROOT                                                       \
	"00:02.0 bridge 01-01 root-port mem=fe000000-fe2fffff driver=pcieport\n"     \
	"01:00.0 dev 1b36:0010 bar0=mem64:4000@fe100000 vfs=4 numvfs=2 "             \
	"vfbar0=mem64:4000@fe110000 driver=nvme\n"                                   \
	"01:00.1 dev 1b36:0010 vf-of=01:00.0 bar0=mem64:4000@fe110000 driver=nvme\n" \
	"01:00.2 dev 1b36:0010 vf-of=01:00.0 bar0=mem64:4000@fe114000\n"             \
	"01:01.0 dev 1b36:0005 bar0=mem:200000@forgotten\n"

static void keep_virtual(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	drop_step(p, 1);
}

static void one_virtual_stays(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[1].value = 1;
}

static void more_virtual_than_there_are(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[1].old = 3;
}

static void virtual_after_the_driver(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	swap_steps(p, 1, 2);
}

static void pin_a_virtual_one(struct pr_plan *p, struct pr_policy *policy)
{
	static const char *const pin[] = { "0000:01:00.2" };

	(void)p;
	policy->pinned = pin;
	policy->n_pinned = 1;
}

/* Three are asked for: unbind 01:00.0; remove 00:02.0; rescan 00:1f.2; vfs 01:00.0; expect. */
#define ENABLING                                                                             \
	"kernel 6.12.0\n" ROOT "00:1f.2 dev 8086:2922 class=010601 bar5=mem:1000@febf0000\n" \
	"00:02.0 bridge 01-01 root-port mem=fe000000-fe3fffff driver=pcieport\n"             \
	"01:00.0 dev 1b36:0010 bar0=mem64:4000@fe000000 vfs=8 numvfs=0 "                     \
	"vfbar0=mem64:100000@unassigned driver=nvme\n"

static void enable_early(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	swap_steps(p, 2, 3);
}

static void enable_more(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	p->steps[3].value = 4;
}

static void enable_alone(struct pr_plan *p, struct pr_policy *policy)
{
	(void)policy;
	for (int i = 0; i < 3; i++)
		drop_step(p, 0);
}

static const struct spoil_case spoil_cases[] = {
	{ "a good plan passes", leave_alone, NULL, NULL },
	{ "the root bus instead of a function on it is the same", rescan_the_root_bus, NULL, NULL },
	{ "a driver that is not asked to let go", drop_unbind,
		"0000:04:00.0 would be removed with its driver bound", NULL },
	{ "no rescan", drop_rescan, "0000:00:02.0 has not come back", NULL },
	{ "no expectation", drop_expect, "does not end with an expectation", NULL },
	{ "no steps at all", drop_everything, "does not end with an expectation", NULL },
	{ "a rescan before the removal", rescan_first, "has not come back", NULL },
	{ "an expectation in the middle", expect_early, "it must come last", NULL },
	{ "a second unbind", unbind_twice, "was unbound or removed before", NULL },
	{ "a driver that is not bound", unbind_another_driver, "this driver is not bound", NULL },
	{ "an unbind of what is pinned", unbind_the_disk, "the policy does not allow it", NULL },
	{ "too low a level", remove_too_little,
		"BAR 2 of 0000:03:00.0 (256 MiB) still has no addresses", NULL },
	{ "a function that is not there", remove_nobody, "no such function", NULL },
	{ "address and path of different functions", remove_by_wrong_path, "no such function",
		NULL },
	{ "a function without a path", remove_without_path, "no such function", NULL },
	{ "a removal of what is pinned", remove_the_disk,
		"0000:00:1f.2 would be removed against the policy", NULL },
	{ "a second removal", remove_twice, "part of it was removed before", NULL },
	{ "a rescan at what is gone", rescan_what_is_gone, "not there any more", NULL },
	{ "a rescan of another root bus", rescan_another_root, "no such function or bus", NULL },
	{ "a register of a card", write_to_a_card, "no such bridge", NULL },
	{ "a window closed above a driver", close_above_a_driver,
		"would lose its window with its driver bound", NULL },
	{ "a window that is widened", widen_a_window, "windows are written only to close them",
		NULL },
	{ "bus numbers and what is behind them", write_bus_numbers, "only windows are written",
		NULL },
	{ "windows closed before the removal pass", leave_alone, NULL, CLOSING },
	{ "a closed window above a driver", drop_unbind,
		"0000:03:00.0 would lose its window with its driver bound", CLOSING },
	{ "a register that holds something else", set_back_to_another_value,
		"step 4 (write): the register does not hold what it would be set back to",
		CLOSING },
	{ "a window that widens while it is closed", keep_the_upper_limit,
		"step 4 (write): windows are written only to close them", CLOSING },
	{ "a window that is only narrowed", close_half,
		"step 2 (write): the window does not get closed", CLOSING },
	{ "a window that agrees with the kernel's table again passes", leave_alone, NULL, BROKEN },
	{ "a window that is opened somewhere else", open_elsewhere,
		"step 2 (write): windows are written only to close them", BROKEN },
	{ "a window that is opened under a driver", drop_unbind,
		"0000:01:00.0 would lose its window with its driver bound", BROKEN },
	{ "half a register", write_half_a_register, "only windows are written", CLOSING },
	{ "a closed window of a bridge that stays", close_what_stays,
		"step 2 (write): the bridge is not removed afterwards", CLOSING },
	{ "a window closed too late", close_what_is_gone, "step 14 (write): no such bridge",
		CLOSING },
	{ "a register written in lockdown", lock_down, "no register can be written in lockdown",
		CLOSING },
	{ "a stricter policy", allow_nothing, "step 1 (unbind): the policy does not allow it",
		NULL },
	{ "a new pin", pin_the_switch, "0000:01:00.0 would be removed against the policy", NULL },
	{ "a machine that has changed", age, "not one for this machine", NULL },
	{ "no targets", forget_targets, "not one for this machine", NULL },
	{ "no prediction", forget_prediction, "do not lead to the layout predicted", NULL },
	{ "another prediction", predict_no_change, "do not lead to the layout predicted", NULL },
	{ "a driver that need not go away lets go all the same", leave_alone, NULL, RESCUE },
	{ "new addresses under a driver", drop_unbind,
		"0000:01:00.0 would get addresses under its driver", RESCUE },
	{ "bus numbers within each other", leave_alone, NULL, NO_BUS },
	{ "more bus numbers than the bridge above has", write_above,
		"0000:01:00.0: buses 02 to 0a are not within those of the bridge above", NO_BUS },
	{ "a bus number of the bridge beside it", write_beside, "are another bridge's too",
		NO_BUS },
	{ "a primary bus that is not the one it is on", write_another_primary,
		"its primary bus would be 03 and not 01", NO_BUS },
	{ "other bus numbers than predicted", write_fewer,
		"buses 02 to 03 are not what is predicted", NO_BUS },
	{ "a register that holds something else", write_over_another,
		"not what the plan takes them for", NO_BUS },
	{ "bus numbers written above somebody who is there", write_first,
		"0000:00:02.0: its bus numbers are written with somebody below it", NO_BUS },
	{ "bus numbers written to a bridge that stays", write_and_stay,
		"0000:00:02.0: its bus numbers change while the kernel uses it", NO_BUS },
	{ "bus numbers written to a bridge that is gone", write_what_is_gone, "no such bridge",
		NO_BUS },
	{ "registers written under lockdown", lock_down, "no register can be written in lockdown",
		NO_BUS },
	{ "virtual functions away and back", leave_alone, NULL, VIRTUAL },
	{ "a removal under virtual functions", keep_virtual,
		"0000:01:00.0 would be removed under its virtual functions", VIRTUAL },
	{ "virtual functions whose driver is not asked to let go", drop_unbind,
		"0000:01:00.1 would be taken away with its driver bound", VIRTUAL },
	{ "a virtual function that stays", one_virtual_stays,
		"step 2 (vfs): nobody asks for that many, or there are fewer", VIRTUAL },
	{ "more virtual functions than there are", more_virtual_than_there_are,
		"it does not have that many virtual functions", VIRTUAL },
	{ "virtual functions after the driver has let go", virtual_after_the_driver,
		"no driver is there that could do it", VIRTUAL },
	{ "a virtual function that is pinned", pin_a_virtual_one,
		"0000:01:00.2 would be taken away against the policy", VIRTUAL },
	{ "virtual functions that are asked for, and room for them", leave_alone, NULL, ENABLING },
	{ "virtual functions before there is room", enable_early, "something is done after it",
		ENABLING },
	{ "virtual functions that nobody asks for", enable_more, "nobody asks for that many",
		ENABLING },
	{ "virtual functions without room", enable_alone,
		"0000:01:00.0 would have no room for virtual functions", ENABLING },
	{ "another verdict", change_verdict, "the verdict is too-disruptive", NULL },
};

static void test_spoil(void **state)
{
	const struct spoil_case *c = *state;
	struct pr_topology *t = machine_build(c->machine ? c->machine : PACKED);
	struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	const struct pr_vf_wish wish = { .function = { .bus = 1 }, .vfs = 3 };
	const struct pr_request request = { .vfs = &wish,
		.n_vfs = c->machine && strcmp(c->machine, ENABLING) == 0 };
	char why[256] = "";
	struct pr_plan *p;

	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	assert_int_equal(p->verdict, PR_VERDICT_OK);
	c->spoil(p, &policy);
	assert_int_equal(pr_plan_check(p, &policy, why, sizeof(why)), c->why ? 1 : 0);
	assert_int_equal(p->checked, c->why == NULL);
	if (c->why && !strstr(why, c->why))
		fail_msg("\"%s\" is not in \"%s\"", c->why, why);

	pr_plan_free(p);
	pr_topology_free(t);
}

/* ---- outcomes ---- */

#define PORT(windows) "00:02.0 bridge 01-01 root-port hotplug " windows " driver=pcieport\n"
#define NIC(bars)     "01:00.0 dev 8086:10d3 class=020000 " bars "\n"
#define BEFORE                                          \
	ROOT PORT("io=c000-cfff mem=fe000000-fe1fffff") \
		NIC("bar0=mem:20000@fe000000 bar2=io:20@c000 rom=40000@fe040000 driver=e1000e")

struct outcome_case {
	const char *name, *before, *now;
	const char *why; /* NULL: nothing is lost */
};

static const struct outcome_case outcome_cases[] = {
	{ "nothing happened", BEFORE, BEFORE, NULL },
	{ "everything moved, nothing is lost", BEFORE,
		ROOT PORT("io=d000-dfff mem=fd000000-fd1fffff")
			NIC("bar0=mem:20000@fd000000 bar2=io:20@d000 rom=40000@fd040000"),
		NULL },
	{ "other bus numbers are no loss", BEFORE,
		ROOT "00:02.0 bridge 07-08 root-port hotplug io=c000-cfff mem=fe000000-fe1fffff\n"
		     "07:00.0 dev 8086:10d3 bar0=mem:20000@fe000000 bar2=io:20@c000\n",
		NULL },
	{ "an I/O BAR lost is a loss", BEFORE,
		ROOT PORT("mem=fe000000-fe1fffff")
			NIC("bar0=mem:20000@fe000000 bar2=io:20@forgotten"),
		"BAR 2 of 0000:01:00.0 (32 bytes of I/O ports) has lost its addresses" },
	{ "a memory BAR taken away is a loss", BEFORE,
		ROOT PORT("io=c000-cfff mem=fe000000-fe1fffff")
			NIC("bar0=mem:20000@released bar2=io:20@c000"),
		"BAR 0 of 0000:01:00.0 (128 KiB) has lost its addresses" },
	{ "a BAR that reads as if there were none is a loss", BEFORE,
		ROOT PORT("io=c000-cfff mem=fe000000-fe1fffff") NIC("bar2=io:20@c000"),
		"BAR 0 of 0000:01:00.0" },
	{ "a network card's ROM is not missed", BEFORE,
		ROOT PORT("io=c000-cfff mem=fe000000-fe1fffff")
			NIC("bar0=mem:20000@fe000000 bar2=io:20@c000 rom=40000@none"),
		NULL },
	{ "a display adapter's ROM is",
		ROOT PORT(
			"mem=fe000000-fe1fffff") "01:00.0 dev 1002:1478 class=030000 bar0=mem:20000@fe000000 rom=40000@fe040000\n",
		ROOT PORT(
			"mem=fe000000-fe1fffff") "01:00.0 dev 1002:1478 class=030000 bar0=mem:20000@fe000000 rom=40000@none\n",
		"expansion ROM of 0000:01:00.0 (256 KiB) has lost its addresses" },
	{ "a function that is gone is a loss", BEFORE,
		ROOT PORT("io=c000-cfff mem=fe000000-fe1fffff"), "0000:01:00.0 has not come back" },
	{ "a smaller BAR is a loss", BEFORE,
		ROOT PORT("io=c000-cfff mem=fe000000-fe1fffff")
			NIC("bar0=mem:10000@fe000000 bar2=io:20@c000"),
		"BAR 0 of 0000:01:00.0 (128 KiB) has become smaller" },
	{ "bus numbers lost are a loss", ROOT PORT("mem=fe000000-fe1fffff"),
		ROOT "00:02.0 bridge none root-port hotplug\n",
		"0000:00:02.0 has lost its bus numbers" },
	{ "a window that the register does not have is a loss for what is behind it", BEFORE,
		ROOT PORT("io=c000-cfff mem=fe000000-fe1fffff regs-mem=closed")
			NIC("bar0=mem:20000@fe000000 bar2=io:20@c000"),
		"0000:00:02.0 does not forward what the kernel placed behind it" },
	{ "an empty port's reserve is not", ROOT PORT("io=c000-cfff mem=fe000000-fe1fffff"),
		ROOT PORT("mem=fe000000-fe0fffff regs-mem=closed"), NULL },
	{ "nor is one of a port below it",
		ROOT "00:02.0 bridge 01-02 root-port\n01:00.0 bridge 02-02 downstream hotplug\n",
		ROOT "00:02.0 bridge 01-02 root-port mem=fe000000-fe0fffff regs-mem=closed\n"
		     "01:00.0 bridge 02-02 downstream hotplug mem=fe000000-fe0fffff\n",
		NULL },
	{ "what was not there before cannot be lost",
		ROOT PORT("mem=fe000000-fe1fffff") NIC("bar0=mem:20000@forgotten"),
		ROOT PORT("mem=fe000000-fe1fffff") NIC("bar0=mem:20000@forgotten"), NULL },
	{ "virtual functions' BARs count",
		ROOT PORT("mem=fe000000-fe1fffff")
			NIC("bar0=mem:20000@fe000000 vfs=8 vfbar0=mem:1000@fe100000"),
		ROOT PORT("mem=fe000000-fe1fffff")
			NIC("bar0=mem:20000@fe000000 vfs=8 vfbar0=mem:1000@forgotten"),
		"VF BAR 0 of 0000:01:00.0" },
};

static void test_outcome(void **state)
{
	const struct outcome_case *c = *state;
	struct pr_topology *before = machine_build(c->before), *now = machine_build(c->now);
	char why[256] = "untouched";

	assert_int_equal(pr_nothing_lost(before, now, why, sizeof(why)), c->why == NULL);
	if (c->why && !strstr(why, c->why))
		fail_msg("\"%s\" is not in \"%s\"", c->why, why);
	pr_topology_free(before);
	pr_topology_free(now);
}

/* ---- targets ---- */

#define NOW(windows, bars)                                           \
	ROOT "00:1f.2 dev 8086:2922 bar5=mem:1000@febf0000\n"        \
	     "00:02.0 bridge 01-04 root-port hotplug " windows "\n"  \
	     "01:00.0 bridge 02-04 upstream " windows "\n"           \
	     "02:00.0 bridge 03-03 downstream hotplug " windows "\n" \
	     "02:01.0 bridge 04-04 downstream hotplug\n"             \
	     "03:00.0 dev 1b36:0005 " bars "\n"
#define OPEN "mem=fe000000-fe5fffff pref64=800000000-81fffffff"

struct target_case {
	const char *name, *now;
	const char *why; /* NULL: it works */
};

static const struct target_case target_cases[] = {
	{ "the newcomer has its BAR",
		NOW(OPEN, "bar0=mem:1000@fe000000 bar2=pref64:10000000@800000000"), NULL },
	{ "the newcomer's BAR is still forgotten",
		NOW(OPEN, "bar0=mem:1000@fe000000 bar2=pref64:10000000@forgotten"),
		"BAR 2 of 0000:03:00.0 (256 MiB) still has no addresses" },
	{ "the newcomer's BAR cannot even be seen", NOW(OPEN, "bar0=mem:1000@fe000000"),
		"BAR 2 of 0000:03:00.0 (256 MiB) still has no addresses" },
	{ "a bridge on the way does not forward it",
		NOW(OPEN " regs-pref=closed",
			"bar0=mem:1000@fe000000 bar2=pref64:10000000@800000000"),
		"0000:02:00.0 does not forward" },
	{ "the newcomer is gone", ROOT "00:02.0 bridge 01-04 root-port hotplug\n",
		"0000:03:00.0 is gone" },
};

static void test_targets(void **state)
{
	const struct target_case *c = *state;
	struct pr_topology *t = machine_build(PACKED), *now = machine_build(c->now);
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	const struct pr_request request = { 0 };
	char why[256] = "untouched";
	struct pr_plan *p;

	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	assert_int_equal(pr_targets_work(p, now, why, sizeof(why)), c->why == NULL);
	if (c->why && !strstr(why, c->why))
		fail_msg("\"%s\" is not in \"%s\"", c->why, why);
	pr_plan_free(p);
	pr_topology_free(now);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, spoil_cases, test_spoil);
	ADD_ROWS(&tests, outcome_cases, test_outcome);
	ADD_ROWS(&tests, target_cases, test_targets);

	return rows_run(&tests, "plan-check");
}

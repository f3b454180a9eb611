/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans: a machine, a request and a policy; verdict, steps and reason.  Every
 * plan that is made is checked by pr_plan_check as well.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pciroom/plan.h"
#include "plan-machines.h"
#include "rows.h"

/*
 * @targets: addresses separated by blanks, NULL: all that is dead.  @steps:
 * "unbind ADDRESS; remove ADDRESS; rescan ADDRESS or root BUS; expect".
 * @left: "ADDRESS NAME; ".  @why: part of the reason.
 */
struct plan_case {
	const char *name, *machine, *targets, *pin, *vfs;
	enum pr_disruption limit;
	enum pr_verdict verdict;
	const char *steps, *left, *why;
};

static const struct plan_case cases[] = {
	{ .name = "a healthy machine needs nothing",
		.machine = PACKED("6.1.0", "", "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_NOTHING },
	{ .name = "packed switch, 6.1: the root port is enumerated again",
		.machine = PACKED("6.1.0", DEAD_256M, "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "packed switch, 6.12",
		.machine = PACKED("6.12.0", DEAD_256M, "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "packed switch, 6.18",
		.machine = PACKED("6.18.0", DEAD_256M, "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "packed switch, 7.2",
		.machine = PACKED("7.2.0", DEAD_256M, "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "a target named by address is the same request",
		.machine = PACKED("6.1.0", DEAD_256M, "driver=e1000e"),
		.targets = "03:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "a port named means what is dead below it",
		.machine = PACKED("6.1.0", DEAD_256M, "driver=e1000e"),
		.targets = "02:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "a target that works needs nothing, whatever else is dead",
		.machine = PACKED("6.1.0", DEAD_256M, "driver=e1000e"),
		.targets = "04:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_NOTHING },
	{ .name = "room below the switch: only the newcomer's port is enumerated again",
		.machine = ROOMY(DEAD_256M, "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "remove 02:00.0; rescan 02:01.0; expect" },
	{ .name = "nothing restarted is allowed, and nothing need be",
		.machine = ROOMY(DEAD_256M, "driver=e1000e"),
		.limit = PR_DISRUPTION_FREE,
		.steps = "remove 02:00.0; rescan 02:01.0; expect" },
	{ .name = "a driver in the way of a policy that allows none",
		.machine = PACKED("6.1.0", DEAD_256M, "driver=e1000e"),
		.limit = PR_DISRUPTION_FREE,
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect",
		.why = "0000:04:00.0 would be interrupted: a driver is bound; \"free\" is the most "
		       "allowed" },
	{ .name = "a user in the way is named",
		.machine = PACKED("6.1.0", DEAD_256M, "driver=e1000e user=net:enp4s0"),
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect",
		.why = "0000:04:00.0 would be interrupted: enp4s0; \"restart\" is the most allowed" },
	{ .name = "a user may be interrupted when that is allowed",
		.machine = PACKED("6.1.0", DEAD_256M, "driver=e1000e user=net:enp4s0"),
		.limit = PR_DISRUPTION_IN_USE,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "a user elsewhere is no obstacle",
		.machine = ROOMY(DEAD_256M, "driver=e1000e user=net:enp4s0"),
		.limit = PR_DISRUPTION_FREE,
		.steps = "remove 02:00.0; rescan 02:01.0; expect" },
	{ .name = "a pinned sibling forbids every level that would help",
		.machine = PACKED("6.1.0", DEAD_256M, "driver=e1000e"),
		.pin = "0000:04:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_VETOED,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect",
		.why = "0000:04:00.0 would have to be taken away for a moment, and must not: pinned by "
		       "the administrator" },
	{ .name = "idle virtual functions go with their physical one, and are let go of before",
		.machine = WITH_VFS("6.12.0", "driver=nvme", "driver=nvme", ""),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:01.1; vfs 04:01.0; unbind 04:00.0; unbind 04:01.0; "
			 "remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "so they do where their card alone has to move",
		.machine = "kernel 6.12.0\n" ROOT DISK
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe2fffff driver=pcieport\n"
			   "01:00.0 dev 1b36:0010 bar0=mem64:4000@fe100000 vfs=4 numvfs=2 "
			   "vfbar0=mem64:4000@fe110000 driver=nvme\n"
			   "01:00.1 dev 1b36:0010 vf-of=01:00.0 bar0=mem64:4000@fe110000\n"
			   "01:00.2 dev 1b36:0010 vf-of=01:00.0 bar0=mem64:4000@fe114000\n"
			   "01:01.0 dev 1b36:0005 bar0=mem:200000@forgotten\n",
		.limit = PR_DISRUPTION_RESTART,
		.steps = "vfs 01:00.0; unbind 01:00.0; remove 01:00.0; remove 01:01.0; "
			 "rescan 00:02.0; expect" },
	{ .name = "virtual functions that have room are enabled, and nothing moves",
		.machine = "kernel 6.12.0\n" ROOT DISK
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe3fffff driver=pcieport\n"
			   "01:00.0 dev 1b36:0010 bar0=mem64:4000@fe000000 vfs=4 numvfs=0 "
			   "vfbar0=mem64:4000@fe010000 driver=nvme user=mount:/srv\n",
		.vfs = "01:00.0=4",
		.steps = "vfs 01:00.0; expect" },
	{ .name = "those that are enabled are no plan",
		.machine = WITH_VFS("6.12.0", "driver=nvme", "", ""),
		.vfs = "04:01.0=2",
		.verdict = PR_VERDICT_NOTHING },
	{ .name = "room is made for the BARs of all that there are",
		.machine = CRAMPED_VFS("driver=nvme"),
		.limit = PR_DISRUPTION_RESTART,
		.vfs = "01:00.0=1",
		.steps = "unbind 01:00.0; remove 00:02.0; rescan 00:1f.2; vfs 01:00.0; expect" },
	{ .name = "that costs a restart, which may be too much",
		.machine = CRAMPED_VFS("driver=nvme"),
		.limit = PR_DISRUPTION_FREE,
		.vfs = "01:00.0=1",
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.steps = "unbind 01:00.0; remove 00:02.0; rescan 00:1f.2; vfs 01:00.0; expect",
		.why = "0000:01:00.0" },
	{ .name = "more room than there is",
		.machine = "kernel 6.12.0\n" ROOT DISK
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe3fffff driver=pcieport\n"
			   "01:00.0 dev 1b36:0010 bar0=mem64:4000@fe000000 vfs=8 numvfs=0 "
			   "vfbar0=mem64:10000000@unassigned driver=nvme\n",
		.limit = PR_DISRUPTION_RESTART,
		.vfs = "01:00.0=1",
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "VF BAR 0 of 0000:01:00.0" },
	{ .name = "bus numbers that the port lacks are given to it",
		.machine = VFS_ON_TWO_BUSES,
		.limit = PR_DISRUPTION_RESTART,
		.vfs = "01:00.0=300",
		.steps = "unbind 01:00.0; remove 01:00.0; write 00:02.0; remove 00:02.0; "
			 "rescan 00:1f.2; vfs 01:00.0; expect" },
	{ .name = "of those that are on the port's own bus nobody lacks a number",
		.machine = VFS_ON_TWO_BUSES,
		.vfs = "01:00.0=255",
		.steps = "vfs 01:00.0; expect" },
	{ .name = "more virtual functions than there are",
		.machine = CRAMPED_VFS("driver=nvme"),
		.vfs = "01:00.0=9",
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "has 8 virtual functions, and is to have 9" },
	{ .name = "virtual functions of what has none",
		.machine = CRAMPED_VFS("driver=nvme"),
		.vfs = "00:1f.2=1",
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "0000:00:1f.2 has no virtual functions" },
	{ .name = "virtual functions without a driver",
		.machine = CRAMPED_VFS(""),
		.vfs = "01:00.0=1",
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "no driver is bound to 0000:01:00.0" },
	{ .name = "another number of them than there is",
		.machine = WITH_VFS("6.12.0", "driver=nvme", "", ""),
		.vfs = "04:01.0=3",
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "has 2 virtual functions in service" },
	{ .name = "virtual functions whose places are not told",
		.machine = "kernel 6.12.0\n" ROOT DISK
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe3fffff driver=pcieport\n"
			   "01:00.0 dev 1b36:0010 bar0=mem64:4000@fe000000 vfs=4 numvfs=0 "
			   "vfbar0=mem64:4000@fe010000 driver=nvme config=114:00000000\n",
		.vfs = "01:00.0=2",
		.verdict = PR_VERDICT_UNKNOWN,
		.why = "does not say where its virtual functions are" },
	{ .name = "a virtual function in use is somebody in the way",
		.machine = WITH_VFS("6.12.0", "driver=nvme", "driver=nvme user=mount:/srv", ""),
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.steps = "unbind 04:01.1; vfs 04:01.0; unbind 04:00.0; unbind 04:01.0; "
			 "remove 00:02.0; rescan 00:1f.2; expect",
		.why = "/srv" },
	{ .name = "one that a guest has forbids it",
		.machine = WITH_VFS("6.12.0", "driver=nvme", "driver=vfio-pci", ""),
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_VETOED,
		.steps = "unbind 04:01.1; vfs 04:01.0; unbind 04:00.0; unbind 04:01.0; "
			 "remove 00:02.0; rescan 00:1f.2; expect",
		.why = "0000:04:01.1" },
	{ .name = "VFIO pins like an administrator",
		.machine = PACKED("6.1.0", DEAD_256M, "driver=vfio-pci"),
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_VETOED,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect",
		.why = "0000:04:00.0 would have to be taken away for a moment, and must not: is handed "
		       "to a virtual machine" },
	{ .name = "who is in the way is named where it decides",
		.machine = "kernel 6.1.0\nroot 0000:00-ff mem=c0000000-c7ffffff\n"
			   "00:1f.2 dev 8086:2922 bar5=mem:4000000@c4000000 user=mount:/\n"
			   "00:03.0 bridge 02-02 root-port\n"
			   "02:00.0 dev 8086:10d3 bar0=mem:8000000@forgotten\n",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "BAR 0 of 0000:02:00.0 needs 128 MiB of 32-bit memory; even a perfect "
		       "arrangement lacks 64 MiB of memory below 4 GiB at host bridge 0000:00: "
		       "128 MiB are wanted, its apertures have 128 MiB, of which 64 MiB stay with "
		       "0000:00:1f.2 (sits directly on the host bridge)" },
	{ .name = "pins do not count where nothing would help without them",
		.machine = "kernel 6.1.0\nroot 0000:00-ff mem=c0000000-c7ffffff\n"
			   "00:1f.2 dev 8086:2922 bar5=mem:1000@c7fff000 user=mount:/\n"
			   "00:02.0 bridge 01-01 root-port mem=c0000000-c3ffffff\n"
			   "00:03.0 bridge 02-02 root-port\n"
			   "01:00.0 dev 8086:10d3 bar0=mem:4000000@c0000000 driver=vfio-pci\n"
			   "02:00.0 dev 8086:10d3 bar0=mem:8000000@forgotten\n",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "lacks 64 MiB of memory below 4 GiB at host bridge 0000:00: 192 MiB are wanted, "
		       "its apertures have 128 MiB" },
	{ .name = "aligned blocks are counted where bytes would do",
		.machine = "kernel 6.1.0\nroot 0000:00-ff mem=c0000000-c9ffffff\n"
			   "00:1f.2 dev 8086:2922 bar5=mem:1000@c3fff000 user=mount:/\n"
			   "00:03.0 bridge 02-02 root-port\n"
			   "02:00.0 dev 8086:10d3 bar0=mem:4000000@forgotten "
			   "bar1=mem:4000000@forgotten\n",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "lacks 64 MiB of memory below 4 GiB at host bridge 0000:00: 2 aligned blocks of "
		       "64 MiB are wanted and 1 is there, its apertures have 160 MiB" },
	{ .name = "where bytes and blocks would do, every order was tried",
		.machine =
			"kernel 6.1.0\nroot 0000:00-ff mem=c0000000-cbefffff\n"
			"00:02.0 bridge 01-01 root-port mem=c0000000-c40fffff\n"
			"00:03.0 bridge 02-02 root-port\n"
			"01:00.0 dev 8086:10d3 bar0=mem:4000000@c0000000 bar1=mem:100000@c4000000\n"
			"02:00.0 dev 8086:10d3 bar0=mem:4000000@forgotten "
			"bar1=mem:100000@forgotten\n",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "BAR 0 of 0000:02:00.0 needs 64 MiB of 32-bit memory; no arrangement of the "
		       "memory below 4 GiB exists at host bridge 0000:00: 130 MiB are wanted and fit in "
		       "no order, its apertures have 191 MiB" },
	{ .name = "bus numbers that are not there are counted",
		.machine = "kernel 6.1.0\nroot 0000:00-01 mem=c0000000-c7ffffff\n"
			   "00:02.0 bridge 01-01 root-port\n"
			   "01:00.0 bridge none upstream\n",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "0000:01:00.0 has no bus numbers; even a perfect numbering lacks 1 of them at "
		       "host bridge 0000:00: 2 are wanted, its range has 1" },
	{ .name = "more than the host bridge has is refused with numbers",
		.machine = PACKED("6.1.0", "bar2=pref64:1000000000@forgotten", "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "BAR 2 of 0000:03:00.0 needs 64 GiB of 64-bit prefetchable memory; even a "
		       "perfect arrangement lacks 31 GiB of memory at host bridge 0000:00: 64 GiB are "
		       "wanted, its apertures have 32.9 GiB" },
	{ .name = "memory that must lie low is refused with the low aperture's numbers",
		.machine = PACKED("6.1.0", "bar2=mem64:80000000@forgotten", "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "needs 2 GiB of memory below 4 GiB; even a perfect arrangement lacks 1 GiB of "
		       "memory below 4 GiB at host bridge 0000:00: 2 GiB are wanted, its apertures have "
		       "1004 MiB" },
	{ .name = "a size that is not known is not guessed",
		.machine = PACKED("6.1.0", "bar2=pref64:10000000@forgotten?", "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_UNKNOWN,
		.why = "the size of BAR 2 of 0000:03:00.0 is not known: bind no driver and let pciroom "
		       "measure it" },
	{ .name = "apertures that were not recorded are not guessed",
		.machine =
			"kernel 6.1.0\nroot 0000:00-ff\n"
			"00:02.0 bridge 01-01 root-port mem=80000000-800fffff\n"
			"01:00.0 dev 1b36:0005 bar0=mem:100000@forgotten bar1=mem:1000@80000000\n",
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_UNKNOWN,
		.why = "" },
	{ .name = "a sibling's I/O that the kernel took away comes back",
		.machine = ROBBED(""),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; remove 01:00.0; rescan 00:02.0; expect" },
	{ .name = "a second I/O window wants a larger one above: one level up at the same price",
		.machine = ROBBED("bar1=io:100@forgotten"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "a new card's I/O is not worth the restart of a driver, and is said to be left",
		.machine = ROOMY(DEAD_256M " bar1=io:100@forgotten", "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "remove 02:00.0; rescan 02:01.0; expect",
		.left = "03:00.0 BAR 1; " },
	{ .name = "a new card's I/O is worth moving what nobody uses",
		.machine = ROOMY(DEAD_256M " bar1=io:100@forgotten", ""),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "I/O alone is wished for, not dead",
		.machine = ROOMY("bar1=io:100@forgotten", "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_NOTHING },
	{ .name = "I/O asked for by name is planned",
		.machine = ROOMY("bar1=io:100@forgotten", "driver=e1000e"),
		.targets = "03:00.0",
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "the memory of a card does not wait for I/O that nobody has",
		.machine =
			"kernel 6.1.0\nroot 0000:00-ff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
			"00:02.0 bridge 01-01 root-port hotplug mem=fe000000-fe0fffff driver=pcieport\n"
			"01:00.0 dev 1b36:0005 bar0=mem:1000000@forgotten bar1=io:100@released\n",
		.limit = PR_DISRUPTION_RESTART,
		.steps = "remove 00:02.0; rescan root 00; expect",
		.left = "01:00.0 BAR 1; " },
	{ .name = "what the kernel still knows and has room for only needs a rescan",
		.machine = SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@unassigned"),
		.limit = PR_DISRUPTION_FREE,
		.steps = "rescan 01:00.0; expect" },
	{ .name = "a rescan that hands addresses to a bound driver makes it let go first",
		.machine = SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@unassigned driver=x"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 01:00.0; rescan 01:00.0; expect" },
	{ .name = "and is refused where drivers must not be restarted",
		.machine = SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@unassigned driver=x"),
		.limit = PR_DISRUPTION_FREE,
		.verdict = PR_VERDICT_TOO_DISRUPTIVE,
		.steps = "unbind 01:00.0; rescan 01:00.0; expect",
		.why = "a driver is bound" },
	{ .name = "a pinned function's driver is not made to let go",
		.machine = SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@unassigned driver=x"),
		.pin = "0000:01:00.0",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_VETOED,
		.steps = "unbind 01:00.0; rescan 01:00.0; expect",
		.why = "0000:01:00.0 would have to be taken away" },
	{ .name = "the last function of a bus: the rescan goes through the bridge above",
		.machine = SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@forgotten"),
		.limit = PR_DISRUPTION_FREE,
		.steps = "remove 01:00.0; rescan 00:02.0; expect" },
	{ .name = "all functions of a card go together",
		.machine = SINGLE("mem=fe000000-fe3fffff",
			"dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@forgotten\n"
			"01:00.1 dev 1b36:0005 bar0=mem:1000@fe001000 driver=snd_hda_intel"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 01:00.1; remove 01:00.0; remove 01:00.1; rescan 00:02.0; expect" },
	{ .name = "a dead card on the root bus stays where it is",
		.machine =
			"kernel 6.1.0\n" ROOT "00:03.0 dev 1b36:0005 bar0=mem:100000@forgotten\n",
		.limit = PR_DISRUPTION_IN_USE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "0000:00:03.0 cannot be taken away: sits directly on the host bridge" },
	{ .name = "on the root bus a rescan is enough for what the kernel still knows",
		.machine =
			"kernel 6.1.0\n" ROOT "00:03.0 dev 1b36:0005 bar0=mem:100000@unassigned\n",
		.limit = PR_DISRUPTION_FREE,
		.steps = "rescan 00:03.0; expect" },
	{ .name = "a bridge whose register lost its window gets it back",
		.machine = "kernel 7.2.0\n" ROOT DISK
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe0fffff regs-mem=closed "
			   "driver=pcieport\n"
			   "01:00.0 dev 8086:10d3 bar0=mem:20000@fe000000\n",
		.limit = PR_DISRUPTION_RESTART,
		.steps = "write 00:02.0; expect" },
	{ .name = "in lockdown it is enumerated again",
		.machine = "kernel 7.2.0\nlockdown integrity\n" ROOT DISK
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe0fffff regs-mem=closed "
			   "driver=pcieport\n"
			   "01:00.0 dev 8086:10d3 bar0=mem:20000@fe000000\n",
		.limit = PR_DISRUPTION_RESTART,
		.steps = "remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "as in K5: windows of every kind, an empty port's too, and the driver behind them lets go",
		.machine = "kernel 6.1.0\n" ROOT DISK
			   "00:02.0 bridge 01-04 root-port io=c000-cfff mem=fe000000-fe3fffff "
			   "pref64=800000000-8001fffff driver=pcieport\n"
			   "01:00.0 bridge 02-04 upstream io=c000-cfff regs-io=closed "
			   "mem=fe000000-fe3fffff regs-mem=closed pref64=800000000-8001fffff "
			   "regs-pref=closed driver=pcieport\n"
			   "02:00.0 bridge 03-03 downstream hotplug mem=fe200000-fe3fffff "
			   "regs-mem=closed driver=pcieport\n"
			   "02:01.0 bridge 04-04 downstream io=c000-cfff regs-io=closed "
			   "mem=fe000000-fe1fffff regs-mem=closed driver=pcieport\n"
			   "04:00.0 dev 8086:10d3 bar0=mem:20000@fe000000 bar2=io:20@c000 "
			   "bar3=pref64:100000@800000000 driver=e1000e\n",
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; write 01:00.0; write 01:00.0; write 01:00.0; "
			 "write 01:00.0; write 01:00.0; write 02:01.0; write 02:01.0; "
			 "write 02:00.0; expect" },
	{ .name = "what lacks addresses besides is not mended by a register",
		.machine =
			"kernel 6.1.0\n" ROOT DISK
			"00:02.0 bridge 01-01 root-port mem=fe000000-fe3fffff regs-mem=closed "
			"driver=pcieport\n"
			"01:00.0 dev 8086:10d3 bar0=mem:20000@fe000000 bar1=mem:100000@forgotten\n",
		.limit = PR_DISRUPTION_RESTART,
		.steps = "remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "a window nobody uses may disagree",
		.machine = "kernel 7.2.0\n" ROOT DISK
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe0fffff regs-mem=closed "
			   "driver=pcieport\n",
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_NOTHING },
	{ .name = "an idle port in the way moves along",
		.machine =
			"kernel 6.12.0\n" ROOT DISK
			"00:02.0 bridge 01-05 root-port mem=fe000000-fe2fffff driver=pcieport\n"
			"01:00.0 bridge 02-05 upstream mem=fe000000-fe2fffff driver=pcieport\n"
			"02:00.0 bridge 03-03 downstream mem=fe000000-fe0fffff driver=pcieport\n"
			"02:01.0 bridge 04-04 downstream mem=fe100000-fe1fffff driver=pcieport\n"
			"02:02.0 bridge 05-05 downstream mem=fe200000-fe2fffff driver=pcieport\n"
			"03:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@forgotten\n"
			"05:00.0 dev 8086:10d3 bar0=mem:20000@fe200000 driver=e1000e\n",
		.limit = PR_DISRUPTION_FREE,
		.steps = "remove 02:00.0; remove 02:01.0; rescan 02:02.0; expect" },
	{ .name = "of the siblings only those go along that have to",
		.machine =
			"kernel 6.12.0\n" ROOT DISK
			"00:02.0 bridge 01-06 root-port mem=fe000000-fe3fffff driver=pcieport "
			"\n"
			"01:00.0 bridge 02-06 upstream mem=fe000000-fe3fffff driver=pcieport\n"
			"02:00.0 bridge 03-03 downstream mem=fe000000-fe0fffff driver=pcieport\n"
			"02:01.0 bridge 04-04 downstream mem=fe100000-fe1fffff driver=pcieport\n"
			"02:02.0 bridge 05-05 downstream mem=fe200000-fe2fffff driver=pcieport\n"
			"02:03.0 bridge 06-06 downstream mem=fe300000-fe3fffff driver=pcieport\n"
			"03:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:100000@forgotten\n"
			"05:00.0 dev 8086:10d3 bar0=mem:20000@fe200000 driver=e1000e\n"
			"06:00.0 dev 8086:10d3 bar0=mem:20000@fe300000\n",
		.limit = PR_DISRUPTION_FREE,
		.steps = "remove 02:00.0; remove 02:01.0; rescan 02:02.0; expect" },
	{ .name = "two neighbours are needed, and a third that is as idle stays",
		.machine =
			"kernel 7.2.0\n" ROOT DISK
			"00:02.0 bridge 01-06 root-port mem=fe000000-fe3fffff driver=pcieport\n"
			"01:00.0 bridge 02-06 upstream mem=fe000000-fe3fffff driver=pcieport\n"
			"02:00.0 bridge 03-03 downstream mem=fe000000-fe0fffff driver=pcieport\n"
			"02:01.0 bridge 04-04 downstream mem=fe100000-fe1fffff driver=pcieport\n"
			"02:02.0 bridge 05-05 downstream mem=fe200000-fe2fffff driver=pcieport\n"
			"02:03.0 bridge 06-06 downstream mem=fe300000-fe3fffff driver=pcieport\n"
			"03:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 bar1=mem:200000@forgotten\n"
			"06:00.0 dev 8086:10d3 bar0=mem:20000@fe300000\n",
		.limit = PR_DISRUPTION_FREE,
		.steps = "remove 02:00.0; remove 02:01.0; remove 02:02.0; rescan 02:03.0; expect" },
	{ .name = "drivers let go from the leaves upwards",
		.machine = PACKED(
			"6.1.0", DEAD_256M, "driver=e1000e\n01:00.1 dev 10b5:87d0 driver=plx_dma"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "unbind 04:00.0; unbind 01:00.1; remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "two dead cards below one switch: one level serves both",
		.machine = PACKED("6.1.0", DEAD_256M, "bar4=pref64:10000000@forgotten"),
		.limit = PR_DISRUPTION_RESTART,
		.steps = "remove 00:02.0; rescan 00:1f.2; expect" },
	{ .name = "two dead cards below two root ports: one rescan after both",
		.machine =
			"kernel 6.1.0\n" ROOT DISK
			"00:02.0 bridge 01-01 root-port mem=fe000000-fe0fffff driver=pcieport\n"
			"00:03.0 bridge 02-02 root-port mem=fe100000-fe1fffff driver=pcieport\n"
			"01:00.0 dev 1b36:0005 bar0=mem:1000000@forgotten bar1=mem:1000@fe000000\n"
			"02:00.0 dev 1b36:0005 bar0=mem:1000000@forgotten bar1=mem:1000@fe100000\n",
		.limit = PR_DISRUPTION_FREE,
		.steps = "remove 00:02.0; remove 00:03.0; rescan 00:1f.2; expect" },
	{ .name = "two dead cards at different levels: each bus by itself",
		.machine =
			"kernel 6.1.0\n" ROOT DISK
			"00:02.0 bridge 01-03 root-port mem=fe000000-fe2fffff driver=pcieport\n"
			"00:03.0 bridge 04-04 root-port mem=fe300000-fe3fffff driver=pcieport\n"
			"01:00.0 bridge 02-03 upstream mem=fe000000-fe2fffff driver=pcieport\n"
			"02:00.0 bridge 03-03 downstream mem=fe000000-fe0fffff driver=pcieport\n"
			"03:00.0 dev 1b36:0005 bar0=mem:100000@forgotten bar1=mem:1000@fe000000\n"
			"04:00.0 dev 1b36:0005 bar0=mem:1000000@forgotten bar1=mem:1000@fe300000\n",
		.limit = PR_DISRUPTION_FREE,
		.steps = "remove 02:00.0; rescan 01:00.0; remove 00:03.0; rescan 00:02.0; expect" },
	{ .name = "two host bridges: each root bus by itself",
		.machine =
			"kernel 6.1.0\n" ROOT DISK "root 0000:80-ff mem=b0000000-bfffffff\n"
			"00:02.0 bridge 01-01 root-port mem=fe000000-fe0fffff driver=pcieport\n"
			"01:00.0 dev 1b36:0005 bar0=mem:1000000@forgotten bar1=mem:1000@fe000000\n"
			"80:02.0 bridge 81-81 root-port mem=b0000000-b00fffff driver=pcieport\n"
			"81:00.0 dev 1b36:0005 bar0=mem:1000000@forgotten bar1=mem:1000@b0000000\n",
		.limit = PR_DISRUPTION_FREE,
		.steps = "remove 00:02.0; rescan 00:1f.2; remove 80:02.0; rescan root 80; expect" },
	{ .name = "what cannot be mended does not keep the rest from it",
		.machine =
			"kernel 6.1.0\n" ROOT DISK
			"00:02.0 bridge 01-01 root-port mem=fe000000-fe0fffff driver=pcieport\n"
			"00:03.0 bridge 02-02 root-port mem=fe100000-fe1fffff driver=pcieport\n"
			"01:00.0 dev 1b36:0005 bar0=mem:80000000@forgotten bar1=mem:1000@fe000000\n"
			"02:00.0 dev 1b36:0005 bar0=mem:1000000@forgotten bar1=mem:1000@fe100000\n",
		.limit = PR_DISRUPTION_FREE,
		.steps = "remove 00:03.0; rescan 00:02.0; expect",
		.left = "01:00.0 BAR 0; " },
	{ .name = "what was asked for by name is mended whole or not at all",
		.machine =
			"kernel 6.1.0\n" ROOT DISK
			"00:02.0 bridge 01-01 root-port mem=fe000000-fe0fffff driver=pcieport\n"
			"00:03.0 bridge 02-02 root-port mem=fe100000-fe1fffff driver=pcieport\n"
			"01:00.0 dev 1b36:0005 bar0=mem:80000000@forgotten bar1=mem:1000@fe000000\n"
			"02:00.0 dev 1b36:0005 bar0=mem:1000000@forgotten bar1=mem:1000@fe100000\n",
		.targets = "01:00.0 02:00.0",
		.limit = PR_DISRUPTION_FREE,
		.verdict = PR_VERDICT_INFEASIBLE,
		.why = "BAR 0 of 0000:01:00.0 needs 2 GiB of 32-bit memory" },
	{ .name = "a pci= option that cannot be understood forbids predictions",
		.machine = "cmdline pci=hpmmiosize=\n" PACKED("6.1.0", DEAD_256M, "driver=e1000e"),
		.limit = PR_DISRUPTION_RESTART,
		.verdict = PR_VERDICT_UNKNOWN,
		.why = "a pci= option on the kernel command line" },
};

struct text {
	char data[1024];
	size_t n;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->data + t->n, sizeof(t->data) - t->n, format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(t->data) - t->n);
	t->n += (size_t)n;
}

/* Without the domain: the machines have one. */
static void add_address(struct text *t, const struct pr_address *a)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(a, address);
	add(t, "%s", address + strlen("0000:"));
}

static void add_step(struct text *t, const struct pr_step *s)
{
	add(t, "%s%s", t->n > 0 ? "; " : "", pr_step_name(s->kind));
	if (s->kind == PR_STEP_EXPECT)
		return;
	if (s->root_bus) {
		add(t, " root %02x", s->address.bus);
		return;
	}
	add(t, " ");
	add_address(t, &s->address);
}

static void assert_steps(const struct pr_plan *p, const char *expect)
{
	struct text text = { 0 };

	for (size_t i = 0; i < p->n_steps; i++)
		add_step(&text, &p->steps[i]);
	assert_string_equal(text.data, expect ? expect : "");
}

static void assert_left(const struct pr_plan *p, const char *expect)
{
	struct text text = { 0 };

	for (size_t i = 0; i < p->n_left; i++) {
		add_address(&text, &p->left[i].function->address);
		add(&text, " %s; ", pr_resource_name(p->left[i].resource->index));
	}
	assert_string_equal(text.data, expect ? expect : "");
}

/* "ADDRESS=N", or NULL for none. */
static size_t parse_wish(const char *text, struct pr_vf_wish *ret)
{
	char address[PR_ADDRESS_MAX];

	if (!text)
		return 0;
	assert_int_equal(sscanf(text, "%19[^=]=%u", address, &ret->vfs), 2);
	assert_true(pr_address_parse(address, &ret->function));
	return 1;
}

static size_t parse_targets(const char *text, struct pr_address *ret, size_t max)
{
	char copy[128], *save = NULL;
	size_t n = 0;

	(void)snprintf(copy, sizeof(copy), "%s", text ? text : "");
	for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
		assert_true(n < max);
		assert_true(pr_address_parse(s, &ret[n++]));
	}
	return n;
}

static void assert_why(const char *why, const char *expect)
{
	if (!expect) {
		assert_null(why);
		return;
	}
	assert_non_null(why);
	if (!strstr(why, expect))
		fail_msg("\"%s\" is not in \"%s\"", expect, why);
}

static void test_plan(void **state)
{
	const struct plan_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);
	const struct pr_policy policy = {
		.limit = c->limit, .pinned = &c->pin, .n_pinned = c->pin != NULL
	};
	struct pr_address targets[4];
	struct pr_vf_wish wish;
	struct pr_request request = { .targets = targets };
	char why[256] = "";
	struct pr_plan *p;

	request.n_targets = parse_targets(c->targets, targets, ARRAY_SIZE(targets));
	request.n_vfs = parse_wish(c->vfs, &wish);
	request.vfs = &wish;
	assert_int_equal(pr_plan_make(t, &request, &policy, &p), 0);
	if (p->verdict != c->verdict)
		fail_msg("%s: %s", pr_verdict_name(p->verdict), p->why ? p->why : "no reason");
	assert_steps(p, c->steps);
	assert_left(p, c->left);
	assert_why(p->why, c->why);
	/* of virtual functions that no room would give there is none */
	assert_true(p->certificate ? c->verdict == PR_VERDICT_INFEASIBLE
				   : c->vfs || c->verdict != PR_VERDICT_INFEASIBLE);
	assert_int_equal(p->generation, t->generation);
	assert_int_equal(strlen(p->id), 16);
	assert_int_equal(p->prediction != NULL, c->steps != NULL);
	assert_int_equal(pr_plan_check(p, &policy, why, sizeof(why)), c->verdict != PR_VERDICT_OK);

	pr_plan_free(p);
	pr_topology_free(t);
}

static struct pr_plan *plan_for(const struct pr_topology *t, const char *target, int expect)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	struct pr_request request = { 0 };
	struct pr_plan *p = NULL;
	struct pr_address a;

	if (target) {
		assert_true(pr_address_parse(target, &a));
		request = (struct pr_request){ .targets = &a, .n_targets = 1 };
	}
	assert_int_equal(pr_plan_make(t, &request, &policy, &p), expect);
	return p;
}

/* With next to no budget: what was likely to help is there, and a bound that holds. */
static void test_budget(void **state)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	const struct pr_request request = { .budget = 1 };
	struct pr_topology *t = machine_build(PACKED("6.1.0", DEAD_256M, "driver=e1000e"));
	struct pr_plan *full = plan_for(t, NULL, 0), *cut;

	(void)state;
	assert_int_equal(pr_plan_make(t, &request, &policy, &cut), 0);
	assert_int_equal(cut->verdict, PR_VERDICT_OK);
	assert_string_equal(cut->id, full->id);
	assert_true(full->proven);
	assert_false(cut->proven);
	assert_true(pr_cost_compare(&cut->bound, &full->cost) <= 0);
	assert_true(cut->n_simulated <= full->n_simulated);
	pr_plan_free(cut);
	pr_plan_free(full);
	pr_topology_free(t);
}

static void test_unknown_target(void **state)
{
	struct pr_topology *t = machine_build(PACKED("6.1.0", DEAD_256M, "driver=e1000e"));

	(void)state;
	assert_null(plan_for(t, "05:00.0", -ENOENT));
	pr_topology_free(t);
}

/* Same machine, same plan; another machine, another name. */
static void test_identity(void **state)
{
	struct pr_topology *t = machine_build(PACKED("6.1.0", DEAD_256M, "driver=e1000e"));
	struct pr_topology *u = machine_build(ROOMY(DEAD_256M, "driver=e1000e"));
	struct pr_plan *a = plan_for(t, NULL, 0), *b = plan_for(t, "03:00.0", 0),
		       *c = plan_for(u, NULL, 0);

	(void)state;
	assert_string_equal(a->id, b->id);
	assert_string_not_equal(a->id, c->id);
	pr_plan_free(a);
	pr_plan_free(b);
	pr_plan_free(c);
	pr_topology_free(t);
	pr_topology_free(u);
}

/* What is said about the plan beside its steps. */
static void test_details(void **state)
{
	struct pr_topology *t = machine_build(PACKED("6.1.0", DEAD_256M, "driver=e1000e"));
	struct pr_plan *p = plan_for(t, NULL, 0);
	size_t i = 0;

	(void)state;
	assert_int_equal(p->n_targets, 1);
	assert_ptr_equal(p->targets[0], machine_function(t, "03:00.0"));
	assert_int_equal(p->n_removed, 1);
	assert_ptr_equal(p->removed[0], machine_function(t, "00:02.0"));
	assert_int_equal(p->n_affected, 6);
	assert_ptr_equal(p->affected[0].function, machine_function(t, "00:02.0"));
	assert_int_equal(p->affected[0].disruption, PR_DISRUPTION_FREE);
	assert_ptr_equal(p->affected[5].function, machine_function(t, "04:00.0"));
	assert_int_equal(p->affected[5].disruption, PR_DISRUPTION_RESTART);
	assert_int_equal(p->cost.in_use, 0);
	assert_int_equal(p->cost.restarted, 1);
	assert_int_equal(p->cost.removed, 6);
	assert_int_equal(p->cost.steps, p->n_steps);
	assert_string_equal(p->steps[0].driver, "e1000e");
	assert_string_equal(p->steps[0].path, "0000:00/02.0/00.0/01.0/00.0");
	assert_int_equal(p->explanation.n_shortages, 1);
	assert_ptr_equal(p->explanation.shortages[0].choke->bridge, machine_function(t, "00:02.0"));
	assert_false(p->attempts[0].good);
	while (i < p->n_attempts && !p->attempts[i].good)
		i++;
	assert_true(i < p->n_attempts);
	assert_null(p->attempts[i].why);
	assert_true(p->proven);
	assert_int_equal(pr_cost_compare(&p->bound, &p->cost), 0);
	assert_true(p->n_simulated > 0);
	pr_plan_free(p);
	pr_plan_free(NULL);
	pr_topology_free(t);
}

/* The first difference decides, whatever follows. */
static void test_cost(void **state)
{
	const struct pr_cost rows[] = {
		{ .steps = 1 },
		{ .steps = 9 },
		{ .removed = 1 },
		{ .armed = 1 },
		{ .renumbered = 1 },
		{ .restarted = 1 },
		{ .in_use = 1 },
		{ .in_use = 1, .steps = 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t j = 0; j < ARRAY_SIZE(rows); j++)
			assert_int_equal(
				pr_cost_compare(&rows[i], &rows[j]), i == j ? 0 : (i < j ? -1 : 1));
}

static const struct CMUnitTest others[] = {
	{ .name = "a target that is not there is an error", .test_func = test_unknown_target },
	{ .name = "a budget ends the search, and the plan says so", .test_func = test_budget },
	{ .name = "the name of a plan is its content", .test_func = test_identity },
	{ .name = "affected, cost, targets and explanation of a plan", .test_func = test_details },
	{ .name = "costs are lexicographic", .test_func = test_cost },
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_plan);
	ADD_TESTS(&tests, others);

	return rows_run(&tests, "plan");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel model: a machine, actions, and what is where afterwards.  Rows
 * marked "as measured" are layouts of real kernels; the others pin one rule.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "pciroom/kernel.h"
#include "rows.h"
#include "two-slots.h"

#define MAX_ACTIONS 8

/*
 * @actions: "remove 00:02.0; rescan root; write 00:02.0 18.4=201000; plug 02:00.0;
 * plug-acpi 01:00.0 3" (the device number); the verbs are in a table below.
 * @expect: lines "ADDRESS WHAT VALUE"; WHAT is bar0-5, rom, vf0-5, io, mem,
 * pref, reg-io, reg-mem, reg-pref, bus, is; VALUE is FIRST-LAST (bus: hex
 * numbers), unassigned, forgotten, closed, and for "is": here, gone, no-bus.
 * @result 1: @expect is part of the doubt.
 */
struct kernel_case {
	const char *name, *machine, *actions, *expect;
	int result;
};

/*
 * A switch whose windows are packed below a root port, 32 GiB free above 4
 * GiB; the newcomer is at 03:00.0.
 */
#define PACKED(release)                                                                       \
	"kernel " release "\n"                                                                \
	"root 0000:00-ff io=1000-ffff mem=40000000-afffffff mem=c0000000-febfffff "           \
	"mem=100000000-8ffffffff\n"                                                           \
	"00:02.0 bridge 01-04 root-port hotplug io=c000-cfff mem=fe000000-fe5fffff "          \
	"pref64=fc000000-fc5fffff driver=pcieport\n"                                          \
	"01:00.0 bridge 02-04 upstream io=c000-cfff mem=fe000000-fe5fffff "                   \
	"pref64=fc000000-fc5fffff driver=pcieport\n"                                          \
	"02:00.0 bridge 03-03 downstream hotplug mem=fe000000-fe1fffff "                      \
	"pref64=fc000000-fc1fffff driver=pcieport\n"                                          \
	"02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe200000-fe5fffff "         \
	"pref64=fc200000-fc5fffff driver=pcieport\n"                                          \
	"03:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 bar2=pref64:10000000@forgotten\n"       \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe200000 bar1=mem:20000@fe220000 " \
	"bar2=io:20@c000 bar3=mem:4000@fe240000 rom=40000@fe280000 driver=e1000e\n"

/* A card of 256 MiB was hot-added below a switch; its sibling lost its I/O in the attempt. */
#define HOT_ADDED(release)                                               \
	"kernel " release "\n" Q35                                       \
	"00:02.0 bridge 01-04 root-port hotplug bar0=mem:1000@fea00000 " \
	"io=c000-cfff mem=fe600000-fe9fffff pref64=f4000000-fbffffff "   \
	"driver=pcieport\n"                                              \
	"00:1f.2 dev 8086:2922 class=010601 bar4=io:20@d040 "            \
	"bar5=mem:1000@fea01000\n"                                       \
	"01:00.0 bridge 02-04 upstream mem=fe600000-fe9fffff "           \
	"pref64=f4000000-fbffffff driver=pcieport\n"                     \
	"02:00.0 bridge 03-03 downstream hotplug mem=fe800000-fe9fffff " \
	"pref64=f4000000-f7ffffff driver=pcieport\n"                     \
	"02:01.0 bridge 04-04 downstream hotplug mem=fe600000-fe7fffff " \
	"driver=pcieport\n"                                              \
	"03:00.0 dev 1b36:0005 class=00ff00 bar0=mem:1000@fe800000 "     \
	"bar1=io:100@unassigned bar2=pref64:4000000@f4000000\n"          \
	"04:00.0 dev 1b36:0005 class=00ff00 bar0=mem:1000@fe600000 "     \
	"bar1=io:100@forgotten bar2=pref64:10000000@forgotten\n"

/* Since 6.18 no table shows what the first port asks for; the other two have all the I/O there is. */
#define IO_WITHOUT_ROOM                                                                       \
	"kernel 7.3.0\nroot 0000:00-ff io=1000-2fff mem=fe800000-febfffff\n"                  \
	"00:02.0 bridge 01-01 root-port hotplug mem=fea00000-febfffff driver=pcieport\n"      \
	"00:03.0 bridge 02-02 root-port io=1000-1fff mem=fe800000-fe8fffff driver=pcieport\n" \
	"00:04.0 bridge 03-03 root-port io=2000-2fff driver=pcieport\n"                       \
	"02:00.0 dev 1:2 bar0=io:100@1000 bar1=mem:1000@fe800000\n"                           \
	"03:00.0 dev 1:2 bar0=io:100@2000\n"

/* A switch with a network card and two empty ports. */
#define EMPTY_PORTS(release)                                               \
	"kernel " release "\n" Q35                                         \
	"00:02.0 bridge 01-05 root-port hotplug bar0=mem:1000@fe400000 "   \
	"io=c000-cfff mem=fde00000-fe3fffff pref64=fe600000-febfffff "     \
	"driver=pcieport\n"                                                \
	"00:1f.2 dev 8086:2922 class=010601 bar4=io:20@d040 "              \
	"bar5=mem:1000@fe401000\n"                                         \
	"01:00.0 bridge 02-05 upstream io=c000-cfff "                      \
	"mem=fde00000-fe3fffff pref64=fe600000-febfffff driver=pcieport\n" \
	"02:00.0 bridge 03-03 downstream hotplug io=c000-cfff "            \
	"mem=fe200000-fe3fffff pref64=fea00000-febfffff driver=pcieport\n" \
	"02:01.0 bridge 04-04 downstream hotplug mem=fe000000-fe1fffff "   \
	"pref64=fe800000-fe9fffff driver=pcieport\n"                       \
	"02:02.0 bridge 05-05 downstream hotplug mem=fde00000-fdffffff "   \
	"pref64=fe600000-fe7fffff driver=pcieport\n"                       \
	"03:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe240000 "      \
	"bar1=mem:20000@fe260000 bar2=io:20@c000 bar3=mem:4000@fe280000 "  \
	"rom=40000@fe200000\n"

/* NVMe with four VFs of 16 KiB each. */
#define WITH_VFS(release)                                                \
	"kernel " release "\n" Q35                                       \
	"00:02.0 bridge 01-01 root-port hotplug bar0=mem:1000@fe800000 " \
	"io=1000-1fff mem=fe600000-fe7fffff pref64=fea00000-febfffff "   \
	"driver=pcieport\n"                                              \
	"00:1f.2 dev 8086:2922 class=010601 bar4=io:20@c040 "            \
	"bar5=mem:1000@fe801000\n"                                       \
	"01:00.0 dev 1b36:0010 class=010802 bar0=mem64:4000@fe600000 "   \
	"vfbar0=mem64:4000@fe604000 vfs=4\n"

/* Two empty root ports. */
#define TWO_PORTS(release)                                               \
	"kernel " release "\n" Q35                                       \
	"00:02.0 bridge 01-01 root-port hotplug bar0=mem:1000@fe600000 " \
	"io=1000-1fff mem=fe400000-fe5fffff pref64=fea00000-febfffff "   \
	"driver=pcieport\n"                                              \
	"00:03.0 bridge 02-02 root-port hotplug bar0=mem:1000@fe601000 " \
	"io=2000-2fff mem=fe200000-fe3fffff pref64=fe800000-fe9fffff "   \
	"driver=pcieport\n"                                              \
	"00:1f.2 dev 8086:2922 class=010601 bar4=io:20@c040 "            \
	"bar5=mem:1000@fe602000\n"

/* A root port with spare bus numbers, a switch that uses few of them. */
#define SPARE_BUSES(release)                                               \
	"kernel " release "\n" Q35                                         \
	"00:02.0 bridge 01-15 root-port hotplug bar0=mem:1000@fe600000 "   \
	"io=c000-cfff mem=fe200000-fe5fffff pref64=fe800000-febfffff "     \
	"driver=pcieport\n"                                                \
	"00:1f.2 dev 8086:2922 class=010601 bar4=io:20@d040 "              \
	"bar5=mem:1000@fe601000\n"                                         \
	"01:00.0 bridge 02-04 upstream io=c000-cfff "                      \
	"mem=fe200000-fe5fffff pref64=fe800000-febfffff driver=pcieport\n" \
	"02:00.0 bridge 03-03 downstream hotplug io=c000-cfff "            \
	"mem=fe400000-fe5fffff pref64=fea00000-febfffff driver=pcieport\n" \
	"02:01.0 bridge 04-04 downstream hotplug mem=fe200000-fe3fffff "   \
	"pref64=fe800000-fe9fffff driver=pcieport\n"                       \
	"03:00.0 dev 1b36:0005 class=00ff00 bar0=mem:1000@fe400000 "       \
	"bar1=io:100@c000 bar2=pref64:100000@fea00000\n"

/* Nested switches, packed, and a card of 512 MiB hot-added. */
#define NESTED(release)                                                  \
	"kernel " release "\n" Q35                                       \
	"00:02.0 bridge 01-08 root-port hotplug bar0=mem:1000@fea00000 " \
	"io=c000-efff mem=fe200000-fe9fffff pref64=ec000000-fbffffff "   \
	"driver=pcieport\n"                                              \
	"00:1f.2 dev 8086:2922 class=010601 bar4=io:20@f040 "            \
	"bar5=mem:1000@fea01000\n"                                       \
	"01:00.0 bridge 02-08 upstream mem=fe200000-fe9fffff "           \
	"pref64=ec000000-fbffffff driver=pcieport\n"                     \
	"02:00.0 bridge 03-06 downstream hotplug mem=fe200000-fe5fffff " \
	"pref64=ec000000-f3ffffff driver=pcieport\n"                     \
	"02:01.0 bridge 07-07 downstream hotplug mem=fe800000-fe9fffff " \
	"pref64=f4000000-f7ffffff driver=pcieport\n"                     \
	"02:02.0 bridge 08-08 downstream hotplug mem=fe600000-fe7fffff " \
	"driver=pcieport\n"                                              \
	"03:00.0 bridge 04-06 upstream mem=fe200000-fe5fffff "           \
	"pref64=ec000000-f3ffffff driver=pcieport\n"                     \
	"04:00.0 bridge 05-05 downstream hotplug mem=fe400000-fe5fffff " \
	"pref64=ec000000-efffffff driver=pcieport\n"                     \
	"04:01.0 bridge 06-06 downstream hotplug mem=fe200000-fe3fffff " \
	"pref64=f0000000-f01fffff driver=pcieport\n"                     \
	"05:00.0 dev 1b36:0005 class=00ff00 bar0=mem:1000@fe400000 "     \
	"bar1=io:100@unassigned bar2=pref64:4000000@ec000000\n"          \
	"06:00.0 dev 1b36:0005 class=00ff00 bar0=mem:1000@fe200000 "     \
	"bar1=io:100@unassigned bar2=pref64:100000@f0000000\n"           \
	"07:00.0 dev 1b36:0005 class=00ff00 bar0=mem:1000@fe800000 "     \
	"bar1=io:100@unassigned bar2=pref64:4000000@f4000000\n"          \
	"08:00.0 dev 1b36:0005 class=00ff00 bar0=mem:1000@fe600000 "     \
	"bar1=io:100@forgotten bar2=pref64:20000000@forgotten\n"

/* A conventional bus with two cards, one with a ROM. */
#define CONVENTIONAL(release)                                            \
	"kernel " release "\n" Q35                                       \
	"00:02.0 bridge 01-02 root-port hotplug bar0=mem:1000@fea00000 " \
	"io=c000-cfff mem=fe600000-fe9fffff pref64=fe000000-fe3fffff "   \
	"driver=pcieport\n"                                              \
	"00:1f.2 dev 8086:2922 class=010601 bar4=io:20@d040 "            \
	"bar5=mem:1000@fea01000\n"                                       \
	"01:00.0 bridge 02-02 pcie-to-pci bar0=mem64:100@fe800000 "      \
	"io=c000-cfff mem=fe600000-fe7fffff pref64=fe000000-fe3fffff "   \
	"driver=shpchp\n"                                                \
	"02:01.0 dev 1b36:0005 class=00ff00 bar0=mem:1000@fe660000 "     \
	"bar1=io:100@c000 bar2=pref64:400000@fe000000\n"                 \
	"02:02.0 dev 8086:100e class=020000 bar0=mem:20000@fe640000 "    \
	"bar1=io:40@c100 rom=40000@fe600000\n"

/* A root port whose memory window the kernel took away. */
#define LOST_WINDOW(state)                                                        \
	"kernel 6.1.0\n" Q35 "00:02.0 bridge 01-01 root-port hotplug " state "\n" \
	"01:00.0 dev 1b36:0005 bar0=mem:1000@unassigned\n"

#define UNMEASURED                                                               \
	"kernel 6.1.0\n" Q35                                                     \
	"00:02.0 bridge 01-01 root-port mem=fe000000-fe1fffff driver=pcieport\n" \
	"01:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 bar2=pref64:10000000@forgotten?\n"

#define UNMEASURED_IO                                                            \
	"kernel 6.1.0\n" Q35                                                     \
	"00:02.0 bridge 01-01 root-port mem=fe000000-fe1fffff driver=pcieport\n" \
	"01:00.0 dev 8086:10d3 bar0=mem:1000@fe000000 bar2=io:20@forgotten?\n"

#define NEWCOMER "99:00.0 dev 1b36:0005 class=00ff00 newcomer parent=02:00.0 "

/* Two of four virtual functions, and where the BARs of all of them are. */
#define VIRTUAL(bars)                                                                           \
	"kernel 6.12.0\nroot 0000:00-ff mem=fe000000-fe2fffff\n"                                \
	"00:02.0 bridge 01-01 root-port mem=fe000000-fe2fffff driver=pcieport\n"                \
	"01:00.0 dev 1b36:0010 bar0=mem64:4000@fe100000 vfs=4 numvfs=2 vfbar0=mem64:4000@" bars \
	" driver=nvme\n"                                                                        \
	"01:00.1 dev 1b36:0010 vf-of=01:00.0 bar0=mem64:4000@fe110000\n"                        \
	"01:00.2 dev 1b36:0010 vf-of=01:00.0 bar0=mem64:4000@fe114000\n"

static const struct kernel_case cases[] = {
	{ .name = "a newcomer is nothing to the kernel until it is looked for",
		.machine = TWO_SLOTS("6.1.0") NEWCOMER "bar0=mem:1000@none\n",
		.actions = "",
		.expect = "99:00.0 is gone\n99:00.0 bar0 unassigned\n" },
	{ .name = "a rescan finds a newcomer too",
		.machine = TWO_SLOTS("6.1.0") NEWCOMER "bar0=mem:1000@none\n",
		.actions = "rescan root",
		.expect = "99:00.0 is here\n99:00.0 bar0 fe800000-fe800fff\n" },
	{ .name = "a card that fits is plugged in, and nothing else changes",
		.machine = TWO_SLOTS("6.1.0") NEWCOMER "bar0=mem:1000@none bar2=pref64:4000@none\n",
		.actions = "plug 02:00.0",
		.expect = "99:00.0 bar0 fe800000-fe800fff\n99:00.0 bar2 fe200000-fe203fff\n"
			  "02:01.0 reg-io c000-cfff\n04:00.0 bar2 c000-c01f\n" },
	{ .name = "as in K2: a card with I/O takes it away from its running neighbour",
		.machine = TWO_SLOTS("6.1.0") NEWCOMER
		"bar0=mem:1000@none bar1=io:100@none bar2=pref64:4000000@none\n",
		.actions = "plug 02:00.0",
		.expect = "99:00.0 bar0 fe800000-fe800fff\n99:00.0 bar1 forgotten\n"
			  "99:00.0 bar2 forgotten\n02:00.0 reg-pref closed\n"
			  "01:00.0 reg-io closed\n02:01.0 reg-io closed\n"
			  "04:00.0 bar2 unassigned\n04:00.0 bar0 fe640000-fe65ffff\n" },
	{ .name = "as in K3: the second attempt closes the memory of the running neighbour, 6.1",
		.machine = TWO_SLOTS("6.1.0") NEWCOMER "bar0=mem:4000000@none\n",
		.actions = "plug 02:00.0; remove 99:00.0; rescan-bus 02:00.0",
		.expect = "99:00.0 bar0 forgotten\n01:00.0 reg-mem closed\n"
			  "02:01.0 reg-mem closed\n04:00.0 bar0 unassigned\n" },
	{ .name = "as in K3: the second attempt closes the memory of the running neighbour, 7.3",
		.machine = TWO_SLOTS("7.3.0") NEWCOMER "bar0=mem:4000000@none\n",
		.actions = "plug 02:00.0; remove 99:00.0; rescan-bus 02:00.0",
		.expect = "99:00.0 bar0 forgotten\n01:00.0 reg-mem closed\n"
			  "02:01.0 reg-mem closed\n04:00.0 bar0 unassigned\n" },
	{ .name = "on 7.x even a card without I/O costs its neighbour's I/O",
		.machine = TWO_SLOTS("7.2.0") NEWCOMER "bar0=mem:1000@none bar2=pref64:4000@none\n",
		.actions = "plug 02:00.0",
		.expect = "99:00.0 bar0 fe800000-fe800fff\n99:00.0 bar2 fe200000-fe203fff\n"
			  "01:00.0 io closed\n01:00.0 reg-io closed\n02:01.0 reg-io closed\n"
			  "04:00.0 bar2 unassigned\n" },
	{ .name = "6.1 keeps the size of a window that it has taken away",
		.machine = TWO_SLOTS("6.1.0") NEWCOMER "bar1=io:100@none\n",
		.actions = "plug 02:00.0; unplug 02:00.0; rescan 02:00.0",
		.expect = "01:00.0 io closed\n02:01.0 io closed\n04:00.0 bar2 forgotten\n" },
	{ .name = "two bridges beside each other with one bus: nobody knows what answers",
		.machine = "kernel 6.1.0\n" Q35
			   "00:02.0 bridge 01-01 root-port mem=fe800000-fe8fffff driver=pcieport\n"
			   "00:03.0 bridge 02-02 root-port mem=fe900000-fe9fffff driver=pcieport\n"
			   "01:00.0 dev 1:2 bar0=mem:1000@fe800000\n"
			   "02:00.0 dev 1:2 bar0=mem:1000@fe900000\n",
		.actions = "remove 02:00.0; write 00:03.0 18.4=010100; remove 00:03.0; rescan root",
		.expect = "bus 01 is forwarded by two bridges beside each other",
		.result = 1 },
	{ .name = "a removed bridge with nothing behind it forwards its buses all the same",
		.machine = "kernel 6.1.0\n" Q35
			   "00:02.0 bridge 01-01 root-port mem=fe800000-fe8fffff driver=pcieport\n"
			   "00:03.0 bridge 02-04 root-port driver=pcieport\n"
			   "01:00.0 dev 1:2 bar0=mem:1000@fe800000\n",
		.actions = "remove 00:03.0; remove 01:00.0; write 00:02.0 18.4=040400; "
			   "remove 00:02.0; rescan root",
		.expect = "bus 04 is forwarded by two bridges beside each other",
		.result = 1 },
	{ .name = "a window that may ask for more than is known has room: no I/O beside it is promised",
		.machine = IO_WITHOUT_ROOM,
		.actions = "remove 00:03.0; rescan root",
		.expect = "00:02.0 io closed\n00:03.0 io closed\n02:00.0 bar0 forgotten\n"
			  "02:00.0 bar1 fe800000-fe800fff\n00:04.0 io 2000-2fff\n" },
	{ .name = "a window that may ask for more than is known has no room: nothing is unclear",
		.machine = IO_WITHOUT_ROOM,
		.actions = "remove 02:00.0; rescan root",
		.expect = "00:02.0 io closed\n02:00.0 bar0 1000-10ff\n" },
	{ .name = "who has I/O addresses is not known: later rescans promise none either",
		.machine = IO_WITHOUT_ROOM,
		.actions =
			"remove 00:03.0; rescan root; remove 00:02.0; remove 00:04.0; rescan root",
		.expect = "00:02.0 io closed\n00:04.0 io closed\n03:00.0 bar0 forgotten\n" },
	{ .name = "a window that may ask for more than is known, and a card below it: no I/O is promised",
		.machine = IO_WITHOUT_ROOM
		"01:00.0 dev 1:2 newcomer parent=00:02.0 bar0=io:100@none\n",
		.actions = "remove 00:03.0; plug 00:02.0",
		.expect = "00:02.0 io closed\n01:00.0 bar0 forgotten\n" },
	{ .name = "the card's memory has nothing to do with it",
		.machine = IO_WITHOUT_ROOM
		"01:00.0 dev 1:2 newcomer parent=00:02.0 bar0=io:100@none bar1=mem:1000@none\n",
		.actions = "remove 00:03.0; plug 00:02.0",
		.expect = "00:02.0 io closed\n01:00.0 bar0 forgotten\n"
			  "01:00.0 bar1 fea00000-fea00fff\n" },
	{ .name = "below a bridge that does not forward its bus nothing is found",
		.machine = "kernel 6.1.0\n" Q35
			   "00:02.0 bridge 01-01 root-port mem=fe800000-fe8fffff driver=pcieport\n"
			   "01:00.0 bridge 02-02 upstream mem=fe800000-fe8fffff driver=pcieport\n"
			   "99:00.0 dev 1:2 newcomer parent=01:00.0 bar0=mem:1000@none\n",
		.actions = "rescan root",
		.expect = "99:00.0 is gone\n" },
	{ .name = "firmware's overlapping bus numbers do no harm while nobody renumbers",
		.machine = "kernel 6.1.0\n" Q35
			   "00:02.0 bridge 01-03 root-port mem=fe800000-fe8fffff driver=pcieport\n"
			   "00:03.0 bridge 03-03 root-port mem=fe900000-fe9fffff driver=pcieport\n"
			   "01:00.0 dev 1:2 bar0=mem:1000@fe800000\n"
			   "03:00.0 dev 1:2 bar0=mem:1000@fe900000 parent=00:03.0\n",
		.actions = "remove 03:00.0; rescan root",
		.expect = "03:00.0 bar0 fe900000-fe900fff\n" },
	{ .name = "what lies below a subtractive bridge is in the way above it",
		.machine = "kernel 6.1.0\n" Q35
			   "00:1e.0 bridge 01-01 class=060401 mem=fe800000-fe8fffff driver=x\n"
			   "00:02.0 bridge 02-02 root-port driver=pcieport\n"
			   "01:00.0 dev 1:2 bar0=mem64:100@100000000\n"
			   "02:00.0 dev 1:2 bar0=pref64:100000@unassigned\n",
		.actions = "remove 00:02.0; rescan root",
		.expect = "02:00.0 bar0 100100000-1001fffff\n" },
	{ .name = "a function that reads all ones does not come back",
		.machine = "kernel 6.1.0\n" Q35 "00:05.0 dev ffff:ffff bar0=mem:1000@fe800000\n",
		.actions = "remove 00:05.0; rescan root",
		.expect = "00:05.0 is gone\n" },
	{ .name = "the next number is another host bridge's: the numbers go to the end of its buses",
		.machine = "kernel 6.1.0\nroot 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"
			   "root 0000:02-0f io=0-fff mem=70000000-7fffffff\n"
			   "00:02.0 bridge 01-01 root-port driver=pcieport\n"
			   "01:00.0 bridge none upstream newcomer parent=00:02.0\n"
			   "02:00.0 bridge 03-07 root-port driver=pcieport\n",
		.actions = "rescan root",
		.expect = "01:00.0 bus 02-07\n01:00.0 is no-bus\n" },
	{ .name = "a guest's further host bridge: numbers beyond those in use may not be its own",
		.machine =
			"kernel 6.1.0\nguest\nroot 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"
			"root 0000:40-? io=0-fff mem=70000000-7fffffff\n"
			"40:00.0 bridge 41-41 root-port driver=pcieport\n"
			"40:01.0 bridge 42-42 root-port driver=pcieport\n",
		.actions = "write 40:00.0 18.4=434340; remove 40:00.0; rescan 40:01.0",
		.expect = "whether bus 43 belongs to its host bridge is not known",
		.result = 1 },
	{ .name = "a guest's further host bridge: numbers in use are its own",
		.machine =
			"kernel 6.1.0\nguest\nroot 0000:00-ff io=1000-ffff mem=80000000-febfffff\n"
			"root 0000:40-? io=0-fff mem=70000000-7fffffff\n"
			"40:00.0 bridge 41-41 root-port driver=pcieport\n"
			"40:01.0 bridge 42-43 root-port driver=pcieport\n",
		.actions = "write 40:01.0 18.4=424240; write 40:00.0 18.4=434340; "
			   "remove 40:01.0; remove 40:00.0; rescan-all root",
		.expect = "40:00.0 bus 43-43\n40:01.0 bus 42-42\n" },
	{ .name = "pci=assign-busses: numbers that stay what they are change nothing",
		.machine = "cmdline pci=assign-busses\n" TWO_SLOTS("6.1.0"),
		.actions = "remove 02:01.0; rescan root",
		.expect = "02:01.0 bus 04-04\n04:00.0 is here\n" },
	{ .name = "pci=assign-busses: registers are not kept",
		.machine = "cmdline pci=assign-busses\nkernel 6.1.0\n" Q35
			   "00:02.0 bridge 10-1f root-port mem=fe800000-fe8fffff driver=pcieport\n"
			   "10:00.0 dev 1:2 bar0=mem:1000@fe800000\n",
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:02.0 bus 01-01\n10:00.0 is here\n" },
	{ .name = "pci=assign-busses: a bridge in use cannot change its bus",
		.machine = "cmdline pci=assign-busses\nkernel 6.1.0\n" Q35
			   "00:02.0 bridge 10-1f root-port mem=fe800000-fe8fffff driver=pcieport\n"
			   "10:00.0 dev 1:2 bar0=mem:1000@fe800000\n",
		.actions = "remove 10:00.0; rescan root",
		.expect = "gives it another bus while it is in use",
		.result = 1 },
	{ .name = "not on x86: whether bus numbers are kept depends on the host bridge",
		.machine = "arch aarch64\nkernel 6.1.0\n" Q35
			   "00:02.0 bridge 10-1f root-port mem=fe800000-fe8fffff driver=pcieport\n"
			   "10:00.0 dev 1:2 bar0=mem:1000@fe800000\n",
		.actions = "remove 00:02.0; rescan root",
		.expect = "keeps bus numbers is not known",
		.result = 1 },
	{ .name = "pci=nobar changes what a card asks for, how is not modelled",
		.machine = "cmdline pci=nobar\n" TWO_SLOTS("6.1.0"),
		.actions = "remove 04:00.0; rescan root",
		.expect = "changed by an option of pci=",
		.result = 1 },
	{ .name = "pci=resource_alignment=: memory BARs of the card get larger, those of I/O do not",
		.machine = "cmdline pci=resource_alignment=20@0000:04:00.0\n" TWO_SLOTS("6.1.0"),
		.actions = "remove 04:00.0; rescan root",
		.expect = "04:00.0 bar0 fe600000-fe6fffff\n04:00.0 bar2 c000-c01f\n" },
	{ .name = "resource_alignment of sysfs counts, not that of the command line",
		.machine = "cmdline pci=resource_alignment=20@0000:04:00.0\n"
			   "alignments 20@09:00.0\n" TWO_SLOTS("6.1.0"),
		.actions = "remove 04:00.0; rescan root",
		.expect = "04:00.0 bar0 fe600000-fe61ffff\n" },
	{ .name = "resource_alignment names a card by its place below ports",
		.machine = "alignments 20@00:03.0;21@00:02.0/00.0/01.0/00.0\n" TWO_SLOTS("7.3.0"),
		.actions = "remove 04:00.0; rescan root",
		.expect = "04:00.0 bar0 fe600000-fe7fffff\n" },
	{ .name = "resource_alignment names a card by its ids",
		.machine = "alignments pci:8086:1533,20@pci:8086:10d3\n" TWO_SLOTS("7.3.0"),
		.actions = "remove 04:00.0; rescan root",
		.expect = "04:00.0 bar0 fe600000-fe6fffff\n" },
	{ .name = "resource_alignment makes no BAR smaller",
		.machine = "alignments 04:00.0\n" TWO_SLOTS("6.1.0"),
		.actions = "remove 04:00.0; rescan root",
		.expect = "04:00.0 bar0 fe600000-fe61ffff\n" },
	{ .name = "resource_alignment with a text that only the kernel understands",
		.machine = "alignments 20@04:00.0/\n" TWO_SLOTS("6.1.0"),
		.actions = "remove 04:00.0; rescan root",
		.expect = "what resource_alignment= does to it is not known",
		.result = 1 },
	{ .name = "the windows of POWER are aligned by firmware",
		.machine = "arch ppc64le\n" TWO_SLOTS("6.1.0"),
		.actions = "remove 02:01.0; rescan root",
		.expect = "firmware aligns windows is not known",
		.result = 1 },
	{ .name = "a slot that holds a card is left alone",
		.machine = TWO_SLOTS("6.1.0") "99:00.1 dev 1b36:0005 newcomer parent=02:01.0 "
					      "bar0=mem:4000000@none\n",
		.actions = "plug 02:01.0",
		.expect = "99:00.1 is gone\n02:01.0 reg-mem fe600000-fe7fffff\n" },
	{ .name = "what was unplugged is not found",
		.machine = TWO_SLOTS("6.1.0"),
		.actions = "unplug 02:01.0; rescan root",
		.expect = "04:00.0 is gone\n" },
	{ .name = "what was unplugged is found when it is plugged in again",
		.machine = TWO_SLOTS("6.1.0"),
		.actions = "unplug 02:01.0; plug 02:01.0",
		.expect = "04:00.0 bar0 fe600000-fe61ffff\n04:00.0 bar2 c000-c01f\n" },
	{ .name = "as in K12: a switch comes, and no bus number is left for it",
		.machine =
			TWO_SLOTS("6.1.0") "99:00.0 bridge none upstream newcomer parent=02:00.0\n",
		.actions = "plug 02:00.0",
		.expect = "99:00.0 is no-bus\n" },
	{ .name = "without bus numbers what is behind a newcomer stays unknown",
		.machine = TWO_SLOTS(
			"6.1.0") "99:00.0 bridge none upstream newcomer parent=02:00.0\n"
				 "9a:00.0 dev 1:2 newcomer parent=99:00.0 bar0=mem:1000@none\n",
		.actions = "plug 02:00.0",
		.expect = "9a:00.0 is gone\n" },
	{ .name = "nothing is done to nothing",
		.machine = PACKED("6.1.0"),
		.actions = "",
		.expect = "03:00.0 bar2 forgotten\n00:02.0 pref fc000000-fc5fffff\n" },
	{ .name = "a forgotten BAR of a function that stays is not retried",
		.machine = PACKED("6.1.0"),
		.actions = "rescan root",
		.expect = "03:00.0 bar2 forgotten\n00:02.0 pref fc000000-fc5fffff\n" },
	{ .name = "a removed endpoint gains nothing in a window that stays",
		.machine = PACKED("6.1.0"),
		.actions = "remove 03:00.0; rescan 02:00.0",
		.expect = "03:00.0 bar2 forgotten\n03:00.0 bar0 fe000000-fe000fff\n"
			  "02:00.0 pref fc000000-fc1fffff\n" },
	{ .name = "removing the root port makes it fit on 6.1",
		.machine = PACKED("6.1.0"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "03:00.0 bar2 100000000-10fffffff\n" },
	{ .name = "removing the root port makes it fit on 6.12",
		.machine = PACKED("6.12.107"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "03:00.0 bar2 100000000-10fffffff\n" },
	{ .name = "removing the root port makes it fit on 7.2",
		.machine = PACKED("7.2.1"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "03:00.0 bar2 100000000-10fffffff\n" },
	{ .name = "an I/O BAR that was not measured counts as the largest that it may be",
		.machine = UNMEASURED_IO,
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:02.0 io 1000-1fff\n01:00.0 bar0 20000000-20000fff\n" },
	{ .name = "a removed function is gone until the rescan",
		.machine = PACKED("6.1.0"),
		.actions = "remove 02:01.0",
		.expect = "02:01.0 is gone\n04:00.0 is gone\n03:00.0 is here\n" },
	{ .name = "what is removed cannot be removed again",
		.machine = PACKED("6.1.0"),
		.actions = "remove 02:01.0; remove 04:00.0",
		.result = -22 },
	{ .name = "as measured on 6.1: root port removed after a failed hot-add",
		.machine = HOT_ADDED("6.1.0"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:02.0 bar0 20400000-20400fff\n"
			  "00:02.0 io 1000-2fff\n"
			  "00:02.0 mem 20000000-203fffff\n"
			  "00:02.0 pref 100000000-117ffffff\n"
			  "01:00.0 io 1000-2fff\n"
			  "01:00.0 mem 20000000-203fffff\n"
			  "01:00.0 pref 100000000-117ffffff\n"
			  "02:00.0 io 1000-1fff\n"
			  "02:00.0 mem 20000000-201fffff\n"
			  "02:00.0 pref 110000000-113ffffff\n"
			  "02:01.0 io 2000-2fff\n"
			  "02:01.0 mem 20200000-203fffff\n"
			  "02:01.0 pref 100000000-10fffffff\n"
			  "03:00.0 bar0 20000000-20000fff\n"
			  "03:00.0 bar1 1000-10ff\n"
			  "03:00.0 bar2 110000000-113ffffff\n"
			  "04:00.0 bar0 20200000-20200fff\n"
			  "04:00.0 bar1 2000-20ff\n"
			  "04:00.0 bar2 100000000-10fffffff\n" },
	{ .name = "as measured on 7.3: the same, and I/O is asked for twice",
		.machine = HOT_ADDED("7.3.4"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:02.0 bar0 20400000-20400fff\n"
			  "00:02.0 io 1000-4fff\n"
			  "00:02.0 mem 20000000-203fffff\n"
			  "00:02.0 pref 100000000-113ffffff\n"
			  "01:00.0 io 1000-4fff\n"
			  "01:00.0 mem 20000000-203fffff\n"
			  "01:00.0 pref 100000000-113ffffff\n"
			  "02:00.0 io 1000-2fff\n"
			  "02:00.0 mem 20000000-201fffff\n"
			  "02:00.0 pref 110000000-113ffffff\n"
			  "02:01.0 io 3000-4fff\n"
			  "02:01.0 mem 20200000-203fffff\n"
			  "02:01.0 pref 100000000-10fffffff\n"
			  "03:00.0 bar0 20000000-20000fff\n"
			  "03:00.0 bar1 1000-10ff\n"
			  "03:00.0 bar2 110000000-113ffffff\n"
			  "04:00.0 bar0 20200000-20200fff\n"
			  "04:00.0 bar1 3000-30ff\n"
			  "04:00.0 bar2 100000000-10fffffff\n" },
	{ .name = "as measured on 6.1: reserves of empty ports",
		.machine = EMPTY_PORTS("6.1.0"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:02.0 bar0 20600000-20600fff\n"
			  "00:02.0 io 1000-3fff\n"
			  "00:02.0 mem 20000000-205fffff\n"
			  "00:02.0 pref 100000000-1005fffff\n"
			  "01:00.0 io 1000-3fff\n"
			  "01:00.0 mem 20000000-205fffff\n"
			  "01:00.0 pref 100000000-1005fffff\n"
			  "02:00.0 io 1000-1fff\n"
			  "02:00.0 mem 20000000-201fffff\n"
			  "02:00.0 pref 100000000-1001fffff\n"
			  "02:01.0 io 2000-2fff\n"
			  "02:01.0 mem 20200000-203fffff\n"
			  "02:01.0 pref 100200000-1003fffff\n"
			  "02:02.0 io 3000-3fff\n"
			  "02:02.0 mem 20400000-205fffff\n"
			  "02:02.0 pref 100400000-1005fffff\n"
			  "03:00.0 bar0 20040000-2005ffff\n"
			  "03:00.0 bar1 20060000-2007ffff\n"
			  "03:00.0 bar2 1000-101f\n"
			  "03:00.0 bar3 20080000-20083fff\n"
			  "03:00.0 rom 20000000-2003ffff\n" },
	{ .name = "as measured on 7.3: reserves of empty ports",
		.machine = EMPTY_PORTS("7.3.4"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:02.0 io 1000-4fff\n"
			  "00:02.0 mem 20000000-205fffff\n"
			  "00:02.0 pref 100000000-1005fffff\n"
			  "01:00.0 io 1000-4fff\n"
			  "01:00.0 mem 20000000-205fffff\n"
			  "01:00.0 pref 100000000-1005fffff\n"
			  "02:00.0 io 1000-2fff\n"
			  "02:00.0 mem 20000000-201fffff\n"
			  "02:00.0 pref 100000000-1001fffff\n"
			  "02:01.0 io 3000-3fff\n"
			  "02:01.0 mem 20200000-203fffff\n"
			  "02:01.0 pref 100200000-1003fffff\n"
			  "02:02.0 io 4000-4fff\n"
			  "02:02.0 mem 20400000-205fffff\n"
			  "02:02.0 pref 100400000-1005fffff\n"
			  "03:00.0 rom 20000000-2003ffff\n" },
	{ .name = "as measured on 6.1: VF BARs come on top of the hot-plug reserve",
		.machine = WITH_VFS("6.1.0"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:02.0 bar0 20300000-20300fff\n"
			  "00:02.0 mem 20000000-202fffff\n"
			  "00:02.0 pref 100000000-1001fffff\n"
			  "01:00.0 bar0 20000000-20003fff\n"
			  "01:00.0 vf0 20004000-20013fff\n" },
	{ .name = "as measured on 7.3: the hot-plug reserve holds the VF BARs",
		.machine = WITH_VFS("7.3.4"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:02.0 bar0 20200000-20200fff\n"
			  "00:02.0 mem 20000000-201fffff\n"
			  "00:02.0 pref 100000000-1001fffff\n"
			  "01:00.0 bar0 20000000-20003fff\n"
			  "01:00.0 vf0 20004000-20013fff\n" },
	{ .name = "as measured on 6.1: a window of 1 GiB in the registers is a minimum",
		.machine = TWO_PORTS("6.1.0"),
		.actions = "write 00:02.0 28.4=2; write 00:02.0 2c.4=2; "
			   "write 00:02.0 24.4=3ff10001; remove 00:02.0; rescan 00:03.0",
		.expect = "00:02.0 bar0 20200000-20200fff\n"
			  "00:02.0 mem 20000000-201fffff\n"
			  "00:02.0 pref 100000000-13fffffff\n" },
	{ .name = "as measured on 7.3: a window of 1 GiB in the registers is forgotten",
		.machine = TWO_PORTS("7.3.4"),
		.actions = "write 00:02.0 28.4=2; write 00:02.0 2c.4=2; "
			   "write 00:02.0 24.4=3ff10001; remove 00:02.0; rescan 00:03.0",
		.expect = "00:02.0 bar0 20200000-20200fff\n"
			  "00:02.0 mem 20000000-201fffff\n"
			  "00:02.0 pref 100000000-1001fffff\n" },
	{ .name = "as measured on 6.1: bus numbers written, spare ones shared by the ports",
		.machine = SPARE_BUSES("6.1.0"),
		.actions = "remove 03:00.0; remove 02:00.0; remove 02:01.0; "
			   "write 01:00.0 18.4=151001; remove 01:00.0; rescan root",
		.expect = "01:00.0 bus 10-15\n"
			  "02:00.0 bus 11-12\n"
			  "02:00.0 mem fe200000-fe3fffff\n"
			  "02:00.0 pref fe800000-fe9fffff\n"
			  "02:01.0 bus 13-14\n"
			  "02:01.0 io closed\n"
			  "02:01.0 mem fe400000-fe5fffff\n"
			  "02:01.0 pref fea00000-febfffff\n"
			  "03:00.0 bar0 fe200000-fe200fff\n"
			  "03:00.0 bar2 fe800000-fe8fffff\n" },
	{ .name = "as measured on 7.3: bus numbers written, spare ones shared by the ports",
		.machine = SPARE_BUSES("7.3.4"),
		.actions = "remove 03:00.0; remove 02:00.0; remove 02:01.0; "
			   "write 01:00.0 18.4=151001; remove 01:00.0; rescan root",
		.expect = "01:00.0 bus 10-15\n"
			  "02:00.0 bus 11-12\n"
			  "02:01.0 bus 13-14\n" },
	{ .name = "as measured on 6.1: nested switches, everything is placed",
		.machine = NESTED("6.1.0"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:02.0 bar0 20800000-20800fff\n"
			  "00:02.0 io 1000-4fff\n"
			  "00:02.0 mem 20000000-207fffff\n"
			  "00:02.0 pref 100000000-12fffffff\n"
			  "01:00.0 io 1000-4fff\n"
			  "01:00.0 mem 20000000-207fffff\n"
			  "01:00.0 pref 100000000-12fffffff\n"
			  "02:00.0 io 1000-2fff\n"
			  "02:00.0 mem 20000000-203fffff\n"
			  "02:00.0 pref 120000000-127ffffff\n"
			  "02:01.0 io 3000-3fff\n"
			  "02:01.0 mem 20400000-205fffff\n"
			  "02:01.0 pref 128000000-12bffffff\n"
			  "02:02.0 io 4000-4fff\n"
			  "02:02.0 mem 20600000-207fffff\n"
			  "02:02.0 pref 100000000-11fffffff\n"
			  "03:00.0 io 1000-2fff\n"
			  "03:00.0 mem 20000000-203fffff\n"
			  "03:00.0 pref 120000000-127ffffff\n"
			  "04:00.0 io 1000-1fff\n"
			  "04:00.0 mem 20000000-201fffff\n"
			  "04:00.0 pref 120000000-123ffffff\n"
			  "04:01.0 io 2000-2fff\n"
			  "04:01.0 mem 20200000-203fffff\n"
			  "04:01.0 pref 124000000-1241fffff\n"
			  "05:00.0 bar0 20000000-20000fff\n"
			  "05:00.0 bar1 1000-10ff\n"
			  "05:00.0 bar2 120000000-123ffffff\n"
			  "06:00.0 bar0 20200000-20200fff\n"
			  "06:00.0 bar1 2000-20ff\n"
			  "06:00.0 bar2 124000000-1240fffff\n"
			  "07:00.0 bar0 20400000-20400fff\n"
			  "07:00.0 bar1 3000-30ff\n"
			  "07:00.0 bar2 128000000-12bffffff\n"
			  "08:00.0 bar0 20600000-20600fff\n"
			  "08:00.0 bar1 4000-40ff\n"
			  "08:00.0 bar2 100000000-11fffffff\n" },
	{ .name = "as measured on 7.3: the tighter sizes cost a sibling its BAR",
		.machine = NESTED("7.3.4"),
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:02.0 bar0 20800000-20800fff\n"
			  "00:02.0 io 1000-8fff\n"
			  "00:02.0 mem 20000000-207fffff\n"
			  "00:02.0 pref 100000000-1281fffff\n"
			  "01:00.0 io 1000-8fff\n"
			  "01:00.0 mem 20000000-207fffff\n"
			  "01:00.0 pref 100000000-1281fffff\n"
			  "02:00.0 io 1000-4fff\n"
			  "02:00.0 mem 20000000-201fffff\n"
			  "02:00.0 pref 120000000-1241fffff\n"
			  "02:01.0 io 5000-6fff\n"
			  "02:01.0 mem 20500000-206fffff\n"
			  "02:01.0 pref closed\n"
			  "02:02.0 io 7000-8fff\n"
			  "02:02.0 mem 20300000-204fffff\n"
			  "02:02.0 pref 100000000-11fffffff\n"
			  "03:00.0 io 1000-4fff\n"
			  "03:00.0 mem 20000000-201fffff\n"
			  "03:00.0 pref 120000000-1241fffff\n"
			  "04:00.0 io 1000-2fff\n"
			  "04:00.0 mem 20000000-200fffff\n"
			  "04:00.0 pref 120000000-123ffffff\n"
			  "04:01.0 io 3000-4fff\n"
			  "04:01.0 mem 20100000-201fffff\n"
			  "04:01.0 pref 124000000-1241fffff\n"
			  "05:00.0 bar0 20000000-20000fff\n"
			  "05:00.0 bar1 1000-10ff\n"
			  "05:00.0 bar2 120000000-123ffffff\n"
			  "06:00.0 bar0 20100000-20100fff\n"
			  "06:00.0 bar1 3000-30ff\n"
			  "06:00.0 bar2 124000000-1240fffff\n"
			  "07:00.0 bar0 20500000-20500fff\n"
			  "07:00.0 bar1 5000-50ff\n"
			  "07:00.0 bar2 forgotten\n"
			  "08:00.0 bar0 20300000-20300fff\n"
			  "08:00.0 bar1 7000-70ff\n"
			  "08:00.0 bar2 100000000-11fffffff\n" },
	{ .name = "as measured on 6.1: a ROM is required, a hot-plug controller is no reserve",
		.machine = CONVENTIONAL("6.1.0"),
		.actions = "remove 01:00.0; rescan 00:02.0; remove 00:02.0; rescan root",
		.expect = "00:02.0 bar0 20400000-20400fff\n"
			  "00:02.0 io 1000-1fff\n"
			  "00:02.0 mem 20000000-203fffff\n"
			  "00:02.0 pref 100000000-1003fffff\n"
			  "01:00.0 bar0 20200000-202000ff\n"
			  "01:00.0 io 1000-1fff\n"
			  "01:00.0 mem 20000000-201fffff\n"
			  "01:00.0 pref 100000000-1003fffff\n"
			  "02:01.0 bar0 20060000-20060fff\n"
			  "02:01.0 bar1 1000-10ff\n"
			  "02:01.0 bar2 100000000-1003fffff\n"
			  "02:02.0 bar0 20040000-2005ffff\n"
			  "02:02.0 bar1 1400-143f\n"
			  "02:02.0 rom 20000000-2003ffff\n" },
	{ .name = "as measured on 7.3: I/O BARs keep clear of ISA aliases",
		.machine = CONVENTIONAL("7.3.4"),
		.actions = "remove 01:00.0; rescan 00:02.0; remove 00:02.0; rescan root",
		.expect = "00:02.0 bar0 20200000-20200fff\n"
			  "00:02.0 io 1000-1fff\n"
			  "00:02.0 mem 20000000-201fffff\n"
			  "00:02.0 pref 100000000-1003fffff\n"
			  "01:00.0 bar0 20100000-201000ff\n"
			  "01:00.0 io 1000-1fff\n"
			  "01:00.0 mem 20000000-200fffff\n"
			  "01:00.0 pref 100000000-1003fffff\n"
			  "02:01.0 bar0 20060000-20060fff\n"
			  "02:01.0 bar1 1000-10ff\n"
			  "02:01.0 bar2 100000000-1003fffff\n"
			  "02:02.0 bar0 20040000-2005ffff\n"
			  "02:02.0 bar1 1400-143f\n"
			  "02:02.0 rom 20000000-2003ffff\n" },
	{ .name = "a window of a bridge in use gets its place in the table, not in the registers",
		.machine = LOST_WINDOW("driver=pcieport"),
		.actions = "rescan root",
		.expect = "00:02.0 mem 20000000-201fffff\n00:02.0 reg-mem closed\n"
			  "01:00.0 bar0 20000000-20000fff\n" },
	{ .name = "a window of a bridge that is not in use is programmed",
		.machine = LOST_WINDOW("enabled=0"),
		.actions = "rescan root",
		.expect = "00:02.0 mem 20000000-201fffff\n00:02.0 reg-mem 20000000-201fffff\n" },
	{ .name = "a BAR that was taken away is retried",
		.machine = "kernel 6.1.0\n" Q35
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe1fffff driver=pcieport\n"
			   "01:00.0 dev 1b36:0005 bar0=mem:1000@released\n",
		.actions = "rescan root",
		.expect = "01:00.0 bar0 fe000000-fe000fff\n" },
	{ .name = "what is found again comes after what was there",
		.machine = "kernel 6.1.0\n" Q35 "00:02.0 bridge 01-01 root-port driver=pcieport\n"
			   "00:03.0 bridge 02-02 root-port driver=pcieport\n"
			   "01:00.0 dev 1b36:0005 bar0=mem:1000@forgotten\n"
			   "02:00.0 dev 1b36:0005 bar0=mem:1000@unassigned\n",
		.actions = "remove 00:02.0; rescan root",
		.expect = "00:03.0 mem 20000000-200fffff\n00:02.0 mem 20100000-201fffff\n" },
	{ .name = "what is busy in an aperture is left alone",
		.machine = "kernel 6.1.0\n"
			   "root 0000:00-ff mem=20000000-afffffff busy=20000000-200fffff\n"
			   "00:02.0 bridge 01-01 root-port driver=pcieport\n"
			   "01:00.0 dev 1b36:0005 bar0=mem:1000@unassigned\n",
		.actions = "rescan root",
		.expect = "00:02.0 mem 20100000-201fffff\n" },
	{ .name = "the last megabytes below 4 GiB are the BIOS's",
		.machine = "kernel 6.1.0\n"
			   "root 0000:00-ff mem=ffc00000-ffffffff\n"
			   "00:02.0 bridge 01-01 root-port driver=pcieport\n"
			   "01:00.0 dev 1b36:0005 bar0=mem:400000@unassigned\n",
		.actions = "rescan root",
		.expect = "00:02.0 mem closed\n01:00.0 bar0 forgotten\n" },
	{ .name = "no bus number left: the bridge has none, and nothing is behind it",
		.machine = "kernel 6.1.0\n" Q35 "00:02.0 bridge 01-02 root-port driver=pcieport\n"
			   "01:00.0 bridge 02-02 upstream driver=pcieport\n"
			   "00:03.0 bridge 03-03 root-port driver=pcieport\n"
			   "02:00.0 bridge none downstream\n",
		.actions = "rescan root",
		.expect = "02:00.0 is no-bus\n01:00.0 bus 02-02\n" },
	{ .name = "a bridge without numbers gets the one after the highest",
		.machine = "kernel 6.1.0\n" Q35 "00:02.0 bridge 01-01 root-port driver=pcieport\n"
			   "00:03.0 bridge 08-09 root-port driver=pcieport\n"
			   "00:04.0 bridge none root-port hotplug\n",
		.actions = "rescan root",
		.expect = "00:04.0 bus 0a-0a\n" },
	{ .name = "what is behind a bridge that never had numbers is not known",
		.machine = "kernel 6.1.0\n" Q35 "00:02.0 bridge none root-port\n",
		.actions = "rescan root",
		.result = 1,
		.expect = "behind it" },
	{ .name = "a size that was not measured matters when the function is removed",
		.machine = UNMEASURED,
		.actions = "remove 00:02.0; rescan root",
		.result = 1,
		.expect = "size of BAR 2" },
	{ .name = "a size that was not measured does not matter when the function stays",
		.machine = UNMEASURED,
		.actions = "rescan root",
		.expect = "01:00.0 bar2 forgotten\n" },
	{ .name = "the host bridge's ranges are not known",
		.machine = "kernel 6.1.0\nroot 0000:00-ff\n"
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe1fffff driver=pcieport\n"
			   "01:00.0 dev 1b36:0005 bar0=mem:1000@fe000000\n",
		.actions = "remove 00:02.0; rescan root",
		.result = 1,
		.expect = "address ranges" },
	{ .name = "VFs go with their PF and do not come back by themselves",
		.machine = "kernel 6.1.0\n" Q35
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe1fffff driver=pcieport\n"
			   "01:00.0 dev 1b36:0010 bar0=mem64:4000@fe000000 vfs=2 numvfs=2 "
			   "vfbar0=mem64:4000@fe004000\n"
			   "01:00.1 dev 1b36:0010 vf-of=01:00.0\n",
		.actions = "remove 01:00.0; rescan 00:02.0",
		.expect = "01:00.0 is here\n01:00.0 bar0 fe000000-fe003fff\n01:00.1 is gone\n" },
	{ .name = "a rescan at a function that is gone",
		.machine = PACKED("6.1.0"),
		.actions = "remove 02:01.0; rescan 04:00.0",
		.result = -22 },
	{ .name = "a write to a function that is gone",
		.machine = PACKED("6.1.0"),
		.actions = "remove 02:01.0; write 02:01.0 20.4=0",
		.result = -22 },
	{ .name = "a write across a register's end",
		.machine = PACKED("6.1.0"),
		.actions = "write 02:01.0 21.4=0",
		.result = -22 },
	{ .name = "bus numbers of a bridge that stays in use must not be written",
		.machine = PACKED("6.1.0"),
		.actions = "write 02:01.0 19.1=20; rescan root",
		.result = 1,
		.expect = "while it is in use" },
	{ .name = "virtual functions go and come in the BARs of their physical one",
		.machine = VIRTUAL("fe110000"),
		.actions = "vfs 01:00.0 0.0=0; remove 01:00.0; rescan 00:02.0; vfs 01:00.0 0.0=2",
		.expect = "01:00.0 vf0 fe004000-fe013fff\n"
			  "01:00.1 is here\n"
			  "01:00.1 bar0 fe004000-fe007fff\n"
			  "01:00.2 bar0 fe008000-fe00bfff\n" },
	{ .name = "of fewer, the first",
		.machine = VIRTUAL("fe110000"),
		.actions = "vfs 01:00.0 0.0=0; vfs 01:00.0 0.0=1",
		.expect = "01:00.1 bar0 fe110000-fe113fff\n01:00.2 is gone\n" },
	{ .name = "none come where their BARs have no room",
		.machine = VIRTUAL("unassigned"),
		.actions = "vfs 01:00.0 0.0=0; vfs 01:00.0 0.0=2",
		.expect = "01:00.1 is gone\n01:00.2 is gone\n" },
	{ .name = "nor where the bus numbers end before",
		.machine = "kernel 6.12.0\nroot 0000:00-ff mem=fe000000-fe2fffff\n"
			   "00:02.0 bridge 01-01 root-port mem=fe000000-fe2fffff driver=pcieport\n"
			   "01:1f.0 dev 1b36:0010 bar0=mem64:4000@fe100000 vfs=8 numvfs=1 "
			   "vfbar0=mem64:4000@fe110000 driver=nvme\n"
			   "01:1f.1 dev 1b36:0010 vf-of=01:1f.0 bar0=mem64:4000@fe110000\n",
		.actions = "vfs 01:1f.0 0.0=0; vfs 01:1f.0 0.0=8",
		.expect = "01:1f.1 is gone\n" },
	{ .name = "a function without them",
		.machine = PACKED("6.1.0"),
		.actions = "vfs 02:01.0 0.0=1",
		.result = -EINVAL },
	{ .name = "more than there are",
		.machine = VIRTUAL("fe110000"),
		.actions = "vfs 01:00.0 0.0=0; vfs 01:00.0 0.0=5",
		.result = -EINVAL },
};

/* ---- actions ---- */

static const struct pr_function *named(const struct pr_topology *t, const char *address)
{
	return strcmp(address, "root") == 0 ? NULL : machine_function(t, address);
}

static const struct {
	const char *name;
	enum pr_action_kind kind;
} verbs[] = {
	{ "remove", PR_ACTION_REMOVE },
	{ "rescan", PR_ACTION_RESCAN },
	{ "write", PR_ACTION_WRITE },
	{ "rescan-all", PR_ACTION_RESCAN_ALL },
	{ "rescan-bus", PR_ACTION_RESCAN_BUS },
	{ "plug", PR_ACTION_PLUG },
	{ "unplug", PR_ACTION_UNPLUG },
	{ "plug-acpi", PR_ACTION_PLUG_ACPI },
	{ "unplug-acpi", PR_ACTION_UNPLUG_ACPI },
	{ "vfs", PR_ACTION_VFS },
};

static struct pr_action parse_action(const struct pr_topology *t, const char *text)
{
	struct pr_action a = { .root = t->roots[0] };
	char verb[16], address[PR_ADDRESS_MAX];
	unsigned int offset = 0, width = 0, value = 0;
	size_t i = 0;
	int n;

	n = sscanf(text, " %15s %19s %x.%u=%x", verb, address, &offset, &width, &value);
	while (i < ARRAY_SIZE(verbs) && strcmp(verb, verbs[i].name) != 0)
		i++;
	if (n < 2 || i == ARRAY_SIZE(verbs))
		fail_msg("bad action: %s", text);
	a.kind = verbs[i].kind;
	a.function = named(t, address);
	a.device = (uint8_t)offset;
	a.offset = (uint16_t)offset;
	a.width = (uint8_t)width;
	a.value = value;
	return a;
}

static size_t parse_actions(const struct pr_topology *t, const char *text, struct pr_action *ret)
{
	char *copy = strdup(text), *save = NULL;
	size_t n = 0;

	assert_non_null(copy);
	for (char *s = strtok_r(copy, ";", &save); s; s = strtok_r(NULL, ";", &save)) {
		assert_true(n < MAX_ACTIONS);
		ret[n++] = parse_action(t, s);
	}
	free(copy);
	return n;
}

/* ---- expectations ---- */

static const char *const state_names[] = {
	[PR_RES_UNKNOWN] = "unknown",
	[PR_RES_ASSIGNED] = "assigned",
	[PR_RES_UNASSIGNED] = "unassigned",
	[PR_RES_FORGOTTEN] = "forgotten",
	[PR_RES_CLOSED] = "closed",
};

static int resource_index(const char *what)
{
	static const struct {
		const char *name;
		int first;
		bool numbered;
	} names[] = {
		{ "bar", PR_BAR0, true },
		{ "vf", PR_VF_BAR0, true },
		{ "rom", PR_ROM, false },
		{ "io", PR_WINDOW_IO, false },
		{ "mem", PR_WINDOW_MEM, false },
		{ "pref", PR_WINDOW_PREF, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i].name);

		if (names[i].numbered && strncmp(what, names[i].name, n) == 0)
			return names[i].first + atoi(what + n);
		if (!names[i].numbered && strcmp(what, names[i].name) == 0)
			return names[i].first;
	}
	return -1;
}

static void format_range(const struct pr_range *r, char *buffer, size_t size)
{
	snprintf(buffer, size, "%llx-%llx", (unsigned long long)r->first,
		(unsigned long long)r->last);
}

static void actual_value(const struct pr_function *f, const char *what, char *buffer, size_t size)
{
	bool is_register = strncmp(what, "reg-", 4) == 0;
	int index = resource_index(is_register ? what + 4 : what);

	if (strcmp(what, "is") == 0) {
		snprintf(buffer, size, "%s", f->removed ? "gone" : f->no_bus ? "no-bus" : "here");
	} else if (strcmp(what, "bus") == 0) {
		snprintf(buffer, size, "%02x-%02x", f->bridge->secondary, f->bridge->subordinate);
	} else if (index < 0) {
		fail_msg("bad expectation: %s", what);
	} else if (is_register) {
		const struct pr_window *w = &f->bridge->registers[index - PR_WINDOW_IO];

		if (w->open == PR_YES)
			format_range(&w->range, buffer, size);
		else
			snprintf(buffer, size, "closed");
	} else {
		const struct pr_resource *r = pr_function_resource(f, (unsigned int)index);

		assert_non_null(r);
		if (r->state == PR_RES_ASSIGNED)
			format_range(&r->range, buffer, size);
		else
			snprintf(buffer, size, "%s", state_names[r->state]);
	}
}

/* Functions are named by the address they had before. */
static void check_line(
	const struct pr_topology *before, const struct pr_topology *after, const char *line)
{
	char address[PR_ADDRESS_MAX], what[16], value[48], actual[48];
	const struct pr_function *f;

	if (sscanf(line, "%19s %15s %47s", address, what, value) != 3)
		fail_msg("bad expectation: %s", line);
	f = pr_topology_same(after, machine_function(before, address));
	actual_value(f, what, actual, sizeof(actual));
	if (strcmp(actual, value) != 0)
		fail_msg("%s %s: expected %s, is %s", address, what, value, actual);
}

static void check_lines(
	const struct pr_topology *before, const struct pr_topology *after, const char *text)
{
	char *copy = strdup(text), *save = NULL;

	assert_non_null(copy);
	for (char *s = strtok_r(copy, "\n", &save); s; s = strtok_r(NULL, "\n", &save))
		check_line(before, after, s);
	free(copy);
}

/* What is wrong afterwards was wrong before. */
static void check_sound(const struct pr_topology *before, const struct pr_topology *after)
{
	struct pr_finding finding;

	if (pr_topology_check(after, &finding, 1) > pr_topology_check(before, NULL, 0))
		fail_msg("the prediction is no topology: %s", finding.text);
}

static void test_kernel(void **state)
{
	const struct kernel_case *c = *state;
	struct pr_topology *before = machine_build(c->machine), *after = NULL;
	struct pr_action actions[MAX_ACTIONS];
	struct pr_kernel kernel;
	struct pr_doubt doubt;
	size_t n;
	int r;

	assert_int_equal(pr_kernel_select(&before->machine, &kernel), 0);
	n = parse_actions(before, c->actions, actions);
	r = pr_kernel_apply(&kernel, before, actions, n, &after, &doubt);
	if (r == 1)
		print_message("doubt: %s\n", doubt.text);
	assert_int_equal(r, c->result);
	if (r == 0) {
		check_lines(before, after, c->expect);
		check_sound(before, after);
		pr_topology_free(after);
	} else if (r == 1) {
		assert_non_null(strstr(doubt.text, c->expect));
		assert_ptr_equal(
			doubt.function, pr_topology_find(before, &doubt.function->address));
	}
	pr_topology_free(before);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_kernel);

	return rows_run(&tests, "kernel");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machines with dead cards, as text (machine.h), for tests of plans and of carrying them out. */
#pragma once

#define ROOT "root 0000:00-ff io=1000-ffff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
#define DISK "00:1f.2 dev 8086:2922 class=010601 bar5=mem:1000@febf0000 driver=ahci user=mount:/\n"

/* A root port, a switch, two packed ports; the second has a network card. */
#define PACKED(release, newcomer, card)                                               \
	"kernel " release "\n" ROOT DISK                                              \
	"00:02.0 bridge 01-04 root-port hotplug io=c000-cfff mem=fe000000-fe5fffff "  \
	"pref64=800000000-8005fffff driver=pcieport\n"                                \
	"01:00.0 bridge 02-04 upstream io=c000-cfff mem=fe000000-fe5fffff "           \
	"pref64=800000000-8005fffff driver=pcieport\n"                                \
	"02:00.0 bridge 03-03 downstream hotplug mem=fe000000-fe1fffff "              \
	"pref64=800000000-8001fffff driver=pcieport\n"                                \
	"02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe200000-fe5fffff " \
	"pref64=800200000-8005fffff driver=pcieport\n"                                \
	"03:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 " newcomer "\n"                 \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe200000 bar2=io:20@c000 " card "\n"

/* The same with 1 GiB in the switch's prefetchable window: room enough below it. */
#define ROOMY(newcomer, card)                                                         \
	"kernel 6.12.0\n" ROOT DISK                                                   \
	"00:02.0 bridge 01-04 root-port hotplug io=c000-cfff mem=fe000000-fe5fffff "  \
	"pref64=800000000-83fffffff driver=pcieport\n"                                \
	"01:00.0 bridge 02-04 upstream io=c000-cfff mem=fe000000-fe5fffff "           \
	"pref64=800000000-83fffffff driver=pcieport\n"                                \
	"02:00.0 bridge 03-03 downstream hotplug mem=fe000000-fe1fffff "              \
	"pref64=800000000-8001fffff driver=pcieport\n"                                \
	"02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe200000-fe5fffff " \
	"pref64=800200000-8005fffff driver=pcieport\n"                                \
	"03:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 " newcomer "\n"                 \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe200000 bar2=io:20@c000 " card "\n"

#define DEAD_256M "bar2=pref64:10000000@forgotten"

/*
 * In a failed hot-add the kernel closed the switch's I/O windows under the network card's driver
 * (KERNEL 1.9).
 */
#define ROBBED(newcomer)                                                                  \
	"kernel 6.12.0\n" ROOT DISK                                                       \
	"00:02.0 bridge 01-04 root-port hotplug io=c000-cfff mem=fe000000-fe5fffff "      \
	"pref64=800000000-8005fffff driver=pcieport\n"                                    \
	"01:00.0 bridge 02-04 upstream mem=fe000000-fe5fffff pref64=800000000-8005fffff " \
	"driver=pcieport\n"                                                               \
	"02:00.0 bridge 03-03 downstream hotplug mem=fe000000-fe1fffff "                  \
	"pref64=800000000-8001fffff driver=pcieport\n"                                    \
	"02:01.0 bridge 04-04 downstream hotplug mem=fe200000-fe5fffff "                  \
	"pref64=800200000-8005fffff driver=pcieport\n"                                    \
	"03:00.0 dev 1b36:0005 bar0=mem:1000@fe000000 " newcomer "\n"                     \
	"04:00.0 dev 8086:10d3 bar0=mem:20000@fe200000 bar2=io:20@released driver=e1000e\n"

/* Four megabytes of window, and virtual functions that want eight. */
#define CRAMPED_VFS(driver)                                                           \
	"kernel 6.12.0\n" ROOT DISK                                                   \
	"00:02.0 bridge 01-01 root-port mem=fe000000-fe3fffff driver=pcieport\n"      \
	"01:00.0 dev 1b36:0010 class=010802 bar0=mem64:4000@fe000000 vfs=8 numvfs=0 " \
	"vfbar0=mem64:100000@unassigned " driver "\n"

/* Virtual functions on two buses, and a port that has one. */
#define VFS_ON_TWO_BUSES                                                         \
	"kernel 6.12.0\nroot 0000:00-0f mem=c0000000-febfffff\n" DISK            \
	"00:02.0 bridge 01-01 root-port mem=fe000000-fe3fffff driver=pcieport\n" \
	"01:00.0 dev 1b36:0010 bar0=mem:4000@fe000000 vfs=300 numvfs=0 "         \
	"vfbar0=mem64:1000@fe100000 driver=nvme\n"

/* An NVMe controller in a packed switch that has two of its four virtual functions. */
#define WITH_VFS(release, driver, first, second)                                                \
	PACKED(release, DEAD_256M, "driver=e1000e")                                             \
	"04:01.0 dev 1b36:0010 class=010802 bar0=mem64:4000@fe300000 vfs=4 numvfs=2 "           \
	"vfbar0=mem64:4000@fe310000 " driver "\n"                                               \
	"04:01.1 dev 1b36:0010 class=010802 vf-of=04:01.0 bar0=mem64:4000@fe310000 " first "\n" \
	"04:01.2 dev 1b36:0010 class=010802 vf-of=04:01.0 bar0=mem64:4000@fe314000 " second "\n"

/* A root port by itself with a dead card, its window as given. */
#define SINGLE(window, card)                                                        \
	"kernel 6.1.0\n" ROOT DISK "00:02.0 bridge 01-01 root-port hotplug " window \
	" driver=pcieport\n"                                                        \
	"01:00.0 " card "\n"

/* A switch in a slot that has one bus number; the next one is a network card's. */
#define DEAD_SWITCH(last)                                                                \
	"kernel 6.1.0\nroot 0000:00-" last " mem=c0000000-febfffff\n" DISK               \
	"00:02.0 bridge 01-01 root-port hotplug mem=fe000000-fe0fffff driver=pcieport\n" \
	"01:00.0 bridge none upstream\n"                                                 \
	"00:03.0 bridge 02-02 root-port hotplug mem=fe100000-fe1fffff driver=pcieport\n" \
	"02:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe100000 driver=e1000e\n"

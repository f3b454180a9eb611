/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of KERNEL 1.13, as text (machine.h): a switch with an empty slot beside a network card. */
#pragma once

/* Host bridge of the machines that were measured: QEMU q35 with 512 MiB of RAM. */
#define Q35                                                                           \
	"root 0000:00-ff io=0-cf7 io=d00-ffff mem=a0000-bffff mem=20000000-afffffff " \
	"mem=c0000000-febfffff mem=100000000-8ffffffff\n"

/*
 * A switch below a root port; a network card with a driver in one slot, the
 * other slot empty, and its port without a window for I/O.  The prefetchable
 * windows: of both slots, of the empty one, of the card's.
 */
#define TWO_SLOTS_PREF(release, both, slot, card)                                     \
	"kernel " release "\n" Q35                                                    \
	"00:02.0 bridge 01-04 root-port hotplug bar0=mem:1000@fea00000 io=c000-cfff " \
	"mem=fe600000-fe9fffff pref64=" both " driver=pcieport\n"                     \
	"01:00.0 bridge 02-04 upstream io=c000-cfff mem=fe600000-fe9fffff "           \
	"pref64=" both " driver=pcieport\n"                                           \
	"02:00.0 bridge 03-03 downstream hotplug mem=fe800000-fe9fffff "              \
	"pref64=" slot " driver=pcieport\n"                                           \
	"02:01.0 bridge 04-04 downstream hotplug io=c000-cfff mem=fe600000-fe7fffff " \
	"pref64=" card " driver=pcieport\n"                                           \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe640000 bar2=io:20@c000 " \
	"driver=e1000e\n"

#define TWO_SLOTS(release) \
	TWO_SLOTS_PREF(release, "fe000000-fe3fffff", "fe200000-fe3fffff", "fe000000-fe1fffff")

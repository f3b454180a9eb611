/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines with a dead card for which there is room, which a kernel's order of placing does not
 * give it: as text (machine.h), without the kernel.
 */
#pragma once

/* 256 MiB and the reserve of a hot-plug port beside it, in 384 MiB. */
#define BESIDE_A_RESERVE                                                                 \
	"root 0000:00-ff io=2000-7fff mem=c0000000-cfffffff mem=100000000-117ffffff "    \
	"mem=e0000000-e00fffff\n"                                                        \
	"00:1f.2 dev 8086:2922 bar5=mem:1000@e0000000 driver=ahci user=mount:/\n"        \
	"00:02.0 bridge 01-04 root-port hotplug driver=pcieport mem=c0000000-c03fffff "  \
	"pref64=100000000-1002fffff io=2000-2fff\n"                                      \
	"01:00.0 bridge 02-04 upstream driver=pcieport mem=c0000000-c03fffff "           \
	"pref64=100000000-1001fffff io=2000-2fff\n"                                      \
	"02:00.0 bridge 03-03 downstream hotplug driver=pcieport mem=c0000000-c03fffff " \
	"pref64=100000000-1001fffff io=2000-2fff\n"                                      \
	"02:01.0 bridge 04-04 downstream hotplug driver=pcieport\n"                      \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@forgotten "                   \
	"bar2=pref64:10000000@forgotten\n"

/* 128 and 64 MiB in 192 MiB: the last byte is needed. */
#define TO_THE_LAST_BYTE                                                                 \
	"root 0000:00-ff io=2000-7fff mem=c0000000-c7ffffff mem=100000000-10bffffff "    \
	"mem=e0000000-e00fffff\n"                                                        \
	"00:1f.2 dev 8086:2922 bar5=mem:1000@e0000000 driver=ahci user=mount:/\n"        \
	"00:02.0 bridge 01-05 root-port driver=pcieport mem=c0000000-c44fffff "          \
	"pref64=100000000-103ffffff io=2000-4fff\n"                                      \
	"01:00.0 bridge 02-05 upstream driver=pcieport mem=c0000000-c44fffff "           \
	"pref64=100000000-103ffffff io=2000-4fff\n"                                      \
	"02:00.0 bridge 03-03 downstream hotplug driver=pcieport mem=c0000000-c3ffffff " \
	"io=2000-2fff\n"                                                                 \
	"03:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@forgotten "                   \
	"bar2=pref64:8000000@forgotten\n"                                                \
	"02:01.0 bridge 04-04 downstream hotplug driver=pcieport mem=c4000000-c44fffff " \
	"pref64=100000000-103ffffff io=3000-4fff\n"                                      \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:4000@c4000000 "                     \
	"bar2=pref64:4000000@100000000 bar1=io:20@3000\n"                                \
	"02:02.0 bridge 05-05 downstream hotplug driver=pcieport\n"

/* The empty port beside the root port lies where the new window would have to. */
#define NEXT_TO_AN_EMPTY_PORT                                                            \
	"root 0000:00-ff io=2000-7fff mem=c0000000-c3ffffff mem=100000000-10bffffff "    \
	"mem=e0000000-e00fffff\n"                                                        \
	"00:1f.2 dev 8086:2922 bar5=mem:1000@e0000000 driver=ahci user=mount:/\n"        \
	"00:02.0 bridge 01-04 root-port driver=pcieport mem=c0000000-c0dfffff "          \
	"pref64=100000000-1047fffff io=2000-3fff\n"                                      \
	"01:00.0 bridge 02-04 upstream hotplug driver=pcieport mem=c0000000-c0dfffff "   \
	"pref64=100000000-1047fffff io=2000-3fff\n"                                      \
	"02:00.0 bridge 03-03 downstream hotplug driver=pcieport mem=c0000000-c00fffff " \
	"pref64=102000000-1027fffff io=2000-2fff\n"                                      \
	"03:00.0 dev 8086:10d3 class=020000 bar0=mem:4000@c0000000 "                     \
	"bar2=pref64:4000000@forgotten\n"                                                \
	"02:01.0 bridge 04-04 downstream hotplug driver=pcieport mem=c0100000-c09fffff " \
	"pref64=100000000-101ffffff\n"                                                   \
	"04:00.0 dev 8086:10d3 class=020000 bar0=mem:80000@c0100000 "                    \
	"bar2=pref64:2000000@100000000\n"                                                \
	"00:03.0 bridge 05-05 root-port hotplug driver=pcieport mem=c0e00000-c10fffff "  \
	"pref64=104800000-1087fffff io=4000-4fff\n"                                      \
	"05:00.0 dev 8086:10d3 class=020000 bar0=mem:40000@c0e00000\n"

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pictures: what is drawn where, what is summed up, what is marked, and that no name breaks a line. */
#include <string.h>

#include "machine.h"
#include "picture/picture.h"
#include "rows.h"

/* ---- lines of text, word for word ---- */

#define SMALL                                                                         \
	"root 0000:00-0f io=1000-ffff mem=80000000-8fffffff busy=8f000000-8fffffff\n" \
	"00:01.0 bridge 01-03 root-port hotplug mem=80000000-801fffff driver=pcieport\n"

static const struct text_case {
	const char *name, *before, *after; /* @after NULL: one machine */
	unsigned int areas;
	size_t boxes, width;
	const char *focus, *text;
} text_cases[] = {
	{ "picture: windows nest, and what is left of them is free",
		SMALL "01:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@80000000 driver=e1000e\n",
		NULL, 1u << PR_AREA_MEM32, 0, 60, NULL,
		"host bridge 0000:00, 2 functions\n"
		"\n"
		"memory below 4 GiB\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"         |+ 00:01.0 root port, memory ------------- 2 MiB +|\n"
		"         ||  01:00.0 BAR 0, Ethernet controlle~  128 KiB  ||\n"
		"80020000 ||  free                                1.8 MiB  ||\n"
		"         |+-----------------------------------------------+|\n"
		"80200000 |  free                                  238 MiB  |\n"
		"8f000000 |  not PCI                                16 MiB  |\n"
		"         +-------------------------------------------------+\n" },
	{ "picture: an empty slot keeps its window for itself", SMALL, NULL,
		1u << PR_AREA_MEM32 | 1u << PR_AREA_BUSES, 0, 60, NULL,
		"host bridge 0000:00, 1 function\n"
		"\n"
		"memory below 4 GiB\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"         |  00:01.0 empty slot, memory              2 MiB  |\n"
		"80200000 |  free                                  238 MiB  |\n"
		"8f000000 |  not PCI                                16 MiB  |\n"
		"         +-------------------------------------------------+\n"
		"\n"
		"bus numbers\n"
		"00 + host bridge -------------------------------- 16 buses +\n"
		"   |  1 function                                    1 bus  |\n"
		"01 |  00:01.0 empty slot                          3 buses  |\n"
		"04 |  free                                       12 buses  |\n"
		"   +-------------------------------------------------------+\n" },
	{ "picture: without apertures what is in use is drawn, and nothing is free",
		"root 0000:00-0f\n"
		"00:01.0 dev 8086:10d3 bar0=mem:10000@80000000 bar1=mem:10000@80100000\n",
		NULL, 1u << PR_AREA_MEM32, 0, 60, NULL,
		"host bridge 0000:00, 1 function\n"
		"\n"
		"memory below 4 GiB\n"
		"80000000 + in use; apertures are not recorded ------ 1 MiB +\n"
		"         |  00:01.0 BAR 0, device 8086:10d3        64 KiB  |\n"
		"80100000 |  00:01.0 BAR 1, device 8086:10d3        64 KiB  |\n"
		"         +-------------------------------------------------+\n" },
	{ "picture: what has no addresses stands beside",
		SMALL "01:00.0 dev 8086:10d3 bar0=mem:20000@80000000 bar2=pref64:1G@forgotten "
		      "rom=10000@none\n",
		NULL, 1u << PR_AREA_MEM32, 0, 60, NULL,
		"host bridge 0000:00, 2 functions\n"
		"\n"
		"memory below 4 GiB\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"         |+ 00:01.0 root port, memory ------------- 2 MiB +|\n"
		"         ||  01:00.0 BAR 0, device 8086:10d3     128 KiB  ||\n"
		"80020000 ||  free                                1.8 MiB  ||\n"
		"         |+-----------------------------------------------+|\n"
		"80200000 |  free                                  238 MiB  |\n"
		"8f000000 |  not PCI                                16 MiB  |\n"
		"         +-------------------------------------------------+\n"
		"\n"
		"without addresses\n"
		"  ! 01:00.0 BAR 2, 1 GiB of 64-bit prefetchable memory, dev~\n" },
	{ "picture: a bridge without bus numbers stands beside",
		"root 0000:00-02 mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-02 root-port\n01:00.0 bridge none upstream\n",
		NULL, 1u << PR_AREA_BUSES, 0, 60, NULL,
		"host bridge 0000:00, 2 functions\n"
		"\n"
		"bus numbers\n"
		"00 + host bridge --------------------------------- 3 buses +\n"
		"   |  1 function                                    1 bus  |\n"
		"01 |+ 00:01.0 root port ------------------------- 2 buses +|\n"
		"   ||  1 function                                  1 bus  ||\n"
		"02 ||  free                                        1 bus  ||\n"
		"   |+-----------------------------------------------------+|\n"
		"   +-------------------------------------------------------+\n"
		"\n"
		"without addresses\n"
		"  ! 01:00.0 bus numbers, upstream port\n" },
	{ "picture: what moves, appears, grows or is lost is marked on either side",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-01 root-port mem=80000000-800fffff\n"
		"01:00.0 dev 8086:1 bar0=mem:10000@80000000 bar1=mem:1000@80010000 "
		"bar2=mem:1M@forgotten\n"
		"00:02.0 dev 8086:2 bar0=mem:1M@80100000\n",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-01 root-port mem=80200000-803fffff\n"
		"01:00.0 dev 8086:1 bar0=mem:10000@80300000 bar1=mem:1000@forgotten "
		"bar2=mem:1M@80200000\n"
		"00:02.0 dev 8086:2 bar0=mem:1M@80100000\n",
		1u << PR_AREA_MEM32, 0, 110, NULL,
		"host bridge 0000:00, 3 functions\n"
		"\n"
		"memory below 4 GiB, now                                 memory below 4 GiB, afterwards\n"
		"80000000 + host bridge -------------------- 256 MiB +   80000000 + host bridge -------------------- 256 MiB +\n"
		"        *|+ 00:01.0 root port, memory ------ 1 MiB +|            |  free                             1 MiB  |\n"
		"        >||  01:00.0 BAR 0, device 8086:~  64 KiB  ||   80100000 |  00:02.0 BAR 0, device 8086:0002  1 MiB  |\n"
		"80010000-||  01:00.0 BAR 1, device 8086:0~  4 KiB  ||   80200000*|+ 00:01.0 root port, memory, was~  2 MiB +|\n"
		"80011000 ||  free                         956 KiB  ||           +||  01:00.0 BAR 2, device 8086:0~  1 MiB  ||\n"
		"         |+----------------------------------------+|   80300000>||  01:00.0 BAR 0, device 8086:~  64 KiB  ||\n"
		"80100000 |  00:02.0 BAR 0, device 8086:0002  1 MiB  |   80310000 ||  free                         960 KiB  ||\n"
		"80200000 |  free                           254 MiB  |            |+----------------------------------------+|\n"
		"         +------------------------------------------+   80400000 |  free                           252 MiB  |\n"
		"                                                                 +------------------------------------------+\n"
		"\n"
		"without addresses, now                                  without addresses, afterwards\n"
		"  + 01:00.0 BAR 2, 1 MiB of 32-bit memory, device 80~     ! 01:00.0 BAR 1, 4 KiB of 32-bit memory, device 80~\n"
		"\n"
		"> moves  * gets another size  + gets addresses  - loses them\n" },
	{ "picture: two machines stand below each other where a line is short",
		"root 0000:00-0f mem=80000000-8fffffff\n00:02.0 dev 8086:2 bar0=mem:1M@80100000\n",
		"root 0000:00-0f mem=80000000-8fffffff\n00:02.0 dev 8086:2 bar0=mem:1M@80200000\n",
		1u << PR_AREA_MEM32, 0, 109, NULL,
		"host bridge 0000:00, 1 function\n"
		"\n"
		"memory below 4 GiB, now\n"
		"80000000 + host bridge ---------------------------------------------------------------------------- 256 MiB +\n"
		"         |  free                                                                                     1 MiB  |\n"
		"80100000>|  00:02.0 BAR 0, device 8086:0002                                                          1 MiB  |\n"
		"80200000 |  free                                                                                   254 MiB  |\n"
		"         +--------------------------------------------------------------------------------------------------+\n"
		"\n"
		"memory below 4 GiB, afterwards\n"
		"80000000 + host bridge ---------------------------------------------------------------------------- 256 MiB +\n"
		"         |  free                                                                                     2 MiB  |\n"
		"80200000>|  00:02.0 BAR 0, device 8086:0002, was at 80100000                                         1 MiB  |\n"
		"80300000 |  free                                                                                   253 MiB  |\n"
		"         +--------------------------------------------------------------------------------------------------+\n"
		"\n"
		"> moves  * gets another size  + gets addresses  - loses them\n" },
	{ "picture: addresses that two have, and that no window passes, are marked",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-01 root-port mem=80000000-800fffff\n"
		"01:00.0 dev 8086:1 bar0=mem:1M@80200000\n"
		"00:02.0 dev 8086:2 bar0=mem:1M@80300000\n"
		"00:03.0 dev 8086:3 bar0=mem:1M@80300000\n",
		NULL, 1u << PR_AREA_MEM32, 0, 60, NULL,
		"host bridge 0000:00, 4 functions\n"
		"\n"
		"memory below 4 GiB\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"         |  00:01.0 root port, memory, empty        1 MiB  |\n"
		"80100000 |  free                                    1 MiB  |\n"
		"80200000!|  01:00.0 BAR 0, device 8086:0001         1 MiB  |\n"
		"80300000 |+ 00:02.0 BAR 0, device 8086:0002 ------- 1 MiB +|\n"
		"        !||  00:03.0 BAR 0, device 8086:0003       1 MiB  ||\n"
		"         |+-----------------------------------------------+|\n"
		"80400000 |  free                                  252 MiB  |\n"
		"         +-------------------------------------------------+\n" },
	{ "picture: the largest are drawn, the others are summed up where they are",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 dev 8086:1 bar0=mem:1000@80000000 bar1=mem:1000@80001000\n"
		"00:02.0 dev 8086:2 bar0=mem:1000@80002000\n"
		"00:03.0 dev 8086:3 bar0=mem:64M@84000000\n"
		"00:04.0 dev 8086:4 bar0=mem:1000@88000000\n"
		"00:05.0 dev 8086:5 bar0=mem:1000@88002000\n"
		"00:06.0 dev 8086:6 bar0=mem:1000@88003000\n"
		"00:07.0 dev 8086:7 bar0=mem:1000@88004000\n"
		"00:08.0 bridge 01-01 root-port mem=88100000-881fffff\n"
		"01:00.0 dev 8086:8 bar0=mem:1000@88100000\n"
		"01:00.1 dev 8086:9 bar0=mem:1000@88101000\n",
		NULL, 1u << PR_AREA_MEM32, 1, 60, NULL,
		"host bridge 0000:00, 10 functions\n"
		"\n"
		"memory below 4 GiB\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"         |  2 functions in 3 ranges                12 KiB  |\n"
		"80003000 |  free                                 63.9 MiB  |\n"
		"84000000 |  00:03.0 BAR 0, device 8086:0003        64 MiB  |\n"
		"88000000 |  4 functions, 4 KiB free                20 KiB  |\n"
		"88005000 |  free                                 1004 KiB  |\n"
		"88100000 |  00:08.0 root port, memory: 2 function~  1 MiB  |\n"
		"88200000 |  free                                  126 MiB  |\n"
		"         +-------------------------------------------------+\n" },
	{ "picture: of many that are alike some are drawn, where else there would be nothing",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 dev 8086:1 bar0=mem:1000@80000000\n"
		"00:02.0 dev 8086:1 bar0=mem:1000@80002000\n"
		"00:03.0 dev 8086:1 bar0=mem:1000@80004000\n"
		"00:04.0 dev 8086:1 bar0=mem:1000@80006000\n"
		"00:05.0 dev 8086:1 bar0=mem:1000@80008000\n"
		"00:06.0 dev 8086:1 bar0=mem:1000@8000a000\n"
		"00:07.0 dev 8086:1 bar0=mem:1000@8000c000\n"
		"00:08.0 dev 8086:1 bar0=mem:1000@8000e000\n"
		"00:09.0 dev 8086:1 bar0=mem:1000@80010000\n"
		"00:0a.0 dev 8086:1 bar0=mem:1000@80012000\n"
		"00:0b.0 dev 8086:1 bar0=mem:1000@80014000\n"
		"00:0c.0 dev 8086:1 bar0=mem:1000@80016000\n"
		"00:0d.0 dev 8086:1 bar0=mem:1000@80018000\n"
		"00:0e.0 dev 8086:1 bar0=mem:1000@8001a000\n",
		NULL, 1u << PR_AREA_MEM32, 1, 60, NULL,
		"host bridge 0000:00, 14 functions\n"
		"\n"
		"memory below 4 GiB\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"         |  00:01.0 BAR 0, device 8086:0001         4 KiB  |\n"
		"80001000 |  free                                    4 KiB  |\n"
		"80002000 |  00:02.0 BAR 0, device 8086:0001         4 KiB  |\n"
		"80003000 |  free                                    4 KiB  |\n"
		"80004000 |  00:03.0 BAR 0, device 8086:0001         4 KiB  |\n"
		"80005000 |  free                                    4 KiB  |\n"
		"80006000 |  00:04.0 BAR 0, device 8086:0001         4 KiB  |\n"
		"80007000 |  free                                    4 KiB  |\n"
		"80008000 |  00:05.0 BAR 0, device 8086:0001         4 KiB  |\n"
		"80009000 |  free                                    4 KiB  |\n"
		"8000a000 |  00:06.0 BAR 0, device 8086:0001         4 KiB  |\n"
		"8000b000 |  free                                    4 KiB  |\n"
		"8000c000 |  00:07.0 BAR 0, device 8086:0001         4 KiB  |\n"
		"8000d000 |  7 functions, 28 KiB free               56 KiB  |\n"
		"8001b000 |  free                                255.8 MiB  |\n"
		"         +-------------------------------------------------+\n" },
	{ "picture: what its window takes along is not drawn for that",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-01 root-port mem=80000000-800fffff\n"
		"01:00.0 dev 8086:1 bar0=mem:1000@80000000\n"
		"01:01.0 dev 8086:1 bar0=mem:1000@80001000\n"
		"01:02.0 dev 8086:1 bar0=mem:1000@80002000\n"
		"01:03.0 dev 8086:1 bar0=mem:1000@80003000\n"
		"01:04.0 dev 8086:1 bar0=mem:1000@80004000\n"
		"01:05.0 dev 8086:1 bar0=mem:1000@80005000\n"
		"01:06.0 dev 8086:1 bar0=mem:1000@80006000\n"
		"01:07.0 dev 8086:1 bar0=mem:1000@80007000\n"
		"01:08.0 dev 8086:1 bar0=mem:1000@80008000\n"
		"01:09.0 dev 8086:1 bar0=mem:1000@80009000\n"
		"00:02.0 dev 8086:2 bar0=mem:2000@forgotten\n",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-01 root-port mem=88000000-880fffff\n"
		"01:00.0 dev 8086:1 bar0=mem:1000@88000000\n"
		"01:01.0 dev 8086:1 bar0=mem:1000@88001000\n"
		"01:02.0 dev 8086:1 bar0=mem:1000@88002000\n"
		"01:03.0 dev 8086:1 bar0=mem:1000@88003000\n"
		"01:04.0 dev 8086:1 bar0=mem:1000@88004000\n"
		"01:05.0 dev 8086:1 bar0=mem:1000@88005000\n"
		"01:06.0 dev 8086:1 bar0=mem:1000@88006000\n"
		"01:07.0 dev 8086:1 bar0=mem:1000@88007000\n"
		"01:08.0 dev 8086:1 bar0=mem:1000@88008000\n"
		"01:09.0 dev 8086:1 bar0=mem:1000@88009000\n"
		"00:02.0 dev 8086:2 bar0=mem:2000@80000000\n",
		1u << PR_AREA_MEM32, 1, 60, NULL,
		"host bridge 0000:00, 12 functions\n"
		"\n"
		"memory below 4 GiB, now\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"        >|  00:01.0 root port, memory: 10 functio~  1 MiB  |\n"
		"80100000 |  free                                  255 MiB  |\n"
		"         +-------------------------------------------------+\n"
		"\n"
		"memory below 4 GiB, afterwards\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"        +|  00:02.0 BAR 0, device 8086:0002         8 KiB  |\n"
		"80002000 |  free                                127.9 MiB  |\n"
		"88000000>|  00:01.0 root port, memory: 10 functio~  1 MiB  |\n"
		"88100000 |  free                                  127 MiB  |\n"
		"         +-------------------------------------------------+\n"
		"\n"
		"without addresses, now\n"
		"  + 00:02.0 BAR 0, 8 KiB of 32-bit memory, device 8086:0002\n"
		"\n"
		"> moves  * gets another size  + gets addresses  - loses them\n" },
	{ "picture: where a plan changes nothing is not drawn twice",
		"root 0000:00-0f io=1000-ffff mem=80000000-8fffffff\n"
		"00:02.0 dev 8086:2 bar0=mem:1M@80100000 bar1=io:100@2000\n"
		"root 0000:40-4f mem=90000000-9fffffff\n40:02.0 dev 8086:2 bar0=mem:1M@90100000\n",
		"root 0000:00-0f io=1000-ffff mem=80000000-8fffffff\n"
		"00:02.0 dev 8086:2 bar0=mem:1M@80200000 bar1=io:100@2000\n"
		"root 0000:40-4f mem=90000000-9fffffff\n40:02.0 dev 8086:2 bar0=mem:1M@90100000\n",
		0, 100, 60, NULL,
		"host bridge 0000:00, 1 function\n"
		"nothing changes in I/O ports, bus numbers\n"
		"\n"
		"memory below 4 GiB, now\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"         |  free                                    1 MiB  |\n"
		"80100000>|  00:02.0 BAR 0, device 8086:0002         1 MiB  |\n"
		"80200000 |  free                                  254 MiB  |\n"
		"         +-------------------------------------------------+\n"
		"\n"
		"memory below 4 GiB, afterwards\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"         |  free                                    2 MiB  |\n"
		"80200000>|  00:02.0 BAR 0, device 8086:0002, was ~  1 MiB  |\n"
		"80300000 |  free                                  253 MiB  |\n"
		"         +-------------------------------------------------+\n"
		"\n"
		"host bridge 0000:40, 1 function\n"
		"nothing changes\n"
		"\n"
		"> moves  * gets another size  + gets addresses  - loses them\n" },
	{ "picture: a host bridge of which only afterwards something is missing is drawn",
		"root 0000:00-0f mem=80000000-8fffffff\n00:02.0 dev 8086:2 bar0=mem:1M@80100000\n"
		"root 0000:40-4f\n40:02.0 dev 8086:2\n",
		"root 0000:00-0f mem=80000000-8fffffff\n00:02.0 dev 8086:2 bar0=mem:1M@80100000\n"
		"root 0000:40-4f\n40:02.0 dev 8086:2 bar0=mem:1M@forgotten\n",
		1u << PR_AREA_MEM32, 0, 110, "0000:40:02.0",
		"host bridge 0000:40, 1 function\n"
		"\n"
		"without addresses, now                                  without addresses, afterwards\n"
		"                                                          ! 40:02.0 BAR 0, 1 MiB of 32-bit memory, device 80~\n"
		"\n"
		"> moves  * gets another size  + gets addresses  - loses them\n" },
	{ "picture: of one device, what it lies in is drawn, and the rest summed up",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-01 root-port mem=80000000-800fffff\n"
		"01:00.0 dev 8086:1 bar0=mem:1000@80000000\n"
		"01:00.1 dev 8086:1 bar0=mem:1000@80001000\n"
		"00:02.0 dev 8086:2 bar0=mem:1M@80100000\n",
		NULL, 1u << PR_AREA_MEM32, 0, 60, "0000:01:00.0",
		"host bridge 0000:00, 4 functions\n"
		"\n"
		"memory below 4 GiB\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"         |+ 00:01.0 root port, memory ------------- 1 MiB +|\n"
		"         ||  01:00.0 BAR 0, device 8086:0001       4 KiB  ||\n"
		"80001000 ||  1 function, 1016 KiB free          1020 KiB  ||\n"
		"         |+-----------------------------------------------+|\n"
		"80100000 |  1 function, 254 MiB free              255 MiB  |\n"
		"         +-------------------------------------------------+\n" },
	{ "picture: bus numbers nest, and what nobody has is free",
		"root 0000:00-ff mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-08 root-port\n"
		"01:00.0 bridge 02-04 upstream\n02:00.0 bridge 03-03 downstream\n"
		"03:00.0 dev 8086:1\n03:00.1 dev 8086:1\n",
		NULL, 1u << PR_AREA_BUSES, 0, 60, NULL,
		"host bridge 0000:00, 5 functions\n"
		"\n"
		"bus numbers\n"
		"00 + host bridge ------------------------------- 256 buses +\n"
		"   |  1 function                                    1 bus  |\n"
		"01 |+ 00:01.0 root port ------------------------- 8 buses +|\n"
		"   ||  1 function                                  1 bus  ||\n"
		"02 ||+ 01:00.0 upstream port ------------------- 3 buses +||\n"
		"   |||  1 function                                1 bus  |||\n"
		"03 |||  02:00.0 downstream port: 2 functions      1 bus  |||\n"
		"04 |||  free                                      1 bus  |||\n"
		"   ||+---------------------------------------------------+||\n"
		"05 ||  free                                      4 buses  ||\n"
		"   |+-----------------------------------------------------+|\n"
		"09 |  free                                      247 buses  |\n"
		"   +-------------------------------------------------------+\n" },
	{ "picture: what is not PCI is a box, also within a BAR",
		"root 0000:00-0f mem=80000000-8fffffff busy=80000000-800fffff busy=8f000000-8fffffff\n"
		"00:02.0 dev 8086:2 class=030000 bar0=mem:16M@80000000\n",
		NULL, 1u << PR_AREA_MEM32, 0, 60, NULL,
		"host bridge 0000:00, 1 function\n"
		"\n"
		"memory below 4 GiB\n"
		"80000000 + host bridge --------------------------- 256 MiB +\n"
		"         |+ 00:02.0 BAR 0, VGA controller 8086:0~  16 MiB +|\n"
		"         ||  not PCI                               1 MiB  ||\n"
		"         |+-----------------------------------------------+|\n"
		"81000000 |  free                                  224 MiB  |\n"
		"8f000000 |  not PCI                                16 MiB  |\n"
		"         +-------------------------------------------------+\n" },
	{ "picture: a name with a control character and a half of a letter stays on its line",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:02.0 dev 8086:2 bar0=mem:1M@80000000 driver=a\033[31m<&\"\xc3z\n",
		NULL, 1u << PR_AREA_MEM32, 0, 80, NULL,
		"host bridge 0000:00, 1 function\n"
		"\n"
		"memory below 4 GiB\n"
		"80000000 + host bridge ----------------------------------------------- 256 MiB +\n"
		"         |  00:02.0 BAR 0, device 8086:0002, a?[31m<&\"?z                1 MiB  |\n"
		"80100000 |  free                                                      255 MiB  |\n"
		"         +---------------------------------------------------------------------+\n" },
	{ "picture: 64-bit addresses are as wide as they have to be",
		"root 0000:00-0f mem=80000000-8fffffff mem=3800000000000-38fffffffffff\n"
		"00:02.0 dev 8086:2 bar0=pref64:64G@38f0000000000\n",
		NULL, 1u << PR_AREA_MEM64, 0, 60, NULL,
		"host bridge 0000:00, 1 function\n"
		"\n"
		"memory above 4 GiB\n"
		"3800000000000 + host bridge ----------------------- 16 TiB +\n"
		"              |  free                              15 TiB  |\n"
		"38f0000000000 |  00:02.0 BAR 0, device 8086:0002   64 GiB  |\n"
		"38f1000000000 |  free                             960 GiB  |\n"
		"              +--------------------------------------------+\n" },
};

static char *draw_text(const struct text_case *c)
{
	const struct pr_picture_lines lines = { .width = c->width };
	struct pr_topology *before = machine_build(c->before);
	struct pr_topology *after = c->after ? machine_build(c->after) : NULL;
	const struct pr_function *focus = c->focus ? machine_function(before, c->focus) : NULL;
	const struct pr_picture_options options = {
		.areas = c->areas, .boxes = c->boxes, .focus = &focus, .n_focus = focus ? 1 : 0
	};
	struct pr_text t = { 0 };
	char *text;

	assert_int_equal(pr_picture_text(&t, &lines, before, after, &options), 0);
	assert_int_equal(pr_text_take(&t, &text, NULL), 0);
	pr_topology_free(after);
	pr_topology_free(before);
	return text;
}

static void test_text(void **state)
{
	const struct text_case *c = *state;
	char *text = draw_text(c);

	assert_string_equal(text, c->text);
	free(text);
}

/* ---- SVG: what is in it, and what must not be ---- */

static const struct svg_case {
	const char *name, *before, *after;
	const char *has, *lacks; /* NULL: not looked for */
	size_t arrows;
} svg_cases[] = {
	{ "svg: a name is no markup",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:02.0 dev 8086:2 bar0=mem:1M@80000000 driver=<&\"\n",
		NULL, "8086:0002, driver &lt;&amp;&quot;", "<&", 0 },
	{ "svg: a control character, and half of a letter, are replaced",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:02.0 dev 8086:2 bar0=mem:1M@80000000 driver=a\033\xc3z\n",
		NULL, "driver a\xef\xbf\xbd\xef\xbf\xbdz", "\033", 0 },
	{ "svg: what moves has an arrow",
		"root 0000:00-0f mem=80000000-8fffffff\n00:02.0 dev 8086:2 bar0=mem:1M@80100000\n",
		"root 0000:00-0f mem=80000000-8fffffff\n00:02.0 dev 8086:2 bar0=mem:1M@80200000\n",
		NULL, NULL, 1 },
	{ "svg: where nothing moves there is no arrow",
		"root 0000:00-0f mem=80000000-8fffffff\n00:02.0 dev 8086:2 bar0=mem:1M@80100000\n",
		"root 0000:00-0f mem=80000000-8fffffff\n00:02.0 dev 8086:2 bar0=mem:1M@80100000\n",
		"afterwards", NULL, 0 },
	{ "svg: what its window takes along has no arrow of its own",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-01 root-port mem=80000000-800fffff\n"
		"01:00.0 dev 8086:1 bar0=mem:1M@80000000\n",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:01.0 bridge 01-01 root-port mem=80100000-801fffff\n"
		"01:00.0 dev 8086:1 bar0=mem:1M@80100000\n",
		"was at 80000000", NULL, 1 },
	{ "svg: who uses a device is told",
		"root 0000:00-0f mem=80000000-8fffffff\n"
		"00:02.0 dev 8086:2 bar0=mem:1M@80100000 driver=nvme user=mount:/srv\n",
		NULL, "may-in-use", NULL, 0 },
};

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		n++;
	return n;
}

static void test_svg(void **state)
{
	const struct svg_case *c = *state;
	struct pr_topology *before = machine_build(c->before);
	struct pr_topology *after = c->after ? machine_build(c->after) : NULL;
	const struct pr_picture_options options = { 0 };
	struct pr_text t = { 0 };
	const char *body;

	assert_int_equal(pr_picture_svg(&t, before, after, &options), 0);
	assert_non_null(t.data);
	body = strstr(t.data, "</style>");
	assert_non_null(body);
	if (c->has)
		assert_non_null(strstr(body, c->has));
	if (c->lacks)
		assert_null(strstr(body, c->lacks));
	assert_int_equal(count(body, "class=\"arrow"), c->arrows);
	pr_text_deinit(&t);
	pr_topology_free(after);
	pr_topology_free(before);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, text_cases, test_text);
	ADD_ROWS(&tests, svg_cases, test_svg);

	return rows_run(&tests, "picture");
}

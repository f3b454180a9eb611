/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines for tests: text to a topology, through the real builder and the
 * real decoder.  One line an object, '#' begins a comment, words are separated
 * by blanks.  Numbers are hexadecimal; a size may be decimal with K M G T.
 *
 *   kernel 6.1.0-50-amd64        cmdline pci=hpmmiosize=4M pci=realloc
 *   alignments 26@0000:02:00.0   (resource_alignment of sysfs)
 *   arch x86_64                  lockdown integrity         guest
 *   root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff
 *        busy=feb00000-feb0ffff busy-io=...   (one line; no io= and mem=: apertures not known;
 *        0000:40-?: the last bus is not known)
 *   00:02.0 bridge 01-05 root-port hotplug io=c000-cfff mem=fe400000-fe5fffff
 *        pref64=100000000-1001fffff driver=pcieport              (one line)
 *   04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe440000 bar2=io:20@c000
 *        rom=40000@none driver=e1000e user=mount:/srv            (one line)
 *
 * Bridges: "bridge none" has no bus numbers.  Port: root-port, upstream,
 *   downstream, pcie-to-pci (default: conventional).  Windows io= mem= pref64=
 *   or pref= (32-bit registers): FIRST-LAST or closed (the default).
 *   regs-io= regs-mem= regs-pref=: registers that differ from the table.
 * BARs: barN=TYPE:SIZE@WHERE, TYPE mem mem64 pref pref64 io; rom=SIZE@WHERE.
 *   WHERE: an address ("!" behind it: fixed); forgotten or none (empty line,
 *   measured); forgotten? (empty line, not measured); unassigned (UNSET);
 *   released (start 0 without UNSET: taken away by the kernel).
 * SR-IOV: vfs=TOTAL numvfs=N vfbarN=TYPE:SIZE_OF_ONE@WHERE; vf-of=ADDRESS
 *   makes a virtual function.
 * newcomer: plugged in, not enumerated; windows and bus range ("bridge none") are those of
 *   power-on, WHERE of a BAR does not matter.  order=N: place in the discovery order.
 * Also: user=KIND:WHAT slot= label= removable= override= enabled=N group=N
 *   numa=N parent=ADDRESS conventional nolines bytes=N config=OFFSET:BYTES
 * Functions below a bridge are found by bus number.
 */
#pragma once

#include "pciroom/topology.h"

/* Fails the test, and names the line, when @text is not a machine.  Freed by pr_topology_free(). */
struct pr_topology *machine_build(const char *text);

/* For machines that contradict themselves: fails the test when @text builds. */
void machine_build_error(const char *text, struct pr_build_error *ret);

/* Function at @address; fails the test when there is none. */
struct pr_function *machine_function(const struct pr_topology *t, const char *address);
/* Its resource; fails the test when it has none. */
struct pr_resource *machine_resource(
	const struct pr_topology *t, const char *address, unsigned int index);

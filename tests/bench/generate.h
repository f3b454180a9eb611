/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machines that are made up, of any size, and cards that arrive dead; as facts, as importers give. */
#pragma once

#include "pciroom/topology.h"

/*
 * @n functions over @segments host bridges, each full of switches: up to 24
 * root ports with a switch of eight ports, on each of them as many functions
 * as it takes.  Windows are as small as they can be, and in the first @dead
 * segments the last port of the first switch holds a card with a 256 MiB and a
 * 1 MiB BAR that the kernel could not place.  Gives a builder, so that building
 * can be timed.
 */
struct pr_builder *bench_generate(size_t n, unsigned int segments, unsigned int dead);

/*
 * @t again, with a card behind @port whose BARs the kernel forgot: 256 MiB,
 * 64-bit prefetchable, and 1 MiB, 32-bit.  Host bridges whose apertures are
 * not known get some.  NULL when it cannot be built.
 */
struct pr_topology *bench_add_dead(const struct pr_topology *t, const struct pr_function *port);

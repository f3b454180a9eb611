/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random small machines in trouble, as text (tests/unit/machine.h): all kernels, one
 * or two host bridges, cards of several functions, ports with and without
 * driver, reserves, pins, users; dead BARs of every kind, or a newcomer in a
 * hot-plug port.  The same from a seed everywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wild {
	char text[16384];
	char port[32];      /* the newcomer's; empty: nothing is plugged in */
	char pin[32];       /* address that the administrator pins; empty: none */
	unsigned int limit; /* enum pr_disruption */
	const char *release;
};
/* False: this seed gives no machine. */
bool wild_make(struct wild *w, uint64_t seed);
/* The same with nothing dead, and cards whose prefetchable BAR can have any size up to 8 GiB. */
bool wild_make_healthy(struct wild *w, uint64_t seed);
/* Cards whose prefetchable BAR is that of virtual functions, dead or not; nothing is plugged in. */
bool wild_make_virtual(struct wild *w, uint64_t seed);

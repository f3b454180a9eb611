/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of a bridge as bytes, from what the topology says of it: the way
 * back from pr_config_bridge() (PCI-to-PCI Bridge 1.2, chapter 3).
 */
#include "pciroom/topology.h"

#include <string.h>

static void put(uint8_t *p, unsigned int width, uint64_t value)
{
	for (unsigned int i = 0; i < width; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

/* Window registers: PCI-to-PCI Bridge 1.2, 3.2.5.6 to 3.2.5.10; closed as Linux writes it. */
static void encode_io(const struct pr_window *w, uint8_t *raw)
{
	bool open = w->open == PR_YES;
	uint8_t type = w->width == 32;

	if (w->implemented != PR_YES)
		return;
	raw[0x1c] = (uint8_t)((open ? w->range.first >> 8 & 0xf0 : 0xf0) | type);
	raw[0x1d] = (uint8_t)((open ? w->range.last >> 8 & 0xf0 : 0) | type);
	put(raw + 0x30, 2, open ? w->range.first >> 16 : 0);
	put(raw + 0x32, 2, open ? w->range.last >> 16 : 0);
}

static void encode_mem(const struct pr_window *w, uint8_t *raw, unsigned int offset)
{
	bool open = w->open == PR_YES;
	uint8_t type = w->width == 64;

	if (w->implemented != PR_YES)
		return;
	put(raw + offset, 2, (open ? w->range.first >> 16 & 0xfff0 : 0xfff0) | type);
	put(raw + offset + 2, 2, (open ? w->range.last >> 16 & 0xfff0 : 0) | type);
	if (type) {
		put(raw + 0x28, 4, open ? w->range.first >> 32 : 0);
		put(raw + 0x2c, 4, open ? w->range.last >> 32 : 0);
	}
}

void pr_bridge_encode(const struct pr_bridge *b, uint8_t ret[64])
{
	memset(ret, 0, 64);
	ret[0x0e] = 1; /* header type */
	ret[0x18] = b->primary;
	ret[0x19] = b->secondary;
	ret[0x1a] = b->subordinate;
	encode_io(&b->registers[0], ret);
	encode_mem(&b->registers[1], ret, 0x20);
	encode_mem(&b->registers[2], ret, 0x24);
	put(ret + 0x3e, 2, b->control);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allow-list of the header.  What is not in the table is refused; a
 * register comes in with a plan step that needs it, not before.
 */
#include <stddef.h>

#include "base/macros.h"
#include "helper/registers.h"

#define ANY_HEADER 0xff

/* PCI Local Bus 3.0 chapter 6, PCI-to-PCI Bridge 1.2 chapter 3 */
static const struct {
	uint8_t header_type;
	uint32_t first, last;
} registers[] = {
	/* Command: decode off and on around a change */
	{ ANY_HEADER, 0x04, 0x05 },
	/* primary, secondary, subordinate bus; not the latency timer behind them */
	{ PR_HEADER_TYPE_BRIDGE, 0x18, 0x1a },
	/*
	 * I/O base and limit; not the secondary status behind them, whose bits clear when written
	 */
	{ PR_HEADER_TYPE_BRIDGE, 0x1c, 0x1d },
	/* memory and prefetchable windows, their upper halves, I/O upper halves */
	{ PR_HEADER_TYPE_BRIDGE, 0x20, 0x33 },
	/* Bridge Control: VGA and ISA forwarding */
	{ PR_HEADER_TYPE_BRIDGE, 0x3e, 0x3f },
};

static bool byte_allowed(uint8_t header_type, uint32_t offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		if (registers[i].header_type != ANY_HEADER &&
			registers[i].header_type != header_type)
			continue;
		if (offset >= registers[i].first && offset <= registers[i].last)
			return true;
	}

	return false;
}

bool pr_register_allowed(uint8_t header_type, uint32_t offset, uint8_t width)
{
	if ((width != 1 && width != 2 && width != 4) || offset % width != 0)
		return false;

	for (uint8_t i = 0; i < width; i++)
		if (!byte_allowed(header_type, offset + i))
			return false;

	return true;
}

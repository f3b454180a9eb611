/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allow-list.  What is not in the tables is refused; a register comes in
 * with a plan step or a setting that needs it, not before.
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

/* ---- capabilities ---- */

#define REG_STATUS   0x06u
#define STATUS_LIST  0x10u
#define REG_LIST     0x34u
#define REG_EXTENDED 0x100u
#define LIST_MAX     48u
#define EXTENDED_MAX 960u
#define EXTENDED     0x10000u /* added to the identity of an extended capability */
#define CAP_PCIE     0x10u
#define CAP_AER      (EXTENDED | 0x01u)
#define CAP_ACS      (EXTENDED | 0x0du)
#define CAP_LTR      (EXTENDED | 0x18u)
#define PAYLOAD      0x00e0u

/*
 * Whole registers of one width.  Bits that do something when they are set (Initiate Function Level
 * Reset, Retrain Link) are in no mask.  `driven`: the same while a driver works with the function.
 */
static const struct {
	uint32_t capability;
	uint32_t offset;
	uint8_t width;
	uint32_t mask, driven;
} capability_registers[] = {
	/* PCIe 7.5.3.4 Device Control: payload, read request, ordering, error reporting */
	{ CAP_PCIE, 0x08, 2, 0x781f | PAYLOAD, 0x781f },
	/* 7.5.3.16 Device Control 2: completion timeout, ID-based ordering, LTR */
	{ CAP_PCIE, 0x28, 2, 0x071f, 0x071f },
	/* 7.8.4 Advanced Error Reporting: masks, severity, ECRC */
	{ CAP_AER, 0x08, 4, UINT32_MAX, UINT32_MAX },
	{ CAP_AER, 0x0c, 4, UINT32_MAX, UINT32_MAX },
	{ CAP_AER, 0x14, 4, UINT32_MAX, UINT32_MAX },
	{ CAP_AER, 0x18, 4, 0x0140, 0x0140 },
	/* 7.7.11 Access Control Services: control */
	{ CAP_ACS, 0x06, 2, 0x1fff, 0x1fff },
	/* 7.8.2 Latency Tolerance Reporting */
	{ CAP_LTR, 0x04, 4, 0x1fff1fff, 0x1fff1fff },
};

static uint32_t read_u32(const uint8_t *config, uint32_t offset)
{
	return (uint32_t)config[offset] | (uint32_t)config[offset + 1] << 8 |
	       (uint32_t)config[offset + 2] << 16 | (uint32_t)config[offset + 3] << 24;
}

static uint32_t mask_in(
	uint32_t capability, uint32_t at, uint32_t offset, uint8_t width, bool driven)
{
	for (size_t i = 0; i < ARRAY_SIZE(capability_registers); i++)
		if (capability_registers[i].capability == capability &&
			at + capability_registers[i].offset == offset &&
			capability_registers[i].width == width)
			return driven ? capability_registers[i].driven
				      : capability_registers[i].mask;

	return 0;
}

/* Both walks end after as many entries as there can be: a list may be a circle. */
static uint32_t mask_in_list(
	const uint8_t *config, size_t length, uint32_t offset, uint8_t width, bool driven)
{
	uint32_t mask = 0, at;

	if (length < REG_LIST + 1 || !(config[REG_STATUS] & STATUS_LIST))
		return 0;
	at = config[REG_LIST] & ~3u;
	for (unsigned int n = 0; n < LIST_MAX && mask == 0; n++) {
		if (at < 0x40 || at + 2 > length)
			return 0;
		mask = mask_in(config[at], at, offset, width, driven);
		at = config[at + 1] & ~3u;
	}

	return mask;
}

static uint32_t mask_in_extended(
	const uint8_t *config, size_t length, uint32_t offset, uint8_t width, bool driven)
{
	uint32_t mask = 0, at = REG_EXTENDED, header;

	for (unsigned int n = 0; n < EXTENDED_MAX && mask == 0; n++) {
		if (at < REG_EXTENDED || at + 4 > length)
			return 0;
		header = read_u32(config, at);
		mask = mask_in(EXTENDED | (header & 0xffff), at, offset, width, driven);
		at = header >> 20 & ~3u;
	}

	return mask;
}

uint32_t pr_register_capability_mask(
	const uint8_t *config, size_t length, uint32_t offset, uint8_t width, bool driven)
{
	uint32_t mask = 0;

	if (offset >= 0x40 && (size_t)offset + width <= length) {
		mask = mask_in_list(config, length, offset, width, driven);
		if (mask == 0)
			mask = mask_in_extended(config, length, offset, width, driven);
	}

	return mask;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Headers of configuration space: identification, base address registers,
 * bridge windows and bus numbers.  Reads a known prefix of bytes; what lies
 * beyond is not known, never zero.  Knows nothing of where bytes come from.
 */
#include "core/decode.h"

enum {
	REG_VENDOR = 0x00,
	REG_DEVICE = 0x02,
	REG_COMMAND = 0x04,
	REG_STATUS = 0x06,
	REG_REVISION = 0x08,
	REG_CLASS = 0x09,
	REG_HEADER_TYPE = 0x0e,
	REG_BAR0 = 0x10,
	REG_SUBVENDOR = 0x2c,
	REG_SUBDEVICE = 0x2e,
	REG_ROM = 0x30,

	REG_PRIMARY = 0x18,
	REG_SECONDARY = 0x19,
	REG_SUBORDINATE = 0x1a,
	REG_IO_BASE = 0x1c,
	REG_IO_LIMIT = 0x1d,
	REG_MEM_BASE = 0x20,
	REG_MEM_LIMIT = 0x22,
	REG_PREF_BASE = 0x24,
	REG_PREF_LIMIT = 0x26,
	REG_PREF_BASE_UPPER = 0x28,
	REG_PREF_LIMIT_UPPER = 0x2c,
	REG_IO_BASE_UPPER = 0x30,
	REG_IO_LIMIT_UPPER = 0x32,
	REG_BRIDGE_ROM = 0x38,
	REG_BRIDGE_CONTROL = 0x3e,
};

#define BRIDGE_HEADER_BYTES 0x34 /* up to the last window register */

static bool known(const struct pr_config *c, size_t offset, size_t n)
{
	if (n > c->length || offset > c->length - n)
		return false;
	for (size_t i = 0; c->holes && i < n; i++)
		if (c->holes[offset + i])
			return false;
	return true;
}

bool pr_config_u8(const struct pr_config *c, size_t offset, uint8_t *ret)
{
	if (!known(c, offset, 1))
		return false;

	*ret = c->bytes[offset];
	return true;
}

bool pr_config_u16(const struct pr_config *c, size_t offset, uint16_t *ret)
{
	if (!known(c, offset, 2))
		return false;

	*ret = (uint16_t)(c->bytes[offset] | c->bytes[offset + 1] << 8);
	return true;
}

bool pr_config_u32(const struct pr_config *c, size_t offset, uint32_t *ret)
{
	const uint8_t *b;

	if (!known(c, offset, 4))
		return false;

	b = c->bytes + offset;
	*ret = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	return true;
}

/* Reads for registers that the caller knows to lie inside of the known bytes. */
static uint8_t get_u8(const struct pr_config *c, size_t offset)
{
	uint8_t v = 0;

	(void)pr_config_u8(c, offset, &v);
	return v;
}

static uint16_t get_u16(const struct pr_config *c, size_t offset)
{
	uint16_t v = 0;

	(void)pr_config_u16(c, offset, &v);
	return v;
}

static uint32_t get_u32(const struct pr_config *c, size_t offset)
{
	uint32_t v = 0;

	(void)pr_config_u32(c, offset, &v);
	return v;
}

static enum pr_header_type header_type(uint8_t byte)
{
	switch (byte & 0x7f) {
	case 0:
		return PR_HEADER_NORMAL;
	case 1:
		return PR_HEADER_BRIDGE;
	case 2:
		return PR_HEADER_CARDBUS;
	default:
		return PR_HEADER_OTHER;
	}
}

static void read_subsystem(const struct pr_config *c, struct pr_header *h)
{
	if (h->type != PR_HEADER_NORMAL) {
		h->has_subsystem = PR_NO;
		return;
	}
	if (pr_config_u16(c, REG_SUBVENDOR, &h->subvendor) &&
		pr_config_u16(c, REG_SUBDEVICE, &h->subdevice))
		h->has_subsystem = PR_YES;
}

bool pr_config_header(const struct pr_config *c, struct pr_header *ret)
{
	uint8_t type;

	if (!pr_config_u8(c, REG_HEADER_TYPE, &type))
		return false; /* it is the last byte of the common part */

	*ret = (struct pr_header){
		.type = header_type(type),
		.multifunction = (type & 0x80) != 0,
		.has_ids = known(c, REG_VENDOR, 4),
		.has_class = known(c, REG_CLASS + 1, 2),
		.vendor = get_u16(c, REG_VENDOR),
		.device = get_u16(c, REG_DEVICE),
		.command = get_u16(c, REG_COMMAND),
		.status = get_u16(c, REG_STATUS),
		.class_code = get_u8(c, REG_CLASS) | (uint32_t)get_u16(c, REG_CLASS + 1) << 8,
		.revision = get_u8(c, REG_REVISION),
	};
	read_subsystem(c, ret);
	return true;
}

/* Type bits and the low part of an address (PCI 3.0 6.2.5.1). */
static struct pr_bar bar_from_register(uint32_t low)
{
	if (low & 1)
		return (struct pr_bar){ .implemented = true, .io = true, .address = low & ~3u };

	return (struct pr_bar){
		.implemented = low != 0,
		.is_64bit = (low & 6) == 4,
		.prefetchable = (low & 8) != 0,
		.address = low & ~0xfu,
	};
}

static unsigned int bar_count(enum pr_header_type type)
{
	switch (type) {
	case PR_HEADER_NORMAL:
		return 6;
	case PR_HEADER_BRIDGE:
		return 2;
	case PR_HEADER_CARDBUS:
		return 1;
	case PR_HEADER_UNKNOWN:
	case PR_HEADER_OTHER:
		break;
	}
	return 0;
}

bool pr_config_bar_at(const struct pr_config *c, size_t base, unsigned int n_bars,
	unsigned int index, struct pr_bar *ret)
{
	struct pr_bar bar = { 0 };
	uint32_t low, high;

	for (unsigned int i = 0; i <= index; i++) {
		if (!pr_config_u32(c, base + (size_t)i * 4, &low))
			return false;
		if (i > 0 && bar.is_64bit) {
			bar = (struct pr_bar){ 0 }; /* upper half */
			continue;
		}
		bar = bar_from_register(low);
		if (i + 1 == n_bars)
			bar.is_64bit = false; /* there is no register for an upper half */
	}
	if (bar.is_64bit) {
		if (!pr_config_u32(c, base + (size_t)index * 4 + 4, &high))
			return false;
		bar.address |= (uint64_t)high << 32;
	}

	*ret = bar;
	return true;
}

bool pr_config_bar(const struct pr_config *c, unsigned int index, struct pr_bar *ret)
{
	unsigned int n_bars;
	uint8_t type;

	if (!pr_config_u8(c, REG_HEADER_TYPE, &type))
		return false;
	n_bars = bar_count(header_type(type));
	if (index >= n_bars)
		return false;

	return pr_config_bar_at(c, REG_BAR0, n_bars, index, ret);
}

bool pr_config_rom(const struct pr_config *c, struct pr_bar *ret)
{
	enum pr_header_type type;
	uint8_t type_byte;
	uint32_t rom;

	if (!pr_config_u8(c, REG_HEADER_TYPE, &type_byte))
		return false;
	type = header_type(type_byte);
	if (type != PR_HEADER_NORMAL && type != PR_HEADER_BRIDGE)
		return false;
	if (!pr_config_u32(c, type == PR_HEADER_BRIDGE ? REG_BRIDGE_ROM : REG_ROM, &rom))
		return false;

	*ret = (struct pr_bar){
		.implemented = rom != 0,
		.enabled = (rom & 1) != 0,
		.address = rom & ~0x7ffu,
	};
	return true;
}

/* Registers of one window, and their upper halves, which count when the lower ones say so. */
static bool window_known(const struct pr_config *c, size_t at, size_t n, size_t upper_at)
{
	uint8_t type;

	if (!known(c, at, n) || !pr_config_u8(c, at, &type))
		return false;
	return upper_at == 0 || (type & 0xf) != 1 || known(c, upper_at, 2 * n);
}

static void set_window(struct pr_window *w, uint64_t base, uint64_t limit)
{
	/*
	 * Registers that read zero are either absent or forward the lowest
	 * block (bridge spec 1.2, 3.2.5.6 and 3.2.5.9): bytes cannot tell.
	 */
	if (w->implemented != PR_YES)
		return;

	w->open = base <= limit ? PR_YES : PR_NO;
	if (w->open == PR_YES)
		w->range = (struct pr_range){ .first = base, .last = limit };
}

static struct pr_window io_window(const struct pr_config *c)
{
	uint8_t low_base = get_u8(c, REG_IO_BASE), low_limit = get_u8(c, REG_IO_LIMIT);
	uint32_t upper = get_u32(c, REG_IO_BASE_UPPER);
	bool wide = (low_base & 0xf) == 1;
	uint64_t base = (uint64_t)(low_base & 0xf0) << 8;
	uint64_t limit = (uint64_t)(low_limit & 0xf0) << 8 | 0xfff;
	struct pr_window w = {
		.implemented = low_base || low_limit || upper ? PR_YES : PR_UNKNOWN,
		.width = wide ? 32 : 16,
	};

	if (!window_known(c, REG_IO_BASE, 2, REG_IO_BASE_UPPER))
		return (struct pr_window){ 0 };
	if (wide) {
		base |= (uint64_t)(upper & 0xffff) << 16;
		limit |= (uint64_t)(upper >> 16) << 16;
	}
	set_window(&w, base, limit);
	return w;
}

static struct pr_window mem_window(const struct pr_config *c)
{
	uint64_t base = (uint64_t)(get_u16(c, REG_MEM_BASE) & 0xfff0) << 16;
	uint64_t limit = (uint64_t)(get_u16(c, REG_MEM_LIMIT) & 0xfff0) << 16 | 0xfffff;
	struct pr_window w = { .implemented = PR_YES, .width = 32 };

	if (!window_known(c, REG_MEM_BASE, 4, 0))
		w.implemented = PR_UNKNOWN;
	set_window(&w, base, limit);
	return w;
}

static struct pr_window pref_window(const struct pr_config *c)
{
	uint16_t low_base = get_u16(c, REG_PREF_BASE), low_limit = get_u16(c, REG_PREF_LIMIT);
	uint32_t upper_base = get_u32(c, REG_PREF_BASE_UPPER);
	uint32_t upper_limit = get_u32(c, REG_PREF_LIMIT_UPPER);
	bool wide = (low_base & 0xf) == 1;
	uint64_t base = (uint64_t)(low_base & 0xfff0) << 16;
	uint64_t limit = (uint64_t)(low_limit & 0xfff0) << 16 | 0xfffff;
	bool any = low_base || low_limit || upper_base || upper_limit;
	struct pr_window w = {
		.implemented = any ? PR_YES : PR_UNKNOWN,
		.width = wide ? 64 : 32,
	};

	if (!window_known(c, REG_PREF_BASE, 4, REG_PREF_BASE_UPPER))
		return (struct pr_window){ 0 };
	if (wide) {
		base |= (uint64_t)upper_base << 32;
		limit |= (uint64_t)upper_limit << 32;
	}
	set_window(&w, base, limit);
	return w;
}

bool pr_config_bridge(const struct pr_config *c, struct pr_bridge_header *ret)
{
	if (c->length < BRIDGE_HEADER_BYTES || !known(c, REG_HEADER_TYPE, 1) ||
		!known(c, REG_PRIMARY, 3) ||
		header_type(get_u8(c, REG_HEADER_TYPE)) != PR_HEADER_BRIDGE)
		return false;

	*ret = (struct pr_bridge_header){
		.primary = get_u8(c, REG_PRIMARY),
		.secondary = get_u8(c, REG_SECONDARY),
		.subordinate = get_u8(c, REG_SUBORDINATE),
		.io = io_window(c),
		.mem = mem_window(c),
		.pref = pref_window(c),
	};
	ret->control_known = pr_config_u16(c, REG_BRIDGE_CONTROL, &ret->control);
	return true;
}

uint64_t pr_bar_size_from_mask(uint32_t low, uint32_t high, bool rom)
{
	uint64_t bits;

	if (low == UINT32_MAX)
		return 0; /* nobody answered: some low bit reads zero in every kind of BAR */

	if (rom)
		bits = low & ~0x7ffu;
	else if (low & 1)
		bits = low & ~3u;
	else
		bits = (low & ~0xfu) | ((low & 6) == 4 ? (uint64_t)high << 32 : 0);

	return bits & (~bits + 1); /* the lowest address bit that could be set */
}

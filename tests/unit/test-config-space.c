/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers, base address registers and bridge windows, from bytes that a row lists. */
#include "pciroom/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* Registers of a row: 32 bits at an offset; the rest is zero. */
struct reg {
	uint8_t at;
	uint32_t value;
};
#define MAX_REGS 12

enum {
	TYPE_0 = 0x00000000,
	TYPE_1 = 0x00010000,
	TYPE_2 = 0x00020000,
	TYPE_OTHER = 0x007f0000
};

static void fill(uint8_t bytes[64], const struct reg *regs)
{
	memset(bytes, 0, 64);
	for (size_t i = 0; i < MAX_REGS && (regs[i].at != 0 || regs[i].value != 0); i++)
		for (size_t k = 0; k < 4; k++)
			bytes[regs[i].at + k] = (uint8_t)(regs[i].value >> (8 * k));
}

/* ---- base address registers ---- */

static const struct bar_case {
	const char *name;
	struct reg regs[MAX_REGS];
	unsigned int index;
	bool known;
	struct pr_bar bar;
} bar_cases[] = {
	{ "bar: zero is not implemented", { { 0x0c, TYPE_0 } }, 0, true, { 0 } },
	{ "bar: 32-bit memory", { { 0x10, 0xfe440000 } }, 0, true,
		{ .implemented = true, .address = 0xfe440000 } },
	{ "bar: type bits alone are implemented, without an address", { { 0x10, 0x0000000c } }, 0,
		true, { .implemented = true, .is_64bit = true, .prefetchable = true } },
	{ "bar: 64-bit prefetchable joins both halves",
		{ { 0x18, 0xe000000c }, { 0x1c, 0x00000038 } }, 2, true,
		{ .implemented = true,
			.is_64bit = true,
			.prefetchable = true,
			.address = UINT64_C(0x38e0000000) } },
	{ "bar: the upper half of a 64-bit BAR is none by itself",
		{ { 0x18, 0xe000000c }, { 0x1c, 0x00000038 } }, 3, true, { 0 } },
	{ "bar: an upper half that looks 64-bit does not swallow the next one",
		{ { 0x10, 0xe0000004 }, { 0x14, 0x00000004 }, { 0x18, 0xfe000000 } }, 2, true,
		{ .implemented = true, .address = 0xfe000000 } },
	{ "bar: I/O has two type bits", { { 0x10, 0x0000c001 } }, 0, true,
		{ .implemented = true, .io = true, .address = 0xc000 } },
	{ "bar: I/O with bits that look 64-bit is I/O", { { 0x10, 0x0000c025 } }, 0, true,
		{ .implemented = true, .io = true, .address = 0xc024 } },
	{ "bar: the last one has no upper half", { { 0x24, 0xe0000004 }, { 0x28, 0xffffffff } }, 5,
		true, { .implemented = true, .address = 0xe0000000 } },
	{ "bar: a bridge has two", { { 0x0c, TYPE_1 }, { 0x14, 0xfe000000 } }, 1, true,
		{ .implemented = true, .address = 0xfe000000 } },
	{ "bar: a bridge's bus numbers are no third BAR",
		{ { 0x0c, TYPE_1 }, { 0x18, 0x00050201 } }, 2, false, { 0 } },
	{ "bar: a 64-bit BAR of a bridge",
		{ { 0x0c, TYPE_1 }, { 0x10, 0x00000004 }, { 0x14, 0x00000008 } }, 0, true,
		{ .implemented = true, .is_64bit = true, .address = UINT64_C(0x800000000) } },
	{ "bar: CardBus has one", { { 0x0c, TYPE_2 }, { 0x10, 0xe4300000 } }, 0, true,
		{ .implemented = true, .address = 0xe4300000 } },
	{ "bar: CardBus has no second one", { { 0x0c, TYPE_2 }, { 0x14, 0x020000a0 } }, 1, false,
		{ 0 } },
	{ "bar: none in a header that nobody knows", { { 0x0c, TYPE_OTHER }, { 0x10, 0xfe000000 } },
		0, false, { 0 } },
	{ "bar: there is no seventh", { { 0x28, 0xfe000000 } }, 6, false, { 0 } },
};

static void check_bar(const struct pr_bar *got, const struct pr_bar *want)
{
	assert_int_equal(got->implemented, want->implemented);
	assert_int_equal(got->io, want->io);
	assert_int_equal(got->is_64bit, want->is_64bit);
	assert_int_equal(got->prefetchable, want->prefetchable);
	assert_int_equal(got->enabled, want->enabled);
	assert_int_equal(got->address, want->address);
}

static void test_bar(void **state)
{
	const struct bar_case *c = *state;
	struct pr_bar got = { .address = 0x5a5a };
	uint8_t bytes[64];

	fill(bytes, c->regs);
	assert_int_equal(
		pr_config_bar(&(struct pr_config){ .bytes = bytes, .length = sizeof(bytes) },
			c->index, &got),
		c->known);
	if (c->known)
		check_bar(&got, &c->bar);
	else
		assert_int_equal(got.address, 0x5a5a);
}

/* ---- expansion ROM ---- */

static const struct rom_case {
	const char *name;
	struct reg regs[MAX_REGS];
	bool known;
	struct pr_bar rom;
} rom_cases[] = {
	{ "rom: zero is not implemented", { { 0x0c, TYPE_0 } }, true, { 0 } },
	{ "rom: address without the enable bit", { { 0x30, 0xfe480000 } }, true,
		{ .implemented = true, .address = 0xfe480000 } },
	{ "rom: enable bit is not a part of the address", { { 0x30, 0xfe480001 } }, true,
		{ .implemented = true, .enabled = true, .address = 0xfe480000 } },
	{ "rom: reserved bits are not a part of the address", { { 0x30, 0xfe4807fe } }, true,
		{ .implemented = true, .address = 0xfe480000 } },
	{ "rom: a bridge has it elsewhere",
		{ { 0x0c, TYPE_1 }, { 0x30, 0x00010001 }, { 0x38, 0xfe480001 } }, true,
		{ .implemented = true, .enabled = true, .address = 0xfe480000 } },
	{ "rom: CardBus has none", { { 0x0c, TYPE_2 }, { 0x30, 0xfe480000 } }, false, { 0 } },
};

static void test_rom(void **state)
{
	const struct rom_case *c = *state;
	struct pr_bar got = { .address = 0x5a5a };
	uint8_t bytes[64];

	fill(bytes, c->regs);
	assert_int_equal(
		pr_config_rom(&(struct pr_config){ .bytes = bytes, .length = sizeof(bytes) }, &got),
		c->known);
	if (c->known)
		check_bar(&got, &c->rom);
	else
		assert_int_equal(got.address, 0x5a5a);
}

/* ---- bridge windows ---- */

#define YES(w, a, b)                                                                      \
	{                                                                                 \
		.implemented = PR_YES, .open = PR_YES, .width = (w), .range = {(a), (b) } \
	}
#define CLOSED(w)                                                  \
	{                                                          \
		.implemented = PR_YES, .open = PR_NO, .width = (w) \
	}
#define ZERO(w)                                                             \
	{                                                                   \
		.implemented = PR_UNKNOWN, .open = PR_UNKNOWN, .width = (w) \
	}

static const struct window_case {
	const char *name;
	struct reg regs[MAX_REGS];
	struct pr_window io, mem, pref;
} window_cases[] = {
	{ "window: all zero: memory forwards its lowest MiB, the others cannot be told",
		{ { 0x0c, TYPE_1 } }, ZERO(16), YES(32, 0, 0xfffff), ZERO(32) },
	{ "window: closed as Linux writes it",
		{ { 0x0c, TYPE_1 }, { 0x1c, 0x000000f0 }, { 0x20, 0x0000fff0 },
			{ 0x24, 0x0001fff1 } },
		CLOSED(16), CLOSED(32), CLOSED(64) },
	{ "window: one unit of each",
		{ { 0x0c, TYPE_1 }, { 0x1c, 0x0000c0c0 }, { 0x20, 0xfe40fe40 },
			{ 0x24, 0xf000f000 } },
		YES(16, 0xc000, 0xcfff), YES(32, 0xfe400000, 0xfe4fffff),
		YES(32, 0xf0000000, 0xf00fffff) },
	{ "window: limit one unit below the base is closed",
		{ { 0x0c, TYPE_1 }, { 0x1c, 0x0000b0c0 }, { 0x20, 0xfe30fe40 },
			{ 0x24, 0xeff0f000 } },
		CLOSED(16), CLOSED(32), CLOSED(32) },
	{ "window: 32-bit I/O takes its upper halves",
		{ { 0x0c, TYPE_1 }, { 0x1c, 0x0000f101 }, { 0x30, 0x00020001 }, { 0x20, 0xfff0 } },
		YES(32, 0x10000, 0x2ffff), CLOSED(32), ZERO(32) },
	{ "window: 16-bit I/O does not",
		{ { 0x0c, TYPE_1 }, { 0x1c, 0x0000f000 }, { 0x30, 0x00020001 }, { 0x20, 0xfff0 } },
		YES(16, 0x0000, 0xffff), CLOSED(32), ZERO(32) },
	{ "window: 64-bit prefetchable takes its upper halves",
		{ { 0x0c, TYPE_1 }, { 0x20, 0xfff0 }, { 0x24, 0xfff10001 }, { 0x28, 0x38 },
			{ 0x2c, 0x3f } },
		ZERO(16), CLOSED(32), YES(64, UINT64_C(0x3800000000), UINT64_C(0x3fffffffff)) },
	{ "window: 32-bit prefetchable does not",
		{ { 0x0c, TYPE_1 }, { 0x20, 0xfff0 }, { 0x24, 0xfff00000 }, { 0x28, 0x38 },
			{ 0x2c, 0x3f } },
		ZERO(16), CLOSED(32), YES(32, 0, 0xffffffff) },
	{ "window: 64-bit prefetchable is closed by its upper halves",
		{ { 0x0c, TYPE_1 }, { 0x20, 0xfff0 }, { 0x24, 0x00110001 }, { 0x28, 0x2 },
			{ 0x2c, 0x1 } },
		ZERO(16), CLOSED(32), CLOSED(64) },
	{ "window: up to the last 64-bit address",
		{ { 0x0c, TYPE_1 }, { 0x20, 0xfff0 }, { 0x24, 0xfff1fff1 }, { 0x28, 0xffffffff },
			{ 0x2c, 0xffffffff } },
		ZERO(16), CLOSED(32), YES(64, UINT64_MAX - 0xfffff, UINT64_MAX) },
	{ "window: one set bit in an upper half shows that the register is there",
		{ { 0x0c, TYPE_1 }, { 0x20, 0xfff0 }, { 0x2c, 0x1 }, { 0x30, 0x00010000 } },
		YES(16, 0, 0xfff), CLOSED(32), YES(32, 0, 0xfffff) },
	{ "window: I/O type bits alone are a register that is there",
		{ { 0x0c, TYPE_1 }, { 0x1c, 0x00000101 }, { 0x20, 0xfff0 } }, YES(32, 0, 0xfff),
		CLOSED(32), ZERO(32) },
};

static void check_window(const struct pr_window *got, const struct pr_window *want)
{
	assert_int_equal(got->implemented, want->implemented);
	assert_int_equal(got->open, want->open);
	assert_int_equal(got->width, want->width);
	assert_int_equal(got->range.first, want->range.first);
	assert_int_equal(got->range.last, want->range.last);
}

static void check_windows(const uint8_t bytes[64], const struct window_case *c)
{
	struct pr_bridge_header got;

	assert_true(pr_config_bridge(&(struct pr_config){ .bytes = bytes, .length = 64 }, &got));
	check_window(&got.io, &c->io);
	check_window(&got.mem, &c->mem);
	check_window(&got.pref, &c->pref);
}

/* From bytes, and from the bytes that what was read is written as. */
static void test_window(void **state)
{
	const struct window_case *c = *state;
	const struct pr_bridge bridge = { .registers = { c->io, c->mem, c->pref } };
	uint8_t bytes[64];

	fill(bytes, c->regs);
	check_windows(bytes, c);
	if (c->pref.implemented == PR_YES && c->pref.width == 32 && c->pref.range.first == 0)
		return; /* as bytes it would be all zero, which may be no window at all */
	pr_bridge_encode(&bridge, bytes);
	check_windows(bytes, c);
}

static void a_bridge_needs_its_window_registers(void **state)
{
	uint8_t bytes[64] = { [0x0e] = 0x81, [0x18] = 1, [0x19] = 2, [0x1a] = 5, [0x3e] = 8 };
	struct pr_bridge_header got;

	(void)state;
	for (size_t n = 0; n < 0x34; n++)
		assert_false(
			pr_config_bridge(&(struct pr_config){ .bytes = bytes, .length = n }, &got));
	assert_true(pr_config_bridge(&(struct pr_config){ .bytes = bytes, .length = 0x34 }, &got));
	assert_false(got.control_known);
	assert_true(pr_config_bridge(&(struct pr_config){ .bytes = bytes, .length = 0x40 }, &got));
	assert_true(got.control_known);
	assert_int_equal(got.control, 8);
	assert_int_equal(got.primary, 1);
	assert_int_equal(got.secondary, 2);
	assert_int_equal(got.subordinate, 5);
	bytes[0x0e] = 0;
	assert_false(pr_config_bridge(&(struct pr_config){ .bytes = bytes, .length = 0x40 }, &got));
}

static void a_hole_is_not_known_and_its_neighbours_are(void **state)
{
	uint8_t bytes[64] = { [0x0e] = 1, [0x18] = 1, [0x19] = 2, [0x1a] = 5 };
	uint8_t holes[64] = { [0x04] = 1, [0x08] = 1, [0x1b] = 1, [0x1e] = 1 };
	const struct pr_config c = { .bytes = bytes, .length = 64, .holes = holes };
	struct pr_bridge_header bridge;
	struct pr_header header;
	uint32_t value;
	uint16_t half;

	(void)state;
	bytes[0x0a] = 0x04;
	bytes[0x0b] = 0x06;
	assert_false(pr_config_u32(&c, 0x01, &value));
	assert_false(pr_config_u32(&c, 0x04, &value));
	assert_true(pr_config_u32(&c, 0x00, &value));
	assert_true(pr_config_u16(&c, 0x06, &half));
	assert_true(pr_config_header(&c, &header));
	assert_int_equal(header.class_code, 0x060400);
	assert_true(pr_config_bridge(&c, &bridge));
	holes[0x19] = 1;
	assert_false(pr_config_bridge(&c, &bridge));
	holes[0x0e] = 1;
	assert_false(pr_config_header(&c, &header));
}

/* ---- common header ---- */

static const uint8_t nic[64] = {
	0x86, 0x80, 0xd3, 0x10, 0x07, 0x05, 0x10, 0x00, /* ids, command, status */
	0x01, 0x00, 0x00, 0x02, 0x10, 0x00, 0x80, 0x00, /* revision, class, header type */
	[0x2c] = 0x86, 0x80, 0x1f, 0xa0,                /* subsystem */
};

static void a_header_is_read_field_by_field(void **state)
{
	struct pr_header h;

	(void)state;
	assert_true(
		pr_config_header(&(struct pr_config){ .bytes = nic, .length = sizeof(nic) }, &h));
	assert_int_equal(h.type, PR_HEADER_NORMAL);
	assert_true(h.multifunction);
	assert_int_equal(h.vendor, 0x8086);
	assert_int_equal(h.device, 0x10d3);
	assert_int_equal(h.command, 0x0507);
	assert_int_equal(h.status, 0x0010);
	assert_int_equal(h.class_code, 0x020000);
	assert_int_equal(h.revision, 1);
	assert_int_equal(h.has_subsystem, PR_YES);
	assert_int_equal(h.subvendor, 0x8086);
	assert_int_equal(h.subdevice, 0xa01f);
}

static void what_lies_beyond_the_bytes_is_unknown(void **state)
{
	struct pr_header h;
	struct pr_bar bar;

	(void)state;
	for (size_t n = 0; n <= sizeof(nic); n++) {
		/* a buffer of its own, so that a sanitizer sees the first byte too far */
		uint8_t *bytes = n ? malloc(n) : NULL;
		struct pr_config c = { .bytes = bytes, .length = n };

		if (n)
			memcpy(bytes, nic, n);
		assert_int_equal(pr_config_header(&c, &h), n >= 0x0f);
		if (n >= 0x0f)
			assert_int_equal(h.has_subsystem, n >= 0x30 ? PR_YES : PR_UNKNOWN);
		for (unsigned int i = 0; i < 6; i++)
			assert_int_equal(pr_config_bar(&c, i, &bar), n >= 0x14 + 4 * i);
		assert_int_equal(pr_config_rom(&c, &bar), n >= 0x34);
		free(bytes);
	}
}

static void a_64_bit_bar_needs_both_registers(void **state)
{
	uint8_t bytes[0x18] = { [0x10] = 0x0c };
	struct pr_bar bar;

	(void)state;
	assert_false(pr_config_bar(&(struct pr_config){ .bytes = bytes, .length = 0x17 }, 0, &bar));
	assert_true(pr_config_bar(&(struct pr_config){ .bytes = bytes, .length = 0x18 }, 0, &bar));
}

static void a_function_that_does_not_answer_has_no_header_type(void **state)
{
	uint8_t bytes[64];
	struct pr_header h;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_true(pr_config_header(
		&(struct pr_config){ .bytes = bytes, .length = sizeof(bytes) }, &h));
	assert_int_equal(h.type, PR_HEADER_OTHER);
}

static void reads_end_at_the_last_known_byte(void **state)
{
	const uint8_t bytes[] = { 0x11, 0x22, 0x33, 0x44, 0x55 };
	const struct pr_config c = { .bytes = bytes, .length = sizeof(bytes) };
	uint32_t u32 = 0;
	uint16_t u16 = 0;
	uint8_t u8 = 0;

	(void)state;
	assert_true(pr_config_u32(&c, 1, &u32));
	assert_int_equal(u32, 0x55443322);
	assert_false(pr_config_u32(&c, 2, &u32));
	assert_true(pr_config_u16(&c, 3, &u16));
	assert_int_equal(u16, 0x5544);
	assert_false(pr_config_u16(&c, 4, &u16));
	assert_true(pr_config_u8(&c, 4, &u8));
	assert_false(pr_config_u8(&c, 5, &u8));
	assert_false(pr_config_u32(&c, SIZE_MAX - 1, &u32));
	assert_int_equal(u32, 0x55443322); /* untouched by the failures */
}

/* ---- sizes ---- */

static const struct size_case {
	const char *name;
	uint32_t low, high;
	bool rom;
	uint64_t size;
} size_cases[] = {
	{ "size: nothing could be set", 0, 0, false, 0 },
	{ "size: smallest memory BAR", 0xfffffff0, 0, false, 16 },
	{ "size: 256 MiB prefetchable", 0xf0000008, 0, false, 0x10000000 },
	{ "size: 2 GiB", 0x80000000, 0, false, 0x80000000 },
	{ "size: 64-bit below 4 GiB", 0xf000000c, 0xffffffff, false, 0x10000000 },
	{ "size: 64-bit, exactly 4 GiB", 0x0000000c, 0xffffffff, false, UINT64_C(0x100000000) },
	{ "size: 64-bit, 256 GiB", 0x0000000c, 0xffffffc0, false, UINT64_C(0x4000000000) },
	{ "size: 64-bit with only 40 address bits", 0xf000000c, 0x000000ff, false, 0x10000000 },
	{ "size: 32-bit does not look at the upper value", 0xf0000000, 0xffffffff, false,
		0x10000000 },
	{ "size: 64-bit type bits without an address bit", 0x0000000c, 0, false, 0 },
	{ "size: I/O of 32 bytes", 0xffffffe1, 0, false, 32 },
	{ "size: I/O that decodes 16 bits", 0x0000ffe1, 0, false, 32 },
	{ "size: smallest I/O", 0xfffffffd, 0, false, 4 },
	{ "size: ROM of 256 KiB", 0xfffc0001, 0, true, 0x40000 },
	{ "size: smallest ROM", 0xfffff801, 0, true, 0x800 },
	{ "size: ROM enable bit alone", 0x00000001, 0, true, 0 },
	{ "size: all ones is nobody", 0xffffffff, 0, false, 0 },
	{ "size: all ones in both is nobody", 0xffffffff, 0xffffffff, false, 0 },
	{ "size: all ones in a ROM is nobody", 0xffffffff, 0, true, 0 },
};

static void test_size(void **state)
{
	const struct size_case *c = *state;

	assert_int_equal(pr_bar_size_from_mask(c->low, c->high, c->rom), c->size);
}

/* ---- holes ---- */

/* What is in a hole is not known, whatever the byte there is. */
static void what_is_in_a_hole_is_unknown(void **state)
{
	uint8_t bytes[64] = { [0] = 0x86,
		0x80,
		0x01,
		0x19,
		[0x0a] = 0x04,
		0x06,
		[0x0e] = 1,
		[0x18] = 0,
		1,
		2,
		[0x20] = 0x10,
		0xfc,
		0x20,
		0xfc,
		[0x24] = 0x01,
		0x10,
		0x01,
		0x20 };
	uint8_t holes[64] = { 0 };
	const struct pr_config c = { bytes, sizeof(bytes), holes };
	struct pr_bridge_header bridge;
	struct pr_header h;

	(void)state;
	assert_true(pr_config_bridge(&c, &bridge));
	assert_int_equal(bridge.mem.open, PR_YES);
	assert_int_equal(bridge.pref.width, 64);

	holes[2] = holes[0x09] = holes[0x23] = holes[0x2f] = 1;
	assert_true(pr_config_header(&c, &h));
	assert_false(h.has_ids);
	assert_true(h.has_class);
	assert_int_equal(h.class_code, 0x060400);
	assert_true(pr_config_bridge(&c, &bridge));
	assert_int_equal(bridge.subordinate, 2);
	assert_int_equal(bridge.mem.open, PR_UNKNOWN);
	assert_int_equal(bridge.pref.implemented, PR_UNKNOWN);

	holes[0x19] = holes[0x0b] = 1;
	assert_true(pr_config_header(&c, &h));
	assert_false(h.has_class);
	assert_false(pr_config_bridge(&c, &bridge));
	holes[0x0e] = 1;
	assert_false(pr_config_header(&c, &h));
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, bar_cases, test_bar);
	ADD_ROWS(&tests, rom_cases, test_rom);
	ADD_ROWS(&tests, window_cases, test_window);
	ADD_ROWS(&tests, size_cases, test_size);
	ADD_TEST(&tests, a_bridge_needs_its_window_registers);
	ADD_TEST(&tests, a_hole_is_not_known_and_its_neighbours_are);
	ADD_TEST(&tests, a_header_is_read_field_by_field);
	ADD_TEST(&tests, what_lies_beyond_the_bytes_is_unknown);
	ADD_TEST(&tests, a_64_bit_bar_needs_both_registers);
	ADD_TEST(&tests, a_function_that_does_not_answer_has_no_header_type);
	ADD_TEST(&tests, reads_end_at_the_last_known_byte);
	ADD_TEST(&tests, what_is_in_a_hole_is_unknown);

	return rows_run(&tests, "config-space");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizing on a pair of access functions. The order of accesses is the point: no
 * BAR holds a wrong value while the function decodes.
 */
#include <errno.h>
#include <stdbool.h>

#include "helper/measure.h"
#include "helper/registers.h"

#define REG_ID            0x00u
#define REG_COMMAND       0x04u
#define REG_CLASS         0x0bu /* base class */
#define REG_HEADER_TYPE   0x0eu
#define REG_BAR0          0x10u
#define REG_ROM           0x30u
#define REG_BRIDGE_ROM    0x38u
#define COMMAND_DECODE    0x0003u     /* I/O and memory space */
#define ROM_SIZING        0xfffff800u /* address bits; the enable bit stays off */
#define BASE_CLASS_VGA    0x03u
#define BASE_CLASS_BRIDGE 0x06u
#define ROM_INDEX         6u

static bool bar_is_io(uint32_t value)
{
	return value & 1u;
}

static bool bar_is_64bit(uint32_t value)
{
	return !bar_is_io(value) && (value & 6u) == 4u;
}

static uint32_t bar_offset(uint32_t index)
{
	return REG_BAR0 + 4 * index;
}

/*
 * Functions that work without a driver: a bridge with decode on forwards for
 * what is below it, a display may be the boot console, and sizing a host or
 * ISA bridge takes memory or firmware away from under the machine.
 */
static int check_kind(uint8_t header_type, uint8_t base_class, uint32_t command)
{
	bool decodes = command & COMMAND_DECODE;

	if (header_type == PR_HEADER_TYPE_BRIDGE)
		return decodes ? -EBUSY : 0;
	if (header_type != PR_HEADER_TYPE_NORMAL || base_class == BASE_CLASS_BRIDGE)
		return -EOPNOTSUPP;

	return base_class == BASE_CLASS_VGA && decodes ? -EBUSY : 0;
}

static int read_bars(const struct pr_registers *g, struct pr_saved *s)
{
	int r;

	for (uint32_t i = 0; i < s->n_bars; i++) {
		r = g->read(g->userdata, bar_offset(i), 4, &s->bars[i]);
		if (r < 0)
			return r;
	}

	return g->read(g->userdata, s->rom_offset, 4, &s->rom);
}

int pr_measure_read(const struct pr_registers *g, struct pr_saved *ret)
{
	struct pr_saved s = { 0 };
	uint32_t type, base_class;
	int r;

	r = g->read(g->userdata, REG_ID, 4, &s.id);
	if (r < 0)
		return r;
	if (s.id == UINT32_MAX)
		return -ENODEV; /* nobody answers: unplugged, or asleep */
	r = g->read(g->userdata, REG_COMMAND, 2, &s.command);
	if (r < 0)
		return r;
	r = g->read(g->userdata, REG_CLASS, 1, &base_class);
	if (r < 0)
		return r;
	r = g->read(g->userdata, REG_HEADER_TYPE, 1, &type);
	if (r < 0)
		return r;
	type &= PR_HEADER_TYPE_MASK;
	r = check_kind((uint8_t)type, (uint8_t)base_class, s.command);
	if (r < 0)
		return r;

	s.n_bars = type == PR_HEADER_TYPE_BRIDGE ? 2 : 6;
	s.rom_offset = type == PR_HEADER_TYPE_BRIDGE ? REG_BRIDGE_ROM : REG_ROM;
	r = read_bars(g, &s);
	if (r < 0)
		return r;

	*ret = s;
	return 0;
}

/*
 * What a register shows after ones were written: address bits set from some
 * bit up to the top (bit 15 will do for I/O), and a size of at least one bit.
 */
static bool looks_sized(uint32_t value, uint32_t type_bits)
{
	uint32_t address = value & ~type_bits, lowest = address & (~address + 1);

	if (address == 0)
		return false;

	return (uint32_t)(address + lowest) == 0 ||
	       (bar_is_io(value) && address + lowest == 0x10000);
}

static int replay_register(
	const struct pr_registers *g, uint32_t offset, uint32_t type_bits, uint32_t saved)
{
	uint32_t value;
	int r;

	r = g->read(g->userdata, offset, 4, &value);
	if (r < 0)
		return r;
	if (value == saved || !looks_sized(value, type_bits))
		return 0;

	return g->write(g->userdata, offset, 4, saved);
}

static int replay_bars(const struct pr_registers *g, const struct pr_saved *s)
{
	bool upper = false;
	int r;

	for (uint32_t i = 0; i < s->n_bars; i++) {
		uint32_t type_bits = upper ? 0 : bar_is_io(s->bars[i]) ? 3u : 15u;

		r = replay_register(g, bar_offset(i), type_bits, s->bars[i]);
		if (r < 0)
			return r;
		upper = !upper && bar_is_64bit(s->bars[i]);
	}

	return replay_register(g, s->rom_offset, ~ROM_SIZING, s->rom);
}

/*
 * A driver that is bound meanwhile enables decode before it touches anything.
 * Nothing in user space keeps it from that, so it is looked for before every
 * single register.
 */
static int check_decode_off(const struct pr_registers *g)
{
	uint32_t command;
	int r;

	r = g->read(g->userdata, REG_COMMAND, 2, &command);
	if (r < 0)
		return r;

	return command & COMMAND_DECODE ? -EBUSY : 0;
}

/* Writes @ones, reads what stuck, puts @saved back at once. */
static int size_register(
	const struct pr_registers *g, uint32_t offset, uint32_t ones, uint32_t saved, uint32_t *ret)
{
	uint32_t mask;
	int r, r2;

	r = check_decode_off(g);
	if (r < 0)
		return r;
	r = g->write(g->userdata, offset, 4, ones);
	if (r < 0)
		return r;
	r = g->read(g->userdata, offset, 4, &mask);
	r2 = g->write(g->userdata, offset, 4, saved);
	if (r < 0)
		return r;
	if (r2 < 0)
		return r2;

	*ret = mask;
	return 0;
}

/* @ret_used: registers that this BAR takes. */
static int size_bar(const struct pr_registers *g, const struct pr_saved *s, uint32_t index,
	struct pr_helper_mask *ret, uint32_t *ret_used)
{
	struct pr_helper_mask mask = { .index = index };
	bool pair;
	int r;

	r = size_register(g, bar_offset(index), UINT32_MAX, s->bars[index], &mask.low);
	if (r < 0)
		return r;

	pair = bar_is_64bit(mask.low) && index + 1 < s->n_bars;
	if (pair) {
		r = size_register(
			g, bar_offset(index + 1), UINT32_MAX, s->bars[index + 1], &mask.high);
		if (r < 0)
			return r;
	}

	*ret = mask;
	*ret_used = pair ? 2 : 1;
	return 0;
}

static int size_all(const struct pr_registers *g, const struct pr_saved *s,
	struct pr_helper_mask *ret, size_t *ret_n)
{
	struct pr_helper_mask rom = { .index = ROM_INDEX };
	uint32_t used;
	size_t n = 0;
	int r;

	for (uint32_t i = 0; i < s->n_bars; i += used) {
		r = size_bar(g, s, i, &ret[n], &used);
		if (r < 0)
			return r;
		if (ret[n].low != 0)
			n++;
	}

	r = size_register(g, s->rom_offset, ROM_SIZING, s->rom, &rom.low);
	if (r < 0)
		return r;
	if (rom.low != 0)
		ret[n++] = rom;

	*ret_n = n;
	return 0;
}

static int set_command(const struct pr_registers *g, uint32_t value)
{
	return g->write(g->userdata, REG_COMMAND, 2, value);
}

/* Decode on again, unless someone else has changed the register since we turned it off. */
static int restore_command(const struct pr_registers *g, const struct pr_saved *s)
{
	uint32_t command;
	int r;

	if (!(s->command & COMMAND_DECODE))
		return 0;
	r = g->read(g->userdata, REG_COMMAND, 2, &command);
	if (r < 0)
		return r;

	return command == (s->command & ~COMMAND_DECODE) ? set_command(g, s->command) : 0;
}

int pr_measure_size(const struct pr_registers *g, const struct pr_saved *saved,
	struct pr_helper_mask *ret, size_t *ret_n)
{
	size_t n;
	int r, r2;

	if (saved->command & COMMAND_DECODE) {
		r = set_command(g, saved->command & ~COMMAND_DECODE);
		if (r < 0)
			return r;
	}

	r = size_all(g, saved, ret, &n);
	if (r < 0)
		(void)replay_bars(g, saved); /* the first failure is the one that is told */
	r2 = restore_command(g, saved);
	if (r < 0 || r2 < 0)
		return r < 0 ? r : r2;

	*ret_n = n;
	return 0;
}

int pr_measure_replay(const struct pr_registers *g, const struct pr_saved *saved)
{
	uint32_t id;
	int r;

	if (saved->n_bars > 6)
		return -EINVAL;
	r = g->read(g->userdata, REG_ID, 4, &id);
	if (r < 0)
		return r;
	if (id != saved->id)
		return -ENODEV;

	r = replay_bars(g, saved);
	if (r < 0)
		return r;

	return restore_command(g, saved);
}

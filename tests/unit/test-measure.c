/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizing of BARs on a simulated device: the right masks, nothing decodes while
 * a BAR is wrong, and everything is put back, whichever access fails and
 * wherever the helper is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/io.h"
#include "fixture.h"
#include "helper/measure-file.h"
#include "rows.h"

#define N_REGS 16

/* A header of 64 bytes; bits set in `writable` keep what is written. */
struct device {
	uint32_t start[N_REGS], regs[N_REGS], writable[N_REGS];
	unsigned int accesses, fail_at, enable_at; /* 0: never */
	bool dead;    /* everything from fail_at on fails: the helper was killed */
	bool exposed; /* decoded while a BAR was wrong */
};

static int device_fails(struct device *d)
{
	d->accesses++;
	if (d->accesses == d->enable_at)
		d->regs[1] |= 0x0006; /* a driver is bound, and enables the device */
	if (d->fail_at == 0)
		return 0;
	return d->accesses == d->fail_at || (d->dead && d->accesses > d->fail_at) ? -EIO : 0;
}

static int device_read(void *userdata, uint32_t offset, uint8_t width, uint32_t *ret)
{
	struct device *d = userdata;
	uint32_t value = d->regs[offset / 4] >> (8 * (offset % 4));

	if (device_fails(d) < 0)
		return -EIO;
	*ret = width == 4 ? value : value & ((1u << (8 * width)) - 1);
	return 0;
}

static void check_exposed(struct device *d)
{
	for (size_t i = 4; i < N_REGS - 1; i++)
		if ((d->regs[1] & 3) && d->regs[i] != d->start[i])
			d->exposed = true;
}

static int device_write(void *userdata, uint32_t offset, uint8_t width, uint32_t value)
{
	struct device *d = userdata;
	uint32_t *reg = &d->regs[offset / 4], w = d->writable[offset / 4];

	if (device_fails(d) < 0)
		return -EIO;
	if (width == 2)
		w &= 0xffff;
	*reg = (*reg & ~w) | (value & w);
	check_exposed(d);
	return 0;
}

static struct pr_registers registers_of(struct device *d)
{
	return (struct pr_registers){ device_read, device_write, d };
}

struct bar {
	uint32_t value, writable;
};
struct shape {
	const char *name;
	uint8_t header_type, base_class;
	uint16_t command;
	struct bar bars[6], rom; /* rom at 30h, or 38h of a bridge */
	int result;              /* of pr_measure_read() */
	struct pr_helper_mask masks[PR_MEASURE_MAX];
	size_t n_masks;
};

static const struct shape shapes[] = {
	{ "a 64-bit BAR of 256 MiB that the kernel forgot, beside one of 4 KiB", 0, 0xff, 0x0002,
		{ { 0xfe600000, 0xfffff000 }, { 0 }, { 0x0000000c, 0xf0000000 },
			{ 0, 0xffffffff } },
		{ 0 }, 0, { { 0, 0xfffff000, 0, 0 }, { 2, 0xf000000c, 0xffffffff, 0 } }, 2 },
	{ "a 64-bit BAR of 8 GiB has no size bits in its lower half", 0, 0x02, 0,
		{ { 0x00000004, 0 }, { 0x00000008, 0xfffffffe } }, { 0 }, 0,
		{ { 0, 0x00000004, 0xfffffffe, 0 } }, 1 },
	{ "an I/O BAR that implements 16 bits", 0, 0x02, 0x0001, { { 0x0000c001, 0x0000ffe0 } },
		{ 0 }, 0, { { 0, 0x0000ffe1, 0, 0 } }, 1 },
	{ "an expansion ROM, whose enable bit is not set on the way", 0, 0x02, 0x0007, { { 0 } },
		{ 0xfe440001, 0xfffc0001 }, 0, { { 6, 0xfffc0000, 0, 0 } }, 1 },
	{ "the last BAR claims to be 64-bit and has no upper half", 0, 0x02, 0,
		{ [5] = { 0x00000004, 0xffff0000 } }, { 0 }, 0, { { 5, 0xffff0004, 0, 0 } }, 1 },
	{ "a card without any BAR", 0, 0x02, 0, { { 0 } }, { 0 }, 0, { { 0 } }, 0 },
	{ "a bridge has two BARs, and its ROM elsewhere", 1, 0x06, 0,
		{ { 0xfe000000, 0xfffff000 } }, { 0xfd000000, 0xffff0000 }, 0,
		{ { 0, 0xfffff000, 0, 0 }, { 6, 0xffff0000, 0, 0 } }, 2 },
	{ "a bridge that decodes forwards for others and is left alone", 1, 0x06, 0x0002,
		{ { 0xfe000000, 0xfffff000 } }, { 0 }, -EBUSY, { { 0 } }, 0 },
	{ "a display that decodes may be the console", 0, 0x03, 0x0002,
		{ { 0xfd000008, 0xff000000 } }, { 0 }, -EBUSY, { { 0 } }, 0 },
	{ "a display that does not decode is sized", 0, 0x03, 0x0004,
		{ { 0xfd000008, 0xff000000 } }, { 0 }, 0, { { 0, 0xff000008, 0, 0 } }, 1 },
	{ "a host bridge is never sized", 0, 0x06, 0, { { 0xe0000008, 0xfc000000 } }, { 0 },
		-EOPNOTSUPP, { { 0 } }, 0 },
	{ "a CardBus bridge is never sized", 2, 0x06, 0, { { 0 } }, { 0 }, -EOPNOTSUPP, { { 0 } },
		0 },
};

static struct device device_of(const struct shape *shape)
{
	struct device d = { .regs = { 0x10d38086, shape->command, (uint32_t)shape->base_class << 24,
				    (uint32_t)(shape->header_type | 0x80) << 16 } };
	size_t rom = shape->header_type == 1 ? 14 : 12, n = shape->header_type == 1 ? 2 : 6;

	d.writable[1] = 0x0507;
	for (size_t i = 0; i < n; i++) {
		d.regs[4 + i] = shape->bars[i].value;
		d.writable[4 + i] = shape->bars[i].writable;
	}
	d.regs[rom] = shape->rom.value;
	d.writable[rom] = shape->rom.writable;
	memcpy(d.start, d.regs, sizeof(d.start));
	return d;
}

static void test_shape(void **state)
{
	const struct shape *shape = *state;
	struct device d = device_of(shape);
	struct pr_registers g = registers_of(&d);
	struct pr_helper_mask masks[PR_MEASURE_MAX];
	struct pr_saved saved;
	size_t n;

	assert_int_equal(pr_measure_read(&g, &saved), shape->result);
	if (shape->result == 0) {
		assert_int_equal(pr_measure_size(&g, &saved, masks, &n), 0);
		assert_int_equal(n, shape->n_masks);
		assert_memory_equal(masks, shape->masks, n * sizeof(masks[0]));
	}
	assert_memory_equal(d.regs, d.start, sizeof(d.regs));
	assert_false(d.exposed);
}

/* One access fails: the error is told, and unless it was the restoring itself, all is as it was. */
static void test_fails_once(void **state)
{
	const struct shape *shape = &shapes[(uintptr_t)*state];
	struct pr_helper_mask masks[PR_MEASURE_MAX];
	struct pr_saved saved;
	unsigned int at, n_failed = 0;
	size_t n;
	int r;

	for (at = 1;; at++) {
		struct device d = device_of(shape);
		struct pr_registers g = registers_of(&d);

		d.fail_at = at;
		r = pr_measure_read(&g, &saved);
		if (r == 0)
			r = pr_measure_size(&g, &saved, masks, &n);
		if (d.accesses < at)
			break;
		n_failed++;
		assert_int_equal(r, -EIO);
		/* what a failed restore left, the replay of the save puts right */
		d.fail_at = 0;
		if (memcmp(d.regs, d.start, sizeof(d.regs)) != 0)
			assert_int_equal(pr_measure_replay(&g, &saved), 0);
		assert_memory_equal(d.regs, d.start, sizeof(d.regs));
		assert_false(d.exposed);
	}
	assert_int_equal(r, 0);
	assert_true(n_failed > 20);
}

/* The helper is killed at the k-th access; the next one replays the save. */
static void test_killed(void **state)
{
	const struct shape *shape = &shapes[(uintptr_t)*state];
	struct pr_helper_mask masks[PR_MEASURE_MAX];
	unsigned int at, n_dirty = 0;
	struct pr_saved saved;
	size_t n;

	for (at = 1;; at++) {
		struct device d = device_of(shape);
		struct pr_registers g = registers_of(&d);

		assert_int_equal(pr_measure_read(&g, &saved), 0);
		d.accesses = 0;
		d.fail_at = at;
		d.dead = true;
		(void)pr_measure_size(&g, &saved, masks, &n);
		if (d.accesses < at)
			break;
		n_dirty += memcmp(d.regs, d.start, sizeof(d.regs)) != 0;
		d.fail_at = 0;
		assert_int_equal(pr_measure_replay(&g, &saved), 0);
		assert_memory_equal(d.regs, d.start, sizeof(d.regs));
		assert_false(d.exposed);
	}
	assert_true(n_dirty > 5);
}

/* A driver is bound at any moment: sizing stops, BARs are right, COMMAND is the driver's. */
static void test_driver_comes(void **state)
{
	const struct shape *shape = &shapes[(uintptr_t)*state];
	struct pr_helper_mask masks[PR_MEASURE_MAX];
	struct pr_saved saved;
	unsigned int at, n_stopped = 0;
	size_t n;
	int r;

	for (at = 1;; at++) {
		struct device d = device_of(shape);
		struct pr_registers g = registers_of(&d);

		assert_int_equal(pr_measure_read(&g, &saved), 0);
		d.accesses = 0;
		d.enable_at = at;
		r = pr_measure_size(&g, &saved, masks, &n);
		if (d.accesses < at)
			break;
		assert_true(r == 0 || r == -EBUSY);
		n_stopped += r == -EBUSY;
		assert_memory_equal(d.regs + 4, d.start + 4, sizeof(d.regs) - 16);
		assert_int_equal(d.regs[1] & 0x0006, 0x0006);
	}
	assert_true(n_stopped > 10);
}

static void test_replay_keeps_new(void **state)
{
	struct device d = device_of(&shapes[0]);
	struct pr_registers g = registers_of(&d);
	struct pr_saved saved;

	(void)state;
	assert_int_equal(pr_measure_read(&g, &saved), 0);
	d.regs[4] = 0xfe800000; /* the kernel gave it another address since */
	d.regs[6] = 0xf000000c; /* a sizing pattern */
	d.regs[7] = 0xffffffff;
	assert_int_equal(pr_measure_replay(&g, &saved), 0);
	assert_int_equal(d.regs[4], 0xfe800000);
	assert_int_equal(d.regs[6], d.start[6]);
	assert_int_equal(d.regs[7], d.start[7]);
}

static void test_replay_other_device(void **state)
{
	struct device d = device_of(&shapes[0]);
	struct pr_registers g = registers_of(&d);
	struct pr_saved saved;

	(void)state;
	assert_int_equal(pr_measure_read(&g, &saved), 0);
	d.regs[0]++;
	d.regs[4] = 0xfffff000;
	assert_int_equal(pr_measure_replay(&g, &saved), -ENODEV);
	assert_int_equal(d.regs[4], 0xfffff000);
}

static void test_nobody_answers(void **state)
{
	struct device d = { .regs = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX } };
	struct pr_registers g = registers_of(&d);
	struct pr_saved saved;

	(void)state;
	assert_int_equal(pr_measure_read(&g, &saved), -ENODEV);
}

/* ---- the save on disk ---- */

struct place {
	struct fixture *files;
	struct pr_access access;
	struct pr_audit audit;
	int state, function;
};
static const struct pr_target card = { 0, 1, 0, 0 };
#define CONFIG "sys/bus/pci/devices/0000:01:00.0/config"
#define SAVE   "state/measure-0000:01:00.0"

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	uint8_t config[64] = { 0 };

	assert_non_null(p);
	p->files = fixture_new();
	fixture_put32(config, 0, 0x10d38086);
	fixture_put16(config, 4, 0x0002);
	fixture_put32(config, 0x10, 0xfe600000);
	fixture_put32(config, 0x18, 0x0000000c);
	fixture_function(p->files, &(struct fixture_function){ .path = "pci0000:00/0000:01:00.0",
					   .config = config,
					   .config_length = sizeof(config) });
	fixture_dir(p->files, "state");
	assert_int_equal(pr_access_open(fixture_root(p->files), &p->access), 0);
	assert_int_equal(pr_audit_open(fixture_path(p->files, "log"), true, &p->audit), 0);
	p->state = open(fixture_path(p->files, "state"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->state >= 0);
	assert_int_equal(pr_access_function(&p->access, &card, &p->function), 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	(void)close(p->function);
	(void)close(p->state);
	pr_audit_close(&p->audit);
	pr_access_close(&p->access);
	fixture_free(p->files);
	free(p);
	return 0;
}

static bool save_exists(struct place *p)
{
	return access(fixture_path(p->files, SAVE), F_OK) == 0;
}

/*
 * Memory takes what is written, so a file looks like a device all of whose bits are address bits.
 */
static void test_journalled(void **state)
{
	struct pr_helper_mask masks[PR_MEASURE_MAX];
	struct place *p = *state;
	char before[64];
	size_t n;

	memcpy(before, fixture_read(p->files, CONFIG, NULL), sizeof(before));
	assert_int_equal(pr_measure_journalled(p->state, p->function, &card, masks, &n), 0);
	assert_true(n > 0);
	assert_memory_equal(fixture_read(p->files, CONFIG, NULL), before, sizeof(before));
	assert_false(save_exists(p));
}

/* The state in which SIGKILL in the middle leaves things: a save, and registers full of ones. */
static void leave_save(struct place *p)
{
	static const uint8_t ones[4] = { 0xff, 0xff, 0xff, 0xff };
	struct {
		char magic[16];
		uint64_t node;
		struct pr_saved saved;
	} save = { .magic = "pciroom-save-1",
		.saved = { .id = 0x10d38086,
			.command = 2,
			.n_bars = 6,
			.bars = { 0xfe600000, 0, 0x0000000c },
			.rom_offset = 0x30 } };
	uint8_t config[64];

	assert_int_equal(pr_access_node(p->function, &save.node), 0);
	fixture_bytes(p->files, SAVE, &save, sizeof(save));
	memcpy(config, fixture_read(p->files, CONFIG, NULL), sizeof(config));
	config[4] = 0;
	memcpy(config + 0x10, ones, sizeof(ones));
	fixture_config_bytes(p->files, "0000:01:00.0", config, sizeof(config));
}

static void test_recovers(void **state)
{
	struct place *p = *state;
	char before[64];

	memcpy(before, fixture_read(p->files, CONFIG, NULL), sizeof(before));
	leave_save(p);
	assert_int_equal(pr_measure_recover(p->state, &p->access, &p->audit), 0);
	assert_memory_equal(fixture_read(p->files, CONFIG, NULL), before, sizeof(before));
	assert_false(save_exists(p));
	assert_non_null(strstr(fixture_read(p->files, "log", NULL),
		" restore-after-measure 0000:01:00.0 -> ok\n"));
}

static void test_leaves_running(void **state)
{
	struct place *p = *state;
	int fd;

	leave_save(p);
	fd = open(fixture_path(p->files, SAVE), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0); /* another helper is sizing it now */
	assert_int_equal(pr_measure_recover(p->state, &p->access, &p->audit), 0);
	assert_true(save_exists(p));
	assert_int_equal((uint8_t)fixture_read(p->files, CONFIG, NULL)[0x10], 0xff);
	(void)close(fd);
}

static void test_found_anew(void **state)
{
	struct place *p = *state;
	uint8_t config[64];

	leave_save(p);
	memcpy(config, fixture_read(p->files, CONFIG, NULL), sizeof(config));
	/*
	 * a new node, as after remove and rescan; the old one is kept open so that its number
	 * stays taken
	 */
	assert_int_equal(rename(fixture_path(p->files, CONFIG), fixture_path(p->files, "kept")), 0);
	fixture_config_bytes(p->files, "0000:01:00.0", config, sizeof(config));
	assert_int_equal(pr_measure_recover(p->state, &p->access, &p->audit), 0);
	assert_memory_equal(fixture_read(p->files, CONFIG, NULL), config, sizeof(config));
	assert_false(save_exists(p));
}

static void test_bound_since(void **state)
{
	struct place *p = *state;

	leave_save(p);
	fixture_link(p->files, "sys/bus/pci/devices/0000:01:00.0/driver", "../../drivers/e1000e");
	assert_int_equal(pr_measure_recover(p->state, &p->access, &p->audit), 0);
	assert_int_equal((uint8_t)fixture_read(p->files, CONFIG, NULL)[0x10], 0xff);
	assert_false(save_exists(p));
}

static void test_torn_save(void **state)
{
	struct place *p = *state;

	leave_save(p);
	assert_int_equal(truncate(fixture_path(p->files, SAVE), 20), 0);
	fixture_file(p->files, "state/measure-nonsense", "?");
	fixture_file(p->files, "state/other", "?");
	assert_int_equal(pr_measure_recover(p->state, &p->access, &p->audit), 0);
	assert_false(save_exists(p));
	assert_string_equal(fixture_read(p->files, "state/measure-nonsense", NULL), "?");
	assert_string_equal(fixture_read(p->files, "state/other", NULL), "?");
}

static void test_not_twice(void **state)
{
	struct pr_helper_mask masks[PR_MEASURE_MAX];
	struct place *p = *state;
	size_t n;

	leave_save(p);
	assert_int_equal(pr_measure_journalled(p->state, p->function, &card, masks, &n), -EBUSY);
}

#define PLACED(name, f)                        \
	{                                      \
		name, f, setup, teardown, NULL \
	}
#define SHAPED(name, f, nth)                                  \
	{                                                     \
		name, f, NULL, NULL, (void *)(uintptr_t)(nth) \
	}

static const struct CMUnitTest fixed[] = {
	SHAPED("any one access may fail, of a card that decodes", test_fails_once, 0),
	SHAPED("any one access may fail, of a card that does not decode", test_fails_once, 1),
	SHAPED("any one access may fail, of a card with a ROM", test_fails_once, 3),
	SHAPED("killed at any access, of a card that decodes", test_killed, 0),
	SHAPED("killed at any access, of a card with I/O", test_killed, 2),
	SHAPED("killed at any access, of a card with a ROM", test_killed, 3),
	SHAPED("a driver may come at any access, of a card that does not decode", test_driver_comes,
		1),
	SHAPED("a replay leaves new addresses alone", test_replay_keeps_new, 0),
	SHAPED("a replay leaves another device alone", test_replay_other_device, 0),
	SHAPED("a device that does not answer is not sized", test_nobody_answers, 0),
	PLACED("sizing leaves neither traces in the registers nor a save", test_journalled),
	PLACED("a save that was left behind is put back and removed", test_recovers),
	PLACED("a save whose helper lives is left alone", test_leaves_running),
	PLACED("a function that was found anew is left alone", test_found_anew),
	PLACED("a function that got a driver is left alone", test_bound_since),
	PLACED("a torn save is dropped, files of others are kept", test_torn_save),
	PLACED("two helpers do not size one function at a time", test_not_twice),
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, shapes, test_shape);
	ADD_TESTS(&tests, fixed);

	return rows_run(&tests, "measure");
}

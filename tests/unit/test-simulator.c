/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulator and the scripted back end: each operation, what it refuses,
 * and that looking shows what an import would.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "machine.h"
#include "pciroom/exec.h"

static const char text[] =
	"kernel 6.1.0-50-amd64\n"
	"arch x86_64\n"
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"
	"00:01.0 dev 1234:1111 class=030000 bar0=pref:16M@fd000000\n"
	"00:02.0 bridge 01-03 root-port hotplug io=closed mem=fe400000-fe5fffff"
	" pref64=100000000-1001fffff driver=pcieport\n"
	"01:00.0 dev 8086:10d3 class=020000 bar0=mem:128K@fe400000 driver=e1000e\n"
	"01:01.0 dev 1b36:0005 class=ff0000 bar0=mem:4K@fe420000 bar2=pref64:256M@forgotten\n";

struct bench {
	struct pr_topology *machine;
	struct pr_backend backend;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->machine = machine_build(text);
	assert_int_equal(pr_backend_simulator_new(b->machine, &b->backend), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	pr_backend_simulator_free(&b->backend);
	pr_topology_free(b->machine);
	free(b);
	return 0;
}

static struct pr_address at(const char *address)
{
	struct pr_address a;

	assert_true(pr_address_parse(address, &a));
	return a;
}

static struct pr_topology *look(struct bench *b)
{
	struct pr_topology *t;

	assert_int_equal(b->backend.ops->look(b->backend.instance, &t), 0);
	return t;
}

static const char *driver_now(struct bench *b, const char *address)
{
	struct pr_topology *t = look(b);
	const char *driver = machine_function(t, address)->facts->driver;

	pr_topology_free(t);
	return driver; /* the machine's own text */
}

static bool removed_now(struct bench *b, const char *address)
{
	struct pr_topology *t = look(b);
	bool removed = machine_function(t, address)->removed;

	pr_topology_free(t);
	return removed;
}

/* ---- operations ---- */

static void test_looks_like_the_start(void **state)
{
	struct bench *b = *state;
	struct pr_topology *t = look(b);
	char why[160];

	if (!pr_topology_equal(t, b->machine, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(t->generation, b->machine->generation);
	pr_topology_free(t);
}

static void test_drivers(void **state)
{
	struct bench *b = *state;
	const struct pr_backend_ops *ops = b->backend.ops;
	struct pr_address card = at("0000:01:00.0"), dead = at("0000:01:01.0"),
			  nobody = at("0000:05:00.0");

	assert_int_equal(ops->unbind(b->backend.instance, &card), 0);
	assert_null(driver_now(b, "0000:01:00.0"));
	assert_int_equal(ops->unbind(b->backend.instance, &card), -ENOENT);
	assert_int_equal(ops->bind(b->backend.instance, &card, "nvme"), -ENODEV);
	assert_int_equal(ops->bind(b->backend.instance, &card, "e1000e"), 0);
	assert_string_equal(driver_now(b, "0000:01:00.0"), "e1000e");
	assert_int_equal(ops->bind(b->backend.instance, &card, "e1000e"), -EBUSY);
	assert_int_equal(ops->unbind(b->backend.instance, &dead), -ENOENT);
	assert_int_equal(ops->bind(b->backend.instance, &dead, "e1000e"), -ENODEV);
	assert_int_equal(ops->unbind(b->backend.instance, &nobody), -ENODEV);
	assert_int_equal(ops->bind(b->backend.instance, &nobody, "e1000e"), -ENODEV);
}

static void test_remove_and_rescan(void **state)
{
	struct bench *b = *state;
	const struct pr_backend_ops *ops = b->backend.ops;
	struct pr_address port = at("0000:00:02.0"), card = at("0000:01:00.0"),
			  stays = at("0000:00:01.0");
	struct pr_topology *t;

	assert_int_equal(ops->unbind(b->backend.instance, &card), 0);
	assert_int_equal(ops->remove(b->backend.instance, &port), 0);
	assert_true(removed_now(b, "0000:01:00.0"));
	assert_int_equal(ops->remove(b->backend.instance, &port), -ENODEV);
	assert_int_equal(ops->unbind(b->backend.instance, &card), -ENODEV);
	assert_int_equal(ops->rescan(b->backend.instance, &card), -ENODEV);
	assert_int_equal(ops->rescan(b->backend.instance, &stays), 0);
	assert_string_equal(driver_now(b, "0000:01:00.0"), "e1000e"); /* probed when it was found */
	t = look(b);
	assert_int_equal(machine_resource(t, "0000:01:01.0", 2)->state, PR_RES_ASSIGNED);
	assert_int_equal(machine_resource(t, "0000:01:01.0", 2)->size, 256 << 20);
	assert_int_equal(pr_topology_check(t, NULL, 0), 0);
	pr_topology_free(t);
}

static void test_rescan_root(void **state)
{
	struct bench *b = *state;
	const struct pr_backend_ops *ops = b->backend.ops;
	struct pr_address port = at("0000:00:02.0");

	assert_int_equal(ops->remove(b->backend.instance, &port), 0);
	assert_int_equal(ops->rescan_root(b->backend.instance, 0, 1), -ENODEV);
	assert_int_equal(ops->rescan_root(b->backend.instance, 1, 0), -ENODEV);
	assert_true(removed_now(b, "0000:00:02.0"));
	assert_int_equal(ops->rescan_root(b->backend.instance, 0, 0), 0);
	assert_false(removed_now(b, "0000:00:02.0"));
}

static void test_registers(void **state)
{
	struct bench *b = *state;
	const struct pr_backend_ops *ops = b->backend.ops;
	struct pr_address port = at("0000:00:02.0"), card = at("0000:01:00.0");
	uint32_t value = 0;

	assert_int_equal(ops->read(b->backend.instance, &card, 0, 4, &value), 0);
	assert_int_equal(value, 0x10d38086);
	assert_int_equal(ops->read(b->backend.instance, &port, 0x18, 2, &value), 0);
	assert_int_equal(value, 0x0100);
	assert_int_equal(ops->write(b->backend.instance, &port, 0x3e, 2, 0x1234), 0);
	assert_int_equal(ops->read(b->backend.instance, &port, 0x3f, 1, &value), 0);
	assert_int_equal(value, 0x12);
	assert_int_equal(ops->write(b->backend.instance, &port, 0x3e, 1, 0), 0);
	assert_int_equal(ops->read(b->backend.instance, &port, 0x3e, 2, &value), 0);
	assert_int_equal(value, 0x1200);
	assert_int_equal(ops->read(b->backend.instance, &card, 4093, 4, &value), -EIO);
	assert_int_equal(value, 0x1200);
	assert_int_equal(ops->remove(b->backend.instance, &port), 0);
	assert_int_equal(ops->read(b->backend.instance, &port, 0, 4, &value), -ENODEV);
	assert_int_equal(ops->write(b->backend.instance, &port, 0x3e, 1, 0), -ENODEV);
}

/* The machine that was given stays as it was: what-if is free. */
static void test_start_untouched(void **state)
{
	struct bench *b = *state;
	struct pr_topology *fresh = machine_build(text);
	struct pr_address port = at("0000:00:02.0");
	char why[160];

	assert_int_equal(b->backend.ops->remove(b->backend.instance, &port), 0);
	assert_int_equal(b->backend.ops->rescan_root(b->backend.instance, 0, 0), 0);
	if (!pr_topology_equal(b->machine, fresh, why, sizeof(why)))
		fail_msg("%s", why);
	pr_topology_free(fresh);
}

/* ---- the scripted back end ---- */

static int no_look(void *userdata, struct pr_topology **ret)
{
	(void)userdata;
	(void)ret;
	return -ENOSYS;
}

static void test_scripted(void **state)
{
	static const struct pr_script_entry entries[] = {
		{ "unbind 0000:01:00.0", 0, 0 },
		{ "read 0000:00:02.0 1a/1", 0, 7 },
		{ "write 0000:00:02.0 1a/1=07", -EPERM, 0 },
		{ "remove 0000:00:02.0", 0, 0 },
		{ "rescan 0000:00:01.0", 0, 0 },
		{ "rescan-root 0000:00", 0, 0 },
		{ "bind 0000:01:00.0 e1000e", 0, 0 },
	};
	struct pr_looker looker = { no_look, NULL };
	struct pr_address port = at("0000:00:02.0"), card = at("0000:01:00.0"),
			  stays = at("0000:00:01.0");
	struct pr_backend b;
	char why[160] = "";
	uint32_t value;

	(void)state;
	assert_int_equal(pr_backend_scripted_new(entries, ARRAY_SIZE(entries), &looker, &b), 0);
	assert_int_equal(b.ops->unbind(b.instance, &card), 0);
	assert_int_equal(pr_backend_scripted_left(&b, why, sizeof(why)), 6);
	assert_string_equal(why, "never came: read 0000:00:02.0 1a/1");
	assert_int_equal(b.ops->read(b.instance, &port, 0x1a, 1, &value), 0);
	assert_int_equal(value, 7);
	assert_int_equal(b.ops->write(b.instance, &port, 0x1a, 1, 7), -EPERM);
	assert_int_equal(b.ops->remove(b.instance, &port), 0);
	assert_int_equal(b.ops->rescan(b.instance, &stays), 0);
	assert_int_equal(b.ops->rescan_root(b.instance, 0, 0), 0);
	assert_int_equal(b.ops->bind(b.instance, &card, "e1000e"), 0);
	assert_int_equal(pr_backend_scripted_left(&b, why, sizeof(why)), 0);
	assert_int_equal(b.ops->remove(b.instance, &port), -EPROTO);
	assert_int_equal(pr_backend_scripted_left(&b, why, sizeof(why)), 1);
	assert_string_equal(why, "unexpected: remove 0000:00:02.0, where nothing was expected");
	pr_backend_scripted_free(&b);

	assert_int_equal(pr_backend_scripted_new(entries, 2, &looker, &b), 0);
	assert_int_equal(b.ops->remove(b.instance, &port), -EPROTO);
	assert_int_equal(b.ops->unbind(b.instance, &card), -EPROTO); /* once wrong, always wrong */
	assert_int_equal(pr_backend_scripted_left(&b, why, sizeof(why)), 3);
	assert_string_equal(
		why, "unexpected: remove 0000:00:02.0, where unbind 0000:01:00.0 was expected");
	pr_backend_scripted_free(&b);
}

#define ON_BENCH(name, f)                      \
	{                                      \
		name, f, setup, teardown, NULL \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ON_BENCH("at first it looks like the machine it was given",
			test_looks_like_the_start),
		ON_BENCH("drivers are unbound and bound", test_drivers),
		ON_BENCH("what is removed comes back at a rescan, with its driver",
			test_remove_and_rescan),
		ON_BENCH("a root bus is found by domain and number", test_rescan_root),
		ON_BENCH("registers keep what is written", test_registers),
		ON_BENCH("the machine it was given is not touched", test_start_untouched),
		{ "a script is followed to the letter", test_scripted, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}

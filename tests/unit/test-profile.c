/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel a release and a command line are. */
#include <string.h>

#include <errno.h>

#include "pciroom/kernel.h"
#include "rows.h"

#define KIB       UINT64_C(1024)
#define MIB       (KIB * KIB)
#define UNTOUCHED 77u

static const struct release_case {
	const char *name, *release;
	int result;
	enum pr_generation generation;
	bool older, newer;
} release_cases[] = {
	{ .name = "Debian 12", .release = "6.1.0-50-amd64", .generation = PR_GENERATION_6_1 },
	{ .name = "before the first: the first, and older",
		.release = "6.0.19",
		.generation = PR_GENERATION_6_1,
		.older = true },
	{ .name = "another major before the first",
		.release = "5.15.0-91-generic",
		.generation = PR_GENERATION_6_1,
		.older = true },
	{ .name = "last one before 6.12", .release = "6.11.11", .generation = PR_GENERATION_6_1 },
	{ .name = "Debian 13",
		.release = "6.12.107+deb13-amd64",
		.generation = PR_GENERATION_6_12 },
	{ .name = "last one before 6.17", .release = "6.16.12", .generation = PR_GENERATION_6_12 },
	{ .name = "last one before 6.18", .release = "6.17.13", .generation = PR_GENERATION_6_17 },
	{ .name = "6.18", .release = "6.18.15+deb13-amd64", .generation = PR_GENERATION_6_18 },
	{ .name = "6.18.0", .release = "6.18.0", .generation = PR_GENERATION_6_18_0 },
	{ .name = "a candidate of 6.18",
		.release = "6.18.0-rc5-00022-g832f811c236d",
		.generation = PR_GENERATION_6_18_0 },
	{ .name = "6.18 without a third number",
		.release = "6.18",
		.generation = PR_GENERATION_6_18 },
	{ .name = "7.0 still places as 6.18.y",
		.release = "7.0.4",
		.generation = PR_GENERATION_6_18 },
	{ .name = "7.2", .release = "7.2.1-1~bpo13", .generation = PR_GENERATION_7 },
	{ .name = "7.3", .release = "7.3.4", .generation = PR_GENERATION_7_3 },
	{ .name = "release candidates count as the release",
		.release = "7.3-rc1",
		.generation = PR_GENERATION_7_3 },
	{ .name = "newer than any: the newest, and newer",
		.release = "7.4.0",
		.generation = PR_GENERATION_7_3,
		.newer = true },
	{ .name = "another major after the newest",
		.release = "8.0.0",
		.generation = PR_GENERATION_7_3,
		.newer = true },
	{ .name = "6.100 is newer than 6.18, not than 7",
		.release = "6.100.0",
		.generation = PR_GENERATION_6_18 },
	{ .name = "no release: the newest, and not known",
		.result = 1,
		.generation = PR_GENERATION_7_3 },
	{ .name = "no number", .release = "unknown", .result = 1, .generation = PR_GENERATION_7_3 },
	{ .name = "no minor number", .release = "6", .result = 1, .generation = PR_GENERATION_7_3 },
	{ .name = "a number too large",
		.release = "99999999999.1",
		.result = 1,
		.generation = PR_GENERATION_7_3 },
};

static void test_release(void **state)
{
	const struct release_case *c = *state;
	struct pr_machine machine = { .release = c->release, .arch = "x86_64" };
	struct pr_kernel k;

	assert_int_equal(pr_kernel_select(&machine, &k), c->result);
	assert_int_equal(k.generation, c->generation);
	assert_int_equal(k.older, c->older);
	assert_int_equal(k.newer, c->newer);
}

static const struct cmdline_case {
	const char *name, *cmdline;
	int result;
	uint64_t io, mem, pref;
	unsigned int buses;
	bool assign_busses;
} cmdline_cases[] = {
	{ .name = "no command line", .io = 256, .mem = 2 * MIB, .pref = 2 * MIB, .buses = 1 },
	{ .name = "nothing about pci",
		.cmdline = "root=/dev/vda1 ro quiet",
		.io = 256,
		.mem = 2 * MIB,
		.pref = 2 * MIB,
		.buses = 1 },
	{ .name = "each size by itself",
		.cmdline = "ro pci=hpiosize=4K,hpmmiosize=16M,hpmmioprefsize=1G,hpbussize=8 quiet",
		.io = 4 * KIB,
		.mem = 16 * MIB,
		.pref = 1024 * MIB,
		.buses = 8 },
	{ .name = "hpmemsize is both memory sizes",
		.cmdline = "pci=hpmemsize=0x100000",
		.io = 256,
		.mem = MIB,
		.pref = MIB,
		.buses = 1 },
	{ .name = "the later option wins",
		.cmdline = "pci=hpmemsize=4M pci=hpmmiosize=8M",
		.io = 256,
		.mem = 8 * MIB,
		.pref = 4 * MIB,
		.buses = 1 },
	{ .name = "octal and lower case",
		.cmdline = "pci=hpiosize=010,hpmmiosize=1g",
		.io = 8,
		.mem = 1024 * MIB,
		.pref = 2 * MIB,
		.buses = 1 },
	{ .name = "more bus numbers than there are: the default",
		.cmdline = "pci=hpbussize=256",
		.io = 256,
		.mem = 2 * MIB,
		.pref = 2 * MIB,
		.buses = 1 },
	{ .name = "assign-busses",
		.cmdline = "pci=realloc,assign-busses",
		.io = 256,
		.mem = 2 * MIB,
		.pref = 2 * MIB,
		.buses = 1,
		.assign_busses = true },
	{ .name = "an option of something else",
		.cmdline = "xpci=hpiosize=1M pcie_ports=native",
		.io = 256,
		.mem = 2 * MIB,
		.pref = 2 * MIB,
		.buses = 1 },
	{ .name = "no number", .cmdline = "pci=hpiosize=", .result = -EINVAL },
	{ .name = "not a number", .cmdline = "pci=hpmmiosize=big", .result = -EINVAL },
	{ .name = "something behind the number",
		.cmdline = "pci=hpmemsize=4MB",
		.result = -EINVAL },
	{ .name = "a number that does not fit in 64 bits",
		.cmdline = "pci=hpmmioprefsize=0x10000000000000000",
		.result = -EINVAL },
	{ .name = "a suffix that does not fit in 64 bits",
		.cmdline = "pci=hpmmioprefsize=0xffffffffffffffffK",
		.result = -EINVAL },
};

static void test_cmdline(void **state)
{
	const struct cmdline_case *c = *state;
	struct pr_machine machine = { .release = "6.1.0", .cmdline = c->cmdline };
	struct pr_kernel k = { .hp_bus_size = UNTOUCHED };

	assert_int_equal(pr_kernel_select(&machine, &k), c->result);
	if (c->result != 0) {
		assert_int_equal(k.hp_bus_size, UNTOUCHED);
		return;
	}
	assert_int_equal(k.hp_io_size, c->io);
	assert_int_equal(k.hp_mem_size, c->mem);
	assert_int_equal(k.hp_pref_size, c->pref);
	assert_int_equal(k.hp_bus_size, c->buses);
	assert_int_equal(k.assign_busses, c->assign_busses);
}

static const struct arch_case {
	const char *name, *arch;
	bool reads_windows;
} arch_cases[] = {
	{ "x86_64 reads window registers", "x86_64", true },
	{ "i686 reads window registers", "i686", true },
	{ "aarch64 does not", "aarch64", false },
	{ "not known: taken for x86", NULL, true },
};

static void test_arch(void **state)
{
	const struct arch_case *c = *state;
	struct pr_machine machine = { .release = "6.1.0", .arch = c->arch };
	struct pr_kernel k;

	assert_int_equal(pr_kernel_select(&machine, &k), 0);
	assert_int_equal(k.reads_windows, c->reads_windows);
}

/* A generation without a name is a forgotten row. */
static void test_names(void **state)
{
	(void)state;

	for (int i = 0; i < _PR_GENERATION_MAX; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(pr_generation_name((enum pr_generation)i),
				pr_generation_name((enum pr_generation)k));
	for (int i = 0; i < _PR_GENERATION_MAX; i++)
		assert_string_not_equal(pr_generation_name((enum pr_generation)i), "unknown");
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, release_cases, test_release);
	ADD_ROWS(&tests, cmdline_cases, test_cmdline);
	ADD_ROWS(&tests, arch_cases, test_arch);
	rows_add(&tests, "every generation has a name of its own", test_names, NULL);

	return rows_run(&tests, "profile");
}

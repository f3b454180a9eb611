/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host bridges out of /proc/iomem and /proc/ioports: texts in, apertures and busy ranges out. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "import/apertures.h"
#include "rows.h"

#define ROOTS_MAX 4

/*
 * A host bridge looked for, and its facts as text: "last io mem busy-io busy-mem", "?" for
 * apertures not known.
 */
struct expected {
	uint32_t domain;
	uint8_t bus;
	const char *host; /* endpoint that a nested one is behind */
	const char *facts;
};

static const struct apertures_case {
	const char *name, *iomem, *ioports;
	struct expected roots[ROOTS_MAX];
	size_t n;
} apertures_cases[] = {
	{ .name = "apertures at the top level, windows and BARs are not busy",
		.iomem = "00000000-00000fff : Reserved\n"
			 "80000000-febfffff : PCI Bus 0000:00\n"
			 "  80000000-801fffff : PCI Bus 0000:01\n"
			 "    80000000-8001ffff : 0000:01:00.0\n"
			 "      80000000-8001ffff : e1000e\n"
			 "  fd000000-fdffffff : 0000:00:01.0\n"
			 "100000000-8ffffffff : PCI Bus 0000:00\n",
		.ioports = "0000-0cf7 : PCI Bus 0000:00\n"
			   "  0000-001f : dma1\n"
			   "  0020-0021 : pic1\n"
			   "0cf8-0cff : PCI conf1\n"
			   "0d00-ffff : PCI Bus 0000:00\n"
			   "  1000-1fff : PCI Bus 0000:01\n",
		.roots = { { .facts =
				     "- io=0-cf7,d00-ffff mem=80000000-febfffff,100000000-8ffffffff "
				     "busy-io=0-21 busy-mem=" } },
		.n = 1 },
	{ .name = "an aperture nested below Reserved, what is directly inside is busy",
		.iomem = "000a0000-000fffff : Reserved\n"
			 "  000a0000-000bffff : PCI Bus 0000:00\n"
			 "80000000-dfffffff : PCI Bus 0000:00\n"
			 "  b0000000-bfffffff : PCI ECAM 0000 [bus 00-ff]\n"
			 "    b0000000-bfffffff : pnp 00:00\n"
			 "  d0000000-d0000fff : Reserved\n"
			 "  d0001000-d0001fff : IOAPIC 1\n",
		.ioports = "",
		.roots = { { .facts = "ff io= mem=a0000-bffff,80000000-dfffffff busy-io= "
				      "busy-mem=b0000000-bfffffff,d0000000-d0001fff" } },
		.n = 1 },
	{ .name = "each host bridge ends before the next one of its domain begins",
		.iomem = "80000000-8fffffff : PCI Bus 0000:00\n"
			 "90000000-9fffffff : PCI Bus 0000:20\n"
			 "  90000000-900fffff : PCI Bus 0000:21\n"
			 "a0000000-a7ffffff : PCI MMCONFIG 0000 [bus 00-7f]\n",
		.ioports = "",
		.roots = { { .bus = 0x20,
				   .facts = "7e io= mem=90000000-9fffffff busy-io= busy-mem=" },
			{ .bus = 0, .facts = "1f io= mem=80000000-8fffffff busy-io= busy-mem=" },
			{ .bus = 0x7f, .facts = "7f io= mem= busy-io= busy-mem=" },
			{ .bus = 0x80, .facts = "- io= mem= busy-io= busy-mem=" } },
		.n = 4 },
	{ .name = "readers without privilege see zeros: apertures unknown, bus range known",
		.iomem = "00000000-00000000 : PCI Bus 0000:00\n"
			 "  00000000-00000000 : PCI ECAM 0000 [bus 00-3f]\n",
		.ioports = "0000-0000 : PCI Bus 0000:00\n",
		.roots = { { .facts = "3f ?" } },
		.n = 1 },
	{ .name = "memory in full and ports hidden: ports are unknown",
		.iomem = "80000000-8fffffff : PCI Bus 0000:00\n",
		.ioports = "0000-0000 : PCI Bus 0000:00\n",
		.roots = { { .facts = "- mem=80000000-8fffffff busy-mem=" } },
		.n = 1 },
	{ .name = "memory alone: ports are unknown",
		.iomem = "80000000-8fffffff : PCI Bus 0000:00\n",
		.roots = { { .facts = "- mem=80000000-8fffffff busy-mem=" } },
		.n = 1 },
	{ .name = "ports alone: memory is unknown, and who is not in the list has unknown ports",
		.ioports = "1000-1fff : PCI Bus 0000:00\n",
		.roots = { { .facts = "- io=1000-1fff busy-io=" },
			{ .bus = 0x80, .facts = "- ?" } },
		.n = 2 },
	{ .name = "neither list could be read: unknown", .roots = { { .facts = "- ?" } }, .n = 1 },
	{ .name = "an empty list of memory hides it",
		.iomem = "",
		.ioports = "0000-ffff : PCI Bus 0000:00\n",
		.roots = { { .facts = "- io=0-ffff busy-io=" } },
		.n = 1 },
	{ .name = "the first and the last address of the space",
		.iomem = "00000000-00000000 : PCI Bus 0000:00\n"
			 "ffffffffffffffff-ffffffffffffffff : PCI Bus 0000:00\n",
		.ioports = "0000-0000 : PCI Bus 0000:00\n"
			   "ffff-ffff : PCI Bus 0000:00\n",
		.roots = { { .facts =
				     "- io=0-0,ffff-ffff mem=0-0,ffffffffffffffff-ffffffffffffffff "
				     "busy-io= busy-mem=" } },
		.n = 1 },
	{ .name = "an aperture repeated inside of itself counts once",
		.iomem = "80000000-8fffffff : PCI Bus 0000:00\n"
			 "  80000000-8fffffff : PCI Bus 0000:00\n"
			 "    88000000-88ffffff : Reserved\n",
		.ioports = "",
		.roots = { { .facts = "- io= mem=80000000-8fffffff busy-io= "
				      "busy-mem=88000000-88ffffff" } },
		.n = 1 },
	{ .name = "another host bridge's aperture inside is busy",
		.iomem = "80000000-8fffffff : PCI Bus 0000:00\n"
			 "  88000000-88ffffff : PCI Bus 0000:40\n",
		.ioports = "",
		.roots = { { .facts = "- io= mem=80000000-8fffffff busy-io= "
				      "busy-mem=88000000-88ffffff" },
			{ .bus = 0x40,
				.facts = "- io= mem=88000000-88ffffff busy-io= busy-mem=" } },
		.n = 2 },
	{ .name = "busy ranges that touch or overlap are one",
		.iomem = "80000000-8fffffff : PCI Bus 0000:00\n"
			 "  80000000-80000fff : Reserved\n"
			 "  80001000-80001fff : HPET 0\n"
			 "  80003000-80003fff : HPET 1\n",
		.ioports = "",
		.roots = { { .facts = "- io= mem=80000000-8fffffff busy-io= "
				      "busy-mem=80000000-80001fff,80003000-80003fff" } },
		.n = 1 },
	{ .name = "a window of a CardBus bridge is a window",
		.iomem = "80000000-8fffffff : PCI Bus 0000:00\n"
			 "  80000000-83ffffff : PCI CardBus 0000:16\n",
		.ioports = "",
		.roots = { { .facts = "- io= mem=80000000-8fffffff busy-io= busy-mem=" } },
		.n = 1 },
	{ .name = "a domain nested behind an endpoint (VMD), 32 bits of domain",
		.iomem = "80000000-8fffffff : PCI Bus 0000:00\n"
			 "  82000000-83ffffff : 0000:00:0e.0\n"
			 "    82000000-83ffffff : VMD MEMBAR1\n"
			 "      82000000-820fffff : PCI Bus 10000:e1\n"
			 "      82100000-82100fff : pnp 00:07\n",
		.ioports = "",
		.roots = { { .facts = "- io= mem=80000000-8fffffff busy-io= busy-mem=" },
			{ .domain = 0x10000,
				.bus = 0xe0,
				.host = "0000:00:0e.0",
				.facts = "- io= mem=82000000-83ffffff busy-io= "
					 "busy-mem=82100000-82100fff" } },
		.n = 2 },
	{ .name = "device tree names: the windows inside tell the domain",
		.iomem = "600c000000000-600c07ffeffff : pciex@600c3c0000000\n"
			 "600c080000000-600c0fffeffff : pciex@600c3c0100000\n"
			 "  600c080000000-600c0ffefffff : PCI Bus 0001:01\n"
			 "6004000000000-6007f7fffffff : pciex@600c3c0100000\n",
		.ioports = "",
		.roots = { { .facts = "- ?" },
			{ .domain = 1,
				.facts = "- io= mem=600c080000000-600c0fffeffff,"
					 "6004000000000-6007f7fffffff busy-io= busy-mem=" } },
		.n = 2 },
	{ .name = "one name for two domains: unknown",
		.iomem = "40000000-4fffffff : MEM\n"
			 "  40000000-400fffff : PCI Bus 0000:01\n"
			 "50000000-5fffffff : MEM\n"
			 "  50000000-500fffff : PCI Bus 0001:01\n",
		.ioports = "",
		.roots = { { .facts = "- ?" }, { .domain = 1, .facts = "- ?" } },
		.n = 2 },
	{ .name = "one domain with two host bridges and no names of buses: unknown",
		.iomem = "40000000-4fffffff : pcie@40000000\n"
			 "  40000000-400fffff : PCI Bus 0000:01\n",
		.ioports = "",
		.roots = { { .facts = "- ?" }, { .bus = 0x80, .facts = "- ?" } },
		.n = 2 },
	{ .name = "no newline at the end, empty lines between",
		.iomem = "80000000-8fffffff : PCI Bus 0000:00\n\n  80000000-80000fff : x",
		.ioports = "",
		.roots = { { .facts =
				     "- io= mem=80000000-8fffffff busy-io= busy-mem=80000000-80000fff" } },
		.n = 1 },
};

static void format_ranges(
	struct pr_text *t, const char *key, const struct pr_range *ranges, size_t n)
{
	pr_text_printf(t, " %s=", key);
	for (size_t i = 0; i < n; i++)
		pr_text_printf(
			t, "%s%" PRIx64 "-%" PRIx64, i ? "," : "", ranges[i].first, ranges[i].last);
}

static char *format_facts(const struct pr_root_facts *f)
{
	struct pr_text t = { 0 };
	char *text;

	if (f->last_bus < 0)
		pr_text_add(&t, "-");
	else
		pr_text_printf(&t, "%02x", (unsigned int)f->last_bus);
	if (f->io_known)
		format_ranges(&t, "io", f->io, f->n_io);
	if (f->mem_known)
		format_ranges(&t, "mem", f->mem, f->n_mem);
	if (f->io_known)
		format_ranges(&t, "busy-io", f->busy_io, f->n_busy_io);
	if (f->mem_known)
		format_ranges(&t, "busy-mem", f->busy_mem, f->n_busy_mem);
	if (!f->io_known && !f->mem_known)
		pr_text_add(&t, " ?");
	assert_int_equal(pr_text_take(&t, &text, NULL), 0);
	return text;
}

/* A copy of exactly the size of the text, so that reading behind it is seen. */
static struct pr_resource_text exact(const char *name, const char *text)
{
	struct pr_resource_text t = { .name = name, .size = text ? strlen(text) : 0 };
	char *copy = text ? malloc(t.size + (t.size == 0)) : NULL;

	if (text && t.size > 0)
		memcpy(copy, text, t.size);
	t.text = copy;
	return t;
}

static void test_apertures(void **state)
{
	const struct apertures_case *c = *state;
	struct pr_resource_text mem = exact("iomem", c->iomem), io = exact("ioports", c->ioports);
	struct pr_aperture_root roots[ROOTS_MAX] = { 0 };
	struct pr_arena *arena = pr_arena_new();
	struct pr_import_error error = { .text = "" };

	for (size_t i = 0; i < c->n; i++) {
		roots[i].facts = (struct pr_root_facts){ .domain = c->roots[i].domain,
			.bus = c->roots[i].bus };
		roots[i].nested = c->roots[i].host != NULL;
		if (roots[i].nested)
			assert_true(pr_address_parse(c->roots[i].host, &roots[i].host));
	}
	if (pr_apertures_parse(&mem, &io, roots, c->n, arena, &error) != 0)
		fail_msg("%u: %s", error.line, error.text);

	for (size_t i = 0; i < c->n; i++) {
		_cleanup_free_ char *facts = format_facts(&roots[i].facts);

		assert_string_equal(facts, c->roots[i].facts);
	}
	pr_arena_free(arena);
	free((char *)mem.text); /* ours: exact() made it */
	free((char *)io.text);
}

static const struct bad_case {
	const char *name, *iomem;
	unsigned int line;
} bad_cases[] = {
	{ "a line without a range", "80000000-8fffffff : a\nhello\n", 2 },
	{ "a range that ends before it begins", "80000001-80000000 : a\n", 1 },
	{ "a number of seventeen digits", "00000000000000000-1 : a\n", 1 },
	{ "capital digits, which the kernel never writes", "A0000-AFFFF : a\n", 1 },
	{ "cut in the middle of a range", "80000000-8fffffff : a\n80000000-", 2 },
	{ "no name and no colon", "80000000-8fffffff", 1 },
};

static void test_bad(void **state)
{
	const struct bad_case *c = *state;
	struct pr_resource_text mem = exact("iomem", c->iomem), io = { .name = "ioports" };
	struct pr_aperture_root root = { .facts = { .last_bus = 77 } };
	struct pr_arena *arena = pr_arena_new();
	struct pr_import_error error = { .text = "" };

	assert_int_equal(pr_apertures_parse(&mem, &io, &root, 1, arena, &error), -EINVAL);
	assert_int_equal(error.line, c->line);
	assert_non_null(strstr(error.text, "iomem"));
	pr_arena_free(arena);
	free((char *)mem.text); /* ours: exact() made it */
}

static const struct masked_case {
	const char *name, *text;
	bool masked;
} masked_cases[] = {
	{ "zeros alone are masked", "0000-0000 : a\n  0000-0000 : b\n", true },
	{ "nothing is masked", "", true },
	{ "one address is enough, the last byte", "0000-0000 : a\n0000-0001 : b", false },
};

static void test_masked(void **state)
{
	const struct masked_case *c = *state;

	assert_int_equal(pr_resource_text_masked(c->text, strlen(c->text)), c->masked);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, apertures_cases, test_apertures);
	ADD_ROWS(&tests, bad_cases, test_bad);
	ADD_ROWS(&tests, masked_cases, test_masked);

	return rows_run(&tests, "apertures");
}

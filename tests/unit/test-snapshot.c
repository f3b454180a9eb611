/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots: what is written reads back equal, and what is wrong is named by
 * line, column and key.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "import/snapshot.h"
#include "machine.h"
#include "pciroom/import.h"
#include "rows.h"

/* ---- machines, written and read back ---- */

#define ROOT "root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"

static const struct machine_case {
	const char *name, *machine;
} machine_cases[] = {
	{ "a machine without functions", ROOT },
	{ "kernel, command line, lockdown, architecture, guest",
		"kernel 6.1.0-50-amd64\ncmdline pci=hpmmiosize=4M quiet\nlockdown integrity\narch x86_64\n"
		"guest\n" ROOT },
	{ "a host bridge whose apertures are not known", "root 0000:00-ff\n"
							 "00:02.0 dev 8086:1234 class=060000\n" },
	{ "busy ranges of both kinds", "root 0000:00-ff io=0-ffff mem=80000000-febfffff "
				       "busy=feb00000-feb0ffff busy-io=cf8-cff\n" },
	{ "the last bytes of 64 bits",
		"root 0000:00-ff io=0-ffff mem=8000000000000000-ffffffffffffffff\n" },
	{ "a domain of 32 bits", "root ffffffff:e0-ff mem=80000000-8fffffff io=0-0\n"
				 "ffffffff:e0:1f.7 dev 8086:1234 class=020000\n" },
	{ "bridges, BARs, drivers and users", ROOT
		"00:02.0 bridge 01-05 root-port hotplug io=c000-cfff mem=fe400000-fe5fffff "
		"pref64=100000000-1001fffff driver=pcieport\n"
		"01:00.0 bridge 02-05 upstream mem=fe400000-fe5fffff driver=pcieport\n"
		"02:00.0 bridge 03-03 downstream hotplug\n"
		"02:01.0 bridge 04-04 downstream mem=fe400000-fe5fffff\n"
		"04:00.0 dev 8086:10d3 class=020000 bar0=mem:20000@fe440000 rom=40000@none "
		"driver=e1000e user=net:enp4s0 user=mount:/srv slot=4 label=LAN removable=removable "
		"override=e1000e enabled=1 group=7 numa=0\n" },
	{ "what the kernel forgot: measured, and not measured",
		ROOT "00:02.0 bridge 01-01 root-port mem=fe400000-fe5fffff\n"
		     "01:00.0 dev 1b36:0005 class=050000 bar0=mem:1000@unassigned "
		     "bar2=pref64:10000000@forgotten\n"
		     "01:00.1 dev 1b36:0005 class=050000 bar0=mem:1000@forgotten?\n" },
	{ "virtual functions",
		ROOT "00:02.0 bridge 01-02 root-port mem=fe400000-fe5fffff\n"
		     "01:00.0 dev 8086:10c9 class=020000 bar0=mem:20000@fe440000 vfs=2 "
		     "numvfs=1\n"
		     "01:10.0 dev 8086:10ca class=020000 vf-of=01:00.0\n" },
	{ "64 bytes of configuration space and no resource lines",
		ROOT "00:03.0 dev 8086:10d3 class=020000 nolines bytes=64\n" },
	{ "no byte of configuration space", ROOT "00:03.0 dev 8086:10d3 class=020000 bytes=0\n" },
	{ "an odd number of bytes", ROOT "00:03.0 dev 8086:10d3 class=020000 bytes=65\n" },
};

static void assert_round_trip(const struct pr_topology *t)
{
	struct pr_import_error error = { .text = "" };
	struct pr_topology *again = NULL;
	_cleanup_free_ char *text = NULL, *twice = NULL;
	char why[256] = "";
	size_t size;

	assert_int_equal(pr_snapshot_write(t, &text, &size), 0);
	assert_int_equal(strlen(text), size);
	if (pr_snapshot_read(text, size, &again, &error) != 0)
		fail_msg("reading back: %u:%u: %s\n%s", error.line, error.column, error.text, text);
	if (!pr_topology_equal(t, again, why, sizeof(why)))
		fail_msg("read back differs: %s\n%s", why, text);
	assert_int_equal(pr_snapshot_write(again, &twice, NULL), 0);
	assert_string_equal(text, twice);
	pr_topology_free(again);
}

static void test_machine(void **state)
{
	const struct machine_case *c = *state;
	struct pr_topology *t = machine_build(c->machine);

	assert_round_trip(t);
	pr_topology_free(t);
}

/* ---- text of unknown origin ---- */

static const struct string_case {
	const char *name, *value;
	int written;
} string_cases[] = {
	{ "text: empty", "", 0 },
	{ "text: quotes and backslashes", "say \"\\x41\" \\", 0 },
	{ "text: what YAML would take for something else", "~ # no: [yes, &a *b] !x |", 0 },
	{ "text: blanks at both ends", "  quiet  ", 0 },
	{ "text: tabs, line breaks and control characters", "a\tb\nc\rd\x01\x1f\x7f", 0 },
	{ "text: two, three and four bytes of UTF-8", "\xc3\xbc \xe2\x82\xac \xf0\x9f\x92\xbe", 0 },
	{ "text: line separators of Unicode", "\xc2\x85 \xe2\x80\xa8 \xe2\x80\xa9", 0 },
	{ "text: byte order mark and the last characters",
		"\xef\xbb\xbf \xef\xbf\xbf \xf4\x8f\xbf\xbf", 0 },
	{ "text: not UTF-8 is refused", "a\xff", -EILSEQ },
	{ "text: an overlong form is refused", "\xc0\x80", -EILSEQ },
	{ "text: a surrogate is refused", "\xed\xa0\x80", -EILSEQ },
	{ "text: a character cut short is refused", "\xe2\x82", -EILSEQ },
};

static void test_string(void **state)
{
	const struct string_case *c = *state;
	struct pr_machine machine = { .cmdline = c->value };
	struct pr_builder *b = pr_builder_new();
	struct pr_topology *t = NULL;
	struct pr_build_error why;
	char *text = NULL;

	assert_int_equal(pr_builder_set_machine(b, &machine), 0);
	assert_int_equal(pr_builder_finish(b, &t, &why), 0);
	if (c->written == 0) {
		assert_round_trip(t);
	} else {
		assert_int_equal(pr_snapshot_write(t, &text, NULL), c->written);
		assert_null(text);
	}
	pr_topology_free(t);
}

/* ---- what is wrong ---- */

#define HEAD "format: pciroom-snapshot/1\n"
#define NONE "host-bridges: []\nfunctions: []\n"
#define END  "...\n"
/* One host bridge from line 3 on; one function from line 4 on. */
#define BRIDGE(keys)   HEAD "host-bridges:\n- bus: 0000:00\n" keys "functions: []\n" END
#define FUNCTION(keys) HEAD "host-bridges: []\nfunctions:\n- address: 0000:00:02.0\n" keys END

static const struct bad_case {
	const char *name, *text;
	unsigned int line, column;
	const char *mentions;
} bad_cases[] = {
	{ "empty text", "", 1, 1, "empty" },
	{ "a list at the top", "- a\n...\n", 1, 1, "expected a mapping, found a list" },
	{ "another format", "format: pciroom-snapshot/2\n" NONE END, 1, 9, "pciroom-snapshot/2" },
	{ "no format", NONE END, 1, 1, "key \"format\" is missing" },
	{ "no functions", HEAD "host-bridges: []\n" END, 1, 1, "key \"functions\" is missing" },
	{ "no mark at the end", HEAD NONE, 4, 1, "cut short" },
	{ "a second document", HEAD NONE END "---\n" HEAD, 5, 1, "a new document" },
	{ "unknown key at the top", HEAD "bogus: 1\n" NONE END, 2, 1,
		"snapshot: unknown key \"bogus\"" },
	{ "unknown key of the machine", HEAD "machine:\n  relese: \"6\"\n" NONE END, 3, 3,
		"machine: unknown key \"relese\"" },
	{ "unknown key of a function", FUNCTION("  bar: 1\n"), 5, 3,
		"function: unknown key \"bar\"" },
	{ "a key twice", FUNCTION("  driver: a\n  driver: a\n"), 6, 3,
		"key \"driver\" is there twice" },
	{ "a section twice", HEAD NONE "functions: []\n" END, 4, 1,
		"\"functions\" is there twice" },
	{ "an alias", HEAD "machine: {release: &a x, arch: *a}\n" NONE END, 2, 20, "aliases" },
	{ "a tag", HEAD "machine: {release: !!str x}\n" NONE END, 2, 20, "tags" },
	{ "neither true nor false", HEAD "machine: {guest: yes}\n" NONE END, 2, 18,
		"guest: \"yes\"" },
	{ "a NUL character", HEAD "machine: {release: \"a\\0b\"}\n" NONE END, 2, 20,
		"release: a NUL" },
	{ "a mapping where text belongs", HEAD "machine: {release: {a: b}}\n" NONE END, 2, 20,
		"release: expected a plain value, found a mapping" },
	{ "text where a list belongs", HEAD "host-bridges: none\nfunctions: []\n" END, 2, 15,
		"host-bridges: expected a list" },
	{ "a host bridge without bus", HEAD "host-bridges:\n- last-bus: 3\nfunctions: []\n" END, 3,
		3, "host bridge: key \"bus\" is missing" },
	{ "a bus without domain", HEAD "host-bridges:\n- bus: \"00\"\nfunctions: []\n" END, 3, 8,
		"bus: \"00\"" },
	{ "a bus of three digits", HEAD "host-bridges:\n- bus: 0000:100\nfunctions: []\n" END, 3, 8,
		"0000:100" },
	{ "a last bus above 255", BRIDGE("  last-bus: 0x100\n"), 4, 13, "0x100 is more than 255" },
	{ "a last bus below the bus",
		HEAD "host-bridges:\n- bus: 0000:80\n  last-bus: 0x7f\nfunctions: []\n" END, 3, 3,
		"below the bus" },
	{ "a range without end", BRIDGE("  io: [0x1000]\n  mem: []\n"), 4, 8, "io: \"0x1000\"" },
	{ "a range that ends before it begins", BRIDGE("  io: []\n  mem: [0x1001-0x1000]\n"), 5, 9,
		"mem:" },
	{ "busy ports without apertures", BRIDGE("  mem: []\n  busy-io: [0x0-0xf]\n"), 3, 3,
		"without apertures" },
	{ "busy memory without apertures", BRIDGE("  io: []\n  busy-mem: [0x0-0xf]\n"), 3, 3,
		"without apertures" },
	{ "busy ranges out of order",
		BRIDGE("  io: []\n  mem: []\n  busy-mem: [0x2000-0x2fff, 0x0-0xf]\n"), 3, 3,
		"order" },
	{ "a host bridge twice", BRIDGE("- bus: 0000:00\n"), 4, 3, "0000:00 is there twice" },
	{ "a function without address", HEAD "host-bridges: []\nfunctions: [{driver: a}]\n" END, 3,
		13, "function: key \"address\" is missing" },
	{ "a function twice", FUNCTION("- address: 0000:00:02.0\n"), 5, 3,
		"0000:00:02.0 is there twice" },
	{ "device number 20", FUNCTION("  parent: 0000:00:20.0\n"), 5, 11,
		"parent: \"0000:00:20.0\"" },
	{ "an odd number of digits", FUNCTION("  config: 868\n"), 5, 11, "config: \"868\"" },
	{ "a digit that is none", FUNCTION("  config: |\n    86g0\n"), 5, 11, "config: \"86g0\"" },
	{ "4097 bytes", FUNCTION("  config: 86 0*4096\n"), 5, 11, "more than 4096 bytes" },
	{ "zeros without number", FUNCTION("  config: 86 0*\n"), 5, 11, "\"0*\"" },
	{ "unknown bytes without number", FUNCTION("  config: 86 ?*\n"), 5, 11, "\"?*\"" },
	{ "4097 bytes, most of them unknown", FUNCTION("  config: 86 ?*4096\n"), 5, 11,
		"more than 4096 bytes" },
	{ "more zeros than 64 bits count", FUNCTION("  config: 0*99999999999999999999\n"), 5, 11,
		"more than 4096 bytes" },
	{ "a resource line of two numbers", FUNCTION("  resource:\n  - 0x0 0x0 0x0\n  - 0x1 0x2\n"),
		7, 5, "resource: \"0x1 0x2\"" },
	{ "a mask for BAR 16", FUNCTION("  masks:\n  - 16 0x0 0x0\n"), 6, 5,
		"masks: \"16 0x0 0x0\"" },
	{ "a mask of 33 bits", FUNCTION("  masks:\n  - 0 0x100000000 0x0\n"), 6, 5, "masks:" },
	{ "sixteen masks",
		FUNCTION("  masks: [0 0 0, 1 0 0, 2 0 0, 3 0 0, 4 0 0, 5 0 0, 6 0 0, 7 0 0,"
			 " 8 0 0, 9 0 0, 0 0 0, 0 0 0, 0 0 0, 0 0 0, 0 0 0, 0 0 0]\n"),
		5, 116, "more than 15 BARs" },
	{ "a negative number", FUNCTION("  numa-node: -1\n"), 5, 14, "numa-node: \"-1\"" },
	{ "a place in the discovery order of 0", FUNCTION("  order: 0\n"), 5, 10,
		"counted from 1" },
	{ "a newcomer with a table of the kernel",
		FUNCTION("  newcomer: true\n  resource: [0 0 0]\n"), 4, 3, "is impossible" },
	{ "a number above 2^31 - 1", FUNCTION("  enabled: 2147483648\n"), 5, 12,
		"more than 2147483647" },
	{ "a user without name", FUNCTION("  users:\n  - kind: mount\n"), 6, 5,
		"user: key \"what\" is missing" },
	{ "a quotation that does not end", HEAD "machine:\n  release: \"6.1\n", 4, 1,
		"end of stream" },
	{ "bytes that are not UTF-8", HEAD "machine: {release: \"\xff\"}\n" NONE END, 0, 0,
		"UTF-8" },
	{ "a tab as indentation", HEAD "machine:\n\trelease: x\n" NONE END, 3, 1, "token" },
};

static void assert_refused(const char *text, size_t size, const struct bad_case *c)
{
	/* a copy of exactly that size, so that reading behind it is seen */
	_cleanup_free_ char *copy = malloc(size + (size == 0));
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;

	memcpy(copy, text, size);
	assert_int_equal(pr_snapshot_read(copy, size, &t, &error), -EINVAL);
	assert_null(t);
	if (!strstr(error.text, c->mentions))
		fail_msg("\"%s\" does not mention \"%s\"", error.text, c->mentions);
	if (c->line > 0 && (error.line != c->line || error.column != c->column))
		fail_msg("at %u:%u, expected %u:%u: %s", error.line, error.column, c->line,
			c->column, error.text);
}

static void test_bad(void **state)
{
	const struct bad_case *c = *state;

	assert_refused(c->text, strlen(c->text), c);
}

/* Wherever a file is cut, reading it is an error that has a place or a sentence. */
static void test_cut(void **state)
{
	struct pr_topology *t = machine_build(machine_cases[6].machine);
	const struct bad_case any = { .mentions = "" };
	_cleanup_free_ char *text = NULL;
	size_t size;

	(void)state;
	assert_int_equal(pr_snapshot_write(t, &text, &size), 0);
	for (size_t n = 0; n + 1 < size; n++) /* without its last newline it is still whole */
		assert_refused(text, n, &any);
	pr_topology_free(t);
}

/* Brackets without end cost neither stack nor memory. */
static void test_depth(void **state)
{
	const struct bad_case deep = { .line = 2, .column = 10, .mentions = "found a list" };
	struct pr_text text = { 0 };

	(void)state;
	pr_text_add(&text, HEAD "machine: ");
	for (int i = 0; i < 100000; i++)
		pr_text_add(&text, "[");
	assert_false(text.failed);
	assert_refused(text.data, text.length, &deep);
	pr_text_deinit(&text);
}

static void test_too_large(void **state)
{
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;

	(void)state;
	/* refused by its size alone: not a byte is looked at */
	assert_int_equal(pr_snapshot_read("", PR_SNAPSHOT_SIZE_MAX + 1, &t, &error), -EFBIG);
	assert_non_null(strstr(error.text, "64 MiB"));
	assert_null(t);
}

static void test_contradiction(void **state)
{
	static const char text[] = FUNCTION("  parent: 0000:00:03.0\n");
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;

	(void)state;
	assert_int_equal(pr_snapshot_read(text, strlen(text), &t, &error), 1);
	assert_non_null(strstr(error.text, "0000:00:02.0"));
	assert_null(t);
}

/* By hand: other orders, other styles of YAML, comments; an absent fact is not known. */
static void test_by_hand(void **state)
{
	static const char text[] =
		"# bug 17\n%YAML 1.1\n---\nfunctions:\n"
		"- {driver: nvme, address: '02:00.0', config: 86 80 0*62, numa-node: 0x1}\n"
		"host-bridges: [{bus: 0000:02}]\n"
		"format: pciroom-snapshot/1\n...\n# end\n";
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;
	const struct pr_facts *f;

	(void)state;
	if (pr_snapshot_read(text, strlen(text), &t, &error) != 0)
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
	f = machine_function(t, "0000:02:00.0")->facts;
	assert_string_equal(f->driver, "nvme");
	assert_int_equal(f->config_length, 64);
	assert_int_equal(f->numa_node, 1);
	assert_int_equal(f->iommu_group, -1);
	assert_null(f->lines);
	assert_null(f->masks);
	assert_false(t->roots[0]->facts.io_known);
	assert_false(t->roots[0]->facts.mem_known);
	assert_int_equal(t->roots[0]->facts.last_bus, -1);
	pr_topology_free(t);
}

/* The text is for people: this is what it looks like. */
static void test_looks(void **state)
{
	static const char expected[] = "format: pciroom-snapshot/1\n"
				       "machine:\n"
				       "  release: \"6.1.0-50-amd64\"\n"
				       "  lockdown: \"none\"\n"
				       "  arch: \"x86_64\"\n"
				       "  guest: false\n"
				       "host-bridges:\n"
				       "- bus: 0000:00\n"
				       "  last-bus: 0xff\n"
				       "  io: []\n"
				       "  mem:\n"
				       "  - 0x80000000-0xfebfffff\n"
				       "  busy-mem:\n"
				       "  - 0xfeb00000-0xfeb0ffff\n"
				       "functions:\n"
				       "- address: 0000:00:03.0\n"
				       "  masks: []\n"
				       "  driver: \"e1000e\"\n"
				       "  enabled: 1\n"
				       "  users:\n"
				       "  - kind: \"net\"\n"
				       "    what: \"eth0\"\n"
				       "...\n";
	struct pr_topology *t =
		machine_build("kernel 6.1.0-50-amd64\n"
			      "root 0000:00-ff mem=80000000-febfffff busy=feb00000-feb0ffff\n"
			      "00:03.0 dev 8086:10d3 class=020000 nolines bytes=0 driver=e1000e "
			      "user=net:eth0\n");
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(pr_snapshot_write(t, &text, NULL), 0);
	assert_string_equal(text, expected);
	pr_topology_free(t);
}

/* ---- */

static const struct CMUnitTest single_tests[] = {
	{ .name = "cut anywhere, it is refused", .test_func = test_cut },
	{ .name = "nesting without end is refused", .test_func = test_depth },
	{ .name = "more than 64 MiB are refused", .test_func = test_too_large },
	{ .name = "facts that contradict each other", .test_func = test_contradiction },
	{ .name = "written by hand", .test_func = test_by_hand },
	{ .name = "looks as documented", .test_func = test_looks },
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, machine_cases, test_machine);
	ADD_ROWS(&tests, string_cases, test_string);
	ADD_ROWS(&tests, bad_cases, test_bad);
	ADD_TESTS(&tests, single_tests);

	return rows_run(&tests, "snapshot");
}

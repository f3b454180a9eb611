/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsers of single files of sysfs and procfs: buffers in, facts or the line at fault out. */
#include <errno.h>
#include <string.h>

#include "import/machine.h"
#include "rows.h"

#define ZERO "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"

/* ---- resource lines ---- */

#define L(n) "0x" #n "000 0x" #n "fff 0x200\n"

static const struct lines_case {
	const char *name, *text;
	size_t n;
	unsigned int at; /* this line ... */
	uint64_t start;  /* ... starts here */
} lines_cases[] = {
	{ "lines: 17 of a bridge",
		L(1) L(2) L(3) L(4) L(5) L(6) L(7) L(8) L(9) L(a) L(b) L(c) L(d) L(e) L(f) L(10)
			L(11),
		17, 14, 0xf000 },
	{ "lines: 18 with nothing in the last",
		L(1) L(2) L(3) L(4) L(5) L(6) L(7) L(8) L(9) L(a) L(b) L(c) L(d) L(e) L(f) L(10)
			L(11) ZERO,
		17, 16, 0x11000 },
	{ "lines: 13 of a device", L(1) L(2) L(3) L(4) L(5) L(6) L(7) L(8) L(9) L(a) L(b) L(c) L(d),
		13, 12, 0xd000 },
	{ "lines: 11 of a bridge, kernel without SR-IOV: windows move up",
		L(1) L(2) L(3) L(4) L(5) L(6) L(7) L(8) L(9) L(a) L(b), 17, 14, 0x9000 },
	{ "lines: 11 of a bridge, kernel without SR-IOV: no VF BARs",
		L(1) L(2) L(3) L(4) L(5) L(6) L(7) L(8) L(9) L(a) L(b), 17, 12, 0 },
	{ "lines: 12 of a bridge, old kernel",
		L(1) L(2) L(3) L(4) L(5) L(6) L(7) L(8) L(9) L(a) L(b) ZERO, 17, 13, 0x8000 },
	{ "lines: 7 of a device", L(1) L(2) L(3) L(4) L(5) L(6) L(7), 7, 6, 0x7000 },
	{ "lines: the last address of the space",
		"0xffffffffffffffff 0xffffffffffffffff 0x0000000000140204", 1, 0, UINT64_MAX },
};

static void test_lines(void **state)
{
	const struct lines_case *c = *state;
	const struct pr_resource_line *lines = NULL;
	struct pr_arena *arena = pr_arena_new();
	struct pr_import_error error = { .text = "" };
	size_t n = 0;

	assert_int_equal(pr_resource_lines_parse(
				 "resource", c->text, strlen(c->text), arena, &lines, &n, &error),
		0);
	assert_int_equal(n, c->n);
	assert_int_equal(lines[c->at].start, c->start);
	pr_arena_free(arena);
}

static const struct bad_lines_case {
	const char *name, *text;
	unsigned int line;
} bad_lines_cases[] = {
	{ "lines: two numbers instead of three", ZERO "0x1 0x2\n", 2 },
	{ "lines: four numbers", "0x1 0x2 0x3 0x4\n", 1 },
	{ "lines: not a number", "0x1 0x2 none\n", 1 },
	{ "lines: a number of 65 bits", "0x1 0x10000000000000000 0x0\n", 1 },
	{ "lines: an empty line", ZERO "\n" ZERO, 2 },
};

static void test_bad_lines(void **state)
{
	const struct bad_lines_case *c = *state;
	const struct pr_resource_line *lines = NULL;
	struct pr_arena *arena = pr_arena_new();
	struct pr_import_error error = { .text = "" };
	size_t n = 77;

	assert_int_equal(pr_resource_lines_parse("some/resource", c->text, strlen(c->text), arena,
				 &lines, &n, &error),
		-EINVAL);
	assert_int_equal(error.line, c->line);
	assert_non_null(strstr(error.text, "some/resource"));
	assert_int_equal(n, 77);
	pr_arena_free(arena);
}

/* ---- paths ---- */

#define UP "../../../devices/"

static const struct path_case {
	const char *name, *path;
	bool ok;
	const char *parent; /* NULL: on the root bus */
	uint32_t domain;
	uint8_t bus; /* of the host bridge */
	const char *host;
} path_cases[] = {
	{ "path: on the root bus", UP "pci0000:00/0000:02:00.0", true, NULL, 0, 0, NULL },
	{ "path: below two bridges, the inner one is the parent",
		UP "pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0", true, "0000:01:00.0", 0, 0,
		NULL },
	{ "path: host bridge below a platform device",
		UP "platform/soc/40000000.pcie/pci0000:00/0000:00:00.0/0000:02:00.0", true,
		"0000:00:00.0", 0, 0, NULL },
	{ "path: a domain behind an endpoint has no parent in the outer one",
		UP "pci0000:00/0000:00:0e.0/pci10000:e0/0000:02:00.0", true, NULL, 0x10000, 0xe0,
		"0000:00:0e.0" },
	{ "path: a bridge in a nested domain",
		UP "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:1d.0/0000:02:00.0", true,
		"10000:e0:1d.0", 0x10000, 0xe0, "0000:00:0e.0" },
	{ "path: no host bridge", UP "platform/0000:02:00.0", false, NULL, 0, 0, NULL },
	{ "path: ends in another function", UP "pci0000:00/0000:02:00.1", false, NULL, 0, 0, NULL },
	{ "path: ends in the host bridge", UP "pci0000:00", false, NULL, 0, 0, NULL },
	{ "path: bus of three digits is no host bridge", UP "pci0000:100/0000:02:00.0", false, NULL,
		0, 0, NULL },
	{ "path: empty", "", false, NULL, 0, 0, NULL },
};

static void test_path(void **state)
{
	const struct path_case *c = *state;
	struct pr_facts facts = { .address = { .bus = 2 } };
	struct pr_aperture_root root = { .facts = { .bus = 0x5a } };
	char text[PR_ADDRESS_MAX];

	assert_int_equal(pr_sysfs_path_parse(c->path, &facts, &root), c->ok);
	if (!c->ok) {
		assert_int_equal(root.facts.bus, 0x5a);
		return;
	}
	assert_int_equal(facts.has_parent, c->parent != NULL);
	pr_address_format(&facts.parent, text);
	if (c->parent)
		assert_string_equal(text, c->parent);
	assert_int_equal(root.facts.domain, c->domain);
	assert_int_equal(root.facts.bus, c->bus);
	assert_int_equal(root.nested, c->host != NULL);
	pr_address_format(&root.host, text);
	if (c->host)
		assert_string_equal(text, c->host);
}

/* ---- text ---- */

static const struct clean_case {
	const char *name, *text, *cleaned;
} clean_cases[] = {
	{ "clean: UTF-8 stays", "LAN \xc3\xbc", "LAN \xc3\xbc" },
	{ "clean: a byte that is none becomes a question mark", "a\xff\xc3", "a??" },
	{ "clean: control characters too", "a\tb\x1b[0m\x7f", "a?b?[0m?" },
	{ "clean: empty", "", "" },
};

static void test_clean(void **state)
{
	const struct clean_case *c = *state;
	char text[64];

	assert_true(strlen(c->text) < sizeof(text));
	(void)strcpy(text, c->text); /* fits: tested above */
	pr_text_clean(text);
	assert_string_equal(text, c->cleaned);
}

/* ---- the machine ---- */

static const struct machine_case {
	const char *name, *lockdown, *expected, *cpuinfo;
	bool is_guest;
} machine_cases[] = {
	{ "lockdown: the word in brackets", "none [integrity] confidentiality", "integrity",
		"flags\t: fpu vme\n", false },
	{ "lockdown: nothing selected", "none integrity", NULL, "flags\t: fpu hypervisor\n", true },
	{ "lockdown: bracket left open", "none [integrity", NULL, "flags\t: fpu hypervisor_x vme\n",
		false },
	{ "cpuinfo: the word last, no newline", "[none]", "none", "a\nflags : hypervisor", true },
	{ "cpuinfo: not on another line", "[none]", "none",
		"model name : hypervisor x\nflags : fpu\n", false },
};

static void test_machine(void **state)
{
	const struct machine_case *c = *state;
	struct pr_arena *arena = pr_arena_new();
	const char *word = pr_lockdown_parse(c->lockdown, arena);

	if (c->expected)
		assert_string_equal(word, c->expected);
	else
		assert_null(word);
	assert_int_equal(pr_cpuinfo_hypervisor(c->cpuinfo, strlen(c->cpuinfo)), c->is_guest);
	pr_arena_free(arena);
}

/* ---- */

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, lines_cases, test_lines);
	ADD_ROWS(&tests, bad_lines_cases, test_bad_lines);
	ADD_ROWS(&tests, path_cases, test_path);
	ADD_ROWS(&tests, clean_cases, test_clean);
	ADD_ROWS(&tests, machine_cases, test_machine);

	return rows_run(&tests, "sysfs");
}

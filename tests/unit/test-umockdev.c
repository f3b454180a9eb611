/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings of umockdev: what is in them becomes the machine that a copy of its /sys would be, and
 * whatever is wrong is named with its line.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pciroom/import.h"
#include "rows.h"
#include "tidy.h"

#define DEVICE(path)   "P: /devices/" path "\n"
#define PCI            "E: SUBSYSTEM=pci\n"
#define CLASS          "A: class=0x020000\\n\n"
#define OTHERS         "A: device=0x1041\\n\nA: irq=0\\n\nA: vendor=0x1af4\\n\n"
#define RESOURCE       "A: resource=0x80000000 0x80000fff 0x40200\\n\n"
#define CONFIG         "H: config=F41A4110060000000000000200000000\n"
#define FUNCTION(path) DEVICE(path) PCI CLASS CONFIG OTHERS RESOURCE
#define AT_2           "pci0000:00/0000:00:02.0"
#define AT_3           "pci0000:00/0000:00:03.0"

/* ---- what is read ---- */

static const struct good_case {
	const char *name, *text;
	size_t n_functions;
	const char *snapshot; /* a part of it */
} good_cases[] = {
	{ "configuration space and resources", FUNCTION(AT_2), 1,
		"  config: |\n    f41a4110060000000000000200000000\n" },
	{ "lines of resource, which an escape keeps in one", FUNCTION(AT_2), 1,
		"  - 0x80000000 0x80000fff 0x40200\n" },
	{ "escapes in octal", FUNCTION(AT_2) "A: label=Card \\101\\040\\\"1\\\"\\012\n", 1,
		"  label: \"Card A \\\"1\\\"\"\n" },
	{ "links: the driver", FUNCTION(AT_2) "L: driver=../../../bus/pci/drivers/e1000e\n", 1,
		"  driver: \"e1000e\"\n" },
	{ "links: the group", FUNCTION(AT_2) "L: iommu_group=../../../kernel/iommu_groups/7\n", 1,
		"  iommu-group: 7\n" },
	{ "two functions, and more than one blank line", FUNCTION(AT_2) "\n\n" FUNCTION(AT_3), 2,
		"- address: 0000:00:03.0\n" },
	{ "a device twice: recordings may be put behind each other",
		FUNCTION(AT_2) "\n" FUNCTION(AT_2) "A: label=second\\n\n", 1,
		"- address: 0000:00:02.0\n" },
	{ "devices that are no PCI functions are passed over",
		DEVICE("pci0000:00/0000:00:02.0/usb1") "E: SUBSYSTEM=usb\nN: bus/usb/001/001=0102\n"
						       "S: a/link\nA: resource=no such thing\\n\nA: power/control=on\\n\n\n" FUNCTION(
							       AT_2),
		1, "- address: 0000:00:02.0\n" },
	{ "what udevadm says besides", FUNCTION(AT_2) "M: 0000:00:02.0\nR: 0\nL: 0\nV: x\n", 1,
		"- address: 0000:00:02.0\n" },
	{ "the maker of the machine",
		FUNCTION(AT_2) "\n" DEVICE(
			"virtual/dmi/id") "E: SUBSYSTEM=dmi\n"
					  "A: product_name=Standard PC\\n\nA: sys_vendor=QEMU\\n\n",
		1, "  vendor: \"QEMU\"\n" },
	{ "lines that end as those of another system do",
		"P: /devices/" AT_2 "\r\nE: SUBSYSTEM=pci\r\nA: class=0x020000\\n\r\n"
		"A: device=0x1041\\n\r\nA: irq=0\\n\r\nA: vendor=0x1af4\\n\r\nA: resource=\r\n"
		"H: config=F41A\r\n\r\n" FUNCTION(AT_3),
		2, "  config: |\n    f41a\n" },
	{ "links that lead out of the machine are left out",
		FUNCTION(AT_2) "L: driver=../../../../../../etc/passwd\n", 1,
		"- address: 0000:00:02.0\n" },
};

static void test_good(void **state)
{
	const struct good_case *c = *state;
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;
	char *snapshot;
	size_t size;

	if (tidy_read(c->text, strlen(c->text), &t, NULL, &error) != 0)
		fail_msg("line %u: %s", error.line, error.text);
	assert_int_equal(t->n_functions, c->n_functions);
	assert_int_equal(pr_snapshot_write(t, &snapshot, &size), 0);
	if (!strstr(snapshot, c->snapshot))
		fail_msg("no \"%s\" in\n%s", c->snapshot, snapshot);
	assert_null(strstr(snapshot, "passwd"));
	free(snapshot);
	pr_topology_free(t);
}

/* ---- what is wrong with it ---- */

static const struct bad_case {
	const char *name, *text, *why;
	unsigned int line;
} bad_cases[] = {
	{ "no device begins", "P: /devices/" AT_2 "\n\nE: SUBSYSTEM=pci\n", "begins with", 3 },
	{ "a device elsewhere", FUNCTION(AT_2) "\nP: /dev/sda\n", "begins with", 10 },
	{ "a path that climbs", FUNCTION(AT_2) "\nP: /devices/../../etc\n", "begins with", 10 },
	{ "a line of something else", DEVICE(AT_2) PCI "hello\n", "no line of", 3 },
	{ "an attribute without a value", DEVICE(AT_2) PCI "A: class\n", "no line of", 3 },
	{ "an attribute without a name", DEVICE(AT_2) PCI "A: =1\n", "no line of", 3 },
	{ "no blank line between devices", FUNCTION(AT_2) FUNCTION(AT_3), "blank line", 9 },
	{ "half a byte", DEVICE(AT_2) PCI CLASS OTHERS RESOURCE "H: config=F41\n", "hexadecimal",
		8 },
	{ "bytes that are none", DEVICE(AT_2) PCI CLASS OTHERS RESOURCE "H: config=F4XY\n",
		"hexadecimal", 8 },
	{ "an escape that is cut", DEVICE(AT_2) PCI CLASS OTHERS RESOURCE "A: label=a\\\n",
		"within an escape", 8 },
	{ "resources that are none", DEVICE(AT_2) PCI CLASS OTHERS "A: resource=0x1 0x2\\n\n",
		"start end flags", 7 },
	{ "no address", FUNCTION(AT_2) "\n" DEVICE("pci0000:00/00:03.0") PCI CLASS, "no address",
		10 },
	{ "what udevadm alone says", FUNCTION(AT_2) "\n" DEVICE(AT_3) PCI,
		"0000:00:03.0 has no attributes", 10 },
	{ "an attribute is missing", DEVICE(AT_2) PCI CLASS OTHERS,
		"0000:00:02.0 has no attribute `resource`", 1 },
	{ "one function in two places",
		FUNCTION(AT_2) "\n" FUNCTION("pci0000:00/0000:00:01.0/0000:00:02.0"),
		"0000:00:02.0 is in two places", 10 },
	{ "no PCI function", DEVICE("virtual/mem/null") "E: SUBSYSTEM=mem\n", "no PCI function",
		0 },
};

static void test_bad(void **state)
{
	const struct bad_case *c = *state;
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;

	assert_int_equal(tidy_read(c->text, strlen(c->text), &t, NULL, &error), -EINVAL);
	assert_null(t);
	if (!strstr(error.text, c->why))
		fail_msg("\"%s\" does not say \"%s\"", error.text, c->why);
	assert_int_equal(error.line, c->line);
}

static void a_zero_byte_is_in_no_line(void **state)
{
	static const char text[] = DEVICE(AT_2) PCI "A: class=0\0x\n";
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t;

	(void)state;
	assert_int_equal(pr_umockdev_read(text, sizeof(text) - 1, NULL, &t, NULL, &error), -EINVAL);
	assert_int_equal(error.line, 3);
}

static void what_no_such_recording_has_is_told(void **state)
{
	struct pr_import_notes notes = { .n = 0 };
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;
	bool slots = false, all = false;

	(void)state;
	assert_int_equal(tidy_read(FUNCTION(AT_2), strlen(FUNCTION(AT_2)), &t, &notes, &error), 0);
	for (size_t i = 0; i < notes.n; i++) {
		slots |= strstr(notes.note[i].missing, "names of slots") != NULL;
		all |= strstr(notes.note[i].missing, "all functions of the machine") != NULL;
	}
	assert_true(slots && all);
	pr_topology_free(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, good_cases, test_good);
	ADD_ROWS(&tests, bad_cases, test_bad);
	ADD_TEST(&tests, a_zero_byte_is_in_no_line);
	ADD_TEST(&tests, what_no_such_recording_has_is_told);
	return rows_run(&tests, "umockdev");
}

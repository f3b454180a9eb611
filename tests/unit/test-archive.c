/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Archives of a machine's sysfs: what is in them is read, and nothing is
 * written or read outside of the private directory, whatever they hold.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "pciroom/import.h"
#include "rows.h"
#include "tar.h"
#include "tidy.h"

static void add(struct tar *t, const char *name, char type, const char *link, const void *content,
	size_t size)
{
	assert_true(tar_add(t, name, type, link, content, size));
}

static void add_text(struct tar *t, const char *prefix, const char *name, const char *text)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "%s%s", prefix, name);
	add(t, path, '0', NULL, text, strlen(text));
}

#define DEVICE "sys/devices/pci0000:00/0000:00:02.0/"

/* A machine of one function. */
static void add_machine(struct tar *t, const char *prefix)
{
	uint8_t config[64] = { 0xf4, 0x1a, 0x41, 0x10, 0x06, [0x0a] = 0x00, 0x02 };
	char path[100];

	(void)snprintf(path, sizeof(path), "%s%s", prefix, DEVICE "config");
	add(t, path, '0', NULL, config, sizeof(config));
	add_text(t, prefix, DEVICE "resource", "0x80000000 0x80000fff 0x40200\n");
	add_text(t, prefix, DEVICE "vendor", "0x1af4\n");
	add_text(t, prefix, DEVICE "device", "0x1041\n");
	add_text(t, prefix, DEVICE "class", "0x020000\n");
	add_text(t, prefix, DEVICE "irq", "0\n");
	(void)snprintf(path, sizeof(path), "%s%s", prefix, "sys/bus/pci/devices/0000:00:02.0");
	add(t, path, '2', "../../../devices/pci0000:00/0000:00:02.0", NULL, 0);
}

/* ---- what is read ---- */

static const struct good_case {
	const char *name, *prefix;
} good_cases[] = {
	{ "a tree", "" },
	{ "a tree below a dot", "./" },
	{ "a tree below the machine's name, as hwloc makes them", "./server-17/" },
};

static void test_good(void **state)
{
	const struct good_case *c = *state;
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;
	struct tar tar = { 0 };

	add_machine(&tar, c->prefix);
	add_text(&tar, c->prefix, "sys/class/dmi/id/sys_vendor", "Maker\n");
	add_text(&tar, c->prefix, "proc/cmdline", "pci=realloc\n");
	if (tidy_read(tar.data, tar.size, &t, NULL, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(t->n_functions, 1);
	assert_int_equal(t->roots[0]->functions[0].header.device, 0x1041);
	assert_int_equal(t->roots[0]->functions[0].resources[0].range.first, 0x80000000);
	assert_string_equal(t->machine.vendor, "Maker");
	assert_string_equal(t->machine.cmdline, "pci=realloc");
	pr_topology_free(t);
}

/* ---- what is not ---- */

#define OUTSIDE "/tmp/pciroom-outside"

/* One entry more; none of them may show in the machine or outside of the directory. */
static const struct hostile_case {
	const char *name, *path;
	char type;
	const char *link;
	/* and one behind it, through that link */
	const char *second;
} hostile_cases[] = {
	{ "a path that climbs", "sys/../../../../" OUTSIDE, '0', NULL, NULL },
	{ "an absolute path", OUTSIDE, '0', NULL, NULL },
	{ "an absolute path to sys", "/sys/class/dmi/id/board_name", '0', NULL, NULL },
	{ "an absolute link", "sys/class/dmi/id/sys_vendor", '2', OUTSIDE "-secret", NULL },
	{ "a link that climbs out", "sys/class/dmi/id/sys_vendor", '2',
		"../../../../../../../" OUTSIDE "-secret", NULL },
	{ "a link that climbs later", "sys/class/dmi/id/sys_vendor", '2',
		"../../../bus/../../../../../" OUTSIDE "-secret", NULL },
	{ "a link that ends climbing", "sys/class/dmi/id", '2', "../../bus/..", NULL },
	{ "a link to a directory outside, and a file through it", "sys/class/dmi/id", '2', "/tmp",
		"sys/class/dmi/id/pciroom-outside" },
	{ "a link inside, and a file through it", "sys/class/dmi", '2', "../bus/pci",
		"sys/class/dmi/sys_vendor" },
	{ "a hard link", "sys/class/dmi/id/sys_vendor", '1', OUTSIDE "-secret", NULL },
	{ "a device", "sys/class/dmi/id/sys_vendor", '3', NULL, NULL },
	{ "a pipe", "sys/class/dmi/id/sys_vendor", '6', NULL, NULL },
};

static void test_hostile(void **state)
{
	const struct hostile_case *c = *state;
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;
	struct tar tar = { 0 };
	FILE *secret = fopen(OUTSIDE "-secret", "we");

	assert_non_null(secret);
	(void)fputs("secret\n", secret);
	assert_int_equal(fclose(secret), 0);
	(void)unlink(OUTSIDE);

	add(&tar, c->path, c->type, c->link, c->type == '0' ? "bad\n" : NULL,
		c->type == '0' ? 4 : 0);
	if (c->second)
		add(&tar, c->second, '0', NULL, "bad\n", 4);
	add_machine(&tar, "");
	if (tidy_read(tar.data, tar.size, &t, NULL, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(t->n_functions, 1);
	assert_null(t->machine.vendor);
	assert_int_not_equal(access(OUTSIDE, F_OK), 0);
	assert_int_equal(unlink(OUTSIDE "-secret"), 0);
	pr_topology_free(t);
}

/* ---- what is no archive of a machine ---- */

static void refused(const struct tar *tar, int r, const char *why)
{
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;

	assert_int_equal(tidy_read(tar->data, tar->size, &t, NULL, &error), r);
	assert_null(t);
	if (!strstr(error.text, why))
		fail_msg("\"%s\" does not say \"%s\"", error.text, why);
}

static void nothing_of_sys_in_it(void **state)
{
	struct tar tar = { 0 };

	(void)state;
	add_text(&tar, "", "home/notes.txt", "hello\n");
	refused(&tar, -EINVAL, "nothing of /sys");
}

static void no_pci_devices_in_it(void **state)
{
	struct tar tar = { 0 };

	(void)state;
	add_text(&tar, "", "proc/cmdline", "quiet\n");
	refused(&tar, -ENOENT, "no PCI devices");
}

static void damaged_compression(void **state)
{
	struct tar tar = { .data = "\xfd"
				   "7zXZ\0rubbish, and then more of it",
		.size = 40 };

	(void)state;
	refused(&tar, -EBADMSG, "cannot unpack");
}

static void a_file_larger_than_any_attribute(void **state)
{
	static char room[1 << 20];
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;

	(void)state;
	tar_header(room, "sys/class/dmi/id/sys_vendor", '0', NULL, sizeof(room) - TAR_BLOCK);
	assert_int_equal(pr_input_read(room, sizeof(room), NULL, &t, NULL, &error), -EFBIG);
	assert_null(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, good_cases, test_good);
	ADD_ROWS(&tests, hostile_cases, test_hostile);
	ADD_TEST(&tests, nothing_of_sys_in_it);
	ADD_TEST(&tests, no_pci_devices_in_it);
	ADD_TEST(&tests, damaged_compression);
	ADD_TEST(&tests, a_file_larger_than_any_attribute);
	return rows_run(&tests, "archive");
}

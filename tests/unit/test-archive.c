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

/* ---- one file ---- */

static const struct compressed_case {
	const char *name, *bytes;
	size_t size;
} compressed_cases[] = {
	{ "a file compressed by gzip",
		"\037\213\010\000\000\000\000\000\002\003\313\110\315\311\311\347\002\000\040\060\072\066\006\000\000\000",
		26 },
	{ "a file compressed by xz",
		"\375\067\172\130\132\000\000\001\151\042\336\066\002\000\041\001\026\000\000\000\164\057\345\243\001\000\005\150\145\154\154\157\012\000\000\000\040\060\072\066\000\001\032\006\305\352\310\171\220\102\231\015\001\000\000\000\000\001\131\132",
		60 },
	{ "a file compressed by bzip2",
		"\102\132\150\071\061\101\131\046\123\131\301\300\200\342\000\000\001\101\000\000\020\002\104\240\000\060\315\000\303\106\051\227\027\162\105\070\120\220\301\300\200\342",
		42 },
	{ "a file compressed by zstd",
		"\050\265\057\375\000\130\061\000\000\150\145\154\154\157\012", 15 },
};

static void test_compressed(void **state)
{
	const struct compressed_case *c = *state;
	struct pr_import_error error = { .text = "" };
	char *text = NULL;
	size_t n;

	assert_true(pr_is_compressed(c->bytes, c->size));
	if (pr_decompress(c->bytes, c->size, &text, &n, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(n, 6);
	assert_string_equal(text, "hello\n");
	free(text);
}

/* Fewer bytes are no header of some of them yet, and nobody takes them for one. */
#define HEADER_MOST 14

static void a_compressed_file_that_ends_early(void **state)
{
	struct pr_import_error error = { .text = "" };
	char *text = NULL;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(compressed_cases); i++)
		for (size_t size = HEADER_MOST; size < compressed_cases[i].size; size++) {
			int r = pr_decompress(compressed_cases[i].bytes, size, &text, &n, &error);

			if (r != -EBADMSG)
				fail_msg("%s, %zu bytes: %d", compressed_cases[i].name, size, r);
		}
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
	ADD_ROWS(&tests, compressed_cases, test_compressed);
	ADD_TEST(&tests, a_compressed_file_that_ends_early);
	ADD_TEST(&tests, nothing_of_sys_in_it);
	ADD_TEST(&tests, no_pci_devices_in_it);
	ADD_TEST(&tests, damaged_compression);
	ADD_TEST(&tests, a_file_larger_than_any_attribute);
	return rows_run(&tests, "archive");
}

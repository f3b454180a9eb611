/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of what processes hold, from fake /proc trees. */
#include <fcntl.h>
#include <string.h>

#include "base/macros.h"
#include "base/processes.h"
#include "fixture.h"
#include "rows.h"

#define MAP(path) "7f00-7f01 rw-s 00000000 00:05 1234                       " path "\n"

static const struct processes_case {
	const char *name;
	struct fixture_entry entries[12];
	const char *list;
} processes_cases[] = {
	{ .name = "no process at all", .entries = { { .path = "proc" } }, .list = "unread\t0\n" },
	{ .name = "sockets, pipes, files and everybody's nodes are not worth a line",
		.entries = { { .path = "proc/7/comm", .text = "cat\n" },
			{ .path = "proc/7/fd/0", .target = "/dev/null" },
			{ .path = "proc/7/fd/1", .target = "socket:[123]" },
			{ .path = "proc/7/fd/2", .target = "/dev/pts/0" },
			{ .path = "proc/7/fd/3", .target = "/etc/passwd" } },
		.list = "unread\t0\n" },
	{ .name = "an open disk",
		.entries = { { .path = "proc/812/comm", .text = "smartd\n" },
			{ .path = "proc/812/fd/3", .target = "/dev/nvme0n1" } },
		.list = "process\t812\tsmartd\t\nopen\t-\t/dev/nvme0n1\nunread\t0\n" },
	{ .name = "a name may hold anything",
		.entries = { { .path = "proc/812/comm", .text = "a\tb\001c\n" },
			{ .path = "proc/812/fd/3", .target = "/srv/dev/x\ny" } },
		.list = "process\t812\ta?b?c\t\nopen\t-\t/srv/dev/x?y\nunread\t0\n" },
	{ .name = "QEMU's guest by its name",
		.entries = { { .path = "proc/9/comm", .text = "qemu-system-x86\n" },
			{ .path = "proc/9/cmdline", .text = "qemu" },
			{ .path = "proc/9/fd/3", .target = "/dev/vfio/23" } },
		.list = "process\t9\tqemu-system-x86\t\nopen\t-\t/dev/vfio/23\nunread\t0\n" },
	{ .name = "a mapped BAR whose descriptor is closed, once for all its mappings",
		.entries = { { .path = "proc/9/comm", .text = "x\n" }, { .path = "proc/9/fd" },
			{ .path = "proc/9/maps",
				.text = MAP("/usr/lib/libc.so")
					MAP("/sys/devices/pci0000:00/0000:00:02.0/resource0") MAP(
						"/sys/devices/pci0000:00/0000:00:02.0/resource0")
						MAP("/sys/devices/pci0000:00/x/config")
							MAP("/dev/dri/card0") MAP("[heap]") } },
		.list = "process\t9\tx\t\nmap\t/sys/devices/pci0000:00/0000:00:02.0/resource0\n"
			"map\t/dev/dri/card0\nunread\t0\n" },
	{ .name = "a device name in a file's name is no device",
		.entries = { { .path = "proc/9/fd" },
			{ .path = "proc/9/maps", .text = MAP("/usr/lib/devhelp.so") } },
		.list = "unread\t0\n" },
	{ .name = "one line for each file system, whoever mounted it first",
		.entries = { { .path = "proc/9/fd" },
			{ .path = "proc/9/ns/mnt", .target = "mnt:[1]" },
			{ .path = "proc/9/mountinfo",
				.text = "1 1 0:20 / /proc rw - proc proc rw\n"
					"2 1 259:1 / / rw - ext4 /dev/a rw\n"
					"3 1 259:1 /x /x rw - ext4 /dev/a rw\n"
					"4 1 0:40 / /b rw - btrfs /dev/b rw\n" } },
		.list = "process\t9\t\t\nmount\t2 1 259:1 / / rw - ext4 /dev/a rw\n"
			"mount\t4 1 0:40 / /b rw - btrfs /dev/b rw\nunread\t0\n" },
};

static char *list(struct fixture *f)
{
	struct pr_text text = { 0 };
	int root = open(fixture_root(f), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *all;

	assert_true(root >= 0);
	assert_int_equal(pr_processes_list(root, false, &text), 0);
	assert_int_equal(close(root), 0);
	assert_int_equal(pr_text_take(&text, &all, NULL), 0);
	return all;
}

static void test_list(void **state)
{
	const struct processes_case *c = *state;
	struct fixture *f = fixture_new();
	_cleanup_free_ char *all = NULL;

	fixture_fill(f, c->entries);
	all = list(f);
	assert_string_equal(all, c->list);
	fixture_free(f);
}

/* Arguments, a NUL behind each; the last one is the literal's own. */
#define ARGUMENTS(text) text, sizeof(text)

static const struct guest_case {
	const char *name, *command_line;
	size_t size;
	const char *guest;
} guest_cases[] = {
	{ "a guest's name among options", ARGUMENTS("qemu\0-name\0guest=vm7,debug-threads=on\0-m"),
		"vm7" },
	{ "a bare name", ARGUMENTS("kvm\0-name\0vm7,debug-threads=on"), "vm7" },
	{ "a comma in the name is doubled", ARGUMENTS("qemu\0-name\0guest=a,,b,x=y"), "a,b" },
	{ "nothing behind the option", ARGUMENTS("qemu\0-name"), "" },
	{ "no name", ARGUMENTS("qemu\0-m\000512"), "" },
};

static void test_guest(void **state)
{
	const struct guest_case *c = *state;
	struct fixture *f = fixture_new();
	_cleanup_free_ char *all = NULL;

	fixture_file(f, "proc/9/comm", "qemu-system-x86\n");
	fixture_bytes(f, "proc/9/cmdline", c->command_line, c->size);
	fixture_link(f, "proc/9/fd/3", "/dev/kvm");
	all = list(f);
	assert_string_equal(all,
		fixture_printf(f, "process\t9\tqemu-system-x86\t%s\nopen\t-\t/dev/kvm\nunread\t0\n",
			c->guest));
	fixture_free(f);
}

/* What may not be looked into is counted: finding nothing there proves nothing. */
static void test_unread(void **state)
{
	struct fixture *f = fixture_new();
	_cleanup_free_ char *all = NULL;

	const bool root = geteuid() == 0; /* may look everywhere */

	(void)state;
	fixture_file(f, "proc/9/comm", "x\n");
	fixture_dir(f, "proc/9/fd");
	fixture_chmod(f, "proc/9/fd", 0);
	fixture_chmod(f, "", 0755);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	all = list(f);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_string_equal(all, "unread\t1\n");
	fixture_free(f);
}

/* Whatever runs here, the list has an end. */
static void test_real(void **state)
{
	struct pr_text text = { 0 };
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *all = NULL;
	const char *end;

	(void)state;
	assert_int_equal(pr_processes_list(root, true, &text), 0);
	assert_int_equal(pr_text_take(&text, &all, NULL), 0);
	end = strstr(all, PR_PROCESSES_END);
	assert_non_null(end);
	assert_int_equal(strcspn(end, "\n"), strlen(end) - 1); /* the last line */
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, processes_cases, test_list);
	ADD_ROWS(&tests, guest_cases, test_guest);
	rows_add(&tests, "a process that may not be looked into", test_unread, NULL);
	rows_add(&tests, "the processes of this machine", test_real, NULL);

	return rows_run(&tests, "processes");
}

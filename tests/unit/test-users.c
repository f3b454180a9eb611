/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who uses a function: fake machines whose mount table, swap and interfaces
 * lead through every kind of block device down to PCI functions.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "fixture.h"
#include "import/users.h"
#include "rows.h"

#define NVME0  "../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme0/nvme0n1"
#define NVME1  "../../devices/pci0000:00/0000:00:02.0/0000:02:00.0/nvme/nvme1/nvme1n1"
#define BLOCK  "sys/class/block/"
#define NUMBER "sys/dev/block/"
#define MOUNT(number, target, source) \
	"30 1 " number " / " target " rw,relatime shared:1 - ext4 " source " rw\n"
#define BTRFS(target, source) "31 1 0:40 / " target " rw shared:1 - btrfs " source " rw\n"
#define SWAPS_HEAD            "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

/* Two NVMe disks, the first with two partitions. */
#define DISKS                                                                                              \
	{ .path = BLOCK "nvme0n1", .target = NVME0 },                                                      \
		{ .path = BLOCK "nvme0n1p1", .target = NVME0 "/nvme0n1p1" },                               \
		{ .path = BLOCK "nvme0n1p2", .target = NVME0 "/nvme0n1p2" },                               \
		{ .path = BLOCK "nvme1n1", .target = NVME1 },                                              \
		{ .path = NUMBER "259:0", .target = "../" NVME0 },                                         \
		{ .path = NUMBER "259:1", .target = "../" NVME0 "/nvme0n1p1" },                            \
		{ .path = NUMBER "259:2", .target = "../" NVME0 "/nvme0n1p2" },                            \
		{ .path = NUMBER "259:4", .target = "../" NVME1 },                                         \
		{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1/" \
			  "partition",                                                                     \
			.text = "1\n" },                                                                   \
		{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p2/" \
			  "partition",                                                                     \
			.text = "2\n" },                                                                   \
	{                                                                                                  \
		.path = "sys/devices/pci0000:00/0000:00:02.0/0000:02:00.0/nvme/nvme1/nvme1n1/dev",         \
		.text = "259:4\n"                                                                          \
	}

/* A stacked device and what it is made of. */
#define STACKED(name, number)                                                        \
	{ .path = BLOCK name, .target = "../../devices/virtual/block/" name },       \
	{                                                                            \
		.path = NUMBER number, .target = "../../devices/virtual/block/" name \
	}
#define SLAVE(name, slave)                                                  \
	{                                                                   \
		.path = "sys/devices/virtual/block/" name "/slaves/" slave, \
		.target = "../../x/" slave                                  \
	}

static const struct users_case {
	const char *name;
	struct fixture_entry entries[24];
	const char *driver; /* of the function looked at */
	const char *first;  /* users of 0000:01:00.0: "kind: what", separated by "; " */
	const char *second; /* users of 0000:02:00.0 */
} users_cases[] = {
	{ .name = "nothing is mounted and nothing is up",
		.entries = { DISKS },
		.first = "",
		.second = "" },
	{ .name = "a file system on a partition",
		.entries = { DISKS, { .path = "proc/self/mountinfo",
					    .text = MOUNT("259:1", "/srv", "/dev/nvme0n1p1") } },
		.first = "mount: mounted /srv on nvme0n1p1",
		.second = "" },
	{ .name = "a file system on a whole disk",
		.entries = { DISKS, { .path = "proc/self/mountinfo",
					    .text = MOUNT("259:4", "/srv", "/dev/nvme1n1") } },
		.first = "",
		.second = "mount: mounted /srv on nvme1n1" },
	{ .name = "the root file system is of a kind of its own",
		.entries = { DISKS, { .path = "proc/self/mountinfo",
					    .text = MOUNT("259:2", "/", "/dev/nvme0n1p2")
						    MOUNT("259:1", "/boot", "/dev/nvme0n1p1") } },
		.first = "root: mounted / on nvme0n1p2; mount: mounted /boot on nvme0n1p1",
		.second = "" },
	{ .name = "a blank in a mount point is no blank in the table",
		.entries = { DISKS,
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("259:1", "/mnt/my\\040disk", "/dev/nvme0n1p1") } },
		.first = "mount: mounted /mnt/my disk on nvme0n1p1",
		.second = "" },
	{ .name = "mounted twice at one place is said once",
		.entries = { DISKS, { .path = "proc/self/mountinfo",
					    .text = MOUNT("259:1", "/srv", "/dev/nvme0n1p1")
						    MOUNT("259:1", "/srv", "/dev/nvme0n1p1") } },
		.first = "mount: mounted /srv on nvme0n1p1",
		.second = "" },
	{ .name = "a logical volume over two disks uses both, by its name",
		.entries = { DISKS, STACKED("dm-0", "254:0"), SLAVE("dm-0", "nvme0n1p2"),
			SLAVE("dm-0", "nvme1n1"),
			{ .path = "sys/devices/virtual/block/dm-0/dm/name", .text = "vg0-srv\n" },
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("254:0", "/srv", "/dev/mapper/vg0-srv") } },
		.first = "mount: mounted /srv on vg0-srv",
		.second = "mount: mounted /srv on vg0-srv" },
	{ .name = "a volume on a mirror on partitions: through every layer",
		.entries = { DISKS, STACKED("md0", "9:0"), SLAVE("md0", "nvme0n1p2"),
			SLAVE("md0", "nvme1n1"), STACKED("dm-1", "254:1"), SLAVE("dm-1", "md0"),
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("254:1", "/", "/dev/mapper/root") } },
		.first = "root: mounted / on dm-1",
		.second = "root: mounted / on dm-1" },
	{ .name = "a partition of a mirror",
		.entries = { DISKS, STACKED("md0", "9:0"), SLAVE("md0", "nvme1n1"),
			{ .path = BLOCK "md0p1",
				.target = "../../devices/virtual/block/md0/md0p1" },
			{ .path = NUMBER "259:9",
				.target = "../../devices/virtual/block/md0/md0p1" },
			{ .path = "sys/devices/virtual/block/md0/md0p1/partition", .text = "1\n" },
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("259:9", "/srv", "/dev/md0p1") } },
		.first = "",
		.second = "mount: mounted /srv on md0p1" },
	{ .name = "btrfs on two disks: the second one is not in the mount table",
		.entries = { DISKS, { .path = "sys/fs/btrfs/features/big_metadata", .text = "1\n" },
			{ .path = "sys/fs/btrfs/0f3a/devices/nvme0n1p1", .target = "../x" },
			{ .path = "sys/fs/btrfs/0f3a/devices/nvme1n1", .target = "../x" },
			{ .path = "proc/self/mountinfo",
				.text = BTRFS("/data", "/dev/nvme0n1p1") } },
		.first = "mount: mounted /data on nvme0n1p1",
		.second = "mount: mounted /data on nvme0n1p1" },
	{ .name = "btrfs whose source has no node here: what sysfs lists is in use",
		.entries = { DISKS,
			{ .path = "sys/fs/btrfs/0f3a/devices/nvme1n1", .target = "../x" },
			{ .path = "proc/self/mountinfo",
				.text = BTRFS("/", "/dev/mapper/luks-root") } },
		.first = "",
		.second = "root: mounted / on /dev/mapper/luks-root" },
	{ .name = "NVMe with several controllers: the disk hangs below a subsystem",
		.entries = { { .path = BLOCK "nvme0n1",
				     .target =
					     "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1" },
			{ .path = NUMBER "259:0",
				.target =
					"../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1" },
			{ .path = "sys/class/nvme-subsystem/nvme-subsys0/nvme0",
				.target =
					"../../../pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme0" },
			{ .path = "sys/class/nvme-subsystem/nvme-subsys0/nvme1",
				.target =
					"../../../pci0000:00/0000:00:02.0/0000:02:00.0/nvme/nvme1" },
			{ .path = "sys/class/nvme-subsystem/nvme-subsys0/model", .text = "x\n" },
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("259:0", "/srv", "/dev/nvme0n1") } },
		.first = "mount: mounted /srv on nvme0n1",
		.second = "mount: mounted /srv on nvme0n1" },
	{ .name = "swap on a partition",
		.entries = { DISKS, { .path = "proc/swaps",
					    .text = SWAPS_HEAD
					    "/dev/nvme0n1p2\t\tpartition\t8388604\t0\t-2\n" } },
		.first = "swap: swap on nvme0n1p2",
		.second = "" },
	{ .name = "swap on a volume, of which the table has the kernel's name",
		.entries = { DISKS, STACKED("dm-0", "254:0"), SLAVE("dm-0", "nvme1n1"),
			{ .path = "proc/swaps",
				.text = SWAPS_HEAD "/dev/dm-0\t\tpartition\t8388604\t0\t-2\n" } },
		.first = "",
		.second = "swap: swap on dm-0" },
	{ .name = "no swap: a table with its heading alone",
		.entries = { DISKS, { .path = "proc/swaps", .text = SWAPS_HEAD } },
		.first = "",
		.second = "" },
	{ .name = "pseudo file systems use nothing",
		.entries = { DISKS,
			{ .path = "proc/self/mountinfo",
				.text = "22 1 0:20 / /proc rw - proc proc rw\n"
					"23 1 0:5 / /dev rw - devtmpfs udev rw\n"
					"24 1 0:33 / /mnt rw - nfs4 server:/nvme0n1 rw\n" } },
		.first = "",
		.second = "" },
	{ .name = "devices stacked in a circle do not hang",
		.entries = { STACKED("dm-0", "254:0"), STACKED("dm-1", "254:1"),
			SLAVE("dm-0", "dm-1"), SLAVE("dm-1", "dm-0"),
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("254:0", "/srv", "/dev/dm-0") } },
		.first = "",
		.second = "" },
	{ .name = "an interface that is up, behind a virtio device",
		.entries = { { .path = "sys/class/net/enp1s0",
				     .target =
					     "../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/virtio0/net/"
					     "enp1s0" },
			{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/virtio0/net/enp1s0/flags",
				.text = "0x1003\n" } },
		.first = "net: network interface enp1s0 is up",
		.second = "" },
	{ .name = "an interface that is down",
		.entries = { { .path = "sys/class/net/enp1s0",
				     .target =
					     "../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0" },
			{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0/flags",
				.text = "0x1002\n" },
			{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0/operstate",
				.text = "down\n" } },
		.first = "",
		.second = "" },
	{ .name = "an interface whose state alone says that it is up",
		.entries = { { .path = "sys/class/net/enp1s0",
				     .target =
					     "../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0" },
			{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0/operstate",
				.text = "up\n" } },
		.first = "net: network interface enp1s0 is up",
		.second = "" },
	{ .name = "the loopback interface is nobody's",
		.entries = { { .path = "sys/class/net/lo",
				     .target = "../../devices/virtual/net/lo" },
			{ .path = "sys/devices/virtual/net/lo/flags", .text = "0x9\n" } },
		.first = "",
		.second = "" },
	{ .name = "VFIO", .driver = "vfio-pci", .first = "vfio: VFIO", .second = "vfio: VFIO" },
	{ .name = "VFIO and a user found",
		.driver = "vfio-pci",
		.entries = { DISKS, { .path = "proc/self/mountinfo",
					    .text = MOUNT("259:1", "/srv", "/dev/nvme0n1p1") } },
		.first = "vfio: VFIO; mount: mounted /srv on nvme0n1p1",
		.second = "vfio: VFIO" },
};

static void assert_users(const struct pr_sysfs *s, const struct pr_found_user *found,
	const char *driver, uint8_t bus, const char *expected)
{
	struct pr_facts facts = { .address = { .bus = bus }, .driver = driver };
	struct pr_text text = { 0 };
	_cleanup_free_ char *all = NULL;

	assert_int_equal(pr_users_assign(s, found, &facts), 0);
	for (size_t i = 0; i < facts.n_users; i++)
		pr_text_printf(
			&text, "%s%s: %s", i ? "; " : "", facts.users[i].kind, facts.users[i].what);
	assert_int_equal(pr_text_take(&text, &all, NULL), 0);
	assert_string_equal(all, expected);
}

static int open_root(struct fixture *f)
{
	int fd = open(fixture_root(f), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void test_users(void **state)
{
	const struct users_case *c = *state;
	struct pr_import_error error = { .text = "" };
	struct pr_found_user *found = NULL;
	struct fixture *f = fixture_new();
	struct pr_sysfs s = { .arena = pr_arena_new(), .error = &error };

	fixture_fill(f, c->entries);
	s.root = open_root(f);
	if (pr_users_find(&s, fixture_root(f), &found) < 0)
		fail_msg("%s", error.text);
	assert_users(&s, found, c->driver, 1, c->first);
	assert_users(&s, found, c->driver, 2, c->second);

	assert_int_equal(close(s.root), 0);
	pr_arena_free(s.arena);
	fixture_free(f);
}

/* Not a mount table at all: better an error than a machine without users. */
static void test_bad_table(void **state)
{
	struct pr_import_error error = { .text = "" };
	struct pr_found_user *found = NULL;
	struct fixture *f = fixture_new();
	struct pr_sysfs s = { .arena = pr_arena_new(), .error = &error };

	(void)state;
	fixture_file(
		f, "proc/self/mountinfo", "30 1 259:1 / /srv rw - ext4 /dev/x rw\n30 1 what\n");
	s.root = open_root(f);
	assert_true(pr_users_find(&s, fixture_root(f), &found) < 0);
	assert_non_null(strstr(error.text, "proc/self/mountinfo"));
	assert_int_equal(error.line, 2);
	assert_null(found);

	assert_int_equal(close(s.root), 0);
	pr_arena_free(s.arena);
	fixture_free(f);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, users_cases, test_users);
	rows_add(&tests, "a mount table that is none", test_bad_table, NULL);

	return rows_run(&tests, "users");
}

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
#include "rows.h"
#include "users-case.h"

static const struct users_case users_cases[] = {
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
		.first = "mount: mounted /srv on vg0-srv on nvme0n1p2",
		.second = "mount: mounted /srv on vg0-srv on nvme1n1" },
	{ .name = "a volume on a mirror on partitions: through every layer",
		.entries = { DISKS, STACKED("md0", "9:0"), SLAVE("md0", "nvme0n1p2"),
			SLAVE("md0", "nvme1n1"), STACKED("dm-1", "254:1"), SLAVE("dm-1", "md0"),
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("254:1", "/", "/dev/mapper/root") } },
		.first = "root: mounted / on dm-1 on md0 on nvme0n1p2",
		.second = "root: mounted / on dm-1 on md0 on nvme1n1" },
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
		.second = "mount: mounted /srv on md0p1 on nvme1n1" },
	{ .name = "btrfs on two disks: the second one is not in the mount table",
		.entries = { DISKS, { .path = "sys/fs/btrfs/features/big_metadata", .text = "1\n" },
			{ .path = "sys/fs/btrfs/0f3a/devices/nvme0n1p1", .target = "../x" },
			{ .path = "sys/fs/btrfs/0f3a/devices/nvme1n1", .target = "../x" },
			{ .path = "proc/self/mountinfo",
				.text = BTRFS("/data", "/dev/nvme0n1p1") } },
		.first = "mount: mounted /data on nvme0n1p1",
		.second = "mount: mounted /data on nvme1n1" },
	{ .name = "btrfs whose source has no node here: what sysfs lists is in use",
		.entries = { DISKS,
			{ .path = "sys/fs/btrfs/0f3a/devices/nvme1n1", .target = "../x" },
			{ .path = "proc/self/mountinfo",
				.text = BTRFS("/", "/dev/mapper/luks-root") } },
		.first = "",
		.second = "root: mounted / on nvme1n1" },
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
		.second = "swap: swap on dm-0 on nvme1n1" },
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
	{ .name = "a volume on an encrypted mirror, by the names that people gave",
		.entries = { DISKS, STACKED("md1", "9:1"), SLAVE("md1", "nvme0n1p2"),
			SLAVE("md1", "nvme1n1"), STACKED("dm-0", "254:0"), SLAVE("dm-0", "md1"),
			STACKED("dm-1", "254:1"), SLAVE("dm-1", "dm-0"),
			{ .path = DM("dm-0") "name", .text = "luks-root\n" },
			{ .path = DM("dm-0") "uuid", .text = "CRYPT-LUKS2-0f-luks-root\n" },
			{ .path = DM("dm-1") "name", .text = "my--vg-data--1\n" },
			{ .path = DM("dm-1") "uuid", .text = "LVM-" LVM_ID LVM_ID "\n" },
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("254:1", "/srv", "/dev/mapper/my--vg-data--1") } },
		.first =
			"mount: mounted /srv on my-vg/data-1 on luks-root (crypt) on md1 on nvme0n1p2",
		.second =
			"mount: mounted /srv on my-vg/data-1 on luks-root (crypt) on md1 on nvme1n1" },
	{ .name = "parts of a volume that only LVM names are not named",
		.entries = { DISKS, STACKED("dm-0", "254:0"), SLAVE("dm-0", "nvme1n1"),
			STACKED("dm-1", "254:1"), SLAVE("dm-1", "dm-0"),
			{ .path = DM("dm-0") "name", .text = "vg0-pool-tpool\n" },
			{ .path = DM("dm-0") "uuid", .text = "LVM-" LVM_ID LVM_ID "-tpool\n" },
			{ .path = DM("dm-1") "name", .text = "vg0-thin\n" },
			{ .path = DM("dm-1") "uuid", .text = "LVM-" LVM_ID LVM_ID "\n" },
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("254:1", "/srv", "/dev/mapper/vg0-thin") } },
		.first = "",
		.second = "mount: mounted /srv on vg0/thin on nvme1n1" },
	{ .name = "a multipath device is on both of its paths",
		.entries = { DISKS, STACKED("dm-0", "254:0"), SLAVE("dm-0", "nvme0n1"),
			SLAVE("dm-0", "nvme1n1"), { .path = DM("dm-0") "name", .text = "mpatha\n" },
			{ .path = DM("dm-0") "uuid", .text = "mpath-3600a\n" },
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("254:0", "/srv", "/dev/mapper/mpatha") } },
		.first = "mount: mounted /srv on mpatha (multipath) on nvme0n1",
		.second = "mount: mounted /srv on mpatha (multipath) on nvme1n1" },
	{ .name = "bcache: the disk with the data, and the one with the cache, which is no slave",
		.entries = { DISKS, STACKED("bcache0", "252:0"), SLAVE("bcache0", "nvme0n1"),
			{ .path = "sys/devices/virtual/block/bcache0/bcache",
				.target =
					"../../../pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme0/nvme0n1/bcache" },
			{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme0/nvme0n1/bcache/cache",
				.target = "../../../../../../../../fs/bcache/0123-set" },
			{ .path = "sys/fs/bcache/0123-set/bdev0",
				.target =
					"../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/nvme/nvme0/nvme0n1/bcache" },
			{ .path = "sys/fs/bcache/0123-set/cache0",
				.target =
					"../../../devices/pci0000:00/0000:00:02.0/0000:02:00.0/nvme/nvme1/nvme1n1/bcache" },
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("252:0", "/srv", "/dev/bcache0") } },
		.first = "mount: mounted /srv on bcache0 on nvme0n1",
		.second = "mount: mounted /srv on bcache0 on nvme1n1" },
	{ .name = "swap on zram that writes to a disk",
		.entries = { DISKS, STACKED("zram0", "251:0"),
			{ .path = "sys/devices/virtual/block/zram0/backing_dev",
				.text = "/dev/nvme1n1\n" },
			{ .path = "proc/swaps",
				.text = SWAPS_HEAD "/dev/zram0 partition\t1000\t0\t100\n" } },
		.first = "",
		.second = "swap: swap on zram0 on nvme1n1" },
	{ .name = "swap on multipath on both of its paths",
		.entries = { DISKS, STACKED("dm-0", "254:0"), SLAVE("dm-0", "nvme0n1"),
			SLAVE("dm-0", "nvme1n1"), { .path = DM("dm-0") "name", .text = "mpathb\n" },
			{ .path = DM("dm-0") "uuid", .text = "mpath-3600b\n" },
			{ .path = "proc/swaps",
				.text = SWAPS_HEAD "/dev/dm-0 partition\t1000\t0\t-2\n" } },
		.first = "swap: swap on mpathb (multipath) on nvme0n1",
		.second = "swap: swap on mpathb (multipath) on nvme1n1" },
	{ .name = "a member of a ZFS pool on a partition",
		.entries = { DISKS, UDEV("b259:2", "zfs_member", "tank") },
		.first = "pool: member of ZFS pool tank on nvme0n1p2",
		.second = "" },
	{ .name = "an array that runs is in use, mounted or not",
		.entries = { DISKS, STACKED("md1", "9:1"), SLAVE("md1", "nvme0n1p2"),
			SLAVE("md1", "nvme1n1") },
		.first = "stack: part of md1 on nvme0n1p2",
		.second = "stack: part of md1 on nvme1n1" },
	{ .name = "only the top of a stack is named as that which nothing uses",
		.entries = { DISKS, STACKED("md1", "9:1"), SLAVE("md1", "nvme1n1"),
			STACKED("dm-0", "254:0"), SLAVE("dm-0", "md1"),
			{ .path = DM("dm-0") "name", .text = "vg0-lv\n" },
			{ .path = DM("dm-0") "uuid", .text = "LVM-" LVM_ID LVM_ID "\n" } },
		.first = "",
		.second = "stack: part of vg0/lv on md1 on nvme1n1" },
	{ .name = "a loop device is on the disk that its file is on",
		.entries = { DISKS, STACKED("loop3", "7:3"),
			{ .path = "sys/devices/virtual/block/loop3/loop/backing_file",
				.text = "/srv/images/a.img\n" },
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("259:1", "/srv", "/dev/nvme0n1p1")
					MOUNT("259:4", "/srv/images", "/dev/nvme1n1")
						MOUNT("7:3", "/mnt", "/dev/loop3") } },
		.first = "mount: mounted /srv on nvme0n1p1",
		.second = "mount: mounted /srv/images on nvme1n1; "
			  "mount: mounted /mnt on loop3 on /srv/images/a.img on nvme1n1" },
	{ .name = "a bind mount of a part adds nothing to the whole",
		.entries = { DISKS,
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("259:1", "/srv",
					"/dev/nvme0n1p1") "31 1 259:1 /www /var/www rw - ext4 /dev/nvme0n1p1 rw\n" } },
		.first = "mount: mounted /srv on nvme0n1p1",
		.second = "" },
	{ .name = "a bind mount whose whole is not mounted here",
		.entries = { DISKS,
			{ .path = "proc/self/mountinfo",
				.text = "31 1 259:1 /www /var/www rw - ext4 /dev/nvme0n1p1 rw\n" } },
		.first = "mount: mounted /var/www on nvme0n1p1",
		.second = "" },
	{ .name = "a mount of a namespace of its own, and one that is here too",
		.entries = { DISKS, { .path = "proc/self/mountinfo",
					    .text = MOUNT("259:1", "/srv", "/dev/nvme0n1p1") } },
		.processes = "process\t812\tnginx\t\n"
			     "mount\t30 1 259:1 /www /www rw - ext4 /dev/nvme0n1p1 rw\n"
			     "mount\t31 1 259:4 / /data rw - ext4 /dev/nvme1n1 rw\nunread\t0\n",
		.first = "mount: mounted /srv on nvme0n1p1",
		.second = "mount: mounted /data in the mount namespace of nginx (812) on nvme1n1",
		.unseen = "" },
	{ .name = "swap in a file",
		.entries = { DISKS,
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("259:4", "/srv", "/dev/nvme1n1") },
			{ .path = "proc/swaps",
				.text = SWAPS_HEAD "/srv/swap\t\t\tfile\t\t8388604\t0\t-2\n" } },
		.first = "",
		.second = "mount: mounted /srv on nvme1n1; swap: swap on /srv/swap on nvme1n1" },
	{ .name = "our own journal and program",
		.entries = { DISKS, { .path = "proc/self/exe", .target = "/opt/bin/pciroomd" },
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("259:1", "/var", "/dev/nvme0n1p1")
					MOUNT("259:4", "/opt", "/dev/nvme1n1") } },
		.first = "mount: mounted /var on nvme0n1p1; "
			 "own: journal of pciroom in /var/lib/pciroom on nvme0n1p1",
		.second = "mount: mounted /opt on nvme1n1; "
			  "own: program /opt/bin/pciroomd on nvme1n1" },
	{ .name = "a member of a ZFS pool, which nobody holds",
		.entries = { DISKS, UDEV("b259:4", "zfs_member", "tank") },
		.first = "",
		.second = "pool: member of ZFS pool tank on nvme1n1" },
	{ .name = "a pool is named by a mounted file system of it, the root above all",
		.entries = { DISKS, UDEV("b259:1", "zfs_member", "rpool"),
			UDEV("b259:4", "zfs_member", "tank"),
			{ .path = "proc/self/mountinfo",
				.text = "22 1 0:40 / /home rw - zfs rpool/home rw\n"
					"23 1 0:41 / / rw - zfs rpool/ROOT/debian rw\n"
					"24 1 0:42 / /tank rw - zfs tank rw\n" } },
		.first = "root: mounted / on ZFS pool rpool on nvme0n1p1",
		.second = "mount: mounted /tank on ZFS pool tank on nvme1n1" },
	{ .name = "disks that the kernel serves to other machines",
		.entries = { DISKS,
			{ .path = "sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/1/enable",
				.text = "1\n" },
			{ .path = "sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/1/device_path",
				.text = "/dev/nvme0n1p1\n" },
			{ .path = "sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/2/enable",
				.text = "0\n" },
			{ .path = "sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/2/device_path",
				.text = "/dev/nvme0n1p2\n" },
			{ .path = "sys/kernel/config/target/core/iblock_0/vol/enable",
				.text = "1\n" },
			{ .path = "sys/kernel/config/target/core/iblock_0/vol/udev_path",
				.text = "/dev/nvme1n1\n" },
			{ .path = "sys/kernel/config/target/core/alua/x", .text = "" } },
		.first = "export: served by nvmet as nqn.x: nvme0n1p1",
		.second = "export: served by the SCSI target as vol: nvme1n1" },
	{ .name = "without udev nobody knows what a disk is a member of",
		.entries = { DISKS, { .path = "proc/self/mountinfo",
					    .text = MOUNT("259:1", "/srv", "/dev/nvme0n1p1") } },
		.processes = "unread\t3\n",
		.no_udev = true,
		.first = "mount: mounted /srv on nvme0n1p1",
		.second = "",
		.unseen = "there are no records of udev, which would tell members of pools (ZFS); "
			  "open files of 3 processes could not be read" },
	{ .name = "btrfs by the name of its mapping, which has no node here",
		.entries = { DISKS, STACKED("dm-0", "254:0"), SLAVE("dm-0", "nvme1n1"),
			{ .path = DM("dm-0") "name", .text = "luks-data\n" },
			{ .path = DM("dm-0") "uuid", .text = "CRYPT-LUKS2-0f-luks-data\n" },
			{ .path = "proc/self/mountinfo",
				.text = BTRFS("/data", "/dev/mapper/luks-data") } },
		.first = "",
		.second = "mount: mounted /data on luks-data (crypt) on nvme1n1" },
	{ .name = "signatures that prove no use: an array's member that nobody assembled",
		.entries = { DISKS, UDEV("b259:4", "linux_raid_member", "host:0") },
		.first = "",
		.second = "" },
	{ .name = "the label of a disk whose partition is mounted was not asked for",
		.entries = { DISKS, UDEV("b259:0", "zfs_member", "old"),
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("259:1", "/srv", "/dev/nvme0n1p1") } },
		.first = "mount: mounted /srv on nvme0n1p1",
		.second = "" },
	{ .name = "a mounted file system through a virtual function is its physical one's too",
		.entries = { DISKS,
			{ .path = "sys/bus/pci/devices/0000:02:00.0/physfn",
				.target = "../0000:01:00.0" },
			{ .path = "proc/self/mountinfo",
				.text = MOUNT("259:4", "/srv", "/dev/nvme1n1") } },
		.first = "mount: mounted /srv on nvme1n1 (virtual function 0000:02:00.0)",
		.second = "mount: mounted /srv on nvme1n1" },
	{ .name = "VFIO", .driver = "vfio-pci", .first = BOUND, .second = BOUND },
	{ .name = "VFIO and a user found",
		.driver = "vfio-pci",
		.entries = { DISKS, { .path = "proc/self/mountinfo",
					    .text = MOUNT("259:1", "/srv", "/dev/nvme0n1p1") } },
		.first = BOUND "; mount: mounted /srv on nvme0n1p1",
		.second = BOUND },
};

/* Not a mount table at all: better an error than a machine without users. */
static void test_bad_table(void **state)
{
	struct pr_import_error error = { .text = "" };
	struct fixture *f = fixture_new();
	struct pr_sysfs s = { .arena = pr_arena_new(), .error = &error };
	struct pr_users_source source = { .sysfs = &s, .root = fixture_root(f) };
	struct pr_users users = { 0 };

	(void)state;
	fixture_file(
		f, "proc/self/mountinfo", "30 1 259:1 / /srv rw - ext4 /dev/x rw\n30 1 what\n");
	s.root = users_open_root(f);
	assert_true(pr_users_find(&source, &users) < 0);
	assert_non_null(strstr(error.text, "proc/self/mountinfo"));
	assert_int_equal(error.line, 2);
	assert_null(users.found);

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

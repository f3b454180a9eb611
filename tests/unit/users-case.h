/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One machine as files, lists and tables, and who uses its two functions:
 * the rows of the tests of users.
 */
#pragma once

#include "fixture.h"
#include "import/users.h"

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

#define DM(name) "sys/devices/virtual/block/" name "/dm/"
#define LVM_ID   "0123456789abcdefghijklmnopqrstuv"
/* udev's record of a block device. */
#define UDEV(number, type, label)                                                          \
	{                                                                                  \
		.path = "run/udev/data/" number,                                           \
		.text = "S:disk/by-id/x\nE:ID_FS_TYPE=" type "\nE:ID_FS_LABEL=" label "\n" \
	}
#define BOUND        "vfio: bound to VFIO, for a virtual machine or a program"
#define NO_PROCESSES "what processes have open could not be looked at"

struct users_case {
	const char *name;
	struct fixture_entry entries[32];
	const char *driver;    /* of the function looked at */
	uint8_t class;         /* base class in its configuration space; 0: none is known */
	const char *processes; /* their list; NULL: there is none */
	bool no_udev;          /* it keeps no records here */
	struct pr_net_address addresses[8];
	int default_routes[4];
	struct pr_net_vfs vfs[2];
	const char *first;  /* users of 0000:01:00.0: "kind: what", separated by "; " */
	const char *second; /* users of 0000:02:00.0 */
	const char *unseen; /* NULL: what it is without processes */
};

/* A cmocka test of the row that is its state. */
void test_users(void **state);
int users_open_root(struct fixture *f);

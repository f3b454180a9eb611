/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long the search for users takes on a large server: 2,000 block devices
 * below eight host adapters, in arrays and volumes, most of them mounted, and
 * 10,000 processes in 200 mount namespaces.  The machine is a file tree, so the
 * figure has the system calls in it, and not what the kernel does to answer.
 * Processor time, as it means the same on a busy machine; the wall beside it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "base/processes.h"
#include "fixture.h"
#include "import/users.h"

#define DISKS      1400
#define ADAPTERS   8
#define ARRAYS     200 /* of five disks each */
#define VOLUMES    400 /* two on each array */
#define PROCESSES  10000
#define NAMESPACES 200
#define OPEN_FILES 10
#define MAPPINGS   100
#define ROUNDS     7

static double now_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* these clocks are always there */
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- the machine ---- */

static void add_block(struct fixture *f, const char *name, const char *path, unsigned int major,
	unsigned int minor)
{
	const char *target = fixture_printf(f, "../../devices/%s/%s", path, name);

	fixture_dir(f, fixture_printf(f, "sys/devices/%s/%s", path, name));
	fixture_link(f, fixture_printf(f, "sys/class/block/%s", name), target);
	fixture_link(f, fixture_printf(f, "sys/dev/block/%u:%u", major, minor), target);
}

static void add_disks(struct fixture *f)
{
	for (unsigned int i = 0; i < DISKS; i++) {
		add_block(f, fixture_printf(f, "sd%u", i),
			fixture_printf(f,
				"pci0000:00/0000:00:%02x.0/0000:%02x:00.0/host%u/target%u/block",
				i % ADAPTERS + 1, i % ADAPTERS + 1, i % ADAPTERS, i),
			8, i);
		fixture_file(f, fixture_printf(f, "run/udev/data/b8:%u", i),
			i >= 5 * ARRAYS && i < 5 * ARRAYS + 50
				? "E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=tank\n"
				: "E:ID_FS_TYPE=ext4\nE:ID_FS_LABEL=data\n");
	}
}

static void add_stacked(struct fixture *f, const char *name, unsigned int major, unsigned int minor)
{
	add_block(f, name, "virtual/block", major, minor);
	fixture_dir(f, fixture_printf(f, "sys/devices/virtual/block/%s/slaves", name));
}

static void add_slave(struct fixture *f, const char *name, const char *slave)
{
	fixture_link(
		f, fixture_printf(f, "sys/devices/virtual/block/%s/slaves/%s", name, slave), "x");
}

static void add_arrays(struct fixture *f)
{
	for (unsigned int i = 0; i < ARRAYS; i++) {
		const char *name = fixture_printf(f, "md%u", i);

		add_stacked(f, name, 9, i);
		for (unsigned int j = 0; j < 5; j++)
			add_slave(f, name, fixture_printf(f, "sd%u", 5 * i + j));
	}
	for (unsigned int i = 0; i < VOLUMES; i++) {
		const char *name = fixture_printf(f, "dm-%u", i);

		add_stacked(f, name, 254, i);
		add_slave(f, name, fixture_printf(f, "md%u", i % ARRAYS));
		fixture_file(f, fixture_printf(f, "sys/devices/virtual/block/%s/dm/name", name),
			fixture_printf(f, "vg%u-data%u\n", i % ARRAYS, i));
		fixture_file(f, fixture_printf(f, "sys/devices/virtual/block/%s/dm/uuid", name),
			"LVM-0123456789abcdefghijklmnopqrstuv0123456789abcdefghijklmnopqrstuv\n");
	}
}

/* Volumes, and the disks that are in no array and no pool. */
static void add_mounts(struct fixture *f)
{
	struct pr_text t = { 0 };

	for (unsigned int i = 0; i < VOLUMES; i++)
		pr_text_printf(
			&t, "%u 1 254:%u / /srv/%u rw - ext4 /dev/dm-%u rw\n", 100 + i, i, i, i);
	for (unsigned int i = 5 * ARRAYS + 50; i < DISKS; i++)
		pr_text_printf(
			&t, "%u 1 8:%u / /data/%u rw - xfs /dev/sd%u rw\n", 1000 + i, i, i, i);
	fixture_file(f, "proc/self/mountinfo", t.data);
	pr_text_deinit(&t);
}

static const char *maps_text(struct fixture *f)
{
	struct pr_text t = { 0 };
	const char *copy;

	for (unsigned int i = 0; i < MAPPINGS; i++)
		pr_text_printf(&t,
			"7f%010x-7f%010x r-xp 00000000 fe:00 %u                    "
			"/usr/lib/x86_64-linux-gnu/lib%u.so\n",
			i, i + 1, i, i);
	copy = fixture_printf(f, "%s", t.data);
	pr_text_deinit(&t);
	return copy;
}

static const char *namespace_text(struct fixture *f)
{
	struct pr_text t = { 0 };
	const char *copy;

	for (unsigned int i = 0; i < 40; i++)
		pr_text_printf(&t, "%u 1 0:%u / /sys/%u rw - tmpfs tmpfs rw\n", i + 1, i, i);
	pr_text_add(&t, "50 1 254:1 /etc /etc/hosts rw - ext4 /dev/dm-1 rw\n");
	copy = fixture_printf(f, "%s", t.data);
	pr_text_deinit(&t);
	return copy;
}

static void add_process(struct fixture *f, unsigned int i, const char *maps, const char *mounts)
{
	const char *dir = fixture_printf(f, "proc/%u", i + 1);

	fixture_file(f, fixture_printf(f, "%s/comm", dir), "worker\n");
	fixture_file(f, fixture_printf(f, "%s/maps", dir), maps);
	fixture_file(f, fixture_printf(f, "%s/mountinfo", dir), mounts);
	fixture_link(f, fixture_printf(f, "%s/ns/mnt", dir),
		fixture_printf(f, "mnt:[%u]", 4026531840u + i % NAMESPACES));
	for (unsigned int j = 0; j < OPEN_FILES; j++)
		fixture_link(f, fixture_printf(f, "%s/fd/%u", dir, j),
			j == 0   ? "/dev/null"
			: j % 2  ? fixture_printf(f, "socket:[%u]", 100 * i + j)
			: i % 10 ? "/var/log/worker.log"
				 : fixture_printf(f, "/dev/sd%u", i % DISKS));
}

static void add_processes(struct fixture *f)
{
	const char *maps = maps_text(f), *mounts = namespace_text(f);

	for (unsigned int i = 0; i < PROCESSES; i++)
		add_process(f, i, maps, mounts);
}

/* ---- measuring ---- */

struct times {
	double list, find, wall; /* ms; the first two of processor time */
	size_t users;
};

static bool search(const struct fixture *f, int root, struct times *ret)
{
	struct pr_import_error error = { .text = "" };
	struct pr_sysfs s = { .root = root, .arena = pr_arena_new(), .error = &error };
	_cleanup_(pr_text_deinit) struct pr_text list = { 0 };
	struct pr_users_source source = { .sysfs = &s, .root = fixture_root(f) };
	struct pr_users users = { 0 };
	double wall = now_ms(CLOCK_MONOTONIC), began = now_ms(CLOCK_PROCESS_CPUTIME_ID);
	bool good = s.arena && pr_processes_list(root, false, &list) == 0;

	ret->list = now_ms(CLOCK_PROCESS_CPUTIME_ID) - began;
	source.processes = list.data;
	began = now_ms(CLOCK_PROCESS_CPUTIME_ID);
	good = good && pr_users_find(&source, &users) == 0;
	ret->find = now_ms(CLOCK_PROCESS_CPUTIME_ID) - began;
	ret->wall = now_ms(CLOCK_MONOTONIC) - wall;
	ret->users = users.n;
	if (!good)
		(void)fprintf(stderr, "bench-users: %s\n", error.text);
	pr_arena_free(s.arena);
	return good;
}

static int compare_total(const void *a, const void *b)
{
	const struct times *x = a, *y = b;
	double i = x->list + x->find, j = y->list + y->find;

	return (i > j) - (i < j);
}

static bool measure(const struct fixture *f)
{
	_cleanup_close_ int root = open(fixture_root(f), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct times times[ROUNDS];
	const struct times *median = &times[ROUNDS / 2];

	for (size_t i = 0; i < ROUNDS; i++)
		if (root < 0 || !search(f, root, &times[i]))
			return false;
	qsort(times, ROUNDS, sizeof(times[0]), compare_total);
	printf("users: %d block devices, %d processes: %zu users found in %.0f ms "
	       "(processes %.0f ms, the rest %.0f ms; wall %.0f ms; median of %d)\n",
		DISKS + ARRAYS + VOLUMES, PROCESSES, median->users, median->list + median->find,
		median->list, median->find, median->wall, ROUNDS);
	return true;
}

int main(void)
{
	struct fixture *f = fixture_new();
	bool good;

	add_disks(f);
	add_arrays(f);
	add_mounts(f);
	add_processes(f);
	good = measure(f);
	fixture_free(f);
	return good ? 0 : 1;
}

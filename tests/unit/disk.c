/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct disk *disk;

/* The names that the linker gives: what is asked for, and what is meant. */
ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_renameat(int from, const char *a, int to, const char *b);
int __wrap_renameat(int from, const char *a, int to, const char *b);

void disk_use(struct disk *d)
{
	struct stat st;

	disk = d;
	if (!d)
		return;
	d->created = stat(d->file, &st) < 0;
	d->size = d->created ? 0 : st.st_size;
}

/* What a power cut leaves: the worst that a file system may make of calls that were not synced. */
static void lose_unsynced(const struct disk *d)
{
	struct stat st;

	if (d->renamed)
		(void)rename(d->old, d->file);
	else if (d->created)
		(void)unlink(d->file);
	else if (stat(d->file, &st) == 0 && st.st_size > d->size)
		(void)truncate(d->file, d->size);
}

static _Noreturn void die(struct disk *d)
{
	disk = NULL;
	if (d->power)
		lose_unsynced(d);
	longjmp(d->dead, 1);
}

/* Counts a call; true when it is to be done. */
static bool enter(void)
{
	if (!disk)
		return true;
	disk->calls++;
	if (disk->at == 0 || disk->calls < disk->at || disk->calls > disk->until)
		return true;
	if (disk->how == DISK_KILL_BEFORE || disk->how == DISK_KILL_HALF)
		die(disk);
	return disk->how == DISK_KILL_AFTER;
}

static void leave(void)
{
	if (disk && disk->how == DISK_KILL_AFTER && disk->calls == disk->at)
		die(disk);
}

static bool halves(void)
{
	return disk && disk->calls + 1 == disk->at &&
	       (disk->how == DISK_KILL_HALF || disk->how == DISK_FAILS_HALF);
}

ssize_t __wrap_write(int fd, const void *data, size_t n)
{
	ssize_t r;

	if (halves()) {
		r = __real_write(fd, data, n / 2);
		if (r < 0)
			return r;
		if (disk->how == DISK_FAILS_HALF) {
			disk->at++; /* this call told of less; the next one is told why */
			if (disk->until < disk->at)
				disk->until = disk->at;
			disk->calls++;
			disk->how = DISK_FAILS;
			return r;
		}
	}
	if (!enter()) {
		errno = disk->error;
		return -1;
	}
	r = __real_write(fd, data, n);
	leave();
	return r;
}

static bool is_directory(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static void synced(int fd)
{
	struct stat st;

	if (!disk || fstat(fd, &st) < 0)
		return;
	if (is_directory(fd))
		disk->created = disk->renamed = false;
	else
		disk->size = st.st_size;
}

int __wrap_fsync(int fd)
{
	int r;

	if (!enter()) {
		errno = disk->error;
		return -1;
	}
	r = __real_fsync(fd);
	synced(fd);
	leave();
	return r;
}

int __wrap_fdatasync(int fd)
{
	int r;

	if (!enter()) {
		errno = disk->error;
		return -1;
	}
	r = __real_fdatasync(fd);
	synced(fd);
	leave();
	return r;
}

int __wrap_renameat(int from, const char *a, int to, const char *b)
{
	int r;

	if (!enter()) {
		errno = disk->error;
		return -1;
	}
	r = __real_renameat(from, a, to, b);
	if (disk && r == 0) {
		disk->renamed = true;
		disk->size = 0; /* of the file that will be made in its place */
	}
	leave();
	return r;
}

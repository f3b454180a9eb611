/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saves of registers in the state directory: written whole before the first
 * register changes, locked while its helper lives, replayed when it died.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/macros.h"
#include "helper/measure-file.h"

#define SAVE_PREFIX   "measure-"
#define TEMP_PREFIX   ".measure-"
#define NAME_MAX_TEXT (sizeof(TEMP_PREFIX) + PR_TARGET_TEXT_MAX)

/* Written and read by the same machine between two boots: no need for a text form. */
struct save {
	char magic[16];
	uint64_t node; /* pr_access_node() */
	struct pr_saved saved;
};
static const char save_magic[16] = "pciroom-save-1";

static int config_read(void *userdata, uint32_t offset, uint8_t width, uint32_t *ret)
{
	return pr_access_read_value(*(const int *)userdata, offset, width, ret);
}

static int config_write(void *userdata, uint32_t offset, uint8_t width, uint32_t value)
{
	return pr_access_write_value(*(const int *)userdata, offset, width, value);
}

static struct pr_registers registers_of(int *function)
{
	return (struct pr_registers){ config_read, config_write, function };
}

static void save_name(const char *prefix, const struct pr_target *t, char ret[NAME_MAX_TEXT])
{
	char address[PR_TARGET_TEXT_MAX];

	pr_target_format(t, address);
	(void)snprintf(ret, NAME_MAX_TEXT, "%s%s", prefix, address); /* sized for it */
}

/*
 * The save appears under its name only when it is whole and on disk.  The lock
 * tells a sizing that is going on from one that died.
 */
static int save_create(int state, const struct pr_target *t, const struct save *save, int *ret)
{
	_cleanup_close_ int fd = -1;
	char temporary[NAME_MAX_TEXT], name[NAME_MAX_TEXT];
	int r;

	save_name(TEMP_PREFIX, t, temporary);
	save_name(SAVE_PREFIX, t, name);
	if (faccessat(state, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EBUSY;

	fd = openat(state, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -EBUSY;
	r = pr_write_all(fd, save, sizeof(*save));
	if (r < 0)
		return r;
	if (fsync(fd) < 0 || renameat(state, temporary, state, name) < 0 || fsync(state) < 0)
		return -errno;

	*ret = fd;
	fd = -1;
	return 0;
}

static int save_remove(int state, const struct pr_target *t)
{
	char name[NAME_MAX_TEXT];

	save_name(SAVE_PREFIX, t, name);
	return unlinkat(state, name, 0) < 0 ? -errno : 0;
}

/*
 * From here to the restored registers only SIGKILL can come between, and for that there is the
 * save.
 */
static int size_guarded(int state, int function, const struct pr_target *t, const struct save *save,
	struct pr_helper_mask *ret, size_t *ret_n)
{
	struct pr_registers g = registers_of(&function);
	_cleanup_close_ int fd = -1;
	char driver[PR_DRIVER_NAME_MAX];
	sigset_t all, before;
	int r;

	r = save_create(state, t, save, &fd);
	if (r < 0)
		return r;
	if (pr_access_driver(function, driver) != -ENOENT) {
		(void)save_remove(
			state, t); /* nothing was done; left behind, it is replayed to no effect */
		return -EBUSY;
	}

	(void)sigfillset(&all); /* these cannot fail with these arguments */
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	r = pr_measure_size(&g, &save->saved, ret, ret_n);
	/* after a failure it is dropped only when nothing needs it; left behind, it is replayed */
	if (r == 0 || pr_measure_replay(&g, &save->saved) == 0)
		(void)save_remove(state, t);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

int pr_measure_journalled(int state, int function, const struct pr_target *t,
	struct pr_helper_mask *ret, size_t *ret_n)
{
	struct pr_registers g = registers_of(&function);
	struct save save = { 0 };
	int r;

	memcpy(save.magic, save_magic, sizeof(save.magic));
	r = pr_access_node(function, &save.node);
	if (r < 0)
		return r;
	r = pr_measure_read(&g, &save.saved);
	if (r < 0)
		return r;

	return size_guarded(state, function, t, &save, ret, ret_n);
}

static int save_read(int fd, struct save *ret)
{
	struct save save;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	n = read(fd, &save, sizeof(save));
	if (n < 0)
		return -errno;
	if (n != sizeof(save) || st.st_size != sizeof(save) ||
		memcmp(save.magic, save_magic, sizeof(save.magic)) != 0)
		return -EBADMSG;

	*ret = save;
	return 0;
}

/* -ENODEV: that function is gone, or was found anew and got its registers from the kernel. */
static int replay(
	const struct pr_access *access, const struct pr_target *t, const struct save *save)
{
	_cleanup_close_ int function = -1;
	char driver[PR_DRIVER_NAME_MAX];
	struct pr_registers g;
	uint64_t node;
	int r;

	r = pr_access_function(access, t, &function);
	if (r < 0)
		return r;
	r = pr_access_node(function, &node);
	if (r < 0)
		return r;
	if (node != save->node)
		return -ENODEV;
	if (pr_access_driver(function, driver) != -ENOENT)
		return -EBUSY; /* its registers are the driver's now */

	g = registers_of(&function);
	return pr_measure_replay(&g, &save->saved);
}

static void recover_one(
	int state, const char *name, const struct pr_access *access, const struct pr_audit *audit)
{
	_cleanup_close_ int fd = openat(state, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char what[64];
	struct pr_target t;
	struct save save;
	int r;

	if (fd < 0 || !pr_target_parse(name + strlen(SAVE_PREFIX), &t))
		return; /* not ours */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return; /* another helper is at it */

	r = save_read(fd, &save);
	if (r == 0)
		r = replay(access, &t, &save);
	(void)snprintf(what, sizeof(what), "restore-after-measure %s", name + strlen(SAVE_PREFIX));
	pr_audit_line(audit, getpid(), geteuid(), what, r);

	/* a refused write (lockdown) may work for the next helper; the rest is decided */
	if (r == 0 || r == -ENODEV || r == -EBUSY || r == -EBADMSG)
		(void)unlinkat(state, name, 0); /* left, it is replayed again to no effect */
}

int pr_measure_recover(int state, const struct pr_access *access, const struct pr_audit *audit)
{
	struct dirent *entry;
	DIR *directory;
	int fd;

	fd = openat(state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	directory = fdopendir(fd);
	if (!directory) {
		(void)close(fd); /* only read */
		return -ENOMEM;
	}

	while ((entry = readdir(directory)))
		if (strncmp(entry->d_name, SAVE_PREFIX, strlen(SAVE_PREFIX)) == 0)
			recover_one(state, entry->d_name, access, audit);

	(void)closedir(directory); /* only read */
	return 0;
}

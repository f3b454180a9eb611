/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One component after the other.  openat2(2) would do it in one call, but the
 * service has not got it: RestrictSUIDSGID= cannot look into its arguments, and
 * takes it away altogether (systemd, seccomp_restrict_suid_sgid).
 */
#include "helper/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"

static bool is_link(int at, const char *name, int flags)
{
	struct stat st;

	return fstatat(at, name, &st, flags) == 0 && S_ISLNK(st.st_mode);
}

/* A link is -ELOOP, whatever open(2) makes of it: with O_DIRECTORY no directory, with O_PATH a file. */
static int open_component(int at, const char *name, int flags)
{
	int fd, r;

	if (strcmp(name, "..") == 0)
		return -EXDEV;
	fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? -errno : fd;
	if (r == -ENOTDIR && is_link(at, name, AT_SYMLINK_NOFOLLOW))
		return -ELOOP;
	if (fd >= 0 && is_link(fd, "", AT_EMPTY_PATH)) {
		(void)close(fd); /* nothing was done with it */
		return -ELOOP;
	}
	return r;
}

int pr_open_beneath(int at, const char *path, int flags)
{
	_cleanup_close_ int below = -1;
	char name[NAME_MAX + 1];

	if (*path == '/')
		return -EXDEV;
	for (;;) {
		size_t length = strcspn(path, "/");
		bool last = path[length] == '\0';
		int fd;

		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path, length);
		name[length] = '\0';
		fd = open_component(
			below >= 0 ? below : at, name, last ? flags : O_PATH | O_DIRECTORY);
		if (fd < 0 || last)
			return fd;
		pr_closep(&below);
		below = fd;
		path += length + 1;
	}
}

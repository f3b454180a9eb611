/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths below the root of the machine that is looked at. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "import/users-finder.h"

bool pr_path_format(char ret[PR_USERS_PATH_SIZE], const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(ret, PR_USERS_PATH_SIZE, format, args);
	va_end(args);
	return n >= 0 && n < PR_USERS_PATH_SIZE;
}

bool pr_path_link(const struct pr_finder *f, const char *path, char target[PATH_MAX])
{
	ssize_t n = readlinkat(f->sysfs->root, path, target, PATH_MAX - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return true;
}

DIR *pr_path_dir(const struct pr_finder *f, const char *path)
{
	int fd = openat(f->sysfs->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		(void)close(fd); /* nothing was read */
	return dir;
}

const char *pr_path_next(DIR *dir)
{
	struct dirent *e;

	while ((e = readdir(dir)))
		if (e->d_name[0] != '.')
			return e->d_name;
	return NULL;
}

bool pr_path_exists(const struct pr_finder *f, const char *path)
{
	return faccessat(f->sysfs->root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

const char *pr_path_class_line(
	const struct pr_finder *f, const char *class, const char *name, const char *attribute)
{
	char path[PR_USERS_PATH_SIZE];

	if (!pr_path_format(path, "sys/class/%s/%s/%s", class, name, attribute))
		return NULL;
	return pr_sysfs_line(f->sysfs, path);
}

int pr_path_each_link(struct pr_finder *f, const char *path,
	int (*each)(struct pr_finder *f, const char *name, const char *target, void *userdata),
	void *userdata)
{
	_cleanup_closedir_ DIR *dir = pr_path_dir(f, path);
	char target[PATH_MAX];
	ssize_t n;
	int r = 0;

	for (const char *name; r == 0 && dir && (name = pr_path_next(dir));) {
		n = readlinkat(dirfd(dir), name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		r = each(f, name, target, userdata);
	}

	return r;
}

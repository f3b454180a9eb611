/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole files relative to a directory descriptor.  sysfs and procfs report no
 * useful size, so files are read until their end.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/text.h"

static int read_until_end(int fd, size_t max, struct pr_text *text)
{
	char buffer[4096];

	for (;;) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if ((size_t)n > max - text->length)
			return -EFBIG;
		pr_text_add_n(text, buffer, (size_t)n);
		if (text->failed)
			return -ENOMEM;
	}
}

int pr_read_file_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_n)
{
	_cleanup_(pr_text_deinit) struct pr_text text = { 0 };
	_cleanup_close_ int fd = -1;
	int r;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;

	r = read_until_end(fd, max, &text);
	if (r < 0)
		return r;

	return pr_text_take(&text, ret, ret_n);
}

int pr_read_line_at(int dirfd, const char *path, char **ret)
{
	char *line;
	int r;

	r = pr_read_file_at(dirfd, path, 65536, &line, NULL);
	if (r < 0)
		return r;

	line[strcspn(line, "\n")] = '\0';
	*ret = line;
	return 0;
}

int pr_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t written = write(fd, p, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		p += written;
		n -= (size_t)written;
	}

	return 0;
}

int pr_write_file_at(int dirfd, const char *path, const char *text)
{
	_cleanup_close_ int fd = -1;
	size_t n = strlen(text);
	ssize_t written;

	fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;

	/* an attribute takes its value in one write, or not at all */
	written = write(fd, text, n);
	if (written < 0)
		return -errno;

	return (size_t)written == n ? 0 : -EIO;
}

int pr_readlink_base_at(int dirfd, const char *path, char **ret)
{
	char target[PATH_MAX], *base, *copy;
	ssize_t n;

	n = readlinkat(dirfd, path, target, sizeof(target));
	if (n < 0)
		return errno == EINVAL ? -ENOENT : -errno;
	if ((size_t)n == sizeof(target))
		return -ENAMETOOLONG;
	target[n] = '\0';

	base = strrchr(target, '/');
	copy = strdup(base ? base + 1 : target);
	if (!copy)
		return -ENOMEM;

	*ret = copy;
	return 0;
}

static int compare_int(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

void pr_close_others(unsigned int from, int *keep, size_t n)
{
	qsort(keep, n, sizeof(*keep), compare_int);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)from)
			continue;
		if ((unsigned int)keep[i] > from)
			(void)close_range(
				from, (unsigned int)keep[i] - 1, 0); /* in order: cannot fail */
		from = (unsigned int)keep[i] + 1;
	}
	(void)close_range(from, ~0U, 0);
}

int pr_sealed_file(const char *name, const void *data, size_t n)
{
	_cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char path[40];
	int opened, r;

	if (fd < 0)
		return -errno;
	r = pr_write_all(fd, data, n);
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	opened = open(path, O_RDONLY | O_CLOEXEC);
	return opened < 0 ? -errno : opened;
}

int pr_connect_unix(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;

	r = fd;
	fd = -1;
	return r;
}

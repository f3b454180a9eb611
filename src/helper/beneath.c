/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

int pr_open_beneath(int at, const char *path, int flags)
{
	const struct open_how how = { .flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	long fd;

	do
		fd = syscall(SYS_openat2, at, path, &how, sizeof(how));
	while (fd < 0 && errno == EINTR);

	return fd < 0 ? -errno : (int)fd;
}

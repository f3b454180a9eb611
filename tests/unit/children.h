/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether another process has come so far that it has a child.  libc only. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The first child of @parent but this process; 0: none (proc(5), /proc/PID/task/TID/children). */
static inline pid_t child_of(pid_t parent)
{
	char path[64], children[256] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, children, sizeof(children) - 1) < 0)
		children[0] = '\0';
	(void)close(fd);
	for (char *p = children; *p;) {
		pid_t pid = (pid_t)strtol(p, &p, 10);

		if (pid > 0 && pid != getpid())
			return pid;
		while (*p == ' ')
			p++;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Audit lines: time, client, what, result. Decides nothing and never fails its caller. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "base/macros.h"
#include "helper/audit.h"

int pr_audit_open(const char *path, bool quiet, struct pr_audit *ret)
{
	int fd = -1;

	if (path) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -errno;
	}

	*ret = (struct pr_audit){ .fd = fd, .quiet = quiet };
	return 0;
}

void pr_audit_close(struct pr_audit *a)
{
	pr_closep(&a->fd);
}

void pr_audit_line(const struct pr_audit *a, pid_t client, uid_t uid, const char *what, int result)
{
	const char *outcome = result == 0 ? "ok" : strerrorname_np(-result);
	char line[256], stamp[32];
	struct timespec now;
	struct tm tm;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(line, sizeof(line), "%s.%03ldZ pid=%d uid=%u %s -> %s\n", stamp,
		now.tv_nsec / 1000000, (int)client, (unsigned int)uid, what,
		outcome ? outcome : "EUNKNOWN");
	n = strlen(line);

	/* nothing can be done about a full disk or a closed terminal here */
	if (a->fd >= 0)
		(void)pr_write_all(a->fd, line, n);
	if (!a->quiet)
		(void)pr_write_all(STDERR_FILENO, line, n);
}

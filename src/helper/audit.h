/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line for every write, with its result: to standard error (the journal,
 * when started by systemd) and to a file when one is named.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct pr_audit {
	int fd;     /* -1: no file */
	bool quiet; /* not to standard error */
};

/* @path may be NULL. */
int pr_audit_open(const char *path, bool quiet, struct pr_audit *ret);
void pr_audit_close(struct pr_audit *a);

/*
 * @result 0 or negative errno.  A line that cannot be written is lost: there is nobody left to
 * tell.
 */
void pr_audit_line(const struct pr_audit *a, pid_t client, uid_t uid, const char *what, int result);

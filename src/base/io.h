/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files, relative to a directory descriptor (AT_FDCWD for none). */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* At most @max bytes (-EFBIG beyond), NUL added behind them.  malloc'ed. */
int pr_read_file_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_n);
/* First line of a small attribute, without its newline.  malloc'ed. */
int pr_read_line_at(int dirfd, const char *path, char **ret);
/* One write of @text to a file that exists. */
int pr_write_file_at(int dirfd, const char *path, const char *text);
/* Last component of the target of a symbolic link.  malloc'ed; -ENOENT when there is no link. */
int pr_readlink_base_at(int dirfd, const char *path, char **ret);
/*
 * Closes every descriptor from @from on but those in @keep (in any order, which changes; negative
 * ones count for nothing): what a child must not hold, connections above all.
 */
void pr_close_others(unsigned int from, int *keep, size_t n);
/* A socket of @type (close-on-exec) that is connected to the one at @path; -ENAMETOOLONG. */
int pr_connect_unix(const char *path, int type);
/* All of it, over short writes and EINTR. */
int pr_write_all(int fd, const void *data, size_t n);
/* Memory file @name that holds @data and can not be changed any more, at its beginning; or -errno. */
int pr_sealed_file(const char *name, const void *data, size_t n);

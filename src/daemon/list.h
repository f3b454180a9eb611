/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What pciroom-processes and pciroom-kernel-log say: each has a socket that
 * gives one list to whoever connects.  Waits, so it is for children of the daemon.
 */
#pragma once

#include <stddef.h>

/*
 * The list at @path, whose last line begins with @end; malloc'ed and NUL-terminated.
 * -EBADMSG: it has no end; -ETIMEDOUT, -EFBIG, what connecting gives.
 */
int pr_list_ask(const char *path, const char *end, char **ret, size_t *ret_size);

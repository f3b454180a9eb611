/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What pciroom-processes says: its socket gives one list (base/processes.h) to
 * whoever connects.  Waits, so it is for children of the daemon.
 */
#pragma once

#include <stddef.h>

/*
 * malloc'ed and NUL-terminated.  -EBADMSG: the list has no end; -ETIMEDOUT,
 * -EFBIG, what connecting gives.
 */
int pr_processes_ask(const char *path, char **ret, size_t *ret_size);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running kernel's log as text.  Knows nothing of what is in it. */
#pragma once

#include <stddef.h>

/* Last line of what pciroom-kernel-log says: a log that is cut short does not have it. */
#define PR_KERNEL_LOG_END "end of the kernel log"

/*
 * All that the ring buffer still holds, a line each, "<6>[   12.345678] ..." (syslog(2),
 * SYSLOG_ACTION_READ_ALL); malloc'ed and NUL-terminated.  Takes nothing away.
 * 0; -EPERM: only for those who may read it (CAP_SYSLOG, or sysctl kernel.dmesg_restrict=0).
 */
int pr_kernel_log_read(char **ret, size_t *ret_size);

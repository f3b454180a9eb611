/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/kernel-log.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/klog.h>

#include "base/macros.h"

/* syslog(2); no header of user space has them */
#define SYSLOG_ACTION_READ_ALL    3
#define SYSLOG_ACTION_SIZE_BUFFER 10

/* Text has a prefix on each line that the buffer does not hold. */
#define GROWTH 2

int pr_kernel_log_read(char **ret, size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	int size = klogctl(SYSLOG_ACTION_SIZE_BUFFER, NULL, 0), n;

	if (size < 0)
		return -errno;
	if (size > INT_MAX / GROWTH - 1)
		return -EFBIG;
	size *= GROWTH;
	text = malloc((size_t)size + 1);
	if (!text)
		return -ENOMEM;
	n = klogctl(SYSLOG_ACTION_READ_ALL, text, size);
	if (n < 0)
		return -errno;

	text[n] = '\0';
	*ret = pr_take(text);
	*ret_size = (size_t)n;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pciroom-kernel-log: prints the kernel's log (base/kernel-log.h), for a daemon
 * that may not read it.  Takes no request and writes nothing else.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/kernel-log.h"
#include "base/macros.h"

static int print_log(void)
{
	static const char end[] = PR_KERNEL_LOG_END "\n";
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = pr_kernel_log_read(&text, &size);
	if (r >= 0)
		r = pr_write_all(STDOUT_FILENO, text, size);
	if (r >= 0)
		r = pr_write_all(STDOUT_FILENO, end, strlen(end));
	if (r < 0)
		(void)fprintf(stderr, "pciroom-kernel-log: %s\n", strerror(-r));
	return r < 0;
}

int main(int argc, char **argv)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)argv;
	if (argc > 1) {
		(void)fprintf(stderr, "usage: pciroom-kernel-log\n");
		return 64;
	}

	(void)sigaction(SIGPIPE, &ignore, NULL); /* the number is good */
	return print_log();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pciroom-processes: prints what processes hold (base/processes.h), for a
 * daemon that may not look into them.  Takes no request and writes nothing, so
 * that the privilege to look everywhere is with a program that nobody can talk
 * to, and not with the helper that writes to devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/processes.h"

static int fail(int r, const char *what)
{
	(void)fprintf(stderr, "pciroom-processes: %s: %s\n", what, strerror(-r));
	return 1;
}

static int print_list(const char *root)
{
	_cleanup_(pr_text_deinit) struct pr_text list = { 0 };
	_cleanup_close_ int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return fail(-errno, root);
	r = pr_processes_list(fd, strcmp(root, "/") == 0, &list);
	if (r < 0)
		return fail(r, "proc");
	r = pr_write_all(STDOUT_FILENO, list.data, list.length);
	return r < 0 ? fail(r, "standard output") : 0;
}

int main(int argc, char **argv)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (argc > 2 || (argc == 2 && argv[1][0] != '/')) {
		(void)fprintf(stderr, "usage: pciroom-processes [ROOT]\n");
		return 64;
	}

	(void)sigaction(SIGPIPE, &ignore, NULL); /* the number is good */
	return print_list(argc == 2 ? argv[1] : "/");
}

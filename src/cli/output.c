/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/macros.h"

static int write_atomically(const char *file, const char *text, size_t size)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int fd = -1;
	mode_t mask = umask(0); /* there is no way to only look at it */
	int r;

	(void)umask(mask);
	if (asprintf(&temporary, "%s.XXXXXX", file) < 0) {
		temporary = NULL; /* undefined after a failure */
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;

	r = pr_write_all(fd, text, size);
	/* mkostemp() makes it private; what is written is made to be sent to somebody */
	if (r == 0 &&
		(fchmod(fd, 0666 & ~mask) < 0 || fsync(fd) < 0 || rename(temporary, file) < 0))
		r = -errno;
	if (r < 0)
		(void)unlink(temporary); /* the first error is the one to tell */
	return r;
}

/* /dev/stdout, a pipe: renaming over it would replace it. */
static bool is_special(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 && !S_ISREG(st.st_mode);
}

int pr_output_write(const char *file, const char *text, size_t size)
{
	_cleanup_close_ int fd = -1;

	if (!is_special(file))
		return write_atomically(file, text, size);

	fd = open(file, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : pr_write_all(fd, text, size);
}

int pr_output_text(const struct pr_cli *cli, struct pr_text *t)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	int r;

	if (!cli->output)
		return pr_cli_print(t) ? PR_EXIT_OK : PR_EXIT_ERROR;
	r = pr_text_take(t, &text, &n);
	if (r == 0)
		r = pr_output_write(cli->output, text, n);
	return r < 0 ? pr_cli_failed(r, cli->output) : PR_EXIT_OK;
}

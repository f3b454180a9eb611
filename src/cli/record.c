/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb record: a snapshot of the machine, whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/macros.h"
#include "cli/source.h"
#include "pciroom/import.h"

/* A regular file appears under its name only when it is complete and on disk. */
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
	/* mkostemp() makes it private; a snapshot is made to be sent to somebody */
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

static int write_file(const char *file, const char *text, size_t size)
{
	_cleanup_close_ int fd = -1;

	if (!is_special(file))
		return write_atomically(file, text, size);

	fd = open(file, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : pr_write_all(fd, text, size);
}

static bool print_answer(
	const struct pr_cli *cli, const char *file, const struct pr_topology *topology, size_t size)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (cli->json) {
		pr_json_init(&j, &t);
		pr_json_object(&j, NULL);
		pr_json_string(&j, "schema", "pciroom.record/1");
		pr_json_string(&j, "file", file);
		pr_json_u64(&j, "functions", topology->n_functions);
		pr_json_hex(&j, "generation", topology->generation);
		pr_json_u64(&j, "size", size);
		pr_json_object_end(&j);
	} else {
		pr_text_printf(&t, "%s: ", file);
		pr_text_count(&t, topology->n_functions, "function");
		pr_text_add(&t, " recorded\n");
	}
	return pr_cli_print(&t);
}

static int record(const struct pr_cli *cli, const char *file, const struct pr_topology *t)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = pr_snapshot_write(t, &text, &size);
	if (r < 0)
		return pr_cli_failed(r, "cannot make a snapshot");

	if (!file) {
		r = pr_write_all(STDOUT_FILENO, text, size);
		return r < 0 ? pr_cli_failed(r, "cannot write to standard output") : PR_EXIT_OK;
	}
	r = write_file(file, text, size);
	if (r < 0)
		return pr_cli_failed(r, file);
	return print_answer(cli, file, t, size) ? PR_EXIT_OK : PR_EXIT_ERROR;
}

int pr_verb_record(const struct pr_cli *cli)
{
	const char *file = cli->n_arguments > 0 ? cli->arguments[0] : "-";
	struct pr_source s;
	int r;

	if (strcmp(file, "-") == 0)
		file = NULL;
	if (!file && cli->json)
		return pr_cli_error("record --json needs a FILE: standard output cannot hold both");

	r = pr_source_open(cli, false, &s);
	if (r != PR_EXIT_OK)
		return r;
	r = record(cli, file, s.topology);
	pr_source_close(&s);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private directory into which a recording of /sys and /proc is unpacked, to be read as a tree.
 * The recording is not trusted: nothing is written through a link, no link leads out of the
 * directory, and sizes are limited.  Knows no format.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "import/error.h"

struct pr_unpacking {
	struct pr_import_error *error;
	int root; /* descriptor of the private directory */
	/* where the last file went: the next one mostly goes there too */
	char parent[PATH_MAX];
	int dir; /* its descriptor; -1: none yet */
	size_t total;
	unsigned int n_files;
};

/* One recording into @u: 0, or negative errno with @u->error. */
typedef int pr_unpack_fn(struct pr_unpacking *u, const void *recording);

/*
 * Makes the directory (below TMPDIR), has @unpack fill it, reads it as pr_tree_read() does, which
 * see, and deletes it.
 */
int pr_unpack_read(pr_unpack_fn *unpack, const void *recording,
	const struct pr_companions *companions, struct pr_topology **ret,
	struct pr_import_notes *notes, struct pr_import_error *error);

/* The path from "sys" or "proc" on, without "." and empty components; NULL: not wanted, or unsafe. */
const char *pr_unpack_path(const char *path, char ret[PATH_MAX]);

/* Is what lies at @path read at all, of which @name is the last component? */
bool pr_unpack_wants(const char *path, const char *name, bool is_link);

/*
 * Paths are as pr_unpack_path() makes them.  The file is empty; a second one of its name, and what
 * would lie below a link or a file, is ignored: @ret is -1 then.  0, or negative errno with the
 * error.
 */
int pr_unpack_file(struct pr_unpacking *u, const char *path, int *ret);
int pr_unpack_directory(struct pr_unpacking *u, const char *path);
/* Links that lead out of the directory are ignored, too. */
int pr_unpack_link(struct pr_unpacking *u, const char *path, const char *target);

/*
 * Adds @n bytes to the file @fd at @path, of which @size (counted on here) are there.  -EFBIG when
 * it, or all of it, becomes larger than any machine's.
 */
int pr_unpack_write(
	struct pr_unpacking *u, const char *path, int fd, const void *data, size_t n, size_t *size);

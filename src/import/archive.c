/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tar file of a machine's /sys and /proc, compressed or not: libarchive
 * takes it apart, and unpack.c writes what is wanted of it where it is read.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "import/companions.h"
#include "import/libarchive.h"
#include "import/unpack.h"

#define ENTRIES_MAX 4000000u

struct archive_bytes {
	const char *data;
	size_t size;
};

struct reading {
	struct pr_libarchive lib;
	struct archive *archive;
	struct pr_unpacking *into;
};

static int fail(const struct reading *a, const char *what)
{
	return pr_libarchive_fail(&a->lib, a->archive, what, a->into->error);
}

/* ---- entries ---- */

static int copy_data(const struct reading *a, const char *path, int fd)
{
	char buffer[8192];
	la_ssize_t n;
	size_t size = 0;
	int r = 0;

	while (r == 0 && (n = a->lib.read_data(a->archive, buffer, sizeof(buffer))) != 0) {
		if (n < 0)
			return fail(a, "cannot unpack");
		r = pr_unpack_write(a->into, path, fd, buffer, (size_t)n, &size);
	}
	return r;
}

static int unpack_file(const struct reading *a, const char *path)
{
	_cleanup_close_ int fd = -1;
	int r = pr_unpack_file(a->into, path, &fd);

	return r < 0 || fd < 0 ? r : copy_data(a, path, fd);
}

/* Devices, sockets and hard links do not exist in sysfs. */
static int unpack_entry(const struct reading *a, struct archive_entry *entry)
{
	const char *path = a->lib.pathname(entry), *name, *target = a->lib.symlink(entry);
	mode_t type = a->lib.filetype(entry);
	char buffer[PATH_MAX];

	path = path ? pr_unpack_path(path, buffer) : NULL;
	if (!path)
		return 0;
	if (type == AE_IFDIR)
		return pr_unpack_directory(a->into, path);
	name = strrchr(path, '/');
	if (!pr_unpack_wants(path, name ? name + 1 : path, type == AE_IFLNK))
		return 0;
	if (type == AE_IFLNK)
		return target ? pr_unpack_link(a->into, path, target) : 0;
	return type == AE_IFREG && !a->lib.hardlink(entry) ? unpack_file(a, path) : 0;
}

/* ---- all of it ---- */

static int unpack_entries(const struct reading *a)
{
	struct archive_entry *entry;
	int r = 0, state = ARCHIVE_OK;

	for (unsigned int n = 0; r == 0; n++) {
		state = a->lib.next_header(a->archive, &entry);
		if (state == ARCHIVE_EOF)
			break;
		if (state != ARCHIVE_OK && state != ARCHIVE_WARN)
			return fail(a, "not a tar file of a machine");
		if (n == ENTRIES_MAX)
			return pr_import_fail(a->into->error, -EFBIG, "it has too many entries");
		r = unpack_entry(a, entry);
	}
	if (r == 0 && a->into->n_files == 0)
		return pr_import_fail(a->into->error, -EINVAL, "nothing of /sys or /proc is in it");
	return r;
}

static int unpack_archive(struct pr_unpacking *u, const void *recording)
{
	const struct archive_bytes *bytes = recording;
	struct reading a = { .into = u };
	int r = pr_libarchive_load(&a.lib, u->error);

	if (r < 0)
		return r;
	r = pr_libarchive_open(&a.lib, bytes->data, bytes->size, false, &a.archive, u->error);
	if (r == 0) {
		r = unpack_entries(&a);
		(void)a.lib.read_free(a.archive); /* only read from */
	}
	pr_libarchive_unload(&a.lib);
	return r;
}

int pr_archive_read(const char *data, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error)
{
	const struct archive_bytes bytes = { data, size };

	return pr_unpack_read(unpack_archive, &bytes, companions, ret, notes, error);
}

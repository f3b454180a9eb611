/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file that somebody compressed: libarchive takes it apart.  What is in it is others' to say. */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "import/libarchive.h"

#define UNPACKED_MAX ((size_t)256 << 20) /* as of what is not compressed */

static const struct {
	const char *bytes;
	size_t n;
} compressions[] = {
	{ "\xfd\x37zXZ\0", 6 },
	{ "\x1f\x8b", 2 },
	{ "\x28\xb5\x2f\xfd", 4 },
	{ "BZh", 3 },
};

bool pr_is_compressed(const char *data, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++)
		if (size >= compressions[i].n &&
			memcmp(data, compressions[i].bytes, compressions[i].n) == 0)
			return true;

	return false;
}

static int read_all(const struct pr_libarchive *lib, struct archive *archive, struct pr_text *t,
	struct pr_import_error *error)
{
	char buffer[65536];
	la_ssize_t n;

	while ((n = lib->read_data(archive, buffer, sizeof(buffer))) > 0) {
		if (t->length + (size_t)n > UNPACKED_MAX)
			return pr_import_fail(error, -EFBIG, "what it unpacks to is too large");
		pr_text_add_n(t, buffer, (size_t)n);
	}
	return n < 0 ? pr_libarchive_fail(lib, archive, "cannot unpack", error) : 0;
}

/* 1: it is an archive. */
static int read_file(const struct pr_libarchive *lib, struct archive *archive, struct pr_text *t,
	struct pr_import_error *error)
{
	struct archive_entry *entry;
	int state = lib->next_header(archive, &entry);

	if (state != ARCHIVE_OK && state != ARCHIVE_WARN)
		return pr_libarchive_fail(lib, archive, "cannot unpack", error);
	if ((lib->format(archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR)
		return 1;
	return read_all(lib, archive, t, error);
}

int pr_decompress(
	const char *data, size_t size, char **ret, size_t *ret_size, struct pr_import_error *error)
{
	struct pr_libarchive lib;
	struct archive *archive;
	struct pr_text t = { 0 };
	int r = pr_libarchive_load(&lib, error);

	if (r < 0)
		return r;
	r = pr_libarchive_open(&lib, data, size, true, &archive, error);
	if (r == 0) {
		r = read_file(&lib, archive, &t, error);
		(void)lib.read_free(archive); /* only read from */
	}
	if (r == 0 && pr_text_take(&t, ret, ret_size) < 0)
		r = pr_import_no_memory(error);
	pr_text_deinit(&t);
	pr_libarchive_unload(&lib);
	return r;
}

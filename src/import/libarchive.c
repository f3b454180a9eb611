/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading libarchive, and opening what is read with it. */
#include "import/libarchive.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/macros.h"

#define LIBARCHIVE "libarchive.so.13" /* its name since 3.0 */

#define SYMBOL(field, name)                                            \
	{                                                              \
		offsetof(struct pr_libarchive, field), "archive_" name \
	}
static const struct {
	size_t offset;
	const char *name;
} symbols[] = {
	SYMBOL(read_new, "read_new"),
	SYMBOL(read_free, "read_free"),
	SYMBOL(filter_gzip, "read_support_filter_gzip"),
	SYMBOL(filter_xz, "read_support_filter_xz"),
	SYMBOL(filter_zstd, "read_support_filter_zstd"),
	SYMBOL(filter_bzip2, "read_support_filter_bzip2"),
	SYMBOL(format_tar, "read_support_format_tar"),
	SYMBOL(format_raw, "read_support_format_raw"),
	SYMBOL(format, "format"),
	SYMBOL(open_memory, "read_open_memory"),
	SYMBOL(next_header, "read_next_header"),
	SYMBOL(read_data, "read_data"),
	SYMBOL(error_string, "error_string"),
	SYMBOL(pathname, "entry_pathname"),
	SYMBOL(filetype, "entry_filetype"),
	SYMBOL(symlink, "entry_symlink"),
	SYMBOL(hardlink, "entry_hardlink"),
};

int pr_libarchive_load(struct pr_libarchive *ret, struct pr_import_error *error)
{
	struct pr_libarchive lib = { .handle = dlopen(LIBARCHIVE, RTLD_NOW | RTLD_LOCAL) };
	void *symbol = lib.handle;
	int r;

	for (size_t i = 0; symbol && i < ARRAY_SIZE(symbols); i++) {
		symbol = dlsym(lib.handle, symbols[i].name);
		memcpy((char *)&lib + symbols[i].offset, &symbol, sizeof(symbol));
	}
	if (symbol) {
		*ret = lib;
		return 0;
	}
	r = pr_import_fail(error, -ENOSYS,
		"archives cannot be read without " LIBARCHIVE
		" (%s); unpack it and give the directory",
		dlerror());
	pr_libarchive_unload(&lib); /* only now: it forgets what dlerror() says */
	return r;
}

void pr_libarchive_unload(struct pr_libarchive *lib)
{
	if (lib->handle)
		(void)dlclose(lib->handle); /* nothing can be done about it here */
	lib->handle = NULL;
}

int pr_libarchive_fail(const struct pr_libarchive *lib, struct archive *archive, const char *what,
	struct pr_import_error *error)
{
	const char *why = lib->error_string(archive);

	return pr_import_fail(error, -EBADMSG, "%s: %s", what, why ? why : "damaged");
}

int pr_libarchive_open(const struct pr_libarchive *lib, const char *data, size_t size, bool raw,
	struct archive **ret, struct pr_import_error *error)
{
	struct archive *archive = lib->read_new();
	int r;

	if (!archive)
		return pr_import_no_memory(error);
	if (lib->filter_gzip(archive) >= ARCHIVE_WARN && lib->filter_xz(archive) >= ARCHIVE_WARN &&
		lib->filter_zstd(archive) >= ARCHIVE_WARN &&
		lib->filter_bzip2(archive) >= ARCHIVE_WARN &&
		lib->format_tar(archive) == ARCHIVE_OK &&
		(!raw || lib->format_raw(archive) == ARCHIVE_OK) &&
		lib->open_memory(archive, data, size) == ARCHIVE_OK) {
		*ret = archive;
		return 0;
	}
	r = pr_libarchive_fail(lib, archive, "cannot unpack", error);
	(void)lib->read_free(archive); /* nothing was read */
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of libarchive that are used, loaded when an archive is read
 * and not before: it brings libraries of 40 MB along, which the daemon and a
 * machine without archives shall not pay for.
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "import/error.h"

struct pr_libarchive {
	void *handle;
	__typeof__(archive_read_new) *read_new;
	__typeof__(archive_read_free) *read_free;
	__typeof__(archive_read_support_filter_gzip) *filter_gzip;
	__typeof__(archive_read_support_filter_xz) *filter_xz;
	__typeof__(archive_read_support_filter_zstd) *filter_zstd;
	__typeof__(archive_read_support_filter_bzip2) *filter_bzip2;
	__typeof__(archive_read_support_format_tar) *format_tar;
	__typeof__(archive_read_support_format_raw) *format_raw;
	__typeof__(archive_format) *format;
	__typeof__(archive_read_open_memory) *open_memory;
	__typeof__(archive_read_next_header) *next_header;
	__typeof__(archive_read_data) *read_data;
	__typeof__(archive_error_string) *error_string;
	__typeof__(archive_entry_pathname) *pathname;
	__typeof__(archive_entry_filetype) *filetype;
	__typeof__(archive_entry_symlink) *symlink;
	__typeof__(archive_entry_hardlink) *hardlink;
};

/* 0, or -ENOSYS with @error. */
int pr_libarchive_load(struct pr_libarchive *ret, struct pr_import_error *error);
void pr_libarchive_unload(struct pr_libarchive *lib);

/*
 * Bytes in memory as a tar file, compressed or not; with @raw, what is compressed may also be any
 * one file.  0 and @ret for lib->read_free(), or negative errno with @error.
 */
int pr_libarchive_open(const struct pr_libarchive *lib, const char *data, size_t size, bool raw,
	struct archive **ret, struct pr_import_error *error);
/* "what: why" with what the library says. */
int pr_libarchive_fail(const struct pr_libarchive *lib, struct archive *archive, const char *what,
	struct pr_import_error *error);

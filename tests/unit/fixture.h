/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file tree in a temporary directory: a root with sys/ and proc/ for code
 * that takes the root as an argument.  Paths are relative to it; directories
 * on the way are made.  Anything that goes wrong here ends the test with a
 * message: a broken fixture must never look like a passed test.  libc only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fixture;

/* Below $TMPDIR, or /tmp. */
struct fixture *fixture_new(void);
/* Removes the tree.  NULL is fine. */
void fixture_free(struct fixture *f);
/* Absolute path of the root, without a slash at the end. */
const char *fixture_root(const struct fixture *f);
/* Absolute path of @path below the root; lives until fixture_free(). */
const char *fixture_path(struct fixture *f, const char *path);

/* A string of the test's own that lives as long. */
const char *fixture_printf(struct fixture *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void fixture_dir(struct fixture *f, const char *path);
/* Makes the file, or replaces what it holds. */
void fixture_file(struct fixture *f, const char *path, const char *text);
void fixture_bytes(struct fixture *f, const char *path, const void *data, size_t n);
/* Symbolic link at @path with the text @target; need not lead anywhere. */
void fixture_link(struct fixture *f, const char *path, const char *target);
/* Removes one file, link or empty directory. */
void fixture_unlink(struct fixture *f, const char *path);
void fixture_chmod(struct fixture *f, const char *path, unsigned int mode);
/* What the file holds now; NUL-terminated, @ret_n may be NULL, lives until fixture_free(). */
const char *fixture_read(struct fixture *f, const char *path, size_t *ret_n);

/*
 * One row each; the last row has no path.  @target set: a link; else @text: a file; else a
 * directory.
 */
struct fixture_entry {
	const char *path, *text, *target;
};
void fixture_fill(struct fixture *f, const struct fixture_entry *entries);

/* ---- PCI functions, laid out as Linux has them ---- */

/*
 * One function.  Its directory is sys/devices/@path (the last component of
 * which is its address, as in "pci0000:00/0000:00:02.0"), and a link of that
 * name is made in sys/bus/pci/devices.
 */
struct fixture_function {
	const char *path;
	const void *config; /* NULL: no `config` file */
	size_t config_length;
	const char *resource; /* contents of `resource`; NULL: no such file */
	const char *driver; /* NULL: unbound; else `driver` links to sys/bus/pci/drivers/@driver */
};
void fixture_function(struct fixture *f, const struct fixture_function *function);

/*
 * `config` of the function at @address as the bytes of @hex (pairs of digits, blanks between them
 * ignored).
 */
void fixture_config(struct fixture *f, const char *address, const char *hex);
/* The same from bytes. */
void fixture_config_bytes(struct fixture *f, const char *address, const void *data, size_t n);

/* Configuration header fields, for tests that build one from nothing: little-endian stores. */
void fixture_put16(uint8_t *config, size_t offset, uint16_t value);
void fixture_put32(uint8_t *config, size_t offset, uint32_t value);

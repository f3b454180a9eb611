/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fake machines in a temporary directory; see fixture.h.  libc only, so that
 * the tests of every layer can link it.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Strings handed out, freed with the fixture. */
struct note {
	struct note *next;
	char text[];
};

struct fixture {
	char *root;
	struct note *notes;
};

/* Exit status 99 is a hard error to automake's TAP driver: the whole test counts as broken. */
static _Noreturn void broken(const char *what, const char *path)
{
	(void)fprintf(stderr, "Bail out! fixture: cannot %s %s: %s\n", what, path, strerror(errno));
	exit(99);
}

static void *note_new(struct fixture *f, size_t size)
{
	struct note *n = calloc(1, sizeof(*n) + size + 1);

	if (!n)
		broken("allocate for", f->root);
	n->next = f->notes;
	f->notes = n;
	return n->text;
}

struct fixture *fixture_new(void)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || asprintf(&f->root, "%s/pciroom-fixture-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0)
		broken("allocate", "root");
	if (!mkdtemp(f->root))
		broken("make", f->root);
	return f;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	if (remove(path) < 0)
		broken("remove", path);
	return 0;
}

/* nftw() cannot look into directories that a test closed. */
static int open_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if ((type == FTW_D || type == FTW_DNR) && (st->st_mode & S_IRWXU) != S_IRWXU)
		(void)chmod(path, S_IRWXU); /* removal reports it when this did not help */
	return 0;
}

void fixture_free(struct fixture *f)
{
	if (!f)
		return;
	if (nftw(f->root, open_entry, 16, FTW_PHYS) < 0 ||
		nftw(f->root, remove_entry, 16, FTW_PHYS | FTW_DEPTH) < 0)
		broken("walk", f->root);
	for (struct note *n = f->notes, *next; n; n = next) {
		next = n->next;
		free(n);
	}
	free(f->root);
	free(f);
}

const char *fixture_root(const struct fixture *f)
{
	return f->root;
}

const char *fixture_path(struct fixture *f, const char *path)
{
	size_t size = strlen(f->root) + strlen(path) + 2;
	char *text = note_new(f, size);

	(void)snprintf(text, size, "%s/%s", f->root, path);
	return text;
}

static void make_dirs(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			broken("make directory", path);
		*p = '/';
	}
}

/* Absolute path whose directories exist. */
static const char *make_way(struct fixture *f, const char *path)
{
	char *full = (char *)fixture_path(f, path); /* ours: note_new() made it */

	make_dirs(full);
	return full;
}

void fixture_dir(struct fixture *f, const char *path)
{
	const char *full = make_way(f, path);

	if (mkdir(full, 0755) < 0 && errno != EEXIST)
		broken("make directory", full);
}

void fixture_bytes(struct fixture *f, const char *path, const void *data, size_t n)
{
	const char *full = make_way(f, path);
	FILE *file = fopen(full, "we");

	if (!file || fwrite(data, 1, n, file) != n || fclose(file) != 0)
		broken("write", full);
}

void fixture_file(struct fixture *f, const char *path, const char *text)
{
	fixture_bytes(f, path, text, strlen(text));
}

void fixture_link(struct fixture *f, const char *path, const char *target)
{
	const char *full = make_way(f, path);

	if (symlink(target, full) < 0)
		broken("link", full);
}

void fixture_unlink(struct fixture *f, const char *path)
{
	const char *full = fixture_path(f, path);

	if (remove(full) < 0)
		broken("remove", full);
}

void fixture_chmod(struct fixture *f, const char *path, unsigned int mode)
{
	const char *full = fixture_path(f, path);

	if (chmod(full, (mode_t)mode) < 0)
		broken("change mode of", full);
}

const char *fixture_read(struct fixture *f, const char *path, size_t *ret_n)
{
	const char *full = fixture_path(f, path);
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		broken("open", full);
	text = note_new(f, (size_t)st.st_size);
	n = read(fd, text, (size_t)st.st_size);
	if (n != st.st_size || close(fd) < 0)
		broken("read", full);
	if (ret_n)
		*ret_n = (size_t)n;
	return text;
}

void fixture_fill(struct fixture *f, const struct fixture_entry *entries)
{
	for (const struct fixture_entry *e = entries; e->path; e++) {
		if (e->target)
			fixture_link(f, e->path, e->target);
		else if (e->text)
			fixture_file(f, e->path, e->text);
		else
			fixture_dir(f, e->path);
	}
}

const char *fixture_printf(struct fixture *f, const char *format, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		broken("format", format);
	text = note_new(f, (size_t)n + 1);
	va_start(ap, format);
	(void)vsnprintf(text, (size_t)n + 1, format, ap);
	va_end(ap);
	return text;
}

void fixture_function(struct fixture *f, const struct fixture_function *function)
{
	const char *slash = strrchr(function->path, '/');
	const char *address = slash ? slash + 1 : function->path;
	const char *dir = fixture_printf(f, "sys/devices/%s", function->path);

	fixture_dir(f, dir);
	fixture_link(f, fixture_printf(f, "sys/bus/pci/devices/%s", address),
		fixture_printf(f, "../../../devices/%s", function->path));
	if (function->config)
		fixture_bytes(f, fixture_printf(f, "%s/config", dir), function->config,
			function->config_length);
	if (function->resource)
		fixture_file(f, fixture_printf(f, "%s/resource", dir), function->resource);
	if (function->driver) {
		fixture_dir(f, fixture_printf(f, "sys/bus/pci/drivers/%s", function->driver));
		fixture_link(f, fixture_printf(f, "%s/driver", dir),
			fixture_path(
				f, fixture_printf(f, "sys/bus/pci/drivers/%s", function->driver)));
	}
}

void fixture_config_bytes(struct fixture *f, const char *address, const void *data, size_t n)
{
	fixture_bytes(f, fixture_printf(f, "sys/bus/pci/devices/%s/config", address), data, n);
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

void fixture_config(struct fixture *f, const char *address, const char *hex)
{
	uint8_t bytes[4096];
	size_t n = 0;

	for (const char *p = hex; *p; p += 2) {
		while (*p == ' ' || *p == '\n' || *p == '\t')
			p++;
		if (!*p)
			break;
		if (digit(p[0]) < 0 || digit(p[1]) < 0 || n == sizeof(bytes)) {
			errno = EINVAL;
			broken("read the bytes of", address);
		}
		bytes[n++] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
	}
	fixture_config_bytes(f, address, bytes, n);
}

void fixture_put16(uint8_t *config, size_t offset, uint16_t value)
{
	config[offset] = (uint8_t)(value & 0xff);
	config[offset + 1] = (uint8_t)(value >> 8);
}

void fixture_put32(uint8_t *config, size_t offset, uint32_t value)
{
	fixture_put16(config, offset, (uint16_t)(value & 0xffff));
	fixture_put16(config, offset + 2, (uint16_t)(value >> 16));
}

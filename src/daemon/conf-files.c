/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which configuration files count, and in what order: the directories' *.yaml,
 * the last directory winning a name, then by name.  The language of a file is
 * conf.c's.
 */
#include "daemon/conf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"

struct file {
	const char *directory; /* borrowed */
	char *name;
};
struct files {
	struct file *list;
	size_t n;
};

static void files_deinit(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->list[i].name);
	free(f->list);
}

static int files_put(struct files *f, const char *directory, const char *name)
{
	struct file *grown;

	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->list[i].name, name) == 0) {
			f->list[i].directory = directory;
			return 0;
		}
	}
	grown = reallocarray(f->list, f->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	f->list = grown;
	f->list[f->n] = (struct file){ directory, strdup(name) };
	return f->list[f->n].name ? (f->n++, 0) : -ENOMEM;
}

/* Hidden files and what an editor or package manager leaves beside a file are no configuration. */
static bool is_configuration(const char *name)
{
	size_t length = strlen(name), suffix = strlen(".yaml");

	return name[0] != '.' && length > suffix && strcmp(name + length - suffix, ".yaml") == 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d); /* only read from */
}

static int files_read(struct files *f, const char *directory)
{
	_cleanup_(closedirp) DIR *d = opendir(directory);
	const struct dirent *e;
	int r;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (errno = 0, (e = readdir(d))) {
		if (!is_configuration(e->d_name))
			continue;
		r = files_put(f, directory, e->d_name);
		if (r < 0)
			return r;
	}
	return -errno;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static int fail_errno(struct pr_conf_error *error, const char *name, int r)
{
	if (r == -ENOMEM)
		return r;
	(void)snprintf(error->text, sizeof(error->text), "%s: %s", name,
		r == -EFBIG ? "too large for a configuration file" : strerror(-r));
	return 1;
}

static int parse_path(struct pr_conf *c, const char *path, struct pr_conf_error *error)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = pr_read_file_at(AT_FDCWD, path, PR_CONF_FILE_MAX, &text, &size);
	if (r < 0)
		return fail_errno(error, path, r);
	return pr_conf_parse(c, path, text, size, error);
}

static int parse_file(struct pr_conf *c, const struct file *file, struct pr_conf_error *error)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", file->directory, file->name) < 0)
		return -ENOMEM;
	return parse_path(c, path, error);
}

static int load(struct files *f, const char *const *directories, size_t n, struct pr_conf *c,
	struct pr_conf_error *error)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		r = files_read(f, directories[i]);
		if (r < 0)
			return fail_errno(error, directories[i], r);
	}
	if (f->n > 0)
		qsort(f->list, f->n, sizeof(*f->list), by_name);
	for (size_t i = 0; i < f->n; i++) {
		r = parse_file(c, &f->list[i], error);
		if (r != 0)
			return r;
	}
	return 0;
}

int pr_conf_load(
	const char *const *directories, size_t n, struct pr_conf *ret, struct pr_conf_error *error)
{
	struct files f = { 0 };
	struct pr_conf c;
	int r;

	pr_conf_init(&c);
	r = load(&f, directories, n, &c, error);
	files_deinit(&f);
	if (r != 0) {
		pr_conf_deinit(&c);
		return r;
	}
	*ret = c;
	return 0;
}

int pr_conf_load_files(
	const char *const *paths, size_t n, struct pr_conf *ret, struct pr_conf_error *error)
{
	struct pr_conf c;
	int r = 0;

	pr_conf_init(&c);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = parse_path(&c, paths[i], error);
	if (r == 0)
		*ret = c;
	else
		pr_conf_deinit(&c);
	return r;
}

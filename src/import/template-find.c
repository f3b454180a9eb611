/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates in files: where they are, and those that they name themselves. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "import/template-private.h"

#define SUFFIX ".yaml"

/* Malloc'ed contents of the first file of that name on the shelf; @ret_file as well. */
static int read_named(const struct pr_template_shelf *shelf, const char *name, char **ret,
	size_t *ret_size, char **ret_file)
{
	int r = -ENOENT;

	for (size_t i = 0; i < shelf->n && r == -ENOENT; i++) {
		char *file;

		if (asprintf(&file, "%s/%s" SUFFIX, shelf->directories[i], name) < 0)
			return -ENOMEM;
		r = pr_read_file_at(AT_FDCWD, file, PR_TEMPLATE_BYTES_MAX, ret, ret_size);
		if (r == -ENOENT)
			free(file);
		else
			*ret_file = file;
	}
	return r;
}

/* An error of another file, told at the place that names it. */
static int fail_inside(struct pr_template_load *load, struct pr_yaml *y, int r, const char *file,
	const struct pr_import_error *inner)
{
	const char *text = inner->text[0] ? inner->text : strerror(-r);
	unsigned int line = y->line, column = y->column;

	if (load->told)
		return pr_import_fail_at(y->error, r, line, column, "%s", text);
	load->told = true;
	if (inner->line == 0)
		return pr_import_fail_at(y->error, r, line, column, "%s: %s", file, text);
	return pr_import_fail_at(
		y->error, r, line, column, "%s:%u:%u: %s", file, inner->line, inner->column, text);
}

static int parse_named(struct pr_template_load *load, struct pr_yaml *y, const char *file,
	const char *text, size_t size, struct pr_template **ret)
{
	struct pr_import_error inner = { .text = "" };
	int r;

	if (++load->depth > PR_TEMPLATE_DEPTH)
		return pr_yaml_fail(
			y, "templates name each other more than %d levels deep", PR_TEMPLATE_DEPTH);
	r = pr_template_parse(load, text, size, ret, &inner);
	load->depth--;
	return r < 0 ? fail_inside(load, y, r, file, &inner) : 0;
}

int pr_template_load_named(struct pr_template_load *load, struct pr_yaml *y, const char *name,
	struct pr_template **ret)
{
	_cleanup_free_ char *text = NULL, *file = NULL;
	struct pr_import_error none = { .text = "" };
	size_t size;
	int r;

	if (!pr_template_name_valid(name))
		return pr_yaml_fail(y, "\"%s\" is no name of a template", name);
	r = read_named(load->shelf, name, &text, &size, &file);
	if (r == -ENOENT)
		return pr_import_fail_at(
			y->error, r, y->line, y->column, "there is no template %s", name);
	if (r < 0)
		return fail_inside(load, y, r, file ? file : name, &none);
	return parse_named(load, y, file, text, size, ret);
}

int pr_template_read(const char *text, size_t size, const struct pr_template_shelf *shelf,
	struct pr_template **ret, struct pr_import_error *error)
{
	struct pr_template_load load = { .shelf = shelf };
	struct pr_template *t;
	int r;

	if (size > PR_TEMPLATE_BYTES_MAX)
		return pr_import_fail(error, -EFBIG, "no template is that large");
	load.arena = pr_arena_new();
	if (!load.arena)
		return pr_import_no_memory(error);
	r = pr_template_parse(&load, text, size, &t, error);
	if (r < 0) {
		pr_arena_free(load.arena);
		return r;
	}
	t->arena = load.arena;
	*ret = t;
	return 0;
}

static bool is_file(const char *name)
{
	size_t n = strlen(name), suffix = strlen(SUFFIX);

	return strchr(name, '/') || (n > suffix && strcmp(name + n - suffix, SUFFIX) == 0);
}

int pr_template_load(const char *name, const struct pr_template_shelf *shelf,
	struct pr_template **ret, char **ret_file, struct pr_import_error *error)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	*ret_file = NULL;
	if (is_file(name)) {
		*ret_file = strdup(name);
		r = !*ret_file
			    ? -ENOMEM
			    : pr_read_file_at(AT_FDCWD, name, PR_TEMPLATE_BYTES_MAX, &text, &size);
	} else {
		r = pr_template_name_valid(name) ? read_named(shelf, name, &text, &size, ret_file)
						 : -ENOENT;
	}
	if (r == -ENOENT)
		return pr_import_fail(error, r, "there is no template %s", name);
	if (r < 0)
		return pr_import_fail(error, r, "%s", strerror(-r));
	return pr_template_read(text, size, shelf, ret, error);
}

/* ---- all of them ---- */

struct names {
	char **list;
	size_t n;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct names *names, const char *file)
{
	size_t n = strlen(file), suffix = strlen(SUFFIX);
	char **grown, *name;

	if (n <= suffix || file[0] == '.' || strcmp(file + n - suffix, SUFFIX) != 0)
		return 0;
	name = strndup(file, n - suffix);
	grown = name ? reallocarray(names->list, names->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(name);
		return -ENOMEM;
	}
	names->list = grown;
	names->list[names->n++] = name;
	return 0;
}

static int add_directory(struct names *names, const char *directory)
{
	DIR *d = opendir(directory);
	struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (errno = 0, e = readdir(d)))
		r = add_name(names, e->d_name);
	if (r == 0)
		r = -errno;
	(void)closedir(d); /* only read */
	return r;
}

static void sort_names(struct names *names)
{
	size_t n = 0;

	if (names->n > 1)
		qsort(names->list, names->n, sizeof(*names->list), compare_names);
	for (size_t i = 0; i < names->n; i++) {
		if (n > 0 && strcmp(names->list[n - 1], names->list[i]) == 0)
			free(names->list[i]);
		else
			names->list[n++] = names->list[i];
	}
	names->n = n;
}

int pr_template_names(const struct pr_template_shelf *shelf, char ***ret, size_t *ret_n)
{
	struct names names = { 0 };
	int r = 0;

	for (size_t i = 0; i < shelf->n && r == 0; i++)
		r = add_directory(&names, shelf->directories[i]);
	if (r < 0) {
		while (names.n > 0)
			free(names.list[--names.n]);
		free(names.list);
		return r;
	}
	sort_names(&names);
	*ret = names.list;
	*ret_n = names.n;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/guard-list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/text.h"

#define NAME           "guarded"
#define NAME_NEW       "guarded.new"
#define SIZE_MAX_BYTES (64u << 10)

void pr_guard_list_deinit(struct pr_guard_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->paths[i]);
	free(l->paths);
	*l = (struct pr_guard_list){ 0 };
}

static size_t find(const struct pr_guard_list *l, const char *path)
{
	size_t i = 0;

	while (i < l->n && strcmp(l->paths[i], path) != 0)
		i++;
	return i;
}

bool pr_guard_list_has(const struct pr_guard_list *l, const char *path)
{
	return find(l, path) < l->n;
}

int pr_guard_list_add(struct pr_guard_list *l, const char *path)
{
	char **grown;

	if (pr_guard_list_has(l, path))
		return 0;
	grown = reallocarray(l->paths, l->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->paths = grown;
	l->paths[l->n] = strdup(path);
	if (!l->paths[l->n])
		return -ENOMEM;
	l->n++;
	return 0;
}

void pr_guard_list_drop(struct pr_guard_list *l, const char *path)
{
	size_t i = find(l, path);

	if (i == l->n)
		return;
	free(l->paths[i]);
	l->n--;
	memmove(&l->paths[i], &l->paths[i + 1], (l->n - i) * sizeof(*l->paths));
}

/* Every line is whole, or the file is not one of ours. */
static int parse(char *text, size_t n, struct pr_guard_list *ret)
{
	char *line = text, *end;
	int r = 0;

	if (memchr(text, '\0', n) || (n > 0 && text[n - 1] != '\n'))
		return -EBADMSG;
	for (; *line && r == 0; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		r = *line ? pr_guard_list_add(ret, line) : -EBADMSG;
	}
	return r;
}

int pr_guard_list_read(const char *directory, struct pr_guard_list *ret)
{
	_cleanup_close_ int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct pr_guard_list l = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t n = 0;
	int r;

	r = fd < 0 ? -errno : pr_read_file_at(fd, NAME, SIZE_MAX_BYTES, &text, &n);
	if (r == 0)
		r = parse(text, n, &l);
	if (r < 0 && r != -ENOENT) {
		pr_guard_list_deinit(&l);
		return r;
	}
	*ret = l;
	return 0;
}

static int write_synced(int directory, const char *text, size_t n)
{
	_cleanup_close_ int fd =
		openat(directory, NAME_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = pr_write_all(fd, text, n);
	return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

int pr_guard_list_write(const char *directory, const struct pr_guard_list *l)
{
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct pr_text t = { 0 };
	size_t n;
	int r;

	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < l->n; i++)
		pr_text_printf(&t, "%s\n", l->paths[i]);
	r = pr_text_take(&t, &text, &n);
	if (r == 0)
		r = write_synced(fd, text, n);
	if (r < 0)
		return r;
	return renameat(fd, NAME_NEW, fd, NAME) < 0 || fsync(fd) < 0 ? -errno : 0;
}

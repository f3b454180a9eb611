/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/text.h"

/* As run-parts(8): what packagers and editors leave behind has a dot or a tilde. */
static bool name_valid(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t n = strspn(name, allowed);

	return n > 0 && n < PR_HOOK_NAME_MAX && name[n] == '\0';
}

static bool is_ours_alone(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static bool has_name(const struct pr_hooks *hooks, const char *name)
{
	for (size_t i = 0; i < hooks->n; i++)
		if (strcmp(hooks->list[i].name, name) == 0)
			return true;

	return false;
}

static bool is_null_device(const struct stat *st)
{
	struct stat null;

	return stat("/dev/null", &null) == 0 && S_ISCHR(st->st_mode) && st->st_rdev == null.st_rdev;
}

/* ---- its own deadline ---- */

#define DEADLINE_KEY "pciroom-deadline:"
#define HEAD_MAX     4096

/* The word behind the key in a comment of a script; NULL: there is none. */
static char *find_deadline(char *text)
{
	char *save = NULL;

	if (strncmp(text, "#!", 2) != 0)
		return NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line != '#')
			continue;
		line += strspn(line, "# \t");
		if (strncmp(line, DEADLINE_KEY, strlen(DEADLINE_KEY)) != 0)
			continue;
		line += strlen(DEADLINE_KEY);
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r")] = '\0';
		return line;
	}

	return NULL;
}

static void read_deadline(int directory, const char *where, struct pr_hook *hook)
{
	_cleanup_close_ int fd = openat(directory, hook->name, O_RDONLY | O_CLOEXEC);
	char text[HEAD_MAX + 1], *word;
	ssize_t n = fd < 0 ? -1 : read(fd, text, HEAD_MAX);
	uint64_t seconds;

	if (n <= 0)
		return; /* a program that can only be run is no script */
	text[n] = '\0';
	word = find_deadline(text);
	if (!word)
		return;
	if (pr_parse_u64(word, 10, &seconds) < 0 || seconds == 0 ||
		seconds > PR_HOOK_DEADLINE_MAX_S) {
		fprintf(stderr, "%s/%s: \"%s\" is no deadline from 1 to %d seconds\n", where,
			hook->name, word, PR_HOOK_DEADLINE_MAX_S);
		return;
	}

	hook->deadline_ms = (unsigned int)seconds * 1000;
}

static int add(struct pr_hooks *ret, int directory, const char *where, const char *name)
{
	struct pr_hook *hook = &ret->list[ret->n];
	struct stat st;

	if (!name_valid(name) || has_name(ret, name))
		return 0;
	if (ret->n == PR_HOOKS_MAX)
		return -E2BIG;
	if (fstatat(directory, name, &st, 0) < 0)
		return errno == ENOENT ? 0 : -errno; /* a link that leads nowhere */
	/* a hidden one keeps its place in the list, without a path, until all are found */
	*hook = (struct pr_hook){ 0 };
	memcpy(hook->name, name, strlen(name) + 1); /* checked above */
	if (is_null_device(&st)) {
		ret->n++;
		return 0;
	}
	if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
		return 0;
	if (!is_ours_alone(&st)) {
		fprintf(stderr, "%s/%s: others than root may write to it; it is not run\n", where,
			name);
		return 0;
	}
	if (snprintf(hook->path, sizeof(hook->path), "%s/%s", where, name) >=
		(int)sizeof(hook->path))
		return -ENAMETOOLONG;

	read_deadline(directory, where, hook);
	ret->n++;
	return 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d); /* nothing was written */
}

static int add_directory(struct pr_hooks *ret, const char *where)
{
	_cleanup_(closedirp) DIR *directory = opendir(where);
	struct dirent *entry;
	struct stat st;
	int r = 0;

	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(dirfd(directory), &st) < 0)
		return -errno;
	if (!is_ours_alone(&st)) {
		fprintf(stderr, "%s: others than root may write to it; nothing of it is run\n",
			where);
		return 0;
	}
	while (r == 0 && (entry = readdir(directory)))
		r = add(ret, dirfd(directory), where, entry->d_name);

	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pr_hook *)a)->name, ((const struct pr_hook *)b)->name);
}

int pr_hooks_find(const char *const *directories, size_t n, struct pr_hooks *ret)
{
	size_t kept = 0;
	int r;

	ret->n = 0;
	for (size_t i = 0; i < n; i++) {
		r = add_directory(ret, directories[i]);
		if (r < 0)
			return r;
	}

	for (size_t i = 0; i < ret->n; i++)
		if (*ret->list[i].path)
			ret->list[kept++] = ret->list[i];
	ret->n = kept;
	qsort(ret->list, ret->n, sizeof(ret->list[0]), by_name);
	return 0;
}

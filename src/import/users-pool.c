/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of pools: devices that the kernel uses without being their holder,
 * so that only the label on them tells (ZFS, DRBD).  Labels come from udev's
 * database, which has read every device once: reading them again would wake
 * disks, and hang on one that is dead.
 */
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "import/users-finder.h"

#define RECORD_MAX ((size_t)1 << 20)

/* Types of signatures (libblkid), and what they make of a device. */
static const struct pool_kind {
	const char *signature, *name;
	const char *mount_type; /* of file systems that name the pool as their source */
} pool_kinds[] = {
	{ "zfs_member", "ZFS pool", "zfs" },
	{ "drbd", "DRBD", NULL },
};

/* "E:KEY=value" of a record; the value runs to the end of the line. */
static const char *record_value(const struct pr_finder *f, const char *record, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = record; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, "E:", 2) == 0 && strncmp(p + 2, key, n) == 0 && p[2 + n] == '=')
			return pr_arena_printf(
				f->sysfs->arena, "%.*s", (int)strcspn(p + 3 + n, "\n"), p + 3 + n);
	}

	return NULL;
}

static const struct pool_kind *kind_of(const char *signature)
{
	for (size_t i = 0; signature && i < ARRAY_SIZE(pool_kinds); i++)
		if (strcmp(signature, pool_kinds[i].signature) == 0)
			return &pool_kinds[i];

	return NULL;
}

/* The dataset "tank/home" is in the pool "tank". */
static bool is_of_pool(const struct pr_mount *m, const struct pool_kind *kind, const char *pool)
{
	size_t n = strlen(pool);

	return kind->mount_type && strcmp(m->type, kind->mount_type) == 0 &&
	       strncmp(m->source, pool, n) == 0 && (m->source[n] == '/' || m->source[n] == '\0');
}

/* The root file system above all; else the first. */
static const struct pr_mount *mount_of_pool(
	const struct pr_finder *f, const struct pool_kind *kind, const char *pool)
{
	const struct pr_mount *found = NULL;

	for (size_t i = 0; i < f->n_mounts; i++)
		if (is_of_pool(&f->mounts[i], kind, pool) &&
			(!found || strcmp(f->mounts[i].target, "/") == 0))
			found = &f->mounts[i];

	return found;
}

static int use_member(
	struct pr_finder *f, struct pr_block *b, const struct pool_kind *kind, const char *label)
{
	const char *pool = label && *label ? label : "(name unknown)";
	const struct pr_mount *m = label ? mount_of_pool(f, kind, label) : NULL;
	const char *begin, *user = "pool";

	if (m) {
		user = strcmp(m->target, "/") == 0 ? "root" : "mount";
		begin = pr_arena_printf(
			f->sysfs->arena, "mounted %s on %s %s", m->target, kind->name, pool);
	} else {
		begin = pr_arena_printf(f->sysfs->arena, "member of %s %s", kind->name, pool);
	}
	return begin ? pr_block_use(f, b, user, begin, " on ")
		     : pr_import_no_memory(f->sysfs->error);
}

static int look_at(struct pr_finder *f, struct pr_block *b)
{
	_cleanup_free_ char *record = NULL;
	const struct pool_kind *kind;
	char path[PR_USERS_PATH_SIZE];

	if (!b->has_number || !pr_path_format(path, "run/udev/data/b%u:%u", b->major, b->minor) ||
		pr_read_file_at(f->sysfs->root, path, RECORD_MAX, &record, NULL) < 0)
		return 0;
	kind = kind_of(record_value(f, record, "ID_FS_TYPE"));
	if (!kind)
		return 0;

	return use_member(f, b, kind, record_value(f, record, "ID_FS_LABEL"));
}

/* A disk, or part of one, that might be a member. */
static bool is_candidate(const struct pr_block *b)
{
	return !b->mounted && !b->held && !b->whole;
}

/* Rescue systems run without udev. */
static int without_records(struct pr_finder *f)
{
	for (size_t i = 0; i < f->n_blocks; i++)
		if (is_candidate(&f->blocks[i]) && f->blocks[i].has_function)
			return pr_found_unseen(f,
				pr_arena_strdup(f->sysfs->arena,
					"there are no records of udev, which would tell members of "
					"pools (ZFS)"));

	return 0;
}

int pr_pools_find(struct pr_finder *f)
{
	int r = 0;

	if (f->n_blocks > 0 && !pr_path_exists(f, "run/udev/data"))
		return without_records(f);
	for (size_t i = 0; r == 0 && i < f->n_blocks; i++)
		if (is_candidate(&f->blocks[i]))
			r = look_at(f, &f->blocks[i]);

	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounted file systems, swap, and what this program itself runs from and
 * writes to.  Bind mounts of a file system that is mounted as a whole add
 * nothing; neither do those of other mount namespaces.
 */
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "import/users-finder.h"

static void unref_tablep(struct libmnt_table **table)
{
	mnt_unref_table(*table);
}
static void free_iterp(struct libmnt_iter **iter)
{
	mnt_free_iter(*iter);
}
static void closep(FILE **file)
{
	if (*file)
		(void)fclose(*file); /* only read from */
}

/* ---- tables ---- */

/* What each line is given to. */
struct lines {
	struct pr_finder *f;
	const char *who; /* has the namespace; NULL: ours */
	int (*add)(const struct lines *l, struct libmnt_fs *fs);
};

/* libmount skips lines it cannot parse, unless told that this is the end. */
static int on_syntax_error(struct libmnt_table *table, const char *name, int line)
{
	return pr_import_fail_at(mnt_table_get_userdata(table), -EINVAL, (unsigned int)line, 0,
		"%s: line cannot be parsed", name);
}

static struct libmnt_table *table_new(const struct pr_finder *f)
{
	struct libmnt_table *table = mnt_new_table();

	if (table) {
		mnt_table_set_parser_errcb(table, on_syntax_error);
		mnt_table_set_userdata(table, f->sysfs->error);
	}
	return table;
}

static int each_entry(const struct lines *l, struct libmnt_table *table)
{
	_cleanup_(free_iterp) struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int r = 0;

	if (!iter)
		return pr_import_no_memory(l->f->sysfs->error);
	while (r == 0 && mnt_table_next_fs(table, iter, &fs) == 0)
		r = l->add(l, fs);

	return r;
}

/*
 * Reads @path with @parse.  No such file: nothing; one that may not be read is an error, as "nobody
 * uses it" would be a lie.
 */
static int each_line(
	const struct lines *l, const char *path, int (*parse)(struct libmnt_table *, const char *))
{
	_cleanup_(unref_tablep) struct libmnt_table *table = table_new(l->f);
	const struct pr_sysfs *s = l->f->sysfs;
	const char *root = l->f->source->root, *full;
	int r;

	full = pr_arena_printf(s->arena, "%s/%s", strcmp(root, "/") == 0 ? "" : root, path);
	if (!table || !full)
		return pr_import_no_memory(s->error);
	if (faccessat(s->root, path, R_OK, 0) < 0)
		return errno == ENOENT
			       ? 0
			       : pr_import_fail(s->error, -errno, "%s: %s", full, strerror(errno));
	(void)pr_import_fail(s->error, 0, "%s: cannot be read", full); /* unless a line is worse */
	r = parse(table, full);
	if (r != 0)
		return r < 0 ? r : -EIO;

	return each_entry(l, table);
}

/* ---- one mount ---- */

/* By its number; btrfs and others have numbers of their own, and name a device as their source. */
static struct pr_block *block_of(const struct pr_finder *f, struct libmnt_fs *fs)
{
	const char *source = mnt_fs_get_srcpath(fs);
	dev_t number = mnt_fs_get_devno(fs);
	struct pr_block *b = pr_block_by_number(f, major(number), minor(number));

	return b || !source ? b : pr_block_by_node(f, source);
}

/* Subvolumes of btrfs are no parts of another mount. */
static bool is_part(struct libmnt_fs *fs)
{
	const char *part = mnt_fs_get_root(fs), *type = mnt_fs_get_fstype(fs);

	return part && strcmp(part, "/") != 0 && !(type && strcmp(type, "btrfs") == 0);
}

static int keep(const struct lines *l, struct libmnt_fs *fs)
{
	const char *target = mnt_fs_get_target(fs), *source = mnt_fs_get_source(fs);
	const char *type = mnt_fs_get_fstype(fs);
	struct pr_finder *f = l->f;
	struct pr_mount m = { .block = block_of(f, fs), .part = is_part(fs) };
	int r;

	if (!target)
		return 0;
	m.target = pr_arena_strdup(f->sysfs->arena, target);
	m.source = pr_arena_strdup(f->sysfs->arena, source ? source : "");
	m.type = pr_arena_strdup(f->sysfs->arena, type ? type : "");
	if (!m.target || !m.source || !m.type)
		return pr_import_no_memory(f->sysfs->error);
	r = pr_users_grow(f->sysfs, &f->mounts, sizeof(*f->mounts), f->n_mounts, &f->max_mounts);
	if (r < 0)
		return r;

	f->mounts[f->n_mounts++] = m;
	return 0;
}

static const char *kind_of(const struct pr_mount *m)
{
	return strcmp(m->target, "/") == 0 ? "root" : "mount";
}

/*
 * btrfs on several disks names one of them as its source; the others are listed in sysfs.  Where
 * that one cannot be told (no node in our /dev), every btrfs that the kernel has open may be it.
 */
static int use_btrfs(struct pr_finder *f, const struct pr_mount *m, const char *begin)
{
	_cleanup_closedir_ DIR *systems = pr_path_dir(f, "sys/fs/btrfs");
	char path[PR_USERS_PATH_SIZE], member[PR_USERS_PATH_SIZE];
	int r = 0;

	for (const char *id; systems && (id = pr_path_next(systems));) {
		_cleanup_closedir_ DIR *devices = NULL;

		if (!pr_path_format(path, "sys/fs/btrfs/%s/devices", id))
			continue;
		if (m->block && (!pr_path_format(member, "%s/%s", path, m->block->name) ||
					!pr_path_exists(f, member)))
			continue;
		devices = pr_path_dir(f, path);
		for (const char *name; r == 0 && devices && (name = pr_path_next(devices));) {
			struct pr_block *b = pr_block_by_name(f, name);

			r = b ? pr_block_use(f, b, kind_of(m), begin, " on ") : 0;
		}
	}

	return r;
}

/* The types of file systems of other machines that one can boot from. */
static const char *const remote_types[] = { "nfs", "nfs4", "cifs", "smb3", "ceph", "9p", NULL };

static bool is_remote(const struct pr_mount *m)
{
	for (const char *const *type = remote_types; *type; type++)
		if (strcmp(m->type, *type) == 0)
			return true;

	return m->block && pr_block_is_remote(m->block, 0);
}

/* Which card leads there is the routes' business: every one with an address may. */
static int note_remote_root(struct pr_finder *f, const struct pr_mount *m)
{
	if (strcmp(m->target, "/") != 0 || !is_remote(m))
		return 0;
	f->remote_root = pr_arena_printf(f->sysfs->arena, "root file system on %s",
		m->block ? pr_block_title(f, m->block) : m->source);
	return f->remote_root ? 0 : pr_import_no_memory(f->sysfs->error);
}

static int use(struct pr_finder *f, const struct pr_mount *m, const char *where)
{
	const char *begin =
		pr_arena_printf(f->sysfs->arena, "mounted %s%s", m->target, where ? where : "");
	int r;

	if (!begin)
		return pr_import_no_memory(f->sysfs->error);
	if (m->block) {
		m->block->mounted = true;
		r = pr_block_use(f, m->block, kind_of(m), begin, " on ");
		if (r < 0)
			return r;
	}

	return strcmp(m->type, "btrfs") == 0 ? use_btrfs(f, m, begin) : 0;
}

/* Of mounts at one place, the later one hides the earlier: it comes behind. */
static int compare_target(const void *a, const void *b)
{
	const struct pr_mount *m = *(struct pr_mount *const *)a, *n = *(struct pr_mount *const *)b;
	int r = strcmp(m->target, n->target);

	return r ? r : (m > n) - (m < n);
}

static int sort_targets(struct pr_finder *f)
{
	f->targets = pr_new_array(f->sysfs->arena, f->n_mounts, struct pr_mount *);
	if (!f->targets)
		return pr_import_no_memory(f->sysfs->error);
	for (size_t i = 0; i < f->n_mounts; i++)
		f->targets[i] = &f->mounts[i];

	qsort(f->targets, f->n_mounts, sizeof(*f->targets), compare_target);
	return 0;
}

int pr_mounts_find(struct pr_finder *f)
{
	const struct lines l = { .f = f, .add = keep };
	int r;

	r = each_line(&l, "proc/self/mountinfo", mnt_table_parse_file);
	if (r == 0 && f->n_mounts > 0)
		r = sort_targets(f); /* for what lies behind loop devices */
	for (size_t i = 0; r == 0 && i < f->n_mounts; i++) {
		const struct pr_mount *m = &f->mounts[i];

		if (!m->part || !m->block || !m->block->mounted)
			r = use(f, m, NULL);
		if (r == 0)
			r = note_remote_root(f, m);
	}

	return r;
}

/* ---- other namespaces ---- */

static int add_elsewhere(const struct lines *l, struct libmnt_fs *fs)
{
	struct pr_mount m = {
		.target = mnt_fs_get_target(fs),
		.source = mnt_fs_get_source(fs),
		.type = mnt_fs_get_fstype(fs),
		.block = block_of(l->f, fs),
	};
	const char *where;

	if (!m.target || !m.type || !m.block || m.block->mounted)
		return 0;
	where = pr_arena_printf(l->f->sysfs->arena, " in the mount namespace of %s", l->who);
	return where ? use(l->f, &m, where) : pr_import_no_memory(l->f->sysfs->error);
}

int pr_mounts_elsewhere(struct pr_finder *f, char *text, const char *who)
{
	const struct lines l = { .f = f, .who = who, .add = add_elsewhere };
	_cleanup_(unref_tablep) struct libmnt_table *table = table_new(f);
	_cleanup_(closep) FILE *file = fmemopen(text, strlen(text), "r");
	int r;

	if (!table || !file)
		return pr_import_no_memory(f->sysfs->error);
	(void)pr_import_fail(f->sysfs->error, 0, "mountinfo of another namespace: cannot be read");
	r = mnt_table_parse_stream(table, file, "mountinfo of another namespace");
	if (r != 0)
		return r < 0 ? r : -EIO;

	return each_entry(&l, table);
}

/* ---- files ---- */

/* The last one mounted at @target hides the others; NULL. */
static const struct pr_mount *mount_at(const struct pr_finder *f, const char *target)
{
	size_t low = 0, high = f->n_mounts;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(f->targets[middle]->target, target) <= 0)
			low = middle + 1;
		else
			high = middle;
	}

	return low > 0 && strcmp(f->targets[low - 1]->target, target) == 0 ? f->targets[low - 1]
									   : NULL;
}

/* From the path upwards to the first directory that is a mount point. */
const struct pr_mount *pr_mount_of(const struct pr_finder *f, const char *path)
{
	const struct pr_mount *m;
	char prefix[PATH_MAX], *slash;

	if (path[0] != '/' || strlen(path) >= sizeof(prefix))
		return NULL;
	(void)strcpy(prefix, path); /* fits: tested above */
	while (!(m = mount_at(f, prefix)) && (slash = strrchr(prefix, '/')) && slash > prefix)
		*slash = '\0';

	return m ? m : mount_at(f, "/");
}

/* ---- swap ---- */

static int add_swap(const struct lines *l, struct libmnt_fs *fs)
{
	const char *source = mnt_fs_get_source(fs), *begin;
	struct pr_block *b = source ? pr_block_by_node(l->f, source) : NULL;
	const struct pr_mount *m;

	if (b)
		return pr_block_use(l->f, b, "swap", "swap", " on ");
	m = source ? pr_mount_of(l->f, source) : NULL;
	if (!m || !m->block)
		return 0;
	begin = pr_arena_printf(l->f->sysfs->arena, "swap on %s", source);
	return begin ? pr_block_use(l->f, m->block, "swap", begin, " on ")
		     : pr_import_no_memory(l->f->sysfs->error);
}

int pr_swap_find(struct pr_finder *f)
{
	const struct lines l = { .f = f, .add = add_swap };

	return each_line(&l, "proc/swaps", mnt_table_parse_swaps);
}

/* ---- ourselves ---- */

/* The root file system is pinned anyway. */
static int add_own(struct pr_finder *f, const char *path, const char *what)
{
	const struct pr_mount *m = path ? pr_mount_of(f, path) : NULL;
	const char *begin;

	if (!m || !m->block || strcmp(m->target, "/") == 0)
		return 0;
	begin = pr_arena_printf(f->sysfs->arena, "%s %s", what, path);
	return begin ? pr_block_use(f, m->block, "own", begin, " on ")
		     : pr_import_no_memory(f->sysfs->error);
}

int pr_own_find(struct pr_finder *f)
{
	char program[PATH_MAX];
	int r;

	r = add_own(f, f->source->state, "journal of pciroom in");
	if (r < 0)
		return r;

	return pr_path_link(f, "proc/self/exe", program) ? add_own(f, program, "program") : 0;
}

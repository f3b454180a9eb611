/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what is in use (mount table, swap, interfaces) down to the PCI
 * functions that serve it, through every layer of block devices: partitions,
 * and the `slaves` of dm and md, which mirror the `holders` below.  Finding
 * nothing proves nothing: callers treat a bound driver as a user unknown.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/text.h"
#include "import/users.h"

#define PATH_SIZE 512
/* Layers of block devices below a file system; the kernel stops stacking long before. */
#define LAYERS_MAX 16
#define IFF_UP_BIT 0x1u /* linux/if.h */

struct finder {
	const struct pr_sysfs *sysfs;
	struct pr_found_user *found;
};

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}
static void unref_tablep(struct libmnt_table **table)
{
	mnt_unref_table(*table);
}
static void free_iterp(struct libmnt_iter **iter)
{
	mnt_free_iter(*iter);
}
#define _cleanup_closedir_ _cleanup_(closedirp)

/* ---- results ---- */

static bool is_known(const struct finder *f, const struct pr_address *a, const struct pr_user *user)
{
	for (const struct pr_found_user *u = f->found; u; u = u->next)
		if (pr_address_compare(&u->address, a) == 0 &&
			strcmp(u->user.kind, user->kind) == 0 &&
			strcmp(u->user.what, user->what) == 0)
			return true;

	return false;
}

/* A bind mount shows the same file system twice, a mirror the same function: said once. */
static int add_user(struct finder *f, const struct pr_address *a, const struct pr_user *user)
{
	struct pr_found_user *u;

	if (is_known(f, a, user))
		return 0;
	u = pr_new(f->sysfs->arena, struct pr_found_user);
	if (!u)
		return pr_import_no_memory(f->sysfs->error);

	*u = (struct pr_found_user){ .next = f->found, .address = *a, .user = *user };
	f->found = u;
	return 0;
}

/* ---- paths ---- */

/* False when it would be cut. */
static bool format_path(char ret[PATH_SIZE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static bool format_path(char ret[PATH_SIZE], const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(ret, PATH_SIZE, format, args);
	va_end(args);
	return n >= 0 && n < PATH_SIZE;
}

static bool read_link(const struct finder *f, const char *path, char target[PATH_MAX])
{
	ssize_t n = readlinkat(f->sysfs->root, path, target, PATH_MAX - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return true;
}

static DIR *open_dir(const struct finder *f, const char *path)
{
	int fd = openat(f->sysfs->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		(void)close(fd); /* nothing was read */
	return dir;
}

/* Next entry that is not hidden. */
static const char *next_name(DIR *dir)
{
	struct dirent *e;

	while ((e = readdir(dir)))
		if (e->d_name[0] != '.')
			return e->d_name;
	return NULL;
}

/* ---- block devices ---- */

static int walk_block(
	struct finder *f, const char *name, unsigned int layer, const struct pr_user *user);

/* dm and md: everything they are made of. */
static int walk_slaves(
	struct finder *f, const char *name, unsigned int layer, const struct pr_user *user)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_SIZE];
	int r;

	if (!format_path(path, "sys/class/block/%s/slaves", name))
		return 0;
	dir = open_dir(f, path);
	for (const char *slave; dir && (slave = next_name(dir));) {
		r = walk_block(f, slave, layer + 1, user);
		if (r < 0)
			return r;
	}

	return 0;
}

/*
 * NVMe with several controllers: the disk hangs below a virtual subsystem,
 * which links to its controllers (drivers/nvme/host/multipath.c).
 */
static int walk_subsystem(struct finder *f, const char *link, const struct pr_user *user)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const char *start = strstr(link, "/nvme-subsystem/");
	char path[PATH_SIZE], subsystem[NAME_MAX + 1], target[PATH_MAX];
	struct pr_address address;
	size_t n;
	int r;

	if (!start)
		return 0;
	start += strlen("/nvme-subsystem/");
	n = strcspn(start, "/");
	if (n >= sizeof(subsystem))
		return 0;
	memcpy(subsystem, start, n);
	subsystem[n] = '\0';
	if (!format_path(path, "sys/class/nvme-subsystem/%s", subsystem))
		return 0;

	dir = open_dir(f, path);
	for (const char *name; dir && (name = next_name(dir));) {
		if (readlinkat(dirfd(dir), name, memset(target, 0, sizeof(target)),
			    sizeof(target) - 1) < 0 ||
			!pr_sysfs_path_function(target, &address))
			continue;
		r = add_user(f, &address, user);
		if (r < 0)
			return r;
	}

	return 0;
}

/*
 * The disk that a partition is part of is the directory around it; false when @name is no
 * partition.
 */
static bool whole_disk(const struct finder *f, const char *name, char link[PATH_MAX])
{
	char path[PATH_SIZE], *slash;

	if (!format_path(path, "sys/class/block/%s/partition", name) ||
		faccessat(f->sysfs->root, path, F_OK, 0) < 0)
		return false;
	slash = strrchr(link, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return strrchr(link, '/') != NULL;
}

static int walk_block(
	struct finder *f, const char *name, unsigned int layer, const struct pr_user *user)
{
	char path[PATH_SIZE], link[PATH_MAX];
	struct pr_address address;
	int r;

	if (layer > LAYERS_MAX || !format_path(path, "sys/class/block/%s", name) ||
		!read_link(f, path, link))
		return 0;
	if (whole_disk(f, name, link))
		return walk_block(f, strrchr(link, '/') + 1, layer + 1, user);

	if (pr_sysfs_path_function(link, &address)) {
		r = add_user(f, &address, user);
		if (r < 0)
			return r;
	}
	r = walk_subsystem(f, link, user);
	if (r < 0)
		return r;

	return walk_slaves(f, name, layer, user);
}

/* Name of a block device number; malloc'ed, or NULL. */
static char *block_by_number(const struct finder *f, dev_t number)
{
	char path[PATH_SIZE], *name;

	(void)snprintf(path, sizeof(path), "sys/dev/block/%u:%u", major(number), minor(number));
	return pr_readlink_base_at(f->sysfs->root, path, &name) < 0 ? NULL : name;
}

/*
 * A device node, a file on a disk (swap), or at least the name of a block device; malloc'ed, or
 * NULL.
 */
static char *block_by_path(const struct finder *f, const char *path)
{
	char class[PATH_SIZE], *name = NULL;
	const char *base = strrchr(path, '/');
	struct stat st;

	if (path[0] != '/')
		return NULL;
	if (fstatat(f->sysfs->root, path + 1, &st, 0) == 0) {
		if (S_ISBLK(st.st_mode))
			name = block_by_number(f, st.st_rdev);
		else if (S_ISREG(st.st_mode))
			name = block_by_number(f, st.st_dev);
	}
	if (!name && format_path(class, "sys/class/block/%s", base + 1) &&
		faccessat(f->sysfs->root, class, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		name = strdup(base + 1);

	return name;
}

/* Name for people: that of the logical volume rather than "dm-3". */
static const char *block_title(const struct finder *f, const char *name)
{
	char path[PATH_SIZE];
	const char *title = NULL;

	if (format_path(path, "sys/class/block/%s/dm/name", name))
		title = pr_sysfs_line(f->sysfs, path);

	return title ? title : name;
}

/* A sentence that may hold anything an administrator called something; NULL stays NULL. */
static const char *clean(char *text)
{
	if (text)
		pr_text_clean(text);
	return text;
}

/* ---- mounts ---- */

/*
 * btrfs on several disks names one of them as its source; the others are listed in sysfs.  @name
 * NULL: which one it is cannot be told, so every btrfs that the kernel has open may be it.
 */
static int walk_btrfs(struct finder *f, const char *name, const struct pr_user *user)
{
	_cleanup_closedir_ DIR *systems = open_dir(f, "sys/fs/btrfs");
	char path[PATH_SIZE], member[PATH_SIZE];
	int r;

	for (const char *id; systems && (id = next_name(systems));) {
		_cleanup_closedir_ DIR *devices = NULL;

		if (!format_path(path, "sys/fs/btrfs/%s/devices", id))
			continue;
		if (name &&
			(!format_path(member, "%s/%s", path, name) ||
				faccessat(f->sysfs->root, member, F_OK, AT_SYMLINK_NOFOLLOW) < 0))
			continue;
		devices = open_dir(f, path);
		for (const char *device; devices && (device = next_name(devices));) {
			r = walk_block(f, device, 0, user);
			if (r < 0)
				return r;
		}
	}

	return 0;
}

/*
 * The source of a btrfs may have no node where we look: the service has a /dev
 * of its own without /dev/mapper, and "/dev/root" has one nowhere.
 */
static bool is_btrfs_somewhere(struct libmnt_fs *fs)
{
	const char *type = mnt_fs_get_fstype(fs);

	return type && strcmp(type, "btrfs") == 0 && mnt_fs_get_srcpath(fs);
}

static int add_mount(struct finder *f, struct libmnt_fs *fs)
{
	_cleanup_free_ char *name = NULL;
	const char *target = mnt_fs_get_target(fs), *source = mnt_fs_get_srcpath(fs);
	struct pr_user user;
	int r;

	name = block_by_number(f, mnt_fs_get_devno(fs));
	if (!name && source)
		name = block_by_path(f, source); /* btrfs has device numbers of its own */
	if (!target || (!name && !is_btrfs_somewhere(fs)))
		return 0;

	user.kind = strcmp(target, "/") == 0 ? "root" : "mount";
	user.what = clean(pr_arena_printf(
		f->sysfs->arena, "mounted %s on %s", target, name ? block_title(f, name) : source));
	if (!user.what)
		return pr_import_no_memory(f->sysfs->error);

	r = name ? walk_block(f, name, 0, &user) : 0;
	if (r < 0)
		return r;

	return walk_btrfs(f, name, &user);
}

static int add_swap(struct finder *f, struct libmnt_fs *fs)
{
	_cleanup_free_ char *name = NULL;
	const char *source = mnt_fs_get_source(fs);
	struct pr_user user = { .kind = "swap" };

	name = source ? block_by_path(f, source) : NULL;
	if (!name)
		return 0;
	user.what = clean(pr_arena_printf(f->sysfs->arena, "swap on %s", block_title(f, name)));
	if (!user.what)
		return pr_import_no_memory(f->sysfs->error);

	return walk_block(f, name, 0, &user);
}

/* libmount skips lines it cannot parse, unless told that this is the end. */
static int on_syntax_error(struct libmnt_table *table, const char *name, int line)
{
	return pr_import_fail_at(mnt_table_get_userdata(table), -EINVAL, (unsigned int)line, 0,
		"%s: line cannot be parsed", name);
}

/*
 * Reads @path with @parse and hands each line to @add.  No such file: nothing; one that may not be
 * read is an error, as "nobody uses it" would be a lie.
 */
static int each_line(struct finder *f, const char *root, const char *path,
	int (*parse)(struct libmnt_table *, const char *),
	int (*add)(struct finder *, struct libmnt_fs *))
{
	_cleanup_(unref_tablep) struct libmnt_table *table = mnt_new_table();
	_cleanup_(free_iterp) struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	const char *full =
		pr_arena_printf(f->sysfs->arena, "%s/%s", strcmp(root, "/") == 0 ? "" : root, path);
	struct libmnt_fs *fs;
	int r;

	if (!table || !iter || !full)
		return pr_import_no_memory(f->sysfs->error);
	if (faccessat(f->sysfs->root, path, R_OK, 0) < 0)
		return errno == ENOENT ? 0
				       : pr_import_fail(f->sysfs->error, -errno, "%s: %s", full,
						 strerror(errno));
	mnt_table_set_parser_errcb(table, on_syntax_error);
	mnt_table_set_userdata(table, f->sysfs->error);
	(void)pr_import_fail(
		f->sysfs->error, 0, "%s: cannot be read", full); /* unless a line is worse */
	r = parse(table, full);
	if (r != 0)
		return r < 0 ? r : -EIO;

	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		r = add(f, fs);
		if (r < 0)
			return r;
	}

	return 0;
}

/* ---- network ---- */

static bool interface_is_up(const struct finder *f, const char *name)
{
	char path[PATH_SIZE];
	const char *text;
	uint64_t flags;

	if (format_path(path, "sys/class/net/%s/flags", name)) {
		text = pr_sysfs_line(f->sysfs, path);
		if (text && pr_parse_u64(text, 0, &flags) == 0 && (flags & IFF_UP_BIT) != 0)
			return true;
	}
	if (!format_path(path, "sys/class/net/%s/operstate", name))
		return false;

	text = pr_sysfs_line(f->sysfs, path);
	return text && strcmp(text, "up") == 0;
}

static int add_interfaces(struct finder *f)
{
	_cleanup_closedir_ DIR *dir = open_dir(f, "sys/class/net");
	char path[PATH_SIZE], target[PATH_MAX], *what;
	struct pr_address address;
	struct pr_user user = { .kind = "net" };
	int r;

	for (const char *name; dir && (name = next_name(dir));) {
		if (!format_path(path, "sys/class/net/%s", name) || !read_link(f, path, target) ||
			!pr_sysfs_path_function(target, &address) || !interface_is_up(f, name))
			continue;
		what = pr_arena_printf(f->sysfs->arena, "network interface %s is up", name);
		if (!what)
			return pr_import_no_memory(f->sysfs->error);
		user.what = clean(what);
		r = add_user(f, &address, &user);
		if (r < 0)
			return r;
	}

	return 0;
}

/* ---- all of it ---- */

int pr_users_find(const struct pr_sysfs *s, const char *root, struct pr_found_user **ret)
{
	struct finder f = { .sysfs = s };
	int r;

	r = each_line(&f, root, "proc/self/mountinfo", mnt_table_parse_file, add_mount);
	if (r < 0)
		return r;

	r = each_line(&f, root, "proc/swaps", mnt_table_parse_swaps, add_swap);
	if (r < 0)
		return r;

	r = add_interfaces(&f);
	if (r < 0)
		return r;

	*ret = f.found;
	return 0;
}

static bool is_vfio(const struct pr_facts *facts)
{
	return facts->driver && strcmp(facts->driver, "vfio-pci") == 0;
}

int pr_users_assign(
	const struct pr_sysfs *s, const struct pr_found_user *found, struct pr_facts *facts)
{
	size_t n = is_vfio(facts);
	struct pr_user *users;

	for (const struct pr_found_user *u = found; u; u = u->next)
		n += pr_address_compare(&u->address, &facts->address) == 0;
	if (n == 0)
		return 0;
	users = pr_new_array(s->arena, n, struct pr_user);
	if (!users)
		return pr_import_no_memory(s->error);

	facts->users = users;
	facts->n_users = n;
	/* found last is first in the list: back to the order of discovery */
	for (const struct pr_found_user *u = found; u; u = u->next)
		if (pr_address_compare(&u->address, &facts->address) == 0)
			users[--n] = u->user;
	if (is_vfio(facts))
		users[0] = (struct pr_user){ .kind = "vfio", .what = "VFIO" };

	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tar file of a machine's /sys and /proc, compressed or not: what is wanted
 * of it is unpacked into a private directory, read as a tree, and deleted.
 * The archive is not trusted: nothing is written through a link, no link leads
 * out of the directory, and sizes are limited.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/macros.h"
#include "import/companions.h"
#include "import/libarchive.h"

#define ENTRIES_MAX   4000000u
#define FILE_MAX      ((size_t)1 << 16) /* what sysfs shows of one attribute fits, iomem too */
#define LIST_MAX      ((size_t)4 << 20) /* proc/iomem of a very large machine */
#define TOTAL_MAX     ((size_t)256 << 20)
#define COMPONENT_MAX 255

struct unpacking {
	struct pr_libarchive lib;
	struct archive *archive;
	struct pr_import_error *error;
	int root; /* descriptor of the private directory */
	/* where the last file went: the next one mostly goes there too */
	char parent[PATH_MAX];
	int dir; /* its descriptor; -1: none yet */
	size_t total;
	unsigned int n_files;
};

static int out_of_order(struct unpacking *u, int r, const char *what)
{
	const char *why = u->lib.error_string(u->archive);

	return pr_import_fail(u->error, r, "%s: %s", what, why ? why : "damaged");
}

/* ---- names ---- */

/* The path from "sys" or "proc" on, without "." and empty components; NULL: not wanted, or unsafe. */
static const char *wanted_path(const char *path, char ret[PATH_MAX])
{
	size_t n = 0, length;
	bool inside = false;

	for (; *path; path += length + (path[length] == '/')) {
		length = strcspn(path, "/");
		if (length == 0 || (length == 1 && *path == '.'))
			continue;
		if (length > COMPONENT_MAX || (length == 2 && memcmp(path, "..", 2) == 0))
			return NULL;
		inside = inside || (length == 3 && memcmp(path, "sys", 3) == 0) ||
			 (length == 4 && memcmp(path, "proc", 4) == 0);
		if (!inside)
			continue;
		if (n + length + 2 > PATH_MAX)
			return NULL;
		if (n > 0)
			ret[n++] = '/';
		memcpy(ret + n, path, length);
		n += length;
	}
	ret[n] = '\0';
	return n > 0 ? ret : NULL;
}

/*
 * May a link at @path have this target?  Only "../../name/name": ".." in front
 * alone, and no more of them than there are directories above the link.  Links
 * met on the way down have passed the same test, so that none leads out.
 */
static bool link_stays_inside(const char *path, const char *target)
{
	size_t depth = 0;

	for (const char *at = path; (at = strchr(at, '/')); at++)
		depth++;
	for (; strncmp(target, "../", 3) == 0; target += 3)
		if (depth-- == 0)
			return false;
	if (*target == '/' || strcmp(target, "..") == 0 || strstr(target, "/../"))
		return false;
	return strlen(target) < 3 || strcmp(target + strlen(target) - 3, "/..") != 0;
}

/* Attributes that are read of functions and slots; an archive has a hundred more. */
static const char *const attributes[] = { "config", "resource", "vendor", "device", "class", "irq",
	"revision", "subsystem_vendor", "subsystem_device", "label", "numa_node", "enable",
	"removable", "driver_override", "sriov_numvfs", "address" };

/* Links that are read; of those in bus/pci/devices every one. */
static const char *const links[] = { "driver", "iommu_group", "physfn" };

static bool is_one_of(const char *const names[], size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;

	return false;
}

/* The machine as a whole, in sys/class/dmi and the like, is a handful of files: all of them. */
static bool is_read(const char *path, const char *name, bool is_link)
{
	bool device = strncmp(path, "sys/devices/", 12) == 0 &&
		      strncmp(path, "sys/devices/virtual/", 20) != 0;

	if (!device)
		return strncmp(path, "sys/bus/pci/drivers/", 20) != 0;
	return is_link ? is_one_of(links, ARRAY_SIZE(links), name)
		       : is_one_of(attributes, ARRAY_SIZE(attributes), name);
}

/* ---- files ---- */

/* One level down, made where it is missing; links are not followed.  Takes @dir over. */
static int enter(int dir, const char *name)
{
	int next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), saved;

	if (next < 0 && errno == ENOENT && mkdirat(dir, name, 0700) == 0)
		next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	saved = errno;
	(void)close(dir); /* a directory */
	errno = saved;
	return next;
}

/*
 * Makes @u->dir the directory that @path lies in.  The last component; NULL
 * when it cannot be entered, with errno.
 */
static const char *enter_parent(struct unpacking *u, const char *path)
{
	const char *last = strrchr(path, '/'), *name = last ? last + 1 : path;
	size_t n = (size_t)(name - path);
	char component[COMPONENT_MAX + 1];

	if (u->dir >= 0 && strlen(u->parent) == n && memcmp(u->parent, path, n) == 0)
		return name;
	if (u->dir >= 0)
		(void)close(u->dir); /* a directory */
	u->dir = fcntl(u->root, F_DUPFD_CLOEXEC, 0);
	for (const char *at = path, *slash; u->dir >= 0 && at < name; at = slash + 1) {
		slash = strchr(at, '/');
		memcpy(component, at, (size_t)(slash - at));
		component[slash - at] = '\0';
		u->dir = enter(u->dir, component);
	}
	memcpy(u->parent, path, n);
	u->parent[n] = '\0';
	return u->dir >= 0 ? name : NULL;
}

static int copy_data(struct unpacking *u, int fd, size_t max)
{
	char buffer[8192];
	la_ssize_t n;
	size_t size = 0;

	while ((n = u->lib.read_data(u->archive, buffer, sizeof(buffer))) > 0) {
		size += (size_t)n;
		u->total += (size_t)n;
		if (size > max || u->total > TOTAL_MAX)
			return pr_import_fail(u->error, -EFBIG, "what it unpacks to is too large");
		if (pr_write_all(fd, buffer, (size_t)n) < 0)
			return pr_import_fail(
				u->error, -errno, "cannot unpack: %s", strerror(errno));
	}
	return n < 0 ? out_of_order(u, -EBADMSG, "cannot unpack") : 0;
}

/* Devices, sockets and hard links do not exist in sysfs; a second file of a name is ignored. */
static int unpack_at(
	struct unpacking *u, struct archive_entry *entry, const char *path, const char *name)
{
	const char *target = u->lib.symlink(entry);
	bool is_list = strncmp(path, "proc/", 5) == 0;
	_cleanup_close_ int fd = -1;

	if (u->lib.filetype(entry) == AE_IFLNK) {
		if (target && link_stays_inside(path, target))
			(void)symlinkat(target, u->dir, name);
		return 0;
	}
	if (u->lib.filetype(entry) == AE_IFDIR) {
		(void)mkdirat(u->dir, name, 0700);
		return 0;
	}
	if (u->lib.filetype(entry) != AE_IFREG || u->lib.hardlink(entry))
		return 0;
	fd = openat(u->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	u->n_files += fd >= 0;
	return fd < 0 ? 0 : copy_data(u, fd, is_list ? LIST_MAX : FILE_MAX);
}

static int unpack_entry(struct unpacking *u, struct archive_entry *entry)
{
	const char *path = u->lib.pathname(entry), *name;
	char buffer[PATH_MAX];

	path = path ? wanted_path(path, buffer) : NULL;
	if (!path)
		return 0;
	name = strrchr(path, '/');
	if (u->lib.filetype(entry) != AE_IFDIR &&
		!is_read(path, name ? name + 1 : path, u->lib.filetype(entry) == AE_IFLNK))
		return 0;
	name = enter_parent(u, path);
	if (!name && (errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG))
		return 0; /* below a link or a file: no copy of a tree has that */
	if (!name)
		return pr_import_fail(u->error, -errno, "cannot unpack: %s", strerror(errno));
	return unpack_at(u, entry, path, name);
}

static int unpack(struct unpacking *u)
{
	struct archive_entry *entry;
	int r = 0, state = ARCHIVE_OK;

	for (unsigned int n = 0; r == 0; n++) {
		state = u->lib.next_header(u->archive, &entry);
		if (state == ARCHIVE_EOF)
			break;
		if (state != ARCHIVE_OK && state != ARCHIVE_WARN)
			return out_of_order(u, -EBADMSG, "not a tar file of a machine");
		if (n == ENTRIES_MAX)
			return pr_import_fail(u->error, -EFBIG, "it has too many entries");
		r = unpack_entry(u, entry);
	}
	if (r == 0 && u->n_files == 0)
		return pr_import_fail(u->error, -EINVAL, "nothing of /sys or /proc is in it");
	return r;
}

static int open_archive(struct unpacking *u, const char *data, size_t size)
{
	const struct pr_libarchive *lib = &u->lib;

	if (lib->filter_gzip(u->archive) < ARCHIVE_WARN ||
		lib->filter_xz(u->archive) < ARCHIVE_WARN ||
		lib->filter_zstd(u->archive) < ARCHIVE_WARN ||
		lib->filter_bzip2(u->archive) < ARCHIVE_WARN ||
		lib->format_tar(u->archive) != ARCHIVE_OK ||
		lib->open_memory(u->archive, data, size) != ARCHIVE_OK)
		return out_of_order(u, -EBADMSG, "not a tar file of a machine");
	return 0;
}

/* ---- the private directory ---- */

static int delete_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	(void)(type == FTW_DP ? rmdir(path)
			      : unlink(path)); /* what stays is in a temporary place */
	return 0;
}

static int make_directory(char path[PATH_MAX], struct pr_import_error *error)
{
	const char *temporary = getenv("TMPDIR");
	int n = snprintf(path, PATH_MAX, "%s/pciroom-XXXXXX",
		temporary && *temporary == '/' ? temporary : "/tmp");

	if (n >= PATH_MAX)
		return pr_import_fail(error, -ENAMETOOLONG, "TMPDIR is too long");
	if (!mkdtemp(path))
		return pr_import_fail(error, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int unpack_into(
	const char *path, const char *data, size_t size, struct pr_import_error *error)
{
	_cleanup_close_ int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct unpacking u = { .error = error, .root = root, .dir = -1 };
	int r;

	if (root < 0)
		return pr_import_fail(error, -errno, "%s: %s", path, strerror(errno));
	r = pr_libarchive_load(&u.lib, error);
	if (r < 0)
		return r;

	u.archive = u.lib.read_new();
	r = u.archive ? open_archive(&u, data, size) : pr_import_no_memory(error);
	if (r == 0)
		r = unpack(&u);
	if (u.dir >= 0)
		(void)close(u.dir); /* a directory */
	if (u.archive)
		(void)u.lib.read_free(u.archive); /* only read from */
	pr_libarchive_unload(&u.lib);
	return r;
}

int pr_archive_read(const char *data, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error)
{
	char path[PATH_MAX];
	int r;

	r = make_directory(path, error);
	if (r < 0)
		return r;
	r = unpack_into(path, data, size, error);
	if (r == 0)
		r = pr_tree_read(path, companions, ret, notes, error);
	(void)nftw(path, delete_one, 16, FTW_DEPTH | FTW_PHYS);
	return r;
}

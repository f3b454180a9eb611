/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a recording is wanted, and writing it where it can do no harm. */
#include "import/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/macros.h"

#define FILE_MAX      ((size_t)1 << 16) /* what sysfs shows of one attribute fits, iomem too */
#define LIST_MAX      ((size_t)4 << 20) /* proc/iomem of a very large machine */
#define TOTAL_MAX     ((size_t)256 << 20)
#define COMPONENT_MAX 255

/* ---- names ---- */

const char *pr_unpack_path(const char *path, char ret[PATH_MAX])
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

/* Attributes that are read of functions and slots; a machine has a hundred more. */
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
bool pr_unpack_wants(const char *path, const char *name, bool is_link)
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

/* Makes @u->dir the directory of the first @n bytes of @path.  False: cannot be entered, with errno. */
static bool enter_parent(struct pr_unpacking *u, const char *path, size_t n)
{
	char component[COMPONENT_MAX + 1];

	if (u->dir >= 0 && strlen(u->parent) == n && memcmp(u->parent, path, n) == 0)
		return true;
	if (u->dir >= 0)
		(void)close(u->dir); /* a directory */
	u->dir = fcntl(u->root, F_DUPFD_CLOEXEC, 0);
	for (const char *at = path, *slash; u->dir >= 0 && at < path + n; at = slash + 1) {
		slash = strchr(at, '/');
		memcpy(component, at, (size_t)(slash - at));
		component[slash - at] = '\0';
		u->dir = enter(u->dir, component);
	}
	memcpy(u->parent, path, n);
	u->parent[n] = '\0';
	return u->dir >= 0;
}

/*
 * The last component of @path, in @u->dir now; NULL with @ret_r 0 below a link or a file, which no
 * copy of a tree has, or with an error.
 */
static const char *find_place(struct pr_unpacking *u, const char *path, int *ret_r)
{
	const char *last = strrchr(path, '/'), *name = last ? last + 1 : path;

	*ret_r = 0;
	if (enter_parent(u, path, (size_t)(name - path)))
		return name;
	if (errno != ENOTDIR && errno != ELOOP && errno != ENAMETOOLONG)
		*ret_r = pr_import_fail(u->error, -errno, "cannot unpack: %s", strerror(errno));
	return NULL;
}

int pr_unpack_file(struct pr_unpacking *u, const char *path, int *ret)
{
	int r, fd = -1;
	const char *name = find_place(u, path, &r);

	if (r < 0)
		return r;
	if (name)
		fd = openat(
			u->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	u->n_files += fd >= 0;
	*ret = fd;
	return 0;
}

int pr_unpack_directory(struct pr_unpacking *u, const char *path)
{
	int r;
	const char *name = find_place(u, path, &r);

	if (name)
		(void)mkdirat(u->dir, name, 0700); /* it may be there: files came first */
	return r;
}

int pr_unpack_link(struct pr_unpacking *u, const char *path, const char *target)
{
	int r;
	const char *name;

	if (!link_stays_inside(path, target))
		return 0;
	name = find_place(u, path, &r);
	if (name)
		(void)symlinkat(target, u->dir, name); /* the first of a name stays */
	return r;
}

int pr_unpack_write(
	struct pr_unpacking *u, const char *path, int fd, const void *data, size_t n, size_t *size)
{
	size_t max = strncmp(path, "proc/", 5) == 0 ? LIST_MAX : FILE_MAX;

	*size += n;
	u->total += n;
	if (*size > max || u->total > TOTAL_MAX)
		return pr_import_fail(u->error, -EFBIG, "what it unpacks to is too large");
	if (pr_write_all(fd, data, n) < 0)
		return pr_import_fail(u->error, -errno, "cannot unpack: %s", strerror(errno));
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

static int unpack_into(const char *path, pr_unpack_fn *unpack, const void *recording,
	struct pr_import_error *error)
{
	_cleanup_close_ int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct pr_unpacking u = { .error = error, .root = root, .dir = -1 };
	int r;

	if (root < 0)
		return pr_import_fail(error, -errno, "%s: %s", path, strerror(errno));
	r = unpack(&u, recording);
	if (u.dir >= 0)
		(void)close(u.dir); /* a directory */
	return r;
}

int pr_unpack_read(pr_unpack_fn *unpack, const void *recording,
	const struct pr_companions *companions, struct pr_topology **ret,
	struct pr_import_notes *notes, struct pr_import_error *error)
{
	char path[PATH_MAX];
	int r;

	r = make_directory(path, error);
	if (r < 0)
		return r;
	r = unpack_into(path, unpack, recording, error);
	if (r == 0)
		r = pr_tree_read(path, companions, ret, notes, error);
	(void)nftw(path, delete_one, 16, FTW_DEPTH | FTW_PHYS);
	return r;
}

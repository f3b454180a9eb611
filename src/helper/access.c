/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths and configuration space.  No link is followed: those that sysfs makes
 * from its buses and classes into the device tree are read, and what they say
 * is opened below sys/devices, or not at all.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/macros.h"
#include "helper/access.h"
#include "helper/beneath.h"

/* Bridges above each other: there are 256 buses. */
#define DEPTH_MAX    256
#define GROUP_DIGITS 10
/* How links of sysfs begin: from bus/pci/devices, and from class/pci_bus. */
#define TO_TREE    "../../../devices/"
#define FROM_CLASS "../../devices/"

static int open_directory(int at, const char *path, int *ret)
{
	int fd = pr_open_beneath(at, path, O_PATH | O_DIRECTORY);

	if (fd < 0)
		return fd;

	*ret = fd;
	return 0;
}

int pr_access_open(const char *root, struct pr_access *ret)
{
	struct pr_access a = { -1, -1, -1 };
	int r = 0;

	a.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (a.root < 0)
		r = -errno;
	if (r == 0)
		r = open_directory(a.root, "sys/bus/pci", &a.bus);
	if (r == 0)
		r = open_directory(a.root, "sys/devices", &a.tree);
	if (r < 0) {
		pr_access_close(&a);
		return r;
	}

	*ret = a;
	return 0;
}

void pr_access_close(struct pr_access *a)
{
	pr_closep(&a->tree);
	pr_closep(&a->bus);
	pr_closep(&a->root);
	*a = (struct pr_access){ -1, -1, -1 };
}

void pr_target_format(const struct pr_target *t, char ret[PR_TARGET_TEXT_MAX])
{
	(void)snprintf(ret, PR_TARGET_TEXT_MAX, "%04x:%02x:%02x.%u", t->domain, t->bus,
		t->device & 0x1fu, t->function & 7u); /* always fits: the masks bound every field */
}

bool pr_target_parse(const char *text, struct pr_target *ret)
{
	char again[PR_TARGET_TEXT_MAX];
	unsigned int domain, bus, device, function;
	struct pr_target t;

	if (sscanf(text, "%8x:%2x:%2x.%1u", &domain, &bus, &device, &function) != 4)
		return false;

	t = (struct pr_target){ domain, (uint8_t)bus, (uint8_t)device, (uint8_t)function };
	pr_target_format(&t, again);
	if (strcmp(text, again) != 0)
		return false;

	*ret = t;
	return true;
}

/*
 * What the link @path says, which has to begin with @up (the way to sys/devices) and to end with @end
 * (from its slash on).
 */
static int read_link(int at, const char *path, const char *up, const char *end, char ret[PATH_MAX])
{
	size_t n_up = strlen(up), n_end = strlen(end);
	ssize_t n;

	n = readlinkat(at, path, ret, PATH_MAX - 1);
	if (n < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	ret[n] = '\0';
	if (strncmp(ret, up, n_up) != 0)
		return -EXDEV;

	return (size_t)n + 1 < n_up + n_end || strcmp(ret + n - n_end, end) != 0 ? -EINVAL : 0;
}

static int read_function_link(
	const struct pr_access *a, const struct pr_target *t, char ret[PATH_MAX])
{
	char name[PR_TARGET_TEXT_MAX], path[sizeof("devices/") + PR_TARGET_TEXT_MAX];

	if (t->device > 0x1f || t->function > 7)
		return -EINVAL;

	pr_target_format(t, name);
	(void)snprintf(path, sizeof(path), "devices/%s", name); /* sized for it */
	return read_link(a->bus, path, TO_TREE, path + strlen("devices"), ret);
}

int pr_access_function(const struct pr_access *a, const struct pr_target *t, int *ret)
{
	char target[PATH_MAX];
	int r;

	r = read_function_link(a, t, target);
	if (r < 0)
		return r;
	r = open_directory(a->tree, target + strlen(TO_TREE), ret);
	return r == -ENOENT ? -ENODEV : r; /* it went between the two */
}

bool pr_access_is_above(
	const struct pr_access *a, const struct pr_target *above, const struct pr_target *t)
{
	char top[PATH_MAX], path[PATH_MAX];
	size_t n;

	if (read_function_link(a, above, top) < 0 || read_function_link(a, t, path) < 0)
		return false;
	n = strlen(top);
	return strncmp(path, top, n) == 0 && path[n] == '/';
}

int pr_access_driver(int function, char ret[PR_DRIVER_NAME_MAX])
{
	char target[PATH_MAX];
	const char *name;
	ssize_t n;

	n = readlinkat(function, "driver", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';

	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) >= PR_DRIVER_NAME_MAX)
		return -ENAMETOOLONG;

	memcpy(ret, name, strlen(name) + 1);
	return 0;
}

bool pr_access_is_virtual(int function)
{
	return faccessat(function, "physfn", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}

/* The directory @at itself, to go through; NULL. */
static DIR *open_entries(int at)
{
	int fd = pr_open_beneath(at, ".", O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		(void)close(fd); /* nothing was read */
	return dir;
}

/*
 * The service of a port whose bit is @service: "ADDRESS:pcieTSS" (drivers/pci/pcie/portdrv.h), T the
 * type of port.  -ENOENT: none; @ret_driven: a driver has it.
 */
static int find_service(
	int function, const char *service, char ret[PR_SERVICE_NAME_MAX], bool *ret_driven)
{
	_cleanup_(closedirp) DIR *dir = open_entries(function);
	char path[NAME_MAX + sizeof("/driver")];
	const struct dirent *e;

	if (!dir)
		return -EIO;
	while ((e = readdir(dir))) {
		const char *name = strstr(e->d_name, ":pcie");

		if (!name || strlen(name) != strlen(":pcieTSS") || strcmp(name + 6, service) != 0 ||
			strlen(e->d_name) >= PR_SERVICE_NAME_MAX)
			continue;
		(void)snprintf(path, sizeof(path), "%s/driver", e->d_name); /* sized for it */
		*ret_driven = faccessat(function, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
		memcpy(ret, e->d_name, strlen(e->d_name) + 1);
		return 0;
	}

	return -ENOENT;
}

int pr_access_hotplug_service(int function, char ret[PR_SERVICE_NAME_MAX], bool *ret_driven)
{
	return find_service(function, "04", ret, ret_driven);
}

int pr_access_pciehp(const struct pr_access *a, int *ret)
{
	return open_directory(a->root, "sys/bus/pci_express/drivers/pciehp", ret);
}

bool pr_access_has_pciehp(int function)
{
	char service[PR_SERVICE_NAME_MAX];
	bool driven = true; /* not known is not free */
	int r = pr_access_hotplug_service(function, service, &driven);

	return r != -ENOENT && driven;
}

/* Length of the part of a path in sys/devices that ends with the first function below a host bridge. */
static size_t root_port_length(const char *path)
{
	char name[NAME_MAX + 1];
	size_t length = 0, n;
	struct pr_target t;

	for (const char *at = path; *at; at += n + (at[n] == '/')) {
		n = strcspn(at, "/");
		if (n >= sizeof(name))
			return 0;
		memcpy(name, at, n);
		name[n] = '\0';
		if (strncmp(name, "pci", 3) == 0 && strchr(name, ':'))
			length = 0; /* also a host bridge behind an endpoint (VMD) */
		else if (length == 0 && pr_target_parse(name, &t))
			length = (size_t)(at - path) + n;
	}

	return length;
}

bool pr_access_owns_aer(const struct pr_access *a, const struct pr_target *t)
{
	char target[PATH_MAX], *path = target + strlen(TO_TREE);
	_cleanup_close_ int port = -1;
	char service[PR_SERVICE_NAME_MAX];
	bool driven;

	if (read_function_link(a, t, target) < 0)
		return false;
	path[root_port_length(path)] = '\0';
	return *path && open_directory(a->tree, path, &port) == 0 &&
	       find_service(port, "02", service, &driven) == 0;
}

/* 1: a function of the subtree at @fd has it; 0: none has; negative errno: not known. */
static int any_below(int fd, bool (*has)(int function), unsigned int depth)
{
	_cleanup_(closedirp) DIR *dir = open_entries(fd);
	struct pr_target t;
	const struct dirent *e;
	int r = 0;

	if (!dir || depth > DEPTH_MAX)
		return -EIO;
	while (r == 0 && (e = readdir(dir))) {
		_cleanup_close_ int below = -1;

		if (!pr_target_parse(e->d_name, &t))
			continue;
		r = open_directory(fd, e->d_name, &below);
		if (r == 0)
			r = has(below) ? 1 : any_below(below, has, depth + 1);
		if (r == -ENOENT)
			r = 0; /* it went meanwhile */
	}

	return r;
}

static bool is_function(int function)
{
	(void)function;
	return true;
}

bool pr_access_is_populated(int function)
{
	return any_below(function, is_function, 0) != 0;
}

/*
 * By the link that pci_iov_sysfs_link() makes (drivers/pci/iov.c): sriov_numvfs is shown under the
 * device's lock, and a driver that hangs has that.
 */
static bool has_vfs(int function)
{
	return faccessat(function, "virtfn0", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int pr_access_has_vfs(int function)
{
	return has_vfs(function) ? 1 : any_below(function, has_vfs, 0);
}

int pr_access_node(int function, uint64_t *ret)
{
	struct stat st;

	if (fstatat(function, "config", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;

	*ret = st.st_ino;
	return 0;
}

static int open_config(int function, int flags)
{
	return pr_open_beneath(function, "config", flags);
}

int pr_access_read(int function, uint32_t offset, void *buffer, size_t size, size_t *ret)
{
	_cleanup_close_ int fd = open_config(function, O_RDONLY);
	size_t done = 0;

	if (fd < 0)
		return fd;

	while (done < size) {
		ssize_t n =
			pread(fd, (uint8_t *)buffer + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}

	*ret = done;
	return 0;
}

int pr_access_read_value(int function, uint32_t offset, uint8_t width, uint32_t *ret)
{
	uint8_t bytes[4];
	uint32_t value = 0;
	size_t n;
	int r;

	if (width > sizeof(bytes))
		return -EINVAL;
	r = pr_access_read(function, offset, bytes, width, &n);
	if (r < 0)
		return r;
	if (n != width)
		return -EIO;

	while (n-- > 0)
		value = value << 8 | bytes[n];
	*ret = value;
	return 0;
}

int pr_access_write_value(int function, uint32_t offset, uint8_t width, uint32_t value)
{
	_cleanup_close_ int fd = open_config(function, O_WRONLY);
	uint8_t bytes[4];
	ssize_t n;

	if (fd < 0)
		return fd;
	if (width > sizeof(bytes))
		return -EINVAL;

	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));

	/* one write, so that the kernel makes one access of this width of it */
	do
		n = pwrite(fd, bytes, width, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;

	return n == width ? 0 : -EIO;
}

bool pr_driver_name_valid(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

	/* a dot in front also rules out the directories "." and ".." */
	return *name != '\0' && *name != '.' && name[strspn(name, allowed)] == '\0';
}

int pr_access_driver_directory(const struct pr_access *a, const char *name, int *ret)
{
	char path[sizeof("drivers/") + PR_DRIVER_NAME_MAX];

	if (*name == '\0' || *name == '.' || strchr(name, '/') ||
		strlen(name) >= PR_DRIVER_NAME_MAX)
		return -EINVAL;

	(void)snprintf(path, sizeof(path), "drivers/%s", name); /* sized for it */
	return open_directory(a->bus, path, ret);
}

/* "iommu_group" leads out of sys/devices: the group is found by its number. */
int pr_access_group(const struct pr_access *a, int function, int *ret)
{
	_cleanup_free_ char *group = NULL;
	char path[sizeof("sys/kernel/iommu_groups/") + GROUP_DIGITS];
	size_t n;
	int r;

	r = pr_readlink_base_at(function, "iommu_group", &group);
	if (r < 0)
		return r;
	n = strspn(group, "0123456789");
	if (n == 0 || n > GROUP_DIGITS || group[n] != '\0')
		return -EINVAL;

	(void)snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%s", group); /* sized for it */
	return open_directory(a->root, path, ret);
}

int pr_access_root_bus(const struct pr_access *a, uint32_t domain, uint8_t bus, int *ret)
{
	char path[64], end[64], target[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "sys/class/pci_bus/%04x:%02x", domain, bus);
	/*
	 * Below a bridge the same file may release the windows of running
	 * neighbours (bus_rescan_store() of drivers/pci/pci-sysfs.c takes another
	 * way for an empty bus), so it is never written there.
	 */
	(void)snprintf(
		end, sizeof(end), "/pci%04x:%02x/pci_bus/%04x:%02x", domain, bus, domain, bus);
	r = read_link(a->root, path, FROM_CLASS, end, target);
	return r < 0 ? r : open_directory(a->tree, target + strlen(FROM_CLASS), ret);
}

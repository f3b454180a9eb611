/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths below sys/bus/pci and configuration space.  The links that sysfs itself
 * makes from devices/X into the device tree are followed; the last component,
 * the file that is opened, never is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "helper/access.h"

static int open_directory(int at, const char *path, int *ret)
{
	int fd = openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;

	*ret = fd;
	return 0;
}

int pr_access_open(const char *root, struct pr_access *ret)
{
	struct pr_access a = { -1, -1 };
	int r;

	r = open_directory(AT_FDCWD, root, &a.root);
	if (r == 0)
		r = open_directory(a.root, "sys/bus/pci/devices", &a.devices);
	if (r < 0) {
		pr_access_close(&a);
		return r;
	}

	*ret = a;
	return 0;
}

void pr_access_close(struct pr_access *a)
{
	pr_closep(&a->devices);
	pr_closep(&a->root);
	*a = (struct pr_access){ -1, -1 };
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

int pr_access_function(const struct pr_access *a, const struct pr_target *t, int *ret)
{
	char name[PR_TARGET_TEXT_MAX];
	int r;

	if (t->device > 0x1f || t->function > 7)
		return -EINVAL;

	pr_target_format(t, name);
	r = open_directory(a->devices, name, ret);
	return r == -ENOENT ? -ENODEV : r;
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
	int fd = openat(function, "config", flags | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
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
	char path[sizeof("sys/bus/pci/drivers/") + PR_DRIVER_NAME_MAX];

	if (!pr_driver_name_valid(name) || strlen(name) >= PR_DRIVER_NAME_MAX)
		return -EINVAL;

	(void)snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", name); /* sized for it */
	return open_directory(a->root, path, ret);
}

int pr_access_root_bus(const struct pr_access *a, uint32_t domain, uint8_t bus, int *ret)
{
	char path[64], end[64], target[PATH_MAX];
	size_t length;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "sys/class/pci_bus/%04x:%02x", domain, bus);
	n = readlinkat(a->root, path, target, sizeof(target) - 1);
	if (n < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	target[n] = '\0';

	/*
	 * Below a bridge the same file may release the windows of running
	 * neighbours (bus_rescan_store() of drivers/pci/pci-sysfs.c takes another
	 * way for an empty bus), so it is never written there.
	 */
	(void)snprintf(
		end, sizeof(end), "/pci%04x:%02x/pci_bus/%04x:%02x", domain, bus, domain, bus);
	length = strlen(end);
	if ((size_t)n < length || strcmp(target + n - length, end) != 0)
		return -EINVAL;

	return open_directory(a->root, path, ret);
}

int pr_access_bus(const struct pr_access *a, int *ret)
{
	return open_directory(a->root, "sys/bus/pci", ret);
}

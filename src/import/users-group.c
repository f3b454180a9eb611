/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes that stand for functions without a device in sysfs that would lead
 * there: groups of VFIO, and the nodes of NVIDIA's own driver.
 */
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "import/users-open.h"

#define INFORMATION_MAX ((size_t)1 << 16)

/* ---- VFIO ---- */

/* "/dev/vfio/23", "/dev/vfio/noiommu-23"; the number, or -1. */
static int vfio_group(const char *path)
{
	static const char *const begins[] = { "/vfio/noiommu-", "/vfio/" };
	const char *at;
	int group, end;

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		at = strstr(path, begins[i]);
		if (at && sscanf(at + strlen(begins[i]), "%d%n", &group, &end) == 1 && group >= 0 &&
			at[strlen(begins[i]) + (size_t)end] == '\0')
			return group;
	}

	return -1;
}

struct group {
	const char *what;
};

/* Ports may be in the group of what is below them. */
static int use_member(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	const struct group *g = userdata;
	_cleanup_free_ char *driver = NULL;
	char path[PR_USERS_PATH_SIZE];
	struct pr_address address;

	if (!pr_sysfs_path_function(target, &address) ||
		(pr_path_format(path, "sys/bus/pci/devices/%s/driver", name) &&
			pr_readlink_base_at(f->sysfs->root, path, &driver) == 0 &&
			strcmp(driver, "pcieport") == 0))
		return 0;
	return pr_found_add(f, &address, "vfio", pr_arena_strdup(f->sysfs->arena, g->what));
}

static int use_vfio(struct pr_finder *f, int number, const char *names)
{
	char path[PR_USERS_PATH_SIZE];
	struct group g = { .what = pr_arena_printf(
				   f->sysfs->arena, "%s through VFIO group %d", names, number) };

	if (!g.what)
		return pr_import_no_memory(f->sysfs->error);
	if (!pr_path_format(path, "sys/kernel/iommu_groups/%d/devices", number))
		return 0;
	return pr_path_each_link(f, path, use_member, &g);
}

/* ---- NVIDIA: no class, no device number in sysfs ---- */

/* "/dev/nvidia0"; the number, or -1. */
static int nvidia_minor(const char *path)
{
	int minor, end = 0;

	return sscanf(path, "/dev/nvidia%d%n", &minor, &end) == 1 && path[end] == '\0' ? minor : -1;
}

/* "Device Minor: 	 0" in the driver's own description. */
static bool has_minor(const struct pr_finder *f, const char *name, int minor)
{
	_cleanup_free_ char *text = NULL;
	char path[PR_USERS_PATH_SIZE];
	const char *line;
	int its;

	if (!pr_path_format(path, "proc/driver/nvidia/gpus/%s/information", name) ||
		pr_read_file_at(f->sysfs->root, path, INFORMATION_MAX, &text, NULL) < 0)
		return false;
	line = strstr(text, "Device Minor:");
	return line && sscanf(line, "Device Minor: %d", &its) == 1 && its == minor;
}

static int use_nvidia(struct pr_finder *f, int minor, const char *path, const char *names)
{
	_cleanup_closedir_ DIR *dir = pr_path_dir(f, "proc/driver/nvidia/gpus");
	struct pr_address address;
	int r = 0;

	for (const char *name; r == 0 && dir && (name = pr_path_next(dir));)
		if (pr_address_parse(name, &address) && has_minor(f, name, minor))
			r = pr_found_add(f, &address, "display",
				pr_arena_printf(f->sysfs->arena, "used by %s: %s", names, path));

	return r;
}

int pr_group_use(struct pr_finder *f, const char *path, const char *names)
{
	int number = vfio_group(path), r = 0;

	if (number >= 0) {
		r = use_vfio(f, number, names);
		return r < 0 ? r : 1;
	}
	number = nvidia_minor(path);
	if (number < 0)
		return 0;

	r = use_nvidia(f, number, path, names);
	return r < 0 ? r : 1;
}

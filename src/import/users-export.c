/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices that the kernel itself serves to other machines: NVMe over
 * fabrics (nvmet) and the SCSI target (LIO).  No process has them open, and
 * nothing holds them.
 */
#include <string.h>

#include "import/users-finder.h"

/* @node: what the target was told, and NULL when there is none. */
static int use(struct pr_finder *f, const char *node, const char *what, const char *name)
{
	struct pr_block *b = node ? pr_block_by_node(f, node) : NULL;
	const char *begin;

	if (!b)
		return 0;
	begin = pr_arena_printf(f->sysfs->arena, "served by %s as %s", what, name);
	return begin ? pr_block_use(f, b, "export", begin, ": ")
		     : pr_import_no_memory(f->sysfs->error);
}

static const char *line_of(
	const struct pr_finder *f, const char *directory, const char *name, const char *file)
{
	char path[PR_USERS_PATH_SIZE];

	if (!pr_path_format(path, "%s/%s/%s", directory, name, file))
		return NULL;
	return pr_sysfs_line(f->sysfs, path);
}

/* subsystems/NQN/namespaces/1/{device_path,enable} (drivers/nvme/target/configfs.c) */
static int use_namespaces(struct pr_finder *f, const char *subsystem)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PR_USERS_PATH_SIZE];
	const char *enabled;
	int r = 0;

	if (!pr_path_format(path, "sys/kernel/config/nvmet/subsystems/%s/namespaces", subsystem))
		return 0;
	dir = pr_path_dir(f, path);
	for (const char *name; r == 0 && dir && (name = pr_path_next(dir));) {
		enabled = line_of(f, path, name, "enable");
		if (enabled && strcmp(enabled, "1") == 0)
			r = use(f, line_of(f, path, name, "device_path"), "nvmet", subsystem);
	}

	return r;
}

static int find_nvmet(struct pr_finder *f)
{
	_cleanup_closedir_ DIR *dir = pr_path_dir(f, "sys/kernel/config/nvmet/subsystems");
	int r = 0;

	for (const char *name; r == 0 && dir && (name = pr_path_next(dir));)
		r = use_namespaces(f, name);

	return r;
}

/* core/iblock_0/NAME/{udev_path,enable} (drivers/target/target_core_configfs.c) */
static int use_backstores(struct pr_finder *f, const char *adapter)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PR_USERS_PATH_SIZE];
	const char *enabled;
	int r = 0;

	if (strncmp(adapter, "iblock_", strlen("iblock_")) != 0 ||
		!pr_path_format(path, "sys/kernel/config/target/core/%s", adapter))
		return 0;
	dir = pr_path_dir(f, path);
	for (const char *name; r == 0 && dir && (name = pr_path_next(dir));) {
		enabled = line_of(f, path, name, "enable");
		if (enabled && strcmp(enabled, "1") == 0)
			r = use(f, line_of(f, path, name, "udev_path"), "the SCSI target", name);
	}

	return r;
}

int pr_exports_find(struct pr_finder *f)
{
	_cleanup_closedir_ DIR *dir = pr_path_dir(f, "sys/kernel/config/target/core");
	int r = find_nvmet(f);

	for (const char *name; r == 0 && dir && (name = pr_path_next(dir));)
		r = use_backstores(f, name);

	return r;
}

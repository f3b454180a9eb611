/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy of a machine's /sys (and parts of /proc) in a directory: the live
 * importer reads it as it reads the machine, and what such copies lack is told.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/macros.h"
#include "import/companions.h"

#define DEVICES "bus/pci/devices"

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}

/* Has @path/@middle the list of PCI devices? */
static bool has_devices(const char *path, const char *middle)
{
	char list[PATH_MAX];
	int n = snprintf(list, sizeof(list), "%s/%s" DEVICES, path, middle);

	return n > 0 && (size_t)n < sizeof(list) && access(list, R_OK | X_OK) == 0;
}

static bool join(char ret[PATH_MAX], const char *path, const char *name)
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", path, name);

	return n > 0 && n < PATH_MAX;
}

/*
 * The directory that holds sys/: the one named, the one above it (somebody
 * named sys itself), or one inside of it, as archives of whole machines have.
 */
static bool find_root(const char *path, char ret[PATH_MAX])
{
	_cleanup_(closedirp) DIR *dir = NULL;

	if (has_devices(path, "sys/"))
		return join(ret, path, ".");
	if (has_devices(path, "../sys/") && has_devices(path, ""))
		return join(ret, path, "..");
	dir = opendir(path);
	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.' && join(ret, path, e->d_name) && has_devices(ret, "sys/"))
			return true;

	return false;
}

/* In sysfs itself a driver may hang. */
static bool is_copied(const char *root)
{
	char sys[PATH_MAX];
	struct statfs fs;

	return !join(sys, root, "sys") || statfs(sys, &fs) < 0 || fs.f_type != SYSFS_MAGIC;
}

/* Functions of whose configuration space only the header is there: read without privilege. */
static size_t count_short(const struct pr_topology *t)
{
	size_t n = 0;

	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			n += t->roots[i]->functions[k].facts->config_length <= 64;
	return n;
}

int pr_tree_read(const char *path, const struct pr_companions *companions, struct pr_topology **ret,
	struct pr_import_notes *notes, struct pr_import_error *error)
{
	struct pr_live_options options = { .companions = companions };
	char root[PATH_MAX];
	size_t n;
	int r;

	if (!find_root(path, root))
		return pr_import_fail(error, -ENOENT,
			"no PCI devices can be seen here: there is no sys/" DEVICES);
	options.root = root;
	options.copied = is_copied(root);
	r = pr_import_live(&options, ret, error);
	if (r != 0)
		return r;

	n = count_short(*ret);
	if (n > 0)
		pr_note(notes,
			"ports with hot-plug, SR-IOV and Resizable BARs are not recognised there",
			"capabilities of %zu of %zu functions (as root, config has them)", n,
			(*ret)->n_functions);
	pr_note_topology(notes, *ret);
	pr_note(notes, "whoever has a driver counts as restarted, not as in use",
		"users of the functions");
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the rooms of the search for users share: where users are put, paths
 * below the root, block devices with what they are made of.  Each room goes
 * over its source once; what it looks up is sorted.
 */
#pragma once

#include <dirent.h>
#include <limits.h>

#include "base/macros.h"
#include "import/users.h"

#define PR_USERS_PATH_SIZE 512

struct pr_block {
	const char *name;
	const char *link; /* text of its link in sys/class/block */
	const char *title;
	unsigned int major, minor;
	bool has_number;
	bool has_function;         /* @address is the last function on its link */
	bool whole, held, mounted; /* has partitions; is part of another; of a mount */
	bool used;                 /* a user leads through it */
	struct pr_address address;
	struct pr_block *disk;    /* that this is a partition of */
	struct pr_block **slaves; /* what dm, md or bcache made it of */
	size_t n_slaves, max_slaves;
	const char *mapping; /* name of a device of dm */
	const char *backing; /* file behind a loop device */
	unsigned int stamp;  /* of the walk that came here last */
};

struct pr_mount {
	const char *target, *source, *type;
	struct pr_block *block; /* NULL: none, or not known */
	bool part;              /* a bind mount of less than all of it */
};

struct pr_finder {
	const struct pr_users_source *source;
	const struct pr_sysfs *sysfs;
	struct pr_found_user *found;
	size_t n_found, max_found;
	struct pr_block *blocks; /* by name */
	size_t n_blocks, max_blocks;
	struct pr_block **numbers; /* by number */
	size_t n_numbers;
	struct pr_block **mappings; /* by the name of dm */
	size_t n_mappings;
	struct pr_mount *mounts, **targets; /* as the table has them; by target */
	size_t n_mounts, max_mounts;
	const char *remote_root; /* the root file system is on another machine: which one */
	unsigned int stamp;
	struct pr_users *result;
};

/* ---- users-found.c ---- */

/* @what may hold anything an administrator called something; NULL: memory was short. */
int pr_found_add(struct pr_finder *f, const struct pr_address *a, const char *kind, char *what);
/* Sorts, says everything once, and gives users of virtual functions to their physical ones. */
int pr_found_finish(struct pr_finder *f);
/* Another thing that could not be looked at; NULL: memory was short. */
int pr_found_unseen(struct pr_finder *f, char *what);
/* Room for one more in an array of the arena that doubles. */
int pr_users_grow(const struct pr_sysfs *s, void *array, size_t size, size_t n, size_t *max);

/* ---- users-paths.c ---- */

/* False when it would be cut. */
bool pr_path_format(char ret[PR_USERS_PATH_SIZE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool pr_path_link(const struct pr_finder *f, const char *path, char target[PATH_MAX]);
DIR *pr_path_dir(const struct pr_finder *f, const char *path); /* NULL: cannot be opened */
const char *pr_path_next(DIR *dir);                            /* entries that are not hidden */
bool pr_path_exists(const struct pr_finder *f, const char *path);
/* First line of sys/class/CLASS/NAME/ATTRIBUTE; NULL. */
const char *pr_path_class_line(
	const struct pr_finder *f, const char *class, const char *name, const char *attribute);
/* Calls @each with every entry of a directory of links, and where it leads. */
int pr_path_each_link(struct pr_finder *f, const char *path,
	int (*each)(struct pr_finder *f, const char *name, const char *target, void *userdata),
	void *userdata);

static inline void pr_closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}
#define _cleanup_closedir_ _cleanup_(pr_closedirp)

/* ---- users-block.c ---- */

int pr_blocks_load(struct pr_finder *f);
struct pr_block *pr_block_by_name(const struct pr_finder *f, const char *name);
struct pr_block *pr_block_by_number(
	const struct pr_finder *f, unsigned int major, unsigned int minor);
/* By the path of its node, or what a link of that path leads to. */
struct pr_block *pr_block_by_node(const struct pr_finder *f, const char *path);
/* For people: "vg0/data", "luks-root (crypt)", "nvme0n1p2". */
const char *pr_block_title(const struct pr_finder *f, struct pr_block *b);
/*
 * Every function that @b is on, through all layers: "@begin TITLE on LAYER on DISK".  @link is the
 * word before the title (" on ", ": ").
 */
int pr_block_use(struct pr_finder *f, struct pr_block *b, const char *kind, const char *begin,
	const char *link);
/* It is, or is made of, a disk of another machine (iSCSI, NVMe over fabrics, nbd, rbd, DRBD). */
bool pr_block_is_remote(const struct pr_block *b, unsigned int layer);
/* Stacked devices that nothing found so far leads through. */
int pr_blocks_rest(struct pr_finder *f);

/* ---- users-mount.c ---- */

int pr_mounts_find(struct pr_finder *f);
/* Lines of mountinfo of another mount namespace; @who has it. */
int pr_mounts_elsewhere(struct pr_finder *f, char *lines, const char *who);
/* The file system that holds @path; NULL: not known. */
const struct pr_mount *pr_mount_of(const struct pr_finder *f, const char *path);

/* ---- users-net.c ---- */

/*
 * A function has interfaces, and none of them is in our network namespace: sysfs
 * shows the directory, and nothing in it (fs/sysfs/dir.c, tagged directories).
 */
bool pr_net_is_elsewhere(const struct pr_sysfs *s, const struct pr_facts *facts);

/* ---- the other rooms, in the order they are gone through ---- */

int pr_swap_find(struct pr_finder *f);    /* users-mount.c */
int pr_own_find(struct pr_finder *f);     /* users-mount.c: what we run from and write to */
int pr_pools_find(struct pr_finder *f);   /* users-pool.c */
int pr_exports_find(struct pr_finder *f); /* users-export.c: served to other machines */
int pr_device_find(struct pr_finder *f);  /* users-device.c: consoles, watchdogs, mdev, TPM */
int pr_net_find(struct pr_finder *f);     /* users-net.c */
int pr_open_find(struct pr_finder *f);    /* users-open.c */

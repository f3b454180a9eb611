/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices and what they are made of: partitions, the `slaves` of dm, md
 * and bcache (which mirror the `holders` below), the file behind a loop device,
 * the controllers of an NVMe subsystem.  A walk goes down to every function and
 * names each layer on its way.
 */
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/text.h"
#include "import/users-finder.h"

/* Layers of block devices below a file system; the kernel stops stacking long before. */
#define LAYERS_MAX 32
/* "LVM-", and the identifiers of group and volume (lvm2, lib/activate/dev_manager.c). */
#define LVM_UUID_LENGTH (4 + 32 + 32)

/* ---- finding ---- */

static int compare_name(const void *a, const void *b)
{
	return strcmp(((const struct pr_block *)a)->name, ((const struct pr_block *)b)->name);
}

static int compare_number(const void *a, const void *b)
{
	const struct pr_block *x = *(struct pr_block *const *)a, *y = *(struct pr_block *const *)b;

	if (x->major != y->major)
		return x->major < y->major ? -1 : 1;
	return (x->minor > y->minor) - (x->minor < y->minor);
}

struct pr_block *pr_block_by_name(const struct pr_finder *f, const char *name)
{
	const struct pr_block key = { .name = name };

	return f->n_blocks ? bsearch(&key, f->blocks, f->n_blocks, sizeof(key), compare_name)
			   : NULL;
}

struct pr_block *pr_block_by_number(
	const struct pr_finder *f, unsigned int major, unsigned int minor)
{
	struct pr_block key = { .major = major, .minor = minor }, *at = &key, **found;

	if (f->n_numbers == 0)
		return NULL;
	found = bsearch(&at, f->numbers, f->n_numbers, sizeof(*f->numbers), compare_number);
	return found ? *found : NULL;
}

static int compare_mapping(const void *a, const void *b)
{
	return strcmp(
		(*(struct pr_block *const *)a)->mapping, (*(struct pr_block *const *)b)->mapping);
}

/* Where nobody sees /dev/mapper: the service has a /dev of its own. */
static struct pr_block *block_by_mapping(const struct pr_finder *f, const char *name)
{
	struct pr_block key = { .mapping = name }, *at = &key, **found;

	if (f->n_mappings == 0)
		return NULL;
	found = bsearch(&at, f->mappings, f->n_mappings, sizeof(*f->mappings), compare_mapping);
	return found ? *found : NULL;
}

/* "/dev/mapper/vg0-data" is a link to the node, where we see it at all. */
struct pr_block *pr_block_by_node(const struct pr_finder *f, const char *path)
{
	const char *base = strrchr(path, '/');
	char target[PATH_MAX], *slash;
	struct pr_block *b;

	if (!base || path[0] != '/')
		return NULL;
	b = pr_block_by_name(f, base + 1);
	if (!b && pr_path_link(f, path + 1, target)) {
		slash = strrchr(target, '/');
		b = pr_block_by_name(f, slash ? slash + 1 : target);
	}
	if (!b && strncmp(path, "/dev/mapper/", strlen("/dev/mapper/")) == 0)
		b = block_by_mapping(f, base + 1);
	return b;
}

/* ---- loading ---- */

static int add_block(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	struct pr_block *b;
	int r;

	(void)userdata;
	r = pr_users_grow(f->sysfs, &f->blocks, sizeof(*f->blocks), f->n_blocks, &f->max_blocks);
	if (r < 0)
		return r;

	b = &f->blocks[f->n_blocks++];
	b->name = pr_arena_strdup(f->sysfs->arena, name);
	b->link = pr_arena_strdup(f->sysfs->arena, target);
	if (!b->name || !b->link)
		return pr_import_no_memory(f->sysfs->error);
	b->has_function = pr_sysfs_path_function(target, &b->address);
	return 0;
}

static int add_number(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	const char *base = strrchr(target, '/');
	struct pr_block *b = base ? pr_block_by_name(f, base + 1) : NULL;
	unsigned int major, minor;

	(void)userdata;
	if (!b || b->has_number || sscanf(name, "%u:%u", &major, &minor) != 2)
		return 0;
	b->major = major;
	b->minor = minor;
	b->has_number = true;
	f->numbers[f->n_numbers++] = b;
	return 0;
}

/* The disk that a partition is part of is the directory around it. */
static void link_disk(const struct pr_finder *f, struct pr_block *b)
{
	const char *end = strrchr(b->link, '/'), *start;
	char name[NAME_MAX + 1];
	size_t n;

	start = end && end > b->link ? memrchr(b->link, '/', (size_t)(end - b->link)) : NULL;
	n = start ? (size_t)(end - start - 1) : 0;
	if (n == 0 || n >= sizeof(name))
		return;
	memcpy(name, start + 1, n);
	name[n] = '\0';
	b->disk = pr_block_by_name(f, name);
	if (b->disk)
		b->disk->whole = true;
}

static int add_slave(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	struct pr_block *b = userdata, *slave = pr_block_by_name(f, name);
	int r;

	(void)target;
	if (!slave)
		return 0;
	r = pr_users_grow(f->sysfs, &b->slaves, sizeof(*b->slaves), b->n_slaves, &b->max_slaves);
	if (r < 0)
		return r;

	b->slaves[b->n_slaves++] = slave;
	slave->held = true;
	return 0;
}

/*
 * bcache: the disk with the data is a slave like any other; those with the cache are named by its set
 * alone, as links "cacheN" to a directory in each (drivers/md/bcache/super.c, register_cache).
 */
static int add_cache(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	const char *end = strrchr(target, '/'), *start;

	if (strncmp(name, "cache", strlen("cache")) != 0 || !end || end == target)
		return 0;
	start = memrchr(target, '/', (size_t)(end - target));
	start = start ? start + 1 : target;
	name = pr_arena_printf(f->sysfs->arena, "%.*s", (int)(end - start), start);
	return name ? add_slave(f, name, target, userdata) : pr_import_no_memory(f->sysfs->error);
}

static int load_caches(struct pr_finder *f, struct pr_block *b)
{
	char path[PR_USERS_PATH_SIZE];

	if (strncmp(b->name, "bcache", strlen("bcache")) != 0 ||
		!pr_path_format(path, "sys/class/block/%s/bcache/cache", b->name))
		return 0;
	return pr_path_each_link(f, path, add_cache, b);
}

/* zram writes what it cannot compress to a device that it names, and has no slaves. */
static int load_zram(struct pr_finder *f, struct pr_block *b)
{
	const char *backing, *base;

	if (strncmp(b->name, "zram", strlen("zram")) != 0)
		return 0;
	backing = pr_path_class_line(f, "block", b->name, "backing_dev");
	base = backing ? strrchr(backing, '/') : NULL;
	return base ? add_slave(f, base + 1, backing, b) : 0;
}

static int load_stacked(struct pr_finder *f, struct pr_block *b)
{
	char path[PR_USERS_PATH_SIZE];
	int r;

	if (!strstr(b->link, "/virtual/block/") || b->disk)
		return 0;
	if (strncmp(b->name, "dm-", 3) == 0)
		b->mapping = pr_path_class_line(f, "block", b->name, "dm/name");
	if (b->mapping)
		f->mappings[f->n_mappings++] = b;
	if (strncmp(b->name, "loop", strlen("loop")) == 0)
		b->backing = pr_path_class_line(f, "block", b->name, "loop/backing_file");
	r = load_caches(f, b);
	if (r == 0)
		r = load_zram(f, b);
	if (r < 0 || !pr_path_format(path, "sys/class/block/%s/slaves", b->name))
		return r;
	return pr_path_each_link(f, path, add_slave, b);
}

int pr_blocks_load(struct pr_finder *f)
{
	int r;

	r = pr_path_each_link(f, "sys/class/block", add_block, NULL);
	if (r < 0 || f->n_blocks == 0)
		return r;
	qsort(f->blocks, f->n_blocks, sizeof(*f->blocks), compare_name);
	f->numbers = pr_new_array(f->sysfs->arena, f->n_blocks, struct pr_block *);
	f->mappings = pr_new_array(f->sysfs->arena, f->n_blocks, struct pr_block *);
	if (!f->numbers || !f->mappings)
		return pr_import_no_memory(f->sysfs->error);

	r = pr_path_each_link(f, "sys/dev/block", add_number, NULL);
	qsort(f->numbers, f->n_numbers, sizeof(*f->numbers), compare_number);
	for (size_t i = 0; r == 0 && i < f->n_blocks; i++)
		link_disk(f, &f->blocks[i]);
	for (size_t i = 0; r == 0 && i < f->n_blocks; i++)
		r = load_stacked(f, &f->blocks[i]);
	qsort(f->mappings, f->n_mappings, sizeof(*f->mappings), compare_mapping);

	return r;
}

/* ---- names for people ---- */

/* "vg--a-data": one hyphen between the two, two for one within (lvm2, dm_build_dm_name). */
static char *volume_title(const struct pr_finder *f, const char *name)
{
	char *title = pr_arena_strdup(f->sysfs->arena, name), *to = title;
	bool in_volume = false;

	for (const char *from = name; title && *from; from++) {
		if (*from == '-' && from[1] == '-')
			from++;
		else if (*from == '-' && !in_volume) {
			in_volume = true;
			*to++ = '/';
			continue;
		}
		*to++ = *from;
	}
	if (to)
		*to = '\0';
	return title;
}

/* The name, and what kind of mapping it is; "" for a part of a volume that only LVM names. */
static const char *mapped_title(const struct pr_finder *f, const char *name, const char *uuid)
{
	if (!uuid)
		return name;
	if (strncmp(uuid, "LVM-", 4) == 0)
		return strlen(uuid) > LVM_UUID_LENGTH ? "" : volume_title(f, name);
	if (strncmp(uuid, "CRYPT-", 6) == 0)
		return pr_arena_printf(f->sysfs->arena, "%s (crypt)", name);
	if (strncmp(uuid, "mpath-", 6) == 0)
		return pr_arena_printf(f->sysfs->arena, "%s (multipath)", name);
	return name;
}

const char *pr_block_title(const struct pr_finder *f, struct pr_block *b)
{
	const char *name;

	if (b->title)
		return b->title;
	b->title = b->name;
	if (!b->mapping)
		return b->title;
	name = mapped_title(f, b->mapping, pr_path_class_line(f, "block", b->name, "dm/uuid"));
	b->title = name ? name : b->mapping;
	return b->title;
}

/* ---- walking ---- */

struct walk {
	struct pr_finder *f;
	const char *kind;
	unsigned int layer;
};

static int walk(struct walk *w, struct pr_block *b, const char *what);

/* @what and one more layer; NULL: memory was short. */
static const char *add_layer(const struct walk *w, const char *what, struct pr_block *b)
{
	const char *title = pr_block_title(w->f, b);

	if (!*title)
		return what;
	return pr_arena_printf(w->f->sysfs->arena, "%s on %s", what, title);
}

static int walk_layer(struct walk *w, struct pr_block *b, const char *what)
{
	const char *more = add_layer(w, what, b);

	return more ? walk(w, b, more) : pr_import_no_memory(w->f->sysfs->error);
}

static int walk_backing(struct walk *w, const struct pr_block *b, const char *what)
{
	const struct pr_mount *m = b->backing ? pr_mount_of(w->f, b->backing) : NULL;
	const char *more;

	if (!m || !m->block)
		return 0;
	more = pr_arena_printf(w->f->sysfs->arena, "%s on %s", what, b->backing);
	if (!more)
		return pr_import_no_memory(w->f->sysfs->error);
	return walk_layer(w, m->block, more);
}

struct subsystem {
	struct walk *walk;
	const char *what;
};

static int walk_controller(
	struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	const struct subsystem *s = userdata;
	struct pr_address address;

	(void)name;
	if (!pr_sysfs_path_function(target, &address))
		return 0;
	return pr_found_add(f, &address, s->walk->kind, pr_arena_strdup(f->sysfs->arena, s->what));
}

/*
 * NVMe with several controllers: the disk hangs below a virtual subsystem,
 * which links to its controllers (drivers/nvme/host/multipath.c).
 */
static int walk_subsystem(struct walk *w, const struct pr_block *b, const char *what)
{
	const char *start = strstr(b->link, "/nvme-subsystem/");
	struct subsystem s = { .walk = w, .what = what };
	char path[PR_USERS_PATH_SIZE];

	if (!start)
		return 0;
	start += strlen("/nvme-subsystem/");
	if (!pr_path_format(path, "sys/class/nvme-subsystem/%.*s", (int)strcspn(start, "/"), start))
		return 0;
	return pr_path_each_link(w->f, path, walk_controller, &s);
}

static int walk_slaves(struct walk *w, struct pr_block *b, const char *what)
{
	int r = 0;

	w->layer++;
	for (size_t i = 0; r == 0 && i < b->n_slaves && w->layer < LAYERS_MAX; i++)
		r = walk_layer(w, b->slaves[i], what);
	w->layer--;
	return r;
}

/* Each device once a walk: layers may meet again below, or form a circle. */
static int walk(struct walk *w, struct pr_block *b, const char *what)
{
	int r;

	if (b->stamp == w->f->stamp)
		return 0;
	b->stamp = w->f->stamp;
	b->used = true;
	if (b->disk)
		return walk(w, b->disk, what);

	r = b->has_function ? pr_found_add(w->f, &b->address, w->kind,
				      pr_arena_strdup(w->f->sysfs->arena, what))
			    : 0;
	if (r < 0)
		return r;
	r = walk_subsystem(w, b, what);
	if (r < 0)
		return r;
	r = walk_backing(w, b, what);
	if (r < 0)
		return r;

	return walk_slaves(w, b, what);
}

int pr_block_use(struct pr_finder *f, struct pr_block *b, const char *kind, const char *begin,
	const char *link)
{
	struct walk w = { .f = f, .kind = kind };
	const char *title = pr_block_title(f, b), *what;

	what = pr_arena_printf(f->sysfs->arena, "%s%s%s", begin, link, *title ? title : b->name);
	if (!what)
		return pr_import_no_memory(f->sysfs->error);

	f->stamp++;
	return walk(&w, b, what);
}

bool pr_block_is_remote(const struct pr_block *b, unsigned int layer)
{
	static const char *const marks[] = { "/session", "/nvme-fabrics/", "/block/nbd",
		"/block/rbd", "/block/drbd", "/rbd/", NULL };

	for (const char *const *mark = marks; *mark; mark++)
		if (strstr(b->link, *mark))
			return true;
	for (size_t i = 0; i < b->n_slaves && layer < LAYERS_MAX; i++)
		if (pr_block_is_remote(b->slaves[i], layer + 1))
			return true;

	return b->disk && layer < LAYERS_MAX && pr_block_is_remote(b->disk, layer + 1);
}

/* An array that runs, or a volume that is open, although nothing is known to be mounted on it. */
int pr_blocks_rest(struct pr_finder *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n_blocks; i++) {
		struct pr_block *b = &f->blocks[i];

		if (b->n_slaves > 0 && !b->held && !b->used)
			r = pr_block_use(f, b, "stack", "part of", " ");
	}

	return r;
}

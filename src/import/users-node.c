/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Character devices by number and by name, and what kind of use an open one is. */
#include <stdio.h>
#include <string.h>

#include "import/users-open.h"

/* By the class on the path of a device in sysfs. */
static const struct {
	const char *class, *kind;
} kinds[] = {
	{ "/watchdog/", "watchdog" },
	{ "/vfio-dev/", "vfio" },
	{ "/drm/", "display" },
	{ "/graphics/", "display" },
	{ "/sound/", "sound" },
	{ "/input/", "input" },
	{ "/hidraw/", "input" },
	{ "/tpm/", "tpm" },
	{ "/tpmrm/", "tpm" },
	{ "/tty/", "serial" },
};

const char *pr_node_kind(const struct pr_node *node)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strstr(node->link, kinds[i].class))
			return kinds[i].kind;

	return "open";
}

static int add_node(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	struct pr_nodes *nodes = userdata;
	const char *base;
	struct pr_node n;
	int r;

	if (sscanf(name, "%u:%u", &n.major, &n.minor) != 2)
		return 0;
	r = pr_users_grow(
		f->sysfs, &nodes->by_number, sizeof(*nodes->by_number), nodes->n, &nodes->max);
	if (r < 0)
		return r;
	n.link = pr_arena_strdup(f->sysfs->arena, target);
	if (!n.link)
		return pr_import_no_memory(f->sysfs->error);

	base = strrchr(n.link, '/');
	n.name = base ? base + 1 : n.link;
	nodes->by_number[nodes->n++] = n;
	return 0;
}

static int compare_number(const void *a, const void *b)
{
	const struct pr_node *m = a, *n = b;

	if (m->major != n->major)
		return m->major < n->major ? -1 : 1;
	return (m->minor > n->minor) - (m->minor < n->minor);
}

static int compare_name(const void *a, const void *b)
{
	return strcmp((*(struct pr_node *const *)a)->name, (*(struct pr_node *const *)b)->name);
}

static int load(struct pr_finder *f, struct pr_nodes *nodes)
{
	int r;

	nodes->loaded = true;
	r = pr_path_each_link(f, "sys/dev/char", add_node, nodes);
	if (r < 0 || nodes->n == 0)
		return r;
	nodes->by_name = pr_new_array(f->sysfs->arena, nodes->n, struct pr_node *);
	if (!nodes->by_name)
		return pr_import_no_memory(f->sysfs->error);

	qsort(nodes->by_number, nodes->n, sizeof(*nodes->by_number), compare_number);
	for (size_t i = 0; i < nodes->n; i++)
		nodes->by_name[i] = &nodes->by_number[i];
	qsort(nodes->by_name, nodes->n, sizeof(struct pr_node *), compare_name);
	return 0;
}

int pr_node_find(struct pr_finder *f, struct pr_nodes *nodes, const char *number, const char *path,
	const struct pr_node **ret)
{
	const char *base = strrchr(path, '/');
	struct pr_node key = { .name = base ? base + 1 : path }, *at = &key, **found;
	int r = nodes->loaded ? 0 : load(f, nodes);

	if (r < 0)
		return r;
	*ret = NULL;
	if (nodes->n == 0)
		return 0;
	if (sscanf(number, "c%u:%u", &key.major, &key.minor) == 2) {
		*ret = bsearch(&key, nodes->by_number, nodes->n, sizeof(key), compare_number);
	} else if (strcmp(number, "-") == 0) {
		found = bsearch(&at, nodes->by_name, nodes->n, sizeof(at), compare_name);
		*ret = found ? *found : NULL;
	}

	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has what open: from the list of processes (base/processes.h) to nodes,
 * from nodes to functions.  Many processes with one node are one user that
 * names some of them.  The nodes of VFIO and NVIDIA are users-group.c's.
 */
#include <stdio.h>
#include <string.h>

#include "base/processes.h"
#include "import/users-open.h"

/* Processes of one node that are named; beyond them they are counted. */
#define PROCESSES_NAMED 3

struct process {
	const char *pid, *command, *guest;
	bool passing; /* looks at everything for a moment, which is no use */
};
/* One process, one thing that it has open. */
struct holding {
	const char *number, *path, *who;
	bool mapped;
	size_t order;
};
struct list {
	struct pr_finder *f;
	struct process process; /* of the line at hand */
	struct holding *holdings;
	size_t n, max;
	struct pr_nodes nodes;
	bool complete;
};

/* ---- lines ---- */

/* udev's workers open what they identify. */
static bool is_passing(const char *command)
{
	return strcmp(command, "(udev-worker)") == 0 || strcmp(command, "systemd-udevd") == 0 ||
	       strcmp(command, "udevd") == 0;
}

/* Cuts the next field off; "" when there is none. */
static char *next_field(char **line)
{
	char *field = *line, *tab = strchr(field, '\t');

	*line = tab ? tab + 1 : field + strlen(field);
	if (tab)
		*tab = '\0';
	return field;
}

/* "VM guest vm7", or "smartd (812)". */
static const char *who(const struct list *l)
{
	const struct process *p = &l->process;

	if (*p->guest)
		return pr_arena_printf(l->f->sysfs->arena, "VM guest %s", p->guest);
	return pr_arena_printf(l->f->sysfs->arena, "%s (%s)", p->command, p->pid);
}

static int on_process(struct list *l, char *fields)
{
	l->process.pid = next_field(&fields);
	l->process.command = next_field(&fields);
	l->process.guest = next_field(&fields);
	l->process.passing = is_passing(l->process.command);
	return 0;
}

static int add_holding(struct list *l, const char *number, const char *path, bool mapped)
{
	struct holding h = { .number = number, .path = path, .mapped = mapped, .order = l->n };
	int r;

	if (l->process.passing || !l->process.pid)
		return 0;
	h.who = who(l);
	if (!h.who)
		return pr_import_no_memory(l->f->sysfs->error);
	r = pr_users_grow(l->f->sysfs, &l->holdings, sizeof(*l->holdings), l->n, &l->max);
	if (r < 0)
		return r;

	l->holdings[l->n++] = h;
	return 0;
}

static int on_open(struct list *l, char *fields)
{
	const char *number = next_field(&fields);

	return add_holding(l, number, next_field(&fields), false);
}

static int on_map(struct list *l, char *fields)
{
	return add_holding(l, "-", next_field(&fields), true);
}

static int on_mount(struct list *l, char *fields)
{
	const char *has_it = l->process.pid ? who(l) : "";

	if (!has_it)
		return pr_import_no_memory(l->f->sysfs->error);
	return pr_mounts_elsewhere(l->f, fields, has_it);
}

static int on_unread(struct list *l, char *fields)
{
	l->complete = true;
	if (strcmp(fields, "0") == 0)
		return 0;
	if (strcmp(fields, "all") == 0)
		return pr_found_unseen(l->f,
			pr_arena_strdup(l->f->sysfs->arena,
				"processes of others are hidden, and with them what they have "
				"open"));
	return pr_found_unseen(
		l->f, pr_arena_printf(l->f->sysfs->arena,
			      "open files of %s processes could not be read", fields));
}

static int on_line(struct list *l, char *line)
{
	static const struct {
		const char *word;
		int (*take)(struct list *l, char *fields);
	} words[] = { { "process", on_process }, { "open", on_open }, { "map", on_map },
		{ "mount", on_mount }, { "unread", on_unread } };
	const char *word = next_field(&line);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i].word) == 0)
			return words[i].take(l, line);

	return 0; /* of a later version */
}

static int read_list(struct list *l)
{
	char *save = NULL;
	int r = 0;

	for (char *line = strtok_r(l->f->source->processes, "\n", &save); r == 0 && line;
		line = strtok_r(NULL, "\n", &save))
		r = on_line(l, line);
	if (r < 0 || l->complete)
		return r;

	return pr_found_unseen(l->f, pr_arena_strdup(l->f->sysfs->arena,
					     "the list of what processes have open was cut short"));
}

/* ---- one node ---- */

static int compare_thing(const struct holding *g, const struct holding *h)
{
	int r = strcmp(g->number, h->number);

	/* one node may have several names */
	if (r == 0 && strcmp(g->number, "-") == 0)
		r = strcmp(g->path, h->path);
	return r ? r : g->mapped - h->mapped;
}

static int compare_holding(const void *a, const void *b)
{
	const struct holding *g = a, *h = b;
	int r = compare_thing(g, h);

	return r ? r : (g->order > h->order) - (g->order < h->order);
}

/* "Xorg (812), gnome-shell (900) and 3 more"; NULL: memory was short. */
static const char *name_processes(const struct pr_finder *f, const struct holding *h, size_t n)
{
	const char *text = h[0].who;
	size_t named = 1, others = 0;

	for (size_t i = 1; text && i < n; i++) {
		if (strcmp(h[i].who, h[i - 1].who) == 0)
			continue;
		if (named++ < PROCESSES_NAMED)
			text = pr_arena_printf(f->sysfs->arena, "%s, %s", text, h[i].who);
		else
			others++;
	}
	if (text && others > 0)
		text = pr_arena_printf(f->sysfs->arena, "%s and %zu more", text, others);
	return text;
}

/* The file through which a program reaches a device's addresses. */
static int use_resource(struct pr_finder *f, const struct holding *h, const char *names)
{
	struct pr_address address;

	if (!pr_sysfs_path_function(h->path, &address))
		return 0;
	return pr_found_add(f, &address, h->mapped ? "map" : "open",
		pr_arena_printf(f->sysfs->arena, "used by %s: %s%s", names,
			strrchr(h->path, '/') + 1, h->mapped ? " mapped" : ""));
}

static int use_node(
	struct pr_finder *f, struct pr_nodes *nodes, const struct holding *h, const char *names)
{
	const struct pr_node *node;
	struct pr_address address;
	int r;

	r = pr_node_find(f, nodes, h->number, h->path, &node);
	if (r < 0 || !node || !pr_sysfs_path_function(node->link, &address))
		return r;
	return pr_found_add(f, &address, pr_node_kind(node),
		pr_arena_printf(f->sysfs->arena, "used by %s: %s%s", names, h->path,
			h->mapped ? " mapped" : ""));
}

static struct pr_block *block_of(const struct pr_finder *f, const struct holding *h)
{
	unsigned int major, minor;

	if (sscanf(h->number, "b%u:%u", &major, &minor) == 2)
		return pr_block_by_number(f, major, minor);
	return strcmp(h->number, "-") == 0 ? pr_block_by_node(f, h->path) : NULL;
}

/* @n processes with one thing. */
static int use_thing(struct list *l, const struct holding *h, size_t n)
{
	const char *names = name_processes(l->f, h, n), *begin;
	struct pr_block *b;
	int r;

	if (!names)
		return pr_import_no_memory(l->f->sysfs->error);
	if (strncmp(h->path, "/sys/", 5) == 0)
		return use_resource(l->f, h, names);
	r = pr_group_use(l->f, h->path, names);
	if (r != 0)
		return r < 0 ? r : 0;
	b = block_of(l->f, h);
	if (!b)
		return use_node(l->f, &l->nodes, h, names);

	begin = pr_arena_printf(l->f->sysfs->arena, "used by %s", names);
	return begin ? pr_block_use(l->f, b, "open", begin, ": ")
		     : pr_import_no_memory(l->f->sysfs->error);
}

int pr_open_find(struct pr_finder *f)
{
	struct list l = { .f = f };
	int r;

	if (!f->source->processes)
		return pr_found_unseen(
			f, pr_arena_strdup(f->sysfs->arena,
				   "what processes have open could not be looked at"));
	r = read_list(&l);
	if (r < 0 || l.n == 0)
		return r;

	qsort(l.holdings, l.n, sizeof(*l.holdings), compare_holding);
	for (size_t i = 0, n; r == 0 && i < l.n; i += n) {
		for (n = 1; i + n < l.n; n++)
			if (compare_thing(&l.holdings[i], &l.holdings[i + n]) != 0)
				break;
		r = use_thing(&l, &l.holdings[i], n);
	}

	return r;
}

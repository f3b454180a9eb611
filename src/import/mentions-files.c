/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of configuration that may name an address, or an interface called
 * after one: one table of places.  What else there is on a machine cannot be
 * known; the places are those that packages use.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "import/mentions.h"
#include "import/users-finder.h"

#define FILE_MAX  (256u * 1024u)
#define TOTAL_MAX (8u * 1024u * 1024u)
#define FILES_MAX 1024u /* of one directory */

static const struct place {
	const char *path;   /* a file, or a directory without what is below its directories */
	const char *suffix; /* of files in the directory; NULL: all */
	unsigned int style;
} places[] = {
	{ "etc/driverctl.d", NULL, PR_MENTION_HASH },
	{ "etc/libvirt/qemu", ".xml", PR_MENTION_LIBVIRT },
	{ "etc/libvirt/qemu/networks", ".xml", PR_MENTION_LIBVIRT },
	{ "etc/libvirt/storage", ".xml", PR_MENTION_LIBVIRT },
	{ "etc/pve/qemu-server", ".conf", PR_MENTION_HASH | PR_MENTION_CARD },
	{ "etc/pve/mapping/pci.cfg", NULL, PR_MENTION_HASH | PR_MENTION_CARD },
	{ "etc/udev/rules.d", ".rules", PR_MENTION_HASH },
	{ "run/udev/rules.d", ".rules", PR_MENTION_HASH },
	{ "etc/modprobe.d", ".conf", PR_MENTION_HASH },
	{ "proc/cmdline", NULL, 0 },
	{ "etc/default/grub", NULL, PR_MENTION_HASH },
	{ "etc/default/grub.d", ".cfg", PR_MENTION_HASH },
	{ "etc/kernel/cmdline", NULL, PR_MENTION_HASH },
	{ "boot/loader/entries", ".conf", PR_MENTION_HASH },
	{ "etc/X11/xorg.conf", NULL, PR_MENTION_HASH | PR_MENTION_X11 },
	{ "etc/X11/xorg.conf.d", ".conf", PR_MENTION_HASH | PR_MENTION_X11 },
	{ "etc/network/interfaces", NULL, PR_MENTION_HASH },
	{ "etc/network/interfaces.d", NULL, PR_MENTION_HASH },
	{ "etc/systemd/network", NULL, PR_MENTION_HASH },
	{ "run/systemd/network", NULL, PR_MENTION_HASH },
	{ "etc/systemd/system", ".service", PR_MENTION_HASH },
	{ "etc/NetworkManager/system-connections", NULL, PR_MENTION_HASH },
	{ "etc/netplan", ".yaml", PR_MENTION_HASH },
	{ "etc/sysconfig/network", NULL, PR_MENTION_HASH },
	{ "etc/sysconfig/network-scripts", NULL, PR_MENTION_HASH },
	{ "etc/nftables.conf", NULL, PR_MENTION_HASH },
	{ "etc/iptables", NULL, PR_MENTION_HASH },
	{ "etc/dpdk/interfaces", NULL, PR_MENTION_HASH },
	{ "etc/fstab", NULL, PR_MENTION_HASH },
	{ "etc/crypttab", NULL, PR_MENTION_HASH },
	{ "etc/mdadm/mdadm.conf", NULL, PR_MENTION_HASH },
	{ "etc/pciroom/conf.d", ".yaml", PR_MENTION_HASH },
};

/* One file while it is looked through. */
struct looking {
	struct pr_effects_search *s;
	const char *file; /* with its slash; in the arena once something is found */
	bool name;        /* it is the file's name that is looked at */
	bool kept;
};

static int add_mention(struct looking *l, unsigned int line, const struct pr_effect *e)
{
	struct pr_effect effect = *e;

	if (!l->kept)
		l->file = pr_arena_strdup(l->s->plan->arena, l->file);
	l->kept = true;
	if (!l->file)
		return -ENOMEM;
	effect.kind = PR_EFFECT_MENTION;
	effect.file = l->file;
	effect.line = l->name ? 0 : line;
	return pr_effect_add(l->s, &effect);
}

static int add_address(struct looking *l, unsigned int line, const struct pr_renumbered *moved)
{
	char before[PR_ADDRESS_MAX], after[PR_ADDRESS_MAX];
	struct pr_effect e = { .function = moved->before };

	pr_address_format(&moved->before->address, before);
	pr_address_format(&moved->after->address, after);
	e.before = pr_arena_strdup(l->s->plan->arena, before);
	e.after = pr_arena_strdup(l->s->plan->arena, after);
	return e.before && e.after ? add_mention(l, line, &e) : -ENOMEM;
}

static int found(void *userdata, unsigned int line, const struct pr_address *a, size_t name)
{
	struct looking *l = userdata;
	const struct pr_gone_name *gone;

	if (a) {
		const struct pr_renumbered *moved = pr_renumbered_find(l->s->plan, a);

		return moved ? add_address(l, line, moved) : 0;
	}
	gone = &l->s->names[name];
	return add_mention(l, line,
		&(struct pr_effect){
			.function = gone->function, .before = gone->before, .after = gone->after });
}

static int scan(struct looking *l, const char *text, size_t size, unsigned int style)
{
	struct pr_effects_search *s = l->s;
	const char **names = pr_new_array(s->plan->arena, s->n_names, const char *);

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_names; i++)
		names[i] = s->names[i].before;
	return pr_mentions_scan(text, size, style,
		&(struct pr_mention_sink){
			.names = names, .n_names = s->n_names, .found = found, .userdata = l });
}

static int note_unread(struct pr_effects_search *s, const char *path, const char *why)
{
	return pr_effects_note_unseen(
		s, pr_arena_printf(s->plan->arena, "/%s cannot be read: %s", path, why));
}

/* The contents of /@path. */
static int look_into(struct pr_effects_search *s, const struct place *p, const char *path)
{
	_cleanup_free_ char *text = NULL;
	char file[PR_USERS_PATH_SIZE];
	struct looking l = { .s = s, .file = file };
	size_t size;
	int r;

	r = pr_read_file_at(s->sysfs.root, path, FILE_MAX, &text, &size);
	if (r == -ENOENT || r == -ENOTDIR || r == -EISDIR)
		return 0;
	if (r < 0)
		return r == -ENOMEM ? r : note_unread(s, path, strerror(-r));
	s->bytes += size;
	if (s->bytes > TOTAL_MAX) {
		s->full = true;
		return 0;
	}
	if (!pr_path_format(file, "/%s", path))
		return 0; /* longer than any path of the table with a file's name */
	return scan(&l, text, size, p->style);
}

/* What a file is called may be an address (driverctl) or an interface (ifcfg-NAME). */
static int look_at_name(struct pr_effects_search *s, const char *path, const char *name)
{
	char file[PR_USERS_PATH_SIZE];
	struct looking l = { .s = s, .file = file, .name = true };

	if (!pr_path_format(file, "/%s", path))
		return 0;
	if (strncmp(name, "ifcfg-", strlen("ifcfg-")) == 0)
		name += strlen("ifcfg-");
	return scan(&l, name, strlen(name), 0);
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n >= m && strcmp(name + n - m, suffix) == 0;
}

static int look_through(struct pr_effects_search *s, const struct place *p, DIR *dir)
{
	char path[PR_USERS_PATH_SIZE];
	unsigned int n = 0;
	int r = 0;

	for (const char *name; r == 0 && (name = pr_path_next(dir));) {
		if ((p->suffix && !ends_with(name, p->suffix)) ||
			!pr_path_format(path, "%s/%s", p->path, name))
			continue;
		if (++n > FILES_MAX || s->bytes > TOTAL_MAX) {
			s->full = true;
			return 0;
		}
		r = look_at_name(s, path, name);
		if (r == 0)
			r = look_into(s, p, path);
	}
	return r;
}

static int look_at(struct pr_effects_search *s, const struct place *p)
{
	_cleanup_closedir_ DIR *dir = NULL;
	int fd;

	fd = openat(s->sysfs.root, p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOTDIR)
		return look_into(s, p, p->path);
	if (fd < 0)
		return errno == ENOENT ? 0 : note_unread(s, p->path, strerror(errno));
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd); /* nothing was read */
		return -ENOMEM;
	}
	return look_through(s, p, dir);
}

int pr_effects_find_files(struct pr_effects_search *s)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++)
		r = look_at(s, &places[i]);
	return r;
}

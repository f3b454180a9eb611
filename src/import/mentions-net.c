/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of network interfaces.  systemd-udevd computes several for each
 * (systemd.net-naming-scheme(7)) and its policy picks one; both are in its
 * database.  Of them only the name by path holds the bus number, so that it
 * is the one to rewrite, whatever the scheme put behind it.  What decides is
 * not evaluated again: where it is not one of these names, that is said.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "import/mentions.h"
#include "import/users-finder.h"

#define DATABASE_MAX \
	(64u * 1024u) /* bytes that udev keeps of one interface; a few hundred are usual */

enum name_kind {
	NAME_ONBOARD = 0,
	NAME_SLOT,
	NAME_PATH,
	NAME_MAC,
	NAME_LINK_FILE, /* that chose; not a name */
	_NAME_MAX,
};
static const char *const keys[_NAME_MAX] = { "ID_NET_NAME_ONBOARD", "ID_NET_NAME_SLOT",
	"ID_NET_NAME_PATH", "ID_NET_NAME_MAC", "ID_NET_LINK_FILE" };

struct interface {
	struct pr_effects_search *s;
	const char *name;
	const struct pr_renumbered *moved;
	bool known;                  /* udev has said something of it */
	const char *udev[_NAME_MAX]; /* NULL: none */
};

/* ---- what udev says ---- */

static int take_property(struct interface *i, const char *line)
{
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		const size_t n = strlen(keys[k]);

		if (strncmp(line, "E:", 2) != 0 || strncmp(line + 2, keys[k], n) != 0 ||
			line[2 + n] != '=')
			continue;
		i->known = true;
		i->udev[k] = pr_arena_strdup(i->s->plan->arena, line + 2 + n + 1);
		return i->udev[k] ? 0 : -ENOMEM;
	}
	return 0;
}

/* run/udev/data/nINDEX: lines "E:KEY=VALUE" among others. */
static int read_database(struct interface *i)
{
	const struct pr_finder finder = { .sysfs = &i->s->sysfs };
	const char *index = pr_path_class_line(&finder, "net", i->name, "ifindex");
	_cleanup_free_ char *text = NULL;
	char path[PR_USERS_PATH_SIZE], *save = NULL;
	size_t size;
	int r = 0;

	if (!index || !pr_path_format(path, "run/udev/data/n%s", index) ||
		pr_read_file_at(i->s->sysfs.root, path, DATABASE_MAX, &text, &size) < 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &save); line && r == 0;
		line = strtok_r(NULL, "\n", &save)) {
		pr_text_clean(line);
		r = take_property(i, line);
	}
	return r;
}

/* ---- names by path ---- */

static bool take_number(const char **at, unsigned int *ret)
{
	char *end;
	unsigned long n;

	if (!isdigit((unsigned char)**at))
		return false;
	n = strtoul(*at, &end, 10);
	*at = end;
	*ret = (unsigned int)n;
	return n <= UINT32_MAX;
}

/* A virtual function is called after its physical one. */
static const struct pr_renumbered *named_after(const struct interface *i)
{
	const struct pr_facts *facts = i->moved->before->facts;

	return facts->is_vf ? pr_renumbered_find(i->s->plan, &facts->physfn) : i->moved;
}

/* "enP2p8s0f1np1" of bus 8 in domain 2, on another bus.  0; 1: it is no such name; -ENOMEM. */
static int rewrite(const struct interface *i, const char *name, const char **ret)
{
	const struct pr_renumbered *moved = named_after(i);
	unsigned int domain = 0, bus, device;
	const char *at = name + 2, *rest;

	if (!moved || strlen(name) < 2)
		return 1;
	if (*at == 'P' && (at++, !take_number(&at, &domain)))
		return 1;
	if (*at++ != 'p' || !take_number(&at, &bus))
		return 1;
	rest = at;
	if (*at++ != 's' || !take_number(&at, &device) || domain != moved->before->address.domain ||
		bus != moved->before->address.bus)
		return 1;
	*ret = domain == 0 ? pr_arena_printf(i->s->plan->arena, "%.2sp%u%s", name,
				     moved->after->address.bus, rest)
			   : pr_arena_printf(i->s->plan->arena, "%.2sP%up%u%s", name, domain,
				     moved->after->address.bus, rest);
	return *ret ? 0 : -ENOMEM;
}

/* ---- what is said ---- */

static int add_gone(const struct interface *i, const char *before, const char *after)
{
	struct pr_effects_search *s = i->s;
	int r;

	r = pr_users_grow(&s->sysfs, &s->names, sizeof(*s->names), s->n_names, &s->max_names);
	if (r == 0)
		s->names[s->n_names++] = (struct pr_gone_name){
			.before = before, .after = after, .function = i->moved->before
		};
	return r;
}

static int say(const struct interface *i, const char *before, const char *after, const char *text)
{
	if (!text)
		return -ENOMEM;
	return pr_effect_add(i->s, &(struct pr_effect){ .kind = PR_EFFECT_INTERFACE,
					   .function = i->moved->before,
					   .before = before,
					   .after = after,
					   .text = text });
}

static const char *if_taken(const struct interface *i, const char *name)
{
	const struct pr_finder finder = { .sysfs = &i->s->sysfs };
	char path[PR_USERS_PATH_SIZE];

	return pr_path_format(path, "sys/class/net/%s", name) && pr_path_exists(&finder, path)
		       ? ", a name that another one has now"
		       : "";
}

static int say_renamed(const struct interface *i, const char *after)
{
	int r;

	r = say(i, i->name, after,
		pr_arena_printf(i->s->plan->arena, "network interface %s becomes %s%s", i->name,
			after, if_taken(i, after)));
	return r == 0 ? add_gone(i, i->name, after) : r;
}

/* It goes by another name, and may have this one beside it. */
static int say_alternative(const struct interface *i)
{
	const char *path = i->udev[NAME_PATH], *after;
	int r;

	if (!path || strcmp(path, i->name) == 0)
		return 0;
	r = rewrite(i, path, &after);
	if (r != 0)
		return r < 0 ? r : 0;
	r = say(i, path, after,
		pr_arena_printf(i->s->plan->arena,
			"network interface %s: its name by path, %s, becomes %s", i->name, path,
			after));
	return r == 0 ? add_gone(i, path, after) : r;
}

static int say_perhaps(const struct interface *i, bool gone, const char *why)
{
	int r;

	r = why ? say(i, i->name, NULL,
			  pr_arena_printf(i->s->plan->arena,
				  "network interface %s may be called otherwise: %s", i->name, why))
		: -ENOMEM;
	return r == 0 && gone ? add_gone(i, i->name, NULL) : r;
}

static bool is(const struct interface *i, enum name_kind kind)
{
	return i->udev[kind] && strcmp(i->udev[kind], i->name) == 0;
}

/* The firmware's number comes by ACPI, or else from a table of SMBIOS that knows addresses. */
static bool is_in_smbios(const struct interface *i)
{
	char address[PR_ADDRESS_MAX], path[PR_USERS_PATH_SIZE];
	const struct pr_finder finder = { .sysfs = &i->s->sysfs };

	pr_address_format(&i->moved->before->address, address);
	return pr_path_format(path, "sys/bus/pci/devices/%s/acpi_index", address) &&
	       !pr_path_exists(&finder, path);
}

/* "eth0" */
static bool is_kernel_name(const char *name)
{
	static const char *const heads[] = { "eth", "wlan", "wwan", "ib", "usb" };

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		const size_t n = strlen(heads[i]);

		if (strncmp(name, heads[i], n) == 0 && name[n] != '\0' &&
			strspn(name + n, "0123456789") == strlen(name + n))
			return true;
	}
	return false;
}

/* No name that is computed: somebody else's. */
static int say_unknown(const struct interface *i)
{
	if (is_kernel_name(i->name))
		return say_perhaps(i, true,
			"the kernel numbers interfaces in the order in which it finds them");
	if (i->udev[NAME_LINK_FILE])
		return say_perhaps(i, false,
			pr_arena_printf(i->s->plan->arena, "%s and udev's rules decide",
				i->udev[NAME_LINK_FILE]));
	return say_perhaps(i, false, "who named it is not known");
}

static int say_name(const struct interface *i)
{
	const char *after;
	int r;

	if (is(i, NAME_MAC) || is(i, NAME_SLOT))
		return 0;
	if (is(i, NAME_ONBOARD))
		return is_in_smbios(i) ? say_perhaps(i, true,
						 "the firmware's table of onboard devices knows it "
						 "by its address")
				       : 0;
	if (!i->known || is(i, NAME_PATH)) {
		r = rewrite(i, i->name, &after);
		if (r <= 0)
			return r < 0 ? r : say_renamed(i, after);
	}
	return say_unknown(i);
}

static int look_at(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	struct interface i = { .s = userdata };
	struct pr_address a;
	int r;

	(void)f;
	if (!pr_sysfs_path_function(target, &a))
		return 0;
	i.moved = pr_renumbered_find(i.s->plan, &a);
	if (!i.moved)
		return 0;
	i.name = pr_arena_strdup(i.s->plan->arena, name);
	r = i.name ? read_database(&i) : -ENOMEM;
	if (r == 0)
		r = say_name(&i);
	return r == 0 ? say_alternative(&i) : r;
}

int pr_effects_find_interfaces(struct pr_effects_search *s)
{
	struct pr_finder finder = { .sysfs = &s->sysfs };

	return pr_path_each_link(&finder, "sys/class/net", look_at, s);
}

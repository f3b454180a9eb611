/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links in /dev that udev calls after the path to a device (its path_id):
 * "pci-0000:08:00.0-nvme-1".  The first address is that of the function.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "import/mentions.h"
#include "import/users-finder.h"

static const char *const places[] = { "dev/disk/by-path", "dev/dri/by-path", "dev/serial/by-path",
	"dev/snd/by-path", "dev/v4l/by-path", "dev/input/by-path" };

/* It follows its disk, which is named. */
static bool is_partition(const char *name)
{
	const char *part = strstr(name, "-part");

	return part && isdigit((unsigned char)part[strlen("-part")]);
}

static int add_link(struct pr_effects_search *s, const char *place, const char *name, size_t at,
	size_t length, const struct pr_renumbered *moved)
{
	struct pr_arena *arena = s->plan->arena;
	struct pr_effect e = { .kind = PR_EFFECT_LINK, .function = moved->before };
	char address[PR_ADDRESS_MAX];

	pr_address_format(&moved->after->address, address);
	e.before = pr_arena_printf(arena, "/%s/%s", place, name);
	e.after = pr_arena_printf(
		arena, "/%s/%.*s%s%s", place, (int)at, name, address, name + at + length);
	if (!e.before || !e.after)
		return -ENOMEM;
	e.text = pr_arena_printf(arena, "%s becomes %s", e.before, e.after + 2 + strlen(place));
	return e.text ? pr_effect_add(s, &e) : -ENOMEM;
}

static int look_at(struct pr_effects_search *s, const char *place, const char *name)
{
	const struct pr_renumbered *moved;
	struct pr_address a;
	size_t at, length;

	if (strncmp(name, "pci-", strlen("pci-")) != 0 || is_partition(name) ||
		!pr_mention_address(name, strlen(name), &a, &at, &length))
		return 0;
	moved = pr_renumbered_find(s->plan, &a);
	return moved ? add_link(s, place, name, at, length, moved) : 0;
}

int pr_effects_find_links(struct pr_effects_search *s)
{
	const struct pr_finder finder = { .sysfs = &s->sysfs };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++) {
		_cleanup_closedir_ DIR *dir = pr_path_dir(&finder, places[i]);

		for (const char *name; r == 0 && dir && (name = pr_path_next(dir));)
			r = look_at(s, places[i], name);
	}
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel itself uses: consoles, the framebuffer behind the text
 * console, watchdogs that run, mediated devices, TPMs.
 */
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "import/users-finder.h"

#define CONSOLES_MAX ((size_t)1 << 16)

static int add_named(struct pr_finder *f, const char *target, const char *kind, const char *what,
	const char *name)
{
	struct pr_address address;

	if (!pr_sysfs_path_function(target, &address))
		return 0;
	return pr_found_add(
		f, &address, kind, pr_arena_printf(f->sysfs->arena, "%s %s", what, name));
}

/* ---- consoles ---- */

/* "ttyS4                -W- (EC   a)    4:68": the node's number is last. */
static int add_console(struct pr_finder *f, char *line)
{
	const char *number = strrchr(line, ' ');
	char path[PR_USERS_PATH_SIZE], target[PATH_MAX];

	if (!number || !pr_path_format(path, "sys/dev/char/%s", number + 1) ||
		!pr_path_link(f, path, target))
		return 0;
	line[strcspn(line, " ")] = '\0';
	return add_named(f, target, "console", "console", line);
}

static int find_consoles(struct pr_finder *f)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	int r = 0;

	if (pr_read_file_at(f->sysfs->root, "proc/consoles", CONSOLES_MAX, &text, NULL) < 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &save); r == 0 && line;
		line = strtok_r(NULL, "\n", &save))
		r = add_console(f, line);

	return r;
}

/* ---- text console on a display ---- */

struct display {
	bool framebuffer, vga; /* what the text console is on */
	bool placed;           /* a framebuffer says which function it is on */
};

static int look_at_console(
	struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	const char *bound = pr_path_class_line(f, "vtconsole", name, "bind");
	const char *what = pr_path_class_line(f, "vtconsole", name, "name");
	struct display *d = userdata;

	(void)target;
	if (!bound || strcmp(bound, "1") != 0 || !what)
		return 0;
	d->framebuffer = d->framebuffer || strstr(what, "frame buffer");
	d->vga = d->vga || strstr(what, "VGA");
	return 0;
}

static int add_framebuffer(
	struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	struct display *d = userdata;
	struct pr_address address;

	if (strncmp(name, "fb", 2) != 0 || !pr_sysfs_path_function(target, &address))
		return 0;
	d->placed = true;
	return add_named(f, target, "console", "console framebuffer", name);
}

/* The function that the firmware drew on. */
static int add_boot_display(
	struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	char path[PR_USERS_PATH_SIZE];
	const char *boot;

	if (!pr_path_format(path, "sys/bus/pci/devices/%s/boot_vga", name))
		return 0;
	boot = pr_sysfs_line(f->sysfs, path);
	if (!boot || strcmp(boot, "1") != 0)
		return 0;
	return add_named(f, target, "console", userdata, "on the boot display");
}

/* A framebuffer of the firmware (efifb, simpledrm) hangs below no function. */
static int find_display(struct pr_finder *f)
{
	char framebuffer[] = "console framebuffer", vga[] = "text console";
	struct display d = { 0 };
	int r;

	r = pr_path_each_link(f, "sys/class/vtconsole", look_at_console, &d);
	if (r == 0 && d.framebuffer)
		r = pr_path_each_link(f, "sys/class/graphics", add_framebuffer, &d);
	if (r < 0 || d.placed || (!d.framebuffer && !d.vga))
		return r;

	return pr_path_each_link(
		f, "sys/bus/pci/devices", add_boot_display, d.framebuffer ? framebuffer : vga);
}

/* ---- classes ---- */

static int add_watchdog(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	const char *state = pr_path_class_line(f, "watchdog", name, "state");

	(void)userdata;
	return state && strcmp(state, "active") == 0
		       ? add_named(f, target, "watchdog", "running watchdog", name)
		       : 0;
}

static int add_tpm(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	(void)userdata;
	return add_named(f, target, "tpm", "TPM", name);
}

static int add_mediated(struct pr_finder *f, const char *name, const char *target, void *userdata)
{
	(void)userdata;
	return add_named(f, target, "mdev", "mediated device", name);
}

int pr_device_find(struct pr_finder *f)
{
	static const struct {
		const char *path;
		int (*add)(struct pr_finder *, const char *, const char *, void *);
	} sources[] = {
		{ "sys/class/watchdog", add_watchdog },
		{ "sys/class/tpm", add_tpm },
		{ "sys/bus/mdev/devices", add_mediated },
	};
	int r;

	r = find_consoles(f);
	if (r < 0)
		return r;
	r = find_display(f);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sources); i++)
		r = pr_path_each_link(f, sources[i].path, sources[i].add, NULL);

	return r;
}

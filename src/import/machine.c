/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts of the machine as a whole. */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/io.h"
#include "base/macros.h"
#include "import/machine.h"

#define CPUINFO_MAX ((size_t)64 << 20)
#define ALIGNMENTS  "sys/bus/pci/resource_alignment"

const char *pr_lockdown_parse(const char *text, struct pr_arena *arena)
{
	const char *open = text ? strchr(text, '[') : NULL;
	const char *close = open ? strchr(open, ']') : NULL;

	return close ? pr_arena_printf(arena, "%.*s", (int)(close - open - 1), open + 1) : NULL;
}

static bool has_word(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	while (p < end) {
		const char *stop = memchr(p, ' ', (size_t)(end - p));

		stop = stop ? stop : end;
		if ((size_t)(stop - p) == n && memcmp(p, word, n) == 0)
			return true;
		p = stop + (stop < end);
	}

	return false;
}

bool pr_cpuinfo_hypervisor(const char *text, size_t size)
{
	const char *end = text + size, *stop;

	for (const char *p = text; p < end; p = stop + (stop < end)) {
		stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop ? stop : end;
		if (stop - p > 5 && memcmp(p, "flags", 5) == 0)
			return has_word(p, stop, "hypervisor");
	}

	return false;
}

/* Firmware of virtual machines; @product NULL: any. */
static const struct {
	const char *vendor, *product;
} hypervisors[] = {
	{ "QEMU", NULL },
	{ "Bochs", NULL },
	{ "Xen", NULL },
	{ "VMware, Inc.", NULL },
	{ "innotek GmbH", NULL },
	{ "Parallels", NULL },
	{ "KubeVirt", NULL },
	{ "Microsoft Corporation", "Virtual Machine" },
	{ "Google", "Google Compute Engine" },
	{ "Apple Inc.", "Apple Virtualization Generic Platform" },
};

static bool firmware_is_virtual(const struct pr_machine *m)
{
	for (size_t i = 0; m->vendor && i < ARRAY_SIZE(hypervisors); i++)
		if (strcmp(m->vendor, hypervisors[i].vendor) == 0 &&
			(!hypervisors[i].product ||
				(m->product && strcmp(m->product, hypervisors[i].product) == 0)))
			return true;

	return false;
}

static bool is_guest(const struct pr_sysfs *s, const struct pr_machine *m)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (firmware_is_virtual(m) || pr_sysfs_line(s, "sys/hypervisor/type"))
		return true;
	if (pr_read_file_at(s->root, "proc/cpuinfo", CPUINFO_MAX, &text, &size) < 0)
		return false;

	return pr_cpuinfo_hypervisor(text, size);
}

void pr_machine_read(const struct pr_sysfs *s, const char *root, struct pr_machine *ret)
{
	struct utsname name;
	struct pr_machine m = {
		.release = pr_sysfs_line(s, "proc/sys/kernel/osrelease"),
		.cmdline = pr_sysfs_line(s, "proc/cmdline"),
		.alignments = pr_sysfs_line(s, ALIGNMENTS),
		.lockdown = pr_lockdown_parse(
			pr_sysfs_line(s, "sys/kernel/security/lockdown"), s->arena),
		.arch = pr_sysfs_line(s, "proc/sys/kernel/arch"),
		.vendor = pr_sysfs_line(s, "sys/class/dmi/id/sys_vendor"),
		.product = pr_sysfs_line(s, "sys/class/dmi/id/product_name"),
	};

	if (!m.alignments && m.cmdline && strstr(m.cmdline, "resource_alignment=") &&
		faccessat(s->root, ALIGNMENTS, F_OK, 0) == 0)
		m.alignments = ""; /* taken back since */
	/* the architecture is a file since Linux 6.1 only */
	if (strcmp(root, "/") == 0 && uname(&name) == 0) {
		m.release = m.release ? m.release : pr_arena_strdup(s->arena, name.release);
		m.arch = m.arch ? m.arch : pr_arena_strdup(s->arena, name.machine);
	}
	m.is_guest = is_guest(s, &m);
	*ret = m;
}

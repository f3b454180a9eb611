/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes and links of sysfs.  A file that is not there is a fact not
 * known; only a `resource` file that cannot be understood is an error.
 * Configuration space is libpci's (pci-access.c).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/text.h"
#include "import/sysfs.h"
#include "base/utf8.h"

#define ATTRIBUTE_MAX 65536
#define PATH_SIZE     256

/* Lines of a function without SR-IOV in the kernel, and the VF BARs that are then missing. */
#define LINES_WITHOUT_VF 7
#define LINES_WITH_VF    13

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}
#define _cleanup_closedir_ _cleanup_(closedirp)

/* ---- text ---- */

void pr_text_clean(char *text)
{
	const char *end = text + strlen(text);
	size_t n;

	for (char *p = text; p < end; p += n) {
		n = pr_utf8_length(p, (size_t)(end - p));
		if (n == 0 || (n == 1 && ((unsigned char)*p < ' ' || *p == 0x7f))) {
			*p = '?';
			n = 1;
		}
	}
}

const char *pr_sysfs_line(const struct pr_sysfs *s, const char *path)
{
	_cleanup_free_ char *line = NULL;

	if (pr_read_line_at(s->root, path, &line) < 0 || !*line)
		return NULL;

	pr_text_clean(line);
	return pr_arena_strdup(s->arena, line);
}

/* ---- parsers ---- */

static bool parse_triple(const char *p, const char *end, uint64_t ret[3])
{
	char line[80], *save = NULL, *word;
	size_t n = (size_t)(end - p), i = 0;

	if (n >= sizeof(line) || memchr(p, '\0', n))
		return false;
	memcpy(line, p, n);
	line[n] = '\0';

	for (word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (i == 3 || pr_parse_u64(word, 0, &ret[i++]) < 0)
			return false;

	return i == 3;
}

/*
 * enum in include/linux/pci.h: BARs, ROM, then VF BARs only with
 * CONFIG_PCI_IOV, then windows.  resource_show() prints the windows of bridges
 * alone, so between 8 and 12 lines mean windows right after the ROM.  Some
 * kernels have lines behind the windows; nothing is ever in them.
 */
static size_t normalise(struct pr_resource_line *lines, size_t n)
{
	const size_t n_vf = LINES_WITH_VF - LINES_WITHOUT_VF;

	if (n > LINES_WITHOUT_VF && n < LINES_WITH_VF) {
		memmove(lines + LINES_WITH_VF, lines + LINES_WITHOUT_VF,
			(n - LINES_WITHOUT_VF) * sizeof(*lines));
		memset(lines + LINES_WITHOUT_VF, 0, n_vf * sizeof(*lines));
		n += n_vf;
	}

	return n < PR_RESOURCE_MAX ? n : PR_RESOURCE_MAX;
}

int pr_resource_lines_parse(const char *name, const char *text, size_t size, struct pr_arena *arena,
	const struct pr_resource_line **ret, size_t *ret_n, struct pr_import_error *error)
{
	struct pr_resource_line lines[PR_SYSFS_LINES_MAX + PR_RESOURCE_MAX];
	const char *end = text + size, *stop;
	size_t n = 0;
	uint64_t v[3];

	for (const char *p = text; p < end; p = stop + (stop < end)) {
		stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop ? stop : end;
		if (n == PR_SYSFS_LINES_MAX || !parse_triple(p, stop, v))
			return pr_import_fail_at(error, -EINVAL, (unsigned int)n + 1, 0,
				"%s: line is not \"start end flags\"", name);
		lines[n++] = (struct pr_resource_line){ v[0], v[1], v[2] };
	}

	n = normalise(lines, n);
	*ret = pr_arena_memdup(arena, lines, n * sizeof(lines[0]));
	if (!*ret)
		return pr_import_no_memory(error);

	*ret_n = n;
	return 0;
}

/* "pci0000:00" or "pci10000:e0". */
static bool parse_root(const char *name, struct pr_aperture_root *ret)
{
	uint64_t domain, bus;
	char copy[PATH_SIZE], *colon;

	if (strncmp(name, "pci", 3) != 0 || strlen(name) >= sizeof(copy))
		return false;
	(void)strcpy(copy, name + 3); /* fits: tested above */
	colon = strchr(copy, ':');
	if (!colon)
		return false;
	*colon = '\0';
	if (pr_parse_u64(copy, 16, &domain) < 0 || pr_parse_u64(colon + 1, 16, &bus) < 0 ||
		domain > UINT32_MAX || bus > UINT8_MAX)
		return false;

	*ret = (struct pr_aperture_root){
		.facts = { .domain = (uint32_t)domain, .bus = (uint8_t)bus, .last_bus = -1 }
	};
	return true;
}

bool pr_sysfs_path_parse(
	const char *path, struct pr_facts *facts, struct pr_aperture_root *ret_root)
{
	struct pr_aperture_root root;
	struct pr_address last, here;
	bool has_last = false, has_root = false;
	char copy[PATH_MAX], *save = NULL;

	if (strlen(path) >= sizeof(copy))
		return false;
	(void)strcpy(copy, path); /* fits: tested above */
	facts->has_parent = false;

	for (char *word = strtok_r(copy, "/", &save); word; word = strtok_r(NULL, "/", &save)) {
		if (parse_root(word, &root)) {
			root.nested = has_last;
			root.host = has_last ? last : (struct pr_address){ 0 };
			has_root = true;
			has_last =
				/* the endpoint that a nested domain sits behind is no bridge */
				false;
			facts->has_parent = false;
		} else if (pr_address_parse(word, &here)) {
			facts->has_parent = has_last;
			facts->parent = has_last ? last : (struct pr_address){ 0 };
			last = here;
			has_last = true;
		}
	}
	if (!has_root || !has_last || pr_address_compare(&last, &facts->address) != 0)
		return false;

	*ret_root = root;
	return true;
}

bool pr_sysfs_path_function(const char *path, struct pr_address *ret)
{
	char copy[PATH_MAX], *save = NULL;
	bool found = false;

	if (strlen(path) >= sizeof(copy))
		return false;
	(void)strcpy(copy, path); /* fits: tested above */
	for (char *word = strtok_r(copy, "/", &save); word; word = strtok_r(NULL, "/", &save))
		found = pr_address_parse(word, ret) || found;

	return found;
}

/* ---- one function ---- */

/* Path of an attribute of @address. */
static void attribute_path(
	char ret[PATH_SIZE], const struct pr_address *address, const char *attribute)
{
	char text[PR_ADDRESS_MAX];

	pr_address_format(address, text);
	(void)snprintf(
		ret, PATH_SIZE, "sys/bus/pci/devices/%s/%s", text, attribute); /* both are short */
}

static const char *read_text(
	const struct pr_sysfs *s, const struct pr_address *a, const char *attribute)
{
	char path[PATH_SIZE];

	attribute_path(path, a, attribute);
	return pr_sysfs_line(s, path);
}

/* A decimal number; negative, unreadable and too large are all -1. */
static int read_number(const struct pr_sysfs *s, const struct pr_address *a, const char *attribute)
{
	const char *text = read_text(s, a, attribute);
	uint64_t value;

	if (!text || pr_parse_u64(text, 10, &value) < 0 || value > INT_MAX)
		return -1;

	return (int)value;
}

static const char *read_link(
	const struct pr_sysfs *s, const struct pr_address *a, const char *attribute)
{
	_cleanup_free_ char *base = NULL;
	char path[PATH_SIZE];

	attribute_path(path, a, attribute);
	if (pr_readlink_base_at(s->root, path, &base) < 0)
		return NULL;

	pr_text_clean(base);
	return pr_arena_strdup(s->arena, base);
}

static int read_group(const struct pr_sysfs *s, const struct pr_address *a)
{
	const char *text = read_link(s, a, "iommu_group");
	uint64_t value;

	if (!text || pr_parse_u64(text, 10, &value) < 0 || value > INT_MAX)
		return -1;

	return (int)value;
}

static const char *find_slot(const struct pr_sysfs *s, const struct pr_address *a)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		const struct pr_address *slot = &s->slots[i].address;

		if (slot->domain == a->domain && slot->bus == a->bus && slot->device == a->device)
			return s->slots[i].name;
	}

	return NULL;
}

static int read_resource(const struct pr_sysfs *s, struct pr_facts *facts)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_SIZE];
	size_t size;

	attribute_path(path, &facts->address, "resource");
	if (pr_read_file_at(s->root, path, ATTRIBUTE_MAX, &text, &size) < 0)
		return 0; /* not recorded */

	return pr_resource_lines_parse(
		path, text, size, s->arena, &facts->lines, &facts->n_lines, s->error);
}

static int read_place(
	const struct pr_sysfs *s, struct pr_facts *facts, struct pr_aperture_root *ret_root)
{
	char path[PATH_SIZE], target[PATH_MAX], *slash;
	ssize_t n;

	attribute_path(path, &facts->address, "");
	slash = strrchr(path, '/');
	*slash = '\0';
	n = readlinkat(s->root, path, target, sizeof(target) - 1);
	if (n < 0 && (errno == ENOENT || errno == ENODEV))
		return 1;
	if (n < 0)
		return pr_import_fail(s->error, -errno, "%s: %s", path, strerror(errno));
	target[n] = '\0';
	if (!pr_sysfs_path_parse(target, facts, ret_root))
		return pr_import_fail(s->error, -EINVAL,
			"%s: its link does not lead through a host bridge to the function", path);

	return 0;
}

static void read_physfn(const struct pr_sysfs *s, struct pr_facts *facts)
{
	const char *base = read_link(s, &facts->address, "physfn");

	facts->is_vf = base && pr_address_parse(base, &facts->physfn);
}

int pr_sysfs_function(
	const struct pr_sysfs *s, struct pr_facts *facts, struct pr_aperture_root *ret_root)
{
	const struct pr_address *a = &facts->address;
	int r;

	r = read_place(s, facts, ret_root);
	if (r != 0)
		return r;

	r = read_resource(s, facts);
	if (r < 0)
		return r;

	read_physfn(s, facts);
	facts->driver = read_link(s, a, "driver");
	facts->label = read_text(s, a, "label");
	facts->removable = read_text(s, a, "removable");
	facts->slot = find_slot(s, a);
	facts->numa_node = read_number(s, a, "numa_node");
	facts->iommu_group = read_group(s, a);
	facts->enabled = read_number(s, a, "enable");
	return 0;
}

/* ---- directories ---- */

static int open_dir(const struct pr_sysfs *s, const char *path, DIR **ret)
{
	int fd = openat(s->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret = fd < 0 ? NULL : fdopendir(fd);
	if (*ret)
		return 0;

	if (fd >= 0)
		(void)close(fd); /* nothing was read */
	return -errno;
}

static size_t count_entries(DIR *dir)
{
	size_t n = 0;

	while (readdir(dir))
		n++;
	rewinddir(dir);
	return n;
}

/* "0000:05:00": a slot's address has no function. */
static bool read_slot(const struct pr_sysfs *s, const char *name, struct pr_slot *ret)
{
	char path[PATH_SIZE], address[PR_ADDRESS_MAX];
	const char *text;
	char *copy;

	if (snprintf(path, sizeof(path), "sys/bus/pci/slots/%s/address", name) >= (int)sizeof(path))
		return false;
	text = pr_sysfs_line(s, path);
	if (!text || snprintf(address, sizeof(address), "%s.0", text) >= (int)sizeof(address))
		return false;

	copy = pr_arena_strdup(s->arena, name);
	if (!copy)
		return false;
	pr_text_clean(copy);
	ret->name = copy;
	return pr_address_parse(address, &ret->address);
}

int pr_sysfs_slots(struct pr_sysfs *s)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct pr_slot *slots;
	size_t n, max;

	if (open_dir(s, "sys/bus/pci/slots", &dir) < 0)
		return 0;
	max = count_entries(dir);
	slots = pr_new_array(s->arena, max, struct pr_slot);
	if (!slots)
		return pr_import_no_memory(s->error);

	n = 0;
	for (struct dirent *e; n < max && (e = readdir(dir));)
		if (e->d_name[0] != '.' && read_slot(s, e->d_name, &slots[n]))
			n++;

	s->slots = slots;
	s->n_slots = n;
	return 0;
}

int pr_sysfs_roots(const struct pr_sysfs *s, struct pr_aperture_root **ret, size_t *ret_n)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct pr_aperture_root *roots;
	size_t n = 0, max;

	if (open_dir(s, "sys/devices", &dir) < 0) {
		*ret_n = 0;
		return 0;
	}
	max = count_entries(dir);
	roots = pr_new_array(s->arena, max, struct pr_aperture_root);
	if (!roots)
		return pr_import_no_memory(s->error);

	for (struct dirent *e; n < max && (e = readdir(dir));)
		if (parse_root(e->d_name, &roots[n]))
			n++;

	*ret = roots;
	*ret_n = n;
	return 0;
}

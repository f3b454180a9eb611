/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings of umockdev-record: devices of sysfs as text, a block each, with
 * their attributes (umockdev README, "umockdev_testbed_add_from_string").  What
 * the PCI functions have is written as the tree that it was (unpack.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/macros.h"
#include "import/companions.h"
#include "import/sysfs.h"
#include "import/unpack.h"

#define WHAT "a recording of umockdev"

/* Without one of these libpci does not read a function at all. */
static const char *const required[] = { "class", "device", "irq", "resource", "vendor" };

struct text {
	const char *at, *end;
	unsigned int line; /* the last one that was taken */
};

/* "K: name", "K: name=value". */
struct line {
	char kind;
	const char *name, *value; /* @value NULL: there is no '=' */
	size_t n_name, n_value;
};

enum subsystem {
	OTHER,
	PCI,
	DMI
};

/* From its line P: to the blank line behind it. */
struct block {
	struct text lines; /* those below the first */
	unsigned int line; /* of the first */
	char path[PATH_MAX];
	enum subsystem subsystem;
	size_t n_attributes;
};

struct recording {
	struct text text;
	struct pr_unpacking *into;
	struct pr_arena *arena;
	size_t n_functions;
};

static int bad(const struct recording *rec, unsigned int line, const char *what)
{
	return pr_import_fail_at(rec->into->error, -EINVAL, line, 0, "%s", what);
}

/* ---- lines ---- */

static bool next_line(struct text *t, const char **ret, size_t *ret_n)
{
	const char *stop;

	if (t->at == t->end)
		return false;
	stop = memchr(t->at, '\n', (size_t)(t->end - t->at));
	stop = stop ? stop : t->end;
	*ret = t->at;
	*ret_n = (size_t)(stop - t->at);
	if (*ret_n > 0 && stop[-1] == '\r')
		(*ret_n)--;
	t->at = stop + (stop < t->end);
	t->line++;
	return true;
}

/* Some writers keep udevadm's own lines (M:, R:, "L: 0", ...): no letter is wrong. */
static bool parse_line(const char *p, size_t n, struct line *ret)
{
	const char *equals;

	if (n < 4 || p[0] < 'A' || p[0] > 'Z' || p[1] != ':' || p[2] != ' ' || memchr(p, '\0', n))
		return false;
	*ret = (struct line){ .kind = p[0], .name = p + 3, .n_name = n - 3 };
	equals = p[0] == 'P' ? NULL : memchr(ret->name, '=', ret->n_name);
	if (equals) {
		ret->value = equals + 1;
		ret->n_value = (size_t)(p + n - ret->value);
		ret->n_name = (size_t)(equals - ret->name);
	}
	return ret->n_name > 0 && ret->n_name < PATH_MAX && (equals || !strchr("AEH", ret->kind));
}

static bool is(const char *text, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(text, word, n) == 0;
}

/* ---- blocks ---- */

static bool parse_path(const struct line *line, char ret[PATH_MAX])
{
	char whole[PATH_MAX];
	int n = snprintf(whole, sizeof(whole), "/sys%.*s", (int)line->n_name, line->name);

	return line->kind == 'P' && n > 0 && (size_t)n < sizeof(whole) &&
	       strncmp(whole, "/sys/devices/", 13) == 0 && pr_unpack_path(whole, ret);
}

static void take_into_account(struct block *b, const struct line *line)
{
	b->n_attributes += line->kind == 'A' || line->kind == 'H';
	if (line->kind != 'E' || !is(line->name, line->n_name, "SUBSYSTEM"))
		return;
	if (is(line->value, line->n_value, "pci"))
		b->subsystem = PCI;
	else if (is(line->value, line->n_value, "dmi"))
		b->subsystem = DMI;
}

/* 1; 0 at the end of the text; negative errno with the error. */
static int next_block(struct recording *rec, struct block *ret)
{
	struct text *t = &rec->text;
	struct line line;
	const char *p;
	size_t n = 0;

	while (n == 0)
		if (!next_line(t, &p, &n))
			return 0;
	if (!parse_line(p, n, &line) || !parse_path(&line, ret->path))
		return bad(rec, t->line, "a device of " WHAT " begins with \"P: /devices/...\"");

	ret->lines = *t;
	ret->line = t->line;
	ret->subsystem = OTHER;
	ret->n_attributes = 0;
	for (;;) {
		ret->lines.end = t->at;
		if (!next_line(t, &p, &n) || n == 0)
			return 1;
		if (!parse_line(p, n, &line))
			return bad(rec, t->line, "no line of " WHAT);
		if (line.kind == 'P')
			return bad(rec, t->line, "the blank line between two devices is missing");
		take_into_account(ret, &line);
	}
}

/* ---- attributes ---- */

static char unescaped(char c)
{
	static const char letters[] = "bfnrtv", meanings[] = "\b\f\n\r\t\v";
	const char *at = c ? strchr(letters, c) : NULL;

	return at ? meanings[at - letters] : c;
}

/* As g_strcompress() of GLib; at most @n bytes into @ret.  False: it ends within an escape. */
static bool unescape(const char *text, size_t n, char *ret, size_t *ret_n)
{
	size_t length = 0;

	for (size_t i = 0; i < n; length++) {
		unsigned int value = 0, digits = 0;

		if (text[i] != '\\') {
			ret[length] = text[i++];
			continue;
		}
		if (++i == n)
			return false;
		for (; digits < 3 && i < n && text[i] >= '0' && text[i] <= '7'; digits++)
			value = value * 8 + (unsigned int)(text[i++] - '0');
		ret[length] = digits > 0 ? (char)value : unescaped(text[i++]);
	}
	*ret_n = length;
	return true;
}

static int decode(const struct recording *rec, const struct line *line, unsigned int number,
	char *ret, size_t *ret_n)
{
	if (line->kind == 'A' && !unescape(line->value, line->n_value, ret, ret_n))
		return bad(rec, number, "the line ends within an escape");
	if (line->kind == 'H' &&
		pr_hex_decode(line->value, line->n_value, (uint8_t *)ret, line->n_value, ret_n) < 0)
		return bad(rec, number, "a value of \"H:\" is pairs of hexadecimal digits");
	return 0;
}

/* The tree's reader has no lines of ours to name. */
static int check_resource(
	const struct recording *rec, unsigned int number, const char *text, size_t n)
{
	const struct pr_resource_line *lines;
	struct pr_import_error why;
	size_t n_lines;
	int r = pr_resource_lines_parse("resource", text, n, rec->arena, &lines, &n_lines, &why);

	return r < 0 ? pr_import_fail_at(rec->into->error, r, number, 0, "%s", why.text) : 0;
}

static int unpack_value(
	const struct recording *rec, const struct line *line, unsigned int number, const char *path)
{
	_cleanup_free_ char *value = malloc(line->n_value + 1);
	_cleanup_close_ int fd = -1;
	size_t n = 0, size = 0;
	int r;

	if (!value)
		return pr_import_no_memory(rec->into->error);
	r = decode(rec, line, number, value, &n);
	if (r == 0 && is(line->name, line->n_name, "resource"))
		r = check_resource(rec, number, value, n);
	if (r == 0)
		r = pr_unpack_file(rec->into, path, &fd);
	return r < 0 || fd < 0 ? r : pr_unpack_write(rec->into, path, fd, value, n, &size);
}

static int unpack_link(const struct recording *rec, const struct line *line, const char *path)
{
	char target[PATH_MAX];

	if (line->n_value >= sizeof(target))
		return 0;
	memcpy(target, line->value, line->n_value);
	target[line->n_value] = '\0';
	return pr_unpack_link(rec->into, path, target);
}

static int unpack_line(const struct recording *rec, const struct block *b, const struct line *line,
	unsigned int number)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%.*s", b->path, (int)line->n_name, line->name);

	if (!line->value || !strchr("AHL", line->kind) || memchr(line->name, '/', line->n_name) ||
		(size_t)n >= sizeof(path) ||
		!pr_unpack_wants(path, strrchr(path, '/') + 1, line->kind == 'L'))
		return 0;
	return line->kind == 'L' ? unpack_link(rec, line, path)
				 : unpack_value(rec, line, number, path);
}

static int unpack_attributes(const struct recording *rec, const struct block *b)
{
	struct text lines = b->lines;
	struct line line;
	const char *p;
	size_t n;
	int r = 0;

	while (r == 0 && next_line(&lines, &p, &n) && parse_line(p, n, &line))
		r = unpack_line(rec, b, &line, lines.line);
	return r;
}

/* ---- devices ---- */

static bool has_attribute(const struct block *b, const char *name)
{
	struct text lines = b->lines;
	struct line line;
	const char *p;
	size_t n;

	while (next_line(&lines, &p, &n) && parse_line(p, n, &line))
		if (strchr("AH", line.kind) && is(line.name, line.n_name, name))
			return true;

	return false;
}

static int check_function(const struct recording *rec, const struct block *b, const char *name)
{
	struct pr_import_error *error = rec->into->error;
	char formatted[PR_ADDRESS_MAX] = "";
	struct pr_address a;

	if (pr_address_parse(name, &a))
		pr_address_format(&a, formatted);
	if (strcmp(name, formatted) != 0) /* libpci wants the domain */
		return bad(rec, b->line, "a PCI device whose name is no address");
	if (b->n_attributes == 0)
		return pr_import_fail_at(error, -EINVAL, b->line, 0,
			"%s has no attributes: `udevadm info` does not tell them, `umockdev-record` does",
			name);
	for (size_t i = 0; i < ARRAY_SIZE(required); i++)
		if (!has_attribute(b, required[i]))
			return pr_import_fail_at(error, -EINVAL, b->line, 0,
				"%s has no attribute `%s`", name, required[i]);
	return 0;
}

/* The kernel's list of PCI devices; who is in it already must be in the same place. */
static int list_function(const struct recording *rec, const struct block *b, const char *name)
{
	char target[PATH_MAX + 16], link[64], there[sizeof(target)] = "";
	int r;

	(void)snprintf(target, sizeof(target), "../../../%s", b->path + strlen("sys/"));
	(void)snprintf(
		link, sizeof(link), "sys/bus/pci/devices/%s", name); /* an address is short */
	r = pr_unpack_link(rec->into, link, target);
	if (r < 0)
		return r;
	if (readlinkat(rec->into->root, link, there, sizeof(there) - 1) < 0 ||
		strcmp(there, target) != 0)
		return pr_import_fail_at(rec->into->error, -EINVAL, b->line, 0,
			"%s is in two places of the machine", name);
	return 0;
}

static int unpack_function(struct recording *rec, const struct block *b)
{
	const char *name = strrchr(b->path, '/') + 1;
	int r = check_function(rec, b, name);

	if (r == 0)
		r = list_function(rec, b, name);
	rec->n_functions += r == 0;
	return r < 0 ? r : unpack_attributes(rec, b);
}

/* Whose machine it is: the only other device that anybody reads. */
static int unpack_firmware(const struct recording *rec, const struct block *b)
{
	int r = 0;

	if (strcmp(b->path, "sys/devices/virtual/dmi/id") == 0)
		r = pr_unpack_link(rec->into, "sys/class/dmi/id", "../../devices/virtual/dmi/id");
	return r < 0 ? r : unpack_attributes(rec, b);
}

/* ---- all of it ---- */

static int unpack_blocks(struct recording *rec)
{
	struct block b;
	int r;

	while ((r = next_block(rec, &b)) > 0) {
		r = b.subsystem == PCI   ? unpack_function(rec, &b)
		    : b.subsystem == DMI ? unpack_firmware(rec, &b)
					 : 0;
		if (r < 0)
			return r;
	}
	if (r == 0 && rec->n_functions == 0)
		return pr_import_fail(rec->into->error, -EINVAL,
			"no PCI function is in it (`umockdev-record --all` records them)");
	return r;
}

static int unpack_text(struct pr_unpacking *u, const void *recording)
{
	struct recording rec = {
		.text = *(const struct text *)recording,
		.into = u,
		.arena = pr_arena_new(),
	};
	int r = rec.arena ? unpack_blocks(&rec) : pr_import_no_memory(u->error);

	pr_arena_free(rec.arena);
	return r;
}

int pr_umockdev_read(const char *text, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error)
{
	const struct text whole = { .at = text, .end = text + size };
	int r = pr_unpack_read(unpack_text, &whole, companions, ret, notes, error);

	if (r != 0)
		return r;
	pr_note(notes, "ports have no other names than their addresses", "names of slots");
	pr_note(notes, "addresses of functions that are not in it count as free",
		"whether it has all functions of the machine");
	return 0;
}

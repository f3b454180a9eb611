/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshot to topology: a table of keys for each mapping, a setter a key.  A
 * key that is absent is a fact not known; the meaning of facts is core's.
 * Works on a buffer; limits are in snapshot.h.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "import/snapshot.h"

struct reader {
	struct pr_builder *builder;
	struct pr_machine machine;
	/* the one being read */
	struct pr_root_facts root;
};

static void builder_freep(struct pr_builder **b)
{
	pr_builder_free(*b);
}
static void arena_freep(struct pr_arena **arena)
{
	pr_arena_free(*arena);
}

/* ---- machine ---- */

#define STRING_SETTER(name, field)                         \
	static int name(struct pr_yaml *y, void *userdata) \
	{                                                  \
		struct reader *reader = userdata;          \
                                                           \
		return pr_yaml_string(y, &reader->field);  \
	}

STRING_SETTER(set_release, machine.release)
STRING_SETTER(set_cmdline, machine.cmdline)
STRING_SETTER(set_alignments, machine.alignments)
STRING_SETTER(set_lockdown, machine.lockdown)
STRING_SETTER(set_arch, machine.arch)
STRING_SETTER(set_vendor, machine.vendor)
STRING_SETTER(set_product, machine.product)
STRING_SETTER(set_unseen, machine.unseen)

static int set_guest(struct pr_yaml *y, void *userdata)
{
	struct reader *reader = userdata;

	return pr_yaml_bool(y, &reader->machine.is_guest);
}

static const struct pr_yaml_key machine_keys[] = {
	{ "release", set_release, false },
	{ "cmdline", set_cmdline, false },
	{ "resource-alignment", set_alignments, false },
	{ "lockdown", set_lockdown, false },
	{ "arch", set_arch, false },
	{ "vendor", set_vendor, false },
	{ "product", set_product, false },
	{ "guest", set_guest, false },
	{ "unseen", set_unseen, false },
};

static int read_machine(struct pr_yaml *y, void *userdata)
{
	struct reader *reader = userdata;
	int r;

	r = pr_yaml_mapping(y, "machine", machine_keys, ARRAY_SIZE(machine_keys), reader);
	if (r < 0)
		return r;
	if (pr_builder_set_machine(reader->builder, &reader->machine) < 0)
		return pr_import_no_memory(y->error);

	return 0;
}

/* ---- host bridges ---- */

/* "0000:20" */
static int set_bus(struct pr_yaml *y, void *userdata)
{
	struct reader *reader = userdata;
	struct pr_address address;
	const char *text;
	char *function;
	int r;

	r = pr_yaml_string(y, &text);
	if (r < 0)
		return r;
	function = pr_arena_printf(y->arena, "%s:00.0", text);
	if (!function)
		return pr_import_no_memory(y->error);
	if (!strchr(text, ':') || !pr_address_parse(function, &address))
		return pr_yaml_fail(y, "\"%s\" is not a bus of a domain (0000:00)", text);

	reader->root.domain = address.domain;
	reader->root.bus = address.bus;
	return 0;
}

static int set_last_bus(struct pr_yaml *y, void *userdata)
{
	struct reader *reader = userdata;
	uint64_t value;
	int r;

	r = pr_yaml_u64(y, UINT8_MAX, &value);
	if (r < 0)
		return r;

	reader->root.last_bus = (int)value;
	return 0;
}

static int read_range(struct pr_yaml *y, void *userdata)
{
	struct pr_yaml_array *ranges = userdata;
	struct pr_range *range;
	const char *text;
	char *copy, *dash;
	int r;

	r = pr_yaml_string(y, &text);
	if (r < 0)
		return r;
	copy = pr_arena_strdup(y->arena, text);
	range = pr_yaml_array_add(y, ranges, sizeof(*range));
	if (!copy || !range)
		return pr_import_no_memory(y->error);

	dash = strchr(copy, '-');
	if (dash)
		*dash = '\0';
	if (!dash || pr_parse_u64(copy, 0, &range->first) < 0 ||
		pr_parse_u64(dash + 1, 0, &range->last) < 0 || range->first > range->last)
		return pr_yaml_fail(y, "\"%s\" is not a range of addresses (0x1000-0xffff)", text);

	return 0;
}

static int read_ranges(struct pr_yaml *y, const struct pr_range **ret, size_t *ret_n)
{
	struct pr_yaml_array ranges = { 0 };
	int r;

	r = pr_yaml_list(y, read_range, &ranges);
	if (r < 0)
		return r;
	*ret = pr_yaml_array_data(y, &ranges);
	if (!*ret)
		return pr_import_no_memory(y->error);

	*ret_n = ranges.n;
	return 0;
}

static int set_io(struct pr_yaml *y, void *userdata)
{
	struct reader *reader = userdata;

	reader->root.io_known = true;
	return read_ranges(y, &reader->root.io, &reader->root.n_io);
}

static int set_mem(struct pr_yaml *y, void *userdata)
{
	struct reader *reader = userdata;

	reader->root.mem_known = true;
	return read_ranges(y, &reader->root.mem, &reader->root.n_mem);
}

static int set_busy_io(struct pr_yaml *y, void *userdata)
{
	struct reader *reader = userdata;

	return read_ranges(y, &reader->root.busy_io, &reader->root.n_busy_io);
}

static int set_busy_mem(struct pr_yaml *y, void *userdata)
{
	struct reader *reader = userdata;

	return read_ranges(y, &reader->root.busy_mem, &reader->root.n_busy_mem);
}

static const struct pr_yaml_key root_keys[] = {
	{ "bus", set_bus, true },
	{ "last-bus", set_last_bus, false },
	{ "io", set_io, false },
	{ "mem", set_mem, false },
	{ "busy-io", set_busy_io, false },
	{ "busy-mem", set_busy_mem, false },
};

static int check_root(struct pr_yaml *y, const struct reader *reader)
{
	const struct pr_root_facts *f = &reader->root;

	if ((!f->io_known && f->busy_io) || (!f->mem_known && f->busy_mem))
		return pr_yaml_fail(y, "busy ranges without apertures");
	if (f->last_bus >= 0 && f->last_bus < f->bus)
		return pr_yaml_fail(
			y, "last-bus 0x%02x is below the bus", (unsigned int)f->last_bus);
	if (!pr_ranges_sorted(f->busy_io, f->n_busy_io) ||
		!pr_ranges_sorted(f->busy_mem, f->n_busy_mem))
		return pr_yaml_fail(y, "busy ranges overlap, or are not in order");

	return 0;
}

static int read_root(struct pr_yaml *y, void *userdata)
{
	struct reader *reader = userdata;
	int r;

	reader->root = (struct pr_root_facts){ .last_bus = -1 };
	r = pr_yaml_mapping(y, "host bridge", root_keys, ARRAY_SIZE(root_keys), reader);
	if (r < 0)
		return r;
	r = check_root(y, reader);
	if (r < 0)
		return r;

	r = pr_builder_add_root(reader->builder, &reader->root);
	if (r == -ENOMEM)
		return pr_import_no_memory(y->error);
	if (r < 0)
		return pr_yaml_fail(y, "%04x:%02x %s", reader->root.domain, reader->root.bus,
			r == -EEXIST ? "is there twice" : "is impossible");

	return 0;
}

static int read_roots(struct pr_yaml *y, void *userdata)
{
	return pr_yaml_list(y, read_root, userdata);
}

/* ---- all of it ---- */

static int read_functions(struct pr_yaml *y, void *userdata)
{
	struct reader *reader = userdata;

	return pr_yaml_list(y, pr_snapshot_read_function, reader->builder);
}

static int set_format(struct pr_yaml *y, void *userdata)
{
	const char *text;
	int r;

	(void)userdata;
	r = pr_yaml_string(y, &text);
	if (r < 0)
		return r;
	if (strcmp(text, PR_SNAPSHOT_FORMAT) != 0)
		return pr_yaml_fail(y, "\"%s\" is not a format known here; expected \"%s\"", text,
			PR_SNAPSHOT_FORMAT);

	return 0;
}

static const struct pr_yaml_key snapshot_keys[] = {
	{ "format", set_format, true },
	{ "machine", read_machine, false },
	{ "host-bridges", read_roots, true },
	{ "functions", read_functions, true },
};

static int read_document(struct reader *reader, const char *text, size_t size,
	struct pr_arena *arena, struct pr_import_error *error)
{
	struct pr_yaml y;
	int r;

	r = pr_yaml_init(&y, text, size, arena, error);
	if (r >= 0)
		r = pr_yaml_mapping(
			&y, "snapshot", snapshot_keys, ARRAY_SIZE(snapshot_keys), reader);
	if (r >= 0)
		r = pr_yaml_end(&y);

	pr_yaml_deinit(&y);
	return r;
}

int pr_snapshot_read(
	const char *text, size_t size, struct pr_topology **ret, struct pr_import_error *error)
{
	_cleanup_(builder_freep) struct pr_builder *builder = pr_builder_new();
	_cleanup_(arena_freep) struct pr_arena *arena = pr_arena_new();
	struct reader reader = { .builder = builder };
	struct pr_build_error why = { .text = "" };
	int r;

	if (!builder || !arena)
		return pr_import_no_memory(error);
	if (size > PR_SNAPSHOT_SIZE_MAX)
		return pr_import_fail(error, -EFBIG, "snapshot is larger than %zu MiB",
			PR_SNAPSHOT_SIZE_MAX >> 20);

	r = read_document(&reader, text, size, arena, error);
	if (r < 0)
		return r;

	r = pr_builder_finish(pr_take(builder), ret, &why);
	if (r > 0)
		return pr_import_contradiction(error, &why);

	return r < 0 ? pr_import_no_memory(error) : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of a report that no verb prints: every BAR, every window. */
#include <errno.h>
#include <inttypes.h>

#include "base/macros.h"
#include "cli/tables.h"

/* "0xfe440000-0xfe45ffff (128 KiB)"; a line each. */
static void add_range(struct pr_text *t, const struct pr_style *s, const struct pr_range *range)
{
	char size[PR_WORD_MAX];

	pr_text_printf(t, "%s0x%" PRIx64 "-0x%" PRIx64 " (%s)", t->length > 0 ? "\n" : "",
		range->first, range->last, pr_size_text(s, pr_range_size(range), size));
}

/* The range of @r, or what it is instead of being assigned. */
static int set_range(struct libscols_line *line, size_t column, const struct pr_style *s,
	const struct pr_resource *r)
{
	struct pr_text t = { 0 };
	int e;

	if (r->state == PR_RES_ASSIGNED)
		add_range(&t, s, &r->range);
	else
		pr_text_add(&t, pr_resource_state_name(r->state));
	e = pr_table_cell(line, column, &t);
	if (e < 0 || (r->state != PR_RES_UNASSIGNED && r->state != PR_RES_FORGOTTEN))
		return e;
	return scols_cell_set_color(scols_line_get_cell(line, column), "red");
}

/* ---- BARs ---- */

enum {
	BAR_DEVICE,
	BAR_WHAT,
	BAR_NAME,
	BAR_KIND,
	BAR_SIZE,
	BAR_RANGE,
	N_BAR_COLUMNS
};
static const struct pr_column bar_columns[N_BAR_COLUMNS] = {
	[BAR_DEVICE] = { "DEVICE", 1, 0 },
	[BAR_WHAT] = { "WHAT", 1, 0 },
	[BAR_NAME] = { "RESOURCE", 1, 0 },
	[BAR_KIND] = { "KIND", 1, 0 },
	[BAR_SIZE] = { "SIZE", 1, SCOLS_FL_RIGHT },
	[BAR_RANGE] = { "ADDRESSES", 1, 0 },
};

static int add_bar(struct libscols_table *table, const struct pr_style *s,
	const struct pr_function *f, const struct pr_resource *r)
{
	const struct pr_name name = pr_name_of(&f->address);
	char size[PR_WORD_MAX];
	const char *const cells[N_BAR_COLUMNS] = { [BAR_DEVICE] = name.text,
		[BAR_WHAT] = pr_function_role(f),
		[BAR_NAME] = pr_resource_name(r->index),
		[BAR_KIND] = pr_resource_kind_text(r),
		[BAR_SIZE] = pr_size_text(s, r->size, size) };
	struct libscols_line *line;
	int e = pr_table_line(table, NULL, cells, N_BAR_COLUMNS, &line);

	return e == 0 ? set_range(line, BAR_RANGE, s, r) : e;
}

static int add_bars(
	struct libscols_table *table, const struct pr_style *s, const struct pr_function *first)
{
	int e = 0;

	for (const struct pr_function *f = first; f && e == 0; f = f->next) {
		for (size_t i = 0; i < f->n_resources && e == 0; i++)
			if (!pr_resource_is_window(&f->resources[i]))
				e = add_bar(table, s, f, &f->resources[i]);
		if (e == 0)
			e = add_bars(table, s, f->first_child);
	}
	return e;
}

int pr_bars_table(
	const struct pr_style *s, const struct pr_topology *topology, struct libscols_table **ret)
{
	struct libscols_table *table;
	int e = pr_table_new(s, bar_columns, N_BAR_COLUMNS, &table);

	if (e < 0)
		return e;
	for (size_t i = 0; i < topology->n_roots && e == 0; i++)
		e = add_bars(table, s, topology->roots[i]->first_child);
	if (e == 0)
		*ret = table;
	else
		scols_unref_table(table);
	return e;
}

/* ---- windows ---- */

enum {
	WINDOW_BRIDGE,
	WINDOW_WHAT,
	WINDOW_BUSES,
	WINDOW_IO,
	WINDOW_MEM,
	WINDOW_PREF,
	N_WINDOW_COLUMNS
};
static const struct pr_column window_columns[N_WINDOW_COLUMNS] = {
	[WINDOW_BRIDGE] = { "BRIDGE", 1, SCOLS_FL_TREE },
	[WINDOW_WHAT] = { "WHAT", 1, 0 },
	[WINDOW_BUSES] = { "BUSES", 1, 0 },
	[WINDOW_IO] = { "I/O PORTS", 1, 0 },
	[WINDOW_MEM] = { "MEMORY", 1, 0 },
	[WINDOW_PREF] = { "PREFETCHABLE MEMORY", 1, 0 },
};

static int set_windows(
	struct libscols_line *line, const struct pr_style *s, const struct pr_function *f)
{
	int e = 0;

	for (unsigned int w = PR_WINDOW_IO; w <= PR_WINDOW_PREF && e == 0; w++) {
		const struct pr_resource *r = pr_function_resource(f, w);

		if (r)
			e = set_range(line, WINDOW_IO + (w - PR_WINDOW_IO), s, r);
	}
	return e;
}

static int add_bridges(struct libscols_table *table, const struct pr_style *s,
	struct libscols_line *parent, const struct pr_function *first)
{
	int e = 0;

	for (const struct pr_function *f = first; f && e == 0; f = f->next) {
		const struct pr_name name = pr_name_of(&f->address);
		struct libscols_line *line;
		char buses[16] = "none";

		if (!f->bridge)
			continue;
		if (!f->no_bus)
			(void)snprintf(buses, sizeof(buses), "%02x-%02x", f->bridge->secondary,
				f->bridge->subordinate);
		e = pr_table_line(table, parent,
			(const char *const[]){ name.text, pr_function_role(f), buses }, 3, &line);
		if (e == 0)
			e = set_windows(line, s, f);
		if (e == 0)
			e = add_bridges(table, s, line, f->first_child);
	}
	return e;
}

static int set_apertures(struct libscols_line *line, size_t column, const struct pr_style *s,
	const struct pr_range *ranges, size_t n)
{
	struct pr_text t = { 0 };

	for (size_t i = 0; i < n; i++)
		add_range(&t, s, &ranges[i]);
	return n > 0 ? pr_table_cell(line, column, &t) : 0;
}

static int add_root(
	struct libscols_table *table, const struct pr_style *s, const struct pr_root *root)
{
	const struct pr_root_facts *facts = &root->facts;
	char name[PR_ROOT_NAME_MAX], buses[16];
	struct libscols_line *line;
	int e;

	(void)snprintf(buses, sizeof(buses), "%02x-%02x", facts->bus, root->last_bus);
	e = pr_table_line(table, NULL,
		(const char *const[]){ pr_root_name(root, name),
			facts->io_known || facts->mem_known ? "host bridge"
							    : "host bridge, apertures not known",
			buses },
		3, &line);
	if (e == 0)
		e = set_apertures(line, WINDOW_IO, s, facts->io, facts->n_io);
	if (e == 0)
		e = set_apertures(line, WINDOW_MEM, s, facts->mem, facts->n_mem);
	return e == 0 ? add_bridges(table, s, line, root->first_child) : e;
}

int pr_windows_table(
	const struct pr_style *s, const struct pr_topology *topology, struct libscols_table **ret)
{
	struct libscols_table *table;
	int e = pr_table_new(s, window_columns, N_WINDOW_COLUMNS, &table);

	if (e < 0)
		return e;
	for (size_t i = 0; i < topology->n_roots && e == 0; i++)
		e = add_root(table, s, topology->roots[i]);
	if (e == 0)
		*ret = table;
	else
		scols_unref_table(table);
	return e;
}

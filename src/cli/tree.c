/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb tree: the machine as a table whose first column is a tree. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "cli/source.h"
#include "cli/tables.h"

enum {
	COLUMN_DEVICE,
	COLUMN_WHAT,
	COLUMN_DRIVER,
	COLUMN_SPACE,
	COLUMN_HEALTH,
	COLUMN_USE,
	N_COLUMNS
};

static const struct pr_column columns[N_COLUMNS] = {
	[COLUMN_DEVICE] = { "DEVICE", 1, SCOLS_FL_TREE },
	[COLUMN_WHAT] = { "WHAT", 0.3, SCOLS_FL_TRUNC },
	[COLUMN_DRIVER] = { "DRIVER", 1, 0 },
	[COLUMN_SPACE] = { "ADDRESS SPACE", 0.3, 0 },
	[COLUMN_HEALTH] = { "HEALTH", 1, 0 },
	[COLUMN_USE] = { "USED FOR", 0.2, SCOLS_FL_TRUNC },
};

static const struct {
	const char *text, *color;
} healths[] = {
	[PR_HEALTH_OK] = { "ok", NULL },
	[PR_HEALTH_PARTIAL] = { "partial", "yellow" },
	[PR_HEALTH_UNASSIGNED] = { "dead", "red" },
	[PR_HEALTH_NO_BUS] = { "no bus numbers", "red" },
	[PR_HEALTH_GONE] = { "removed", "red" },
};

struct tree {
	struct libscols_table *table;
	const struct pr_style *style;
	const struct pr_doctor *doctor;
};

/* Where a line cannot hold all columns, the items of a cell stand below each other. */
#define WIDE_ENOUGH 130

static bool is_stacked(const struct pr_style *s)
{
	return s->verbose || (s->width > 0 && s->width < WIDE_ENOUGH);
}

static void next_item(struct pr_text *t, const struct pr_style *s)
{
	if (t->length > 0)
		pr_text_add(t, is_stacked(s) ? "\n" : ", ");
}

/* ", resizable: 256 MiB 512 MiB 1 GiB" */
static void sizes(struct pr_text *t, const struct pr_style *s, const struct pr_function *f,
	const struct pr_resource *r)
{
	const struct pr_rebar_entry *rebar = pr_function_rebar(f, r);
	char a[PR_WORD_MAX];

	if (!rebar || (rebar->sizes & (rebar->sizes - 1)) == 0)
		return; /* one size is no choice */
	pr_text_add(t, r->index < PR_VF_BAR0 ? ", resizable:" : ", of one VF resizable:");
	for (unsigned int n = 0; n < PR_REBAR_SIZES; n++)
		if (rebar->sizes & UINT64_C(1) << n)
			pr_text_printf(t, " %s", pr_size_text(s, PR_REBAR_SIZE(n), a));
}

/* Each range on its own: "BAR 0 128 KiB at 0xfe440000". */
static void space_verbose(struct pr_text *t, const struct pr_style *s, const struct pr_function *f)
{
	char a[PR_WORD_MAX];

	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		next_item(t, s);
		pr_text_add(t, pr_resource_name(r->index));
		if (r->state == PR_RES_CLOSED) {
			pr_text_add(t, " closed");
			continue;
		}
		pr_text_printf(t, " %s", pr_size_text(s, r->size, a));
		if (r->state == PR_RES_ASSIGNED)
			pr_text_printf(t, " at 0x%" PRIx64, r->range.first);
		else
			pr_text_printf(t, " %s", pr_resource_state_name(r->state));
		sizes(t, s, f, r);
	}
}

/* Which of the summary's sums a resource belongs to; ROMs apart, since nobody misses them. */
static size_t sum_of(const struct pr_resource *r)
{
	if (r->index == PR_ROM)
		return 3;
	if (pr_resource_is_io(r))
		return 0;
	return r->flags & PR_IORES_PREFETCH ? 2 : 1;
}

/* Sums by kind of what is assigned, then what has no addresses. */
static void space_summary(struct pr_text *t, const struct pr_style *s, const struct pr_function *f)
{
	static const char *const names[] = { "io", "mem", "pref", "rom" };
	uint64_t sums[ARRAY_SIZE(names)] = { 0 };
	char a[PR_WORD_MAX];

	for (size_t i = 0; i < f->n_resources; i++)
		if (f->resources[i].state == PR_RES_ASSIGNED)
			sums[sum_of(&f->resources[i])] += pr_range_size(&f->resources[i].range);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (sums[i] == 0)
			continue;
		next_item(t, s);
		pr_text_printf(t, "%s %s", names[i], pr_size_text(s, sums[i], a));
	}

	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		if (r->state != PR_RES_UNASSIGNED && r->state != PR_RES_FORGOTTEN)
			continue;
		next_item(t, s);
		pr_text_add(t, pr_resource_name(r->index));
		if (r->size != PR_SIZE_UNKNOWN)
			pr_text_printf(t, " %s", pr_size_text(s, r->size, a));
		pr_text_add(t, " missing");
	}
}

/* A bridge is known by its buses, anything else by its ids. */
static void what(struct pr_text *t, const struct pr_style *s, const struct pr_function *f)
{
	pr_text_add(t, pr_function_role(f));
	if (f->header.has_ids && (!f->bridge || s->verbose))
		pr_text_printf(t, " %04x:%04x", f->header.vendor, f->header.device);
	if (f->bridge && !f->no_bus && f->bridge->secondary == f->bridge->subordinate)
		pr_text_printf(t, ", bus %02x", f->bridge->secondary);
	else if (f->bridge && !f->no_bus)
		pr_text_printf(
			t, ", buses %02x-%02x", f->bridge->secondary, f->bridge->subordinate);
	if (f->bridge && f->bridge->hotplug)
		pr_text_add(t, ", hot-plug");
}

/* A disk shelf has hundreds of users. */
#define USERS_SHOWN 3
static void use(struct pr_text *t, const struct pr_style *s, const struct pr_function *f)
{
	const size_t n = f->facts->n_users;

	for (size_t i = 0; i < n && (i < USERS_SHOWN || s->verbose); i++)
		pr_text_printf(t, "%s%s", i > 0 ? "; " : "", f->facts->users[i].what);
	if (n > USERS_SHOWN && !s->verbose)
		pr_text_printf(t, "; and %zu more", n - USERS_SHOWN);
}

static int fill_function(
	const struct tree *tree, struct libscols_line *line, const struct pr_function *f)
{
	const bool is_armed = pr_doctor_found_armed(tree->doctor, f);
	enum pr_health h = pr_function_health(f);
	struct pr_text device = { 0 }, kind = { 0 }, space = { 0 }, user = { 0 }, state = { 0 };
	int r;

	pr_text_add(&device, pr_name_of(&f->address).text);
	what(&kind, tree->style, f);
	if (tree->style->verbose)
		space_verbose(&space, tree->style, f);
	else
		space_summary(&space, tree->style, f);
	use(&user, tree->style, f);
	if (h != PR_HEALTH_OK || !is_armed)
		pr_text_add(&state, healths[h].text);
	if (is_armed)
		pr_text_add(&state, h != PR_HEALTH_OK ? ", armed" : "armed");

	r = pr_table_cell(line, COLUMN_DEVICE, &device);
	r = pr_table_cell(line, COLUMN_WHAT, &kind) < 0 ? -ENOMEM : r;
	r = pr_table_cell(line, COLUMN_SPACE, &space) < 0 ? -ENOMEM : r;
	r = pr_table_cell(line, COLUMN_USE, &user) < 0 ? -ENOMEM : r;
	r = pr_table_cell(line, COLUMN_HEALTH, &state) < 0 ? -ENOMEM : r;
	if (r < 0 || scols_line_set_data(
			     line, COLUMN_DRIVER, f->facts->driver ? f->facts->driver : "") < 0)
		return -ENOMEM;
	if (healths[h].color || is_armed)
		return scols_cell_set_color(scols_line_get_cell(line, COLUMN_HEALTH),
			healths[h].color ? healths[h].color : "yellow");
	return 0;
}

static int add_function(
	const struct tree *tree, struct libscols_line *parent, const struct pr_function *f)
{
	struct libscols_line *line = scols_table_new_line(tree->table, parent);
	int r;

	if (!line)
		return -ENOMEM;
	r = fill_function(tree, line, f);
	pr_for_each_child (child, f->first_child) {
		if (r < 0)
			break;
		r = add_function(tree, line, child);
	}

	return r;
}

static void apertures_verbose(struct pr_text *t, const struct pr_style *s, const char *kind,
	const struct pr_range *ranges, size_t n)
{
	char a[PR_WORD_MAX];

	for (size_t i = 0; i < n; i++) {
		next_item(t, s);
		pr_text_printf(t, "%s %s at 0x%" PRIx64, kind,
			pr_size_text(s, pr_range_size(&ranges[i]), a), ranges[i].first);
	}
}

static void apertures_summary(
	struct pr_text *t, const struct pr_style *s, const struct pr_root_facts *f)
{
	struct {
		const char *before, *behind;
		uint64_t size;
	} sums[] = { { "io ", "", 0 }, { "mem ", "", 0 }, { "mem ", " above 4G", 0 } };
	char a[PR_WORD_MAX];

	for (size_t i = 0; i < f->n_io; i++)
		sums[0].size += pr_range_size(&f->io[i]);
	for (size_t i = 0; i < f->n_mem; i++)
		sums[f->mem[i].first > UINT32_MAX ? 2 : 1].size += pr_range_size(&f->mem[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
		if (sums[i].size == 0)
			continue;
		next_item(t, s);
		pr_text_printf(t, "%s%s%s", sums[i].before, pr_size_text(s, sums[i].size, a),
			sums[i].behind);
	}
}

static void apertures(struct pr_text *t, const struct pr_style *s, const struct pr_root_facts *f)
{
	if (!f->io_known && !f->mem_known) {
		pr_text_add(t, "apertures not known");
		return;
	}
	if (s->verbose) {
		apertures_verbose(t, s, "io", f->io, f->n_io);
		apertures_verbose(t, s, "mem", f->mem, f->n_mem);
	} else {
		apertures_summary(t, s, f);
	}
	if (f->io_known && f->mem_known)
		return;
	next_item(t, s);
	pr_text_printf(t, "%s not known", f->io_known ? "mem" : "io");
}

static int add_root(const struct tree *tree, const struct pr_root *root)
{
	struct libscols_line *line = scols_table_new_line(tree->table, NULL);
	struct pr_text kind = { 0 }, space = { 0 };
	char name[PR_ROOT_NAME_MAX];
	int r;

	if (!line)
		return -ENOMEM;
	pr_text_printf(&kind, "host bridge, buses %02x-%02x", root->facts.bus, root->last_bus);
	apertures(&space, tree->style, &root->facts);
	r = scols_line_set_data(line, COLUMN_DEVICE, pr_root_name(root, name));
	r = pr_table_cell(line, COLUMN_WHAT, &kind) < 0 ? -ENOMEM : r;
	r = pr_table_cell(line, COLUMN_SPACE, &space) < 0 ? -ENOMEM : r;
	pr_for_each_child (f, root->first_child) {
		if (r < 0)
			break;
		r = add_function(tree, line, f);
	}

	return r;
}

static bool has_users(const struct pr_topology *t)
{
	pr_for_each_root (t, i)
		for (size_t j = 0; j < t->roots[i]->n_functions; j++)
			if (t->roots[i]->functions[j].facts->n_users > 0)
				return true;

	return false;
}

static void arrange_columns(const struct tree *tree, const struct pr_topology *t)
{
	struct libscols_column *users = scols_table_get_column(tree->table, COLUMN_USE);
	struct libscols_column *space = scols_table_get_column(tree->table, COLUMN_SPACE);

	if (is_stacked(tree->style)) {
		(void)scols_column_set_flags(space, SCOLS_FL_WRAP); /* setters of plain members */
		(void)scols_column_set_safechars(space, "\n");
		(void)scols_column_set_wrapfunc(
			space, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
	}
	if (!has_users(t))
		(void)scols_column_set_flags(users, columns[COLUMN_USE].flags | SCOLS_FL_HIDDEN);
}

int pr_tree_table(const struct pr_style *s, const struct pr_topology *topology,
	const struct pr_doctor *doctor, struct libscols_table **ret)
{
	struct tree tree = { .style = s, .doctor = doctor };
	int r;

	r = pr_table_new(s, columns, N_COLUMNS, &tree.table);
	if (r < 0)
		return r;

	arrange_columns(&tree, topology);
	for (size_t i = 0; r == 0 && i < topology->n_roots; i++)
		r = add_root(&tree, topology->roots[i]);
	if (r == 0)
		*ret = tree.table;
	else
		scols_unref_table(tree.table);
	return r;
}

int pr_render_tree(struct pr_text *t, const struct pr_style *s, const struct pr_topology *topology,
	const struct pr_doctor *doctor)
{
	struct libscols_table *table;
	int r = pr_tree_table(s, topology, doctor, &table);

	if (r < 0)
		return r;
	r = pr_table_print(table, t);
	scols_unref_table(table);
	return r;
}

int pr_verb_tree(const struct pr_cli *cli)
{
	struct pr_doctor *doctor = NULL;
	struct pr_text t = { 0 };
	struct pr_source s;
	struct pr_json j;
	int r;

	r = pr_source_open(cli, false, &s);
	if (r != PR_EXIT_OK)
		return r;

	/* options of the kernel that nobody understands: `plan` says so, and the tree is drawn without */
	(void)pr_doctor_make(s.topology, &doctor);
	if (cli->json) {
		pr_json_init(&j, &t);
		pr_render_tree_json(&j, s.topology, doctor, pr_source_notes(&s));
		r = 0;
	} else {
		r = pr_render_tree(&t, &cli->style, s.topology, doctor);
	}
	pr_doctor_free(doctor);
	pr_source_close(&s);
	if (r < 0) {
		pr_text_deinit(&t);
		return pr_cli_failed(r, "cannot draw the tree");
	}
	return pr_cli_print(&t) ? PR_EXIT_OK : PR_EXIT_ERROR;
}

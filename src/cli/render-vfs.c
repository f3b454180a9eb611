/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual functions as a table and as JSON. */
#include <errno.h>
#include <inttypes.h>

#include "base/macros.h"
#include "cli/input.h"
#include "cli/render.h"
#include "cli/table.h"

enum {
	COLUMN_DEVICE,
	COLUMN_WHAT,
	COLUMN_DRIVER,
	COLUMN_TOTAL,
	COLUMN_ENABLED,
	COLUMN_POSSIBLE,
	COLUMN_STOP,
	N_COLUMNS
};

static const struct pr_column columns[N_COLUMNS] = {
	[COLUMN_DEVICE] = { "DEVICE", 1, 0 },
	[COLUMN_WHAT] = { "WHAT", 0.3, SCOLS_FL_TRUNC },
	[COLUMN_DRIVER] = { "DRIVER", 1, 0 },
	[COLUMN_TOTAL] = { "TOTAL", 1, SCOLS_FL_RIGHT },
	[COLUMN_ENABLED] = { "ENABLED", 1, SCOLS_FL_RIGHT },
	[COLUMN_POSSIBLE] = { "POSSIBLE", 1, SCOLS_FL_RIGHT },
	[COLUMN_STOP] = { "WHAT STOPS MORE", 0.4, 0 },
};

static const char *const efforts[_PR_WHEN_MAX] = {
	[PR_WHEN_FREE] = "moving what is idle",
	[PR_WHEN_RESTART] = "restarting drivers",
	[PR_WHEN_IN_USE] = "interrupting users",
};

static void missing_bar(struct pr_text *t, const struct pr_style *s, const struct pr_vfs *v)
{
	char a[PR_WORD_MAX];

	pr_text_printf(t, "%s (%s for all) %s", pr_resource_name(v->bar->index),
		pr_size_text(s, v->bar->size, a),
		v->bar->state == PR_RES_UNKNOWN ? "may have no addresses: nothing tells"
						: "has no addresses");
}

static void add_plan(struct pr_text *t, const struct pr_vfs *v)
{
	if (v->planned > 0)
		pr_text_printf(t, "; a plan makes room for %u, %s", v->planned, efforts[v->when]);
}

static void stop(struct pr_text *t, const struct pr_style *s, const struct pr_vfs *v)
{
	switch (v->stop) {
	case PR_VF_STOP_NONE:
		pr_text_add(t, v->function->facts->driver ? "" : "no driver is bound");
		return;
	case PR_VF_STOP_BAR:
		missing_bar(t, s, v);
		add_plan(t, v);
		return;
	case PR_VF_STOP_BUS:
		pr_text_printf(t, "the next one is on bus %02x, the buses end at %02x", v->bus,
			v->last_bus);
		add_plan(t, v);
		return;
	case PR_VF_STOP_UNKNOWN:
		pr_text_add(t, "the device does not say where they are");
		return;
	case _PR_VF_STOP_MAX:
		return;
	}
}

static int set_number(struct libscols_line *line, size_t column, unsigned int n, bool known)
{
	struct pr_text t = { 0 };

	if (known)
		pr_text_printf(&t, "%u", n);
	else
		pr_text_add(&t, "?");
	return pr_table_cell(line, column, &t);
}

static int add_line(struct libscols_table *table, const struct pr_style *s, const struct pr_vfs *v)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	const struct pr_function *f = v->function;
	struct pr_text what = { 0 }, why = { 0 };
	int r;

	if (!line)
		return -ENOMEM;
	pr_text_add(&what, pr_function_role(f));
	if (f->header.has_ids)
		pr_text_printf(&what, " %04x:%04x", f->header.vendor, f->header.device);
	stop(&why, s, v);
	r = scols_line_set_data(line, COLUMN_DEVICE, pr_name_of(&f->address).text);
	r = pr_table_cell(line, COLUMN_WHAT, &what) < 0 ? -ENOMEM : r;
	r = pr_table_cell(line, COLUMN_STOP, &why) < 0 ? -ENOMEM : r;
	if (r == 0 && f->facts->driver)
		r = scols_line_set_data(line, COLUMN_DRIVER, f->facts->driver);
	if (r == 0)
		r = set_number(line, COLUMN_TOTAL, v->total, true);
	if (r == 0)
		r = set_number(line, COLUMN_ENABLED, v->enabled, true);
	if (r == 0)
		r = set_number(line, COLUMN_POSSIBLE, v->now, v->stop != PR_VF_STOP_UNKNOWN);
	return r;
}

int pr_render_vfs(struct pr_text *t, const struct pr_style *s, const struct pr_vfs_list *l)
{
	struct libscols_table *table;
	int r;

	r = pr_table_new(s, columns, N_COLUMNS, &table);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l->n && r == 0; i++)
		r = add_line(table, s, &l->items[i]);
	if (r == 0)
		r = pr_table_print(table, t);
	scols_unref_table(table);
	return r;
}

/* ---- JSON ---- */

static void json_plan(struct pr_json *j, const struct pr_vfs *v)
{
	if (v->planned == 0) {
		pr_json_null(j, "plan");
		return;
	}
	pr_json_object(j, "plan");
	pr_json_u64(j, "possible", v->planned);
	pr_json_string(j, "disruption", pr_when_name(v->when));
	pr_json_object_end(j);
}

static void json_vfs(struct pr_json *j, const struct pr_vfs *v)
{
	pr_json_object(j, NULL);
	pr_json_identity(j, v->function);
	pr_json_string(j, "driver", v->function->facts->driver);
	pr_json_u64(j, "total", v->total);
	pr_json_u64(j, "enabled", v->enabled);
	if (v->stop == PR_VF_STOP_UNKNOWN)
		pr_json_null(j, "possible");
	else
		pr_json_u64(j, "possible", v->now);
	pr_json_string(j, "stop", pr_vf_stop_name(v->stop));
	pr_json_string(j, "bar", v->bar ? pr_resource_name(v->bar->index) : NULL);
	if (v->stop == PR_VF_STOP_BUS)
		pr_json_u64(j, "last_bus", v->last_bus);
	else
		pr_json_null(j, "last_bus");
	json_plan(j, v);
	pr_json_object_end(j);
}

void pr_render_vfs_json(
	struct pr_json *j, const struct pr_vfs_list *l, const struct pr_import_notes *notes)
{
	pr_json_object(j, NULL);
	pr_json_string(j, "schema", "pciroom.vfs/1");
	pr_json_notes(j, notes);
	pr_json_array(j, "devices");
	for (size_t i = 0; i < l->n; i++)
		json_vfs(j, &l->items[i]);
	pr_json_array_end(j);
	pr_json_object_end(j);
}

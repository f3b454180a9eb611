/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resizable BARs as a table and as JSON: a line for each with what there is
 * room for as it is, and one more for each kind of effort that gives it more.
 */
#include <errno.h>

#include "base/macros.h"
#include "cli/render.h"
#include "cli/tables.h"

enum {
	COLUMN_DEVICE,
	COLUMN_BAR,
	COLUMN_HAS,
	COLUMN_SIZES,
	COLUMN_ROOM,
	COLUMN_AFTER,
	N_COLUMNS
};

static const struct pr_column columns[N_COLUMNS] = {
	[COLUMN_DEVICE] = { "DEVICE", 1, 0 },
	[COLUMN_BAR] = { "RESIZABLE", 1, 0 },
	[COLUMN_HAS] = { "HAS", 1, SCOLS_FL_RIGHT },
	[COLUMN_SIZES] = { "CAN HAVE", 0.3, SCOLS_FL_TRUNC },
	[COLUMN_ROOM] = { "ROOM FOR", 1, SCOLS_FL_RIGHT },
	[COLUMN_AFTER] = { "WHO ELSE MOVES", 1, 0 },
};

static const char *const efforts[_PR_WHEN_MAX] = {
	[PR_WHEN_NOW] = "nobody",
	[PR_WHEN_FREE] = "what is idle",
	[PR_WHEN_RESTART] = "others, drivers restart",
	[PR_WHEN_IN_USE] = "others, users are interrupted",
};

static void add_size(struct pr_text *t, const struct pr_style *s, uint64_t size)
{
	char a[PR_WORD_MAX];

	if (size == PR_ROOM_UNKNOWN)
		pr_text_add(t, "?");
	else
		pr_text_add(t, size == PR_ROOM_NONE ? "none" : pr_size_text(s, size, a));
}

/* "256 MiB to 16 GiB", or one by one where some are left out. */
static void add_sizes(struct pr_text *t, const struct pr_style *s, uint64_t sizes)
{
	const unsigned int first = (unsigned int)__builtin_ctzll(sizes);
	const uint64_t run = sizes >> first;
	const bool gapless = (run & (run + 1)) == 0;

	for (unsigned int n = first; n < PR_REBAR_SIZES; n++) {
		const bool last = sizes >> n == 1;

		if (!(sizes >> n & 1) || (gapless && n != first && !last))
			continue;
		if (n != first)
			pr_text_add(t, gapless ? " to " : ", ");
		add_size(t, s, PR_REBAR_SIZE(n));
	}
}

static int fill_bar(
	struct libscols_line *line, const struct pr_style *s, const struct pr_resizable *z)
{
	struct pr_text has = { 0 }, sizes = { 0 };
	int r;

	if (z->bar->state == PR_RES_ASSIGNED)
		add_size(&has, s, z->size);
	else
		pr_text_add(&has, "nothing");
	add_sizes(&sizes, s, z->sizes);
	r = scols_line_set_data(line, COLUMN_DEVICE, pr_name_of(&z->function->address).text);
	if (r == 0)
		r = scols_line_set_data(line, COLUMN_BAR, pr_resource_name(z->bar->index));
	r = pr_table_cell(line, COLUMN_HAS, &has) < 0 ? -ENOMEM : r;
	return pr_table_cell(line, COLUMN_SIZES, &sizes) < 0 ? -ENOMEM : r;
}

static int add_bar(struct libscols_table *table, const struct pr_style *s,
	const struct pr_slots *slots, const struct pr_resizable *z)
{
	int r = 0;

	for (unsigned int when = PR_WHEN_NOW; when < PR_WHEN_BOOT && r == 0; when++) {
		struct libscols_line *line;
		struct pr_text room = { 0 };

		if (when != PR_WHEN_NOW && (!pr_slots_looked_for(slots, (enum pr_when)when) ||
						   z->largest[when] == z->largest[when - 1]))
			continue;
		line = scols_table_new_line(table, NULL);
		if (!line)
			return -ENOMEM;
		add_size(&room, s, z->largest[when]);
		r = when == PR_WHEN_NOW ? fill_bar(line, s, z) : 0;
		r = pr_table_cell(line, COLUMN_ROOM, &room) < 0 ? -ENOMEM : r;
		if (r == 0)
			r = scols_line_set_data(line, COLUMN_AFTER, efforts[when]);
	}
	return r;
}

int pr_resizable_table(
	const struct pr_style *s, const struct pr_slots *slots, struct libscols_table **ret)
{
	struct libscols_table *table;
	int r;

	r = pr_table_new(s, columns, N_COLUMNS, &table);
	if (r < 0)
		return r;
	for (size_t i = 0; i < slots->n_resizable && r == 0; i++)
		r = add_bar(table, s, slots, &slots->resizable[i]);
	if (r == 0)
		*ret = table;
	else
		scols_unref_table(table);
	return r;
}

static void add_doubts(struct pr_text *t, const struct pr_slots *slots)
{
	for (size_t i = 0; i < slots->n_resizable; i++)
		if (slots->resizable[i].doubt)
			pr_text_printf(t, "? at %s: %s\n",
				pr_name_of(&slots->resizable[i].function->address).text,
				slots->resizable[i].doubt);
}

int pr_render_resizable(struct pr_text *t, const struct pr_style *s, const struct pr_slots *slots)
{
	struct libscols_table *table;
	int r = pr_resizable_table(s, slots, &table);

	if (r < 0)
		return r;
	r = pr_table_print(table, t);
	if (r == 0)
		add_doubts(t, slots);
	scols_unref_table(table);
	return r;
}

/* ---- JSON ---- */

static void json_bar(struct pr_json *j, const struct pr_slots *slots, const struct pr_resizable *z)
{
	pr_json_object(j, NULL);
	pr_json_identity(j, z->function);
	pr_json_string(j, "resource", pr_resource_name(z->bar->index));
	pr_json_u64(j, "index", z->bar->index);
	if (z->bar->state == PR_RES_ASSIGNED)
		pr_json_hex(j, "size", z->size);
	else
		pr_json_null(j, "size");
	pr_json_array(j, "sizes");
	for (unsigned int n = 0; n < PR_REBAR_SIZES; n++)
		if (z->sizes >> n & 1)
			pr_json_hex(j, NULL, PR_REBAR_SIZE(n));
	pr_json_array_end(j);
	pr_json_object(j, "largest");
	for (unsigned int when = PR_WHEN_NOW; when < PR_WHEN_BOOT; when++)
		if (pr_slots_looked_for(slots, (enum pr_when)when) &&
			z->largest[when] != PR_ROOM_UNKNOWN)
			pr_json_hex(j, pr_when_name((enum pr_when)when), z->largest[when]);
		else
			pr_json_null(j, pr_when_name((enum pr_when)when));
	pr_json_object_end(j);
	pr_json_string(j, "doubt", z->doubt);
	pr_json_object_end(j);
}

void pr_render_resizable_json(struct pr_json *j, const struct pr_slots *slots)
{
	pr_json_array(j, "resizable");
	for (size_t i = 0; i < slots->n_resizable; i++)
		json_bar(j, slots, &slots->resizable[i]);
	pr_json_array_end(j);
}

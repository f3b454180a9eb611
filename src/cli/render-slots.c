/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots as a table and as JSON: a line for each slot as it is, and one more
 * for each kind of effort that gives a larger card room.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/macros.h"
#include "cli/input.h"
#include "cli/render.h"
#include "cli/tables.h"

enum {
	COLUMN_SLOT,
	COLUMN_WHAT,
	COLUMN_HOLDS,
	COLUMN_AFTER,
	COLUMN_MEM32,
	COLUMN_PREF64,
	COLUMN_BUSES,
	N_COLUMNS
};

static const struct pr_column columns[N_COLUMNS] = {
	[COLUMN_SLOT] = { "SLOT", 1, 0 },
	[COLUMN_WHAT] = { "PORT", 0.2, SCOLS_FL_TRUNC },
	[COLUMN_HOLDS] = { "IN IT", 0.3, SCOLS_FL_TRUNC },
	[COLUMN_AFTER] = { "AFTER", 1, 0 },
	[COLUMN_MEM32] = { "32-BIT BAR", 1, SCOLS_FL_RIGHT },
	[COLUMN_PREF64] = { "64-BIT BAR", 1, SCOLS_FL_RIGHT },
	[COLUMN_BUSES] = { "BUSES", 1, SCOLS_FL_RIGHT },
};

static const char *const efforts[_PR_WHEN_MAX] = {
	[PR_WHEN_NOW] = "nothing",
	[PR_WHEN_FREE] = "moving what is idle",
	[PR_WHEN_RESTART] = "restarting drivers",
	[PR_WHEN_IN_USE] = "interrupting users",
	[PR_WHEN_BOOT] = "a boot with it",
};

/* The column before @when that was looked for. */
static enum pr_when before(const struct pr_slots *slots, enum pr_when when)
{
	do
		when--;
	while (!pr_slots_looked_for(slots, when));
	return when;
}

static bool gives_more(const struct pr_slots *slots, const struct pr_slot *slot, enum pr_when when)
{
	enum pr_when less = before(slots, when);

	for (size_t kind = 0; kind < _PR_CARD_KIND_MAX; kind++)
		if (slot->largest[kind][when] != slot->largest[kind][less])
			return true;
	return false;
}

static void room(struct pr_text *t, const struct pr_style *s, const struct pr_slot *slot,
	enum pr_card_kind kind, enum pr_when when)
{
	uint64_t most = slot->largest[kind][when];
	char a[PR_WORD_MAX];

	if (most == PR_ROOM_UNKNOWN)
		pr_text_add(t, "?");
	else if (most == PR_ROOM_NONE)
		pr_text_add(t, "none");
	else if (kind == PR_CARD_SWITCH)
		pr_text_printf(t, "%" PRIu64, most);
	else
		pr_text_add(t, pr_size_text(s, most, a));
}

static int fill_room(const struct pr_style *s, struct libscols_line *line,
	const struct pr_slot *slot, enum pr_when when)
{
	int r = scols_line_set_data(line, COLUMN_AFTER, efforts[when]);

	for (unsigned int kind = 0; kind < _PR_CARD_KIND_MAX && r == 0; kind++) {
		struct pr_text t = { 0 };

		room(&t, s, slot, (enum pr_card_kind)kind, when);
		r = pr_table_cell(line, COLUMN_MEM32 + kind, &t);
	}
	return r;
}

static void port(struct pr_text *t, const struct pr_function *f, bool is_armed)
{
	pr_text_add(t, pr_function_role(f));
	if (f->facts->slot)
		pr_text_printf(t, ", slot %s", f->facts->slot);
	if (pr_port_is_mute(f))
		pr_text_add(t, ", hot-plug not known");
	else if (!f->bridge->hotplug)
		pr_text_add(t, ", no hot-plug");
	if (is_armed)
		pr_text_add(t, ", armed");
}

static void holds(struct pr_text *t, const struct pr_function *f)
{
	const struct pr_function *card = f->first_child;
	size_t more = 0;

	if (!card) {
		pr_text_add(t, "nothing");
		return;
	}
	pr_text_add(t, pr_function_role(card));
	if (card->header.has_ids)
		pr_text_printf(t, " %04x:%04x", card->header.vendor, card->header.device);
	for (const struct pr_function *next = card->next; next; next = next->next)
		more++;
	if (more > 0)
		pr_text_printf(t, " and %zu more", more);
}

static int fill_slot(struct libscols_line *line, const struct pr_slot *slot, bool is_armed)
{
	struct pr_text what = { 0 }, in_it = { 0 };
	int r;

	port(&what, slot->port, is_armed);
	holds(&in_it, slot->port);
	r = scols_line_set_data(line, COLUMN_SLOT, pr_name_of(&slot->port->address).text);
	r = pr_table_cell(line, COLUMN_WHAT, &what) < 0 ? -ENOMEM : r;
	return pr_table_cell(line, COLUMN_HOLDS, &in_it) < 0 ? -ENOMEM : r;
}

static int add_slot(struct libscols_table *table, const struct pr_style *s,
	const struct pr_slots *slots, const struct pr_slot *slot, bool is_armed)
{
	int r = 0;

	for (unsigned int when = PR_WHEN_NOW; when < _PR_WHEN_MAX && r == 0; when++) {
		struct libscols_line *line;

		if (when != PR_WHEN_NOW && (!pr_slots_looked_for(slots, (enum pr_when)when) ||
						   !gives_more(slots, slot, (enum pr_when)when)))
			continue;
		line = scols_table_new_line(table, NULL);
		if (!line)
			return -ENOMEM;
		if (when == PR_WHEN_NOW)
			r = fill_slot(line, slot, is_armed);
		if (r == 0)
			r = fill_room(s, line, slot, (enum pr_when)when);
	}
	return r;
}

void pr_render_slot_doubts(struct pr_text *t, const struct pr_slots *slots)
{
	for (size_t i = 0; i < slots->n; i++)
		if (slots->slots[i].doubt)
			pr_text_printf(t, "? at %s: %s\n",
				pr_name_of(&slots->slots[i].port->address).text,
				slots->slots[i].doubt);
}

int pr_slots_table(const struct pr_style *s, const struct pr_slots *slots,
	const struct pr_doctor *doctor, struct libscols_table **ret)
{
	struct libscols_table *table;
	int r;

	r = pr_table_new(s, columns, N_COLUMNS, &table);
	if (r < 0)
		return r;
	for (size_t i = 0; i < slots->n && r == 0; i++)
		r = add_slot(table, s, slots, &slots->slots[i],
			pr_doctor_found_armed(doctor, slots->slots[i].port));
	if (r == 0)
		*ret = table;
	else
		scols_unref_table(table);
	return r;
}

static int render_ports(struct pr_text *t, const struct pr_style *s, const struct pr_slots *slots,
	const struct pr_doctor *doctor)
{
	struct libscols_table *table;
	int r = pr_slots_table(s, slots, doctor, &table);

	if (r < 0)
		return r;
	r = pr_table_print(table, t);
	if (r == 0)
		pr_render_slot_doubts(t, slots);
	scols_unref_table(table);
	return r;
}

int pr_render_slots(struct pr_text *t, const struct pr_style *s, const struct pr_slots *slots,
	const struct pr_doctor *doctor)
{
	int r = slots->n > 0 ? render_ports(t, s, slots, doctor) : 0;

	if (r < 0 || slots->n_resizable == 0)
		return r;
	if (slots->n > 0)
		pr_text_add(t, "\n");
	return pr_render_resizable(t, s, slots);
}

/* ---- JSON ---- */

static const char *const kinds[_PR_CARD_KIND_MAX] = {
	[PR_CARD_MEM32] = "mem32",
	[PR_CARD_PREF64] = "pref64",
	[PR_CARD_SWITCH] = "buses",
};

static void json_room(struct pr_json *j, const char *key, enum pr_card_kind kind, uint64_t most)
{
	if (most == PR_ROOM_UNKNOWN)
		pr_json_null(j, key);
	else if (kind == PR_CARD_SWITCH)
		pr_json_u64(j, key, most);
	else
		pr_json_hex(j, key, most);
}

static void json_slot(struct pr_json *j, const struct pr_slots *slots, const struct pr_slot *slot,
	const struct pr_doctor *doctor)
{
	pr_json_object(j, NULL);
	pr_json_identity(j, slot->port);
	pr_json_bool(j, "hotplug", slot->port->bridge->hotplug);
	if (doctor)
		pr_json_bool(j, "armed", pr_doctor_found_armed(doctor, slot->port));
	else
		pr_json_null(j, "armed");
	pr_json_string(j, "slot", slot->port->facts->slot);
	pr_json_array(j, "holds");
	pr_for_each_child (f, slot->port->first_child) {
		pr_json_object(j, NULL);
		pr_json_identity(j, f);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
	pr_json_object(j, "largest");
	for (unsigned int kind = 0; kind < _PR_CARD_KIND_MAX; kind++) {
		pr_json_object(j, kinds[kind]);
		for (unsigned int when = 0; when < _PR_WHEN_MAX; when++)
			if (pr_slots_looked_for(slots, (enum pr_when)when))
				json_room(j, pr_when_name((enum pr_when)when),
					(enum pr_card_kind)kind, slot->largest[kind][when]);
			else
				pr_json_null(j, pr_when_name((enum pr_when)when));
		pr_json_object_end(j);
	}
	pr_json_object_end(j);
	pr_json_string(j, "doubt", slot->doubt);
	pr_json_object_end(j);
}

void pr_render_slots_json(struct pr_json *j, const struct pr_slots *slots,
	const struct pr_doctor *doctor, const struct pr_import_notes *notes)
{
	pr_json_object(j, NULL);
	pr_json_string(j, "schema", "pciroom.slots/1");
	pr_json_string(j, "disruption", pr_disruption_name(slots->limit));
	pr_json_notes(j, notes);
	pr_json_array(j, "slots");
	for (size_t i = 0; i < slots->n; i++)
		json_slot(j, slots, &slots->slots[i], doctor);
	pr_json_array_end(j);
	pr_render_resizable_json(j, slots);
	pr_json_object_end(j);
}

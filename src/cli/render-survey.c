/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A survey's lines for programs, and its summary as tables. */
#include <errno.h>

#include "base/macros.h"
#include "cli/input.h"
#include "cli/survey.h"
#include "cli/table.h"

static const struct {
	const char *name, *text, *color;
} answers[_PR_SURVEY_ANSWER_MAX] = {
	[PR_SURVEY_NOW] = { "now", "nothing has to be done", "green" },
	[PR_SURVEY_FREE] = { "free", "a plan moves what is idle", "green" },
	[PR_SURVEY_RESTART] = { "restart", "a plan restarts drivers", "yellow" },
	[PR_SURVEY_IN_USE] = { "in-use", "a plan interrupts users", "yellow" },
	[PR_SURVEY_VETOED] = { "vetoed", "only if a device that is pinned may move", "red" },
	[PR_SURVEY_BOOT] = { "boot", "only by a boot with other settings", "red" },
	[PR_SURVEY_NO] = { "no", "not at all", "red" },
	[PR_SURVEY_UNKNOWN] = { "unknown", "a fact that decides is not recorded", NULL },
	[PR_SURVEY_NO_SLOT] = { "no-slot", "no slot that is known for hot-plug is empty", NULL },
	[PR_SURVEY_ERROR] = { "error", "not read, or not to be asked that", NULL },
};

const char *pr_survey_answer_name(enum pr_survey_answer a)
{
	return answers[a].name;
}

const char *pr_survey_answer_text(enum pr_survey_answer a)
{
	return answers[a].text;
}

/* ---- lines ---- */

static void add_machine(struct pr_json *j, const struct pr_topology *t)
{
	pr_json_string(j, "kernel", t->machine.release);
	pr_json_u64(j, "functions", t->n_functions);
	pr_json_u64(j, "dead", pr_topology_count_dead(t));
}

static void add_plan(struct pr_json *j, const struct pr_what_if *w)
{
	const struct pr_plan *p = w ? w->plan : NULL;

	if (!p) {
		pr_json_null(j, "plan");
		return;
	}
	pr_json_object(j, "plan");
	pr_json_string(j, "verdict", pr_verdict_name(p->verdict));
	pr_json_cost(j, "cost", p->prediction ? &p->cost : NULL);
	pr_json_bool(j, "proven", p->proven);
	pr_json_string(j, "arrangement",
		p->certificate ? pr_arrangement_name(p->certificate->arrangement) : NULL);
	pr_json_advice(j, p);
	pr_json_object_end(j);
}

static void add_answer(struct pr_json *j, const struct pr_survey_line *l)
{
	const struct pr_what_if *w = l->what_if;

	pr_json_notes(j, l->notes);
	add_machine(j, l->machine);
	pr_json_array(j, "added");
	for (size_t i = 0; i < l->n_added; i++)
		pr_json_string(j, NULL, l->added[i]);
	pr_json_array_end(j);
	pr_json_u64(j, "tried", l->tried);
	if (l->n_added > 0)
		pr_json_bool(j, "complete", w && w->complete);
	else
		pr_json_null(j, "complete");
	pr_json_string(j, "why", l->why);
	add_plan(j, w);
}

void pr_render_survey_line(struct pr_text *t, const struct pr_survey_line *l)
{
	struct pr_json j;

	pr_json_init_line(&j, t);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "schema", "pciroom.survey/1");
	pr_json_u64(&j, "number", l->number);
	pr_json_string(&j, "file", l->file);
	pr_json_string(&j, "answer", pr_survey_answer_name(l->answer));
	pr_json_string(&j, "error", l->error);
	if (!l->error)
		add_answer(&j, l);
	pr_json_object_end(&j);
}

/* ---- summary ---- */

static int set_answer(struct libscols_line *line, size_t column, enum pr_survey_answer a)
{
	int r = scols_line_set_data(line, column, answers[a].name);

	if (r < 0 || !answers[a].color)
		return r;
	return scols_cell_set_color(scols_line_get_cell(line, column), answers[a].color);
}

enum {
	COUNT_MACHINES,
	COUNT_ANSWER,
	COUNT_TEXT,
	N_COUNT_COLUMNS
};
static const struct pr_column count_columns[N_COUNT_COLUMNS] = {
	[COUNT_MACHINES] = { "MACHINES", 1, SCOLS_FL_RIGHT },
	[COUNT_ANSWER] = { "ANSWER", 1, 0 },
	[COUNT_TEXT] = { "WHAT IT TAKES", 1, 0 },
};

static int add_count(struct libscols_table *table, enum pr_survey_answer a, size_t n)
{
	const char *const cells[N_COUNT_COLUMNS] = { [COUNT_TEXT] = answers[a].text };
	struct libscols_line *line;
	struct pr_text count = { 0 };
	int r = pr_table_line(table, NULL, cells, N_COUNT_COLUMNS, &line);

	if (r < 0)
		return r;
	pr_text_printf(&count, "%zu", n);
	r = pr_table_cell(line, COUNT_MACHINES, &count);
	return r == 0 ? set_answer(line, COUNT_ANSWER, a) : r;
}

static int count(struct libscols_table *table, const struct pr_survey_row *rows, size_t n)
{
	size_t counts[_PR_SURVEY_ANSWER_MAX] = { 0 };
	int r = 0;

	for (size_t i = 0; i < n; i++)
		counts[rows[i].answer]++;
	for (unsigned int a = 0; a < _PR_SURVEY_ANSWER_MAX && r == 0; a++)
		if (counts[a] > 0)
			r = add_count(table, (enum pr_survey_answer)a, counts[a]);
	return r;
}

enum {
	COLUMN_FILE,
	COLUMN_KERNEL,
	COLUMN_ANSWER,
	COLUMN_SLOT,
	COLUMN_REMARK,
	N_COLUMNS
};
static const struct pr_column columns[N_COLUMNS] = {
	[COLUMN_FILE] = { "RECORDING", 0.3, 0 },
	[COLUMN_KERNEL] = { "KERNEL", 1, SCOLS_FL_TRUNC },
	[COLUMN_ANSWER] = { "ANSWER", 1, 0 },
	[COLUMN_SLOT] = { "SLOT", 1, SCOLS_FL_TRUNC },
	[COLUMN_REMARK] = { "PRICE, OR WHY NOT", 0.4, SCOLS_FL_TRUNC },
};

static int add_row(struct libscols_table *table, const char *file, const struct pr_survey_row *row)
{
	struct libscols_line *line;
	const char *const cells[N_COLUMNS] = { [COLUMN_FILE] = file,
		[COLUMN_KERNEL] = row->kernel,
		[COLUMN_SLOT] = row->where,
		[COLUMN_REMARK] = row->text };
	int r = pr_table_line(table, NULL, cells, N_COLUMNS, &line);

	return r == 0 ? set_answer(line, COLUMN_ANSWER, row->answer) : r;
}

/* The best first; of equals, as they were named. */
static int list(
	struct libscols_table *table, const struct pr_survey_row *rows, size_t n, char **files)
{
	int r = 0;

	for (unsigned int a = 0; a < _PR_SURVEY_ANSWER_MAX; a++)
		for (size_t i = 0; i < n && r == 0; i++)
			if (rows[i].answer == (enum pr_survey_answer)a)
				r = add_row(table, files[i], &rows[i]);
	return r;
}

int pr_render_survey(struct pr_text *t, const struct pr_style *s, const struct pr_survey_row *rows,
	size_t n, char **files)
{
	struct libscols_table *table;
	int r;

	if (files) {
		r = pr_table_new(s, columns, N_COLUMNS, &table);
		if (r < 0)
			return r;
		r = list(table, rows, n, files);
		if (r == 0)
			r = pr_table_print(table, t);
		scols_unref_table(table);
		if (r < 0)
			return r;
		pr_text_add(t, "\n");
	}
	r = pr_table_new(s, count_columns, N_COUNT_COLUMNS, &table);
	if (r < 0)
		return r;
	r = count(table, rows, n);
	if (r == 0)
		r = pr_table_print(table, t);
	scols_unref_table(table);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb template: what a card of a machine, or an endpoint function before
 * it is plugged anywhere, asks for; and the list of what is known already.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "cli/input.h"
#include "cli/source.h"
#include "cli/table.h"
#include "cli/templates.h"
#include "import/template.h"

#define SHELF_MAX 3

static bool is_directory(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

/* An enum pr_exit, told: who names a directory wants what is in it. */
static int make_shelf(
	const struct pr_cli *cli, const char *directories[SHELF_MAX], struct pr_template_shelf *ret)
{
	struct pr_template_shelf shelf = { .directories = directories };

	if (cli->templates && !is_directory(cli->templates))
		return pr_cli_error("--templates=%s: there is no such directory", cli->templates);
	if (cli->templates)
		directories[shelf.n++] = cli->templates;
	directories[shelf.n++] = PCIROOM_LOCAL_TEMPLATES;
	directories[shelf.n++] = PCIROOM_TEMPLATES;
	*ret = shelf;
	return PR_EXIT_OK;
}

int pr_cli_template(const struct pr_cli *cli, const char *name, struct pr_template **ret)
{
	const char *directories[SHELF_MAX];
	struct pr_template_shelf shelf;
	struct pr_import_error error = { .text = "" };
	_cleanup_free_ char *file = NULL;
	int r = make_shelf(cli, directories, &shelf);

	if (r != PR_EXIT_OK)
		return r;
	r = pr_template_load(name, &shelf, ret, &file, &error);
	if (r == 0)
		return PR_EXIT_OK;
	if (r == -ENOENT && error.line == 0) {
		(void)pr_cli_error("%s; pciroom template --list names those there are", error.text);
		return PR_EXIT_NOT_FOUND;
	}
	return pr_input_failed(file ? file : name, r, &error);
}

/* ---- what there is ---- */

static void count_functions(const struct pr_template_function *list, size_t n, size_t *ret)
{
	*ret += n;
	for (size_t i = 0; i < n; i++)
		count_functions(list[i].below, list[i].n_below, ret);
}

static size_t n_functions(const struct pr_template *t)
{
	size_t n = 0;

	count_functions(t->functions, t->n_functions, &n);
	return n;
}

static void json_template(struct pr_json *j, const struct pr_template *t)
{
	pr_json_object(j, NULL);
	pr_json_string(j, "name", t->name);
	pr_json_string(j, "text", t->text);
	pr_json_u64(j, "functions", n_functions(t));
	pr_json_array(j, "sources");
	for (size_t i = 0; i < t->n_sources; i++)
		pr_json_string(j, NULL, t->sources[i]);
	pr_json_array_end(j);
	pr_json_object_end(j);
}

enum {
	COLUMN_NAME,
	COLUMN_FUNCTIONS,
	COLUMN_TEXT,
	N_COLUMNS
};
static const struct pr_column columns[N_COLUMNS] = {
	[COLUMN_NAME] = { "TEMPLATE", 1, 0 },
	[COLUMN_FUNCTIONS] = { "FUNCTIONS", 1, SCOLS_FL_RIGHT },
	[COLUMN_TEXT] = { "WHAT IT IS", 0.5, SCOLS_FL_TRUNC },
};

static int add_row(struct libscols_table *table, const struct pr_template *t)
{
	const char *const cells[N_COLUMNS] = { [COLUMN_NAME] = t->name, [COLUMN_TEXT] = t->text };
	struct libscols_line *line;
	struct pr_text count = { 0 };
	int r = pr_table_line(table, NULL, cells, N_COLUMNS, &line);

	if (r < 0)
		return r;
	pr_text_printf(&count, "%zu", n_functions(t));
	return pr_table_cell(line, COLUMN_FUNCTIONS, &count);
}

/* Each that can be read, as a row of @table or in @j; one that cannot be is told of. */
static int list_each(const struct pr_cli *cli, char **names, size_t n, struct libscols_table *table,
	struct pr_json *j)
{
	int worst = PR_EXIT_OK;

	for (size_t i = 0; i < n; i++) {
		struct pr_template *t;
		int r = pr_cli_template(cli, names[i], &t);

		if (r != PR_EXIT_OK) {
			worst = r;
			continue;
		}
		if (cli->json)
			json_template(j, t);
		else if (add_row(table, t) < 0)
			worst = pr_cli_failed(-ENOMEM, "cannot list templates");
		pr_template_free(t);
	}
	return worst;
}

static int list_json(const struct pr_cli *cli, char **names, size_t n)
{
	struct pr_text t = { 0 };
	struct pr_json j;
	int r;

	pr_json_init(&j, &t);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "schema", "pciroom.templates/1");
	pr_json_array(&j, "templates");
	r = list_each(cli, names, n, NULL, &j);
	pr_json_array_end(&j);
	pr_json_object_end(&j);
	return pr_cli_print(&t) ? r : PR_EXIT_ERROR;
}

static int list_table(const struct pr_cli *cli, char **names, size_t n)
{
	struct libscols_table *table;
	struct pr_text t = { 0 };
	int r, printed;

	r = pr_table_new(&cli->style, columns, N_COLUMNS, &table);
	if (r < 0)
		return pr_cli_failed(r, "cannot list templates");
	r = list_each(cli, names, n, table, NULL);
	printed = pr_table_print(table, &t);
	scols_unref_table(table);
	if (printed < 0)
		return pr_cli_failed(printed, "cannot list templates");
	return pr_cli_print(&t) ? r : PR_EXIT_ERROR;
}

static int no_templates(const struct pr_template_shelf *shelf)
{
	struct pr_text t = { 0 };

	for (size_t i = 0; i < shelf->n; i++)
		pr_text_printf(&t, "%s%s", i > 0 ? ", " : "", shelf->directories[i]);
	pr_cli_note("there are no templates: none is in %s", t.failed ? "any directory" : t.data);
	pr_text_deinit(&t);
	return PR_EXIT_NOTHING;
}

static int list_all(const struct pr_cli *cli)
{
	const char *directories[SHELF_MAX];
	struct pr_template_shelf shelf;
	char **names;
	size_t n;
	int r;

	if (cli->n_arguments > 0)
		return pr_cli_error("--list takes no device");
	r = make_shelf(cli, directories, &shelf);
	if (r != PR_EXIT_OK)
		return r;
	r = pr_template_names(&shelf, &names, &n);
	if (r < 0)
		return pr_cli_failed(r, "cannot list templates");
	if (cli->json)
		r = list_json(cli, names, n);
	else
		r = n > 0 ? list_table(cli, names, n) : no_templates(&shelf);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return r;
}

/* ---- a new one ---- */

static int print_template(const struct pr_template *t)
{
	struct pr_text out = { 0 };
	_cleanup_free_ char *text = NULL;
	int r = pr_template_write(t, &text);

	if (r < 0)
		return pr_cli_failed(r, "cannot write the template");
	pr_text_add(&out, text);
	return pr_cli_print(&out) ? PR_EXIT_OK : PR_EXIT_ERROR;
}

/* Extended capabilities are beyond what is read without privilege. */
static void note_unknown(const struct pr_function *f)
{
	if (f->caps->sriov.present == PR_UNKNOWN)
		pr_cli_note("whether %s has virtual functions or Resizable BARs is not known: its "
			    "configuration space was not read beyond %zu bytes",
			pr_name_of(&f->address).text, f->facts->config_length);
}

static int capture(const struct pr_topology *t, const char *device)
{
	struct pr_text text = { 0 };
	struct pr_template *template;
	struct pr_function *f;
	char name[16], why[200];
	int r = pr_cli_device(t, device, &f);

	if (r != PR_EXIT_OK)
		return r;
	(void)snprintf(name, sizeof(name), "%04x-%04x", f->header.vendor, f->header.device);
	pr_text_printf(
		&text, "%s %04x:%04x", pr_function_role(f), f->header.vendor, f->header.device);
	r = text.failed ? -ENOMEM
			: pr_template_capture(f, name, text.data, &template, why, sizeof(why));
	pr_text_deinit(&text);
	if (r > 0)
		return pr_cli_error("%s", why);
	if (r < 0)
		return pr_cli_failed(r, "cannot make a template");
	note_unknown(f);
	r = print_template(template);
	pr_template_free(template);
	return r;
}

static int from_machine(const struct pr_cli *cli)
{
	struct pr_source s;
	int r = pr_source_open(cli, false, &s);

	if (r != PR_EXIT_OK)
		return r;
	r = capture(s.topology, cli->arguments[0]);
	pr_source_close(&s);
	return r;
}

static int from_endpoint(const char *directory)
{
	struct pr_import_error error = { .text = "" };
	struct pr_template *t;
	int r = pr_template_from_endpoint(directory, &t, &error);

	if (r < 0)
		return pr_input_failed(directory, r, &error);
	if (t->functions[0].n_bars == 0)
		pr_cli_note("%s tells the size of no BAR: what it asks for is to be added by hand",
			directory);
	r = print_template(t);
	pr_template_free(t);
	return r;
}

int pr_verb_template(const struct pr_cli *cli)
{
	if (cli->list)
		return list_all(cli);
	if (cli->n_arguments != 1)
		return pr_cli_error("template: one device is wanted, or --list");
	if (cli->json)
		return pr_cli_error("a template is YAML; --json goes with --list");
	if (!cli->input && is_directory(cli->arguments[0]))
		return from_endpoint(cli->arguments[0]);
	return from_machine(cli);
}

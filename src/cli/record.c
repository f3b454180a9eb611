/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb record: a snapshot of the machine, whole or not at all. */
#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "cli/output.h"
#include "cli/source.h"
#include "pciroom/import.h"

static bool print_answer(
	const struct pr_cli *cli, const char *file, const struct pr_topology *topology, size_t size)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	if (cli->json) {
		pr_json_init(&j, &t);
		pr_json_object(&j, NULL);
		pr_json_string(&j, "schema", "pciroom.record/1");
		pr_json_string(&j, "file", file);
		pr_json_u64(&j, "functions", topology->n_functions);
		pr_json_hex(&j, "generation", topology->generation);
		pr_json_u64(&j, "size", size);
		pr_json_object_end(&j);
	} else {
		pr_text_printf(&t, "%s: ", file);
		pr_text_count(&t, topology->n_functions, "function");
		pr_text_add(&t, " recorded\n");
	}
	return pr_cli_print(&t);
}

static int record(const struct pr_cli *cli, const char *file, const struct pr_topology *t)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = pr_snapshot_write(t, &text, &size);
	if (r < 0)
		return pr_cli_failed(r, "cannot make a snapshot");

	if (!file) {
		r = pr_write_all(STDOUT_FILENO, text, size);
		return r < 0 ? pr_cli_failed(r, "cannot write to standard output") : PR_EXIT_OK;
	}
	r = pr_output_write(file, text, size);
	if (r < 0)
		return pr_cli_failed(r, file);
	return print_answer(cli, file, t, size) ? PR_EXIT_OK : PR_EXIT_ERROR;
}

int pr_verb_record(const struct pr_cli *cli)
{
	const char *file = cli->n_arguments > 0 ? cli->arguments[0] : "-";
	struct pr_source s;
	int r;

	if (strcmp(file, "-") == 0)
		file = NULL;
	if (!file && cli->json)
		return pr_cli_error("record --json needs a FILE: standard output cannot hold both");

	r = pr_source_open(cli, false, &s);
	if (r != PR_EXIT_OK)
		return r;
	r = record(cli, file, s.topology);
	pr_source_close(&s);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb survey: recordings from arguments and a list, a process for each,
 * lines in their order, and a summary.
 */
#include "cli/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "base/io.h"
#include "base/macros.h"
#include "cli/jobs.h"
#include "cli/templates.h"

#define LIST_MAX (64u << 20) /* bytes of a list of files */

struct survey {
	const struct pr_cli *cli;
	char *list;   /* contents of --files-from */
	char **files; /* as named, in arguments or in @list */
	size_t n;
	struct pr_survey_row *rows;
};

static void deinit(struct survey *x)
{
	free(x->list);
	free(x->files);
	free(x->rows);
}

/* ---- which machines ---- */

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (const char *c = text; *c; c++)
		n += *c == '\n';
	return n;
}

static int read_list(struct survey *x, const char *list)
{
	size_t size;
	int r = pr_read_file_at(
		AT_FDCWD, strcmp(list, "-") == 0 ? "/dev/stdin" : list, LIST_MAX, &x->list, &size);

	if (r < 0)
		return pr_cli_failed(r, list);
	if (strlen(x->list) < size)
		return pr_cli_error("%s: bytes of 0 in a list of files", list);
	return PR_EXIT_OK;
}

/* Arguments first; of the list, a file a line. */
static int list_files(struct survey *x)
{
	const struct pr_cli *cli = x->cli;
	char *rest, *line;
	int r = cli->files_from ? read_list(x, cli->files_from) : PR_EXIT_OK;

	if (r != PR_EXIT_OK)
		return r;
	x->files = calloc(
		cli->n_arguments + (x->list ? count_lines(x->list) : 0) + 1, sizeof(*x->files));
	if (!x->files)
		return pr_cli_failed(-ENOMEM, "cannot start");
	for (size_t i = 0; i < cli->n_arguments; i++)
		x->files[x->n++] = cli->arguments[i];
	for (rest = x->list; (line = strsep(&rest, "\n"));)
		if (*line)
			x->files[x->n++] = line;
	if (x->n == 0)
		return pr_cli_error("survey: no recordings are named");
	x->rows = calloc(x->n, sizeof(*x->rows));
	return x->rows ? PR_EXIT_OK : pr_cli_failed(-ENOMEM, "cannot start");
}

/* A mistake in the question is told once, not by every machine. */
static int check_templates(const struct pr_cli *cli)
{
	for (size_t i = 0; i < cli->added.n; i++) {
		const char *at = strrchr(cli->added.name[i], '@');
		_cleanup_free_ char *name = strndup(cli->added.name[i],
			at ? (size_t)(at - cli->added.name[i]) : strlen(cli->added.name[i]));
		struct pr_template *template;
		int r = name ? pr_cli_template(cli, name, &template)
			     : pr_cli_failed(-ENOMEM, "cannot start");

		if (r != PR_EXIT_OK)
			return r;
		pr_template_free(template);
	}
	return PR_EXIT_OK;
}

/* ---- one machine ---- */

/* "FILE,iomem=FILE,...": cuts @text at the last such member. */
static bool cut_companion(char *text, struct pr_cli *cli)
{
	const struct {
		const char *name, **value;
	} members[] = { { ",iomem=", &cli->iomem }, { ",ioports=", &cli->ioports },
		{ ",dmesg=", &cli->dmesg } };

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		char *comma = strrchr(text, ',');

		if (!comma || strncmp(comma, members[i].name, strlen(members[i].name)) != 0)
			continue;
		*members[i].value = comma + strlen(members[i].name);
		*comma = '\0';
		return true;
	}
	return false;
}

/* The row, and behind it the line. */
static int write_answer(int fd, const struct pr_survey_row *row, struct pr_text *t)
{
	_cleanup_free_ char *line = NULL;
	size_t n;
	int r = pr_text_take(t, &line, &n);

	if (r == 0)
		r = pr_write_all(fd, row, sizeof(*row));
	if (r == 0)
		r = pr_write_all(fd, line, n);
	return r < 0 ? pr_cli_failed(r, "cannot hand the answer on") : PR_EXIT_OK;
}

static int ask_one(void *userdata, size_t job, int fd)
{
	const struct survey *x = userdata;
	_cleanup_free_ char *input = strdup(x->files[job]);
	struct pr_cli cli = *x->cli;
	struct pr_text t = { 0 };
	struct pr_survey_row row;
	int r;

	if (!input)
		return pr_cli_failed(-ENOMEM, "cannot start");
	while (cut_companion(input, &cli))
		;
	cli.input = input;
	cli.n_arguments = 0; /* they name no devices */
	r = pr_survey_ask(&cli, x->files[job], job + 1, &row, &t);
	if (r == PR_EXIT_OK)
		r = write_answer(fd, &row, &t);
	pr_text_deinit(&t);
	return r;
}

/* ---- what they say ---- */

static const char *skip(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : text;
}

/* The first sentence in @errors that is no note, without the names that all begin with. */
static const char *first_error(char *errors, const char *file)
{
	const char *error, *behind;
	char *line;

	while ((line = strsep(&errors, "\n"))) {
		if (*line == '\0' || skip(line, "pciroom: note: ") != line)
			continue;
		error = skip(line, "pciroom: ");
		behind = skip(error, file);
		return behind == error ? error : skip(behind, ": ");
	}
	return NULL;
}

static void take_error(
	const struct pr_job_end *end, struct pr_survey_row *row, struct pr_survey_line *line)
{
	const char *told = first_error(end->errors, line->file);

	*row = (struct pr_survey_row){ .answer = PR_SURVEY_ERROR };
	if (WIFSIGNALED(end->status))
		(void)snprintf(row->text, sizeof(row->text), "a fault of pciroom: %s",
			strsignal(WTERMSIG(end->status)));
	else
		(void)snprintf(row->text, sizeof(row->text), "%s",
			told ? told : "it ended without an answer");
	line->answer = row->answer;
	line->error = row->text;
}

static bool take_answer(void *userdata, size_t job, const struct pr_job_end *end)
{
	const struct survey *x = userdata;
	struct pr_survey_row *row = &x->rows[job];
	struct pr_survey_line line = { .file = x->files[job], .number = job + 1 };
	struct pr_text t = { 0 };

	if (WIFEXITED(end->status) && WEXITSTATUS(end->status) == PR_EXIT_OK &&
		end->n_output > sizeof(*row)) {
		memcpy(row, end->output, sizeof(*row));
		pr_text_add_n(&t, end->output + sizeof(*row), end->n_output - sizeof(*row));
	} else {
		take_error(end, row, &line);
		pr_render_survey_line(&t, &line);
	}
	if (!x->cli->summary)
		return pr_cli_print(&t);
	pr_text_deinit(&t);
	return true;
}

/* ---- the summary ---- */

/* On standard output when it is all that is wanted, else beside the lines. */
static int summarize(const struct survey *x)
{
	struct pr_style style = x->cli->style;
	struct pr_text t = { 0 };
	bool good;
	int r;

	if (x->cli->json)
		return PR_EXIT_OK;
	style.color = style.color && x->cli->summary;
	r = pr_render_survey(&t, &style, x->rows, x->n, x->cli->summary ? x->files : NULL);
	if (r < 0) {
		pr_text_deinit(&t);
		return pr_cli_failed(r, "cannot draw the summary");
	}
	if (x->cli->summary)
		return pr_cli_print(&t) ? PR_EXIT_OK : PR_EXIT_ERROR;
	good = !t.failed && fputs(t.data, stderr) >= 0;
	pr_text_deinit(&t);
	return good ? PR_EXIT_OK : PR_EXIT_ERROR;
}

/* The worst of them. */
static int exit_of(const struct survey *x)
{
	bool without = false, forbidden = false;

	for (size_t i = 0; i < x->n; i++) {
		if (x->rows[i].answer == PR_SURVEY_ERROR)
			return PR_EXIT_ERROR;
		forbidden = forbidden || x->rows[i].forbidden;
		without = without || x->rows[i].answer > PR_SURVEY_VETOED;
	}
	return without ? PR_EXIT_INFEASIBLE : forbidden ? PR_EXIT_IN_USE : PR_EXIT_OK;
}

static int run(struct survey *x)
{
	const struct pr_jobs jobs = {
		.n = x->n,
		.parallel = x->cli->jobs ? x->cli->jobs : pr_processors(),
		.userdata = x,
		.work = ask_one,
		.done = take_answer,
	};
	int r = pr_jobs_run(&jobs);

	if (r < 0)
		return pr_cli_failed(r, "cannot run the survey");
	if (r > 0)
		return PR_EXIT_ERROR; /* told */
	r = summarize(x);
	return r == PR_EXIT_OK ? exit_of(x) : r;
}

int pr_verb_survey(const struct pr_cli *cli)
{
	struct survey x = { .cli = cli };
	int r;

	if (cli->json && cli->summary)
		return pr_cli_error("--json and --summary exclude each other");
	r = list_files(&x);
	if (r == PR_EXIT_OK)
		r = pr_changes_check_boot(cli);
	if (r == PR_EXIT_OK)
		r = check_templates(cli);
	if (r == PR_EXIT_OK)
		r = run(&x);
	deinit(&x);
	return r;
}

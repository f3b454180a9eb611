/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --input: a recording in any of the forms that import/ reads, with the files
 * beside it, and what it does not say told on standard error.
 */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/macros.h"
#include "import/companions.h"

/* More than any machine needs; the readers have limits of their own. */
#define INPUT_MAX (256u << 20)

/* What is compressed as what it holds; an archive stays as it is. */
static int unpack(const char *file, char **data, size_t *size)
{
	struct pr_import_error error = { .text = "" };
	char *unpacked;
	int r;

	if (!pr_is_compressed(*data, *size))
		return PR_EXIT_OK;
	r = pr_decompress(*data, *size, &unpacked, size, &error);
	if (r < 0)
		return pr_input_failed(file, r, &error);
	if (r == 0) {
		free(*data);
		*data = unpacked;
	}
	return PR_EXIT_OK;
}

static int read_whole(const char *file, char **ret, size_t *ret_size)
{
	char *data;
	int r = pr_read_file_at(
		AT_FDCWD, strcmp(file, "-") == 0 ? "/dev/stdin" : file, INPUT_MAX, &data, ret_size);

	if (r < 0)
		return pr_cli_failed(r, file);
	r = unpack(file, &data, ret_size);
	if (r == PR_EXIT_OK)
		*ret = data;
	else
		free(data);
	return r;
}

/* The texts of files beside the recording, which @ret borrows from @texts. */
static int read_companions(const struct pr_cli *cli, char *texts[3], struct pr_companions *ret)
{
	struct pr_companions c = { .iomem_name = cli->iomem, .ioports_name = cli->ioports };
	int r = PR_EXIT_OK;

	if (cli->iomem)
		r = read_whole(cli->iomem, &texts[0], &c.iomem_size);
	if (r == PR_EXIT_OK && cli->ioports)
		r = read_whole(cli->ioports, &texts[1], &c.ioports_size);
	if (r == PR_EXIT_OK && cli->dmesg)
		r = read_whole(cli->dmesg, &texts[2], &c.dmesg_size);
	c.iomem = texts[0];
	c.ioports = texts[1];
	c.dmesg = texts[2];
	*ret = c;
	return r;
}

static bool is_directory(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 && S_ISDIR(st.st_mode);
}

static int read_file(const char *file, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = read_whole(file, &data, &size);

	if (r != PR_EXIT_OK)
		return r;
	r = pr_input_read(data, size, companions, ret, notes, error);
	return r == 0 ? PR_EXIT_OK : r < 0 ? r : -EBADMSG;
}

int pr_input_failed(const char *file, int r, const struct pr_import_error *error)
{
	if (error->line > 0 && error->column > 0)
		return pr_cli_error("%s:%u:%u: %s", file, error->line, error->column, error->text);
	if (error->line > 0)
		return pr_cli_error("%s:%u: %s", file, error->line, error->text);
	if (error->text[0])
		return pr_cli_error("%s: %s", file, error->text);
	return pr_cli_failed(r, file);
}

/* The recording as @ret; an enum pr_exit, and what went wrong has been told. */
static int open_with(const struct pr_cli *cli, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes)
{
	struct pr_import_error error = { .text = "" };
	int r;

	if (is_directory(cli->input))
		r = pr_tree_read(cli->input, companions, ret, notes, &error);
	else
		r = read_file(cli->input, companions, ret, notes, &error);
	if (r > 0 && error.text[0] == '\0')
		return r; /* told */
	return r == 0 ? PR_EXIT_OK : pr_input_failed(cli->input, r < 0 ? r : -EBADMSG, &error);
}

/* @text of @file has no address: in /proc, only root sees them. */
static void note_hidden(
	struct pr_import_notes *notes, const char *file, const char *text, size_t size)
{
	if (text && pr_resource_text_masked(text, size))
		pr_note(notes, "it tells nothing", "addresses in %s (only root sees them in /proc)",
			file);
}

int pr_input_open(
	const struct pr_cli *cli, struct pr_topology **ret, struct pr_import_notes *ret_notes)
{
	struct pr_import_notes notes = { .n = 0 };
	struct pr_companions companions;
	char *texts[3] = { 0 };
	int r;

	r = read_companions(cli, texts, &companions);
	note_hidden(&notes, cli->iomem, companions.iomem, companions.iomem_size);
	if (companions.ioports_size > 0) /* a machine without ports has an empty list */
		note_hidden(&notes, cli->ioports, companions.ioports, companions.ioports_size);
	if (r == PR_EXIT_OK)
		r = open_with(cli, &companions, ret, &notes);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	if (r != PR_EXIT_OK)
		return r;

	for (size_t i = 0; i < notes.n; i++)
		pr_cli_note("not recorded: %s; %s", notes.note[i].missing, notes.note[i].cost);
	*ret_notes = notes;
	return PR_EXIT_OK;
}

void pr_json_notes(struct pr_json *j, const struct pr_import_notes *notes)
{
	if (!notes)
		return;
	pr_json_array(j, "unknown");
	for (size_t i = 0; i < notes->n; i++) {
		pr_json_object(j, NULL);
		pr_json_string(j, "what", notes->note[i].missing);
		pr_json_string(j, "cost", notes->note[i].cost);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

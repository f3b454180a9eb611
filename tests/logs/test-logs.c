/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The second ground truth: logs of real machines.  A row is what one kernel
 * logged of its boots, or of what was plugged in later; the model of the kernel
 * is given the same machine, and must decide the same.  The numbers are pinned:
 * a change of the model that makes one decision wrong fails here, and so does
 * one that mends one until the row says so.  `test-logs -v` names each wrong
 * decision.  Recordings are found through PCIROOM_RECORDINGS.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "cases.h"
#include "companion.h"
#include "judge.h"
#include "rows.h"

#define FILE_BYTES_MAX (8u << 20)

static bool verbose;

/* ---- reading ---- */

static int read_recording(const char *file, char **ret, size_t *ret_size)
{
	const char *root = getenv("PCIROOM_RECORDINGS"), *source = getenv("PCIROOM_SRCDIR");
	char path[4096];

	if (root)
		(void)snprintf(path, sizeof(path), "%s/%s", root, file);
	else
		(void)snprintf(path, sizeof(path), "%s/../shared/recordings/%s",
			source ? source : ".", file);
	return pr_read_file_at(AT_FDCWD, path, FILE_BYTES_MAX, ret, ret_size);
}

/* The lines of one side of a unified diff, without their first character. */
static void add_side(const char *text, char side, struct pr_text *log)
{
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");

		if (*p == side || *p == ' ')
			pr_text_add_n(log, p + 1, n - 1);
		pr_text_add(log, "\n");
		p += n + (p[n] == '\n');
	}
}

/* False: a file is not there. */
static bool gather(const struct log_case *c, struct pr_text *log)
{
	_cleanup_free_ char *lspci = NULL;
	size_t size;

	for (size_t i = 0; i < FILES_MAX && c->files[i]; i++) {
		_cleanup_free_ char *text = NULL;

		if (read_recording(c->files[i], &text, &size) < 0)
			return false;
		if (c->side)
			add_side(text, c->side, log);
		else
			pr_text_add_n(log, text, size);
	}
	if (!c->lspci)
		return true;
	if (read_recording(c->lspci, &lspci, &size) < 0)
		return false;
	companion_slots(lspci, log);
	return true;
}

/* ---- the table ---- */

static void print_wrong(void *userdata, const char *sentence)
{
	(void)userdata;
	if (verbose)
		print_message("#     %s\n", sentence);
}

/* Which rules the model took. */
static const char *profile(const struct pr_machine *machine, char *ret, size_t size)
{
	struct pr_kernel k;

	assert_true(pr_kernel_select(machine, &k) >= 0);
	(void)snprintf(ret, size, "%s as %s%s", machine->release ? machine->release : "?",
		pr_generation_name(k.generation), k.older ? ", the oldest" : "");
	return ret;
}

static void print_row(const struct log_case *c, const struct judge *j, const struct verdict *v)
{
	const char *none = v->events + v->unjudged == 0 ? ": nothing was decided" : "";
	char kernel[96];

	print_message("# %-54s %-44.44s events %2u right %3u wrong %3u not judged %3u%s%s%s%s%s\n",
		c->name, profile(&j->machine, kernel, sizeof(kernel)), v->events, v->right,
		v->wrong, v->unjudged, none, v->unjudged ? ": " : "", v->unjudged ? v->why : "",
		v->wrong && c->cause ? "; wrong: " : "", v->wrong && c->cause ? c->cause : "");
}

static struct pr_machine machine_of(const struct log_case *c, const struct pr_dmesg *log)
{
	struct pr_machine machine = log->machine;

	if (c->arch)
		machine.arch = c->arch;
	if (c->release)
		machine.release = c->release;
	if (c->cmdline)
		machine.cmdline = c->cmdline;
	return machine;
}

static void test_log(void **state)
{
	const struct log_case *c = *state;
	_cleanup_free_ char *text = NULL;
	struct pr_import_error error;
	struct pr_text buffer = { 0 };
	struct verdict v = { 0 };
	struct pr_dmesg *log;
	struct judge j;
	size_t size;

	if (!gather(c, &buffer)) {
		pr_text_deinit(&buffer);
		print_message("# %s is not there: set PCIROOM_RECORDINGS\n", c->files[0]);
		skip();
	}
	assert_int_equal(pr_text_take(&buffer, &text, &size), 0);
	assert_int_equal(pr_dmesg_read(text, size, &log, &error), 0);
	j = (struct judge){ .log = log, .machine = machine_of(c, log), .wrong = print_wrong };
	assert_int_equal(c->judge(&j, &v), 0);
	print_row(c, &j, &v);
	pr_dmesg_free(log);

	assert_int_equal(v.right, c->right);
	assert_int_equal(v.wrong, c->wrong);
	assert_int_equal(v.unjudged, c->unjudged);
}

int main(int argc, char **argv)
{
	struct rows rows = { 0 };

	verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	for (size_t i = 0; i < n_log_cases; i++)
		rows_add(&rows, log_cases[i].name, test_log, &log_cases[i]);
	return rows_run(&rows, "logs");
}

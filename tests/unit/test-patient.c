/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that may never answer: queues that nobody writes to are such. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/patient.h"
#include "fixture.h"
#include "rows.h"

#define PATIENCE_MS 100
#define NO_HURRY_MS 60000 /* where everything answers: the machine may be busy */
#define SILENT      "silent"

static const char *const *names;

static void path_of(void *userdata, size_t i, char *ret, size_t size)
{
	(void)userdata;
	(void)snprintf(ret, size, "%s", names[i]);
}

static struct fixture *files(int *ret_directory)
{
	struct fixture *f = fixture_new();

	fixture_file(f, "first", "one\ntwo\n");
	fixture_file(f, "empty", "");
	fixture_file(f, "last", "three");
	assert_int_equal(mkfifo(fixture_path(f, SILENT), 0600), 0);
	*ret_directory = open(fixture_root(f), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(*ret_directory >= 0);
	return f;
}

static const struct patient_case {
	const char *name, *names[4];
	size_t n;
	const char *said; /* "line;", "-;" for what cannot be read, "?;" for what does not answer */
	bool alone;       /* without a child */
} patient_cases[] = {
	{ "no files", { NULL }, 0, "", false },
	{ "first lines, in order", { "first", "empty", "last" }, 3, "one;;three;", false },
	{ "a file that is not there", { "none", "last" }, 2, "-;three;", false },
	{ "a directory cannot be read", { ".", "last" }, 2, "-;three;", false },
	{ "a file that does not answer, and those behind it", { "first", SILENT, "last" }, 3,
		"one;?;three;", false },
	{ "only such files", { SILENT, SILENT }, 2, "?;?;", false },
	{ "files that always answer need no child", { "first", "none", "last" }, 3, "one;-;three;",
		true },
};

static void test_lines(void **state)
{
	const struct patient_case *c = *state;
	char line[PR_PATIENT_LINE], said[1200] = "";
	const unsigned int patience_ms = strchr(c->said, '?') ? PATIENCE_MS : NO_HURRY_MS;
	struct pr_patient *p;
	int directory, r;
	struct fixture *f = files(&directory);

	names = c->names;
	assert_int_equal(
		pr_patient_new(directory, c->n, path_of, NULL, c->alone ? 0 : patience_ms, &p), 0);
	for (size_t i = 0; i < c->n; i++) {
		r = pr_patient_line(p, line);
		assert_true(r >= 0 || r == -ETIMEDOUT);
		strcat(strcat(said, r < 0 ? "?" : r > 0 ? "-" : line), ";");
	}
	assert_string_equal(said, c->said);
	if (c->alone)
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	pr_patient_free(p);
	(void)close(directory);
	fixture_free(f);
}

static void test_skip(void **state)
{
	static const char *const list[] = { SILENT, SILENT, "first", "last" };
	char line[PR_PATIENT_LINE];
	struct pr_patient *p;
	int directory;
	struct fixture *f = files(&directory);

	(void)state;
	names = list;
	assert_int_equal(
		pr_patient_new(directory, ARRAY_SIZE(list), path_of, NULL, PATIENCE_MS, &p), 0);
	assert_int_equal(pr_patient_line(p, line), -ETIMEDOUT);
	pr_patient_skip(p);
	pr_patient_skip(p);
	assert_int_equal(pr_patient_line(p, line), 0);
	assert_string_equal(line, "three");
	pr_patient_free(p);
	(void)close(directory);
	fixture_free(f);
}

/* What was read ahead of it is passed over. */
static void test_skip_read(void **state)
{
	static const char *const list[] = { "first", "empty", "last" };
	char line[PR_PATIENT_LINE];
	struct pr_patient *p;
	int directory;
	struct fixture *f = files(&directory);

	(void)state;
	names = list;
	assert_int_equal(
		pr_patient_new(directory, ARRAY_SIZE(list), path_of, NULL, NO_HURRY_MS, &p), 0);
	assert_int_equal(pr_patient_line(p, line), 0);
	pr_patient_skip(p);
	assert_int_equal(pr_patient_line(p, line), 0);
	assert_string_equal(line, "three");
	pr_patient_free(p);
	(void)close(directory);
	fixture_free(f);
}

static void test_long(void **state)
{
	static const char *const list[] = { "long" };
	char line[PR_PATIENT_LINE], text[2 * PR_PATIENT_LINE];
	struct pr_patient *p;
	int directory;
	struct fixture *f = files(&directory);

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fixture_file(f, "long", text);
	names = list;
	assert_int_equal(pr_patient_new(directory, 1, path_of, NULL, NO_HURRY_MS, &p), 0);
	assert_int_equal(pr_patient_line(p, line), 0);
	assert_int_equal(strlen(line), PR_PATIENT_LINE - 1);
	pr_patient_free(p);
	(void)close(directory);
	fixture_free(f);
}

static const struct CMUnitTest fixed[] = {
	{ "files that are left out are not waited for", test_skip, NULL, NULL, NULL },
	{ "nor told of", test_skip_read, NULL, NULL, NULL },
	{ "a long line is cut", test_long, NULL, NULL, NULL },
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, patient_cases, test_lines);
	ADD_TESTS(&tests, fixed);

	return rows_run(&tests, "patient");
}

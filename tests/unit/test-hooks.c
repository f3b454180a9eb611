/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hooks: which files are programs to run, what their ends mean, and that none outlives its deadline. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "hooks/hooks.h"
#include "rows.h"

static int setup(void **state)
{
	*state = fixture_new();
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static void put(struct fixture *f, const char *path, unsigned int mode, const char *text)
{
	fixture_file(f, path, text);
	fixture_chmod(f, path, mode);
}

static void find(struct fixture *f, struct pr_hooks *ret)
{
	const char *const directories[] = { fixture_path(f, "etc"), fixture_path(f, "lib") };

	assert_int_equal(pr_hooks_find(directories, ARRAY_SIZE(directories), ret), 0);
}

/* ---- finding ---- */

static void test_find(void **state)
{
	static const char text[] = "#!/bin/sh\n";
	struct fixture *f = *state;
	struct pr_hooks hooks;

	fixture_dir(f, "etc");
	fixture_dir(f, "lib");
	put(f, "lib/50-md", 0755, text);
	put(f, "lib/10_umount", 0755, text);
	put(f, "lib/30-both", 0755, text);
	put(f, "etc/30-both", 0755, text);
	put(f, "lib/40-hidden", 0755, text);
	fixture_link(f, "etc/40-hidden", "/dev/null");
	put(f, "etc/readme", 0644, text);
	put(f, "etc/60-old~", 0755, text);
	put(f, "etc/60-x.dpkg-new", 0755, text);
	put(f, "etc/70-anybody", 0757, text);
	put(f, "etc/80-group", 0775, text);
	fixture_link(f, "etc/90-nowhere", "missing");
	fixture_dir(f, "etc/95-directory");

	find(f, &hooks);
	assert_int_equal(hooks.n, 3);
	assert_string_equal(hooks.list[0].name, "10_umount");
	assert_string_equal(hooks.list[1].name, "30-both");
	assert_string_equal(hooks.list[1].path, fixture_path(f, "etc/30-both"));
	assert_string_equal(hooks.list[2].name, "50-md");
}

static void test_open_directory(void **state)
{
	struct fixture *f = *state;
	struct pr_hooks hooks;

	put(f, "etc/10-x", 0755, "#!/bin/sh\n");
	fixture_chmod(f, "etc", 0777);
	find(f, &hooks);
	assert_int_equal(hooks.n, 0); /* and the other directory is not there at all */
	fixture_chmod(f, "etc", 0755);
}

static const struct deadline {
	const char *name, *script;
	unsigned int deadline_ms;
} deadlines[] = {
	{ "a hook that asks for two minutes has them",
		"#!/bin/sh\n# Licence\n# pciroom-deadline: 120\nexit 0\n", 120000 },
	{ "blanks do not matter", "#!/bin/sh\n#\tpciroom-deadline:5  \n", 5000 },
	{ "a hook that asks for nothing", "#!/bin/sh\nexit 0\n", 0 },
	{ "the longest", "#!/bin/sh\n# pciroom-deadline: 600\n", 600000 },
	{ "one that is too long is none", "#!/bin/sh\n# pciroom-deadline: 601\n", 0 },
	{ "zero is none", "#!/bin/sh\n# pciroom-deadline: 0\n", 0 },
	{ "a word is none", "#!/bin/sh\n# pciroom-deadline: soon\n", 0 },
	{ "not in a comment", "#!/bin/sh\necho pciroom-deadline: 9\n", 0 },
	{ "not in what is no script", "\177ELF\n# pciroom-deadline: 9\n", 0 },
};

static void test_deadline(void **state)
{
	const struct deadline *row = *state;
	struct fixture *f = fixture_new();
	struct pr_hooks hooks;

	put(f, "etc/10-x", 0755, row->script);
	find(f, &hooks);
	assert_int_equal(hooks.n, 1);
	assert_int_equal(hooks.list[0].deadline_ms, row->deadline_ms);
	fixture_free(f);
}

/* ---- running ---- */

#define SH "#!/bin/sh\n"

static const struct row {
	const char *name, *script;
	enum pr_hook_answer answer;
	const char *text;
	unsigned int deadline_ms;
} rows[] = {
	{ "status 0 agrees", SH "exit 0\n", PR_HOOK_AGREE, "", 60000 },
	{ "status 1 pins, and its first line says why", SH "echo backup runs; echo more; exit 1\n",
		PR_HOOK_PIN, "backup runs", 60000 },
	{ "status 2 is not its", SH "exit 2\n", PR_HOOK_NOT_MINE, "", 60000 },
	{ "another status is no agreement", SH "exit 3\n", PR_HOOK_PIN, "it ended with status 3",
		60000 },
	{ "a crash is no agreement", SH "kill -9 $$\n", PR_HOOK_PIN, "it was killed by signal 9",
		60000 },
	{ "it hears the phase and the text", SH "read -r line; echo \"$1 $line\"\n", PR_HOOK_AGREE,
		"pre {\"a\": 1}", 60000 },
	{ "it need not listen", SH "exec 0<&-\nexit 0\n", PR_HOOK_AGREE, "", 60000 },
	{ "control characters are no text", SH "printf 'a\\033b\\n'\n", PR_HOOK_AGREE, "a?b",
		60000 },
	{ "much output does not stop it", SH "yes | head -c 300000\n", PR_HOOK_AGREE, "y", 60000 },
	{ "too late is no agreement", SH "sleep 600\n", PR_HOOK_PIN, "it did not answer in time",
		100 },
	{ "what it leaves in the background does not hold us up", SH "sleep 600 & exit 0\n",
		PR_HOOK_AGREE, "", 60000 },
	{ "no interpreter is no agreement", "#!/nonexistent\n", PR_HOOK_PIN,
		"it ended with status 127", 60000 },
};

static void test_row(void **state)
{
	static const char json[] = "{\"a\": 1}\n";
	const struct row *row = *state;
	struct fixture *f = fixture_new();
	char text[PR_HOOK_TEXT_MAX];
	enum pr_hook_answer answer;
	struct pr_hooks hooks;

	put(f, "etc/10-x", 0755, row->script);
	find(f, &hooks);
	assert_int_equal(hooks.n, 1);
	assert_int_equal(pr_hook_run(&hooks.list[0], "pre", json, strlen(json), row->deadline_ms,
				 &answer, text),
		0);
	assert_string_equal(text, row->text);
	assert_int_equal(answer, row->answer);
	fixture_free(f);
}

/* A hook that is too late goes with all that it started. */
static void test_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	const char *pid_file = fixture_path(f, "pid"), *written;
	char script[300], text[PR_HOOK_TEXT_MAX];
	enum pr_hook_answer answer;
	struct pr_hooks hooks;
	int pid;

	(void)snprintf(script, sizeof(script),
		SH "sleep 600 &\necho $! >%s.new\nmv %s.new %s\nwait\n", pid_file, pid_file,
		pid_file);
	put(f, "etc/10-x", 0755, script);
	find(f, &hooks);
	do /* on a busy machine the shell may not have come so far */
		assert_int_equal(pr_hook_run(&hooks.list[0], "pre", "", 0, 300, &answer, text), 0);
	while (access(pid_file, F_OK) < 0);
	assert_int_equal(answer, PR_HOOK_PIN);
	written = fixture_read(f, "pid", NULL);
	assert_int_equal(sscanf(written, "%d", &pid), 1);
	while (kill(pid, 0) == 0) {
		char path[40], state_letter = 0;
		FILE *stat_file;

		/* a zombie that init has not buried yet is as good as gone */
		(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		stat_file = fopen(path, "re");
		if (!stat_file)
			break;
		(void)fscanf(stat_file, "%*d (%*[^)]) %c", &state_letter);
		(void)fclose(stat_file);
		if (state_letter == 'Z')
			break;
		(void)usleep(1000);
	}
}

#define IN_TREE(name, f)                       \
	{                                      \
		name, f, setup, teardown, NULL \
	}

static const struct CMUnitTest fixed[] = {
	IN_TREE("programs of both directories by name, and nothing else", test_find),
	IN_TREE("of a directory that anybody can write to nothing is run", test_open_directory),
	IN_TREE("a hook that is too late leaves nothing behind", test_leaves_nothing),
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, rows, test_row);
	ADD_ROWS(&tests, deadlines, test_deadline);
	ADD_TESTS(&tests, fixed);
	return rows_run(&tests, "hooks");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb check-config.  The judge is the program that will read the files,
 * `pciroomd --check`; this one only asks it and passes its answer on.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "base/macros.h"
#include "cli/cli.h"

extern char **environ;

#define ANSWER_MAX 4096u /* bytes; an error shows one line of at most 160 characters */

/* The judge: with standard output and error on @out.  0 or negative errno. */
static int start_judge(const struct pr_cli *cli, int out, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	char **argv;
	int r;

	argv = calloc(cli->n_arguments + 4, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	argv[0] = (char *)PCIROOM_DAEMON; /* none of these is written to */
	argv[1] = (char *)"--check";
	argv[2] = (char *)"--";
	memcpy(argv + 3, cli->arguments, cli->n_arguments * sizeof(*argv));
	r = posix_spawn_file_actions_init(&actions);
	if (r == 0) {
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
		if (r == 0)
			r = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
		if (r == 0)
			r = posix_spawn(ret, PCIROOM_DAEMON, &actions, NULL, argv, environ);
		(void)posix_spawn_file_actions_destroy(&actions); /* never fails */
	}
	free(argv);
	return -r;
}

/* What it says, without the newline at the end; reads to the end, however much it is. */
static int read_answer(int fd, char answer[ANSWER_MAX])
{
	size_t used = 0;
	char rest[256];
	ssize_t n;

	for (;;) {
		n = used + 1 < ANSWER_MAX ? read(fd, answer + used, ANSWER_MAX - 1 - used)
					  : read(fd, rest, sizeof(rest));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (used + 1 < ANSWER_MAX)
			used += (size_t)n;
	}
	while (used > 0 && answer[used - 1] == '\n')
		used--;
	answer[used] = '\0';
	return n < 0 ? -errno : 0;
}

/* 0 with its exit status, or negative errno. */
static int ask_judge(const struct pr_cli *cli, char answer[ANSWER_MAX], int *ret_status)
{
	int ends[2], status = 0, r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	r = start_judge(cli, ends[1], &pid);
	(void)close(ends[1]); /* the judge has it; it is not written to here */
	if (r == 0) {
		r = read_answer(ends[0], answer);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	(void)close(ends[0]); /* only read from */
	if (r == 0)
		*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
	return r;
}

static bool print_json(const char *answer, bool valid)
{
	struct pr_text t = { 0 };
	struct pr_json j;

	pr_json_init(&j, &t);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "schema", "pciroom.check-config/1");
	pr_json_bool(&j, "valid", valid);
	pr_json_string(&j, valid ? "summary" : "error", answer);
	pr_json_object_end(&j);
	return pr_cli_print(&t);
}

static bool print_text(const char *answer, bool valid)
{
	struct pr_text t = { 0 };

	if (!valid) {
		(void)fprintf(stderr, "%s\n", answer);
		return true;
	}
	pr_text_printf(&t, "The configuration is good: %s\n", answer);
	return pr_cli_print(&t);
}

int pr_verb_check_config(const struct pr_cli *cli)
{
	char answer[ANSWER_MAX] = "";
	int status = EXIT_FAILURE, r;
	bool valid;

	r = ask_judge(cli, answer, &status);
	if (r < 0)
		return pr_cli_failed(r, PCIROOM_DAEMON);
	valid = status == EXIT_SUCCESS;
	if (!valid && status != EX_CONFIG)
		return pr_cli_error("%s failed: %s", PCIROOM_DAEMON, answer);
	if (!(cli->json ? print_json(answer, valid) : print_text(answer, valid)))
		return PR_EXIT_ERROR;
	return valid ? PR_EXIT_OK : PR_EXIT_ERROR;
}

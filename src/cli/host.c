/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another machine: the same command there, by ssh.  Not the bus from afar, as
 * machines and plans travel over it as descriptors, which no network carries.
 */
#include "cli/host.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* One word for the shell at the other end: nothing in it means anything. */
static void add_word(struct pr_text *command, const char *word)
{
	pr_text_add(command, command->data ? " '" : "'");
	for (; *word; word++) {
		if (*word == '\'')
			pr_text_add(command, "'\\''");
		else
			pr_text_add_n(command, word, 1);
	}
	pr_text_add(command, "'");
}

void pr_host_option(struct pr_text *command, const char *name, const char *argument)
{
	struct pr_text option = { 0 };

	if (!command->data)
		add_word(command, "pciroom");
	pr_text_printf(&option, "--%s%s%s", name, argument ? "=" : "", argument ? argument : "");
	if (option.failed)
		command->failed = true;
	else
		add_word(command, option.data);
	pr_text_deinit(&option);
}

/* Files are of this machine, and would be looked for on that one. */
static int refuse_files(const struct pr_cli *cli)
{
	if (cli->input || cli->iomem || cli->ioports || cli->dmesg)
		return pr_cli_error("--host and --input exclude each other");
	if (cli->templates)
		return pr_cli_error("--templates does not go with --host");
	if (cli->helper_log || cli->state)
		return pr_cli_error("--helper-log and --state do not go with --host");
	if (cli->n_arguments > 0 && cli->verb->takes & (PR_TAKES_FILE | PR_TAKES_FILES))
		return pr_cli_error("%s: a file does not go with --host", cli->verb->name);
	return PR_EXIT_OK;
}

int pr_host_run(const struct pr_cli *cli, struct pr_text *command)
{
	const char *argv[] = { "ssh", isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? "-t" : "-T",
		"--", cli->host, NULL, NULL };

	if (refuse_files(cli) != PR_EXIT_OK)
		return PR_EXIT_ERROR;
	if (!command->data)
		add_word(command, "pciroom");
	add_word(command, "--");
	add_word(command, cli->verb->name);
	for (size_t i = 0; i < cli->n_arguments; i++)
		add_word(command, cli->arguments[i]);
	if (command->failed)
		return pr_cli_failed(-ENOMEM, "cannot start ssh");
	argv[4] = command->data;
	(void)fflush(stdout); /* nothing was written yet */
	(void)execvp("ssh", (char *const *)argv);
	return pr_cli_failed(-errno, "ssh");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of verbs, from which running and help both come. */
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/macros.h"
#include "cli/host.h"
#include "cli/options.h"

const struct pr_verb pr_verbs[] = {
	{ "tree", "", "show the machine: bridges, devices, windows, health",
		PR_TAKES_INPUT | PR_TAKES_SOURCE, pr_verb_tree },
	{ "slots", "[DEVICE...]", "say what could be hot-added where, and what that takes",
		PR_TAKES_DEVICES | PR_TAKES_INPUT | PR_TAKES_POLICY | PR_TAKES_SOURCE,
		pr_verb_slots },
	{ "vfs", "[DEVICE...]",
		"say how many virtual functions can be enabled, and what stops more",
		PR_TAKES_DEVICES | PR_TAKES_INPUT | PR_TAKES_POLICY | PR_TAKES_SOURCE,
		pr_verb_vfs },
	{ "explain", "[DEVICE...]",
		"say what is dead, which window is too small, who is in the way",
		PR_TAKES_DEVICES | PR_TAKES_INPUT | PR_TAKES_POLICY | PR_TAKES_SOURCE,
		pr_verb_explain },
	{ "doctor", "", "say what is wrong, what a hot-add would damage, and what mends it",
		PR_TAKES_INPUT | PR_TAKES_POLICY | PR_TAKES_SOURCE, pr_verb_doctor },
	{ "plan", "[DEVICE...]", "work out the least disruptive way to make devices work",
		PR_TAKES_DEVICES | PR_TAKES_INPUT | PR_TAKES_POLICY | PR_TAKES_SOURCE |
			PR_TAKES_BUSES | PR_TAKES_RESIZE,
		pr_verb_plan },
	{ "what-if", "", "say what becomes of the machine when cards come or go; touches nothing",
		PR_TAKES_INPUT | PR_TAKES_POLICY | PR_TAKES_SOURCE | PR_TAKES_BUSES |
			PR_TAKES_RESIZE | PR_TAKES_WHAT_IF | PR_TAKES_TEMPLATES,
		pr_verb_what_if },
	{ "map", "[DEVICE...]",
		"draw what lies where: addresses and bus numbers, now or before and after a plan",
		PR_TAKES_DEVICES | PR_TAKES_INPUT | PR_TAKES_POLICY | PR_TAKES_SOURCE |
			PR_TAKES_BUSES | PR_TAKES_RESIZE | PR_TAKES_WHAT_IF | PR_TAKES_TEMPLATES |
			PR_TAKES_OUTPUT | PR_TAKES_PICTURE,
		pr_verb_map },
	{ "survey", "[FILE...]",
		"ask many recordings what what-if asks one; a line of JSON for each",
		PR_TAKES_FILES | PR_TAKES_POLICY | PR_TAKES_BUSES | PR_TAKES_RESIZE |
			PR_TAKES_WHAT_IF | PR_TAKES_TEMPLATES | PR_TAKES_SURVEY,
		pr_verb_survey },
	{ "template", "DEVICE", "write down what a card asks for, for what-if",
		PR_TAKES_DEVICES | PR_TAKES_INPUT | PR_TAKES_SOURCE | PR_TAKES_LIST |
			PR_TAKES_TEMPLATES,
		pr_verb_template },
	{ "report", "",
		"write one page of HTML: the machine, what is wrong, the plan or what-if's answer",
		PR_TAKES_INPUT | PR_TAKES_POLICY | PR_TAKES_SOURCE | PR_TAKES_BUSES |
			PR_TAKES_RESIZE | PR_TAKES_WHAT_IF | PR_TAKES_TEMPLATES | PR_TAKES_OUTPUT,
		pr_verb_report },
	{ "apply", "[DEVICE...]", "plan, ask, and carry the plan out",
		PR_TAKES_DEVICES | PR_TAKES_POLICY | PR_TAKES_YES | PR_TAKES_CONFIRM |
			PR_TAKES_SOURCE | PR_TAKES_BUSES | PR_TAKES_RESIZE,
		pr_verb_apply },
	{ "guard", "[SLOT...]", "handle cards that come into slots instead of the kernel",
		PR_TAKES_DEVICES | PR_TAKES_SOURCE | PR_TAKES_RELEASE, pr_verb_guard },
	{ "replug", "DEVICE -- COMMAND",
		"take a card away, run a command that makes another of it, bring it back",
		PR_TAKES_DEVICES | PR_TAKES_SOURCE | PR_TAKES_POLICY | PR_TAKES_YES | PR_TAKES_LINK,
		pr_verb_replug },
	{ "record", "[FILE]", "write a snapshot of the machine to FILE or standard output",
		PR_TAKES_FILE | PR_TAKES_INPUT | PR_TAKES_SOURCE, pr_verb_record },
	{ "confirm", "", "keep what a plan did that waits for it", PR_TAKES_EXTEND,
		pr_verb_confirm },
	{ "rollback", "", "bring back what an interrupted run removed", PR_TAKES_SOURCE,
		pr_verb_rollback },
	{ "inhibit", "-- COMMAND", "leave the devices of --pin (or all) alone while COMMAND runs",
		PR_TAKES_COMMAND, pr_verb_inhibit },
	{ "monitor", "", "show what the service does, as it happens", 0, pr_verb_monitor },
	{ "history", "", "list what became of the plans that the service carried out", 0,
		pr_verb_history },
	{ "check-config", "[FILE...]", "say what is wrong with the service's configuration",
		PR_TAKES_FILES, pr_verb_check_config },
	{ "help", "[VERB]", "show help on a verb", PR_TAKES_FILE, pr_verb_help },
};
const size_t pr_n_verbs = ARRAY_SIZE(pr_verbs);

/* ---- help ---- */

void pr_cli_help(struct pr_text *t, const struct pr_verb *verb)
{
	if (verb) {
		pr_text_printf(t, "Usage: pciroom %s [OPTION...]%s%s\n\n%s\n", verb->name,
			*verb->arguments ? " " : "", verb->arguments, verb->help);
	} else {
		pr_text_add(t,
			"Usage: pciroom [OPTION...] VERB [ARGUMENT...]\n\n"
			"Makes room for hot-plugged PCI devices without a reboot.\n\nVerbs:\n");
		for (size_t i = 0; i < pr_n_verbs; i++)
			pr_text_printf(t, "  %-12s %-12s %s\n", pr_verbs[i].name,
				pr_verbs[i].arguments, pr_verbs[i].help);
	}
	pr_cli_options_help(t, verb);
	pr_text_add(t,
		"\nDEVICE is an address (0000:02:00.0 or 02:00.0) or a path (0000:00/02.0/00.0).\n"
		"Exit status: 0 ok, 1 error, 2 nothing to do, 3 not found, 4 infeasible,\n"
		"5 in use, 6 rolled back, 77 not permitted.  See pciroom(1).\n");
}

static const struct pr_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < pr_n_verbs; i++)
		if (strcmp(pr_verbs[i].name, name) == 0)
			return &pr_verbs[i];

	return NULL;
}

static int no_such_verb(const char *name)
{
	return pr_cli_error("unknown verb '%s'; see pciroom --help", name);
}

int pr_verb_help(const struct pr_cli *cli)
{
	struct pr_text t = { 0 };
	const struct pr_verb *verb = NULL;

	if (cli->n_arguments > 0) {
		verb = find_verb(cli->arguments[0]);
		if (!verb)
			return no_such_verb(cli->arguments[0]);
	}
	pr_cli_help(&t, verb);
	return pr_cli_print(&t) ? PR_EXIT_OK : PR_EXIT_ERROR;
}

/* ---- running ---- */

static int print_version(void)
{
	struct pr_text t = { 0 };

	pr_text_add(&t, "pciroom " PCIROOM_VERSION "\n");
	return pr_cli_print(&t) ? PR_EXIT_OK : PR_EXIT_ERROR;
}

/* Options were taken; the verb is the first argument that is none. */
static int run_verb(struct pr_cli *cli, struct pr_text *command)
{
	struct pr_text t = { 0 };
	int r;

	if (cli->version)
		return print_version();
	if (cli->n_arguments == 0) {
		pr_cli_help(&t, NULL);
		if (cli->help)
			return pr_cli_print(&t) ? PR_EXIT_OK : PR_EXIT_ERROR;
		pr_text_deinit(&t);
		return pr_cli_error("no verb; see pciroom --help");
	}

	cli->verb = find_verb(cli->arguments[0]);
	if (!cli->verb)
		return no_such_verb(cli->arguments[0]);
	cli->arguments++;
	cli->n_arguments--;
	if (cli->help) {
		pr_cli_help(&t, cli->verb);
		return pr_cli_print(&t) ? PR_EXIT_OK : PR_EXIT_ERROR;
	}

	r = pr_cli_options_check(cli);
	if (r != PR_EXIT_OK)
		return r;
	return cli->host ? pr_host_run(cli, command) : cli->verb->run(cli);
}

/* ---- how output looks ---- */

static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

static size_t terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;

	return size.ws_col;
}

int pr_cli_main(int argc, char **argv)
{
	struct pr_cli cli = { .limit = PR_DISRUPTION_RESTART };
	struct pr_text command = { 0 };
	int r;

	(void)setlocale(LC_CTYPE, ""); /* without it, lines are drawn in ASCII */
	cli.style.color = wants_color();
	cli.style.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	cli.style.width = terminal_width();
	r = pr_cli_options_read(&cli, argc, argv, &command);
	if (r == PR_EXIT_OK)
		r = run_verb(&cli, &command);
	pr_text_deinit(&command);
	pr_cli_options_free(&cli);
	return r;
}

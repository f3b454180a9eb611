/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options and verbs: two tables, from which parsing and help both come. */
#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/macros.h"
#include "cli/cli.h"
#include "cli/host.h"

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
	{ "report", "", "write one page of HTML on the machine, what is wrong, and the plan",
		PR_TAKES_INPUT | PR_TAKES_POLICY | PR_TAKES_SOURCE | PR_TAKES_BUSES |
			PR_TAKES_RESIZE | PR_TAKES_OUTPUT,
		pr_verb_report },
	{ "apply", "[DEVICE...]", "plan, ask, and carry the plan out",
		PR_TAKES_DEVICES | PR_TAKES_POLICY | PR_TAKES_YES | PR_TAKES_SOURCE |
			PR_TAKES_BUSES | PR_TAKES_RESIZE,
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

#define SECONDS_MAX 86400u /* as the daemon's */
#define JOBS_MAX    4096u

enum {
	OPT_INPUT = 0x100,
	OPT_IOMEM,
	OPT_IOPORTS,
	OPT_DMESG,
	OPT_LOCAL,
	OPT_HELPER_LOG,
	OPT_STATE,
	OPT_DISRUPTION,
	OPT_PIN,
	OPT_ADD,
	OPT_REMOVE,
	OPT_MOVABLE,
	OPT_KERNEL,
	OPT_CMDLINE,
	OPT_TEMPLATES,
	OPT_LIST,
	OPT_BUSES,
	OPT_RESERVE,
	OPT_VFS,
	OPT_RESIZE,
	OPT_SHRINK,
	OPT_CONFIRM,
	OPT_EXTEND,
	OPT_RELEASE,
	OPT_PLAN,
	OPT_SVG,
	OPT_SPACE,
	OPT_LINK_OFF,
	OPT_FILES_FROM,
	OPT_JOBS,
	OPT_SUMMARY,
	OPT_TIMEOUT,
	OPT_BYTES,
	OPT_NO_COLOR,
	OPT_VERSION,
};

/* @takes: shown in the help of verbs that take one of these; 0: of every verb. */
static const struct {
	int value; /* a letter is the short option too */
	const char *name, *argument, *help;
	unsigned int takes;
} options[] = {
	{ 'j', "json", NULL, "print JSON", 0 },
	{ OPT_INPUT, "input", "FILE",
		"work on a recording (snapshot, lspci output, sysfs tree, kernel log) instead",
		PR_TAKES_INPUT },
	{ OPT_IOMEM, "iomem", "FILE", "with --input: /proc/iomem of that machine", PR_TAKES_INPUT },
	{ OPT_IOPORTS, "ioports", "FILE", "with --input: /proc/ioports of that machine",
		PR_TAKES_INPUT },
	{ OPT_DMESG, "dmesg", "FILE", "with --input: kernel log of that machine", PR_TAKES_INPUT },
	{ OPT_LOCAL, "local", NULL, "look and act without the daemon (as root)", PR_TAKES_SOURCE },
	{ OPT_HELPER_LOG, "helper-log", "FILE", "with --local: log of every write to the machine",
		PR_TAKES_SOURCE },
	{ OPT_STATE, "state", "DIR", "with --local: directory of the journal", PR_TAKES_SOURCE },
	{ OPT_DISRUPTION, "disruption", "LIMIT",
		"worst that may happen to others: free, restart (default), in-use",
		PR_TAKES_POLICY },
	{ OPT_PIN, "pin", "DEVICE", "leave this device alone (may be given again)",
		PR_TAKES_POLICY | PR_TAKES_COMMAND },
	{ OPT_BUSES, "buses", "DEVICE=N",
		"bus numbers that this bridge is to have at least (may be given again)",
		PR_TAKES_BUSES },
	{ OPT_VFS, "vfs", "DEVICE=N",
		"virtual functions that this one is to have (may be given again)", PR_TAKES_BUSES },
	{ OPT_ADD, "add", "TEMPLATE@SLOT",
		"a card that comes (may be given again); SLOT is the port above it, or the slot's name",
		PR_TAKES_WHAT_IF },
	{ OPT_REMOVE, "remove", "DEVICE", "a card that is taken out (may be given again)",
		PR_TAKES_WHAT_IF },
	{ OPT_MOVABLE, "movable", "DEVICE", "nobody minds when this device goes for a moment",
		PR_TAKES_WHAT_IF },
	{ OPT_KERNEL, "kernel", "RELEASE", "the machine boots this kernel, such as 6.12, first",
		PR_TAKES_WHAT_IF },
	{ OPT_CMDLINE, "cmdline", "TEXT", "the machine boots with this command line first",
		PR_TAKES_WHAT_IF },
	{ OPT_TEMPLATES, "templates", "DIR", "look for templates there first", PR_TAKES_TEMPLATES },
	{ OPT_FILES_FROM, "files-from", "FILE",
		"names of recordings, one a line; - is standard input", PR_TAKES_SURVEY },
	{ OPT_JOBS, "jobs", "N", "recordings at a time (default: as many as processors)",
		PR_TAKES_SURVEY },
	{ OPT_SUMMARY, "summary", NULL, "print no lines of JSON, but tables", PR_TAKES_SURVEY },
	{ OPT_LIST, "list", NULL, "list the templates that there are", PR_TAKES_LIST },
	{ OPT_LINK_OFF, "link-off", NULL, "switch the link off while the command runs",
		PR_TAKES_LINK },
	{ OPT_TIMEOUT, "timeout", "SECONDS",
		"the service brings the card back after this time (default: an hour)",
		PR_TAKES_LINK },
	{ OPT_RELEASE, "release", NULL, "give the slots back to the kernel", PR_TAKES_RELEASE },
	{ OPT_RESERVE, "reserve", "DEVICE=KIND:SIZE,...",
		"room that this slot is to have: pref, mem, io, bus (may be given again)",
		PR_TAKES_BUSES },
	{ OPT_RESIZE, "resize", "DEVICE:BAR=SIZE",
		"size that this Resizable BAR is to have, or max (may be given again)",
		PR_TAKES_RESIZE },
	{ OPT_SHRINK, "shrink", NULL, "idle devices may get smaller Resizable BARs to make room",
		PR_TAKES_RESIZE },
	{ OPT_PLAN, "plan", NULL, "before, and after the plan for all that is dead",
		PR_TAKES_PICTURE },
	{ OPT_SVG, "svg", NULL, "draw an SVG", PR_TAKES_PICTURE },
	{ OPT_SPACE, "space", "LIST", "draw only these: io, memory, mem32, mem64, buses",
		PR_TAKES_PICTURE },
	{ 'o', "output", "FILE", "write it there, not to standard output", PR_TAKES_OUTPUT },
	{ 'y', "yes", NULL, "do not ask", PR_TAKES_YES },
	{ 'H', "host", "[USER@]HOST", "do it on another machine, by ssh", 0 },
	{ OPT_CONFIRM, "confirm-timeout", "SECONDS",
		"undo all of it, unless it is confirmed within this time", PR_TAKES_YES },
	{ OPT_EXTEND, "extend", "SECONDS",
		"do not confirm yet: wait for it for so long from now on", PR_TAKES_EXTEND },
	{ OPT_BYTES, "bytes", NULL, "print sizes in bytes", 0 },
	{ OPT_NO_COLOR, "no-color", NULL, "no colours (the variable NO_COLOR does the same)", 0 },
	{ 'v', "verbose", NULL, "show everything, not only what matters", 0 },
	{ 'h', "help", NULL, "show this help", 0 },
	{ OPT_VERSION, "version", NULL, "show the version", 0 },
};

/* ---- messages ---- */

static void __attribute__((format(printf, 2, 0)))
say(const char *prefix, const char *format, va_list args)
{
	(void)fflush(stdout); /* keeps the order on a terminal; print reports failures itself */
	(void)fputs(prefix, stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
}

int pr_cli_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("pciroom: ", format, args);
	va_end(args);
	return PR_EXIT_ERROR;
}

void pr_cli_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("pciroom: note: ", format, args);
	va_end(args);
}

int pr_cli_failed(int r, const char *what)
{
	(void)pr_cli_error("%s: %s", what, strerror(-r));
	return r == -EPERM || r == -EACCES ? PR_EXIT_NOT_PERMITTED : PR_EXIT_ERROR;
}

bool pr_cli_print(struct pr_text *t)
{
	char *text;
	size_t n;
	bool good;

	if (pr_text_take(t, &text, &n) < 0) {
		(void)pr_cli_failed(-ENOMEM, "cannot print");
		return false;
	}
	good = fwrite(text, 1, n, stdout) == n && fflush(stdout) == 0;
	if (!good)
		(void)pr_cli_failed(-errno, "cannot write to standard output");
	free(text);
	return good;
}

bool pr_cli_interactive(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool pr_cli_ask(const char *question)
{
	char answer[16];

	(void)fflush(stdout);
	(void)fprintf(stderr, "%s [y/N] ", question);
	(void)fflush(stderr);
	if (!fgets(answer, sizeof(answer), stdin)) {
		(void)fputc('\n', stderr);
		return false;
	}

	return answer[0] == 'y' || answer[0] == 'Y';
}

/* ---- help ---- */

static void help_options(struct pr_text *t, const struct pr_verb *verb)
{
	char left[40];

	pr_text_add(t, "\nOptions:\n");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (verb && options[i].takes != 0 && !(options[i].takes & verb->takes))
			continue;
		(void)snprintf(left, sizeof(left), "--%s%s%s", options[i].name,
			options[i].argument ? "=" : "",
			options[i].argument ? options[i].argument : "");
		if (options[i].value < 0x80)
			pr_text_printf(t, "  -%c, ", options[i].value);
		else
			pr_text_add(t, "      ");
		pr_text_printf(t, "%-20s %s\n", left, options[i].help);
	}
}

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
	help_options(t, verb);
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

/* ---- options ---- */

static void make_getopt(struct option long_options[], char *letters)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		long_options[i] = (struct option){ .name = options[i].name,
			.has_arg = options[i].argument ? required_argument : no_argument,
			.val = options[i].value };
		if (options[i].value >= 0x80)
			continue;
		*letters++ = (char)options[i].value;
		if (options[i].argument)
			*letters++ = ':';
	}
	long_options[ARRAY_SIZE(options)] = (struct option){ 0 };
	*letters = '\0';
}

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

struct wishes {
	bool help, version, limit;
};

static int take_number(
	const char *option, const char *argument, unsigned int most, unsigned int *ret)
{
	uint64_t n;

	if (pr_parse_u64(argument, 10, &n) < 0 || n < 1 || n > most)
		return pr_cli_error(
			"--%s=%s: a number from 1 to %u is wanted", option, argument, most);

	*ret = (unsigned int)n;
	return PR_EXIT_OK;
}

/* One option; PR_EXIT_OK or PR_EXIT_ERROR. */
static int take_option(struct pr_cli *cli, int value, char *argument, struct wishes *wishes)
{
	switch (value) {
	case 'j':
		cli->json = true;
		return PR_EXIT_OK;
	case OPT_INPUT:
		cli->input = argument;
		return PR_EXIT_OK;
	case OPT_IOMEM:
		cli->iomem = argument;
		return PR_EXIT_OK;
	case OPT_IOPORTS:
		cli->ioports = argument;
		return PR_EXIT_OK;
	case OPT_DMESG:
		cli->dmesg = argument;
		return PR_EXIT_OK;
	case OPT_LOCAL:
		cli->local = true;
		return PR_EXIT_OK;
	case OPT_HELPER_LOG:
		cli->helper_log = argument;
		return PR_EXIT_OK;
	case OPT_STATE:
		cli->state = argument;
		return PR_EXIT_OK;
	case OPT_DISRUPTION:
		wishes->limit = true;
		if (!pr_disruption_parse(argument, &cli->limit) ||
			cli->limit == PR_DISRUPTION_PINNED)
			return pr_cli_error(
				"--disruption=%s: free, restart or in-use is wanted", argument);
		return PR_EXIT_OK;
	case OPT_PIN:
		cli->pins[cli->n_pins++] = argument;
		return PR_EXIT_OK;
	case OPT_BUSES:
		cli->buses[cli->n_buses++] = argument;
		return PR_EXIT_OK;
	case OPT_VFS:
		cli->vfs[cli->n_vfs++] = argument;
		return PR_EXIT_OK;
	case OPT_ADD:
		cli->added[cli->n_added++] = argument;
		return PR_EXIT_OK;
	case OPT_REMOVE:
		cli->removed[cli->n_removed++] = argument;
		return PR_EXIT_OK;
	case OPT_MOVABLE:
		cli->movable[cli->n_movable++] = argument;
		return PR_EXIT_OK;
	case OPT_KERNEL:
		cli->kernel = argument;
		return PR_EXIT_OK;
	case OPT_CMDLINE:
		cli->cmdline = argument;
		return PR_EXIT_OK;
	case OPT_TEMPLATES:
		cli->templates = argument;
		return PR_EXIT_OK;
	case OPT_LIST:
		cli->list = true;
		return PR_EXIT_OK;
	case OPT_FILES_FROM:
		cli->files_from = argument;
		return PR_EXIT_OK;
	case OPT_JOBS:
		return take_number("jobs", argument, JOBS_MAX, &cli->jobs);
	case OPT_SUMMARY:
		cli->summary = true;
		return PR_EXIT_OK;
	case OPT_LINK_OFF:
		cli->link_off = true;
		return PR_EXIT_OK;
	case OPT_TIMEOUT:
		return take_number("timeout", argument, SECONDS_MAX, &cli->timeout_s);
	case OPT_RELEASE:
		cli->release = true;
		return PR_EXIT_OK;
	case OPT_RESERVE:
		cli->reserves[cli->n_reserves++] = argument;
		return PR_EXIT_OK;
	case OPT_SHRINK:
		cli->shrink = true;
		return PR_EXIT_OK;
	case OPT_RESIZE:
		cli->resizes[cli->n_resizes++] = argument;
		return PR_EXIT_OK;
	case OPT_PLAN:
		cli->plan = true;
		return PR_EXIT_OK;
	case OPT_SVG:
		cli->svg = true;
		return PR_EXIT_OK;
	case OPT_SPACE:
		cli->space = argument;
		return PR_EXIT_OK;
	case 'o':
		cli->output = argument;
		return PR_EXIT_OK;
	case 'y':
		cli->yes = true;
		return PR_EXIT_OK;
	case 'H':
		cli->host = argument;
		return PR_EXIT_OK;
	case OPT_CONFIRM:
		return take_number("confirm-timeout", argument, SECONDS_MAX, &cli->confirm_s);
	case OPT_EXTEND:
		return take_number("extend", argument, SECONDS_MAX, &cli->extend_s);
	case OPT_BYTES:
		cli->style.bytes = true;
		return PR_EXIT_OK;
	case OPT_NO_COLOR:
		cli->style.color = false;
		return PR_EXIT_OK;
	case 'v':
		cli->style.verbose = true;
		return PR_EXIT_OK;
	case 'h':
		wishes->help = true;
		return PR_EXIT_OK;
	case OPT_VERSION:
		wishes->version = true;
		return PR_EXIT_OK;
	}
	(void)fputs("See pciroom --help.\n", stderr); /* getopt_long() has named the option */
	return PR_EXIT_ERROR;
}

/*
 * An option that the verb has no use for is a mistake: `apply --input` must not look like it
 * worked.
 */
static int check_options(const struct pr_cli *cli, const struct wishes *wishes)
{
	const struct {
		bool given;
		unsigned int takes;
		const char *name;
	} rules[] = {
		{ cli->input, PR_TAKES_INPUT, "input" },
		{ cli->iomem, PR_TAKES_INPUT, "iomem" },
		{ cli->ioports, PR_TAKES_INPUT, "ioports" },
		{ cli->dmesg, PR_TAKES_INPUT, "dmesg" },
		{ cli->local, PR_TAKES_SOURCE, "local" },
		{ cli->helper_log, PR_TAKES_SOURCE, "helper-log" },
		{ cli->state, PR_TAKES_SOURCE, "state" },
		{ wishes->limit, PR_TAKES_POLICY, "disruption" },
		{ cli->n_pins > 0, PR_TAKES_POLICY | PR_TAKES_COMMAND, "pin" },
		{ cli->n_buses > 0, PR_TAKES_BUSES, "buses" },
		{ cli->n_vfs > 0, PR_TAKES_BUSES, "vfs" },
		{ cli->n_added > 0, PR_TAKES_WHAT_IF, "add" },
		{ cli->n_removed > 0, PR_TAKES_WHAT_IF, "remove" },
		{ cli->n_movable > 0, PR_TAKES_WHAT_IF, "movable" },
		{ cli->kernel, PR_TAKES_WHAT_IF, "kernel" },
		{ cli->cmdline, PR_TAKES_WHAT_IF, "cmdline" },
		{ cli->templates, PR_TAKES_TEMPLATES, "templates" },
		{ cli->list, PR_TAKES_LIST, "list" },
		{ cli->files_from, PR_TAKES_SURVEY, "files-from" },
		{ cli->jobs > 0, PR_TAKES_SURVEY, "jobs" },
		{ cli->summary, PR_TAKES_SURVEY, "summary" },
		{ cli->n_reserves > 0, PR_TAKES_BUSES, "reserve" },
		{ cli->n_resizes > 0, PR_TAKES_RESIZE, "resize" },
		{ cli->shrink, PR_TAKES_RESIZE, "shrink" },
		{ cli->plan, PR_TAKES_PICTURE, "plan" },
		{ cli->svg, PR_TAKES_PICTURE, "svg" },
		{ cli->space, PR_TAKES_PICTURE, "space" },
		{ cli->output, PR_TAKES_OUTPUT, "output" },
		{ cli->yes, PR_TAKES_YES, "yes" },
		{ cli->release, PR_TAKES_RELEASE, "release" },
		{ cli->link_off, PR_TAKES_LINK, "link-off" },
		{ cli->timeout_s > 0, PR_TAKES_LINK, "timeout" },
		{ cli->confirm_s > 0, PR_TAKES_YES, "confirm-timeout" },
		{ cli->extend_s > 0, PR_TAKES_EXTEND, "extend" },
	};
	unsigned int takes = cli->verb->takes;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].given && !(takes & rules[i].takes))
			return pr_cli_error(
				"%s has no use for --%s", cli->verb->name, rules[i].name);
	if (cli->input && cli->local)
		return pr_cli_error("--input and --local exclude each other");
	if ((cli->iomem || cli->ioports || cli->dmesg) && !cli->input)
		return pr_cli_error("--iomem, --ioports and --dmesg go with --input");
	if ((cli->helper_log || cli->state) && !cli->local)
		return pr_cli_error("--helper-log and --state go with --local");
	if (takes & (PR_TAKES_DEVICES | PR_TAKES_COMMAND | PR_TAKES_FILES))
		return PR_EXIT_OK;
	if (cli->n_arguments > (takes & PR_TAKES_FILE ? 1 : 0))
		return pr_cli_error("%s: argument '%s' is too many", cli->verb->name,
			cli->arguments[cli->n_arguments - 1]);
	return PR_EXIT_OK;
}

static int print_version(void)
{
	struct pr_text t = { 0 };

	pr_text_add(&t, "pciroom " PCIROOM_VERSION "\n");
	return pr_cli_print(&t) ? PR_EXIT_OK : PR_EXIT_ERROR;
}

/* What another machine shall do too. */
static void forward_option(struct pr_text *command, int value, const char *argument)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].value == value && value != 'H')
			pr_host_option(command, options[i].name, argument);
}

/* Options were taken; the verb is the first argument that is none. */
static int run_verb(struct pr_cli *cli, const struct wishes *wishes, struct pr_text *command)
{
	struct pr_text t = { 0 };
	int r;

	if (wishes->version)
		return print_version();
	if (cli->n_arguments == 0) {
		pr_cli_help(&t, NULL);
		if (wishes->help)
			return pr_cli_print(&t) ? PR_EXIT_OK : PR_EXIT_ERROR;
		pr_text_deinit(&t);
		return pr_cli_error("no verb; see pciroom --help");
	}

	cli->verb = find_verb(cli->arguments[0]);
	if (!cli->verb)
		return no_such_verb(cli->arguments[0]);
	cli->arguments++;
	cli->n_arguments--;
	if (wishes->help) {
		pr_cli_help(&t, cli->verb);
		return pr_cli_print(&t) ? PR_EXIT_OK : PR_EXIT_ERROR;
	}

	r = check_options(cli, wishes);
	if (r != PR_EXIT_OK)
		return r;
	return cli->host ? pr_host_run(cli, command) : cli->verb->run(cli);
}

/* Lists of what options name: as long as there are arguments.  False when memory is short. */
static bool make_lists(struct pr_cli *cli, size_t n)
{
	const char ***lists[] = { &cli->pins, &cli->buses, &cli->vfs, &cli->reserves, &cli->resizes,
		&cli->added, &cli->removed, &cli->movable };
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		*lists[i] = calloc(n + 1, sizeof(**lists[i]));
		good = good && *lists[i];
	}
	return good;
}

static void free_lists(struct pr_cli *cli)
{
	free(cli->pins);
	free(cli->buses);
	free(cli->reserves);
	free(cli->vfs);
	free(cli->resizes);
	free(cli->added);
	free(cli->removed);
	free(cli->movable);
}

int pr_cli_main(int argc, char **argv)
{
	struct option long_options[ARRAY_SIZE(options) + 1];
	char letters[2 * ARRAY_SIZE(options) + 1];
	struct wishes wishes = { 0 };
	struct pr_cli cli = { .limit = PR_DISRUPTION_RESTART };
	struct pr_text command = { 0 };
	int value, r = PR_EXIT_OK;

	(void)setlocale(LC_CTYPE, ""); /* without it, lines are drawn in ASCII */
	cli.style.color = wants_color();
	cli.style.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	cli.style.width = terminal_width();
	if (!make_lists(&cli, (size_t)argc)) {
		free_lists(&cli);
		return pr_cli_failed(-ENOMEM, "cannot start");
	}

	make_getopt(long_options, letters);
	while (r == PR_EXIT_OK &&
		(value = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		r = take_option(&cli, value, optarg, &wishes);
		forward_option(&command, value, optarg);
	}

	cli.arguments = argv + optind;
	cli.n_arguments = (size_t)(argc - optind);
	if (r == PR_EXIT_OK)
		r = run_verb(&cli, &wishes, &command);
	pr_text_deinit(&command);
	free_lists(&cli);
	return r;
}

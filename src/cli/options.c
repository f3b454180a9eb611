/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options: one table, from which parsing, the check of what a verb has a use for, and help come. */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "base/macros.h"
#include "cli/host.h"

#define SECONDS_MAX 86400u /* as the daemon's */
#define JOBS_MAX    4096u

struct option_row {
	char letter; /* the short option; 0: there is none */
	const char *name, *argument, *help;
	unsigned int
		takes; /* shown in the help of verbs that take one of these; 0: of every verb */
	/* PR_EXIT_OK, or PR_EXIT_ERROR, told */
	int (*take)(const struct option_row *o, void *member, const char *argument);
	size_t at; /* the member of struct pr_cli */
};

/* ---- what is done with them ---- */

static int take_flag(const struct option_row *o, void *member, const char *argument)
{
	(void)o;
	(void)argument;
	*(bool *)member = true;
	return PR_EXIT_OK;
}

static int take_no_color(const struct option_row *o, void *member, const char *argument)
{
	(void)o;
	(void)argument;
	*(bool *)member = false;
	return PR_EXIT_OK;
}

static int take_text(const struct option_row *o, void *member, const char *argument)
{
	(void)o;
	*(const char **)member = argument;
	return PR_EXIT_OK;
}

static int take_name(const struct option_row *o, void *member, const char *argument)
{
	struct pr_names *names = member;

	(void)o;
	names->name[names->n++] = argument;
	return PR_EXIT_OK;
}

static int take_number(
	const struct option_row *o, unsigned int *member, const char *argument, unsigned int most)
{
	uint64_t n;

	if (pr_parse_u64(argument, 10, &n) < 0 || n < 1 || n > most)
		return pr_cli_error(
			"--%s=%s: a number from 1 to %u is wanted", o->name, argument, most);

	*member = (unsigned int)n;
	return PR_EXIT_OK;
}

static int take_seconds(const struct option_row *o, void *member, const char *argument)
{
	return take_number(o, member, argument, SECONDS_MAX);
}

static int take_jobs(const struct option_row *o, void *member, const char *argument)
{
	return take_number(o, member, argument, JOBS_MAX);
}

static int take_limit(const struct option_row *o, void *member, const char *argument)
{
	enum pr_disruption *limit = member;

	(void)o;
	if (pr_disruption_parse(argument, limit) && *limit != PR_DISRUPTION_PINNED)
		return PR_EXIT_OK;
	return pr_cli_error("--disruption=%s: free, restart or in-use is wanted", argument);
}

/* ---- the table ---- */

#define AT(member) offsetof(struct pr_cli, member)
static const struct option_row options[] = {
	{ 'j', "json", NULL, "print JSON", 0, take_flag, AT(json) },
	{ 0, "input", "FILE",
		"work on a recording (snapshot, lspci output, sysfs, umockdev, kernel log) instead",
		PR_TAKES_INPUT, take_text, AT(input) },
	{ 0, "iomem", "FILE", "with --input: /proc/iomem of that machine", PR_TAKES_INPUT,
		take_text, AT(iomem) },
	{ 0, "ioports", "FILE", "with --input: /proc/ioports of that machine", PR_TAKES_INPUT,
		take_text, AT(ioports) },
	{ 0, "dmesg", "FILE", "with --input: kernel log of that machine", PR_TAKES_INPUT, take_text,
		AT(dmesg) },
	{ 0, "local", NULL, "look and act without the daemon (as root)", PR_TAKES_SOURCE, take_flag,
		AT(local) },
	{ 0, "helper-log", "FILE", "with --local: log of every write to the machine",
		PR_TAKES_SOURCE, take_text, AT(helper_log) },
	{ 0, "state", "DIR", "with --local: directory of the journal", PR_TAKES_SOURCE, take_text,
		AT(state) },
	{ 0, "disruption", "LIMIT",
		"worst that may happen to others: free, restart (default), in-use", PR_TAKES_POLICY,
		take_limit, AT(limit) },
	{ 0, "pin", "DEVICE", "leave this device alone (may be given again)",
		PR_TAKES_POLICY | PR_TAKES_COMMAND, take_name, AT(pins) },
	{ 0, "buses", "DEVICE=N",
		"bus numbers that this bridge is to have at least (may be given again)",
		PR_TAKES_BUSES, take_name, AT(buses) },
	{ 0, "vfs", "DEVICE=N", "virtual functions that this one is to have (may be given again)",
		PR_TAKES_BUSES, take_name, AT(vfs) },
	{ 0, "add", "TEMPLATE@SLOT",
		"a card that comes (may be given again); SLOT is the port above it, or the slot's name",
		PR_TAKES_WHAT_IF, take_name, AT(added) },
	{ 0, "remove", "DEVICE", "a card that is taken out (may be given again)", PR_TAKES_WHAT_IF,
		take_name, AT(removed) },
	{ 0, "movable", "DEVICE", "nobody minds when this device goes for a moment",
		PR_TAKES_WHAT_IF, take_name, AT(movable) },
	{ 0, "kernel", "RELEASE", "the machine boots this kernel, such as 6.12, first",
		PR_TAKES_WHAT_IF, take_text, AT(kernel) },
	{ 0, "cmdline", "TEXT", "the machine boots with this command line first", PR_TAKES_WHAT_IF,
		take_text, AT(cmdline) },
	{ 0, "templates", "DIR", "look for templates there first", PR_TAKES_TEMPLATES, take_text,
		AT(templates) },
	{ 0, "files-from", "FILE", "names of recordings, one a line; - is standard input",
		PR_TAKES_SURVEY, take_text, AT(files_from) },
	{ 0, "jobs", "N", "recordings at a time (default: as many as processors)", PR_TAKES_SURVEY,
		take_jobs, AT(jobs) },
	{ 0, "summary", NULL, "print no lines of JSON, but tables", PR_TAKES_SURVEY, take_flag,
		AT(summary) },
	{ 0, "list", NULL, "list the templates that there are", PR_TAKES_LIST, take_flag,
		AT(list) },
	{ 0, "delay", NULL, "plans wait for COMMAND, if not for ever, and touch them then",
		PR_TAKES_COMMAND, take_flag, AT(delay) },
	{ 0, "link-off", NULL, "switch the link off while the command runs", PR_TAKES_LINK,
		take_flag, AT(link_off) },
	{ 0, "timeout", "SECONDS",
		"the service brings the card back after this time (default: an hour)",
		PR_TAKES_LINK, take_seconds, AT(timeout_s) },
	{ 0, "release", NULL, "give the slots back to the kernel", PR_TAKES_RELEASE, take_flag,
		AT(release) },
	{ 0, "reserve", "DEVICE=KIND:SIZE,...",
		"room that this slot is to have: pref, mem, io, bus (may be given again)",
		PR_TAKES_BUSES, take_name, AT(reserves) },
	{ 0, "resize", "DEVICE:BAR=SIZE",
		"size that this Resizable BAR is to have, or max (may be given again)",
		PR_TAKES_RESIZE, take_name, AT(resizes) },
	{ 0, "shrink", NULL, "idle devices may get smaller Resizable BARs to make room",
		PR_TAKES_RESIZE, take_flag, AT(shrink) },
	{ 0, "plan", NULL, "before, and after the plan for all that is dead", PR_TAKES_PICTURE,
		take_flag, AT(plan) },
	{ 0, "svg", NULL, "draw an SVG", PR_TAKES_PICTURE, take_flag, AT(svg) },
	{ 0, "space", "LIST", "draw only these: io, memory, mem32, mem64, buses", PR_TAKES_PICTURE,
		take_text, AT(space) },
	{ 'o', "output", "FILE", "write it there, not to standard output", PR_TAKES_OUTPUT,
		take_text, AT(output) },
	{ 'y', "yes", NULL, "do not ask", PR_TAKES_YES, take_flag, AT(yes) },
	{ 'H', "host", "[USER@]HOST", "do it on another machine, by ssh", 0, take_text, AT(host) },
	{ 0, "confirm-timeout", "SECONDS",
		"undo all of it, unless it is confirmed within this time", PR_TAKES_CONFIRM,
		take_seconds, AT(confirm_s) },
	{ 0, "extend", "SECONDS", "do not confirm yet: wait for it for so long from now on",
		PR_TAKES_EXTEND, take_seconds, AT(extend_s) },
	{ 0, "bytes", NULL, "print sizes in bytes", 0, take_flag, AT(style.bytes) },
	{ 0, "no-color", NULL, "no colours (the variable NO_COLOR does the same)", 0, take_no_color,
		AT(style.color) },
	{ 'v', "verbose", NULL, "show everything, not only what matters", 0, take_flag,
		AT(style.verbose) },
	{ 'h', "help", NULL, "show this help", 0, take_flag, AT(help) },
	{ 0, "version", NULL, "show the version", 0, take_flag, AT(version) },
};

_Static_assert(ARRAY_SIZE(options) <= 64, "struct pr_cli has a bit for each option");

/* What getopt_long() says of a row: its letter, or its place behind all letters. */
static int value_of(size_t row)
{
	return options[row].letter ? options[row].letter : 0x100 + (int)row;
}

/* ---- help ---- */

void pr_cli_options_help(struct pr_text *t, const struct pr_verb *verb)
{
	char left[40];

	pr_text_add(t, "\nOptions:\n");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_row *o = &options[i];

		if (verb && o->takes != 0 && !(o->takes & verb->takes))
			continue;
		(void)snprintf(left, sizeof(left), "--%s%s%s", o->name, o->argument ? "=" : "",
			o->argument ? o->argument : "");
		if (o->letter)
			pr_text_printf(t, "  -%c, ", o->letter);
		else
			pr_text_add(t, "      ");
		pr_text_printf(t, "%-20s %s\n", left, o->help);
	}
}

/* ---- reading ---- */

static void *member_of(struct pr_cli *cli, const struct option_row *o)
{
	return (char *)cli + o->at;
}

static struct pr_names *names_of(struct pr_cli *cli, const struct option_row *o)
{
	return o->take == take_name ? member_of(cli, o) : NULL;
}

/* Each list gets room for all arguments. */
static int make_lists(struct pr_cli *cli, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		struct pr_names *names = names_of(cli, &options[i]);

		if (!names)
			continue;
		names->name = calloc(n + 1, sizeof(*names->name));
		if (!names->name)
			return pr_cli_failed(-ENOMEM, "cannot start");
	}
	return PR_EXIT_OK;
}

void pr_cli_options_free(struct pr_cli *cli)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (names_of(cli, &options[i]))
			free(names_of(cli, &options[i])->name);
}

static void make_getopt(struct option long_options[], char *letters)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_row *o = &options[i];

		long_options[i] = (struct option){ .name = o->name,
			.has_arg = o->argument ? required_argument : no_argument,
			.val = value_of(i) };
		if (!o->letter)
			continue;
		*letters++ = o->letter;
		if (o->argument)
			*letters++ = ':';
	}
	long_options[ARRAY_SIZE(options)] = (struct option){ 0 };
	*letters = '\0';
}

/* What another machine shall do too is added to @command. */
static int take(struct pr_cli *cli, int value, const char *argument, struct pr_text *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_row *o = &options[i];

		if (value_of(i) != value)
			continue;
		cli->given |= UINT64_C(1) << i;
		if (value != 'H')
			pr_host_option(command, o->name, argument);
		return o->take(o, member_of(cli, o), argument);
	}
	(void)fputs("See pciroom --help.\n", stderr); /* getopt_long() has named the option */
	return PR_EXIT_ERROR;
}

int pr_cli_options_read(struct pr_cli *cli, int argc, char **argv, struct pr_text *command)
{
	struct option long_options[ARRAY_SIZE(options) + 1];
	char letters[2 * ARRAY_SIZE(options) + 1];
	int value, r = make_lists(cli, (size_t)argc);

	make_getopt(long_options, letters);
	while (r == PR_EXIT_OK &&
		(value = getopt_long(argc, argv, letters, long_options, NULL)) != -1)
		r = take(cli, value, optarg, command);
	cli->arguments = argv + optind;
	cli->n_arguments = (size_t)(argc - optind);
	return r;
}

/* ---- what goes with what ---- */

/*
 * An option that the verb has no use for is a mistake: `apply --input` must not look like it
 * worked.
 */
int pr_cli_options_check(const struct pr_cli *cli)
{
	unsigned int takes = cli->verb->takes;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (cli->given >> i & 1 && options[i].takes != 0 && !(options[i].takes & takes))
			return pr_cli_error(
				"%s has no use for --%s", cli->verb->name, options[i].name);
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

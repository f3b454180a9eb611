/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line as a whole: what options ask for, the table of verbs, exit
 * codes.  A verb is one file and one row of the table in cli.c.
 */
#pragma once

#include <stdio.h>

#include "cli/render.h"

enum pr_exit {
	PR_EXIT_OK = 0,
	PR_EXIT_ERROR = 1,
	PR_EXIT_NOTHING = 2,
	PR_EXIT_NOT_FOUND = 3,
	PR_EXIT_INFEASIBLE = 4,
	PR_EXIT_IN_USE = 5,
	PR_EXIT_ROLLED_BACK = 6,
	PR_EXIT_NOT_PERMITTED = 77,
};

struct pr_cli;

/* What a verb can do with. */
enum pr_verb_takes {
	PR_TAKES_DEVICES = 1 << 0,    /* arguments are devices, any number */
	PR_TAKES_FILE = 1 << 1,       /* at most one argument, a file */
	PR_TAKES_INPUT = 1 << 2,      /* --input: it reads only */
	PR_TAKES_POLICY = 1 << 3,     /* --disruption and --pin */
	PR_TAKES_YES = 1 << 4,        /* --yes: it asks before it acts */
	PR_TAKES_SOURCE = 1 << 5,     /* --local, --helper-log: it looks at a machine */
	PR_TAKES_COMMAND = 1 << 6,    /* arguments are a command; --pin, --delay */
	PR_TAKES_FILES = 1 << 7,      /* arguments are files, any number */
	PR_TAKES_BUSES = 1 << 8,      /* --buses, --vfs, --reserve */
	PR_TAKES_RESIZE = 1 << 9,     /* --resize, --shrink */
	PR_TAKES_WHAT_IF = 1 << 10,   /* --add and what else is assumed */
	PR_TAKES_LIST = 1 << 11,      /* --list */
	PR_TAKES_TEMPLATES = 1 << 12, /* --templates */
	PR_TAKES_RELEASE = 1 << 13,   /* --release */
	PR_TAKES_LINK = 1 << 14,      /* --link-off, --timeout */
	PR_TAKES_SURVEY = 1 << 15,    /* --files-from, --jobs, --summary */
	PR_TAKES_OUTPUT = 1 << 16,    /* --output */
	PR_TAKES_PICTURE = 1 << 17,   /* --svg, --space, --plan */
	PR_TAKES_EXTEND = 1 << 18,    /* --extend */
	PR_TAKES_CONFIRM = 1 << 19,   /* --confirm-timeout */
};
struct pr_verb {
	const char *name, *arguments, *help;
	unsigned int takes; /* enum pr_verb_takes */
	/* Returns an enum pr_exit; has said why when that is not PR_EXIT_OK. */
	int (*run)(const struct pr_cli *cli);
};
extern const struct pr_verb pr_verbs[];
extern const size_t pr_n_verbs;

/* What an option was given, as often as it was, in that order. */
struct pr_names {
	const char **name;
	size_t n;
};

/* Options are members of it; options.c has the table. */
struct pr_cli {
	const struct pr_verb *verb;
	uint64_t given; /* options, by their places in the table */
	bool help, version, json, local, yes, release, link_off, delay;
	struct pr_style style;
	const char *input, *iomem, *ioports, *dmesg, *helper_log, *state;
	const char *host; /* NULL: this machine */
	enum pr_disruption limit;
	unsigned int confirm_s; /* 0: nobody has to confirm */
	unsigned int extend_s;  /* more time to confirm; 0: it is confirmed */
	unsigned int timeout_s; /* for the command of replug; 0: as usual */
	struct pr_names pins;
	struct pr_names added, removed, movable; /* of what-if */
	const char *kernel, *cmdline;            /* of what-if; NULL: as the machine has them */
	const char *templates;                   /* directory; NULL: those installed only */
	bool list;
	const char *files_from; /* of survey; NULL: arguments only */
	unsigned int jobs;      /* at a time; 0: as many as processors */
	bool summary;
	const char *output;         /* file; NULL: standard output */
	struct pr_names buses, vfs; /* DEVICE=N */
	struct pr_names reserves;   /* DEVICE=KIND:SIZE,... */
	struct pr_names resizes;    /* DEVICE:BAR=SIZE */
	bool shrink;                /* --shrink */
	bool plan, svg;             /* of map */
	const char *space;          /* of map; NULL: all */
	char **arguments;
	size_t n_arguments;
};

int pr_cli_main(int argc, char **argv);
/* Help of the whole command, or of @verb; the same text that --help prints. */
void pr_cli_help(struct pr_text *t, const struct pr_verb *verb);

/* "pciroom: ..." on standard error; pr_cli_error returns PR_EXIT_ERROR. */
int pr_cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void pr_cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An error of the system while doing @what; PR_EXIT_NOT_PERMITTED for lack of privilege. */
int pr_cli_failed(int r, const char *what);
/* Writes @t to standard output and empties it; false, and says so, when that fails. */
bool pr_cli_print(struct pr_text *t);
/* Asks on the terminal; no unless the answer begins with y. */
bool pr_cli_ask(const char *question);
/* Standard input and standard error are a terminal: there is somebody to ask. */
bool pr_cli_interactive(void);

/*
 * Functions that the arguments name; malloc'ed.  PR_EXIT_OK, or PR_EXIT_NOT_FOUND, PR_EXIT_ERROR
 * with the name told.
 */
int pr_cli_devices(const struct pr_cli *cli, const struct pr_topology *t,
	const struct pr_function ***ret, size_t *ret_n);

/*
 * What the options --buses ask for; malloc'ed.  PR_EXIT_OK, or PR_EXIT_NOT_FOUND, PR_EXIT_ERROR
 * with the mistake told.
 */
int pr_cli_device(const struct pr_topology *t, const char *name, struct pr_function **ret);
int pr_cli_buses(const struct pr_cli *cli, const struct pr_topology *t, struct pr_bus_wish **ret);
/* The same of --vfs. */
int pr_cli_vfs(const struct pr_cli *cli, const struct pr_topology *t, struct pr_vf_wish **ret);
/* The same of the options --resize. */
int pr_cli_resizes(const struct pr_cli *cli, const struct pr_topology *t, struct pr_resize **ret);

/* The function that @name, an address or a path, is; as pr_cli_devices(). */
int pr_cli_device(const struct pr_topology *t, const char *name, struct pr_function **ret);

/*
 * Functions that options name (pins, and the like) as paths, NULL-terminated; pr_paths_free()
 * frees.  To name nothing is a mistake: PR_EXIT_NOT_FOUND.
 */
int pr_cli_paths(const char *const *names, size_t n, const struct pr_topology *t, char ***ret);
void pr_paths_free(char **paths); /* NULL is fine */

int pr_verb_apply(const struct pr_cli *cli);
int pr_verb_check_config(const struct pr_cli *cli);
int pr_verb_doctor(const struct pr_cli *cli);
int pr_verb_explain(const struct pr_cli *cli);
int pr_verb_guard(const struct pr_cli *cli);
int pr_verb_history(const struct pr_cli *cli);
int pr_verb_help(const struct pr_cli *cli);
int pr_verb_inhibit(const struct pr_cli *cli);
int pr_verb_map(const struct pr_cli *cli);
int pr_verb_monitor(const struct pr_cli *cli);
int pr_verb_plan(const struct pr_cli *cli);
int pr_verb_record(const struct pr_cli *cli);
int pr_verb_report(const struct pr_cli *cli);
int pr_verb_confirm(const struct pr_cli *cli);
int pr_verb_replug(const struct pr_cli *cli);
int pr_verb_rollback(const struct pr_cli *cli);
int pr_verb_slots(const struct pr_cli *cli);
int pr_verb_survey(const struct pr_cli *cli);
int pr_verb_tree(const struct pr_cli *cli);
int pr_verb_template(const struct pr_cli *cli);
int pr_verb_vfs(const struct pr_cli *cli);
int pr_verb_what_if(const struct pr_cli *cli);

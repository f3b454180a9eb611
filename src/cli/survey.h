/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb survey: one question to many recordings.  Each is answered by a
 * process of its own; what comes back is a line for programs and a row for the
 * summary.
 */
#pragma once

#include "cli/changes.h"

/* What it takes on one machine, the better the earlier. */
enum pr_survey_answer {
	PR_SURVEY_NOW = 0, /* nothing: it works as it is, or the kernel finds room by itself */
	PR_SURVEY_FREE,    /* a plan that restarts no driver */
	PR_SURVEY_RESTART, /* a plan that restarts drivers */
	PR_SURVEY_IN_USE,  /* a plan that interrupts users, allowed or not */
	PR_SURVEY_VETOED,  /* there is a plan, and who pins a device forbids it */
	PR_SURVEY_BOOT,    /* no plan, but a boot with another setting */
	PR_SURVEY_NO,
	PR_SURVEY_UNKNOWN, /* a fact is missing */
	PR_SURVEY_NO_SLOT, /* a card without a slot of its own choice finds none empty */
	PR_SURVEY_ERROR,   /* the recording cannot be read, or the question cannot be asked there */
	_PR_SURVEY_ANSWER_MAX,
};
const char *pr_survey_answer_name(enum pr_survey_answer a);
const char *pr_survey_answer_text(enum pr_survey_answer a); /* part of a sentence */

/* One machine in the summary; plain bytes, since it goes through a pipe. */
struct pr_survey_row {
	enum pr_survey_answer answer;
	bool forbidden; /* there is a plan, and it is beyond the limit, or vetoed */
	char kernel[48];
	char where[128]; /* slots that were chosen */
	char text[256];  /* the price, or why not */
};

/* One machine's answer, for its line. */
struct pr_survey_line {
	const char *file;                    /* as the user named it */
	size_t number;                       /* from 1, in the order of the arguments */
	const char *error;                   /* a sentence; then nothing below is there */
	const struct pr_topology *machine;   /* as recorded */
	const struct pr_import_notes *notes; /* what the recording does not say */
	const char *const *added;            /* TEMPLATE@SLOT */
	size_t n_added;
	size_t tried; /* slots */
	enum pr_survey_answer answer;
	const struct pr_what_if *what_if; /* NULL: no slot, or the card cannot be described there */
	const char *why;                  /* a sentence; NULL: nothing has to be said */
};

/*
 * The question of @cli to its --input, which is called @file: what it says about it as @ret_row,
 * and added to @t as a line.  An enum pr_exit, told.
 */
int pr_survey_ask(const struct pr_cli *cli, const char *file, size_t number,
	struct pr_survey_row *ret_row, struct pr_text *t);

void pr_render_survey_line(struct pr_text *t, const struct pr_survey_line *l);
/* How many machines answer what; and each of them, when there are @files.  0 or negative errno. */
int pr_render_survey(struct pr_text *t, const struct pr_style *s, const struct pr_survey_row *rows,
	size_t n, char **files);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration of the daemon: what the YAML files say, and nothing of what is
 * done with it.  Parsers eat buffers; an error shows file, line, column, the
 * line itself and a caret.
 */
#pragma once

#include "pciroom/plan.h"

enum pr_mode {
	PR_MODE_ADVISE = 0, /* explain, plan, announce; touch nothing */
	PR_MODE_AUTO,       /* apply plans up to the disruption limit */
	_PR_MODE_MAX,
};
const char *pr_mode_name(enum pr_mode m);

#define PR_CONF_FILE_MAX   (1u << 20) /* bytes of one file */
#define PR_CONF_PINNED_MAX 4096u      /* entries of all files together */

struct pr_conf {
	enum pr_mode mode;
	enum pr_disruption disruption; /* limit of auto: FREE, RESTART or IN_USE */
	uint64_t settle_usec;          /* quiet time after the last hot-plug event */
	uint64_t deadline_usec;        /* of one blocking write of the helper */
	char **pinned;                 /* addresses with their domain, or paths */
	size_t n_pinned;
};
struct pr_conf_error {
	char text
		/* "FILE:LINE:COLUMN: why", the line, the caret; without newline at its end */
		[1024];
};

void pr_conf_init(struct pr_conf *c); /* the defaults */
void pr_conf_deinit(struct pr_conf *c);

/*
 * Reads one file's @text over @c; @name is for messages.  0, 1 with @error for
 * bad input (@c may then be half changed: it is a scratch copy), -ENOMEM.
 */
int pr_conf_parse(struct pr_conf *c, const char *name, const char *text, size_t size,
	struct pr_conf_error *error);

/*
 * Reads every *.yaml of @directories (earliest first).  A name found in several
 * directories counts in the last of them only; files are read in the order of
 * their names, a later key overrides an earlier one, pins add up.  A directory
 * that does not exist is empty.  @ret is written on success only.  Returns as
 * pr_conf_parse().
 */
int pr_conf_load(
	const char *const *directories, size_t n, struct pr_conf *ret, struct pr_conf_error *error);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line of pciroomd. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PR_CONF_DIRECTORIES_MAX 16

struct pr_daemon_options {
	const char *root, *state, *runtime, *helper, *processes, *log, *address;
	bool session;
	const char *conf[PR_CONF_DIRECTORIES_MAX];
	size_t n_conf;
	bool check;               /* only look at the configuration: */
	const char *const *files; /* at these files; none: at what a start would read */
	size_t n_files;
};

/* 0: go on; 1: all is said, exit with success; -EINVAL: what is wrong was printed. */
int pr_daemon_options_parse(int argc, char *argv[], struct pr_daemon_options *ret);

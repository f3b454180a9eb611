/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recorded logs, and how many decisions in each the model gets right. */
#pragma once

#include "judge.h"

#define FILES_MAX 3

struct log_case {
	const char *name;
	const char *files[FILES_MAX]; /* one after the other */
	const char *lspci;            /* lspci -vv of the machine: its hot-plug ports */
	char side;                    /* of a diff of two logs: '-' or '+'; 0: a log */
	int (*judge)(const struct judge *j, struct verdict *v);
	/* what the log leaves out, and its report or its own figures tell */
	const char *arch, *release, *cmdline;
	unsigned int right, wrong, unjudged;
	const char *cause; /* of what is wrong */
};

extern const struct log_case log_cases[];
extern const size_t n_log_cases;

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorded case: what a machine was, what was done to it, and what a real
 * kernel made of that.  One text file: lines of words, then a snapshot
 * (pciroom-snapshot(5)).  README.md has the format.
 */
#pragma once

#include "pciroom/kernel.h"

#define CASE_TEXT 256

/* Windows of a bridge in the order of PR_WINDOW_IO, _MEM, _PREF. */
#define CASE_WINDOWS 3

struct case_range {
	bool open;
	struct pr_range at;
};

/* One function of the layout that the kernel made. */
struct case_function {
	const char *path;
	struct pr_address address;
	bool is_bridge;
	uint8_t primary, secondary, subordinate;      /* registers */
	struct case_range resources[PR_RESOURCE_MAX]; /* kernel's table */
	struct case_range registers[CASE_WINDOWS];
};

struct recorded_case {
	char *text; /* of the file; the strings below point into it */
	const char *kernel, *kind, *expect, *note;
	struct pr_topology *before;
	struct pr_action *actions;
	size_t n_actions;
	struct case_function *after; /* sorted by path */
	size_t n_after;
};

/* 0, or -EINVAL with a sentence in @why; @ret is to be freed in either case. */
int case_read(const char *file, struct recorded_case *ret, char why[CASE_TEXT]);
void case_free(struct recorded_case *c);
/* Virtual functions come by it, and not go. */
bool case_makes_vfs(const struct pr_action *a);

/* NULL when the kernel shows no such function. */
const struct case_function *case_find(const struct recorded_case *c, const char *path);

enum case_verdict {
	CASE_EXACT = 0,
	CASE_DIFFERENT, /* sound, but not everything is equal */
	CASE_DOUBT,     /* the model does not know */
	CASE_UNSOUND,   /* the model promises what the kernel does not keep */
	_CASE_VERDICT_MAX,
};
extern const char *const case_verdict_names[_CASE_VERDICT_MAX];

/* What is done, resolved in another topology of the same machine; false when a function is not there. */
bool case_resolve(
	const struct recorded_case *c, const struct pr_topology *t, struct pr_action *ret);

/* The model's word on what @before becomes, against the kernel's. */
struct case_judgement {
	enum case_verdict verdict;
	char why[CASE_TEXT];           /* the first difference, worst kind first */
	struct pr_topology *predicted; /* NULL for a doubt; to be freed, before @before */
};
void case_judge(const struct recorded_case *c, const struct pr_topology *before,
	const struct pr_action *actions, struct case_judgement *ret);

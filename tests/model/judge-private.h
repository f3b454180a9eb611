/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the judge of recorded cases share. */
#pragma once

#include "case.h"

#define RANGE_TEXT 48

struct comparison {
	const struct recorded_case *c;
	const struct pr_topology *before;
	const struct pr_action *actions;
	enum case_verdict verdict;
	char *why;
};

/* The first of the worst kind is told. */
void judge_note(struct comparison *x, enum case_verdict verdict, const struct pr_function *f,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
void judge_show(const struct case_range *r, char ret[RANGE_TEXT]);
bool judge_same(const struct case_range *a, const struct case_range *b);

/*
 * judge-vfs.c: virtual functions that the last action has made.  The model knows only those that
 * were there before; of others it says whether there is room.
 */
void judge_new_vfs(struct comparison *x, const struct pr_topology *predicted);
bool judge_is_new_vf(const struct comparison *x, const struct pr_topology *predicted,
	const struct pr_address *address);

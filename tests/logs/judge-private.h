/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the judges of boots and of hot-adds share. */
#pragma once

#include "judge.h"

/* One event of a log: entries [begin, end) are the kernel's decisions in it. */
struct part {
	struct pr_address root; /* host bridge: its domain and bus */
	size_t begin, end;
	bool drivers; /* what drivers do with their BARs are decisions too */
};

/* Of the kernel itself, not of a driver. */
bool judge_is_decision(const struct pr_dmesg_entry *e);
bool judge_is_of(const struct pr_dmesg_entry *e, const struct pr_root *root);
/* Host bridge of @p; NULL when @t does not have it. */
struct pr_root *judge_root(const struct pr_topology *t, const struct part *p);
/*
 * The machine before entry @until; with @newcomers also what is found in that part, as cards
 * that wait to be enumerated; with @known one function as it is known otherwise.  0, 1 when the
 * facts contradict each other, negative errno.
 */
int judge_build(const struct judge *j, size_t until, const struct part *newcomers,
	const struct pr_facts *known, struct pr_topology **ret, struct pr_build_error *error);
/* Does @action to @before and compares the outcome with the log. */
int judge_action(const struct judge *j, const struct part *p, const struct pr_topology *before,
	const struct pr_kernel *kernel, const struct pr_action *action, struct verdict *v);
/* The decisions in @p are not judged. */
void judge_cannot(const struct judge *j, const struct part *p, struct verdict *v, const char *why);

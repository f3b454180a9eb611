/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients see of a plan: texts and numbers, free of the machine that it
 * was made on.  Plans on machines that strangers recorded are made by processes
 * that nobody trusts; this is what comes back from there, and nothing else.
 */
#pragma once

#include "base/text.h"
#include "pciroom/plan.h"

struct pr_view_step {
	char *kind, *address, *text; /* address: "" for the comparison at the end */
};
struct pr_view_affected {
	char *path, *address, *disruption, *reason; /* path: topological */
};
struct pr_view_rename {
	char *path, *before, *after; /* addresses */
};
struct pr_view_effect {
	char *kind, *path, *before, *after, *text, *file;
	uint64_t line;
};
/* A bridge whose inside nobody has seen yet, and its bus numbers when the plan is done. */
struct pr_view_unseen {
	char *path;
	uint64_t secondary, subordinate;
};
struct pr_view_advice {
	char *kind, *setting, *text;
	uint64_t later; /* 0 or 1 */
};
/* Owned; no text is NULL. */
struct pr_plan_view {
	char *id, *verdict, *why, *disruption;
	uint64_t generation, feasible, proven; /* the last two: 0 or 1 */
	uint64_t in_use, restarted, renumbered, removed;
	struct pr_view_step *steps;
	size_t n_steps;
	struct pr_view_affected *affected;
	size_t n_affected;
	struct pr_view_rename *renames;
	size_t n_renames;
	char *effects_unseen;
	struct pr_view_effect *effects;
	size_t n_effects;
	struct pr_view_unseen *unseen;
	size_t n_unseen;
	struct pr_view_advice *advice;
	size_t n_advice;
};
/* 0, or -ENOMEM; @ret is written on success only. */
int pr_plan_view_make(const struct pr_plan *p, struct pr_plan_view *ret);
void pr_plan_view_deinit(struct pr_plan_view *v);

/* For a channel between processes; no interface, and equal only within one version of the program. */
void pr_plan_view_encode(const struct pr_plan_view *v, struct pr_text *t);
/* 0, -EBADMSG (that is no view, or more than one), -ENOMEM. */
int pr_plan_view_decode(const char *data, size_t size, struct pr_plan_view *ret);

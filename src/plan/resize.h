/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to plans that give Resizable BARs other sizes: the request as
 * resize.c puts it, and the two ways of meeting it.
 */
#pragma once

#include "plan/search.h"

struct pr_resizing {
	const struct pr_topology *machine; /* as it is */
	struct pr_topology *asked;         /* as asked for */
	const struct pr_request *request;
	const struct pr_policy *policy;
	struct pr_resize *list; /* the request's, no size is "the largest" */
	size_t n;
};

/* NULL: it is not there. */
const struct pr_function *pr_resized_function(
	const struct pr_topology *t, const struct pr_resize *r);
/* Each function once, however many of its BARs get another size: @i's was in the list before. */
bool pr_resized_before(const struct pr_resizing *z, size_t i);
/* The request has more than sizes. */
bool pr_resizing_asks_for_more(const struct pr_resizing *z);
/* Adds a step on @f (NULL: on none) to those of @p, which has room for it.  0 or -ENOMEM. */
int pr_resizing_add_step(
	struct pr_plan *p, const struct pr_step *step, const struct pr_function *f);

/* ---- resize-place.c: the kernel does it, through resourceN_resize ---- */

/* 0 and a plan of any verdict; 1: not to be had in place; -ENOMEM. */
int pr_resize_in_place(struct pr_resizing *z, struct pr_plan **ret);

/* ---- resize-register.c: the control register, and what the search removes ---- */

/* 0 and a plan of any verdict, or -ENOMEM. */
int pr_resize_by_register(struct pr_resizing *z, struct pr_plan **ret);

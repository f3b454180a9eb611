/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb report: what its page is made of. */
#pragma once

#include "cli/examine.h"
#include "cli/what-if.h"

struct pr_report_page {
	const char *title;                        /* the machine or the recording */
	const char *when;                         /* the page was made */
	const struct pr_style *style;             /* of sizes; the page has its own */
	const struct pr_examination *examination; /* of the machine as it is */
	/* what the page is about; NULL: @examination, which has a plan then */
	const struct pr_what_if_answer *what_if;
	const struct pr_slots *slots;
	const struct pr_policy *policy;
};

/*
 * One document of HTML that needs nothing else: no script, no font, no other file.  0 or negative
 * errno.
 */
int pr_render_report(struct pr_text *t, const struct pr_report_page *page);

/* CSS of the page. */
extern const char pr_report_style[];

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb what-if: what was asked, for those who print the answer. */
#pragma once

#include "cli/changes.h"
#include "cli/render.h"

/* Everything that the answer is about. */
struct pr_what_if_answer {
	const struct pr_what_if *what_if;
	const struct pr_addition *additions;
	size_t n_additions;
	const char *const *removed; /* as the user named them */
	size_t n_removed;
	const char *release, *cmdline;       /* of another boot; NULL: not asked for */
	const struct pr_request *wishes;     /* of the plan, by addresses of the machine */
	const struct pr_import_notes *notes; /* of a recording, else NULL */
};

void pr_render_what_if(
	struct pr_text *t, const struct pr_style *s, const struct pr_what_if_answer *a);
void pr_render_what_if_json(struct pr_json *j, const struct pr_what_if_answer *a);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verb what-if: what was asked, for those who print the answer. */
#pragma once

#include "cli/changes.h"
#include "cli/render.h"

/* Everything that the answer is about. */
struct pr_what_if_answer {
	const struct pr_what_if *what_if;
	const struct pr_changes *changes;
	const struct pr_import_notes *notes; /* of a recording, else NULL */
};

/* What the kernel makes of the cards by itself, without a full stop; NULL: no cards come. */
const char *pr_what_if_outcome(const struct pr_what_if *w, enum pr_paint *ret);
void pr_render_what_if(
	struct pr_text *t, const struct pr_style *s, const struct pr_what_if_answer *a);
void pr_render_what_if_json(struct pr_json *j, const struct pr_what_if_answer *a);

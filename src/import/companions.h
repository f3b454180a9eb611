/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What importers of recordings share: notes on what is missing, and apertures from other files. */
#pragma once

#include "import/apertures.h"

/* A sentence on what is not known and one on what that costs; dropped when @notes is NULL or full. */
void pr_note(struct pr_import_notes *notes, const char *cost, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What the log among @companions (may be NULL) knows and @builder does not.  0, -errno with @error. */
int pr_companions_supplement(const struct pr_companions *companions, struct pr_builder *builder,
	struct pr_import_error *error);

/*
 * Adds to @builder the host bridges of @bare (a topology made of the same
 * functions, without apertures) with what the companions say of them.
 */
int pr_companions_roots(const struct pr_companions *companions, const struct pr_topology *bare,
	struct pr_builder *builder, struct pr_arena *arena, struct pr_import_error *error);

/* Notes on what every kind of recording may lack: apertures, release, sizes, users. */
void pr_note_topology(struct pr_import_notes *notes, const struct pr_topology *t);

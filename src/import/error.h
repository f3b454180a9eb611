/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling in pr_import_error: one line where an importer gives up. */
#pragma once

#include "pciroom/import.h"

/*
 * The sentence into @error (cut to its size, place cleared); returns @r, so that callers write
 * "return pr_import_fail(...)".
 */
int pr_import_fail(struct pr_import_error *error, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for a place in a text, both counted from 1; column 0: the whole line. */
int pr_import_fail_at(struct pr_import_error *error, int r, unsigned int line, unsigned int column,
	const char *format, ...) __attribute__((format(printf, 5, 6)));
/* -ENOMEM and its sentence. */
int pr_import_no_memory(struct pr_import_error *error);
/* What the builder has against the facts, with the function named first; returns 1. */
int pr_import_contradiction(struct pr_import_error *error, const struct pr_build_error *why);

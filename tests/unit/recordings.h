/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings of real machines, read where they are: PCIROOM_RECORDINGS, or
 * ../shared/recordings beside the sources.  They are no part of the project,
 * and a test without them is skipped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Path of @name in a static buffer. */
const char *recording_path(const char *name);
/* False, and says why, when the recordings are not there. */
bool recordings_present(void);
/* Whole file, malloc'ed, with a NUL behind it; the test fails when it cannot be read. */
char *recording_read(const char *name, size_t *ret_size);

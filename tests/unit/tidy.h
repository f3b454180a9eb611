/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading what is unpacked on the way, and that nothing is left of it. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include "pciroom/import.h"
#include "rows.h"

/* As pr_input_read(), with a TMPDIR of its own, which must be empty afterwards. */
static inline int tidy_read(const char *data, size_t size, struct pr_topology **ret,
	struct pr_import_notes *notes, struct pr_import_error *error)
{
	char directory[] = "/tmp/pciroom-tidy-XXXXXX";
	int r;

	assert_non_null(mkdtemp(directory));
	assert_int_equal(setenv("TMPDIR", directory, 1), 0);
	r = pr_input_read(data, size, NULL, ret, notes, error);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	assert_int_equal(rmdir(directory), 0); /* not empty: something was left behind */
	return r;
}

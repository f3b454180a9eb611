/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text is somebody's recording of umockdev. */
#include <stdlib.h>

#include "round-trip.h"
#include "unpacking.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pr_import_notes notes = { .n = 0 };
	struct pr_import_error error;
	struct pr_topology *t;

	fuzz_unpacking_begin();
	if (pr_umockdev_read((const char *)data, size, NULL, &t, &notes, &error) != 0)
		return 0;
	if (!fuzz_round_trip(t))
		abort();
	pr_topology_free(t);
	return 0;
}

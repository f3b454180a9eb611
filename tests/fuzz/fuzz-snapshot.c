/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text is somebody's snapshot; one that is read must print and read back to an equal topology.
 */
#include <stdlib.h>

#include "round-trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pr_import_error error;
	struct pr_topology *t;

	if (pr_snapshot_read((const char *)data, size, &t, &error) != 0)
		return 0;
	if (!fuzz_round_trip(t))
		abort();
	pr_topology_free(t);
	return 0;
}

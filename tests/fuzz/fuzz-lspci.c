/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text is somebody's lspci output; one that is read must come back from a
 * snapshot as the same machine.
 */
#include <stdlib.h>

#include "round-trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pr_import_notes notes = { .n = 0 };
	struct pr_import_error error;
	struct pr_topology *t;

	if (pr_lspci_read((const char *)data, size, NULL, &t, &notes, &error) != 0)
		return 0;
	if (!fuzz_round_trip(t))
		abort();
	pr_topology_free(t);
	return 0;
}

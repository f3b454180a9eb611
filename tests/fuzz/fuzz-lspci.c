/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text is somebody's lspci output; one that is read must come back from a
 * snapshot as the same machine.
 */
#include <stdlib.h>

#include "pciroom/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pr_topology *first, *second;
	struct pr_import_notes notes = { .n = 0 };
	struct pr_import_error error;
	char *text, why[256];
	size_t length;

	if (pr_lspci_read((const char *)data, size, NULL, &first, &notes, &error) != 0)
		return 0;

	if (pr_snapshot_write(first, &text, &length) < 0 ||
		pr_snapshot_read(text, length, &second, &error) != 0 ||
		!pr_topology_equal(first, second, why, sizeof(why)))
		abort();

	free(text);
	pr_topology_free(second);
	pr_topology_free(first);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topologies printed and read back. */
#include "round-trip.h"

#include <errno.h>
#include <stdlib.h>

bool fuzz_round_trip(const struct pr_topology *t)
{
	struct pr_import_error error;
	struct pr_topology *again;
	char *text, why[256];
	size_t length;
	int r = pr_snapshot_write(t, &text, &length);

	if (r == -EILSEQ)
		return false;
	if (r < 0 || pr_snapshot_read(text, length, &again, &error) != 0 ||
		!pr_topology_equal(t, again, why, sizeof(why)))
		abort();
	free(text);
	pr_topology_free(again);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topologies and templates, printed and read back. */
#include "round-trip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

void fuzz_template_round_trip(const struct pr_template *t)
{
	const struct pr_template_shelf none = { 0 };
	struct pr_import_error error;
	struct pr_template *second;
	char *text, *again;

	if (pr_template_write(t, &text) < 0 ||
		pr_template_read(text, strlen(text), &none, &second, &error) != 0 ||
		pr_template_write(second, &again) < 0 || strcmp(text, again) != 0)
		abort();
	free(text);
	free(again);
	pr_template_free(second);
}

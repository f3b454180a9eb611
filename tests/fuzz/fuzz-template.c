/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text is somebody's template; one that is read must print and read back the same. */
#include "import/template.h"
#include "round-trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pr_template_shelf none = { 0 };
	struct pr_import_error error;
	struct pr_template *t;

	if (pr_template_read((const char *)data, size, &none, &t, &error) != 0)
		return 0;

	fuzz_template_round_trip(t);
	pr_template_free(t);
	return 0;
}

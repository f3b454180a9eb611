/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text is somebody's template; one that is read must print and read back the same. */
#include <stdlib.h>
#include <string.h>

#include "import/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pr_template_shelf none = { 0 };
	struct pr_template *first, *second;
	struct pr_import_error error;
	char *text, *again;

	if (pr_template_read((const char *)data, size, &none, &first, &error) != 0)
		return 0;

	if (pr_template_write(first, &text) < 0 ||
		pr_template_read(text, strlen(text), &none, &second, &error) != 0 ||
		pr_template_write(second, &again) < 0 || strcmp(text, again) != 0)
		abort();

	free(text);
	free(again);
	pr_template_free(second);
	pr_template_free(first);
	return 0;
}

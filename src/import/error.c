/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences of importers. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "import/error.h"

static void error_fill(struct pr_import_error *error, unsigned int line, unsigned int column,
	const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static void error_fill(struct pr_import_error *error, unsigned int line, unsigned int column,
	const char *format, va_list args)
{
	error->line = line;
	error->column = column;
	(void)vsnprintf(
		error->text, sizeof(error->text), format, args); /* a cut sentence will do */
}

int pr_import_fail(struct pr_import_error *error, int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_fill(error, 0, 0, format, args);
	va_end(args);
	return r;
}

int pr_import_fail_at(struct pr_import_error *error, int r, unsigned int line, unsigned int column,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_fill(error, line, column, format, args);
	va_end(args);
	return r;
}

int pr_import_no_memory(struct pr_import_error *error)
{
	return pr_import_fail(error, -ENOMEM, "out of memory");
}

int pr_import_contradiction(struct pr_import_error *error, const struct pr_build_error *why)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&why->address, address);
	return pr_import_fail(error, 1, "%s: %s", address, why->text);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said to whoever runs the command, and asked. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/macros.h"
#include "cli/cli.h"

static void __attribute__((format(printf, 2, 0)))
say(const char *prefix, const char *format, va_list args)
{
	(void)fflush(stdout); /* keeps the order on a terminal; print reports failures itself */
	(void)fputs(prefix, stderr);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
}

int pr_cli_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("pciroom: ", format, args);
	va_end(args);
	return PR_EXIT_ERROR;
}

void pr_cli_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("pciroom: note: ", format, args);
	va_end(args);
}

int pr_cli_failed(int r, const char *what)
{
	(void)pr_cli_error("%s: %s", what, strerror(-r));
	return r == -EPERM || r == -EACCES ? PR_EXIT_NOT_PERMITTED : PR_EXIT_ERROR;
}

bool pr_cli_print(struct pr_text *t)
{
	char *text;
	size_t n;
	bool good;

	if (pr_text_take(t, &text, &n) < 0) {
		(void)pr_cli_failed(-ENOMEM, "cannot print");
		return false;
	}
	good = fwrite(text, 1, n, stdout) == n && fflush(stdout) == 0;
	if (!good)
		(void)pr_cli_failed(-errno, "cannot write to standard output");
	free(text);
	return good;
}

bool pr_cli_interactive(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool pr_cli_ask(const char *question)
{
	char answer[16];

	(void)fflush(stdout);
	(void)fprintf(stderr, "%s [y/N] ", question);
	(void)fflush(stderr);
	if (!fgets(answer, sizeof(answer), stdin)) {
		(void)fputc('\n', stderr);
		return false;
	}

	return answer[0] == 'y' || answer[0] == 'Y';
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of kinds and sizes, and what is said of a function. */
#include <inttypes.h>
#include <stdio.h>

#include "base/macros.h"
#include "cli/words.h"

const char *pr_window_content(unsigned int window)
{
	return window == PR_WINDOW_IO    ? "I/O ports"
	       : window == PR_WINDOW_MEM ? "memory"
					 : "prefetchable memory";
}

const char *pr_size_text(const struct pr_style *s, uint64_t bytes, char ret[PR_WORD_MAX])
{
	if (bytes == PR_SIZE_UNKNOWN) {
		(void)snprintf(ret, PR_WORD_MAX, "of unknown size");
	} else if (s->bytes) {
		(void)snprintf(ret, PR_WORD_MAX, "%" PRIu64 " bytes", bytes);
	} else {
		char human[PR_SIZE_TEXT_MAX];

		(void)snprintf(ret, PR_WORD_MAX, "%s", pr_size_format(bytes, human));
	}

	return ret;
}

const char *pr_root_name(const struct pr_root *root, char ret[PR_ROOT_NAME_MAX])
{
	(void)snprintf(
		ret, PR_ROOT_NAME_MAX, "%04" PRIx32 ":%02x", root->facts.domain, root->facts.bus);

	return ret;
}

struct pr_name pr_name_of(const struct pr_address *a)
{
	struct pr_name name;

	pr_address_format(a, name.text);
	return name;
}

void pr_text_count(struct pr_text *t, size_t n, const char *noun)
{
	pr_text_printf(t, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

void pr_text_paint(
	struct pr_text *t, const struct pr_style *s, enum pr_paint paint, const char *text)
{
	/* ECMA-48 SGR: bold; bold green, yellow, red */
	static const char *const codes[] = {
		[PR_PAINT_NONE] = "",
		[PR_PAINT_BOLD] = "\033[1m",
		[PR_PAINT_GOOD] = "\033[1;32m",
		[PR_PAINT_WARN] = "\033[1;33m",
		[PR_PAINT_BAD] = "\033[1;31m",
	};

	if (!s->color || paint == PR_PAINT_NONE) {
		pr_text_add(t, text);
		return;
	}
	pr_text_printf(t, "%s%s\033[0m", codes[paint], text);
}

void pr_text_function(struct pr_text *t, const struct pr_function *f)
{
	pr_text_add(t, pr_function_role(f));
	if (f->header.has_ids)
		pr_text_printf(t, " %04x:%04x", f->header.vendor, f->header.device);
	pr_text_add(t, ", ");
	if (f->facts->driver)
		pr_text_printf(t, "driver %s", f->facts->driver);
	else
		pr_text_add(t, "no driver");
}

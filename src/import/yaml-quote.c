/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text between double quotes, so that a reader of YAML gets the same text again. */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "import/yaml-quote.h"

/*
 * Characters that stand for themselves between double quotes: printable ones
 * (YAML 1.1 section 4.1.1), without line breaks and the byte order mark.
 */
static bool is_plain(uint32_t c)
{
	if (c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0))
		return false;

	return c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe && c != 0xffff;
}

static void write_escaped(struct pr_text *t, uint32_t c)
{
	if (c == '"' || c == '\\')
		pr_text_printf(t, "\\%c", (char)c);
	else if (c < 0x100)
		pr_text_printf(t, "\\x%02" PRIx32, c);
	else if (c < 0x10000)
		pr_text_printf(t, "\\u%04" PRIx32, c);
	else
		pr_text_printf(t, "\\U%08" PRIx32, c);
}

bool pr_yaml_quote(struct pr_text *t, const char *s)
{
	size_t left = strlen(s), n;
	uint32_t c;

	pr_text_add(t, "\"");
	for (; left > 0; s += n, left -= n) {
		n = pr_utf8_decode(s, left, &c);
		if (n == 0)
			return false;
		if (is_plain(c))
			pr_text_add_n(t, s, n);
		else
			write_escaped(t, c);
	}
	pr_text_add(t, "\"");
	return true;
}

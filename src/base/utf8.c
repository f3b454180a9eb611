/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8, strictly (RFC 3629 section 3). */
#include "base/utf8.h"

#include <string.h>

/* By first byte: length, bits of it that count, smallest character of that length. */
static const struct {
	uint8_t mask, value;
	uint8_t length;
	uint32_t least;
} forms[] = {
	{ 0x80, 0x00, 1, 0 },
	{ 0xe0, 0xc0, 2, 0x80 },
	{ 0xf0, 0xe0, 3, 0x800 },
	{ 0xf8, 0xf0, 4, 0x10000 },
};

static size_t decode_form(const char *text, size_t n, size_t form, uint32_t *ret)
{
	uint32_t c = (uint8_t)text[0] & (uint8_t)~forms[form].mask;

	if (forms[form].length > n)
		return 0;
	for (size_t i = 1; i < forms[form].length; i++) {
		if (((uint8_t)text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((uint8_t)text[i] & 0x3f);
	}
	if (c < forms[form].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;

	*ret = c;
	return forms[form].length;
}

size_t pr_utf8_decode(const char *text, size_t n, uint32_t *ret)
{
	if (n == 0)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (((uint8_t)text[0] & forms[i].mask) == forms[i].value)
			return decode_form(text, n, i, ret);

	return 0;
}

size_t pr_utf8_length(const char *text, size_t n)
{
	uint32_t c;

	return pr_utf8_decode(text, n, &c);
}

void pr_utf8_mend(char *text)
{
	size_t n;

	for (size_t left = strlen(text); left > 0; left -= n, text += n) {
		n = pr_utf8_length(text, left);
		if (n > 0)
			continue;
		*text = '?';
		n = 1;
	}
}

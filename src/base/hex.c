/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes as hexadecimal text, as snapshots keep configuration space. */
#include <errno.h>

#include "base/hex.h"

void pr_hex_encode(const uint8_t *bytes, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 0xf];
	}
	ret[2 * n] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;

	return -1;
}

int pr_hex_decode(const char *text, size_t length, uint8_t *ret, size_t max, size_t *ret_n)
{
	if (length % 2 != 0)
		return -EINVAL;
	if (length / 2 > max)
		return -ENOSPC;

	for (size_t i = 0; i < length; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		ret[i / 2] = (uint8_t)(high << 4 | low);
	}

	*ret_n = length / 2;
	return 0;
}

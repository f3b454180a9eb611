/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing text, strict numbers, sizes for people. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"

void pr_text_deinit(struct pr_text *t)
{
	free(t->data);
	*t = (struct pr_text){ 0 };
}

/* Room for @n more bytes and a NUL. */
static bool text_reserve(struct pr_text *t, size_t n)
{
	size_t need, capacity;
	char *data;

	if (t->failed)
		return false;
	if (__builtin_add_overflow(t->length, n, &need) || __builtin_add_overflow(need, 1, &need))
		goto fail;
	if (need <= t->capacity)
		return true;

	capacity = t->capacity ? t->capacity : 256;
	while (capacity < need)
		if (__builtin_mul_overflow(capacity, 2, &capacity))
			goto fail;

	data = realloc(t->data, capacity);
	if (!data)
		goto fail;

	t->data = data;
	t->capacity = capacity;
	return true;

fail:
	t->failed = true;
	return false;
}

void pr_text_add_n(struct pr_text *t, const char *s, size_t n)
{
	if (!text_reserve(t, n))
		return;

	memcpy(t->data + t->length, s, n);
	t->length += n;
	t->data[t->length] = '\0';
}

void pr_text_add(struct pr_text *t, const char *s)
{
	pr_text_add_n(t, s, strlen(s));
}

void pr_text_printf(struct pr_text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0) {
		t->failed = true;
		return;
	}
	if (!text_reserve(t, (size_t)n))
		return;

	va_start(args, format);
	(void)vsnprintf(t->data + t->length, (size_t)n + 1, format, args); /* length is known */
	va_end(args);
	t->length += (size_t)n;
}

int pr_text_take(struct pr_text *t, char **ret, size_t *ret_length)
{
	if (!text_reserve(t, 0)) {
		pr_text_deinit(t);
		return -ENOMEM;
	}

	t->data[t->length] = '\0';
	*ret = t->data;
	if (ret_length)
		*ret_length = t->length;
	*t = (struct pr_text){ 0 };
	return 0;
}

int pr_parse_u64(const char *text, int base, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	/* strtoull() itself takes white space and signs */
	if (!isxdigit((unsigned char)text[0]))
		return -EINVAL;

	errno = 0;
	value = strtoull(text, &end, base);
	if (errno == ERANGE)
		return -ERANGE;
	if (errno != 0 || end == text || *end != '\0')
		return -EINVAL;

	*ret = value;
	return 0;
}

int pr_parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGTPE";
	const bool hexadecimal = text[0] == '0' && text[1] == 'x';
	const size_t n = strlen(text);
	const char *unit = n > 1 && !hexadecimal ? strchr(units, text[n - 1]) : NULL;
	const unsigned int shift = unit ? 10 * (unsigned int)(unit - units + 1) : 0;
	char number[24];
	uint64_t value;
	int r;

	if (n >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, n + 1);
	if (unit)
		number[n - 1] = '\0';
	r = pr_parse_u64(number, hexadecimal ? 16 : 10, &value);
	if (r < 0 || value == 0)
		return r < 0 ? r : -EINVAL;
	if (value > UINT64_MAX >> shift)
		return -ERANGE;

	*ret = value << shift;
	return 0;
}

const char *pr_size_format(uint64_t bytes, char ret[PR_SIZE_TEXT_MAX])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int unit = 0;
	uint64_t whole, tenth;

	while (unit + 1 < ARRAY_SIZE(units) && bytes >> (10 * (unit + 1)) != 0)
		unit++;

	whole = bytes >> (10 * unit);
	/* what is left of the next smaller unit, 0..1023, in tenths rounded down */
	tenth = unit == 0 ? 0 : (bytes >> (10 * (unit - 1)) & 1023) * 10 / 1024;

	if (tenth != 0)
		(void)snprintf(ret, PR_SIZE_TEXT_MAX, "%llu.%llu %s", (unsigned long long)whole,
			(unsigned long long)tenth, units[unit]);
	else
		(void)snprintf(
			ret, PR_SIZE_TEXT_MAX, "%llu %s", (unsigned long long)whole, units[unit]);

	return ret;
}

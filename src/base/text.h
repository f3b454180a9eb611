/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing text, and strict parsing of numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Zero-initialised is empty.  Once memory was short it stays failed, so that callers check once,
 * at pr_text_take().
 */
struct pr_text {
	char *data;
	size_t length, capacity;
	bool failed;
};

void pr_text_deinit(struct pr_text *t);
void pr_text_add(struct pr_text *t, const char *s);
void pr_text_add_n(struct pr_text *t, const char *s, size_t n);
void pr_text_printf(struct pr_text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* malloc'ed and NUL-terminated; -ENOMEM when anything failed before.  @ret_length may be NULL. */
int pr_text_take(struct pr_text *t, char **ret, size_t *ret_length);

/*
 * The whole string is one number: base 0 takes 0x and decimal; no sign, no space.  -EINVAL,
 * -ERANGE.
 */
int pr_parse_u64(const char *text, int base, uint64_t *ret);
/*
 * "4096", "0x1000", "64M": bytes; behind a decimal number one of K, M, G, T, P, E multiplies by
 * powers of 1024.  -EINVAL (0 as well: no size), -ERANGE.
 */
int pr_parse_size(const char *text, uint64_t *ret);

/* "256 MiB", "4 KiB", "30.5 GiB": at most one decimal, exact where it can be. */
#define PR_SIZE_TEXT_MAX 24
const char *pr_size_format(uint64_t bytes, char ret[PR_SIZE_TEXT_MAX]);

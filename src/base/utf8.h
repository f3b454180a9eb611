/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The little of UTF-8 (RFC 3629) that keeping foreign text needs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at @text, 0 when it is none: overlong, a surrogate, above 10ffff, cut. */
size_t pr_utf8_length(const char *text, size_t n);
/* The same, and the character. */
size_t pr_utf8_decode(const char *text, size_t n, uint32_t *ret);
/* Each byte of @text that is part of no character, as where it was cut off, becomes "?". */
void pr_utf8_mend(char *text);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* 2 * n lower-case digits and a NUL into @ret. */
void pr_hex_encode(const uint8_t *bytes, size_t n, char *ret);

/* Pairs of digits, nothing else.  -EINVAL for anything else, -ENOSPC beyond @max bytes. */
int pr_hex_decode(const char *text, size_t length, uint8_t *ret, size_t max, size_t *ret_n);

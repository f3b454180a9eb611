/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes of Resizable BARs on a back end, there and back. */
#pragma once

#include "exec/record.h"

/* BAR @index (PR_BAR0 and up) gets @size bytes, in place.  0 or negative errno: -ENOSPC, no room. */
int pr_resize_bar(
	const struct pr_backend *b, const struct pr_address *a, uint8_t index, uint64_t size);

/* A step that writes there writes the size of a BAR; decode is to be off then. */
bool pr_is_size_register(uint16_t offset);
int pr_decode_off(const struct pr_backend *b, const struct pr_address *a);

/* Its inverse is about the size of a BAR. */
bool pr_restores_size(const struct pr_record_step *s);
/*
 * Gives @f the size back that it had before @s.  0; 1 when it did not have the one that @s gave it;
 * negative errno.  Sets @ret_again when the kernel has taken over that one, so that the function
 * has to be removed and found again.
 */
int pr_restore_size(const struct pr_backend *b, const struct pr_function *f,
	const struct pr_record_step *s, bool *ret_again);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers that a client may have written, by type of header and by capability. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PR_HEADER_TYPE_MASK   0x7fu
#define PR_HEADER_TYPE_NORMAL 0u
#define PR_HEADER_TYPE_BRIDGE 1u

/* All @width (1, 2 or 4) bytes at @offset are on the list of the header, and the access is aligned. */
bool pr_register_allowed(uint8_t header_type, uint32_t offset, uint8_t width);

/*
 * Bits of the register at @offset that a client may change, because a capability of the function
 * lies there; 0: none.  @config: configuration space as far as it can be read.  @driven: a driver
 * works with the function.
 */
uint32_t pr_register_capability_mask(
	const uint8_t *config, size_t length, uint32_t offset, uint8_t width, bool driven);

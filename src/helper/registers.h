/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers that a client may have written, by type of header. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PR_HEADER_TYPE_MASK   0x7fu
#define PR_HEADER_TYPE_NORMAL 0u
#define PR_HEADER_TYPE_BRIDGE 1u

/* All @width (1, 2 or 4) bytes at @offset are on the list, and the access is aligned. */
bool pr_register_allowed(uint8_t header_type, uint32_t offset, uint8_t width);

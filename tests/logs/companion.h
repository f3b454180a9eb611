/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lies beside a log: text of lspci that knows what the log does not say. */
#pragma once

#include "base/text.h"

/*
 * Appends to @log a line in the words of pciehp for each hot-plug port in @lspci (`lspci -vv`):
 * kernels that do not drive a slot do not mention it, and yet keep reserves for it.
 */
void companion_slots(const char *lspci, struct pr_text *log);

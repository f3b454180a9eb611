/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libpci sees: the functions of a machine and the bytes of their configuration space that may
 * be read.
 */
#pragma once

#include "import/error.h"

struct pr_pci_function {
	struct pr_address address;
	const uint8_t *config; /* what was read, nothing made up */
	size_t length;         /* 0, 64, 256, 4096, or what a recording has */
};

/*
 * Every function below @root (sys/bus/pci/devices), in no order, allocated in
 * @arena.  0, or negative errno with @error.
 */
int pr_pci_scan(const char *root, struct pr_arena *arena, struct pr_pci_function **ret,
	size_t *ret_n, struct pr_import_error *error);

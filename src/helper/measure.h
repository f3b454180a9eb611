/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizing of BARs: all ones are written with decode off, what sticks is the
 * mask (PCI Local Bus 3.0 6.2.5.1), then everything is put back.  Works on a
 * pair of functions, so that the order of accesses can be tested.  Knows
 * neither files nor processes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "pciroom/helper.h"

struct pr_registers {
	int (*read)(void *userdata, uint32_t offset, uint8_t width, uint32_t *ret);
	int (*write)(void *userdata, uint32_t offset, uint8_t width, uint32_t value);
	void *userdata;
};

#define PR_MEASURE_MAX 7 /* six BARs and the expansion ROM */

/* What is put back afterwards. */
struct pr_saved {
	uint32_t id;      /* vendor and device */
	uint32_t command; /* 16 bits */
	uint32_t n_bars;  /* 6, or 2 of a bridge */
	uint32_t bars[6];
	uint32_t rom_offset, rom;
};

/*
 * Reads what is to be saved.  -EOPNOTSUPP for a header without BARs to size, or
 * a function that must not be stopped for it; -EBUSY for one that decodes and
 * may be in use without a driver.
 */
int pr_measure_read(const struct pr_registers *g, struct pr_saved *ret);

/*
 * Sizes and restores; restores after a failure too.  -EBUSY when somebody turns decode on meanwhile.
 * @ret has room for PR_MEASURE_MAX.
 */
int pr_measure_size(const struct pr_registers *g, const struct pr_saved *saved,
	struct pr_helper_mask *ret, size_t *ret_n);

/*
 * After a crash in pr_measure_size(): puts back the registers that still show
 * a sizing pattern, then COMMAND.  Others were given new addresses since, and
 * are right.  -ENODEV when this is another device.
 */
int pr_measure_replay(const struct pr_registers *g, const struct pr_saved *saved);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers that a client may have written, by type of header and by capability. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PR_HEADER_TYPE_MASK   0x7fu
#define PR_HEADER_TYPE_NORMAL 0u
#define PR_HEADER_TYPE_BRIDGE 1u

/* Who works with a function, from nobody to everybody's worry. */
enum pr_register_driver {
	PR_DRIVER_NONE,
	PR_DRIVER_PORT,    /* the driver of ports, which keeps no copy of what is on the list */
	PR_DRIVER_HOTPLUG, /* the same, and pciehp has the port's slot */
	PR_DRIVER_OTHER,
};

struct pr_register_owner {
	enum pr_register_driver driver;
	bool populated; /* a bridge, and the kernel knows functions below it */
	bool owns_aer;  /* the kernel handles its errors, not the firmware */
};

/*
 * Registers of the header (below 40h): all @width (1, 2 or 4) bytes at @offset are on the list, and
 * the access is aligned.
 */
bool pr_register_allowed(uint8_t header_type, uint32_t offset, uint8_t width);

#define PR_SLOT_LATCHED 0x011fu /* PCIe 7.5.3.11: attention, fault, MRL, presence, done, link */
/* Where the Slot Status of a port with a slot is; 0: it has none. */
uint32_t pr_capability_slot_status(const uint8_t *config, size_t length);

/*
 * Registers of capabilities: whether @value may be written to the @width bytes at @offset.
 * @config: configuration space as it is now, as far as it can be read.  0; -EPERM when it is not on
 * the list, or the function has no such thing; -EBUSY when it would be allowed to a function that
 * is not in use.
 */
int pr_capability_check(const uint8_t *config, size_t length, uint32_t offset, uint8_t width,
	uint32_t value, const struct pr_register_owner *owner);

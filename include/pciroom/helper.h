/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire format between a client and pciroom-helper: one request, one reply, over
 * SOCK_SEQPACKET on one machine (native byte order, fixed size).  The helper
 * refuses whatever is not exactly this.
 */
#pragma once

#include <stdint.h>

#define PR_HELPER_VERSION 2

#define PR_HELPER_DEADLINE_MS     30000u
#define PR_HELPER_DEADLINE_MAX_MS 600000u

enum pr_helper_verb {
	PR_HELPER_READ_CONFIG =
		1, /* offset, length -> data (may be shorter: what the kernel let us read) */
	/* name "iomem", "ioports", "cmdline" -> descriptor of a sealed memfd */
	PR_HELPER_READ_FILE,
	/* sizes the BARs of a driverless function, decode off -> struct pr_helper_mask[] */
	PR_HELPER_MEASURE,
	/* offset, width, value; allow-list by header type and capability */
	PR_HELPER_WRITE_CONFIG,
	PR_HELPER_UNBIND,
	PR_HELPER_BIND, /* name: driver */
	PR_HELPER_REMOVE,
	PR_HELPER_RESCAN,      /* the bus the function sits on */
	PR_HELPER_RESCAN_ROOT, /* domain, bus of a root bus */
	/*
	 * settings of a function, drivers_autoprobe of the bus, and who handles errors ("aer=kernel"
	 * or "aer=firmware") -> lines "NAME=VALUE"
	 */
	PR_HELPER_READ_ATTRIBUTES,
	PR_HELPER_WRITE_ATTRIBUTE, /* name, text; allow-list with the form of each value */
	PR_HELPER_AUTOPROBE,       /* value 0 or 1: try drivers on functions that are found */
	PR_HELPER_PROBE,           /* tries the drivers that match on a function without one */
	/*
	 * value 0: takes a port's slot away from pciehp; 1: gives it back, with what the slot has latched
	 * cleared before.  Nothing is done, and nothing logged, where it is so already -> a byte then, 1
	 */
	PR_HELPER_HOTPLUG,
	_PR_HELPER_VERB_MAX,
};

/*
 * Errors: -EBADMSG not a request (length, unterminated name), -EPROTO another
 * version, -EOPNOTSUPP unknown verb or a function that has no such thing,
 * -EINVAL a field out of range, -EPERM a register that is not on the list,
 * -ENODEV no such function or bus, -ENOENT no driver (or none of that name),
 * -EBUSY in use: a driver is bound, an earlier write never returned, or REMOVE would take away a
 * function that has virtual functions (sriov_numvfs has to be 0 before),
 * -ETIMEDOUT the deadline passed and the kernel may still be at it; anything
 * else is the kernel's answer.  0 for UNBIND, BIND, REMOVE and RESCAN says only
 * that the write returned.
 */
struct pr_helper_request {
	uint32_t version;
	uint32_t verb;
	uint32_t domain;
	uint8_t bus, device, function;
	uint8_t width; /* WRITE_CONFIG: 1, 2 or 4 */
	uint32_t offset, length;
	uint32_t value;
	uint32_t deadline_ms; /* 0: the helper's default; at most PR_HELPER_DEADLINE_MAX_MS */
	/* comes back in the reply, so that a late one is not taken for another's */
	uint32_t sequence;
	char name[64]; /* NUL-terminated */
	char text[64]; /* the same */
};

#define PR_HELPER_DATA_MAX 4096
struct pr_helper_reply {
	uint32_t version;
	int32_t error;     /* 0 or negative errno */
	uint32_t length;   /* bytes of data */
	uint32_t sequence; /* of the request */
	uint8_t data[PR_HELPER_DATA_MAX];
};

struct pr_helper_mask {
	uint32_t index, low, high, reserved;
};

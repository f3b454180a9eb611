/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that read kernel logs share: a cursor on one line, and its words. */
#pragma once

#include "pciroom/dmesg.h"

/* What is left of a line. */
struct pr_dmesg_text {
	const char *p, *end;
};

/* Each steps over what it names and is true, or leaves @t where it is. */
bool pr_dmesg_skip(struct pr_dmesg_text *t, const char *word);
bool pr_dmesg_hex(struct pr_dmesg_text *t, unsigned int max_digits, uint64_t *ret);
bool pr_dmesg_decimal(struct pr_dmesg_text *t, uint64_t *ret);
/* "0000:01:00.0"; the domain has four digits or more. */
bool pr_dmesg_address(struct pr_dmesg_text *t, struct pr_address *ret);
/* "[bus 01-04]", "[bus 01]". */
bool pr_dmesg_buses(struct pr_dmesg_text *t, struct pr_dmesg_entry *e);
/* "[mem 0x... 64bit pref window]", "[io  size 0x1000]" into flags, range and size. */
bool pr_dmesg_resource(struct pr_dmesg_text *t, struct pr_dmesg_entry *e);
/* Steps to behind the next @word; false, and @t untouched, when there is none. */
bool pr_dmesg_seek(struct pr_dmesg_text *t, const char *word);

/*
 * What the kernel said of function or bus e->address, @t behind "0000:01:00.0: ".  True when
 * it is one of the kinds of entries, which @e then is.
 */
bool pr_dmesg_read_function(struct pr_dmesg_text t, struct pr_dmesg_entry *e);
bool pr_dmesg_read_bus(struct pr_dmesg_text t, struct pr_dmesg_entry *e);

/* One function, folded from the entries of a log. */
struct pr_dmesg_bar {
	uint32_t flags; /* 0: no entry names it */
	uint64_t size;  /* one VF's for VF BARs */
	uint64_t total; /* VF BARs: of all VFs */
};
struct pr_dmesg_function {
	struct pr_address address;
	const struct pr_dmesg_entry *found; /* the last time before the point that is asked for */
	bool present;
	unsigned int order; /* of discovery, from 1 */
	/* hardware, from the whole log but for other cards that were in its place */
	const struct pr_dmesg_entry *learned; /* whose hardware this is */
	bool replaced;                        /* after the point that is asked for */
	struct pr_dmesg_bar bars[PR_WINDOW_IO];
	bool window_seen[3];
	uint32_t window_flags[3];
	uint64_t
		io_asked; /* bytes: the I/O window found no room, or was taken away; 0: it has some */
	bool hotplug, multifunction, shadowed;
	bool port_driver; /* the port driver has it, before the point that is asked for */
	uint64_t vfs;
	/* the kernel's table */
	struct pr_resource_line lines[PR_RESOURCE_MAX];
	/* registers as they were read, or written, last */
	uint64_t registers[PR_WINDOW_IO];
	bool buses_known;
	uint8_t secondary, subordinate;
};
struct pr_dmesg_fold {
	struct pr_dmesg_function *functions; /* by address */
	size_t n;
	bool tells_bars; /* the log has the lines that name BARs at all */
};

/* The state of every function that @log ever finds, before entry @until.  0, -ENOMEM. */
int pr_dmesg_fold(const struct pr_dmesg *log, size_t until, struct pr_arena *arena,
	struct pr_dmesg_fold *ret);
struct pr_dmesg_function *pr_dmesg_find(
	const struct pr_dmesg_fold *fold, const struct pr_address *a);

/* What measuring a BAR of that size gives; false: it cannot be one. */
bool pr_dmesg_mask(unsigned int index, uint64_t size, uint32_t flags, struct pr_bar_mask *ret);
/* Of all BARs of @f, into room for PR_WINDOW_IO; how many. */
size_t pr_dmesg_masks(const struct pr_dmesg_function *f, struct pr_bar_mask *ret);

struct pr_dmesg_roots {
	const struct pr_dmesg *log;
	struct pr_arena *arena;
	bool by_processor; /* addresses are the processor's, as in tables of the kernel */
};
/* @add is called for each host bridge once; what is said of it again may be -EEXIST. */
int pr_dmesg_each_root(const struct pr_dmesg_roots *x, struct pr_builder *b,
	int (*add)(struct pr_builder *b, const struct pr_root_facts *facts));

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge: what a kernel logged that it did, against what the model of the
 * kernel says that it does, resource by resource.
 */
#pragma once

#include "pciroom/dmesg.h"
#include "pciroom/kernel.h"

/* How one log, or one part of it, was judged. */
struct verdict {
	unsigned int events;   /* boots of host bridges, hot-adds, ... that were judged */
	unsigned int right;    /* resources: the model decided as the kernel logged */
	unsigned int wrong;    /* otherwise, or the model moved what the kernel left alone */
	unsigned int unjudged; /* resources with a logged decision that could not be judged */
	char why[160];         /* why not: the first reason */
};

/* A sentence for each wrong decision. */
typedef void (*judge_wrong)(void *userdata, const char *sentence);

struct judge {
	const struct pr_dmesg *log;
	struct pr_machine machine; /* of the log, with what else is known of it */
	judge_wrong wrong;         /* may be NULL */
	void *userdata;
};

/* The boot of every host bridge in the log, added to @v.  0, or negative errno. */
int judge_boot(const struct judge *j, struct verdict *v);
/*
 * What comes after the boot: cards that pciehp, or acpiphp, or a rescan finds.  A rescan is
 * taken for what neither slot announced.
 */
int judge_plug(const struct judge *j, struct verdict *v);
/* BARs that a driver resizes; what the driver itself says of them is judged too. */
int judge_resize(const struct judge *j, struct verdict *v);

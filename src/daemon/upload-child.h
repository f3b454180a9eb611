/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the processes do that read what strangers wrote, and what they say of
 * it; see upload.h.  Nothing of this runs in the daemon itself.
 */
#pragma once

#include "daemon/upload.h"

/* The kind of the message that a child ends with. */
enum {
	/*
	 * Opened: the output is the snapshot as pciroom writes it; a: functions, c: unassigned, text:
	 * generation.  Planned: the output is a view, a prediction and a script; a, b and c: bytes
	 * of each.  Added: as opened, and text: the path of the device.
	 */
	PR_UPLOAD_SAID_DONE = 1,
	PR_UPLOAD_SAID_INVALID, /* text: where and why */
	PR_UPLOAD_SAID_NO_DEVICE,
};

struct pr_upload_task {
	pr_upload_parser *parser;
	const struct pr_asked *asked;           /* what to plan */
	const struct pr_upload_addition *added; /* what is plugged in */
	int input, output;
};

/* Bodies of a worker (worker.h); @userdata is a struct pr_upload_task. */
int pr_upload_open_child(void *userdata, int channel);
int pr_upload_add_child(void *userdata, int channel);
int pr_upload_plan_child(void *userdata, int channel);

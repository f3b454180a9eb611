/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client may ask for (include/pciroom/helper.h).  Each verb checks its
 * own arguments and refuses what is not exactly right.
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

#include "helper/access.h"
#include "helper/audit.h"
#include "helper/child.h"
#include "pciroom/helper.h"

struct pr_context {
	struct pr_access access;
	struct pr_audit audit;
	struct pr_children children;
	/* directory of saves before sizing; negative errno: there is none, and no sizing */
	int state;
};

/*
 * Answers one packet of @length bytes: fills @reply; @ret_fd is a descriptor to
 * send with it and to close, or -1.  False: an earlier helper's write is not
 * done yet; the same packet is to be brought again, other clients come first.
 * @waited_ms: for how long it was, which counts against its deadline.
 */
bool pr_verb_handle(struct pr_context *c, const void *packet, size_t length, unsigned int waited_ms,
	const struct ucred *client, struct pr_helper_reply *reply, int *ret_fd);

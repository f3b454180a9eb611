/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request, one reply: private to exec/. */
#pragma once

#include "pciroom/exec.h"
#include "pciroom/helper.h"

/*
 * Sends @request (version, sequence and deadline are filled in here) and waits
 * for its reply.  0 when the helper did it, its negative errno, or -ECONNRESET,
 * -EPROTO, -ETIMEDOUT when there was no proper answer.  @ret_fd (may be NULL):
 * descriptor that came with the reply, or -1.
 */
int pr_helper_call(struct pr_helper *h, struct pr_helper_request *request,
	struct pr_helper_reply *reply, int *ret_fd);

/* Verb and function of a request; the rest is zero. */
struct pr_helper_request pr_helper_request_for(
	enum pr_helper_verb verb, const struct pr_address *a);

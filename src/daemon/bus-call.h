/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A method call that may have to wait: for polkit, then for a fresh look, then
 * for its answer.  It goes through each gate once and is never dispatched again,
 * so that nothing is checked for one message and done for another.
 */
#pragma once

#include "daemon/bus.h"

/* Actions of conf/org.pciroom1.policy.in. */
#define PR_ACTION_INSPECT          "org.pciroom1.inspect"
#define PR_ACTION_PLAN             "org.pciroom1.plan"
#define PR_ACTION_APPLY_SAFE       "org.pciroom1.apply-safe"
#define PR_ACTION_APPLY_DISRUPTIVE "org.pciroom1.apply-disruptive"
#define PR_ACTION_CONFIGURE        "org.pciroom1.configure"
#define PR_ACTION_INHIBIT_DELAY    "org.pciroom1.inhibit-delay"
#define PR_ACTION_INHIBIT_PIN      "org.pciroom1.inhibit-pin"
#define PR_ACTION_RENUMBER         "org.pciroom1.renumber"

#define PR_CALL_ACTIONS_MAX 2
#define PR_CALL_DETAILS_MAX 4
/* Calls of one user, and of all, that wait at the same time. */
#define PR_CALLS_USER_MAX 16u
#define PR_CALLS_MAX      64u

/* What no function of sd-bus returns. */
#define PR_CALL_WAITS 2

struct pr_call_detail {
	const char *key;
	char *value; /* whole, as rules decide by it */
};

struct pr_call {
	struct pr_bus *bus;
	sd_bus_message *m;
	uid_t uid;
	/* What the caller has to be allowed, all of it; root is. */
	const char *actions[PR_CALL_ACTIONS_MAX];
	size_t n_actions, n_granted;
	struct pr_call_detail details[PR_CALL_DETAILS_MAX]; /* for rules and prompts */
	size_t n_details;
	bool fresh; /* a fresh look is wanted before the answer */
	/*
	 * PR_CALL_WAITS: @c was handed on, and pr_call_end() is called later; an error; anything else:
	 * it is answered.  That is 0 too, of sd-bus for a caller who expects no reply.
	 */
	int (*answer)(struct pr_call *c, sd_bus_error *error);
	/* arguments, as far as the method has them */
	struct pr_asked asked;
	uint64_t number, generation;
	uint32_t confirm_s;
	uint64_t flags;
	struct pr_upload_addition added; /* texts of the message */

	sd_bus_slot *question; /* to polkit */
	struct pr_call *next;
};

int pr_bus_sender_uid(sd_bus_message *m, uid_t *ret);
/* -ENOMEM, or an error that is set: too many wait already. */
int pr_call_new(struct pr_bus *b, sd_bus_message *m,
	int (*answer)(struct pr_call *c, sd_bus_error *error), struct pr_call **ret,
	sd_bus_error *error);
void pr_call_free(struct pr_call *c); /* NULL is fine */
void pr_call_need(struct pr_call *c, const char *action);
/* Takes @value over, which is malloc'ed; NULL: who is not trusted is told that memory is short. */
void pr_call_detail(struct pr_call *c, const char *key, char *value);
/* Sends @c on its way and owns it; the result is that of a method handler. */
int pr_call_start(struct pr_call *c, sd_bus_error *error);
/* The end of a call that was handed on: @r as from answer(). */
void pr_call_end(struct pr_call *c, int r, sd_bus_error *error);

/* An error with @text, which may have been cut off anywhere. */
int pr_bus_error_set(sd_bus_error *error, const char *name, const char *text);
/* The error that a refusal of the service, or a negative errno, is to a client. */
int pr_bus_refuse(sd_bus_error *error, int r, const struct pr_why *why);
int pr_bus_not_supported(sd_bus_error *error, const char *what);

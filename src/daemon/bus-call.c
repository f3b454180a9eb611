/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that wait.  Root, and whoever runs the daemon, may do everything; others
 * are asked for at polkit, which may ask the user in turn.  Without polkit the
 * answer is no.
 */
#include "daemon/bus-call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/utf8.h"

/* How long somebody may take to type a password. */
#define PROMPT_USEC (300 * 1000000ull)

#define POLKIT            "org.freedesktop.PolicyKit1"
#define POLKIT_AUTHORITY  "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE  "org.freedesktop.PolicyKit1.Authority"
#define ALLOW_INTERACTION 1u

/* Every way the service can say no, as clients see it; test-bus walks it for holes. */
static const char *const refusal_names[_PR_REFUSAL_MAX] = {
	[PR_REFUSAL_NO_SUCH_DEVICE] = "org.pciroom1.Error.NoSuchDevice",
	[PR_REFUSAL_STALE_PLAN] = "org.pciroom1.Error.StalePlan",
	[PR_REFUSAL_INFEASIBLE] = "org.pciroom1.Error.Infeasible",
	[PR_REFUSAL_IN_USE] = "org.pciroom1.Error.InUse",
	[PR_REFUSAL_BUSY] = "org.pciroom1.Error.Busy",
	[PR_REFUSAL_NOT_SUPPORTED] = "org.pciroom1.Error.NotSupported",
	[PR_REFUSAL_INHIBITED] = "org.pciroom1.Error.Inhibited",
	[PR_REFUSAL_NOTHING_TO_CONFIRM] = "org.pciroom1.Error.NothingToConfirm",
};

/* sd-bus answers nothing at all rather than with what is not UTF-8. */
int pr_bus_error_set(sd_bus_error *error, const char *name, const char *text)
{
	_cleanup_free_ char *clean = strdup(text);

	if (!clean)
		return -ENOMEM;
	pr_utf8_mend(clean);
	return sd_bus_error_set(error, name, clean);
}

int pr_bus_refuse(sd_bus_error *error, int r, const struct pr_why *why)
{
	if (r < 0)
		return sd_bus_error_set_errno(error, r);
	return pr_bus_error_set(error, refusal_names[r], why->text);
}

int pr_bus_not_supported(sd_bus_error *error, const char *what)
{
	return sd_bus_error_setf(error, refusal_names[PR_REFUSAL_NOT_SUPPORTED],
		"%s is not supported by this version", what);
}

/* ---- a call and its end ---- */

int pr_bus_sender_uid(sd_bus_message *m, uid_t *ret)
{
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
	int r;

	r = sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds);
	if (r < 0)
		return r;
	return sd_bus_creds_get_euid(creds, ret);
}

static bool too_many(const struct pr_bus *b, uid_t uid)
{
	size_t all = 0, own = 0;

	for (const struct pr_call *c = b->calls; c; c = c->next) {
		all++;
		own += c->uid == uid;
	}
	/* a crowd does not keep root out */
	return own >= PR_CALLS_USER_MAX || (all >= PR_CALLS_MAX && uid != 0);
}

int pr_call_new(struct pr_bus *b, sd_bus_message *m,
	int (*answer)(struct pr_call *c, sd_bus_error *error), struct pr_call **ret,
	sd_bus_error *error)
{
	struct pr_call *c;
	uid_t uid;
	int r;

	r = pr_bus_sender_uid(m, &uid);
	if (r < 0)
		return r;
	if (too_many(b, uid))
		return sd_bus_error_set(
			error, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many requests wait already");
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct pr_call){ .bus = b, .uid = uid, .answer = answer, .next = b->calls };
	c->m = sd_bus_message_ref(m);
	b->calls = c;
	*ret = c;
	return 0;
}

void pr_call_free(struct pr_call *c)
{
	struct pr_call **at;

	if (!c)
		return;
	for (at = &c->bus->calls; *at != c; at = &(*at)->next)
		continue; /* every call is in the list */
	*at = c->next;
	sd_bus_slot_unref(c->question);
	sd_bus_message_unref(c->m);
	pr_asked_deinit(&c->asked);
	for (size_t i = 0; i < c->n_details; i++)
		free(c->details[i].value);
	free(c);
}

void pr_call_need(struct pr_call *c, const char *action)
{
	c->actions[c->n_actions++] = action;
}

void pr_call_detail(struct pr_call *c, const char *key, char *value)
{
	c->details[c->n_details++] = (struct pr_call_detail){ key, value };
}

void pr_call_end(struct pr_call *c, int r, sd_bus_error *error)
{
	if (r == PR_CALL_WAITS)
		return;
	if (r < 0)
		(void)sd_bus_reply_method_errno(c->m, r, error); /* the client may be gone */
	pr_call_free(c);
}

/* ---- the look ---- */

static int look_failed(sd_bus_error *error, const char *why)
{
	char text[640];

	(void)snprintf(text, sizeof(text), "the machine cannot be read: %s", why);
	return pr_bus_error_set(error, SD_BUS_ERROR_FAILED, text);
}

static void on_fresh(void *userdata, int error_number, const char *why)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct pr_call *c = userdata;
	int r;

	if (error_number == -EBUSY)
		r = sd_bus_error_set(&error, refusal_names[PR_REFUSAL_BUSY], why);
	else if (error_number < 0)
		r = look_failed(&error, why);
	else
		r = c->answer(c, &error);
	pr_call_end(c, r, &error);
}

/* As answer(). */
static int proceed(struct pr_call *c, sd_bus_error *error)
{
	struct pr_why why = { "" };
	int r;

	if (!c->fresh)
		return c->answer(c, error);
	r = pr_service_freshen(c->bus->service, c->uid == 0, on_fresh, c, &why);
	return r == 0 ? PR_CALL_WAITS : pr_bus_refuse(error, r, &why);
}

/* ---- polkit ---- */

static int ask_polkit(struct pr_call *c, sd_bus_error *error);

static int denied(sd_bus_error *error, const char *action)
{
	return sd_bus_error_setf(
		error, SD_BUS_ERROR_ACCESS_DENIED, "not authorized to do %s", action);
}

static int read_answer(sd_bus_message *m, const char *action, sd_bus_error *error)
{
	int authorized, challenge, r;

	if (sd_bus_message_is_method_error(m, NULL))
		return denied(error, action); /* polkit is not there, or does not know us */
	r = sd_bus_message_enter_container(m, 'r', "bba{ss}");
	if (r >= 0)
		r = sd_bus_message_read(m, "bb", &authorized, &challenge);
	if (r < 0)
		return r;
	if (authorized)
		return 1;
	if (challenge)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
			"%s needs a password, and interaction was not allowed", action);
	return denied(error, action);
}

static int on_polkit(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct pr_call *c = userdata;
	int r;

	(void)ret_error;
	c->question = sd_bus_slot_unref(c->question);
	r = read_answer(m, c->actions[c->n_granted], &error);
	if (r > 0) {
		c->n_granted++;
		r = c->n_granted < c->n_actions ? ask_polkit(c, &error) : proceed(c, &error);
	}
	pr_call_end(c, r, &error);
	return 1;
}

static int append_details(sd_bus_message *q, const struct pr_call *c)
{
	int r;

	r = sd_bus_message_open_container(q, 'a', "{ss}");
	for (size_t i = 0; r >= 0 && i < c->n_details; i++)
		r = c->details[i].value ? sd_bus_message_append(
						  q, "{ss}", c->details[i].key, c->details[i].value)
					: -ENOMEM;
	return r < 0 ? r : sd_bus_message_close_container(q);
}

/* About the first action that was not granted yet; PR_CALL_WAITS, or an error. */
static int ask_polkit(struct pr_call *c, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *q = NULL;
	const char *sender = sd_bus_message_get_sender(c->m), *action = c->actions[c->n_granted];
	int interactive = sd_bus_message_get_allow_interactive_authorization(c->m), r;

	if (!sender)
		return denied(error, action); /* no bus between us: nobody that polkit could name */
	r = sd_bus_message_new_method_call(
		c->bus->bus, &q, POLKIT, POLKIT_AUTHORITY, POLKIT_INTERFACE, "CheckAuthorization");
	if (r >= 0)
		r = sd_bus_message_append(
			q, "(sa{sv})s", "system-bus-name", 1, "name", "s", sender, action);
	if (r >= 0)
		r = append_details(q, c);
	if (r >= 0)
		r = sd_bus_message_append(q, "us", interactive > 0 ? ALLOW_INTERACTION : 0u, "");
	if (r >= 0)
		r = sd_bus_call_async(c->bus->bus, &c->question, q, on_polkit, c,
			interactive > 0 ? PROMPT_USEC : 0);
	return r < 0 ? r : PR_CALL_WAITS;
}

int pr_call_start(struct pr_call *c, sd_bus_error *error)
{
	bool trusted = c->uid == 0 || c->uid == geteuid();
	int r;

	r = trusted || c->n_actions == 0 ? proceed(c, error) : ask_polkit(c, error);
	if (r != PR_CALL_WAITS)
		pr_call_free(c);
	return r < 0 ? r : 1;
}

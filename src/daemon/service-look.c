/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service's looks: when one is taken, who waits for it, and what is another
 * than before.  What is decided about what was seen is decide.c's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/log.h"
#include "daemon/say.h"
#include "daemon/service-private.h"

/* Looks that are tried again by themselves after one that failed. */
#define LOOK_RETRIES 30

/* With an error all of them; else those who have heard of nothing that the last look did not see. */
static void answer_waiters(struct pr_service *s, int error, const char *why)
{
	struct pr_waiter waiters[PR_WAITERS_MAX];
	size_t n = 0, kept = 0;

	/* An answer may bring a new waiter; that one waits for the next look. */
	for (size_t i = 0; i < s->n_waiters; i++) {
		if (error == 0 && s->waiters[i].settlings > s->look_settlings)
			s->waiters[kept++] = s->waiters[i];
		else
			waiters[n++] = s->waiters[i];
	}
	s->n_waiters = kept;
	for (size_t i = 0; i < n; i++)
		waiters[i].done(waiters[i].userdata, error, why);
}

/* Looks now; in the middle of a job or of another look, after it. */
void pr_service_look(struct pr_service *s)
{
	enum pr_state before = pr_service_state(s);
	int r;

	if (s->job.id || s->looking) {
		s->look_again = true;
		return;
	}
	s->look_again = false;
	s->look_torn = false;
	s->looking = true;
	s->look_settlings = s->settlings;
	r = s->ops->look(s->userdata);
	if (r < 0) {
		pr_service_look_failed(s, strerror(-r));
		return;
	}
	pr_service_notify(s, before, 0);
}

void pr_service_look_failed(struct pr_service *s, const char *why)
{
	enum pr_state before = pr_service_state(s);

	s->looking = false;
	s->look_bad = true;
	/* an event may never come: tried again, told once */
	if (s->look_failures++ == 0)
		pr_log(PR_EVENT_LOOK_FAILED, LOG_ERR, NULL, "The machine cannot be read: %s", why);
	if (s->look_failures <= LOOK_RETRIES && !s->stopping)
		s->ops->retry(s->userdata);
	answer_waiters(s, -EIO, why);
	pr_service_notify(s, before, 0);
	if (s->look_again)
		pr_service_look(s);
}

/* The new look in place of the old one; what a client can see of the difference. */
static unsigned int replace_look(struct pr_service *s, struct pr_look *taken)
{
	struct pr_look *old = s->look;
	uint64_t generation = pr_service_generation(s);
	uint32_t unassigned = s->unassigned;
	unsigned int what = 0;

	if (!old || strcmp(pr_say_lockdown(old->topology), pr_say_lockdown(taken->topology)) != 0)
		what |= PR_CHANGED_LOCKDOWN;
	s->look = taken;
	s->unassigned = (uint32_t)pr_topology_count_dead(taken->topology);
	if (pr_service_generation(s) != generation)
		what |= PR_CHANGED_GENERATION;
	if (s->unassigned != unassigned)
		what |= PR_CHANGED_UNASSIGNED;
	s->ops->looked(s->userdata, old ? old->topology : NULL);
	pr_look_unref(old);
	pr_service_tell_plans(s);
	return what;
}

/* What could not be seen, once and not at every look. */
static void tell_note(struct pr_service *s, const char *note)
{
	s->look_bad = note[0] != '\0';
	if (s->told_note && strcmp(s->told_note, note) == 0)
		return;
	if (note[0])
		pr_log(PR_EVENT_LOOK_FAILED, LOG_WARNING, NULL,
			"Not all of the machine is seen: %s", note);
	free(s->told_note);
	s->told_note = strdup(note); /* NULL: it will be told again, no more */
}

void pr_service_looked(struct pr_service *s, struct pr_look *taken, const char *note)
{
	enum pr_state before = pr_service_state(s);
	unsigned int what;

	s->looking = false;
	/* it saw the machine in pieces; there will be another when the job has ended */
	if (s->job.id) {
		pr_look_unref(taken);
		answer_waiters(s, -EBUSY, "a plan is being carried out");
		return;
	}
	if (s->look_torn) {
		pr_look_unref(taken);
		pr_service_look(s);
		pr_service_notify(s, before, 0);
		return;
	}
	s->look_failures = 0;
	tell_note(s, note);
	what = replace_look(s, taken);
	if (!s->stopping) {
		pr_service_decide(s);
		pr_service_examine(s);
	}
	pr_service_notify(s, before, what);
	answer_waiters(s, 0, "");
	if (s->look_again)
		pr_service_look(s);
}

int pr_service_freshen(struct pr_service *s, bool trusted, pr_service_fresh_fn *done,
	void *userdata, struct pr_why *why)
{
	const uint64_t fresh_usec = trusted ? 2000000 : 15000000;

	if (s->job.id || s->recovery_wanted) {
		(void)snprintf(why->text, sizeof(why->text), "%s",
			s->job.id ? "a plan is being carried out"
				  : "an interrupted run has to be finished first");
		return PR_REFUSAL_BUSY;
	}
	if (!s->looking && !s->settling && s->look &&
		pr_now_usec() - s->look->began_usec < fresh_usec) {
		done(userdata, 0, "");
		return 0;
	}
	if (s->n_waiters == PR_WAITERS_MAX) {
		(void)snprintf(why->text, sizeof(why->text), "too many requests wait");
		return PR_REFUSAL_BUSY;
	}
	/* something has happened: the look that sees it comes when all is quiet */
	s->waiters[s->n_waiters++] =
		(struct pr_waiter){ done, userdata, s->settlings + (s->settling ? 1 : 0) };
	if (!s->looking && !s->settling)
		pr_service_look(s);
	return 0;
}

void pr_service_unsettled(struct pr_service *s)
{
	enum pr_state before = pr_service_state(s);

	s->settling = true;
	if (!s->job.id)
		pr_told_deinit(&s->hook_pins); /* who pinned may think otherwise of it now */
	pr_service_notify(s, before, 0);
}

void pr_service_settled(struct pr_service *s)
{
	enum pr_state before = pr_service_state(s);

	s->settling = false;
	s->settlings++;
	pr_service_look(s);
	pr_service_notify(s, before, 0);
}

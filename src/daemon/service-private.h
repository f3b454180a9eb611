/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Insides of the service, shared by service.c (state), service-look.c, service-job.c, decide.c
 * (what to do about what was seen) and requests.c.
 */
#pragma once

#include "daemon/log.h"
#include "daemon/service.h"

/* A device that was told of as dead. */
struct pr_told {
	char *path;
	char *sentence;
};
struct pr_told_list {
	struct pr_told *list;
	size_t n;
};
/* told.c */
void pr_told_deinit(struct pr_told_list *l);
const struct pr_told *pr_told_find(const struct pr_told_list *l, const char *path);
/* Memory that is short costs a repeated message, or a repeated attempt, and nothing else. */
void pr_told_add(struct pr_told_list *l, const char *path, const char *sentence);
void pr_told_drop(struct pr_told_list *l, size_t i);
/* What is told of a device that comes into such a list, and of one that leaves it. */
struct pr_tidings {
	enum pr_event event;
	int priority;            /* of the former */
	const char *is, *is_not; /* behind the address; @is goes before the sentence */
};
/*
 * Tells of what is new in @now, or for another reason, and of what was in @before alone.  True when
 * one has a device that the other has not.
 */
bool pr_told_compare(const struct pr_topology *t, const struct pr_told_list *before,
	const struct pr_told_list *now, const struct pr_tidings *tidings);

struct pr_waiter {
	pr_service_fresh_fn *done;
	void *userdata;
	uint64_t settlings; /* a look that began behind so many of them will do */
};
#define PR_WAITERS_MAX 64u

struct pr_service {
	const struct pr_service_ops *ops;
	void *userdata;
	struct pr_conf conf;
	struct pr_look *look;
	struct pr_keep keep;
	struct pr_job job;                      /* id 0: none runs */
	const struct pr_inhibitors *inhibitors; /* NULL: none */
	const char *root;                       /* NULL: there is no machine to look at */
	uint64_t prepared_usec; /* when the job begins at the latest; 0: it has begun */
	uint32_t last_job;
	bool settling, looking, stopping;
	bool deciding;     /* a plan for what is dead is being looked for */
	bool decide_again; /* and has to be looked for anew */
	bool look_again;   /* something happened while looking, or during a job */
	bool look_torn;    /* a job began while looking: that look saw the machine in pieces */
	unsigned int unfinished; /* runs and recoveries in a row that could not undo everything */
	bool recovery_wanted;    /* an interrupted run could not be finished yet */
	unsigned int look_failures; /* in a row */
	bool look_bad, lost;        /* reasons to be degraded */
	char *told_note;            /* what could not be seen, as told */
	uint32_t unassigned;
	struct pr_waiter waiters[PR_WAITERS_MAX];
	size_t n_waiters;
	uint64_t settlings;      /* times that it has become quiet again after events */
	uint64_t look_settlings; /* @settlings when the last look began */

	/* decide.c */
	struct pr_told_list dead; /* told as dead, and not mended since */
	/* auto failed on them: not tried again before they are plugged anew */
	struct pr_told_list given_up;
	struct pr_told_list hook_pins; /* paths that hooks will not have touched, until events */
	char *told_plan;               /* last plan or refusal told, to say it once */
	char *told_room;               /* the same, of room that slots are to have */
	struct pr_told_list lacking;   /* slots that have less than that, by the last look */
	struct pr_told_list armed;     /* ports, by the last examination */
	uint64_t examined;             /* generation that was looked through for them; 0: none */
	unsigned int stale_streak;     /* automatic jobs in a row that found another machine */
};

/* service.c */
void pr_service_notify(struct pr_service *s, enum pr_state before, unsigned int what);
/* Tells of the plans whose state has changed. */
void pr_service_tell_plans(struct pr_service *s);
/* pr_keep_add(), and what is to be told of it. */
int pr_service_keep(struct pr_service *s, struct pr_look *look, struct pr_wish *wish,
	struct pr_plan *plan, uid_t uid, struct pr_kept **ret);

/* service-look.c */
void pr_service_look(struct pr_service *s);

/* service-job.c */
/*
 * Starts a job.  @plan NULL: recovery.  @uid: who wants it, or PR_UID_NOBODY.  @terms NULL: he has
 * nothing to do with it.
 */
int pr_service_run(
	struct pr_service *s, struct pr_kept *plan, uid_t uid, const struct pr_terms *terms);
void pr_service_finish(struct pr_service *s, const struct pr_report *report);
/* Has the job's plan carried out; 0, or negative errno. */
int pr_service_begin(struct pr_service *s);

/* prepare.c */
/* Asks those who want time, and begins the job now or later; 0, or negative errno. */
int pr_service_prepare(struct pr_service *s);
/* Who wants a device left alone that @plan touches; NULL: nobody.  @ret_f: the device. */
const struct pr_inhibitor *pr_service_inhibitor(const struct pr_service *s,
	enum pr_inhibit_mode mode, const struct pr_plan *plan, const struct pr_function **ret_f);
/* Pins of the configuration and of inhibitors, and what slots are to keep. */
int pr_service_add_pins(const struct pr_service *s, struct pr_wish *w);

/* armed.c */
/* Looks through the last look for armed ports, unless that has been done. */
void pr_service_examine(struct pr_service *s);

/* lacking.c */
/* Looks which slots have less room than the configuration gives them, and tells what is new. */
void pr_service_note_lacks(struct pr_service *s);

/* decide.c */
/* Tells what is new about the last look, and acts on it as mode and policy say. */
void pr_service_decide(struct pr_service *s);
void pr_service_remember(
	struct pr_service *s, const struct pr_job *job, const struct pr_report *report);
void pr_service_forget(struct pr_service *s); /* after a change of configuration: think anew */

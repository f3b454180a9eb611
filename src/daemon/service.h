/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State and decisions of the daemon: what was seen, what is dead, which plan
 * answers it, which job runs.  No bus, no event loop, no hardware: it is told
 * what happened, and asks for what shall happen through a table of functions.
 */
#pragma once

#include "daemon/conf.h"
#include "daemon/inhibit.h"
#include "daemon/kept.h"
#include "daemon/planner.h"
#include "pciroom/exec.h"

enum pr_state {
	PR_STATE_IDLE = 0,
	PR_STATE_SETTLING,
	PR_STATE_PLANNING,
	PR_STATE_APPLYING,
	PR_STATE_CONFIRM_WAIT, /* all is done; undone when nobody confirms it */
	PR_STATE_ROLLING_BACK,
	PR_STATE_DEGRADED, /* the machine cannot be read, or something was lost */
	_PR_STATE_MAX,
};
const char *pr_state_name(enum pr_state s);

/* Documented ways to say no; the bus has an error name for each. */
enum pr_refusal {
	PR_REFUSAL_NO_SUCH_DEVICE = 1,
	PR_REFUSAL_STALE_PLAN,
	PR_REFUSAL_INFEASIBLE,
	PR_REFUSAL_IN_USE,
	PR_REFUSAL_BUSY,
	PR_REFUSAL_NOT_SUPPORTED,
	PR_REFUSAL_INHIBITED, /* a program wants a device left alone */
	PR_REFUSAL_NOTHING_TO_CONFIRM,
	_PR_REFUSAL_MAX,
};

#define PR_UID_NOBODY ((uid_t)-1)

/* Seconds that a job may wait to be confirmed: whoever is cut off from his machine wants it back. */
#define PR_CONFIRM_MAX_S 86400u

/* What whoever asked for a job has to do with it. */
struct pr_terms {
	unsigned int confirm_s; /* time to confirm it; 0: nobody has to */
	/*
	 * Of a plan that replaces a card: he makes it another while it is away, writes a byte when that
	 * is done, and has given up when he closes it.  The reading end of a pipe; -1: no card is replaced.
	 */
	int lease;
	unsigned int change_s; /* the time for that */
	bool link_off;         /* the card's link is off meanwhile */
};

struct pr_job {
	uint32_t id;
	struct pr_kept *plan; /* NULL: finishes an interrupted run */
	uid_t uid;            /* who asked for it; PR_UID_NOBODY: the service itself */
	bool automatic;
	bool recovering;       /* its child is finishing an interrupted run */
	unsigned int attempts; /* children started to recover */
	size_t step;           /* steps done, for people to watch */
	size_t begun;          /* steps begun */
	bool preparing;        /* not begun: programs that asked for time have it */
	struct pr_terms terms;
	uint64_t confirm_usec;       /* CLOCK_BOOTTIME at which it is undone; 0: it does not wait */
	bool waiting;                /* to be confirmed */
	bool changing;               /* a card is away, for somebody to make another of it */
	bool undoing;                /* what was done; it may have waited or been changing before */
	bool interrupted;            /* somebody else changed the machine */
	bool cancelled;              /* by somebody who may; it is being undone, or will be */
	char device[PR_ADDRESS_MAX]; /* first of those that it is for; "" for a recovery */
};

enum {
	PR_CHANGED_STATE = 1 << 0,
	PR_CHANGED_GENERATION = 1 << 1,
	PR_CHANGED_UNASSIGNED = 1 << 2,
	PR_CHANGED_MODE = 1 << 3,
	PR_CHANGED_LOCKDOWN = 1 << 4,
	PR_CHANGED_ARMED = 1 << 5,
	PR_CHANGED_LACKING = 1 << 6,
};

/* What became different about the job. */
enum {
	PR_JOB_PHASE = 1 << 0,
	PR_JOB_STEPS = 1 << 1,
	PR_JOB_DEADLINE = 1 << 2,
	PR_JOB_VETOES = 1 << 3,
};

enum pr_plan_news {
	PR_PLAN_NEW = 0,
	PR_PLAN_STATE,
	PR_PLAN_GONE,
};

/* A sentence for the client who is told no. */
struct pr_why {
	char text[1024];
};

/* What the service asks for.  All return at once. */
struct pr_service_ops {
	int (*look)(void *userdata); /* answered by pr_service_looked() or _look_failed() */
	int (*run)(
		void *userdata, const struct pr_job *job); /* answered by pr_service_job_ended() */
	/* the job that runs shall stop: somebody else changes the machine; its end comes as usual */
	void (*interrupt)(void *userdata);
	/* the job that runs shall stop and undo what it did, because somebody wants that */
	void (*cancel)(void *userdata);
	/*
	 * @job is about to pause devices (@start), or has ended.  @deadline_usec: CLOCK_MONOTONIC by
	 * which those who delay it have to be ready, 0 when nobody does.
	 */
	void (*prepare)(
		void *userdata, const struct pr_job *job, bool start, uint64_t deadline_usec);
	/* pr_service_prepared() at CLOCK_MONOTONIC @usec, please; 0: not any more */
	void (*wait_until)(void *userdata, uint64_t usec);
	/* what the job that runs did is confirmed */
	void (*confirm)(void *userdata);
	/* whoever is to confirm it has so many seconds from now */
	void (*extend)(void *userdata, unsigned int seconds);
	void (*retry)(void *userdata); /* pr_service_retry() in a while, please */
	void (*changed)(void *userdata, unsigned int what);
	/* has @w run, not here and not now, and its done() called here */
	void (*work)(void *userdata, struct pr_work *w);
	/* the same of what nobody waits for */
	void (*examine)(void *userdata, struct pr_work *w);
	/* the port at @path has become armed, or is not any more */
	void (*armed)(void *userdata, const char *path);
	/* there is another look; @before is what the last one saw, or NULL */
	void (*looked)(void *userdata, const struct pr_topology *before);
	/* a plan was made, is in another state, or is not to be found any more */
	void (*plan)(void *userdata, uint64_t number, enum pr_plan_news news);
	/* reads the configuration again; 0, or 1 with @why when the old one is kept */
	int (*reload)(void *userdata, struct pr_why *why);
	void (*job_new)(void *userdata, const struct pr_job *job);
	void (*job_changed)(void *userdata, const struct pr_job *job, unsigned int what);
	void (*job_removed)(
		void *userdata, const struct pr_job *job, const struct pr_report *report);
};

struct pr_service;
int pr_service_new(const struct pr_service_ops *ops, void *userdata, struct pr_service **ret);
void pr_service_free(struct pr_service *s); /* NULL is fine */
/* Takes @conf over, leaving the defaults behind. */
void pr_service_configure(struct pr_service *s, struct pr_conf *conf);

/* Borrowed, until the service is freed: who wants what left alone. */
void pr_service_set_inhibitors(struct pr_service *s, const struct pr_inhibitors *inhibitors);

/*
 * The machine on which plans are looked at for what new addresses change; borrowed.  Without it
 * only what the topology tells is known.
 */
void pr_service_set_root(struct pr_service *s, const char *root);

/* ---- what happened ---- */

/* An inhibitor of @mode came or was released. */
void pr_service_inhibitors_changed(struct pr_service *s, enum pr_inhibit_mode mode);
/* Who delays the job has had all the time there is. */
void pr_service_prepared(struct pr_service *s);

/* The journal was damaged and is set aside as @name: what was pending in it, nobody knows. */
void pr_service_journal_damaged(struct pr_service *s, const char *name);
/* A hook will not have the device at @path touched: plans go around it until something changes. */
void pr_service_pinned(struct pr_service *s, const char *path);
/* A device came (@added) or went, while a job may run. */
void pr_service_device(struct pr_service *s, bool added, const char *name);
/* @pending: an interrupted run waits to be finished; that comes before any look. */
void pr_service_start(struct pr_service *s, bool pending);
/* A hot-plug event; more may follow. */
void pr_service_unsettled(struct pr_service *s);
void pr_service_settled(struct pr_service *s);
void pr_service_looked(struct pr_service *s, struct pr_look *taken, const char *note);
void pr_service_look_failed(struct pr_service *s, const char *why);
void pr_service_job_step(struct pr_service *s, size_t step, bool done);
/* All its steps are done; somebody has to confirm it. */
void pr_service_job_waiting(struct pr_service *s);
/* The card that its plan replaces is away. */
void pr_service_job_changing(struct pr_service *s);
/* It goes no further, and what was done is being undone. */
void pr_service_job_undoing(struct pr_service *s);
void pr_service_job_ended(struct pr_service *s, const struct pr_report *report);
void pr_service_retry(struct pr_service *s);
/* No new jobs from now on. */
void pr_service_stop(struct pr_service *s);

/* ---- questions ---- */

enum pr_state pr_service_state(const struct pr_service *s);
enum pr_mode pr_service_mode(const struct pr_service *s);
uint64_t pr_service_generation(const struct pr_service *s); /* 0: nothing was seen yet */
uint32_t pr_service_unassigned(
	const struct pr_service *s); /* functions without addresses or bus numbers */
const char *pr_service_lockdown(const struct pr_service *s);
/* Paths of the ports that are armed (doctor.h), with @n from 0 on; NULL: no more of them. */
const char *pr_service_armed(const struct pr_service *s, size_t n);
bool pr_service_is_armed(const struct pr_service *s, const char *path);
/* Paths of slots that have less room than the configuration gives them. */
const char *pr_service_lacking(const struct pr_service *s, size_t n);
const struct pr_job *pr_service_job(const struct pr_service *s); /* NULL: none runs */
/*
 * Who has a say in the job before it begins, by @n from 0 on; false: no more of them.  The texts
 * are borrowed until anything happens.
 */
struct pr_veto {
	const struct pr_function *function; /* first that it is about, of the plan's topology */
	const char *mode, *who, *why;
};
bool pr_service_veto(const struct pr_service *s, size_t n, struct pr_veto *ret);
const struct pr_keep *pr_service_plans(const struct pr_service *s);
const struct pr_look *pr_service_last_look(const struct pr_service *s);
const struct pr_conf *pr_service_conf(const struct pr_service *s);

/* ---- requests; 0, a pr_refusal with @why, or negative errno ---- */

/*
 * Calls @done once the last look has seen all that events have told of, and is not older than two
 * seconds (perhaps before this returns), with 0, or with negative errno and why it failed.  For
 * callers that are not @trusted fifteen seconds are fresh: they shall not keep the machine busy
 * with looks.
 */
typedef void pr_service_fresh_fn(void *userdata, int error, const char *why);
int pr_service_freshen(struct pr_service *s, bool trusted, pr_service_fresh_fn *done,
	void *userdata, struct pr_why *why);

/* What a client asks to be planned: devices as he names them. */
/* How many of something devices are to have. */
struct pr_counts {
	char **devices;
	uint32_t *counts;
	size_t n;
};
struct pr_asked {
	char **targets;
	size_t n_targets;
	char **pinned;
	size_t n_pinned;
	char *replug;           /* NULL: no card is replaced */
	struct pr_counts buses; /* bus numbers of bridges */
	struct pr_counts vfs;   /* virtual functions of physical ones */
	struct pr_asked_reserve {
		char *bridge;
		uint8_t window; /* as in struct pr_reserve */
		uint64_t size;
	} * reserves;
	size_t n_reserves;
	struct pr_asked_resize {
		char *device;
		uint8_t index; /* PR_BAR0 and up, PR_VF_BAR0 and up */
		uint64_t size; /* bytes, or PR_RESIZE_LARGEST */
	} * resizes;
	size_t n_resizes;
	bool shrink;
	enum pr_disruption limit;
};
void pr_asked_deinit(struct pr_asked *a);
/*
 * Plans on the last look.  After 0 @done is called, perhaps before this returns, with a plan and 0,
 * or with negative errno.
 */
typedef void pr_service_planned_fn(void *userdata, int error, const struct pr_kept *plan);
int pr_service_plan(struct pr_service *s, const struct pr_asked *asked, uid_t uid,
	pr_service_planned_fn *done, void *userdata, struct pr_why *why);
/* @terms->lease, which a plan needs that replaces a card, is the service's when 0 is returned. */
int pr_service_apply(struct pr_service *s, uint64_t number, uint64_t generation, uid_t uid,
	const struct pr_terms *terms, const struct pr_job **ret, struct pr_why *why);
/* Stops job @id between two steps; its end comes as usual. */
int pr_service_cancel(struct pr_service *s, uint32_t id, struct pr_why *why);
/* Reads the configuration again; 1 with @why: there is a mistake, and the old one is kept. */
int pr_service_reload(struct pr_service *s, struct pr_why *why);
/* Forgets a plan that nobody is carrying out. */
int pr_service_discard(struct pr_service *s, uint64_t number, struct pr_why *why);
int pr_service_rollback(
	struct pr_service *s, uid_t uid, const struct pr_job **ret, struct pr_why *why);
int pr_service_confirm(struct pr_service *s, struct pr_why *why);
/* Job @id waits to be confirmed for so many seconds from now, at most PR_CONFIRM_MAX_S. */
int pr_service_extend(struct pr_service *s, uint32_t id, unsigned int seconds, struct pr_why *why);

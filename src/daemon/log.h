/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's story: one event, one message, with the fields that journalctl
 * can filter by.  The only place of the daemon that logs; what is said comes
 * from say.h and from reasons that other modules return as data.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

/* What happened.  Each has a fixed MESSAGE_ID (log.c, doc/pciroomd.8, systemd/pciroom.catalog). */
enum pr_event {
	PR_EVENT_DEAD = 0,      /* a device without addresses or bus numbers was found */
	PR_EVENT_MENDED,        /* a device found dead before works */
	PR_EVENT_PLAN_FOUND,    /* a plan would mend it */
	PR_EVENT_PLAN_REFUSED,  /* no plan would, or none that policy allows */
	PR_EVENT_APPLY_STARTED, /* a plan is being carried out */
	PR_EVENT_STEP,          /* a step of it begins */
	PR_EVENT_APPLIED,       /* it ended well */
	PR_EVENT_NOT_APPLIED,   /* it was rolled back, cancelled, or found stale */
	PR_EVENT_LOST,          /* it ended badly: something did not come back */
	PR_EVENT_RECOVERY,      /* an interrupted run is being finished */
	PR_EVENT_CONF_LOADED,
	PR_EVENT_CONF_ERROR,
	PR_EVENT_LOOK_FAILED, /* the machine could not be read, or not all of it */
	PR_EVENT_STATE,       /* the service starts or stops */
	PR_EVENT_GUARD,       /* something happened at a guarded slot */
	PR_EVENT_ARMED, /* a hot-add at a port would damage what runs, or would not any more */
	PR_EVENT_LACKS, /* a slot has less room than the configuration gives it, or has it now */
	_PR_EVENT_MAX,
};

/* Fields of a message; zero: left out. */
struct pr_log_fields {
	const char *device;  /* PCIROOM_DEVICE= address */
	const char *path;    /* PCIROOM_PATH= */
	const char *plan;    /* PCIROOM_PLAN= id of the plan */
	const char *outcome; /* PCIROOM_OUTCOME= pr_outcome_name() */
	uint32_t job;        /* PCIROOM_JOB= */
};

/*
 * @priority LOG_ERR, LOG_INFO, ...  Goes to the journal when standard error does, else to standard
 * error.
 */
void pr_log(enum pr_event event, int priority, const struct pr_log_fields *fields,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Messages of a higher number than this priority are dropped; LOG_INFO at first. */
int pr_log_level(void);
/* "emerg" to "debug", as syslog names them. */
const char *pr_log_level_name(int level);
bool pr_log_set_level(const char *name); /* false: there is no such level */

enum pr_log_target {
	PR_LOG_AUTO = 0, /* the journal when standard error leads there */
	PR_LOG_JOURNAL,
	PR_LOG_CONSOLE, /* standard error */
	_PR_LOG_TARGET_MAX,
};
enum pr_log_target pr_log_target(void);
const char *pr_log_target_name(enum pr_log_target t);
bool pr_log_set_target(const char *name); /* false: there is no such target */

/* 32 hexadecimal digits. */
const char *pr_event_message_id(enum pr_event event);

/* Tests read the story themselves.  NULL goes back to the journal or standard error. */
typedef void pr_log_sink(void *userdata, enum pr_event event, int priority,
	const struct pr_log_fields *fields, const char *text);
void pr_log_set_sink(pr_log_sink *sink, void *userdata);

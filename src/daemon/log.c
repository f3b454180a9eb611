/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to the journal with their fields, or to standard error; level and
 * target are set through org.freedesktop.LogControl1.
 */
#include "daemon/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "base/macros.h"

/* Made once, by uuidgen; they are interface and never change. */
static const char *const message_ids[_PR_EVENT_MAX] = {
	[PR_EVENT_DEAD] = "0809d528a41448fb801ddb77b219ee5a",
	[PR_EVENT_MENDED] = "ac7ae57a04f54ab694cbaa7d77ef72d0",
	[PR_EVENT_PLAN_FOUND] = "86e407eb6be940ad8475e1a0cf28ff7a",
	[PR_EVENT_PLAN_REFUSED] = "5f52aeb953ca473aa08b60ba7d72c00f",
	[PR_EVENT_APPLY_STARTED] = "13990e1e382f424d991c9f87bd379ee8",
	[PR_EVENT_STEP] = "d1da6eec02d5420bad4ab5f3467d9ec8",
	[PR_EVENT_APPLIED] = "906731405ff34ce09e1ff767c7a9b839",
	[PR_EVENT_NOT_APPLIED] = "a3d9fb3264ce4c1e80fffefcc1c2bdab",
	[PR_EVENT_LOST] = "ea2afafebd474778b2517d33d72cb5c4",
	[PR_EVENT_RECOVERY] = "7f0ffa6871984c06abc5561ecf9049ca",
	[PR_EVENT_CONF_LOADED] = "3a379c010fb54402870476ab6eb7a3fc",
	[PR_EVENT_CONF_ERROR] = "e66171e1f9d840cb8c1d9b46b27169e9",
	[PR_EVENT_LOOK_FAILED] = "e7ce7ed646714f84a135846a2a37bd26",
	[PR_EVENT_STATE] = "e9a7627c1711477a8b22d078e04ce8a3",
	[PR_EVENT_GUARD] = "ac979d4d19634ddb8300cf7666b28e20",
	[PR_EVENT_ARMED] = "e3db4d72912f44238ec07b714769bb0a",
	[PR_EVENT_LACKS] = "71be8ac267c542adb1f173a8aa5285bb",
};

const char *pr_event_message_id(enum pr_event event)
{
	return message_ids[event];
}

/* Process-wide like standard error itself, which it stands in for. */
static pr_log_sink *sink;
static void *sink_userdata;

void pr_log_set_sink(pr_log_sink *new_sink, void *userdata)
{
	sink = new_sink;
	sink_userdata = userdata;
}

/* The same: one process, one story. */
static int level = LOG_INFO;
static enum pr_log_target target;

static const char *const level_names[] = { "emerg", "alert", "crit", "err", "warning", "notice",
	"info", "debug" };
static const char *const target_names[_PR_LOG_TARGET_MAX] = { "auto", "journal", "console" };

int pr_log_level(void)
{
	return level;
}

const char *pr_log_level_name(int l)
{
	return level_names[l];
}

bool pr_log_set_level(const char *name)
{
	for (int i = 0; i < (int)ARRAY_SIZE(level_names); i++)
		if (strcmp(level_names[i], name) == 0)
			return level = i, true;

	return false;
}

enum pr_log_target pr_log_target(void)
{
	return target;
}

const char *pr_log_target_name(enum pr_log_target t)
{
	return target_names[t];
}

bool pr_log_set_target(const char *name)
{
	for (unsigned int i = 0; i < _PR_LOG_TARGET_MAX; i++)
		if (strcmp(target_names[i], name) == 0)
			return target = (enum pr_log_target)i, true;

	return false;
}

/*
 * systemd.exec(5): JOURNAL_STREAM holds device and inode of the stream that standard error was
 * given.
 */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

#define N_FIELDS  9
#define FIELD_MAX 1600
struct record {
	char text[N_FIELDS][FIELD_MAX];
	struct iovec iov[N_FIELDS];
	int n;
};

__attribute__((format(printf, 2, 3))) static void put(struct record *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(r->text[r->n], FIELD_MAX, format, ap);
	va_end(ap);
	r->iov[r->n] = (struct iovec){ r->text[r->n], strlen(r->text[r->n]) };
	r->n++;
}

static void put_if(struct record *r, const char *name, const char *value)
{
	if (value)
		put(r, "%s=%s", name, value);
}

static int send_journal(
	enum pr_event event, int priority, const struct pr_log_fields *f, const char *text)
{
	struct record r = { .n = 0 };

	put(&r, "MESSAGE=%s", text);
	put(&r, "PRIORITY=%d", priority);
	put(&r, "MESSAGE_ID=%s", message_ids[event]);
	put(&r, "SYSLOG_IDENTIFIER=pciroomd");
	put_if(&r, "PCIROOM_DEVICE", f->device);
	put_if(&r, "PCIROOM_PATH", f->path);
	put_if(&r, "PCIROOM_PLAN", f->plan);
	put_if(&r, "PCIROOM_OUTCOME", f->outcome);
	if (f->job)
		put(&r, "PCIROOM_JOB=%" PRIu32, f->job);
	return sd_journal_sendv(r.iov, r.n);
}

static bool wants_journal(void)
{
	return target == PR_LOG_JOURNAL || (target == PR_LOG_AUTO && stderr_is_journal());
}

void pr_log(enum pr_event event, int priority, const struct pr_log_fields *fields,
	const char *format, ...)
{
	static const struct pr_log_fields none;
	char text[1500];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);

	if (priority > level)
		return;
	if (!fields)
		fields = &none;
	if (sink)
		sink(sink_userdata, event, priority, fields, text);
	else if (!wants_journal() || send_journal(event, priority, fields, text) < 0)
		(void)fprintf(stderr, "pciroomd: %s\n", text);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children that read what strangers wrote; see upload.h. */
#include "daemon/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/text.h"
#include "daemon/worker.h"
#include "daemon/write-plan.h"

#define CHILD_TIMEOUT_USEC (60 * 1000000ull)
#define NOBODY             65534

/* One child. */
struct reading {
	struct pr_uploads *all;
	struct pr_worker *worker;
	const struct pr_asked *asked; /* NULL: opens; borrowed until the fork */
	uid_t uid;
	int input, output;
	pr_upload_fn *done;
	void *userdata;
	struct pr_message said; /* last; kind 0: nothing */
};

struct pr_uploads {
	sd_event *event;
	pr_upload_parser *parser;
	struct pr_upload *list[PR_UPLOADS_MAX]; /* oldest first */
	size_t n;
	uint64_t last_number;
	struct reading *children[PR_UPLOAD_CHILDREN]; /* NULL: free */
};

enum {
	SAID_DONE =
		1, /* opened: a, b functions; c unassigned; text: generation.  planned: verdict */
	SAID_INVALID,
	SAID_NO_DEVICE,
};

/* ---- in the child ---- */

static void limit(int resource, rlim_t most)
{
	const struct rlimit l = { most, most };

	if (setrlimit((__rlimit_resource_t)resource, &l) < 0)
		_exit(1); /* rather not at all than without it */
}

static void give_up_privileges(void)
{
	/* a daemon that root started by hand; else it has none to begin with */
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		_exit(1);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		_exit(1);
	limit(RLIMIT_CPU, 30);
	limit(RLIMIT_FSIZE, 64u << 20);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NPROC, 0);
#ifndef PR_ARENA_DEBUG /* sanitizers map more than any machine has */
	limit(RLIMIT_AS, 512u << 20);
#endif
}

__attribute__((noreturn, format(printf, 3, 4))) static void fail(
	int channel, uint32_t kind, const char *format, ...)
{
	struct pr_message m = { .kind = kind };
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(m.text, sizeof(m.text), format, ap);
	va_end(ap);
	pr_worker_send(channel, &m);
	_exit(0);
}

static struct pr_topology *parse(const struct reading *r, int channel)
{
	struct pr_import_error error = { 0 };
	struct pr_topology *t = NULL;
	struct stat st;
	char *text;
	int k;

	if (fstat(r->input, &st) < 0 || !S_ISREG(st.st_mode))
		fail(channel, SAID_INVALID, "a snapshot is handed in as a file");
	if (st.st_size <= 0 || st.st_size > (off_t)PR_UPLOAD_SIZE_MAX)
		fail(channel, SAID_INVALID, "a snapshot has from 1 to %u bytes",
			PR_UPLOAD_SIZE_MAX);
	text = malloc((size_t)st.st_size);
	if (!text || pread(r->input, text, (size_t)st.st_size, 0) != (ssize_t)st.st_size)
		fail(channel, SAID_INVALID, "it cannot be read");
	k = r->all->parser(text, (size_t)st.st_size, &t, &error);
	if (k != 0)
		fail(channel, SAID_INVALID, "line %u: %s", error.line,
			error.text[0] ? error.text : strerror(k < 0 ? -k : EINVAL));
	free(text);
	return t;
}

static uint32_t count_unassigned(const struct pr_topology *t)
{
	uint32_t n = 0;

	pr_for_each_root (t, i)
		for (size_t j = 0; j < t->roots[i]->n_functions; j++) {
			enum pr_health h = pr_function_health(&t->roots[i]->functions[j]);

			n += h == PR_HEALTH_UNASSIGNED || h == PR_HEALTH_NO_BUS;
		}
	return n;
}

static int open_child(void *userdata, int channel)
{
	const struct reading *r = userdata;
	struct pr_message m = { .kind = SAID_DONE };
	struct pr_topology *t;
	char *text;
	size_t size;

	give_up_privileges();
	t = parse(r, channel);
	if (pr_snapshot_write(t, &text, &size) < 0 || pr_write_all(r->output, text, size) < 0)
		return 1;
	m.a = (int32_t)t->n_functions;
	m.c = count_unassigned(t);
	(void)snprintf(m.text, sizeof(m.text), "%" PRIu64, t->generation);
	pr_worker_send(channel, &m);
	return 0;
}

static const struct pr_function *find(const struct pr_topology *t, const char *name, int channel)
{
	struct pr_address a;
	const struct pr_function *f = pr_address_parse(name, &a) ? pr_topology_find(t, &a)
								 : pr_topology_find_path(t, name);

	if (!f)
		fail(channel, SAID_NO_DEVICE, "there is no device %.100s", name);
	return f;
}

static const struct pr_function *find_bridge(
	const struct pr_topology *t, const char *name, int channel)
{
	const struct pr_function *f = find(t, name, channel);

	if (!f->bridge)
		fail(channel, SAID_NO_DEVICE, "there is no bridge %.100s", name);
	return f;
}

static int plan(
	const struct reading *r, const struct pr_topology *t, int channel, struct pr_plan **ret)
{
	struct pr_wish wish = { .limit = r->asked->limit };
	char address[PR_ADDRESS_MAX];
	int k = 0;

	for (size_t i = 0; k == 0 && i < r->asked->n_targets; i++)
		k = pr_wish_add_target(&wish, &find(t, r->asked->targets[i], channel)->address);
	for (size_t i = 0; k == 0 && i < r->asked->n_pinned; i++) {
		pr_address_format(&find(t, r->asked->pinned[i], channel)->address, address);
		k = pr_wish_add_pinned(&wish, address);
	}
	for (size_t i = 0; k == 0 && i < r->asked->n_buses; i++)
		k = pr_wish_add_buses(&wish,
			&(struct pr_bus_wish){
				.bridge = find_bridge(t, r->asked->bridges[i], channel)->address,
				.buses = r->asked->buses[i] });
	return k == 0 ? pr_wish_plan(&wish, t, ret) : k;
}

static int plan_child(void *userdata, int channel)
{
	const struct reading *r = userdata;
	struct pr_message m = { .kind = SAID_DONE };
	struct pr_text text = { 0 };
	struct pr_plan *p = NULL;

	give_up_privileges();
	if (plan(r, parse(r, channel), channel, &p) < 0)
		return 1;
	pr_write_plan(&text, p);
	if (text.failed || pr_write_all(r->output, text.data, text.length) < 0)
		return 1;
	(void)snprintf(m.text, sizeof(m.text), "%s", pr_verdict_name(p->verdict));
	pr_worker_send(channel, &m);
	return 0;
}

/* ---- in the daemon ---- */

static void on_message(void *userdata, const struct pr_message *m)
{
	struct reading *r = userdata;

	r->said = *m;
}

static const struct pr_upload *keep(struct pr_uploads *u, const struct reading *r)
{
	struct pr_upload *up = calloc(1, sizeof(*up));

	if (!up || u->n == PR_UPLOADS_MAX) {
		free(up);
		return NULL;
	}
	*up = (struct pr_upload){ .number = ++u->last_number,
		.uid = r->uid,
		.fd = fcntl(r->output, F_DUPFD_CLOEXEC, 3),
		.functions = (uint32_t)r->said.a,
		.unassigned = r->said.c };
	if (up->fd < 0 || pr_parse_u64(r->said.text, 10, &up->generation) < 0) {
		pr_closep(&up->fd);
		free(up);
		return NULL;
	}
	u->list[u->n++] = up;
	return up;
}

/* What the child left is whole and will not change. */
static bool seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) ==
	       0;
}

static void reading_free(struct reading *r)
{
	for (size_t i = 0; i < PR_UPLOAD_CHILDREN; i++)
		if (r->all->children[i] == r)
			r->all->children[i] = NULL;
	pr_worker_free(r->worker);
	pr_closep(&r->input);
	pr_closep(&r->output);
	free(r);
}

static void on_ended(void *userdata, bool clean)
{
	struct reading *r = userdata;
	struct pr_upload_result result = { .end = PR_UPLOAD_DIED, .fd = r->output };
	bool opens = r->asked == NULL;

	(void)snprintf(result.text, sizeof(result.text), "%s",
		"the process that read it ended without an answer");
	if (clean && r->said.kind != 0)
		(void)snprintf(result.text, sizeof(result.text), "%s", r->said.text);
	if (clean && r->said.kind == SAID_INVALID)
		result.end = PR_UPLOAD_INVALID;
	else if (clean && r->said.kind == SAID_NO_DEVICE)
		result.end = PR_UPLOAD_NO_DEVICE;
	else if (clean && r->said.kind == SAID_DONE && seal(r->output))
		result.end = PR_UPLOAD_DONE;
	if (result.end == PR_UPLOAD_DONE && opens) {
		result.upload = keep(r->all, r);
		if (!result.upload)
			result.end = PR_UPLOAD_DIED;
	}
	r->done(r->userdata, &result);
	reading_free(r);
}

static int start(struct pr_uploads *u, struct reading *wanted, int (*child)(void *, int))
{
	struct pr_worker_task task = {
		.child = child,
		.message = on_message,
		.ended = on_ended,
		.timeout_usec = CHILD_TIMEOUT_USEC,
	};
	struct reading *r;
	size_t at = 0;
	int k;

	while (at < PR_UPLOAD_CHILDREN && u->children[at])
		at++;
	if (at == PR_UPLOAD_CHILDREN)
		return -EBUSY;
	r = malloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = *wanted;
	r->all = u;
	u->children[at] = r;
	r->input = fcntl(wanted->input, F_DUPFD_CLOEXEC, 3);
	r->output = memfd_create("pciroom-upload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	k = r->input < 0 || r->output < 0 ? -errno : 0;
	task.userdata = r;
	task.keep = r->input;
	task.also = r->output;
	if (k == 0)
		k = pr_worker_start(u->event, &task, &r->worker);
	if (k < 0)
		reading_free(r);
	return k;
}

int pr_uploads_open(struct pr_uploads *u, int fd, uid_t uid, pr_upload_fn *done, void *userdata)
{
	struct reading r = {
		.uid = uid, .input = fd, .output = -1, .done = done, .userdata = userdata
	};
	size_t own = 0;

	for (size_t i = 0; i < u->n; i++)
		own += u->list[i]->uid == uid;
	if (u->n == PR_UPLOADS_MAX || own >= PR_UPLOADS_USER_MAX)
		return -EUSERS;
	return start(u, &r, open_child);
}

int pr_uploads_plan(struct pr_uploads *u, const struct pr_upload *of, const struct pr_asked *asked,
	pr_upload_fn *done, void *userdata)
{
	struct reading r = { .asked = asked,
		.uid = of->uid,
		.input = of->fd,
		.output = -1,
		.done = done,
		.userdata = userdata };

	return start(u, &r, plan_child);
}

const struct pr_upload *pr_uploads_find(const struct pr_uploads *u, uint64_t number)
{
	for (size_t i = 0; u && i < u->n; i++)
		if (u->list[i]->number == number)
			return u->list[i];

	return NULL;
}

size_t pr_uploads_count(const struct pr_uploads *u)
{
	return u ? u->n : 0;
}

const struct pr_upload *pr_uploads_get(const struct pr_uploads *u, size_t n)
{
	return u->list[n];
}

void pr_uploads_close(struct pr_uploads *u, uint64_t number)
{
	for (size_t i = 0; i < u->n; i++) {
		struct pr_upload *up = u->list[i];

		if (up->number != number)
			continue;
		u->n--;
		memmove(&u->list[i], &u->list[i + 1], (u->n - i) * sizeof(u->list[0]));
		pr_closep(&up->fd);
		free(up);
		return;
	}
}

void pr_uploads_set_parser(struct pr_uploads *u, pr_upload_parser *parser)
{
	u->parser = parser;
}

int pr_uploads_new(sd_event *event, struct pr_uploads **ret)
{
	struct pr_uploads *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->event = sd_event_ref(event);
	u->parser = pr_snapshot_read;
	*ret = u;
	return 0;
}

void pr_uploads_free(struct pr_uploads *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < PR_UPLOAD_CHILDREN; i++)
		if (u->children[i])
			reading_free(u->children[i]);
	while (u->n > 0)
		pr_uploads_close(u, u->list[0]->number);
	sd_event_unref(u->event);
	free(u);
}

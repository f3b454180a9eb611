/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children that read what strangers wrote; see upload.h. */
#include "daemon/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "base/macros.h"
#include "base/text.h"
#include "daemon/upload-child.h"
#include "daemon/worker.h"

#define CHILD_TIMEOUT_USEC (60 * 1000000ull)

/* One child. */
struct reading {
	struct pr_upload_task task; /* what it is asked is borrowed until the fork */
	struct pr_uploads *all;
	struct pr_worker *worker;
	uint64_t of;      /* number of the snapshot that it plans on or adds to; 0: it opens one */
	uint64_t made_on; /* generation of that snapshot */
	uid_t uid;
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

static void on_message(void *userdata, const struct pr_message *m)
{
	struct reading *r = userdata;

	r->said = *m;
}

static struct pr_upload *find(const struct pr_uploads *u, uint64_t number)
{
	for (size_t i = 0; u && i < u->n; i++)
		if (u->list[i]->number == number)
			return u->list[i];

	return NULL;
}

/* "GENERATION PATH": the number; false: that is none. */
static bool read_generation(const struct reading *r, uint64_t *ret)
{
	char number[24];

	(void)snprintf(
		number, sizeof(number), "%.*s", (int)strcspn(r->said.text, " "), r->said.text);
	return pr_parse_u64(number, 10, ret) == 0;
}

static const struct pr_upload *keep_upload(struct pr_uploads *u, const struct reading *r)
{
	struct pr_upload *up = calloc(1, sizeof(*up));

	if (!up || u->n == PR_UPLOADS_MAX) {
		free(up);
		return NULL;
	}
	*up = (struct pr_upload){ .number = ++u->last_number,
		.uid = r->uid,
		.fd = fcntl(r->task.output, F_DUPFD_CLOEXEC, 3),
		.functions = (uint32_t)r->said.a,
		.unassigned = r->said.c };
	if (up->fd < 0 || !read_generation(r, &up->generation)) {
		pr_closep(&up->fd);
		free(up);
		return NULL;
	}
	u->list[u->n++] = up;
	return up;
}

static void plan_free(struct pr_upload_plan *p)
{
	pr_plan_view_deinit(&p->view);
	pr_closep(&p->fd);
	free(p);
}

/* The view at the beginning of what the child left: in memory, within bounds. */
static int read_view(const struct reading *r, struct pr_plan_view *ret)
{
	_cleanup_free_ char *data = NULL;
	size_t size = (size_t)r->said.a;

	if (r->said.a <= 0 || size > PR_UPLOAD_VIEW_MAX || r->said.b < 0)
		return -EBADMSG;
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	if (pread(r->task.output, data, size, 0) != (ssize_t)size)
		return -EBADMSG;
	return pr_plan_view_decode(data, size, ret);
}

static struct pr_upload_plan *make_plan(const struct reading *r)
{
	struct pr_upload_plan *p = calloc(1, sizeof(*p));

	if (!p || read_view(r, &p->view) < 0) {
		free(p);
		return NULL;
	}
	p->fd = fcntl(r->task.output, F_DUPFD_CLOEXEC, 3);
	p->view_size = (size_t)r->said.a;
	p->prediction_size = (size_t)r->said.b;
	p->script_size = r->said.c;
	if (p->fd < 0) {
		plan_free(p);
		return NULL;
	}
	return p;
}

static void discard(struct pr_upload *up, uint64_t number)
{
	for (size_t i = 0; i < up->n_plans; i++) {
		struct pr_upload_plan *p = up->plans[i];

		if (p->number != number)
			continue;
		up->n_plans--;
		memmove(&up->plans[i], &up->plans[i + 1], (up->n_plans - i) * sizeof(up->plans[0]));
		plan_free(p);
		return;
	}
}

/* Who plans too much loses the oldest. */
static bool keep_plan(
	struct pr_upload *up, const struct reading *r, struct pr_upload_result *result)
{
	struct pr_upload_plan *p = make_plan(r);

	if (!p)
		return false;
	if (up->n_plans == PR_UPLOAD_PLANS_MAX) {
		result->gone = up->plans[0]->number;
		discard(up, result->gone);
	}
	p->number = ++up->last_plan;
	p->made_on = r->made_on;
	up->plans[up->n_plans++] = p;
	result->plan = p;
	return true;
}

/* The machine of @up is the one that the child left; false: that is none. */
static bool replace(struct pr_upload *up, const struct reading *r, struct pr_upload_result *result)
{
	uint64_t generation;
	int fd;

	if (!read_generation(r, &generation))
		return false;
	fd = fcntl(r->task.output, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return false;
	pr_closep(&up->fd);
	up->fd = fd;
	up->generation = generation;
	up->functions = (uint32_t)r->said.a;
	up->unassigned = r->said.c;
	(void)snprintf(result->text, sizeof(result->text), "%s",
		r->said.text + strcspn(r->said.text, " ") + (strchr(r->said.text, ' ') != NULL));
	return true;
}

/* Takes over what the child left; what it is not is as bad as its death. */
static void keep(const struct reading *r, struct pr_upload_result *result)
{
	struct pr_upload *up = find(r->all, r->of);
	bool kept = false;

	if (up && r->task.added)
		kept = replace(up, r, result);
	else if (up)
		kept = keep_plan(up, r, result);
	result->upload = r->of ? up : keep_upload(r->all, r);
	if (!result->upload || (up && !kept))
		result->end = PR_UPLOAD_DIED;
}

/* What a child left is whole and will not change. */
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
	pr_closep(&r->task.input);
	pr_closep(&r->task.output);
	free(r);
}

static void on_ended(void *userdata, bool clean)
{
	struct reading *r = userdata;
	struct pr_upload_result result = { .end = PR_UPLOAD_DIED };
	struct pr_upload *up = find(r->all, r->of);

	(void)snprintf(result.text, sizeof(result.text), "%s",
		"the process that read it ended without an answer");
	if (clean && r->said.kind != 0)
		(void)snprintf(result.text, sizeof(result.text), "%s", r->said.text);
	if (clean && r->said.kind == PR_UPLOAD_SAID_INVALID)
		result.end = PR_UPLOAD_INVALID;
	else if (clean && r->said.kind == PR_UPLOAD_SAID_NO_DEVICE)
		result.end = PR_UPLOAD_NO_DEVICE;
	else if (clean && r->said.kind == PR_UPLOAD_SAID_DONE && seal(r->task.output))
		result.end = PR_UPLOAD_DONE;
	if (up && r->task.added)
		up->adding = false;
	if (result.end == PR_UPLOAD_DONE)
		keep(r, &result);
	r->done(r->userdata, &result);
	reading_free(r);
}

/* A place for a child of @uid; PR_UPLOAD_CHILDREN: all are taken, or the user has what one may have. */
static size_t find_place(const struct pr_uploads *u, uid_t uid)
{
	size_t free_at = PR_UPLOAD_CHILDREN, own = 0;

	for (size_t i = PR_UPLOAD_CHILDREN; i-- > 0;) {
		if (!u->children[i])
			free_at = i;
		else
			own += u->children[i]->uid == uid;
	}
	return uid != 0 && own >= PR_UPLOAD_USER_CHILDREN ? PR_UPLOAD_CHILDREN : free_at;
}

static int start(struct pr_uploads *u, struct reading *wanted, int (*child)(void *, int))
{
	struct pr_worker_task task = {
		.child = child,
		.message = on_message,
		.ended = on_ended,
		.timeout_usec = CHILD_TIMEOUT_USEC,
	};
	const size_t at = find_place(u, wanted->uid);
	struct reading *r;
	int k;

	if (at == PR_UPLOAD_CHILDREN)
		return -EBUSY;
	r = malloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = *wanted;
	r->all = u;
	r->task.parser = u->parser;
	u->children[at] = r;
	r->task.input = fcntl(wanted->task.input, F_DUPFD_CLOEXEC, 3);
	r->task.output = memfd_create("pciroom-upload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	k = r->task.input < 0 || r->task.output < 0 ? -errno : 0;
	task.userdata =
		r; /* begins with what the child is told, and what is told of it goes to all of it */
	task.keep = r->task.input;
	task.also = r->task.output;
	if (k == 0)
		k = pr_worker_start(u->event, &task, &r->worker);
	if (k < 0)
		reading_free(r);
	return k;
}

/* Snapshots of @uid (NULL: of everybody) that are open, or will be when they are read. */
static size_t count_open(const struct pr_uploads *u, const uid_t *uid)
{
	size_t n = 0;

	for (size_t i = 0; i < u->n; i++)
		n += !uid || u->list[i]->uid == *uid;
	for (size_t i = 0; i < PR_UPLOAD_CHILDREN; i++)
		n += u->children[i] && u->children[i]->of == 0 &&
		     (!uid || u->children[i]->uid == *uid);
	return n;
}

int pr_uploads_open(struct pr_uploads *u, int fd, uid_t uid, pr_upload_fn *done, void *userdata)
{
	struct reading r = { .task = { .input = fd, .output = -1 },
		.uid = uid,
		.done = done,
		.userdata = userdata };

	if (count_open(u, NULL) >= PR_UPLOADS_MAX || count_open(u, &uid) >= PR_UPLOADS_USER_MAX)
		return -EUSERS;
	return start(u, &r, pr_upload_open_child);
}

int pr_uploads_plan(struct pr_uploads *u, const struct pr_upload *of, const struct pr_asked *asked,
	pr_upload_fn *done, void *userdata)
{
	struct reading r = { .task = { .asked = asked, .input = of->fd, .output = -1 },
		.of = of->number,
		.made_on = of->generation,
		.uid = of->uid,
		.done = done,
		.userdata = userdata };

	return start(u, &r, pr_upload_plan_child);
}

int pr_uploads_add(struct pr_uploads *u, struct pr_upload *to,
	const struct pr_upload_addition *added, pr_upload_fn *done, void *userdata)
{
	struct reading r = { .task = { .added = added, .input = to->fd, .output = -1 },
		.of = to->number,
		.uid = to->uid,
		.done = done,
		.userdata = userdata };
	int k;

	if (to->adding)
		return -EBUSY;
	k = start(u, &r, pr_upload_add_child);
	to->adding = k == 0;
	return k;
}

struct pr_upload *pr_uploads_find(const struct pr_uploads *u, uint64_t number)
{
	return find(u, number);
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
		while (up->n_plans > 0)
			plan_free(up->plans[--up->n_plans]);
		pr_closep(&up->fd);
		free(up);
		return;
	}
}

const struct pr_upload_plan *pr_upload_plan(const struct pr_upload *up, uint64_t number)
{
	for (size_t i = 0; i < up->n_plans; i++)
		if (up->plans[i]->number == number)
			return up->plans[i];

	return NULL;
}

int pr_upload_plan_open(const struct pr_upload_plan *p, bool script)
{
	off_t at = (off_t)(script ? p->view_size + p->prediction_size : p->view_size);
	size_t left = script ? p->script_size : p->prediction_size;
	int fd = memfd_create(
		script ? "pciroom-script" : "pciroom-prediction", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (left > 0 && (n = sendfile(fd, p->fd, &at, left)) > 0)
		left -= (size_t)n;
	if (left > 0 || lseek(fd, 0, SEEK_SET) < 0 || !seal(fd)) {
		(void)close(fd);
		return -EIO; /* the child said more than it wrote */
	}
	return fd;
}

void pr_uploads_discard(struct pr_uploads *u, uint64_t upload, uint64_t plan)
{
	struct pr_upload *up = find(u, upload);

	if (up)
		discard(up, plan);
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

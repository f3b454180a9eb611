/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at the machine in a child; see look.h for why. */
#include "daemon/look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/macros.h"

/* A machine that answers at all is read in seconds; beyond this something hangs. */
#define LOOK_PATIENCE_USEC (60 * UINT64_C(1000000))

enum {
	LOOK_NOTE = 1,
	LOOK_FAILED
};

struct pr_looking {
	sd_event *event;
	const struct pr_world *world;
	struct pr_look_events events;
	struct pr_worker *worker;
	int fd;
	uint64_t began_usec;
	char note[sizeof(((struct pr_message *)0)->text)];
	bool said; /* @note is why the look failed */
};

struct pr_look *pr_look_ref(struct pr_look *l)
{
	l->refs++;
	return l;
}

void pr_look_unref(struct pr_look *l)
{
	if (!l || --l->refs > 0)
		return;
	pr_topology_free(l->topology);
	pr_closep(&l->fd);
	free(l);
}

int pr_look_open(const struct pr_look *l)
{
	char path[40];
	int fd;

	/* not dup(): clients would share one position, and could move it under each other */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", l->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- in the child ---- */

static void say(int channel, uint32_t kind, const char *text)
{
	struct pr_message m = { .kind = kind };

	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	pr_worker_send(channel, &m);
}

static int write_snapshot(const struct pr_topology *t, int fd)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = pr_snapshot_write(t, &text, &size);
	if (r < 0)
		return r;
	return pr_write_all(fd, text, size);
}

static int look_child(void *userdata, int channel)
{
	struct pr_looking *l = userdata;
	struct pr_import_error error = { 0 };
	struct pr_topology *t = NULL;
	int r;

	r = l->world->look(l->world->userdata, &t, &error);
	if (r != 0) {
		say(channel, LOOK_FAILED, error.text[0] ? error.text : strerror(-r));
		return 1;
	}
	if (error.text[0])
		say(channel, LOOK_NOTE, error.text);
	r = write_snapshot(t, l->fd);
	if (r < 0)
		say(channel, LOOK_FAILED, strerror(-r));
	pr_topology_free(t);
	return r < 0;
}

/* ---- in the daemon ---- */

static void on_message(void *userdata, const struct pr_message *m)
{
	struct pr_looking *l = userdata;

	memcpy(l->note, m->text, sizeof(l->note));
	if (m->kind == LOOK_FAILED)
		l->said = true;
}

static int seal(int fd, size_t *ret_size)
{
	struct stat st;

	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_size = (size_t)st.st_size;
	return *ret_size > 0 ? 0 : -ENODATA;
}

/* 0, 1 with @error, negative errno. */
static int read_snapshot(int fd, struct pr_topology **ret, struct pr_import_error *error)
{
	size_t size = 0;
	void *text;
	int r;

	r = seal(fd, &size);
	if (r < 0)
		return r;
	text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return -errno;
	r = pr_snapshot_read(text, size, ret, error);
	(void)munmap(text, size); /* the very range that was mapped */
	return r;
}

static void finish_good(struct pr_looking *l, int fd)
{
	struct pr_import_error error = { 0 };
	struct pr_topology *t = NULL;
	struct pr_look *look;
	int r;

	r = read_snapshot(fd, &t, &error);
	look = r == 0 ? calloc(1, sizeof(*look)) : NULL;
	if (!look) {
		pr_topology_free(t);
		(void)close(fd); /* a memory file */
		l->events.failed(l->events.userdata,
			error.text[0] ? error.text : strerror(r < 0 ? -r : ENOMEM));
		return;
	}
	*look = (struct pr_look){ .refs = 1, .topology = t, .fd = fd, .began_usec = l->began_usec };
	l->events.looked(l->events.userdata, look, l->note);
}

static void on_ended(void *userdata, bool clean)
{
	struct pr_looking *l = userdata;
	bool late = pr_worker_killed(l->worker);
	int fd = l->fd;

	pr_worker_free(l->worker);
	l->worker = NULL;
	l->fd = -1;
	if (clean) {
		finish_good(l, fd);
		return;
	}
	(void)close(fd); /* a memory file */
	l->events.failed(l->events.userdata,
		l->said ? l->note
		: late  ? "it did not answer in time: something hangs in the kernel"
			: "the process that looked ended without an answer");
}

int pr_looking_start(struct pr_looking *l)
{
	struct pr_worker_task task = {
		.child = look_child,
		.message = on_message,
		.ended = on_ended,
		.userdata = l,
		.timeout_usec = l->world->look_usec ? l->world->look_usec : LOOK_PATIENCE_USEC,
	};
	int r;

	if (l->worker)
		return -EBUSY;
	l->note[0] = '\0';
	l->said = false;
	l->began_usec = pr_now_usec();
	l->fd = memfd_create("pciroom-topology", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (l->fd < 0)
		return -errno;
	task.keep = l->fd;
	r = pr_worker_start(l->event, &task, &l->worker);
	if (r < 0) {
		(void)close(l->fd); /* a memory file */
		l->fd = -1;
	}
	return r;
}

int pr_looking_new(sd_event *event, const struct pr_world *world,
	const struct pr_look_events *events, struct pr_looking **ret)
{
	struct pr_looking *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*l = (struct pr_looking){
		.event = sd_event_ref(event), .world = world, .events = *events, .fd = -1
	};
	*ret = l;
	return 0;
}

void pr_looking_free(struct pr_looking *l)
{
	if (!l)
		return;
	pr_worker_free(l->worker);
	pr_closep(&l->fd);
	sd_event_unref(l->event);
	free(l);
}

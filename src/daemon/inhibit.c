/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases as FIFOs.  NUMBER is the FIFO, NUMBER.lease says whose it is, a line
 * each; written before the FIFO is there and removed after it, so that a FIFO
 * always has its text.
 */
#include "daemon/inhibit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/text.h"

#define LEASE_MAX 65536

struct pr_inhibitors {
	sd_event *event;
	int directory;
	void (*changed)(void *userdata, enum pr_inhibit_mode mode);
	void *userdata;
	struct pr_inhibitor *list[PR_INHIBITORS_MAX]; /* oldest first */
	size_t n;
	uint32_t last_id;
};

static const char *const mode_names[_PR_INHIBIT_MODE_MAX] = { "pin", "delay" };

const char *pr_inhibit_mode_name(enum pr_inhibit_mode m)
{
	return mode_names[m];
}

bool pr_inhibit_mode_parse(const char *name, enum pr_inhibit_mode *ret)
{
	for (unsigned int i = 0; i < _PR_INHIBIT_MODE_MAX; i++)
		if (strcmp(mode_names[i], name) == 0)
			return *ret = (enum pr_inhibit_mode)i, true;

	return false;
}

void pr_inhibitor_deinit(struct pr_inhibitor *i)
{
	for (size_t k = 0; k < i->n_paths; k++)
		free(i->paths[k]);
	free(i->paths);
	free(i->who);
	free(i->why);
	sd_event_source_disable_unref(i->source);
	pr_closep(&i->fd);
	*i = (struct pr_inhibitor){ .fd = -1 };
}

/* ---- the directory ---- */

struct names {
	char fifo[16], lease[32], draft[32];
};

static struct names names_of(uint32_t id)
{
	struct names n;

	(void)snprintf(n.fifo, sizeof(n.fifo), "%" PRIu32, id);
	(void)snprintf(n.lease, sizeof(n.lease), "%" PRIu32 ".lease", id);
	(void)snprintf(n.draft, sizeof(n.draft), "%" PRIu32 ".draft", id);
	return n;
}

/* Neither need be there; what cannot be removed is found released at the next start. */
static void remove_files(const struct pr_inhibitors *l, uint32_t id)
{
	struct names n = names_of(id);

	(void)unlinkat(l->directory, n.fifo, 0);
	(void)unlinkat(l->directory, n.lease, 0);
	(void)unlinkat(l->directory, n.draft, 0);
}

static int write_lease(const struct pr_inhibitors *l, const struct pr_inhibitor *i)
{
	_cleanup_(pr_text_deinit) struct pr_text t = { 0 };
	_cleanup_close_ int fd = -1;
	struct names n = names_of(i->id);
	int r;

	pr_text_printf(&t, "mode %s\nuid %ju\npid %jd\nwho %s\nwhy %s\n", mode_names[i->mode],
		(uintmax_t)i->uid, (intmax_t)i->pid, i->who, i->why);
	for (size_t k = 0; k < i->n_paths; k++)
		pr_text_printf(&t, "device %s\n", i->paths[k]);
	if (t.failed)
		return -ENOMEM;
	fd = openat(l->directory, n.draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = pr_write_all(fd, t.data, t.length);
	if (r < 0)
		return r;
	return renameat(l->directory, n.draft, l->directory, n.lease) < 0 ? -errno : 0;
}

/* ---- reading a lease back ---- */

static int add_path(struct pr_inhibitor *i, const char *path)
{
	char **grown;

	if (i->n_paths == PR_INHIBIT_PATHS_MAX)
		return -EBADMSG;
	grown = reallocarray(i->paths, i->n_paths + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	i->paths = grown;
	i->paths[i->n_paths] = strdup(path);
	return i->paths[i->n_paths] ? (i->n_paths++, 0) : -ENOMEM;
}

static int take_text(char **field, const char *value)
{
	if (*field)
		return -EBADMSG;
	*field = strdup(value);
	return *field ? 0 : -ENOMEM;
}

static int read_line(struct pr_inhibitor *i, char *line)
{
	char *value = strchr(line, ' ');
	uint64_t number = 0;

	if (!value)
		return -EBADMSG;
	*value++ = '\0';
	if (strcmp(line, "who") == 0)
		return take_text(&i->who, value);
	if (strcmp(line, "why") == 0)
		return take_text(&i->why, value);
	if (strcmp(line, "device") == 0)
		return add_path(i, value);
	if (strcmp(line, "mode") == 0)
		return pr_inhibit_mode_parse(value, &i->mode) ? 0 : -EBADMSG;
	if (pr_parse_u64(value, 10, &number) < 0 || number > UINT32_MAX)
		return -EBADMSG;
	if (strcmp(line, "uid") == 0)
		i->uid = (uid_t)number;
	else if (strcmp(line, "pid") == 0)
		i->pid = (pid_t)number;
	else
		return -EBADMSG;
	return 0;
}

static int read_lease(const struct pr_inhibitors *l, struct pr_inhibitor *i)
{
	_cleanup_free_ char *text = NULL;
	char *line, *next;
	int r;

	r = pr_read_file_at(l->directory, names_of(i->id).lease, LEASE_MAX, &text, NULL);
	for (line = text; r >= 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (!next)
			return -EBADMSG;
		*next++ = '\0';
		r = read_line(i, line);
	}
	return r < 0 ? r : i->who && i->why ? 0 : -EBADMSG;
}

/* ---- the list ---- */

/* 1: somebody holds it; 0: nobody does (any more), or what he does with it is not holding it. */
static int is_held(const struct pr_inhibitor *i)
{
	char byte;

	return read(i->fd, &byte, 1) < 0 && (errno == EAGAIN || errno == EINTR);
}

static void release(struct pr_inhibitors *l, struct pr_inhibitor *i)
{
	size_t at = 0;

	while (l->list[at] != i)
		at++;
	l->n--;
	memmove(&l->list[at], &l->list[at + 1], (l->n - at) * sizeof(l->list[0]));
	remove_files(l, i->id);
	pr_inhibitor_deinit(i);
	free(i);
}

static int on_fifo(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct pr_inhibitors *l = userdata;

	(void)source;
	(void)revents;
	for (size_t at = 0; at < l->n; at++) {
		enum pr_inhibit_mode mode = l->list[at]->mode;

		if (l->list[at]->fd != fd || is_held(l->list[at]))
			continue;
		release(l, l->list[at]);
		l->changed(l->userdata, mode);
		break;
	}
	return 0;
}

/* Opens its FIFO for reading and puts it into the list; takes over what @i holds on success. */
static int hold(struct pr_inhibitors *l, struct pr_inhibitor *i)
{
	struct pr_inhibitor *kept = malloc(sizeof(*kept));
	int r;

	if (!kept)
		return -ENOMEM;
	i->fd = openat(
		l->directory, names_of(i->id).fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	r = i->fd < 0 ? -errno : sd_event_add_io(l->event, &i->source, i->fd, EPOLLIN, on_fifo, l);
	if (r < 0) {
		free(kept);
		return r;
	}
	*kept = *i;
	*i = (struct pr_inhibitor){ .fd = -1 };
	l->list[l->n++] = kept;
	return 0;
}

/* ---- taking over ---- */

static void restore(struct pr_inhibitors *l, uint32_t id)
{
	struct pr_inhibitor i = { .id = id, .fd = -1 };

	if (l->n == PR_INHIBITORS_MAX || read_lease(l, &i) < 0 || hold(l, &i) < 0) {
		pr_inhibitor_deinit(&i);
		remove_files(l, id);
	} else if (!is_held(l->list[l->n - 1])) {
		release(l, l->list[l->n - 1]);
	}
	if (id > l->last_id)
		l->last_id = id;
}

static int compare_ids(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int restore_all(struct pr_inhibitors *l)
{
	uint32_t ids[2 * PR_INHIBITORS_MAX];
	const struct dirent *e;
	size_t n = 0;
	uint64_t id;
	DIR *d;
	int fd;

	fd = openat(l->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return -errno;
	while (n < ARRAY_SIZE(ids) && (e = readdir(d)))
		if (pr_parse_u64(e->d_name, 10, &id) == 0 && id > 0 && id < UINT32_MAX)
			ids[n++] = (uint32_t)id;
	(void)closedir(d); /* it was only read */
	qsort(ids, n, sizeof(ids[0]), compare_ids);
	for (size_t i = 0; i < n; i++)
		restore(l, ids[i]);
	return 0;
}

int pr_inhibitors_new(sd_event *event, const char *directory,
	void (*changed)(void *userdata, enum pr_inhibit_mode mode), void *userdata,
	struct pr_inhibitors **ret)
{
	struct pr_inhibitors *l = calloc(1, sizeof(*l));
	int r = 0;

	if (!l)
		return -ENOMEM;
	*l = (struct pr_inhibitors){
		.event = sd_event_ref(event), .changed = changed, .userdata = userdata
	};
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		r = -errno;
	l->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0)
		r = l->directory < 0 ? -errno : restore_all(l);
	if (r < 0) {
		pr_inhibitors_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void pr_inhibitors_free(struct pr_inhibitors *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++) {
		pr_inhibitor_deinit(l->list[i]);
		free(l->list[i]);
	}
	pr_closep(&l->directory);
	sd_event_unref(l->event);
	free(l);
}

/* ---- a new one ---- */

/* One line that says something; the bus sees to it that it is UTF-8. */
static bool is_line(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > PR_INHIBIT_TEXT_MAX)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

static int check_wanted(const struct pr_inhibitors *l, const struct pr_inhibitor *wanted)
{
	size_t own = 0;

	if (!is_line(wanted->who) || !is_line(wanted->why) ||
		wanted->n_paths > PR_INHIBIT_PATHS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < l->n; i++)
		own += l->list[i]->uid == wanted->uid;
	if (l->n == PR_INHIBITORS_MAX || (wanted->uid != 0 && own >= PR_INHIBITORS_USER_MAX))
		return -EUSERS;
	return 0;
}

/* The writing end, once the reading end is there. */
static int make_fifo(struct pr_inhibitors *l, struct pr_inhibitor *i, int *ret_fd)
{
	struct names n = names_of(i->id);
	int fd, r;

	r = write_lease(l, i);
	if (r < 0)
		return r;
	if (mkfifoat(l->directory, n.fifo, 0600) < 0)
		return -errno;
	r = hold(l, i);
	if (r < 0)
		return r;
	fd = openat(l->directory, n.fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		release(l, l->list[l->n - 1]);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int pr_inhibitors_add(struct pr_inhibitors *l, struct pr_inhibitor *wanted, int *ret_fd)
{
	enum pr_inhibit_mode mode = wanted->mode;
	uint32_t id;
	int r;

	r = check_wanted(l, wanted);
	if (r == 0) {
		id = wanted->id = ++l->last_id;
		r = make_fifo(l, wanted, ret_fd);
		if (r < 0)
			remove_files(l, id);
	}
	pr_inhibitor_deinit(wanted);
	if (r == 0)
		l->changed(l->userdata, mode);
	return r;
}

/* ---- questions ---- */

size_t pr_inhibitors_count(const struct pr_inhibitors *l)
{
	return l ? l->n : 0;
}

const struct pr_inhibitor *pr_inhibitors_get(const struct pr_inhibitors *l, size_t n)
{
	return l->list[n];
}

bool pr_inhibitor_is_about(const struct pr_inhibitor *i, const char *path)
{
	for (size_t k = 0; k < i->n_paths; k++)
		if (strcmp(i->paths[k], path) == 0)
			return true;

	return i->n_paths == 0;
}

const struct pr_inhibitor *pr_inhibitors_find(
	const struct pr_inhibitors *l, enum pr_inhibit_mode mode, const char *path)
{
	for (size_t i = 0; l && i < l->n; i++)
		if (l->list[i]->mode == mode && pr_inhibitor_is_about(l->list[i], path))
			return l->list[i];

	return NULL;
}

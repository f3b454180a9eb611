/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client side of pciroom-helper: connecting, starting, asking.  Every wait has
 * an end.  Does not know what the requests are good for.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/macros.h"
#include "base/patient.h"
#include "exec/helper-client.h"

/*
 * Beyond the deadline of the write itself: the helper serves one request at a time, and others may
 * be before us.
 */
#define REPLY_GRACE_MS 60000u
/* A socket unit accepts at once; another supervisor needs a moment to start the helper again. */
#define RECONNECT_MS  5000
#define EXIT_GRACE_MS 2000
#define HELPER_FD     3

struct pr_helper {
	int fd;       /* -1: not connected */
	char *path;   /* socket to connect to, or NULL */
	char *binary; /* program to start, or NULL */
	char **arguments;
	pid_t pid;
	unsigned int deadline_ms;
	uint32_t sequence;
};

/* ---- connecting ---- */

static int connect_once(const char *path, int *ret)
{
	int fd = pr_connect_unix(path, SOCK_SEQPACKET);

	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

static int connect_again(struct pr_helper *h)
{
	int64_t deadline = pr_now_ms() + RECONNECT_MS;
	int r;

	for (;;) {
		r = connect_once(h->path, &h->fd);
		if ((r != -ECONNREFUSED && r != -ENOENT) || pr_now_ms() >= deadline)
			return r;
		pr_pause_ms(50);
	}
}

/* ---- starting ---- */

static int spawn_prepare(
	posix_spawnattr_t *attributes, posix_spawn_file_actions_t *actions, int socket)
{
	sigset_t none, defaults;
	int r;

	(void)sigemptyset(&none); /* these cannot fail with these arguments */
	(void)sigfillset(&defaults);
	r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attributes, &defaults);
	/* a session of its own: ^C in a terminal must not cut a sizing short */
	if (r == 0)
		r = posix_spawnattr_setflags(attributes,
			POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, socket, HELPER_FD);

	return -r;
}

static int spawn_with(struct pr_helper *h, int socket)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	pid_t pid;
	int r;

	r = -posix_spawnattr_init(&attributes);
	if (r < 0)
		return r;
	r = -posix_spawn_file_actions_init(&actions);
	if (r < 0) {
		(void)posix_spawnattr_destroy(&attributes); /* initialised above */
		return r;
	}

	r = spawn_prepare(&attributes, &actions, socket);
	if (r == 0)
		r = -posix_spawn(&pid, h->binary, &actions, &attributes, h->arguments, environ);
	if (r == 0)
		h->pid = pid;

	(void)posix_spawn_file_actions_destroy(&actions); /* both are initialised */
	(void)posix_spawnattr_destroy(&attributes);
	return r;
}

/*
 * The end of the connection ends the helper; one that hangs is killed, and left when even that
 * does not help.
 */
static void reap(struct pr_helper *h)
{
	if (h->pid > 0 && !pr_child_gone(h->pid, EXIT_GRACE_MS)) {
		(void)kill(h->pid, SIGKILL); /* our child, not reaped: it exists */
		(void)pr_child_gone(h->pid, EXIT_GRACE_MS);
	}
	h->pid = 0;
}

static int spawn_again(struct pr_helper *h)
{
	int pair[2], r;

	reap(h);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;

	r = spawn_with(h, pair[1]);
	(void)close(pair[1]); /* the helper has its own */
	if (r < 0) {
		(void)close(pair[0]); /* nothing was sent */
		return r;
	}

	h->fd = pair[0];
	return 0;
}

static int ensure_connected(struct pr_helper *h)
{
	if (h->fd >= 0)
		return 0;
	if (h->path)
		return connect_again(h);
	if (h->binary)
		return spawn_again(h);

	return -ENOTCONN;
}

static void disconnect(struct pr_helper *h)
{
	pr_closep(&h->fd);
}

/* ---- life ---- */

static struct pr_helper *helper_alloc(void)
{
	struct pr_helper *h = calloc(1, sizeof(*h));

	if (h)
		h->fd = -1;
	return h;
}

void pr_helper_free(struct pr_helper *h)
{
	if (!h)
		return;

	disconnect(h);
	reap(h);
	for (size_t i = 0; h->arguments && h->arguments[i]; i++)
		free(h->arguments[i]);
	free(h->arguments);
	free(h->binary);
	free(h->path);
	free(h);
}

int pr_helper_new(int fd, struct pr_helper **ret)
{
	struct pr_helper *h = helper_alloc();

	if (!h) {
		(void)close(fd); /* it is ours, and nothing was sent */
		return -ENOMEM;
	}

	h->fd = fd;
	*ret = h;
	return 0;
}

int pr_helper_connect(const char *path, struct pr_helper **ret)
{
	struct pr_helper *h = helper_alloc();
	int r;

	if (!h)
		return -ENOMEM;
	h->path = strdup(path);
	r = h->path ? connect_once(path, &h->fd) : -ENOMEM;
	if (r < 0) {
		pr_helper_free(h);
		return r;
	}

	*ret = h;
	return 0;
}

/* "BINARY --fd 3 ARGUMENTS..." */
static int arguments_copy(struct pr_helper *h, const char *binary, const char *const *arguments)
{
	const char *first[] = { binary, "--fd", "3" };
	size_t n = 0;

	_Static_assert(HELPER_FD == 3, "the text above says so");
	while (arguments && arguments[n])
		n++;
	h->arguments = calloc(ARRAY_SIZE(first) + n + 1, sizeof(char *));
	h->binary = strdup(binary);
	if (!h->arguments || !h->binary)
		return -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(first) + n; i++) {
		h->arguments[i] =
			strdup(i < ARRAY_SIZE(first) ? first[i] : arguments[i - ARRAY_SIZE(first)]);
		if (!h->arguments[i])
			return -ENOMEM;
	}

	return 0;
}

int pr_helper_spawn(const char *binary, const char *const *arguments, struct pr_helper **ret)
{
	struct pr_helper *h = helper_alloc();
	int r;

	if (!h)
		return -ENOMEM;
	r = arguments_copy(h, binary, arguments);
	if (r == 0)
		r = spawn_again(h);
	if (r < 0) {
		pr_helper_free(h);
		return r;
	}

	*ret = h;
	return 0;
}

pid_t pr_helper_pid(const struct pr_helper *h)
{
	return h->pid;
}

void pr_helper_set_deadline(struct pr_helper *h, unsigned int milliseconds)
{
	h->deadline_ms = milliseconds;
}

/* ---- one request ---- */

struct pr_helper_request pr_helper_request_for(enum pr_helper_verb verb, const struct pr_address *a)
{
	return (struct pr_helper_request){
		.verb = verb,
		.domain = a->domain,
		.bus = a->bus,
		.device = a->device,
		.function = a->function,
	};
}

static int wait_readable(int fd, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left;
	int r;

	do {
		left = deadline - pr_now_ms();
		r = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (r < 0 && errno == EINTR);

	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static int passed_descriptor(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));

	return fd;
}

static int receive(int fd, struct pr_helper_reply *reply, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { .iov_base = reply, .iov_len = sizeof(*reply) };
	struct msghdr m = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	_cleanup_close_ int passed = -1;
	ssize_t n;

	do
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	passed = passed_descriptor(&m);
	if (n != sizeof(*reply) || reply->version != PR_HELPER_VERSION ||
		reply->length > sizeof(reply->data) || reply->error > 0)
		return -EPROTO;

	*ret_fd = passed;
	passed = -1;
	return 0;
}

/* Replies to requests that were given up come first; they are dropped. */
static int receive_for(
	int fd, uint32_t sequence, int64_t deadline, struct pr_helper_reply *reply, int *ret_fd)
{
	int r, passed = -1;

	for (;;) {
		r = wait_readable(fd, deadline);
		if (r < 0)
			return r;
		r = receive(fd, reply, &passed);
		if (r < 0)
			return r;
		if (reply->sequence == sequence) {
			*ret_fd = passed;
			return 0;
		}
		pr_closep(&passed);
	}
}

static int exchange(struct pr_helper *h, const struct pr_helper_request *q,
	struct pr_helper_reply *reply, int *ret_fd)
{
	unsigned int deadline = q->deadline_ms ? q->deadline_ms : PR_HELPER_DEADLINE_MS;
	ssize_t n;

	n = send(h->fd, q, sizeof(*q), MSG_NOSIGNAL);
	if (n < 0)
		return errno == EPIPE ? -ECONNRESET : -errno;

	return receive_for(
		h->fd, q->sequence, pr_now_ms() + deadline + REPLY_GRACE_MS, reply, ret_fd);
}

int pr_helper_call(struct pr_helper *h, struct pr_helper_request *request,
	struct pr_helper_reply *reply, int *ret_fd)
{
	_cleanup_close_ int passed = -1;
	int r;

	r = ensure_connected(h);
	if (r < 0)
		return r;

	request->version = PR_HELPER_VERSION;
	request->sequence = ++h->sequence;
	request->deadline_ms = h->deadline_ms;
	r = exchange(h, request, reply, &passed);
	if (r < 0 && r != -ETIMEDOUT)
		disconnect(h); /* what comes next on it cannot be trusted */
	if (r < 0)
		return r;
	if (reply->error < 0)
		return reply->error;

	if (ret_fd) {
		*ret_fd = passed;
		passed = -1;
	}
	return 0;
}

/* ---- the prober ---- */

int pr_helper_config(
	void *helper, const struct pr_address *a, uint8_t *buffer, size_t size, size_t *ret)
{
	struct pr_helper_request q = pr_helper_request_for(PR_HELPER_READ_CONFIG, a);
	struct pr_helper_reply reply;
	int r;

	q.length = size < PR_HELPER_DATA_MAX ? (uint32_t)size : PR_HELPER_DATA_MAX;
	r = pr_helper_call(helper, &q, &reply, NULL);
	if (r < 0)
		return r;
	if (reply.length > q.length)
		return -EPROTO;

	memcpy(buffer, reply.data, reply.length);
	*ret = reply.length;
	return 0;
}

int pr_helper_file(void *helper, const char *name, char **ret, size_t *ret_size)
{
	struct pr_helper_request q = { .verb = PR_HELPER_READ_FILE };
	struct pr_helper_reply reply;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	int r;

	if (strlen(name) >= sizeof(q.name))
		return -EINVAL;
	memcpy(q.name, name, strlen(name) + 1);
	r = pr_helper_call(helper, &q, &reply, &fd);
	if (r < 0)
		return r;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -EPROTO;

	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	if (pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
		return -EIO;
	text[st.st_size] = '\0';

	*ret_size = (size_t)st.st_size;
	*ret = pr_take(text);
	return 0;
}

int pr_helper_measure(void *helper, const struct pr_address *a, struct pr_bar_mask *ret, size_t max,
	size_t *ret_n)
{
	struct pr_helper_request q = pr_helper_request_for(PR_HELPER_MEASURE, a);
	struct pr_helper_reply reply;
	struct pr_helper_mask mask;
	size_t n;
	int r;

	r = pr_helper_call(helper, &q, &reply, NULL);
	if (r < 0)
		return r;
	n = reply.length / sizeof(mask);
	if (reply.length % sizeof(mask) != 0 || n > max)
		return -EPROTO;

	for (size_t i = 0; i < n; i++) {
		memcpy(&mask, reply.data + i * sizeof(mask), sizeof(mask));
		if (mask.index > PR_ROM)
			return -EPROTO;
		ret[i] = (struct pr_bar_mask){ (uint8_t)mask.index, mask.low, mask.high };
	}
	*ret_n = n;
	return 0;
}

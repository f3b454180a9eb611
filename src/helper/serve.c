/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to the helper: accepting, peer check, one request and one reply at a time. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "helper/serve.h"

#define FIRST_PASSED_FD 3 /* sd_listen_fds(3) */

/* Between two questions whether an earlier helper's write is done. */
#define ASK_AGAIN_MS 20

struct client {
	int fd;
	struct ucred peer;
	/* a request that waits for its turn; nothing more is read from this client meanwhile */
	uint8_t packet[sizeof(struct pr_helper_request) + 1];
	size_t length; /* 0: none */
	int64_t since_ms;
};
struct clients {
	struct client list[PR_CLIENTS_MAX];
	size_t n;
};

/* The protocol of sd_listen_fds(3): two variables and a fixed number. */
int pr_server_activated(void)
{
	const char *pid_text = getenv("LISTEN_PID"), *n_text = getenv("LISTEN_FDS");
	uint64_t pid, n;

	if (!pid_text || !n_text)
		return -ENOENT;
	if (pr_parse_u64(pid_text, 10, &pid) < 0 || pr_parse_u64(n_text, 10, &n) < 0)
		return -EINVAL;
	if (pid != (uint64_t)getpid())
		return -ENOENT; /* meant for a process above us */

	return n == 1 ? FIRST_PASSED_FD : -EINVAL;
}

static int bind_socket(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0177);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	(void)umask(before); /* cannot fail */
	return r;
}

/* A socket that refuses connections belongs to nobody any more. */
static bool socket_is_dead(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	       errno == ECONNREFUSED;
}

int pr_server_listen(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);

	r = bind_socket(fd, &address);
	if (r == -EADDRINUSE && socket_is_dead(&address) && unlink(path) == 0)
		r = bind_socket(fd, &address);
	if (r < 0)
		return r;
	if (listen(fd, PR_CLIENTS_MAX) < 0)
		return -errno;

	r = fd;
	fd = -1;
	return r;
}

static bool peer_allowed(const struct pr_server *s, int fd, struct ucred *ret)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return false;
	if (peer.uid != 0 && peer.uid != geteuid() &&
		(s->allowed == (uid_t)-1 || peer.uid != s->allowed)) {
		pr_audit_line(&s->context->audit, peer.pid, peer.uid, "connect", -EACCES);
		return false;
	}

	*ret = peer;
	return true;
}

/* Takes @fd over. */
static void client_add(const struct pr_server *s, struct clients *c, int fd)
{
	struct client client = { .fd = fd };

	if (c->n == PR_CLIENTS_MAX || !peer_allowed(s, fd, &client.peer)) {
		(void)close(fd); /* the peer sees the end of its connection */
		return;
	}

	c->list[c->n++] = client;
}

static void client_drop(struct clients *c, size_t i)
{
	(void)close(c->list[i].fd); /* nothing is buffered */
	c->list[i] = c->list[--c->n];
}

static int reply_send(int fd, const struct pr_helper_reply *reply, int passed)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { .iov_base = (void *)(uintptr_t)reply, .iov_len = sizeof(*reply) };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };

	if (passed >= 0) {
		m.msg_control = control.space;
		m.msg_controllen = sizeof(control.space);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &passed, sizeof(int));
	}

	/* a client that does not read its replies must not stop the others */
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/*
 * False when the connection has ended.  Descriptors that a client sends are dropped by the kernel.
 */
static bool client_serve(struct pr_context *context, struct client *client)
{
	struct pr_helper_reply reply;
	_cleanup_close_ int passed = -1;
	ssize_t n;

	if (client->length == 0) {
		n = recv(client->fd, client->packet, sizeof(client->packet), MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		client->length = (size_t)n;
		client->since_ms = pr_now_ms();
	}

	if (!pr_verb_handle(context, client->packet, client->length,
		    (unsigned int)(pr_now_ms() - client->since_ms), &client->peer, &reply, &passed))
		return true;
	client->length = 0;
	return reply_send(client->fd, &reply, passed) == 0;
}

static void accept_one(struct pr_server *s, struct clients *c)
{
	int fd = accept4(s->listening, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) /* else the peer left again */
		client_add(s, c, fd);
}

static bool is_due(const struct client *client, short revents)
{
	return revents != 0 || client->length > 0;
}

/* Nobody wants any more what still waits: it is not done. */
static bool has_left(const struct client *client, short revents)
{
	return client->length > 0 && (revents & (POLLHUP | POLLERR)) != 0;
}

/*
 * One poll, and one request from everyone who has one.  The number of ready descriptors, or
 * negative errno.
 */
static int serve_round(struct pr_server *s, struct clients *c)
{
	struct pollfd fds[PR_CLIENTS_MAX + 1];
	int timeout = s->listening >= 0 && c->n == 0 && s->idle_ms > 0 ? (int)s->idle_ms : -1;
	bool waiting = false;
	size_t n = c->n;
	int r;

	for (size_t i = 0; i < n; i++) {
		/* of one that waits only its end is of interest */
		fds[i] = (struct pollfd){ .fd = c->list[i].fd,
			.events = c->list[i].length ? 0 : POLLIN };
		waiting |= c->list[i].length > 0;
	}
	if (waiting)
		timeout = ASK_AGAIN_MS;
	fds[n] = (struct pollfd){ .fd = s->listening, .events = POLLIN };

	r = poll(fds, (nfds_t)n + 1, timeout);
	if (r < 0)
		return errno == EINTR ? 1 : -errno;

	/* backwards, as dropping one moves the last into its place */
	for (size_t i = n; i-- > 0;)
		if (has_left(&c->list[i], fds[i].revents) ||
			(is_due(&c->list[i], fds[i].revents) &&
				!client_serve(s->context, &c->list[i])))
			client_drop(c, i);
	if (fds[n].revents)
		accept_one(s, c);

	return waiting ? 1 : r;
}

int pr_server_run(struct pr_server *s, int client)
{
	struct clients c = { .n = 0 };
	int r = 1;

	if (client >= 0)
		client_add(s, &c, client);

	/* a child that hangs is known only to us: no end for idleness then */
	while (s->listening >= 0 ? r > 0 || s->context->children.n > 0 : c.n > 0) {
		r = serve_round(s, &c);
		if (r < 0)
			break;
		pr_children_reap(&s->context->children);
	}

	while (c.n > 0)
		client_drop(&c, 0);
	return r < 0 ? r : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/list.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/macros.h"
#include "base/text.h"

/* A list is there in a second; what takes longer hangs, and the look goes on without it. */
#define DEADLINE_MS 20000
#define LIST_MAX    ((size_t)256 << 20)

/* 1: some bytes, 0: the end; negative errno. */
static int read_some(int fd, int64_t deadline, struct pr_text *text)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int64_t left = deadline - pr_now_ms();
	char buffer[65536];
	ssize_t n;
	int r;

	r = left > 0 ? poll(&ready, 1, (int)left) : 0;
	if (r < 0 && errno == EINTR)
		return 1;
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	n = read(fd, buffer, sizeof(buffer));
	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	if ((size_t)n > LIST_MAX - text->length)
		return -EFBIG;

	pr_text_add_n(text, buffer, (size_t)n);
	return text->failed ? -ENOMEM : n > 0;
}

/* The last line says that it is the last. */
static bool is_complete(const struct pr_text *t, const char *end)
{
	const char *line;

	if (t->length < 2 || t->data[t->length - 1] != '\n')
		return false;
	line = memrchr(t->data, '\n', t->length - 1);
	line = line ? line + 1 : t->data;
	return strncmp(line, end, strlen(end)) == 0;
}

int pr_list_ask(const char *path, const char *end, char **ret, size_t *ret_size)
{
	_cleanup_(pr_text_deinit) struct pr_text text = { 0 };
	_cleanup_close_ int fd = pr_connect_unix(path, SOCK_STREAM);
	int64_t deadline = pr_now_ms() + DEADLINE_MS;
	int r;

	if (fd < 0)
		return fd;
	do
		r = read_some(fd, deadline, &text);
	while (r > 0);
	if (r < 0)
		return r;

	return is_complete(&text, end) ? pr_text_take(&text, ret, ret_size) : -EBADMSG;
}

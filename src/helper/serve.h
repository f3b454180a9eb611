/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets: who is let in, and one request at a time from each of a few
 * clients.
 */
#pragma once

#include "helper/verbs.h"

#define PR_CLIENTS_MAX 16

struct pr_server {
	struct pr_context *context;
	uid_t allowed;        /* besides root and ourselves; (uid_t)-1: nobody */
	int listening;        /* -1: only the client given to pr_server_run() */
	unsigned int idle_ms; /* end after so long without a client; 0: never */
};

/*
 * The descriptor that a service manager passed; -ENOENT when there is none, -EINVAL for more than
 * one.
 */
int pr_server_activated(void);
/* Listens at @path, 0600; replaces a socket that nobody listens on. */
int pr_server_listen(const char *path);

/*
 * Serves @client (-1: none yet; owned from now on) and whoever connects.
 * Returns 0 when the last client of a server that does not listen is gone, or
 * the idle time has passed.
 */
int pr_server_run(struct pr_server *s, int client);

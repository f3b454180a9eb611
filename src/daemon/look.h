/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A look at the machine: taken by a child, which writes it as a snapshot; the
 * daemon reads that text and keeps it, sealed, for GetTopology.  So what libpci
 * may do to its process, it does not do to the daemon.
 */
#pragma once

#include "daemon/worker.h"
#include "daemon/world.h"

/* Shared by the service, the plans made on it and replies on their way. */
struct pr_look {
	unsigned int refs;
	struct pr_topology *topology;
	int fd;              /* sealed memory file: the snapshot text */
	uint64_t began_usec; /* CLOCK_MONOTONIC */
};
struct pr_look *pr_look_ref(struct pr_look *l);
void pr_look_unref(struct pr_look *l); /* NULL is fine */
/* A descriptor of its own, for reading, at the beginning of the text; negative errno. */
int pr_look_open(const struct pr_look *l);

struct pr_look_events {
	/* @note: what could not be seen, or "". */
	void (*looked)(void *userdata, struct pr_look *taken, const char *note);
	void (*failed)(void *userdata, const char *why);
	void *userdata;
};

/* One look after the other: a looker that is busy refuses with -EBUSY. */
struct pr_looking;
int pr_looking_new(sd_event *event, const struct pr_world *world,
	const struct pr_look_events *events, struct pr_looking **ret);
int pr_looking_start(struct pr_looking *l);
void pr_looking_free(struct pr_looking *l); /* NULL is fine */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A forked child that does what may block (look at the machine, carry out a
 * plan), and the event sources that listen to it.  The child keeps no
 * descriptor but its channel and the one it is given, and never returns to the
 * loop.  Knows nothing of looks and jobs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct pr_worker;

/* From a child to the daemon; whole or not at all. */
struct pr_message {
	uint32_t kind; /* the child's own enumeration */
	int32_t a, b;
	uint32_t c;
	char text[512]; /* NUL-terminated */
};

struct pr_worker_task {
	/* In the child.  @channel: for pr_worker_send().  Returns the exit status. */
	int (*child)(void *userdata, int channel);
	/* In the daemon.  @message may be NULL. */
	void (*message)(void *userdata, const struct pr_message *m);
	/*
	 * In the daemon, once, after the last message.  @clean: it exited by itself with status 0.
	 * The worker may be freed here.
	 */
	void (*ended)(void *userdata, bool clean);
	void *userdata;
	int keep;   /* descriptor that the child needs, or -1; it has the same number there */
	int also;   /* the same, another one; 0: none */
	bool whole; /* never killed by us: what it has begun, it ends */
	/* Then the child is killed, and left behind when that does not end it; 0: never. */
	uint64_t timeout_usec;
};

/* SIGCHLD is blocked in the caller (sd-event asks for it).  @task is copied. */
int pr_worker_start(sd_event *event, const struct pr_worker_task *task, struct pr_worker **ret);
/* SIGTERM: the child may finish what it is at. */
void pr_worker_stop(struct pr_worker *w);
/* SIGUSR2: somebody confirms what it has done. */
void pr_worker_tell_confirmed(struct pr_worker *w);
/* SIGRTMIN: whoever is to confirm it has so many seconds from now. */
void pr_worker_tell_time(struct pr_worker *w, unsigned int seconds);
/* SIGUSR1: what it works on is being changed by others. */
void pr_worker_tell_changed(struct pr_worker *w);
/* In ended(): was it for the deadline? */
bool pr_worker_killed(const struct pr_worker *w);
/* Kills a child that runs (or stops it, see `whole`), without ended().  NULL is fine. */
void pr_worker_free(struct pr_worker *w);

/*
 * In the child: sends, and ignores that nobody listens any more (the work goes on, the journal
 * tells the next daemon).
 */
void pr_worker_send(int channel, const struct pr_message *m);

/* In the child: SIGTERM has come. */
bool pr_worker_stopping(void);
/* In the child: SIGUSR1 has come. */
bool pr_worker_changed(void);
/*
 * In the child: waits for SIGUSR2 or a byte from @lease (-1: none), at most so long or until the end
 * that SIGRTMIN told last; true when it has come.  False at once when the child shall stop, or
 * nobody holds the lease any more.
 */
bool pr_worker_wait_confirmed(unsigned int seconds, int lease);

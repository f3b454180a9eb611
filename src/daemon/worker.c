/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Children of the daemon: fork, a SOCK_SEQPACKET channel, and sources for its
 * messages, its end and its deadline.  Forking without exec keeps the plan and
 * the machine in memory, and makes libpci's exit() or a crash the child's own.
 */
#include "daemon/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/macros.h"

/* A process that is not in the kernel for good is gone this long after SIGKILL. */
#define GRACE_USEC 2000000u
/* Between two looks at what signals have said: one that comes just before a wait does not end it. */
#define PAUSE_MS 100

struct pr_worker {
	struct pr_worker_task task;
	int channel;
	pid_t pid;   /* 0 once it is reaped, or left behind */
	bool killed; /* for its deadline */
	sd_event_source *io, *child, *timer;
};

/* ---- in the child ---- */

static volatile sig_atomic_t stopping, changed, confirmed;
/* CLOCK_BOOTTIME at which a wait ends; 0: nobody has said.  Set by a signal too, so free of locks. */
static _Atomic uint64_t wait_end;

static void on_time(int signal_number, siginfo_t *info, void *context)
{
	(void)signal_number;
	(void)context;
	wait_end = pr_boot_usec() + (uint64_t)info->si_value.sival_int * 1000000u;
}

static void on_signal(int signal_number)
{
	if (signal_number == SIGUSR1)
		changed = 1;
	else if (signal_number == SIGUSR2)
		confirmed = 1;
	else
		stopping = 1;
}

bool pr_worker_stopping(void)
{
	return stopping != 0;
}

bool pr_worker_changed(void)
{
	return changed != 0;
}

bool pr_worker_wait_confirmed(unsigned int seconds, int lease)
{
	struct pollfd p = { .fd = lease, .events = POLLIN };
	uint64_t unsaid = 0;
	char byte;

	/* what was told before the wait began counts */
	(void)atomic_compare_exchange_strong(
		&wait_end, &unsaid, pr_boot_usec() + (uint64_t)seconds * 1000000u);
	/* a signal ends it early, and is what is waited for */
	while (!confirmed && !stopping && pr_boot_usec() < wait_end)
		if (poll(&p, 1, PAUSE_MS) > 0)
			return read(lease, &byte, 1) == 1;

	return confirmed != 0;
}

void pr_worker_send(int channel, const struct pr_message *m)
{
	(void)send(channel, m, sizeof(*m), MSG_NOSIGNAL); /* see the header */
}

static void child_signals(void)
{
	/* a step that is under way is finished, and looked at: no system call of it ends early */
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sigaction time = { .sa_sigaction = on_time, .sa_flags = SA_RESTART | SA_SIGINFO };
	sigset_t none;

	stopping = changed = confirmed = 0;
	wait_end = 0;
	(void)sigemptyset(&none);
	(void)sigaction(SIGTERM, &action, NULL); /* valid arguments: cannot fail */
	(void)sigaction(SIGUSR1, &action, NULL);
	(void)sigaction(SIGUSR2, &action, NULL);
	(void)sigaction(SIGRTMIN, &time, NULL);
	action.sa_handler = SIG_IGN; /* Ctrl-C in a terminal is the daemon's to handle */
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void run_child(const struct pr_worker_task *task, int channel)
{
	int keep[] = { channel, task->keep, task->also };

	/* the bus connection above all: the bus would think that the daemon lives on */
	pr_close_others(STDERR_FILENO + 1, keep, ARRAY_SIZE(keep));
	child_signals();
	_exit(task->child(task->userdata, channel));
}

/* ---- in the daemon ---- */

/* 1 when a message was there, 0 when none is (yet, or ever again), negative errno. */
static int receive(struct pr_worker *w)
{
	struct pr_message m;
	ssize_t n = recv(w->channel, &m, sizeof(m), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return 0;
	if (n != sizeof(m))
		return -EBADMSG;
	m.text[sizeof(m.text) - 1] = '\0';
	if (w->task.message)
		w->task.message(w->task.userdata, &m);
	return 1;
}

static int on_channel(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct pr_worker *w = userdata;

	(void)fd;
	/*
	 * At the end of the stream there is nothing to read for ever: the child source tells the
	 * rest.
	 */
	if (receive(w) <= 0 && (revents & (EPOLLHUP | EPOLLERR)))
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

static void end(struct pr_worker *w, bool clean)
{
	w->pid = 0;
	while (receive(w) > 0)
		continue; /* what it said before it ended */
	(void)sd_event_source_set_enabled(w->io, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(w->child, SD_EVENT_OFF);
	if (w->timer)
		(void)sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
	w->task.ended(w->task.userdata, clean);
}

static int on_child(sd_event_source *source, const siginfo_t *si, void *userdata)
{
	(void)source;
	end(userdata, si->si_code == CLD_EXITED && si->si_status == 0);
	return 0;
}

/* What waits in the kernel for a driver that hangs is ended by no signal: it is left behind. */
static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct pr_worker *w = userdata;

	(void)usec;
	if (w->pid == 0)
		return 0;
	if (w->killed) {
		end(w, false);
		return 0;
	}
	w->killed = true;
	(void)kill(w->pid, SIGKILL); /* the child source reports its end */
	(void)sd_event_source_set_time_relative(source, GRACE_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

bool pr_worker_killed(const struct pr_worker *w)
{
	return w->killed;
}

static int add_sources(struct pr_worker *w, sd_event *event)
{
	int r;

	r = sd_event_add_io(event, &w->io, w->channel, EPOLLIN, on_channel, w);
	if (r < 0)
		return r;
	r = sd_event_add_child(event, &w->child, w->pid, WEXITED, on_child, w);
	if (r < 0)
		return r;
	/* The end is handled after what was said before it. */
	r = sd_event_source_set_priority(w->child, SD_EVENT_PRIORITY_NORMAL + 1);
	if (r < 0 || w->task.timeout_usec == 0)
		return r;
	return sd_event_add_time_relative(
		event, &w->timer, CLOCK_MONOTONIC, w->task.timeout_usec, 0, on_timeout, w);
}

static int spawn(struct pr_worker *w)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	w->pid = fork();
	if (w->pid < 0) {
		int r = -errno;

		(void)close(pair[0]);
		(void)close(pair[1]);
		w->pid = 0;
		return r;
	}
	if (w->pid == 0)
		run_child(&w->task, pair[1]);
	(void)close(pair[1]);
	w->channel = pair[0];
	return 0;
}

int pr_worker_start(sd_event *event, const struct pr_worker_task *task, struct pr_worker **ret)
{
	struct pr_worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->task = *task;
	w->channel = -1;
	r = spawn(w);
	if (r == 0)
		r = add_sources(w, event);
	if (r < 0) {
		pr_worker_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void pr_worker_stop(struct pr_worker *w)
{
	if (w->pid > 0)
		(void)kill(w->pid, SIGTERM); /* gone already: its end is on the way */
}

void pr_worker_tell_changed(struct pr_worker *w)
{
	if (w->pid > 0)
		(void)kill(w->pid, SIGUSR1); /* the same */
}

void pr_worker_tell_confirmed(struct pr_worker *w)
{
	if (w->pid > 0)
		(void)kill(w->pid, SIGUSR2); /* the same */
}

void pr_worker_tell_time(struct pr_worker *w, unsigned int seconds)
{
	if (w->pid > 0)
		(void)sigqueue(w->pid, SIGRTMIN, (union sigval){ .sival_int = (int)seconds });
}

void pr_worker_free(struct pr_worker *w)
{
	if (!w)
		return;
	sd_event_source_disable_unref(w->io);
	sd_event_source_disable_unref(w->child);
	sd_event_source_disable_unref(w->timer);
	if (w->pid > 0)
		/* not waited for: the daemon ends, and it may hang in the kernel */
		(void)kill(w->pid, w->task.whole ? SIGTERM : SIGKILL);
	pr_closep(&w->channel);
	free(w);
}

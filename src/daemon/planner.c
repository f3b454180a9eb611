/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread, two queues: what is to be done, and what was done. */
#include "daemon/planner.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include "base/macros.h"

struct queue {
	struct pr_work *first, **end;
};

struct pr_planner {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t added;
	struct queue waiting, finished;
	bool begun, running, stopping;
	int ready; /* eventfd: something was finished */
	sd_event_source *source;
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void queue_add(struct queue *q, struct pr_work *w)
{
	w->next = NULL;
	*q->end = w;
	q->end = &w->next;
}

static struct pr_work *queue_take(struct queue *q)
{
	struct pr_work *w = q->first;

	if (w) {
		q->first = w->next;
		if (!q->first)
			q->end = &q->first;
	}
	return w;
}

#ifdef PR_ARENA_DEBUG
/*
 * A fork takes the locks of glibc's malloc, so that the child can use it, but not those of the
 * sanitizers' allocator: with them nothing may run meanwhile.
 */
static pthread_mutex_t no_fork = PTHREAD_MUTEX_INITIALIZER;

static void hold(void)
{
	(void)pthread_mutex_lock(&no_fork);
}

static void release(void)
{
	(void)pthread_mutex_unlock(&no_fork);
}

static void guard_forks(void)
{
	(void)pthread_atfork(hold, release, release);
}
#else
static void hold(void)
{
}
static void release(void)
{
}
static void guard_forks(void)
{
}
#endif

/* With the lock held, before and after. */
static void do_next(struct pr_planner *p)
{
	const uint64_t one = 1;
	struct pr_work *w = queue_take(&p->waiting);

	if (!w) {
		(void)pthread_cond_wait(&p->added, &p->lock); /* valid arguments: cannot fail */
		return;
	}
	p->running = true;
	(void)pthread_mutex_unlock(&p->lock);
	hold();
	w->run(w);
	release();
	(void)pthread_mutex_lock(&p->lock);
	p->running = false;
	queue_add(&p->finished, w);
	(void)!write(p->ready, &one, sizeof(one)); /* a counter that is full says it as well */
}

static void *work(void *userdata)
{
	struct pr_planner *p = userdata;

	(void)pthread_mutex_lock(&p->lock); /* an ordinary mutex, never taken twice */
	p->begun = true;
	(void)pthread_cond_signal(&p->added);
	while (!p->stopping)
		do_next(p);
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

static struct pr_work *take(struct pr_planner *p, struct queue *q)
{
	struct pr_work *w;

	(void)pthread_mutex_lock(&p->lock);
	w = queue_take(q);
	(void)pthread_mutex_unlock(&p->lock);
	return w;
}

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct pr_planner *p = userdata;
	struct pr_work *w;
	uint64_t n;

	(void)source;
	(void)revents;
	(void)!read(fd, &n, sizeof(n)); /* back to zero */
	while ((w = take(p, &p->finished)))
		w->done(w, true);
	(void)malloc_trim(0); /* planning takes much for a moment */
	return 0;
}

/* What a thread allocates to begin with is done then: hold() does not guard it against a fork. */
static void wait_begun(struct pr_planner *p)
{
	(void)pthread_mutex_lock(&p->lock);
	while (!p->begun)
		(void)pthread_cond_wait(&p->added, &p->lock);
	(void)pthread_mutex_unlock(&p->lock);
}

static void destroy(struct pr_planner *p)
{
	sd_event_source_disable_unref(p->source);
	pr_closep(&p->ready);
	(void)pthread_cond_destroy(&p->added);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

int pr_planner_new(sd_event *event, struct pr_planner **ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct pr_planner *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	(void)pthread_once(&once, guard_forks);
	queue_init(&p->waiting);
	queue_init(&p->finished);
	(void)pthread_mutex_init(&p->lock, NULL); /* the default kind: cannot fail */
	(void)pthread_cond_init(&p->added, NULL);
	p->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = p->ready < 0 ? -errno
			 : sd_event_add_io(event, &p->source, p->ready, EPOLLIN, on_ready, p);
	if (r >= 0)
		r = -pthread_create(&p->thread, NULL, work, p);
	if (r < 0) {
		destroy(p);
		return r;
	}
	wait_begun(p);
	*ret = p;
	return 0;
}

void pr_planner_add(struct pr_planner *p, struct pr_work *w)
{
	(void)pthread_mutex_lock(&p->lock);
	queue_add(&p->waiting, w);
	(void)pthread_cond_signal(&p->added);
	(void)pthread_mutex_unlock(&p->lock);
}

void pr_planner_free(struct pr_planner *p)
{
	struct pr_work *w;
	bool running;

	if (!p)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->stopping = true;
	running = p->running;
	(void)pthread_cond_signal(&p->added);
	(void)pthread_mutex_unlock(&p->lock);
	if (!running)
		(void)pthread_join(p->thread, NULL); /* it ends at once */
	while ((w = take(p, &p->waiting)))
		w->done(w, false);
	while ((w = take(p, &p->finished)))
		w->done(w, false);
	if (running)
		(void)pthread_detach(p->thread); /* and what it uses is left to it */
	else
		destroy(p);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child has a list of ports to give back and one to guard, made before it
 * was forked; when the lists change it is stopped and another one started.
 * Slots tell of themselves by interrupts that pciehp has given up, so they are
 * looked at.
 */
#include "daemon/guard.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/guard-list.h"
#include "daemon/log.h"
#include "exec/guard.h"
#include "pciroom/doctor.h"

/* Between two looks; a link may take as long to come up (PCIe 6.6.1). */
#define LOOK_MS 1000u

struct port {
	char path[PR_FUNCTION_PATH_MAX];
	struct pr_guarded slot;
	bool failed; /* in the child: told of, until it works again */
};
struct ports {
	struct port *list;
	size_t n;
};

struct pr_guarding {
	sd_event *event;
	const struct pr_world *world;
	const char *state;
	struct pr_guard_events events;
	struct pr_guard_list leases;
	struct ports guarded; /* what the child guards, or the next one will */
	struct ports back; /* to be given back, the first @giving of them by the child that runs */
	size_t giving;
	const char **names; /* paths of @guarded, for who asks */
	struct pr_worker *worker;
	bool again; /* the child is being stopped for another one */
	bool stopping;
};

/* ---- in the child ---- */

enum {
	TOLD = 1, /* a: priority; text */
	GIVEN     /* what was to be given back is, or why not was told */
};

struct watch {
	const struct pr_guarding *g;
	struct pr_backend backend;
	int channel;
};

__attribute__((format(printf, 4, 5))) static void tell(
	const struct watch *w, int priority, const struct port *p, const char *format, ...)
{
	struct pr_message m = { .kind = TOLD, .a = priority };
	char address[PR_ADDRESS_MAX], text[400];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	pr_address_format(&p->slot.port, address);
	(void)snprintf(m.text, sizeof(m.text), "%s: %s", address, text);
	pr_worker_send(w->channel, &m);
}

/* Once, until something else is the matter. */
static void tell_failure(const struct watch *w, struct port *p, const char *what, int r)
{
	if (!p->failed)
		tell(w, LOG_WARNING, p, "%s: %s", what, strerror(-r));
	p->failed = true;
}

static bool may_scan(const struct watch *w, struct port *p)
{
	const struct pr_function *port, *touched = NULL;
	struct pr_import_error error = { 0 };
	char address[PR_ADDRESS_MAX] = "what nobody knows";
	struct pr_topology *t;
	int r;

	if (w->g->world->look(w->g->world->userdata, &t, &error) != 0)
		return false;
	port = pr_topology_find(t, &p->slot.port);
	r = port ? pr_scan_touches(t, port, &touched) : -ENODEV;
	if (r == 1 && touched)
		pr_address_format(&touched->address, address);
	if (r == 1 && !p->failed)
		tell(w, LOG_WARNING, p,
			"a card waits; looking for it would change %s, which has to be mended first",
			address);
	p->failed |= r == 1;
	pr_topology_free(t);
	return r == 0;
}

/* While a plan is carried out, by whomever, nobody else scans. */
static int scan(const struct watch *w, struct port *p)
{
	struct pr_journal *journal;
	int r;

	if (!may_scan(w, p) || pr_journal_open(w->g->state, &journal) < 0)
		return PR_GUARD_QUIET;
	r = pr_journal_pending(journal) ? PR_GUARD_QUIET : pr_guard_scan(&w->backend, &p->slot);
	pr_journal_close(journal);
	return r;
}

static void look(const struct watch *w, struct port *p)
{
	static const char *const news[] = {
		[PR_GUARD_CAME] = "a card came, and was looked for",
		[PR_GUARD_WENT] = "the card went",
		[PR_GUARD_MUTE] = "a card is there, and does not answer",
	};
	int r;

	/* a port that a plan has moved comes back with pciehp */
	r = pr_guard_take(&w->backend, &p->slot);
	if (r >= 0)
		r = pr_guard_look(&w->backend, &p->slot);
	if (r == PR_GUARD_WAITS)
		r = scan(w, p); /* which may not be, and has told why */
	else if (r >= 0)
		p->failed = false;
	if (r < 0 && r != -ENODEV) /* the port itself is away */
		tell_failure(w, p, "it cannot be guarded", r);
	else if (r > PR_GUARD_WAITS)
		tell(w, LOG_NOTICE, p, "%s", news[r]);
}

static void give_back(const struct watch *w, struct port *p)
{
	int r = pr_guard_give(&w->backend, &p->slot);

	if (r >= 0)
		tell(w, LOG_NOTICE, p, "given back to the kernel");
	else if (r != -ENODEV)
		tell_failure(w, p, "it cannot be given back to the kernel", r);
}

static void guard(const struct watch *w)
{
	const pid_t daemon =
		getppid(); /* what goes on without it would be in its successor's way */

	for (size_t i = 0; i < w->g->guarded.n; i++)
		tell(w, LOG_NOTICE, &w->g->guarded.list[i], "guarded");
	while (w->g->guarded.n > 0 && !pr_worker_stopping() && getppid() == daemon) {
		for (size_t i = 0; i < w->g->guarded.n && !pr_worker_stopping(); i++)
			look(w, &w->g->guarded.list[i]);
		pr_pause_ms(LOOK_MS); /* a signal ends the loop */
	}
}

static int nobody_looks(void *userdata, struct pr_topology **ret)
{
	(void)userdata;
	(void)ret;
	return -EOPNOTSUPP;
}

static int child(void *userdata, int channel)
{
	const struct pr_looker looker = { .look = nobody_looks };
	const struct pr_guarding *g = userdata;
	struct watch w = { .g = g, .channel = channel };
	int r;

	r = g->world->backend(g->world->userdata, &looker, &w.backend);
	if (r < 0) {
		const struct port *p = g->guarded.n > 0 ? &g->guarded.list[0] : &g->back.list[0];

		tell(&w, LOG_ERR, p, "pciroom-helper cannot be reached: %s", strerror(-r));
		return 1;
	}
	for (size_t i = 0; i < g->giving; i++)
		give_back(&w, &g->back.list[i]);
	pr_worker_send(channel, &(struct pr_message){ .kind = GIVEN });
	guard(&w);
	g->world->backend_free(g->world->userdata, &w.backend);
	return 0;
}

/* ---- in the daemon ---- */

static void ports_deinit(struct ports *p)
{
	free(p->list);
	*p = (struct ports){ 0 };
}

static bool ports_have(const struct ports *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->list[i].path, path) == 0)
			return true;
	return false;
}

static int ports_add(struct ports *p, const struct port *port)
{
	struct port *grown = reallocarray(p->list, p->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	p->list = grown;
	p->list[p->n++] = *port;
	return 0;
}

/* The first @n of them. */
static void ports_drop(struct ports *p, size_t n)
{
	if (n == 0)
		return;
	p->n -= n;
	memmove(p->list, p->list + n, p->n * sizeof(*p->list));
}

static bool ports_equal(const struct ports *a, const struct ports *b)
{
	bool equal = a->n == b->n;

	for (size_t i = 0; equal && i < a->n; i++)
		equal = strcmp(a->list[i].path, b->list[i].path) == 0 &&
			pr_address_compare(&a->list[i].slot.port, &b->list[i].slot.port) == 0 &&
			a->list[i].slot.secondary == b->list[i].slot.secondary;
	return equal;
}

static void start(struct pr_guarding *g);

static void on_message(void *userdata, const struct pr_message *m)
{
	struct pr_guarding *g = userdata;

	if (m->kind == TOLD)
		pr_log(PR_EVENT_GUARD, m->a, NULL, "%s", m->text);
	if (m->kind != GIVEN)
		return;
	ports_drop(&g->back, g->giving);
	g->giving = 0;
}

/* What it had not given back is for the next one. */
static void on_ended(void *userdata, bool clean)
{
	struct pr_guarding *g = userdata;

	pr_worker_free(g->worker);
	g->worker = NULL;
	g->giving = 0;
	if (!clean && !g->again)
		pr_log(PR_EVENT_GUARD, LOG_ERR, NULL,
			"Slots are not guarded for the moment: the process that did it ended");
	if (g->again) {
		g->again = false;
		start(g);
	} else if (g->stopping) {
		g->events.ended(g->events.userdata);
	}
}

/* What is guarded again meanwhile is not given back. */
static void drop_guarded(struct pr_guarding *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->back.n; i++)
		if (!ports_have(&g->guarded, g->back.list[i].path))
			g->back.list[n++] = g->back.list[i];
	g->back.n = n;
}

/* With the lists as they are; the child that runs is told to end first. */
static void start(struct pr_guarding *g)
{
	const struct pr_worker_task task = { .child = child,
		.message = on_message,
		.ended = on_ended,
		.userdata = g,
		.keep = -1,
		.whole = true };
	int r;

	if (g->worker) {
		g->again = true;
		pr_worker_stop(g->worker);
		return;
	}
	drop_guarded(g);
	g->giving = g->back.n;
	r = g->guarded.n + g->back.n > 0 ? pr_worker_start(g->event, &task, &g->worker) : 0;
	if (r < 0)
		pr_log(PR_EVENT_GUARD, LOG_ERR, NULL, "Slots cannot be guarded: %s", strerror(-r));
	if (!g->worker && g->stopping)
		g->events.ended(g->events.userdata);
}

static bool is_wanted(const struct pr_guarding *g, const struct pr_conf *conf,
	const struct pr_function *f, struct port *ret)
{
	*ret = (struct port){ 0 };
	if (f->removed || !f->bridge || !f->bridge->hotplug ||
		pr_function_path(f, ret->path, sizeof(ret->path)) < 0)
		return false;
	return (pr_guard_list_has(&g->leases, ret->path) || pr_conf_guards(conf, f)) &&
	       pr_guard_init(f, &ret->slot);
}

static int find_wanted(const struct pr_guarding *g, const struct pr_topology *t,
	const struct pr_conf *conf, struct ports *ret)
{
	struct port port;
	int r = 0;

	pr_for_each_root (t, i)
		for (size_t j = 0; j < t->roots[i]->n_functions && r == 0; j++)
			if (is_wanted(g, conf, &t->roots[i]->functions[j], &port))
				r = ports_add(ret, &port);
	return r;
}

static int make_names(const struct ports *p, const char ***ret)
{
	const char **names = calloc(p->n + 1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		names[i] = p->list[i].path;
	*ret = names;
	return 0;
}

/* Takes @wanted over. */
static int replace(struct pr_guarding *g, struct ports *wanted)
{
	const size_t before = g->back.n;
	const char **names = NULL;
	int r;

	r = make_names(wanted, &names);
	for (size_t i = 0; r == 0 && i < g->guarded.n; i++)
		if (!ports_have(wanted, g->guarded.list[i].path))
			r = ports_add(&g->back, &g->guarded.list[i]);
	if (r < 0) {
		g->back.n = before;
		free(names);
		return r;
	}
	free(g->names);
	g->names = names;
	ports_deinit(&g->guarded);
	g->guarded = *wanted;
	*wanted = (struct ports){ 0 };
	start(g);
	g->events.changed(g->events.userdata);
	return 0;
}

void pr_guarding_looked(
	struct pr_guarding *g, const struct pr_topology *t, const struct pr_conf *conf)
{
	struct ports wanted = { 0 };
	int r;

	if (g->stopping)
		return;
	r = find_wanted(g, t, conf, &wanted);
	if (r == 0 &&
		(!ports_equal(&wanted, &g->guarded) || (wanted.n + g->back.n > 0 && !g->worker)))
		r = replace(g, &wanted);
	if (r < 0)
		pr_log(PR_EVENT_GUARD, LOG_ERR, NULL, "Slots cannot be guarded: %s", strerror(-r));
	ports_deinit(&wanted);
}

int pr_guarding_add(struct pr_guarding *g, const struct pr_function *port)
{
	struct pr_guarded slot;
	char path[PR_FUNCTION_PATH_MAX];
	int r;

	if (!port->bridge || !port->bridge->hotplug || !pr_guard_init(port, &slot))
		return -EOPNOTSUPP;
	r = pr_function_path(port, path, sizeof(path));
	if (r < 0 || pr_guard_list_has(&g->leases, path))
		return r;
	r = pr_guard_list_add(&g->leases, path);
	if (r < 0)
		return r;
	r = pr_guard_list_write(g->state, &g->leases);
	if (r < 0)
		pr_guard_list_drop(&g->leases, path);
	return r;
}

int pr_guarding_remove(struct pr_guarding *g, const struct pr_function *port)
{
	char path[PR_FUNCTION_PATH_MAX];
	int r;

	r = pr_function_path(port, path, sizeof(path));
	if (r < 0)
		return r;
	if (!pr_guard_list_has(&g->leases, path))
		return -ENOENT;
	pr_guard_list_drop(&g->leases, path);
	r = pr_guard_list_write(g->state, &g->leases);
	if (r < 0)
		(void)pr_guard_list_add(&g->leases, path); /* the file has it still */
	return r;
}

const char *const *pr_guarding_list(const struct pr_guarding *g, size_t *ret_n)
{
	*ret_n = g->guarded.n;
	return g->names;
}

bool pr_guarding_stop(struct pr_guarding *g)
{
	struct ports nothing = { 0 };

	if (g->stopping || (g->guarded.n + g->back.n == 0 && !g->worker))
		return false;
	if (replace(g, &nothing) < 0)
		return false; /* they stay taken, for the next service */
	g->stopping = true;
	return g->worker != NULL;
}

int pr_guarding_new(sd_event *event, const struct pr_world *world, const char *state,
	const struct pr_guard_events *events, struct pr_guarding **ret)
{
	struct pr_guarding *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	r = pr_guard_list_read(state, &g->leases);
	if (r < 0) {
		free(g);
		return r;
	}
	g->event = sd_event_ref(event);
	g->world = world;
	g->state = state;
	g->events = *events;
	*ret = g;
	return 0;
}

void pr_guarding_free(struct pr_guarding *g)
{
	if (!g)
		return;
	pr_worker_free(g->worker);
	pr_guard_list_deinit(&g->leases);
	ports_deinit(&g->guarded);
	ports_deinit(&g->back);
	free(g->names);
	sd_event_unref(g->event);
	free(g);
}

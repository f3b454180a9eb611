/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stage of the daemon's tests; see stage.h. */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "../unit/machine.h"
#include "daemon/log.h"

#define PATIENCE_USEC (300 * 1000000ull) /* a loop that says nothing for so long hangs */

/* A card whose BAR of 256 MiB is larger than the port's window; the host bridge has room. */
const char machine_dead[] = HEAD PORT
	"01:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:10000000@forgotten\n" REST;
const char machine_mended[] =
	HEAD "00:02.0 bridge 01-01 root-port hotplug io=closed mem=80000000-801fffff "
	     "pref64=100000000-10fffffff driver=pcieport\n"
	     "01:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:10000000@100000000\n" REST;
/* The other function of the card is in use. */
const char machine_dead_in_use[] =
	HEAD PORT "01:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:10000000@forgotten\n"
		  "01:00.1 dev 1b36:0010 class=010802 bar0=mem64:4000@80004000 driver=nvme "
		  "user=mount:/srv\n" REST;
const char machine_dead_beside_idle[] =
	HEAD PORT "01:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:10000000@forgotten\n"
		  "01:00.1 dev 1b36:0010 class=010802 bar0=mem64:4000@80004000 driver=nvme\n" REST;
/* More than any aperture has. */
const char machine_hopeless[] = HEAD PORT
	"01:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:1000000000@forgotten\n" REST;
const struct pr_terms stage_terms = { .lease = -1 };

const char machine_healthy[] = HEAD PORT "01:00.0 dev 1b36:0005 bar0=mem:1000@80000000\n" REST;

static int stage_look(void *userdata, struct pr_topology **ret, struct pr_import_error *error)
{
	const struct stage *s = userdata;

	if (s->fault == LOOK_FAILS) {
		(void)snprintf(error->text, sizeof(error->text), "sys/bus/pci is not there");
		return 1;
	}
	if (s->fault == LOOK_HANGS)
		(void)pause(); /* until it is killed */
	if (s->fault == LOOK_NOTES)
		(void)snprintf(error->text, sizeof(error->text), "nobody helps");
	*ret = machine_build(s->machine);
	return 0;
}

static struct pr_backend simulator;
static struct pr_topology *simulated; /* outlives the simulator, which shares its facts */
static struct pr_backend_ops dying_ops;

static int die(void *instance, const struct pr_address *a)
{
	(void)instance;
	(void)a;
	abort(); /* in the child, with the journal saying that a removal has begun */
}

/* True once in the life of the stage, whichever process asks. */
static bool is_first(const struct stage *s)
{
	char marker[80];
	int fd;

	(void)snprintf(marker, sizeof(marker), "%s/died", s->state);
	fd = open(marker, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	return fd >= 0 && close(fd) == 0;
}

int stage_backend(void *userdata, const struct pr_looker *looker, struct pr_backend *ret)
{
	const struct stage *s = userdata;
	int r;

	(void)looker;
	if (s->fault == NO_BACKEND)
		return -ECONNREFUSED;
	if (s->fault == CHILDREN_DIE)
		abort();
	if (s->fault == CHILD_DIES_EARLY && is_first(s))
		abort();
	simulated = machine_build(s->machine);
	r = pr_backend_simulator_new(simulated, &simulator);
	if (r < 0)
		return r;
	*ret = simulator;
	if (s->fault == CHILD_DIES && is_first(s)) {
		dying_ops = *simulator.ops;
		dying_ops.remove = die;
		ret->ops = &dying_ops;
	}
	return 0;
}

static void stage_backend_free(void *userdata, struct pr_backend *b)
{
	(void)userdata;
	(void)b;
	pr_backend_simulator_free(&simulator);
	pr_topology_free(simulated);
}

static int ask_look(void *userdata)
{
	struct stage *s = userdata;

	return pr_looking_start(s->looking);
}

static int ask_run(void *userdata, const struct pr_job *job)
{
	struct stage *s = userdata;

	return pr_running_start(s->running, job);
}

static void ask_confirm(void *userdata)
{
	const struct stage *s = userdata;

	pr_running_confirm(s->running);
}

static void ask_extend(void *userdata, unsigned int seconds)
{
	const struct stage *s = userdata;

	pr_running_extend(s->running, seconds);
}

static void ask_retry(void *userdata)
{
	struct stage *s = userdata;

	s->retries++;
}

static void announce_change(void *userdata, unsigned int what)
{
	struct stage *s = userdata;

	pr_bus_changed(&s->objects, what);
}

static void announce_look(void *userdata, const struct pr_topology *before)
{
	struct stage *s = userdata;

	pr_bus_looked(&s->objects, before);
}

static void announce_plan(void *userdata, uint64_t number, enum pr_plan_news news)
{
	struct stage *s = userdata;

	pr_bus_plan_news(&s->objects, number, news);
}

static void announce_armed(void *userdata, const char *path)
{
	struct stage *s = userdata;

	pr_bus_armed(&s->objects, path);
}

static int reload(void *userdata, struct pr_why *why)
{
	struct stage *s = userdata;
	struct pr_conf conf;

	if (s->conf_mistake) {
		(void)snprintf(why->text, sizeof(why->text), "%s", s->conf_mistake);
		return 1;
	}
	pr_conf_init(&conf);
	pr_service_configure(s->service, &conf);
	return 0;
}

static void announce_prepare(
	void *userdata, const struct pr_job *job, bool start, uint64_t deadline_usec)
{
	struct stage *s = userdata;

	pr_bus_prepare(&s->objects, job, start, deadline_usec);
}

static int on_prepared(sd_event_source *source, uint64_t usec, void *userdata)
{
	const struct stage *s = userdata;

	(void)source;
	(void)usec;
	pr_service_prepared(s->service);
	return 0;
}

static void wait_until(void *userdata, uint64_t usec)
{
	struct stage *s = userdata;

	s->prepared = sd_event_source_disable_unref(s->prepared);
	if (usec)
		assert_true(sd_event_add_time(s->event, &s->prepared, CLOCK_MONOTONIC, usec, 0,
				    on_prepared, s) >= 0);
}

static void tell_inhibitors(void *userdata, enum pr_inhibit_mode mode)
{
	const struct stage *s = userdata;

	pr_service_inhibitors_changed(s->service, mode);
}

void stage_open_inhibitors(struct stage *s)
{
	char directory[96];

	(void)snprintf(directory, sizeof(directory), "%s/inhibit", s->state);
	assert_int_equal(
		pr_inhibitors_new(s->event, directory, tell_inhibitors, s, &s->inhibitors), 0);
	pr_service_set_inhibitors(s->service, s->inhibitors);
	s->objects.inhibitors = s->inhibitors;
}

static void ask_work(void *userdata, struct pr_work *w)
{
	struct stage *s = userdata;

	s->works++;
	pr_planner_add(s->planner, w);
}

static void ask_cancel(void *userdata)
{
	const struct stage *s = userdata;

	pr_running_stop(s->running);
}

static void announce_job_new(void *userdata, const struct pr_job *job)
{
	struct stage *s = userdata;

	pr_bus_job_new(&s->objects, job);
}

static void announce_job_change(void *userdata, const struct pr_job *job, unsigned int what)
{
	struct stage *s = userdata;

	s->saw_undoing |= pr_service_state(s->service) == PR_STATE_ROLLING_BACK;
	pr_bus_job_changed(&s->objects, job, what);
}

static void announce_job_removed(
	void *userdata, const struct pr_job *job, const struct pr_report *report)
{
	struct stage *s = userdata;

	if (s->machine_after && report->outcome <= PR_OUTCOME_DIFFERS)
		s->machine = s->machine_after;
	pr_bus_job_removed(&s->objects, job, report);
}

static void ask_interrupt(void *userdata)
{
	const struct stage *s = userdata;

	pr_running_changed(s->running);
}

static const struct pr_service_ops service_ops = { .look = ask_look,
	.run = ask_run,
	.extend = ask_extend,
	.interrupt = ask_interrupt,
	.confirm = ask_confirm,
	.retry = ask_retry,
	.cancel = ask_cancel,
	.work = ask_work,
	.examine = ask_work,
	.armed = announce_armed,
	.prepare = announce_prepare,
	.wait_until = wait_until,
	.changed = announce_change,
	.looked = announce_look,
	.plan = announce_plan,
	.reload = reload,
	.job_new = announce_job_new,
	.job_changed = announce_job_change,
	.job_removed = announce_job_removed };

static void tell_looked(void *userdata, struct pr_look *taken, const char *note)
{
	struct stage *s = userdata;

	pr_service_looked(s->service, taken, note);
}

static void tell_look_failed(void *userdata, const char *why)
{
	struct stage *s = userdata;

	pr_service_look_failed(s->service, why);
}

static void tell_step(void *userdata, size_t step, bool done)
{
	struct stage *s = userdata;

	pr_service_job_step(s->service, step, done);
}

static void tell_waiting(void *userdata)
{
	struct stage *s = userdata;

	pr_service_job_waiting(s->service);
}

static void tell_changing(void *userdata)
{
	struct stage *s = userdata;

	pr_service_job_changing(s->service);
}

static void tell_undoing(void *userdata)
{
	struct stage *s = userdata;

	pr_service_job_undoing(s->service);
}

static void tell_pinned(void *userdata, const char *path)
{
	struct stage *s = userdata;

	pr_service_pinned(s->service, path);
}

static void tell_ended(void *userdata, const struct pr_report *report)
{
	struct stage *s = userdata;

	pr_service_job_ended(s->service, report);
}

static void on_log(void *userdata, enum pr_event event, int priority, const struct pr_log_fields *f,
	const char *text)
{
	static const char *const names[_PR_EVENT_MAX] = { "dead", "mended", "plan-found",
		"plan-refused", "apply-started", "step", "applied", "not-applied", "lost",
		"recovery", "conf-loaded", "conf-error", "look-failed", "state", "guard", "armed",
		"lacks" };
	struct stage *s = userdata;

	(void)priority;
	pr_text_printf(&s->story, "%s device=%s plan=%s job=%u: %s\n", names[event],
		f->device ? f->device : "", f->plan && *f->plan ? "yes" : "", f->job, text);
}

/* "PropertiesChanged PATH INTERFACE NAME NAME" */
static int hear_properties(struct stage *s, sd_bus_message *m)
{
	const char *interface, *name;

	assert_true(sd_bus_message_read(m, "s", &interface) > 0);
	pr_text_printf(
		&s->signals, "PropertiesChanged %s %s", sd_bus_message_get_path(m), interface);
	assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		assert_true(sd_bus_message_read(m, "s", &name) > 0);
		assert_true(sd_bus_message_skip(m, "v") >= 0);
		assert_true(sd_bus_message_exit_container(m) >= 0);
		pr_text_printf(&s->signals, " %s", name);
	}
	assert_true(sd_bus_message_exit_container(m) >= 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "s") > 0);
	while (sd_bus_message_read(m, "s", &name) > 0) /* announced without their values */
		pr_text_printf(&s->signals, " %s", name);
	pr_text_add(&s->signals, "\n");
	return 0;
}

/* "PrepareForRebalance start DEVICE DEVICE" */
static int hear_prepare(struct stage *s, sd_bus_message *m)
{
	const char *job, *device;
	int start;

	assert_true(sd_bus_message_read(m, "ob", &job, &start) > 0);
	pr_text_printf(&s->signals, "PrepareForRebalance %s", start ? "start" : "end");
	assert_true(sd_bus_message_enter_container(m, 'a', "o") > 0);
	while (sd_bus_message_read(m, "o", &device) > 0)
		pr_text_printf(&s->signals, " %s", device);
	pr_text_add(&s->signals, "\n");
	return 0;
}

static int hear_object(struct stage *s, sd_bus_message *m)
{
	const char *path;

	assert_true(sd_bus_message_read(m, "o", &path) > 0);
	pr_text_printf(&s->signals, "%s %s\n", sd_bus_message_get_member(m), path);
	return 0;
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *member = sd_bus_message_get_member(m), *path, *a = "", *b = "";
	struct stage *s = userdata;
	uint32_t id = 0;

	(void)error;
	if (!sd_bus_message_is_signal(m, NULL, NULL))
		return 0;
	if (strcmp(member, "JobNew") == 0)
		assert_true(sd_bus_message_read(m, "uo", &id, &path) >= 0);
	else if (strcmp(member, "JobRemoved") == 0)
		assert_true(sd_bus_message_read(m, "uos", &id, &path, &a) >= 0);
	else if (strcmp(member, "JobReport") == 0)
		assert_true(sd_bus_message_read(m, "oss", &path, &a, &b) >= 0);
	else if (strcmp(member, "PrepareForRebalance") == 0)
		return hear_prepare(s, m);
	else if (strcmp(member, "PropertiesChanged") == 0)
		return hear_properties(s, m);
	else if (strncmp(member, "Interfaces", strlen("Interfaces")) == 0)
		return hear_object(s, m);
	pr_text_printf(&s->signals, "%s %u %s %s\n", member, id, a, b);
	return 0;
}

static void connect_bus(struct stage *s)
{
	sd_id128_t id;
	int pair[2];

	assert_int_equal(sd_id128_randomize(&id), 0);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(sd_bus_new(&s->server), 0);
	assert_int_equal(sd_bus_set_fd(s->server, pair[0], pair[0]), 0);
	assert_int_equal(sd_bus_set_server(s->server, true, id), 0);
	assert_int_equal(sd_bus_negotiate_fds(s->server, true), 0);
	assert_int_equal(sd_bus_negotiate_creds(s->server, true, SD_BUS_CREDS_EUID), 0);
	assert_int_equal(pr_bus_register(&s->objects, s->server, s->service), 0);
	assert_true(sd_bus_start(s->server) >= 0);
	assert_true(sd_bus_attach_event(s->server, s->event, 0) >= 0);

	assert_int_equal(sd_bus_new(&s->client), 0);
	assert_int_equal(sd_bus_set_fd(s->client, pair[1], pair[1]), 0);
	assert_int_equal(sd_bus_negotiate_fds(s->client, true), 0);
	assert_true(sd_bus_start(s->client) >= 0);
	assert_true(sd_bus_add_filter(s->client, NULL, on_signal, s) >= 0);
	assert_true(sd_bus_attach_event(s->client, s->event, 0) >= 0);
}

/* sd-event reports the end of a child only where the signal itself is blocked. */
static void block_sigchld(void)
{
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGCHLD);
	assert_int_equal(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
}

void stage_open(struct stage *s, const char *machine, enum pr_mode mode)
{
	const struct pr_look_events look_events = { tell_looked, tell_look_failed, s };
	const struct pr_job_events job_events = { tell_step, tell_waiting, tell_changing,
		tell_undoing, tell_pinned, tell_ended, s };
	struct pr_conf conf;

	block_sigchld();
	*s = (struct stage){ .machine = machine };
	(void)snprintf(s->state, sizeof(s->state), "/tmp/pciroom-test-bus-XXXXXX");
	assert_non_null(mkdtemp(s->state));
	pr_log_set_sink(on_log, s);
	s->world = (struct pr_world){ stage_look, stage_backend, stage_backend_free, s, NULL, 0 };
	assert_int_equal(sd_event_new(&s->event), 0);
	assert_int_equal(pr_service_new(&service_ops, s, &s->service), 0);
	assert_int_equal(pr_uploads_new(s->event, &s->uploads), 0);
	assert_int_equal(pr_planner_new(s->event, &s->planner), 0);
	assert_int_equal(pr_looking_new(s->event, &s->world, &look_events, &s->looking), 0);
	assert_int_equal(
		pr_running_new(s->event, &s->world, s->state, &job_events, &s->running), 0);
	pr_conf_init(&conf);
	conf.mode = mode;
	pr_service_configure(s->service, &conf);
	connect_bus(s);
	stage_open_inhibitors(s);
	s->objects.uploads = s->uploads;
}

struct last_work {
	struct pr_work work; /* first */
	bool done;
};

static void do_nothing(struct pr_work *w)
{
	(void)w;
}

static void note_done(struct pr_work *w, bool ran)
{
	(void)ran;
	((struct last_work *)w)->done = true;
}

/*
 * A planner leaves what runs when it is freed: the daemon's process ends then, but a test's goes
 * on, and it would be a leak.
 */
static void finish_work(struct stage *s)
{
	unsigned int works;

	do {
		struct last_work last = { .work = { .run = do_nothing, .done = note_done } };

		works = s->works;
		pr_planner_add(s->planner, &last.work);
		while (!last.done)
			stage_turn(s);
	} while (s->works != works); /* what was done has asked for more */
}

/* Leases that a test still held are left there, as they are by the daemon. */
static void remove_inhibitors(const struct stage *s)
{
	char path[128];

	for (unsigned int id = 1; id < 64; id++) {
		(void)snprintf(path, sizeof(path), "%s/inhibit/%u", s->state, id);
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), "%s/inhibit/%u.lease", s->state, id);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/inhibit", s->state);
	assert_int_equal(rmdir(path), 0);
}

void stage_close(struct stage *s)
{
	static const char *const left[] = { "journal", "journal.old", "died" };
	char path[96];

	finish_work(s);
	pr_running_free(s->running);
	pr_looking_free(s->looking);
	pr_planner_free(s->planner);
	pr_service_free(s->service);
	pr_uploads_free(s->uploads);
	pr_bus_unregister(&s->objects);
	pr_inhibitors_free(s->inhibitors);
	sd_event_source_disable_unref(s->prepared);
	sd_bus_close_unref(s->client);
	sd_bus_close_unref(s->server);
	sd_event_unref(s->event);
	pr_text_deinit(&s->signals);
	pr_text_deinit(&s->story);
	pr_log_set_sink(NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", s->state, left[i]);
		(void)unlink(path);
	}
	remove_inhibitors(s);
	assert_int_equal(rmdir(s->state), 0);
}

/* One turn of the loop, which must bring something. */
void stage_turn(struct stage *s)
{
	int r = sd_event_run(s->event, PATIENCE_USEC);

	assert_true(r >= 0);
	if (r == 0)
		fail_msg("the loop waits for nothing; heard: %s; logged: %s",
			s->signals.data ? s->signals.data : "", s->story.data ? s->story.data : "");
}

static bool is_busy(const struct stage *s)
{
	return pr_service_state(s->service) != PR_STATE_IDLE &&
	       pr_service_state(s->service) != PR_STATE_DEGRADED;
}

/* Until the service rests and all that it said was heard. */
void stage_rest(struct stage *s)
{
	do {
		while (is_busy(s))
			stage_turn(s);
		while (sd_event_run(s->event, 20000) > 0)
			continue;
	} while (is_busy(s)); /* with what the last events brought */
}

void stage_start(struct stage *s)
{
	pr_service_start(s->service, false);
	stage_rest(s);
}

void stage_look_again(struct stage *s, const char *machine)
{
	s->machine = machine;
	pr_service_settled(s->service);
	stage_rest(s);
}

void stage_configure(struct stage *s, const char *text)
{
	struct pr_conf_error error;
	struct pr_conf conf;

	pr_conf_init(&conf);
	assert_int_equal(pr_conf_parse(&conf, "test", text, strlen(text), &error), 0);
	pr_service_configure(s->service, &conf);
	stage_rest(s);
}

const char *stage_heard(const struct stage *s)
{
	return s->signals.data ? s->signals.data : "";
}

const char *stage_story(const struct stage *s)
{
	return s->story.data ? s->story.data : "";
}

/* @parts, in this order. */
void assert_tells(const char *text, const char *const *parts)
{
	const char *at = text;

	for (; *parts; parts++) {
		at = strstr(at, *parts);
		if (!at)
			fail_msg("\"%s\" is missing, or not in its place, in:\n%s", *parts, text);
		at += strlen(*parts);
	}
}

/* ---- the client ---- */

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)error;
	*(sd_bus_message **)userdata = sd_bus_message_ref(m);
	return 1;
}

sd_bus_message *client_call(struct stage *s, sd_bus_message *m)
{
	sd_bus_message *reply = NULL;

	assert_true(sd_bus_call_async(s->client, NULL, m, on_reply, &reply, 0) >= 0);
	sd_bus_message_unref(m);
	while (!reply)
		stage_turn(s);
	return reply;
}

sd_bus_message *client_manager_call(struct stage *s, const char *method)
{
	sd_bus_message *m = NULL;

	assert_int_equal(sd_bus_message_new_method_call(
				 s->client, &m, NULL, PR_BUS_PATH, PR_BUS_MANAGER, method),
		0);
	return m;
}

sd_bus_message *client_get(
	struct stage *s, const char *path, const char *interface, const char *property)
{
	sd_bus_message *m = NULL;

	assert_int_equal(sd_bus_message_new_method_call(s->client, &m, NULL, path,
				 "org.freedesktop.DBus.Properties", "Get"),
		0);
	assert_true(sd_bus_message_append(m, "ss", interface, property) >= 0);
	m = client_call(s, m);
	if (sd_bus_message_is_method_error(m, NULL))
		fail_msg("%s: %s", property, sd_bus_message_get_error(m)->message);
	return m;
}

void client_assert_text(struct stage *s, const char *path, const char *interface,
	const char *property, const char *expected)
{
	sd_bus_message *m = client_get(s, path, interface, property);
	const char *text = NULL;

	assert_true(sd_bus_message_read(m, "v", "s", &text) > 0);
	assert_string_equal(text, expected);
	sd_bus_message_unref(m);
}

void assert_ports(struct stage *s, const char *property, const char *path)
{
	sd_bus_message *m = client_get(s, PR_BUS_PATH, PR_BUS_MANAGER, property);
	const char *port = NULL;

	assert_true(sd_bus_message_enter_container(m, 'v', "as") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "s") > 0);
	if (path) {
		assert_true(sd_bus_message_read(m, "s", &port) > 0);
		assert_string_equal(port, path);
	}
	assert_true(sd_bus_message_at_end(m, false) > 0);
	sd_bus_message_unref(m);
}

uint64_t client_get_u64(
	struct stage *s, const char *path, const char *interface, const char *property)
{
	sd_bus_message *m = client_get(s, path, interface, property);
	uint64_t value = 0;

	assert_true(sd_bus_message_read(m, "v", "t", &value) > 0);
	sd_bus_message_unref(m);
	return value;
}

uint32_t client_get_unassigned(struct stage *s)
{
	sd_bus_message *m = client_get(s, PR_BUS_PATH, PR_BUS_MANAGER, "UnassignedCount");
	uint32_t value = 0;

	assert_true(sd_bus_message_read(m, "v", "u", &value) > 0);
	sd_bus_message_unref(m);
	return value;
}

static void append_strings(sd_bus_message *m, const char *key, const char *value)
{
	if (value)
		assert_true(sd_bus_message_append(m, "{sv}", key, "as", 1, value) >= 0);
}

static void append_string(sd_bus_message *m, const char *key, const char *value)
{
	if (value)
		assert_true(sd_bus_message_append(m, "{sv}", key, "s", value) >= 0);
}

sd_bus_message *client_create_plan(struct stage *s, const struct asked *a)
{
	sd_bus_message *m = client_manager_call(s, "CreatePlan");

	assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
	append_strings(m, "targets", a->target);
	append_strings(m, "pinned", a->pinned);
	append_string(m, "disruption", a->disruption);
	append_string(m, "colour", a->unknown);
	if (a->replug)
		assert_true(sd_bus_message_append(m, "{sv}", "replug", "s", a->replug) >= 0);
	if (a->pf)
		assert_true(
			sd_bus_message_append(m, "{sv}", "vfs", "a{su}", 1, a->pf, a->vfs) >= 0);
	if (a->bridge && !a->window)
		assert_true(sd_bus_message_append(
				    m, "{sv}", "buses", "a{su}", 1, a->bridge, a->buses) >= 0);
	if (a->window)
		assert_true(sd_bus_message_append(m, "{sv}", "reserves", "a(sst)", 1, a->bridge,
				    a->window, a->size) >= 0);
	if (a->resized)
		assert_true(sd_bus_message_append(m, "{sv}", "resize", "a(syt)", 1, a->resized,
				    a->resource, a->size) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
	assert_true(sd_bus_message_append(m, "t", a->flags) >= 0);
	return client_call(s, m);
}

void client_assert_path(sd_bus_message *m, char ret[PR_BUS_PATH_MAX])
{
	const char *path;

	if (sd_bus_message_is_method_error(m, NULL))
		fail_msg("%s", sd_bus_message_get_error(m)->message);
	assert_true(sd_bus_message_read(m, "o", &path) > 0);
	(void)snprintf(ret, PR_BUS_PATH_MAX, "%s", path);
	sd_bus_message_unref(m);
}

void client_plan(struct stage *s, const struct asked *a, char ret[PR_BUS_PATH_MAX])
{
	client_assert_path(client_create_plan(s, a), ret);
}

sd_bus_message *client_apply(
	struct stage *s, const char *plan, uint64_t generation, uint32_t confirm)
{
	sd_bus_message *m = client_manager_call(s, "ApplyPlan");

	assert_true(sd_bus_message_append(m, "otut", plan, generation, confirm, UINT64_C(0)) >= 0);
	return client_call(s, m);
}

void client_assert_refused(sd_bus_message *m, const char *name, const char *text)
{
	const sd_bus_error *e = sd_bus_message_get_error(m);

	if (!sd_bus_message_is_method_error(m, NULL))
		fail_msg("not refused, but %s was expected", name);
	assert_string_equal(e->name, name);
	if (!strstr(e->message, text))
		fail_msg("\"%s\" is not in: %s", text, e->message);
	sd_bus_message_unref(m);
}

/* Plans everything that is dead and applies it. */
void client_plan_and_apply(struct stage *s)
{
	char plan[PR_BUS_PATH_MAX], job[PR_BUS_PATH_MAX];

	client_plan(s, &(struct asked){ 0 }, plan);
	client_assert_path(
		client_apply(s, plan, client_get_u64(s, plan, PR_BUS_PLAN, "Generation"), 0), job);
	assert_string_equal(job, PR_BUS_JOBS "/1");
	stage_rest(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * org.pciroom1 over a socket pair: the daemon's service, children and bus
 * objects on a machine of text and the simulator.  No bus daemon, no root, no
 * device.  The clients' side runs in the same loop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/text.h"
#include "daemon/bus.h"
#include "daemon/job.h"
#include "daemon/log.h"
#include "../unit/machine.h"

#define PATIENCE_USEC (30 * 1000000ull) /* a loop that says nothing for so long hangs */

/* ---- machines ---- */

#define HEAD                      \
	"kernel 6.1.0-50-amd64\n" \
	"root 0000:00-ff io=1000-ffff mem=80000000-febfffff mem=100000000-8ffffffff\n"
#define PORT                                                                      \
	"00:02.0 bridge 01-01 root-port hotplug io=closed mem=80000000-801fffff " \
	"pref64=100000000-1001fffff driver=pcieport\n"
#define REST "00:1f.0 dev 8086:2918 class=060100\n"

/* A card whose BAR of 256 MiB is larger than the port's window; the host bridge has room. */
static const char dead[] = HEAD PORT
	"01:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:10000000@forgotten\n" REST;
static const char mended[] =
	HEAD "00:02.0 bridge 01-01 root-port hotplug io=closed mem=80000000-801fffff "
	     "pref64=100000000-10fffffff driver=pcieport\n"
	     "01:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:10000000@100000000\n" REST;
/* The other function of the card is in use. */
static const char dead_in_use[] =
	HEAD PORT "01:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:10000000@forgotten\n"
		  "01:00.1 dev 1b36:0010 class=010802 bar0=mem64:4000@80004000 driver=nvme "
		  "user=mount:/srv\n" REST;
static const char dead_beside_idle[] =
	HEAD PORT "01:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:10000000@forgotten\n"
		  "01:00.1 dev 1b36:0010 class=010802 bar0=mem64:4000@80004000 driver=nvme\n" REST;
/* More than any aperture has. */
static const char hopeless[] = HEAD PORT
	"01:00.0 dev 1b36:0005 bar0=mem:1000@80000000 bar2=pref64:1000000000@forgotten\n" REST;
static const char healthy[] = HEAD PORT "01:00.0 dev 1b36:0005 bar0=mem:1000@80000000\n" REST;

/* ---- the stage: service, children, both ends of the bus ---- */

enum fault {
	NO_FAULT = 0,
	LOOK_FAILS,
	LOOK_NOTES,
	NO_BACKEND,
	CHILD_DIES,
	CHILDREN_DIE
};

struct stage {
	const char *machine;       /* what a look sees */
	const char *machine_after; /* what it sees once a job has ended well */
	enum fault fault;
	char state[64];
	sd_event *event;
	sd_bus *server, *client;
	struct pr_world world;
	struct pr_service *service;
	struct pr_looking *looking;
	struct pr_running *running;
	struct pr_bus objects;
	struct pr_text signals; /* what the client heard, a line each */
	struct pr_text story;   /* what was logged, a line each */
	unsigned int retries;
};

static int stage_look(void *userdata, struct pr_topology **ret, struct pr_import_error *error)
{
	const struct stage *s = userdata;

	if (s->fault == LOOK_FAILS) {
		(void)snprintf(error->text, sizeof(error->text), "sys/bus/pci is not there");
		return 1;
	}
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

static int stage_backend(void *userdata, const struct pr_looker *looker, struct pr_backend *ret)
{
	const struct stage *s = userdata;
	char marker[80];
	int r;

	(void)looker;
	if (s->fault == NO_BACKEND)
		return -ECONNREFUSED;
	if (s->fault == CHILDREN_DIE)
		abort();
	simulated = machine_build(s->machine);
	r = pr_backend_simulator_new(simulated, &simulator);
	if (r < 0)
		return r;
	*ret = simulator;
	(void)snprintf(marker, sizeof(marker), "%s/died", s->state);
	if (s->fault == CHILD_DIES && access(marker, F_OK) < 0) {
		(void)close(open(marker, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
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

	return pr_running_start(s->running, job->recovering ? NULL : job->plan);
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

static void announce_job_new(void *userdata, const struct pr_job *job)
{
	struct stage *s = userdata;

	pr_bus_job_new(&s->objects, job);
}

static void announce_job_step(void *userdata, const struct pr_job *job)
{
	struct stage *s = userdata;

	pr_bus_job_step(&s->objects, job);
}

static void announce_job_removed(
	void *userdata, const struct pr_job *job, const struct pr_report *report)
{
	struct stage *s = userdata;

	if (s->machine_after && report->outcome <= PR_OUTCOME_DIFFERS)
		s->machine = s->machine_after;
	pr_bus_job_removed(&s->objects, job, report);
}

static const struct pr_service_ops service_ops = { .look = ask_look,
	.run = ask_run,
	.retry = ask_retry,
	.changed = announce_change,
	.job_new = announce_job_new,
	.job_step = announce_job_step,
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
		"recovery", "conf-loaded", "conf-error", "look-failed", "state" };
	struct stage *s = userdata;

	(void)priority;
	pr_text_printf(&s->story, "%s device=%s plan=%s job=%u: %s\n", names[event],
		f->device ? f->device : "", f->plan && *f->plan ? "yes" : "", f->job, text);
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
	else if (strcmp(member, "PropertiesChanged") == 0)
		assert_true(sd_bus_message_read(m, "s", &a) >= 0);
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

static void stage_open(struct stage *s, const char *machine, enum pr_mode mode)
{
	const struct pr_look_events look_events = { tell_looked, tell_look_failed, s };
	const struct pr_job_events job_events = { tell_step, tell_ended, s };
	struct pr_conf conf;

	*s = (struct stage){ .machine = machine };
	(void)snprintf(s->state, sizeof(s->state), "/tmp/pciroom-test-bus-XXXXXX");
	assert_non_null(mkdtemp(s->state));
	pr_log_set_sink(on_log, s);
	s->world = (struct pr_world){ stage_look, stage_backend, stage_backend_free, s };
	assert_int_equal(sd_event_new(&s->event), 0);
	assert_int_equal(pr_service_new(&service_ops, s, &s->service), 0);
	assert_int_equal(pr_looking_new(s->event, &s->world, &look_events, &s->looking), 0);
	assert_int_equal(
		pr_running_new(s->event, &s->world, s->state, &job_events, &s->running), 0);
	pr_conf_init(&conf);
	conf.mode = mode;
	pr_service_configure(s->service, &conf);
	connect_bus(s);
}

static void stage_close(struct stage *s)
{
	static const char *const left[] = { "journal", "journal.old", "died" };
	char path[96];

	pr_running_free(s->running);
	pr_looking_free(s->looking);
	pr_service_free(s->service);
	pr_bus_unregister(&s->objects);
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
	assert_int_equal(rmdir(s->state), 0);
}

/* One turn of the loop, which must bring something. */
static void turn(struct stage *s)
{
	int r = sd_event_run(s->event, PATIENCE_USEC);

	assert_true(r >= 0);
	if (r == 0)
		fail_msg("the loop waits for nothing; heard: %s; logged: %s",
			s->signals.data ? s->signals.data : "", s->story.data ? s->story.data : "");
}

/* Until the service rests and all that it said was heard. */
static void rest(struct stage *s)
{
	while (pr_service_state(s->service) != PR_STATE_IDLE &&
		pr_service_state(s->service) != PR_STATE_DEGRADED)
		turn(s);
	while (sd_event_run(s->event, 20000) > 0)
		continue;
}

static void start(struct stage *s)
{
	pr_service_start(s->service, false);
	rest(s);
}

static const char *heard(const struct stage *s)
{
	return s->signals.data ? s->signals.data : "";
}

static const char *story(const struct stage *s)
{
	return s->story.data ? s->story.data : "";
}

/* @parts, in this order. */
static void assert_tells(const char *text, const char *const *parts)
{
	const char *at = text;

	for (; *parts; parts++) {
		at = strstr(at, *parts);
		if (!at)
			fail_msg("\"%s\" is missing, or not in its place, in:\n%s", *parts, text);
		at += strlen(*parts);
	}
}
#define assert_heard(s, ...) assert_tells(heard(s), (const char *const[]){ __VA_ARGS__, NULL })
#define assert_story(s, ...) assert_tells(story(s), (const char *const[]){ __VA_ARGS__, NULL })

/* ---- the client ---- */

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)error;
	*(sd_bus_message **)userdata = sd_bus_message_ref(m);
	return 1;
}

static sd_bus_message *call(struct stage *s, sd_bus_message *m)
{
	sd_bus_message *reply = NULL;

	assert_true(sd_bus_call_async(s->client, NULL, m, on_reply, &reply, 0) >= 0);
	sd_bus_message_unref(m);
	while (!reply)
		turn(s);
	return reply;
}

static sd_bus_message *manager_call(struct stage *s, const char *method)
{
	sd_bus_message *m = NULL;

	assert_int_equal(sd_bus_message_new_method_call(
				 s->client, &m, NULL, PR_BUS_PATH, PR_BUS_MANAGER, method),
		0);
	return m;
}

static sd_bus_message *get(
	struct stage *s, const char *path, const char *interface, const char *property)
{
	sd_bus_message *m = NULL;

	assert_int_equal(sd_bus_message_new_method_call(s->client, &m, NULL, path,
				 "org.freedesktop.DBus.Properties", "Get"),
		0);
	assert_true(sd_bus_message_append(m, "ss", interface, property) >= 0);
	m = call(s, m);
	if (sd_bus_message_is_method_error(m, NULL))
		fail_msg("%s: %s", property, sd_bus_message_get_error(m)->message);
	return m;
}

static void assert_text(struct stage *s, const char *path, const char *interface,
	const char *property, const char *expected)
{
	sd_bus_message *m = get(s, path, interface, property);
	const char *text = NULL;

	assert_true(sd_bus_message_read(m, "v", "s", &text) > 0);
	assert_string_equal(text, expected);
	sd_bus_message_unref(m);
}

static uint64_t get_u64(
	struct stage *s, const char *path, const char *interface, const char *property)
{
	sd_bus_message *m = get(s, path, interface, property);
	uint64_t value = 0;

	assert_true(sd_bus_message_read(m, "v", "t", &value) > 0);
	sd_bus_message_unref(m);
	return value;
}

static uint32_t get_unassigned(struct stage *s)
{
	sd_bus_message *m = get(s, PR_BUS_PATH, PR_BUS_MANAGER, "UnassignedCount");
	uint32_t value = 0;

	assert_true(sd_bus_message_read(m, "v", "u", &value) > 0);
	sd_bus_message_unref(m);
	return value;
}

/* NULL: not in the request. */
struct asked {
	const char *target, *disruption, *pinned, *unknown;
	uint64_t flags;
};

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

static sd_bus_message *create_plan(struct stage *s, const struct asked *a)
{
	sd_bus_message *m = manager_call(s, "CreatePlan");

	assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
	append_strings(m, "targets", a->target);
	append_strings(m, "pinned", a->pinned);
	append_string(m, "disruption", a->disruption);
	append_string(m, "colour", a->unknown);
	assert_true(sd_bus_message_close_container(m) >= 0);
	assert_true(sd_bus_message_append(m, "t", a->flags) >= 0);
	return call(s, m);
}

static void assert_path(sd_bus_message *m, char ret[PR_BUS_PATH_MAX])
{
	const char *path;

	if (sd_bus_message_is_method_error(m, NULL))
		fail_msg("%s", sd_bus_message_get_error(m)->message);
	assert_true(sd_bus_message_read(m, "o", &path) > 0);
	(void)snprintf(ret, PR_BUS_PATH_MAX, "%s", path);
	sd_bus_message_unref(m);
}

static void plan_path(struct stage *s, const struct asked *a, char ret[PR_BUS_PATH_MAX])
{
	assert_path(create_plan(s, a), ret);
}

static sd_bus_message *apply(
	struct stage *s, const char *plan, uint64_t generation, uint32_t confirm)
{
	sd_bus_message *m = manager_call(s, "ApplyPlan");

	assert_true(sd_bus_message_append(m, "otut", plan, generation, confirm, UINT64_C(0)) >= 0);
	return call(s, m);
}

static void assert_refused(sd_bus_message *m, const char *name, const char *text)
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
static void plan_and_apply(struct stage *s)
{
	char plan[PR_BUS_PATH_MAX], job[PR_BUS_PATH_MAX];

	plan_path(s, &(struct asked){ 0 }, plan);
	assert_path(apply(s, plan, get_u64(s, plan, PR_BUS_PLAN, "Generation"), 0), job);
	assert_string_equal(job, PR_BUS_JOBS "/1");
	rest(s);
}

/* ---- tests ---- */

static void test_properties(void **state)
{
	struct stage s;
	struct pr_topology *t = machine_build(dead);

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	assert_int_equal(get_u64(&s, PR_BUS_PATH, PR_BUS_MANAGER, "Generation"), 0);
	start(&s);
	assert_heard(&s, "PropertiesChanged 0 " PR_BUS_MANAGER);
	assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "Mode", "advise");
	assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "State", "idle");
	assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "Lockdown", "none");
	assert_int_equal(get_unassigned(&s), 1);
	assert_int_equal(get_u64(&s, PR_BUS_PATH, PR_BUS_MANAGER, "Generation"), t->generation);
	pr_topology_free(t);
	stage_close(&s);
}

/* sd-bus marks what it lets root do only; the two that write are, and nothing else. */
static void test_privilege(void **state)
{
	static const char privileged[] =
		"<annotation name=\"org.freedesktop.systemd1.Privileged\" value=\"true\"/>";
	sd_bus_message *m = NULL;
	const char *xml, *at;
	struct stage s;
	size_t n = 0;

	(void)state;
	stage_open(&s, healthy, PR_MODE_ADVISE);
	start(&s);
	assert_int_equal(sd_bus_message_new_method_call(s.client, &m, NULL, PR_BUS_PATH,
				 "org.freedesktop.DBus.Introspectable", "Introspect"),
		0);
	m = call(&s, m);
	assert_true(sd_bus_message_read(m, "s", &xml) > 0);
	for (at = xml; (at = strstr(at, privileged)); at++)
		n++;
	assert_int_equal(n, 2);
	assert_tells(xml, (const char *const[]){ "\"CreatePlan\"", "\"ApplyPlan\"", privileged,
				  "\"Rollback\"", privileged, "\"JobNew\"", NULL });
	sd_bus_message_unref(m);
	stage_close(&s);
}

static void test_topology(void **state)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	struct pr_topology *expected = machine_build(dead), *got = NULL;
	struct pr_import_error error = { 0 };
	char why[200], *text;
	struct stat st;
	struct stage s;
	sd_bus_message *m;
	int fd = -1;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	m = manager_call(&s, "GetTopology");
	assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
	m = call(&s, m);
	assert_true(sd_bus_message_read(m, "h", &fd) > 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS), seals);
	assert_int_equal(fstat(fd, &st), 0);
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(text != MAP_FAILED);
	if (pr_snapshot_read(text, (size_t)st.st_size, &got, &error) != 0)
		fail_msg("%s", error.text);
	if (!pr_topology_equal(expected, got, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(munmap(text, (size_t)st.st_size), 0);
	sd_bus_message_unref(m);
	pr_topology_free(got);
	pr_topology_free(expected);
	stage_close(&s);
}

static void test_plan(void **state)
{
	struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	struct pr_topology *t = machine_build(dead);
	struct pr_request request = { 0 };
	struct pr_plan *expected = NULL;
	char path[PR_BUS_PATH_MAX];
	const char *kind, *address, *text;
	sd_bus_message *m;
	struct stage s;
	size_t n = 0;

	(void)state;
	assert_int_equal(pr_plan_make(t, &request, &policy, &expected), 0);
	stage_open(&s, dead, PR_MODE_ADVISE);
	start(&s);
	plan_path(&s, &(struct asked){ .target = "0000:00/02.0/00.0" }, path);
	assert_string_equal(path, PR_BUS_PLANS "/1");
	assert_text(&s, path, PR_BUS_PLAN, "Id", expected->id);
	assert_text(&s, path, PR_BUS_PLAN, "State", "ready");
	assert_text(&s, path, PR_BUS_PLAN, "VerdictName", pr_verdict_name(PR_VERDICT_OK));
	assert_text(&s, path, PR_BUS_PLAN, "Why", "");
	assert_text(&s, path, PR_BUS_PLAN, "Disruption", "free");
	m = get(&s, path, PR_BUS_PLAN, "Steps");
	assert_true(sd_bus_message_enter_container(m, 'v', "a(sss)") > 0);
	assert_true(sd_bus_message_enter_container(m, 'a', "(sss)") > 0);
	for (; sd_bus_message_read(m, "(sss)", &kind, &address, &text) > 0; n++)
		assert_string_equal(kind, pr_step_name(expected->steps[n].kind));
	assert_int_equal(n, expected->n_steps);
	sd_bus_message_unref(m);
	pr_plan_free(expected);
	pr_topology_free(t);
	stage_close(&s);
}

/* Refusals of CreatePlan. */
static const struct create_case {
	const char *name;
	struct asked asked;
	const char *error, *text;
} create_cases[] = {
	{ "CreatePlan: a device that is not there", { .target = "0000:44:00.0" },
		"org.pciroom1.Error.NoSuchDevice", "there is no device 0000:44:00.0" },
	{ "CreatePlan: a path that leads nowhere", { .target = "0000:00/02.0/01.0" },
		"org.pciroom1.Error.NoSuchDevice", "0000:00/02.0/01.0" },
	{ "CreatePlan: a device that is no device", { .target = "eth0" },
		"org.pciroom1.Error.NoSuchDevice", "eth0" },
	{ "CreatePlan: a pin that is not there", { .pinned = "0000:44:00.0" },
		"org.pciroom1.Error.NoSuchDevice", "0000:44:00.0 to pin" },
	{ "CreatePlan: a key that is not known", { .unknown = "red" }, SD_BUS_ERROR_INVALID_ARGS,
		"\"colour\"" },
	{ "CreatePlan: a limit that is none", { .disruption = "pinned" }, SD_BUS_ERROR_INVALID_ARGS,
		"not \"pinned\"" },
	{ "CreatePlan: a flag", { .flags = 1 }, "org.pciroom1.Error.NotSupported", "flag" },
};

static void test_create_refused(void **state)
{
	const struct create_case *c = *state;
	struct stage s;

	stage_open(&s, dead, PR_MODE_ADVISE);
	start(&s);
	assert_refused(create_plan(&s, &c->asked), c->error, c->text);
	assert_int_equal(pr_service_plans(s.service)->n, 0);
	stage_close(&s);
}

/* Refusals of ApplyPlan; nothing runs. */
static const struct apply_case {
	const char *name, *machine, *plan; /* plan NULL: one for everything dead */
	uint64_t generation_off;
	uint32_t confirm;
	const char *error, *text;
} apply_cases[] = {
	{ "ApplyPlan: a plan never made", dead, PR_BUS_PLANS "/7", 0, 0,
		"org.pciroom1.Error.StalePlan", "discarded, or never made" },
	{ "ApplyPlan: a number with a leading zero is no plan", dead, PR_BUS_PLANS "/01", 0, 0,
		SD_BUS_ERROR_INVALID_ARGS, "is not a plan" },
	{ "ApplyPlan: the manager is no plan", dead, PR_BUS_PATH, 0, 0, SD_BUS_ERROR_INVALID_ARGS,
		"is not a plan" },
	{ "ApplyPlan: another generation", dead, NULL, 1, 0, "org.pciroom1.Error.StalePlan",
		"the plan is for generation" },
	{ "ApplyPlan: what does not fit", hopeless, NULL, 0, 0, "org.pciroom1.Error.Infeasible",
		"64 GiB" },
	{ "ApplyPlan: nothing to do", healthy, NULL, 0, 0, "org.pciroom1.Error.Infeasible",
		"no device is dead" },
	{ "ApplyPlan: beyond the limit", dead_in_use, NULL, 0, 0, "org.pciroom1.Error.InUse",
		"/srv" },
	{ "ApplyPlan: waiting for a confirmation", dead, NULL, 0, 30,
		"org.pciroom1.Error.NotSupported", "confirmation" },
};

static void test_apply_refused(void **state)
{
	const struct apply_case *c = *state;
	char plan[PR_BUS_PATH_MAX];
	struct stage s;
	uint64_t generation;

	stage_open(&s, c->machine, PR_MODE_ADVISE);
	start(&s);
	plan_path(&s, &(struct asked){ 0 }, plan);
	generation = get_u64(&s, plan, PR_BUS_PLAN, "Generation");
	assert_refused(
		apply(&s, c->plan ? c->plan : plan, generation + c->generation_off, c->confirm),
		c->error, c->text);
	assert_null(strstr(heard(&s), "Job"));
	stage_close(&s);
}

static void test_apply(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	s.machine_after = mended;
	start(&s);
	plan_and_apply(&s);
	assert_heard(&s, "JobNew 1", "PropertiesChanged 0 " PR_BUS_JOB, "JobReport 0 done",
		"JobRemoved 1 done");
	assert_story(&s, "dead device=0000:01:00.0", "plan-found device=0000:01:00.0 plan=yes",
		"apply-started device=0000:01:00.0 plan=yes job=1",
		"step device=0000:01:00.0 plan=yes job=1",
		"applied device=0000:01:00.0 plan=yes job=1", "mended device=0000:01:00.0");
	assert_int_equal(get_unassigned(&s), 0);
	assert_text(&s, PR_BUS_PLANS "/1", PR_BUS_PLAN, "State", "applied");
	stage_close(&s);
}

static void test_stale_machine(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	start(&s);
	s.machine = mended; /* and no event told of it */
	plan_and_apply(&s);
	assert_heard(&s, "JobRemoved 1 stale");
	assert_story(&s, "not-applied", "nothing was touched");
	stage_close(&s);
}

/* Still dead, still to be mended, but by another plan than the one that was shown. */
static void test_stale_plan(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	start(&s);
	s.machine = dead_beside_idle;
	plan_and_apply(&s);
	assert_heard(&s, "JobReport 0 stale the machine has changed");
	stage_close(&s);
}

static void test_twice(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE); /* and it looks the same afterwards */
	start(&s);
	plan_and_apply(&s);
	assert_heard(&s, "JobRemoved 1 done");
	assert_refused(apply(&s, PR_BUS_PLANS "/1", pr_service_generation(s.service), 0),
		"org.pciroom1.Error.StalePlan", "has been carried out");
	stage_close(&s);
}

/* A plan is made on what is there, not on what was there a while ago. */
static void test_fresh(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, healthy, PR_MODE_ADVISE);
	start(&s);
	s.machine = dead;
	plan_path(&s, &(struct asked){ 0 }, plan);
	assert_text(
		&s, plan, PR_BUS_PLAN, "VerdictName", "nothing"); /* the look was a moment ago */
	((struct pr_look *)pr_service_last_look(s.service))->began_usec -= 2000000;
	plan_path(&s, &(struct asked){ 0 }, plan);
	assert_text(&s, plan, PR_BUS_PLAN, "VerdictName", "ok");
	stage_close(&s);
}

/* A look that ends while a job runs saw the machine in pieces. */
static void test_look_in_job(void **state)
{
	struct pr_look *look = calloc(1, sizeof(*look));
	const struct pr_job *job = NULL;
	char plan[PR_BUS_PATH_MAX];
	struct pr_why why;
	struct stage s;
	uint64_t generation;

	(void)state;
	assert_non_null(look);
	stage_open(&s, dead, PR_MODE_ADVISE);
	start(&s);
	plan_path(&s, &(struct asked){ 0 }, plan);
	generation = pr_service_generation(s.service);
	assert_int_equal(pr_service_apply(s.service, 1, generation, &job, &why), 0);
	*look = (struct pr_look){ .refs = 1, .topology = machine_build(HEAD REST), .fd = -1 };
	pr_service_looked(s.service, look, "");
	assert_int_equal(pr_service_generation(s.service), generation);
	rest(&s);
	stage_close(&s);
}

/* The layout is the same, the generation too: only planning once more finds the mount. */
static void test_stale_use(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead_beside_idle, PR_MODE_ADVISE);
	start(&s);
	s.machine = dead_in_use;
	plan_and_apply(&s);
	assert_heard(&s, "JobReport 0 stale the machine is used in another way by now",
		"JobRemoved 1 stale");
	stage_close(&s);
}

static void test_child_dies(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	s.fault = CHILD_DIES;
	start(&s);
	plan_and_apply(&s);
	assert_heard(&s, "JobNew 1", "JobReport 0 rolled-back", "JobRemoved 1 rolled-back");
	assert_story(&s, "apply-started", "recovery", "not-applied");
	assert_int_equal(pr_job_pending(s.state), 0);
	stage_close(&s);
}

/* No child lives long enough: the service says so, and is degraded until a run ends well. */
static void test_children_die(void **state)
{
	char job[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	s.fault = CHILDREN_DIE;
	start(&s);
	plan_and_apply(&s);
	assert_heard(&s, "JobReport 0 lost", "JobRemoved 1 lost");
	assert_story(&s, "recovery", "recovery", "recovery", "lost");
	assert_int_equal(pr_service_state(s.service), PR_STATE_DEGRADED);
	s.fault = NO_FAULT;
	assert_path(call(&s, manager_call(&s, "Rollback")), job);
	rest(&s);
	assert_int_equal(pr_service_state(s.service), PR_STATE_IDLE);
	stage_close(&s);
}

/* What `pciroom --local` leaves when it is killed at its first removal. */
static void leave_pending(struct stage *s)
{
	struct pr_looker looker = { NULL, NULL };
	struct pr_journal *journal = NULL;
	struct pr_backend backend;
	struct pr_plan *plan = NULL;
	struct pr_report report;
	struct pr_wish wish = { 0 };
	struct pr_topology *t;
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		assert_int_equal(pr_job_pending(s->state), 1);
		return;
	}
	t = machine_build(s->machine);
	if (pr_wish_plan(&wish, t, &plan) == 0 && stage_backend(s, &looker, &backend) == 0 &&
		pr_journal_open(s->state, &journal) == 0)
		(void)pr_run(plan, &backend, journal, NULL, &report); /* does not come back */
	_exit(0);
}

static void test_foreign_pending(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	start(&s);
	s.fault = CHILD_DIES;
	leave_pending(&s);
	s.fault = NO_FAULT;
	plan_and_apply(&s);
	assert_heard(&s, "JobReport 0 stale plan ", "JobRemoved 1 stale");
	assert_int_equal(pr_job_pending(s.state), 0);
	stage_close(&s);
}

static void test_no_backend(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	s.fault = NO_BACKEND;
	start(&s);
	plan_and_apply(&s);
	assert_heard(
		&s, "JobReport 0 cancelled pciroom-helper cannot be reached: Connection refused");
	stage_close(&s);
}

static void test_busy(void **state)
{
	char plan[PR_BUS_PATH_MAX];
	struct stage s;
	uint64_t generation;
	sd_bus_message *m;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	s.machine_after = mended;
	start(&s);
	plan_path(&s, &(struct asked){ 0 }, plan);
	generation = get_u64(&s, plan, PR_BUS_PLAN, "Generation");
	/* A job that has begun ends in the loop only, and the loop does not turn between these. */
	const struct pr_job *job = NULL;
	struct pr_why why;

	assert_int_equal(pr_service_apply(s.service, 1, generation, &job, &why), 0);
	assert_int_equal(pr_service_apply(s.service, 1, generation, &job, &why), PR_REFUSAL_BUSY);
	assert_int_equal(pr_service_rollback(s.service, &job, &why), PR_REFUSAL_BUSY);
	assert_int_equal(pr_service_freshen(s.service, NULL, NULL, &why), PR_REFUSAL_BUSY);
	assert_string_equal(why.text, "a plan is being carried out");
	rest(&s);
	assert_heard(&s, "JobRemoved 1 done");
	m = apply(&s, plan, generation, 0);
	assert_refused(m, "org.pciroom1.Error.StalePlan", "has changed");
	stage_close(&s);
}

static void test_rollback_of_nothing(void **state)
{
	char job[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, healthy, PR_MODE_ADVISE);
	start(&s);
	assert_path(call(&s, manager_call(&s, "Rollback")), job);
	rest(&s);
	assert_heard(&s, "JobNew 1", "JobRemoved 1 done");
	stage_close(&s);
}

/* Nobody knows of an interrupted run: the service stays of use. */
static void test_rollback_without_helper(void **state)
{
	char job[PR_BUS_PATH_MAX], plan[PR_BUS_PATH_MAX];
	struct stage s;

	(void)state;
	stage_open(&s, healthy, PR_MODE_ADVISE);
	s.fault = NO_BACKEND;
	start(&s);
	assert_path(call(&s, manager_call(&s, "Rollback")), job);
	rest(&s);
	assert_heard(&s, "JobRemoved 1 cancelled");
	assert_int_equal(s.retries, 0);
	plan_path(&s, &(struct asked){ 0 }, plan);
	stage_close(&s);
}

static void test_auto(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_AUTO);
	s.machine_after = mended;
	start(&s);
	assert_heard(&s, "JobNew 1", "JobRemoved 1 done");
	assert_story(&s, "dead", "plan-found", "apply-started", "by itself", "applied", "mended");
	assert_int_equal(get_unassigned(&s), 0);
	stage_close(&s);
}

static void test_advise(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_ADVISE);
	start(&s);
	pr_service_settled(s.service); /* another look at the same machine says nothing new */
	rest(&s);
	assert_null(strstr(heard(&s), "Job"));
	assert_story(&s, "dead device=0000:01:00.0", "BAR 2 (256 MiB) has no addresses",
		"0000:00:02.0", "plan-found", "pciroom apply");
	assert_null(strstr(strstr(story(&s), "plan-found") + 1, "plan-found"));
	assert_null(strstr(strstr(story(&s), "dead device") + 1, "dead device"));
	stage_close(&s);
}

/* The default limit of auto is what has no driver. */
static void test_auto_limit(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead_beside_idle, PR_MODE_AUTO);
	start(&s);
	assert_null(strstr(heard(&s), "Job"));
	assert_null(strstr(story(&s), "verification"));
	assert_story(&s, "plan-found", "beyond \"disruption: free\"");
	stage_close(&s);
}

static void test_auto_refusal(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, hopeless, PR_MODE_AUTO);
	start(&s);
	assert_null(strstr(heard(&s), "Job"));
	assert_story(&s, "dead device=0000:01:00.0", "plan-refused device=0000:01:00.0", "64 GiB");
	stage_close(&s);
}

/* What failed once is not tried again, before the device is plugged anew. */
static void test_auto_gives_up(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_AUTO);
	s.fault = NO_BACKEND;
	start(&s);
	assert_heard(&s, "JobRemoved 1 cancelled");
	pr_service_settled(s.service);
	rest(&s);
	assert_null(strstr(heard(&s), "JobNew 2"));
	s.machine = HEAD PORT REST;
	pr_service_settled(s.service);
	rest(&s);
	s.machine = dead;
	s.machine_after = mended;
	s.fault = NO_FAULT;
	pr_service_settled(s.service);
	rest(&s);
	assert_heard(&s, "JobNew 2", "JobRemoved 2 done");
	stage_close(&s);
}

static void test_settling_waits(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, dead, PR_MODE_AUTO);
	s.machine_after = mended;
	pr_service_unsettled(s.service);
	pr_service_start(s.service, false);
	while (pr_service_state(s.service) != PR_STATE_SETTLING)
		turn(&s);
	assert_null(strstr(heard(&s), "JobNew"));
	pr_service_settled(s.service);
	rest(&s);
	assert_heard(&s, "JobRemoved 1 done");
	stage_close(&s);
}

static void test_look_fails(void **state)
{
	struct stage s;
	sd_bus_message *m;

	(void)state;
	stage_open(&s, dead, PR_MODE_AUTO);
	s.fault = LOOK_FAILS;
	start(&s);
	assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "State", "degraded");
	m = manager_call(&s, "GetTopology");
	assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
	assert_refused(call(&s, m), SD_BUS_ERROR_FAILED, "sys/bus/pci is not there");
	s.fault = NO_FAULT;
	s.machine = healthy;
	pr_service_settled(s.service);
	rest(&s);
	assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "State", "idle");
	stage_close(&s);
}

static void test_look_notes(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, healthy, PR_MODE_ADVISE);
	s.fault = LOOK_NOTES;
	start(&s);
	assert_text(&s, PR_BUS_PATH, PR_BUS_MANAGER, "State", "degraded");
	assert_story(&s, "look-failed", "nobody helps");
	stage_close(&s);
}

static void test_pending_first(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, healthy, PR_MODE_ADVISE);
	pr_service_start(s.service, true);
	assert_int_equal(pr_service_state(s.service), PR_STATE_ROLLING_BACK);
	rest(&s);
	assert_heard(&s, "JobNew 1", "JobRemoved 1 done");
	assert_int_equal(s.retries, 0);
	stage_close(&s);
}

static void test_pending_retries(void **state)
{
	struct pr_why why;
	struct stage s;

	(void)state;
	stage_open(&s, healthy, PR_MODE_ADVISE);
	s.fault = NO_BACKEND;
	pr_service_start(s.service, true);
	rest(&s);
	assert_int_equal(s.retries, 1);
	assert_int_equal(pr_service_state(s.service), PR_STATE_DEGRADED);
	assert_int_equal(pr_service_freshen(s.service, NULL, NULL, &why), PR_REFUSAL_BUSY);
	s.fault = NO_FAULT;
	pr_service_retry(s.service);
	rest(&s);
	assert_int_equal(pr_service_state(s.service), PR_STATE_IDLE);
	stage_close(&s);
}

/* A user who plans all day pushes out his own plans, not another's. */
static void test_keep(void **state)
{
	struct pr_look *look = calloc(1, sizeof(*look));
	struct pr_keep keep = { .n = 0 };
	struct pr_kept *kept = NULL;
	struct pr_plan *plan;

	(void)state;
	assert_non_null(look);
	*look = (struct pr_look){ .refs = 1, .topology = machine_build(healthy), .fd = -1 };
	for (unsigned int i = 0; i < 3 * PR_KEPT_MAX; i++) {
		struct pr_wish wish = { 0 };

		assert_int_equal(pr_wish_plan(&wish, look->topology, &plan), 0);
		assert_int_equal(
			pr_keep_add(&keep, look, &wish, plan, i == 0 ? 0 : 1000, &kept), 0);
		if (i == 1)
			kept->running = true;
	}
	assert_int_equal(keep.n, PR_KEPT_MAX);
	assert_non_null(pr_keep_find(&keep, 1));
	assert_non_null(pr_keep_find(&keep, 2));
	assert_null(pr_keep_find(&keep, 3));
	assert_non_null(pr_keep_find(&keep, 3 * PR_KEPT_MAX));
	pr_keep_deinit(&keep);
	pr_look_unref(look);
}

/* Each message has its page in the catalogue and its row in the manual. */
static void test_catalogue(void **state)
{
	static const char *const files[] = { "systemd/pciroom.catalog", "doc/pciroomd.8" };
	const char *top = getenv("PCIROOM_SRCDIR");
	char path[512], *text;
	size_t size;

	(void)state;
	if (!top)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", top, files[i]);
		assert_int_equal(pr_read_file_at(AT_FDCWD, path, 1 << 20, &text, &size), 0);
		for (unsigned int e = 0; e < _PR_EVENT_MAX; e++)
			if (!strstr(text, pr_event_message_id((enum pr_event)e)))
				fail_msg(
					"%s lacks %s", path, pr_event_message_id((enum pr_event)e));
		free(text);
	}
}

static const struct CMUnitTest plain[] = {
	{ "properties follow the first look", test_properties, NULL, NULL, NULL },
	{ "only root may call what writes", test_privilege, NULL, NULL, NULL },
	{ "GetTopology gives a sealed snapshot equal to the machine", test_topology, NULL, NULL,
		NULL },
	{ "a plan object shows the plan that the planner makes", test_plan, NULL, NULL, NULL },
	{ "ApplyPlan mends the card and tells the story", test_apply, NULL, NULL, NULL },
	{ "a machine that changed unseen makes the job stale", test_stale_machine, NULL, NULL,
		NULL },
	{ "another plan than the one shown makes the job stale", test_stale_plan, NULL, NULL,
		NULL },
	{ "a plan is carried out once", test_twice, NULL, NULL, NULL },
	{ "a plan is made on a fresh look", test_fresh, NULL, NULL, NULL },
	{ "a look that ends during a job is dropped", test_look_in_job, NULL, NULL, NULL },
	{ "a mount since planning makes the job stale", test_stale_use, NULL, NULL, NULL },
	{ "a child that dies is followed by a recovery in the same job", test_child_dies, NULL,
		NULL, NULL },
	{ "children that all die make the service degraded", test_children_die, NULL, NULL, NULL },
	{ "what another process left is finished before a plan", test_foreign_pending, NULL, NULL,
		NULL },
	{ "without a helper nothing is begun", test_no_backend, NULL, NULL, NULL },
	{ "one job at a time", test_busy, NULL, NULL, NULL },
	{ "Rollback of nothing is done at once", test_rollback_of_nothing, NULL, NULL, NULL },
	{ "a Rollback that cannot be tried leaves the service of use", test_rollback_without_helper,
		NULL, NULL, NULL },
	{ "auto mends by itself", test_auto, NULL, NULL, NULL },
	{ "advise tells once and touches nothing", test_advise, NULL, NULL, NULL },
	{ "auto keeps to its disruption limit", test_auto_limit, NULL, NULL, NULL },
	{ "auto tells what cannot be helped", test_auto_refusal, NULL, NULL, NULL },
	{ "auto does not repeat what failed until the card is plugged anew", test_auto_gives_up,
		NULL, NULL, NULL },
	{ "nothing is decided before events have settled", test_settling_waits, NULL, NULL, NULL },
	{ "a failed look is degraded, and the next good one ends that", test_look_fails, NULL, NULL,
		NULL },
	{ "a look that sees less is degraded and told of", test_look_notes, NULL, NULL, NULL },
	{ "a pending run is finished before the first look", test_pending_first, NULL, NULL, NULL },
	{ "a pending run that cannot be finished is tried again", test_pending_retries, NULL, NULL,
		NULL },
	{ "plans kept are shared out by user", test_keep, NULL, NULL, NULL },
	{ "every message is in the catalogue and in the manual", test_catalogue, NULL, NULL, NULL },
};

int main(void)
{
	struct CMUnitTest
		tests[ARRAY_SIZE(plain) + ARRAY_SIZE(create_cases) + ARRAY_SIZE(apply_cases)];
	sigset_t mask;
	size_t n = 0;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGCHLD); /* as sd-event wants it */
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		tests[n++] = plain[i];
	for (size_t i = 0; i < ARRAY_SIZE(create_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = create_cases[i].name,
			.test_func = test_create_refused,
			.initial_state = (void *)&create_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(apply_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = apply_cases[i].name,
			.test_func = test_apply_refused,
			.initial_state = (void *)&apply_cases[i] };
	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}

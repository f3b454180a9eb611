/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs of the daemon.  Their signals are subscribed to before they are asked
 * for, so that a fast end is not missed.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/remote-private.h"

#define LINK_OFF UINT64_C(1) /* flag of Replug */

void pr_remote_forget_jobs(struct pr_remote *m)
{
	for (size_t i = 0; i < m->n_ends; i++) {
		free(m->ends[i].job);
		free(m->ends[i].result);
		free(m->ends[i].text);
	}
	free(m->ends);
	m->ends = NULL;
	m->n_ends = 0;
}

/* The record of how @job ended; made when it is not there yet.  NULL when memory is short. */
static struct job_end *end_of(struct pr_remote *m, const char *job)
{
	struct job_end *ends;

	for (size_t i = 0; i < m->n_ends; i++)
		if (strcmp(m->ends[i].job, job) == 0)
			return &m->ends[i];

	ends = reallocarray(m->ends, m->n_ends + 1, sizeof(*ends));
	if (!ends)
		return NULL;
	m->ends = ends;
	ends[m->n_ends] = (struct job_end){ .job = strdup(job) };
	if (!ends[m->n_ends].job)
		return NULL;
	return &ends[m->n_ends++];
}

static void replace(char **at, const char *value)
{
	free(*at);
	*at = strdup(value);
}

static int on_report(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const char *job, *result, *text;
	struct job_end *end;

	(void)error;
	if (sd_bus_message_read(message, "oss", &job, &result, &text) < 0)
		return 0; /* not of this version: JobRemoved still ends the wait */
	end = end_of(userdata, job);
	if (!end)
		return -ENOMEM;
	replace(&end->text, text);
	return 0;
}

static int on_removed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const char *job, *result;
	struct job_end *end;
	uint32_t id;
	int r;

	(void)error;
	r = sd_bus_message_read(message, "uos", &id, &job, &result);
	if (r < 0)
		return r;
	end = end_of(userdata, job);
	if (!end)
		return -ENOMEM;
	replace(&end->result, result);
	return 0;
}

static int on_owner(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct pr_remote *m = userdata;
	const char *name, *from, *to;

	(void)error;
	if (sd_bus_message_read(message, "sss", &name, &from, &to) < 0)
		return 0; /* from the bus itself; cannot be wrong */
	if (*to == '\0')
		m->gone = true;
	return 0;
}

/* @done steps of @n are done: the next one is at hand, and told once. */
static void show_step(struct pr_remote *m, uint32_t done, uint32_t n)
{
	struct pr_text t = { 0 };

	if (!m->shown || n != m->shown->n_steps || done >= n || done < m->next_step)
		return;
	m->next_step = done + 1;
	pr_text_printf(&t, "[%" PRIu32 "/%" PRIu32 "] ", done + 1, n);
	pr_render_step(&t, m->shown, &m->shown->steps[done]);
	if (!t.failed)
		(void)fprintf(stderr, "%s\n", t.data); /* progress; nothing depends on it */
	pr_text_deinit(&t);
}

static void take_phase(struct pr_remote *m, const char *phase)
{
	m->away = m->change && strcmp(phase, "changing") == 0;
	if (strcmp(phase, "confirm-wait") == 0)
		pr_cli_note("all is done, and will be undone in %u s: \"pciroom confirm\" keeps it",
			m->confirm_s);
	else if (strcmp(phase, "rolling-back") == 0)
		pr_cli_note("what was done is being undone");
}

/* One property of the job. */
static int read_property(struct pr_remote *m, sd_bus_message *message)
{
	const char *name, *phase;
	uint32_t done, n;
	int r;

	r = sd_bus_message_read(message, "s", &name);
	if (r < 0)
		return r;
	if (strcmp(name, "Step") == 0) {
		r = sd_bus_message_read(message, "v", "(uu)", &done, &n);
		if (r >= 0)
			show_step(m, done, n);
	} else if (strcmp(name, "Phase") == 0) {
		r = sd_bus_message_read(message, "v", "s", &phase);
		if (r >= 0)
			take_phase(m, phase);
	} else {
		r = sd_bus_message_skip(message, "v");
	}
	return r;
}

/* PropertiesChanged of a job, for whoever watches; nothing depends on it. */
static int on_properties(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct pr_remote *m = userdata;
	const char *interface;
	int r;

	(void)error;
	if (!m->job || strcmp(sd_bus_message_get_path(message), m->job) != 0)
		return 0;
	r = sd_bus_message_read(message, "s", &interface);
	if (r >= 0)
		r = sd_bus_message_enter_container(message, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		r = read_property(m, message);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	return 0;
}

static int subscribe(struct pr_remote *m)
{
	int r;

	if (m->subscribed)
		return PR_EXIT_OK;
	m->subscribed = true;
	r = sd_bus_match_signal(m->bus, NULL, NAME, OBJECT, MANAGER, "JobReport", on_report, m);
	if (r >= 0)
		r = sd_bus_match_signal(
			m->bus, NULL, NAME, OBJECT, MANAGER, "JobRemoved", on_removed, m);
	if (r >= 0)
		r = sd_bus_add_match(m->bus, NULL,
			"type='signal',sender='" NAME "',path_namespace='" OBJECT "',"
			"interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
			"arg0='" JOB "'",
			on_properties, m);
	if (r >= 0)
		r = sd_bus_add_match(m->bus, NULL,
			"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
			"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" NAME
			"'",
			on_owner, m);

	return r < 0 ? pr_cli_failed(r, "cannot listen to pciroomd") : PR_EXIT_OK;
}

static int outcome_parse(const char *name, enum pr_outcome *ret)
{
	for (unsigned int i = 0; i < _PR_OUTCOME_MAX; i++)
		if (strcmp(pr_outcome_name(i), name) == 0) {
			*ret = i;
			return PR_EXIT_OK;
		}

	return pr_cli_error(
		"pciroomd ended the job with '%s', a result this command does not know", name);
}

/*
 * Once; a lease that is closed without a word brings the card back as it is, and so does our end.
 * A job that has ended meanwhile does not listen any more, and tells why.
 */
static void change_card(struct pr_remote *m)
{
	bool done = m->change->run(m->change->userdata);

	m->change = NULL;
	m->away = false;
	(void)signal(SIGPIPE, SIG_IGN);
	if (done)
		(void)!write(m->lease, "1", 1);
	pr_closep(&m->lease);
}

/* Until JobRemoved names @m->job. */
static int wait_for_job(struct pr_remote *m, struct pr_report *ret)
{
	const struct job_end *end;
	int r;

	for (;;) {
		end = end_of(m, m->job);
		if (!end)
			return pr_cli_failed(-ENOMEM, "cannot wait for pciroomd");
		if (end->result)
			break;
		if (m->away)
			change_card(m);
		if (m->gone)
			return pr_cli_error(
				"pciroomd went away in the middle; when it starts again, it "
				"brings back what it removed");
		r = sd_bus_process(m->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(m->bus, UINT64_MAX);
		if (r < 0 && r != -EINTR)
			return pr_cli_failed(r, "lost pciroomd");
	}

	*ret = (struct pr_report){ 0 };
	(void)snprintf(ret->text, sizeof(ret->text), "%s", end->text ? end->text : "");
	return outcome_parse(end->result, &ret->outcome);
}

/* Of the reply to a method that gives one. */
static int take_job(struct pr_remote *m, sd_bus_message *reply)
{
	const char *path;
	int r = sd_bus_message_read(reply, "o", &path);

	if (r < 0)
		return pr_cli_failed(r, "answer of pciroomd");
	replace(&m->job, path);
	return m->job ? PR_EXIT_OK : pr_cli_failed(-ENOMEM, "cannot wait for pciroomd");
}

/* ApplyPlan and Replug take the same. */
static int ask_for_job(struct pr_remote *m, const char *method, const struct pr_plan *plan,
	unsigned int seconds, uint64_t flags, sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *call = NULL;
	int r = subscribe(m);

	if (r != PR_EXIT_OK)
		return r;

	m->shown = plan;
	m->next_step = 0;
	r = sd_bus_message_new_method_call(m->bus, &call, NAME, OBJECT, MANAGER, method);
	if (r >= 0)
		r = sd_bus_message_append(
			call, "otut", m->plan, plan->generation, (uint32_t)seconds, flags);
	if (r < 0)
		return pr_cli_failed(r, "cannot ask pciroomd");
	return pr_remote_call(m, call, "pciroomd does not carry out the plan", ret);
}

int pr_remote_apply(struct pr_remote *m, const struct pr_plan *plan, unsigned int confirm_s,
	struct pr_report *ret)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	int r;

	m->confirm_s = confirm_s;
	r = ask_for_job(m, "ApplyPlan", plan, confirm_s, 0, &reply);
	if (r == PR_EXIT_OK)
		r = take_job(m, reply);
	return r == PR_EXIT_OK ? wait_for_job(m, ret) : r;
}

/* The reply has a descriptor of the lease too, which is not to outlive this. */
static int ask_for_change(
	struct pr_remote *m, const struct pr_plan *plan, const struct pr_card_change *change)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	int r;

	r = ask_for_job(
		m, "Replug", plan, change->seconds, change->link_off ? LINK_OFF : 0, &reply);
	if (r == PR_EXIT_OK)
		r = take_job(m, reply);
	if (r == PR_EXIT_OK)
		r = pr_remote_take_lease(reply, &m->lease);
	return r;
}

int pr_remote_replug(struct pr_remote *m, const struct pr_plan *plan,
	const struct pr_card_change *change, struct pr_report *ret)
{
	int r;

	m->change = change;
	r = ask_for_change(m, plan, change);
	return r == PR_EXIT_OK ? wait_for_job(m, ret) : r;
}

int pr_remote_rollback(struct pr_remote *m, struct pr_report *ret)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	int r = subscribe(m);

	if (r != PR_EXIT_OK)
		return r;

	r = sd_bus_message_new_method_call(m->bus, &call, NAME, OBJECT, MANAGER, "Rollback");
	if (r < 0)
		return pr_cli_failed(r, "cannot ask pciroomd");
	r = pr_remote_call(m, call, "pciroomd does not roll back", &reply);
	if (r == PR_EXIT_OK)
		r = take_job(m, reply);
	return r == PR_EXIT_OK ? wait_for_job(m, ret) : r;
}

int pr_remote_confirm(struct pr_remote *m)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	int r;

	r = sd_bus_message_new_method_call(m->bus, &call, NAME, OBJECT, MANAGER, "Confirm");
	if (r < 0)
		return pr_cli_failed(r, "cannot ask pciroomd");
	return pr_remote_call(m, call, "pciroomd does not take a confirmation", &reply);
}

/* The job that runs, of all objects; NULL: none.  It is part of @objects. */
static int find_job(sd_bus_message *objects, const char **ret)
{
	const char *path;
	int r;

	*ret = NULL;
	r = sd_bus_message_enter_container(objects, 'a', "{oa{sa{sv}}}");
	while (r >= 0 && (r = sd_bus_message_enter_container(objects, 'e', "oa{sa{sv}}")) > 0) {
		r = sd_bus_message_read(objects, "o", &path);
		if (r >= 0 && strncmp(path, JOBS, strlen(JOBS)) == 0)
			*ret = path;
		if (r >= 0)
			r = sd_bus_message_skip(objects, "a{sa{sv}}");
		if (r >= 0)
			r = sd_bus_message_exit_container(objects);
	}
	return r < 0 ? pr_cli_failed(r, "answer of pciroomd") : PR_EXIT_OK;
}

int pr_remote_extend(struct pr_remote *m, unsigned int seconds)
{
	_cleanup_message_ sd_bus_message *call = NULL, *objects = NULL, *reply = NULL;
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *job;
	int r;

	r = sd_bus_call_method(m->bus, NAME, OBJECT, "org.freedesktop.DBus.ObjectManager",
		"GetManagedObjects", &error, &objects, NULL);
	if (r < 0)
		return pr_remote_failed(m, r, &error, "pciroomd does not name its jobs");
	r = find_job(objects, &job);
	if (r != PR_EXIT_OK)
		return r;
	if (!job) {
		(void)pr_cli_error("no plan waits to be confirmed");
		return PR_EXIT_NOTHING;
	}
	r = sd_bus_message_new_method_call(m->bus, &call, NAME, job, JOB, "ExtendTimeout");
	if (r >= 0)
		r = sd_bus_message_append(call, "u", (uint32_t)seconds);
	if (r < 0)
		return pr_cli_failed(r, "cannot ask pciroomd");
	return pr_remote_call(m, call, "pciroomd does not give more time", &reply);
}

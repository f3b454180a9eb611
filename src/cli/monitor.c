/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb monitor: what the daemon says, as it says it.  Shows any signal of
 * any of its interfaces, so that what is added to them is seen here too; the
 * daemon's own coming and going get sentences.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/bus-value.h"
#include "cli/remote-private.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"

struct watch {
	const struct pr_cli *cli;
	sd_bus *bus;
	bool failed; /* standard output is gone */
};

/* One line of the output.  What is said to people begins with the time of day, JSON has all of it. */
struct line {
	struct pr_text text;
	struct pr_json json;
};

static void line_open(const struct watch *w, struct line *l, const char *event)
{
	char when[40] = "";
	struct tm tm;
	time_t now = time(NULL);

	*l = (struct line){ 0 };
	if (localtime_r(&now, &tm))
		(void)strftime(when, sizeof(when), w->cli->json ? "%FT%T%z" : "%T", &tm);
	if (!w->cli->json) {
		pr_text_printf(&l->text, "%s  ", when);
		return;
	}
	pr_json_init_line(&l->json, &l->text);
	pr_json_object(&l->json, NULL);
	pr_json_string(&l->json, "schema", "pciroom.monitor/1");
	pr_json_string(&l->json, "time", when);
	pr_json_string(&l->json, "event", event);
}

static void line_close(struct watch *w, struct line *l)
{
	if (w->cli->json)
		pr_json_object_end(&l->json);
	else
		pr_text_add(&l->text, "\n");
	if (!pr_cli_print(&l->text))
		w->failed = true;
}

/* Of what @m is about; an answer, which has no path, is about the manager. */
static const char *object_of(sd_bus_message *m)
{
	const char *path = sd_bus_message_get_path(m);

	return path ? path : OBJECT;
}

/* "job/3" of "/org/pciroom1/job/3"; the manager's object is "". */
static const char *short_object(const char *path)
{
	size_t length = strlen(OBJECT);

	if (strncmp(path, OBJECT, length) != 0)
		return path;
	return path[length] == '/' ? path + length + 1 : path + length;
}

/* Interfaces of ours without their prefix. */
static const char *short_interface(const char *interface)
{
	size_t length = strlen(NAME ".");

	return strncmp(interface, NAME ".", length) == 0 ? interface + length : interface;
}

/* For a value alone, behind text of ours: inside of a line, so that none is ended. */
static void value_init(struct pr_json *j, struct pr_text *out)
{
	pr_json_init_line(j, out);
	j->depth = 1;
}

/* A value that is about @object: NAME: VALUE. */
static int tell_value(struct watch *w, sd_bus_message *m, const char *interface, const char *name)
{
	const char *object = short_object(object_of(m));
	struct pr_json value;
	struct line l;
	int r;

	line_open(w, &l, "property");
	if (w->cli->json) {
		pr_json_string(&l.json, "object", object_of(m));
		pr_json_string(&l.json, "interface", interface);
		pr_json_string(&l.json, "property", name);
		r = pr_bus_value_json(&l.json, "value", m);
	} else {
		pr_text_printf(&l.text, "%s%s%s: ", object, *object ? " " : "", name);
		value_init(&value, &l.text);
		r = pr_bus_value_json(&value, NULL, m);
	}
	line_close(w, &l);
	return r;
}

/* The rest of @m, from a dictionary of properties on. */
static int tell_values(struct watch *w, sd_bus_message *m, const char *interface)
{
	const char *name;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &name);
		if (r >= 0)
			r = tell_value(w, m, interface, name);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r;
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *interface;

	(void)error;
	if (sd_bus_message_read(m, "s", &interface) < 0)
		return 0;                          /* not what the bus's own specification says */
	(void)tell_values(userdata, m, interface); /* what could be read was told */
	return 0;
}

/* Any other signal: its name and what it carries. */
static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *member = sd_bus_message_get_member(m),
		   *interface = sd_bus_message_get_interface(m);
	const char *object = short_object(sd_bus_message_get_path(m));
	struct watch *w = userdata;
	struct pr_json value;
	struct line l;
	int r;

	(void)error;
	if (strcmp(interface, PROPERTIES) == 0)
		return 0; /* told by on_properties() */
	line_open(w, &l, "signal");
	if (w->cli->json) {
		pr_json_string(&l.json, "object", sd_bus_message_get_path(m));
		pr_json_string(&l.json, "interface", interface);
		pr_json_string(&l.json, "signal", member);
		pr_json_array(&l.json, "arguments");
		do
			r = pr_bus_value_json(&l.json, NULL, m);
		while (r > 0);
		pr_json_array_end(&l.json);
	} else {
		pr_text_printf(&l.text, "%s%s%s.%s", object, *object ? " " : "",
			short_interface(interface), member);
		do {
			pr_text_add(&l.text, " ");
			value_init(&value, &l.text);
			r = pr_bus_value_json(&value, NULL, m);
		} while (r > 0);
	}
	line_close(w, &l);
	return 0;
}

static void tell_presence(struct watch *w, bool there)
{
	struct line l;

	line_open(w, &l, there ? "started" : "ended");
	if (!w->cli->json)
		pr_text_add(&l.text, there ? "pciroomd is there" : "pciroomd is not there");
	line_close(w, &l);
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *name, *from, *to;

	(void)error;
	if (sd_bus_message_read(m, "sss", &name, &from, &to) >= 0)
		tell_presence(userdata, *to != '\0');
	return 0;
}

static int subscribe(struct watch *w)
{
	int r;

	r = sd_bus_add_match(w->bus, NULL,
		"type='signal',sender='" NAME "',path_namespace='" OBJECT "',interface='" PROPERTIES
		"',member='PropertiesChanged'",
		on_properties, w);
	if (r >= 0)
		r = sd_bus_add_match(w->bus, NULL,
			"type='signal',sender='" NAME "',path_namespace='" OBJECT "'", on_signal,
			w);
	if (r >= 0)
		r = sd_bus_add_match(w->bus, NULL,
			"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
			"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" NAME
			"'",
			on_owner, w);
	return r;
}

/* What is the case at the beginning; a daemon that does not run is not started for it. */
static int tell_beginning(struct watch *w)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	int r;

	r = sd_bus_message_new_method_call(w->bus, &call, NAME, OBJECT, PROPERTIES, "GetAll");
	if (r >= 0)
		r = sd_bus_message_set_auto_start(call, false);
	if (r >= 0)
		r = sd_bus_message_append(call, "s", MANAGER);
	if (r < 0)
		return r;
	r = sd_bus_call(w->bus, call, 0, &error, &reply);
	tell_presence(w, r >= 0);
	return r < 0 ? 0 : tell_values(w, reply, MANAGER);
}

static int watch(struct watch *w)
{
	int r;

	r = subscribe(w);
	if (r >= 0)
		r = tell_beginning(w);
	while (r >= 0 && !w->failed) {
		r = sd_bus_process(w->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(w->bus, UINT64_MAX);
	}
	return r;
}

int pr_verb_monitor(const struct pr_cli *cli)
{
	struct watch w = { .cli = cli };
	int r;

	r = sd_bus_open_system(&w.bus);
	if (r < 0)
		return pr_cli_failed(r, "the system bus cannot be used");
	r = watch(&w);
	w.bus = sd_bus_flush_close_unref(w.bus);
	return w.failed ? PR_EXIT_ERROR
			: pr_cli_failed(r, "the connection to the system bus is lost");
}

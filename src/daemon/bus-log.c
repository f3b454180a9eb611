/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.freedesktop.LogControl1: what `systemctl log-level pciroomd` talks to.  Root may set. */
#include <errno.h>
#include <string.h>

#include "daemon/bus.h"
#include "daemon/log.h"

#define PATH      "/org/freedesktop/LogControl1"
#define INTERFACE "org.freedesktop.LogControl1"

static int get_log(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const char *text = "pciroomd";

	(void)bus;
	(void)path;
	(void)interface;
	(void)userdata;
	(void)error;
	if (strcmp(property, "LogLevel") == 0)
		text = pr_log_level_name(pr_log_level());
	else if (strcmp(property, "LogTarget") == 0)
		text = pr_log_target_name(pr_log_target());
	return sd_bus_message_append(reply, "s", text);
}

static int set_log(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *value, void *userdata, sd_bus_error *error)
{
	bool is_level = strcmp(property, "LogLevel") == 0;
	const char *text;
	int r;

	(void)bus;
	(void)path;
	(void)interface;
	(void)userdata;
	r = sd_bus_message_read(value, "s", &text);
	if (r < 0)
		return r;
	if (is_level ? pr_log_set_level(text) : pr_log_set_target(text))
		return 0;
	return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "\"%s\" is no %s", text,
		is_level ? "log level" : "log target: auto, journal or console");
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_log, set_log, 0, 0),
	SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get_log, set_log, 0, 0),
	SD_BUS_PROPERTY("SyslogIdentifier", "s", get_log, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_VTABLE_END,
};

int pr_bus_register_log(struct pr_bus *b)
{
	return sd_bus_add_object_vtable(b->bus, pr_bus_slot(b), PATH, INTERFACE, vtable, b);
}

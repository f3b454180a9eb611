/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guarded slots on the bus. */
#include "daemon/bus-guard.h"

#include <errno.h>
#include <string.h>

#include "daemon/bus-call.h"

static const struct pr_function *find(const struct pr_bus *b, const char *name)
{
	const struct pr_look *look = pr_service_last_look(b->service);

	return look ? pr_topology_find_named(look->topology, name) : NULL;
}

static int change(struct pr_call *c, sd_bus_error *error,
	int (*how)(struct pr_guarding *g, const struct pr_function *port))
{
	const struct pr_look *look;
	const struct pr_function *port;
	const char *name = NULL;
	int r;

	r = sd_bus_message_rewind(c->m, true);
	if (r >= 0)
		r = sd_bus_message_read(c->m, "s", &name);
	if (r < 0)
		return r;
	if (!c->bus->guarding)
		return sd_bus_error_set(
			error, SD_BUS_ERROR_FAILED, "no slot can be guarded; the journal says why");
	port = find(c->bus, name);
	if (!port)
		return pr_bus_refuse(error, PR_REFUSAL_NO_SUCH_DEVICE,
			&(struct pr_why){ "there is no such device" });
	r = how(c->bus->guarding, port);
	if (r == -EOPNOTSUPP)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
			"%s is no hot-plug slot of PCI Express", name);
	if (r == -ENOENT)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
			"%s is not guarded on request (rules of the configuration are changed "
			"there)",
			name);
	if (r < 0)
		return r;
	look = pr_service_last_look(c->bus->service);
	pr_guarding_looked(c->bus->guarding, look->topology, pr_service_conf(c->bus->service));
	return sd_bus_reply_method_return(c->m, NULL);
}

static int answer_guard(struct pr_call *c, sd_bus_error *error)
{
	return change(c, error, pr_guarding_add);
}

static int answer_release(struct pr_call *c, sd_bus_error *error)
{
	return change(c, error, pr_guarding_remove);
}

static int start(sd_bus_message *m, struct pr_bus *b,
	int (*answer)(struct pr_call *c, sd_bus_error *error), sd_bus_error *error)
{
	struct pr_call *c;
	const char *name;
	int r;

	r = sd_bus_message_read(m, "s", &name);
	if (r >= 0)
		r = pr_call_new(b, m, answer, &c, error);
	if (r < 0)
		return r;
	pr_call_need(c, PR_ACTION_CONFIGURE);
	pr_call_detail(c, "device", strdup(name));
	c->fresh = true;
	return pr_call_start(c, error);
}

int pr_bus_method_guard(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return start(m, userdata, answer_guard, error);
}

int pr_bus_method_release(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return start(m, userdata, answer_release, error);
}

int pr_bus_get_guarded(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct pr_bus *b = userdata;
	const char *const *names = NULL;
	size_t n = 0;
	int r;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	if (b->guarding)
		names = pr_guarding_list(b->guarding, &n);
	r = sd_bus_message_open_container(reply, 'a', "s");
	for (size_t i = 0; i < n && r >= 0; i++)
		r = sd_bus_message_append(reply, "s", names[i]);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

void pr_bus_guarded(struct pr_bus *b)
{
	if (b->bus)
		(void)sd_bus_emit_properties_changed(
			b->bus, PR_BUS_PATH, PR_BUS_MANAGER, "Guarded", NULL);
}

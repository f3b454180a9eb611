/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inhibitors of the daemon: devices by name to objects, and the lease on them. */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "cli/remote-private.h"

#define FAILED "pciroomd does not leave the devices alone"

/* Adds the objects that @device names to @call. */
static int append_device(struct pr_remote *m, sd_bus_message *call, const char *device)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *object;
	size_t n = 0;
	int r;

	r = sd_bus_call_method(
		m->bus, NAME, OBJECT, MANAGER, "FindDevices", &error, &reply, "s", device);
	if (r < 0)
		return pr_remote_failed(m, r, &error, FAILED);
	r = sd_bus_message_enter_container(reply, 'a', "o");
	while (r >= 0 && (r = sd_bus_message_read(reply, "o", &object)) > 0) {
		r = sd_bus_message_append(call, "o", object);
		n++;
	}
	if (r < 0)
		return pr_cli_failed(r, FAILED);
	if (n > 0)
		return PR_EXIT_OK;
	(void)pr_cli_error("there is no device %s", device);
	return PR_EXIT_NOT_FOUND;
}

static int append_devices(
	struct pr_remote *m, sd_bus_message *call, const char *const *devices, size_t n)
{
	int r;

	r = sd_bus_message_open_container(call, 'a', "o");
	if (r < 0)
		return pr_cli_failed(r, FAILED);
	for (size_t i = 0; i < n; i++) {
		r = append_device(m, call, devices[i]);
		if (r != PR_EXIT_OK)
			return r;
	}
	r = sd_bus_message_close_container(call);
	return r < 0 ? pr_cli_failed(r, FAILED) : PR_EXIT_OK;
}

int pr_remote_inhibit(struct pr_remote *m, const char *const *devices, size_t n, const char *why,
	const char *mode, int *ret)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	int r;

	r = sd_bus_message_new_method_call(m->bus, &call, NAME, OBJECT, MANAGER, "Inhibit");
	if (r >= 0)
		r = sd_bus_message_append(call, "s", "rebalance");
	if (r < 0)
		return pr_cli_failed(r, FAILED);
	r = append_devices(m, call, devices, n);
	if (r != PR_EXIT_OK)
		return r;
	r = sd_bus_message_append(call, "sss", "pciroom inhibit", why, mode);
	if (r < 0)
		return pr_cli_failed(r, FAILED);
	r = pr_remote_call(m, call, FAILED, &reply);
	return r == PR_EXIT_OK ? pr_remote_take_lease(reply, ret) : r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guarded slots of the daemon. */
#include <errno.h>

#include "base/macros.h"
#include "cli/remote-private.h"

int pr_remote_guard(struct pr_remote *m, const char *device, bool on)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	int r;

	r = sd_bus_message_new_method_call(
		m->bus, &call, NAME, OBJECT, MANAGER, on ? "Guard" : "Release");
	if (r >= 0)
		r = sd_bus_message_append(call, "s", device);
	if (r < 0)
		return pr_cli_failed(r, "cannot ask pciroomd");
	return pr_remote_call(m, call,
		on ? "pciroomd does not guard the slot" : "pciroomd does not give the slot back",
		&reply);
}

int pr_remote_guarded(struct pr_remote *m, char ***ret)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	r = sd_bus_get_property_strv(m->bus, NAME, OBJECT, MANAGER, "Guarded", &error, ret);
	if (r < 0)
		return pr_remote_failed(m, r, &error, "pciroomd does not say what it guards");
	return PR_EXIT_OK;
}

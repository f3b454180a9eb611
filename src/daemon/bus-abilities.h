/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties of the manager: what can be done on this machine, and why not the rest. */
#pragma once

#include "daemon/bus.h"

int pr_bus_get_backends(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error);
int pr_bus_get_unavailable(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error);
/* Announces them when the last look tells otherwise of them than @before; NULL: there was none. */
void pr_bus_abilities_looked(struct pr_bus *b, const struct pr_topology *before);

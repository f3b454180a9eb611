/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of the manager object that are about guarded slots. */
#pragma once

#include "daemon/bus.h"

int pr_bus_method_guard(sd_bus_message *m, void *userdata, sd_bus_error *error);
int pr_bus_method_release(sd_bus_message *m, void *userdata, sd_bus_error *error);
int pr_bus_get_guarded(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *userdata, sd_bus_error *error);

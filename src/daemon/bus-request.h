/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading what clients want planned from a message. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/service.h"

/* a{sv} into @ret; sd-bus answers a negative errno with the error that goes with it. */
int pr_asked_read(sd_bus_message *m, struct pr_asked *ret, sd_bus_error *error);
/* t, of which no bit is known. */
int pr_flags_read(sd_bus_message *m, sd_bus_error *error);
/* a{sv}, of which no key is known. */
int pr_options_read(sd_bus_message *m, sd_bus_error *error);

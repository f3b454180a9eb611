/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of D-Bus messages as JSON, whatever their type. */
#pragma once

#include <systemd/sd-bus.h>

#include "base/json.h"

/*
 * Reads the next complete value of @m and writes it.  Structures become arrays, dictionaries with
 * texts as keys become objects, variants what is in them; descriptors become null.  1; 0 at the
 * end of the container that is being read; negative errno.
 */
int pr_bus_value_json(struct pr_json *j, const char *key, sd_bus_message *m);

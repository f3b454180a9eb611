/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan goes by, as clients see it. */
#pragma once

#include <systemd/sd-bus.h>

#include "pciroom/plan.h"

/* a{sv}; @policy NULL: no entry. */
int pr_bus_append_policy(sd_bus_message *m, const struct pr_policy *policy);

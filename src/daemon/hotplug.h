/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hot-plug events of PCI devices through libudev, and the time until they have
 * settled.  An event is only a reason to look: what happened is read from the
 * machine, so a lost event loses nothing.  While a plan is carried out, they
 * also tell who else is at it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct pr_hotplug;
struct pr_hotplug_events {
	/* Each device that comes (@added) or goes; @name: its address. */
	void (*device)(void *userdata, bool added, const char *name);
	void (*unsettled)(void *userdata); /* the first event after quiet */
	void (*settled)(void *userdata);   /* quiet for the settle time, or events for too long */
	void *userdata;
};

int pr_hotplug_new(sd_event *event, const struct pr_hotplug_events *events, uint64_t settle_usec,
	struct pr_hotplug **ret);
/*
 * As if there had been an event: at the start of the machine drivers are still
 * being loaded, and what has none yet is not idle.
 */
int pr_hotplug_kick(struct pr_hotplug *h);
void pr_hotplug_set_settle(struct pr_hotplug *h, uint64_t settle_usec);
void pr_hotplug_free(struct pr_hotplug *h); /* NULL is fine */

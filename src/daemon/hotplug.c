/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The udev monitor; the only file that knows libudev. */
#include "daemon/hotplug.h"

#include <errno.h>
#include <libudev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Devices that come and go for ever must not hide the others: look after this many settle times. */
#define PATIENCE 15
/* Events that come faster than they are read must not keep the loop from all else. */
#define EVENTS_A_TURN 256u

struct pr_hotplug {
	struct pr_hotplug_events events;
	uint64_t settle_usec;
	uint64_t first_usec; /* of this burst; 0: quiet */
	struct udev *udev;
	struct udev_monitor *monitor;
	sd_event *event;
	sd_event_source *io, *timer;
};

static int rearm(struct pr_hotplug *h)
{
	uint64_t now, last, when;
	int r;

	r = sd_event_now(h->event, CLOCK_MONOTONIC, &now);
	if (r < 0)
		return r;
	if (h->first_usec == 0)
		h->first_usec = now;
	last = h->first_usec + PATIENCE * h->settle_usec;
	when = now + h->settle_usec < last ? now + h->settle_usec : last;
	r = sd_event_source_set_time(h->timer, when);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct pr_hotplug *h = userdata;

	(void)source;
	(void)usec;
	h->first_usec = 0;
	h->events.settled(h->events.userdata);
	return 0;
}

static void tell_device(const struct pr_hotplug *h, struct udev_device *d)
{
	const char *action = udev_device_get_action(d), *name = udev_device_get_sysname(d);

	if (!action || !name)
		return;
	if (strcmp(action, "add") == 0 || strcmp(action, "remove") == 0)
		h->events.device(h->events.userdata, *action == 'a', name);
}

/*
 * True when there was an event, or events were lost (ENOBUFS), which is as good a reason to look.
 */
static bool drain(struct pr_hotplug *h)
{
	struct udev_device *d;
	bool any = false;

	for (unsigned int n = 0; n < EVENTS_A_TURN; n++) {
		errno = 0;
		d = udev_monitor_receive_device(h->monitor);
		if (!d && errno != ENOBUFS)
			break; /* none is left, or one was not for us */
		any = true;
		if (!d)
			continue;
		tell_device(h, d);
		(void)udev_device_unref(d); /* returns NULL, always */
	}
	return any;
}

int pr_hotplug_kick(struct pr_hotplug *h)
{
	bool quiet = h->first_usec == 0;
	int r;

	r = rearm(h);
	if (r >= 0 && quiet)
		h->events.unsettled(h->events.userdata);
	return r;
}

static int on_event(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct pr_hotplug *h = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	return drain(h) ? pr_hotplug_kick(h) : 0;
}

/*
 * udevd passes events on when its rules have run; without it (rescue shell,
 * initramfs) the kernel's own are all there is.  udevd's control socket tells,
 * as it does for libudev itself (systemd, sd_device_monitor_new_full).
 */
static const char *event_source(void)
{
	return access("/run/udev/control", F_OK) == 0 ? "udev" : "kernel";
}

static int open_monitor(struct pr_hotplug *h)
{
	int r;

	h->udev = udev_new();
	if (!h->udev)
		return -errno;
	h->monitor = udev_monitor_new_from_netlink(h->udev, event_source());
	if (!h->monitor)
		return -errno;
	r = udev_monitor_filter_add_match_subsystem_devtype(h->monitor, "pci", NULL);
	if (r < 0)
		return r;
	return udev_monitor_enable_receiving(h->monitor);
}

static int add_sources(struct pr_hotplug *h)
{
	int r;

	r = sd_event_add_time(h->event, &h->timer, CLOCK_MONOTONIC, 0, 0, on_settled, h);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	return sd_event_add_io(
		h->event, &h->io, udev_monitor_get_fd(h->monitor), EPOLLIN, on_event, h);
}

int pr_hotplug_new(sd_event *event, const struct pr_hotplug_events *events, uint64_t settle_usec,
	struct pr_hotplug **ret)
{
	struct pr_hotplug *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->events = *events;
	h->settle_usec = settle_usec;
	h->event = sd_event_ref(event);
	r = open_monitor(h);
	if (r >= 0)
		r = add_sources(h);
	if (r < 0) {
		pr_hotplug_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

void pr_hotplug_set_settle(struct pr_hotplug *h, uint64_t settle_usec)
{
	h->settle_usec = settle_usec;
}

void pr_hotplug_free(struct pr_hotplug *h)
{
	if (!h)
		return;
	sd_event_source_disable_unref(h->io);
	sd_event_source_disable_unref(h->timer);
	if (h->monitor)
		(void)udev_monitor_unref(h->monitor); /* both return NULL, always */
	if (h->udev)
		(void)udev_unref(h->udev);
	sd_event_unref(h->event);
	free(h);
}

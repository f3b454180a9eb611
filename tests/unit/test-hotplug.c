/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More hot-plug events at once than the kernel keeps for a listener, in a
 * network namespace of the test's own: nobody else hears them.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/hotplug.h"
#include "rows.h"

#define NOBODY 65534

struct heard {
	sd_event *event;
	unsigned int devices, unsettled, settled;
};

static void on_device(void *userdata, bool added, const char *name)
{
	struct heard *h = userdata;

	(void)added;
	(void)name;
	h->devices++;
}

static void on_unsettled(void *userdata)
{
	struct heard *h = userdata;

	h->unsettled++;
}

static void on_settled(void *userdata)
{
	struct heard *h = userdata;

	h->settled++;
	assert_true(sd_event_exit(h->event, 0) >= 0);
}

/*
 * To both groups of NETLINK_KOBJECT_UEVENT: 1 is the kernel's own, 2 what udevd passes on.  Not
 * the kernel's and not udevd's, so libudev drops each that it gets.  As long as the kernel lets
 * them be, so that few are many, however much an administrator lets a socket keep.
 */
static void send_events(unsigned int n)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	static char text[16384] = "add@/devices/pci0000:00/0000:00:1f.0\0ACTION=add\0SUBSYSTEM=pci";
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	assert_true(fd >= 0);
	for (unsigned int group = 1; group <= 2; group++) {
		to.nl_groups = group;
		for (unsigned int i = 0; i < n; i++)
			if (sendto(fd, text, sizeof(text), 0, (struct sockaddr *)&to, sizeof(to)) <
				0)
				/* what did not fit; or nobody listens to that group */
				assert_true(errno == ENOBUFS || errno == ECONNREFUSED ||
					    errno == ESRCH);
	}
	assert_int_equal(close(fd), 0);
}

static void open_hotplug(struct heard *h, struct pr_hotplug **ret)
{
	const struct pr_hotplug_events events = {
		.device = on_device, .unsettled = on_unsettled, .settled = on_settled, .userdata = h
	};

	*h = (struct heard){ 0 };
	assert_true(sd_event_new(&h->event) >= 0);
	/* as the service's user: libudev's 128 MiB of buffer are for root, he gets what everybody does */
	assert_int_equal(seteuid(NOBODY), 0);
	assert_int_equal(pr_hotplug_new(h->event, &events, 100000, ret), 0);
	assert_int_equal(seteuid(0), 0);
}

static void test_overflow(void **state)
{
	struct pr_hotplug *hotplug;
	struct heard h;

	(void)state;
	open_hotplug(&h, &hotplug);
	send_events(10000);
	assert_true(sd_event_loop(h.event) >= 0); /* until on_settled() */
	assert_int_equal(h.unsettled, 1);
	assert_int_equal(h.settled, 1);
	assert_int_equal(h.devices, 0);
	pr_hotplug_free(hotplug);
	sd_event_unref(h.event);
}

/* The other half: what made the difference above is the overflow. */
static void test_foreign(void **state)
{
	struct pr_hotplug *hotplug;
	struct heard h;

	(void)state;
	open_hotplug(&h, &hotplug);
	send_events(3);
	while (sd_event_run(h.event, 0) > 0)
		;
	assert_int_equal(h.unsettled, 0);
	pr_hotplug_free(hotplug);
	sd_event_unref(h.event);
}

int main(void)
{
	struct rows tests = { 0 };

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		printf("1..0 # SKIP only root has a network namespace of his own\n");
		return 0;
	}
	rows_add(&tests, "ten thousand events overflow: one look at the machine", test_overflow,
		NULL);
	rows_add(&tests, "what neither kernel nor udevd sent is no event", test_foreign, NULL);
	(void)alarm(600); /* a daemon that noticed nothing waits for ever */
	return rows_run(&tests, "hotplug");
}

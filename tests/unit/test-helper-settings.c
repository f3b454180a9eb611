/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's verbs for settings, over a fake tree of files: which files and
 * which bits of which capability may be written, with what, and nothing else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "fixture.h"
#include "helper/registers.h"
#include "helper/verbs.h"
#include "rows.h"

#define CONFIG_LENGTH 0x240

struct helper {
	struct fixture *files;
	struct pr_context context;
};

#define DEVICES "sys/bus/pci/devices/"
#define FREE    "0000:01:00.0"
#define USED    "0000:01:01.0"

static const struct fixture_entry entries[] = {
	{ DEVICES FREE "/driver_override", "(null)\n", NULL },
	{ DEVICES FREE "/msi_bus", "1\n", NULL },
	{ DEVICES FREE "/reset_method", "flr bus\n", NULL },
	{ DEVICES FREE "/power/control", "on\n", NULL },
	{ DEVICES FREE "/sriov_numvfs", "0\n", NULL },
	{ DEVICES FREE "/resource0", "", NULL },
	{ DEVICES FREE "/remove", "", NULL },
	{ DEVICES USED "/power/control", "auto\n", NULL },
	{ "sys/bus/pci/drivers_autoprobe", "1\n", NULL },
	{ "sys/bus/pci/drivers_probe", "", NULL },
	{ 0 },
};

/* PCI Express at 40h with Device Control 2; AER at 100h, ACS at 150h, LTR at 160h. */
static void make_config(uint8_t config[CONFIG_LENGTH], uint8_t header_type)
{
	memset(config, 0, CONFIG_LENGTH);
	config[0x06] = 0x10;
	config[0x0e] = header_type;
	config[0x34] = 0x50;
	fixture_put16(config, 0x50, 0x4001); /* power management, then */
	fixture_put16(config, 0x40, 0x0010);
	fixture_put16(config, 0x42, 0x0002);
	fixture_put16(config, 0x48, 0x2810);
	fixture_put32(config, 0x100, 0x15020001);
	fixture_put32(config, 0x150, 0x1601000d);
	fixture_put32(config, 0x160, 0x00010018);
}

static void add_function(
	struct fixture *f, const char *path, uint8_t header_type, const char *driver)
{
	uint8_t config[CONFIG_LENGTH];

	make_config(config, header_type);
	fixture_function(f, &(struct fixture_function){ .path = path,
				    .config = config,
				    .config_length = sizeof(config),
				    .driver = driver });
}

static int setup(void **state)
{
	struct helper *h = calloc(1, sizeof(*h));
	struct fixture *f = fixture_new();

	assert_non_null(h);
	add_function(f, "pci0000:00/0000:00:02.0", 1, "pcieport");
	add_function(f, "pci0000:00/0000:00:02.0/" FREE, 0, NULL);
	add_function(f, "pci0000:00/0000:00:02.0/" USED, 0, "e1000e");
	fixture_fill(f, entries);

	h->files = f;
	h->context.state = -ENOENT;
	assert_int_equal(pr_access_open(fixture_root(f), &h->context.access), 0);
	assert_int_equal(pr_audit_open(fixture_path(f, "log"), true, &h->context.audit), 0);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct helper *h = *state;

	pr_audit_close(&h->context.audit);
	pr_access_close(&h->context.access);
	fixture_free(h->files);
	free(h);
	return 0;
}

static int ask(struct helper *h, struct pr_helper_request q, struct pr_helper_reply *reply)
{
	struct ucred me = { .pid = getpid(), .uid = geteuid() };
	int fd;

	q.version = PR_HELPER_VERSION;
	(void)pr_verb_handle(&h->context, &q, sizeof(q), 0, &me, reply, &fd);
	pr_closep(&fd);
	return reply->error;
}

/* ---- files ---- */

#define CARD      .bus = 1
#define USED_CARD .bus = 1, .device = 1
#define PORT      .device = 2
#define SET(n, t) .verb = PR_HELPER_WRITE_ATTRIBUTE, CARD, .name = (n), .text = (t)

static const struct row {
	const char *name;
	struct pr_helper_request q;
	int error;
	const char *file, *written; /* NULL: nothing is */
} rows[] = {
	{ "a switch takes 0", { SET("msi_bus", "0") }, 0, DEVICES FREE "/msi_bus", "0\n" },
	{ "a switch takes nothing else", { SET("msi_bus", "2") }, -EINVAL, NULL, NULL },
	{ "power/control takes on", { SET("power/control", "auto") }, 0,
		DEVICES FREE "/power/control", "auto\n" },
	{ "power/control takes no other word", { SET("power/control", "off") }, -EINVAL, NULL,
		NULL },
	{ "an override is a driver's name", { SET("driver_override", "vfio-pci") }, 0,
		DEVICES FREE "/driver_override", "vfio-pci\n" },
	{ "an override is taken away", { SET("driver_override", "") }, 0,
		DEVICES FREE "/driver_override", "\nnull)\n" },
	{ "an override is no path", { SET("driver_override", "../x") }, -EINVAL, NULL, NULL },
	{ "an override is one line", { SET("driver_override", "a\nb") }, -EINVAL, NULL, NULL },
	{ "methods are words", { SET("reset_method", "flr bus") }, 0, DEVICES FREE "/reset_method",
		"flr bus\n" },
	{ "methods are no numbers", { SET("reset_method", "flr 1") }, -EINVAL, NULL, NULL },
	{ "a number of functions", { SET("sriov_numvfs", "65535") }, 0,
		DEVICES FREE "/sriov_numvfs", "65535\n" },
	{ "a number without digits", { SET("sriov_numvfs", "") }, -EINVAL, NULL, NULL },
	{ "a number of six digits", { SET("sriov_numvfs", "100000") }, -EINVAL, NULL, NULL },
	{ "a negative number", { SET("sriov_numvfs", "-1") }, -EINVAL, NULL, NULL },
	{ "a file that exists and is not on the list", { SET("resource0", "1") }, -EPERM, NULL,
		NULL },
	{ "remove is a verb and no attribute", { SET("remove", "1") }, -EPERM, NULL, NULL },
	{ "a path out of the directory", { SET("../0000:01:01.0/power/control", "on") }, -EPERM,
		NULL, NULL },
	{ "no name", { SET("", "1") }, -EPERM, NULL, NULL },
	{ "a setting that this function has not", { SET("d3cold_allowed", "1") }, -ENOENT, NULL,
		NULL },
	{ "a function that is not there",
		{ .verb = PR_HELPER_WRITE_ATTRIBUTE, .bus = 9, .name = "msi_bus", .text = "1" },
		-ENODEV, NULL, NULL },
	{ "drivers are held off", { .verb = PR_HELPER_AUTOPROBE, .value = 0 }, 0,
		"sys/bus/pci/drivers_autoprobe", "0\n" },
	{ "drivers are held off or not", { .verb = PR_HELPER_AUTOPROBE, .value = 2 }, -EINVAL, NULL,
		NULL },
	{ "drivers are tried on a function", { .verb = PR_HELPER_PROBE, CARD }, 0,
		"sys/bus/pci/drivers_probe", FREE },
	{ "drivers are not tried on one that has its", { .verb = PR_HELPER_PROBE, USED_CARD },
		-EBUSY, NULL, NULL },
	{ "settings of a function that is not there",
		{ .verb = PR_HELPER_READ_ATTRIBUTES, .bus = 9 }, -ENODEV, NULL, NULL },
};

static void test_row(void **state)
{
	const struct row *row = *state;
	struct pr_helper_reply reply;
	struct helper *h;
	void *fresh = NULL;

	assert_int_equal(setup(&fresh), 0);
	h = fresh;
	assert_int_equal(ask(h, row->q, &reply), row->error);
	for (size_t i = 0; entries[i].path; i++) {
		const char *holds = fixture_read(h->files, entries[i].path, NULL);

		assert_string_equal(holds, row->file && strcmp(row->file, entries[i].path) == 0
						   ? row->written
						   : entries[i].text);
	}
	(void)teardown(&fresh);
}

static void test_reads(void **state)
{
	struct pr_helper_request q = { .verb = PR_HELPER_READ_ATTRIBUTES, CARD };
	struct pr_helper_reply reply;

	assert_int_equal(ask(*state, q, &reply), 0);
	assert_string_equal((const char *)reply.data,
		"drivers_autoprobe=1\ndriver_override=\nmsi_bus=1\nreset_method=flr bus\n"
		"power/control=on\nsriov_numvfs=0\n");
	assert_int_equal(reply.length, strlen((const char *)reply.data) + 1);
}

static void test_unterminated(void **state)
{
	struct pr_helper_request q = { SET("msi_bus", "0") };
	struct pr_helper_reply reply;

	memset(q.text, '0', sizeof(q.text));
	assert_int_equal(ask(*state, q, &reply), -EBADMSG);
}

/* ---- registers ---- */

#define WRITE(o, w, v) .verb = PR_HELPER_WRITE_CONFIG, .offset = (o), .width = (w), .value = (v)

static const struct {
	const char *name;
	struct pr_helper_request q;
	int error;
} writes[] = {
	{ "read request size of a free card", { WRITE(0x48, 2, 0x5810), CARD }, 0 },
	{ "read request size under a driver", { WRITE(0x48, 2, 0x5810), USED_CARD }, 0 },
	{ "payload of a free card", { WRITE(0x48, 2, 0x2830), CARD }, 0 },
	{ "payload under a driver", { WRITE(0x48, 2, 0x2830), USED_CARD }, -EBUSY },
	{ "payload of a port", { WRITE(0x48, 2, 0x2830), PORT }, 0 },
	{ "Initiate Function Level Reset", { WRITE(0x48, 2, 0xa810), CARD }, -EPERM },
	{ "half of a register", { WRITE(0x48, 1, 0x10), CARD }, -EPERM },
	{ "a register and its status, whose bits clear when written",
		{ WRITE(0x48, 4, 0x2810), CARD }, -EPERM },
	{ "capability header", { WRITE(0x40, 2, 0x0010), CARD }, -EPERM },
	{ "link control: disables the link", { WRITE(0x50, 2, 0x0010), PORT }, -EPERM },
	{ "slot control: powers the slot off", { WRITE(0x58, 2, 0x0400), PORT }, -EPERM },
	{ "completion timeout", { WRITE(0x68, 2, 0x0006), CARD }, 0 },
	{ "ARI forwarding of a port", { WRITE(0x68, 2, 0x0020), PORT }, -EPERM },
	{ "power state", { WRITE(0x54, 2, 0x0003), CARD }, -EPERM },
	{ "mask of uncorrectable errors of a port", { WRITE(0x108, 4, 0xffffffff), PORT }, 0 },
	{ "severity", { WRITE(0x10c, 4, 1), CARD }, 0 },
	{ "status of uncorrectable errors", { WRITE(0x104, 4, 1), CARD }, -EPERM },
	{ "mask of correctable errors", { WRITE(0x114, 4, 1), CARD }, 0 },
	{ "ECRC generation", { WRITE(0x118, 4, 0x40), CARD }, 0 },
	{ "multiple header recording", { WRITE(0x118, 4, 0x400), CARD }, -EPERM },
	{ "root error command of a port", { WRITE(0x12c, 4, 7), PORT }, -EPERM },
	{ "access control", { WRITE(0x156, 2, 0x1d), PORT }, 0 },
	{ "access control capability", { WRITE(0x154, 2, 0x1d), PORT }, -EPERM },
	{ "latency tolerance", { WRITE(0x164, 4, 0x10031003), CARD }, 0 },
	{ "behind the last capability", { WRITE(0x170, 4, 0), CARD }, -EPERM },
	{ "beyond what can be read", { WRITE(0x240, 4, 0), CARD }, -EPERM },
};

static void test_write(void **state)
{
	struct pr_helper_reply reply;
	uint8_t now[4] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		const struct pr_helper_request *q = &writes[i].q;
		struct pr_helper_request back = { .verb = PR_HELPER_READ_CONFIG,
			.bus = q->bus,
			.device = q->device,
			.offset = q->offset,
			.length = q->width };
		int r = ask(*state, *q, &reply);

		if (r != writes[i].error)
			fail_msg("%s: %s", writes[i].name, strerror(-r));
		if (r < 0)
			continue;
		assert_int_equal(ask(*state, back, &reply), 0);
		memcpy(now, &q->value, sizeof(now));
		assert_memory_equal(reply.data, now, q->width);
	}
}

/* Lists from a device that is broken, or wants to be walked for ever. */
static void test_bad_lists(void **state)
{
	uint8_t config[CONFIG_LENGTH];

	(void)state;
	make_config(config, 0);
	assert_int_equal(
		pr_register_capability_mask(config, sizeof(config), 0x48, 2, false), 0x78ff);
	assert_int_equal(pr_register_capability_mask(config, 0x49, 0x48, 2, false), 0);
	fixture_put16(config, 0x50, 0x5001); /* points at itself */
	assert_int_equal(pr_register_capability_mask(config, sizeof(config), 0x48, 2, false), 0);
	fixture_put16(config, 0x50, 0x3c01); /* into the header */
	assert_int_equal(pr_register_capability_mask(config, sizeof(config), 0x48, 2, false), 0);
	fixture_put32(config, 0x100, 0x10020001); /* at itself: found before it comes round */
	assert_int_equal(pr_register_capability_mask(config, sizeof(config), 0x156, 2, false), 0);
	fixture_put32(config, 0x100, 0xfff20001); /* beyond the end */
	assert_int_equal(pr_register_capability_mask(config, sizeof(config), 0x156, 2, false), 0);
	config[0x06] = 0;
	make_config(config, 0);
	config[0x06] = 0; /* no list at all, says the status register */
	assert_int_equal(pr_register_capability_mask(config, sizeof(config), 0x48, 2, false), 0);
}

#define WITH_HELPER(name, f)                   \
	{                                      \
		name, f, setup, teardown, NULL \
	}

static const struct CMUnitTest fixed[] = {
	WITH_HELPER("settings are read as lines, absent ones are absent", test_reads),
	WITH_HELPER("a value without an end is refused", test_unterminated),
	WITH_HELPER("registers of capabilities are written bit by bit, or not at all", test_write),
	WITH_HELPER("lists that are circles or lead astray end", test_bad_lists),
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, rows, test_row);
	ADD_TESTS(&tests, fixed);

	return rows_run(&tests, "helper-settings");
}

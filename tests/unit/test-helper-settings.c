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
#define LOOSE   "0000:00:03.0" /* a port whose slot nobody has: pciehp was taken off it */
#define EMPTY   "0000:00:04.0" /* the same with nothing below */

static const struct fixture_entry entries[] = {
	{ DEVICES FREE "/driver_override", "(null)\n", NULL },
	{ DEVICES FREE "/msi_bus", "1\n", NULL },
	{ DEVICES FREE "/reset_method", "flr bus\n", NULL },
	{ DEVICES FREE "/numa_node", "0\n", NULL },
	{ DEVICES FREE "/power/control", "on\n", NULL },
	{ DEVICES FREE "/sriov_numvfs", "0\n", NULL },
	{ DEVICES FREE "/resource0", "", NULL },
	{ DEVICES FREE "/resource2_resize", "00000000000000f0\n", NULL },
	{ DEVICES FREE "/remove", "", NULL },
	{ DEVICES USED "/power/control", "auto\n", NULL },
	{ "sys/kernel/iommu_groups/7/type", "DMA\n", NULL },
	{ DEVICES USED "/iommu_group", NULL, "../../../../kernel/iommu_groups/7" },
	{ "sys/kernel/type", "secret\n", NULL },
	{ DEVICES FREE "/iommu_group", NULL, "../../../../kernel" },
	{ "sys/bus/pci/drivers_autoprobe", "1\n", NULL },
	{ "sys/bus/pci/drivers_probe", "", NULL },
	{ "sys/bus/pci_express/drivers/pciehp/bind", "", NULL },
	{ "sys/bus/pci_express/drivers/pciehp/unbind", "", NULL },
	{ 0 },
};

/*
 * PCI Express at 40h with Device Control 2; AER at 100h, ACS at 150h, LTR at 160h; Resizable BAR at
 * 170h (BAR 0 of 1, 2 or 4 MiB, BAR 2 of 2^28 MiB too), SR-IOV at 190h, its Resizable BARs at 1d0h.
 */
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
	fixture_put32(config, 0x160, 0x17010018);
	fixture_put32(config, 0x170, 0x19010015);
	fixture_put32(config, 0x174, 0x00000070);
	fixture_put32(config, 0x178, 0x00000040);
	fixture_put32(config, 0x17c, 0x00000010);
	fixture_put32(config, 0x180, 0x00010002);
	fixture_put32(config, 0x190, 0x1d010010);
	fixture_put16(config, 0x19e, 7);
	fixture_put32(config, 0x1d0, 0x00010024);
	fixture_put32(config, 0x1d4, 0x00000030);
	fixture_put32(config, 0x1d8, 0x00000020);
	if (header_type != 1)
		return;
	fixture_put16(config, 0x42, 0x0142);     /* root port with a slot */
	fixture_put32(config, 0x54, 0x0000001b); /* button, power, and both indicators */
	fixture_put16(config, 0x58, 0x07c0);     /* off */
	fixture_put16(config, 0x5a, 0x0108);
}

/* Decodes memory, and has virtual functions. */
static void make_busy(uint8_t config[CONFIG_LENGTH])
{
	make_config(config, 0);
	config[0x04] = 0x02;
	fixture_put16(config, 0x198, 0x0009);
	fixture_put16(config, 0x1a0, 2);
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
	uint8_t busy[CONFIG_LENGTH];

	assert_non_null(h);
	make_busy(busy);
	add_function(f, "pci0000:00/0000:00:02.0", 1, "pcieport");
	fixture_link(
		f, "sys/devices/pci0000:00/0000:00:02.0/0000:00:02.0:pcie004/driver", "../pciehp");
	fixture_dir(f, "sys/devices/pci0000:00/0000:00:02.0/0000:00:02.0:pcie002");
	add_function(f, "pci0000:00/" LOOSE, 1, "pcieport");
	fixture_dir(f, "sys/devices/pci0000:00/" LOOSE "/" LOOSE ":pcie004");
	add_function(f, "pci0000:00/" LOOSE "/0000:02:00.0", 0, NULL);
	fixture_config_bytes(f, "0000:02:00.0", busy, sizeof(busy));
	add_function(f, "pci0000:00/" EMPTY, 1, NULL);
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

#define CARD       .bus = 1
#define USED_CARD  .bus = 1, .device = 1
#define PORT       .device = 2
#define LOOSE_PORT .device = 3
#define EMPTY_PORT .device = 4
#define BUSY_CARD  .bus = 2
#define SET(n, t)  .verb = PR_HELPER_WRITE_ATTRIBUTE, CARD, .name = (n), .text = (t)

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
	{ "a node is a number", { SET("numa_node", "x") }, -EINVAL, NULL, NULL },
	{ "there is one node that is none", { SET("numa_node", "-2") }, -EINVAL, NULL, NULL },
	{ "a node", { SET("numa_node", "-1") }, 0, DEVICES FREE "/numa_node", "-1\n" },
	{ "methods are words", { SET("reset_method", "flr bus") }, 0, DEVICES FREE "/reset_method",
		"flr bus\n" },
	{ "methods are no numbers", { SET("reset_method", "flr 1") }, -EINVAL, NULL, NULL },
	{ "a number of functions", { SET("sriov_numvfs", "65535") }, 0,
		DEVICES FREE "/sriov_numvfs", "65535\n" },
	{ "a number without digits", { SET("sriov_numvfs", "") }, -EINVAL, NULL, NULL },
	{ "a number of six digits", { SET("sriov_numvfs", "100000") }, -EINVAL, NULL, NULL },
	{ "a negative number", { SET("sriov_numvfs", "-1") }, -EINVAL, NULL, NULL },
	{ "the size of a BAR", { SET("resource2_resize", "8") }, 0,
		DEVICES FREE "/resource2_resize", "8\n000000000000f0\n" },
	{ "no BAR is of 2^64 bytes", { SET("resource2_resize", "44") }, -EINVAL, NULL, NULL },
	{ "the size of a BAR of a virtual function", { SET("resource7_resize", "8") }, -EPERM, NULL,
		NULL },
	{ "a file that exists and is not on the list", { SET("resource0", "1") }, -EPERM, NULL,
		NULL },
	{ "remove is a verb and no attribute", { SET("remove", "1") }, -EPERM, NULL, NULL },
	{ "a path out of the directory", { SET("../0000:01:01.0/power/control", "on") }, -EPERM,
		NULL, NULL },
	{ "no name", { SET("", "1") }, -EPERM, NULL, NULL },
	{ "the type of the group that it is in",
		{ .verb = PR_HELPER_WRITE_ATTRIBUTE,
			USED_CARD,
			.name = "iommu_group/type",
			.text = "identity" },
		0, "sys/kernel/iommu_groups/7/type", "identity\n" },
	{ "a group is a number", { SET("iommu_group/type", "DMA") }, -EINVAL, NULL, NULL },
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
	{ "a slot is taken from pciehp", { .verb = PR_HELPER_HOTPLUG, PORT, .value = 0 }, 0,
		"sys/bus/pci_express/drivers/pciehp/unbind", "0000:00:02.0:pcie004" },
	{ "a slot is given to pciehp", { .verb = PR_HELPER_HOTPLUG, LOOSE_PORT, .value = 1 }, 0,
		"sys/bus/pci_express/drivers/pciehp/bind", LOOSE ":pcie004" },
	{ "a slot that pciehp has is given to it", { .verb = PR_HELPER_HOTPLUG, PORT, .value = 1 },
		0, NULL, NULL },
	{ "a slot is taken that is taken", { .verb = PR_HELPER_HOTPLUG, LOOSE_PORT, .value = 0 }, 0,
		NULL, NULL },
	{ "a slot is taken or given", { .verb = PR_HELPER_HOTPLUG, PORT, .value = 2 }, -EINVAL,
		NULL, NULL },
	{ "a card has no slot", { .verb = PR_HELPER_HOTPLUG, CARD, .value = 0 }, -EOPNOTSUPP, NULL,
		NULL },
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
	if (row->q.verb == PR_HELPER_HOTPLUG) /* says that it was so already */
		assert_int_equal(reply.length, row->error == 0 && !row->file);
	for (size_t i = 0; entries[i].path; i++) {
		const char *holds;

		if (entries[i].target)
			continue;
		holds = fixture_read(h->files, entries[i].path, NULL);
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
		"drivers_autoprobe=1\naer=kernel\ndriver_override=\nnuma_node=0\nmsi_bus=1\nreset_method=flr bus\n"
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
	{ "link control: disables the link of a slot of pciehp", { WRITE(0x50, 2, 0x4011), PORT },
		-EBUSY },
	{ "the link of a port with nothing below it", { WRITE(0x50, 2, 0x4011), EMPTY_PORT }, 0 },
	{ "the link of a card that works", { WRITE(0x50, 2, 0x4011), LOOSE_PORT }, -EBUSY },
	{ "the link above a card is not the card's", { WRITE(0x50, 2, 0x4011), CARD }, -EPERM },
	{ "another bit of the link", { WRITE(0x50, 2, 0x4021), EMPTY_PORT }, -EPERM },
	{ "power of a slot that pciehp has", { WRITE(0x58, 2, 0x03c0), PORT }, -EBUSY },
	{ "power of a slot that nobody has", { WRITE(0x58, 2, 0x03c0), EMPTY_PORT }, 0 },
	{ "power of a slot with functions in it", { WRITE(0x58, 2, 0x03c0), LOOSE_PORT }, -EBUSY },
	{ "indicators of a slot with functions in it", { WRITE(0x58, 2, 0x0580), LOOSE_PORT }, 0 },
	{ "an indicator's reserved value", { WRITE(0x58, 2, 0x0780 & ~0xc0), LOOSE_PORT }, -EPERM },
	{ "a slot's interrupts", { WRITE(0x58, 2, 0x07e0), EMPTY_PORT }, -EPERM },
	{ "a slot's interlock, which a one moves", { WRITE(0x58, 2, 0x0fc0), EMPTY_PORT }, -EPERM },
	{ "power of what is no slot", { WRITE(0x58, 2, 0x0400), CARD }, -EPERM },
	{ "what a slot has latched", { WRITE(0x5a, 2, 0x0108), LOOSE_PORT }, 0 },
	{ "what a slot of pciehp has latched", { WRITE(0x5a, 2, 0x0108), PORT }, -EBUSY },
	{ "reserved bits of a slot's status", { WRITE(0x5a, 2, 0x8000), LOOSE_PORT }, -EPERM },
	{ "slot control and status at once", { WRITE(0x58, 4, 0x010807c0), LOOSE_PORT }, -EPERM },
	{ "completion timeout", { WRITE(0x68, 2, 0x0006), CARD }, 0 },
	{ "ARI forwarding of a port", { WRITE(0x68, 2, 0x0020), PORT }, -EPERM },
	{ "power state", { WRITE(0x54, 2, 0x0003), CARD }, -EPERM },
	{ "mask of uncorrectable errors of a port", { WRITE(0x108, 4, 0xffffffff), PORT }, 0 },
	{ "the same of a port whose errors the firmware handles",
		{ WRITE(0x108, 4, 0xffffffff), LOOSE_PORT }, -EPERM },
	{ "the same of a card below it", { WRITE(0x108, 4, 1), BUSY_CARD }, -EPERM },
	{ "severity", { WRITE(0x10c, 4, 1), CARD }, 0 },
	{ "status of uncorrectable errors", { WRITE(0x104, 4, 1), CARD }, -EPERM },
	{ "mask of correctable errors", { WRITE(0x114, 4, 1), CARD }, 0 },
	{ "ECRC generation", { WRITE(0x118, 4, 0x40), CARD }, 0 },
	{ "multiple header recording", { WRITE(0x118, 4, 0x400), CARD }, -EPERM },
	{ "root error command of a port", { WRITE(0x12c, 4, 7), PORT }, -EPERM },
	{ "access control", { WRITE(0x156, 2, 0x1d), PORT }, 0 },
	{ "access control capability", { WRITE(0x154, 2, 0x1d), PORT }, -EPERM },
	{ "latency tolerance", { WRITE(0x164, 4, 0x10031003), CARD }, 0 },
	{ "another size of a BAR", { WRITE(0x178, 4, 0x0240), CARD }, 0 },
	{ "the same under a driver", { WRITE(0x178, 4, 0x0240), USED_CARD }, -EBUSY },
	{ "the same of a function that decodes", { WRITE(0x178, 4, 0x0240), BUSY_CARD }, -EBUSY },
	{ "the same of a port with its driver", { WRITE(0x178, 4, 0x0240), PORT }, -EBUSY },
	{ "a size that the BAR has not", { WRITE(0x178, 4, 0x0340), CARD }, -EPERM },
	{ "which BAR it is", { WRITE(0x178, 4, 0x0041), CARD }, -EPERM },
	{ "how many there are", { WRITE(0x178, 4, 0x0060), CARD }, -EPERM },
	{ "half of the register", { WRITE(0x179, 1, 0x02), CARD }, -EPERM },
	{ "a size of 256 TiB", { WRITE(0x180, 4, 0x00011c02), CARD }, 0 },
	{ "a size of 512 TiB, which this one has not", { WRITE(0x180, 4, 0x00011d02), CARD },
		-EPERM },
	{ "a third BAR, of which the first register knows nothing", { WRITE(0x188, 4, 0), CARD },
		-EPERM },
	{ "sizes that it can have", { WRITE(0x174, 4, 0xf0), CARD }, -EPERM },
	{ "another size of the virtual functions' BARs", { WRITE(0x1d8, 4, 0x0120), CARD }, 0 },
	{ "the same while there are some", { WRITE(0x1d8, 4, 0x0120), BUSY_CARD }, -EBUSY },
	{ "a size that those have not", { WRITE(0x1d8, 4, 0x0220), CARD }, -EPERM },
	{ "how many virtual functions there shall be", { WRITE(0x1a0, 2, 7), CARD }, 0 },
	{ "more than there can be", { WRITE(0x1a0, 2, 8), CARD }, -EPERM },
	{ "another number while they are on", { WRITE(0x1a0, 2, 3), BUSY_CARD }, -EBUSY },
	{ "another number under a driver", { WRITE(0x1a0, 2, 3), USED_CARD }, -EBUSY },
	{ "virtual functions are switched on by their driver", { WRITE(0x198, 2, 1), CARD },
		-EPERM },
	{ "those left behind are switched off", { WRITE(0x198, 2, 0), BUSY_CARD }, 0 },
	{ "their page size", { WRITE(0x1b0, 4, 2), CARD }, -EPERM },
	{ "the address of their BAR", { WRITE(0x1b4, 4, 0), CARD }, -EPERM },
	{ "behind the last capability", { WRITE(0x1f0, 4, 0), CARD }, -EPERM },
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
	static const struct pr_register_owner nobody = { .driver = PR_DRIVER_NONE };
	uint8_t config[CONFIG_LENGTH];

	(void)state;
#define CHECK(n, offset) pr_capability_check(config, (n), (offset), 2, 0, &nobody)
	make_config(config, 0);
	assert_int_equal(CHECK(sizeof(config), 0x48), 0);
	assert_int_equal(CHECK(0x49, 0x48), -EPERM);
	fixture_put16(config, 0x50, 0x5001); /* points at itself */
	assert_int_equal(CHECK(sizeof(config), 0x48), -EPERM);
	fixture_put16(config, 0x50, 0x3c01); /* into the header */
	assert_int_equal(CHECK(sizeof(config), 0x48), -EPERM);
	assert_int_equal(CHECK(sizeof(config), 0x156), 0);
	fixture_put32(config, 0x100, 0x10020001); /* at itself */
	assert_int_equal(CHECK(sizeof(config), 0x156), -EPERM);
	fixture_put32(config, 0x100, 0xfff20001); /* beyond the end */
	assert_int_equal(CHECK(sizeof(config), 0x156), -EPERM);
	make_config(config, 0);
	config[0x06] = 0; /* no list at all, says the status register */
	assert_int_equal(CHECK(sizeof(config), 0x48), -EPERM);
#undef CHECK
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's verbs and its socket, over a fake tree of files: what is
 * written where, what is refused, and that a refusal touches nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/macros.h"
#include "children.h"
#include "fixture.h"
#include "helper/registers.h"
#include "helper/serve.h"
#include "rows.h"

struct helper {
	struct fixture *files;
	struct pr_context context;
};

static const char *const writable[] = {
	"sys/bus/pci/devices/0000:00:02.0/remove",
	"sys/bus/pci/devices/0000:00:02.0/rescan",
	"sys/bus/pci/devices/0000:01:00.0/remove",
	"sys/bus/pci/devices/0000:01:00.0/rescan",
	"sys/bus/pci/drivers/e1000e/bind",
	"sys/bus/pci/drivers/e1000e/unbind",
	"sys/bus/pci/drivers/pcieport/unbind",
	"sys/devices/pci0000:00/pci_bus/0000:00/rescan",
	"sys/devices/pci0000:00/0000:00:02.0/pci_bus/0000:01/rescan",
};

static void add_function(
	struct fixture *f, const char *path, uint8_t header_type, const char *driver)
{
	uint8_t config[256] = { 0 };

	for (size_t i = 0; i < sizeof(config); i++)
		config[i] = (uint8_t)i;
	config[0x0e] = header_type;
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
	add_function(f, "pci0000:00/0000:00:02.0", 0x81, "pcieport"); /* multifunction bit set */
	add_function(f, "pci0000:00/0000:00:03.0", 1, NULL);
	add_function(f, "pci0000:00/0000:00:04.0", 1, "shpchp");
	add_function(f, "pci0000:00/0000:00:02.0/0000:01:00.0", 0, NULL);
	add_function(f, "pci0000:00/0000:00:02.0/0000:01:01.0", 0, "e1000e");
	add_function(f, "pci10000:00/10000:00:00.0", 0, NULL);
	fixture_link(f, "sys/class/pci_bus/0000:00", "../../devices/pci0000:00/pci_bus/0000:00");
	fixture_link(f, "sys/class/pci_bus/0000:01",
		"../../devices/pci0000:00/0000:00:02.0/pci_bus/0000:01");
	for (size_t i = 0; i < ARRAY_SIZE(writable); i++)
		fixture_file(f, writable[i], "");
	fixture_file(f, "proc/iomem", "00000000-00000fff : Reserved\n");

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

/* ---- one request, one row ---- */

struct row {
	const char *name;
	struct pr_helper_request q;
	int error;
	const char *file, *written; /* what it holds afterwards; all others are as they were */
};

#define AT(d, b, s, fn) .domain = (d), .bus = (b), .device = (s), .function = (fn)
#define BRIDGE          AT(0, 0, 2, 0)
#define FREE_BRIDGE     AT(0, 0, 3, 0)
#define SHPC_BRIDGE     AT(0, 0, 4, 0)
#define CARD            AT(0, 1, 0, 0)
#define USED_CARD       AT(0, 1, 1, 0)
#define NOBODY          AT(0, 9, 0, 0)
#define WRITE(o, w, v)  .verb = PR_HELPER_WRITE_CONFIG, .offset = (o), .width = (w), .value = (v)

static const struct row rows[] = {
	{ "remove writes 1 to the function's file", { .verb = PR_HELPER_REMOVE, CARD }, 0,
		"sys/bus/pci/devices/0000:01:00.0/remove", "1" },
	{ "rescan writes 1 to the function's file", { .verb = PR_HELPER_RESCAN, BRIDGE }, 0,
		"sys/bus/pci/devices/0000:00:02.0/rescan", "1" },
	{ "a function that is not there cannot be removed", { .verb = PR_HELPER_REMOVE, NOBODY },
		-ENODEV, NULL, NULL },
	{ "a device number of 32 is no address", { .verb = PR_HELPER_REMOVE, AT(0, 0, 32, 0) },
		-EINVAL, NULL, NULL },
	{ "a function number of 8 is no address", { .verb = PR_HELPER_REMOVE, AT(0, 0, 2, 8) },
		-EINVAL, NULL, NULL },
	{ "a domain of five digits is found",
		{ .verb = PR_HELPER_READ_CONFIG, .length = 4, AT(0x10000, 0, 0, 0) }, 0, NULL,
		NULL },
	{ "a root bus is rescanned by its own file",
		{ .verb = PR_HELPER_RESCAN_ROOT, AT(0, 0, 0, 0) }, 0,
		"sys/devices/pci0000:00/pci_bus/0000:00/rescan", "1" },
	{ "a bus below a bridge is never rescanned by its own file",
		{ .verb = PR_HELPER_RESCAN_ROOT, AT(0, 1, 0, 0) }, -EINVAL, NULL, NULL },
	{ "a bus that is not there cannot be rescanned",
		{ .verb = PR_HELPER_RESCAN_ROOT, AT(0, 7, 0, 0) }, -ENODEV, NULL, NULL },
	{ "a root bus has no device number", { .verb = PR_HELPER_RESCAN_ROOT, AT(0, 0, 1, 0) },
		-EINVAL, NULL, NULL },
	{ "unbind writes the address to the driver", { .verb = PR_HELPER_UNBIND, USED_CARD }, 0,
		"sys/bus/pci/drivers/e1000e/unbind", "0000:01:01.0" },
	{ "a function without driver cannot be unbound", { .verb = PR_HELPER_UNBIND, CARD },
		-ENOENT, NULL, NULL },
	{ "bind writes the address to the driver named",
		{ .verb = PR_HELPER_BIND, CARD, .name = "e1000e" }, 0,
		"sys/bus/pci/drivers/e1000e/bind", "0000:01:00.0" },
	{ "a function with a driver is not bound again",
		{ .verb = PR_HELPER_BIND, USED_CARD, .name = "e1000e" }, -EBUSY, NULL, NULL },
	{ "a driver that is not there cannot be bound",
		{ .verb = PR_HELPER_BIND, CARD, .name = "nvme" }, -ENOENT, NULL, NULL },
	{ "a driver name with a slash is refused",
		{ .verb = PR_HELPER_BIND, CARD, .name = "../devices" }, -EINVAL, NULL, NULL },
	{ "the parent directory is not a driver", { .verb = PR_HELPER_BIND, CARD, .name = ".." },
		-EINVAL, NULL, NULL },
	{ "an empty driver name is refused", { .verb = PR_HELPER_BIND, CARD }, -EINVAL, NULL,
		NULL },
	{ "a driver name with a newline is refused",
		{ .verb = PR_HELPER_BIND, CARD, .name = "e1000e\n" }, -EINVAL, NULL, NULL },
	{ "a deadline of 600 s is taken", { .verb = PR_HELPER_REMOVE, CARD, .deadline_ms = 600000 },
		0, "sys/bus/pci/devices/0000:01:00.0/remove", "1" },
	{ "a longer deadline is refused", { .verb = PR_HELPER_REMOVE, CARD, .deadline_ms = 600001 },
		-EINVAL, NULL, NULL },
	{ "the last bytes of extended space may be asked for",
		{ .verb = PR_HELPER_READ_CONFIG, CARD, .offset = 4092, .length = 4 }, 0, NULL,
		NULL },
	{ "reading beyond extended space is refused",
		{ .verb = PR_HELPER_READ_CONFIG, CARD, .offset = 4093, .length = 4 }, -EINVAL, NULL,
		NULL },
	{ "a length that wraps is refused",
		{ .verb = PR_HELPER_READ_CONFIG, CARD, .offset = 16, .length = UINT32_MAX },
		-EINVAL, NULL, NULL },
	{ "a file that is not in the table is refused",
		{ .verb = PR_HELPER_READ_FILE, .name = "kallsyms" }, -EINVAL, NULL, NULL },
	{ "a path is not a file of the table",
		{ .verb = PR_HELPER_READ_FILE, .name = "/etc/shadow" }, -EINVAL, NULL, NULL },
	{ "a file of the table that is not there says so",
		{ .verb = PR_HELPER_READ_FILE, .name = "ioports" }, -ENOENT, NULL, NULL },
	{ "sizing is refused where nothing can be saved", { .verb = PR_HELPER_MEASURE, CARD },
		-ENOENT, NULL, NULL },
	{ "verb 0 does not exist", { .verb = 0 }, -EOPNOTSUPP, NULL, NULL },
	{ "a verb beyond the last does not exist", { .verb = _PR_HELPER_VERB_MAX }, -EOPNOTSUPP,
		NULL, NULL },
	{ "a BAR of a card may not be written", { WRITE(0x10, 4, 0), CARD }, -EPERM, NULL, NULL },
	{ "the bus numbers of a card are something else there", { WRITE(0x18, 1, 0), CARD }, -EPERM,
		NULL, NULL },
	{ "COMMAND of a card with a driver is the driver's", { WRITE(0x04, 2, 0), USED_CARD },
		-EBUSY, NULL, NULL },
	{ "registers of a bridge with a driver of its own are refused",
		{ WRITE(0x18, 1, 0), SHPC_BRIDGE }, -EBUSY, NULL, NULL },
	{ "the latency timer behind the bus numbers is not on the list",
		{ WRITE(0x18, 4, 0), FREE_BRIDGE }, -EPERM, NULL, NULL },
	{ "a value wider than the register is refused", { WRITE(0x18, 1, 0x100), FREE_BRIDGE },
		-EINVAL, NULL, NULL },
	{ "an offset near the end of 32 bits does not wrap onto the list",
		{ WRITE(0xfffffffc, 4, 0), FREE_BRIDGE }, -EPERM, NULL, NULL },
};

static void assert_untouched(struct helper *h, const char *but)
{
	for (size_t i = 0; i < ARRAY_SIZE(writable); i++)
		if (!but || strcmp(writable[i], but) != 0)
			assert_string_equal(fixture_read(h->files, writable[i], NULL), "");
}

static size_t log_lines(struct helper *h)
{
	const char *log = fixture_read(h->files, "log", NULL);
	size_t n = 0;

	for (; *log; log++)
		n += *log == '\n';
	return n;
}

static int ask(struct helper *h, struct pr_helper_request q, struct pr_helper_reply *reply)
{
	struct ucred me = { .pid = getpid(), .uid = geteuid() };
	int fd;

	q.version = PR_HELPER_VERSION;
	q.sequence = 4711;
	(void)pr_verb_handle(&h->context, &q, sizeof(q), 0, &me, reply, &fd);
	pr_closep(&fd);
	assert_int_equal(reply->version, PR_HELPER_VERSION);
	return reply->error;
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct pr_helper_reply reply;
	struct helper *h;
	void *fresh = NULL;
	bool writes = row->q.verb >= PR_HELPER_MEASURE && row->q.verb < _PR_HELPER_VERB_MAX;

	assert_int_equal(setup(&fresh), 0);
	h = fresh;
	assert_int_equal(ask(h, row->q, &reply), row->error);
	if (row->file)
		assert_string_equal(fixture_read(h->files, row->file, NULL), row->written);
	assert_untouched(h, row->file);
	assert_int_equal(log_lines(h), writes ? 1 : 0);
	(void)teardown(&fresh);
}

/* ---- links that lead astray, and what may not be taken away ---- */

#define DEVICES "sys/bus/pci/devices/"
#define OUTSIDE "outside"

/* Each is put into the tree of setup(); "outside" has the files of a function, and stays as it is. */
static const struct astray {
	const char *name;
	struct fixture_entry entries[2];
	struct pr_helper_request q;
	int error;
} astray[] = {
	{ "a link that leads out of the device tree",
		{ { DEVICES "0000:05:00.0", NULL, "../../../../" OUTSIDE "/0000:05:00.0" } },
		{ .verb = PR_HELPER_REMOVE, AT(0, 5, 0, 0) }, -EXDEV },
	{ "a link that leads into it and out again",
		{ { DEVICES "0000:05:00.0", NULL,
			"../../../devices/../../" OUTSIDE "/0000:05:00.0" } },
		{ .verb = PR_HELPER_REMOVE, AT(0, 5, 0, 0) }, -EXDEV },
	{ "a link to the place of another function",
		{ { DEVICES "0000:05:00.0", NULL, "../../../devices/pci0000:00/0000:00:02.0" } },
		{ .verb = PR_HELPER_REMOVE, AT(0, 5, 0, 0) }, -EINVAL },
	{ "an absolute link", { { DEVICES "0000:05:00.0", NULL, "/" OUTSIDE "/0000:05:00.0" } },
		{ .verb = PR_HELPER_REMOVE, AT(0, 5, 0, 0) }, -EXDEV },
	{ "a link within the tree",
		{ { DEVICES "0000:05:00.0", NULL, "../../../devices/pci0000:00/0000:05:00.0" },
			{ "sys/devices/pci0000:00/0000:05:00.0", NULL,
				"../../../" OUTSIDE "/0000:05:00.0" } },
		{ .verb = PR_HELPER_REMOVE, AT(0, 5, 0, 0) }, -ELOOP },
	{ "a function that is a file", { { DEVICES "0000:05:00.0", "", NULL } },
		{ .verb = PR_HELPER_REMOVE, AT(0, 5, 0, 0) }, -EINVAL },
	{ "an attribute that is a link",
		{ { DEVICES "0000:01:00.0/msi_bus", NULL, "/" OUTSIDE "/0000:05:00.0/remove" } },
		{ .verb = PR_HELPER_WRITE_ATTRIBUTE, CARD, .name = "msi_bus", .text = "1" },
		-ELOOP },
	{ "a directory of attributes that is a link",
		{ { DEVICES "0000:01:00.0/power", NULL, "../../../../../" OUTSIDE "/power" } },
		{ .verb = PR_HELPER_WRITE_ATTRIBUTE, CARD, .name = "power/control", .text = "on" },
		-ELOOP },
	{ "configuration space that is a link",
		{ { DEVICES "0000:00:05.0", NULL, "../../../devices/pci0000:00/0000:00:05.0" },
			{ "sys/devices/pci0000:00/0000:00:05.0/config", NULL,
				"../../../../" OUTSIDE "/0000:05:00.0/config" } },
		{ WRITE(0x04, 2, 0), AT(0, 0, 5, 0) }, -ELOOP },
	{ "a driver that is a link",
		{ { "sys/bus/pci/drivers/astray", NULL, "../../../../" OUTSIDE } },
		{ .verb = PR_HELPER_BIND, CARD, .name = "astray" }, -ELOOP },
	{ "the driver of a function by another place than its own",
		{ { DEVICES "0000:01:00.0/driver", NULL, "../../../../../" OUTSIDE } },
		{ .verb = PR_HELPER_UNBIND, CARD }, -ENOENT },
	{ "a root bus that leads out",
		{ { "sys/class/pci_bus/0007:00", NULL,
			"../../../" OUTSIDE "/pci0007:00/pci_bus/0007:00" } },
		{ .verb = PR_HELPER_RESCAN_ROOT, AT(7, 0, 0, 0) }, -EXDEV },
	{ "a function with virtual functions is not removed",
		{ { DEVICES "0000:01:00.0/virtfn0", NULL, "../0000:01:00.1" } },
		{ .verb = PR_HELPER_REMOVE, CARD }, -EBUSY },
	{ "nor is the port above it",
		{ { DEVICES "0000:01:00.0/virtfn0", NULL, "../0000:01:00.1" } },
		{ .verb = PR_HELPER_REMOVE, BRIDGE }, -EBUSY },
	{ "a function that could have some, and has none, is removed",
		{ { DEVICES "0000:01:00.0/sriov_numvfs", "0\n", NULL } },
		{ .verb = PR_HELPER_REMOVE, BRIDGE }, 0 },
};

static const char *const outside[] = { OUTSIDE "/0000:05:00.0/remove",
	OUTSIDE "/0000:05:00.0/config", OUTSIDE "/bind", OUTSIDE "/unbind",
	OUTSIDE "/power/control", OUTSIDE "/pci0007:00/pci_bus/0007:00/rescan" };

static void test_astray(void **state)
{
	const struct astray *row = *state;
	struct pr_helper_reply reply;
	struct helper *h;
	void *fresh = NULL;

	assert_int_equal(setup(&fresh), 0);
	h = fresh;
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
		fixture_file(h->files, outside[i], "0123456789abcdef");
	for (size_t i = 0; i < ARRAY_SIZE(row->entries) && row->entries[i].path; i++) {
		struct fixture_entry one[2] = { row->entries[i] };

		fixture_fill(h->files, one);
	}
	assert_int_equal(ask(h, row->q, &reply), row->error);
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
		assert_string_equal(fixture_read(h->files, outside[i], NULL), "0123456789abcdef");
	(void)teardown(&fresh);
}

/* ---- registers ---- */

static void test_writes_registers(void **state)
{
	static const struct {
		struct pr_helper_request q;
		const char *config;
		uint8_t before[4], after[4];
	} writes[] = {
		{ { WRITE(0x18, 1, 0xaa), FREE_BRIDGE }, "sys/bus/pci/devices/0000:00:03.0/config",
			{ 0x18, 0x19 }, { 0xaa, 0x19 } },
		{ { WRITE(0x20, 4, 0x44332211), BRIDGE }, "sys/bus/pci/devices/0000:00:02.0/config",
			{ 0x20, 0x21, 0x22, 0x23 }, { 0x11, 0x22, 0x33, 0x44 } },
		{ { WRITE(0x32, 2, 0xbeef), FREE_BRIDGE },
			"sys/bus/pci/devices/0000:00:03.0/config", { 0x32, 0x33, 0x34, 0x35 },
			{ 0xef, 0xbe, 0x34, 0x35 } },
		{ { WRITE(0x04, 2, 0x0400), CARD }, "sys/bus/pci/devices/0000:01:00.0/config",
			{ 0x04, 0x05, 0x06 }, { 0x00, 0x04, 0x06 } },
	};
	struct pr_helper_reply reply;
	struct helper *h = *state;

	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		size_t at = writes[i].q.offset, n = writes[i].q.width;

		assert_memory_equal(
			fixture_read(h->files, writes[i].config, NULL) + at, writes[i].before, n);
		assert_int_equal(ask(h, writes[i].q, &reply), 0);
		assert_memory_equal(
			fixture_read(h->files, writes[i].config, NULL) + at, writes[i].after, n);
	}
	assert_non_null(strstr(fixture_read(h->files, "log", NULL),
		" write-config 0000:00:03.0 0x18/1=0xaa -> ok\n"));
}

static void test_register_list(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t offset;
		uint8_t width;
		bool allowed;
	} accesses[] = {
		{ 0, 0x04, 2, true },
		{ 0, 0x04, 4, false },
		{ 0, 0x06, 2, false },
		{ 0, 0x30, 4, false },
		{ 1, 0x04, 1, true },
		{ 1, 0x10, 4, false },
		{ 1, 0x17, 1, false },
		{ 1, 0x18, 2, true },
		{ 1, 0x1a, 1, true },
		{ 1, 0x1b, 1, false },
		{ 1, 0x19, 2, false },
		{ 1, 0x1c, 2, true },
		{ 1, 0x1c, 4, false },
		{ 1, 0x1e, 2, false },
		{ 1, 0x20, 4, true },
		{ 1, 0x30, 4, true },
		{ 1, 0x34, 1, false },
		{ 1, 0x3c, 4, false },
		{ 1, 0x3e, 2, true },
		{ 1, 0x40, 1, false },
		{ 2, 0x18, 1, false },
		{ 1, 0x18, 0, false },
		{ 1, 0x18, 3, false },
		{ 1, 0x18, 8, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		if (pr_register_allowed(accesses[i].type, accesses[i].offset, accesses[i].width) !=
			accesses[i].allowed)
			fail_msg("header type %u, %#x/%u", accesses[i].type, accesses[i].offset,
				accesses[i].width);
	}
}

/* ---- reading ---- */

static void test_reads_config(void **state)
{
	struct pr_helper_request q = {
		.verb = PR_HELPER_READ_CONFIG, CARD, .offset = 0xfe, .length = 64
	};
	struct pr_helper_reply reply;
	struct helper *h = *state;

	assert_int_equal(ask(h, q, &reply), 0);
	assert_int_equal(reply.length, 2); /* the file ends there: the rest is unknown, not ones */
	assert_int_equal(reply.data[0], 0xfe);
	assert_int_equal(reply.data[1], 0xff);
	assert_int_equal(reply.sequence, 4711);
}

static void test_reads_file(void **state)
{
	struct pr_helper_request q = {
		.version = PR_HELPER_VERSION, .verb = PR_HELPER_READ_FILE, .name = "iomem"
	};
	struct ucred me = { 0 };
	struct pr_helper_reply reply;
	struct helper *h = *state;
	char text[64] = "";
	int fd;

	(void)pr_verb_handle(&h->context, &q, sizeof(q), 0, &me, &reply, &fd);
	assert_int_equal(reply.error, 0);
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "00000000-00000fff : Reserved\n");
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(
		fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	(void)close(fd);
}

/* ---- malformed requests ---- */

static void test_malformed(void **state)
{
	struct pr_helper_request good = {
		.version = PR_HELPER_VERSION, .verb = PR_HELPER_REMOVE, CARD
	};
	uint8_t packet[sizeof(good) + 1] = { 0 };
	struct pr_helper_request bad;
	struct ucred me = { 0 };
	struct pr_helper_reply reply;
	struct helper *h = *state;
	int fd;

	memcpy(packet, &good, sizeof(good));
	for (size_t n = 1; n <= sizeof(packet); n += sizeof(good) / 4) {
		(void)pr_verb_handle(&h->context, packet, n, 0, &me, &reply, &fd);
		assert_int_equal(reply.error, -EBADMSG);
	}
	(void)pr_verb_handle(&h->context, packet, sizeof(good) - 1, 0, &me, &reply, &fd);
	assert_int_equal(reply.error, -EBADMSG);
	(void)pr_verb_handle(&h->context, packet, sizeof(packet), 0, &me, &reply, &fd);
	assert_int_equal(reply.error, -EBADMSG);

	bad = good;
	bad.version = PR_HELPER_VERSION + 1;
	(void)pr_verb_handle(&h->context, &bad, sizeof(bad), 0, &me, &reply, &fd);
	assert_int_equal(reply.error, -EPROTO);

	bad = good;
	memset(bad.name, 'x', sizeof(bad.name));
	(void)pr_verb_handle(&h->context, &bad, sizeof(bad), 0, &me, &reply, &fd);
	assert_int_equal(reply.error, -EBADMSG);

	assert_untouched(h, NULL);
	assert_int_equal(log_lines(h), 0);
}

/* ---- writes that hang ---- */

/* A FIFO that nobody reads blocks its writer, as a driver's unbind may. */
static void test_deadline(void **state)
{
	struct pr_helper_request q = { .verb = PR_HELPER_REMOVE, CARD, .deadline_ms = 50 };
	struct pr_helper_reply reply;
	struct helper *h = *state;

	fixture_unlink(h->files, "sys/bus/pci/devices/0000:01:00.0/remove");
	assert_int_equal(
		mkfifo(fixture_path(h->files, "sys/bus/pci/devices/0000:01:00.0/remove"), 0600), 0);
	assert_int_equal(ask(h, q, &reply), -ETIMEDOUT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* the writer was killed and is gone */
	assert_non_null(
		strstr(fixture_read(h->files, "log", NULL), " remove 0000:01:00.0 -> ETIMEDOUT\n"));

	/* it died, so the function is not held */
	q.verb = PR_HELPER_RESCAN;
	q.deadline_ms = 0;
	assert_int_equal(ask(h, q, &reply), 0);
}

static int count_descriptors(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *directory;
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	if (!directory)
		return -1;
	while ((entry = readdir(directory)))
		n += entry->d_name[0] != '.';
	(void)closedir(directory);
	return n;
}

#define WATCH_MS 300000 /* for what takes a moment on an idle machine */

/* Waits until the writing child of @parent holds its directory and the report only; ends it. */
static int watch_descriptors(pid_t parent)
{
	pid_t child = 0;

	for (int i = 0; i < WATCH_MS / 5; i++) {
		child = child_of(parent);
		if (child && count_descriptors(child) == 2)
			return kill(child, SIGKILL) == 0 ? 0 : 1;
		(void)usleep(5000);
	}
	return child && kill(child, SIGKILL) == 0 ? 2 : 3;
}

/*
 * A child that hangs for good must not hold the connections of clients, or they never see the
 * helper die.
 */
static void test_child_holds_nothing(void **state)
{
	struct pr_helper_request q = { .verb = PR_HELPER_REMOVE, CARD, .deadline_ms = WATCH_MS };
	struct pr_helper_reply reply;
	struct helper *h = *state;
	pid_t parent = getpid(), watcher;
	int pair[2], status;

	fixture_unlink(h->files, "sys/bus/pci/devices/0000:01:00.0/remove");
	assert_int_equal(
		mkfifo(fixture_path(h->files, "sys/bus/pci/devices/0000:01:00.0/remove"), 0600), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	watcher = fork();
	assert_true(watcher >= 0);
	if (watcher == 0)
		_exit(watch_descriptors(parent));
	assert_int_equal(ask(h, q, &reply), -EIO);
	assert_int_equal(waitpid(watcher, &status, 0), watcher);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* A helper with one write in the works, killed before the write is done. */
static pid_t start_helper(int directory, int lock_directory)
{
	struct pr_children children = { 0 };
	struct pr_write w = { .target = { 0, 1, 0, 0 },
		.directory = directory,
		.file = "rescan",
		.text = "1",
		.deadline_ms = 60000,
		.lasting = true };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		w.lock = pr_write_lock(lock_directory);
		_exit(w.lock < 0 ? 1 : -pr_child_write(&children, &w));
	}
	return pid;
}

/*
 * SIGKILL of the helper while ports are probed left them without their services: a fatal signal
 * makes probes fail.
 */
static void test_rescan_outlives_helper(void **state)
{
	char path[] = "sys/bus/pci/devices/0000:01:00.0/rescan", text[2] = "";
	struct helper *h = *state;
	int directory, files, lock, fifo;
	pid_t pid;

	fixture_unlink(h->files, path);
	assert_int_equal(mkfifo(fixture_path(h->files, path), 0600), 0);
	files = open(fixture_root(h->files), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	directory = openat(files, "sys/bus/pci/devices/0000:01:00.0", O_RDONLY | O_CLOEXEC);
	assert_true(files >= 0 && directory >= 0);

	pid = start_helper(directory, files);
	while (child_of(pid) == 0) /* it got as far as the kernel */
		(void)usleep(1000);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);

	assert_int_equal(pr_write_lock(files), -EWOULDBLOCK); /* the writer still has it */
	fifo = openat(directory, "rescan", O_RDONLY | O_CLOEXEC);
	assert_true(fifo >= 0);
	assert_int_equal(read(fifo, text, 1), 1);
	assert_string_equal(text, "1");
	while ((lock = pr_write_lock(files)) == -EWOULDBLOCK)
		(void)usleep(1000);
	assert_true(lock >= 0);
	(void)close(lock);
	(void)close(fifo);
	(void)close(directory);
	(void)close(files);
}

static void test_stuck(void **state)
{
	struct pr_helper_request remove = { .verb = PR_HELPER_REMOVE, CARD };
	struct pr_helper_request above = { .verb = PR_HELPER_REMOVE, BRIDGE };
	struct pr_helper_request other = { .verb = PR_HELPER_RESCAN, BRIDGE };
	struct pr_helper_request command = { WRITE(0x04, 2, 0), CARD };
	struct pr_target card = { 0, 1, 0, 0 };
	struct pr_helper_reply reply;
	struct helper *h = *state;
	siginfo_t ended;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			(void)pause();
	pr_children_add(&h->context.children, pid, &card);

	assert_int_equal(ask(h, remove, &reply), -EBUSY);
	assert_int_equal(ask(h, command, &reply), -EBUSY);
	assert_int_equal(ask(h, above, &reply), -EBUSY);
	assert_int_equal(ask(h, other, &reply), 0);

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
	assert_int_equal(ask(h, remove, &reply), 0); /* the kernel let it go */
	assert_int_equal(h->context.children.n, 0);
}

static void test_full(void **state)
{
	struct pr_helper_request q = { .verb = PR_HELPER_RESCAN, BRIDGE };
	struct pr_target other = { 0, 8, 0, 0 };
	struct pr_helper_reply reply;
	struct helper *h = *state;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			(void)pause();
	for (size_t i = 0; i < PR_CHILDREN_MAX + 1; i++)
		pr_children_add(&h->context.children, pid, &other);
	assert_int_equal(ask(h, q, &reply), -EBUSY);
	assert_untouched(h, NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- the socket ---- */

/* Ends 300 ms after its last client, or its start: who is to find it there connects to @listening before. */
static pid_t start_server(
	struct helper *h, int listening, int client, const int *mine, size_t n_mine)
{
	struct pr_server s = {
		.context = &h->context, .allowed = (uid_t)-1, .listening = listening, .idle_ms = 300
	};
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		for (size_t i = 0; i < n_mine; i++)
			(void)close(mine[i]);
		_exit(pr_server_run(&s, client) == 0 ? 0 : 1);
	}
	return pid;
}

static void assert_exits(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_serves_until_closed(void **state)
{
	struct pr_helper_request q = { .version = PR_HELPER_VERSION,
		.verb = PR_HELPER_READ_FILE,
		.name = "iomem",
		.sequence = 7 };
	struct pr_helper_reply reply;
	struct helper *h = *state;
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = start_server(h, -1, pair[1], pair, 1);
	(void)close(pair[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(send(pair[0], &q, sizeof(q), 0), sizeof(q));
		assert_int_equal(recv(pair[0], &reply, sizeof(reply), 0), sizeof(reply));
		assert_int_equal(reply.error, 0);
		assert_int_equal(reply.sequence, 7);
	}
	(void)close(pair[0]);
	assert_exits(pid);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void test_listens(void **state)
{
	struct pr_helper_request q = {
		.version = PR_HELPER_VERSION, .verb = PR_HELPER_READ_CONFIG, CARD, .length = 4
	};
	struct pr_helper_reply reply;
	struct helper *h = *state;
	const char *path = fixture_path(h->files, "socket");
	int listening = pr_server_listen(path), clients[2];
	struct stat st;
	pid_t pid;

	assert_true(listening >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	clients[0] = connect_to(path);
	clients[1] = connect_to(path);
	pid = start_server(h, listening, -1, clients, ARRAY_SIZE(clients));
	(void)close(listening);
	for (int i = 1; i >= 0; i--) {
		assert_int_equal(send(clients[i], &q, sizeof(q), 0), sizeof(q));
		assert_int_equal(recv(clients[i], &reply, sizeof(reply), 0), sizeof(reply));
		assert_int_equal(reply.error, 0);
		(void)close(clients[i]);
	}
	assert_exits(pid); /* idle: no client for 300 ms */

	/* the socket it left is nobody's, and is replaced */
	listening = pr_server_listen(path);
	assert_true(listening >= 0);
	assert_int_equal(pr_server_listen(path), -EADDRINUSE);
	(void)close(listening);
}

/* An earlier helper's rescan is not done: who wants to write waits, who wants to read does not. */
static void test_waits_for_turn(void **state)
{
	struct pr_helper_request remove = {
		.version = PR_HELPER_VERSION, .verb = PR_HELPER_REMOVE, CARD
	};
	struct pr_helper_request read_config = {
		.version = PR_HELPER_VERSION, .verb = PR_HELPER_READ_CONFIG, CARD, .length = 4
	};
	const char *written = "sys/bus/pci/devices/0000:01:00.0/remove";
	struct pr_helper_reply reply;
	struct helper *h = *state;
	const char *path = fixture_path(h->files, "socket");
	int listening = pr_server_listen(path), mine[4], *clients = mine + 1;
	pid_t pid;

	assert_true(listening >= 0);
	h->context.state = open(fixture_root(h->files), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mine[0] = pr_write_lock(h->context.state);
	assert_true(mine[0] >= 0);
	for (size_t i = 0; i < 3; i++)
		clients[i] = connect_to(path);
	pid = start_server(h, listening, -1, mine, ARRAY_SIZE(mine));
	(void)close(listening);

	assert_int_equal(send(clients[0], &remove, sizeof(remove), 0), sizeof(remove));
	remove.deadline_ms = 50;
	assert_int_equal(send(clients[1], &remove, sizeof(remove), 0), sizeof(remove));
	assert_int_equal(
		send(clients[2], &read_config, sizeof(read_config), 0), sizeof(read_config));
	assert_int_equal(recv(clients[2], &reply, sizeof(reply), 0), sizeof(reply));
	assert_int_equal(reply.error, 0);
	assert_int_equal(recv(clients[1], &reply, sizeof(reply), 0), sizeof(reply));
	assert_int_equal(reply.error, -EBUSY); /* its deadline was over */
	assert_string_equal(fixture_read(h->files, written, NULL), "");

	(void)close(mine[0]);
	assert_int_equal(recv(clients[0], &reply, sizeof(reply), 0), sizeof(reply));
	assert_int_equal(reply.error, 0);
	assert_string_equal(fixture_read(h->files, written, NULL), "1");
	for (size_t i = 0; i < 3; i++)
		(void)close(clients[i]);
	(void)close(h->context.state);
	assert_exits(pid);
}

/*
 * Another user gets in through the file system only if someone opened the way; the peer check
 * still holds.
 */
static void test_refuses_peer(void **state)
{
	struct helper *h = *state;
	const char *path = fixture_path(h->files, "socket");
	struct pollfd connected = { .events = POLLIN };
	int listening, status;
	pid_t server, peer;
	char byte;

	if (geteuid() != 0) {
		print_message("needs root to be another user\n");
		skip();
	}
	connected.fd = listening = pr_server_listen(path);
	assert_true(listening >= 0);
	fixture_chmod(h->files, "", 0755);
	fixture_chmod(h->files, "socket", 0666);
	peer = fork();
	assert_true(peer >= 0);
	if (peer == 0) {
		if (setuid(65534) < 0)
			_exit(2);
		_exit(recv(connect_to(path), &byte, 1, 0) == 0 ? 0 : 1); /* closed, not served */
	}
	assert_int_equal(poll(&connected, 1, -1), 1);
	server = start_server(h, listening, -1, NULL, 0);
	(void)close(listening);
	assert_int_equal(waitpid(peer, &status, 0), peer);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_exits(server);
	assert_non_null(
		strstr(fixture_read(h->files, "log", NULL), "uid=65534 connect -> EACCES\n"));
}

static void test_drops_deaf_client(void **state)
{
	struct pr_helper_request q = {
		.version = PR_HELPER_VERSION, .verb = PR_HELPER_READ_CONFIG, CARD, .length = 4
	};
	struct helper *h = *state;
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = start_server(h, -1, pair[1], pair, 1);
	(void)close(pair[1]);
	/* never reads a reply: at some point the server must give it up, not wait for it */
	while (send(pair[0], &q, sizeof(q), MSG_NOSIGNAL) == sizeof(q))
		;
	assert_true(errno == EPIPE || errno == ECONNRESET);
	assert_exits(pid);
	(void)close(pair[0]);
}

static void test_activation(void **state)
{
	static const struct {
		const char *pid, *fds;
		int result;
	} environments[] = {
		{ NULL, "1", -ENOENT },
		{ "self", NULL, -ENOENT },
		{ "self", "1", 3 },
		{ "self", "2", -EINVAL },
		{ "self", "0", -EINVAL },
		{ "1", "1", -ENOENT },
		{ "self", "one", -EINVAL },
		{ "x", "1", -EINVAL },
	};
	char self[16];

	(void)state;
	(void)snprintf(self, sizeof(self), "%d", (int)getpid());
	for (size_t i = 0; i < ARRAY_SIZE(environments); i++) {
		const char *pid = environments[i].pid;

		(void)unsetenv("LISTEN_PID");
		(void)unsetenv("LISTEN_FDS");
		if (pid)
			assert_int_equal(
				setenv("LISTEN_PID", strcmp(pid, "self") == 0 ? self : pid, 1), 0);
		if (environments[i].fds)
			assert_int_equal(setenv("LISTEN_FDS", environments[i].fds, 1), 0);
		assert_int_equal(pr_server_activated(), environments[i].result);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} addresses[] = {
		{ "0000:00:02.0", true },
		{ "10000:e1:1f.7", true },
		{ "ffffffff:ff:1f.7", true },
		{ "0000:00:20.0", false },
		{ "0000:00:02.8", false },
		{ "0:00:02.0", false },
		{ "0000:00:02.0 ", false },
		{ "0000:00:02", false },
		{ "", false },
		{ "0000:0A:00.0", false },
	};
	struct pr_target t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		if (pr_target_parse(addresses[i].text, &t) != addresses[i].good)
			fail_msg("\"%s\"", addresses[i].text);
}

#define WITH_HELPER(name, f)                   \
	{                                      \
		name, f, setup, teardown, NULL \
	}

static const struct CMUnitTest fixed[] = {
	WITH_HELPER("registers on the list are written in one access of their width",
		test_writes_registers),
	WITH_HELPER("the list of registers ends where it says", test_register_list),
	WITH_HELPER("configuration space is read as far as it goes", test_reads_config),
	WITH_HELPER("a file comes as a sealed memory file", test_reads_file),
	WITH_HELPER("requests that are short, long, of another version or unterminated are refused",
		test_malformed),
	WITH_HELPER("a write that hangs is killed at its deadline", test_deadline),
	WITH_HELPER("a write that hangs holds no connection", test_child_holds_nothing),
	WITH_HELPER("a rescan goes on when the helper dies, and the next helper waits for it",
		test_rescan_outlives_helper),
	WITH_HELPER("a function whose write never returned is left alone", test_stuck),
	WITH_HELPER("too many hanging writes stop all of them", test_full),
	WITH_HELPER("a server with one client ends with it", test_serves_until_closed),
	WITH_HELPER("a listening server serves several clients and ends when idle", test_listens),
	WITH_HELPER(
		"a write waits for an earlier helper's, and nobody else does", test_waits_for_turn),
	WITH_HELPER("a peer of another user is refused", test_refuses_peer),
	WITH_HELPER("a client that reads no replies is dropped", test_drops_deaf_client),
	WITH_HELPER(
		"the socket of a service manager is taken only when it is ours", test_activation),
	WITH_HELPER("addresses are read exactly as they are written", test_addresses),
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, rows, test_row);
	ADD_ROWS(&tests, astray, test_astray);
	ADD_TESTS(&tests, fixed);

	return rows_run(&tests, "helper");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Importing a running machine: fake ones in a temporary directory, recorded
 * trees of real ones where they can be found, and the machine of the test.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "pciroom/import.h"
#include "fixture.h"
#include "rows.h"

#define PORT     "pci0000:00/0000:00:02.0"
#define CARD     PORT "/0000:01:00.0"
#define DEVICES  "sys/bus/pci/devices/"
#define ZERO     "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
#define BAR_LINE "0x00000000fe400000 0x00000000fe41ffff 0x0000000000040200\n"

/* Of the leak checker, where there is one. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

/* ---- machines ---- */

/* A configuration header; the rest of the bytes counts up, so that a wrong length shows. */
static void make_config(uint8_t config[4096], uint8_t type, uint16_t command)
{
	for (size_t i = 0; i < 4096; i++)
		config[i] = i < 64 ? 0 : (uint8_t)(i >> 4);
	config[0x34] = 0;
	fixture_put32(config, 0x00, 0x10d38086);
	fixture_put16(config, 0x04, command);
	fixture_put32(config, 0x08, type == 1 ? 0x06040000 : 0x02000000);
	config[0x0e] = type;
	if (type == 1) {
		config[0x18] = 0;
		config[0x19] = 1;
		config[0x1a] = 1;
		fixture_put16(config, 0x1c, 0x00f0);
		fixture_put16(config, 0x20, 0xfe40);
		fixture_put16(config, 0x22, 0xfe50);
		fixture_put16(config, 0x24, 0xfff0);
	}
}

#define PORT_RESOURCE                                                         \
	ZERO ZERO ZERO ZERO ZERO ZERO ZERO ZERO ZERO ZERO ZERO ZERO ZERO ZERO \
		"0x00000000fe400000 0x00000000fe5fffff 0x0000000000000200\n" ZERO ZERO

/* A root port and a card of 64, 256 or more bytes below it. */
static struct fixture *make_machine(size_t card_length, uint16_t command, const char *resource)
{
	struct fixture *f = fixture_new();
	uint8_t config[4096];

	make_config(config, 1, 7);
	fixture_function(f, &(struct fixture_function){ .path = PORT,
				    .config = config,
				    .config_length = 256,
				    .resource = PORT_RESOURCE,
				    .driver = "pcieport" });
	make_config(config, 0, command);
	fixture_put32(config, 0x10, 0xfe400000);
	fixture_function(f, &(struct fixture_function){ .path = CARD,
				    .config = config,
				    .config_length = card_length,
				    .resource = resource });
	return f;
}

static struct pr_topology *import(struct fixture *f, const struct pr_prober *prober)
{
	struct pr_live_options options = {
		.root = fixture_root(f), .prober = prober, .users = true
	};
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;
	int r;

	r = pr_import_live(&options, &t, &error);
	if (r != 0)
		fail_msg("import: %d %s (line %u)", r, error.text, error.line);
	return t;
}

static const struct pr_facts *facts_of(const struct pr_topology *t, const char *text)
{
	struct pr_address address;
	struct pr_function *f;

	assert_true(pr_address_parse(text, &address));
	f = pr_topology_find(t, &address);
	if (!f)
		fail_msg("%s is not there", text);
	return f->facts;
}

static void assert_round_trip(const struct pr_topology *t)
{
	struct pr_import_error error = { .text = "" };
	struct pr_topology *again = NULL;
	_cleanup_free_ char *text = NULL;
	char why[256] = "";
	size_t size;

	assert_int_equal(pr_snapshot_write(t, &text, &size), 0);
	if (pr_snapshot_read(text, size, &again, &error) != 0)
		fail_msg("reading back: %u:%u: %s", error.line, error.column, error.text);
	if (!pr_topology_equal(t, again, why, sizeof(why)))
		fail_msg("read back differs: %s", why);
	pr_topology_free(again);
}

/* ---- what is read ---- */

static const struct fixture_entry everything[] = { { .path = DEVICES "0000:01:00.0/driver",
							   .target = "../../x/e1000e" },
	{ .path = DEVICES "0000:01:00.0/driver_override", .text = "(null)\n" },
	{ .path = DEVICES "0000:01:00.0/iommu_group", .target = "../iommu_groups/17" },
	{ .path = DEVICES "0000:01:00.0/numa_node", .text = "1\n" },
	{ .path = DEVICES "0000:01:00.0/enable", .text = "2\n" },
	{ .path = DEVICES "0000:01:00.0/sriov_numvfs", .text = "0\n" },
	{ .path = DEVICES "0000:01:00.0/removable", .text = "removable\n" },
	{ .path = DEVICES "0000:01:00.0/label", .text = "Onboard \xff LAN\n" },
	{ .path = DEVICES "0000:00:02.0/numa_node", .text = "-1\n" },
	{ .path = "sys/bus/pci/slots/7-1/address", .text = "0000:01:00\n" },
	{ .path = "sys/bus/pci/slots/8/address", .text = "0000:02:00\n" },
	{ .path = "sys/devices/pci0000:80" },
	{ .path = "sys/bus/pci/resource_alignment", .text = "20@0000:01:00.0\n" },
	{ .path = "proc/iomem",
		.text = "fe000000-febfffff : PCI Bus 0000:00\n"
			"f0000000-f7ffffff : PCI ECAM 0000 [bus 00-7f]\n" },
	{ .path = "proc/ioports", .text = "" },
	{ .path = "proc/cmdline", .text = "quiet pci=realloc\n" },
	{ .path = "proc/sys/kernel/osrelease", .text = "6.1.0-50-amd64\n" },
	{ .path = "proc/sys/kernel/arch", .text = "x86_64\n" },
	{ .path = "sys/kernel/security/lockdown", .text = "none [integrity] confidentiality\n" },
	{ .path = "sys/class/dmi/id/sys_vendor", .text = "QEMU\n" },
	{ .path = "sys/class/dmi/id/product_name", .text = "Standard PC\n" }, { .path = NULL } };

static void assert_card(const struct pr_facts *card)
{
	assert_string_equal(card->driver, "e1000e");
	assert_null(card->driver_override);
	assert_int_equal(card->iommu_group, 17);
	assert_int_equal(card->numa_node, 1);
	assert_int_equal(card->enabled, 2);
	assert_int_equal(card->sriov_numvfs, 0);
	assert_string_equal(card->removable, "removable");
	assert_string_equal(card->label, "Onboard ? LAN");
	assert_string_equal(card->slot, "7-1");
	assert_true(card->has_parent);
	assert_int_equal(card->parent.device, 2);
	assert_int_equal(card->n_lines, 7);
	assert_int_equal(card->lines[0].end, 0xfe41ffff);
	assert_false(card->is_vf);
	assert_null(card->masks);
}

static void assert_machine(const struct pr_machine *m)
{
	assert_string_equal(m->release, "6.1.0-50-amd64");
	assert_string_equal(m->cmdline, "quiet pci=realloc");
	assert_string_equal(m->lockdown, "integrity");
	assert_string_equal(m->alignments, "20@0000:01:00.0");
	assert_string_equal(m->arch, "x86_64");
	assert_string_equal(m->product, "Standard PC");
	assert_true(m->is_guest);
}

static void test_everything(void **state)
{
	struct fixture *f = make_machine(256, 6, BAR_LINE ZERO ZERO ZERO ZERO ZERO ZERO);
	struct pr_topology *t;

	(void)state;
	fixture_fill(f, everything);
	t = import(f, NULL);

	assert_card(facts_of(t, "0000:01:00.0"));
	assert_int_equal(facts_of(t, "0000:00:02.0")->numa_node, -1);
	assert_null(facts_of(t, "0000:00:02.0")->slot);
	assert_false(facts_of(t, "0000:00:02.0")->has_parent);

	assert_int_equal(t->n_roots, 2);
	assert_true(t->roots[0]->facts.io_known);
	assert_true(t->roots[0]->facts.mem_known);
	assert_int_equal(t->roots[0]->facts.last_bus, 0x7f);
	assert_int_equal(t->roots[0]->facts.mem[0].last, 0xfebfffff);
	assert_int_equal(t->roots[1]->facts.bus, 0x80);
	assert_int_equal(t->roots[1]->facts.n_mem, 0);

	assert_machine(&t->machine);
	assert_round_trip(t);
	pr_topology_free(t);
	fixture_free(f);
}

/* The ECAM region is that of all host bridges: it says nothing of the further ones of a guest. */
static void test_last_bus(const char *vendor, int last)
{
	struct fixture *f = make_machine(256, 6, BAR_LINE ZERO ZERO ZERO ZERO ZERO ZERO);
	struct pr_topology *t;

	fixture_file(f, "sys/class/dmi/id/sys_vendor", vendor);
	fixture_dir(f, "sys/devices/pci0000:40");
	fixture_file(f, "proc/iomem", "f0000000-ffffffff : PCI ECAM 0000 [bus 00-7f]\n");
	t = import(f, NULL);
	assert_int_equal(t->n_roots, 2);
	assert_int_equal(t->roots[0]->facts.last_bus, 0x3f);
	assert_int_equal(t->roots[1]->facts.last_bus, last);
	assert_int_equal(t->roots[1]->known_bus, last < 0 ? 0x40 : last);
	pr_topology_free(t);
	fixture_free(f);
}

static void test_alignments_taken_back(void **state)
{
	struct fixture *f = make_machine(256, 6, BAR_LINE ZERO ZERO ZERO ZERO ZERO ZERO);
	struct pr_topology *t;

	(void)state;
	fixture_file(f, "proc/cmdline", "quiet pci=resource_alignment=20@0000:01:00.0\n");
	t = import(f, NULL);
	assert_null(t->machine.alignments);
	pr_topology_free(t);

	fixture_file(f, "sys/bus/pci/resource_alignment", "\n");
	t = import(f, NULL);
	assert_string_equal(t->machine.alignments, "");
	assert_round_trip(t);
	pr_topology_free(t);
	fixture_free(f);
}

static void test_last_bus_of_guest(void **state)
{
	(void)state;
	test_last_bus("QEMU\n", -1);
}

static void test_last_bus_of_server(void **state)
{
	(void)state;
	test_last_bus("ACME\n", 0x7f);
}

/* ---- the order in which the kernel found the functions ---- */

static const struct order_case {
	const char *name, *text;
	unsigned int first, second; /* places of 00:02.0 and of 01:00.0 */
} order_cases[] = {
	{ "order: that of addresses needs no places", "0010\tx\n0018\tx\n0100\tx\n", 0, 0 },
	{ "order: buses may come in any order", "0100\tx\n0010\tx\n", 0, 0 },
	{ "order: a function that came back is the last of its bus", "0018\tx\n0100\tx\n0010\tx\n",
		3, 2 },
	{ "order: two domains have the bus, so that nobody can tell",
		"0018\tx\n0010\tx\n0100\tx\n0100\tx\n", 2, 0 },
	{ "order: no such file", "", 0, 0 },
	{ "order: lines of another form are passed over", "0018\n10\tx\n0zz0\tx\n0010", 0, 0 },
};

static void test_order(void **state)
{
	const struct order_case *c = *state;
	struct fixture *f = make_machine(256, 6, BAR_LINE ZERO ZERO ZERO ZERO ZERO ZERO);
	struct pr_topology *t;

	if (c->text[0] != '\0')
		fixture_file(f, "proc/bus/pci/devices", c->text);
	t = import(f, NULL);
	assert_int_equal(facts_of(t, "0000:00:02.0")->order, c->first);
	assert_int_equal(facts_of(t, "0000:01:00.0")->order, c->second);
	assert_round_trip(t);
	pr_topology_free(t);
	fixture_free(f);
}

static void test_bare(void **state)
{
	struct fixture *f = make_machine(256, 6, NULL);
	const struct pr_facts *card;
	struct pr_topology *t;

	(void)state;
	t = import(f, NULL);
	card = facts_of(t, "0000:01:00.0");
	assert_null(card->lines);
	assert_null(card->driver);
	assert_int_equal(card->numa_node, -1);
	assert_int_equal(card->iommu_group, -1);
	assert_int_equal(card->enabled, -1);
	assert_false(t->roots[0]->facts.io_known);
	assert_false(t->roots[0]->facts.mem_known);
	assert_int_equal(t->roots[0]->facts.last_bus, -1);
	assert_null(t->machine.release);
	assert_null(t->machine.arch);
	assert_null(t->machine.lockdown);
	assert_false(t->machine.is_guest);
	assert_round_trip(t);
	pr_topology_free(t);
	fixture_free(f);
}

static void test_wide_domain(void **state)
{
	struct fixture *f = make_machine(256, 6, NULL);
	const struct pr_facts *nested;
	struct pr_topology *t;
	uint8_t config[4096];

	(void)state;
	make_config(config, 0, 6);
	fixture_function(f, &(struct fixture_function){ .path = CARD "/pci10000:e0/10000:e0:1d.0",
				    .config = config,
				    .config_length = 4096 });
	t = import(f, NULL);
	nested = facts_of(t, "10000:e0:1d.0");
	assert_false(nested->has_parent); /* the endpoint in front of the domain is no bridge */
	assert_int_equal(nested->address.domain, 0x10000);
	assert_int_equal(t->n_roots, 2);
	assert_int_equal(t->roots[1]->facts.bus, 0xe0);
	assert_round_trip(t);
	pr_topology_free(t);
	fixture_free(f);
}

static void test_virtual_function(void **state)
{
	struct fixture *f = make_machine(256, 6, NULL);
	const struct pr_facts *vf;
	struct pr_topology *t;
	uint8_t config[4096];

	(void)state;
	make_config(config, 0, 4);
	fixture_put32(config, 0, 0xffffffff); /* SR-IOV 1.1 section 3.4.1: identity reads as ones */
	fixture_function(
		f, &(struct fixture_function){
			   .path = PORT "/0000:01:10.0", .config = config, .config_length = 4096 });
	fixture_link(f, DEVICES "0000:01:10.0/physfn", "../0000:01:00.0");
	t = import(f, NULL);
	vf = facts_of(t, "0000:01:10.0");
	assert_true(vf->is_vf);
	assert_int_equal(vf->physfn.bus, 1);
	assert_int_equal(vf->config_length, 4096);
	assert_round_trip(t);
	pr_topology_free(t);
	fixture_free(f);
}

/* ---- configuration space: what was read, and no more ---- */

static const struct length_case {
	const char *name;
	size_t in_file, from_prober;
	bool ones;
	size_t known;
} length_cases[] = {
	{ .name = "config: 64 bytes of an unprivileged reader stay 64",
		.in_file = 64,
		.known = 64 },
	{ .name = "config: 128 bytes of a CardBus bridge", .in_file = 128, .known = 128 },
	{ .name = "config: 256 bytes", .in_file = 256, .known = 256 },
	{ .name = "config: 4096 bytes", .in_file = 4096, .known = 4096 },
	{ .name = "config: an odd length is known to its last byte", .in_file = 173, .known = 173 },
	{ .name = "config: 65 bytes, one beyond the header", .in_file = 65, .known = 65 },
	{ .name = "config: ones from end to end are no answer",
		.in_file = 256,
		.ones = true,
		.known = 0 },
	{ .name = "config: the helper is asked when 64 bytes were all",
		.in_file = 64,
		.from_prober = 4096,
		.known = 4096 },
	{ .name = "config: the helper is not asked when more was read",
		.in_file = 256,
		.from_prober = 4096,
		.known = 256 },
	{ .name = "config: a helper that knows less is not believed",
		.in_file = 64,
		.from_prober = 63,
		.known = 64 },
};

static int fake_config(
	void *userdata, const struct pr_address *a, uint8_t *buffer, size_t size, size_t *ret)
{
	const struct length_case *c = userdata;
	uint8_t config[4096];

	(void)a;
	make_config(config, 0, 6);
	assert_int_equal(size, sizeof(config));
	memcpy(buffer, config, c->from_prober);
	*ret = c->from_prober;
	return 0;
}

static void test_length(void **state)
{
	const struct length_case *c = *state;
	struct pr_prober prober = { .userdata = (void *)c,
		.config = c->from_prober ? fake_config : NULL };
	struct fixture *f = make_machine(c->in_file, 6, NULL);
	const struct pr_facts *card;
	uint8_t expected[4096];
	struct pr_topology *t;

	if (c->ones) {
		memset(expected, 0xff, sizeof(expected));
		fixture_config_bytes(f, "0000:01:00.0", expected, c->in_file);
	}
	t = import(f, &prober);
	card = facts_of(t, "0000:01:00.0");
	assert_int_equal(card->config_length, c->known);
	make_config(expected, 0, 6);
	if (c->from_prober <= 64)
		fixture_put32(expected, 0x10, 0xfe400000);
	else if (c->known == c->in_file)
		fixture_put32(expected, 0x10, 0xfe400000);
	if (c->known > 0)
		assert_memory_equal(card->config, expected, c->known);
	assert_round_trip(t);
	pr_topology_free(t);
	fixture_free(f);
}

static void test_no_config(void **state)
{
	struct fixture *f = make_machine(64, 6, NULL);
	struct pr_topology *t;

	(void)state;
	fixture_unlink(f, DEVICES "0000:01:00.0/config");
	t = import(f, NULL);
	assert_int_equal(facts_of(t, "0000:01:00.0")->config_length, 0);
	assert_round_trip(t);
	pr_topology_free(t);
	fixture_free(f);
}

static int refuse_config(
	void *userdata, const struct pr_address *a, uint8_t *buffer, size_t size, size_t *ret)
{
	(void)userdata;
	(void)a;
	(void)size;
	buffer[0] = 0x5a;
	*ret = 4096;
	return -EPERM;
}

static void test_config_refused(void **state)
{
	struct pr_prober prober = { .config = refuse_config };
	struct fixture *f = make_machine(64, 6, NULL);
	struct pr_topology *t = import(f, &prober);

	(void)state;
	assert_int_equal(facts_of(t, "0000:01:00.0")->config_length, 64);
	assert_int_equal(facts_of(t, "0000:01:00.0")->config[0], 0x86);
	pr_topology_free(t);
	fixture_free(f);
}

/* ---- measuring ---- */

#define LINES_BLANK_BAR1 BAR_LINE ZERO ZERO ZERO ZERO ZERO ZERO
#define LINE_ANY         "0x0000000080000000 0x0000000080000fff 0x0000000000040200\n"
#define LINES_FULL       BAR_LINE LINE_ANY LINE_ANY LINE_ANY LINE_ANY LINE_ANY

static const struct measure_case {
	const char *name;
	uint16_t command;
	uint8_t type;
	const char *resource;
	bool bound, vf, wide, on_root, refused, shown, enabled;
	unsigned int asked;
} measure_cases[] = {
	{ .name = "measure: a driverless card with decode off and an empty line",
		.resource = LINES_BLANK_BAR1,
		.asked = 1 },
	{ .name = "measure: bus mastering alone is no decode",
		.command = 4,
		.resource = LINES_BLANK_BAR1,
		.asked = 1 },
	{ .name = "measure: not with a driver", .bound = true, .resource = LINES_BLANK_BAR1 },
	{ .name = "measure: while it decodes, only what is proven missing: type bits and no line",
		.command = 3,
		.shown = true,
		.resource = LINES_BLANK_BAR1,
		.asked = 1 },
	{ .name = "measure: not a decoding card that somebody has enabled",
		.command = 3,
		.shown = true,
		.enabled = true,
		.resource = LINES_BLANK_BAR1 },
	{ .name = "measure: not while it decodes memory",
		.command = 2,
		.resource = LINES_BLANK_BAR1 },
	{ .name = "measure: not while it decodes I/O", .command = 1, .resource = LINES_BLANK_BAR1 },
	{ .name = "measure: not on the root bus", .on_root = true, .resource = LINES_BLANK_BAR1 },
	{ .name = "measure: not a virtual function", .vf = true, .resource = LINES_BLANK_BAR1 },
	{ .name = "measure: not when every BAR has a line", .resource = LINES_FULL ZERO },
	{ .name = "measure: not when the lines are not known", .resource = NULL },
	{ .name = "measure: the upper half of a 64-bit BAR is empty by nature",
		.wide = true,
		.resource = BAR_LINE ZERO LINE_ANY LINE_ANY LINE_ANY LINE_ANY ZERO },
	{ .name = "measure: a 64-bit BAR whose own line is empty",
		.wide = true,
		.resource = ZERO ZERO LINE_ANY LINE_ANY LINE_ANY LINE_ANY ZERO,
		.asked = 1 },
	{ .name = "measure: BAR 1 of a bridge",
		.type = 1,
		.resource = LINES_BLANK_BAR1,
		.asked = 1 },
	{ .name = "measure: a bridge has no BAR 2",
		.type = 1,
		.resource = LINE_ANY LINE_ANY ZERO ZERO ZERO ZERO ZERO },
	{ .name = "measure: a refusal leaves the size unknown",
		.refused = true,
		.resource = LINES_BLANK_BAR1,
		.asked = 1 },
};

struct measuring {
	const struct measure_case *c;
	unsigned int asked;
};

static int fake_measure(void *userdata, const struct pr_address *a, struct pr_bar_mask *ret,
	size_t max, size_t *ret_n)
{
	struct measuring *m = userdata;

	assert_int_equal(a->bus, 1);
	assert_true(max >= 7);
	m->asked++;
	if (m->c->refused)
		return -EPERM;
	ret[0] = (struct pr_bar_mask){ .index = 0, .low = 0xfffe0000 };
	*ret_n = 1;
	return 0;
}

static void test_measure(void **state)
{
	const struct measure_case *c = *state;
	struct measuring m = { .c = c };
	struct pr_prober prober = { .userdata = &m, .measure = fake_measure };
	struct fixture *f = fixture_new();
	uint8_t config[4096];
	const struct pr_facts *card;
	struct pr_topology *t;

	make_config(config, 1, 7);
	fixture_function(f, &(struct fixture_function){ .path = PORT,
				    .config = config,
				    .config_length = 64,
				    .resource = PORT_RESOURCE,
				    .driver = "pcieport" });
	make_config(config, c->type, c->command);
	if (c->type == 1) {
		config[0x18] = 1;
		config[0x19] = 0;
		config[0x1a] = 0;
	}
	fixture_put32(config, 0x10, c->wide ? 0xfe400004 : 0xfe400000);
	if (c->shown)
		fixture_put32(config, 0x14, 1); /* an I/O BAR at 0 */
	fixture_function(f,
		&(struct fixture_function){ .path = c->on_root ? "pci0000:01/0000:01:00.0" : CARD,
			.config = config,
			.config_length = 64,
			.resource = c->resource,
			.driver = c->bound ? "some" : NULL });
	if (c->enabled)
		fixture_file(f, DEVICES "0000:01:00.0/enable", "1\n");
	if (c->vf)
		fixture_link(f, DEVICES "0000:01:00.0/physfn", "../0000:01:00.1");
	t = import(f, &prober);
	card = facts_of(t, "0000:01:00.0");
	assert_int_equal(m.asked, c->asked);
	if (c->asked && !c->refused) {
		assert_int_equal(card->n_masks, 1);
		assert_int_equal(card->masks[0].low, 0xfffe0000);
	} else {
		assert_null(card->masks);
	}
	pr_topology_free(t);
	fixture_free(f);
}

/* ---- the kernel's log ---- */

static int tell_log(void *userdata, char **ret, size_t *ret_size)
{
	*ret = strdup(userdata);
	assert_non_null(*ret);
	*ret_size = strlen(*ret);
	return 0;
}

/* A failed BAR of a card that a driver has cannot be measured; the log has its size. */
static void test_log_tells_sizes(void **state)
{
	char log[] = "<6>[    0.5] pci 0000:01:00.0: [8086:10d3] type 00 class 0x020000\n"
		     "<6>[    0.5] pci 0000:01:00.0: BAR 1 [mem 0x00000000-0x003fffff]\n";
	struct fixture *f = make_machine(256, 0, BAR_LINE ZERO ZERO ZERO ZERO ZERO ZERO);
	const struct pr_prober prober = { .userdata = log, .log = tell_log };
	struct pr_topology *t = import(f, &prober);
	struct pr_address address = { .bus = 1 };
	const struct pr_resource *bar = pr_function_resource(pr_topology_find(t, &address), 1);

	(void)state;
	assert_non_null(bar);
	assert_int_equal(bar->state, PR_RES_FORGOTTEN);
	assert_int_equal(bar->size, 0x400000);
	pr_topology_free(t);
	fixture_free(f);
}

static int dying_measure(void *userdata, const struct pr_address *a, struct pr_bar_mask *ret,
	size_t max, size_t *ret_n)
{
	(void)userdata;
	(void)a;
	(void)ret;
	(void)max;
	(void)ret_n;
	return -ECONNRESET;
}

/* "Unknown size" would be an answer about the card; a helper that died gave none. */
static void test_measure_dies(void **state)
{
	struct pr_prober prober = { .measure = dying_measure };
	struct fixture *f = fixture_new();
	struct pr_live_options options = { .root = fixture_root(f), .prober = &prober };
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;
	uint8_t config[4096];

	(void)state;
	make_config(config, 1, 7);
	fixture_function(f, &(struct fixture_function){ .path = PORT,
				    .config = config,
				    .config_length = 64,
				    .resource = PORT_RESOURCE,
				    .driver = "pcieport" });
	make_config(config, 0, 0);
	fixture_function(f, &(struct fixture_function){ .path = CARD,
				    .config = config,
				    .config_length = 64,
				    .resource = LINES_BLANK_BAR1 });
	assert_int_equal(pr_import_live(&options, &t, &error), -ECONNRESET);
	assert_non_null(strstr(error.text, "helper died"));
	assert_null(t);
	fixture_free(f);
}

static void test_present(void **state)
{
	struct fixture *f = make_machine(64, 6, NULL);
	struct pr_address there = { 0, 1, 0, 0 }, gone = { 0, 1, 0, 1 };

	(void)state;
	assert_true(pr_live_present(fixture_root(f), &there));
	assert_false(pr_live_present(fixture_root(f), &gone));
	fixture_free(f);
}

/* ---- lists of the kernel ---- */

static int fake_file(void *userdata, const char *name, char **ret, size_t *ret_size)
{
	unsigned int *asked = userdata;

	(*asked)++;
	*ret = strdup(strcmp(name, "iomem") == 0 ? "fe000000-febfffff : PCI Bus 0000:00\n"
						 : "1000-ffff : PCI Bus 0000:00\n");
	assert_non_null(*ret);
	*ret_size = strlen(*ret);
	return 0;
}

static void test_masked_lists(void **state)
{
	unsigned int asked = 0;
	struct pr_prober prober = { .userdata = &asked, .file = fake_file };
	struct fixture *f = make_machine(64, 6, NULL);
	struct pr_topology *t;

	(void)state;
	fixture_file(f, "proc/iomem", "00000000-00000000 : PCI Bus 0000:00\n");
	fixture_file(f, "proc/ioports", "0000-0000 : PCI Bus 0000:00\n");
	t = import(f, NULL);
	assert_false(t->roots[0]->facts.io_known);
	assert_false(t->roots[0]->facts.mem_known);
	pr_topology_free(t);

	t = import(f, &prober);
	assert_int_equal(asked, 2);
	assert_true(t->roots[0]->facts.io_known);
	assert_true(t->roots[0]->facts.mem_known);
	assert_int_equal(t->roots[0]->facts.mem[0].first, 0xfe000000);
	assert_int_equal(t->roots[0]->facts.io[0].first, 0x1000);
	pr_topology_free(t);

	fixture_file(f, "proc/iomem", "fe000000-fe7fffff : PCI Bus 0000:00\n");
	fixture_file(f, "proc/ioports", "2000-ffff : PCI Bus 0000:00\n");
	t = import(f, &prober);
	assert_int_equal(asked, 2);
	assert_int_equal(t->roots[0]->facts.mem[0].last, 0xfe7fffff);
	pr_topology_free(t);
	fixture_free(f);
}

/* ---- what goes wrong ---- */

static void assert_fails(const char *root, int expected, const char *mentions)
{
	struct pr_live_options options = { .root = root };
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;

	assert_int_equal(pr_import_live(&options, &t, &error), expected);
	assert_null(t);
	if (!strstr(error.text, mentions))
		fail_msg("\"%s\" does not mention \"%s\"", error.text, mentions);
}

static void test_no_root(void **state)
{
	(void)state;
	assert_fails("/nonexistent/machine", -ENOENT, "/nonexistent/machine");
}

static void test_no_pci(void **state)
{
	struct fixture *f = fixture_new();

	(void)state;
	assert_fails(fixture_root(f), -ENOENT, "sys/bus/pci/devices");
	fixture_free(f);
}

/*
 * libpci's error handler ends the process by default; twice, to see that the way out leaves
 * nothing set.
 */
static void test_libpci_gives_up(void **state)
{
	struct fixture *f = make_machine(64, 6, NULL);

	(void)state;
	fixture_link(f, DEVICES "bogus", "../../../devices/bogus");
	if (__lsan_disable)
		__lsan_disable(); /* libpci is left by a jump, and what it held then is lost */
	assert_fails(fixture_root(f), -EIO, "bogus");
	assert_fails(fixture_root(f), -EIO, "bogus");
	if (__lsan_enable)
		__lsan_enable();
	fixture_unlink(f, DEVICES "bogus");
	pr_topology_free(import(f, NULL));
	fixture_free(f);
}

static void test_bad_resource_file(void **state)
{
	struct fixture *f = make_machine(64, 6, ZERO "what\n");

	(void)state;
	assert_fails(fixture_root(f), -EINVAL, "0000:01:00.0/resource");
	fixture_free(f);
}

static void test_stray_link(void **state)
{
	struct fixture *f = make_machine(64, 6, NULL);

	(void)state;
	fixture_link(f, DEVICES "0000:03:00.0", "../../../devices/platform/0000:03:00.0");
	assert_fails(fixture_root(f), -EINVAL, "0000:03:00.0");
	fixture_free(f);
}

static void test_bad_iomem(void **state)
{
	struct fixture *f = make_machine(64, 6, NULL);

	(void)state;
	fixture_file(f, "proc/iomem", "what is this\n");
	assert_fails(fixture_root(f), -EINVAL, "proc/iomem");
	fixture_free(f);
}

static void test_contradiction(void **state)
{
	struct fixture *f = make_machine(64, 6, NULL);
	uint8_t config[4096];

	(void)state;
	make_config(config, 0, 6);
	fixture_function(
		f, &(struct fixture_function){
			   .path = CARD "/0000:02:00.0", .config = config, .config_length = 64 });
	assert_fails(fixture_root(f), 1, "02:00.0");
	fixture_free(f);
}

/* The helper is asked for one of two functions; the other one is pulled out meanwhile. */
struct pulling {
	struct fixture *f;
	bool done;
};

static int pull_other(
	void *userdata, const struct pr_address *a, uint8_t *buffer, size_t size, size_t *ret)
{
	struct pulling *p = userdata;

	(void)buffer;
	(void)size;
	(void)ret;
	if (!p->done)
		fixture_unlink(
			p->f, a->function == 0 ? DEVICES "0000:01:00.1" : DEVICES "0000:01:00.0");
	p->done = true;
	return -ENODEV;
}

/* A queue that nobody writes to is a file that never answers. */
static void test_driver_hangs(void **state)
{
	struct fixture *f = make_machine(256, 6, ZERO);
	const struct pr_live_options options = {
		.root = fixture_root(f), .users = true, .patience_ms = 100
	};
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t;
	const struct pr_facts *card;

	(void)state;
	assert_int_equal(mkfifo(fixture_path(f, DEVICES "0000:01:00.0/driver_override"), 0600), 0);
	fixture_file(f, DEVICES "0000:00:02.0/driver_override", "pcieport\n");
	assert_int_equal(pr_import_live(&options, &t, &error), 0);
	card = facts_of(t, "0000:01:00.0");
	assert_null(card->driver_override);
	assert_int_equal(card->sriov_numvfs, -1);
	assert_int_equal(card->n_users, 1);
	assert_string_equal(card->users[0].kind, "locked");
	assert_string_equal(facts_of(t, "0000:00:02.0")->driver_override, "pcieport");
	pr_topology_free(t);
	fixture_free(f);
}

static void test_driver_leaves(void **state)
{
	struct fixture *f = make_machine(256, 6, ZERO);
	struct pr_topology *t;

	(void)state;
	fixture_dir(f, DEVICES "0000:01:00.0/msi_irqs");
	fixture_dir(f, DEVICES "0000:00:02.0/msi_irqs");
	t = import(f, NULL);
	assert_int_equal(facts_of(t, "0000:01:00.0")->n_users, 1);
	assert_string_equal(facts_of(t, "0000:01:00.0")->users[0].kind, "locked");
	assert_int_equal(facts_of(t, "0000:00:02.0")->n_users, 0);
	pr_topology_free(t);
	fixture_free(f);
}

static void test_disappears(void **state)
{
	struct fixture *f = make_machine(64, 6, NULL);
	struct pulling p = { .f = f };
	struct pr_prober prober = { .userdata = &p, .config = pull_other };
	struct pr_topology *t;
	uint8_t config[4096];

	(void)state;
	make_config(config, 0, 6);
	fixture_function(
		f, &(struct fixture_function){
			   .path = PORT "/0000:01:00.1", .config = config, .config_length = 64 });
	t = import(f, &prober);
	assert_true(p.done);
	assert_int_equal(t->n_functions, 2);
	pr_topology_free(t);
	fixture_free(f);
}

/* ---- real machines ---- */

static void test_this_machine(void **state)
{
	struct pr_live_options options = { .root = "/", .users = true };
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;
	int r;

	(void)state;
	if (access("/sys/bus/pci/devices", R_OK) < 0) {
		print_message("# skipped: no PCI on this machine\n");
		skip();
	}
	r = pr_import_live(&options, &t, &error);
	if (r != 0)
		fail_msg("%d: %s (line %u)", r, error.text, error.line);
	assert_non_null(t->machine.release);
	assert_non_null(t->machine.arch);
	assert_round_trip(t);
	pr_topology_free(t);
}

static const struct recording_case {
	const char *name;
	size_t n_functions, n_roots;
	const char *function, *parent; /* one to look at */
	size_t config_length;
} recording_cases[] = {
	{ "dell-dcs8000z-xeon-phi-nvme", 137, 4, "0000:02:00.0", "0000:00:01.1", 64 },
	{ "dell-poweredge-r910", 37, 2, "0000:01:00.0", "0000:00:03.0", 64 },
	{ "kvm-guest-32bit-domain", 9, 2, NULL, NULL, 64 },
	{ "lenovo-thinkpad-t60p", 20, 1, "0000:02:00.0", "0000:00:1c.0", 4096 },
	{ "xeon-4s-pci-conflicts", 3, 1, NULL, NULL, 0 },
};

static const char *recordings_dir(struct fixture *f)
{
	const char *dir = getenv("PCIROOM_RECORDINGS"), *source = getenv("PCIROOM_SRCDIR");

	if (dir)
		return dir;
	return fixture_printf(f, "%s/../shared/recordings", source ? source : ".");
}

static void test_recording(void **state)
{
	const struct recording_case *c = *state;
	struct fixture *f = fixture_new();
	const char *archive = fixture_printf(f, "%s/%s/sysfs.tar.xz", recordings_dir(f), c->name);
	struct pr_topology *t;
	struct pr_finding finding;
	char parent[PR_ADDRESS_MAX];

	if (access(archive, R_OK) < 0) {
		print_message("# skipped: %s is not there\n", archive);
		fixture_free(f);
		skip();
	}
	if (system(fixture_printf(f, "tar -xJf '%s' -C '%s'", archive, fixture_root(f))) != 0)
		fail_msg("%s cannot be unpacked", archive);
	t = import(f, NULL);
	assert_int_equal(t->n_functions, c->n_functions);
	assert_int_equal(t->n_roots, c->n_roots);
	if (c->parent) {
		const struct pr_facts *facts = facts_of(t, c->function);

		assert_true(facts->has_parent);
		pr_address_format(&facts->parent, parent);
		assert_string_equal(parent, c->parent);
		assert_int_equal(facts->config_length, c->config_length);
	}
	if (pr_topology_check(t, &finding, 1) > 0)
		fail_msg("%s", finding.text);
	assert_round_trip(t);
	pr_topology_free(t);
	fixture_free(f);
}

/* ---- */

static const struct CMUnitTest single_tests[] = {
	{ .name = "everything sysfs and procfs say", .test_func = test_everything },
	{ .name = "nothing but configuration space: all else is unknown", .test_func = test_bare },
	{ .name = "resource_alignment of sysfs is empty, whatever the command line says",
		.test_func = test_alignments_taken_back },
	{ .name = "the last bus of a guest's further host bridge is not known",
		.test_func = test_last_bus_of_guest },
	{ .name = "the last bus of a server's last host bridge is that of the ECAM region",
		.test_func = test_last_bus_of_server },
	{ .name = "a nested domain above 16 bits", .test_func = test_wide_domain },
	{ .name = "a virtual function has ones in its identity alone",
		.test_func = test_virtual_function },
	{ .name = "no configuration space", .test_func = test_no_config },
	{ .name = "the kernel's log tells the size of a failed BAR",
		.test_func = test_log_tells_sizes },
	{ .name = "the helper refuses configuration space", .test_func = test_config_refused },
	{ .name = "masked lists are asked of the helper, others are not",
		.test_func = test_masked_lists },
	{ .name = "a function that is there, and one that is not", .test_func = test_present },
	{ .name = "measure: a helper that dies fails the look", .test_func = test_measure_dies },
	{ .name = "root that does not exist", .test_func = test_no_root },
	{ .name = "root without PCI", .test_func = test_no_pci },
	{ .name = "libpci's fatal error becomes ours", .test_func = test_libpci_gives_up },
	{ .name = "resource file that is none", .test_func = test_bad_resource_file },
	{ .name = "function outside of every host bridge", .test_func = test_stray_link },
	{ .name = "iomem that is none", .test_func = test_bad_iomem },
	{ .name = "function behind an endpoint contradicts", .test_func = test_contradiction },
	{ .name = "function whose driver hangs is named, and the others are read",
		.test_func = test_driver_hangs },
	{ .name = "function without a driver, whose interrupts are set up, is being left",
		.test_func = test_driver_leaves },
	{ .name = "function that disappears while it is read", .test_func = test_disappears },
	{ .name = "this machine, read back from its snapshot", .test_func = test_this_machine },
};

int main(void)
{
	struct rows tests = { 0 };

	ADD_TESTS(&tests, single_tests);
	ADD_ROWS(&tests, order_cases, test_order);
	ADD_ROWS(&tests, length_cases, test_length);
	ADD_ROWS(&tests, measure_cases, test_measure);
	ADD_ROWS(&tests, recording_cases, test_recording);

	return rows_run(&tests, "live");
}

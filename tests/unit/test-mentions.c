/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What new addresses change: a plan that renumbers a network card and a disk,
 * on a root with what udev, administrators and packages have written down; and
 * the scanner of lines by itself.
 */
#include <string.h>

#include "fixture.h"
#include "import/mentions.h"
#include "machine.h"
#include "pciroom/import.h"
#include "rows.h"

/* The switch needs room in the middle of a range; what was on 03 and 04 gets 05 and 06. */
static const char machine[] =
	"kernel 6.1.0\nroot 0000:00-06 io=1000-ffff mem=c0000000-febfffff mem=100000000-8ffffffff\n"
	"00:1f.2 dev 8086:2922 class=010601 bar5=mem:1000@febf0000 driver=ahci user=mount:/\n"
	"00:1e.0 dev 8086:1234 class=080700 config=100:070002000000000000010300\n"
	"00:02.0 bridge 01-01 root-port hotplug driver=pcieport\n"
	"01:00.0 bridge none upstream\n"
	"00:03.0 bridge 03-03 root-port driver=pcieport\n"
	"03:00.0 dev 8086:10d3 class=020000 driver=e1000e group=13\n"
	"00:04.0 bridge 04-04 root-port driver=pcieport\n"
	"04:00.0 dev 8086:0953 class=010802 driver=nvme group=14\n";

struct effect_case {
	const char *name;
	struct fixture_entry entries[6];
	const char *expect; /* "kind|before|after|file:line|text\n" of each; NULL: none */
	const char *unseen;
};

#define NET(name) "../../devices/pci0000:00/0000:00:03.0/0000:03:00.0/net/" name
#define UDEV(properties)                                             \
	{                                                            \
		"run/udev/data/n2", "I:1\n" properties "V:1\n", NULL \
	}
#define INDEX(name)                                                                             \
	{                                                                                       \
		"sys/devices/pci0000:00/0000:00:03.0/0000:03:00.0/net/" name "/ifindex", "2\n", \
			NULL                                                                    \
	}
#define LINK(name)                                     \
	{                                              \
		"sys/class/net/" name, NULL, NET(name) \
	}

static const struct effect_case cases[] = {
	{ .name = "nothing on the machine names anything", .expect = "" },
	{ .name = "an interface that is called by its path",
		.entries = { LINK("enp3s0"), INDEX("enp3s0"),
			UDEV("E:ID_NET_NAME_PATH=enp3s0\nE:ID_NET_NAME_MAC=enx525400123456\n") },
		.expect = "interface|enp3s0|enp5s0||network interface enp3s0 becomes enp5s0\n" },
	{ .name = "function and port stay behind the bus",
		.entries = { LINK("enp3s0f0np1"), INDEX("enp3s0f0np1"),
			UDEV("E:ID_NET_NAME_PATH=enp3s0f0np1\n") },
		.expect =
			"interface|enp3s0f0np1|enp5s0f0np1||network interface enp3s0f0np1 becomes "
			"enp5s0f0np1\n" },
	{ .name = "by its path, and udev has kept nothing of it",
		.entries = { LINK("enp3s0") },
		.expect = "interface|enp3s0|enp5s0||network interface enp3s0 becomes enp5s0\n" },
	{ .name = "a name that another interface has now",
		.entries = { LINK("enp3s0"),
			{ "sys/class/net/enp5s0", NULL, "../../devices/virtual/x" } },
		.expect =
			"interface|enp3s0|enp5s0||network interface enp3s0 becomes enp5s0, a name "
			"that another one has now\n" },
	{ .name = "an interface that is called by its slot keeps that name, and has another one",
		.entries = { LINK("ens3"), INDEX("ens3"),
			UDEV("E:ID_NET_NAME_SLOT=ens3\nE:ID_NET_NAME_PATH=enp3s0\n") },
		.expect =
			"interface|enp3s0|enp5s0||network interface ens3: its name by path, enp3s0, "
			"becomes enp5s0\n" },
	{ .name = "an interface that is called by its MAC address keeps that",
		.entries = { LINK("enx525400123456"), INDEX("enx525400123456"),
			UDEV("E:ID_NET_NAME_MAC=enx525400123456\n") },
		.expect = "" },
	{ .name = "a name that a .link file has chosen",
		.entries = { LINK("lan0"), INDEX("lan0"),
			UDEV("E:ID_NET_LINK_FILE=/etc/systemd/network/10-lan.link\n") },
		.expect = "interface|lan0|-||network interface lan0 may be called otherwise: "
			  "/etc/systemd/network/10-lan.link and udev's rules decide\n" },
	{ .name = "a name of the kernel, and a file that has it",
		.entries = { LINK("eth0"), INDEX("eth0"), UDEV("E:ID_NET_NAME_PATH=enp3s0\n"),
			{ "etc/network/interfaces", "auto lo\niface eth0 inet dhcp\n#eth0\n",
				NULL } },
		.expect =
			"interface|enp3s0|enp5s0||network interface eth0: its name by path, enp3s0, "
			"becomes enp5s0\n"
			"interface|eth0|-||network interface eth0 may be called otherwise: the kernel "
			"numbers interfaces in the order in which it finds them\n"
			"mention|eth0|-|/etc/network/interfaces:2|\n" },
	{ .name = "an onboard name of SMBIOS, which knows addresses",
		.entries = { LINK("eno1"), INDEX("eno1"), UDEV("E:ID_NET_NAME_ONBOARD=eno1\n") },
		.expect = "interface|eno1|-||network interface eno1 may be called otherwise: the "
			  "firmware's table of onboard devices knows it by its address\n" },
	{ .name = "an onboard name of ACPI",
		.entries = { LINK("eno1"), INDEX("eno1"), UDEV("E:ID_NET_NAME_ONBOARD=eno1\n"),
			{ "sys/bus/pci/devices/0000:03:00.0/acpi_index", "1\n", NULL } },
		.expect = "" },
	{ .name = "a file that names an interface which is gone then, with a VLAN on it",
		.entries = { LINK("enp3s0"),
			{ "etc/network/interfaces.d/lan",
				"iface enp3s0.7 inet dhcp\n"
				"iface enp3s01 inet dhcp\n",
				NULL },
			{ "etc/sysconfig/network-scripts/ifcfg-enp3s0", "ONBOOT=yes\n", NULL } },
		.expect =
			"interface|enp3s0|enp5s0||network interface enp3s0 becomes enp5s0\n"
			"mention|enp3s0|enp5s0|/etc/network/interfaces.d/lan:1|\n"
			"mention|enp3s0|enp5s0|/etc/sysconfig/network-scripts/ifcfg-enp3s0:0|\n" },
	{ .name = "links of a disk by path; its partitions follow, other disks stay",
		.entries = { { "dev/disk/by-path/pci-0000:04:00.0-nvme-1", NULL, "../../nvme0n1" },
			{ "dev/disk/by-path/pci-0000:04:00.0-nvme-1-part1", NULL,
				"../../nvme0n1p1" },
			{ "dev/disk/by-path/pci-0000:00:1f.2-ata-1", NULL, "../../sda" } },
		.expect = "link|/dev/disk/by-path/pci-0000:04:00.0-nvme-1|"
			  "/dev/disk/by-path/pci-0000:06:00.0-nvme-1||"
			  "/dev/disk/by-path/pci-0000:04:00.0-nvme-1 becomes "
			  "pci-0000:06:00.0-nvme-1\n" },
	{ .name = "an override of driverctl, which is a file's name",
		.entries = { { "etc/driverctl.d/pci-0000:04:00.0", "vfio-pci\n", NULL } },
		.expect =
			"mention|0000:04:00.0|0000:06:00.0|/etc/driverctl.d/pci-0000:04:00.0:0|\n" },
	{ .name = "libvirt: the host's address is one, the guest's is none",
		.entries = { { "etc/libvirt/qemu/guest.xml",
				     "<hostdev mode='subsystem' type='pci'>\n  <source>\n"
				     "    <address domain='0x0000' bus='0x04' slot='0x00' function='0x0'/>\n"
				     "  </source>\n"
				     "  <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>\n"
				     "</hostdev>\n<address type='pci' domain='0x0000' bus='0x04' slot='0x00' "
				     "function='0x0'/>\n",
				     NULL },
			{ "etc/libvirt/qemu/networks/sr.xml",
				"<forward mode='hostdev' managed='yes'><address type='pci' domain='0' "
				"bus='3' slot='0' function='0'/></forward>\n",
				NULL } },
		.expect =
			"mention|0000:04:00.0|0000:06:00.0|/etc/libvirt/qemu/guest.xml:3|\n"
			"mention|0000:03:00.0|0000:05:00.0|/etc/libvirt/qemu/networks/sr.xml:1|\n" },
	{ .name = "a card that is passed to a guest of Proxmox",
		.entries = { { "etc/pve/qemu-server/100.conf", "cores: 2\nhostpci0: 04:00,pcie=1\n",
			NULL } },
		.expect = "mention|0000:04:00.0|0000:06:00.0|/etc/pve/qemu-server/100.conf:2|\n" },
	{ .name = "rules, options and mounts, but for what is commented out",
		.entries = { { "etc/udev/rules.d/70-x.rules",
				     "# KERNELS==\"0000:03:00.0\"\nKERNELS==\"0000:03:00.0\", NAME=\"lan\"\n",
				     NULL },
			{ "etc/modprobe.d/vfio.conf", "install vfio-pci echo 03:00.0 04:00.0\n",
				NULL },
			{ "proc/cmdline", "quiet pci=resource_alignment=20@0000:04:00.0\n", NULL },
			{ "etc/fstab", "/dev/disk/by-path/pci-0000:04:00.0-nvme-1-part1 / ext4\n",
				NULL },
			{ "etc/X11/xorg.conf", "\tBusID \"PCI:3:0:0\"\n\tBusID \"PCI:3@1:0:0\"\n",
				NULL } },
		.expect = "mention|0000:03:00.0|0000:05:00.0|/etc/X11/xorg.conf:1|\n"
			  "mention|0000:04:00.0|0000:06:00.0|/etc/fstab:1|\n"
			  "mention|0000:03:00.0|0000:05:00.0|/etc/modprobe.d/vfio.conf:1|\n"
			  "mention|0000:04:00.0|0000:06:00.0|/etc/modprobe.d/vfio.conf:1|\n"
			  "mention|0000:03:00.0|0000:05:00.0|/etc/udev/rules.d/70-x.rules:2|\n"
			  "mention|0000:04:00.0|0000:06:00.0|/proc/cmdline:1|\n" },
};

static struct pr_plan *make_plan_on(const char *text, struct pr_topology **ret)
{
	const struct pr_policy policy = { .limit = PR_DISRUPTION_RESTART };
	const struct pr_bus_wish buses = { .bridge = { .bus = 1 }, .buses = 3 };
	const struct pr_request request = { .buses = &buses, .n_buses = 1 };
	struct pr_plan *p = NULL;

	*ret = machine_build(text);
	assert_int_equal(pr_plan_make(*ret, &request, &policy, &p), 0);
	if (p->verdict != PR_VERDICT_OK)
		fail_msg("%s", p->why);
	return p;
}

static struct pr_plan *make_plan(struct pr_topology **ret)
{
	return make_plan_on(machine, ret);
}

static void print_effects(const struct pr_plan *p, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < p->n_effects && n < size; i++) {
		const struct pr_effect *e = &p->effects[i];

		if (e->kind == PR_EFFECT_IOMMU_GROUP || e->kind == PR_EFFECT_COLLECTOR)
			continue;
		n += (size_t)snprintf(text + n, size - n, "%s|%s|%s|%s", pr_effect_name(e->kind),
			e->before, e->after ? e->after : "-", e->file ? e->file : "");
		if (e->file && n < size)
			n += (size_t)snprintf(text + n, size - n, ":%u", e->line);
		if (n < size)
			n += (size_t)snprintf(text + n, size - n, "|%s\n", e->text ? e->text : "");
	}
	assert_true(n < size);
}

static void test_effects(void **state)
{
	const struct effect_case *c = *state;
	struct fixture *f = fixture_new();
	struct pr_topology *t;
	struct pr_plan *p = make_plan(&t);
	char text[4096];

	fixture_fill(f, c->entries);
	assert_int_equal(pr_effects_find(p, fixture_root(f)), 0);
	print_effects(p, text, sizeof(text));
	assert_string_equal(text, c->expect);
	assert_null(p->effects_unseen);
	pr_plan_free(p);
	pr_topology_free(t);
	fixture_free(f);
}

static bool says(const struct pr_plan *p, enum pr_effect_kind kind, const char *text)
{
	for (size_t i = 0; i < p->n_effects; i++)
		if (p->effects[i].kind == kind && strstr(p->effects[i].text, text))
			return true;
	return false;
}

/* Of the plan alone, as on a recording. */
static void test_of_the_topology(void **state)
{
	struct pr_topology *t;
	struct pr_plan *p = make_plan(&t);

	(void)state;
	assert_int_equal(p->n_renumbered, 2);
	assert_true(says(p, PR_EFFECT_IOMMU_GROUP, "IOMMU group 13 is made anew"));
	assert_true(says(p, PR_EFFECT_IOMMU_GROUP, "IOMMU group 14 is made anew"));
	assert_true(says(p, PR_EFFECT_COLLECTOR, "leaves the buses 01 to 03"));
	assert_int_equal(p->n_effects, 3);
	pr_plan_free(p);
	pr_topology_free(t);
}

static void test_domain(void **state)
{
	static const char text[] = "kernel 6.1.0\nroot 0000:00-06 mem=c0000000-febfffff\n"
				   "00:02.0 bridge 01-01 root-port hotplug driver=pcieport\n"
				   "01:00.0 bridge none upstream\n"
				   "00:03.0 bridge 03-03 root-port driver=pcieport\n"
				   "03:00.0 dev 8086:201d class=010400 driver=vmd\n";
	struct pr_topology *t;
	struct pr_plan *p = make_plan_on(text, &t);

	(void)state;
	assert_true(says(p, PR_EFFECT_DOMAIN, "the PCI domain behind this VMD is made anew"));
	assert_int_equal(p->n_effects, 1);
	pr_plan_free(p);
	pr_topology_free(t);
}

/* What is too large to be anybody's fstab is not looked at, and that is said. */
static void test_unreadable(void **state)
{
	struct fixture *f = fixture_new();
	struct pr_topology *t;
	struct pr_plan *p = make_plan(&t);
	char *large = malloc(300u * 1024u);

	(void)state;
	assert_non_null(large);
	memset(large, '\n', 300u * 1024u);
	fixture_bytes(f, "etc/fstab", large, 300u * 1024u);
	free(large);
	assert_int_equal(pr_effects_find(p, fixture_root(f)), 0);
	assert_string_equal(p->effects_unseen, "/etc/fstab cannot be read: File too large");
	pr_plan_free(p);
	pr_topology_free(t);
	fixture_free(f);
}

static const struct scan_case {
	const char *name, *text;
	unsigned int style;
	const char *expect; /* "line:what " of each */
} scan_cases[] = {
	{ .name = "an address with and without a domain",
		.text = "a 0000:02:00.0 b\n02:1f.7",
		.expect = "1:0000:02:00.0 2:0000:02:1f.7 " },
	{ .name = "an address at the end of a text without a newline",
		.text = "ff:00.0",
		.expect = "1:0000:ff:00.0 " },
	{ .name = "a domain of a VMD", .text = "=10000:e1:00.0,", .expect = "1:10000:e1:00.0 " },
	{ .name = "a device or a function that there cannot be",
		.text = "02:20.0 02:00.8",
		.expect = "" },
	{ .name = "more digits than an address has",
		.text = "002:00.0 02:000.0 02:00.00 x02:00.0",
		.expect = "" },
	{ .name = "what is longer than an address is none: a MAC address and a time",
		.text = "52:54:00:02:00.0 1:02:00.0 12:02",
		.expect = "" },
	{ .name = "an address inside of a path's name",
		.text = "pci-0000:02:00.0-nvme-1",
		.expect = "1:0000:02:00.0 " },
	{ .name = "a node device of libvirt",
		.text = "<dev>pci_0000_02_00_1</dev>",
		.expect = "1:0000:02:00.1 " },
	{ .name = "X.Org counts in tens, and only X.Org does",
		.text = "\"PCI:10:0:0\"",
		.style = PR_MENTION_X11,
		.expect = "1:0000:0a:00.0 " },
	{ .name = "the same text elsewhere", .text = "\"PCI:10:0:0\"", .expect = "" },
	{ .name = "comments",
		.text = " # 02:00.0\n; 02:00.0\nx # 02:00.0",
		.style = PR_MENTION_HASH,
		.expect = "3:0000:02:00.0 " },
	{ .name = "an <address/> over several lines is on the first of them",
		.text = "<source>\n<address domain=\"0x1\"\n  bus = \"0x02\"\n  slot=\n\"0x00\" "
			"function=\"0x1\"/>\n<address\nbus='3' slot='0'/>",
		.style = PR_MENTION_LIBVIRT,
		.expect = "2:0001:02:00.1 6:0000:03:00.0 " },
	{ .name = "what a comment of XML holds is no definition",
		.text = "<source>\n<!-- <address bus='2' slot='0'/>\n</source> -->\n"
			"<address bus='3' slot='0'/><!-- <address bus='4' slot='0'/>",
		.style = PR_MENTION_LIBVIRT,
		.expect = "4:0000:03:00.0 " },
	{ .name = "a source that ends at once has nothing inside",
		.text = "<source/><address bus='2' slot='0'/>",
		.style = PR_MENTION_LIBVIRT,
		.expect = "" },
	{ .name = "a card without its functions, as Proxmox has it; a MAC address is none",
		.text = "hostpci0: 0000:02:00,pcie=1\nhostpci1: 03:00;04:00.1\nnet0: e1000=08:00:27:01:02:03",
		.style = PR_MENTION_CARD,
		.expect = "1:0000:02:00.0 2:0000:03:00.0 2:0000:04:00.1 " },
	{ .name = "the same elsewhere is a time", .text = "0000:02:00 02:00", .expect = "" },
	{ .name = "words, whole",
		.text = "eth0 eth0.7 eth01 xeth0 br-eth0 eth0-x eth0:1\neth0",
		.expect = "1:eth0 2:eth0 " },
	{ .name = "a word that only begins like one",
		.text = "eth01 xeth0 br-eth0 eth0-x eth",
		.expect = "" },
	{ .name = "nothing", .text = "", .expect = "" },
	{ .name = "what ends in the middle of everything",
		.text = "<address bus='",
		.style = 7,
		.expect = "" },
};

static int note(void *userdata, unsigned int line, const struct pr_address *a, size_t name)
{
	char address[PR_ADDRESS_MAX] = "eth0", *text = userdata;

	assert_int_equal(name, 0);
	if (a)
		pr_address_format(a, address);
	(void)snprintf(text + strlen(text), 256 - strlen(text), "%u:%s ", line, address);
	return 0;
}

static void test_scan(void **state)
{
	const struct scan_case *c = *state;
	const char *names[] = { "eth0" };
	char text[256] = "";
	const struct pr_mention_sink sink = {
		.names = names, .n_names = 1, .found = note, .userdata = text
	};
	/* behind it is nothing that may be read */
	char *exact = malloc(strlen(c->text) + 1);

	assert_non_null(exact);
	memcpy(exact, c->text, strlen(c->text));
	assert_int_equal(pr_mentions_scan(exact, strlen(c->text), c->style, &sink), 0);
	assert_string_equal(text, c->expect);
	free(exact);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, cases, test_effects);
	ADD_TEST(&tests, test_of_the_topology);
	ADD_TEST(&tests, test_domain);
	ADD_TEST(&tests, test_unreadable);
	ADD_ROWS(&tests, scan_cases, test_scan);

	return rows_run(&tests, "mentions");
}

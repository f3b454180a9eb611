/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lspci's output: what a text comes to is shown as a snapshot, line by line.
 * Texts are made up in the wordings of pciutils 3.0 to 3.14.
 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "pciroom/import.h"
#include "rows.h"

#define HOST "00:00.0 Host bridge: Maker Part\n"
/* a header of type 0: 1af4:1041, network controller, memory BAR 0 at 80000000 */
#define BYTES_0                                                 \
	"00: f4 1a 41 10 06 00 00 00 01 00 00 02 00 00 00 00\n" \
	"10: 00 00 00 80 00 00 00 00 00 00 00 00 00 00 00 00\n" \
	"20: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n" \
	"30: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"

/* as on POWER, with the address that the processor has for it */
#define TRANSLATED(address)                              \
	"0001:01:00.0 Ethernet controller: Maker Part\n" \
	"\tRegion 0: Memory at " address " (32-bit, non-prefetchable) [size=4K]\n"

static const struct lspci_case {
	const char *name, *text;
	const char *expected[8]; /* parts of the snapshot, in this order */
	const char *absent;      /* no part of it */
} lspci_cases[] = {
	{ "bytes alone: no table of the kernel",
		"00:03.0 Ethernet controller: Maker Part\n" BYTES_0,
		{ "- address: 0000:00:03.0\n  config: |\n    f41a4110" }, "resource:" },
	{ "bytes: upper case, trailing blanks, carriage returns",
		"00:03.0 X: Y\r\n00: F4 1A 41 10   \r\n", { "  config: |\n    f41a4110\n" }, NULL },
	{ "bytes: an offset of three digits, bytes between are not known",
		"00:03.0 X: Y\n00: f4 1a\n100: 01 00\n", { "f41a\n    ?*254\n    0100\n" }, NULL },
	{ "bytes: those before the first function belong to nobody",
		"00: 11 11\n00:03.0 X: Y\n00: f4 1a\n", { "config: |\n    f41a\n" }, "1111" },
	{ "a domain of 32 bits", "10000:e1:00.0 Non-Volatile memory controller: Maker Part\n",
		{ "- bus: 10000:e1\n", "address: 10000:e1:00.0" }, NULL },
	{ "a bare list: class by name, nothing else", "00:1c.0 PCI bridge: Maker Part (rev f1)\n",
		{ "    ?*8\n    f1\n    ?*1\n    0406\n    ?*2\n    01\n" }, "resource:" },
	{ "a bare list with numbers",
		"00:1c.0 PCI bridge [0604]: Maker Part [8086:a110] (rev f1)\n",
		{ "    868010a1\n    ?*4\n    f1\n    ?*1\n    0406\n    ?*2\n    01\n" }, NULL },
	{ "numbers alone, as with -n", "00:1c.0 0604: 8086:a110 (rev f1)\n",
		{ "    868010a1\n    ?*4\n    f1\n    ?*1\n    0406\n" }, NULL },
	{ "brackets in a name are no ids",
		"00:02.0 VGA compatible controller: Maker [AMD/ATI] Navi [Radeon 7600]\n",
		{ "    ?*10\n    0003\n" }, NULL },
	{ "a second function makes the first one multifunction",
		"00:02.0 Audio device: A B\n00:02.1 Audio device: A B\n",
		{ "0304\n    ?*2\n    80\n", "0304\n    ?*2\n    80\n" }, NULL },
	{ "text: a region is a line of the kernel's table, numbers from -vv on",
		"00:03.0 Ethernet controller: Maker Part\n"
		"\tControl: I/O+ Mem+ BusMaster+ SpecCycle- MemWINV-\n"
		"\tRegion 2: Memory at 800000000 (64-bit, prefetchable) [size=16M]\n"
		"\tRegion 4: I/O ports at c000 [size=32]\n",
		{ "  resource:\n  - 0x0 0x0 0x0\n  - 0x0 0x0 0x0\n"
		  "  - 0x800000000 0x800ffffff 0x142200\n  - 0x0 0x0 0x0\n"
		  "  - 0xc000 0xc01f 0x40100\n  - 0x0 0x0 0x0\n" },
		NULL },
	{ "text: -v has no numbers, 64-bit regions take two",
		"00:03.0 Ethernet controller: Maker Part\n"
		"\tFlags: bus master, fast devsel, latency 0, IRQ 16, NUMA node 1, IOMMU group 12\n"
		"\tMemory at 800000000 (64-bit, prefetchable) [size=16M]\n"
		"\tI/O ports at c000 [size=32]\n",
		{ "  - 0x800000000 0x800ffffff 0x142200\n  - 0x0 0x0 0x0\n  - 0xc000 0xc01f 0x40100\n",
			"numa-node: 1\n", "iommu-group: 12\n" },
		NULL },
	{ "text of -v and bytes: the bytes number the regions",
		"00:03.0 Ethernet controller: Maker Part\n"
		"\tFlags: bus master, fast devsel\n\tMemory at 80000000 (32-bit, non-prefetchable) [size=4K]\n"
		"00: f4 1a 41 10 06 00 00 00 01 00 00 02 00 00 00 00\n"
		"10: 00 00 00 00 00 00 00 80 00 00 00 00 00 00 00 00\n",
		{ "  - 0x0 0x0 0x0\n  - 0x80000000 0x80000fff 0x40200\n" }, NULL },
	{ "text: unassigned with a size is a failed BAR, without one it is forgotten",
		"00:03.0 Ethernet controller: Maker Part\n\tControl: I/O- Mem- BusMaster-\n"
		"\tRegion 0: Memory at <unassigned> (32-bit, non-prefetchable) [disabled] [size=1M]\n"
		"\tRegion 1: Memory at <ignored> (32-bit, non-prefetchable) [disabled] [size=8M]\n"
		"\tRegion 2: Memory at <unassigned> (64-bit, prefetchable) [disabled]\n",
		{ "    ?*4\n    0c00000000000000",
			"  - 0x0 0xfffff 0x40200\n  - 0x0 0x7fffff 0x40200\n"
			"  - 0x0 0x0 0x0\n" },
		NULL },
	{ "text: virtual, before and behind the address",
		"00:03.0 Ethernet controller: Maker Part\n\tControl: I/O- Mem- BusMaster-\n"
		"\tRegion 0: Memory at ee000000 (32-bit, non-prefetchable) [virtual] [size=16M]\n"
		"\tRegion 1: [virtual] Memory at ef000000 (32-bit, non-prefetchable) [size=1M]\n",
		{ "    ?*1\n    000000000000000000000000000000000000000000000000\n",
			"  - 0xee000000 0xeeffffff 0x40200\n  - 0xef000000 0xef0fffff 0x40200\n" },
		NULL },
	{ "text: no size anywhere, as of lspci -F: the table is not known",
		"00:03.0 Ethernet controller: Maker Part\n\tControl: I/O- Mem+ BusMaster-\n"
		"\tRegion 0: Memory at ee000000 (32-bit, non-prefetchable)\n",
		{ "000000ee", "  resource:\n  - unknown\n" }, NULL },
	{ "text: the display's ROM in RAM is a shadow",
		"00:02.0 VGA compatible controller: Maker Part\n\tFlags: fast devsel\n"
		"\tMemory at ee000000 (32-bit, non-prefetchable) [size=16M]\n"
		"\tExpansion ROM at 000c0000 [virtual] [disabled] [size=128K]\n",
		{ "  - 0xc0000 0xdffff 0x46202\n" }, NULL },
	{ "text: driver, slot, label, node, group, in lines of their own and indented by mail",
		"00:03.0 Ethernet controller: Maker Part\n        DeviceName: Onboard LAN\n"
		"        Physical Slot: 4-1\n        NUMA node: 1\n        IOMMU group: 12\n"
		"        Kernel driver in use: e1000e\n        Kernel modules: e1000e\n",
		{ "driver: \"e1000e\"\n", "slot: \"4-1\"\n", "label: \"Onboard LAN\"\n",
			"numa-node: 1\n", "iommu-group: 12\n" },
		NULL },
	{ "bridge of 3.5: windows of eight and sixteen digits, closed ones left out",
		"00:1c.0 PCI bridge: Maker Part (prog-if 00 [Normal decode])\n"
		"\tFlags: bus master, fast devsel, latency 0\n"
		"\tBus: primary=00, secondary=0a, subordinate=1f, sec-latency=0\n"
		"\tMemory behind bridge: fc000000-fdffffff\n"
		"\tPrefetchable memory behind bridge: 0000000800000000-00000008ffffffff\n"
		"\tKernel driver in use: pcieport\n",
		{ "01\n", "000a1f", "00fcf0fd01",
			"  - 0x0 0x0 0x0\n  - 0xfc000000 0xfdffffff 0x200200\n"
			"  - 0x800000000 0x8ffffffff 0x302200\n" },
		NULL },
	{ "bridge of 3.8 and later: widths, sizes, disabled",
		"00:1c.0 PCI bridge: Maker Part (prog-if 00 [Normal decode])\n"
		"\tFlags: bus master, fast devsel, latency 0\n"
		"\tBus: primary=00, secondary=0a, subordinate=1f, sec-latency=0\n"
		"\tI/O behind bridge: c000-cfff [size=4K] [16-bit]\n"
		"\tMemory behind bridge: [disabled] [32-bit]\n"
		"\tPrefetchable memory behind bridge: 800000000-8ffffffff [size=4G] [64-bit]\n",
		{ "  - 0xc000 0xcfff 0x200100\n  - 0x0 0x0 0x0\n  - 0x800000000 0x8ffffffff 0x302200\n" },
		NULL },
	{ "[32-bit] beside bytes says nothing either: the register has the width",
		"00:1c.0 PCI bridge: Maker Part (prog-if 00 [Normal decode])\n"
		"\tFlags: bus master, fast devsel, latency 0\n"
		"\tBus: primary=00, secondary=0a, subordinate=1f, sec-latency=0\n"
		"\tPrefetchable memory behind bridge: fe000000-fe1fffff [size=2M] [32-bit]\n"
		"20: f0 ff 00 00 01 fe 11 fe 00 00 00 00 00 00 00 00\n",
		{ "  - 0xfe000000 0xfe1fffff 0x302200\n" }, NULL },
	{ "[32-bit] behind a window above 4 GiB says nothing",
		"00:1c.0 PCI bridge: Maker Part (prog-if 00 [Normal decode])\n"
		"\tFlags: bus master, fast devsel, latency 0\n"
		"\tBus: primary=00, secondary=0a, subordinate=1f, sec-latency=0\n"
		"\tPrefetchable memory behind bridge: 800000000-8ffffffff [size=4G] [32-bit]\n",
		{ "  - 0x800000000 0x8ffffffff 0x302200\n" }, NULL },
	{ "bridge of 3.6: None, and limits below their bases",
		"00:1c.0 PCI bridge: Maker Part\n\tFlags: fast devsel\n"
		"\tBus: primary=00, secondary=0a, subordinate=1f, sec-latency=0\n"
		"\tI/O behind bridge: 0000f000-00000fff [disabled]\n\tMemory behind bridge: None\n"
		"\tPrefetchable memory behind bridge: 00000000fff00000-00000000000fffff [disabled]\n"
		"\tKernel driver in use: pcieport\n",
		{ "  - 0x0 0x0 0x0\n  - 0x0 0x0 0x0\n  - 0x0 0x0 0x0\n  driver" }, NULL },
	{ "capabilities become a list",
		"00:1c.0 PCI bridge: Maker Part\n\tControl: I/O+ Mem+ BusMaster+\n"
		"\tStatus: Cap+ 66MHz- UDF-\n"
		"\tBus: primary=00, secondary=0a, subordinate=1f, sec-latency=0\n"
		"\tCapabilities: [40] Express (v2) Root Port (Slot+), MSI 00\n"
		"\t\tSltCap:\tAttnBtn- PwrCtrl+ MRL- AttnInd- PwrInd- HotPlug+ Surprise+\n"
		"\t\t\tSlot #7, PowerLimit 25W; Interlock- NoCompl+\n"
		"\t\tSltCtl:\tEnable: AttnBtn- HPIrq- LinkChg-\n"
		"\t\tSltSta:\tStatus: AttnBtn- PresDet-\n\t\t\tChanged: MRL- PresDet+ LinkState-\n"
		"\tCapabilities: [80] MSI: Enable+ Count=1/1\n"
		"\tCapabilities: [100 v1] Advanced Error Reporting\n",
		{ "    40\n", "    10804201\n", "    62003c0000000000\n", "    0500\n",
			"    01000100\n" },
		NULL },
	{ "a capability of later ends what is known of the list",
		"00:03.0 Audio device: A B\n\tControl: I/O+ Mem+\n\tStatus: Cap+\n"
		"\tCapabilities: [40] Something new\n\tCapabilities: [50] MSI: Enable-\n",
		{ "0000000040\n    ?*12\n    50\n    ?*14\n    0500\n" }, NULL },
	{ "capabilities that lspci could not read are not known",
		"00:03.0 Audio device: A B\n\tFlags: fast devsel\n\tCapabilities: <access denied>\n",
		{ "0000100000000304" }, NULL },
	{ "Resizable BAR",
		"00:03.0 Audio device: A B\n\tControl: I/O+ Mem+\n"
		"\tCapabilities: [200 v1] Physical Resizable BAR\n"
		"\t\tBAR 0: current size: 8GB, supported: 256MB 512MB 1GB 2GB 4GB 8GB\n"
		"\t\tBAR 2: current size: 2MB, supported: 2MB 4MB\n",
		{ "00f00300400d00006000000002010000" }, NULL },
	{ "SR-IOV: the BARs of virtual functions have no sizes",
		"00:03.0 Ethernet controller: A B\n\tControl: I/O+ Mem+\n"
		"\tRegion 0: Memory at ee000000 (32-bit, non-prefetchable) [size=16M]\n"
		"\tCapabilities: [100 v1] Single Root I/O Virtualization (SR-IOV)\n"
		"\t\tIOVCap:\tMigration-, Interrupt Message Number: 000\n"
		"\t\tIOVCtl:\tEnable- Migration- Interrupt- MSE- ARIHierarchy+\n"
		"\t\tInitial VFs: 8, Total VFs: 8, Number of VFs: 0, Function Dependency Link: 00\n"
		"\t\tVF offset: 128, stride: 2, Device ID: 10ed\n"
		"\t\tSupported Page Size: 00000553, System Page Size: 00000001\n"
		"\t\tRegion 0: Memory at 0000000800000000 (64-bit, non-prefetchable)\n",
		{ "    1000\n", "08000800", "8000020", "ed10530500000100000004000000080000000",
			"  - 0xee000000",
			"  - unknown\n  - unknown\n  - unknown\n  - unknown\n  - unknown\n  - unknown\n" },
		NULL },
	{ "virtual functions are found by offset and stride",
		"00:03.0 Ethernet controller: A B\n\tControl: I/O+ Mem+\n"
		"\tStatus: Cap+\n\tCapabilities: [40] Express (v2) Endpoint, MSI 00\n"
		"\tCapabilities: [100 v1] Single Root I/O Virtualization (SR-IOV)\n"
		"\t\tIOVCtl:\tEnable+ Migration- Interrupt- MSE+ ARIHierarchy-\n"
		"\t\tInitial VFs: 8, Total VFs: 8, Number of VFs: 2, Function Dependency Link: 00\n"
		"\t\tVF offset: 128, stride: 2, Device ID: 10ed\n"
		"\t\tSupported Page Size: 00000553, System Page Size: 00000001\n"
		"00:13.0 Ethernet controller: A V\n00:13.2 Ethernet controller: A V\n",
		{ "address: 0000:00:13.0\n  physfn: 0000:00:03.0\n",
			"address: 0000:00:13.2\n  physfn: 0000:00:03.0\n" },
		NULL },
	{ "a virtual function's identity reads as ones: what the text says counts",
		"00:03.0 Ethernet controller [0200]: A B [8086:10ed]\n00: ff ff ff ff 00 00 10 00\n"
		"00:04.0 Ethernet controller: A B\n00: ff ff ff ff 00 00 10 00\n"
		"00:04.0 Ethernet controller [0200]: A B [8086:10ed]\n",
		{ "address: 0000:00:03.0\n  config: |\n    8680ed10",
			"address: 0000:00:04.0\n  config: |\n    8680ed10" },
		NULL },
	{ "a list first, details later, bytes last: one function",
		"00:03.0 Audio device: A B\n00:04.0 Audio device: A C\n\n"
		"00:03.0 Audio device: A B\n\tFlags: fast devsel\n\tKernel driver in use: snd\n\n"
		"00:03.0 Audio device: A B\n00: f4 1a 41 10 06 00 00 00 01 00 03 04 00 00 00 00\n",
		{ "address: 0000:00:03.0\n  config: |\n    f41a4110060000000100030400000000",
			"driver: \"snd\"\n", "address: 0000:00:04.0\n" },
		NULL },
	{ "foreign bytes in a driver's name are made safe",
		"00:03.0 Audio device: A B\n\tKernel driver in use: a\xff"
		"b\x01\n",
		{ "driver: \"a?b?\"\n" }, NULL },
	{ "where the processor sees a BAR elsewhere than bytes have it, it is where they say",
		TRANSLATED("600c080000000") BYTES_0, { "- 0x80000000 0x80000fff 0x40200\n" },
		"0x600c080000000" },
	{ "where another BAR of the domain is the same for both, the first is stale",
		TRANSLATED("600c080000000") BYTES_0
		"0001:01:00.1 Ethernet controller: Maker Part\n"
		"\tRegion 0: Memory at 80000000 (32-bit, non-prefetchable) [size=4K]\n" BYTES_0,
		{ "- 0x600c080000000 0x600c080000fff 0x40200\n" }, NULL },
	{ "an offset that no host bridge has is none", TRANSLATED("80001000") BYTES_0,
		{ "- 0x80001000 0x80001fff 0x40200\n" }, NULL },
	{ "a register that could have the processor's address has a stale one",
		TRANSLATED("90000000") BYTES_0, { "- 0x90000000 0x90000fff 0x40200\n" }, NULL },
	{ "without bytes, a 32-bit BAR above 4 GiB is somewhere", TRANSLATED("600c080000000"),
		{ "- 0x600c080000000 0x600c080000fff 0x40200\n" }, NULL },
	{ "headlines, comments and prompts are passed over",
		"# lspci\n$ lspci -v\n" HOST "--- end\n", { "address: 0000:00:00.0\n" }, NULL },
};

/* What is not known survives a snapshot as not known. */
static void assert_reads_back(const struct pr_topology *t, const char *text, size_t size)
{
	struct pr_import_error error = { .text = "" };
	struct pr_topology *again = NULL;
	char why[256] = "";

	if (pr_snapshot_read(text, size, &again, &error) != 0)
		fail_msg("as a snapshot: %u: %s\n%s", error.line, error.text, text);
	if (!pr_topology_equal(t, again, why, sizeof(why)))
		fail_msg("as a snapshot it differs: %s\n%s", why, text);
	pr_topology_free(again);
}

static void test_lspci(void **state)
{
	const struct lspci_case *c = *state;
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;
	_cleanup_free_ char *text = NULL;
	const char *at;
	size_t size;

	if (pr_lspci_read(c->text, strlen(c->text), NULL, &t, NULL, &error) != 0)
		fail_msg("line %u: %s", error.line, error.text);
	assert_int_equal(pr_snapshot_write(t, &text, &size), 0);
	at = strstr(text, "functions:");
	for (size_t i = 0; i < ARRAY_SIZE(c->expected) && c->expected[i]; i++) {
		const char *found = strstr(i == 0 ? text : at, c->expected[i]);

		if (!found)
			fail_msg("\"%s\" is not in\n%s", c->expected[i], text);
		at = found + strlen(c->expected[i]);
	}
	if (c->absent && strstr(text, c->absent))
		fail_msg("\"%s\" is in\n%s", c->absent, text);
	assert_reads_back(t, text, size);
	pr_topology_free(t);
}

/* ---- what cannot be read ---- */

static const struct bad_case {
	const char *name, *text;
	int r;
	unsigned int line;
	const char *why;
} bad_cases[] = {
	{ "bad: no function", "# nothing\n", -EINVAL, 0, "no PCI function" },
	{ "bad: nothing at all", "", -EINVAL, 0, "no PCI function" },
	{ "bad: a line of bytes with a word in it", HOST "00: 86 80 xx 00\n", -EINVAL, 2,
		"something else" },
	{ "bad: half a byte", HOST "00: 86 80 5\n", -EINVAL, 2, "something else" },
	{ "bad: beyond 4096 bytes", HOST "fff: 00 00\n", -EINVAL, 2, "4096" },
	{ "bad: ids of text and bytes differ",
		"00:00.0 Host bridge [0600]: A B [8086:1901]\n00: 86 80 02 19\n", 1, 2,
		"byte 02 is 02 by its bytes and 01 by its text" },
	{ "bad: bytes first, then text that says otherwise",
		"00:00.0 PCI bridge: A B\n10: 00 00 00 00 00 00 00 00 00 05 09 00 00 00 00 00\n\n"
		"00:00.0 PCI bridge: A B\n\tBus: primary=00, secondary=06, subordinate=09\n",
		1, 5, "byte 19 is 05 by its bytes and 06 by its text" },
	{ "bad: two bridges side by side lead to one bus",
		"00:01.0 PCI bridge: A B\n\tBus: primary=00, secondary=01, subordinate=01\n"
		"00:02.0 PCI bridge: A B\n\tBus: primary=00, secondary=01, subordinate=01\n"
		"01:00.0 Audio device: A B\n",
		1, 5, "bus 01" },
};

static void test_bad(void **state)
{
	const struct bad_case *c = *state;
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;

	assert_int_equal(pr_lspci_read(c->text, strlen(c->text), NULL, &t, NULL, &error), c->r);
	assert_null(t);
	if (!strstr(error.text, c->why))
		fail_msg("\"%s\" does not say \"%s\"", error.text, c->why);
	assert_int_equal(error.line, c->line);
}

/* ---- which kind a file is ---- */

static const struct kind_case {
	const char *name, *data;
	size_t size;
	enum pr_input_kind kind;
} kind_cases[] = {
	{ "kind: a snapshot", "format: pciroom-snapshot/1\n", 0, PR_INPUT_SNAPSHOT },
	{ "kind: a snapshot below a comment", "# mine\n---\nformat: x\n", 0, PR_INPUT_SNAPSHOT },
	{ "kind: lspci", HOST, 0, PR_INPUT_LSPCI },
	{ "kind: lspci below a headline", "Here:\n\n0000:00:00.0 Host bridge: A B\n", 0,
		PR_INPUT_LSPCI },
	{ "kind: a kernel log", "[    0.0] Linux version 6.12\n", 0, PR_INPUT_DMESG },
	{ "kind: a part of one, in a letter",
		"Hello,\npci 0000:01:00.0: [8086:10d3] type 00 class 0x020000 PCIe Endpoint\n", 0,
		PR_INPUT_DMESG },
	{ "kind: xz",
		"\xfd"
		"7zXZ\0more",
		10, PR_INPUT_ARCHIVE },
	{ "kind: zstd", "\x28\xb5\x2f\xfdmore", 8, PR_INPUT_ARCHIVE },
	{ "kind: gzip", "\x1f\x8bmore", 6, PR_INPUT_ARCHIVE },
	{ "kind: devices recorded by umockdev", "P: /devices/pci0000:00/0000:00:1f.0\n", 0,
		PR_INPUT_UMOCKDEV },
	{ "kind: two bytes that are not enough", "\x1f", 1, PR_INPUT_UNKNOWN },
	{ "kind: nothing", "", 0, PR_INPUT_UNKNOWN },
};

static void test_kind(void **state)
{
	const struct kind_case *c = *state;

	assert_int_equal(pr_input_detect(c->data, c->size ? c->size : strlen(c->data)), c->kind);
}

static void test_no_kind(void **state)
{
	static const char mail[] = "- a list\n- of things\n";
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t;

	(void)state;
	assert_int_equal(pr_input_read(mail, sizeof(mail) - 1, NULL, &t, NULL, &error), -EINVAL);
	assert_non_null(strstr(error.text, "neither a snapshot"));
}

/* ---- apertures from a file beside it ---- */

static void test_companions(void **state)
{
	static const char iomem[] = "# a copy\n80000000-febfffff : PCI Bus 0000:00\n",
			  ioports[] = "0000-0cf7 : PCI Bus 0000:00\n";
	const struct pr_companions companions = { .iomem = iomem,
		.iomem_size = sizeof(iomem) - 1,
		.iomem_name = "iomem.txt",
		.ioports = ioports,
		.ioports_size = sizeof(ioports) - 1,
		.ioports_name = "ioports.txt" };
	struct pr_companions bad = companions;
	struct pr_import_error error = { .text = "" };
	struct pr_import_notes notes = { .n = 0 };
	struct pr_topology *t = NULL;

	(void)state;
	assert_int_equal(pr_lspci_read(HOST, strlen(HOST), &companions, &t, &notes, &error), 0);
	assert_true(t->roots[0]->facts.io_known);
	assert_true(t->roots[0]->facts.mem_known);
	assert_int_equal(t->roots[0]->facts.mem[0].last, 0xfebfffff);
	for (size_t i = 0; i < notes.n; i++)
		assert_null(strstr(notes.note[i].missing, "apertures"));
	pr_topology_free(t);

	bad.iomem = "80000000-febfffff : PCI Bus 0000:00\nrubbish\n";
	bad.iomem_size = strlen(bad.iomem);
	t = NULL;
	assert_int_equal(pr_lspci_read(HOST, strlen(HOST), &bad, &t, &notes, &error), -EINVAL);
	assert_int_equal(error.line, 0);
	assert_non_null(strstr(error.text, "iomem.txt"));
	assert_non_null(strstr(error.text, "line 2"));
	assert_null(t);
}

static void apertures_of_a_machine_that_translates(void **state)
{
	static const char text[] = TRANSLATED("600c080000000") BYTES_0;
	static const char iomem[] = "6004000000000-6007f7fffffff : PCI Bus 0001:01\n"
				    "600c080000000-600c0fffeffff : PCI Bus 0001:01\n"
				    "  600c0f0000000-600c0f00fffff : firmware\n";
	const struct pr_companions companions = { .iomem = iomem,
		.iomem_size = sizeof(iomem) - 1,
		.iomem_name = "iomem.txt",
		.ioports = "",
		.ioports_name = "ioports.txt" };
	struct pr_import_error error = { .text = "" };
	const struct pr_root_facts *facts;
	struct pr_topology *t = NULL;

	(void)state;
	if (pr_lspci_read(text, sizeof(text) - 1, &companions, &t, NULL, &error) != 0)
		fail_msg("%u: %s", error.line, error.text);
	facts = &t->roots[0]->facts;
	assert_int_equal(facts->n_mem, 2);
	assert_int_equal(facts->mem[0].first, 0x80000000);
	assert_int_equal(facts->mem[0].last, 0xfffeffff);
	assert_int_equal(facts->mem[1].first, 0x6004000000000);
	assert_int_equal(facts->n_busy_mem, 1);
	assert_int_equal(facts->busy_mem[0].first, 0xf0000000);
	pr_topology_free(t);
}

/* There it is damage: doctor has to see it. */
static void on_x86_a_bar_that_is_elsewhere_is_stale(void **state)
{
	static const char text[] = TRANSLATED("600c080000000") BYTES_0;
	static const char log[] = "[    0.000000] BIOS-e820: [mem 0x0-0x57fff] usable\n";
	const struct pr_companions companions = { .dmesg = log, .dmesg_size = sizeof(log) - 1 };
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;

	(void)state;
	if (pr_lspci_read(text, sizeof(text) - 1, &companions, &t, NULL, &error) != 0)
		fail_msg("%u: %s", error.line, error.text);
	assert_string_equal(t->machine.arch, "x86_64");
	assert_int_equal(t->roots[0]->functions[0].resources[0].range.first, 0x600c080000000);
	pr_topology_free(t);
}

/* ---- a kernel log beside it ---- */

static void test_log(void **state)
{
	static const char text[] =
		"00:03.0 Ethernet controller [0200]: A B [8086:10d3]\n\tControl: I/O- Mem- BusMaster-\n"
		"\tRegion 0: Memory at 80000000 (32-bit, non-prefetchable) [disabled] [size=4K]\n"
		"\tRegion 2: Memory at <unassigned> (64-bit, prefetchable) [disabled]\n";
	static const char log[] =
		"[    0.0] Linux version 6.12.30-amd64 (a@b)\n"
		"[    0.4] PCI host bridge to bus 0000:00\n"
		"[    0.4] pci_bus 0000:00: root bus resource [io  0x0000-0x0cf7 window]\n"
		"[    0.4] pci_bus 0000:00: root bus resource [mem 0x80000000-0xfebfffff window]\n"
		"[    0.5] pci 0000:00:03.0: [8086:10d3] type 00 class 0x020000 PCIe Endpoint\n"
		"[    0.9] pci 0000:00:03.0: BAR 2 [mem size 0x10000000 64bit pref]: can't assign; no space\n";
	const struct pr_companions companions = { .dmesg = log, .dmesg_size = strlen(log) };
	struct pr_import_error error = { .text = "" };
	const struct pr_resource *bar;
	struct pr_topology *t = NULL;

	(void)state;
	if (pr_lspci_read(text, strlen(text), &companions, &t, NULL, &error) != 0)
		fail_msg("%u: %s", error.line, error.text);
	assert_string_equal(t->machine.release, "6.12.30-amd64");
	assert_true(t->roots[0]->facts.io_known);
	assert_true(t->roots[0]->facts.mem_known);
	bar = pr_function_resource(&t->roots[0]->functions[0], 2);
	assert_int_equal(bar->state, PR_RES_FORGOTTEN);
	assert_int_equal(bar->size, 0x10000000);
	pr_topology_free(t);
}

static void a_log_that_says_nothing_is_refused(void **state)
{
	static const char text[] = "00:03.0 Ethernet controller [0200]: A B [8086:10d3]\n";
	static const char log[] = "00:03.0 is no log\n";
	const struct pr_companions companions = { .dmesg = log, .dmesg_size = sizeof(log) - 1 };
	struct pr_import_error error = { .text = "" };
	struct pr_topology *t = NULL;

	(void)state;
	assert_int_equal(
		pr_lspci_read(text, sizeof(text) - 1, &companions, &t, NULL, &error), -EINVAL);
	assert_non_null(strstr(error.text, "no line about PCI"));
	assert_null(t);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, lspci_cases, test_lspci);
	ADD_ROWS(&tests, bad_cases, test_bad);
	ADD_ROWS(&tests, kind_cases, test_kind);
	ADD_TEST(&tests, test_no_kind);
	ADD_TEST(&tests, apertures_of_a_machine_that_translates);
	ADD_TEST(&tests, on_x86_a_bar_that_is_elsewhere_is_stale);
	ADD_TEST(&tests, test_companions);
	ADD_TEST(&tests, test_log);
	ADD_TEST(&tests, a_log_that_says_nothing_is_refused);
	return rows_run(&tests, "lspci");
}

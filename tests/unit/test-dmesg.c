/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel logs: a line of any version to its entry, and lines together to a topology. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pciroom/dmesg.h"
#include "rows.h"

/* ---- lines ---- */

static const struct line_case {
	const char *name, *line;
	const char *entry; /* as describe() prints it; NULL: says nothing of PCI */
} line_cases[] = {
	{ "a function with its port type, since 6.8",
		"[    0.44] pci 0000:00:01.0: [8086:1901] type 01 class 0x060400 PCIe Root Port",
		"found 0000:00:01.0 8086:1901 type 1 class 060400 port 4" },
	{ "a function of an older kernel, behind syslog's prefix",
		"Jan  1 10:00:00 host kernel: [    1.5] pci 0000:08:02.1: [10de:1f36] type 00 "
		"class 0x030000",
		"found 0000:08:02.1 10de:1f36 type 0 class 030000 port -1" },
	{ "BAR, since 6.8", "pci 0000:00:02.0: BAR 2 [mem 0x4000000000-0x400fffffff 64bit pref]",
		"register 0000:00:02.0 2 mem pref 64bit 4000000000-400fffffff" },
	{ "BAR, 3.x to 6.7", "pci 0000:00:04.7: reg 0x10: [mem 0x9d20a000-0x9d20afff]",
		"register 0000:00:04.7 0 mem 9d20a000-9d20afff" },
	{ "BAR, 2.6.33 and later", "pci 0000:00:1f.2: reg 24: [mem 0xf0000000-0xf00007ff]",
		"register 0000:00:1f.2 5 mem f0000000-f00007ff" },
	{ "BAR, 2.6.30", "pci 0000:00:02.0: reg 18 64bit mmio pref: [0xd0000000-0xdfffffff]",
		"register 0000:00:02.0 2 mem pref 64bit d0000000-dfffffff" },
	{ "I/O BAR, 2.6.30", "pci 0000:00:02.0: reg 20 io port: [0x1800-0x1807]",
		"register 0000:00:02.0 4 io 1800-1807" },
	{ "ROM", "pci 0000:01:00.0: ROM [mem 0xfff80000-0xffffffff pref]",
		"register 0000:01:00.0 6 mem pref fff80000-ffffffff" },
	{ "ROM of a bridge by its register", "pci 0000:01:00.0: reg 0x38: [mem 0x0-0x7ff pref]",
		"register 0000:01:00.0 6 mem pref 0-7ff" },
	{ "BAR of legacy IDE", "pci 0000:00:1f.1: legacy IDE quirk: reg 0x10: [io  0x01f0-0x01f7]",
		"register 0000:00:1f.1 0 io fixed 1f0-1f7" },
	{ "VF BARs together, old wording",
		"pci 0000:81:00.0: VF(n) BAR0 space: [mem 0xfb200000-0xfb2fffff 64bit] (contains "
		"BAR0 for 64 VFs)",
		"vf-space 0000:81:00.0 7 mem 64bit fb200000-fb2fffff count 64" },
	{ "VF BARs together, new wording",
		"pci 0000:00:02.0: VF BAR 2 [mem 0x00000000-0xdfffffff 64bit pref]: contains BAR 2 "
		"for 7 VFs",
		"vf-space 0000:00:02.0 9 mem pref 64bit 0-dfffffff count 7" },
	{ "VF BARs that POWER's platform code takes away",
		"pci 0001:08:00.0: Don't support SR-IOV with non M64 VF BAR0: [mem "
		"0x3fe080800000-0x3fe0809fffff 64bit]. ",
		"no-vfs 0001:08:00.0" },
	{ "buses of a bridge", "pci 0000:00:1c.0: PCI bridge to [bus 04-51]",
		"buses 0000:00:1c.0 bus 04-51" },
	{ "one bus of a bridge, driver bound", "pcieport 0000:00:1c.0: PCI bridge to [bus 04]",
		"buses 0000:00:1c.0 bus 04-04" },
	{ "an open window", "pci 0000:00:01.0:   bridge window [io  0x2000-0x2fff]",
		"window 0000:00:01.0 13 io 2000-2fff" },
	{ "a window that a subtractive bridge has from its parent is not its own",
		"pci 0000:00:1e.0:   bridge window [mem 0x000a0000-0x000bffff window] (subtractive "
		"decode)",
		NULL },
	{ "buses that cannot be",
		"pci 0000:07:00.0: bridge configuration invalid ([bus 00-00]), reconfiguring",
		"invalid 0000:07:00.0 bus 00-00" },
	{ "end of a bus range", "pci_bus 0000:09: busn_res: [bus 09-2b] end is updated to 09",
		"bus-end 0000:09:00.0 bus 09-09" },
	{ "a bus is gone", "pci_bus 0000:09: busn_res: [bus 09-2b] is released",
		"bus-gone 0000:09:00.0 bus 09-2b" },
	{ "host bridge", "rockchip-pcie f8000000.pcie: PCI host bridge to bus 0000:00",
		"root 0000:00:00.0" },
	{ "buses of a host bridge", "pci_bus 0000:ff: root bus resource [bus ff]",
		"root 0000:ff:00.0 bus ff-ff" },
	{ "aperture", "pci_bus 0000:00: root bus resource [mem 0x8f800000-0xefffffff window]",
		"aperture 0000:00:00.0 mem 8f800000-efffffff" },
	{ "memory aperture that is elsewhere on the bus",
		"pci_bus 0000:00: root bus resource [mem 0x600c000000000-0x600c07ffeffff] (bus "
		"address [0x80000000-0xfffeffff])",
		"aperture 0000:00:00.0 mem 80000000-fffeffff" },
	{ "memory aperture whose bus address has another size",
		"pci_bus 0000:00: root bus resource [mem 0x600c000000000-0x600c07ffeffff] (bus "
		"address [0x80000000-0xffffffff])",
		"aperture 0000:00:00.0 mem 600c000000000-600c07ffeffff" },
	{ "aperture without padding, with a bus address: I/O ports are the processor's",
		"pci_bus 0000:00: root bus resource [io 0x0000-0x1fffff] (bus address "
		"[0xfbe00000-0xfbffffff])",
		"aperture 0000:00:00.0 io 0-1fffff" },
	{ "assigned, new wording",
		"pci 0000:09:00.0: BAR 1 [mem 0x6000000000-0x600fffffff 64bit pref]: assigned",
		"assigned 0000:09:00.0 1 mem pref 64bit 6000000000-600fffffff" },
	{ "assigned to a framebuffer is no decision", "pci 0000:00:02.0: BAR 2: assigned to efifb",
		NULL },
	{ "assigned, old wording", "pci 0000:09:00.0: BAR 1: assigned [io  0x1000-0x103f]",
		"assigned 0000:09:00.0 1 io 1000-103f" },
	{ "no space, new wording, window",
		"pcieport 0000:00:1c.0: bridge window [io  size 0x11000]: can't assign; no space",
		"failed 0000:00:1c.0 13 io size 11000" },
	{ "no space, old wording",
		"pci 0000:03:00.0: BAR 7: no space for [mem size 0x00200000 64bit pref]",
		"failed 0000:03:00.0 7 mem pref 64bit size 200000" },
	{ "failed, old wording", "pci 0000:03:00.0: BAR 6: failed to assign [mem size 0x800 pref]",
		"failed 0000:03:00.0 6 mem pref size 800" },
	{ "the optional part failed",
		"pci 0000:03:00.0: bridge window [mem 0x100000-0x2fffff]: failed to expand by "
		"0x1000000",
		"not-grown 0000:03:00.0 14 mem 100000-2fffff" },
	{ "released, new wording",
		"pci 0000:03:00.0: bridge window [mem 0x100000-0x2fffff 64bit pref]: releasing",
		"released 0000:03:00.0 15 mem pref 64bit 100000-2fffff" },
	{ "released, old wording",
		"pcieport 0000:03:00.0: resource 14 [mem 0x100000-0x2fffff] released",
		"released 0000:03:00.0 14 mem 100000-2fffff" },
	{ "a BAR released for a resize, by its driver",
		"amdgpu 0030:03:00.0: BAR 0: releasing [mem 0x100000-0x2fffff 64bit pref]",
		"released 0030:03:00.0 0 mem pref 64bit 100000-2fffff" },
	{ "not claimed, new wording",
		"pci 0000:01:00.0: ROM [mem 0xfff80000-0xffffffff pref]: can't claim; no "
		"compatible bridge window",
		"unclaimed 0000:01:00.0 6 mem pref fff80000-ffffffff" },
	{ "not claimed, old wording",
		"pci 0000:01:00.0: can't claim BAR 0 [mem 0xdf000000-0xdf03ffff]: no compatible "
		"bridge window",
		"unclaimed 0000:01:00.0 0 mem df000000-df03ffff" },
	{ "a window that nobody needs",
		"pci 0000:00:1c.0: disabling bridge window [io  0x0000-0x0fff disabled] to [bus "
		"02] (unused)",
		"closed 0000:00:1c.0 13 io 0-fff" },
	{ "an optional size",
		"pci 0000:00:1c.0: bridge window [mem 0x00100000-0x000fffff] to [bus 02] add_size "
		"200000 add_align 100000",
		"optional 0000:00:1c.0 14 mem bus 02-02 count 2097152" },
	{ "second try of a root bus", "pci_bus 0000:00: No. 2 try to assign unassigned res",
		"try 0000:00:00.0 count 2" },
	{ "second try below a bridge", "PCI: No. 2 try to assign unassigned res",
		"try 0000:00:00.0 count 2" },
	{ "the number of tries", "pci_bus 0000:00: max bus depth: 5 pci_try_num: 6",
		"tries 0000:00:00.0 count 6" },
	{ "table of a bus", "pci_bus 0000:01: resource 1 [mem 0xbd000000-0xbe0fffff]",
		"table 0000:01:00.0 mem bd000000-be0fffff" },
	{ "a slot",
		"pcieport 0000:00:1d.0: pciehp: Slot #12 AttnBtn- PwrCtrl- MRL- AttnInd- "
		"PwrInd- HotPlug+ Surprise+",
		"slot 0000:00:1d.0 count 1" },
	{ "a slot of older kernels",
		"pciehp 0000:00:1c.4:pcie204: Slot #4 AttnBtn+ PwrCtrl+ MRL- AttnInd+ PwrInd+ "
		"HotPlug- Surprise-",
		"slot 0000:00:1c.4" },
	{ "a card is plugged in", "pcieport 0000:00:1d.0: pciehp: Slot(12): Card present",
		"plugged 0000:00:1d.0" },
	{ "a card goes", "pcieport 0000:00:1d.0: pciehp: Slot(12): Link Down",
		"unplugged 0000:00:1d.0" },
	{ "a card that does not go",
		"pcieport 0000:00:1d.0: pciehp: Slot(12): Link Down/Up ignored "
		"(recovered by DPC)",
		NULL },
	{ "a button is pressed",
		"pcieport 0000:04:0b.0: pciehp: Slot(12): Button press: will power off in 5 sec",
		"unplugged 0000:04:0b.0" },
	{ "addresses that belong to the board",
		"system 00:05: [mem 0xfd000000-0xfdabffff] has been reserved",
		"reserved 0000:00:00.0 mem fd000000-fdabffff" },
	{ "addresses that the memory map withholds",
		"BIOS-e820: [mem 0x00000000fd000000-0x00000000fe010fff] reserved",
		"reserved 0000:00:00.0 mem fd000000-fe010fff" },
	{ "memory", "BIOS-e820: [mem 0x0000000000100000-0x0000000062a8efff] usable", NULL },
	{ "addresses that it gives back", "e820: remove [mem 0x80000000-0x8fffffff] reserved",
		"unreserved 0000:00:00.0 mem 80000000-8fffffff" },
	{ "what a board could not have",
		"system 00:05: [mem 0xfd000000-0xfdabffff] could not be reserved", NULL },
	{ "a domain of eight digits", "pci 10000:e1:00.0: BAR 0 [mem size 0x4000 64bit]",
		"register 10000:e1:00.0 0 mem 64bit size 4000" },
	{ "a bus number with three digits", "pci 0000:100:00.0: BAR 0 [mem size 0x4000]", NULL },
	{ "a resource without its end", "pci 0000:10:00.0: BAR 0 [mem 0x1000-", NULL },
	{ "a number that is too long",
		"pci 0000:10:00.0: BAR 0 [mem 0x10000000000000000-0x1ffffffffffffffff]", NULL },
	{ "an address in the middle of a sentence",
		"pci 0000:10:00.0: limited by 8.0 GT/s link at 0000:00:1c.0 (capable of more)",
		NULL },
	{ "nothing", "", NULL },
};

static const struct {
	uint32_t bit;
	const char *word;
} type_words[] = {
	{ PR_IORES_MEM, " mem" },
	{ PR_IORES_IO, " io" },
	{ PR_IORES_PREFETCH, " pref" },
	{ PR_IORES_MEM_64, " 64bit" },
	{ PR_IORES_PCI_FIXED, " fixed" },
};

__attribute__((format(printf, 3, 4))) static void append(
	char *buffer, size_t size, const char *format, ...)
{
	size_t n = strlen(buffer);
	va_list ap;

	va_start(ap, format);
	assert_true(vsnprintf(buffer + n, size - n, format, ap) < (int)(size - n));
	va_end(ap);
}

static void describe(const struct pr_dmesg_entry *e, char *buffer, size_t size)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&e->address, address);
	buffer[0] = '\0';
	append(buffer, size, "%s %s", pr_dmesg_kind_name(e->kind), address);
	if (e->kind == PR_DMESG_FOUND)
		append(buffer, size, " %04x:%04x type %u class %06x port %d", e->vendor, e->device,
			e->header_type, e->class_code, e->port);
	if (e->index != PR_DMESG_NO_INDEX)
		append(buffer, size, " %u", e->index);
	for (size_t i = 0; i < ARRAY_SIZE(type_words); i++)
		if (e->flags & type_words[i].bit)
			append(buffer, size, "%s", type_words[i].word);
	if (e->placed)
		append(buffer, size, " %" PRIx64 "-%" PRIx64, e->range.first, e->range.last);
	else if (e->size)
		append(buffer, size, " size %" PRIx64, e->size);
	if (e->first_bus || e->last_bus || e->kind == PR_DMESG_INVALID)
		append(buffer, size, " bus %02x-%02x", e->first_bus, e->last_bus);
	if (e->count)
		append(buffer, size, " count %" PRIu64, e->count);
}

static struct pr_dmesg *read_log(const char *text)
{
	struct pr_import_error error;
	struct pr_dmesg *log;

	assert_int_equal(pr_dmesg_read(text, strlen(text), &log, &error), 0);
	return log;
}

static void test_line(void **state)
{
	const struct line_case *c = *state;
	struct pr_dmesg *log = read_log(c->line);
	char text[256];

	assert_int_equal(log->n, c->entry ? 1 : 0);
	if (c->entry) {
		describe(&log->entries[0], text, sizeof(text));
		assert_string_equal(text, c->entry);
	}
	pr_dmesg_free(log);
}

/* ---- the machine ---- */

static void test_machine(void **state)
{
	struct pr_dmesg *log = read_log(
		"[    0.0] Linux version 6.8.6-gentoo (root@x) (gcc) #1\r\n"
		"[    0.0] Command line: root=/dev/sda1 pci=realloc=off\n"
		"[    0.0] DMI: LENOVO 20QQS1H508/20QQS1H508, BIOS N2NET59W (1.44 ) 02/21/2024\n"
		"[    0.2] PCI: Using configuration type 1 for base access\n"
		"[    9.0] again: Linux version 1.0\n");

	(void)state;
	assert_string_equal(log->machine.release, "6.8.6-gentoo");
	assert_string_equal(log->machine.cmdline, "root=/dev/sda1 pci=realloc=off");
	assert_string_equal(log->machine.product, "LENOVO 20QQS1H508/20QQS1H508");
	assert_string_equal(log->machine.arch, "x86_64");
	assert_false(log->machine.is_guest);
	pr_dmesg_free(log);
}

static void the_log_of_a_guest_names_the_hypervisor(void **state)
{
	struct pr_dmesg *guest = read_log("[    0.0] Hypervisor detected: KVM\n[    0.1] PCI: x\n");
	struct pr_dmesg *host = read_log("[    0.0] Hypervisor detected: Xen PV\n");

	(void)state;
	assert_true(guest->machine.is_guest);
	assert_false(host->machine.is_guest);
	pr_dmesg_free(guest);
	pr_dmesg_free(host);
}

/* ---- facts ---- */

#define ROOT                                                                      \
	"PCI host bridge to bus 0000:00\n"                                        \
	"pci_bus 0000:00: root bus resource [io  0x1000-0xffff window]\n"         \
	"pci_bus 0000:00: root bus resource [mem 0x80000000-0xefffffff window]\n" \
	"pci_bus 0000:00: root bus resource [bus 00-7e]\n"
#define PORT                                                                    \
	"pci 0000:00:01.0: [8086:1901] type 01 class 0x060400 PCIe Root Port\n" \
	"pci 0000:00:01.0: PCI bridge to [bus 01-04]\n"                         \
	"pci 0000:00:01.0:   bridge window [mem 0x90000000-0x900fffff]\n"       \
	"pci 0000:00:01.0:   bridge window [mem 0xa0000000-0xa1ffffff 64bit pref]\n"
#define CARD                                                                   \
	"pci 0000:01:00.0: [10de:1f36] type 00 class 0x030000 PCIe Endpoint\n" \
	"pci 0000:01:00.0: BAR 0 [mem 0x90000000-0x900fffff]\n"                \
	"pci 0000:01:00.0: BAR 1 [mem 0xa0000000-0xa1ffffff 64bit pref]\n"     \
	"pci 0000:00:01.0: PCI bridge to [bus 01-04]\n"

static const struct facts_case {
	const char *name, *text;
	const char *resources; /* of 0000:01:00.0 and then of 0000:00:01.0, as list() prints them */
} facts_cases[] = {
	{ "what firmware gave is the table while nobody says otherwise", ROOT PORT CARD,
		"0:90000000-900fffff 1:a0000000-a1ffffff | 13:closed 14:90000000-900fffff "
		"15:a0000000-a1ffffff" },
	{ "the last word counts",
		ROOT PORT CARD
		"pci 0000:01:00.0: BAR 1 [mem size 0x02000000 64bit pref]: can't assign; no space\n"
		"pci 0000:01:00.0: BAR 1 [mem 0xb0000000-0xb1ffffff 64bit pref]: assigned\n"
		"pci 0000:01:00.0: BAR 0 [mem 0x90000000-0x900fffff]: assigned\n"
		"pci 0000:01:00.0: BAR 0 [mem size 0x00100000]: failed to assign\n",
		"0:forgotten/100000 1:b0000000-b1ffffff | 13:closed 14:90000000-900fffff "
		"15:a0000000-a1ffffff" },
	{ "a BAR that was released wants its size",
		ROOT PORT CARD "pci 0000:01:00.0: BAR 1 [mem 0xa0000000-0xa1ffffff 64bit pref]: "
			       "releasing\n",
		"0:90000000-900fffff 1:unassigned/2000000 | 13:closed 14:90000000-900fffff "
		"15:a0000000-a1ffffff" },
	{ "a list of windows closes those that are not in it",
		ROOT PORT CARD "pci 0000:00:01.0: PCI bridge to [bus 01-04]\n"
			       "pci 0000:00:01.0:   bridge window [io  0x2000-0x2fff]\n",
		"0:90000000-900fffff 1:a0000000-a1ffffff | 13:2000-2fff 14:closed 15:closed" },
	{ "a BAR at 0 has no address",
		ROOT PORT "pci 0000:01:00.0: [10de:1f36] type 00 class 0x030000\n"
			  "pci 0000:01:00.0: BAR 0 [mem 0x00000000-0x00003fff]\n",
		"0:unassigned/4000 | 13:closed 14:90000000-900fffff 15:a0000000-a1ffffff" },
	{ "VF BARs have the size of all and the alignment of one",
		ROOT PORT "pci 0000:01:00.0: [8086:1563] type 00 class 0x020000\n"
			  "pci 0000:01:00.0: VF BAR 0 [mem 0x90000000-0x90003fff 64bit]\n"
			  "pci 0000:01:00.0: VF BAR 0 [mem 0x90000000-0x9001ffff 64bit]: contains "
			  "BAR 0 for 8 VFs\n",
		"7:90000000-9001ffff/4000 | 13:closed 14:90000000-900fffff "
		"15:a0000000-a1ffffff" },
	{ "VF BARs that POWER's platform code takes away are in nobody's way",
		ROOT PORT "pci 0000:01:00.0: [1014:034a] type 00 class 0x010400\n"
			  "pci 0000:01:00.0: reg 0x10: [mem 0x90020000-0x9002ffff 64bit]\n"
			  "pci 0000:01:00.0: VF(n) BAR0 space: [mem 0x90000000-0x9001ffff 64bit] "
			  "(contains BAR0 for 8 VFs)\n"
			  "pci 0000:01:00.0: Don't support SR-IOV with non M64 VF BAR0: "
			  "[mem 0x90000000-0x9001ffff 64bit]. \n"
			  "pci 0000:01:00.0: BAR 0 [mem 0x90000000-0x9000ffff 64bit]: assigned\n",
		"0:90000000-9000ffff | 13:closed 14:90000000-900fffff 15:a0000000-a1ffffff" },
};

static void list(const struct pr_function *f, char *buffer, size_t size)
{
	static const char *const words[] = {
		[PR_RES_UNKNOWN] = "unknown",
		[PR_RES_UNASSIGNED] = "unassigned",
		[PR_RES_FORGOTTEN] = "forgotten",
		[PR_RES_CLOSED] = "closed",
	};

	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];

		append(buffer, size, "%s%u:", i > 0 ? " " : "", r->index);
		if (r->state == PR_RES_ASSIGNED)
			append(buffer, size, "%" PRIx64 "-%" PRIx64, r->range.first, r->range.last);
		else
			append(buffer, size, "%s", words[r->state]);
		if (r->state != PR_RES_CLOSED && r->state != PR_RES_ASSIGNED)
			append(buffer, size, "/%" PRIx64, r->size);
		if (r->index >= PR_VF_BAR0 && r->index < PR_WINDOW_IO)
			append(buffer, size, "/%" PRIx64, r->align);
	}
}

static struct pr_topology *build(struct pr_builder *b)
{
	struct pr_build_error error;
	struct pr_topology *t;
	int r = pr_builder_finish(b, &t, &error);

	if (r == 1)
		fail_msg("%s", error.text);
	assert_int_equal(r, 0);
	return t;
}

/* What @b has, with what @log knows; takes both. */
static struct pr_topology *supplement(struct pr_dmesg *log, struct pr_builder *b)
{
	assert_int_equal(pr_dmesg_supplement(log, b), 0);
	pr_dmesg_free(log);
	return build(b);
}

static struct pr_topology *topology_of(const char *text)
{
	struct pr_dmesg *log = read_log(text);
	struct pr_builder *b = pr_builder_new();

	assert_int_equal(pr_dmesg_add_facts(log, log->n, b), 0);
	pr_dmesg_free(log);
	return build(b);
}

static struct pr_function *find(const struct pr_topology *t, const char *address)
{
	struct pr_address a;
	struct pr_function *f;

	assert_true(pr_address_parse(address, &a));
	f = pr_topology_find(t, &a);
	assert_non_null(f);
	return f;
}

/* As PowerNV prints it; firmware has set up the port, and the second BAR finds nothing below 4 GiB. */
#define TRANSLATED                                                                               \
	"PCI host bridge to bus 0001:00\n"                                                       \
	"pci_bus 0001:00: root bus resource [mem 0x600c080000000-0x600c0fffeffff] (bus address " \
	"[0x80000000-0xfffeffff])\n"                                                             \
	"pci_bus 0001:00: root bus resource [mem 0x6004000000000-0x6007f7fffffff 64bit pref]\n"  \
	"pci 0001:00:00.0: [1014:04c1] type 01 class 0x060400 PCIe Root Port\n"                  \
	"pci 0001:00:00.0: PCI bridge to [bus 01]\n"                                             \
	"pci 0001:00:00.0:   bridge window [mem 0x600c080000000-0x600c0807fffff]\n"              \
	"pci 0001:00:00.0:   bridge window [mem 0x6004000000000-0x6004001ffffff 64bit pref]\n"   \
	"pci 0001:01:00.0: [10de:1f36] type 00 class 0x030000 PCIe Endpoint\n"                   \
	"pci 0001:01:00.0: BAR 0 [mem 0x600c080000000-0x600c0800fffff]\n"                        \
	"pci 0001:01:00.0: BAR 1 [mem 0x6004000000000-0x6004001ffffff 64bit pref]\n"

static void a_translated_machine_is_as_its_registers_have_it(void **state)
{
	struct pr_topology *t = topology_of(TRANSLATED);
	const struct pr_function *port = find(t, "0001:00:00.0"), *card = find(t, "0001:01:00.0");

	(void)state;
	assert_int_equal(t->roots[0]->facts.n_mem, 2);
	assert_int_equal(t->roots[0]->facts.mem[0].first, 0x80000000);
	assert_int_equal(t->roots[0]->facts.mem[0].last, 0xfffeffff);
	assert_int_equal(t->roots[0]->facts.mem[1].first, 0x6004000000000);
	assert_int_equal(card->resources[0].range.first, 0x80000000);
	assert_int_equal(card->resources[1].range.first, 0x6004000000000);
	assert_int_equal(port->bridge->registers[1].range.first, 0x80000000);
	assert_int_equal(port->bridge->registers[1].range.last, 0x807fffff);
	pr_topology_free(t);
}

static void a_bridge_that_got_no_bus_number_has_none(void **state)
{
	struct pr_topology *t = topology_of(
		ROOT PORT "pci 0000:01:00.0: [1b36:000e] type 01 class 0x060400\n"
			  "pci 0000:01:00.0: BAR 0 [mem 0x90000000-0x900000ff 64bit]\n"
			  "pci 0000:01:00.0: PCI bridge to [bus 00]\n"
			  "pci 0000:01:00.0:   bridge window [mem 0x00000000-0x000fffff]\n"
			  "pci 0000:01:00.0: No bus number available for hot-added bridge\n");

	(void)state;
	assert_true(find(t, "01:00.0")->no_bus);
	pr_topology_free(t);
}

static void beside_tables_of_the_kernel_it_is_as_the_processor_has_it(void **state)
{
	struct pr_dmesg *log = read_log(TRANSLATED);
	struct pr_builder *b = pr_builder_new();
	struct pr_topology *t;

	(void)state;
	t = supplement(log, b);
	assert_int_equal(t->roots[0]->facts.mem[0].first, 0x600c080000000);
	assert_int_equal(t->roots[0]->facts.mem[0].last, 0x600c0fffeffff);
	pr_topology_free(t);
}

static void test_facts(void **state)
{
	const struct facts_case *c = *state;
	struct pr_topology *t = topology_of(c->text), *again;
	struct pr_import_error error;
	char text[512] = "", why[256] = "", *yaml;
	size_t size;

	list(find(t, "0000:01:00.0"), text, sizeof(text));
	append(text, sizeof(text), " | ");
	list(find(t, "0000:00:01.0"), text, sizeof(text));
	assert_string_equal(text, c->resources);
	assert_int_equal(find(t, "0000:01:00.0")->root->last_bus, 0x7e);

	assert_int_equal(pr_snapshot_write(t, &yaml, &size), 0);
	assert_int_equal(pr_snapshot_read(yaml, size, &again, &error), 0);
	if (!pr_topology_equal(t, again, why, sizeof(why)))
		fail_msg("%s", why);
	free(yaml);
	pr_topology_free(again);
	pr_topology_free(t);
}

static void test_silence_is_unknown(void **state)
{
	struct pr_topology *t = topology_of(ROOT PORT CARD);
	const struct pr_function *port = find(t, "0000:00:01.0");
	uint16_t command;
	struct pr_config c = { .bytes = port->facts->config,
		.length = port->facts->config_length,
		.holes = port->facts->config_holes };

	(void)state;
	assert_false(pr_config_u16(&c, 4, &command));
	assert_int_equal(port->caps->list_complete, PR_UNKNOWN);
	assert_int_equal(port->caps->pcie.port, PR_PORT_ROOT);
	assert_int_equal(port->caps->msi.present, PR_UNKNOWN);
	assert_int_equal(port->bridge->registers[0].implemented, PR_UNKNOWN);
	assert_int_equal(port->bridge->registers[2].implemented, PR_YES);
	assert_false(port->bridge->hotplug);
	assert_int_equal(port->header.class_code, 0x060400);
	pr_topology_free(t);
}

static const struct hotplug_case {
	const char *name, *line;
	bool hotplug;
} hotplug_cases[] = {
	{ "a slot that says so",
		"pcieport 0000:00:01.0: pciehp: Slot #1 AttnBtn- HotPlug+ Surprise+\n", true },
	{ "a slot that says no",
		"pcieport 0000:00:01.0: pciehp: Slot #1 AttnBtn- HotPlug- Surprise+\n", false },
	{ "an I/O reserve with no bridge below",
		"pci 0000:00:01.0: bridge window [io  0x1000-0x0fff] to [bus 01-04] add_size 1000\n",
		true },
	{ "memory that could be a VF's",
		"pci 0000:00:01.0: bridge window [mem 0x90000000-0x900fffff] to [bus 01-04] "
		"add_size 100000 add_align 100000\n",
		false },
};

static void test_hotplug(void **state)
{
	const struct hotplug_case *c = *state;
	char text[2048];
	struct pr_topology *t;

	assert_true(
		snprintf(text, sizeof(text), "%s%s", ROOT PORT CARD, c->line) < (int)sizeof(text));
	t = topology_of(text);
	assert_int_equal(find(t, "0000:00:01.0")->bridge->hotplug, c->hotplug);
	pr_topology_free(t);
}

static void test_presence(void **state)
{
	struct pr_dmesg *log = read_log(ROOT PORT CARD
		"pcieport 0000:00:01.0: pciehp: Slot(1): Link Down\n"
		"pci 0000:01:00.0: [10de:1f36] type 00 class 0x030000 PCIe Endpoint\n"
		"pci 0000:01:00.0: BAR 0 [mem 0x00000000-0x000fffff]\n");
	static const size_t n_functions[] = { 2, 1, 2 };
	struct pr_arena *arena = pr_arena_new();
	const struct pr_address card = { .bus = 1 };
	struct pr_facts facts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(n_functions); i++) {
		struct pr_builder *b = pr_builder_new();
		size_t until = i < 2 ? log->n - 3 + i : log->n;
		struct pr_topology *t;

		assert_int_equal(pr_dmesg_add_facts(log, until, b), 0);
		t = build(b);
		assert_int_equal(t->n_functions, n_functions[i]);
		pr_topology_free(t);
	}
	assert_int_equal(pr_dmesg_newcomer(log, 0, 4, &card, arena, &facts), 1);
	assert_int_equal(pr_dmesg_newcomer(log, log->n - 2, log->n, &card, arena, &facts), 0);
	assert_int_equal(facts.n_masks, 1); /* the card before had two BARs: this one is another */
	assert_null(facts.lines);
	pr_arena_free(arena);
	pr_dmesg_free(log);
}

/* ---- beside another recording ---- */

/* All that is known of a function: these bytes. */
#define CARD_FACTS(bytes)                                                                      \
	.config = (bytes), .config_length = sizeof(bytes), .numa_node = -1, .iommu_group = -1, \
	.sriov_numvfs = -1, .enabled = -1

static void test_supplement(void **state)
{
	static const uint8_t card[64] = { 0xde, 0x10, 0x36, 0x1f };
	static const uint8_t stranger[64] = { 0xde, 0x10, 0x37, 0x1f };
	struct pr_facts facts = { .address = { .bus = 1 }, CARD_FACTS(card) };
	const struct pr_root_facts root = { .last_bus = 0x20 };
	const struct pr_machine machine = { .release = "6.1.0" };
	struct pr_dmesg *log =
		read_log("Linux version 6.12.1 x\nCommand line: quiet\n" ROOT PORT CARD
			 "pci 0000:02:00.0: [10de:1f36] type 00 class 0x030000\n"
			 "pci 0000:02:00.0: BAR 0 [mem 0x00000000-0x000fffff]\n");
	struct pr_builder *b = pr_builder_new();
	struct pr_topology *t;

	(void)state;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	facts.address.bus = 2;
	facts.config = stranger;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	assert_int_equal(pr_builder_add_root(b, &root), 0);
	assert_int_equal(pr_builder_set_machine(b, &machine), 0);
	t = supplement(log, b);
	assert_int_equal(t->n_functions, 2);
	assert_int_equal(find(t, "01:00.0")->resources[1].size, 0x2000000);
	assert_int_equal(find(t, "02:00.0")->n_resources, 0);
	assert_int_equal(t->roots[0]->facts.n_mem, 1);
	assert_int_equal(t->roots[0]->facts.last_bus, 0x20);
	assert_string_equal(t->machine.release, "6.1.0");
	assert_string_equal(t->machine.cmdline, "quiet");
	pr_topology_free(t);
}

/* A recording with /proc/iomem and without /proc/ioports: each kind from whoever knows it. */
static void test_supplement_of_ports(void **state)
{
	const struct pr_range mem = { 0xc0000000, 0xc0ffffff };
	const struct pr_root_facts root = {
		.last_bus = -1, .mem = &mem, .n_mem = 1, .mem_known = true
	};
	struct pr_dmesg *log = read_log(ROOT PORT);
	struct pr_builder *b = pr_builder_new();
	struct pr_topology *t;

	(void)state;
	assert_int_equal(pr_builder_add_root(b, &root), 0);
	t = supplement(log, b);
	assert_int_equal(t->roots[0]->facts.n_mem, 1);
	assert_int_equal(t->roots[0]->facts.mem[0].first, 0xc0000000);
	assert_true(t->roots[0]->facts.io_known);
	assert_int_equal(t->roots[0]->facts.n_io, 1);
	pr_topology_free(t);
}

/* Nobody says who is at these addresses; where the log finds somebody, it is no end. */
static void the_end_of_a_log_has_sizes_of_what_failed(void **state)
{
	static const uint8_t card[64] = { 0xde, 0x10, 0x36, 0x1f };
	struct pr_facts facts = { .address = { .bus = 4 }, CARD_FACTS(card) };
	struct pr_dmesg *log = read_log(
		"amdgpu 0000:04:00.0: BAR 2: no space for [mem size 0x00100000 64bit pref]\n"
		"amdgpu 0000:04:00.0: BAR 2: no space for [mem size 0x00200000 64bit pref]\n"
		"amdgpu 0000:04:00.0: BAR 2: failed to assign [mem size 0x00200000 64bit pref]\n"
		"pci 0000:05:00.0: BAR 2: failed to assign [mem size 0x00200000 64bit pref]\n"
		"pci 0000:05:00.0: [10de:1f37] type 00 class 0x030000\n");
	struct pr_builder *b = pr_builder_new();
	struct pr_topology *t;

	(void)state;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	facts.address.bus = 5;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	t = supplement(log, b);
	assert_int_equal(find(t, "04:00.0")->n_resources, 1);
	assert_int_equal(find(t, "04:00.0")->resources[0].index, 2);
	assert_int_equal(find(t, "04:00.0")->resources[0].size, 0x200000);
	assert_int_equal(find(t, "05:00.0")->n_resources, 0);
	pr_topology_free(t);
}

#define BRIDGE "pci 0000:00:01.0: bridge window [io  size 0x2000]"
#define AGAIN  "pci 0000:00:01.0: [8086:1901] type 01 class 0x060400 PCIe Root Port\n"

/* What an I/O window without room asked for, by logs that begin anywhere. */
static const struct asked_case {
	const char *name, *log;
	uint64_t expect;
} asked_cases[] = {
	{ "an I/O window that found no room",
		PORT BRIDGE ": can't assign; no space\n" BRIDGE ": failed to assign\n", 0x2000 },
	{ "an I/O window that was taken away",
		PORT "pci 0000:00:01.0: bridge window [io  0x1000-0x3fff]: releasing\n", 0x3000 },
	{ "an I/O window that found room later",
		PORT BRIDGE ": failed to assign\n"
			    "pci 0000:00:01.0: bridge window [io  0x1000-0x2fff]: assigned\n",
		0 },
	{ "a bridge found anew", PORT BRIDGE ": failed to assign\n" AGAIN, 0 },
	{ "a log that begins behind the bridge", BRIDGE ": failed to assign\n", 0 },
	{ "another bridge was in its place",
		"pci 0000:00:01.0: [8086:1902] type 01 class 0x060400 PCIe Root Port\n" BRIDGE
		": failed to assign\n",
		0 },
};

/* A root port with a table in which its windows are zeros. */
static struct pr_topology *supplemented(const char *text)
{
	static const struct pr_resource_line lines[PR_WINDOW_PREF + 1];
	static const uint8_t config[64] = { 0x86, 0x80, 0x01,
		0x19, [0x0b] = 6, [0x0a] = 4, [0x0e] = 1, [0x19] = 1, [0x1a] = 1 };
	const struct pr_facts facts = { .address = { .device = 1 },
		CARD_FACTS(config),
		.lines = lines,
		.n_lines = ARRAY_SIZE(lines) };
	const struct pr_root_facts root = { .last_bus = 0x20 };
	struct pr_builder *b = pr_builder_new();
	struct pr_dmesg *log = read_log(text);

	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	assert_int_equal(pr_builder_add_root(b, &root), 0);
	assert_int_equal(pr_dmesg_supplement_functions(log, b), 0);
	pr_dmesg_free(log);
	return build(b);
}

static void test_asked(void **state)
{
	const struct asked_case *c = *state;
	struct pr_topology *t = supplemented(c->log);
	const struct pr_resource *io = pr_function_resource(find(t, "00:01.0"), PR_WINDOW_IO);

	assert_non_null(io);
	assert_int_equal(io->state, PR_RES_CLOSED);
	assert_int_equal(io->kept, c->expect);
	pr_topology_free(t);
}

/* A BAR that was made larger since it was found has its size in the table. */
static void test_table_is_newer(void **state)
{
	static const struct pr_resource_line lines[PR_WINDOW_PREF + 1] = { { 0xc0000000, 0xcfffffff,
		PR_IORES_MEM } };
	static const uint8_t card[64] = { 0xde, 0x10, 0x36, 0x1f, [0x13] = 0xc0 };
	const struct pr_facts facts = {
		.address = { .bus = 1 }, CARD_FACTS(card), .lines = lines, .n_lines = PR_ROM + 1
	};
	struct pr_dmesg *log = read_log(ROOT PORT CARD);
	struct pr_builder *b = pr_builder_new();
	struct pr_topology *t;

	(void)state;
	assert_int_equal(pr_builder_add_function(b, &facts), 0);
	t = supplement(log, b);
	assert_int_equal(pr_function_resource(find(t, "01:00.0"), 0)->size, 0x10000000);
	pr_topology_free(t);
}

int main(void)
{
	struct rows rows = { 0 };

	ADD_ROWS(&rows, line_cases, test_line);
	ADD_ROWS(&rows, facts_cases, test_facts);
	ADD_ROWS(&rows, hotplug_cases, test_hotplug);
	ADD_TEST(&rows, test_machine);
	ADD_TEST(&rows, the_log_of_a_guest_names_the_hypervisor);
	ADD_TEST(&rows, test_silence_is_unknown);
	ADD_TEST(&rows, test_presence);
	ADD_TEST(&rows, a_translated_machine_is_as_its_registers_have_it);
	ADD_TEST(&rows, a_bridge_that_got_no_bus_number_has_none);
	ADD_TEST(&rows, beside_tables_of_the_kernel_it_is_as_the_processor_has_it);
	ADD_TEST(&rows, test_supplement);
	ADD_TEST(&rows, test_supplement_of_ports);
	ADD_TEST(&rows, the_end_of_a_log_has_sizes_of_what_failed);
	ADD_ROWS(&rows, asked_cases, test_asked);
	ADD_TEST(&rows, test_table_is_newer);
	return rows_run(&rows, "dmesg");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sentences of drivers/pci about one function or one bus, in the wordings of
 * 2.6.3x to 7.x, to entries.  KERNEL 1.12 has the wordings and their meaning.
 */
#include <string.h>

#include "base/macros.h"
#include "import/dmesg.h"

#define ROM_REGISTER        0x30
#define BRIDGE_ROM_REGISTER 0x38
#define BAR_REGISTER        0x10

static bool is_done(const struct pr_dmesg_text *t)
{
	return t->p == t->end;
}

/* ---- names of resources ---- */

static uint8_t window_index(uint32_t flags)
{
	if (flags & PR_IORES_IO)
		return PR_WINDOW_IO;
	return flags & PR_IORES_PREFETCH ? PR_WINDOW_PREF : PR_WINDOW_MEM;
}

static bool numbered(
	struct pr_dmesg_text *t, const char *word, unsigned int base, struct pr_dmesg_entry *e)
{
	struct pr_dmesg_text at = *t;
	uint64_t n;

	if (!pr_dmesg_skip(&at, word) || !pr_dmesg_decimal(&at, &n) || n + base >= PR_RESOURCE_MAX)
		return false;
	*t = at;
	e->index = (uint8_t)(base + n);
	return true;
}

/* "BAR 2", "ROM", "VF BAR 0", "bridge window"; which window it is the resource tells. */
static bool resource_name(struct pr_dmesg_text *t, struct pr_dmesg_entry *e)
{
	e->index = PR_DMESG_NO_INDEX;
	if (numbered(t, "BAR ", 0, e) || numbered(t, "VF BAR ", PR_VF_BAR0, e))
		return true;
	if (pr_dmesg_skip(t, "ROM")) {
		e->index = PR_ROM;
		return true;
	}
	return pr_dmesg_skip(t, "bridge window");
}

static bool resource_of_name(struct pr_dmesg_text *t, struct pr_dmesg_entry *e)
{
	if (!pr_dmesg_resource(t, e))
		return false;
	if (e->index == PR_DMESG_NO_INDEX)
		e->index = window_index(e->flags);
	return true;
}

/* ---- what happened to a resource ---- */

static const struct verdict {
	const char *words;
	enum pr_dmesg_kind kind;
} after_resource[] = {
	/* since 6.8, and backported: "BAR 2 [mem ...]: assigned" */
	{ "assigned", PR_DMESG_ASSIGNED },
	{ "failed to assign", PR_DMESG_FAILED },
	{ "can't assign; ", PR_DMESG_FAILED },
	{ "can't claim; ", PR_DMESG_UNCLAIMED },
	{ "failed to expand by ", PR_DMESG_NOT_GROWN },
	{ "failed to add ", PR_DMESG_NOT_GROWN },
	{ "releasing", PR_DMESG_RELEASED },
	{ "released", PR_DMESG_RELEASED },
}, before_resource[] = {
	/* older: "BAR 2: assigned [mem ...]" */
	{ "assigned ", PR_DMESG_ASSIGNED },
	{ "reassigned ", PR_DMESG_ASSIGNED },
	{ "no space for ", PR_DMESG_FAILED },
	{ "failed to assign ", PR_DMESG_FAILED },
	{ "can't assign ", PR_DMESG_FAILED },
	{ "failed to expand ", PR_DMESG_NOT_GROWN },
	{ "failed to add ", PR_DMESG_NOT_GROWN },
	{ "releasing ", PR_DMESG_RELEASED },
};

/* "contains BAR 0 for 7 VFs", "contains BAR0 for 7 VFs" */
static bool vf_space(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	e->kind = PR_DMESG_VF_SPACE;
	return pr_dmesg_skip(&t, "contains BAR") && pr_dmesg_seek(&t, " for ") &&
	       pr_dmesg_decimal(&t, &e->count) && pr_dmesg_skip(&t, " VFs");
}

static bool verdict_after(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(after_resource); i++) {
		const struct verdict *v = &after_resource[i];

		if (!pr_dmesg_skip(&t, v->words))
			continue;
		e->kind = v->kind;
		/* "assigned to efifb" is the framebuffer's */
		return v->kind != PR_DMESG_ASSIGNED || is_done(&t);
	}
	return vf_space(t, e);
}

static bool verdict_before(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(before_resource); i++) {
		if (!pr_dmesg_skip(&t, before_resource[i].words))
			continue;
		e->kind = before_resource[i].kind;
		return resource_of_name(&t, e);
	}
	return false;
}

/* " to [bus 02] add_size 200000 add_align 100000" */
static bool optional_size(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	e->kind = PR_DMESG_OPTIONAL;
	return pr_dmesg_skip(&t, " to ") && pr_dmesg_buses(&t, e) &&
	       pr_dmesg_skip(&t, " add_size ") && pr_dmesg_hex(&t, 16, &e->count);
}

static bool named_resource(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	if (!resource_name(&t, e))
		return false;
	if (pr_dmesg_skip(&t, ": "))
		return verdict_before(t, e);
	if (!pr_dmesg_skip(&t, " ") || !resource_of_name(&t, e))
		return false;
	if (pr_dmesg_skip(&t, ": "))
		return verdict_after(t, e);
	e->kind = PR_DMESG_REGISTER;
	return is_done(&t) ? e->index < PR_WINDOW_IO : optional_size(t, e);
}

/* ---- registers ---- */

static bool register_index(uint64_t offset, struct pr_dmesg_entry *e)
{
	if (offset == ROM_REGISTER || offset == BRIDGE_ROM_REGISTER)
		e->index = PR_ROM;
	else if (offset >= BAR_REGISTER && offset < BAR_REGISTER + 6 * 4 && offset % 4 == 0)
		e->index = (uint8_t)((offset - BAR_REGISTER) / 4);
	else
		return false; /* a VF BAR: PR_DMESG_VF_SPACE follows */
	return true;
}

/* 2.6.30 to 2.6.32: "reg 10 64bit mmio pref: [0xf0000000-0xf7ffffff]", "reg 20 io port: [...]" */
static bool old_register(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	uint64_t first, last;

	(void)pr_dmesg_skip(&t, " ");
	e->flags = pr_dmesg_skip(&t, "io port") ? PR_IORES_IO : PR_IORES_MEM;
	if (pr_dmesg_skip(&t, "64bit mmio"))
		e->flags |= PR_IORES_MEM_64;
	else if (!(e->flags & PR_IORES_IO) && !pr_dmesg_skip(&t, "32bit mmio"))
		return false;
	if (pr_dmesg_skip(&t, " pref"))
		e->flags |= PR_IORES_PREFETCH;
	if (!pr_dmesg_skip(&t, ": [0x") || !pr_dmesg_hex(&t, 16, &first) ||
		!pr_dmesg_skip(&t, "-0x") || !pr_dmesg_hex(&t, 16, &last) || last < first)
		return false;
	e->placed = true;
	e->range = (struct pr_range){ first, last };
	e->size = pr_range_size(&e->range);
	return true;
}

/* "reg 0x10: [mem ...]", "reg 10: [mem ...]" */
static bool read_register(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	bool fixed = pr_dmesg_skip(&t, "legacy IDE quirk: ");
	uint64_t offset;

	if (!pr_dmesg_skip(&t, "reg "))
		return false;
	(void)pr_dmesg_skip(&t, "0x");
	if (!pr_dmesg_hex(&t, 3, &offset) || !register_index(offset, e))
		return false;
	e->kind = PR_DMESG_REGISTER;
	if (!pr_dmesg_skip(&t, ": ["))
		return old_register(t, e);
	t.p--;
	if (!pr_dmesg_resource(&t, e))
		return false;
	e->flags |= fixed ? PR_IORES_PCI_FIXED : 0;
	return true;
}

/* "VF(n) BAR0 space: [mem ...] (contains BAR0 for 64 VFs)" */
static bool old_vf_space(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	return numbered(&t, "VF(n) BAR", PR_VF_BAR0, e) && pr_dmesg_skip(&t, " space: ") &&
	       pr_dmesg_resource(&t, e) && pr_dmesg_skip(&t, " (") && vf_space(t, e);
}

/* "Don't support SR-IOV with non M64 VF BAR0: [mem ...]." */
static bool no_vfs(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	e->kind = PR_DMESG_NO_VFS;
	return pr_dmesg_skip(&t, "Don't support SR-IOV with non M64 VF BAR");
}

/* ---- discovery ---- */

static const struct {
	const char *words;
	enum pr_port_type port;
	enum pr_known express;
} port_names[] = {
	/* pci_type_str(), drivers/pci/probe.c */
	{ " PCIe Endpoint", PR_PORT_ENDPOINT, PR_YES },
	{ " PCIe Legacy Endpoint", PR_PORT_LEGACY_ENDPOINT, PR_YES },
	{ " PCIe Root Port", PR_PORT_ROOT, PR_YES },
	{ " PCIe Switch Upstream Port", PR_PORT_UPSTREAM, PR_YES },
	{ " PCIe Switch Downstream Port", PR_PORT_DOWNSTREAM, PR_YES },
	{ " PCIe to PCI/PCI-X bridge", PR_PORT_PCIE_TO_PCI, PR_YES },
	{ " PCI/PCI-X to PCIe bridge", PR_PORT_PCI_TO_PCIE, PR_YES },
	{ " PCIe Root Complex Integrated Endpoint", PR_PORT_RC_ENDPOINT, PR_YES },
	{ " PCIe Root Complex Event Collector", PR_PORT_RC_EVENT_COLLECTOR, PR_YES },
	{ " conventional PCI", PR_PORT_NONE, PR_NO },
};

static void port_name(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	e->port = PR_PORT_NONE;
	e->express = PR_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(port_names); i++) {
		if (!pr_dmesg_skip(&t, port_names[i].words))
			continue;
		e->port = port_names[i].port;
		e->express = port_names[i].express;
		return;
	}
}

/* "[8086:1901] type 01 class 0x060400 PCIe Root Port"; 2.6.3x: "type 1 class 0x000604" */
static bool found(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	uint64_t vendor, device, type, class_code;

	if (!pr_dmesg_skip(&t, "[") || !pr_dmesg_hex(&t, 4, &vendor) || !pr_dmesg_skip(&t, ":") ||
		!pr_dmesg_hex(&t, 4, &device) || !pr_dmesg_skip(&t, "] type ") ||
		!pr_dmesg_hex(&t, 2, &type) || !pr_dmesg_skip(&t, " class 0x") ||
		!pr_dmesg_hex(&t, 6, &class_code))
		return false;
	e->kind = PR_DMESG_FOUND;
	e->vendor = (uint16_t)vendor;
	e->device = (uint16_t)device;
	e->header_type = (uint8_t)type;
	e->class_code = (uint32_t)class_code;
	port_name(t, e);
	return true;
}

static bool bridge(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	if (pr_dmesg_skip(&t, "PCI bridge to ") || pr_dmesg_skip(&t, "CardBus bridge to "))
		e->kind = PR_DMESG_BUSES;
	else if (pr_dmesg_skip(&t, "bridge configuration invalid ("))
		e->kind = PR_DMESG_INVALID;
	else
		return false;
	return pr_dmesg_buses(&t, e);
}

/* The list below "PCI bridge to": windows that the parent's are appended to are not its own. */
static bool window(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	if (!pr_dmesg_skip(&t, "  bridge window ") || !pr_dmesg_resource(&t, e) || !is_done(&t))
		return false;
	e->kind = PR_DMESG_WINDOW;
	e->index = window_index(e->flags);
	return true;
}

static bool closed(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	if (!pr_dmesg_skip(&t, "disabling bridge window ") || !pr_dmesg_resource(&t, e))
		return false;
	e->kind = PR_DMESG_CLOSED;
	e->index = window_index(e->flags);
	return true;
}

/* "resource 13 [io ...] released" */
static bool released(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	e->kind = PR_DMESG_RELEASED;
	return numbered(&t, "resource ", 0, e) && pr_dmesg_skip(&t, " ") &&
	       pr_dmesg_resource(&t, e) && pr_dmesg_skip(&t, " released");
}

/* "can't claim BAR 6 [mem ...]: no compatible bridge window" */
static bool unclaimed(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	e->kind = PR_DMESG_UNCLAIMED;
	return numbered(&t, "can't claim BAR ", 0, e) && pr_dmesg_skip(&t, " ") &&
	       pr_dmesg_resource(&t, e);
}

static bool shadow(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	e->kind = PR_DMESG_SHADOW;
	e->index = PR_ROM;
	return pr_dmesg_skip(&t, "Video device with shadowed ROM");
}

/* ---- hot plug ---- */

static const struct {
	const char *words;
	enum pr_dmesg_kind kind;
	bool more; /* the sentence goes on */
} slot_events[] = {
	{ "Card present", PR_DMESG_PLUGGED, false },
	{ "Link Up", PR_DMESG_PLUGGED, false },
	{ "Card not present", PR_DMESG_UNPLUGGED, false },
	{ "Link Down", PR_DMESG_UNPLUGGED, false },
	{ "Button press: will power off", PR_DMESG_UNPLUGGED, true },
};

/* "pciehp: Slot #12 AttnBtn- ... HotPlug+ ...", "pciehp: Slot(12): Card present" */
static bool slot(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	(void)pr_dmesg_skip(&t, "pciehp: ");
	if (pr_dmesg_skip(&t, "Slot #")) {
		e->kind = PR_DMESG_SLOT;
		if (!pr_dmesg_seek(&t, "HotPlug"))
			return false;
		e->count = pr_dmesg_skip(&t, "+");
		return true;
	}
	if (!pr_dmesg_skip(&t, "Slot(") || !pr_dmesg_seek(&t, "): "))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(slot_events); i++) {
		e->kind = slot_events[i].kind;
		if (pr_dmesg_skip(&t, slot_events[i].words))
			return slot_events[i].more || is_done(&t);
	}
	return false;
}

typedef bool (*sentence)(struct pr_dmesg_text t, struct pr_dmesg_entry *e);

static bool first_that_reads(
	const sentence *sentences, size_t n, struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	const struct pr_dmesg_entry before = *e;

	for (size_t i = 0; i < n; i++) {
		*e = before;
		if (sentences[i](t, e))
			return true;
	}
	return false;
}

bool pr_dmesg_read_function(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	static const sentence sentences[] = { found, read_register, named_resource, old_vf_space,
		no_vfs, bridge, window, closed, released, unclaimed, shadow, slot };

	return first_that_reads(sentences, ARRAY_SIZE(sentences), t, e);
}

/* ---- buses ---- */

/*
 * " (bus address [0x80000000-0xfffeffff])" behind an aperture that is elsewhere for the processor.
 * Memory alone: whether a BAR can have an address is decided by where it is on the bus, but for I/O
 * ports the lowest that Linux gives is by the processor's (PCIBIOS_MIN_IO).
 */
static void bus_address(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	struct pr_range bus;

	if (pr_dmesg_skip(&t, " (bus address [0x") && pr_dmesg_hex(&t, 16, &bus.first) &&
		pr_dmesg_skip(&t, "-0x") && pr_dmesg_hex(&t, 16, &bus.last) &&
		bus.last - bus.first == e->range.last - e->range.first && bus.last >= bus.first)
		e->translation = e->range.first - bus.first;
}

static bool aperture(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	if (!pr_dmesg_skip(&t, "root bus resource "))
		return false;
	e->kind = PR_DMESG_ROOT;
	if (pr_dmesg_buses(&t, e))
		return true;
	e->kind = PR_DMESG_APERTURE;
	if (!pr_dmesg_resource(&t, e) || !e->placed)
		return false;
	if (e->flags & PR_IORES_MEM)
		bus_address(t, e);
	return true;
}

/* "busn_res: [bus 08-2b] end is updated to 2b", "busn_res: [bus 08-2b] is released" */
static bool bus_range(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	uint64_t end;

	if (!pr_dmesg_skip(&t, "busn_res: ") || !pr_dmesg_buses(&t, e))
		return false;
	e->kind = PR_DMESG_BUS_GONE;
	if (pr_dmesg_skip(&t, " is released"))
		return true;
	if (!pr_dmesg_skip(&t, " end is updated to ") || !pr_dmesg_hex(&t, 2, &end))
		return false;
	e->kind = PR_DMESG_BUS_END;
	e->last_bus = (uint8_t)end;
	return true;
}

static bool bus_table(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	uint64_t n;

	e->kind = PR_DMESG_TABLE;
	return pr_dmesg_skip(&t, "resource ") && pr_dmesg_decimal(&t, &n) &&
	       pr_dmesg_skip(&t, " ") && pr_dmesg_resource(&t, e);
}

static bool tries(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	e->kind = PR_DMESG_LEFT_OVER;
	if (pr_dmesg_skip(&t, "Some PCI device resources are unassigned"))
		return true;
	if (pr_dmesg_skip(&t, "No. ")) {
		e->kind = PR_DMESG_TRY;
		return pr_dmesg_decimal(&t, &e->count) && pr_dmesg_skip(&t, " try to assign");
	}
	e->kind = PR_DMESG_TRIES;
	return pr_dmesg_skip(&t, "max bus depth: ") && pr_dmesg_seek(&t, "pci_try_num: ") &&
	       pr_dmesg_decimal(&t, &e->count);
}

bool pr_dmesg_read_bus(struct pr_dmesg_text t, struct pr_dmesg_entry *e)
{
	static const sentence sentences[] = { aperture, bus_range, bus_table, tries };

	return first_that_reads(sentences, ARRAY_SIZE(sentences), t, e);
}

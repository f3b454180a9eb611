/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one decoder of configuration space, for live machines and recordings
 * alike.  Input is the prefix of bytes that is known: 0, 64, 256 or 4096 of
 * them, or anything between, with holes where a source knows registers but not
 * bytes (a kernel log).  What is not there is unknown, never zero or ones.
 * Register layout: PCI Local Bus 3.0 chapter 6, PCI-to-PCI Bridge 1.2
 * chapter 3, PCI Express Base 6.0 chapter 7.
 */
#pragma once

#include "pciroom/range.h"

struct pr_config {
	const uint8_t *bytes; /* borrowed */
	size_t length;        /* known bytes, from offset 0; at most 4096 */
	/* NULL, or a byte for each of them: nonzero where it is not known after all */
	const uint8_t *holes;
};

/* Little-endian reads; false, and @ret untouched, when a byte is not known. */
bool pr_config_u8(const struct pr_config *c, size_t offset, uint8_t *ret);
bool pr_config_u16(const struct pr_config *c, size_t offset, uint16_t *ret);
bool pr_config_u32(const struct pr_config *c, size_t offset, uint32_t *ret);

enum pr_known {
	PR_UNKNOWN = 0,
	PR_NO,
	PR_YES
};

enum pr_header_type {
	PR_HEADER_UNKNOWN = 0,
	PR_HEADER_NORMAL,  /* type 0 */
	PR_HEADER_BRIDGE,  /* type 1 */
	PR_HEADER_CARDBUS, /* type 2 */
	PR_HEADER_OTHER,
};

/* PCI Express capability, Device/Port Type (PCIe 7.5.3.2). */
enum pr_port_type {
	PR_PORT_NONE = -1, /* conventional PCI, or not known: see pr_caps.pcie.present */
	PR_PORT_ENDPOINT = 0,
	PR_PORT_LEGACY_ENDPOINT = 1,
	PR_PORT_ROOT = 4,
	PR_PORT_UPSTREAM = 5,
	PR_PORT_DOWNSTREAM = 6,
	PR_PORT_PCIE_TO_PCI = 7,
	PR_PORT_PCI_TO_PCIE = 8,
	PR_PORT_RC_ENDPOINT = 9,
	PR_PORT_RC_EVENT_COLLECTOR = 10,
};

/* Registers of the common header. */
struct pr_header {
	enum pr_header_type type;
	bool multifunction;
	bool has_ids, has_class; /* the fields of that name are known; zero when they are not */
	uint16_t vendor, device;
	uint16_t command, status;
	uint32_t class_code; /* 24 bits: base class, subclass, interface */
	uint8_t revision;
	enum pr_known has_subsystem;
	uint16_t subvendor, subdevice;
};

/* One base address register as the bytes show it: type bits and address, no size. */
struct pr_bar {
	bool implemented; /* any bit is set; a zero register proves nothing (KERNEL 1.11) */
	bool io, is_64bit, prefetchable;
	bool enabled; /* expansion ROM only: its enable bit */
	uint64_t address;
};

/* Bridge window as its registers show it. */
struct pr_window {
	enum pr_known
		implemented; /* PR_NO: the register is absent; PR_UNKNOWN when it reads zero */
	enum pr_known open;  /* PR_NO: base above limit, the window forwards nothing */
	/* address bits: 16 or 32 for I/O, 32 for memory, 32 or 64 for prefetchable */
	uint8_t width;
	struct pr_range range; /* when open is PR_YES */
};

struct pr_bridge_header {
	uint8_t primary, secondary, subordinate;
	struct pr_window io, mem, pref;
	uint16_t control; /* bridge control, 3Eh */
	bool control_known;
};

/*
 * Where a capability lies; present is PR_UNKNOWN when the list, or the part of
 * it that matters, is outside of the known bytes.
 */
struct pr_cap {
	enum pr_known present;
	uint16_t offset;
};

struct pr_pcie {
	enum pr_known present;
	uint16_t offset;
	enum pr_port_type port;
	uint8_t version;
	uint8_t max_payload_supported, max_payload; /* 128 << n bytes */
	uint8_t max_read_request;                   /* 128 << n bytes */
	bool slot_implemented;
	enum pr_known slot_known; /* PR_YES: the slot_* fields below were read */
	bool slot_hotplug, slot_surprise, slot_power_controller, slot_attention_button;
	uint16_t slot_number;
	uint16_t slot_control, slot_status;
	bool slot_presence;
	uint8_t link_speed, link_width;
	bool link_active;
	bool ari_forwarding_supported, ari_forwarding;
	bool ltr;
};

#define PR_EA_MAX  16
#define PR_EA_MEM  0x00
#define PR_EA_PREF 0x01
#define PR_EA_IO   0x02
/* Enhanced Allocation entry (PCIe 7.8.5). */
struct pr_ea_entry {
	uint8_t bei;        /* BAR equivalent indicator */
	uint8_t properties; /* primary properties: PR_EA_MEM, ... */
	bool enabled;
	struct pr_range range;
};
struct pr_ea {
	enum pr_known present;
	uint16_t offset;
	uint8_t fixed_secondary, fixed_subordinate; /* type 1 only; 0 = not fixed */
	uint8_t n_entries;
	struct pr_ea_entry entries[PR_EA_MAX];
};

/* Resizable BAR and VF Resizable BAR (PCIe 7.8.6, 7.8.7): sizes bit n = 2^n MiB. */
struct pr_rebar_entry {
	uint8_t bar;
	uint64_t sizes;
	uint8_t current; /* 2^current MiB */
};
/* Bytes of the size that bit or field value @n stands for; @n below 44. */
#define PR_REBAR_SIZE(n) (UINT64_C(0x100000) << (n))
#define PR_REBAR_SIZES   44
struct pr_rebar {
	enum pr_known present;
	uint16_t offset;
	uint8_t n_entries;
	struct pr_rebar_entry entries[6];
};

struct pr_sriov {
	enum pr_known present;
	uint16_t offset;
	uint16_t initial_vfs, total_vfs, num_vfs;
	uint16_t first_offset, stride, vf_device;
	uint32_t supported_page_sizes, system_page_size;
	bool enabled, memory_enabled, ari;
	struct pr_bar bars[6];
};

struct pr_rcec {
	enum pr_known present;
	uint16_t offset;
	uint32_t bitmap;
	bool has_bus_range; /* capability version 2 and up */
	uint8_t next_bus, last_bus;
};

struct pr_acs {
	enum pr_known present;
	uint16_t offset, capability, control;
};

struct pr_caps {
	enum pr_known list_complete,
		extended_complete; /* PR_UNKNOWN: list leaves the known bytes; PR_NO: malformed */
	struct pr_cap pm, msi, msix, vpd, slot_id, ssvid, agp, shpc, af;
	struct pr_pcie pcie;
	struct pr_ea ea;
	struct pr_cap aer, ats, pri, pasid, dpc, ltr, ptm, cxl, thunderbolt, tph, dev3;
	struct pr_sriov sriov;
	struct pr_rebar rebar, vf_rebar;
	struct pr_rcec rcec;
	struct pr_acs acs;
	enum pr_known has_serial;
	uint64_t serial; /* Device Serial Number */
};

/* Each returns false, and leaves @ret untouched, when the bytes it needs are not known. */
bool pr_config_header(const struct pr_config *c, struct pr_header *ret);
/*
 * @index 0-5 of a type 0 header, 0-1 of a bridge; the upper half of a 64-bit BAR decodes as not
 * implemented.
 */
bool pr_config_bar(const struct pr_config *c, unsigned int index, struct pr_bar *ret);
bool pr_config_rom(const struct pr_config *c, struct pr_bar *ret);
bool pr_config_bridge(const struct pr_config *c, struct pr_bridge_header *ret);
/*
 * Always succeeds: what is not known says so.  Loops and pointers out of range end the list
 * (list_complete = PR_NO).
 */
void pr_config_caps(const struct pr_config *c, struct pr_caps *ret);
/* The entry that fixes BAR @index, as memory or I/O ports; NULL: none does. */
const struct pr_ea_entry *pr_ea_find(const struct pr_ea *ea, unsigned int index);

/*
 * Size of a BAR from the values read back after all ones were written
 * (PCI 3.0 6.2.5.1).  @high is the upper register of a 64-bit BAR, else 0.
 * 0: not implemented.  Type bits are in the low bits of @low.
 */
uint64_t pr_bar_size_from_mask(uint32_t low, uint32_t high, bool rom);

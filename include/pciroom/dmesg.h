/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel logs: what Linux said of its PCI buses, from 2.6.3x to 7.x, as a list
 * of entries in the order of the log; and the facts that follow from them, as
 * a recording of their own or beside another one.  What a log does not prove
 * stays unknown.
 */
#pragma once

#include "pciroom/import.h"

enum pr_dmesg_kind {
	PR_DMESG_FOUND,     /* "[8086:1901] type 01 class 0x060400 PCIe Root Port" */
	PR_DMESG_REGISTER,  /* BAR, ROM or VF BAR as it was read: "BAR 0 [mem 0x...]" */
	PR_DMESG_VF_SPACE,  /* VF BAR of all VFs together; count: VFs */
	PR_DMESG_NO_VFS,    /* powernv: "Don't support SR-IOV with non M64 VF BAR0" */
	PR_DMESG_BUSES,     /* "PCI bridge to [bus 01-04]" */
	PR_DMESG_WINDOW,    /* an open window of the bridge, after PR_DMESG_BUSES */
	PR_DMESG_INVALID,   /* "bridge configuration invalid ([bus 00-00]), reconfiguring" */
	PR_DMESG_BUS_END,   /* "busn_res: [bus 08-2b] end is updated to 2b", of address.bus */
	PR_DMESG_BUS_GONE,  /* "busn_res: [bus 08-2b] is released" */
	PR_DMESG_ROOT,      /* host bridge; buses where they are told */
	PR_DMESG_APERTURE,  /* "root bus resource [mem 0x... window]" */
	PR_DMESG_ASSIGNED,  /* "BAR 0 [mem 0x...]: assigned" */
	PR_DMESG_FAILED,    /* "can't assign; no space", "failed to assign" */
	PR_DMESG_NOT_GROWN, /* "failed to expand by", "failed to add": the optional part */
	PR_DMESG_RELEASED,  /* "releasing", "released" */
	PR_DMESG_UNCLAIMED, /* "can't claim; no compatible bridge window" */
	PR_DMESG_CLOSED,    /* "disabling bridge window" */
	PR_DMESG_OPTIONAL,  /* "bridge window ... add_size"; count: bytes */
	PR_DMESG_TRY,       /* "No. 2 try to assign unassigned res"; count */
	PR_DMESG_TRIES,     /* "max bus depth: 5 pci_try_num: 6"; count: tries */
	PR_DMESG_LEFT_OVER, /* "Some PCI device resources are unassigned" */
	PR_DMESG_TABLE,     /* "pci_bus 0000:01: resource 0 [io ...]": the end of an assignment */
	PR_DMESG_SLOT,      /* pciehp found a slot; count 1: HotPlug+ */
	PR_DMESG_PLUGGED,   /* pciehp: card present, link up */
	PR_DMESG_UNPLUGGED, /* pciehp: card not present, link down, button pressed */
	PR_DMESG_SHADOW,    /* "Video device with shadowed ROM" */
	PR_DMESG_RESERVED, /* "system 00:05: [mem 0x...] has been reserved", e820: not PCI's to use */
	PR_DMESG_UNRESERVED, /* "e820: remove [mem 0x...] reserved" */
	_PR_DMESG_KIND_MAX,
};

/* Index of an entry that names no resource. */
#define PR_DMESG_NO_INDEX 0xff

/* Who says it: the word before the address is the driver that is bound. */
enum pr_dmesg_speaker {
	PR_DMESG_CORE = 0, /* "pci", and lines about buses */
	PR_DMESG_PORT,     /* "pcieport" */
	PR_DMESG_DRIVER,   /* another driver: it resizes or moves its own BARs */
};

struct pr_dmesg_entry {
	enum pr_dmesg_kind kind;
	enum pr_dmesg_speaker speaker;
	unsigned int line;         /* of the log, from 1 */
	struct pr_address address; /* of a bus: its domain and bus */
	uint8_t index;             /* enum pr_resource_index, or PR_DMESG_NO_INDEX */
	uint32_t flags;            /* PR_IORES_*: type of the resource, PCI_FIXED */
	bool placed;               /* range is set: addresses were told, not only a size */
	struct pr_range range;     /* memory: on the bus, as registers have it */
	/* the processor has it so much further on, as the log's text and /proc/iomem do; may wrap */
	uint64_t translation;
	uint64_t size; /* bytes, 0 when not told */
	uint64_t count;
	uint8_t first_bus, last_bus;
	/* PR_DMESG_FOUND */
	uint16_t vendor, device;
	uint8_t header_type;
	uint32_t class_code;
	enum pr_port_type port;
	enum pr_known express; /* PR_UNKNOWN: kernels before 6.8 do not say */
};

struct pr_dmesg {
	struct pr_arena *arena;
	const struct pr_dmesg_entry *entries; /* in the order of the log */
	size_t n;
	/* release, command line, architecture, product; NULL where the log does not tell */
	struct pr_machine machine;
};

/*
 * @text in any wording and behind any prefix (timestamp, syslog, journal).
 * Lines that say nothing of PCI are passed over.  0; -EFBIG, -ENOMEM with @error.
 */
int pr_dmesg_read(
	const char *text, size_t size, struct pr_dmesg **ret, struct pr_import_error *error);
void pr_dmesg_free(struct pr_dmesg *log);

/*
 * The machine as the kernel knew it before entry @until (log->n: at the end) into @b: functions
 * with the table of their resources, host bridges, and the machine's facts.  What hardware is
 * (sizes of BARs, kinds of ports, which windows a bridge implements) comes from the whole log.
 * A resource that nobody assigned or claimed yet has the address that firmware gave.
 * Apertures count as known when the log has them; what else lies in them is busy only as far
 * as the log says so.  Where a host bridge translates memory, and the log says by how much,
 * addresses are those on the bus.
 * Functions and host bridges that @b has already stay as they are.
 * 0, -ENOMEM.
 */
int pr_dmesg_add_facts(const struct pr_dmesg *log, size_t until, struct pr_builder *b);
/*
 * A function that is found in entries [@from, @until) but was not there before: its facts as
 * they are at power-on, as a newcomer's.  Borrowed from @arena.  0; 1 when it is not found there.
 */
int pr_dmesg_newcomer(const struct pr_dmesg *log, size_t from, size_t until,
	const struct pr_address *a, struct pr_arena *arena, struct pr_facts *ret);

/*
 * What @log knows of functions that @b has (with the same vendor and device) and @b does not: sizes
 * of BARs that the kernel's table does not show, and what an I/O window without room asked for.
 * The log may begin anywhere.  0, -ENOMEM.
 */
int pr_dmesg_supplement_functions(const struct pr_dmesg *log, struct pr_builder *b);
/*
 * The same, and sizes of BARs that failed of functions that the log does not find (somebody shows
 * the end of one); apertures (as the processor has them) and bus ranges of host bridges, release,
 * command line, architecture, product.  What @b has stays.  0, -ENOMEM.
 */
int pr_dmesg_supplement(const struct pr_dmesg *log, struct pr_builder *b);

const char *pr_dmesg_kind_name(enum pr_dmesg_kind kind);

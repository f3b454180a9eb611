/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Templates: what a card or a chassis asks for, apart from any machine.  A
 * tree of functions, from which comes what they would show in configuration
 * space after power-on.  Read and written by import/, put into slots by plan/.
 */
#pragma once

#include "pciroom/topology.h"

struct pr_template_bar {
	uint8_t index;  /* enum pr_resource_index: a BAR, the ROM, or a VF BAR */
	uint32_t flags; /* PR_IORES_IO, or PR_IORES_MEM with _PREFETCH and _MEM_64 */
	uint64_t size;  /* bytes, a power of two; VF BARs: of one VF */
	uint64_t sizes; /* Resizable BAR: bit n is 2^n MiB; 0: it has one size */
};
#define PR_TEMPLATE_BARS 13 /* six BARs, the ROM, six VF BARs */

struct pr_template_function {
	uint8_t device, function;   /* on the bus that it sits on */
	uint16_t vendor, device_id; /* both 0: not known */
	uint32_t class_code;        /* 24 bits */
	enum pr_port_type port;     /* PR_PORT_NONE: conventional PCI */
	bool is_bridge;
	bool hotplug; /* a port whose slot is hot-plug capable */
	uint16_t slot;
	uint16_t total_vfs, first_offset, stride; /* 0 VFs: no SR-IOV */
	const struct pr_template_bar *bars;       /* by index */
	size_t n_bars;
	const struct pr_template_function *below; /* behind the bridge */
	size_t n_below;
};

/* Trees no deeper than this, and no larger; readers and captures see to it. */
#define PR_TEMPLATE_DEPTH     16
#define PR_TEMPLATE_FUNCTIONS 1024

struct pr_template {
	struct pr_arena *arena;
	const char *name;           /* letters, digits, "-", "." and "_" */
	const char *text;           /* what it is, for people */
	const char *const *sources; /* where the figures are published */
	size_t n_sources;
	const struct pr_template_function *functions; /* of the card: on the bus behind the slot */
	size_t n_functions;
};
void pr_template_free(struct pr_template *t); /* NULL is fine */

#define PR_TEMPLATE_CONFIG 4096
/*
 * What @f shows after power-on, and what its BARs read after ones were written.
 * @multifunction: it has siblings of the same device number.
 */
void pr_template_encode(const struct pr_template_function *f, bool multifunction,
	uint8_t config[PR_TEMPLATE_CONFIG], struct pr_bar_mask masks[PR_TEMPLATE_BARS],
	size_t *ret_n);

/*
 * The card that begins with @f: @f with its siblings of the same device number, or of the same
 * slot of PCI Express, and all below them.  @name and @text are copied.  0; 1 when something that
 * a template needs is not known (@why, a sentence that names the function), -ENOMEM.
 */
int pr_template_capture(const struct pr_function *f, const char *name, const char *text,
	struct pr_template **ret, char *why, size_t size);

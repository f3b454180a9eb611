/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verbose text of lspci: header line, regions, windows, bus numbers, flags of
 * the command and status registers, and what sysfs said.  Wordings of pciutils
 * 3.0 to 3.14.  Capabilities have a file of their own.
 */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "import/lspci.h"
#include "import/sysfs.h"

/* ---- words ---- */

/* @line without @prefix; NULL when it begins otherwise. */
static const char *after(const char *line, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(line, prefix, n) == 0 ? line + n : NULL;
}

int pr_lspci_flag(const char *line, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = strstr(line, name); at; at = strstr(at + 1, name)) {
		bool begins = at == line || strchr(" \t:,(", at[-1]);

		if (begins && (at[n] == '+' || at[n] == '-'))
			return at[n] == '+';
	}

	return -1;
}

bool pr_lspci_number(const char *line, const char *key, int base, uint64_t *ret)
{
	const char *at = strstr(line, key);
	char *end;

	if (!at)
		return false;
	at += strlen(key);
	if (!isxdigit((unsigned char)*at))
		return false;
	*ret = strtoull(at, &end, base); /* too large: the largest number, which fits nothing */
	return end != at;
}

/* "[size=16M]": powers of 1024, cut to a whole number. */
static uint64_t shown_size(const char *line)
{
	static const char units[] = "KMGT";
	const char *at = strstr(line, "[size="), *unit;
	uint64_t size;
	char *end;

	if (!at || !isdigit((unsigned char)at[6]))
		return 0;
	size = strtoull(at + 6, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit && size <= UINT64_MAX >> 10 * (unit - units + 1))
		return size << 10 * (unit - units + 1);
	return *end == ']' ? size : 0;
}

/* ---- regions ---- */

static bool region_kind(const char *line, struct pr_lspci_region *r, const char **ret_rest)
{
	const char *rest = after(line, "Memory at ");

	if (!rest) {
		rest = after(line, "I/O ports at ");
		rest = rest ? rest : after(line, "I/O at ");
		r->io = rest != NULL;
	}
	*ret_rest = rest;
	return rest != NULL;
}

bool pr_lspci_region(const char *line, struct pr_lspci_region *ret, int *ret_number)
{
	struct pr_lspci_region r = { .present = true };
	const char *rest = after(line, "Region ");
	int number = -1;
	char *end;

	if (rest && *rest >= '0' && *rest <= '5' && rest[1] == ':' && rest[2] == ' ') {
		number = *rest - '0';
		line = rest + 3;
	}
	r.virtual = strstr(line, "[virtual]") != NULL;
	rest = after(line, "[virtual] ");
	if (!region_kind(rest ? rest : line, &r, &rest))
		return false;

	r.has_address = isxdigit((unsigned char)*rest);
	r.address = r.has_address ? strtoull(rest, &end, 16) : 0;
	r.ignored = after(rest, "<ignored>") != NULL;
	r.is_64bit = strstr(rest, "(64-bit") != NULL;
	r.prefetchable = strstr(rest, " prefetchable)") != NULL;
	r.enhanced = strstr(rest, "[enhanced]") != NULL;
	r.size = shown_size(rest);
	*ret = r;
	*ret_number = number;
	return true;
}

/* Space of that kind is decoded or not: lspci says so beside each region. */
static void note_decoding(struct pr_lspci_text *t, const struct pr_lspci_region *r, bool off)
{
	if (r->virtual)
		return; /* not said then */
	if (r->io) {
		t->io_off |= off;
		t->io_on |= !off;
	} else {
		t->memory_off |= off;
		t->memory_on |= !off;
	}
}

static bool take_region(struct pr_lspci *p, const char *line)
{
	struct pr_lspci_text *t = &p->current->text;
	struct pr_lspci_region r;
	int number;

	if (!pr_lspci_region(line, &r, &number))
		return false;
	p->sizes = p->sizes || r.size != 0;
	note_decoding(t, &r, strstr(line, "[disabled]") != NULL);
	if (t->n_regions < ARRAY_SIZE(t->regions)) {
		t->regions[t->n_regions] = r;
		t->numbers[t->n_regions++] = number;
	}
	return true;
}

static void take_rom(struct pr_lspci *p, const char *line, const char *rest)
{
	struct pr_lspci_text *t = &p->current->text;
	char *end;

	t->rom = (struct pr_lspci_region){
		.present = true,
		.has_address = isxdigit((unsigned char)*rest),
		.ignored = after(rest, "<ignored>") != NULL,
		.virtual = strstr(line, "[virtual]") != NULL,
		.size = shown_size(line),
	};
	t->rom.address = t->rom.has_address ? strtoull(rest, &end, 16) : 0;
	t->rom_off = strstr(line, "[disabled]") != NULL;
	/* the kernel's copy of the primary display's ROM (arch/x86/pci/fixup.c, pci_fixup_video) */
	t->rom_shadow = t->rom.virtual && t->rom.address == 0xc0000;
	p->sizes = p->sizes || t->rom.size != 0;
}

/* ---- bridges ---- */

static void take_buses(struct pr_lspci *p, const char *rest)
{
	static const struct {
		const char *key;
		unsigned int offset;
	} numbers[] = { { "primary=", 0x18 }, { "secondary=", 0x19 }, { "subordinate=", 0x1a } };
	uint64_t value;

	p->current->text.bridge = true;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (pr_lspci_number(rest, numbers[i].key, 16, &value) && value <= UINT8_MAX)
			pr_lspci_put(p, numbers[i].offset, 1, value, PR_BYTE_STATED);
}

static uint8_t shown_width(const char *line)
{
	if (strstr(line, "[64-bit]"))
		return 64;
	if (strstr(line, "[32-bit]"))
		return 32;
	return strstr(line, "[16-bit]") ? 16 : 0;
}

/* "f0000000-f1ffffff [size=32M] [32-bit]", "0000f000-00000fff [disabled]", "None", "[disabled]". */
static void take_window(struct pr_lspci *p, unsigned int kind, const char *rest)
{
	struct pr_lspci_window *w = &p->current->text.windows[kind - PR_WINDOW_IO];
	struct pr_range range = { 0 };
	char *end;

	w->width = shown_width(rest);
	w->state = PR_SHOWN_CLOSED;
	if (!isxdigit((unsigned char)*rest))
		return;
	range.first = strtoull(rest, &end, 16);
	if (*end != '-')
		return;
	if (end - rest == 16 || (end - rest > 8 && w->width == 0))
		w->width = 64; /* before 3.7, 32-bit windows have eight digits */
	range.last = strtoull(end + 1, &end, 16);
	if (range.first > range.last || strstr(rest, "[disabled]"))
		return;
	/* the kernel's table, which is printed, has no type bits where the kernel itself placed */
	if (kind == PR_WINDOW_PREF && range.last > UINT32_MAX)
		w->width = 64;
	w->state = PR_SHOWN_OPEN;
	w->range = range;
}

static void take_bridge_control(struct pr_lspci *p, const char *rest)
{
	static const char *const names[] = { "Parity", "SERR", "NoISA", "VGA", "VGA16", "MAbort",
		">Reset", "FastB2B" };
	uint32_t bits = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (pr_lspci_flag(rest, names[i]) == 1)
			bits |= 1u << i;
	pr_lspci_put(p, 0x3e, 2, bits, PR_BYTE_IMPLIED);
}

/* ---- registers of every function ---- */

static void take_control(struct pr_lspci *p, const char *rest)
{
	static const char *const names[] = { "I/O", "Mem", "BusMaster", "SpecCycle", "MemWINV",
		"VGASnoop", "ParErr", "Stepping", "SERR", "FastB2B", "DisINTx" };
	uint32_t bits = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (pr_lspci_flag(rest, names[i]) == 1)
			bits |= 1u << i;
	p->current->text.has_control = true;
	pr_lspci_put(p, 0x04, 2, bits, PR_BYTE_IMPLIED);
}

static void take_status(struct pr_lspci *p, const char *rest)
{
	int list = pr_lspci_flag(rest, "Cap");

	if (list >= 0)
		pr_lspci_put(p, 0x06, 2, list ? 0x10 : 0, PR_BYTE_IMPLIED);
}

static void take_group(struct pr_lspci *p, const char *rest)
{
	uint64_t value;

	if (pr_lspci_number(rest, "", 10, &value) && value <= INT_MAX)
		p->current->text.iommu_group = (int)value;
}

static void take_node(struct pr_lspci *p, const char *rest)
{
	uint64_t value;

	if (pr_lspci_number(rest, "", 10, &value) && value <= INT_MAX)
		p->current->text.numa_node = (int)value;
}

/* "bus master, fast devsel, latency 0, IRQ 16, NUMA node 0, IOMMU group 3" */
static void take_flags(struct pr_lspci *p, const char *rest)
{
	const char *node = strstr(rest, "NUMA node "), *group = strstr(rest, "IOMMU group ");

	p->current->text.master = after(rest, "bus master") != NULL;
	if (node)
		take_node(p, node + strlen("NUMA node "));
	if (group)
		take_group(p, group + strlen("IOMMU group "));
}

static const char *keep_text(struct pr_lspci *p, const char *rest)
{
	char *copy = pr_arena_strdup(p->arena, rest);
	size_t n = copy ? strlen(copy) : 0;

	while (n > 0 && (copy[n - 1] == ' ' || copy[n - 1] == '\t'))
		copy[--n] = '\0';
	if (n == 0)
		return NULL;
	pr_text_clean(copy);
	return copy;
}

static void take_driver(struct pr_lspci *p, const char *rest)
{
	p->current->text.driver = keep_text(p, rest);
	p->sizes = true; /* printed from sysfs alone, which has the sizes too */
}

static void take_slot(struct pr_lspci *p, const char *rest)
{
	p->current->text.slot = keep_text(p, rest);
}

static void take_label(struct pr_lspci *p, const char *rest)
{
	p->current->text.label = keep_text(p, rest);
}

static void take_io_window(struct pr_lspci *p, const char *rest)
{
	take_window(p, PR_WINDOW_IO, rest);
}

static void take_mem_window(struct pr_lspci *p, const char *rest)
{
	take_window(p, PR_WINDOW_MEM, rest);
}

static void take_pref_window(struct pr_lspci *p, const char *rest)
{
	take_window(p, PR_WINDOW_PREF, rest);
}

static const struct {
	const char *prefix;
	void (*take)(struct pr_lspci *p, const char *rest);
} attributes[] = {
	{ "Capabilities: ", pr_lspci_capability },
	{ "Control: ", take_control },
	{ "Status: ", take_status },
	{ "Flags: ", take_flags },
	{ "NUMA node: ", take_node },
	{ "IOMMU group: ", take_group },
	{ "Bus: ", take_buses },
	{ "I/O behind bridge: ", take_io_window },
	{ "Memory behind bridge: ", take_mem_window },
	{ "Prefetchable memory behind bridge: ", take_pref_window },
	{ "BridgeCtl: ", take_bridge_control },
	{ "Kernel driver in use: ", take_driver },
	{ "Physical Slot: ", take_slot },
	{ "DeviceName: ", take_label },
};

static void take_attribute(struct pr_lspci *p, const char *line)
{
	const char *rest;

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		rest = after(line, attributes[i].prefix);
		if (rest) {
			attributes[i].take(p, rest);
			return;
		}
	}
	rest = after(line, "[virtual] Expansion ROM at ");
	rest = rest ? rest : after(line, "Expansion ROM at ");
	if (rest)
		take_rom(p, line, rest);
	else
		(void)take_region(p, line); /* many lines are about nothing that is wanted here */
}

/*
 * Everything below a function proves that this is verbose text, but for what
 * -k prints without -v.
 */
static bool is_verbose(const char *line)
{
	return !after(line, "Subsystem: ") && !after(line, "Kernel ") && !after(line, "DeviceName");
}

void pr_lspci_attribute(struct pr_lspci *p, unsigned int depth, const char *line)
{
	struct pr_lspci_text *t = &p->current->text;

	if (depth >= 2 && t->cap != 0) {
		pr_lspci_capability_line(p, line);
		return;
	}
	t->verbose = t->verbose || is_verbose(line);
	t->cap = 0;
	if (depth == 1)
		take_attribute(p, line);
}

/* ---- header line ---- */

/* "[8086:1901]", the last of its form; -n prints the same after the class. */
static void take_ids(struct pr_lspci *p, const char *text)
{
	unsigned int vendor = 0, device = 0;
	bool found = false;

	for (const char *at = strchr(text, ':'); at; at = strchr(at + 1, ':')) {
		char *end;

		if (at - text < 4)
			continue;
		if (strspn(at - 4, "0123456789abcdef") != 4 ||
			strspn(at + 1, "0123456789abcdef") != 4 ||
			(at - 4 > text && at[-5] != '[' && at[-5] != ' '))
			continue;
		vendor = (unsigned int)strtoul(at - 4, &end, 16);
		device = (unsigned int)strtoul(at + 1, &end, 16);
		found = true;
	}
	if (!found)
		return;
	pr_lspci_put(p, 0, 2, vendor, PR_BYTE_STATED);
	pr_lspci_put(p, 2, 2, device, PR_BYTE_STATED);
}

/* "PCI bridge [0604]", "PCI bridge", "0604", "Class 0604". */
static void take_class(struct pr_lspci *p, const char *text, size_t n)
{
	const char *digits =
		n > 6 && text[n - 1] == ']' && text[n - 6] == '[' ? text + n - 5 : NULL;
	const char *bare = after(text, "Class ");
	uint16_t value;
	char *end;

	bare = bare ? bare : text;
	if (!digits && text + n - bare == 4 && strspn(bare, "0123456789abcdef") >= 4)
		digits = bare;
	if (digits)
		pr_lspci_put(p, 0x0a, 2, strtoul(digits, &end, 16), PR_BYTE_STATED);
	else if (pr_lspci_class(text, n, &value))
		pr_lspci_put(p, 0x0a, 2, value, PR_BYTE_IMPLIED);
}

void pr_lspci_header(struct pr_lspci *p, const char *line)
{
	const char *name = strchr(line, ' '), *colon;
	uint64_t value;

	if (!name)
		return; /* the address alone */
	name++;
	colon = strstr(name, ": ");
	if (!colon)
		return;
	take_class(p, name, (size_t)(colon - name));
	take_ids(p, colon + 1);
	if (pr_lspci_number(colon, "(rev ", 16, &value) && value <= UINT8_MAX)
		pr_lspci_put(p, 0x08, 1, value, PR_BYTE_STATED);
	if (pr_lspci_number(colon, "(prog-if ", 16, &value) && value <= UINT8_MAX)
		pr_lspci_put(p, 0x09, 1, value, PR_BYTE_STATED);
}

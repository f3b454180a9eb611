/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities as lspci prints them, back into the registers that they were
 * printed from: a list of offsets and names links into capability lists, flags
 * of a block set bits of its register.  Only what the decoder reads is made.
 */
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "import/lspci.h"

/* Ids that have lines of their own (PCI Code and ID Assignment Specification 1.16). */
enum {
	CAP_PCIE = 0x10,
	EXT = 0x100, /* added to the ids of extended capabilities */
	EXT_SERIAL = EXT + 0x03,
	EXT_VENDOR = EXT + 0x0b,
	EXT_ACS = EXT + 0x0d,
	EXT_SRIOV = EXT + 0x10,
	EXT_REBAR = EXT + 0x15,
	EXT_DVSEC = EXT + 0x23,
	EXT_VF_REBAR = EXT + 0x24,
};

#define POINTER         0x34
#define POINTER_CARDBUS 0x14

/* ---- lists ---- */

static void link_standard(struct pr_lspci *p, unsigned int next)
{
	struct pr_lspci_text *t = &p->current->text;

	if (t->last_standard != 0)
		pr_lspci_put(p, t->last_standard + 1u, 1, next, PR_BYTE_IMPLIED);
	else if (next != 0)
		pr_lspci_put(p, POINTER, 1, next, PR_BYTE_IMPLIED);
}

/* Upper half of the word in front of an extended capability: its version and the next one. */
static void link_extended(struct pr_lspci *p, unsigned int next)
{
	struct pr_lspci_text *t = &p->current->text;

	if (t->last_extended != 0)
		pr_lspci_put(p, t->last_extended + 2u, 2, 1 | next << 4, PR_BYTE_IMPLIED);
	else if (next != 0x100)
		pr_lspci_put(p, 0x100, 4, (uint64_t)next << 20, PR_BYTE_IMPLIED);
}

void pr_lspci_capabilities_end(struct pr_lspci *p)
{
	struct pr_lspci_text *t = &p->current->text;

	if (t->last_standard != 0)
		link_standard(p, 0);
	if (t->last_extended != 0)
		link_extended(p, 0);
}

static void open_list_entry(struct pr_lspci *p, unsigned int offset, const char *name)
{
	struct pr_lspci_text *t = &p->current->text;
	bool extended = offset >= 0x100;
	uint16_t id;

	if (extended)
		link_extended(p, offset);
	else
		link_standard(p, offset);
	*(extended ? &t->last_extended : &t->last_standard) = (uint16_t)offset;
	t->cap = (uint16_t)offset;
	t->cap_id = UINT16_MAX;
	t->block[0] = '\0';
	t->n_entries = 0;
	if (!pr_lspci_cap_id(name, extended, &id))
		return; /* a name of later: the list ends there, for us */
	t->cap_id = extended ? EXT + id : id;
	pr_lspci_put(p, offset, extended ? 2 : 1, id, PR_BYTE_IMPLIED);
}

/* ---- what the first line says ---- */

/* Device/Port Type (PCIe 7.5.3.2) by lspci's words, longer ones before those they begin with. */
static const struct {
	const char *name;
	uint8_t type;
} port_types[] = {
	{ "Legacy Endpoint", 1 },
	{ "Root Port", 4 },
	{ "Upstream Port", 5 },
	{ "Downstream Port", 6 },
	{ "PCI-Express to PCI/PCI-X Bridge", 7 },
	{ "PCI/PCI-X to PCI-Express Bridge", 8 },
	{ "Root Complex Integrated Endpoint", 9 },
	{ "Root Complex Event Collector", 10 },
	{ "Endpoint", 0 },
};

/* Versions are printed from -vv on; 2 has the registers of 1, and more that may stay unknown. */
static void express(struct pr_lspci *p, const char *name)
{
	unsigned int flags;
	uint64_t version;

	if (!pr_lspci_number(name, "(v", 10, &version) || version > 15)
		version = 2;
	for (size_t i = 0; i < ARRAY_SIZE(port_types); i++) {
		if (!strstr(name, port_types[i].name))
			continue;
		flags = (unsigned int)version | (unsigned int)port_types[i].type << 4;
		flags |= pr_lspci_flag(name, "Slot") == 1 ? 0x100 : 0;
		pr_lspci_put(p, p->current->text.cap + 2u, 2, flags, PR_BYTE_IMPLIED);
		return;
	}
}

/* "Device Serial Number 00-11-22-33-44-55-66-77": the highest byte comes first. */
static void serial(struct pr_lspci *p, const char *name)
{
	const char *at = strstr(name, "Number ");
	char *end;

	at = at ? at + strlen("Number ") : name;
	for (unsigned int i = 8; i-- > 0; at = end + 1) {
		unsigned long value = strtoul(at, &end, 16);

		if (end != at + 2 || (*end != '-') != (i == 0))
			return;
		pr_lspci_put(p, p->current->text.cap + 4u + i, 1, value, PR_BYTE_IMPLIED);
	}
}

static void vendor(struct pr_lspci *p, const char *name)
{
	uint64_t id;

	if (pr_lspci_number(name, "ID=", 16, &id) && id <= UINT16_MAX)
		pr_lspci_put(p, p->current->text.cap + 4u, 2, id, PR_BYTE_IMPLIED);
}

static void designated(struct pr_lspci *p, const char *name)
{
	uint64_t id;

	if (pr_lspci_number(name, "Vendor=", 16, &id) && id <= UINT16_MAX)
		pr_lspci_put(p, p->current->text.cap + 4u, 2, id, PR_BYTE_IMPLIED);
}

static void first_line(struct pr_lspci *p, const char *name)
{
	switch (p->current->text.cap_id) {
	case CAP_PCIE:
		express(p, name);
		return;
	case EXT_SERIAL:
		serial(p, name);
		return;
	case EXT_VENDOR:
		vendor(p, name);
		return;
	case EXT_DVSEC:
		designated(p, name);
		return;
	}
}

/* "[a0] Express (v2) Root Port (Slot+), MSI 00", "[100 v1] Virtual Channel", "<access denied>". */
void pr_lspci_capability(struct pr_lspci *p, const char *rest)
{
	struct pr_lspci_text *t = &p->current->text;
	const char *name = strchr(rest, ']');
	uint64_t offset;

	t->cap = 0;
	if (*rest != '[' || !name || !pr_lspci_number(rest, "[", 16, &offset)) {
		t->list_hidden = true;
		return;
	}
	if (offset < 0x40 || offset >= PR_LSPCI_CONFIG_MAX || offset % 4 != 0)
		return;
	open_list_entry(p, (unsigned int)offset, name[1] == ' ' ? name + 2 : name + 1);
	first_line(p, name);
}

/* ---- registers ---- */

/* Where the registers of a block are, and which flag of its lines is which bit. */
static const struct block {
	uint16_t cap_id;
	const char *name;
	uint8_t offset, size;
	struct {
		const char *name;
		uint8_t bit;
	} flags[9];
} blocks[] = {
	{ CAP_PCIE, "DevCap", 0x04, 4, { { NULL, 0 } } },
	{ CAP_PCIE, "DevCtl", 0x08, 2, { { NULL, 0 } } },
	{ CAP_PCIE, "LnkSta", 0x12, 2, { { "DLActive", 13 } } },
	{ CAP_PCIE, "SltCap", 0x14, 4,
		{ { "AttnBtn", 0 }, { "PwrCtrl", 1 }, { "MRL", 2 }, { "AttnInd", 3 },
			{ "PwrInd", 4 }, { "Surprise", 5 }, { "HotPlug", 6 }, { "Interlock", 17 },
			{ "NoCompl", 18 } } },
	{ CAP_PCIE, "SltCtl", 0x18, 2, { { "HPIrq", 5 }, { "LinkChg", 12 } } },
	{ CAP_PCIE, "SltSta", 0x1a, 2, { { "PresDet", 6 } } },
	{ CAP_PCIE, "DevCap2", 0x24, 4, { { "ARIFwd", 5 } } },
	{ CAP_PCIE, "DevCtl2", 0x28, 2, { { "ARIFwd", 5 }, { "LTR", 10 } } },
	{ EXT_ACS, "ACSCap", 0x04, 2,
		{ { "SrcValid", 0 }, { "TransBlk", 1 }, { "ReqRedir", 2 }, { "CmpltRedir", 3 },
			{ "UpstreamFwd", 4 }, { "EgressCtrl", 5 }, { "DirectTrans", 6 } } },
	{ EXT_ACS, "ACSCtl", 0x06, 2,
		{ { "SrcValid", 0 }, { "TransBlk", 1 }, { "ReqRedir", 2 }, { "CmpltRedir", 3 },
			{ "UpstreamFwd", 4 }, { "EgressCtrl", 5 }, { "DirectTrans", 6 } } },
	{ EXT_SRIOV, "IOVCtl", 0x08, 2,
		{ { "Enable", 0 }, { "Migration", 1 }, { "Interrupt", 2 }, { "MSE", 3 },
			{ "ARIHierarchy", 4 } } },
};

static const struct block *find_block(const struct pr_lspci_text *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		if (blocks[i].cap_id == t->cap_id && strcmp(blocks[i].name, t->block) == 0)
			return &blocks[i];

	return NULL;
}

/*
 * "SltCap:\tAttnBtn-": a block begins; lines without such a name go on with
 * the last one.  "AtomicOpsCtl:" stands within a block, and is too long to be one.
 */
static void open_block(struct pr_lspci_text *t, const char *line)
{
	size_t n = strcspn(line, ": \t+-");

	if (line[n] != ':' || n == 0 || n >= sizeof(t->block))
		return;
	memcpy(t->block, line, n);
	t->block[n] = '\0';
}

/* log2 of @value / 128 bytes, as payload sizes are kept. */
static unsigned int payload(uint64_t value)
{
	unsigned int n = 0;

	while (n < 5 && UINT64_C(128) << n < value)
		n++;
	return n;
}

static void express_numbers(struct pr_lspci *p, const struct block *b, const char *line)
{
	unsigned int at = p->current->text.cap + b->offset;
	uint64_t value;

	if (strcmp(b->name, "SltCap") == 0 && pr_lspci_number(line, "Slot #", 10, &value) &&
		value < 8192)
		pr_lspci_or(p, at, b->size, (uint32_t)value << 19);
	if (strcmp(b->name, "LnkSta") == 0 && pr_lspci_number(line, "Width x", 10, &value) &&
		value < 64)
		pr_lspci_or(p, at, b->size, (uint32_t)value << 4);
	if (strncmp(b->name, "Dev", 3) != 0)
		return;
	if (pr_lspci_number(line, "MaxPayload ", 10, &value))
		pr_lspci_or(p, at, b->size, payload(value) << (b->offset == 0x04 ? 0 : 5));
	if (pr_lspci_number(line, "MaxReadReq ", 10, &value))
		pr_lspci_or(p, at, b->size, payload(value) << 12);
}

static void take_block(struct pr_lspci *p, const struct block *b, const char *line)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(b->flags) && b->flags[i].name; i++)
		if (pr_lspci_flag(line, b->flags[i].name) == 1)
			bits |= 1u << b->flags[i].bit;
	pr_lspci_or(p, p->current->text.cap + b->offset, b->size, bits);
	if (b->cap_id == CAP_PCIE)
		express_numbers(p, b, line);
}

/* ---- SR-IOV (PCIe 9.3.3) ---- */

static const struct {
	const char *key;
	int base;
	uint8_t offset, size;
} vf_numbers[] = {
	{ "Initial VFs: ", 10, 0x0c, 2 },
	{ "Total VFs: ", 10, 0x0e, 2 },
	{ "Number of VFs: ", 10, 0x10, 2 },
	{ "VF offset: ", 10, 0x14, 2 },
	{ "stride: ", 10, 0x16, 2 },
	{ "Device ID: ", 16, 0x1a, 2 },
	{ "Supported Page Size: ", 16, 0x1c, 4 },
	{ "System Page Size: ", 16, 0x20, 4 },
};

static void vf_region(struct pr_lspci *p, const struct pr_lspci_region *r, int number)
{
	unsigned int at = p->current->text.cap + 0x24u + 4u * (unsigned int)number;
	uint64_t low = r->address | (r->is_64bit ? 4 : 0) | (r->prefetchable ? 8 : 0);

	pr_lspci_or(p, at, 4, (uint32_t)low);
	if (r->is_64bit && number < 5)
		pr_lspci_or(p, at + 4, 4, (uint32_t)(low >> 32));
}

static void sriov_line(struct pr_lspci *p, const char *line)
{
	unsigned int cap = p->current->text.cap;
	struct pr_lspci_region r;
	uint64_t value;
	int number;

	if (pr_lspci_region(line, &r, &number) && number >= 0) {
		vf_region(p, &r, number);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(vf_numbers); i++)
		if (pr_lspci_number(line, vf_numbers[i].key, vf_numbers[i].base, &value))
			pr_lspci_put(p, cap + vf_numbers[i].offset, vf_numbers[i].size, value,
				PR_BYTE_IMPLIED);
	if (strstr(line, "Page Size: "))
		for (unsigned int i = 0; i < 6; i++) /* those that have no line are empty */
			pr_lspci_or(p, cap + 0x24u + 4u * i, 4, 0);
}

/* ---- Resizable BAR (PCIe 7.8.6) ---- */

/* "256MB" as the bit of that size, 0 for 1 MiB; 64 for what is no size. */
static unsigned int size_bit(const char *text)
{
	static const char units[] = "MGTP";
	const char *unit;
	unsigned int bit = 0;
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	unit = *end ? strchr(units, *end) : NULL;
	if (end == text || !unit || value == 0 || value > 1024)
		return 64;
	while (1ul << bit < value)
		bit++;
	return bit + 10 * (unsigned int)(unit - units);
}

static uint64_t size_bits(const char *text)
{
	uint64_t bits = 0;

	for (; *text; text += strspn(text, " \t")) {
		unsigned int bit = size_bit(text);

		bits |= bit < 44 ? UINT64_C(1) << bit : 0;
		text += strcspn(text, " \t");
	}
	return bits;
}

/* "BAR 0: current size: 8GB, supported: 256MB 512MB 1GB 2GB 4GB 8GB" */
static void rebar_line(struct pr_lspci *p, const char *line)
{
	struct pr_lspci_text *t = &p->current->text;
	const char *current = strstr(line, "current size: "), *sizes = strstr(line, "supported: ");
	unsigned int at = t->cap + 4u + 8 * t->n_entries, bit;
	uint64_t bar, bits;

	if (!current || !sizes || !pr_lspci_number(line, "BAR ", 10, &bar) || bar > 5 ||
		t->n_entries == 6 || t->cap > PR_LSPCI_CONFIG_MAX - 56)
		return;
	bit = size_bit(current + strlen("current size: "));
	if (bit > 43)
		return;
	bits = size_bits(sizes + strlen("supported: "));
	t->n_entries++;
	pr_lspci_put(p, at, 4, bits << 4, PR_BYTE_IMPLIED);
	pr_lspci_put(p, at + 4, 4, bar | bit << 8 | bits >> 28 << 16, PR_BYTE_IMPLIED);
	/* the first entry's register counts them */
	pr_lspci_put(p, t->cap + 8u, 1, (p->bytes[t->cap + 8u] & 0x1f) | t->n_entries << 5,
		PR_BYTE_IMPLIED);
}

void pr_lspci_capability_line(struct pr_lspci *p, const char *line)
{
	struct pr_lspci_text *t = &p->current->text;
	const struct block *b;

	open_block(t, line);
	b = find_block(t);
	if (b)
		take_block(p, b, line);
	if (t->cap_id == EXT_SRIOV)
		sriov_line(p, line);
	else if (t->cap_id == EXT_REBAR || t->cap_id == EXT_VF_REBAR)
		rebar_line(p, line);
}

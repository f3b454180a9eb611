/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capability lists of configuration space: walks them over whatever bytes are
 * known, and decodes the capabilities that decide something here.  Bytes may
 * be anything: pointers out of range and loops end a list, a capability that
 * leaves the known bytes is unknown.
 */
#include "core/decode.h"

#include <stddef.h>
#include <string.h>

#define STANDARD_FIRST 0x40
#define EXTENDED_FIRST 0x100
#define EXTENDED_END   0x1000

/* Capability ids (PCI Code and ID Assignment Specification 1.16, sections 2 and 3). */
enum {
	CAP_PM = 0x01,
	CAP_AGP = 0x02,
	CAP_VPD = 0x03,
	CAP_SLOT_ID = 0x04,
	CAP_MSI = 0x05,
	CAP_PCIX = 0x07,
	CAP_SHPC = 0x0c,
	CAP_SSVID = 0x0d,
	CAP_PCIE = 0x10,
	CAP_MSIX = 0x11,
	CAP_AF = 0x13,
	CAP_EA = 0x14,

	EXT_AER = 0x0001,
	EXT_SERIAL = 0x0003,
	EXT_RCEC = 0x0007,
	EXT_VENDOR = 0x000b,
	EXT_ACS = 0x000d,
	EXT_ATS = 0x000f,
	EXT_SRIOV = 0x0010,
	EXT_PRI = 0x0013,
	EXT_REBAR = 0x0015,
	EXT_TPH = 0x0017,
	EXT_LTR = 0x0018,
	EXT_PASID = 0x001b,
	EXT_DPC = 0x001d,
	EXT_PTM = 0x001f,
	EXT_DVSEC = 0x0023,
	EXT_VF_REBAR = 0x0024,
	EXT_DEV3 = 0x002f,
};

#define VENDOR_INTEL       0x8086
#define VSEC_THUNDERBOLT   0x1234 /* Intel's vendor-specific capability of Thunderbolt controllers */
#define DVSEC_VENDOR_CXL   0x1e98
#define N_EXTENDED_OFFSETS ((EXTENDED_END - EXTENDED_FIRST) / 4)

/* One decoder run: bytes in, caps out. */
struct walk {
	const struct pr_config *config;
	struct pr_caps *caps;
	bool has_pcix;
};

static enum pr_known yes_if_known(bool known)
{
	return known ? PR_YES : PR_UNKNOWN;
}

/* ---- standard capabilities with registers that matter ---- */

static bool read_slot(const struct pr_config *c, size_t at, struct pr_pcie *p)
{
	uint32_t cap;

	if (!pr_config_u32(c, at + 0x14, &cap) || !pr_config_u16(c, at + 0x1a, &p->slot_status))
		return false;

	(void)pr_config_u16(c, at + 0x18, &p->slot_control); /* a hole: 0 */
	p->slot_attention_button = (cap & 1u << 0) != 0;
	p->slot_power_controller = (cap & 1u << 1) != 0;
	p->slot_surprise = (cap & 1u << 5) != 0;
	p->slot_hotplug = (cap & 1u << 6) != 0;
	p->slot_number = (uint16_t)(cap >> 19);
	p->slot_presence = (p->slot_status & 1u << 6) != 0;
	return true;
}

static void read_link(const struct pr_config *c, size_t at, struct pr_pcie *p)
{
	uint16_t status;

	if (!pr_config_u16(c, at + 0x12, &status))
		return;

	p->link_speed = status & 0xf;
	p->link_width = (uint8_t)(status >> 4 & 0x3f);
	p->link_active = (status & 1u << 13) != 0;
}

static void read_device_2(const struct pr_config *c, size_t at, struct pr_pcie *p)
{
	uint32_t cap;
	uint16_t control;

	if (p->version < 2 || !pr_config_u32(c, at + 0x24, &cap) ||
		!pr_config_u16(c, at + 0x28, &control))
		return;

	p->ari_forwarding_supported = (cap & 1u << 5) != 0;
	p->ari_forwarding = (control & 1u << 5) != 0;
	p->ltr = (control & 1u << 10) != 0;
}

/* PCIe 7.5.3 */
static void decode_pcie(struct walk *w, size_t at)
{
	const struct pr_config *c = w->config;
	struct pr_pcie *p = &w->caps->pcie;
	uint16_t flags, control = 0;
	uint32_t cap = 0;

	if (at + 10 > c->length || !pr_config_u16(c, at + 2, &flags)) {
		p->present = PR_UNKNOWN;
		return;
	}
	(void)pr_config_u32(c, at + 4, &cap); /* a hole: the least that there is */
	(void)pr_config_u16(c, at + 8, &control);

	p->present = PR_YES;
	p->version = flags & 0xf;
	p->port = (enum pr_port_type)(flags >> 4 & 0xf);
	p->max_payload_supported = cap & 7;
	p->max_payload = (uint8_t)(control >> 5 & 7);
	p->max_read_request = (uint8_t)(control >> 12 & 7);

	/* the slot registers mean something in ports that lead down, and only with this flag */
	p->slot_implemented = (flags & 1u << 8) != 0 &&
			      (p->port == PR_PORT_ROOT || p->port == PR_PORT_DOWNSTREAM);
	p->slot_known = PR_NO;
	if (p->slot_implemented)
		p->slot_known = yes_if_known(read_slot(c, at, p));
	if (p->port != PR_PORT_RC_ENDPOINT && p->port != PR_PORT_RC_EVENT_COLLECTOR)
		read_link(c, at, p);
	read_device_2(c, at, p);
}

/* A base or offset field of an entry: 30 bits, and 32 more when bit 1 says so. */
struct ea_field {
	uint32_t low, high;
};

static uint64_t ea_value(struct ea_field f)
{
	return (uint64_t)f.high << 32 | (f.low & ~3u);
}

/* One entry (PCIe 7.8.5.3) at @at; @ret_next is where the following one begins. */
static bool read_ea_entry(
	const struct pr_config *c, size_t at, struct pr_ea_entry *ret, size_t *ret_next)
{
	struct ea_field base = { 0 }, offset = { 0 };
	size_t next;
	uint32_t head;

	if (!pr_config_u32(c, at, &head))
		return false;
	next = at + 4 + (size_t)(head & 7) * 4;
	*ret = (struct pr_ea_entry){
		.bei = (uint8_t)(head >> 4 & 0xf),
		.properties = (uint8_t)(head >> 8),
		.enabled = head >> 31,
	};

	if (!pr_config_u32(c, at + 4, &base.low) || !pr_config_u32(c, at + 8, &offset.low))
		return false;
	at += 12;
	if (base.low & 2) {
		if (!pr_config_u32(c, at, &base.high))
			return false;
		at += 4;
	}
	if ((offset.low & 2) && !pr_config_u32(c, at, &offset.high))
		return false;

	/* the low two bits of the offset count as ones; a range that wraps is none */
	if (!pr_range_make(&ret->range, ea_value(base), (ea_value(offset) | 3) + 1))
		ret->enabled = false;
	*ret_next = next;
	return true;
}

static void decode_ea(struct walk *w, size_t at)
{
	const struct pr_config *c = w->config;
	struct pr_ea *ea = &w->caps->ea;
	uint8_t n, type;

	ea->present = PR_UNKNOWN;
	if (!pr_config_u8(c, at + 2, &n) || !pr_config_u8(c, 0x0e, &type))
		return;

	n &= 0x3f;
	at += 4;
	if ((type & 0x7f) == 1) {
		if (!pr_config_u8(c, at, &ea->fixed_secondary) ||
			!pr_config_u8(c, at + 1, &ea->fixed_subordinate))
			return;
		at += 4;
	}
	for (unsigned int i = 0; i < n && i < PR_EA_MAX; i++) {
		if (!read_ea_entry(c, at, &ea->entries[i], &at))
			return;
		ea->n_entries++;
	}
	ea->present = PR_YES;
}

const struct pr_ea_entry *pr_ea_find(const struct pr_ea *ea, unsigned int index)
{
	for (unsigned int i = 0; i < ea->n_entries; i++) {
		const struct pr_ea_entry *e = &ea->entries[i];

		if (e->enabled && e->bei == index && e->properties <= PR_EA_IO)
			return e;
	}
	return NULL;
}

/* ---- extended capabilities with registers that matter ---- */

static void decode_serial(struct walk *w, size_t at)
{
	uint32_t low, high;

	if (!pr_config_u32(w->config, at + 4, &low) || !pr_config_u32(w->config, at + 8, &high)) {
		w->caps->has_serial = PR_UNKNOWN;
		return;
	}
	w->caps->has_serial = PR_YES;
	w->caps->serial = (uint64_t)high << 32 | low;
}

/* PCIe 7.9.10 */
static void decode_rcec(struct walk *w, size_t at)
{
	struct pr_rcec *r = &w->caps->rcec;
	uint32_t head, buses;

	r->present = PR_UNKNOWN;
	if (!pr_config_u32(w->config, at, &head) || !pr_config_u32(w->config, at + 4, &r->bitmap))
		return;
	if ((head >> 16 & 0xf) >= 2) {
		if (!pr_config_u32(w->config, at + 8, &buses))
			return;
		r->has_bus_range = true;
		r->next_bus = (uint8_t)(buses >> 8);
		r->last_bus = (uint8_t)(buses >> 16);
	}
	r->present = PR_YES;
}

static void decode_acs(struct walk *w, size_t at)
{
	struct pr_acs *a = &w->caps->acs;

	a->present = yes_if_known(pr_config_u16(w->config, at + 4, &a->capability) &&
				  pr_config_u16(w->config, at + 6, &a->control));
}

/* The number of VFs decides; holes in the rest read 0. */
static bool read_vf_numbers(const struct pr_config *c, size_t at, struct pr_sriov *s)
{
	if (at + 0x24 > c->length || !pr_config_u16(c, at + 0x0e, &s->total_vfs))
		return false;
	(void)pr_config_u16(c, at + 0x0c, &s->initial_vfs);
	(void)pr_config_u16(c, at + 0x10, &s->num_vfs);
	(void)pr_config_u16(c, at + 0x14, &s->first_offset);
	(void)pr_config_u16(c, at + 0x16, &s->stride);
	(void)pr_config_u16(c, at + 0x1a, &s->vf_device);
	(void)pr_config_u32(c, at + 0x1c, &s->supported_page_sizes);
	(void)pr_config_u32(c, at + 0x20, &s->system_page_size);
	return true;
}

/* PCIe 9.3.3 */
static void decode_sriov(struct walk *w, size_t at)
{
	struct pr_sriov *s = &w->caps->sriov;
	uint16_t control;

	s->present = PR_UNKNOWN;
	if (!pr_config_u16(w->config, at + 8, &control) || !read_vf_numbers(w->config, at, s))
		return;
	for (unsigned int i = 0; i < 6; i++)
		if (!pr_config_bar_at(w->config, at + 0x24, 6, i, &s->bars[i]))
			return;

	s->enabled = (control & 1u << 0) != 0;
	s->memory_enabled = (control & 1u << 3) != 0;
	s->ari = (control & 1u << 4) != 0;
	s->present = PR_YES;
}

/*
 * PCIe 7.8.6: sizes 1 MiB to 128 TiB in the capability register from bit 4,
 * 256 TiB and up in the control register from bit 16.
 */
static void decode_rebar_at(const struct pr_config *c, size_t at, struct pr_rebar *r)
{
	uint32_t capability, control;
	unsigned int n = 1;

	r->present = PR_UNKNOWN;
	for (unsigned int i = 0; i < n && i < 6; i++) {
		if (!pr_config_u32(c, at + 4 + (size_t)i * 8, &capability) ||
			!pr_config_u32(c, at + 8 + (size_t)i * 8, &control))
			return;
		if (i == 0)
			n = control >> 5 & 7;
		if (i >= n)
			break;
		r->entries[i] = (struct pr_rebar_entry){
			.bar = control & 7,
			.sizes = capability >> 4 | (uint64_t)(control >> 16) << 28,
			.current = (uint8_t)(control >> 8 & 0x3f),
		};
		r->n_entries = (uint8_t)(i + 1);
	}
	r->present = PR_YES;
}

static void decode_rebar(struct walk *w, size_t at)
{
	decode_rebar_at(w->config, at, &w->caps->rebar);
}

static void decode_vf_rebar(struct walk *w, size_t at)
{
	decode_rebar_at(w->config, at, &w->caps->vf_rebar);
}

/* A DVSEC of the CXL consortium; several may follow each other, the first one found is kept. */
static void decode_dvsec(struct walk *w, size_t at)
{
	struct pr_cap *cxl = &w->caps->cxl;
	uint16_t vendor;

	if (cxl->present == PR_YES || !pr_config_u16(w->config, at + 4, &vendor))
		return;
	if (vendor == DVSEC_VENDOR_CXL)
		*cxl = (struct pr_cap){ .present = PR_YES, .offset = (uint16_t)at };
}

static void decode_vendor(struct walk *w, size_t at)
{
	struct pr_cap *thunderbolt = &w->caps->thunderbolt;
	uint16_t vendor, id;

	if (thunderbolt->present == PR_YES || !pr_config_u16(w->config, 0, &vendor) ||
		!pr_config_u16(w->config, at + 4, &id))
		return;
	if (vendor == VENDOR_INTEL && id == VSEC_THUNDERBOLT)
		*thunderbolt = (struct pr_cap){ .present = PR_YES, .offset = (uint16_t)at };
}

/* ---- tables ---- */

/* Where an entry's offset goes, and who reads its registers when they matter. */
struct cap_rule {
	uint16_t id;
	size_t cap;    /* of a struct that begins as pr_cap does; 0: @decode does it all */
	bool repeated; /* every instance is decoded, not the first alone */
	void (*decode)(struct walk *w, size_t at);
};

#define AT(field) offsetof(struct pr_caps, field)

static const struct cap_rule standard_rules[] = {
	{ .id = CAP_PM, .cap = AT(pm) },
	{ .id = CAP_AGP, .cap = AT(agp) },
	{ .id = CAP_VPD, .cap = AT(vpd) },
	{ .id = CAP_SLOT_ID, .cap = AT(slot_id) },
	{ .id = CAP_MSI, .cap = AT(msi) },
	{ .id = CAP_SHPC, .cap = AT(shpc) },
	{ .id = CAP_SSVID, .cap = AT(ssvid) },
	{ .id = CAP_PCIE, .cap = AT(pcie), .decode = decode_pcie },
	{ .id = CAP_MSIX, .cap = AT(msix) },
	{ .id = CAP_AF, .cap = AT(af) },
	{ .id = CAP_EA, .cap = AT(ea), .decode = decode_ea },
};

static const struct cap_rule extended_rules[] = {
	{ .id = EXT_AER, .cap = AT(aer) },
	{ .id = EXT_SERIAL, .decode = decode_serial },
	{ .id = EXT_RCEC, .cap = AT(rcec), .decode = decode_rcec },
	{ .id = EXT_VENDOR, .repeated = true, .decode = decode_vendor },
	{ .id = EXT_ACS, .cap = AT(acs), .decode = decode_acs },
	{ .id = EXT_ATS, .cap = AT(ats) },
	{ .id = EXT_SRIOV, .cap = AT(sriov), .decode = decode_sriov },
	{ .id = EXT_PRI, .cap = AT(pri) },
	{ .id = EXT_REBAR, .cap = AT(rebar), .decode = decode_rebar },
	{ .id = EXT_TPH, .cap = AT(tph) },
	{ .id = EXT_LTR, .cap = AT(ltr) },
	{ .id = EXT_PASID, .cap = AT(pasid) },
	{ .id = EXT_DPC, .cap = AT(dpc) },
	{ .id = EXT_PTM, .cap = AT(ptm) },
	{ .id = EXT_DVSEC, .repeated = true, .decode = decode_dvsec },
	{ .id = EXT_VF_REBAR, .cap = AT(vf_rebar), .decode = decode_vf_rebar },
	{ .id = EXT_DEV3, .cap = AT(dev3) },
};

_Static_assert(offsetof(struct pr_pcie, offset) == offsetof(struct pr_cap, offset) &&
		       offsetof(struct pr_ea, offset) == offsetof(struct pr_cap, offset) &&
		       offsetof(struct pr_sriov, offset) == offsetof(struct pr_cap, offset) &&
		       offsetof(struct pr_rebar, offset) == offsetof(struct pr_cap, offset) &&
		       offsetof(struct pr_rcec, offset) == offsetof(struct pr_cap, offset) &&
		       offsetof(struct pr_acs, offset) == offsetof(struct pr_cap, offset),
	"every capability begins as struct pr_cap does");

#define N_STANDARD (sizeof(standard_rules) / sizeof(standard_rules[0]))
#define N_EXTENDED (sizeof(extended_rules) / sizeof(extended_rules[0]))
_Static_assert(N_STANDARD <= 32 && N_EXTENDED <= 32, "found is a word of bits");

static void *cap_of(struct walk *w, const struct cap_rule *rule)
{
	return (char *)w->caps + rule->cap;
}

static void take(struct walk *w, const struct cap_rule *rule, size_t at)
{
	struct pr_cap cap = { .present = PR_YES, .offset = (uint16_t)at };

	if (rule->cap != 0)
		memcpy(cap_of(w, rule), &cap, offsetof(struct pr_cap, offset) + sizeof(cap.offset));
	if (rule->decode)
		rule->decode(w, at);
}

/* @found: a bit a rule; of several instances the first one counts, as for the kernel. */
static void match(struct walk *w, const struct cap_rule *rules, size_t n, uint32_t *found,
	uint16_t id, size_t at)
{
	for (size_t i = 0; i < n; i++) {
		if (rules[i].id != id)
			continue;
		if (!(*found & 1u << i) || rules[i].repeated)
			take(w, &rules[i], at);
		*found |= 1u << i;
	}
}

/* What a list does not hold is absent if the whole list was seen, else unknown. */
static void settle_absent(
	struct walk *w, const struct cap_rule *rules, size_t n, uint32_t found, enum pr_known list)
{
	enum pr_known absent = list == PR_UNKNOWN ? PR_UNKNOWN : PR_NO;

	for (size_t i = 0; i < n; i++)
		if (!(found & 1u << i) && rules[i].cap != 0)
			memcpy(cap_of(w, &rules[i]), &absent, sizeof(absent));
}

/* ---- lists ---- */

static bool first_pointer(const struct pr_config *c, enum pr_known *list, uint8_t *ret)
{
	struct pr_header header;
	uint16_t status;

	if (!pr_config_header(c, &header) || !pr_config_u16(c, 0x06, &status)) {
		*list = PR_UNKNOWN;
		return false;
	}
	if (!(status & 1u << 4)) {
		*list = PR_YES; /* no list at all: all of it was seen */
		return false;
	}
	if (!pr_config_u8(c, header.type == PR_HEADER_CARDBUS ? 0x14 : 0x34, ret)) {
		*list = PR_UNKNOWN;
		return false;
	}
	return true;
}

static enum pr_known walk_standard(struct walk *w, uint32_t *found)
{
	const struct pr_config *c = w->config;
	uint64_t seen = 0; /* a bit for every aligned offset below 100h */
	enum pr_known list;
	uint8_t at, id, next;

	if (!first_pointer(c, &list, &at))
		return list;

	for (at &= 0xfc; at != 0; at = next & 0xfc) {
		if (at < STANDARD_FIRST || (seen & UINT64_C(1) << at / 4))
			return PR_NO;
		seen |= UINT64_C(1) << at / 4;
		if (!pr_config_u8(c, at, &id) || !pr_config_u8(c, at + 1u, &next))
			return PR_UNKNOWN;
		if (id == 0xff)
			return PR_NO; /* a hole that reads as ones */
		if (id == CAP_PCIX)
			w->has_pcix = true;
		match(w, standard_rules, N_STANDARD, found, id, at);
	}
	return PR_YES;
}

/* Conventional PCI has 256 bytes; PCI-X mode 2 and PCI Express have more. */
static bool has_extended_space(const struct walk *w)
{
	return w->caps->list_complete == PR_UNKNOWN || w->caps->pcie.present != PR_NO ||
	       w->has_pcix;
}

static enum pr_known walk_extended(struct walk *w, uint32_t *found)
{
	uint64_t seen[N_EXTENDED_OFFSETS / 64] = { 0 };
	uint32_t head;

	for (size_t at = EXTENDED_FIRST; at != 0; at = head >> 20 & 0xffc) {
		size_t slot = (at - EXTENDED_FIRST) / 4;

		if (at < EXTENDED_FIRST || (seen[slot / 64] & UINT64_C(1) << slot % 64))
			return PR_NO;
		seen[slot / 64] |= UINT64_C(1) << slot % 64;
		if (!pr_config_u32(w->config, at, &head))
			return PR_UNKNOWN;
		if (head == UINT32_MAX) /* at the start: no extended space; later: a hole */
			return at == EXTENDED_FIRST ? PR_YES : PR_NO;
		match(w, extended_rules, N_EXTENDED, found, (uint16_t)head, at);
	}
	return PR_YES;
}

static void settle_extended(struct walk *w, uint32_t found)
{
	struct pr_caps *caps = w->caps;
	enum pr_known absent = caps->extended_complete == PR_UNKNOWN ? PR_UNKNOWN : PR_NO;

	settle_absent(w, extended_rules, N_EXTENDED, found, caps->extended_complete);
	for (size_t i = 0; i < N_EXTENDED; i++)
		if (extended_rules[i].id == EXT_SERIAL && !(found & 1u << i))
			caps->has_serial = absent;
	if (caps->cxl.present != PR_YES)
		caps->cxl.present = absent;
	if (caps->thunderbolt.present != PR_YES)
		caps->thunderbolt.present = absent;
}

void pr_config_caps(const struct pr_config *c, struct pr_caps *ret)
{
	struct walk w = { .config = c, .caps = ret };
	uint32_t found = 0;

	memset(ret, 0, sizeof(*ret)); /* padding too: equal capabilities are equal bytes */
	ret->pcie.port = PR_PORT_NONE;
	ret->list_complete = walk_standard(&w, &found);
	settle_absent(&w, standard_rules, N_STANDARD, found, ret->list_complete);

	found = 0;
	ret->extended_complete = has_extended_space(&w) ? walk_extended(&w, &found) : PR_YES;
	settle_extended(&w, found);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capability lists and registers, from bytes that a row lists. */
#include "pciroom/config-space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* ---- rows: 32-bit registers into zeroes, and what one field says ---- */

struct reg {
	uint16_t at;
	uint32_t value;
};

#define MAX_REGS 20
#define LIST                  \
	{ 0x04, 0x00100000 }, \
	{                     \
		0x34, 0x40    \
	} /* status: capability list; first at 40h */
#define LIST_B                   \
	LIST,                    \
	{                        \
		0x0c, 0x00010000 \
	} /* the same in a bridge */

static void put(uint8_t *bytes, const struct reg *regs)
{
	for (size_t i = 0; i < MAX_REGS && (regs[i].at != 0 || regs[i].value != 0); i++)
		for (size_t k = 0; k < 4; k++)
			bytes[regs[i].at + k] = (uint8_t)(regs[i].value >> (8 * k));
}

#define AT(field) offsetof(struct pr_caps, field)

/* A struct pr_cap inside of struct pr_caps. */
static struct pr_cap cap_at(const struct pr_caps *caps, size_t field)
{
	struct pr_cap cap;

	memcpy(&cap, (const char *)caps + field, sizeof(cap));
	return cap;
}

static const struct list_case {
	const char *name;
	struct reg regs[MAX_REGS];
	size_t length;
	enum pr_known list, extended;
	size_t field;
	enum pr_known present;
	uint16_t offset;
} list_cases[] = {
	{ "list: no status bit is no list", { { 0x34, 0x40 }, { 0x40, 0x01 } }, 256, PR_YES, PR_YES,
		AT(pm), PR_NO, 0 },
	{ "list: the first capability", { LIST, { 0x40, 0x01 } }, 256, PR_YES, PR_YES, AT(pm),
		PR_YES, 0x40 },
	{ "list: the second one", { LIST, { 0x40, 0x5001 }, { 0x50, 0x05 } }, 256, PR_YES, PR_YES,
		AT(msi), PR_YES, 0x50 },
	{ "list: of two the first counts", { LIST, { 0x40, 0x5001 }, { 0x50, 0x01 } }, 256, PR_YES,
		PR_YES, AT(pm), PR_YES, 0x40 },
	{ "list: low bits of a pointer are reserved",
		{ { 0x04, 0x00100000 }, { 0x34, 0x43 }, { 0x40, 0x01 } }, 256, PR_YES, PR_YES,
		AT(pm), PR_YES, 0x40 },
	{ "list: a loop ends it", { LIST, { 0x40, 0x5001 }, { 0x50, 0x4005 } }, 256, PR_NO, PR_YES,
		AT(msix), PR_NO, 0 },
	{ "list: a capability that points to itself", { LIST, { 0x40, 0x4001 } }, 256, PR_NO,
		PR_YES, AT(pm), PR_YES, 0x40 },
	{ "list: a pointer into the header ends it", { LIST, { 0x40, 0x3c01 } }, 256, PR_NO, PR_YES,
		AT(msi), PR_NO, 0 },
	{ "list: ones where a capability should be end it", { LIST, { 0x40, 0xffffffff } }, 256,
		PR_NO, PR_YES, AT(pm), PR_NO, 0 },
	{ "list: the last one in conventional space", { LIST, { 0x40, 0xfc01 }, { 0xfc, 0x05 } },
		256, PR_YES, PR_YES, AT(msi), PR_YES, 0xfc },
	{ "list: CardBus begins elsewhere",
		{ { 0x04, 0x00100000 }, { 0x0c, 0x00020000 }, { 0x14, 0xa0 }, { 0xa0, 0x01 } }, 256,
		PR_YES, PR_YES, AT(pm), PR_YES, 0xa0 },
	{ "list: 64 known bytes say nothing of what is behind", { LIST, { 0x40, 0x01 } }, 64,
		PR_UNKNOWN, PR_UNKNOWN, AT(pm), PR_UNKNOWN, 0 },
	{ "list: 64 known bytes without a list say that there is none", { { 0x04, 0 } }, 64, PR_YES,
		PR_YES, AT(pm), PR_NO, 0 },
	{ "list: what was found before the bytes end stays found",
		{ LIST, { 0x40, 0x8001 }, { 0x80, 0x05 } }, 0x80, PR_UNKNOWN, PR_UNKNOWN, AT(pm),
		PR_YES, 0x40 },
	{ "list: the pointer itself is not known", { LIST, { 0x40, 0x01 } }, 0x34, PR_UNKNOWN,
		PR_UNKNOWN, AT(pm), PR_UNKNOWN, 0 },
	{ "list: no bytes at all", { { 0 } }, 0, PR_UNKNOWN, PR_UNKNOWN, AT(pm), PR_UNKNOWN, 0 },

	{ "extended: conventional devices have none", { LIST, { 0x40, 0x01 }, { 0x100, 0x10001 } },
		4096, PR_YES, PR_YES, AT(aer), PR_NO, 0 },
	{ "extended: PCI Express devices have", { LIST, { 0x40, 0x20010 }, { 0x100, 0x10001 } },
		4096, PR_YES, PR_YES, AT(aer), PR_YES, 0x100 },
	{ "extended: PCI-X mode 2 devices may have", { LIST, { 0x40, 0x07 }, { 0x100, 0x10001 } },
		4096, PR_YES, PR_YES, AT(aer), PR_YES, 0x100 },
	{ "extended: a PCI Express device of which 256 bytes are known",
		{ LIST, { 0x40, 0x20010 } }, 256, PR_YES, PR_UNKNOWN, AT(aer), PR_UNKNOWN, 0 },
	{ "extended: four bytes more say that the list is empty", { LIST, { 0x40, 0x20010 } },
		0x104, PR_YES, PR_YES, AT(aer), PR_NO, 0 },
	{ "extended: ones at the start are no extended space",
		{ LIST, { 0x40, 0x20010 }, { 0x100, 0xffffffff } }, 4096, PR_YES, PR_YES, AT(aer),
		PR_NO, 0 },
	{ "extended: the second one, at the very end",
		{ LIST, { 0x40, 0x20010 }, { 0x100, 0xffc10001 }, { 0xffc, 0x0001000f } }, 4096,
		PR_YES, PR_YES, AT(ats), PR_YES, 0xffc },
	{ "extended: a loop ends it",
		{ LIST, { 0x40, 0x20010 }, { 0x100, 0x20010001 }, { 0x200, 0x1001000f } }, 4096,
		PR_YES, PR_NO, AT(pri), PR_NO, 0 },
	{ "extended: a loop of two neighbours ends it",
		{ LIST, { 0x40, 0x20010 }, { 0x100, 0x14010001 }, { 0x140, 0x1001000f } }, 4096,
		PR_YES, PR_NO, AT(pri), PR_NO, 0 },
	{ "extended: a pointer below 100h ends it",
		{ LIST, { 0x40, 0x20010 }, { 0x100, 0x0f010001 } }, 4096, PR_YES, PR_NO, AT(pri),
		PR_NO, 0 },
	{ "extended: ones in the middle end it",
		{ LIST, { 0x40, 0x20010 }, { 0x100, 0x20010001 }, { 0x200, 0xffffffff } }, 4096,
		PR_YES, PR_NO, AT(ats), PR_NO, 0 },
	{ "extended: a null capability passes on",
		{ LIST, { 0x40, 0x20010 }, { 0x100, 0x14000000 }, { 0x140, 0x00010015 },
			{ 0x148, 0x20 } },
		4096, PR_YES, PR_YES, AT(rebar), PR_YES, 0x140 },
	{ "extended: a broken standard list hides it",
		{ LIST, { 0x40, 0x3c01 }, { 0x100, 0x10001 } }, 4096, PR_NO, PR_YES, AT(aer), PR_NO,
		0 },
	{ "extended: CXL is a DVSEC of that vendor",
		{ LIST, { 0x40, 0x20010 }, { 0x100, 0x14010023 }, { 0x104, 0x00011234 },
			{ 0x140, 0x00010023 }, { 0x144, 0x03c11e98 } },
		4096, PR_YES, PR_YES, AT(cxl), PR_YES, 0x140 },
	{ "extended: another vendor's DVSEC is not CXL",
		{ LIST, { 0x40, 0x20010 }, { 0x100, 0x00010023 }, { 0x104, 0x00011234 } }, 4096,
		PR_YES, PR_YES, AT(cxl), PR_NO, 0 },
	{ "extended: Thunderbolt is a capability of Intel's",
		{ { 0x00, 0x15d38086 }, LIST, { 0x40, 0x20010 }, { 0x100, 0x0001000b },
			{ 0x104, 0x01811234 } },
		4096, PR_YES, PR_YES, AT(thunderbolt), PR_YES, 0x100 },
	{ "extended: the same number of another vendor is not",
		{ { 0x00, 0x15d31022 }, LIST, { 0x40, 0x20010 }, { 0x100, 0x0001000b },
			{ 0x104, 0x01811234 } },
		4096, PR_YES, PR_YES, AT(thunderbolt), PR_NO, 0 },
	{ "extended: a capability cut off in the middle is unknown",
		{ LIST, { 0x40, 0x20010 }, { 0x100, 0x0001000d }, { 0x104, 0x001f001f } }, 0x106,
		PR_YES, PR_YES, AT(acs), PR_UNKNOWN, 0x100 },
	{ "pcie: cut off in the middle is unknown", { LIST, { 0x40, 0x00020010 } }, 0x49, PR_YES,
		PR_UNKNOWN, AT(pcie), PR_UNKNOWN, 0x40 },
};

static void test_list(void **state)
{
	const struct list_case *c = *state;
	uint8_t bytes[4096] = { 0 };
	struct pr_caps caps;
	struct pr_cap cap;

	put(bytes, c->regs);
	pr_config_caps(&(struct pr_config){ .bytes = bytes, .length = c->length }, &caps);
	cap = cap_at(&caps, c->field);
	assert_int_equal(caps.list_complete, c->list);
	assert_int_equal(caps.extended_complete, c->extended);
	assert_int_equal(cap.present, c->present);
	assert_int_equal(cap.offset, c->offset);
}

/* ---- registers of single capabilities ---- */

static struct pr_caps decode(const struct reg *regs, size_t length)
{
	uint8_t bytes[4096] = { 0 };
	struct pr_caps caps;

	put(bytes, regs);
	pr_config_caps(&(struct pr_config){ .bytes = bytes, .length = length }, &caps);
	return caps;
}

static void a_hotplug_slot_is_read(void **state)
{
	const struct reg regs[MAX_REGS] = { LIST_B, { 0x40, 0x01620010 }, { 0x44, 0x8002 },
		{ 0x48, 0x5020 }, { 0x50, 0x20830000 }, { 0x54, 0x00fa007f }, { 0x58, 0x004007c0 },
		{ 0x64, 0x00000820 }, { 0x68, 0x00000420 } };
	struct pr_pcie p = decode(regs, 256).pcie;

	(void)state;
	assert_int_equal(p.present, PR_YES);
	assert_int_equal(p.version, 2);
	assert_int_equal(p.port, PR_PORT_DOWNSTREAM);
	assert_int_equal(p.max_payload_supported, 2);
	assert_int_equal(p.max_payload, 1);
	assert_int_equal(p.max_read_request, 5);
	assert_true(p.slot_implemented);
	assert_int_equal(p.slot_known, PR_YES);
	assert_true(p.slot_hotplug);
	assert_true(p.slot_surprise);
	assert_true(p.slot_power_controller);
	assert_true(p.slot_attention_button);
	assert_int_equal(p.slot_number, 0x1f);
	assert_int_equal(p.slot_control, 0x07c0);
	assert_int_equal(p.slot_status, 0x0040);
	assert_true(p.slot_presence);
	assert_int_equal(p.link_speed, 3);
	assert_int_equal(p.link_width, 8);
	assert_true(p.link_active);
	assert_true(p.ari_forwarding_supported);
	assert_true(p.ari_forwarding);
	assert_true(p.ltr);
}

static void slot_registers_without_the_slot_flag_mean_nothing(void **state)
{
	const struct reg port[MAX_REGS] = { LIST_B, { 0x40, 0x00420010 }, { 0x54, 0x40 } };
	const struct reg upstream[MAX_REGS] = { LIST_B, { 0x40, 0x01520010 }, { 0x54, 0x40 } };
	struct pr_pcie p = decode(port, 256).pcie;

	(void)state;
	assert_int_equal(p.port, PR_PORT_ROOT);
	assert_int_equal(p.slot_known, PR_NO);
	assert_false(p.slot_hotplug);
	/* the flag in a port that leads up is undefined */
	p = decode(upstream, 256).pcie;
	assert_false(p.slot_implemented);
	assert_false(p.slot_hotplug);
}

static void slot_registers_beyond_the_bytes_are_unknown(void **state)
{
	const struct reg regs[MAX_REGS] = { LIST_B, { 0x40, 0x01620010 }, { 0x54, 0x40 } };

	(void)state;
	assert_int_equal(decode(regs, 0x5b).pcie.present, PR_YES);
	assert_int_equal(decode(regs, 0x5b).pcie.slot_known, PR_UNKNOWN);
	assert_int_equal(decode(regs, 0x5c).pcie.slot_known, PR_YES);
}

static void version_1_has_no_second_device_registers(void **state)
{
	const struct reg regs[MAX_REGS] = { LIST, { 0x40, 0x00010010 }, { 0x64, 0x20 },
		{ 0x68, 0x420 } };

	(void)state;
	assert_false(decode(regs, 256).pcie.ari_forwarding_supported);
	assert_false(decode(regs, 256).pcie.ltr);
}

static void no_pcie_capability_is_no_port(void **state)
{
	const struct reg regs[MAX_REGS] = { LIST, { 0x40, 0x01 } };

	(void)state;
	assert_int_equal(decode(regs, 256).pcie.present, PR_NO);
	assert_int_equal(decode(regs, 256).pcie.port, PR_PORT_NONE);
}

static void ea_bases_have_30_or_62_bits(void **state)
{
	/* entry 0: 32-bit base and offset; 1: 64-bit base; 2: both 64-bit; 3: disabled */
	const struct reg regs[MAX_REGS] = { LIST, { 0x40, 0x00040014 }, { 0x44, 0x80ff0002 },
		{ 0x48, 0xfe000000 }, { 0x4c, 0x000ffffc }, { 0x50, 0x80ff0123 },
		{ 0x54, 0x80000002 }, { 0x58, 0x3ffffffc }, { 0x5c, 0x00000038 },
		{ 0x60, 0x80ff0004 }, { 0x64, 0x00000002 }, { 0x68, 0xfffffffe },
		{ 0x6c, 0x00000001 }, { 0x70, 0x00000000 }, { 0x74, 0x00ff0012 },
		{ 0x78, 0xfd000000 }, { 0x7c, 0x00000ffc } };
	struct pr_ea ea = decode(regs, 256).ea;

	(void)state;
	assert_int_equal(ea.present, PR_YES);
	assert_int_equal(ea.n_entries, 4);
	assert_true(ea.entries[0].enabled);
	assert_int_equal(ea.entries[0].range.first, 0xfe000000);
	assert_int_equal(ea.entries[0].range.last, 0xfe0fffff);
	assert_int_equal(ea.entries[1].bei, 2);
	assert_int_equal(ea.entries[1].properties, 1);
	assert_int_equal(ea.entries[1].range.first, UINT64_C(0x3880000000));
	assert_int_equal(ea.entries[1].range.last, UINT64_C(0x38bfffffff));
	assert_int_equal(ea.entries[2].range.first, UINT64_C(0x100000000));
	assert_int_equal(ea.entries[2].range.last, UINT64_C(0x1ffffffff));
	assert_false(ea.entries[3].enabled);
	assert_int_equal(ea.entries[3].bei, 1);
	assert_ptr_equal(pr_ea_find(&ea, 2), &ea.entries[1]);
	assert_null(pr_ea_find(&ea, 1));
	/* one byte less, and the last entry is not known */
	assert_int_equal(decode(regs, 0x7f).ea.present, PR_UNKNOWN);
	assert_int_equal(decode(regs, 0x80).ea.present, PR_YES);
}

static void ea_of_a_bridge_begins_with_its_buses(void **state)
{
	const struct reg regs[MAX_REGS] = { LIST_B, { 0x40, 0x00010014 }, { 0x44, 0x00000705 },
		{ 0x48, 0x80ff0002 }, { 0x4c, 0xfe000000 }, { 0x50, 0x00000ffc } };
	struct pr_ea ea = decode(regs, 256).ea;

	(void)state;
	assert_int_equal(ea.fixed_secondary, 5);
	assert_int_equal(ea.fixed_subordinate, 7);
	assert_int_equal(ea.n_entries, 1);
	assert_int_equal(ea.entries[0].range.first, 0xfe000000);
}

static void an_ea_range_that_wraps_is_not_enabled(void **state)
{
	const struct reg regs[MAX_REGS] = { LIST, { 0x40, 0x00010014 }, { 0x44, 0x80ff0004 },
		{ 0x48, 0xfffffffe }, { 0x4c, 0x0000fffc }, { 0x50, 0xffffffff } };

	(void)state;
	assert_int_equal(decode(regs, 256).ea.n_entries, 1);
	assert_false(decode(regs, 256).ea.entries[0].enabled);
}

static void rebar_sizes_reach_over_both_registers(void **state)
{
	const struct reg regs[MAX_REGS] = { LIST, { 0x40, 0x20010 }, { 0x100, 0x00010015 },
		{ 0x104, 0x003ff010 }, { 0x108, 0x00010840 }, { 0x10c, 0x00000070 },
		{ 0x110, 0x00000102 } };
	struct pr_rebar r = decode(regs, 4096).rebar;

	(void)state;
	assert_int_equal(r.present, PR_YES);
	assert_int_equal(r.n_entries, 2);
	assert_int_equal(r.entries[0].bar, 0);
	assert_int_equal(r.entries[0].current, 8);
	assert_int_equal(r.entries[0].sizes, UINT64_C(0x3ff01) | UINT64_C(1) << 28);
	assert_int_equal(r.entries[1].bar, 2);
	assert_int_equal(r.entries[1].sizes, 7);
	assert_int_equal(r.entries[1].current, 1);
}

static void sriov_is_read_whole(void **state)
{
	const struct reg regs[MAX_REGS] = { LIST, { 0x40, 0x20010 }, { 0x100, 0x00010010 },
		{ 0x108, 0x00000019 }, { 0x10c, 0x00080007 }, { 0x110, 0x00000004 },
		{ 0x114, 0x00020080 }, { 0x118, 0x10ed0000 }, { 0x11c, 0x00000553 },
		{ 0x120, 0x00000001 }, { 0x124, 0xf000000c }, { 0x128, 0x00000038 },
		{ 0x130, 0xfb000004 } };
	struct pr_sriov s = decode(regs, 4096).sriov;

	(void)state;
	assert_int_equal(s.present, PR_YES);
	assert_true(s.enabled);
	assert_true(s.memory_enabled);
	assert_true(s.ari);
	assert_int_equal(s.initial_vfs, 7);
	assert_int_equal(s.total_vfs, 8);
	assert_int_equal(s.num_vfs, 4);
	assert_int_equal(s.first_offset, 0x80);
	assert_int_equal(s.stride, 2);
	assert_int_equal(s.vf_device, 0x10ed);
	assert_int_equal(s.supported_page_sizes, 0x553);
	assert_int_equal(s.system_page_size, 1);
	assert_int_equal(s.bars[0].address, UINT64_C(0x38f0000000));
	assert_false(s.bars[1].implemented);
	assert_true(s.bars[3].is_64bit);
	/* its last register decides */
	assert_int_equal(decode(regs, 0x13b).sriov.present, PR_UNKNOWN);
	assert_int_equal(decode(regs, 0x13c).sriov.present, PR_YES);
}

static void an_event_collector_of_version_2_has_buses(void **state)
{
	const struct reg v1[MAX_REGS] = { LIST, { 0x40, 0x20010 }, { 0x100, 0x00010007 },
		{ 0x104, 0x00000006 }, { 0x108, 0x00050400 } };
	const struct reg v2[MAX_REGS] = { LIST, { 0x40, 0x20010 }, { 0x100, 0x00020007 },
		{ 0x104, 0x00000006 }, { 0x108, 0x00050400 } };

	(void)state;
	assert_int_equal(decode(v1, 4096).rcec.bitmap, 6);
	assert_false(decode(v1, 4096).rcec.has_bus_range);
	assert_true(decode(v2, 4096).rcec.has_bus_range);
	assert_int_equal(decode(v2, 4096).rcec.next_bus, 4);
	assert_int_equal(decode(v2, 4096).rcec.last_bus, 5);
}

static void acs_and_serial_number(void **state)
{
	const struct reg regs[MAX_REGS] = { LIST, { 0x40, 0x20010 }, { 0x100, 0x1401000d },
		{ 0x104, 0x001d005f }, { 0x140, 0x00010003 }, { 0x144, 0xff112233 },
		{ 0x148, 0x001b21ff } };
	struct pr_caps caps = decode(regs, 4096);

	(void)state;
	assert_int_equal(caps.acs.capability, 0x5f);
	assert_int_equal(caps.acs.control, 0x1d);
	assert_int_equal(caps.has_serial, PR_YES);
	assert_int_equal(caps.serial, UINT64_C(0x001b21ffff112233));
	assert_int_equal(decode(regs, 0x140).has_serial, PR_UNKNOWN);
	assert_int_equal(decode(regs, 0x14b).has_serial, PR_UNKNOWN);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, list_cases, test_list);
	ADD_TEST(&tests, a_hotplug_slot_is_read);
	ADD_TEST(&tests, slot_registers_without_the_slot_flag_mean_nothing);
	ADD_TEST(&tests, slot_registers_beyond_the_bytes_are_unknown);
	ADD_TEST(&tests, version_1_has_no_second_device_registers);
	ADD_TEST(&tests, no_pcie_capability_is_no_port);
	ADD_TEST(&tests, ea_bases_have_30_or_62_bits);
	ADD_TEST(&tests, ea_of_a_bridge_begins_with_its_buses);
	ADD_TEST(&tests, an_ea_range_that_wraps_is_not_enabled);
	ADD_TEST(&tests, rebar_sizes_reach_over_both_registers);
	ADD_TEST(&tests, sriov_is_read_whole);
	ADD_TEST(&tests, an_event_collector_of_version_2_has_buses);
	ADD_TEST(&tests, acs_and_serial_number);

	return rows_run(&tests, "capabilities");
}

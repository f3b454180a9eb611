/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allow-list of capabilities.  What is not in the table is refused: other
 * bits of the same register, half of it, a value that the function does not
 * support.  A row comes in with a step or a setting that needs it, not before.
 */
#include <errno.h>

#include "base/macros.h"
#include "helper/registers.h"

#define REG_COMMAND    0x04u
#define COMMAND_MEMORY 0x02u
#define REG_STATUS     0x06u
#define STATUS_LIST    0x10u
#define REG_LIST       0x34u
#define REG_EXTENDED   0x100u
#define LIST_MAX       48u
#define EXTENDED_MAX   960u
#define EXTENDED       0x10000u /* added to the identity of an extended capability */
#define CAP_PCIE       0x10u
#define CAP_AER        (EXTENDED | 0x01u)
#define CAP_ACS        (EXTENDED | 0x0du)
#define CAP_SRIOV      (EXTENDED | 0x10u)
#define CAP_REBAR      (EXTENDED | 0x15u)
#define CAP_LTR        (EXTENDED | 0x18u)
#define CAP_VF_REBAR   (EXTENDED | 0x24u)

/* PCIe 7.5.3.4 Device Control, 7.5.3.9 Slot Capabilities, 7.5.3.10 Slot Control */
#define PAYLOAD            0x00e0u
#define PCIE_FLAGS_SLOT    0x0100u
#define PCIE_TYPE(v)       ((v) >> 4 & 0xfu)
#define PCIE_ROOT_PORT     4u
#define PCIE_DOWNSTREAM    6u
#define LINK_DISABLE       0x0010u
#define SLOT_CAP_ATTENTION 0x0008u
#define SLOT_CAP_INDICATOR 0x0010u
#define SLOT_CAP_POWER     0x0002u
#define SLOT_CTL_ATTENTION 0x00c0u
#define SLOT_CTL_INDICATOR 0x0300u
#define SLOT_CTL_POWER     0x0400u
#define SLOT_CONTROL       (SLOT_CTL_ATTENTION | SLOT_CTL_INDICATOR | SLOT_CTL_POWER)
/* 7.8.6.3 Resizable BAR Control, 7.8.7 the same of virtual functions */
#define REBAR_MAX  6u
#define REBAR_N(v) ((v) >> 5 & 7u)
#define REBAR_SIZE 0x3f00u
/* 9.3.3.3 SR-IOV Control, 9.3.3.5 TotalVFs */
#define SRIOV_CONTROL 0x08u
#define SRIOV_TOTAL   0x0eu
#define SRIOV_ENABLE  0x0001u
#define SRIOV_MEMORY  0x0008u
#define SRIOV_SET     (SRIOV_ENABLE | SRIOV_MEMORY)

/* ---- lists: both walks end after as many entries as there can be, a list may be a circle ---- */

static uint32_t read_u32(const uint8_t *config, uint32_t offset)
{
	return (uint32_t)config[offset] | (uint32_t)config[offset + 1] << 8 |
	       (uint32_t)config[offset + 2] << 16 | (uint32_t)config[offset + 3] << 24;
}

static uint32_t find_in_list(const uint8_t *config, size_t length, uint32_t capability)
{
	uint32_t at;

	if (length < REG_LIST + 1 || !(config[REG_STATUS] & STATUS_LIST))
		return 0;
	at = config[REG_LIST] & ~3u;
	for (unsigned int n = 0; n < LIST_MAX; n++) {
		if (at < 0x40 || at + 2 > length)
			return 0;
		if (config[at] == capability)
			return at;
		at = config[at + 1] & ~3u;
	}

	return 0;
}

static uint32_t find_extended(const uint8_t *config, size_t length, uint32_t capability)
{
	uint32_t at = REG_EXTENDED, header;

	for (unsigned int n = 0; n < EXTENDED_MAX; n++) {
		if (at < REG_EXTENDED || at + 4 > length)
			return 0;
		header = read_u32(config, at);
		if ((header & 0xffff) == capability)
			return at;
		at = header >> 20 & ~3u;
	}

	return 0;
}

/* Where the first one begins; 0: there is none. */
static uint32_t find_capability(const uint8_t *config, size_t length, uint32_t capability)
{
	return capability & EXTENDED ? find_extended(config, length, capability & 0xffff)
				     : find_in_list(config, length, capability);
}

/* ---- values ---- */

/* A write to a register that a row of the table has. */
struct change {
	const uint8_t *config;
	size_t length;
	uint32_t at;     /* of the capability */
	uint32_t number; /* which of several registers of this kind */
	uint32_t now, value;
	const struct pr_register_owner *owner;
};

/* At @offset of the capability at @at; what cannot be read counts as 0, which allows nothing. */
static uint32_t read_at(const struct change *c, uint32_t at, uint32_t offset, uint8_t width)
{
	uint32_t value = 0;

	if (at == 0 || (size_t)at + offset + width > c->length)
		return 0;
	for (uint8_t i = width; i-- > 0;)
		value = value << 8 | c->config[at + offset + i];
	return value;
}

static int check_nothing(const struct change *c)
{
	(void)c;
	return 0;
}

/* Firmware that handles errors itself relies on what it has written (PCI Firmware 3.2, 4.5.1). */
static int check_aer(const struct change *c)
{
	return c->owner->owns_aer ? 0 : -EPERM;
}

static bool has_slot(const struct change *c)
{
	return read_at(c, c->at, 0x02, 2) & PCIE_FLAGS_SLOT;
}

/* Only what the slot has; and nothing loses its power while it is still in use. */
static int check_slot(const struct change *c)
{
	static const struct {
		uint32_t control, capability;
		bool zero_is_reserved;
	} parts[] = { { SLOT_CTL_ATTENTION, SLOT_CAP_ATTENTION, true },
		{ SLOT_CTL_INDICATOR, SLOT_CAP_INDICATOR, true },
		{ SLOT_CTL_POWER, SLOT_CAP_POWER, false } };
	const uint32_t has = read_at(c, c->at, 0x14, 4), changed = c->now ^ c->value;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if ((changed & parts[i].control) &&
			(!has_slot(c) || !(has & parts[i].capability) ||
				(parts[i].zero_is_reserved && !(c->value & parts[i].control))))
			return -EPERM;

	return (changed & SLOT_CTL_POWER) && c->owner->populated ? -EBUSY : 0;
}

/* The bit is reserved but for ports that lead down. */
static int check_link(const struct change *c)
{
	const uint32_t type = PCIE_TYPE(read_at(c, c->at, 0x02, 2));

	if (type != PCIE_ROOT_PORT && type != PCIE_DOWNSTREAM)
		return -EPERM;
	return c->owner->populated ? -EBUSY : 0;
}

static int check_latched(const struct change *c)
{
	return has_slot(c) ? 0 : -EPERM;
}

/* Size n is 2^n MiB: bit n + 4 of the capability, from 28 on bit n - 12 of the control register. */
static bool supports_size(const struct change *c)
{
	const uint32_t sizes = read_at(c, c->at, 0x04 + 8 * c->number, 4);
	const uint32_t n = (c->value & REBAR_SIZE) >> 8;

	if (c->number >= REBAR_N(read_at(c, c->at, 0x08, 4)))
		return false; /* the first register says how many there are */
	if (n < 28)
		return sizes >> (n + 4) & 1u;
	return n < 44 && (c->now >> (n - 12) & 1u);
}

/* Not while the function answers at its old addresses (PCIe 7.8.6). */
static int check_size(const struct change *c)
{
	if (!supports_size(c))
		return -EPERM;

	return c->config[REG_COMMAND] & COMMAND_MEMORY ? -EBUSY : 0;
}

/* Virtual functions have a switch of their own (9.3.3.3.4). */
static int check_vf_size(const struct change *c)
{
	const uint32_t sriov = find_capability(c->config, c->length, CAP_SRIOV);

	if (!supports_size(c))
		return -EPERM;

	return read_at(c, sriov, SRIOV_CONTROL, 2) & SRIOV_SET ? -EBUSY : 0;
}

/* Those that a driver left behind are switched off; on is the driver's. */
static int check_vfs_off(const struct change *c)
{
	return c->value & ~c->now ? -EPERM : 0;
}

/* Offset and stride depend on the number (9.3.3.9), which is fixed while they are on. */
static int check_vfs_number(const struct change *c)
{
	if (c->value > read_at(c, c->at, SRIOV_TOTAL, 2))
		return -EPERM;

	return read_at(c, c->at, SRIOV_CONTROL, 2) & SRIOV_ENABLE ? -EBUSY : 0;
}

/* ---- the table ---- */

/*
 * Whole registers of one width.  Bits that do something when they are set (Initiate Function Level
 * Reset, Retrain Link, the slot's interlock) are in no mask.
 */
#define SETTING(c, o, w, m, d, f)                                                           \
	{                                                                                   \
		.capability = (c), .offset = (o), .width = (w), .mask = (m), .driven = (d), \
		.until = PR_DRIVER_HOTPLUG, .check = (f)                                    \
	}
#define CHECKED(c, o, w, m, u, f)                                                         \
	{                                                                                 \
		.capability = (c), .offset = (o), .width = (w), .mask = (m), .driven = 0, \
		.until = (u), .check = (f)                                                \
	}
static const struct row {
	uint32_t capability;
	uint32_t offset;
	uint8_t width;
	uint32_t mask, driven; /* bits that may change; the same beyond @until */
	enum pr_register_driver until;
	int (*check)(const struct change *c); /* 0, -EPERM, -EBUSY */
} rows[] = {
	/* PCIe 7.5.3.4 Device Control: payload, read request, ordering, error reporting */
	SETTING(CAP_PCIE, 0x08, 2, 0x781f | PAYLOAD, 0x781f, check_nothing),
	/* 7.5.3.7 Link Control: the link itself, of a port below which nothing is known */
	CHECKED(CAP_PCIE, 0x10, 2, LINK_DISABLE, PR_DRIVER_PORT, check_link),
	/* 7.5.3.10 Slot Control: indicators, power; 7.5.3.11 Slot Status: what was latched */
	CHECKED(CAP_PCIE, 0x18, 2, SLOT_CONTROL, PR_DRIVER_PORT, check_slot),
	CHECKED(CAP_PCIE, 0x1a, 2, PR_SLOT_LATCHED, PR_DRIVER_PORT, check_latched),
	/* 7.5.3.16 Device Control 2: completion timeout, ID-based ordering, LTR */
	SETTING(CAP_PCIE, 0x28, 2, 0x071f, 0x071f, check_nothing),
	/* 7.8.4 Advanced Error Reporting: masks, severity, ECRC */
	SETTING(CAP_AER, 0x08, 4, UINT32_MAX, UINT32_MAX, check_aer),
	SETTING(CAP_AER, 0x0c, 4, UINT32_MAX, UINT32_MAX, check_aer),
	SETTING(CAP_AER, 0x14, 4, UINT32_MAX, UINT32_MAX, check_aer),
	SETTING(CAP_AER, 0x18, 4, 0x0140, 0x0140, check_aer),
	/* 7.7.11 Access Control Services: control */
	SETTING(CAP_ACS, 0x06, 2, 0x1fff, 0x1fff, check_nothing),
	/* 7.8.2 Latency Tolerance Reporting */
	SETTING(CAP_LTR, 0x04, 4, 0x1fff1fff, 0x1fff1fff, check_nothing),
	/* 7.8.6.3 Resizable BAR Control, 7.8.7 VF Resizable BAR: size, for each of six */
	CHECKED(CAP_REBAR, 0x08, 4, REBAR_SIZE, PR_DRIVER_NONE, check_size),
	CHECKED(CAP_VF_REBAR, 0x08, 4, REBAR_SIZE, PR_DRIVER_NONE, check_vf_size),
	/* 9.3.3.3 SR-IOV Control, 9.3.3.7 NumVFs */
	CHECKED(CAP_SRIOV, SRIOV_CONTROL, 2, SRIOV_SET, PR_DRIVER_NONE, check_vfs_off),
	CHECKED(CAP_SRIOV, 0x10, 2, UINT16_MAX, PR_DRIVER_NONE, check_vfs_number),
};

static bool is_rebar(const struct row *row)
{
	return row->capability == CAP_REBAR || row->capability == CAP_VF_REBAR;
}

/* The row for a register of @width bytes at @offset; where its capability is, and which one it is. */
static const struct row *find_row(struct change *c, uint32_t offset, uint8_t width)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint32_t n = is_rebar(&rows[i]) ? REBAR_MAX : 1;

		c->at = find_capability(c->config, c->length, rows[i].capability);
		for (c->number = 0; c->at > 0 && c->number < n; c->number++)
			if (c->at + rows[i].offset + 8 * c->number == offset &&
				rows[i].width == width)
				return &rows[i];
	}

	return NULL;
}

uint32_t pr_capability_slot_status(const uint8_t *config, size_t length)
{
	struct change c = { .config = config, .length = length };

	c.at = find_capability(config, length, CAP_PCIE);
	return c.at > 0 && has_slot(&c) && (size_t)c.at + 0x1c <= length ? c.at + 0x1a : 0;
}

int pr_capability_check(const uint8_t *config, size_t length, uint32_t offset, uint8_t width,
	uint32_t value, const struct pr_register_owner *owner)
{
	struct change c = { .config = config, .length = length, .value = value, .owner = owner };
	const struct row *row;
	uint32_t changed;
	int r;

	if (offset < 0x40 || (size_t)offset + width > length)
		return -EPERM;
	row = find_row(&c, offset, width);
	if (!row)
		return -EPERM;
	c.now = read_at(&c, offset, 0, width);
	/* what is latched is cleared by ones, and zeros do nothing */
	changed = row->mask == PR_SLOT_LATCHED ? value : c.now ^ value;
	if (changed & ~row->mask)
		return -EPERM;
	r = row->check(&c);
	if (r < 0)
		return r;

	return owner->driver > row->until && (changed & ~row->driven) ? -EBUSY : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of settings, and where each is found.  A new setting is a row here,
 * and one in the helper's allow-list; knows neither back ends nor records.
 */
#include <string.h>

#include "base/macros.h"
#include "exec/settings-table.h"

#define ATTRIBUTE(n, w)                                             \
	{                                                           \
		.name = n, .place = PR_PLACE_ATTRIBUTE, .when = (w) \
	}
#define REGISTER(n, p, w, o, b, m)                                                             \
	{                                                                                      \
		.name = n, .place = (p), .when = (w), .offset = (o), .width = (b), .mask = (m) \
	}
#define GUARD(n, o, g)                                                                            \
	{                                                                                         \
		.name = n, .place = PR_PLACE_AER, .when = PR_WHEN_ANY, .offset = (o), .width = 4, \
		.mask = UINT32_MAX, .guard = (g)                                                  \
	}

/*
 * Errors that a port sees when what is below it does not answer, or goes: PCIe 7.8.4.2 (Surprise
 * Down, Completion Timeout, Completer Abort, Unexpected Completion, Unsupported Request) and
 * 7.8.4.5 (Receiver Error, Bad TLP, Bad DLLP, Replay Number and Timer, Advisory Non-Fatal).
 */
#define GUARD_UNCORRECTABLE (1u << 5 | 1u << 14 | 1u << 15 | 1u << 16 | 1u << 20)
#define GUARD_CORRECTABLE   (1u << 0 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 12 | 1u << 13)

/* In the order of putting back: PCIe 7.5.3.4 (Device Control), .16 (2), 7.8.4 (AER), 7.7.11 (ACS). */
static const struct pr_setting settings[] = {
	ATTRIBUTE("driver_override", PR_WHEN_ANY),
	ATTRIBUTE("iommu_group/type", PR_WHEN_NO_DRIVER),
	ATTRIBUTE("numa_node", PR_WHEN_NO_DRIVER), /* where a driver takes its memory from */
	ATTRIBUTE("broken_parity_status", PR_WHEN_ANY),
	ATTRIBUTE("msi_bus", PR_WHEN_ANY),
	ATTRIBUTE("reset_method", PR_WHEN_ANY),
	ATTRIBUTE("d3cold_allowed", PR_WHEN_ANY),
	ATTRIBUTE("power/control", PR_WHEN_ANY),
	/* a function that cannot wake the machine has no such file */
	{ .name = "power/wakeup",
		.place = PR_PLACE_ATTRIBUTE,
		.when = PR_WHEN_ANY,
		.absent = "disabled" },
	ATTRIBUTE("link/clkpm", PR_WHEN_ANY),
	ATTRIBUTE("link/l0s_aspm", PR_WHEN_ANY),
	ATTRIBUTE("link/l1_aspm", PR_WHEN_ANY),
	ATTRIBUTE("link/l1_1_aspm", PR_WHEN_ANY),
	ATTRIBUTE("link/l1_2_aspm", PR_WHEN_ANY),
	ATTRIBUTE("link/l1_1_pcipm", PR_WHEN_ANY),
	ATTRIBUTE("link/l1_2_pcipm", PR_WHEN_ANY),
	ATTRIBUTE("sriov_drivers_autoprobe", PR_WHEN_ANY),
	ATTRIBUTE("sriov_numvfs", PR_WHEN_DRIVER),
	/* both ends of a link have to agree on it, and transfers must not be under way */
	REGISTER("max-payload", PR_PLACE_PCIE, PR_WHEN_NO_DRIVER, 0x08, 2, 0x00e0),
	/* error reporting, Relaxed Ordering, No Snoop, read request size */
	REGISTER("device-control", PR_PLACE_PCIE, PR_WHEN_ANY, 0x08, 2, 0x781f),
	/* completion timeout, ID-based ordering, LTR */
	REGISTER("device-control-2", PR_PLACE_PCIE, PR_WHEN_ANY, 0x28, 2, 0x071f),
	REGISTER("ltr-latency", PR_PLACE_LTR, PR_WHEN_ANY, 0x04, 4, 0x1fff1fff),
	REGISTER("acs-control", PR_PLACE_ACS, PR_WHEN_ANY, 0x06, 2, 0x1fff),
	REGISTER("bridge-control", PR_PLACE_BRIDGE, PR_WHEN_ANY, 0x3e, 2, 0x0003),
	REGISTER("aer-severity", PR_PLACE_AER, PR_WHEN_ANY, 0x0c, 4, UINT32_MAX),
	REGISTER("aer-control", PR_PLACE_AER, PR_WHEN_ANY, 0x18, 4, 0x00000140),
	GUARD("aer-correctable-mask", 0x14, GUARD_CORRECTABLE),
	GUARD("aer-uncorrectable-mask", 0x08, GUARD_UNCORRECTABLE),
};

size_t pr_settings_count(void)
{
	return ARRAY_SIZE(settings);
}

const struct pr_setting *pr_setting_at(size_t i)
{
	return &settings[i];
}

const struct pr_setting *pr_setting_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];

	return NULL;
}

/* Where the registers of @place begin in @f; false when it has none. */
static bool find_place(enum pr_setting_place place, const struct pr_function *f, uint16_t *ret)
{
	const struct pr_caps *caps = f->caps;
	const struct pr_cap *cap = NULL;

	switch (place) {
	case PR_PLACE_ATTRIBUTE:
		return false;
	case PR_PLACE_BRIDGE:
		*ret = 0;
		return f->bridge != NULL;
	case PR_PLACE_PCIE:
		*ret = caps ? caps->pcie.offset : 0;
		return caps && caps->pcie.present == PR_YES;
	case PR_PLACE_ACS:
		*ret = caps ? caps->acs.offset : 0;
		return caps && caps->acs.present == PR_YES;
	case PR_PLACE_AER:
		cap = caps ? &caps->aer : NULL;
		break;
	case PR_PLACE_LTR:
		cap = caps ? &caps->ltr : NULL;
		break;
	}
	if (!cap || cap->present != PR_YES)
		return false;

	*ret = cap->offset;
	return true;
}

/* Version 1 of the capability ends before the second set of registers (PCIe 7.5.3). */
static bool has_second_set(const struct pr_function *f)
{
	return f->caps->pcie.version >= 2;
}

bool pr_setting_register(const struct pr_setting *s, const struct pr_function *f,
	uint16_t *ret_offset, uint32_t *ret_value)
{
	const struct pr_config config = { .bytes = f->facts->config,
		.length = f->facts->config_length,
		.holes = f->facts->config_holes };
	uint16_t at, half;
	uint32_t value;

	if (!find_place(s->place, f, &at))
		return false;
	if (s->place == PR_PLACE_PCIE && s->offset >= 0x24 && !has_second_set(f))
		return false;

	at = (uint16_t)(at + s->offset);
	if (s->width == 4) {
		if (!pr_config_u32(&config, at, &value))
			return false;
	} else {
		if (!pr_config_u16(&config, at, &half))
			return false;
		value = half;
	}

	*ret_offset = at;
	*ret_value = value & s->mask;
	return true;
}

char *pr_setting_attribute(const struct pr_setting *s, const char *text)
{
	size_t n = strlen(s->name);

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		if (strncmp(line, s->name, n) == 0 && line[n] == '=')
			return strndup(line + n + 1, length - n - 1);
		line += length + (line[length] == '\n');
	}

	return NULL;
}

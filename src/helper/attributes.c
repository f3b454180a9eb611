/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of settings.  What is not in it is neither read nor written, and a
 * value that is not of the setting's form never reaches the kernel.
 */
#include "helper/attributes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "helper/access.h"

#define DECIMAL "0123456789"

static bool is_switch(const char *value)
{
	return strcmp(value, "0") == 0 || strcmp(value, "1") == 0;
}

static bool is_control(const char *value)
{
	return strcmp(value, "on") == 0 || strcmp(value, "auto") == 0;
}

static bool is_wakeup(const char *value)
{
	return strcmp(value, "enabled") == 0 || strcmp(value, "disabled") == 0;
}

/* TotalVFs is a 16-bit register (PCIe 9.3.3.5). */
static bool is_count(const char *value)
{
	size_t n = strspn(value, DECIMAL);

	return n > 0 && n <= 5 && value[n] == '\0';
}

static bool is_driver(const char *value)
{
	return *value == '\0' || pr_driver_name_valid(value);
}

static bool is_domain(const char *value)
{
	static const char *const types[] = { "DMA", "DMA-FQ", "identity", "auto" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i], value) == 0)
			return true;

	return false;
}

/* Names of methods, separated by blanks; none: reset is switched off. */
static bool is_methods(const char *value)
{
	return value[strspn(value, "abcdefghijklmnopqrstuvwxyz_ ")] == '\0';
}

static const struct pr_attribute attributes[] = {
	{ "driver_override", is_driver, false },
	{ "iommu_group/type", is_domain, false },
	{ "msi_bus", is_switch, false },
	{ "reset_method", is_methods, false },
	{ "d3cold_allowed", is_switch, false },
	{ "power/control", is_control, false },
	{ "power/wakeup", is_wakeup, false },
	{ "link/clkpm", is_switch, false },
	{ "link/l0s_aspm", is_switch, false },
	{ "link/l1_aspm", is_switch, false },
	{ "link/l1_1_aspm", is_switch, false },
	{ "link/l1_2_aspm", is_switch, false },
	{ "link/l1_1_pcipm", is_switch, false },
	{ "link/l1_2_pcipm", is_switch, false },
	{ "sriov_drivers_autoprobe", is_switch, false },
	{ "sriov_numvfs", is_count, true },
};

const struct pr_attribute *pr_attribute_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (strcmp(attributes[i].name, name) == 0)
			return &attributes[i];

	return NULL;
}

/* What cannot be read (no such file, a device that is asleep) has no line. */
static void read_one(int function, const char *name, char *line, size_t size)
{
	_cleanup_free_ char *value = NULL;

	*line = '\0';
	if (pr_read_line_at(function, name, &value) < 0)
		return;
	/* the kernel's word for none */
	(void)snprintf(line, size, "%s=%s\n", name, strcmp(value, "(null)") == 0 ? "" : value);
}

int pr_attributes_read(int function, char *ret, size_t size)
{
	char line[160];
	size_t used = 0, n;

	*ret = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		read_one(function, attributes[i].name, line, sizeof(line));
		n = strlen(line);
		if (n + 1 == sizeof(line))
			continue; /* cut off: longer than any value that could be written back */
		if (n >= size - used)
			return -ENOSPC;
		memcpy(ret + used, line, n + 1);
		used += n;
	}

	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of settings.  What is not in it is neither read nor written, and a
 * value that is not of the setting's form never reaches the kernel.
 */
#include "helper/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/macros.h"
#include "base/patient.h"
#include "helper/beneath.h"

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

static bool is_node(const char *value)
{
	return strcmp(value, "-1") == 0 || is_count(value);
}

/* 2^n MiB; the largest that a Resizable BAR can say is 43 (PCIe 7.8.6.2, 7.8.6.3). */
static bool is_size_exponent(const char *value)
{
	return is_count(value) && strlen(value) <= 2 && atoi(value) <= 43;
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

/* What is read there is no value but the sizes that can be had; the write assigns the bus anew. */
#define RESIZE(n)                                                                   \
	{                                                                           \
		.name = n, .valid = is_size_exponent, .lasting = true, .deed = true \
	}
#define GROUP_TYPE "iommu_group/type"

static const struct pr_attribute attributes[] = {
	{ .name = "driver_override", .valid = is_driver },
	{ .name = GROUP_TYPE, .valid = is_domain },
	{ .name = "numa_node", .valid = is_node },
	{ .name = "broken_parity_status", .valid = is_switch },
	{ .name = "msi_bus", .valid = is_switch },
	{ .name = "reset_method", .valid = is_methods },
	{ .name = "d3cold_allowed", .valid = is_switch },
	{ .name = "power/control", .valid = is_control },
	{ .name = "power/wakeup", .valid = is_wakeup },
	{ .name = "link/clkpm", .valid = is_switch },
	{ .name = "link/l0s_aspm", .valid = is_switch },
	{ .name = "link/l1_aspm", .valid = is_switch },
	{ .name = "link/l1_1_aspm", .valid = is_switch },
	{ .name = "link/l1_2_aspm", .valid = is_switch },
	{ .name = "link/l1_1_pcipm", .valid = is_switch },
	{ .name = "link/l1_2_pcipm", .valid = is_switch },
	{ .name = "sriov_drivers_autoprobe", .valid = is_switch },
	{ .name = "sriov_numvfs", .valid = is_count, .lasting = true },
	RESIZE("resource0_resize"),
	RESIZE("resource1_resize"),
	RESIZE("resource2_resize"),
	RESIZE("resource3_resize"),
	RESIZE("resource4_resize"),
	RESIZE("resource5_resize"),
};

const struct pr_attribute *pr_attribute_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (strcmp(attributes[i].name, name) == 0)
			return &attributes[i];

	return NULL;
}

int pr_attribute_open(const struct pr_access *a, int function, const struct pr_attribute *attribute,
	int *ret, const char **ret_file)
{
	int fd;

	if (strcmp(attribute->name, GROUP_TYPE) == 0) {
		*ret_file = "type";
		return pr_access_group(a, function, ret);
	}
	fd = pr_open_beneath(function, ".", O_PATH | O_DIRECTORY);
	if (fd < 0)
		return fd;

	*ret_file = attribute->name;
	*ret = fd;
	return 0;
}

/* What is not an attribute of the function itself has no path. */
static void path_of(void *userdata, size_t i, char *ret, size_t size)
{
	bool own = !attributes[i].deed && strcmp(attributes[i].name, GROUP_TYPE) != 0;

	(void)userdata;
	(void)snprintf(ret, size, "%s", own ? attributes[i].name : "");
}

/* 0, 1 when it cannot be read. */
static int read_group_type(const struct pr_access *a, int function, char ret[PR_PATIENT_LINE])
{
	_cleanup_close_ int group = -1;
	_cleanup_free_ char *type = NULL;

	if (pr_access_group(a, function, &group) < 0 || pr_read_line_at(group, "type", &type) < 0)
		return 1;
	(void)snprintf(ret, PR_PATIENT_LINE, "%s", type);
	return 0;
}

/*
 * "" for what cannot be read (no such file, a device that is asleep), and for what is cut off: longer
 * than any value that could be written back.
 */
static int read_one(const struct pr_access *a, int function, const struct pr_attribute *attribute,
	struct pr_patient *files, char line[PR_PATIENT_LINE])
{
	char value[PR_PATIENT_LINE];
	int r, n;

	*line = '\0';
	r = pr_patient_line(files, value);
	if (strcmp(attribute->name, GROUP_TYPE) == 0)
		r = read_group_type(a, function, value);
	if (r != 0)
		return r < 0 ? r : 0;
	/* the kernel's word for none */
	n = snprintf(line, PR_PATIENT_LINE, "%s=%s\n", attribute->name,
		strcmp(value, "(null)") == 0 ? "" : value);
	if (n >= PR_PATIENT_LINE)
		*line = '\0';
	return 0;
}

static int read_all(
	const struct pr_access *a, int function, struct pr_patient *files, char *ret, size_t size)
{
	char line[PR_PATIENT_LINE];
	size_t used = 0, n;
	int r;

	*ret = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		r = read_one(a, function, &attributes[i], files, line);
		if (r < 0)
			return r;
		n = strlen(line);
		if (n >= size - used)
			return -ENOSPC;
		memcpy(ret + used, line, n + 1);
		used += n;
	}

	return 0;
}

int pr_attributes_read(const struct pr_access *a, int function, char *ret, size_t size)
{
	struct pr_patient *files;
	int r;

	r = pr_patient_new(function, ARRAY_SIZE(attributes), path_of, NULL, PR_PATIENCE_MS, &files);
	if (r < 0)
		return r;
	r = read_all(a, function, files, ret, size);
	pr_patient_free(files);

	return r == -ETIMEDOUT ? -EBUSY : r;
}

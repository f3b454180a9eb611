/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sysfs says of PCI functions, read relative to a descriptor of the root directory. */
#pragma once

#include "import/apertures.h"

/* A slot the kernel knows: the device in it has this address, whatever its function. */
struct pr_slot {
	struct pr_address address;
	const char *name;
};

struct pr_sysfs {
	int root; /* descriptor of the directory that holds sys/ and proc/ */
	struct pr_arena *arena;
	struct pr_import_error *error;
	const struct pr_slot *slots;
	size_t n_slots;
};

/* Functions with more lines than the kernel ever shows are refused. */
#define PR_SYSFS_LINES_MAX 64

/* Fills in the slots of @s.  A machine may have none.  0, or negative errno with its error. */
int pr_sysfs_slots(struct pr_sysfs *s);

/*
 * Everything but configuration space, and what locked.h has, of the function at @facts->address;
 * @ret_root is the host bridge that its path goes through.  0; 1 when the
 * function is gone (removed while we looked); negative errno with the error.
 */
int pr_sysfs_function(
	const struct pr_sysfs *s, struct pr_facts *facts, struct pr_aperture_root *ret_root);

/*
 * Host bridges directly below sys/devices, those without functions included.
 * Nested ones are found through their functions.
 */
int pr_sysfs_roots(const struct pr_sysfs *s, struct pr_aperture_root **ret, size_t *ret_n);

/* ---- parsers, of buffers ---- */

/*
 * Lines "start end flags", normalised to Linux's numbers (enum
 * pr_resource_index): a kernel without SR-IOV leaves out the VF BARs.
 * -EINVAL with @error for anything else; @name is for that.
 */
int pr_resource_lines_parse(const char *name, const char *text, size_t size, struct pr_arena *arena,
	const struct pr_resource_line **ret, size_t *ret_n, struct pr_import_error *error);

/*
 * The path a function's link leads to ("../../../devices/pci0000:00/0000:00:02.0/0000:01:00.0"):
 * the bridge above and the host bridge.  False when the path does not end in a function.
 */
bool pr_sysfs_path_parse(
	const char *path, struct pr_facts *facts, struct pr_aperture_root *ret_root);

/* Address of the last PCI function on a path; false when there is none. */
bool pr_sysfs_path_function(const char *path, struct pr_address *ret);

/*
 * Text of unknown origin made safe to keep: bytes that are not UTF-8, and control characters,
 * become '?'.
 */
void pr_text_clean(char *text);
/* First line of a file, cleaned, in the arena; NULL when it cannot be read or is empty. */
const char *pr_sysfs_line(const struct pr_sysfs *s, const char *path);

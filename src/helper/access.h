/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file tree of the kernel, as the helper may see it.  Every path is built
 * from numbers, or from a driver name that was checked; nothing that a client
 * sends becomes part of a path as it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pr_target {
	uint32_t domain;
	uint8_t bus, device, function;
};

#define PR_TARGET_TEXT_MAX 20 /* "ffffffff:ff:1f.7" and its NUL */
#define PR_DRIVER_NAME_MAX 64

struct pr_access {
	int root, bus, tree; /* the root, sys/bus/pci and sys/devices below it */
};

#define PR_CONFIG_SIZE 4096u

/* @root holds sys/ and proc/.  -ENOENT when it has no PCI bus. */
int pr_access_open(const char *root, struct pr_access *ret);
void pr_access_close(struct pr_access *a);

void pr_target_format(const struct pr_target *t, char ret[PR_TARGET_TEXT_MAX]);
/* The text must be exactly what pr_target_format() gives. */
bool pr_target_parse(const char *text, struct pr_target *ret);

/* Directory of a function, to be closed by the caller.  -ENODEV when there is none. */
int pr_access_function(const struct pr_access *a, const struct pr_target *t, int *ret);
/* Is @t one of the functions below @above? */
bool pr_access_is_above(
	const struct pr_access *a, const struct pr_target *above, const struct pr_target *t);
/* Name of the driver bound to it; -ENOENT when there is none. */
int pr_access_driver(int function, char ret[PR_DRIVER_NAME_MAX]);
/* A virtual function: its BARs are its physical function's. */
bool pr_access_is_virtual(int function);
/*
 * Of a port: pciehp works with its slot (or it could not be told); functions are known below it (the
 * same).
 */
bool pr_access_has_pciehp(int function);
bool pr_access_is_populated(int function);
/*
 * Of a port: the name of the service that pciehp works with, and whether it does.  -ENOENT: it has
 * none.
 */
#define PR_SERVICE_NAME_MAX 32
int pr_access_hotplug_service(int function, char ret[PR_SERVICE_NAME_MAX], bool *ret_driven);
/* Directory of pciehp; -ENOENT where the kernel has none. */
int pr_access_pciehp(const struct pr_access *a, int *ret);
/*
 * The kernel handles errors (AER) of the hierarchy that the function is in: its root port has the
 * service.  Where the firmware kept that to itself, or the kernel was told to leave it, there is none.
 */
bool pr_access_owns_aer(const struct pr_access *a, const struct pr_target *t);
/*
 * 1: it, or a function below it, has virtual functions; 0: none has; negative errno when it could
 * not be told.
 */
int pr_access_has_vfs(int function);
/* Number of the node behind `config`: a function that was removed and found again has another. */
int pr_access_node(int function, uint64_t *ret);

/* What the kernel lets us read, up to @size bytes. */
int pr_access_read(int function, uint32_t offset, void *buffer, size_t size, size_t *ret);
/* One register of 1, 2 or 4 bytes; -EIO when it lies beyond what can be read. */
int pr_access_read_value(int function, uint32_t offset, uint8_t width, uint32_t *ret);
int pr_access_write_value(int function, uint32_t offset, uint8_t width, uint32_t value);

/* A name that a client may give to a driver; the kernel itself has others. */
bool pr_driver_name_valid(const char *name);
/* Directory of a driver of that name; -EINVAL for a name no directory has, -ENOENT. */
int pr_access_driver_directory(const struct pr_access *a, const char *name, int *ret);
/*
 * Directory of a root bus; -ENODEV when there is none, -EINVAL when that bus has a bridge above
 * it.
 */
int pr_access_root_bus(const struct pr_access *a, uint32_t domain, uint8_t bus, int *ret);
/* Directory of the IOMMU group of a function; -ENOENT when it is in none. */
int pr_access_group(const struct pr_access *a, int function, int *ret);

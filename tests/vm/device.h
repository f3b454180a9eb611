/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the devices of ours share (device.c, device-vfs.c).  QEMU's headers are not packaged, so the few
 * things used are declared here; whether they are laid out so is checked before anything is registered.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIB        UINT64_C(0x100000)
#define SIZE_FIELD 0x3f00u /* of a Resizable BAR's control register (PCIe 7.8.6.3) */

/* ---- of QEMU: include/qom/object.h, hw/qdev-core.h, hw/pci/pci_device.h, qapi/error.h ---- */

struct Error;
struct InterfaceInfo {
	const char *type;
};
struct TypeInfo {
	const char *name, *parent;
	size_t instance_size, instance_align;
	void (*instance_init)(void *), (*instance_post_init)(void *), (*instance_finalize)(void *);
	bool abstract;
	size_t class_size;
	void (*class_init)(void *, void *), (*class_base_init)(void *, void *);
	void *class_data;
	struct InterfaceInfo *interfaces;
};
struct device_class { /* PCIDeviceClass */
	uint8_t parent[176];
	void (*realize)(void *, struct Error **);
	void (*exit)(void *);
	uint32_t (*config_read)(void *, uint32_t, int);
	void (*config_write)(void *, uint32_t, uint32_t, int);
	uint16_t vendor_id, device_id;
	uint8_t revision;
	uint16_t class_id;
};
struct device { /* PCIDevice */
	uint8_t parent[160];
	bool partially_hotplugged, has_power;
	uint8_t *config, *cmask, *wmask;
};

void *type_register_static(const struct TypeInfo *);
void *object_class_by_name(const char *);
size_t object_type_get_instance_size(const char *);
void *object_class_property_add_str(void *, const char *, char *(*)(void *, struct Error **),
	void (*)(void *, const char *, struct Error **));
uint32_t pci_default_read_config(void *, uint32_t, int);
void pci_default_write_config(void *, uint32_t, uint32_t, int);
void *object_get_class(void *);
void *object_class_property_add_bool(void *, const char *, bool (*)(void *, struct Error **),
	void (*)(void *, bool, struct Error **));
void *pci_new(int, const char *);
bool qdev_prop_set_bit(void *, const char *, bool);
bool qdev_realize(void *, void *, struct Error **);
void *qdev_get_parent_bus(void *);
int pci_bus_num(void *);
void *pci_bridge_get_sec_bus(void *);
struct device *pci_find_device(void *, int, uint8_t);
int pci_add_capability(void *, uint8_t, uint8_t, uint8_t, struct Error **);
int pcie_endpoint_cap_init(void *, uint8_t);
void pcie_add_capability(void *, uint16_t, uint8_t, uint16_t, uint16_t);
void error_setg_internal(struct Error **, const char *, int, const char *, const char *, ...);

#define refuse(errp, ...) error_setg_internal(errp, __FILE__, __LINE__, __func__, __VA_ARGS__)

/* ---- ours ---- */

struct bar {
	uint64_t size;  /* bytes; 0: there is none */
	uint64_t sizes; /* bit n: 1 MiB << n; 0: it cannot be resized */
	uint64_t fixed; /* where Enhanced Allocation has it; 0: where its register says */
	uint8_t type;   /* low bits of the register */
};

void device_put32(uint8_t *at, uint32_t value);
uint32_t device_get32(const uint8_t *at);
/* "64M mem64pref 16M..8G", "64M mem64pref at 0x800000000" */
void device_parse_bar(const char *text, struct bar *ret, struct Error **errp);
/* The register at @at: what of the address can be written; the address itself is gone (PCIe 7.8.6.3). */
void device_set_bar(struct device *d, unsigned int at, const struct bar *bar);
/* PCIe 7.8.6: the two registers at @at, of BAR @nth, one of @n; sizes beyond 128 TiB are in the second one. */
void device_put_rebar(
	struct device *d, unsigned int at, unsigned int nth, unsigned int n, const struct bar *bar);
/* Takes over the size that the control register says; false when it is the same. */
bool device_take_size(const struct device *d, unsigned int control, struct bar *bar);
/* Where what is ours begins in an instance of a type with that parent. */
size_t device_own_at(const char *parent);

/* device-vfs.c */
void device_register_vfs(void);

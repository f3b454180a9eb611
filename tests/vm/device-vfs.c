/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's NVMe controller with what its virtual functions lack (`pciroom-nvme`; everything else is a
 * property of `nvme`): vf-bar0=SIZE KIND SIZES gives them a Resizable BAR (VF Resizable BAR, PCIe 7.8.7),
 * beyond=on puts them on the bus after their controller's.
 *
 * QEMU knows virtual functions on their controller's bus only.  The next bus is that of a bridge which
 * answers to nobody (`pciroom-beyond`); on it, `pciroom-mirror` passes on what is asked of each.
 */
#include "device.h"

#include <string.h>

#define CAP_SRIOV     0x0010
#define CAP_VF_REBAR  0x0024
#define SRIOV_CONTROL 0x08u
#define SRIOV_TOTAL   0x0eu
#define SRIOV_OFFSET  0x14u
#define SRIOV_BAR0    0x24u
#define SRIOV_BYTES   0x40u
#define VF_ENABLE     1u
#define SECONDARY     0x19u
#define SUBORDINATE   0x1au
#define BEYOND        7u /* function of the bridge; the real virtual functions are the ones before */

struct own {
	struct bar bar; /* of each virtual function */
	bool beyond;
	unsigned int sriov; /* the capability; 0: none */
	struct device *bridge;
};
struct mirror {
	struct device *controller;
	uint8_t devfn; /* of the real one, on the bus of its controller */
};

static size_t own_at, mirror_at;
static void (*nvme_realize)(void *, struct Error **);
static void (*nvme_write)(void *, uint32_t, uint32_t, int);

static struct own *own_of(void *device)
{
	return (struct own *)((uint8_t *)device + own_at);
}

static struct mirror *mirror_of(void *device)
{
	return (struct mirror *)((uint8_t *)device + mirror_at);
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static unsigned int find_extended(const struct device *d, unsigned int wanted)
{
	unsigned int at = 0x100;

	while (at >= 0x100 && get16(d->config + at) != wanted)
		at = get16(d->config + at + 2) >> 4;
	return at;
}

/* ---- the bus beyond ---- */

static uint32_t read_nothing(void *device, uint32_t address, int length)
{
	(void)device, (void)address;
	return UINT32_MAX >> (32 - 8 * length);
}

static void write_nothing(void *device, uint32_t address, uint32_t value, int length)
{
	(void)device, (void)address, (void)value, (void)length;
}

static void init_bridge(void *klass, void *data)
{
	struct device_class *c = klass;

	(void)data;
	c->config_read = read_nothing;
	c->config_write = write_nothing;
}

static struct device *real_one(void *device)
{
	const struct mirror *m = mirror_of(device);
	void *bus = qdev_get_parent_bus(m->controller);

	return pci_find_device(bus, pci_bus_num(bus), m->devfn);
}

static uint32_t read_mirror(void *device, uint32_t address, int length)
{
	struct device *real = real_one(device);

	return real ? pci_default_read_config(real, address, length)
		    : read_nothing(device, address, length);
}

static void write_mirror(void *device, uint32_t address, uint32_t value, int length)
{
	struct device *real = real_one(device);

	if (real)
		((struct device_class *)object_get_class(real))
			->config_write(real, address, value, length);
}

static void realize_mirror(void *device, struct Error **errp)
{
	(void)device, (void)errp;
}

static void init_mirror(void *klass, void *data)
{
	struct device_class *c = klass;

	(void)data;
	c->realize = realize_mirror;
	c->config_read = read_mirror;
	c->config_write = write_mirror;
}

/* One routing id after the other, as they are on the controller's bus. */
static bool add_mirrors(struct device *d, const struct own *own, struct Error **errp)
{
	const unsigned int n = get16(d->config + own->sriov + SRIOV_TOTAL);

	for (unsigned int i = 0; i < n; i++) {
		struct device *mirror = pci_new((int)i, "pciroom-mirror");

		*mirror_of(mirror) = (struct mirror){ d, (uint8_t)(i + 1) };
		qdev_prop_set_bit(mirror, "multifunction", true);
		if (!qdev_realize(mirror, pci_bridge_get_sec_bus(own->bridge), errp))
			return false;
	}
	return true;
}

static void add_beyond(struct device *d, struct own *own, struct Error **errp)
{
	if (get16(d->config + own->sriov + SRIOV_TOTAL) >= BEYOND) {
		refuse(errp, "beyond: there can be %u virtual functions at most", BEYOND - 1);
		return;
	}
	own->bridge = pci_new(BEYOND, "pciroom-beyond");
	if (qdev_realize(own->bridge, qdev_get_parent_bus(d), errp) && add_mirrors(d, own, errp))
		put16(d->config + own->sriov + SRIOV_OFFSET, 0x100);
}

/* The bus is there while they are. */
static void follow_enable(struct device *d, struct own *own)
{
	const bool enabled = d->config[own->sriov + SRIOV_CONTROL] & VF_ENABLE;
	const int bus = enabled ? pci_bus_num(qdev_get_parent_bus(d)) + 1 : 0;

	own->bridge->config[SECONDARY] = own->bridge->config[SUBORDINATE] = (uint8_t)bus;
}

/* ---- the controller ---- */

static void add_vf_rebar(struct device *d, const struct own *own)
{
	const unsigned int at = own->sriov + SRIOV_BYTES;

	device_set_bar(d, own->sriov + SRIOV_BAR0, &own->bar);
	pcie_add_capability(d, CAP_VF_REBAR, 1, (uint16_t)at, 12);
	device_put_rebar(d, at + 4, 0, 1, &own->bar);
}

static void realize(void *device, struct Error **errp)
{
	struct own *own = own_of(device);
	struct device *d = device;

	nvme_realize(device, errp);
	if (*errp)
		return;
	own->sriov = find_extended(d, CAP_SRIOV);
	if (!own->sriov) {
		refuse(errp, "pciroom-nvme: without sriov_max_vfs it is an nvme");
		return;
	}
	if (own->bar.sizes)
		add_vf_rebar(d, own);
	if (own->beyond)
		add_beyond(d, own, errp);
}

/* QEMU makes them at the offset that the register says: there it is told the truth. */
static void write_config(void *device, uint32_t address, uint32_t value, int length)
{
	struct own *own = own_of(device);
	struct device *d = device;
	uint8_t *offset = d->config + own->sriov + SRIOV_OFFSET;

	if (own->bridge)
		put16(offset, 1);
	nvme_write(device, address, value, length);
	if (own->bridge) {
		put16(offset, 0x100);
		follow_enable(d, own);
	}
	if (own->bar.sizes && device_take_size(d, own->sriov + SRIOV_BYTES + 8, &own->bar))
		device_set_bar(d, own->sriov + SRIOV_BAR0, &own->bar);
}

static void set_bar0(void *device, const char *text, struct Error **errp)
{
	struct bar *bar = &own_of(device)->bar;

	device_parse_bar(text, bar, errp);
	if (bar->fixed)
		refuse(errp, "vf-bar0 cannot be at a fixed address");
}

static void set_beyond(void *device, bool value, struct Error **errp)
{
	(void)errp;
	own_of(device)->beyond = value;
}

static void init_controller(void *klass, void *data)
{
	struct device_class *c = klass;

	(void)data;
	nvme_realize = c->realize;
	nvme_write = c->config_write;
	c->realize = realize;
	c->config_write = write_config;
	object_class_property_add_str(klass, "vf-bar0", NULL, set_bar0);
	object_class_property_add_bool(klass, "beyond", NULL, set_beyond);
}

void device_register_vfs(void)
{
	static struct InterfaceInfo express[] = { { "pci-express-device" }, { NULL } };
	static struct TypeInfo controller = {
		.name = "pciroom-nvme", .parent = "nvme", .class_init = init_controller
	};
	static const struct TypeInfo bridge = {
		.name = "pciroom-beyond", .parent = "x3130-upstream", .class_init = init_bridge
	};
	static struct TypeInfo mirror = { .name = "pciroom-mirror",
		.parent = "pci-device",
		.class_init = init_mirror,
		.interfaces = express };

	own_at = device_own_at(controller.parent);
	controller.instance_size = own_at + sizeof(struct own);
	mirror_at = device_own_at(mirror.parent);
	mirror.instance_size = mirror_at + sizeof(struct mirror);
	type_register_static(&controller);
	type_register_static(&bridge);
	type_register_static(&mirror);
}

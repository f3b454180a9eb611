/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI Express endpoint with Resizable BARs, or fixed ones, for the QEMU that is installed: a plugin
 * (-plugin), which registers one more type of device, `pciroom-device`.  Nothing answers behind its BARs;
 * its configuration space is what a kernel's allocator looks at.
 *
 * Properties bar0 to bar5: "64M mem64pref", or "64M mem64pref 16M..8G" when it may be resized, or
 * "64M mem64pref at 0x800000000" by Enhanced Allocation; kinds are mem32, mem64 and mem64pref.  Property
 * bytes: "81=40 100=00", what configuration space holds at an offset whatever it should be.
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_BARS       6
#define N_SIZES      44 /* 1 MiB << n (PCIe 7.8.6.2, 7.8.6.3) */
#define BAR(n)       (0x10u + 4u * (n))
#define CAP_EA       0x14
#define EA_AT        0x40u
#define CONFIG_BYTES 4096
#define PCIE_AT      0x80
#define CAP_REBAR    0x0015
#define REBAR_AT     0x100u
#define VENDOR_ID    0x1234 /* QEMU's own */
#define DEVICE_ID    0x7e5a
#define CLASS        0x1180 /* a signal processing controller: nobody drives it */

#define EA_ENABLED      0x80000000u
#define EA_NO_SECONDARY 0x00ff0000u
#define EA_PREFETCH     0x00000100u
#define EA_WIDE         2u /* of an address or offset: another word follows */

/* ---- one device ---- */

struct own {
	struct bar bars[N_BARS];
	char *bytes;
};

static size_t own_at;

static struct own *own_of(void *device)
{
	return (struct own *)((uint8_t *)device + own_at);
}

size_t device_own_at(const char *parent)
{
	return (object_type_get_instance_size(parent) + 15) & ~(size_t)15;
}

void device_put32(uint8_t *at, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

uint32_t device_get32(const uint8_t *at)
{
	return (uint32_t)(at[0] | at[1] << 8 | at[2] << 16) | (uint32_t)at[3] << 24;
}

void device_set_bar(struct device *d, unsigned int at, const struct bar *bar)
{
	const uint64_t mask = ~(bar->size - 1);

	device_put32(d->config + at, bar->type);
	device_put32(d->wmask + at, (uint32_t)mask);
	if (bar->type & 4) {
		device_put32(d->config + at + 4, 0);
		device_put32(d->wmask + at + 4, (uint32_t)(mask >> 32));
	}
}

static unsigned int order_of(uint64_t size)
{
	unsigned int n = 0;

	while (n < N_SIZES && MIB << n < size)
		n++;
	return n;
}

static unsigned int count_resizable(const struct own *own)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < N_BARS; i++)
		n += own->bars[i].sizes != 0;
	return n;
}

void device_put_rebar(
	struct device *d, unsigned int at, unsigned int nth, unsigned int n, const struct bar *bar)
{
	device_put32(d->config + at, (uint32_t)(bar->sizes << 4));
	device_put32(d->config + at + 4,
		nth | n << 5 | order_of(bar->size) << 8 | (uint32_t)(bar->sizes >> 28) << 16);
	device_put32(d->wmask + at + 4, SIZE_FIELD);
}

static void add_rebar(struct device *d, const struct own *own)
{
	const unsigned int n = count_resizable(own);
	unsigned int at = REBAR_AT + 4;

	if (n == 0)
		return;
	pcie_add_capability(d, CAP_REBAR, 1, REBAR_AT, (uint16_t)(4 + 8 * n));
	for (unsigned int i = 0; i < N_BARS; i++) {
		if (own->bars[i].sizes == 0)
			continue;
		device_put_rebar(d, at, i, n, &own->bars[i]);
		at += 8;
	}
}

/* PCIe 7.8.5.3: instead of BAR @nth, whose register is hard-wired to zero; returns the entry's bytes. */
static unsigned int put_ea_entry(uint8_t *at, unsigned int nth, const struct bar *bar)
{
	const uint64_t offset = bar->size - 1;
	const uint32_t wide = bar->type & 4 ? EA_WIDE : 0;

	device_put32(at, EA_ENABLED | EA_NO_SECONDARY | (bar->type & 8 ? EA_PREFETCH : 0) |
				 nth << 4 | (2 + wide));
	device_put32(at + 4, (uint32_t)bar->fixed | wide);
	device_put32(at + 8, ((uint32_t)offset & ~3u) | wide);
	if (wide) {
		device_put32(at + 12, (uint32_t)(bar->fixed >> 32));
		device_put32(at + 16, (uint32_t)(offset >> 32));
	}
	return 12 + 4 * wide;
}

static void add_ea(struct device *d, const struct own *own, struct Error **errp)
{
	uint8_t entries[N_BARS * 20];
	unsigned int n = 0, bytes = 0;

	for (unsigned int i = 0; i < N_BARS; i++) {
		if (own->bars[i].fixed == 0)
			continue;
		bytes += put_ea_entry(entries + bytes, i, &own->bars[i]);
		n++;
	}
	if (n == 0 || pci_add_capability(d, CAP_EA, EA_AT, (uint8_t)(4 + bytes), errp) < 0)
		return;
	d->config[EA_AT + 2] = (uint8_t)n;
	memcpy(d->config + EA_AT + 4, entries, bytes);
}

/* "81=40 100=00", both in hexadecimal. */
static void put_bytes(struct device *d, const char *text, struct Error **errp)
{
	for (char *end; *text; text = end) {
		const unsigned long at = strtoul(text, &end, 16);
		const unsigned long value = *end == '=' ? strtoul(end + 1, &end, 16) : 0x100;

		if (at >= CONFIG_BYTES || value > 0xff || (*end && *end != ' ')) {
			refuse(errp, "not bytes: \"%s\"", text);
			return;
		}
		d->config[at] = (uint8_t)value;
	}
}

static void realize(void *device, struct Error **errp)
{
	struct own *own = own_of(device);

	for (unsigned int i = 0; i < N_BARS; i++) {
		if (own->bars[i].size == 0)
			continue;
		if (own->bars[i].type & 4 && (i + 1 == N_BARS || own->bars[i + 1].size != 0)) {
			refuse(errp, "bar%u is of 64 bits: there is no bar%u", i, i + 1);
			return;
		}
		if (own->bars[i].fixed == 0)
			device_set_bar(device, BAR(i), &own->bars[i]);
	}
	if (pcie_endpoint_cap_init(device, PCIE_AT) < 0) {
		refuse(errp, "no room for the PCI Express capability");
		return;
	}
	add_rebar(device, own);
	add_ea(device, own, errp);
	if (own->bytes && !*errp)
		put_bytes(device, own->bytes, errp);
}

bool device_take_size(const struct device *d, unsigned int control, struct bar *bar)
{
	const unsigned int n = (device_get32(d->config + control) & SIZE_FIELD) >> 8;

	if (n >= N_SIZES || MIB << n == bar->size)
		return false;
	bar->size = MIB << n;
	return true;
}

static void apply_size(struct device *d, struct own *own, unsigned int at)
{
	const unsigned int n = device_get32(d->config + at) & 7;

	if (device_take_size(d, at, &own->bars[n]))
		device_set_bar(d, BAR(n), &own->bars[n]);
}

static void write_config(void *device, uint32_t address, uint32_t value, int length)
{
	struct own *own = own_of(device);

	pci_default_write_config(device, address, value, length);
	for (unsigned int i = 0; i < count_resizable(own); i++) {
		const unsigned int at = REBAR_AT + 8 + 8 * i;

		if (address < at + 4 && address + (uint32_t)length > at)
			apply_size(device, own, at);
	}
}

/* ---- properties ---- */

static bool parse_size(const char **text, uint64_t *ret)
{
	static const char units[] = "MGT";
	char *end;
	uint64_t n = strtoull(*text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (!unit || n == 0 || n >> 20)
		return false;
	*ret = n * MIB << (10 * (unit - units));
	*text = end + 1;
	return (*ret & (*ret - 1)) == 0;
}

static bool parse_kind(const char **text, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t type; /* PCI 3.0, 6.2.5.1 */
	} kinds[] = { { " mem64pref", 12 }, { " mem64", 4 }, { " mem32", 0 } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const size_t length = strlen(kinds[i].name);

		if (strncmp(*text, kinds[i].name, length) == 0) {
			*ret = kinds[i].type;
			*text += length;
			return true;
		}
	}
	return false;
}

static bool parse_sizes(const char **text, struct bar *bar)
{
	uint64_t first, last;

	if (*(*text)++ != ' ' || !parse_size(text, &first) || strncmp(*text, "..", 2) != 0)
		return false;
	*text += 2;
	if (!parse_size(text, &last) || first > bar->size || last < bar->size)
		return false;
	for (unsigned int n = order_of(first); n <= order_of(last); n++)
		bar->sizes |= UINT64_C(1) << n;
	return true;
}

static bool parse_place(const char **text, struct bar *bar)
{
	char *end;

	bar->fixed = strtoull(*text + 4, &end, 16);
	*text = end;
	return bar->fixed > 0 && bar->fixed % 4 == 0 && (bar->type & 4 || bar->fixed <= UINT32_MAX);
}

void device_parse_bar(const char *text, struct bar *ret, struct Error **errp)
{
	struct bar bar = { 0 };
	const char *at = text;

	if (!parse_size(&at, &bar.size) || !parse_kind(&at, &bar.type) ||
		(*at && !(strncmp(at, " at ", 4) == 0 ? parse_place(&at, &bar)
						      : parse_sizes(&at, &bar))) ||
		*at)
		refuse(errp, "not a BAR: \"%s\"", text);
	else
		*ret = bar;
}

#define PROPERTY(n)                                                                 \
	static void set_bar##n(void *device, const char *text, struct Error **errp) \
	{                                                                           \
		device_parse_bar(text, &own_of(device)->bars[n], errp);             \
	}
PROPERTY(0)
PROPERTY(1)
PROPERTY(2)
PROPERTY(3)
PROPERTY(4)
PROPERTY(5)

static void set_bytes(void *device, const char *text, struct Error **errp)
{
	struct own *own = own_of(device);

	free(own->bytes);
	own->bytes = strdup(text);
	if (!own->bytes)
		refuse(errp, "no memory");
}

static void init_class(void *klass, void *data)
{
	static void (*const setters[N_BARS])(void *, const char *, struct Error **) = { set_bar0,
		set_bar1, set_bar2, set_bar3, set_bar4, set_bar5 };
	static const char *const names[N_BARS] = { "bar0", "bar1", "bar2", "bar3", "bar4", "bar5" };
	struct device_class *c = klass;

	(void)data;
	c->realize = realize;
	c->config_write = write_config;
	c->vendor_id = VENDOR_ID;
	c->device_id = DEVICE_ID;
	c->class_id = CLASS;
	for (unsigned int i = 0; i < N_BARS; i++)
		object_class_property_add_str(klass, names[i], NULL, setters[i]);
	object_class_property_add_str(klass, "bytes", NULL, set_bytes);
}

/* ---- the plugin ---- */

int qemu_plugin_version = 1;

/* The class of a network card that every QEMU has, and the size of what precedes a PCI device. */
static bool is_laid_out_so(void)
{
	const struct device_class *nic = object_class_by_name("e1000e");

	return nic && nic->vendor_id == 0x8086 && nic->device_id == 0x10d3 &&
	       object_type_get_instance_size("device") == sizeof(((struct device *)0)->parent);
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	static struct InterfaceInfo express[] = { { "pci-express-device" }, { NULL } };
	static struct TypeInfo type = { .name = "pciroom-device",
		.parent = "pci-device",
		.class_init = init_class,
		.interfaces = express };

	(void)id, (void)info, (void)argc, (void)argv;
	if (!is_laid_out_so()) {
		(void)fprintf(stderr, "pciroom-device: this QEMU is laid out in another way\n");
		return 1;
	}
	own_at = device_own_at(type.parent);
	type.instance_size = own_at + sizeof(struct own);
	type_register_static(&type);
	device_register_vfs();
	return 0;
}

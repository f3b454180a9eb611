/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI Express endpoint with Resizable BARs for the QEMU that is installed: a plugin (-plugin), which
 * registers one more type of device, `pciroom-device`.  Nothing answers behind its BARs; its configuration
 * space is what a kernel's allocator looks at.  QEMU's headers are not packaged, so the few things used
 * are declared here; whether they are laid out so is checked before anything is registered.
 *
 * Properties bar0 to bar5: "64M mem64pref", or "64M mem64pref 16M..8G" when it may be resized; kinds are
 * mem32, mem64 and mem64pref.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_BARS     6
#define MIB        UINT64_C(0x100000)
#define N_SIZES    44 /* 1 MiB << n (PCIe 7.8.6.2, 7.8.6.3) */
#define BAR(n)     (0x10u + 4u * (n))
#define CAP_PCIE   0x80
#define CAP_REBAR  0x0015
#define REBAR_AT   0x100u
#define SIZE_FIELD 0x3f00u
#define VENDOR_ID  0x1234 /* QEMU's own */
#define DEVICE_ID  0x7e5a
#define CLASS      0x1180 /* a signal processing controller: nobody drives it */

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
void pci_default_write_config(void *, uint32_t, uint32_t, int);
int pcie_endpoint_cap_init(void *, uint8_t);
void pcie_add_capability(void *, uint16_t, uint8_t, uint16_t, uint16_t);
void error_setg_internal(struct Error **, const char *, int, const char *, const char *, ...);

#define refuse(errp, ...) error_setg_internal(errp, __FILE__, __LINE__, __func__, __VA_ARGS__)

/* ---- one device ---- */

struct bar {
	uint64_t size;  /* bytes; 0: there is none */
	uint64_t sizes; /* bit n: 1 MiB << n; 0: it cannot be resized */
	uint8_t type;   /* low bits of the register */
};
struct own {
	struct bar bars[N_BARS];
};

static size_t own_at; /* where ours begins in the instance */

static struct own *own_of(void *device)
{
	return (struct own *)((uint8_t *)device + own_at);
}

static void put32(uint8_t *at, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)(at[0] | at[1] << 8 | at[2] << 16) | (uint32_t)at[3] << 24;
}

/* What of the address can be written; the address itself is gone (PCIe 7.8.6.3). */
static void set_bar(struct device *d, unsigned int n, const struct bar *bar)
{
	const uint64_t mask = ~(bar->size - 1);

	put32(d->config + BAR(n), bar->type);
	put32(d->wmask + BAR(n), (uint32_t)mask);
	if (bar->type & 4) {
		put32(d->config + BAR(n + 1), 0);
		put32(d->wmask + BAR(n + 1), (uint32_t)(mask >> 32));
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

/* PCIe 7.8.6: two registers for each BAR; sizes beyond 128 TiB are in the second one. */
static void add_rebar(struct device *d, const struct own *own)
{
	const unsigned int n = count_resizable(own);
	unsigned int at = REBAR_AT + 4;

	if (n == 0)
		return;
	pcie_add_capability(d, CAP_REBAR, 1, REBAR_AT, (uint16_t)(4 + 8 * n));
	for (unsigned int i = 0; i < N_BARS; i++) {
		const struct bar *bar = &own->bars[i];

		if (bar->sizes == 0)
			continue;
		put32(d->config + at, (uint32_t)(bar->sizes << 4));
		put32(d->config + at + 4,
			i | n << 5 | order_of(bar->size) << 8 | (uint32_t)(bar->sizes >> 28) << 16);
		put32(d->wmask + at + 4, SIZE_FIELD);
		at += 8;
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
		set_bar(device, i, &own->bars[i]);
	}
	if (pcie_endpoint_cap_init(device, CAP_PCIE) < 0) {
		refuse(errp, "no room for the PCI Express capability");
		return;
	}
	add_rebar(device, own);
}

static void apply_size(struct device *d, struct own *own, unsigned int at)
{
	const uint32_t control = get32(d->config + at);
	const unsigned int n = (control & SIZE_FIELD) >> 8;
	struct bar *bar = &own->bars[control & 7];

	if (n >= N_SIZES || MIB << n == bar->size)
		return;
	bar->size = MIB << n;
	set_bar(d, control & 7, bar);
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

static void parse_bar(void *device, unsigned int n, const char *text, struct Error **errp)
{
	struct bar bar = { 0 };
	const char *at = text;

	if (!parse_size(&at, &bar.size) || !parse_kind(&at, &bar.type) ||
		(*at && !parse_sizes(&at, &bar)) || *at)
		refuse(errp, "not a BAR: \"%s\"", text);
	else
		own_of(device)->bars[n] = bar;
}

#define PROPERTY(n)                                                                 \
	static void set_bar##n(void *device, const char *text, struct Error **errp) \
	{                                                                           \
		parse_bar(device, n, text, errp);                                   \
	}
PROPERTY(0)
PROPERTY(1)
PROPERTY(2)
PROPERTY(3)
PROPERTY(4)
PROPERTY(5)

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
	own_at = (object_type_get_instance_size("pci-device") + 15) & ~(size_t)15;
	type.instance_size = own_at + sizeof(struct own);
	type_register_static(&type);
	return 0;
}
